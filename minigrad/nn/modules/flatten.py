"""Layers that change the shape.

Source: https://docs.pytorch.org/docs/stable/nn.html#utilities
"""

from __future__ import annotations

from ...tensor import Tensor
from .applied import Applied

INTERNAL = True


class Flatten(Applied):
    """Lays dimensions out as one; all but the first, if not told otherwise."""

    function = staticmethod(Tensor.flatten)

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__(start_dim=start_dim, end_dim=end_dim)
