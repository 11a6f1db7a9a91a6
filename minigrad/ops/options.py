"""Reading what functions that make a tensor are called with: sizes, numbers, and the keywords that they share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import index as as_index
from typing import Any, TypedDict

import numpy as np

from .. import dtypes, messages
from ..dtypes import dtype
from ..engine import LEAF
from ..modes import is_grad_enabled
from ..tensor import Tensor
from .convert import copy_array, dtype_argument, type_name
from .inplace import overwrite

INTERNAL = True
Array = np.ndarray[Any, Any]


class Options(TypedDict, total=False):
    """The keywords; there is one `layout`, and nothing to pin. `out` receives the values, and is resized to them."""

    dtype: dtype | type | None
    layout: Any
    device: Any
    requires_grad: bool
    pin_memory: bool
    memory_format: Any
    out: Tensor | None


class SizeOptions(Options, total=False):
    """`Options`, and the size as a keyword."""

    size: Sequence[int]


_KNOWN = frozenset(SizeOptions.__annotations__)


def read_dtype(function: str, options: Mapping[str, Any]) -> dtype | None:
    """The dtype that the keywords ask for, if they do; raises torch's errors for those that are wrong."""
    if not options:
        return None
    for name in options:
        if name not in _KNOWN:
            raise TypeError(f"{function}() got an unexpected keyword argument '{name}'")
    requires_grad = options.get("requires_grad", False)
    if not isinstance(requires_grad, bool):
        raise TypeError(f"{function}(): argument 'requires_grad' must be bool, not {type_name(requires_grad)}")
    if options.get("device") is not None:
        dtypes.device(options["device"])
    asked = options.get("dtype")
    return None if asked is None else dtype_argument(asked, function)


def finished(function: str, array: Array, options: Mapping[str, Any]) -> Tensor:
    """A tensor over a new array, or `out` with its values; requiring grad if that is asked for."""
    if not options:
        return Tensor._of(array)
    out = options.get("out")
    t = Tensor._of(array) if out is None else _written(function, out, array, options.get("dtype"))
    if options.get("requires_grad"):
        if not t.is_floating_point():
            raise RuntimeError(
                "Only Tensors of floating point and complex dtype can require gradients\n"
                f"  This one is of {t.dtype}: leave out requires_grad, or ask for a floating dtype."
            )
        t._origin = LEAF
    return t


def _written(function: str, out: Any, array: Array, asked: Any) -> Tensor:
    if not isinstance(out, Tensor):
        raise TypeError(f"{function}(): argument 'out' must be Tensor, not {type_name(out)}")
    if out.requires_grad and is_grad_enabled():
        raise RuntimeError(
            f"aten::{function}(): functions with out=... arguments don't support automatic differentiation, but one "
            "of the arguments requires grad."
        )
    if asked is not None and dtype_argument(asked, function) is not out.dtype:
        names = messages.TYPE_NAMES[dtype_argument(asked, function).name], messages.TYPE_NAMES[out.dtype.name]
        raise RuntimeError(f"dtype {names[0]} does not match dtype of out parameter ({names[1]})")
    if out._array.shape != array.shape:
        out.data = Tensor._of(np.empty(array.shape, out._array.dtype))
    return overwrite(out, copy_array(array, out._array.dtype))


# Sizes and numbers


def checked_size(function: str, args: Sequence[Any], options: Mapping[str, Any]) -> Any:
    """The shape that ints, or one sequence of them, give; or torch's error."""
    if options and "size" in options:
        args = (options["size"], *args)
    shape = args[0] if len(args) == 1 and isinstance(args[0], (tuple, list)) else args
    for n in shape:
        if n.__class__ is not int or n < 0:
            return _unusual_size(function, args, shape)
    if not args:
        raise TypeError(f'{function}() missing 1 required positional arguments: "size"')
    return shape


def sequence(function: str, size: Any) -> Any:
    """The shape that one sequence of ints gives; or torch's error."""
    if not isinstance(size, (tuple, list)):
        raise _wrong_type(function, "size", 1, "tuple of ints", size)
    return checked_size(function, (size,), {})


def _unusual_size(function: str, args: Any, shape: Any) -> list[int]:
    lengths = []
    for i, n in enumerate(shape):
        length = int(n) if i and isinstance(n, bool) else as_int(n)  # torch looks closely at the first one only
        if length is None:
            raise TypeError(_no_size(function, args, shape, i))
        lengths.append(length)
    for n in lengths:
        if n < 0:
            raise RuntimeError(
                "zeros: Dimension size must be non-negative."
                if function == "zeros"
                else f"Trying to create tensor with negative dimension {n}: {lengths}"
            )
    return lengths


def _no_size(function: str, args: Any, shape: Any, i: int) -> str:
    """torch's words for element `i` of a shape that is no length."""
    start, kind = f"{function}(): argument 'size'", type_name(shape[i])
    if i:
        error = f"type must be tuple of ints,but got {kind}"
        return f'{start} failed to unpack the object at pos {i + 1} with error "{error}"'
    if shape is not args:
        return f"{start} (position 1) must be tuple of ints, but found element of type {kind} at pos 0"
    if len(args) > 1:
        return f"{function}() takes 1 positional argument but {len(args)} were given"
    return f"{start} (position 1) must be tuple of ints, not {kind}"


def _wrong_type(function: str, name: str, position: int, wanted: str, value: Any) -> TypeError:
    return TypeError(f"{function}(): argument '{name}' (position {position}) must be {wanted}, not {type_name(value)}")


def as_int(value: Any) -> int | None:
    """`value` if it counts as an int: Python's, NumPy's, or a tensor of one; None if it does not."""
    if isinstance(value, (bool, np.bool_)):
        return None
    try:
        return as_index(value)
    except TypeError:
        return None


def integer(function: str, name: str, position: int, value: Any) -> int:
    """`value` as an int, or torch's TypeError."""
    found = as_int(value)
    if found is None:
        raise _wrong_type(function, name, position, "int", value)
    return found


def number(function: str, name: str, position: int, value: Any) -> Any:
    """`value` as a Python number: Python's, NumPy's, or that of a 0-d tensor without gradient; or torch's error."""
    if value.__class__ is not int and value.__class__ is not float:
        if isinstance(value, Tensor) and not value.ndim and not value.requires_grad:
            value = value.item()
        if isinstance(value, np.generic) and value.dtype.kind in "biuf":
            value = int(value) if value.dtype.kind in "iu" else float(value)
        if not isinstance(value, (bool, int, float)):
            raise _wrong_type(function, name, position, "Number", value)
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        raise OverflowError("int too big to convert" if value > 0 else "can't convert negative int to unsigned")
    return value
