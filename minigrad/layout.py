"""How the elements of arrays lie in memory: in which order, with which gaps, and whether two arrays overlap.

Copies are laid out as torch lays them out.
"""

from __future__ import annotations

from typing import Any

import numpy as np

INTERNAL = True
Array = np.ndarray[Any, Any]
CHANNELS_LAST = {"torch.channels_last": 4, "torch.channels_last_3d": 5}  # by their names, formats and their dimensions


def memory_order(shape: tuple[int, ...], *strides: tuple[int, ...]) -> list[int]:
    """The dimensions from outermost to innermost, as torch lays out a result of operands with these strides.

    A stride of 0 says nothing, so many pairs are undecided, and the order of the comparisons is torch's.
    """
    inner_to_outer = list(reversed(range(len(shape))))
    for i in range(1, len(shape)):
        at = i
        for earlier in reversed(range(i)):
            x, y = inner_to_outer[earlier], inner_to_outer[at]
            wanted = 0
            for s in strides:
                if s[x] and s[y] and (s[x] != s[y] or shape[x] > shape[y]):
                    wanted = 1 if s[x] >= s[y] else -1
                    break
            if wanted < 0:
                break
            if wanted > 0:
                inner_to_outer[earlier], inner_to_outer[at] = y, x
                at = earlier
    return inner_to_outer[::-1]


def empty_in_order(shape: tuple[int, ...], order: list[int], d: np.dtype[Any]) -> Array:
    """An uninitialised array without gaps, its dimensions in memory in this order."""
    return np.empty([shape[i] for i in order], d).transpose(np.argsort(order))


def empty_as(a: Array, d: np.dtype[Any]) -> Array:
    """An uninitialised array of `a`'s shape, without gaps, its dimensions in memory in the order of `a`'s.

    NumPy does the same, but sends dimensions that `expand` made to the end, where torch leaves them in their place.
    """
    if 0 not in a.strides or a.flags.c_contiguous:
        return np.empty_like(a, dtype=d)
    return empty_in_order(a.shape, memory_order(a.shape, a.strides), d)


def order_of(memory_format: Any, a: Array) -> str:
    """How a copy of `a` is to lie in memory: "K", as `a` does; "C"; or the name of a format with channels last.

    Raises RuntimeError if `a` has not the dimensions that the format is for.
    """
    name = str(memory_format)
    if name in CHANNELS_LAST:
        if a.ndim != CHANNELS_LAST[name]:
            text = f"required rank {CHANNELS_LAST[name]} tensor to use {name.removeprefix('torch.')} format"
            raise RuntimeError(f"{text}\n  This one has {a.ndim} dimensions.")
        return name
    return "C" if name == "torch.contiguous_format" else "K"


def empty_channels_last(shape: tuple[int, ...], d: np.dtype[Any]) -> Array:
    """An uninitialised array of images, whose channels, dimension 1, are innermost in memory."""
    return empty_in_order(shape, [0, *range(2, len(shape)), 1], d)


def is_channels_last(a: Array, memory_format: str) -> bool:
    """Whether the elements lie in a format with channels last, without gaps."""
    return a.ndim == CHANNELS_LAST[memory_format] and bool(np.moveaxis(a, 1, -1).flags.c_contiguous)


def looks_channels_last(a: Array) -> bool:
    """Whether torch takes an array to be in a format with channels last, gaps or not, by its strides alone."""
    if a.ndim not in CHANNELS_LAST.values() or not a.strides[1]:
        return False
    least = 0
    for dim in (1, *range(a.ndim - 1, 1, -1), 0):
        n, step = a.shape[dim], a.strides[dim]
        if not n or step < least or (dim == 0 and least == a.strides[1]):
            return False
        least = step * n
    return True


def copy_array(a: Array, d: np.dtype[Any], order: str = "K") -> Array:
    """A copy in dtype `d`, converted as C does: fractions are cut off, and numbers that do not fit come out somehow.

    order  "K" keeps the order of the dimensions in memory, as far as torch does; "C" puts the last one innermost;
           others are those of `CHANNELS_LAST`
    """
    # torch comes from float64 to float16 by way of float32, and so rounds twice
    values = a.astype(np.float32) if d.char == "e" and a.dtype.char == "d" else a
    if d.char == "B" and a.dtype.kind == "f":
        values = a.astype(np.int64)  # by way of which torch takes what does not fit
    if order in CHANNELS_LAST:
        made: Array = empty_channels_last(a.shape, d)
        np.copyto(made, values, casting="unsafe")
    elif order == "C" or 0 not in a.strides:
        made = values.astype(d, order=order)  # type: ignore[call-overload]
    else:
        made = empty_as(a, d)
        np.copyto(made, values, casting="unsafe")
    return made


def strides_of(a: Array) -> tuple[int, ...]:
    """For each dimension how many elements lie between neighbours; of an array without any, as if it had some.

    What NumPy makes without elements has only strides of 0, which torch's has not.
    """
    if a.size or any(a.strides):
        return tuple([step // a.itemsize for step in a.strides])
    steps = [1]
    for n in a.shape[:0:-1]:
        steps.append(steps[-1] * max(n, 1))
    return tuple(steps[::-1])


def share_memory(x: Array, y: Array) -> bool:
    """Whether two arrays overlap; like torch, take arrays with gaps not to."""
    if not (x.size and y.size and has_no_gaps(x) and has_no_gaps(y)):
        return False
    return address(x) < address(y) + y.nbytes and address(y) < address(x) + x.nbytes


def address(x: Array) -> int:
    """Where the first element lies."""
    return int(x.__array_interface__["data"][0])


def extent(x: Array) -> int:
    """How many bytes lie between the start of the first element and the end of the last."""
    return sum([(n - 1) * stride for n, stride in zip(x.shape, x.strides, strict=True)]) + x.itemsize if x.size else 0


def memory_owner(array: Array) -> Array:
    """The array whose memory `array` is a view of; itself if it is none."""
    while array.base is not None:
        base = array.base if isinstance(array.base, np.ndarray) else getattr(array.base, "base", None)
        if not isinstance(base, np.ndarray):  # broadcast_to and as_strided leave an object between the two arrays
            break
        array = base
    return array


def has_no_gaps(array: Array) -> bool:
    """Whether the elements, in some order of the dimensions, fill their memory without gaps or overlaps."""
    outer_to_inner = sorted(range(array.ndim), key=lambda i: -array.strides[i])
    return array.transpose(outer_to_inner).flags.c_contiguous


def kept(a: Any, where: Any) -> Any:
    """`a`, and 0 where a condition does not hold.

    It multiplies the bits of an array, as numbers of the same size: NumPy's `where` takes up to ten times as long where
    the condition often changes.
    """
    if a.__class__ is not np.ndarray:  # but a symbol, or a scalar
        return np.where(where, a, a.dtype.type(0))
    return (a.view(f"i{a.itemsize}") * where).view(a.dtype)
