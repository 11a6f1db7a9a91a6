"""Pools of volumes: torch's names for the largest element, or the mean, of windows of the last three dimensions.

Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.MaxPool3d.html,
https://docs.pytorch.org/docs/stable/generated/torch.nn.AvgPool3d.html and
https://docs.pytorch.org/docs/stable/generated/torch.nn.AdaptiveAvgPool3d.html
"""

from __future__ import annotations

from typing import Any

from .. import dtypes, messages
from ..flags import check_flags, wrong_flag
from ..layout import looks_channels_last
from ..tensor import Tensor
from .names import tensor_argument
from .pool_arguments import check_shared, output_size_of, pool_of
from .pooling import avg_pooled, max_pooled, pooled

INTERNAL = True
max_pooled_3d = max_pooled.named("MaxPool3DWithIndicesBackward0")
adaptive_max_pooled_3d = max_pooled.named("AdaptiveMaxPool3DBackward0")
avg_pooled_3d = avg_pooled.named("AvgPool3DBackward0")
adaptive_avg_pooled_3d = avg_pooled.named("AdaptiveAvgPool3DBackward0")


def max_pool3d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest element of every window of volumes (N, C, D, H, W), or (C, D, H, W); `max_pool2d` says the rest."""
    shape = tensor_argument(input, "max_pool3d")._array.shape
    if ceil_mode is not True and ceil_mode is not False:
        raise wrong_flag("max_pool3d", "'ceil_mode' (position 6)", ceil_mode)
    pool = pool_of("max_pool3d", shape, kernel_size, stride, padding, dilation, ceil_mode, 3)
    if len(shape) == 4 and looks_channels_last(input._array):
        raise RuntimeError(
            "Unsupported memory format. Supports only ChannelsLast3d, Contiguous\n"
            "  It is laid out as images with channels last are: give x.contiguous()."
        )
    if input.dtype is dtypes.bool_:
        raise NotImplementedError(messages.not_implemented("max_pool3d", input.dtype))
    return pooled(max_pooled_3d, input, pool, return_indices)


def avg_pool3d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The mean of every window of volumes (N, C, D, H, W), or (C, D, H, W); `avg_pool2d` says the rest."""
    shape = tensor_argument(input, "avg_pool3d")._array.shape
    check_flags("avg_pool3d", ceil_mode=ceil_mode, count_include_pad=count_include_pad)
    pool = pool_of("avg_pool3d", shape, kernel_size, stride, padding, 1, ceil_mode, 3)
    if divisor_override == 0:
        raise RuntimeError("divisor must be not zero")
    if input.dtype not in (dtypes.float32, dtypes.float64, dtypes.int64):
        raise NotImplementedError(messages.not_implemented("avg_pool3d_out_frame", input.dtype))
    return avg_pooled_3d.call(input, pool, divisor_override, count_include_pad)


def adaptive_avg_pool3d(input: Tensor, output_size: Any) -> Tensor:
    """The means of as many windows as `output_size` that share out volumes; `adaptive_avg_pool2d` says the rest."""
    counts = output_size_of("adaptive_avg_pool3d", tensor_argument(input, "adaptive_avg_pool3d"), output_size, 3)
    if min(counts) < 0:
        shown = f"{counts[0]}, {counts[1]},{counts[2]}"
        raise RuntimeError(
            f"adaptive_avg_pool3d: elements of output_size must be greater than or equal to 0 but received {{{shown}}}"
        )
    if counts == (1, 1, 1):
        return input.mean((-1, -2, -3), keepdim=True)
    check_shared("adaptive_avg_pool3d", input, "adaptive_avg_pool3d_cpu", (4, 5))
    return adaptive_avg_pooled_3d.call(input, (counts, None), None, True)


def adaptive_max_pool3d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """The largest elements of as many windows as `output_size` that share out volumes.

    With `return_indices` a pair: the elements, and where in their volumes they lie.
    """
    counts = output_size_of("adaptive_max_pool3d", tensor_argument(input, "adaptive_max_pool3d"), output_size, 3)
    check_shared("adaptive_max_pool3d", input, "adaptive_max_pool3d_cpu", (4, 5), ":")
    if min(counts) < 0:
        sizes = [*input.shape[:-3], *counts]
        raise RuntimeError(f"Trying to create tensor with negative dimension {min(counts)}: {sizes}")
    return pooled(adaptive_max_pooled_3d, input, (counts, None), return_indices)
