"""Pools: the largest element, or the mean, of every window of the last dimensions; of one or two under torch's names.

Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.MaxPool2d.html,
https://docs.pytorch.org/docs/stable/generated/torch.nn.AvgPool2d.html and
https://docs.pytorch.org/docs/stable/generated/torch.nn.AdaptiveAvgPool2d.html
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import dtypes, messages
from ..flags import check_flags
from ..tensor import Tensor
from .convert import laid_out_as
from .half import in_single
from .indexing import picked
from .inplace import as_view, zeros_as
from .logic import integers
from .names import tensor_argument
from .pool_arguments import (
    ONE_INT,
    Pool,
    check_sequences,
    check_shared,
    is_default,
    no_kernel,
    one_int,
    output_size_of,
    pool_of,
    window_count,
)
from .reduction import array_of
from .shape import insert_axis, remove_axes
from .table import Op, op
from .windows import Sizes, steps

INTERNAL = True
Array = np.ndarray[Any, Any]


def _pool_steps(pool: Pool, sizes: Sizes) -> list[list[tuple[Any, Any]]]:
    """For each dimension, and each element of a window: which windows have it, and where it lies."""
    counts, windows = pool
    if windows is None:
        return [_shares(n, count) for n, count in zip(sizes, counts, strict=True)]
    return [steps(*numbers) for numbers in zip(sizes, counts, *windows, strict=True)]


def _shares(size: int, count: int) -> list[tuple[Any, Any]]:
    """The steps of `count` windows that share out `size` elements; where these do not divide, they overlap."""
    if count and size % count == 0:
        return steps(size, count, size // count, size // count, 0, 1)
    starts = np.arange(count) * size // max(count, 1)
    ends = -(-np.arange(1, count + 1) * size // max(count, 1))
    found = []
    for k in range((ends - starts).max(initial=0)):
        which = np.flatnonzero(starts + k < ends)
        found.append((which, starts[which] + k))
    return found


# The largest element


def _lowest_of(d: np.dtype[Any]) -> Any:
    return -math.inf if d.kind == "f" else np.iinfo(d).min


def _at(dim: int, which: Any) -> Any:
    """An index along one dimension."""
    return (*(slice(None),) * dim, which)


def _window_maxima(a: Array, pool: Pool) -> Array:
    n = len(pool[0])
    each = _pool_steps(pool, a.shape[-n:])
    for i in reversed(range(n)):
        dim = a.ndim - n + i
        best = np.full((*a.shape[:dim], pool[0][i], *a.shape[dim + 1 :]), _lowest_of(a.dtype), a.dtype)
        for which, at in each[i]:
            best[_at(dim, which)] = np.maximum(best[_at(dim, which)], a[_at(dim, at)])
        a = best
    return a


def _places_of_window_maxima(a: Array, pool: Pool) -> Array:
    """Where in its plane the largest element of every window lies: the first one at a tie, the last NaN if any."""
    n = len(pool[0])
    places = np.arange(math.prod(a.shape[-n:])).reshape(a.shape[-n:])
    first = np.empty(pool[0], np.int64)
    each = _pool_steps(pool, a.shape[-n:])
    chosen = np.ndindex(*[len(one) for one in each])
    at_once = [
        _crossed(*[one[k] for one, k in zip(each, places_in_window, strict=True)]) for places_in_window in chosen
    ]
    for which, at in reversed(at_once):
        first[which] = places[at]
    best = np.full((*a.shape[:-n], *pool[0]), _lowest_of(a.dtype), a.dtype)
    found = np.empty(best.shape, np.int64)
    found[...] = first
    has_nan = a.dtype.kind == "f" and np.isnan(a).any()
    for which, at in at_once:
        value, before = a[..., *at], best[..., *which]
        wins = value > before
        if has_nan:
            wins |= np.isnan(value)
        best[..., *which] = np.where(wins, value, before)
        found[..., *which] = np.where(wins, places[at], found[..., *which])
    return found


def _crossed(*chosen: tuple[Any, Any]) -> list[Any]:
    """Steps in all dimensions, as indices of as many: which windows, and where."""
    return [
        several if all(isinstance(one, slice) for one in several) else np.ix_(*map(_as_array, several))
        for several in zip(*chosen, strict=True)
    ]


def _as_array(index: Any) -> Array:
    return np.arange(index.start, index.stop, index.step) if isinstance(index, slice) else index


def taken_from_planes(g: Any, index: Array, n: int) -> Any:
    """The elements at places in the planes, of `n` dimensions, of an array or a Tensor."""
    planes = g.reshape((math.prod(g.shape[:-n]), math.prod(g.shape[-n:])))
    rows = index.reshape((planes.shape[0], math.prod(index.shape[-n:])))
    return picked(planes, (np.arange(rows.shape[0]).reshape((-1, 1)), rows)).reshape(index.shape)


def places_in_all(index: Array, shape: Sizes, n: int) -> Array:
    """Places in planes as places among all elements of an array of this shape."""
    planes = np.arange(math.prod(shape[:-n])) * math.prod(shape[-n:])
    return index + planes.reshape((*shape[:-n], *(1,) * n))


def _put_in_planes(a: Array, shape: Sizes, index: Array, n: int) -> Array:
    total = np.zeros(shape, a.dtype)
    np.add.at(total.reshape(-1), places_in_all(index, shape, n).reshape(-1), a.reshape(-1))
    return total


# An index that rules work out from their values: nothing flows through it.
places_of_largest = Op("PlacesBackward0", _places_of_window_maxima, {"a": None}, "", False)
max_pooled: Op = op(
    "MaxPool2DWithIndicesBackward0",
    _window_maxima,
    a=lambda g, a, pool: put_in_planes(g, a, places_of_largest(array_of(a), pool), len(pool[0])),
)
put_in_planes: Op = op(  # as in torch, the input takes part in it, if with a gradient of 0
    "MaxPool2DWithIndicesBackwardBackward0",
    lambda a, b, index, n: _put_in_planes(a, b.shape, index, n),
    a=lambda g, index, n: taken_from_planes(g, index, n),
    b=lambda g: zeros_as(g),
)
adaptive_max_pooled = max_pooled.named("AdaptiveMaxPool2DBackward0")

# The mean


def _window_means(a: Array, pool: Pool, divisor: int | None, padding_counts: bool) -> Array:
    if a.dtype.char == "e":
        return in_single(_window_means, a, pool, divisor, padding_counts)
    n, total = len(pool[0]), a
    each = _pool_steps(pool, a.shape[-n:])
    for i in reversed(range(n)):
        dim, before = a.ndim - n + i, total
        total = np.zeros((*total.shape[:dim], pool[0][i], *total.shape[dim + 1 :]), a.dtype)
        for which, at in each[i]:
            total[_at(dim, which)] += before[_at(dim, at)]
    by = np.asarray(_window_sizes(pool, a.shape[-n:], padding_counts) if divisor is None else divisor)
    if a.dtype.kind != "f":
        return np.trunc(total / by).astype(a.dtype)
    total /= by.astype(a.dtype)
    return total


def _spread_means(a: Array, sizes: Sizes, pool: Pool, divisor: int | None, padding_counts: bool) -> Array:
    if a.dtype.char == "e":
        return in_single(_spread_means, a, sizes, pool, divisor, padding_counts)
    by = np.asarray(_window_sizes(pool, sizes, padding_counts) if divisor is None else divisor)
    a = a / by.astype(a.dtype)
    for i, steps_here in enumerate(_pool_steps(pool, sizes)):
        dim = a.ndim - len(sizes) + i
        total = np.zeros((*a.shape[:dim], sizes[i], *a.shape[dim + 1 :]), a.dtype)
        for which, at in steps_here:
            _add_to(total, _at(dim, at), a[_at(dim, which)])
        a = total
    return a


def _add_to(total: Array, at: Any, a: Array) -> None:
    """Add to places along a dimension, which may be named several times if they are in an array."""
    if isinstance(at[-1], slice):
        total[at] += a
    else:
        np.add.at(total, at, a)


# As in torch, the input takes part in the gradient, though its values do not matter.
avg_pooled: Op = op(
    "AvgPool2DBackward0",
    _window_means,
    a=lambda g, a, pool, divisor, padding_counts: avg_spread(g, a, pool, divisor, padding_counts),
)
avg_spread: Op = op(
    "AvgPool2DBackwardBackward0",
    lambda a, b, pool, divisor, padding_counts: _spread_means(
        a, b.shape[-len(pool[0]) :], pool, divisor, padding_counts
    ),
    a=lambda g, pool, divisor, padding_counts: avg_pooled(g, pool, divisor, padding_counts),
    b=lambda g: zeros_as(g),
)
adaptive_avg_pooled = avg_pooled.named("AdaptiveAvgPool2DBackward0")


def _window_sizes(pool: Pool, sizes: Sizes, padding_counts: bool) -> Any:
    """How many elements each window has, with or without those of the padding."""
    counts, windows = pool
    whole: Any = 1
    for i, n in enumerate(sizes):
        at = np.arange(counts[i])
        if windows is None:
            counted = -(-(at + 1) * n // counts[i]) - at * n // counts[i]
        else:
            k, s, p = (numbers[i] for numbers in windows[:3])
            starts, ends = at * s - p, np.minimum(at * s - p + k, n + p)
            counted = ends - starts if padding_counts else np.minimum(ends, n) - np.maximum(starts, 0)
        whole = np.multiply.outer(whole, counted)
    return whole


def _in_two(input: Tensor) -> Tensor:
    """(..., L) as (..., 1, L)."""
    return as_view(insert_axis, input, input.ndim - 1)


def _in_one(result: Tensor) -> Tensor:
    """(..., 1, L) as (..., L)."""
    return as_view(remove_axes.named("SqueezeBackward1"), result, (result.ndim - 2,))


# torch's names for them


def max_pool2d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest element of every window of `kernel_size` (one number or two) of images (N, C, H, W), or (C, H, W).

    `stride` is `kernel_size` if it is not given; `ceil_mode` keeps windows that reach over the end. The first of equal
    elements gets the gradient. With `return_indices` a pair: the elements, and where in their planes they lie.
    """
    shape = tensor_argument(input, "max_pool2d")._array.shape
    if len(shape) not in (3, 4):
        raise RuntimeError("non-empty 3D or 4D (batch mode) tensor expected for input")
    check_flags("max_pool2d", ceil_mode=ceil_mode)
    pool = pool_of("max_pool2d", shape, kernel_size, stride, padding, dilation, ceil_mode)
    if input.dtype is dtypes.bool_:
        raise no_kernel("max_pool2d", input)
    return pooled(max_pooled, input, pool, return_indices)


def pooled(step: Op, input: Tensor, pool: Pool, return_indices: bool) -> Any:
    """The largest elements; if it is asked for, a pair with where in their planes they lie."""
    found = [step.call(input, pool)]
    if return_indices:
        found.append(integers(places_of_largest(input._array, pool), input, f"max_pool{len(pool[0])}d"))
    if pool[1] is not None or len(pool[0]) == 2:  # torch's adaptive pools of volumes do not look at how these lie
        found = [laid_out_as(input, t) for t in found]
    return tuple(found) if return_indices else found[0]


def max_pool1d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest element of every window of sequences (N, C, L), or (C, L); `max_pool2d` says the rest."""
    shape = tensor_argument(input, "max_pool1d")._array.shape
    if len(shape) not in (2, 3) or 0 in shape[-2:]:
        raise RuntimeError(
            "max_pool1d: Expected 2D or 3D (batch mode) tensor with optional 0 dim batch size for input, but "
            f"got:{list(shape)}"
        )
    check_flags("max_pool1d", ceil_mode=ceil_mode)
    text = "{} must be an int, list of ints or tuple of ints of size 1 but got size {}"
    k = one_int("max_pool1d", "kernel_size", 2, kernel_size, text)
    stride_text = text.replace("an int, list of ints", "None, an int, list of ints,")
    s = k if is_default(stride) else one_int("max_pool1d", "stride", 3, stride, stride_text)
    p, d = one_int("max_pool1d", "padding", 4, padding, text), one_int("max_pool1d", "dilation", 5, dilation, text)
    if return_indices:  # torch takes them of images of one row, and refuses what it refuses there
        pair = max_pool2d(_in_two(input), (1, k), (1, s), (0, p), (1, d), ceil_mode, True)
        return tuple([_in_one(found) for found in pair])
    for name, value in (("kernel_size", k), ("stride", s)):
        if value <= 0:
            raise RuntimeError(f"max_pool1d() {name} must be greater than zero, but got {value}")
    if p < 0:
        raise RuntimeError(f"max_pool1d() padding must be non-negative, but got {p}")
    if p > k // 2:
        raise RuntimeError(
            f"max_pool1d() padding should be at most half of kernel size, but got padding={p} and kernel_size={k}"
        )
    if d <= 0:
        raise RuntimeError(f"max_pool1d() dilation must be greater than zero, but got {d}")
    count = window_count(shape[-1], k, s, p, d, ceil_mode)
    if count <= 0:
        raise RuntimeError(f"max_pool1d() Invalid computed output size: {count}")
    messages.check_floats(input, "max_pool1d_impl")
    found = max_pooled.call(_in_two(input), ((1, count), ((1, k), (1, s), (0, p), (1, d))))
    if not found.requires_grad:  # torch computes it in one step then
        return remove_axes.call(found, (found.ndim - 2,))
    return _in_one(found)


def avg_pool2d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The mean of every window of images (N, C, H, W), or (C, H, W): windows of `kernel_size`, one number or two.

    `stride` is `kernel_size` if it is not given. `count_include_pad`: whether the zeros of the padding count;
    `divisor_override`: what to divide the sums by instead.
    """
    shape = tensor_argument(input, "avg_pool2d")._array.shape
    if not shape:
        raise IndexError("Dimension specified as -3 but tensor has no dimensions")
    if len(shape) < 3:
        messages.checked_dim(-3, len(shape))
    check_flags("avg_pool2d", ceil_mode=ceil_mode, count_include_pad=count_include_pad)
    pool = pool_of("avg_pool2d", shape, kernel_size, stride, padding, 1, ceil_mode)
    if divisor_override == 0:
        raise RuntimeError("divisor must be not zero")
    if input.dtype.kind != dtypes.FLOATING and input.dtype is not dtypes.int64:
        raise no_kernel("avg_pool2d", input)
    return laid_out_as(input, avg_pooled.call(input, pool, divisor_override, count_include_pad))


def avg_pool1d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """The mean of every window of sequences (N, C, L), or (C, L); `avg_pool2d` says the rest."""
    check_sequences("avg_pool1d", tensor_argument(input, "avg_pool1d"))
    check_flags("avg_pool1d", ceil_mode=ceil_mode, count_include_pad=count_include_pad)
    k = one_int("avg_pool1d", "kernel_size", 2, kernel_size, ONE_INT)
    s = k if is_default(stride) else one_int("avg_pool1d", "stride", 3, stride, ONE_INT)
    p = one_int("avg_pool1d", "padding", 4, padding, ONE_INT)
    return _in_one(avg_pool2d(_in_two(input), (1, k), (1, s), (0, p), ceil_mode, count_include_pad))


def adaptive_avg_pool2d(input: Tensor, output_size: Any) -> Tensor:
    """The means of as many windows as `output_size` (one number or two; None: as many as elements) that share out
    images (N, C, H, W), or (C, H, W).
    """
    counts = output_size_of("adaptive_avg_pool2d", tensor_argument(input, "adaptive_avg_pool2d"), output_size)
    if min(counts) < 0:
        shown = ", ".join(map(str, counts))
        raise RuntimeError(
            f"adaptive_avg_pool2d: elements of output_size must be greater than or equal to 0 but received {{{shown}}}"
        )
    if counts == (1, 1):
        return input.mean((-1, -2), keepdim=True)
    check_shared("adaptive_avg_pool2d", input, "adaptive_avg_pool2d", (3, 4))
    return laid_out_as(input, adaptive_avg_pooled.call(input, (counts, None), None, True))


def adaptive_avg_pool1d(input: Tensor, output_size: Any) -> Tensor:
    """The means of `output_size` windows that share out sequences (N, C, L), or (C, L)."""
    check_sequences("adaptive_avg_pool1d", tensor_argument(input, "adaptive_avg_pool1d"))
    n = one_int("adaptive_avg_pool1d", "output_size", 2, output_size, ONE_INT)
    return _in_one(adaptive_avg_pool2d(_in_two(input), (1, n)))


def adaptive_max_pool2d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """The largest elements of as many windows as `output_size` that share out images (N, C, H, W), or (C, H, W).

    With `return_indices` a pair: the elements, and where in their planes they lie.
    """
    counts = output_size_of("adaptive_max_pool2d", tensor_argument(input, "adaptive_max_pool2d"), output_size)
    check_shared("adaptive_max_pool2d", input, "adaptive_max_pool2d", (3, 4), ":")
    if min(counts) < 0:
        sizes = [*input.shape[:-2], *counts]
        raise RuntimeError(f"Trying to create tensor with negative dimension {min(counts)}: {sizes}")
    return pooled(adaptive_max_pooled, input, (counts, None), return_indices)


def adaptive_max_pool1d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """The largest elements of `output_size` windows that share out sequences (N, C, L), or (C, L).

    With `return_indices` a pair: the elements, and where in their sequences they lie.
    """
    check_sequences("adaptive_max_pool1d", tensor_argument(input, "adaptive_max_pool1d"))
    n = one_int("adaptive_max_pool1d", "output_size", 2, output_size, ONE_INT)
    check_shared("adaptive_max_pool1d", input, "adaptive_max_pool2d", (2, 3), ":")
    found = adaptive_max_pool2d(_in_two(input), (1, n), return_indices)
    return tuple([_in_one(t) for t in found]) if return_indices else _in_one(found)
