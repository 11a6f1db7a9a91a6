"""What statistics says of a fit: standard errors, tests and intervals of its coefficients, and how much it explains.

All of it comes from the triangle, which stands for all the rows trained on, however many.
Source: Seber and Lee, Linear Regression Analysis, 2nd ed., chapters 3 and 4
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from linreg.exact import least_squares
from linreg.looking.distributions import f_beyond, t_beyond, t_within
from linreg.outcome import Outcome
from linreg.triangle import Array, upper

if TYPE_CHECKING:
    from linreg.saving.saved import Saved

CONFIDENCE = 0.95
FAR_OFF = 1.0  # standard errors from the exact solution at which training has not converged
NEAR = 30.0  # a condition number that is told of
LEAST_SHARE = 0.1  # in the directions of least singular values, of a feature that is told to nearly depend


@dataclass(frozen=True)
class Coefficient:
    """One coefficient in its own units, as trained and exactly; its standard error, test against 0 and interval.

    `name` is None for the intercept. The error, t, p and the interval's ends belong to the exact value; they are NaN
    where there are none (`Summary.without`). `vif` is how many times the error's square is what it would be were the
    feature orthogonal to the others, about their means where there is an intercept; NaN for that.
    """

    name: str | None
    estimate: float
    exact: float
    error: float
    t: float
    p: float
    low: float
    high: float
    vif: float

    def as_json(self) -> dict[str, float | None]:
        """What belongs to the exact value, as it stands in the JSON: None where there is no number."""
        found = {"standard_error": self.error, "t": self.t, "p": self.p, "low": self.low, "high": self.high}
        return _numbers(found | {"vif": self.vif})

    @property
    def off(self) -> float:
        """How many standard errors training ended away from the exact value; NaN where that means nothing."""
        return abs(self.estimate - self.exact) / self.error if self.error > 0 else math.nan


@dataclass(frozen=True)
class Summary:
    """A fit's coefficients, the intercept first, and how much of the target they explain.

    `without` says why there are no standard errors: "ridge", as weights that decay are biased; "dependent", as the
    coefficients are not unique; "saturated", as no row is left to judge by; or None where there are some. `deviation`
    is the residuals' standard deviation, `r2` to `f_p` the exact fit's R², adjusted R², F and its probability under no
    relation at all, `aic` and `bic` its information criteria, with the residuals' variance among what is estimated (NaN
    as above); `trained_r2` and `trained_rmse` are those of the parameters as trained. Without an intercept, R² counts
    from 0 instead of the mean. `errors` is "HC3" where the standard errors, with F and all that follows from them, are
    robust, None where they are the usual ones. Where rows have weights, all is of weighted least squares, and
    `deviation` that of a row of the mean weight. `off` is how many standard errors training ended away from the exact
    solution at most, NaN where that means nothing; all follows from the `design`.
    """

    design: "Design"
    coefficients: tuple[Coefficient, ...]
    rows: int
    freedom: int
    without: str | None
    deviation: float
    r2: float
    adjusted_r2: float
    f: float
    f_p: float
    aic: float
    bic: float
    trained_r2: float
    trained_rmse: float
    errors: str | None
    off: float

    @property
    def told_off(self) -> str:
        """`off` as text: where the exact answer leaves nothing but rounding, it is beyond all numbers that say much."""
        return f"{self.off:.1f}" if self.off < 1e6 else f"{self.off:.0e}"

    @property
    def proves_nothing(self) -> bool:
        """Whether so many coefficients, not held back by weight decay, fit any target of so few rows."""
        return self.freedom <= 0 and self.without != "ridge"

    def as_json(self) -> dict[str, Any]:
        """What belongs to the exact fit as a whole, as it stands in the JSON: None where there is no number."""
        names = ("r2", "adjusted_r2", "deviation", "f", "f_p", "aic", "bic")
        found = _numbers({name: getattr(self, name) for name in names})
        errors = None if self.without else self.errors or "classical"
        return {**found, "freedom": self.freedom, "without": self.without, "standard_errors": errors}


class Design:
    """The rows of an outcome, or of a saved run, as least squares sees them: columns [1 X] in standard units.

    The 1 is there where there is an intercept.
    `R` (p, p) is their upper triangle and `z` (p,) the target's part in it; `remainder` is the length of the rest.
    """

    def __init__(self, outcome: "Outcome | Saved") -> None:
        size, self.intercept = len(outcome.w), outcome.settings.fit_intercept
        order = [*([size] if self.intercept else []), *range(size), size + 1]
        triangle = np.zeros((len(order), len(order)))
        short = np.linalg.qr(outcome.triangle.R[:, order], mode="r")
        triangle[: len(short)] = short
        self.R, self.z, self.remainder = triangle[:-1, :-1], triangle[:-1, -1], abs(float(triangle[-1, -1]))
        self.rows, self._eps = outcome.triangle.rows, float(np.finfo(outcome.settings.dtype).eps)
        self.theta = self._joined(outcome.w, outcome.b)
        w, b, rank = least_squares(outcome.triangle, outcome.settings.weight_decay, self.intercept)
        self.exact = self._joined(w, b)
        self.unique = rank == size
        self.freedom = self.rows - rank - self.intercept

    def columns(self, X: Array) -> Array:
        """The columns of rows X (k, d) in standard units."""
        return np.column_stack([np.ones(len(X)), X]) if self.intercept else X

    def squares(self, theta: Array) -> float:
        """The sum over all rows of the squared errors of parameters (p,)."""
        return float(np.sum((self.z - self.R @ theta) ** 2)) + self.remainder**2

    @cached_property
    def deviation(self) -> float:
        """The standard deviation of the residuals of the parameters as trained."""
        return math.sqrt(self.squares(self.theta) / max(self.freedom, 1))

    @property
    def is_exact(self) -> bool:
        """Whether the parameters as trained leave nothing but rounding."""
        return self.fits(self.theta)

    def fits(self, theta: Array) -> bool:
        """Whether parameters (p,) leave nothing but rounding."""
        size = max(math.sqrt(self.squares(np.zeros_like(theta)) / self.rows), 1.0)
        return math.sqrt(self.squares(theta) / max(self.freedom, 1)) <= 16 * self._eps * size

    @cached_property
    def total(self) -> float:
        """The sum over all rows of the target's squares, about its mean where there is an intercept."""
        return float(np.sum(self.z[int(self.intercept) :] ** 2)) + self.remainder**2

    @cached_property
    def inverse(self) -> Array:
        """R⁻¹ (p, p), where the coefficients are unique: its product with its transpose is the covariance over s²."""
        return np.asarray(np.linalg.solve(self.R, np.eye(len(self.R))), dtype=np.float64)

    def sandwich(self, scores: Array) -> Array:
        """(p, p), where the coefficients are unique: its product with its transpose is their robust covariance."""
        return np.asarray(self.inverse @ self.inverse.T @ scores.T, dtype=np.float64)

    def wald(self, scores: Array) -> float:
        """Wald's statistic of no relation at all: the slopes' squares over their robust covariance."""
        start = int(self.intercept)
        root = upper(self.sandwich(scores)[start:].T)
        if len(root) < root.shape[1] or not np.diag(root).all():
            return math.nan
        return float(np.sum(np.linalg.solve(root.T, self.exact[start:]) ** 2))

    @cached_property
    def inflation(self) -> Array:
        """The features' variance inflation factors (d,), of their coefficients, where these are unique."""
        start = int(self.intercept)
        inflation: Array = np.sum(self.inverse[start:] ** 2, axis=1) * np.sum(self.R[start:, start:] ** 2, axis=0)
        return inflation

    @cached_property
    def condition(self) -> tuple[float, list[list[int]]]:
        """The condition number of the features at unit length, and the places of those that nearly depend, by group.

        With an intercept they are measured from their means, as the slopes' errors depend on nothing else: a column
        far from 0 is nearly constant, but that makes the intercept alone uncertain. The bound, 30, is the
        second source's, which leaves the means in; the first, which takes them out, calls it severe above √1000 ≈ 31.6.
        Only where the coefficients are unique.
        Source: Montgomery, Peck and Vining, Introduction to Linear Regression Analysis, 5th ed., 9.4.3; Belsley, Kuh
        and Welsch, Regression Diagnostics, chapter 3
        """
        start = int(self.intercept)
        X = self.R[start:, start:]
        _, sizes, Vt = np.linalg.svd(X / np.linalg.norm(X, axis=0))
        # Near relations that are about as near come mixed, the space of them all does not: it tells who is in one.
        near = Vt[sizes * NEAR <= sizes[0]]
        shared = np.abs(near.T @ near)
        shares = np.sqrt(np.diag(shared))
        least = min(LEAST_SHARE, 0.5 / math.sqrt(len(shares)))  # of a sum of many, each has a small one
        groups, left = list[list[int]](), np.flatnonzero(shares > least * shares.max()).tolist()
        while left:
            group = [left.pop(0)]
            for place in group:  # which grows
                bound = LEAST_SHARE * shares[place] * shares
                joined = [other for other in left if shared[place, other] > bound[other]]
                group += joined
                left = [other for other in left if other not in joined]
            groups.append(sorted(group))
        return float(sizes[0] / sizes[-1]), groups

    def _joined(self, w: Array, b: float) -> Array:
        return np.append([b], w) if self.intercept else np.asarray(w, dtype=np.float64)


def summarise(outcome: "Outcome | Saved") -> Summary:
    """The statistics of a run's fit."""
    design, scaling = Design(outcome), outcome.scaling
    without = _without(outcome, design)
    # Own units are a linear function of standard ones: a slope by its columns' scales, the intercept by all means.
    slopes = np.diag(scaling.stds[-1] / scaling.stds[:-1])
    to_own = slopes
    if design.intercept:
        first = np.append([scaling.stds[-1]], -scaling.means[:-1] @ slopes)
        to_own = np.vstack([first, np.column_stack([np.zeros(len(slopes)), slopes])])

    squares, total, freedom, between = design.squares(design.exact), design.total, design.freedom, len(slopes)
    variance = squares / freedom if without is None else math.nan
    errors = vifs = np.full(len(to_own), math.nan)
    if without is None:
        spread = to_own @ (design.inverse if outcome.scores is None else design.sandwich(outcome.scores))
        sizes = np.abs(spread).max(axis=1)  # taken out, as the squares of numbers in any unit may be none in float64
        vifs = np.append([math.nan] * design.intercept, design.inflation)
        scale = math.sqrt(variance) if outcome.scores is None else 1.0
        errors = scale * sizes * np.sqrt(np.sum((spread / sizes[:, None]) ** 2, axis=1))
    reach = t_within(CONFIDENCE, freedom) if without is None else math.nan

    def coefficient(name: str | None, estimate: float, exact: float, error: float, vif: float) -> Coefficient:
        t = exact / error if error > 0 else math.copysign(math.inf, exact) if error == 0 and exact else math.nan
        p = math.nan if without else t_beyond(t, freedom)
        return Coefficient(name, estimate, exact, error, t, p, exact - reach * error, exact + reach * error, vif)

    names = [None, *outcome.names] if design.intercept else [*outcome.names]
    trained, exact = (_own(outcome, design, theta) for theta in (design.theta, design.exact))
    rows = zip(names, trained, exact, errors, vifs, strict=True)
    f = math.nan
    if without is None:
        f = (total - squares) / between / variance if variance > 0 else math.inf
        if outcome.scores is not None:
            f = design.wald(outcome.scores) / between
    twice, estimated = math.nan, design.rows - freedom + 1  # minus twice the logarithm of the likelihood
    if without is None and squares:
        per_row = math.log(2 * math.pi * squares / design.rows) + 2 * math.log(scaling.stds[-1]) + 1
        twice = design.rows * per_row - outcome.triangle.log_weights
    trained_squares = design.squares(design.theta)
    coefficients = tuple(coefficient(name, *map(float, values)) for name, *values in rows)
    offs = [] if design.is_exact else [row.off for row in coefficients if not math.isnan(row.off)]
    return Summary(
        design,
        coefficients,
        design.rows,
        freedom,
        without,
        float(scaling.stds[-1]) * math.sqrt(variance),
        _share(squares, total),
        1 - squares / total * (freedom + between) / freedom if without is None and total else math.nan,
        f,
        math.nan if without else f_beyond(f, between, freedom),
        twice + 2 * estimated,
        twice + math.log(design.rows) * estimated,
        _share(trained_squares, total),
        float(scaling.stds[-1]) * math.sqrt(trained_squares / design.rows),
        None if outcome.scores is None else "HC3",
        max(offs, default=math.nan),
    )


def _without(outcome: "Outcome | Saved", design: Design) -> str | None:
    if outcome.settings.weight_decay:
        return "ridge"
    if not design.unique:
        return "dependent"
    return None if design.freedom > 0 else "saturated"


def _own(outcome: "Outcome | Saved", design: Design, theta: Array) -> Array:
    w, b = (theta[1:], float(theta[0])) if design.intercept else (theta, 0.0)
    slopes, constant = outcome.scaling.in_own_units(w, b)
    return np.append([constant], slopes) if design.intercept else slopes


def _numbers(found: dict[str, float]) -> dict[str, float | None]:
    return {name: value if math.isfinite(value) else None for name, value in found.items()}


def _share(squares: float, total: float) -> float:
    return 1 - squares / total if total else math.nan
