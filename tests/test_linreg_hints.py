"""What a user who is refused is told to do: each hint is followed here, and then it works."""

import json
import re

import pytest

pa = pytest.importorskip("pyarrow")
from pyarrow import parquet

from linreg.__main__ import main
from linreg.lines import coefficient_lines

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
    both = "is not a finite number; --categories takes columns of words, --without leaves columns out"
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
    assert said.endswith("column 'word': 'a' is not a finite number")
    assert refused("--data", path, "--target", "one", "--features", "x").endswith("every value is 7")


def test_an_infinite_value_is_no_word(tmp_path, refused):
    (tmp_path / "t.csv").write_text("x,y\n1,2\n-inf,3\n", encoding="utf-8")
    said = refused("--data", tmp_path / "t.csv", "--target", "y")
    assert said.endswith("'-inf' is not a finite number; --without leaves columns out")


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


def test_a_column_that_is_near_none_is_not_guessed(options, refused):
    assert "has no column 'price'; its columns are 'id'" in refused(*options[:2], "--target", "price")


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["--epochs", "3"], "; is --num-epochs meant?"),
        (["--feature=x"], "; is --features meant?"),
        (["--xyzzy"], ""),
        (["--features", "area", "m2"], "; what has spaces needs quotes"),
    ],
)
def test_what_was_meant_by_an_unknown_word(options, refused, words, hint):
    said = refused(*options, *words)
    assert re.fullmatch(r"unrecognized arguments: [^;]*" + re.escape(f"{hint} (linreg --help shows the options)"), said)


def test_a_file_in_place_of_a_command(options, refused):
    assert refused(options[1]).endswith(f"; to train on a file: linreg --data {options[1]} --target NAME")


def test_chinese_names_stand_in_columns():
    numbers = {"estimate": 1.0, "exact": 1.0, "difference": 0.0}
    lines = coefficient_lines("价格", {"面积 m²": numbers, "城区=海淀": numbers}, numbers)
    starts = ["价格       ", "(intercept)", "面积 m²    ", "城区=海淀  "]  # each takes 11 columns
    assert [line[: len(start)] for line, start in zip(lines, starts, strict=True)] == starts
    assert len({line[len(start) :] for line, start in zip(lines[1:], starts[1:], strict=True)}) == 1
