"""Resilient backpropagation: only the sign of a gradient counts."""

from __future__ import annotations

from typing import Any

import numpy as np

from .optimizer import Group, Params
from .rule import Array, Memory, Rule, check, check_rate, options, scalar

INTERNAL = True


class Rprop(Rule):
    """Rprop: each element steps against its gradient's sign, further while the sign stays, less far when it turns.

    Source: Riedmiller and Braun 1993, https://doi.org/10.1109/ICNN.1993.298623;
    https://docs.pytorch.org/docs/stable/generated/torch.optim.Rprop.html
    """

    def __init__(
        self,
        params: Params,
        lr: Any = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_rate(lr)
        check(0 < etas[0] < 1 < etas[1], "eta values", f"{etas[0]}, {etas[1]}")
        super().__init__(params, options(locals(), "lr etas step_sizes foreach maximize differentiable capturable"))

    def start(self, x: Array, group: Group) -> Memory:
        """The gradient before, and how far to go."""
        return {"step": scalar(0), "prev": np.zeros_like(x), "step_size": np.full_like(x, float(group["lr"]))}

    def change(self, x: Array, g: Array, memory: Memory, group: Group) -> None:
        """Where the sign turned, step less far next time, and not at all this time."""
        (shrink, grow), size = group["etas"], memory["step_size"]
        turn = g * memory["prev"]
        size *= np.where(turn > 0, grow, np.where(turn < 0, shrink, 1)).astype(x.dtype)
        np.clip(size, *group["step_sizes"], out=size)
        g = np.where(turn < 0, 0, g)
        x -= np.sign(g) * size
        memory["prev"][...] = g
