"""Filling NumPy arrays from torch's random stream: the same numbers, the same words used up, the same errors.

Every function fills `array` in the order of its memory, as torch does, from the Generator `source`, whose lock the
caller holds. Bounds are Python numbers.

Source: ATen/native/DistributionTemplates.h, native/cpu/DistributionTemplates.h and native/TensorFactories.cpp of
https://github.com/pytorch/pytorch
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from ..arithmetic import box_muller, multiply_add
from ..messages import TYPE_NAMES
from .generator import Array, Generator

INTERNAL = True
CHUNK = 8192  # numbers made at a time: whole blocks of 16 that fit into the processor's cache
MOST_TO_PERMUTE = (2**32 - 1) // 20
DIGITS = {"float16": 11, "float32": 24, "float64": 53}  # of a significand, in binary

# C++'s names of the dtypes, as torch puts them into messages
C_NAME = {"bool": "bool", "uint8": "unsigned char", "int8": "signed char", "int16": "short int", "int32": "int"}
C_NAME |= {"int64": "long int", "float16": "c10::Half", "float32": "float", "float64": "double"}


def fill_uniform(array: Array, source: Generator, low: float, high: float) -> None:
    """Uniform numbers in [low, high), or `low` where both are equal.

    Raises NotImplementedError for integer dtypes, RuntimeError if bounds and dtype do not fit.
    """
    _require_floating(array, "check_uniform_bounds")
    name, most = array.dtype.name, float(np.finfo(array.dtype).max)
    for word, bound in (("from", low), ("to", high)):
        if not -most <= bound <= most:
            raise RuntimeError(f"{word} is out of bounds for {C_NAME[name]}")
    if low > high:
        raise RuntimeError(f"uniform_ expects to return a [from, to) range, but found from={low:g} > to={high:g}")
    if high - low > most:
        raise RuntimeError(
            f"uniform_ expects to-from <= std::numeric_limits<{TYPE_NAMES[name]}>::max(), but "
            f"found to={high:g} and from={low:g} which result in to-from to exceed the limit"
        )
    kind = _computed_in(array)
    start, span = kind(low), kind(high) - kind(low)
    excluded = array.dtype.type(high)

    def draw(count: int) -> Array:
        numbers = source.uniform(count, kind)
        if start != 0 or span != 1:
            numbers = multiply_add(numbers, span, start)
        numbers = cast(numbers, array.dtype)
        numbers[numbers == excluded] = low  # which rounding can reach
        return numbers

    _fill(array, draw)


def fill_normal(array: Array, source: Generator, mean: float, std: float) -> None:
    """Normal numbers: of a contiguous array of 16 or more in blocks of 16, of others in pairs.

    Raises RuntimeError unless std >= 0, NotImplementedError for integer dtypes.
    """
    if not std >= 0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std:g}")
    if not array.size:
        return
    _require_floating(array, "normal_kernel_cpu")
    if array.size < 16 or not array.flags.c_contiguous:
        _fill(array, lambda count: multiply_add(source.paired_normals(count), std, mean))
        return
    kind = _computed_in(array)
    mean, std = kind(mean), kind(std)

    def draw(count: int) -> Array:
        return box_muller(source.uniform(count, kind), mean, std)

    flat, rest = array.reshape(-1), array.size % 16
    _fill(flat[: flat.size - rest], draw)
    if rest:
        if array.dtype != np.float16:  # for these torch draws numbers that it then does not use
            source.uniform(rest, kind)
        _fill(flat[-16:], draw)


def fill_bernoulli(array: Array, source: Generator, p: float) -> None:
    """1 with probability `p`, else 0. Raises RuntimeError unless 0 <= p <= 1.

    On Intel processors torch leaves this to MKL, whose numbers are others.
    """
    if not 0 <= p <= 1:
        raise RuntimeError(f"bernoulli_ expects p to be in [0, 1], but got p={p:g}")
    _fill(array, lambda count: source.uniform(count, np.float64) < p)


def fill_bernoulli_each(array: Array, source: Generator, p: Array) -> None:
    """1 with the probabilities in `p`, which broadcasts to the array, else 0.

    Raises NotImplementedError if `p` holds integers, RuntimeError unless 0 <= p <= 1.
    """
    _require_floating(p, "bernoulli_tensor_cpu_p_")
    if not ((p >= 0) & (p <= 1)).all():
        raise RuntimeError(
            "Expected p_in >= 0 && p_in <= 1 to be true, but got false.  (Could this error message "
            "be improved?  If so, please report an enhancement request to PyTorch.)\n"
            f"  The probabilities run from {p.min():g} to {p.max():g}."
        )
    kind = _computed_in(p)
    uniforms: Array = np.empty_like(array, kind)
    _fill(uniforms, lambda count: source.uniform(count, kind))
    array[...] = uniforms < p


def fill_integers(array: Array, source: Generator, low: int, high: int | None) -> None:
    """Integers in [low, high); without `high`, up to the largest that the dtype holds exactly.

    Raises RuntimeError if that range is empty or does not fit the dtype; UserWarning if a floating
    dtype skips integers in it.
    """
    dtype = array.dtype
    if high is None and low == -(2**63):
        _check_full_range(dtype)
        _fill(array, lambda count: source.long_words(count).view(np.int64))
        return
    if high is None:
        last = _last_integer(dtype)
        if dtype.kind == "f" and (low := _round_up(low, dtype)) >= last:
            raise RuntimeError(
                "random_ expects 'from' casted to dtype to be less than or equal to 'to_inc' "
                f"casted to dtype, but got from={low} > to_inc={last}"
            )
    else:
        which = ""
        if low < high and dtype.kind == "f":
            low, high = _round_up(low, dtype), _round_down(high, dtype)
            which = " casted to dtype"
        if low >= high:
            raise RuntimeError(
                f"random_ expects 'from'{which} to be less than 'to'{which}, but got from={low} >= to={high}"
            )
        last = high - 1
    _check_bounds(low, last, dtype)
    _fill_modulo(array, source, last - low + 1, last - low + 1 >= 2**28, low)


def fill_any_integers(array: Array, source: Generator) -> None:
    """Integers from 0 to the largest that the dtype holds exactly."""
    _fill_modulo(array, source, _last_integer(array.dtype) + 1, array.itemsize == 8, 0)


def fill_permutation(array: Array, source: Generator) -> None:
    """0, 1, ... in random order (Fisher and Yates's shuffle), for an array of one dimension.

    Raises RuntimeError if the dtype does not hold them all, NotImplementedError for bool.
    """
    n, dtype = array.size, array.dtype
    if dtype.kind == "b":
        raise NotImplementedError("\"randperm\" not implemented for 'Bool'")
    if n - 1 > _last_integer(dtype):
        if dtype.kind == "f":
            most = "2049" if dtype == np.float16 else f"2^{DIGITS[dtype.name]}+1"
            name = TYPE_NAMES[dtype.name]
            raise RuntimeError(f"n cannot be greater than {most} for {name} type.")
        raise RuntimeError(f"value cannot be converted to type {dtype.name}_t without overflow")
    if n >= MOST_TO_PERMUTE:
        raise NotImplementedError(
            f"randperm of {n}: from {MOST_TO_PERMUTE} on torch shuffles in another way, which minigrad does not have"
        )
    order = np.arange(n)
    remaining = np.arange(n, 1, -1, dtype=np.uint64)
    offsets = source.words(remaining.size) % remaining
    elements = order.data  # quicker to index than an array
    for i, offset in enumerate(offsets.tolist()):
        j = i + offset
        elements[i], elements[j] = elements[j], elements[i]
    array[...] = order


def _fill(array: Array, draw: Callable[[int], Array]) -> None:
    """Write what `draw(count)` returns into `array`, chunk after chunk, in the order of its memory."""
    if not array.flags.c_contiguous:
        array = array.transpose(sorted(range(array.ndim), key=lambda dim: -array.strides[dim]))
    flat = array.reshape(-1)
    for start in range(0, flat.size, CHUNK):
        part = flat[start : start + CHUNK]
        part[...] = cast(draw(part.size), array.dtype)
    if not np.may_share_memory(flat, array):  # elements not evenly spaced, so `flat` is a copy
        array[...] = flat.reshape(array.shape)


def cast(array: Array, dtype: np.dtype[Any]) -> Array:
    """`array` as C++ casts it: float64 becomes float16 by way of float32, rounded twice."""
    if dtype == np.float16 and array.dtype == np.float64:
        array = array.astype(np.float32)
    return array.astype(dtype, copy=False)


def _fill_modulo(array: Array, source: Generator, span: int, wide: bool, low: int) -> None:
    """`low` plus the remainders of words, 64 bits `wide` or of 32, divided by `span`."""
    words = source.long_words if wide else source.words
    _fill(array, lambda count: (words(count) % np.uint64(span)).view(np.int64) + low)


def _computed_in(array: Array) -> type:
    """The type that random numbers of a floating array are computed in."""
    return np.float64 if array.dtype == np.float64 else np.float32


def _last_integer(dtype: np.dtype[Any]) -> int:
    """The largest integer up to which a dtype holds them all."""
    if dtype.kind == "f":
        return int(2 ** DIGITS[dtype.name])
    return 1 if dtype.kind == "b" else np.iinfo(dtype).max


def _round_up(low: int, dtype: np.dtype[Any]) -> int:
    """`low`, or torch's replacement for it, such that no integer drawn rounds to less."""
    rounded = np.int64(low + 1).astype(dtype)
    if not np.isfinite(rounded) or int(rounded) >= low:
        return low
    return int(rounded) + _spacing(low + 1, dtype)


def _round_down(high: int, dtype: np.dtype[Any]) -> int:
    """`high`, or torch's replacement for it, such that no integer drawn rounds up to it."""
    rounded = np.int64(high - 1).astype(dtype)
    if not np.isfinite(rounded) or int(rounded) < high:
        return high
    return int(rounded) - _spacing(high - 1, dtype)


def _spacing(integer: int, dtype: np.dtype[Any]) -> int:
    """How far the numbers of a floating dtype are apart near a large integer."""
    return 1 << (abs(integer).bit_length() - DIGITS[dtype.name])


def _check_bounds(first: int, last: int, dtype: np.dtype[Any]) -> None:
    most = int(np.finfo(dtype).max) if dtype.kind == "f" else _last_integer(dtype)
    least = 0 if dtype.kind in "bu" else -most - (dtype.kind == "i")
    name = C_NAME[dtype.name]
    for word, bound in (("from", first), ("to - 1", last)):
        if not least <= bound <= most:
            raise RuntimeError(f"{word} is out of bounds for {name}")
        if dtype.kind == "f" and abs(bound) > _last_integer(dtype):
            digits = DIGITS[dtype.name]
            warnings.warn(
                f"{word} is out of bounds [-(2^{digits}), 2^{digits}]. Due to precision "
                f"limitations {name} can support discrete uniform distribution only within this "
                "range. This warning will become an error in version 1.7 release, please fix the "
                "code in advance",
                UserWarning,
                stacklevel=5,
            )


def _check_full_range(dtype: np.dtype[Any]) -> None:
    if dtype.name in ("int64", "float32", "float64"):
        return
    kernel = "random_full_64_bits_range_kernel_cpu"
    if dtype.kind in "bf":
        name = TYPE_NAMES[dtype.name]
        raise NotImplementedError(f"\"{kernel}\" not implemented for '{name}'")
    raise RuntimeError(f"{kernel} handles only int64, double, float and bfloat16")


def _require_floating(array: Array, kernel: str) -> None:
    if array.dtype.kind != "f":
        raise NotImplementedError(
            f"\"{kernel}\" not implemented for '{TYPE_NAMES[array.dtype.name]}'\n"
            "  Only a floating dtype holds such numbers."
        )
