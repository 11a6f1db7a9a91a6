"""Elements more than once: repeated one by one, or in windows that slide along a dimension.

Source: https://docs.pytorch.org/docs/stable/generated/torch.Tensor.unfold.html
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import messages
from ..tensor import Tensor
from .convert import invalid_combination
from .inplace import as_view
from .names import public, tensor_argument
from .options import as_int, integer
from .picking import index_select
from .positions import repeated_indices
from .shape import flatten
from .table import Op, op

INTERNAL = True
Array = np.ndarray[Any, Any]


def _unfold(a: Array, dim: int, size: int, step: int) -> Array:
    if not a.ndim:
        return np.lib.stride_tricks.as_strided(a, (size,), (a.itemsize,))
    shape = (*a.shape[:dim], (a.shape[dim] - size) // step + 1, *a.shape[dim + 1 :], size)
    strides = (*a.strides[:dim], a.strides[dim] * step, *a.strides[dim + 1 :], a.strides[dim])
    return np.lib.stride_tricks.as_strided(a, shape, strides)


def _fold(a: Array, shape: tuple[int, ...], dim: int, size: int, step: int) -> Array:
    """Windows laid over each other and added up where they overlap."""
    total = np.zeros(shape, a.dtype)
    if not shape:
        return total + a.sum(dtype=a.dtype)
    for i in range(size):
        places = slice(i, i + step * (a.shape[dim] - 1) + 1, step)
        total[(*(slice(None),) * dim, places)] += a[..., i]
    return total


unfolded: Op = op("UnfoldBackward0", _unfold, a=lambda g, a_shape, dim, size, step: folded(g, a_shape, dim, size, step))
folded: Op = op("UnfoldBackwardBackward0", _fold, a=lambda g, dim, size, step: unfolded(g, dim, size, step))


@public(function=False)
def unfold(self: Tensor, dimension: int, size: int, step: int) -> Tensor:
    """A view of all windows of `size` elements along a dimension, each `step` further on; they lie in a new last one.

    Where windows overlap, a gradient that a change in place would make wrong raises RuntimeError.
    """
    x = self._array
    at = messages.checked_dim(integer("unfold", "dimension", 1, dimension), x.ndim)
    length = x.shape[at] if x.ndim else 1
    size, step = integer("unfold", "size", 2, size), integer("unfold", "step", 3, step)
    if size < 0:
        raise RuntimeError(f"size is {size} but must be >= 0")
    if size > length:
        raise RuntimeError(f"maximum size for tensor at dimension {at} is {length} but size is {size}")
    if step <= 0:
        raise RuntimeError(f"step is {step} but must be > 0")
    return as_view(unfolded, self, at, size, step, multi=step < size)


@public()
def repeat_interleave(
    input: Tensor, repeats: Any = None, dim: int | None = None, *, output_size: int | None = None
) -> Tensor:
    """Each element along `dim`, or in the flattened tensor, `repeats` times in a row: a number, or one for each.

    `repeat_interleave(repeats)` gives the indices: each as often as its number says.
    """
    tensor_argument(input, "repeat_interleave")
    if repeats is None and dim is None:
        return repeated_indices(input, output_size)
    whole = input if dim is not None else flatten(input)
    if isinstance(repeats, Tensor):
        at = messages.checked_dim(0 if dim is None else dim, whole.ndim)
        if not whole.ndim:
            raise IndexError(f"Dimension specified as {at} but tensor has no dimensions")
        length = whole.shape[at]
        if repeats.ndim > 1:
            raise RuntimeError("repeats must be 0-dim or 1-dim tensor")
        if repeats.numel() == 1:
            repeats = repeats.reshape(1).expand(length)
        elif repeats.shape[0] != length:
            raise RuntimeError(
                "repeats must have the same size as input along dim, but got repeats.size(0) = "
                f"{repeats.shape[0]} and input.size({at}) = {length}"
            )
        return index_select(whole, at, repeated_indices(repeats, output_size))
    times = as_int(repeats)
    if times is None:
        forms = "(Tensor repeats, int dim = None, *, int output_size = None)"
        raise invalid_combination(
            "repeat_interleave",
            (repeats,) if dim is None else (repeats, dim),
            {},
            forms,
            forms.replace("Tensor", "int"),
        )
    at = messages.checked_dim(0 if dim is None else dim, whole.ndim)
    if times < 0:
        raise RuntimeError("Repeats must be non-negative")
    wide = whole.unsqueeze(at + 1)
    sizes = [times if i == at + 1 else n for i, n in enumerate(wide.shape)]
    if output_size is not None and output_size != times * whole.shape[at]:
        raise RuntimeError(
            f"repeat_interleave: Invalid output_size, expected {times * whole.shape[at]} but got {output_size}"
        )
    return flatten(wide.expand(*sizes).clone(memory_format="torch.contiguous_format"), at, at + 1)
