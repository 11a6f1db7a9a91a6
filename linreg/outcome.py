"""What a run did, in one place: for the lines it prints, its JSON, its plots and its report."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import minigrad
from linreg.scaling import Scaling
from linreg.settings import Settings
from linreg.triangle import Array, Triangle

MOST_TRACED, MOST_SHOWN = 1000, 2000  # steps, rows
Sample = tuple[Array, Array, Array, Array | None]


class Trace:
    """The loss and the parameters of evenly spaced steps, 1,000 at most however many there are."""

    def __init__(self) -> None:
        self.every = 1
        self.steps, self.losses = list[int](), list[float]()
        self.ws, self.bs = list[Array](), list[float]()

    def takes(self, step: int) -> bool:
        """Whether the step of this number, counted from 1, is one of those kept."""
        return (step - 1) % self.every == 0

    def add(self, step: int, loss: float, w: Array, b: float) -> None:
        """Keep a step: the mean loss of its minibatch, and w (d,) and b after it."""
        if len(self.steps) == MOST_TRACED:
            self.every *= 2
            for kept in (self.steps, self.losses, self.ws, self.bs):
                del kept[1::2]
            if not self.takes(step):
                return
        self.steps.append(step)
        self.losses.append(loss)
        self.ws.append(w)
        self.bs.append(b)

    def state(self) -> dict[str, Any]:
        """What `restore` needs: the steps, and a tensor (k, d + 2) of their losses, w and b."""
        rows = np.column_stack([self.losses, np.array(self.ws), self.bs]) if self.steps else None
        numbers = None if rows is None else minigrad.from_numpy(rows)
        return {"every": self.every, "steps": list(self.steps), "numbers": numbers}

    def restore(self, state: dict[str, Any]) -> None:
        """Become the trace whose `state` that was."""
        self.every, self.steps = state["every"], list(state["steps"])
        rows = state["numbers"].numpy() if self.steps else np.zeros((0, 2))
        self.losses, self.ws, self.bs = rows[:, 0].tolist(), list(rows[:, 1:-1]), rows[:, -1].tolist()


@dataclass(frozen=True)
class Goodness:
    """How good a fit is on so many rows: R², None where their targets are all alike, and RMSE in the target's units."""

    rows: int
    r2: float | None
    rmse: float


@dataclass(frozen=True)
class Counts:
    """How many rows there were, what became of them, and how many values were missing in each column.

    `policy` is what was done where a value was missing, one of linreg.settings.MISSING; `weightless` are the rows
    dropped that have the weight 0.
    """

    read: int
    trained: int
    held_out: int
    dropped: int
    missing: dict[str, int]
    policy: str
    weightless: int = 0

    def line(self) -> str | None:
        """One line for people, or None where nothing was missing or dropped."""
        if not self.missing:
            why = f"{self._left_out(self.weightless)}, as the weight is 0"
            return why if self.weightless else None
        columns = ", ".join(f"{count:,} in {column!r}" for column, count in self.missing.items())
        if not self.dropped:
            of = "its column's mean" if len(self.missing) == 1 else "their columns' means"
            return f"missing values: {columns}, filled with {of}; no row is left out"
        filled = "the others are filled with means" if self.policy == "mean" else "none is filled"
        why = f" ({self.weightless:,} as the weight is 0)" if self.weightless else ""
        return f"missing values: {columns}; {self._left_out(self.dropped)}{why}, {filled}"

    def _left_out(self, rows: int) -> str:
        return f"{rows:,} of {self.read:,} rows {'is' if rows == 1 else 'are'} left out"


@dataclass
class Outcome:
    """A run's parameters, and what happened on the way to them.

    `names` are those of the d coefficients; `w` (d,) and `b` are in the units trained in, of which `scaling` leads back
    to the columns' own, and in which `triangle` holds all rows trained on. `sample` is at most 2,000 of these rows in
    their own units, X (k, d) and y (k,), their numbers in the data (k,), from 0, and, where there are `weights`, a
    column of that name, the square roots (k,) of these over their mean. Losses are means per epoch.
    `seconds` is what training took, for `rows_seen` rows, in this process. `start` is w and b before the first step,
    where they were kept for a plot. `counts` are a table's, `reference_levels` what its categories'
    coefficients are differences from, and `held_triangle` its rows held out. `scores` are those of `linreg.robust`,
    where standard errors are to be robust.
    """

    settings: Settings
    target: str
    names: tuple[str, ...]
    w: Array
    b: float
    scaling: Scaling
    triangle: Triangle
    sample: Sample
    losses: list[float] = field(default_factory=list)
    validation_losses: list[float] = field(default_factory=list)
    trace: Trace = field(default_factory=Trace)
    steps: int = 0
    rows_seen: int = 0
    seconds: float = 0.0
    stopped: str | None = None
    diverged: str | None = None
    start: tuple[Array, float] | None = None
    counts: Counts | None = None
    reference_levels: tuple[str, ...] = ()
    held_triangle: Triangle | None = None
    scores: Array | None = None
    weights: str | None = None

    def in_own_units(self) -> tuple[Array, float]:
        """Slopes (d,) and intercept in the columns' own units."""
        return self.scaling.in_own_units(self.w, self.b)

    def goodness(self, triangle: Triangle) -> Goodness:
        """How good the fit is on the rows of a triangle in the units trained in.

        Without an intercept R² counts from 0 instead of the mean.
        """
        rmse = float(self.scaling.stds[-1]) * math.sqrt(2 * triangle.mean_loss(self.w, self.b))
        return Goodness(triangle.rows, triangle.r2(self.w, self.b, self.settings.fit_intercept), rmse)


def sampled(X: Array, y: Array, numbers: Sequence[int]) -> Sample:
    """At most 2,000 evenly spaced rows of X (n, d) and y (n,), and their `numbers` in the data; without weights."""
    every = -(-len(y) // MOST_SHOWN)
    X, y = (np.asarray(part[::every], dtype=np.float64) for part in (X, y))
    return X, y, np.array(numbers[::every]), None
