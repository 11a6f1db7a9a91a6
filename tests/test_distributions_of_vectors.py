"""torch.distributions of vectors and of mixtures: numbers, gradients, samples and printed text are torch's."""

import pytest

pytest.importorskip("torch")

from parity import assert_same

import minigrad


def normal_vectors(torch):
    D, found = torch.distributions, []
    root = torch.tensor([[1.0, 0.0], [0.5, 2.0]], dtype=torch.float64)
    far = torch.tensor([[1.0, -1.0], [0.25, 3.0]], dtype=torch.float64)
    for name, matrix in [
        ("scale_tril", root),
        ("covariance_matrix", root @ root.T),
        ("precision_matrix", root @ root.T),
    ]:
        for batch in [(), (3, 1)]:
            parameter = matrix.expand((*batch, 2, 2)).clone().requires_grad_()
            loc = far.clone().requires_grad_()
            d = D.MultivariateNormal(loc, **{name: parameter})
            p = D.MultivariateNormal(torch.zeros(2, dtype=torch.float64), torch.eye(2, dtype=torch.float64))
            loss = d.log_prob(d.rsample((4,)) + far.flip(0)).sum() + d.entropy().sum() + D.kl_divergence(d, p).sum()
            loss = loss + D.kl_divergence(p, d).sum() + d.variance.sum()
            found += [d, d.mean, d.mode, d.variance, d.scale_tril, d.covariance_matrix, d.precision_matrix, d.support]
            found += [d.entropy(), d.sample((2,)), d.expand((4, 3, 2)).log_prob(far[0]), loss]
            found += torch.autograd.grad(loss, [loc, parameter])
    return found


def mixtures(torch):
    D, found = torch.distributions, []
    weights = torch.tensor([0.25, 0.75], dtype=torch.float64, requires_grad=True)
    means = torch.tensor([[-1.0, 2.0], [0.5, 1.0], [3.0, 0.0]], dtype=torch.float64, requires_grad=True)
    for d in [
        D.MixtureSameFamily(D.Categorical(weights), D.Independent(D.Normal(means.T, 0.5), 1)),
        D.MixtureSameFamily(D.Categorical(weights.expand(3, 2)), D.Normal(means, 0.5)),
        D.MixtureSameFamily(D.Categorical(weights), D.Normal(means[0], 1.0)).expand((3,)),
    ]:
        value = d.sample((2,))
        found += [d, d.batch_shape, d.event_shape, d.support, d.mean, d.variance, value, d.log_prob(value), d.sample()]
        found += torch.autograd.grad(d.log_prob(value).sum() + d.mean.sum() + d.variance.sum(), [weights, means])
    found += [d.cdf(value), d.mixture_distribution, d.component_distribution]
    of_some = D.MixtureSameFamily(D.Categorical(weights.expand(3, 2)), D.Normal(means.expand(2, 3, 2), 0.5))
    return (*found, of_some.mean, of_some.variance)


def no_vectors(torch):
    D, none = torch.distributions, torch.ones(0, 2)
    d = D.LowRankMultivariateNormal(none, torch.ones(2, 1), none, validate_args=False)
    p = D.LowRankMultivariateNormal(torch.ones(1, 2), torch.ones(1, 2, 1), torch.ones(1, 2))
    return d.sample((3,)), D.kl_divergence(d, p), d.entropy()


def covariances_of_few_dimensions(torch):
    D, found = torch.distributions, []
    factor = torch.tensor([[1.0, 0.5], [-0.5, 2.0], [0.25, 1.0]], dtype=torch.float64, requires_grad=True)
    diagonal = torch.tensor([[0.5, 1.0, 2.0], [1.0, 0.25, 1.0]], dtype=torch.float64, requires_grad=True)
    loc = torch.tensor([1.0, -1.0, 0.25], dtype=torch.float64, requires_grad=True)
    for d in [
        D.LowRankMultivariateNormal(loc, factor, diagonal[0]),
        D.LowRankMultivariateNormal(loc, factor.expand(2, 3, 2), diagonal),
    ]:
        whole = D.MultivariateNormal(torch.zeros(3, dtype=torch.float64), torch.eye(3, dtype=torch.float64) * 2)
        other = D.LowRankMultivariateNormal(loc.detach() + 1, factor.detach() / 2, diagonal[1].detach())
        pairs = [(d, whole), (whole, d), (d, other), (other, d)]
        loss = (
            sum(D.kl_divergence(p, q).sum() for p, q in pairs) + d.log_prob(d.rsample((4,))).sum() + d.entropy().sum()
        )
        found += [d, d.mean, d.mode, d.variance, d.scale_tril, d.covariance_matrix, d.precision_matrix, d.support, loss]
        found += [d.entropy(), d.sample((2,)), d.expand((4, 2)).log_prob(loc), d.expand((4, 2)).rsample(), d.stddev]
        found += torch.autograd.grad(loss, [loc, factor, diagonal])
    return found


def random_matrices(torch):
    D, found = torch.distributions, []
    root = torch.tensor([[1.0, 0.0], [0.5, 2.0]], dtype=torch.float64)
    for name, matrix in {
        "scale_tril": root,
        "covariance_matrix": root @ root.T,
        "precision_matrix": root @ root.T,
    }.items():
        for df in (3.5, torch.tensor([2.5, 4.0], dtype=torch.float64)):
            parameter = matrix.clone().requires_grad_()
            d = D.Wishart(df, **{name: parameter})
            value = d.sample((3,))
            loss = (
                d.rsample().exp().mean()
                + d.log_prob(value).sum()
                + d.entropy().sum()
                + D.kl_divergence(d, D.Wishart(4.0, scale_tril=root)).sum()
            )
            found += [d, d.mean, d.mode, d.variance, d.scale_tril, d.covariance_matrix, d.precision_matrix, d.support]
            found += [value, d.log_prob(value), d.entropy(), d.expand((2, 2)).mean, d.expand((2, 2)).sample(), loss]
            (slope,) = torch.autograd.grad(loss, [parameter])
            found.append(slope.tril())  # above a factor's diagonal torch's cholesky_solve has slopes of what it ignores
    return found


def random_correlations(torch):
    D, found = torch.distributions, []
    for d in [D.LKJCholesky(3), D.LKJCholesky(2, torch.tensor([0.5, 2.0])), D.LKJCholesky(4, 1.5).expand((2,))]:
        value = d.sample((5,))
        found += [d, d.batch_shape, d.event_shape, value, d.log_prob(value), d.sample(), d.support.check(value)]
    return found


def mode_and_moments_at_the_edge(torch):
    D = torch.distributions
    few = torch.tensor([0.5, 1.0, 1.5, 2.0, 2.5, 4.0, 5.0])
    kinds = [
        D.StudentT(few),
        D.FisherSnedecor(few, few),
        D.InverseGamma(few, 1.0),
        D.Pareto(1.0, few),
        D.Weibull(1.0, few),
    ]
    kinds += [D.Beta(few, 1.0), D.Beta(0.5, few), D.Kumaraswamy(few, few), D.GeneralizedPareto(0.0, 1.0, few / 4)]
    kinds += [D.Gamma(few, 1.0), D.Dirichlet(few[:2] / 2), D.Dirichlet(few[:6].view(3, 2) - 0.4), D.Gumbel(0.0, few)]
    return [(d.mean, d.mode, d.variance) for d in kinds]


def no_second_derivative(torch):
    D, refused = torch.distributions, []
    a = torch.tensor([2.0, 3.0], requires_grad=True)
    for d in [D.Gamma(a, 1.0), D.Beta(a, 1.0)]:
        (slope,) = torch.autograd.grad((d.rsample() ** 2).sum(), a, create_graph=True)
        try:
            torch.autograd.grad(slope.sum(), a)
        except (NotImplementedError, RuntimeError) as error:
            refused.append(type(error) if isinstance(d, D.Gamma) else RuntimeError)
    return refused


def a_policy_of_actions_between_bounds(torch):
    """PPO with a Beta policy: the clipped ratio of probabilities, of actions in [-2, 2]."""
    nn = torch.nn
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 16), nn.Tanh(), nn.Linear(16, 4), nn.Softplus())
    optimizer, lines = torch.optim.Adam(net.parameters(), lr=3e-3), []

    def policy(state):
        alpha, beta = (net(state) + 1.0).chunk(2, dim=-1)
        return torch.distributions.Independent(torch.distributions.Beta(alpha, beta), 1)

    state, goal = torch.randn(32, 3), torch.tensor([0.5, -1.0])
    for iteration in range(3):
        with torch.no_grad():
            action = policy(state).sample()
            old_log_prob = policy(state).log_prob(action)
        reward = -((4 * action - 2 - goal) ** 2).sum(-1)
        advantage = (reward - reward.mean()) / (reward.std() + 1e-8)
        for _ in range(4):
            now = policy(state)
            ratio = (now.log_prob(action) - old_log_prob).exp()
            clipped = torch.clamp(ratio, 0.8, 1.2) * advantage
            loss = -torch.min(ratio * advantage, clipped).mean() - 0.01 * now.entropy().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        lines.append(f"iteration {iteration}: reward {reward.mean().item():.4f}, loss {loss.item():.4f}")
    return lines, policy(state[:1]).mean


def coins(torch):
    """Thompson sampling: of three coins, that whose drawn chance is the largest is thrown; then a batch for its mean."""
    torch.manual_seed(1)
    chances, wins, losses = torch.tensor([0.3, 0.5, 0.7]), torch.ones(3), torch.ones(3)
    for _ in range(60):
        arm = torch.distributions.Beta(wins, losses).sample().argmax()
        success = torch.bernoulli(chances[arm])
        wins[arm] += success
        losses[arm] += 1 - success
    posterior = torch.distributions.Beta(wins, losses)
    prior = torch.distributions.Beta(torch.ones(3), torch.ones(3))
    return f"{wins.tolist()} {posterior.mean}", posterior, torch.distributions.kl_divergence(posterior, prior)


def a_mixture_by_variational_inference(torch):
    """Dirichlet weights, fitted by the gradient of samples, as are the means."""
    D, logs = torch.distributions, torch.zeros(2, requires_grad=True)
    torch.manual_seed(2)
    means = torch.tensor([-0.5, 0.5], requires_grad=True)
    data = torch.cat([torch.randn(30) - 2, torch.randn(10) + 2])
    optimizer = torch.optim.SGD([logs, means], lr=0.01)
    for _ in range(15):
        posterior = D.Dirichlet(logs.exp() * 4)
        mixture = D.MixtureSameFamily(D.Categorical(posterior.rsample()), D.Normal(means, 1.0))
        loss = D.kl_divergence(posterior, D.Dirichlet(torch.ones(2))) - mixture.log_prob(data).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return f"{loss:.3f}", logs, means, posterior.mean


def categories_with_a_gradient(torch):
    """A VAE's two ways to draw categories: Gumbel-softmax, and straight through."""
    D, logits = torch.distributions, torch.randn(4, 3, requires_grad=True)
    soft = D.RelaxedOneHotCategorical(torch.tensor(0.5), logits=logits).rsample()
    hard = D.OneHotCategoricalStraightThrough(logits=logits).rsample()
    weights = torch.arange(12.0).view(4, 3)
    return soft, hard, torch.autograd.grad(((soft + hard) * weights).sum(), logits)


PROGRAMS = [normal_vectors, no_vectors, mixtures, covariances_of_few_dimensions, random_matrices, random_correlations]
PROGRAMS += [mode_and_moments_at_the_edge, no_second_derivative, a_policy_of_actions_between_bounds, coins]
PROGRAMS += [a_mixture_by_variational_inference, categories_with_a_gradient]


@pytest.mark.filterwarnings("ignore:Singular sample", "ignore:Low df")
@pytest.mark.parametrize("function", PROGRAMS, ids=lambda function: function.__name__)
def test_programs_come_to_the_same(function):
    assert_same(function)
    function(minigrad)  # an error of both would be the same, too
