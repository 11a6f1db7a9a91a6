"""torch.func: transformations of functions, and modules called with other parameters than their own.

Reverse mode is `autograd.grad`, forward mode a backward pass through a backward pass, and `vmap` a loop over slices.
Source: https://docs.pytorch.org/docs/stable/func.html
"""

from __future__ import annotations

from typing import Any

from .calling import functional_call, stack_module_state
from .forward import jacfwd, jvp, linearize
from .mapping import vmap
from .reverse import grad, grad_and_value, hessian, jacrev, vjp

INTERNAL = True
__all__ = [
    "functional_call",
    "grad",
    "grad_and_value",
    "hessian",
    "jacfwd",
    "jacrev",
    "jvp",
    "linearize",
    "stack_module_state",
    "vjp",
    "vmap",
]
_LEFT_OUT = {
    "functionalize": "operations that change tensors in place are recorded as they are.",
    "replace_all_batch_norm_modules_": "build the layers with track_running_stats=False.",
}


def __getattr__(name: str) -> Any:
    """Nothing: what is left out on purpose says so."""
    text = f"module {__name__!r} has no attribute {name!r}"
    if name not in _LEFT_OUT:
        raise AttributeError(text)
    raise AttributeError(f"{text}\n  Left out on purpose: {_LEFT_OUT[name]}", name=name, obj=None)
