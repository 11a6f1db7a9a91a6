"""Activations as modules; what each computes is said where its function is.

Source: https://docs.pytorch.org/docs/stable/nn.html#non-linear-activations-weighted-sum-nonlinearity
"""

from __future__ import annotations

from typing import Any

from ... import sigmoid, tanh
from ...tensor import Tensor
from .. import functional as F, init
from ..parameter import empty_parameter
from .applied import Applied
from .module import Module

INTERNAL = True


class _InPlace(Applied):
    """One whose only option is to work in place."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__(inplace=inplace)


class ReLU(_InPlace):
    """`functional.relu`."""

    function = staticmethod(F.relu)


class SiLU(_InPlace):
    """`functional.silu`."""

    function = staticmethod(F.silu)


class Mish(_InPlace):
    """`functional.mish`."""

    function = staticmethod(F.mish)


class SELU(_InPlace):
    """`functional.selu`."""

    function = staticmethod(F.selu)


class Hardsigmoid(_InPlace):
    """`functional.hardsigmoid`."""

    function, shows_inplace = staticmethod(F.hardsigmoid), False


class Hardswish(_InPlace):
    """`functional.hardswish`."""

    function, shows_inplace = staticmethod(F.hardswish), False


class Hardtanh(Applied):
    """`functional.hardtanh`."""

    function = staticmethod(F.hardtanh)

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> None:
        super().__init__(min_val=min_val, max_val=max_val, inplace=inplace)
        if not max_val > min_val:
            raise AssertionError(f"max_val ({max_val}) must be greater than min_val ({min_val})")


class ReLU6(Hardtanh):
    """`functional.relu6`: between 0 and 6."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__(0.0, 6.0, inplace)

    def extra_repr(self) -> str:
        """Whether it works in place."""
        return "inplace=True" if self.inplace else ""


class LeakyReLU(Applied):
    """`functional.leaky_relu`."""

    function = staticmethod(F.leaky_relu)

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        super().__init__(negative_slope=negative_slope, inplace=inplace)


class ELU(Applied):
    """`functional.elu`."""

    function = staticmethod(F.elu)

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__(alpha=alpha, inplace=inplace)


class CELU(Applied):
    """`functional.celu`."""

    function = staticmethod(F.celu)

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__(alpha=alpha, inplace=inplace)


class Threshold(Applied):
    """`functional.threshold`."""

    function = staticmethod(F.threshold)

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        super().__init__(threshold=threshold, value=value, inplace=inplace)


class RReLU(Applied):
    """`functional.rrelu`, whose factors are drawn while training."""

    function = staticmethod(F.rrelu)

    def __init__(self, lower: float = 1 / 8, upper: float = 1 / 3, inplace: bool = False) -> None:
        super().__init__(lower=lower, upper=upper, inplace=inplace)

    def forward(self, input: Tensor) -> Tensor:
        """The function of the input, with new factors while training."""
        return F.rrelu(input, self.lower, self.upper, self.training, self.inplace)


class GELU(Applied):
    """`functional.gelu`."""

    function = staticmethod(F.gelu)

    def __init__(self, approximate: str = "none") -> None:
        super().__init__(approximate=approximate)


class GLU(Applied):
    """`functional.glu`."""

    function = staticmethod(F.glu)

    def __init__(self, dim: int = -1) -> None:
        super().__init__(dim=dim)


class Softplus(Applied):
    """`functional.softplus`."""

    function = staticmethod(F.softplus)

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__(beta=beta, threshold=threshold)


class _Shrink(Applied):
    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__(lambd=lambd)

    def extra_repr(self) -> str:
        """The threshold."""
        return str(self.lambd)


class Softshrink(_Shrink):
    """`functional.softshrink`."""

    function = staticmethod(F.softshrink)


class Hardshrink(_Shrink):
    """`functional.hardshrink`."""

    function = staticmethod(F.hardshrink)


class _Softmax(Applied):
    def __init__(self, dim: int | None = None) -> None:
        super().__init__(dim=dim)


class Softmax(_Softmax):
    """`functional.softmax`."""

    function = staticmethod(F.softmax)


class LogSoftmax(_Softmax):
    """`functional.log_softmax`."""

    function = staticmethod(F.log_softmax)


class Softmin(_Softmax):
    """`functional.softmin`."""

    function = staticmethod(F.softmin)


class Softmax2d(Module):
    """`functional.softmax` over the channels of images."""

    def forward(self, input: Tensor) -> Tensor:
        """The probabilities; ValueError unless there are three or four dimensions."""
        if input.ndim not in (3, 4):
            raise ValueError(f"Softmax2d: expected input to be 3D or 4D, got {input.ndim}D instead")
        return F.softmax(input, -3)


class Sigmoid(Applied):
    """`torch.sigmoid`."""

    function = staticmethod(sigmoid)


class Tanh(Applied):
    """`torch.tanh`."""

    function = staticmethod(tanh)


class LogSigmoid(Applied):
    """`functional.logsigmoid`."""

    function = staticmethod(F.logsigmoid)


class Softsign(Applied):
    """`functional.softsign`."""

    function = staticmethod(F.softsign)


class Tanhshrink(Applied):
    """`functional.tanhshrink`."""

    function = staticmethod(F.tanhshrink)


class PReLU(Module):
    """`functional.prelu`, whose slopes are learned: one, or one for each channel."""

    def __init__(self, num_parameters: int = 1, init: float = 0.25, device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        self.num_parameters, self.init = num_parameters, init
        self.weight = empty_parameter(num_parameters, device=device, dtype=dtype)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Start anew, with the slope it was made with."""
        init.constant_(self.weight, self.init)

    def forward(self, input: Tensor) -> Tensor:
        """The function of the input."""
        return F.prelu(input, self.weight)

    def extra_repr(self) -> str:
        """How many slopes there are."""
        return f"num_parameters={self.num_parameters}"
