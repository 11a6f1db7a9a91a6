"""TransformedDistribution: a distribution of what transforms make of another one's numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import minigrad as torch

from . import constraints
from .constraints import Constraint
from .distribution import Distribution
from .independent import Independent
from .transform import ComposeTransform, Transform
from .utils import sum_rightmost

INTERNAL = True
Tensor = torch.Tensor


class TransformedDistribution(Distribution):
    """Distributions of numbers of another distribution, to which transforms are applied, one after another.

    The last dimensions of the batch that a transform takes together belong to the event.
    Raises ValueError for what is no transform, or takes more dimensions than there are, AssertionError for transforms
    that give fewer than they say.
    Source: https://docs.pytorch.org/docs/stable/distributions.html#transformeddistribution
    """

    arg_constraints: dict[str, Constraint] = {}

    def __init__(
        self,
        base_distribution: Distribution,
        transforms: Transform | list[Transform],
        validate_args: bool | None = None,
    ) -> None:
        if not isinstance(transforms, Transform | list):
            raise ValueError(f"transforms must be a Transform or list, but was {transforms}")
        self.transforms = transforms if isinstance(transforms, list) else [transforms]
        if not all(isinstance(transform, Transform) for transform in self.transforms):
            raise ValueError("transforms must be a Transform or a list of Transforms")

        whole = ComposeTransform(self.transforms)
        of_domain, of_codomain = whole.domain.event_dim, whole.codomain.event_dim
        of_base = len(base_distribution.event_shape)
        base_shape = base_distribution.batch_shape + base_distribution.event_shape
        if len(base_shape) < of_domain:
            raise ValueError(
                f"base_distribution needs to have shape with size at least {of_domain}, but got {base_shape}."
            )
        shape = whole.forward_shape(base_shape)
        needed = whole.inverse_shape(shape)
        if base_shape != needed:
            base_distribution = base_distribution.expand(needed[: len(needed) - of_base])
        if of_domain > of_base:
            base_distribution = Independent(base_distribution, of_domain - of_base)
        self.base_dist: Any = base_distribution
        of_event = max(of_codomain, of_base + of_codomain - of_domain)
        if len(shape) < of_event:
            raise AssertionError(f"forward_shape length {len(shape)} must be >= event_dim {of_event}")
        cut = len(shape) - of_event
        super().__init__(shape[:cut], shape[cut:], validate_args=validate_args)

    @constraints.dependent_property(is_discrete=False)
    def support(self) -> Constraint:
        support: Constraint = self.transforms[-1].codomain if self.transforms else self.base_dist.support
        missing = len(self.event_shape) - support.event_dim
        return constraints.independent(support, missing) if self.transforms and missing > 0 else support

    @property
    def has_rsample(self) -> bool:
        """Whether gradients flow from samples of the other distribution to its parameters."""
        return bool(self.base_dist.has_rsample)

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> Any:
        new = self._new(_instance)
        shape = torch.Size((*batch_shape, *self.event_shape))
        for transform in reversed(self.transforms):
            shape = transform.inverse_shape(shape)
        new.base_dist = self.base_dist.expand(shape[: len(shape) - len(self.base_dist.event_shape)])
        return super().expand(batch_shape, new)

    def _transformed(self, value: Tensor) -> Tensor:
        for transform in self.transforms:
            value = transform(value)
        return value

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        with torch.no_grad():
            return self._transformed(self.base_dist.sample(sample_shape))

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        return self._transformed(self.base_dist.rsample(sample_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        y, dims = self._checked(value), len(self.event_shape)
        log_prob: Any = 0.0
        for transform in reversed(self.transforms):
            x = transform.inv(y)
            dims += transform.domain.event_dim - transform.codomain.event_dim
            log_slope = transform.log_abs_det_jacobian(x, y)
            log_prob = log_prob - sum_rightmost(log_slope, dims - transform.domain.event_dim)
            y = x
        return log_prob + sum_rightmost(self.base_dist.log_prob(y), dims - len(self.base_dist.event_shape))

    def cdf(self, value: Tensor) -> Tensor:
        for transform in reversed(self.transforms):
            value = transform.inv(value)
        if self._validate_args:
            self.base_dist._validate_sample(value)
        return self._from_below(self.base_dist.cdf(value))

    def icdf(self, value: Tensor) -> Tensor:
        return self._transformed(self.base_dist.icdf(self._from_below(value)))

    def _from_below(self, probability: Tensor) -> Tensor:
        """Probabilities of what is below, and where the transforms turn the order round, of what is above."""
        sign = math.prod(transform.sign for transform in self.transforms)
        return probability if isinstance(sign, int) and sign == 1 else sign * (probability - 0.5) + 0.5
