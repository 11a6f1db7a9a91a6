"""Every distribution, on parameters and values that are drawn: what it tells and draws, and its gradients, are torch's."""

import re

import pytest

pytest.importorskip("torch")

import numpy as np
import torch
from hypothesis import given, settings, strategies as st

import minigrad


def positive(u):
    return 9 * u**2 + 0.1


def real(u):
    return 4 * u - 2


def shares(u):
    return (u + 0.1) / (u + 0.1).sum(-1, keepdims=True)


def one_of(u):
    return (u == u.max(-1, keepdims=True)) * 1.0


# name: (parameters and how each is made of numbers in (0, 1), the values it may have of such numbers and a parameter)
KINDS = {
    "Normal": ({"loc": lambda u: 4 * u - 2, "scale": lambda u: 2 * u + 0.1}, lambda u, p: 6 * u - 3),
    "Laplace": ({"loc": lambda u: 4 * u - 2, "scale": lambda u: 2 * u + 0.1}, lambda u, p: 6 * u - 3),
    "LogNormal": ({"loc": lambda u: 4 * u - 2, "scale": lambda u: u + 0.1}, lambda u, p: 3 * u + 0.01),
    "Uniform": ({"low": lambda u: -u - 1, "high": lambda u: u + 1}, lambda u, p: 1.9 * u - 0.95),
    "Exponential": ({"rate": lambda u: 3 * u + 0.1}, lambda u, p: 4 * u),
    "Poisson": ({"rate": lambda u: 20 * u}, lambda u, p: np.floor(9 * u)),
    "Bernoulli": ({"probs": lambda u: u}, lambda u, p: np.round(u)),
    "Bernoulli of logits": ({"logits": lambda u: 8 * u - 4}, lambda u, p: np.round(u)),
    "Geometric": ({"probs": lambda u: 0.9 * u + 0.05}, lambda u, p: np.floor(9 * u)),
    "Geometric of logits": ({"logits": lambda u: 8 * u - 4}, lambda u, p: np.floor(9 * u)),
    "Binomial": ({"total_count": lambda u: 30.0, "probs": lambda u: u}, lambda u, p: np.floor(9 * u)),
    "Binomial of logits": ({"total_count": lambda u: 9.0, "logits": lambda u: 8 * u - 4}, lambda u, p: np.floor(9 * u)),
    "Categorical": ({"probs": lambda u: u + 0.01}, lambda u, p: np.floor(p.shape[-1] * u)),
    "Categorical of logits": ({"logits": lambda u: 8 * u - 4}, lambda u, p: np.floor(p.shape[-1] * u)),
    "Multinomial": ({"probs": lambda u: u + 0.01}, lambda u, p: np.floor(2 * u)),
    "Multinomial of logits": ({"logits": lambda u: 8 * u - 4}, lambda u, p: np.floor(2 * u)),
    "Gamma": ({"concentration": positive, "rate": positive}, lambda u, p: 4 * u + 0.01),
    "Chi2": ({"df": positive}, lambda u, p: 4 * u + 0.01),
    "Beta": ({"concentration1": positive, "concentration0": positive}, lambda u, p: 0.9 * u + 0.05),
    "Dirichlet": ({"concentration": positive}, lambda u, p: shares(u)),
    "StudentT": ({"df": lambda u: 5 * u + 0.1, "loc": real, "scale": positive}, lambda u, p: 6 * u - 3),
    "FisherSnedecor": ({"df1": positive, "df2": lambda u: 9 * u + 0.1}, lambda u, p: 4 * u + 0.01),
    "InverseGamma": ({"concentration": positive, "rate": positive}, lambda u, p: 4 * u + 0.1),
    "Cauchy": ({"loc": real, "scale": positive}, lambda u, p: 6 * u - 3),
    "HalfCauchy": ({"scale": positive}, lambda u, p: 3 * u),
    "HalfNormal": ({"scale": positive}, lambda u, p: 3 * u),
    "LogisticNormal": ({"loc": real, "scale": positive}, lambda u, p: shares(u)),
    "Gumbel": ({"loc": real, "scale": lambda u: u + 1}, lambda u, p: 4 * u - 2),
    "Pareto": ({"scale": lambda u: u + 0.1, "alpha": positive}, lambda u, p: 4 * u + 1.1),
    "GeneralizedPareto": (
        {"loc": lambda u: -u, "scale": lambda u: u + 1, "concentration": lambda u: np.floor(4 * u) / 2 - 0.5},
        lambda u, p: 0.1 * u + 0.01,
    ),
    "Weibull": ({"scale": positive, "concentration": positive}, lambda u, p: 3 * u + 0.1),
    "Kumaraswamy": ({"concentration1": positive, "concentration0": positive}, lambda u, p: 0.9 * u + 0.05),
    "VonMises": ({"loc": real, "concentration": lambda u: 8 * u + 0.01}, lambda u, p: 6 * u - 3),
    "NegativeBinomial": (
        {"total_count": lambda u: np.floor(9 * u), "probs": lambda u: 0.9 * u},
        lambda u, p: np.floor(9 * u),
    ),
    "NegativeBinomial of logits": ({"total_count": lambda u: 9 * u, "logits": real}, lambda u, p: np.floor(9 * u)),
    "OneHotCategorical": ({"probs": lambda u: u + 0.01}, lambda u, p: one_of(u)),
    "OneHotCategorical of logits": ({"logits": real}, lambda u, p: one_of(u)),
    "OneHotCategoricalStraightThrough": ({"probs": lambda u: u + 0.01}, lambda u, p: one_of(u)),
    "RelaxedBernoulli": ({"probs": lambda u: u}, lambda u, p: 0.9 * u + 0.05),
    "RelaxedBernoulli of logits": ({"logits": real}, lambda u, p: 0.9 * u + 0.05),
    "RelaxedOneHotCategorical": ({"probs": lambda u: u + 0.01}, lambda u, p: shares(u)),
    "RelaxedOneHotCategorical of logits": ({"logits": real}, lambda u, p: shares(u)),
    "ContinuousBernoulli": ({"probs": lambda u: np.round(u, 1)}, lambda u, p: u),
    "ContinuousBernoulli of logits": ({"logits": lambda u: np.round(4 * u) - 2}, lambda u, p: u),
}
# The last dimension of their parameters is not the batch's.
VECTORS = ("Categorical", "Multinomial", "Dirichlet", "LogisticNormal", "OneHotCategorical")
VECTORS += ("OneHotCategoricalStraightThrough", "RelaxedOneHotCategorical")
ONLY_SINGLE = ("GeneralizedPareto",)  # in double precision torch's own raises a RuntimeError
ASKED = ("mean", "mode", "variance", "stddev")
CALLED = ("entropy", "perplexity", "enumerate_support")


def made(library, kind, numbers, dtype, as_numbers=False):
    """A distribution, and its parameters, which require grad."""
    name = kind.split()[0]
    parameters = {}
    for (parameter, of_number), array in zip(KINDS[kind][0].items(), numbers, strict=False):
        values = of_number(array) * np.ones_like(array)
        if as_numbers:
            parameters[parameter] = values.item()
        else:
            parameters[parameter] = library.tensor(values, dtype=getattr(library, dtype), requires_grad=True)
    more = {"total_count": 5} if name == "Multinomial" else {}
    if name.startswith("Relaxed"):
        more = {"temperature": library.tensor(0.7, dtype=getattr(library, dtype))}
    leaves = [] if as_numbers else list(parameters.values())
    return getattr(library.distributions, name)(**more, **parameters), leaves


def told(library, ask):
    """What `ask` comes to: numbers, dtype, shape and node; or the kind of the error."""
    try:
        result = ask(library)
    except (NotImplementedError, AttributeError, RuntimeError) as error:
        return type(error).__name__
    assert isinstance(result, library.Tensor)
    node = type(result.grad_fn).__name__
    return result.detach().numpy(), f"{result.dtype}, {tuple(result.shape)}, {node}, {result.requires_grad}"


def gradients(library, result, leaves):
    if not (result.requires_grad and leaves):
        return []
    found = library.autograd.grad(result.sum(), leaves, retain_graph=True, allow_unused=True)
    return [None if g is None else g.detach().numpy() for g in found]


def assert_close(found, expected, dtype, what):
    assert type(found) is type(expected), what
    if isinstance(expected, str | None):
        assert found == expected, what
    elif isinstance(expected, np.ndarray):
        assert found.shape == expected.shape, what
        tight = 1e-11 if dtype == "float64" else 3e-5
        np.testing.assert_allclose(found, expected, rtol=tight, atol=tight, err_msg=what)
    else:
        assert len(found) == len(expected), what
        for a, b in zip(found, expected, strict=True):
            assert_close(a, b, dtype, what)


shapes = st.sampled_from([(), (3,), (2, 1), (1, 4), (2, 3)])


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=5, deadline=None)
@given(data=st.data())
def test_a_distribution_is_torchs(kind, data):
    batch, sample_shape = data.draw(shapes), data.draw(st.sampled_from([(), (1,), (7,), (2, 5), (0,)]))
    name, seed = kind.split()[0], data.draw(st.integers(0, 99))
    dtype = data.draw(st.sampled_from(["float32"] if name in ONLY_SINGLE else ["float32", "float64"]))
    random = np.random.RandomState(seed)
    shape = (*batch, data.draw(st.integers(1, 4))) if name in VECTORS else batch
    numbers = [random.uniform(size=shape) for _ in range(3)]
    as_numbers = not shape and not name.startswith("Binomial") and data.draw(st.booleans())
    expand = data.draw(st.booleans())
    kept = "float32" if as_numbers else dtype

    results = []
    for library in (torch, minigrad):
        d, leaves = made(library, kind, numbers, dtype, as_numbers)
        if expand:
            d = d.expand((2, *batch))
        values = KINDS[kind][1](random_like(d, seed), np.empty(shape))
        value = library.tensor(values, dtype=getattr(library, dtype))
        library.manual_seed(seed)
        found = {"before": repr(d), "shapes": str((d.batch_shape, d.event_shape))}
        questions = {
            "sample": lambda _, d=d: d.sample(sample_shape),
            "rsample": lambda _, d=d: d.rsample(sample_shape),
            "log_prob": lambda _, d=d, value=value: d.log_prob(value),
            "cdf": lambda _, d=d, value=value: d.cdf(value),
            "icdf": lambda library, d=d, value=value: d.icdf(library.sigmoid(value)),
        }
        questions |= {name: lambda _, d=d, name=name: getattr(d, name) for name in ASKED}
        questions |= {name: lambda _, d=d, name=name: getattr(d, name)() for name in CALLED}
        for question, ask in questions.items():
            if expand and name == "Multinomial" and question in ("entropy", "perplexity"):
                continue  # torch's own raises an AttributeError
            found[question] = told(library, ask)
        found |= gradients_of(library, d, leaves, value, sample_shape)
        found |= {"after": re.sub(r"[-+.e\d]+", "#", repr(d)), "next": library.rand(3).numpy()}
        results.append(found)
    for what, expected in results[0].items():
        assert_close(results[1][what], expected, kept, f"{what} of {results[0]['before']}")


def random_like(d, seed):
    return np.random.RandomState(seed + 1).uniform(size=(*d.batch_shape, *d.event_shape))


def gradients_of(library, d, leaves, value, sample_shape):
    found = {"gradients of log_prob": gradients(library, d.log_prob(value), leaves)}
    if d.has_rsample and 0 not in sample_shape:
        found["gradients of rsample"] = gradients(library, d.rsample(sample_shape), leaves)
    return found


def divergence_of(library, kinds, numbers):
    """KL(p || q) for two kinds, and its gradients; or that there is none."""
    (p, of_p), (q, of_q) = (made(library, *one, "float64") for one in zip(kinds, numbers, strict=True))
    try:
        divergence = library.distributions.kl_divergence(p, q)
    except NotImplementedError:
        return None, None
    return divergence.detach().numpy(), gradients(library, divergence, [*of_p, *of_q])


@pytest.mark.parametrize("kind", KINDS)
def test_divergences_from_all_kinds_are_torchs(kind):
    random = np.random.RandomState(0)
    for other in KINDS:
        vectors = [k.split()[0] in VECTORS for k in (kind, other)]
        if vectors[0] != vectors[1]:
            continue
        numbers = random.uniform(size=(2, 3, 2, 3))
        expected, found = (divergence_of(library, (kind, other), numbers) for library in (torch, minigrad))
        assert_close(found[0], expected[0], "float64", f"{kind} from {other}")
        assert_close(found[1], expected[1], "float32", f"gradients of {kind} from {other}")  # torch's trigamma is rough
