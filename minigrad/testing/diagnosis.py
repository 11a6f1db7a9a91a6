"""What a wrong gradient looks like, and what usually makes it look like that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

INTERNAL = True
Array = np.ndarray[Any, Any]


def likely_cause(
    found: Array, right: Array, spread: Callable[[], Array] | None = None, single: str = "of a single element"
) -> str:
    """The usual mistake behind a gradient `found` where `right` was to be expected; both of one shape.

    spread  computes the gradient of the input spread out to the result's shape, if broadcasting stretched it
    single  says what a single number is, in which many mistakes look alike
    """
    if not np.isfinite(found).all() and np.isfinite(right).all():
        return "a division by zero, or the logarithm of zero: the formula has no limit there, so choose one"
    size = float(np.abs(right).max(initial=0))

    def alike(a: Array, b: Array) -> bool:
        return a.shape == b.shape and bool(np.allclose(a, b, rtol=1e-4, atol=1e-6 * max(size, 1e-12)))

    if alike(found, right):
        return "the first digits are right: a constant that is a little off, or rounding, where much cancels"
    if alike(found, -right):
        text = "a sign: the gradient is the negative of the right one"
        return f"{text}; but {single} other mistakes may look like one" if right.size == 1 else text
    if not found.any():
        return (
            "nothing flows back: no rule, a value that left the graph (detach, no_grad, NumPy), or a factor of 0 here"
        )
    stretched = ""
    if spread is not None:
        wide = spread()
        axes = _stretched_axes(found.shape, wide.shape)
        cause = _unsummed(found, wide, axes, alike)
        if cause:
            return cause
        where = f"{'axis' if len(axes) == 1 else 'axes'} {', '.join(map(str, axes))} of the result"
        stretched = f"; the input was stretched along {where}: is its gradient summed there?"
    wrong = ~np.isclose(found, right, rtol=1e-4, atol=1e-6 * max(size, 1e-12))
    if right.ndim > 1 and wrong.sum() > 1 and alike(found, right.T):
        return "a transposed operand: the gradient is right in the order of the transpose"
    if right.ndim and wrong.sum() > 1 and alike(found, right[::-1]):
        return "a reversed axis: the gradient is right in the opposite order"
    factor = _factor(found, right)
    if factor is not None:
        if right.size == 1:
            return f"a factor of {factor:.6g}; but {single} any mistake looks like one{stretched}"
        text = f"a factor: every element is {factor:.6g} times the right one"
        if abs(factor - 2) < 1e-4:
            text += "; a term counted twice, perhaps"
        return text
    if wrong.sum() < wrong.size:
        return f"a special case: {wrong.sum()} of {wrong.size} elements are wrong, the others right"
    if right.size > 1 and alike(found - right, np.full(right.shape, (found - right).flat[0])):
        return "a missing or an extra term: all elements are off by the same amount"
    return f"a missing term, or a saved value that is not the one the formula needs{stretched}"


def _stretched_axes(narrow: tuple[int, ...], wide: tuple[int, ...]) -> tuple[int, ...]:
    """The axes of a result along which broadcasting stretched an input."""
    extra = len(wide) - len(narrow)
    return (*range(extra), *[extra + i for i, n in enumerate(narrow) if n == 1 != wide[extra + i]])


def _unsummed(found: Array, spread: Array, axes: tuple[int, ...], alike: Callable[[Array, Array], bool]) -> str:
    """Whether a gradient is only a part of what broadcasting spread out."""
    if 0 in spread.shape:
        return ""
    text = f"a missing sum over a broadcast axis ({', '.join(map(str, axes))} of the result)"
    parts = {
        "only the first element of it counts": spread[
            tuple([0 if i in axes else slice(None) for i in range(spread.ndim)])
        ],
        "only the last element of it counts": spread[
            tuple([-1 if i in axes else slice(None) for i in range(spread.ndim)])
        ],
        "the mean stands in its place": spread.mean(axes),
    }
    for axis in axes if len(axes) > 1 else ():
        others = tuple([i for i in axes if i != axis])
        parts[f"axis {axis} is not summed"] = spread.sum(others).take(0, axis - sum(i < axis for i in others))
    for what, part in parts.items():
        if alike(found, part.reshape(found.shape)):
            return f"{text}: {what}"
    return ""


def _factor(found: Array, right: Array) -> float | None:
    """The one number that `found` is a multiple of `right` by, if there is one."""
    if not right.any():
        return None
    at = int(np.abs(right).argmax())
    factor = float(found.flat[at] / right.flat[at])
    return factor if np.allclose(found, factor * right, rtol=1e-4, atol=1e-6 * float(np.abs(right).max())) else None


def ratio(found: float, right: float) -> str:
    """How a wrong number compares with the right one."""
    if not right:
        return "none, the right one is 0"
    off = found / right - 1
    return f"1 {'-' if off < 0 else '+'} {abs(off):.1e}" if abs(off) < 5e-6 else f"{found / right + 0.0:.6g}"  # not -0
