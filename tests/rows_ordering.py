"""Rows for what orders, counts and finds: sorting, extremes, medians, running products, statistics of what is there."""

from __future__ import annotations

from typing import Any

from op_cases import Draw, Shape
from op_rows import dim, dim_keepdim, dims_keepdim, row

# In order


def flags(draw: Draw, shape: Shape) -> dict[str, Any]:
    return dim_keepdim(draw, shape) | {"down": draw.flag(), "stable": draw.choice(None, True, False)}


def counted(draw: Draw, shape: Shape) -> dict[str, Any]:
    """A dimension, and a number from 1 to its length."""
    found = flags(draw, shape)
    at = found["dim"]
    length = shape[at] if shape and -len(shape) <= at < len(shape) else 1
    return {**found, "k": draw.random.randint(0 if draw.wild else 1, length + draw.wild)}


row("sort")
row("sort", "a, dim, down", "t.sort(a, dim=dim, descending=down)", options=flags)
row("sort", "a, stable=stable, dim=dim, descending=down", options=flags)
row("argsort", "a, dim, down", options=flags)
row("msort")
row("topk", "a, k, dim, down", shapes=Draw.not_empty, options=counted)
row("kthvalue", "a, k, dim, keepdim", shapes=Draw.not_empty, options=counted)
for name in ("median", "nanmedian"):
    row(name, shapes=Draw.not_empty)
    # Of a row whose elements share their memory, torch reads what lies beyond.
    row(name, "a, dim, keepdim", shapes=Draw.not_empty, options=dim_keepdim, expanded=False)
row("mode", "a, dim, keepdim", shapes=Draw.not_empty, options=dim_keepdim)

# Extremes

for name in ("amax", "amin"):
    row(name, shapes=Draw.not_empty)
    row(name, "a, dim, keepdim", f"a.{name}(axis=dim, keepdims=keepdim)", shapes=Draw.not_empty, options=dims_keepdim)
row("aminmax", "a, dim=dim, keepdim=keepdim", shapes=Draw.not_empty, options=dim_keepdim)
row("aminmax", shapes=Draw.not_empty)

# So far


def differences(draw: Draw, shape: Shape, *others: Shape) -> dict[str, Any]:
    return dim(draw, shape) | {"n": draw.choice(1, 1, 2, 0, *([-1, 5] if draw.wild else []))}


row("cumprod", "a, dim", "a.cumprod(axis=dim)", options=dim, special=())
row("logcumsumexp", "a, dim", shapes=Draw.not_empty, options=dim, special=())  # second derivatives of NaN
for name in ("cummax", "cummin"):
    row(name, "a, dim", options=dim)
row("diff", shapes=Draw.with_dims)
row("diff", "a, n, dim", shapes=Draw.with_dims, options=differences)
row("diff", "a, n, dim, b, a", shapes=lambda draw: [draw.shape(1)] * 2, options=differences)
