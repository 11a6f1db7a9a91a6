"""What training asks of a data set, and the data set that is all in memory."""

from collections.abc import Iterator
from types import ModuleType
from typing import Protocol

import numpy as np

import minigrad
from linreg.data import data_iter
from linreg.model import Tensor, linreg, squared_loss
from linreg.triangle import Array, parted

MOST_SAMPLED = 100_000  # rows


def predicted(X: Tensor, w: Tensor, b: Tensor, *, torch: ModuleType = minigrad) -> Tensor:
    """The document's model of a batch, whose rows have weights where `parted` says so."""
    X, root_weights = parted(X, len(w))  # a name that --explain shows
    return linreg(X, w, b if root_weights is None else root_weights * b, torch=torch)


class Examples(Protocol):
    """Rows of features and labels to train on, however many, in the units that training sees.

    Features are (n, d), or where rows have weights (n, d + 1), as `parted` says.
    """

    rows: int
    features: int

    def batches(self, batch_size: int, epoch: int, skip: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """One epoch's minibatches, features and labels (n, 1), in random order, from number `skip` on."""
        ...

    def mean_loss(self, w: Tensor, b: Tensor) -> float:
        """The mean over all rows of `squared_loss`."""
        ...

    def at_once(self) -> tuple[Tensor, Tensor, Tensor]:
        """Features, the column that the intercept weighs, and labels, of the same sums of products as all the rows'."""
        ...

    def sample(self) -> Array:
        """The features of at most 100,000 rows spread over all of them, to estimate from."""
        ...


class InMemory:
    """Tensors of features and labels (n, 1), read by the document's `data_iter`.

    So its order is that of Python's module `random`, and an epoch begins with that module's state.
    `weighted` says whether the features end with the column that the intercept weighs.
    """

    def __init__(self, X: Tensor, y: Tensor, torch: ModuleType = minigrad, *, weighted: bool = False) -> None:
        self.X, self.y, self.torch = X, y, torch
        self.rows, self.features = len(X), X.shape[1] - weighted

    def batches(self, batch_size: int, epoch: int, skip: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """The document's minibatches."""
        batches = data_iter(batch_size, self.X, self.y, torch=self.torch)
        for _ in range(skip):
            next(batches)
        return batches

    def mean_loss(self, w: Tensor, b: Tensor) -> float:
        """The mean over all rows of `squared_loss`."""
        with self.torch.no_grad():
            return float(squared_loss(predicted(self.X, w, b, torch=self.torch), self.y).mean())

    def at_once(self) -> tuple[Tensor, Tensor, Tensor]:
        """The rows themselves."""
        X, ones = parted(self.X, self.features)
        return X, self.torch.ones_like(self.y) if ones is None else ones, self.y

    def sample(self) -> Array:
        """The features of evenly spaced rows."""
        X = self.X[:: -(-self.rows // MOST_SAMPLED)]
        return np.asarray(X.detach().cpu().numpy(), dtype=np.float64)
