"""ExponentialFamily: distributions whose densities are exponentials of sums of products."""

from __future__ import annotations

from collections.abc import Callable

import minigrad as torch

from .distribution import Distribution
from .utils import sum_rightmost

INTERNAL = True
Tensor = torch.Tensor


class ExponentialFamily(Distribution):
    """The base of distributions of densities exp(<t(x), natural> - log_normalizer(natural) + k(x)).

    A subclass that defines `_natural_params`, `_log_normalizer` and the mean of k, `_mean_carrier_measure`, has its
    entropy, and its divergence from others of its class, by way of the gradient of the second.
    Source: https://docs.pytorch.org/docs/stable/distributions.html#exponentialfamily; F. Nielsen and R. Nock,
    "Entropies and cross-entropies of exponential families", 2010
    """

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        raise NotImplementedError

    def _undefined(self, *natural: Tensor) -> Tensor:
        raise NotImplementedError

    _log_normalizer: Callable[..., Tensor] = _undefined  # of the natural parameters, one by one

    @property
    def _mean_carrier_measure(self) -> float:
        raise NotImplementedError

    def entropy(self) -> Tensor:
        of_carrier = self._mean_carrier_measure
        natural, log_normalizer, slopes = self._expectations()
        entropy = log_normalizer - of_carrier
        for parameter, slope in zip(natural, slopes, strict=True):
            entropy = entropy - sum_rightmost(parameter * slope, slope.dim() - len(self._batch_shape))
        return entropy

    def _expectations(self) -> tuple[list[Tensor], Tensor, tuple[Tensor, ...]]:
        """The natural parameters, the normalizer, and its gradient, which is the mean of t(x).

        The parameters are new leaves, as in torch: no gradient reaches those that the distribution was made of.
        """
        natural = [parameter.detach().requires_grad_() for parameter in self._natural_params]
        log_normalizer = self._log_normalizer(*natural)
        slopes = torch.autograd.grad(log_normalizer.sum(), natural, create_graph=True)
        return natural, log_normalizer, slopes
