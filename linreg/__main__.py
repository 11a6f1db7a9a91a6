"""The command line: `linreg`, also `python -m linreg`."""

import importlib
import io
import os
import sys
from collections.abc import Sequence

from linreg.endings import close_stderr
from linreg.errors import BAD_INPUT, INTERRUPTED, LOST, PIPE_CLOSED, BadInput, Lost, fail
from linreg.options import COMMANDS
from linreg.processes import several, told_by_first


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command on `argv` (the process's own without it) and return its exit status.

    0 done, 1 training diverged, 2 wrong usage or bad input, 3 another process of the run ended, 130 interrupted,
    141 pipe closed.
    """
    if sys.stderr is None:  # as where the process was started without one: `print` would take stdout instead
        close_stderr()
    try:
        try:
            return _run(sys.argv[1:] if argv is None else argv)
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()
    except BadInput as error:
        return fail(BAD_INPUT, str(error))
    except MemoryError as error:
        return fail(BAD_INPUT, f"not enough memory: {error}")
    except BrokenPipeError:
        _drop_output()
        return PIPE_CLOSED
    except OSError as error:
        _drop_output()
        return fail(BAD_INPUT, f"cannot read or write: {error}")
    except Lost as error:
        return fail(LOST, str(error))
    except KeyboardInterrupt:
        return fail(INTERRUPTED, "interrupted")


def _run(argv: Sequence[str]) -> int:
    # A column's name may hold letters that the terminal's encoding lacks.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    chosen = argv[0] if argv and argv[0] in COMMANDS else None
    words = argv if chosen is None else argv[1:]
    if chosen is None and argv and not argv[0].startswith("-"):
        known = f"there is no command {argv[0]!r}; those that there are: {', '.join(COMMANDS)} (linreg --help)"
        is_file = f"; to train on a file: linreg --data {argv[0]} --target NAME" if os.path.isfile(argv[0]) else ""
        raise BadInput(known + is_file)
    if chosen not in (None, "fit") and several():
        with told_by_first():
            raise BadInput(f"several processes can share `fit`, and `{chosen}` is for one: start it without torchrun")
    command = importlib.import_module(f"linreg.commands.{chosen or 'fit'}")
    return int(command.run(words))


def _drop_output() -> None:
    # What is still buffered has nowhere to go; without this the interpreter complains at its end.
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
