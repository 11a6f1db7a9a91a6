"""Rows from any iterable: a list, a cursor, a generator."""

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from linreg.errors import BadInput
from linreg.tables.absent import Absent
from linreg.tables.arrow import number_of_text
from linreg.tables.source import PADDED, Block, Span, losing, not_a_number, text_of, where

ROWS = 1 << 10  # in a block


class Rows:
    """The rows of an iterable, which is gone through once: dictionaries, named tuples, structured rows or sequences.

    The first row says what the columns are called, unless `columns` does: by its keys or fields; those of a plain
    sequence are x0, x1, …. A value is a number, a text as in a CSV file, or None for none, as `na` is; a key that a
    dictionary lacks is none too.
    """

    def __init__(
        self,
        rows: Iterable[Any],
        columns: Sequence[str] | None = None,
        name: str = "the rows",
        *,
        na: Sequence[str] = (),
    ) -> None:
        self.name, self._rows, self._absent = name, iter(rows), Absent(na)
        start = next(self._rows, None)
        if start is None:
            raise BadInput(f"{name} are empty: a regression needs at least 2 rows")
        self._rows = itertools.chain([start], self._rows)
        self.columns = tuple(_names(start, name) if columns is None else columns)
        self._known = set(self.columns)

    def pieces(self, rows: int) -> Sequence[int] | None:
        """None: what was gone through is gone."""
        return None

    def blocks(
        self, numbers: Sequence[str], texts: Sequence[str], spans: Iterable[Span] | None = None
    ) -> Iterator[Block]:
        """The rows in order."""
        first = 0
        while rows := list(itertools.islice(self._rows, ROWS)):
            values = np.empty((len(rows), len(numbers)))
            words = np.empty((len(texts), len(rows)), dtype=object)
            block = [self._cells(row, first + i) for i, row in enumerate(rows)]
            for i, cells in enumerate(block):
                values[i] = [self._number(cells.get(name), first + i, name) for name in numbers]
                words[:, i] = [self._text(cells.get(name), first + i, name) for name in texts]
            values = self._absent.without(values)
            lost = losing(values, numbers, partial(_column, block), itertools.compress)
            zeros = tuple(name for name in numbers if any(_padded(cells.get(name)) for cells in block))
            yield Block(first, values, tuple(words), rounded=lost, padded=zeros)
            first += len(rows)

    def _cells(self, row: Any, number: int) -> Mapping[str, Any]:
        if isinstance(row, Mapping):
            if not row.keys() <= self._known:
                strange = next(key for key in row if key not in self._known)
                raise BadInput(f"{self.name}, row {number + 1} has a column {strange!r}, which row 1 has not")
            return row
        try:
            cells = list(row)
        except TypeError:
            raise BadInput(f"{self.name}, row {number + 1} is {type(row).__name__}, which is no row") from None
        if len(cells) != len(self.columns):
            raise BadInput(
                f"{self.name}, row {number + 1}: there are {len(self.columns)} columns, here are {len(cells)}"
            )
        return dict(zip(self.columns, cells, strict=True))

    def _number(self, cell: Any, row: int, column: str) -> float:
        try:
            value = number_of_text(cell, self._absent) if cell is None or isinstance(cell, str) else float(cell)
        except (TypeError, ValueError, OverflowError):
            value = None
        if value is None or np.isinf(value):
            raise not_a_number(self.name, row, column, cell)
        return value

    def _text(self, cell: Any, row: int, column: str) -> str | None:
        if cell is None or isinstance(cell, (str, int, float, np.integer, np.floating, np.bool_)):
            text = text_of(cell).strip()
            return None if self._absent.says(text) else text
        raise BadInput(f"{where(self.name, row, column)}: {type(cell).__name__} is neither text nor number")


def _padded(cell: Any) -> bool:
    return isinstance(cell, str) and re.fullmatch(PADDED, cell) is not None


def _column(rows: Sequence[Mapping[str, Any]], name: str) -> list[Any]:
    return [row[name] for row in rows]


def _names(row: Any, name: str) -> Sequence[str]:
    if isinstance(row, Mapping):
        names: Any = row.keys()
    elif isinstance(row, np.void) and row.dtype.names:
        names = row.dtype.names
    elif hasattr(row, "_fields"):
        names = row._fields
    elif isinstance(row, (Sequence, np.ndarray)) and not isinstance(row, (str, bytes)):
        return [f"x{i}" for i in range(len(row))]
    else:
        raise BadInput(f"{name}, row 1 is {type(row).__name__}: a row is a dictionary or a sequence")
    for key in names:
        if not isinstance(key, str):
            raise BadInput(f"{name}: a column is called {key!r}, which is no text")
    return list(names)
