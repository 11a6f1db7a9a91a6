"""Products with something more: a sum, a factor, a batch, an equation.

torch's own formulas are operations of the table; what torch composes is composed of the same functions here, so that
the printed graphs agree. Source: https://docs.pytorch.org/docs/stable/torch.html#blas-and-lapack-operations
"""

from __future__ import annotations

import math
from functools import wraps
from typing import Any

import numpy as np

from .. import dtypes, messages
from ..tensor import Tensor
from .half import by_number
from .inplace import as_view, twin
from .linear import matmul, mm_
from .names import attach, public, tensor_argument
from .options import number
from .pointwise import mul_
from .shape import contract, reorder
from .table import Op, op

INTERNAL = True
Array = np.ndarray[Any, Any]
transposed = reorder.named("TBackward0")


def _plus(product: Array, a: Array, beta: float, alpha: float) -> Array:
    """`beta * a + alpha * product`, in the memory of the product; a factor of 0 also cancels infinities and NaN."""
    if alpha == 0:
        product.fill(0)
    elif alpha != 1:
        product *= alpha
    if beta == 1:
        product += a
    elif beta != 0:
        product += a * beta
    return product


def scaled(g: Any, factor: float) -> Any:
    """`g * factor`, or `g` itself if that is 1."""
    return g if factor == 1 else by_number(mul_, g, factor)


def fitted(g: Any, shape: tuple[int, ...], factor: float) -> Any:
    """`g * factor`, summed to the shape of what was broadcast."""
    return scaled(g if g.shape == shape else contract(g, shape), factor)


addmm_: Op = op(
    "AddmmBackward0",
    lambda a, b, c, beta, alpha: _plus(b.dot(c), a, beta, alpha),
    a=lambda g, a_shape, beta: fitted(g, a_shape, beta),
    b=lambda g, c, alpha: scaled(mm_(g, c.mT), alpha),
    c=lambda g, b, alpha: scaled(mm_(b.mT, g), alpha),
)


@public()
def addmm(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """`beta * input + alpha * (mat1 @ mat2)`, for matrices; `input` is broadcast to the product's shape."""
    try:
        x, y, z = input._array, mat1._array, mat2._array
    except AttributeError:
        tensor_argument(input, "addmm")
        tensor_argument(mat1, "addmm", "mat1", 2)
        return tensor_argument(mat2, "addmm", "mat2", 3)
    if not y.ndim == z.ndim == 2 or not x.dtype is y.dtype is z.dtype or x.dtype.kind != "f" or beta == 0:
        _check_sum_of_product(x, y, z)
    if beta.__class__ is not int or alpha.__class__ is not int or x.dtype.kind != "f":
        beta, alpha = _factors("addmm", x, beta, alpha)
    try:
        return addmm_.call(input, mat1, mat2, beta, alpha)
    except ValueError:
        _check_sum_of_product(x, y, z)
        raise


def _factors(function: str, x: Array, beta: Any, alpha: Any) -> tuple[Any, Any]:
    """Both factors as Python numbers, of integers if `x` is; torch cuts off what comes after the point."""
    both = number(function, "beta", 3, beta), number(function, "alpha", 4, alpha)
    return both if x.dtype.kind == "f" else (int(both[0]), int(both[1]))


def _check_sum_of_product(x: Array, y: Array, z: Array) -> None:
    """Raise torch's error unless the matrices `y` and `z` can be multiplied, and the product added to `x`."""
    for name, other in (("self", x), ("mat1", y)):
        if other.dtype is not z.dtype:
            one, two = (messages.TYPE_NAMES[a.dtype.name] for a in (other, z))
            raise RuntimeError(
                f"{name} and mat2 must have the same dtype, but got {one} and {two}\n"
                "  Convert one of them: x.float(), x.double(), or x.to(dtype)."
            )
    for name, array in (("mat1", y), ("mat2", z)):
        if array.ndim != 2:
            raise RuntimeError(f"{name} must be a matrix, got {array.ndim}-D tensor")
    if y.shape[1] != z.shape[0]:
        raise RuntimeError(
            f"mat1 and mat2 shapes cannot be multiplied ({y.shape[0]}x{y.shape[1]} and {z.shape[0]}x{z.shape[1]})\n"
            f"  The inner sizes, {y.shape[1]} and {z.shape[0]}, must be equal."
        )
    Tensor._of(x).expand(y.shape[0], z.shape[1])
    if x.dtype.kind == "b":
        raise NotImplementedError(messages.not_implemented("addmm_impl_cpu_", dtypes.bool_))


def _in_place(function: Any) -> Any:
    """The in-place twin of a sum with a product, whose shape must be that of `self`."""

    @wraps(function)
    def sized(t: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        made: Tensor = function(t, *args, **kwargs)
        if made._array.shape != t._array.shape:
            raise RuntimeError(
                f"Bad in-place call: input tensor size {list(t.shape)} and output tensor size {list(made.shape)} "
                "should match"
            )
        return made

    return twin(sized, f"{function.__name__}_")


attach(addmm_=_in_place(addmm))


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """`input @ weight.T + bias`, along the last dimension of `input`; `weight` has one row per output.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.linear.html
    """
    x, w = tensor_argument(input, "linear")._array, tensor_argument(weight, "linear", "weight", 2)._array
    if bias is not None:
        tensor_argument(bias, "linear", "bias", 3)
    if not x.ndim or not w.ndim:
        raise RuntimeError(f"both arguments to linear need to be at least 1D, but they are {x.ndim}D and {w.ndim}D")
    turned = as_view(transposed, weight, (1, 0)) if w.ndim == 2 else weight.t()
    if bias is None:
        return matmul(input, turned)
    if x.ndim == 2:
        return addmm(bias, input, turned)
    if x.flags.c_contiguous and (bias.ndim == 1 or (bias.shape[1:] == (1,) != bias.shape[:1])):
        # All but the last dimension are laid out as one, which torch does for a bias that is a vector, or a column.
        return addmm(bias, input.view(math.prod(x.shape[:-1]), x.shape[-1]), turned).view(*x.shape[:-1], w.shape[0])
    return matmul(input, turned).add_(bias)
