"""All rows of a data set, however many, folded into a triangle that answers the questions of least squares."""

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Triangle:
    """The rows [X 1 y], folded by QR a block at a time into an upper triangle R of the same sums of products.

    As RᵀR = [X 1 y]ᵀ[X 1 y], R stands for all rows where only sums of squares count: in the loss, in the least squares
    answer, in its standard errors. R has at most d + 2 rows, for d features. Unlike the sums themselves it keeps the
    precision of the rows. Of weighted rows it holds those that `parted` tells of; `log_weights` is the sum of their
    weights' logarithms.
    Source: Golub and Van Loan, Matrix Computations, 4th ed., 5.3 and 6.5
    """

    def __init__(self, features: int) -> None:
        self.rows, self.log_weights = 0, 0.0
        self.R: Array = np.zeros((0, features + 2))

    def fold(self, X: Array, y: Array, ones: Array | None = None) -> Self:
        """Take in the rows X (n, d) with the targets y (n,), and of weighted ones the `ones` that `parted` gives."""
        self.rows += len(X)
        block = np.column_stack([X, np.ones(len(X)) if ones is None else ones, y])
        self.R = upper(np.vstack([self.R, block]))
        return self

    def split(self) -> tuple[Array, Array, Array]:
        """R's columns: those of the features (r, d), of the ones (r,) and of the target (r,)."""
        return self.R[:, :-2], self.R[:, -2], self.R[:, -1]

    def mean_loss(self, w: Array, b: float) -> float:
        """Half the mean squared error of Xw + b over all rows, w of shape (d,)."""
        residual = self.R @ np.append(w, [b, -1.0])
        return float(residual @ residual) / 2 / self.rows

    def r2(self, w: Array, b: float, centred: bool = True) -> float | None:
        """R² of Xw + b, w of shape (d,): the part it explains of the target's squares about its mean, or about 0.

        None where the targets are all alike.
        """
        _, ones, y = self.split()
        spread = y - ones * (ones @ y) / self.rows if centred else y
        total = float(spread @ spread)
        return 1 - 2 * self.rows * self.mean_loss(w, b) / total if total else None


def parted(X: Any, size: int) -> tuple[Any, Any]:
    """Features (n, size), and the column (n, 1) that the intercept weighs, or None where that is of ones.

    Where rows have weights, whose mean is 1, X has a column more: all of a row, its target and the intercept's 1, are
    multiplied by the square root of its weight, which this last one holds. So the squares of what is left of a row
    count as often as its weight says, in the loss and in all that follows from it.
    """
    return (X, None) if X.shape[1] == size else (X[:, :size], X[:, size:])


def together(X: Array, y: Array, roots: Array) -> tuple[Array, Array]:
    """Rows X (n, d) and y (n, 1) as `parted` says, by the square roots (n, 1) of their weights."""
    return np.hstack([X * roots, roots]), y * roots


def upper(rows: Array) -> Array:
    """The upper triangle R of rows A (n, k), at most k rows of the same sums of products: RᵀR = AᵀA."""
    R: Any = np.linalg.qr(rows, mode="r")  # whose stub says what only other modes give
    return np.asarray(R, dtype=np.float64)
