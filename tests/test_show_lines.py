"""Where an expression stands in the user's program."""

from __future__ import annotations

import dis
import linecache
import operator
from _thread import allocate_lock, start_new_thread
from functools import partial
from typing import Any

import pytest

import minigrad
from minigrad.show.lines import place_of, target_of


def places(source: str, filename: str = "<test of lines>", **names: Any) -> dict[str, Any]:
    """The places of the nodes of a program's tensors, by the tensors' names."""
    linecache.cache[filename] = (len(source), None, source.splitlines(True), filename)
    scope = {"torch": minigrad, "x": minigrad.ones(2, requires_grad=True), **names}
    exec(compile(source, filename, "exec"), scope)
    return {k: place_of(v.grad_fn.code, v.grad_fn.lasti) for k, v in scope.items() if getattr(v, "grad_fn", None)}


def test_an_expression_of_several_lines() -> None:
    place = places("y = (x *\n     2 +\n     x)\n")["y"]
    assert (place.line, place.end_line, place.target) == (1, 3, "y")
    assert place.text == "x *\n     2 +\n     x"
    assert place.source == "y = (x *\n     2 +\n     x)"
    assert place.names == ("x",)


def test_columns_are_characters() -> None:
    place = places("é = x; 梯度 = é * x\n")["梯度"]
    assert place.text == "é * x"
    assert place.source[place.column : place.end_column] == "é * x"
    assert place.target == "梯度"


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("y = x * torch.exp(x)", ("x", "torch")),
        ("y = box.w * x", ("box", "box.w", "x")),
        ("y = x.exp()", ("x",)),
    ],
)
def test_names(source: str, names: tuple[str, ...]) -> None:
    class Box:
        w = minigrad.ones(2)

    assert places(source, box=Box())["y"].names == names


def test_a_file_that_cannot_be_read() -> None:
    scope = {"x": minigrad.ones(2, requires_grad=True)}
    exec(compile("y = x * 2", "<nowhere>", "exec"), scope)
    node = scope["y"].grad_fn
    place = place_of(node.code, node.lasti)
    assert (place.file, place.line, place.text, place.source, place.names) == ("<nowhere>", 1, "", "", ())
    assert place.target == "y"
    assert place_of(node.code, -1) is None


@pytest.mark.parametrize(
    ("body", "target"),
    [
        ("y = x * 2", "y"),
        ("y = z = x * 2", "y"),
        ("(y := x * 2)", "y"),
        ("global q; q = x * 2", "q"),
        ("x *= 2", "x"),
        ("return x * 2", None),
        ("print(x * 2)", None),
        ("y, z = x * 2", None),
        ("y = (x * 2).sum()", None),
    ],
)
def test_targets(body: str, target: str | None) -> None:
    scope: dict[str, Any] = {}
    exec(f"def f(x):\n    {body}\n", scope)
    code = scope["f"].__code__
    (at,) = [i.offset for i in dis.get_instructions(code) if i.opname == "BINARY_OP"]
    assert target_of(code, at) == target


def test_a_variable_of_an_outer_function() -> None:
    def outer() -> Any:
        y = minigrad.ones(2, requires_grad=True) * 2

        def inner() -> Any:
            return y

        return inner()

    node = outer().grad_fn
    assert place_of(node.code, node.lasti).target == "y"
    assert place_of(node.code, node.lasti).function.endswith("outer")


def test_every_way_to_an_operation_names_the_line_of_the_user() -> None:
    x = minigrad.ones(2, 2, requires_grad=True)

    def user() -> list[minigrad.Tensor]:
        of_operators = [x + x, 2 * x, x - 1, x / x, x**2, x @ x, -x, abs(x), x[0], x.T]
        of_functions = [minigrad.matmul(x, x), minigrad.exp(x), x.exp(), x.sum(), minigrad.nn.functional.relu(x)]
        return [*of_operators, *of_functions, *x.unbind(), minigrad.cat([x, x]), minigrad.clamp(x, 0), x.max(0)[0]]

    assert {t.grad_fn.code for t in user()} == {user.__code__}


def test_a_thread_in_which_nothing_but_operations_run() -> None:
    x = minigrad.ones(2, 2, requires_grad=True)
    calls = [partial(minigrad.exp, x), x.sum, partial(operator.add, x, x), partial(minigrad.split, x, 1)]
    made: list[Any] = []
    done = allocate_lock()
    done.acquire()
    start_new_thread(made.extend, (map(operator.call, [*calls, done.release]),))
    assert done.acquire(timeout=10)
    assert [t.grad_fn.code.co_filename for t in made[:3]] == ["<no line>"] * 3
    assert len(made[3]) == 2
