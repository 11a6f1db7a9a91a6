"""Files that are damaged, endless or made to harm: one line, no hang, and nothing that was not theirs is run."""

import contextlib
import functools
import gzip
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import warnings
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

pa = pytest.importorskip("pyarrow")
from linreg_command import linreg
from pyarrow import parquet

from linreg.tables import streams

# minigrad keeps NumPy's warnings of overflow quiet, as torch does; pytest's filters undo that.
pytestmark = pytest.mark.filterwarnings(r"ignore::RuntimeWarning:minigrad\.|<")

ROOT = Path(__file__).parent.parent


def refusal(path, *options, target="y"):
    code, out, err = linreg("--data", path, "--target", target, "--num-epochs", 1, *options)
    assert (code, out) == (2, ""), err
    assert err.startswith("linreg: error: ")
    assert len(err.splitlines()) == 1
    return err


@functools.cache
def whole_files():
    """The bytes of a sound file of each kind."""
    with tempfile.TemporaryDirectory() as folder:
        return _whole_files(Path(folder))


def _whole_files(folder):
    rng = np.random.default_rng(0)
    columns = {"y": rng.normal(size=50), "x": rng.normal(size=50), "c": rng.choice(["a", "b"], 50)}
    text = "\n".join(["y,x,c", *(f"{y},{x},{c}" for y, x, c in zip(*columns.values(), strict=True))])
    parquet.write_table(pa.table(columns), folder / "t.parquet", row_group_size=20)
    parquet.write_table(pa.table(columns), folder / "plain.parquet", compression="none", use_dictionary=False)
    np.save(folder / "t.npy", np.rec.fromarrays(columns.values(), names="y,x,c"))
    np.savez(folder / "t.npz", **columns)
    np.savez_compressed(folder / "small.npz", **columns)
    (folder / "t.csv").write_text(text)
    (folder / "t.csv.gz").write_bytes(gzip.compress(text.encode()))
    return {path.name: path.read_bytes() for path in folder.iterdir()}


class Damage(NamedTuple):
    """What a file's bytes become: cut short, some of them changed, a part left out, or another put in."""

    kind: str
    places: list[float]
    other: bytes

    def __call__(self, content):
        kind, places, other = self
        content = bytearray(content)
        if kind == "cut":
            return bytes(content[: int(places[0] * len(content))])
        for place, byte in zip(places, other, strict=False):
            at = int(place * len(content))
            if kind == "changed":
                content[at] = byte
            elif kind == "left out":
                del content[at : at + 1 + byte]
            else:
                content[at:at] = other
        return bytes(content)


damages = st.builds(
    Damage,
    st.sampled_from(["cut", "changed", "left out", "put in"]),
    st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=4),
    st.binary(min_size=4, max_size=4),
)


NAMES = ["t.parquet", "plain.parquet", "t.npy", "t.npz", "small.npz", "t.csv", "t.csv.gz"]


@pytest.mark.parametrize("name", NAMES)
@given(damage=damages, buffer=st.sampled_from([None, 8]))
@settings(max_examples=30)
def test_damaged_files_give_one_line(tmp_path_factory, name, damage, buffer):
    path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(damage(whole_files()[name]))
    options = ["--categories", "c", "--missing", "drop", "--num-epochs", 1, *(["--buffer", buffer] if buffer else [])]
    code, _out, err = linreg("--data", path, "--target", "y", *options)
    assert code in (0, 1, 2)
    lines = [line for line in err.splitlines() if not line.startswith(("linreg: missing values:", "linreg: warning: "))]
    assert len(lines) == (0 if code == 0 else 1), err
    assert "Traceback" not in err


@pytest.mark.parametrize("name", NAMES)
def test_every_way_to_cut_a_file_short(tmp_path, name):
    path, content = tmp_path / name, whole_files()[name]
    for length in range(0, len(content), max(len(content) // 40, 1)):
        path.write_bytes(content[:length])
        code, _, err = linreg("--data", path, "--target", "y", "--categories", "c", "--num-epochs", 1)
        assert code == (2 if not name.endswith("csv") else code), (length, err)
        assert code in (0, 2)
        assert len(err.splitlines()) == (code == 2), err


class Harm:
    """What unpickling would run."""

    def __reduce__(self):
        return print, ("harm is done",)


def test_nothing_is_unpickled(tmp_path, capsys):
    objects = np.array([Harm()] * 3, dtype=object)
    np.save(tmp_path / "t.npy", objects, allow_pickle=True)
    np.savez(tmp_path / "t.npz", y=objects, x=objects)
    (tmp_path / "bare.npy").write_bytes(pickle.dumps(objects))
    assert "Python objects, which would have to be unpickled" in refusal(tmp_path / "t.npy")
    assert "Python objects, which would have to be unpickled" in refusal(tmp_path / "t.npz")
    assert "not a whole NPY file" in refusal(tmp_path / "bare.npy")
    assert "harm is done" not in capsys.readouterr().out


def header(shape, dtype="<f8", order=False, version=b"\x01\x00"):
    text = f"{{'descr': {dtype!r}, 'fortran_order': {order}, 'shape': {shape}, }}".encode()
    return b"\x93NUMPY" + version + len(text).to_bytes(2, "little") + text


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (header("(10**18, 2)"), "not a whole NPY file"),
        (header("(10000000000, 2)"), "not a whole NPY file"),
        (header("(9223372036854775807, 2)"), "cannot have shape"),
        (header("(-5, 2)"), "cannot have shape"),
        (header("(3, 100000000)"), "more than 65536"),
        (header("(2, 3, 4)"), "a table has rows and columns"),
        (header("()"), "a table has rows and columns"),
        (header("(5,)") + bytes(40), "holds one column"),
        (header("(0, 2)"), "has no rows"),
        (header("(1, 2)") + bytes(16), "has only one row"),
        (header("(4, 2)", "<c16") + bytes(128), "holds complex128: only real numbers"),
        (header("(4, 2)", "<M8[D]") + bytes(64), "holds datetime64[D]: only real numbers"),
        (header("(4, 2)", "|V8") + bytes(64), "holds |V8: only real numbers"),
        (header("(4, 2)", "|V0"), "which is no number"),
        (header("(" * 5000), "not a whole NPY file"),
        (header("(4, 2)", version=b"\x09\x00"), "not a whole NPY file"),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\x7f", "not a whole NPY file"),
    ],
)
def test_headers_that_lie(tmp_path, content, said):
    path = tmp_path / "t.npy"
    path.write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert said in refusal(path, target="x0")


def test_archives_that_are_no_tables(tmp_path):
    path = tmp_path / "t.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../../evil.txt", "harm")
    assert "it holds '../../evil.txt', which is no array" in refusal(path)
    np.savez(path, y=np.arange(3.0), x=np.arange(4.0))
    assert "its arrays differ in their numbers of rows: y has 3, x has 4" in refusal(path)
    np.savez_compressed(path, y=np.arange(3.0), x=np.asfortranarray(np.ones((3, 2))))
    assert "compressed in Fortran order" in refusal(path)
    path.write_bytes(b"PK\x05\x06" + bytes(18))
    assert "t.npz has no column 'y'" in refusal(path)


def test_columns_that_are_no_numbers(tmp_path):
    path = tmp_path / "t.parquet"
    columns = {
        "y": [1.0, 2, 3],
        "when": pa.array([1, 2, 3], pa.date32()),
        "list": [[1], [2], [3]],
        "word": ["1", "two", "3"],
    }
    parquet.write_table(pa.table(columns), path)
    assert "column 'when' holds date32[day]: only" in refusal(path, "--features", "when")
    assert "column 'list' holds list<" in refusal(path, "--features", "list", "--categories", "list")
    assert "t.parquet, row 2, column 'word': 'two' is not a finite number" in refusal(path, "--features", "word")
    parquet.write_table(pa.table([[1.0, 2], [3.0, 4]], names=["y", "y"]), path)
    assert "two columns are named 'y'" in refusal(path)
    parquet.write_table(pa.table({"y": [1.0, 2, 3], "x": [1.0, np.inf, 2]}), path)
    assert "t.parquet, row 2, column 'x': inf is not a finite number" in refusal(path)


def reading_a_pipe(*options, **environment):
    return subprocess.Popen(
        [sys.executable, "-m", "linreg", "--data", "-", "--target", "y", *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
    )


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="needs /dev/zero")
def test_a_pipe_without_end_that_is_no_table():
    """A line of zeros that never ends; one of ones, and a cell in quotes, that never do."""
    for content in (b"\0", b"1", b'y,x\n1,2\n3,"'):
        with reading_a_pipe() as child:
            with contextlib.suppress(BrokenPipeError):
                child.stdin.write(content)
                while True:
                    child.stdin.write(b"1" * (1 << 16) if b"\0" not in content else bytes(1 << 16))
            with contextlib.suppress(BrokenPipeError):
                child.stdin.close()
            err = child.stderr.read().decode()
            assert child.wait(timeout=60) == 2
            assert err.startswith("linreg: error: standard input")
            assert len(err.splitlines()) == 1


@pytest.mark.skipif(os.name == "nt", reason="needs a pipe to wait for")
def test_a_pipe_is_waited_for_before_it_is_read(monkeypatch):
    """A Ctrl-C that comes while it is waited for is heard before anything is read."""
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as written:
        written.write(b"y,x\n1,2\n")

    def interrupted(*waited_for):
        raise KeyboardInterrupt

    with streams.opened(f"/dev/fd/{reading}") as pipe:
        with monkeypatch.context() as patch:
            patch.setattr(streams.select, "select", interrupted)
            with pytest.raises(KeyboardInterrupt):
                pipe.read(1)
        assert pipe.read() == b"y,x\n1,2\n"
    os.close(reading)


@pytest.mark.skipif(os.name == "nt", reason="needs SIGINT")
def test_control_c_is_heard_while_a_pipe_is_silent_and_leaves_nothing(tmp_path):
    with reading_a_pipe("--buffer", "10", TMPDIR=str(tmp_path)) as child:
        # More than the pipe and what is read at once hold: when all of it is written, the command is reading.
        child.stdin.write(b"y,x\n" + b"".join(b"%d,%d\n" % (i * i % 17, i) for i in range(300_000)))
        child.stdin.flush()
        child.send_signal(signal.SIGINT)
        try:
            assert child.wait(timeout=60) == 130
        finally:
            child.kill()
        assert child.stderr.read() == b"linreg: error: interrupted\n"
        with contextlib.suppress(BrokenPipeError):
            child.stdin.close()
    assert list(tmp_path.iterdir()) == []
