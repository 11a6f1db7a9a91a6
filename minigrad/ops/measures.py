"""Distances, areas and spreads: what torch composes of products and sums.

Source: https://docs.pytorch.org/docs/stable/torch.html#other-operations
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import dtypes, messages
from ..tensor import Tensor
from ..warning import warn
from .indexing import added, picked, sliced
from .indices import EVERY
from .inplace import as_view, broadcast_shape, like
from .linear import mm
from .names import public, tensor_argument
from .options import integer, number
from .pointwise import abs_, div_, keep, mul_, power, sign_
from .reduction import array_of, norm_over
from .shape import contract
from .table import Op, op

INTERNAL = True
Array = np.ndarray[Any, Any]
divided_by_number, times_number = div_.named("DivBackward1"), mul_.named("MulBackward1")

# The cross product


def _cross(a: Array, b: Array, dim: int) -> Array:
    x, y = np.moveaxis(a, dim, 0), np.moveaxis(b, dim, 0)
    parts = [x[1] * y[2] - x[2] * y[1], x[2] * y[0] - x[0] * y[2], x[0] * y[1] - x[1] * y[0]]
    return np.ascontiguousarray(np.stack(parts, axis=dim))  # stack keeps the order of parts


cross_: Op = op(
    "LinalgCrossBackward0",
    _cross,
    a=lambda g, b, a_shape, dim: contract(cross_(b, g, dim), a_shape),
    b=lambda g, a, b_shape, dim: contract(cross_(g, a, dim), b_shape),
)


def cross_along(input: Tensor, other: Tensor, dim: int) -> Tensor:
    """The cross product of vectors along `dim`; torch's errors for what does not fit."""
    x, y = tensor_argument(input, "linalg_cross")._array, tensor_argument(other, "linalg_cross", "other", 2)._array
    if x.ndim != y.ndim:
        raise RuntimeError("linalg.cross: inputs must have the same number of dimensions.")
    at = messages.checked_dim(dim, x.ndim)
    if x.shape[at : at + 1] != (3,) or y.shape[at : at + 1] != (3,):
        sizes = " and ".join(str(s.shape[at] if s.ndim else 1) for s in (x, y))
        raise RuntimeError(f"linalg.cross: inputs dimension {dim} must have length 3. Got {sizes}")
    broadcast_shape(x, y)
    messages.check_not_bool(input, "cross")
    messages.check_scalar_types(x, y)
    return cross_.call(input, other, at)


@public()
def cross(input: Tensor, other: Tensor, dim: int | None = None) -> Tensor:
    """The cross product of vectors of three elements, along `dim`, or else the first dimension of that size."""
    if dim is None:
        warn(
            "Using torch.cross without specifying the dim arg is deprecated.\n"
            "Please either pass the dim explicitly or simply use torch.linalg.cross.\n"
            "The default value of dim will change to agree with that of linalg.cross in a future release."
        )
        shape = tensor_argument(input, "cross").shape
        if 3 not in shape:
            raise RuntimeError("no dimension of size 3 in input")
        dim = shape.index(3)
    return cross_along(input, other, dim)


# Distances


def _distances(a: Array, b: Array, p: float) -> Array:
    if p == 2 and max(a.shape[-2], b.shape[-2]) > 25:  # as torch: by a product, which is quicker and rougher
        squares = (a * a).sum(-1)[..., :, None] + (b * b).sum(-1)[..., None, :] - 2 * (a @ b.mT)
        return np.sqrt(np.maximum(squares, a.dtype.type(0)))
    gaps = a[..., :, None, :] - b[..., None, :, :]
    return norm_over(gaps, p, (gaps.ndim - 1,), False)


def _slope(g: Any, a: Any, b: Any, out: Any, p: float) -> Any:
    """The gradient of every difference between a row of `a` and one of `b`."""
    gaps = a.reshape((*a.shape[:-1], 1, a.shape[-1])) - b.reshape((*b.shape[:-2], 1, *b.shape[-2:]))
    out, g = out.reshape((*out.shape, 1)), g.reshape((*g.shape, 1))
    if p == 0:
        return gaps * 0 * g
    if p == math.inf:
        return keep(sign_(gaps) * g, abs_(gaps) == out)
    if p == 1:
        return sign_(gaps) * g
    near = array_of(out) == 0
    scale = g / power(out + like(near.astype(array_of(out).dtype), out), p - 1)
    slope = sign_(gaps) * power(abs_(gaps), p - 1) if p < 2 else gaps * power(abs_(gaps), p - 2)
    return keep(slope * scale, like(~near, g)) if p >= 1 else keep(slope * scale, gaps != 0)


cdist_ = op(
    "CdistBackward0",
    _distances,
    a=lambda g, a, b, out, a_shape, p: contract(_slope(g, a, b, out, p).sum(axis=(-2,)), a_shape),
    b=lambda g, a, b, out, b_shape, p: contract(-_slope(g, a, b, out, p).sum(axis=(-3,)), b_shape),
)


@public(method=False)
def cdist(x1: Tensor, x2: Tensor, p: float = 2.0, compute_mode: str = "use_mm_for_euclid_dist_if_necessary") -> Tensor:
    """The distance, a `p`-norm, of every row of `x1` to every row of `x2`; the gradient at distance 0 is 0."""
    for name, x in (("X1", tensor_argument(x1, "cdist", "x1")), ("X2", tensor_argument(x2, "cdist", "x2", 2))):
        if x.ndim < 2:
            raise RuntimeError(f"cdist only supports at least 2D tensors, {name} got: {x.ndim}D")
    if x1.shape[-1] != x2.shape[-1]:
        raise RuntimeError(f"X1 and X2 must have the same number of columns. X1: {x1.shape[-1]} X2: {x2.shape[-1]}")
    for name, x in (("X1", x1), ("X2", x2)):
        if not x.is_floating_point():
            kind = messages.TYPE_NAMES[x.dtype.name]
            raise RuntimeError(f"cdist only supports floating-point dtypes, {name} got: {kind}")
    if not p >= 0:
        raise RuntimeError("cdist only supports non-negative p values")
    messages.check_scalar_types(x1._array, x2._array)
    try:
        np.broadcast_shapes(x1.shape[:-2], x2.shape[:-2])
    except ValueError as error:
        raise messages.misfit(error, np.empty(x1.shape[:-2]), np.empty(x2.shape[:-2])) from None
    return cdist_.call(x1, x2, float(p))


def _distances_within(a: Array, p: float) -> Array:
    first, second = np.triu_indices(a.shape[0], 1)
    return norm_over(a[first] - a[second], p, (1,), False)


def _within_rule(g: Any, a: Any, out: Any, p: float) -> Any:
    """That of `cdist`, for one row and one other at a time."""
    first, second = ((index,) for index in np.triu_indices(a.shape[0], 1))
    n, m = out.shape[0], a.shape[1]
    x, y = (picked(a, key).reshape((n, 1, m)) for key in (first, second))
    slope = _slope(g.reshape((n, 1, 1)), x, y, out.reshape((n, 1, 1)), p).reshape((n, m))
    return added(slope, a.shape, first) - added(slope, a.shape, second)


pdist_ = op("PdistBackward0", _distances_within, a=_within_rule)


@public(method=False)
def pdist(input: Tensor, p: float = 2) -> Tensor:
    """The distances, `p`-norms, between the rows of a matrix: of the first to all after it, of the second, ..."""
    if tensor_argument(input, "pdist").ndim != 2:
        raise RuntimeError(f"pdist only supports 2D tensors, got: {input.ndim}D")
    if not input.is_floating_point():
        raise RuntimeError("pdist only supports floating-point dtypes")
    p = number("pdist", "p", 2, p, "float")
    if not p >= 0:
        raise RuntimeError("pdist only supports non-negative p values")
    if input.dtype is dtypes.float16 and len(input) > 1:
        raise NotImplementedError(messages.not_implemented("pdist", input.dtype))
    return pdist_.call(input, float(p))


# Areas under curves


def _curve(name: str, y: Tensor, x: Tensor | None, dx: Any, dim: int) -> tuple[Tensor, Any, int]:
    """The curve, the distances between its points, and the dimension along which they lie."""
    tensor_argument(y, name, "y")
    if y.dtype is dtypes.bool_:
        raise RuntimeError(f"{name}: received a bool input for `y`, but bool is not supported")
    at = messages.checked_dim(dim, y.ndim)
    if not y.ndim:
        problem = f"Dimension specified as {dim} but tensor has no dimensions"
        raise IndexError(problem if name == "trapezoid" else "slice() cannot be applied to a 0-dim tensor.")
    if x is None:
        dx = number(name, "dx", None, dx)
        if isinstance(dx, bool):
            raise RuntimeError(f"{name}: Currently, we only support dx as a real number.")
        return y, dx, at
    if tensor_argument(x, name, "x", 2).dtype is dtypes.bool_:
        raise RuntimeError(f"{name}: received a bool input for `x`, but bool is not supported")
    if x.ndim == 1:
        if x.shape[0] != y.shape[at]:
            raise RuntimeError(f"{name}: There must be one `x` value for each sample point")
        x = x.view(*[-1 if d == at else 1 for d in range(at, y.ndim)])
        along = 0
    else:
        along = at + min(x.ndim - y.ndim, 0)  # of more dimensions than y, torch counts from the first
    return y, _pairs(x, along)[0] - _pairs(x, along)[1], at


def _pairs(x: Tensor, dim: int) -> list[Tensor]:
    """All but the first along `dim`, and all but the last."""
    return [as_view(sliced, x, (*(EVERY,) * dim, part)) for part in (slice(1, None), slice(None, -1))]


def _neighbours(y: Tensor, dim: int) -> Tensor:
    later, earlier = _pairs(y, dim)
    return later + earlier


@public("trapz", method=False)
def trapezoid(y: Tensor, x: Tensor | None = None, *, dx: Any = None, dim: int = -1) -> Tensor:
    """The area under a curve of points joined by straight lines, which lie at `x`, or a distance `dx` (1) apart."""
    y, gaps, at = _curve("trapezoid", y, x, 1 if dx is None else dx, dim)
    if not y.shape[at]:
        return y.new_zeros([n for d, n in enumerate(y.shape) if d != at])
    if x is not None:
        return divided_by_number.call((_neighbours(y, at) * gaps).sum(at), 2.0)
    ends = times_number.call(y.select(at, 0) + y.select(at, -1), 0.5)
    return times_number.call(y.sum(at) - ends, gaps)


@public(method=False)
def cumulative_trapezoid(y: Tensor, x: Tensor | None = None, *, dx: Any = None, dim: int = -1) -> Tensor:
    """The areas under a curve up to each of its points but the first, as `trapezoid`."""
    y, gaps, at = _curve("cumulative_trapezoid", y, x, 1 if dx is None else dx, dim)
    if x is not None:
        return divided_by_number.call((_neighbours(y, at) * gaps).cumsum(at), 2.0)
    return times_number.call(_neighbours(y, at), gaps / 2.0).cumsum(at)


# Spreads


_NO_FREEDOM = "cov(): degrees of freedom is <= 0. Correction should be strictly less than the number of observations."


@public()
def cov(
    input: Tensor, *, correction: int = 1, fweights: Tensor | None = None, aweights: Tensor | None = None
) -> Tensor:
    """The covariances of variables, one to a row, divided by n - `correction`.

    `fweights` counts how often each observation was made; `aweights` says how much it matters.
    """
    if tensor_argument(input, "cov").ndim > 2:
        raise RuntimeError(
            f"cov(): expected input to have two or fewer dimensions but got an input with {input.ndim} dimensions"
        )
    correction = integer("cov", "correction", None, correction)
    if input.dtype is dtypes.bool_:
        raise RuntimeError("cov(): bool dtype is not supported for input")
    x = input.view(1, -1) if input.ndim < 2 else input
    count = x.shape[1]
    weights = _weights(count, fweights, aweights)
    total: Any = count if weights is None else weights.sum()
    if weights is not None and not total:
        raise RuntimeError("cov(): weights sum to zero, can't be normalized")
    average = (x if weights is None else x * weights).sum(1) / total
    if weights is None or aweights is None or not correction:
        freedom = total - correction
    else:
        freedom = total - correction * (weights * aweights).sum() / total
    enough = bool(freedom > 0)
    if not enough:
        warn(_NO_FREEDOM)
    x = x - average.unsqueeze(1)
    product = mm(x, (x if weights is None else x * weights).t())
    return (product / (freedom if enough else 0.0)).squeeze()


def _weights(count: int, fweights: Tensor | None, aweights: Tensor | None) -> Tensor | None:
    for name, w, floating in (("fweights", fweights, False), ("aweights", aweights, True)):
        if w is None:
            continue
        kind = messages.TYPE_NAMES[w.dtype.name]
        if w.ndim > 1:
            raise RuntimeError(
                f"cov(): expected {name} to have one or fewer dimensions but got {name} with {w.ndim} dimensions"
            )
        if w.is_floating_point() != floating:
            wanted = "floating point" if floating else "integral"
            raise RuntimeError(f"cov(): expected {name} to have {wanted} dtype but got {name} with {kind} dtype")
        if w.numel() != count:
            raise RuntimeError(
                f"cov(): expected {name} to have the same numel as there are observations in the input but got "
                f"{w.numel()} != {count}"
            )
        if (w._array < 0).any():
            raise RuntimeError(f"cov(): {name} cannot be negative")
    if fweights is None or aweights is None:
        return fweights if aweights is None else aweights
    return fweights * aweights


@public()
def corrcoef(input: Tensor) -> Tensor:
    """The correlations, between -1 and 1, of variables, one to a row."""
    if tensor_argument(input, "corrcoef").ndim > 2:
        raise RuntimeError(
            f"corrcoef(): expected input to have two or fewer dimensions but got an input with {input.ndim} dimensions"
        )
    c = cov(input)
    if not c.ndim:
        return c / c
    spread = c.diagonal().sqrt()
    c = c / spread.view(-1, 1)
    return (c / spread.view(1, -1)).clamp(-1, 1)
