"""How far training is, drawn on a terminal."""

import importlib.util
import os
import random
import sys
import time
from typing import Any

from linreg.train import Epoch, Step, Training

# Seconds: how long a run is too short for a bar, and the least and the most between two drawings.
DELAY, PERIOD, LONGEST = 0.5, 0.1, 1.0
SPARING = 100  # times as long as a drawing took it waits for the next


def drawable() -> bool:
    """Whether standard output is a terminal that can be drawn on, and rich is there to draw."""
    if not on_terminal() or os.environ.get("TERM") in ("dumb", "unknown"):
        return False
    return importlib.util.find_spec("rich") is not None


def on_terminal() -> bool:
    """Whether standard output is a terminal."""
    return sys.stdout is not None and sys.stdout.isatty()


class Progress:
    """Draws a bar with the loss and the rows per second below the lines that a run prints; `end` takes it away.

    A run of less than half a second has none. The loss is the mean of the rows since the bar was last drawn.
    """

    def __init__(self) -> None:
        self.due = 0.0  # when to draw next; before the first step it is not known
        self.loss, self.rows = 0.0, 0  # since the last drawing, the loss summed
        self.bar: Any = None

    def __call__(self, training: Training, event: Step | Epoch) -> None:
        """Be told what training did."""
        if isinstance(event, Step):
            self.loss += event.loss * event.rows
            self.rows += event.rows
            now = time.perf_counter()
            if now >= self.due:
                self._due(training, now)

    def end(self) -> None:
        """Leave the terminal as it would be without."""
        if self.bar is not None:
            self.bar.stop()
            self.bar = None

    def _due(self, training: Training, now: float) -> None:
        if not self.due:
            self.due = now + DELAY
            return
        # rich numbers its styles by the module that shuffles the rows, whose order is not to change.
        order = random.getstate()
        try:
            self.bar = self.bar or _bar(training)
            began = time.perf_counter()
            self._draw(training)
        finally:
            random.setstate(order)
        ended = time.perf_counter()
        self.due = ended + min(max(PERIOD, SPARING * (ended - began)), LONGEST)
        self.loss, self.rows = 0.0, 0

    def _draw(self, training: Training) -> None:
        task = self.bar.tasks[0]
        speed = task.speed or self.rows / DELAY
        about = {"epoch": training.epoch + 1, "loss": f"{self.loss / self.rows:.6g}", "speed": f"{speed:,.0f}"}
        self.bar.update(task.id, completed=training.rows_seen, **about)
        self.bar.start()  # of one that has started this changes nothing
        self.bar.refresh()


def _bar(training: Training) -> Any:
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    recipe = training.recipe
    open_end = recipe.until is not None or recipe.patience is not None
    bar = Progress(
        TextColumn(f"epoch {{task.fields[epoch]}} of {'at most ' * open_end}{recipe.num_epochs}"),
        BarColumn(),
        TextColumn("loss {task.fields[loss]}, {task.fields[speed]} rows/s,"),
        *((TimeElapsedColumn(), TextColumn("so far")) if open_end else (TimeRemainingColumn(), TextColumn("left"))),
        auto_refresh=False,
        transient=True,
        redirect_stderr=sys.stderr is not None and sys.stderr.isatty(),
    )
    bar.add_task("", total=recipe.num_epochs * training.examples.rows, completed=training.rows_seen)
    return bar
