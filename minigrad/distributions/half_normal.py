"""The half-normal distribution."""

from __future__ import annotations

import math

import minigrad as torch

from .folded import Folded
from .normal import Normal
from .transforms import AbsTransform

INTERNAL = True
Tensor = torch.Tensor


class HalfNormal(Folded):
    """Distributions of the distances of normal numbers from 0, which have standard deviation `scale`.

    Source: https://docs.pytorch.org/docs/stable/distributions.html#halfnormal
    """

    def __init__(self, scale: Tensor | float, validate_args: bool | None = None) -> None:
        super().__init__(Normal(0, scale, validate_args=False), AbsTransform(), validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.scale * math.sqrt(2 / math.pi)

    @property
    def variance(self) -> Tensor:
        return self.scale.pow(2) * (1 - 2 / math.pi)

    def log_prob(self, value: Tensor) -> Tensor:
        of_half = self.base_dist.log_prob(self._checked(value)) + math.log(2)
        return torch.where(value >= 0, of_half, -torch.inf)
