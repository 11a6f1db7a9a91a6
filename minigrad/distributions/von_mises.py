"""The von Mises distribution."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import minigrad as torch

from . import constraints
from .distribution import Distribution
from .utils import broadcast_all

INTERNAL = True
Tensor = torch.Tensor


# Of I0 and of I1, polynomials up to 3.75 and from there on, the constant coefficient first (M. Abramowitz and I. A.
# Stegun, "Handbook of Mathematical Functions", 9.8.1 to 9.8.4), which torch computes them with.
NEAR = (
    (1.0, 3.5156229, 3.0899424, 1.2067492, 0.2659732, 0.360768e-1, 0.45813e-2),
    (0.5, 0.87890594, 0.51498869, 0.15084934, 0.2658733e-1, 0.301532e-2, 0.32411e-3),
)
FAR = (
    (
        *(0.39894228, 0.1328592e-1, 0.225319e-2, -0.157565e-2, 0.916281e-2, -0.2057706e-1),
        *(0.2635537e-1, -0.1647633e-1, 0.392377e-2),
    ),
    (
        *(0.39894228, -0.3988024e-1, -0.362018e-2, 0.163801e-2, -0.1031555e-1, 0.2282967e-1),
        *(-0.2895312e-1, 0.1787654e-1, -0.420059e-2),
    ),
)


class VonMises(Distribution):
    """Von Mises distributions: angles around `loc`, in radians, the nearer to it the larger the `concentration`.

    Source: https://docs.pytorch.org/docs/stable/distributions.html#vonmises; D. J. Best and N. I. Fisher, "Efficient
    simulation of the von Mises distribution", 1979
    """

    arg_constraints = {"loc": constraints.real, "concentration": constraints.positive}
    support = constraints.real
    has_rsample = False

    def __init__(self, loc: Tensor | float, concentration: Tensor | float, validate_args: bool | None = None) -> None:
        self.loc, self.concentration = broadcast_all(loc, concentration)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        """The mean on the circle."""
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        """The variance on the circle: 1 less the length of the mean of points on it."""
        return 1 - (_log_bessel(self.concentration, 1) - _log_bessel(self.concentration, 0)).exp()

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """Angles from -pi to pi, proposed by a wrapped Cauchy distribution, and drawn again until all are taken."""
        loc, k = self.loc.detach().double(), self.concentration.detach().double()
        tau = 1 + (1 + 4 * k**2).sqrt()
        rho = (tau - (2 * tau).sqrt()) / (2 * k)
        r = torch.where(k < 1e-5, 1 / k + k, (1 + rho**2) / (2 * rho))
        angles = torch.zeros(self._extended_shape(sample_shape), dtype=torch.float64)
        done = torch.zeros(angles.shape).bool()
        while not done.all():
            turn, chance, side = torch.rand((3, *angles.shape), dtype=torch.float64).unbind()
            z = torch.cos(math.pi * turn)
            f = (1 + r * z) / (r + z)
            c = k * (r - f)
            accepted = ((c * (2 - c) - chance) > 0) | ((c / chance).log() + 1 - c >= 0)
            angles = torch.where(accepted, (side - 0.5).sign() * f.acos(), angles)
            done = done | accepted
        return ((angles + math.pi + loc) % (2 * math.pi) - math.pi).to(self.loc.dtype)

    def log_prob(self, value: Tensor) -> Tensor:
        towards = self.concentration * torch.cos(self._checked(value) - self.loc)
        return towards - math.log(2 * math.pi) - _log_bessel(self.concentration, 0)


def _log_bessel(x: Tensor, order: int) -> Tensor:
    """The logarithm of the modified Bessel function I0 or I1 of positive numbers, to seven digits."""
    square = (x / 3.75) * (x / 3.75)
    near = _polynomial(square, NEAR[order])
    near = (x.abs() * near if order else near).log()
    far = x - 0.5 * x.log() + _polynomial(3.75 / x, FAR[order]).log()
    return torch.where(x < 3.75, near, far)


def _polynomial(x: Tensor, coefficients: Sequence[float]) -> Any:
    *rest, value = coefficients
    found: Any = value
    for c in reversed(rest):
        found = c + x * found
    return found
