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
from ..warning import warn
from .convert import converted_to_save
from .half import by_number
from .indices import number_array
from .inplace import as_view, twin
from .linear import dot, dot_, matmul, mm, mm_, mv_, product, unmultipliable
from .names import attach, offer_in_place, public, tensor_argument
from .options import number
from .pointwise import mul_
from .shape import as_copied_shape, checked_dims, contract, expanded_shape, reorder
from .table import Op, op

INTERNAL = True
Array = np.ndarray[Any, Any]
transposed = reorder.named("TBackward0")


def _plus(product: Array, a: Array, beta: float, alpha: float, cancels: bool = True) -> Array:
    """`beta * a + alpha * product`, in the memory of the product; a factor of 0 also cancels infinities and NaN.

    As in torch, an alpha of 0 does not unless it `cancels`, nor in float16.
    """
    if alpha == 0 and ((cancels and product.dtype.char != "e") or product.dtype.kind != "f"):
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


def _batch_sum(b: Array, c: Array) -> Array:
    """The sum of a batch of matrix products, as one product."""
    count = b.shape[0] * b.shape[2]
    return product(b.transpose(1, 0, 2).reshape(b.shape[1], count), c.reshape(count, c.shape[2]))


addmm_: Op = op(
    "AddmmBackward0",
    lambda a, b, c, beta, alpha: _plus(product(b, c), a, beta, alpha),
    a=lambda g, a_shape, beta: fitted(g, a_shape, beta),
    b=lambda g, c, alpha: scaled(mm_(g, c.mT), alpha),
    # For bᵀg, so that it lies in memory as the weight of a layer does, which comes here transposed.
    c=lambda g, b, alpha: scaled(mm_(g.mT, b).mT, alpha),
)
addmv_ = op(
    "AddmvBackward0",
    lambda a, b, c, beta, alpha: _plus(product(b, c), a, beta, alpha),
    a=lambda g, a_shape, beta: fitted(g, a_shape, beta),
    b=lambda g, c, alpha: scaled(g.reshape((-1, 1)) * c, alpha),
    c=lambda g, b, alpha: scaled(mv_(b.mT, g), alpha),
)
addr_ = op(
    "AddrBackward0",
    lambda a, b, c, beta, alpha: _plus(np.multiply.outer(b, c), a, beta, alpha, cancels=False),
    a=lambda g, a_shape, beta: fitted(g, a_shape, beta),
    b=lambda g, c, alpha: scaled(mv_(g, c), alpha),
    c=lambda g, b, alpha: scaled(mv_(g.mT, b), alpha),
)
baddbmm_ = op(
    "BaddbmmBackward0",
    # torch hands only matrices that are not small to a library that looks at alpha first.
    lambda a, b, c, beta, alpha: _plus(np.matmul(b, c), a, beta, alpha, math.prod(b.shape[1:]) * c.shape[2] >= 400),
    a=lambda g, a_shape, beta: fitted(g, a_shape, beta),
    b=lambda g, c, alpha: scaled(g @ c.mT, alpha),
    c=lambda g, b, alpha: scaled(b.mT @ g, alpha),
)
addbmm_ = op(
    "AddbmmBackward0",
    lambda a, b, c, beta, alpha: _plus(_batch_sum(b, c), a, beta, alpha),
    a=lambda g, a_shape, beta: fitted(g, a_shape, beta),
    b=lambda g, c, alpha: scaled(g @ c.mT, alpha),
    c=lambda g, b, alpha: scaled(b.mT @ g, alpha),
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
    except ValueError as error:
        of_numpy = error
    _check_sum_of_product(x, y, z)  # here, so that NumPy's own error is not told with the one that this raises
    raise of_numpy


def _factors(function: str, x: Array, beta: Any, alpha: Any) -> tuple[Any, Any]:
    """Both factors as Python numbers, those that `x` has where it is of integers: cut off at the point, -1 as 255."""
    both = number(function, "beta", None, beta), number(function, "alpha", None, alpha)
    return both if x.dtype.kind == "f" else tuple([number_array(v, x.dtype).item() for v in both])


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
    expanded_shape(x, (y.shape[0], z.shape[1]))
    if x.dtype.kind == "b":
        raise NotImplementedError(messages.not_implemented("addmm_impl_cpu_", dtypes.bool_))


def _in_place(function: Any, misfit: Any = None) -> Any:
    """The in-place twin of a sum with a product, whose shape must be that of `self`.

    `misfit` says so of one that torch compares before it broadcasts.
    """

    @wraps(function)
    def sized(t: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        made: Any = None
        try:
            made = function(t, *args, **kwargs)
        except RuntimeError:
            if misfit is None:
                raise
        if made is None:  # a number raises the same error, unless that is about the shape of `t`
            made = function(Tensor._of(np.zeros((), t._array.dtype)), *args, **kwargs)
        if made._array.shape != t._array.shape:
            raise RuntimeError((misfit or _other_size)(t, made))
        return made

    return twin(sized, f"{function.__name__}_")


def _other_size(t: Tensor, made: Tensor) -> str:
    sizes = f"input tensor size {list(t.shape)} and output tensor size {list(made.shape)}"
    return f"Bad in-place call: {sizes} should match"


def _other_size_than_outer(t: Tensor, made: Tensor) -> str:
    if t.ndim != 2:
        return f"2D tensor expected, got {t.ndim}D tensor for input"
    return f"size mismatch, input: {list(t.shape)}, v1: [{made.shape[0]}], v2: [{made.shape[1]}]"


@public()
def addmv(input: Tensor, mat: Tensor, vec: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """`beta * input + alpha * (mat @ vec)`; `input` is broadcast to the product's shape."""
    x, y, z = _arrays("addmv", input, mat=mat, vec=vec)
    if y.ndim != 2 or z.ndim != 1 or x.ndim > 1:
        raise RuntimeError(f"vector + matrix @ vector expected, got {x.ndim}, {y.ndim}, {z.ndim}")
    if y.shape[1] != z.shape[0] or (x.ndim and x.shape[0] not in (1, y.shape[0])):
        _size(x, 0)
        sizes = f"got input ({x.size}), mat ({y.shape[0]}x{y.shape[1]}), vec ({z.shape[0]})"
        raise RuntimeError(f"size mismatch, {sizes}\n  The matrix has {y.shape[1]} columns.")
    if not x.dtype is y.dtype is z.dtype:
        names = [messages.TYPE_NAMES[a.dtype.name] for a in (x, y, z)]
        raise RuntimeError("addmv input tensors must have the same dtype, but got {}, {}, and {}".format(*names))
    if x.dtype.kind == "b" and y.size:
        raise NotImplementedError(messages.not_implemented("addmv_impl_cpu", dtypes.bool_))
    return addmv_.call(input, mat, vec, *_factors("addmv", x, beta, alpha))


@public()
def addr(input: Tensor, vec1: Tensor, vec2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """`beta * input + alpha * outer(vec1, vec2)`; `input` is broadcast to the product's shape."""
    x, y, z = _arrays("addr", input, vec1=vec1, vec2=vec2)
    for name, vector in (("vec1", y), ("vec2", z)):
        if vector.ndim != 1:
            raise RuntimeError(f"addr: Expected 1-D argument {name}, but got {vector.ndim}-D")
    expanded_shape(x, (y.shape[0], z.shape[0]))
    d = dtypes.promote_types(input.dtype, dtypes.promote_types(vec1.dtype, vec2.dtype))
    for name, factor in (("beta", beta), ("alpha", alpha)):
        if isinstance(factor, float) and d.kind != dtypes.FLOATING:
            raise RuntimeError(f"For integral input tensors, argument {name} must not be a floating point number.")
        if isinstance(factor, bool) and d is not dtypes.bool_:
            raise RuntimeError(f"Boolean {name} only supported for Boolean results.")
    beta, alpha = _factors("addr", np.empty(0, d.numpy), beta, alpha)
    if d is dtypes.bool_:
        beta, alpha = bool(beta), bool(alpha)
    return addr_.call(input.to(d), converted_to_save(vec1, d), converted_to_save(vec2, d), beta, alpha)


@public()
def baddbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """`beta * input + alpha * (batch1 @ batch2)`, for batches of matrices; `input` is broadcast to the product."""
    x, y, z = _arrays("baddbmm", input, batch1=batch1, batch2=batch2)
    expanded_shape(x, (_size(y, 0), _size(y, 1), _size(z, 2)))
    if x.dtype is not y.dtype:
        one, two, three = (messages.C_NAMES[a.dtype.name] for a in (x, y, z))
        raise RuntimeError(f"Input dtypes must be the same, got: input {one}, batch1: {two}, batch2: {three}")
    _check_batches(y, z)
    if y.shape[0] != z.shape[0] or y.shape[2] != z.shape[1]:
        raise RuntimeError(unmultipliable("bmm", y.shape, z.shape))
    messages.check_scalar_types(y, z)
    if x.dtype.kind == "b":
        raise NotImplementedError(messages.not_implemented("baddbmm", dtypes.bool_))
    return baddbmm_.call(input, batch1, batch2, *_factors("baddbmm", x, beta, alpha))


@public()
def addbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """`beta * input` plus `alpha` times the sum of the products of two batches of matrices."""
    x, y, z = _arrays("addbmm", input, batch1=batch1, batch2=batch2)
    expanded_shape(x, (_size(y, 1), _size(z, 2)))
    _check_batches(y, z)
    if y.shape[0] != z.shape[0]:
        raise RuntimeError(
            f"batch1 and batch2 must have same number of batches, got {y.shape[0]} and {z.shape[0]}\n"
            f"  The shapes are {y.shape} and {z.shape}."
        )
    if y.shape[2] != z.shape[1]:
        raise RuntimeError(
            f"Incompatible matrix sizes for bmm ({y.shape[1]}x{y.shape[2]} and {z.shape[1]}x{z.shape[2]})\n"
            f"  The inner sizes, {y.shape[2]} and {z.shape[1]}, must be equal."
        )
    if y.shape[0]:
        _check_sum_of_product(x, y[0], z[0])
    return addbmm_.call(input, batch1, batch2, *_factors("addbmm", x, beta, alpha))


def _arrays(function: str, input: Any, **operands: Any) -> list[Array]:
    """The arrays of three tensors; torch's TypeError for what is none."""
    tensor_argument(input, function)
    found = [tensor_argument(x, function, name, i) for i, (name, x) in enumerate(operands.items(), 2)]
    return [input._array, *[x._array for x in found]]


def _size(x: Array, dim: int) -> int:
    """The size of a dimension; torch's IndexError where there is none."""
    if not x.ndim:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    return int(x.shape[messages.checked_dim(dim, x.ndim)])


def _check_batches(y: Array, z: Array) -> None:
    """Raise torch's error unless both are batches of matrices."""
    for name, batch in (("batch1", y), ("batch2", z)):
        if batch.ndim != 3:
            raise RuntimeError(f"{name} must be a 3D tensor")


attach(addmm_=_in_place(addmm, _other_size), addmv_=_in_place(addmv), baddbmm_=_in_place(baddbmm))
attach(addbmm_=twin(addbmm, "addbmm_"), addr_=_in_place(addr, _other_size_than_outer))


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


# Products of two tensors, dimension by dimension


@public("ger")
def outer(input: Tensor, vec2: Tensor) -> Tensor:
    """The matrix of all products of an element of one vector and one of another."""
    for name, x in (("self", tensor_argument(input, "outer")), ("vec2", tensor_argument(vec2, "outer", "vec2", 2))):
        if x.ndim != 1:
            raise RuntimeError(f"outer: Expected 1-D argument {name}, but got {x.ndim}-D")
    return input.reshape(input.shape[0], 1) * vec2


@public()
def vdot(input: Tensor, other: Tensor) -> Tensor:
    """The sum of the products of two vectors' elements, as `dot`."""
    x, y = tensor_argument(input, "vdot"), tensor_argument(other, "vdot", "other", 2)
    if x.ndim == y.ndim == 1 and x.shape == y.shape and x.dtype is y.dtype is not dtypes.bool_:
        return dot_.named("VdotBackward0").call(x, y)
    return dot(x, y)


@public()
def inner(input: Tensor, other: Tensor) -> Tensor:
    """The sums of products along the last dimensions of both; with a number, the product."""
    x, y = tensor_argument(input, "inner"), tensor_argument(other, "inner", "other", 2)
    if not x.ndim or not y.ndim:
        return x * y
    if x.shape[-1] != y.shape[-1]:
        raise RuntimeError(
            "inner() the last dimension must match on both input tensors but got shapes "
            f"{list(x.shape)} and {list(y.shape)}"
        )
    return tensordot(x, y, ([-1], [-1]))


@public(method=False)
def tensordot(a: Tensor, b: Tensor, dims: Any = 2) -> Tensor:
    """The products of `a` and `b`, summed over pairs of dimensions.

    `dims` is a number of dimensions, the last of `a` and the first of `b`, or two lists of dimensions.
    """
    a, b = tensor_argument(a, "tensordot", "a"), tensor_argument(b, "tensordot", "b", 2)
    first, second = _contracted_dims(a, b, dims)
    if a.dtype is not b.dtype:
        raise RuntimeError("both inputs should have same dtype")
    for m, n in zip(first, second, strict=True):
        if b.shape[n] == 1:
            a = a.sum(m, keepdim=True, dtype=a.dtype) if a.shape[m] != 1 else a
        elif a.shape[m] == 1:
            b = b.sum(n, keepdim=True, dtype=b.dtype)
        elif a.shape[m] != b.shape[n]:
            raise RuntimeError(
                f"contracted dimensions need to match, but first has size {a.shape[m]} in dim {m} and second has size "
                f"{b.shape[n]} in dim {n}"
            )
    down, across = checked_dims(first, a.ndim), checked_dims(second, b.ndim)
    rows, columns = ([i for i in range(x.ndim) if i not in dims] for x, dims in ((a, down), (b, across)))
    shape = [a.shape[i] for i in rows] + [b.shape[i] for i in columns]
    count = math.prod([a.shape[i] for i in down])
    left, right = a.permute(*rows, *down), b.permute(*across, *columns)
    if not shape:
        return dot(left.flatten(), right.flatten()).view(shape)
    left = left.reshape(math.prod([a.shape[i] for i in rows]), count)
    return mm(left, right.reshape(count, math.prod([b.shape[i] for i in columns]))).view(shape)


def _contracted_dims(a: Tensor, b: Tensor, dims: Any) -> tuple[list[int], list[int]]:
    if isinstance(dims, Tensor):
        dims = dims.tolist()
    if isinstance(dims, (tuple, list)):
        first, second = ([d] if isinstance(d, int) else list(d) for d in dims)
        if len(first) != len(second):
            raise RuntimeError("both dimension lists should have same length")
        return first, second
    if dims < 0:
        raise RuntimeError(f"tensordot expects dims >= 0, but got dims={dims}")
    if dims > min(a.ndim, b.ndim):
        raise RuntimeError(f"tensordot expects dims < ndim_a or ndim_b, but got dims={dims}")
    return list(range(-dims, 0)), list(range(dims))


@public()
def kron(input: Tensor, other: Tensor) -> Tensor:
    """The Kronecker product: `other` times each element of `input`, laid out in its place."""
    x, y = tensor_argument(input, "kron"), tensor_argument(other, "kron", "other", 2)
    ndim = max(x.ndim, y.ndim)
    shapes = [(1,) * (ndim - t.ndim) + tuple(t.shape) for t in (x, y)]
    a = x.reshape([n for size in shapes[0] for n in (size, 1)])
    b = y.reshape([n for size in shapes[1] for n in (1, size)])
    return as_copied_shape.call(a * b, tuple([m * n for m, n in zip(*shapes, strict=True)]))


# Products of many matrices


@public(method=False)
def chain_matmul(*matrices: Any) -> Tensor:
    """The product of several matrices, as `linalg.multi_dot`; deprecated in torch, which warns of it."""
    if len(matrices) == 1 and isinstance(matrices[0], (tuple, list)):
        matrices = tuple(matrices[0])
    warn(
        "torch.chain_matmul is deprecated and will be removed in a future PyTorch release. Use torch.linalg.multi_dot "
        "instead, which accepts a list of two or more tensors rather than multiple parameters."
    )
    if not matrices:
        raise RuntimeError("chain_matmul(): Expected one or more matrices")
    return matrices[0] if len(matrices) == 1 else multi_dot(matrices)


def multi_dot(tensors: Any) -> Tensor:
    """The product of several matrices, in the order that takes the fewest multiplications.

    The first and the last may be vectors: a row and a column. Source: Cormen et al., Introduction to Algorithms, 15.2.
    """
    tensors = list(tensors)
    shapes = _chained(tensors)
    first, last = tensors[0], tensors[-1]
    tensors[0] = first.unsqueeze(0) if first.ndim == 1 else first
    tensors[-1] = last.unsqueeze(1) if last.ndim == 1 else last
    shape = (*first.shape[: first.ndim - 1], *last.shape[1:])
    return _multiplied(tensors, _cheapest_order(shapes)).view(shape)


def _chained(tensors: list[Tensor]) -> list[tuple[int, int]]:
    """The shapes of all as matrices; torch's error where they cannot be multiplied."""
    start, n = "multi_dot():", len(tensors)
    if n < 2:
        raise RuntimeError(f"{start} expected at least 2 tensors but got {n}")
    for i, x in enumerate(tensors):
        if i in (0, n - 1) and x.ndim not in (1, 2):
            raise RuntimeError(f"{start} the {'last' if i else 'first'} tensor must be 1D or 2D but got {x.ndim}D")
        if 0 < i < n - 1 and x.ndim != 2:
            raise RuntimeError(f"{start} tensor {i} must be 2D but got {x.ndim}D")
        if x.dtype is not tensors[0].dtype:
            names = messages.C_NAMES[tensors[0].dtype.name], messages.C_NAMES[x.dtype.name]
            raise RuntimeError(
                f"{start} all tensors must have be the same dtype but tensor 0 is {names[0]} and tensor {i} {names[1]}"
            )
    shapes = [tuple(x.shape) for x in tensors]
    shapes[0], shapes[-1] = ((1, *shapes[0])[-2:]), (*shapes[-1], 1)[:2]
    for i in range(n - 1):
        if shapes[i][1] != shapes[i + 1][0]:
            given = f"{list(tensors[i].shape)} and {list(tensors[i + 1].shape)}"
            raise RuntimeError(f"{start} tensors {i} and {i + 1} with shapes {given} cannot be multiplied")
    return shapes  # type: ignore[return-value]


def _cheapest_order(shapes: list[tuple[int, int]]) -> Any:
    """Where to bracket a product of matrices, as nested pairs of numbers."""
    sizes = [m for m, _ in shapes] + [shapes[-1][1]]
    best: dict[tuple[int, int], tuple[int, Any]] = {(i, i): (0, i) for i in range(len(shapes))}
    for length in range(1, len(shapes)):
        for i in range(len(shapes) - length):
            j = i + length
            costs = [best[i, k][0] + best[k + 1, j][0] + sizes[i] * sizes[k + 1] * sizes[j + 1] for k in range(i, j)]
            k = i + costs.index(min(costs))
            best[i, j] = min(costs), (best[i, k][1], best[k + 1, j][1])
    return best[0, len(shapes) - 1][1]


def _multiplied(tensors: list[Tensor], order: Any) -> Tensor:
    return tensors[order] if isinstance(order, int) else mm(*[_multiplied(tensors, part) for part in order])


offer_in_place("addmv_")
