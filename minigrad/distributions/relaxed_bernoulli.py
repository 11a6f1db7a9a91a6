"""The relaxed Bernoulli distribution."""

from __future__ import annotations

from collections.abc import Sequence

import minigrad as torch

from . import constraints
from .of_probability import OfProbability
from .relaxed import Relaxed
from .transforms import SigmoidTransform
from .utils import batch_shape_of, broadcast_all, clamp_probs

INTERNAL = True
Tensor = torch.Tensor


class LogitRelaxedBernoulli(OfProbability):
    """Distributions of the log odds of `RelaxedBernoulli` ones.

    Raises ValueError unless one of `probs` and `logits` is given.
    Source: https://arxiv.org/abs/1611.00712
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.real

    def __init__(
        self,
        temperature: Tensor,
        probs: Tensor | float | None = None,
        logits: Tensor | float | None = None,
        validate_args: bool | None = None,
    ) -> None:
        self.temperature = temperature
        self._check_one_given(probs, logits)
        (self.__dict__[self._given],) = broadcast_all(logits if probs is None else probs)
        super().__init__(batch_shape_of(self._param, probs, logits), validate_args=validate_args)

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        probs = clamp_probs(self.probs.expand(shape))
        uniform = clamp_probs(torch.rand(shape, dtype=probs.dtype))
        return (uniform.log() - (-uniform).log1p() + probs.log() - (-probs).log1p()) / self.temperature

    def log_prob(self, value: Tensor) -> Tensor:
        value = self._checked(value)
        logits, value = broadcast_all(self.logits, value)
        apart = logits - value.mul(self.temperature)
        return self.temperature.log() + apart - 2 * apart.exp().log1p()


class RelaxedBernoulli(Relaxed):
    """Distributions of numbers between 0 and 1, the nearer to one of them the lower the temperature.

    temperature    a tensor
    probs, logits  as for `Bernoulli`, one of the two
    Raises ValueError unless one of the two is given.
    Source: https://docs.pytorch.org/docs/stable/distributions.html#relaxedbernoulli
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.unit_interval

    def __init__(
        self,
        temperature: Tensor,
        probs: Tensor | float | None = None,
        logits: Tensor | float | None = None,
        validate_args: bool | None = None,
    ) -> None:
        base = LogitRelaxedBernoulli(temperature, probs, logits)
        super().__init__(base, SigmoidTransform(), validate_args=validate_args)
