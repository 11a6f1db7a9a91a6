"""Rows of a table looked up by number: the vectors that words, or other classes, are learned as.

Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.embedding.html
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .inplace import like
from .pointwise import keep
from .reduction import array_of
from .table import Op, op

INTERNAL = True
Array = np.ndarray[Any, Any]


def _look_up(a: Array, b: Array) -> Array:
    if b.size and (b.min() < 0 or b.max() >= len(a)):
        wrong = b[(b < 0) | (b >= len(a))].flat[0]
        raise IndexError(f"index out of range in self\n  Index {wrong} is not among 0 to {len(a) - 1}.")
    return a.take(b, 0)


def _add_rows(a: Array, b: Array, count: int, padding: int, by_frequency: bool) -> Array:
    """Add to row b[i] of `count` rows what flows to the i-th that was looked up; never to row `padding`."""
    total = np.zeros((count, a.shape[-1]), a.dtype)
    rows, a = b.reshape(-1), a.reshape((b.size, a.shape[-1]))
    if padding >= 0:
        rows, a = rows[rows != padding], a[rows != padding]
    places = rows.reshape((-1, 1)) * a.shape[-1] + np.arange(a.shape[-1])  # NumPy is fastest in one dimension
    np.add.at(total.reshape(-1), places.reshape(-1), a.reshape(-1))
    if by_frequency:
        total /= np.maximum(np.bincount(rows, minlength=count), 1).astype(a.dtype).reshape((-1, 1))
    return total


def not_padding(g: Any, b: Any, padding: int) -> Any:
    """0 for what row `padding` was looked up for."""
    return keep(g, like((array_of(b) != padding)[..., None], g)) if padding >= 0 else g


looked_up: Op = op(
    "EmbeddingBackward0",
    lambda a, b, padding, by_frequency: _look_up(a, b),
    a=lambda g, a_shape, b, padding, by_frequency: rows_added(g, b, a_shape[0], padding, by_frequency),
    b=None,
)
rows_added: Op = op(
    "EmbeddingDenseBackwardBackward0",
    _add_rows,
    a=lambda g, b, count, padding, by_frequency: not_padding(
        looked_up(g / _frequencies(g, b, count) if by_frequency else g, b, padding, by_frequency), b, padding
    ),
    b=None,
)


def _frequencies(g: Any, b: Any, count: int) -> Any:
    """How often each row is looked up, a column beside `g`; 1 if never."""
    counts = np.maximum(np.bincount(array_of(b).reshape(-1), minlength=count), 1)
    return like(counts.astype(array_of(g).dtype).reshape((-1, 1)), g)
