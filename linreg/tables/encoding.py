"""How the rows of a table become the numbers that a model is trained on, and the rows of another table the same."""

import json
import reprlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, Self

import numpy as np

from linreg.errors import BadInput
from linreg.scaling import Scaling
from linreg.settings import MISSING
from linreg.tables.source import Block, NotNumbers, Source, Texts, check_finite, chosen_columns, where
from linreg.triangle import Array

MOST_LEVELS = 1000  # of a category
LEFT_OUT = "--without leaves columns out"
TARGET = "a target must be numbers, as 1 for yes and 0 for no; --na takes words for a missing value"
DROPPED, FILLED = "--missing drop leaves such rows out", ", --missing mean fills them"


@dataclass(frozen=True)
class Choice:
    """Which columns of a table are meant: `features` in order, those of them that are `categories`, and the target.

    `weights` is that of the rows' weights, if they have any.
    """

    features: tuple[str, ...]
    categories: tuple[str, ...]
    target: str | None
    weights: str | None = None

    @classmethod
    def of(
        cls,
        source: Source,
        target: str | None,
        features: Sequence[str] | None,
        categories: Sequence[str],
        without: Sequence[str] = (),
        weights: str | None = None,
    ) -> Self:
        """What the names given mean in this table; BadInput where they mean nothing."""
        chosen = chosen_columns(source, target, features, categories, without, weights)
        return cls(chosen, tuple(name for name in chosen if name in categories), target, weights)

    @property
    def numbers(self) -> tuple[str, ...]:
        """The columns of numbers: features, then the target."""
        features = tuple(name for name in self.features if name not in self.categories)
        return features if self.target is None else (*features, self.target)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of a coded row: numbers, then categories, then the row's weight, if there is one."""
        return (*self.numbers, *self.categories, *self.weighing)

    @property
    def weighing(self) -> tuple[str, ...]:
        """The column of weights, or none."""
        return () if self.weights is None else (self.weights,)


class Codes:
    """The words of each category, numbered as they come; a row's word becomes its number."""

    def __init__(self, choice: Choice, name: str, known: Sequence[Sequence[str]] | None = None) -> None:
        self.choice, self.name, self._grows = choice, name, known is None
        self.rounded = set[str]()  # columns in which an integer lost digits
        self.padded = set[str]()  # columns of numbers of which some begin with 0
        self.words = [
            {word: code for code, word in enumerate(words)} for words in known or [()] * len(choice.categories)
        ]

    def blocks(self, source: Source, spans: Any = None) -> Iterator[tuple[int, Array]]:
        """The number of the first row, and coded rows (n, k) in the order of `Choice.columns`, of each block.

        BadInput that says what mends it for a feature or a target that does not hold numbers.
        """
        try:
            for block in source.blocks((*self.choice.numbers, *self.choice.weighing), self.choice.categories, spans):
                self.rounded.update(block.rounded)
                self.padded.update(block.padded)
                yield block.first, self.coded(block)
        except NotNumbers as error:
            if error.column == self.choice.target and error.words:
                raise BadInput(f"{error}; {TARGET}") from error
            if error.column not in self.choice.features:
                raise
            words = "--categories takes columns of words, --na words for a missing value, " if error.words else ""
            raise BadInput(f"{error}; {words}{LEFT_OUT}") from error

    def coded(self, block: Block) -> Array:
        """The block's numbers, then the numbers of its categories' words, then its weights; NaN where there is none.

        BadInput for a word that is not among those known, and for more than 1,000 of them.
        """
        if not block.texts:
            return block.numbers
        columns = [self._code(place, texts, block.first) for place, texts in enumerate(block.texts)]
        some = len(self.choice.numbers)
        return np.column_stack([block.numbers[:, :some], *columns, block.numbers[:, some:]])

    def _code(self, place: int, texts: Any, first: int) -> Array:
        codes, words = texts if isinstance(texts, Texts) else _as_texts(texts)
        of_word = np.array([self.words[place].get(word, -1) for word in words] + [-1], dtype=np.float64)
        used, at = np.unique(codes, return_index=True)
        # New words in the order of their rows, that it does not matter how the rows are cut into blocks.
        for row, code in sorted(zip(map(int, at), map(int, used), strict=True)):
            if code >= 0 and of_word[code] < 0:
                of_word[code] = self._new(place, words[code], first + row)
        of_word[-1] = np.nan
        return of_word[np.where(codes < 0, -1, codes)]

    def _new(self, place: int, word: str, row: int) -> int:
        known, column = self.words[place], self.choice.categories[place]
        if not self._grows:
            levels = ", ".join(map(reprlib.repr, list(known)[:10])) + (", …" if len(known) > 10 else "")
            raise BadInput(
                f"{where(self.name, row, column)}: {reprlib.repr(word)} is none of the levels trained on, {levels}; "
                "train again on rows that hold it, leave such rows out, or let --na name it as a missing value"
            )
        if len(known) == MOST_LEVELS:
            raise BadInput(
                f"{where(self.name, row, column)}: more than {MOST_LEVELS} levels, which are too many for a category; "
                f"{LEFT_OUT}"
            )
        return known.setdefault(word, len(known))


@dataclass(frozen=True)
class Encoding:
    """From a coded row to the features (d,) in standard units: fills, one-hot columns, then shifts and scales.

    `levels` are each category's, in order; `fills` (k,) the training rows' means of the numbers, the target's last;
    `shares` those of the levels among the rows that have one. `missing` is what is done where a value is missing.
    `means` and `stds` (d + 1,) are of the coefficients' columns, then of the target. Of a file of text, `header`
    says whether its first line names the columns, and `na` are words of it that mean a missing value, beside the usual.
    """

    choice: Choice
    levels: tuple[tuple[str, ...], ...]
    missing: str
    fit_intercept: bool
    fills: tuple[float, ...]
    shares: tuple[tuple[float, ...], ...]
    means: tuple[float, ...] = field(repr=False)
    stds: tuple[float, ...] = field(repr=False)
    header: bool = True
    na: tuple[str, ...] = ()

    @cached_property
    def kept(self) -> tuple[tuple[int, ...], ...]:
        """The places of each category's levels that have a coefficient.

        With an intercept the first level is the reference that has none; without one the first category keeps it.
        """
        return tuple(
            tuple(range(0 if place == 0 and not self.fit_intercept else 1, len(levels)))
            for place, levels in enumerate(self.levels)
        )

    @property
    def reference_levels(self) -> tuple[str, ...]:
        """What each category's coefficients are differences from, as `A=level`, where one of its levels has none."""
        each = zip(self.choice.categories, self.levels, self.kept, strict=True)
        return tuple(f"{name}={levels[0]}" for name, levels, kept in each if 0 < len(kept) < len(levels))

    @cached_property
    def columns(self) -> list[tuple[str, int, int | None]]:
        """Of each coefficient its name, the coded column it is made of, and the level, where that is a category."""
        numbers, columns = self.choice.numbers, list[tuple[str, int, int | None]]()
        place_of = {name: place for place, name in enumerate(numbers)}
        for name in self.choice.features:
            if name not in self.choice.categories:
                columns.append((name, place_of[name], None))
                continue
            place = self.choice.categories.index(name)
            columns += [(f"{name}={self.levels[place][i]}", len(numbers) + place, i) for i in self.kept[place]]
        return columns

    @property
    def names(self) -> tuple[str, ...]:
        """The coefficients' names: the columns', and `A=level` for the levels of a category A."""
        return tuple(name for name, _, _ in self.columns)

    @cached_property
    def scaling(self) -> Scaling:
        """The shifts and scales, and the way back to the columns' own units."""
        return Scaling(np.array(self.means), np.array(self.stds))

    def columns_of(self, coded: Array) -> Array:
        """The coefficients' columns (n, d) in their own units, of coded rows whose codes are places in `levels`."""
        if not self.levels:
            X = coded[:, : len(self.columns)]
            return np.where(np.isnan(X), self.fills[:-1], X) if self.missing == "mean" else X
        X = np.empty((len(coded), len(self.columns)))
        for j, (_, place, level) in enumerate(self.columns):
            column = coded[:, place]
            if level is None:
                X[:, j] = column
                fill = self.fills[place]
            else:
                np.equal(column, level, out=X[:, j])
                fill = self.shares[place - len(self.choice.numbers)][level]
            if self.missing == "mean":
                X[np.isnan(column), j] = fill
        return X

    def standard(self, coded: Array, dtype: Any = np.float64) -> tuple[Array, Array]:
        """Features (n, d) and target (n, 1) of coded rows, in standard units."""
        place = len(self.choice.numbers) - 1
        X, y = np.empty((len(coded), len(self.columns)), dtype), np.empty((len(coded), 1), dtype)
        means, stds = self.scaling.means, self.scaling.stds
        np.divide(self.columns_of(coded) - means[:-1], stds[:-1], out=X, casting="same_kind")
        np.divide(coded[:, place : place + 1] - means[-1], stds[-1], out=y, casting="same_kind")
        return X, y

    def encode(self, block: Block, name: str) -> tuple[Any, Array]:
        """The places (m,) in a block of a table's features of the rows that can be predicted, and these (m, d).

        The block's columns are `for_prediction`'s. Rows that lack a value are filled, left out or refused, as in
        training. BadInput, naming row and column, for a level that training has not seen.
        """
        choice = self.for_prediction
        coded = Codes(choice, name, self.levels).coded(block)
        check_finite(coded, choice.columns, name, block.first)
        missing = np.isnan(coded)
        if self.missing == "refuse":
            refuse_missing(missing, choice, name, block.first)
        rows = np.flatnonzero(~missing.any(axis=1) if self.missing == "drop" else np.ones(len(coded), dtype=bool))
        # The target's place among the numbers, which the columns are counted by.
        coded = np.insert(coded[rows], len(choice.numbers), np.nan, axis=1)
        return rows, self.standard(coded)[0]

    @cached_property
    def for_prediction(self) -> Choice:
        """The columns that a table to predict from must have."""
        return Choice(self.choice.features, self.choice.categories, None)

    def to_json(self) -> str:
        """Everything, as text that `from_json` reads; floats come back to the last bit."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Encoding":
        """What `to_json` wrote; BadInput for anything else."""
        try:
            fields = json.loads(text)
            choice = Choice(**{name: _frozen(value) for name, value in fields.pop("choice").items()})
            encoding = cls(choice, **{name: _frozen(value) for name, value in fields.items()})
            size, numbers = len(encoding.columns) + 1, len(choice.numbers)
            lengths = [len(encoding.means), len(encoding.stds), len(encoding.fills)]
            shapes = [len(levels) for levels in encoding.levels], [len(shares) for shares in encoding.shares]
            if lengths != [size, size, numbers] or shapes[0] != shapes[1] or encoding.missing not in MISSING:
                raise ValueError("its parts do not fit each other")
        except (ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
            raise BadInput(f"not the encoding of a table: {error}") from error
        return encoding


def refuse_missing(missing: Any, choice: Choice, name: str, first: int) -> None:
    """BadInput for the first value that is missing in coded rows (n, k) from number `first` on."""
    if missing.any():
        row, place = np.unravel_index(int(np.argmax(missing)), missing.shape)
        column = choice.columns[int(place)]
        mend = DROPPED + (FILLED if column in choice.features else "")  # a target or a weight is never filled
        if not column and column in choice.features:  # as where each line ends with a comma
            mend = "--without '' leaves this column, which has no name, out"
        raise BadInput(f"{where(name, first + int(row), column)}: the value is missing; {mend}")


def _frozen(value: Any) -> Any:
    return tuple(_frozen(part) for part in value) if isinstance(value, list) else value


def _as_texts(column: Any) -> Texts:
    words: dict[str, int] = {}
    codes = [-1 if word is None else words.setdefault(word, len(words)) for word in column]
    return Texts(np.array(codes, dtype=np.int64), tuple(words))
