"""Every optimizer's steps beside torch's: the same parameters and the same state, for random options and gradients."""

import numpy as np
import pytest

real_torch = pytest.importorskip("torch")

from hypothesis import given, settings, strategies as st

import minigrad

rate = st.sampled_from([0.5, 0.1, 0.01, 1e-3])
decay = st.sampled_from([0, 0, 0.1, 0.01])
beta = st.sampled_from([0.0, 0.5, 0.9, 0.99])
flag = st.booleans()
momentum = st.sampled_from([0, 0.5, 0.9])
eps = st.sampled_from([1e-8, 1e-3])
betas = st.tuples(beta, st.sampled_from([0.5, 0.9, 0.999]))

OPTIONS = {
    "SGD": {"lr": rate, "momentum": momentum, "dampening": st.sampled_from([0, 0.5]), "weight_decay": decay},
    "ASGD": {"lr": rate, "lambd": decay, "alpha": beta, "t0": st.sampled_from([1e6, 10, 0]), "weight_decay": decay},
    "Adagrad": {"lr": rate, "lr_decay": decay, "weight_decay": decay, "initial_accumulator_value": decay, "eps": eps},
    "RMSprop": {"lr": rate, "alpha": beta, "eps": eps, "weight_decay": decay, "momentum": momentum},
    "Adadelta": {"lr": rate, "rho": beta, "eps": eps, "weight_decay": decay},
    "Adam": {
        "lr": rate,
        "betas": betas,
        "eps": eps,
        "weight_decay": decay,
        "amsgrad": flag,
        "decoupled_weight_decay": flag,
    },
    "AdamW": {"lr": rate, "betas": betas, "eps": eps, "weight_decay": decay, "amsgrad": flag},
    "Adamax": {"lr": rate, "betas": betas, "eps": eps, "weight_decay": decay},
    "NAdam": {
        "lr": rate,
        "betas": betas,
        "weight_decay": decay,
        "momentum_decay": decay,
        "decoupled_weight_decay": flag,
    },
    "RAdam": {"lr": rate, "betas": betas, "eps": eps, "weight_decay": decay, "decoupled_weight_decay": flag},
    "Rprop": {"lr": rate, "etas": st.tuples(beta.filter(bool), st.sampled_from([1.1, 2.0]))},
}
SHAPES = ((3, 2), (), (4,))


def options_of(name):
    own = {option: st.none() | values for option, values in OPTIONS[name].items()}
    return st.fixed_dictionaries({**own, "maximize": st.none() | flag}).map(
        lambda options: {option: value for option, value in options.items() if value is not None}
    )


def run(torch, name, options, start, gradients, resume):
    """Parameters and state after a step for each of `gradients`, where None is no gradient; resumed half-way."""
    params = [torch.tensor(x, requires_grad=True) for x in start]
    kind = getattr(torch.optim, name)

    def made():
        return kind([{"params": params[:2]}, {"params": params[2:], "lr": 0.05}], **options)

    optimizer = made()
    for i, of_step in enumerate(gradients):
        if i == resume:
            saved = optimizer.state_dict()
            optimizer = made()
            optimizer.load_state_dict(saved)
        for param, g in zip(params, of_step, strict=True):
            param.grad = None if g is None else torch.tensor(g)
        optimizer.step()
    return params, optimizer.state_dict()


def arrays(values):
    """The tensors and numbers in nested dictionaries and lists, by where they are."""
    if isinstance(values, dict):
        return {f"{key}/{where}": a for key, value in values.items() for where, a in arrays(value).items()}
    if isinstance(values, (list, tuple)):
        return arrays(dict(enumerate(values)))
    return {"": values.detach().numpy() if hasattr(values, "detach") else values}


def assert_close(found, expected, dtype):
    found, expected = arrays(found), arrays(expected)
    assert list(found) == list(expected)
    for where, value in expected.items():
        if isinstance(value, np.ndarray):
            assert found[where].dtype == value.dtype
            largest = max(1, np.abs(value).max(initial=0))
            np.testing.assert_allclose(
                found[where], value, rtol=1e-6, atol=1e-6 * largest if dtype == "float32" else 1e-12, err_msg=where
            )
        else:
            assert found[where] == value, where


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", OPTIONS)
def test_a_hundred_steps(name, dtype):
    @settings(max_examples=4)
    @given(options_of(name), st.integers(0, 2**32 - 1), st.integers(0, 100))
    def check(options, seed, resume):
        rng = np.random.default_rng(seed)
        start = [rng.normal(size=shape).astype(dtype) for shape in SHAPES]
        gradients = [
            [None if rng.random() < 0.1 else rng.normal(size=shape).astype(dtype) for shape in SHAPES]
            for _ in range(100)
        ]
        found = run(minigrad, name, options, start, gradients, resume)
        assert_close(found, run(real_torch, name, options, start, gradients, resume), dtype)

    check()


ALL = {"lr": 0.1, "weight_decay": 0.1, "maximize": True}
EVERY_OPTION = [
    ("SGD", {**ALL, "momentum": 0.9, "dampening": 0.3}),
    ("SGD", {**ALL, "momentum": 0.9, "nesterov": True}),
    ("ASGD", {**ALL, "lambd": 0.1, "alpha": 0.5, "t0": 5}),
    ("ASGD", {"lr": 0.1, "t0": 0}),
    ("Adagrad", {**ALL, "lr_decay": 0.1, "initial_accumulator_value": 0.3, "eps": 0.1}),
    ("RMSprop", {**ALL, "alpha": 0.7, "eps": 0.1, "centered": True}),
    ("RMSprop", {**ALL, "alpha": 0.7, "eps": 0.1, "momentum": 0.5}),
    ("Adadelta", {**ALL, "rho": 0.7, "eps": 0.1}),
    ("Adam", {**ALL, "betas": (0.7, 0.8), "eps": 0.1, "amsgrad": True}),
    ("Adam", {**ALL, "betas": (0.7, 0.8), "eps": 0.1, "decoupled_weight_decay": True}),
    ("AdamW", {**ALL, "betas": (0.7, 0.8), "eps": 0.1}),
    ("AdamW", {"lr": 0.1}),
    ("Adamax", {**ALL, "betas": (0.7, 0.8), "eps": 0.1}),
    ("NAdam", {**ALL, "betas": (0.7, 0.8), "eps": 0.1, "momentum_decay": 0.1}),
    ("RAdam", {**ALL, "betas": (0.7, 0.9), "eps": 0.1, "decoupled_weight_decay": True}),
    ("Rprop", {"lr": 0.1, "maximize": True, "etas": (0.3, 1.7), "step_sizes": (0.05, 0.3)}),
]


@pytest.mark.parametrize(("name", "options"), EVERY_OPTION)
def test_with_every_option(name, options):
    rng = np.random.default_rng(0)
    gradients = [[rng.normal(size=shape) for shape in SHAPES] for _ in range(30)]
    start = [rng.normal(size=shape) for shape in SHAPES]
    found = run(minigrad, name, options, start, gradients, 15)
    assert_close(found, run(real_torch, name, options, start, gradients, 15), "float64")


@pytest.mark.parametrize("name", OPTIONS)
def test_ways_to_compute_the_same_are_accepted(name):
    rng = np.random.default_rng(0)
    gradients = [[rng.normal(size=shape) for shape in SHAPES] for _ in range(10)]
    start = [rng.normal(size=shape) for shape in SHAPES]
    ways = ["foreach", "fused"] if name in ("SGD", "Adagrad", "Adam", "AdamW") else ["foreach"]
    for way in ways:
        found, expected = (run(torch, name, {way: True}, start, gradients, None)[0] for torch in (minigrad, real_torch))
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-6, atol=1e-7)


def test_moving_averages_whose_rates_are_tensors():
    rng = np.random.default_rng(0)
    gradients = [[rng.normal(size=shape) for shape in SHAPES] for _ in range(10)]
    start = [rng.normal(size=shape) for shape in SHAPES]
    params = []
    for torch in (minigrad, real_torch):
        options = {"betas": (torch.tensor(0.5), torch.tensor(0.9)), "lr": torch.tensor(0.1)}
        params.append(run(torch, "Adam", options, start, gradients, None)[0])
    assert_close(*params, "float32")


def converted(value):
    """What torch's optimizer saved, as minigrad's own."""
    if isinstance(value, dict):
        return {key: converted(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(converted(part) for part in value)
    return minigrad.tensor(value.numpy()) if isinstance(value, real_torch.Tensor) else value


def minimised(torch, name, options, start, other=None):
    """A smooth function's minimum sought from `start`: the parameters, and the optimizer, after some steps."""
    x, y = (torch.tensor(a, requires_grad=True) for a in start)
    optimizer = getattr(torch.optim, name)([x, y], **options)
    if other is not None:
        optimizer.load_state_dict(other)

    def closure():
        optimizer.zero_grad()
        loss = ((x[1:] - x[:-1] ** 2) ** 2).sum() + ((1 - x) ** 2).sum() + ((y * x.sum()).exp() + y**2).sum()
        loss.backward()
        return loss

    losses = [float(optimizer.step(closure).detach()) for _ in range(3)]
    return losses, [x, y], optimizer


@pytest.mark.parametrize("name", [*OPTIONS, "LBFGS"])
def test_going_on_from_what_torch_saved(name):
    start = [np.linspace(-1, 1, 4), np.array([0.3, -0.2])]
    options = {"momentum": 0.9} if name == "SGD" else {"max_iter": 4} if name == "LBFGS" else {}
    _, (x, y), first = minimised(real_torch, name, options, start)
    half_way = [x.detach().numpy().copy(), y.detach().numpy().copy()]
    saved = first.state_dict()
    found = minimised(minigrad, name, options, half_way, converted(saved))
    expected = minimised(real_torch, name, options, half_way, saved)
    assert found[0] == pytest.approx(expected[0], rel=1e-9)
    assert_close(found[1], expected[1], "float64")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"lr": 0.1, "max_iter": 7},
        {"history_size": 2},
        {"line_search_fn": "strong_wolfe"},
        {"line_search_fn": "strong_wolfe", "history_size": 3, "max_iter": 40},
        {"line_search_fn": "strong_wolfe", "lr": 5, "max_eval": 7},
        {"line_search_fn": "strong_wolfe", "lr": 1e-3, "max_iter": 3},
        {"tolerance_grad": 1.0},
        {"tolerance_change": 0.5},
    ],
    ids=str,
)
def test_lbfgs(options, dtype):
    for seed in range(4):
        rng = np.random.default_rng(seed)
        start = [rng.normal(size=4).astype(dtype), rng.normal(size=2).astype(dtype) / 4]
        found, expected = (minimised(torch, "LBFGS", options, start) for torch in (minigrad, real_torch))
        close = {"rel": 1e-6, "abs": 1e-9} if dtype == "float64" else {"rel": 1e-3, "abs": 1e-3}
        assert found[0] == pytest.approx(expected[0], **close, nan_ok=True)
        for a, b in zip(found[1], expected[1], strict=True):
            assert a.detach().numpy() == pytest.approx(b.detach().numpy(), **close, nan_ok=True)
        if dtype == "float64":
            counts = [
                [state[n] for n in ("func_evals", "n_iter")]
                for state in (o.state_dict()["state"][0] for *_, o in (found, expected))
            ]
            assert counts[0] == counts[1]


def test_lbfgs_knows_one_line_search():
    w = minigrad.ones(2, requires_grad=True)
    optimizer = minigrad.optim.LBFGS([w], line_search_fn="weak_wolfe")
    with pytest.raises(RuntimeError, match="only 'strong_wolfe' is supported"):
        optimizer.step(lambda: w.sum())
