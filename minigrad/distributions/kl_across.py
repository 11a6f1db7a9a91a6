"""Divergences of one kind of distributions from another.

Most are the mean under p of -log(q), less p's entropy.
Source: https://docs.pytorch.org/docs/stable/distributions.html#module-torch.distributions.kl
"""

from __future__ import annotations

import math

import minigrad as torch

from .. import linalg
from .bernoulli import Bernoulli
from .beta import Beta
from .binomial import Binomial
from .continuous_bernoulli import ContinuousBernoulli
from .distribution import Distribution
from .exponential import Exponential
from .gamma import Gamma
from .gumbel import Gumbel
from .kl import REGISTERED, masked, register_kl, same_events
from .laplace import Laplace
from .lowrank_multivariate_normal import LowRankMultivariateNormal
from .multivariate_normal import MultivariateNormal, log_diagonal, mahalanobis
from .normal import Normal
from .pareto import Pareto
from .poisson import Poisson
from .uniform import Uniform
from .utils import euler_constant

INTERNAL = True
Tensor = torch.Tensor

_TO_1, _POSITIVE = (Beta, ContinuousBernoulli), (Exponential, Gamma)
_INFINITE = {  # by what is drawn, those that do not allow all of it
    Beta: (Pareto,),
    ContinuousBernoulli: (Pareto,),
    Exponential: (*_TO_1, Pareto, Uniform),
    Gamma: (*_TO_1, Pareto, Uniform),
    Gumbel: (*_TO_1, *_POSITIVE, Pareto, Uniform),
    Laplace: (*_TO_1, *_POSITIVE, Pareto, Uniform),
    Normal: (*_TO_1, *_POSITIVE, Pareto, Uniform),
    Pareto: (*_TO_1, Uniform),
    Poisson: (Bernoulli, Binomial),
}


def _infinite(p: Distribution, q: Distribution) -> Tensor:
    return torch.full_like(p.mean, torch.inf)


REGISTERED.update({(p, q): _infinite for p, others in _INFINITE.items() for q in others})
REGISTERED.update(
    {
        (Bernoulli, Poisson): lambda p, q: -p.entropy() - (p.probs * q.rate.log() - q.rate),
        (Beta, ContinuousBernoulli): lambda p, q: (
            -p.entropy() - p.mean * q.logits - torch.log1p(-q.probs) - q._log_constant()
        ),
        (Beta, Exponential): lambda p, q: -p.entropy() - q.rate.log() + q.rate * p.mean,
        (Beta, Uniform): lambda p, q: masked(_wide(p, q), (q.low > 0) | (q.high < 1), torch.inf),
        (ContinuousBernoulli, Exponential): lambda p, q: -p.entropy() - torch.log(q.rate) + q.rate * p.mean,
        # Infinite also where q allows just what p does, which is torch's answer.
        (ContinuousBernoulli, Uniform): lambda p, q: masked(_wide(p, q), (q.low >= 0) | (q.high <= 1), torch.inf),
        (Gamma, Exponential): lambda p, q: -p.entropy() - q.rate.log() + q.rate * p.concentration / p.rate,
    }
)


def _wide(p: Distribution, q: Uniform) -> Tensor:
    """From uniform numbers over all that p allows."""
    return -p.entropy() + (q.high - q.low).log()


# From Beta


@register_kl(Beta, Gamma)
def _of_beta_from_gamma(p: Beta, q: Gamma) -> Tensor:
    mean_log = p.concentration1.digamma() - (p.concentration1 + p.concentration0).digamma()
    return -p.entropy() + _log_normalizer(q) - (q.concentration - 1) * mean_log + q.rate * p.mean


@register_kl(Beta, Normal)
def _of_beta_from_normal(p: Beta, q: Normal) -> Tensor:
    squares = (p.variance + p.mean.pow(2)) * 0.5 - q.loc * p.mean + q.loc.pow(2) * 0.5
    return -p.entropy() + 0.5 * (q.variance * 2 * math.pi).log() + squares / q.variance


# From ContinuousBernoulli


@register_kl(ContinuousBernoulli, Normal)
def _of_continuous_bernoulli_from_normal(p: ContinuousBernoulli, q: Normal) -> Tensor:
    constant = 0.5 * (math.log(2.0 * math.pi) + torch.square(q.loc / q.scale)) + torch.log(q.scale)
    squares = p.variance + torch.square(p.mean) - 2.0 * q.loc * p.mean
    return -p.entropy() + constant + squares / (2.0 * torch.square(q.scale))


# From Exponential and Gamma


@register_kl(Exponential, Gamma)
def _of_exponential_from_gamma(p: Exponential, q: Gamma) -> Tensor:
    ratio, of_gamma = q.rate / p.rate, q.concentration.lgamma() + q.concentration * euler_constant
    return -q.concentration * torch.log(ratio) + ratio + of_gamma - (1 + euler_constant)


@register_kl(Exponential, Gumbel)
def _of_exponential_from_gumbel(p: Exponential, q: Gumbel) -> Tensor:
    scale, loc = p.rate * q.scale, q.loc / q.scale
    return scale.log() - 1 - loc + torch.exp(loc) * scale / (scale + 1) + scale.reciprocal()


@register_kl(Exponential, Normal)
def _of_exponential_from_normal(p: Exponential, q: Normal) -> Tensor:
    rate_squared = p.rate.pow(2)
    squares = rate_squared.reciprocal() - q.loc / p.rate + q.loc.pow(2) * 0.5
    return 0.5 * torch.log(rate_squared * q.variance * 2 * math.pi) - 1 + squares / q.variance


@register_kl(Gamma, Gumbel)
def _of_gamma_from_gumbel(p: Gamma, q: Gumbel) -> Tensor:
    a, scale, loc = p.concentration, p.rate * q.scale, q.loc / q.scale
    of_p = (a - 1) * a.digamma() - a.lgamma() - a
    return of_p + scale.log() + a / scale + torch.exp(loc) * (1 + scale.reciprocal()).pow(-a) - loc


@register_kl(Gamma, Normal)
def _of_gamma_from_normal(p: Gamma, q: Normal) -> Tensor:
    a, rate_squared = p.concentration, p.rate.pow(2)
    of_p = 0.5 * torch.log(rate_squared * q.variance * 2 * math.pi) - a - a.lgamma() + (a - 1) * a.digamma()
    squares = 0.5 * (a.pow(2) + a) / rate_squared - q.loc * a / p.rate + 0.5 * q.loc.pow(2)
    return of_p + squares / q.variance


def _log_normalizer(q: Gamma) -> Tensor:
    return q.concentration.lgamma() - q.concentration * q.rate.log()


# From Gumbel, Laplace and Normal


@register_kl(Gumbel, Normal)
def _of_gumbel_from_normal(p: Gumbel, q: Normal) -> Tensor:
    ratio = p.scale / q.scale
    squares = (math.pi * ratio * 0.5).pow(2) / 3 + ((p.mean - q.loc) / q.scale).pow(2) * 0.5
    return -(ratio / math.sqrt(2 * math.pi)).log() + squares - (euler_constant + 1)


@register_kl(Laplace, Normal)
def _of_laplace_from_normal(p: Laplace, q: Normal) -> Tensor:
    ratio = p.scale.pow(2) / q.variance
    squares = 0.5 * p.loc.pow(2) - p.loc * q.loc + 0.5 * q.loc.pow(2)
    return -0.5 * torch.log(2 * ratio / math.pi) + ratio + squares / q.variance - 1


@register_kl(Normal, Gumbel)
def _of_normal_from_gumbel(p: Normal, q: Gumbel) -> Tensor:
    apart, ratio = p.loc / q.scale - q.loc / q.scale, (p.scale / q.scale).pow(2)
    tail = torch.exp(-apart + 0.5 * ratio)
    return -(ratio.log() * 0.5) + apart + tail - 0.5 * (1 + math.log(2 * math.pi))


@register_kl(Normal, Laplace)
def _of_normal_from_laplace(p: Normal, q: Laplace) -> Tensor:
    apart = p.loc - q.loc
    standard = apart / p.scale
    near = math.sqrt(2 / math.pi) * p.scale * torch.exp(-0.5 * standard.pow(2))
    distance = near + apart * torch.erf(math.sqrt(0.5) * standard)
    return -torch.log(p.scale / q.scale) + distance / q.scale - 0.5 * (1 + math.log(0.5 * math.pi))


# From Pareto


@register_kl(Pareto, Exponential)
def _of_pareto_from_exponential(p: Pareto, q: Exponential) -> Tensor:
    scale = p.scale * q.rate
    found = (p.alpha / scale).log() - p.alpha.reciprocal() + p.alpha * scale / (p.alpha - 1) - 1
    return masked(found, p.alpha <= 1, torch.inf)


@register_kl(Pareto, Gamma)
def _of_pareto_from_gamma(p: Pareto, q: Gamma) -> Tensor:
    mean_log = p.scale.log() + p.alpha.reciprocal()
    of_mean = q.rate * p.alpha * p.scale / (p.alpha - 1)
    found = p.alpha.log() - mean_log + _log_normalizer(q) + (1 - q.concentration) * mean_log + of_mean - 1
    return masked(found, p.alpha <= 1, torch.inf)


@register_kl(Pareto, Normal)
def _of_pareto_from_normal(p: Pareto, q: Normal) -> Tensor:
    part = p.scale / (p.alpha - 1)
    squares = p.alpha * part.pow(2) / (p.alpha - 2) + (p.alpha * part - q.loc).pow(2)
    log = (math.sqrt(2 * math.pi) * q.scale * p.alpha / p.scale).log()
    return masked(log - p.alpha.reciprocal() + squares / (2 * q.variance) - 1, p.alpha <= 2, torch.inf)


# From Uniform


@register_kl(Uniform, Beta)
def _of_uniform_from_beta(p: Uniform, q: Beta) -> Tensor:
    width = p.high - p.low
    of_1 = (q.concentration1 - 1) * _mean_log(p.low, p.high)
    of_0 = (q.concentration0 - 1) * _mean_log(1 - p.high, 1 - p.low)
    log_beta = q._log_normalizer(q.concentration1, q.concentration0)
    return masked(log_beta - torch.log(width) - of_1 - of_0, (p.high > 1) | (p.low < 0), torch.inf)


@register_kl(Uniform, ContinuousBernoulli)
def _of_uniform_from_continuous_bernoulli(p: Uniform, q: ContinuousBernoulli) -> Tensor:
    """Infinite also where q allows just what p does, which is torch's answer."""
    found = -p.entropy() - p.mean * q.logits - torch.log1p(-q.probs) - q._log_constant()
    return masked(found, (p.high >= 1) | (p.low <= 0), torch.inf)


@register_kl(Uniform, Exponential)
def _of_uniform_from_exponential(p: Uniform, q: Exponential) -> Tensor:
    found = q.rate * (p.high + p.low) / 2 - ((p.high - p.low) * q.rate).log()
    return masked(found, p.low < 0, torch.inf)


@register_kl(Uniform, Gamma)
def _of_uniform_from_gamma(p: Uniform, q: Gamma) -> Tensor:
    powers = (1 - q.concentration) * _mean_log(p.low, p.high) + q.rate * (p.high + p.low) / 2
    return masked(-(p.high - p.low).log() + _log_normalizer(q) + powers, p.low < 0, torch.inf)


@register_kl(Uniform, Gumbel)
def _of_uniform_from_gumbel(p: Uniform, q: Gumbel) -> Tensor:
    scale, high, low = q.scale / (p.high - p.low), (p.high - q.loc) / q.scale, (p.low - q.loc) / q.scale
    return scale.log() + 0.5 * (high + low) - scale * (torch.exp(-high) - torch.exp(-low))


@register_kl(Uniform, Normal)
def _of_uniform_from_normal(p: Uniform, q: Normal) -> Tensor:
    width = p.high - p.low
    squares = width.pow(2) / 12 + ((p.high + p.low - 2 * q.loc) / 2).pow(2)
    return (math.sqrt(math.pi * 2) * q.scale / width).log() + 0.5 * squares / q.scale.pow(2)


@register_kl(Uniform, Pareto)
def _of_uniform_from_pareto(p: Uniform, q: Pareto) -> Tensor:
    log = (q.alpha * q.scale.pow(q.alpha) * (p.high - p.low)).log()
    return masked(_mean_log(p.low, p.high) * (q.alpha + 1) - log, p.low < q.scale, torch.inf)


def _mean_log(low: Tensor, high: Tensor) -> Tensor:
    """The mean logarithm of uniform numbers."""
    width = high - low
    return (torch.xlogy(high, high) - torch.xlogy(low, low) - width) / width


# Normal vectors, with covariances of few dimensions, or without


@register_kl(MultivariateNormal, LowRankMultivariateNormal)
def _of_vectors_from_low_rank(p: MultivariateNormal, q: LowRankMultivariateNormal) -> Tensor:
    same_events(p, q, "two (Low Rank) Multivariate Normals")
    trace = _squares(p._factor * q._own_diag.rsqrt().unsqueeze(-1)) - _squares(q._solved_factor() @ p._factor)
    logs = q._log_determinant() - 2 * log_diagonal(p._factor)
    return 0.5 * (logs + trace + q._mahalanobis(q.loc - p.loc) - p.event_shape[0])


@register_kl(LowRankMultivariateNormal, MultivariateNormal)
def _of_low_rank_from_vectors(p: LowRankMultivariateNormal, q: MultivariateNormal) -> Tensor:
    same_events(p, q, "two (Low Rank) Multivariate Normals")
    parts = p._own_factor, torch.diag_embed(p._own_diag.sqrt())
    spreads = [linalg.solve_triangular(q._factor, part, upper=False) for part in parts]
    logs = 2 * log_diagonal(q._factor) - p._log_determinant()
    trace = _squares(spreads[0]) + _squares(spreads[1])
    return 0.5 * (logs + trace + mahalanobis(q._factor, q.loc - p.loc) - p.event_shape[0])


@register_kl(LowRankMultivariateNormal, LowRankMultivariateNormal)
def _of_low_rank(p: LowRankMultivariateNormal, q: LowRankMultivariateNormal) -> Tensor:
    same_events(p, q, "two Low Rank Multivariate Normals")
    part = q._solved_factor()
    of_diagonal = (p._own_diag / q._own_diag).sum(-1) + _squares(p._own_factor * q._own_diag.rsqrt().unsqueeze(-1))
    of_factor = _squares(part * p._own_diag.sqrt().unsqueeze(-2)) + _squares(part @ p._own_factor)
    logs = q._log_determinant() - p._log_determinant()
    return 0.5 * (logs + of_diagonal - of_factor + q._mahalanobis(q.loc - p.loc) - p.event_shape[0])


def _squares(matrix: Tensor) -> Tensor:
    """The trace of the matrix times its transpose."""
    return matrix.pow(2).flatten(-2).sum(-1)
