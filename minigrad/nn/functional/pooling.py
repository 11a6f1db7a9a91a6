"""Pools made of others: means over neighbouring channels, norms of windows, maxima that come with their places."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ...ops.names import named
from ...ops.padding import pad
from ...ops.pooling import adaptive_max_pool1d, adaptive_max_pool2d, avg_pool1d, avg_pool2d, max_pool1d, max_pool2d
from ...ops.volume_pools import adaptive_max_pool3d, avg_pool3d, max_pool3d
from ...tensor import Tensor

INTERNAL = True


def avg_pool_of_channels(input: Tensor, size: int) -> Tensor:
    """For each channel of (N, C, ...), the mean of `size` channels around it; beyond the outermost there are zeros."""
    if size <= 0:
        raise RuntimeError(f"kernel size should be greater than zero, but got kT: {size} kH: 1 kW: 1")
    shape = input.shape
    images = input.reshape(shape[0], 1, shape[1], -1)
    return avg_pool2d(pad(images, (0, 0, size // 2, (size - 1) // 2)), (size, 1), 1).reshape(shape)


def _with_indices(pool: Callable[..., Any]) -> Any:
    def pooled(
        input: Tensor,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> Any:
        return pool(input, kernel_size, stride, padding, dilation, ceil_mode, True)

    return _named_after(pool, pooled)


def _adaptive_with_indices(pool: Callable[..., Any]) -> Any:
    def pooled(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
        return pool(input, output_size, True)

    return _named_after(pool, pooled)


def _named_after(pool: Callable[..., Any], pooled: Any) -> Any:
    return named(pooled, f"{pool.__name__}_with_indices", f"`{pool.__name__}`, and the places of the maxima.")


max_pool1d_with_indices, max_pool2d_with_indices = _with_indices(max_pool1d), _with_indices(max_pool2d)
max_pool3d_with_indices = _with_indices(max_pool3d)
adaptive_max_pool1d_with_indices = _adaptive_with_indices(adaptive_max_pool1d)
adaptive_max_pool2d_with_indices = _adaptive_with_indices(adaptive_max_pool2d)
adaptive_max_pool3d_with_indices = _adaptive_with_indices(adaptive_max_pool3d)


def lp_pool1d(input: Tensor, norm_type: float, kernel_size: int, stride: Any = None, ceil_mode: bool = False) -> Tensor:
    """The `norm_type`-norm of every window of sequences (N, C, L), or (C, L), without looking at signs before."""
    if abs(norm_type) == math.inf:
        return _largest(max_pool1d, input, norm_type, kernel_size, stride, ceil_mode)
    means = avg_pool1d(input.pow(norm_type), kernel_size, stride, 0, ceil_mode)
    return _norms(means, kernel_size, norm_type)


def lp_pool2d(input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Tensor:
    """The `norm_type`-norm of every window of images (N, C, H, W), or (C, H, W), without looking at signs before."""
    if abs(norm_type) == math.inf:
        return _largest(max_pool2d, input, norm_type, kernel_size, stride, ceil_mode)
    width, height = kernel_size if isinstance(kernel_size, (tuple, list)) else (kernel_size, kernel_size)
    means = avg_pool2d(input.pow(norm_type), kernel_size, stride, 0, ceil_mode)
    return _norms(means, width * height, norm_type)


def lp_pool3d(input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Tensor:
    """The `norm_type`-norm of every window of volumes (N, C, D, H, W), or (C, D, H, W), as `lp_pool2d`."""
    if abs(norm_type) == math.inf:
        return _largest(max_pool3d, input, norm_type, kernel_size, stride, ceil_mode)
    sizes = kernel_size if isinstance(kernel_size, (tuple, list)) else (kernel_size,) * 3
    means = avg_pool3d(input.pow(norm_type), kernel_size, stride, 0, ceil_mode)
    return _norms(means, math.prod(sizes), norm_type)


def _largest(
    pool: Callable[..., Any], input: Tensor, norm_type: float, kernel_size: Any, stride: Any, ceil_mode: bool
) -> Tensor:
    found: Tensor = pool(input.abs() if norm_type > 0 else -input.abs(), kernel_size, stride, 0, 1, ceil_mode)
    return found if norm_type > 0 else -found


def _norms(means: Tensor, size: int, norm_type: float) -> Tensor:
    """As torch computes them: 0 keeps a slope of 0."""
    return (means.sign() * means.abs().relu()).mul(size).pow(1.0 / norm_type)
