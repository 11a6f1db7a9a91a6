"""What relaxed distributions share: near a discrete one, but with samples that a gradient flows through."""

from __future__ import annotations

from operator import attrgetter

import minigrad as torch

from .transformed_distribution import TransformedDistribution

INTERNAL = True
Tensor = torch.Tensor


class Relaxed(TransformedDistribution):
    """Distributions whose base has a temperature, and the parameters that count at temperature 0."""

    has_rsample = True

    temperature = property(attrgetter("base_dist.temperature"), doc="The temperature.")
    logits = property(
        attrgetter("base_dist.logits"), doc="The logarithms of the odds, or of the probabilities, at temperature 0."
    )
    probs = property(attrgetter("base_dist.probs"), doc="The probabilities at temperature 0.")
