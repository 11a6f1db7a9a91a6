"""Student's t and Fisher's F, which tests of coefficients need, from the incomplete beta function.

SciPy has them too, but is no small thing to ask for: here it only checks them, in the tests.
"""

import math

TINY, ROUNDS = 1e-300, 10_000


def t_beyond(t: float, freedom: float) -> float:
    """The probability that Student's t of so many degrees of freedom is at least as far from 0 as `t`."""
    if not math.isfinite(t):
        return math.nan if math.isnan(t) else 0.0
    square = t * t / freedom  # divided by first, as t * t + freedom may lose either
    return incomplete_beta(freedom / 2, 0.5, 1 / (1 + square), square / (1 + square))


def f_beyond(f: float, above: float, below: float) -> float:
    """The probability that Fisher's F, of `above` and `below` degrees of freedom, is at least `f`."""
    if not math.isfinite(f):
        return math.nan if math.isnan(f) else 0.0
    share = max(f, 0.0) * above / below
    return incomplete_beta(below / 2, above / 2, 1 / (1 + share), share / (1 + share))


def t_within(probability: float, freedom: float) -> float:
    """How far from 0 Student's t of so many degrees of freedom stays with this probability, by bisection."""
    low, high = 0.0, 1.0
    while t_beyond(high, freedom) > 1 - probability:
        low, high = high, 2 * high
    while (middle := (low + high) / 2) not in (low, high):
        low, high = (middle, high) if t_beyond(middle, freedom) > 1 - probability else (low, middle)
    return high


def incomplete_beta(a: float, b: float, x: float, rest: float) -> float:
    """The regularised incomplete beta function I_x(a, b); `rest` is 1 - x, which x near 1 does not tell.

    Source: the continued fraction https://dlmf.nist.gov/8.17#v, evaluated by Lentz's method (modified: Thompson and
    Barnett 1986).
    """
    if x <= 0 or rest <= 0:
        return 0.0 if x <= 0 else 1.0
    if x > (a + 1) / (a + b + 2):  # where the fraction converges slowly
        return 1 - incomplete_beta(b, a, rest, x)
    log_x = math.log(x) if x < 0.5 else math.log1p(-rest)
    log_rest = math.log(rest) if rest < 0.5 else math.log1p(-x)

    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * log_x + b * log_rest) / a

    value = c = TINY
    d = 0.0
    for n in range(ROUNDS):
        m = n // 2
        if n % 2:
            numerator = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            numerator = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)) if n else 1.0
        d = 1 / (1 + numerator * d or TINY)
        c = 1 + numerator / c or TINY
        value *= c * d
        if n and abs(c * d - 1) < 1e-15:
            return front * value
    raise ArithmeticError(f"I_x({a:g}, {b:g}) at x = {x:g}: the continued fraction has not converged")
