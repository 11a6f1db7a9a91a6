"""What kind of table a file is, by its first bytes, its name, or as told."""

import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from linreg.errors import BadInput
from linreg.settings import FORMATS
from linreg.tables.arrays import Arrays
from linreg.tables.delimited import Delimited
from linreg.tables.parquet import Parquet
from linreg.tables.source import Source
from linreg.tables.streams import Reading, opened, seekable, unzipped

# The first bytes say it where there are such; a name may mislead.
MAGIC = {b"PAR1": "parquet", b"\x93NUMPY": "npy", b"PK\x03\x04": "npz", b"PK\x05\x06": "npz"}
MARKS = {"csv": (",", "."), "csv2": (";", ","), "tsv": ("\t", ".")}  # between cells, and before a number's decimals
GZIP = b"\x1f\x8b"
# Those of files that people take for tables of text, and what to do.
FOREIGN = {
    b"\xd0\xcf\x11\xe0": "is of Excel, or another office program: save the sheet as CSV there",
    **{b"BZh%d1AY&" % n: "is compressed by bzip2: bzip2 -dc FILE | linreg --data - reads it" for n in range(1, 10)},
    b"\xfd7zXZ": "is compressed by xz: xz -dc FILE | linreg --data - reads it",
    b"\x28\xb5\x2f\xfd": "is compressed by zstd: zstd -dc FILE | linreg --data - reads it",
    b"\x89HDF": "is an HDF5 file: write its table as CSV or Parquet",
    b"SQLite f": "is a database of SQLite: write the table as CSV",
    b"ARROW1": "is an Arrow file: write its table as Parquet",
    **dict.fromkeys((b'{"', b"{\n", b"[{", b"[[", b"[\n"), "is JSON: write its table as CSV or Parquet"),
    **dict.fromkeys((b"<htm", b"<!DOC", b"<?xml"), "is a page or a document: save its table as CSV"),
}


def opened_source(
    path: str,
    format: str | None = None,
    *,
    header: bool = True,
    na: Sequence[str] = (),
    keep: Sequence[str] = (),
) -> Source:
    """The table in a file, or in the standard input for `-`; BadInput where it cannot be read.

    `format` is one of linreg.settings.FORMATS; without it the first bytes and the name's ending decide, and what has
    neither is CSV, whose first line then says whether commas or semicolons stand between its cells; `csv2` is its kind
    with semicolons and decimal commas. All of these may be compressed by gzip.
    Without a `header` the first line of text is a row; the words `na` mean a missing value, too; blocks have the
    columns `keep` as the file has them.
    """
    stream = opened(path)
    try:
        source = _source(stream, path, format, header, na, keep)
    except BaseException:
        stream.close()
        raise
    weakref.finalize(source, stream.close)
    return source


def _source(
    stream: IO[bytes], path: str, format: str | None, header: bool, na: Sequence[str], keep: Sequence[str]
) -> Source:
    name = "standard input" if path == "-" else path
    try:
        head = stream.peek(8)[:8]  # type: ignore[attr-defined]
    except OSError as error:
        raise BadInput(f"cannot read {name}: {error.strerror}") from error
    for magic, said in FOREIGN.items():
        if head.startswith(magic):
            raise BadInput(f"{name} {said}")
    kind = format
    if kind is None:
        by_magic = [known for magic, known in MAGIC.items() if head.startswith(magic)]
        endings = [ending[1:].lower() for ending in Path(path).suffixes if ending.lower() != ".gz"]
        by_name = [ending for ending in endings[-1:] if ending in FORMATS]
        kind = [*by_magic, *by_name, "csv"][0]
    if kind in MARKS:
        text = unzipped(stream) if head.startswith(GZIP) else stream
        delimiter, decimal = MARKS[kind]
        found = None if format is None and kind == "csv" else delimiter
        return Delimited(Reading(text, name), name, found, decimal, header=header, na=na, keep=keep)
    file = seekable(stream, name)
    if kind == "parquet":
        source: Source = Parquet(file, name, na=na, keep=keep)
    else:
        source = Arrays(file, name, zipped=kind == "npz", na=na, keep=keep)
    weakref.finalize(source, file.close)
    return source
