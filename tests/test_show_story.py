"""`show.explain`: the story says what the data says, in both languages, and obeys nothing that users wrote."""

from __future__ import annotations

import io
import linecache
import re
import string
import sys
import weakref
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rich")

import minigrad
from minigrad import show
from minigrad.printing import get_printoptions
from minigrad.show.story_texts import WORDS


def told(loss: Any, **options: Any) -> str:
    out = io.StringIO()
    show.explain(loss, file=out, **options)
    return out.getvalue()


def example() -> Any:
    x = minigrad.tensor([[1.0, 2.0], [3.0, 4.0]])
    w, b = minigrad.tensor([0.5, -1.0], requires_grad=True), minigrad.tensor(0.25, requires_grad=True)

    def loss() -> Any:
        y = x * w + b
        return (y * y).sum()

    return loss


def test_the_story() -> None:
    pytest.importorskip("torch")
    text = told(example(), check=("differences", "torch"))
    lines = [line.rstrip() for line in text.split("\n")]
    at = lines.index("    y = x * w + b")
    assert lines[at + 1] == "        ^^^^^^^^^"
    for part in (
        "Step 1 of 4: sum  SumBackward0",
        "Why now: the pass begins here.",
        "Why now: all 2 of its users have delivered.",
        "rule: g * b",
        "broadcasting undone: summed over dimensions (0, 1), (2, 2) becomes ()",
        "accumulated at y:",
        "from step 2, mul",
        "saved value b  at version 0, freed by backward() after this step",
        "finite differences",
        "off by at most",
        "no .grad has changed",
    ):
        assert part in text
    assert "\x1b" not in text


def test_the_story_in_chinese() -> None:
    text = told(example(), lang="zh")
    for part in ("前向传播", "反向传播", "第 1 步，共 4 步：sum", "传入梯度 g", "规则：g * b", "撤销广播", "叶子"):
        assert part in text
    english = re.findall(
        r"[A-Za-z]{4,}", re.sub(r"[^\n]*File .*|[\w.]*Backward\w*|tensor|backward|grad|None", "", text)
    )
    assert not set(english) & {"step", "rule", "incoming", "saved", "value", "gradient", "leaf", "freed", "version"}


def test_both_languages_say_the_same() -> None:
    fields = {
        lang: {k: sorted(f for _, f, _, _ in string.Formatter().parse(t) if f) for k, t in words.items()}
        for lang, words in WORDS.items()
    }
    english = fields["en"]
    for key, names in fields["zh"].items():
        assert set(names) <= set(english[key])
    assert list(WORDS["en"]) == list(WORDS["zh"])
    with pytest.raises(ValueError, match="lang must be one of 'en', 'zh'"):
        told(example(), lang="de")


def test_colours_only_where_they_are_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    out = Terminal()
    show.explain(example(), file=out, width=80)
    assert "\x1b[1;36m" in out.getvalue()
    monkeypatch.setenv("NO_COLOR", "1")
    out = Terminal()
    show.explain(example(), file=out, width=80)
    assert not re.search(r"\x1b\[[\d;]*3\dm", out.getvalue())


def test_what_users_wrote_is_not_obeyed() -> None:
    source = "y = x * len('[red]a[/] [link=evil] \x1b[31m :smile:')\n"
    linecache.cache["<[bold]>"] = (len(source), None, [source], "<[bold]>")
    scope: dict[str, Any] = {"x": minigrad.ones(2, requires_grad=True)}
    exec(compile(source, "<[bold]>", "exec"), scope)
    text = told(scope["y"].sum())
    assert "[red]a[/] [link=evil] \\x1b[31m :smile:" in text
    assert "<[bold]>" in text
    assert "\x1b" not in text


def test_large_tensors_are_cut() -> None:
    before = get_printoptions()
    x = minigrad.ones(300, 300, requires_grad=True)
    text = told((x * 2).sum())
    assert "300 × 300" in text
    assert "..., " in text
    assert len(text) < 10_000
    of_images = told((minigrad.ones(4, 3, 5, 6, dtype=minigrad.float64, requires_grad=True) * 2).sum())
    assert f"2.],\n{' ' * 15}...]]]], dtype=torch.float64)  4 × 3 × 5 × 6\n" in of_images
    assert get_printoptions() == before


def test_wide_characters_are_underlined() -> None:
    source = "梯 = 3; y = x * 梯\n"
    linecache.cache["<wide>"] = (len(source), None, [source], "<wide>")
    scope: dict[str, Any] = {"x": minigrad.ones(2, requires_grad=True)}
    exec(compile(source, "<wide>", "exec"), scope)
    lines = told(scope["y"].sum()).split("\n")
    at = lines.index("    梯 = 3; y = x * 梯")
    assert lines[at + 1].rstrip() == "    " + " " * 12 + "^" * 6


def test_a_pass_that_is_there_already() -> None:
    x = minigrad.tensor(3.0, requires_grad=True)
    a = x * 2
    text = told(show.steps(a + a * a, order="naive"))
    assert "Too early: only 1 of its 3 users have delivered" in text
    with pytest.raises(ValueError, match="of a pass that is there already"):
        told(show.steps(a), check="torch")


def test_values_that_were_not_kept() -> None:
    x = minigrad.tensor([1.0, 2.0], requires_grad=True)
    loss = (x + 1).sum()
    with minigrad.no_grad():
        x += 1
    assert "not kept (show.recording() keeps it), shape (2,), torch.float32" in told(loss)


def test_a_leaf_alone() -> None:
    x = minigrad.tensor(1.0, requires_grad=True)
    assert "The leaves" in told(x)


def test_without_rich(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rich.console", None)
    with pytest.raises(ImportError, match=r"\.\[show\]"):
        told(example())


def test_a_long_sum_is_not_told_from_its_beginning_each_time() -> None:
    x = minigrad.tensor(1.0, requires_grad=True)
    total = x
    for _ in range(6):
        total = total + x
    text = told(total)
    assert "the sum of 4 that came before" in text
    assert "the sum of 3 that came before" not in text
    assert text.count("+ from step 6") == 2  # in `total + x` of the sixth step, both operands are x
    longer = x
    for _ in range(12):
        longer = longer + x
    assert told(longer).count("\n") < 2.2 * text.count("\n")


def test_what_is_called_the_same_has_a_number() -> None:
    w = minigrad.tensor(2.0, requires_grad=True)
    h = w * w
    h = h * w
    text = told(h)
    assert "Step 1 of 2: h #2" in text
    assert "→ gradient of h #1 (input a)" in text
    assert "→ gradient of w (input b)" in text
    assert "等待中：exp、tanh" in told(w.tanh() + w.exp(), lang="zh")


def test_one_step() -> None:
    x = minigrad.tensor(2.0, requires_grad=True)
    assert "From the result back to the leaves: one step." in told(x * 3)


def test_the_leaves_stand_in_a_table_where_no_row_of_numbers_is_broken_for_it() -> None:
    w = minigrad.zeros(2, 4, requires_grad=True)
    found = show.steps(lambda: (w * 1.2345e-5).sum(), check="differences")
    head = re.escape("[[1.2345e-05, 1.2345e-05, 1.2345e-05, 1.2345e-05],")
    below, beside = f"(?m:^    .*  {head}$)", f"│ {head} "
    table = max(len(line) for line in told(found, width=240).splitlines() if line.startswith("│"))
    for width, each in ((80, below), (table - 1, below), (table, beside), (240, beside)):
        leaves = told(found, width=width).split("The leaves")[1]
        assert len(re.findall(each, leaves)) == 3
        assert max(map(len, leaves.splitlines())) <= width
    assert max(map(len, told(found, width=50).split("The leaves")[1].splitlines()[1:-1])) <= 50


def test_a_constant_without_a_name_is_called_as_it_is_written() -> None:
    w, y = minigrad.zeros(3, 1, requires_grad=True), minigrad.tensor([1.0, 2.0, 3.0])

    def loss() -> Any:
        return ((w - y.reshape(3, 1)) ** 2).sum() + 0.1 * minigrad.sub(minigrad.ones(3), w[:, 0]).sum()

    labels = [node.label for node in show.steps(loss).nodes if node.kind == "constant"]
    assert labels == ["y.reshape(3, 1)", "constant", "0.1"]  # the shortest text of float32's
    assert "y.reshape(3, 1)  constant" in told(loss)
    assert "y.reshape(3, 1)" in str(show.graph(loss))


def test_an_operation_that_a_layer_ran_names_it() -> None:
    nn = minigrad.nn

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(2, 2)

        def forward(self, x: Any) -> Any:
            return self.fc(x).relu()

    net, before = nn.Sequential(Block(), nn.Tanh()), nn.Module.__call__
    net[1].register_forward_hook(lambda module, inputs, output: output * 2)
    net[1].around = net
    found = show.steps(lambda: nn.Softmax(1)(net(minigrad.ones(1, 2))).sum())
    operations = [(node.name, node.module) for node in found.nodes if node.kind == "operation"]
    assert operations == [
        ("TBackward0", "net[0].fc (Linear)"),
        ("AddmmBackward0", "net[0].fc (Linear)"),
        ("ReluBackward0", "net[0] (Block)"),
        ("TanhBackward0", "net[1] (Tanh)"),
        ("MulBackward0", ""),
        ("SoftmaxBackward0", "Softmax"),
        ("SumBackward0", ""),
    ]
    assert told(found).count("AddmmBackward0 · net[0].fc (Linear)\n") == 2
    drawn = show.graph(found)
    assert "net[1] (Tanh): net(minigrad.ones(1, 2))\n" in drawn.text()
    assert ">net[1] (Tanh)</text>" in drawn.svg()
    assert nn.Module.__call__ is before
    layer = nn.TransformerEncoderLayer(2, 1, 2)  # which calls others, and adds to what they give
    found = show.steps(lambda: layer(minigrad.ones(1, 2)).sum())
    added = [node.module for node in found.nodes if node.name == "AddBackward0"]
    assert added == ["layer (TransformerEncoderLayer)"] * 2

    layers = [nn.Linear(2, 2), nn.Linear(2, 1)]
    with show.recording():
        x = minigrad.ones(1, 2)
        for _, layer in enumerate(layers):
            x = layer(x)
    assert [node.module for node in show.steps(x).nodes if node.name == "AddmmBackward0"] == [
        "layers[0] (Linear)",
        "layers[1] (Linear)",
    ]


def test_a_layer_that_ran_several_times_says_in_which_call_and_no_number_is_left_out() -> None:
    cell, head = minigrad.nn.RNNCell(1, 1), minigrad.nn.Linear(1, 1)

    def loss() -> Any:
        h = minigrad.zeros(1, 1)
        for _ in range(3):
            h = cell(minigrad.ones(1, 1), h)
        return (head(h) * 2.0).sum()

    found = show.steps(loss)
    assert [node.call for node in found.nodes if node.name == "TanhBackward0"] == [(1, 3), (2, 3), (3, 3)]
    assert {node.call for node in found.nodes if node.module == "head (Linear)"} == {None}
    text = told(found)
    assert "TanhBackward0 · cell (RNNCell), call 2 of 3\n" in text
    assert "cell (RNNCell)，第 2 次调用（共 3 次）\n" in told(found, lang="zh")
    assert ">cell (RNNCell), call 2 of 3</text>" in show.graph(found).svg()
    assert "cell (RNNCell) 2/3" in show.page(found).html
    forward = text.split("Backward pass")[0]
    assert [int(n) for n in re.findall("(?m)^ {,2}([0-9]+)  ", forward)] == [node.id for node in found.nodes]
    assert re.search("(?m)^ *[0-9]+  2.0  constant$", forward)


def test_a_layer_that_keeps_its_own_loss_is_no_cycle() -> None:
    def made() -> Any:
        layer = minigrad.nn.Tanh()
        with show.recording():
            layer.loss = layer(minigrad.ones(2, requires_grad=True)).sum()
        return weakref.ref(layer)

    assert made()() is None


def test_losses_and_layers_are_checked_by_torch_too() -> None:
    pytest.importorskip("torch")
    minigrad.manual_seed(0)
    f, nn = minigrad.nn.functional, minigrad.nn
    x, y, classes = minigrad.randn(4, 3, requires_grad=True), minigrad.rand(4, 3), minigrad.tensor([0, 2, 1, 1])
    image, weights = minigrad.randn(2, 2, 5, 6, requires_grad=True), minigrad.tensor([1.0, 2.0, 3.0])
    conv, bare = nn.Conv2d(2, 4, (3, 2), 2, 1, (1, 2), 2), nn.Conv2d(2, 1, 3, bias=False)
    for program in (
        lambda: f.mse_loss(x, y) + f.smooth_l1_loss(x, y, beta=0.5) + f.huber_loss(x, y, delta=0.7),
        lambda: f.binary_cross_entropy(x.sigmoid(), y, weight=weights),
        lambda: f.binary_cross_entropy_with_logits(x, y, reduction="sum", pos_weight=weights),
        lambda: f.cross_entropy(x, classes, weight=weights, ignore_index=1),
        lambda: (f.embedding(classes, x, padding_idx=1, scale_grad_by_freq=True) ** 2).sum(),
        lambda: (conv(image) ** 2).sum() + bare(image).exp().sum(),
        lambda: (nn.BatchNorm2d(2)(image) ** 3).sum() + (nn.BatchNorm2d(2, affine=False).eval()(image) ** 3).sum(),
        lambda: (nn.GroupNorm(2, 2)(image) ** 3).sum() + (nn.LayerNorm(6, 0.1)(image) ** 3).sum(),
        lambda: nn.MaxPool2d((3, 2), 2, 1, ceil_mode=True)(image).exp().sum() + nn.MaxPool1d(2)(x).exp().sum(),
        lambda: (
            nn.AvgPool2d(3, 2, 1, ceil_mode=True, count_include_pad=False)(image).exp().sum()
            + nn.AvgPool2d(2, divisor_override=3)(image).exp().sum()
        ),
        lambda: nn.AdaptiveAvgPool2d((3, 4))(image).exp().sum() + nn.AdaptiveMaxPool2d(2)(image).exp().sum(),
        lambda: (
            nn.ConvTranspose2d(2, 4, 3, 2, 1, 1, 2, dilation=2)(nn.ReflectionPad2d(1)(nn.ConstantPad2d(1, 2.0)(image)))
            .exp()
            .sum()
        ),
        lambda: nn.GRU(3, 2)(x)[0].exp().sum(),
    ):
        ledgers = [ledger for ledger in show.steps(program, check="torch").ledgers.values() if ledger.checks]
        assert ledgers
        for ledger in ledgers:
            np.testing.assert_allclose(ledger.checks["torch"].array, ledger.entries[-1].total.array, 1e-5, 1e-5)


def test_of_a_call_that_does_several_things_the_last_is_what_is_assigned() -> None:
    scores, leaf = minigrad.zeros(1, 2, requires_grad=True), minigrad.ones(1, requires_grad=True)
    loss = minigrad.nn.CrossEntropyLoss()(scores * leaf, minigrad.tensor([1]))
    labels = ["scores", "leaf", "mul", "log_softmax", "constant", "constant", "loss"]
    assert [node.label for node in show.steps(loss).nodes] == labels
    net = minigrad.nn.Sequential(*[minigrad.nn.Linear(1, 1, bias=False) for _ in range(2)])
    score = minigrad.ones(1, 1)
    with show.recording():
        for _ in range(2):
            score = net(score)
    w = minigrad.ones(2, requires_grad=True)
    _a, b = w.split(1)
    assert re.search(r"(?m)^ *1  b: w.split\(1\)  SplitBackward0$", told(w.prod() * b))
    given = [node.label for node in show.steps(score).nodes if node.name == "MmBackward0"]
    assert given == ["mm", "score", "mm", "score"]
    whole = [node.place.whole for node in show.steps(score).nodes if node.place is not None]
    assert whole == [node.label == "score" for node in show.steps(score).nodes if node.place is not None]
    operation = loss
    for _ in range(2):
        operation = operation.tanh()
    assert [node.label for node in show.steps(operation).nodes] == [*labels, "operation", "operation"]
    chinese = told(operation, lang="zh")
    assert re.findall("^ *[0-9]+  (常量|leaf  叶子)$", chinese, re.M) == ["leaf  叶子", "常量", "常量"]


def test_what_hooks_change_is_told() -> None:
    x = minigrad.tensor([1.0, 2.0], requires_grad=True)
    y = x * 3
    y.register_hook(lambda g: g * 10)
    loss = y.sum()
    text = told(loss)
    assert text.count("after your hooks") == 1
    assert "incoming gradient g, after your hooks:\n    tensor([10., 10.])" in text
    x.register_hook(lambda g: g * 2)
    assert told(loss).count("after your hooks") == 2
    assert told(loss, lang="zh").count("经过你的钩子之后") == 2
