"""Rows for indices as results, and for elements that are looked up or repeated by indices."""

from __future__ import annotations

import math
from typing import Any

from op_cases import Draw, Shape
from op_rows import program, row


def windows(draw: Draw, shape: Shape, *others: Shape) -> dict[str, Any]:
    """A dimension, and windows that fit into it."""
    at = draw.dim(shape)
    length = shape[at] if shape and -len(shape) <= at < len(shape) else 1
    size = draw.random.randint(-1 if draw.wild else 0, length + draw.wild)
    return {"dim": at, "size": size, "step": draw.choice(1, 2, 3, *([0] if draw.wild else []))}


def times(draw: Draw, shape: Shape) -> dict[str, Any]:
    at = draw.dim(shape)
    length = shape[at] if shape and -len(shape) <= at < len(shape) else 1
    counts = [draw.choice(0, 1, 2) for _ in range(draw.choice(length, length, 1))] or [1]
    return {"dim": at, "count": draw.choice(0, 1, 2, 3, *([-1] if draw.wild else [])), "counts": counts}


program("a.unfold(dim, size, max(size, step))", options=windows)
program("a.unfold(dim, size, step) * 1", options=windows)
program(
    "x = a.clone(); y = x.unfold(dim, 1, 2); x.mul_(2); x.sum() + y.sum()",
    lambda draw: [tuple([n or 1 for n in draw.shape(1)])],
    windows,
    folded=True,
)


def strides(draw: Draw, shape: Shape) -> dict[str, Any]:
    """Steps of any number of dimensions, most of them within so many elements as there are."""
    room = math.prod(shape) - 1
    offset = draw.random.randint(-1 if draw.wild else 0, max(room, 0))
    room, sizes, steps = room - offset, [], []
    for _ in range(draw.choice(0, 1, 2, 2, 3)):
        steps.append(draw.choice(0, 1, 1, 2, 3, *([-1] if draw.wild else [])))
        sizes.append(draw.random.randint(0, 3) if draw.wild else min(3, 1 + room // max(steps[-1], 1)))
        room -= (sizes[-1] - 1) * steps[-1]
    return {"size": sizes, "stride": steps + [1] * draw.sometimes_wrong(), "offset": offset}


def transposed(draw: Draw, shape: Shape) -> dict[str, Any]:
    return {"steps": draw.choice((1, 2), (2, 1), (1, 1)), "offset": draw.choice(None, 0, 1)}


row("as_strided", "a.contiguous(), size, stride, offset", shapes=Draw.not_empty, options=strides)
program("a.contiguous().t().as_strided((2, 2), steps, offset)", lambda draw: [(2, 3)], transposed)
program("a[:1].contiguous().expand(3, 3).as_strided((2, 2), (0, 2), 0)", lambda draw: [(2, 3)])
program(
    "x = a.contiguous() * 1; y = x.as_strided((2, 2), (1, 2), 1); y.mul_(3); x.mul_(b); x.exp().sum() + y.exp().sum()",
    lambda draw: [(2, 3), (3,)],
    special=(),
    folded=True,
)
row("repeat_interleave", "a, count", options=times)
row("repeat_interleave", "a, count, dim", shapes=Draw.with_dims, options=times)
row("repeat_interleave", "a, t.tensor(counts), dim", shapes=Draw.with_dims, options=times)
program("t.take_along_dim(a.contiguous(), t.tensor([[0, 2, 1], [1, 1, 0]]))", lambda draw: [(draw.choice(1, 2), 3)])
row("take_along_dim", "a, t.argsort(b, dim), dim", shapes=lambda draw: [(2, 3), (2, 3)], options=windows)
row("take_along_dim", "a, t.tensor([[0], [-1]]), dim", shapes=lambda draw: [(2, 3)], options=windows)
row("argwhere")
