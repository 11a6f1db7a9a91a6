"""Operations that bring a dimension, or all of them, down to one number."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import dtypes, messages
from ..flags import wrong_flag
from ..modes import is_grad_enabled
from ..tensor import Tensor
from ..warning import warn
from .convert import converted_to_save, dtype_argument, invalid_combination
from .half import by_number, in_single, is_half
from .inplace import like, zeros_as
from .names import NOT_GIVEN, is_over_all, keepdim_alone, public, tensor_argument, torch_names
from .options import as_number
from .pointwise import abs_, div_, exp_, keep, mul_, power, select, sign_
from .shape import checked_dims, spread, swap
from .table import op

INTERNAL = True
Array = np.ndarray[Any, Any]
Dims = tuple[int, ...]
_add_up = np.add.reduce


def reduced_dims(dim: Any, ndim: int) -> Dims:
    """The dimensions to reduce, counted from the front; None and () mean all of them."""
    if dim is None:
        return tuple(range(ndim))
    found = checked_dims(dim, ndim)
    return (found or tuple(range(ndim))) if ndim else ()


def back(g: Any, shape: Dims, dim: Dims, keepdim: bool) -> Any:
    """What was reduced over `dim`, spread out over it again."""
    if not keepdim:
        g = g.reshape(tuple([1 if i in dim else n for i, n in enumerate(shape)]))
    return spread(g, shape)


def array_of(value: Any) -> Array:
    """The elements of a Tensor, or of an array, for what no gradient flows through."""
    return value._array if isinstance(value, Tensor) else value


def kept(out: Any, g: Any, shape: Dims, dim: Dims, keepdim: bool) -> tuple[Any, Any]:
    """Result and gradient with the reduced dimensions in place, of size 1."""
    if keepdim:
        return out, g
    with_ones = tuple([1 if i in dim else n for i, n in enumerate(shape)])
    return out.reshape(with_ones), g.reshape(with_ones)


def size_of(shape: Dims, dim: Dims) -> int:
    """How many elements are reduced to one."""
    return math.prod([shape[i] for i in dim])


def reduce(ufunc: np.ufunc, a: Array, dim: Dims | None, keepdim: bool, dtype: Any = None) -> Array:
    """`a` reduced over `dim`, its elements in the order of their indices, as torch has them."""
    out: Array = ufunc.reduce(a, axis=dim, keepdims=keepdim, dtype=dtype or a.dtype)
    return out if out.flags.c_contiguous else out.copy()


def _sum_all(a: Array) -> Any:
    return _add_up(a, None) if a.dtype.char in "fd" else _sum(a)


def _sum(a: Array, dim: Dims | None = None, keepdim: bool = False) -> Array:
    if a.dtype.char == "e":  # half precision is added up in single, as torch does
        return reduce(np.add, a, dim, keepdim, np.float32).astype(a.dtype)
    return reduce(np.add, a, dim, keepdim)


sum_all = op("SumBackward0", _sum_all, a=lambda g, a_shape: spread(g, a_shape))
sum_dims = op(
    "SumBackward1",
    lambda a, dim, keepdim: _sum(a, dim, keepdim),
    a=lambda g, a_shape, dim, keepdim: back(g, a_shape, dim, keepdim),
)


def _mean(a: Array, dim: Dims | None = None, keepdim: bool = False) -> Array:
    if a.dtype.char == "e":
        return in_single(_mean, a, dim, keepdim)
    return np.true_divide(
        reduce(np.add, a, dim, keepdim), a.dtype.type(a.size if dim is None else size_of(a.shape, dim))
    )


mean_all = op(
    "MeanBackward0",
    lambda a: _mean(a),
    a=lambda g, a_shape: spread(g / n if (n := math.prod(a_shape) or 1) <= 2048 else by_number(div_, g, n), a_shape),
)
mean_dims = op(
    "MeanBackward1",
    lambda a, dim, keepdim: _mean(a, dim, keepdim),
    a=lambda g, a_shape, dim, keepdim: by_number(div_, back(g, a_shape, dim, keepdim), size_of(a_shape, dim)),
)


def others(a: Any, dim: int) -> Any:
    """For each element, the product of the others along `dim`; quadratic, but right where some are 0."""
    a = swap(a, dim, -1)
    n = a.shape[-1]
    rows = spread(a.reshape((*a.shape[:-1], 1, n)), (*a.shape[:-1], n, n))
    ones = like(np.ones((), array_of(a).dtype), a)
    return swap(prod_dim(select(ones, rows, like(np.eye(n, dtype=bool), a)), a.ndim, False), dim, -1)


def _prod_rule(g: Any, a: Any, out: Any, dim: int, keepdim: bool) -> Any:
    if a.ndim == 0:
        return g
    out, g = kept(out, g, a.shape, (dim,), keepdim)
    if (array_of(a) != 0).all():
        return g * (out / a)
    return g * others(a, dim) if a.shape[dim] > 1 else g


def _prod_of_all_rule(g: Any, a: Any, out: Any) -> Any:
    """Where two factors are 0, torch's gradients are 0, whatever comes in, if they are not recorded."""
    if not isinstance(a, Tensor) and (a == 0).sum() > 1:
        return zeros_as(a)
    return _prod_rule(g, a.reshape((-1,)), out, 0, False).reshape(a.shape) if a.ndim else g


prod_dim = op(
    "ProdBackward1",
    lambda a, dim, keepdim: reduce(np.multiply, a, (dim,) if a.ndim else (), keepdim),
    a=_prod_rule,
)
prod_of_all = op("ProdBackward0", lambda a: reduce(np.multiply, a, None, False), a=_prod_of_all_rule)


def _var_in_double(a: Array, dim: Dims | None, correction: float, keepdim: bool) -> Any:
    """The variance in double precision, in which torch computes it; rounded last, it is torch's to the last bit."""
    n = a.size if dim is None else size_of(a.shape, dim)
    every = range(a.ndim) if dim is None else dim
    first = a[tuple([slice(1) if i in every else slice(None) for i in range(a.ndim)])]
    distance = np.subtract(a, first, dtype=np.float64)  # 0 where all are equal
    distance -= np.true_divide(_sum(distance, dim, True), n)
    distance *= distance
    return np.true_divide(_sum(distance, dim, keepdim), max(n - correction, 0))


def _var(a: Array, dim: Dims | None, correction: float, keepdim: bool) -> Array:
    if a.dtype.char == "e":
        return in_single(_var, a, dim, correction, keepdim)
    return _var_in_double(a, dim, correction, keepdim).astype(a.dtype, copy=False)


def _var_rule(g: Any, a: Any, dim: Dims | None, correction: float, keepdim: bool) -> Any:
    """Source: torch's `var_backward`, also where there are too few elements for a variance."""
    every = tuple(range(a.ndim))
    dims = every if dim is None else dim
    freedom = size_of(a.shape, dims) - correction
    mean = mean_dims(a, dims, True)
    if dim is None and freedom <= 0:
        slope = np.where(array_of(a == mean), math.nan, math.inf)
        return back(g, a.shape, dims, keepdim) * like(slope.astype(array_of(a).dtype), a)
    return back(by_number(mul_, g, 2 / freedom if freedom else math.inf), a.shape, dims, keepdim) * (a - mean)


var_dims = op("VarBackward0", _var, a=_var_rule)


def _std(a: Array, dim: Dims | None, correction: float, keepdim: bool) -> Array:
    if a.dtype.char == "e":
        return in_single(_std, a, dim, correction, keepdim)
    return np.sqrt(_var_in_double(a, dim, correction, keepdim)).astype(a.dtype, copy=False)


std_dims = op(
    "StdBackward0",
    lambda a, dim, correction, keepdim: _std(a, dim, correction, keepdim),
    a=lambda g, a, out, dim, correction, keepdim: _var_rule(keep(g / (2 * out), out != 0), a, dim, correction, keepdim),
)


def portion(g: Any, winners: Any, dim: Dims | None) -> Any:
    """`g` divided by the number of the winners of each reduction; torch rounds several such numbers, but not one."""
    won, d = array_of(winners), array_of(g).dtype
    if d.char == "e" and (dim is None or size_of(won.shape, dim) == won.size):
        return by_number(div_, g, int(np.count_nonzero(won)))
    kept_dims: Any = dim is not None
    return g / like(np.add.reduce(won, axis=dim, keepdims=kept_dims, dtype=d), g)


def share(g: Any, winners: Any, dim: Dims) -> Any:
    """`g` divided equally among the winners of each reduction."""
    return keep(portion(g, winners, dim), winners)


def norm_over(a: Array, p: float, dim: Dims, keepdim: bool) -> Array:
    """The `p`-norms over `dim`."""
    if a.dtype.char == "e":
        return in_single(norm_over, a, p, dim, keepdim)
    size = np.abs(a)
    if p == math.inf:
        return reduce(np.maximum, size, dim, keepdim)
    if p == -math.inf:
        return reduce(np.minimum, size, dim, keepdim)
    if p == 0:
        return _sum((a != 0).astype(a.dtype), dim, keepdim)
    if p == 1 or all(a.shape[d] == 1 for d in dim):  # what is the norm of one element needs no powers, nor rounding
        return _sum(size, dim, keepdim)
    if p == 2:
        return np.sqrt(_sum(a * a, dim, keepdim))
    return np.power(_sum(np.power(size, a.dtype.type(p)), dim, keepdim), a.dtype.type(1 / p))


def norm_rule(g: Any, a: Any, out: Any, p: float, dim: Dims, keepdim: bool) -> Any:
    """Source: torch's `linalg_vector_norm_backward`; the gradient at a norm of 0 is 0."""
    if p == 0:
        return None
    out, g = kept(out, g, a.shape, dim, keepdim)
    if p == 1:
        return sign_(a) * g
    if abs(p) == math.inf:
        return sign_(a) * share(spread(g, a.shape), (abs_(a) == out) | (a != a), dim)
    if p == 2:
        return g * keep(a / out, out != 0)
    if p < 1:
        return keep(sign_(a) * power(abs_(a), p - 1), a != 0) * g * power(out, 1 - p)
    slope = sign_(a) * power(abs_(a), p - 1) if p < 2 else a * power(abs_(a), p - 2)
    return slope * keep(g / power(out, p - 1), out != 0)


vector_norm = op("LinalgVectorNormBackward0", norm_over, a=norm_rule)

# Sums in the log domain


def finite(peak: Array) -> Array:
    """`peak`, but 0 where it is infinite or NaN."""
    return np.where(np.isfinite(peak), peak, peak.dtype.type(0))


def _logsumexp(a: Array, dim: Dims, keepdim: bool) -> Array:
    if a.size == 0:
        return np.log(_sum(np.exp(a), dim, keepdim))
    peak = finite(reduce(np.maximum, a, dim, True))
    total = np.log(_sum(np.exp(a - peak), dim, True)) + peak
    return total if keepdim else total.reshape([n for i, n in enumerate(a.shape) if i not in dim])


def _logsumexp_rule(g: Any, a: Any, out: Any, dim: Dims, keepdim: bool) -> Any:
    out, g = kept(out, g, a.shape, dim, keepdim)
    return g * exp_(a - out)


logsumexp_dims = op("LogsumexpBackward0", _logsumexp, a=_logsumexp_rule)


def _softmax(a: Array, dim: int) -> Array:
    if a.size == 0:
        return a.copy()
    if a.dtype.char == "e":
        return in_single(_softmax, a, dim)
    dims = (dim,) if a.ndim else ()
    grown = np.exp(a - np.maximum.reduce(a, axis=dims, keepdims=True), order="C")
    return grown / _sum(grown, dims, True)


def _log_softmax(a: Array, dim: int) -> Array:
    if a.size == 0:
        return a.copy()
    dims = (dim,) if a.ndim else ()
    half = a.dtype.char == "e"
    below = np.subtract(a, np.maximum.reduce(a, axis=dims, keepdims=True), order="C", dtype="f" if half else None)
    total = _sum(np.exp(below), dims, True)
    if half and dim == a.ndim - 1:  # where the elements are neighbours, torch rounds this too
        total = total.astype(a.dtype)
    below -= np.log(total)
    return below if not half else below.astype(a.dtype)


def _total(g: Any, dim: int) -> Any:
    return g.sum(axis=(dim,), keepdims=True) if g.ndim else g


def _softmax_rule(g: Any, out: Any, dim: int) -> Any:
    if is_half(g):
        return in_single(_softmax_rule, g, out.astype(np.float32), dim)
    return out * (g - _total(g * out, dim))


def _log_softmax_rule(g: Any, out: Any, dim: int) -> Any:
    if is_half(g):
        return in_single(_log_softmax_rule, g, out.astype(np.float32), dim)
    return g - exp_(out) * _total(g, dim)


softmax_dim = op("SoftmaxBackward0", _softmax, a=_softmax_rule)
log_softmax_dim = op("LogSoftmaxBackward0", _log_softmax, a=_log_softmax_rule)

# torch's names for them


def added_up_in(dtype: Any, input: Tensor, function: str) -> Tensor:
    """`input` in the dtype to reduce it in; RuntimeError if a gradient is wanted that could not flow through that."""
    converted = converted_to_save(input, dtype_argument(dtype, function))
    if converted.dtype.kind != dtypes.FLOATING and input.requires_grad and is_grad_enabled():
        raise RuntimeError(f"Autograd not support dtype: {messages.TYPE_NAMES[converted.dtype.name]}")
    return converted


@public()
def sum(
    input: Tensor, dim: Any = NOT_GIVEN, keepdim: bool = NOT_GIVEN, *, dtype: Any = None, **numpy_names: Any
) -> Tensor:
    """The sum over `dim`, or of all elements; of integers and bools it is int64."""
    if numpy_names:
        return sum(input, **torch_names("sum", numpy_names, dim=dim, keepdim=keepdim), dtype=dtype)
    if input.__class__ is not Tensor:
        tensor_argument(input, "sum")
    if dtype is not None:
        input = added_up_in(dtype, input, "sum")
    elif input._array.dtype.kind != "f":
        input = input.to(dtypes.int64)
    if dim is NOT_GIVEN:
        if keepdim is not NOT_GIVEN:
            raise keepdim_alone("sum")
        return sum_all.call(input)
    if keepdim is NOT_GIVEN:
        keepdim = False
    elif keepdim is not False and keepdim is not True:
        raise wrong_flag("sum", "'keepdim'", keepdim)
    return sum_dims.call(input, reduced_dims(dim, input._array.ndim), keepdim)


@public()
def mean(input: Tensor, dim: Any = NOT_GIVEN, keepdim: bool = NOT_GIVEN, *, dtype: Any = None) -> Tensor:
    """The mean over `dim`, or of all elements; the dtype must be floating."""
    input = floating_input(input, "mean", dtype)
    if dim is NOT_GIVEN:
        if keepdim is not NOT_GIVEN:
            raise keepdim_alone("mean")
        return mean_all.call(input)
    return mean_dims.call(input, reduced_dims(dim, input._array.ndim), keepdim is True)


def floating_input(input: Tensor, function: str, dtype: Any = None) -> Tensor:
    """`input` in `dtype`; RuntimeError if it is not floating then."""
    input = tensor_argument(input, function)
    if dtype is not None:
        input = input.to(dtype_argument(dtype, function))
    if input._array.dtype.kind != "f":
        raise RuntimeError(messages.must_be_floating(function, input.dtype, "Input" if dtype is None else "Optional"))
    return input


@public()
def prod(input: Tensor, dim: int = NOT_GIVEN, keepdim: bool = NOT_GIVEN, *, dtype: Any = None) -> Tensor:
    """The product over one dimension, or of all elements."""
    input = tensor_argument(input, "prod")
    if dtype is not None or input.dtype.kind != dtypes.FLOATING:
        input = added_up_in(dtype or dtypes.int64, input, "prod")
    if is_over_all("prod", dim, keepdim):
        return prod_of_all.call(input)
    return prod_dim.call(input, messages.checked_dim(dim, input.ndim), keepdim is True)


def spread_options(
    input: Tensor, dim: Any, unbiased: Any, keepdim: bool, correction: Any, function: str
) -> tuple[Dims | None, float]:
    """The dimensions and the correction of `var` and `std`, whose first argument may be `unbiased` in torch."""
    given = dim, unbiased
    if isinstance(dim, bool) and unbiased is NOT_GIVEN:
        dim, unbiased = NOT_GIVEN, dim
    of_older_form = isinstance(unbiased, bool) and correction is NOT_GIVEN and not (keepdim and dim is NOT_GIVEN)
    number = 1 if correction is NOT_GIVEN or correction is None else as_number(correction)
    if isinstance(dim, bool) or not (unbiased is NOT_GIVEN or of_older_form) or number is None:
        forms = "(bool unbiased = True)", "(tuple of ints dim = None, bool unbiased = True, bool keepdim = False)"
        newer = "(tuple of ints dim = None, *, Number correction = None, bool keepdim = False)"
        args = [input, *[value for value in given if value is not NOT_GIVEN]]
        named = {"keepdim": keepdim or NOT_GIVEN, "correction": correction}
        named = {name: value for name, value in named.items() if value is not NOT_GIVEN}
        raise invalid_combination(function, args, named, *forms, newer)
    correction = number if unbiased is NOT_GIVEN else int(unbiased)
    dim = None if dim is NOT_GIVEN else dim
    dims = reduced_dims(dim, input.ndim)
    left = size_of(input.shape, tuple([i for i in range(input.ndim) if i not in dims]))
    if (size_of(input.shape, dims) if left else 0) <= correction:
        warn(
            f"{function}(): degrees of freedom is <= 0. Correction should be strictly less than the reduction factor "
            "(input numel divided by output numel)."
        )
    return (None if dim is None or not input.ndim else dims), correction


@public()
def var(
    input: Tensor,
    dim: Any = NOT_GIVEN,
    unbiased: Any = NOT_GIVEN,
    keepdim: bool = False,
    *,
    correction: Any = NOT_GIVEN,
) -> Tensor:
    """The variance over `dim`, or of all elements, divided by n - `correction` (1, or 0 with `unbiased=False`)."""
    input = floating_input(input, "var")
    dims, correction = spread_options(input, dim, unbiased, keepdim, correction, "var")
    return var_dims.call(input, dims, correction, keepdim)


@public()
def std(
    input: Tensor,
    dim: Any = NOT_GIVEN,
    unbiased: Any = NOT_GIVEN,
    keepdim: bool = False,
    *,
    correction: Any = NOT_GIVEN,
) -> Tensor:
    """The square root of `var`; the gradient at 0 is 0."""
    input = floating_input(input, "std")
    dims, correction = spread_options(input, dim, unbiased, keepdim, correction, "std")
    return std_dims.call(input, dims, correction, keepdim)


@public()
def logsumexp(input: Tensor, dim: Any, keepdim: bool = False) -> Tensor:
    """`log(sum(exp(input)))` over `dim`, without overflow."""
    input = tensor_argument(input, "logsumexp")
    if dim is None:
        raise TypeError("logsumexp(): argument 'dim' must be tuple of ints, not NoneType")
    if input.dtype.kind != dtypes.FLOATING:
        input = input.to(dtypes.get_default_dtype())
    return logsumexp_dims.call(input, reduced_dims(dim, input.ndim), keepdim)


@public()
def softmax(input: Tensor, dim: int, dtype: Any = None) -> Tensor:
    """`exp(input)`, scaled to sum to 1 along `dim`."""
    return softmax_dim.call(*_softmax_arguments("softmax", input, dim, dtype))


@public()
def log_softmax(input: Tensor, dim: int, dtype: Any = None) -> Tensor:
    """The logarithm of `softmax`, computed without underflow."""
    return log_softmax_dim.call(*_softmax_arguments("log_softmax", input, dim, dtype))


def _softmax_arguments(name: str, input: Tensor, dim: int, dtype: Any) -> tuple[Tensor, int]:
    input = tensor_argument(input, name)
    if dtype is not None:
        input = input.to(dtype_argument(dtype, name))
    dim = messages.checked_dim(dim, input.ndim)
    if input.dtype.kind != dtypes.FLOATING and input.numel():
        kernel = f"{name}_lastdim_kernel_impl" if dim >= input.ndim - 1 else f"{name}_kernel_impl"
        raise NotImplementedError(
            f"{messages.not_implemented(kernel, input.dtype)}\n"
            "  Scores are floating: x.float(). Among the arguments of a loss they come first, before the target."
        )
    return input, dim
