"""New tensors of a given size: filled with one number, the identity matrix, evenly spaced numbers.

Source: https://docs.pytorch.org/docs/stable/torch.html#creation-ops; ATen/native/cpu/RangeFactoriesKernel.cpp of
https://github.com/pytorch/pytorch
"""

from __future__ import annotations

import math
from typing import Any, Unpack

import numpy as np

from .. import dtypes, messages
from ..arithmetic import multiply_add
from ..dtypes import dtype
from ..layout import empty_as, empty_channels_last, order_of
from ..tensor import Tensor
from .data import FLOAT32, FLOAT64, INT64, fits
from .names import named, public, tensor_argument
from .options import (
    LIKE,
    LikeOptions,
    Options,
    SizeOptions,
    as_int,
    as_number,
    checked_size,
    finished,
    integer,
    no_such_form,
    number,
    read_dtype,
    sequence,
)

INTERNAL = True
Array = np.ndarray[Any, Any]
_NEW = LIKE | {"size"}

# Filled with one number


def new_array(shape: Any, d: np.dtype[Any], value: Any) -> Array:
    """An array filled with `value`, or with what happens to lie in memory if that is None."""
    try:
        if value is None or (value == 0 and math.copysign(1, value) > 0):
            return np.empty(shape, d) if value is None else np.zeros(shape, d)
        made = np.empty(shape, d)
    except ValueError:
        raise RuntimeError(f"Storage size calculation overflowed with sizes={list(shape)}") from None
    made.fill(value)
    return made


def new_array_like(t: Tensor, d: np.dtype[Any], value: Any, options: Any) -> Array:
    """`new_array` of the size of `t`, and in the order in memory that `t` has or that is asked for."""
    order = order_of(options.get("memory_format"), t._array) if options else "K"
    if order == "C" or (order == "K" and t._array.flags.c_contiguous):
        return new_array(t._array.shape, d, value)
    array = empty_as(t._array, d) if order == "K" else empty_channels_last(t._array.shape, d)
    if value is not None:
        array.fill(value)
    return array


def _offer(kind: str, value: Any, content: str) -> None:
    """Offer zeros, zeros_like and new_zeros, or their like for ones and empty."""
    like_name, new_name = f"{kind}_like", f"new_{kind}"

    def sized(*lengths: Any, **options: Unpack[SizeOptions]) -> Tensor:
        d = read_dtype(kind, options) or dtypes.get_default_dtype()
        return finished(kind, new_array(checked_size(kind, lengths, options), d.numpy, value), options)

    def like(input: Tensor, **options: Unpack[LikeOptions]) -> Tensor:
        t = tensor_argument(input, like_name)
        asked = read_dtype(like_name, options, known=LIKE)
        d = t._array.dtype if asked is None else asked.numpy
        return finished(like_name, new_array_like(t, d, value, options), options)

    def new(self: Tensor, *lengths: Any, **options: Unpack[SizeOptions]) -> Tensor:
        d = read_dtype(new_name, options, known=_NEW) or self.dtype
        return finished(new_name, new_array(checked_size(new_name, lengths, options), d.numpy, value), options)

    size = "its size is given as ints or as one sequence."
    named(sized, kind, f"A tensor {content}; {size}")
    named(like, like_name, f"A tensor {content}, of the size, dtype and order in memory of `input`.")
    named(new, new_name, f"A tensor {content}, in this tensor's dtype; {size}")
    for function in (sized, like, new):
        globals()[function.__name__] = function  # where pickle looks for it
        public(method=function is new, function=function is not new)(function)


_offer("zeros", 0, "filled with 0")
_offer("ones", 1, "filled with 1")
_offer("empty", None, "holding whatever lay in its memory")


@public(method=False)
def full(size: Any, fill_value: Any, **options: Unpack[Options]) -> Tensor:
    """A tensor filled with a number, whose type gives the dtype unless one is asked for; `size` is a sequence of ints.

    Raises RuntimeError if the number does not fit the dtype.
    """
    value = number("full", "fill_value", 2, fill_value)
    d = read_dtype("full", options) or dtypes.of_number(value)
    array = new_array(sequence("full", size), d.numpy, converted(value, d.numpy))
    return finished("full", array, options)


@public(method=False)
def full_like(input: Tensor, fill_value: Any, **options: Unpack[LikeOptions]) -> Tensor:
    """A tensor filled with a number, of the size, dtype and order in memory of `input`; errors as for `full`."""
    t = tensor_argument(input, "full_like")
    d = read_dtype("full_like", options, known=LIKE) or t.dtype
    value = converted(number("full_like", "fill_value", 2, fill_value), d.numpy)
    return finished("full_like", new_array_like(t, d.numpy, value, options), options)


@public(function=False)
def new_full(self: Tensor, size: Any, fill_value: Any, **options: Unpack[LikeOptions]) -> Tensor:
    """A tensor filled with a number, in this tensor's dtype; `size` is a sequence of ints, errors as for `full`."""
    d = read_dtype("new_full", options, known=LIKE) or self.dtype
    value = converted(number("new_full", "fill_value", 2, fill_value), d.numpy)
    return finished("new_full", new_array(sequence("new_full", size), d.numpy, value), options)


@public(method=False)
def eye(n: Any, m: Any = None, **options: Unpack[Options]) -> Tensor:
    """The identity matrix of shape (n, n), or of shape (n, m) what of it and of zeros fits there."""
    d = read_dtype("eye", options, (n,)) or dtypes.get_default_dtype()
    rows = integer("eye", "n", 1, n)
    columns = rows if m is None else integer("eye", "m", 2, m)
    for name, length in (("n", rows), ("m", columns)):
        if length < 0:
            raise RuntimeError(f"{name} must be greater or equal to 0, got {length}")
    array = np.zeros((rows, columns), d.numpy)
    array.reshape(-1)[: columns * columns : columns + 1] = 1
    return finished("eye", array, options)


def converted(value: Any, d: np.dtype[Any]) -> Any:
    """A Python number as a NumPy number of dtype `d`, or torch's RuntimeError if it does not fit."""
    if not fits(value, d):
        raise RuntimeError(messages.does_not_fit(value, d))
    if d.kind == "u" and value < 0:
        value += 1 << 8 * d.itemsize
    if d.char == "e":
        value = np.float32(value)  # by way of which torch comes to float16
    return d.type(value)


# Evenly spaced


class _RangeOptions(Options, total=False):
    """`Options`, and the bounds as keywords."""

    start: Any
    end: Any
    step: Any


@public(method=False)
def arange(*bounds: Any, **options: Unpack[_RangeOptions]) -> Tensor:
    """The numbers from `start` (0) up to, but without, `end`, in steps of `step` (1).

    Called as arange(end), arange(start, end) or arange(start, end, step). Of dtype int64 for integers, else of the
    default dtype; there are ceil((end - start) / step) numbers.
    Raises RuntimeError for a step of zero, one that leads away from `end`, and a range without end.
    """
    if len(bounds) == 1 and not options and bounds[0].__class__ is int and 0 <= bounds[0] < 2**53:
        return Tensor._of(np.arange(bounds[0]))  # by far the most frequent case
    called: dict[str, Any] = dict(options)
    names = ["end"] if len(bounds) == 1 and "end" not in options else ["start", "end", "step"]
    given: dict[str, Any] = dict(zip(names, bounds, strict=False))
    if options:
        for name in ("start", "end", "step"):
            if name in options and name not in given:
                given[name] = options.pop(name)
    clash = len(bounds) > len(names) or "end" not in given or ("step" in given and "start" not in given)
    if clash or not {"start", "end", "step"}.isdisjoint(options):
        raise no_such_form("arange", bounds, called)
    for position, name in enumerate(given, 1):
        given[name] = number("arange", name, position, given[name])
    d = read_dtype("arange", options, bounds)
    if d is None:
        integers = all(isinstance(value, int) for value in given.values())
        d = dtypes.int64 if integers else dtypes.get_default_dtype()
    return finished("arange", _arange(d, **given), options)


def check_range(name: str, d: dtype, start: Any, end: Any, step: Any) -> None:
    """Raise torch's error for a range that cannot be."""
    if d.kind == dtypes.BOOL:
        raise NotImplementedError(messages.not_implemented(f"{name}_cpu", d))
    if not (step > 0 or step < 0):
        raise RuntimeError("step must be nonzero")
    if not (math.isfinite(start) and math.isfinite(end)):
        raise RuntimeError(f"unsupported range: {start:g} -> {end:g}")
    if (end < start) if step > 0 else (end > start):
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")


def _arange(d: dtype, end: Any, start: Any = 0, step: Any = 1) -> Array:
    check_range("arange", d, start, end, step)
    wide = FLOAT32 if d is dtypes.float16 else FLOAT64 if d.kind == dtypes.FLOATING else INT64
    first, last, stride = (converted(n, wide) for n in (start, end, step))
    count = (float(end) - float(start)) / step
    if not count < 2**63:
        raise RuntimeError("invalid size, possible overflow?")
    n = math.ceil(count)
    if wide is not INT64:
        return _spaced(first, stride, n, d.numpy)
    if d is dtypes.int64 and not stride:
        raise ValueError("step must be nonzero")
    integers: Array = np.arange(first, last, stride) if d is dtypes.int64 else first + stride * np.arange(n)
    return integers.astype(d.numpy, copy=False)


def _spaced(first: Any, step: Any, n: int, d: np.dtype[Any]) -> Array:
    """first + step * i for i < n, rounded as torch rounds: in blocks of 32 bytes from a rounded first number on."""
    exact = first.dtype
    i: Array = np.arange(n, dtype=exact)
    block = 32 // d.itemsize
    largest = 2**11 if d.char == "e" else 2**24  # up to which a dtype holds all whole numbers
    whole = first.is_integer() and step.is_integer() and abs(first) + abs(step) * n < largest
    if whole or (n < 2 * block and not first):
        i = first + step * i  # rounded once at most
        return i.astype(d, copy=False)
    if n < 2 * block:
        return multiply_add(i, step, first).astype(d, copy=False)
    place = i % block
    place[n - n % (2 * block) :] = 0  # torch takes two blocks at a time, and the rest one by one
    starts = multiply_add(i - place, step, first).astype(d).astype(exact)
    return multiply_add(place, step, starts).astype(d, copy=False)


@public(method=False)
def linspace(start: Any, end: Any, steps: Any, **options: Unpack[Options]) -> Tensor:
    """`steps` numbers from `start` to `end`, both included, at equal distances; of the default dtype.

    Raises RuntimeError for a negative number of steps, or bounds that do not fit the dtype.
    """
    d, first, last, n = spaced_evenly("linspace", start, end, steps, options)
    return finished("linspace", linear_space(first, last, n, d.numpy), options)


def spaced_evenly(name: str, start: Any, end: Any, steps: Any, options: Any) -> tuple[dtype, Any, Any, int]:
    """The dtype, the bounds as numbers and their number, or torch's error."""
    given = start, end, steps
    d = read_dtype(name, options, given) or dtypes.get_default_dtype()
    bounds = [v.item() if isinstance(v, Tensor) and not v.ndim else as_number(v) for v in (start, end)]
    several = [(word, v.ndim) for word, v in (("start", start), ("end", end)) if isinstance(v, Tensor) and v.ndim]
    if several:
        got = " and ".join(f"{word} with {ndim} dimension(s)" for word, ndim in several)
        raise RuntimeError(f"{name} only supports 0-dimensional start and end tensors, but got {got}.")
    first, last, n = *bounds, as_int(steps)
    if first is None or last is None or n is None:
        raise no_such_form(name, given, options)
    if n < 0:
        raise RuntimeError("number of steps must be non-negative")
    return d, first, last, n


def linear_space(start: Any, end: Any, n: int, d: np.dtype[Any]) -> Array:
    """Evenly spaced numbers, the first half counted from `start` on and the second from `end` back, as in torch."""
    if n < 2:
        return np.full(n, converted(start, d) if n else 0, d)
    if d.kind == "b":
        raise NotImplementedError("\"linspace_cpu\" not implemented for 'Bool'")
    exact = d if d.kind == "f" else FLOAT64
    return evenly_between(exact.type(converted(start, d)), exact.type(converted(end, d)), n).astype(d, copy=False)


def evenly_between(first: Any, last: Any, n: int) -> Array:
    """The same, of two or more, between NumPy numbers of a floating dtype, which is that of the result."""
    d = first.dtype
    step = (last - first) / d.type(n - 1)
    half = n // 2
    i, left = np.arange(half).astype(d), np.arange(n - half)[::-1].astype(d)
    if d.char == "e":
        parts = first + step * i, last - step * left
    else:
        parts = multiply_add(i, step, first), multiply_add(left, -step, last)
    return np.concatenate(parts)
