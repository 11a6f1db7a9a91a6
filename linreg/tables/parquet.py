"""Parquet files, read by row groups."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import IO, Any

import numpy as np

from linreg.errors import BadInput
from linreg.tables.absent import Absent
from linreg.tables.arrow import arrow, cells_at, numbers as numbers_of, padded, plain, texts as texts_of
from linreg.tables.source import Block, Span, losing
from linreg.tables.streams import Unchanged, refusing

ROWS = 1 << 14  # decoded at once
BUFFER = 1 << 16  # bytes of a column read at once, so that a row group is never in memory whole


class Parquet:
    """A Parquet file. Only the columns asked for are read, and each row group can be the next."""

    def __init__(self, file: IO[bytes], name: str, *, na: Sequence[str] = (), keep: Sequence[str] = ()) -> None:
        self.name, self._absent, self._keep, self._unchanged = name, Absent(na), keep, Unchanged(file, name)
        damaged = arrow().ArrowException, OSError, ValueError, KeyError, IndexError, OverflowError
        self._refusing = partial(refusing, name, "Parquet", *damaged)
        with self._refusing():
            self._file = arrow("pyarrow.parquet").ParquetFile(file, buffer_size=BUFFER, pre_buffer=False)
            metadata = self._file.metadata
            self.columns = tuple(self._file.schema_arrow.names)
            self._pieces = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
        if any(rows < 0 for rows in self._pieces):
            raise BadInput(f"{name}: not a whole Parquet file: a row group of {min(self._pieces)} rows")

    def pieces(self, rows: int) -> Sequence[int] | None:
        """The row groups, as the file has them."""
        return self._pieces

    def blocks(
        self, numbers: Sequence[str], texts: Sequence[str], spans: Iterable[Span] | None = None
    ) -> Iterator[Block]:
        """The rows of the row groups in order, or of those that are the `spans`."""
        starts = np.cumsum([0, *self._pieces])
        group_of = {int(start): i for i, start in enumerate(starts[:-1]) if self._pieces[i]}
        for first, _ in ((int(starts[i]), 0) for i in group_of.values()) if spans is None else spans:
            yield from self._group(group_of[first], first, numbers, texts)

    def _group(self, group: int, first: int, numbers: Sequence[str], texts: Sequence[str]) -> Iterator[Block]:
        columns, end = list(dict.fromkeys([*numbers, *texts, *self._keep])), first + self._pieces[group]
        with self._refusing():
            batches = self._file.iter_batches(ROWS, row_groups=[group], columns=columns, use_threads=False)
        while True:
            with self._refusing():
                batch: Any = next(batches, None)
            if batch is None:
                break
            values = np.empty((batch.num_rows, len(numbers)))
            for j, name in enumerate(numbers):
                values[:, j] = numbers_of(batch.column(name), self.name, first, name, absent=self._absent)
            words = tuple(texts_of(batch.column(name), self.name, name, self._absent) for name in texts)
            kept = tuple(plain(batch.column(name)) for name in self._keep)
            self._unchanged.check()
            lost = losing(values, numbers, batch.column, cells_at)
            zeros = tuple(name for name in numbers if padded(batch.column(name)))
            yield Block(first, values, words, kept, lost, zeros)
            first += batch.num_rows
        if first != end:
            raise BadInput(f"{self.name}: not a whole Parquet file: row group {group} lacks {end - first} of its rows")
