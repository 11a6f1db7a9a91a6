"""Elements picked, or covered, by their indices: `select`, `narrow`, `gather`, `take`, `masked_fill` and their like.

Source: https://docs.pytorch.org/docs/stable/torch.html#indexing-slicing-joining-mutating-ops
"""

from __future__ import annotations

from operator import index as as_index
from typing import Any

import numpy as np

from .. import dtypes, messages
from ..tensor import Tensor
from .assigning import check_takes_gradient, filling
from .convert import invalid_combination, lost
from .data import INT64
from .indexing import added, own, picked, select_at, sliced
from .indices import EVERY, Array, Key, check_bounds, number_array
from .inplace import as_view, broadcast_shape, change, check_graph
from .names import public, tensor_argument
from .options import integer
from .pointwise import keep
from .shape import insert_axis, spread
from .table import Op, op

INTERNAL = True
index_selected = picked.named("IndexSelectBackward0")
# These save their input too, as torch's do: to change it in place afterwards is an error at the backward pass.
gathered: Op = op("GatherBackward0", picked.forward, a=lambda g, a, key: added(g, a.shape, key))
taken, mask_selected = gathered.named("TakeBackward0"), gathered.named("MaskedSelectBackward0")
masked: Op = op(
    "MaskedFillBackward1",
    lambda a, b, mask: np.asarray(np.where(mask, b, a), order="C"),
    a=lambda g, mask: keep(g, ~mask),
    b=lambda g, mask: keep(g, mask),
    mask=None,
    numbers="promote",
)
masked_with_number = masked.named("MaskedFillBackward0")


def index_vector(index: Any, allowed: str, message: str) -> Array:
    """The array of an index tensor, as int64; RuntimeError, with `message`, for one of another dtype."""
    array: Array = index._array
    if array.dtype.char not in allowed:
        raise RuntimeError(message)
    return array.astype(INT64, copy=False)


# Views


@public()
def select(input: Tensor, dim: int, index: int) -> Tensor:
    """`input` at one index of dimension `dim`, which the result does not have: a view. IndexError out of bounds."""
    shape = tensor_argument(input, "select")._array.shape
    dim, index = integer("select", "dim", 1, dim), integer("select", "index", 2, index)
    if not shape:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    at = messages.checked_dim(dim, len(shape))
    if not -shape[at] <= index < shape[at]:
        raise IndexError(f"select(): index {index} out of range for tensor of size {list(shape)} at dimension {at}")
    return select_at(input, at, index)


@public()
def narrow(input: Tensor, dim: int, start: Any, length: int) -> Tensor:
    """`length` indices of dimension `dim`, from `start` (a number, or a 0-d integer tensor) on: a view."""
    shape = tensor_argument(input, "narrow")._array.shape
    if isinstance(start, Tensor) and (start._array.ndim or start._array.dtype.kind not in "iu"):
        raise RuntimeError("start must be an 0-dim integral Tensor.")
    if not all(isinstance(i, (int, np.integer, Tensor)) and not isinstance(i, bool) for i in (dim, start, length)):
        forms = "(int dim, Tensor start, int length)", "(int dim, int start, int length)"
        raise invalid_combination("narrow", (dim, start, length), {}, *forms)
    dim, start, length = as_index(dim), as_index(start), as_index(length)
    if not shape:
        raise RuntimeError("narrow() cannot be applied to a 0-dim tensor.")
    if length < 0:
        raise RuntimeError("narrow(): length must be non-negative.")
    at = messages.checked_dim(dim, len(shape))
    size = shape[at]
    if not -size <= start <= size:
        raise IndexError(f"start out of range (expected to be in range of [{-size}, {size}], but got {start})")
    start += size if start < 0 else 0
    if start + length > size:
        raise RuntimeError(f"start ({start}) + length ({length}) exceeds dimension size ({size}).")
    return as_view(sliced, input, (*(EVERY,) * at, slice(start, start + length)))


# Copies of what indices name


@public()
def index_select(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """`input` at several indices of dimension `dim`: a vector of int64 or int32, from 0 on."""
    array = tensor_argument(input, "index_select")._array
    tensor_argument(index, "index_select", "index", 2)
    at = messages.checked_dim(integer("index_select", "dim", 1, dim), array.ndim)
    if index._array.ndim > 1:
        raise IndexError("index_select(): Index is supposed to be a vector")
    if not array.ndim and index._array.size != 1:
        count = index._array.size
        raise RuntimeError(f"index_select(): Index to scalar can have only 1 value, got {count} value(s)")
    i = index_vector(index, "lqi", "index_select(): Expected dtype int32 or int64 for index").reshape(-1)
    size = array.shape[at] if array.ndim else 1
    if i.size and not size and array.ndim > 1:
        raise RuntimeError("index_select(): self indexing axis dim should be positive")
    wrong = i[(i < 0) | (i >= size)]
    if wrong.size and array.ndim > 1 and (at == 1 or not array.size):  # a path of its own in torch
        raise RuntimeError(f"INDICES element is out of DATA bounds, id={wrong[0]} axis_dim={size}")
    if wrong.size:
        raise IndexError(
            f"index out of range in self\n  Index {wrong[0]} is not among those of dimension {at}, 0 to {size - 1}."
        )
    if not array.ndim:
        return index_selected.call(as_view(insert_axis, input, 0), own((i.reshape(()),), input))
    return index_selected.call(input, own((*(EVERY,) * at, i), input))


@public()
def gather(input: Tensor, dim: int, index: Tensor, *, sparse_grad: bool = False) -> Tensor:
    """For every place in `index` (int64 or int32) the element of `input` whose index in `dim` stands there.

    The result has the shape of `index`, which is nowhere larger than `input` but in `dim`. Raises RuntimeError for an
    index out of bounds. `sparse_grad` makes no difference: gradients are dense.
    """
    array = tensor_argument(input, "gather")._array
    i = tensor_argument(index, "gather", "index", 2)._array
    at = messages.checked_dim(integer("gather", "dim", 1, dim), array.ndim)
    if i.size:
        i = index_vector(index, "lqi", "gather(): Expected dtype int32/int64 for index")
        _check_gather(array, i, at)
    if not array.ndim:
        input = as_view(insert_axis, input, 0)
    return gathered.call(input, own(key_along(i.astype(INT64, copy=False), at, input._array.ndim), input))


def key_along(i: Array, dim: int, ndim: int) -> Key:
    """The key of what stands, along `dim`, at the indices in `i`, and elsewhere at the place of the index itself."""
    key: list[Any] = [i] * ndim
    if i.size and ndim > 1:
        key = list(np.ogrid[tuple([slice(n) for n in i.shape])])
        key[dim] = i
    return tuple(key)


def _check_gather(array: Array, i: Array, at: int) -> None:
    if max(i.ndim, 1) != max(array.ndim, 1):
        column = "\n  For one element of each row, make it a column: index.unsqueeze(1)."
        advice = column if (i.ndim, array.ndim, at) == (1, 2, 1) else ""
        raise RuntimeError(f"Index tensor must have the same number of dimensions as input tensor{advice}")
    if array.ndim and i.ndim:
        for d, (n, size) in enumerate(zip(i.shape, array.shape, strict=True)):
            if d != at and n > size:
                raise RuntimeError(
                    f"Size does not match at dimension {d} expected index {list(i.shape)} to be no larger than self "
                    f"{list(array.shape)} apart from dimension {at}"
                )
    check_bounds(i, array.shape[at] if array.ndim else 1, at, RuntimeError)


@public()
def take_along_dim(input: Tensor, indices: Tensor, dim: int | None = None) -> Tensor:
    """The elements of `input` at `indices` (int64) in `dim`, broadcast together elsewhere; as `argsort` gives them.

    Without `dim` the indices are those of the flattened tensor. In `dim` they may be counted from the end.
    """
    x = tensor_argument(input, "take_along_dim")._array
    i = tensor_argument(indices, "take_along_dim", "indices", 2)._array
    if dim is None:
        return gather(input.view(-1), 0, indices.view(-1))
    if i.dtype != INT64:
        name = messages.TYPE_NAMES[indices.dtype.name]
        raise RuntimeError(f"torch.take_along_dim(): dtype of indices should be Long but got {name}")
    if x.ndim != i.ndim:
        raise RuntimeError(
            "torch.take_along_dim(): input and indices should have the same number of dimensions, but got "
            f"{x.ndim} dimensions for input, and {i.ndim} dimensions for indices"
        )
    at = messages.checked_dim(integer("take_along_dim", "dim", 2, dim), x.ndim)
    if not x.ndim:
        raise IndexError(f"Dimension specified as {at} but tensor has no dimensions")
    length = x.shape[at]
    i = np.where(i < 0, i + length, i)
    # What is looked for in `dim` does not broadcast.
    shape = broadcast_shape(np.empty((*x.shape[:at], i.shape[at], *x.shape[at + 1 :]), np.bool_), i)
    wanted = (*shape[:at], length, *shape[at + 1 :])
    whole = input if wanted == x.shape else spread.call(input, wanted)
    return gather(whole, at, Tensor._of(np.broadcast_to(i, shape)))


@public()
def take(input: Tensor, index: Tensor) -> Tensor:
    """The elements of `input`, seen as one row, at the indices (int64) in a tensor, in the shape of that."""
    array = tensor_argument(input, "take")._array
    tensor_argument(index, "take", "index", 2)
    name = messages.TYPE_NAMES[index.dtype.name]
    i = index_vector(index, "lq", f"take(): Expected a long tensor for index, but got {name}")
    if i.size and not array.size:
        raise IndexError("take(): tried to take from an empty tensor")
    wrong = (i < -array.size) | (i >= array.size)
    if wrong.any():
        raise IndexError(f"out of range: tried to access index {i[wrong][0]} on a tensor of {array.size} elements.")
    if not array.ndim:
        input = as_view(insert_axis, input, 0)
    shape = input._array.shape
    key = np.unravel_index(i % array.size, shape) if i.size else (i,) * len(shape)
    return taken.call(input, tuple([np.asarray(k, INT64) for k in key]))


@public()
def masked_select(input: Tensor, mask: Tensor) -> Tensor:
    """The elements of `input` where the bool tensor `mask`, broadcast together with it, holds: in one dimension."""
    x = tensor_argument(input, "masked_select")._array
    m = tensor_argument(mask, "masked_select", "mask", 2)._array
    if m.dtype.kind != "b":
        raise RuntimeError("masked_select: expected BoolTensor for mask")
    shape = broadcast_shape(m, x)
    key = (np.broadcast_to(m, shape),) if shape else (np.zeros(int(m), INT64),)
    whole = input if shape == x.shape else spread.call(input, shape)
    return mask_selected.call(whole if shape else as_view(insert_axis, input, 0), own(key, input))


@public()
def masked_fill(input: Tensor, mask: Tensor, value: Any) -> Tensor:
    """`input`, but `value` (a number or a 0-d tensor) where the bool tensor `mask` holds, broadcast together.

    Raises RuntimeError for a mask of another dtype, or a value that does not fit the dtype of `input`.
    """
    tensor_argument(input, "masked_fill")
    if not isinstance(mask, Tensor) or not (
        isinstance(value, (Tensor, int, float, complex)) or dtypes.is_numpy_number(value)
    ):
        forms = "(Tensor mask, Tensor value)", "(Tensor mask, Number value)"
        raise invalid_combination("masked_fill", (mask, value), {}, *forms)
    if mask._array.dtype.kind != "b":
        raise RuntimeError(messages.no_boolean_mask(mask.dtype))
    broadcast_shape(mask._array, input._array)
    if not isinstance(value, Tensor):
        number = value.item() if isinstance(value, np.generic) else value
        return masked_with_number.call(input, Tensor._of(number_array(number, input._array.dtype)), mask)
    if value._array.ndim:
        raise RuntimeError(
            "masked_fill_ only supports a 0-dimensional value tensor, but got tensor with "
            f"{value._array.ndim} dimension(s)."
        )
    check_takes_gradient(input, value)
    return masked.call(input, filling(value, input), mask)


@public(function=False)
def masked_fill_(self: Tensor, mask: Tensor, value: Any) -> Tensor:
    """`masked_fill`, written over this tensor; torch's error where that may not be done."""
    if isinstance(mask, Tensor):
        broadcast_shape(self._array, mask._array)
    if isinstance(value, Tensor) and value._storage is self._storage:
        value = value.clone()  # it may be an element of this tensor
    if isinstance(value, Tensor) and self._array.dtype.kind != "f":
        check_graph(self, value)
        value = Tensor._of(value._array)
    return change(masked_fill, self, mask, value)


# Where the elements are that are not zero


@public()
def nonzero(input: Tensor, *, as_tuple: bool = False) -> Any:
    """The indices of the elements that are not zero, a row each; with `as_tuple`, a vector per dimension."""
    array = tensor_argument(input, "nonzero")._array
    places = np.atleast_1d(array).nonzero()
    rows = np.array(places, INT64).reshape(len(places), -1)
    found = [Tensor._of(row) for row in rows] if as_tuple else [Tensor._of(rows[: array.ndim].T)]
    for result in found:
        result._origin = lost(input, "integer")
    return tuple(found) if as_tuple else found[0]
