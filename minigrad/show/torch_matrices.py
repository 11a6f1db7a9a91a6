"""torch's functions for matrices: products, inverses, decompositions, diagonals, distances."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..ops import decompositions as d, diagonals, elimination as e, inverses as i, measures, products, shape

INTERNAL = True


def _packed(torch: Any, parts: Any, ndim: int) -> Any:
    """Several results as one: each of them laid out flat, but for the first dimensions."""
    return torch.cat([part.flatten(ndim) for part in parts], -1)


def _least_squares(torch: Any, a: Any, b: Any, vector: bool) -> Any:
    found = torch.linalg.lstsq(a, b.unsqueeze(-1) if vector else b).solution
    return found.squeeze(-1) if vector else found


def _factored(torch: Any, a: Any) -> Any:
    both, pivots = torch.linalg.lu_factor_ex(a)[:2]
    return _packed(torch, (pivots.to(a.dtype), both), a.ndim - 2)


def _parted(torch: Any, a: Any) -> Any:
    pivots = torch.linalg.lu_factor_ex(a).pivots
    return _packed(torch, (pivots.to(a.dtype), *torch.linalg.lu(a)[1:]), a.ndim - 2)


def _solved(torch: Any, a: Any, b: Any, index: Any, left: bool, adjoint: bool) -> Any:
    """By the matrix that was factored: torch solves by pivots, not by the order that they lead to."""
    n = a.shape[-1]
    whole = (a.tril(-1) + torch.eye(n, dtype=a.dtype)) @ a.triu()
    places = torch.from_numpy(np.argsort(index, axis=-1)).unsqueeze(-1).expand(whole.shape)
    whole = whole.gather(-2, places)
    return torch.linalg.solve(whole.mT if adjoint else whole, b, left=left)


FUNCTIONS: list[tuple[Any, Callable[..., Any]]] = [
    (products.addmm_, lambda t, a, b, c, beta, alpha: t.addmm(a, b, c, beta=beta, alpha=alpha)),
    (products.addmv_, lambda t, a, b, c, beta, alpha: t.addmv(a, b, c, beta=beta, alpha=alpha)),
    (products.addr_, lambda t, a, b, c, beta, alpha: t.addr(a, b, c, beta=beta, alpha=alpha)),
    (products.baddbmm_, lambda t, a, b, c, beta, alpha: t.baddbmm(a, b, c, beta=beta, alpha=alpha)),
    (products.addbmm_, lambda t, a, b, c, beta, alpha: t.addbmm(a, b, c, beta=beta, alpha=alpha)),
    (shape.contract, lambda t, a, to: a.sum_to_size(to)),
    (i.inv_, lambda t, a: t.linalg.inv(a)),
    (i.solve_, lambda t, a, b, vector, left: t.linalg.solve(a, b, left=left)),
    (
        i.solve_triangular_,
        lambda t, a, b, upper, left, unit: t.linalg.solve_triangular(a, b, upper=upper, left=left, unitriangular=unit),
    ),
    (i.cholesky_, lambda t, a, upper: t.linalg.cholesky(a, upper=upper)),
    (i.cholesky_inverse_, lambda t, a, upper: t.cholesky_inverse(a, upper=upper)),
    (i.cholesky_solve_, lambda t, a, b, upper: t.cholesky_solve(a, b, upper=upper)),
    (i.pinv_, lambda t, a, atol, rtol: t.linalg.pinv(a, atol=atol, rtol=rtol)),
    (i.lstsq_, _least_squares),
    (i.exp_matrix, lambda t, a: t.linalg.matrix_exp(a)),
    (d.one_of, lambda t, a, at, shape: a[..., at].reshape((*a.shape[:-1], *shape))),
    (d.eigh_, lambda t, a, upper: _packed(t, t.linalg.eigh(a, "U" if upper else "L"), a.ndim - 2)),
    (d.svd_, lambda t, a, full: _packed(t, t.linalg.svd(a, full), a.ndim - 2)),
    (d.qr_, lambda t, a, complete: _packed(t, t.linalg.qr(a, "complete" if complete else "reduced"), a.ndim - 2)),
    (e.factored, _factored),
    (e.parted, _parted),
    (e.one_by_rows, lambda t, a, at, shape: a[..., at].reshape((*a.shape[:-1], *shape))),
    (e.solved, _solved),
    (d.det_, lambda t, a: t.linalg.det(a)),
    (d.slogdet_, lambda t, a: t.stack(tuple(t.linalg.slogdet(a)), -1)),
    (diagonals.diagonal_, lambda t, a, offset, dim1, dim2: a.diagonal(offset, dim1, dim2)),
    (diagonals.diagonal_copied, lambda t, a, offset: a.diagonal(offset)),
    (
        diagonals.on_diagonal,
        lambda t, a, shape, offset, dim1, dim2: t.diagonal_scatter(a.new_zeros(shape), a, offset, dim1, dim2),
    ),
    (diagonals.diag_embed_, lambda t, a, offset, dim1, dim2: a.diag_embed(offset, dim1, dim2)),
    (diagonals.tril_, lambda t, a, offset: a.tril(offset)),
    (diagonals.triu_, lambda t, a, offset: a.triu(offset)),
    (diagonals.trace_, lambda t, a: a.trace()),
    (measures.cross_, lambda t, a, b, dim: t.linalg.cross(a, b, dim=dim)),
    (measures.cdist_, lambda t, a, b, p: t.cdist(a, b, p)),
    (measures.pdist_, lambda t, a, p: t.pdist(a, p)),
]
