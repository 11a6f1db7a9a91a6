"""`show.steps`: what it says is what the engine does, bit for bit, and no value that it shows is wrong."""

from __future__ import annotations

import gc
import json
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import minigrad
from minigrad import show
from minigrad.autograd import passes
from minigrad.autograd.tape import ArrayTape, OfSeveral
from minigrad.engine import Node
from minigrad.show.kept import recording
from minigrad.show.stepping import first_wrong
from minigrad.testing.random_programs import KINDS, WITHOUT_DATA, Interpreter, Program, programs
from minigrad.walk import walk

PROGRAMS = st.sampled_from((WITHOUT_DATA, KINDS)).flatmap(lambda kinds: programs(minigrad, 16, kinds=kinds))


def run(program: Program) -> dict[str, Any]:
    """The tensors that require grad at the end of a program."""
    interpreter = Interpreter(minigrad)
    for line in program.lines:
        interpreter.run(line)
    return {name: t for name, t in interpreter.tensors().items() if t.requires_grad and t.is_floating_point()}


def outcome(function: Any) -> Any:
    try:
        return function()
    except Exception as error:
        return f"{type(error).__name__}: {str(error).splitlines()[0]}"


def bits(array: Any) -> Any:
    return None if array is None else (array.shape, array.dtype.name, np.asarray(array).tobytes())


class Spy(ArrayTape):
    """What the engine's walk gives every node, without anything from `minigrad.show`."""

    def __init__(self) -> None:
        self.received: dict[int, Any] = {}
        self.watch = lambda node, g, *_: self.received.update({id(node): np.array(flat(node, g))})

    def run_tensor_hooks(self, hooks: Any, g: Any) -> Any:
        return self.run_each(hooks.of_tensor, g) if hooks.of_tensor else g


def flat(node: Any, g: Any) -> Any:
    if not isinstance(g, OfSeveral):
        return g
    parts = [np.zeros(*r) if part is None else part for part, r in zip(g.parts, node.results, strict=True)]
    return np.concatenate([np.ravel(part) for part in parts])


@given(PROGRAMS)
@settings(max_examples=25, database=None)
def test_ledgers_are_what_a_backward_pass_does(program: Program) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for t in run(program).values():
            check_ledgers(t)


def check_ledgers(t: Any) -> None:
    gradient = minigrad.ones_like(t).detach()
    found = outcome(lambda: show.steps(t, gradient))
    edge = outcome(lambda: passes._edge_of_root(0, t))
    spy = Spy()
    if isinstance(found, str):
        assert outcome(lambda: t.backward(gradient, retain_graph=True)) == found
        return
    found_by_pass = walk(((edge, gradient._array),), spy, True)
    leaves = {key: value for key, value in found_by_pass.items() if not isinstance(value[0], Node)}
    by_step = {step.node: step for step in found.steps}
    assert len(by_step) == len(spy.received)
    engine_ids = numbered(edge)
    for key, g in spy.received.items():
        number = engine_ids[key]
        ledger = found.ledgers[number]
        assert bits((ledger.hooked or ledger.entries[-1].total).array) == bits(g)
        assert bits(by_step[number].incoming.array) == bits(g)
        assert by_step[number].delivered == by_step[number].users
    before = {key: bits(None if leaf._grad is None else leaf._grad._array) for key, (leaf, _) in leaves.items()}
    raised = outcome(lambda: t.backward(gradient, retain_graph=True))
    assert not isinstance(raised, str)
    for key, (leaf, g) in leaves.items():
        ledger = found.ledgers[engine_ids[key]]
        assert bits((ledger.hooked or ledger.entries[-1].total).array) == bits(np.asarray(g))
        assert bits(ledger.before and ledger.before.array) == before[key]
        if ledger.after is not None:
            assert bits(ledger.after.array) == bits(leaf._grad._array)
    for ledger in found.ledgers.values():
        check_sums(ledger)


def numbered(root: Any) -> dict[int, int]:
    """The numbers of nodes and leaves."""
    from minigrad.show.recorded import Recorded

    return Recorded(root, minigrad.tensor(0.0)).ids


def check_sums(ledger: Any) -> None:
    total = None
    for entry in ledger.entries:
        total = entry.value.array if total is None else total + entry.value.array
        assert bits(np.asarray(total)) == bits(entry.total.array)


@given(PROGRAMS)
@settings(max_examples=25, database=None)
def test_no_value_is_wrong(program: Program) -> None:
    """Values that are found again, or not at all, against the copies that a recording made at once."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with recording():
            kept = run(program)
        for name, t in run(program).items():
            gradient = minigrad.ones_like(t).detach()
            found = outcome(lambda: show.steps(t, gradient))
            if isinstance(found, str):
                continue
            exact = show.steps(kept[name], gradient)
            truth = [node for node in exact.nodes if node.kind == "operation"]
            shown = [node for node in found.nodes if node.kind == "operation"]
            assert [node.name for node in shown] == [node.name for node in truth]
            for a, b in zip(shown, truth, strict=True):
                if a.value.array is not None and b.value.array is not None:
                    assert bits(a.value.array) == bits(b.value.array), a
            json.loads(found.to_json())


# One case at a time


def leaf(*values: float, dtype: Any = None) -> Any:
    return minigrad.tensor(values if len(values) != 1 else values[0], dtype=dtype, requires_grad=True)


def regression() -> tuple[Any, Any, Any]:
    x, y = minigrad.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), minigrad.tensor([[1.0], [0.0], [2.0]])
    w, b = minigrad.tensor([[0.5], [-1.0]], requires_grad=True), minigrad.zeros(1, requires_grad=True)

    def loss() -> Any:
        y_hat = x @ w + b
        l = (y_hat - y) ** 2 / 2
        return l.mean()

    return loss, w, b


def test_a_regression_step_by_step() -> None:
    loss, w, b = regression()
    found = show.steps(loss)
    assert [found.nodes[s.node].label for s in found.steps] == ["mean", "l", "pow", "sub", "y_hat", "mm"]
    assert repr(found).startswith("<Backward pass of mean: 11 nodes, 6 steps; ")
    assert all(node.value.array is not None for node in found.nodes)
    assert {n.name for n in found.nodes if n.kind == "leaf"} == {"w", "b"}
    assert [n.label for n in found.nodes if n.kind == "constant"] == ["x", "y", "2.0"]
    to_b = next(f for s in found.steps for f in s.flows if found.nodes[f.node].name == "b")
    assert (to_b.rule, to_b.undone.axes, to_b.undone.shape, to_b.undone.to_shape) == ("g", (0,), (3, 1), (1,))
    to_w = found.steps[-1].flows[0]
    assert to_w.rule == "a.mT @ g"
    assert to_w.numbers == "[[1, 2], [3, 4], [5, 6]].mT @ [[-0.833333], [-0.833333], [-1.83333]]"
    place = found.nodes[found.steps[1].node].place
    assert (place.text, place.target, place.names) == ("(y_hat - y) ** 2 / 2", "l", ("y_hat", "y"))
    assert place.source.strip() == "l = (y_hat - y) ** 2 / 2"
    assert place.source[place.column : place.end_column] == place.text
    assert place.file in found.sources
    loss().backward()
    for name, t in {"w": w, "b": b}.items():
        number = next(n.id for n in found.nodes if n.name == name)
        assert bits(found.ledgers[number].after.array) == bits(t.grad.numpy())


def test_nothing_is_touched() -> None:
    x = leaf(1.0, 2.0)
    (x * 3).sum().backward()
    y = x.exp()
    y.retain_grad()
    loss = (y * y).sum()
    found = show.steps(loss)
    assert bits(x.grad.numpy()) == bits(np.full(2, 3, np.float32))
    assert y.grad is None
    ledgers = {found.nodes[n].name: ledger for n, ledger in found.ledgers.items()}
    loss.backward()
    assert bits(ledgers["x"].after.array) == bits(x.grad.numpy())
    assert bits(ledgers["x"].before.array) == bits(np.full(2, 3, np.float32))
    assert bits(ledgers["ExpBackward0"].after.array) == bits(y.grad.numpy())
    with pytest.raises(RuntimeError, match="a second time"):
        show.steps(loss)


def test_the_ledger_of_a_shared_node() -> None:
    x = leaf(3.0)
    a = x * 2
    z = a + a * a
    found = show.steps(z)
    ledger = found.ledgers[next(n.id for n in found.nodes if n.label == "a")]
    assert [e.value.array.item() for e in ledger.entries] == [1, 6, 6]
    assert [e.total.array.item() for e in ledger.entries] == [1, 7, 13]
    step = next(s for s in found.steps if s.node == ledger.node)
    assert (step.delivered, step.users, step.waiting) == (3, 3, [])
    assert found.steps[0].waiting == [n.id for n in found.nodes if n.label in ("mul", "a")][::-1]


def test_the_naive_order_goes_wrong_at_the_first_shared_node() -> None:
    x = leaf(3.0)
    a = x * 2
    z = a + a * a
    right, naive = show.steps(z), show.steps(z, order="naive")
    wrong = first_wrong(right, naive)
    assert right.nodes[wrong].label == "a"
    step = next(s for s in naive.steps if s.node == wrong)
    assert (step.delivered, step.users, step.incoming.array.item()) == (1, 3, 1)
    assert naive.ledgers[wrong].entries[-1].total.array.item() == 13
    x.register_hook(lambda g: g * 100)
    chain = x.exp().sin()
    right, naive = show.steps(chain), show.steps(chain, order="naive")
    assert first_wrong(right, naive) is None
    ended = [found.ledgers[found.nodes[0].id].after.array.item() for found in (right, naive)]
    assert ended[0] == ended[1] == pytest.approx(100 * np.exp(3) * np.cos(np.exp(3)), rel=1e-5)


class Both(minigrad.autograd.Function):
    @staticmethod
    def forward(ctx: Any, a: Any, scale: float, b: Any) -> Any:
        ctx.save_for_backward(a, b)
        ctx.scale = scale
        return a * b * scale, a + b

    @staticmethod
    def backward(ctx: Any, g: Any, h: Any) -> Any:
        a, b = ctx.saved_tensors
        return g * b * ctx.scale + h, None, g * a * ctx.scale + h


def test_functions_with_several_results() -> None:
    a, b = leaf(1.0, 2.0), leaf(3.0, 4.0)
    product, total = Both.apply(a, 2.0, b)
    loss = (product * total).sum()
    found = show.steps(loss)
    step = next(
        s
        for s in found.steps
        if found.nodes[s.node].name == "BothBackward" and s.flows[0].input == "a" and len(s.flows) == 2
    )
    assert [(f.input, f.rule) for f in step.flows] == [
        ("a", "Both.backward(ctx, g)[0]"),
        ("b", "Both.backward(ctx, g)[1]"),
    ]
    assert step.incoming.shape == (4,)
    assert [s.name for s in step.saved] == ["saved_tensors[0]", "saved_tensors[1]"]
    check_ledgers(loss)
    with pytest.raises(NotImplementedError, match="BothBackward is no operation of the table"):
        show.steps(loss, check="differences")


def test_compiled_calls() -> None:
    @minigrad.compile
    def f(x: Any, w: Any) -> Any:
        return ((x * w).exp() * w).sum()

    x, w = minigrad.tensor([1.0, 2.0]), leaf(0.5, 0.25)
    f(x, w)  # the first call is traced, and runs as it is
    loss = f(x, w)
    found = show.steps(loss)
    (step,) = found.steps
    assert [(flow.input, flow.rule) for flow in step.flows] == [("w", "f.pull(g)[0]")]
    assert step.saved
    check_ledgers(loss)


CASES: dict[str, Any] = {
    "cat": lambda x: minigrad.cat([x, x * 2, minigrad.ones(1)]).sum(),
    "stack": lambda x: (minigrad.stack([x, x.exp()], 1) ** 2).sum(),
    "a view": lambda x: (x * 2)[1:].sum() + x[0],
    "a change in place": lambda x: (x * 2).mul_(x).exp_().sum(),
    "a change of a view": lambda x: change_of_a_view(x),
    "half precision": lambda x: (x.half() * 1.1).sum(),
    "another dtype": lambda x: (x.double() * x).sum(),
    "0-d": lambda x: x.sum() * x.sum(),
    "empty": lambda x: x[:0].exp().sum(),
    "no gradient for one": lambda x: (x * x.detach() + minigrad.ones(2, 1)).sum(),
    "a choice": lambda x: minigrad.where(x > 1, x, -x).sum() + x.max() + x.relu().prod(),
    "an index": lambda x: x[minigrad.tensor([0, 1, 1])].sum() + x.gather(0, minigrad.tensor([1, 0])).prod(),
    "a clamp": lambda x: (minigrad.maximum(x, 3.6 - x) * x.clamp(min=minigrad.tensor(1.75))).sum(),
    "several users of a leaf": lambda x: (x * x + x).sum() + x.mean(),
    "a matrix": lambda x: (x.reshape(2, 1) @ x.reshape(1, 2)).softmax(1).std(),
}  # fmt: skip


def change_of_a_view(x: Any) -> Any:
    y = x * 2
    y[0] = x[1] * 5
    return (y * y).sum()


@pytest.mark.parametrize("name", CASES)
def test_cases(name: str) -> None:
    x = leaf(1.5, 2.0)
    check_ledgers(CASES[name](x))
    for step in show.steps(lambda: CASES[name](x)).steps:
        for flow in step.flows:
            assert "object at" not in flow.rule + flow.numbers


def test_a_changed_value_is_not_shown() -> None:
    x = leaf(1.0, 2.0)
    loss = (x + 1).sum()
    with minigrad.no_grad():
        x += 5
    found = show.steps(loss)
    assert next(n for n in found.nodes if n.kind == "leaf").value.array is None
    with show.recording():
        loss = (x + 1).sum()
    with minigrad.no_grad():
        x += 5
    assert next(n for n in show.steps(loss).nodes if n.kind == "leaf").value.array.tolist() == [6, 7]


def test_a_value_changed_by_accumulation_is_not_shown() -> None:
    a, x = leaf(1.0, 2.0), leaf(1.0, 2.0)
    n = a * 2
    x.grad = n.detach()
    (x * 3).sum().backward()  # adds to the memory of n
    found = show.steps((-n).sum())
    shown = next(node.value.array for node in found.nodes if node.label == "neg")
    assert shown is None or shown.tolist() == (-n).tolist()


def test_hooks_appear_in_ledgers() -> None:
    x = leaf(1.0, 2.0)
    y = x * 2
    x.register_hook(lambda g: g * 10)
    y.register_hook(lambda g: g + 1)
    found = show.steps(y.sum())
    ledgers = {found.nodes[n].label: ledger for n, ledger in found.ledgers.items()}
    assert ledgers["y"].entries[-1].total.array.tolist() == [1, 1]
    assert ledgers["y"].hooked.array.tolist() == [2, 2]
    assert ledgers["x"].entries[-1].total.array.tolist() == [4, 4]
    assert ledgers["x"].after.array.tolist() == [40, 40]


def test_gradients_of_gradients() -> None:
    x = leaf(2.0)
    found = show.steps(x**3, create_graph=True)
    ((number, second),) = found.higher.items()
    assert found.nodes[number].name == "x"
    assert all(n.value.array is not None for n in second.nodes)
    of_x = next(n.id for n in second.nodes if n.kind == "leaf" and n.name == "x")
    assert second.ledgers[of_x].entries[-1].total.array.item() == 12
    assert show.steps((x * 3).sum(), create_graph=True).higher == {}


def test_what_was_saved() -> None:
    x = leaf(1.0, 2.0)
    y = x * 2
    y.add_(1)
    found = show.steps(y.exp().sum(), gradient=minigrad.tensor(1.0))
    (saved,) = next(s.saved for s in found.steps if found.nodes[s.node].name == "ExpBackward0")
    assert (saved.name, saved.version, saved.current_version, saved.freed) == ("out", 0, 0, True)
    (saved,) = next(s.saved for s in found.steps if found.nodes[s.node].name == "SumBackward0")
    assert (saved.name, saved.value, saved.text, saved.freed) == ("a_shape", None, "(2,)", False)


def test_errors_are_those_of_backward() -> None:
    x = leaf(1.0, 2.0)
    with pytest.raises(RuntimeError, match="only for scalar outputs"):
        show.steps(x * 2)
    with pytest.raises(RuntimeError, match="does not require grad"):
        show.steps(minigrad.tensor(1.0))
    y = x.exp()
    loss = y.sum()
    y.detach().add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        show.steps(loss)
    with pytest.raises(ValueError, match="order must be one of"):
        show.steps(x.sum(), order="oldest first")
    with pytest.raises(ValueError, match="check must be of"):
        show.steps(x.sum(), check="jax")
    with pytest.raises(TypeError, match="loss must be a tensor"):
        show.steps(3)


def test_a_long_chain() -> None:
    x = leaf(1.0)
    y = x
    for _ in range(3000):
        y = y + 1
    found = show.steps(y)
    assert len(found.steps) == 3000
    assert found.ledgers[0].entries[-1].total.array.item() == 1


def test_nothing_is_left_behind() -> None:
    loss = regression()[0]
    show.steps(loss, create_graph=True)  # fills caches
    gc.collect()
    gc.disable()
    try:
        show.steps(loss, create_graph=True)
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_recording_changes_no_operation() -> None:
    x = leaf(1.0, 2.0)
    with show.recording():
        assert x[:].grad_fn.name() == "SliceBackward0"


def test_names_are_the_users() -> None:
    class Model:
        def __init__(self) -> None:
            self.weight = leaf(1.0, 2.0)

        def __call__(self, x: Any) -> Any:
            return (self.weight * x).sum()

    model, parameters = Model(), [leaf(3.0, 4.0)]
    found = show.steps(lambda: model(minigrad.ones(2)) + parameters[0].sum())
    assert [n.name for n in found.nodes if n.kind != "operation"] == ["self.weight", "x", "parameters[0]"]
