"""Values written, added or otherwise reduced, each at a place of its own: `scatter` and its like.

Where several values are written to one place, the last one stays.
Source: https://docs.pytorch.org/docs/stable/torch.html#indexing-slicing-joining-mutating-ops
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import messages
from ..tensor import Tensor
from ..warning import warn
from .assigning import put, write_at, zeroed
from .convert import invalid_combination
from .data import INT64
from .half import in_single
from .indexing import own, picked
from .indices import Array, Key, check_bounds, number_array
from .inplace import as_view, like
from .names import public, tensor_argument
from .options import as_number, integer
from .picking import index_vector, key_along
from .pointwise import keep, select
from .products import scaled
from .reduction import array_of
from .rounding import underived
from .shape import insert_axis, part, remove_axes
from .table import Op, op

INTERNAL = True

# Operations


def _put_number(a: Array, key: Key, number: Array) -> Array:
    changed = a.copy()
    write_at(changed, key, number)
    return changed


def _add_at(a: Array, b: Array, key: Key, alpha: float = 1) -> Array:
    if a.dtype.char == "e":
        return in_single(_add_at, a, b.astype(np.float32), key, alpha)
    changed = a.copy()
    if b.size:
        np.add.at(changed, key, b if alpha == 1 else b * b.dtype.type(alpha))
    return changed


put_number = op("ScatterBackward1", _put_number, a=lambda g, key: zeroed(g, key))
add_at: Op = op(
    "ScatterAddBackward0",
    _add_at,
    a=lambda g: g,
    b=lambda g, key, alpha: scaled(picked(g, key), alpha),
)


def _counts(key: Key, shape: tuple[int, ...], of: Array, what: Any) -> Array:
    """How many elements of `what` go to each place, as numbers of the dtype of `of`."""
    total = np.zeros(shape, of.dtype)
    np.add.at(total, key, what)
    return total


_REDUCTIONS = {"sum": np.add, "prod": np.multiply, "mean": np.add, "amax": np.maximum, "amin": np.minimum}
_NEUTRAL = {"sum": 0, "prod": 1, "mean": 0, "amax": -math.inf, "amin": math.inf}


def _reduce_at(a: Array, b: Array, key: Key, reduce: str, include_self: bool) -> Array:
    if a.dtype.char == "e":
        return in_single(_reduce_at, a, b.astype(np.float32), key, reduce, include_self)
    reduced = a.copy()
    if not include_self:
        reduced[key] = _neutral(reduce, a.dtype)
    _REDUCTIONS[reduce].at(reduced, key, b)
    if reduce == "mean":
        count = np.maximum(_counts(key, a.shape, a, 1) + include_self, 1)
        reduced = reduced / count if a.dtype.kind == "f" else np.floor_divide(reduced, count)
    return reduced.astype(a.dtype, copy=False)


def _neutral(reduce: str, d: np.dtype[Any]) -> Any:
    number = _NEUTRAL[reduce]
    if d.kind == "f" or math.isfinite(number):
        return number
    if d.kind == "b":
        return number > 0
    return np.iinfo(d).max if number > 0 else np.iinfo(d).min


def _shares(g: Any, a: Any, b: Any, out: Any, key: Key) -> Any:
    """The gradient of each extreme place, divided by how many elements, there already or written, are the extreme."""
    winners = array_of(a == out) + _counts(key, a.shape, array_of(a), array_of(b == picked(out, key)))
    return g / like(winners.astype(array_of(a).dtype), a)


def _reduce_rule_of_self(g: Any, a: Any, b: Any, out: Any, key: Key, reduce: str, include_self: bool) -> Any:
    """Source: torch's `scatter_reduce_backward`."""
    if reduce == "mean":
        count = _counts(key, a.shape, array_of(a), 1) + include_self
        g = g / like(np.maximum(count, 1).astype(array_of(a).dtype), a)
    elif reduce == "prod":
        others = select(like(np.ones((), array_of(a).dtype), a), a, a == 0)
        g = g * reduce_at(others, b, key, reduce, include_self) / others
    elif reduce != "sum":
        g = keep(_shares(g, a, b, out, key), a == out)
    return g if include_self else zeroed(g, key)


def _reduce_rule_of_source(g: Any, a: Any, b: Any, out: Any, key: Key, reduce: str, include_self: bool) -> Any:
    if reduce == "sum":
        return picked(g, key)
    if reduce == "mean":
        count = _counts(key, a.shape, array_of(a), 1) + include_self
        return picked(g / like(np.maximum(count, 1).astype(array_of(a).dtype), a), key)
    if reduce != "prod":
        return keep(picked(_shares(g, a, b, out, key), key), b == picked(out, key))
    zero = array_of(b == 0)
    single = zero & (_counts(key, a.shape, array_of(a), zero)[key] == 1)
    ones = like(np.ones((), array_of(b).dtype), b)
    of_others = reduce_at(a, select(ones, b, like(single, b)), key, reduce, include_self)
    slope = picked(g * out, key) / select(ones, b, like(zero, b))
    return select(picked(g * of_others, key), slope, like(single, b))


reduce_at: Op = op("ScatterReduceBackward0", _reduce_at, a=_reduce_rule_of_self, b=_reduce_rule_of_source)


# torch has no rules for it, and so it is not in the table.
_scatter_reduced = Op(
    "NotImplemented",
    lambda a, b, key, reduce: _reduce_at(a, b, key, reduce, True),
    {"a": underived("scatter"), "b": underived("scatter")},
    "",
    False,
)

# `scatter`: an index for every element that is written


def _scatter_key(name: str, input: Tensor, dim: int, index: Tensor, source: Tensor | None) -> tuple[int, Array]:
    """The dimension, counted from the front, and the indices; torch's errors for what does not fit together."""
    x, i = tensor_argument(input, name)._array, tensor_argument(index, name, "index", 2)._array
    at = messages.checked_dim(integer(name, "dim", 1, dim), x.ndim)
    if source is not None and source._array.dtype != x.dtype:
        raise RuntimeError("scatter(): Expected self.dtype to be equal to src.dtype")
    if not i.size:
        return at, np.zeros((0,) * max(x.ndim, 1), INT64)
    i = index_vector(index, "lqi", "scatter(): Expected dtype int32/int64 for index")
    if max(i.ndim, 1) != max(x.ndim, 1):
        raise RuntimeError("Index tensor must have the same number of dimensions as self tensor")
    if source is not None and max(source._array.ndim, 1) != max(i.ndim, 1):
        raise RuntimeError("Index tensor must have the same number of dimensions as src tensor")
    sizes = zip(i.shape, x.shape or (1,), strict=False)
    if any(n > size for d, (n, size) in enumerate(sizes) if d != at) or (
        source is not None and any(n > size for n, size in zip(i.shape, source._array.shape, strict=False))
    ):
        and_source = "" if source is None else f" and to be no larger size than src {list(source._array.shape)}"
        raise RuntimeError(
            f"Expected index {list(i.shape)} to be no larger than self {list(x.shape)} apart from dimension {at}"
            f"{and_source}"
        )
    check_bounds(i, x.shape[at] if x.ndim else 1, at, RuntimeError)
    return at, i.reshape(i.shape or (1,))


def with_a_dim(t: Tensor) -> Tensor:
    """`t`, in one dimension if it has none."""
    return t if t._array.ndim else as_view(insert_axis, t, 0)


def as_before(made: Tensor, input: Tensor, node_name: str) -> Tensor:
    """`made`, without the dimension that was given to a 0-d `input`."""
    if input._array.ndim:
        return made
    result: Tensor = remove_axes.named(node_name).call(made, (0,))
    result._array = result._array.copy()  # rules may need `made` as it is
    return result


def _scattered(made: Op, input: Tensor, at: int, i: Array, source: Tensor, *options: Any) -> Tensor:
    """The result of an operation of elements, written elements and where these go."""
    whole, written = with_a_dim(input), with_a_dim(source)
    if not i.size:
        written = written.reshape(-1)[:0].reshape(i.shape)
    elif written._array.shape != i.shape:
        written = as_view(part, written, tuple([slice(n) for n in i.shape]))
    key = own(key_along(i, at, whole._array.ndim), input, source)
    return as_before(made.call(whole, written, key, *options), input, made.node_name)


@public(in_place=True)
def scatter(
    input: Tensor, dim: int, index: Tensor, src: Any = None, *, value: Any = None, reduce: str | None = None
) -> Tensor:
    """`input`, but elements of `src`, or a number, at the places in `dim` that `index` says for them.

    `index` (int64 or int32) has as many dimensions as `input` and is nowhere larger than `src`. With `reduce`, "add"
    or "multiply", the elements are added to or multiplied with what is there, and no gradient flows.
    """
    given = src if value is None else value
    source = given if isinstance(given, Tensor) else None
    number = as_number(given) if source is None else None
    twice = src is not None and value is not None
    if (source is None and number is None) or twice or not isinstance(index, Tensor):
        forms = "(int dim, Tensor index, Tensor src)", "(int dim, Tensor index, Tensor src, *, str reduce)"
        numbers = "(int dim, Tensor index, Number value)", "(int dim, Tensor index, Number value, *, str reduce)"
        raise invalid_combination("scatter", (dim, index, given), {}, *forms, *numbers)
    if reduce is not None and source is not None:
        warn(
            "The reduce argument of torch.scatter with Tensor src is deprecated and will be removed in a future "
            "PyTorch release. Use torch.scatter_reduce instead for more reduction options."
        )
    at, i = _scatter_key("scatter", input, dim, index, source)
    if reduce is not None and reduce not in ("add", "multiply"):
        raise RuntimeError("reduce argument must be either add or multiply.")
    if source is None:
        filling = number_array(number if i.size else 0, input._array.dtype)  # none is written, so any fits
        if reduce is None:
            whole = with_a_dim(input)
            key = own(key_along(i, at, whole._array.ndim), input)
            return as_before(put_number.call(whole, key, filling), input, "ScatterBackward1")
        source = Tensor._of(np.full(i.shape, filling))
    if reduce is None:
        return _scattered(put.named("ScatterBackward0"), input, at, i, source)
    return _scattered(_scatter_reduced, input, at, i, source, {"add": "sum", "multiply": "prod"}[reduce])


@public(in_place=True)
def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """`input` plus the elements of `src`, each added at the place in `dim` that `index` says for it."""
    tensor_argument(src, "scatter_add", "src", 3)
    at, i = _scatter_key("scatter_add", input, dim, index, src)
    return _scattered(add_at, input, at, i, src, 1)


@public(in_place=True)
def scatter_reduce(
    input: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, *, include_self: bool = True
) -> Tensor:
    """The "sum", "prod", "mean", "amax" or "amin" of the elements of `src` that `index` brings to each place in `dim`.

    What is in `input` counts as one more of them, if `include_self`; where nothing is brought, it stays.
    """
    tensor_argument(src, "scatter_reduce", "src", 3)
    at, i = _scatter_key("scatter_reduce", input, dim, index, src)
    if reduce not in _REDUCTIONS:
        raise RuntimeError(f"reduce argument must be either sum, prod, mean, amax or amin, got {reduce}")
    return _scattered(reduce_at, input, at, i, src, reduce, bool(include_self))
