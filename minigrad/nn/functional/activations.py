"""Activation functions, and shares of a whole: softmax and its like.

Source: https://docs.pytorch.org/docs/stable/nn.functional.html#non-linear-activation-functions
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ... import dtypes, messages, sigmoid as _sigmoid, tanh as _tanh, zeros, zeros_like
from ...ops import activations, pointwise, reduction
from ...ops.inplace import change, twin
from ...random import sampling
from ...tensor import Tensor
from ...warning import warn

INTERNAL = True

prelu, softsign, tanhshrink = activations.prelu, activations.softsign, activations.tanhshrink
softplus, logsigmoid, glu = activations.softplus, activations.logsigmoid, activations.glu
softshrink, hardshrink, gelu = activations.softshrink, activations.hardshrink, activations.gelu

relu_ = twin(pointwise.relu, "relu_")
elu_, selu_, celu_ = (twin(getattr(activations, name), f"{name}_") for name in ("elu", "selu", "celu"))
hardtanh_, leaky_relu_, threshold_ = (
    twin(getattr(activations, name), f"{name}_") for name in ("hardtanh", "leaky_relu", "threshold")
)
rrelu_ = twin(sampling.rrelu, "rrelu_")


def _applied(function: Callable[..., Tensor], input: Tensor, inplace: bool, *numbers: float) -> Tensor:
    """What the function gives, written over `input` if that is asked for."""
    return change(function, input, *numbers) if inplace else function(input, *numbers)


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """Each element, or 0 if it is negative."""
    return _applied(pointwise.relu, input, inplace)


def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """Each element that is larger than `threshold`, and `value` in the place of others."""
    return _applied(activations.threshold, input, inplace, threshold, value)


def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """Each element, brought into the range from `min_val` to `max_val`."""
    if min_val > max_val:
        raise ValueError("min_val cannot be greater than max_val")
    return _applied(activations.hardtanh, input, inplace, min_val, max_val)


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """Each element, brought into the range from 0 to 6."""
    return _applied(activations.relu6, input, inplace)


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """Each element, or `alpha * (exp(input) - 1)` where it is not positive."""
    return _applied(activations.elu, input, inplace, alpha)


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """`elu`, scaled such that layers keep a mean of 0 and a variance of 1."""
    return _applied(activations.selu, input, inplace)


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """Each element, or `alpha * (exp(input / alpha) - 1)` where it is not positive."""
    return _applied(activations.celu, input, inplace, alpha)


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """Each element, or `negative_slope` times it where it is not positive."""
    return _applied(activations.leaky_relu, input, inplace, negative_slope)


def rrelu(
    input: Tensor, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False, inplace: bool = False
) -> Tensor:
    """Each element, or where it is not positive a multiple of it, drawn from [lower, upper) when training."""
    return (rrelu_ if inplace else sampling.rrelu)(input, lower, upper, training)


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """`input / 6 + 1 / 2`, brought into the range from 0 to 1."""
    return _applied(activations.hardsigmoid, input, inplace)


def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """`input * hardsigmoid(input)`."""
    return _applied(activations.hardswish, input, inplace)


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """`input * sigmoid(input)`; also called swish."""
    return _applied(activations.silu, input, inplace)


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """`input * tanh(softplus(input))`."""
    return _applied(activations.mish, input, inplace)


def tanh(input: Tensor) -> Tensor:
    """The hyperbolic tangent of each element."""
    return _tanh(input)


def sigmoid(input: Tensor) -> Tensor:
    """`1 / (1 + exp(-input))`."""
    return _sigmoid(input)


# Shares of a whole


def _dim_of(name: str, dim: int | None, ndim: int) -> int:
    """The dimension to share along; with torch's warning, which names the user's line, where it is not said."""
    if dim is not None:
        return dim
    warn(f"Implicit dimension choice for {name} has been deprecated. Change the call to include dim=X as an argument.")
    return 0 if ndim in (0, 1, 3) else 1


def softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """`exp(input)`, scaled to sum to 1 along `dim`."""
    return reduction.softmax(input, _dim_of("softmax", dim, input.ndim), dtype)


def softmin(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """`softmax` of `-input`."""
    dim = _dim_of("softmin", dim, input.ndim)
    return reduction.softmax(-input, dim, dtype)


def log_softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """The logarithm of `softmax`, computed without underflow."""
    return reduction.log_softmax(input, _dim_of("log_softmax", dim, input.ndim), dtype)


def gumbel_softmax(logits: Tensor, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1) -> Tensor:
    """A random choice along `dim`, with the probabilities `softmax(logits)`, through which gradients flow.

    tau  how evenly it is shared: near 0, all goes to one
    hard  whether all goes to one; gradients are those of the softer choice
    Source: https://arxiv.org/abs/1611.01144
    """
    if eps != 1e-10:
        warn("`eps` parameter is deprecated and has no effect.")
    if logits.dtype.kind != dtypes.FLOATING:
        raise RuntimeError(
            "Exponential distribution is a continuous probability distribution. dtype must be a floating point but you "
            f"specified {messages.TYPE_NAMES[logits.dtype.name]}"
        )
    gumbels = -zeros(logits.shape, dtype=logits.dtype).exponential_().log()
    soft = reduction.softmax((logits + gumbels) / tau, dim)
    if not hard:
        return soft
    chosen = soft.max(dim, keepdim=True)[1]
    return zeros_like(logits).scatter_(dim, chosen, 1.0) - soft.detach() + soft
