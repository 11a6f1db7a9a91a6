"""The generalized Pareto distribution."""

from __future__ import annotations

from collections.abc import Sequence

import minigrad as torch

from . import constraints
from .constraints import Constraint
from .distribution import Distribution
from .utils import batch_shape_of, broadcast_all

INTERNAL = True
Tensor = torch.Tensor


class GeneralizedPareto(Distribution):
    """Generalized Pareto distributions from `loc` on: exponential for a `concentration` of 0, above with heavier tails.

    Source: https://docs.pytorch.org/docs/stable/distributions.html#generalizedpareto
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive, "concentration": constraints.real}
    has_rsample = True

    def __init__(
        self,
        loc: Tensor | float,
        scale: Tensor | float,
        concentration: Tensor | float,
        validate_args: bool | None = None,
    ) -> None:
        self.loc, self.scale, self.concentration = broadcast_all(loc, scale, concentration)
        super().__init__(batch_shape_of(self.loc, loc, scale, concentration), validate_args=validate_args)

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self) -> Constraint:
        end = self.loc - self.scale / self.concentration
        return constraints.interval(self.loc, torch.where(self.concentration < 0, end, torch.inf))

    @property
    def mean(self) -> Tensor:
        """The mean, or NaN where there is none: for concentrations from 1 on."""
        finite = self.concentration < 1
        mean = self.loc + self.scale / (1 - torch.where(finite, self.concentration, 0.5))
        return torch.where(finite, mean, torch.nan)

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        """The variance, or NaN where there is none: for concentrations from 0.5 on."""
        finite = self.concentration < 0.5
        safe = torch.where(finite, self.concentration, 0.25)
        variance = self.scale**2 / ((1 - safe) ** 2 * (1 - 2 * safe))
        return torch.where(finite, variance, torch.nan)

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        return self.icdf(torch.rand(self._extended_shape(sample_shape), dtype=self.loc.dtype))

    def log_prob(self, value: Tensor) -> Tensor:
        z, is_0, safe = self._standardized(value)
        y = 1 / safe + torch.ones_like(z)
        others = torch.where(y == 0, y, y * torch.log1p(safe * z))
        return -self.scale.log() - torch.where(is_0, z, others)

    def log_survival_function(self, value: Tensor) -> Tensor:
        """The logarithm of the probability of values above `value`."""
        z, is_0, safe = self._standardized(value)
        return torch.where(is_0, -z, -torch.log1p(safe * z) / safe)

    def log_cdf(self, value: Tensor) -> Tensor:
        """The logarithm of `cdf`."""
        return torch.log1p(-torch.exp(self.log_survival_function(value)))

    def cdf(self, value: Tensor) -> Tensor:
        return torch.exp(self.log_cdf(value))

    def icdf(self, value: Tensor) -> Tensor:
        is_0, safe = self._safe_concentration()
        log_above = torch.log1p(-value)
        others = self.loc + self.scale / safe * torch.expm1(-safe * log_above)
        return torch.where(is_0, self.loc - self.scale * log_above, others)

    def entropy(self) -> Tensor:
        return torch.broadcast_to(torch.log(self.scale) + self.concentration + 1, self._batch_shape)

    def _standardized(self, value: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return (self._checked(value) - self.loc) / self.scale, *self._safe_concentration()

    def _safe_concentration(self) -> tuple[Tensor, Tensor]:
        """Which concentrations are 0, and all of them, with 1 for those, that can be divided by."""
        is_0 = torch.isclose(self.concentration, torch.zeros_like(self.concentration))
        return is_0, torch.where(is_0, torch.ones_like(self.concentration), self.concentration)
