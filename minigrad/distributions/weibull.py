"""The Weibull distribution."""

from __future__ import annotations

import minigrad as torch

from . import constraints
from .exponential import Exponential
from .transformed_distribution import TransformedDistribution
from .transforms import AffineTransform, PowerTransform
from .utils import broadcast_all, euler_constant

INTERNAL = True
Tensor = torch.Tensor


class Weibull(TransformedDistribution):
    """Weibull distributions: lifetimes, whose rate of failure grows with time for a `concentration` above 1.

    Source: https://docs.pytorch.org/docs/stable/distributions.html#weibull
    """

    arg_constraints = {"scale": constraints.positive, "concentration": constraints.positive}
    support = constraints.positive

    def __init__(self, scale: Tensor | float, concentration: Tensor | float, validate_args: bool | None = None) -> None:
        self.scale, self.concentration = broadcast_all(scale, concentration)
        base = Exponential(torch.ones_like(self.scale), validate_args=validate_args)
        placed = AffineTransform(loc=0, scale=self.scale)
        bent = PowerTransform(exponent=self.concentration_reciprocal)
        super().__init__(base, [bent, placed], validate_args=validate_args)

    @property
    def concentration_reciprocal(self) -> Tensor:
        """1 / concentration."""
        return self.concentration.reciprocal()

    @property
    def mean(self) -> Tensor:
        return self.scale * torch.exp(torch.lgamma(1 + self.concentration_reciprocal))

    @property
    def mode(self) -> Tensor:
        return self.scale * ((self.concentration - 1) / self.concentration) ** self.concentration_reciprocal

    @property
    def variance(self) -> Tensor:
        of_squares = torch.exp(torch.lgamma(1 + 2 * self.concentration_reciprocal))
        return self.scale.pow(2) * (of_squares - torch.exp(2 * torch.lgamma(1 + self.concentration_reciprocal)))

    def entropy(self) -> Tensor:
        log = torch.log(self.scale * self.concentration_reciprocal)
        return euler_constant * (1 - self.concentration_reciprocal) + log + 1
