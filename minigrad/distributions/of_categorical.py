"""What distributions that are made of categorical ones share."""

from __future__ import annotations

from operator import attrgetter

import minigrad as torch

from . import constraints
from .categorical import Categorical
from .distribution import Distribution

INTERNAL = True
Tensor = torch.Tensor


class OfCategorical(Distribution):
    """Distributions of one number for each category of a `Categorical`, which is `_categorical`."""

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    _categorical: Categorical

    probs = property(attrgetter("_categorical.probs"), doc="The probabilities of the categories.")
    logits = property(attrgetter("_categorical.logits"), doc="Their logarithms.")

    @property
    def param_shape(self) -> torch.Size:
        """The shape of `probs`, and of `logits`."""
        return self._categorical.param_shape
