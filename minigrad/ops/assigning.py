"""`x[...] = value` as torch has it.

Where the index asks for a view, the value is copied into that; else it is put where the index arrays point.
Source: https://docs.pytorch.org/docs/stable/generated/torch.Tensor.index_put_.html
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import messages
from ..layout import copy_array
from ..memory import storage_of
from ..modes import is_grad_enabled
from ..tensor import Tensor
from .convert import cast, lost
from .indexing import located, own, picked
from .indices import EVERY, Array, Key, number_array, out_of_bounds, picked_shape
from .inplace import as_view, check_disjoint, check_graph, check_memory, copied, filled, old_value, write
from .options import as_int
from .shape import as_shape, expand
from .table import Op, op

INTERNAL = True


def _put(a: Array, b: Array, key: Key) -> Array:
    changed = a.copy()
    write_at(changed, key, b)
    return changed


put: Op = op("IndexPutBackward0", _put, a=lambda g, key: zeroed(g, key), b=lambda g, key: picked(g, key))
zeroed: Op = op(
    "IndexPutBackward0", lambda a, key: _put(a, np.zeros((), a.dtype), key), a=lambda g, key: zeroed(g, key)
)


def setitem(self: Tensor, index: Any, value: Any) -> None:
    """Write a number or a tensor, broadcast, over the elements at `index`; gradients flow to the tensor.

    Raises TypeError for other values, RuntimeError for shapes that do not broadcast or a leaf that requires grad, and
    what reading at `index` raises.
    """
    x = self._array
    if not isinstance(value, Tensor):
        if isinstance(value, (int, np.integer)):
            as_int(value)  # or an error: here all integers are to be int64
        value = Tensor._of(number_array(value, x.dtype, half_overflows=True))
    if index is False:
        return
    if index.__class__ is tuple and not index:
        index = ...
    t, key = located(self, None if index is True else index, value._array.size == 1)
    if key:
        put_(t, key, value)
        return
    x, y = t._array, value._array
    fills = x.ndim > 0 and not y.ndim
    if not fills and y.shape != x.shape:
        value = expand(_without_leading_ones(value), *x.shape)
    recorded = (fills or x.dtype.kind == "f") and check_graph(t, value)  # torch looks closely at what fills alone
    check_memory(t) if fills else check_memory(t, value)
    if recorded:
        before = old_value(t, x)
        write(t, filled.call(before, value.to(t.dtype)) if fills else copied(before, value))
    else:
        np.copyto(x, value._array if y.dtype == x.dtype else copy_array(value._array, x.dtype))
        _note_change(t, value)


def put_(t: Tensor, key: Key, value: Tensor) -> None:
    """Write `value` where `key` points in `t`."""
    x, y = t._array, value._array
    arrays = [k for k in key if k is not EVERY]
    fills = y.size == 1 and len(arrays) == 1 and arrays[0].dtype == bool
    recorded = check_graph(t, value)
    check_memory(t)
    value = _without_leading_ones(value)
    if fills:
        value = filling(value, t)
    else:
        check_disjoint(t, value)
    if recorded:
        made = put.call(old_value(t, x), value, own(key, t, value))
        made._origin.targets = (None, (value._array.shape, x.dtype))
        write(t, made)
    else:
        write_at(x, key, value._array)
        _note_change(t, value)


def filling(value: Tensor, t: Tensor) -> Tensor:
    """A 0-d tensor that is to fill places of `t`, in its dtype; torch's RuntimeError if it does not fit that."""
    x, y = t._array, value._array
    if y.dtype == x.dtype:
        return value
    number = number_array(y.item(), x.dtype)
    return cast(value, x.dtype) if x.dtype.kind == "f" else Tensor._of(number)


def check_takes_gradient(t: Tensor, value: Tensor) -> None:
    """Raise torch's error where `value`, which a gradient is wanted for, is to be in a result that has none."""
    if value.requires_grad and is_grad_enabled() and t._array.dtype.kind != "f":
        raise RuntimeError(f"Autograd not support dtype: {messages.TYPE_NAMES[t.dtype.name]}")


def _without_leading_ones(value: Tensor) -> Tensor:
    """`value` without its first dimensions as long as they have size 1: torch ignores them."""
    shape = value._array.shape
    ones = 0
    while ones < len(shape) and shape[ones] == 1:
        ones += 1
    return as_view(as_shape, value, shape[ones:]) if ones else value


def _note_change(t: Tensor, value: Tensor) -> None:
    """Count a change that was not recorded."""
    storage_of(t).bump()
    base = t if t._view is None else t._view.base
    if base._origin is None:
        base._origin = lost(value, "no_grad" if t._array.dtype.kind == "f" else "integer")


def write_at(x: Array, key: Key, value: Array) -> None:
    """`x[key] = value`; of several values for one place the last one stays. Raises torch's errors."""
    if value.dtype != x.dtype or not (x.size and value.size):
        check_put(x, key, value)  # NumPy is not as strict
    try:
        x[key] = value
        return
    except (IndexError, TypeError, ValueError):
        pass  # torch's error is raised without NumPy's above it
    check_put(x, key, value)


def check_put(x: Array, key: Key, value: Array) -> None:
    """Raise torch's error for `x[key] = value`, unless there is nothing to write: then it does not look at indices."""
    shape = picked_shape(x, key)
    extra = len(shape) - value.ndim
    if extra < 0 or any(n not in (1, shape[extra + i]) for i, n in enumerate(value.shape)):
        raise RuntimeError(
            f"shape mismatch: value tensor of shape {list(value.shape)} cannot be broadcast to indexing result of "
            f"shape {list(shape)}"
        )
    if value.dtype != x.dtype:
        names = [messages.TYPE_NAMES[y.dtype.name] for y in (x, value)]
        raise RuntimeError(
            f"Index put requires the source and destination dtypes match, got {names[0]} for the destination and "
            f"{names[1]} for the source."
        )
    if 0 not in shape:
        raise out_of_bounds(x, key)


def delitem(self: Tensor, index: Any) -> None:
    """Raise TypeError: elements of a tensor cannot be taken out."""
    raise TypeError("Tensor does not support deleting items")


for _name, _method in (("__setitem__", setitem), ("__delitem__", delitem)):
    setattr(Tensor, _name, _method)
