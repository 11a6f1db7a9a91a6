"""More functions of one number: logarithms and powers, trigonometric and hyperbolic functions and their inverses.

Source: https://docs.pytorch.org/docs/stable/torch.html#pointwise-ops
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..tensor import Tensor
from .half import by_number, in_single
from .inplace import like, twin, zeros_as
from .names import offer_in_place, public, tensor_argument
from .options import number
from .pointwise import abs_, cos_, keep, mul_, offer, power, reciprocal_, select, sign_, sin_
from .results import result_type
from .table import Op, op

INTERNAL = True
Array = np.ndarray[Any, Any]
DEGREE = math.pi / 180  # in radians


def _rsqrt(a: Array) -> Array:
    if a.dtype.char == "e":
        return in_single(_rsqrt, a)
    return np.reciprocal(np.sqrt(a))


def _sinc(a: Array) -> Array:
    if a.dtype.char == "e":
        return in_single(_sinc, a)
    angle = a * math.pi
    return np.where(a == 0, a.dtype.type(1), np.sin(angle) / angle)


def _sinc_rule(g: Any, a: Any) -> Any:
    angle, divisor = by_number(mul_, a, math.pi), by_number(mul_, a * a, math.pi)
    return keep(g * ((angle * cos_(angle) - sin_(angle)) / divisor), divisor != 0)


def _logit(a: Array, eps: float | None) -> Array:
    if a.dtype.char == "e":
        return in_single(_logit, a, eps)
    if eps is not None:
        low, high = a.dtype.type(eps), a.dtype.type(1 - eps)
        a = np.where(a < low, low, np.where(a > high, high, a))  # torch's order, which tells where `eps` is above 0.5
    return np.log(a / (1 - a))


def _logit_rule(g: Any, a: Any, eps: float | None) -> Any:
    low, high = (0.0, 1.0) if eps is None else (eps, 1.0 - eps)
    return select(g / (a * (1 - a)), math.nan if eps is None else 0.0, (a >= low) & (a <= high))


def _finite(a: Array, nan: float, posinf: float | None, neginf: float | None) -> Array:
    if a.dtype.kind != "f":
        return a.copy("K")
    return np.nan_to_num(a, True, nan, posinf, neginf)


log1p_ = op("Log1PBackward0", np.log1p, a=lambda g, a: g / (a + 1), floating=True)
log2_ = op("Log2Backward0", np.log2, a=lambda g, a: g / (a * math.log(2)), floating=True)
log10_ = op("Log10Backward0", np.log10, a=lambda g, a: g / (a * math.log(10)), floating=True)
expm1_ = op("Expm1Backward0", np.expm1, a=lambda g, out: g * (out + 1), floating=True)
exp2_ = op("Exp2Backward0", np.exp2, a=lambda g, out: g * out * math.log(2), floating=True)
rsqrt_ = op("RsqrtBackward0", _rsqrt, a=lambda g, out: -0.5 * g * power(out, 3), floating=True)
tan_ = op("TanBackward0", np.tan, a=lambda g, out: g * (1 + out * out), floating=True)
asin_ = op("AsinBackward0", np.arcsin, a=lambda g, a: g * rsqrt_(1 - a * a), floating=True)
acos_ = op("AcosBackward0", np.arccos, a=lambda g, a: g * -rsqrt_(1 - a * a), floating=True)
atan_ = op("AtanBackward0", np.arctan, a=lambda g, a: g / (a * a + 1), floating=True)
sinh_: Op = op("SinhBackward0", np.sinh, a=lambda g, a: g * cosh_(a), floating=True)
cosh_: Op = op("CoshBackward0", np.cosh, a=lambda g, a: g * sinh_(a), floating=True)
asinh_ = op("AsinhBackward0", np.arcsinh, a=lambda g, a: g * rsqrt_(a * a + 1), floating=True)
acosh_ = op("AcoshBackward0", np.arccosh, a=lambda g, a: g * rsqrt_(a * a - 1), floating=True)
atanh_ = op("AtanhBackward0", np.arctanh, a=lambda g, a: g * reciprocal_(1 - a * a), floating=True)
sinc_ = op("SincBackward0", _sinc, a=_sinc_rule, floating=True)
logit_ = op("LogitBackward0", _logit, a=_logit_rule, floating=True)
deg2rad_ = op(
    "Deg2RadBackward0", lambda a: by_number(mul_, a, DEGREE), a=lambda g: by_number(mul_, g, DEGREE), floating=True
)
rad2deg_ = op(
    "Rad2DegBackward0",
    lambda a: by_number(mul_, a, 1 / DEGREE),
    a=lambda g: by_number(mul_, g, 1 / DEGREE),
    floating=True,
)
nan_to_num_ = op("NanToNumBackward0", _finite, a=lambda g, a: g * (abs_(a) < math.inf))

sgn_ = op("SgnBackward0", sign_.forward, a=lambda g, a, out: zeros_as(g))

mantissa_of = op("FrexpBackward0", lambda a, scale: np.asarray(np.frexp(a)[0]), a=lambda g, scale: g * like(scale, g))

# torch's names for them


def _offer(name: str, made: Op, doc: str, *aliases: str, in_place: str = "") -> None:
    """The same, and in place as a function too; the nodes of changes in place may have another name."""
    offer(__name__, name, made, doc, *aliases)
    for known in (name, *aliases):
        if in_place:
            setattr(Tensor, f"{known}_", twin(lambda input: made.named(in_place).call(input), f"{known}_"))
        offer_in_place(f"{known}_")


_offer("log1p", log1p_, "`log(1 + input)`, accurate also near 0.")
_offer("log2", log2_, "The logarithm to the base 2 of each element.")
_offer("log10", log10_, "The logarithm to the base 10 of each element.")
_offer("expm1", expm1_, "`exp(input) - 1`, accurate also near 0.")
_offer("exp2", exp2_, "2 to the power of each element.")
_offer("rsqrt", rsqrt_, "`1 / sqrt(input)`.")
_offer("tan", tan_, "The tangent of each element, in radians.")
_offer("asin", asin_, "The angle whose sine each element is, from -pi / 2 to pi / 2.", "arcsin")
_offer("acos", acos_, "The angle whose cosine each element is, from 0 to pi.", "arccos")
_offer("atan", atan_, "The angle whose tangent each element is, from -pi / 2 to pi / 2.", "arctan")
_offer("sinh", sinh_, "The hyperbolic sine of each element.")
_offer("cosh", cosh_, "The hyperbolic cosine of each element.")
_offer("asinh", asinh_, "The number whose hyperbolic sine each element is.", "arcsinh", in_place="AsinhBackward1")
_offer(
    "acosh",
    acosh_,
    "The positive number whose hyperbolic cosine each element is.",
    "arccosh",
    in_place="AcoshBackward1",
)
_offer("atanh", atanh_, "The number whose hyperbolic tangent each element is.", "arctanh", in_place="AtanhBackward1")
_offer("sinc", sinc_, "`sin(pi * input) / (pi * input)`, and 1 at 0.")
_offer("deg2rad", deg2rad_, "Degrees in radians.")
_offer("rad2deg", rad2deg_, "Radians in degrees.")
sgn = offer(__name__, "sgn", sgn_, "-1, 0 or 1, by the sign of each element.")


@public(in_place=True)
def logit(input: Tensor, eps: float | None = None) -> Tensor:
    """`log(input / (1 - input))`, the inverse of `sigmoid`.

    eps  if given, elements are first brought into the range from `eps` to `1 - eps`
    """
    eps = -1.0 if eps is None else number("logit", "eps", 1, eps, "float")
    return logit_.call(tensor_argument(input, "logit"), None if eps < 0 else eps)


@public(in_place=True)
def nan_to_num(
    input: Tensor, nan: float | None = None, posinf: float | None = None, neginf: float | None = None
) -> Tensor:
    """Each element, but `nan` (or 0) for NaN, and `posinf` and `neginf` (or the largest numbers) for infinities."""
    given = enumerate({"nan": nan, "posinf": posinf, "neginf": neginf}.items(), 1)
    by = [v if v is None else number("nan_to_num", name, i, v, "float") for i, (name, v) in given]
    return nan_to_num_.call(tensor_argument(input, "nan_to_num"), by[0] or 0.0, *by[1:])


@public()
def frexp(input: Tensor) -> Any:
    """Each element as a mantissa, at least a half and below 1 in size, and an exponent of 2."""
    if not tensor_argument(input, "frexp").is_floating_point():
        raise RuntimeError("torch.frexp() only supports floating-point dtypes")
    x = input._array
    exponent = np.asarray(np.frexp(x)[1]).astype(np.int32)
    mantissa = mantissa_of.call(input, np.ldexp(x.dtype.type(1), -exponent))
    return result_type("frexp", "mantissa", "exponent")((mantissa, Tensor._of(exponent)))


offer_in_place("logit_", "nan_to_num_")
