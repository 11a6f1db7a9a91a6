"""The Kumaraswamy distribution."""

from __future__ import annotations

import minigrad as torch

from . import constraints
from .transformed_distribution import TransformedDistribution
from .transforms import AffineTransform, PowerTransform
from .uniform import Uniform
from .utils import broadcast_all, euler_constant

INTERNAL = True
Tensor = torch.Tensor


class Kumaraswamy(TransformedDistribution):
    """Kumaraswamy distributions: much as `Beta`, of numbers in (0, 1), but with a `cdf` in closed form.

    Source: https://docs.pytorch.org/docs/stable/distributions.html#kumaraswamy
    """

    arg_constraints = {"concentration1": constraints.positive, "concentration0": constraints.positive}
    support = constraints.unit_interval
    has_rsample = True

    def __init__(
        self, concentration1: Tensor | float, concentration0: Tensor | float, validate_args: bool | None = None
    ) -> None:
        self.concentration1, self.concentration0 = broadcast_all(concentration1, concentration0)
        base = Uniform(
            torch.full_like(self.concentration0, 0),
            torch.full_like(self.concentration0, 1),
            validate_args=validate_args,
        )
        inner = PowerTransform(exponent=self.concentration0.reciprocal())
        outer = PowerTransform(exponent=self.concentration1.reciprocal())
        turned = AffineTransform(loc=1.0, scale=-1.0)
        super().__init__(base, [inner, turned, outer], validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self._moment(1)

    @property
    def mode(self) -> Tensor:
        """The most likely value, or NaN where one of the concentrations is below 1."""
        a, b = self.concentration1, self.concentration0
        log_mode = b.reciprocal() * (-b).log1p() - (-b * a).log1p()
        log_mode[(b < 1) | (a < 1)] = torch.nan
        return log_mode.exp()

    @property
    def variance(self) -> Tensor:
        return self._moment(2) - torch.pow(self.mean, 2)

    def _moment(self, n: int) -> Tensor:
        of_power = 1 + n / self.concentration1
        log = torch.lgamma(of_power) + torch.lgamma(self.concentration0) - torch.lgamma(of_power + self.concentration0)
        return self.concentration0 * torch.exp(log)

    def entropy(self) -> Tensor:
        harmonic = torch.digamma(self.concentration0 + 1) + euler_constant
        of_powers = 1 - self.concentration0.reciprocal() + (1 - self.concentration1.reciprocal()) * harmonic
        return of_powers - torch.log(self.concentration1) - torch.log(self.concentration0)
