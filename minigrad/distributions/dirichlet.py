"""The Dirichlet distribution."""

from __future__ import annotations

from collections.abc import Sequence

import minigrad as torch

from ..nn import functional as F
from . import constraints
from .exp_family import ExponentialFamily
from .implicit import _Dirichlet

INTERNAL = True
Tensor = torch.Tensor


class Dirichlet(ExponentialFamily):
    """Dirichlet distributions: probabilities that sum to 1, as many as there are numbers in a row of `concentration`.

    Raises ValueError for a concentration of no dimension.
    Source: https://docs.pytorch.org/docs/stable/distributions.html#dirichlet
    """

    arg_constraints = {"concentration": constraints.independent(constraints.positive, 1)}
    support = constraints.simplex
    has_rsample = True

    def __init__(self, concentration: Tensor, validate_args: bool | None = None) -> None:
        if concentration.dim() < 1:
            raise ValueError("`concentration` parameter must be at least one-dimensional.")
        self.concentration = concentration
        super().__init__(concentration.shape[:-1], concentration.shape[-1:], validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.concentration / self.concentration.sum(-1, True)

    @property
    def mode(self) -> Tensor:
        """The most likely probabilities, or where there is a peak at each corner, the first corner."""
        above_1 = (self.concentration - 1).clamp(min=0.0)
        mode = above_1 / above_1.sum(-1, True)
        peaks = (self.concentration < 1).all(dim=-1)
        mode[peaks] = F.one_hot(mode[peaks].argmax(dim=-1), above_1.shape[-1]).type_as(mode)
        return mode

    @property
    def variance(self) -> Tensor:
        total = self.concentration.sum(-1, True)
        return self.concentration * (total - self.concentration) / (total.pow(2) * (total + 1))

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        return _Dirichlet.apply(self.concentration.expand(self._extended_shape(sample_shape)))

    def log_prob(self, value: Tensor) -> Tensor:
        powers = torch.xlogy(self.concentration - 1.0, self._checked(value)).sum(-1)
        return powers - self._log_normalizer(self.concentration)

    def entropy(self) -> Tensor:
        a, total = self.concentration, self.concentration.sum(-1)
        of_total = (a.size(-1) - total) * torch.digamma(total)
        return self._log_normalizer(a) - of_total - ((a - 1.0) * torch.digamma(a)).sum(-1)

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return (self.concentration,)

    def _log_normalizer(self, x: Tensor) -> Tensor:
        return x.lgamma().sum(-1) - torch.lgamma(x.sum(-1))
