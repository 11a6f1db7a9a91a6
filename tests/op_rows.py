"""How a row of the table of tests is written, and the options that rows share.

A row is an expression of tensors a, b, c and options, with the module `t` (torch or minigrad) in it: the same text
runs on both sides. Its other spellings, the method and the in-place twin, follow from the name where torch has them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from functools import cache
from types import CodeType
from typing import Any

import torch
from op_cases import Draw, Row, Shape

import minigrad.ops
from minigrad.ops import activations

ROWS: list[Row] = []
minigrad.ops.import_all()  # the table is to be whole
Options = Callable[..., dict[str, Any]]


def functional(t: Any) -> Any:
    """The functions of neural networks that are no functions of `t` itself."""
    return t.nn.functional if t is torch else activations


@cache
def _compiled(text: str) -> tuple[CodeType, CodeType]:
    *statements, last = text.split("; ")
    return compile("; ".join(statements), text, "exec"), compile(last, text, "eval")


def evaluate(text: str, t: Any, tensors: Any, options: dict[str, Any]) -> Any:
    """What an expression gives; statements, each followed by a semicolon, may come before it."""
    statements, last = _compiled(text)
    scope = {"t": t, "F": functional(t), **dict(zip("abc", tensors, strict=False)), **options}
    exec(statements, scope)
    return eval(last, scope)


def row(
    name: str,
    arguments: str = "a",
    operators: tuple[str, ...] | str = (),
    *,
    shapes: Callable[[Draw], list[Shape]] = Draw.one,
    options: Options = lambda draw, *shapes: {},
    twin: bool = True,
    **more: Any,
) -> None:
    """Enter torch's function `name`, or else its method, and the spellings that follow from it."""
    first, _, rest = arguments.partition(", ")
    ways = [f"t.{name}({arguments})"] if hasattr(torch, name) else []
    in_place: list[str] = []
    if first == "a":
        if hasattr(torch.Tensor, name):
            ways.append(f"a.{name}({rest})")
        if twin and hasattr(torch.Tensor, f"{name}_"):
            in_place.append(f"a.{name}_({rest})")
    for operator in (operators,) if isinstance(operators, str) else operators:
        (in_place if re.match(r"a \S+= ", operator) and not re.match("a (==|!=|<=|>=)", operator) else ways).append(
            operator
        )
    ROWS.append(Row(ways[0], tuple(ways[1:]), tuple(in_place), shapes, options, **more))


def program(
    text: str,
    shapes: Callable[[Draw], list[Shape]] = Draw.one,
    options: Options = lambda draw, *shapes: {},
    **more: Any,
) -> None:
    """Enter a few statements and a last expression."""
    ROWS.append(Row(text, (), (), shapes, options, **more))


# Options


def number(draw: Draw, *shapes: Shape) -> dict[str, Any]:
    return {"number": draw.number()}


def dim(draw: Draw, shape: Shape, *others: Shape) -> dict[str, Any]:
    return {"dim": draw.dim(shape)}


def dim_keepdim(draw: Draw, shape: Shape) -> dict[str, Any]:
    return {"dim": draw.dim(shape), "keepdim": draw.flag()}


def dims_keepdim(draw: Draw, shape: Shape) -> dict[str, Any]:
    dim = draw.dims(shape)
    return {"dim": dim, "keepdim": dim is None or draw.flag()}  # (None, False) is another form in torch: sum()


def corrected(draw: Draw, shape: Shape) -> dict[str, Any]:
    found = dims_keepdim(draw, shape)
    whole = found["dim"] in ([], ())  # where torch takes the gradient of something else
    return {**found, "dim": None if whole else found["dim"], "correction": draw.choice(0, 1, 1, 2, 0.5)}


def bounds(draw: Draw, shape: Shape) -> dict[str, Any]:
    if draw.kind == "smooth":
        return {"low": draw.choice(None, -0.5), "high": draw.choice(0.5, 1.9)}
    low = draw.choice(None, -1, 0, -0.5, *([1, math.nan] if draw.wild else []))
    return {"low": low, "high": draw.choice(1, 0, 0.5, *([-1, None] if draw.wild else []))}


def new_shape(draw: Draw, shape: Shape, *others: Shape) -> dict[str, Any]:
    return {"shape": draw.other_shape(shape)}


def two_dims(draw: Draw, shape: Shape) -> dict[str, Any]:
    return {"dim0": draw.dim(shape), "dim1": draw.dim(shape)}


def sorted_dims(draw: Draw, shape: Shape) -> dict[str, Any]:
    given = [draw.dim(shape), draw.dim(shape)]
    if not draw.wild:
        given.sort(key=lambda d: d % max(len(shape), 1))
    return {"first": given[0], "last": given[1]}


def larger(draw: Draw, shape: Shape) -> dict[str, Any]:
    if draw.sometimes_wrong():
        return {"sizes": [*draw.shape(), *draw.choice([], [-1])]}
    sizes = [draw.choice(-1, n) if n != 1 else draw.size() for n in shape]
    return {"sizes": [*draw.shape(0, 1), *sizes]}


def repeats(draw: Draw, shape: Shape) -> dict[str, Any]:
    return {"times": [draw.size() for _ in range(len(shape) + draw.choice(0, 1, -1 if draw.wild else 0))]}


def sections(draw: Draw, shape: Shape) -> dict[str, Any]:
    at = draw.dim(shape)
    length = shape[at] if -len(shape) <= at < len(shape) else 2
    first = draw.random.randint(0, length)
    size = draw.choice(1, 2, 3, *([0, -1] if draw.wild else []))
    return {"dim": at, "size": size, "sections": [first, length - first + draw.sometimes_wrong()]}


def alpha(draw: Draw, *shapes: Shape) -> dict[str, Any]:
    return {"alpha": draw.choice(2, -1, 3), "other": 3}


def dtype(draw: Draw, *shapes: Shape) -> dict[str, Any]:
    if draw.kind == "smooth":
        return {"dtype": "float64"}
    return {"dtype": draw.choice("float64", "float32", *(["int64", "bool", "float16"] if draw.wild else []))}
