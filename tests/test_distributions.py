"""torch.distributions: random numbers, log-probabilities, moments, gradients, printed text and errors are torch's."""

import math

import pytest

pytest.importorskip("torch")

import torch
from parity import assert_same

import minigrad

PROGRAMS = []


def program(function):
    PROGRAMS.append(function)
    return function


@program
def what_is_printed(torch):
    D = torch.distributions
    both = D.Bernoulli(torch.tensor([0.25]))
    before = repr(both)
    both.logits
    return (
        *(D.Normal(0, 1), D.Normal(torch.zeros(3), 2.0), D.Uniform(0.0, torch.ones(1)), D.Exponential(2)),
        *(before, both, D.Categorical(torch.ones(2, 3)), D.Multinomial(3, torch.ones(2)), D.LogNormal(0.0, 1.0)),
        *(D.Independent(D.Normal(torch.zeros(3), 1.0), 1), D.Binomial(3, torch.tensor(0.5))),
        D.Normal(torch.zeros(2, 3), 1.0).expand((4, 2, 3)),
    )


@program
def constraints_are_printed(torch):
    c = torch.distributions.constraints
    return (
        *(c.real, c.real_vector, c.positive, c.nonnegative, c.unit_interval, c.simplex, c.boolean, c.one_hot),
        *(c.nonnegative_integer, c.positive_integer, c.integer_interval(0, 3), c.interval(0.0, 2.0), c.dependent),
        *(c.half_open_interval(0, 1), c.greater_than(3), c.greater_than_eq(3), c.less_than(torch.tensor(2.5))),
        *(c.independent(c.positive, 2), c.multinomial(4), c.Constraint, c.positive_definite, c.symmetric, c.square),
        *(c.lower_triangular, c.lower_cholesky),
    )


@program
def constraints_say_what_is_allowed(torch):
    c = torch.distributions.constraints
    x = torch.tensor([[0.0, 1.0], [0.5, 0.5], [-1.0, math.nan], [2.0, 1.0], [math.inf, 0.25]])
    names = ("boolean", "one_hot", "nonnegative_integer", "positive_integer", "real", "real_vector", "positive")
    names += ("nonnegative", "unit_interval", "simplex")
    made = [c.integer_interval(0, 1), c.greater_than(0.5), c.greater_than_eq(0.5), c.less_than(0.5)]
    made += [c.interval(0.25, 1), c.half_open_interval(0.25, 1), c.multinomial(2), c.independent(c.positive, 1)]
    made += [getattr(c, name) for name in names]
    return [(one.check(x), one.is_discrete, one.event_dim) for one in made]


@program
def a_constraint_that_depends_knows_what_it_is_told(torch):
    c = torch.distributions.constraints
    support = torch.distributions.Uniform.support
    known = c.dependent(is_discrete=True)
    return c.is_dependent(support), support.is_discrete, support.event_dim, known.is_discrete, c.is_dependent(c.real)


@program
def what_depends_cannot_be_checked(torch):
    torch.distributions.constraints.dependent.check(torch.ones(2))


@program
def what_depends_may_not_know_its_dimensions(torch):
    torch.distributions.constraints.dependent.event_dim


@program
def independent_needs_the_dimensions(torch):
    torch.distributions.constraints.real_vector.check(torch.tensor(1.0))


def mixture(torch, probs, scale):
    D = torch.distributions
    return D.MixtureSameFamily(D.Categorical(probs), D.Normal(torch.zeros_like(scale), scale))


def full_text(library, program):
    with pytest.raises((ValueError, NotImplementedError, TypeError, RuntimeError, AssertionError)) as caught:
        program(library)
    return type(caught.value).__name__, str(caught.value)


REFUSED = [
    lambda torch: torch.distributions.Normal(0.0, -1.0),
    lambda torch: torch.distributions.Normal(torch.tensor([math.nan, 1.0]), 1.0),
    lambda torch: torch.distributions.Uniform(1.0, 0.0),
    lambda torch: torch.distributions.Uniform(torch.zeros(2), torch.tensor([1.0, 0.0])),
    lambda torch: torch.distributions.Bernoulli(1.5),
    lambda torch: torch.distributions.Bernoulli(),
    lambda torch: torch.distributions.Bernoulli(0.5, 0.0),
    lambda torch: torch.distributions.Geometric(torch.tensor([0.0, 0.5])),
    lambda torch: torch.distributions.Categorical(torch.tensor([-1.0, 2.0])),
    lambda torch: torch.distributions.Categorical(torch.tensor(1.0)),
    lambda torch: torch.distributions.Categorical(logits=torch.tensor(1.0)),
    lambda torch: torch.distributions.Categorical(logits=torch.tensor([1.0, math.nan])),
    lambda torch: torch.distributions.Multinomial(torch.ones(2), torch.ones(2)),
    lambda torch: torch.distributions.Binomial(-1, torch.tensor(0.5)),
    lambda torch: torch.distributions.Exponential(torch.tensor([[0.0]])),
    lambda torch: torch.distributions.Poisson(-1),
    lambda torch: torch.distributions.LogNormal(0.0, 0.0),
    lambda torch: torch.distributions.Independent(torch.distributions.Normal(0.0, 1.0), 1),
    lambda torch: torch.distributions.Normal(0.0, 1.0).log_prob(1.0),
    lambda torch: torch.distributions.Normal(torch.zeros(3), 1.0).log_prob(torch.ones(2)),
    lambda torch: torch.distributions.Normal(0.0, 1.0).log_prob(torch.tensor(math.nan)),
    lambda torch: torch.distributions.Normal(0.0, 1.0).rsample((-1,)),
    lambda torch: torch.distributions.Uniform(0.0, 1.0).log_prob(torch.tensor([0.5, 2.0])),
    lambda torch: torch.distributions.Categorical(torch.ones(3)).log_prob(torch.tensor(3)),
    lambda torch: torch.distributions.Multinomial(3, torch.ones(3)).log_prob(torch.ones(2)),
    lambda torch: torch.distributions.Multinomial(3, torch.ones(3)).log_prob(torch.full((3,), 2.0)),
    lambda torch: torch.distributions.Bernoulli(0.5).log_prob(torch.tensor(0.5)),
    lambda torch: torch.distributions.Bernoulli(0.5).rsample(),
    lambda torch: torch.distributions.Poisson(1.0).entropy(),
    lambda torch: torch.distributions.Normal(0.0, 1.0).enumerate_support(),
    lambda torch: torch.distributions.Binomial(torch.tensor([1, 2]), torch.tensor(0.5)).entropy(),
    lambda torch: torch.distributions.Binomial(torch.tensor([1, 2]), torch.tensor(0.5)).enumerate_support(),
    lambda torch: torch.distributions.Multinomial(2, torch.ones(3)).mode,
    lambda torch: torch.distributions.Distribution(validate_args=False).mean,
    lambda torch: torch.distributions.Distribution.set_default_validate_args("yes"),
    lambda torch: torch.distributions.Independent(torch.distributions.Bernoulli(torch.ones(2)), 1).enumerate_support(),
    lambda torch: torch.distributions.kl_divergence(
        torch.distributions.Multinomial(2, torch.ones(2)), torch.distributions.Multinomial(2, torch.ones(2))
    ),
    lambda torch: torch.distributions.kl_divergence(
        torch.distributions.Binomial(2, torch.tensor(0.5)), torch.distributions.Binomial(3, torch.tensor(0.5))
    ),
    lambda torch: torch.distributions.MultivariateNormal(torch.tensor(0.0), torch.eye(1)),
    lambda torch: torch.distributions.MultivariateNormal(torch.zeros(2)),
    lambda torch: torch.distributions.MultivariateNormal(torch.zeros(2), torch.eye(2), scale_tril=torch.eye(2)),
    lambda torch: torch.distributions.MultivariateNormal(torch.zeros(2), scale_tril=torch.ones(2)),
    lambda torch: torch.distributions.MultivariateNormal(torch.zeros(2), precision_matrix=torch.ones(2)),
    lambda torch: torch.distributions.MultivariateNormal(torch.zeros(2), -torch.eye(2)),
    lambda torch: torch.distributions.MultivariateNormal(torch.zeros(2), torch.tensor([[1.0, 0.01], [0.0, 1.0]])),
    lambda torch: torch.distributions.MultivariateNormal(torch.zeros(2), scale_tril=torch.ones(2, 2)),
    lambda torch: torch.distributions.MultivariateNormal(torch.zeros(2), torch.ones(2, 3)),
    lambda torch: torch.distributions.kl_divergence(
        torch.distributions.MultivariateNormal(torch.zeros(2), torch.eye(2)),
        torch.distributions.MultivariateNormal(torch.zeros(3), torch.eye(3)),
    ),
    lambda torch: mixture(torch, torch.ones(3), torch.ones(2)),
    lambda torch: mixture(torch, torch.ones(2, 2), torch.ones(3, 2)),
    lambda torch: mixture(torch, torch.ones(2), torch.ones(2)).rsample(),
    lambda torch: mixture(torch, torch.ones(2), torch.ones(2)).log_prob(torch.tensor(math.nan)),
    lambda torch: torch.distributions.MixtureSameFamily(torch.distributions.Normal(0.0, 1.0), 3),
    lambda torch: torch.distributions.MixtureSameFamily(torch.distributions.Categorical(torch.ones(2)), 3),
    lambda torch: torch.distributions.Gamma(0.0, 1.0),
    lambda torch: torch.distributions.Gamma(1.0, 1.0).log_prob(torch.tensor(-1.0)),
    lambda torch: torch.distributions.Gamma(torch.ones(2).half(), torch.ones(2).half()).sample(),
    lambda torch: torch.distributions.Chi2(-1.0),
    lambda torch: torch.distributions.Beta(0.0, 1.0),
    lambda torch: torch.distributions.Beta(1.0, 1.0).log_prob(torch.tensor(1.5)),
    lambda torch: torch.distributions.Dirichlet(torch.tensor(1.0)),
    lambda torch: torch.distributions.Dirichlet(torch.tensor([1.0, 0.0])),
    lambda torch: torch.distributions.Dirichlet(torch.ones(2)).log_prob(torch.ones(2)),
    lambda torch: torch.distributions.StudentT(-1.0),
    lambda torch: torch.distributions.StudentT(1.0).cdf(torch.tensor(1.0)),
    lambda torch: torch.distributions.FisherSnedecor(1.0, 0.0),
    lambda torch: torch.distributions.HalfNormal(0.0),
    lambda torch: torch.distributions.HalfCauchy(1.0).log_prob(torch.tensor(-1.0)),
    lambda torch: torch.distributions.Pareto(1.0, 1.0).log_prob(torch.tensor(0.5)),
    lambda torch: torch.distributions.VonMises(0.0, 0.0),
    lambda torch: torch.distributions.NegativeBinomial(1.0),
    lambda torch: torch.distributions.NegativeBinomial(1.0, torch.tensor(1.0)),
    lambda torch: torch.distributions.OneHotCategorical(torch.ones(2)).log_prob(torch.ones(2)),
    lambda torch: torch.distributions.RelaxedBernoulli(torch.tensor(1.0)),
    lambda torch: torch.distributions.ContinuousBernoulli(1.5, validate_args=True),
    lambda torch: torch.distributions.ContinuousBernoulli(),
    lambda torch: torch.distributions.LKJCholesky(1),
    lambda torch: torch.distributions.Wishart(2.0),
    lambda torch: torch.distributions.Wishart(2.0, torch.ones(2)),
    lambda torch: torch.distributions.Wishart(1.0, torch.eye(2)),
    lambda torch: torch.distributions.Wishart(2.0, -torch.eye(2)),
    lambda torch: torch.distributions.LowRankMultivariateNormal(torch.tensor(0.0), torch.ones(1, 1), torch.ones(1)),
    lambda torch: torch.distributions.LowRankMultivariateNormal(torch.zeros(2), torch.ones(2), torch.ones(2)),
    lambda torch: torch.distributions.LowRankMultivariateNormal(torch.zeros(2), torch.ones(3, 1), torch.ones(2)),
    lambda torch: torch.distributions.LowRankMultivariateNormal(torch.zeros(2), torch.ones(2, 1), torch.ones(3)),
    lambda torch: torch.distributions.LowRankMultivariateNormal(torch.zeros(3, 2), torch.ones(2, 2, 1), torch.ones(2)),
    lambda torch: torch.distributions.kl_divergence(
        torch.distributions.Normal(0.0, 1.0), torch.distributions.Bernoulli(0.5)
    ),
    lambda torch: torch.distributions.ExponentialFamily(validate_args=False).entropy(),
    lambda torch: type("B", (torch.distributions.Beta,), {"__init__": lambda self: None})().expand((2,)),
    lambda torch: type("D", (torch.distributions.Distribution,), {"arg_constraints": {}})().expand((2,)),
    lambda torch: torch.distributions.Normal("0", 1.0),
    lambda torch: torch.distributions.Normal(torch.zeros(2), torch.ones(3)),
]


@pytest.mark.usefixtures("checked_by_torch")
@pytest.mark.parametrize("number", range(len(REFUSED)))
def test_what_is_refused_is_refused_in_torchs_words(number):
    kind, expected = full_text(torch, REFUSED[number])
    found_kind, found = full_text(minigrad, REFUSED[number])
    assert found_kind == kind
    assert found.replace("'minigrad.", "'torch.").startswith(expected)


@program
def unchecked_values(torch):
    D = torch.distributions
    values = torch.tensor([0.5, -1.0, 2.0])
    return [
        D.Uniform(0.0, 1.0, validate_args=False).log_prob(values),
        D.Exponential(1.0, validate_args=False).log_prob(values),
        D.Uniform(0.0, 1.0, validate_args=False).cdf(values),
        D.Uniform(0.0, 1.0, validate_args=False).expand((3,)).log_prob(values),
        D.Normal(0.0, -1.0, validate_args=False),
    ]


@program
def values_at_the_ends(torch):
    D = torch.distributions
    ends = torch.tensor([0.0, 0.5, 1.0])
    return [
        *(D.Bernoulli(ends).mode, D.Bernoulli(ends).entropy(), D.Bernoulli(ends).log_prob(torch.tensor(1.0))),
        *(D.Geometric(torch.tensor([0.5, 1.0])).log_prob(torch.zeros(2)), D.Uniform(0.0, 1.0).log_prob(ends)),
        *(D.Categorical(ends).entropy(), D.Categorical(ends).log_prob(torch.arange(3))),
        D.Categorical(logits=torch.tensor([0.0, -math.inf])).entropy(),
        D.Multinomial(2, logits=torch.tensor([0.0, -math.inf])).log_prob(torch.tensor([2.0, 0.0])),
        *(D.Poisson(0.0).log_prob(torch.arange(3.0)), D.Binomial(3, ends).log_prob(torch.tensor(3.0))),
        D.kl_divergence(D.Bernoulli(ends[:, None].expand(3, 3)), D.Bernoulli(ends.expand(3, 3))),
        D.kl_divergence(D.Uniform(0.0, 2.0), D.Uniform(torch.tensor([-1.0, 0.5]), 2.0)),
        D.kl_divergence(D.Categorical(ends), D.Categorical(torch.tensor([0.5, 0.0, 0.5]))),
        D.kl_divergence(D.Binomial(3, torch.tensor(0.5)), D.Binomial(torch.tensor([3, 2]), torch.tensor(0.5))),
    ]


@program
def gradients_at_logit_0(torch):
    logits = torch.zeros(2, requires_grad=True)
    torch.distributions.Binomial(3, logits=logits).log_prob(torch.tensor([0.0, 2.0])).sum().backward()
    return logits.grad


@program
def a_policy_gradient(torch):
    logits = torch.randn(4, 3, requires_grad=True)
    policy = torch.distributions.Categorical(logits=logits)
    action = policy.sample()
    loss = -(policy.log_prob(action) * torch.arange(4.0)).mean() - 0.01 * policy.entropy().mean()
    loss.backward()
    return action, loss, logits.grad


@program
def the_reparameterization_trick(torch):
    from_mean = torch.zeros(5, requires_grad=True)
    log_scale = torch.full((5,), -1.0, requires_grad=True)
    posterior = torch.distributions.Normal(from_mean, log_scale.exp())
    prior = torch.distributions.Normal(0.0, 1.0)
    loss = (posterior.rsample((3,)) ** 2).mean() + torch.distributions.kl_divergence(posterior, prior).sum()
    loss.backward()
    return loss, from_mean.grad, log_scale.grad


@program
def dice(torch):
    fair = torch.distributions.Multinomial(100, torch.ones(6) / 6)
    return fair.sample() / 100, fair.sample((3,)), fair.mean, fair.variance, fair.entropy(), fair.param_shape


@program
def an_expanded_multinomial_is_a_batch(torch):
    expanded = torch.distributions.Multinomial(3, torch.tensor([0.25, 0.75])).expand((2,))
    return expanded.sample(), expanded.log_prob(torch.tensor([[3.0, 0.0], [1.0, 2.0]])), expanded.mean


def test_the_entropy_of_an_expanded_multinomial_is_that_of_each():
    one = minigrad.distributions.Multinomial(3, minigrad.tensor([0.25, 0.75]))
    assert one.expand((2,)).entropy().tolist() == [one.entropy().item()] * 2


@program
def what_is_computed_lazily_belongs_to_the_graph(torch):
    probs = torch.tensor([0.25, 0.5], requires_grad=True)
    d = torch.distributions.Bernoulli(probs)
    with torch.no_grad():
        logits = d.logits
    return logits.requires_grad, logits is d.logits


@program
def independent_sums_over_what_it_takes(torch):
    D = torch.distributions
    d = D.Independent(D.Normal(torch.zeros(2, 3), torch.ones(3)), 1)
    other = D.Independent(D.Normal(torch.ones(2, 3), torch.ones(3)), 1)
    big = d.expand((4, 2))
    return (
        *(d.batch_shape, d.event_shape, d.log_prob(torch.ones(3)), d.entropy(), d.mean, d.variance, d.mode, d.support),
        *(d.has_rsample, d.has_enumerate_support, big, big.sample().shape, D.kl_divergence(d, other), d.sample()),
        *(D.Independent(D.Bernoulli(torch.ones(2)), 0).enumerate_support(), d.rsample((2,)).shape),
    )


def test_independents_of_other_dimensions_have_no_divergence():
    for library in (torch, minigrad):
        D = library.distributions
        d = D.Normal(library.zeros(2, 3), 1.0)
        with pytest.raises(NotImplementedError):
            D.kl_divergence(D.Independent(d, 1), D.Independent(d, 2))


def test_a_divergence_is_registered_for_distributions():
    for pair in [(minigrad.distributions.Normal, int), (int, minigrad.distributions.Normal)]:
        with pytest.raises(TypeError, match="to be a Distribution subclass but got <class 'int'>"):
            minigrad.distributions.register_kl(*pair)


@program
def a_distribution_of_ones_own(torch):
    class Standard(torch.distributions.Normal):
        def __init__(self, validate_args=None):
            super().__init__(0.0, 1.0, validate_args=validate_args)

    own = Standard()
    return own, own.log_prob(torch.tensor(0.5)), torch.distributions.kl_divergence(own, own), own.sample((2,))


@program
def with_another_init_it_says_how_it_expands(torch):
    class Standard(torch.distributions.Normal):
        def __init__(self):
            super().__init__(0.0, 1.0)

    Standard().expand((2,))


@program
def without_another_it_expands(torch):
    Same = type("Same", (torch.distributions.Normal,), {})
    return Same(0.0, 1.0).expand((2,)), type(Same(0.0, 1.0).expand((2,))).__name__


@program
def constraints_of_ones_own_are_missing(torch):
    class Bare(torch.distributions.Distribution):
        def log_prob(self, value):
            self._validate_sample(value)
            return value

    return Bare().log_prob(torch.ones(2))


@program
def divergences_of_ones_own(torch):
    D = torch.distributions
    P, Q = (type(name, (D.Normal,), {}) for name in "PQ")
    D.register_kl(P, D.Normal)(lambda p, q: "P, Normal")
    D.register_kl(D.Normal, Q)(lambda p, q: "Normal, Q")
    one = [kind(0.0, 1.0) for kind in (P, Q, D.Normal)]
    return D.kl_divergence(one[0], one[2]), D.kl_divergence(one[2], one[1]), D.kl_divergence(one[0], one[1])


@program
def an_exponential_family_of_ones_own(torch):
    """Rayleigh's distribution: entropy and divergence come of its normalizer."""

    class Rayleigh(torch.distributions.ExponentialFamily):
        _mean_carrier_measure = 0.25

        @property
        def arg_constraints(self):
            return {"scale": torch.distributions.constraints.positive}

        def __init__(self, scale):
            self.scale = scale
            super().__init__(scale.size())

        @property
        def _natural_params(self):
            return (-0.5 / self.scale**2,)

        def _log_normalizer(self, x):
            return -torch.log(-2 * x)

    scale = torch.tensor([1.0, 2.0], requires_grad=True)
    p, q = Rayleigh(scale), Rayleigh(torch.tensor([2.0, 2.5]))
    divergence = torch.distributions.kl_divergence(q, p)
    divergence.sum().backward()
    return (
        p.entropy(),
        divergence,
        scale.grad,
        isinstance(torch.distributions.Gamma(1.0, 1.0), torch.distributions.ExponentialFamily),
    )


@program
def families(torch):
    D, found = torch.distributions, []
    half = torch.tensor([0.25, 0.5])
    for d in [
        D.Normal(half, 1.0),
        D.Bernoulli(half),
        D.Exponential(half),
        D.Gamma(half, 2.0),
        D.ContinuousBernoulli(half),
    ]:
        found.append((isinstance(d, D.ExponentialFamily), D.ExponentialFamily.entropy(d), d._natural_params))
    others = [D.Beta(half, 2.0), D.Dirichlet(half), D.Poisson(half)]
    return found, [(d._natural_params, d._log_normalizer(*d._natural_params)) for d in others]


@program
def samples_one_by_one(torch):
    return torch.distributions.Normal(0.0, 1.0).sample_n(3)


@program
def checks_can_be_turned_off(torch):
    Distribution = torch.distributions.Distribution
    Distribution.set_default_validate_args(False)
    try:
        return torch.distributions.Normal(0.0, -1.0), torch.distributions.Normal(0.0, 1.0, validate_args=True)
    finally:
        Distribution.set_default_validate_args(True)


@program
def modules_are_named_as_torchs(torch):
    names = ("normal.Normal", "uniform.Uniform", "bernoulli.Bernoulli", "categorical.Categorical", "kl.kl_divergence")
    names += ("multinomial.Multinomial", "binomial.Binomial", "exponential.Exponential", "geometric.Geometric")
    names += ("poisson.Poisson", "laplace.Laplace", "log_normal.LogNormal", "independent.Independent")
    names += ("gamma.Gamma", "beta.Beta", "dirichlet.Dirichlet", "studentT.StudentT", "half_normal.HalfNormal")
    names += ("one_hot_categorical.OneHotCategorical", "relaxed_categorical.ExpRelaxedCategorical", "chi2.Chi2")
    names += ("relaxed_bernoulli.LogitRelaxedBernoulli", "von_mises.VonMises", "constraint_registry.biject_to")
    names += ("distribution.Distribution", "constraints.positive", "utils.broadcast_all")
    for name in names:
        module, attribute = name.split(".")
        assert hasattr(getattr(torch.distributions, module), attribute), name
    return len(names)


@program
def probabilities_near_0_and_1_have_finite_logits(torch):
    utils = torch.distributions.utils
    p = torch.tensor([0.0, 0.5, 1.0])
    return utils.clamp_probs(p), utils.probs_to_logits(p), utils.probs_to_logits(p, True), utils.logits_to_probs(p)


@pytest.mark.parametrize("function", PROGRAMS, ids=lambda function: function.__name__)
def test_programs_come_to_the_same(function):
    assert_same(function)
