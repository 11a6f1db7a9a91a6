"""A comparison as tables, for a terminal and for a pipe, and as data."""

from collections.abc import Sequence
from dataclasses import asdict
from itertools import zip_longest
from typing import Any, NamedTuple

from linreg.comparing.lockstep import BACKENDS, KINDS, Comparison, Difference, EpochBeside
from linreg.comparing.measured import Measured
from linreg.lines import has_line, shown
from linreg.saving.forms import writable
from linreg.settings import Settings

MIB = 2**20
NUMERIC = ("epoch", "loss", "validation", "ms/step", "peak MiB", "GPU MiB", "largest", "of the largest", "step")


class Grid(NamedTuple):
    """A table of text: a title, what its columns are called, and its rows."""

    title: str
    head: list[str]
    rows: list[list[str]]


def as_data(comparison: Comparison, taken: Sequence[Measured], settings: Settings) -> dict[str, Any]:
    """The comparison for JSON, with every epoch."""

    def both(values: Sequence[Any]) -> dict[str, Any]:
        return dict(zip(BACKENDS, values, strict=True))

    def plain(difference: Difference) -> dict[str, Any]:
        exact = {name: writable(getattr(difference, name)) for name in ("absolute", "relative")}
        return difference._asdict() | exact

    epochs = [
        {
            "epoch": beside.epoch,
            "losses": both(beside.losses),
            "validation_losses": both(beside.validation_losses),
            "largest_differences": {kind: plain(found) for kind, found in beside.largest.items()},
            "step_seconds": both([_at(side.step_seconds, beside) for side in taken]),
            "peak_bytes": both([_at(side.peaks, beside) for side in taken]),
            "device_bytes": both([_at(side.on_device, beside) for side in taken]),
        }
        for beside in comparison.epochs
    ]
    settings_of_both = {name: value for name, value in asdict(settings).items() if name != "backend"}
    return {
        **settings_of_both,
        "backends": list(BACKENDS),
        "tolerance": comparison.tolerance,
        "epochs": epochs,
        "resident_bytes": both([side.resident for side in taken] or [None, None]),
        "parted": None if comparison.parted is None else plain(comparison.parted),
        "stopped": both(comparison.stopped),
        "diverged": both(comparison.diverged),
    }


def show(comparison: Comparison, taken: Sequence[Measured], settings: Settings, *, drawn: bool) -> None:
    """Print the comparison, `drawn` by rich or as lines of text."""
    grids = [_epochs(comparison, taken, settings), _whole_run(comparison)]
    for grid in grids:
        if drawn:
            _draw(grid)
        else:
            _print(grid)
        print()
    for line in _notes(comparison, taken):
        print(line)


def parting(comparison: Comparison) -> str | None:
    """In what the two part first, if they do."""
    ended, diverged = comparison.parted, comparison.diverged
    if ended is not None:
        return (
            f"minigrad and torch part in epoch {ended.epoch}, step {ended.step}: {_named(ended)} differs by "
            f"{ended.absolute:.3g}, {ended.relative:.3g} of the largest {ended.kind} so far; "
            f"the tolerance is {comparison.tolerance:g}"
        )
    if None not in diverged:
        return f"on both, {diverged[0]}"
    for name, why in zip(BACKENDS, diverged, strict=True):
        if why is not None:
            return f"minigrad and torch part: on {name} alone {why}"
    return None


def _epochs(comparison: Comparison, taken: Sequence[Measured], settings: Settings) -> Grid:
    held = any(loss is not None for beside in comparison.epochs for loss in beside.validation_losses)
    on_gpu = any(size is not None for side in taken for size in side.on_device)
    head = ["epoch", "on", "loss", *["validation"] * held, "ms/step", "peak MiB", *["GPU MiB"] * on_gpu]
    rows, last = [], len(comparison.epochs)
    for beside in comparison.epochs:
        if not (has_line(beside.epoch - 1, settings.num_epochs) or beside.epoch == last):
            continue
        told = [beside.largest[kind] for kind in ("gradient", "parameter") if kind in beside.largest]
        for place, (name, side) in enumerate(zip(BACKENDS, taken, strict=True)):
            seconds = _at(side.step_seconds, beside)
            row = ["" if place else str(beside.epoch), name, f"{beside.losses[place]:f}"]
            row += [_or_dash(beside.validation_losses[place], 1, "f")] * held
            row += [_or_dash(seconds, 1e3, ".4f"), _or_dash(_at(side.peaks, beside), 1 / MIB, ".1f")]
            row += [_or_dash(_at(side.on_device, beside), 1 / MIB, ".1f")] * on_gpu
            rows.append([*row, _described(told[place]) if place < len(told) else ""])
    title = f"minigrad and torch: {settings.optimizer}, {settings.dtype}, seed {settings.seed}"
    return Grid(title, [*head, "largest difference in the epoch"], rows)


def _whole_run(comparison: Comparison) -> Grid:
    found = [difference for kind in KINDS if (difference := comparison.largest(kind)) is not None]
    rows = [
        [of.kind, f"{of.absolute:.2e}", f"{of.relative:.2e}", shown(of.name), str(of.epoch), str(of.step)]
        if of.absolute
        else [of.kind, "none", "", "", "", ""]
        for of in found
    ]
    title = "largest differences in the whole run"
    return Grid(title, ["kind", "largest", "of the largest", "in", "epoch", "step"], rows)


def _notes(comparison: Comparison, taken: Sequence[Measured]) -> list[str]:
    before = [
        f"{side.resident / MIB:.0f} MiB with {name}"
        for name, side in zip(BACKENDS, taken, strict=True)
        if side.resident is not None
    ]
    notes = [
        "(In brackets, and 'of the largest': as a part of the largest such number so far.)",
        "Time and memory are each one's alone, on one thread of a process of its own: the median of an epoch's steps,",
        "and peak memory so far, less what was in use before the data were read"
        + f" ({', '.join(before)})" * bool(before)
        + ".",
    ]
    notes += [
        f"{name} stopped {why}" for name, why in zip(BACKENDS, comparison.stopped, strict=True) if why is not None
    ]
    if (comparison.stopped[0] is None) != (comparison.stopped[1] is None):
        notes.append("The other would have gone on; what the two are apart by is within the tolerance.")
    if parting(comparison) is None:
        notes.append(f"minigrad and torch agree: no difference is above {comparison.tolerance:g} of the largest.")
    return notes


def _described(difference: Difference) -> str:
    where = f"step {difference.step}" if difference.absolute else ""
    value = f"{difference.absolute:.1e} ({difference.relative:.1e})" if difference.absolute else "none"
    return f"{difference.kind}: {value}" + (f" in {shown(difference.name)}, {where}" if where else "")


def _named(difference: Difference) -> str:
    name = shown(difference.name)
    return {
        "data": f"the batch's column {name}",
        "gradient": f"the gradient of {name}",
        "loss": f"the {name}",
        "parameter": f"the parameter {name}",
    }[difference.kind]


def _at(values: Sequence[Any], beside: EpochBeside) -> Any:
    # A training that is not the same each time, as on a GPU, may have ended sooner when it was measured.
    return values[beside.epoch - 1] if beside.epoch <= len(values) else None


def _or_dash(value: float | None, scale: float, form: str) -> str:
    return "-" if value is None else format(value * scale, form)


def _print(grid: Grid) -> None:
    widths = [max(map(len, column)) for column in zip(grid.head, *grid.rows, strict=True)]
    print(grid.title)
    for row in (grid.head, *grid.rows):
        cells = [
            cell.rjust(width) if name in NUMERIC else cell.ljust(width)
            for cell, width, name in zip_longest(row, widths, grid.head)
        ]
        print("  ".join(cells).rstrip())


def _draw(grid: Grid) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(grid.title), title_justify="left", box=SIMPLE_HEAD)
    for name in grid.head:
        table.add_column(Text(name), justify="right" if name in NUMERIC else "left", overflow="fold")
    for row in grid.rows:
        table.add_row(*map(Text, row))
    Console().print(table)
