"""Whose memory a gradient lies in, so that it is copied where somebody else may change it, and only there."""

from __future__ import annotations

from sys import getrefcount
from typing import Any

import numpy as np

from ..layout import has_no_gaps

INTERNAL = True
Array = np.ndarray[Any, Any]
Delivered = tuple[Any, Any]  # a leaf, or a node, and the gradient that a walk brought there

_sample: Delivered = (None, np.empty(1)[:])
ALONE = getrefcount(_sample[1])  # what getrefcount gives for an array that one tuple holds, and nobody else


def is_unshared(delivered: Delivered) -> bool:
    """Whether nobody but this pair holds the gradient's array, and the memory that it may be a view of."""
    if getrefcount(delivered[1]) > ALONE:
        return False
    array = delivered[1]
    while array.base is not None:
        if getrefcount(array.base) > ALONE or not isinstance(array.base, np.ndarray):
            return False
        array = array.base
    return True


def own_array(delivered: Delivered, like: Array) -> Array:
    """The gradient in memory of its own, laid out as a leaf's `.grad` is in torch: as the leaf `like`, if without gaps.

    It is copied only where that is not so already.
    """
    g = delivered[1]
    if g.shape != like.shape or g.dtype != like.dtype:
        return np.array(g)  # the leaf was given other data since
    if g.strides == like.strides and g.dtype is like.dtype and g.__class__ is np.ndarray:
        del g  # so as not to be counted
        if is_unshared(delivered) and (delivered[1].base is None or delivered[1].base.nbytes == like.nbytes):
            array: Array = delivered[1]
            return array
    own = np.empty_like(like) if has_no_gaps(like) else np.empty(like.shape, like.dtype)
    np.copyto(own, delivered[1])
    return own
