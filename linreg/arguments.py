"""What an option may hold, and how a wrong one is told."""

import argparse
import csv
import difflib
import math
import os
import re
from collections.abc import Callable, Sequence
from typing import NoReturn

from linreg.errors import BadInput
from linreg.settings import MOST_DECAY

OF_PREDICT = ("--interval", "--keep", "--out")  # that people look for elsewhere


class Parser(argparse.ArgumentParser):
    """argparse's, with BadInput for what is wrong."""

    def error(self, message: str) -> NoReturn:
        """Raise BadInput, with what may have been meant by an option or a word that there is not."""
        if unknown := re.fullmatch(r"unrecognized arguments: (\S+).*", message, re.DOTALL):
            word = unknown[1].partition("=")[0]
            near = difflib.get_close_matches(word, self._option_string_actions, n=1) if word.startswith("--") else []
            hint = "" if word.startswith("-") else "; what has spaces needs quotes"
            if word in OF_PREDICT:
                near, hint = [], f"; {word} is an option of linreg predict"
            elif "--data" in self._option_string_actions and os.path.isfile(word):
                hint = f"; a file to train on: --data {word} --target NAME"
            message += f"; is {near[0]} meant?" if near else hint
        raise BadInput(f"{message} ({self.prog} --help shows the options)")


def guarded(argv: Sequence[str]) -> list[str]:
    """The words with a space before `-3.4,2` or `--na`'s `-,?`, that argparse does not read them as options."""
    numbers = re.compile(r"-[\d.][-+\d.eE,]*")
    return [
        f" {word}" if numbers.fullmatch(word) or (before == "--na" and re.match("-[^-]", word)) else word
        for before, word in zip(("", *argv), argv, strict=False)
    ]


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


any_number = _real("a finite number", math.isfinite)
positive = _real("a finite number above 0", lambda value: value > 0)
fraction = _real("a fraction between 0 and 1", lambda value: 0 < value < 1)
seconds = _real("a number of seconds from 1 to 1000000", lambda value: 1 <= value <= 1_000_000)
decay = _real(f"a number from 0 to {MOST_DECAY:g}", lambda value: 0 <= value <= MOST_DECAY)
not_negative = _real("a finite number of at least 0", lambda value: value >= 0)


def numbers(text: str) -> list[float]:
    """Finite numbers between commas."""
    return [any_number(part) for part in text.strip(" []").split(",")]


def whole(least: int, most: int = 2**63 - 1) -> Callable[[str], int]:
    """Whole numbers in these bounds."""

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text.strip()!r} is not a whole number from {least} to {most}")
        return value

    return parse


def names(text: str) -> list[str]:
    """Names between commas, read as a line of a table would be: in quotes a name may hold a comma itself."""
    try:
        names = next(csv.reader([text]), []) or [""]  # of no letters csv makes no name, and a column may have that
    except csv.Error as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of names: {error}") from error
    return [name.strip() for name in names]


def folder(text: str) -> str:
    """A folder's name, which an empty text, as of a variable that was never set, is not."""
    if not text:
        raise argparse.ArgumentTypeError("'' is no folder's name")
    return text


def ending_with(*suffixes: str) -> Callable[[str], str]:
    """An argument that names a file by one of these suffixes."""

    def parse(text: str) -> str:
        if not text.lower().endswith(suffixes):
            raise argparse.ArgumentTypeError(f"{text!r} does not end with {' or '.join(suffixes)}")
        return text

    return parse
