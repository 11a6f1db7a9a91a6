"""More than 200 damaged and hostile files: each gives one line and status 2, or what another reader finds in it.

The references are the module csv, NumPy's `load` and Arrow's `read_table`. No file is changed and none appears.
"""

import contextlib
import csv
import functools
import gzip
import io
import json
import math
import os
import sys
import tempfile
import warnings
import zipfile

import numpy as np
import pytest

pa = pytest.importorskip("pyarrow")
from pyarrow import parquet

import minigrad
from linreg.__main__ import main
from linreg.errors import BadInput
from linreg.settings import Reading
from linreg.tables import load, streamed

ROWS = 30
FORMATS = [
    "csv",
    "tsv",
    "csv.gz",
    "npy",
    "fortran.npy",
    "fields.npy",
    "npz",
    "compressed.npz",
    "parquet",
    "lz4.parquet",
]


@functools.cache
def whole(kind):
    """The bytes of a sound table: y, x and z in 30 rows."""
    rng = np.random.default_rng(0)
    y, x, z = columns = rng.normal(size=(3, ROWS)).round(3)
    text = "".join(f"{a},{b},{c}\n" for a, b, c in [("y", "x", "z"), *columns.T.tolist()])
    table = pa.table({"y": y, "x": x, "z": z})
    fields = np.rec.fromarrays([y, x.astype(">f4"), z], names="y,x,z")
    write = {
        "csv": lambda to: to.write(text.encode()),
        "tsv": lambda to: to.write(text.replace(",", "\t").encode()),
        "csv.gz": lambda to: to.write(gzip.compress(text.encode(), mtime=0)),
        "npy": lambda to: np.save(to, columns.T.copy()),
        "fortran.npy": lambda to: np.save(to, columns.T),
        "fields.npy": lambda to: np.save(to, fields),
        "npz": lambda to: np.savez(to, y=y, x=x, z=z),
        "compressed.npz": lambda to: np.savez_compressed(to, y=y, x=x, z=z),
        "parquet": lambda to: parquet.write_table(table, to, row_group_size=12),
        "lz4.parquet": lambda to: parquet.write_table(table, to, compression="lz4", use_dictionary=False),
    }
    write[kind](to := io.BytesIO())
    return to.getvalue()


def read_by_others(path, kind):
    """The columns y, x and z (30, 3) of the file, as the reference reads them; whatever it raises."""
    if kind.endswith("parquet"):
        return np.column_stack([column.to_numpy() for column in parquet.read_table(path).select(["y", "x", "z"])])
    if kind.endswith(("npy", "npz")):
        array = np.load(io.BytesIO(path.read_bytes()))  # which no error leaves open
        if kind.endswith("fortran.npy") or kind == "npy":
            return array
        return np.column_stack([array[name].astype(float) for name in ("y", "x", "z")])
    content = path.read_bytes()
    text = (gzip.decompress(content) if kind == "csv.gz" else content).decode()
    rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter="\t" if kind == "tsv" else ",") if row]
    assert [name.strip() for name in rows[0]] == ["y", "x", "z"]
    return np.array(rows[1:], dtype=float)


@pytest.fixture
def linreg(tmp_path, monkeypatch):
    """Run the command with the file `name` of this content; status, stdout and stderr."""
    for folder in ("files", "work", "temporary"):
        (tmp_path / folder).mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))

    def run(name, content, *options, target="y"):
        path = tmp_path / "files" / name
        path.write_bytes(content)
        words = ["--data", path, "--target", target, "--optimizer", "lstsq", "--dtype", "float64", "--json", *options]
        with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
            status = main([str(word) for word in words])
        assert path.read_bytes() == content
        assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [name]
        if status:
            assert (status, out.getvalue()) == (2, "")
            assert err.getvalue().startswith("linreg: error: ")
            assert err.getvalue().count("\n") == 1
            assert len(err.getvalue()) < 1000 + len(str(path))
        return status, out.getvalue(), err.getvalue()

    return run


def refused_or_right(linreg, tmp_path, kind, content):
    name = f"t.{kind}"
    status, out, err = linreg(name, content, target="x0" if kind in ("npy", "fortran.npy") else "y")
    try:
        table = read_by_others(tmp_path / "files" / name, kind)
        usable = np.isfinite(table).all() and len(table) > 1 and (np.ptp(table, axis=0) > 0).all()
    except Exception:  # whatever it is that a reference makes of such a file
        usable = False
    if status:
        return
    assert usable, err
    found = json.loads(out)
    slopes = [found["coefficients"][name]["estimate"] for name in found["coefficients"]]
    X = np.column_stack([table[:, 1:], np.ones(len(table))])
    scale = np.abs(X).max(axis=0)
    expected = X / scale @ np.linalg.lstsq(X / scale, table[:, 0], rcond=None)[0]
    residues = X @ [*slopes, found["intercept"]["estimate"]] - expected
    assert np.abs(residues).max() <= 1e-6 * np.abs(table[:, 0]).max()


@pytest.mark.parametrize("place", [0, 1, 7, 0.1, 0.3, 0.5, 0.7, 0.9, -9, -1])
@pytest.mark.parametrize("kind", FORMATS)
def test_files_cut_short(linreg, tmp_path, kind, place):
    content = whole(kind)
    refused_or_right(linreg, tmp_path, kind, content[: int(place * len(content)) if 0 < place < 1 else place])


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::UserWarning")
def test_files_with_a_bit_changed_and_bytes_left_out_or_put_in(linreg, tmp_path, kind, seed):
    content, rng = bytearray(whole(kind)), np.random.default_rng((seed, FORMATS.index(kind)))
    # Headers stand at the beginning or the end.
    place = int(rng.choice([rng.integers(len(content)), rng.integers(100), len(content) - 1 - rng.integers(100)]))
    if seed % 3 == 0:
        del content[place : place + 1 + int(rng.integers(8))]
    elif seed % 3 == 1:
        content[place:place] = rng.bytes(1 + int(rng.integers(8)))
    else:
        content[place] ^= 1 << int(rng.integers(8))
    refused_or_right(linreg, tmp_path, kind, bytes(content))


def test_sound_files_are_read(linreg, tmp_path):
    for kind in FORMATS:
        refused_or_right(linreg, tmp_path, kind, whole(kind))
        (tmp_path / "files" / f"t.{kind}").unlink()


@pytest.mark.parametrize(
    "cell",
    [
        *["1e400", "-1e999", "0x10", "0x1p3", "1_000", "1 000", "1\u00a0000", "1'000", "1,5", "\u22121", "--1", "+-1"],
        *["1e", "1d5", "1.0.0", "1f", "yes", "\u00bd", "\u00b2", "1\u200b", "Infinity", "-inf", "nan(1)", "-nan"],
        *["+nan", "nan(abc)", "n.a.", "None", "#REF!", "-", "9" * 400, '1"', "1a", "$1", "1%", "1\x1b[0m"],
    ],
)
def test_cells_that_are_no_numbers(linreg, cell):
    quoted = '"' + cell.replace('"', '""') + '"'
    for others in ("2", "nan", " 3 "):  # read at once, and one by one
        content = f"y,x\n1,2\n{others},3\n1,{quoted}\n2,4\n".encode()
        status, _, err = linreg("t.csv", content, "--missing", "drop")
        assert status
        assert "t.csv, row 3, column 'x': " in err
        assert "is not a finite number" in err


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        *[("\u0661\u0662\u0663", 123), ("+1", 1), (".5", 0.5), ("1.", 1), ("1e5 ", 1e5), ("1E+05", 1e5), ("-0", 0)],
        *[("00012", 12), ("1e-400", 0), ("0." + "1" * 400, 1 / 9), ("\u00a07", 7), ("\t7", 7), ("NaN", None)],
        *[("NULL", None), (" na ", None)],
    ],
)
def test_cells_that_are_numbers(linreg, cell, value):
    rows = [(1.0, 2.0), (2.5, 3.0), (3.0, value), (2.0, 5.0)]
    text = "y,x\n" + "".join(f"{y},{x if x != value else cell}\n" for y, x in rows)
    status, out, err = linreg("t.csv", text.encode(), "--missing", "drop")
    assert not status, err
    y, x = np.array([(y, x) for y, x in rows if x is not None]).T
    expected = np.cov(x, y)[0, 1] / np.var(x, ddof=1)
    assert math.isclose(json.loads(out)["coefficients"]["x"]["estimate"], expected, rel_tol=1e-9)


BASE = "y,x\n1,2\n2,3\n4,7\n0,1\n"


def zipped(member):
    """An archive of one small file of this name."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(zipfile.ZipInfo(member), "y,x\n")
    return file.getvalue()


def in_names(value):
    """Tests are not named by what a file holds: some of it tells the time, and then workers would name them otherwise."""
    return "bytes" if isinstance(value, bytes) else None


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (BASE.encode("utf-16"), "not UTF-8 text"),
        (BASE.encode("utf-16-le"), "a NUL byte"),
        (BASE.encode("utf-32"), "not UTF-8 text"),
        (b"\xef\xbb\xbf\xef\xbb\xbf" + BASE.encode(), "no column 'y'"),
        (BASE.replace("\n", "\r").encode(), "carriage return alone"),
        (b"y,x\n1,2\0\n2,3\n", "a NUL byte"),
        (b'y,x\n1,"2\n2,3\n', "unexpected end of data within quotes"),
        (b'y,x\n"1"a,2\n2,3\n', "row 1, column 'y': '1a'"),
        (b"y,x,x\n1,2,3\n2,3,4\n", "two columns are named 'x'"),
        (b"y,x , x\n1,2,3\n2,3,4\n", "two columns are named 'x'; --without 'x' leaves both out"),
        (b"y,,\n1,2,3\n2,3,4\n", "two columns are named ''; --without '' leaves both out"),
        (b"y,y,x\n1,2,3\n2,3,4\n", "two columns are named 'y'\n"),
        (b"y,x,\n1,2,\n2,3,\n", "row 1, column '': the value is missing; --without '' leaves this column"),
        (b"y,x\n1,2\n1,2,3\n", "row 2: the header names 2 columns, here are 3"),
        (b"y,x\n1\n2,3\n", "row 1: the header names 2 columns, here are 1"),
        (b"y,x\n1,2\xff\n2,3\n", "row 1, column 'x': not UTF-8 text"),
        (b"y,x\n1,\xed\xa0\x80\n2,3\n", "row 1, column 'x': not UTF-8 text"),
        (b"y,x\n1," + b"1" * 3_000_000 + b"\n2,3\n", "row 1, column 'x'"),
        ("y,\x1b[31m\u202e\u05d0\n1,\x1b[2J\n2,3\n".encode(), r"column '\x1b[31m\u202eא': '\x1b[2J'"),
        (b"\n\n\n", "its first line must name the columns"),
        (b"SQLite format 3\0" + bytes(100), "is a database of SQLite: write the table as CSV"),
        (b"BZh91AY&SY" + bytes(100), "is compressed by bzip2: bzip2 -dc FILE | linreg --data - reads it"),
        (
            zipped("base.csv"),
            "it holds 'base.csv', which is no array; unzip -p FILE | linreg --data - reads one of text",
        ),
        (zipped("[Content_Types].xml"), "is of Excel, or another office program: save the sheet as CSV there"),
        *((start + b'"y": 1}', "is JSON: write its table as CSV or Parquet") for start in (b"{", b"[{", b"[\n  {")),
        (b"<html><table>", "is a page or a document: save its table as CSV"),
        (b"ARROW1" + bytes(100), "is an Arrow file: write its table as Parquet"),
        (b"PK\x03\x04" + bytes(100), "not a whole NPZ file"),
        (gzip.compress(gzip.compress(BASE.encode())), "not UTF-8 text"),
        (gzip.compress(BASE.encode()) + b"garbage", "cannot read"),
        (gzip.compress(BASE.encode())[:-8] + bytes(8), "CRC check failed"),
        (gzip.compress(b"y,x\n" + b"1" * 20_000_000, 1), "a row of more than 16777216 bytes"),
        (gzip.compress(b"y,x\n" + b"\n" * 20_000_000, 1), "has no rows"),
        (gzip.compress(b"y,x\n" + b"," * 4_000_000, 1), "here are 4000001"),
        (b"PAR1" + bytes(20) + b"PAR1", "not a whole Parquet file"),
        (b"PAR1" + bytes(20) + (2**31 - 1).to_bytes(4, "little") + b"PAR1", "not a whole Parquet file"),
    ],
    ids=in_names,
)
def test_texts_that_are_no_tables(linreg, content, said):
    status, _, err = linreg("t.csv", content)
    assert status
    assert said in err


def npz(members, compression=zipfile.ZIP_DEFLATED):
    with warnings.catch_warnings(), zipfile.ZipFile(to := io.BytesIO(), "w", compression) as archive:
        warnings.simplefilter("ignore")  # of a name that is there twice
        for name, content in members:
            archive.writestr(name, content)
    return to.getvalue()


def npy(array):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that fields' names need version 3.0
        np.save(to := io.BytesIO(), array)
    return to.getvalue()


def header(shape, dtype):
    np.lib.format.write_array_header_1_0(to := io.BytesIO(), {"descr": dtype, "fortran_order": False, "shape": shape})
    return to.getvalue()


def fields(**kinds):
    return npy(np.ones(4, [(name, *kind) for name, kind in kinds.items()]))


ARRAY = np.arange(9.0) ** 2


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("t.npy", fields(y=["f8"], x=["f8", (2,)]), "column 'x' holds ('<f8', (2,)): an array in each row"),
        ("t.npy", fields(y=["f8", (1,)], x=["f8"]), "column 'y' holds ('<f8', (1,)): an array in each row"),
        ("t.npy", fields(y=["f8"], x=[[("a", "f8")]]), "column 'x' holds [('a', '<f8')]: only real numbers"),
        ("t.npy", fields(y=["f8"], x=["V9"]), "column 'x' holds |V9: only real numbers"),
        (
            "t.npy",
            npy(np.array([(1, b"1"), (2, b"a")], [("y", "f8"), ("x", "S1")])),
            "row 2, column 'x': 'a' is not a finite number; --cat",
        ),
        ("t.npy", npy(np.array([(1, b"1"), (2, b"\xff")], [("y", "f8"), ("x", "S1")])), "column 'x': not UTF-8 text"),
        ("t.npy", header((3, 2), "<U500000000"), "rows of 4000000000 bytes, more than 16777216"),
        ("t.npy", header((3,), [("y", "<f8"), ("x", "|V100000000")]), "rows of 100000008 bytes"),
        ("t.npz", npz([("y.npy", npy(ARRAY)), ("x.npy", npy(ARRAY)), ("x.npy", npy(-ARRAY))]), "holds 'x.npy' twice"),
        ("t.npz", npz([("../y.npy", npy(ARRAY)), ("/etc/x.npy", npy(ARRAY))]), "its columns are '../y', '/etc/x'"),
        ("t.npz", npz([("y.npy", npy(ARRAY)), ("d/", b"")]), "it holds 'd/', which is no array"),
        ("t.npz", npz([("y.npy", npy(ARRAY)), ("x.npy", b"")]), "not a whole NPZ file"),
        ("t.npz", npz([("y.npy", npy(ARRAY)), ("x.npy", npy(np.float64(1)))]), "a table has rows and columns"),
        ("t.npz", npz([("y.npy", npy(ARRAY)), ("x.npy", header((9,), "<f8"))]), "ends before the array does"),
        ("t.npz", npz([("y.npy", header((10**6,), "<f8") + bytes(8 * 10**6))] * 1), "no feature"),
        (
            "t.npz",
            npz([("y.npy", npy(ARRAY)), ("x.npy", header((9,), "<U5000000") + bytes(10**7))]),
            "rows of 20000000",
        ),
    ],
    ids=in_names,
)
def test_arrays_that_are_no_tables(linreg, name, content, said):
    status, _, err = linreg(name, content)
    assert status
    assert said in err


def test_names_of_fields_beyond_latin_1(linreg):
    table = np.rec.fromarrays([ARRAY, np.arange(9.0)], names=["y", "\u6e29\u5ea6 \U0001f40d"])
    status, out, err = linreg("t.npy", npy(table))
    assert not status, err
    assert list(json.loads(out)["coefficients"]) == ["\u6e29\u5ea6 \U0001f40d"]


@pytest.mark.parametrize("column", ["words", "when", "lists", "parts", "bytes", "none"])
def test_parquet_columns_that_are_no_numbers(linreg, column):
    columns = {
        "words": ["1", "two", "3"],
        "when": pa.array([1, 2, 3], pa.timestamp("us", "UTC")),
        "lists": [[1.0], [2.0], None],
        "parts": [{"a": 1.0}, {"a": 2.0}, None],
        "bytes": [b"1", b"2", b"3"],
        "none": pa.nulls(3),
    }
    parquet.write_table(pa.table({"y": [1.0, 2.0, 4.0], column: columns[column]}), to := io.BytesIO())
    status, _, err = linreg("t.parquet", to.getvalue())
    assert status
    assert f"column {column!r}" in err


@pytest.mark.parametrize("kind", ["npy", "npz", "parquet"])
@pytest.mark.parametrize("change", ["rewritten", "cut short"])
def test_a_file_that_is_changed_while_it_is_trained_on(tmp_path, kind, change):
    path = tmp_path / f"t.{kind}"
    path.write_bytes(whole(kind))
    os.utime(path, (0, 0))
    target, words = ("x0", ()) if kind == "npy" else ("y", ("z",))
    table = load(str(path), target, reading=Reading(categories=words, buffer=8), torch=minigrad)
    assert sum(len(X) for X, _ in table.examples.batches(4, epoch=0)) == ROWS
    with path.open("r+b") as file:
        if change == "cut short":
            file.truncate(len(whole(kind)) // 2)
        else:
            file.write(whole(kind))
    with pytest.raises(BadInput, match=r"was changed while|not a whole"):
        list(table.examples.batches(4, epoch=1))


def test_no_python_code_runs_where_numpy_would_lose_control_c():
    """What NumPy asks in Python while it makes a type from a tuple swallows a KeyboardInterrupt."""
    called, rows = [], np.ones((3, 2))
    sys.setprofile(lambda frame, event, _: called.append(frame.f_code.co_name) if event == "call" else None)
    try:
        streamed._whole(rows)
    finally:
        sys.setprofile(None)
    assert called == ["_whole"]
