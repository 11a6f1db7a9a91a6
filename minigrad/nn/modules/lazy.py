"""Layers that learn their number of inputs from the first call, and then become the ordinary ones.

Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.modules.lazy.LazyModuleMixin.html
"""

from __future__ import annotations

from typing import Any, ClassVar

from ...tensor import Tensor
from ..parameter import Uninitialized, UninitializedBuffer, UninitializedParameter
from .conv import Conv1d, Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from .linear import Linear
from .module import Module
from .normalization import BatchNorm1d, BatchNorm2d, BatchNorm3d, InstanceNorm1d, InstanceNorm2d, InstanceNorm3d

INTERNAL = True


class _Lazy(Module):
    """One whose tensors have no shape until it is called."""

    inputs: ClassVar[str]  # the attribute that says how many there are

    def __init__(self, *args: Any, bias: bool = True, device: Any = None, dtype: Any = None, **options: Any) -> None:
        super().__init__(*args, bias=False, device=device, dtype=dtype, **options)
        self._dtype = {"dtype": dtype}
        self._place_parameters(bias)

    def _place_parameters(self, bias: bool) -> None:
        self.weight = UninitializedParameter(**self._dtype)
        if bias:
            self.bias = UninitializedParameter(**self._dtype)

    def has_uninitialized_params(self) -> bool:
        """Whether it waits for a call to learn its shapes."""
        return any(isinstance(t, Uninitialized) for t in [*self._parameters.values(), *self._buffers.values()])

    def reset_parameters(self) -> None:
        """Start anew, if there is anything yet."""
        if not self.has_uninitialized_params() and getattr(self, self.inputs) != 0:
            super().reset_parameters()  # type: ignore[misc]

    def _shape_of(self, name: str, n: int) -> tuple[int, ...]:
        """The shape of a tensor, where there are `n` inputs."""
        raise NotImplementedError

    def _count(self, input: Tensor) -> int:
        return int(input.shape[1])

    def __call__(self, input: Tensor, *args: Any, **kwargs: Any) -> Any:
        """Take the shapes from the input, and become the ordinary layer, which is then called."""
        n = self._count(input)
        setattr(self, self.inputs, n)
        if self.has_uninitialized_params():
            for name, t in [*self._parameters.items(), *self._buffers.items()]:
                if isinstance(t, Uninitialized):
                    t.materialize(self._shape_of(name, n))
            self.reset_parameters()
        del self._dtype
        bases: Any = type(self).__mro__
        self.__class__ = bases[bases.index(_Lazy) + 1]  # the ordinary one, which each here has for its second base
        return self(input, *args, **kwargs)


class LazyLinear(_Lazy, Linear):
    """Linear, for as many inputs as the first call has."""

    inputs = "in_features"

    def __init__(self, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None) -> None:
        super().__init__(0, 0, bias=bias, device=device, dtype=dtype)
        self.out_features = out_features

    def _count(self, input: Tensor) -> int:
        return int(input.shape[-1])

    def _shape_of(self, name: str, n: int) -> tuple[int, ...]:
        return (self.out_features, n) if name == "weight" else (self.out_features,)


class _LazyConv(_Lazy):
    inputs = "in_channels"

    def __init__(self, out_channels: int, kernel_size: Any, *args: Any, **options: Any) -> None:
        super().__init__(0, 0, kernel_size, *args, **options)
        self.out_channels = out_channels

    def _count(self, input: Tensor) -> int:
        dims: int = self.dims
        if input.ndim not in (dims + 1, dims + 2):
            raise RuntimeError(
                f"Expected {dims + 1}D (unbatched) or {dims + 2}D (batched) input to {type(self).__name__}, but got "
                f"input of size: {input.shape}"
            )
        if input.shape[-dims - 1] % self.groups != 0:
            raise ValueError("in_channels must be divisible by groups")
        return int(input.shape[-dims - 1])

    def _shape_of(self, name: str, n: int) -> tuple[int, ...]:
        if name == "bias":
            return (self.out_channels,)
        inner, outer = (self.out_channels, n) if self.transposed else (n, self.out_channels)
        return outer, inner // self.groups, *self.kernel_size


class LazyConv1d(_LazyConv, Conv1d):
    """Conv1d, for as many input channels as the first call has."""


class LazyConv2d(_LazyConv, Conv2d):
    """Conv2d, for as many input channels as the first call has."""


class LazyConv3d(_LazyConv, Conv3d):
    """Conv3d, for as many input channels as the first call has."""


class LazyConvTranspose1d(_LazyConv, ConvTranspose1d):
    """ConvTranspose1d, for as many input channels as the first call has."""


class LazyConvTranspose2d(_LazyConv, ConvTranspose2d):
    """ConvTranspose2d, for as many input channels as the first call has."""


class LazyConvTranspose3d(_LazyConv, ConvTranspose3d):
    """ConvTranspose3d, for as many input channels as the first call has."""


class _LazyNorm(_Lazy):
    inputs = "num_features"

    def __init__(
        self,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        options = {"bias": affine and bias, "device": device, "dtype": dtype}
        super().__init__(0, eps, momentum, affine, track_running_stats, **options)
        if not affine:
            self.weight = None
        for name in ("running_mean", "running_var") if track_running_stats else ():
            self.register_buffer(name, UninitializedBuffer(**self._dtype))

    def _shape_of(self, name: str, n: int) -> tuple[int, ...]:
        return (n,)


class LazyBatchNorm1d(_LazyNorm, BatchNorm1d):
    """BatchNorm1d, for as many channels as the first call has."""


class LazyBatchNorm2d(_LazyNorm, BatchNorm2d):
    """BatchNorm2d, for as many channels as the first call has."""


class LazyBatchNorm3d(_LazyNorm, BatchNorm3d):
    """BatchNorm3d, for as many channels as the first call has."""


class LazyInstanceNorm1d(_LazyNorm, InstanceNorm1d):
    """InstanceNorm1d, for as many channels as the first call has."""


class LazyInstanceNorm2d(_LazyNorm, InstanceNorm2d):
    """InstanceNorm2d, for as many channels as the first call has."""


class LazyInstanceNorm3d(_LazyNorm, InstanceNorm3d):
    """InstanceNorm3d, for as many channels as the first call has."""
