"""OfProbability: distributions that are given probabilities, or logits."""

from __future__ import annotations

from typing import Any

import minigrad as torch

from .distribution import Distribution
from .utils import lazy_property, logits_to_probs, probs_to_logits

INTERNAL = True
Tensor = torch.Tensor


class OfProbability(Distribution):
    """The base of distributions of which `probs` or `logits` are given, and the other computed when asked for."""

    _is_binary = True  # each logit is log odds, rather than the logarithm of one of several probabilities

    def _check_one_given(self, probs: Any, logits: Any) -> None:
        if (probs is None) == (logits is None):
            raise ValueError("Either `probs` or `logits` must be specified, but not both.")
        self._given = "logits" if probs is None else "probs"

    @lazy_property
    def probs(self) -> Tensor:
        """The probabilities."""
        return logits_to_probs(self.logits, self._is_binary)

    @lazy_property
    def logits(self) -> Tensor:
        """The log odds, or the logarithms of the probabilities."""
        return probs_to_logits(self.probs, self._is_binary)

    @property
    def _param(self) -> Tensor:
        return getattr(self, self._given)

    @property
    def param_shape(self) -> torch.Size:
        """The shape of `probs`, and of `logits`."""
        return self._param.size()

    def _values(self, count: int, dtype: Any, expand: bool) -> Tensor:
        """0, 1, ... along a first dimension, before those of the batch."""
        values = torch.arange(count, dtype=dtype).view((-1,) + (1,) * len(self._batch_shape))
        return values.expand((-1, *self._batch_shape)) if expand else values
