"""The document's training loop, and the exact least-squares answer to hold it against."""

import math
from collections.abc import Callable
from functools import partial
from types import ModuleType

import numpy as np

import minigrad
from linreg.data import Array, Standardised, data_iter
from linreg.errors import BadInput, Diverged
from linreg.model import Tensor, linreg, sgd, squared_loss

# A batch whose summed loss is this many times that of all the data at the start is no bad luck.
DIVERGENCE_FACTOR = 100


def print_epoch(epoch: int, train_l: Tensor) -> None:
    """Print the document's line for an epoch, counted from 0, and the examples' losses after it."""
    print(f"epoch {epoch + 1}, loss {float(train_l.mean()):f}", flush=True)


def train(
    features: Tensor,
    labels: Tensor,
    w: Tensor,
    b: Tensor,
    *,
    lr: float = 0.03,
    num_epochs: int = 3,
    batch_size: int = 10,
    report: Callable[[int, Tensor], None] = print_epoch,
    torch: ModuleType = minigrad,
) -> None:
    """Fit w and b in place by the document's loop; `report` is told what `print_epoch` prints.

    Raises Diverged in the step whose loss has grown out of bounds, BadInput where the loss is not
    finite to begin with.
    """
    net = partial(linreg, torch=torch)
    loss = squared_loss
    with torch.no_grad():
        start = float(loss(net(features, w, b), labels).sum())
    if not math.isfinite(start):
        raise BadInput(f"the loss before the first step is {start}: the values exceed the dtype")

    def watch(l: Tensor, when: str) -> None:
        total = float(l.detach().sum())
        if not total <= DIVERGENCE_FACTOR * start:  # NaN is not either
            raise Diverged(
                f"training diverged in {when}: mean loss {total / len(l):.3g}, "
                f"after {start / len(labels):.3g} at the start; lr {lr:g} is too large"
            )

    for epoch in range(num_epochs):
        batches = data_iter(batch_size, features, labels, torch=torch)
        for step, (X, y) in enumerate(batches, start=1):
            l = loss(net(X, w, b), y)
            watch(l, f"epoch {epoch + 1}, step {step}")
            l.sum().backward()
            sgd([w, b], lr, batch_size, torch=torch)
        with torch.no_grad():
            train_l = loss(net(features, w, b), labels)
        watch(train_l, f"epoch {epoch + 1}, last step")
        report(epoch, train_l)


def least_squares(data: Standardised) -> tuple[Array, float, int]:
    """Exact slopes (d,), intercept in the table's own units, and the rank of the feature columns.

    Below full rank the answer is not unique, and numpy.linalg.lstsq gives the shortest one.
    """
    w, _, rank, _ = np.linalg.lstsq(data.X, data.y)
    slopes, intercept = data.in_own_units(w.astype(np.float64), 0.0)
    return slopes, intercept, int(rank)
