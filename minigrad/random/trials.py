"""binomial: how many of some trials succeed.

Source: ATen/native/Distributions.h of https://github.com/pytorch/pytorch; W. Hörmann, "The generation of binomial
random variates", 1993.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..generator import Array, Generator
from ..messages import TYPE_NAMES, misfit, not_implemented
from ..ops.names import public, tensor_argument
from ..tensor import Tensor
from . import _draw, drawn_for_both
from .sampling import _uniform

INTERNAL = True
FEW = 10  # of so many on average successes are not counted one by one


@public(method=False)
def binomial(count: Tensor, prob: Tensor, generator: Generator | None = None) -> Tensor:
    """How many of `count` trials succeed, each with probability `prob`: tensors that broadcast.

    No gradient flows to them.
    Raises RuntimeError for shapes or dtypes that do not fit, ValueError for counts that are integers,
    NotImplementedError for half precision.
    """
    trials, chances = tensor_argument(count, "binomial")._array, tensor_argument(prob, "binomial")._array
    if trials.dtype.kind != "f":
        name = TYPE_NAMES[trials.dtype.name]
        raise ValueError(f"binomial only supports floating-point dtypes for count, got: {name}")
    if trials.dtype != chances.dtype:
        expected, found = TYPE_NAMES[trials.dtype.name], TYPE_NAMES[chances.dtype.name]
        raise RuntimeError(f"Found dtype {found} but expected {expected}")
    if trials.dtype == np.float16:
        raise NotImplementedError(not_implemented("binomial_cpu", trials.dtype))
    try:
        trials, chances = np.broadcast_arrays(trials, chances)
    except ValueError as error:
        raise misfit(error, trials, chances) from None
    counts = _draw(generator, _fill_binomial, np.empty(trials.shape, trials.dtype), trials, chances)
    return drawn_for_both.named("BinomialBackward0").call(count, prob, counts)


def _fill_binomial(array: Array, source: Generator, trials: Array, chances: Array) -> None:
    pairs = zip(trials.ravel(), chances.ravel(), strict=True)
    array[...] = np.array([_successes(source, n, p) for n, p in pairs]).reshape(array.shape)


def _successes(source: Generator, count: Any, p: Any) -> float:
    """`count` and `p` are NumPy's numbers of one dtype, in which torch computes what stands in float(...) here."""
    if count <= 0 or p <= 0:
        return 0
    if p >= 1:
        return float(count)
    if p > 0.5:
        return float(count) - _successes_of_rare(source, count, 1 - p)
    return _successes_of_rare(source, count, p) if p <= 0.5 else math.nan


def _successes_of_rare(source: Generator, count: Any, p: Any) -> float:
    if count * p >= FEW:
        return _successes_of_many(source, count, p)
    successes, trials, log_failure = 0, 0.0, float(np.log1p(-p))
    while (trials := trials + np.ceil(_log(_uniform(source)) / log_failure)) <= count:  # on to the next success
        successes += 1
    return successes


def _successes_of_many(source: Generator, count: Any, p: Any) -> float:
    """Hörmann's algorithm BTRS: propose a count, and take it or not."""
    mean, odds, mode = float(count * p), float(p / (1 - p)), math.floor((count + 1) * p)
    deviation = float(np.sqrt(count * p * (1 - p)))
    count, p = float(count), float(p)
    b = 1.15 + 2.53 * deviation
    a = -0.0873 + 0.0248 * b + 0.01 * p
    alpha = (2.83 + 5.1 / b) * deviation
    while True:
        u, v = _uniform(source) - 0.5, _uniform(source)
        us = 0.5 - abs(u)
        k: int = math.floor((2 * a / us + b) * u + (mean + 0.5))
        if us >= 0.07 and v <= 0.92 - 4.2 / b:
            return k
        if not 0 <= k <= count:
            continue
        bound = (
            (mode + 0.5) * math.log((mode + 1) / (odds * (count - mode + 1)))
            + (count + 1) * math.log((count - mode + 1) / (count - k + 1))
            + (k + 0.5) * math.log(odds * (count - k + 1) / (k + 1))
            + (_stirling_rest(mode) + _stirling_rest(count - mode))
            - (_stirling_rest(k) + _stirling_rest(count - k))
        )
        if _log(v * alpha / (a / (us * us) + b)) <= bound:
            return k


def _stirling_rest(k: float) -> float:
    """log(k!) less what Stirling's formula gives for it."""
    n = k + 1
    if k <= 9:
        return math.lgamma(n) - ((k + 0.5) * math.log(n) - n + 0.5 * math.log(2 * math.pi))
    return (1 / 12 - (1 / 360 - 1 / 1260 / n**2) / n**2) / n


def _log(x: float) -> float:
    return math.log(x) if x else -math.inf
