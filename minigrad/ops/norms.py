"""Norms of vectors and of matrices.

Source: https://docs.pytorch.org/docs/stable/generated/torch.linalg.norm.html
"""

from __future__ import annotations

import math
from typing import Any

from .. import dtypes, messages
from ..flags import check_flags
from ..tensor import Tensor
from .convert import converted_to_save, dtype_argument
from .inverses import check_floating
from .matrices import singular_values
from .names import public, tensor_argument
from .options import number
from .reduction import reduced_dims, vector_norm

INTERNAL = True


def _in_dtype(start: str, x: Tensor, wanted: Any) -> Tensor:
    """`x` in the dtype to compute a norm in, which is neither narrower nor one of integers; or torch's RuntimeError."""
    got = messages.TYPE_NAMES[x.dtype.name]
    if not x.is_floating_point():
        raise RuntimeError(f"{start} Expected a floating point or complex tensor as input. Got {got}")
    if wanted is None:
        return x
    d = dtype_argument(wanted, "norm")
    name = messages.TYPE_NAMES[d.name]
    if d.kind != dtypes.FLOATING:
        raise RuntimeError(f"{start} dtype should be floating point or complex, but got {name}")
    if dtypes.promote_types(x.dtype, d) is not d:
        raise RuntimeError(
            f"{start} the dtype of the input ({got}) should be convertible without narrowing to the specified dtype "
            f"({name})"
        )
    return converted_to_save(x, d)


def norm_of_vectors(x: Tensor, order: float, dim: Any, keepdim: bool, dtype: Any) -> Tensor:
    """The norm over `dim`, all of whose elements count as one vector."""
    check_flags("linalg_vector_norm", keepdim=keepdim)
    input = _in_dtype("linalg.vector_norm:", tensor_argument(x, "linalg.vector_norm"), dtype)
    order = float(number("linalg_vector_norm", "ord", 2, order))
    dims = reduced_dims(dim, input.ndim)
    if input.numel() == 0 and (order < 0 or order == math.inf):
        _check_norm_exists(order, input.shape, dim if isinstance(dim, (tuple, list)) or dim is None else (dim,))
    return vector_norm.call(input, order, dims, keepdim)


def _most(sizes: Tensor, dim: int, keepdim: bool) -> Tensor:
    """The largest size, and 0 of none."""
    return sizes.amax(dim, keepdim) if sizes.shape[dim] else sizes.sum(dim, keepdim)


def norm_of_matrices(A: Tensor, order: Any, dim: Any, keepdim: bool, dtype: Any) -> Tensor:
    """The norm over the two dimensions in `dim`.

    'fro' is the root of the sum of squares, 'nuc' the sum of the singular values, 2 the largest and -2 the smallest of
    them; inf and -inf are the largest and the smallest sum of a row's absolute values, 1 and -1 of a column's.
    """
    check_flags("linalg_matrix_norm", keepdim=keepdim)
    start = "linalg.matrix_norm:"
    if isinstance(order, str) and order not in ("fro", "nuc"):
        raise RuntimeError(f"{start} Order {order} not supported.")
    if not isinstance(order, str) and abs(order) not in (1, 2, math.inf):
        raise RuntimeError(f"{start} Order {order:g} not supported.")
    if tensor_argument(A, "linalg_matrix_norm", "A").ndim < 2:
        raise RuntimeError(f"{start} The input tensor A must have at least 2 dimensions.")
    A = _in_dtype(start, A, dtype)
    dims = list(dim) if isinstance(dim, (tuple, list)) else [dim]
    if len(dims) != 2:
        raise RuntimeError(f"{start} dim must be a 2-tuple. Got {' '.join(map(str, dims))}")
    first, second = (messages.checked_dim(d, A.ndim) for d in dims)
    if first == second:
        raise RuntimeError(f"{start} dims must be different. Got ({dims[0]}, {dims[1]})")
    if order == "fro":
        return norm_of_vectors(A, 2.0, (first, second), keepdim, None)
    if not isinstance(order, str) and abs(order) != 2:
        added, compared = (first, second) if abs(order) == 1 else (second, first)
        sums = norm_of_vectors(A, 1.0, added, keepdim, None)
        compared -= not keepdim and compared > added
        return _most(sums, compared, keepdim) if order > 0 else sums.amin(compared, keepdim)
    check_floating("linalg.matrix_norm", A)
    rest = [d for d in range(A.ndim) if d not in (first, second)]
    values = singular_values(A.permute(*rest, first, second))
    if order == "nuc":
        found = values.sum(-1, keepdim=keepdim)
    else:
        found = _most(values, -1, keepdim) if order > 0 else values.amin(-1, keepdim)
    if keepdim:
        places = [*rest, first, second]
        found = found.unsqueeze(-1).permute(*[places.index(d) for d in range(A.ndim)])
    return found


def _check_norm_exists(order: float, shape: Any, dims: Any) -> None:
    """Raise where a norm of this order, a maximum or a minimum, would be that of nothing."""
    empty = [d for d in dims or () if shape[d] == 0]
    if empty or not dims:
        of = f"the dimension {empty[0]}because this dimension is empty and" if empty else "an empty tensor because"
        raise RuntimeError(
            f"linalg.vector_norm cannot compute the {order:g} norm on {of} the operation does not have an identity"
        )


@public()
def norm(input: Tensor, p: Any = "fro", dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Tensor:
    """The `p`-norm over `dim`, or of all elements; 'fro' is p = 2, and 'nuc' the nuclear norm of matrices."""
    if isinstance(p, str) and p != "fro":
        tensor_argument(input, "norm")
        return norm_of_matrices(input, p, list(range(input.ndim)) if dim is None else dim, keepdim, dtype)
    return norm_of_vectors(input, 2.0 if p is None or p == "fro" else p, dim, keepdim, dtype)


@public()
def dist(input: Tensor, other: Tensor, p: float = 2) -> Tensor:
    """The `p`-norm of the difference of two tensors."""
    difference = tensor_argument(input, "dist") - tensor_argument(other, "dist", "other", 2)
    if not difference.is_floating_point():
        kind = messages.TYPE_NAMES[difference.dtype.name]
        raise RuntimeError(f"norm(): input dtype should be either floating point or complex. Got {kind} instead.")
    return vector_norm.named("DistBackward0").call(
        difference, float(number("dist", "p", 3, p)), tuple(range(difference.ndim)), False
    )
