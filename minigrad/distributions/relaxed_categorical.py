"""The relaxed categorical distribution: Gumbel-softmax."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import minigrad as torch

from . import constraints
from .categorical import Categorical
from .of_categorical import OfCategorical
from .relaxed import Relaxed
from .transforms import ExpTransform
from .utils import broadcast_all, clamp_probs

INTERNAL = True
Tensor = torch.Tensor


class ExpRelaxedCategorical(OfCategorical):
    """Distributions of the logarithms of `RelaxedOneHotCategorical` ones.

    Raises ValueError unless one of `probs` and `logits` is given.
    Source: https://arxiv.org/abs/1611.00712
    """

    support = constraints.real_vector
    has_rsample = True

    def __init__(
        self,
        temperature: Tensor,
        probs: Tensor | None = None,
        logits: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        self._categorical = Categorical(probs, logits)
        self.temperature = temperature
        event_shape = self._categorical.param_shape[-1:]
        super().__init__(self._categorical.batch_shape, event_shape, validate_args=validate_args)

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> Any:
        new = self._new(_instance)
        new._categorical = self._categorical.expand(batch_shape)
        return super().expand(batch_shape, new)

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        uniform = clamp_probs(torch.rand(self._extended_shape(sample_shape), dtype=self.logits.dtype))
        gumbel = -((-(uniform.log())).log())
        scores = (self.logits + gumbel) / self.temperature
        return scores - scores.logsumexp(dim=-1, keepdim=True)

    def log_prob(self, value: Tensor) -> Tensor:
        k = self._categorical._num_events
        value = self._checked(value)
        logits, value = broadcast_all(self.logits, value)
        log_scale = torch.full_like(self.temperature, float(k)).lgamma() - self.temperature.log().mul(-(k - 1))
        scores = logits - value.mul(self.temperature)
        return (scores - scores.logsumexp(dim=-1, keepdim=True)).sum(-1) + log_scale


class RelaxedOneHotCategorical(Relaxed):
    """Distributions of probabilities that sum to 1, the nearer to a corner the lower the temperature (Gumbel-softmax).

    temperature    a tensor
    probs, logits  as for `Categorical`, one of the two
    Raises ValueError unless one of the two is given.
    Source: https://docs.pytorch.org/docs/stable/distributions.html#relaxedonehotcategorical
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    support = constraints.simplex

    def __init__(
        self,
        temperature: Tensor,
        probs: Tensor | None = None,
        logits: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        base = ExpRelaxedCategorical(temperature, probs, logits, validate_args=validate_args)
        super().__init__(base, ExpTransform(), validate_args=validate_args)
