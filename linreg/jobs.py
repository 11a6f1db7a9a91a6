"""What the command does: the document's job on synthetic data, and the same on a table."""

import math
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from linreg.backends import backend, first_line
from linreg.data import Array, Standardised, Table, data_iter, read_table, split, standardise, synthetic_data
from linreg.errors import BadInput, Diverged
from linreg.exact import least_squares
from linreg.model import Tensor, init_params, linreg, squared_loss
from linreg.settings import DOCUMENT_EPOCHS, DOCUMENT_STEPS, Settings
from linreg.train import objective, print_epoch, train
from minigrad import show

EPOCH_LINES = 20  # beside the first epoch's; all losses are in the result


class Examples(NamedTuple):
    """Features and labels to train on, and those held out, if any."""

    features: Tensor
    labels: Tensor
    held_out: tuple[Tensor, Tensor] | None


def fit_synthetic(
    settings: Settings,
    true_w: Sequence[float],
    true_b: float,
    num_examples: int,
    noise: float,
    *,
    quiet: bool = False,
) -> dict[str, Any]:
    """Run the document's program, print its lines and the book's next ones; return the numbers.

    The data come from the CPU's random stream, so that a seed means the same on every device.
    Where training diverges, the numbers are of the last good parameters, and `diverged` says so.
    """
    with backend(settings) as torch:
        truth = torch.tensor(true_w)
        examples = _synthetic(torch, settings, truth, true_b, num_examples, noise)
        settings = settings.for_rows(len(examples.features), DOCUMENT_EPOCHS)
        w, b, history = _fit(torch, settings, examples, quiet)
        truth = truth.to(settings.device)
        w_error, b_error = truth - w.reshape(truth.shape), true_b - b
        if not quiet:
            print(f"estimated w: {w.detach().reshape(truth.shape)}, true w: {truth}")
            print(f"error in estimating w: {w_error}")
            print(f"estimated b: {b.detach()}, true b: {true_b}")
            print(f"error in estimating b: {b_error}")
        return {
            **asdict(settings),
            **history,
            "w": {
                "estimate": w.reshape(-1).tolist(),
                "true": list(true_w),
                "error": w_error.tolist(),
            },
            "b": {"estimate": b.item(), "true": true_b, "error": b_error.item()},
        }


def fit_table(
    settings: Settings,
    path: str,
    target: str,
    features: Sequence[str] | None,
    *,
    quiet: bool = False,
) -> dict[str, Any]:
    """Regress a table's `target` on `features` or all other columns; print and return the numbers.

    Training sees standardised columns; coefficients are in the table's own units, each beside the
    exact least-squares answer for the same rows and weight decay. Left to choose, it makes enough
    epochs for the document's 300 steps. Divergence is as in `fit_synthetic`.
    """
    table = read_table(path, target, features)
    with backend(settings) as torch:
        examples, data = _standardised(torch, settings, table)
        rows = len(data.y)
        exact_slopes, exact_intercept, rank = least_squares(data, settings.weight_decay)
        if rank < len(table.features):
            print(
                f"linreg: warning: the {len(table.features)} features have rank {rank} in {rows} rows, "
                "so their coefficients are not unique",
                file=sys.stderr,
            )
        settings = replace(settings, batch_size=min(settings.batch_size, rows))
        enough = max(DOCUMENT_EPOCHS, math.ceil(DOCUMENT_STEPS / math.ceil(rows / settings.batch_size)))
        settings = settings.for_rows(rows, enough)
        w, b, history = _fit(torch, settings, examples, quiet)
        slopes, intercept = data.in_own_units(np.array(w.reshape(-1).tolist()), b.item())
    estimates = [_beside(*pair) for pair in zip(slopes, exact_slopes, strict=True)]
    coefficients = dict(zip(table.features, estimates, strict=True))
    constant = _beside(intercept, exact_intercept)
    if not quiet:
        _print_coefficients(table.target, coefficients, constant if settings.fit_intercept else None)
    return {
        **asdict(settings),
        "data": path,
        "target": target,
        "rows": rows,
        **history,
        "intercept": constant if settings.fit_intercept else None,
        "coefficients": coefficients,
    }


def first_synthetic_step(
    settings: Settings, true_w: Sequence[float], true_b: float, num_examples: int, noise: float
) -> Tensor:
    """The loss of the first training step that `fit_synthetic` makes of the same arguments, for `minigrad.show`."""
    with backend(settings) as torch:
        examples = _synthetic(torch, settings, torch.tensor(true_w), true_b, num_examples, noise)
        return _first_step(torch, settings, examples)


def first_table_step(settings: Settings, path: str, target: str, features: Sequence[str] | None) -> Tensor:
    """The loss of the first training step that `fit_table` makes of the same arguments, for `minigrad.show`."""
    table = read_table(path, target, features)
    with backend(settings) as torch:
        return _first_step(torch, settings, _standardised(torch, settings, table)[0])


def _first_step(torch: ModuleType, settings: Settings, examples: Examples) -> Tensor:
    w, b = _start(torch, settings, examples)
    X, y = next(data_iter(settings.batch_size, examples.features, examples.labels, torch=torch))
    with show.recording():
        l = squared_loss(linreg(X, w, b, torch=torch), y)
        loss = objective(l, w, settings.weight_decay)
    return loss


def _synthetic(
    torch: ModuleType, settings: Settings, true_w: Tensor, true_b: float, num_examples: int, noise: float
) -> Examples:
    try:
        X, y = synthetic_data(true_w, true_b, num_examples, noise=noise, torch=torch)
    except (MemoryError, RuntimeError, ValueError) as error:
        raise BadInput(f"cannot make {num_examples} examples: {first_line(error)}") from error
    if not settings.validation:
        return Examples(X, y, None)
    trained, held = split(num_examples, settings.validation)
    if not (trained and held):
        raise BadInput(f"--validation {settings.validation:g} cannot split {num_examples} examples")
    return Examples(X[trained], y[trained], (X[held], y[held]))


def _standardised(torch: ModuleType, settings: Settings, table: Table) -> tuple[Examples, Standardised]:
    """Examples in standard units, and the rows trained on, by which those held out are scaled as well."""

    def tensors(X: Array, y: Array) -> tuple[Tensor, Tensor]:
        return torch.from_numpy(X.astype(settings.dtype)), torch.from_numpy(y.astype(settings.dtype)).reshape((-1, 1))

    trained, held = split(len(table.y), settings.validation)
    data = standardise(table.rows(trained), settings.fit_intercept)
    held_out = tensors(*data.apply(table.rows(held))) if held else None
    return Examples(*tensors(data.X, data.y), held_out), data


def _start(torch: ModuleType, settings: Settings, examples: Examples) -> tuple[Tensor, Tensor]:
    w, b = init_params(examples.features.shape[1], std=settings.init_std, device=settings.device, torch=torch)
    return w, b.requires_grad_(settings.fit_intercept)


def _fit(
    torch: ModuleType, settings: Settings, examples: Examples, quiet: bool
) -> tuple[Tensor, Tensor, dict[str, Any]]:
    """Trained parameters, and what happened on the way."""
    device, losses, held_losses = settings.device, list[float](), list[float]()
    w, b = _start(torch, settings, examples)
    unprinted: list[tuple[Any, ...]] = []  # the last epoch's line, where it is not among the regular ones

    def report(epoch: int, train_l: Tensor, held_l: Tensor | None) -> None:
        losses.append(float(train_l.mean()))
        if held_l is not None:
            held_losses.append(float(held_l.mean()))
        unprinted[:] = [(epoch, train_l, held_l)]
        if not quiet and _has_line(epoch, settings.num_epochs):
            print_epoch(*unprinted.pop())

    stopped = diverged = None
    try:
        stopped = train(
            examples.features.to(device),
            examples.labels.to(device),
            w,
            b,
            lr=settings.lr,
            num_epochs=settings.num_epochs,
            batch_size=settings.batch_size,
            report=report,
            torch=torch,
            optimizer=settings.optimizer,
            weight_decay=settings.weight_decay,
            until=settings.until,
            held_out=examples.held_out and tuple(part.to(device) for part in examples.held_out),
            patience=settings.patience,
        )
    except Diverged as error:
        diverged = str(error)
    if stopped and not quiet:
        for line in unprinted:
            print_epoch(*line)
        print(f"stopped {stopped}")
    history = {"losses": losses, "validation_losses": held_losses, "stopped": stopped, "diverged": diverged}
    return w, b, history


def _has_line(epoch: int, num_epochs: int) -> bool:
    # The first, and those that end another twentieth of the run: all of them where there are few.
    return epoch == 0 or EPOCH_LINES * (epoch + 1) // num_epochs > EPOCH_LINES * epoch // num_epochs


def _beside(estimate: float, exact: float) -> dict[str, float]:
    return {
        "estimate": float(estimate),
        "exact": float(exact),
        "difference": float(estimate - exact),
    }


def _print_coefficients(
    target: str, coefficients: dict[str, dict[str, float]], constant: dict[str, float] | None
) -> None:
    rows = [("(intercept)", constant)] if constant else []
    rows += coefficients.items()
    width = max(len(_shown(name)) for name in (target, *(name for name, _ in rows)))
    print(f"{_shown(target):<{width}} {'estimate':>16} {'exact':>16} {'difference':>12}")
    for name, row in rows:
        print(f"{_shown(name):<{width}} {row['estimate']:>16.9g} {row['exact']:>16.9g} {row['difference']:>12.2e}")


def _shown(name: str) -> str:
    return name if name.isprintable() else repr(name)
