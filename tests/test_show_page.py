"""The page in a real browser: what it shows is what the data says, and nothing breaks it."""

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import minigrad as torch
from linreg.model import linreg, squared_loss
from minigrad import show
from minigrad.show.model import Backward, Place
from minigrad.show.pages import DRAWN, Page, made_of, nearest

pytest.importorskip("playwright", reason="the page is tested with playwright, which is not installed")
from playwright.sync_api import Browser, Page as Tab, sync_playwright

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="the page is tested in chromium, which is not installed")
QUIET = ("--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run")
WEB = Path(show.__file__).parent / "web"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        args = ["--headless=new", "--no-sandbox", "--disable-gpu", *QUIET]
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=args)
        yield chromium
        chromium.close()


class Opened:
    """Opens pages, and keeps what they say on the console and ask of the network."""

    def __init__(self, browser: Browser, folder: Path) -> None:
        self.browser, self.folder = browser, folder
        self.said: list[str] = []
        self.asked: list[str] = []

    def __call__(self, page: Page | str, *, clock: bool = False, **context) -> Tab:
        file = self.folder / "page.html"
        file.write_text(page if isinstance(page, str) else page.html, encoding="utf-8")
        tab = self.browser.new_context(viewport={"width": 1280, "height": 900}, **context).new_page()
        tab.set_default_timeout(5000)
        tab.on("console", lambda message: self.said.append(message.text))
        tab.on("pageerror", lambda error: self.said.append(str(error)))
        tab.on("request", lambda request: self.asked.append(request.url))
        if clock:
            tab.clock.install()
        tab.goto(file.as_uri())
        return tab


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Opened]:
    """Opens pages; afterwards, none of them has said anything or asked for anything but itself."""
    it = Opened(browser, tmp_path)
    yield it
    for context in browser.contexts:
        context.close()
    assert it.said == []
    assert {url for url in it.asked if not url.startswith(("file://", "about:srcdoc"))} == set()
    assert len(it.asked) == sum(url.endswith("/page.html") or url == "about:srcdoc" for url in it.asked)


def diamond() -> torch.Tensor:
    x = torch.tensor(3.0, requires_grad=True)
    a = x * x
    b = a * x
    return a + b


def regression(rows: int = 3) -> torch.Tensor:
    torch.manual_seed(0)
    X, y = torch.randn(rows, 2), torch.randn(rows, 1)
    w = torch.tensor([[0.1], [-0.2]], requires_grad=True)
    b = torch.zeros(1, requires_grad=True)
    l = squared_loss(linreg(X, w, b), y).sum()
    return l


def not_finite() -> torch.Tensor:
    x = torch.tensor([0.0, -1.0, 4.0], requires_grad=True)
    return (torch.log(x) * torch.tensor([1.0, 2.0, -0.0])).sum()


def large() -> torch.Tensor:
    w = torch.ones(20, 9, requires_grad=True)
    return (w.reshape(2, 10, 9).exp() + w.reshape(2, 10, 9)).mean()


def chain(length: int) -> torch.Tensor:
    h = torch.tensor(1.0, requires_grad=True)
    for _ in range(length):
        h = h * 1.001
    return h


PROGRAMS = {"diamond": diamond, "regression": regression, "not finite": not_finite, "large": large}


def numbers(data) -> list:
    """The numbers of a value as `Value.to_dict` gives it, in their order."""
    flat = []

    def add(item) -> None:
        if isinstance(item, list):
            for inner in item:
                add(inner)
        elif item is not None:
            flat.append(item)

    add(data["data"])
    return flat


def shown(tab: Tab, where: str) -> list[list]:
    """The exact numbers of each tensor shown at places that `where` selects."""
    read = "all => all.map(one => [...one.querySelectorAll('[data-exact]')].map(n => JSON.parse(n.dataset.exact)))"
    return tab.eval_on_selector_all(where, read)


def texts(tab: Tab, where: str) -> list[str]:
    return tab.locator(where).all_text_contents()


def at(tab: Tab) -> int:
    return int(tab.input_value("#slider"))


def look_of(tab: Tab, where: str, style: str) -> str:
    return tab.eval_on_selector(where, f"one => getComputedStyle(one).{style}")


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_step_shows_the_numbers_of_the_data(name: str, opened: Opened) -> None:
    data = show.steps(PROGRAMS[name]())
    plain = data.to_dict()
    tab = opened(made_of(data))
    operations = [node for node in plain["nodes"] if node["kind"] == "operation"]
    for i, node in enumerate(operations, 1):
        assert tab.text_content("#step-heading") == f"Forward {i} of {len(operations)}"
        assert shown(tab, "#story [data-kind=result]") == [numbers(node["value"])]
        known = [plain["nodes"][one["node"]]["value"] for one in node["inputs"] if one["node"] is not None]
        assert shown(tab, "#story [data-kind=inputs]") == [numbers(value) for value in known]
        if node["place"]["text"]:
            assert node["place"]["text"].startswith(tab.text_content("mark").rstrip())
        tab.click("#next")
    for i, step in enumerate(plain["steps"], 1):
        assert tab.text_content("#step-heading") == f"Backward {i} of {len(plain['steps'])}"
        assert tab.get_attribute(".box.current", "data-item") == str(step["node"])
        assert shown(tab, "#story [data-kind=incoming]") == [numbers(step["incoming"])]
        assert shown(tab, "#story [data-kind=outgoing]") == [numbers(flow["outgoing"]) for flow in step["flows"]]
        assert texts(tab, "#story [data-kind=rule] code") == [flow["rule"] for flow in step["flows"]]
        undone = [flow for flow in step["flows"] if flow["undone"]]
        assert shown(tab, "#story [data-kind=gives]") == [numbers(flow["computed"]) for flow in undone]
        totals = [
            plain["ledgers"][str(flow["node"])]["entries"][flow["entry"]]["total"]
            for flow in step["flows"]
            if flow["entry"]
        ]
        assert shown(tab, "#story [data-kind=sum]") == [numbers(total) for total in totals]
        tab.click("#next")
    assert tab.text_content("#step-heading") == "The gradients"
    leaves = [node["id"] for node in plain["nodes"] if node["kind"] == "leaf"]
    assert shown(tab, "#story [data-kind=after]") == [numbers(plain["ledgers"][str(leaf)]["after"]) for leaf in leaves]
    for id, ledger in plain["ledgers"].items():
        tab.eval_on_selector(
            f"[data-item='{id}']", "one => one.dispatchEvent(new PointerEvent('pointerover', {bubbles: true}))"
        )
        written = [
            n for entry in ledger["entries"] for value in (entry["value"], entry["total"]) for n in numbers(value)
        ]
        assert shown(tab, "#details .sheet") == [written]


def test_buttons_slider_and_keys_go_through_the_same_moments(opened: Opened) -> None:
    tab = opened(show.page(diamond(), naive=False))
    by_button = [tab.inner_text("#step")]
    while tab.is_enabled("#next"):
        tab.click("#next")
        by_button.append(tab.inner_text("#step"))
    assert len(by_button) == len(set(by_button)) == 3 + 3 + 1
    tab.keyboard.press("Home")
    assert tab.is_disabled("#back")
    by_key = [tab.inner_text("#step")]
    for _ in by_button[1:]:
        tab.keyboard.press("ArrowRight")
        by_key.append(tab.inner_text("#step"))
    assert by_key == by_button
    backwards = []
    for _ in by_button[1:]:
        tab.keyboard.press("ArrowLeft")
        backwards.append(tab.inner_text("#step"))
    assert backwards == by_button[-2::-1]
    for i in (3, 7, 1, 5):
        tab.fill("#slider", str(i))
        assert tab.inner_text("#step") == by_button[i - 1]
        assert tab.text_content("#where") == f"{i} of 7"
    tab.focus("#slider")
    tab.keyboard.press("ArrowRight")
    assert at(tab) == 6
    tab.click("#back")
    assert at(tab) == 5


def test_it_plays_to_the_end_and_pauses(opened: Opened) -> None:
    tab = opened(show.page(diamond()), clock=True)
    tab.click("#play")
    assert tab.text_content("#play") == "Pause"
    tab.clock.run_for(3300)
    assert at(tab) == 3
    tab.click("#play")
    tab.clock.run_for(5000)
    assert at(tab) == 3
    tab.evaluate("document.activeElement.blur()")
    tab.keyboard.press("Space")
    tab.clock.run_for(60000)
    assert at(tab) == 7
    assert tab.text_content("#play") == "Play"
    tab.click("#play")  # from the end, it begins again
    assert at(tab) == 1


def test_the_reader_works_numbers_out(opened: Opened) -> None:
    tab = opened(show.page(diamond()))
    tab.check("#practice")
    told = "".join(tab.inner_text(where) for where in ("#step", "#graph", "#ledger", "#live"))
    assert "9" not in told  # 3 * 3, of the first step: nowhere before it is found
    for wrong in ("8", "-9", "0", "9.2", "1e9"):
        tab.fill("#answer", wrong)
        tab.click("#check")
        assert tab.text_content("#said") == "Not that. Look at the rule and try again."
    for nonsense in ("", "nine", "9,0", "1/2/3", "--9"):
        tab.fill("#answer", nonsense)
        tab.keyboard.press("Enter")
        assert "no number" in tab.text_content("#said")
    tab.fill("#answer", "8.95")  # within 1 percent
    tab.keyboard.press("Enter")
    assert tab.text_content("#live") == "Right."
    assert shown(tab, "#story [data-kind=result]") == [[9]]
    tab.keyboard.press("Enter")  # the focus is on the button that leads on
    assert at(tab) == 2
    tab.click("#reveal")
    assert tab.text_content("#live") == "It is 27."
    tab.fill("#slider", "5")  # b = a * x, backward: the first question is for a, the second for x
    assert shown(tab, "#story [data-kind=outgoing]") == [[], []]
    tab.fill("#answer", "6/2")
    tab.click("#check")
    assert shown(tab, "#story [data-kind=outgoing]") == [[3], []]
    tab.fill("#answer", "9")
    tab.click("#check")
    assert shown(tab, "#story [data-kind=outgoing]") == [[3], [9]]
    assert not tab.is_visible("#answer")
    tab.uncheck("#practice")
    tab.fill("#slider", "1")
    assert shown(tab, "#story [data-kind=result]") == [[9]]


def test_what_is_asked_of_a_tensor_is_one_element(opened: Opened) -> None:
    loss = not_finite()
    tab = opened(made_of(show.steps(loss)))
    tab.check("#practice")
    assert tab.text_content(".question label") == "Result: which number is at [1]?"
    for wrong in ("1", "inf", "-inf"):
        tab.fill("#answer", wrong)
        tab.click("#check")
        assert tab.text_content("#said").startswith("Not that")
    tab.fill("#answer", "NaN")
    tab.click("#check")
    assert shown(tab, "#story [data-kind=result]")[0][:2] == ["-inf", "nan"]


def test_the_naive_order_shows_its_first_wrong_sum(opened: Opened) -> None:
    loss = diamond()
    tab = opened(show.page(loss))
    naive = show.steps(loss, order="naive")
    right = {step.node: step.incoming.array for step in show.steps(loss).steps}
    wrong = [i for i, step in enumerate(naive.steps) if not np.array_equal(step.incoming.array, right[step.node])]
    assert wrong
    tab.check("#naive")
    assert f"first wrong sum appears at backward step {wrong[0] + 1}: a is passed" in tab.text_content("#verdict")
    for i, step in enumerate(naive.steps):
        tab.fill("#slider", str(3 + i + 1))
        assert tab.locator(".wrong-block").count() == (i in wrong)
        assert shown(tab, "#story [data-kind=incoming]") == [[step.incoming.array.item()]]
        if i in wrong:
            assert shown(tab, "[data-kind=wrongHere]") == [[step.incoming.array.item()]]
            assert shown(tab, "[data-kind=rightHere]") == [[right[step.node].item()]]
            assert "wrong" in tab.get_attribute(".box.current", "class")
            assert "✗" in tab.text_content(".box.current")
    tab.keyboard.press("Home")
    tab.click("#verdict button")
    assert at(tab) == 3 + wrong[0] + 1
    tab.keyboard.press("End")
    assert shown(tab, "[data-kind=rightHere]") == [[2 * 3 + 3 * 9]]  # the derivative of x**2 + x**3 at 3
    tab.uncheck("#naive")
    tab.keyboard.press("End")
    assert tab.locator(".wrong-block").count() == 0
    assert not tab.is_visible("#verdict")


def test_where_the_naive_order_is_right_the_page_says_so(opened: Opened) -> None:
    tab = opened(show.page(chain(4)))
    tab.check("#naive")
    assert "gives the right sums" in tab.text_content("#verdict")
    assert not opened(show.page(chain(4), naive=False)).is_visible("#naive-switch")


def test_both_languages(opened: Opened) -> None:
    tab = opened(show.page(regression()))
    english = tab.inner_text("body")
    assert tab.get_attribute("html", "lang") == "en"
    tab.select_option("#language", "zh")
    assert tab.get_attribute("html", "lang") == "zh-CN"
    chinese = tab.inner_text("body")
    assert "前向 1 / " in tab.text_content("#step-heading")
    assert "叶子" in tab.text_content("#canvas")
    tab.click("#next")
    assert "结果" in tab.text_content("#live")
    tab.click("#back")
    tab.select_option("#language", "en")
    assert tab.inner_text("body") == english
    opens = opened(show.page(regression(), lang="zh"))
    assert opens.get_attribute("html", "lang") == "zh-CN"
    assert opens.inner_text("#graph") in chinese
    with pytest.raises(ValueError, match='lang is "en" or "zh", not \'de\''):
        show.page(regression(), lang="de")


def test_the_words_are_those_that_the_scripts_use() -> None:
    words = json.loads((WEB / "words.json").read_text(encoding="utf-8"))
    holes = {lang: {key: set(re.findall(r"\{(\w+)\}", text)) for key, text in words[lang].items()} for lang in words}
    assert holes["en"] == holes["zh"]
    code = "".join(
        file.read_text(encoding="utf-8") for file in sorted(WEB.glob("*.[jh]*")) if file.name != "words.json"
    )
    known = set(words["en"])
    named = set(re.findall(r"""["'](\w+)["']""", code))
    assert known - named == {"constant", "differences", "torch"}  # words for what stands in the data
    certain = re.findall(r'\bt\("(\w+)"|sentence\("(\w+)"|data-(?:word|label|hint)="(\w+)"', code)
    assert {key for keys in certain for key in keys if key} <= known


def test_graphs_of_gradients_are_graphs_of_their_own(opened: Opened) -> None:
    x = torch.tensor(3.0, requires_grad=True)
    loss = x * x * x
    (g,) = torch.autograd.grad(loss, x, create_graph=True)
    data, higher = show.steps(loss), show.steps(g)
    (leaf,) = (node.id for node in data.nodes if node.kind == "leaf")
    tab = opened(made_of(replace(data, higher={leaf: higher})))
    assert texts(tab, "#graphs option") == ["the loss", "the gradient of x"]
    tab.keyboard.press("End")
    assert [27] in shown(tab, "#story .field")
    tab.select_option("#graphs", "1")
    assert tab.text_content("#step-heading").startswith("Forward 1")
    assert tab.locator("#canvas .box").count() == len(higher.nodes)
    tab.keyboard.press("End")
    assert [18] in shown(tab, "#story .field")
    assert not opened(made_of(data)).is_visible("#graphs")


def test_a_graph_of_300_nodes_is_drawn_whole_and_one_of_5000_is_cut(opened: Opened) -> None:
    tab = opened(show.page(chain(149)))  # each step has a constant beside it
    nodes = len(show.steps(chain(149)).nodes)
    assert nodes >= 151
    assert tab.locator("#canvas .box").count() == nodes
    assert not tab.is_visible("#cut")
    data = show.steps(chain(5000))
    cut = opened(made_of(data))
    assert (
        f"This graph has {len(data.nodes)} nodes, too many to draw: here are the {DRAWN} nearest"
        in cut.text_content("#cut")
    )
    assert cut.locator("#canvas .box").count() == DRAWN
    assert cut.locator(f"[data-item='{data.root}']").count() == 1
    cut.keyboard.press("End")
    cut.keyboard.press("ArrowLeft")
    assert cut.locator(".box.current").count() == 1
    assert "a node that is not shown" in cut.inner_text("#story")


def test_the_nearest_nodes_are_those_fewest_operations_away() -> None:
    data = show.steps(diamond())
    label = {node.id: node.label for node in data.nodes}
    assert nearest(data, 1) == {data.root}
    assert {label[i] for i in nearest(data, 3)} - {label[data.root]} == {"a", "b"}
    assert nearest(data, 100) == set(label)


NASTY = "</script><img src=x onerror=alert(1)><!--\"'`&amp;${1}\u2028\u202e\U0001f600שם 变量\\u0000"


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
    light, dark = opened(made, color_scheme="light"), opened(made, color_scheme="dark")
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
        tab.click("#next")


def test_a_page_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "backward.html"
    made = show.page(diamond(), path, title="步骤 😀")
    assert path.read_bytes().decode("utf-8") == made.html
    with pytest.raises(FileNotFoundError):
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
    assert show.page(lambda: (x * 2).sum()).html.startswith("<!doctype html>")
    assert '"naive":null' in show.page(show.steps(diamond())).html
    assert x.grad is None
