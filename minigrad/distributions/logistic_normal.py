"""The logistic-normal distribution."""

from __future__ import annotations

from operator import attrgetter

import minigrad as torch

from . import constraints
from .normal import Normal
from .transformed_distribution import TransformedDistribution
from .transforms import StickBreakingTransform

INTERNAL = True
Tensor = torch.Tensor


class LogisticNormal(TransformedDistribution):
    """Distributions of probabilities that sum to 1, made of normal numbers by a `StickBreakingTransform`.

    Source: https://docs.pytorch.org/docs/stable/distributions.html#logisticnormal
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.simplex
    has_rsample = True

    def __init__(self, loc: Tensor | float, scale: Tensor | float, validate_args: bool | None = None) -> None:
        base = Normal(loc, scale, validate_args=validate_args)
        base = base if base.batch_shape else base.expand([1])
        super().__init__(base, StickBreakingTransform(), validate_args=validate_args)

    loc = property(attrgetter("base_dist.base_dist.loc"), doc="The means of the normal numbers.")
    scale = property(attrgetter("base_dist.base_dist.scale"), doc="Their standard deviations.")
