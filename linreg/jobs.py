"""What the command does: the document's job on synthetic data, and the same on a table."""

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from types import ModuleType
from typing import Any

from linreg.backends import backend
from linreg.errors import Diverged
from linreg.lines import EpochLines, beside, coefficient_lines
from linreg.model import Tensor, init_params, linreg, squared_loss
from linreg.outcome import Outcome, Trace
from linreg.problems import Problem, exact_answer, must_be_same_data, parameters, synthetic_problem, table_problem
from linreg.processes import ALONE, Group
from linreg.progress import Progress, drawable
from linreg.saving.saver import Saver
from linreg.settings import DOCUMENT_EPOCHS, USUAL, Reading, Settings
from linreg.tables.loading import Loaded
from linreg.train import Epoch, Step, Training, objective
from minigrad import show

Watcher = Callable[[Training, Step | Epoch], None]


def fit_synthetic(
    settings: Settings,
    true_w: Sequence[float],
    true_b: float,
    num_examples: int,
    noise: float,
    *,
    quiet: bool = False,
    results: bool = True,
    traced: bool = False,
    saver: Saver | None = None,
    group: Group = ALONE,
) -> tuple[dict[str, Any], Outcome]:
    """Run the document's program, print its lines and the book's next ones; return the numbers, and all that happened.

    `quiet` prints nothing while it trains, and `results=False` not what it found; `traced` keeps what plots need. Where
    training diverges, the numbers are of the last good parameters, and `diverged` says so.
    """
    with backend(settings) as torch:
        truth = torch.tensor(true_w)
        problem = synthetic_problem(torch, settings, truth, true_b, num_examples, noise)
        settings = settings.for_rows(problem.examples.rows, DOCUMENT_EPOCHS)
        w, b, outcome = fit(torch, settings, problem, quiet=quiet, traced=traced, saver=saver, group=group)
        truth = truth.to(settings.device)
        w_error, b_error = truth - w.reshape(truth.shape), true_b - b
        if results:
            print(f"estimated w: {w.detach().reshape(truth.shape)}, true w: {truth}")
            print(f"error in estimating w: {w_error}")
            print(f"estimated b: {b.detach()}, true b: {true_b}")
            print(f"error in estimating b: {b_error}")
        result = {
            **asdict(settings),
            **history(outcome),
            "w": {
                "estimate": w.reshape(-1).tolist(),
                "true": list(true_w),
                "error": w_error.tolist(),
            },
            "b": {"estimate": b.item(), "true": true_b, "error": b_error.item()},
        }
        return result, outcome


def fit_table(
    settings: Settings,
    path: str,
    target: str,
    features: Sequence[str] | None,
    reading: Reading = USUAL,
    *,
    quiet: bool = False,
    results: bool = True,
    traced: bool = False,
    saver: Saver | None = None,
    group: Group = ALONE,
) -> tuple[dict[str, Any], Outcome]:
    """Regress a table's `target` on `features` or all other columns; as `fit_synthetic`, print and return.

    Training sees standardised columns; coefficients are in the table's own units, each beside the
    exact least-squares answer for the same rows and weight decay. Left to choose, it makes enough
    epochs for the document's 300 steps. Divergence is as in `fit_synthetic`.
    """
    with backend(settings) as torch:
        problem = table_problem(torch, settings, path, target, features, reading)
        rows = problem.examples.rows
        exact_slopes, exact_intercept = exact_answer(problem, settings)
        settings = settings.for_table(rows)
        outcome = fit(torch, settings, problem, quiet=quiet, traced=traced, saver=saver, group=group)[2]
    slopes, intercept = outcome.in_own_units()
    estimates = [beside(*pair) for pair in zip(slopes, exact_slopes, strict=True)]
    coefficients = dict(zip(outcome.names, estimates, strict=True))
    constant = beside(intercept, exact_intercept) if settings.fit_intercept else None
    if results:
        print("\n".join(coefficient_lines(target, coefficients, constant)))
    result = {
        **asdict(outcome.settings),
        "data": path,
        "target": target,
        "rows": rows,
        **_counted(problem.loaded, reading, group),
        **history(outcome),
        "intercept": constant,
        "coefficients": coefficients,
    }
    return result, outcome


def _counted(loaded: Loaded | None, reading: Reading, group: Group) -> dict[str, Any]:
    """What became of the table's rows, as it stands in the JSON; where values were missing, stderr says it too."""
    if loaded is None:
        return {}
    counts, encoding = loaded.counts, loaded.encoding
    if group.rank == 0 and (line := counts.line(reading.missing)):
        print(f"linreg: {line}", file=sys.stderr)
    return {
        "rows_read": counts.read,
        "rows_held_out": counts.held_out,
        "rows_dropped": counts.dropped,
        "missing": counts.missing,
        "levels": dict(zip(encoding.choice.categories, encoding.levels, strict=True)),
    }


def first_synthetic_step(
    settings: Settings, true_w: Sequence[float], true_b: float, num_examples: int, noise: float
) -> Tensor:
    """The loss of the first training step that `fit_synthetic` makes of the same arguments, for `minigrad.show`."""
    with backend(settings) as torch:
        truth = torch.tensor(true_w)
        return _first_step(torch, settings, synthetic_problem(torch, settings, truth, true_b, num_examples, noise))


def first_table_step(
    settings: Settings, path: str, target: str, features: Sequence[str] | None, reading: Reading = USUAL
) -> Tensor:
    """The loss of the first training step that `fit_table` makes of the same arguments, for `minigrad.show`."""
    with backend(settings) as torch:
        return _first_step(torch, settings, table_problem(torch, settings, path, target, features, reading))


def _first_step(torch: ModuleType, settings: Settings, problem: Problem) -> Tensor:
    w, b = start_params(torch, settings, problem)
    X, y = next(problem.examples.batches(settings.batch_size, epoch=0))
    with show.recording():
        l = squared_loss(linreg(X, w, b, torch=torch), y)
        loss = objective(l, w, settings.weight_decay)
    return loss


def fit(
    torch: ModuleType,
    settings: Settings,
    problem: Problem,
    *,
    quiet: bool = False,
    traced: bool = False,
    saver: Saver | None = None,
    group: Group = ALONE,
) -> tuple[Tensor, Tensor, Outcome]:
    """Train on a problem and print the epochs' lines; return w, b and what happened on the way.

    `traced` keeps the steps' losses and parameters, for plots; `saver` saves the run, or makes a saved one go on.
    """
    must_be_same_data(problem, group)
    told = repr(replace(settings, device=""))  # which each has its own of
    group.must_agree("options", [torch.tensor(list(told.encode()))])
    w, b = start_params(torch, settings, problem)
    training = Training(problem.examples, w, b, settings, held_out=problem.held_out, group=group, torch=torch)
    start = parameters(w, b) if traced else None
    trace = Trace()
    diverged = saver.begin(training, problem, settings, trace if traced else None) if saver else None
    lines, progress = EpochLines(training), Progress()
    watchers: list[Watcher] = []
    if not quiet:
        watchers.append(lines)
        if drawable():
            watchers.append(progress)
    if traced:
        watchers.append(lambda training, event: _record(trace, training, event))
    if saver:
        watchers.append(saver)
    began, seen = time.perf_counter(), training.rows_seen
    try:
        for event in training.run() if diverged is None else ():
            for watcher in watchers:
                watcher(training, event)
    except Diverged as error:
        diverged = str(error)
        if saver:
            saver.diverged(training, diverged)
    finally:
        progress.end()
    seconds = time.perf_counter() - began
    if training.stopped and not quiet:
        lines.flush()
        print(f"stopped {training.stopped}")
    values = parameters(w, b)
    outcome = Outcome(
        settings,
        problem.target,
        problem.names,
        *values,
        problem.scaling,
        problem.triangle,
        problem.sample,
        training.losses,
        training.held_losses,
        trace,
        training.steps,
        training.rows_seen - seen,
        seconds,
        training.stopped,
        diverged,
        start,
    )
    return w, b, outcome


def history(outcome: Outcome) -> dict[str, Any]:
    """What happened on the way, as it stands in the JSON."""
    return {
        "losses": outcome.losses,
        "validation_losses": outcome.validation_losses,
        "stopped": outcome.stopped,
        "diverged": outcome.diverged,
    }


def start_params(torch: ModuleType, settings: Settings, problem: Problem) -> tuple[Tensor, Tensor]:
    """The w and b that a run starts from."""
    w, b = init_params(problem.examples.features, std=settings.init_std, device=settings.device, torch=torch)
    return w, b.requires_grad_(settings.fit_intercept)


def _record(trace: Trace, training: Training, event: Step | Epoch) -> None:
    if isinstance(event, Step) and trace.takes(event.number):
        trace.add(event.number, event.loss, *parameters(training.w, training.b))
