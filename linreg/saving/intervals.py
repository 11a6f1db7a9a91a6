"""Where the target of a new row is to be expected, by what a saved run keeps of the rows that it was trained on."""

import numpy as np

from linreg.errors import BadInput
from linreg.looking.distributions import t_within
from linreg.looking.statistics import FAR_OFF, Summary, summarise
from linreg.saving.saved import Saved
from linreg.triangle import Array

WHY_NOT = {
    "ridge": "its weights decay, so its predictions are biased: train without --weight-decay",
    "dependent": "some features follow from the others: leave those out (--without) that a warning named in training",
    "saturated": "it has as many coefficients as rows, so no row is left to judge errors by: use fewer features",
}


def judged(saved: Saved) -> Summary:
    """What statistics says of a saved run; BadInput where it does not keep what they need."""
    try:
        with np.errstate(all="ignore"):  # as in what a file that is not of our making may hold
            return summarise(saved)
    except BadInput:
        raise
    except (ValueError, ArithmeticError) as error:
        raise BadInput(
            f"{saved.folder.path}: no statistics can be computed from what it keeps of its rows: {error}"
        ) from error


class Intervals:
    """Prediction intervals: each holds the target of a new row with this probability, if errors are normal and even.

    They are those of the exact least-squares answer, from which the run must be no further than its standard errors:
    x θ ± t s √(1 + h), for the residuals' deviation s and the row's leverage h. BadInput where a run has none.
    Source: Seber and Lee, Linear Regression Analysis, 2nd ed., 5.3.1
    """

    def __init__(self, saved: Saved, probability: float) -> None:
        self._scaling, folder = saved.encoding.scaling, saved.folder.path
        refused = f"--interval: the run in {folder} has no intervals, as"
        if saved.weights is not None:
            raise BadInput(
                f"{refused} its rows have weights: how far a new row's target may lie off depends on its own"
            )
        summary = judged(saved)
        if summary.without is not None:
            raise BadInput(f"{refused} {WHY_NOT[summary.without]}")
        if summary.off >= FAR_OFF:
            raise BadInput(
                f"{refused} it is {summary.told_off} standard errors from the exact answer: go on with --resume and "
                "more --num-epochs, or train by --optimizer newton --dtype float64"
            )
        self._design = summary.design
        self._reach = t_within(probability, summary.freedom) * summary.deviation

    def ends(self, X: Array) -> Array:
        """The lower and the upper end (n, 2), in the target's own units, for rows X (n, d) in standard units."""
        columns, mean, std = self._design.columns(X), self._scaling.means[-1], self._scaling.stds[-1]
        with np.errstate(over="ignore", invalid="ignore"):  # such an end is infinite, or not known
            # √(1 + h), in which the square of a row far out may be no number though the root is one.
            roots = np.hypot.reduce(np.column_stack([np.ones(len(X)), columns @ self._design.inverse]), axis=1)
            middle, reach = mean + std * (columns @ self._design.exact), self._reach * roots
            return np.column_stack([middle - reach, middle + reach])
