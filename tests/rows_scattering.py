"""Rows for what is written where indices point: `scatter`, `index_add`, `masked_scatter` and their like."""

from __future__ import annotations

from typing import Any

import numpy as np
from op_cases import Draw, Shape
from op_rows import program, row

# `scatter`: the index is a tensor of the shape of what is written


def pairs(draw: Draw, least: int = 0) -> list[Shape]:
    """Where something is written, and what: of as many dimensions, and nowhere larger but in one."""
    full = tuple([n or 1 for n in draw.shape(least)])
    if draw.wild:
        return [full, draw.shape()]
    return [full, tuple([draw.random.randint(0 if draw.choice(False, False, True) else 1, n) for n in full])]


def places(draw: Draw, shape: Shape, source: Shape, once: bool = False) -> dict[str, Any]:
    """A dimension, and for each element of the source a place in it, to none of which two elements go if `once`."""
    at = draw.dim(shape)
    length = shape[at] if shape and -len(shape) <= at < len(shape) else 1
    count = 1
    for n in source:
        count *= n
    found = [draw.random.randrange(length + draw.sometimes_wrong()) for _ in range(count)]
    if once:
        order = draw.random.sample(range(length), length)
        found = [order[k[at] if source else 0] for k in np.ndindex(source)]
    return {"dim": at, "index": found, "size": list(source), "keep": draw.flag(), "number": draw.number()}


INDEX = "t.tensor(index, dtype=t.int64).reshape(size)"
# Of two elements written to one place torch gives both the gradient; differences give it to the last.
row(
    "scatter",
    f"a, dim, {INDEX}, b",
    shapes=pairs,
    options=lambda draw, *s: places(draw, *s, once=draw.kind == "smooth"),
)
row("scatter", f"a, dim, {INDEX}, number", f"a.scatter(dim, {INDEX}, value=number)", shapes=pairs, options=places)
row("scatter_add", f"a, dim, {INDEX}, b", shapes=pairs, options=places)
for name in ("sum", "prod", "mean", "amax", "amin"):
    arguments = f"a, dim, {INDEX}, b, '{name}', include_self=keep"
    row("scatter_reduce", arguments, shapes=lambda draw: pairs(draw, 1), options=places, special=())
for name in ("add", "multiply"):
    row(
        "scatter",
        f"a.detach(), dim, {INDEX}, b.detach(), reduce='{name}'",
        shapes=pairs,
        options=places,
        smooth=False,
    )

# An index for each slice


def slices(draw: Draw) -> list[Shape]:
    """Where slices are written, and those, along the first dimension."""
    full = (draw.choice(1, 2, 3), *draw.shape(0, 2))
    return [full, draw.shape()] if draw.wild else [full, (draw.choice(0, 1, full[0], full[0]), *full[1:])]


def picks(draw: Draw, shape: Shape, source: Shape = (2,)) -> dict[str, Any]:
    """Indices for the slices of the source, which differ."""
    length = shape[0] if shape else 1
    found = list(range(length + draw.sometimes_wrong()))
    draw.random.shuffle(found)
    return {"index": found[: source[0] if source else 1], "number": draw.number(), "alpha": draw.choice(1, 2, -3)}


VECTOR = "t.tensor(index, dtype=t.int64)"
row("index_add", f"a, 0, {VECTOR}, b", shapes=slices, options=picks)
row("index_add", "a, 0, t.tensor([1, 0, 1]), b, alpha=alpha", shapes=lambda draw: [(2, 2), (3, 2)], options=picks)
row("index_copy", f"a, 0, {VECTOR}, b", shapes=slices, options=picks)
row("index_fill", f"a, 0, {VECTOR}, number", shapes=lambda draw: slices(draw)[:1], options=picks)
row("index_fill", f"a, 0, {VECTOR}, b", shapes=lambda draw: [slices(draw)[0], ()], options=picks)
row("index_fill", "a, 0, t.tensor([-1, 0, -3]), number", shapes=lambda draw: [(3, 2)], options=picks)
row("index_put", f"a, ({VECTOR},), b", shapes=slices, options=picks)
row("index_put", "a, (t.tensor([0, 1, 0]),), b, accumulate=True", shapes=lambda draw: [(2, 3), (draw.choice(1, 3), 3)])
row("index_put", "a, (a > 0,), b", shapes=lambda draw: [draw.shape(1), ()])
program(
    f"t.index_put(a.mT, ({VECTOR}, {VECTOR}), b, accumulate=True)", lambda draw: [(3, 3), draw.choice((), (2,))], picks
)
# torch keeps gaps in memory, and writes a part into what may be read through another.
inner: dict[str, Any] = {"expanded": False, "folded": True}
inner["options"] = lambda draw, *shapes: {"at": draw.choice(0, *([-1, 1, 5] if draw.wild else []))}
row("select_scatter", "a, b, 1, at - 1", shapes=lambda draw: [(2, 2, 3), (2, 3 - draw.sometimes_wrong())], **inner)
row("slice_scatter", "a, b, -1, at, None, 2", shapes=lambda draw: [(2, 3), (2, 2 - draw.sometimes_wrong())], **inner)
row("diagonal_scatter", "a, b, at", shapes=lambda draw: [(2, 3), (2 - draw.sometimes_wrong(),)], **inner)
row("put", "a, t.tensor([0, -1, 1]), b", shapes=lambda draw: [(draw.choice(1, 2), 3), (3,)])
row("put", "a, t.tensor([0, -1, 0]), b, accumulate=True", shapes=lambda draw: [(2, draw.choice(1, 3)), (3,)])
row(
    "masked_scatter",
    "a, b, c",
    shapes=lambda draw: [full := draw.shape(), draw.part_of(full), (*full, 2)],
    fixed={"b": "bool"},
    always_fixed=True,
    folded=True,
)
