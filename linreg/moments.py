"""The mean and the standard deviation of columns that are seen a few rows at a time."""

from typing import Any

import numpy as np

from linreg.triangle import Array

ROUNDING = 8 * np.finfo(np.float64).eps  # of a value's own size: columns that differ by less are constant
NO_ROUNDING = 1000 * ROUNDING  # and those that differ by more are surely not


class Moments:
    """Means and sums of squares of columns, updated by block; a NaN is a value that is not there.

    `centred` says whether columns are to be measured from their means or from 0. `counts`, `lows` and `highs` are the
    numbers, the least and the greatest of each column's values; rows with weights count as many times as these say.
    Source: Chan, Golub and LeVeque 1979, Updating formulae, https://doi.org/10.1007/978-3-642-51461-6_3
    """

    def __init__(self, columns: int, centred: bool) -> None:
        self.rows, self.centred = 0.0, centred
        self.counts = np.zeros(columns)
        self.means, self.squares = np.zeros(columns), np.zeros(columns)
        self.lows, self.highs = np.full(columns, np.inf), np.full(columns, -np.inf)

    def see(self, columns: Array, weights: Array | None = None) -> None:
        """Take in the rows `columns` (n, k), n > 0, with `weights` (n,) above 0, or 1."""
        # Sums along rows of memory are NumPy's fast and exact ones.
        values = np.array(columns.T, order="C")
        there: Any = ~np.isnan(values)
        if not there.all():
            self.lows = np.fmin(self.lows, np.fmin.reduce(values, axis=1))
            self.highs = np.fmax(self.highs, np.fmax.reduce(values, axis=1))
            values = np.where(there, values, 0.0)
        else:
            self.lows = np.minimum(self.lows, values.min(axis=1))
            self.highs = np.maximum(self.highs, values.max(axis=1))
        mass = there if weights is None else there * weights
        with np.errstate(over="ignore", invalid="ignore"):
            counts = mass.sum(axis=1)
            means = (values if weights is None else values * mass).sum(axis=1) / _divisor(counts)
            values -= means[:, None]
            together, apart = _divisor(self.counts + counts), means - self.means
            values *= values
            values *= mass
            squares = values.sum(axis=1)
            self.squares = self.squares + squares + apart**2 * self.counts * counts / together
            self.means = self.means + apart * counts / together
            self.counts = self.counts + counts
            self.rows += len(columns) if weights is None else float(weights.sum())

    def means_and_stds(self) -> tuple[Array, Array]:
        """What to shift and scale by: without centring, 0 and root mean squares. A constant column is not scaled."""
        means, stds = self.moments()
        return means, np.where(self.varies(), stds, 1.0)

    def varies(self) -> Any:
        """Which columns differ from their mean, or from 0 without centring, by more than rounding."""
        means, stds = self.moments()
        return stds > ROUNDING * np.abs(means)

    def moments(self) -> tuple[Array, Array]:
        """Means, and deviations from them, of all rows where each value that is not there is its column's mean.

        Without centring, zeros and root mean squares.
        """
        means, squares = self.means, self.squares
        with np.errstate(over="ignore", invalid="ignore"):
            if not self.centred:
                means, squares = np.zeros_like(means), squares + self.rows * self.means**2
            return means, np.sqrt(squares / self.rows)

    def problem(self, column: int) -> str | None:
        """Why the column cannot be standardised, or None."""
        low, high = float(self.lows[column]), float(self.highs[column])
        if not self.counts[column]:
            return "holds no value"
        if not self._differ()[column]:
            if low < high:
                return f"differs by too little to be told from rounding: its values run from {low!r} to {high!r}"
            return f"is constant: every value is {low:g}"
        if self.beyond_floats()[column]:
            std = float(self.moments()[1][column])
            told = f", and their deviation is {std:.1g}" if 0 < std < np.inf else ""
            return f"cannot be standardised in float64: its values run from {low:g} to {high:g}{told}"
        return None

    def unfit(self) -> Any:
        """Which columns have a `problem`."""
        return (self.counts == 0) | ~self._differ() | self.beyond_floats()

    def beyond_floats(self) -> Any:
        """Which columns' values differ, but by so much, or so little, that their squares are no numbers in float64.

        So little, too, where nearly all the weight is one value's, beside whose own rounding the others are nothing.
        """
        stds = self.moments()[1]
        outweighed = self._differ(NO_ROUNDING) & ~self.varies()
        return outweighed | (self._differ() & ~((stds > 0) & (stds < np.inf)))

    def _differ(self, rounding: float = ROUNDING) -> Any:
        largest = np.maximum(np.abs(self.lows), np.abs(self.highs))
        with np.errstate(over="ignore"):
            return (self.highs - self.lows if self.centred else largest) > rounding * largest


def _divisor(counts: Array) -> Array:
    return np.where(counts > 0, counts, 1.0)
