"""What a table is, whatever it is kept in: named columns, read from beginning to end in blocks of rows.

A source of your own needs the three members of `Source`, and goes wherever a file's name does:

    class Readings:
        name = "readings of sensor 7"  # stands at the head of messages
        columns = ("t", "volts", "place")

        def pieces(self, rows):
            return None  # only from beginning to end

        def blocks(self, numbers, texts, spans=None):
            for first, t, volts, place in self.hours():
                columns = {"t": t, "volts": volts}
                yield Block(first, np.column_stack([columns[name] for name in numbers]), tuple(place for _ in texts))
"""

import difflib
import math
import re
import reprlib
from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from linreg.errors import BadInput
from linreg.tables.mending import mended
from linreg.triangle import Array

Span = tuple[int, int]  # the row numbers from the first to before the second

PADDED = r"\s*0\d{3,}\s*"  # 02134, but not a month's 08
EXACT = 2.0**53  # below it, float64 holds every integer
LONGEST_LINE = 1 << 24  # bytes; what is longer is no row of a table, and may have no end (/dev/zero)


class Texts(NamedTuple):
    """A column of texts: row i holds `words[codes[i]]`, or nothing where `codes[i]` is below 0."""

    codes: NDArray[np.int64]
    words: Sequence[str]


class Block(NamedTuple):
    """Rows that follow each other, from number `first` on, counted from 0.

    `numbers` (n, k) float64 are the columns asked for as numbers, NaN where there is none; `texts` those asked for as
    texts, each an object array (n,) of str, None where there is none, or `Texts`. Infinities are refused by the reader.
    `kept` are Arrow arrays (n,), as the file has them, of the columns that it was opened to keep; `rounded` names the
    columns of numbers in which an integer lost digits, `padded` those with a text that begins with 0, as codes do.
    """

    first: int
    numbers: Array
    texts: tuple[Any, ...] = ()
    kept: tuple[Any, ...] = ()
    rounded: tuple[str, ...] = ()
    padded: tuple[str, ...] = ()


@runtime_checkable
class Source(Protocol):
    """A table, one block in memory at a time. Whatever is wrong with it is BadInput, naming row and column."""

    @property
    def name(self) -> str:
        """What messages call it."""

    @property
    def columns(self) -> Sequence[str]:
        """The names of all its columns, as often as they stand there."""

    def pieces(self, rows: int) -> Sequence[int] | None:
        """The numbers of rows of the pieces that can be read without what is before them, or None if there are none.

        A source that is free to choose makes pieces of `rows` rows. None also means that it may be read only once.
        """

    def blocks(
        self, numbers: Sequence[str], texts: Sequence[str], spans: Iterable[Span] | None = None
    ) -> Iterator[Block]:
        """The rows in order, or those of `spans`, each of which is one of the pieces; of these columns."""


def where(name: str, row: int, column: str) -> str:
    """How a message begins that is about one cell; `row` is counted from 0."""
    return f"{name}, row {row + 1}, column {column!r}"


class NotNumbers(BadInput):
    """What is wrong with a `column` that should hold numbers; `words` says whether texts are in their place."""

    def __init__(self, message: str, column: str, words: bool = False) -> None:
        super().__init__(message)
        self.column, self.words = column, words


def not_a_number(name: str, row: int, column: str, cell: object, decimal: str = ".") -> NotNumbers:
    """The refusal of a cell that is neither a finite number nor missing; `row` is counted from 0."""
    hint = mended(cell, decimal) if isinstance(cell, str) else None
    words = isinstance(cell, str) and hint is None and not is_infinite(cell)
    said = f"{where(name, row, column)}: {reprlib.repr(cell)} is not a finite number"
    return NotNumbers(f"{said}; {hint}" if hint else said, column, words)


def is_infinite(cell: str) -> bool:
    """Whether the text says a number that is too large, or infinite."""
    try:
        return math.isinf(float(cell))
    except ValueError:
        return False


def check_finite(rows: Array, columns: Sequence[str], name: str, first: int) -> None:
    """BadInput for the first infinite value in rows (n, k) from number `first` on, counted from 0."""
    infinite = np.isinf(rows)
    if infinite.any():
        row, place = np.unravel_index(int(np.argmax(infinite)), rows.shape)
        raise not_a_number(name, first + int(row), columns[int(place)], float(rows[row, place]))


def chosen_columns(
    source: Source,
    target: str | None,
    features: Sequence[str] | None,
    categories: Sequence[str] = (),
    without: Sequence[str] = (),
    weights: str | None = None,
) -> tuple[str, ...]:
    """The features that are meant: those given, or else all columns but the target and those that features are without.

    `categories` are the columns to be taken as texts, each of which must be a feature; the column of the rows'
    `weights`, if any, is none. BadInput if that cannot be.
    """
    single = [name for name in (target, weights) if name is not None]
    for names in (single, features or (), categories, without):
        need_columns(source, names, listed=names is not single)
    others = tuple(name for name in source.columns if name not in (target, weights, *without))
    chosen = others if features is None else tuple(features)
    need_one_each(source, (target, weights))
    need_one_each(source, chosen, features is None)
    if target in chosen:
        raise BadInput(f"column {target!r} is the target and cannot be a feature as well")
    if weights is not None and weights in (target, *chosen):
        what = "the target" if weights == target else "a feature"
        raise BadInput(f"column {weights!r} is the rows' weights and cannot be {what} as well")
    for names, kind in ((chosen, "feature"), (categories, "category")):
        if (twice := repeated(names)) is not None:
            raise BadInput(f"{kind} {twice!r} is named twice")
    for name in categories:
        if name == target:
            raise BadInput(f"column {name!r} is the target and cannot be a category: a regression predicts numbers")
        if name not in chosen:
            raise BadInput(f"category {name!r} is not among the features")
    if not chosen:
        raise BadInput(f"{source.name}: there is no feature to predict {target!r} from")
    return chosen


def need_one_each(source: Source, names: Sequence[str | None], droppable: bool = False) -> None:
    """BadInput where two columns have one of these names; two others do no harm."""
    if (name := repeated([name for name in source.columns if name in names])) is not None:
        mend = _read_as_row(source) or (f"; --without {name!r} leaves both out" if droppable else "")
        raise BadInput(f"{source.name}: two columns are named {name!r}{mend}")


def need_columns(source: Source, names: Sequence[str], *, listed: bool = True) -> None:
    """BadInput where there is no column of one of these names, which stood between commas where they are `listed`."""
    columns = set(source.columns)
    for name in names:
        if name not in columns:
            parted = _parted(source, name, names) if listed else None
            quoted = "a name with a comma needs double quotes inside"
            meant = f"is it {parted!r}? {quoted}: '\"{parted}\"'" if parted else None
            raise BadInput(_no_column(source, name, meant))


def _parted(source: Source, name: str, names: Sequence[str]) -> str | None:
    """The column whose name was taken for several, between commas, of which `name` is one."""
    for column in source.columns:
        parts = [part.strip() for part in column.split(",")]
        if name in parts and set(parts) <= set(names):
            return column
    return None


def _no_column(source: Source, name: str, meant: str | None) -> str:
    """That there is no column of this name, and what may have been meant."""
    known = ", ".join(map(repr, source.columns[:10])) + (", …" if len(source.columns) > 10 else "")
    folded = {column.casefold(): column for column in source.columns}
    near = [folded[match] for match in difflib.get_close_matches(name.casefold(), folded, n=1)]
    meant = meant or (f"is it {near[0]!r}?" if near else None)
    marks = {";": "csv2 reads semicolons and decimal commas", "\t": "tsv reads tabs"}
    uncut = [mend for mark, mend in marks.items() if len(source.columns) == 1 and mark in source.columns[0]]
    mend = f"; --format {uncut[0]}" if uncut else _read_as_row(source) or _uncut(source)
    return f"{source.name} has no column {name!r}{f' ({meant})' if meant else ''}; its columns are {known}{mend}"


def _uncut(source: Source) -> str:
    """How cells are separated, where a table of text has one column that looks like several."""
    if len(source.columns) != 1 or not hasattr(source, "headless"):
        return ""
    first = source.columns[0]
    if not re.search(r"[^|\s][|\s]", first):
        return ""
    if first.startswith("#"):
        return "; the first line must name the columns: tail -n +2 leaves one out"
    tabs = r"tr '|' '\t'" if "|" in first else r"tr -s ' ' '\t'"
    return f"; cells are separated by commas or semicolons, with --format tsv by tabs, which {tabs} makes of these"


def headless(source: Source) -> bool:
    """Whether the first line of a table of text, which should name its columns, holds numbers alone."""
    return getattr(source, "headless", False)


def _read_as_row(source: Source) -> str:
    line = "its first line holds numbers alone: --no-header reads it as a row, of columns x0, x1, ..."
    return f"; {line}" if headless(source) else ""


def repeated(names: Sequence[str]) -> str | None:
    """The first name that is there twice."""
    return next((name for name, count in Counter(names).items() if count > 1), None)


def losing(
    values: Array, names: Sequence[str], column: Callable[[str], Any], pick: Callable[[Any, Any], Iterable[Any]]
) -> tuple[str, ...]:
    """The columns in which a cell is an integer and not the float64 in `values` (n, k) that was made of it.

    `column(name)` gives a column, and `pick(column, where)` its cells where (n,) says: those of numbers from 2**53.
    """
    if values.min(initial=0) > -EXACT and values.max(initial=0) < EXACT:  # as in most blocks; not if one is NaN
        return ()
    above = (np.abs(values) >= EXACT) & np.isfinite(values)
    found = []
    for place in np.flatnonzero(above.any(axis=0)).tolist():
        where = above[:, place]
        if any(map(_differs, pick(column(names[place]), where), values[where, place].tolist())):
            found.append(names[place])
    return tuple(found)


def _differs(cell: Any, value: float) -> bool:
    try:
        return int(cell) != int(value)
    except (TypeError, ValueError):  # no integer, as 1e20
        return False


def lost_digits(source: Source, columns: Container[str]) -> str:
    """The warning where integers in these columns are too large for float64."""
    return f"integers above 2**53 in {_listed(source, columns)} of {source.name} lose digits in float64"


def leading_zeros(source: Source, columns: Container[str]) -> str:
    """How the warning begins where these columns of numbers may hold codes."""
    return f"numbers of {_listed(source, columns)} in {source.name} begin with 0, as codes do"


def _listed(source: Source, columns: Container[str]) -> str:
    return ", ".join(repr(name) for name in source.columns if name in columns)


def text_of(cell: Any) -> str:
    """A cell as a table of text would hold it: 3 for 3.0, true for True, nothing for None and NaN."""
    if cell is None or cell != cell:
        return ""
    if isinstance(cell, (bool, np.bool_)):
        return str(cell).lower()
    if isinstance(cell, (float, np.floating)):
        return str(int(cell)) if float(cell).is_integer() else repr(float(cell))
    return str(cell)
