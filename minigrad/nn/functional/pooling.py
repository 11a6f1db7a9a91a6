"""Means over neighbouring channels, and maxima that always come with their places."""

from __future__ import annotations

from typing import Any

from ...ops.padding import pad
from ...ops.pooling import adaptive_max_pool1d, adaptive_max_pool2d, avg_pool2d, max_pool1d, max_pool2d
from ...tensor import Tensor

INTERNAL = True


def avg_pool_of_channels(input: Tensor, size: int) -> Tensor:
    """For each channel of (N, C, ...), the mean of `size` channels around it; beyond the outermost there are zeros."""
    if size <= 0:
        raise RuntimeError(f"kernel size should be greater than zero, but got kT: {size} kH: 1 kW: 1")
    shape = input.shape
    images = input.reshape(shape[0], 1, shape[1], -1)
    return avg_pool2d(pad(images, (0, 0, size // 2, (size - 1) // 2)), (size, 1), 1).reshape(shape)


def max_pool1d_with_indices(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """`max_pool1d`, and the places of the maxima."""
    return max_pool1d(input, kernel_size, stride, padding, dilation, ceil_mode, True)


def max_pool2d_with_indices(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """`max_pool2d`, and the places of the maxima."""
    return max_pool2d(input, kernel_size, stride, padding, dilation, ceil_mode, True)


def adaptive_max_pool1d_with_indices(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """`adaptive_max_pool1d`, and the places of the maxima."""
    return adaptive_max_pool1d(input, output_size, True)


def adaptive_max_pool2d_with_indices(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """`adaptive_max_pool2d`, and the places of the maxima."""
    return adaptive_max_pool2d(input, output_size, True)
