"""The command line: `python -m minigrad script.py` runs a script written for torch, `compare script.py` on both."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

INTERNAL = True
SAME, PARTED, UNUSABLE, INTERRUPTED, PIPE_CLOSED = 0, 1, 2, 130, 141
OF_COMPARE = ("--all", "--html", "--ignore", "--json", "--lang", "--seed")
RUN = """Run a script written for torch, unchanged: `import torch`, and imports of its submodules, give minigrad.

  python -m minigrad script.py [arguments of the script]
  python -m minigrad compare script.py [arguments of the script]   on both, side by side: see compare --help
"""
COMPARE = """Run a script on torch and on minigrad, and show side by side, step by step, its losses, gradients,
parameters, printed lines and times, and the first place where the two part. Status 0: alike, 1: they part."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command on `argv` (the process's own without it) and return its exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        status = _compare(arguments[1:]) if arguments[:1] == ["compare"] else _run(arguments)
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # whoever read the output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    except OSError as error:
        print(f"minigrad: {error.filename or ''}: {error.strerror}", file=sys.stderr)
        return UNUSABLE
    except KeyboardInterrupt:
        return INTERRUPTED


def _run(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m minigrad", description=RUN, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("script", help="a file of Python; compare is a command: for a file of that name, ./compare")
    _add_arguments(parser)
    options = parser.parse_args(argv)
    from .running import as_torch, explained, run_script

    with open(options.script, "rb"):  # or say that there is none, before anything runs
        pass
    with as_torch():
        try:
            run_script(options.script, options.arguments)
        except Exception as error:  # noqa: BLE001 - the script's, told as Python tells it
            sys.stdout.flush()
            sys.stderr.write(explained(error, options.script))
            return 1
    return 0


def _compare(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m minigrad compare", description=COMPARE)
    parser.add_argument("--seed", type=int, default=0, help="of all random streams, unless the script seeds (0)")
    parser.add_argument("--ignore", default="", metavar="REGEX", type=_pattern, help="printed lines not to compare")
    parser.add_argument("--all", action="store_true", help="show every step, however many")
    parser.add_argument("--lang", choices=("en", "zh"), default="en", help="the language of tables and page (en)")
    parser.add_argument("--html", metavar="FILE", help="write an HTML page, too")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    parser.add_argument("script")
    _add_arguments(parser)
    options = parser.parse_args(argv)
    late = [text for text in options.arguments if text.partition("=")[0] in OF_COMPARE]
    if late:
        told = f"minigrad: the script was given {', '.join(late)}; options of compare stand before the script's name"
        print(told, file=sys.stderr)
    from . import comparing

    try:
        with _progress(options.json) as show:
            found = comparing.compare(
                options.script, options.arguments, seed=options.seed, ignore=options.ignore, running=show
            )
        if options.html:
            comparing.page(found, options.html, lang=options.lang, every=options.all)
        if options.json:
            print(json.dumps(comparing.to_json(found), ensure_ascii=False, allow_nan=False))
        else:
            comparing.told(found, lang=options.lang, every=options.all)
    except ImportError as error:
        print(f"minigrad: {error}", file=sys.stderr)
        return UNUSABLE
    return SAME if found.parting is None else PARTED


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    """Leave what follows the script's name to the script."""
    rest = parser.add_argument("arguments", nargs=argparse.REMAINDER, help="what the script finds in sys.argv")
    rest.required = False  # or a call without a script would be told that arguments are missing, too


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no regular expression: {error}") from None
    return text


def _progress(quiet: bool) -> Any:
    """A line on the terminal that says which library runs; nothing where there is no terminal."""
    if quiet or not sys.stderr.isatty():
        return nullcontext(lambda library: None)
    from rich.console import Console

    status = Console(stderr=True).status("")
    status.show = lambda library: status.update(f"running on {library}")  # type: ignore[attr-defined]
    return status


if __name__ == "__main__":
    raise SystemExit(main())
