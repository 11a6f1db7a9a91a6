"""NumPy's files: NPY and the uncompressed members of NPZ are memory-mapped where they lie, compressed ones streamed.

Nothing in them is ever unpickled.
Source: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

import math
import re
import sys
import tokenize
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.lib import format as npy

from linreg.errors import BadInput
from linreg.tables.absent import Absent
from linreg.tables.arrow import arrow, number_of_text, stripped
from linreg.tables.source import (
    LONGEST_LINE,
    PADDED,
    Block,
    NotNumbers,
    Span,
    Texts,
    losing,
    not_a_number,
    text_of,
)
from linreg.tables.streams import Unchanged, refusing
from linreg.triangle import Array

BYTES = 1 << 19  # mapped at once, and taken out of the map before the next
MOST_COLUMNS = 1 << 16
SHEETS = ("[Content_Types].xml", "content.xml")  # in a zipped file of an office program
REAL, TEXT = "biuf", "US"  # kinds of dtype

# What a damaged file raises in NumPy's reading of a header, in a memory map, or in unzipping.
HEADER = (ValueError, TypeError, KeyError, SyntaxError, OverflowError, RecursionError, tokenize.TokenError)
ZIP = (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError)
WRONG = (OSError, EOFError, MemoryError, *HEADER, *ZIP)


class Column(NamedTuple):
    """Where a column lies: in column `place` of a 2-D array, in the field `place` of a structured one, or alone."""

    array: "_Array"
    place: Any


class _Array(NamedTuple):
    """An array's header, and where its elements begin in the file; in a compressed member that is not known."""

    shape: tuple[int, ...]
    fortran: bool
    dtype: Any
    offset: int | None
    member: str | None

    @property
    def rows(self) -> int:
        return self.shape[0]

    @property
    def width(self) -> int:
        return self.shape[1] if len(self.shape) == 2 else 1

    @property
    def row_bytes(self) -> int:
        return self.width * int(self.dtype.itemsize)


class Arrays:
    """The columns of an NPY file, or of all the arrays of an NPZ file.

    Columns of a 2-D array are called x0, x1, …, and in an NPZ file by the array's name instead of x; those of a
    structured array by its fields; a 1-D array in an NPZ file is the column of its name.
    """

    def __init__(
        self, file: IO[bytes], name: str, zipped: bool, *, na: Sequence[str] = (), keep: Sequence[str] = ()
    ) -> None:
        self.name, self._file, self._unchanged = name, file, Unchanged(file, name)
        self._absent, self._keep = Absent(na), keep
        self._zip = None
        self._refusing = partial(refusing, name, "NPZ" if zipped else "NPY", *WRONG)
        with self._refusing():
            file.seek(0)
            self._zip = zipfile.ZipFile(file) if zipped else None
            arrays = self._members() if self._zip else {"x": self._read_header(file, None, file.tell)}
        names = [pair for key, array in arrays.items() for pair in self._columns_of(key, array)]
        self.columns = tuple(key for key, _ in names)
        self._columns: dict[str, Column] = dict(names)
        lengths = {key: array.rows for key, array in arrays.items()}
        if len(set(lengths.values())) > 1:
            said = ", ".join(f"{key} has {rows}" for key, rows in list(lengths.items())[:10])
            raise BadInput(f"{name}: its arrays differ in their numbers of rows: {said}")
        self._rows = next(iter(lengths.values()), 0)
        self._mapped = all(array.offset is not None for array in arrays.values())

    def pieces(self, rows: int) -> Sequence[int] | None:
        """Pieces of `rows` rows; None where a member is compressed."""
        if not self._mapped:
            return None
        return [min(rows, self._rows - start) for start in range(0, self._rows, rows)]

    def blocks(
        self, numbers: Sequence[str], texts: Sequence[str], spans: Iterable[Span] | None = None
    ) -> Iterator[Block]:
        """The rows in order, or those of `spans`."""
        arrays = list(dict.fromkeys(self._columns[name].array for name in (*numbers, *texts, *self._keep)))
        step = max(BYTES // max(sum(array.row_bytes for array in arrays), 1), 1)
        streams = {array: self._member_stream(array) for array in arrays if array.offset is None}
        for begin, end in [(0, self._rows)] if spans is None else spans:
            for first in range(begin, end, step):
                rows = min(step, end - first)
                with self._refusing():
                    parts = {array: self._rows_of(array, first, rows, streams.get(array)) for array in arrays}
                read = self._numbers(parts, numbers, first) if numbers else np.empty((rows, 0))
                values = self._absent.without(read)
                words = tuple(_texts(self._cells(parts, name), self.name, name, self._absent) for name in texts)
                kept = tuple(_kept(self._cells(parts, name), self.name, name) for name in self._keep)
                self._unchanged.check()
                lost = losing(values, numbers, partial(self._cells, parts), lambda cells, at: cells[at].tolist())
                zeros = tuple(name for name in numbers if _padded(self._cells(parts, name)))
                yield Block(first, values, words, kept, lost, zeros)

    def _numbers(self, parts: dict[_Array, Any], names: Sequence[str], first: int) -> Array:
        chosen = [self._columns[name] for name in names]
        if len({column.array for column in chosen}) == 1 and isinstance(chosen[0].place, int):
            part = parts[chosen[0].array]
            if part.dtype.kind in REAL:
                return np.take(part, [column.place for column in chosen], axis=1).astype(np.float64, copy=False)
        return np.column_stack([self._column(self._cells(parts, name), name, first) for name in names])

    def _column(self, cells: Any, column: str, first: int) -> Array:
        """One column as numbers; those of texts are read as a CSV file's are."""
        if cells.dtype.kind in REAL:
            return np.asarray(cells.astype(np.float64))
        if cells.dtype.kind not in TEXT:
            said = (
                f"{self.name}, column {column!r} holds {cells.dtype}: only real numbers and texts of them can be used"
            )
            raise NotNumbers(said, column)
        codes, words = _texts(cells, self.name, column, self._absent)
        values = [number_of_text(word, self._absent) for word in words]
        wrong = np.array([*(value is None for value in values), False])[codes]
        if wrong.any():
            row = int(np.argmax(wrong))
            raise not_a_number(self.name, first + row, column, words[codes[row]])
        return np.array([*values, np.nan], dtype=np.float64)[codes]

    def _cells(self, parts: dict[_Array, Any], name: str) -> Any:
        array, place = self._columns[name]
        part = parts[array]
        if place is None:
            return part
        cells = part[place] if isinstance(place, str) else part[:, place]
        if cells.ndim > 1:
            raise BadInput(f"{self.name}, column {name!r} holds {part.dtype[place]}: an array in each row is no number")
        return cells

    def _rows_of(self, array: _Array, first: int, rows: int, stream: IO[bytes] | None) -> Any:
        """Some rows: of an array in C order they are mapped, of one in Fortran order column by column."""
        size = array.dtype.itemsize
        if stream is not None:
            wanted = rows * array.row_bytes
            data = stream.read(wanted)
            if len(data) < wanted:
                raise EOFError("the file ends before the array does")
            return np.frombuffer(data, array.dtype).reshape(rows, *array.shape[1:])
        offset = array.offset or 0

        def mapped(start: int, shape: tuple[int, ...]) -> Any:
            if 0 in shape:
                return np.empty(shape, array.dtype)
            return np.asarray(np.memmap(self._file, array.dtype, "r", offset + start * size, shape))

        if array.fortran and array.width > 1:
            return np.stack([mapped(j * array.rows + first, (rows,)) for j in range(array.width)], axis=1)
        return mapped(first * array.width, (rows, *array.shape[1:]))

    def _member_stream(self, array: _Array) -> IO[bytes]:
        with self._refusing():
            stream = self._zip.open(array.member)  # type: ignore[union-attr, arg-type]
            self._read_header(stream, array.member, lambda: None)
        return stream

    def _members(self) -> dict[str, _Array]:
        found = {}
        members = self._zip.infolist()  # type: ignore[union-attr]
        if any(info.filename in SHEETS for info in members):
            raise BadInput(f"{self.name} is of Excel, or another office program: save the sheet as CSV there")
        for info in members:
            if not info.filename.endswith(".npy"):
                pipe = "; unzip -p FILE | linreg --data - reads one of text" if len(members) == 1 else ""
                raise ValueError(f"it holds {info.filename!r}, which is no array{pipe}")
            with self._zip.open(info) as stream:  # type: ignore[union-attr]
                stored = info.compress_type == zipfile.ZIP_STORED
                array = self._read_header(stream, info.filename, stream.tell if stored else lambda: None)
            if stored:
                # Where the member's data begin is said only by the header that stands before them.
                self._file.seek(info.header_offset + 26)
                lengths = np.frombuffer(self._file.read(4), "<u2")
                start = info.header_offset + 30 + int(lengths.sum())
                array = array._replace(offset=start + (array.offset or 0))
            elif array.fortran and array.width > 1:
                raise ValueError(f"{info.filename} is compressed in Fortran order; save it in C order, or uncompressed")
            if info.filename.removesuffix(".npy") in found:
                raise ValueError(f"it holds {info.filename!r} twice")
            found[info.filename.removesuffix(".npy")] = array
        return found

    def _read_header(self, stream: IO[bytes], member: str | None, tell: Any) -> _Array:
        version = npy.read_magic(stream)
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, fortran, dtype = read(stream)
        if version == (3, 0) and dtype.names:  # it is as 2.0, but that names are in UTF-8
            dtype.names = tuple(name.encode("latin-1").decode() for name in dtype.names)
        label = member or "the array"
        if dtype.hasobject:
            raise ValueError(f"{label} holds Python objects, which would have to be unpickled")
        if not 1 <= len(shape) <= 2 or (len(shape) == 2 and dtype.names):
            raise ValueError(f"{label} has shape {shape}: a table has rows and columns")
        if dtype.subdtype is not None or dtype.itemsize == 0:
            raise ValueError(f"{label} has the dtype {dtype}, which is no number")
        if any(size < 0 for size in shape) or math.prod(shape) * dtype.itemsize >= 2**63:
            raise ValueError(f"{label} cannot have shape {shape}")
        if math.prod(shape[1:]) > MOST_COLUMNS:
            raise ValueError(f"{label} has {shape[1]} columns, more than {MOST_COLUMNS}")
        array = _Array(shape, fortran, dtype, tell(), member)
        if array.row_bytes > LONGEST_LINE:
            raise ValueError(f"{label} has rows of {array.row_bytes} bytes, more than {LONGEST_LINE}")
        return array

    def _columns_of(self, key: str, array: _Array) -> Iterator[tuple[str, Column]]:
        if array.dtype.names:
            yield from ((field, Column(array, field)) for field in array.dtype.names)
        elif len(array.shape) == 2:
            yield from ((f"{key}{j}", Column(array, j)) for j in range(array.width))
        elif self._zip:
            yield key, Column(array, None)
        else:
            raise BadInput(f"{self.name} holds one column: a regression needs a target and a feature")


def _padded(cells: Any) -> bool:
    return cells.dtype.kind in TEXT and any(re.fullmatch(PADDED, word) for word in np.unique(cells.astype(str)))


def _kept(cells: Any, name: str, header: str) -> Any:
    pa = arrow()
    try:
        column = pa.array(cells.astype(cells.dtype.newbyteorder("=")))
        return column.cast(pa.string()) if cells.dtype.kind == "S" else column
    except (pa.ArrowException, ValueError) as error:
        raise BadInput(f"{name}, column {header!r} holds {cells.dtype}, which cannot be kept") from error


def _texts(cells: Any, name: str, header: str, absent: Absent) -> Texts:
    if cells.dtype.kind not in REAL + TEXT:
        raise BadInput(f"{name}, column {header!r} holds {cells.dtype}: only texts and numbers can be categories")
    kind = cells.dtype.kind
    if kind == "U" and cells.dtype.itemsize:
        letters = np.ascontiguousarray(cells).view(cells.dtype.str[0] + "u4")
        if (letters > sys.maxunicode).any():
            raise BadInput(f"{name}, column {header!r}: not Unicode text")
    words, codes = np.unique(cells, return_inverse=True)
    if kind == "S":
        try:
            said = [word.decode() for word in words]
        except UnicodeDecodeError as error:
            raise BadInput(f"{name}, column {header!r}: not UTF-8 text") from error
    else:
        said = [text_of(word) for word in words]
    return stripped(codes, said, absent)
