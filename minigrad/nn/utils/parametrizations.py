"""Weights that are normalised, or orthogonal, as parametrizations.

Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.parametrizations.weight_norm.html
"""

from __future__ import annotations

from typing import Any, TypeVar

import minigrad as torch

from .. import functional as F
from ..modules.module import Module
from .orthogonal import MAPS, _Orthogonal
from .parametrize import register_parametrization
from .spectral_norm import dim_of_outputs, matrix_of
from .weight_norm import norms, stretched

INTERNAL = True
M = TypeVar("M", bound=Module)
Tensor = torch.Tensor


class _WeightNorm(Module):
    """A weight of lengths and a direction."""

    def __init__(self, dim: int | None = 0) -> None:
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, weight_g: Tensor, weight_v: Tensor) -> Tensor:
        return stretched(weight_g, weight_v, self.dim)

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        return norms(weight, self.dim), weight


def weight_norm(module: M, name: str = "weight", dim: int | None = 0) -> M:
    """Let a parameter be a length, one for each index along `dim`, times a direction.

    They are `original0` and `original1` of its parametrization; with `dim=None` there is one length. A `state_dict` of
    the older `nn.utils.weight_norm` loads, too. Returns the module.
    Source: Salimans & Kingma 2016, https://arxiv.org/abs/1602.07868
    """
    register_parametrization(module, name, _WeightNorm(dim), unsafe=True)

    def take_older_names(module: Module, state_dict: dict[str, Any], prefix: str, *_: Any) -> None:
        older = [f"{prefix}{name}_{part}" for part in "gv"]
        if all(key in state_dict for key in older):
            for i, key in enumerate(older):
                state_dict[f"{prefix}parametrizations.{name}.original{i}"] = state_dict.pop(key)

    module.register_load_state_dict_pre_hook(take_older_names)
    return module


class _SpectralNorm(Module):
    """A weight divided by its largest singular value."""

    _u: Tensor
    _v: Tensor

    def __init__(self, weight: Tensor, n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12) -> None:
        super().__init__()
        dims = weight.ndim
        if not -dims <= dim < dims:
            expected = f"expected to be in range of [-{dims}, {dims - 1}] but got {dim}"
            raise IndexError(f"Dimension out of range ({expected})")
        if n_power_iterations <= 0:
            text = f"Expected n_power_iterations to be positive, but got n_power_iterations={n_power_iterations}"
            raise ValueError(text)
        self.dim, self.eps = dim % dims, eps
        if dims > 1:  # else the norm is known
            self.n_power_iterations = n_power_iterations
            matrix = matrix_of(weight, self.dim)
            for name, n in zip(("_u", "_v"), matrix.shape, strict=True):
                self.register_buffer(name, F.normalize(matrix.new_empty(n).normal_(0, 1), dim=0, eps=eps))
            self._iterate(matrix, 15)

    def _iterate(self, matrix: Tensor, times: int) -> None:
        with torch.no_grad():
            for _ in range(times):
                self._u.copy_(F.normalize(torch.mv(matrix, self._v), dim=0, eps=self.eps))
                self._v.copy_(F.normalize(torch.mv(matrix.t(), self._u), dim=0, eps=self.eps))

    def forward(self, weight: Tensor) -> Tensor:
        if weight.ndim == 1:
            return F.normalize(weight, dim=0, eps=self.eps)
        matrix = matrix_of(weight, self.dim)
        if self.training:
            self._iterate(matrix, self.n_power_iterations)
        # The next call changes the buffers; this one's backward pass may come after that, as in GANs.
        u, v = self._u.clone(), self._v.clone()
        return weight / torch.vdot(u, torch.mv(matrix, v))

    def right_inverse(self, value: Tensor) -> Tensor:
        return value


def spectral_norm(
    module: M, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> M:
    """Let a parameter, as a matrix with rows along `dim`, be divided by its largest singular value.

    That is followed by power iteration, `n_power_iterations` steps whenever it is read while the module trains.
    Returns the module; ValueError if it has no such parameter.
    Source: Miyato et al. 2018, https://arxiv.org/abs/1802.05957
    """
    weight = _tensor_of(module, name)
    norm = _SpectralNorm(weight, n_power_iterations, dim_of_outputs(module) if dim is None else dim, eps)
    return register_parametrization(module, name, norm)


def orthogonal(
    module: M, name: str = "weight", orthogonal_map: str | None = None, *, use_trivialization: bool = True
) -> M:
    """Let a parameter have orthonormal columns, or rows, if it is wide.

    orthogonal_map      "matrix_exp", "cayley" or "householder"; the first for a square matrix, else the last
    use_trivialization  whether the result is multiplied by a matrix, `base`, so that training begins at what there was
    Returns the module; ValueError if there is no such parameter, map, or matrix.
    Source: Lezcano 2019, https://arxiv.org/abs/1909.09501
    """
    weight = _tensor_of(module, name)
    if weight.ndim < 2:
        raise ValueError(f"Expected a matrix or batch of matrices. Got a tensor of {weight.ndim} dimensions.")
    if orthogonal_map is None:
        orthogonal_map = "matrix_exp" if weight.size(-2) == weight.size(-1) else "householder"
    if orthogonal_map not in MAPS:
        known = ", ".join(f'"{name}"' for name in MAPS)
        raise ValueError(f"orthogonal_map has to be one of {known}. Got: {orthogonal_map}")
    return register_parametrization(module, name, _Orthogonal(weight, orthogonal_map, use_trivialization), unsafe=True)


def _tensor_of(module: Module, name: str) -> Tensor:
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    return weight
