"""What is there, and how often: counts, histograms, different values, and places in a sorted row.

Source: https://docs.pytorch.org/docs/stable/torch.html#other-operations
"""

from __future__ import annotations

import math
from typing import Any, NoReturn

import numpy as np

from .. import dtypes, messages
from ..tensor import Tensor
from .convert import invalid_combination
from .data import INT64
from .factories import linspace
from .logic import integers
from .names import public, tensor_argument
from .options import as_number, integer
from .reduction import reduced_dims
from .results import result_type
from .table import Op, common_dtype

INTERNAL = True
Array = np.ndarray[Any, Any]


def _underived(node_name: str, error: type[Exception], text: str) -> Op:
    """An operation that gives what it is told to, and that torch has no rule for: it is not in the table."""

    def no_rule(g: Any) -> NoReturn:
        raise error(text)

    return Op(node_name, lambda a, found: found, {"a": no_rule}, "", False)


@public()
def count_nonzero(input: Tensor, dim: Any = None) -> Tensor:
    """How many elements are not zero, over `dim` (one or several) or in all."""
    x = tensor_argument(input, "count_nonzero")._array
    count = np.add.reduce(x != 0, axis=reduced_dims(dim, x.ndim), dtype=INT64)
    return integers(np.asarray(count, order="C"), input, "count_nonzero")


# Histograms


@public()
def bincount(input: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """How often each number from 0 on stands in a vector of integers; or the sum of its `weights`."""
    x = tensor_argument(input, "bincount")._array
    least = integer("bincount", "minlength", 3, minlength)
    if x.dtype.kind not in "iu":
        raise NotImplementedError(messages.not_implemented("bincount_cpu", input.dtype))
    if least < 0:
        raise RuntimeError("minlength should be >= 0")
    if x.ndim != 1 or (x.size and x.min() < 0):
        if not x.size and x.ndim == 1:
            return Tensor._of(np.zeros(least, INT64))
        raise RuntimeError("bincount only supports 1-d non-negative integral inputs.")
    if weights is None:
        return Tensor._of(np.bincount(x, minlength=least).astype(INT64))
    w = tensor_argument(weights, "bincount", "weights", 2)._array
    if w.ndim != 1 or w.size != x.size:
        raise RuntimeError("weights should be 1-d and have the same length as input")
    totals = np.zeros(max(least, int(x.max(initial=-1)) + 1), w.dtype if w.dtype.char == "f" else np.float64)
    np.add.at(totals, x, w.astype(totals.dtype))
    return integers(totals, weights, "bincount")


def _limits(function: str, x: Array, low: float, high: float, apart: float) -> tuple[float, float]:
    """The bounds of a histogram: of the elements where none are given, and `apart` from a number that is both."""
    if low == high and x.size:
        low, high = float(x.min()), float(x.max())
    if not (math.isfinite(low) and math.isfinite(high)):
        raise RuntimeError(f"{function}: range of [{low:g}, {high:g}] is not finite")
    return (low - apart, high + apart) if low == high else (low, high)


def _check_bins(bins: int) -> None:
    if bins <= 0:
        raise RuntimeError(f"torch.histogram(): bins must be > 0, but got {bins} for dimension 0")


@public()
def histc(input: Tensor, bins: int = 100, min: float = 0, max: float = 0) -> Tensor:
    """How many elements fall into each of `bins` parts of equal width from `min` to `max` (of the elements, for 0, 0).

    Elements outside are not counted; the largest number belongs to the last part.
    """
    x = tensor_argument(input, "histc")._array
    count = integer("histc", "bins", 1, bins)
    messages.check_floats(x, "histogram_cpu")
    _check_bins(count)
    if min > max:
        raise RuntimeError("torch.histc: max must be larger than min")
    low, high = (x.dtype.type(bound) for bound in _limits("torch.histc", x, float(min), float(max), 1))
    inside = x[(x >= low) & (x <= high)]
    places = ((inside - low) / (high - low) * x.dtype.type(count)).astype(INT64)
    counts = np.bincount(np.minimum(places, count - 1), minlength=count)
    return integers(counts.astype(x.dtype), input, "histc")


_histogram = _underived("NotImplemented", RuntimeError, "derivative for aten::histogram is not implemented")


@public()
def histogram(
    input: Tensor, bins: Any = 100, *, range: Any = None, weight: Tensor | None = None, density: bool = False
) -> Any:
    """How many elements fall between edges: a pair (hist, bin_edges).

    `bins` is a number of parts of equal width, from one end of `range` (of the elements) to the other, or a tensor of
    edges. `weight` counts each element as so many; `density` divides by total and width, so that the area is 1.
    """
    x = tensor_argument(input, "histogram")._array
    messages.check_floats(x, "histogramdd", "fd")
    if isinstance(bins, Tensor):
        edges = bins._array
        if edges.dtype != x.dtype:
            raise RuntimeError(
                "torch.histogramdd: input tensor and bins tensors should have the same dtype, but got input with dtype "
                f"{messages.C_NAMES[input.dtype.name]} and bins for dimension 0 with dtype "
                f"{messages.C_NAMES[bins.dtype.name]}"
            )
    else:
        count = integer("histogram", "bins", 1, bins)
        _check_bins(count)
        low, high = (0.0, float(not x.size)) if range is None else map(float, range)
        if low > high:
            raise RuntimeError(
                f"torch.histogramdd: min should not exceed max, but got min {low:g} max {high:g} for dimension 0"
            )
        low, high = _limits("torch.histogramdd()", x if range is None else x[:0], low, high, 0.5)
        made: Tensor = linspace(low, high, count + 1, dtype=input.dtype)
        edges = made._array
    inside = (x >= edges[0]) & (x <= edges[-1]) if edges.size else np.zeros(x.shape, bool)
    places = np.minimum(np.searchsorted(edges, x[inside], side="right") - 1, edges.size - 2)
    amounts = np.zeros(max(edges.size - 1, 0), x.dtype)
    np.add.at(amounts, places, 1 if weight is None else weight._array[inside])
    if density:
        amounts = amounts / amounts.sum() / np.diff(edges)
    results = [_histogram.call(input, found) for found in (amounts, edges.copy())]
    return result_type("histogram", "hist", "bin_edges")(tuple(results))


# Different values

_unique = _underived("Unique2Backward0", NotImplementedError, "the derivative for '_unique2' is not implemented.")
_unique_slices = _underived(
    "UniqueDimBackward0", NotImplementedError, "the derivative for 'unique_dim' is not implemented."
)
_unique_runs = _underived(
    "UniqueConsecutiveBackward0", NotImplementedError, "the derivative for 'unique_consecutive' is not implemented."
)


def _distinct(rows: Array, order: Array) -> tuple[Array, Array, Array]:
    """Of rows taken in an order in which equal ones are neighbours: the first of each, which it is, and how many."""
    found = rows[order]
    new = np.ones(len(found), bool)
    new[1:] = (found[1:] != found[:-1]).any(axis=1)
    which = np.empty(len(found), INT64)
    which[order] = np.cumsum(new) - 1
    counts = np.diff(np.append(new.nonzero()[0], len(found)))
    return order[new], which, counts.astype(INT64)


def _unique_result(
    input: Tensor, dim: int | None, ordered: bool, made: Op, return_inverse: bool, return_counts: bool
) -> Any:
    x = input._array
    if dim is None:
        rows = x.reshape(-1, 1)
    else:
        if not x.ndim:
            raise IndexError("Dimension specified as 0 but tensor has no dimensions")
        if not x.size and (x.shape[dim] or sum([n == 0 for n in x.shape]) > 1):
            raise RuntimeError("There are 0 sized dimensions, and they aren't selected, so unique cannot be applied")
        rows = np.moveaxis(x, dim, 0).reshape(x.shape[dim], -1) if x.size else np.zeros((0, 1), x.dtype)
    order = np.lexsort(rows.T[::-1]) if ordered else np.arange(len(rows))
    first, which, counts = _distinct(rows, order)
    if dim is None:
        values = x.reshape(-1)[first]
    else:
        values = np.moveaxis(np.ascontiguousarray(np.moveaxis(x, dim, 0)[first]), 0, dim)
    inverse = which.reshape(x.shape) if dim is None else which
    results = [made.call(input, values)]
    results += [Tensor._of(inverse)] * return_inverse + [Tensor._of(counts)] * return_counts
    return tuple(results) if len(results) > 1 else results[0]


@public()
def unique(
    input: Tensor,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """The different values, or slices along `dim`, in order (`sorted` or not); each NaN is another.

    With `return_inverse` also which of them each element is, with `return_counts` how often each is there.
    """
    at = None if dim is None else messages.checked_dim(dim, tensor_argument(input, "unique").ndim)
    made = _unique if dim is None else _unique_slices
    return _unique_result(tensor_argument(input, "unique"), at, True, made, return_inverse, return_counts)


@public()
def unique_consecutive(
    input: Tensor, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any:
    """The values, or slices along `dim`, without those that equal the one before; more as for `unique`."""
    at = None if dim is None else messages.checked_dim(dim, tensor_argument(input, "unique_consecutive").ndim)
    tensor_argument(input, "unique_consecutive")
    return _unique_result(input, at, False, _unique_runs, return_inverse, return_counts)


@public(method=False)
def isin(elements: Any, test_elements: Any, *, assume_unique: bool = False, invert: bool = False) -> Tensor:
    """Where an element is one of `test_elements` (or, with `invert`, is none); either may be a number."""
    given = elements, test_elements
    if not any(isinstance(value, Tensor) for value in given) or any(
        not isinstance(value, Tensor) and as_number(value) is None for value in given
    ):
        options = "*, bool assume_unique = False, bool invert = False)"
        kinds = ("Tensor", "Tensor"), ("Number", "Tensor"), ("Tensor", "Number")
        forms = [f"({a} element{'s' * (a == 'Tensor')}, {b} test_elements, {options}" for a, b in kinds]
        raise invalid_combination("isin", given, {}, *forms)
    if dtypes.bool_ in [value.dtype if isinstance(value, Tensor) else dtypes.of_number(value) for value in given]:
        raise RuntimeError("Unsupported input type encountered for isin(): Bool")
    d = common_dtype(*given).numpy
    x, y = (value._array if isinstance(value, Tensor) else np.array(value) for value in given)
    found = np.isin(x.astype(d), y.astype(d), invert=invert)
    return integers(found, next(value for value in given if isinstance(value, Tensor)), "isin")


# Places in a sorted row


def _places(rows: Array, values: Array, right: bool) -> Array:
    """For each value the place in its row that it would have in order: a search by halves, as torch does it.

    rows  in one dimension for all values, or in as many as `values`; they need be in order for the result to be right
    """
    start = np.zeros(values.shape, INT64)
    end = np.full(values.shape, rows.shape[-1], INT64)
    while (start < end).any():
        middle = (start + end) // 2
        safe = np.minimum(middle, rows.shape[-1] - 1)
        there = rows[safe] if rows.ndim == 1 else np.take_along_axis(rows, safe, -1)
        before = ~(there > values if right else there >= values)
        open_ = start < end
        start, end = np.where(open_ & before, middle + 1, start), np.where(open_ & ~before, middle, end)
    return start


def _searched(name: str, rows: Tensor, input: Any, out_int32: bool, right: bool, sorter: Array | None = None) -> Tensor:
    b = rows._array if sorter is None else np.take_along_axis(rows._array, sorter, -1)
    value = input if isinstance(input, Tensor) else as_number(input)
    if value is None:
        raise invalid_combination(name, (rows, input), {}, "(Tensor sorted_sequence, Tensor input)")
    x = value._array if isinstance(value, Tensor) else np.array(value)
    d = common_dtype(rows, value).numpy
    if d.kind == "b" and x.size:
        raise NotImplementedError(messages.not_implemented("searchsorted_out_cpu", dtypes.bool_))
    found = _places(b.astype(d), x.astype(d), right)
    return integers(found.astype(np.int32) if out_int32 else found, rows, name)


@public(method=False)
def searchsorted(
    sorted_sequence: Tensor,
    input: Any,
    *,
    out_int32: bool = False,
    right: bool = False,
    side: str | None = None,
    sorter: Tensor | None = None,
) -> Tensor:
    """Where in each row of `sorted_sequence` the values of `input` belong: before what is equal, or after (`right`).

    A sequence of one dimension serves all values; else all dimensions but the last must be equal. `sorter` holds the
    indices that sort the sequence, if it is not sorted itself.
    """
    b = tensor_argument(sorted_sequence, "searchsorted", "sorted_sequence")._array
    if side is not None and side not in ("left", "right"):
        raise RuntimeError(f"torch.searchsorted(): side can only be 'left' or 'right' but got {side}")
    if side == "left" and right:
        raise RuntimeError(
            "torch.searchsorted(): side and right can't be set to opposites, got side of left while right was True"
        )
    x = input._array if isinstance(input, Tensor) else np.zeros(())
    if not x.ndim and b.ndim != 1:
        raise RuntimeError(
            "torch.searchsorted(): input value can be a scalar only when boundaries tensor dimension is 1, but we got "
            f"boundaries tensor dim({b.ndim}) and input value's dim({x.ndim}) numel({x.size})"
        )
    if b.ndim != 1 and b.shape[:-1] != x.shape[:-1]:
        raise RuntimeError(
            "torch.searchsorted(): boundaries tensor should be 1 dimension or the first N-1 dimensions of boundaries "
            f"tensor and input value tensor must match, but we got boundaries tensor {list(b.shape)} and input value "
            f"tensor {list(x.shape)}"
        )
    order = None
    if sorter is not None:
        order = sorter._array
        if order.shape != b.shape:
            raise RuntimeError(
                "torch.searchsorted(): boundary and sorter must have the same size, but got boundary tensor "
                f"{list(b.shape)}and got sorter tensor {list(order.shape)}"
            )
        if order.dtype != INT64:
            name = messages.TYPE_NAMES[sorter.dtype.name]
            raise RuntimeError(f"torch.searchsorted(): sorter must be a tensor of long dtype but got dtype {name}")
        if order.size and not (order.min() >= 0 and order.max() < b.shape[-1]):
            raise RuntimeError("torch.searchsorted(): sorter index out of range")
    return _searched("searchsorted", sorted_sequence, input, out_int32, right or side == "right", order)


@public(method=False)
def bucketize(input: Any, boundaries: Tensor, *, out_int32: bool = False, right: bool = False) -> Tensor:
    """Between which of the `boundaries`, a sorted vector, each value lies; a value equal to one lies before it.

    With `right`, after it.
    """
    b = tensor_argument(boundaries, "bucketize", "boundaries", 2)._array
    if b.ndim != 1:
        raise RuntimeError(f"boundaries tensor must be 1 dimension, but got dim({b.ndim})")
    return _searched("bucketize", boundaries, input, out_int32, right)
