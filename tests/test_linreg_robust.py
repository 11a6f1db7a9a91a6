"""`--robust`: HC3 standard errors, as statsmodels has them and as their formula says."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings, strategies as st
from outcomes import drawn_rows, outcome_of

pytest.importorskip("pyarrow")
pytest.importorskip("safetensors")

from linreg_command import linreg

import minigrad
from linreg.errors import BadInput
from linreg.looking.report_words import REPORT_WORDS
from linreg.looking.statistics import Design, summarise
from linreg.robust import scores_of
from linreg.settings import Reading
from linreg.tables import Rows, loading
from linreg.triangle import Triangle

DATA = Path(__file__).parent.parent / "examples" / "data"
PENGUINS = ["--data", DATA / "penguins.csv", "--target", "body_mass_g", "--missing", "drop", "--seed", "0", "--robust"]
PENGUINS += ["--features", "flipper_length_mm,species,sex", "--categories", "species,sex", "--quiet"]
any_shape = st.tuples(st.integers(1, 4), st.integers(2, 30), st.integers(0, 2**32 - 1), st.booleans())


def with_scores(X, y, cuts=(), **chosen):
    """The outcome on rows that are read in parts, with robust errors."""
    outcome = outcome_of(X, y, optimizer="lstsq", **chosen)
    standard = outcome.scaling.apply(np.column_stack([X, y]))
    parts = np.split(np.arange(len(y)), sorted(cuts))
    rows = ((part, standard[part, :-1], standard[part, -1:]) for part in parts)
    return replace(outcome, scores=scores_of(rows, outcome.triangle, "t", outcome.settings.fit_intercept))


@pytest.mark.parametrize("buffer", [[], ["--buffer", "20"]])
def test_the_json_has_the_errors_of_statsmodels(buffer):
    # sm.OLS(...).fit(cov_type="HC3", use_t=True) in statsmodels 0.15.0, whose F is Wald's, too.
    _, out, _ = linreg(*PENGUINS, "--optimizer", "newton", "--dtype", "float64", "--json", *buffer)
    result, names = json.loads(out), ("standard_error", "t", "p", "low", "high")
    assert [result["intercept"][name] for name in names] == pytest.approx(
        [514.3910509701619, -0.7111660458936553, 0.4774867683599895, -1377.7392670526892, 646.1043675296256]
    )
    assert [result["coefficients"]["species=Chinstrap"][name] for name in names] == pytest.approx(
        [50.34635092104049, -1.7406321672909952, 0.08268584354659174, -186.6769686891068, 11.408012851339393]
    )
    whole = result["exact_fit"]
    assert whole["standard_errors"] == "HC3"
    assert (whole["f"], whole["f_p"]) == pytest.approx((566.8445526780338, 6.816962831934711e-146))
    assert whole["adjusted_r2"] == pytest.approx(0.8652650435042233)


def test_the_errors_through_the_origin_are_those_of_statsmodels():
    words = ["--data", DATA / "norris.csv", "--target", "y", "--no-intercept", "--robust", "--seed", "0", "--quiet"]
    head, x, _ = linreg(*words)[1].splitlines()
    assert head.endswith("  difference    HC3 error")
    assert float(x.split()[-1]) == pytest.approx(0.00038113924714070803, rel=1e-4)
    whole = json.loads(linreg(*words, "--json")[1])["exact_fit"]
    assert (whole["f"], whole["f_p"]) == pytest.approx((6907875.342563124, 2.880242537671091e-94))


def test_rows_that_are_held_out_or_left_out_have_no_part_in_the_scores(monkeypatch):
    monkeypatch.setattr(loading, "SLAB", 20)  # numbers, so that rows come in several parts
    X, y = drawn_rows(40, 2)
    rows = Rows([{"a": a, "b": b, "y": c, "n": i % 4} for i, ((a, b), c) in enumerate(zip(X, y, strict=True))])
    words = {"reading": Reading(weights="n"), "validation": 0.3, "dtype": "float64", "torch": minigrad}
    loaded = loading.load(rows, "y", robust=True, **words)
    trained = loaded.examples.X.numpy(), loaded.examples.y.numpy()
    expected = scores_of([(np.arange(len(trained[1])), *trained)], loaded.triangle, "t")
    np.testing.assert_allclose(loaded.scores.T @ loaded.scores, expected.T @ expected, rtol=1e-9, atol=1e-9)


@settings(max_examples=40)
@given(any_shape, st.lists(st.integers(0, 30), max_size=3))
def test_errors_are_those_of_the_formula_however_rows_are_cut(shape, cuts):
    features, spare, seed, intercept = shape
    X, y = drawn_rows(features + spare + 1, features, seed)
    A = np.column_stack([np.ones(len(y)), X] if intercept else [X])
    assume(np.linalg.cond(A / np.linalg.norm(A, axis=0)) < 1e4)
    inverse = np.linalg.inv(A.T @ A)
    pulls = np.sum(A @ inverse * A, axis=1)
    assume(pulls.max() < 0.999)
    left = (y - A @ (inverse @ (A.T @ y))) / (1 - pulls)
    covariance = inverse @ (A.T * left**2) @ A @ inverse
    summary = summarise(with_scores(X, y, cuts, fit_intercept=intercept))
    assert [row.error for row in summary.coefficients] == pytest.approx(list(np.sqrt(np.diag(covariance))), rel=1e-4)
    for row in summary.coefficients:
        assert row.t == pytest.approx(row.exact / row.error)


def test_errors_are_told_in_the_report_and_kept_in_a_run(tmp_path):
    pytest.importorskip("matplotlib")
    page, run = tmp_path / "page.html", tmp_path / "run"
    status, out, _ = linreg(*PENGUINS, "--optimizer", "newton", "--report", page, "--save", run)
    assert status == 0
    assert "HC3 error" in out
    assert ">HC3 standard error<" in page.read_text(encoding="utf-8")
    assert all(said in page.read_text(encoding="utf-8") for said in ("514.39", "(MacKinnon and White 1985)"))
    assert "HC3 error" in (table := linreg("--resume", run, "--quiet")[1])
    assert table in linreg("show", run)[1]
    assert json.loads(linreg("show", run, "--json")[1])["standard_errors"] == "HC3"
    plain = [word for word in PENGUINS if word != "--robust"]
    assert linreg(*plain, "--optimizer", "newton", "--save", tmp_path / "plain")[0] == 0
    for more, kind in ([], "std."), (["--robust"], "HC3"), ([], "HC3"):
        assert f"{kind} error" in linreg("--resume", tmp_path / "plain", "--quiet", *more)[1]


def test_a_spread_that_robust_errors_allow_for_is_no_fault_of_them(tmp_path):
    pytest.importorskip("matplotlib")
    x, noise = np.arange(1, 101), np.random.default_rng(0).normal(size=100)
    rows = np.column_stack([x, x + x * noise])
    np.savetxt(tmp_path / "t.csv", rows, delimiter=",", header="x,y", comments="")
    words = ["--data", tmp_path / "t.csv", "--target", "y", "--quiet", "--lang", "zh", "--report", tmp_path / "p.html"]
    for more, kind in ([], "doubtful"), (["--robust"], "allowed"):
        assert linreg(*words, *more)[0] == 0
        assert REPORT_WORDS["zh"][f"spread_{kind}"] in (tmp_path / "p.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ([], "--robust needs --data"),
        (["--data", "t", "--target", "y", "--weight-decay", "1"], "--robust cannot go with --weight-decay"),
        (["--data", "t", "--target", "y", "--explain"], "--robust cannot go with --explain"),
    ],
)
def test_words_that_cannot_go_with_robust(words, why):
    status, _, err = linreg("--robust", *words)
    assert (status, err.count("\n")) == (2, 1)
    assert why in err


def test_a_row_that_alone_determines_a_coefficient_is_named(tmp_path):
    (tmp_path / "t.csv").write_text("c,x,y\na,1,2\na,2,\na,3,5\nb,2,5\na,8,5\na,9,7\n", encoding="utf-8")
    words = ["--data", tmp_path / "t.csv", "--categories", "c", "--target", "y", "--missing", "drop"]
    status, _, err = linreg(*words, "--robust")
    assert status == 2
    assert "t.csv, row 4 alone determines a coefficient, so that HC3 is not defined" in err
    assert (
        linreg("--data", tmp_path / "t.csv", "--target", "y", "--missing", "drop", "--features", "x", "--robust")[0]
        == 0
    )


@pytest.mark.parametrize("seed", [3, 6, 7])
def test_such_a_row_is_found_beside_columns_that_nearly_depend(seed):
    """There rounding makes more of the nothing that is 1 - h: of one seed in two what a fixed bound passed."""
    a, small, y = np.random.default_rng(seed).normal(size=(3, 15))
    with pytest.raises(BadInput, match="row 5 alone determines"):
        with_scores(np.column_stack([a, a + 1e-9 * small, np.arange(15) == 4]), y)


def test_where_there_are_no_errors_there_are_no_scores():
    X, y = drawn_rows(9, 2)
    for columns, targets in ((np.column_stack([X, X[:, 0]]), y), (X[:3], y[:3])):
        assert with_scores(columns, targets).scores is None
    design = Design(outcome_of(X, y, optimizer="lstsq"))
    assert np.isnan([design.wald(few) for few in (np.zeros((3, 3)), np.ones((1, 3)))]).all()
    triangle = Triangle(1).fold(np.array([[1.0], [0.0], [0.0]]), np.array([1.0, 2.0, 4.0]))
    with pytest.raises(BadInput, match="row 7 alone"):
        scores_of([(np.array([6, 7, 8]), np.eye(3)[:, :1], np.ones((3, 1)))], triangle, "t")
