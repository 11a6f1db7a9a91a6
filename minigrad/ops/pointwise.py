"""Operations on each element by itself: forward computation and rules side by side.

A rule is named after the input whose gradient it gives; `g` is the incoming gradient, `out` the result. With
`numbers="promote"` two operands are brought to one dtype, and a Python number may be one of them ("floating": to one
floating dtype); `floating=True` makes integers floats first. `table.py` says the rest.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np

from .. import dtypes, messages
from ..layout import kept
from ..tensor import Tensor
from ..warning import warn
from .convert import invalid_combination
from .half import at_least, at_most, by_number, in_single, keep_numbers, plus_scaled
from .indices import number_array
from .inplace import misfit_of, zeros_as
from .names import attach, named, offer_in_place, public, tensor_argument
from .options import as_number, factor, first_operand
from .table import Op, common_dtype, op

INTERNAL = True
Array = np.ndarray[Any, Any]

# Arithmetic

add_ = op("AddBackward0", np.add, a=lambda g: g, b=lambda g: g, numbers="promote")
sub_ = op("SubBackward0", np.subtract, a=lambda g: g, b=lambda g: -g, numbers="no bools")
mul_ = op("MulBackward0", np.multiply, a=lambda g, b: g * b, b=lambda g, a: g * a, numbers="promote")
div_ = op(
    "DivBackward0",
    np.true_divide,
    a=lambda g, b: g / b,
    b=lambda g, a, b: -g * ((a / b) / b),
    numbers="floating",
)
add_scaled = op(
    "AddBackward0",
    lambda a, b, alpha: plus_scaled(a, b, number_array(alpha, a.dtype)),
    a=lambda g: g,
    b=lambda g, alpha: by_number(mul_, g, alpha),
    numbers="promote",
)
keep_numbers(mul_)
keep_numbers(div_, b=lambda g, a, b: -g * by_number(div_, by_number(div_, a, b), b))
neg_ = op("NegBackward0", np.negative, a=lambda g: -g)
reciprocal_ = op("ReciprocalBackward0", np.reciprocal, a=lambda g, out: -g * (out * out), floating=True)


def _power(a: Array, exponent: float) -> Array:
    """`a ** exponent`; torch too multiplies for the small exponents that programs use."""
    if exponent == 2:
        return a * a
    if exponent == 3:
        return a * a * a
    if exponent == 1:
        return a.copy("K")
    if exponent == 0:
        return np.ones_like(a)
    if exponent == 0.5:
        return np.sqrt(a)
    if exponent == -1:
        return np.reciprocal(a)
    if exponent == -0.5 and a.dtype.char != "e":  # half precision is to be rounded only once
        return np.reciprocal(np.sqrt(a))
    if exponent == -2 and a.dtype.char != "e":
        return np.reciprocal(a * a)
    if exponent.__class__ is float and a.dtype.char == "f":
        return np.power(a, np.float32(exponent))  # infinite if it is too large, where torch refuses other numbers
    return np.power(a, number_array(exponent, a.dtype))


def _power_rule(g: Any, a: Any, exponent: float) -> Any:
    if exponent == 0:
        return zeros_as(g)
    if exponent == 2 and a.__class__ is np.ndarray:
        return g * (a + a)  # the same at half the cost; recorded, it would end the graph one derivative early
    slope = power(a, exponent - 1)
    return g * (exponent * slope if exponent.__class__ is int else by_number(mul_, slope, exponent))


power: Op = op("PowBackward0", _power, a=_power_rule)


def _power_of(a: Array, b: Array) -> Array:
    """`a ** b`; of integers to negative powers torch keeps what is left of the fraction."""
    if a.dtype.kind == "b":
        raise NotImplementedError(messages.not_implemented("pow", dtypes.bool_))
    if a.dtype.kind == "f":
        found, half = np.power(a, b), b == 0.5  # for which NumPy takes the root, if it is the only one: NaN of -inf
        return np.where((a == -np.inf) & half, a.dtype.type(np.inf), found) if half.any() else found
    return np.where(b >= 0, np.power(a, np.maximum(b, 0)), np.where(np.abs(a) == 1, np.power(a, b & 1), 0))


power_of: Op = op(
    "PowBackward1",
    _power_of,
    a=lambda g, a, b: keep(g * (b * power_of(a, b - 1)), b != 0),
    b=lambda g, a, b, out: g * keep(out * log_(a), (a != 0) | ~(b >= 0)),
    numbers="promote",
)
power_of_bools = Op(  # whose gradient torch, which subtracts 1 from them, refuses
    "PowBackward1",
    _power_of,
    {"a": lambda g: messages.check_no_bools(True, g), "b": lambda g: zeros_as(g)},
    "promote",
    False,
)
exponential = op(
    "PowBackward2",
    lambda a, base: np.array(_power_of(np.asarray(base).astype(a.dtype), a), order="C"),
    a=lambda g, a, base, out: keep(g * by_number(mul_, out, _log_of(base)), ~(a >= 0) | (base != 0)),
)


def _log_of(base: float) -> float:
    return math.log(base) if base > 0 else -math.inf if base == 0 else math.nan


# Choosing. `keep` zeroes by choice, not by product, so that an infinite gradient times 0 is 0 and not NaN.

keep: Op = op("KeepBackward0", kept, a=lambda g, where: keep(g, where), where=None)
select = op(
    "WhereBackward0",
    lambda a, b, condition: np.where(condition, a, b),
    a=lambda g, condition: keep(g, condition),
    b=lambda g, condition: keep(g, ~condition),
    condition=None,
    numbers="promote",
)

# Functions of one number


def _sign(a: Array) -> Array:
    """-1, 0 or 1; like torch's, 0 for NaN."""
    return a.copy("K") if a.dtype.kind == "b" else (a > 0).astype(a.dtype) - (a < 0)


exp_ = op("ExpBackward0", np.exp, a=lambda g, out: g * out, floating=True)
log_: Op = op("LogBackward0", np.log, a=lambda g, a: g / a, floating=True)
sqrt_ = op("SqrtBackward0", np.sqrt, a=lambda g, out: g / (2 * out), floating=True)
sin_: Op = op("SinBackward0", np.sin, a=lambda g, a: g * cos_(a), floating=True)
cos_: Op = op("CosBackward0", np.cos, a=lambda g, a: g * -sin_(a), floating=True)
tanh_ = op("TanhBackward0", np.tanh, a=lambda g, out: g * (1 - out * out), floating=True)
abs_ = op("AbsBackward0", np.abs, a=lambda g, a: g * sign_(a))
sign_: Op = op("SignBackward0", _sign, a=lambda g: zeros_as(g))
relu_ = op("ReluBackward0", lambda a: at_least(a, 0), a=lambda g, out: threshold(g, out))
threshold: Op = op(
    "ThresholdBackwardBackward0",
    lambda a, b: kept(a, ~(b <= 0)),  # a NaN lets its gradient through
    a=lambda g, b: threshold(g, b),
    b=lambda g: zeros_as(g),
)


def _sigmoid(a: Array) -> Array:
    """1 / (1 + e**-a); for a very negative `a` the quotient is 0, as it should be."""
    if a.dtype.char == "e":
        return in_single(_sigmoid, a)
    return np.reciprocal(1 + np.exp(-a))


sigmoid_ = op("SigmoidBackward0", _sigmoid, a=lambda g, out: g * (1 - out) * out, floating=True)

# The larger and the smaller of two; at a tie each gets half of the gradient


def _win(g: Any, tie: Any, lost: Any) -> Any:
    return keep(select(g / 2, g, tie), ~lost)


maximum_ = op(
    "MaximumBackward0",
    np.maximum,
    a=lambda g, a, b: _win(g, a == b, a < b),
    b=lambda g, a, b: _win(g, a == b, b < a),
    numbers="promote",
)
minimum_ = op(
    "MinimumBackward0",
    np.minimum,
    a=lambda g, a, b: _win(g, a == b, a > b),
    b=lambda g, a, b: _win(g, a == b, b > a),
    numbers="promote",
)
clamp_between = op(
    "ClampBackward1",
    lambda a, low, high: at_most(at_least(a, low), high),
    a=lambda g, a, low, high: keep(g, (a >= low) & (a <= high)),
)
clamp_low = op(
    "ClampBackward0",
    np.maximum,
    a=lambda g, a, b: keep(g, a >= b),
    b=lambda g, a, b: keep(g, a < b),
    numbers="promote",
)
clamp_high = op(
    "ClampBackward0",
    np.minimum,
    a=lambda g, a, b: keep(g, a <= b),
    b=lambda g, a, b: keep(g, a > b),
    numbers="promote",
)

clamp_within = op(
    "ClampBackward0",
    lambda a, low, high: np.minimum(np.maximum(a, low), high),
    a=lambda g, a, low, high: keep(g, (a >= low) & (a <= high)),
    low=lambda g, a, low, high: keep(g, (a < low) & (low < high)),
    high=lambda g, a, low, high: keep(g, (a > high) | (high < low)),
)

# torch's names for them


def binary(made: Any, name: str, other: Any, input: Any, *options: Any) -> Tensor:
    """The result of an operation of two operands, or torch's TypeError for one that is no tensor or number."""
    if not isinstance(input, Tensor) and (not isinstance(other, Tensor) or isinstance(input, np.ndarray)):
        input = first_operand(input, other, name)
    if isinstance(other, np.ndarray):
        tensor_argument(other, name, "other", 2)
    result = made.call(input, other, *options)
    if result is NotImplemented:
        tensor_argument(other, name, "other", 2)
        tensor_argument(input, name)
    return result


@public(in_place=True)
def add(input: Any, other: Any, *, alpha: float = 1) -> Tensor:
    """`input + alpha * other`, broadcast together."""
    if alpha.__class__ is not int or alpha != 1:
        alpha = factor("add", alpha, input, other)
        return binary(add_scaled, "add", other, input, alpha)
    return binary(add_, "add", other, input)


@public("subtract", in_place=True)
def sub(input: Any, other: Any, *, alpha: float = 1) -> Tensor:
    """`input - alpha * other`, broadcast together."""
    if alpha.__class__ is not int or alpha != 1:
        messages.check_no_bools(input, other)
        alpha = factor("sub", alpha, input, other)
        return binary(add_scaled.named("SubBackward0"), "sub", other, input, -alpha)
    return binary(sub_, "sub", other, input)


@public(method=False)
def rsub(input: Tensor, other: Any, alpha: float = 1) -> Tensor:
    """`other - alpha * input`, broadcast together."""
    value = other if isinstance(other, Tensor) else as_number(other)
    if not isinstance(input, Tensor) or value is None:
        forms = "(Tensor input, Tensor other, *, Number alpha = 1)", "(Tensor input, Number other, Number alpha = 1)"
        raise invalid_combination("rsub", (input, other), {}, *forms)
    name = "RsubBackward0" if isinstance(other, Tensor) else "RsubBackward1"
    if alpha.__class__ is not int or alpha != 1:
        messages.check_no_bools(input, value)
        alpha = factor("rsub", alpha, input, value)
        return add_scaled.named(name).call(value, input, -alpha)
    return sub_.named(name).call(value, input)


@public("multiply", in_place=True)
def mul(input: Any, other: Any) -> Tensor:
    """`input * other`, broadcast together."""
    return binary(mul_, "mul", other, input)


@public("negative", in_place=True)
def neg(input: Tensor) -> Tensor:
    """`-input`."""
    if tensor_argument(input, "neg").dtype is dtypes.bool_:
        raise RuntimeError(
            "Negation, the `-` operator, on a bool tensor is not supported. If you are trying to invert a mask, use "
            "the `~` or `logical_not()` operator instead."
        )
    return neg_.call(input)


@public(in_place=True)
def pow(input: Any, exponent: Any) -> Tensor:
    """`input ** exponent`, elementwise; one of the two may be a number."""
    if dtypes.is_numpy_number(input):
        input = dtypes.python_number(input)
    if isinstance(input, Tensor) and dtypes.is_number(exponent):
        exponent = exponent if isinstance(exponent, (int, float)) else dtypes.python_number(exponent)
        if input._array.dtype.kind != "f":
            d = common_dtype(input, exponent)
            if d.kind != dtypes.FLOATING and exponent < 0:
                raise RuntimeError("Integers to negative integer powers are not allowed.")
            input = input.to(d)
        return power.call(input, exponent)
    if isinstance(input, (bool, int, float)):
        d = common_dtype(tensor_argument(exponent, "pow", "exponent", 2), input)
        if d is dtypes.bool_:
            raise NotImplementedError(messages.not_implemented("pow", d))
        return exponential.call(exponent.to(d), input)
    if tensor_argument(exponent, "pow", "exponent", 2).dtype is dtypes.bool_:
        messages.check_not_bool(tensor_argument(input, "pow"), "pow")
        return power_of_bools.call(input, exponent)
    return power_of.call(tensor_argument(input, "pow"), exponent)


@public(in_place=True)
def square(input: Tensor) -> Tensor:
    """`input * input`."""
    return pow(tensor_argument(input, "square"), 2)


def offer(family: str, name: str, made: Op, doc: str, *aliases: str) -> Any:
    """Offer an operation of one number as a function, as a method, and in place; `family` is the module it is in."""

    def function(input: Tensor) -> Tensor:
        return made.call(tensor_argument(input, name))

    return public(*aliases, in_place=True)(named(function, name, doc, family))


_offer = partial(offer, __name__)
reciprocal = _offer("reciprocal", reciprocal_, "`1 / input`.")
exp = _offer("exp", exp_, "e to the power of each element.")
log = _offer("log", log_, "The natural logarithm of each element.")
sqrt = _offer("sqrt", sqrt_, "The square root of each element.")
sin = _offer("sin", sin_, "The sine of each element, in radians.")
cos = _offer("cos", cos_, "The cosine of each element, in radians.")
tanh = _offer("tanh", tanh_, "The hyperbolic tangent of each element.")
sigmoid = _offer("sigmoid", sigmoid_, "`1 / (1 + exp(-input))`.")
sign = _offer("sign", sign_, "-1, 0 or 1, by the sign of each element.")


@public(in_place=True)
def relu(input: Tensor) -> Tensor:
    """Each element, or 0 if it is negative; the gradient at 0 is 0."""
    if tensor_argument(input, "relu").dtype is dtypes.bool_:
        raise RuntimeError("Boolean inputs not supported for relu")
    return relu_.call(tensor_argument(input, "relu"))


@public("absolute", in_place=True)
def abs(input: Tensor) -> Tensor:
    """The absolute value of each element; the gradient at 0 is 0."""
    messages.check_not_bool(tensor_argument(input, "abs"), "abs_cpu")
    return abs_.call(tensor_argument(input, "abs"))


@public()
def maximum(input: Tensor, other: Tensor) -> Tensor:
    """The larger of two elements; NaN if one is NaN."""
    return maximum_.call(tensor_argument(input, "maximum"), tensor_argument(other, "maximum", "other", 2))


@public()
def minimum(input: Tensor, other: Tensor) -> Tensor:
    """The smaller of two elements; NaN if one is NaN."""
    return minimum_.call(tensor_argument(input, "minimum"), tensor_argument(other, "minimum", "other", 2))


_CLAMP_FORMS = [f"(Tensor input, {kind} min = None, {kind} max = None)" for kind in ("Tensor", "Number")]
_BOUNDS = (int, float, type(None))  # the classes of most bounds, told at once


@public("clip", in_place=True)
def clamp(input: Tensor, min: Any = None, max: Any = None) -> Tensor:
    """Each element, brought into the range from `min` to `max`: numbers, or tensors; None is no bound."""
    return _clamped(input, min, max, "ClampBackward0", "ClampBackward1")


def _together(*tensors: Tensor) -> list[Tensor]:
    """Tensors in their common dtype and shape."""
    try:
        shape = np.broadcast_shapes(*[x._array.shape for x in tensors])
    except ValueError as error:
        raise misfit_of(error, *tensors) from None
    d = common_dtype(*tensors)
    return [x.to(d).expand(shape) for x in tensors]


def _clamped(input: Tensor, min: Any, max: Any, of_tensors: str, of_numbers: str) -> Tensor:
    if not isinstance(input, Tensor):
        name, bound = ("clamp_max", "max") if min is None else ("clamp_min", "min")
        forms = f"(Tensor input, Tensor {bound})", f"(Tensor input, Number {bound})"
        raise invalid_combination(name, (input, max if min is None else min), {}, *forms)
    if min.__class__ not in _BOUNDS or max.__class__ not in _BOUNDS:
        low, high = [b if b is None or isinstance(b, Tensor) else as_number(b) for b in (min, max)]
        if (low is None, high is None) != (min is None, max is None):
            raise invalid_combination("clamp", (input, min, max), {}, *_CLAMP_FORMS)
        min, max = low, high
    if min is None and max is None:
        raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
    if isinstance(min, Tensor) or isinstance(max, Tensor):
        if isinstance(min, Tensor) and isinstance(max, Tensor):
            x, low, high = _together(input, min, max)
            messages.check_not_bool(x, "clamp_cpu")
            return clamp_within.call(x, low, high)
        if min is not None and max is not None:
            if (low := as_number(min)) is None or (high := as_number(max)) is None:
                raise invalid_combination("clamp", (input, min, max), {}, *_CLAMP_FORMS)
            return _clamped(input, low, high, of_tensors, of_numbers)
        result = input if min is None else clamp_low.named(of_tensors).call(input, min)
        return result if max is None else clamp_high.named(of_tensors).call(result, max)
    bounds = [bound for bound in (min, max) if bound is not None]
    d = common_dtype(input, *bounds)
    if d is dtypes.bool_:
        kernel = "clamp" if len(bounds) == 2 else "clamp_max" if min is None else "clamp_min"
        raise NotImplementedError(messages.not_implemented(f"{kernel}_scalar_cpu", d))
    input = input.to(d)
    lowest = -math.inf if min is None else number_array(min, d.numpy).item()
    highest = math.inf if max is None else number_array(max, d.numpy).item()
    if input.dtype.kind != dtypes.FLOATING:
        limits = np.iinfo(input._array.dtype) if input.dtype.kind else None
        lowest = (int(limits.min) if limits else False) if min is None else lowest
        highest = (int(limits.max) if limits else True) if max is None else highest
    return clamp_between.named(of_numbers).call(input, lowest, highest)


@public(in_place=True)
def clamp_min(input: Tensor, min: Any) -> Tensor:
    """Each element, or `min` if that is larger."""
    return _clamped(input, min, None, "ClampMinBackward1", "ClampMinBackward0")


@public(in_place=True)
def clamp_max(input: Tensor, max: Any) -> Tensor:
    """Each element, or `max` if that is smaller."""
    return _clamped(input, None, max, "ClampMaxBackward1", "ClampMaxBackward0")


_BOTH_FORMS = [f"{x}, {y} other" for y in ("Tensor", "Number") for x in ("Tensor input", "Number self")]
_WHERE_FORMS = ["(Tensor condition)", *[f"(Tensor condition, {both})" for both in _BOTH_FORMS]]


def where(condition: Tensor, input: Any = None, other: Any = None) -> Any:
    """The elements of `input` where `condition` holds, of `other` elsewhere; the branch not taken gets gradient 0.

    With `condition` alone, the indices where it holds, a vector per dimension.
    """
    if input is None and other is None:
        return condition.nonzero(as_tuple=True)
    if tensor_argument(condition, "where", "condition").dtype is dtypes.uint8:
        warn(
            "where received a uint8 condition tensor. This behavior is deprecated and will be removed in a future "
            "version of PyTorch. Use a boolean condition instead."
        )
        condition = condition.bool()
    if condition.dtype is not dtypes.bool_:
        raise RuntimeError(
            f"where expected condition to be a boolean tensor, but got a tensor with dtype "
            f"{messages.TYPE_NAMES[condition.dtype.name]}"
        )
    for value in (input, other):
        if not (isinstance(value, Tensor) or dtypes.is_number(value)):
            raise invalid_combination("where", (condition, input, other), {}, *_WHERE_FORMS)
        if isinstance(value, (bool, int, float)):
            number_array(value, common_dtype(input, other).numpy, half_overflows=True)
    try:
        return select.call(input, other, condition)
    except (RuntimeError, ValueError) as error:
        raise misfit_of(error, condition, input, other) from None


public(method=False)(where)
attach(where=lambda self, condition, other: where(condition, self, other))
offer_in_place("abs_", "neg_", "negative_", "exp_", "log_", "sqrt_", "sin_", "cos_", "tanh_", "sigmoid_", "relu_")
offer_in_place("square_", "reciprocal_", "clamp_", "clip_", "clamp_min_", "clamp_max_")
