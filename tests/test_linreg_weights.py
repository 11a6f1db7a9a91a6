"""`--weights`: weighted least squares, as statsmodels has it, and as rows that stand there more than once."""

import json
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

pytest.importorskip("pyarrow")
pytest.importorskip("safetensors")

from linreg_command import linreg
from outcomes import CHOSEN

import minigrad
from linreg import LinearRegression
from linreg.comparing.lockstep import names_of, side_by_side
from linreg.dependence import outweighed
from linreg.errors import BadInput
from linreg.exact import least_squares
from linreg.examples import predicted
from linreg.model import squared_loss
from linreg.outcome import Counts
from linreg.settings import Reading, Settings, Table
from linreg.stability import largest_stable_rate
from linreg.tables import Rows, load
from linreg.train import train
from linreg.triangle import parted

PENGUINS = Path(__file__).parent.parent / "examples" / "data" / "penguins.csv"
WORDS = ["--data", PENGUINS, "--target", "body_mass_g", "--missing", "drop", "--seed", "0", "--quiet"]
WORDS += ["--features", "flipper_length_mm,species,sex", "--categories", "species,sex"]
WEIGHTED = [*WORDS, "--weights", "bill_depth_mm"]
EXACT = ["--optimizer", "newton", "--dtype", "float64"]


@pytest.mark.parametrize("buffer", [[], ["--buffer", "20"]])
def test_the_json_has_the_figures_of_statsmodels(buffer):
    # sm.WLS(y, X, weights=bill_depth_mm).fit() in statsmodels 0.15.0, whose AIC and BIC do not count the variance and
    # whose deviation, 297.22 here, is that of a row of the weight 1; then with cov_type="HC3", use_t=True.
    result = json.loads(linreg(*WEIGHTED, *EXACT, "--json", *buffer)[1])
    names, whole = ("exact", "standard_error", "t", "p", "low", "high"), result["exact_fit"]
    assert (result["weights"], result["rows"]) == ("bill_depth_mm", 333)
    assert [result["intercept"][name] for name in names] == pytest.approx(
        [-337.33201428, 529.4056005638646, -0.6371901126956, 0.5244455098158, -1378.7907962686, 704.1267676987]
    )
    assert [result["coefficients"]["species=Chinstrap"][name] for name in names] == pytest.approx(
        [-94.3162139915, 45.25558077715, -2.084079186962, 0.03792652167105, -183.3440255294927, -5.288402453583942]
    )
    assert [whole[name] for name in ("r2", "adjusted_r2", "f", "f_p", "deviation", "freedom")] == pytest.approx(
        [0.8595231335281204, 0.8578100010101706, 501.72600456897726, 2.2874968542871627e-138, 297.2235447159986, 328]
    )
    assert (whole["aic"], whole["bic"]) == pytest.approx((4744.742962521026 + 2, 4763.78 + np.log(333)), abs=2e-2)
    result = json.loads(linreg(*WEIGHTED, *EXACT, "--json", "--robust", *buffer)[1])
    assert [result["intercept"][name] for name in names[1:3]] == pytest.approx([522.5974970730911, -0.6454910637235741])
    assert result["exact_fit"]["f"] == pytest.approx(567.4131133333217)


def drawn(rows, seed):
    """Rows of two numbers and a word, some of them missing, with a target and a weight, that is 0 now and then."""
    rng = np.random.default_rng(seed)
    table = []
    for weight in [1, 2, *rng.integers(0, 4, rows - 2)]:
        a, b, word = rng.normal() + 50, rng.normal(), "uv"[len(table) % 2]
        row = {"a": a, "b": b, "c": word, "y": a - 3 * b + 2 * (word == "v") + rng.normal(), "n": int(weight)}
        missing = {"a": None} if rng.random() < 0.1 and len(table) > 4 else {}
        table.append(row | missing)
    return table


@settings(max_examples=25)
@given(
    st.integers(8, 40),
    st.integers(0, 2**32 - 1),
    st.sampled_from([None, 3]),
    st.booleans(),
    st.sampled_from([0, 0.3]),
    st.sampled_from([1e-3, 1e-305, 1e305]),
)
def test_a_weight_of_n_is_the_row_n_times(rows, seed, buffer, intercept, decay, unit):
    table, chosen = drawn(rows, seed), {"torch": minigrad, "dtype": "float64", "fit_intercept": intercept}
    reading = {"categories": ("c",), "missing": "mean", "buffer": buffer}
    weighted = [row | {"n": row["n"] * unit} for row in table]
    repeated = [row for row in table for _ in range(row["n"])]
    ours = load(Rows(weighted), "y", reading=Reading(**reading, weights="n"), **chosen)
    theirs = load(Rows(repeated), "y", reading=Reading(**reading, without=("n",)), **chosen)
    answers = [least_squares(side.triangle, decay, intercept) for side in (ours, theirs)]
    w, b, _ = answers[0]
    own = [side.scaling.in_own_units(w, b) for side, (w, b, _) in zip((ours, theirs), answers, strict=True)]
    assert np.append(*own[0]) == pytest.approx(np.append(*own[1]), rel=1e-6, abs=1e-9)
    assert ours.triangle.r2(w, b, intercept) == pytest.approx(theirs.triangle.r2(w, b, intercept), abs=1e-9)
    assert ours.counts.weightless == sum(not row["n"] for row in table) == ours.counts.dropped

    # The loss that training sees is that of the triangle, in batches, for all rows, and in as few as have their sums.
    w, b = minigrad.from_numpy(w[:, None] + 0.1), minigrad.tensor([b - 0.1], dtype=minigrad.float64)
    loss = ours.triangle.mean_loss(w.numpy()[:, 0], b.item())
    total = sum(squared_loss(predicted(X, w, b), y).sum().item() for X, y in ours.examples.batches(3, 0))
    assert total / ours.examples.rows == pytest.approx(loss)
    assert ours.examples.mean_loss(w, b) == pytest.approx(loss)
    assert theirs.triangle.mean_loss(w.numpy()[:, 0], b.item()) == pytest.approx(loss)
    size = len(ours.names)
    rates = [
        largest_stable_rate(X, len(X), ones=ones, intercept=intercept)
        for X, ones in (parted(side.examples.sample(), size) for side in (ours, theirs))
    ]
    assert rates[0] == pytest.approx(rates[1])
    apart = load(Rows(weighted), "y", reading=Reading(**reading, weights="n"), validation=0.3, **chosen)
    if apart.held_out is not None:
        assert apart.held_out.mean_loss(w, b) == pytest.approx(apart.held_triangle.mean_loss(w.numpy()[:, 0], b.item()))
    X, ones, y = ours.examples.at_once()
    assert squared_loss(X @ w + ones * b, y).sum().item() / ours.examples.rows == pytest.approx(loss)


@pytest.mark.parametrize(
    "more", [["--validation", "0.2"], ["--buffer", "50", "--optimizer", "adam", "--num-epochs", "2"]]
)
def test_weights_that_are_all_alike_change_nothing(tmp_path, more):
    rng = np.random.default_rng(0)
    rows = np.column_stack([rng.normal(size=(200, 3)) * [1, 100, 1], np.full(200, 0.7)])
    np.savetxt(tmp_path / "t.csv", rows, delimiter=",", header="a,b,y,k", comments="")
    words = ["--data", tmp_path / "t.csv", "--target", "y", "--seed", "0", "--json", *more]
    ours, theirs = (json.loads(linreg(*words, *which)[1]) for which in (["--weights", "k"], ["--without", "k"]))
    assert ours["losses"] == pytest.approx(theirs["losses"])
    assert ours["validation_losses"] == pytest.approx(theirs["validation_losses"])
    for name, row in theirs["coefficients"].items():
        assert ours["coefficients"][name] == pytest.approx(row, rel=1e-5, abs=1e-8)
    assert ours["exact_fit"] == pytest.approx(theirs["exact_fit"])


def test_the_largest_stable_rate_is_that_of_rows_that_stand_there_more_than_once(tmp_path):
    rows, said = [(x, n, 3 * x) for x, n in zip((5, 6, 7, 9), (1, 1, 1, 9), strict=True)], []
    for table in (rows, [(x, 1, y) for x, n, y in rows for _ in range(n)]):
        np.savetxt(tmp_path / "t.csv", table, delimiter=",", header="x,n,y", comments="")
        words = ["--data", tmp_path / "t.csv", "--target", "y", "--weights", "n", "--batch-size", "99"]
        said.append(linreg(*words, "--lr", "50", "--seed", "0")[2])
    assert "the largest stable one for these data is about 2;" in said[0]
    assert said[0] == said[1]


def test_rows_of_the_weight_0_are_told_with_those_that_lack_a_value():
    counts = Counts(read=1005, trained=3, held_out=0, dropped=1002, missing={}, policy="drop", weightless=1001)
    assert counts.line() == "1,001 of 1,005 rows are left out, as the weight is 0"
    said = "missing values: 1 in 'x'; 1,002 of 1,005 rows are left out (1,001 as the weight is 0), none is filled"
    assert replace(counts, missing={"x": 1}).line() == said


@pytest.mark.parametrize(
    ("weights", "words", "why"),
    [
        ((1, -2, 3), [], "t.csv, row 2, column 'n': -2 is below 0, and so no weight"),
        ((1, 2, "NA"), [], "row 3, column 'n': the value is missing; --missing drop leaves such rows out\n"),
        ((1, "inf", 2), [], "t.csv, row 2, column 'n': 'inf' is not a finite number"),
        ((0, 0, "NA"), ["--missing", "mean"], "every one of its 3 rows lacks a value or has the weight 0"),
        ((1e308, 1e308, 1), [], "t.csv: column 'n': the sum of the weights exceeds float64"),
        ((1, 1, 1e40), [], "column 'x' cannot be standardised in float64: its values run from 0 to 4, and their dev"),
        ((1, 1, 1e40), [], "iation is 5e-20, with the weights of 'n'; --without leaves columns out"),
        ((0, 2, 0), [], "'x' is constant: every value is 1 in the rows to train on, 1 of 3; --without"),
        ((1, 1, 1), ["--features", "x,n"], "column 'n' is the rows' weights and cannot be a feature as well"),
        ((1, 1, 1), ["--weights", "y"], "column 'y' is the rows' weights and cannot be the target as well"),
        ((1, 1, 1), ["--weights", "m"], "t.csv has no column 'm'"),
    ],
)
def test_bad_weights_are_refused_in_one_line(tmp_path, weights, words, why):
    rows = "".join(f"{i * i},{n},{i}\n" for i, n in enumerate(weights))
    (tmp_path / "t.csv").write_text(f"x,n,y\n{rows}", encoding="utf-8")
    status, out, err = linreg("--data", tmp_path / "t.csv", "--target", "y", "--weights", "n", *words)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert why in err


def test_a_weighted_run_is_saved_goes_on_and_says_so(tmp_path):
    page, run = tmp_path / "page.html", tmp_path / "run"
    whole = linreg(*WEIGHTED, "--num-epochs", "3")[1]
    linreg(*WEIGHTED, "--num-epochs", "2", "--save", run)
    assert linreg("--resume", run, "--num-epochs", "3", "--quiet")[1] == whole
    assert whole.splitlines()[-2].endswith(" for 333 rows trained on; weighted by bill_depth_mm")
    assert "penguins.csv: 333 rows to train on, weighted by bill_depth_mm" in linreg("show", run)[1]
    assert "as its rows have weights" in linreg("predict", run, PENGUINS, "--interval", "0.9")[2]
    assert linreg("predict", run, PENGUINS)[0] == 0
    pytest.importorskip("matplotlib")
    assert linreg(*WEIGHTED, *EXACT, "--report", page)[0] == 0
    text = page.read_text(encoding="utf-8")
    # statsmodels' of WLS's wresid, and Cook's distance of OLS on rows times the square root of their weight
    assert all(f">{number}<" in text for number in ("1.434", "3.612", "2.102", "0.03238"))
    assert "Rows count as often as bill_depth_mm says" in text
    assert "residual × √weight" in text
    pytest.importorskip("rich")
    _, out, err = linreg(*[word for word in WEIGHTED if word != "--quiet"], "--explain")
    assert "root_weights * b" in out
    assert "in standard units, times root_weights, the square roots of bill_depth_mm over its mean\n" in err
    assert "The standard errors are those of weighted least squares." in text
    assert linreg(*WEIGHTED, "--weight-decay", "1", "--num-epochs", "1", "--report", page)[0] == 0
    assert "weighted least squares" not in page.read_text(encoding="utf-8")


def test_the_weights_of_a_column_without_a_name_are_told_as_well(tmp_path):
    pytest.importorskip("matplotlib")
    pytest.importorskip("rich")
    page, run = tmp_path / "page.html", tmp_path / "run"
    (tmp_path / "t.csv").write_text("x,,y\n1,2,3\n2,1,5\n4,3,8\n6,1,9\n", encoding="utf-8")
    words = ["--data", tmp_path / "t.csv", "--target", "y", "--weights", "", "--seed", "0"]
    out = linreg(*words, "--quiet", "--report", page, "--save", run)[1]
    assert "trained on; weighted by (unnamed)\n" in out
    assert "4 rows to train on, weighted by (unnamed)" in linreg("show", run)[1]
    told = ("Rows count as often as (—) says", "those of weighted least squares.", "residual × √weight")
    assert all(said in page.read_text(encoding="utf-8") for said in told)
    assert "times root_weights, the square roots of (unnamed)" in linreg(*words, "--explain")[2]
    (tmp_path / "t.csv").write_text("x,,y\n1,2,3\n2,,5\n", encoding="utf-8")
    assert linreg(*words)[2].endswith("column '': the value is missing; --missing drop leaves such rows out\n")


def test_both_sides_of_a_comparison_name_the_weights():
    pytest.importorskip("torch")
    data = Table(str(PENGUINS), "year", ("flipper_length_mm",), Reading(missing="drop", weights="bill_depth_mm"))
    with side_by_side(Settings(**CHOSEN), data) as (ours, theirs, problem):
        numbers, same = (side.numbers(side.advance()) for side in (ours, theirs))
        names = names_of(problem, ours.training)
    assert names["data"] == ("flipper_length_mm", "bill_depth_mm", "year")
    assert numbers["data"].shape[1] == 3
    assert numbers["gradient"] == pytest.approx(same["gradient"])


def test_a_column_too_many_is_not_taken_for_weights():
    X, w = minigrad.ones((4, 3)), minigrad.zeros((2, 1)).requires_grad_()
    with pytest.raises(ValueError, match="w has 2 coefficients, and the rows have 3 features"):
        train(X, minigrad.ones((4, 1)), w, minigrad.zeros(1).requires_grad_())


def test_an_encoding_of_before_there_were_weights_has_none():
    encoding = load(Rows([{"x": 1, "y": 2}, {"x": 2, "y": 3}]), "y", torch=minigrad).encoding
    text = encoding.to_json().replace(', "weights": null', "")
    assert "weights" not in text
    assert type(encoding).from_json(text) == encoding
    with pytest.raises(BadInput):
        encoding.from_json(text.replace("categories", "weights"))


def test_rows_that_outweigh_all_others_are_told(tmp_path, monkeypatch):
    """Of a kernel that is narrow beside the rows' distances few rows are all there is: rounding hides the others."""
    monkeypatch.setattr("linreg.tables.loading.SLAB", 30)  # numbers
    x, noise = np.random.default_rng(0).normal(size=(2, 30))
    for sharpness, told in ((1, False), (1e5, True)):
        rows = np.column_stack([x, x + noise, np.exp(-sharpness * (x - 0.1) ** 2 / 2) + 1e-300])
        rows = rows[np.argsort(-rows[:, 2])]  # the heaviest in the first part, as they are looked at
        np.savetxt(tmp_path / "t.csv", rows, delimiter=",", header="x,y,w", comments="")
        words = ["--target", "y", "--weights", "w", "--optimizer", "adam", "--seed", "0"]
        err = linreg("--data", tmp_path / "t.csv", *words)[2]
        assert ("the weights 'w': the 2 heaviest rows outweigh the other 28 so far" in err) == told
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            LinearRegression(optimizer="adam").fit(rows[:, :1], rows[:, 1], rows[:, 2])
        assert any("2 heaviest rows outweigh the other 28" in str(one.message) for one in said) == told


@pytest.mark.parametrize(
    ("weights", "told"),
    [([1e6, 1e6, 1, 1], False), ([1e13, 1e12, 1, 0.1], True), ([1e13, 1e13, 1e13, 1], False), ([1e13, 1], False)],
)
def test_rows_outweigh_others_by_twelve_digits_and_where_there_are_others(weights, told):
    assert (outweighed(np.array(weights), sum(weights), len(weights), 2, "w") is not None) == told


def test_scikit_learn_routes_weights_where_it_is_told_to():
    sklearn = pytest.importorskip("sklearn")
    from sklearn.model_selection import cross_val_score

    X, (y, weights) = np.random.default_rng(0).normal(size=(60, 2)), np.random.default_rng(1).random((2, 60))
    with pytest.raises(RuntimeError, match="only available when metadata routing is enabled"):
        LinearRegression().set_fit_request(sample_weight=True)
    with sklearn.config_context(enable_metadata_routing=True):
        scores = []
        for model in (LinearRegression(optimizer="newton"), sklearn.linear_model.LinearRegression()):
            for method, alias in (("fit", True), ("score", "others")):
                getattr(model, f"set_{method}_request")(sample_weight=alias)
            scores.append(cross_val_score(model, X, y, params={"sample_weight": weights, "others": weights[::-1]}))
        assert scores[0] == pytest.approx(scores[1])
        copy = sklearn.base.clone(LinearRegression().set_partial_fit_request(sample_weight=False))
        assert copy.get_metadata_routing().partial_fit.requests == {"sample_weight": False}
