"""What can go wrong on the way from a table to its coefficients."""

import contextlib
import sys


class BadInput(ValueError):
    """A file, a table or a value that no regression can be run on; the message is one line."""


class Diverged(ArithmeticError):
    """Training whose loss grew instead of falling; the message is one line."""


class Lost(RuntimeError):
    """Processes that train together and cannot go on, as one has ended or is out of reach; the message is one line."""


class NotFitted(ValueError, AttributeError):
    """A prediction asked of an estimator before it was fitted."""


def fail(status: int, message: str) -> int:
    """Say what went wrong on stderr, in one line whatever a file's name or a library's message holds; the status."""
    with contextlib.suppress(OSError):  # as where stderr is full: then the status is all that can be said
        print("linreg: error:", " ".join(message.split()), file=sys.stderr)
    return status
