"""Which cells of a table say that there is no value."""

import math
from collections.abc import Sequence

import numpy as np

from linreg.triangle import Array

WORDS = frozenset({"", "na", "n/a", "#n/a", "nan", "null"})  # in small letters, without spaces around them


class Absent:
    """The words that mean a missing value: the usual ones and `more`, in small letters or capitals.

    Those of `more` that are numbers mean it as numbers, too, however these are written: -999 is -999.0. `decimal` is
    what they have before their decimals.
    """

    def __init__(self, more: Sequence[str] = (), decimal: str = ".") -> None:
        self._decimal = decimal
        self.words = WORDS | {word.strip().lower() for word in more}
        numbers = (_number(word, decimal) for word in self.words - WORDS)
        self._numbers = [number for number in numbers if not math.isnan(number)]

    def says(self, word: str) -> bool:
        """Whether this word, of a column of words, means that there is none."""
        return word.lower() in self.words or (bool(self._numbers) and _number(word, self._decimal) in self._numbers)

    def without(self, values: Array) -> Array:
        """The values with NaN for the numbers that mean that there is none."""
        return np.where(np.isin(values, self._numbers), np.nan, values) if self._numbers else values


USUAL = Absent()


def _number(word: str, decimal: str) -> float:
    try:
        return math.nan if "_" in word else float(word if decimal == "." else word.replace(decimal, "."))
    except ValueError:
        return math.nan
