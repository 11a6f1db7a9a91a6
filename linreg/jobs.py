"""What the command does: the document's job on synthetic data, and the same on a table."""

import importlib
import math
import random
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from types import ModuleType
from typing import Any

import numpy as np

from linreg.data import Standardised, data_iter, read_table, standardise, synthetic_data
from linreg.errors import BadInput
from linreg.model import Tensor, init_params, linreg, squared_loss
from linreg.train import least_squares, print_epoch, train
from minigrad import show

DOCUMENT_EPOCHS, DOCUMENT_STEPS = 3, 300
EPOCH_LINES = 20  # beside the first epoch's; all losses are in the result


@dataclass(frozen=True)
class Settings:
    """What both jobs need: hyper-parameters (`num_epochs` 0: the job chooses) and where to run."""

    lr: float
    num_epochs: int
    batch_size: int
    init_std: float
    seed: int
    dtype: str
    backend: str
    device: str


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
    """
    settings = replace(settings, num_epochs=settings.num_epochs or DOCUMENT_EPOCHS)
    with _backend(settings) as torch:
        truth = torch.tensor(true_w)
        w, b, losses = _fit(torch, settings, *_examples(torch, truth, true_b, num_examples, noise), quiet)
        truth = truth.to(settings.device)
        w_error, b_error = truth - w.reshape(truth.shape), true_b - b
        if not quiet:
            print(f"estimated w: {w.detach().reshape(truth.shape)}, true w: {truth}")
            print(f"error in estimating w: {w_error}")
            print(f"estimated b: {b.detach()}, true b: {true_b}")
            print(f"error in estimating b: {b_error}")
        return {
            **asdict(settings),
            "losses": losses,
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
    exact least-squares answer. Left to choose, it makes enough epochs for the document's 300 steps.
    """
    table = read_table(path, target, features)
    data = standardise(table)
    rows = len(data.y)
    exact_slopes, exact_intercept, rank = least_squares(data)
    if rank < len(table.features):
        print(
            f"linreg: warning: the {len(table.features)} features have rank {rank} in {rows} rows, "
            "so their coefficients are not unique",
            file=sys.stderr,
        )
    batch_size = min(settings.batch_size, rows)
    enough = max(DOCUMENT_EPOCHS, math.ceil(DOCUMENT_STEPS / math.ceil(rows / batch_size)))
    settings = replace(settings, batch_size=batch_size, num_epochs=settings.num_epochs or enough)
    with _backend(settings) as torch:
        w, b, losses = _fit(torch, settings, *_rows(torch, settings, data), quiet)
        slopes, intercept = data.in_own_units(np.array(w.reshape(-1).tolist()), b.item())
    estimates = [_beside(*pair) for pair in zip(slopes, exact_slopes, strict=True)]
    coefficients = dict(zip(table.features, estimates, strict=True))
    constant = _beside(intercept, exact_intercept)
    if not quiet:
        _print_coefficients(table.target, constant, coefficients)
    return {
        **asdict(settings),
        "data": path,
        "target": target,
        "rows": rows,
        "losses": losses,
        "intercept": constant,
        "coefficients": coefficients,
    }


def first_synthetic_step(
    settings: Settings, true_w: Sequence[float], true_b: float, num_examples: int, noise: float
) -> Tensor:
    """The loss of the first training step that `fit_synthetic` makes of the same arguments, for `minigrad.show`."""
    with _backend(settings) as torch:
        examples = _examples(torch, torch.tensor(true_w), true_b, num_examples, noise)
        return _first_step(torch, settings, *examples)


def first_table_step(settings: Settings, path: str, target: str, features: Sequence[str] | None) -> Tensor:
    """The loss of the first training step that `fit_table` makes of the same arguments, for `minigrad.show`."""
    data = standardise(read_table(path, target, features))
    with _backend(settings) as torch:
        return _first_step(torch, settings, *_rows(torch, settings, data))


def _first_step(torch: ModuleType, settings: Settings, features: Tensor, labels: Tensor) -> Tensor:
    w, b = init_params(features.shape[1], std=settings.init_std, torch=torch)
    X, y = next(data_iter(settings.batch_size, features, labels, torch=torch))
    with show.recording():
        l = squared_loss(linreg(X, w, b, torch=torch), y)
        loss = l.sum()
    return loss


def _examples(
    torch: ModuleType, true_w: Tensor, true_b: float, num_examples: int, noise: float
) -> tuple[Tensor, Tensor]:
    try:
        return synthetic_data(true_w, true_b, num_examples, noise=noise, torch=torch)
    except (MemoryError, RuntimeError, ValueError) as error:
        raise BadInput(f"cannot make {num_examples} examples: {_first_line(error)}") from error


def _rows(torch: ModuleType, settings: Settings, data: Standardised) -> tuple[Tensor, Tensor]:
    X = torch.from_numpy(data.X.astype(settings.dtype))
    return X, torch.from_numpy(data.y.astype(settings.dtype)).reshape((-1, 1))


@contextmanager
def _backend(settings: Settings) -> Iterator[ModuleType]:
    """The module to compute with: its default dtype set meanwhile, the random streams seeded."""
    try:
        torch = importlib.import_module(settings.backend)
    except (ImportError, OSError) as error:
        raise BadInput(
            f"--backend {settings.backend} cannot be loaded ({_first_line(error)}); "
            'to install the pinned version, in the checkout: pip install ".[torch]"'
        ) from error
    default = torch.get_default_dtype()
    torch.set_default_dtype(getattr(torch, settings.dtype))
    try:
        _try_device(torch, settings)
        torch.manual_seed(settings.seed)
        random.seed(settings.seed)
        yield torch
    finally:
        torch.set_default_dtype(default)


def _try_device(torch: ModuleType, settings: Settings) -> None:
    # torch raises one or another of these for a device that is unknown, absent, or lacks the dtype.
    try:
        float(torch.zeros(1).to(settings.device))
    except (RuntimeError, AssertionError, NotImplementedError, TypeError, ValueError) as error:
        if settings.backend == "minigrad":
            raise BadInput(
                f"--device {settings.device}: minigrad runs on the cpu only; for other devices use --backend torch"
            ) from error
        raise BadInput(
            f"--device {settings.device} cannot hold {settings.dtype} on {settings.backend}: {_first_line(error)}"
        ) from error


def _fit(
    torch: ModuleType, settings: Settings, features: Tensor, labels: Tensor, quiet: bool
) -> tuple[Tensor, Tensor, list[float]]:
    device = settings.device
    w, b = init_params(features.shape[1], std=settings.init_std, device=device, torch=torch)
    losses: list[float] = []

    def report(epoch: int, train_l: Tensor) -> None:
        losses.append(float(train_l.mean()))
        if not quiet and _has_line(epoch, settings.num_epochs):
            print_epoch(epoch, train_l)

    train(
        features.to(device),
        labels.to(device),
        w,
        b,
        lr=settings.lr,
        num_epochs=settings.num_epochs,
        batch_size=settings.batch_size,
        report=report,
        torch=torch,
    )
    return w, b, losses


def _has_line(epoch: int, num_epochs: int) -> bool:
    # The first, and those that end another twentieth of the run: all of them where there are few.
    return epoch == 0 or EPOCH_LINES * (epoch + 1) // num_epochs > EPOCH_LINES * epoch // num_epochs


def _beside(estimate: float, exact: float) -> dict[str, float]:
    return {
        "estimate": float(estimate),
        "exact": float(exact),
        "difference": float(estimate - exact),
    }


def _print_coefficients(target: str, constant: dict[str, float], coefficients: dict[str, dict[str, float]]) -> None:
    rows = [("(intercept)", constant), *coefficients.items()]
    width = max(len(_shown(name)) for name in (target, *(name for name, _ in rows)))
    print(f"{_shown(target):<{width}} {'estimate':>16} {'exact':>16} {'difference':>12}")
    for name, row in rows:
        print(f"{_shown(name):<{width}} {row['estimate']:>16.9g} {row['exact']:>16.9g} {row['difference']:>12.2e}")


def _shown(name: str) -> str:
    return name if name.isprintable() else repr(name)


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
