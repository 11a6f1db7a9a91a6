"""Rounding, and division with it: quotients rounded to whole numbers, and what remains.

Source: https://docs.pytorch.org/docs/stable/torch.html#pointwise-ops
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import dtypes, messages
from ..tensor import Tensor
from .convert import invalid_combination
from .half import in_single
from .inplace import broadcast_shape, zeros_as
from .names import NOT_GIVEN, named, offer_in_place, public, tensor_argument
from .options import integer
from .pointwise import binary, div_
from .table import Op, common_dtype, op

INTERNAL = True
Array = np.ndarray[Any, Any]


def _decimals(a: Array, decimals: int) -> Array:
    """Half of a unit goes to the even neighbour; in single precision the power of 10 and the product are rounded."""
    if a.dtype.char == "e":
        return in_single(_decimals, a, decimals)
    scale = a.dtype.type(10.0 ** abs(decimals))
    return np.rint(a * scale) / scale if decimals > 0 else np.rint(a / scale) * scale


def _quotient(a: Array, b: Array, mode: str) -> Array:
    """`a / b`, rounded down ("floor") or towards 0 ("trunc")."""
    if a.dtype.kind == "b":
        raise NotImplementedError(messages.not_implemented(f"div_{mode}_cpu", dtypes.bool_))
    if a.dtype.kind == "f":
        return np.floor_divide(a, b) if mode == "floor" else np.trunc(a / b)
    down = np.floor_divide(a, _divisor(a, b))
    return down if mode == "floor" else down + ((down < 0) & (down * b != a))


def _divisor(a: Array, b: Array) -> Array:
    if b.dtype.kind in "iu" and not b.all() and 0 not in broadcast_shape(a, b):
        raise RuntimeError("ZeroDivisionError\n  Among the integers to divide by is a 0.")
    return b


def _wrapped(number: float, d: np.dtype[Any]) -> Array:
    """A number as an element; one too large for an integer dtype keeps its last bits, as in C."""
    found = np.asarray(number)
    if found.dtype.kind == "O":
        raise OverflowError("int too big to convert")
    return found.astype(d)


def _remainder(a: Array, b: Array) -> Array:
    found = _checked(np.remainder, "remainder", a, b)
    # In NumPy a 0 has the sign of `b`, in torch that of `a`. One expression, so that programs can be written of it.
    return np.where(found == 0, np.copysign(found, a), found) if found.dtype.kind == "f" else found


def _fmod(a: Array, b: Array) -> Array:
    return _checked(np.fmod, "fmod", a, b)


def _checked(ufunc: Any, name: str, a: Array, b: Array) -> Array:
    if a.dtype.kind == "b":
        raise NotImplementedError(messages.not_implemented(f"{name}_cpu", dtypes.bool_))
    return ufunc(a, _divisor(a, b))


def underived(function: str) -> Callable[[Any], Any]:
    """A rule for what torch has none for: the error that it raises."""

    def rule(g: Any) -> Any:
        raise RuntimeError(f"derivative for aten::{function} is not implemented")

    return rule


floor_ = op("FloorBackward0", np.floor, a=lambda g: zeros_as(g))
ceil_ = op("CeilBackward0", np.ceil, a=lambda g: zeros_as(g))
trunc_ = op("TruncBackward0", np.trunc, a=lambda g: zeros_as(g))
round_ = op("RoundBackward0", np.rint, a=lambda g: zeros_as(g))
round_to = op("RoundBackward1", _decimals, a=lambda g: zeros_as(g))
frac_ = op("FracBackward0", lambda a: a - np.trunc(a), a=lambda g: g)
quotient = op(
    "DivBackward2",
    _quotient,
    a=lambda g, b: zeros_as(g),
    b=lambda g, a, b: zeros_as(g),
    numbers="promote",
)
floor_quotient = op(
    "torch::autograd::NotImplemented",
    lambda a, b: _quotient(a, b, "floor"),
    a=underived("floor_divide"),
    b=underived("floor_divide"),
    numbers="promote",
)
remainder_ = op(
    "RemainderBackward1",
    _remainder,
    a=lambda g: g,
    b=lambda g, a, b: -g * quotient(a, b, "floor"),
    numbers="promote",
)
fmod_ = op(
    "FmodBackward1",
    _fmod,
    a=lambda g: g,
    b=lambda g, a, b: -g * quotient(a, b, "trunc"),
    numbers="promote",
)
remainder_of = op(
    "torch::autograd::NotImplemented",
    lambda a, number: _remainder(_wrapped(number, a.dtype), a),
    a=underived("remainder"),
)

# torch's names for them


def _offer(name: str, made: Op, doc: str, *aliases: str) -> None:
    """A function that rounds: integers stay what they are."""

    def function(input: Tensor) -> Tensor:
        kind = tensor_argument(input, name)._array.dtype.kind
        if kind == "b":
            raise NotImplementedError(messages.not_implemented(f"{name}_vml_cpu", dtypes.bool_))
        return made.call(input) if kind == "f" else input.clone()

    public(*aliases, in_place=True)(named(function, name, doc))


_offer("floor", floor_, "The largest whole number that is not larger than each element; the gradient is 0.")
_offer("ceil", ceil_, "The smallest whole number that is not smaller than each element; the gradient is 0.")
_offer("trunc", trunc_, "Each element without its fraction; the gradient is 0.", "fix")


@public(in_place=True)
def round(input: Tensor, *, decimals: int = 0) -> Tensor:
    """The nearest number with so many decimals (of tens, hundreds... if negative), the even one at a tie."""
    kind = tensor_argument(input, "round")._array.dtype.kind
    decimals = integer("round", "decimals", None, decimals)
    if kind != "f" and (decimals or kind == "b"):
        raise NotImplementedError(messages.not_implemented("round_cpu" if decimals else "round_vml_cpu", input.dtype))
    if kind != "f":
        return input.clone()
    return round_to.call(input, decimals) if decimals else round_.call(input)


@public(in_place=True)
def frac(input: Tensor) -> Tensor:
    """The fraction of each element, with its sign."""
    if tensor_argument(input, "frac")._array.dtype.kind != "f":
        raise NotImplementedError(messages.not_implemented("frac_cpu", input.dtype))
    return frac_.call(input)


@public("divide", in_place=True)
def div(input: Any, other: Any, *, rounding_mode: str | None = NOT_GIVEN) -> Tensor:
    """`input / other`, broadcast together; integers are divided as floats.

    rounding_mode  "floor" rounds down, "trunc" towards 0; integers then stay integers, and the gradient is 0
    """
    if rounding_mode is NOT_GIVEN:
        return binary(div_, "div", other, input)
    if rounding_mode is None:  # torch records this under another name
        return binary(div_.named("DivBackward2"), "div", other, input)
    if rounding_mode not in ("floor", "trunc"):
        raise RuntimeError(
            f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '{rounding_mode}'"
        )
    return binary(_ByMode(rounding_mode), "div", other, input)


class _ByMode:
    """`quotient` in one mode, as an operation of two operands."""

    def __init__(self, mode: str) -> None:
        self.mode = mode

    def call(self, a: Any, b: Any) -> Any:
        return quotient.call(a, b, self.mode)


@public(in_place=True)
def true_divide(input: Any, other: Any) -> Tensor:
    """`input / other`, broadcast together; integers are divided as floats."""
    return binary(div_, "true_divide", other, input)


@public(in_place=True)
def floor_divide(input: Any, other: Any) -> Tensor:
    """`input / other`, rounded down. No gradient can be taken of it; of `div(rounding_mode="floor")` it is 0."""
    return binary(floor_quotient, "floor_divide", other, input)


@public(in_place=True)
def remainder(input: Any, other: Any) -> Tensor:
    """What remains of `input / other` rounded down: it has the sign of `other`, as Python's `%`."""
    if not isinstance(other, Tensor):
        return binary(remainder_.named("RemainderBackward0"), "remainder", other, input)
    if not isinstance(input, (bool, int, float)):
        return binary(remainder_, "remainder", other, input)
    return remainder_of.call(other.to(common_dtype(input, other)), input)


@public(in_place=True)
def fmod(input: Tensor, other: Any) -> Tensor:
    """What remains of `input / other` rounded towards 0: it has the sign of `input`, as C's `fmod`."""
    if not isinstance(input, Tensor):
        raise invalid_combination("fmod", (input, other), {}, *_FMOD_FORMS)
    return binary(fmod_ if isinstance(other, Tensor) else fmod_.named("FmodBackward0"), "fmod", other, input)


_FMOD_FORMS = [
    "(Tensor input, Tensor other, *, Tensor out = None)",
    "(Tensor input, Number other, *, Tensor out = None)",
]

offer_in_place("floor_", "ceil_", "trunc_", "fix_", "round_", "frac_")
