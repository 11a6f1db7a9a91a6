"""The page that reports a run, and the commands that write it and the picture."""

import json
import re
import string
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from linreg_command import linreg
from outcomes import drawn_rows, outcome_of
from page_browser import Opened, browser, opened  # noqa: F401

from linreg.looking import plots, report
from linreg.looking.report_words import REPORT_WORDS
from linreg.looking.statistics import Design, summarise
from linreg.looking.words import PLOT_WORDS, number

pytest.importorskip("matplotlib")
# minigrad keeps NumPy's warnings of overflow quiet, as torch does; pytest's filters undo that.
pytestmark = pytest.mark.filterwarnings(r"ignore::RuntimeWarning:minigrad\.|<")

ROOT = Path(__file__).parent.parent
NORRIS = str(ROOT / "examples" / "data" / "norris.csv")
HOSTILE = ["<script>alert(1)</script>", "\"'><img src=x onerror=alert(1)>", "$title ${lang}", "&amp;\n\x00\ud800"]


class Read(HTMLParser):
    """Reads a page: its texts and elements; an element that is not closed is an error."""

    def __init__(self, page):
        super().__init__()
        self.open, self.elements, self.texts = [], [], []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data.strip())

    def attributes(self, name):
        return [attributes[name] for _, attributes in self.elements if name in attributes]


def assert_sound(page):
    """It needs nothing from elsewhere, runs nothing, and is for those too who do not see it; as it was read."""
    read = Read(page)
    assert not {"script", "link", "img", "iframe", "object"} & {tag for tag, _ in read.elements}
    assert not [attribute for _, attributes in read.elements for attribute in attributes if attribute.startswith("on")]
    ids = read.attributes("id")
    assert len(ids) == len(set(ids))
    for link in [*read.attributes("href"), *read.attributes("xlink:href")]:
        assert link[1:] in ids
    for link in re.findall(r"url\(#(.*?)\)", page):
        assert link in ids
    assert re.findall(r"https?:", re.sub(r'xmlns(:xlink)?="[^"]*"', "", page)) == []
    for tag, attributes in read.elements:
        if tag == "svg":
            assert attributes["role"] == "img"
            assert len(attributes["aria-label"]) > 20
        if tag == "th":
            assert attributes["scope"] in ("row", "col")
        if "tabindex" in attributes:
            assert attributes["aria-label"]
    assert not re.search(r"#[0-9a-f]{6}", "".join(read.attributes("style")))  # colours follow light and dark
    return read


@pytest.fixture
def unpainted(monkeypatch):
    """Pages with empty pictures, for tests of their words: to paint them takes most of the time."""
    monkeypatch.setattr(plots, "rendered", lambda drawn, suffix: (b'<svg height="1"></svg>', ""))


@settings(max_examples=3)
@given(st.sampled_from([1, 3]), st.sampled_from([2, 4, 30]), st.sampled_from(["en", "zh"]), st.booleans(), st.data())
def test_every_run_has_a_sound_page(features, rows, lang, intercept, data):
    chosen = data.draw(st.sampled_from([{}, {"optimizer": "newton"}, {"weight_decay": 0.1}, {"lr": 9.0}]))
    outcome = outcome_of(*drawn_rows(rows, features, noise=rows % 4), fit_intercept=intercept, **chosen)
    page = report.page(outcome, lang)
    read = assert_sound(page)
    assert ("html", {"lang": report.HTML_LANGUAGES[lang]}) in read.elements
    for heading in ("coefficients", "residuals", "training", "configuration"):
        assert REPORT_WORDS[lang][heading] in read.texts
    assert page.count("$") == 0
    assert bool(outcome.diverged) == (REPORT_WORDS[lang]["diverged"].split("{why}")[1] in page)


def test_a_page_tells_the_statistics(unpainted):
    outcome = outcome_of(*drawn_rows(60, 2), optimizer="newton")
    summary, page = summarise(outcome), report.page(outcome, command=["linreg", "--target", "a b"])
    texts = Read(page).texts
    for row in summary.coefficients:
        name = row.name or "(intercept)"
        place = texts.index(name)
        told = [text for text in texts[place : place + 20] if text]
        interval = f"{number(row.low, 6)} … {number(row.high, 6)}"
        assert told[1:6] == [
            number(row.estimate, 9),
            number(row.exact, 9),
            number(row.error, 5),
            interval,
            number(row.t),
        ]
    assert f"{number(summary.deviation, 6)}" in texts
    assert number(summary.aic, 9) in texts
    assert number(summary.bic, 9) in texts
    assert "linreg --target 'a b'" in texts
    assert "Nothing speaks against a normal distribution." in texts
    assert "newton" in texts
    assert not [text for text in texts if text in ("nan", "inf")]


def test_more_features_than_rows_leave_no_row_to_judge_by(unpainted):
    words = REPORT_WORDS["en"]
    page = report.page(outcome_of(*drawn_rows(8, 12), optimizer="lstsq"))
    assert words["dependent"] in page
    assert words["saturated"] in page
    verdict = re.search('<p class="verdict bad">([^<]*)', page)[1]
    assert verdict.endswith(words["vain_dependent"].format(count=13))
    page = report.page(outcome_of(*drawn_rows(5, 4), optimizer="lstsq"))
    assert words["vain"].format(count=5) in page
    assert 'class="verdict bad"' not in report.page(outcome_of(*drawn_rows(5, 4), optimizer="lstsq", weight_decay=0.1))
    X, y = drawn_rows(40, 2)
    page = report.page(outcome_of(np.column_stack([X, X[:, 0]]), y, optimizer="lstsq"))
    assert words["dependent"] in page
    assert words["saturated"] not in page


def test_of_a_sample_no_more_is_said_than_was_looked_at(unpainted):
    page = report.page(outcome_of(*drawn_rows(4001, 2), optimizer="lstsq"))
    assert f"<h3>{REPORT_WORDS['en']['influential_sampled']}</h3>" in page
    assert REPORT_WORDS["en"]["influence_partly"] in page


def test_r_squared_about_0_is_called_so_and_compared_with_0(unpainted):
    X, y = drawn_rows(40, 2)
    page = report.page(outcome_of(X, y, fit_intercept=False, optimizer="lstsq"))
    assert re.findall(r">([^<]*R²[^<]*)</th>", page) == [
        *("R² about 0 (exact solution)", "R² about 0 (as trained)", "adjusted R² about 0")
    ]
    worse = outcome_of(X, y, fit_intercept=False, optimizer="lstsq")
    worse.w = -9 * worse.w
    assert "0 would predict y better than this (R² about 0 = −" in report.page(worse)


def test_nearly_all_is_not_told_as_all(unpainted):
    x = np.linspace(0, 1, 50)
    outcome = outcome_of(x[:, None], x + 1e-5 * np.cos(9 * x), optimizer="lstsq")
    page = report.page(outcome)
    assert "99.99 % of the variance" in page
    assert "(R² = 0.9999)" in page
    assert [report._short_of_all(x) for x in (0.99147, 99.147, 99.996, 0.99996, 1.0, 100.0, 1 - 1e-16)] == [
        *("0.9915", "99.15", "99.99", "0.9999", "1", "100", "0.9999")
    ]


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("intercept", [True, False])
def test_columns_that_nearly_depend_are_named(lang, intercept, unpainted):
    a, b, c, e, f = np.random.default_rng(3).normal(size=(5, 50))
    words = REPORT_WORDS[lang]
    # Two relations that are equally near come mixed, and each is still told by itself.
    for near, other in ((1e-3, 1e-2), (1e-3, 1.0), (1.0, 1.0), (1e-3, 1e-3)):
        X = np.column_stack([a, 1e6 * b, a + near * e, c, c - 3 * b + other * f]) + 5 * intercept
        outcome = outcome_of(X, a + b, optimizer="newton", fit_intercept=intercept)
        X = X - X.mean(axis=0) * intercept
        condition, groups = Design(outcome).condition
        assert condition == pytest.approx(np.linalg.cond(X / np.linalg.norm(X, axis=0)))
        assert groups == [[0, 2]] * (near < 1) + [[1, 3, 4]] * (other < 1)
        if near == other:
            said = words["nearly"].format(
                names="x0, x2", also=words["nearly_also"].format(names="x1, x3, x4"), condition=number(condition)
            )
            page = report.page(outcome, lang)
            assert (said in page) == (words["nearly"].split("{condition}")[1] in page) == (near < 1)


def test_a_sum_of_many_columns_is_not_told_alone():
    X = np.random.default_rng(3).normal(size=(300, 100))
    X[:, 0] = X[:, 1:].sum(axis=1) + 1e-3 * X[:, 0]
    assert Design(outcome_of(X, X[:, 1], optimizer="lstsq")).condition[1] == [list(range(100))]


@pytest.mark.parametrize("early", [True, False])
def test_whether_training_has_converged_is_told(early, unpainted):
    page = report.page(outcome_of(*drawn_rows(60, 1), lr=0.01 if early else 0.2, num_epochs=1 if early else 60))
    assert ("more epochs or another learning rate" in page) == early
    assert ("they show that as well" in page) == early
    assert ("within their uncertainty" in page) != early


def test_what_the_reader_named_is_never_markup():
    command = ["linreg", "--data", HOSTILE[0], "--target", HOSTILE[1]]
    outcome = outcome_of(*drawn_rows(40, 4), names=tuple(HOSTILE), target=HOSTILE[0])
    page = report.page(outcome, command=command)
    assert_sound(page)
    assert page.count("<script") == page.count("<img") == 0
    assert "&lt;script&gt;" in page
    page.encode("utf-8")


def placeholders(text):
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("words", [PLOT_WORDS, REPORT_WORDS], ids=["plots", "report"])
def test_both_languages_say_the_same_things(words):
    english, chinese = words["en"], words["zh"]
    assert list(english) == list(chinese)
    for name, text in english.items():
        assert placeholders(text) == placeholders(chinese[name]), name


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_a_browser_shows_the_page_without_a_word(opened: Opened, colours):  # noqa: F811
    tab = opened(report.page(outcome_of(*drawn_rows(40, 2), names=("价格", "x" * 100)), "zh"), colours=colours)
    tab.set_viewport_size({"width": 380, "height": 800})
    assert tab.evaluate("document.documentElement.scrollWidth") == 380
    background = tab.evaluate("getComputedStyle(document.querySelector('figure svg path')).fill")
    assert background == {"light": "rgb(255, 255, 255)", "dark": "rgb(28, 32, 36)"}[colours]


# The commands


@pytest.mark.parametrize("job", [["--num-examples", "50"], ["--data", NORRIS, "--target", "y"]])
def test_the_command_writes_a_picture_and_a_page(job, tmp_path):
    plot, page = tmp_path / "run.svg", tmp_path / "run.html"
    plain = linreg(*job, "--seed", 1)
    status, out, err = linreg(*job, "--seed", 1, "--plot", plot, "--report", page, "--lang", "zh")
    assert (status, err) == (0, "")
    assert out == plain[1] + f"wrote {plot}\nwrote {page}\n"
    assert b"</svg>" in plot.read_bytes()
    assert PLOT_WORDS["zh"]["fitted"] in plot.read_text(encoding="utf-8")
    text = page.read_text(encoding="utf-8")
    assert_sound(text)
    assert f"--plot {plot} --report {page} --lang zh</pre>" in text
    assert sorted(file.name for file in tmp_path.iterdir()) == ["run.html", "run.svg"]


def test_the_readmes_command_makes_the_readmes_picture(tmp_path, monkeypatch):
    texts = [(ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.zh-CN.md")]
    line = r"^\.venv/bin/linreg (.* --plot .*)$"
    english, chinese = (re.search(line, text.replace("\\\n", ""), re.MULTILINE)[1] for text in texts)
    assert english == chinese
    command = english.split()
    command[command.index("--data") + 1] = str(ROOT / command[command.index("--data") + 1])
    monkeypatch.chdir(tmp_path)
    assert linreg(*command)[0] == 0
    assert texts_of(tmp_path / "penguins.svg") == texts_of(ROOT / "docs" / "images" / "penguins.svg")
    assert_sound((tmp_path / "penguins.html").read_text(encoding="utf-8"))


def texts_of(picture):
    """All the numbers and words that a picture has."""
    return re.findall(r"<text[^>]*>(.*?)</text>", picture.read_text(encoding="utf-8"), re.DOTALL)


def test_the_page_names_the_seed_that_was_drawn(tmp_path, unpainted):
    page = tmp_path / "run.html"
    result = json.loads(linreg("--num-examples", 30, "--json", "--report", page)[1])
    assert f"--report {page} --seed {result['seed']}</pre>" in page.read_text(encoding="utf-8")


def test_the_error_on_the_rows_held_out_is_in_the_targets_own_units(tmp_path, unpainted):
    rng = np.random.default_rng(5)
    x, y, c = rng.normal(size=40), rng.normal(size=40) * 1000, np.array(["b", "a"] * 20)
    np.savez(tmp_path / "t.npz", x=x, c=c, y=y)
    words = ["--data", tmp_path / "t.npz", "--target", "y", "--categories", "c", "--validation", "0.3", "--seed", "2"]
    kept = ["--dtype", "float64", "--save", tmp_path / "run", "--report", tmp_path / "r.html"]
    status, out, err = linreg(*words, *kept, "--json")
    assert (status, err) == (0, "")
    run = json.loads(out)
    slope, of_b, constant = (
        each["estimate"] for each in (run["coefficients"]["x"], run["coefficients"]["c=b"], run["intercept"])
    )
    errors = (y - slope * x - of_b * (c == "b") - constant) ** 2
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert REPORT_WORDS["en"]["reference"].format(levels="c=a") in page
    assert linreg("show", tmp_path / "run")[1].splitlines()[-2] == "reference levels: c=a"
    facts = dict(re.findall(r'<th scope="row">([^<]*)</th><td>([^<]*)</td>', page))
    assert float(facts["R² of the rows held out"].replace("−", "-")) == pytest.approx(run["validation_r2"], rel=1e-5)
    told = re.findall(r"root mean square error \(?(as trained|of the rows held out)\)?</th><td[^>]*>([\d.]+)<", page)
    trained, held = (float(value) for _, value in told)
    whole = run["rows"] * trained**2 + (40 - run["rows"]) * held**2
    assert whole == pytest.approx(errors.sum(), rel=1e-4)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_missing_values_and_the_best_epoch_are_told_where_there_are_some(tmp_path, lang, unpainted):
    rng = np.random.default_rng(1)
    x, z = rng.normal(size=(2, 40))
    y = x + rng.normal(size=40)
    x[:3], z[5], y[7] = np.nan, np.nan, np.nan
    np.savez(tmp_path / "t.npz", x=x, z=z, y=y)
    words = [
        "--data",
        tmp_path / "t.npz",
        "--target",
        "y",
        "--seed",
        "0",
        "--lang",
        lang,
        "--report",
        tmp_path / "r.html",
    ]
    said = REPORT_WORDS[lang]
    for missing, dropped, note in (("drop", 5, "missing_dropped"), ("mean", 1, "missing_filled")):
        held = ["--validation", "0.3", "--lr", "0.5", "--batch-size", "2", "--num-epochs", "9", "--patience", "9"]
        status, out, _ = linreg(*words, "--missing", missing, *held, "--json")
        assert status == 0
        result = json.loads(out)
        losses = result["validation_losses"]
        page = (tmp_path / "r.html").read_text(encoding="utf-8")
        assert_sound(page)
        assert said[note].format(dropped=dropped, read=40) in page
        for name, count in (("x", 3), ("z", 1), ("y", 1)):
            assert f'<th scope="row">{name}</th><td class="number">{count}</td>' in page
        best = int(np.argmin(losses)) + 1
        assert best < 9
        assert f'<th scope="row">{said["best_epoch"]}</th><td>{best}</td>' in page
        assert f'<th scope="row">{said["best_loss"]}</th><td>{number(min(losses), 6)}</td>' in page
    np.savez(tmp_path / "t.npz", x=z[8:], y=y[8:])
    assert linreg(*words)[0] == 0
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert not any(said[word] in page for word in ("missing", "best_epoch", "best_loss"))


def test_a_run_that_diverges_is_drawn_too(tmp_path):
    page = tmp_path / "run.html"
    status, out, err = linreg("--num-examples", 100, "--lr", 5, "--seed", 0, "--report", page)
    assert status == 1
    assert "wrote" in out
    assert "training diverged" in err
    assert REPORT_WORDS["en"]["diverged"].split("{why}")[1] in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--plot", "run.jpeg"], "does not end with .png or .svg or .pdf"),
        (["--report", "run.svg"], "does not end with .html"),
        (["--plot", "nowhere/run.svg"], "there is no folder"),
        (["--report", "folder.html"], "it is a folder"),
        (["--plot", "run.svg", "--explain"], "--plot cannot go with --explain"),
        (["--report", "run.html", "--explain", "step.svg"], "--report cannot go with --explain"),
        (["--lang", "zh"], "--lang needs --explain, --plot or --report"),
    ],
)
def test_what_cannot_be_written_is_refused_before_training(options, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.html").mkdir()
    status, out, err = linreg(*options)
    assert (status, out) == (2, "")
    assert err.startswith("linreg: error: ")
    assert said in err
    assert len(err.splitlines()) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["folder.html"]


def test_without_matplotlib_the_command_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    for options in (["--plot", tmp_path / "run.svg"], ["--report", tmp_path / "run.html"]):
        status, out, err = linreg(*options)
        assert (status, out) == (2, "")
        assert 'pip install ".[plot]"' in err
        assert len(err.splitlines()) == 1


def test_what_fails_while_writing_leaves_the_old_file(tmp_path, monkeypatch):
    plot = tmp_path / "run.svg"
    plot.write_text("before")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(plots, "write_whole", full)
    status, out, err = linreg("--num-examples", 20, "--plot", plot)
    assert status == 2
    assert "estimated w" in out  # what training found is not lost
    assert err == f"linreg: error: cannot write {plot}: No space left on device\n"
    assert plot.read_text() == "before"


def test_letters_without_a_font_are_told_on_stderr(tmp_path, monkeypatch):
    (tmp_path / "table.csv").write_text("𓀀,y\n1,2\n2,3\n3,5\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    status, out, err = linreg("--data", "table.csv", "--target", "y", "--plot", "run.png")
    assert status == 0
    assert err.startswith("linreg: warning: matplotlib knows no font that has 𓀀, so run.png has boxes")
    assert out.endswith("wrote run.png\n")


def test_a_resumed_run_may_be_looked_at(tmp_path):
    assert linreg("--num-examples", 40, "--seed", 0, "--save", tmp_path / "run")[0] == 0
    page = tmp_path / "run.html"
    status, _, err = linreg("--resume", tmp_path / "run", "--num-epochs", 4, "--report", page)
    assert (status, err) == (0, "")
    assert "num_epochs" in page.read_text(encoding="utf-8")
