"""Half precision (float16): torch computes with it in single precision, and rounds results, not what leads to them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .table import Op

INTERNAL = True
Array = np.ndarray[Any, Any]


def in_single(function: Callable[..., Any], a: Array, *rest: Any) -> Any:
    """What `function` gives for `a` in half precision: computed in single, and rounded once."""
    return function(a.astype(np.float32), *rest).astype(a.dtype)


def at_least(a: Array, low: Any) -> Array:
    """The larger of each element and a number; of 0. and -0. the element, in half precision the number, as in torch."""
    bound = a.dtype.type(low)
    return np.maximum(a, bound) if a.dtype.char == "e" else np.maximum(bound, a)


def at_most(a: Array, high: Any) -> Array:
    """The smaller of each element and a number; of 0. and -0. as `at_least`."""
    bound = a.dtype.type(high)
    return np.minimum(a, bound) if a.dtype.char == "e" else np.minimum(bound, a)


def is_half(a: Any) -> bool:
    """Whether `a` is an array in half precision; never for a Tensor."""
    return getattr(a.dtype, "char", "") == "e"


def keep_numbers(o: Op, **rules: Any) -> None:
    """Let `o` of half precision and a number, or a 0-d tensor, take that as it is; by the rules of `o`, or these."""
    o.by_number = Op(o.node_name, _once_rounded(o.forward), {**o.rules, **rules}, "", False)


def _once_rounded(ufunc: Any) -> Callable[[Array, Any], Array]:
    return lambda a, b: ufunc(a, b, dtype=np.float32).astype(a.dtype)


def by_number(o: Op, g: Any, number: float) -> Any:
    """`o` of a gradient, an array or a Tensor, and a number; not rounded as `g * number` would."""
    return (o.by_number if o.by_number and is_half(g) else o)(g, number)


def plus_scaled(a: Array, b: Array, scale: Array) -> Array:
    """`a + b * scale`, rounded once in half precision."""
    return a + b * scale if a.dtype.char != "e" else (a + np.multiply(b, scale, dtype=np.float32)).astype(a.dtype)
