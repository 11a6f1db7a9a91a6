"""Rows for sums and means of what is not NaN, spread and mean at once, quantiles and norms."""

from __future__ import annotations

from typing import Any

from op_cases import Draw, Shape
from op_rows import dim, dim_keepdim, dims_keepdim, row


def shares(draw: Draw, shape: Shape) -> dict[str, Any]:
    q = draw.choice(0.3, 0.0, 1.0, 0.75, *([1.5] if draw.wild else []))
    return {
        **dim_keepdim(draw, shape),
        "q": q,
        "how": draw.choice("linear", "linear", "lower", "higher", "midpoint", "nearest"),
    }


def lengths(draw: Draw, shape: Shape) -> dict[str, Any]:
    return {
        **dim(draw, shape),
        "p": draw.choice(1, 2, 3, 1.5),
        "most": draw.choice(0.5, 2, *([-1] if draw.wild else [])),
    }


row("nansum")
row("nansum", "a, dim, keepdim", options=dims_keepdim)
row("nanmean", shapes=Draw.not_empty)
row("nanmean", "a, dim, keepdim", shapes=Draw.not_empty, options=dims_keepdim)
row("count_nonzero")
row("count_nonzero", "a, dim", options=dims_keepdim)
for name in ("var_mean", "std_mean"):  # the mean of infinities is NaN in torch, which finds it step by step
    row(
        name,
        "a, dim, correction=correction, keepdim=keepdim",
        shapes=lambda draw: [(*draw.shape(0, 1), 3, 3)],
        options=lambda draw, s: {
            "dim": draw.choice(-1, 0, (-2, -1)),
            "correction": draw.choice(0, 1),
            "keepdim": draw.flag(),
        },
        expanded=False,
        special=(),
    )
    row(name, shapes=lambda draw: [(2, 2)], expanded=False, special=())
for name in ("quantile", "nanquantile"):
    row(name, "a, q, dim, keepdim, interpolation=how", shapes=Draw.not_empty, options=shares)
    row(name, "a, q", shapes=lambda draw: [(draw.choice(1, 2, 5), 2)], options=shares)
    row(name, "a, t.tensor([0.2, 0.6], dtype=a.dtype), dim, keepdim", shapes=Draw.not_empty, options=shares)
row("renorm", "a, p, dim, most", shapes=lambda draw: [draw.shape(2)], options=lengths)
