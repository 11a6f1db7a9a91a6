"""The page in a real browser: what it shows is what the data says, and it can be stepped through in every way."""

import re
from dataclasses import replace

import numpy as np
import pytest
from page_browser import (
    Opened,
    at,
    browser,
    chain,
    diamond,
    large,
    not_finite,
    numbers,
    opened,
    regression,
    shown,
    texts,
)

import minigrad as torch
from minigrad import show
from minigrad.show.pages import DRAWN, made_of

__all__ = ["browser", "opened"]  # the fixtures

PROGRAMS = {"diamond": diamond, "regression": regression, "not finite": not_finite, "large": large}


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_step_shows_the_numbers_of_the_data(name: str, opened: Opened) -> None:
    data = show.steps(PROGRAMS[name]())
    plain = data.to_dict()
    tab = opened(made_of(data))
    operations = [node for node in plain["nodes"] if node["kind"] == "operation"]
    for i, node in enumerate(operations, 1):
        assert tab.text_content("#step-heading") == f"Forward {i} of {len(operations)}"
        assert shown(tab, "#story [data-kind=result]") == [numbers(node["value"])]
        inputs = [one["node"] for one in node["inputs"]]
        known = [[] if one is None else numbers(plain["nodes"][one]["value"]) for one in inputs]
        assert shown(tab, "#story [data-kind=inputs]") == known
        if node["place"]["text"]:
            assert node["place"]["text"].startswith(tab.text_content("mark").rstrip())
        tab.keyboard.press("ArrowRight")
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
        tab.keyboard.press("ArrowRight")
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
    tab.check("#practice")  # keys work there too, but for its own
    tab.keyboard.press("ArrowLeft")
    assert at(tab) == 5
    tab.keyboard.press("Space")
    assert not tab.is_checked("#practice")
    assert tab.text_content("#play") == "Play"
    tab.keyboard.press("ArrowRight")
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
    assert tab.title() == "反向传播，一步一步看"
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
    with pytest.raises(ValueError, match="lang must be one of 'en', 'zh', but got 'de'"):
        show.page(regression(), lang="de")


class Split(torch.autograd.Function):
    """Two results of one operation of the user's own."""

    @staticmethod
    def forward(ctx, x):
        return x * 1, x * 2

    @staticmethod
    def backward(ctx, g, h):
        return g + 2 * h


def of_one_leaf() -> torch.Tensor:
    return torch.tensor(2.0, requires_grad=True)


def of_nothing() -> torch.Tensor:
    return (torch.ones(0, 3, requires_grad=True) * torch.ones(1, 3)).sum()


def of_many_kinds() -> torch.Tensor:
    x = torch.tensor([[1.0, -2.0], [3.0, 4.0]], requires_grad=True)
    x.register_hook(lambda g: g * 2)
    first, second = Split.apply(x)
    y = torch.cat([first[0], second[:, 1], x[x > 0]])
    y.retain_grad()
    picked = torch.where(y > 1, y, y * 0.5)
    picked += 1
    return torch.nn.Tanh()(picked.double().max()) + picked.mean()


@pytest.mark.parametrize("program", [of_one_leaf, of_nothing, of_many_kinds])
def test_unusual_programs_are_shown_too(program, opened: Opened) -> None:
    tab = opened(show.page(program))
    assert ("tanhTanh" in texts(tab, "#canvas .box .title")) == (program is of_many_kinds)
    for switch, lang in (("#practice", "en"), ("#naive", "zh")):
        tab.check(switch)
        tab.select_option("#language", lang)
        tab.focus("#play")
        tab.keyboard.press("Home")
        for _ in range(int(tab.get_attribute("#slider", "max"))):
            said = tab.inner_text("#step") + tab.inner_text("#ledger") + tab.text_content("#live")
            assert not re.search(r"undefined|NaN|null|\[object|[{}]", said)
            tab.keyboard.press("ArrowRight")
        assert tab.is_disabled("#next")


def test_on_paper_it_is_whole_and_light(opened: Opened) -> None:
    tab = opened(show.page(diamond()), colours="dark")
    tab.get_by_label("Colours").select_option("dark")
    tab.emulate_media(media="print", color_scheme="dark")
    assert not tab.locator("#controls").is_visible()
    assert tab.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(246, 245, 242)"
    for part in ("#code", "#story", "#canvas", "#details"):
        assert tab.locator(part).evaluate("e => e.scrollHeight <= e.clientHeight && e.scrollWidth <= e.clientWidth")


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
    assert data.nearest(1) == {data.root}
    assert {label[i] for i in data.nearest(3)} - {label[data.root]} == {"a", "b"}
    assert data.nearest(100) == set(label)
