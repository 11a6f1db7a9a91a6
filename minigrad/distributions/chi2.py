"""The chi-squared distribution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import minigrad as torch

from . import constraints
from .gamma import Gamma

INTERNAL = True
Tensor = torch.Tensor


class Chi2(Gamma):
    """Chi-squared distributions: sums of the squares of `df` standard normal numbers.

    Source: https://docs.pytorch.org/docs/stable/distributions.html#chi2
    """

    arg_constraints = {"df": constraints.positive}

    def __init__(self, df: Tensor | float, validate_args: bool | None = None) -> None:
        super().__init__(0.5 * df, 0.5, validate_args=validate_args)

    @property
    def df(self) -> Tensor:
        """The degrees of freedom."""
        return self.concentration * 2

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> Any:
        new = self._new(_instance)
        new.concentration, new.rate = self.concentration.expand(batch_shape), self.rate.expand(batch_shape)
        return super().expand(batch_shape, new)
