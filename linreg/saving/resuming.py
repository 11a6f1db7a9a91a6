"""The options of a run as its folder keeps them, and those with which it goes on."""

import argparse
import csv
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from linreg.errors import BadInput
from linreg.options import parse, resumes

if TYPE_CHECKING:
    from linreg.saving.saved import Saved

# What is no part of a run: how it is shown, where it is kept, who waits for whom.
NOT_KEPT = ("version", "json", "quiet", "explain", "plot", "report", "lang", "save", "resume", "timeout")
# What a run that goes on may be told anew: how long it is to be, when to save, where the same data are now, and to have
# robust standard errors from then on.
FREE = ("num_epochs", "save_every", "data", "format", "robust", *NOT_KEPT)


def kept_options(options: argparse.Namespace, seed: int) -> dict[str, Any]:
    """The options that make a run what it is, as plain data, with the seed that was drawn."""
    given = {name: value for name, value in vars(options).items() if value is not None and value is not False}
    return {name: value for name, value in (given | {"seed": seed}).items() if name not in NOT_KEPT}


def options_of(argv: Sequence[str]) -> tuple[argparse.Namespace, "Saved | None"]:
    """The options in `argv`, with those of the run to be resumed, if they name one, and that run.

    BadInput where they contradict the run's.
    """
    path = resumes(argv)
    if path is None:
        return parse(argv), None
    from linreg.saving.checkpoints import RUN, Folder
    from linreg.saving.saved import read

    saved = read(Folder(path))
    try:
        words = [*_words(saved.run["options"]), f"--resume={path}"]
        kept = parse(words)
    except BadInput as error:
        raise BadInput(f"{saved.folder.path / RUN}: options: {error}") from error
    options = parse([*words, *argv])
    for name, value in vars(options).items():
        before = getattr(kept, name)
        if name not in FREE and value != before:
            told = "it was left out" if before is None or before is False else f"it is {before}"
            raise BadInput(f"--{name.replace('_', '-')} cannot change in a run that goes on: in {path} {told}")
    return options, saved


def _words(kept: dict[str, Any]) -> list[str]:
    """A command line that says the same."""
    known = set(vars(parse([]))) - set(NOT_KEPT)
    words = []
    for name, value in kept.items():
        if name not in known:
            raise BadInput(f"there is none that is called {name!r}")
        option = f"--{name.replace('_', '-')}"
        if value is True:
            words.append(option)
        elif isinstance(value, list):
            words.append(f"{option}={_line(value)}")
        elif isinstance(value, (str, int, float)):
            words.append(f"{option}={value}")
        else:
            raise BadInput(f"{name} cannot be {value!r}")
    return words


def _line(values: list[Any]) -> str:
    """Values between commas, as `linreg.arguments.names` reads them."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(values)
    return line.getvalue()
