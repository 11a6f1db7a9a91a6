"""The log-normal distribution."""

from __future__ import annotations

from operator import attrgetter

import minigrad as torch

from . import constraints
from .normal import Normal
from .transformed_distribution import TransformedDistribution
from .transforms import ExpTransform

INTERNAL = True
Tensor = torch.Tensor


class LogNormal(TransformedDistribution):
    """Distributions of numbers whose logarithms are normal, with means `loc` and standard deviations `scale`.

    Source: https://docs.pytorch.org/docs/stable/distributions.html#lognormal
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.positive
    has_rsample = True

    def __init__(self, loc: Tensor | float, scale: Tensor | float, validate_args: bool | None = None) -> None:
        base = Normal(loc, scale, validate_args=validate_args)
        super().__init__(base, ExpTransform(), validate_args=validate_args)

    loc = property(attrgetter("base_dist.loc"), doc="The means of the logarithms.")
    scale = property(attrgetter("base_dist.scale"), doc="The standard deviations of the logarithms.")

    @property
    def mean(self) -> Tensor:
        return (self.loc + self.scale.pow(2) / 2).exp()

    @property
    def mode(self) -> Tensor:
        return (self.loc - self.scale.square()).exp()

    @property
    def variance(self) -> Tensor:
        squared = self.scale.pow(2)
        return squared.expm1() * (2 * self.loc + squared).exp()

    def entropy(self) -> Tensor:
        return self.base_dist.entropy() + self.loc
