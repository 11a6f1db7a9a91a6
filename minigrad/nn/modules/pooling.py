"""Pooling: each output is the largest, or the mean, of a window of inputs.

Source: https://docs.pytorch.org/docs/stable/nn.html#pooling-layers
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from ...tensor import Tensor
from .. import functional as F
from .applied import Applied, repeated
from .module import Module

INTERNAL = True
Size = int | Sequence[int]


class _MaxPool(Applied):
    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        dilation: Size = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__(
            kernel_size=kernel_size,
            stride=kernel_size if stride is None else stride,
            padding=padding,
            dilation=dilation,
            ceil_mode=ceil_mode,
            return_indices=return_indices,
        )

    def extra_repr(self) -> str:
        """Its options."""
        return super().extra_repr().rpartition(", ")[0]  # but `return_indices`


class MaxPool1d(_MaxPool):
    """The largest of each window of a sequence."""

    function = staticmethod(F.max_pool1d)


class MaxPool2d(_MaxPool):
    """The largest of each window of an image."""

    function = staticmethod(F.max_pool2d)


class MaxPool3d(_MaxPool):
    """The largest of each window of a volume."""

    function = staticmethod(F.max_pool3d)


class _AvgPool(Applied):
    def extra_repr(self) -> str:
        """Its options."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool1d(_AvgPool):
    """The mean of each window of a sequence."""

    function = staticmethod(F.avg_pool1d)

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__(
            kernel_size=repeated(kernel_size, 1),
            stride=repeated(kernel_size if stride is None else stride, 1),
            padding=repeated(padding, 1),
            ceil_mode=ceil_mode,
            count_include_pad=count_include_pad,
        )


class _AvgPoolOfSeveral(_AvgPool):
    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__(
            kernel_size=kernel_size,
            stride=kernel_size if stride is None else stride,
            padding=padding,
            ceil_mode=ceil_mode,
            count_include_pad=count_include_pad,
            divisor_override=divisor_override,
        )


class AvgPool2d(_AvgPoolOfSeveral):
    """The mean of each window of an image."""

    function = staticmethod(F.avg_pool2d)


class AvgPool3d(_AvgPoolOfSeveral):
    """The mean of each window of a volume."""

    function = staticmethod(F.avg_pool3d)


class _LPPool(Applied):
    def __init__(
        self, norm_type: float, kernel_size: Size, stride: Size | None = None, ceil_mode: bool = False
    ) -> None:
        super().__init__(norm_type=norm_type, kernel_size=kernel_size, stride=stride, ceil_mode=ceil_mode)


class LPPool1d(_LPPool):
    """The norm of each window of a sequence."""

    function = staticmethod(F.lp_pool1d)


class LPPool2d(_LPPool):
    """The norm of each window of an image."""

    function = staticmethod(F.lp_pool2d)


class LPPool3d(_LPPool):
    """The norm of each window of a volume."""

    function = staticmethod(F.lp_pool3d)


class _MaxUnpool(Module):
    function: ClassVar[Callable[..., Tensor]]
    dims: ClassVar[int]

    def __init__(self, kernel_size: Size, stride: Size | None = None, padding: Size = 0) -> None:
        super().__init__()
        self.kernel_size = repeated(kernel_size, self.dims)
        self.stride = repeated(kernel_size if stride is None else stride, self.dims)
        self.padding = repeated(padding, self.dims)

    def forward(self, input: Tensor, indices: Tensor, output_size: Any = None) -> Tensor:
        """The elements of `input` where `indices` of the pool say."""
        return type(self).function(input, indices, self.kernel_size, self.stride, self.padding, output_size)

    def extra_repr(self) -> str:
        """Its options."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxUnpool1d(_MaxUnpool):
    """Elements put back to where a pool of sequences found the largest ones."""

    function, dims = staticmethod(F.max_unpool1d), 1


class MaxUnpool2d(_MaxUnpool):
    """Elements put back to where a pool of images found the largest ones."""

    function, dims = staticmethod(F.max_unpool2d), 2


class MaxUnpool3d(_MaxUnpool):
    """Elements put back to where a pool of volumes found the largest ones."""

    function, dims = staticmethod(F.max_unpool3d), 3


class _AdaptivePool(Applied):
    def __init__(self, output_size: Any) -> None:
        super().__init__(output_size=output_size)


class AdaptiveAvgPool1d(_AdaptivePool):
    """The means of as many windows of a sequence as are asked for."""

    function = staticmethod(F.adaptive_avg_pool1d)


class AdaptiveAvgPool2d(_AdaptivePool):
    """The means of as many windows of an image as are asked for."""

    function = staticmethod(F.adaptive_avg_pool2d)


class AdaptiveAvgPool3d(_AdaptivePool):
    """The means of as many windows of a volume as are asked for."""

    function = staticmethod(F.adaptive_avg_pool3d)


class _AdaptiveMaxPool(Applied):
    def __init__(self, output_size: Any, return_indices: bool = False) -> None:
        super().__init__(output_size=output_size, return_indices=return_indices)

    def extra_repr(self) -> str:
        """The size of its output."""
        return f"output_size={self.output_size}"


class AdaptiveMaxPool1d(_AdaptiveMaxPool):
    """The largest of as many windows of a sequence as are asked for."""

    function = staticmethod(F.adaptive_max_pool1d)


class AdaptiveMaxPool2d(_AdaptiveMaxPool):
    """The largest of as many windows of an image as are asked for."""

    function = staticmethod(F.adaptive_max_pool2d)


class AdaptiveMaxPool3d(_AdaptiveMaxPool):
    """The largest of as many windows of a volume as are asked for."""

    function = staticmethod(F.adaptive_max_pool3d)
