"""Inverses of square matrices, and what is near them: solutions of equations, determinants, Cholesky factors, powers.

A rule uses what the operation gave, wherever that is enough. Source of the formulas: Giles, Collected matrix derivative
results for forward and reverse mode algorithmic differentiation, 2008.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from .. import messages
from ..tensor import Tensor
from .diagonals import tril_, triu_
from .names import tensor_argument
from .reduction import array_of
from .shape import contract, part, whole_of
from .table import Op, op

INTERNAL = True
Array = np.ndarray[Any, Any]


class _LinAlgError(RuntimeError):
    """What torch raises for matrices that have no inverse, or no factors."""


def by_columns(a: Array) -> Array:
    """A copy of matrices that lie in memory column by column, as LAPACK leaves them."""
    if a.ndim < 2:
        return a.copy()
    return np.ascontiguousarray(a.mT).mT if a.size > 1 else a.copy()


def batch_element(index: tuple[int, ...], shape: tuple[int, ...]) -> str:
    """Which matrix of a batch it is that fails; nothing where there is only one."""
    return f"(Batch element {int(np.ravel_multi_index(index, shape))}): " if shape else ""


def first_failing(a: Array, fails: Any) -> tuple[tuple[int, ...], Any]:
    """The index of the first matrix of a batch for which `fails(matrix)` gives something, and that."""
    for index in np.ndindex(a.shape[:-2]):
        found = fails(a[index])
        if found:
            return index, found
    return (0,) * (a.ndim - 2), a.shape[-1]


def zero_pivot(a: Array) -> int:
    """The number of the first column in which Gaussian elimination finds no pivot; 0 if it always does."""
    a = a.copy()
    for i in range(len(a)):
        best = i + int(np.abs(a[i:, i]).argmax())
        if a[best, i] == 0:
            return i + 1
        a[[i, best]] = a[[best, i]]
        a[i + 1 :] -= np.multiply.outer(a[i + 1 :, i] / a[i, i], a[i])
    return 0


def _bad_minor(a: Array) -> int:
    """The order of the first leading minor of a matrix that is not positive-definite; 0 if all are."""
    for k in range(1, len(a) + 1):
        try:
            if not np.isfinite(np.linalg.cholesky(a[:k, :k])).all():
                return k
        except np.linalg.LinAlgError:
            return k
    return 0


# Inverses and solutions


def _inverse(a: Array) -> Array:
    try:
        return by_columns(np.linalg.inv(a))
    except np.linalg.LinAlgError:
        index, column = first_failing(a, zero_pivot)
        raise _LinAlgError(
            f"linalg.inv: {batch_element(index, a.shape[:-2])}The diagonal element {column} is zero, the inversion "
            "could not be completed because the input matrix is singular."
        ) from None


def columns(b: Any, vector: bool) -> Any:
    """A right-hand side as a matrix."""
    return b.reshape((*b.shape, 1)) if vector else b


def _solution(a: Array, b: Array, vector: bool, left: bool) -> Array:
    """The solution of `a @ x == b`, or of `x @ a == b`."""
    try:
        if not left:
            return np.ascontiguousarray(np.linalg.solve(a.mT, b.mT).mT)
        found = np.linalg.solve(a, columns(b, vector))
    except np.linalg.LinAlgError:
        index, _ = first_failing(a, zero_pivot)
        which = batch_element(index, a.shape[:-2])
        raise _LinAlgError(
            f"torch.linalg.solve: {which}The solver failed because the input matrix is singular."
        ) from None
    return found[..., 0].copy() if vector else by_columns(found)


def outer(solved: Any, out: Any, vector: bool, left: bool) -> Any:
    """The gradient of the matrix of an equation, from that of the right-hand side."""
    return -(columns(solved, vector) @ columns(out, vector).mT) if left else -(out.mT @ solved)


inv_: Op = op("LinalgInvExBackward0", _inverse, a=lambda g, out: -(out.mT @ g @ out.mT))
solve_: Op = op(
    "LinalgSolveExBackward0",
    _solution,
    a=lambda g, a, out, a_shape, vector, left: contract(
        outer(solve_(a.mT, g, vector, left), out, vector, left), a_shape
    ),
    b=lambda g, a, b_shape, vector, left: contract(solve_(a.mT, g, vector, left), b_shape),
)


def substituted(a: Array, b: Array, upper: bool, left: bool, unit: bool) -> Array:
    """The solution of `a @ x == b`, or `x @ a == b`, where `a` counts as triangular: row by row."""
    if not left:
        return by_columns(substituted(a.mT, b.mT, not upper, True, unit).mT)
    x = np.empty((*np.broadcast_shapes(a.shape[:-2], b.shape[:-2]), *b.shape[-2:]), b.dtype)
    n = a.shape[-1]
    for i in range(n)[:: -1 if upper else 1]:
        known = slice(i + 1, n) if upper else slice(i)
        rest = b[..., i : i + 1, :] - a[..., i : i + 1, known] @ x[..., known, :]
        x[..., i : i + 1, :] = rest if unit else rest / a[..., i : i + 1, i : i + 1]
    return by_columns(x)


def _triangle(g: Any, upper: bool, unit: bool) -> Any:
    return triu_(g, int(unit)) if upper else tril_(g, -int(unit))


solve_triangular_: Op = op(
    "LinalgSolveTriangularBackward0",
    substituted,
    a=lambda g, a, out, a_shape, upper, left, unit: contract(
        _triangle(outer(solve_triangular_(a.mT, g, not upper, left, unit), out, False, left), upper, unit), a_shape
    ),
    b=lambda g, a, b_shape, upper, left, unit: contract(solve_triangular_(a.mT, g, not upper, left, unit), b_shape),
)


def _cholesky(a: Array, upper: bool) -> Array:
    try:
        found = np.linalg.cholesky(a, upper=upper)
        if not np.isfinite(found).all():
            raise np.linalg.LinAlgError
        return by_columns(found)
    except np.linalg.LinAlgError:
        index, order = first_failing(a.mT if upper else a, _bad_minor)
        raise _LinAlgError(
            f"linalg.cholesky: {batch_element(index, a.shape[:-2])}The factorization could not be completed because "
            f"the input is not positive-definite (the leading minor of order {order} is not positive-definite)."
        ) from None


def _cholesky_rule(g: Any, out: Any, upper: bool) -> Any:
    """Source: Murray, Differentiation of the Cholesky decomposition, 2016, eq. 10; the matrix counts as symmetric."""
    factor, g = (out.mT, g.mT) if upper else (out, g)
    inner = tril_(factor.mT @ g, 0)
    inner = (inner + tril_(inner, -1).mT) / 2
    inner = solve_triangular_(factor.mT, inner, True, True, False)
    return solve_triangular_(factor, inner, False, False, False)


cholesky_ = op("LinalgCholeskyExBackward0", _cholesky, a=_cholesky_rule)


def _by_factor(b: Array, a: Array, upper: bool) -> Array:
    """The solution of `whole @ x == b`, where `a` holds the Cholesky factor of `whole`."""
    factor = a if upper else a.mT
    with np.errstate(all="ignore"):
        return substituted(factor, substituted(factor.mT, b, False, True, False), True, True, False)


def _inverse_by_factor(a: Array, upper: bool) -> Array:
    index, at = first_failing(a, lambda m: next((i for i, x in enumerate(np.diagonal(m), 1) if x == 0), 0))
    if (np.diagonal(a, axis1=-2, axis2=-1) == 0).any():
        raise _LinAlgError(
            f"cholesky_inverse: {batch_element(index, a.shape[:-2])}The diagonal element {at} is zero, the inversion "
            "could not be completed because the input matrix is singular."
        )
    return _by_factor(np.broadcast_to(np.eye(a.shape[-1], dtype=a.dtype), a.shape), a, upper)


def _factor_rule(whole: Any, a: Any, upper: bool) -> Any:
    """The gradient of a Cholesky factor, from minus that of the matrix that it is of."""
    # torch's rule takes all of `a`, and fills both triangles: no derivative of what reads one only.
    both = whole + whole.mT
    return triu_(-(triu_(a, 0) @ both), 0) if upper else tril_(-(both @ tril_(a, 0)), 0)


cholesky_inverse_ = op(
    "CholeskyInverseBackward0",
    _inverse_by_factor,
    a=lambda g, a, out, upper: _factor_rule(out @ g @ out, a, upper),
)
cholesky_solve_: Op = op(
    "CholeskySolveBackward0",
    _by_factor,
    # As torch does, both save all, whichever gradient is wanted.
    a=lambda g, a, b, out, upper: contract(cholesky_solve_(g, b, upper), a.shape),
    b=lambda g, a, b, out, upper: contract(_factor_rule(cholesky_solve_(g, b, upper) @ out.mT, b, upper), b.shape),
)


@contextmanager
def refusing_non_finite(A: Tensor) -> Iterator[None]:
    """Where singular values are computed: LinAlgError in torch's words, which programs in NumPy leave to NumPy."""
    try:
        yield
    except np.linalg.LinAlgError:
        index, _ = first_failing(A._array, lambda matrix: not np.isfinite(matrix).all())
        raise _LinAlgError(
            f"linalg.svd: {batch_element(index, A._array.shape[:-2])}The algorithm failed to converge because the "
            "input matrix contained non-finite values."
        ) from None


def _pseudoinverse(a: Array, atol: float, rtol: float) -> Array:
    u, s, vh = np.linalg.svd(a, full_matrices=False)
    limit = np.maximum(atol, rtol * s[..., :1]) if s.shape[-1] else s
    with np.errstate(divide="ignore"):
        inverse = np.where(s > limit, 1 / s, s.dtype.type(0))
    return np.ascontiguousarray((vh.mT * inverse[..., None, :]) @ u.mT)


def pinv_rule(g: Any, a: Any, out: Any) -> Any:
    """Source: Golub and Pereyra, The differentiation of pseudo-inverses and nonlinear least squares problems, 1973."""
    g, inverse_turned = g.mT, out.mT
    k = g @ out
    turned = k @ inverse_turned
    return turned - (out @ k).mT - (a @ out) @ turned + (inverse_turned @ out) @ (g - k @ a)


pinv_ = op("LinalgPinvBackward0", _pseudoinverse, a=pinv_rule)


def _least_squares(a: Array, b: Array, vector: bool) -> Array:
    m, n = a.shape[-2:]
    found = _pseudoinverse(a, 0.0, max(m, n) * float(np.finfo(a.dtype).eps)) @ columns(b, vector)
    return found[..., 0].copy() if vector else by_columns(found)


def _inverse_of(a: Any) -> Any:
    return pinv_(a, 0.0, max(a.shape[-2:]) * float(np.finfo(array_of(a).dtype).eps))


def _least_squares_rule(g: Any, a: Any, b: Any, x: Any) -> Any:
    """That of the pseudoinverse, with the solution `x` where a product with the right-hand side was."""
    inverse = _inverse_of(a)
    turned = inverse.mT
    beside = (turned @ x) @ (g.mT - (g.mT @ inverse) @ a)
    return (b - a @ x) @ ((g.mT @ inverse) @ turned) - (turned @ g) @ x.mT + beside


def _right_side_rule(g: Any, a: Any, b: Any, vector: bool) -> Any:
    found = _inverse_of(a).mT @ columns(g, vector)
    return contract(found.reshape(found.shape[:-1]) if vector else found, b.shape)


lstsq_ = op(
    "LinalgLstsqBackward0",
    _least_squares,
    a=lambda g, a, b, out, a_shape, vector: contract(
        _least_squares_rule(columns(g, vector), a, columns(b, vector), columns(out, vector)), a_shape
    ),
    b=lambda g, a, b, vector: _right_side_rule(g, a, b, vector),
)


# Exponentials


def _exponential(a: Array) -> Array:
    """e to the power of matrices: the Taylor series of a matrix halved until it is small, then squared as often.

    Source: Moler and Van Loan, Nineteen dubious ways to compute the exponential of a matrix, 2003, method 3.
    """
    size = float(np.abs(a).sum(axis=-1).max(initial=0))
    halvings = max(0, math.ceil(math.log2(size)) + 3) if 0 < size < math.inf else 0
    small = a / 2**halvings
    total = term = np.broadcast_to(np.eye(a.shape[-1], dtype=a.dtype), a.shape)
    for k in range(1, 16):
        term = term @ small / k
        total = total + term
    for _ in range(halvings):
        total = total @ total
    return np.ascontiguousarray(total)


def _exponential_rule(g: Any, a: Any) -> Any:
    """The upper right block of the exponential of [[a.T, g], [0, a.T]]. Najfeld and Havel 1995, theorem 4.6."""
    n = a.shape[-1]
    whole = (*a.shape[:-2], 2 * n, 2 * n)
    first, second = slice(0, n), slice(n, 2 * n)
    block = whole_of(a.mT, whole, (..., first, first)) + whole_of(a.mT, whole, (..., second, second))
    return part(exp_matrix(block + whole_of(g, whole, (..., first, second))), (..., first, second))


exp_matrix: Op = op("LinalgMatrixExpBackward0", _exponential, a=_exponential_rule)


# What is asked of a matrix


def check_matrix(name: str, a: Any, square: bool) -> None:
    """Raise torch's error unless `a` is a matrix, or a batch of matrices."""
    shape = tensor_argument(a, name.replace(".", "_"), "A")._array.shape
    if len(shape) < 2:
        raise RuntimeError(f"{name}: The input tensor A must have at least 2 dimensions.")
    if square and shape[-1] != shape[-2]:
        size = f"{shape[-2]} by {shape[-1]}"
        raise RuntimeError(f"{name}: A must be batches of square matrices, but they are {size} matrices")


def floating_matrix(name: str, a: Any, square: bool = False, kernel: str = "") -> Tensor:
    """`a`, if it is a floating matrix or a batch of such; torch's error otherwise."""
    check_matrix(name, a, square)
    check_floating(name, a, kernel)
    return a


def check_floating(name: str, a: Tensor, kernel: str = "") -> None:
    """Raise torch's error unless `a` is of single or double precision; for half, that of its `kernel`, if any."""
    kind = messages.TYPE_NAMES[a.dtype.name]
    if not a.is_floating_point():
        raise RuntimeError(f"{name}: Expected a floating point or complex tensor as input. Got {kind}")
    if kernel:
        messages.check_floats(a, kernel, "fd")
    if kind == "Half":
        raise RuntimeError(f"{name}: Low precision dtypes not supported. Got {kind}")
