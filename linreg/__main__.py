"""The command line: `linreg`, also `python -m linreg`."""

import argparse
import csv
import io
import itertools
import json
import math
import os
import random
import re
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from linreg.errors import BadInput, Diverged

BATCH_SIZE, EXPLAINED_ROWS = 10, 3  # of three rows every number can be read
DONE, DIVERGED, BAD_INPUT, INTERRUPTED, PIPE_CLOSED = 0, 1, 2, 130, 141

# What only the synthetic job knows, and the document's values for it.
SYNTHETIC: dict[str, Any] = {
    "true_w": [2.0, -3.4],
    "true_b": 4.2,
    "num_examples": 1000,
    "noise": 0.01,
}


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
    except Diverged as error:
        return _fail(DIVERGED, str(error))
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
    options = _parse(argv)

    # Imported here, so that Ctrl-C while NumPy loads ends quietly too.
    if options.version:
        from minigrad import __version__

        print(f"linreg {__version__}")
        return DONE
    from linreg import jobs

    seed = random.SystemRandom().getrandbits(32) if options.seed is None else options.seed
    settings = jobs.Settings(
        lr=options.lr,
        num_epochs=options.num_epochs or 0,
        batch_size=options.batch_size or (BATCH_SIZE if options.explain is None else EXPLAINED_ROWS),
        init_std=options.init_std,
        seed=seed,
        dtype=options.dtype,
        backend=options.backend,
        device=options.device,
    )
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
    return DONE


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


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise BadInput(f"{message} (linreg --help shows the options)")


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    # A leading space keeps argparse from reading `-3.4,2` or `-1e-3` as an option.
    argv = [f" {word}" if re.fullmatch(r"-[\d.][-+\d.eE,]*", word) else word for word in argv]
    options = _parser().parse_args(argv)
    if options.true_w is not None:
        options.true_w = list(itertools.chain.from_iterable(options.true_w))
    if options.data is None:
        stray, needs = ["target", "features"], "needs --data"
    else:
        stray, needs = list(SYNTHETIC), "belongs to the synthetic job and cannot go with --data"
        if options.target is None:
            raise BadInput("--data needs --target, the name of the column to predict")
    for name in stray:
        if getattr(options, name) is not None:
            raise BadInput(f"--{name.replace('_', '-')} {needs}")
    if options.explain is None:
        if options.lang is not None:
            raise BadInput("--lang needs --explain")
    elif options.backend != "minigrad":
        raise BadInput(f"--explain looks inside minigrad and cannot go with --backend {options.backend}")
    elif options.explain and not options.explain.endswith((".html", ".svg")):
        raise BadInput(f"--explain writes FILE.html or FILE.svg, and {options.explain!r} ends with neither")
    return options


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="linreg",
        description="Linear regression from scratch by minibatch SGD: on synthetic data with known "
        "coefficients, or on a table.",
        epilog="Exit status: 0 done, 1 training diverged, 2 wrong usage or bad input.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--version", action="store_true", help="print the version and exit")
    add("--lr", type=_positive, default=0.03, help="learning rate (default %(default)s)")
    add(
        "--num-epochs",
        type=_whole(1),
        help="passes over the data (default 3; with --data as many as make 300 steps, at least 3); "
        "of more than 20 the first and every twentieth of the run print a line",
    )
    add(
        "--batch-size",
        type=_whole(1),
        help=f"examples per step (default {BATCH_SIZE}, with --explain {EXPLAINED_ROWS}; "
        "with --data at most the number of rows)",
    )
    add(
        "--init-std",
        type=_not_negative,
        default=0.01,
        help="standard deviation of w before training (default %(default)s)",
    )
    add("--seed", type=_whole(0, 2**64 - 1), help="for data, start and order (default: a new one)")
    add("--dtype", choices=("float32", "float64"), default="float32", help="default %(default)s")
    add("--backend", choices=("minigrad", "torch"), default="minigrad", help="default %(default)s")
    add("--device", default="cpu", help="cpu, or with torch also cuda (default %(default)s)")
    add("--json", action="store_true", help="print one JSON object, with every epoch's loss, and nothing else")

    looking = parser.add_argument_group("look inside")
    add = looking.add_argument
    add(
        "--explain",
        nargs="?",
        const="",
        metavar="FILE",
        help="show the first training step instead of training: every number and rule of its backward pass, in the "
        "terminal, as a page to step through (FILE.html) or as a picture (FILE.svg); with --json, as data",
    )
    add("--lang", choices=("en", "zh"), help="the language to explain in (default en)")

    synthetic = parser.add_argument_group("synthetic data: y = X w + b + noise")
    add = synthetic.add_argument
    add(
        "--true-w",
        type=_numbers,
        nargs="+",
        metavar="W",
        help="coefficients, by commas or spaces (default 2,-3.4)",
    )
    add("--true-b", type=_any_number, help="intercept (default 4.2)")
    add("--num-examples", type=_whole(1), help="rows to generate (default 1000)")
    add("--noise", type=_not_negative, help="the noise's standard deviation (default 0.01)")

    table = parser.add_argument_group("a real table")
    add = table.add_argument
    add(
        "--data",
        metavar="FILE.csv",
        help="comma-separated, with a header; columns are standardised",
    )
    add("--target", type=str.strip, metavar="NAME", help="the column to predict")
    add(
        "--features",
        type=_names,
        metavar="A,B",
        help="the columns to predict it from (default: all others)",
    )
    return parser


def _real(kind: str, fits: Callable[[float], bool]) -> Callable[[str], float]:
    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not (math.isfinite(value) and fits(value)):
            raise argparse.ArgumentTypeError(f"{text.strip()!r} is not {kind}")
        return value

    return parse


_any_number = _real("a finite number", math.isfinite)
_positive = _real("a finite number above 0", lambda value: value > 0)
_not_negative = _real("a finite number of at least 0", lambda value: value >= 0)


def _numbers(text: str) -> list[float]:
    return [_any_number(part) for part in text.strip(" []").split(",")]


def _whole(least: int, most: int = 2**63 - 1) -> Callable[[str], int]:
    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text.strip()!r} is not a whole number from {least} to {most}")
        return value

    return parse


def _names(text: str) -> list[str]:
    # Read as a line of the table itself would be, so that a name may hold a comma in quotes.
    try:
        names = next(csv.reader([text]), [])
    except csv.Error as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of names: {error}") from error
    return [name.strip() for name in names]


if __name__ == "__main__":
    sys.exit(main())
