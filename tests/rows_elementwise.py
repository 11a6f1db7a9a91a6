"""Rows for functions of each element by itself that are not in rows_core.py."""

from __future__ import annotations

from typing import Any

from op_cases import Draw, Shape
from op_rows import number, program, row

# Of one number

for name in ("expm1", "exp2", "tan", "sinh", "cosh", "atan", "asinh", "erf", "erfc", "sinc"):
    row(name)
for name in ("deg2rad", "rad2deg", "sgn", "frac", "floor", "ceil", "trunc", "round", "nan_to_num"):
    row(name, smooth=name in ("deg2rad", "rad2deg", "sgn"))
for name in ("log1p", "log2", "log10", "rsqrt"):
    row(name, domain="positive")
for name in ("asin", "acos", "atanh", "erfinv", "acosh"):
    row(name, smooth=False)
row("logit", smooth=False, special=())  # at -0 the slope has one sign in torch, and another if it is recorded
for text in ("asin(a / 4)", "acos(a / 4)", "atanh(a / 4)", "erfinv(a / 4)", "logit(a / 4)", "acosh(a + 1)"):
    program(f"t.{text}", domain="positive", special=())
for name in ("arcsin", "arccos", "arctan", "arcsinh", "arccosh", "arctanh", "fix"):
    row(name, smooth=False)
row("logit", "a, 0.25", smooth=False, special=())
row("nan_to_num", "a, 1.5, 7.0, number", options=number, smooth=False)
row("round", "a, decimals=decimals", options=lambda draw, s: {"decimals": draw.choice(1, 2, -1)}, smooth=False)
# At the poles below 0 the second derivatives are what rounding makes of them.
row("i0", special=())
program("t.mvlgamma(a + 2, 3)", domain="positive", special=())
row("mvlgamma", "a, 2", domain="positive", special=(), smooth=False, ordered=False)
row("frexp", smooth=False)
row("lgamma", domain="positive", special=())
row("digamma", domain="positive", special=())
row(
    "polygamma",
    "n, a",
    "a.polygamma(n)",
    domain="positive",
    special=(),
    options=lambda draw, s: {"n": draw.choice(0, 1, 2, 3)},
)
row("positive", "a", "+a")
for name in ("isnan", "isinf", "isfinite", "isposinf", "isneginf", "isreal", "signbit"):
    row(name)

# Quotients

for name, sign in {"remainder": "%", "floor_divide": "//", "fmod": None}.items():
    in_place = (f"a {sign} b", f"a {sign}= b") if sign else ()
    row(name, "a, b", in_place, shapes=Draw.pair, smooth=False, domain="not zero")
    beside = (f"a {sign} number", f"a {sign}= number") if sign else ()
    row(name, "a, number", beside, options=number, smooth=False)
row("remainder", "number, a", "number % a", options=number, smooth=False, domain="not zero")
program("number // a", options=number, smooth=False, domain="not zero")


def mode(draw: Draw, *shapes: Shape) -> dict[str, Any]:
    return {"mode": draw.choice("floor", "trunc", *([None, "up"] if draw.wild else []))}


row("div", "a, b, rounding_mode=mode", shapes=Draw.pair, options=mode, smooth=False, domain="not zero")
row("div", "a, number, rounding_mode=mode", options=lambda draw, s: number(draw) | mode(draw), smooth=False)

# Of two or three numbers

for name in ("atan2", "arctan2"):  # the slopes of integers are in torch those of squares that overflowed
    row(name, "a, b", shapes=Draw.pair, fixed=dict.fromkeys("ab", "float64"), always_fixed=True)
for name in ("hypot", "logaddexp", "logaddexp2"):
    row(name, "a, b", shapes=Draw.pair)
for name in ("fmax", "fmin", "copysign"):
    row(name, "a, b", shapes=Draw.pair)
# To a whole exponent torch's slope is 0: of 2**b computed in integers (see test_powers_of_two).
row("ldexp", "a, b.to(a.dtype)", shapes=Draw.pair, ordered=False)
for name in ("fmax", "fmin"):
    row(name, "a, b", shapes=lambda draw: [(draw.choice(2, 3),) * draw.choice(2, 3)] * 2)
row("copysign", "a, number", options=number)
row("nextafter", "a, b", shapes=Draw.pair, smooth=False)
row("heaviside", "a, b", shapes=Draw.pair, smooth=False)
row("xlogy", "a, b", shapes=Draw.pair, domain="positive")
row("xlogy", "a, number", options=lambda draw, s: {"number": draw.choice(2, 0.5, 1)})
row("xlogy", "number, a", options=number, domain="positive")
for name in ("igamma", "igammac"):  # torch refuses a slope by the first
    row(name, "a, b", shapes=Draw.pair, domain="positive", special=(), smooth=False, ordered=False)
    program(f"t.{name}(t.full_like(a, 2.5), a)", domain="positive", special=())
row("float_power", "a, b", shapes=Draw.pair, domain="positive")
row("float_power", "a, number", options=number, domain="positive")
row("float_power", "number, a", options=lambda draw, s: {"number": draw.choice(2, 0.5, 3.0, 1)})
row("lerp", "a, b, number", shapes=Draw.pair, options=number)
row("lerp", "a, b, c", shapes=lambda draw: draw.broadcast(3))


def value(draw: Draw, *shapes: Shape) -> dict[str, Any]:
    return {"value": 3 if draw.wild else -2}  # the slopes of bytes times -2 are in torch those of 254


for name in ("addcmul", "addcdiv"):
    row(name, "a, b, c", shapes=lambda draw: draw.broadcast(3))
    row(name, "a, b, c, value=value", shapes=lambda draw: draw.broadcast(3), options=value)
for name, sign in {"bitwise_left_shift": "<<", "bitwise_right_shift": ">>"}.items():
    row(name, "a, b", (f"a {sign} b", f"a {sign}= b"), shapes=Draw.pair, fixed={"a": "int64", "b": "uint8"})
    row(name, "a, 2", (f"a {sign} 2",), fixed={"a": "int16"})
    row(name, "3, a", f"3 {sign} a", fixed={"a": "uint8"})
for name in ("gcd", "lcm"):
    row(name, "a, b", shapes=Draw.pair, fixed={"a": "int64", "b": "int32"})
row("isclose", "a, b", shapes=Draw.pair)
row("isclose", "a, b, rtol=0.5, atol=0.5, equal_nan=True", shapes=Draw.pair)

# With random numbers

program("t.manual_seed(3); t.poisson(a)", domain="positive", special=(), smooth=False)
program(
    "t.manual_seed(3); t.rrelu(a, training=training)", options=lambda draw, s: {"training": draw.flag()}, ordered=False
)
