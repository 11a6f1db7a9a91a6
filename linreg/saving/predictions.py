"""What a saved run predicts for the rows of a table, and where that goes, a block of rows at a time."""

import math
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

import numpy as np

from linreg.errors import BadInput, required, writing
from linreg.saving.saved import Saved
from linreg.tables import Source
from linreg.tables.loading import encoded_blocks
from linreg.triangle import Array

COLUMN = "prediction"
GROUP = 1 << 16  # rows of a Parquet file that stand together
Write = Callable[[Array], None]


@dataclass
class Accuracy:
    """How many rows were read and predicted, and how far predictions are from the targets of those that have one."""

    rows: int = 0
    predicted: int = 0
    compared: int = 0
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


def predict(saved: Saved, source: Source, write: Write) -> Accuracy:
    """Write a prediction for each row of a table, in the target's own units, in the rows' order.

    A row that lacks a value is treated as in training; where such rows were dropped, its prediction is NaN. The table
    needs no target. BadInput for a table without the run's columns, and for levels that training has not seen.
    """
    encoding, accuracy = saved.encoding, Accuracy()
    target = [name for name in source.columns if name == encoding.choice.target]
    mean, std = encoding.scaling.means[-1], encoding.scaling.stds[-1]
    for block, places, X in encoded_blocks(source, encoding, target):
        predictions = np.full(len(block.numbers), np.nan)
        with np.errstate(over="ignore", invalid="ignore"):  # such a prediction is infinite
            predictions[places] = mean + std * (X @ saved.w + saved.b)
        write(predictions)
        accuracy.see(block.numbers[:, -1] if target else np.full(len(predictions), np.nan), predictions)
    return accuracy


@contextmanager
def written_to(out: str | None) -> Iterator[Write]:
    """What takes predictions (n,), a block of rows at a time, NaN where there is none.

    They go to the standard output, as CSV, or to the file `out`: CSV, NPY or Parquet, by its ending. What was there
    stays until all is written. A prediction that is missing is nan in CSV, as an empty line would be no row, and null
    in Parquet. BadInput for another ending, or where the file cannot be written.
    """
    if out is None:
        head = f"{COLUMN}\n"  # written with the first rows, that none stands before a refusal

        def print_rows(predictions: Array) -> None:
            nonlocal head
            sys.stdout.write(head + _lines(predictions))
            head = ""

        yield print_rows
        sys.stdout.write(head)
        return
    ending = Path(out).suffix.lower()
    if ending not in KINDS:
        raise BadInput(f"--out writes FILE{', FILE'.join(KINDS)}, and {out!r} ends with none of these")
    part = Path(out).with_name(f".{Path(out).name}.{os.getpid()}.part")
    with writing(out):
        file = part.open("wb")
    try:
        with file:
            with writing(out):
                kind = KINDS[ending](file)

            def write(predictions: Array) -> None:
                with writing(out):
                    kind.write(predictions)

            yield write
            with writing(out):
                kind.end()
                file.flush()
        with writing(out):
            part.replace(out)
    finally:
        part.unlink(missing_ok=True)


class _Kind(Protocol):
    """A kind of file of one column."""

    def __init__(self, file: IO[bytes]) -> None: ...

    def write(self, predictions: Array) -> None: ...

    def end(self) -> None: ...


class _Text:
    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.file.write(f"{COLUMN}\n".encode())

    def write(self, predictions: Array) -> None:
        self.file.write(_lines(predictions).encode())

    def end(self) -> None:
        """Nothing more is needed."""


def _lines(predictions: Array) -> str:
    return "".join(f"{value!r}\n" for value in predictions.tolist())


class _Npy:
    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.rows = file, 0
        self._head()

    def write(self, predictions: Array) -> None:
        self.file.write(predictions.astype("<f8").tobytes())
        self.rows += len(predictions)

    def end(self) -> None:
        self.file.seek(0)
        self._head()  # which NumPy makes as long for any number of rows

    def _head(self) -> None:
        header = {"descr": "<f8", "fortran_order": False, "shape": (self.rows,)}
        np.lib.format.write_array_header_1_0(self.file, header)


class _Parquet:
    def __init__(self, file: IO[bytes]) -> None:
        modules = ("pyarrow", "pyarrow.parquet")
        self.pa, parquet = (required(module, "--out FILE.parquet needs pyarrow", "data") for module in modules)
        self.schema = self.pa.schema([(COLUMN, self.pa.float64())])
        self.writer = parquet.ParquetWriter(file, self.schema)
        self.waiting, self.rows = list[Array](), 0

    def write(self, predictions: Array) -> None:
        self.waiting.append(predictions)
        self.rows += len(predictions)
        if self.rows >= GROUP:
            self._write_group()

    def end(self) -> None:
        self._write_group()
        self.writer.close()

    def _write_group(self) -> None:
        if self.rows:
            column = self.pa.array(np.concatenate(self.waiting), from_pandas=True)
            self.writer.write_table(self.pa.table([column], schema=self.schema))
        self.waiting, self.rows = [], 0


KINDS: dict[str, type[_Kind]] = {".csv": _Text, ".npy": _Npy, ".parquet": _Parquet}
