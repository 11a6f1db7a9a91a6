"""Student's t distribution."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import minigrad as torch

from . import constraints
from .chi2 import Chi2
from .distribution import Distribution
from .utils import broadcast_all

INTERNAL = True
Tensor = torch.Tensor


class StudentT(Distribution):
    """Student's distributions with `df` degrees of freedom, moved to `loc` and stretched by `scale`.

    Source: https://docs.pytorch.org/docs/stable/distributions.html#studentt
    """

    arg_constraints = {"df": constraints.positive, "loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True

    def __init__(
        self,
        df: Tensor | float,
        loc: Tensor | float = 0.0,
        scale: Tensor | float = 1.0,
        validate_args: bool | None = None,
    ) -> None:
        self.df, self.loc, self.scale = broadcast_all(df, loc, scale)
        self._chi2 = Chi2(self.df)
        super().__init__(self.df.size(), validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        """The mean, or NaN where there is none: for `df` up to 1."""
        mean = self.loc.clone()
        mean[self.df <= 1] = torch.nan
        return mean

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        """The variance, infinite for `df` up to 2, and NaN up to 1."""
        variance, finite = self.df.clone(), self.df > 2
        df = self.df[finite]
        variance[finite] = self.scale[finite].pow(2) * df / (df - 2)
        variance[(self.df <= 2) & (self.df > 1)] = torch.inf
        variance[self.df <= 1] = torch.nan
        return variance

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> Any:
        new = self._new(_instance)
        new._chi2 = self._chi2.expand(batch_shape)
        return super().expand(batch_shape, new)

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        normal = torch.empty(self._extended_shape(sample_shape), dtype=self.df.dtype).normal_()
        standard = normal * torch.rsqrt(self._chi2.rsample(sample_shape) / self.df)
        return self.loc + self.scale * standard

    def log_prob(self, value: Tensor) -> Tensor:
        y, more = (self._checked(value) - self.loc) / self.scale, 0.5 * (self.df + 1.0)
        of_gamma = torch.lgamma(0.5 * self.df) - torch.lgamma(more)
        normalizer = self.scale.log() + 0.5 * self.df.log() + 0.5 * math.log(math.pi) + of_gamma
        return -more * torch.log1p(y**2.0 / self.df) - normalizer

    def entropy(self) -> Tensor:
        half, more = 0.5 * self.df, 0.5 * (self.df + 1)
        log_beta = torch.lgamma(half) + math.lgamma(0.5) - torch.lgamma(more)
        of_df = more * (torch.digamma(more) - torch.digamma(half))
        return self.scale.log() + of_df + 0.5 * self.df.log() + log_beta
