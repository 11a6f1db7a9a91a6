"""Normalization: distances from a mean in units of the standard deviation, times a weight, plus a bias.

Which elements share a mean differs: those of one channel (batch norm), of a group of channels in one example (group
norm), or of one example's last dimensions (layer norm). The rest is one operation.

Source: https://arxiv.org/abs/1502.03167, https://arxiv.org/abs/1607.06450 and https://arxiv.org/abs/1803.08494
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .half import in_single, is_half
from .pointwise import power
from .reduction import mean_dims
from .shape import contract
from .table import Op, op

INTERNAL = True
Array = np.ndarray[Any, Any]
Dims = tuple[int, ...]


def _grouped(a: Any, groups: int) -> Any:
    """(N, C, ...) as (N, groups, elements of a group), for group norm; otherwise, with `groups` 0, as it is."""
    return a.reshape((a.shape[0], groups, math.prod(a.shape[1:]) // groups)) if groups else a


def _for_channels(b: Any, like: Any, channels: bool) -> Any:
    """A weight or bias, one for each channel, or for each place of the last dimensions, as it meets the input."""
    return b.reshape((b.shape[0], *(1,) * (like.ndim - 2))) if channels else b


def _normalize(a: Array, b: Array, c: Array, dims: Dims, groups: int, channels: bool, eps: float) -> Array:
    if a.dtype.char == "e":
        return in_single(_normalize, a, b.astype("f"), c.astype("f"), dims, groups, channels, eps)
    if groups or not channels:  # of layers and groups torch gives the result in one piece, which `view` takes
        a = np.ascontiguousarray(a)
    x = _grouped(a, groups)
    count = x.dtype.type(math.prod([x.shape[i] for i in dims]))
    x = x - np.add.reduce(x, axis=dims, keepdims=True) / count
    variance = np.add.reduce(x * x, axis=dims, keepdims=True) / count
    x *= 1 / np.sqrt(variance + x.dtype.type(eps))
    x = x.reshape(a.shape)
    x *= _for_channels(b, a, channels)
    x += _for_channels(c, a, channels)
    return x


def _units(a: Any, dims: Dims, groups: int, eps: float) -> tuple[Any, Any]:
    """Distances from the mean in standard deviations, and one over these."""
    x = _grouped(a, groups)
    x = x - mean_dims(x, dims, True)
    scale = power(mean_dims(x * x, dims, True) + eps, -0.5)
    return x * scale, scale


def _to_input(g: Any, a: Any, b: Any, dims: Dims, groups: int, channels: bool, eps: float) -> Any:
    if is_half(g):
        return in_single(_to_input, g, a.astype("f"), b.astype("f"), dims, groups, channels, eps)
    x, scale = _units(a, dims, groups, eps)
    g = _grouped(g * _for_channels(b, a, channels), groups)
    return (scale * (g - mean_dims(g, dims, True) - x * mean_dims(g * x, dims, True))).reshape(a.shape)


def _to_weight(g: Any, a: Any, b: Any, dims: Dims, groups: int, channels: bool, eps: float) -> Any:
    x, _ = _units(a, dims, groups, eps)
    return _to_bias(g * x.reshape(a.shape), b, channels)


def _to_bias(g: Any, b: Any, channels: bool) -> Any:
    return g.sum(axis=(0, *range(2, g.ndim))) if channels else contract(g, tuple(b.shape))


# As torch does, all save input and weight, whichever gradient is wanted.
normalized: Op = op(
    "NativeBatchNormBackward0",
    _normalize,
    a=lambda g, a, b, dims, groups, channels, eps: _to_input(g, a, b, dims, groups, channels, eps),
    b=lambda g, a, b, dims, groups, channels, eps: _to_weight(g, a, b, dims, groups, channels, eps),
    c=lambda g, a, b, channels: _to_bias(g, b, channels),
)
layer_normalized = normalized.named("NativeLayerNormBackward0")
group_normalized = normalized.named("NativeGroupNormBackward0")


def _scale(a: Array, b: Array, c: Array, mean: Array, variance: Array, eps: float) -> Array:
    if a.dtype.char == "e":
        return in_single(_scale, a, *(x.astype("f") for x in (b, c, mean, variance)), eps)
    slope = b / np.sqrt(variance + variance.dtype.type(eps))
    return a * _for_channels(slope, a, True) + _for_channels(c - mean * slope, a, True)


def _known_scale(variance: Any, eps: float) -> Any:
    return power(variance + eps, -0.5)


scaled: Op = op(  # by a mean and a variance that are known beforehand
    "NativeBatchNormBackward0",
    _scale,
    a=lambda g, a, b, mean, variance, eps: g * _for_channels(b * _known_scale(variance, eps), a, True),
    b=lambda g, a, b, mean, variance, eps: (
        _to_bias(g * (a - _for_channels(mean, a, True)), b, True) * _known_scale(variance, eps)
    ),
    c=lambda g, a, b: _to_bias(g, b, True),
    mean=None,
    variance=None,
)
