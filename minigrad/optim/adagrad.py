"""Optimizers that divide by the size that the gradient has had: Adagrad, RMSprop and Adadelta."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..tensor import wrap
from .optimizer import Group, Params
from .rule import Array, Memory, Rule, check, check_rate, options, scalar

INTERNAL = True


class Adagrad(Rule):
    """Adagrad: x ← x - lr · g / (√s + eps), where s is the sum of the squares of all gradients so far.

    Source: Duchi, Hazan and Singer 2011, https://jmlr.org/papers/v12/duchi11a.html;
    https://docs.pytorch.org/docs/stable/generated/torch.optim.Adagrad.html
    """

    def __init__(
        self,
        params: Params,
        lr: Any = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_rate(lr)
        check(lr_decay >= 0, "lr_decay value", lr_decay)
        check(weight_decay >= 0, "weight_decay value", weight_decay)
        check(initial_accumulator_value >= 0, "initial_accumulator_value value", initial_accumulator_value)
        check(eps >= 0, "epsilon value", eps)
        names = "lr lr_decay eps weight_decay initial_accumulator_value foreach maximize differentiable fused"
        super().__init__(params, options(locals(), names))
        for group in self.param_groups:
            for param in group["params"]:
                first = self.start(param._array, self.defaults)  # of a group's own initial value torch knows nothing
                self.state[param] = {name: wrap(array) for name, array in first.items()}

    def start(self, x: Array, group: Group) -> Memory:
        """The sum of squares."""
        return {"step": scalar(0), "sum": np.full_like(x, group["initial_accumulator_value"])}

    def change(self, x: Array, g: Array, memory: Memory, group: Group) -> None:
        """Step by a learning rate of each element's own."""
        s = memory["sum"]
        s += g * g
        lr = float(group["lr"]) / (1 + (float(memory["step"]) - 1) * group["lr_decay"])
        x -= lr * g / (np.sqrt(s) + group["eps"])


class RMSprop(Rule):
    """RMSprop: x ← x - lr · g / (√s + eps), where s is a moving average of the gradient's square.

    With `centered`, of its square less the square of its own moving average: an estimate of the variance.
    Source: Hinton, Srivastava and Swersky 2012, lecture 6 of https://www.cs.toronto.edu/~tijmen/csc321/;
    Graves 2013, https://arxiv.org/abs/1308.0850 (centered);
    https://docs.pytorch.org/docs/stable/generated/torch.optim.RMSprop.html
    """

    def __init__(
        self,
        params: Params,
        lr: Any = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_rate(lr)
        check(eps >= 0, "epsilon value", eps)
        check(momentum >= 0, "momentum value", momentum)
        check(weight_decay >= 0, "weight_decay value", weight_decay)
        check(alpha >= 0, "alpha value", alpha)
        names = "lr momentum alpha eps centered weight_decay capturable foreach maximize differentiable"
        super().__init__(params, options(locals(), names))

    def start(self, x: Array, group: Group) -> Memory:
        """The average of the square and, where asked for, the velocity and the average of the gradient itself."""
        memory = {"step": scalar(0), "square_avg": np.zeros_like(x)}
        if group["momentum"]:
            memory["momentum_buffer"] = np.zeros_like(x)
        if group["centered"]:
            memory["grad_avg"] = np.zeros_like(x)
        return memory

    def change(self, x: Array, g: Array, memory: Memory, group: Group) -> None:
        """Step by the gradient over its usual size."""
        alpha, s = group["alpha"], memory["square_avg"]
        s *= alpha
        s += (1 - alpha) * g * g
        variance = s
        if group["centered"]:
            mean = memory["grad_avg"]
            mean += (1 - alpha) * (g - mean)
            variance = s - mean * mean
        direction = g / (np.sqrt(variance) + group["eps"])
        if group["momentum"]:
            v = memory["momentum_buffer"]
            v *= group["momentum"]
            v += direction
            direction = v
        x -= float(group["lr"]) * direction


class Adadelta(Rule):
    """Adadelta: x ← x - lr · g · √(d + eps) / √(s + eps), with moving averages s of g² and d of the steps' square.

    So a step has the unit of x, whatever the unit of the loss.
    Source: Zeiler 2012, https://arxiv.org/abs/1212.5701;
    https://docs.pytorch.org/docs/stable/generated/torch.optim.Adadelta.html
    """

    def __init__(
        self,
        params: Params,
        lr: Any = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_rate(lr)
        check(0 <= rho <= 1, "rho value", rho)
        check(eps >= 0, "epsilon value", eps)
        check(weight_decay >= 0, "weight_decay value", weight_decay)
        names = "lr rho eps weight_decay maximize capturable foreach differentiable"
        super().__init__(params, options(locals(), names))

    def start(self, x: Array, group: Group) -> Memory:
        """The averages of the squares of gradients and of steps."""
        return {"step": scalar(0), "square_avg": np.zeros_like(x), "acc_delta": np.zeros_like(x)}

    def change(self, x: Array, g: Array, memory: Memory, group: Group) -> None:
        """Step by the gradient, scaled from its own usual size to that of the steps."""
        rho, eps, s, d = group["rho"], group["eps"], memory["square_avg"], memory["acc_delta"]
        s *= rho
        s += (1 - rho) * g * g
        delta = np.sqrt(d + eps) / np.sqrt(s + eps) * g
        d *= rho
        d += (1 - rho) * delta * delta
        x -= float(group["lr"]) * delta
