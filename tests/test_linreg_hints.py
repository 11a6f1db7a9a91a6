"""What a user who is refused is told to do: each hint is followed here, and then it works."""

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, strategies as st

pa = pytest.importorskip("pyarrow")
from pyarrow import parquet

from linreg.__main__ import main
from linreg.lines import coefficient_lines
from linreg.tables.delimited import Delimited
from linreg.tables.mending import mended
from linreg.tables.opening import MARKS
from linreg.tables.streams import Reading

LEAVES, DROPS = "--without leaves columns out", "--missing drop leaves such rows out"
ROWS = "id,word,one,x,area m2,y\n" + "".join(f"r{i},{'ab'[i % 2]},7,{i},{i * i},{2 * i + 1}\n" for i in range(9))


@pytest.fixture
def refused(capsys):
    """What stderr says of a command that is refused."""

    def refused(*words):
        assert main([str(word) for word in words]) == 2
        out, err = capsys.readouterr()
        assert (out, err.count("\n")) == ("", 1)
        return err.removeprefix("linreg: error: ").removesuffix("\n")

    return refused


@pytest.fixture
def told(capsys):
    """The JSON that a command prints."""

    def told(*words):
        assert main([*map(str, words), "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    return told


@pytest.fixture
def options(tmp_path):
    """The options that train on the table above."""
    (tmp_path / "t.csv").write_text(ROWS, encoding="utf-8")
    return "--data", tmp_path / "t.csv", "--target", "y", "--seed", "0"


def test_each_hint_leads_to_the_next_until_it_trains(options, refused, told):
    both = "is not a finite number; --categories takes columns of words, --na words for a missing value, --without leaves columns out"
    assert refused(*options).endswith(f"row 1, column 'id': 'r0' {both}")
    assert refused(*options, "--without", "id").endswith(f"row 1, column 'word': 'a' {both}")
    words = "--categories", "word"
    assert refused(*options, "--without", "id", *words).endswith(
        "'one' is constant: every value is 7; --without leaves columns out"
    )
    assert list(told(*options, "--without", "id,one", *words)["coefficients"]) == ["word=b", "x", "area m2"]


def test_a_column_of_one_word_can_be_left_out(tmp_path, refused, told):
    (tmp_path / "t.csv").write_text("w,x,y\na,1,2\na,2,3\na,3,5\n", encoding="utf-8")
    options = "--data", tmp_path / "t.csv", "--target", "y"
    said = refused(*options, "--categories", "w")
    assert said.endswith("column 'w' is constant: every value is 'a'; --without leaves columns out")
    assert list(told(*options, "--without", "w")["coefficients"]) == ["x"]


def test_a_column_of_dates_can_be_left_out(tmp_path, refused, told):
    dates = pa.array([18000, 18001, 18002], pa.int32()).cast(pa.date32())
    parquet.write_table(pa.table({"day": dates, "x": [1, 2, 3], "y": [2, 4, 7]}), tmp_path / "t.parquet")
    options = "--data", tmp_path / "t.parquet", "--target", "y"
    assert re.search(r"column 'day' holds date32\[day\]: .*; --without leaves columns out$", refused(*options))
    assert list(told(*options, "--without", "day")["coefficients"]) == ["x"]


def test_what_an_option_cannot_mend_has_no_hint(options, refused):
    path, *_ = options[1:]
    said = refused("--data", path, "--target", "word", "--features", "x")
    mend = "; a target must be numbers, as 1 for yes and 0 for no; --na takes words for a missing value"
    assert said.endswith(f"column 'word': 'a' is not a finite number{mend}")
    assert refused("--data", path, "--target", "one", "--features", "x").endswith("every value is 7")


def test_an_infinite_value_is_no_word(tmp_path, refused):
    (tmp_path / "t.csv").write_text("x,y\n1,2\n-inf,3\n", encoding="utf-8")
    said = refused("--data", tmp_path / "t.csv", "--target", "y")
    assert said.endswith("'-inf' is not a finite number; --without leaves columns out")


numbers = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e9, max_value=1e9)


@given(st.lists(st.tuples(numbers, numbers), min_size=1))
def test_csv2_is_csv_with_other_marks(rows):
    def read(text, *marks):
        source = Delimited(Reading(io.BytesIO(text.encode()), "t"), "t", *marks)
        return np.concatenate([block.numbers for block in source.blocks(source.columns, ())]).tolist()

    text = "Höhe,y\n" + "".join(f"{a!r}, {b!r}\n" for a, b in rows)
    assert (
        read(text.translate({ord(","): ";", ord("."): ","}), *MARKS["csv2"]) == read(text) == [[*row] for row in rows]
    )


def test_semicolons_and_decimal_commas(tmp_path, refused, told):
    path = tmp_path / "eu.csv"
    path.write_text("größe;wort;y\n1,5;rot;2,5\n NA;blau;1\n2;rot;3,5\n4,25;blau;-,5\n", encoding="utf-8")
    options = "--data", path, "--target", "y", "--categories", "wort", "--missing", "drop", "--seed", "0"
    assert "'1,5' is not a finite number; --format csv2 reads decimal commas; --without" in refused(*options)
    said = refused(*options, "--format", "csv")
    assert said.endswith("'größe;wort;y'; --format csv2 reads semicolons and decimal commas")
    exact = told(*options, "--format", "csv2", "--save", tmp_path / "run")
    path.with_suffix(".tsv").write_text(path.read_text("utf-8").replace(",", ".").replace(";", "\t"), encoding="utf-8")
    same = told("--data", path.with_suffix(".tsv"), *options[2:])
    assert (same["coefficients"], same["missing"]) == (exact["coefficients"], {"größe": 1})
    assert "decimal commas" in refused("predict", tmp_path / "run", path, "--out", tmp_path / "p.csv")
    predicted = told("predict", tmp_path / "run", path, "--format", "csv2", "--out", tmp_path / "p.csv")
    assert predicted["predicted"] == 3
    path.write_text("x;y\n1.500;2\n1;3\n", encoding="utf-8")
    hint = f"it looks like a number with '.' in it: write 1500, or 1,500 if '.' is its decimal mark; {LEAVES}"
    assert f"column 'x': '1.500' is not a finite number; {hint}" in refused(*options[:4], "--format", "csv2")


def test_semicolons_and_decimal_points(tmp_path, refused, told):
    path = tmp_path / "t.csv"
    text = '\n \r\nx; "area m2";y\n1.5;2;2\n2;3.5;4\n4; 1;7\n'
    path.write_text(text, encoding="utf-8")
    options = "--data", path, "--optimizer", "lstsq", "--seed", 0
    found = told(*options, "--target", " area m2")
    path.write_text(text.replace(";", ","), encoding="utf-8")
    assert told(*options, "--target", "area m2") == found
    path.write_text(text.removesuffix("7\n") + "z\n", encoding="utf-8")
    assert "row 3, column 'y': 'z'" in refused("--data", path, "--target", "y")
    path.write_text('\n\na,"b"c\n1,2\n', encoding="utf-8")
    assert "line 3: not CSV" in refused("--data", path, "--target", "a")


def test_two_columns_of_one_name_do_no_harm_where_neither_is_used(tmp_path, refused, told):
    (tmp_path / "t.csv").write_text("y,x,z,z,,\n1,2,3,4,,\n2,3,5,6,,\n4,4,1,1,,\n", encoding="utf-8")
    options = "--data", tmp_path / "t.csv", "--target", "y", "--optimizer", "lstsq"
    assert refused(*options).endswith("two columns are named 'z'; --without 'z' leaves both out")
    assert refused(*options, "--without", "z").endswith("two columns are named ''; --without '' leaves both out")
    found = told(*options, "--without", "z,", "--save", tmp_path / "run")["coefficients"]
    assert found == told(*options, "--features", "x")["coefficients"]
    predicting = "predict", tmp_path / "run", tmp_path / "t.csv"
    assert told(*predicting, "--out", tmp_path / "p.csv")["predicted"] == 3
    assert refused(*predicting, "--keep", "z").endswith("two columns are named 'z'")
    (tmp_path / "t.csv").write_text("y,x,y\n1,2,3\n", encoding="utf-8")
    assert refused(*predicting).endswith("two columns are named 'y'")


@pytest.mark.parametrize(
    ("cell", "hint", "mended"),
    [
        ("8,755", "a number with ',' in it: write 8755, or 8.755 if ',' is its decimal mark", "8755"),
        ("-1,234,567.5", "a number with ',' in it: write -1234567.5", "-1234567.5"),
        ("-20.8%", "a percentage: write -0.208", "-0.208"),
        ("7,5 %", "a percentage: write 0.075", "0.075"),
        ("$5", "an amount of money: write 5", "5"),
        ("-$1,234.50", "an amount of money: write -1234.50", "-1234.50"),
        (" 99 €", "an amount of money: write 99", "99"),
        ("€5.000", "an amount of money: write 5.000, or 5000 if '.' stands between thousands", "5000"),
        ("1 234,5", "a number as it is printed: write 1234.5", "1234.5"),
        ("-1\u00a0234\u00a0567", "a number as it is printed: write -1234567", "-1234567"),
        ("\u22123", "a number as it is printed: write -3", "-3"),
        ("(3.5)", "a number as it is printed: write -3.5", "-3.5"),
        ("(1,234)", "a number with ',' in it: write -1234, or -1.234 if ',' is its decimal mark", "-1234"),
        ("2023-01-05", "a date or a time: write a number for it, as the days or hours since one of them", "19362"),
        ("5.1.2023 07:30", "a date or a time: write a number for it, as the days or hours since one of them", "19362"),
        ("1.234.567", "a number with '.' in it: write 1234567", "1234567"),
        ("5 kg", "a number with its unit: write 5, or take it as a word by --categories", "5"),
        ("-21.5°C", "a number with its unit: write -21.5, or take it as a word by --categories", "-21.5"),
        ("1.234,50 €", "an amount of money: write 1234.50", "1234.50"),
    ],
)
def test_a_number_written_for_people_is_told_how_to_write(tmp_path, refused, told, cell, hint, mended):
    path = tmp_path / "t.csv"
    options = "--data", path, "--target", "y", "--optimizer", "lstsq"
    path.write_text(f'x,y\n1,2\n"{cell}",3\n', encoding="utf-8")
    said = refused(*options)
    assert said.endswith(f"row 2, column 'x': {cell!r} is not a finite number; it looks like {hint}; {LEAVES}")
    path.write_text(f"x,y\n1,2\n{mended},3\n", encoding="utf-8")
    assert told(*options)["rows"] == 2


@pytest.mark.parametrize(
    "cell",
    ["1,2,3", "1.2.3", "$", "%", "5 gallons", "2nd", "1,234,56", "9" * 30 + "%", "12,5", "18-25", "2023/24", "0,755"],
)
def test_what_else_a_cell_may_hold_is_not_guessed(cell):
    assert mended(cell) is None


def test_tabs_in_a_file_that_is_called_csv(tmp_path, refused):
    (tmp_path / "t.csv").write_text("x\ty\n1\t2\n", encoding="utf-8")
    assert refused("--data", tmp_path / "t.csv", "--target", "y").endswith("; --format tsv reads tabs")


def test_a_line_that_tells_excel_what_stands_between_cells(tmp_path, refused, told):
    text = "x;y\n1;2\n2;3\n4;4\n"
    for first in ("sep=;", '"sep=;"', "Sep=,"):
        (tmp_path / "t.csv").write_text(f"\ufeff{first}\r\n{text}", encoding="utf-8")
        said = refused("--data", tmp_path / "t.csv", "--target", "y")
        assert f"t.csv: its first line, {first}, tells Excel what stands between cells" in said
    (tmp_path / "t.csv").write_text(text, encoding="utf-8")
    assert told("--data", tmp_path / "t.csv", "--target", "y")["rows"] == 3


def test_bars_and_spaces_between_cells_and_lines_above_the_names(tmp_path, refused):
    by = "; cells are separated by commas or semicolons, with --format tsv by tabs, which"
    for first, advice in (
        ("x|y", rf"{by} tr '|' '\t' makes of these"),
        ("x y", rf"{by} tr -s ' ' '\t' makes of these"),
        ("# made in May", "; the first line must name the columns: tail -n +2 leaves one out"),
        ("x", ""),
    ):
        (tmp_path / "t.csv").write_text(f"{first}\n1|2\n", encoding="utf-8")
        assert refused("--data", tmp_path / "t.csv", "--target", "y").endswith(f"its columns are {first!r}{advice}")


def test_only_what_can_be_filled_is_told_to_be(tmp_path, refused, told):
    (tmp_path / "t.csv").write_text("x,y\n1,2\n3,3\n2,\n,5\n", encoding="utf-8")
    options = "--data", tmp_path / "t.csv"
    filled = ", --missing mean fills them"
    assert refused(*options, "--target", "x").endswith(f"row 3, column 'y': the value is missing; {DROPS}{filled}")
    assert refused(*options, "--target", "y").endswith(f"row 3, column 'y': the value is missing; {DROPS}")
    assert told(*options, "--target", "y", "--missing", "mean")["rows_dropped"] == 1


def test_features_are_named_in_one_way(options, refused):
    assert "it cannot go with --without" in refused(*options, "--features", "x", "--without", "id")
    assert "--without needs --data" in refused("--without", "x")
    assert "has no column 'ix'" in refused(*options, "--without", "ix")
    assert "no feature to predict 'y' from" in refused(*options, "--without", "id,word,one,x,area m2")


def test_a_run_goes_on_without_the_same_columns(options, refused, told, tmp_path):
    without = "--without", "id,word,one,area m2"
    told(*options, *without, "--save", tmp_path / "run")
    again = told("--resume", tmp_path / "run", "--num-epochs", "301")
    assert list(again["coefficients"]) == ["x"]
    assert "--without cannot change" in refused("--resume", tmp_path / "run", "--without", "id")


@pytest.mark.parametrize(("wrong", "near"), [("Word", "word"), ("area_m2", "area m2"), ("Y", "y")])
def test_the_nearest_column_is_named(options, refused, wrong, near):
    assert f"has no column {wrong!r} (is it {near!r}?); its columns are" in refused(*options[:2], "--target", wrong)


def test_a_name_with_a_comma_is_told_how_to_quote(tmp_path, refused, told):
    (tmp_path / "t.csv").write_text('"Area, sqft",x,y\n1,2,3\n2,1,5\n3,3,4\n', encoding="utf-8")
    options = "--data", tmp_path / "t.csv", "--target", "y", "--optimizer", "lstsq"
    mend = """(is it 'Area, sqft'? a name with a comma needs double quotes inside: '"Area, sqft"'); its columns are"""
    for option in ("--features", "--without", "--categories"):
        assert f"has no column 'Area' {mend}" in refused(*options, option, "Area, sqft")
    assert "quotes" not in refused(*options, "--features", "Area")
    told(*options, "--without", '"Area, sqft"', "--save", tmp_path / "run")
    assert mend in refused("predict", tmp_path / "run", tmp_path / "t.csv", "--keep", "Area, sqft")


def test_a_column_that_is_near_none_is_not_guessed(options, refused):
    assert "has no column 'price'; its columns are 'id'" in refused(*options[:2], "--target", "price")


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["--epochs", "3"], "; is --num-epochs meant?"),
        (["--feature=x"], "; is --features meant?"),
        (["--xyzzy"], ""),
        (["--interval", "0.9"], "; --interval is an option of linreg predict"),
        (["--sample-weight", "x"], "; is --weights meant?"),
        (["--features", "area", "m2"], "; what has spaces needs quotes"),
    ],
)
def test_what_was_meant_by_an_unknown_word(options, refused, words, hint):
    said = refused(*options, *words)
    assert re.fullmatch(r"unrecognized arguments: [^;]*" + re.escape(f"{hint} (linreg --help shows the options)"), said)


def test_a_file_in_place_of_a_command(options, refused):
    assert refused(options[1]).endswith(f"; to train on a file: linreg --data {options[1]} --target NAME")
    assert f"; a file to train on: --data {options[1]} --target NAME" in refused("fit", options[1])


def test_chinese_names_stand_in_columns():
    numbers = {"estimate": 1.0, "exact": 1.0, "difference": 0.0}
    lines = coefficient_lines("价格", {"面积 m²": numbers, "城区=海淀": numbers}, numbers)
    starts = ["价格       ", "(intercept)", "面积 m²    ", "城区=海淀  "]  # each takes 11 columns
    assert [line[: len(start)] for line, start in zip(lines, starts, strict=True)] == starts
    assert len({line[len(start) :] for line, start in zip(lines[1:], starts[1:], strict=True)}) == 1


def test_help_needs_no_numpy():
    code = "import sys; sys.modules['numpy'] = None; from linreg.__main__ import main; main()"
    child = subprocess.run(
        [sys.executable, "-c", code, "--help"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
    )
    assert (child.returncode, child.stderr) == (0, "")
    assert child.stdout.startswith("usage: linreg ")
