"""Gaussian elimination: matrices as products of a permutation, a lower and an upper triangle, and what solves by them.

The two triangles lie in one matrix, as LAPACK leaves them: the lower one, whose diagonal is 1, below that of the upper.
Source of the formulas: de Hoog, Anderssen and Lukas, Differentiation of matrix functionals using triangular
factorization, Mathematics of Computation 80 (2011).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .decompositions import packed, unpacked
from .diagonals import tril_, triu_
from .indexing import picked
from .inplace import like
from .inverses import by_columns, outer, solve_triangular_, substituted
from .reduction import array_of
from .shape import contract, part, whole_of
from .table import Op, op

INTERNAL = True
Array = np.ndarray[Any, Any]
Shape = tuple[int, ...]


def _eliminated(a: Array) -> tuple[Array, Array]:
    """Both triangles; and for each column with which row, counted from 1, its own was exchanged."""
    m, n = a.shape[-2:]
    both = np.array(a, order="C").reshape((math.prod(a.shape[:-2]), m, n))
    pivots = np.empty((len(both), min(m, n)), np.int32)
    which = np.arange(len(both))
    for i in range(min(m, n)):
        best = i + np.abs(both[:, i:, i]).argmax(axis=1)
        pivots[:, i] = best + 1
        both[which, i], both[which, best] = both[which, best], both[which, i]
        pivot = both[:, i, i]
        both[:, i + 1 :, i] /= np.where(pivot == 0, 1, pivot)[:, np.newaxis]  # below a pivot of 0 there is nothing else
        both[:, i + 1 :, i + 1 :] -= both[:, i + 1 :, i, np.newaxis] * both[:, i, np.newaxis, i + 1 :]
    return both.reshape(a.shape), pivots.reshape((*a.shape[:-2], min(m, n)))


def rows_of(pivots: Array, count: int) -> Array:
    """Which row of the matrix comes to which place, if its rows, so many, are exchanged as `pivots` say."""
    rows = np.tile(np.arange(count), (math.prod(pivots.shape[:-1]), 1))
    which = np.arange(len(rows))
    for i, at in enumerate(pivots.reshape((len(rows), pivots.shape[-1])).T.astype(np.int64) - 1):
        rows[which, i], rows[which, at] = rows[which, at], rows[which, i]
    return rows.reshape((*pivots.shape[:-1], count))


def _permuted(g: Any, rows: Array) -> Any:
    """The rows of matrices, an array's or a Tensor's, in another order."""
    m, n = g.shape[-2:]
    places = rows.reshape((math.prod(g.shape[:-2]), m))
    return picked(g.reshape((len(places), m, n)), (np.arange(len(places))[:, np.newaxis], places)).reshape(g.shape)


def triangles(both: Any) -> tuple[Any, Any]:
    """The lower triangle, with its 1s, and the upper one."""
    m, n = both.shape[-2:]
    k = min(m, n)
    lower, upper = part(both, (..., slice(0, k))), part(both, (..., slice(0, k), slice(None)))
    ones = np.broadcast_to(np.eye(m, k, dtype=array_of(both).dtype), lower.shape)
    return tril_(lower, -1) + like(ones, both), triu_(upper, 0)


def _square_rule(lower: Any, upper: Any, g_lower: Any, g_upper: Any) -> Any:
    middle = tril_(lower.mT @ g_lower, -1) + triu_(g_upper @ upper.mT, 0)
    return solve_triangular_(upper.mT, _behind(lower, middle), False, False, False)


def _behind(lower: Any, g: Any) -> Any:
    """What flows to the right-hand side of an equation with the lower triangle."""
    return solve_triangular_(lower.mT, g, True, True, True)


def _rule(lower: Any, upper: Any, pivots: Array, g_lower: Any, g_upper: Any) -> Any:
    m, n = lower.shape[-2], upper.shape[-1]
    shape, k = (*lower.shape[:-1], n), min(m, n)
    first, rest = slice(0, k), slice(k, None)
    if m < n:  # columns beyond the square are solutions by its lower triangle
        beyond = _behind(lower, part(g_upper, (..., rest)))
        g_lower = g_lower - beyond @ part(upper, (..., rest)).mT
        square = _square_rule(lower, part(upper, (..., first)), g_lower, part(g_upper, (..., first)))
        found = whole_of(square, shape, (..., first)) + whole_of(beyond, shape, (..., rest))
    elif m > n:  # and rows beyond it by its upper one
        top, below = (..., first, slice(None)), (..., rest, slice(None))
        beyond = solve_triangular_(upper.mT, part(g_lower, below), False, False, False)
        g_upper = g_upper - part(lower, below).mT @ beyond
        square = _square_rule(part(lower, top), upper, part(g_lower, top), g_upper)
        found = whole_of(square, shape, top) + whole_of(beyond, shape, below)
    else:
        found = _square_rule(lower, upper, g_lower, g_upper)
    return _permuted(found, np.argsort(rows_of(pivots, m), axis=-1))


def factor_shapes(shape: Shape) -> list[Shape]:
    """Of the pivots, and of both triangles in one matrix."""
    m, n = shape[-2:]
    return [(min(m, n),), (m, n)]


def part_shapes(shape: Shape) -> list[Shape]:
    """Of the pivots, the lower triangle and the upper one."""
    m, n = shape[-2:]
    k = min(m, n)
    return [(k,), (m, k), (k, n)]


def _factored(a: Array) -> Array:
    both, pivots = _eliminated(a)
    return packed(pivots.astype(a.dtype), both, ndim=a.ndim - 2)


def _factored_rule(g: Any, out: Any, a_shape: Shape) -> Any:
    (pivots, both), (_, g_both) = (unpacked(x, factor_shapes(a_shape)) for x in (out, g))
    k = min(a_shape[-2:])
    g_lower = tril_(part(g_both, (..., slice(0, k))), -1)
    g_upper = triu_(part(g_both, (..., slice(0, k), slice(None))), 0)
    lower, upper = triangles(both)
    return _rule(lower, upper, array_of(pivots), g_lower, g_upper)


def _parted(a: Array) -> Array:
    both, pivots = _eliminated(a)
    return packed(pivots.astype(a.dtype), *triangles(both), ndim=a.ndim - 2)


def _parted_rule(g: Any, out: Any, a_shape: Shape) -> Any:
    (pivots, lower, upper), (_, g_lower, g_upper) = (unpacked(x, part_shapes(a_shape)) for x in (out, g))
    return _rule(lower, upper, array_of(pivots), g_lower, g_upper)


factored = op("LinalgLuFactorExBackward0", _factored, a=_factored_rule)
parted = op("LinalgLuBackward0", _parted, a=_parted_rule)
one_by_rows = op(  # as `one_of` of the decompositions, but laid out row by row
    "PackedBackward0",
    lambda a, at, shape: np.ascontiguousarray(a[..., at].reshape((*a.shape[:-1], *shape))),
    a=lambda g, a_shape, at: whole_of(g.reshape((*a_shape[:-1], at.stop - at.start)), a_shape, (..., at)),
)


def _solved(a: Array, b: Array, index: Array, left: bool, adjoint: bool) -> Array:
    """The solution of `A @ x == b` (or `x @ A == b`; of A transposed), A's rows in the order `index` being factored."""
    if not left:
        return np.ascontiguousarray(_solved(a, b.mT, index, True, not adjoint).mT)
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    rows = np.broadcast_to(index, (*batch, index.shape[-1]))[..., np.newaxis]
    if adjoint:
        found = substituted(a.mT, substituted(a.mT, b, False, True, False), True, True, True)
        return by_columns(np.take_along_axis(found, np.argsort(rows, axis=-2), -2))
    b = np.take_along_axis(np.broadcast_to(b, (*batch, *b.shape[-2:])), rows, -2)
    return by_columns(substituted(a, substituted(a, b, False, True, True), True, True, False))


def _to_factors(g: Any, a: Any, out: Any, index: Array, left: bool, adjoint: bool) -> Any:
    """By way of the matrix that was factored."""
    flow = outer(solved(a, g, index, left, not adjoint), out, False, left)
    flow = _permuted(contract(flow.mT if adjoint else flow, tuple(a.shape)), index)
    lower, upper = triangles(a)
    return tril_(flow @ upper.mT, -1) + triu_(lower.mT @ flow, 0)


solved: Op = op(  # as torch does, each saves all
    "LinalgLuSolveBackward0",
    _solved,
    a=lambda g, a, b_shape, out, index, left, adjoint: _to_factors(g, a, out, index, left, adjoint),
    b=lambda g, a, b_shape, out, index, left, adjoint: contract(solved(a, g, index, left, not adjoint), b_shape),
)
