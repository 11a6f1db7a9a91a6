"""The incomplete gamma functions: which part of the gamma function's integral lies below a number, and which above.

Source: https://dlmf.nist.gov, chapter 8; W. Gautschi, "A computational procedure for incomplete gamma functions", 1979
"""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from .pairs import _xlogy, offer_pair
from .pointwise import exp_, log_
from .special import _lgamma, lgamma_
from .table import Op

INTERNAL = True
Array = np.ndarray[Any, Any]
LAST_TERM = 2e-17  # of a series, as a part of what has been added up
TERMS = 100_000  # which are never needed


def _parts(a: Array, b: Array, which: int) -> Array:
    """The part below (0) or above (1): by a series where b is small beside a, else by a continued fraction."""
    both = np.broadcast_arrays(a, b)
    a, x = (np.ravel(array).astype(np.float64) for array in both)
    found = np.full_like(x, np.nan)
    inside = (a > 0) & (x > 0) & np.isfinite(a) & np.isfinite(x)
    found[(a > 0) & (x == 0)] = which
    found[(a == 0) & (x > 0) | (a >= 0) & np.isfinite(a) & (x == np.inf)] = 1 - which
    found[(a == np.inf) & (x >= 0) & np.isfinite(x)] = which
    by_series = x < a + 1
    for of_series, way in ((1, _series), (0, _fraction)):
        chosen = inside & (by_series == bool(of_series))
        part = way(a[chosen], x[chosen])
        found[chosen] = part if which != of_series else 1 - part
    result = np.empty_like(np.equal(*both), both[0].dtype)  # in memory as NumPy lays out what it makes of the two
    result[...] = found.reshape(result.shape)
    return result


def _scale(a: Array, x: Array) -> Array:
    return np.exp(_xlogy(a, x) - x - _lgamma(a))


def _series(a: Array, x: Array) -> Array:
    """The part below."""
    term = 1 / a
    total = term.copy()
    for k in range(1, TERMS):
        term = term * x / (a + k)
        total += term
        if not (term > LAST_TERM * total).any():
            break
    return total * _scale(a, x)


def _fraction(a: Array, x: Array) -> Array:
    """The part above, by Lentz's method."""
    of_step = x + 1 - a
    c, d = np.full_like(x, np.inf), 1 / of_step
    value = d.copy()
    for k in range(1, TERMS):
        factor, of_step = k * (a - k), of_step + 2
        d = 1 / (of_step + factor * d)
        c = of_step + factor / c
        value *= c * d
        if not (abs(c * d - 1) > 4e-16).any():
            break
    return value * _scale(a, x)


def _without_rule(name: str) -> Any:
    def no_rule(g: Any) -> NoReturn:
        raise NotImplementedError(f"the derivative for '{name}: input' is not implemented.")

    return no_rule


def _density(a: Any, b: Any) -> Any:
    return exp_((a - 1) * log_(b) - b - lgamma_(a))


# Not in the table, whose operations have a rule for every input, as torch has none for the first.
igamma_ = Op(
    "IgammaBackward0",
    lambda a, b: _parts(a, b, 0),
    {"a": _without_rule("igamma"), "b": lambda g, a, b: g * _density(a, b)},
    "floating",
    False,
)
igammac_ = Op(
    "IgammacBackward0",
    lambda a, b: _parts(a, b, 1),
    {"a": _without_rule("igammac"), "b": lambda g, a, b: -g * _density(a, b)},
    "floating",
    False,
)


igamma = offer_pair(
    __name__,
    "igamma",
    igamma_,
    """The part of the gamma function's integral at `input` that lies below `other`: from 0 at 0 to 1.

    The gradient is that of `other`; backward raises NotImplementedError where `input` requires one, as in torch.
    """,
    floats_only=True,
)
igammac = offer_pair(
    __name__,
    "igammac",
    igammac_,
    "The part that lies above `other`: `1 - igamma(input, other)`, accurate also where that is tiny.",
    floats_only=True,
)
