"""Transforms of vectors and matrices.

Source: https://docs.pytorch.org/docs/stable/distributions.html#module-torch.distributions.transforms
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import minigrad as torch

from .. import linalg
from ..nn import functional as F
from . import constraints
from .constraints import Constraint
from .transform import PlainTransform, Transform
from .utils import inside_unit, tril_matrix_to_vec, vec_to_tril_matrix

INTERNAL = True
Tensor = torch.Tensor


class ReshapeTransform(Transform):
    """Events of shape `in_shape` in shape `out_shape`; ValueError unless both hold as many numbers."""

    bijective = True

    def __init__(self, in_shape: Sequence[int], out_shape: Sequence[int], cache_size: int = 0) -> None:
        self.in_shape, self.out_shape = torch.Size(in_shape), torch.Size(out_shape)
        if self.in_shape.numel() != self.out_shape.numel():
            raise ValueError("in_shape, out_shape have different numbers of elements")
        super().__init__(cache_size=cache_size)

    @constraints.dependent_property
    def domain(self) -> Constraint:
        return constraints.independent(constraints.real, len(self.in_shape))

    @constraints.dependent_property
    def codomain(self) -> Constraint:
        return constraints.independent(constraints.real, len(self.out_shape))

    def _of_cache(self, cache_size: int) -> Transform:
        return ReshapeTransform(self.in_shape, self.out_shape, cache_size)

    def _call(self, x: Tensor) -> Tensor:
        return x.reshape(self._batch_of(x) + self.out_shape)

    def _inverse(self, y: Tensor) -> Tensor:
        return y.reshape(y.shape[: y.dim() - len(self.out_shape)] + self.in_shape)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return x.new_zeros(self._batch_of(x))

    def _batch_of(self, x: Tensor) -> torch.Size:
        return x.shape[: x.dim() - len(self.in_shape)]

    def forward_shape(self, shape: torch.Size) -> torch.Size:
        return _ending(shape, self.in_shape, self.out_shape)

    def inverse_shape(self, shape: torch.Size) -> torch.Size:
        return _ending(shape, self.out_shape, self.in_shape)


def _ending(shape: torch.Size, before: torch.Size, after: torch.Size) -> torch.Size:
    """A shape that ends as `before`, ending as `after`."""
    cut = len(_of_any(shape, len(before))) - len(before)
    if shape[cut:] != before:
        raise ValueError(f"Shape mismatch: expected {shape[cut:]} but got {before}")
    return torch.Size((*shape[:cut], *after))


def _of_any(shape: torch.Size, dims: int = 1) -> torch.Size:
    if len(shape) < dims:
        raise ValueError("Too few dimensions on input")
    return shape


class SoftmaxTransform(PlainTransform):
    """Probabilities along the last dimension, as many as numbers; the inverse gives numbers that give the same."""

    domain, codomain = constraints.real_vector, constraints.simplex

    def _call(self, x: Tensor) -> Tensor:
        weights = (x - x.max(-1, True)[0]).exp()
        return weights / weights.sum(-1, True)

    def _inverse(self, y: Tensor) -> Tensor:
        return y.log()

    def forward_shape(self, shape: torch.Size) -> torch.Size:
        return _of_any(shape)

    inverse_shape = forward_shape


class StickBreakingTransform(PlainTransform):
    """Probabilities, one more than numbers: each number says which part of what is left the next one takes."""

    domain, codomain = constraints.real_vector, constraints.simplex
    bijective = True

    def _call(self, x: Tensor) -> Tensor:
        taken = inside_unit(torch.sigmoid(x - _log_left(x)))
        left = (1 - taken).cumprod(-1)
        return F.pad(taken, [0, 1], value=1) * F.pad(left, [1, 0], value=1)

    def _inverse(self, y: Tensor) -> Tensor:
        y = y[..., :-1]
        left = torch.clamp(1 - y.cumsum(-1), min=torch.finfo(y.dtype).tiny)  # which rounding may make negative
        return y.log() - left.log() + _log_left(y)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        x = x - _log_left(x)
        return (-x + F.logsigmoid(x) + y[..., :-1].log()).sum(-1)

    def forward_shape(self, shape: torch.Size) -> torch.Size:
        return torch.Size((*_of_any(shape)[:-1], shape[-1] + 1))

    def inverse_shape(self, shape: torch.Size) -> torch.Size:
        return torch.Size((*_of_any(shape)[:-1], shape[-1] - 1))


def _log_left(x: Tensor) -> Tensor:
    """How many probabilities come after each, logarithms: with them a vector of zeros gives equal ones."""
    return (x.shape[-1] + 1 - x.new_ones(x.shape[-1]).cumsum(-1)).log()


class LowerCholeskyTransform(PlainTransform):
    """Lower triangular matrices with a positive diagonal, of any matrices."""

    domain, codomain = constraints.independent(constraints.real, 2), constraints.lower_cholesky

    def _call(self, x: Tensor) -> Tensor:
        return x.tril(-1) + x.diagonal(dim1=-2, dim2=-1).exp().diag_embed()

    def _inverse(self, y: Tensor) -> Tensor:
        return y.tril(-1) + y.diagonal(dim1=-2, dim2=-1).log().diag_embed()


class PositiveDefiniteTransform(PlainTransform):
    """Positive definite matrices, of any matrices."""

    domain, codomain = constraints.independent(constraints.real, 2), constraints.positive_definite

    def _call(self, x: Tensor) -> Tensor:
        root = LowerCholeskyTransform()(x)
        return root @ root.mT

    def _inverse(self, y: Tensor) -> Tensor:
        return LowerCholeskyTransform().inv(linalg.cholesky(y))


class CorrCholeskyTransform(Transform):
    """Lower triangular factors of correlation matrices, with rows of length 1, of vectors of D * (D - 1) / 2 numbers.

    In each row every number says which part of the length that is left it takes, and in which direction.
    """

    domain, codomain = constraints.real_vector, constraints.corr_cholesky
    bijective = True

    def _call(self, x: Tensor) -> Tensor:
        eps = torch.finfo(x.dtype).eps
        taken = vec_to_tril_matrix(torch.tanh(x).clamp(min=-1 + eps, max=1 - eps), diag=-1)
        left = (1 - taken**2).sqrt().cumprod(-1)
        with_diagonal = taken + torch.eye(taken.shape[-1], dtype=taken.dtype)  # which takes all that is left
        return with_diagonal * F.pad(left[..., :-1], [1, 0], value=1)

    def _inverse(self, y: Tensor) -> Tensor:
        left = F.pad((1 - torch.cumsum(y * y, dim=-1))[..., :-1], [1, 0], value=1)
        taken = tril_matrix_to_vec(y, diag=-1) / tril_matrix_to_vec(left, diag=-1).sqrt()
        return (taken.log1p() - taken.neg().log1p()) / 2

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """For the numbers below the diagonal, which determine the others."""
        left = tril_matrix_to_vec(1 - (y * y).cumsum(dim=-1), diag=-2)
        of_tanh = -2 * (x + F.softplus(-2 * x) - math.log(2.0)).sum(dim=-1)
        return 0.5 * left.log().sum(-1) + of_tanh

    def forward_shape(self, shape: torch.Size) -> torch.Size:
        n = _of_any(shape)[-1]
        rows = round((0.25 + 2 * n) ** 0.5 + 0.5)
        if rows * (rows - 1) // 2 != n:
            raise ValueError("Input is not a flattened lower-diagonal number")
        return torch.Size((*shape[:-1], rows, rows))

    def inverse_shape(self, shape: torch.Size) -> torch.Size:
        rows = _of_any(shape, 2)[-1]
        if shape[-2] != rows:
            raise ValueError("Input is not square")
        return torch.Size((*shape[:-2], rows * (rows - 1) // 2))
