"""`out=`: torch's functions, not its methods, write their result to a tensor that is there, if given one.

They do so in all their forms, but for sums, products and medians of all elements.

Whose do, and which dtypes of `out` they take, is listed here, and done here around them. What makes new tensors of a
size, or draws them, reads its keywords itself (see options.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any, cast

from ..dtypes import bool_, dtype, uint8
from ..messages import C_NAMES, TYPE_NAMES, type_name
from ..modes import is_grad_enabled
from ..tensor import Tensor
from ..warning import warn
from .convert import invalid_combination
from .inplace import check_disjoint, check_memory
from .options import written
from .types import can_cast

INTERNAL = True
_WITH_STARS = 0x04 | 0x08  # inspect.CO_VARARGS and CO_VARKEYWORDS, without that import

# Any dtype that the result's can be cast to, float to double or bool to all.
CASTING = (
    "acos acosh add addcdiv addcmul addr asin asinh atan atan2 atanh bitwise_and bitwise_left_shift bitwise_or "
    "bitwise_right_shift bitwise_xor cat clamp clamp_max clamp_min column_stack copysign cos cosh cumprod cumsum "
    "deg2rad diff digamma div dstack eq erf erfc erfinv exp exp2 expm1 floor_divide fmax fmin fmod gcd ge gt hstack "
    "hypot i0 igamma igammac kron lcm ldexp le lerp lgamma log log10 log1p log2 logaddexp logaddexp2 logical_and "
    "logical_not logical_or logical_xor logit logsumexp lt maximum mean minimum mul nanmean nansum ne nextafter outer "
    "polygamma pow prod rad2deg reciprocal remainder rsqrt sigmoid sin sinc sinh sqrt square stack std sub sum tan "
    "tanh true_divide var vstack xlogy"
)
# By what torch says of another dtype than the result's, the functions that take no other.
SAME = {
    "Expected out tensor to have dtype {c_wanted}, but got {c_got} instead": (
        "addbmm addmm addmv aminmax argmax argmin baddbmm bmm bucketize chain_matmul cross cummax cummin diag "
        "gather heaviside histc histogram index_add index_copy inverse isin kthvalue log_softmax logcumsumexp matmul "
        "max median min mm mode msort mv nan_to_num nanmedian nanquantile norm qr quantile renorm scatter scatter_add "
        "scatter_reduce searchsorted slice_scatter slogdet softmax sort svd take_along_dim topk tril triu"
    ),
    "Found dtype {got} but expected {wanted}": "abs bitwise_not ceil floor frac neg round sgn sign trunc",
    "Expected the dtype for input and out to match, but got {wanted} for input's dtype and {got} for out's dtype.": (
        "amax amin"
    ),
    "result dtype {got} does not match input dtype {wanted}": "dot vdot",
    "{name}(): self and result must have the same scalar type": "index_select masked_select",
    "take(): self and out expected to have the same dtype, but got self.dtype = {wanted} and out.dtype = {got}": "take",
    "Expected out type to be {wanted} but got {got}": "where",
    "tensordot: Expected the output tensor to have dtype {wanted}, but got an output tensor with dtype {got}": (
        "inner tensordot"
    ),
    "the output given to {name} has dtype {got} but the operation's result requires dtype {wanted}": "float_power",
    "{name}: Expected out tensor to have scalar type {wanted} but got scalar type{got}": "nonzero nonzero_static",
    "torch.frexp() expects mantissa to have dtype {c_wanted} but got {c_got}": "frexp",
    "{name} only supports bool tensor for result, got: {got}": "all any",
    "{name} does not support non-boolean outputs.": "isneginf isposinf signbit",
}
APART = ("cat", "gather", "index_select", "kthvalue", "masked_select", "take")  # whose `out` may be none of the inputs
# What computes in the dtype of `out`; and what does so from floats to floats.
IN_DTYPE_OF_OUT, IN_FLOATS_OF_OUT = ("cumprod", "cumsum", "prod", "sum"), ("mean", "nanmean", "nansum")
UNCAST = "result type {wanted} can't be cast to the desired output type {got}"
_OF_NANSUM = "nansum: provided dtype must match dtype of result. Got {got} and {wanted}."
UNSAFE = "{name}: Expected result to be safely castable from {wanted} dtype, but got result with dtype {got}"


def with_out(f: Callable[..., Any], refusal: str) -> Callable[..., Any]:
    """`f`, that also takes `out`."""

    def call(*args: Any, out: Any = None, **kwargs: Any) -> Any:
        if out is None:
            return f(*args, **kwargs) if kwargs else f(*args)
        return _into(out, f, refusal, args, kwargs)

    # Most have one or two parameters and no more: theirs are quicker to call by their names than through stars.

    def of_one(a: Any, *, out: Any = None) -> Any:
        return f(a) if out is None else _into(out, f, refusal, (a,), {})

    def of_two(a: Any, b: Any, *, out: Any = None) -> Any:
        return f(a, b) if out is None else _into(out, f, refusal, (a, b), {})

    code = f.__code__
    simple = not (code.co_flags & _WITH_STARS or code.co_kwonlyargcount or code.co_posonlyargcount)
    kind: Any = {1: of_one, 2: of_two}.get(code.co_argcount, call) if simple else call
    made: Any = wraps(f)(kind)
    if kind is not call:
        made.__code__ = made.__code__.replace(co_varnames=(*code.co_varnames[: code.co_argcount], "out"))
        made.__defaults__ = f.__defaults__
    made.takes_out = True
    return cast(Callable[..., Any], made)


def _into(out: Any, f: Callable[..., Any], refusal: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """`out`, or a tuple of tensors, written to."""
    name = f.__name__
    if name in ("sum", "prod", "median", "nanmedian") and len(args) < 2 and not kwargs.keys() & {"dim", "axis"}:
        if "median" in name or kwargs.get("dtype") is not None:
            raise TypeError(f'{name}() missing 1 required positional arguments: "dim"')
        raise invalid_combination(name, args, {"out": out}, "(Tensor input, int dim, *, Tensor out = None)")
    inputs = [t for t in _flat((*args, *kwargs.values())) if isinstance(t, Tensor)]
    given = out if isinstance(out, (tuple, list)) else (out,)
    for t in given:
        if not isinstance(t, Tensor):
            raise TypeError(f"{name}(): argument 'out' must be Tensor, not {type_name(t)}")
    floating = [t.is_floating_point() for t in (*inputs[:1], *given)]
    by_name = name in IN_DTYPE_OF_OUT or (name == "nansum" and not floating[0])
    if (by_name or (all(floating) and name in IN_FLOATS_OF_OUT)) and kwargs.get("dtype") is None:
        kwargs = {**kwargs, "dtype": given[0].dtype}
    elif inputs and (first := _brought_to_out(name, inputs[0], given[0].dtype)) is not inputs[0]:
        args, kwargs = ((first, *args[1:]), kwargs) if args else (args, {**kwargs, "input": first})
    result = f(*args, **kwargs)
    results = result if isinstance(result, tuple) else (result,)
    if results[0] is result and given is out:
        raise TypeError(f"{name}(): argument 'out' must be Tensor, not {type_name(out)}")
    if kwargs.get("dtype") is not None:  # what is asked for twice must be the same
        refusal = _OF_NANSUM if name in ("nansum", "nanmean") else next(iter(SAME))
    if name in ("clamp", "clamp_min", "clamp_max") and len(inputs) == 1:  # bounds that are numbers are in its dtype
        refusal = "Found dtype {got} but expected {wanted}"
    if (name in ("max", "min") and results[0] is result) or (name == "inner" and not all(i.ndim for i in inputs)):
        refusal = UNCAST  # it stands for `maximum`, or for `mul`
    if name == "diff" and not kwargs.get("n", args[1] if len(args) > 1 else 1):
        refusal = "expected scalar_type {wanted} but found {got}"
    if len(results) != len(given):
        raise TypeError(f"{name}(): argument 'out' must be {_wanted(len(results))}, not {_wanted(len(given))}")
    for t, r in zip(given, results, strict=True):
        if r.requires_grad or (t.requires_grad and r.is_floating_point() and is_grad_enabled()):
            raise RuntimeError(
                f"{name}(): functions with out=... arguments don't support automatic differentiation, but one of the "
                "arguments requires grad.\n  Leave `out` away, or compute under torch.no_grad()."
            )
        _check_dtype(name, r.dtype, t.dtype, refusal)
        check_memory(t, *inputs)
        if name in APART:
            for i in inputs:
                check_disjoint(t, i)
    for t, r in zip(given, results, strict=True):
        if t.shape != r.shape and t.numel():
            warn(
                f"An output with one or more elements was resized since it had shape {list(t.shape)}, which does not "
                f"match the required output shape {list(r.shape)}. This behavior is deprecated, and in a future "
                "PyTorch release outputs will not be resized unless they have zero elements. You can explicitly reuse "
                "an out tensor t by resizing it, inplace, to zero elements with t.resize_(0)."
            )
        written(name, t, r._array)
    return type(result)(given) if isinstance(result, tuple) else out


def _brought_to_out(name: str, t: Tensor, d: dtype) -> Tensor:
    """`t` in the dtype of `out` where torch converts the input first, and computes then; else `t` itself."""
    if name in ("all", "any") and d in (bool_, uint8):
        return (t.to(bool_) if t.numel() == 1 else t).to(d)  # torch asks a single element as it is
    floats = d.is_floating_point and (name == "logsumexp" or (name in ("std", "var") and t.is_floating_point()))
    return t.to(d) if floats else t


def _check_dtype(name: str, wanted: dtype, got: dtype, refusal: str) -> None:
    if wanted is got or (refusal.endswith((UNCAST, UNSAFE)) and can_cast(wanted, got)):
        return
    names = {"wanted": TYPE_NAMES[wanted.name], "got": TYPE_NAMES[got.name]}
    c_names = {"c_wanted": C_NAMES[wanted.name], "c_got": C_NAMES[got.name]}
    raise RuntimeError(refusal.format(name=name, **names, **c_names) + f"\n  Make `out` a tensor of {wanted}.")


def _wanted(count: int) -> str:
    return "Tensor" if count == 1 else f"tuple of {count} Tensors"


def _flat(values: Any) -> Iterator[Any]:
    for value in values:
        if isinstance(value, (tuple, list)):
            yield from _flat(value)
        else:
            yield value


_REFUSALS = dict.fromkeys(CASTING.split(), UNCAST) | {"mvlgamma": "{name}: " + UNCAST}
_REFUSALS |= dict.fromkeys(("cholesky", "cholesky_inverse", "cholesky_solve"), UNSAFE)
_REFUSALS |= {name: text for text, names in SAME.items() for name in names.split()}


def taking_out(f: Any) -> Any:
    """A function of the operations, that takes `out` too if torch's does."""
    name = getattr(f, "__name__", "")
    return with_out(f, _REFUSALS[name]) if name in _REFUSALS and not hasattr(f, "takes_out") else f
