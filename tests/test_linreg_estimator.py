"""linreg.LinearRegression in scikit-learn's own checks, pipelines and searches, and where scikit-learn is missing."""

import math
import pickle
import random
import re
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import linreg
from linreg.data import split
from linreg.errors import BadInput, Diverged, NotFitted
from linreg.settings import AT_ONCE, OPTIMIZERS

# minigrad keeps NumPy's warnings of overflow quiet, as torch does; pytest's filters undo that.
pytestmark = pytest.mark.filterwarnings(r"ignore::RuntimeWarning:minigrad\.|<")

ROOT = Path(__file__).parents[1]
STEPWISE = [name for name in OPTIMIZERS if name not in AT_ONCE]


def examples(rows=120, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, 3)) * [1, 100, 0.01] + [5, -300, 0]
    return X, X @ [2.0, -0.034, 50.0] + 4.2 + 0.01 * rng.normal(size=rows)


def least_squares(X, y):
    return np.linalg.lstsq(np.column_stack([X, np.ones(len(X))]), y)[0]


class Frame:
    """Columns with names, as a data frame has them."""

    def __init__(self, array, columns):
        self.array, self.columns = array, columns

    def __array__(self, dtype=None, copy=None):
        return np.array(self.array, dtype=dtype)


# scikit-learn's checks


LIKE_SGD = ("momentum", "adam")  # in all that the checks look at


@pytest.mark.parametrize(
    "options",
    [
        *(pytest.param({"optimizer": one}, marks=[pytest.mark.slow] * (one in LIKE_SGD)) for one in OPTIMIZERS),
        {"optimizer": "newton", "backend": "torch", "fit_intercept": False},
        {"weight_decay": 0.1, "seed": 7, "epochs": 20, "lr": 0.1, "batch_size": 7},
        {"early_stopping": True, "epochs": 8},
    ],
    ids=str,
)
def test_scikit_learns_checks_pass(options):
    checks = pytest.importorskip("sklearn.utils.estimator_checks")
    pytest.importorskip(options.get("backend", "minigrad"))
    steps = options.get("optimizer") not in AT_ONCE
    why = {"check_sample_weight_equivalence_on_dense_data": "rows that stand there twice make other batches"}
    with warnings.catch_warnings():
        # It is said once that the class has another base: it is not to need scikit-learn.
        warnings.filterwarnings("ignore", "Estimator LinearRegression does not inherit from", UserWarning)
        warnings.filterwarnings("ignore", "the 30 features have rank", UserWarning)  # in that check
        estimator = linreg.LinearRegression(**options)
        results = checks.check_estimator(estimator, on_skip=None, expected_failed_checks=why if steps else {})
    passed = [result["check_name"] for result in results if result["status"] == "passed"]
    assert len(passed) >= 55
    assert ("check_estimators_partial_fit_n_features" in passed) or (
        options.get("optimizer") in AT_ONCE or options.get("early_stopping")
    )


@pytest.mark.parametrize("routing", [False, True])
def test_pipelines_searches_and_clones(routing):
    sklearn = pytest.importorskip("sklearn")
    from sklearn.model_selection import GridSearchCV, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import PolynomialFeatures

    X, y = examples()
    with sklearn.config_context(enable_metadata_routing=routing):
        pipeline = make_pipeline(PolynomialFeatures(2, include_bias=False), linreg.LinearRegression(optimizer="newton"))
        grid = {"linearregression__weight_decay": [10.0, 0.0, 1.0], "polynomialfeatures__degree": [1, 2]}
        search = GridSearchCV(pipeline, grid, error_score="raise").fit(X, y)
        assert search.best_params_["linearregression__weight_decay"] == 0.0
        assert search.best_score_ > 0.999
        assert min(cross_val_score(linreg.LinearRegression(), X, y)) > 0.99
    requests = linreg.LinearRegression().get_metadata_routing()
    assert requests.fit.requests == requests.partial_fit.requests == requests.score.requests == {"sample_weight": None}
    assert sklearn.base.is_regressor(linreg.LinearRegression())
    copy = sklearn.base.clone(linreg.LinearRegression(lr=0.1).fit(X, y))
    assert (copy.lr, hasattr(copy, "coef_")) == (0.1, False)


def test_a_step_on_a_weight_of_n_is_one_on_the_row_n_times():
    X, y = examples()
    model, times = linreg.LinearRegression(batch_size=1000, epochs=3), np.arange(len(y)) % 3 + 1
    repeated = model.fit(np.repeat(X, times, axis=0), np.repeat(y, times)).coef_
    assert model.fit(X, y, sample_weight=times).coef_ == pytest.approx(repeated)
    one = linreg.LinearRegression(batch_size=1000, epochs=1)
    once = one.fit(X, y, sample_weight=times).coef_
    assert linreg.LinearRegression(batch_size=1000).partial_fit(X, y, times * 7).coef_ == pytest.approx(once)


@pytest.mark.parametrize("unit", [1, 1e-300, 1e300])
@pytest.mark.parametrize("begin", ["fit", "partial_fit"])
def test_weights_of_parts_are_over_the_mean_of_all_so_far(begin, unit):
    X, y = examples()
    weights = (np.arange(120) % 4) * np.where(np.arange(120) < 60, 100, 1.0) * unit
    model = linreg.LinearRegression(lr=0.1, epochs=1, batch_size=60)
    getattr(model, begin)(X[:60], y[:60], weights[:60])
    slopes, intercept = model.coef_, model.intercept_
    model.partial_fit(X[60:], y[60:], weights[60:])
    columns = np.column_stack([X, y])
    means = np.average(columns, axis=0, weights=weights)
    stds = np.sqrt(np.average((columns - means) ** 2, axis=0, weights=weights))
    Z = ((columns - means) / stds)[60:]
    parts = (weights / weights[weights > 0].mean())[60:]
    left = parts * ((y - X @ slopes - intercept)[60:] / stds[3])
    step = 0.1 * Z[:, :3].T @ left / (parts > 0).sum() * stds[3] / stds[:3]
    assert model.coef_ - slopes == pytest.approx(step)


def test_rows_without_a_weight_have_the_weight_1():
    X, y = examples()
    ours, theirs, plain = (linreg.LinearRegression(seed=3) for _ in range(3))
    for start, one in ((0, None), (40, np.full(40, 2.0)), (80, None)):
        part = slice(start, start + 40)
        ours.partial_fit(X[part], y[part], one)
        theirs.partial_fit(X[part], y[part], np.ones(40) if one is None else one)
        plain.partial_fit(X[part], y[part])
    assert ours.coef_ == pytest.approx(theirs.coef_)
    assert (ours.coef_ != plain.coef_).all()
    with pytest.raises(ValueError, match="too far apart"):
        ours.partial_fit(X, y, 1e308)


@pytest.mark.parametrize("early_stopping", [False, True])
def test_equal_weights_change_nothing_and_a_weight_of_0_leaves_a_row_out(early_stopping):
    X, y = examples()
    model = linreg.LinearRegression(early_stopping=early_stopping)
    plain = model.fit(X[20:], y[20:]).coef_
    assert model.fit(X[20:], y[20:], sample_weight=3.0).coef_ == pytest.approx(plain)
    weights = np.where(np.arange(len(y)) < 20, 0, 1e308)
    assert model.fit(X, y, sample_weight=weights).coef_ == pytest.approx(plain)
    heavy, apart = (np.where(np.arange(len(y)) == 30, weight, np.ones(len(y))) for weight in (1e40, 1e308))
    for wrong, said in (
        (weights - 1, "Negative"),
        (weights[1:], r"shape == \(119,\)"),
        (np.nan, "contains NaN"),
        (heavy, "column 0 of X cannot be standardised in float64: .*, with these sample weights"),
        (apart * [1e-300, *np.ones(len(y) - 1)], "too far apart"),
    ):
        with pytest.raises(ValueError, match=said):
            model.fit(X, y, sample_weight=wrong)


def test_the_warning_of_dependence_sees_rows_as_training_does(recwarn):
    X, y = np.random.default_rng(0).normal(size=(12, 1)), np.arange(12.0)
    weights = np.where(np.arange(12) == 4, 1e30, 1)
    assert np.isfinite(linreg.LinearRegression(optimizer="lstsq").fit(X, y, weights).coef_).all()
    assert [str(warning.message).partition(":")[0] for warning in recwarn] == ["the sample weights"]


def test_scikit_learns_exceptions_where_it_is_loaded():
    exceptions = pytest.importorskip("sklearn.exceptions")
    with pytest.raises(exceptions.NotFittedError, match="not fitted yet"):
        linreg.LinearRegression().predict([[1.0]])
    with pytest.warns(exceptions.DataConversionWarning, match="column-vector"):
        linreg.LinearRegression().fit([[1.0], [2.0], [4.0]], [[1.0], [2.0], [3.0]])


def test_scikit_learn_is_not_needed():
    program = """
import sys
sys.modules.update({name: None for name in ("sklearn", "torch")})
import linreg
from linreg.errors import NotFitted
model = linreg.LinearRegression(optimizer="newton")
try:
    model.predict([[1.0]])
except NotFitted as error:
    print(error)
print(model.fit([[1.0], [2.0], [4.0]], [1.0, 3.0, 7.0]).predict([[8.0]]).round(9), model)
"""
    ran = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, timeout=60)
    assert ran.stdout.splitlines() == [
        "This LinearRegression instance is not fitted yet. Call 'fit' with appropriate arguments before using this "
        "estimator.",
        "[15.] LinearRegression(optimizer='newton')",
    ], ran.stderr


# Fits


@pytest.mark.parametrize("backend", ["minigrad", "torch"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_fit_finds_the_coefficients(optimizer, backend):
    pytest.importorskip(backend)
    X, y = examples()
    rates = {"sgd": 0.01, "momentum": 0.003, "adam": 0.01}
    model = linreg.LinearRegression(optimizer=optimizer, lr=rates.get(optimizer), epochs=150, backend=backend)
    assert model.fit(X, y) is model
    exact = least_squares(X, y)
    rel = 1e-10 if optimizer in AT_ONCE else 0.01
    assert model.coef_ == pytest.approx(exact[:3], rel=rel)
    assert model.intercept_ == pytest.approx(exact[3], rel=10 * rel)
    assert model.predict(X) == pytest.approx(X @ model.coef_ + model.intercept_, rel=1e-12)
    assert model.score(X, y) > 0.9999
    assert model.n_features_in_ == 3
    assert isinstance(model.intercept_, float)


def test_both_backends_fit_alike():
    pytest.importorskip("torch")
    X, y = examples()
    ours, theirs = (linreg.LinearRegression(backend=backend).fit(X, y) for backend in ("minigrad", "torch"))
    assert ours.coef_ == pytest.approx(theirs.coef_, rel=1e-12)


def test_a_seed_repeats_a_fit_and_leaves_the_random_module_as_it_was():
    X, y = examples()
    random.seed(5)
    state = random.getstate()
    first, again, other, fresh = (linreg.LinearRegression(seed=seed).fit(X, y).coef_ for seed in (1, 1, 2, None))
    assert random.getstate() == state
    assert first.tolist() == again.tolist()
    assert first.tolist() != other.tolist()
    assert first.tolist() != fresh.tolist()
    model = linreg.LinearRegression(seed=1).fit(X[::-1], -y)
    assert model.fit(X, y).coef_.tolist() == first.tolist()  # a fit begins from nothing


def test_without_intercept_the_line_passes_through_the_origin():
    X, y = examples()
    model = linreg.LinearRegression(optimizer="newton", fit_intercept=False).fit(X, y)
    assert model.intercept_ == 0.0
    assert model.coef_ == pytest.approx(np.linalg.lstsq(X, y)[0], rel=1e-9)


def test_weight_decay_is_ridge_in_standard_units():
    X, y = examples()
    Z, t = (X - X.mean(0)) / X.std(0), (y - y.mean()) / y.std()
    w = np.linalg.solve(Z.T @ Z + len(y) * 0.5 * np.eye(3), Z.T @ t)
    model = linreg.LinearRegression(optimizer="lstsq", weight_decay=0.5).fit(X, y)
    assert model.coef_ == pytest.approx(w * y.std() / X.std(0), rel=1e-10)


def test_constant_columns_and_constant_targets():
    X, y = examples()
    X[:, 1] = 0.1
    for optimizer in ("sgd", "newton"):
        model = linreg.LinearRegression(optimizer=optimizer).fit(X, y)
        assert model.coef_[1] == pytest.approx(0, abs=1e-12)
        flat = linreg.LinearRegression(optimizer=optimizer).fit(X, np.full(len(X), 3.0))
        assert flat.predict(X) == pytest.approx(np.full(len(X), 3.0), abs=1e-9)


def test_divergence_leaves_the_last_good_coefficients():
    X, y = examples()
    model = linreg.LinearRegression(lr=5.0)
    with pytest.raises(Diverged, match="lr 5 is too large: the largest stable one for these data is about"):
        model.fit(X, y)
    assert np.isfinite(model.predict(X)).all()


def test_partial_fit_goes_on_where_it_was():
    X, y = examples(600)
    model = linreg.LinearRegression()
    for _ in range(15):
        for start in range(0, 600, 50):
            model.partial_fit(X[start : start + 50], y[start : start + 50])
    assert model.coef_ == pytest.approx(least_squares(X, y)[:3], rel=0.01)
    before = model.predict(X)
    model.set_params(lr=1e-12).partial_fit(X[:50] * 3, y[:50] * 7)  # other columns, but hardly a step
    assert model.predict(X) == pytest.approx(before, rel=1e-6)


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_partial_fit_standardises_by_all_rows_so_far(fit_intercept):
    X, y = examples()
    in_parts = linreg.LinearRegression(lr=1e-12, fit_intercept=fit_intercept)
    for start in range(0, 120, 40):
        in_parts.partial_fit(X[start : start + 40], y[start : start + 40])
    at_once = linreg.LinearRegression(lr=1e-12, fit_intercept=fit_intercept).partial_fit(X, y)
    for ours, theirs in zip(in_parts._scale.means_and_stds(), at_once._scale.means_and_stds(), strict=True):
        assert ours == pytest.approx(theirs, rel=1e-12, abs=1e-12)
    means, stds = at_once._scale.means_and_stds()
    expected = X.std(0) if fit_intercept else np.sqrt((X**2).mean(0))
    assert stds[:3] == pytest.approx(expected, rel=1e-12)
    assert means[:3] == pytest.approx(X.mean(0) if fit_intercept else np.zeros(3), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("optimizer", AT_ONCE)
def test_there_is_no_partial_fit_where_it_would_forget(optimizer):
    model = linreg.LinearRegression(optimizer=optimizer)
    assert not hasattr(model, "partial_fit")
    with pytest.raises(AttributeError, match="would forget those before"):
        model.partial_fit([[1.0]], [1.0])


def noisy(rows=60, seed=3):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, 8))
    return X, X[:, 0] + 2 * rng.normal(size=rows)


def held_loss(model, X, y):
    """The mean squared error on the rows that the seed holds out."""
    random.seed(f"{model.seed} held out")
    apart = split(len(y), model.validation_fraction)[1]
    return np.mean((model.predict(X[apart]) - y[apart]) ** 2)


@pytest.mark.parametrize("backend", ["minigrad", "torch"])
def test_early_stopping_keeps_the_best_epoch_and_ends_so_many_after_it(backend):
    pytest.importorskip(backend)
    X, y = noisy()
    options = {"early_stopping": True, "validation_fraction": 0.25, "lr": 0.01, "seed": 1, "backend": backend}
    model = linreg.LinearRegression(**options, n_iter_no_change=4).fit(X, y)
    epochs = model.n_iter_
    assert 4 < epochs < 300
    # Patience beyond the end shows what each length of training would have kept.
    losses = [
        held_loss(linreg.LinearRegression(**options, n_iter_no_change=999, epochs=n).fit(X, y), X, y)
        for n in (1, epochs - 5, epochs - 4, epochs)
    ]
    assert losses[0] > losses[1] > losses[2] == losses[3] == held_loss(model, X, y)
    assert linreg.LinearRegression(**options, epochs=2).fit(X, y).n_iter_ == 2


@pytest.mark.parametrize("which", ["random", "last"])
def test_early_stopping_never_trains_on_the_rows_that_it_holds_out(which):
    X, y = noisy()
    model = linreg.LinearRegression(early_stopping=True, validation_fraction=0.2, validation_rows=which, epochs=5)
    known = model.fit(X, y).coef_
    random.seed(f"{model.seed} held out")
    apart = split(len(y), 0.2)[1] if which == "random" else range(48, 60)
    assert len(apart) == 12
    X, y = X.copy(), y.copy()
    X[apart], y[apart] = X[apart] * 0.999, y[apart] * 0.999
    np.testing.assert_array_equal(model.fit(X, y).coef_, known)
    y[next(place for place in range(60) if place not in apart)] += 1
    assert (model.fit(X, y).coef_ != known).all()


def test_early_stopping_takes_small_steps_and_whole_fits():
    for optimizer in AT_ONCE:
        with pytest.raises(ValueError, match="early_stopping must be False with optimizer="):
            linreg.LinearRegression(optimizer=optimizer, early_stopping=True).fit(*examples())
    assert not hasattr(linreg.LinearRegression(early_stopping=True), "partial_fit")
    model = linreg.LinearRegression(early_stopping=True, seed=None).fit([[1.0], [2.0]], [2.0, 3.0])
    assert np.isfinite(model.coef_).all()


def test_score_is_r_squared():
    X, y = examples()
    model = linreg.LinearRegression(optimizer="newton").fit(X, y)
    noisy, weights = y + np.random.default_rng(1).normal(size=len(y)), np.arange(len(y)) + 1.0
    assert model.score(X, noisy) == pytest.approx(1 - ((noisy - model.predict(X)) ** 2).sum() / noisy.var() / len(y))
    assert math.isnan(model.score(X[:1], y[:1]))
    metrics = pytest.importorskip("sklearn.metrics")
    assert model.score(X, noisy, weights) == pytest.approx(
        metrics.r2_score(noisy, model.predict(X), sample_weight=weights)
    )
    assert model.score(X, noisy, 1e308) == pytest.approx(model.score(X, noisy))
    with pytest.raises(ValueError, match="Negative"):
        model.score(X, noisy, -weights)
    flat = linreg.LinearRegression(optimizer="newton").fit(X, 0 * y)
    assert (flat.score(X, 0 * y), flat.score(X, 0 * y + 1)) == (1.0, 0.0)


# Parameters and input


def test_parameters_and_text():
    model = linreg.LinearRegression(lr=0.1, optimizer="adam")
    assert repr(model) == "LinearRegression(optimizer='adam', lr=0.1)"
    assert model.set_params(epochs=7) is model
    assert linreg.LinearRegression(**model.get_params()).get_params() == model.get_params()
    with pytest.raises(ValueError, match="Invalid parameter 'rate' for estimator"):
        model.set_params(rate=1)


def test_a_fit_survives_pickling():
    X, y = examples()
    model = pickle.loads(pickle.dumps(linreg.LinearRegression().fit(X, y)))
    assert model.partial_fit(X, y).predict(X).shape == (120,)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("optimizer", "lbfgs"),
        ("lr", 0),
        ("lr", "fast"),
        ("lr", math.inf),
        ("epochs", 0),
        ("epochs", 2.5),
        ("batch_size", True),
        ("weight_decay", -1),
        ("weight_decay", math.inf),
        ("backend", "jax"),
        ("early_stopping", "yes"),
        ("validation_fraction", 1.0),
        ("validation_fraction", None),
        ("validation_rows", "first"),
        ("n_iter_no_change", 0),
    ],
)
def test_parameters_are_checked_when_fitting(name, value):
    model = linreg.LinearRegression(**{name: value})
    with pytest.raises(ValueError, match=rf"^{name} must be .*, not {value!r}$"):
        model.fit(*examples())


@pytest.mark.parametrize(
    ("X", "y", "error", "said"),
    [
        ([1.0, 2.0], [1, 2], ValueError, "Expected 2D array, got 1D array instead"),
        ([[[1.0]]], [1], ValueError, "Found array with dim 3. LinearRegression expected <= 2."),
        (np.ones((0, 2)), [], ValueError, "Found array with 0 sample(s) (shape=(0, 2)) while a minimum of 1"),
        (np.ones((2, 0)), [1, 2], ValueError, "Found array with 0 feature(s)"),
        ([[1.0], [math.nan]], [1, 2], ValueError, "Input X contains NaN."),
        ([[1], [type("NAType", (), {})()]], [1, 2], ValueError, "Input X contains NaN."),  # as pandas' NA
        ([[1.0], [2.0]], [1, math.inf], ValueError, "Input y contains infinity"),
        ([[1j], [2.0]], [1, 2], ValueError, "Complex data not supported"),
        ([["a"], ["b"]], [1, 2], ValueError, "could not convert string to float"),
        ([[1.0], [2.0]], None, ValueError, "requires y to be passed, but the target y is None"),
        ([[1.0], [2.0]], [1], ValueError, "inconsistent numbers of samples: [2, 1]"),
        ([[1.0], [2.0]], [[1, 2], [3, 4]], ValueError, "y should be a 1d array, got an array of shape (2, 2)"),
        ([[0, 1e200], [1, 2e200]], [1, 2], ValueError, "column 1 of X cannot be standardised in float64"),
        ([[1e-200], [2e-200]], [1, 2], ValueError, "column 0 of X cannot be standardised in float64"),
        ([[1], [2]], [-1e308, 1e308], ValueError, "y cannot be standardised in float64: its values run from -1e+308"),
        (Frame([[1.0, 2.0]], ["a", 1]), [1], TypeError, "your input has ['int', 'str'] as feature name"),
    ],
)
def test_input_that_cannot_be_fitted(X, y, error, said):
    with pytest.raises(error, match=re.escape(said)):
        linreg.LinearRegression().fit(X, y)


def test_names_of_columns_are_kept_and_compared():
    X, y = examples()
    model = linreg.LinearRegression().fit(Frame(X, ["a", "b", "c"]), y)
    assert model.feature_names_in_.tolist() == ["a", "b", "c"]
    with pytest.raises(ValueError, match=r"names unseen at fit time:\n- d\nFeature names seen at fit .*:\n- c\n"):
        model.predict(Frame(X, ["a", "b", "d"]))
    with pytest.raises(ValueError, match="must be in the same order as they were in fit"):
        model.partial_fit(Frame(X, ["b", "a", "c"]), y)
    with pytest.warns(UserWarning, match="X does not have valid feature names, but LinearRegression was fitted with"):
        model.predict(X)
    model.fit(X, y)
    assert not hasattr(model, "feature_names_in_")
    with pytest.warns(UserWarning, match="X has feature names, but LinearRegression was fitted without"):
        model.predict(Frame(X, ["a", "b", "c"]))
    with pytest.raises(ValueError, match="X has 2 features, but LinearRegression is expecting 3 features as input"):
        model.predict(X[:, :2])


def test_a_backend_that_is_missing_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(BadInput, match="torch cannot be loaded"):
        linreg.LinearRegression(backend="torch").fit(*examples())


def test_an_estimator_not_fitted_is_no_attribute_and_no_value():
    assert issubclass(NotFitted, ValueError)
    assert issubclass(NotFitted, AttributeError)
    with pytest.raises(AttributeError):
        linreg.LinearRegression().score([[1.0]], [1.0])
    with pytest.raises(AttributeError, match="has no attribute 'Regression'"):
        _ = linreg.Regression


@pytest.mark.parametrize("readme", ["README.md", "README.zh-CN.md"])
def test_the_program_of_the_readme_runs(readme):
    pytest.importorskip("sklearn")
    text = (ROOT / readme).read_text(encoding="utf-8")
    program = re.search(r"```python\n([^`]*LinearRegression[^`]*)```", text)[1]
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, cwd=ROOT)
    assert ran.returncode == 0, ran.stderr
    assert "weight_decay" in ran.stdout


def test_a_refused_refit_leaves_the_model_as_it_was():
    model = linreg.LinearRegression(early_stopping=True).fit([[0.0], [1.0], [2.0]], [0.0, 1.0, 2.0])
    before = model.coef_.copy(), model.intercept_, model.n_iter_
    with pytest.raises(ValueError, match="at least 2 samples"):
        model.fit([[5.0]], [3.0])
    assert (model.coef_.tolist(), model.intercept_, model.n_iter_) == (before[0].tolist(), *before[1:])
