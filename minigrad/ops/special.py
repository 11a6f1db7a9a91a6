"""Special functions: the error function and its inverse, the logarithm of the gamma function, and its derivatives.

NumPy has none of them. In double precision they are the C library's, element by element, or come to full precision
from series; in single precision the error function, which GELU needs much of, is a quotient of polynomials.
Source: https://dlmf.nist.gov, chapters 5, 7 and 25
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np

from .. import dtypes
from ..tensor import Tensor
from .half import in_single
from .inplace import twin
from .names import attach, offer_in_place, public, tensor_argument
from .options import integer
from .pointwise import exp_, offer, select
from .table import Op, op

INTERNAL = True
Array = np.ndarray[Any, Any]

# The error function

TWO_OVER_ROOT_PI = 2 / math.sqrt(math.pi)
ERF_IS_ONE = 3.92  # from here on, in single precision
# erf(x) = x p(x * x) / q(x * x) to 2e-8, fitted by weighted least squares; the highest power comes first.
ERF_P = (2.05010663e-6, 2.8487868e-4, 3.76546429e-3, 5.27482536e-2, 0.190403005, 1.12837915)
ERF_Q = (3.80917021e-5, 1.16249727e-3, 1.49689126e-2, 0.11410767, 0.502073011, 1.0)


def polynomial(x: Array, coefficients: tuple[float, ...]) -> Array:
    """The value at `x` of a polynomial, by Horner's scheme."""
    value = x * coefficients[0]
    for c in coefficients[1:-1]:
        value += c
        value *= x
    value += coefficients[-1]
    return value


def erf_of(a: Array) -> Array:
    """The error function."""
    if a.dtype.char == "e":
        return in_single(erf_of, a)
    if a.dtype.char == "d":
        return np.asarray(np.frompyfunc(math.erf, 1, 1)(a)).astype(a.dtype)
    x = np.clip(a, -ERF_IS_ONE, ERF_IS_ONE)
    square = x * x
    return np.clip(np.asarray(x * polynomial(square, ERF_P) / polynomial(square, ERF_Q)), -1, 1)


def _erfc(a: Array) -> Array:
    """1 - erf(a), which stays accurate where that is small."""
    return np.asarray(np.frompyfunc(math.erfc, 1, 1)(a)).astype(a.dtype)


def _erfinv(a: Array) -> Array:
    """Winitzki's approximation, and two of Halley's steps, each of which triples the number of right digits."""
    y = np.abs(a.astype(np.float64))
    log = np.log1p(-y * y)
    half = 2 / (math.pi * 0.147) + log / 2
    x = np.sqrt(-log / 0.147 / (np.sqrt(half * half - log / 0.147) + half))
    for _ in range(2):
        error = np.where(y < 0.5, erf_of(x) - y, 1 - y - _erfc(x))
        step = error / (TWO_OVER_ROOT_PI * np.exp(-x * x))
        x = np.where(error == 0, x, x - step / (1 + x * step))
    return np.copysign(np.where(y == 1, np.inf, x), a).astype(a.dtype)


erf_ = op("ErfBackward0", erf_of, a=lambda g, a: TWO_OVER_ROOT_PI * exp_(-(a * a)) * g, floating=True)
erfc_ = op("ErfcBackward0", _erfc, a=lambda g, a: -TWO_OVER_ROOT_PI * exp_(-(a * a)) * g, floating=True)
erfinv_: Op = op(
    "ErfinvBackward0",
    _erfinv,
    a=lambda g, a: exp_(erfinv_(a) * erfinv_(a)) / TWO_OVER_ROOT_PI * g,
    floating=True,
)

# The gamma function

I1_POINTS = 64  # enough up to 700, beyond which double precision overflows
ASYMPTOTIC = 10.0  # from here on series in 1 / x are exact to the last digits, once a few terms are taken
# Bernoulli's numbers B2, B4, ...
BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510)


def _lgamma(a: Array) -> Array:
    return np.asarray(np.frompyfunc(_lgamma_of, 1, 1)(a)).astype(a.dtype)


def _lgamma_of(x: float) -> float:
    is_pole = x <= 0 and x == math.floor(x) if math.isfinite(x) else False
    return math.inf if is_pole or x == -math.inf else math.lgamma(x)


def _digamma(a: Array) -> Array:
    """The slope of `lgamma`: reflected to positive numbers, taken from there to large ones, and there a series."""
    x = a.astype(np.float64)
    reflected = x < 0
    at = np.where(reflected, 1 - x, x)
    value = np.where(reflected, -math.pi / np.tan(math.pi * np.fmod(x, 1)), 0.0)
    while (small := at < ASYMPTOTIC).any():
        value = np.where(small, value - 1 / at, value)
        at = np.where(small, at + 1, at)
    value = value + np.log(at) - 0.5 / at
    for k, b in enumerate(BERNOULLI, 1):
        value = value - b / (2 * k) * at ** (-2.0 * k)
    value = np.where(x == 0, np.copysign(np.inf, -x), value)
    return np.where(reflected & (x == np.floor(x)), np.nan, value).astype(a.dtype)


def _polygamma(a: Array, n: int) -> Array:
    """The `n`-th derivative of `digamma`: n! times Hurwitz's zeta function of n + 1 and `a`, with a sign."""
    if n == 0:
        return _digamma(a)
    x = a.astype(np.float64)
    reflected = (x < 0.5) & (n == 1)  # for other n the terms below 0 are added up one by one
    at = np.where(reflected, 1 - x, x)
    value = _zeta(n + 1, at) * (math.factorial(n) * (-1) ** (n + 1))
    return np.where(reflected, (math.pi / np.sin(math.pi * x)) ** 2 - value, value).astype(a.dtype)


def _zeta(s: int, x: Array) -> Array:
    """The sum of (x + k) ** -s over k = 0, 1, 2, ...: the first terms one by one, the rest by Euler and Maclaurin."""
    is_pole = (x <= 0) & (x == np.floor(x))
    value, at = np.zeros_like(x), np.where(is_pole, ASYMPTOTIC, x)
    while (small := at < ASYMPTOTIC).any():
        value = np.where(small, value + at ** -float(s), value)
        at = np.where(small, at + 1, at)
    value = value + at ** (1.0 - s) / (s - 1) + 0.5 * at ** -float(s)
    factor = s / 2
    for k, b in enumerate(BERNOULLI, 1):
        value = value + b * factor * at ** (1.0 - s - 2 * k)
        factor *= (s + 2 * k - 1) * (s + 2 * k) / ((2 * k + 1) * (2 * k + 2))
    return np.where(is_pole, np.inf, value)


def _i1(a: Array) -> Array:
    """The slope of Bessel's function I0: the mean of cos(t) sinh(a cos(t)) over a quarter of a circle.

    The midpoint rule is exact to the last digits for smooth periodic functions, once there are enough points.
    """
    x, total = a.astype(np.float64), np.zeros(a.shape)
    for cosine in np.cos((np.arange(I1_POINTS) + 0.5) * (math.pi / 2 / I1_POINTS)):
        total += cosine / I1_POINTS * 2 * np.sinh(x * cosine / 2) * np.cosh(x * cosine / 2)
    return np.asarray(total).astype(a.dtype)


def _i0(a: Array) -> Array:
    with np.errstate(all="ignore"):
        return np.asarray(np.i0(a.astype(np.float64))).astype(a.dtype).reshape(a.shape)


def _log_gamma_of_many(a: Array, p: int) -> Array:
    """The logarithm of the gamma function of `p` variables, contiguous as torch's is."""
    found = sum((_lgamma(a - k / 2) for k in range(p)), np.full_like(a, p * (p - 1) / 4 * math.log(math.pi)))
    return np.asarray(found, order="C")


def _slope_of_many(a: Any, p: int) -> Any:
    slopes = [digamma_(a - k / 2) for k in range(p)]
    return sum(slopes[1:], slopes[0])


i0_ = op("I0Backward0", _i0, a=lambda g, a: g * i1_(a), floating=True)
i1_: Op = op(
    "SpecialI1Backward0",
    _i1,
    # The limit at 0 is a half; elsewhere it is I0 - I1 / a.
    a=lambda g, a, out: g * (i0_(a) - select(out / select(a, 1, a != 0), 0.5, a != 0)),
    floating=True,
)
mvlgamma_ = op("MvlgammaBackward0", _log_gamma_of_many, a=lambda g, a, p: g * _slope_of_many(a, p), floating=True)
lgamma_ = op("LgammaBackward0", _lgamma, a=lambda g, a: g * digamma_(a), floating=True)
digamma_: Op = op("DigammaBackward0", _digamma, a=lambda g, a: g * polygamma_(a, 1), floating=True)
polygamma_: Op = op("PolygammaBackward0", _polygamma, a=lambda g, a, n: g * polygamma_(a, n + 1), floating=True)

# torch's names for them

_offer = partial(offer, __name__)

erf = _offer("erf", erf_, "The error function: the integral of `2 / sqrt(pi) * exp(-t**2)` from 0 to each element.")
erfc = _offer("erfc", erfc_, "`1 - erf(input)`, accurate also where that is tiny.")
erfinv = _offer("erfinv", erfinv_, "The number whose `erf` each element is: infinite at -1 and 1, NaN outside.")
lgamma = _offer(
    "lgamma", lgamma_, "The logarithm of the absolute value of the gamma function; infinite at 0, -1, -2, ..."
)
digamma = _offer("digamma", digamma_, "The derivative of `lgamma`; NaN at -1, -2, ...")
i0 = _offer("i0", i0_, "Bessel's modified function of the first kind, of order 0.")


@public(in_place=True)
def mvlgamma(input: Tensor, p: int) -> Tensor:
    """The logarithm of the gamma function of `p` variables; infinite where one of its factors is."""
    p = integer("mvlgamma", "p", 2, p)
    if p < 1:
        raise RuntimeError("p has to be greater than or equal to 1")
    if tensor_argument(input, "mvlgamma").dtype is dtypes.bool_:
        raise RuntimeError("The input tensor may not be a boolean tensor.")
    return mvlgamma_.call(input, p)


@public(method=False)
def polygamma(n: int, input: Tensor) -> Tensor:
    """The `n`-th derivative of `digamma`; RuntimeError if `n` is negative."""
    n = integer("polygamma", "n", 1, n)
    if n < 0:
        raise RuntimeError("polygamma(n, x) does not support negative n.")
    return polygamma_.call(tensor_argument(input, "polygamma", "input", 2), n)


attach(polygamma=lambda self, n: polygamma(n, self), polygamma_=twin(lambda self, n: polygamma(n, self), "polygamma_"))
offer_in_place("erf_", "erfc_", "i0_")
