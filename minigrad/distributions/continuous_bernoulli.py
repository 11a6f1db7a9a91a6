"""The continuous Bernoulli distribution."""

from __future__ import annotations

import math
from collections.abc import Sequence

import minigrad as torch

from ..nn import functional as F
from . import constraints
from .exp_family import ExponentialFamily
from .of_probability import OfProbability
from .utils import batch_shape_of, broadcast_all, clamp_probs, lazy_property, logits_to_probs

INTERNAL = True
Tensor = torch.Tensor


class ContinuousBernoulli(OfProbability, ExponentialFamily):
    """Distributions of numbers in [0, 1] whose logarithmic densities are those of `Bernoulli`, normalized.

    lims  between which `probs` are so near to 0.5 that formulas are replaced with series
    Raises ValueError unless one of `probs` and `logits` is given.
    Source: https://docs.pytorch.org/docs/stable/distributions.html#continuousbernoulli; G. Loaiza-Ganem and
    J. P. Cunningham, "The continuous Bernoulli", 2019
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.unit_interval
    has_rsample = True
    _mean_carrier_measure = 0

    def __init__(
        self,
        probs: Tensor | float | None = None,
        logits: Tensor | float | None = None,
        lims: tuple[float, float] = (0.499, 0.501),
        validate_args: bool | None = None,
    ) -> None:
        self._check_one_given(probs, logits)
        (parameter,) = broadcast_all(logits if probs is None else probs)
        if probs is not None:
            if validate_args is not None and not constraints.unit_interval.check(parameter).all():
                raise ValueError("The parameter probs has invalid values")
            parameter = clamp_probs(parameter)
        self.__dict__[self._given], self._lims = parameter, lims
        super().__init__(batch_shape_of(parameter, probs, logits), validate_args=validate_args)

    @lazy_property
    def probs(self) -> Tensor:
        """The probabilities of 1, were they `Bernoulli` distributions."""
        return clamp_probs(logits_to_probs(self.logits, is_binary=True))

    @property
    def mean(self) -> Tensor:
        probs, x = self._far_probs(), self.probs - 0.5
        formula = probs / (2.0 * probs - 1.0) + 1.0 / (torch.log1p(-probs) - torch.log(probs))
        return torch.where(self._is_far(), formula, 0.5 + (1.0 / 3.0 + 16.0 / 45.0 * torch.pow(x, 2)) * x)

    @property
    def variance(self) -> Tensor:
        probs, x = self._far_probs(), torch.pow(self.probs - 0.5, 2)
        log_odds = torch.log1p(-probs) - torch.log(probs)
        formula = probs * (probs - 1.0) / torch.pow(1.0 - 2.0 * probs, 2) + 1.0 / torch.pow(log_odds, 2)
        return torch.where(self._is_far(), formula, 1.0 / 12.0 - (1.0 / 15.0 - 128.0 / 945.0 * x) * x)

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        return self.icdf(torch.rand(self._extended_shape(sample_shape), dtype=self.probs.dtype))

    def log_prob(self, value: Tensor) -> Tensor:
        value = self._checked(value)
        logits, value = broadcast_all(self.logits, value)
        return -F.binary_cross_entropy_with_logits(logits, value, reduction="none") + self._log_constant()

    def cdf(self, value: Tensor) -> Tensor:
        probs, value = self._far_probs(), self._checked(value)
        formula = (torch.pow(probs, value) * torch.pow(1.0 - probs, 1.0 - value) + probs - 1.0) / (2.0 * probs - 1.0)
        inside = torch.where(self._is_far(), formula, value)
        below_1 = torch.where(torch.ge(value, 1.0), torch.ones_like(value), inside)
        return torch.where(torch.le(value, 0.0), torch.zeros_like(value), below_1)

    def icdf(self, value: Tensor) -> Tensor:
        probs = self._far_probs()
        over = torch.log1p(-probs + value * (2.0 * probs - 1.0)) - torch.log1p(-probs)
        return torch.where(self._is_far(), over / (torch.log(probs) - torch.log1p(-probs)), value)

    def entropy(self) -> Tensor:
        log_0, log_1 = torch.log1p(-self.probs), torch.log(self.probs)
        return self.mean * (log_0 - log_1) - self._log_constant() - log_0

    def _is_far(self) -> Tensor:
        """Where `probs` are so far from 0.5 that formulas hold in floating point."""
        return torch.le(self.probs, self._lims[0]) | torch.gt(self.probs, self._lims[1])

    def _far_probs(self) -> Tensor:
        """`probs`, with another one in place of those that are too near to 0.5, so that no gradient is NaN."""
        return torch.where(self._is_far(), self.probs, self._lims[0] * torch.ones_like(self.probs))

    def _log_constant(self) -> Tensor:
        """The logarithm of what normalizes the density."""
        probs, x = self._far_probs(), torch.pow(self.probs - 0.5, 2)
        below = torch.where(torch.le(probs, 0.5), probs, torch.zeros_like(probs))
        above = torch.where(torch.ge(probs, 0.5), probs, torch.ones_like(probs))
        log_distance = torch.where(torch.le(probs, 0.5), torch.log1p(-2.0 * below), torch.log(2.0 * above - 1.0))
        formula = torch.log(torch.abs(torch.log1p(-probs) - torch.log(probs))) - log_distance
        return torch.where(self._is_far(), formula, math.log(2.0) + (4.0 / 3.0 + 104.0 / 45.0 * x) * x)

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return (self.logits,)

    def _log_normalizer(self, x: Tensor) -> Tensor:
        far = torch.le(x, self._lims[0] - 0.5) | torch.gt(x, self._lims[1] - 0.5)
        safe = torch.where(far, x, (self._lims[0] - 0.5) * torch.ones_like(x))
        formula = torch.log(torch.abs(torch.expm1(safe))) - torch.log(torch.abs(safe))
        return torch.where(far, formula, 0.5 * x + torch.pow(x, 2) / 24.0 - torch.pow(x, 4) / 2880.0)
