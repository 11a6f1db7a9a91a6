"""Elements in order: `sort`, the largest ones, the middle one, the most frequent one, and where they are.

NaN counts as larger than all numbers. Source: https://docs.pytorch.org/docs/stable/torch.html#comparison-ops
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import messages
from ..layout import empty_as
from ..tensor import Tensor
from .extremes import evenly, pick
from .logic import integers
from .names import NOT_GIVEN, is_over_all, public, tensor_argument
from .options import integer
from .results import values_and_indices
from .table import op
from .ties import kth_index, nth_order, sort_order, sort_part

INTERNAL = True
Array = np.ndarray[Any, Any]


def sorted_indices(a: Array, dim: int, descending: bool = False) -> Array:
    """The indices that bring `a` into order along `dim`; equal elements keep theirs."""
    if not a.ndim:
        return np.zeros((), np.int64)
    if not descending:
        return np.argsort(a, dim, kind="stable")
    return np.flip(a.shape[dim] - 1 - np.argsort(np.flip(a, dim), dim, kind="stable"), dim)


def _laid_out_as(result: Array, a: Array) -> Array:
    """`result`, its dimensions in memory in the order of those of `a`."""
    made = empty_as(a, result.dtype)
    np.copyto(made, result)
    return made


def _found(name: str, input: Tensor, index: Array, dim: int, number: int = 0, keepdim: bool = True) -> Any:
    """What `function` returns for the elements at `index` (all along `dim`) of `input`."""
    backward = f"{name.title()}Backward{number}"
    values = pick.named(backward).call(input, index, dim, keepdim)
    shown = index if keepdim or not index.ndim else index.squeeze(dim)
    return values_and_indices(name, values, integers(np.array(shown, order="C"), input, name))


@public()
def sort(input: Tensor, dim: int = -1, descending: bool = False, *, stable: bool | None = NOT_GIVEN) -> Any:
    """The elements in order along `dim`: a pair (values, indices). Equal ones keep their order, `stable` or not."""
    x = tensor_argument(input, "sort")._array
    at = messages.checked_dim(dim, x.ndim)
    found = _found("sort", input, sorted_indices(x, at, descending), at, int(stable is not NOT_GIVEN))
    for result in found:
        result._array = _laid_out_as(result._array, x)
    return found


@public()
def argsort(input: Tensor, dim: int = -1, descending: bool = False, *, stable: bool = False) -> Tensor:
    """The indices that bring `input` into order along `dim`. Equal elements keep their order, `stable` or not."""
    x = tensor_argument(input, "argsort")._array
    index = sorted_indices(x, messages.checked_dim(dim, x.ndim), descending)
    return integers(_laid_out_as(index, x), input, "argsort")


@public()
def msort(input: Tensor) -> Tensor:
    """The elements in order along the first dimension."""
    return sort(input, 0)[0]


@public()
def topk(input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Any:
    """The `k` largest (or smallest) elements along `dim`: a pair (values, indices), in order if `sorted`.

    Which of several equal elements are taken, and in which order, is as in torch, if `k` is more than a 64th of them.
    """
    x = tensor_argument(input, "topk")._array
    k = integer("topk", "k", 1, k)
    at = messages.checked_dim(dim, x.ndim)
    if not 0 <= k <= (x.shape[at] if x.ndim else 1):
        raise RuntimeError("selected index k out of range")
    if x.dtype.kind == "b":
        raise RuntimeError("topk does not support bool dtypes on CPU")
    if not x.ndim:
        return _found("topk", input, np.zeros((), np.int64), 0)
    order = sorted_indices(x, at, descending=largest)
    index = np.take(order, range(k), at)
    n = x.shape[at]
    if n > 3 and k > 0 and n < 64 * k:
        _reselect(x, order, index, at, k, sorted)
    return _found("topk", input, index, at)


def _reselect(x: Array, order: Array, index: Array, dim: int, k: int, in_order: bool) -> None:
    """In rows whose elements tie, or that need no order, choose as torch does."""
    rows, ranks = _rows(x, dim), _rows(_ranks(x, order, dim), dim)
    chosen = np.moveaxis(index, dim, -1).reshape(-1, k)
    for row in range(len(rows)):
        best = np.sort(ranks[row])[: k + 1]
        if in_order and (best[1:] != best[:-1]).all():
            continue
        keys = ranks[row].tolist()
        found = nth_order(keys, k - 1)
        chosen[row] = (sort_part(found, keys, k - 1) if in_order else found)[:k]
    index[...] = np.moveaxis(chosen.reshape(np.moveaxis(index, dim, -1).shape), -1, dim)


def _rows(x: Array, dim: int) -> Array:
    """The elements along `dim`, a row each."""
    return np.moveaxis(x, dim, -1).reshape(-1, x.shape[dim])


def _ranks(x: Array, order: Array, dim: int) -> Array:
    """For each element how many different ones stand before it in `order`; NaN are equal."""
    values = np.take_along_axis(x, order, dim)
    after, before = (np.take(values, range(i, x.shape[dim] - 1 + i), dim) for i in (1, 0))
    steps = (after != before) & ~((after != after) & (before != before))
    counted = np.concatenate([np.zeros_like(np.take(order, [0], dim)), np.cumsum(steps, dim)], dim)
    ranks = np.empty_like(order)
    np.put_along_axis(ranks, order, counted, dim)
    return ranks


# One element of a row


def _nothing(name: str, x: Array, dim: int) -> None:
    """Raise torch's error where the rows have no elements."""
    if x.ndim and not x.shape[dim]:
        raise IndexError(messages.nothing_to_choose(name, dim=dim))


def _chosen(name: str, input: Tensor, index: Array, dim: int, keepdim: bool, number: int = 0) -> Any:
    """What `function` returns for one index per row."""
    if not input._array.ndim:
        index = index.reshape(())
    return _found(name, input, index, dim, number, keepdim)


def _row_by_row(index: Array, x: Array, dim: int, wrong: Array, choose: Any) -> None:
    """Where `wrong`, let `choose`, given the elements of a row, say what its index is."""
    rows, chosen, redo = _rows(x, dim), np.moveaxis(index, dim, -1).reshape(-1), np.moveaxis(wrong, dim, -1).reshape(-1)
    for row in redo.nonzero()[0]:
        chosen[row] = choose(rows[row])
    index[...] = np.moveaxis(chosen.reshape(np.moveaxis(index, dim, -1).shape), -1, dim)


@public()
def kthvalue(input: Tensor, k: int, dim: int = -1, keepdim: bool = False) -> Any:
    """The `k`-th smallest element along `dim`, counted from 1: a pair (values, indices)."""
    x = tensor_argument(input, "kthvalue")._array
    k = integer("kthvalue", "k", 1, k)
    at = messages.checked_dim(dim, x.ndim)
    _nothing("kthvalue", x, at)
    if not 1 <= k <= (x.shape[at] if x.ndim else 1):
        raise RuntimeError(f"kthvalue(): selected number k out of range for dimension {at}")
    if not x.ndim:
        return _chosen("kthvalue", input, np.zeros(1, np.int64), at, keepdim)
    if x.dtype.kind == "b":
        raise NotImplementedError(messages.not_implemented("kthvalue_cpu", input.dtype))
    index = np.take(sorted_indices(x, at), [k - 1], at)
    _row_by_row(
        *(index, x, at, _tied(x, index, at)),
        lambda row: kth_index(_ranks(row, sorted_indices(row, 0), 0).tolist(), k - 1),
    )
    return _chosen("kthvalue", input, index, at, keepdim)


def _tied(x: Array, index: Array, dim: int) -> Array:
    """The rows in which the element at `index` is there more than once."""
    value = np.take_along_axis(x, index, dim)
    same = (x == value) | ((x != x) & (value != value))
    return np.add.reduce(same, axis=dim, keepdims=True) > 1


def _median(a: Array, ignore_nan: bool) -> Array:
    flat = np.sort(a, axis=None)
    count = flat.size - (int(np.isnan(flat).sum()) if a.dtype.kind == "f" and ignore_nan else 0)
    if not count or (a.dtype.kind == "f" and not ignore_nan and np.isnan(flat[-1])):
        return np.full((), math.nan).astype(a.dtype)
    return np.array(flat[(count - 1) // 2])


median_all = op("MedianBackward0", lambda a: _median(a, False), a=evenly)
nanmedian_all = op("NanmedianBackward0", lambda a: _median(a, True), a=evenly)


def _middle(name: str, input: Tensor, dim: Any, keepdim: bool, whole: Any) -> Any:
    x = tensor_argument(input, name)._array
    if is_over_all(name, dim, keepdim):
        if x.dtype.kind == "b":
            raise NotImplementedError(messages.not_implemented("median_cpu", input.dtype))
        return whole.call(input)
    at = messages.checked_dim(dim, x.ndim)
    _nothing("median", x, at)
    if x.dtype.kind == "b":
        raise NotImplementedError(messages.not_implemented("median_out", input.dtype))
    if not x.ndim:
        return _chosen(name, input, np.zeros(1, np.int64), at, keepdim is True, 1)
    order, missing = sorted_indices(x, at), x != x
    absent = np.add.reduce(missing, axis=at, keepdims=True) if name == "nanmedian" else 0
    middle = np.broadcast_to((x.shape[at] - 1 - absent) // 2, [1 if i == at else n for i, n in enumerate(x.shape)])
    index = np.take_along_axis(order, np.maximum(middle, 0), at)
    index = np.ascontiguousarray(index)  # as torch's results are, however the input lies
    if name == "median":
        index = np.where(missing.any(axis=at, keepdims=True), np.argmax(missing, axis=at, keepdims=True), index)
    return _chosen(name, input, index, at, keepdim is True, 1)


@public()
def median(input: Tensor, dim: int = NOT_GIVEN, keepdim: bool = NOT_GIVEN) -> Any:
    """The middle element, the lower of two; over `dim`, a pair (values, indices). NaN if one element is NaN.

    Elements that tie share the gradient; over `dim` the one that `indices` names gets it.
    """
    return _middle("median", input, dim, keepdim, median_all)


@public()
def nanmedian(input: Tensor, dim: int = NOT_GIVEN, keepdim: bool = NOT_GIVEN) -> Any:
    """The middle one, the lower of two, of the elements that are not NaN; over `dim`, a pair (values, indices)."""
    return _middle("nanmedian", input, dim, keepdim, nanmedian_all)


@public()
def mode(input: Tensor, dim: int = -1, keepdim: bool = False) -> Any:
    """The most frequent element along `dim`, the smallest of several: a pair (values, indices)."""
    x = tensor_argument(input, "mode")._array
    at = messages.checked_dim(dim, x.ndim)
    _nothing("mode", x, at)
    shape = tuple([1 if i == at else n for i, n in enumerate(x.shape)])
    index = np.zeros(shape, np.int64)
    if x.ndim:
        _row_by_row(index, x, at, np.ones(shape, bool), lambda row: _mode_index(row.tolist()))
    return _chosen("mode", input, index, at, keepdim)


def _mode_index(keys: list[Any]) -> int:
    """Where the last one, in sorted order, of the most frequent keys stands."""
    order = sort_order(keys)
    found, most, count = 0, 0, 0
    for place, at in enumerate(order):
        count += 1
        if place + 1 == len(order) or keys[at] != keys[order[place + 1]]:
            if count > most:
                found, most = at, count
            count = 0
    return found
