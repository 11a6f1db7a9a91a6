"""Linear algebra under torch's names: norms, inverses and solutions, decompositions, with their gradients.

Matrices are the last two dimensions; those before them are a batch. What needs complex numbers, eigenvalues of matrices
that are not symmetric, is not here. Source: https://docs.pytorch.org/docs/stable/linalg.html
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from . import dtypes, messages
from .flags import check_flags
from .ops.decompositions import results
from .ops.diagonals import diagonal as diagonal_of
from .ops.elimination import factor_shapes, factored, one_by_rows, part_shapes, parted, rows_of, solved
from .ops.inverses import (
    _LinAlgError as LinAlgError,
    batch_element,
    check_floating,
    check_matrix,
    cholesky_,
    floating_matrix,
    lstsq_,
    refusing_non_finite,
    solve_,
    solve_triangular_,
    zero_pivot,
)
from .ops.linear import matmul as matmul
from .ops.matrices import (
    det as det,
    inv as inv,
    matrix_exp as matrix_exp,
    matrix_power as matrix_power,
    orthogonal_parts,
    pseudoinverse,
    signs_and_logarithms,
    singular_parts,
    singular_values,
    symmetric_parts,
)
from .ops.measures import cross_along
from .ops.names import tensor_argument
from .ops.norms import norm_of_matrices, norm_of_vectors
from .ops.outs import SAME, UNSAFE, with_out
from .ops.products import multi_dot as multi_dot, vdot
from .ops.rearranging import movedim
from .ops.results import result_type
from .tensor import Tensor

INTERNAL = True

# Norms


def norm(A: Tensor, ord: Any = None, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The norm of a vector, or of a matrix where `dim` is a pair, or is not given and `A` is a matrix.

    Without `ord`, the root of the sum of squares. `vector_norm` and `matrix_norm` say what the orders are.
    """
    if ord is None:
        return norm_of_vectors(A, 2.0, dim, keepdim, dtype)
    if dim is None and not isinstance(ord, str) and A.ndim not in (1, 2):
        raise RuntimeError(
            f"linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got {A.ndim}D.\n"
            "  Say which dimensions: dim=(-2, -1) for matrices, dim=-1 for vectors."
        )
    of_matrices = isinstance(ord, str) or (
        A.ndim == 2 if dim is None else isinstance(dim, (tuple, list)) and len(dim) == 2
    )
    if of_matrices:
        return norm_of_matrices(A, ord, (-2, -1) if dim is None else dim, keepdim, dtype)
    return norm_of_vectors(A, ord, dim, keepdim, dtype)


def vector_norm(x: Tensor, ord: float = 2, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The `ord`-norm over `dim`: the sum of `|x|**ord`, to the power `1 / ord`; inf and -inf, the extremes of `|x|`."""
    return norm_of_vectors(x, ord, dim, keepdim, dtype)


def matrix_norm(
    A: Tensor, ord: Any = "fro", dim: Any = (-2, -1), keepdim: bool = False, *, dtype: Any = None
) -> Tensor:
    """The norm of matrices: 'fro', 'nuc', or the one that a vector norm of order 1, 2 or inf leads to."""
    return norm_of_matrices(A, ord, dim, keepdim, dtype)


def cond(A: Tensor, p: Any = None) -> Tensor:
    """The condition number: the norm of order `p` times that of the inverse; without `p`, by the singular values."""
    if p not in (None, "fro", "nuc", math.inf, -math.inf, 1, -1, 2, -2):
        raise RuntimeError(f"linalg.cond got an invalid norm type: {p}")
    if not A.numel():
        return A.new_zeros(A.shape[:-2])
    if p in (None, 2, -2):
        values = singular_values(A)
        ends = values[..., :1], values[..., -1:]
        return (ends[1] / ends[0] if p == -2 else ends[0] / ends[1]).squeeze(-1)
    if A.ndim >= 2 and A.shape[-1] != A.shape[-2]:
        m, n = A.shape[-2:]
        raise RuntimeError(
            f"linalg.cond(ord={p}): A must be batches of square matrices, but they are {m} by {n} matrices"
        )
    try:
        inverse = inv(A)
    except LinAlgError:  # the answer is known all the same
        return Tensor._of(np.full(A.shape[:-2], math.inf, A._array.dtype))
    return matrix_norm(A, p) * matrix_norm(inverse, p)


def matrix_rank(A: Tensor, tol: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None) -> Tensor:
    """How many singular values exceed `atol` (or `tol`) and `rtol` times the largest; int64."""
    check_flags("linalg_matrix_rank", hermitian=hermitian)
    if A.ndim < 2:
        raise RuntimeError("torch.linalg.matrix_rank: The input tensor input must have at least 2 dimensions.")
    check_matrix("linalg.matrix_rank", A, square=hermitian)
    _check_precise(A)
    with refusing_non_finite(A):
        values = np.linalg.svd(A._array, compute_uv=False)
    atol = tol if atol is None else atol
    if rtol is None:
        rtol = 0.0 if atol is not None else max(A.shape[-2:]) * float(np.finfo(values.dtype).eps)
    atol, rtol = (np.asarray(x._array if isinstance(x, Tensor) else x) for x in (atol or 0.0, rtol))
    limit = np.maximum(atol[..., None], rtol[..., None] * values[..., :1])
    return Tensor._of(np.asarray((values > limit).sum(-1)).astype(np.int64))


def _check_precise(A: Tensor) -> None:
    if A._array.dtype.char not in "fd":
        raise RuntimeError("This function doesn't handle types other than float and double")


# Inverses and solutions


def _info(A: Tensor) -> Tensor:
    return Tensor._of(np.zeros(A.shape[:-2], np.int32))


def inv_ex(A: Tensor, *, check_errors: bool = False) -> Any:
    """The inverse, and for each matrix 0, or the column in which it is found to have none: then NaN stands for it.

    With `check_errors` LinAlgError is raised for such a matrix; without, no gradient flows to a batch that holds one.
    """
    check_flags("linalg_inv_ex", check_errors=check_errors)
    try:
        found, info = inv(A), _info(A)
    except LinAlgError as error:
        if check_errors:
            raise LinAlgError(str(error).replace("linalg.inv:", "linalg.inv_ex:")) from None
        inverses, info = np.full(A.shape, math.nan, A._array.dtype), _info(A)
        for at in np.ndindex(A.shape[:-2]):
            info._array[at] = zero_pivot(A._array[at])
            if not info._array[at]:
                inverses[at] = np.linalg.inv(A._array[at])
        found = Tensor._of(inverses)
    return result_type("linalg_inv_ex", "inverse", "info")((found, info))


def solve(A: Tensor, B: Tensor, *, left: bool = True) -> Tensor:
    """The solution X of `A @ X = B`, or of `X @ A = B`; B may be a vector, or a batch of vectors, one per matrix.

    LinAlgError if a matrix has no inverse.
    """
    check_flags("linalg_solve", left=left)
    A = floating_matrix("linalg.solve", A, square=True, kernel="lu_cpu")
    if A.dtype is not B.dtype:
        one, two = (messages.TYPE_NAMES[x.dtype.name] for x in (A, B))
        raise RuntimeError(
            f"linalg.solve: Expected A and B to have the same dtype, but found A of type {one} and B of "
            f"type {two} instead"
        )
    vector = B.ndim == 1 or (B.ndim == A.ndim - 1 and B.shape == A.shape[:-1])
    _check_sides("linalg.solve", A, B, vector, left)
    if vector and not left:
        raise RuntimeError(
            "linalg.solve: Vector broadcasting of the left hand side is not supported for left=False. In this case "
            "linalg.solve is equivalent to B / A.squeeze(-1)"
        )
    return solve_.call(A, B, vector, left)


def _check_sides(name: str, A: Tensor, B: Tensor, vector: bool, left: bool) -> None:
    """Raise torch's error unless the shapes of an equation's matrix and of its right-hand side fit."""
    shape = (*B.shape, 1) if vector else tuple(B.shape)
    if len(shape) < 2:
        raise RuntimeError(f"{name}: The input tensor B must have at least 2 dimensions.")
    if A.shape[-2 if left else -1] != shape[-2 if left else -1]:
        equation, (m, n) = "AX = B" if left else "XA = B", A.shape[-2:]
        raise RuntimeError(
            f"{name}: Incompatible shapes of A and B for the equation {equation} ({m}x{n} and {shape[-2]}x{shape[-1]})"
        )
    try:
        np.broadcast_shapes(A.shape[:-2], shape[:-2])
    except ValueError as error:
        batches = np.empty(A.shape[:-2]), np.empty(shape[:-2])
        raise messages.misfit(error, *(batches[::-1] if name == "linalg.lu_solve" else batches)) from None


def solve_triangular(A: Tensor, B: Tensor, *, upper: bool, left: bool = True, unitriangular: bool = False) -> Tensor:
    """The solution X of `A @ X = B`, or of `X @ A = B`, where only one triangle of A counts."""
    check_flags("linalg_solve_triangular", upper=upper, left=left, unitriangular=unitriangular)
    check_matrix("linalg.solve_triangular", A, square=True)
    _check_sides("linalg.solve_triangular", A, B, False, left)
    messages.check_floats(A, "triangular_solve_cpu", "fd")
    return solve_triangular_.call(A, B.to(A.dtype), upper, left, unitriangular)


def pinv(A: Tensor, rcond: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None) -> Tensor:
    """The pseudoinverse; singular values up to `atol`, or `rtol` (or `rcond`) times the largest, count as 0."""
    check_flags("linalg_pinv", hermitian=hermitian)
    return pseudoinverse(A, atol, rcond if rtol is None else rtol)


def lstsq(A: Tensor, B: Tensor, rcond: Any = None, *, driver: str | None = None) -> Any:
    """The X for which `A @ X` is nearest to B: (solution, residuals, rank, singular_values).

    What torch leaves empty for its `driver`, by default 'gelsy', is empty here. A is to have full rank.
    """
    if A.dtype is not B.dtype:
        one, two = (messages.TYPE_NAMES[x.dtype.name] for x in (A, B))
        raise RuntimeError(
            "torch.linalg.lstsq: Expected input and other to have the same dtype, but got input's dtype "
            f"{one} and other's dtype {two}"
        )
    check_matrix("torch.linalg.lstsq", A, square=False)
    _check_precise(A)
    vector = B.ndim == A.ndim - 1 and B.shape == A.shape[:-1]
    if (B.shape[-1] if vector else B.shape[-2]) != A.shape[-2]:
        raise RuntimeError("torch.linalg.lstsq: input.size(-2) should match other.size(-2)")
    if driver not in (None, "gels", "gelsy", "gelsd", "gelss"):
        raise RuntimeError("torch.linalg.lstsq: parameter `driver` should be one of (gels, gelsy, gelsd, gelss)")
    X = lstsq_.call(A, B, vector)
    m, n = A.shape[-2:]
    nothing = A.new_empty(0)
    rank = matrix_rank(A.detach(), atol=0.0, rtol=rcond) if rcond is not None else matrix_rank(A.detach())
    residuals, values = nothing, nothing
    if driver in ("gels", "gelsd", "gelss") and m > n and bool((rank == n).all()):
        distance = matmul(A, X) - B
        residuals = (distance * distance).sum(-1 if vector else -2)
    if driver in ("gelsd", "gelss"):
        values = svdvals(A.detach())
    rank = rank if driver != "gels" else nothing.long()
    return result_type("linalg_lstsq", "solution", "residuals", "rank", "singular_values")((X, residuals, rank, values))


def tensorsolve(A: Tensor, B: Tensor, dims: Any = None) -> Tensor:
    """The X for which `tensordot(A, X, X.ndim)` is B; `dims` of A are moved to its end before."""
    tensor_argument(A, "linalg_tensorsolve")
    tensor_argument(B, "linalg_tensorsolve", "other", 2)
    if dims is not None:
        A = movedim(A, dims, list(range(-len(dims), 0)))
    shape = A.shape[B.ndim :]
    m, n = B.numel(), math.prod(shape)
    if m != n:
        requirement = "prod(self.shape[other.ndim:]) == prod(self.shape[:other.ndim])"
        raise RuntimeError(f"Expected self to satisfy the requirement {requirement}, but got {n} != {m}")
    return solve(A.reshape(m, n), B.flatten()).reshape(shape)


def tensorinv(A: Tensor, ind: int = 2) -> Tensor:
    """The inverse of `A` as a map: its first `ind` dimensions, laid out as one, are as long as the others together."""
    if ind <= 0:
        raise RuntimeError("Expected a strictly positive integer for 'ind'")
    first, rest = A.shape[:ind], A.shape[ind:]
    m, n = math.prod(first), math.prod(rest)
    if m != n:
        requirement = "prod(self.shape[ind:]) == prod(self.shape[:ind])"
        raise RuntimeError(f"Expected self to satisfy the requirement {requirement}, but got {n} != {m}")
    return inv(A.reshape(m, n)).reshape(*rest, *first)


# Determinants and decompositions


def slogdet(A: Tensor) -> Any:
    """The sign of the determinant, and the logarithm of its absolute value."""
    return signs_and_logarithms(A, "linalg_slogdet")


def cholesky(A: Tensor, *, upper: bool = False) -> Tensor:
    """The lower (or upper) triangular factor L of a symmetric positive-definite matrix `L @ L.mT`, or LinAlgError."""
    check_flags("linalg_cholesky", upper=upper)
    return cholesky_.call(floating_matrix("linalg.cholesky", A, square=True, kernel="cholesky_cpu"), upper)


def eigh(A: Tensor, UPLO: str = "L") -> Any:
    """Eigenvalues, rising, and eigenvectors, one to a column, of a symmetric matrix, whose lower triangle is read."""
    return result_type("linalg_eigh", "eigenvalues", "eigenvectors")(tuple(symmetric_parts(A, UPLO)))


def eigvalsh(A: Tensor, UPLO: str = "L") -> Tensor:
    """The eigenvalues, rising, of a symmetric matrix, whose lower triangle is read."""
    return symmetric_parts(A, UPLO)[0]


def svd(A: Tensor, full_matrices: bool = True) -> Any:
    """U, S and Vh, such that A is `U @ diag(S) @ Vh`; U and Vh are square unless `full_matrices` is False.

    Singular vectors have gradients where the singular values differ; those beyond S have none.
    """
    check_flags("linalg_svd", full_matrices=full_matrices)
    return result_type("linalg_svd", "U", "S", "Vh")(tuple(singular_parts(A, full_matrices)))


def svdvals(A: Tensor) -> Tensor:
    """The singular values, falling."""
    return singular_values(A)


def qr(A: Tensor, mode: str = "reduced") -> Any:
    """Q, whose columns are orthogonal and of length 1, and the upper triangular R, such that A is `Q @ R`.

    Q is square in `mode` 'complete', and empty in 'r'.
    """
    q, r = orthogonal_parts(A, mode)
    return result_type("linalg_qr", "Q", "R")((A.new_empty(0) if mode == "r" else q, r))


def lu(A: Tensor, *, pivot: bool = True) -> Any:
    """P, L and U: a permutation, a lower triangle with 1s on its diagonal and an upper one; A is `P @ L @ U`."""
    check_flags("linalg_lu", pivot=pivot)
    A = _to_be_factored("linalg_lu", "linalg.lu", A, pivot)
    pivots, lower, upper = results(parted.call(A), part_shapes(A.shape), "LinalgLuBackward0", one_by_rows)
    m = A.shape[-2]
    order = rows_of(pivots._array, m)
    exchange = (order[..., np.newaxis, :] == np.arange(m).reshape((-1, 1))).astype(A._array.dtype)
    return result_type("linalg_lu", "P", "L", "U")((Tensor._of(exchange), lower, upper))


def _to_be_factored(name: str, shown: str, A: Any, pivot: bool) -> Tensor:
    shape = tensor_argument(A, name, "A")._array.shape
    if len(shape) < 2:
        raise RuntimeError(f"{shown}: Expected tensor with 2 or more dimensions. Got size: {list(shape)} instead")
    messages.check_floats(A, "lu_cpu", "fd")
    if not pivot:
        raise RuntimeError("linalg.lu_factor: LU without pivoting is not implemented on the CPU")
    checked: Tensor = A
    return checked


def lu_factor(A: Tensor, *, pivot: bool = True) -> Any:
    """Both triangles of `lu` in one matrix, and which rows were exchanged (from 1), for `lu_solve`.

    RuntimeError if the upper triangle has a zero on its diagonal.
    """
    check_flags("linalg_lu_factor", pivot=pivot)
    found = _factors("linalg_lu_factor", A, pivot, True)[:2]
    return result_type("linalg_lu_factor", "LU", "pivots")(found)


def lu_factor_ex(A: Tensor, *, pivot: bool = True, check_errors: bool = False) -> Any:
    """`lu_factor`, and for each matrix the first column whose diagonal element in U is zero, or 0; then none raises."""
    check_flags("linalg_lu_factor_ex", pivot=pivot, check_errors=check_errors)
    found = _factors("linalg_lu_factor_ex", A, pivot, check_errors)
    return result_type("linalg_lu_factor_ex", "LU", "pivots", "info")(found)


def _factors(name: str, A: Tensor, pivot: bool, check_errors: bool) -> tuple[Tensor, Tensor, Tensor]:
    A = _to_be_factored(name, "torch.lu_factor", A, pivot)
    pivots, both = results(factored.call(A), factor_shapes(A.shape), "LinalgLuFactorExBackward0")
    zero = both._array.diagonal(axis1=-2, axis2=-1) == 0
    info = np.where(zero.any(-1), zero.argmax(-1) + 1, 0) if min(A.shape[-2:]) else np.zeros(A.shape[:-2])
    if check_errors and info.any():
        at = tuple(int(i) for i in np.argwhere(info)[0])
        which = batch_element(at, info.shape)
        raise RuntimeError(
            f"{name.replace('linalg_', 'torch.linalg.')}: {which}U[{info[at]},{info[at]}] is zero and using it on "
            "lu_solve would result in a division by zero. If you still want to perform the factorization, consider "
            "calling linalg.lu(A, pivot) or linalg.lu_factor_ex(A, pivot)"
        )
    exchanges, columns = (Tensor._of(np.asarray(x).astype(np.int32, order="C")) for x in (pivots._array, info))
    return both, exchanges, columns


def lu_solve(LU: Tensor, pivots: Tensor, B: Tensor, *, left: bool = True, adjoint: bool = False) -> Tensor:
    """The solution X of `A @ X = B`, or of `X @ A = B`, by what `lu_factor` gave for A; of A.mT with `adjoint`."""
    check_flags("linalg_lu_solve", left=left, adjoint=adjoint)
    for i, (word, value) in enumerate((("LU", LU), ("pivots", pivots), ("B", B)), 1):
        tensor_argument(value, "linalg_lu_solve", word, i)
    check_floating("torch.linalg.lu_solve", LU, "linalg.lu_solve_cpu")
    if LU.dtype is not B.dtype:
        one, two = (messages.TYPE_NAMES[x.dtype.name] for x in (LU, B))
        raise RuntimeError(
            f"linalg.lu_solve: Expected LU and B to have the same dtype, but found LU of type {one} and B of type "
            f"{two} instead"
        )
    if pivots.dtype is not dtypes.int32:
        raise RuntimeError("linalg.lu_solve: pivots should be a Tensor of scalar type torch.int32")
    check_matrix("torch.linalg.lu_solve", LU, square=True)
    _check_sides("linalg.lu_solve", LU, B, False, left)
    if pivots.shape[-1:] != LU.shape[-1:]:
        raise RuntimeError("linalg.lu_solve: Number of pivots per batch should be same as the dimension of the matrix")
    if LU.shape[:-1] != pivots.shape:
        raise RuntimeError(
            "linalg.lu_solve: Expected LU.shape[:-1] and pivots.shape to be the same, but got pivots with shape "
            f"{list(pivots.shape)} instead"
        )
    if pivots.numel() and not 1 <= pivots._array.min() <= pivots._array.max() <= LU.shape[-2]:
        raise RuntimeError(
            "Pivots given to lu_solve must all be smaller or equal to LU.size(-2). Did you properly pass the result of "
            "lu_factor?"
        )
    return solved.call(LU, B, rows_of(pivots._array, LU.shape[-2]), left, adjoint)


def eig(A: Tensor) -> Any:
    """Raise NotImplementedError: the eigenvalues of a matrix that is not symmetric are complex numbers."""
    raise NotImplementedError(
        "linalg.eig gives complex numbers, which minigrad does not have\n"
        "  For a symmetric matrix there are torch.linalg.eigh and torch.linalg.eigvalsh."
    )


def eigvals(A: Tensor) -> Any:
    """Raise NotImplementedError, as `eig`."""
    return eig(A)


# Vectors


def vecdot(x: Tensor, y: Tensor, *, dim: int = -1) -> Tensor:
    """The sums of products along `dim`."""
    if not x.is_floating_point():
        kind = messages.TYPE_NAMES[x.dtype.name]
        raise RuntimeError(f"linalg.vecdot: Expected a floating point or complex tensor as input. Got {kind}")
    if x.dtype is not y.dtype:
        one, two = (messages.TYPE_NAMES[v.dtype.name] for v in (x, y))
        raise RuntimeError(
            f"linalg.vecdot: Expected x and y to have the same dtype, but found x of type {one} and y of type {two} "
            "instead"
        )
    return vdot(x, y) if x.ndim == y.ndim == 1 else (x * y).sum(dim)


def cross(input: Tensor, other: Tensor, *, dim: int = -1) -> Tensor:
    """The cross product of vectors of three elements, which lie along `dim`."""
    return cross_along(input, other, dim)


def diagonal(A: Tensor, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """The diagonals of matrices, as a view."""
    return diagonal_of(A, offset, dim1, dim2)


def vander(x: Tensor, *, N: int | None = None) -> Tensor:
    """The powers 0 to N - 1 of every element, in a new last dimension; as many as there are elements, without N."""
    if not tensor_argument(x, "linalg_vander", "x").ndim:
        raise RuntimeError("Input dim must be greater than or equal to 1.")
    count = x.shape[-1] if N is None else N
    if count <= 1:
        raise RuntimeError("N must be greater than 1.")
    if x.dtype in (dtypes.bool_, dtypes.float16):
        kind = messages.TYPE_NAMES[x.dtype.name]
        raise RuntimeError(f"linalg.vander supports floating point, complex, and integer tensors, but got {kind}")
    x = x if x.is_floating_point() else x.long()
    powers: Tensor = x.unsqueeze(-1) ** Tensor._of(np.arange(count).astype(x._array.dtype))
    return powers


# Which of them take `out`, by what torch says of one of another dtype (see ops/outs.py)

_TAKE_OUT = {
    next(iter(SAME)): (
        "cholesky cross det eigh eigvalsh inv inv_ex lu lu_factor lu_factor_ex lu_solve matmul matrix_power qr slogdet "
        "solve svd svdvals tensorinv tensorsolve vector_norm"
    ),
    "linalg.{name} expected out tensor dtype {wanted} but got: {got}": "matrix_norm norm",
    "expected scalar type {wanted} but found {got}": "solve_triangular",
    "linalg.{name}: Expected out of dtype{wanted} but found {got}": "vecdot",
    "{name}(): expected out tensor to have dtype {c_wanted} but got {c_got}": "multi_dot",
    f"linalg.{UNSAFE}": "cond matrix_rank pinv",
}
for _refusal, _names in _TAKE_OUT.items():
    for _name in _names.split():
        globals()[_name] = with_out(globals()[_name], _refusal)
