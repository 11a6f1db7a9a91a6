"""Layers that change the shape.

Source: https://docs.pytorch.org/docs/stable/nn.html#utilities
"""

from __future__ import annotations

from typing import Any

from ...tensor import Tensor
from .applied import Applied

INTERNAL = True


class Flatten(Applied):
    """Lays dimensions out as one; all but the first, if not told otherwise."""

    function = staticmethod(Tensor.flatten)

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__(start_dim=start_dim, end_dim=end_dim)


def _unflattened(input: Tensor, dim: int, unflattened_size: Any) -> Tensor:
    return input.unflatten(dim, unflattened_size)


class Unflatten(Applied):
    """Lays one dimension out as several."""

    function = staticmethod(_unflattened)

    def __init__(self, dim: int, unflattened_size: Any) -> None:
        if not isinstance(unflattened_size, (tuple, list)):
            raise TypeError(
                f"unflattened_size must be a tuple of ints, but found type {type(unflattened_size).__name__}"
            )
        for i, n in enumerate(unflattened_size):
            if not isinstance(n, int):
                kind = type(n).__name__
                raise TypeError(f"unflattened_size must be tuple of ints, but found element of type {kind} at pos {i}")
        super().__init__(dim=dim, unflattened_size=unflattened_size)
