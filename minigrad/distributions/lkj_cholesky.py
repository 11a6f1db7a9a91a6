"""The LKJ distribution of correlations."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import minigrad as torch

from .. import linalg
from . import constraints
from .beta import Beta
from .distribution import Distribution
from .utils import broadcast_all

INTERNAL = True
Tensor = torch.Tensor


class LKJCholesky(Distribution):
    """Distributions of lower triangular factors of correlation matrices, whose determinants' powers are the density.

    dim            how many rows the matrices have
    concentration  1 makes all correlation matrices as likely, more those that are nearer to the identity
    Raises ValueError for a dimension below 2.
    Source: https://docs.pytorch.org/docs/stable/distributions.html#lkjcholesky; D. Lewandowski, D. Kurowicka and
    H. Joe, "Generating random correlation matrices based on vines and extended onion method", 2009
    """

    arg_constraints = {"concentration": constraints.positive}
    support = constraints.corr_cholesky

    def __init__(self, dim: int, concentration: Tensor | float = 1.0, validate_args: bool | None = None) -> None:
        if dim < 2:
            raise ValueError(f"Expected dim to be an integer greater than or equal to 2. Found dim={dim}.")
        self.dim = dim
        (self.concentration,) = broadcast_all(concentration)
        before = (torch.arange(dim, dtype=self.concentration.dtype) - 1).clamp(min=0)
        of_rest = (self.concentration + 0.5 * (dim - 2)).unsqueeze(-1) - 0.5 * before
        self._beta = Beta(before + 0.5, of_rest)
        super().__init__(self.concentration.size(), (dim, dim), validate_args)

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> Any:
        new = self._new(_instance)
        new._beta = self._beta.expand((*batch_shape, self.dim))
        return super().expand(batch_shape, new)

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """Row after row: a direction, and how long the row is before its diagonal (the onion method)."""
        length = self._beta.sample(sample_shape).unsqueeze(-1)
        normal = torch.randn(self._extended_shape(sample_shape), dtype=length.dtype).tril(-1)
        direction = normal / linalg.norm(normal, dim=-1, keepdim=True)
        direction[..., 0, :].fill_(0.0)  # of no length
        rows = torch.sqrt(length) * direction
        left = torch.clamp(1 - torch.sum(rows**2, dim=-1), min=torch.finfo(rows.dtype).tiny)
        return rows + torch.diag_embed(left.sqrt())

    def log_prob(self, value: Tensor) -> Tensor:
        diagonal = self._checked(value).diagonal(dim1=-1, dim2=-2)[..., 1:]
        powers = 2 * (self.concentration - 1).unsqueeze(-1) + self.dim - torch.arange(2, self.dim + 1)
        unnormalized = torch.sum(powers * diagonal.log(), dim=-1)
        n = self.dim - 1
        alpha = self.concentration + 0.5 * n
        normalizer = 0.5 * n * math.log(math.pi) + torch.mvlgamma(alpha - 0.5, n) - torch.lgamma(alpha) * n
        return unnormalized - normalizer
