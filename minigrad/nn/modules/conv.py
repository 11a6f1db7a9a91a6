"""Convolutions.

Source: https://docs.pytorch.org/docs/stable/nn.html#convolution-layers
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from ...tensor import Tensor
from .. import functional as F
from ..parameter import empty_parameter
from .applied import repeated
from .linear import reset_weight_and_bias
from .module import Module

INTERNAL = True
Size = int | Sequence[int]


class _Conv(Module):
    """What convolutions share: their options, their weight and bias, and how they print."""

    function: ClassVar[Callable[..., Any]]
    dims: ClassVar[int]
    transposed: ClassVar[bool] = False
    padding: Any

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: Size | str = 0,
        dilation: Size = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        n = self.dims
        if groups <= 0:
            raise ValueError("groups must be a positive integer")
        if in_channels % groups != 0:
            raise ValueError("in_channels must be divisible by groups")
        if out_channels % groups != 0:
            raise ValueError("out_channels must be divisible by groups")
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size, self.stride, self.dilation = (repeated(v, n) for v in (kernel_size, stride, dilation))
        self.padding = padding if isinstance(padding, str) else repeated(padding, n)
        self.output_padding, self.padding_mode = (0,) * n, padding_mode
        self._check_padding()
        inner, outer = (out_channels, in_channels) if self.transposed else (in_channels, out_channels)
        self.weight = empty_parameter(outer, inner // groups, *self.kernel_size, device=device, dtype=dtype)
        self.register_parameter("bias", empty_parameter(out_channels, device=device, dtype=dtype) if bias else None)
        self.reset_parameters()

    def _check_padding(self) -> None:
        if isinstance(self.padding, str):
            if self.padding not in ("same", "valid"):
                raise ValueError(f"Invalid padding string {self.padding!r}, should be one of {{'valid', 'same'}}")
            if self.padding == "same" and any(step != 1 for step in self.stride):
                raise ValueError("padding='same' is not supported for strided convolutions")
        modes = ("zeros", "reflect", "replicate", "circular")
        if self.padding_mode not in modes:
            listed = ", ".join(map(repr, modes))
            raise ValueError(f"padding_mode must be one of {{{listed}}}, but got padding_mode='{self.padding_mode}'")

    def reset_parameters(self) -> None:
        """Start anew with random numbers."""
        reset_weight_and_bias(self)

    def extra_repr(self) -> str:
        """Channels and kernel, and options that are not the default."""
        n = self.dims
        usual = {"padding": (0,) * len(self.padding), "dilation": (1,) * n, "output_padding": (0,) * n, "groups": 1}
        parts = [f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"]
        parts += [f"{name}={getattr(self, name)}" for name, value in usual.items() if getattr(self, name) != value]
        if self.bias is None:
            parts.append("bias=False")
        if self.padding_mode != "zeros":
            parts.append(f"padding_mode={self.padding_mode}")
        return ", ".join(parts)


class _Convolution(_Conv):
    def _sides(self) -> list[int]:
        """How far each dimension is padded at its start and end, last dimension first, as `functional.pad` takes it."""
        if self.padding == "valid":
            return [0, 0] * self.dims
        sides = [(p, p) for p in self.padding] if self.padding != "same" else []
        if self.padding == "same":
            totals = [d * (k - 1) for d, k in zip(self.dilation, self.kernel_size, strict=True)]
            sides = [(total // 2, total - total // 2) for total in totals]
        return [n for pair in reversed(sides) for n in pair]

    def forward(self, input: Tensor) -> Tensor:
        """The input convolved with the weight, and the bias added."""
        padding = self.padding
        if self.padding_mode != "zeros":
            input, padding = F.pad(input, self._sides(), mode=self.padding_mode), (0,) * self.dims
        return self.function(input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)


class Conv1d(_Convolution):
    """Convolves sequences: (n, in_channels, length) to (n, out_channels, length), or both without n."""

    function, dims = staticmethod(F.conv1d), 1


class Conv2d(_Convolution):
    """Convolves images: (n, in_channels, height, width) to (n, out_channels, height, width), or both without n."""

    function, dims = staticmethod(F.conv2d), 2


class Conv3d(_Convolution):
    """Convolves volumes: (n, in_channels, depth, height, width) to so many out_channels, or both without n."""

    function, dims = staticmethod(F.conv3d), 3


class _ConvTranspose(_Conv):
    transposed = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: Size = 0,
        output_padding: Size = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Size = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if padding_mode != "zeros":
            raise ValueError(f'Only "zeros" padding mode is supported for {type(self).__name__}')
        given = (in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode)
        super().__init__(*given, device, dtype)
        self.output_padding = repeated(output_padding, self.dims)

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        """What a convolution with this weight would pass back as the gradient of its input, and the bias added.

        `output_size` chooses among the sizes that a convolution brings to that of `input`; ValueError if it is none.
        """
        extra = self.output_padding if output_size is None else self._padding_for(input, list(output_size))
        return self.function(
            input, self.weight, self.bias, self.stride, self.padding, extra, self.groups, self.dilation
        )

    def _padding_for(self, input: Tensor, size: list[int]) -> list[int]:
        """The `output_padding` that leads to an output of `size`."""
        n, first = self.dims, input.ndim - self.dims
        if len(size) == first + n:
            size = size[first:]
        if len(size) != n:
            raise ValueError(
                f"ConvTranspose{n}D: for {input.ndim}D input, output_size must have {n} or {first + n} elements "
                f"(got {len(size)})"
            )
        least = [
            (input.shape[first + i] - 1) * self.stride[i]
            - 2 * self.padding[i]
            + self.dilation[i] * (self.kernel_size[i] - 1)
            + 1
            for i in range(n)
        ]
        most = [low + step - 1 for low, step in zip(least, self.stride, strict=True)]
        if not all(low <= wanted <= high for low, wanted, high in zip(least, size, most, strict=True)):
            raise ValueError(
                f"requested an output size of {size}, but valid sizes range from {least} to {most} (for an input of "
                f"{input.shape[2:]})"
            )
        return [wanted - low for wanted, low in zip(size, least, strict=True)]


class ConvTranspose1d(_ConvTranspose):
    """The transpose of Conv1d: (n, in_channels, length) to (n, out_channels, length), or both without n."""

    function, dims = staticmethod(F.conv_transpose1d), 1


class ConvTranspose2d(_ConvTranspose):
    """The transpose of Conv2d: (n, in_channels, height, width) to (n, out_channels, height, width)."""

    function, dims = staticmethod(F.conv_transpose2d), 2


class ConvTranspose3d(_ConvTranspose):
    """The transpose of Conv3d: (n, in_channels, depth, height, width) to so many out_channels."""

    function, dims = staticmethod(F.conv_transpose3d), 3
