"""Arrow's columns as numbers and texts; pyarrow itself is imported when the first file needs it."""

from typing import Any

import numpy as np

from linreg.errors import BadInput, required
from linreg.tables.absent import USUAL, Absent
from linreg.tables.source import PADDED, NotNumbers, Texts, not_a_number, text_of
from linreg.triangle import Array


def arrow(module: str = "pyarrow") -> Any:
    """A module of pyarrow; BadInput that says how to install it where it cannot be imported."""
    return required(module, "CSV and Parquet are read by pyarrow, which is not installed", "data")


def numbers(column: Any, name: str, first: int, header: str, decimal: str = ".", absent: Absent = USUAL) -> Array:
    """An Arrow column as float64, NaN where it is null or says so; BadInput for a text that is no finite number.

    `decimal` is what texts have before their decimals, a point or a comma.
    """
    pa, types = arrow(), arrow("pyarrow.types")
    column = plain(column)
    kind = column.type
    if _textual(kind):
        return absent.without(_parsed(column, name, first, header, decimal, absent))
    if not _numeric(kind):
        if types.is_null(kind):
            return np.full(len(column), np.nan)
        raise NotNumbers(
            f"{name}, column {header!r} holds {kind}: only integers, floats, decimals, booleans and texts of numbers "
            "can be used",
            header,
        )
    if types.is_boolean(kind):
        column = column.cast(pa.int8())
    values = column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return absent.without(np.asarray(values, dtype=np.float64))


def plain(column: Any) -> Any:
    """An Arrow column's values themselves, where it holds places in a dictionary of them."""
    return column.dictionary_decode() if arrow("pyarrow.types").is_dictionary(column.type) else column


def cells_at(column: Any, where: Any) -> list[Any]:
    """The cells of an Arrow column where a mask says so."""
    cells: list[Any] = plain(column).filter(arrow().array(where)).to_pylist()
    return cells


def padded(column: Any) -> bool:
    """Whether the texts of an Arrow column that are read as numbers begin with 0, as codes do; null is none."""
    pa, pc, column = arrow(), arrow("pyarrow.compute"), plain(column)
    if not _textual(column.type):
        return False
    column = column.cast(pa.large_string())  # which all of pc takes
    # Of most columns few texts begin so, and a pattern takes ten times as long.
    zeros = column.filter(pc.starts_with(pc.ascii_ltrim_whitespace(column), "0"))
    return bool(pc.match_substring_regex(zeros, f"^{PADDED}$").true_count)


def texts(column: Any, name: str, header: str, absent: Absent = USUAL) -> Texts:
    """An Arrow column as texts without spaces around them; numbers become texts, as a CSV file holds them."""
    pa, types = arrow(), arrow("pyarrow.types")
    kind = column.type.value_type if types.is_dictionary(column.type) else column.type
    if not (_textual(kind) or _numeric(kind) or types.is_null(kind)):
        raise BadInput(f"{name}, column {header!r} holds {kind}: only texts and numbers can be categories")
    if not types.is_dictionary(column.type):
        column = column.dictionary_encode()
    words = [text_of(word) for word in column.dictionary.to_pylist()]
    codes = column.indices.cast(pa.int64()).fill_null(-1).to_numpy(zero_copy_only=False)
    return stripped(np.asarray(codes), words, absent)


def cells_of(column: Any, header: str) -> list[str]:
    """An Arrow column as the cells of a CSV file, empty where it is null; BadInput for a type that has no text."""
    pa = arrow()
    try:
        return [cell or "" for cell in column.cast(pa.large_string()).to_pylist()]
    except (pa.ArrowException, ValueError) as error:  # ValueError: not UTF-8
        raise BadInput(
            f"column {header!r} holds {column.type}, which CSV cannot; --out FILE.parquet keeps it"
        ) from error


def stripped(codes: Any, words: list[str], absent: Absent) -> Texts:
    """Texts of words that may have spaces around them, or mean that there is none."""
    known: dict[str, int] = {}
    place = np.empty(len(words) + 1, dtype=np.int64)
    place[-1] = -1  # where codes are below 0
    for i, word in enumerate(words):
        word = word.strip()
        place[i] = -1 if absent.says(word) else known.setdefault(word, len(known))
    return Texts(place[codes], tuple(known))


def _textual(kind: Any) -> bool:
    types = arrow("pyarrow.types")
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def _numeric(kind: Any) -> bool:
    types = arrow("pyarrow.types")
    return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind) or types.is_decimal(kind))


def _parsed(column: Any, name: str, first: int, header: str, decimal: str, absent: Absent) -> Array:
    pa = arrow()
    pointed = column
    if decimal == ",":
        # A point then stands between thousands, or is a mistake: it is refused, not taken for a decimal point.
        pc = arrow("pyarrow.compute")
        pointed = pc.replace_substring(pc.replace_substring(column, ".", "_"), ",", ".")
    try:
        values = np.asarray(pointed.cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)
        # Arrow alone takes -nan and nan(1) for words.
        odd = pointed.cast(pa.large_string()).filter(pa.array(~np.isfinite(values))).unique()
        if all(number_of_text(word, absent) is not None for word in odd.to_pylist()):
            return values
    except pa.ArrowInvalid:
        pass
    # Spaces, words for what is missing, or a cell that is no number: looked at one by one.
    cells = column.to_pylist()
    return np.array([_number(cell, name, first + i, header, decimal, absent) for i, cell in enumerate(cells)])


def _number(cell: str | None, name: str, row: int, header: str, decimal: str, absent: Absent) -> float:
    value = np.nan if (cell or "").strip().lower() in absent.words else number_of_text(_pointed(cell, decimal))
    if value is None:
        raise not_a_number(name, row, header, cell, decimal)
    return value


def _pointed(cell: str | None, decimal: str) -> str | None:
    return cell if cell is None or decimal == "." else cell.replace(".", "_").replace(",", ".")


def is_number(cell: str, decimal: str) -> bool:
    """Whether a cell's text says a finite number."""
    value = number_of_text(_pointed(cell, decimal))
    return value is not None and not np.isnan(value)


def number_of_text(cell: str | None, absent: Absent = USUAL) -> float | None:
    """The finite number that a cell's text says, NaN where it says that there is none, None where it is neither."""
    cell = (cell or "").strip()
    word = cell.lower()
    if word in absent.words:
        return np.nan
    if word in ("true", "false"):  # 1 and 0, as Parquet's booleans are
        return float(word == "true")
    try:
        value = float(cell)
    except ValueError:
        return None
    # Python alone reads 1_000 as a number.
    return value if np.isfinite(value) and "_" not in cell else None
