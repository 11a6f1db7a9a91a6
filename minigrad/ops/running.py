"""What has come so far along a dimension: running sums, products, extremes and sums in the log domain; and differences.

Source: https://docs.pytorch.org/docs/stable/torch.html#other-operations
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from .. import dtypes, messages
from ..tensor import Tensor
from .convert import dtype_argument
from .half import in_single
from .inplace import as_view, like, twin, zeros_as
from .logic import integers
from .names import NOT_GIVEN, attach, public, tensor_argument
from .options import integer
from .picking import gathered, key_along, narrow
from .pointwise import exp_, keep, select
from .reduction import added_up_in, array_of, finite
from .results import values_and_indices
from .shape import cat, insert_axis
from .table import Op, op

INTERNAL = True
Array = np.ndarray[Any, Any]


def _cumsum(a: Array, dim: int) -> Array:
    if a.ndim == 0:
        return a.copy()
    if a.dtype.char == "e":
        return in_single(_cumsum, a, dim)
    return np.ascontiguousarray(np.add.accumulate(a, axis=dim, dtype=a.dtype)) + a.dtype.type(0)  # -0. becomes 0.


cumsum_: Op = op("CumsumBackward0", _cumsum, a=lambda g, dim: cumsum_reversed(g, dim))
cumsum_reversed: Op = op(
    "CumsumBackward0",
    lambda a, dim: np.ascontiguousarray(np.flip(_cumsum(np.flip(a, dim), dim), dim)) if a.ndim else a.copy(),
    a=lambda g, dim: cumsum_(g, dim),
)


def _cumprod(a: Array, dim: int) -> Array:
    if a.ndim == 0:
        return a.copy()
    if a.dtype.char == "e":
        return in_single(_cumprod, a, dim)
    return np.ascontiguousarray(np.multiply.accumulate(a, axis=dim, dtype=a.dtype))


def _cumprod_rule(g: Any, a: Any, out: Any, dim: int) -> Any:
    """Each element's share of the products from its place on; the first 0 of a row is left out of them for its own."""
    if array_of(a).size <= 1 or a.shape[dim] == 1:
        return g
    zero = array_of(a) == 0
    if not zero.any():
        return cumsum_reversed(g * out, dim) / a
    count = np.cumsum(zero, axis=dim)
    before, first = like(count == 0, a), like(zero & (count == 1), a)
    ones = like(np.ones((), array_of(a).dtype), a)
    others = select(ones, a, first)
    products = cumprod_(others, dim)
    gradient = keep(cumsum_reversed(g * out, dim) / select(a, ones, before), before)
    gradient = gradient + keep(cumsum_reversed(g * products, dim), first)
    if not isinstance(a, Tensor):
        return gradient
    # After a 0 the gradient is 0, but it would change with that.
    after = ~before & ~first
    changes = _cumprod_rule(keep(g, ~before), others, products, dim)
    return gradient + keep((a * first).sum(axis=(dim,), keepdims=True) * changes, after)


cumprod_: Op = op("CumprodBackward0", _cumprod, a=_cumprod_rule)


def _logcumsumexp(a: Array, dim: int) -> Array:
    if a.ndim == 0:
        return a.copy()
    if a.dtype.char == "e":
        return in_single(_logcumsumexp, a, dim)
    return np.ascontiguousarray(np.logaddexp.accumulate(a, axis=dim))


def _logcumsumexp_rule(g: Any, a: Any, out: Any, dim: int) -> Any:
    """`exp(a)` times the sum, from each place on, of `g / exp(out)`: to be recorded, about the largest of a row."""
    if a.ndim == 0:
        return g
    if not isinstance(a, Tensor):
        return _share(np.maximum(g, 0), a, out, dim) - _share(np.maximum(-g, 0), a, out, dim)
    largest = like(finite(np.maximum.reduce(array_of(out), axis=dim, keepdims=True, initial=-np.inf)), a)
    return exp_(a - largest) * cumsum_reversed(g * exp_(largest - out), dim)


def _share(g: Array, a: Array, out: Array, dim: int) -> Array:
    """The gradient that `g`, nowhere negative, brings; its logarithm is taken, so that no number becomes too large."""
    logs = np.flip(_logcumsumexp(np.flip(np.log(g) - out, dim), dim), dim)
    return np.exp(logs + a)


logcumsumexp_: Op = op("LogcumsumexpBackward0", _logcumsumexp, a=_logcumsumexp_rule)


def _in_dtype(input: Tensor, dtype: Any, name: str) -> Tensor:
    """`input` in the dtype that a running sum or product of it has; torch's error if that is bool."""
    if dtype is not None or input.dtype.kind != dtypes.FLOATING:
        input = added_up_in(dtype or dtypes.int64, input, name)
    if input.dtype is dtypes.bool_ and input.ndim and input.numel():
        raise NotImplementedError(messages.not_implemented(f"{name}_out_cpu", input.dtype))
    return input


def _in_place(function: Callable[..., Tensor]) -> None:
    """Offer the twin of a running sum or product, whose dtype must be the tensor's own."""
    name = function.__name__
    written = twin(function, f"{name}_")

    @wraps(written)
    def in_place(self: Tensor, dim: int = NOT_GIVEN, *, dtype: Any = None, **numpy_names: Any) -> Tensor:
        if dtype is not None and (wanted := dtype_argument(dtype, f"{name}_")) is not self.dtype:
            names = messages.C_NAMES[self.dtype.name], messages.C_NAMES[wanted.name]
            raise RuntimeError(
                f"Bad in-place call: input tensor dtype {names[0]} and output tensor dtype {names[1]} should match\n"
                f"  Leave `dtype` away, or use {name}()."
            )
        if self.dtype is dtypes.bool_:  # which refuses, unless there is nothing to add
            numpy_names["dtype"] = self.dtype
        return written(self, *(() if dim is NOT_GIVEN else (dim,)), **numpy_names)

    attach(**{f"{name}_": in_place})


@public()
def cumsum(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """The running sum along `dim`; of integers and bools it is int64."""
    at = messages.checked_dim(dim, tensor_argument(input, "cumsum").ndim)
    return cumsum_.call(_in_dtype(input, dtype, "cumsum"), at)


_in_place(cumsum)


@public()
def cumprod(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """The running product along `dim`; of integers and bools it is int64."""
    at = messages.checked_dim(dim, tensor_argument(input, "cumprod").ndim)
    return cumprod_.call(_in_dtype(input, dtype, "cumprod"), at)


_in_place(cumprod)


@public()
def logcumsumexp(input: Tensor, dim: int) -> Tensor:
    """`log(cumsum(exp(input)))` along `dim`, without overflow; the dtype must be floating."""
    input = tensor_argument(input, "logcumsumexp")
    dim = messages.checked_dim(dim, input.ndim)
    messages.check_floats(input, "logcumsumexp_out_cpu")
    return logcumsumexp_.call(input, dim)


def _running_extreme(name: str, input: Tensor, dim: int, ufunc: np.ufunc) -> Any:
    x = tensor_argument(input, name)._array
    if not x.ndim and dim not in (0, -1):
        raise IndexError(f"{name}(): Expected reduction dim -1 or 0 for scalar but got {dim}")
    at = messages.checked_dim(dim, x.ndim) if x.size else 0  # torch takes any dimension of what is empty
    index = np.zeros((), np.int64)
    if x.ndim:
        best = ufunc.accumulate(x, axis=at)
        places = np.arange(x.shape[at]).reshape([-1 if i == at else 1 for i in range(x.ndim)])
        index = np.ascontiguousarray(np.maximum.accumulate(np.where((x == best) | (x != x), places, 0), axis=at))
    whole = input if x.ndim else as_view(insert_axis, input, 0)
    values = gathered.named(f"{name.title()}Backward0").call(whole, key_along(index, at, max(x.ndim, 1)))
    return values_and_indices(name, values, integers(index.copy(), input, name))


@public()
def cummax(input: Tensor, dim: int) -> Any:
    """The largest element so far along `dim`: a pair (values, indices); of equal ones the last gets the gradient."""
    return _running_extreme("cummax", input, dim, np.maximum)


@public()
def cummin(input: Tensor, dim: int) -> Any:
    """The smallest element so far along `dim`: a pair (values, indices); of equal ones the last gets the gradient."""
    return _running_extreme("cummin", input, dim, np.minimum)


@public()
def diff(
    input: Tensor, n: int = 1, dim: int = -1, prepend: Tensor | None = None, append: Tensor | None = None
) -> Tensor:
    """Each element less the one before it along `dim`, `n` times over; of bools, whether they differ.

    `prepend` and `append` are joined to `input` first.
    """
    if not tensor_argument(input, "diff").ndim:
        raise RuntimeError("diff expects input to be at least one-dimensional")
    n = integer("diff", "n", 1, n)
    if n < 0:
        raise RuntimeError(f"order must be non-negative but got {n}")
    parts = [part for part in (prepend, input, append) if part is not None]
    if n == 0 and len(parts) == 1:  # whatever `dim` is
        return zeros_as(input).copy_(input)
    at = messages.checked_dim(dim, input.ndim)
    if any(part.ndim != input.ndim for part in parts):
        raise RuntimeError("diff expects prepend or append to be the same dimension as input")
    if n == 0:
        return zeros_as(input).copy_(input)
    result = cat(parts, at) if len(parts) > 1 else input
    for _ in range(min(n, result.shape[at])):
        rest = result.shape[at] - 1
        later, earlier = narrow(result, at, 1, rest), narrow(result, at, 0, rest)
        result = later.logical_xor(earlier) if result.dtype is dtypes.bool_ else later - earlier
    return result
