"""Standard errors, tests and checks of residuals: against NIST's certified ones, SciPy's and scikit-learn's."""

import csv
import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings, strategies as st
from outcomes import CHOSEN, drawn_rows, outcome_of

from linreg.jobs import Manner, fit_table
from linreg.looking.distributions import f_beyond, t_beyond, t_within
from linreg.looking.residuals import Residuals
from linreg.looking.statistics import Design, summarise
from linreg.settings import Reading, Settings, Table

HERE = Path(__file__).parent
CERTIFIED = json.loads((HERE / "data" / "nist" / "certified.json").read_text())
# The least digits that agree: of the sixteen of double precision, Filip's powers, of condition 1e10, take more than half.
DIGITS = {"filip": 7}

any_shape = st.tuples(st.integers(1, 5), st.integers(2, 40), st.integers(0, 2**32 - 1), st.booleans())


def nist(name, **chosen):
    folder = HERE.parent / "examples" / "data" if name == "norris" else HERE / "data" / "nist"
    with open(folder / f"{name}.csv", newline="") as file:
        rows = [{column: float(cell) for column, cell in row.items()} for row in csv.DictReader(file)]
    y = [row.pop("y") for row in rows]
    powers = range(1, CERTIFIED[name]["degree"] + 1)
    X = [[value**power for value in row.values() for power in powers] for row in rows]
    return outcome_of(X, y, fit_intercept=CERTIFIED[name]["intercept"], **({"optimizer": "newton"} | chosen))


@pytest.mark.parametrize("name", CERTIFIED)
def test_errors_and_r_squared_are_the_certified_ones(name):
    certified, summary = CERTIFIED[name], summarise(nist(name))
    deviation = float(certified["residual_deviation"])
    assert summary.r2 == pytest.approx(float(certified["r_squared"]), rel=10.0 ** -DIGITS.get(name, 12))
    if not deviation:  # Wampler 1 and 2 are exact: what is left is rounding
        assert summary.deviation < 1e-8
        return
    close = {"rel": 10.0 ** -DIGITS.get(name, 12)}
    assert summary.deviation == pytest.approx(deviation, **close)
    errors = [coefficient.error for coefficient in summary.coefficients]
    assert errors == pytest.approx([*map(float, certified["deviations"])], **close)


@settings(max_examples=60)
@given(any_shape)
def test_statistics_are_those_of_the_normal_equations(shape):
    features, spare, seed, intercept = shape
    X, y = drawn_rows(features + spare + 1, features, seed)
    scaled = np.column_stack([np.ones(len(y)), X] if intercept else [X])
    assume(np.linalg.cond(scaled / np.linalg.norm(scaled, axis=0)) < 1e4)
    summary = summarise(outcome_of(X, y, optimizer="lstsq", fit_intercept=intercept))
    w = np.linalg.lstsq(scaled, y)[0]
    left = y - scaled @ w
    freedom = len(y) - scaled.shape[1]
    errors = np.sqrt(left @ left / freedom * np.diag(np.linalg.inv(scaled.T @ scaled)))
    total = np.sum((y - y.mean() * intercept) ** 2)
    assert (summary.without, summary.freedom, summary.rows) == (None, freedom, len(y))
    got = summary.coefficients
    about = X - X.mean(axis=0) * intercept
    inflation = np.diag(np.linalg.inv(about.T @ about)) * np.sum(about**2, axis=0)
    assert [row.vif for row in got if row.name] == pytest.approx(list(inflation), rel=1e-5)
    assert [row.name for row in got] == [*([None] if intercept else []), *(f"x{i}" for i in range(features))]
    assert [row.exact for row in got] == pytest.approx(list(w), rel=1e-5, abs=1e-9 * abs(y).max())
    assert [row.error for row in got] == pytest.approx(list(errors), rel=1e-5)
    assert [row.t for row in got] == pytest.approx([row.exact / row.error for row in got])
    assert summary.r2 == pytest.approx(1 - left @ left / total, abs=1e-9)
    assert summary.adjusted_r2 == pytest.approx(1 - left @ left / freedom / (total / (freedom + features)), abs=1e-8)
    assert summary.f == pytest.approx((total - left @ left) / features / (left @ left / freedom), rel=1e-6, abs=1e-8)
    assert summary.trained_r2 == pytest.approx(summary.r2, abs=1e-9)
    for row in got:
        assert row.low < row.exact < row.high
        assert row.off < 1e-4


def test_one_feature_has_the_statistics_of_scipy():
    stats = pytest.importorskip("scipy.stats")
    X, y = drawn_rows(30, 1, noise=3.0)
    summary, scipys = summarise(outcome_of(X, y, optimizer="lstsq")), stats.linregress(X[:, 0], y)
    constant, slope = summary.coefficients
    assert (slope.error, slope.p) == pytest.approx((scipys.stderr, scipys.pvalue))
    assert constant.error == pytest.approx(scipys.intercept_stderr)
    assert summary.r2 == pytest.approx(scipys.rvalue**2)
    assert summary.f_p == pytest.approx(slope.p)
    reach = stats.t.ppf(0.975, 28) * scipys.stderr
    assert (slope.low, slope.high) == pytest.approx((scipys.slope - reach, scipys.slope + reach))


@pytest.mark.parametrize(
    ("chosen", "rows", "why"),
    [({"weight_decay": 0.1}, 20, "ridge"), ({}, 20, "dependent"), ({}, 3, "saturated")],
)
def test_where_there_are_no_standard_errors_none_are_given(chosen, rows, why):
    X, y = drawn_rows(rows, 2)
    if why == "dependent":
        X = np.column_stack([X, X[:, 0] - X[:, 1]])
    summary = summarise(outcome_of(X, y, optimizer="lstsq", **chosen))
    assert summary.without == why
    for row in summary.coefficients:
        assert math.isfinite(row.exact)
        assert all(map(math.isnan, (row.error, row.t, row.p, row.low, row.high, row.off)))
    assert all(map(math.isnan, (summary.deviation, summary.adjusted_r2, summary.f, summary.f_p, summary.aic)))
    assert summary.as_json()["standard_errors"] is None
    told = summary.coefficients[0].as_json() | summary.as_json()
    assert {name for name, value in told.items() if value is not None} == {"r2", "freedom", "without"}
    assert summary.r2 <= 1


def test_ridge_is_compared_with_the_exact_ridge():
    X, y = drawn_rows(40, 3)
    summary = summarise(outcome_of(X, y, optimizer="newton", weight_decay=0.5))
    for row in summary.coefficients:
        assert row.estimate == pytest.approx(row.exact)


def test_training_that_has_not_converged_is_told_in_standard_errors():
    X, y = drawn_rows(40, 2)
    early, late = (summarise(outcome_of(X, y, lr=0.01, num_epochs=epochs)) for epochs in (1, 400))
    assert max(row.off for row in early.coefficients) > 10 * max(row.off for row in late.coefficients)
    assert early.trained_r2 < late.trained_r2 <= early.r2 + 1e-12
    assert [row.error for row in early.coefficients] == [row.error for row in late.coefficients]


def test_the_json_has_the_statistics_of_statsmodels():
    # Those of sm.OLS in statsmodels 0.15.0; in its AIC and BIC the variance is no parameter, as it is in R's and here.
    features = ["flipper_length_mm", "species", "sex"]
    reading = Reading(categories=("species", "sex"), missing="drop")
    table = Table(str(HERE.parent / "examples" / "data" / "penguins.csv"), "body_mass_g", features, reading)
    result, _ = fit_table(Settings(**CHOSEN | {"optimizer": "lstsq"}), table, Manner(quiet=True, results=False))
    chinstrap = result["coefficients"]["species=Chinstrap"]
    names = ("standard_error", "t", "p", "low", "high")
    assert [result["intercept"][name] for name in names] == pytest.approx(
        [532.0503125268117, -0.6875617608872225, 0.4922146897901899, -1412.4789694886504, 680.844069965587]
    )
    assert [chinstrap[name] for name in names] == pytest.approx(
        [46.347250352291894, -1.8908236681305115, 0.05952901342833273, -178.8098467642098, 3.540890926442387]
    )
    whole = result["exact_fit"]
    assert (whole.pop("without"), whole.pop("standard_errors")) == (None, "classical")
    assert whole == pytest.approx(
        {
            "r2": 0.866888356233088,
            "adjusted_r2": 0.8652650435042233,
            "deviation": 295.5646104037519,
            "freedom": 328,
            "f": 534.0242461101889,
            "f_p": 3.3673069621029e-142,
            "aic": 4738.774194352064 + 2,
            "bic": 4757.814906801967 + math.log(333),
        }
    )


def test_variance_inflation_is_that_of_statsmodels():
    # variance_inflation_factor of Longley's columns beside a constant, in statsmodels 0.15.0
    _, *slopes = summarise(nist("longley")).coefficients
    assert [row.vif for row in slopes] == pytest.approx(
        [135.53243828, 1788.51348272, 33.6188905960, 3.58893019345, 399.151022313, 758.980597407]
    )


@pytest.mark.parametrize(("of_x", "of_y"), [(2.0**490, 2.0**-490), (2.0**-450, 2.0**450), (2.0**-490, 1.0)])
def test_standard_errors_are_right_in_any_unit(of_x, of_y):
    X, y = drawn_rows(40, 2)
    plain, scaled = (summarise(outcome_of(X * x, y * by, optimizer="lstsq")) for x, by in ((1, 1), (of_x, of_y)))
    errors = [row.error * of_y / (of_x if row.name else 1) for row in plain.coefficients]
    assert [row.error for row in scaled.coefficients] == pytest.approx(errors, rel=1e-9, abs=0)
    assert [row.t for row in scaled.coefficients] == pytest.approx([row.t for row in plain.coefficients])
    assert scaled.aic == pytest.approx(plain.aic + 2 * 40 * math.log(of_y))


# Distributions


@pytest.mark.parametrize("freedom", [1, 2, 3, 10, 1000, 10**6])
def test_students_t_is_scipys(freedom):
    stats = pytest.importorskip("scipy.stats")
    for t in (0.1, 0.5, 1, 1.7, 1.8, 2.5, 4, 20, 300):
        assert t_beyond(t, freedom) == pytest.approx(2 * stats.t.sf(t, freedom), rel=1e-7, abs=1e-290)
        assert t_beyond(-t, freedom) == t_beyond(t, freedom)
    for probability in (0.5, 0.95, 0.999):
        assert t_within(probability, freedom) == pytest.approx(stats.t.ppf((1 + probability) / 2, freedom), rel=1e-7)


@settings(max_examples=80)
@given(st.floats(1e-3, 1e3), st.integers(1, 200), st.integers(1, 10**5))
def test_fishers_f_is_scipys(f, above, below):
    stats = pytest.importorskip("scipy.stats")
    assert f_beyond(f, above, below) == pytest.approx(stats.f.sf(f, above, below), rel=1e-7, abs=1e-14)


@given(st.floats(0, 1e6), st.floats(0, 1e6), st.integers(1, 10**4))
def test_probabilities_fall_from_one(a, b, freedom):
    near, far = sorted((a, b))
    assert 1 >= t_beyond(near, freedom) >= t_beyond(far, freedom) - 1e-12 >= -1e-12
    assert t_beyond(0, freedom) == f_beyond(0, 3, freedom) == 1
    assert t_beyond(math.inf, freedom) == f_beyond(math.inf, 3, freedom) == 0
    assert math.isnan(t_beyond(math.nan, freedom))
    assert math.isnan(f_beyond(math.nan, 2, freedom))


# Residuals


def test_residuals_are_of_the_parameters_as_trained():
    X, y = drawn_rows(50, 3)
    outcome = outcome_of(X, y)
    slopes, constant = outcome.in_own_units()
    residuals = Residuals(outcome)
    assert residuals.errors == pytest.approx(y - X @ slopes - constant, abs=1e-9 * abs(y).max())
    assert residuals.fitted + residuals.errors == pytest.approx(y)


@settings(max_examples=30)
@given(any_shape)
def test_leverage_and_cooks_distance_are_what_leaving_a_row_out_does(shape):
    features, spare, seed, intercept = shape
    X, y = drawn_rows(features + spare + 2, features, seed)
    columns = np.column_stack([np.ones(len(y)), X] if intercept else [X])
    assume(np.linalg.cond(columns / np.linalg.norm(columns, axis=0)) < 1e3)
    outcome = outcome_of(X, y, optimizer="lstsq", fit_intercept=intercept)
    residuals = Residuals(outcome)
    hat = columns @ np.linalg.pinv(columns)
    assert residuals.leverage == pytest.approx(np.diag(hat), abs=1e-6)
    assume(residuals.leverage.max() < 0.99)
    fitted, variance = hat @ y, float(np.sum((y - hat @ y) ** 2)) / (len(y) - columns.shape[1])
    for i in range(0, len(y), 7):
        kept = np.arange(len(y)) != i
        without = columns @ np.linalg.lstsq(columns[kept], y[kept])[0]
        cook = np.sum((fitted - without) ** 2) / columns.shape[1] / variance
        assert residuals.cook[i] == pytest.approx(cook, rel=1e-3, abs=1e-9)
    assert residuals.influential()[0].cook == residuals.cook.max()
    outlier = residuals.outlier
    kept = np.arange(len(y)) != outlier.row
    without, (left,), *_ = np.linalg.lstsq(columns[kept], y[kept])
    row = columns[outlier.row]
    ahead = 1 + row @ np.linalg.inv(columns[kept].T @ columns[kept]) @ row
    deviation = np.sqrt(left / (sum(kept) - columns.shape[1]) * ahead)
    assert outlier.statistic == pytest.approx((y[outlier.row] - row @ without) / deviation, rel=1e-4)


def verdicts(outcome):
    return {check.kind: check.verdict for check in Residuals(outcome).checks()}


def test_well_behaved_residuals_pass_every_check():
    X, y = drawn_rows(300, 3)
    outcome = outcome_of(X, y, optimizer="newton")
    assert set(verdicts(outcome).values()) == {"good"}
    assert [check.kind for check in Residuals(outcome).checks()] == [
        *["normality", "spread", "order", "outlier", "influence"]
    ]


@pytest.mark.parametrize(
    ("kind", "spoil"),
    [
        ("normality", lambda x, e: e**3),
        ("spread", lambda x, e: e * np.exp(x)),
        ("order", lambda x, e: np.convolve(e, np.ones(4), "same")),
        ("outlier", lambda x, e: e + 500 * (abs(x) == abs(x).min())),
        ("influence", lambda x, e: e + 60 * (x == x.max())),
    ],
)
def test_what_is_wrong_with_residuals_is_found(kind, spoil):
    random = np.random.default_rng(4)
    x, e = random.normal(size=(2, 200))
    found = verdicts(outcome_of(x[:, None], 2 * x + spoil(x, e), optimizer="newton"))
    assert found[kind] == "doubtful"
    assert kind != "outlier" or found["influence"] == "outlying"  # which is not good: it made the uncertainty large


def test_checks_agree_with_scipy_and_are_right_as_often_as_they_say():
    stats = pytest.importorskip("scipy.stats")
    ps = {"normality": [], "spread": [], "order": []}
    for seed in range(150):
        X, y = drawn_rows(120, 2, seed)
        residuals = Residuals(outcome_of(X, y, optimizer="lstsq"))
        for check in residuals.checks()[:3]:
            ps[check.kind].append(check.p)
        theirs = stats.jarque_bera(residuals.errors)
        normality = residuals.checks()[0]
        assert (normality.statistic, normality.p) == pytest.approx((theirs.statistic, theirs.pvalue))
    for kind, found in ps.items():
        assert 0.01 < np.mean(np.array(found) < 0.1) < 0.2, kind


@pytest.mark.parametrize(
    ("rows", "chosen", "expected"),
    [
        (5, {}, {"normality": "few", "spread": "few", "order": "few"}),
        (60, {"weight_decay": 0.1}, {"influence": "errorless"}),
        (3, {}, {"normality": "exact", "influence": "exact"}),
        (4001, {}, {"order": "sampled", "influence": "partly"}),
    ],
)
def test_what_cannot_be_checked_is_said(rows, chosen, expected):
    X, y = drawn_rows(rows, 2, seed=3)
    assert expected.items() <= verdicts(outcome_of(X, y, optimizer="lstsq", **chosen)).items()


def test_a_row_far_from_the_fit_that_is_not_sampled_is_told_of():
    X, y = drawn_rows(4001, 2, seed=3)
    y[1] += 1e3
    outcome = outcome_of(X, y, optimizer="lstsq")
    assert 1 not in outcome.sample[2]
    assert verdicts(outcome)["influence"] == "beyond"


def test_rounding_is_not_taken_for_residuals():
    x = np.arange(40.0)
    for dtype, chosen in (("float64", {"optimizer": "newton"}), ("float32", {"num_epochs": 60})):
        residuals = Residuals(outcome_of(x[:, None], 3 * x + 1e4, dtype=dtype, **chosen))
        assert residuals.exact
        assert residuals.influential() == []
        assert {check.verdict for check in residuals.checks()} == {"exact"}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("scale", [2.0**-490, 2.0**140, 2.0**490])
def test_checks_are_the_same_at_any_scale_of_the_target(scale, dtype):
    X, y = drawn_rows(60, 2, noise=1e-9)
    plain, scaled = (Residuals(outcome_of(X, y * by, dtype=dtype, optimizer="newton")).checks() for by in (1.0, scale))
    assert repr(plain) == repr(scaled)  # in which NaN is NaN


def test_residuals_that_are_all_the_same_have_no_shape():
    outcome = outcome_of(np.full((30, 1), 2.0), np.full(30, 3.0), fit_intercept=False)
    normality, _, order, *_ = Residuals(outcome).checks()
    assert math.isnan(normality.statistic)
    assert (normality.verdict, order.verdict) == ("good", "doubtful")


def test_a_design_has_the_squares_of_all_rows():
    X, y = drawn_rows(30, 2)
    for intercept in (True, False):
        outcome = outcome_of(X, y, fit_intercept=intercept)
        design = Design(outcome)
        loss = design.squares(design.theta) / 2 / 30
        assert loss == pytest.approx(outcome.triangle.mean_loss(outcome.w, outcome.b))
        assert loss == pytest.approx(outcome.losses[-1])


def test_the_row_that_moves_the_fit_most_is_named_by_its_number_in_the_table(tmp_path):
    x, e = np.random.default_rng(5).normal(size=(2, 60))
    cells = [f"{a},{a + b}" for a, b in zip(x, e, strict=True)]
    cells[3], cells[9] = "1,NA", ",2"
    for row in (20, 41):
        lines = ["x,y", *cells[:row], "5,-50", *cells[row + 1 :]]
        lines.insert(7, "")  # a blank line is no row, as in messages
        (tmp_path / "t.csv").write_text("\n".join(lines), encoding="utf-8")
        settings = Settings(**CHOSEN | {"optimizer": "lstsq", "validation": 0.1})
        data = Table(str(tmp_path / "t.csv"), "y", reading=Reading(missing="drop"))
        outcome = fit_table(settings, data, Manner(quiet=True, results=False))[1]
        assert Residuals(outcome).influential()[0].row == row
