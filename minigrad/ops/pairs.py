"""Functions of two numbers, or of three: angles and lengths, sums of exponentials, bits, and steps between tensors.

Source: https://docs.pytorch.org/docs/stable/torch.html#pointwise-ops
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np

from .. import dtypes, messages
from ..engine import Node
from ..tensor import Tensor
from .convert import converted_to_save, invalid_combination
from .functions import exp2_
from .half import in_single
from .indices import number_array
from .inplace import broadcast_shape, misfit_of, twin, zeros_as
from .logic import integers
from .names import attach, named, offer_in_place, public, tensor_argument
from .options import number
from .pointwise import binary, exp_, keep, pow, reciprocal_
from .rounding import underived
from .table import Op, common_dtype, op, operands

INTERNAL = True
Array = np.ndarray[Any, Any]


def _xlogy(a: Array, b: Array) -> Array:
    if b.dtype.char == "e":
        return in_single(_xlogy, a, b.astype(np.float32)).astype(b.dtype)
    return np.where((a == 0) & (b == b), b.dtype.type(0), a * np.log(b))


def _step(a: Array, b: Array) -> Array:
    return np.where(a == 0, b, (a > 0).astype(a.dtype))


def _between(a: Array, b: Array, weight: Any) -> Array:
    """`a + weight * (b - a)`, from the end that is nearer, so that both ends are met exactly."""
    if a.dtype.char == "e":
        return in_single(_between, a, b.astype(np.float32), np.asarray(weight, np.float32)).astype(a.dtype)
    w = np.asarray(weight, a.dtype)
    return np.where(np.abs(w) < 0.5, a + w * (b - a), b - (b - a) * (1 - w))


def _times(a: Array, b: Array, c: Array, value: float) -> Array:
    if a.dtype.char == "e":
        return in_single(_times, a, b.astype(np.float32), c.astype(np.float32), value)
    factor = a.dtype.type(value) if a.dtype.kind == "f" else number_array(value, a.dtype)
    return a + factor * b * c


def _over(a: Array, b: Array, c: Array, value: float) -> Array:
    if a.dtype.char == "e":
        return in_single(_over, a, b.astype(np.float32), c.astype(np.float32), value)
    return a + a.dtype.type(value) * b / c


def _per_square(a: Any, b: Any) -> Any:
    squares = a * a + b * b
    return keep(reciprocal_(squares), squares != 0)


atan2_ = op(
    "Atan2Backward0",
    np.arctan2,
    a=lambda g, a, b: g * b * _per_square(a, b),
    b=lambda g, a, b: g * -a * _per_square(a, b),
    numbers="floating",
)
hypot_ = op(
    "HypotBackward0",
    np.hypot,
    a=lambda g, a, out: g * (a / out),
    b=lambda g, b, out: g * (b / out),
    numbers="promote",
)
logaddexp_ = op(
    "LogaddexpBackward0",
    np.logaddexp,
    a=lambda g, a, b: g / (1 + exp_(b - a)),
    b=lambda g, a, b: g / (1 + exp_(a - b)),
    numbers="promote",
)
logaddexp2_ = op(
    "Logaddexp2Backward0",
    np.logaddexp2,
    a=lambda g, a, b: g / (1 + exp2_(b - a)),
    b=lambda g, a, b: g / (1 + exp2_(a - b)),
    numbers="promote",
)
xlogy_: Op = op(
    "XlogyBackward0",
    _xlogy,
    a=lambda g, a, b: keep(xlogy_(g, b), ~((a == 0) & (b <= 0))),
    b=lambda g, a, b: g * a / b,
    numbers="floating",
)
copysign_ = op(
    "CopysignBackward0",
    np.copysign,
    a=lambda g, a, out: g * keep(out / a, a != 0),
    b=lambda g: zeros_as(g),
    numbers="floating",
)
fmax_ = op(
    "FmaxBackward0",
    np.fmax,
    a=lambda g, a, b: keep(g, (a >= b) | (b != b)),
    b=lambda g, a, b: keep(g, ~((a >= b) | (b != b))),
    numbers="promote",
)
fmin_ = op(
    "FminBackward0",
    np.fmin,
    a=lambda g, a, b: keep(g, (a <= b) | (b != b)),
    b=lambda g, a, b: keep(g, ~((a <= b) | (b != b))),
    numbers="promote",
)
nextafter_ = op(
    "NextafterBackward0",
    np.nextafter,
    a=lambda g, a, b: keep(g, a != b),
    b=lambda g: zeros_as(g),
    numbers="promote",
)
ldexp_ = op(
    "LdexpBackward0",
    lambda a, b: a * np.exp2(b),
    a=lambda g, b: g * exp2_(b),
    b=lambda g, out: g * out * math.log(2),
    numbers="floating",
)
heaviside_ = op(
    "torch::autograd::NotImplemented",
    _step,
    a=underived("heaviside"),
    b=underived("heaviside"),
    numbers="promote",
)
lerp_by = op(
    "LerpBackward0",
    _between,
    a=lambda g, weight: g * (1 - weight),
    b=lambda g, weight: g * weight,
    numbers="promote",
)
lerp_each = op(
    "LerpBackward1",
    _between,
    a=lambda g, weight: g * (1 - weight),
    b=lambda g, weight: g * weight,
    weight=lambda g, a, b: g * (b - a),
)
addcmul_ = op(
    "AddcmulBackward0",
    _times,
    a=lambda g: g,
    b=lambda g, c, value: g * (c * value),
    c=lambda g, b, value: g * (b * value),
)
addcdiv_ = op(
    "AddcdivBackward0",
    _over,
    a=lambda g: g,
    b=lambda g, c, value: g * (value / c),
    c=lambda g, b, c, value: -g * (value * b / (c * c)),
)

# torch's names for them


def offer_pair(
    family: str, name: str, made: Op, doc: str, *aliases: str, floats_only: bool = False, in_place: bool = True
) -> Any:
    """Offer an operation of two tensors as a function, as a method and, mostly, in place."""

    def function(input: Tensor, other: Tensor) -> Tensor:
        x, y = tensor_argument(input, name), tensor_argument(other, name, "other", 2)
        if floats_only and (d := common_dtype(x, y)).kind != dtypes.FLOATING:
            raise NotImplementedError(messages.not_implemented(f"{name}_cpu", d))
        return made.call(x, y)

    return public(*aliases, in_place=in_place)(named(function, name, doc, family))


_offer = partial(offer_pair, __name__)
atan2 = _offer("atan2", atan2_, "The angle from the x-axis to the point (`other`, `input`), from -pi to pi.", "arctan2")
hypot = _offer("hypot", hypot_, "`sqrt(input**2 + other**2)`, without overflow.", floats_only=True)
nextafter = _offer(
    "nextafter", nextafter_, "The floating number next to `input` in the direction of `other`.", floats_only=True
)
logaddexp = _offer(
    "logaddexp", logaddexp_, "`log(exp(input) + exp(other))`, without overflow.", floats_only=True, in_place=False
)
logaddexp2 = _offer(
    "logaddexp2", logaddexp2_, "`log2(2**input + 2**other)`, without overflow.", floats_only=True, in_place=False
)
_OF_ONE = "of two elements, of which one may be NaN; at a tie `input` gets the gradient."
fmax = _offer("fmax", fmax_, f"The larger {_OF_ONE}", in_place=False)
fmin = _offer("fmin", fmin_, f"The smaller {_OF_ONE}", in_place=False)


@public(in_place=True)
def ldexp(input: Tensor, other: Tensor) -> Tensor:
    """`input * 2**other`."""
    if getattr(other, "dtype", None) is dtypes.bool_ and input.is_floating_point():
        raise NotImplementedError(messages.not_implemented("ldexp_cpu_exp", other.dtype))
    return ldexp_.call(tensor_argument(input, "ldexp"), tensor_argument(other, "ldexp", "other", 2))


@public(in_place=True)
def heaviside(input: Tensor, values: Tensor) -> Tensor:
    """0 for negative elements, 1 for positive ones, and `values` at 0; as in torch no gradient can be taken of it."""
    x, y = tensor_argument(input, "heaviside"), tensor_argument(values, "heaviside", "values", 2)
    if x.dtype is not y.dtype:
        raise RuntimeError("heaviside is not yet implemented for tensors with different dtypes.")
    return heaviside_.call(x, y)


def _numbers(name: str, forms: str, *given: Any) -> tuple[bool, ...]:
    """Which of two operands are tensors; torch's error, where one is neither that nor a number, or none is."""
    tensors = tuple([isinstance(x, Tensor) for x in given])
    if not any(tensors) or not all(isinstance(x, Tensor) or dtypes.is_number(x) for x in given):
        out = ", *, Tensor out = None)"
        raise invalid_combination(name, given, {}, *[f"({form}{out}" for form in forms.split("; ")])
    return tensors


@public(in_place=True)
def xlogy(input: Any, other: Any) -> Tensor:
    """`input * log(other)`, and 0 where `input` is 0; one of the two may be a number."""
    forms = "Tensor input, Tensor other; Number self, Tensor other; Tensor input, Number other"
    first, second = _numbers("xlogy", forms, input, other)
    made = xlogy_ if first and second else xlogy_.named("XlogyBackward2" if first else "XlogyBackward1")
    return binary(made, "xlogy", other, input)


@public(in_place=True)
def copysign(input: Tensor, other: Any) -> Tensor:
    """The absolute value of `input` with the sign of `other`, a tensor or a number; the gradient at 0 is 0."""
    _, second = _numbers("copysign", "Tensor input, Tensor other; Tensor input, Number other", input, other)
    tensor_argument(input, "copysign")
    return binary(copysign_ if second else copysign_.named("CopysignBackward1"), "copysign", other, input)


@public()
def float_power(input: Any, exponent: Any) -> Tensor:
    """`input ** exponent` in double precision; one of the two may be a number."""
    forms = "Tensor input, Tensor exponent; Number self, Tensor exponent; Tensor input, Number exponent"
    _numbers("float_power", forms, input, exponent)
    return pow(*[x.to(dtypes.float64) if isinstance(x, Tensor) else float(x) for x in (input, exponent)])


def _float_power_(self: Tensor, exponent: Any) -> Tensor:
    """`float_power`, in place: the tensor must be of float64."""
    if self.dtype is not dtypes.float64:
        raise RuntimeError(
            f"the base given to float_power_ has dtype {messages.TYPE_NAMES[self.dtype.name]} but the operation's "
            "result requires dtype Double"
        )
    return twin(float_power, "float_power_")(self, exponent)


attach(float_power_=_float_power_)

# Bits and divisors


def _of_integers(name: str, kernel: str, ufunc: Any, input: Any, other: Any) -> Tensor:
    found = operands(input, other, "promote") if Tensor in (input.__class__, other.__class__) else NotImplemented
    if found is NotImplemented:
        raise invalid_combination(name, (input, other), {}, "(Tensor input, Tensor other, *, Tensor out = None)")
    a, b, x, y = found
    broadcast_shape(x, y)
    if x.dtype.kind not in "iu":
        d = dtypes.from_numpy_dtype(x.dtype)
        raise NotImplementedError(messages.not_implemented(kernel, d))
    return integers(np.asarray(ufunc(x, y)), a if a._origin is not None else b, name)


@public(in_place=True)
def bitwise_left_shift(input: Any, other: Any) -> Tensor:
    """`input << other`: integers times 2 to the power of others."""
    return _of_integers("bitwise_left_shift", "lshift_cpu", np.left_shift, input, other)


@public(in_place=True)
def bitwise_right_shift(input: Any, other: Any) -> Tensor:
    """`input >> other`: integers divided by 2 to the power of others, rounded down."""
    return _of_integers("bitwise_right_shift", "rshift_cpu", np.right_shift, input, other)


@public(in_place=True)
def gcd(input: Tensor, other: Tensor) -> Tensor:
    """The greatest common divisor of two integers."""
    x, y = tensor_argument(input, "gcd"), tensor_argument(other, "gcd", "other", 2)
    return _of_integers("gcd", "gcd_cpu", np.gcd, x, y)


@public(in_place=True)
def lcm(input: Tensor, other: Tensor) -> Tensor:
    """The least common multiple of two integers."""
    x, y = tensor_argument(input, "lcm"), tensor_argument(other, "lcm", "other", 2)
    return _of_integers("lcm", "lcm_cpu", np.lcm, x, y)


# Steps from one tensor to another


def _together(made: Op, *operands: Any) -> Tensor:
    """The result for three tensors of one dtype that broadcast, and options; gradients are summed to their shapes."""
    tensors = operands[:3]
    try:
        result: Tensor = made.call(*operands)
    except ValueError as error:
        raise misfit_of(error, *tensors) from None
    if isinstance(result._origin, Node):
        result._origin.targets = tuple([(x._array.shape, x._array.dtype) for x in tensors])
    return result


@public(in_place=True)
def lerp(input: Tensor, end: Tensor, weight: Any) -> Tensor:
    """`input + weight * (end - input)`; `weight` is a number or a tensor. All but a 0-d one must be of one dtype."""
    a, b = tensor_argument(input, "lerp"), tensor_argument(end, "lerp", "end", 2)
    if isinstance(weight, Tensor) and not weight.ndim and a.dtype is b.dtype:
        d = common_dtype(a if a.ndim else b, weight)
        a, b, weight = a.to(d), b.to(d), weight.to(d)
    for name, x in (("end", b), ("weight", weight)):
        if isinstance(x, Tensor) and x.dtype is not a.dtype:
            names = [messages.C_NAMES[d.name] for d in (a.dtype, x.dtype)]
            raise RuntimeError(f"expected dtype {names[0]} for `{name}` but got dtype {names[1]}")
    of_tensor = isinstance(weight, Tensor)
    if a.dtype.kind != dtypes.FLOATING:
        kernel = "lerp_kernel_tensor" if of_tensor else "lerp_kernel_scalar"
        raise NotImplementedError(messages.not_implemented(kernel, a.dtype))
    if of_tensor:
        return _together(lerp_each, a, b, weight)
    if not dtypes.is_number(weight):
        forms = "(Tensor input, Tensor end, {} weight, *, Tensor out = None)"
        raise invalid_combination("lerp", (input, end, weight), {}, forms.format("Tensor"), forms.format("Number"))
    return lerp_by.call(a, b, float(weight))


def _three(name: str, input: Any, tensor1: Any, tensor2: Any) -> list[Tensor]:
    """Three tensors in their common dtype."""
    names = (("input", input), ("tensor1", tensor1), ("tensor2", tensor2))
    tensors = [tensor_argument(x, name, word, i) for i, (word, x) in enumerate(names, 1)]
    d = common_dtype(*tensors)
    return [converted_to_save(x, d) for x in tensors]


@public(in_place=True)
def addcmul(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: float = 1) -> Tensor:
    """`input + value * tensor1 * tensor2`, broadcast together."""
    tensors = _three("addcmul", input, tensor1, tensor2)
    messages.check_not_bool(tensors[0], "addcmul_cpu_out")
    return _together(addcmul_, *tensors, number("addcmul", "value", None, value))


@public(in_place=True)
def addcdiv(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: float = 1) -> Tensor:
    """`input + value * tensor1 / tensor2`, broadcast together; RuntimeError for the quotient of integers."""
    tensors = _three("addcdiv", input, tensor1, tensor2)
    if common_dtype(tensor1, tensor2).kind != dtypes.FLOATING:
        raise RuntimeError(
            "Integer division with addcdiv is no longer supported, and in a future  release addcdiv will perform a "
            "true division of tensor1 and tensor2. The historic addcdiv behavior can be implemented as "
            "(input + value * torch.trunc(tensor1 / tensor2)).to(input.dtype) for integer inputs and as "
            "(input + value * tensor1 / tensor2) for float inputs. The future addcdiv behavior is just the latter "
            "implementation: (input + value * tensor1 / tensor2), for all dtypes."
        )
    return _together(addcdiv_, *tensors, number("addcdiv", "value", None, value))


offer_in_place("ldexp_", "xlogy_", "gcd_", "lcm_")
