"""torch's functions for functions of each element by itself; `torch_functions.py` has those for other operations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..ops import activations as v, functions as f, pairs, rounding, special

INTERNAL = True


def _called(name: str) -> Callable[..., Any]:
    return lambda torch, *operands: getattr(torch, name)(*operands)


def _of_networks(name: str) -> Callable[..., Any]:
    return lambda torch, *operands: getattr(torch.nn.functional, name)(*operands)


_NAMED = {
    f: "log1p log2 log10 expm1 exp2 rsqrt tan asin acos atan sinh cosh asinh acosh atanh sinc logit deg2rad rad2deg "
    "nan_to_num sgn",
    special: "erf erfc erfinv lgamma digamma i0",
    rounding: "floor ceil trunc round frac remainder fmod",
    pairs: "atan2 hypot logaddexp logaddexp2 xlogy copysign fmax fmin nextafter ldexp",
}
FUNCTIONS: list[tuple[Any, Callable[..., Any]]] = [
    (getattr(module, f"{name}_"), _called(name)) for module, names in _NAMED.items() for name in names.split()
]
FUNCTIONS += [
    (getattr(v, f"{name}_"), _of_networks(name))
    for name in [
        "silu",
        "mish",
        "softplus",
        "logsigmoid",
        "leaky_relu",
        "hardtanh",
        "hardsigmoid",
        "hardswish",
        "softshrink",
        "hardshrink",
    ]
]
FUNCTIONS += [
    (v.gelu_, lambda t, a, approximate: t.nn.functional.gelu(a, approximate=approximate)),
    (v.elu_, lambda t, a, alpha, scale, input_scale: t.ops.aten.elu(a, alpha, scale, input_scale)),
    (v.above, lambda t, a, threshold, value: t.threshold(a, threshold, value)),
    (v.prelu_, lambda t, a, b: t.where(a > 0, a, a * b)),
    (v.glu_, lambda t, a, first, second: a[first] * t.sigmoid(a[second])),
    (v.with_no_slope_in, lambda t, a, b: a),
    (v.rrelu_, lambda t, a, slopes: a * t.from_numpy(np.array(slopes))),
    (f.mantissa_of, lambda t, a, scale: t.frexp(a).mantissa),
    (special.i1_, lambda t, a: t.special.i1(a)),
    (special.mvlgamma_, lambda t, a, p: t.mvlgamma(a, p)),
    (special.polygamma_, lambda t, a, n: t.polygamma(n, a)),
    (rounding.round_to, lambda t, a, decimals: t.round(a, decimals=decimals)),
    (rounding.quotient, lambda t, a, b, mode: t.div(a, b, rounding_mode=mode)),
    (pairs.lerp_by, lambda t, a, b, weight: t.lerp(a, b, weight)),
    (pairs.lerp_each, lambda t, a, b, weight: t.lerp(a, b, weight)),
    (pairs.addcmul_, lambda t, a, b, c, value: t.addcmul(a, b, c, value=value)),
    (pairs.addcdiv_, lambda t, a, b, c, value: t.addcdiv(a, b, c, value=value)),
]
