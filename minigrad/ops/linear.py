"""Products of matrices and vectors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import messages
from ..tensor import Tensor
from .names import public, tensor_argument
from .shape import as_copied_shape, as_shape, contract
from .table import Op, op

INTERNAL = True
_BOOL = np.dtype(bool)


def product(a: Any, b: Any) -> Any:
    """`a @ b` of a matrix: ndarray.dot calls the same BLAS with a third of the overhead on small ones.

    But a matrix of one element it takes for a number, by which BLAS multiplies without a look at NaN if it is 0.
    """
    return a.dot(b) if a.shape[1] != 1 else a @ b


mm_: Op = op("MmBackward0", product, a=lambda g, b: mm_(g, b.mT), b=lambda g, a: mm_(a.mT, g))
mv_: Op = op(
    "MvBackward0",
    product,
    a=lambda g, b: g.reshape((-1, 1)) * b,
    b=lambda g, a: mv_(a.mT, g),
)
dot_ = op("DotBackward0", lambda a, b: a.dot(b), a=lambda g, b: g * b, b=lambda g, a: g * a)
squeezed = as_shape.named("SqueezeBackward4")  # of a product that nobody else has: torch squeezes it in place


def product_of_batches(a: Any, b: Any) -> Any:
    """`a @ b`, as one product of matrices where all of a batch are multiplied by the same.

    np.matmul makes one of each, which takes up to twice as long where that matrix is a transposed one.
    """
    if b.ndim > 2 or a.ndim == 2:
        return np.matmul(a, b)
    rows = a.reshape((math.prod(a.shape[:-1]), a.shape[-1]))
    return product(rows, b).reshape((*a.shape[:-1], b.shape[-1]))


batched: Op = op(
    "UnsafeViewBackward0",
    product_of_batches,
    a=lambda g, b, a_shape: contract(batched(g, b.mT), a_shape),
    b=lambda g, a, b_shape: contract(batched(a.mT, g), b_shape),
)


@public()
def matmul(input: Tensor, other: Tensor) -> Tensor:
    """The matrix product: of matrices, of a matrix and a vector, of two vectors, or of batches of matrices."""
    try:
        x, y = input._array, other._array
    except AttributeError:
        tensor_argument(input, "matmul")
        return tensor_argument(other, "matmul", "other", 2)
    if x.ndim == 2 and y.ndim == 2:
        d = x.dtype
        if d is not y.dtype or d is _BOOL:
            _check("mm", x.shape[1] == y.shape[0], input, other)
        try:
            return mm_.call(input, other)
        except ValueError:
            raise RuntimeError(unmultipliable("mm", x.shape, y.shape)) from None
    if x.ndim == 0 or y.ndim == 0:
        raise RuntimeError(f"both arguments to matmul need to be at least 1D, but they are {x.ndim}D and {y.ndim}D")
    if y.ndim == 1 and x.ndim <= 2:
        _check("dot" if x.ndim == 1 else "mv", x.shape[-1] == y.shape[0], input, other)
        return (dot_ if x.ndim == 1 else mv_).call(input, other)
    if x.ndim == 1 and y.ndim == 2:
        _check("vm", x.shape[0] == y.shape[0], input, other)
        return squeezed.call(mm_.call(input.unsqueeze(0), other), (y.shape[1],))
    return _of_batches(input, other)


def _check(kind: str, fits: bool, input: Tensor, other: Tensor) -> None:
    """Raise torch's error where shapes or dtypes cannot be multiplied."""
    x, y = input._array, other._array
    same = x.dtype is y.dtype
    if not fits and (same or kind != "dot"):
        raise RuntimeError(unmultipliable(kind, x.shape, y.shape))
    if not same or x.dtype.kind == "b":
        raise _product_of_dtypes(kind, input, other)


def _of_batches(input: Tensor, other: Tensor) -> Tensor:
    a = input.unsqueeze(0) if input.ndim == 1 else input
    b = other.unsqueeze(1) if other.ndim == 1 else other
    x, y = a._array, b._array
    kind = "bmm" if other.ndim > 2 else "mv" if other.ndim == 1 else "mm"
    try:
        batch = np.broadcast_shapes(x.shape[:-2], y.shape[:-2])
    except ValueError as error:
        raise messages.misfit(error, np.empty(x.shape[:-2]), np.empty(y.shape[:-2])) from None
    if x.shape[-1] != y.shape[-2]:
        shapes = ((math.prod(batch), *x.shape[-2:]), (math.prod(batch), *y.shape[-2:]))
        raise RuntimeError(unmultipliable(kind, *(shapes if kind == "bmm" else (x.shape, other.shape))))
    _check(kind, True, input, other)
    product = (batched.named("CloneBackward0") if input.ndim == 2 else batched).call(a, b)
    if input.ndim == 1:
        return as_copied_shape.call(product, (*product._array.shape[:-2], product._array.shape[-1]))
    return as_copied_shape.call(product, product._array.shape[:-1]) if other.ndim == 1 else product


def _of_dims(name: str, input: Tensor, other: Tensor, other_name: str, ndims: tuple[int, int]) -> Tensor:
    tensor_argument(input, name)
    tensor_argument(other, name, other_name, 2)
    if (input.ndim, other.ndim) != ndims:
        raise RuntimeError(_wrong_ndims(name, input.ndim, other.ndim))
    return matmul(input, other)


@public()
def mm(input: Tensor, mat2: Tensor) -> Tensor:
    """The product of two matrices."""
    return _of_dims("mm", input, mat2, "mat2", (2, 2))


@public()
def mv(input: Tensor, vec: Tensor) -> Tensor:
    """The product of a matrix and a vector."""
    if tensor_argument(input, "mv").ndim == 0:
        raise IndexError("Dimension specified as 0 but tensor has no dimensions")
    return _of_dims("mv", input, vec, "vec", (2, 1))


@public()
def dot(input: Tensor, tensor: Tensor) -> Tensor:
    """The sum of the products of two vectors' elements."""
    return _of_dims("dot", input, tensor, "tensor", (1, 1))


@public()
def bmm(input: Tensor, mat2: Tensor) -> Tensor:
    """The products of two equally long batches of matrices."""
    if tensor_argument(input, "bmm").ndim != 3 or tensor_argument(mat2, "bmm", "mat2", 2).ndim != 3:
        raise RuntimeError(_wrong_ndims("bmm", input.ndim, mat2.ndim))
    fits = input.shape[0] == mat2.shape[0] and input.shape[2] == mat2.shape[1]
    _check("bmm", fits, input, mat2)
    return batched.named("BmmBackward0").call(input, mat2)


# What is said of operands that cannot be multiplied


def _product_of_dtypes(kind: str, a: Any, b: Any) -> Exception:
    """The error for a product of bools, or of two dtypes."""
    kernel = {"mm": "addmm_impl_cpu_", "vm": "addmm_impl_cpu_", "mv": "addmv_impl_cpu"}.get(kind, kind)
    one, two = (messages.TYPE_NAMES[x.dtype.name] for x in (a, b))
    if one == "Bool" and (two == "Bool" or kind == "bmm"):
        return NotImplementedError(messages.not_implemented(kernel, a.dtype))
    advice = f"\n  Convert one of them: x.to({b.dtype}), or the other to {a.dtype}."
    if a.dtype.is_floating_point != b.dtype.is_floating_point:
        which, wanted = ("second", a.dtype) if a.dtype.is_floating_point else ("first", b.dtype)
        advice = f"\n  Convert the {which} operand: x.to({wanted})."
    if kind == "dot":
        return RuntimeError(f"dot : expected both vectors to have same dtype, but found {one} and {two}{advice}")
    if kind == "mv":
        return RuntimeError(f"addmv input tensors must have the same dtype, but got {two}, {one}, and {two}{advice}")
    if kind == "bmm":
        return RuntimeError(f"expected scalar type {one} but found {two}{advice}")
    c_one, c_two = (messages.C_NAMES[x.dtype.name] for x in (a, b))
    return RuntimeError(f"expected m1 and m2 to have the same dtype, but got: {c_one} != {c_two}{advice}")


def unmultipliable(kind: str, x: Any, y: Any) -> str:
    """For two shapes; those of more dimensions than the product takes are folded, as torch folds them."""
    advice = f"\n  The inner sizes, {x[-1]} and {y[max(len(y) - 2, 0)]}, must be equal."
    if kind == "dot":
        return (
            f"inconsistent tensor size, expected tensor [{x[0]}] and src [{y[0]}] to have the same number of elements, "
            f"but got {x[0]} and {y[0]} elements respectively\n"
            "  A dot product needs two vectors of one length."
        )
    if kind == "bmm":
        return (
            f"Expected size for first two dimensions of batch2 tensor to be: [{x[0]}, {x[2]}] "
            f"but got: [{y[0]}, {y[1]}].{advice}"
        )
    rows = math.prod(x[:-1])
    if kind == "mv":
        return f"size mismatch, got input ({rows}), mat ({rows}x{x[-1]}), vec ({y[0]}){advice}"
    return f"mat1 and mat2 shapes cannot be multiplied ({rows}x{x[-1]} and {y[-2]}x{y[-1]}){advice}"


def _wrong_ndims(name: str, first: int, second: int) -> str:
    if name == "dot":
        return f"1D tensors expected, but got {first}D and {second}D tensors"
    if name == "mv":
        return f"vector + matrix @ vector expected, got 1, {first}, {second}"
    if name == "bmm":
        return f"batch{1 if first != 3 else 2} must be a 3D tensor"
    what = "mat2" if first == 2 else "self"
    return (
        f"{what} must be a matrix\n  The operands have {first} and {second} dimensions; matmul (@) takes vectors too."
    )
