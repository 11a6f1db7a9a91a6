"""The last rows held out: those of a table in time, whose past is to tell its future."""

import json
import re

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

pa = pytest.importorskip("pyarrow")
from linreg_command import linreg
from pyarrow import parquet

import minigrad
from linreg.settings import Reading
from linreg.tables import Rows, load


def loaded(source, part, **reading):
    return load(
        source,
        "y",
        None,
        Reading(**reading),
        validation=part,
        validation_rows="last",
        dtype="float64",
        torch=minigrad,
        fit_intercept=False,
    )


def targets(table, triangle):
    """Of rows without intercept: how many there are, and the sum of their squared targets in the table's units."""
    return triangle.rows, pytest.approx(np.sum(triangle.split()[2] ** 2) * table.scaling.stds[-1] ** 2)


@settings(max_examples=40)
@given(st.lists(st.booleans(), min_size=8, max_size=60), st.floats(0.01, 0.99), st.integers(1, 70))
def test_they_are_the_last_that_are_used(whole, part, buffer):
    whole[:6] = [True] * 6
    x = np.random.default_rng(len(whole)).normal(size=(len(whole), 2)) + [2, 0]
    y = 2.0 ** (np.arange(len(whole)) / 4)  # of which no two sets have the same sum
    rows = [(*row, target if used else None) for row, target, used in zip(x.tolist(), y.tolist(), whole, strict=True)]
    table = loaded(Rows(rows, ("a", "b", "y")), part, buffer=buffer, missing="drop")
    used = y[whole]
    count = min(max(round(part * len(used)), 1), len(used) - 1)
    assert targets(table, table.held_triangle) == (count, np.sum(used[-count:] ** 2))
    assert targets(table, table.triangle) == (len(used) - count, np.sum(used[:-count] ** 2))
    assert sum(len(X) for X, _ in table.examples.batches(5, epoch=0)) == len(used) - count
    assert table.counts.held_out == count


@pytest.mark.parametrize("buffer", [None, 12])
def test_every_format_holds_out_the_same(tmp_path, buffer):
    rng = np.random.default_rng(0)
    rows = {name: rng.normal(size=100) for name in "xy"}
    parquet_rows, schema = pa.table(rows), pa.schema([("x", pa.float64()), ("y", pa.float64())])
    with parquet.ParquetWriter(tmp_path / "t.parquet", schema) as writer:  # with groups of no rows, before and between
        for first, size in ((0, 0), (0, 30), (30, 0), (30, 45), (75, 25)):
            writer.write_table(parquet_rows.slice(first, size))
    np.savez(tmp_path / "t.npz", **rows)
    lines = "".join(f"{x!r},{y!r}\n" for x, y in np.column_stack([*rows.values()]).tolist())
    (tmp_path / "t.csv").write_text("x,y\n" + lines)
    found = [loaded(str(path), 0.3, buffer=buffer) for path in sorted(tmp_path.iterdir())]
    assert [targets(table, table.held_triangle) for table in found] == [(30, np.sum(rows["y"][70:] ** 2))] * 3
    assert [sum(len(X) for X, _ in table.examples.batches(8, epoch=0)) for table in found] == [70] * 3


def test_a_word_that_only_they_have_is_trained_on_once():
    rows = [(word, i, i * i) for i, word in enumerate(["a", "b"] * 5 + ["c"] * 5)]
    table = loaded(Rows(rows, ("w", "x", "y")), 1 / 3, categories=("w",))
    assert table.encoding.levels == (("a", "b", "c"),)
    assert (table.triangle.rows, table.held_triangle.rows) == (11, 4)
    assert sum(len(X) for X, _ in table.examples.batches(4, epoch=0)) == 11


def test_rows_of_which_none_can_be_left_are_refused(tmp_path):
    (tmp_path / "t.csv").write_text("x,y\n1,\n2,3\n3,\n")
    words = "--data", tmp_path / "t.csv", "--target", "y", "--missing", "drop", "--validation", 0.5
    for which in ("random", "last"):
        said = linreg(*words, "--validation-rows", which)[2]
        assert said.endswith("its 1 rows cannot be split into training and validation\n")


@pytest.mark.parametrize(
    ("words", "needs"),
    [((), "--data"), (("--validation", 0.2), "--data"), (("--data", "t", "--target", "y"), "--validation")],
)
def test_the_option_needs_a_table_and_a_part_of_it(words, needs):
    status, _, err = linreg(*words, "--validation-rows", "last")
    assert (status, err) == (2, f"linreg: error: --validation-rows needs {needs}\n")


def test_a_run_that_goes_on_holds_out_the_same(tmp_path):
    (tmp_path / "t.csv").write_text("x,y\n" + "".join(f"{i},{i * i % 7}\n" for i in range(30)))
    words = "--data", tmp_path / "t.csv", "--target", "y", "--seed", 0, "--validation", 0.2, "--validation-rows", "last"
    for name, epochs in (("whole", 6), ("part", 3)):
        assert linreg(*words, "--num-epochs", epochs, "--save", tmp_path / name, "--quiet")[0] == 0
    whole = json.loads(linreg("--resume", tmp_path / "whole", "--json")[1])
    assert json.loads(linreg("--resume", tmp_path / "part", "--num-epochs", 6, "--json")[1]) == whole
    assert (whole["validation_rows"], whole["rows_held_out"]) == ("last", 6)
    assert "cannot change in a run" in linreg("--resume", tmp_path / "part", "--validation-rows", "random")[2]


def test_a_run_of_before_there_was_a_choice_goes_on(tmp_path):
    (tmp_path / "t.csv").write_text("x,y\n" + "".join(f"{i},{i * i % 7}\n" for i in range(30)))
    words = "--data", tmp_path / "t.csv", "--target", "y", "--seed", 0, "--validation", 0.2
    assert linreg(*words, "--num-epochs", 3, "--save", tmp_path / "run", "--quiet")[0] == 0
    file = tmp_path / "run" / "run.json"
    text = file.read_text("utf-8")
    assert text.count('"validation_rows"') == 1
    file.write_text(re.sub(r'\s*"validation_rows": "random",', "", text), "utf-8")
    assert linreg("--resume", tmp_path / "run", "--num-epochs", 4, "--quiet")[0] == 0
