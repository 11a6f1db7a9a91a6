"""The Wishart distribution."""

from __future__ import annotations

import math
from collections.abc import Sequence

import minigrad as torch

from .. import linalg
from ..warning import warn
from . import constraints
from .chi2 import Chi2
from .constraints import Constraint
from .exp_family import ExponentialFamily
from .multivariate_normal import log_diagonal, precision_to_factor
from .utils import lazy_property

INTERNAL = True
Tensor = torch.Tensor


class Wishart(ExponentialFamily):
    """Wishart distributions: sums x @ x.mT of `df` normal vectors x with one of three matrices, or batches of them.

    df                 more than the matrices have rows, less one; it need not be whole
    covariance_matrix  positive definite
    precision_matrix   its inverse
    scale_tril         its lower triangular factor, with a positive diagonal
    Raises AssertionError unless one of the three is given, ValueError for parameters that do not fit.
    Source: https://docs.pytorch.org/docs/stable/distributions.html#wishart
    """

    support = constraints.positive_definite
    has_rsample = True
    _mean_carrier_measure = 0
    _factor: Tensor  # of the covariance, without the dimensions that only `df` has

    def __init__(
        self,
        df: Tensor | float,
        covariance_matrix: Tensor | None = None,
        precision_matrix: Tensor | None = None,
        scale_tril: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        matrices = {"covariance_matrix": covariance_matrix, "precision_matrix": precision_matrix}
        given = [(k, m) for k, m in (matrices | {"scale_tril": scale_tril}).items() if m is not None]
        if len(given) != 1:
            raise AssertionError("Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified.")
        [(name, matrix)] = given
        if matrix.dim() < 2:
            raise ValueError("scale_tril must be at least two-dimensional, with optional leading batch dimensions")
        df_of_all = df if isinstance(df, Tensor) else torch.tensor(df, dtype=matrix.dtype)
        batch, n = torch.broadcast_shapes(matrix.shape[:-2], df_of_all.shape), matrix.shape[-1]
        self.df = df_of_all.expand(batch) if isinstance(df, Tensor) else df_of_all
        if self.df.le(n - 1).any():
            raise ValueError(f"Value of df={df} expected to be greater than ndim - 1 = {n - 1}.")
        setattr(self, name, matrix.expand((*batch, -1, -1)))
        if self.df.lt(n).any():
            text = "Low df values detected. Singular samples are highly likely to occur for ndim - 1 < df < ndim."
            warn(text)
        super().__init__(batch, matrix.shape[-2:], validate_args=validate_args)
        if name == "scale_tril":
            self._factor = matrix
        else:
            self._factor = (linalg.cholesky if name == "covariance_matrix" else precision_to_factor)(matrix)

    @property
    def arg_constraints(self) -> dict[str, Constraint]:
        return {
            "covariance_matrix": constraints.positive_definite,
            "precision_matrix": constraints.positive_definite,
            "scale_tril": constraints.lower_cholesky,
            "df": constraints.greater_than(self._event_shape[-1] - 1),
        }

    @lazy_property
    def scale_tril(self) -> Tensor:
        """The lower triangular factor of the covariance."""
        return self._of_each(self._factor)

    @lazy_property
    def covariance_matrix(self) -> Tensor:
        """The covariance of the vectors."""
        return self._of_each(self._factor @ self._factor.mT)

    @lazy_property
    def precision_matrix(self) -> Tensor:
        """The inverse of the covariance."""
        one = torch.eye(self._event_shape[-1], dtype=self._factor.dtype)
        return self._of_each(torch.cholesky_solve(one, self._factor))

    def _of_each(self, matrix: Tensor) -> Tensor:
        return matrix.expand(self._batch_shape + self._event_shape)

    @property
    def mean(self) -> Tensor:
        return self._of_matrices(self.df) * self.covariance_matrix

    @property
    def mode(self) -> Tensor:
        """The most likely matrix, or NaN where there is none: for `df` up to the number of rows and one."""
        factor = self.df - self._event_shape[-1] - 1
        return self._of_matrices(factor.masked_fill(factor <= 0, torch.nan)) * self.covariance_matrix

    @property
    def variance(self) -> Tensor:
        diagonal = self.covariance_matrix.diagonal(dim1=-2, dim2=-1)
        products = torch.einsum("...i,...j->...ij", diagonal, diagonal)
        return self._of_matrices(self.df) * (self.covariance_matrix.pow(2) + products)

    def _of_matrices(self, value: Tensor) -> Tensor:
        return value.view((*self._batch_shape, 1, 1))

    def rsample(self, sample_shape: Sequence[int] = (), max_try_correction: int | None = None) -> Tensor:
        """Random matrices, by Bartlett's decomposition.

        Those that torch takes for singular, which are those that are not, are drawn again: so its numbers are met.
        """
        sample = self._bartlett(torch.Size(sample_shape))
        again = self._check(sample)
        if not again.any():
            return sample
        warn("Singular sample detected.")
        for _ in range(10 if max_try_correction is None else max_try_correction):
            new = self._bartlett(again[again].shape)
            sample[again] = new
            again[again.clone()] = self._check(new, singular=True)
            if not again.any():
                break
        return sample

    def _check(self, sample: Tensor, singular: bool = False) -> Tensor:
        """For each sample whether one of its batch is definite, or whether one is `singular`."""
        found = self.support.check(sample) ^ singular
        return found.amax([-i - 1 for i in range(len(self._batch_shape))]) if self._batch_shape else found

    def _bartlett(self, sample_shape: torch.Size) -> Tensor:
        n = self._event_shape[-1]
        chi2 = Chi2(self.df.unsqueeze(-1) - torch.arange(n, dtype=self._factor.dtype).expand((*self._batch_shape, -1)))
        roots = chi2.rsample(sample_shape).sqrt()
        noise = roots.clamp(min=torch.finfo(roots.dtype).eps).diag_embed(dim1=-2, dim2=-1)
        i, j = torch.tril_indices(n, n, offset=-1)
        shape = (*sample_shape, *self._batch_shape, n * (n - 1) // 2)
        noise[..., i, j] = torch.randn(shape, dtype=noise.dtype)
        factor = self._factor @ noise
        return factor @ factor.mT

    def log_prob(self, value: Tensor) -> Tensor:
        nu, p, value = self.df, self._event_shape[-1], self._checked(value)
        trace = torch.cholesky_solve(value, self._factor).diagonal(dim1=-2, dim2=-1).sum(-1)
        powers = (nu - p - 1) / 2 * linalg.slogdet(value).logabsdet
        return -nu * self._log_scale() - torch.mvlgamma(nu / 2, p=p) + powers - trace / 2

    def entropy(self) -> Tensor:
        nu, p = self.df, self._event_shape[-1]
        halves = nu.unsqueeze(-1) / 2 - torch.arange(p, dtype=nu.dtype) / 2
        of_gamma = torch.mvlgamma(nu / 2, p=p) - (nu - p - 1) / 2 * torch.digamma(halves).sum(-1)
        return (p + 1) * self._log_scale() + of_gamma + nu * p / 2

    def _log_scale(self) -> Tensor:
        return self._event_shape[-1] * math.log(2) / 2 + log_diagonal(self._factor)

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        precision: Tensor = self.precision_matrix
        return -precision / 2, (self.df - self._event_shape[-1] - 1) / 2

    def _log_normalizer(self, x: Tensor, y: Tensor) -> Tensor:
        p = self._event_shape[-1]
        half = y + (p + 1) / 2
        return half * (-linalg.slogdet(-2 * x).logabsdet + math.log(2) * p) + torch.mvlgamma(half, p=p)
