"""A table much larger than memory is trained on within a bound, whatever it is kept in."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pa = pytest.importorskip("pyarrow")
if not Path("/proc/self/status").exists():
    pytest.skip("what a process takes of memory is read from /proc", allow_module_level=True)
from pyarrow import parquet

ROOT = Path(__file__).parent.parent
FEATURES, MEBIBYTE = 10, 1 << 20

PROGRAM = """
import json, sys
from linreg.__main__ import main
status = main(sys.argv[1:])
with open("/proc/self/status") as lines:  # getrusage would count what the process that started this one took
    most = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
print(json.dumps([status, most]))
"""


def block_of_rows(rows):
    columns = np.random.default_rng(0).normal(size=(rows, FEATURES + 1))
    columns[:, 0] = columns[:, 1:].sum(axis=1)
    return columns.round(5)


def names():
    return ["y", *(f"x{i}" for i in range(FEATURES))]


def write_csv(path, size):
    """About `size` bytes: the same rows over and over, so that writing them takes no time to speak of."""
    text = "".join(",".join(map(str, row)) + "\n" for row in block_of_rows(100_000).tolist()).encode()
    with open(path, "wb") as file:
        file.write((",".join(names()) + "\n").encode())
        for _ in range(-(-size // len(text))):
            file.write(text)


def write_npy(path, size):
    rows = block_of_rows(100_000)
    times = -(-size // rows.nbytes)
    whole = np.lib.format.open_memmap(path, mode="w+", dtype=float, shape=(len(rows) * times, FEATURES + 1))
    for i in range(times):
        whole[i * len(rows) : (i + 1) * len(rows)] = rows
    whole.flush()


def write_parquet(path, size):
    table = pa.table(dict(zip(names(), block_of_rows(100_000).T, strict=True)))
    with parquet.ParquetWriter(path, table.schema) as writer:
        for _ in range(-(-size // table.nbytes)):
            writer.write_table(table)


def trained(path, target, folder, *options):
    """Kilobytes that the command had in memory at most, and what it printed, having trained for one epoch."""
    options = ("--num-epochs", "1", "--batch-size", "4096", "--lr", "0.3", "--seed", "0", *options)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, "--data", str(path), "--target", target, *options],
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "TMPDIR": str(folder)},
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""
    *lines, last = done.stdout.splitlines()
    status, kilobytes = json.loads(last)
    assert status == 0
    estimates = [line.split()[1] for line in lines if line.startswith("x") and "estimate" not in line]
    assert [*map(float, estimates)] == pytest.approx([1.0] * FEATURES, abs=0.05)
    assert list(folder.glob("tmp*")) == []
    return kilobytes / 1024


@pytest.mark.parametrize(
    ("write", "name", "target"),
    [
        (write_csv, "t.csv", "y"),
        pytest.param(write_npy, "t.npy", "x0", marks=pytest.mark.slow),
        pytest.param(write_parquet, "t.parquet", "y", marks=pytest.mark.slow),
    ],
)
def test_memory_does_not_grow_with_the_table(write, name, target, tmp_path):
    """With a small buffer a table of 48 MiB takes little more than one of 4 MiB."""
    taken = []
    for size in (4, 48):
        write(tmp_path / name, size * MEBIBYTE)
        taken.append(trained(tmp_path / name, target, tmp_path, "--buffer", "5000"))
        os.remove(tmp_path / name)
    assert taken[1] < taken[0] + 20, taken


@pytest.mark.slow
def test_5_gigabytes_of_csv_in_300_megabytes(tmp_path):
    write_csv(tmp_path / "t.csv", 5 * 10**9)
    taken = trained(tmp_path / "t.csv", "y", tmp_path)
    assert taken * MEBIBYTE < 300e6, taken
