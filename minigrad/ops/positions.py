"""Indices as results: where elements are, which indices lie below a diagonal, and classes as rows of 0 and a 1.

Source: https://docs.pytorch.org/docs/stable/torch.html#indexing-slicing-joining-mutating-ops
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Unpack

import numpy as np

from .. import dtypes, messages
from ..tensor import Tensor
from .data import INT64
from .names import public, tensor_argument
from .options import Options, as_int, finished, integer, read_dtype
from .picking import nonzero

INTERNAL = True
Array = np.ndarray[Any, Any]


@public()
def argwhere(input: Tensor) -> Tensor:
    """The indices of the elements that are not zero, a row each."""
    return nonzero(tensor_argument(input, "argwhere"))


@public()
def nonzero_static(input: Tensor, *, size: int, fill_value: int = -1) -> Tensor:
    """The indices of the first `size` elements that are not zero, a row each; missing ones are `fill_value`."""
    size = integer("nonzero_static", "size", None, size)
    fill_value = integer("nonzero_static", "fill_value", None, fill_value)
    if size < 0:
        raise RuntimeError("nonzero_static: 'size' must be an non-negative integer")
    found = np.asarray(tensor_argument(input, "nonzero_static")._array)
    indices = np.stack(np.nonzero(found), axis=1)[:size] if found.ndim else np.empty((size, 0), INT64)
    made = np.full((size, found.ndim), fill_value, INT64)
    made[: len(indices)] = indices
    return Tensor._of(made)


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """For each class, an int64 from 0 on, a row of `num_classes` zeros (as many as it takes, for -1) with a 1 in it.

    Raises RuntimeError for another dtype, and for a class that is negative or not below `num_classes`.
    """
    classes = tensor_argument(tensor, "one_hot", "tensor")._array
    count = integer("one_hot", "num_classes", 2, num_classes)
    if classes.dtype != INT64:
        raise RuntimeError(
            "one_hot is only applicable to index tensor of type LongTensor.\n"
            f"  This one is of {tensor.dtype}: convert it, x.long()."
        )
    if not classes.size and count <= 0:
        raise RuntimeError("Can not infer total number of classes from empty tensor.")
    if classes.size and classes.min() < 0:
        raise RuntimeError("Class values must be non-negative.")
    if count == -1:
        count = int(classes.max()) + 1
    elif classes.size and classes.max() >= count:
        raise RuntimeError(
            "Class values must be smaller than num_classes.\n"
            f"  The largest class is {classes.max()}: it takes {classes.max() + 1} classes."
        )
    return Tensor._of((classes[..., None] == np.arange(count)).astype(INT64, order="C"))


@public(method=False)
def unravel_index(indices: Tensor, shape: Any) -> tuple[Tensor, ...]:
    """The coordinates, in a tensor of this shape, of indices that count through all of its elements."""
    kind = tensor_argument(indices, "unravel_index", "indices").dtype
    if kind.kind != dtypes.INTEGER:
        raise TypeError(f"expected 'indices' to be integer dtype, but got {kind!r}")
    sizes = (as_int(shape),) if as_int(shape) is not None else tuple(map(as_int, shape))
    if not all(isinstance(n, int) for n in sizes):
        raise TypeError(f"expected 'shape' to be int or sequence of ints, but got {messages.type_name(shape)}")
    if any(n < 0 for n in sizes):  # type: ignore[operator]
        raise ValueError(f"'shape' cannot have negative values, but got {sizes}")
    left, found = indices._array.astype(INT64), np.empty((*indices.shape, len(sizes)), INT64)
    for i in reversed(range(len(sizes))):
        found[..., i], left = left % sizes[i], left // sizes[i]  # type: ignore[operator]
    return tuple([Tensor._of(found[..., i]) for i in range(len(sizes))])


def _triangle(name: str, row: Any, col: Any, offset: Any, part: Callable[..., Any], options: Any) -> Tensor:
    rows, columns = integer(name, "row", 1, row), integer(name, "col", 2, col)
    shift = integer(name, "offset", 3, offset)
    for word, n in (("row", rows), ("col", columns)):
        if n < 0:
            raise RuntimeError(f"{word} must be non-negative, got{n}")
    d = read_dtype(name, options) or dtypes.int64
    if d.kind != dtypes.INTEGER:
        raise NotImplementedError(messages.not_implemented(name, d))
    return finished(name, np.array(part(rows, shift, columns)).astype(d.numpy), options)


@public(method=False)
def tril_indices(row: Any, col: Any, offset: Any = 0, **options: Unpack[Options]) -> Tensor:
    """The indices on and below a diagonal of a matrix, `offset` above the main one: rows first, then columns."""
    return _triangle("tril_indices", row, col, offset, np.tril_indices, options)


@public(method=False)
def triu_indices(row: Any, col: Any, offset: Any = 0, **options: Unpack[Options]) -> Tensor:
    """The indices on and above a diagonal of a matrix, `offset` above the main one: rows first, then columns."""
    return _triangle("triu_indices", row, col, offset, np.triu_indices, options)


def repeated_indices(repeats: Tensor, output_size: int | None) -> Tensor:
    """Each index of a vector as often as its element says; torch's errors for what cannot say so."""
    counts = repeats._array
    if counts.ndim != 1:
        raise RuntimeError("repeat_interleave only accept 1D vector as repeat")
    if counts.dtype.char not in "lqi":
        raise NotImplementedError(messages.not_implemented("repeat_interleave_cpu", repeats.dtype))
    if (counts < 0).any():
        raise RuntimeError("repeats can not be negative")
    if output_size is not None and counts.sum() != output_size:
        raise RuntimeError("allocated size does not match required size")
    return Tensor._of(np.repeat(np.arange(counts.size, dtype=counts.dtype), counts))
