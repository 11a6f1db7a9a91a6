"""What an index means: index arrays and masks brought into one form, and what is wrong with them in torch's words.

Source: https://numpy.org/doc/stable/user/basics.indexing.html and aten/src/ATen/native/IndexingUtils.h of
https://github.com/pytorch/pytorch
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import index as as_index
from typing import Any

import numpy as np

from .. import dtypes, messages
from ..layout import copy_array, empty_in_order, memory_order
from ..tensor import Tensor
from ..warning import warn
from .data import INT64, array_of, fits, inferred_dtype, number_types

INTERNAL = True
Array = np.ndarray[Any, Any]
Key = tuple[Any, ...]  # what NumPy takes between the brackets: EVERY, arrays of int64, and masks
EVERY = slice(None)

# What stands between the brackets


def index_array(item: Any) -> Any:
    """An index as an array (0-d for a bool) or an int; torch's error for what cannot be one."""
    if isinstance(item, Tensor):
        return item._array
    if isinstance(item, bool):
        return np.asarray(item)
    if isinstance(item, np.ndarray):
        if any(s < 0 for s in item.strides):
            raise ValueError(messages.negative_strides())
        if item.dtype.kind not in "biuf" or not item.dtype.isnative:
            dtypes.from_numpy_dtype(item.dtype)
        found = item
    elif isinstance(item, Sequence):
        found = _array_of_list(list(item) if isinstance(item, range) else item)
    else:
        try:
            return as_index(item)
        except TypeError:
            raise IndexError(
                "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices "
                f"(got {messages.type_name(item)})"
            ) from None
    return found if found.dtype.char in "?B" else found.astype(INT64, copy=False)


def _array_of_list(items: Any) -> Array:
    """A list as torch takes it for an index: bools for a mask, all other numbers cut down to integers."""
    kinds = number_types(items)
    if kinds is None and inferred_dtype(items) in (dtypes.bool_, dtypes.uint8):
        return array_of(items)
    return array_of(items, dtypes.bool_ if kinds == {bool} else dtypes.int64)


def checked_key(shape: tuple[int, ...], arrays: list[Any], fills: bool = False) -> Key:
    """`arrays` as NumPy takes them; torch's error for a wrong dtype, or a mask of another shape than what it masks.

    fills  whether one number is to be written there: if there is but a mask, torch fills it, which no byte mask may be
    """
    key: list[Any] = []
    masked = fills and len([k for k in arrays if k is not EVERY]) == 1
    if any(k is not EVERY and k.dtype.char not in "lqi?B" for k in arrays):
        raise IndexError("tensors used as indices must be long, int, byte or bool tensors")
    dim = 0
    for k in arrays:
        if k is EVERY or k.dtype.char not in "?B":
            key.append(k if k is EVERY else k.astype(INT64, copy=False))
            dim += 1
            continue
        if k.dtype.char == "B" and not masked:
            text = "indexing with dtype torch.uint8 is now deprecated, please use a dtype torch.bool instead."
            warn(text)
        for i, n in enumerate(k.shape):
            if n != shape[messages.checked_dim(dim + i, len(shape))]:
                raise IndexError(
                    f"The shape of the mask {list(k.shape)} at index {i} does not match the shape of the indexed "
                    f"tensor {list(shape)} at index {dim + i}"
                )
        if k.dtype.char == "B" and masked:
            raise RuntimeError(messages.no_boolean_mask(dtypes.uint8))
        key.append(k.astype(bool, copy=False))
        dim += k.ndim
    return tuple(key)


# Where picked elements come from, and where they go


def _by_dim(key: Key) -> dict[int, Array]:
    """The index arrays by the dimension that each indexes; for a mask the places that it marks."""
    found: dict[int, Array] = {}
    dim = 0
    for k in key:
        for array in () if k is EVERY else k.nonzero() if k.dtype == bool else (k,):
            found[dim] = array
            dim += 1
        dim += k is EVERY
    return found


def _arranged(a: Array, by_dim: dict[int, Array]) -> tuple[list[int], tuple[int, ...], list[int]]:
    """What a result's sizes are: of dimensions of `a`, then of the index arrays together, then of the others."""
    shapes = [k.shape for k in by_dim.values()]
    try:
        together = np.broadcast_shapes(*shapes)
    except ValueError:
        text = ", ".join([str(list(s)) for s in shapes])
        raise IndexError(
            f"shape mismatch: indexing tensors could not be broadcast together with shapes {text}"
        ) from None
    if 0 in [a.shape[d] for d in by_dim] and 0 not in together:
        raise IndexError("index is out of bounds for dimension with size 0")
    first, adjacent = min(by_dim), max(by_dim) - min(by_dim) < len(by_dim)
    before = list(range(first)) if adjacent else []
    return before, together, [d for d in range(a.ndim) if d not in by_dim and d not in before]


def picked_shape(a: Array, key: Key) -> tuple[int, ...]:
    """The shape of `a[key]`; torch's IndexError where the index arrays do not fit together."""
    before, together, after = _arranged(a, _by_dim(key))
    return (*[a.shape[d] for d in before], *together, *[a.shape[d] for d in after])


def out_of_bounds(a: Array, key: Key) -> IndexError:
    """torch's error for the first index that is out of bounds, where one is known to be."""
    by_dim = _by_dim(key)
    sizes = [a.shape[d] for d in by_dim]
    together = zip(*[k.flat for k in np.broadcast_arrays(*by_dim.values())], strict=True)
    index, dim, size = next(
        (index, dim, size)
        for indices in together
        for dim, (index, size) in enumerate(zip(indices, sizes, strict=True))
        if not -size <= index < size
    )
    return IndexError(f"index {index} is out of bounds for dimension {dim} with size {size}")


def check_bounds(i: Array, size: int, dim: int, error: type[Exception], start: str = "", *, least: int = 0) -> None:
    """Raise torch's error for the first of the indices `i` into a dimension that is not in [least, size)."""
    wrong = (i < least) | (i >= size)
    if wrong.any():
        raise error(f"{start}index {i[wrong][0]} is out of bounds for dimension {dim} with size {size}")


def laid_out(result: Array, a: Array, key: Key) -> Array:
    """`result`, picked from `a`, with its dimensions in memory in the order that torch gives them."""
    falling = sorted(a.strides, reverse=True) == list(a.strides)
    if falling and all(k is EVERY or k.ndim < 2 or k.flags.c_contiguous for k in key):
        return result
    by_dim = _by_dim(key)
    before, together, after = _arranged(a, by_dim)
    strides = [(*[a.strides[d] for d in before], *[0] * len(together), *[a.strides[d] for d in after])]
    for k in by_dim.values():
        spread = np.broadcast_to(k, together).reshape((1,) * len(before) + together + (1,) * len(after))
        of_result = zip(spread.strides, spread.shape, result.shape, strict=True)
        strides.append(tuple([stride if m == n else 0 for stride, m, n in of_result]))
    made = empty_in_order(result.shape, memory_order(result.shape, *strides), result.dtype)
    np.copyto(made, result)
    return made


# Numbers to be written among other elements


def number_array(value: Any, d: np.dtype[Any], half_overflows: bool = False) -> Array:
    """A number that is to be written among elements of dtype `d`, as an array of that; torch's error for what is none.

    half_overflows  whether what is too large for float16 becomes infinite, as it does in `x[0] = value`
    """
    if value.__class__ is float and d.kind == "f" and -6e4 < value < 6e4:
        return np.array(value, d)
    if isinstance(value, complex) and not value.imag:
        value = value.real
    if isinstance(value, np.integer) and value.dtype.kind in "iu":  # np.timedelta64 is one of them, too
        value = dtypes.python_number(value)
    if not isinstance(value, (bool, int, float, complex)):
        raise TypeError(
            f"can't assign a {messages.type_name(value)} to a torch.{messages.TYPE_NAMES[d.name]}Tensor\n"
            "  Make it a tensor first: torch.tensor(...)."
        )
    if isinstance(value, int):
        dtypes.check_int(value)
    if d.kind == "b":
        return np.array(bool(value))
    if isinstance(value, complex) or not (fits(value, d) or (half_overflows and d.char == "e")):
        raise RuntimeError(messages.does_not_fit(value, d))
    return copy_array(np.array(int(value) if d.kind in "iu" else value), d)
