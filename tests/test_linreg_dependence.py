"""The warning about features that follow from others names them, and how."""

import json
import re
import warnings

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

pytest.importorskip("pyarrow")
from linreg_command import linreg

import minigrad
from linreg import LinearRegression, estimator, exact
from linreg.dependence import dependence, lost
from linreg.exact import least_squares
from linreg.moments import Moments
from linreg.scaling import Scaling
from linreg.triangle import Triangle

RANK = r"linreg: warning: the \d+ features have rank \d+ in \d+ rows, so their coefficients are not unique: "


def told(tmp_path, columns, *options):
    """The warning about a table of these columns and a target that none of them makes."""
    columns = columns | {"y": np.random.default_rng(9).normal(size=len(next(iter(columns.values()))))}
    rows = [",".join(columns), *(",".join(str(cell) for cell in row) for row in zip(*columns.values(), strict=True))]
    (tmp_path / "t.csv").write_text("\n".join(rows), encoding="utf-8")
    words = ["--data", tmp_path / "t.csv", "--target", "y", "--seed", "0", "--num-epochs", "1", *options]
    status, _, err = linreg(*words)
    assert status == 0
    assert re.match(RANK, err), err
    return re.sub(RANK, "", err).removesuffix("\n")


def numbers(*shape):
    return np.random.default_rng(0).normal(size=shape) * 3 + 10


def test_each_dependent_column_is_told_by_the_columns_before_it(tmp_path):
    a, b, d = numbers(3, 30)
    assert told(tmp_path, {"a": a, "b": b, "c": 2 * a + b, "d": d}) == "c = 2 a + b"
    assert told(tmp_path, {"a": a, "d": d, "b": -0.5 * a + 7}) == "b = -0.5 a + 7"
    assert (
        told(tmp_path, {"a": a, "big (m)": 1e6 * a - 1e3 * b, "b": b, "e": a}) == "b = 1000 a - 0.001 'big (m)', e = a"
    )


def test_the_origin_has_no_constant(tmp_path):
    a, b = numbers(2, 30)
    assert told(tmp_path, {"a": a, "b": b, "c": a - 3 * b}, "--no-intercept") == "c = a - 3 b"


def test_levels_that_other_columns_tell_are_named(tmp_path):
    words = np.array(["red", "green", "blue"] * 10)
    columns = {"c": words, "is red": (words == "red").astype(int), "a": numbers(30)}
    assert told(tmp_path, columns, "--categories", "c") == "'is red' = 'c=red'"


def test_many_columns_are_named_but_not_all(tmp_path):
    made = {f"x{i}": column for i, column in enumerate(numbers(9, 40))}
    total = np.sum(list(made.values()), axis=0)
    assert told(tmp_path, made | {"t": total}) == "t follows from x0, x1, x2, x3, x4, x5, x6, x7 and 1 more"
    doubled = {f"z{i}": 2 * column for i, column in enumerate(made.values())}
    assert told(tmp_path, made | doubled) == "z0 = 2 x0, z1 = 2 x1, z2 = 2 x2, and 6 more"
    wide = {f"x{i}": column for i, column in enumerate(numbers(60, 5))}
    assert told(tmp_path, wide) == "x0, x1, x2, x3, x4, x5, x6, x7 and 52 more depend on each other"


@given(st.integers(0, 2**32 - 1), st.integers(1, 3), st.booleans(), st.sampled_from([0.0, 20.0]))
@settings(max_examples=40)
def test_what_is_told_holds_in_every_row(seed, extra, intercept, mean):
    rng = np.random.default_rng(seed)
    X = rng.normal(mean, rng.uniform(1, 50, 3), (25, 3))
    made = X @ rng.integers(-4, 5, (3, extra)).astype(float) + rng.integers(-3, 4) * intercept
    X = np.column_stack([X, made[:, np.ptp(made, axis=0) > 0]])[
        :, rng.permutation(3 + (np.ptp(made, axis=0) > 0).sum())
    ]
    moments = Moments(X.shape[1] + 1, intercept)
    moments.see(np.column_stack([X, np.zeros(25)]))
    scaling = Scaling(*moments.means_and_stds())
    triangle = Triangle(X.shape[1]).fold((X - scaling.means[:-1]) / scaling.stds[:-1], rng.normal(size=25))
    rank = least_squares(triangle, intercept=intercept)[2]
    if rank == X.shape[1]:
        return
    names = [f"x{i}" for i in range(X.shape[1])]
    told = dependence(triangle, scaling, names, rank=rank, intercept=intercept)
    if "follows" in told:  # where rounding hides that there is more than one relation
        return
    relations = told.split(", ")
    assert len(relations) == X.shape[1] - rank
    for relation in relations:
        left, right = re.sub(r"(\d[\d.e+-]*) x", r"\1 * x", relation).split(" = ")
        values = [eval(side, {"__builtins__": {}}, dict(zip(names, X.T, strict=True))) for side in (left, right)]
        np.testing.assert_allclose(*values, atol=1e-4 * np.abs(X).max())


@pytest.mark.parametrize("optimizer", ["sgd", "lstsq"])
def test_the_library_warns_as_the_command_does(optimizer):
    a, b, y = numbers(3, 30)
    model = LinearRegression(optimizer=optimizer, epochs=1)
    said = r"the 3 features have rank 2 in 30 rows, so their coefficients are not unique: x3 = 2 x0 \+ x1$"
    with pytest.warns(UserWarning, match=said) as caught:
        model.fit(np.column_stack([a, b, np.ones(30), 2 * a + b]), y)
    assert caught[0].filename == __file__
    # None of these warns: a constant column, columns of 0, weights that decay.
    model.fit(np.column_stack([a, b, np.ones(30)]), y)
    LinearRegression(fit_intercept=False, optimizer=optimizer).fit(np.zeros((30, 2)), y)
    LinearRegression(weight_decay=0.1, optimizer=optimizer).fit(np.column_stack([a, a]), y)


def test_a_dependence_of_columns_far_from_0_is_found():
    a, b, y = np.random.default_rng(0).normal(1e4, size=(3, 10_000))
    with pytest.warns(UserWarning, match="the 3 features have rank 2 in 10000 rows"):
        LinearRegression(optimizer="lstsq").fit(np.column_stack([a, b, a + b]), y)


@pytest.mark.parametrize("broken_in", [0, 29, None])
def test_every_block_of_rows_is_looked_at(monkeypatch, recwarn, broken_in):
    monkeypatch.setattr(estimator, "_BLOCK", 7)
    a, y = np.random.default_rng(0).normal(size=(2, 30))
    b = 2 * a
    if broken_in is not None:
        b[broken_in] += 1
    LinearRegression(optimizer="lstsq").fit(np.column_stack([a, b]), y)
    assert bool(recwarn) == (broken_in is None)


@pytest.mark.parametrize("optimizer", ["newton", "lstsq"])
def test_where_the_answer_is_not_unique_it_is_the_shortest_whatever_the_seed(tmp_path, optimizer):
    a, b = numbers(2, 30)
    told(tmp_path, {"a": a, "b": b, "c": 2 * a + b, "d": a})
    words = ["--data", tmp_path / "t.csv", "--target", "y", "--optimizer", optimizer, "--json", "--seed"]
    for seed in (0, 1):
        found = json.loads(linreg(*words, seed)[1])["coefficients"]
        for name, row in found.items():
            assert row["estimate"] == pytest.approx(row["exact"], rel=1e-4), name


@pytest.mark.parametrize("optimizer", ["newton", "lstsq"])
def test_what_float32_cannot_tell_apart_is_told(tmp_path, optimizer):
    a, c, small, y = np.random.default_rng(0).normal(size=(4, 900))
    rows = np.column_stack([a, a + 1e-6 * small, c, a + y])
    np.savetxt(tmp_path / "t.csv", rows, delimiter=",", header="a,b,c,y", comments="")
    words = ["--data", tmp_path / "t.csv", "--target", "y", "--optimizer", optimizer, "--seed", "0"]
    for more in ([], ["--no-intercept", "--buffer", "50"]):
        status, _, err = linreg(*words, *more)
        assert (status, err.count("\n")) == (0, 1)
        assert "in float32 the 3 features have rank 2 in 900 rows: a, b nearly depend on each other" in err
        assert linreg(*words, *more, "--dtype", "float64")[2] == ""
    # Where two ways to round differ, float64 is no advice to those who have it.
    triangle = Triangle(3).fold(rows[:, :-1], rows[:, -1])
    assert lost(triangle, ["a", "b", "c"], rank=2, dtype="float64").endswith("the one next to the start")


@pytest.mark.parametrize(
    ("far", "apart", "said"), [(1e9, 0, True), (1e6, 0, True), (1e9, 1e-4, False), (0, 1e-4, False)]
)
def test_columns_far_from_0_are_told_from_each_other_by_their_rounding(tmp_path, far, apart, said):
    a, b, d, e, y = np.random.default_rng(0).normal(size=(5, 300))
    columns = np.column_stack([a + far, b + far, (a + far) + (b + far) + apart * d, e, y])
    np.savetxt(tmp_path / "t.csv", columns, "%.17g", delimiter=",", header="a,b,c,e,y", comments="")
    words = ["--data", tmp_path / "t.csv", "--target", "y", "--optimizer", "newton", "--dtype"]
    err = linreg(*words, "float64")[2]
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        LinearRegression(optimizer="newton").fit(columns[:, :-1], columns[:, -1])
    assert err.startswith("linreg: warning: a, b, c depend on each other as far as") == bool(err) == said
    assert not said or linreg(*words, "float32")[2] == err
    assert not linreg(*words, "float64", "--weight-decay", "1")[2]  # which chooses one of all the answers
    assert [str(warning.message).startswith("x0, x1, x2 depend on each other") for warning in warned] == [True] * said


@pytest.mark.parametrize("step", [exact.newton_step, exact.lstsq_step])
def test_float32_tells_apart_in_many_rows_what_it_does_in_few(step):
    """The part that rounding makes of a dependence does not grow with the rows, so neither does what is left out."""
    a, small, noise = np.random.default_rng(0).normal(size=(3, 100_000))
    X = np.column_stack([a, a + 1e-4 * small])
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    y = (a + 1e3 * (X[:, 1] - X[:, 0]) + noise)[:, None]
    w, b = minigrad.zeros(2, 1, requires_grad=True), minigrad.zeros(1, requires_grad=True)
    rank = step(*(minigrad.from_numpy(array.astype(np.float32)) for array in (X, y)), w, b)
    assert rank == 3
    np.testing.assert_allclose(w.tolist(), np.linalg.lstsq(X, y)[0], rtol=0.01)


@pytest.mark.parametrize(
    ("features", "end"),
    [
        ("a,b,c,d", "4 rows: this fit is one of many, and proves nothing, however good it looks"),
        ("a,b,c", "4 coefficients fit any target of 4 rows: this fit proves nothing, however good it looks"),
        ("a,b", "for 4 rows trained on"),
    ],
)
def test_the_last_line_says_when_a_fit_proves_nothing(tmp_path, features, end):
    np.savetxt(tmp_path / "t.csv", numbers(4, 5), delimiter=",", header="a,b,c,d,y", comments="")
    words = ["--data", tmp_path / "t.csv", "--target", "y", "--features", features, "--seed", "0", "--num-epochs", "1"]
    assert linreg(*words)[1].endswith(f"{end}\n")
    assert linreg(*words, "--weight-decay", "0.1")[1].endswith("for 4 rows trained on\n")
