"""Pools undone: elements put back to where the largest of windows were found, with zeros around them.

Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.MaxUnpool2d.html
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import dtypes, messages
from ..tensor import Tensor
from .convert import laid_out_as
from .inplace import as_view
from .names import tensor_argument
from .pooling import places_in_all, taken_from_planes
from .shape import insert_axis, remove_axes
from .table import Op, op
from .windows import Sizes

INTERNAL = True
Array = np.ndarray[Any, Any]


def _put_back(a: Array, index: Array, sizes: Sizes) -> Array:
    """Where several come to one place, the last one stays."""
    n = len(sizes)
    whole = np.zeros((*a.shape[:-n], *sizes), a.dtype)
    whole.reshape(-1)[places_in_all(index, whole.shape, n).reshape(-1)] = a.reshape(-1)
    return whole


unpooled: Op = op("MaxUnpool2DBackward0", _put_back, a=lambda g, index, sizes: taken_from_planes(g, index, len(sizes)))
unpooled_3d = unpooled.named("MaxUnpool3DBackward0")


def _as_sizes(value: Any, n: int) -> Any:
    return tuple(value) if isinstance(value, (tuple, list)) else (value,) * n


def _output_sizes(input: Any, kernel_size: Any, stride: Any, padding: Any, output_size: Any, n: int) -> Sizes:
    kernel = _as_sizes(kernel_size, n)
    steps, before = kernel if stride is None else _as_sizes(stride, n), _as_sizes(padding, n)
    shape = input.size()
    usual = [(shape[i - len(kernel)] - 1) * steps[i] + kernel[i] - 2 * before[i] for i in range(len(kernel))]
    found = usual
    if output_size is not None:
        found = output_size[2:] if len(output_size) == len(kernel) + 2 else output_size
        if len(found) != len(kernel):
            raise ValueError(
                f"output_size should be a sequence containing {len(kernel)} or {len(kernel) + 2} elements, but it has "
                f"a length of '{len(found)}'"
            )
        for i, size in enumerate(found):
            low, high = usual[i] - steps[i], usual[i] + steps[i]
            if not low < size < high:
                raise ValueError(f'invalid output_size "{found}" (dim {i} must be between {low} and {high})')
    for i, size in enumerate(found):
        if size < 0:
            raise ValueError(
                "max_unpooling: output_size must contain non-negative spatial dimensions, but got "
                f"output_size[{i}]={size}"
            )
    return tuple([int(size) for size in found])


def _checked(function: str, input: Tensor, indices: Any, sizes: Sizes) -> None:
    n = len(sizes)
    index = tensor_argument(indices, function, "indices", 2)._array
    if indices.dtype is not dtypes.int64:
        got = f" but got: {messages.TYPE_NAMES[indices.dtype.name]}" if n == 2 else ""
        raise RuntimeError(f"elements in indices should be type int64{got}")
    if input.ndim not in (n + 1, n + 2):
        raise RuntimeError(
            f"Input to max_unpooling{n}d should be a {n + 1}d or {n + 2}d Tensor, but got a tensor with {input.ndim} "
            "dimensions."
        )
    if input.shape != indices.shape:
        raise RuntimeError(
            f"Expected shape of indices to be same as that of the input tensor ({list(input.shape)}) but got indices "
            f"tensor with shape: {list(indices.shape)}"
        )
    messages.check_floats(input, f"max_unpool{n}d")
    wrong = (index < 0) | (index >= math.prod(sizes))
    if wrong.any():
        raise RuntimeError(
            f"Found an invalid max index: {index[wrong][-1]} (output volumes are of size {'x'.join(map(str, sizes))})"
        )


def max_unpool2d(
    input: Tensor, indices: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
) -> Tensor:
    """Images with the elements of `input` (N, C, H, W), or (C, H, W), where `indices` of `max_pool2d` say; 0 elsewhere.

    `output_size`: of several sizes that give as many windows, the one meant. Raises ValueError for one that does not,
    and RuntimeError for indices that do not fit.
    """
    sizes = _output_sizes(input, kernel_size, stride, padding, output_size, 2)
    _checked("max_unpool2d", input, indices, sizes)
    return laid_out_as(input, unpooled.call(input, indices._array, sizes))


def max_unpool1d(
    input: Tensor, indices: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
) -> Tensor:
    """Sequences with the elements of `input` (N, C, L), or (C, L), where `indices` of `max_pool1d` say; 0 elsewhere."""
    sizes = (*_output_sizes(input, kernel_size, stride, padding, output_size, 1), 1)
    columns = as_view(insert_axis, input, input.ndim)
    places = indices.unsqueeze(-1)
    _checked("max_unpool2d", columns, places, sizes)
    made = unpooled.call(columns, places._array, sizes)
    return as_view(remove_axes.named("SqueezeBackward1"), made, (made.ndim - 1,))


def max_unpool3d(
    input: Tensor, indices: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
) -> Tensor:
    """Volumes with the elements of `input` (N, C, D, H, W) where `indices` of `max_pool3d` say; 0 elsewhere."""
    sizes = _output_sizes(input, kernel_size, stride, padding, output_size, 3)
    steps = list(_as_sizes(kernel_size if stride is None else stride, 3))
    if min(steps) <= 0:
        raise RuntimeError(f"strides should be greater than zero, but got stride: {steps}")
    _checked("max_unpool3d", input, indices, sizes)
    return unpooled_3d.call(input, indices._array, sizes)
