"""What a saved run predicts for the rows of a table, and where that goes, a block of rows at a time."""

import codecs
import csv
import io
import math
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np

from linreg.errors import BadInput, required, spare, writing
from linreg.saving.intervals import Intervals
from linreg.saving.saved import Saved
from linreg.tables import Source
from linreg.tables.arrow import cells_of
from linreg.tables.loading import encoded_blocks
from linreg.tables.source import need_columns, need_one_each, repeated
from linreg.triangle import Array

COLUMNS = ("prediction", "lower", "upper")  # the last two where intervals are asked for
GROUP = 1 << 16  # rows of a Parquet file that stand together
Write = Callable[..., None]  # of the predictions and ends of intervals (n, k), then the Arrow arrays (n,) that are kept


@dataclass
class Accuracy:
    """How many rows were read and predicted, and how far predictions are from the targets of those that have one."""

    rows: int = 0
    predicted: int = 0
    compared: int = 0
    rounded: set[str] = field(default_factory=set)  # columns in which an integer lost digits
    padded: set[str] = field(default_factory=set)  # features of numbers of which some begin with 0
    beyond: dict[str, int] = field(default_factory=dict)  # features that lie further out than training's, and a row
    _mean: float = 0.0  # of the targets
    _total: float = 0.0  # squares of their distances from it
    _unexplained: float = 0.0  # squares of their distances from the predictions

    def see(self, targets: Array, predictions: Array) -> None:
        """Take in rows' targets and predictions (n,), NaN where there is none."""
        both = ~np.isnan(targets + predictions)
        self.rows += len(targets)
        self.predicted += int((~np.isnan(predictions)).sum())
        y, count = targets[both], int(both.sum())
        if not count:
            return
        with np.errstate(over="ignore", invalid="ignore"):
            mean = np.mean(y)
            together, apart = self.compared + count, mean - self._mean
            self._total += float(np.sum((y - mean) ** 2) + apart**2 * self.compared * count / together)
            self._mean += float(apart * count / together)
            self._unexplained += float(np.sum((y - predictions[both]) ** 2))
        self.compared = together

    @property
    def rmse(self) -> float | None:
        """The root of the mean squared error; None without targets, or where the squares exceed float64."""
        known = self.compared and math.isfinite(self._unexplained)
        return math.sqrt(self._unexplained / self.compared) if known else None

    @property
    def r2(self) -> float | None:
        """The part of the targets' variance that the predictions explain; None where they have none, or as `rmse`."""
        known = self._total and math.isfinite(self._total) and math.isfinite(self._unexplained)
        return 1 - self._unexplained / self._total if known else None


def check_kept(source: Source, names: Sequence[str], columns: Sequence[str] = COLUMNS[:1]) -> None:
    """BadInput where columns of these names cannot stand beside the predictions' own `columns`."""
    if (name := repeated(names)) is not None:
        raise BadInput(f"--keep names {name!r} twice")
    for name in names:
        if name in columns:
            raise BadInput(f"--keep {name}: the predictions' own column has that name; rename it in {source.name}")
    need_columns(source, names)
    need_one_each(source, names)


def check_out(out: str | None, file: str, saved: Saved) -> None:
    """BadInput where the predictions would take the place of the table that is read, or of what the run needs."""
    trained_on = saved.run["options"].get("data")
    if trained_on == "-":  # whose standard input is gone
        trained_on = None
    needed = {"the table that is read": file, "the table that the run was trained on": trained_on}
    spare("--out", out, {what: path for what, path in needed.items() if isinstance(path, str)})


def predict(saved: Saved, source: Source, write: Write, intervals: Intervals | None = None) -> Accuracy:
    """Write a prediction for each row of a table, in the target's own units, in the rows' order.

    A row that lacks a value is treated as in training; where such rows were dropped, its prediction is NaN. The table
    needs no target; the columns that it was opened to keep are written as well, and the ends of `intervals`. BadInput
    for a table without the run's columns, and for levels that training has not seen.
    """
    encoding, accuracy = saved.encoding, Accuracy()
    target = [name for name in source.columns if name == encoding.choice.target]
    need_one_each(source, target)
    mean, std = encoding.scaling.means[-1], encoding.scaling.stds[-1]
    # Of n numbers none lies further from their mean than √n standard deviations, but for rounding and weights.
    furthest = 1.001 * math.sqrt(saved.run["data"]["rows"]) if saved.weights is None else math.inf
    for block, places, X in encoded_blocks(source, encoding, target):
        numbers = np.full((len(block.numbers), 3 if intervals else 1), np.nan)
        with np.errstate(over="ignore", invalid="ignore"):  # such a prediction is infinite
            numbers[places, 0] = mean + std * (X @ saved.w + saved.b)
        for i in np.flatnonzero((np.abs(X) > furthest).any(axis=0)):
            row = block.first + np.arange(len(numbers))[places][np.argmax(np.abs(X[:, i]) > furthest)]
            accuracy.beyond.setdefault(saved.names[i], int(row) + 1)
        if intervals:
            numbers[places, 1:] = intervals.ends(X)
        write(numbers, *block.kept)
        predictions = numbers[:, 0]
        accuracy.rounded.update(block.rounded)
        accuracy.padded.update(set(block.padded).difference(target))
        accuracy.see(block.numbers[:, -1] if target else np.full(len(predictions), np.nan), predictions)
    return accuracy


@contextmanager
def written_to(out: str | None, keep: Sequence[str] = (), columns: Sequence[str] = COLUMNS[:1]) -> Iterator[Write]:
    """What takes the numbers (n, k) of `columns`, a block of rows at a time, NaN where there is none, and those kept.

    They go to the standard output, as CSV, or to the file `out`: CSV, NPY or Parquet, by its ending. What was there
    stays until all is written. A prediction that is missing is nan in CSV, as an empty line would be no row, and null
    in Parquet. BadInput for another ending, or where the file cannot be written.
    """
    if out is None:
        text = _Text(sys.stdout, keep, columns)
        yield text.write
        text.end()
        return
    ending = Path(out).suffix.lower()
    if ending not in KINDS:
        raise BadInput(f"--out writes FILE{', FILE'.join(KINDS)}, and {out!r} ends with none of these")
    if (keep or columns[1:]) and ending == ".npy":
        option = "--keep" if keep else "--interval"
        raise BadInput(
            f"{option} needs a file of several columns, and NPY holds the predictions alone: .csv or .parquet"
        )
    part = Path(out).with_name(f".{Path(out).name}.{os.getpid()}.part")
    with writing(out):
        file = part.open("wb")
    try:
        with file:
            with writing(out):
                kind = KINDS[ending](file, keep, columns)

            def write(numbers: Array, *kept: Any) -> None:
                with writing(out):
                    kind.write(numbers, *kept)

            yield write
            with writing(out):
                kind.end()
                file.flush()
        with writing(out):
            part.replace(out)
    finally:
        part.unlink(missing_ok=True)


class _Text:
    def __init__(self, file: Any, keep: Sequence[str], columns: Sequence[str]) -> None:
        self.file, self.keep = file, keep
        self.head = [(*keep, *columns)]  # written with the first rows, that none stands before a refusal

    def write(self, numbers: Array, *kept: Any) -> None:
        cells = [cells_of(column, name) for column, name in zip(kept, self.keep, strict=True)]
        self._put(zip(*cells, *(map(repr, column.tolist()) for column in numbers.T), strict=True))

    def end(self) -> None:
        self._put(())

    def _put(self, rows: Iterable[Sequence[str]]) -> None:
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator="\n").writerows((*self.head, *rows))
        self.file.write(text.getvalue())
        self.head = []


def _utf8(file: IO[bytes], keep: Sequence[str], columns: Sequence[str]) -> _Text:
    return _Text(codecs.getwriter("utf-8")(file), keep, columns)


class _Npy:
    def __init__(self, file: IO[bytes], keep: Sequence[str], columns: Sequence[str]) -> None:
        self.file, self.rows = file, 0
        self._head()

    def write(self, numbers: Array, *kept: Any) -> None:
        self.file.write(numbers.astype("<f8").tobytes())
        self.rows += len(numbers)

    def end(self) -> None:
        self.file.seek(0)
        self._head()  # which NumPy makes as long for any number of rows

    def _head(self) -> None:
        header = {"descr": "<f8", "fortran_order": False, "shape": (self.rows,)}
        np.lib.format.write_array_header_1_0(self.file, header)


class _Parquet:
    def __init__(self, file: IO[bytes], keep: Sequence[str], columns: Sequence[str]) -> None:
        modules = ("pyarrow", "pyarrow.parquet")
        self.pa, self.parquet = (required(module, "--out FILE.parquet needs pyarrow", "data") for module in modules)
        self.file, self.names, self.width = file, [*keep, *columns], len(columns)
        self.waiting, self.rows = list[Any](), 0
        self.writer: Any = None  # made with the first rows, which say what types the columns kept have

    def write(self, numbers: Array, *kept: Any) -> None:
        columns = [self.pa.array(column, self.pa.float64(), from_pandas=True) for column in numbers.T]
        self.waiting.append(self.pa.table([*kept, *columns], names=self.names))
        self.rows += len(numbers)
        if self.rows >= GROUP:
            self._write_group()

    def end(self) -> None:
        if self.writer is None and not self.waiting:
            self.write(np.empty((0, self.width)), *(self.pa.nulls(0) for _ in self.names[self.width :]))
        self._write_group()
        self.writer.close()

    def _write_group(self) -> None:
        if self.waiting:
            table = self.pa.concat_tables(self.waiting)
            self.writer = self.writer or self.parquet.ParquetWriter(self.file, table.schema)
            self.writer.write_table(table)
        self.waiting, self.rows = [], 0


# Of each ending what writes the columns kept, then those of the predictions.
KINDS: dict[str, Any] = {".csv": _utf8, ".npy": _Npy, ".parquet": _Parquet}
