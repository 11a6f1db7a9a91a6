"""What a fit leaves unexplained, in the rows sampled from it: residuals, leverage, and the usual checks of both."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from linreg.looking.distributions import f_beyond, t_beyond
from linreg.looking.statistics import Design
from linreg.outcome import Outcome
from linreg.triangle import Array

ENOUGH = 20  # rows: of fewer, no check says anything
DOUBTFUL = 0.01  # a probability below this is no accident
SWAYS = 0.5  # a Cook's distance from which a row moves the fit by as much as its uncertainty
MOST_INFLUENTIAL = 3
BEYOND = 1.5  # of all residuals' deviation to the sampled ones': above it some that were not sampled are far larger
LEAST_SPARE = 1e-6


@dataclass(frozen=True)
class Check:
    """What was asked of the residuals, and the answer.

    `kind` is "normality", "spread", "order", "outlier" or "influence"; `verdict` "good", "doubtful" or why nothing is
    said: "few" rows, an "exact" fit, "sampled" rows, "errorless" coefficients. Influence that is good in sampled rows
    is "partly" so, or "beyond" them is a row far from the fit; beside an outlier it is "outlying", as that enlarges the
    uncertainty which influence is measured by. `p` is the probability of a statistic at least as far from what is
    expected where all is well, NaN for influence. `row` of the data, from 0, is the one furthest from the fit.
    """

    kind: str
    verdict: str
    statistic: float = math.nan
    p: float = math.nan
    row: int | None = None


@dataclass(frozen=True)
class Influence:
    """A sampled row that moves the fit: its `place` among those sampled and which `row` of the data it is, from 0.

    The numbers are in own units.
    """

    place: int
    row: int
    observed: float
    fitted: float
    leverage: float
    cook: float


class Residuals:
    """The rows sampled from a run's data beside what its parameters predict for them.

    `rows` (k,) are their numbers in the data, from 0; `columns` (k, p) are in standard units; `fitted` and `errors`
    (k,), observed less fitted, in the target's own.
    `standard_errors` are those in standard units, whose squares are numbers at any scale of the target. Where rows have
    weights, columns and errors are times the square roots of these, as least squares sees them; `plain` columns are not
    times any.
    """

    def __init__(self, outcome: Outcome, design: Design | None = None) -> None:
        X, y, self.rows, roots = outcome.sample
        times = np.ones(len(y)) if roots is None else roots
        self.design, self.target_std = design or Design(outcome), float(outcome.scaling.stds[-1])
        # The differences are taken in standard units, where no large mean eats their digits.
        standard = outcome.scaling.apply(np.column_stack([X, y]))
        self.plain, self.observed = self.design.columns(standard[:, :-1]), y
        left = standard[:, -1] - self.plain @ self.design.theta
        self.fitted = y - left * self.target_std
        self.columns, self.standard_errors = self.plain * times[:, None], left * times
        self.errors = self.standard_errors * self.target_std
        # Rows are in order only where none is left out between them.
        self.in_order = len(y) == outcome.triangle.rows
        self.unbiased = self.design.unique and self.design.freedom > 0 and not outcome.settings.weight_decay
        self.exact = self.design.is_exact

    @cached_property
    def deviation(self) -> float:
        """The standard deviation of all rows' residuals, in the target's own units."""
        return self.target_std * self.design.deviation

    @cached_property
    def leverage(self) -> Array:
        """How far each row pulls its own fitted value, from 0 to 1; NaN where least squares has no unique answer."""
        if not self.unbiased:
            return np.full(len(self.errors), math.nan)
        pulls: Array = np.sum((self.columns @ self.design.inverse) ** 2, axis=1)
        return np.minimum(pulls, 1.0)

    @cached_property
    def studentised(self) -> Array:
        """The residuals, each over its own standard deviation where leverages are known."""
        return self.errors / (self.deviation or 1.0) / (np.sqrt(self._spare) if self.unbiased else 1.0)

    @cached_property
    def cook(self) -> Array:
        """Cook's distances: how far the fit moves, over its uncertainty, where a row is left out."""
        moved: Array = self.studentised**2 * self.leverage / self._spare / self.columns.shape[1]
        return moved

    @cached_property
    def outlier(self) -> Check:
        """Whether a row is far from the exact answer: its residual over the deviation that the other rows leave alone.

        The largest of k such is judged by k times its probability, as Bonferroni does.
        Source: Cook and Weisberg 1982, Residuals and Influence in Regression, 2.2.2
        """
        if (silence := self._silence("outlier")) is not None:
            return Check("outlier", silence)
        design = self.design
        left = self.standard_errors + self.columns @ (design.theta - design.exact)
        share = left**2 / (design.squares(design.exact) * self._spare)  # of all squares, what goes without the row
        beyond = (design.freedom - 1) * share / np.maximum(1 - share, np.finfo(np.float64).eps)
        place = int(np.argmax(beyond))
        t = math.copysign(math.sqrt(beyond[place]), left[place])
        p = min(len(left) * t_beyond(t, design.freedom - 1), 1.0)
        return Check("outlier", "doubtful" if p < DOUBTFUL else "good", t, p, int(self.rows[place]))

    @property
    def _spare(self) -> Array:
        # A row that alone determines a coefficient has none, and no residual either.
        return np.maximum(1 - self.leverage, LEAST_SPARE)

    def influential(self) -> list[Influence]:
        """The sampled rows that move the fit most, the first the most; none where that is not known."""
        if self._silence("influence"):
            return []
        places = np.argsort(-self.cook, kind="stable")[:MOST_INFLUENTIAL]
        return [
            Influence(
                int(i),
                int(self.rows[i]),
                *(float(values[i]) for values in (self.observed, self.fitted, self.leverage, self.cook)),
            )
            for i in places
        ]

    def checks(self) -> list[Check]:
        """Whether the residuals are as least squares supposes: normal, even, in no order, none far out or swaying."""
        asked = {"normality": self._normality, "spread": self._spread, "order": self._order}
        made = []
        for kind, ask in asked.items():
            if (silence := self._silence(kind)) is not None:
                made.append(Check(kind, silence))
            else:
                statistic, p = ask()
                made.append(Check(kind, "doubtful" if p < DOUBTFUL else "good", statistic, p))
        silence = self._silence("influence")
        most = math.nan if silence else float(self.cook.max())
        influence = Check("influence", silence or ("doubtful" if most >= SWAYS else self._unswayed), most)
        return [*made, self.outlier, influence]

    @property
    def _unswayed(self) -> str:
        """The verdict where no sampled row sways the fit, which says little of one that is not among them."""
        if self.outlier.verdict == "doubtful":
            return "outlying"
        if self.in_order:
            return "good"
        sampled = self.target_std * float(np.sqrt(np.mean(self.standard_errors**2)))
        return "beyond" if self.deviation > BEYOND * sampled else "partly"

    def _silence(self, kind: str) -> str | None:
        """Why a check cannot be made."""
        if self.exact:
            return "exact"
        if kind == "order" and not self.in_order:
            return "sampled"
        alone = kind in ("outlier", "influence")  # asked of each row, however few
        if alone and not self.unbiased:
            return "errorless"
        if kind == "outlier" and self.design.fits(self.design.exact):
            return "exact"
        if alone:
            return "few" if kind == "outlier" and self.design.freedom < 2 else None
        needed = ENOUGH + self.columns.shape[1] if kind == "spread" else ENOUGH
        return "few" if len(self.errors) < needed else None

    def _normality(self) -> tuple[float, float]:
        """Jarque and Bera 1987: skewness and kurtosis beside a normal distribution's."""
        errors = self.standard_errors
        if errors.min() == errors.max():
            return math.nan, 1.0
        z = (errors - errors.mean()) / errors.std()
        statistic = len(z) / 6 * (float(np.mean(z**3)) ** 2 + (float(np.mean(z**4)) - 3) ** 2 / 4)
        return statistic, math.exp(-statistic / 2)  # chi squared of two degrees of freedom

    def _spread(self) -> tuple[float, float]:
        """Breusch and Pagan 1979, as Koenker 1981 and as an F: whether the features predict the squared residuals."""
        squares = self.standard_errors**2 / np.mean(self.standard_errors**2)
        ones = np.ones((len(squares), 1))
        columns = self.plain if self.design.intercept else np.hstack([ones, self.plain])
        fitted = columns @ np.linalg.lstsq(columns, squares)[0]
        above = int(np.linalg.matrix_rank(columns)) - 1
        below = len(squares) - above - 1
        explained, left = float(np.sum((fitted - squares.mean()) ** 2)), float(np.sum((squares - fitted) ** 2))
        if above == 0 or left == 0:
            return math.nan, 1.0
        f = explained / above / (left / below)
        return f, f_beyond(f, above, below)

    def _order(self) -> tuple[float, float]:
        """Durbin and Watson 1950: 2 where neighbours know nothing of each other; p by its normal limit."""
        errors = self.standard_errors
        statistic = float(np.sum(np.diff(errors) ** 2) / np.sum(errors**2))
        return statistic, math.erfc(abs(1 - statistic / 2) * math.sqrt(len(errors) / 2))
