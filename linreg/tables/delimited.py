"""Tables of text, CSV and TSV: cut at ends of rows here, so that a silent pipe hears Ctrl-C, and read by Arrow."""

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from linreg.errors import BadInput
from linreg.tables import source as limits
from linreg.tables.absent import Absent
from linreg.tables.arrow import arrow, cells_at, is_number, numbers as numbers_of, padded, texts as texts_of
from linreg.tables.source import Block, NotNumbers, Span, losing
from linreg.tables.streams import Reading

BLOCK = 1 << 20  # bytes read at once
SPACES = re.compile(rb"^ +\r?$\n?", re.MULTILINE)
SEPARATOR = re.compile(r'"?sep=.?"?\s*', re.IGNORECASE)
CONVERTED = "iconv -f gb18030 -t utf-8 converts it where it is Chinese, -f latin1 where it is Western"
WIDE = "it begins as UTF-16 does, which iconv -f utf-16 -t utf-8 converts"


class Delimited:
    """A stream of UTF-8 text whose first line names the columns; it is read once, from beginning to end.

    The first line is the first that is not blank. Without a `delimiter` cells are between commas, or between semicolons
    where that line has these and no comma. Without a `header` the first line is a row, and the columns are called
    x0, x1, …, as those of an array are.
    `headless` says that the first line was taken for names and holds numbers alone.
    """

    def __init__(
        self,
        stream: Reading,
        name: str,
        delimiter: str | None = None,
        decimal: str = ".",
        *,
        header: bool = True,
        na: Sequence[str] = (),
        keep: Sequence[str] = (),
    ) -> None:
        self.name, self._stream, self._decimal = name, stream, decimal
        self._absent, self._keep = Absent(na, decimal), keep
        self._csv = arrow("pyarrow.csv")
        arrow().enable_signal_handlers(False)  # they lose a Ctrl-C now and then; no call here takes long
        self._line, self._first = self._first_line()
        self._delimiter = delimiter or (";" if b";" in self._first and b"," not in self._first else ",")
        cells = self._cells(self._first, header)
        self.columns = cells if header else tuple(f"x{place}" for place in range(len(cells)))
        self.headless = header and all(is_number(cell, decimal) for cell in cells)
        self._whose = "header names" if header else "first row has"
        if header:
            self._first = b""

    def pieces(self, rows: int) -> Sequence[int] | None:
        """None: where a row begins is known only when those before are read."""
        return None

    def blocks(
        self, numbers: Sequence[str], texts: Sequence[str], spans: Iterable[Span] | None = None
    ) -> Iterator[Block]:
        """The rows in order; a blank line is no row, nor is one of spaces."""
        place_of = {name: str(place) for place, name in enumerate(self.columns)}
        names = list(dict.fromkeys((*numbers, *texts, *self._keep)))
        places = [place_of[name] for name in names]
        first = 0
        for data in self._whole_rows():
            table = self._parsed(data, places, first)
            # Arrow's conversion of texts to numbers is as fast as its reading of numbers, and leaves the cell to quote.
            values = np.empty((table.num_rows, len(numbers)))
            column = {name: table.column(place).combine_chunks() for place, name in enumerate(names)}
            for j, name in enumerate(numbers):
                with self._hinting(column[name]):
                    values[:, j] = numbers_of(column[name], self.name, first, name, self._decimal, self._absent)
            coded = tuple(texts_of(column[name], self.name, name, self._absent) for name in texts)
            lost = losing(values, numbers, column.__getitem__, cells_at)
            zeros = tuple(name for name in numbers if padded(column[name]))
            yield Block(first, values, coded, tuple(column[name] for name in self._keep), lost, zeros)
            first += table.num_rows

    @contextmanager
    def _hinting(self, column: Any) -> Iterator[None]:
        """Say how decimal commas are read where a column is refused that has some."""
        try:
            yield
        except NotNumbers as error:
            commas = (cell for cell in column.to_pylist() if "," in cell)
            if self._delimiter == ";" and self._decimal == "." and any(is_number(cell, ",") for cell in commas):
                raise NotNumbers(f"{error}; --format csv2 reads decimal commas", error.column) from error
            raise

    def _whole_rows(self) -> Iterator[bytes]:
        """The stream's bytes but for the header, cut at ends of lines that are not within quotes."""
        rest = self._first
        while more := self._stream.read(BLOCK):
            if b"\0" in more:
                raise BadInput(f"{self.name}: a NUL byte, so this is not a text file")
            data = rest + more
            cut = data.rfind(b"\n") + 1
            quotes = data.count(b'"', 0, cut)
            while quotes % 2:  # the cut is in a quoted cell
                before = data.rfind(b"\n", 0, data.rfind(b'"', 0, cut)) + 1
                quotes -= data.count(b'"', before, cut)
                cut = before
            if len(data) - cut > limits.LONGEST_LINE:
                raise BadInput(f"{self.name}: a row of more than {limits.LONGEST_LINE} bytes, or a quote without end")
            if cut:
                yield data[:cut]
            rest = data[cut:]
        if rest.count(b'"') % 2:
            raise BadInput(f"{self.name}: not CSV: unexpected end of data within quotes")
        if rest:
            yield rest

    def _parsed(self, data: bytes, places: list[str], first: int) -> Any:
        """Arrow's table of the columns at these places, all as texts; row `first` is the data's first."""
        pa = arrow()
        names = [str(place) for place in range(len(self.columns))]
        schema = pa.schema([(place, pa.string()) for place in places])
        if (b"\n " in data or data.startswith(b" ")) and b'"' not in data:
            data = SPACES.sub(b"", data)  # lines that are no rows; within quotes they may be part of one
        if not data.strip(b"\r\n"):
            return schema.empty_table()
        try:
            return self._csv.read_csv(
                pa.BufferReader(data),
                read_options=self._csv.ReadOptions(use_threads=False, block_size=len(data) + 1, column_names=names),
                parse_options=self._csv.ParseOptions(delimiter=self._delimiter, newlines_in_values=True),
                convert_options=self._csv.ConvertOptions(
                    column_types=schema, include_columns=places, strings_can_be_null=False
                ),
            )
        except pa.ArrowInvalid as error:
            raise BadInput(self._refusal(str(error), first)) from error

    def _refusal(self, message: str, first: int) -> str:
        """What Arrow says of data whose first row is number `first`, with the row's number in the whole."""
        if ragged := re.search(r"Row #(\d+): Expected (\d+) columns, got (\d+)", message):
            row, there, here = map(int, ragged.groups())
            return f"{self.name}, row {first + row}: the {self._whose} {there} columns, here are {here}"
        if cell := re.search(r"CSV column #(\d+): Row #(\d+): .*invalid UTF8", message):
            column, row = map(int, cell.groups())
            return f"{limits.where(self.name, first + row - 1, self.columns[column])}: not UTF-8 text; {CONVERTED}"
        return f"{self.name}, after row {first}: not CSV: {' '.join(message.split())}"

    def _first_line(self) -> tuple[int, bytes]:
        """The first line that is not blank, and its number."""
        lines, quotes, length, blank = list[bytes](), 0, 0, 0
        # A name in quotes may hold the end of a line.
        while not lines or (lines[-1] and quotes % 2):
            line = self._stream.readline(limits.LONGEST_LINE - length)
            begins, length = not length, length + len(line)
            if length == limits.LONGEST_LINE and b"\0" not in line:
                raise BadInput(f"{self.name}, line {blank + 1}: more than {limits.LONGEST_LINE} bytes")
            if begins:
                line = line.removeprefix(codecs.BOM_UTF8)
            if not lines and line and not line.strip(b" \r\n"):
                blank += 1
                continue
            lines.append(line)
            quotes += line.count(b'"')
        return blank + 1, b"".join(lines)

    def _cells(self, line: bytes, header: bool) -> tuple[str, ...]:
        try:
            text = line.decode()
            if "\0" in text:
                raise BadInput(f"{self.name}, line {self._line}: a NUL byte, so this is not a text file")
            if SEPARATOR.fullmatch(text):
                raise BadInput(
                    f"{self.name}: its first line, {text.strip()}, tells Excel what stands between cells and names no "
                    "columns: tail -n +2 FILE | linreg --data - reads the others"
                )
            lines = io.StringIO(text, newline="")
            rows = list(csv.reader(lines, delimiter=self._delimiter, strict=True, skipinitialspace=True))
        except UnicodeDecodeError as error:
            byte = error.object[error.start]
            mend = WIDE if line.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else CONVERTED
            raise BadInput(f"{self.name} is not UTF-8 text: it holds the byte 0x{byte:02x}; {mend}") from error
        except csv.Error as error:
            raise BadInput(f"{self.name}, line {self._line}: not CSV: {error}") from error
        if len(rows) > 1:
            raise BadInput(f"{self.name}: lines end with a carriage return alone; they must end with a line feed")
        if not rows or not rows[0]:
            raise BadInput(f"{self.name} is empty: its first line must {'name the columns' if header else 'be a row'}")
        return tuple(name.strip() for name in rows[0])
