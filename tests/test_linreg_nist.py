"""NIST's reference regressions: Newton's step against the certified coefficients, and SGD on the easiest of them."""

import contextlib
import csv
import io
import json
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pyarrow")

from linreg.jobs import fit_table
from linreg.settings import Settings, Table

HERE = Path(__file__).parent
CERTIFIED = json.loads((HERE / "data" / "nist" / "certified.json").read_text())
HARD = [name for name, answer in CERTIFIED.items() if answer["difficulty"] == "higher"]
NOT_HARD = [name for name in CERTIFIED if name not in HARD]


def rows_of(name, number):
    """The features, powers among them, and the targets of a data set, as `number` reads its decimals."""
    folder = HERE.parent / "examples" / "data" if name == "norris" else HERE / "data" / "nist"
    with open(folder / f"{name}.csv", newline="") as file:
        rows = [{column: number(cell) for column, cell in row.items()} for row in csv.DictReader(file)]
    y = [row.pop("y") for row in rows]
    powers = range(1, CERTIFIED[name]["degree"] + 1)
    return [[value**power for value in row.values() for power in powers] for row in rows], y


def fit(name, tmp_path, **settings):
    """The command's answer for a data set, in the order in which NIST gives its coefficients."""
    X, y = rows_of(name, float)
    path = tmp_path / "table.csv"
    with open(path, "w", newline="") as file:
        columns = [f"x{place}" for place in range(len(X[0]))]
        csv.writer(file).writerows([["y", *columns], *([target, *row] for target, row in zip(y, X, strict=True))])
    chosen = {
        "lr": None,
        "num_epochs": 0,
        "batch_size": 10,
        "init_std": 0.01,
        "seed": 0,
        "dtype": "float64",
        "backend": "minigrad",
        "device": "cpu",
        "optimizer": "newton",
        "fit_intercept": CERTIFIED[name]["intercept"],
    }
    with contextlib.redirect_stdout(io.StringIO()):
        result, _ = fit_table(Settings(**(chosen | settings)), Table(str(path), "y"))
    constant = [result["intercept"]] if chosen["fit_intercept"] else []
    return [*constant, *result["coefficients"].values()]


def digits(name, coefficients):
    """The decimal digits in which the worst coefficient agrees with the certified one."""
    pairs = zip(coefficients, map(float, CERTIFIED[name]["values"]), strict=True)
    return min(-math.log10(max(abs(ours / certified - 1), 1e-15)) for ours, certified in pairs)


def digits_of_fit(name, tmp_path, which="estimate", **settings):
    return digits(name, [row[which] for row in fit(name, tmp_path, **settings)])


def digits_of_lstsq(name):
    X, y = rows_of(name, float)
    ones = np.ones((len(X), 1 if CERTIFIED[name]["intercept"] else 0))
    return digits(name, np.linalg.lstsq(np.hstack([ones, X]), np.array(y))[0])


@pytest.mark.parametrize("name", CERTIFIED)
def test_tables_give_every_certified_digit(name):
    """In exact rational arithmetic: so neither a reading nor a certified number is copied wrong."""
    X, y = rows_of(name, Fraction)
    if CERTIFIED[name]["intercept"]:
        X = [[Fraction(1), *row] for row in X]
    columns, size = list(zip(*X, strict=True)), len(X[0])
    # Gauss and Jordan's elimination turns [XᵀX | I | Xᵀy] into [I | (XᵀX)⁻¹ | w].
    grid = [[*(dot(a, b) for b in columns), *(Fraction(a is b) for b in columns), dot(a, y)] for a in columns]
    for i in range(size):
        grid[i] = [value / grid[i][i] for value in grid[i]]
        for j in range(size):
            if j != i:
                grid[j] = [ours - grid[j][i] * theirs for ours, theirs in zip(grid[j], grid[i], strict=True)]
    w = [row[-1] for row in grid]
    left = sum((target - dot(row, w)) ** 2 for row, target in zip(X, y, strict=True))
    total = dot(y, y) - (sum(y) ** 2 / len(y) if CERTIFIED[name]["intercept"] else 0)
    variance = left / Fraction(len(y) - size)
    deviations = [math.sqrt(variance * row[size + i]) for i, row in enumerate(grid)]
    assert [float(value) for value in w] == pytest.approx([*map(float, CERTIFIED[name]["values"])], rel=5e-15)
    assert deviations == pytest.approx([*map(float, CERTIFIED[name]["deviations"])], rel=5e-15)
    assert math.sqrt(variance) == pytest.approx(float(CERTIFIED[name]["residual_deviation"]), rel=5e-15)
    assert float(1 - left / total) == pytest.approx(float(CERTIFIED[name]["r_squared"]), rel=5e-15)


def dot(a, b):
    return sum(x * y for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("backend", ["minigrad", "torch"])
@pytest.mark.parametrize("name", NOT_HARD)
def test_newton_agrees_to_9_digits(name, backend, tmp_path):
    pytest.importorskip(backend)
    assert digits_of_fit(name, tmp_path, backend=backend) >= 9


@pytest.mark.parametrize("backend", ["minigrad", "torch"])
@pytest.mark.parametrize("name", HARD)
def test_newton_has_the_digits_of_lstsq_less_one_at_most(name, backend, tmp_path):
    """Of lstsq on the same standardised columns, which is the job's exact answer, and on the table as it stands."""
    pytest.importorskip(backend)
    ours = digits_of_fit(name, tmp_path, backend=backend)
    assert ours >= digits_of_fit(name, tmp_path, "exact") - 1
    assert ours >= digits_of_lstsq(name) - 1
    assert ours > 6


@pytest.mark.parametrize("name", CERTIFIED)
def test_lstsq_as_an_optimizer_is_the_exact_answer(name, tmp_path):
    rows = fit(name, tmp_path, optimizer="lstsq")
    exact = digits(name, [row["exact"] for row in rows])  # of which the last are as this machine's BLAS rounds
    assert digits(name, [row["estimate"] for row in rows]) >= min(exact - 1, 8)


def test_sgd_reaches_4_digits_on_norris(tmp_path):
    """All rows in a batch: the noise of smaller ones costs the intercept its digits, which is a difference."""
    assert digits_of_fit("norris", tmp_path, optimizer="sgd", lr=0.5, batch_size=36, num_epochs=60) >= 4
    slope = fit("norris", tmp_path, optimizer="sgd", lr=0.003, batch_size=10, num_epochs=1500)[1]["estimate"]
    assert slope == pytest.approx(float(CERTIFIED["norris"]["values"][1]), rel=1e-4)


@pytest.mark.parametrize(("optimizer", "lr", "least"), [("sgd", 0.9, 9), ("momentum", 0.3, 9), ("adam", 0.01, 5)])
def test_small_steps_come_as_near_where_columns_are_standardised(optimizer, lr, least, tmp_path):
    settings = {"optimizer": optimizer, "lr": lr, "batch_size": 40, "num_epochs": 4000}
    assert digits_of_fit("pontius", tmp_path, **settings) >= least
