"""The lines that a run prints."""

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from linreg.looking.statistics import FAR_OFF, Summary
from linreg.outcome import Goodness
from linreg.settings import AT_ONCE, Settings
from linreg.train import Epoch, Step, Training, print_epoch
from linreg.triangle import Array

MOST_TOLD, LARGEST_TOLD = 40, 20  # coefficients on a terminal: up to so many all, of more the largest
EPOCH_LINES = 20  # beside the first epoch's; all losses are in the result


class EpochLines:
    """Prints the document's line for the first epoch, and for those that end another twentieth of the run."""

    def __init__(self, training: Training) -> None:
        self.num_epochs = training.recipe.num_epochs
        last = training.last_epoch()  # of a run that goes on
        self.unprinted = None if last is None or has_line(last.epoch, self.num_epochs) else last

    def __call__(self, training: Training, event: Step | Epoch) -> None:
        """Be told what training did."""
        if isinstance(event, Step):
            return
        self.unprinted = event
        if has_line(event.epoch, self.num_epochs):
            self.flush()

    def flush(self) -> None:
        """Print the last epoch's line, if it was not among the regular ones."""
        if self.unprinted is not None:
            print_epoch(*self.unprinted)
            self.unprinted = None


def has_line(epoch: int, num_epochs: int) -> bool:
    """Whether this epoch, counted from 0, is the first or ends another twentieth of the run."""
    done = EPOCH_LINES * epoch
    return epoch == 0 or (done + EPOCH_LINES) // num_epochs > done // num_epochs


def beside(estimate: float, exact: float) -> dict[str, float | None]:
    """A coefficient beside the exact answer, and how far they are apart."""
    return {"estimate": float(estimate), "exact": float(exact), "difference": float(estimate - exact)}


def coefficient_lines(
    target: str,
    coefficients: Mapping[str, Mapping[str, float | None]],
    constant: Mapping[str, float | None] | None,
    reference_levels: Sequence[str] = (),
    errors: str = "std. error",
) -> list[str]:
    """The lines of a table of estimates beside the exact answers, how far they are apart, and standard errors, if any.

    Below them, the `reference_levels` that those of categories are differences from.
    """
    rows = [("(intercept)", constant)] if constant else []
    rows += coefficients.items()
    names = (target, *(name for name, _ in rows))
    has_errors = all(row.get("standard_error") is not None for _, row in rows)
    width = max(breadth(shown(name)) for name in names)
    first, *others = (shown(name) + " " * (width - breadth(shown(name))) for name in names)
    return [
        f"{first} {'estimate':>16} {'exact':>16} {'difference':>12}" + (f" {errors:>12}" if has_errors else ""),
        *(
            f"{name} {row['estimate']:>16.9g} {row['exact']:>16.9g} {row['difference']:>12.2e}"
            + (f" {row['standard_error']:>12.5g}" if has_errors else "")
            for name, (_, row) in zip(others, rows, strict=True)
        ),
        *([f"reference levels: {', '.join(map(shown, reference_levels))}"] if reference_levels else []),
    ]


def largest(coefficients: Mapping[str, Mapping[str, float | None]], w: Array) -> tuple[dict[str, Any], list[str]]:
    """The coefficients to show on a terminal, in their order, and a line of how many there are beside these, if any.

    Where there are many, they are those of the largest |w|, the coefficients (d,) of standardised columns.
    """
    if len(coefficients) <= MOST_TOLD:
        return dict(coefficients), []
    names, places = list(coefficients), np.sort(np.argsort(-np.abs(w), kind="stable")[:LARGEST_TOLD])
    line = (
        f"these are the {LARGEST_TOLD} of {len(names)} coefficients that are largest times the standard deviations of "
        "their columns: into a pipe, as | less, go all"
    )
    return {names[place]: coefficients[names[place]] for place in places.tolist()}, [line]


def goodness_line(of_rows: Sequence[Goodness], centred: bool = True, weights: str | None = None) -> str:
    """One line of how good a fit is on the rows trained on and, where there are any, on those held out.

    `weights` is the column of the rows' weights, if they have any.
    """
    name = "R²" if centred else "R² (about 0)"
    parts = []
    for good, which in zip(of_rows, ("trained on", "held out"), strict=False):
        r2 = "" if good.r2 is None else f"{name} {good.r2:.6g}, "
        parts.append(f"{r2}RMSE {good.rmse:.6g} for {good.rows} row{'s' * (good.rows != 1)} {which}")
    return "; ".join(parts) + (f"; weighted by {shown(weights)}" if weights is not None else "")


def closing_lines(
    summary: Summary, good: Sequence[Goodness], settings: Settings, weights: str | None, diverged: str | None
) -> list[str]:
    """How good a fit is on the rows of `goodness_line`, and what else it is worth."""
    lines = [goodness_line(good, settings.fit_intercept, weights)]
    if summary.proves_nothing:
        which = "this fit is one of many, and" if summary.without == "dependent" else "this fit"
        lines.append(
            f"{len(summary.coefficients)} coefficients fit any target of {summary.rows} rows: {which} proves nothing, "
            "however good it looks"
        )
    elif summary.design.fits(summary.design.exact):
        lines.append("the exact answer leaves nothing but rounding: does a feature hold the target itself?")
    if summary.off >= FAR_OFF and diverged is None:
        nearer = "--dtype float64 comes nearer"
        if settings.optimizer not in AT_ONCE:
            nearer = "--optimizer newton goes there, more epochs or a smaller --lr may"
        lines.append(f"training ended {summary.told_off} standard errors from the exact answer: {nearer}")
    return lines


def outlier_line(row: int, studentised: float) -> str:
    """One line of a row, counted from 0, that lies far from the fit: its externally studentised residual is given."""
    far = f"{abs(studentised):.3g} standard deviations"
    return f"row {row + 1} lies {far} from the fit to the other rows: see whether it is right"


def shown_rows_line(weights: str | None) -> str:
    """One line of what a table's rows are as they are trained on, by the column of their weights, if they have any."""
    roots = f", times root_weights, the square roots of {shown(weights)} over its mean" if weights is not None else ""
    return f"the rows are shown as they are trained on: in standard units{roots}"


def breadth(text: str) -> int:
    """How many letters' room a text takes in a terminal: what is Chinese takes two each, an accent none."""
    return sum(0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "WF") for c in text)


def shown(name: str) -> str:
    """A column's name in one line of text."""
    return (name or "(unnamed)") if name.isprintable() else repr(name)
