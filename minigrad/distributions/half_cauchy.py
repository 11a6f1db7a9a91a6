"""The half-Cauchy distribution."""

from __future__ import annotations

import math

import minigrad as torch

from .cauchy import Cauchy
from .folded import Folded
from .transforms import AbsTransform

INTERNAL = True
Tensor = torch.Tensor


class HalfCauchy(Folded):
    """Distributions of the distances of Cauchy's numbers from 0, half of which are up to `scale`.

    Source: https://docs.pytorch.org/docs/stable/distributions.html#halfcauchy
    """

    def __init__(self, scale: Tensor | float, validate_args: bool | None = None) -> None:
        super().__init__(Cauchy(0, scale, validate_args=False), AbsTransform(), validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        """Infinite."""
        return torch.full(self._extended_shape(), torch.inf, dtype=self.scale.dtype)

    @property
    def variance(self) -> Tensor:
        return self.base_dist.variance

    def log_prob(self, value: Tensor) -> Tensor:
        value = torch.as_tensor(self._checked(value), dtype=self.scale.dtype)
        of_half = self.base_dist.log_prob(value) + math.log(2)
        return torch.where(value >= 0, of_half, -torch.inf)
