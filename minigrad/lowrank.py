"""Singular values and vectors, the largest few, from products with a few random vectors.

Source: Halko, Martinsson and Tropp, Finding structure with randomness, SIAM Review 53 (2011), algorithms 4.4 and 5.1.
"""

from __future__ import annotations

from typing import Any

from .dtypes import get_default_dtype
from .linalg import qr, svd
from .ops.linear import matmul
from .random import randn
from .tensor import Tensor

INTERNAL = True
Parts = tuple[Tensor, Tensor, Tensor]


def _basis(A: Tensor, q: int, niter: int, M: Tensor | None) -> Tensor:
    """Some `q` orthogonal columns of length 1, that span nearly all that `A - M` gives."""
    dtype = A.dtype if A.is_floating_point() else get_default_dtype()
    Q = qr(_times(A, M, randn(A.shape[-1], q, dtype=dtype))).Q
    for _ in range(niter):
        Q = qr(_times(A.mT, None if M is None else M.mT, Q)).Q
        Q = qr(_times(A, M, Q)).Q
    found: Tensor = Q
    return found


def _times(A: Tensor, M: Tensor | None, x: Tensor) -> Tensor:
    return matmul(A, x) if M is None else matmul(A, x) - matmul(M, x)


def svd_lowrank(A: Tensor, q: int | None = 6, niter: int | None = 2, M: Tensor | None = None) -> Parts:
    """U, S and V, about `q` of each, such that matrices `A`, or `A - M`, are nearly `U @ diag(S) @ V.mT`.

    They depend on random numbers, the less the more often, `niter` times, these are multiplied by the matrix.
    """
    m, n = A.shape[-2:]
    M = None if M is None else M.broadcast_to(A.size())
    if m < n:
        A, M = A.mT, None if M is None else M.mT
    Q = _basis(A, 6 if q is None else q, 2 if niter is None else niter, M)
    B = matmul(Q.mT, A) if M is None else matmul(Q.mT, A) - matmul(Q.mT, M)
    U, S, Vh = svd(B, full_matrices=False)
    U, V = matmul(Q, U), Vh.mT
    return (V, S, U) if m < n else (U, S, V)


def pca_lowrank(A: Tensor, q: int | None = None, center: bool = True, niter: int = 2) -> Parts:
    """Principal components of rows: U, S and V of `svd_lowrank`, of `A` less the means of its columns.

    The columns of V are the directions, and `S**2 / (rows - 1)` the variances along them. Without `center` the means
    count as 0. Raises ValueError for more components than there are, or a negative `niter`.
    """
    m, n = A.shape[-2:]
    if q is None:
        q = min(6, m, n)
    elif not 0 <= q <= min(m, n):
        raise ValueError(f"q(={q}) must be non-negative integer and not greater than min(m, n)={min(m, n)}")
    if not niter >= 0:
        raise ValueError(f"niter(={niter}) must be non-negative integer")
    centered: Any = A - A.mean(dim=(-2,), keepdim=True) if center else A
    return svd_lowrank(centered, q, niter)
