"""Mixtures: one of several distributions of a kind is drawn, then a value from it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import minigrad as torch

from . import constraints
from .categorical import Categorical
from .constraints import Constraint
from .distribution import Distribution

INTERNAL = True
Tensor = torch.Tensor


class MixtureSameFamily(Distribution):
    """Mixtures of the distributions along the last dimension of a batch, each with its probability.

    mixture_distribution    which one is drawn
    component_distribution  the batch of them
    Raises ValueError for what is no distribution, and for batches that do not fit.
    Source: https://docs.pytorch.org/docs/stable/distributions.html#mixturesamefamily
    """

    arg_constraints: dict[str, Constraint] = {}
    has_rsample = False

    def __init__(
        self,
        mixture_distribution: Categorical,
        component_distribution: Distribution,
        validate_args: bool | None = None,
    ) -> None:
        if not isinstance(mixture_distribution, Categorical):
            needed = " The Mixture distribution needs to be an  instance of torch.distributions.Categorical"
            raise ValueError(needed)
        if not isinstance(component_distribution, Distribution):
            needed = "The Component distribution needs to be an instance of torch.distributions.Distribution"
            raise ValueError(needed)
        self._mixture, self._component = mixture_distribution, component_distribution
        of_mixture, of_components = mixture_distribution.batch_shape, component_distribution.batch_shape[:-1]
        for n, m in zip(reversed(of_mixture), reversed(of_components), strict=False):
            if n != m and 1 not in (n, m):
                raise ValueError(
                    f"`mixture_distribution.batch_shape` ({of_mixture}) is not compatible with "
                    f"`component_distribution.batch_shape`({of_components})"
                )
        count, found = mixture_distribution.logits.shape[-1], component_distribution.batch_shape[-1]
        if count != found:
            raise ValueError(
                f"`mixture_distribution component` ({count}) does not equal `component_distribution.batch_shape[-1]` "
                f"({found})"
            )
        super().__init__(of_components, component_distribution.event_shape, validate_args=validate_args)

    @constraints.dependent_property
    def support(self) -> Constraint:
        return constraints.MixtureSameFamilyConstraint(self._component.support)

    @property
    def mixture_distribution(self) -> Categorical:
        """Which of the components is drawn."""
        return self._mixture

    @property
    def component_distribution(self) -> Distribution:
        """The components, along the last dimension of their batch."""
        return self._component

    @property
    def mean(self) -> Tensor:
        return self._averaged(self._component.mean)

    @property
    def variance(self) -> Tensor:
        between = (self._component.mean - self._repeated(self.mean)).pow(2.0)
        return self._averaged(self._component.variance) + self._averaged(between)

    def _repeated(self, value: Tensor) -> Tensor:
        """Values with a dimension for the components."""
        return value.unsqueeze(-1 - len(self._event_shape))

    def _averaged(self, of_components: Tensor) -> Tensor:
        probs, events = self._mixture.probs, len(self._event_shape)
        own = len(self._mixture.batch_shape)
        missing = 0 if own == 1 else len(self._batch_shape) - own
        weights = probs.reshape((*probs.shape[:-1], *missing * [1], probs.shape[-1], *events * [1]))
        return (weights * of_components).sum(-1 - events)

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> Any:
        new = self._new(_instance)
        new._component = self._component.expand((*batch_shape, self._component.batch_shape[-1]))
        new._mixture = self._mixture.expand(batch_shape)
        return super().expand(batch_shape, new)

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        with torch.no_grad():
            drawn, along = self._mixture.sample(sample_shape), len(sample_shape) + len(self._batch_shape)
            values = self._component.sample(sample_shape)
            index = drawn.reshape((*drawn.shape, *[1] * (len(self._event_shape) + 1)))
            return values.gather(along, index.expand((*drawn.shape, 1, *self._event_shape))).squeeze(along)

    def log_prob(self, value: Tensor) -> Tensor:
        of_each = self._component.log_prob(self._repeated(self._checked(value)))
        return torch.logsumexp(of_each + torch.log_softmax(self._mixture.logits, dim=-1), dim=-1)

    def cdf(self, value: Tensor) -> Tensor:
        return (self._component.cdf(self._repeated(value)) * self._mixture.probs).sum(-1)

    def __repr__(self) -> str:
        return f"MixtureSameFamily(\n  {self._mixture},\n  {self._component})"
