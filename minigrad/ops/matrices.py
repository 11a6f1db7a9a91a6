"""torch's functions of matrices: inverses, determinants, decompositions, powers. `minigrad.linalg` has them, and more.

Source: https://docs.pytorch.org/docs/stable/linalg.html
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import messages
from ..modes import is_grad_enabled
from ..tensor import Tensor
from ..warning import warn
from .decompositions import det_, eigh_, eigh_shapes, qr_, qr_shapes, results, slogdet_, svd_, svd_shapes
from .inplace import broadcast_shape
from .inverses import (
    check_matrix,
    cholesky_,
    cholesky_inverse_,
    cholesky_solve_,
    exp_matrix,
    floating_matrix,
    inv_,
    pinv_,
    refusing_non_finite,
)
from .linear import matmul
from .names import public, tensor_argument
from .options import integer
from .pointwise import where
from .results import result_type

INTERNAL = True


def inv(A: Tensor) -> Tensor:
    """The inverse of a square matrix, or of each of a batch; LinAlgError if there is none."""
    return inv_.call(floating_matrix("linalg.inv", A, square=True))


@public()
def inverse(input: Tensor) -> Tensor:
    """The inverse of a square matrix, or of each of a batch; LinAlgError if there is none."""
    return inv(input)


@public()
def det(A: Tensor) -> Tensor:
    """The determinant of a square matrix, or of each of a batch."""
    return det_.call(floating_matrix("linalg.det", A, square=True, kernel="lu_cpu"))


def signs_and_logarithms(A: Tensor, function: str, name: str = "linalg.slogdet") -> Any:
    """What `function` returns: the signs of determinants, and the logarithms of their absolute values."""
    whole = slogdet_.call(floating_matrix(name, A, square=True))
    return result_type(function, "sign", "logabsdet")(tuple(results(whole, [(), ()], "LinalgSlogdetBackward0")))


@public()
def slogdet(input: Tensor) -> Any:
    """The sign of the determinant, and the logarithm of its absolute value."""
    return signs_and_logarithms(input, "slogdet")


@public()
def logdet(input: Tensor) -> Tensor:
    """The logarithm of the determinant; NaN where that is negative."""
    sign, logarithm = signs_and_logarithms(input, "slogdet", "logdet")
    return where(sign == -1, math.nan, logarithm)


@public()
def cholesky(input: Tensor, upper: bool = False) -> Tensor:
    """The triangular factor of a symmetric positive-definite matrix; deprecated in torch, which warns of it."""
    advice = "L = torch.cholesky(A)\nshould be replaced with\nL = torch.linalg.cholesky(A)\nand\n"
    advice += "U = torch.cholesky(A, upper=True)\nshould be replaced with\nU = torch.linalg.cholesky(A).mH\n"
    advice += "This transform will produce equivalent results for all valid (symmetric positive definite) inputs."
    _warn_of_old_name("cholesky", advice)
    made = cholesky_.named("CholeskyBackward0")
    check_matrix("linalg.cholesky", input, square=True)
    messages.check_floats(input, "cholesky_cpu", "fd")
    return made.call(input, upper)


@public()
def cholesky_inverse(input: Tensor, upper: bool = False) -> Tensor:
    """The inverse of the matrix whose Cholesky factor is the lower, or `upper`, triangle of `input`."""
    check_matrix("cholesky_inverse", tensor_argument(input, "cholesky_inverse"), square=True)
    messages.check_floats(input, "cholesky_inverse_out_cpu", "fd")
    return cholesky_inverse_.call(input, upper)


@public()
def cholesky_solve(input: Tensor, input2: Tensor, upper: bool = False) -> Tensor:
    """The solution of `A @ x == input`, the lower, or `upper`, triangle of `input2` being A's Cholesky factor."""
    b, a = tensor_argument(input, "cholesky_solve"), tensor_argument(input2, "cholesky_solve", "input2", 2)
    for name, x in (("b", b), ("u", a)):
        if x.ndim < 2:
            raise RuntimeError(f"{name} should have at least 2 dimensions, but has {x.ndim} dimensions instead")
    if b.dtype is not a.dtype:
        names = [messages.TYPE_NAMES[x.dtype.name] for x in (b, a)]
        raise RuntimeError(
            f"Expected b and A to have the same dtype, but found b of type {names[0]} and A of type {names[1]} instead."
        )
    m, n = a.shape[-2:]
    if m != n:
        raise RuntimeError(f"A must be batches of square matrices, but they are {m} by {n} matrices")
    if b.shape[-2] != n:
        raise RuntimeError(
            f"Incompatible matrix sizes for cholesky_solve: each A matrix is {n} by {n} but each b matrix is "
            f"{b.shape[-2]} by {b.shape[-1]}"
        )
    messages.check_floats(b, "cholesky_solve_cpu", "fd")
    broadcast_shape(*(np.broadcast_to(0, x.shape[:-2]) for x in (b, a)))
    return cholesky_solve_.call(b, a, upper)


def _warn_of_old_name(name: str, advice: str) -> None:
    warn(
        f"torch.{name} is deprecated in favor of torch.linalg.{name} and will be removed in a future PyTorch release.\n"
        f"{advice}"
    )


def symmetric_parts(A: Tensor, uplo: str) -> list[Tensor]:
    """Eigenvalues, rising, and eigenvectors, one to a column, of symmetric matrices; one triangle is read."""
    check_matrix("linalg.eigh", A, square=True)
    if uplo.upper() not in ("L", "U"):
        raise RuntimeError(f"Expected UPLO argument to be 'L' or 'U', but got {uplo}")
    messages.check_floats(A, "linalg_eigh_cpu", "fd")
    return results(eigh_.call(A, uplo.upper() == "U"), eigh_shapes(A.shape[-1]), "LinalgEighBackward0")


def singular_parts(A: Tensor, full: bool) -> list[Tensor]:
    """U, S and Vh of the singular value decomposition; S falls."""
    A = floating_matrix("linalg.svd", A, kernel="linalg_svd_cpu")
    with refusing_non_finite(A):
        return results(svd_.call(A, full), svd_shapes(A.shape, full), "LinalgSvdBackward0")


def singular_values(A: Tensor) -> Tensor:
    """S alone; the vectors, which take most of the time, are computed only where its gradient will need them."""
    if A.requires_grad and is_grad_enabled():
        return singular_parts(A, False)[1]
    A = floating_matrix("linalg.svd", A, kernel="linalg_svd_cpu")
    with refusing_non_finite(A):
        return Tensor._of(np.linalg.svd(A._array, compute_uv=False))


@public()
def svd(input: Tensor, some: bool = True, compute_uv: bool = True) -> Any:
    """U, S and V, such that `input` is `U @ diag(S) @ V.mT`; without `some`, with square U and V."""
    if tensor_argument(input, "svd").ndim < 2:
        raise RuntimeError(
            f"linalg.svd: input should have at least 2 dimensions, but has {input.ndim} dimensions instead"
        )
    if compute_uv:
        u, s, vh = singular_parts(input, not some)
    else:
        s = singular_values(input)
        u, vh = (s.new_zeros(*input.shape[:-2], size, size) for size in input.shape[-2:])
    return result_type("svd", "U", "S", "V")((u, s, vh.mT))


def orthogonal_parts(A: Tensor, mode: str) -> list[Tensor]:
    """Q, whose columns are orthogonal and of length 1, and the upper triangular R."""
    A = floating_matrix("linalg.qr", A, kernel="geqrf_cpu")
    if mode not in ("reduced", "complete", "r"):
        raise RuntimeError(
            f"qr received unrecognized mode '{mode}' but expected one of 'reduced' (default), 'r', or 'complete'"
        )
    complete = mode == "complete"
    return results(qr_.call(A, complete), qr_shapes(A.shape, complete), "LinalgQrBackward0")


@public()
def qr(input: Tensor, some: bool = True) -> Any:
    """Q and R, as `linalg.qr`; deprecated in torch, which warns of it."""
    advice = "The boolean parameter 'some' has been replaced with a string parameter 'mode'.\n"
    advice += "Q, R = torch.qr(A, some)\nshould be replaced with\n"
    _warn_of_old_name("qr", f"{advice}Q, R = torch.linalg.qr(A, 'reduced' if some else 'complete')")
    return result_type("qr", "Q", "R")(tuple(orthogonal_parts(input, "reduced" if some else "complete")))


def pseudoinverse(A: Tensor, atol: Any, rtol: Any) -> Tensor:
    """The pseudoinverse; singular values up to `atol`, or `rtol` times the largest, count as 0."""
    if A.ndim < 2 or A._array.dtype.char not in "fd":
        found = f"{messages.TYPE_NAMES[A.dtype.name]}{{{list(A.shape)}}}"
        raise RuntimeError(
            f"linalg.pinv({found}): expected a tensor with 2 or more dimensions of float, double, cfloat or cdouble "
            "types"
        )
    if rtol is None:
        rtol = 0.0 if atol is not None else max(A.shape[-2:]) * float(np.finfo(A._array.dtype).eps)
    with refusing_non_finite(A):
        return pinv_.call(A, 0.0 if atol is None else float(atol), float(rtol))


@public()
def pinverse(input: Tensor, rcond: float = 1e-15) -> Tensor:
    """The pseudoinverse; singular values up to `rcond` times the largest count as 0."""
    return pseudoinverse(tensor_argument(input, "pinverse"), None, rcond)


@public()
def matrix_exp(A: Tensor) -> Tensor:
    """e to the power of a square matrix: the sum of `A**k / k!`, with matrix products."""
    return exp_matrix.call(floating_matrix("linalg.matrix_exp", A, square=True))


@public()
def matrix_power(input: Tensor, n: int) -> Tensor:
    """The product of `n` copies of a square matrix; of its inverse, if `n` is negative."""
    n = integer("matrix_power", "n", 1, n)
    check_matrix("linalg.matrix_power", input, square=True)
    if n == 0:
        ones = np.broadcast_to(np.eye(input.shape[-1], dtype=input._array.dtype), input.shape)
        return input.clone().copy_(Tensor._of(ones))
    if n < 0:
        return matrix_power(inv(input), -n)
    if n <= 3:
        return input.clone() if n == 1 else matmul(input, input) if n == 2 else matmul(matmul(input, input), input)
    result: Any = None
    square = input
    while n:
        if n % 2:
            result = square if result is None else matmul(result, square)
        n //= 2
        square = matmul(square, square) if n else square
    return result
