"""Activation functions: what `minigrad.nn.functional` offers under torch's names, rule beside operation.

Source: https://docs.pytorch.org/docs/stable/nn.functional.html#non-linear-activation-functions
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import dtypes, messages
from ..tensor import Tensor
from .half import at_least, at_most, by_number, in_single, is_half
from .indices import number_array
from .inplace import like
from .names import public, tensor_argument
from .options import number
from .pointwise import exp_, keep, mul_, select, sigmoid_, tanh_
from .shape import whole_of
from .special import erf_, erf_of
from .table import Op, op

INTERNAL = True
Array = np.ndarray[Any, Any]

# Smooth ones

ROOT_HALF = math.sqrt(0.5)
ROOT_TWO_OVER_PI = math.sqrt(2 / math.pi)
CUBIC = 0.044715  # of the argument of tanh, where that stands for the error function


def _gelu(a: Array, approximate: str) -> Array:
    if a.dtype.char == "e":
        return in_single(_gelu, a, approximate)
    if approximate == "tanh":
        return 0.5 * a * (1 + np.tanh(ROOT_TWO_OVER_PI * (a + CUBIC * (a * a * a))))
    return 0.5 * a * (1 + erf_of(a * ROOT_HALF))


def _gelu_rule(g: Any, a: Any, approximate: str) -> Any:
    if is_half(g):
        return in_single(_gelu_rule, g, a.astype("f"), approximate)
    if approximate == "tanh":
        t = tanh_(ROOT_TWO_OVER_PI * (a + CUBIC * (a * a * a)))
        slope = ROOT_TWO_OVER_PI * (1 + 3 * CUBIC * (a * a))
        return g * (0.5 * (1 + t) + 0.5 * a * (1 - t * t) * slope)
    density = exp_(-0.5 * (a * a)) * (0.5 * ROOT_TWO_OVER_PI)
    return g * (0.5 * (1 + erf_(a * ROOT_HALF)) + a * density)


def _silu(a: Array) -> Array:
    if a.dtype.char == "e":
        return in_single(_silu, a)
    return a / (1 + np.exp(-a))


def _silu_rule(g: Any, a: Any) -> Any:
    if is_half(g):
        return in_single(_silu_rule, g, a.astype("f"))
    s = sigmoid_(a)
    return g * (s * (1 + a * (1 - s)))


def _mish(a: Array) -> Array:
    if a.dtype.char == "e":
        return in_single(_mish, a)
    return a * np.tanh(np.log1p(np.exp(a)))


def _mish_rule(g: Any, a: Any) -> Any:
    if is_half(g):
        return in_single(_mish_rule, g, a.astype("f"))
    t = tanh_(softplus_(a, 1.0, math.inf))
    return g * (t + a * sigmoid_(a) * (1 - t * t))


def _softplus(a: Array, beta: float, threshold: float) -> Array:
    if a.dtype.char == "e":
        return in_single(_softplus, a, beta, threshold)
    return np.where(a * beta > threshold, a, np.log1p(np.exp(a * beta)) / beta)


def _logsigmoid(a: Array) -> Array:
    if a.dtype.char == "e":
        return in_single(_logsigmoid, a)
    # Without gaps and in order, as torch has it.
    return np.ascontiguousarray(np.minimum(a, 0) - np.log1p(np.exp(-np.abs(a)))).reshape(a.shape)


gelu_ = op("GeluBackward0", _gelu, a=_gelu_rule)
silu_ = op("SiluBackward0", _silu, a=_silu_rule)
mish_ = op("MishBackward0", _mish, a=_mish_rule)
softplus_: Op = op(
    "SoftplusBackward0",
    _softplus,
    a=lambda g, a, beta, threshold: select(g, g * sigmoid_(a * beta), a * beta > threshold),
)
logsigmoid_ = op("LogSigmoidBackward0", _logsigmoid, a=lambda g, a: g * sigmoid_(-a))

# Those with a corner. Where the slope is the same on both sides of it, and so the second derivative 0, torch gives
# zeros for that, and does not say that the slope depends on nothing.

with_no_slope_in: Op = op(
    "NoSlopeBackward0",
    lambda a, b: a[...],
    a=lambda g: g,
    b=lambda g, b_shape: _zeros(g, b_shape),
)


def _zeros(g: Any, shape: tuple[int, ...]) -> Any:
    """Zeros of another shape than `g`, beside it."""
    array = g._array if isinstance(g, Tensor) else g
    return like(np.zeros(shape, array.dtype), g)


def _elu(a: Array, alpha: float, scale: float, input_scale: float) -> Array:
    if a.dtype.char == "e":
        return in_single(_elu, a, alpha, scale, input_scale)
    return np.where(a > 0, a * scale, np.expm1(a * input_scale) * (alpha * scale))


def _hardsigmoid(a: Array) -> Array:
    if a.dtype.char == "e":
        return in_single(_hardsigmoid, a)
    return np.clip(a + 3, 0, 6) / 6


def _hardswish(a: Array) -> Array:
    if a.dtype.char == "e":
        return in_single(_hardswish, a)
    return a * np.clip(a + 3, 0, 6) / 6


def _hardswish_rule(g: Any, a: Any) -> Any:
    if is_half(g):
        return in_single(_hardswish_rule, g, a.astype("f"))
    return select(g * keep(a / 3 + 0.5, (a > -3) & (a < 3)), g, a < 3)


def _softshrink(a: Array, lambd: float) -> Array:
    if a.dtype.char == "e":
        return in_single(_softshrink, a, lambd)
    return np.where(a > lambd, a - lambd, np.where(a < -lambd, a + lambd, a * 0))


def _glu(a: Array, first: Any, second: Any) -> Array:
    if a.dtype.char == "e":
        return in_single(_glu, a, first, second)
    return a[first] * np.reciprocal(1 + np.exp(-a[second]))


leaky_relu_ = op(
    "LeakyReluBackward0",
    lambda a, slope: np.where(a > 0, a, by_number(mul_, a, slope)),
    a=lambda g, a, slope: with_no_slope_in(select(g, by_number(mul_, g, slope), a > 0), a),
)
elu_ = op(
    "EluBackward0",
    _elu,
    # Above 0 no power is taken: it would overflow.
    a=lambda g, a, alpha, scale, input_scale: select(
        g * (exp_(keep(a * input_scale, a < 0)) * (alpha * scale * input_scale)), g * scale, a <= 0
    ),
)
hardtanh_ = op(
    "HardtanhBackward0",
    lambda a, low, high: at_most(at_least(a, low), high),
    a=lambda g, a, low, high: with_no_slope_in(keep(g, ~((a <= low) | (a >= high))), a),
)
hardsigmoid_ = op(
    "HardsigmoidBackward0",
    _hardsigmoid,
    a=lambda g, a: keep(g / 6, (a > -3) & (a < 3)),
)
hardswish_ = op(
    "HardswishBackward0",
    _hardswish,
    a=_hardswish_rule,
)
above = op(
    "ThresholdBackward0",
    lambda a, threshold, value: np.where(a <= threshold, a.dtype.type(value), a),
    a=lambda g, a, threshold: with_no_slope_in(keep(g, ~(a <= threshold)), a),
)
softshrink_ = op(
    "SoftshrinkBackward0",
    _softshrink,
    a=lambda g, a, lambd: with_no_slope_in(keep(g, ~((a >= -lambd) & (a <= lambd))), a),
)
hardshrink_ = op(
    "HardshrinkBackward0",
    lambda a, lambd: np.where((a >= -lambd) & (a <= lambd), a.dtype.type(0), a),
    a=lambda g, a, lambd: with_no_slope_in(keep(g, ~((a >= -lambd) & (a <= lambd))), a),
)
prelu_ = op(
    "PreluKernelBackward0",
    lambda a, b: np.where(a > 0, a, a * b),
    a=lambda g, a, b: with_no_slope_in(g * select(b, 1, ~(a > 0)), a),
    # Masked twice: what is infinite where the weight is not used must not meet a 0, forward or back.
    b=lambda g, a, b: with_no_slope_in(keep(g * keep(a, ~(a > 0)), ~(a > 0)), b),
    numbers="promote",
)
rrelu_ = op(
    "RreluWithNoiseBackward0",
    lambda a, slopes: a * slopes,
    a=lambda g, a, slopes: with_no_slope_in(g * like(slopes, g), a),
)
half: Op = op(
    "SliceBackward0",
    lambda a, at: a[at].copy(),  # not a view: a change of `a` would reach it unnoticed
    a=lambda g, a_shape, at: whole_of(g, a_shape, at),
)
glu_ = op(
    "GluBackward0",
    _glu,
    a=lambda g, a, first, second: _glu_rule(g, a, first, second),
)


def _glu_rule(g: Any, a: Any, first: Any, second: Any) -> Any:
    x, s = half(a, first), sigmoid_(half(a, second))
    return whole_of(g * s, a.shape, first) + whole_of(g * (x * s * (1 - s)), a.shape, second)


# torch's names for them


def _floating(input: Any, function: str, kernel: str) -> Any:
    """`input`, or torch's error where it is no tensor, or none of floats."""
    found: Any = tensor_argument(input, function)
    if found._array.dtype.kind != "f":
        raise NotImplementedError(messages.not_implemented(kernel, found.dtype))
    return found


def gelu(input: Tensor, *, approximate: str = "none") -> Tensor:
    """Each element times the chance that a standard normal number is below it.

    approximate  "tanh" computes that chance by a hyperbolic tangent instead of the error function
    Source: https://arxiv.org/abs/1606.08415
    """
    if approximate not in ("none", "tanh"):
        raise RuntimeError("approximate argument must be either none or tanh.")
    return gelu_.call(_floating(input, "gelu", "GeluKernelImpl"), approximate)


def silu(input: Tensor) -> Tensor:
    """`input * sigmoid(input)`; also called swish."""
    return silu_.call(_floating(input, "silu", "silu_cpu"))


def mish(input: Tensor) -> Tensor:
    """`input * tanh(softplus(input))`."""
    return mish_.call(_floating(input, "mish", "mish_cpu"))


def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """`log(1 + exp(beta * input)) / beta`, and the element itself where `beta * input > threshold`."""
    beta, threshold = number("softplus", "beta", 2, beta), number("softplus", "threshold", 3, threshold)
    return softplus_.call(_floating(input, "softplus", "softplus_cpu"), beta, threshold)


def logsigmoid(input: Tensor) -> Tensor:
    """`log(sigmoid(input))`, without underflow."""
    return logsigmoid_.call(_floating(input, "log_sigmoid", "log_sigmoid_cpu"))


def leaky_relu(input: Tensor, negative_slope: float = 0.01) -> Tensor:
    """Each element, or `negative_slope` times it where it is not positive."""
    input = _floating(input, "leaky_relu", "leaky_relu_cpu")
    return leaky_relu_.call(input, number("leaky_relu", "negative_slope", 2, negative_slope))


def elu(input: Tensor, alpha: float = 1.0) -> Tensor:
    """Each element, or `alpha * (exp(input) - 1)` where it is not positive."""
    return elu_.call(_floating(input, "elu", "elu_cpu"), number("elu", "alpha", 2, alpha), 1.0, 1.0)


@public(method=False)
def selu(input: Tensor) -> Tensor:
    """`elu`, scaled such that layers keep a mean of 0 and a variance of 1.

    Source: https://arxiv.org/abs/1706.02515
    """
    return elu_.call(_floating(input, "selu", "elu_cpu"), 1.6732632423543772, 1.0507009873554805, 1.0)


@public(method=False)
def celu(input: Tensor, alpha: float = 1.0) -> Tensor:
    """Each element, or `alpha * (exp(input / alpha) - 1)` where it is not positive; RuntimeError if `alpha` is 0."""
    alpha = number("celu", "alpha", 2, alpha)
    if alpha == 0:
        raise RuntimeError("ZeroDivisionError: alpha cannot be 0 for CELU")
    input = _floating(input, "celu", "elu_cpu")
    return elu_.named("CeluBackward0").call(input, alpha, 1.0, 1.0 / alpha)


def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """Each element, brought into the range from `min_val` to `max_val`; at both the gradient is 0."""
    if tensor_argument(input, "hardtanh").dtype is dtypes.bool_:
        raise RuntimeError("Bool inputs not supported for hardtanh")
    min_val, max_val = number("hardtanh", "min_val", 2, min_val), number("hardtanh", "max_val", 3, max_val)
    bounds: tuple[float, ...] = (min_val, max_val)
    if input._array.dtype.kind != "f":  # torch makes long integers of the bounds first
        bounds = tuple([number_array(v, dtypes.int64.numpy).item() for v in bounds])
        if input.dtype is dtypes.uint8 and min(bounds) < 0:
            raise RuntimeError("cannot do hardtanh on an unsigned type with negative limits")
    return hardtanh_.call(input, *[number_array(v, input._array.dtype).item() for v in bounds])


def relu6(input: Tensor) -> Tensor:
    """Each element, brought into the range from 0 to 6."""
    return hardtanh(tensor_argument(input, "relu6"), 0.0, 6.0)


def hardsigmoid(input: Tensor) -> Tensor:
    """The line through (-3, 0) and (3, 1), and 0 and 1 outside."""
    return hardsigmoid_.call(_floating(input, "hardsigmoid", "hardsigmoid_cpu"))


def hardswish(input: Tensor) -> Tensor:
    """`input * hardsigmoid(input)`."""
    return hardswish_.call(_floating(input, "hardswish", "hardswish_cpu"))


@public(method=False)
def threshold(input: Tensor, threshold: float, value: float) -> Tensor:
    """Each element that is above `threshold`, and `value` in place of the others."""
    messages.check_not_bool(tensor_argument(input, "threshold"), "threshold_cpu")
    given = number("threshold", "threshold", 2, threshold), number("threshold", "value", 3, value)
    return above.call(input, *[number_array(v, input._array.dtype).item() for v in given])


def softshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """Each element, moved towards 0 by `lambd`, and 0 where that would pass 0."""
    lambd = number("softshrink", "lambd", 2, lambd)
    most = float(np.finfo(_floating(input, "softshrink", "softshrink_check")._array.dtype).max)
    if not 0 <= lambd <= most:
        raise RuntimeError(
            f"lambda must be in range [0, {most:g}] for input dtype {messages.TYPE_NAMES[input.dtype.name]}, "
            f"but found {lambd:g}"
        )
    return softshrink_.call(input, lambd)


@public()
def hardshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """Each element, and 0 in place of those from `-lambd` to `lambd`."""
    x = _floating(input, "hardshrink", "hardshrink_cpu")
    lambd = number_array(number("hardshrink", "lambd", 2, lambd), x._array.dtype).item()
    return hardshrink_.call(x, lambd)


def softsign(input: Tensor) -> Tensor:
    """`input / (1 + abs(input))`."""
    return input / (tensor_argument(input, "softsign").abs() + 1)


def tanhshrink(input: Tensor) -> Tensor:
    """`input - tanh(input)`."""
    return input - tensor_argument(input, "tanhshrink").tanh()


@public()
def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """Each element, or `weight` times it where it is negative.

    weight  one number, or one for each channel: element of dimension 1
    Raises RuntimeError if the weights are neither, or of another dtype than `input`.
    """
    weights = tensor_argument(weight, "prelu", "weight", 2).numel()
    if tensor_argument(input, "prelu").dtype is not weight.dtype:
        names = messages.TYPE_NAMES[input.dtype.name], messages.TYPE_NAMES[weight.dtype.name]
        raise RuntimeError(f"prelu: Type promoting not supported. Got {names[0]} and {names[1]}")
    if weights != 1:
        if not input.ndim:
            raise RuntimeError("Not allow zero-dim input tensor.")
        channels = input.shape[1] if input.ndim > 1 else 1
        if channels != weights:
            raise RuntimeError(
                f"Mismatch of parameter numbers and input channel size. Found parameter numbers = {weights} and "
                f"channel size = {channels}."
            )
    if weight.ndim > 1:
        raise RuntimeError(f"prelu: Expected `weight` to be a scalar or 1D tensor, but got: ndim = {weight.ndim}")
    if input.ndim != weight.ndim:
        weight = weight.reshape([weights if dim == 1 else 1 for dim in range(input.ndim)])
    return prelu_.call(_floating(input, "prelu", "prelu_cpu"), weight)


def glu(input: Tensor, dim: int = -1) -> Tensor:
    """One half of `input` along `dim` times the sigmoid of the other; RuntimeError if it cannot be halved."""
    if not tensor_argument(input, "glu").ndim:
        raise RuntimeError("glu does not support scalars because halving size must be even")
    dim = messages.checked_dim(dim, input.ndim)
    length = input.shape[dim]
    if length % 2:
        raise RuntimeError(f"Halving dimension must be even, but dimension {dim} is size {length}")
    first, second = [(slice(None),) * dim + (slice(n, n + length // 2),) for n in (0, length // 2)]
    return glu_.call(_floating(input, "glu", "glu_cpu"), first, second)
