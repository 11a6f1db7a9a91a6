"""kl_divergence: how far one distribution is from another.

Source: https://docs.pytorch.org/docs/stable/distributions.html#module-torch.distributions.kl
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import minigrad as torch

from .. import linalg
from ..nn import functional as F
from ..warning import warn
from .bernoulli import Bernoulli
from .beta import Beta
from .binomial import Binomial
from .categorical import Categorical
from .cauchy import Cauchy
from .continuous_bernoulli import ContinuousBernoulli
from .dirichlet import Dirichlet
from .distribution import Distribution
from .exp_family import ExponentialFamily
from .exponential import Exponential
from .gamma import Gamma
from .geometric import Geometric
from .gumbel import Gumbel
from .half_normal import HalfNormal
from .independent import Independent
from .laplace import Laplace
from .multivariate_normal import MultivariateNormal, log_diagonal, mahalanobis
from .normal import Normal
from .one_hot_categorical import OneHotCategorical
from .pareto import Pareto
from .poisson import Poisson
from .transformed_distribution import TransformedDistribution
from .uniform import Uniform
from .utils import euler_constant, sum_rightmost

INTERNAL = True
Tensor = torch.Tensor
Divergence = Callable[[Any, Any], Tensor]
D = TypeVar("D", bound=Divergence)

REGISTERED: dict[tuple[type, type], Divergence] = {}


def register_kl(type_p: type, type_q: type) -> Callable[[D], D]:
    """A decorator: the function below it computes `kl_divergence(p, q)` for these types and their subclasses.

    Raises TypeError for what is no type of distribution.
    """
    for name, given in (("type_p", type_p), ("type_q", type_q)):
        if not (isinstance(given, type) and issubclass(given, Distribution)):
            raise TypeError(f"Expected {name} to be a Distribution subclass but got {given}")

    def register(function: D) -> D:
        REGISTERED[type_p, type_q] = function
        return function

    return register


def kl_divergence(p: Distribution, q: Distribution) -> Tensor:
    """The Kullback-Leibler divergence KL(p || q), the mean under p of log(p / q), in nats; of shape batch_shape.

    Raises NotImplementedError for types that are not registered (`register_kl`).
    """
    return _function_for(type(p), type(q))(p, q)


def _function_for(type_p: type, type_q: type) -> Divergence:
    """What is registered for the types, or the nearest of their bases."""
    orders = type_p.__mro__.index, type_q.__mro__.index
    pairs = [(a, b) for a, b in REGISTERED if issubclass(type_p, a) and issubclass(type_q, b)]
    if not pairs:
        raise NotImplementedError(
            f"No KL(p || q) is implemented for p type {type_p.__name__} and q type {type_q.__name__}\n"
            "  Write a function of p and q, and put @register_kl(P, Q) above it."
        )
    nearest_p = min(pairs, key=lambda pair: (orders[0](pair[0]), orders[1](pair[1])))
    nearest_q = min(pairs, key=lambda pair: (orders[1](pair[1]), orders[0](pair[0])))
    if REGISTERED[nearest_p] is not REGISTERED[nearest_q]:
        warn(
            f"Ambiguous kl_divergence({type_p.__name__}, {type_q.__name__}). "
            f"Please register_kl({nearest_p[0].__name__}, {nearest_q[1].__name__})",
            RuntimeWarning,
        )
    return REGISTERED[nearest_p]


def masked(terms: Tensor, mask: Tensor, value: float) -> Tensor:
    """Terms, but `value` where the mask says so."""
    return torch.where(mask, value, terms)


def same_events(p: Distribution, q: Distribution, both: str) -> None:
    """Raise ValueError for distributions of vectors of different lengths."""
    if p.event_shape != q.event_shape:
        between = f"{both} with                          different event shapes"
        raise ValueError(f"KL-divergence between {between} cannot be computed")


@register_kl(Bernoulli, Bernoulli)
def _of_bernoulli(p: Bernoulli, q: Bernoulli) -> Tensor:
    ones = p.probs * (F.softplus(-q.logits) - F.softplus(-p.logits))
    ones = masked(ones, q.probs == 0, torch.inf)
    zeros = (1 - p.probs) * (F.softplus(q.logits) - F.softplus(p.logits))
    zeros = masked(zeros, q.probs == 1, torch.inf)
    return masked(ones, p.probs == 0, 0) + masked(zeros, p.probs == 1, 0)


@register_kl(Binomial, Binomial)
def _of_binomial(p: Binomial, q: Binomial) -> Tensor:
    if (p.total_count < q.total_count).any():
        raise NotImplementedError("KL between Binomials where q.total_count > p.total_count is not implemented")
    of_each = p.probs * (p.logits - q.logits) + (-p.probs).log1p() - (-q.probs).log1p()
    return masked(p.total_count * of_each, p.total_count > q.total_count, torch.inf)


@register_kl(Categorical, Categorical)
def _of_categorical(p: Categorical, q: Categorical) -> Tensor:
    terms = masked(p.probs * (p.logits - q.logits), q.probs == 0, torch.inf)
    return masked(terms, p.probs == 0, 0).sum(-1)


@register_kl(ContinuousBernoulli, ContinuousBernoulli)
def _of_continuous_bernoulli(p: ContinuousBernoulli, q: ContinuousBernoulli) -> Tensor:
    of_each = [d._log_constant() + torch.log1p(-d.probs) for d in (p, q)]
    return p.mean * (p.logits - q.logits) + of_each[0] - of_each[1]


@register_kl(Dirichlet, Dirichlet)
def _of_dirichlet(p: Dirichlet, q: Dirichlet) -> Tensor:
    a, b = p.concentration, q.concentration
    mean_log = a.digamma() - a.sum(-1).digamma().unsqueeze(-1)
    return q._log_normalizer(b) - p._log_normalizer(a) + ((a - b) * mean_log).sum(-1)


@register_kl(Exponential, Exponential)
def _of_exponential(p: Exponential, q: Exponential) -> Tensor:
    ratio = q.rate / p.rate
    return -ratio.log() + ratio - 1


@register_kl(ExponentialFamily, ExponentialFamily)
def _of_exponential_family(p: ExponentialFamily, q: ExponentialFamily) -> Tensor:
    """Bregman's divergence of the normalizers, for those of one class."""
    if type(p) is not type(q):
        raise NotImplementedError(
            "The cross KL-divergence between different exponential families cannot "
            "                            be computed using Bregman divergences"
        )
    natural, log_normalizer, slopes = p._expectations()
    found = q._log_normalizer(*q._natural_params) - log_normalizer
    for of_p, of_q, slope in zip(natural, q._natural_params, slopes, strict=True):
        found = found - sum_rightmost((of_q - of_p) * slope, len(q.event_shape))
    return found


@register_kl(Gamma, Gamma)
def _of_gamma(p: Gamma, q: Gamma) -> Tensor:
    a, b = p.concentration, q.concentration
    of_rates = b * (p.rate / q.rate).log() + (q.rate - p.rate) * (a / p.rate)
    return of_rates + torch.lgamma(b) - torch.lgamma(a) + (a - b) * torch.digamma(a)


@register_kl(Gumbel, Gumbel)
def _of_gumbel(p: Gumbel, q: Gumbel) -> Tensor:
    ratio, apart = p.scale / q.scale, q.loc / q.scale - p.loc / q.scale
    tail = torch.exp(apart + (1 + ratio).lgamma())
    return -ratio.log() - apart + ratio * euler_constant + tail - (1 + euler_constant)


@register_kl(Independent, Independent)
def _of_independent(p: Independent, q: Independent) -> Tensor:
    if p.reinterpreted_batch_ndims != q.reinterpreted_batch_ndims:
        raise NotImplementedError("Independents that take different numbers of dimensions have no divergence here.")
    return sum_rightmost(kl_divergence(p.base_dist, q.base_dist), p.reinterpreted_batch_ndims)


@register_kl(Laplace, Laplace)
def _of_laplace(p: Laplace, q: Laplace) -> Tensor:
    ratio, apart = p.scale / q.scale, (p.loc - q.loc).abs()
    return -ratio.log() + apart / q.scale + ratio * torch.exp(-apart / p.scale) - 1


@register_kl(MultivariateNormal, MultivariateNormal)
def _of_multivariate_normal(p: MultivariateNormal, q: MultivariateNormal) -> Tensor:
    same_events(p, q, "two Multivariate Normals")
    spread = linalg.solve_triangular(q._factor, p._factor, upper=False)
    squares = spread.pow(2).flatten(-2).sum(-1) + mahalanobis(q._factor, q.loc - p.loc)
    return log_diagonal(q._factor) - log_diagonal(p._factor) + 0.5 * (squares - p.event_shape[0])


@register_kl(Normal, Normal)
def _of_normal(p: Normal, q: Normal) -> Tensor:
    ratio = (p.scale / q.scale).pow(2)
    return 0.5 * (ratio + ((p.loc - q.loc) / q.scale).pow(2) - 1 - ratio.log())


@register_kl(Pareto, Pareto)
def _of_pareto(p: Pareto, q: Pareto) -> Tensor:
    ratio = q.alpha / p.alpha
    found = q.alpha * (p.scale / q.scale).log() - ratio.log() + ratio - 1
    return masked(found, p.scale < q.scale, torch.inf)


@register_kl(TransformedDistribution, TransformedDistribution)
def _of_transformed(p: TransformedDistribution, q: TransformedDistribution) -> Tensor:
    if p.transforms != q.transforms or p.event_shape != q.event_shape:
        raise NotImplementedError("Distributions with different transforms have no divergence here.")
    return kl_divergence(p.base_dist, q.base_dist)


@register_kl(Uniform, Uniform)
def _of_uniform(p: Uniform, q: Uniform) -> Tensor:
    outside = (q.low > p.low) | (q.high < p.high)
    return masked(((q.high - q.low) / (p.high - p.low)).log(), outside, torch.inf)


REGISTERED |= {
    (Beta, Beta): lambda p, q: _of_dirichlet(p._dirichlet, q._dirichlet),
    # F. Chyzak and F. Nielsen, "A closed-form formula for the Kullback-Leibler divergence between Cauchy
    # distributions", 2019.
    (Cauchy, Cauchy): lambda p, q: (
        ((p.scale + q.scale).pow(2) + (p.loc - q.loc).pow(2)).log() - (4 * p.scale * q.scale).log()
    ),
    (Geometric, Geometric): lambda p, q: -p.entropy() - torch.log1p(-q.probs) / p.probs - q.logits,
    (HalfNormal, HalfNormal): lambda p, q: _of_normal(p.base_dist, q.base_dist),
    (OneHotCategorical, OneHotCategorical): lambda p, q: _of_categorical(p._categorical, q._categorical),
    (Poisson, Poisson): lambda p, q: p.rate * (p.rate.log() - q.rate.log()) - (p.rate - q.rate),
}
