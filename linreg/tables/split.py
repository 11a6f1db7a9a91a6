"""Which rows of a table are trained on, and which are held out."""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from linreg.triangle import Array


@dataclass(frozen=True)
class Split:
    """Which rows are used, and which of these are held out: told of each row alone, from its number.

    A row is held out if a number drawn for it from the seed, uniform in [0, 1), is at most `bound`, or from the row of
    number `last` on, if there is one; but the first row in which a category's word is used, one of `firsts`, never is:
    no coefficient would be trained for it. Coded rows that are `weighted` end with their weight; a weight of 0 is that
    of no row.
    """

    seed: int
    bound: float  # below 0, none is for its number
    missing: str
    target: int  # its place among the coded columns
    firsts: frozenset[int] = frozenset()
    weighted: bool = False
    last: int | None = None

    @property
    def holds_out(self) -> bool:
        """Whether any rows are to be held out."""
        return self.bound >= 0 or self.last is not None

    def used(self, coded: Array) -> Any:
        """Which of the rows have all the values that they must have, and a weight that is not 0."""
        used = coded[:, -1] > 0 if self.weighted else np.ones(len(coded), dtype=bool)
        if self.missing == "refuse":
            return used
        return used & ~(np.isnan(coded).any(axis=1) if self.missing == "drop" else np.isnan(coded[:, self.target]))

    def draws(self, first: int, rows: int) -> Array:
        """The numbers in [0, 1) of rows from number `first` on.

        Source: Steele, Lea and Flood 2014, Fast splittable pseudorandom number generators (SplitMix64)
        """
        counter = np.arange(first + 1, first + rows + 1, dtype=np.uint64)
        start = int.from_bytes(hashlib.blake2b(b"held out %d" % self.seed, digest_size=8).digest(), "little")
        z = np.uint64(start) + counter * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = (z ^ (z >> np.uint64(31))) >> np.uint64(11)
        return z.astype(np.float64) * 2.0**-53

    def held(self, first: int, rows: int) -> Any:
        """Which of the rows from number `first` on are held out, if they are used."""
        if self.last is not None:
            held = np.arange(first, first + rows) >= self.last
        elif self.bound >= 0:
            held = self.draws(first, rows) <= self.bound
        else:
            return np.zeros(rows, dtype=bool)
        held[[row - first for row in self.firsts if first <= row < first + rows]] = False
        return held
