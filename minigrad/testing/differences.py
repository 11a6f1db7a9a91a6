"""Slopes without calculus: central differences in double precision, each with a bound on its error.

Two differences, over h and over 2h, make one of fourth order (Richardson), and how far they lie apart bounds its error.
A kink shows in how the function bends: over smooth ground twice as much for 2h as for h, over a kink just as much. At
one, what is found lies in the middle between the slopes on both sides, and the bound reaches out to them.
Source: Numerical Recipes, 3rd edition, section 5.7; the bounds are this module's own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

INTERNAL = True
Array = np.ndarray[Any, Any]
STEPS = (2.0**-12, 2.0**-8, 2.0**-16)  # relative to the argument; the first one suffices for most
FINE_STEPS = (2.0**-16, 2.0**-20, 2.0**-24)
SIZES = (0.25, 16.0)  # between which an argument's size counts
GOOD = 1e-6  # an error small enough to stop at


def slope(
    f: Callable[[float], tuple[float, float]], size: float, steps: Sequence[float] = STEPS
) -> tuple[float, float]:
    """The derivative of `f` at 0, and a bound on the error; infinite where nothing can be said.

    f     gives a value, and how far off rounding may have put it
    size  of the argument that 0 stands for: steps are taken relative to it
    """
    found: list[tuple[float, float]] = []
    middle, _ = f(0.0)
    nears: list[float] = []
    unit = 2.0 ** math.ceil(math.log2(min(max(size, SIZES[0]), SIZES[1])))  # so that adding a step rounds little
    for step in steps:
        h = step * unit
        (low2, _), (low, noise), (high, noise2), (high2, _) = f(-2 * h), f(-h), f(h), f(2 * h)
        if not math.isfinite(low2 + low + high + high2 + middle):
            continue
        near, far = (high - low) / (2 * h), (high2 - low2) / (4 * h)
        bend, bend2 = (high - 2 * middle + low) / h, (high2 - 2 * middle + low2) / (2 * h)
        error = 4 * abs(near - far) + 0.55 * abs(2 * bend - bend2) + 16 * (noise + noise2) / h
        found.append(((4 * near - far) / 3, error))
        nears.append(abs(near))
        if error <= GOOD * max(1.0, abs(near)):
            break
    if not found or (len(nears) == len(steps) and nears[2] > 16 * nears[1] and error > GOOD):
        return math.nan, math.inf  # steeper the nearer one looks: at a jump there is no slope
    best, error = min(found, key=lambda pair: pair[1])
    # Where steps contradict each other, as they do if `f` rounds inside, the smallest error is a coincidence.
    return best, max([error, *[abs(value - best) - other for value, other in found]])


def slopes(
    total: Callable[[], tuple[float, float]], array: Array, steps: Sequence[float] = STEPS
) -> tuple[Array, Array]:
    """The derivatives of `total()` by the elements of `array`, which it reads, and bounds on their errors."""
    found, bounds = np.zeros(array.shape), np.zeros(array.shape)
    for at in np.ndindex(array.shape):
        before = array[at]

        def moved(by: float, at: Any = at, before: Any = before) -> tuple[float, float]:
            array[at] = before + by
            return total()

        found[at], bounds[at] = slope(moved, abs(float(before)), steps)
        array[at] = before
    return found, bounds


def slope_along(total: Callable[[], tuple[float, float]], arrays: list[Array], by: list[Array]) -> tuple[float, float]:
    """The derivative of `total()` as `arrays`, which it reads, move along `by`; and a bound on its error."""
    before = [a.copy() for a in arrays]

    def moved(step: float) -> tuple[float, float]:
        for a, start, direction in zip(arrays, before, by, strict=True):
            a[...] = start + step * direction
        return total()

    sizes = [float(np.abs(a).min(initial=math.inf)) for a in before]
    found = slope(moved, min([s for s in sizes if s < math.inf], default=1.0))
    for a, start in zip(arrays, before, strict=True):
        a[...] = start
    return found
