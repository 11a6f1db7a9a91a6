"""torch's floating arithmetic for random numbers, on NumPy arrays and to the last bit.

torch fuses multiplications with additions (one rounding instead of two), and makes float32 normals eight at a time
with Cephes' logarithm, sine and cosine (https://www.netlib.org/cephes), which this file follows step by step. float32
is fused by way of float64: about one value in 1e8 then rounds to its other neighbour. That is torch on x86
processors; elsewhere it takes other logarithms, sines and cosines, and float32 normals agree to about 1e-6.

Source: ATen/native/cpu/avx_mathfun.h and DistributionTemplates.h of https://github.com/pytorch/pytorch
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

INTERNAL = True
Array = np.ndarray[Any, Any]


def box_muller(uniforms: Array, mean: Any, std: Any) -> Array:
    """Normal numbers from as many uniform ones, in blocks of 16: from 8 for radii, 8 for angles."""
    blocks = uniforms.reshape(-1, 2, 8)
    u, angle = 1 - blocks[:, 0], 2 * math.pi * blocks[:, 1]
    if uniforms.dtype == np.float32:
        log, (sin, cos) = _log(u), _sin_cos(angle)
    else:
        # NumPy's own float64 logarithm differs from the C library's, torch's, in some last bits.
        log = np.fromiter(map(math.log, u.ravel().tolist()), np.float64, u.size).reshape(u.shape)
        sin, cos = np.sin(angle), np.cos(angle)
    radius = np.sqrt(-2 * log)
    normals = np.stack([radius * cos, radius * sin], axis=1)
    return multiply_add(normals.reshape(-1), std, mean)


def multiply_add(a: Array, b: Any, c: Any) -> Array:
    """a * b + c, rounded once, for float32 or float64 `a`; `b` and `c` are of that precision.

    Where the product is below 1e-290, what it lost cannot be represented, and float64 results may be rounded twice.
    """
    if a.dtype == np.float32:
        exact: Array = np.multiply(a, b, dtype=np.float64)
        exact += c
        return exact.astype(np.float32)
    product = a * b
    total: Array = product + c
    if np.ndim(c) == 0 and c == 0:
        return total
    # What product (Dekker) and sum (Knuth) lost by being rounded, each of them exact, is added at the end.
    a_high, b_high = _high_half(a), _high_half(b)
    a_low, b_low = a - a_high, b - b_high
    lost = a_high * b_high - product + a_high * b_low + a_low * b_high + a_low * b_low
    added = total - product
    lost += product - (total - added) + (c - added)
    fused: Array = total + lost
    return np.where(np.isfinite(fused), fused, total)  # the halves of the largest numbers overflow


def _high_half(a: Any) -> Any:
    """`a` with only the upper half of its 53 binary digits (Veltkamp)."""
    shifted = a * (2.0**27 + 1)
    return shifted - (shifted - a)


_LOG = np.array(
    [
        *[7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1],
        *[-1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1],
    ],
    np.float32,
)
_SIN = np.array([-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1], np.float32)
_COS = np.array([2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2], np.float32)
_LN2_LOW, _LN2_HIGH = np.array([-2.12194440e-4, 0.693359375], np.float32)
_QUARTER_PI = np.array([0.78515625, 2.4187564849853515625e-4, 3.77489497744594108e-8], np.float32)


def _log(x: Array) -> Array:
    """The natural logarithm of float32 numbers in (0, 1]."""
    mantissa, exponent = np.frexp(x)
    small = mantissa < np.float32(math.sqrt(0.5))
    m = np.where(small, mantissa + mantissa, mantissa) - 1
    e = (exponent - small).astype(np.float32)
    square = m * m
    y = multiply_add(_polynomial(m, _LOG) * m, square, e * _LN2_LOW)
    y = multiply_add(square, np.float32(-0.5), y)
    return multiply_add(e, _LN2_HIGH, m + y)


def _sin_cos(x: Array) -> tuple[Array, Array]:
    """Sine and cosine of float32 angles in [0, 2 pi]."""
    octant = ((x * np.float32(4 / math.pi)).astype(np.int32) + 1) & ~1
    steps = octant.astype(np.float32)
    for part in _QUARTER_PI:
        x = multiply_add(steps, -part, x)
    square = x * x
    cos = _polynomial(square, _COS) * square
    cos = multiply_add(cos, square, square * np.float32(-0.5)) + 1
    sin = multiply_add(_polynomial(square, _SIN) * square, x, x)
    swapped = octant & 2 != 0
    sin, cos = np.where(swapped, cos, sin), np.where(swapped, sin, cos)
    return np.where(octant & 4, -sin, sin), np.where((octant + 2) & 4, -cos, cos)


def _polynomial(x: Array, coefficients: Array) -> Array:
    y = multiply_add(x, coefficients[0], coefficients[1])
    for c in coefficients[2:]:
        y = multiply_add(y, x, c)
    return y
