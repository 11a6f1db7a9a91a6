"""Values written, or added, where a vector of indices, several index tensors, or a mask point.

Where several values are written to one place, the last one stays. What is written is computed as a new tensor; the
twins with an underscore, such as `index_add_`, put that in the place of the old one.
Source: https://docs.pytorch.org/docs/stable/torch.html#indexing-slicing-joining-mutating-ops
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import messages
from ..layout import empty_as
from ..tensor import Tensor
from .assigning import check_put, filling, put as put_op, zeroed
from .data import INT64
from .diagonals import diagonal
from .indexing import own, picked, sliced
from .indices import EVERY, Array, Key, check_bounds, checked_key, number_array, picked_shape
from .inplace import as_view, broadcast_shape, fill_view, view_of, zero_view
from .names import offer_in_place, public, tensor_argument
from .options import integer, number, wrong_type
from .picking import index_vector, select
from .products import scaled
from .scattering import add_at, as_before, put_number, with_a_dim
from .shape import spread
from .table import Op, op

INTERNAL = True
# These save what is written too, as torch's do: to change it in place afterwards is an error at the backward pass.
slices_put = op(
    "IndexCopyBackward0",
    put_op.forward,
    a=lambda g, key: zeroed(g, key),
    b=lambda g, b, key: picked(g, key).reshape(b.shape),
)
slices_added = op(
    "IndexAddBackward0",
    add_at.forward,
    a=lambda g: g,
    b=lambda g, b, key, alpha: scaled(picked(g, key), alpha).reshape(b.shape),
)


def _recorded(made: Op, input: Tensor, value: Tensor, key: Key, *options: Any) -> Tensor:
    """The result of an operation of elements and others that are written; those may be spread over several places."""
    whole = with_a_dim(input)
    result = made.call(whole, value, own(key, input, value), *options)
    if value._array.shape != picked_shape(whole._array, key) and hasattr(result._origin, "targets"):
        result._origin.targets = (None, (value._array.shape, value._array.dtype))
    return as_before(result, input, made.node_name)


def _along(i: Array, dim: int) -> Key:
    return (*(EVERY,) * dim, i)


@public(in_place=True)
def index_add(input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: Any = 1) -> Tensor:
    """`input` plus `alpha` times the slices of `source`, each added where `index` (int64 or int32) says in `dim`."""
    x, i = tensor_argument(input, "index_add")._array, tensor_argument(index, "index_add", "index", 2)._array
    y = tensor_argument(source, "index_add", "source", 3)._array
    at = messages.checked_dim(integer("index_add", "dim", 1, dim), x.ndim)
    names = [messages.TYPE_NAMES[t.dtype.name] for t in (input, source, index)]
    if i.ndim > 1:
        raise IndexError(
            f"index_add_(): Index is supposed to be a vector, but got dim: {i.ndim} with type: {names[2]} and size: "
            f"{list(i.shape)}"
        )
    i = index_vector(index, "lqi", f"index_add_(): Expected dtype int32/int64 for index but got: {names[2]}")
    if y.dtype != x.dtype:
        raise RuntimeError(f"index_add_(): self ({names[0]}) and source ({names[1]}) must have the same scalar type")
    length = y.shape[messages.checked_dim(at, y.ndim)] if y.ndim else 1
    if i.size != length:
        raise RuntimeError(
            f"index_add_(): Number of indices ({i.size}) should be equal to source.size(dim): ({length}), for dim: {at}"
        )
    others = [[n for d, n in enumerate(shape) if d != at] for shape in (x.shape, y.shape)]
    if x.ndim != y.ndim or others[0] != others[1]:
        raise RuntimeError(
            "source tensor shape must match self tensor shape, excluding the specified dimension. Got self.shape = "
            f"{list(x.shape)} source.shape = {list(y.shape)}"
        )
    check_bounds(i, x.shape[at] if x.ndim else 1, at, RuntimeError)
    factor = number_array(alpha, x.dtype).item()
    return _recorded(slices_added, input, with_a_dim(source), _along(i.reshape(-1), at), factor)


@public(in_place=True)
def index_copy(input: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """`input`, but the slices of `source` where `index` (int64) says in `dim`."""
    x, i = tensor_argument(input, "index_copy")._array, tensor_argument(index, "index_copy", "index", 2)._array
    y = tensor_argument(source, "index_copy", "source", 3)._array
    at = messages.checked_dim(integer("index_copy", "dim", 1, dim), x.ndim)
    if i.ndim > 1:
        raise IndexError(f"index_copy_(): Index should have dimension 1 or 0 (got {i.ndim})")
    if not y.ndim and i.size != 1:
        raise IndexError(f"index_copy_(): When source is scalar, index should have one element (got {i.size})")
    if x.ndim and y.ndim and x.ndim != y.ndim:
        raise IndexError(
            "index_copy_(): When source and destination are not scalars, their dimensionality must match. Source "
            f"dimensionality ({y.ndim}), destination dimensionality ({x.ndim})"
        )
    names = [messages.TYPE_NAMES[t.dtype.name] for t in (input, source, index)]
    i = index_vector(index, "lq", f"index_copy_(): Expected a long tensor for index, but got {names[2]}")
    if y.dtype != x.dtype:
        raise RuntimeError(
            "index_copy_(): self and source expected to have the same dtype, but got (self) "
            f"{names[0]} and (source) {names[1]}"
        )
    slices = [[n for d, n in enumerate(shape) if d != at] for shape in (x.shape, y.shape)]
    if slices[0] != slices[1]:
        raise RuntimeError(
            "index_copy_(): Source/destination tensor must have same slice shapes. Destination slice shape: "
            f"{' '.join(map(str, slices[0]))} at dimension {at} and source slice shape: "
            f"{' '.join(map(str, slices[1]))} at dimension 0."
        )
    if y.ndim and i.size != y.shape[at]:
        raise IndexError(
            f"index_copy_(): Number of indices ({i.size}) should be equal to source.size(dim) ({y.shape[at]})"
        )
    check_bounds(i, x.shape[at] if x.ndim else 1, at, IndexError, "index_copy_(): ")
    return _recorded(slices_put, input, source, _along(i.reshape(-1), at))


@public(in_place=True)
def index_fill(input: Tensor, dim: int, index: Tensor, value: Any) -> Tensor:
    """`input`, but `value` (a number or a 0-d tensor) where `index` (int64) says in `dim`."""
    x, i = tensor_argument(input, "index_fill")._array, tensor_argument(index, "index_fill", "index", 2)._array
    at = messages.checked_dim(integer("index_fill", "dim", 1, dim), x.ndim)
    if i.dtype != INT64:
        raise IndexError("index_fill_(): Expected dtype int64 for index.")
    if i.ndim > 1:
        raise RuntimeError("Index has to be a vector/scalar")
    if isinstance(value, Tensor) and value._array.ndim:
        raise RuntimeError(
            "index_fill_ only supports a 0-dimensional value tensor, but got tensor with "
            f"{value._array.ndim} dimension(s)."
        )
    size = x.shape[at] if x.ndim else 1
    plain = None if isinstance(value, Tensor) else number_array(number("index_fill", "value", 3, value), x.dtype)
    if x.size:
        check_bounds(i, size, at, IndexError, least=-size)
    else:  # torch takes any index of what is empty
        i = i[..., :0]
    key = _along(np.unique(i), at)
    if plain is None:
        return _in_order(_recorded(put_op.named("IndexFillBackward1"), input, filling(value, input), key), x)
    made = put_number.named("IndexFillBackward0")
    return _in_order(as_before(made.call(with_a_dim(input), own(key, input), plain), input, made.node_name), x)


def _index_key(input: Tensor, indices: Any, fills: bool) -> Key:
    """What `indices`, a sequence of index tensors and masks, points to in `input`; for `fills` see `checked_key`."""
    if isinstance(indices, Tensor) or not isinstance(indices, (tuple, list)):
        raise wrong_type("index_put", "indices", 1, "tuple of Tensors", indices)
    for place, index in enumerate(indices):
        if not isinstance(index, Tensor):
            raise TypeError(
                f"expected Tensor as element {place} in argument 0, but got {messages.type_name(index)}\n"
                "  Assign with brackets, x[:, i] = y, to leave a dimension whole."
            )
    arrays = [index._array for index in indices]
    taken = sum([max(k.ndim, 1) if k.dtype.char in "?B" else 1 for k in arrays])
    if taken > input._array.ndim:
        raise IndexError(f"too many indices for tensor of dimension {input._array.ndim} (got {taken})")
    return checked_key(input._array.shape, arrays, fills)


@public(in_place=True)
def index_put(input: Tensor, indices: Any, values: Tensor, accumulate: bool = False) -> Tensor:
    """`input`, but `values`, broadcast, at the places that a tuple of index tensors names: `x[indices] = values`.

    With `accumulate` they are added to what is there, each as often as its place is named.
    """
    x, y = tensor_argument(input, "index_put")._array, tensor_argument(values, "index_put", "values", 2)._array
    fills = y.size == 1 and not accumulate
    key = _index_key(input, indices, fills)
    if fills and len(key) == 1 and key[0].dtype == bool:
        values = filling(values, input)
    elif y.dtype != x.dtype:
        check_put(x, key, y)
    else:
        _check_fits(x, key, y)
    made, options = (add_at.named("IndexPutBackward0"), (1,)) if accumulate else (put_op, ())
    return _in_order(_recorded(made, input, values, key, *options), x)


def _in_order(result: Tensor, x: Array) -> Tensor:
    """`result`, its dimensions in memory in the order of those of `x`."""
    if not x.flags.c_contiguous:
        array, result._array = result._array, empty_as(x, x.dtype)
        np.copyto(result._array, array)
    return result


def _check_fits(x: Array, key: Key, y: Array) -> None:
    """Raise torch's error for values that do not broadcast to where `key` points, or indices out of bounds."""
    try:
        np.broadcast_to(y, x[key].shape if x.size else picked_shape(x, key))
    except (IndexError, ValueError):
        check_put(x, key, y)


@public(in_place=True)
def put(input: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Tensor:
    """`input`, but the elements of `source` at the indices (int64) in a tensor, counted through all dimensions.

    With `accumulate` they are added to what is there.
    """
    x, y = tensor_argument(input, "put")._array, tensor_argument(source, "put", "source", 2)._array
    names = [messages.TYPE_NAMES[t.dtype.name] for t in (input, source, tensor_argument(index, "put", "index", 1))]
    i = index_vector(index, "lq", f"put_(): Expected a long tensor for index, but got {names[2]}")
    if y.dtype != x.dtype:
        raise RuntimeError(
            "put_(): self and source expected to have the same dtype, but got self.dtype = "
            f"{names[0]} and source.dtype = {names[1]}"
        )
    if i.size != y.size:
        raise IndexError(
            "put_(): Expected source and index to have the same number of elements, but got source.numel() = "
            f"{y.size}, index.numel() = {i.size}"
        )
    if i.size and not x.size:
        raise IndexError("put_(): Tried to put elements into an empty tensor")
    wrong = (i < -x.size) | (i >= x.size)
    if wrong.any():
        raise IndexError(f"out of range: tried to access index {i[wrong][0]} on a tensor of {x.size} elements.")
    shape = x.shape or (1,)
    key = tuple([np.asarray(k, INT64) for k in np.unravel_index(i % x.size, shape)]) if i.size else (i,) * len(shape)
    made, options = (slices_added, (1,)) if accumulate else (slices_put, ())
    return _in_order(_recorded(made.named("PutBackward0"), input, source.reshape(i.shape), key, *options), x)


@public(in_place=True)
def masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """`input`, broadcast together with the bool tensor `mask`, but where that holds the first elements of `source`."""
    x, m = tensor_argument(input, "masked_scatter")._array, tensor_argument(mask, "masked_scatter", "mask", 2)._array
    y = tensor_argument(source, "masked_scatter", "source", 3)._array
    if y.dtype != x.dtype:
        names = [messages.TYPE_NAMES[t.dtype.name] for t in (input, source)]
        raise RuntimeError(
            f"masked_scatter: expected self and source to have same dtypes but got{names[0]} and {names[1]}"
        )
    if m.dtype.kind != "b":
        got = messages.TYPE_NAMES[mask.dtype.name]
        raise RuntimeError(f"masked_scatter_ only supports boolean masks, but got mask with dtype {got}")
    shape = broadcast_shape(m, x)
    whole = input if shape == x.shape else spread.call(input, shape)
    marked = np.broadcast_to(m, shape)
    count = int(marked.sum())
    if count > y.size:
        raise RuntimeError("Number of elements of source < number of ones in mask")
    key = (marked,) if shape else (np.zeros(count, INT64),)
    return _recorded(put_op.named("MaskedScatterBackward0"), whole, source.reshape(-1)[:count], key)


# Into what a view shows

placed: Op = op(
    "SelectScatterBackward0",
    lambda a, b, layout: fill_view(a, layout, b),
    a=lambda g, layout: zero_view(g, layout),
    b=lambda g, layout: view_of(g, layout),
)


def _placed(node_name: str, input: Tensor, src: Tensor, view: Tensor) -> Tensor:
    """A copy of `input` with `src` where `view`, which was made of it, is."""
    if src.shape != view.shape:
        raise RuntimeError(
            "expected src to have a size equal to the slice of self. "
            f"src size = {list(src.shape)}, slice size = {list(view.shape)}"
        )
    path: Any = view._view
    return placed.named(node_name).call(input, src.to(input.dtype), (path.path, input._array.strides))


def _apart(name: str, input: Tensor, src: Tensor) -> Tensor:
    """`input` without its history, to take a view of."""
    tensor_argument(src, name, "src", 2)
    return Tensor._of(tensor_argument(input, name)._array)


@public()
def select_scatter(input: Tensor, src: Tensor, dim: int, index: int) -> Tensor:
    """A copy of `input` with `src` at one index of `dim`."""
    return _placed("SelectScatterBackward0", input, src, select(_apart("select_scatter", input, src), dim, index))


@public()
def slice_scatter(
    input: Tensor, src: Tensor, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Tensor:
    """A copy of `input` with `src` at the indices `start:end:step` of `dim`."""
    whole = _apart("slice_scatter", input, src)
    if not whole.ndim:
        raise IndexError("slice() cannot be applied to a 0-dim tensor.")
    at = messages.checked_dim(dim, whole.ndim)
    start, end = (
        None if n is None else integer("slice_scatter", name, place, n)
        for name, place, n in (("start", 4, start), ("end", 5, end))
    )
    step = integer("slice_scatter", "step", 6, step)
    if step <= 0:
        raise RuntimeError("slice step must be positive")
    view = as_view(sliced, whole, (*(EVERY,) * at, slice(start, end, step)))
    return _placed("SliceScatterBackward0", input, src, view)


@public()
def diagonal_scatter(input: Tensor, src: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """A copy of `input` with `src` on the diagonal of dimensions `dim1` and `dim2`."""
    view = diagonal(_apart("diagonal_scatter", input, src), offset, dim1, dim2)
    return _placed("DiagonalScatterBackward0", input, src, view)


offer_in_place("index_put_")
