"""The Gumbel distribution."""

from __future__ import annotations

import math
from typing import Any

import minigrad as torch

from . import constraints
from .transformed_distribution import TransformedDistribution
from .transforms import AffineTransform, ExpTransform
from .uniform import Uniform
from .utils import broadcast_all, euler_constant

INTERNAL = True
Tensor = torch.Tensor


class Gumbel(TransformedDistribution):
    """Gumbel distributions, of the largest of many numbers: loc - scale * log(-log(u)) of uniform numbers u.

    Source: https://docs.pytorch.org/docs/stable/distributions.html#gumbel
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real

    def __init__(self, loc: Tensor | float, scale: Tensor | float, validate_args: bool | None = None) -> None:
        self.loc, self.scale = broadcast_all(loc, scale)
        info = torch.finfo(self.loc.dtype)
        low: Any = info.tiny
        high: Any = 1 - info.eps
        if isinstance(loc, Tensor) or isinstance(scale, Tensor):
            low, high = torch.full_like(self.loc, low), torch.full_like(self.loc, high)
        logarithm = ExpTransform().inv
        turned = AffineTransform(loc=0, scale=-torch.ones_like(self.scale))
        placed = AffineTransform(loc=loc, scale=-self.scale)
        base = Uniform(low, high, validate_args=validate_args)
        super().__init__(base, [logarithm, turned, ExpTransform().inv, placed], validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.loc + self.scale * euler_constant

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def stddev(self) -> Tensor:
        return (math.pi / math.sqrt(6)) * self.scale

    @property
    def variance(self) -> Tensor:
        return self.stddev.pow(2)

    def log_prob(self, value: Tensor) -> Tensor:
        y = (self.loc - self._checked(value)) / self.scale
        return (y - y.exp()) - self.scale.log()

    def entropy(self) -> Tensor:
        return self.scale.log() + (1 + euler_constant)
