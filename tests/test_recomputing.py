"""torch.utils.checkpoint: what is computed again in the backward pass comes to the same, or an error is raised."""

import json
import tracemalloc
from contextlib import nullcontext, suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

torch = pytest.importorskip("torch")

from nn_programs import Programs
from parity import assert_same, made
from small_functions import UNRECORDED, defined, functions, operands

import minigrad
from minigrad import nn, show
from minigrad.utils.checkpoint import CheckpointError, checkpoint, checkpoint_sequential

DRAWING = ("c = torch.nn.functional.dropout(a, 0.3)",)


def gradients(library: Any, lines: list[str], call: Any) -> Any:
    """The value of a function and the gradients of what it takes and captures; or the error's type."""
    x, y, p = operands(library, requires_grad=True)
    library.manual_seed(0)
    try:
        c = call(defined(lines, library, p), x * 1, y * 1)
        library.rand(1)
        c.sum().backward()
    except RuntimeError as error:
        return type(error).__name__
    drawn = library.rand(2)  # the stream has come to the same place
    found = (c, x.grad, y.grad, p.grad, drawn)
    return [None if t is None else t.detach().numpy().tolist() for t in found]


@settings(max_examples=20)
@given(functions(*UNRECORDED, *DRAWING))
def test_a_checkpoint_changes_no_value_and_no_gradient(lines: list[str]) -> None:
    plain = gradients(minigrad, lines, lambda f, x, y: f(x, y))
    again = gradients(minigrad, lines, lambda f, x, y: checkpoint(f, x, y, use_reentrant=False))
    assert again == plain
    nested = gradients(
        minigrad,
        lines,
        lambda f, x, y: checkpoint(
            lambda x, y: checkpoint(f, x, y * 1, use_reentrant=False), x, y, use_reentrant=False
        ),
    )
    assert nested == plain
    theirs = gradients(torch, lines, lambda f, x, y: f(x, y))
    assert isinstance(theirs, str) == isinstance(plain, str)
    reentrant = gradients(minigrad, lines, lambda f, x, y: checkpoint(f, x, y, use_reentrant=True))
    expected = gradients(torch, lines, lambda f, x, y: torch.utils.checkpoint.checkpoint(f, x, y, use_reentrant=True))
    if isinstance(expected, str):
        assert reentrant == expected
    else:
        for ours, theirs in zip(reentrant, expected, strict=True):
            assert (ours is None) == (theirs is None)
            if ours is not None:
                np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-9)


@given(functions(*UNRECORDED))
def test_second_derivatives_are_those_without_a_checkpoint(lines: list[str]) -> None:
    def second(call: Any) -> Any:
        x, y, p = operands(minigrad, requires_grad=True)
        try:
            c = call(defined(lines, minigrad, p), x * 1, y)
            of = (x, y, p)
            first = minigrad.autograd.grad(c.sum(), of, create_graph=True, materialize_grads=True)
            loss = sum((g * g).sum() for g in first)
            return [g.tolist() for g in minigrad.autograd.grad(loss, of, materialize_grads=True)]
        except RuntimeError as error:
            return type(error).__name__

    assert second(lambda f, x, y: checkpoint(f, x, y, use_reentrant=False)) == second(lambda f, x, y: f(x, y))


program = Programs()
WAYS = {
    "neither way": "run(None)",
    "no input with gradient": "run(True, x=torch.ones(2))",
    "no input with gradient, recorded": "run(False, x=torch.ones(2))",
    "captured": "(run(True, lambda x: x * p), p.grad)",
    "captured, recorded": "(run(False, lambda x: x * p), p.grad)",
    "grad": "grad(True)",
    "grad, recorded": "grad(False)",
    "backward to some": "some(True)",
    "backward to some, recorded": "some(False)",
    "another shape": "run(False, changing(lambda x: (x * 2).sin(), lambda x: (x[:1] * 2).sin()))",
    "another shape, unrecorded": "run(True, changing(lambda x: (x * 2).sin(), lambda x: (x[:1] * 2).sin()))",
    "fewer": "run(False, changing(lambda x: x.sin().cos(), lambda x: x.sin()))",
    "fewer, unchecked": "run(False, changing(lambda x: x.sin().cos(), lambda x: x.sin()), determinism_check='none')",
    "no such check": "run(False, determinism_check='foo')",
    "keywords": "run(True, lambda x, s: x * s, s=2)",
    "keywords, recorded": "run(False, lambda x, s: x * s, s=2)",
    "debug": "run(True, debug=True)",
    "contexts": "run(True, context_fn=lambda: None)",
    "no graph": "run(True, lambda x: x.detach())",
    "no graph, recorded": "run(False, lambda x: x.detach())",
    "twice": "twice(True, False)",
    "twice, recorded": "twice(False, False)",
    "twice, kept": "twice(True, True)",
    "twice, kept, recorded": "twice(False, True)",
    "several results": "several(True, lambda x: (x * 2, x.sin(), 3))",
    "several results, recorded": "several(False, lambda x: (x * 2, x.sin(), 3))",
    "a dictionary": "C.checkpoint(lambda x: {'a': x * 2}, new(), use_reentrant=True)",
    "a dictionary, recorded": "C.checkpoint(lambda x: {'a': x * 2}, new(), use_reentrant=False)",
    "nothing": "C.checkpoint(lambda x: None, new(), use_reentrant=True)",
    "nothing, recorded": "C.checkpoint(lambda x: None, new(), use_reentrant=False)",
    "the input": "C.checkpoint(lambda x: x, new(), use_reentrant=False)",
    "no gradients": "unrecorded(lambda: C.checkpoint(lambda x: x * 2, new(), use_reentrant=True))",
    "no gradients, recorded": "unrecorded(lambda: C.checkpoint(lambda x: x * 2, new(), use_reentrant=False))",
    "no input": "C.checkpoint(lambda: p * p, use_reentrant=True)",
    "no input, recorded": "C.checkpoint(lambda: p * p, use_reentrant=False)",
    "raises": "C.checkpoint(lambda x: 1 / 0, new(), use_reentrant=False)",
    "no function": "C.checkpoint(3, new(), use_reentrant=False)",
    "layers": "layers(True)",
    "layers, recorded": "layers(False)",
    "layers, neither way": "layers(None)",
    "more segments than layers": "C.checkpoint_sequential([torch.sin] * 3, 7, new(), use_reentrant=False)",
    "no segments": "C.checkpoint_sequential([torch.sin] * 3, 0, new(), use_reentrant=False)",
    "layers and keywords": "C.checkpoint_sequential([torch.sin] * 3, 2, new(), use_reentrant=False, foo=1)",
    "changed since": "changed_since(False)",
    "nested": "[nested(a, b) for a in (True, False) for b in (True, False)]",
    "hooks within": "hooked()",
    "a value that leaves": "escaped()",
    "dropout": "(torch.manual_seed(0), run(False, torch.nn.functional.dropout), torch.rand(1))[1:]",
    "dropout, unrecorded": "(torch.manual_seed(0), run(True, torch.nn.functional.dropout), torch.rand(1))[1:]",
    "a context around each": "contexts()",
    "a context that swallows": "swallowed()",
    "early stop": "early_stop()",
    "of an operation of one's own": "own(False), own(True)",
    "a leaf in another dtype": "(run(False, lambda x: x * q), q.grad)",
    "a leaf of its own": "run(False, lambda x: x * torch.full((2,), 3.0, requires_grad=True))",
    "a gradient within": "run(False, penalised)",
    "integers, unrecorded": "indexed(True)",
    "integers, recorded": "indexed(False)",
}


class Helpers:
    """What the ways to call name, on one library."""

    def __init__(self, library: Any) -> None:
        self.torch, self.C = library, library.utils.checkpoint
        self.p = library.tensor(2.0, requires_grad=True)
        self.q = library.tensor([3.0, 0.5], dtype=library.float64, requires_grad=True)

    def new(self) -> Any:
        return self.torch.tensor([1.0, 2.0], requires_grad=True)

    def run(self, way: Any, f: Any = lambda x: x.sin().exp(), x: Any = None, **options: Any) -> Any:
        x = self.new() if x is None else x
        y = self.C.checkpoint(f, x, use_reentrant=way, **options)
        y.sum().backward()
        return y, x.grad

    def grad(self, way: bool) -> Any:
        x = self.new()
        y = self.C.checkpoint(lambda x: x * self.p, x, use_reentrant=way)
        return self.torch.autograd.grad(y.sum(), (x, self.p))

    def some(self, way: bool) -> Any:
        x = self.new()
        self.C.checkpoint(lambda x: (x * self.p).exp(), x, use_reentrant=way).sum().backward(inputs=[x])
        return x.grad, self.p.grad

    def changing(self, first: Any, then: Any) -> Any:
        runs = [then, first]
        return lambda x: runs.pop()(x)

    def penalised(self, x: Any) -> Any:
        """A gradient by a leaf of its own, as a penalty has it."""
        inside = (x * 2).detach().requires_grad_()
        (slope,) = self.torch.autograd.grad((inside**3 * self.p).sum(), inside, create_graph=True)
        return x * slope.pow(2)

    def indexed(self, way: bool) -> Any:
        x = self.new()
        self.C.checkpoint(lambda x, i: x[i] ** 2, x, self.torch.tensor([1, 1]), use_reentrant=way).sum().backward()
        return x.grad

    def twice(self, way: bool, keep: bool) -> Any:
        x = self.new()
        y = self.C.checkpoint(lambda x: x.sin().exp(), x, use_reentrant=way).sum()
        y.backward(retain_graph=keep)
        y.backward()
        return x.grad

    def several(self, way: bool, f: Any) -> Any:
        x = self.new()
        a, b, c = self.C.checkpoint(f, x, use_reentrant=way)
        (a * b).sum().backward()
        return a, b, c, x.grad

    def unrecorded(self, f: Any) -> Any:
        with self.torch.no_grad():
            return f()

    def layers(self, way: Any) -> Any:
        self.torch.manual_seed(0)
        net = self.torch.nn.Sequential(*[self.torch.nn.Linear(2, 2) for _ in range(5)])
        x = self.torch.ones(1, 2, requires_grad=True)
        y = self.C.checkpoint_sequential(net, 2, x, use_reentrant=way, preserve_rng_state=False)
        y.sum().backward()
        return y, x.grad, [p.grad for p in net.parameters()]

    def changed_since(self, way: bool) -> Any:
        h = self.new() * 1
        y = self.C.checkpoint(lambda h: h**3, h, use_reentrant=way)
        h.add_(1)
        y.sum().backward()

    def nested(self, outer: bool, inner: bool) -> Any:
        log: list[str] = []

        def within(x: Any) -> Any:
            log.append("inner")
            return x.sin()

        def around(x: Any) -> Any:
            log.append("outer")
            return self.C.checkpoint(within, x.cos(), use_reentrant=inner).exp()

        x = self.new()
        self.C.checkpoint(around, x, use_reentrant=outer).sum().backward()
        return x.grad, log

    def hooked(self) -> Any:
        seen: list[Any] = []

        def f(x: Any) -> Any:
            h = x.sin()
            h.register_hook(seen.append)
            return h.exp()

        self.run(False, f)
        return seen

    def escaped(self) -> Any:
        kept: list[Any] = []

        def f(x: Any) -> Any:
            h = x.sin()
            h.retain_grad()
            kept.append(h)
            return h.exp()

        y, _ = self.run(False, f)
        return y, [h.grad for h in kept], kept[0].grad_fn is y.grad_fn.next_functions[0][0]

    def contexts(self) -> Any:
        log: list[str] = []
        pair = lambda: (logging(log, "forward"), logging(log, "again"))
        return self.run(False, context_fn=pair), log

    def swallowed(self) -> Any:
        return self.run(False, lambda x: 1 / 0, context_fn=lambda: (suppress(ZeroDivisionError), nullcontext()))

    def early_stop(self) -> Any:
        log: list[int] = []
        with self.C.set_checkpoint_early_stop(False):
            self.run(False, lambda x: (log.append(1), x.sin(), log.append(2))[1])
        return log

    def own(self, way: bool) -> Any:
        def forward(ctx: Any, x: Any, y: Any) -> Any:
            out = x * x * y
            ctx.save_for_backward(x, y, out)
            return out

        def backward(ctx: Any, g: Any) -> Any:
            x, y, out = ctx.saved_tensors
            return g * 2 * x * y, g * out / y

        f = made(self.torch, forward, backward).apply
        x, q = self.new(), self.p * 1
        y = self.C.checkpoint(lambda x: f(x.sin(), q).exp(), x, use_reentrant=False)
        q.mul_(1)  # which leaves its value as it was
        (slope,) = self.torch.autograd.grad(y.sum(), x, create_graph=True)
        return y, slope, self.torch.autograd.grad(slope.sum(), (x, self.p)) if way else None


class logging:
    """A context that writes down when it is entered and left."""

    def __init__(self, log: list[str], name: str) -> None:
        self.log, self.name = log, name

    def __enter__(self) -> None:
        self.log.append(f"{self.name} begins")

    def __exit__(self, *exception: object) -> None:
        self.log.append(f"{self.name} ends")


@pytest.mark.parametrize("way", WAYS)
def test_ways_to_call_it(way: str) -> None:
    def run(library: Any) -> Any:
        helpers = Helpers(library)
        methods = {name: getattr(helpers, name) for name in dir(helpers) if not name.startswith("_")}
        return eval(WAYS[way], methods)

    assert_same(run)


# What torch does not notice


def spoiled(spoil: Any, nested: bool) -> Any:
    """The gradient of a checkpoint of something that `spoil` changes before the backward pass."""
    p, k = minigrad.tensor(3.0, requires_grad=True), minigrad.tensor(2.0)
    threes = minigrad.full((2,), 3.0)
    p.data = threes[0]
    x = minigrad.tensor([0.0, 1.0], requires_grad=True)
    f = lambda x: x * k * p
    around = (lambda x: checkpoint(f, x * 1, use_reentrant=False)) if nested else f
    y = checkpoint(around, x * 1, use_reentrant=False)
    spoil(p, k, threes)
    y[:1].sum().backward()
    return x.grad


def updated(p: Any, k: Any, threes: Any) -> None:
    with minigrad.no_grad():
        p -= 0.1


@pytest.mark.parametrize(
    "spoil",
    [
        updated,
        lambda p, k, threes: k.add_(1),
        lambda p, k, threes: setattr(p, "data", minigrad.tensor(3.0)),
        lambda p, k, threes: setattr(p, "data", threes[1]),
    ],
    ids=["a parameter that an optimizer updates", "a constant", "a parameter given other memory", "or another part"],
)
@pytest.mark.parametrize("nested", [False, True])
def test_what_a_function_captures_must_be_as_it_was(spoil: Any, nested: bool) -> None:
    """Also where its outputs are the same, zeros here: it is the saved values that must be."""
    assert spoiled(lambda *_: None, nested).tolist() == [6.0, 0.0]
    with pytest.raises(CheckpointError, match="Recomputed values are not those of the forward pass"):
        spoiled(spoil, nested)


def test_a_leaf_of_its_own_must_have_the_same_values() -> None:
    x, factors = minigrad.ones(2, requires_grad=True), [4.0, 3.0]
    f = lambda x: x * minigrad.full((2,), factors.pop(), requires_grad=True)
    with pytest.raises(CheckpointError, match="Recomputed values are not those of the forward pass"):
        checkpoint(f, x, use_reentrant=False).sum().backward()


@pytest.mark.parametrize("check", ["default", "none"])
def test_other_operations_on_the_same_values_are_noticed(check: str) -> None:
    runs = [minigrad.cos, minigrad.sin]
    x = minigrad.ones(2, requires_grad=True)
    y = checkpoint(lambda x: runs.pop()(x), x, use_reentrant=False, determinism_check=check)
    with pytest.raises(CheckpointError, match="Recomputed values are not those of the forward pass"):
        y.sum().backward()


def test_other_random_numbers_are_noticed_unless_told_not_to_look() -> None:
    def run(**options: Any) -> None:
        x = minigrad.ones(40, requires_grad=True)
        y = checkpoint(nn.functional.dropout, x * 1, use_reentrant=False, preserve_rng_state=False, **options)
        y.sum().backward()

    with pytest.raises(CheckpointError, match="preserve_rng_state"):
        run()
    run(determinism_check="none")


def test_a_second_derivative_through_a_reentrant_checkpoint_raises() -> None:
    """torch leaves its part out."""
    x = minigrad.ones(2, requires_grad=True)
    with pytest.warns(UserWarning, match="reference cycle"), pytest.raises(RuntimeError, match="create_graph=True"):
        checkpoint(lambda x: x**3, x, use_reentrant=True).sum().backward(create_graph=True)


def test_a_leaf_that_is_changed_after_the_first_run_is_named() -> None:
    x = minigrad.ones(2, requires_grad=True)
    y = checkpoint(lambda x: x**3, x, use_reentrant=True).sum()
    with minigrad.no_grad():
        x += 1
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.backward()


# What it is for


def held_after_forward(run: Any) -> int:
    """Bytes that a forward pass leaves allocated, its result included."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        result = run()
        held = tracemalloc.get_traced_memory()[0] - before
        result.sum().backward()
        return held
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("way", [True, False])
def test_between_the_passes_only_the_borders_of_segments_are_held(way: bool) -> None:
    layers = [nn.Sequential(nn.Linear(100, 100), nn.Tanh(), nn.Tanh()) for _ in range(16)]
    net, x = nn.Sequential(*layers), minigrad.randn(200, 100, requires_grad=True)
    one = x.nbytes
    plain = held_after_forward(lambda: net(x))
    parts = held_after_forward(lambda: checkpoint_sequential(net, 4, x, use_reentrant=way))
    whole = held_after_forward(lambda: checkpoint(net, x, use_reentrant=way))
    assert 32 * one < plain < 52 * one  # three values a layer, of which addmm's is saved by tanh alone
    assert 11 * one < parts < 17 * one  # three borders, and all of the last segment, which is no checkpoint
    assert whole < 2 * one


def test_a_compiled_function_in_a_checkpoint_is_run_as_written_both_times() -> None:
    """Its first call records what its second one would not."""
    f, found = minigrad.compile(lambda x: (x**3).sin()), []
    for _ in range(2):
        x = minigrad.tensor([1.0, 2.0], requires_grad=True)
        checkpoint(f, x, use_reentrant=False).sum().backward()
        found.append(x.grad)
        assert f(x.detach()) is not None
    expected = 3 * x.detach() ** 2 * (x.detach() ** 3).cos()
    assert all(minigrad.allclose(grad, expected) for grad in found)


def test_what_is_shown_of_a_pass_is_what_is_shown_without() -> None:
    minigrad.manual_seed(0)
    net, x = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1)), minigrad.ones(2, 2)

    def shown(run: Any) -> Any:
        told = json.loads(show.steps(lambda: run().sum()).to_json())
        steps = [{key: step[key] for key in ("node", "incoming", "saved")} for step in told["steps"]]
        return [node["value"] for node in told["nodes"]], steps

    assert shown(lambda: checkpoint(net, x, use_reentrant=False)) == shown(lambda: net(x))


@pytest.mark.parametrize("order", ["newest first", "naive"])
def test_what_is_shown_of_a_reentrant_checkpoint_leaves_every_grad_as_it_was(order: str) -> None:
    """Its pass within a step adds to `.grad` of what the function captured."""
    w, u, x = (minigrad.tensor([value], requires_grad=True) for value in (2.0, 3.0, 5.0))
    u.grad = kept = minigrad.tensor([7.0])
    loss = checkpoint(lambda x: x * w * u, x, use_reentrant=True).sum()
    told = show.steps(loss, order=order)
    assert "6" in str(told.ledgers[0].after)
    assert (w.grad, u.grad, x.grad, kept.tolist()) == (None, kept, None, [7.0])
    assert u.grad is kept
    loss.backward()
    assert [t.grad.item() for t in (w, u, x)] == [15, 17, 6]
