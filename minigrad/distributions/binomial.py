"""The binomial distribution."""

from __future__ import annotations

from collections.abc import Sequence

import minigrad as torch

from . import constraints
from .constraints import Constraint
from .of_probability import OfProbability
from .utils import broadcast_all

INTERNAL = True
Tensor = torch.Tensor


class Binomial(OfProbability):
    """Binomial distributions: how many of `total_count` trials succeed, each with probability `probs`.

    logits  the log odds of a success, instead; all may be tensors that broadcast
    Raises ValueError unless one of the two is given.
    Source: https://docs.pytorch.org/docs/stable/distributions.html#binomial
    """

    arg_constraints = {
        "total_count": constraints.nonnegative_integer,
        "probs": constraints.unit_interval,
        "logits": constraints.real,
    }
    has_enumerate_support = True

    def __init__(
        self,
        total_count: Tensor | int = 1,
        probs: Tensor | None = None,
        logits: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        self._check_one_given(probs, logits)
        total_count, self.__dict__[self._given] = broadcast_all(total_count, logits if probs is None else probs)
        self.total_count = total_count.type_as(self._param)
        super().__init__(self._param.size(), validate_args=validate_args)

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self) -> Constraint:
        return constraints.integer_interval(0, self.total_count)

    @property
    def mean(self) -> Tensor:
        return self.total_count * self.probs

    @property
    def mode(self) -> Tensor:
        return ((self.total_count + 1) * self.probs).floor().clamp(max=self.total_count)

    @property
    def variance(self) -> Tensor:
        return self.total_count * self.probs * (1 - self.probs)

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        with torch.no_grad():
            return torch.binomial(self.total_count.expand(shape), self.probs.expand(shape))

    def log_prob(self, value: Tensor) -> Tensor:
        n, k, logits = self.total_count, self._checked(value), self.logits
        log_n, log_k, log_rest = torch.lgamma(n + 1), torch.lgamma(k + 1), torch.lgamma(n - k + 1)
        # k log(p) + (n - k) log(1 - p) is k logit - n log(1 + exp(logit)); so written, nothing overflows:
        positive_part = (logits.clamp(min=0) + logits - logits.clamp(max=0)) / 2  # with gradient 1/2 at 0
        normalizer = n * positive_part + n * torch.log1p(torch.exp(-torch.abs(logits))) - log_n
        return k * logits - log_k - log_rest - normalizer

    def entropy(self) -> Tensor:
        self._same_count("entropy")
        log_prob = self.log_prob(self.enumerate_support(False))
        return -(torch.exp(log_prob) * log_prob).sum(0)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        return self._values(1 + self._same_count("enumerate_support"), self._param.dtype, expand)

    def _same_count(self, name: str) -> int:
        count = int(self.total_count.max())
        if self.total_count.min() != count:
            raise NotImplementedError(f"Inhomogeneous total count not supported by `{name}`.")
        return count
