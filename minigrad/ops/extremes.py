"""The largest and the smallest elements, and where they are."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import dtypes, messages
from ..tensor import Tensor
from .convert import invalid_combination
from .logic import integers
from .names import NOT_GIVEN, is_over_all, public, tensor_argument
from .pointwise import keep
from .reduction import kept, portion, reduce, reduced_dims
from .results import result_type, values_and_indices
from .shape import spread
from .table import Op, op

INTERNAL = True
Array = np.ndarray[Any, Any]
Dims = tuple[int, ...]


def evenly(g: Any, a: Any, out: Any) -> Any:
    """`g` shared equally among the elements of `a` that are the result."""
    winners = (a == out) | ((a != a) & (out != out))
    return keep(spread(portion(g, winners, None), a.shape), winners)


max_all = op("MaxBackward1", lambda a: np.maximum.reduce(a, axis=None), a=evenly)
min_all = op("MinBackward1", lambda a: np.minimum.reduce(a, axis=None), a=evenly)


def _evenly_over(g: Any, a: Any, out: Any, dim: Dims, keepdim: bool) -> Any:
    """The same over `dim`; if that is NaN, so is the gradient, as torch's is."""
    out, g = kept(out, g, a.shape, dim, keepdim)
    winners = a == spread(out, a.shape)
    return spread(portion(g, winners, dim), a.shape) * winners


amax_dims = op("AmaxBackward0", lambda a, dim, keepdim: reduce(np.maximum, a, dim, keepdim), a=_evenly_over)
amin_dims = op("AminBackward0", lambda a, dim, keepdim: reduce(np.minimum, a, dim, keepdim), a=_evenly_over)


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


def _of_one_form(name: str, input: Any, args: tuple[Any, ...], dim: Any, keepdim: Any, other: Any) -> dict[str, Any]:
    """The other arguments of `max` or `min`, by their names; torch's TypeError if they fit none of its forms."""
    if len(args) < 2 and dim is keepdim is other is NOT_GIVEN:  # the frequent forms, at once
        return {"other" if isinstance(args[0], Tensor) else "dim": args[0]} if args else {}
    names = ("other",) if args and isinstance(args[0], Tensor) else ("dim", "keepdim")
    named = {"dim": dim, "keepdim": keepdim, "other": other}
    options = {key: value for key, value in named.items() if value is not NOT_GIVEN}
    given = dict(zip(names, args, strict=False)) | options
    fits = given.keys() in (set(), {"other"}, {"dim"}, {"dim", "keepdim"}) and len(given) == len(args) + len(options)
    if not fits or not isinstance(given.get("keepdim", False), bool):
        forms = "()", "(Tensor other)", "(int dim, bool keepdim = False)"
        raise invalid_combination(name, (input, *args), options, *forms)
    return given


def _extreme(input: Tensor, name: str, whole: Any, best: Any, dim: Any = NOT_GIVEN, keepdim: bool = False) -> Any:
    input = tensor_argument(input, name)
    if is_over_all(name, dim, keepdim or NOT_GIVEN):
        if input.numel() == 0:
            raise RuntimeError(messages.nothing_to_choose(name, whole=True))
        return whole.call(input)
    dim = messages.checked_dim(dim, input.ndim)
    if input.ndim == 0:
        index = np.zeros((), np.int64)
        values = pick.named(f"{name.title()}Backward0").call(input, index, dim, keepdim)
        return values_and_indices(name, values, integers(index.copy(), input, name))
    if input.shape[dim] == 0:
        raise IndexError(messages.nothing_to_choose(name, dim=dim))
    index = np.expand_dims(best(input._array, axis=dim), dim)
    values = pick.named(f"{name.title()}Backward0").call(input, index, dim, keepdim)
    where = integers(index.copy() if keepdim else index.squeeze(dim).copy(), input, name)
    return values_and_indices(name, values, where)


@public()
def max(
    input: Tensor,
    *dim_or_other: Any,
    dim: Any = NOT_GIVEN,
    keepdim: bool = NOT_GIVEN,
    other: Tensor = NOT_GIVEN,
) -> Any:
    """The largest element; over `dim`, a pair (values, indices); with a tensor, the elementwise maximum.

    Elements that tie for the largest share the gradient; over `dim` the first of them gets it.
    """
    given = _of_one_form("max", input, dim_or_other, dim, keepdim, other)
    if "other" in given:
        return tensor_argument(input, "max").maximum(given["other"])
    return _extreme(input, "max", max_all, np.argmax, **given)


@public()
def min(
    input: Tensor,
    *dim_or_other: Any,
    dim: Any = NOT_GIVEN,
    keepdim: bool = NOT_GIVEN,
    other: Tensor = NOT_GIVEN,
) -> Any:
    """The smallest element; over `dim`, a pair (values, indices); with a tensor, the elementwise minimum.

    Elements that tie for the smallest share the gradient; over `dim` the first of them gets it.
    """
    given = _of_one_form("min", input, dim_or_other, dim, keepdim, other)
    if "other" in given:
        return tensor_argument(input, "min").minimum(given["other"])
    return _extreme(input, "min", min_all, np.argmin, **given)


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


def _over_dims(input: Tensor, dim: Any, keepdim: bool, name: str, made: Any) -> Tensor:
    x = tensor_argument(input, name)._array
    if not x.size:
        given = dim if isinstance(dim, (tuple, list)) else () if dim is None else (dim,)
        if not given:
            raise RuntimeError(messages.nothing_to_choose(name, whole=True))
        for d in given:
            if not x.shape[messages.checked_dim(d, x.ndim)]:
                raise IndexError(messages.nothing_to_choose(name, dim=d))
    return made.call(input, reduced_dims(dim, x.ndim), keepdim)


@public()
def amax(input: Tensor, dim: Any = (), keepdim: bool = False) -> Tensor:
    """The largest element over `dim`, one or several, or of all; elements that tie for it share the gradient."""
    return _over_dims(input, dim, keepdim, "amax", amax_dims)


@public()
def amin(input: Tensor, dim: Any = (), keepdim: bool = False) -> Tensor:
    """The smallest element over `dim`, one or several, or of all; elements that tie for it share the gradient."""
    return _over_dims(input, dim, keepdim, "amin", amin_dims)


@public()
def aminmax(input: Tensor, *, dim: int | None = None, keepdim: bool = False) -> Any:
    """The smallest and the largest element over `dim`, or of all: a pair (min, max)."""
    x = tensor_argument(input, "aminmax")._array
    if dim is None and not x.size:
        raise RuntimeError(
            "aminmax(): cannot compute aminmax over an empty dimension as the operation has no identity."
        )
    dims = reduced_dims(dim, x.ndim) if dim is None else (messages.checked_dim(dim, x.ndim),)[: x.ndim]
    if dim is not None and x.ndim and not x.shape[dims[0]]:
        raise IndexError(f"aminmax: Expected reduction dim {dims[0]} to have non-zero size.")
    pair = [made.named("AminmaxBackward0").call(input, dims, keepdim) for made in (amin_dims, amax_dims)]
    return result_type("aminmax", "min", "max")(tuple(pair))
