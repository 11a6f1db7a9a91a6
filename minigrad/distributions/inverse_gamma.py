"""The inverse gamma distribution."""

from __future__ import annotations

from operator import attrgetter

import minigrad as torch

from . import constraints
from .gamma import Gamma
from .transformed_distribution import TransformedDistribution
from .transforms import PowerTransform

INTERNAL = True
Tensor = torch.Tensor


class InverseGamma(TransformedDistribution):
    """Distributions of 1 / x for numbers x of `Gamma` distributions.

    Source: https://docs.pytorch.org/docs/stable/distributions.html#inversegamma
    """

    arg_constraints = {"concentration": constraints.positive, "rate": constraints.positive}
    support = constraints.positive
    has_rsample = True

    def __init__(self, concentration: Tensor | float, rate: Tensor | float, validate_args: bool | None = None) -> None:
        base = Gamma(concentration, rate, validate_args=validate_args)
        super().__init__(base, PowerTransform(-base.rate.new_ones(())), validate_args=validate_args)

    concentration = property(attrgetter("base_dist.concentration"), doc="That of the gamma distributions.")
    rate = property(attrgetter("base_dist.rate"), doc="That of the gamma distributions.")

    @property
    def mean(self) -> Tensor:
        """The mean, infinite for concentrations up to 1."""
        mean = self.rate / (self.concentration - 1)
        return torch.where(self.concentration > 1, mean, torch.inf)

    @property
    def mode(self) -> Tensor:
        return self.rate / (self.concentration + 1)

    @property
    def variance(self) -> Tensor:
        """The variance, infinite for concentrations up to 2."""
        variance = self.rate.square() / ((self.concentration - 1).square() * (self.concentration - 2))
        return torch.where(self.concentration > 2, variance, torch.inf)

    def entropy(self) -> Tensor:
        a = self.concentration
        return a + self.rate.log() + a.lgamma() - (1 + a) * a.digamma()
