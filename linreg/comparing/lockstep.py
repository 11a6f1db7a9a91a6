"""The same training on minigrad and on torch, step by step side by side, and by how much the two differ."""

import math
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from linreg.backends import backend
from linreg.errors import Diverged
from linreg.jobs import start_params
from linreg.model import Tensor
from linreg.problems import Problem, parameters, problem_of
from linreg.processes import Group
from linreg.settings import Settings, Synthetic, Table
from linreg.train import Epoch, Step, Training
from linreg.triangle import Array

BACKENDS = ("minigrad", "torch")
# Parts of the largest value: some ten times what rounding alone was seen to make of hundreds of steps.
TOLERANCES = {"float32": 1e-5, "float64": 1e-12}
KINDS = ("data", "gradient", "loss", "parameter")  # in the order in which a step has them


class Difference(NamedTuple):
    """By how much both sides differ at most in one kind of numbers at one step.

    `relative` is the part of the largest magnitude that either side had in this kind so far in the run; epochs and
    steps are counted from 1, steps within the epoch. Of losses that before the first step is one.
    """

    kind: str
    name: str
    absolute: float
    relative: float
    epoch: int
    step: int


@dataclass
class EpochBeside:
    """An epoch on minigrad and on torch, in this order; of each kind of numbers the largest difference in its steps."""

    epoch: int  # from 1
    losses: tuple[float, float]
    validation_losses: tuple[float | None, float | None]
    largest: dict[str, Difference]


@dataclass
class Comparison:
    """Two runs side by side: `parted` is the first difference above the tolerance; the rest is of either side."""

    tolerance: float
    epochs: list[EpochBeside] = field(default_factory=list)
    parted: Difference | None = None
    stopped: tuple[str | None, str | None] = (None, None)
    diverged: tuple[str | None, str | None] = (None, None)

    def largest(self, kind: str) -> Difference | None:
        """The largest difference of this kind in the whole run."""
        found = [epoch.largest[kind] for epoch in self.epochs if kind in epoch.largest]
        return max(found, key=lambda difference: difference.absolute, default=None)


class Seen(Group):
    """The group of one process that keeps what passes through it in a step: the minibatch and the gradients."""

    def __init__(self) -> None:
        self.batch: list[Tensor] = []
        self.gradients: list[Array] = []

    def share(self, X: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """The whole minibatch."""
        self.batch = [X, y]
        return X, y

    def sum_(self, tensors: Sequence[Tensor]) -> None:
        """Copy the gradients, which the update is about to zero; the last tensor is the loss."""
        self.gradients = [_array(gradient) for gradient in tensors[:-1]]


class Side:
    """A training that goes step by step, with an order of the rows of its own."""

    def __init__(self, torch: ModuleType, settings: Settings, problem: Problem) -> None:
        self.settings, self.seen = settings, Seen()
        w, b = start_params(torch, settings, problem)
        self.training = Training(
            problem.examples, w, b, settings, held_out=problem.held_out, group=self.seen, torch=torch
        )
        self.events = self.training.run()
        self.diverged: str | None = None
        self.order = random.getstate()

    def advance(self) -> Step | Epoch | None:
        """Make the next step, or end the epoch; None at the end of training."""
        random.setstate(self.order)
        try:
            return next(self.events, None)
        except Diverged as error:
            self.diverged = str(error)
            return None
        finally:
            self.order = random.getstate()

    def numbers(self, event: Step | Epoch) -> dict[str, Array]:
        """Of each kind what the step just made had: one column for each name, but for losses."""
        w, b = parameters(self.training.w, self.training.b)
        b_too = [b] if self.training.b.requires_grad else []
        if isinstance(event, Epoch):
            losses = [event.loss] + [loss for loss in [event.held_loss] if loss is not None]
            return {"loss": np.array([losses]), "parameter": np.array([[*w, *b_too]])}
        return {
            "data": np.column_stack([_array(part) for part in self.seen.batch]),
            "gradient": np.concatenate([gradient.reshape(1, -1) for gradient in self.seen.gradients], axis=1),
            "loss": np.array([[event.loss]]),
            "parameter": np.array([[*w, *b_too]]),
        }


class Differences:
    """Finds the largest difference of each kind since `largest` was last emptied, and the first above a tolerance."""

    def __init__(self, names: dict[str, tuple[str, ...]], tolerance: float) -> None:
        self.names, self.tolerance = names, tolerance
        self.largest: dict[str, Difference] = {}
        self.scales = dict.fromkeys(KINDS, 0.0)
        self.parted: Difference | None = None

    def take(self, sides: Sequence[dict[str, Array]], epoch: int, step: int) -> None:
        """Compare the numbers of both sides at a step."""
        ours, theirs = sides
        for kind in ours:
            found = self._between(kind, ours[kind], theirs[kind], epoch, step)
            if kind not in self.largest or found.absolute > self.largest[kind].absolute:
                self.largest[kind] = found
            if self.parted is None and found.relative > self.tolerance:
                self.parted = found

    def _between(self, kind: str, ours: Array, theirs: Array, epoch: int, step: int) -> Difference:
        with np.errstate(invalid="ignore", over="ignore"):
            same = (ours == theirs) | (np.isnan(ours) & np.isnan(theirs))
            apart = np.where(same, 0.0, np.abs(ours - theirs))
        apart[np.isnan(apart)] = math.inf
        largest = max(float(np.nanmax(np.abs(side), initial=0.0)) for side in (ours, theirs))
        self.scales[kind] = max(self.scales[kind], largest)
        place = int(apart.argmax())
        absolute = float(apart.flat[place])
        relative = absolute / self.scales[kind] if absolute else 0.0
        name = self.names[kind][place % ours.shape[1]]
        return Difference(kind, name, absolute, math.inf if math.isnan(relative) else relative, epoch, step)


@contextmanager
def side_by_side(settings: Settings, data: Synthetic | Table) -> Iterator[tuple[Side, Side, Problem]]:
    """Both sides before their first step, from the same seed, with the problem as minigrad has it.

    `settings.device` is torch's.
    """
    with ExitStack() as stack:
        made = []
        for name in BACKENDS:
            own = on_backend(settings, name)
            torch = stack.enter_context(backend(own))
            problem, own = problem_of(torch, own, data)
            made.append((Side(torch, own, problem), problem))
        (ours, problem), (theirs, _) = made
        yield ours, theirs, problem


def on_backend(settings: Settings, name: str) -> Settings:
    """The settings of one side."""
    return replace(settings, backend=name, device="cpu" if name == "minigrad" else settings.device)


def compare(
    ours: Side,
    theirs: Side,
    problem: Problem,
    tolerance: float,
    watch: Callable[[Training, Step | Epoch], None] | None = None,
) -> Comparison:
    """Train both to the end, or until one of them ends.

    `tolerance` is the difference, as a part of the largest magnitude of its kind so far, above which they part.
    `watch` is told of minigrad's steps.
    """
    names = names_of(problem, ours.training)
    comparison = Comparison(tolerance)
    differences = Differences(names, tolerance)
    differences.scales["loss"] = max(ours.training.watch.mean, theirs.training.watch.mean)
    starts = [parameters(side.training.w, side.training.b) for side in (ours, theirs)]
    differences.scales["parameter"] = max(float(np.abs([*w, b]).max()) for w, b in starts)
    while True:
        step = ours.training.step  # of the epoch that a finished one is the end of
        events = [side.advance() for side in (ours, theirs)]
        first, second = events
        if first is None or second is None:
            break
        ended = isinstance(first, Epoch)
        sides = [ours.numbers(first), theirs.numbers(second)]
        differences.take(sides, first.epoch + 1, max(step, 1) if ended else ours.training.step)
        if isinstance(first, Epoch) and isinstance(second, Epoch):
            losses, held = (first.loss, second.loss), (first.held_loss, second.held_loss)
            comparison.epochs.append(EpochBeside(first.epoch + 1, losses, held, differences.largest))
            differences.largest = {}
        if watch is not None:
            watch(ours.training, first)
    comparison.parted = differences.parted
    comparison.stopped = (ours.training.stopped, theirs.training.stopped)
    comparison.diverged = (ours.diverged, theirs.diverged)
    return comparison


def names_of(problem: Problem, training: Training) -> dict[str, tuple[str, ...]]:
    """What the columns of each kind of numbers are called."""
    intercept = ("b",) if training.b.requires_grad else ()
    of_parameters = (*problem.names, *intercept)
    weighing = problem.loaded.encoding.choice.weighing if problem.loaded else ()
    return {
        "data": (*problem.names, *weighing, problem.target),
        "gradient": of_parameters,
        "loss": ("loss", "validation loss"),
        "parameter": of_parameters,
    }


def _array(tensor: Tensor) -> Array:
    array: Any = tensor.detach().cpu().numpy()
    return np.array(array, dtype=np.float64)
