"""Whatever stands in the user's program, the page shows it and runs none of it; and everyone can read it."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from page_browser import Opened, at, browser, chain, diamond, look_of, opened, regression, shown, texts

import minigrad as torch
from minigrad import show
from minigrad.show.model import Backward, Place
from minigrad.show.pages import Page, made_of

__all__ = ["browser", "opened"]  # the fixtures
WEB = Path(show.__file__).parent / "web"


# An end tag needs no ">", and what looks like the start of a comment and of a script hides the end that follows.
NASTY = (
    "</script <!-- <script </script/><img src=x onerror=alert(1)><!--\"'`&amp;${1}\u2028\u202e\U0001f600שם 变量\\u0000"
)


def nasty() -> Backward:
    """A pass in which everything that a user can name is hostile."""
    data = show.steps(diamond())
    line = f"😀 = {NASTY!r} + 变量"
    column = line.index("变量")
    place = Place(NASTY, NASTY, 1, 1, column, column + 2, NASTY, line, (NASTY,), NASTY)
    for node in data.nodes:
        node.label = node.name = NASTY
        node.place = place if node.kind == "operation" else None
        node.options = {NASTY: NASTY}
        for one in node.inputs:
            one.name = NASTY
    for step in data.steps:
        for flow in step.flows:
            flow.rule = flow.numbers = flow.input = NASTY
        step.saved = [replace(saved, name=NASTY, text=NASTY) for saved in step.saved]
    for ledger in data.ledgers.values():
        ledger.checks = {NASTY: ledger.entries[0].value}
    data.sources = {NASTY: f"{line}\n</style></script></textarea>\n"}
    data.higher = {data.nodes[0].id: replace(data, higher={})}
    return data


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_what_the_user_wrote_is_shown_and_never_run(lang: str, opened: Opened) -> None:
    tab = opened(made_of(nasty(), nasty(), lang=lang, title=f"{NASTY}\ud800"))
    shown_text = NASTY.replace("\u2028", "\\u2028").replace("\u202e", "\\u202e")
    assert tab.locator("img").count() == 0
    assert tab.locator("script").count() == 3
    assert tab.text_content("#title") == f"{shown_text}?"
    assert tab.text_content("mark") == "变量"  # columns count characters, of which the emoji is one
    for _ in range(7):
        tab.click("#next", force=True)
        tab.keyboard.press("Tab")
    tab.check("#naive")
    tab.check("#practice")
    tab.fill("#slider", "5")
    assert shown_text in tab.text_content("#step")
    assert shown_text in texts(tab, "#graphs option")[1]
    assert tab.text_content("#code .line:last-child .text") == "</style></script></textarea>"
    assert tab.locator("img").count() == 0


def test_the_words_are_those_that_the_scripts_use() -> None:
    words = json.loads((WEB / "words.json").read_text(encoding="utf-8"))
    holes = {lang: {key: set(re.findall(r"\{(\w+)\}", text)) for key, text in words[lang].items()} for lang in words}
    assert holes["en"] == holes["zh"]
    code = "".join(
        file.read_text(encoding="utf-8") for file in sorted(WEB.glob("*.[jh]*")) if file.name != "words.json"
    )
    known = set(words["en"])
    named = set(re.findall(r"""["'](\w+)["']""", code))
    assert known - named == {"differences", "torch"}  # words for what stands in the data
    certain = re.findall(r'\bt\("(\w+)"|sentence\("(\w+)"|data-(?:word|label|hint)="(\w+)"', code)
    assert {key for keys in certain for key in keys if key} <= known


def test_the_page_may_neither_ask_the_network_nor_run_what_it_did_not_bring(opened: Opened) -> None:
    tab = opened(show.page(diamond()))
    stopped = []
    tab.on("requestfailed", lambda request: stopped.append((request.url, request.failure)))
    reached = "fetch('https://minigrad.invalid/').then(() => 'yes', () => 'no')"
    assert tab.evaluate(reached) == "no"
    inject = (
        "s = document.createElement('script'); s.textContent = 'window.ran = 1'; document.body.append(s); window.ran"
    )
    assert tab.evaluate(inject) is None
    tab.evaluate(
        "new Promise(done => document.body.append(Object.assign(new Image(), {src: 'https://minigrad.invalid/a.png', onerror: done})))"
    )
    assert len(opened.said) >= 2
    assert all("Content Security Policy" in said for said in opened.said)
    assert [url for url in opened.asked if "minigrad.invalid" in url] == [url for url, _ in stopped]
    assert {how for _, how in stopped} == {"csp"}
    opened.said.clear()
    opened.asked.clear()


def test_columns_are_marked_in_lines_with_emoji_and_over_several_lines(opened: Opened) -> None:
    data = show.steps(chain(1))
    source = 's = "😀😀"; y = (x *\n     2.0); z = 1\n'
    start = source.index("x *")
    (node,) = (node for node in data.nodes if node.kind == "operation")
    node.place = Place("a.py", "f", 1, 2, start, 8, "x *\n     2.0", source, ("x",), "y")
    tab = opened(made_of(replace(data, sources={"a.py": source})))
    assert texts(tab, "mark") == ["x *", "2.0"]
    assert texts(tab, "#code .text") == source.splitlines()


def test_long_files_are_cut_to_what_is_around_the_expressions_and_homes_are_not_named(opened: Opened) -> None:
    data = show.steps(chain(1))
    lines = [f"line_{n}" for n in range(1, 1001)]
    (node,) = (node for node in data.nodes if node.kind == "operation")
    node.place = Place("/home/somebody/work/train.py", "f", 500, 500, 0, 4, "line", "line_500\n", (), None)
    data = replace(data, sources={"/home/somebody/work/train.py": "\n".join(lines)})
    made = made_of(data, data)
    assert "somebody" not in made.html
    assert "line_500" in made.html
    assert "line_400" not in made.html
    tab = opened(made)
    assert tab.text_content("#file") == "train.py"
    assert tab.text_content("mark") == "line"
    missing = opened(made_of(replace(data, sources={})))
    assert missing.text_content("mark") == "line"


def test_details_of_what_is_pointed_at_focused_or_kept(opened: Opened) -> None:
    data = show.steps(diamond())
    (x,) = (node.id for node in data.nodes if node.kind == "leaf")
    (a,) = (node.id for node in data.nodes if node.label == "a")
    data.nodes[x].label = "x"
    tab = opened(made_of(data))
    tab.hover(f"[data-item='{x}'] rect")
    assert tab.text_content("#ledger-heading") == "Node x"
    assert shown(tab, "#details [data-kind=value]") == [[3]]
    tab.mouse.move(2, 2)
    assert tab.text_content("#ledger-heading") == "Node a"  # of the current step
    tab.click(f"[data-item='{x}'] rect")
    tab.mouse.move(2, 2)
    assert tab.text_content("#ledger-heading") == "Node x"
    assert tab.get_attribute(f"[data-item='{x}']", "aria-pressed") == "true"
    tab.keyboard.press("End")
    edge = tab.locator(f"g.edge[data-item^='{a}>']").first
    edge.dispatch_event("pointerover")
    assert tab.text_content("#ledger-heading").startswith("From a to ")
    assert shown(tab, "#details [data-kind=carriesValue]") == [[9]]
    assert len(shown(tab, "#details [data-kind=carriesGradient]")) == 1


def test_it_can_be_used_by_keyboard_and_with_a_screen_reader(opened: Opened) -> None:
    tab = opened(show.page(diamond(), create_graph=True))
    named = "all => all.map(one => (one.getAttribute('aria-label') || one.innerText || one.textContent).trim())"
    assert all(tab.eval_on_selector_all("button, [role=button]", named))
    labelled = "all => all.map(one => one.getAttribute('aria-label') || [...one.labels].map(l => l.textContent.trim()).join(''))"
    assert all(tab.eval_on_selector_all("input, select", labelled))
    assert [
        tab.locator(landmark).count() for landmark in ("header", "main", "nav", "main section[aria-labelledby] h2")
    ] == [1, 1, 1, 4]
    heard = [tab.text_content("#live")]
    order = []
    for _ in range(60):
        tab.keyboard.press("Tab")
        order.append(tab.evaluate("document.activeElement.id || document.activeElement.dataset.item || ''"))
    places = [
        order.index(id) for id in ("theme", "language", "practice", "naive", "code", "0", "play", "next", "slider")
    ]
    assert places == sorted(places)
    tab.focus("[data-item='0']")
    labels = []
    for _ in range(4):
        labels.append(tab.evaluate("document.activeElement.getAttribute('aria-label')"))
        tab.keyboard.press("ArrowDown")
    assert len(set(labels)) >= 3
    tab.keyboard.press("ArrowRight")  # still steps, and the focus stays in the graph
    assert at(tab) == 2
    tab.keyboard.press("Enter")
    assert tab.evaluate("document.activeElement.getAttribute('aria-pressed')") == "true"
    heard.append(tab.text_content("#live"))
    tab.keyboard.press("End")
    tab.keyboard.press("ArrowLeft")
    heard.append(tab.text_content("#live"))
    assert len(set(heard)) == 3
    assert re.search("Forward 1 of 3.*Result 9", heard[0])
    assert "g * b gives" in heard[2]
    assert tab.get_attribute("#live", "aria-live") == "polite"
    assert tab.get_attribute(".box.current", "aria-current") == "step"


def test_light_and_dark_follow_the_system_or_the_switch(opened: Opened) -> None:
    made = show.page(diamond())
    light, dark = opened(made, colours="light"), opened(made, colours="dark")
    grounds = look_of(light, "html", "backgroundColor"), look_of(dark, "html", "backgroundColor")
    assert grounds[0] != grounds[1]
    light.select_option("#theme", "dark")
    dark.select_option("#theme", "light")
    assert (look_of(dark, "html", "backgroundColor"), look_of(light, "html", "backgroundColor")) == grounds


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_colours_have_the_contrast_that_wcag_asks_of_text() -> None:
    style = (WEB / "page.css").read_text(encoding="utf-8")
    themes = [
        dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block)) for block in re.findall(r":root[^{]*\{([^}]*)\}", style)
    ]
    assert len(themes) == 3
    assert themes[1] == themes[2]  # dark by the switch, and by the system
    for theme in themes:
        pairs = [
            (text, ground)
            for text in ("text", "quiet", "forward", "backward", "bad", "good")
            for ground in ("page", "panel", "sunken")
        ]
        pairs += [("text", f"{name}-soft") for name in ("forward", "backward", "bad", "good")]
        pairs += [(name, f"{name}-soft") for name in ("forward", "backward", "bad", "good")]
        pairs += [
            ("on-strong", "strong"),
            ("quiet", "forward-soft"),
            ("quiet", "backward-soft"),
            ("good", "bad-soft"),
            ("backward", "forward-soft"),
        ]
        for pair in pairs:
            dim, bright = sorted(luminance(theme[name]) for name in pair)
            assert (bright + 0.05) / (dim + 0.05) >= 4.5, pair


def test_a_notebook_shows_it_in_a_frame(opened: Opened) -> None:
    made = show.page(diamond(), title="<b>&\"'")
    tab = opened(f"<!doctype html><title>notebook</title>{made._repr_html_()}")
    frame = tab.frame_locator("iframe")
    assert frame.locator("#title").text_content() == "<b>&\"'"
    frame.locator("#next").click()
    assert frame.locator("#where").text_content() == "2 of 7"
    frame.locator("#practice").check()
    frame.locator("#answer").fill("27")
    frame.locator("#answer").press("Enter")
    assert frame.locator("#live").text_content() == "Right."


def test_a_narrow_page_does_not_scroll_sideways(opened: Opened) -> None:
    tab = opened(show.page(regression(10)))
    tab.set_viewport_size({"width": 360, "height": 740})
    while tab.is_enabled("#next"):
        assert tab.evaluate("document.documentElement.scrollWidth") <= 360
        tab.keyboard.press("ArrowRight")


def test_a_page_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "backward.html"
    made = show.page(diamond(), path, title="步骤 😀")
    assert path.read_bytes().decode("utf-8") == made.html
    with pytest.raises(FileNotFoundError, match="nowhere"):
        made.save(tmp_path / "nowhere" / "backward.html")

    def fails(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("os.replace", fails)
    with pytest.raises(OSError, match="no space left"):
        Page("other", "title").save(path)
    assert path.read_text(encoding="utf-8") == made.html
    assert list(tmp_path.iterdir()) == [path]


def test_a_page_of_a_function_of_what_is_not_a_scalar_and_of_steps() -> None:
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    assert "[4,6]" in show.page(x * 2, gradient=torch.tensor([2.0, 3.0])).html
    with pytest.raises(RuntimeError, match="grad can be implicitly created only for scalar outputs"):
        show.page(x * 2)
    kept = show.page(lambda: (x + torch.ones(2)).sum()).html
    assert kept.startswith("<!doctype html>")
    assert [made.count('"stubs":[{"at"') for made in (kept, show.page((x + torch.ones(2)).sum()).html)] == [0, 1]
    assert '"naive":null' in show.page(show.steps(diamond())).html
    assert x.grad is None
