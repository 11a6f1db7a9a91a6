"""Borders around tensors: of a constant, or of the elements that are nearest, mirrored, or at the other end.

Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.pad.html
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import dtypes, messages
from ..tensor import Tensor
from .convert import laid_out_as, lost
from .indexing import sliced
from .indices import number_array
from .inplace import as_view, zeros_as
from .names import tensor_argument
from .options import as_number, wrong_type
from .resampling import Taps, collect, resample
from .table import Op, op
from .windows import Sizes, several

INTERNAL = True
Array = np.ndarray[Any, Any]
Amounts = tuple[tuple[int, int], ...]  # how much to add before and after each dimension; to take away if negative


def _pad(a: Array, amounts: Amounts, value: float) -> Array:
    shape = tuple([n + before + after for n, (before, after) in zip(a.shape, amounts, strict=True)])
    out = np.zeros(shape, a.dtype) if value == 0 else np.full(shape, np.asarray(value).astype(a.dtype))
    ends = [(max(before, 0), n - max(after, 0)) for n, (before, after) in zip(shape, amounts, strict=True)]
    there = tuple([slice(*end) for end in ends])
    here = tuple([slice(max(-b, 0), n - max(-a, 0)) for n, (b, a) in zip(a.shape, amounts, strict=True)])
    out[there] = a[here]
    return out


padded: Op = op(
    "ConstantPadNdBackward0",
    _pad,
    a=lambda g, amounts: padded(g, tuple([(-before, -after) for before, after in amounts]), 0),
)

# Borders of elements that there are: each place of the result shows one of the input


def _reflected(size: int, before: int, after: int) -> Array:
    """Which element is shown: after the last one the last but one, and so on, and likewise at the start."""
    at = np.abs(np.arange(-before, size + after))
    return np.where(at < size, at, 2 * (size - 1) - at)


def _replicated(size: int, before: int, after: int) -> Array:
    """Which element is shown: beyond an end, the one at that end."""
    return np.clip(np.arange(-before, size + after), 0, size - 1)


def _border_taps(shape: Sizes, amounts: Amounts, mode: str) -> Taps:
    """Which elements a border of the last dimensions shows."""
    shown = _reflected if mode == "reflect" else _replicated
    dims = range(len(shape) - len(amounts), len(shape))
    return tuple([(dim, ((shown(shape[dim], *pair), None),)) for dim, pair in zip(dims, amounts, strict=True)])


bordered: Op = op(
    "ReflectionPad2DBackward0",
    lambda a, amounts, mode: resample(a, _border_taps(a.shape, amounts, mode)),
    a=lambda g, a, amounts, mode: collected(g, a, amounts, mode),
)
collected: Op = op(  # as in torch, the input takes part in it, if with a gradient of 0
    "ReflectionPad2DBackwardBackward0",
    lambda a, b, amounts, mode: collect(a, b.shape, _border_taps(b.shape, amounts, mode)),
    a=lambda g, amounts, mode: bordered(g, amounts, mode),
    b=lambda g: zeros_as(g),
)
_NAMES = {"reflect": "Reflection", "replicate": "Replication"}
_COMBINATIONS = """
Supported combinations for non-constant padding:
  - 2D or 3D input: padding size = 2 (pads last dimension)
  - 3D or 4D input: padding size = 4 (pads last 2 dimensions)
  - 4D or 5D input: padding size = 6 (pads last 3 dimensions)"""


def pad(input: Tensor, pad: Any, mode: str = "constant", value: Any = None) -> Tensor:
    """`input` with a border: pairs of widths (before, after), for the last dimension first; negative ones cut off.

    mode  'constant', of `value` (0); 'reflect', mirrored at the ends; 'replicate', as at the ends; 'circular', what is
          at the other end: all but the first for the last one to three dimensions of at least one more
    Raises RuntimeError, or NotImplementedError, for widths that cannot be.
    """
    array = tensor_argument(input, "pad")._array
    widths = several("pad", "pad", 2, pad) if isinstance(pad, (tuple, list)) else _no_sequence(pad)
    if len(widths) % 2:
        raise RuntimeError("Padding length must be divisible by 2")
    if len(widths) > 2 * array.ndim:
        raise RuntimeError(
            "Padding length should be less than or equal to two times the input dimension but got padding length "
            f"{len(widths)} and input of dimension {array.ndim}"
        )
    number = 0 if value is None else as_number(value)
    if number is None:
        raise wrong_type("pad", "value", 4, "float", value)
    amounts = tuple(zip(widths[::2], widths[1::2], strict=True))[::-1]  # from here on in the order of the dimensions
    if mode == "constant":
        return _with_constant(input, amounts, float(number))
    if number != 0:
        raise RuntimeError(f'Padding mode "{mode}" doesn\'t take in value argument')
    if array.ndim - len(amounts) not in (1, 2) or not 1 <= len(amounts) <= 3:
        raise NotImplementedError(
            f"Padding size {len(widths)} is not supported for {array.ndim}D input tensor.{_COMBINATIONS}"
        )
    if mode == "circular":
        return _circular(input, amounts)
    if mode not in _NAMES:
        raise NotImplementedError(f"Unrecognised padding mode {mode}")
    return _shown(input, amounts, mode)


def _no_sequence(pad: Any) -> Sizes:
    raise wrong_type("pad", "pad", 2, "tuple of ints", pad)


def _with_constant(input: Tensor, amounts: Amounts, value: float) -> Tensor:
    whole = ((0, 0),) * (input.ndim - len(amounts)) + amounts
    for n, (before, after) in zip(input.shape, whole, strict=True):
        if n + min(before, 0) + min(after, 0) < 0:
            raise RuntimeError("narrow(): length must be non-negative.")
    number = number_array(value, input._array.dtype)  # or its error
    if input.dtype.kind == dtypes.FLOATING:
        return laid_out_as(input, padded.call(input, whole, value))
    made = Tensor._of(_pad(input._array, whole, number.item()))
    made._origin = lost(input, "integer")
    return laid_out_as(input, made)


def _shown(input: Tensor, amounts: Amounts, mode: str) -> Tensor:
    """The modes in which every place of the result shows one element of the input."""
    shape, n = input._array.shape, len(amounts)
    if 0 in shape[-n - 1 :]:
        raise RuntimeError(
            f"Expected {n + 1}D or {n + 2}D (batch mode) tensor with possibly 0 batch size and other non-zero "
            f"dimensions for input, but got: {list(shape)}"
        )
    for i in reversed(range(n)):
        size, (before, after) = shape[i - n], amounts[i]
        if mode == "reflect" and max(before, after) >= size:
            raise RuntimeError(
                f"Argument #{2 * (n - i) + 2}: Padding size should be less than the corresponding input dimension, but "
                f"got: padding ({before}, {after}) at dimension {input.ndim - n + i} of input {list(shape)}"
            )
    sizes = [size + sum(amount) for size, amount in zip(shape[-n:], amounts, strict=True)]
    if max(sizes) < 1:
        whole, left = (" ".join(f"{c}: {k}" for c, k in zip("DHW"[-n:], s, strict=True)) for s in (shape[-n:], sizes))
        space = " " if n == 2 and mode == "replicate" else ""
        whole = whole.replace(" W", ", W") + space
        raise RuntimeError(f"input ({whole}) is too small. Calculated output {left}")
    if min(sizes) < 0:
        raise RuntimeError(f"Trying to create tensor with negative dimension {min(sizes)}: {[*shape[:-n], *sizes]}")
    name = _NAMES[mode]
    if input.dtype is dtypes.bool_:
        raise NotImplementedError(messages.not_implemented(f"{name.lower()}_pad{n}d", input.dtype))
    return laid_out_as(input, bordered.named(f"{name}Pad{n}DBackward0").call(input, amounts, mode))


def _circular(input: Tensor, amounts: Amounts) -> Tensor:
    """As torch composes it: the input is written into the middle of a new tensor, and what is there to both sides."""
    shape, n = input._array.shape, len(amounts)
    for size, (before, after) in zip(shape[-n:], amounts, strict=True):
        if size + before + after < 0 or size + min(before, 0) + min(after, 0) < 0:
            raise RuntimeError("Negative padding value is resulting in an empty dimension")
        # torch looks at the whole size only, and shows memory as it finds it where less is left.
        if max(before, after) > size + min(before, after, 0):
            raise RuntimeError("Padding value causes wrapping around more than once.")
    sizes = [size + before + after for size, (before, after) in zip(shape[-n:], amounts, strict=True)]
    out = Tensor._of(np.empty((*shape[:-n], *sizes), input._array.dtype))
    there = [slice(max(before, 0), size - max(after, 0)) for size, (before, after) in zip(sizes, amounts, strict=True)]
    here = [slice(max(-b, 0), size - max(-a, 0)) for size, (b, a) in zip(shape[-n:], amounts, strict=True)]
    _part(out, *there).copy_(_part(input, *here))
    for i in reversed(range(n)):
        whole, (before, after), size = (slice(None),) * (n - 1 - i), amounts[i], sizes[i]
        start, end = max(before, 0), size - max(after, 0)
        if before > 0:
            _part(out, slice(0, before), *whole).copy_(_part(out, slice(end - before, end), *whole))
        if after > 0:
            _part(out, slice(end, size), *whole).copy_(_part(out, slice(start, start + after), *whole))
    return out


def _part(t: Tensor, *slices: slice) -> Tensor:
    return as_view(sliced, t, (..., *slices))
