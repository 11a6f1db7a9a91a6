"""What can go wrong on the way from a table to its coefficients."""

import contextlib
import os
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

# The command's exit statuses.
DONE, DIVERGED, BAD_INPUT, LOST, INTERRUPTED, PIPE_CLOSED = 0, 1, 2, 3, 130, 141


class BadInput(ValueError):
    """A file, a table or a value that no regression can be run on; the message is one line."""


class Diverged(ArithmeticError):
    """Training whose loss grew instead of falling; the message is one line."""


class Lost(RuntimeError):
    """Processes that train together and cannot go on, as one has ended or is out of reach; the message is one line."""


class NotFitted(ValueError, AttributeError):
    """A prediction asked of an estimator before it was fitted."""


def required(module: str, why: str, extra: str) -> Any:
    """A module; BadInput that begins with `why`, and says how to install it, where it cannot be imported."""
    try:
        return import_module(module)
    except ImportError as error:
        raise BadInput(f'{why}: in the checkout, pip install ".[{extra}]"') from error


@contextlib.contextmanager
def writing(path: str) -> Iterator[None]:
    """BadInput that names the file where it cannot be written."""
    try:
        yield
    except OSError as error:
        raise BadInput(f"cannot write {path}: {error.strerror or error}") from error


def spare(option: str, path: str | None, needed: Mapping[str, str | None]) -> None:
    """BadInput where an option names a file to write that is one of those needed, each beside what it is."""
    if path is None or not os.path.isfile(path):  # a terminal or a pipe loses nothing
        return
    for what, file in needed.items():
        with contextlib.suppress(OSError):  # one that cannot be looked at is not lost here
            if file is not None and os.path.samefile(path, 0 if file == "-" else file):
                raise BadInput(f"{option} {path} is {what}, and would be lost; give another name")


def warn(line: str) -> None:
    """Say on stderr, in one line, what may not be meant so."""
    print("linreg: warning:", line, file=sys.stderr)


def fail(status: int, message: str) -> int:
    """Say what went wrong on stderr, in one line whatever a file's name or a library's message holds; the status."""
    with contextlib.suppress(OSError):  # as where stderr is full: then the status is all that can be said
        print("linreg: error:", " ".join(message.split()), file=sys.stderr)
    return status
