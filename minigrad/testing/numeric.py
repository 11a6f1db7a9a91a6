"""Gradients beside slopes: the comparison that most checks come down to."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .calls import DOUBLE, EPS, Calls
from .differences import FINE_STEPS, slope_along, slopes
from .subject import Array, Subject, numpy_of

INTERNAL = True
__tracebackhide__ = True  # pytest shows the message, and the user's own lines
Total = Callable[[], tuple[float, float]]


def compare_with_slopes(calls: Calls) -> tuple[float, int]:
    """The worst error of a subject's gradients, and how many were compared with a slope."""
    subject = calls.subject.in_dtype(DOUBLE)
    arguments = subject.fresh(calls.inputs, DOUBLE)
    outputs = subject.call(arguments)
    upstream = subject.upstream(outputs, calls.seed)
    wanted = subject.wanted(arguments)
    moving = subject.fresh(arguments, plain=True)
    total = weighed(subject, moving, upstream)
    _call_with_other_values(subject, arguments)
    found = subject.gradients(outputs, list(wanted.values()), upstream)

    values = [total()[0] for _ in range(4)]
    if len(set(values)) > 1 and np.isfinite(values).all():
        raise calls.fail("calls with the same inputs give different values; fix its random numbers with a seed")
    worst, elements = 0.0, 0
    places = {what: numpy_of(t) for what, t in subject.wanted(moving).items()}
    for (what, t), g in zip(subject.wanted(moving).items(), found, strict=True):
        right, bound = slopes(total, places[what])
        size = float(np.abs(right[np.isfinite(bound)]).max(initial=0))
        allowed = bound + 1e-9 * (1 + size)
        if g.shape == right.shape:
            # What is not finite at the point itself cannot be told from differences around it.
            allowed = np.where(np.isfinite(g) | np.isfinite(bound), allowed, np.inf)
            if not (np.abs(g - right) <= allowed).all():
                allowed = _in_doubt(total, places[what], g, allowed)
                if np.isfinite(g).all() and not is_differentiable(total, list(places.values())):
                    continue
        spread = _spread_out(subject, moving, t, outputs, upstream)
        names = ("backward", "differences")
        worst = max(worst, calls.compare(what, g, right, allowed, names, spread))
        elements += int(np.isfinite(bound).sum())
    return worst, elements


def _call_with_other_values(subject: Subject, arguments: Sequence[Any]) -> None:
    """Call the subject again before its backward, on its inputs reversed: what it leaves behind is then not theirs."""
    others = subject.fresh(arguments)
    for t in {id(t): t for t in others if subject.is_floating(t)}.values():
        numpy_of(t)[...] = numpy_of(t).ravel()[::-1].reshape(tuple(t.shape)).copy()
    subject.call(others)


def _in_doubt(total: Total, place: Array, g: Array, allowed: Array) -> Array:
    """What is allowed, after a look with finer steps: a function may turn many times between the usual ones."""
    right, bound = slopes(total, place, FINE_STEPS)
    agrees = (np.abs(g - right) <= bound) & (bound <= 1e-2 * np.maximum(1, np.abs(g)))
    return np.where(agrees, np.inf, allowed)


def is_differentiable(total: Total, places: list[Array]) -> bool:
    """Whether the slope in a direction is the sum of those along the axes, as it is unless several kinks meet."""
    rng = np.random.default_rng(0)
    for _ in range(4):
        direction = [np.asarray(rng.uniform(-1.0, 1.0, place.shape)) for place in places]
        slope, bound = slope_along(total, places, direction)
        both, room = slope_by_axes(total, places, direction)
        if not math.isfinite(bound + room) or abs(slope - both) > bound + room + 1e-6 * (1 + abs(both)):
            return False
    return True


def slope_by_axes(total: Total, places: list[Array], direction: list[Array]) -> tuple[float, float]:
    """The slope in a direction, from those along the axes; and how much kinks at this point leave open."""
    along = [slopes(total, place) for place in places]
    pairs = list(zip(along, direction, strict=True))
    slope = sum(float((right * d).sum()) for (right, _), d in pairs)
    return slope, sum(float((bound * np.abs(d)).sum()) for (_, bound), d in pairs)


def weighed(subject: Subject, arguments: Sequence[Any], upstream: Sequence[Any]) -> Total:
    """A function that calls the subject: the sum of its results, weighed by `upstream`, and how far rounding goes.

    NaN where the results have other shapes than `upstream`, as they may if they depend on the values.
    """
    weights = [numpy_of(u).astype(np.float64) for u in upstream]

    def total() -> tuple[float, float]:
        outputs = [numpy_of(o) for o in subject.call(arguments)]
        if [o.shape for o in outputs] != [w.shape for w in weights]:
            return math.nan, math.nan
        value = noise = 0.0
        for o, w in zip(outputs, weights, strict=True):
            terms = o * w
            value += float(terms.sum())
            noise += EPS[str(o.dtype)] * float(np.abs(terms).sum())
        return value, noise

    return total


def _spread_out(
    subject: Subject, arguments: Sequence[Any], stretched: Any, outputs: Sequence[Any], upstream: Sequence[Any]
) -> Callable[[], Array] | None:
    """How to compute the slopes of an input that broadcasting stretched, one for each of its places in the result."""
    shape = max((tuple(o.shape) for o in outputs), key=lambda s: (len(s), np.prod(s)), default=())
    own = tuple(stretched.shape)
    try:
        fits = np.broadcast_shapes(own, shape) == shape != own
    except ValueError:
        fits = False
    if not fits or not any(a is stretched for a in arguments):
        return None

    def compute() -> Array:
        array = np.array(np.broadcast_to(numpy_of(stretched), shape))
        wide = subject.tensor(array)
        total = weighed(subject, [wide if a is stretched else a for a in arguments], upstream)
        return slopes(total, array)[0]

    return compute
