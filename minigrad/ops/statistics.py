"""Sums and means of what is not NaN, spread and mean at once, quantiles, and slices kept within a norm.

Source: https://docs.pytorch.org/docs/stable/torch.html#reduction-ops
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import dtypes, messages
from ..tensor import Tensor
from .convert import dtype_argument
from .half import in_single
from .names import NOT_GIVEN, public, tensor_argument
from .options import as_number
from .picking import gather
from .pointwise import keep, select
from .reduction import (
    added_up_in,
    back,
    mean_dims,
    norm_rule,
    reduce,
    reduced_dims,
    spread_options,
    std_dims,
    sum_dims,
    var_dims,
    vector_norm,
)
from .shape import flatten, remove_axes
from .sorting import sort
from .table import Op, op

INTERNAL = True
Array = np.ndarray[Any, Any]
Dims = tuple[int, ...]

# Without what is missing


def _nansum(a: Array, dim: Dims, keepdim: bool) -> Array:
    if a.dtype.char == "e":
        return in_single(_nansum, a, dim, keepdim)
    return reduce(np.add, np.where(a != a, a.dtype.type(0), a), dim, keepdim)


nansum_dims = op(
    "NansumBackward0",
    _nansum,
    a=lambda g, a, dim, keepdim: back(g, a.shape, dim, keepdim) * (a == a),
)


@public()
def nansum(input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The sum over `dim`, or of all elements, in which NaN counts as 0; of integers and bools it is int64."""
    input = tensor_argument(input, "nansum")
    if dtype is not None:
        input = added_up_in(dtype, input, "nansum")
    if input.dtype.kind != dtypes.FLOATING:
        return input.sum(dim, keepdim, dtype=dtype)
    return nansum_dims.call(input, reduced_dims(dim, input.ndim), keepdim)


@public()
def nanmean(input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The mean over `dim`, or of all elements, of those that are not NaN; the dtype must be floating."""
    if tensor_argument(input, "nanmean").dtype.kind != dtypes.FLOATING:
        name = messages.TYPE_NAMES[input.dtype.name]
        raise RuntimeError(f"nanmean(): expected input to have floating point or complex dtype but got {name}")
    dtype = None if dtype is None else dtype_argument(dtype, "nanmean")
    if dtype is not None and dtype.kind != dtypes.FLOATING:
        raise RuntimeError(
            "nanmean(): could not infer output dtype. Optional dtype must be either a floating point or complex "
            f"dtype. Got: {messages.TYPE_NAMES[dtype.name]}"
        )
    count = (input == input).sum(reduced_dims(dim, input.ndim), keepdim)
    return nansum(input, dim, keepdim, dtype=dtype) / count


# Spread and mean at once


def _with_mean(name: str, made: Op, input: Tensor, dim: Any, unbiased: Any, keepdim: bool, correction: Any) -> Any:
    if tensor_argument(input, name).dtype.kind != dtypes.FLOATING:
        raise RuntimeError(f"{name} only support floating point and complex dtypes")
    dims, correction = spread_options(input, dim, unbiased, keepdim, correction, name)
    backward = f"{name.title().replace('_', '')}Backward0"
    every = tuple(range(input.ndim)) if dims is None else dims
    spread: Tensor = made.named(backward).call(input, dims, correction, keepdim)
    mean: Tensor = mean_dims.named(backward).call(input, every, keepdim)
    return spread, mean


@public(method=False)
def var_mean(
    input: Tensor,
    dim: Any = NOT_GIVEN,
    unbiased: Any = NOT_GIVEN,
    keepdim: bool = False,
    *,
    correction: Any = NOT_GIVEN,
) -> tuple[Tensor, Tensor]:
    """The variance and the mean over `dim`, or of all elements, as `var` and `mean` give them."""
    return _with_mean("var_mean", var_dims, input, dim, unbiased, keepdim, correction)


@public(method=False)
def std_mean(
    input: Tensor,
    dim: Any = NOT_GIVEN,
    unbiased: Any = NOT_GIVEN,
    keepdim: bool = False,
    *,
    correction: Any = NOT_GIVEN,
) -> tuple[Tensor, Tensor]:
    """The standard deviation and the mean over `dim`, or of all elements, as `std` and `mean` give them."""
    return _with_mean("std_mean", std_dims, input, dim, unbiased, keepdim, correction)


# Quantiles

_INTERPOLATIONS = ("linear", "lower", "higher", "midpoint", "nearest")


def _quantile(input: Tensor, q: Any, dim: Any, keepdim: bool, interpolation: str, ignore_nan: bool) -> Tensor:
    """Source: torch's `quantile_compute`: sort, find the ranks, interpolate between the two neighbours of each."""
    x = tensor_argument(input, "nanquantile" if ignore_nan else "quantile")._array
    number = as_number(q) if not isinstance(q, Tensor) else None
    if number is not None:
        if not 0 <= number <= 1:
            raise RuntimeError(f"quantile() q must be in the range [0, 1] but got {number:g}")
        q = Tensor._of(np.array(number, x.dtype if x.dtype.kind == "f" else np.float32))
    tensor_argument(q, "quantile", "q", 2)
    if not x.size:
        raise RuntimeError("quantile() input tensor must be non-empty")
    if q._array.ndim > 1:
        raise RuntimeError("quantile() q must be a scalar or 1D tensor")
    if x.dtype.char not in "fd":
        raise RuntimeError("quantile() input tensor must be either float or double dtype")
    if q._array.dtype != x.dtype:
        raise RuntimeError("quantile() q tensor must be same dtype as the input tensor")
    if interpolation not in _INTERPOLATIONS:
        raise RuntimeError(
            "quantile() interpolation must be one of linear, lower, higher, midpoint or nearest, but got "
            f"{interpolation}"
        )
    if not ((q._array >= 0) & (q._array <= 1)).all():
        raise RuntimeError("quantile() q values must be in the range [0, 1]")
    at = messages.checked_dim(0 if dim is None else dim, x.ndim)
    rows = flatten(input) if dim is None or not x.ndim else input.movedim(at, -1)
    ordered = sort(rows)[0]
    ranks = _ranks(ordered._array, q, ignore_nan)
    if interpolation in ("lower", "higher", "nearest"):
        rounding = {"lower": np.floor, "higher": np.ceil, "nearest": np.rint}[interpolation]
        values = _at_rank(ordered, rounding(ranks._array))
    else:
        below, above = (_at_rank(ordered, rounded(ranks._array)) for rounded in (np.floor, np.ceil))
        weight = ranks - Tensor._of(np.floor(ranks._array))
        if interpolation == "midpoint":
            weight = Tensor._of(np.full_like(ranks._array, 0.5))
        values = _between(below, above, weight)
    if keepdim:
        kept = [1] * x.ndim if dim is None else [1 if i == at else n for i, n in enumerate(x.shape)]
        values = values.reshape(*kept, -1)
    if q._array.ndim:
        values = values.unsqueeze(0).transpose(0, -1)
    return remove_axes.named("SqueezeBackward4").call(values, (values.ndim - 1,))


def _ranks(ordered: Array, q: Tensor, ignore_nan: bool) -> Tensor:
    """Between which elements of each row the quantiles lie; at the last one, or the first, for what is NaN."""
    missing = ordered != ordered
    if ignore_nan:
        count = np.add.reduce(~missing, axis=-1, keepdims=True, dtype=ordered.dtype)
        ranks = q.reshape(-1) * Tensor._of(count - 1)
        return keep.call(ranks, Tensor._of(ranks._array >= 0))
    last = ordered.shape[-1] - 1
    ranks = (q.reshape(-1) * last).expand(*ordered.shape[:-1], q.numel())
    incomplete = np.broadcast_to(missing.any(axis=-1, keepdims=True), ranks._array.shape)
    return select.call(Tensor._of(np.array(last, ordered.dtype)), ranks, Tensor._of(incomplete))


def _at_rank(ordered: Tensor, ranks: Array) -> Tensor:
    return gather(ordered, -1, Tensor._of(ranks.astype(np.int64)))


def _between(below: Tensor, above: Tensor, weight: Tensor) -> Tensor:
    """The value at a weight from 0 to 1 between two others, computed from the nearer one."""
    step = above - below
    return select.call(below + weight * step, above - step * (1 - weight), Tensor._of(np.abs(weight._array) < 0.5))


@public()
def quantile(
    input: Tensor, q: Any, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear"
) -> Tensor:
    """The value below which a share `q` of the elements lies, over `dim` or of all; for several `q` a slice each.

    Between two elements it is found by `interpolation`: "linear", "lower", "higher", "midpoint" or "nearest".
    """
    return _quantile(input, q, dim, keepdim, interpolation, ignore_nan=False)


@public()
def nanquantile(
    input: Tensor, q: Any, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear"
) -> Tensor:
    """`quantile` of the elements that are not NaN; NaN where there are none."""
    return _quantile(input, q, dim, keepdim, interpolation, ignore_nan=True)


# Within a norm

_APART = 1e-7  # what torch adds to a norm before it divides


def _renorm(a: Array, p: float, dim: int, maxnorm: float) -> Array:
    if a.dtype.char == "e":
        return in_single(_renorm, a, p, dim, maxnorm)
    norm = vector_norm(a, p, _others(a.ndim, dim), True)
    factor = np.where(norm > maxnorm, a.dtype.type(maxnorm) / (norm + a.dtype.type(_APART)), a.dtype.type(1))
    return np.ascontiguousarray(a * factor)


def _others(ndim: int, dim: int) -> Dims:
    return tuple([i for i in range(ndim) if i != dim])


def _renorm_rule(g: Any, a: Any, p: float, dim: int, maxnorm: float) -> Any:
    """Source: torch's `renorm_backward`."""
    dims = _others(a.ndim, dim)
    norm = vector_norm(a, p, dims, True)
    along = sum_dims(g * a, dims, True)
    through_norm = norm_rule(along, a, norm, p, dims, True)
    inverse = 1 / (norm + _APART)
    shrunk = maxnorm * inverse * (g if through_norm is None else g - inverse * through_norm)
    return select(shrunk, g, norm > maxnorm)


renorm_dim = op("RenormBackward0", _renorm, a=_renorm_rule)


@public(in_place=True)
def renorm(input: Tensor, p: float, dim: int, maxnorm: float) -> Tensor:
    """The slices along `dim`, those whose `p`-norm is larger than `maxnorm` scaled down to it."""
    x = tensor_argument(input, "renorm")._array
    order, most = as_number(p), as_number(maxnorm)
    if not order > 0:
        raise RuntimeError("renorm: non-positive-norm not supported")
    if not most >= 0:
        raise RuntimeError(f"renorm: expected maxnorm to be >= 0 but got {most:g}")
    if x.ndim < 2:
        raise RuntimeError(f"renorm: input needs at least 2 dimensions, got {x.ndim} dimensions")
    at = messages.checked_dim(dim, x.ndim)
    if x.dtype.kind != "f":
        raise RuntimeError(messages.must_be_floating("linalg.vector_norm", input.dtype))
    return renorm_dim.call(input, float(order), at, float(most))
