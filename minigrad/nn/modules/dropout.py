"""Layers that drop values at random while training, and hand their input on when not.

Source: https://docs.pytorch.org/docs/stable/nn.html#dropout-layers
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from ...tensor import Tensor
from .. import functional as F
from .module import Module

INTERNAL = True


class _Dropout(Module):
    function: ClassVar[Callable[..., Any]]

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        if p < 0 or p > 1:
            raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
        self.p, self.inplace = p, inplace

    def forward(self, input: Tensor) -> Any:
        """The input, some of it dropped while training."""
        return self.function(input, self.p, self.training, self.inplace)

    def extra_repr(self) -> str:
        """The probability, and whether it works in place."""
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(_Dropout):
    """Sets elements to zero with probability p, and divides the others by 1 - p."""

    function = staticmethod(F.dropout)


class Dropout1d(_Dropout):
    """Sets whole channels of sequences to zero with probability p."""

    function = staticmethod(F.dropout1d)


class Dropout2d(_Dropout):
    """Sets whole channels of images to zero with probability p."""

    function = staticmethod(F.dropout2d)


class Dropout3d(_Dropout):
    """Sets whole channels of volumes to zero with probability p."""

    function = staticmethod(F.dropout3d)


class FeatureAlphaDropout(_Dropout):
    """Drops whole channels so that mean and variance stay, for networks of SELU."""

    function = staticmethod(F.feature_alpha_dropout)


class AlphaDropout(_Dropout):
    """Drops values so that mean and variance stay, for networks of SELU."""

    function = staticmethod(F.alpha_dropout)
