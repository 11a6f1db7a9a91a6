"""Stochastic gradient descent, and its averaged form."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..ops.inplace import writable_array
from ..tensor import Tensor, wrap
from .optimizer import Group, Params
from .rule import Array, Memory, Rule, check, check_rate, options, scalar

INTERNAL = True


class SGD(Rule):
    """Stochastic gradient descent: x ← x - lr · g; with momentum, x ← x - lr · v where v ← momentum · v + g.

    Source: Sutskever et al. 2013, https://proceedings.mlr.press/v28/sutskever13.html;
    https://docs.pytorch.org/docs/stable/generated/torch.optim.SGD.html
    """

    def __init__(
        self,
        params: Params,
        lr: Any = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: Any = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_rate(lr)
        check(momentum >= 0, "momentum value", momentum)
        check(weight_decay >= 0, "weight_decay value", weight_decay)
        if nesterov and (momentum == 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        names = "lr momentum dampening weight_decay nesterov maximize foreach differentiable fused"
        super().__init__(params, options(locals(), names))

    def update(self, param: Tensor, g: Array, group: Group) -> None:
        """Change one parameter, by its gradient `g`."""
        momentum, dampening = group["momentum"], group["dampening"]
        x = writable_array(param)
        if group["maximize"]:
            g = -g
        if group["weight_decay"]:
            g = g + float(group["weight_decay"]) * x
        if momentum:
            v = self._velocity(param, g, momentum, dampening)
            g = g + momentum * v if group["nesterov"] else v
        x -= float(group["lr"]) * g

    def _velocity(self, param: Tensor, g: Array, momentum: float, dampening: float) -> Array:
        """The gradients so far, each weighing less than the next; the first counts in full."""
        state = self.state[param]
        if state.get("momentum_buffer") is None:
            state["momentum_buffer"] = wrap(np.array(g))
            return g
        v = writable_array(state["momentum_buffer"])
        v *= momentum
        v += (1 - dampening) * g
        return v


class ASGD(Rule):
    """Averaged stochastic gradient descent: `state[x]["ax"]` is the mean of x over the steps after the first `t0`.

    Source: Polyak and Juditsky 1992, https://doi.org/10.1137/0330046;
    https://docs.pytorch.org/docs/stable/generated/torch.optim.ASGD.html
    """

    def __init__(
        self,
        params: Params,
        lr: Any = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_rate(lr)
        check(weight_decay >= 0, "weight_decay value", weight_decay)
        names = "lr lambd alpha t0 weight_decay foreach maximize differentiable capturable"
        super().__init__(params, options(locals(), names))

    def start(self, x: Array, group: Group) -> Memory:
        """The mean, its weight for a new value, and the learning rate of the next step."""
        return {"step": scalar(0), "eta": scalar(group["lr"]), "mu": scalar(1), "ax": np.zeros_like(x)}

    def change(self, x: Array, g: Array, memory: Memory, group: Group) -> None:
        """Step by a learning rate that falls with time, then average."""
        lr, lambd, step = float(group["lr"]), group["lambd"], float(memory["step"])
        eta, mean = float(memory["eta"]), memory["ax"]
        x *= 1 - lambd * eta
        x -= eta * g
        mean += float(memory["mu"]) * (x - mean)
        memory["eta"][...] = scalar(lr / (1 + lambd * lr * step) ** group["alpha"])
        memory["mu"][...] = scalar(1 / max(1, step - group["t0"]))
