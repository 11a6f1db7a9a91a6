"""What a run trains on: the document's synthetic data, or a table."""

import hashlib
from collections.abc import Sequence
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from linreg.backends import first_line
from linreg.data import split, synthetic_data
from linreg.dependence import hidden, lost, not_unique
from linreg.errors import BadInput, warn
from linreg.exact import least_squares
from linreg.examples import Examples, InMemory
from linreg.model import Tensor
from linreg.outcome import Sample, sampled
from linreg.processes import Group
from linreg.scaling import Scaling
from linreg.settings import DOCUMENT_EPOCHS, Settings, Synthetic, Table
from linreg.tables.loading import Loaded, load
from linreg.triangle import Array, Triangle


class Problem(NamedTuple):
    """Examples to train on and to hold out, in the units trained in, with what leads back to the columns' own.

    `names` are the coefficients' and `sample` is of rows trained on, in their own units: see Outcome. `fingerprint` is
    the same only for the same rows in the same order.
    """

    examples: Examples
    held_out: Examples | None
    names: tuple[str, ...]
    target: str
    scaling: Scaling
    triangle: Triangle
    sample: Sample
    fingerprint: str
    loaded: Loaded | None = None  # where it is a table


def problem_of(torch: ModuleType, settings: Settings, data: Synthetic | Table) -> tuple[Problem, Settings]:
    """The data made ready, and the settings with what is left to the data decided."""
    if isinstance(data, Synthetic):
        problem = synthetic_problem(torch, settings, data)
        return problem, settings.for_rows(problem.examples.rows, DOCUMENT_EPOCHS)
    problem = table_problem(torch, settings, data)
    return problem, settings.for_table(problem.examples.rows)


def synthetic_problem(torch: ModuleType, settings: Settings, data: Synthetic) -> Problem:
    """The document's data, from the CPU's random stream, so that a seed means the same on every device."""
    num_examples = data.num_examples
    try:
        X, y = synthetic_data(torch.tensor(data.true_w), data.true_b, num_examples, noise=data.noise, torch=torch)
    except (MemoryError, RuntimeError, ValueError) as error:
        raise BadInput(f"cannot make {num_examples} examples: {first_line(error)}") from error
    trained, held_out = InMemory(X.to(settings.device), y.to(settings.device), torch), None
    places: Sequence[int] = range(num_examples)
    if settings.validation:
        places, held = split(num_examples, settings.validation)
        if not (places and held):
            raise BadInput(f"--validation {settings.validation:g} cannot split {num_examples} examples")
        held_out = InMemory(trained.X[held], trained.y[held], torch)
        trained = InMemory(trained.X[places], trained.y[places], torch)
    columns, targets = (part.cpu().numpy().astype(np.float64) for part in (trained.X, trained.y.reshape(-1)))
    size = trained.features
    return Problem(
        trained,
        held_out,
        tuple(f"w[{place}]" for place in range(size)),
        "y",
        Scaling.none(size),
        Triangle(size).fold(columns, targets),
        sampled(columns, targets, places),
        hashlib.sha256(X.cpu().numpy().tobytes() + y.cpu().numpy().tobytes()).hexdigest(),
    )


def table_problem(torch: ModuleType, settings: Settings, data: Table) -> Problem:
    """A table's columns, standardised by the rows trained on, by which those held out are scaled as well."""
    loaded = load(
        data.path,
        data.target,
        data.features,
        data.reading,
        validation=settings.validation,
        validation_rows=settings.validation_rows,
        fit_intercept=settings.fit_intercept,
        seed=settings.seed,
        dtype=settings.dtype,
        device=settings.device,
        torch=torch,
        robust=data.robust,
    )
    return Problem(
        loaded.examples,
        loaded.held_out,
        loaded.names,
        data.target,
        loaded.scaling,
        loaded.triangle,
        loaded.shown,
        loaded.fingerprint,
        loaded,
    )


def exact_answer(problem: Problem, settings: Settings) -> tuple[Array, float, list[str]]:
    """The exact slopes and intercept in the table's own units, and a warning of why they are not unique, if so."""
    names, triangle, centred = problem.names, problem.triangle, settings.fit_intercept
    w, b, rank = least_squares(triangle, settings.weight_decay, centred)
    unsure = []
    if rank < len(names) and not settings.weight_decay:  # which chooses one of all the answers
        unsure = [not_unique(triangle, problem.scaling, names, rank=rank, intercept=centred)]
    elif centred and not settings.weight_decay and (line := hidden(triangle, problem.scaling, names)) is not None:
        unsure = [line]
    return *problem.scaling.in_own_units(w, b), unsure


def rounded_away(problem: Problem, settings: Settings, rank: int) -> str | None:
    """A warning where a step to the minimum found a lower `rank` of the columns with a weight than float64 does."""
    triangle, centred = problem.triangle, settings.fit_intercept
    if rank - centred >= least_squares(triangle, intercept=centred)[2]:
        return None
    if centred and hidden(triangle, problem.scaling, problem.names) is not None:  # float64 would not do better
        return None
    return lost(triangle, problem.names, rank=rank - centred, dtype=settings.dtype, intercept=centred)


def warn_of(problem: Problem, *more: str) -> None:
    """Say on stderr what of a table may not be meant so, and `more`."""
    for line in (*(problem.loaded.warnings if problem.loaded else ()), *more):
        warn(line)


def parameters(w: Tensor, b: Tensor) -> tuple[Any, float]:
    """The parameters' values, w as an array (d,)."""
    return w.detach().reshape(-1).cpu().numpy().astype(np.float64), b.item()


def must_be_same_data(problem: Problem, group: Group) -> None:
    """BadInput in the process whose data are not the first one's: told by their means, deviations and products."""
    R, scaling = problem.triangle.R, problem.scaling
    shape = [problem.examples.rows, problem.examples.features]
    same = group.from_first(shape) == shape
    if same:
        own = np.concatenate([scaling.means / scaling.stds, scaling.stds, R.T @ R[:, -1] / shape[0]])
        same = np.allclose(group.from_first(own.tolist()), own, rtol=1e-6, atol=1e-6, equal_nan=True)
    if not same:
        raise BadInput("the data are not those of the first process: all have to read the same")
