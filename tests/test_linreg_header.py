"""Tables of text whose first line is a row: read with --no-header, and told of without it."""

import json
import re

import numpy as np
import pytest

pytest.importorskip("pyarrow")
from linreg_command import linreg

import minigrad
from linreg.comparing import measured
from linreg.settings import Reading
from linreg.tables import load

ROWS = [(1.5, 2.0, 7.0), (2.5, 1.0, 8.5), (4.0, 3.0, 20.0), (3.0, 9.0, 6.0)]
HEADLESS = "linreg: warning: the first line of {} holds numbers alone and was taken for the columns' names; "


@pytest.fixture
def written(tmp_path):
    """Writes rows as text without a header, and returns the options that read it."""

    def write(separator=",", end="\n", start="", name="t.csv", rows=ROWS):
        text = start + "".join(separator.join(map(str, row)) + end for row in rows)
        (tmp_path / name).write_bytes(text.encode())
        return "--data", tmp_path / name, "--target", "x2", "--seed", "0", "--json"

    return write


@pytest.mark.parametrize("form", [{}, {"separator": "\t", "name": "t.tsv"}, {"end": "\r\n"}, {"start": "\ufeff"}])
def test_the_first_line_is_a_row_of_columns_as_an_array_has_them(written, tmp_path, form):
    np.save(tmp_path / "t.npy", np.array(ROWS))
    path = str(written(**form)[1])
    headless = load(path, "x2", reading=Reading(header=False), torch=minigrad)
    assert headless.fingerprint == load(str(tmp_path / "t.npy"), "x2", torch=minigrad).fingerprint
    assert headless.warnings == ()


def test_a_first_line_of_many_kinds_is_a_row(written):
    rows = [("Sm\nall", "2", "7"), ("large", " 3 ", "8"), ("large", "", "11"), ("large", "5", "9")]
    quoted = [(f'"{word}"', *others) for word, *others in rows]
    words = [*written(rows=quoted), "--no-header", "--categories", "x0", "--missing", "drop"]
    status, out, _ = linreg(*words)
    assert status == 0
    assert (json.loads(out)["rows_read"], json.loads(out)["levels"]) == (4, {"x0": ["Sm\nall", "large"]})


def test_ragged_and_empty_tables_without_a_header(written):
    assert (
        "row 2: the first row has 3 columns, here are 1" in linreg(*written(rows=[*ROWS[:1], (1,)]), "--no-header")[2]
    )
    assert linreg(*written(rows=[]), "--no-header")[2].endswith("is empty: its first line must be a row\n")


def test_a_first_line_of_numbers_that_was_taken_for_names_is_told_once(written, tmp_path):
    path = written(rows=[(2019, "2020", "2.5e3"), *ROWS])[1]
    words = ["--data", path, "--target", "2.5e3", "--seed", "0"]
    status, _, err = linreg(*words)
    assert (status, err) == (0, HEADLESS.format(path) + "--no-header reads it as a row\n")
    (tmp_path / "named.csv").write_text("2019,2020,y\n1,2,3\n4,6,5\n9,6,1\n")
    assert linreg("--data", tmp_path / "named.csv", "--target", "y")[2] == ""
    path = written(separator=";", rows=[("1,5", "2", "3,0"), *[(1, 4, 3), (2, 6, 5), (5, 3, 1)]])[1]
    words = ["--data", path, "--target", "3,0", "--format", "csv2", "--seed", "0"]
    assert linreg(*words)[2].startswith(HEADLESS.format(path))


def test_explain_tells_of_it_too(written):
    pytest.importorskip("rich")
    path = written(rows=[(1, 2, 3), *ROWS])[1]
    status, _, err = linreg("fit", "--explain", "--data", path, "--target", "3", "--seed", "0")
    said = HEADLESS.format(path) + "--no-header reads it as a row\n"
    assert (status, err.partition("linreg: the rows are shown")[0]) == (0, said)


def test_compare_tells_of_it_too(written, monkeypatch):
    pytest.importorskip("torch")
    monkeypatch.setattr(measured, "measured", lambda *job: measured.Measured())  # what its processes say is not shown
    path = written(rows=[(1, 2, 3), *ROWS])[1]
    status, _, err = linreg("compare", "--data", path, "--target", "3", "--num-epochs", "1", "--seed", "0")
    assert (status, err.count("warning: the first line"), err.count("\n")) == (0, 1, 1)


@pytest.mark.parametrize("rows", [ROWS, [(1, 1, 2), *ROWS]])
def test_a_refusal_by_the_names_leads_to_it(written, rows):
    words = written(rows=rows)
    status, out, err = linreg(*words)
    assert (status, out) == (2, "")
    assert re.fullmatch(
        r"linreg: error: .*; its first line holds numbers alone: --no-header reads it as a row.*\n", err
    )
    status, out, err = linreg(*words, "--no-header")
    assert (status, json.loads(out)["rows"], err) == (0, len(rows), "")
    assert "--no-header needs --data" in linreg("--no-header")[2]


def test_a_saved_run_reads_new_files_the_same_way(written, tmp_path):
    pytest.importorskip("safetensors")
    run, resumed = tmp_path / "run", tmp_path / "named"
    words = written()
    assert linreg(*words, "--no-header", "--num-epochs", "4", "--save", run)[0] == 0
    (tmp_path / "new.csv").write_text("1,2\n3,4\n")
    status, out, err = linreg("predict", run, tmp_path / "new.csv")
    assert (status, out.count("\n"), err) == (0, 3, "")
    assert linreg("--resume", run, "--num-epochs", "5", "--quiet")[0] == 0
    (tmp_path / "named.csv").write_text("x0,x1\n1,2\n3,4\n")
    assert "row 1, column 'x0': 'x0' is not a finite number" in linreg("predict", run, tmp_path / "named.csv")[2]

    np.save(tmp_path / "t.npy", np.array(ROWS))
    assert linreg("--data", tmp_path / "t.npy", *words[2:], "--num-epochs", "5", "--save", resumed)[0] == 0
    known = linreg("predict", run, tmp_path / "new.csv")[1]
    status, out, err = linreg("predict", resumed, tmp_path / "new.csv")
    assert (status, out) == (2, "")
    assert "--no-header reads it as a row" in err
    assert linreg("predict", resumed, tmp_path / "new.csv", "--no-header") == (0, known, "")
