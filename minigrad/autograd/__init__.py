"""Gradients: `backward` and `grad`, hooks, modes, and operations of one's own.

Source of names and behaviour: https://docs.pytorch.org/docs/stable/autograd.html
"""

from ..modes import (
    detect_anomaly,
    enable_grad,
    inference_mode,
    no_grad,
    set_detect_anomaly,
    set_grad_enabled,
)
from . import functional, graph
from .function import Function
from .gradcheck import gradcheck, gradgradcheck
from .passes import backward, grad
from .variable import Variable

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
