"""Losses that are one operation: what is compared element by element, and then averaged, added up, or left as it is.

Source: https://docs.pytorch.org/docs/stable/nn.functional.html#loss-functions
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..dtypes import dtype
from ..messages import TYPE_NAMES
from .activations import logsigmoid_
from .half import in_single
from .pairs import xlogy_
from .pointwise import abs_, clamp_low, keep, log_, select, sigmoid_, sign_
from .shape import spread
from .table import Op, op

INTERNAL = True
Array = np.ndarray[Any, Any]


def loss_of(each: Array, reduction: str) -> Array:
    """The elements' losses, their sum, or their mean."""
    if reduction == "none":
        return each
    total = np.add.reduce(each, None, np.float32 if each.dtype.char == "e" else each.dtype)
    if reduction == "mean":
        total = np.true_divide(total, total.dtype.type(each.size))
    return np.asarray(total, each.dtype)


def to_each(g: Any, shape: tuple[int, ...], reduction: str) -> Any:
    """What flows to each element's loss."""
    if reduction == "none":
        return g
    return spread(g / (math.prod(shape) or 1) if reduction == "mean" else g, shape)


# Distances


def _squared_error(a: Array, b: Array, reduction: str) -> Array:
    error = a - b
    error *= error
    return loss_of(error, reduction)


squared_error = op(
    "MseLossBackward0",
    _squared_error,
    a=lambda g, a, b, reduction: to_each(g * 2, a.shape, reduction) * (a - b),
    b=lambda g, a, b, reduction: to_each(g * 2, a.shape, reduction) * (b - a),
)


def _smooth_error(a: Array, b: Array, reduction: str, beta: float) -> Array:
    size = np.abs(a - b)
    return loss_of(np.where(size < beta, 0.5 * size * size / beta, size - 0.5 * beta), reduction)


def _smooth_slope(error: Any, beta: float) -> Any:
    return select(error / beta, sign_(error), ~(abs_(error) >= beta))


smooth_error = op(
    "SmoothL1LossBackward0",
    _smooth_error,
    a=lambda g, a, b, reduction, beta: to_each(g, a.shape, reduction) * _smooth_slope(a - b, beta),
    b=lambda g, a, b, reduction, beta: to_each(g, a.shape, reduction) * _smooth_slope(b - a, beta),
)


def _huber(a: Array, b: Array, delta: float) -> Array:
    if a.dtype.char == "e":
        return in_single(_huber, a, b, delta)
    size = np.abs(a - b)
    return np.where(size < delta, 0.5 * size * size, delta * (size - 0.5 * delta))


def _huber_slope(error: Any, delta: float) -> Any:
    return select(error, sign_(error) * delta, ~(abs_(error) >= delta))


def _huber_rule(g: Any, error: Any, reduction: str, delta: float, found: dtype, expected: dtype) -> Any:
    if found is not expected:
        raise RuntimeError(
            f"Found dtype {TYPE_NAMES[found.name]} but expected {TYPE_NAMES[expected.name]}\n"
            "  huber_loss has a gradient where its input and its target are of one dtype: bring them to one first."
        )
    return to_each(g, error.shape, reduction) * _huber_slope(error, delta)


huber = op(  # `of_a` and `of_b`: which dtypes its operands had, before they were brought to one
    "HuberLossBackward0",
    lambda a, b, reduction, delta, of_a, of_b: loss_of(_huber(a, b, delta), reduction),
    a=lambda g, a, b, reduction, delta, of_a, of_b: _huber_rule(g, a - b, reduction, delta, of_b, of_a),
    b=lambda g, a, b, reduction, delta, of_a, of_b: _huber_rule(g, b - a, reduction, delta, of_a, of_b),
)

# Of probabilities. `c` is a weight for every element, `d` one for the positive targets, or 1 without dimensions


def _binary_entropy(a: Array, b: Array, c: Array, reduction: str) -> Array:
    for name, values in (("input", a), ("target", b)):
        if not ((values >= 0) & (values <= 1)).all():
            advice = "" if name == "target" else "\n  Scores of any size go into binary_cross_entropy_with_logits."
            raise RuntimeError(f"all elements of {name} should be between 0 and 1{advice}")
    each = (b - 1) * np.maximum(np.log1p(-a), -100) - b * np.maximum(np.log(a), -100)
    return loss_of((each * c).astype(a.dtype), reduction)


binary_entropy = op(
    "BinaryCrossEntropyBackward0",
    _binary_entropy,
    a=lambda g, a, b, c, reduction: to_each(g, a.shape, reduction) * ((a - b) / clamp_low((1 - a) * a, 1e-12)) * c,
    b=lambda g, a, b, c, reduction: to_each(g, a.shape, reduction) * (log_(1 - a) - log_(a)) * c,
    c=None,
)


def _entropy_of_logits(a: Array, b: Array, c: Array, d: Array, reduction: str) -> Array:
    log_sigmoid = np.minimum(a, 0) - np.log1p(np.exp(-np.abs(a)))
    each = (1 - b) * a - ((d - 1) * b + 1) * log_sigmoid
    return loss_of((each * c).astype(b.dtype), reduction)  # as in torch, where the loss is written over 1 - target


entropy_of_logits = op(
    "BinaryCrossEntropyWithLogitsBackward0",
    _entropy_of_logits,
    a=lambda g, a, b, c, d, reduction: to_each(g, a.shape, reduction) * (((d - 1) * b + 1) * sigmoid_(a) - d * b) * c,
    b=lambda g, a, b, c, d, reduction: to_each(g, a.shape, reduction) * (logsigmoid_(-a) - d * logsigmoid_(a)) * c,
    c=None,
    d=None,
)
entropy = op(  # a * log(a), and 0 at 0
    "XlogyBackward0",
    lambda a: np.where(a == 0, a, a * np.log(a)),
    a=lambda g, a: keep(xlogy_(g, a), a != 0) + g * (a / a),
)

# Of margins


def _soft_margin(a: Array, b: Array, reduction: str) -> Array:
    return loss_of(np.log1p(np.exp(-(b * a))), reduction)


soft_margin: Op = op(
    "SoftMarginLossBackward0",
    _soft_margin,
    a=lambda g, a, b, reduction: to_each(g, a.shape, reduction) * (-b * sigmoid_(-b * a)),
    b=None,
)
