"""--na: words, and numbers, that mean a missing value, in every format and every command."""

import json
import re

import numpy as np
import pytest

pa = pytest.importorskip("pyarrow")
from linreg_command import linreg
from pyarrow import parquet

import minigrad
from linreg.settings import Reading
from linreg.tables import Rows, load

NA = ("?", "None", "-999", "inf")
ROWS = [
    ("1.5", "red", "3"),
    ("-999.0", "blue", "5"),
    ("2", "?", "4"),
    (" NONE ", "red", "8"),
    ("7", "none", "1"),
    ("inf", "blue", "2"),
    ("-9990", "-999", "-999"),
    ("4", "blue", "6"),
    ("", "red", "9"),
]
MISSING = {"a": 4, "y": 1, "c": 3}


def loaded(data, na=NA):
    reading = Reading(categories=("c",), missing="mean", na=na)
    return load(str(data) if not isinstance(data, Rows) else data, "y", None, reading, torch=minigrad)


def text_of(rows, separator=","):
    return "\n".join(separator.join(row) for row in [("a", "c", "y"), *rows]) + "\n"


def emptied(rows):
    places = {"a": (1, 3, 5), "c": (2, 4, 6), "y": (6,)}
    return [
        tuple("" if i in places[name] else cell for name, cell in zip("acy", row, strict=True))
        for i, row in enumerate(rows)
    ]


def test_such_a_cell_is_as_an_empty_one_in_every_format(tmp_path):
    (tmp_path / "t.csv").write_text(text_of(ROWS))
    (tmp_path / "empty.csv").write_text(text_of(emptied(ROWS)))
    (tmp_path / "t2.csv").write_text(text_of(ROWS, ";").replace(".", ",").replace(";-999;", ";?;"))
    a, c, y = zip(*ROWS, strict=True)
    parquet.write_table(
        pa.table({"a": a, "c": pa.array(c).dictionary_encode(), "y": [*map(int, y)]}), tmp_path / "p.parquet"
    )
    numbers = np.array([float(cell) if re.fullmatch(r"-?[\d.]+|inf", cell) else np.nan for cell in a])
    np.savez(tmp_path / "t.npz", a=numbers, c=np.array(c), y=np.array(y, dtype=int))
    known = loaded(tmp_path / "empty.csv", ())
    assert known.counts.missing == MISSING
    mixed = [(1.5, "red", 3), (-999, "blue", 5.0), *ROWS[2:5], ("Inf", "blue", "2"), *ROWS[6:]]
    for source in (
        *(tmp_path / name for name in ("t.csv", "p.parquet", "t.npz")),
        *(Rows(rows, ("a", "c", "y"), na=NA) for rows in (ROWS, mixed)),
    ):
        assert loaded(source).fingerprint == known.fingerprint
    reading = Reading(categories=("c",), missing="mean", na=(*NA[:2], "-999,0", "inf"), format="csv2")
    assert load(str(tmp_path / "t2.csv"), "y", None, reading, torch=minigrad).fingerprint == known.fingerprint


def test_without_it_such_a_cell_is_refused_with_a_hint(tmp_path):
    (tmp_path / "t.csv").write_text("a,y\n1,2\n?,3\n4,5\n")
    words = ["--data", tmp_path / "t.csv", "--target", "y", "--missing", "drop", "--seed", "0", "--json"]
    status, _, err = linreg(*words)
    assert (status, err.count("\n")) == (2, 1)
    assert "'?' is not a finite number; --categories takes columns of words, --na words for a missing value" in err
    status, out, err = linreg(*words, "--na", "?")
    assert (status, err) == (0, "linreg: missing values: 1 in 'a'; 1 of 3 rows is left out, none is filled\n")
    assert json.loads(out)["missing"] == {"a": 1}
    err = linreg(*words[:4], *words[6:], "--na", "?", "--missing", "mean")[2]
    assert err == "linreg: missing values: 1 in 'a', filled with its column's mean; no row is left out\n"
    assert "--na needs --data" in linreg("--na", "?")[2]


def test_compare_reads_the_same(tmp_path):
    pytest.importorskip("torch")
    (tmp_path / "t.csv").write_text("a,y\n1,2\n?,3\n4,5\n")
    words = ["compare", "--data", tmp_path / "t.csv", "--target", "y", "--missing", "drop", "--num-epochs", "1"]
    assert linreg(*words, "--seed", "0", "--json", "--na", "?")[0] == 0


def test_a_run_remembers_its_words_and_predict_takes_more(tmp_path):
    pytest.importorskip("safetensors")
    (tmp_path / "t.csv").write_text("a,c,y\n1,red,2\n?,red,3\n4,blue,5\n2,blue,1\n")
    (tmp_path / "new.csv").write_text("a,c\n3,red\n?,red\n-9,red\n2,green\n")
    run = tmp_path / "run"
    words = [
        "--data",
        tmp_path / "t.csv",
        "--target",
        "y",
        "--categories",
        "c",
        "--missing",
        "drop",
        "--seed",
        "0",
        "--num-epochs",
        "2",
    ]
    assert linreg(*words, "--na", "?,-8", "--save", run)[0] == 0
    status, out, err = linreg("predict", run, tmp_path / "new.csv")
    assert (status, out) == (2, "")
    assert "'green' is none of the levels trained on, 'blue', 'red'; train again on rows that hold it, leave" in err
    status, out, err = linreg("predict", run, tmp_path / "new.csv", "--na", "-9,green")
    assert (status, [line == "nan" for line in out.splitlines()[1:]]) == (0, [False, True, True, True])
    assert err == "linreg: 3 of 4 rows lack a value and have no prediction\n"
    err = linreg("predict", run, tmp_path / "t.csv")[2]
    assert err.startswith("linreg: 1 of 4 rows lacks a value and has no prediction\n")

    assert linreg("--resume", run, "--num-epochs", "3", "--quiet")[0] == 0
    assert "--na cannot change in a run that goes on" in linreg("--resume", run, "--na", "x")[2]

    about = json.loads((run / "run.json").read_text())
    assert about["encoding"].pop("na") == ["?", "-8"]
    (run / "run.json").write_text(json.dumps(about))
    (tmp_path / "new.csv").write_text("a,c\n3,red\n")
    assert linreg("predict", run, tmp_path / "new.csv")[0] == 0  # as of before there were such words


def test_a_number_that_means_missing_is_none_of_the_categories_however_it_is_written(tmp_path):
    (tmp_path / "t.csv").write_text("c,y\n-999.0,1\n1,2\n-999,3\n2,4\n1,6\n2,5\n")
    status, out, err = linreg(
        *("--data", tmp_path / "t.csv", "--target", "y", "--categories", "c", "--na", "-999", "--missing", "drop"),
        "--json",
    )
    assert status == 0, err
    assert json.loads(out)["levels"] == {"c": ["1", "2"]}
