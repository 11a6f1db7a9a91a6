"""The normal distribution of vectors."""

from __future__ import annotations

import math
from collections.abc import Sequence

import minigrad as torch

from .. import linalg
from . import constraints
from .distribution import Distribution
from .utils import lazy_property

INTERNAL = True
Tensor = torch.Tensor


def log_diagonal(factor: Tensor) -> Tensor:
    """The sum of the logarithms on the diagonal: half the logarithm of the covariance's determinant."""
    return factor.diagonal(dim1=-2, dim2=-1).log().sum(-1)


def mahalanobis(factor: Tensor, apart: Tensor) -> Tensor:
    """The squared length of vectors in standard deviations, whose covariance is factor times its transpose."""
    batch, n = apart.shape[:-1], apart.shape[-1]
    shared = len(batch) - (factor.dim() - 2)
    # All vectors that share a factor are columns of one system: a factor is not repeated for each of them.
    columns = apart.reshape((math.prod(batch[:shared]), *batch[shared:], n)).movedim(0, -1)
    lengths = linalg.solve_triangular(factor, columns, upper=False).pow(2).sum(-2)
    return lengths.movedim(-1, 0).reshape(batch)


def precision_to_factor(precision: Tensor) -> Tensor:
    """The lower triangular factor of the inverse."""
    # It is the transpose of the inverse of a factor that begins at the other end.
    turned = linalg.cholesky(precision.flip((-2, -1))).flip((-2, -1)).mT
    one = torch.eye(precision.shape[-1], dtype=precision.dtype)
    return linalg.solve_triangular(turned, one, upper=False)


class MultivariateNormal(Distribution):
    """Normal distributions of vectors with mean `loc` and one of three matrices, or batches of them that broadcast.

    covariance_matrix  positive definite
    precision_matrix   its inverse
    scale_tril         its lower triangular factor, with a positive diagonal, which costs least
    Raises ValueError for none or several of the three, and for shapes without their dimensions.
    Source: https://docs.pytorch.org/docs/stable/distributions.html#multivariatenormal
    """

    arg_constraints = {
        "loc": constraints.real_vector,
        "covariance_matrix": constraints.positive_definite,
        "precision_matrix": constraints.positive_definite,
        "scale_tril": constraints.lower_cholesky,
    }
    support = constraints.real_vector
    has_rsample = True
    _factor: Tensor  # of the covariance, without the dimensions that only `loc` has

    def __init__(
        self,
        loc: Tensor,
        covariance_matrix: Tensor | None = None,
        precision_matrix: Tensor | None = None,
        scale_tril: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        if loc.dim() < 1:
            raise ValueError("loc must be at least one-dimensional.")
        matrices = {"scale_tril": scale_tril, "covariance_matrix": covariance_matrix}
        matrices["precision_matrix"] = precision_matrix
        given = [(name, matrix) for name, matrix in matrices.items() if matrix is not None]
        if len(given) != 1:
            raise ValueError("Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified.")
        [(name, matrix)] = given
        if matrix.dim() < 2:
            what = f"{name} matrix" if name == "scale_tril" else name
            raise ValueError(f"{what} must be at least two-dimensional, with optional leading batch dimensions")
        batch = torch.broadcast_shapes(matrix.shape[:-2], loc.shape[:-1])
        self.loc = loc.expand((*batch, -1))
        setattr(self, name, matrix.expand((*batch, -1, -1)))
        super().__init__(batch, self.loc.shape[-1:], validate_args=validate_args)
        if name == "scale_tril":
            self._factor = matrix
        elif name == "covariance_matrix":
            self._factor = linalg.cholesky(matrix)
        else:
            self._factor = precision_to_factor(matrix)

    @lazy_property
    def scale_tril(self) -> Tensor:
        """The lower triangular factor of the covariance."""
        return self._of_each(self._factor)

    @lazy_property
    def covariance_matrix(self) -> Tensor:
        """The covariance."""
        return self._of_each(self._factor @ self._factor.mT)

    @lazy_property
    def precision_matrix(self) -> Tensor:
        """The inverse of the covariance."""
        return self._of_each(torch.cholesky_inverse(self._factor))

    def _of_each(self, matrix: Tensor) -> Tensor:
        return matrix.expand(self._batch_shape + self._event_shape + self._event_shape)

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        return self._factor.pow(2).sum(-1).expand(self._batch_shape + self._event_shape)

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        standard = torch.empty(self._extended_shape(sample_shape), dtype=self.loc.dtype).normal_()
        return self.loc + (self._factor @ standard.unsqueeze(-1)).squeeze(-1)

    def log_prob(self, value: Tensor) -> Tensor:
        squared = mahalanobis(self._factor, self._checked(value) - self.loc)
        return -0.5 * (self._event_shape[0] * math.log(2 * math.pi) + squared) - log_diagonal(self._factor)

    def entropy(self) -> Tensor:
        entropy = 0.5 * self._event_shape[0] * (1.0 + math.log(2 * math.pi)) + log_diagonal(self._factor)
        return entropy.expand(self._batch_shape) if self._batch_shape else entropy
