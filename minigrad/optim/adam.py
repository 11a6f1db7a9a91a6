"""Adam and its kin: a moving average of the gradient, over one of its size."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..tensor import Tensor
from .optimizer import Group, Params
from .rule import Array, Memory, Rule, check, check_betas, check_rate, options, scalar

INTERNAL = True


class _Moments(Rule):
    """What Adam, NAdam and RAdam have in common: m and v, moving averages of the gradient and of its square."""

    def start(self, x: Array, group: Group) -> Memory:
        """Averages of nothing yet."""
        return {"step": scalar(0), "exp_avg": np.zeros_like(x), "exp_avg_sq": np.zeros_like(x)}

    def moments(self, g: Array, memory: Memory, group: Group) -> tuple[Array, Array, float, float, float]:
        """m and v with gradient `g` in them; the count t of steps; and how much of a full average m and v are yet.

        Both start at zero, so after t steps their weights add up to 1 - beta^t: divided by that, they are unbiased.
        """
        beta1, beta2 = map(float, group["betas"])
        m, v, t = memory["exp_avg"], memory["exp_avg_sq"], float(memory["step"])
        m += (1 - beta1) * (g - m)
        v *= beta2
        v += (1 - beta2) * g * g
        return m, v, t, 1 - beta1**t, 1 - beta2**t


class Adam(_Moments):
    """Adam: x ← x - lr · m̂ / (√v̂ + eps), with unbiased moving averages m̂ of g and v̂ of g².

    amsgrad  divide by the largest v there has been, so that steps do not grow again
    Source: Kingma and Ba 2015, https://arxiv.org/abs/1412.6980, algorithm 1; Reddi, Kale and Kumar 2018,
    https://arxiv.org/abs/1904.09237 (amsgrad); https://docs.pytorch.org/docs/stable/generated/torch.optim.Adam.html
    """

    def __init__(
        self,
        params: Params,
        lr: Any = 1e-3,
        betas: tuple[Any, Any] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        if foreach and isinstance(lr, Tensor) and not capturable:
            raise ValueError("lr as a Tensor is not supported for capturable=False and foreach=True")
        check_rate(lr)
        check(eps >= 0, "epsilon value", eps)
        check_betas(betas)
        check(weight_decay >= 0, "weight_decay value", weight_decay)
        if not any(all(isinstance(beta, kind) for beta in betas) for kind in (float, Tensor)):
            raise ValueError("betas must be either both floats or both Tensors")
        betas = tuple(betas)
        names = (
            "lr betas eps weight_decay amsgrad maximize foreach capturable differentiable fused decoupled_weight_decay"
        )
        super().__init__(params, options(locals(), names))

    def start(self, x: Array, group: Group) -> Memory:
        """The averages and, where asked for, the largest of the second."""
        largest = {"max_exp_avg_sq": np.zeros_like(x)} if group["amsgrad"] else {}
        return super().start(x, group) | largest

    def change(self, x: Array, g: Array, memory: Memory, group: Group) -> None:
        """Step by the average gradient over its usual size."""
        m, v, _, of_m, of_v = self.moments(g, memory, group)
        if group["amsgrad"]:
            v = np.maximum(memory["max_exp_avg_sq"], v, out=memory["max_exp_avg_sq"])
        x -= float(group["lr"]) / of_m * m / (np.sqrt(v) / of_v**0.5 + group["eps"])


class AdamW(Adam):
    """Adam with weight decay that shrinks x itself, by lr · weight_decay, instead of adding to the gradient.

    Source: Loshchilov and Hutter 2019, https://arxiv.org/abs/1711.05101;
    https://docs.pytorch.org/docs/stable/generated/torch.optim.AdamW.html
    """

    def __init__(
        self,
        params: Params,
        lr: Any = 1e-3,
        betas: tuple[Any, Any] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            foreach=foreach,
            maximize=maximize,
            capturable=capturable,
            differentiable=differentiable,
            fused=fused,
            decoupled_weight_decay=True,
        )

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            group["decoupled_weight_decay"] = True  # also where the state is that of an Adam


class Adamax(Rule):
    """Adamax: x ← x - lr · m̂ / u, where u is the largest size of the gradient, forgotten at the rate of beta2.

    Source: Kingma and Ba 2015, https://arxiv.org/abs/1412.6980, algorithm 2;
    https://docs.pytorch.org/docs/stable/generated/torch.optim.Adamax.html
    """

    def __init__(
        self,
        params: Params,
        lr: Any = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_rate(lr)
        check(eps >= 0, "epsilon value", eps)
        check_betas(betas)
        check(weight_decay >= 0, "weight_decay value", weight_decay)
        names = "lr betas eps weight_decay foreach maximize differentiable capturable"
        super().__init__(params, options(locals(), names))

    def start(self, x: Array, group: Group) -> Memory:
        """The average gradient and its largest size."""
        return {"step": scalar(0), "exp_avg": np.zeros_like(x), "exp_inf": np.zeros_like(x)}

    def change(self, x: Array, g: Array, memory: Memory, group: Group) -> None:
        """Step by the average gradient over its largest size."""
        (beta1, beta2), m, u = group["betas"], memory["exp_avg"], memory["exp_inf"]
        m += (1 - beta1) * (g - m)
        np.maximum(beta2 * u, np.abs(g) + group["eps"], out=u)
        x -= float(group["lr"]) / (1 - beta1 ** float(memory["step"])) * m / u


class NAdam(_Moments):
    """NAdam: Adam that looks ahead, as Nesterov's momentum does, with a momentum mu that grows with time.

    Source: Dozat 2016, https://openreview.net/forum?id=OM0jvwB8jIp57ZJjtNEZ;
    https://docs.pytorch.org/docs/stable/generated/torch.optim.NAdam.html
    """

    def __init__(
        self,
        params: Params,
        lr: Any = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_rate(lr)
        check(eps >= 0, "epsilon value", eps)
        check_betas(betas)
        check(weight_decay >= 0, "weight_decay value", weight_decay)
        check(momentum_decay >= 0, "momentum_decay value", momentum_decay)
        names = (
            "lr betas eps weight_decay momentum_decay decoupled_weight_decay maximize foreach capturable differentiable"
        )
        super().__init__(params, options(locals(), names))

    def start(self, x: Array, group: Group) -> Memory:
        """The averages, and the product of all mu so far."""
        averages = super().start(x, group)
        return {"step": averages.pop("step"), "mu_product": scalar(1), **averages}

    def change(self, x: Array, g: Array, memory: Memory, group: Group) -> None:
        """Step by this gradient, and by the average as it will weigh in the next step."""
        m, v, t, _, of_v = self.moments(g, memory, group)
        mu, next_mu = (group["betas"][0] * (1 - 0.5 * 0.96 ** (i * group["momentum_decay"])) for i in (t, t + 1))
        memory["mu_product"] *= mu
        product, lr = float(memory["mu_product"]), float(group["lr"])
        size = np.sqrt(v / of_v) + group["eps"]
        x -= lr * (1 - mu) / (1 - product) * g / size
        x -= lr * next_mu / (1 - product * next_mu) * m / size


class RAdam(_Moments):
    """RAdam: Adam whose first steps, when v is still the average of too few gradients, do without v.

    Source: Liu et al. 2020, https://arxiv.org/abs/1908.03265, algorithm 2;
    https://docs.pytorch.org/docs/stable/generated/torch.optim.RAdam.html
    """

    def __init__(
        self,
        params: Params,
        lr: Any = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_rate(lr)
        check(eps >= 0, "epsilon value", eps)
        check_betas(betas)
        check(weight_decay >= 0, "weight_decay value", weight_decay)
        names = "lr betas eps weight_decay maximize foreach capturable decoupled_weight_decay differentiable"
        super().__init__(params, options(locals(), names))

    def change(self, x: Array, g: Array, memory: Memory, group: Group) -> None:
        """Step as Adam does, by as much as v can be relied on."""
        m, v, t, of_m, of_v = self.moments(g, memory, group)
        beta2 = group["betas"][1]
        most = 2 / (1 - beta2) - 1  # the number of gradients that v is an average of, in the long run ...
        now = most - 2 * t * beta2**t / of_v  # ... and by now
        step = float(group["lr"]) / of_m * m
        if now > 5:
            rectified = ((now - 4) * (now - 2) * most / ((most - 4) * (most - 2) * now)) ** 0.5
            step = step * (rectified * of_v**0.5) / (np.sqrt(v) + group["eps"])
        x -= step
