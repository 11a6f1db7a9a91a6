"""The F distribution, Fisher's and Snedecor's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import minigrad as torch

from . import constraints
from .distribution import Distribution
from .gamma import Gamma
from .utils import batch_shape_of, broadcast_all

INTERNAL = True
Tensor = torch.Tensor


class FisherSnedecor(Distribution):
    """F distributions: quotients of two sums of squares with `df1` and `df2` degrees of freedom, each by its own.

    Source: https://docs.pytorch.org/docs/stable/distributions.html#fishersnedecor
    """

    arg_constraints = {"df1": constraints.positive, "df2": constraints.positive}
    support = constraints.positive
    has_rsample = True

    def __init__(self, df1: Tensor | float, df2: Tensor | float, validate_args: bool | None = None) -> None:
        self.df1, self.df2 = broadcast_all(df1, df2)
        self._over, self._under = Gamma(self.df1 * 0.5, self.df1), Gamma(self.df2 * 0.5, self.df2)
        super().__init__(batch_shape_of(self.df1, df1, df2), validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        """The mean, or NaN where there is none: for `df2` up to 2."""
        df2 = self.df2.clone()
        df2[df2 <= 2] = torch.nan
        return df2 / (df2 - 2)

    @property
    def mode(self) -> Tensor:
        """The most likely value, or NaN where it would be 0: for `df1` up to 2."""
        mode = (self.df1 - 2) / self.df1 * self.df2 / (self.df2 + 2)
        mode[self.df1 <= 2] = torch.nan
        return mode

    @property
    def variance(self) -> Tensor:
        """The variance, or NaN where there is none: for `df2` up to 4."""
        df2 = self.df2.clone()
        df2[df2 <= 4] = torch.nan
        return 2 * df2.pow(2) * (self.df1 + df2 - 2) / (self.df1 * (df2 - 2).pow(2) * (df2 - 4))

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> Any:
        new = self._new(_instance)
        new._over, new._under = self._over.expand(batch_shape), self._under.expand(batch_shape)
        return super().expand(batch_shape, new)

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        over, under = self._over.rsample(sample_shape), self._under.rsample(sample_shape)
        tiny = torch.finfo(under.dtype).tiny
        return (over / under.clamp_(min=tiny)).clamp_(min=tiny)

    def log_prob(self, value: Tensor) -> Tensor:
        half1, half2, ratio = self.df1 * 0.5, self.df2 * 0.5, self.df1 / self.df2
        of_gamma = (half1 + half2).lgamma() - half1.lgamma() - half2.lgamma()
        powers = half1 * ratio.log() + (half1 - 1) * torch.log(self._checked(value))
        return of_gamma + powers - (half1 + half2) * torch.log1p(ratio * value)
