"""Rows that were read once and may be needed again: in memory while they are few, then in a file without a name."""

import tempfile
import weakref
from collections.abc import Iterator, Sequence
from typing import IO

import numpy as np

from linreg.errors import BadInput
from linreg.tables.source import Span
from linreg.tables.streams import no_room
from linreg.triangle import Array

READ = 1 << 16  # numbers read at once


class Spool:
    """Rows (n, width) of float64, added from the first to the last, then read from anywhere.

    More than `limit` rows go to a temporary file, which is gone when the process ends, however it ends.
    """

    def __init__(self, width: int, limit: int, name: str) -> None:
        self.rows, self._width, self._limit, self._name = 0, width, limit, name
        self._few: list[Array] = []
        self._file: IO[bytes] | None = None

    def add(self, rows: Array) -> None:
        """Keep more rows; BadInput where the disk is full."""
        self.rows += len(rows)
        self._few.append(rows)
        if self.rows <= self._limit:
            return
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile()  # noqa: SIM115
                weakref.finalize(self, self._file.close)
            for part in self._few:
                self._file.write(np.ascontiguousarray(part).data)
            self._file.flush()
        except OSError as error:
            raise no_room(self._name, error) from error
        self._few.clear()

    def pieces(self, rows: int) -> Sequence[int]:
        """Pieces of `rows` rows, the last one of what is left."""
        return [min(rows, self.rows - start) for start in range(0, self.rows, rows)]

    def read(self, spans: Sequence[Span]) -> Iterator[tuple[int, Array]]:
        """The number of the first row and the rows of blocks that together are these spans."""
        self._few[:] = [np.concatenate(self._few)] if self._few else []
        step = max(READ // self._width, 1)
        for begin, end in spans:
            for start in range(begin, end, step):
                yield start, self._rows(start, min(step, end - start))

    def _rows(self, start: int, rows: int) -> Array:
        if self._file is None:
            return self._few[0][start : start + rows]
        self._file.seek(start * self._width * 8)
        data = self._file.read(rows * self._width * 8)
        if len(data) < rows * self._width * 8:
            raise BadInput(f"the temporary file with the rows of {self._name} was cut short")
        return np.frombuffer(data).reshape(rows, self._width)
