"""Filling NumPy arrays from torch's random stream: the same numbers, the same words used up, the same errors.

Every function fills `array` in the order of its memory, as torch does, from the Generator `source`, whose lock the
caller holds. Bounds are Python numbers.

Source: ATen/native/DistributionTemplates.h, native/cpu/DistributionTemplates.h and native/TensorFactories.cpp of
https://github.com/pytorch/pytorch
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..arithmetic import box_muller, multiply_add
from ..generator import Array, Generator
from ..layout import copy_array
from ..messages import C_NAMES, TYPE_NAMES, does_not_fit, not_implemented

INTERNAL = True
CHUNK = 8192  # numbers made at a time: whole blocks of 16 that fit into the processor's cache
MOST_TO_PERMUTE = (2**32 - 1) // 20
DIGITS = {"float16": 11, "float32": 24, "float64": 53}  # of a significand, in binary


def fill_uniform(array: Array, source: Generator, low: float, high: float) -> None:
    """Uniform numbers in [low, high), or `low` where both are equal.

    Raises NotImplementedError for integer dtypes, RuntimeError if bounds and dtype do not fit.
    """
    _require_floating(array, "check_uniform_bounds")
    name, most = array.dtype.name, float(np.finfo(array.dtype).max)
    for word, bound in (("from", low), ("to", high)):
        if not -most <= bound <= most:
            raise RuntimeError(f"{word} is out of bounds for {C_NAMES[name]}")
    if low > high:
        raise RuntimeError(f"uniform_ expects to return a [from, to) range, but found from={low:g} > to={high:g}")
    if high - low > most:
        raise RuntimeError(
            f"uniform_ expects to-from <= std::numeric_limits<{TYPE_NAMES[name]}>::max(), but "
            f"found to={high:g} and from={low:g} which result in to-from to exceed the limit"
        )
    kind = computed_in(array)
    start, span = kind(low), kind(high) - kind(low)
    excluded = array.dtype.type(high)

    def draw(count: int) -> Array:
        numbers = source.uniform(count, kind)
        if start != 0 or span != 1:
            numbers = multiply_add(numbers, span, start)
        numbers = copy_array(numbers, array.dtype)
        numbers[numbers == excluded] = low  # which rounding can reach
        return numbers

    fill_chunks(array, draw)


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
        fill_chunks(array, lambda count: multiply_add(source.paired_normals(count), std, mean))
        return
    kind = computed_in(array)
    mean, std = kind(mean), kind(std)

    def draw(count: int) -> Array:
        return box_muller(source.uniform(count, kind), mean, std)

    flat, rest = array.reshape(-1), array.size % 16
    fill_chunks(flat[: flat.size - rest], draw)
    if rest:
        if array.dtype != np.float16:  # for these torch draws numbers that it then does not use
            source.uniform(rest, kind)
        fill_chunks(flat[-16:], draw)


def fill_bernoulli(array: Array, source: Generator, p: float) -> None:
    """1 with probability `p`, else 0. Raises RuntimeError unless 0 <= p <= 1.

    On Intel processors torch leaves this to MKL, whose numbers are others.
    """
    if not 0 <= p <= 1:
        raise RuntimeError(f"bernoulli_ expects p to be in [0, 1], but got p={p:g}")
    fill_chunks(array, lambda count: source.uniform(count, np.float64) < p)


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
    kind = computed_in(p)
    uniforms: Array = np.empty_like(array, kind)
    fill_chunks(uniforms, lambda count: source.uniform(count, kind))
    array[...] = uniforms < p


def fill_integers(array: Array, source: Generator, low: int, high: int) -> None:
    """Integers in [low, high).

    Raises RuntimeError if that range is empty, or the dtype does not hold all integers in it.
    """
    if low >= high:
        raise RuntimeError(f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}")
    most = _last_integer(array.dtype)
    least = 0 if array.dtype.kind in "bu" else -most - (array.dtype.kind == "i")
    for word, bound in (("from", low), ("to - 1", high - 1)):
        if not least <= bound <= most:
            raise RuntimeError(
                f"{word} is out of bounds for {C_NAMES[array.dtype.name]}\n"
                f"  It holds all integers from {least} to {most}. Draw int64, and convert them."
            )
    _fill_modulo(array, source, high - low, high - low >= 2**28, low)


def fill_any_integers(array: Array, source: Generator) -> None:
    """Integers from 0 to the largest that the dtype holds exactly."""
    _fill_modulo(array, source, _last_integer(array.dtype) + 1, array.itemsize == 8, 0)


def fill_permutation(array: Array, source: Generator) -> None:
    """0, 1, ... in random order (Fisher and Yates's shuffle), for an array of one dimension.

    Raises RuntimeError if the dtype does not hold them all, NotImplementedError for bool.
    """
    n, dtype = array.size, array.dtype
    if dtype.kind == "b":
        raise NotImplementedError(not_implemented("randperm", dtype))
    if n - 1 > _last_integer(dtype):
        most = "2049" if dtype == np.float16 else f"2^{DIGITS.get(dtype.name)}+1"
        of_floating = f"n cannot be greater than {most} for {TYPE_NAMES[dtype.name]} type."
        raise RuntimeError(of_floating if dtype.kind == "f" else does_not_fit(n, dtype))
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


def fill_chunks(array: Array, draw: Callable[[int], Array]) -> None:
    """Write what `draw(count)` returns into `array`, chunk after chunk, in the order of its memory."""
    if not array.flags.c_contiguous:
        array = array.transpose(sorted(range(array.ndim), key=lambda dim: -array.strides[dim]))
    flat = array.reshape(-1)
    for start in range(0, flat.size, CHUNK):
        part = flat[start : start + CHUNK]
        part[...] = copy_array(draw(part.size), array.dtype)
    if not np.may_share_memory(flat, array):  # elements not evenly spaced, so `flat` is a copy
        array[...] = flat.reshape(array.shape)


def _fill_modulo(array: Array, source: Generator, span: int, wide: bool, low: int) -> None:
    """`low` plus the remainders of words, 64 bits `wide` or of 32, divided by `span`."""
    words = source.long_words if wide else source.words
    fill_chunks(array, lambda count: (words(count) % np.uint64(span)).view(np.int64) + low)


def computed_in(array: Array) -> type:
    """The type that random numbers of a floating array are computed in."""
    return np.float64 if array.dtype == np.float64 else np.float32


def _last_integer(dtype: np.dtype[Any]) -> int:
    """The largest integer up to which a dtype holds them all."""
    if dtype.kind == "f":
        return int(2 ** DIGITS[dtype.name])
    return 1 if dtype.kind == "b" else np.iinfo(dtype).max


def _require_floating(array: Array, kernel: str) -> None:
    if array.dtype.kind != "f":
        text = not_implemented(kernel, array.dtype)
        raise NotImplementedError(f"{text}\n  Only a floating dtype holds such numbers.")
