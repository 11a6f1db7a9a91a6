"""Random numbers that only distributions use: they are torch's, and so is how gamma numbers change with parameters."""

import math

import pytest

pytest.importorskip("torch")

import numpy as np
import torch
from hypothesis import given, settings, strategies as st
from parity import assert_same

import minigrad
from minigrad.distributions.slopes import dirichlet_slope, gamma_slope

PROGRAMS = []


def program(function):
    PROGRAMS.append(function)
    return function


@settings(max_examples=30, deadline=None)
@given(
    mean=st.floats(0, 1e6) | st.sampled_from([0.0, 0.5, 9.99, 10.0, 1e7, 1e18, 1e19, 1e20, 1e308, math.inf]),
    dtype=st.sampled_from(["float16", "float32", "float64"]),
    seed=st.integers(0, 999),
)
def test_poisson_draws_torchs_numbers(mean, dtype, seed):
    results = []
    for library in (torch, minigrad):
        library.manual_seed(seed)
        means = library.tensor([mean] * 20, dtype=getattr(library, dtype))
        results.append((library.poisson(means).tolist(), library.rand(2).tolist()))
    assert results[0] == results[1]


@settings(max_examples=40, deadline=None)
@given(
    count=st.integers(0, 30) | st.integers(0, 10**6),
    probability=st.floats(0, 1) | st.sampled_from([0.0, 1e-300, 0.01, 0.5, 0.999, 1.0]),
    dtype=st.sampled_from(["float32", "float64"]),
    seed=st.integers(0, 999),
)
def test_binomial_draws_torchs_numbers(count, probability, dtype, seed):
    results = []
    for library in (torch, minigrad):
        library.manual_seed(seed)
        of_dtype = {"dtype": getattr(library, dtype)}
        drawn = library.binomial(
            library.full((20,), float(count), **of_dtype), library.full((20,), probability, **of_dtype)
        )
        results.append((drawn.tolist(), str(drawn.dtype), library.rand(2).tolist()))
    assert results[0] == results[1]


@program
def counts_of_one_generator(torch):
    g = torch.Generator().manual_seed(3)
    x = torch.tensor([[0.5, 20.0], [3.0, math.inf]])[:, :1]
    return (
        torch.poisson(x, generator=g),
        torch.binomial(torch.full((2, 1), 5.0), torch.full((2, 1), 0.3), g),
        torch.rand(2),
    )


@program
def counts_of_turned_tensors(torch):
    x = torch.arange(6.0).reshape(2, 3).T
    return torch.poisson(x), torch.binomial(x, x / 10), torch.poisson(torch.ones(1).expand(2, 3))


@program
def nothing_flows_to_a_mean(torch):
    x = torch.tensor([3.0, 40.0], requires_grad=True)
    drawn = torch.poisson(x)
    drawn.sum().backward()
    return drawn, x.grad


@program
def a_mean_below_0(torch):
    torch.poisson(torch.tensor([1.0, -1.0]))


@program
def a_mean_that_is_nan(torch):
    torch.poisson(torch.tensor([math.nan]))


@program
def a_mean_of_integers(torch):
    torch.poisson(torch.tensor([1]))


@program
def trials_of_integers(torch):
    torch.binomial(torch.tensor([1]), torch.tensor([0.5]))


@program
def trials_of_half_precision(torch):
    torch.binomial(torch.ones(2).half(), torch.ones(2).half())


@program
def chances_of_another_dtype(torch):
    torch.binomial(torch.ones(2), torch.ones(2).double())


@program
def chances_of_another_shape(torch):
    torch.binomial(torch.ones(2), torch.ones(3))


@program
def chances_for_all(torch):
    return torch.binomial(torch.full((2, 3), 9.0), torch.tensor([0.2, 0.5, math.nan])), torch.rand(1)


@program
def chances_of_no_kind(torch):
    return torch.binomial(torch.full((4,), 5.0), torch.tensor([-1.0, 2.0, math.nan, 0.5]))


@program
def values_at_the_edge(torch):
    D, ends = torch.distributions, torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64)
    single = ends.float()
    bends = D.GeneralizedPareto(0.0, 1.0, torch.tensor([-1.0, 0.0, -0.5]))
    wide = D.VonMises(0.5, torch.tensor([1e-6, 1e-4, 0.1], dtype=torch.float64))
    near = D.ContinuousBernoulli(torch.tensor([0.0, 0.45, 1.0], dtype=torch.float64), lims=(0.4, 0.6))
    none = D.NegativeBinomial(0.0, torch.tensor(0.5))
    halves = [kind(1.0, validate_args=False).log_prob(-single) for kind in (D.HalfNormal, D.HalfCauchy)]
    found = [bends.log_prob(single / 2), bends.cdf(single / 2), bends.support, bends.log_survival_function(single)]
    found += [none.log_prob(single), none.sample(), wide.sample((4,)), wide.variance, *halves]
    return found, near.probs, near.mean, near.variance, near.log_prob(ends), near.cdf(ends), near.icdf(ends)


@program
def a_value_that_is_none(torch):
    """The text shows the parameters that were given, and no others."""
    D, said = torch.distributions, []
    half, dirty = torch.tensor([0.5]), torch.tensor([math.nan])
    for d in (
        D.Bernoulli(half),
        D.ContinuousBernoulli(half),
        D.Geometric(half),
        D.Binomial(2, half),
        D.RelaxedBernoulli(half, half),
        D.RelaxedOneHotCategorical(half, torch.ones(2)),
        D.NegativeBinomial(2.0, half),
    ):
        try:
            d.log_prob(dirty)
        except ValueError as error:
            said.append(str(error))
    return said


@program
def a_support_of_another_shape(torch):
    torch.distributions.Pareto(torch.ones(2), torch.ones(2)).support.check(torch.ones(3))


@program
def divergences_of_what_is_not_allowed(torch):
    D, one = torch.distributions, torch.ones(4)
    low, high = torch.tensor([-0.5, 0.25, 0.0, 0.25]), torch.tensor([0.75, 1.25, 1.0, 0.75])
    alpha, uniform = torch.tensor([0.5, 1.0, 1.5, 3.0]), D.Uniform(low, high)
    beta, near, half = D.Beta(2 * one, 3 * one), D.ContinuousBernoulli(one / 4), D.Pareto(one / 2, alpha)
    pairs = [(p, uniform) for p in (beta, near, D.Uniform(one / 4, 3 * one / 4))]
    pairs += [(uniform, q) for q in (beta, near, D.Exponential(one), D.Gamma(one, one), D.Pareto(one / 4, one))]
    pairs += [(half, q) for q in (D.Exponential(one), D.Gamma(one, one), D.Normal(one, one), D.Pareto(alpha / 3, one))]
    return [D.kl_divergence(p, q) for p, q in pairs]


@program
def incomplete_gamma_functions_at_their_ends(torch):
    ends = torch.tensor([0.0, -1.0, 1.0, 2.5, math.inf, -math.inf])
    a, x = torch.meshgrid(ends, ends, indexing="ij")
    return torch.igamma(a, x), torch.igammac(a, x), torch.special.gammaincc(ends.abs(), torch.tensor(30.0))


@program
def the_first_slope_of_incomplete_gamma_functions(torch):
    torch.igamma(torch.ones(2, requires_grad=True), torch.ones(2)).sum().backward()


@settings(max_examples=20, deadline=None)
@given(
    concentration=st.floats(1e-3, 1e4) | st.sampled_from([0.0, 1e-3, 0.999, 1.0, 1e8, math.inf]),
    dtype=st.sampled_from(["float32", "float64"]),
    seed=st.integers(0, 999),
)
def test_gamma_numbers_are_torchs_to_the_bit(concentration, dtype, seed):
    results = []
    for library in (torch, minigrad):
        library.manual_seed(seed)
        a = library.full((20, 2), concentration, dtype=getattr(library, dtype))
        D = library.distributions
        gamma, dirichlet = D.Gamma(a, 0.5, validate_args=False), D.Dirichlet(a.clamp(max=1e9), validate_args=False)
        results.append((gamma.sample().tolist(), dirichlet.sample().tolist(), library.rand(2).tolist()))
    assert results[0] == results[1]


def test_the_gradient_of_dirichlet_numbers_is_linear_in_what_arrives():
    """So its derivative by that, times that, is the gradient itself: torch knows no such derivative."""
    a, w = minigrad.tensor([0.5, 2.0, 3.0]).requires_grad_(), minigrad.tensor([1.0, -2.0, 0.5]).requires_grad_()
    sample = minigrad.distributions.Dirichlet(a).rsample()
    (g,) = minigrad.autograd.grad((w * sample).sum(), a, create_graph=True)
    mixed = (g * minigrad.tensor([3.0, 1.0, -1.0])).sum()
    (by_w,) = minigrad.autograd.grad(mixed, w)
    assert (by_w * w).sum().item() == pytest.approx(mixed.item(), rel=1e-4)


def test_a_concentration_that_is_none_gives_nan():
    a = minigrad.tensor([math.nan, -1.0])
    assert minigrad.distributions.Gamma(a, 1.0, validate_args=False).sample().isnan().all()


@pytest.fixture(scope="module")
def gammas():
    random = np.random.RandomState(0)
    a = np.exp(random.uniform(-3, 5, 3000))
    return a, np.maximum(random.standard_gamma(a), 1e-30)


def test_gamma_slopes_keep_the_distribution_function(gammas):
    """The property that defines them, to which torch's approximations come within a hundredth."""
    a, x = gammas
    step = 1e-5 * a
    above, below = (minigrad.igamma(minigrad.from_numpy(a + s), minigrad.from_numpy(x)).numpy() for s in (step, -step))
    log_density = (a - 1) * np.log(x) - x - minigrad.lgamma(minigrad.from_numpy(a)).numpy()
    exact = -(above - below) / (2 * step) / np.exp(log_density)
    known = (below > 1e-4) & (above < 1 - 1e-4)  # elsewhere rounding is all there is of the difference
    np.testing.assert_allclose(gamma_slope(a, x)[known], exact[known], rtol=0.01)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_slopes_are_torchs(gammas, dtype):
    a, x = (values.astype(dtype) for values in gammas)
    b = a[::-1].copy()
    beta = np.clip(x / (x + x[::-1]), 1e-30, np.nextafter(np.ones((), dtype), np.zeros((), dtype)))
    tight = 1e-10 if dtype == "float64" else 1e-2  # in single precision the series near 0 and 1 lose digits
    expected = torch._standard_gamma_grad(*map(torch.from_numpy, (a, x))).numpy()
    np.testing.assert_allclose(gamma_slope(a, x), expected, rtol=tight)
    expected = torch._dirichlet_grad(*map(torch.from_numpy, (beta, a, a + b))).numpy()
    np.testing.assert_allclose(dirichlet_slope(beta, a, a + b), expected, rtol=tight)


@pytest.mark.parametrize("function", PROGRAMS, ids=lambda function: function.__name__)
def test_programs_come_to_the_same(function, checked_by_torch):
    assert_same(function)
