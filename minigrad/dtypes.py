"""dtypes under torch's names, and torch's promotion: what dtype a result has when operands differ.

NumPy computes; this file decides in which dtype. Source: https://docs.pytorch.org/docs/stable/tensor_attributes.html
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import index
from typing import Any, ClassVar

import numpy as np

from .messages import type_name

BOOL, INTEGER, FLOATING = range(3)  # kinds, from narrow to wide


class dtype:
    """The type of a tensor's elements; one object per name, so that `is` compares them."""

    __slots__ = ("name", "numpy", "kind")
    by_numpy: ClassVar[dict[np.dtype[Any], dtype]] = {}

    def __init__(self, name: str, kind: int) -> None:
        self.name, self.numpy, self.kind = name, np.dtype(name), kind
        dtype.by_numpy[self.numpy] = self

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self) -> str:
        return "bool_" if self.name == "bool" else self.name

    @property
    def is_floating_point(self) -> bool:
        """Whether this is a floating dtype: the only kind that may require grad."""
        return self.kind == FLOATING

    @property
    def is_complex(self) -> bool:
        """Always False: minigrad has no complex dtypes."""
        return False

    @property
    def is_signed(self) -> bool:
        """Whether negative numbers can be represented."""
        return self.numpy.kind in "if"

    @property
    def itemsize(self) -> int:
        """Bytes per element."""
        return self.numpy.itemsize


bool_ = dtype("bool", BOOL)
uint8 = dtype("uint8", INTEGER)
int8 = dtype("int8", INTEGER)
int16 = dtype("int16", INTEGER)
int32 = dtype("int32", INTEGER)
int64 = dtype("int64", INTEGER)
float16 = dtype("float16", FLOATING)
float32 = dtype("float32", FLOATING)
float64 = dtype("float64", FLOATING)

_default = float32


def get_default_dtype() -> dtype:
    """The dtype that Python floats and factory functions get: `float32` until it is set."""
    return _default


def set_default_dtype(d: dtype, /) -> None:
    """Make floating dtype `d` the default; TypeError for any other kind."""
    global _default
    if not isinstance(d, dtype) or d.kind != FLOATING:
        raise TypeError("only floating-point types are supported as the default type")
    _default = d


def from_numpy_dtype(numpy_dtype: np.dtype[Any]) -> dtype:
    """The dtype of arrays of `numpy_dtype`; TypeError, in torch's words, where torch has none."""
    found = dtype.by_numpy.get(numpy_dtype) or dtype.by_numpy.get(numpy_dtype.newbyteorder("="))
    if found is None:
        supported = "float64, float32, float16, int64, int32, int16, int8, uint8, and bool"
        raise TypeError(
            f"can't convert np.ndarray of type {_numpy_type_name(numpy_dtype)}. "
            f"The only supported types are: {supported}."
        )
    return found


def _numpy_type_name(numpy_dtype: np.dtype[Any]) -> str:
    kind = numpy_dtype.type
    return f"{kind.__module__}.{kind.__name__}"


def is_numpy_number(value: Any) -> bool:
    """Whether `value` is a number of NumPy's; its text, dates and times are none, though their `item()` may be one."""
    return isinstance(value, np.generic) and value.dtype.kind in "biufc"


def is_number(value: Any) -> bool:
    """Whether `value` is a number of Python's or of NumPy's."""
    return isinstance(value, (int, float)) or is_numpy_number(value)


def python_number(value: np.generic) -> Any:
    """A number of NumPy's as Python's; to torch its bools are floats."""
    found = float(value) if value.dtype.kind == "b" else value.item()
    if value.dtype.kind == "u" and found >= 2**63:  # torch asks whether it is an int64, and then for a Python int
        raise TypeError(f"an integer is required\n  No int64 holds this uint64: give Python's number, {found}.")
    return found


def check_int(value: int) -> None:
    """Raise torch's error for an int that does not fit into 64 bits, with a sign or without."""
    if not -(2**63) <= value < 2**64:
        raise OverflowError("int too big to convert" if value > 0 else "can't convert negative int to unsigned")


def of_number(value: complex) -> dtype:
    """The dtype of a Python number: bool, int64, or the default floating dtype."""
    if isinstance(value, bool):
        return bool_
    if isinstance(value, (int, np.integer)):
        return int64
    return _default


def promote_types(type1: dtype, type2: dtype) -> dtype:
    """The smallest dtype that torch lets both of two dtypes become."""
    if type1 is type2:
        return type1
    if type1.kind != type2.kind:
        return type1 if type1.kind > type2.kind else type2
    return dtype.by_numpy[np.promote_types(type1.numpy, type2.numpy)]


def promote_ranked(with_dims: Iterable[dtype], zero_dims: Iterable[dtype], numbers: Iterable[dtype]) -> dtype:
    """torch's rule: 0-d tensors, and numbers after them, widen a result only to a wider kind."""
    result: dtype | None = None
    for group in (with_dims, zero_dims, numbers):
        best: dtype | None = None
        for d in group:
            best = d if best is None else promote_types(best, d)
        if result is None:
            result = best
        elif best is not None and (result.kind == BOOL or best.kind > result.kind):
            result = promote_types(result, best)
    if result is None:
        raise ValueError("promotion needs at least one operand")
    return result


def can_cast(from_: dtype, to: dtype) -> bool:
    """Whether torch converts `from_` to `to` without being asked: never to a narrower kind."""
    return from_.kind <= to.kind


class Size(tuple[int, ...]):
    """A tensor's shape: a tuple that prints as torch prints it."""

    __slots__ = ()

    def __new__(cls, sizes: Iterable[Any] = (), /) -> Size:
        """Sizes from an iterable of integers; TypeError for anything else in it."""
        found = tuple(sizes)
        for i, n in enumerate(found):
            if not hasattr(n, "__index__"):
                raise TypeError(f"torch.Size() takes an iterable of 'int' (item {i} is '{type(n).__name__}')")
        return tuple.__new__(cls, map(index, found))

    def __repr__(self) -> str:
        return f"torch.Size({list(self)})"

    def numel(self) -> int:
        """How many elements a tensor of this shape holds."""
        count = 1
        for n in self:
            count *= n
        return count

    def __add__(self, other: tuple[Any, ...]) -> Size:
        if not isinstance(other, tuple):
            raise TypeError(f"can only concatenate tuple (not {type(other).__name__}) to torch.Size")
        return Size(tuple(self) + other)

    def __radd__(self, other: Any) -> Any:
        return Size(other + tuple(self)) if isinstance(other, tuple) else NotImplemented

    def __mul__(self, times: Any) -> Size:
        return Size(tuple(self) * times)

    __rmul__ = __mul__

    def __getitem__(self, index: Any) -> Any:
        found = tuple.__getitem__(self, index)
        return Size(found) if isinstance(index, slice) else found


class finfo:
    """The limits of a floating dtype: `bits, eps, max, min, tiny, resolution` as Python numbers."""

    def __init__(self, type: dtype | None = None) -> None:
        type = _default if type is None else type
        if not isinstance(type, dtype):
            raise TypeError(f"finfo(): argument 'type' (position 1) must be torch.dtype, not {type_name(type)}")
        if not type.is_floating_point:
            raise TypeError(
                "torch.finfo() requires a floating point input type. Use torch.iinfo to handle 'torch.finfo'"
            )
        info = np.finfo(type.numpy)
        self.dtype, self.bits = type.name, int(info.bits)
        self.eps, self.max, self.min = float(info.eps), float(info.max), float(info.min)
        self.tiny = self.smallest_normal = float(info.tiny)
        self.resolution = float(info.resolution)

    def __repr__(self) -> str:
        names = ("resolution", "min", "max", "eps", "smallest_normal", "tiny")
        return f"finfo({', '.join(f'{n}={getattr(self, n):g}' for n in names)}, dtype={self.dtype})"


class iinfo:
    """The limits of an integer dtype: `bits, max, min` as Python numbers."""

    def __init__(self, type: dtype) -> None:
        if not isinstance(type, dtype):
            raise TypeError(f"iinfo(): argument 'type' (position 1) must be torch.dtype, not {type_name(type)}")
        if type is bool_:
            raise TypeError("torch.bool is not supported by torch.iinfo")
        if type.is_floating_point:
            raise TypeError("torch.iinfo() requires an integer input type. Use torch.finfo to handle 'torch.iinfo'")
        info = np.iinfo(type.numpy)
        self.dtype, self.bits = type.name, int(info.bits)
        self.max, self.min = int(info.max), int(info.min)

    def __repr__(self) -> str:
        return f"iinfo(min={self.min}, max={self.max}, dtype={self.dtype})"
