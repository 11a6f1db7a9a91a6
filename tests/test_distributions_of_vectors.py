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


@pytest.mark.parametrize("function", [normal_vectors, mixtures], ids=lambda function: function.__name__)
def test_programs_come_to_the_same(function):
    assert_same(function)
    function(minigrad)  # an error of both would be the same, too
