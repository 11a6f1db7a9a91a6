"""Columns that may not be what they seem: codes taken for numbers wherever they stand, and the target in disguise."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

pa = pytest.importorskip("pyarrow")
from linreg_command import linreg
from pyarrow import parquet

import minigrad
from linreg.tables import Rows, load
from linreg.tables.arrow import padded

NIST = Path(__file__).parent / "data" / "nist"
EXAMPLES = Path(__file__).parents[1] / "examples" / "data"
SAID = "begin with 0, as codes do: --categories takes them as words"


def late(rows=60_000):
    """A CSV table of more than one block, of which the last row alone has a code."""
    return "zip,x,y\n" + "".join(f"{10000 + i},{i % 7}.25,{i % 11}\n" for i in range(rows)) + "02134,1,2\n"


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.parquet", "t.npz"])
def test_a_code_is_told_wherever_it_stands(tmp_path, name):
    path = tmp_path / name
    cells = {"zip": ["10001", "20001", None, " 02134 "], "x": ["1", "0.25", "08", "4"], "y": [1, 2, 4, 9]}
    if name == "t.npz":
        np.savez(
            path, **{key: [cell or "" for cell in column] if key != "y" else column for key, column in cells.items()}
        )
    elif name == "t.parquet":
        parquet.write_table(pa.table(cells), path, row_group_size=2)
    else:
        path.write_bytes(gzip.compress(late().encode(), 1) if name == "t.csv.gz" else late().encode())
    err = linreg("--data", path, "--target", "y", "--missing", "drop", "--optimizer", "newton", "--quiet")[2]
    assert f"linreg: warning: numbers of 'zip' in {path} {SAID}\n" in err


def test_codes_in_rows_of_an_iterable_are_told():
    rows = [{"zip": cell, "y": i * i} for i, cell in enumerate(["1", "2", "0044", 7])]
    assert [line.endswith(SAID) for line in load(Rows(rows), "y", torch=minigrad).warnings] == [True]


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view()], ids=str)
@given(st.lists(st.sampled_from(["", " 1 ", "0.1234", "012", "0123", "\t00001 ", "-0123", "0123.5", None])))
@settings(max_examples=20)
def test_codes_begin_with_0_and_have_four_digits_or_more(kind, cells):
    found = any(cell in ("0123", "\t00001 ") for cell in cells)
    assert padded(pa.array(cells, pa.string()).cast(kind)) == found
    assert padded(pa.array(cells, pa.string()).dictionary_encode()) == found


def test_predict_tells_of_codes_too(tmp_path):
    (tmp_path / "t.csv").write_text("zip,y\n1001,1\n2001,4\n3001,4\n")
    (tmp_path / "new.csv").write_text("zip,y\n01001,0001\n02001,0002\n")
    assert linreg("--data", tmp_path / "t.csv", "--target", "y", "--save", tmp_path / "run", "--quiet")[2] == ""
    assert linreg("predict", tmp_path / "run", tmp_path / "t.csv")[2].count("\n") == 1
    said = f"numbers of 'zip' in {tmp_path / 'new.csv'} begin with 0, as codes do: this run was trained to take them as"
    assert f"linreg: warning: {said} numbers\n" in linreg("predict", tmp_path / "run", tmp_path / "new.csv")[2]


def rounded_targets(**columns):
    """The columns that are taken for the target `y` in another form."""
    lines = load(Rows(np.rec.fromarrays(columns.values(), names=list(columns))), "y", torch=minigrad).warnings
    return [line.split("'")[1] for line in lines if "is it another form of the target?" in line]


@settings(max_examples=20)
@given(
    st.integers(0, 2**32 - 1),
    st.floats(0.01, 1000),
    st.floats(-1000, 1000),
    st.sampled_from([np.round, np.floor, np.ceil]),
    st.integers(100, 500),
    st.sampled_from([10.0, 1e3, 1e6]),
)
def test_the_target_in_another_unit_is_told_however_it_was_rounded(seed, scale, shift, cut, rows, steps):
    rng = np.random.default_rng(seed)
    y = np.round(rng.normal(size=rows), 6) * scale
    unit = np.ptp(y) / steps / 3
    other = cut(y / unit + shift)  # in the target's units, rounded to a step of `unit`
    noise = rng.normal(size=rows)
    assert rounded_targets(other=-other, noise=noise, y=y) == ["other"]
    assert rounded_targets(other=y, noise=noise, y=other) == ["other"]


X = np.arange(300) * 7 % 101  # whole numbers
WITHIN = (np.arange(300) * 0.618 % 1) - 0.5  # spread over a step


@pytest.mark.parametrize(
    ("apart", "told"),
    [
        (WITHIN, True),
        (2 * WITHIN, False),  # an error of its own, wider than the step
        (WITHIN / 3, False),  # as where x was set to whole numbers
        (np.where(WITHIN > 0, 0.55, -0.55), False),  # within the step, nearly, but not spread over it
        (np.where(np.arange(300) == 50, 1.5, WITHIN), False),  # one row is none of it
    ],
)
def test_other_errors_are_not_taken_for_rounding(apart, told):
    assert (rounded_targets(x=X, y=3 * (X + apart)) == ["x"]) == told


def test_one_may_be_rounded_or_both():
    t = np.random.default_rng(0).uniform(0, 100, 300)
    assert rounded_targets(x=np.round(t), y=np.round(1.1 * t + 0.37)) == ["x"]
    assert rounded_targets(x=X, y=np.round(1.37 * X)) == ["x"]  # which is narrower than a step of x


def test_a_few_steps_tell_nothing():
    y = X / 20.2 - 0.49 + WITHIN / 100  # from -0.5 to 4.5
    assert rounded_targets(x=np.round(y), y=y) == []
    assert rounded_targets(x=np.round(5 * y), y=y) == ["x"]
    assert rounded_targets(x=np.round(5 * y[:29]), y=y[:29]) == []


@pytest.mark.parametrize("path", [*sorted(NIST.glob("*.csv")), EXAMPLES / "norris.csv"], ids=lambda path: path.stem)
def test_no_calibration_is_taken_for_the_target_itself(path):
    assert not any("another form" in line for line in load(str(path), "y", torch=minigrad).warnings)


def test_the_mass_in_kilograms_is_told(tmp_path):
    rows = (EXAMPLES / "penguins.csv").read_text("utf-8").splitlines()
    head, *rows = (row.split(",") for row in rows)
    mass = head.index("body_mass_g")
    cells = [[*row, row[mass] if row[mass] == "NA" else f"{int(row[mass]) / 1000:.1f}"] for row in rows]
    (tmp_path / "t.csv").write_text("\n".join(map(",".join, [[*head, "kg"], *cells])), "utf-8")
    words = (
        "--data",
        tmp_path / "t.csv",
        "--target",
        "body_mass_g",
        "--missing",
        "drop",
        "--optimizer",
        "newton",
        "--json",
    )
    status, out, err = linreg(*words, "--features", "flipper_length_mm,bill_depth_mm,kg")
    assert (status, json.loads(out)["rows"]) == (0, 342)
    assert "t.csv alone gives 'body_mass_g' but for rounding: is it another form of the target?" in err
    assert "another form" not in linreg(*words, "--features", "flipper_length_mm,bill_depth_mm")[2]


def test_a_column_that_leaves_no_row_is_named(tmp_path):
    (tmp_path / "t.csv").write_text("a,x,y\n" + "".join(f",{i},{i * i}\n" for i in range(9)))
    words = "--data", tmp_path / "t.csv", "--missing", "drop", "--quiet", "--target"
    said = f"linreg: error: {tmp_path / 't.csv'}: every one of its 9 rows lacks a value: column 'a' holds none"
    assert linreg(*words, "y")[2] == f"{said}; --without leaves columns out\n"
    assert linreg(*words, "a")[2] == f"{said}\n"
    assert linreg(*words, "y", "--without", "a")[0] == 0


def test_rows_in_other_units_are_warned_of_and_no_row_trained_on_is(tmp_path):
    pytest.importorskip("safetensors")
    table, run = tmp_path / "t.csv", tmp_path / "run"
    rows = [(1 if i == 7 else 0, i % 5, i) for i in range(30)]  # the 1 lies as far out as one of 30 numbers can
    options = "--data", table, "--target", "y", "--quiet", "--optimizer", "lstsq", "--save"
    for scales, said in (
        ((1, 1), ""),
        ((2, 1), "t.csv, row 8: column 'a' lies further from its mean than any row trained on: is this table in the"),
        ((-1000, 1000), "t.csv, row 8: column 'a' (and 1 more) lies further"),
    ):
        text = "".join(f"{scales[0] * a},{scales[1] * b},{y}\n" for a, b, y in rows)
        if not run.exists():
            table.write_text(f"a,b,y\n{text}")
            assert linreg(*options, run)[0] == linreg(*options, tmp_path / "weighted", "--weights", "b")[0] == 0
        table.write_text(f"a,b,y\n{text}")
        err = linreg("predict", run, table)[2]
        assert said in err
        assert bool(said) == ("warning" in err)
        assert "lies further" not in linreg("predict", tmp_path / "weighted", table)[2]
