"""Hooks for saved tensors: what is put away and brought back changes no gradient, or the backward pass says so."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any
from weakref import ref

import numpy as np
import pytest
from hypothesis import example, given, settings, strategies as st

import minigrad
from minigrad.autograd.graph import disable_saved_tensors_hooks, save_on_cpu, saved_tensors_hooks
from minigrad.testing.random_programs import KINDS, WITHOUT_DATA, Program, attempt, programs, run_program
from minigrad.utils.checkpoint import checkpoint

Pair = tuple[Callable[[Any], Any], Callable[[Any], Any]]
SHARING: dict[str, Pair] = {
    "identity": (lambda t: t, lambda t: t),
    "detached": (lambda t: t.detach(), lambda t: t),
    "array": (lambda t: t.detach().numpy(), minigrad.from_numpy),
    "buffer": (lambda t: memoryview(t.detach().numpy()), lambda m: minigrad.from_numpy(np.asarray(m))),
}
COPYING: dict[str, Pair] = {
    "copy": (lambda t: t.clone(), lambda t: t),
    "double": (lambda t: (t.dtype, t.double()), lambda kept: kept[1].to(kept[0])),
    "wider": (lambda t: t.double() if t.is_floating_point() else t, lambda t: t),
    "numpy": (lambda t: np.array(t.detach().numpy(), order="K"), minigrad.from_numpy),
}
RUNNING = programs(kinds=WITHOUT_DATA)
REFUSED = programs(kinds=[k for k in KINDS if k not in ("hooks", "data")], refused=True)


def bits(value: Any) -> Any:
    """What must be equal of the value of a name."""
    if isinstance(value, list):
        return [bits(v) for v in value]
    if isinstance(value, minigrad.Tensor):
        grad = attempt(lambda t: t.grad if t.is_leaf else None, value)  # raises for a view that is not valid any more
        return value.detach().numpy().tobytes(), value.dtype, value.shape, bits(grad)
    return type(value)


@given(RUNNING, st.sampled_from([*SHARING, *COPYING]))
@example(Program(("a = torch.ones(2, requires_grad=True)", "b = (a * 2).exp_()", "(b * b).sum().backward()")), "copy")
@settings(max_examples=60, database=None)
def test_what_hooks_put_away_and_bring_back_changes_no_gradient(program: Program, name: str) -> None:
    expected = {name: bits(value) for name, value in run_program(program).items()}
    with saved_tensors_hooks(*(SHARING | COPYING)[name]):
        found = run_program(program)
    assert {name: bits(value) for name, value in found.items()} == expected


@given(REFUSED, st.sampled_from([*SHARING]))
@settings(max_examples=60, database=None)
def test_hooks_that_do_not_copy_hide_no_change_in_place(program: Program, name: str) -> None:
    expected = {name: bits(value) for name, value in run_program(program).items()}
    with saved_tensors_hooks(*SHARING[name]):
        found = run_program(program)
    assert {name: bits(value) for name, value in found.items()} == expected


# As torch


OPERATIONS = {
    "both operands": "a * b",
    "one, beside a constant": "a * c",
    "none, beside a number": "a * 2",
    "none, beside other numbers": "(0.3 * a + a / 0.7) * 0.0 + True * a",
    "none": "a + b",
    "the result": "(a + 1).exp()",
    "operands and result": "a ** b",
    "a power": "a ** 2",
    "a number's power": "2 ** a",
    "a quotient": "a / b",
    "matrices": "m @ m",
    "a result in place": "(a + 1).sigmoid_()",
    "an operand in place": "(a + 1).mul_(b)",
    "a condition": "torch.where(c > 0, a, b)",
    "a maximum": "a.max()",
    "a norm": "a.norm()",
    "a variance": "a.var()",
    "logsumexp": "a.logsumexp(0)",
    "softmax": "a.softmax(0)",
    "a loss": "torch.nn.functional.mse_loss(a, b)",
    "a layer": "torch.nn.functional.linear(m, m, a)",
    "a 0-d tensor": "a * torch.tensor(2.0)",
    "another dtype": "a * c.double()",
    "unrecorded": "a.detach() * c",
}


def told(library: ModuleType, code: str) -> list[Any]:
    """What hooks are told while an expression is computed, and twice differentiated."""
    seen: list[Any] = []
    a = library.tensor([0.5, 1.5, 2.5], requires_grad=True)
    b = library.tensor([1.5, 0.5, 3.5], requires_grad=True)
    c = library.tensor([1.0, 2.0, -3.0])
    m = library.tensor([[1.0, 2.0, 3.0], [0.5, 1.0, 2.0], [2.0, 1.0, 4.0]], requires_grad=True)

    def pack(t: Any) -> Any:
        seen.append((tuple(t.shape), t.dtype.itemsize, t.requires_grad, t.is_leaf, t._version))
        assert not library.is_grad_enabled()
        return t

    def unpack(t: Any) -> Any:
        seen.append("unpack")
        return t

    with library.autograd.graph.saved_tensors_hooks(pack, unpack):
        result = eval(code, {"torch": library}, locals())
    seen.sort(key=str)  # the order of operands is each library's own
    if result.requires_grad:
        result.sum().backward(retain_graph=True)
        result.sum().backward()
    return seen


@pytest.mark.parametrize("code", OPERATIONS.values(), ids=OPERATIONS)
def test_hooks_are_told_what_they_are_in_torch(code: str) -> None:
    torch = pytest.importorskip("torch")
    assert told(minigrad, code) == told(torch, code)


def product(library: ModuleType) -> type:
    class Product(library.autograd.Function):  # type: ignore[misc, name-defined]
        @staticmethod
        def forward(ctx: Any, x: Any, y: Any) -> Any:
            result = x * y
            ctx.save_for_backward(x, y, None, result)
            return result

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            x, y, nothing, result = ctx.saved_tensors
            assert nothing is None
            return g * y, g * (result / y) * (x / x)

    return Product


def of_function(library: ModuleType, pair: Pair) -> list[Any]:
    """First and second derivatives of a Function that was recorded under hooks."""
    x = library.tensor([1.5, 2.0], requires_grad=True)
    y = library.tensor([3.0, 0.5], requires_grad=True)
    with library.autograd.graph.saved_tensors_hooks(*pair):
        z = product(library).apply(x * 1, y)
    gx, gy = library.autograd.grad((z * z).sum(), (x, y), create_graph=True)
    again = library.autograd.grad((gx * gx * gy).sum(), (x, y))
    return [t.tolist() for t in (gx, gy, *again)]


@pytest.mark.parametrize("name", ["identity", "detached", "copy", "double"])
def test_a_function_saves_by_way_of_hooks(name: str) -> None:
    torch = pytest.importorskip("torch")
    pair = (SHARING | COPYING)[name]
    assert of_function(minigrad, pair) == of_function(torch, pair) == of_function(minigrad, SHARING["identity"])


def grad_of_product(unpack: Callable[..., Any], pack: Callable[..., Any] = lambda t: t, changed: bool = False) -> Any:
    a = minigrad.tensor([1.0, 2.0], requires_grad=True)
    b = a + 1
    with saved_tensors_hooks(pack, unpack):
        y = a * b
    if changed:
        b.mul_(2)
    return minigrad.autograd.grad(y.sum(), a)[0]


@pytest.mark.parametrize(
    ("unpack", "kind", "text"),
    [
        (
            lambda t: 1,
            TypeError,
            "^Output of saved tensor unpack_hook expected to be a Tensor but got result of type int",
        ),
        (lambda t: None, TypeError, "of type NoneType"),
        (
            lambda t: t[:1],
            RuntimeError,
            r"has returned \[torch.FloatTensor \[1\]\] for what was \[torch.FloatTensor \[2\]\]",
        ),
        (lambda t: t.long(), RuntimeError, "unpack_hook must return what pack_hook was given"),
        (lambda t: 1 / 0, ZeroDivisionError, "division by zero"),
    ],
)
def test_what_unpack_returns_has_to_be_what_was_saved(unpack: Any, kind: Any, text: str) -> None:
    with pytest.raises(kind, match=text):
        grad_of_product(unpack)


def test_a_pack_hook_may_not_change_what_it_is_given() -> None:
    with pytest.raises(
        RuntimeError, match=r"^A saved tensor pack hook is modifying its input in place. Tensors provided"
    ):
        grad_of_product(lambda t: t, lambda t: t.detach().mul_(1))


def test_a_change_in_place_is_told_by_hooks_that_share_and_harmless_to_those_that_copy() -> None:
    for pack, unpack in SHARING.values():
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            grad_of_product(unpack, pack, changed=True)
    for pack, unpack in COPYING.values():
        assert grad_of_product(unpack, pack, changed=True).tolist() == [3.0, 5.0]
    for pin_memory in (False, True):
        a = minigrad.tensor([1.0, 2.0], requires_grad=True)
        b = a.exp()
        with save_on_cpu(pin_memory):
            y = b * b
        y.sum().backward()
        assert minigrad.allclose(a.grad, 2 * (2 * a.detach()).exp())


@pytest.mark.parametrize("name", ["identity", "copy"])
def test_what_the_operation_itself_changes_cannot_be_put_away(name: str) -> None:
    a = minigrad.tensor([1.0, 2.0], requires_grad=True)
    b = a + 1
    with saved_tensors_hooks(*(SHARING | COPYING)[name]):
        b.mul_(b)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        b.sum().backward()


def test_a_view_without_history_comes_back_as_one() -> None:
    a = minigrad.tensor([1.0, 2.0], requires_grad=True)
    b = minigrad.tensor([3.0, 4.0], requires_grad=True)
    with minigrad.no_grad():
        view = a[:]
    assert view.requires_grad
    with saved_tensors_hooks(*COPYING["copy"]):
        y = view * b
    (g,) = minigrad.autograd.grad(y.sum(), b, create_graph=True)
    assert g.requires_grad


def test_the_innermost_hooks_hold_in_their_thread_alone() -> None:
    a = minigrad.tensor([1.0, 2.0], requires_grad=True)
    outer: list[Any] = []
    inner: list[Any] = []
    in_thread: list[Any] = []
    hooks = saved_tensors_hooks(lambda t: outer.append(t), lambda t: a)
    with hooks:
        with saved_tensors_hooks(lambda t: inner.append(t), lambda t: a), hooks:
            a.square()
        with saved_tensors_hooks(lambda t: inner.append(t), lambda t: a):
            a.square()
        thread = threading.Thread(target=lambda: in_thread.append(a.square()))
        thread.start()
        thread.join()
    a.square()
    assert (len(outer), len(inner)) == (1, 1)
    assert outer[0] is a
    in_thread[0].sum().backward()


def test_hooks_can_be_refused() -> None:
    refusing = disable_saved_tensors_hooks
    with refusing("not here"), refusing("nor here"), pytest.raises(RuntimeError, match=r"^nor here$"), save_on_cpu():
        pass
    with pytest.raises(RuntimeError, match=r"^not here$"), save_on_cpu(), disable_saved_tensors_hooks("not here"):
        pass
    with pytest.raises(TypeError, match="incompatible function arguments"), saved_tensors_hooks(1, 2):  # type: ignore[arg-type]
        pass
    with save_on_cpu():  # and nothing is left of it
        pass


def test_values_that_are_put_away_are_not_kept() -> None:
    a = minigrad.tensor([1.0, 2.0], requires_grad=True)
    kept: dict[int, Any] = {}

    def pack(t: minigrad.Tensor) -> int:
        kept[len(kept)] = t.detach().clone()
        return len(kept) - 1

    with saved_tensors_hooks(pack, lambda i: kept[i]):
        b = a + 1
        y = b * b
    memory = ref(b._array)
    del b
    gc.collect()
    assert memory() is None
    y.sum().backward()
    assert a.grad is not None
    assert a.grad.tolist() == [4.0, 6.0]
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        y.sum().backward()


def test_checkpoints_and_compiled_functions() -> None:
    a = minigrad.tensor([1.0, 2.0], requires_grad=True)
    seen: list[Any] = []
    pair = (lambda t: seen.append(1) or t.clone(), lambda t: t)

    def f(x: Any) -> Any:
        with saved_tensors_hooks(*pair):
            return (x * x).exp()

    y = checkpoint(f, a, use_reentrant=False)
    assert len(seen) == 3
    y.sum().backward()
    assert a.grad is not None
    assert a.grad.tolist() == (2 * a * (a * a).exp()).tolist()
    with saved_tensors_hooks(*pair):  # what a checkpoint lets go is not put away
        seen.clear()
        checkpoint(lambda x: (x * x).exp(), a, use_reentrant=False).sum().backward()
        assert not seen
        compiled = minigrad.compile(lambda x: x * x)
        compiled(a)
        compiled(a)
    assert len(seen) == 4
