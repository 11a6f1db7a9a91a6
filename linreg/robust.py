"""What standard errors need that hold where the residuals' spread depends on the features, too: HC3.

Source: MacKinnon and White 1985, Some heteroskedasticity-consistent covariance matrix estimators with improved finite
sample properties, https://doi.org/10.1016/0304-4076(85)90158-7
"""

from collections.abc import Iterable
from typing import Any

import numpy as np

from linreg.errors import BadInput
from linreg.exact import EPS, least_squares
from linreg.triangle import Array, Triangle, parted, upper

# Of 1 - h, which rounding may leave of a row that alone determines a coefficient; the latter times the condition.
LEAST_SPARE, ROUNDED = 1e-9, 10 * EPS


def scores_of(
    rows: Iterable[tuple[Any, Array, Array]], triangle: Triangle, name: str, intercept: bool = True
) -> Array | None:
    """The columns [1 X] of all rows, each times e / (1 - h), folded by QR, for residuals e and leverages h.

    `rows` are some at a time, their numbers (n,) in the table called `name`, X (n, d), or as `parted` says, and y
    (n, 1) as the triangle of them all has them. None where there are no standard errors; BadInput where a row's h is 1.
    """
    X, one, _ = triangle.split()
    w, b, rank = least_squares(triangle, intercept=intercept)
    R = upper(np.column_stack([one, X]) if intercept else X)
    if rank < len(w) or triangle.rows <= R.shape[1]:
        return None
    inverse, scores = np.linalg.solve(R, np.eye(len(R))), np.zeros((0, len(R)))
    least = max(LEAST_SPARE, ROUNDED * float(np.linalg.cond(R)))
    for numbers, X, y in rows:
        X, ones = parted(X, len(w))
        ones = np.ones((len(X), 1)) if ones is None else ones
        columns = np.column_stack([ones, X]) if intercept else X
        spare = 1 - np.sum((columns @ inverse) ** 2, axis=1, keepdims=True)
        if (spare < least).any():
            raise BadInput(
                f"{name}, row {int(numbers[np.argmin(spare)]) + 1} alone determines a coefficient, so that HC3 is not "
                "defined: leave it, or that column, out, or train without --robust"
            )
        left = y - X @ w.reshape(-1, 1) - b * ones
        scores = upper(np.vstack([scores, columns * left / spare]))
    return scores
