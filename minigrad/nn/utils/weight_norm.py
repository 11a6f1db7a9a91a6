"""Weights as a length times a direction, computed anew before each call of a module.

Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.weight_norm.html
"""

from __future__ import annotations

from typing import Any, TypeVar

from ...ops.names import tensor_argument
from ...tensor import Tensor
from ...warning import warn
from ..modules.module import Module
from ..parameter import Parameter, UninitializedParameter

INTERNAL = True
M = TypeVar("M", bound=Module)


class WeightNorm:
    """A hook before `forward`: sets a module's weight to `g` times `v` divided by its norm."""

    def __init__(self, name: str, dim: int) -> None:
        self.name, self.dim = name, dim

    def compute_weight(self, module: Module) -> Tensor:
        """The weight, with a graph back to both parameters."""
        return stretched(getattr(module, f"{self.name}_g"), getattr(module, f"{self.name}_v"), self.dim)

    def remove(self, module: Module) -> None:
        """Make the weight a parameter again."""
        weight = self.compute_weight(module).detach()
        for name in (self.name, f"{self.name}_g", f"{self.name}_v"):
            delattr(module, name)
        module.register_parameter(self.name, Parameter(weight))

    def __call__(self, module: Module, inputs: Any) -> None:
        """Compute the weight for the call that follows."""
        setattr(module, self.name, self.compute_weight(module))


def stretched(length: Tensor, direction: Tensor, dim: int) -> Tensor:
    """A direction, each part of it along `dim` brought to its length."""
    return direction * (length / norms(direction, dim))


def norms(v: Tensor, dim: int) -> Tensor:
    """The norms of the parts of `v` along `dim`, which broadcast with it; of all of it, if that is -1."""
    v = tensor_argument(v, "norm_except_dim", "v")
    if dim == -1:
        return v.norm()
    rows = v.transpose(0, dim)
    lengths = rows.reshape(rows.shape[0], -1).norm(2, 1)
    return lengths.reshape(-1, *[1] * (v.dim() - 1)).transpose(0, dim)


def hook_of(module: Module, kind: type, name: str) -> tuple[int, Any] | None:
    """The hook of this kind for the parameter `name`, after its key; None if the module has none."""
    for key, hook in module._forward_pre_hooks.items():
        if isinstance(hook, kind) and hook.name == name:  # type: ignore[attr-defined]
            return key, hook
    return None


def without_hook(module: M, kind: type, name: str, what: str) -> M:
    """The module, its parameter `name` a parameter again, of its value now; ValueError if it has none."""
    found = hook_of(module, kind, name)
    if found is None:
        raise ValueError(f"{what} of '{name}' not found in {module}")
    found[1].remove(module)
    del module._forward_pre_hooks[found[0]]
    return module


def weight_norm(module: M, name: str = "weight", dim: int | None = 0) -> M:
    """Replace a parameter by its direction `weight_v` and its length `weight_g`, one for each index along `dim`.

    With `dim=None` there is one length. Returns the module; RuntimeError if it is done already.
    Source: Salimans & Kingma 2016, https://arxiv.org/abs/1602.07868
    """
    text = "`torch.nn.utils.weight_norm` is deprecated in favor of `torch.nn.utils.parametrizations.weight_norm`."
    warn(text, FutureWarning)
    if hook_of(module, WeightNorm, name) is not None:
        raise RuntimeError(f"Cannot register two weight_norm hooks on the same parameter {name}")
    hook, weight = WeightNorm(name, -1 if dim is None else dim), getattr(module, name)
    if isinstance(weight, UninitializedParameter):
        raise ValueError(
            "The module passed to `WeightNorm` can't have uninitialized parameters. Make sure to run the dummy forward "
            "before applying weight normalization"
        )
    del module._parameters[name]
    module.register_parameter(f"{name}_g", Parameter(norms(weight, hook.dim).detach()))
    module.register_parameter(f"{name}_v", Parameter(weight.detach()))
    setattr(module, name, hook.compute_weight(module))
    module.register_forward_pre_hook(hook)
    return module


def remove_weight_norm(module: M, name: str = "weight") -> M:
    """Make the weight a parameter again, of its value now; ValueError if it was not replaced."""
    return without_hook(module, WeightNorm, name, "weight_norm")
