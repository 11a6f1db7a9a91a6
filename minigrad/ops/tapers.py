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
from .factories import converted, linear_space, spaced_evenly
from .names import public
from .options import LIKE, LikeOptions, Options, as_number, finished, integer, no_such_form, read_dtype

INTERNAL = True
Array = np.ndarray[Any, Any]


def _tapered(
    name: str, length: Any, periodic: bool, options: Any, formula: Callable[..., Array], *numbers: Any
) -> Tensor:
    """What a formula gives of 0, 1, ..., the last of these, and numbers; periodic ones are the first of one more."""
    given = (length, periodic, *numbers)
    read = [as_number(number) for number in numbers]
    if not isinstance(periodic, bool) or None in read:
        raise no_such_form(name, given, options)
    d = read_dtype(name, options, given, LIKE) or dtypes.get_default_dtype()
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
    return finished(name, formula(np.arange(last + 1).astype(d.numpy), last, *read)[:n].copy(), options)


@public(method=False)
def bartlett_window(window_length: Any, periodic: bool = True, **options: Unpack[LikeOptions]) -> Tensor:
    """A triangle: from 0 to 1 in the middle and back; where `periodic`, without the last 0."""

    def triangle(x: Array, last: int) -> Array:
        x = x * (2.0 / last)
        first = (last + 1 + 1) // 2  # as many as torch counts upwards
        x[first:] = 2 - x[first:]
        return x

    return _tapered("bartlett_window", window_length, periodic, options, triangle)


@public(method=False)
def hann_window(window_length: Any, periodic: bool = True, **options: Unpack[LikeOptions]) -> Tensor:
    """Half a wave of a cosine above 0, `0.5 - 0.5 * cos`; where `periodic`, without the last 0."""
    return _tapered("hann_window", window_length, periodic, options, lambda x, last: _wave(x, last, 0.5, 0.5))


@public(method=False)
def hamming_window(
    window_length: Any, periodic: bool = True, alpha: float = 0.54, beta: float = 0.46, **options: Unpack[LikeOptions]
) -> Tensor:
    """A wave of a cosine, `alpha - beta * cos`; where `periodic`, without the last element."""
    return _tapered("hamming_window", window_length, periodic, options, _wave, alpha, beta)


def _wave(x: Array, last: int, alpha: float, beta: float) -> Array:
    return np.cos(x * (2 * math.pi / last)) * -beta + alpha


@public(method=False)
def blackman_window(window_length: Any, periodic: bool = True, **options: Unpack[LikeOptions]) -> Tensor:
    """`0.42 - 0.5 * cos + 0.08 * cos` of once and twice the angle; where `periodic`, without the last element."""

    def waves(x: Array, last: int) -> Array:
        x = x * (math.pi / last)
        return np.cos(x * 4) * 0.08 - np.cos(x * 2) * 0.5 + 0.42

    return _tapered("blackman_window", window_length, periodic, options, waves)


@public(method=False)
def kaiser_window(
    window_length: Any, periodic: bool = True, beta: float = 12.0, **options: Unpack[LikeOptions]
) -> Tensor:
    """Bessel's function `i0` of `beta` times a half circle, by its largest; where `periodic`, without the last."""

    def bessel(x: Array, last: int, beta: float) -> Array:
        inside = np.maximum(1 - (x.astype(np.float64) * 2 / last - 1) ** 2, 0)
        return (np.i0(beta * np.sqrt(inside)) / np.i0(beta)).astype(x.dtype)

    return _tapered("kaiser_window", window_length, periodic, options, bessel, beta)


@public(method=False)
def logspace(start: Any, end: Any, steps: Any, base: float = 10.0, **options: Unpack[Options]) -> Tensor:
    """`base` to the powers of `steps` numbers from `start` to `end`, both included, at equal distances.

    Errors as for `linspace`.
    """
    d, first, last, n = spaced_evenly("logspace", start, end, steps, options)
    factor = as_number(base)
    if factor is None:
        raise no_such_form("logspace", (start, end, steps), {"base": base, **options})
    if d is dtypes.bool_:
        raise NotImplementedError(messages.not_implemented("logspace_cpu", d))
    exact = d.numpy if d.kind == dtypes.FLOATING else FLOAT32
    if n > 1:  # then torch makes the bounds numbers of the result's dtype, too
        first, last = converted(first, d.numpy), converted(last, d.numpy)
    powers = linear_space(first, last, n, exact)
    return finished("logspace", np.power(exact.type(factor), powers).astype(d.numpy), options)
