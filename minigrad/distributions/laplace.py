"""The Laplace distribution."""

from __future__ import annotations

from collections.abc import Sequence

import minigrad as torch

from . import constraints
from .distribution import Distribution
from .utils import batch_shape_of, broadcast_all

INTERNAL = True
Tensor = torch.Tensor


class Laplace(Distribution):
    """Laplace distributions: exponential ones with mean `scale`, on both sides of `loc`.

    Source: https://docs.pytorch.org/docs/stable/distributions.html#laplace
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True

    def __init__(self, loc: Tensor | float, scale: Tensor | float, validate_args: bool | None = None) -> None:
        self.loc, self.scale = broadcast_all(loc, scale)
        super().__init__(batch_shape_of(self.loc, loc, scale), validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def stddev(self) -> Tensor:
        return 2**0.5 * self.scale

    @property
    def variance(self) -> Tensor:
        return 2 * self.scale.pow(2)

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        lowest = torch.finfo(self.loc.dtype).eps - 1  # not -1, whose logarithm below would be that of 0
        u = torch.empty(self._extended_shape(sample_shape), dtype=self.loc.dtype).uniform_(lowest, 1)
        return self.loc - self.scale * u.sign() * torch.log1p(-u.abs())

    def log_prob(self, value: Tensor) -> Tensor:
        return -torch.log(2 * self.scale) - torch.abs(self._checked(value) - self.loc) / self.scale

    def cdf(self, value: Tensor) -> Tensor:
        from_middle = self._checked(value) - self.loc
        return 0.5 - 0.5 * from_middle.sign() * torch.expm1(-from_middle.abs() / self.scale)

    def icdf(self, value: Tensor) -> Tensor:
        from_half = value - 0.5
        return self.loc - self.scale * from_half.sign() * torch.log1p(-2 * from_half.abs())

    def entropy(self) -> Tensor:
        return 1 + torch.log(2 * self.scale)
