"""Gradients: `backward` and `grad`, hooks, modes, and operations of one's own.

Source of names and behaviour: https://docs.pytorch.org/docs/stable/autograd.html
"""

from typing import TYPE_CHECKING

from ..modes import (
    detect_anomaly,
    enable_grad,
    inference_mode,
    no_grad,
    set_detect_anomaly,
    set_grad_enabled,
)
from . import graph
from .function import Function
from .gradcheck import gradcheck, gradgradcheck
from .passes import backward, grad
from .variable import Variable

if TYPE_CHECKING:
    from . import functional

INTERNAL = True
__all__ = [
    "Function",
    "Variable",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "functional",
    "grad",
    "gradcheck",
    "gradgradcheck",
    "graph",
    "inference_mode",
    "no_grad",
    "set_detect_anomaly",
    "set_grad_enabled",
]


def __getattr__(name: str) -> object:
    """`functional`, which few programs need, so it is imported when it is first asked for."""
    if name != "functional":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return import_module(f"{__name__}.functional")


def __dir__() -> list[str]:
    """All names, that of what is not imported yet too."""
    return sorted({*globals(), "functional"})
