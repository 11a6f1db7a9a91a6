"""The files in which a run of the command is looked at: its picture and its report."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from linreg.errors import BadInput, warn, writing
from linreg.looking import plots, report
from linreg.outcome import Outcome


def prepare(*paths: str | None) -> None:
    """BadInput before a run where its files could not be made after it, as far as that can be known."""
    plots.require()
    for path in filter(None, paths):
        folder = Path(path).parent
        if not folder.is_dir():
            raise BadInput(f"cannot write {path}: there is no folder {folder}")
        if Path(path).is_dir():
            raise BadInput(f"cannot write {path}: it is a folder")
        if not os.access(folder, os.W_OK):
            raise BadInput(f"cannot write {path}: the folder {folder} cannot be written to")


def write(
    outcome: Outcome, plot: str | None, page: str | None, lang: str, command: Sequence[str], *, quiet: bool = False
) -> None:
    """Write a run's picture and its report to the files named, and say so on stdout unless `quiet`.

    BadInput where one cannot be written; what was there before stays.
    """
    if plot is not None:
        _write(plot, quiet, lambda: _warn(plot, plots.save(outcome, plot, lang)))
    if page is not None:
        _write(page, quiet, lambda: report.write(outcome, page, lang, command))


def _write(path: str, quiet: bool, make: Callable[[], None]) -> None:
    with writing(path):
        make()
    if not quiet:
        print(f"wrote {path}")


def _warn(path: str, missing: str) -> None:
    if missing:
        from matplotlib import get_cachedir

        letters = missing if len(missing) <= 10 else f"{missing[:10]}…"
        warn(
            f"matplotlib knows no font that has {letters}, so {path} has boxes for these letters; if you have "
            f"installed one since, delete {get_cachedir()}, so that matplotlib lists the fonts anew; a picture in SVG "
            "is drawn with its reader's fonts"
        )
