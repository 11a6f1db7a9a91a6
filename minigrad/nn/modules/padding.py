"""Padding: more values around the last dimensions.

Source: https://docs.pytorch.org/docs/stable/nn.html#padding-layers
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ...tensor import Tensor
from .. import functional as F
from .applied import repeated
from .module import Module

INTERNAL = True
Size = int | Sequence[int]


class _Pad(Module):
    """Pads by as much at each side, or by (left, right, top, bottom)."""

    dims: ClassVar[int]
    mode: ClassVar[str]

    def __init__(self, padding: Size) -> None:
        super().__init__()
        self.padding = repeated(padding, 2 * self.dims)

    def forward(self, input: Tensor) -> Tensor:
        """The input, padded."""
        return F.pad(input, self.padding, self.mode)

    def extra_repr(self) -> str:
        """By how much."""
        return f"{self.padding}"


class _ConstantPad(_Pad):
    def __init__(self, padding: Size, value: float) -> None:
        super().__init__(padding)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        """The input, padded."""
        return F.pad(input, self.padding, "constant", self.value)

    def extra_repr(self) -> str:
        """By how much, and with what."""
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(_ConstantPad):
    """Puts a number around sequences."""

    dims = 1


class ConstantPad2d(_ConstantPad):
    """Puts a number around images."""

    dims = 2


class ConstantPad3d(_ConstantPad):
    """Puts a number around volumes."""

    dims = 3


class _ZeroPad(_ConstantPad):
    def __init__(self, padding: Size) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        """By how much."""
        return f"{self.padding}"


class ZeroPad1d(_ZeroPad):
    """Puts zeros around sequences."""

    dims = 1


class ZeroPad2d(_ZeroPad):
    """Puts zeros around images."""

    dims = 2


class ZeroPad3d(_ZeroPad):
    """Puts zeros around volumes."""

    dims = 3


class ReflectionPad1d(_Pad):
    """Puts sequences' own values around them, mirrored at the ends."""

    dims, mode = 1, "reflect"


class ReflectionPad2d(_Pad):
    """Puts images' own values around them, mirrored at the edges."""

    dims, mode = 2, "reflect"


class ReflectionPad3d(_Pad):
    """Puts volumes' own values around them, mirrored at the faces."""

    dims, mode = 3, "reflect"


class ReplicationPad1d(_Pad):
    """Puts sequences' first and last value around them."""

    dims, mode = 1, "replicate"


class ReplicationPad2d(_Pad):
    """Puts images' values at the edges around them."""

    dims, mode = 2, "replicate"


class ReplicationPad3d(_Pad):
    """Puts volumes' values at the faces around them."""

    dims, mode = 3, "replicate"


class _CircularPad(_Pad):
    mode = "circular"

    def forward(self, input: Tensor) -> Tensor:
        """The input, padded; ValueError for other dimensions."""
        n = self.dims
        if input.ndim not in (n + 1, n + 2):
            raise ValueError(f"expected {n + 1}D or {n + 2}D input (got {input.ndim}D input)")
        return super().forward(input)


class CircularPad1d(_CircularPad):
    """Puts sequences' own values around them, as if they went in a circle."""

    dims = 1


class CircularPad2d(_CircularPad):
    """Puts images' own values around them, as if they were tiles."""

    dims = 2


class CircularPad3d(_CircularPad):
    """Puts volumes' own values around them, as if they were bricks."""

    dims = 3
