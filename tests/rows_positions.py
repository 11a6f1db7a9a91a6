"""Rows for indices as results, and for elements that are looked up or repeated by indices."""

from __future__ import annotations

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
row("repeat_interleave", "a, count", options=times)
row("repeat_interleave", "a, count, dim", shapes=Draw.with_dims, options=times)
row("repeat_interleave", "a, t.tensor(counts), dim", shapes=Draw.with_dims, options=times)
program("t.take_along_dim(a.contiguous(), t.tensor([[0, 2, 1], [1, 1, 0]]))", lambda draw: [(draw.choice(1, 2), 3)])
row("take_along_dim", "a, t.argsort(b, dim), dim", shapes=lambda draw: [(2, 3), (2, 3)], options=windows)
row("take_along_dim", "a, t.tensor([[0], [-1]]), dim", shapes=lambda draw: [(2, 3)], options=windows)
row("argwhere")
