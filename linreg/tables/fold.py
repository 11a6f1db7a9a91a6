"""Triangles of rows whose columns are known only when all the rows have been seen."""

from typing import Any

import numpy as np

from linreg.moments import Moments
from linreg.tables.encoding import Encoding
from linreg.triangle import Array, Triangle, upper

NUMBERS = 1 << 18  # folded at once

# What a column holds: ("number", place) a shifted and scaled number, 0 where there is none; ("none", place) 1 where
# there is none; ("level", place, code) 1 where a category holds that word; ("one",) 1.
Key = tuple[Any, ...]


class Fold:
    """Coded rows folded by QR. A level, or a missing value, that turns up later is a new column, 0 in the rows before.

    Numbers are shifted and scaled by the first rows', so that what is left to do at the end, in `triangle`, changes
    little and costs no precision. Rows that have weights are folded as `linreg.triangle.parted` says; `weights` and
    `logs` are the sums of these and of their logarithms, and the mean of the former is 1 in the end only.
    """

    def __init__(self, numbers: int, categories: int, first: Array, centred: bool) -> None:
        moments = Moments(numbers, centred)
        moments.see(first[:, :numbers])
        self._shifts, stds = moments.moments()
        self._scales = np.where((stds > 0) & np.isfinite(stds), stds, 1.0)
        self._numbers, self._categories = numbers, categories
        self.keys: list[Key] = [*(("number", place) for place in range(numbers)), ("one",)]
        self._places: dict[Key, int] = {key: place for place, key in enumerate(self.keys)}
        self._triangles: dict[bool, Array] = {}
        self.rows, self.weights, self.logs = {True: 0, False: 0}, {True: 0.0, False: 0.0}, {True: 0.0, False: 0.0}

    def see(self, coded: Array, held: Any, weights: Array | None = None) -> None:
        """Take in coded rows (n, k), n > 0, with their weights (n,); the held-out ones have a triangle of their own."""
        self._grow(coded)
        if weights is not None:
            for which in (False, True):
                with np.errstate(over="ignore"):  # which the survey refuses
                    self.weights[which] += float(weights[held == which].sum())
                self.logs[which] += float(np.log(weights[held == which]).sum())
        step = max(NUMBERS // len(self.keys), len(self.keys))
        for start in range(0, len(coded), step):
            part, apart = coded[start : start + step], held[start : start + step]
            rows = self._extended(part)
            if weights is not None:
                rows *= np.sqrt(weights[start : start + step, None])
            for which in (False, True):
                mine = rows[apart == which]
                if len(mine):
                    self._fold(which, mine)

    def triangle(self, encoding: Encoding, codes: list[list[int]], held: bool) -> Triangle:
        """The rows, in the standard units of the encoding; `codes` are those of the levels of each category."""
        change = np.zeros((len(self.keys), len(encoding.columns) + 2))
        one, at = self._places["one",], self._places
        target = self._numbers - 1
        standard = zip(
            [*((place, level) for _, place, level in encoding.columns), (target, None)],
            [*range(len(encoding.columns)), -1],
            encoding.scaling.means,
            encoding.scaling.stds,
            strict=True,
        )
        for (place, level), j, mean, std in standard:
            none = at.get(("none", place))
            if level is None:
                change[at["number", place], j] = self._scales[place] / std
                change[one, j] = (self._shifts[place] - mean) / std
                if none is not None:
                    change[none, j] = (encoding.fills[place] - self._shifts[place]) / std
            else:
                category = place - self._numbers
                change[at["level", place, codes[category][level]], j] = 1 / std
                change[one, j] = -mean / std
                if none is not None:
                    change[none, j] = encoding.shares[category][level] / std
        change[one, -2] = 1
        found = Triangle(len(encoding.columns))
        found.rows = self.rows[held]
        if found.rows:
            mean = self.mean_weight(held)
            found.R = upper(self._padded(held) @ change) / np.sqrt(mean)
            found.log_weights = self.logs[held] - found.rows * float(np.log(mean))
        return found

    def mean_weight(self, held: bool) -> float:
        """The mean of the weights; 1 where rows have none."""
        return self.weights[held] / self.rows[held] if self.weights[held] else 1.0

    def _grow(self, coded: Array) -> None:
        new: list[Key] = [("none", int(place)) for place in np.flatnonzero(np.isnan(coded).any(axis=0))]
        for place in range(self._numbers, self._numbers + self._categories):
            codes = coded[:, place]
            new += [("level", place, int(code)) for code in np.unique(codes[~np.isnan(codes)])]
        for key in new:
            if key not in self._places:
                self._places[key] = len(self.keys)
                self.keys.append(key)

    def _extended(self, coded: Array) -> Array:
        rows = np.zeros((len(coded), len(self.keys)))
        missing = np.isnan(coded)
        some = self._numbers
        with np.errstate(over="ignore", invalid="ignore"):
            rows[:, :some] = np.where(missing[:, :some], 0.0, (coded[:, :some] - self._shifts) / self._scales)
        rows[:, some] = 1
        for j, key in enumerate(self.keys[some + 1 :], start=some + 1):
            rows[:, j] = missing[:, key[1]] if key[0] == "none" else coded[:, key[1]] == key[2]
        return rows

    def _fold(self, held: bool, rows: Array) -> None:
        self.rows[held] += len(rows)
        self._triangles[held] = upper(np.vstack([self._padded(held), rows]))

    def _padded(self, held: bool) -> Array:
        R = self._triangles.get(held)
        if R is None:
            return np.zeros((0, len(self.keys)))
        return np.pad(R, ((0, 0), (0, len(self.keys) - R.shape[1])))
