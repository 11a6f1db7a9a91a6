"""The multinomial distribution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import minigrad as torch

from . import constraints
from .binomial import Binomial
from .categorical import Categorical
from .constraints import Constraint
from .of_categorical import OfCategorical
from .utils import broadcast_all

INTERNAL = True
Tensor = torch.Tensor


class Multinomial(OfCategorical):
    """Multinomial distributions: of `total_count` draws from a `Categorical`, how many went to each category.

    probs, logits  as for `Categorical`, one of the two
    Raises NotImplementedError for a count that is no int, ValueError for parameters that do not fit.
    Source: https://docs.pytorch.org/docs/stable/distributions.html#multinomial
    """

    def __init__(
        self,
        total_count: int = 1,
        probs: Tensor | None = None,
        logits: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        if not isinstance(total_count, int):
            raise NotImplementedError("inhomogeneous total_count is not supported")
        self.total_count = total_count
        self._categorical = Categorical(probs=probs, logits=logits)
        self._binomial = Binomial(total_count=total_count, probs=self.probs)
        event_shape = self._categorical.param_shape[-1:]
        super().__init__(self._categorical.batch_shape, event_shape, validate_args=validate_args)

    @constraints.dependent_property(is_discrete=True, event_dim=1)
    def support(self) -> Constraint:
        return constraints.multinomial(self.total_count)

    @property
    def mean(self) -> Tensor:
        return self.probs * self.total_count

    @property
    def variance(self) -> Tensor:
        return self.total_count * self.probs * (1 - self.probs)

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> Any:
        new = self._new(_instance)
        new._categorical = self._categorical.expand(batch_shape)
        new._binomial = self._binomial.expand((*batch_shape, *self._event_shape))
        return super().expand(batch_shape, new)

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        draws = self._categorical.sample((self.total_count, *sample_shape)).movedim(0, -1)
        counts = torch.zeros(self._extended_shape(sample_shape), dtype=torch.int64)
        return counts.scatter_add_(-1, draws, torch.ones_like(draws)).type_as(self.probs)

    def log_prob(self, value: Tensor) -> Tensor:
        value, logits = broadcast_all(self._checked(value), self.logits)
        logits = logits.masked_fill((value == 0) & (logits == -torch.inf), 0)
        log_factorials = torch.lgamma(value.sum(-1) + 1) - torch.lgamma(value + 1).sum(-1)
        return log_factorials + (logits * value).sum(-1)

    def entropy(self) -> Tensor:
        n = torch.tensor(self.total_count)
        counts = self._binomial.enumerate_support(expand=False)[1:]
        expected = (torch.exp(self._binomial.log_prob(counts)) * torch.lgamma(counts + 1)).sum([0, -1])
        return n * self._categorical.entropy() - torch.lgamma(n + 1) + expected
