"""Dropout: elements, or whole channels, set to 0 at random, and the others scaled up; from torch's random stream.

Source: https://jmlr.org/papers/v15/srivastava14a.html
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import messages
from ...flags import wrong_flag
from ...layout import empty_as
from ...ops.inplace import change
from ...ops.names import tensor_argument
from ...tensor import Tensor
from ...warning import warn

INTERNAL = True


def _check(p: float) -> None:
    if p < 0.0 or p > 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    if p != p:  # which no comparison finds
        raise RuntimeError("dropout probability has to be between 0 and 1, but got nan")


def _checked(input: Any, function: str, training: Any, inplace: bool) -> Tensor:
    """`input`, or torch's error if it is no tensor, or if `training` is no bool."""
    function += "_" * bool(inplace)
    if training is not True and training is not False:
        tensor_argument(input, function)
        raise wrong_flag(function, "'train' (position 3)", training)
    return tensor_argument(input, function)


def _kept(input: Tensor, shape: tuple[int, ...], p: float) -> Tensor:
    """1 for what is kept, else 0; laid out as the input where it has its shape."""
    d = input._array.dtype
    noise = empty_as(input._array, d) if shape == input._array.shape else np.empty(shape, d)
    return Tensor._of(noise).bernoulli_(1 - p)


def dropped(input: Tensor, shape: tuple[int, ...], p: float, training: bool, inplace: bool) -> Tensor:
    """`input` times the same noise for all elements of a channel, or its own for each."""
    if p == 0 or not training or not input._array.size:
        return input
    if input._array.dtype.kind != "f":
        name = messages.TYPE_NAMES[input.dtype.name]
        raise RuntimeError(f"result type Float can't be cast to the desired output type {name}")
    if p == 1:
        noise: Any = Tensor._of(np.zeros((), input._array.dtype))
    else:
        noise = _kept(input, shape, p).div_(1 - p)
    return input.mul_(noise) if inplace else input * noise


def channels(input: Tensor) -> tuple[int, ...]:
    """The shape of noise that all elements of a channel share; torch's RuntimeError where there are no channels."""
    if input._array.ndim < 2:
        raise RuntimeError("Feature dropout requires at least 2 dimensions in the input")
    return (*input._array.shape[:2], *(1,) * (input._array.ndim - 2))


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Each element 0 with probability `p`, and else divided by `1 - p`; `input` itself when not training."""
    _check(p)
    return dropped(input, _checked(input, "dropout", training, inplace)._array.shape, p, training, inplace)


def dropout1d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Each channel of (N, C, L), or (C, L), 0 with probability `p`, and else divided by `1 - p`."""
    _check(p)
    if input.ndim not in (2, 3):
        raise RuntimeError(
            f"dropout1d: Expected 2D or 3D input, but received a {input.ndim}D input. "
            "Note that dropout1d exists to provide channel-wise dropout on inputs with 1 "
            "spatial dimension, a channel dimension, and an optional batch dimension "
            "(i.e. 2D or 3D inputs)."
        )
    _checked(input, "feature_dropout", training, inplace)
    if input.ndim == 3:
        return dropped(input, channels(input), p, training, inplace)
    batch = input.unsqueeze_(0) if inplace else input.unsqueeze(0)
    found = dropped(batch, channels(batch), p, training, inplace)
    return found.squeeze_(0) if inplace else found.squeeze(0)


def dropout2d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Each channel of (N, C, H, W) 0 with probability `p`, and else divided by `1 - p`."""
    _check(p)
    if input.ndim not in (3, 4):
        warn(
            f"dropout2d: Received a {input.ndim}-D input to dropout2d, which is deprecated and will result in an error "
            "in a future release. To retain the behavior and silence this warning, please use dropout instead. Note "
            "that dropout2d exists to provide channel-wise dropout on inputs with 2 spatial dimensions, a channel "
            "dimension, and an optional batch dimension (i.e. 3D or 4D inputs)."
        )
    if input.ndim == 3:
        warn(
            "dropout2d: Received a 3D input to dropout2d and assuming that channel-wise 1D dropout behavior is desired "
            "- input is interpreted as shape (N, C, L), where C is the channel dim. This behavior will change in a "
            "future release to interpret the input as one without a batch dimension, i.e. shape (C, H, W). To maintain "
            "the 1D channel-wise dropout behavior, please switch to using dropout1d instead."
        )
    _checked(input, "feature_dropout", training, inplace)
    return dropped(input, channels(input), p, training, inplace)


def dropout3d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Each channel of (N, C, D, H, W), or (C, D, H, W), 0 with probability `p`, and else divided by `1 - p`."""
    _check(p)
    if input.ndim not in (4, 5):
        warn(
            f"dropout3d: Received a {input.ndim}-D input to dropout3d, which is deprecated and will result in an error "
            "in a future release. To retain the behavior and silence this warning, please use dropout instead. Note "
            "that dropout3d exists to provide channel-wise dropout on inputs with 3 spatial dimensions, a channel "
            "dimension, and an optional batch dimension (i.e. 4D or 5D inputs)."
        )
    _checked(input, "feature_dropout", training, inplace)
    if input.ndim == 5:
        return dropped(input, channels(input), p, training, inplace)
    if inplace:
        return dropped(input, (*input._array.shape[:1], *(1,) * (input.ndim - 1)), p, training, True)
    batch = input.unsqueeze(0)
    return dropped(batch, channels(batch), p, training, False).squeeze(0)


def alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Any:
    """Dropout that keeps the mean and the variance of what `selu` gives.

    Source: https://arxiv.org/abs/1706.02515
    """
    _check(p)
    _checked(input, "alpha_dropout", training, inplace)
    return scaled_noise(input, input._array.shape, p, training, inplace)


def feature_alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Any:
    """`alpha_dropout` of whole channels of (N, C, ...)."""
    _check(p)
    _checked(input, "feature_alpha_dropout", training, inplace)
    shape = channels(input) if p and training and input._array.size else ()
    return scaled_noise(input, shape, p, training, inplace)


def scaled_noise(input: Tensor, shape: tuple[int, ...], p: float, training: bool, inplace: bool) -> Any:
    """What `alpha_dropout` makes of `input`, with the same noise for all elements of a channel, or its own for each."""
    if p == 0 or not training or not input._array.size:
        return input
    if p == 1:
        noise: Any = Tensor._of(np.zeros((), input._array.dtype))
        return input.mul_(noise) if inplace else input * noise
    alpha = 1.7580993408473766
    scale = 1.0 / ((alpha * alpha * p + 1) * (1 - p)) ** 0.5
    noise = _kept(input, shape, p)
    shift: Tensor = (noise - 1).mul_(alpha * scale).add_(alpha * scale * p)
    noise.mul_(scale)
    return change(lambda x: x * noise + shift, input) if inplace else input * noise + shift
