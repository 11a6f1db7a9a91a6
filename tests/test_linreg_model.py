"""linreg's functions against the document's text, its readers, its exact answer against NIST's."""

import ast
import contextlib
import csv
import importlib
import inspect
import io
import math
import random
import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

pytest.importorskip("pyarrow")

import minigrad
from linreg import data, model
from linreg.errors import BadInput, Diverged
from linreg.exact import least_squares
from linreg.jobs import fit_synthetic, fit_table
from linreg.settings import Settings, Synthetic, Table
from linreg.tables import Rows, load
from linreg.train import train

# minigrad keeps NumPy's warnings of overflow quiet, as torch does; pytest's filters undo that.
pytestmark = pytest.mark.filterwarnings(r"ignore::RuntimeWarning:minigrad\.|<")

NORRIS = str(Path(__file__).parent.parent / "examples" / "data" / "norris.csv")
CERTIFIED_B0, CERTIFIED_B1 = -0.262323073774029, 1.00211681802045

# The document's code, its comments left out.
DOCUMENT = """
def synthetic_data(w, b, num_examples):
    X = torch.normal(0, 1, (num_examples, len(w)))
    y = torch.matmul(X, w) + b
    y += torch.normal(0, 0.01, y.shape)
    return X, y.reshape((-1, 1))

true_w = torch.tensor([2, -3.4])
true_b = 4.2
features, labels = synthetic_data(true_w, true_b, 1000)

def data_iter(batch_size, features, labels):
    num_examples = len(features)
    indices = list(range(num_examples))
    random.shuffle(indices)
    for i in range(0, num_examples, batch_size):
        batch_indices = torch.tensor(
            indices[i: min(i + batch_size, num_examples)])
        yield features[batch_indices], labels[batch_indices]

w = torch.normal(0, 0.01, size=(2,1), requires_grad=True)
b = torch.zeros(1, requires_grad=True)

def linreg(X, w, b):
    return torch.matmul(X, w) + b

def squared_loss(y_hat, y):
    return (y_hat - y.reshape(y_hat.shape)) ** 2 / 2

def sgd(params, lr, batch_size):
    with torch.no_grad():
        for param in params:
            param -= lr * param.grad / batch_size
            param.grad.zero_()

lr = 0.03
num_epochs = 3
net = linreg
loss = squared_loss

for epoch in range(num_epochs):
    for X, y in data_iter(batch_size, features, labels):
        l = loss(net(X, w, b), y)
        l.sum().backward()
        sgd([w, b], lr, batch_size)
    with torch.no_grad():
        train_l = loss(net(features, w, b), labels)
        print(f'epoch {epoch + 1}, loss {float(train_l.mean()):f}')
"""


@pytest.fixture(params=["minigrad", "torch"])
def backend(request):
    return pytest.importorskip(request.param)


def settings_for(backend, **changes):
    chosen = {
        "lr": 0.03,
        "num_epochs": 0,
        "batch_size": 10,
        "init_std": 0.01,
        "seed": 0,
        "dtype": "float32",
        "backend": backend.__name__,
        "device": "cpu",
    }
    return Settings(**{**chosen, **changes})


def printed(function, *args, **kwargs):
    with contextlib.redirect_stdout(io.StringIO()) as out:
        result = function(*args, **kwargs)
    return out.getvalue(), result


# The document's functions


def body_of(function_node):
    body = function_node.body
    if isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
        body = body[1:]
    return [ast.dump(statement) for statement in body]


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (data, "synthetic_data"),
        (data, "data_iter"),
        (model, "linreg"),
        (model, "squared_loss"),
        (model, "sgd"),
    ],
)
def test_function_reads_as_in_the_document(module, name):
    # The noise is the one number that the document writes out and linreg names.
    text = DOCUMENT.replace("torch.normal(0, 0.01, y.shape)", "torch.normal(0, noise, y.shape)")
    theirs = next(n for n in ast.parse(text).body if getattr(n, "name", None) == name)
    ours = ast.parse(inspect.getsource(getattr(module, name))).body[0]
    assert body_of(ours) == body_of(theirs)
    assert [a.arg for a in ours.args.args] == [a.arg for a in theirs.args.args]
    assert {a.arg for a in ours.args.kwonlyargs} <= {"torch", "noise"}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("seed", range(3))
def test_job_is_the_documents_program(backend, seed, dtype):
    default = backend.get_default_dtype()
    backend.set_default_dtype(getattr(backend, dtype))
    try:
        backend.manual_seed(seed)
        random.seed(seed)
        namespace = {"torch": backend, "random": random, "batch_size": 10}
        text, _ = printed(exec, DOCUMENT, namespace)
    finally:
        backend.set_default_dtype(default)
    ours, (result, _) = printed(
        fit_synthetic, settings_for(backend, seed=seed, dtype=dtype), Synthetic([2, -3.4], 4.2, 1000, 0.01)
    )
    assert ours.splitlines()[:3] == text.splitlines()
    assert result["w"]["estimate"] == namespace["w"].reshape(-1).tolist()
    assert result["b"]["estimate"] == namespace["b"].item()
    assert backend.get_default_dtype() is default


def test_functions_compute_on_minigrad_unless_told():
    minigrad = importlib.import_module("minigrad")
    X, y = data.synthetic_data(minigrad.tensor([2.0, -3.4]), 4.2, 20)
    w, b = model.init_params(2)
    assert isinstance(model.linreg(X, w, b), minigrad.Tensor)
    assert [tuple(batch.shape) for batch, _ in data.data_iter(8, X, y)] == [(8, 2), (8, 2), (4, 2)]


@given(rows=st.integers(1, 40), batch_size=st.integers(1, 50))
@settings(max_examples=30, deadline=None)
def test_data_iter_yields_each_example_once(rows, batch_size):
    minigrad = importlib.import_module("minigrad")
    features = minigrad.arange(rows).reshape((-1, 1))
    batches = list(data.data_iter(batch_size, features, -features))
    assert [len(X) for X, _ in batches[:-1]] == [batch_size] * (len(batches) - 1)
    seen = [number for X, _ in batches for number in X.reshape(-1).tolist()]
    assert sorted(seen) == list(range(rows))
    assert seen == [-number for _, y in batches for number in y.reshape(-1).tolist()]


# Divergence


def test_divergence_is_noticed_in_the_step_it_happens(backend):
    backend.manual_seed(0)
    random.seed(0)
    X, y = data.synthetic_data(backend.tensor([2.0, -3.4]), 4.2, 100, torch=backend)
    w, b = model.init_params(2, torch=backend)
    start = float(model.squared_loss(model.linreg(X, w, b, torch=backend), y).detach().sum())
    losses = []

    def remembered(*args, **kwargs):
        for X, y in data_iter(*args, **kwargs):
            losses.append(float(model.squared_loss(model.linreg(X, w, b, torch=backend), y).detach().sum()))
            yield X, y

    data_iter = data.data_iter
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("linreg.examples.data_iter", remembered)
        with pytest.raises(Diverged, match=r"epoch 1, step \d+: .*; lr 2.5 is too large") as caught:
            train(X, y, w, b, lr=2.5, num_epochs=1, torch=backend)
    assert f"step {len(losses)}:" in str(caught.value)
    assert all(loss <= 100 * start for loss in losses[:-1])
    assert losses[-1] > 100 * start
    assert all(math.isfinite(value) for value in w.reshape(-1).tolist())


def test_divergence_in_the_very_last_step(backend):
    X = backend.tensor([[1.0], [2.0]])
    w, b = model.init_params(1, torch=backend)
    with pytest.raises(Diverged, match="epoch 1, last step: mean loss inf"):
        train(X, X, w, b, lr=1e30, num_epochs=1, batch_size=2, torch=backend)


def test_values_beyond_the_dtype_are_not_called_divergence(backend):
    X = backend.tensor([[1.0], [2.0]])
    w, b = model.init_params(1, torch=backend)
    with pytest.raises(BadInput, match="before the first step is inf"):
        train(X, X * 1e30, w, b, torch=backend)


# Tables


def exact_answer(loaded):
    w, b, rank = least_squares(loaded.triangle)
    return *loaded.scaling.in_own_units(w, b), rank


# Columns that are neither constant nor collinear: an orthonormal basis, shifted and stretched.
@given(
    seed=st.integers(0, 2**32 - 1),
    features=st.integers(1, 4),
    shifts=st.lists(st.floats(-1e3, 1e3), min_size=5, max_size=5),
    scales=st.lists(st.floats(1e-2, 1e2), min_size=5, max_size=5),
)
@settings(max_examples=50, deadline=None)
def test_least_squares_is_the_raw_tables_own(seed, features, shifts, scales):
    noise = np.random.default_rng(seed).normal(size=(30, features + 1))
    columns = noise * scales[: features + 1] + shifts[: features + 1]
    X, y = columns[:, :-1], columns[:, -1]
    rows = Rows(columns, [*"abcd"[:features], "y"])
    slopes, intercept, rank = exact_answer(load(rows, "y", torch=minigrad))
    raw = np.linalg.lstsq(np.column_stack([np.ones(30), X]), y)[0]
    assert rank == features
    residual = y - intercept - X @ slopes
    assert np.linalg.norm(residual) <= np.linalg.norm(y - raw[0] - X @ raw[1:]) * (1 + 1e-9)
    assert np.allclose(slopes, raw[1:], rtol=1e-6, atol=1e-8 * np.abs(raw).max())


def test_standardised_columns_have_mean_0_and_deviation_1():
    examples = load(NORRIS, "y", dtype="float64", torch=minigrad).examples
    for column in (*examples.X.numpy().T, examples.y.numpy()):
        assert abs(column.mean()) < 1e-12
        assert abs(column.std() - 1) < 1e-12


# NIST's certified answer


def test_norris_is_copied_right():
    """In exact rational arithmetic the table gives every digit that NIST certifies."""
    with open(NORRIS, newline="") as file:
        rows = [(Fraction(row["x"]), Fraction(row["y"])) for row in csv.DictReader(file)]
    n = len(rows)
    mean_x, mean_y = (sum(column) / n for column in zip(*rows, strict=True))
    sxx = sum((x - mean_x) ** 2 for x, _ in rows)
    b1 = sum((x - mean_x) * (y - mean_y) for x, y in rows) / sxx
    b0 = mean_y - b1 * mean_x
    unexplained = sum((y - b0 - b1 * x) ** 2 for x, y in rows)
    variance = unexplained / (n - 2)
    r_squared = 1 - unexplained / sum((y - mean_y) ** 2 for _, y in rows)
    deviations = math.sqrt(variance / n + variance * mean_x**2 / sxx), math.sqrt(variance / sxx)
    assert n == 36
    assert [f"{float(b):.15g}" for b in (b0, b1)] == ["-0.262323073774029", "1.00211681802045"]
    assert deviations == pytest.approx((0.232818234301152, 0.000429796848199937), rel=4e-15)
    assert f"{math.sqrt(variance):.15g}" == "0.884796396144373"
    assert f"{float(r_squared):.15g}" == "0.999993745883712"


def test_least_squares_on_norris_is_certified():
    slopes, intercept, rank = exact_answer(load(NORRIS, "y", torch=minigrad))
    assert slopes[0] == pytest.approx(CERTIFIED_B1, rel=1e-13)
    assert intercept == pytest.approx(CERTIFIED_B0, rel=1e-11)
    assert rank == 1


def test_training_on_norris_comes_close_to_the_certified_line(backend):
    chosen = settings_for(backend, dtype="float64", num_epochs=250, lr=0.01)
    _, (result, _) = printed(fit_table, chosen, Table(NORRIS, "y"))
    slope = result["coefficients"]["x"]
    assert slope["exact"] == pytest.approx(CERTIFIED_B1, rel=1e-13)
    assert slope["estimate"] == pytest.approx(CERTIFIED_B1, rel=3e-4)
    assert slope["difference"] == slope["estimate"] - slope["exact"]
    assert result["intercept"]["estimate"] == pytest.approx(CERTIFIED_B0, abs=0.2)


def test_training_as_the_data_readme_says_gives_the_certified_line():
    text = (Path(NORRIS).parent / "README.md").read_text(encoding="utf-8")
    command = re.search(r"^linreg (--data examples/data/norris\.csv .*)$", text, re.MULTILINE)[1].split()
    assert command[2:] == ["--target", "y", "--num-epochs", "1000"]
    minigrad = importlib.import_module("minigrad")
    _, (result, _) = printed(fit_table, settings_for(minigrad, num_epochs=1000), Table(NORRIS, "y"))
    # A tenth of the certified standard deviations.
    assert result["intercept"]["estimate"] == pytest.approx(CERTIFIED_B0, abs=0.232818234301152 / 10)
    assert result["coefficients"]["x"]["estimate"] == pytest.approx(CERTIFIED_B1, abs=0.000429796848199937 / 10)
