"""`linreg compare`: train on minigrad and torch side by side, and show by how much they differ."""

import argparse
import contextlib
import json
import os
import random
from collections.abc import Sequence
from typing import TYPE_CHECKING

from linreg.arguments import Parser, not_negative
from linreg.errors import DIVERGED, DONE, BadInput, fail
from linreg.options import add_data, add_running, add_training, data_of, parse, settings_of

if TYPE_CHECKING:
    from linreg.comparing.lockstep import Comparison
    from linreg.comparing.measured import Measured
    from linreg.settings import Settings


def run(argv: Sequence[str]) -> int:
    """Compare as the words in `argv` say; the exit status, 1 where the two part or training diverges."""
    options = _options(argv)

    # Imported here, so that Ctrl-C while NumPy loads ends quietly too.
    from linreg.comparing.shown import as_data, parting, show
    from linreg.progress import drawable

    seed = random.SystemRandom().getrandbits(32) if options.seed is None else options.seed
    drawn = drawable() and not options.json
    bars = drawn and not options.quiet
    comparison, settings = compared(options, seed, bars)
    taken = measured_alone(options, seed, bars) if comparison.epochs else []
    if options.json:
        table = {name: getattr(options, name) for name in ("data", "target", "weights") if options.data is not None}
        print(json.dumps(as_data(comparison, taken, settings) | table))
    elif comparison.epochs:
        show(comparison, taken, settings, drawn=drawn)
    why = parting(comparison)
    return DONE if why is None else fail(DIVERGED, why)


def _options(argv: Sequence[str]) -> argparse.Namespace:
    options = parse(argv, _parser())
    if options.other_backend is not None:
        raise BadInput("--backend cannot go with compare, which trains on both minigrad and torch")
    data = options.data
    if data is not None and (data == "-" or (os.path.exists(data) and not os.path.isfile(data))):
        raise BadInput(f"--data {data}: compare reads the data more than once, which takes a file")
    return options


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="linreg compare",
        description="Train on minigrad and on torch from the same seed, in step, and show for each epoch both losses, "
        "the largest difference in any gradient and parameter, the time per step and the memory of both. "
        "The options are fit's.",
        epilog="Exit status: 0 the two agree, 1 they part or training diverged, 2 wrong usage or bad input.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--tolerance",
        type=not_negative,
        metavar="PART",
        help="what a number may differ by, as a part of the largest of its kind (data, losses, gradients, parameters) "
        "so far in the run (default 1e-5, in float64 1e-12)",
    )
    parser.add_argument("--backend", dest="other_backend", help=argparse.SUPPRESS)
    add_running(parser)
    add_training(parser)
    add_data(parser)
    return parser


def compared(options: argparse.Namespace, seed: int, bars: bool) -> tuple["Comparison", "Settings"]:
    """Both trainings side by side, and the settings that they came to have; `bars` draws how far they are."""
    from linreg.comparing.lockstep import TOLERANCES, compare, side_by_side
    from linreg.problems import warn_of
    from linreg.progress import Progress

    tolerance = TOLERANCES[options.dtype] if options.tolerance is None else options.tolerance
    with side_by_side(settings_of(options, seed), data_of(options)) as (ours, theirs, problem):
        warn_of(problem)
        progress = Progress()
        try:
            comparison = compare(ours, theirs, problem, tolerance, progress if bars else None)
        finally:
            progress.end()
        return comparison, theirs.settings


def measured_alone(options: argparse.Namespace, seed: int, bars: bool) -> list["Measured"]:
    """What the training takes on each, one after the other; `bars` shows on the terminal that it goes on."""
    from linreg.comparing.lockstep import BACKENDS
    from linreg.comparing.measured import measured

    taken = []
    for name in BACKENDS:
        with contextlib.ExitStack() as shown:
            if bars:
                from rich.console import Console

                shown.enter_context(Console().status(f"{name} once more, in a process of its own"))
            taken.append(measured(name, options, seed))
    return taken
