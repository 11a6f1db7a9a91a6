"""The one pass over a table: what must be known of all its rows before any of them can be trained on."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from linreg.errors import BadInput
from linreg.examples import MOST_SAMPLED
from linreg.moments import Moments
from linreg.tables.encoding import LEFT_OUT, Choice, Codes, Encoding, refuse_missing
from linreg.tables.fold import Fold
from linreg.tables.source import check_finite, where
from linreg.tables.split import Split
from linreg.triangle import Array, Triangle, together

MOST_NUMBERS = 1 << 22  # in the rows sampled
MOST_HEAVY = 1000  # weights


@dataclass(frozen=True)
class Survey:
    """What the pass found. `trained` and `held_out` are the rows' triangles in standard units.

    `mean_weights` are those of the rows trained on (False) and held out (True), `heaviest` the largest of the former,
    at most 1,000.
    """

    rows: int
    split: Split
    encoding: Encoding
    places: list[Array]  # of each category, the level's place of every code, or -1
    trained: Triangle
    held_out: Triangle
    missing: dict[str, int]  # the values missing, by column, of rows to use or not
    dropped: int  # rows
    weightless: int  # of these, for their weight of 0
    mean_weights: dict[bool, float]
    heaviest: Array
    counts: dict[bool, dict[int, int]]  # of the rows held out or not, by piece
    sample: Array  # coded rows, at most 100,000, evenly spaced
    sample_rows: Array  # their numbers in the table, from 0
    fingerprint: str

    def recoded(self, coded: Array) -> Array:
        """Coded rows with the levels' places for codes."""
        if not self.places:
            return coded
        coded = coded.copy()
        start = len(self.encoding.choice.numbers)
        for j, places in enumerate(self.places, start=start):
            codes = coded[:, j]
            coded[:, j] = np.where(np.isnan(codes), np.nan, places[np.nan_to_num(codes).astype(np.int64)])
        return coded

    def standard(self, coded: Array, dtype: Any = np.float64, *, held: bool = False) -> tuple[Array, Array]:
        """Features and target (n, 1) of coded rows in standard units, as `linreg.triangle.parted` says."""
        X, y = self.encoding.standard(self.recoded(coded), dtype)
        if not self.split.weighted:
            return X, y
        return together(X, y, np.sqrt(coded[:, -1:] / self.mean_weights[held]).astype(dtype))


class Surveyor:
    """Looks at all the rows, some at a time, and then says what it found.

    `counts` are as in Survey; `least` and `greatest` are of the numbers drawn for the rows that are used.
    """

    def __init__(self, name: str, choice: Choice, split: Split, fit_intercept: bool) -> None:
        self._name, self._choice, self._split, self._centred = name, choice, split, fit_intercept
        self._moments = Moments(len(choice.numbers), fit_intercept)
        self._levels = [_Levels() for _ in choice.categories]
        self._fold: Fold | None = None
        self._missing = np.zeros(len(choice.columns), dtype=np.int64)
        most = min(MOST_SAMPLED, MOST_NUMBERS // len(choice.columns))
        self._sample, self._sample_rows = _Sample(most), _Sample(most)
        self.counts: dict[bool, dict[int, int]] = {False: {}, True: {}}
        self._digest = hashlib.blake2b(digest_size=16)
        self.rows = self._dropped = self._weightless = 0
        self._heaviest = np.empty(0)
        self._unit: float | None = None  # of weights, a power of 2 near the first ones, as only their ratios count
        self.least, self.greatest = 2.0, -1.0

    def see(self, coded: Array, pieces: Any) -> None:
        """Take in the next rows (n, k), n > 0; `pieces` (n,) are the numbers of the pieces that they belong to."""
        first, size = self.rows, len(self._choice.numbers)
        self.rows += len(coded)
        self._digest.update(np.where(np.isnan(coded), np.nan, coded).tobytes())
        missing = np.isnan(coded)
        self._check(coded, missing, first)
        self._missing += missing.sum(axis=0)

        used, held = self._split.used(coded), self._split.held(first, len(coded))
        for levels, codes in self._with_codes(coded):
            held[levels.meet(codes, used, first)] = False
        if self._split.bound >= 0 and used.any():
            draws = self._split.draws(first, len(coded))[used]
            self.least, self.greatest = min(self.least, draws.min()), max(self.greatest, draws.max())
        self._dropped += int(len(coded) - used.sum())
        weights = coded[used, -1] if self._split.weighted else None
        if weights is not None:
            self._weightless += int((coded[:, -1] == 0).sum())
        coded, held, pieces, rows = coded[used], held[used], pieces[used], first + np.flatnonzero(used)
        if not len(coded):
            return
        for which, counts in self.counts.items():
            for piece, count in _counted(pieces[held == which]):
                counts[piece] = counts.get(piece, 0) + count
        trained = coded[~held]
        if len(trained):
            own = None
            if weights is not None:
                self._unit = self._unit or float(np.ldexp(0.5, np.frexp(weights.max())[1]))
                own = weights[~held] / self._unit
                self._heaviest = np.sort(np.append(self._heaviest, weights[~held]))[-MOST_HEAVY:]
            self._moments.see(trained[:, :size], own)
            for levels, codes in self._with_codes(trained):
                levels.count(codes, own)
            self._sample.take(trained)
            self._sample_rows.take(rows[~held])
        if self._fold is None:
            self._fold = Fold(size, len(self._levels), trained if len(trained) else coded, self._centred)
        self._fold.see(coded, held, weights)

    def _with_codes(self, coded: Array) -> Iterator[tuple["_Levels", Array]]:
        return zip(self._levels, coded.T[len(self._choice.numbers) :], strict=False)

    def _check(self, coded: Array, missing: Any, first: int) -> None:
        columns = self._choice.columns
        if self._split.missing == "refuse":
            refuse_missing(missing, self._choice, self._name, first)
        check_finite(coded, columns, self._name, first)
        if self._split.weighted and (below := coded[:, -1] < 0).any():
            row = int(np.argmax(below))
            found = f"{coded[row, -1]:g} is below 0, and so no weight"
            raise BadInput(f"{where(self._name, first + row, columns[-1])}: {found}")

    def result(self, codes: Codes) -> Survey:
        """What was found; BadInput where no regression can be run on these rows."""
        name, choice = self._name, self._choice
        if self.rows < 2:
            found = "only one row" if self.rows else "no rows"
            raise BadInput(f"{name} has {found}: a regression needs at least 2 rows")
        if self._fold is None:
            has = " or has the weight 0" if self._split.weighted else ""
            empty = [column for column, count in zip(choice.columns, self._missing, strict=True) if count == self.rows]
            why = f": column {empty[0]!r} holds none" if empty else ""
            mend = f"; {LEFT_OUT}" if empty and empty[0] in choice.features else ""
            raise BadInput(f"{name}: every one of its {self.rows} rows lacks a value{has}{why}{mend}")
        if not self._fold.rows[False] or (self._split.holds_out and not self._fold.rows[True]):
            raise BadInput(f"{name}: its {self.rows - self._dropped} rows cannot be split into training and validation")
        mean_weights = {held: self._fold.mean_weight(held) for held in (False, True)}
        if not np.isfinite([*mean_weights.values()]).all():
            raise BadInput(f"{name}: column {choice.weights!r}: the sum of the weights exceeds float64")
        # What is so in these rows alone need not be so in the table.
        some = self._fold.rows[False]
        among = "" if some == self.rows else f" in the rows to train on, {some} of {self.rows}"
        weighted = f", with the weights of {choice.weights!r}" if choice.weights is not None else ""
        apart = self._moments.beyond_floats()
        for place in np.flatnonzero(self._moments.unfit()).tolist():
            column = choice.numbers[place]
            mend = f"; {LEFT_OUT}" if column in choice.features else ""
            lost = " in float64, in which integers above 2**53 lose digits" if column in codes.rounded else ""
            found = f"{self._moments.problem(place)}{weighted if apart[place] else ''}{among}"
            raise BadInput(f"{name}: column {column!r} {found}{lost}{mend}")
        words = [list(known) for known in codes.words]
        for column, levels, known in zip(choice.categories, self._levels, words, strict=True):
            levels.sort(known)
            if len(levels.order) < 2:
                found = f"is constant: every value is {known[levels.order[0]]!r}" if levels.order else "holds no value"
                raise BadInput(f"{name}: column {column!r} {found}{among}; {LEFT_OUT}")
        encoding = self._encoding(words)
        order = [levels.order for levels in self._levels]
        self._digest.update(json.dumps([choice.columns, self.rows, words]).encode())
        missing = {column: int(count) for column, count in zip(choice.columns, self._missing, strict=True) if count}
        firsts = frozenset(row for levels in self._levels for row in levels.firsts.values())
        return Survey(
            rows=self.rows,
            split=replace(self._split, firsts=firsts),
            encoding=encoding,
            places=[_inverse(places, len(known)) for places, known in zip(order, words, strict=True)],
            trained=self._fold.triangle(encoding, order, held=False),
            held_out=self._fold.triangle(encoding, order, held=True),
            missing=missing,
            dropped=self._dropped,
            weightless=self._weightless,
            mean_weights=mean_weights,
            heaviest=self._heaviest,
            counts=self.counts,
            sample=self._sample.rows(),
            sample_rows=self._sample_rows.rows(),
            fingerprint=self._digest.hexdigest(),
        )

    def _encoding(self, words: list[list[str]]) -> Encoding:
        """The encoding by the training rows' moments; those of a level's column follow from its share."""
        shifts, stds = self._moments.moments()
        shares = [levels.shares() for levels in self._levels]
        encoding = Encoding(
            choice=self._choice,
            levels=tuple(
                tuple(known[code] for code in levels.order) for known, levels in zip(words, self._levels, strict=True)
            ),
            missing=self._split.missing,
            fit_intercept=self._centred,
            fills=tuple(self._moments.means.tolist()),
            shares=tuple(tuple(part.tolist()) for part in shares),
            means=(),
            stds=(),
        )
        means, scales, size = list[float](), list[float](), len(shifts)
        for _, place, level in encoding.columns:
            if level is None:
                means.append(float(shifts[place]))
                scales.append(float(stds[place]))
                continue
            share, there = shares[place - size][level], self._levels[place - size].total() / self._moments.rows
            means.append(float(share) if self._centred else 0.0)
            scales.append(float(np.sqrt(there * share * (1 - share) + (0 if self._centred else share**2))))
        return replace(encoding, means=(*means, float(shifts[-1])), stds=(*scales, float(stds[-1])))


class _Levels:
    """The words of one category in the rows used, by their codes."""

    def __init__(self) -> None:
        self.firsts: dict[int, int] = {}  # the first row of each
        self.counts: dict[int, float] = {}  # of training rows, or their weights
        self.order: list[int] = []

    def meet(self, codes: Array, used: Any, first: int) -> list[int]:
        """The places of rows in which a word is used for the first time."""
        places = np.flatnonzero(used & ~np.isnan(codes))
        values, at = np.unique(codes[places], return_index=True)
        new = [(int(value), int(places[i])) for value, i in zip(values, at, strict=True)]
        new = [(code, place) for code, place in new if code not in self.firsts]
        self.firsts.update((code, first + place) for code, place in new)
        return [place for _, place in new]

    def count(self, codes: Array, weights: Array | None) -> None:
        there = ~np.isnan(codes)
        for code, count in _counted(codes[there].astype(np.int64), None if weights is None else weights[there]):
            self.counts[code] = self.counts.get(code, 0) + count

    def sort(self, words: list[str]) -> None:
        """Put the words in order: by value if all are numbers, else as texts."""
        try:
            self.order = sorted(self.counts, key=lambda code: (float(words[code]), words[code]))
        except ValueError:
            self.order = sorted(self.counts, key=words.__getitem__)

    def total(self) -> float:
        return sum(self.counts.values())

    def shares(self) -> Array:
        return np.array([self.counts[code] for code in self.order]) / self.total()


class _Sample:
    """Evenly spaced rows, `most` at most however many there are."""

    def __init__(self, most: int) -> None:
        self._most, self._every, self._seen = most, 1, 0
        self._parts, self._kept = list[Array](), 0

    def take(self, rows: Array) -> None:
        part = rows[-self._seen % self._every :: self._every].copy()
        self._seen += len(rows)
        self._parts.append(part)
        self._kept += len(part)
        while self._kept > self._most:
            self._every *= 2
            self._parts = [self.rows()[::2].copy()]
            self._kept = len(self._parts[0])

    def rows(self) -> Array:
        return np.concatenate(self._parts)


def _counted(values: Any, weights: Array | None = None) -> Sequence[tuple[int, Any]]:
    found, places = np.unique(values, return_inverse=True)
    return list(zip(found.tolist(), np.bincount(places, weights).tolist(), strict=True))


def _inverse(order: list[int], codes: int) -> Array:
    places = np.full(codes, -1.0)
    places[order] = np.arange(len(order))
    return places
