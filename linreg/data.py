"""The document's data set and minibatches."""

import random
from collections.abc import Iterator
from types import ModuleType

import minigrad
from linreg.model import Tensor


def synthetic_data(
    w: Tensor, b: float, num_examples: int, *, noise: float = 0.01, torch: ModuleType = minigrad
) -> tuple[Tensor, Tensor]:
    """Generate y = Xw + b + noise (生成y=Xw+b+噪声), X standard normal.

    w of shape (d,) gives X (num_examples, d) and y (num_examples, 1); `noise` is the standard
    deviation of the normal noise, the document's 0.01.
    """
    X = torch.normal(0, 1, (num_examples, len(w)))
    y = torch.matmul(X, w) + b
    y += torch.normal(0, noise, y.shape)
    return X, y.reshape((-1, 1))


def data_iter(
    batch_size: int, features: Tensor, labels: Tensor, *, torch: ModuleType = minigrad
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the examples once each, in random order, as minibatches of features and labels.

    The order is `random.shuffle`'s; the last minibatch holds what is left over.
    """
    num_examples = len(features)
    indices = list(range(num_examples))
    # The examples are read at random, in no particular order.
    random.shuffle(indices)
    for i in range(0, num_examples, batch_size):
        batch_indices = torch.tensor(indices[i : min(i + batch_size, num_examples)])
        yield features[batch_indices], labels[batch_indices]


def split(rows: int, fraction: float, *, last: bool = False) -> tuple[list[int], list[int]]:
    """The places of rows to train on, in order, and of a `fraction` to hold out, at least one of each.

    These are the `last` rows, or else `random.sample`'s; nothing is drawn for the fraction 0.
    """
    count = min(max(round(rows * fraction), 1), rows - 1) if fraction else 0
    held = set(range(rows - count, rows) if last else random.sample(range(rows), count))
    return [place for place in range(rows) if place not in held], sorted(held)
