"""The command line: `linreg`, also `python -m linreg`."""

import argparse
import io
import json
import os
import random
import sys
from collections.abc import Sequence
from typing import Any

from linreg.errors import BadInput
from linreg.options import SYNTHETIC, parse, settings_of

DONE, DIVERGED, BAD_INPUT, INTERRUPTED, PIPE_CLOSED = 0, 1, 2, 130, 141


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command on `argv` (the process's own without it) and return its exit status.

    0 done, 1 training diverged, 2 wrong usage or bad input, 130 interrupted, 141 pipe closed.
    """
    try:
        try:
            return _run(sys.argv[1:] if argv is None else argv)
        finally:
            if sys.stdout is not None:  # as it is when the process was started without one
                sys.stdout.flush()
    except BadInput as error:
        return _fail(BAD_INPUT, str(error))
    except MemoryError as error:
        return _fail(BAD_INPUT, f"not enough memory: {error}")
    except BrokenPipeError:
        _drop_output()
        return PIPE_CLOSED
    except OSError as error:
        _drop_output()
        return _fail(BAD_INPUT, f"cannot read or write: {error}")
    except KeyboardInterrupt:
        return _fail(INTERRUPTED, "interrupted")


def _run(argv: Sequence[str]) -> int:
    # A column's name may hold letters that the terminal's encoding lacks.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    options = parse(argv)

    # Imported here, so that Ctrl-C while NumPy loads ends quietly too.
    if options.version:
        from minigrad import __version__

        print(f"linreg {__version__}")
        return DONE
    from linreg import jobs

    seed = random.SystemRandom().getrandbits(32) if options.seed is None else options.seed
    settings = settings_of(options, seed)
    given = {name: getattr(options, name) for name in SYNTHETIC}
    chosen = SYNTHETIC | {name: value for name, value in given.items() if value is not None}
    table = (options.data, options.target, options.features)
    if options.explain is not None:
        synthetic = options.data is None
        loss = jobs.first_synthetic_step(settings, **chosen) if synthetic else jobs.first_table_step(settings, *table)
        return _explain(loss, options)
    if options.data is None:
        result = jobs.fit_synthetic(settings, **chosen, quiet=options.json)
    else:
        result = jobs.fit_table(settings, *table, quiet=options.json)
    if options.json:
        print(json.dumps(result))
    return _fail(DIVERGED, result["diverged"]) if result["diverged"] else DONE


def _explain(loss: Any, options: argparse.Namespace) -> int:
    from minigrad import show

    lang, file = options.lang or "en", options.explain
    try:
        if file.endswith(".html"):
            show.page(loss, file, lang=lang)
        elif file:
            show.graph(loss, values=True, gradients=True, lang=lang).save(file)
    except OSError as error:
        raise BadInput(f"cannot write {file}: {error.strerror}") from error
    if options.json:
        print(show.steps(loss).to_json())
    elif file:
        print(f"wrote {file}")
    else:
        _tell(loss, lang)
    return DONE


def _tell(loss: Any, lang: str) -> None:
    from minigrad import show

    try:
        show.explain(loss, lang=lang)
    except ImportError as error:
        raise BadInput(
            'to print the step, --explain needs rich: in the checkout, pip install ".[show]"; '
            "--explain FILE.html and --explain FILE.svg need nothing more"
        ) from error
    except SystemExit as error:  # so rich answers a closed pipe
        raise BrokenPipeError from error


def _fail(status: int, message: str) -> int:
    # One line, whatever a file's name or a library's message holds.
    print("linreg: error:", " ".join(message.split()), file=sys.stderr)
    return status


def _drop_output() -> None:
    # What is still buffered has nowhere to go; without this the interpreter complains at its end.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
