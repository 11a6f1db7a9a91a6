"""Bags: rows of a table looked up by number, and of each bag of numbers the sum, the mean or the largest elements.

Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.embedding_bag.html
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .embeddings import looked_up, not_padding, rows_added
from .half import in_single
from .indexing import added
from .indices import Key
from .inplace import like
from .pointwise import keep
from .reduction import array_of
from .table import Op, op

INTERNAL = True
Array = np.ndarray[Any, Any]

# `a` is the table, `b` holds the numbers of rows, `c` how much each counts, and `d` which bag each is in


def _sum_bags(
    a: Array, b: Array, c: Array, d: Array, count: int, padding: int, by_frequency: bool, mean: bool
) -> Array:
    if a.dtype.char == "e":
        return in_single(_sum_bags, a, b, c, d, count, padding, by_frequency, mean)
    rows = not_padding(a.take(b, 0) * c.reshape((-1, 1)), b, padding)
    total: Array = rows_added.forward(rows, d, count, -1, False)
    return total / _sizes(total, b, d, count, padding) if mean else total


def _sizes(g: Any, b: Any, d: Any, count: int, padding: int) -> Any:
    """How many rows, which are not the padding, each bag has, a column beside `g`; 1 if none."""
    numbers = array_of(d)[array_of(b) != padding]
    sizes = np.maximum(np.bincount(numbers, minlength=count), 1)
    return like(sizes.astype(array_of(g).dtype).reshape((-1, 1)), g)


def _to_each(g: Any, b: Any, d: Any, count: int, padding: int, mean: bool) -> Any:
    """What flows to each row that was looked up, if it counts once, and is not the padding."""
    return looked_up(g / _sizes(g, b, d, count, padding) if mean else g, d, -1, False)


# As torch does, it saves `c` whichever gradient is wanted.
bag_sum: Op = op(
    "EmbeddingBagBackward0",
    _sum_bags,
    a=lambda g, a_shape, b, c, d, count, padding, by_frequency, mean: rows_added(
        _to_each(g, b, d, count, padding, mean) * c.reshape((-1, 1)), b, a_shape[0], padding, by_frequency
    ),
    b=None,
    c=lambda g, a, b, c, d, count, padding, mean: not_padding(
        _to_each(g, b, d, count, padding, mean) * looked_up(a, b, -1, False), b, padding
    ).sum(-1),
    d=None,
)
bag_max: Op = op(
    "EmbeddingBagBackward0",
    lambda a, key, filled: np.where(filled, a[key], a.dtype.type(0)),
    a=lambda g, a_shape, key, filled: added(keep(g, like(filled, g)), a_shape, key),
)


def largest(a: Array, b: Array, d: Array, count: int) -> tuple[Key, Array]:
    """Which elements of `a` are the largest of each bag, the first of equal ones, and which bags have any.

    As in torch, which compares each with the largest until then, NaN is the largest if it is the first.
    """
    sizes = np.bincount(d, minlength=count)
    starts = np.cumsum(sizes) - sizes
    table = np.full((count, max(sizes.max(initial=0), 1), a.shape[1]), -np.inf, a.dtype)
    table[d, np.arange(len(b)) - starts[d]] = a[b]
    absent = np.isnan(table)
    table[absent] = -np.inf
    table[:, 0][absent[:, 0]] = np.inf
    places = starts[:, None] + table.argmax(1)
    rows = np.append(b, 0)[np.where(sizes[:, None], places, len(b))]
    return (rows, np.arange(a.shape[1])), sizes[:, None] > 0
