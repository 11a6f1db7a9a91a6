"""Windows that fade a signal out at both ends, and numbers evenly spaced on a scale of powers.

Source: https://docs.pytorch.org/docs/stable/torch.html#spectral-ops
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Unpack

import numpy as np

from .. import dtypes, messages
from ..tensor import Tensor
from .data import FLOAT32
from .factories import linear_space, spaced_evenly
from .names import public
from .options import Options, finished, integer, read_dtype

INTERNAL = True
Array = np.ndarray[Any, Any]


def _tapered(name: str, length: Any, periodic: bool, options: Any, formula: Callable[[Array, int], Array]) -> Tensor:
    """What a formula gives of 0, 1, ... and the last of these; periodic ones are the first of one more number."""
    d = read_dtype(name, options) or dtypes.get_default_dtype()
    n = integer(name, "window_length", 1, length)
    if d.kind != dtypes.FLOATING:
        raise RuntimeError(
            f"{name} expects floating point dtypes, got: TensorOptions(dtype={messages.C_NAMES[d.name]}, device=cpu, "
            "layout=Strided (default), requires_grad=false (default), pinned_memory=false, memory_format=(nullopt))"
        )
    if n < 0:
        raise RuntimeError(f"{name} requires non-negative window_length, got window_length={n}")
    if n < 2:
        return finished(name, np.ones(n, d.numpy), options)
    last = n - 1 + bool(periodic)
    return finished(name, formula(np.arange(last + 1).astype(d.numpy), last)[:n].copy(), options)


@public(method=False)
def bartlett_window(window_length: Any, periodic: bool = True, **options: Unpack[Options]) -> Tensor:
    """A triangle: from 0 to 1 in the middle and back; where `periodic`, without the last 0."""

    def triangle(x: Array, last: int) -> Array:
        x = x * (2.0 / last)
        first = (last + 1 + 1) // 2  # as many as torch counts upwards
        x[first:] = 2 - x[first:]
        return x

    return _tapered("bartlett_window", window_length, periodic, options, triangle)


@public(method=False)
def hann_window(window_length: Any, periodic: bool = True, **options: Unpack[Options]) -> Tensor:
    """Half a wave of a cosine above 0, `0.5 - 0.5 * cos`; where `periodic`, without the last 0."""
    return _cosines("hann_window", window_length, periodic, options, 0.5, 0.5)


@public(method=False)
def hamming_window(
    window_length: Any, periodic: bool = True, alpha: float = 0.54, beta: float = 0.46, **options: Unpack[Options]
) -> Tensor:
    """A wave of a cosine, `alpha - beta * cos`; where `periodic`, without the last element."""
    return _cosines("hamming_window", window_length, periodic, options, alpha, beta)


def _cosines(name: str, length: Any, periodic: bool, options: Any, alpha: float, beta: float) -> Tensor:
    return _tapered(name, length, periodic, options, lambda x, last: np.cos(x * (2 * math.pi / last)) * -beta + alpha)


@public(method=False)
def blackman_window(window_length: Any, periodic: bool = True, **options: Unpack[Options]) -> Tensor:
    """`0.42 - 0.5 * cos + 0.08 * cos` of once and twice the angle; where `periodic`, without the last element."""

    def waves(x: Array, last: int) -> Array:
        x = x * (math.pi / last)
        return np.cos(x * 4) * 0.08 - np.cos(x * 2) * 0.5 + 0.42

    return _tapered("blackman_window", window_length, periodic, options, waves)


@public(method=False)
def kaiser_window(window_length: Any, periodic: bool = True, beta: float = 12.0, **options: Unpack[Options]) -> Tensor:
    """Bessel's function `i0` of `beta` times a half circle, by its largest; where `periodic`, without the last."""

    def bessel(x: Array, last: int) -> Array:
        inside = np.maximum(1 - (x.astype(np.float64) * 2 / last - 1) ** 2, 0)
        return (np.i0(beta * np.sqrt(inside)) / np.i0(beta)).astype(x.dtype)

    return _tapered("kaiser_window", window_length, periodic, options, bessel)


@public(method=False)
def logspace(start: Any, end: Any, steps: Any, base: float = 10.0, **options: Unpack[Options]) -> Tensor:
    """`base` to the powers of `steps` numbers from `start` to `end`, both included, at equal distances.

    Errors as for `linspace`.
    """
    d, first, last, n = spaced_evenly("logspace", start, end, steps, options)
    exact = d.numpy if d.kind == dtypes.FLOATING else FLOAT32
    powers = linear_space(first, last, n, exact)
    return finished("logspace", np.power(exact.type(base), powers).astype(d.numpy), options)
