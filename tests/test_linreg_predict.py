"""`linreg predict`: a number for each row, from whatever a table is kept in, to whatever it is written to."""

import csv
import itertools
import json
import os
import re
import shutil
import sys
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

pytest.importorskip("safetensors")
pytest.importorskip("pyarrow")

import pyarrow as pa
import pyarrow.parquet
from hostile import WRONG, changed, places
from linreg_command import linreg

from linreg.errors import BadInput
from linreg.saving.checkpoints import Folder
from linreg.saving.predictions import Accuracy, check_out, predict
from linreg.saving.saved import read
from linreg.tables import Block

# minigrad keeps NumPy's warnings of overflow quiet, as torch does; pytest's filters undo that.
pytestmark = pytest.mark.filterwarnings(r"ignore::RuntimeWarning:minigrad\.|<")

NORRIS = Path(__file__).parent.parent / "examples" / "data" / "norris.csv"
PLACES = ("north", "south", "west")


def refused(*argv):
    status, _, err = linreg(*argv)
    assert status == 2
    assert re.fullmatch("linreg: error: .*\n", err)
    return err


def table_of(rows, seed=0):
    rng = np.random.default_rng(seed)
    a, b = rng.normal(5, 2, rows), rng.normal(-1, 30, rows)
    place = [PLACES[i] for i in rng.integers(0, 3, rows)]
    effect = np.array([PLACES.index(name) for name in place]) * 1.5
    return {"a": a, "place": place, "b": b, "y": 2 * a - b / 10 + effect + rng.normal(0, 0.1, rows)}


def write_csv(path, table, holes=()):
    """Writes a table as CSV, with empty cells at the places (row, column)."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(table)
        for i, row in enumerate(zip(*table.values(), strict=True)):
            writer.writerow(["" if (i, name) in holes else cell for name, cell in zip(table, row, strict=True)])
    return path


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The folders of runs that treat what is missing one way or another, by that way."""
    folder = tmp_path_factory.mktemp("runs")
    trained = write_csv(folder / "trained.csv", table_of(60))
    for missing in ("refuse", "drop", "mean"):
        words = ["--data", trained, "--target", "y", "--categories", "place", "--missing", missing, "--quiet"]
        status, _, err = linreg(*words, "--seed", "1", "--dtype", "float64", "--save", folder / missing)
        assert (status, err) == (0, "")
    return folder


def expected(folder, table, holes=()):
    """The predictions by hand, with the coefficients that `linreg show` gives; NaN for a row with holes."""
    shown = json.loads(linreg("show", folder, "--json")[1])
    found = shown["coefficients"]
    total = np.full(len(table["a"]), shown["intercept"]["estimate"])
    for name in ("a", "b"):
        total = total + found[name]["estimate"] * np.asarray(table[name])
    for i, place in enumerate(table["place"]):
        total[i] += found[f"place={place}"]["estimate"] if place != PLACES[0] else 0
    total[sorted({row for row, _ in holes})] = np.nan
    return total


def numbers(text):
    head, *lines = text.splitlines()
    assert head == "prediction"
    return np.array([float(line) for line in lines])


# What is predicted


def test_predictions_are_in_the_tables_own_units(runs, tmp_path):
    table = table_of(40, seed=1)
    path = write_csv(tmp_path / "new.csv", table)
    status, out, err = linreg("predict", runs / "refuse", path)
    assert status == 0
    found = numbers(out)
    np.testing.assert_allclose(found, expected(runs / "refuse", table), rtol=1e-12)
    error = table["y"] - found
    rmse, r2 = np.sqrt((error**2).mean()), 1 - (error**2).sum() / ((table["y"] - table["y"].mean()) ** 2).sum()
    assert err == f"linreg: RMSE {rmse:.6g}, R² {r2:.6g} for 40 rows\n"


def test_the_target_is_not_needed_and_columns_may_stand_anywhere(runs, tmp_path):
    table = table_of(10, seed=2)
    shuffled = {name: table[name] for name in ("b", "place", "a")} | {"other": ["x"] * 10}
    status, out, err = linreg("predict", runs / "refuse", write_csv(tmp_path / "new.csv", shuffled))
    assert (status, err) == (0, "")
    np.testing.assert_allclose(numbers(out), expected(runs / "refuse", table), rtol=1e-12)


def test_each_format_is_read_and_written_alike(runs, tmp_path):
    table = table_of(30, seed=3)
    write_csv(tmp_path / "new.csv", table)
    pyarrow.parquet.write_table(pa.table(table), tmp_path / "new.parquet", row_group_size=7)
    np.savez(tmp_path / "new.npz", **{name: np.array(column) for name, column in table.items()})
    known = numbers(linreg("predict", runs / "refuse", tmp_path / "new.csv")[1])
    for source in ("csv", "parquet", "npz"):
        for out in ("csv", "npy", "parquet"):
            words = ["predict", runs / "refuse", tmp_path / f"new.{source}", "--json", "--out", tmp_path / f"out.{out}"]
            status, printed, err = linreg(*words)
            assert (status, err) == (0, "")
            said = json.loads(printed)
            assert (said["rows"], said["predicted"], said["compared"]) == (30, 30, 30)
            assert said["r2"] > 0.5
        np.testing.assert_array_equal(np.load(tmp_path / "out.npy"), known)
        np.testing.assert_array_equal(numbers((tmp_path / "out.csv").read_text()), known)
        np.testing.assert_array_equal(pyarrow.parquet.read_table(tmp_path / "out.parquet")["prediction"], known)


def test_a_run_on_synthetic_data_predicts_from_columns_x0_x1(tmp_path):
    status, out, _ = linreg("--seed", "0", "--save", tmp_path / "run", "--json")
    w, b = (json.loads(out)[name]["estimate"] for name in ("w", "b"))
    X = np.random.default_rng(0).normal(size=(20, 2))
    np.save(tmp_path / "X.npy", X)
    status, out, err = linreg("predict", tmp_path / "run", tmp_path / "X.npy")
    assert (status, err) == (0, "")
    np.testing.assert_allclose(numbers(out), X @ w + b, rtol=1e-12)


def test_predictions_are_by_the_parameters_that_the_run_would_end_with(tmp_path):
    words = [
        "--data",
        NORRIS,
        "--target",
        "y",
        "--seed",
        "5",
        "--validation",
        "0.3",
        "--lr",
        "1.2",
        "--batch-size",
        "2",
    ]
    linreg(*words, "--num-epochs", "9", "--patience", "9", "--save", tmp_path / "run")
    saved = read(Folder(tmp_path / "run"))
    best = saved.training["early_stop"]
    assert best["best_epoch"] < 8  # so the last parameters are others
    assert (
        saved.w.tolist() == best["copies"][0].reshape(-1).tolist() != saved.training["params"][0].reshape(-1).tolist()
    )


# Rows that lack a value


HOLES = {(0, "a"), (4, "place"), (4, "b"), (9, "b")}


def test_rows_that_lack_a_value_are_refused_left_out_or_filled(runs, tmp_path):
    table = table_of(10, seed=4)
    path = write_csv(tmp_path / "new.csv", table, {*HOLES, (2, "y")})
    err = refused("predict", runs / "refuse", path)
    assert "row 1, column 'a': the value is missing; --missing drop leaves such rows out" in err

    status, out, err = linreg("predict", runs / "drop", path)
    assert status == 0
    np.testing.assert_allclose(numbers(out), expected(runs / "drop", table, HOLES), rtol=1e-12)
    assert err.splitlines()[0] == "linreg: 3 of 10 rows lack a value and have no prediction"
    assert err.splitlines()[1].endswith(" for 6 rows")
    assert linreg("predict", runs / "refuse", path, "--missing", "drop") == (0, out, err)

    status, out, _ = linreg("predict", runs / "mean", path, "--out", tmp_path / "out.parquet")
    found = pyarrow.parquet.read_table(tmp_path / "out.parquet")["prediction"].to_numpy()
    means = table_of(60)
    shares = {name: means["place"].count(name) / 60 for name in PLACES}
    effects = json.loads(linreg("show", runs / "mean", "--json")[1])["coefficients"]
    filled = {name: list(column) for name, column in table.items()}
    for row, name in HOLES - {(4, "place")}:
        filled[name][row] = np.mean(means[name])
    filled["place"][4] = PLACES[0]
    by_hand = expected(runs / "mean", filled)
    by_hand[4] += sum(shares[name] * effects[f"place={name}"]["estimate"] for name in PLACES[1:])
    np.testing.assert_allclose(found, by_hand, rtol=1e-9)
    again = linreg("predict", runs / "refuse", path, "--missing", "mean")[1]
    np.testing.assert_allclose(numbers(again), found, rtol=1e-15)


def test_means_of_synthetic_data_fill_what_is_missing(tmp_path):
    words = ["--seed", "1", "--dtype", "float64", "--optimizer", "lstsq", "--num-examples", "9", "--noise", "1"]
    assert linreg(*words, "--save", tmp_path / "run")[0] == 0
    (tmp_path / "new.csv").write_text("x0,x1\nNA,NA\n")
    out = linreg("predict", tmp_path / "run", tmp_path / "new.csv", "--missing", "mean")[1]
    mean = read(Folder(tmp_path / "run")).encoding.fills[-1]  # of the targets, where the exact fit goes through
    assert numbers(out) == pytest.approx([mean])
    assert abs(mean) > 1


def test_a_prediction_that_is_missing_is_nan_or_null(runs, tmp_path):
    path = write_csv(tmp_path / "new.csv", table_of(10), HOLES)
    for ending in ("csv", "npy", "parquet"):
        assert linreg("predict", runs / "drop", path, "--out", tmp_path / f"out.{ending}")[0] == 0
    assert (tmp_path / "out.csv").read_text().splitlines()[1] == "nan"
    assert np.isnan(np.load(tmp_path / "out.npy")).nonzero()[0].tolist() == [0, 4, 9]
    assert pyarrow.parquet.read_table(tmp_path / "out.parquet")["prediction"].null_count == 3


# Columns that are kept


ODD = ["007", " x ", "", 'a,"b"', "NA", "two\nlines", "2024-05-01", "9007199254740993", "é", "1e3"]


def test_kept_columns_stand_before_the_predictions_as_they_were_written(runs, tmp_path):
    table = {"id": ODD} | table_of(10, seed=6) | {"day, due": [f"{day}.5." for day in range(10)]}
    path = write_csv(tmp_path / "new.csv", table, {(3, "b")})
    known = numbers(linreg("predict", runs / "drop", path)[1])
    words = ["predict", runs / "drop", path, "--keep", 'id,"day, due",y,b']
    status, out, _ = linreg(*words)
    assert status == 0
    head, *rows = csv.reader(out.splitlines(keepends=True))
    assert head == ["id", "day, due", "y", "b", "prediction"]
    assert [row[0] for row in rows] == ODD
    assert [row[1] for row in rows] == table["day, due"]
    assert [row[2] for row in rows] == [str(value) for value in table["y"]]
    assert [row[3] for row in rows] == ["" if i == 3 else str(value) for i, value in enumerate(table["b"])]
    np.testing.assert_array_equal([float(row[4]) for row in rows], known)
    assert linreg(*words, "--out", tmp_path / "out.csv")[0] == 0
    assert (tmp_path / "out.csv").read_text(encoding="utf-8") == out


def test_kept_columns_have_their_types_in_parquet(runs, tmp_path, monkeypatch):
    monkeypatch.setattr("linreg.saving.predictions.GROUP", 8)
    days = np.arange("2024-01-01", "2024-01-31", dtype="M8[D]")
    columns = {name: np.array(column) for name, column in table_of(30, seed=7).items()}
    columns |= {"id": 2**62 + np.arange(30), "day": days, "word": np.array([b"ab", b"c"] * 15)}
    known = pa.table(columns | {"word": ["ab", "c"] * 15})
    parquet_in = known.append_column("list", [[[i] for i in range(30)]])
    parquet_in = parquet_in.set_column(1, "place", known["place"].dictionary_encode())
    pyarrow.parquet.write_table(parquet_in, tmp_path / "new.parquet", row_group_size=7)
    np.savez(tmp_path / "new.npz", **columns)
    for source, keep in (("parquet", ["id", "day", "place", "word", "list"]), ("npz", ["id", "day", "place", "word"])):
        words = ["predict", runs / "drop", tmp_path / f"new.{source}", "--keep", ",".join(keep)]
        assert linreg(*words, "--out", tmp_path / "out.parquet")[0] == 0
        out = pyarrow.parquet.read_table(tmp_path / "out.parquet")
        assert out.column_names == [*keep, "prediction"]
        assert out.select(keep).equals(parquet_in.set_column(1, "place", known["place"]).select(keep))
    status, out, _ = linreg(*words)
    assert (status, out.splitlines()[1].split(",")[:2]) == (0, ["4611686018427387904", "2024-01-01"])
    err = refused("predict", runs / "drop", tmp_path / "new.parquet", "--keep", "list")
    assert "column 'list' holds list<" in err
    assert err.endswith("which CSV cannot; --out FILE.parquet keeps it\n")


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_table_without_rows_keeps_its_columns(runs, tmp_path, ending):
    (tmp_path / "new.csv").write_text("a,b,place\n")
    words = ["predict", runs / "drop", tmp_path / "new.csv", "--keep", "a,place", "--out", tmp_path / f"out.{ending}"]
    assert linreg(*words) == (0, "", "")
    if ending == "csv":
        assert (tmp_path / "out.csv").read_text() == "a,place,prediction\n"
    else:
        out = pyarrow.parquet.read_table(tmp_path / "out.parquet")
        assert (out.num_rows, out.column_names) == (0, ["a", "place", "prediction"])


@pytest.mark.parametrize(
    ("keep", "said"),
    [
        ("plce", "has no column 'plce' (is it 'place'?)"),
        ("prediction", "the predictions' own column has that name"),
        ("a,b,a", "--keep names 'a' twice"),
    ],
)
def test_columns_that_cannot_be_kept_are_refused_and_nothing_is_written(runs, tmp_path, keep, said):
    path = write_csv(tmp_path / "new.csv", table_of(3) | {"prediction": [1, 2, 3]})
    out = tmp_path / "out.csv"
    out.write_text("as it was")
    assert said in refused("predict", runs / "drop", path, "--keep", keep, "--out", out)
    assert out.read_text() == "as it was"
    status, printed, _ = linreg("predict", runs / "drop", path, "--keep", keep)
    assert (status, printed) == (2, "")
    assert "of several columns" in refused("predict", runs / "drop", path, "--keep", "a", "--out", tmp_path / "o.npy")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new.csv", "out.csv"]


# A block at a time


def test_no_block_is_read_before_the_one_before_it_is_written(runs):
    class Endless:
        name, columns = "endless", ("a", "b", "place")
        read = 0

        def pieces(self, rows):
            return None

        def blocks(self, numbers, texts, spans=None):
            while True:
                assert len(written) == self.read
                self.read += 1
                words = np.array(["west", None, "north"], dtype=object)
                yield Block(3 * self.read, np.ones((3, len(numbers))), (words,))

    written = []

    def write(predictions):
        written.append(predictions)
        if len(written) == 50:
            raise StopAsyncIteration

    with pytest.raises(StopAsyncIteration):
        predict(read(Folder(runs / "drop")), Endless(), write)
    assert [len(block) for block in written] == [3] * 50
    assert np.isnan(written[7][:, 0]).tolist() == [False, True, False]


@given(st.lists(st.integers(0, 30), max_size=5), st.integers(0, 2**32 - 1), st.sampled_from([0.0, 1e8]))
@settings(max_examples=40)
def test_accuracy_does_not_depend_on_how_rows_are_cut(cuts, seed, shift):
    rng = np.random.default_rng(seed)
    y, found = rng.normal(shift, 1, 30), rng.normal(shift, 1, 30)
    y[rng.random(30) < 0.2] = np.nan
    found[rng.random(30) < 0.2] = np.nan
    accuracy = Accuracy()
    edges = [0, *sorted(cuts), 30]
    for start, stop in itertools.pairwise(edges):
        accuracy.see(y[start:stop], found[start:stop])
    both = ~np.isnan(y + found)
    assert (accuracy.rows, accuracy.predicted, accuracy.compared) == (30, (~np.isnan(found)).sum(), both.sum())
    squares = (y[both] - found[both]) ** 2
    assert accuracy.rmse == pytest.approx(np.sqrt(squares.mean()), rel=1e-12)
    assert accuracy.r2 == pytest.approx(1 - squares.sum() / ((y[both] - y[both].mean()) ** 2).sum(), rel=1e-6)


def test_accuracy_of_nothing_and_of_targets_that_are_all_alike():
    accuracy = Accuracy()
    accuracy.see(np.array([np.nan]), np.array([1.0]))
    assert (accuracy.rmse, accuracy.r2) == (None, None)
    accuracy.see(np.array([2.0, 2.0]), np.array([1.0, 1.0]))
    assert (accuracy.rmse, accuracy.r2) == (1.0, None)


@pytest.mark.parametrize("row", ["1,1e200", "1,-1e308", "1e308,3"])
def test_rows_beyond_all_measure_leave_no_accuracy(tmp_path, row):
    (tmp_path / "t.csv").write_text("x,y\n1,20\n2,41\n3,59\n")
    (tmp_path / "far.csv").write_text(f"x,y\n{row}\n2,1e308\n")
    run, out = tmp_path / "run", tmp_path / "out.csv"
    assert linreg("--data", tmp_path / "t.csv", "--target", "y", "--quiet", "--save", run)[0] == 0
    status, told, err = linreg("predict", run, tmp_path / "far.csv", "--out", out, "--json")
    assert (status, "row 1: column 'x' lies further" in err) == (0, row.startswith("1e308"))
    assert json.loads(told) == {"out": str(out), "rows": 2, "predicted": 2, "compared": 2, "rmse": None, "r2": None}


# What is refused


def test_what_cannot_be_predicted_is_refused_and_nothing_is_written(runs, tmp_path):
    table = table_of(10)
    new = table["place"].copy()
    new[6] = "east"
    cases = {
        "'east' is none of the levels trained on, 'north', 'south', 'west'; train again on rows that hold it, leave": table
        | {"place": new},
        "no column 'a'": {name: column for name, column in table.items() if name != "a"},
        "row 4, column 'b': 'x' is not a finite number; --na words for a missing value": table
        | {"b": [*table["b"][:3], "x", *table["b"][4:]]},
        "row 3, column 'y': 'x' is not a finite number": table | {"y": [*table["y"][:2], "x", *table["y"][3:]]},
    }
    out = tmp_path / "out.csv"
    out.write_text("as it was")
    for said, wrong in cases.items():
        path = write_csv(tmp_path / "new.csv", wrong)
        assert said in refused("predict", runs / "refuse", path, "--out", out)
        assert out.read_text() == "as it was"
        assert sorted(path.name for path in tmp_path.iterdir()) == ["new.csv", "out.csv"]


def test_no_table_that_is_read_or_was_trained_on_is_written_over(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table, new = write_csv(tmp_path / "t.csv", table_of(20)), write_csv(tmp_path / "new.csv", table_of(5))
    assert linreg("--data", "t.csv", "--target", "y", "--categories", "place", "--save", "run")[0] == 0
    before = table.read_bytes(), new.read_bytes()
    for source, out in (("new.csv", "new.csv"), ("new.csv", "./t.csv"), ("t.csv", tmp_path / "t.csv")):
        assert "and would be lost; give another name" in refused("predict", "run", source, "--out", out)
    for option, name in (("--report", "t.html"), ("--plot", "t.svg"), ("--explain", "t.svg")):
        (tmp_path / name).symlink_to("t.csv")
        said = refused("--data", "./t.csv", "--target", "y", "--categories", "place", option, name)
        assert said.endswith(f"{option} {name} is the table that is read, and would be lost; give another name\n")
        (tmp_path / name).unlink()
    assert (table.read_bytes(), new.read_bytes()) == before


def test_a_run_that_was_trained_from_a_pipe_forbids_no_file(tmp_path):
    """Its standard input is not this process's, which may be the file to write."""
    out = write_csv(tmp_path / "out.csv", table_of(5))
    saved = SimpleNamespace(run={"options": {"data": "-"}})
    with out.open() as file, standard_input(file):
        check_out(str(out), str(tmp_path / "t.csv"), saved)
        with pytest.raises(BadInput, match="is the table that is read, and would be lost"):
            check_out(str(out), "-", saved)
    check_out(os.devnull, os.devnull, saved)  # what is no file has nothing to lose


@contextmanager
def standard_input(file):
    """The process's own file 0 is `file` meanwhile."""
    kept = os.dup(0)
    os.dup2(file.fileno(), 0)
    try:
        yield
    finally:
        os.dup2(kept, 0)
        os.close(kept)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["RUN", "none.csv"], "cannot read none.csv"),
        (["none", NORRIS], "none holds no run"),
        (
            ["RUN", NORRIS, "--out", "out.xlsx"],
            "--out writes FILE.csv, FILE.npy, FILE.parquet, and 'out.xlsx' ends with",
        ),
        (["RUN", NORRIS, "--out", "none/out.csv"], "cannot write none/out.csv: No such file or directory"),
        (["RUN", NORRIS, "--json"], "--json needs --out"),
        (["RUN"], "the following arguments are required: FILE"),
        (["RUN", NORRIS, "--format", "xlsx"], "--format: invalid choice: 'xlsx'"),
    ],
)
def test_impossible_words_are_refused_in_one_line(tmp_path, monkeypatch, words, said):
    linreg("--data", NORRIS, "--target", "y", "--num-epochs", "1", "--save", tmp_path / "run")
    monkeypatch.chdir(tmp_path)
    assert said in refused("predict", *(tmp_path / "run" if word == "RUN" else word for word in words))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run"]


def test_an_encoding_with_any_part_wrong(runs, tmp_path):
    folder, path = shutil.copytree(runs / "mean", tmp_path / "run"), write_csv(tmp_path / "new.csv", table_of(3), HOLES)
    about = json.loads((folder / "run.json").read_text())
    refusals = 0
    for place in places(about["encoding"]):
        for new in (*WRONG, *([...] if place else [])):
            wrong = changed(about, ("encoding", *place), new)
            (folder / "run.json").write_text(json.dumps(wrong))
            status, _, err = linreg("predict", folder, path)
            assert status in (0, 2)
            assert len(err.splitlines()) <= 1 + (status == 0), err
            refusals += status == 2
    assert refusals > 200


def test_a_table_from_a_pipe(runs, tmp_path, monkeypatch):
    table = table_of(10, seed=5)
    path = write_csv(tmp_path / "new.csv", table)
    reading, writing = os.pipe()
    os.write(writing, path.read_bytes())
    os.close(writing)
    with open(reading) as pipe:
        monkeypatch.setattr(sys, "stdin", pipe)
        status, out, _ = linreg("predict", runs / "refuse", "-")
    assert status == 0
    np.testing.assert_allclose(numbers(out), expected(runs / "refuse", table), rtol=1e-12)
