"""Numbers of the gamma distribution, and of Dirichlet's, which is made of it.

Source: ATen/native/Distributions.h and Distributions.cpp of https://github.com/pytorch/pytorch; G. Marsaglia and W. W.
Tsang, "A simple method for generating gamma variables", 2000.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..generator import Array, Generator
from ..messages import not_implemented
from . import _draw
from .sampling import _uniform

INTERNAL = True
THIRD, SQUEEZE = np.float32(1 / 3), float(np.float32(0.0331))  # of single precision in torch, for every dtype


def standard_gamma(concentration: Array) -> Array:
    """Numbers of gamma distributions of rate 1, whose other parameter is `concentration`, and none of them 0.

    Raises NotImplementedError for half precision and integers.
    """
    return _drawn("gamma_cpu", concentration, _fill_gamma)


def standard_dirichlet(concentration: Array) -> Array:
    """Numbers that sum to 1 along the last dimension, each between 0 and 1: gamma ones, divided by their sum.

    Raises NotImplementedError for half precision and integers.
    """
    return _drawn("dirichlet", concentration, _fill_dirichlet)


def _drawn(kernel: str, concentration: Array, fill: Any) -> Array:
    if concentration.dtype.char not in "fd":
        raise NotImplementedError(not_implemented(kernel, concentration.dtype))
    return _draw(None, fill, np.empty(concentration.shape, concentration.dtype), concentration)


def _fill_gamma(array: Array, source: Generator, concentration: Array) -> None:
    numbers = [_gamma(source, alpha) for alpha in concentration.ravel()]
    array[...] = np.array(numbers).reshape(array.shape)
    np.maximum(array, np.finfo(array.dtype).tiny, out=array)


def _fill_dirichlet(array: Array, source: Generator, concentration: Array) -> None:
    numbers = np.array([_gamma(source, alpha) for alpha in concentration.ravel().astype(np.float64)])
    numbers = np.maximum(numbers, np.finfo(np.float64).tiny).reshape(array.shape)  # not 0 / 0, if all are tiny
    one = array.dtype.type(1)
    shares = (numbers / numbers.sum(-1, keepdims=True)).astype(array.dtype)
    np.clip(shares, np.finfo(array.dtype).tiny, np.nextafter(one, 0 * one), out=array)


def _gamma(source: Generator, alpha: Any) -> float:
    """`alpha` is NumPy's number; what is computed of it before float(...) stands is in its dtype, as in torch."""
    if not alpha > 0:
        return 0.0 if alpha == 0 else math.nan
    boost = 1.0
    if alpha < 1:  # few proposals would be taken: draw one for alpha + 1, and make it one for alpha
        boost = (1 - _uniform(source)) ** float(1 / alpha)
        alpha = alpha + 1
    d = float(alpha - THIRD)
    c = 1 / math.sqrt(9 * d)
    while True:
        x = source.paired_normals(1).item()
        if (root := 1 + c * x) <= 0:
            continue
        v, u, square = root * root * root, 1 - _uniform(source), x * x
        if u < 1 - SQUEEZE * square * square or math.log(u) < 0.5 * square + d * (1 - v + math.log(v)):
            return float(boost * d * v)
