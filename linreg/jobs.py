"""What the command does: the document's job on synthetic data, and the same on a table."""

import math
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from types import ModuleType
from typing import Any

from linreg.backends import backend
from linreg.errors import Diverged, warn
from linreg.examples import predicted
from linreg.lines import (
    EpochLines,
    beside,
    closing_lines,
    coefficient_lines,
    largest,
    outlier_line,
    shown_rows_line,
)
from linreg.looking.residuals import Residuals
from linreg.looking.statistics import summarise
from linreg.model import Tensor, init_params, squared_loss
from linreg.outcome import Outcome, Trace
from linreg.problems import Problem, exact_answer, must_be_same_data, parameters, problem_of, rounded_away, warn_of
from linreg.processes import ALONE, Group
from linreg.progress import Progress, drawable, on_terminal
from linreg.saving.saver import Saver
from linreg.settings import Settings, Synthetic, Table
from linreg.tables.loading import Loaded
from linreg.train import Epoch, Step, Training, objective
from minigrad import show

Watcher = Callable[[Training, Step | Epoch], None]


@dataclass(frozen=True, kw_only=True)
class Manner:
    """How a run is told of, kept and shared, which changes nothing in what it finds.

    `quiet` prints nothing while it trains, and `results=False` not what it found; `traced` keeps the steps' losses and
    parameters, for plots; `saver` saves the run, or makes a saved one go on; `group` is the processes that share it.
    """

    quiet: bool = False
    results: bool = True
    traced: bool = False
    saver: Saver | None = None
    group: Group = ALONE


PRINTED = Manner()


def fit_synthetic(settings: Settings, data: Synthetic, manner: Manner = PRINTED) -> tuple[dict[str, Any], Outcome]:
    """Run the document's program, print its lines and the book's next ones; return the numbers, and all that happened.

    Where training diverges, the numbers are of the last good parameters, and `diverged` says so.
    """
    with backend(settings) as torch:
        problem, settings = problem_of(torch, settings, data)
        w, b, outcome = fit(torch, settings, problem, manner)
        truth = torch.tensor(data.true_w).to(settings.device)
        w_error, b_error = truth - w.reshape(truth.shape), data.true_b - b
        if manner.results:
            print(f"estimated w: {w.detach().reshape(truth.shape)}, true w: {truth}")
            print(f"error in estimating w: {w_error}")
            print(f"estimated b: {b.detach()}, true b: {data.true_b}")
            print(f"error in estimating b: {b_error}")
        result = {
            **asdict(settings),
            **history(outcome),
            "w": {
                "estimate": w.reshape(-1).tolist(),
                "true": list(data.true_w),
                "error": w_error.tolist(),
            },
            "b": {"estimate": b.item(), "true": data.true_b, "error": b_error.item()},
        }
        return result, outcome


def fit_table(settings: Settings, data: Table, manner: Manner = PRINTED) -> tuple[dict[str, Any], Outcome]:
    """Regress a table's target on its features; as `fit_synthetic`, print and return.

    Training sees standardised columns; coefficients are in the table's own units, each beside the
    exact least-squares answer for the same rows and weight decay. Left to choose, it makes enough
    epochs for the document's 300 steps. Divergence is as in `fit_synthetic`.
    """
    with backend(settings) as torch:
        problem, settings = problem_of(torch, settings, data)
        exact_slopes, exact_intercept, unsure = exact_answer(problem, settings)
        if manner.group.rank == 0:
            warn_of(problem, *unsure)
        outcome = fit(torch, settings, problem, manner)[2]
    slopes, intercept = outcome.in_own_units()
    estimates = [beside(*pair) for pair in zip(slopes, exact_slopes, strict=True)]
    coefficients = dict(zip(outcome.names, estimates, strict=True))
    constant = beside(intercept, exact_intercept) if settings.fit_intercept else None
    summary = summarise(outcome)
    for row, coefficient in zip([*([constant] if constant else []), *estimates], summary.coefficients, strict=True):
        row.update(coefficient.as_json())
    good = [outcome.goodness(triangle) for triangle in (outcome.triangle, outcome.held_triangle) if triangle]
    if manner.results:
        levels, errors = outcome.reference_levels, f"{summary.errors or 'std.'} error"
        told, more = largest(coefficients, outcome.w) if on_terminal() else (coefficients, [])
        print("\n".join([*coefficient_lines(data.target, told, constant, levels, errors), *more]))
        print("\n".join(closing_lines(summary, good, settings, data.reading.weights, outcome.diverged)))
        outlier = Residuals(outcome, summary.design).outlier
        if outlier.row is not None and outlier.verdict == "doubtful":
            print(outlier_line(outlier.row, outlier.statistic))
    result = {
        **asdict(outcome.settings),
        "data": data.path,
        "target": data.target,
        "weights": data.reading.weights,
        "rows": problem.examples.rows,
        **_counted(problem.loaded, manner.group),
        **history(outcome),
        "intercept": constant,
        "coefficients": coefficients,
        "r2": good[0].r2,
        "rmse": good[0].rmse,
        "exact_fit": summary.as_json(),
        **({"validation_r2": good[1].r2, "validation_rmse": good[1].rmse} if good[1:] else {}),
    }
    return result, outcome


def _counted(loaded: Loaded | None, group: Group) -> dict[str, Any]:
    """What became of the table's rows, as it stands in the JSON; where values were missing, stderr says it too."""
    if loaded is None:
        return {}
    counts, encoding = loaded.counts, loaded.encoding
    if group.rank == 0 and (line := counts.line()):
        print(f"linreg: {line}", file=sys.stderr)
    return {
        "rows_read": counts.read,
        "rows_held_out": counts.held_out,
        "rows_dropped": counts.dropped,
        "missing": counts.missing,
        "levels": dict(zip(encoding.choice.categories, encoding.levels, strict=True)),
    }


def first_step(settings: Settings, data: Synthetic | Table) -> Tensor:
    """The loss of the first training step that a run on these data makes, for `minigrad.show`."""
    with backend(settings) as torch:
        problem, _ = problem_of(torch, settings, data)
        warn_of(problem)
        if isinstance(data, Table):
            print(f"linreg: {shown_rows_line(data.reading.weights)}", file=sys.stderr)
        w, b = start_params(torch, settings, problem)
        X, y = next(problem.examples.batches(settings.batch_size, epoch=0))
        with show.recording():
            return objective(squared_loss(predicted(X, w, b, torch=torch), y), w, settings.weight_decay)


def fit(
    torch: ModuleType, settings: Settings, problem: Problem, manner: Manner = PRINTED
) -> tuple[Tensor, Tensor, Outcome]:
    """Train on a problem and print the epochs' lines; return w, b and what happened on the way."""
    quiet, traced, saver, group = manner.quiet, manner.traced, manner.saver, manner.group
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
    kept, patience = training.early_stop.best_epoch + 1, training.recipe.patience
    if 0 < kept < training.epoch < kept + (patience or math.inf) and diverged is None and not quiet:
        lines.flush()
        print(f"the parameters after epoch {kept} are kept: the validation loss was lowest there")
    if diverged is None and group.rank == 0 and (risen := training.watch.unsteady(training.losses)):
        warn(risen)
    rank = training.rank
    if rank is not None and group.rank == 0 and (line := rounded_away(problem, settings, rank)):
        warn(line)
    slopes, intercept = parameters(w, b)
    loaded = problem.loaded
    outcome = Outcome(
        settings=settings,
        target=problem.target,
        names=problem.names,
        w=slopes,
        b=intercept,
        scaling=problem.scaling,
        triangle=problem.triangle,
        sample=problem.sample,
        losses=training.losses,
        validation_losses=training.held_losses,
        trace=trace,
        steps=training.steps,
        rows_seen=training.rows_seen - seen,
        seconds=seconds,
        stopped=training.stopped,
        diverged=diverged,
        start=start,
        counts=loaded.counts if loaded else None,
        reference_levels=loaded.encoding.reference_levels if loaded else (),
        held_triangle=loaded.held_triangle if loaded and problem.held_out else None,
        scores=loaded.scores if loaded else None,
        weights=loaded.encoding.choice.weights if loaded else None,
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
