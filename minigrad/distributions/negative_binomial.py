"""The negative binomial distribution."""

from __future__ import annotations

from collections.abc import Sequence

import minigrad as torch

from ..nn import functional as F
from . import constraints
from .gamma import Gamma
from .of_probability import OfProbability
from .utils import broadcast_all

INTERNAL = True
Tensor = torch.Tensor


class NegativeBinomial(OfProbability):
    """Negative binomial distributions: how many trials succeed, each with probability `probs`, until some have failed.

    total_count  how many must fail; it need not be whole
    logits       the log odds of a success, instead of `probs`; all may be tensors that broadcast
    Raises ValueError unless one of the two is given.
    Source: https://docs.pytorch.org/docs/stable/distributions.html#negativebinomial
    """

    arg_constraints = {
        "total_count": constraints.greater_than_eq(0),
        "probs": constraints.half_open_interval(0.0, 1.0),
        "logits": constraints.real,
    }
    support = constraints.nonnegative_integer

    def __init__(
        self,
        total_count: Tensor | float,
        probs: Tensor | None = None,
        logits: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        self._check_one_given(probs, logits)
        total_count, self.__dict__[self._given] = broadcast_all(total_count, logits if probs is None else probs)
        self.total_count = total_count.type_as(self._param)
        super().__init__(self._param.size(), validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.total_count * torch.exp(self.logits)

    @property
    def mode(self) -> Tensor:
        return ((self.total_count - 1) * self.logits.exp()).floor().clamp(min=0.0)

    @property
    def variance(self) -> Tensor:
        return self.mean / torch.sigmoid(-self.logits)

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        with torch.no_grad():
            rates = Gamma(self.total_count, torch.exp(-self.logits), validate_args=False)  # a count of 0 is allowed
            return torch.poisson(rates.sample(sample_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        n, k = self.total_count, self._checked(value)
        powers = n * F.logsigmoid(-self.logits) + k * F.logsigmoid(self.logits)
        log_ways = -torch.lgamma(n + k) + torch.lgamma(1.0 + k) + torch.lgamma(n)
        return powers - log_ways.masked_fill(n + k == 0.0, 0.0)
