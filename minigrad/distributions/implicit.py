"""Gamma and Dirichlet numbers, and their gradients: no formula makes them of their parameters, they are drawn by trial.

Source: M. Figurnov, S. Mohamed and A. Mnih, "Implicit reparameterization gradients", 2018.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import minigrad as torch

from ..random.gammas import standard_dirichlet, standard_gamma
from .slopes import Array, dirichlet_slope, gamma_slope

INTERNAL = True
Tensor = torch.Tensor


class StandardGamma(torch.autograd.Function):
    """Gamma numbers of rate 1, of each concentration."""

    @staticmethod
    def forward(ctx: Any, concentration: Tensor) -> Tensor:
        x = torch.from_numpy(standard_gamma(concentration.detach().numpy()))
        ctx.save_for_backward(x, concentration)
        return x

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:
        x, concentration = ctx.saved_tensors
        slope: Tensor = _Slope.apply(
            gamma_slope,
            NotImplementedError("the derivative for '_standard_gamma_grad' is not implemented."),
            *(concentration, x),
        )
        return g * slope


class _Dirichlet(torch.autograd.Function):
    """Dirichlet numbers, of concentrations along the last dimension."""

    @staticmethod
    def forward(ctx: Any, concentration: Tensor) -> Tensor:
        x = torch.from_numpy(standard_dirichlet(concentration.detach().numpy()))
        ctx.save_for_backward(x, concentration)
        return x

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:
        x, concentration = ctx.saved_tensors
        slope: Tensor = _Slope.apply(
            dirichlet_slope,
            RuntimeError("trying to differentiate twice a function that was marked with @once_differentiable"),
            *(x, concentration, concentration.sum(-1, True).expand_as(concentration)),
        )
        return slope * (g - (x * g).sum(-1, True))


class _Slope(torch.autograd.Function):
    """A function of arrays, that says itself how its numbers change with the concentration, but not how it changes."""

    @staticmethod
    def forward(ctx: Any, function: Callable[..., Array], error: Exception, *tensors: Tensor) -> Tensor:
        ctx.error = error
        return torch.from_numpy(function(*(tensor.detach().numpy() for tensor in tensors)))

    @staticmethod
    def backward(ctx: Any, *g: Tensor) -> Any:
        raise ctx.error
