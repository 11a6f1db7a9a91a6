"""Means over neighbouring channels."""

from __future__ import annotations

from ...ops.padding import pad
from ...ops.pooling import avg_pool2d
from ...tensor import Tensor

INTERNAL = True


def avg_pool_of_channels(input: Tensor, size: int) -> Tensor:
    """For each channel of (N, C, ...), the mean of `size` channels around it; beyond the outermost there are zeros."""
    if size <= 0:
        raise RuntimeError(f"kernel size should be greater than zero, but got kT: {size} kH: 1 kW: 1")
    shape = input.shape
    images = input.reshape(shape[0], 1, shape[1], -1)
    return avg_pool2d(pad(images, (0, 0, size // 2, (size - 1) // 2)), (size, 1), 1).reshape(shape)
