"""Rule: an optimizer that changes each parameter by a formula in its gradient and in what it remembers of it.

The formulas are written in NumPy, on the memory of the tensors. Each change counts as one in place: a graph that saved
the old values says so, in its backward pass, instead of giving gradients of the new ones.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import messages
from ..dtypes import float64, get_default_dtype
from ..modes import enable_grad
from ..ops.inplace import writable_array
from ..tensor import Tensor, wrap
from .optimizer import Group, Optimizer, Params

INTERNAL = True
Array = np.ndarray[Any, Any]
Memory = dict[str, Array]  # what is remembered of a parameter, by torch's names


class Rule(Optimizer):
    """The base of the optimizers that are one formula for each parameter.

    `foreach` and `fused` choose, in torch, between ways to compute the same: they are accepted, and change nothing.
    `capturable` and `differentiable` ask for what minigrad's optimizers do not do: AssertionError, as on torch's CPU,
    and NotImplementedError.
    """

    def __init__(self, params: Params, defaults: dict[str, Any]) -> None:
        super().__init__(params, defaults)
        if defaults.get("fused") and defaults.get("foreach"):
            raise RuntimeError("`fused` and `foreach` cannot be `True` together.")

    def add_param_group(self, param_group: Group) -> None:
        """Let the optimizer change more parameters too; see `Optimizer.add_param_group`."""
        super().add_param_group(param_group)
        if param_group["differentiable"]:
            if param_group.get("fused"):
                raise RuntimeError("`fused` does not support `differentiable`")
            raise NotImplementedError(
                "differentiable=True: minigrad's optimizers change parameters outside of any graph\n"
                "  To differentiate through a step, write it with operations: w = w - lr * grad, with a gradient from\n"
                "  torch.autograd.grad(loss, w, create_graph=True)."
            )

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change every parameter that has a gradient, once.

        closure  computes the loss anew, calls backward and returns the loss, which is returned
        """
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        for group in self.param_groups:
            if group.get("capturable"):
                raise AssertionError(
                    "If capturable=True, params and state_steps must be on supported devices: "
                    "['cuda', 'xpu', 'hpu', 'privateuseone', 'xla'].\n  Here they are on the CPU."
                )
            for param in group["params"]:
                if param._grad is not None:
                    try:
                        self.update(param, param._grad._array, group)
                    except ValueError as error:  # `param.data` was given another shape than the gradient's
                        raise messages.misfit(error, param._array, param._grad._array) from None
        return loss

    def update(self, param: Tensor, g: Array, group: Group) -> None:
        """Change one parameter, by its gradient `g`."""
        state = self.state[param]
        if not state:
            state |= {name: wrap(array) for name, array in self.start(param._array, group).items()}
        x = writable_array(param)
        memory = {name: writable_array(value) for name, value in state.items()}
        memory["step"] += 1
        if group["maximize"]:
            g = -g
        decay = group.get("weight_decay", 0)
        if decay and group.get("decoupled_weight_decay"):
            x *= 1 - float(group["lr"]) * decay
        elif decay:
            g = g + decay * x
        self.change(x, g, memory, group)

    def start(self, x: Array, group: Group) -> Memory:
        """What is remembered of parameter `x` before its first step."""
        raise NotImplementedError

    def change(self, x: Array, g: Array, memory: Memory, group: Group) -> None:
        """The formula: change the parameter `x` by its gradient `g`, and `memory` for the next step, in place."""
        raise NotImplementedError


def options(given: dict[str, Any], names: str) -> dict[str, Any]:
    """The options among what an optimizer's `__init__` was given, its `locals()`: these names, in torch's order."""
    return {name: given[name] for name in names.split()}


def scalar(value: float) -> Array:
    """A number to remember, such as the count of steps: float32, or float64 where that is the default dtype."""
    return np.array(value, np.float64 if get_default_dtype() is float64 else np.float32)


def check(valid: Any, what: str, value: Any) -> None:
    """Raise torch's ValueError for an option whose value is not valid."""
    if not valid:
        raise ValueError(f"Invalid {what}: {value}")


def check_rate(lr: Any) -> None:
    """Raise torch's ValueError for a learning rate that is negative, or a tensor of several; TypeError for a text."""
    if isinstance(lr, str):  # as YAML reads 1e-3
        raise TypeError(
            f"'<=' not supported between instances of 'float' and 'str'\n  A learning rate is a number: float({lr!r})."
        )
    if isinstance(lr, Tensor) and lr.numel() != 1:
        raise ValueError("Tensor lr must be 1-element")
    check(lr >= 0, "learning rate", lr)


def check_betas(betas: Any) -> None:
    """Raise torch's ValueError for decay rates of moving averages that are not in [0, 1)."""
    for i in (0, 1):
        check(0 <= betas[i] < 1, f"beta parameter at index {i}", betas[i])
