"""Windows that slide over the last dimensions of an array: what convolutions, pools and `unfold` share.

A window has `kernel` elements, `dilation` apart; the first starts `padding` before the first element, and each starts
`stride` after the one before. For element k of all windows at once, `steps` says which windows have it inside the
input, and where in the input these elements lie: two slices. So nothing need be padded, and NumPy loops over windows.

Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Unfold.html
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import messages
from ..tensor import Tensor
from .names import tensor_argument
from .options import as_int
from .table import Op, op

INTERNAL = True
Array = np.ndarray[Any, Any]
Sizes = tuple[int, ...]


# Kernel, stride, padding and dilation: in each a number for every dimension that windows slide over. (All that is told
# to operations here is tuples of numbers, so that programs can be written of them.)
Windows = tuple[Sizes, Sizes, Sizes, Sizes]


def counts_of(windows: Windows, sizes: Sizes) -> Sizes:
    """How many windows there are in each dimension of an input of `sizes`."""
    return tuple([(n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, s, p, d in zip(sizes, *windows, strict=True)])


def steps(size: int, count: int, kernel: int, stride: int, padding: int, dilation: int) -> list[tuple[slice, slice]]:
    """For each element of a window: which of `count` windows have it among `size` elements, and where it lies there."""
    found = []
    for offset in range(-padding, kernel * dilation - padding, dilation):
        first = max(0, -(offset // stride))
        last = min(count, (size - 1 - offset) // stride + 1)
        if first >= last:
            first = last = 0
        start = offset + first * stride if last else 0
        found.append((slice(first, last), slice(start, start + (last - first) * stride, stride)))
    return found


def every_step(windows: Windows, sizes: Sizes, counts: Sizes) -> list[tuple[Sizes, Any, Any]]:
    """The same in all dimensions: the element's place in the window, the windows, and where it lies."""
    each = [steps(*numbers) for numbers in zip(sizes, counts, *windows, strict=True)]
    found = []
    for k in np.ndindex(*[len(one) for one in each]):
        here = [one[i] for one, i in zip(each, k, strict=True)]
        found.append((k, (..., *[which for which, _ in here]), (..., *[at for _, at in here])))
    return found


# Windows laid out side by side, and added up again: each is the other's adjoint


def lay_out(a: Array, windows: Windows, counts: Sizes) -> Array:
    """(..., *sizes) as (..., *kernel, *counts): for each element of a window, that of all windows; 0 outside."""
    n = len(counts)
    make = np.zeros if any(windows[2]) else np.empty  # where there is padding, some windows have fewer elements
    found: Array = make((*a.shape[:-n], *windows[0], *counts), a.dtype)
    for k, which, at in every_step(windows, a.shape[-n:], counts):
        found[(..., *k, *which[1:])] = a[at]
    return found


def add_up(a: Array, windows: Windows, sizes: Sizes) -> Array:
    """(..., *kernel, *counts) as (..., *sizes): every element is the sum of what the windows hold of it."""
    n = len(sizes)
    total = np.zeros((*a.shape[: -2 * n], *sizes), a.dtype)
    for k, which, at in every_step(windows, sizes, a.shape[-n:]):
        total[at] += a[(..., *k, *which[1:])]
    return total


def _unfold(a: Array, windows: Windows) -> Array:
    counts = counts_of(windows, a.shape[-2:])
    shape = (*a.shape[:-3], a.shape[-3] * math.prod(windows[0]), math.prod(counts))
    return lay_out(a, windows, counts).reshape(shape)


def _fold(a: Array, windows: Windows, sizes: Sizes) -> Array:
    channels = a.shape[-2] // math.prod(windows[0])
    return add_up(a.reshape((*a.shape[:-2], channels, *windows[0], *counts_of(windows, sizes))), windows, sizes)


unfolded: Op = op("Im2ColBackward0", _unfold, a=lambda g, a_shape, windows: folded(g, windows, tuple(a_shape[-2:])))
folded: Op = op("Col2ImBackward0", _fold, a=lambda g, windows: unfolded(g, windows))

# torch's names for them


def several(function: str, name: str, position: int, value: Any) -> Sizes:
    """An int, or several, as a tuple; torch's TypeError for anything else."""
    if value.__class__ is int:
        return (value,)
    if not isinstance(value, (tuple, list)):
        found = as_int(value)
        if found is None:
            kind = messages.type_name(value)
            raise TypeError(f"{function}(): argument '{name}' (position {position}) must be tuple of ints, not {kind}")
        return (found,)
    return tuple([_element(function, name, position, i, n) for i, n in enumerate(value)])


def _element(function: str, name: str, position: int, i: int, value: Any) -> int:
    found = as_int(value)
    if found is None:
        raise TypeError(
            f"{function}(): argument '{name}' (position {position}) must be tuple of ints, but found element of type "
            f"{messages.type_name(value)} at pos {i}"
        )
    return found


def pair(value: Any) -> Any:
    """One number as two; what is two or more as it is."""
    return value if isinstance(value, (tuple, list)) else (value, value)


def _two(function: str, name: str, position: int, value: Any) -> Sizes:
    sizes = several(function, name, position, pair(value))
    if len(sizes) != 2:
        raise RuntimeError(f"It is expected {name} equals to 2, but got size {len(sizes)}")
    return sizes


_LIMITS = (  # which numbers of windows, how torch's errors call them and their parts; and the smallest that they may be
    (0, "kernel size", "kernel", 1),
    (3, "dilation", "dilation", 1),
    (2, "padding", "pad", 0),
    (1, "stride", "stride", 1),
)


def _windows(function: str, first: int, kernel_size: Any, dilation: Any, padding: Any, stride: Any) -> Windows:
    """The windows of `unfold` and `fold`, whose kernel size is argument number `first`."""
    windows = (
        _two(function, "kernel_size", first, kernel_size),
        _two(function, "stride", first + 3, stride),
        _two(function, "padding", first + 2, padding),
        _two(function, "dilation", first + 1, dilation),
    )
    for i, words, label, least in _LIMITS:
        height, width = windows[i]
        if min(height, width) < least:
            bound = "greater than zero" if least else "non-negative"
            raise RuntimeError(f"{words} should be {bound}, but got {label}_height: {height} {label}_width: {width}")
    return windows


def _shown(sizes: Sizes) -> str:
    return f"({', '.join(map(str, sizes))})"


def unfold(input: Tensor, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Tensor:
    """The windows of images (N, C, H, W), or of one, as columns: (N, C * kernel height * kernel width, windows).

    Raises RuntimeError where no window fits.
    """
    shape = tensor_argument(input, "im2col")._array.shape
    windows = _windows("im2col", 2, kernel_size, dilation, padding, stride)
    if len(shape) not in (3, 4) or 0 in shape[-3:]:
        messages.checked_dim(2, len(shape))
        raise RuntimeError(
            "Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero dimensions for input, "
            f"but got: {list(shape)}"
        )
    counts = counts_of(windows, shape[-2:])
    if min(counts) < 1:
        raise RuntimeError(
            f"Given input with spatial size {_shown(shape[-2:])}, kernel_size={_shown(windows[0])}, "
            f"dilation={_shown(windows[3])}, padding={_shown(windows[2])}, calculated shape of the array of "
            f"sliding blocks as {_shown(counts)}, but its components must be at least one."
        )
    messages.check_floats(input, "im2col_out_cpu")
    return unfolded.call(input, windows)


def fold(
    input: Tensor, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
) -> Tensor:
    """Images (N, C, *output_size) whose elements are the sums of what the columns of `unfold` hold of them.

    Raises RuntimeError where there are not as many columns, or elements in them, as windows of such images have.
    """
    shape = tensor_argument(input, "col2im")._array.shape
    sizes = _two("col2im", "output_size", 2, output_size)
    windows = _windows("col2im", 3, kernel_size, dilation, padding, stride)
    if len(shape) not in (2, 3) or 0 in shape[-2:]:
        raise RuntimeError(
            "Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and non-zero dimensions for "
            f"input, but got: {list(shape)}"
        )
    if shape[-2] % math.prod(windows[0]):
        raise RuntimeError(
            "Expected size of input's dimension 1 to be divisible by the product of kernel_size, but got "
            f"input.size(1)={shape[-2]} and kernel_size={_shown(windows[0])}."
        )
    rows, columns = counts_of(windows, sizes)
    if shape[-1] != rows * columns or min(rows, columns) < 1:
        raise RuntimeError(
            f"Given output_size={_shown(sizes)}, kernel_size={_shown(windows[0])}, "
            f"dilation={_shown(windows[3])}, padding={_shown(windows[2])}, "
            f"stride={_shown(windows[1])}, expected size of input's dimension 2 to match the calculated number of "
            f"sliding blocks {rows} * {columns} = {rows * columns}, but got input.size(2)={shape[-1]}."
        )
    messages.check_floats(input, "col2im_out_cpu")
    return folded.call(input, windows, sizes)
