"""What the command tells on the way: how good the fit is, and what of a table may have been meant otherwise."""

import contextlib
import io
import json
import re

import numpy as np
import pytest

pytest.importorskip("pyarrow")

from linreg_command import linreg

from linreg.__main__ import main
from linreg.tables.split import Split


@pytest.fixture
def table(tmp_path):
    """Writes a table's text, or bytes, and returns the options that read it."""

    def write(content, target="y"):
        path = tmp_path / "table.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return "--data", path, "--target", target, "--seed", 0

    return write


@pytest.mark.parametrize("options", [[], ["--no-intercept"], ["--buffer", 5], ["--missing", "drop"]])
def test_table_tells_how_good_the_fit_is(table, options):
    rng = np.random.default_rng(0)
    x = rng.normal(3, 2, 40)
    rows = np.column_stack([x, 1e3 * (2 * x - 30 + rng.normal(0, 3, 40))])
    words = [*table("x,y\n" + "".join(f"{a!r},{b!r}\n" for a, b in rows.tolist())), *options]
    result = json.loads(linreg(*words, "--validation", 0.3, "--json")[1])
    slope, constant = result["coefficients"]["x"]["estimate"], (result["intercept"] or {"estimate": 0})["estimate"]
    unexplained = rows[:, 1] - slope * x - constant
    held = Split(0, 0.3, "refuse", 1).held(0, 40)
    for which, of in ((~held, ""), (held, "validation_")):
        y = rows[which, 1]
        total = np.sum((y - (0 if "--no-intercept" in options else y.mean())) ** 2)
        assert result[f"{of}r2"] == pytest.approx(1 - np.sum(unexplained[which] ** 2) / total, abs=1e-9)
        assert result[f"{of}rmse"] == pytest.approx(np.sqrt(np.mean(unexplained[which] ** 2)), rel=1e-9)
    lines = linreg(*words, "--validation", 0.3)[1].splitlines()
    name = "R² (about 0)" if "--no-intercept" in options else "R²"
    assert lines[-1 - lines[-1].startswith("training ended ")] == (
        f"{name} {result['r2']:.6g}, RMSE {result['rmse']:.6g} for {(~held).sum()} rows trained on; "
        f"{name} {result['validation_r2']:.6g}, RMSE {result['validation_rmse']:.6g} for {held.sum()} rows held out"
    )


def test_a_held_out_row_alone_has_no_r2(table):
    words = [*table("x,y\n1,2\n2,5\n3,4\n"), "--validation", 0.1]
    result = json.loads(linreg(*words, "--json")[1])
    assert (result["rows_held_out"], result["validation_r2"]) == (1, None)
    assert re.search(r"; RMSE \S+ for 1 row held out\n", linreg(*words)[1])


def test_a_terminal_shows_the_largest_of_many_coefficients(table):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    X = np.random.default_rng(0).normal(size=(90, 45)) * 10.0 ** np.arange(-22, 23)
    rows = np.column_stack([X, X @ (np.arange(45) / X.std(axis=0))])
    text = ",".join([*(f"x{i}" for i in range(45)), "y"]) + "\n"
    words = table(text + "".join(",".join(map(repr, row)) + "\n" for row in rows.tolist()))
    words = [*map(str, words), "--quiet", "--optimizer", "newton", "--dtype", "float64"]
    with contextlib.redirect_stdout(Terminal()) as out:
        assert main(words) == 0
    lines, whole = out.getvalue().splitlines(), linreg(*words)[1].splitlines()
    assert [line.split()[0] for line in lines[2:22]] == [f"x{i}" for i in range(25, 45)]
    assert lines[22].startswith("these are the 20 of 45 coefficients that are largest times the standard deviations")
    assert (lines[:2], lines[2:22], lines[23:]) == (whole[:2], whole[27:47], whole[47:])


@pytest.mark.parametrize(
    ("x", "c", "said"),
    [
        ("1 2 -999 3 -999.0 4", "u u v v v u", "'x' in FILE holds -999 again and again, far from all else: is that"),
        ("1 2 99999 3 99999 4", "u u v v v u", "missing value? --na 99999 takes it for one"),
        ("1 2 -999 3 5 4", "u u v v v u", None),  # once
        ("1 2 12 3 12 4", "u u v v v u", None),  # a number like others
        ("97 95 99 96 99 94", "u u v v v u", None),  # as near as others are
        ("0 99 0 99 0 99", "u u v v v u", None),  # of two values either may be far off
        (
            "1 2 3 4 5 6",
            "No yes no yes Yes no",
            "levels of 'c' in FILE differ in capitals alone, as 'No' and 'no': each",
        ),
        ("1 2 3 n/a 5 #N/A", "u v v N/A u n/A", "missing values: 2 in 'x', 2 in 'c'; 2 of 6 rows are left out"),
    ],
)
def test_what_may_stand_for_something_else_is_told(table, x, c, said):
    rows = zip(x.split(), c.split(), (1, 2, 4, 8, 5, 7), strict=True)
    words = table("x,c,y\n" + "".join(f"{a},{b},{y}\n" for a, b, y in rows))
    status, _, err = linreg(*words, "--categories", "c", "--missing", "drop", "--optimizer", "newton")
    assert (status, err.count("\n")) == (0, said is not None)
    assert (said or "").replace("FILE", str(words[1])) in err


@pytest.mark.parametrize(("cell", "said"), [("02134", True), ("0830", True), ("08", False), ("0.25", False)])
def test_numbers_that_look_like_codes_are_told(table, cell, said):
    words = table(f"zip,month,y\n10001,01,2\n{cell},02,0005\n20002,04,4\n10003,08,9\n")
    err = linreg(*words)[2]
    assert ("numbers of 'zip' in " in err) == ("--categories takes them as words" in err) == bool(err) == said
    assert "begin with 0" not in linreg(*words, "--categories", "zip")[2]


def test_true_and_false_are_one_and_zero(table):
    words = "TRUE", "false", "True", " FALSE ", "true", "0"
    results = []
    for cells in (words, "101010"):
        lines = "".join(f"{cell},{i * i}\n" for i, cell in enumerate(["1", *cells]))
        results.append(json.loads(linreg(*table(f"x,y\n{lines}"), "--json")[1])["coefficients"])
    assert results[0]["x"]["exact"] == pytest.approx(results[1]["x"]["exact"])


def test_text_that_is_not_utf_8_is_told_how_to_convert(table):
    for content in ("größe,y\n1,2\n2,3\n", "x,y\n1,2\nö,3\n"):
        status, out, err = linreg(*table(content.encode("latin-1")))
        assert (status, out) == (2, "")
        assert "not UTF-8 text" in err
        assert err.endswith(
            "; iconv -f gb18030 -t utf-8 converts it where it is Chinese, -f latin1 where it is Western\n"
        )
    for marked in ("utf-16", "utf-16-be"):
        content = "x,y\n1,2\n".encode("utf-16") if marked == "utf-16" else "\ufeffx,y\n1,2\n".encode(marked)
        assert linreg(*table(content))[2].endswith(
            "; it begins as UTF-16 does, which iconv -f utf-16 -t utf-8 converts\n"
        )


def test_a_row_far_from_the_fit_and_training_that_ended_early_are_told(table):
    x, e = np.random.default_rng(0).normal(size=(2, 60))
    y = 2 * x + e
    for spoiled, epochs, said in ((500, 60, "row 6 lies "), (0, 1, "training ended ")):
        y[5] += spoiled or -500
        words = [*table("x,y\n" + "".join(f"{a},{b}\n" for a, b in zip(x, y, strict=True))), "--num-epochs", epochs]
        told = linreg(*words)[1].splitlines()[-1]
        assert told.startswith(said)
        assert ("standard errors from the exact answer: --optimizer newton goes there" in told) == (not spoiled)
    assert linreg(*words[:-2], "--optimizer", "newton")[1].splitlines()[-1].startswith("R² ")


def test_a_column_without_a_name_is_told_of_and_can_be_left_out(table):
    words = [*table(",a,y\n0,1,2\n1,3,3\n2,2,5\n3,7,4\n"), "--optimizer", "newton"]
    status, out, err = linreg(*words)
    assert status == 0
    assert err.endswith(" has no name, as a row index has none: --without '' leaves it out\n")
    assert "\n(unnamed) " in out
    status, out, err = linreg(*words, "--without", "")
    assert (status, "unnamed" in out, err) == (0, False, "")


def test_no_header_stands_before_a_refusal(table, tmp_path):
    pytest.importorskip("safetensors")
    assert linreg(*table("x,y\n1,2\n2,3\n3,5\n"), "--save", tmp_path / "run")[0] == 0
    (tmp_path / "new.csv").write_text("x\na\n", encoding="utf-8")
    status, out, err = linreg("predict", tmp_path / "run", tmp_path / "new.csv")
    assert (status, out) == (2, "")
    assert "row 1, column 'x': 'a' is not a finite number" in err
    (tmp_path / "new.csv").write_text("x\n", encoding="utf-8")
    assert linreg("predict", tmp_path / "run", tmp_path / "new.csv") == (0, "prediction\n", "")
