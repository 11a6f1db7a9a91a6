"""How gamma and Dirichlet numbers change with their parameters: torch's approximations, to a few thousandths right.

A number x with the distribution function F(x; a) goes with its parameter a so that F keeps its value: dx/da is
-(dF/da) / (dF/dx). F has no derivative to a in closed form; series, a saddle point, and fitted quotients stand for it.

Source: M. Jankowiak and F. Obermeyer, "Pathwise derivatives beyond the reparameterization trick", 2018;
ATen/native/Distributions.h of https://github.com/pytorch/pytorch
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import minigrad as torch

INTERNAL = True
Array = np.ndarray[Any, Any]
NEAR_0 = float(np.float32(0.8))  # of single precision in torch

# Of each power of log(x / a), the coefficients of the powers of log(a): of what is divided, and of what divides it.
GAMMA_FIT = np.array(
    [
        [[0.16009398, -0.094634809, 0.025146376, -0.0030648343], [1, 0.32668115, 0.10406089, 0.0014179084]],
        [
            [0.53487893, 0.1298071, 0.065735949, -0.0015649758],
            [0.16639465, 0.020070113, -0.0035938915, -0.00058392623],
        ],
        [
            [0.040121004, -0.0065914022, -0.0026286047, -0.0013441777],
            [0.017050642, -0.0021309326, 0.00085092367, -1.5247877e-07],
        ],
    ]
)
# Of what is divided, and of what divides it, and there of each power of log(x), and of each one of log(a / x), the
# coefficients of the powers of log(total * x / a).
BETA_FIT = np.array(
    [
        [
            [
                [1.003668233, -0.01061107488, -0.0657888334, 0.01201642863],
                [0.6336835991, -0.3557432599, 0.05486251648, -0.001465281033],
                [-0.03276231906, 0.004474107445, 0.002429354597, -0.0001557569013],
            ],
            [
                [0.221950385, -0.3187676331, 0.01799915743, 0.01074823814],
                [-0.2951249643, 0.06219954479, 0.01535556598, 0.001550077057],
                [0.02155310298, 0.004170831599, 0.001292462449, 6.976601077e-05],
            ],
            [
                [-0.05980841433, 0.008441916499, 0.01085618172, 0.002319392565],
                [0.02911413504, 0.01400243777, -0.002721828457, 0.000751041181],
                [0.005900514878, -0.001936558688, -9.495446725e-06, 5.385558597e-05],
            ],
        ],
        [
            [
                [1, -0.02924021934, -0.04438342661, 0.007285809825],
                [0.6357567472, -0.3473456711, 0.05454656494, -0.002407477521],
                [-0.03301322327, 0.004845219414, 0.00231480583, -0.0002307248149],
            ],
            [
                [0.5925320577, -0.1757678135, 0.01505928619, 0.000564515273],
                [0.1014815858, -0.06589186703, 0.01272886114, -0.0007316646956],
                [-0.007258481865, 0.001096195486, 0.0003934994223, -4.12701925e-05],
            ],
            [
                [0.06469649321, -0.0236701437, 0.002902096474, -5.896963079e-05],
                [0.001925008108, -0.002869809258, 0.0008000589141, -6.063713228e-05],
                [-0.0003477407336, 6.959756487e-05, 1.097287507e-05, -1.650964693e-06],
            ],
        ],
    ]
)


def gamma_slope(concentration: Array, numbers: Array) -> Array:
    """dx/da for gamma numbers x of concentration a and rate 1."""
    a, x = concentration.astype(np.float64), numbers.astype(np.float64)
    cases = [
        (x < NEAR_0, _gamma_near_0),
        ((a > 8) & (x >= np.float32(0.9) * a) & (x <= np.float32(1.1) * a), _gamma_near_mean),
        (a > 8, _gamma_saddle),
        (np.isfinite(a), _gamma_fitted),
    ]
    return _by_cases(cases, a, x).astype(concentration.dtype)


def dirichlet_slope(x: Array, a: Array, total: Array) -> Array:
    """dx/da / (1 - x) for numbers x of Beta's distribution with the concentrations a and total - a."""
    wide = x.astype(np.float64), a.astype(np.float64), total.astype(np.float64) - a.astype(np.float64)
    b, spread = total - a, total * x * (1 - x)
    near_0, large = (x <= 0.5) & (spread < 2.5), (a > 6) & (b > 6)
    near_1 = ~near_0 & (x >= 0.5) & (spread < 0.75)
    cases = [
        (near_0 | near_1, lambda x, a, b: x),
        (large & _is_near_mean(*wide), _beta_near_mean),
        (large, _beta_saddle),
        (np.isfinite(total), _beta_fitted),
    ]
    found = _by_cases(cases, *wide).astype(x.dtype)
    ends = _by_cases([(near_0, _beta_near_0), (near_1, _beta_near_1)], x, a, b)  # in the dtype of x, as torch does
    return np.where(near_0 | near_1, ends, found)


def _by_cases(cases: list[tuple[Any, Callable[..., Array]]], *arrays: Array) -> Array:
    """For each element what the first formula gives whose condition holds, or NaN."""
    flat = [array.ravel() for array in arrays]
    result, left = np.full_like(flat[0], np.nan), np.ones(flat[0].shape, bool)
    for condition, formula in cases:
        chosen = left & condition.ravel()
        if chosen.any():
            result[chosen] = formula(*(array[chosen] for array in flat))
        left &= ~chosen
    return result.reshape(arrays[0].shape)


def _digamma(a: Array) -> Array:
    return torch.digamma(torch.from_numpy(a)).numpy()


def _polynomial(coefficients: Any, x: Array) -> Array:
    """A polynomial whose coefficients stand from the constant one up."""
    value: Any = 0.0
    for c in coefficients[::-1]:
        value = value * x + c
    return np.asarray(value)


# Gamma numbers


def _gamma_near_0(a: Array, x: Array) -> Array:
    """The series of F in x, and its derivative to a."""
    term, at, series, slopes = np.ones_like(a), a, 1 / a, 1 / a**2
    for i in range(1, 6):
        term, at = term * -x / i, at + 1
        series, slopes = series + term / at, slopes + term / at**2
    power = x**a
    by_parameter = (np.log(x) - _digamma(a)) * (power * series) - power * slopes
    found = -by_parameter / (x ** (a - 1) * np.exp(-x))
    return np.where(np.isnan(found), 0, found)


def _gamma_near_mean(a: Array, x: Array) -> Array:
    """What the saddle point gives, in powers of x - a, which it has no limit for."""
    numerator = 1440 * a**2 + 6 * x * (53 - 120 * x) - 65 * x**2 / a + a * (107 + 3600 * x)
    return (1 + 24 * a * (1 + 12 * a)) * numerator / (1244160 * a**4)


def _gamma_saddle(a: Array, x: Array) -> Array:
    scale = np.sqrt(8 * a)
    sides = scale / (a - x) - np.copysign((x - a - a * np.log(x / a)) ** -1.5, a - x)
    bracket = np.log(x / a) * sides - np.sqrt(2 / a) * (a + x) / (a - x) ** 2
    stirling = 1 + 1 / (12 * a) * (1 + 1 / (24 * a))
    return -stirling * x * bracket / scale


def _gamma_fitted(a: Array, x: Array) -> Array:
    u, v = np.log(x / a), np.log(a)
    over, under = (_polynomial([_polynomial(GAMMA_FIT[:, part, i], u) for i in range(4)], v) for part in (0, 1))
    return np.exp(over / under)


# Numbers of Beta's distribution


def _beta_near_0(x: Array, a: Array, b: Array) -> Array:
    """The series of F in x, and its derivative to a."""
    factor = _digamma(a) - _digamma(a + b) - np.log(x)
    term, series = np.ones_like(x), 1 / a * (factor + 1 / a)
    for i in range(1, 11):
        term = term * ((i - b) * x / i)
        series = series + term / (a + i) * (factor + 1 / (a + i))
    found = x * (1 - x) ** -b * series
    return np.where(np.isnan(found), 0, found)


def _beta_near_1(x: Array, a: Array, b: Array) -> Array:
    """The same from the other side, where y = 1 - x is small, and a is the other parameter."""
    y, factor = 1 - x, _digamma(a + b) - _digamma(a)
    term, product, slope, series = np.ones_like(x), np.ones_like(x), np.zeros_like(x), factor / b
    for i in range(1, 9):
        term = term * -y / i
        product, slope = product * (a - i), slope * (a - i) + product
        series = series + term / (b + i) * (slope + factor * product)
    found = (1 - y) ** (1 - a) * series
    return np.where(np.isnan(found), 0, found)


def _is_near_mean(x: Array, a: Array, b: Array) -> Array:
    total = a + b
    deviation = np.sqrt(a * b / (total + 1)) / total
    return (a / total - 0.1 * deviation <= x) & (x <= a / total + 0.1 * deviation)


def _beta_near_mean(x: Array, a: Array, b: Array) -> Array:
    """What the saddle point gives, in powers of the distance from the mean, which it has no limit for."""
    total = a + b
    polynomial = _polynomial(
        [
            47 * x * b**4,
            (43 + 20 * (16 + 27 * b) * x) * b**3,
            3 * (59 + 180 * b - 90 * x) * b**2,
            (453 + 1620 * b * (1 - x) - 455 * x) * b,
            8 * (1 - x) * (135 * b - 11),
        ],
        a,
    )
    scale = (1 + 12 * a) * (1 + 12 * b) / total**2
    return scale / (1 - x) * polynomial / (12960 * a**3 * b**2 * (1 + 12 * total))


def _beta_saddle(x: Array, a: Array, b: Array) -> Array:
    total = a + b
    stirling = _stirling(a) * _stirling(b) / _stirling(total)
    apart = a * (x - 1) + b * x
    first = (2 * a**2 * (x - 1) + a * b * (x - 1) - x * b**2) / (np.sqrt(2 * a / b) * total**1.5 * apart**2)
    log_a, log_b = np.log(a / (total * x)), np.log(b / (total * (1 - x)))
    sides = np.sqrt(8 * a * b / total) / apart + np.copysign((b * log_b + a * log_a) ** -1.5, a / total - x)
    return stirling * -x / np.sqrt(2 * a * b / total) * (first + 0.5 * log_a * sides)


def _stirling(a: Array) -> Array:
    return 1 + 1 / (12 * a) + 1 / (288 * a**2)


def _beta_fitted(x: Array, a: Array, b: Array) -> Array:
    """An approximation in closed form, times a fitted quotient."""
    total, u = a + b, np.log(x)
    v = np.log(a) - u
    w = np.log(total) - v
    over, under = (
        _polynomial([_polynomial([_polynomial(c, w) for c in of_u], v) for of_u in part], u) for part in BETA_FIT
    )
    return over / under * (x * (_digamma(total) - _digamma(a)) / b)
