"""`x[...]` as torch has it; `assigning.py` has `x[...] = value`.

Integers, slices, None and Ellipsis look at the same memory: one recorded view for each. Index tensors, masks and lists
copy. What an index means is what it means to NumPy, but for negative steps, which torch does not have.
Source: https://docs.pytorch.org/docs/stable/tensor_view.html, https://numpy.org/doc/stable/user/basics.indexing.html
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import index as as_index
from typing import Any

import numpy as np

from .. import messages
from ..modes import is_grad_enabled
from ..tensor import Tensor
from ..warning import warn
from .data import INT64
from .indices import EVERY, Array, Key, checked_key, index_array, laid_out, out_of_bounds, picked_shape
from .inplace import as_view, requires_grad
from .shape import insert_axis, part
from .table import Op, op

INTERNAL = True

# Operations


def _pick(a: Array, key: Key) -> Array:
    if not a.size:
        return np.empty(picked_shape(a, key), a.dtype)  # where NumPy would let an index pass that torch does not
    try:
        if a.flags.c_contiguous and key[-1].dtype == INT64 and all(k is EVERY for k in key[:-1]):
            taken: Array = a.take(key[-1], len(key) - 1)  # several times as fast as a[key]
            return taken
        return np.asarray(a[key], order="C")
    except IndexError:
        shape = picked_shape(a, key)
        if 0 in shape:  # where nothing is picked, torch does not look at the indices
            return np.empty(shape, a.dtype)
        raise out_of_bounds(a, key) from None


def _add_at(g: Array, shape: tuple[int, ...], key: Key) -> Array:
    total = np.zeros(shape, g.dtype)
    if not g.size:
        return total
    if len(key) == 1 and key[0].dtype == bool:
        total[key] = g
    elif len(key) == 1 and len(shape) > 1 and g.size > 1000:  # NumPy is several times as fast in one dimension
        width = total.size // shape[0]
        places = key[0].reshape(-1, 1) * width + np.arange(width)
        np.add.at(total.reshape(-1), places.reshape(-1), g.reshape(-1))
    else:
        np.add.at(total, key, g)
    return total


picked: Op = op("IndexBackward0", _pick, a=lambda g, a_shape, key: added(g, a_shape, key))
added: Op = op("IndexPutImplBackward0", _add_at, a=lambda g, key: picked(g, key))
selected, sliced = part.named("SelectBackward0"), part.named("SliceBackward0")
alias: Op = op("AliasBackward0", lambda a: a[...], a=lambda g: g)
# Single indices


def select_at(t: Tensor, dim: int, index: Any) -> Tensor:
    """`t` at one index, known to be in range, of one dimension."""
    return as_view(selected, t, (*(EVERY,) * dim, index, ...))


def _select(t: Tensor, dim: int, index: int, position: int) -> Tensor:
    """The same for an index that stood at `position`, once it is checked."""
    shape = t._array.shape
    size = shape[dim] if shape else 0
    if -size <= index < size:
        return select_at(t, dim, index)
    if not -(2**63) <= index < 2**63:
        raise ValueError("Overflow when unpacking long long")
    if not shape and index == 0:
        raise IndexError(
            "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in C++ to convert a "
            "0-dim tensor to a number"
        )
    raise IndexError(f"index {index} is out of bounds for dimension {position} with size {size}")


def _slice(t: Tensor, dim: int, index: slice, skip_whole: bool) -> Tensor:
    """`t` with one dimension sliced; with `skip_whole`, `t` itself where that changes nothing."""
    shape = t._array.shape
    length = shape[dim] if shape else 0
    start, stop, step = index.indices(length)
    if step < 0:
        raise ValueError(
            "step must be greater than zero\n"
            "  Unlike NumPy, torch has no views that run backwards. For a copy: x[torch.arange(len(x) - 1, -1, -1)]."
        )
    if not shape:
        raise IndexError("slice() cannot be applied to a 0-dim tensor.")
    if skip_whole and step == 1 and start == 0 and stop == length:
        # As torch sees it, only what was written as 0 and as a stop not below the length takes the whole.
        first, last = index.start or 0, length if index.stop is None else index.stop
        if as_index(first) == 0 and as_index(last) >= length:
            return t
    return as_view(sliced, t, (*(EVERY,) * dim, slice(start, stop, step)))


# Whole indices


def located(t: Tensor, index: Any, fills: bool = False) -> tuple[Tensor, Key]:
    """The view that `index` asks for, and what is to be picked from that: () for nothing.

    fills  whether one number is to be written there
    """
    if t._origin is None and t._view is None and index.__class__ is tuple:
        key, is_part = _basic_key(index)
        if key and not is_part and index == (EVERY,) * t._array.ndim:
            return t, ()
        try:
            if is_part or (key and t._array[key].shape != t._array.shape):  # else it may be `t` itself
                return as_view(part, t, key), ()  # nothing is recorded, so one view does for several
        except IndexError:
            pass  # what follows finds out what is wrong
    if isinstance(index, (int, np.integer)) and not isinstance(index, bool):
        return _select(t, 0, as_index(index), 0), ()
    if isinstance(index, slice):
        return _slice(t, 0, index, skip_whole=True), ()
    return _follow(t, _as_items(index), fills)


def _basic_key(index: Any) -> tuple[Key, bool]:
    """What NumPy takes for an index of integers and slices alone, () for any other; and if it surely is not the whole.

    To torch, a slice that is written with a start other than 0 never is.
    """
    is_part = False
    for i in index:
        if i.__class__ is int:
            is_part = True
        elif i.__class__ is slice and (i.step is None or (i.step.__class__ is int and i.step > 0)):
            is_part = is_part or bool(i.start)
        else:
            return (), False
    return (*index, ...), is_part


def _as_items(index: Any) -> Sequence[Any]:
    """What stands between the brackets, one by one; torch still takes some short lists for tuples, with a warning."""
    if isinstance(index, tuple):
        return index
    if isinstance(index, Sequence) and len(index) < 32:
        for item in index:
            if item is None or item is Ellipsis or isinstance(item, (Tensor, Sequence, slice, np.ndarray)):
                text = (
                    "Using a non-tuple sequence for multidimensional indexing is deprecated and will be changed in "
                    "pytorch 2.9; use x[tuple(seq)] instead of x[seq]. In pytorch 2.9 this will be interpreted as "
                    "tensor index, x[torch.tensor(seq)], which will result either in an error or a different result"
                )
                warn(text)
                return index
    return (index,)


def _dims_taken(item: Any) -> int:
    """How many dimensions torch expects `item` to index: one for a list, also where that is a mask of more."""
    if item.__class__ is int:
        return 1
    if isinstance(item, Tensor):
        return item._array.ndim if item._array.dtype.char in "?B" else 1
    return 0 if item is None or item is Ellipsis or item is True or item is False else 1


def _follow(t: Tensor, items: Sequence[Any], fills: bool) -> tuple[Tensor, Key]:
    """The views that `items` ask for, one after the other, and what is to be picked from the last: () for nothing."""
    ndim = t._array.ndim
    taken = [_dims_taken(item) for item in items]
    left = ndim - sum(taken)  # for the Ellipsis
    if left < 0:
        raise IndexError(f"too many indices for tensor of dimension {ndim}")
    arrays: list[Any] = []
    dim = 0
    for position, item in enumerate(items):
        if dim >= t._array.ndim and taken[position]:
            if item.__class__ is slice and item == EVERY:
                continue
            raise IndexError(f"too many indices for tensor of dimension {ndim}")
        skipped = 1
        if item.__class__ is int:
            t = _select(t, dim, item, position)
            continue
        if isinstance(item, slice):
            t = _slice(t, dim, item, skip_whole=True)
        elif item is None:
            t = as_view(insert_axis, t, messages.checked_dim(dim, t._array.ndim + 1))
        elif item is Ellipsis:
            skipped = left  # a second one skips as many again, as in torch, and what follows finds no dimension
        else:
            found = index_array(item)
            if found.__class__ is int or (found.ndim == 0 and found.dtype.char in "bhilq"):
                t = _select(t, dim, int(found), position)
                continue
            if found.ndim == 0 and found.dtype.char in "?B":  # a new dimension, there or not
                t = as_view(insert_axis, t, messages.checked_dim(dim, t._array.ndim + 1))
                found = np.zeros(1 if found else 0, INT64)
            arrays = arrays or [EVERY] * dim
            arrays.append(found)
            dim += found.ndim if found.dtype.char in "?B" else 1
            continue
        dim += skipped
        if arrays:
            arrays += [EVERY] * skipped
    while arrays and arrays[-1] is EVERY:
        arrays.pop()
    return t, checked_key(t._array.shape, arrays, fills)


# Reading


def getitem(self: Tensor, index: Any) -> Tensor:
    """The elements at `index`: a view for integers, slices, None and Ellipsis; a copy for tensors, masks and lists.

    Raises IndexError for an index that is out of bounds or none at all, ValueError for a step below 1.
    """
    kind = index.__class__
    if kind is int:
        return _select(self, 0, index, 0)
    if kind is slice:
        return _slice(self, 0, index, skip_whole=False)
    if kind is Tensor:
        x, i = self._array, index._array
        if i.dtype is INT64 and i.ndim == 1 and x.ndim and x.size and x.flags.c_contiguous:
            if self._origin is not None or self._view is not None:
                return picked.call(self, own((i,), self))
            try:
                return Tensor._of(x.take(i, 0))  # mini-batches come this way
            except IndexError:
                return picked.call(self, (i,))
    return getitem_by_operations(self, index)


def getitem_by_operations(self: Tensor, index: Any) -> Tensor:
    """The same by the operations of the table alone, without the short cuts for what is frequent."""
    if index.__class__ is slice:
        return _slice(self, 0, index, skip_whole=False)
    t, key = located(self, index)
    if key:
        made = picked.call(t, own(key, t))
        made._array = laid_out(made._array, t._array, key)
        return made
    return as_view(alias, self) if t is self else t


def own(key: Key, *tensors: Tensor) -> Key:
    """`key`, copied where a backward pass will need it: the index may be changed in place before."""
    if is_grad_enabled() and any(map(requires_grad, tensors)):
        return tuple([k if k is EVERY else k.copy() for k in key])
    return key


setattr(Tensor, "__getitem__", getitem)  # noqa: B010 - the name is of Python's, and typed elsewhere
