"""The largest and the smallest elements, and where they are."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import numpy as np

from .. import dtypes, messages
from ..tensor import Tensor
from .logic import integers
from .names import public, tensor_argument
from .reduction import share
from .shape import spread
from .table import Op, op

INTERNAL = True
Array = np.ndarray[Any, Any]
Dims = tuple[int, ...]


def _extreme_rule(g: Any, a: Any, out: Any) -> Any:
    winners = (a == out) | ((a != a) & (out != out))
    return share(spread(g, a.shape), winners, tuple(range(a.ndim)))


max_all = op("MaxBackward1", lambda a: np.maximum.reduce(a, axis=None), a=_extreme_rule)
min_all = op("MinBackward1", lambda a: np.minimum.reduce(a, axis=None), a=_extreme_rule)


def _pick(a: Array, index: Array, dim: int, keepdim: bool) -> Array:
    if a.ndim == 0:
        return a.copy()
    picked = np.take_along_axis(a, index, dim)
    return picked if keepdim else picked.squeeze(dim)


def _place(a: Array, shape: Dims, index: Array, dim: int, keepdim: bool) -> Array:
    if not shape:
        return a.copy()
    placed = np.zeros(shape, a.dtype)
    np.put_along_axis(placed, index, a if keepdim else np.expand_dims(a, dim), dim)
    return placed


pick: Op = op(
    "MaxBackward0",
    _pick,
    a=lambda g, a_shape, index, dim, keepdim: place(g, a_shape, index, dim, keepdim),
)
place: Op = op("PlaceBackward0", _place, a=lambda g, index, dim, keepdim: pick(g, index, dim, keepdim))


class _Extremes:
    """How torch prints the pair that `max` and `min` over a dimension return."""

    def __repr__(self) -> str:
        parts = ",\n".join(f"{name}={value!r}" for name, value in zip(self._fields, self, strict=True))  # type: ignore[attr-defined, call-overload]
        return f"torch.return_types.{type(self).__name__}(\n{parts})"


MaxResult: Any = type("max", (_Extremes, namedtuple("max", "values indices")), {"__slots__": ()})
MinResult: Any = type("min", (_Extremes, namedtuple("min", "values indices")), {"__slots__": ()})


def _extreme(input: Tensor, dim: Any, keepdim: bool, name: str, whole: Any, best: Any, result: Any) -> Any:
    input = tensor_argument(input, name)
    if dim is None:
        if input.numel() == 0:
            raise RuntimeError(messages.nothing_to_choose(name, whole=True))
        return whole.call(input)
    dim = messages.checked_dim(dim, input.ndim)
    if input.ndim == 0:
        index = np.zeros((), np.int64)
        values = pick.named(f"{name.title()}Backward0").call(input, index, dim, keepdim)
        return result(values, integers(index.copy(), input, name))
    if input.shape[dim] == 0:
        raise IndexError(messages.nothing_to_choose(name, dim=dim))
    index = np.expand_dims(best(input._array, axis=dim), dim)
    values = pick.named(f"{name.title()}Backward0").call(input, index, dim, keepdim)
    return result(values, integers(index.copy() if keepdim else index.squeeze(dim).copy(), input, name))


@public()
def max(input: Tensor, dim_or_other: Any = None, keepdim: bool = False, *, dim: Any = None, other: Any = None) -> Any:
    """The largest element; over `dim`, a pair (values, indices); with a tensor, the elementwise maximum.

    Elements that tie for the largest share the gradient; over `dim` the first of them gets it.
    """
    other = dim_or_other if isinstance(dim_or_other, Tensor) else other
    if other is not None:
        return input.maximum(other)
    return _extreme(input, dim if dim_or_other is None else dim_or_other, keepdim, "max", max_all, np.argmax, MaxResult)


@public()
def min(input: Tensor, dim_or_other: Any = None, keepdim: bool = False, *, dim: Any = None, other: Any = None) -> Any:
    """The smallest element; over `dim`, a pair (values, indices); with a tensor, the elementwise minimum.

    Elements that tie for the smallest share the gradient; over `dim` the first of them gets it.
    """
    other = dim_or_other if isinstance(dim_or_other, Tensor) else other
    if other is not None:
        return input.minimum(other)
    return _extreme(input, dim if dim_or_other is None else dim_or_other, keepdim, "min", min_all, np.argmin, MinResult)


def _index_of(input: Tensor, dim: Any, keepdim: bool, name: str, best: Any) -> Tensor:
    input = tensor_argument(input, name)
    if input.dtype is dtypes.bool_:
        raise RuntimeError(f"{name}(): does not support bool input")
    if dim is None:
        if input.numel() == 0:
            raise IndexError(messages.nothing_to_choose(name))
        index = np.asarray(best(input._array), dtype=np.int64)
        return integers(index.reshape((1,) * input.ndim) if keepdim else index, input, name)
    dim = messages.checked_dim(dim, input.ndim)
    if input.ndim == 0:
        return integers(np.zeros((), np.int64), input, name)
    if input.shape[dim] == 0:
        raise IndexError(messages.nothing_to_choose(name, dim=dim))
    return integers(best(input._array, axis=dim, keepdims=keepdim), input, name)


@public()
def argmax(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """The index of the largest element, over `dim` or in the flattened tensor; of the first, at a tie."""
    return _index_of(input, dim, keepdim, "argmax", np.argmax)


@public()
def argmin(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """The index of the smallest element, over `dim` or in the flattened tensor; of the first, at a tie."""
    return _index_of(input, dim, keepdim, "argmin", np.argmin)
