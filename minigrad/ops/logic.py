"""Comparisons and logic: their results are bools (or integers), through which no gradient flows."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import dtypes, messages
from ..engine import Lost
from ..tensor import Tensor
from .inplace import broadcast_shape
from .names import attach, named, public, tensor_argument
from .reduction import reduced_dims
from .table import operands

INTERNAL = True


def integers(array: Any, input: Tensor, name: str) -> Tensor:
    """A result of integers or bools, which no gradient flows through."""
    result = Tensor._of(array)
    if input._origin is not None:
        result._origin = Lost(f"{name}() gives {result.dtype}, which no gradient flows through")
    return result


def _compare(name: str, ufunc: Any, input: Any, other: Any) -> Any:
    found = operands(input, other, "promote")
    if found is NotImplemented:
        return found
    a, b, x, y = found
    try:
        array = ufunc(x, y)
    except ValueError as error:
        raise messages.misfit(error, x, y) from None
    except TypeError:
        broadcast_shape(x, y)
        raise NotImplementedError(
            f"\"{name}_cpu\" not implemented for '{messages.TYPE_NAMES[dtypes.from_numpy_dtype(x.dtype).name]}'"
        ) from None
    return integers(array, a if a._origin is not None else b, name)


def _offer(name: str, ufunc: Any, doc: str, *aliases: str) -> Any:
    """The function, the method, the in-place twin and an operator's method for one comparison."""

    def function(input: Tensor, other: Any) -> Tensor:
        if isinstance(other, np.ndarray) or name.startswith("logical"):
            tensor_argument(other, name, "other", 2)
        if name.startswith("bitwise") and isinstance(other, Tensor) and dtypes.is_number(input):
            input, other = other, input  # these three commute
        result = _compare(name, ufunc, tensor_argument(input, name), other)
        return tensor_argument(other, name, "other", 2) if result is NotImplemented else result

    def operator(self: Tensor, other: Any) -> Any:
        if name in ("lt", "le", "gt", "ge") and isinstance(other, np.ndarray):
            return NotImplemented
        return _compare(name, ufunc, self, other)

    public(*aliases, in_place=True)(named(function, name, doc))
    return operator


_OPERATORS = {
    "__eq__": _offer("eq", np.equal, "Where `input == other`."),
    "__ne__": _offer("ne", np.not_equal, "Where `input != other`.", "not_equal"),
    "__lt__": _offer("lt", np.less, "Where `input < other`.", "less"),
    "__le__": _offer("le", np.less_equal, "Where `input <= other`.", "less_equal"),
    "__gt__": _offer("gt", np.greater, "Where `input > other`.", "greater"),
    "__ge__": _offer("ge", np.greater_equal, "Where `input >= other`.", "greater_equal"),
    "__and__": _offer("bitwise_and", np.bitwise_and, "`input & other`, bit by bit; of bools, whether both hold."),
    "__or__": _offer("bitwise_or", np.bitwise_or, "`input | other`, bit by bit; of bools, whether one holds."),
    "__xor__": _offer("bitwise_xor", np.bitwise_xor, "`input ^ other`, bit by bit; of bools, whether they differ."),
}
_OPERATORS |= {f"__r{name[2:]}": _OPERATORS[name] for name in ("__and__", "__or__", "__xor__")}
for _name, _operator in _OPERATORS.items():
    setattr(Tensor, _name, _operator)
_offer("logical_and", np.logical_and, "Where both are not zero.")
_offer("logical_or", np.logical_or, "Where at least one is not zero.")
_offer("logical_xor", np.logical_xor, "Where just one is not zero.")


@public(in_place=True)
def logical_not(input: Tensor) -> Tensor:
    """Where an element is zero."""
    return integers(np.logical_not(tensor_argument(input, "logical_not")._array), input, "logical_not")


@public(in_place=True)
def bitwise_not(input: Tensor) -> Tensor:
    """`~input`: every bit, or bool, turned over."""
    if tensor_argument(input, "bitwise_not").dtype.kind == dtypes.FLOATING:
        raise NotImplementedError(f"\"bitwise_not_cpu\" not implemented for '{messages.TYPE_NAMES[input.dtype.name]}'")
    return integers(np.invert(input._array), input, "bitwise_not")


def _inverted(self: Tensor) -> Tensor:
    """`~self`: every bit, or bool, turned over."""
    if self.dtype.kind == dtypes.FLOATING:
        raise TypeError("~ (operator.invert) is only implemented on integer and Boolean-type tensors")
    return bitwise_not(self)


attach(__invert__=_inverted)


def _close(name: str, input: Any, other: Any, rtol: float, atol: float, equal_nan: bool) -> Any:
    if tensor_argument(input, name).dtype is not tensor_argument(other, name, "other", 2).dtype:
        names = [messages.TYPE_NAMES[t.dtype.name] for t in (input, other)]
        raise RuntimeError(f"{names[0]} did not match {names[1]}")
    for tolerance, value in (("rtol", rtol), ("atol", atol)):
        if not value >= 0:
            raise RuntimeError(f"{tolerance} must be greater than or equal to zero, but got {value:g}")
    a, b = input._array, other._array
    broadcast_shape(a, b)
    close = a == b
    if equal_nan:
        close = close | ((a != a) & (b != b))
    if rtol or atol:  # without these, integers are compared as they are, however large
        if a.dtype.kind != "f":
            a, b = (x.astype(dtypes.get_default_dtype().numpy) for x in (a, b))
        apart = abs(a - b)
        close = close | (np.isfinite(apart) & (apart <= atol + abs(rtol * b)))
    return np.asarray(close)


@public()
def allclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
    """Whether all elements satisfy `|input - other| <= atol + rtol * |other|`."""
    close = _close("allclose", input, other, rtol, atol, equal_nan).all()
    return bool(Tensor._of(close))  # by way of a tensor, so that listeners hear of it


@public()
def isclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Tensor:
    """Where `|input - other| <= atol + rtol * |other|`; infinities are close to themselves."""
    close = _close("isclose", input, other, rtol, atol, equal_nan)
    return integers(close, input if input._origin is not None else other, "isclose")


def _minus(x: Any) -> Any:
    return np.signbit(x) if x.dtype.kind == "f" else x < 0


def _offer_test(name: str, test: Any, doc: str) -> None:
    """The function and the method for one question about each element."""

    def function(input: Tensor) -> Tensor:
        x = tensor_argument(input, name)._array
        return integers(np.asarray(test(x)), input, name)

    globals()[name] = public()(named(function, name, doc))  # where pickle looks for it


_offer_test("isnan", np.isnan, "Where an element is NaN.")
_offer_test("isinf", np.isinf, "Where an element is infinite.")
_offer_test("isfinite", np.isfinite, "Where an element is neither infinite nor NaN.")
_offer_test("isposinf", lambda x: x == np.inf, "Where an element is positive infinity.")
_offer_test("isneginf", lambda x: x == -np.inf, "Where an element is negative infinity.")
_offer_test("isreal", lambda x: np.ones_like(x, np.bool_), "Where an element is a real number: everywhere.")
_offer_test("signbit", _minus, "Where the sign is minus, also of -0.")


def _logical(input: Tensor, dim: Any, keepdim: bool, name: str, reduce: Any) -> Tensor:
    input = tensor_argument(input, name)
    dims = () if isinstance(dim, (tuple, list)) and not dim else reduced_dims(dim, input.ndim)
    found = np.asarray(reduce(input._array, axis=dims, keepdims=keepdim), order="C")
    return integers(found.astype(np.uint8 if input.dtype is dtypes.uint8 else np.bool_), input, name)


@public()
def any(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """Whether some element is not zero, over `dim` or in all."""
    return _logical(input, dim, keepdim, "any", np.any)


@public()
def all(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """Whether no element is zero, over `dim` or in all."""
    return _logical(input, dim, keepdim, "all", np.all)
