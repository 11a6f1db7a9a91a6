"""The normal distribution of vectors whose covariance is one of few dimensions, and a diagonal."""

from __future__ import annotations

import math
from collections.abc import Sequence

import minigrad as torch

from .. import linalg
from . import constraints
from .distribution import Distribution
from .multivariate_normal import log_diagonal, mahalanobis

INTERNAL = True
Tensor = torch.Tensor


class LowRankMultivariateNormal(Distribution):
    """Normal distributions of vectors with the covariance cov_factor @ cov_factor.mT + diag(cov_diag).

    cov_factor  of shape (n, m) for vectors of n numbers, or a batch of such matrices: m is the rank
    cov_diag    of shape (n,), positive
    What costs time with a full covariance costs it in m rather than n. Raises ValueError for shapes that do not fit.
    Source: https://docs.pytorch.org/docs/stable/distributions.html#lowrankmultivariatenormal
    """

    arg_constraints = {
        "loc": constraints.real_vector,
        "cov_factor": constraints.independent(constraints.real, 2),
        "cov_diag": constraints.independent(constraints.positive, 1),
    }
    support = constraints.real_vector
    has_rsample = True

    def __init__(self, loc: Tensor, cov_factor: Tensor, cov_diag: Tensor, validate_args: bool | None = None) -> None:
        if loc.dim() < 1:
            raise ValueError("loc must be at least one-dimensional.")
        event_shape = loc.shape[-1:]
        if cov_factor.dim() < 2:
            raise ValueError("cov_factor must be at least two-dimensional, with optional leading batch dimensions")
        if cov_factor.shape[-2:-1] != event_shape:
            raise ValueError(f"cov_factor must be a batch of matrices with shape {event_shape[0]} x m")
        if cov_diag.shape[-1:] != event_shape:
            raise ValueError(f"cov_diag must be a batch of vectors with shape {event_shape}")
        try:
            of_all = torch.broadcast_tensors(loc.unsqueeze(-1), cov_factor, cov_diag.unsqueeze(-1))
        except RuntimeError as error:
            shapes = f"loc {loc.shape}, cov_factor {cov_factor.shape}, cov_diag {cov_diag.shape}"
            raise ValueError(f"Incompatible batch shapes: {shapes}") from error
        self.loc, self.cov_factor, self.cov_diag = of_all[0][..., 0], of_all[1], of_all[2][..., 0]
        self._own_factor, self._own_diag = cov_factor, cov_diag  # not repeated for what broadcasts with them
        one = torch.eye(cov_factor.shape[-1], dtype=cov_factor.dtype)
        self._capacitance = linalg.cholesky(self._scaled_factor() @ cov_factor + one)
        super().__init__(self.loc.shape[:-1], event_shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        variance = self._own_factor.pow(2).sum(-1) + self._own_diag
        return variance.expand(self._batch_shape + self._event_shape)

    @property
    def covariance_matrix(self) -> Tensor:
        """The covariance."""
        return self._of_each(self._own_factor @ self._own_factor.mT + torch.diag_embed(self._own_diag))

    @property
    def scale_tril(self) -> Tensor:
        """The lower triangular factor of the covariance."""
        root = self._own_diag.sqrt().unsqueeze(-1)
        factor, one = self._own_factor / root, torch.eye(self._event_shape[0], dtype=self.loc.dtype)
        return self._of_each(root * linalg.cholesky(factor @ factor.mT + one))

    @property
    def precision_matrix(self) -> Tensor:
        """The inverse of the covariance."""
        part = self._solved_factor()
        return self._of_each(torch.diag_embed(self._own_diag.reciprocal()) - part.mT @ part)

    def _of_each(self, matrix: Tensor) -> Tensor:
        return matrix.expand(self._batch_shape + self._event_shape + self._event_shape)

    def _scaled_factor(self) -> Tensor:
        """The transposed factor times the inverse of the diagonal."""
        return self._own_factor.mT / self._own_diag.unsqueeze(-2)

    def _solved_factor(self) -> Tensor:
        """What the covariance's inverse lacks to that of the diagonal, the square root of it (Woodbury)."""
        return linalg.solve_triangular(self._capacitance, self._scaled_factor(), upper=False)

    def _log_determinant(self) -> Tensor:
        return 2 * log_diagonal(self._capacitance) + self._own_diag.log().sum(-1)

    def _mahalanobis(self, apart: Tensor) -> Tensor:
        inner = (self._scaled_factor() @ apart.unsqueeze(-1)).squeeze(-1)
        return (apart.pow(2) / self._own_diag).sum(-1) - mahalanobis(self._capacitance, inner)

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        low = torch.empty((*shape[:-1], self.cov_factor.shape[-1]), dtype=self.loc.dtype).normal_()
        own = torch.empty(shape, dtype=self.loc.dtype).normal_()
        spread = (self._own_factor @ low.unsqueeze(-1)).squeeze(-1)
        return self.loc + spread + self._own_diag.sqrt() * own

    def log_prob(self, value: Tensor) -> Tensor:
        squared = self._mahalanobis(self._checked(value) - self.loc)
        return -0.5 * (self._event_shape[0] * math.log(2 * math.pi) + self._log_determinant() + squared)

    def entropy(self) -> Tensor:
        entropy = 0.5 * (self._event_shape[0] * (1.0 + math.log(2 * math.pi)) + self._log_determinant())
        return entropy.expand(self._batch_shape) if self._batch_shape else entropy
