"""Slopes of functions that are known at points.

Source: https://docs.pytorch.org/docs/stable/generated/torch.gradient.html
"""

from __future__ import annotations

from typing import Any

from .. import dtypes, messages
from ..tensor import Tensor
from .convert import invalid_combination
from .names import public, tensor_argument
from .options import as_int, as_number
from .shape import cat

INTERNAL = True
_FORMS = [
    f"(Tensor input, *, {form}, int edge_order = 1)"
    for form in (
        "tuple of ints dim",
        "Number spacing, tuple of ints dim",
        "Number spacing = None, int dim = None",
        "tuple of Scalars spacing, int dim = None",
        "tuple of Scalars spacing, tuple of ints dim",
        "tuple of Tensors spacing, int dim = None",
        "tuple of Tensors spacing, tuple of ints dim",
    )
]


@public(method=False)
def gradient(input: Tensor, *, spacing: Any = None, dim: Any = None, edge_order: int = 1) -> tuple[Tensor, ...]:
    """The slopes of `input` along `dim`, or along each dimension: central differences, one-sided ones at the ends.

    spacing  the distance of neighbours (1); or a list of one for each dimension, or of their places as vectors
    edge_order  how many neighbours a slope at an end takes, 1 or 2
    Raises RuntimeError for lists that do not fit, and for dimensions that are too short.
    """
    t = tensor_argument(input, "gradient")
    given = list(range(t.ndim)) if dim is None else list(dim) if isinstance(dim, (tuple, list)) else [dim]
    is_list = isinstance(spacing, (tuple, list))
    gap = 1 if spacing is None else as_number(spacing)
    if (gap is None and not is_list) or any(as_int(n) is None for n in (*given, edge_order)):
        named = {"spacing": spacing, "dim": dim, "edge_order": None if edge_order.__class__ is int else edge_order}
        named = {name: value for name, value in named.items() if value is not None}
        raise invalid_combination("gradient", (input,), named, *_FORMS)
    gaps: list[Any] = list(spacing) if is_list else [gap] * len(given)
    if any(isinstance(gap, Tensor) or as_number(gap) is None for gap in gaps):
        for i, gap in enumerate(gaps):
            if not isinstance(gap, Tensor):
                got = messages.type_name(gap)
                raise TypeError(f"expected Tensor as element {i} in argument 1, but got {got}")
    if len(gaps) != len(given):
        wanted = "torch.gradient expected spacing to be unspecified, a scalar"
        if dim is None:
            raise RuntimeError(
                f"{wanted}, or a list of length equal to 'self.dim() = {t.ndim}', since dim argument was not given, "
                f"but got a list of length {len(gaps)}"
            )
        raise RuntimeError(
            f"{wanted} or it's spacing and dim arguments to have the same length, but got a spacing argument of length "
            f"{len(gaps)} and a dim argument of length {len(given)}."
        )
    if t.dtype is dtypes.uint8:
        raise RuntimeError("torch.gradient does not support uint8 input.")
    if edge_order not in (1, 2):
        raise RuntimeError("torch.gradient only supports edge_order=1 and edge_order=2.")
    for gap in gaps:
        if isinstance(gap, Tensor) and gap.ndim != 1:
            raise RuntimeError(
                "torch.gradient expected each element of spacing to have one dimension, but got an element with "
                f"{gap.ndim} dimensions!"
            )
    dims = [messages.checked_dim(d, t.ndim) for d in given]
    for d in dims:
        if dims.count(d) > 1:
            raise RuntimeError(f"dim {d} appears multiple times in the list of dims")
        if t.shape[d] < edge_order + 1:
            raise RuntimeError("torch.gradient expected each dimension size to be at least edge_order+1")
    return tuple([_along(t, d, gap, edge_order) for d, gap in zip(dims, gaps, strict=True)])


def _along(t: Tensor, d: int, gap: Any, edge_order: int) -> Tensor:
    n = t.shape[d]
    lower, here, upper = (t.narrow(d, start, n - 2) for start in (0, 1, 2))
    first, last = ([t.narrow(d, start + i, 1) for i in range(edge_order + 1)] for start in (0, n - 1 - edge_order))
    if not isinstance(gap, Tensor):
        middle = (upper - lower) / gap / 2
        if edge_order == 1:
            return cat([(first[1] - first[0]) / gap, middle, (last[1] - last[0]) / gap], d)
        start = (-1.5 * first[0] + 2 * first[1] - 0.5 * first[2]) / gap
        return cat([start, middle, (1.5 * last[2] - 2 * last[1] + 0.5 * last[0]) / gap], d)
    if gap.shape[0] != n:
        raise RuntimeError(f"torch.gradient needs a place for each of {n} points along dimension {d}, got {len(gap)}")
    steps = gap.diff()
    wide = steps.reshape(-1, *(1,) * (t.ndim - 1 - d))
    before, after = wide[:-1], wide[1:]
    middle = lower * (-after / (before * (before + after))) + here * ((after - before) / (before * after))
    middle = middle + upper * (before / (after * (before + after)))
    if edge_order == 1:
        return cat([(first[1] - first[0]) / steps[0], middle, (last[1] - last[0]) / steps[-1]], d)
    return cat([_end(first, steps[0], steps[1]), middle, -_end(last[::-1], steps[-1], steps[-2])], d)


def _end(points: list[Tensor], near: Tensor, far: Tensor) -> Tensor:
    """The slope at the first of three points, by the parabola through them."""
    whole = near + far
    ends = points[0] * (-(near + whole) / (near * whole)) - points[2] * (near / (far * whole))
    return ends + points[1] * (whole / (near * far))
