"""The half-Cauchy distribution."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import minigrad as torch

from . import constraints
from .cauchy import Cauchy
from .transformed_distribution import TransformedDistribution
from .transforms import AbsTransform

INTERNAL = True
Tensor = torch.Tensor


class HalfCauchy(TransformedDistribution):
    """Distributions of the distances of Cauchy's numbers from 0, half of which are up to `scale`.

    Source: https://docs.pytorch.org/docs/stable/distributions.html#halfcauchy
    """

    arg_constraints = {"scale": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True

    def __init__(self, scale: Tensor | float, validate_args: bool | None = None) -> None:
        super().__init__(Cauchy(0, scale, validate_args=False), AbsTransform(), validate_args=validate_args)

    @property
    def scale(self) -> Tensor:
        """The scale of both halves."""
        scale: Tensor = self.base_dist.scale
        return scale

    @property
    def mean(self) -> Tensor:
        """Infinite."""
        return torch.full(self._extended_shape(), torch.inf, dtype=self.scale.dtype)

    @property
    def mode(self) -> Tensor:
        return torch.zeros_like(self.scale)

    @property
    def variance(self) -> Tensor:
        variance: Tensor = self.base_dist.variance
        return variance

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> Any:
        return super().expand(batch_shape, _instance=self._get_checked_instance(HalfCauchy, _instance))

    def log_prob(self, value: Tensor) -> Tensor:
        value = torch.as_tensor(self._checked(value), dtype=self.scale.dtype)
        of_half = self.base_dist.log_prob(value) + math.log(2)
        return torch.where(value >= 0, of_half, -torch.inf)

    def cdf(self, value: Tensor) -> Tensor:
        below: Tensor = self.base_dist.cdf(self._checked(value))
        return 2 * below - 1

    def icdf(self, value: Tensor) -> Tensor:
        number: Tensor = self.base_dist.icdf((value + 1) / 2)
        return number

    def entropy(self) -> Tensor:
        entropy: Tensor = self.base_dist.entropy()
        return entropy - math.log(2)
