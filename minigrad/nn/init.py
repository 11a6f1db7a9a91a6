"""Starting values for parameters: each function fills a tensor in place, without recording it, and returns it.

Source: https://docs.pytorch.org/docs/stable/nn.init.html
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import numpy as np

from ..generator import Generator
from ..modes import no_grad
from ..random import randperm
from ..tensor import Tensor, wrap
from ..warning import warn

INTERNAL = True
F = TypeVar("F", bound=Callable[..., Any])

_LINEAR = ("linear", *[f"conv{'_transpose' * t}{n}d" for t in (0, 1) for n in (1, 2, 3)], "sigmoid")


def unrecorded(function: F) -> F:
    """`function`, under `no_grad` whenever it is called."""

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        with no_grad():
            return function(*args, **kwargs)

    return call  # type: ignore[return-value]


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """By how much a nonlinearity wants its inputs scaled up; `param` is the slope of "leaky_relu".

    Raises ValueError for another name than linear, conv1d ..., sigmoid, tanh, relu, leaky_relu and selu.
    """
    if nonlinearity in _LINEAR:
        return 1
    if nonlinearity == "tanh":
        return 5.0 / 3
    if nonlinearity == "relu":
        return math.sqrt(2.0)
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        if isinstance(slope, bool) or not isinstance(slope, (int, float)):
            raise ValueError(f"negative_slope {param} not a valid number")
        return math.sqrt(2.0 / (1 + slope**2))
    if nonlinearity == "selu":
        return 3.0 / 4
    raise ValueError(f"Unsupported nonlinearity {nonlinearity}")


# Constants


@unrecorded
def constant_(tensor: Tensor, val: float) -> Tensor:
    """Fill with `val`."""
    return tensor.fill_(val)


@unrecorded
def ones_(tensor: Tensor) -> Tensor:
    """Fill with ones."""
    return tensor.fill_(1.0)


@unrecorded
def zeros_(tensor: Tensor) -> Tensor:
    """Fill with zeros."""
    return tensor.zero_()


@unrecorded
def eye_(tensor: Tensor) -> Tensor:
    """Fill a matrix with the identity; ValueError for other dimensions than two."""
    if tensor.ndim != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    return tensor.copy_(wrap(np.eye(*tensor.shape, dtype=tensor._array.dtype)))


@unrecorded
def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """Fill the weight of a convolution so that it hands its input channels on; ValueError if it is none."""
    if tensor.ndim not in (3, 4, 5):
        raise ValueError("Only tensors with 3, 4, or 5 dimensions are supported")
    if tensor.shape[0] % groups != 0:
        raise ValueError("dim 0 must be divisible by groups")
    per_group = tensor.shape[0] // groups
    middle = tuple(n // 2 for n in tensor.shape[2:])
    filled = np.zeros(tensor.shape, tensor._array.dtype)
    for out_channel in range(tensor.shape[0]):
        if out_channel % per_group < tensor.shape[1]:
            filled[(out_channel, out_channel % per_group, *middle)] = 1
    return tensor.copy_(wrap(filled))


# Random numbers


@unrecorded
def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill with uniform numbers in [a, b)."""
    return tensor.uniform_(a, b, generator=generator)


@unrecorded
def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill with normal numbers."""
    return tensor.normal_(mean, std, generator=generator)


def fans(tensor: Tensor) -> tuple[int, int]:
    """How many values of the input reach one of the output, and the reverse; ValueError below two dimensions."""
    if tensor.ndim < 2:
        raise ValueError("Fan in and fan out can not be computed for tensor with fewer than 2 dimensions")
    field = math.prod(tensor.shape[2:])
    return tensor.shape[1] * field, tensor.shape[0] * field


_calculate_fan_in_and_fan_out = fans  # as programs that set their own biases call it


def _xavier_std(tensor: Tensor, gain: float) -> float:
    return gain * math.sqrt(2.0 / float(sum(fans(tensor))))


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill with uniform numbers that keep the variance of values and gradients (Glorot and Bengio, 2010)."""
    bound = math.sqrt(3.0) * _xavier_std(tensor, gain)
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill with normal numbers that keep the variance of values and gradients (Glorot and Bengio, 2010)."""
    return normal_(tensor, 0.0, _xavier_std(tensor, gain), generator)


def _kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float | None:
    if 0 in tensor.shape:
        warn("Initializing zero-element tensors is a no-op")
        return None
    mode = mode.lower()
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"Mode {mode} not supported, please use one of ['fan_in', 'fan_out']")
    fan = fans(tensor)[mode == "fan_out"]
    return calculate_gain(nonlinearity, a) / math.sqrt(fan)


def kaiming_uniform_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Fill with uniform numbers that keep the variance through rectifiers (He et al., 2015)."""
    std = _kaiming_std(tensor, a, mode, nonlinearity)
    return tensor if std is None else uniform_(tensor, -math.sqrt(3.0) * std, math.sqrt(3.0) * std, generator)


def kaiming_normal_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Fill with normal numbers that keep the variance through rectifiers (He et al., 2015)."""
    std = _kaiming_std(tensor, a, mode, nonlinearity)
    return tensor if std is None else normal_(tensor, 0.0, std, generator)


@unrecorded
def trunc_normal_(
    tensor: Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: Generator | None = None,
) -> Tensor:
    """Fill with normal numbers, drawn again until they are in [a, b]."""
    if mean < a - 2 * std or mean > b + 2 * std:
        warn(
            "mean is more than 2 std from [a, b] in nn.init.trunc_normal_. The distribution of values may be incorrect."
        )
    inside = (math.erf((b - mean) / std / math.sqrt(2.0)) - math.erf((a - mean) / std / math.sqrt(2.0))) / 2
    draw = _drawn_again if inside > 0.3 else _drawn_below_density
    return tensor.copy_(wrap(draw(tensor, mean, std, a, b, generator)))


def _drawn_again(t: Tensor, mean: float, std: float, a: float, b: float, generator: Any) -> np.ndarray[Any, Any]:
    low, high = (t._array.dtype.type(bound) for bound in (a, b))
    result = t.normal_(mean, std, generator=generator)._array
    outside = (result < low) | (result > high)
    while outside.any():
        result = np.where(outside, _like(t).normal_(mean, std, generator=generator)._array, result)
        outside = (result < low) | (result > high)
    return result


def _drawn_below_density(
    t: Tensor, mean: float, std: float, a: float, b: float, generator: Any
) -> np.ndarray[Any, Any]:
    """Where few would be inside: uniform numbers, each kept with the probability that the density gives it."""
    peak = -0.5 * ((max(a, min(mean, b)) - mean) / std) ** 2
    result, pending = t._array, np.ones(t.shape, bool)
    while pending.any():
        candidates = _like(t).uniform_(a, b, generator=generator)
        result = np.where(pending, candidates._array, result)
        density = candidates.sub_(mean).div_(std).pow_(2).mul_(-0.5).sub_(peak)
        too_rare = _like(t).uniform_(generator=generator).log_().gt(density)._array
        pending = pending & too_rare
    return result


def _like(t: Tensor) -> Tensor:
    """An uninitialised tensor like `t`."""
    return wrap(np.empty_like(t._array))


def orthogonal_(tensor: Tensor, gain: float = 1, generator: Generator | None = None) -> Tensor:
    """Fill with a matrix of orthonormal rows or columns, whichever are fewer, times `gain` (Saxe et al., 2013)."""
    if tensor.ndim < 2:
        raise ValueError("Only tensors with 2 or more dimensions are supported")
    if not tensor.numel():
        return tensor
    rows, columns = tensor.shape[0], tensor.numel() // tensor.shape[0]
    drawn = normal_(wrap(np.empty((rows, columns), tensor._array.dtype)), 0, 1, generator)._array
    q, r = np.linalg.qr(drawn.T if rows < columns else drawn)
    q = q * np.sign(np.diag(r))  # so that the result is the same for every way of factoring, and uniformly distributed
    with no_grad():
        return tensor.copy_(wrap((q.T if rows < columns else q).reshape(tensor.shape))).mul_(gain)


@unrecorded
def sparse_(tensor: Tensor, sparsity: float, std: float = 0.01, generator: Generator | None = None) -> Tensor:
    """Fill a matrix with normal numbers, and the share `sparsity` of each column with zeros.

    Raises ValueError for other shapes.
    """
    if tensor.ndim != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    rows, columns = tensor.shape
    zeros = math.ceil(sparsity * rows)
    filled = tensor.normal_(0, std, generator=generator)._array.copy()
    for column in range(columns):
        filled[randperm(rows)._array[:zeros], column] = 0
    return tensor.copy_(wrap(filled))


# The names of versions of torch before 0.4


def _deprecated(function: F) -> F:
    """`function` under its name without the underscore, with torch's warning."""
    new = function.__name__

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        warnings.warn(
            f"`nn.init.{new[:-1]}` is now deprecated in favor of `nn.init.{new}`.", FutureWarning, stacklevel=2
        )
        return function(*args, **kwargs)

    call.__name__ = call.__qualname__ = new[:-1]
    return call  # type: ignore[return-value]


uniform, normal, constant = _deprecated(uniform_), _deprecated(normal_), _deprecated(constant_)
eye, dirac, sparse, orthogonal = _deprecated(eye_), _deprecated(dirac_), _deprecated(sparse_), _deprecated(orthogonal_)
xavier_uniform, xavier_normal = _deprecated(xavier_uniform_), _deprecated(xavier_normal_)
kaiming_uniform, kaiming_normal = _deprecated(kaiming_uniform_), _deprecated(kaiming_normal_)
