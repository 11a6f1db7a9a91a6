"""The pytest plugin of minigrad.testing, each time in a pytest of its own."""

import math
import re
import sys
from collections.abc import Callable
from html.parser import HTMLParser

import pytest

from minigrad.testing import plugin, profiles, record, report

pytest_plugins = ["pytester"]
PLUGIN = plugin.__name__
Run = Callable[..., pytest.RunResult]

NOTES = """
    from minigrad.testing import record

    def test_exp():
        record.note("exp", "gradients", "float32", 0.25, 6)
        record.note("exp", "gradients", "float64", 0.5, 6)

    def test_sum():
        record.note("sum", "second_gradients", "float64", 0.0, 1)
"""


@pytest.fixture
def run(pytester: pytest.Pytester) -> Run:
    """Runs the test file: with workers in a process of its own, else in this one, which is quicker."""

    def run(text: str, *options: str) -> pytest.RunResult:
        pytester.makepyfile(test_it=text)
        start = pytester.runpytest_subprocess if "-n" in options else pytester.runpytest_inprocess
        return start("-p", PLUGIN, "-p", "no:hypothesispytest", *options)

    return run


@pytest.fixture(autouse=True)
def _apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the run around it recorded is not mixed in, nor its profile another one afterwards."""
    monkeypatch.setattr(record, "RECORD", {})
    monkeypatch.setattr(profiles, "_current", profiles.Profile("", 0, 0))


def section(result: pytest.RunResult) -> list[str]:
    """The lines under the heading "gradients"."""
    start = next((i for i, line in enumerate(result.outlines) if re.fullmatch("=+ gradients =+", line)), None)
    if start is None:
        return []
    return [line for line in result.outlines[start + 1 :] if not line.startswith("=")]


PROFILE = """
    from minigrad.testing import profiles

    def test_profile():
        print("in use:", *profiles.current())
"""


@pytest.mark.parametrize(
    ("options", "used"),
    [
        ([], ("ci", 200, 0)),
        (["--gradient-seed=7"], ("ci", 200, 7)),
        (["--gradient-profile=deep", "--gradient-seed=0"], ("deep", 5000, 0)),
    ],
)
def test_a_profile_and_its_seed(run: Run, options: list[str], used: tuple[str, int, int]) -> None:
    result = run(PROFILE, "-s", *options)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines([f"*in use: {used[0]} {used[1]} {used[2]}"])
    header = f"gradients: repeat with --gradient-profile={used[0]} --gradient-seed={used[2]}"
    assert (header in result.outlines) == bool(options)  # nothing to repeat where nothing was chosen


def test_a_seed_drawn_for_the_run_is_shown_and_repeats_it(run: Run) -> None:
    first, second = (run(PROFILE, "-s", "--gradient-profile=quick") for _ in range(2))
    [options] = re.findall(r"^gradients: repeat with (.*)$", first.stdout.str(), re.MULTILINE)
    assert options not in second.stdout.str()
    seed = options.rpartition("=")[2]
    again = run(PROFILE, "-s", *options.split())
    for result in (first, again):
        result.stdout.fnmatch_lines([f"*in use: quick 50 {seed}"])


def test_the_workers_of_xdist_draw_from_one_seed(run: Run) -> None:
    text = """
        import pytest
        from minigrad.testing import profiles, record

        @pytest.mark.parametrize("i", range(4))
        def test_seed(i):
            record.note(f"seed {profiles.current().seed}", "gradients", "float64", 0.5)
    """
    result = run(text, "-n", "2", "--gradient-profile=quick")
    result.assert_outcomes(passed=4)
    [seed] = re.findall(r"--gradient-seed=(\d+)$", section(result)[1])
    assert section(result)[0].startswith("1 operation, 1 check, 4 examples")
    result.stdout.fnmatch_lines([f"seed {seed} *4  float64 *50%"])


def test_an_unknown_profile_is_refused(run: Run) -> None:
    result = run(PROFILE, "--gradient-profile=thorough")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*invalid choice: 'thorough' (choose from*quick*ci*deep*"])
    with pytest.raises(ValueError, match="there is no profile 'thorough'; choose one of quick, ci, deep"):
        profiles.use("thorough")


def test_the_options_say_what_the_profiles_are(run: Run) -> None:
    text = " ".join(run(PROFILE, "--help").stdout.str().split())
    assert "--gradient-profile={" + ",".join(profiles.PROFILES) + "}" in text
    for name, examples in profiles.PROFILES.items():
        assert f"{name} {examples}" in text


@pytest.mark.parametrize("options", [["-n", "0"], ["-n", "2"]])
def test_the_report_in_the_terminal(run: Run, options: list[str]) -> None:
    result = run(NOTES, *options)
    result.assert_outcomes(passed=2)
    assert section(result) == [
        "2 operations, 2 checks, 3 examples, worst error 50% of what is allowed (exp, gradients, float64)",
        "Repeat with --gradient-profile=ci --gradient-seed=0",
        "Worst error seen, in percent of what the check allows: over 100% it failed.",
        "                                               second",
        "operation  examples  dtypes      gradients  gradients",
        "exp               2  float32/64        50%          -",
        "sum               1  float64             -         0%",
    ]


def test_the_report_in_one_line(run: Run) -> None:
    result = run(NOTES, "-q")
    assert len(section(result)) <= 3
    result.stdout.fnmatch_lines(["2 operations, 2 checks, 3 examples, worst error 50% *"])
    result.stdout.no_fnmatch_line("operation *examples*")


def test_no_report_where_nothing_was_checked(run: Run, pytester: pytest.Pytester) -> None:
    result = run("def test_other(): pass", "--gradient-report=page.html")
    result.assert_outcomes(passed=1)
    assert section(result) == []
    result.stdout.fnmatch_lines(["gradients: page.html was not written, because no gradient was checked"])
    assert not (pytester.path / "page.html").exists()


def test_loading_it_imports_nothing(pytester: pytest.Pytester) -> None:
    text = f"""
        import runpy, sys
        import pytest
        before = set(sys.modules)
        runpy.run_path({plugin.__file__!r})
        print(*sorted(set(sys.modules) - before))
    """
    loaded = pytester.run(sys.executable, pytester.makepyfile(text))
    assert (loaded.ret, set(loaded.stdout.str().split()) - {"runpy", "pkgutil"}) == (0, set())


def test_a_failed_check_is_red(run: Run) -> None:
    text = """
        from minigrad.testing import record

        def test_them():
            record.note("right", "gradients", "float64", 1.0)
            record.note("wrong", "gradients", "float64", 1.0004)
            record.note("lost", "gradients", "float64", float("nan"))
    """
    red = [line for line in run(text, "--color=yes").outlines if line.startswith("\x1b[31m")]
    assert [re.sub(r"\x1b\[\d+m", "", line).split() for line in red] == [
        ["lost", "1", "float64", ">999%"],
        ["wrong", "1", "float64", "101%"],
    ]


MUTANTS = """
    class TestTheirs:
        gradient_properties = True

        def test_gradients(self):
            pass

        def test_mutants(self):
            pass

    class TestOther:
        def test_mutants(self):
            pass
"""


def test_mutants_run_when_asked_for(run: Run) -> None:
    run(MUTANTS).assert_outcomes(passed=2, deselected=1)
    run(MUTANTS, "--gradient-mutants").assert_outcomes(passed=3)


class Page(HTMLParser):
    """The rows of a page's table as text, and every tag that loads or runs something."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.open: list[str] = []
        self.active: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in {"meta", "br"}:
            self.open.append(tag)
        if tag in {"script", "link", "img", "iframe"} or {"src", "href"} & {name for name, _ in attrs}:
            self.active.append(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in {"th", "td"}:
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if {"th", "td"} & set(self.open):
            self.rows[-1][-1] += data + " "


def test_the_report_as_a_page(run: Run, pytester: pytest.Pytester) -> None:
    result = run(NOTES, "--gradient-report=made/page.html", "--gradient-seed=5")
    file = pytester.path / "made" / "page.html"
    result.stdout.fnmatch_lines([f"All of it: {file}"])
    text = file.read_text(encoding="utf-8")
    page = Page(text)
    assert [[cell.strip() for cell in row] for row in page.rows] == [
        ["operation", "dtype", "gradients", "second gradients"],
        ["exp", "float32", "25% 1", "–"],
        ["float64", "50% 1", "–"],
        ["sum", "float64", "–", "0% 1"],
    ]
    assert page.active == []
    assert "url(" not in text
    assert "@import" not in text
    assert "prefers-color-scheme: dark" in text
    assert "<code>pytest --gradient-profile=ci --gradient-seed=5</code>" in text


def test_names_are_text_on_the_page() -> None:
    record.note("<lambda> & 'co'", "<check>", "<dtype>", 3.0)
    text = report.page(record.RECORD, "")
    assert [[cell.strip() for cell in row] for row in Page(text).rows] == [
        ["operation", "dtype", "<check>"],
        ["<lambda> & 'co'", "<dtype>", "✗ 300% 1"],
    ]


def test_a_long_table_keeps_to_a_page() -> None:
    checks = [f"{word}_something" for word in ["one", "two", "three", "four", "five", "six", "seven", "eight"]]
    for i in range(100):
        for check in checks:
            record.note("o" * (i + 1), check, "float64", i / 100)
    lines = [line for line, _ in report.table(record.RECORD, width=80)]
    assert len(lines) <= report.ROWS + 5
    assert all(len(line) <= 80 for line in lines)
    assert lines[1].startswith("a=eight_something, b=five_something, c=four_something")
    assert lines[-1] == "and 60 operations more, the worst at 59%"
    whole = [line for line, _ in report.table(record.RECORD, width=300, rows=100)]
    assert whole[1].split() == [check.partition("_")[0] for check in sorted(checks)]
    assert len(whole) == 103


def test_what_is_recorded() -> None:
    record.note("exp", "gradients", "float64", 0.25, 3)
    record.note("exp", "gradients", "float64", 0.125, 4)
    with record.paused():
        record.note("exp", "gradients", "float64", 7.0)
    with pytest.raises(ZeroDivisionError), record.paused():
        1 / 0  # an exception ends the pause too
    record.note("exp", "adjoint", "float64", math.nan)
    assert list(record.RECORD.items()) == [
        (("exp", "gradients", "float64"), record.Entry(count=2, worst=0.25, elements=7)),
        (("exp", "adjoint", "float64"), record.Entry(count=1, worst=math.inf)),
    ]
    assert record.from_json(record.as_json()) == record.RECORD
    record.merge(record.from_json(record.as_json()))
    assert record.RECORD["exp", "gradients", "float64"] == record.Entry(4, 0.25, 14)
    record.clear()
    assert record.RECORD == {}
