"""Normalization of batches, layers, groups and examples.

Source: https://docs.pytorch.org/docs/stable/nn.functional.html#normalization-functions
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ... import dtypes, finfo, messages, no_grad
from ...flags import check_flags
from ...ops.convert import laid_out_as
from ...ops.names import tensor_argument
from ...ops.normalization import group_normalized, layer_normalized, normalized, scaled
from ...ops.options import real, wrong_type
from ...ops.windows import several
from ...tensor import Tensor
from .distances import normalize as normalize
from .pooling import avg_pool_of_channels

INTERNAL = True


def _affine(weight: Tensor | None, bias: Tensor | None, shape: tuple[int, ...], d: Any) -> tuple[Tensor, Tensor]:
    """Weight and bias, or ones and zeros."""
    return (
        Tensor._of(np.ones(shape, d)) if weight is None else weight,
        Tensor._of(np.zeros(shape, d)) if bias is None else bias,
    )


def _check_floating(input: Tensor, kernel: str, *parameters: Tensor | None) -> None:
    if input.dtype.kind != dtypes.FLOATING:
        raise NotImplementedError(messages.not_implemented(kernel, input.dtype))
    if any(t is not None and t.dtype is not input.dtype for t in parameters):
        name = messages.TYPE_NAMES[input.dtype.name]
        raise RuntimeError(f"mixed dtype (CPU): expect parameter to have scalar type of {name}")


def _check_enough(size: Any) -> None:
    if math.prod([n for i, n in enumerate(size) if i != 1]) == 1:
        raise ValueError(
            f"Expected more than 1 value per channel when training, got input size {size}\n"
            "  One value has no spread. Give it more examples (DataLoader(..., drop_last=True) leaves out a last\n"
            "  batch of one), or call net.eval() to use what was learned in training."
        )


def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Each channel of (N, C, ...) to mean 0 and variance 1, times `weight` (C,), plus `bias` (C,).

    training  whether by the batch's own mean and variance, of which the running ones, if there are any, take up the
              share `momentum`; otherwise by the running ones. ValueError if there is one value only for a channel.
    """
    if training:
        _check_enough(input.size())
    added = real("batch_norm", "eps", 8, eps)
    if training and added <= 0:
        raise ValueError(f"batch_norm eps must be positive during training, but got {eps}")
    if added < 0:
        raise ValueError(f"batch_norm eps must be non-negative, but got {eps}")
    return batch_normalized(input, running_mean, running_var, weight, bias, training, momentum, added)


def batch_normalized(
    input: Tensor,
    running_mean: Any,
    running_var: Any,
    weight: Any,
    bias: Any,
    training: bool,
    momentum: float,
    eps: float,
) -> Tensor:
    """`batch_norm`, also of one value only for a channel."""
    check_flags("batch_norm", training=training)
    messages.checked_dim(1, input.ndim)
    if not input.numel():  # then torch takes the affine part's first number only, for a gradient of zeros
        scaled_input = input.clone() if weight is None else input.clone() * weight[0]
        return scaled_input if bias is None else scaled_input + bias[0]
    channels = input.shape[1]
    if training and (running_mean is None) != (running_var is None):
        raise ValueError("running_mean and running_var must either both be None or neither be None")
    named = {"running_mean": running_mean, "running_var": running_var, "weight": weight, "bias": bias}
    for name, t in named.items():
        if t is None and name.startswith("running") and not training:
            raise RuntimeError(f"{name} must be defined in evaluation mode")
        if t is not None and t.numel() != channels:
            raise RuntimeError(f"{name} should contain {channels} elements not {t.numel()}")
    _check_floating(input, "batch_norm", *named.values())
    scale, shift = _affine(weight, bias, (channels,), input._array.dtype)
    if not training:
        return scaled.call(input, scale, shift, running_mean, running_var, eps)
    dims = (0, *range(2, input.ndim))
    if running_mean is not None:
        _keep_running(input, dims, running_mean, running_var, real("batch_norm", "momentum", 7, momentum))
    return normalized.call(input, scale, shift, dims, 0, True, eps)


def _keep_running(input: Tensor, dims: tuple[int, ...], mean: Tensor, variance: Tensor, momentum: float) -> None:
    """Let the running statistics take up the share `momentum` of the batch's."""
    with no_grad():
        mean.mul_(1 - momentum).add_(input.detach().mean(dims), alpha=momentum)
        variance.mul_(1 - momentum).add_(input.detach().var(dims), alpha=momentum)


def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Each channel of each example of (N, C, ...) to mean 0 and variance 1, times `weight` (C,), plus `bias` (C,).

    use_input_stats  False: by the running mean and variance instead
    """
    if use_input_stats and math.prod(input.size()[2:]) == 1:
        raise ValueError(f"Expected more than 1 spatial element when training, got input size {input.size()}")
    return instance_normalized(input, running_mean, running_var, weight, bias, use_input_stats, momentum, eps)


def instance_normalized(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None,
    bias: Tensor | None,
    use_input_stats: bool,
    momentum: float,
    eps: float,
) -> Tensor:
    """`instance_norm`, also of one value only for a channel."""
    check_flags("instance_norm", use_input_stats=use_input_stats)
    if not use_input_stats and (running_mean is None or running_var is None):
        raise RuntimeError("Expected running_mean and running_var to be defined when use_input_stats is false")
    eps = real("instance_norm", "eps", 8, eps)
    n, channels = input.shape[:2]
    mean, var, scale, shift = (None if t is None else t.repeat(n) for t in (running_mean, running_var, weight, bias))
    whole = input.contiguous().view(1, n * channels, *input.shape[2:])
    found = batch_normalized(whole, mean, var, scale, shift, use_input_stats, momentum, eps)
    with no_grad():
        for running, of_each in ((running_mean, mean), (running_var, var)):
            if running is not None and of_each is not None and use_input_stats:
                running.copy_(of_each.view(n, channels).mean(0))
    return found.view(*input.shape)


def _normalized_shape(function: str, input: Tensor, shape: Any, star: str) -> tuple[int, ...]:
    if not isinstance(shape, (tuple, list)):
        raise wrong_type(function, "normalized_shape", 2, "tuple of ints", shape)
    sizes = several(function, "normalized_shape", 2, shape)
    if not sizes:
        raise RuntimeError(
            "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one element, but got "
            "normalized_shape = []"
        )
    if tuple(input.shape[-len(sizes) :]) != sizes:
        shown = f"[{star}{', '.join(map(str, sizes))}]"
        raise RuntimeError(
            f"Given normalized_shape={list(sizes)}, expected input with shape {shown}, but got input of "
            f"size{list(input.shape)}"
        )
    return sizes


def _check_shapes(sizes: tuple[int, ...], **parameters: Tensor | None) -> None:
    for name, t in parameters.items():
        if t is not None and tuple(t.shape) != sizes:
            raise RuntimeError(
                f"Expected {name} to be of same shape as normalized_shape, but got {name} of shape {list(t.shape)} and "
                f"normalized_shape = {list(sizes)}"
            )


def layer_norm(
    input: Tensor,
    normalized_shape: Any,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """The last dimensions, of `normalized_shape`, to mean 0 and variance 1; times `weight`, plus `bias`, so shaped."""
    sizes = _normalized_shape("layer_norm", tensor_argument(input, "layer_norm"), normalized_shape, "*, ")
    _check_shapes(sizes, weight=weight, bias=bias)
    _check_floating(input, "LayerNormKernelImpl", weight, bias)
    eps = real("layer_norm", "eps", 5, eps)
    dims = tuple(range(input.ndim - len(sizes), input.ndim))
    return layer_normalized.call(input, *_affine(weight, bias, sizes, input._array.dtype), dims, 0, False, eps)


def group_norm(
    input: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Tensor:
    """`num_groups` groups of channels of each example of (N, C, ...) to mean 0 and variance 1.

    Each channel is then multiplied by `weight` (C,), and `bias` (C,) is added.
    """
    if input.ndim < 2:
        raise RuntimeError(f"Expected at least 2 dimensions for input tensor but received {input.ndim}")
    shape = list(input.shape)
    if shape[0] * shape[1] // num_groups * math.prod(shape[2:]) == 1:
        size = [shape[0] * shape[1] // num_groups, num_groups, *shape[2:]]
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {size}")
    if shape[1] % num_groups:
        raise RuntimeError(
            "Expected number of channels in input to be divisible by num_groups, but got input of shape "
            f"{shape} and num_groups={num_groups}"
        )
    for name, t in (("weight", weight), ("bias", bias)):
        if t is not None and tuple(t.shape) != (shape[1],):
            raise RuntimeError(
                f"Expected {name} to be a vector of size equal to the number of channels in input, but got {name} of "
                f"shape {list((weight if weight is not None else t).shape)} and input of shape {shape}"
            )
    _check_floating(input, "GroupNormKernelImpl", weight, bias)
    eps = real("group_norm", "eps", 5, eps)
    parameters = _affine(weight, bias, (shape[1],), input._array.dtype)
    return laid_out_as(input, group_normalized.call(input, *parameters, (2,), num_groups, True, eps))


def rms_norm(input: Tensor, normalized_shape: Any, weight: Tensor | None = None, eps: float | None = None) -> Tensor:
    """The last dimensions, of `normalized_shape`, by the root of their mean square, times `weight` of that shape.

    eps  is added to the mean square: the dtype's precision, if it is not given
    Source: https://arxiv.org/abs/1910.07467
    """
    sizes = _normalized_shape("rms_norm", tensor_argument(input, "rms_norm"), normalized_shape, "*")
    _check_shapes(sizes, weight=weight)
    messages.check_floats(input, "rms_norm")
    dims = tuple(range(input.ndim - len(sizes), input.ndim))
    square = (input**2).mean(dims, keepdim=True)
    found = input * (square + (finfo(input.dtype).eps if eps is None else eps)) ** -0.5
    return found if weight is None else found * weight


def local_response_norm(input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Tensor:
    """`input` (N, C, ...) by `(k + alpha * mean of the squares of size neighbouring channels) ** beta`."""
    if input.ndim < 3:
        raise ValueError(
            f"Expected 3D or higher dimensionality                          input (got {input.ndim} dimensions)"
        )
    if not input.numel():
        return input
    return input / (avg_pool_of_channels(input * input, size) * alpha + k) ** beta
