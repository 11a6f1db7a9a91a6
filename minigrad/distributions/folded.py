"""What half-normal and half-Cauchy distributions share."""

from __future__ import annotations

import math
from operator import attrgetter

import minigrad as torch

from . import constraints
from .transformed_distribution import TransformedDistribution

INTERNAL = True
Tensor = torch.Tensor


class Folded(TransformedDistribution):
    """Distributions of the distances from 0 of numbers whose distribution is symmetric about it."""

    arg_constraints = {"scale": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True

    scale = property(attrgetter("base_dist.scale"), doc="The scale of both halves.")

    @property
    def mode(self) -> Tensor:
        return torch.zeros_like(self.scale)

    def cdf(self, value: Tensor) -> Tensor:
        below: Tensor = self.base_dist.cdf(self._checked(value))
        return 2 * below - 1

    def icdf(self, value: Tensor) -> Tensor:
        return self.base_dist.icdf((value + 1) / 2)

    def entropy(self) -> Tensor:
        entropy: Tensor = self.base_dist.entropy()
        return entropy - math.log(2)
