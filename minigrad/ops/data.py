"""Numbers, nested lists and the like as arrays: the dtype that torch infers, what it refuses, and in which words.

Lists of Python's own numbers, which is nearly all, go straight to NumPy. Whatever else there is (tensors and NumPy's
numbers in lists, and mistakes) is read value by value, as torch does it.
Source: https://docs.pytorch.org/docs/stable/generated/torch.tensor.html and torch/csrc/utils/tensor_new.cpp of
https://github.com/pytorch/pytorch
"""

from __future__ import annotations

import math
import operator
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from .. import dtypes, messages
from ..dtypes import dtype
from ..layout import copy_array
from ..messages import type_name
from ..tensor import Tensor

INTERNAL = True
Array = np.ndarray[Any, Any]
NUMBERS = frozenset({bool, int, float})
LISTS = frozenset({list, tuple})
MOST_DIMS = 64  # of a NumPy array
FLOAT32, FLOAT64, INT64 = np.dtype(np.float32), np.dtype(np.float64), np.dtype(np.int64)


def array_of(data: Any, d: dtype | None = None) -> Array:
    """A new array of the values of `data`, in dtype `d` or the one that torch infers.

    Raises TypeError or RuntimeError for what is no number, ValueError for lists of unequal lengths, RuntimeError or
    ValueError for a number that does not fit.
    """
    kinds = number_types(data)
    if kinds is not None:
        quick = _quick(data, kinds, d)
        if quick is not None:
            return quick
    return _read(data, d)


def number_types(data: Any, depth: int = 0) -> set[type] | None:
    """The types of the numbers in nested lists; None if they hold anything else than Python's numbers."""
    if data.__class__ not in LISTS:
        return {data.__class__} if data.__class__ in NUMBERS else None
    kinds = set(map(type, data))
    if kinds <= NUMBERS:
        return kinds
    if not kinds <= LISTS or depth > MOST_DIMS:
        return None
    found: set[type] = set()
    for row in data:
        below = number_types(row, depth + 1)
        if below is None:
            return None
        found |= below
    return found


def _quick(data: Any, kinds: set[type], d: dtype | None) -> Array | None:
    """What NumPy makes of Python's numbers; None where torch's errors, or its care for each value, are called for."""
    try:
        if d is None:
            if int in kinds and float not in kinds:
                return np.array(data, INT64)
            d = dtypes.bool_ if bool in kinds and float not in kinds else dtypes.get_default_dtype()
        if d.kind == dtypes.FLOATING:
            # torch comes to float16 by way of float32
            made = np.array(data, FLOAT32 if d is dtypes.float16 else d.numpy)
            return made.astype(d.numpy) if d is dtypes.float16 else made
        if d.kind == dtypes.BOOL:
            return np.array(data, d.numpy)
        if float in kinds:
            return None
        made = np.array(data, INT64)
    except (ValueError, OverflowError):
        return None  # ragged, or too large: `_read` finds the place
    if made.size and not (fits(int(made.min()), d.numpy) and fits(int(made.max()), d.numpy)):
        return None
    return made.astype(d.numpy, copy=False)


def fits(value: float, d: np.dtype[Any]) -> bool:
    """Whether torch takes a number for dtype `d`: integers cut off fractions, unsigned ones wrap negative integers."""
    if d.kind == "b":
        return True
    least, least_integer, most = _LIMITS[d.char]
    if d.kind == "f":
        return least <= value <= most or not math.isfinite(value)
    return (least_integer if isinstance(value, int) else least) <= value <= most


def _limits(d: np.dtype[Any]) -> tuple[float, float, float]:
    """The least number, the least integer and the largest number that fit into a dtype."""
    if d.kind == "f":
        most = float(np.finfo(d).max)
        return -most, -most, most
    limits = np.iinfo(d)
    return int(limits.min), -int(limits.max) if d.kind == "u" else int(limits.min), int(limits.max)


_LIMITS = {d.char: _limits(d) for d in dtype.by_numpy if d.kind != "b"}


# Value by value


def _read(data: Any, d: dtype | None) -> Array:
    if isinstance(data, (str, bytes)):
        raise TypeError(messages.text_as_data(data))
    if hasattr(data, "__dlpack__") and not isinstance(data, (np.generic, Tensor)):  # another library's tensor
        array = np.asarray(data.detach() if hasattr(data, "detach") else data)
        return copy_array(array, (d or dtypes.from_numpy_dtype(array.dtype)).numpy)
    shape = _shape(data)
    if d is None:
        d = inferred_dtype(data)
    read = {dtypes.BOOL: _as_bool, dtypes.INTEGER: _as_integer, dtypes.FLOATING: _as_float}[d.kind]
    values = [read(leaf, d) for leaf in _leaves(data, shape, 0)] if 0 not in shape else []
    wide = {dtypes.BOOL: d.numpy, dtypes.INTEGER: INT64, dtypes.FLOATING: FLOAT64}[d.kind]
    return copy_array(np.array(values, wide), d.numpy).reshape(shape)


def _is_sequence(value: Any) -> bool:
    kind = type(value)
    if isinstance(value, (dict, set, frozenset, np.generic, Tensor)):
        return False
    return hasattr(kind, "__getitem__") and hasattr(kind, "__len__")


def _shape(data: Any) -> list[int]:
    """The lengths of `data`, of its first element, of the first element of that, and so on."""
    shape: list[int] = []
    while _is_sequence(data):
        shape.append(len(data))
        if len(shape) > MOST_DIMS:
            raise ValueError(f"too many dimensions '{type_name(data)}'")
        if not shape[-1]:
            break
        try:
            data = data[0]
        except KeyError:
            raise ValueError(f"could not determine the shape of object type '{type_name(data)}'") from None
    return shape


def inferred_dtype(data: Any) -> dtype:
    """The dtype that torch gives to `data`."""
    if isinstance(data, (str, bytes)):
        raise TypeError(messages.text_as_data(data))
    if isinstance(data, Tensor):
        return data.dtype
    if isinstance(data, (np.generic, np.ndarray)):
        return dtypes.from_numpy_dtype(data.dtype)
    if isinstance(data, (bool, int, float)):
        return dtypes.of_number(data)
    if not _is_sequence(data):
        advice = "A tensor holds numbers: give a number, nested lists of numbers, or a NumPy array."
        if isinstance(data, complex):
            advice = "minigrad has no complex numbers: give real ones."
        raise RuntimeError(f"Could not infer dtype of {type_name(data)}\n  {advice}")
    found: dtype | None = None
    for i in range(len(data)):
        of_element = inferred_dtype(data[i])
        found = of_element if found is None else dtypes.promote_types(found, of_element)
    return found or dtypes.get_default_dtype()


def _leaves(data: Any, shape: list[int], dim: int) -> Iterator[Any]:
    """The values in `data`, in order; the lists must have the lengths in `shape`."""
    if dim == len(shape):
        yield data
        return
    try:
        items = list(data.tolist() if isinstance(data, Tensor) else data)
    except TypeError:
        raise TypeError(
            f"not a sequence\n  In a place where others have a list of {shape[dim]} there is {data!r}."
        ) from None
    if len(items) != shape[dim]:
        raise ValueError(
            f"expected sequence of length {shape[dim]} at dim {dim} (got {len(items)})\n"
            "  All lists of one depth must be equally long: a tensor is a full block of numbers."
        )
    if any(isinstance(item, np.ndarray) for item in items):
        warnings.warn(
            "Creating a tensor from a list of numpy.ndarrays is extremely slow. Please consider converting the list "
            "to a single numpy.ndarray with numpy.array() before converting to a tensor.",
            UserWarning,
            stacklevel=2,
        )
    for item in items:
        yield from _leaves(item, shape, dim + 1)


def _as_float(value: Any, d: dtype) -> float:
    # What float() does, but for strings; torch's error for those is Python's own.
    return value if isinstance(value, float) else math.ldexp(value, 0)


def _as_integer(value: Any, d: dtype) -> int:
    number = value if isinstance(value, float) else operator.index(value)
    if not isinstance(value, float) and not -(2**63) <= number < 2**63:
        raise ValueError(f"Overflow when unpacking long long\n  {number} does not fit into 64 bits.")
    if not fits(number, d.numpy):
        raise RuntimeError(messages.does_not_fit(value, d.numpy, in_list=True))
    return int(number)


def _as_bool(value: Any, d: dtype) -> bool:
    return bool(value) if isinstance(value, (float, np.bool_)) else bool(operator.index(value))
