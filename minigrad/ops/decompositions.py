"""Decompositions of matrices: eigenvalues, singular values, QR; and determinants, whose rules need those.

An operation of the table has one result. What a decomposition gives is laid side by side in one, `packed`, and its
rule reads them from there, with their gradients; each result is then a part of that, under torch's node name.
Sources of the formulas: Giles 2008, as in `inverses.py`, and Townsend, Differentiating the singular value
decomposition, 2016.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..tensor import Tensor
from .diagonals import diag_embed_, triu_
from .inplace import like
from .inverses import by_columns, solve_, solve_triangular_
from .pointwise import keep
from .reduction import array_of, others
from .shape import part, spread, whole_of
from .table import Op, op

INTERNAL = True
Array = np.ndarray[Any, Any]
Shape = tuple[int, ...]


def packed(*arrays: Array, ndim: int) -> Array:
    """Arrays side by side, each of a batch of `ndim` dimensions, and with what follows those laid out as one."""
    return np.concatenate([a.reshape((*a.shape[:ndim], math.prod(a.shape[ndim:]))) for a in arrays], axis=-1)


def _places(shapes: Sequence[Shape]) -> list[slice]:
    ends = [sum(math.prod(s) for s in shapes[: i + 1]) for i in range(len(shapes))]
    return [slice(end - math.prod(s), end) for s, end in zip(shapes, ends, strict=True)]


def unpacked(x: Any, shapes: Sequence[Shape]) -> list[Any]:
    """The results that lie side by side in `x`."""
    batch = x.shape[:-1]
    return [part(x, (..., at)).reshape((*batch, *s)) for s, at in zip(shapes, _places(shapes), strict=True)]


one_of = op(
    "PackedBackward0",
    lambda a, at, shape: by_columns(a[..., at].reshape((*a.shape[:-1], *shape))),
    a=lambda g, a_shape, at: whole_of(g.reshape((*a_shape[:-1], at.stop - at.start)), a_shape, (..., at)),
)


def results(whole: Tensor, shapes: Sequence[Shape], name: str, step: Op = one_of) -> list[Tensor]:
    """The results that lie side by side in `whole`, under torch's name for the node that they come from."""
    step = step.named(name)
    return [step.call(whole, at, tuple(s)) for s, at in zip(shapes, _places(shapes), strict=True)]


def _unasked(g: Any) -> Any:
    """Whether vectors have no gradient `g`, or one of zeros."""
    return np.add.reduce(array_of(g) != 0, axis=None) == 0


def _ratio(x: Any, y: Any, unasked: Any, also: Any = False) -> Any:
    """`x / y`, but 0 where `also` says so, and where `y` is 0 if no vector has a gradient, `unasked`.

    Else it is not finite there, as in torch: vectors of equal values are not unique.
    """
    zero = ((array_of(y) == 0) & unasked) | also
    return keep(x / (y + like(zero.astype(array_of(x).dtype), x)), like(~zero, x))


def _row(s: Any) -> Any:
    return s.reshape((*s.shape[:-1], 1, s.shape[-1]))


def _column(s: Any) -> Any:
    return s.reshape((*s.shape, 1))


def _diagonal_matrix(s: Any) -> Any:
    return diag_embed_(s, 0, s.ndim - 1, s.ndim)


# Eigenvalues of symmetric matrices


def eigh_shapes(n: int) -> list[Shape]:
    """Of the eigenvalues and the eigenvectors."""
    return [(n,), (n, n)]


def _eigh_rule(g: Any, out: Any, a_shape: Shape) -> Any:
    n = a_shape[-1]
    (g_values, g_vectors), (values, vectors) = unpacked(g, eigh_shapes(n)), unpacked(out, eigh_shapes(n))
    along = vectors.mT @ g_vectors
    gaps, same = _row(values) - _column(values), np.eye(n, dtype=bool)
    turning = _ratio((along - along.mT) / 2, gaps, _unasked(g_vectors), same)
    return vectors @ (turning + _diagonal_matrix(g_values)) @ vectors.mT


eigh_ = op(
    "EighBackward0",
    lambda a, upper: packed(*np.linalg.eigh(a, "U" if upper else "L"), ndim=a.ndim - 2),
    a=_eigh_rule,
)

# Singular values


def svd_shapes(shape: Shape, full: bool) -> list[Shape]:
    """Of U, S and Vh, for a matrix of this shape, or a batch."""
    m, n = shape[-2:]
    k = min(m, n)
    return [(m, m if full else k), (k,), (n if full else k, n)]


def _svd_rule(g: Any, out: Any, a_shape: Shape, full: bool) -> Any:
    m, n = a_shape[-2:]
    k, shapes = min(m, n), svd_shapes(a_shape, full)
    (u, s, vh), (g_u, g_s, g_vh) = unpacked(out, shapes), unpacked(g, shapes)
    if full and m != n:
        first = slice(0, k)
        if array_of(g_u)[..., k:].any() or array_of(g_vh)[..., k:, :].any():
            raise RuntimeError(
                "svd_backward: the singular vectors beyond the singular values are not unique, and have no gradient\n"
                "  Leave them out: torch.linalg.svd(x, full_matrices=False)."
            )
        u, g_u = part(u, (..., first)), part(g_u, (..., first))
        vh, g_vh = part(vh, (..., first, slice(None))), part(g_vh, (..., first, slice(None)))
    unasked = _unasked(g_u) & _unasked(g_vh)
    left, right = u.mT @ g_u, vh @ g_vh.mT
    gaps, same = _row(s) * _row(s) - _column(s) * _column(s), np.eye(k, dtype=bool)
    inner = _ratio(left - left.mT, gaps, unasked, same) * _row(s) + _column(s) * _ratio(
        right - right.mT, gaps, unasked, same
    )
    found = u @ (inner + _diagonal_matrix(g_s)) @ vh
    if m > k:
        found = found + _ratio(g_u - u @ left, _row(s), unasked) @ vh
    if n > k:
        found = found + u @ _ratio(g_vh - (g_vh @ vh.mT) @ vh, _column(s), unasked)
    return found


svd_: Op = op(
    "SvdBackward0",
    lambda a, full: packed(*np.linalg.svd(a, full_matrices=full), ndim=a.ndim - 2),
    a=_svd_rule,
)

# QR


def qr_shapes(shape: Shape, complete: bool) -> list[Shape]:
    """Of Q and R, for a matrix of this shape, or a batch."""
    m, n = shape[-2:]
    k = m if complete else min(m, n)
    return [(m, k), (k, n)]


def _tall_rule(q: Any, r: Any, g_q: Any, g_r: Any) -> Any:
    """For at least as many rows as columns."""
    inner = triu_(g_r @ r.mT - q.mT @ g_q, 0)
    inner = inner + triu_(inner, 1).mT
    return solve_triangular_(r.mT, q @ inner + g_q, False, False, False)


def _qr_rule(g: Any, out: Any, a_shape: Shape, complete: bool) -> Any:
    m, n = a_shape[-2:]
    if complete and m > n:
        raise RuntimeError(
            "The QR decomposition is not differentiable when mode='complete' and nrows > ncols.\n"
            "  The columns of Q beyond those are not unique. Leave them out: mode='reduced'."
        )
    shapes = qr_shapes(a_shape, complete)
    (q, r), (g_q, g_r) = unpacked(out, shapes), unpacked(g, shapes)
    if m >= n:
        return _tall_rule(q, r, g_q, g_r)
    first, rest = (..., slice(0, m)), (..., slice(m, n))
    beyond = q @ part(r, rest)  # the columns of the matrix that are no part of a square
    g_beyond = q @ part(g_r, rest)
    square = _tall_rule(q, part(r, first), g_q + beyond @ part(g_r, rest).mT, part(g_r, first))
    return whole_of(square, a_shape, first) + whole_of(g_beyond, a_shape, rest)


qr_ = op(
    "QrBackward0",
    lambda a, complete: packed(*np.linalg.qr(a, "complete" if complete else "reduced"), ndim=a.ndim - 2),
    a=_qr_rule,
)

# Determinants


def _times_inverse(g: Any, a: Any) -> Any:
    """The transposed inverses, each times its number in `g`."""
    weights = spread(g.reshape((*g.shape, 1)), a.shape[:-1])
    return solve_(a.mT, _diagonal_matrix(weights), False, True)


def _det_rule(g: Any, a: Any, out: Any) -> Any:
    """Near 0, the gradient of the product of all singular values, for which the matrix need not have an inverse."""
    values = array_of(out)
    if (values * values >= (100 * np.finfo(values.dtype).eps) ** 2).all():
        return _times_inverse(g * out, a)
    u, s, vh = unpacked(svd_(a, False), svd_shapes(a.shape, False))
    weights = _column(g * det_(u) * det_(vh)) * others(s, s.ndim - 1)
    return (u * _row(weights)) @ vh


def _slogdet_rule(g: Any, a: Any) -> Any:
    """The sign is constant wherever the logarithm is finite."""
    _, g_log = unpacked(g, [(), ()])
    return _times_inverse(g_log, a)


det_: Op = op("LinalgDetBackward0", lambda a: np.linalg.det(a), a=_det_rule)
slogdet_ = op("SlogdetBackward0", lambda a: np.stack(np.linalg.slogdet(a), axis=-1), a=_slogdet_rule)
