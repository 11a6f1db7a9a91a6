"""Columns in standard units, and the way back to their own."""

from dataclasses import dataclass

import numpy as np

from linreg.errors import BadInput
from linreg.triangle import Array


@dataclass(frozen=True)
class Scaling:
    """What columns were shifted and divided by: `means` and `stds` (d + 1,) of the features, then of the target.

    For a model without intercept they are not shifted: `means` are 0, and `stds` the columns' root mean squares.
    """

    means: Array
    stds: Array

    @classmethod
    def none(cls, features: int) -> "Scaling":
        """That of columns left as they are."""
        return cls(np.zeros(features + 1), np.ones(features + 1))

    def apply(self, columns: Array) -> Array:
        """Columns (n, d + 1), features then target, in standard units."""
        return (columns - self.means) / self.stds

    def in_own_units(self, w: Array, b: float) -> tuple[Array, float]:
        """Slopes (d,) and intercept, in the columns' own units, of the fit w, b to them in standard units."""
        with np.errstate(all="ignore"):
            slopes = w * self.stds[-1] / self.stds[:-1]
            intercept = float(self.means[-1] + self.stds[-1] * b - slopes @ self.means[:-1])
        if not np.isfinite([*slopes, intercept]).all():
            raise BadInput("the coefficients exceed float64: bring the columns to a common scale")
        return slopes, intercept
