"""What a run is made of: a triangle that stands for all rows, a run that can be gone on with, what is kept of it."""

import copy
import itertools
import random
import time

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import minigrad
from linreg import model
from linreg.errors import Diverged
from linreg.exact import least_squares, lstsq_step, newton_step
from linreg.examples import InMemory
from linreg.outcome import MOST_TRACED, Trace
from linreg.settings import OPTIMIZERS, Reading, Recipe
from linreg.stability import largest_stable_rate
from linreg.tables import Rows, load
from linreg.tables.survey import _Sample
from linreg.train import Epoch, Step, Training
from linreg.triangle import Triangle


@pytest.fixture(params=["minigrad", "torch"])
def torch(request):
    return pytest.importorskip(request.param)


def table(seed=0, rows=47, features=3, shift=5.0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, features)) * np.arange(1, features + 1) + shift
    return X, X @ np.arange(1.0, features + 1) - 3 + rng.normal(size=rows)


# The triangle


@given(
    seed=st.integers(0, 2**32 - 1),
    features=st.integers(1, 5),
    cuts=st.lists(st.integers(0, 40), max_size=4),
)
@settings(max_examples=50, deadline=None)
def test_a_triangle_stands_for_the_rows_however_they_are_cut(seed, features, cuts):
    X, y = table(seed, 40, features)
    triangle = Triangle(features)
    for begin, end in itertools.pairwise([0, *sorted(cuts), 40]):
        triangle.fold(X[begin:end], y[begin:end])
    columns = np.column_stack([X, np.ones(40), y])
    assert triangle.rows == 40
    assert triangle.R.shape == (features + 2, features + 2)
    np.testing.assert_allclose(triangle.R.T @ triangle.R, columns.T @ columns, rtol=1e-12, atol=1e-10)
    w = np.linspace(-1, 1, features)
    assert triangle.mean_loss(w, 0.7) == pytest.approx(((X @ w + 0.7 - y) ** 2).mean() / 2, rel=1e-12)


def test_a_triangle_of_fewer_rows_than_columns_holds_them_all():
    X, y = table(rows=2)
    triangle = Triangle(3).fold(X, y)
    assert triangle.R.shape == (2, 5)
    assert triangle.mean_loss(np.zeros(3), 0.0) == pytest.approx((y**2).mean() / 2)


@pytest.mark.parametrize("weight_decay", [0.0, 0.3])
@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("step", [newton_step, lstsq_step])
def test_one_step_on_the_triangles_rows_is_that_on_all_rows(torch, step, intercept, weight_decay):
    X, y = table()
    triangle = Triangle(3).fold(X, y)
    found = []
    for rows in ((X, np.ones(len(X)), y), triangle.split()):
        features, ones, labels = (torch.from_numpy(part.reshape(len(part), -1).copy()) for part in rows)
        w = torch.ones((3, 1), dtype=torch.float64).requires_grad_()
        b = torch.zeros(1, dtype=torch.float64).requires_grad_(intercept)
        step(features, labels, w, b, weight_decay=weight_decay, ones=ones, count=len(X), torch=torch)
        found.append([*w.reshape(-1).tolist(), b.item()])
    assert found[1] == pytest.approx(found[0], rel=1e-9)
    exact, constant, rank = least_squares(triangle, weight_decay, intercept)
    assert found[0] == pytest.approx([*exact, constant], rel=1e-9)
    assert rank == 3


@pytest.mark.parametrize("weight_decay", [0.0, 0.3])
@pytest.mark.parametrize("dependent", [False, True])
@pytest.mark.parametrize("intercept", [True, False])
def test_a_newton_step_for_few_rows_is_the_shortest_and_costs_little_for_any_columns(
    torch, intercept, dependent, weight_decay
):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(6, 3000)), rng.normal(size=(6, 1))
    if dependent:
        X[5], y[5] = X[4], y[4]
    w = torch.from_numpy(rng.normal(size=(3000, 1))).requires_grad_()
    b = torch.full((1,), float(intercept), dtype=torch.float64).requires_grad_(intercept)
    start, columns = np.append(w.tolist(), b.item()), np.column_stack([X, np.full(6, float(intercept))])
    began = time.perf_counter()
    rank = newton_step(torch.from_numpy(X), torch.from_numpy(y), w, b, weight_decay=weight_decay, torch=torch)
    assert time.perf_counter() - began < 5  # a Hessian of 3,000 columns alone takes more
    found = np.array([*w.reshape(-1).tolist(), b.item()])
    left = y.ravel() - X @ start[:-1] - start[-1]
    if weight_decay:  # where the gradient is 0
        gradient = columns.T @ (columns @ (found - start) - left) + 6 * weight_decay * np.append(found[:-1], 0)
        assert np.abs(gradient).max() < 1e-9
        exact, constant, _ = least_squares(Triangle(3000).fold(X, y.ravel()), weight_decay, intercept)
        np.testing.assert_allclose(found, [*exact, constant], atol=1e-9)
    else:
        np.testing.assert_allclose(found, start + np.linalg.lstsq(columns, left)[0], rtol=1e-9, atol=1e-9)
        assert rank == 6 - dependent


def test_the_stable_rate_of_a_sample_counts_all_rows():
    X = table(rows=1000)[0]
    whole = largest_stable_rate(X, 500)
    assert largest_stable_rate(X, 500, rows=10**9) < whole
    assert largest_stable_rate(X[::2], 500, rows=1000) == pytest.approx(whole, rel=0.05)


# A run


def run_of(torch, recipe, held=True):
    X, y = table(1)
    X, y = torch.from_numpy((X - X.mean(0)) / X.std(0)), torch.from_numpy((y - y.mean()) / y.std()).reshape((-1, 1))
    random.seed(3)
    torch.manual_seed(3)
    w, b = model.init_params(3, torch=torch)
    with torch.no_grad():
        w, b = (p.to(torch.float64).requires_grad_() for p in (w, b))
    examples, held_out = InMemory(X[:37], y[:37], torch), InMemory(X[37:], y[37:], torch) if held else None
    return Training(examples, w, b, recipe, held_out=held_out, torch=torch)


def ending(training):
    list(training.run())
    return [
        *training.w.reshape(-1).tolist(),
        training.b.item(),
        *training.losses,
        training.held_losses,
        training.stopped,
    ]


@pytest.mark.parametrize(
    ("optimizer", "options"),
    [
        *((optimizer, {"num_epochs": 4}) for optimizer in OPTIMIZERS),
        ("sgd", {"lr": 0.3, "num_epochs": 50, "until": 0.01, "weight_decay": 0.1}),
        ("adam", {"lr": 0.3, "num_epochs": 50, "patience": 3}),
    ],
)
def test_a_run_that_is_gone_on_with_ends_as_if_never_stopped(torch, optimizer, options):
    recipe = Recipe(optimizer=optimizer, **{"lr": 0.05, **options})
    events = len(list(run_of(torch, recipe).run()))
    expected = ending(run_of(torch, recipe))
    for stop in {0, 1, 2, 3, 4, 5, 7, events // 2, events - 1, events} & set(range(events + 1)):
        stopped = run_of(torch, recipe)
        for _ in itertools.islice(stopped.run(), stop):
            pass
        state = stopped.state()
        kept = copy.deepcopy(state)
        assert ending(stopped) == expected, stop  # and changes nothing in the state
        resumed = run_of(torch, recipe)
        random.seed(stop)  # whatever the process did before
        resumed.restore(kept)
        assert ending(resumed) == expected, stop
        assert str(kept) == str(state)


def test_what_a_run_tells(torch):
    training = run_of(torch, Recipe(batch_size=10, num_epochs=2), held=False)
    events = list(training.run())
    steps = [event for event in events if isinstance(event, Step)]
    assert [(step.epoch, step.number, step.rows) for step in steps] == [
        (epoch, 4 * epoch + place + 1, rows) for epoch in range(2) for place, rows in enumerate([10, 10, 10, 7])
    ]
    assert [event for event in events if isinstance(event, Epoch)] == [
        Epoch(epoch, loss, None) for epoch, loss in enumerate(training.losses)
    ]
    assert training.steps == 8
    assert training.rows_seen == 74


def test_a_run_that_diverged_says_so_again_when_gone_on_with():
    recipe = Recipe(lr=3.0, num_epochs=50)
    with pytest.raises(Diverged) as expected:
        list(run_of(minigrad, recipe).run())
    stopped = run_of(minigrad, recipe)
    for _ in itertools.islice(stopped.run(), 3):
        pass
    resumed = run_of(minigrad, recipe)
    resumed.restore(stopped.state())
    with pytest.raises(Diverged) as found:
        list(resumed.run())
    assert str(found.value) == str(expected.value)


# What is kept of a run


@given(st.integers(1, 5 * MOST_TRACED))
@settings(max_examples=30, deadline=None)
def test_a_trace_is_evenly_spaced_and_bounded(steps):
    trace = Trace()
    for step in range(1, steps + 1):
        if trace.takes(step):
            trace.add(step, float(step), np.zeros(1), 0.0)
    assert trace.steps == list(range(1, steps + 1, trace.every))
    assert trace.losses == [float(step) for step in trace.steps]
    assert min(steps, MOST_TRACED // 2) <= len(trace.steps) <= MOST_TRACED
    assert len(trace.ws) == len(trace.bs) == len(trace.steps)


# Tables in pieces


def in_pieces(buffer):
    rows = Rows({"x": i % 7, "z": i * i % 11, "y": 3 * (i % 7) + i % 5} for i in range(60))
    return load(rows, "y", reading=Reading(buffer=buffer), validation=0.2, dtype="float64", torch=minigrad)


def test_the_loss_of_a_table_in_pieces_is_that_of_its_rows():
    whole, pieces = in_pieces(None), in_pieces(7)
    assert isinstance(whole.examples, InMemory)
    assert not isinstance(pieces.examples, InMemory)
    w, b = minigrad.tensor([[0.3], [-2.0]], dtype=minigrad.float64), minigrad.tensor([0.7], dtype=minigrad.float64)
    for ours, theirs in ((pieces.examples, whole.examples), (pieces.held_out, whole.held_out)):
        assert ours.rows == theirs.rows
        assert ours.mean_loss(w, b) == pytest.approx(theirs.mean_loss(w, b), rel=1e-12)


@given(st.lists(st.integers(1, 40), min_size=1, max_size=12), st.integers(1, 20))
def test_a_sample_is_evenly_spaced_however_the_rows_are_cut(sizes, most):
    rows = np.arange(sum(sizes), dtype=np.float64).reshape(-1, 1)
    sample = _Sample(most)
    for part in np.split(rows, np.cumsum(sizes)[:-1]):
        sample.take(part)
    found = sample.rows()[:, 0]
    every = found[1] if len(found) > 1 else len(rows)
    assert found.tolist() == np.arange(0, len(rows), every).tolist()
    assert min(len(rows), most) / 2 <= len(found) <= most
