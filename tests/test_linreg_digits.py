"""Integers that float64 cannot hold are told of, in every format, and only these."""

import decimal

import numpy as np
import pytest

pa = pytest.importorskip("pyarrow")
from linreg_command import linreg
from pyarrow import parquet

import minigrad
from linreg.settings import Reading
from linreg.tables import Rows, load

ODD = 2**53 + 1
FEW = {"a": [ODD, 5, 7, 8], "b": [1, 2**53, 3, -(2**60)], "c": [1e20, 3e17, 2.5, 1.0], "y": [1, 2, 4, -ODD]}


def written(path, columns, separator=","):
    rows = [columns, *zip(*columns.values(), strict=True)]
    path.write_text("".join(separator.join(map(str, row)) + "\n" for row in rows))
    return str(path)


def sources(folder):
    yield written(folder / "t.csv", FEW)
    yield written(folder / "t.tsv", FEW, "\t")
    for name, columns in (("t", FEW), ("d", FEW | {"a": [*map(decimal.Decimal, FEW["a"])]})):
        parquet.write_table(pa.table(columns), folder / f"{name}.parquet")
        yield str(folder / f"{name}.parquet")
    np.savez(folder / "t.npz", **{name: np.array(column) for name, column in FEW.items()})
    yield str(folder / "t.npz")
    yield Rows(list(zip(*FEW.values(), strict=True)), list(FEW))
    yield Rows(
        [{name: f" {cell} " for name, cell in zip(FEW, row, strict=True)} for row in zip(*FEW.values(), strict=True)]
    )


def test_the_columns_concerned_are_named_in_every_format(tmp_path):
    for source in sources(tmp_path):
        name = source if isinstance(source, str) else "the rows"
        warnings = load(source, "y", torch=minigrad).warnings
        assert warnings == (f"integers above 2**53 in 'a', 'y' of {name} lose digits in float64",)


def test_columns_that_are_not_used_as_numbers_lose_nothing(tmp_path):
    path = written(tmp_path / "t.csv", FEW | {"y": [1, 2, 4, 3]})
    for reading in (Reading(categories=("a",)), Reading(without=("a",)), Reading(na=(str(ODD),), missing="mean")):
        assert load(path, "y", reading=reading, torch=minigrad).warnings == ()


def test_the_commands_tell_it_in_one_line(tmp_path):
    pytest.importorskip("safetensors")
    path, run = written(tmp_path / "t.csv", FEW), tmp_path / "run"
    line = "linreg: warning: integers above 2**53 in {} of {} lose digits in float64\n"
    words = ["--data", path, "--target", "y", "--without", "b,c", "--seed", "0"]
    status, _, err = linreg(*words, "--save", run)
    assert (status, err) == (0, line.format("'a', 'y'", path))
    new = written(tmp_path / "new.csv", {"a": [ODD, 1]})
    status, out, err = linreg("predict", run, new, "--keep", "a")
    assert (status, err, out.splitlines()[1].split(",")[0]) == (0, line.format("'a'", new), str(ODD))


def test_rows_that_can_be_gone_through_only_once_are_looked_at_once():
    rows = ([float(i), 2**54 if i == 3 else i, i % 3] for i in range(9))
    found = load(Rows((iter(row) for row in rows), ["a", "b", "y"]), "y", torch=minigrad)
    assert found.examples.rows == 9


def test_a_column_that_is_constant_but_for_digits_lost_is_refused_with_the_reason(tmp_path):
    columns = FEW | {"a": [10**20 + i for i in range(4)]}
    status, _, err = linreg("--data", written(tmp_path / "t.csv", columns), "--target", "y")
    assert status == 2
    assert "column 'a' is constant: every value is 1e+20 in float64, in which integers above 2**53 lose digits; " in err
