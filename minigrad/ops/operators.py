"""Python's operators: `a + b`, `2 - a`, `a @ b`, `a += b`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import messages
from ..dtypes import is_number
from ..memory import storage_of
from ..modes import is_grad_enabled
from ..tensor import Tensor
from . import inplace, pointwise, rounding
from .linear import matmul
from .names import public, tensor_argument
from .pointwise import add_, div_, mul_, sub_
from .strangers import unknown_operand
from .table import Op, as_value, common_dtype

INTERNAL = True
_power = pointwise.power


def _reflected(sign: str, function: Callable[[Tensor, Any], Any]) -> Callable[[Tensor, Any], Any]:
    """An operator for a number on the left; an array there is an error, and what else it may be looks after itself."""

    def operator(self: Tensor, other: Any) -> Any:
        kind = other.__class__
        if kind is float or kind is int or is_number(other) or isinstance(other, Tensor):
            return function(self, other)
        if isinstance(other, np.ndarray):
            raise TypeError(messages.array_on_the_left(sign))
        return unknown_operand(other)

    return operator


def _pow(self: Tensor, exponent: Any) -> Any:
    if exponent.__class__ is int and self._array.dtype.kind == "f":
        return _power.call(self, exponent)
    if not is_number(exponent):
        exponent = as_value(exponent, self)
    return exponent if exponent is NotImplemented else pointwise.pow(self, exponent)


def _matmul(self: Tensor, other: Any) -> Any:
    if not isinstance(other, np.ndarray):
        return matmul(self, other) if isinstance(other, Tensor) else unknown_operand(other)
    product = as_value(other, self).to(common_dtype(self, as_value(other, self)))
    return matmul(self.to(product.dtype), product)


def _no_matrix(self: Tensor, other: Any) -> Any:
    return matmul(other, self) if isinstance(other, Tensor) else matmul(self, other)  # which says what is wrong


@public()
def positive(input: Tensor) -> Tensor:
    """`+input`: the tensor itself."""
    if tensor_argument(input, "positive")._array.dtype.kind == "b":
        raise RuntimeError("The `+` operator, on a bool tensor is not supported.")
    return input


def _plain(function: Callable[[Tensor, Any], Any]) -> Callable[[Tensor, Any], Any]:
    """An operator for a tensor or a number on the right."""

    def operator(self: Tensor, other: Any) -> Any:
        value = as_value(other, self)
        return value if value is NotImplemented else function(self, value)

    return operator


def _shift(name: str) -> Callable[[Any, Any], Any]:
    """A bitwise shift, whose family few programs import."""

    def shift(a: Any, b: Any) -> Any:
        from . import pairs

        return getattr(pairs, name)(a, b)

    return shift


_left, _right = _shift("bitwise_left_shift"), _shift("bitwise_right_shift")


def _augmented(ufunc: np.ufunc, function: Callable[..., Any]) -> Callable[[Tensor, Any], Tensor]:
    """An operator such as `+=`."""

    def operator(self: Tensor, other: Any) -> Any:
        x = self._array
        if (
            other.__class__ is Tensor
            and self._view is None
            and (other._storage is None or other._storage is not self._storage)
            and other._array.dtype is x.dtype
            and x.dtype.kind == "f"
            and not is_grad_enabled()
        ):  # a parameter's update: nothing to record, so nothing in between
            try:
                if x.size == 1 and x.shape == other._array.shape:  # NumPy's way in place is slow for one element
                    x[...] = ufunc(x, other._array)
                else:
                    ufunc(x, other._array, x)
            except ValueError:
                return inplace.change(function, self, other)
            (self._storage or storage_of(self)).bump()
            return self
        if not (isinstance(other, Tensor) or is_number(other)):
            return unknown_operand(other)
        return inplace.change(function, self, other)

    return operator


_OPERATORS: dict[str, Any] = {
    "__pow__": _pow,
    "__matmul__": _matmul,
    "__rsub__": _reflected("-", lambda a, b: pointwise.rsub(a, b)),
    "__rtruediv__": _reflected("/", lambda a, b: mul_.call(pointwise.reciprocal(a), b)),
    "__rpow__": _reflected("** or pow()", lambda a, b: pointwise.pow(b, a)),
    "__rmatmul__": _reflected("@", _no_matrix),
    "__iadd__": _augmented(np.add, pointwise.add),
    "__isub__": _augmented(np.subtract, pointwise.sub),
    "__imul__": _augmented(np.multiply, pointwise.mul),
    "__itruediv__": _augmented(np.true_divide, rounding.div),
    "__mod__": _plain(rounding.remainder),
    "__rmod__": _reflected("%", lambda a, b: rounding.remainder(b, a)),
    "__imod__": lambda self, other: self.remainder_(other),
    "__floordiv__": _plain(rounding.floor_divide),
    "__rfloordiv__": _reflected("//", lambda a, b: rounding.floor_divide(b, a)),
    "__ifloordiv__": lambda self, other: self.floor_divide_(other),
    "__lshift__": _plain(_left),
    "__rlshift__": _reflected("<<", lambda a, b: _left(b, a)),
    "__rshift__": _plain(_right),
    "__rrshift__": _reflected(">>", lambda a, b: _right(b, a)),
    "__ilshift__": lambda self, other: self.bitwise_left_shift_(other),
    "__irshift__": lambda self, other: self.bitwise_right_shift_(other),
    "__ipow__": lambda self, exponent: self.pow_(exponent),
    "__iand__": lambda self, other: self.bitwise_and_(other),
    "__ior__": lambda self, other: self.bitwise_or_(other),
    "__ixor__": lambda self, other: self.bitwise_xor_(other),
    "__neg__": pointwise.neg,
    "__pos__": positive,
    "__abs__": pointwise.abs,
    "__reversed__": lambda self: self.flip(0) if self.ndim else self,
}
for _name, _operator in _OPERATORS.items():
    setattr(Tensor, _name, _operator)


def _first_use(name: str, op: Op, sign: str = "") -> Callable[[Any, Any], Any]:
    """An operator that is the operation's own `call`, which is written when it is first used; reflected with a sign."""
    op.is_operator = True

    def operator(self: Any, other: Any) -> Any:
        call = op.written().call
        setattr(Tensor, name, _reflected(sign, call) if sign else call)
        return getattr(Tensor, name)(self, other)

    return operator


for _name, _op in {"__add__": add_, "__sub__": sub_, "__mul__": mul_, "__truediv__": div_}.items():
    setattr(Tensor, _name, _first_use(_name, _op))
for _name, _op, _sign in [("__radd__", add_, "+"), ("__rmul__", mul_, "*")]:
    setattr(Tensor, _name, _first_use(_name, _op, _sign))
