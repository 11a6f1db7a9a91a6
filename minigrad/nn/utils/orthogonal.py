"""Orthogonal weights: maps from any matrices to those whose columns, or rows, are orthonormal.

Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.parametrizations.orthogonal.html
"""

from __future__ import annotations

from typing import Any

import numpy as np

import minigrad as torch

from ... import linalg
from ..modules.module import Module

INTERNAL = True
Tensor = torch.Tensor


class _Orthogonal(Module):
    """A weight whose columns are orthonormal, or whose rows, if it is wide; a batch of such in its last dimensions."""

    base: Any

    def __init__(self, weight: Tensor, orthogonal_map: str, use_trivialization: bool) -> None:
        super().__init__()
        self.shape, self.map = weight.shape, MAPS[orthogonal_map]
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, X: Tensor) -> Tensor:
        wide = X.size(-2) < X.size(-1)
        Q = self.map(X.mT if wide else X)
        if hasattr(self, "base"):
            Q = self.base @ Q
        return Q.mT if wide else Q

    def right_inverse(self, Q: Tensor) -> Tensor:
        if self.shape != Q.shape:
            raise ValueError(
                f"Expected a matrix or batch of matrices of shape {self.shape}. Got a tensor of shape {Q.shape}."
            )
        wide = Q.size(-2) < Q.size(-1)
        tall = Q.mT if wide else Q
        if hasattr(self, "base"):
            self.base = _square(tall)
            neg_identity = torch.zeros_like(Q)  # which all maps take to the identity, so that `base` is what is given
            neg_identity.diagonal(dim1=-2, dim2=-1).fill_(-1.0)
            return neg_identity
        if self.map is not _reflected:
            raise NotImplementedError(
                "It is not possible to assign to the matrix exponential or the Cayley parametrizations when "
                "use_trivialization=False."
            )
        reflectors = _reflectors_of(tall)
        return reflectors.mT if wide else reflectors


def _skew(X: Tensor) -> Tensor:
    """The square matrix A with A.mT = -A that a tall matrix holds the lower half of."""
    n, k = X.size(-2), X.size(-1)
    X = X.tril()
    if n != k:
        X = torch.cat([X, X.new_zeros(n, n - k).expand(*X.shape[:-2], -1, -1)], dim=-1)
    return X - X.mT


def _exponential(X: Tensor) -> Tensor:
    return torch.matrix_exp(_skew(X))[..., : X.size(-1)]


def _cayley(X: Tensor) -> Tensor:
    A = _skew(X)
    one = torch.eye(A.size(-1), dtype=A.dtype)
    return linalg.solve(torch.add(one, A, alpha=-0.5), torch.add(one, A, alpha=0.5))[..., : X.size(-1)]


def _reflected(X: Tensor) -> Tensor:
    """The product of the Householder reflections that lie below the diagonal; on it are signs."""
    n, k = X.size(-2), X.size(-1)
    signs, below = X.diagonal(dim1=-2, dim2=-1).int(), X.tril(-1)
    vectors = below + torch.eye(n, k, dtype=X.dtype)
    factors = 2.0 / (1.0 + (below * below).sum(dim=-2))
    Q = torch.eye(n, k, dtype=X.dtype).expand(X.shape)
    for i in reversed(range(k)):
        v = vectors[..., i : i + 1]
        Q = Q - factors[..., i, None, None] * (v @ (v.mT @ Q))
    return Q * signs.unsqueeze(-2)


MAPS = {"matrix_exp": _exponential, "cayley": _cayley, "householder": _reflected}


def _reflectors_of(Q: Tensor) -> Tensor:
    """What `_reflected` makes the first factor of Q = AR of, where the diagonal of R is not negative."""
    raw, factors = np.linalg.qr(Q.detach().numpy(), mode="raw")  # as LAPACK's geqrf leaves them, turned
    reflectors = torch.from_numpy(np.ascontiguousarray(np.swapaxes(raw, -1, -2)))
    signs = reflectors.diagonal(dim1=-2, dim2=-1)
    signs.sign_()
    signs[torch.from_numpy(factors == 0)] *= -1  # where LAPACK did not reflect
    return reflectors


def _square(Q: Tensor) -> Tensor:
    """A square orthogonal matrix that begins with the columns of a tall one, if those are orthonormal."""
    n, k = Q.size(-2), Q.size(-1)
    if n == k:
        eps = 10.0 * n * torch.finfo(Q.dtype).eps
        return Q.clone() if torch.allclose(Q.mT @ Q, torch.eye(k, dtype=Q.dtype), atol=eps) else _orthonormal(Q)
    return _orthonormal(torch.cat([Q, torch.randn(*Q.shape[:-2], n, n - k, dtype=Q.dtype)], dim=-1))


def _orthonormal(A: Tensor) -> Tensor:
    """The first factor of A = QR where the diagonal of R is not negative."""
    Q, R = linalg.qr(A)
    return Q * R.diagonal(dim1=-2, dim2=-1).sgn().unsqueeze(-2)
