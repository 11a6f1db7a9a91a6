"""`as_strided`: a view of a tensor's memory with any steps, whose elements may be shown many times.

What flows back goes by way of the memory: all that flows to views of one place adds up there. Rules know the steps of
the tensor that was viewed, so they need not have it.

Source: https://docs.pytorch.org/docs/stable/generated/torch.as_strided.html
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..layout import address, memory_owner, strides_of
from ..memory import span_of
from ..modes import is_grad_enabled
from ..tensor import Tensor
from .half import in_single
from .inplace import as_view
from .names import attach, public, tensor_argument
from .options import integer, lengths, wrong_type
from .reshaping import in_place
from .table import Op, op

INTERNAL = True
Array = np.ndarray[Any, Any]
Sizes = tuple[int, ...]


def _strided(a: Array, inner: Sizes, shape: Sizes, strides: Sizes, offset: int) -> Array:
    """The view, `offset` elements after the first of `a`, which may be before it: of all the memory that `a` is in."""
    moved = [one != now for one, now, n in zip(inner, strides_of(a), a.shape, strict=True) if n > 1]
    if any(moved):
        raise RuntimeError(
            "as_strided(): the tensor that was viewed lay otherwise in memory\n  Call contiguous() before as_strided()."
        )
    owner = memory_owner(a)
    extent = sum([(n - 1) * s for n, s in zip(owner.shape, owner.strides, strict=True)]) + owner.itemsize
    count = extent // owner.itemsize if owner.size else 0
    memory = np.lib.stride_tricks.as_strided(owner, (count,), (owner.itemsize,))
    first = address(a) - address(owner) + offset * a.itemsize if 0 not in shape else 0
    return np.ndarray(shape, a.dtype, memory, first, [s * a.itemsize for s in strides])


def _places(shape: Sizes, strides: Sizes) -> Array:
    """How far each element lies from the first one."""
    found = np.zeros(shape, np.int64)
    for i, (n, s) in enumerate(zip(shape, strides, strict=True)):
        found += (np.arange(n) * s).reshape((-1, *(1,) * (len(shape) - 1 - i)))
    return found


Layout = tuple[Sizes, int]  # the steps of each dimension, and where the first element lies


def _moved(a: Array, shape: Sizes, source: Layout, target: Layout, viewed: tuple[Sizes, Sizes]) -> Array:
    """What `a`, laid out as `source`, adds up to where the elements of `shape` lie, laid out as `target`.

    Where elements of the tensor that was viewed, of this shape and these steps, share a place, they share it out.
    """
    if a.dtype.char == "e":
        return in_single(_moved, a, shape, source, target, viewed)
    here, there, whole = (
        _places(a.shape, source[0]) + source[1],
        _places(shape, target[0]) + target[1],
        _places(*viewed),
    )
    low = min(here.min(initial=0), there.min(initial=0))
    memory = np.zeros(max(here.max(initial=0), there.max(initial=0)) - low + 1, a.dtype)
    np.add.at(memory, here - low, a)
    memory /= np.maximum(np.bincount((whole - low).reshape(-1), minlength=len(memory)), 1).astype(a.dtype)
    return memory[there - low]


strided: Op = op(
    "AsStridedBackward0",
    _strided,
    a=lambda g, a_shape, inner, strides, offset: moved(
        g, tuple(a_shape), (strides, offset), (inner, 0), (tuple(a_shape), inner)
    ),
)
moved: Op = op(  # it is its own adjoint
    "AsStridedBackwardBackward0",
    _moved,
    a=lambda g, a_shape, source, target, viewed: moved(g, tuple(a_shape), target, source, viewed),
)


def _ints(name: str, position: int, value: Any) -> Sizes:
    if not isinstance(value, (tuple, list)):
        raise wrong_type("as_strided", name, position, "tuple of ints", value)
    return tuple(lengths("as_strided", name, (value,), value))


@public()
def as_strided(input: Tensor, size: Any, stride: Any, storage_offset: Any = None) -> Tensor:
    """A view of the memory of `input`: of a `size`, with `stride` elements between neighbours, from an offset on.

    The offset counts from the start of the memory, and is that of `input` if it is not given.
    Raises RuntimeError for what lies outside of the memory; and for elements outside of `input`, to which no gradient
    would flow, if that requires one. Where elements overlap, a gradient that a change in place would make wrong raises.
    """
    a = tensor_argument(input, "as_strided")._array
    shape, steps = _ints("size", 1, size), _ints("stride", 2, stride)
    start = input.storage_offset()
    offset = start if storage_offset is None else integer("as_strided", "storage_offset", 3, storage_offset)
    if len(shape) != len(steps):
        raise RuntimeError("mismatch in length of strides and shape")
    if min(steps, default=0) < 0:
        raise RuntimeError(f"as_strided: Negative strides are not supported at the moment, got strides: {list(steps)}")
    if min(shape, default=0) < 0:
        raise RuntimeError(f"Storage size calculation overflowed with sizes={list(shape)} and strides={list(steps)}")
    if offset < 0:
        raise RuntimeError(f"Tensor: invalid storage offset {offset}")
    inner = strides_of(a)
    _check_inside(input, inner, shape, steps, offset)
    return as_view(strided, input, inner, shape, steps, offset - start, multi=_may_overlap(shape, steps))


def _check_inside(t: Tensor, inner: Sizes, shape: Sizes, steps: Sizes, offset: int) -> None:
    if 0 in shape:
        return
    size, itemsize = span_of(t)[1], t._array.itemsize
    needed = (offset + _reach(shape, steps) + 1) * itemsize
    if needed > size:
        raise RuntimeError(
            f"setStorage: sizes {list(shape)}, strides {list(steps)}, storage offset {offset}, and itemsize "
            f"{itemsize} requiring a storage size of {needed} are out of bounds for storage of size {size}"
        )
    if t.requires_grad and is_grad_enabled():
        wanted = _places(shape, steps) + (offset - t.storage_offset())
        if not np.isin(wanted, _places(t._array.shape, inner)).all():
            raise RuntimeError(
                "as_strided(): elements outside of the tensor, to which no gradient would flow\n"
                "  torch gives a gradient without theirs. Call as_strided() of a tensor that has them all, or of "
                "x.detach()."
            )


def _reach(shape: Sizes, steps: Sizes) -> int:
    """How far the last element lies from the first one."""
    return sum([(n - 1) * s for n, s in zip(shape, steps, strict=True)])


def _may_overlap(shape: Sizes, steps: Sizes) -> bool:
    """Whether elements may share a place, other than by steps of 0, as those of `expand` do."""
    reach = 0
    for step, n in sorted(zip(steps, shape, strict=True)):
        if n > 1 and step:
            if step <= reach:
                return True
            reach += (n - 1) * step
    return False


def _without_overlap(input: Tensor, size: Any, stride: Any, storage_offset: Any = None) -> Tensor:
    made = as_strided(input, size, stride, storage_offset)
    if np.unique(_places(made._array.shape, strides_of(made._array))).size < made._array.size:
        raise NotImplementedError(
            "as_strided_() with elements that share their memory is not implemented: a view of it could not be told "
            "from another\n  Make a new tensor instead: x = x.as_strided(...)."
        )
    return made


_without_overlap.__name__ = "as_strided"
attach(as_strided_=in_place(_without_overlap))
