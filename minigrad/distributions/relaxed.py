"""What relaxed distributions share: near a discrete one, but with samples that a gradient flows through."""

from __future__ import annotations

import minigrad as torch

from .transformed_distribution import TransformedDistribution

INTERNAL = True
Tensor = torch.Tensor


class Relaxed(TransformedDistribution):
    """Distributions whose base has a temperature, and the parameters that count at temperature 0."""

    has_rsample = True

    @property
    def temperature(self) -> Tensor:
        """The temperature."""
        temperature: Tensor = self.base_dist.temperature
        return temperature

    @property
    def logits(self) -> Tensor:
        """The logarithms of the odds, or of the probabilities, at temperature 0."""
        logits: Tensor = self.base_dist.logits
        return logits

    @property
    def probs(self) -> Tensor:
        """The probabilities at temperature 0."""
        probs: Tensor = self.base_dist.probs
        return probs
