"""The document's data set and minibatches, and tables read from CSV files."""

import csv
import math
import random
import reprlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from types import ModuleType
from typing import TextIO

import numpy as np

import minigrad
from linreg.errors import BadInput
from linreg.model import Tensor
from linreg.scaling import Scaling
from linreg.triangle import Array

LONGEST_LINE = 1 << 24  # characters; what is longer is no table, and may have no end (/dev/zero)


def synthetic_data(
    w: Tensor, b: float, num_examples: int, *, noise: float = 0.01, torch: ModuleType = minigrad
) -> tuple[Tensor, Tensor]:
    """Generate y = Xw + b + noise (生成y=Xw+b+噪声), X standard normal.

    w of shape (d,) gives X (num_examples, d) and y (num_examples, 1); `noise` is the standard
    deviation of the normal noise, the document's 0.01.
    """
    X = torch.normal(0, 1, (num_examples, len(w)))
    y = torch.matmul(X, w) + b
    y += torch.normal(0, noise, y.shape)
    return X, y.reshape((-1, 1))


def data_iter(
    batch_size: int, features: Tensor, labels: Tensor, *, torch: ModuleType = minigrad
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the examples once each, in random order, as minibatches of features and labels.

    The order is `random.shuffle`'s; the last minibatch holds what is left over.
    """
    num_examples = len(features)
    indices = list(range(num_examples))
    # The examples are read at random, in no particular order.
    random.shuffle(indices)
    for i in range(0, num_examples, batch_size):
        batch_indices = torch.tensor(indices[i : min(i + batch_size, num_examples)])
        yield features[batch_indices], labels[batch_indices]


@dataclass(frozen=True)
class Table:
    """Numeric columns of the file `path`: X (n, d) under `features`, and y (n,) under `target`."""

    features: tuple[str, ...]
    target: str
    X: Array
    y: Array
    path: str

    def rows(self, places: Sequence[int]) -> "Table":
        """The table of the rows at these places."""
        return replace(self, X=self.X[places], y=self.y[places])


def split(rows: int, fraction: float) -> tuple[list[int], list[int]]:
    """The places of rows to train on, in order, and of a random `fraction` to hold out, at least one of each.

    They are `random.sample`'s, which draws nothing for the fraction 0.
    """
    held = set(random.sample(range(rows), min(max(round(rows * fraction), 1), rows - 1)) if fraction else ())
    return [place for place in range(rows) if place not in held], sorted(held)


def scaling_of(table: Table, intercept: bool = True) -> Scaling:
    """What brings each column to mean 0, standard deviation 1; BadInput for a constant one.

    Without `intercept` they are only scaled, to a root mean square of 1, and may be constant but not 0 throughout.
    """
    columns = np.column_stack([table.X, table.y])
    with np.errstate(all="ignore"):
        means = columns.mean(axis=0) if intercept else np.zeros(len(columns.T))
        stds = np.sqrt(((columns - means) ** 2).mean(axis=0))
        spans = np.ptp(columns, axis=0) if intercept else np.abs(columns).max(axis=0)
        rounding = 8 * np.finfo(np.float64).eps * np.abs(columns).max(axis=0)
    for name, column, std, span, error in zip(
        (*table.features, table.target), columns.T, stds, spans, rounding, strict=True
    ):
        if span <= error:
            raise BadInput(f"{table.path}: column {name!r} is constant: every value is {column[0]:g}")
        if not 0 < std < math.inf:
            raise BadInput(
                f"{table.path}: column {name!r} cannot be standardised in float64: "
                f"its values run from {column.min():g} to {column.max():g}"
            )
    return Scaling(means, stds)


def read_table(path: str, target: str, features: Sequence[str] | None = None) -> Table:
    """Read numeric columns of a CSV file: `target`, and `features` or else all others.

    The file is UTF-8 text (with or without a byte order mark), comma-separated, with a header of
    distinct names and at least 2 rows. BadInput, naming row and column, for whatever is not a
    finite number.
    """
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            return _parse_table(path, file, target, features)
    except OSError as error:
        raise BadInput(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        byte = error.object[error.start]
        raise BadInput(f"{path} is not UTF-8 text: it holds the byte 0x{byte:02x}") from error


def _parse_table(path: str, file: TextIO, target: str, features: Sequence[str] | None) -> Table:
    reader = csv.reader(_lines(path, file), strict=True)
    values = []
    try:
        header = [name.strip() for name in next(reader, [])]
        chosen = _choose_columns(path, header, target, features)
        place_of = {name: place for place, name in enumerate(header)}
        places = [place_of[name] for name in (*chosen, target)]
        # A blank line is no row: files often end with one.
        for row_number, row in enumerate(filter(None, reader), start=1):
            where = f"{path}, row {row_number} (line {reader.line_num})"
            if len(row) != len(header):
                raise BadInput(f"{where}: the header names {len(header)} columns, here are {len(row)}")
            numbers = [_number(row[place]) for place in places]
            if None in numbers:
                place = places[numbers.index(None)]
                cell = reprlib.repr(row[place]) if row[place].strip() else "an empty cell"
                raise BadInput(f"{where}, column {header[place]!r}: {cell} is not a finite number")
            values.append(numbers)
    except csv.Error as error:
        raise BadInput(f"{path}, line {reader.line_num}: not CSV: {error}") from error
    if len(values) < 2:
        found = "only one row" if values else "no rows"
        raise BadInput(f"{path} has a header but {found}: a regression needs at least 2 rows")
    columns = np.array(values, dtype=np.float64)
    return Table(chosen, target, columns[:, :-1], columns[:, -1], path)


def _lines(path: str, file: TextIO) -> Iterator[str]:
    for number, line in enumerate(iter(lambda: file.readline(LONGEST_LINE), ""), start=1):
        if "\0" in line:
            raise BadInput(f"{path}, line {number}: a NUL byte, so this is not a text file")
        if len(line) == LONGEST_LINE:
            raise BadInput(f"{path}, line {number}: more than {LONGEST_LINE} characters")
        yield line


def _choose_columns(path: str, header: list[str], target: str, features: Sequence[str] | None) -> tuple[str, ...]:
    if not header:
        raise BadInput(f"{path} is empty: its first line must name the columns")
    if (name := _repeated(header)) is not None:
        raise BadInput(f"{path}: two columns are named {name!r}")
    columns = set(header)
    for name in (target, *(features or ())):
        if name not in columns:
            known = ", ".join(map(repr, header[:10])) + (", …" if len(header) > 10 else "")
            raise BadInput(f"{path} has no column {name!r}; its columns are {known}")
    if features is None:
        features = [name for name in header if name != target]
    chosen = tuple(features)
    if target in chosen:
        raise BadInput(f"column {target!r} is the target and cannot be a feature as well")
    if (name := _repeated(chosen)) is not None:
        raise BadInput(f"feature {name!r} is named twice")
    if not chosen:
        raise BadInput(f"{path}: there is no feature to predict {target!r} from")
    return chosen


def _repeated(names: Sequence[str]) -> str | None:
    return next((name for name, count in Counter(names).items() if count > 1), None)


def _number(cell: str) -> float | None:
    try:
        value = float(cell)
    except ValueError:
        return None
    # Python alone reads 1_000 as a number.
    return value if math.isfinite(value) and "_" not in cell else None
