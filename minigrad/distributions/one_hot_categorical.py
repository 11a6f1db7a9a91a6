"""The categorical distribution, with its values as vectors of one 1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import minigrad as torch

from ..nn import functional as F
from . import constraints
from .categorical import Categorical
from .of_categorical import OfCategorical

INTERNAL = True
Tensor = torch.Tensor


class OneHotCategorical(OfCategorical):
    """Categorical distributions of vectors that are 1 at the category drawn, and 0 elsewhere.

    probs, logits  as for `Categorical`, one of the two
    Raises ValueError unless one of the two is given.
    Source: https://docs.pytorch.org/docs/stable/distributions.html#onehotcategorical
    """

    support = constraints.one_hot
    has_enumerate_support = True

    def __init__(
        self, probs: Tensor | None = None, logits: Tensor | None = None, validate_args: bool | None = None
    ) -> None:
        self._categorical = Categorical(probs, logits)
        event_shape = self._categorical.param_shape[-1:]
        super().__init__(self._categorical.batch_shape, event_shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.probs

    @property
    def mode(self) -> Tensor:
        return self._one_hot(self.probs.argmax(dim=-1))

    @property
    def variance(self) -> Tensor:
        return self.probs * (1 - self.probs)

    def _one_hot(self, index: Tensor) -> Tensor:
        return F.one_hot(index, self._event_shape[0]).to(self.probs.dtype)

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> Any:
        new = self._new(_instance)
        new._categorical = self._categorical.expand(batch_shape)
        return super().expand(batch_shape, new)

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        return self._one_hot(self._categorical.sample(sample_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        return self._categorical.log_prob(self._checked(value).max(-1)[1])

    def entropy(self) -> Tensor:
        return self._categorical.entropy()

    def enumerate_support(self, expand: bool = True) -> Tensor:
        n, batch = self._event_shape[0], self._batch_shape
        values = torch.eye(n, dtype=self._categorical._param.dtype).view((n, *(1,) * len(batch), n))
        return values.expand((n, *batch, n)) if expand else values


class OneHotCategoricalStraightThrough(OneHotCategorical):
    """`OneHotCategorical` distributions whose samples pass the gradient on to the probabilities as if they were these.

    Source: https://docs.pytorch.org/docs/stable/distributions.html#onehotcategorical; Y. Bengio, N. Léonard and
    A. Courville, "Estimating or propagating gradients through stochastic neurons for conditional computation", 2013
    """

    has_rsample = True

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        return self.sample(sample_shape) + (self.probs - self.probs.detach())
