"""Numbers that are made of uniform ones by a formula, and choices by weights.

On Intel processors torch leaves `exponential_`, of which `multinomial` makes use, to MKL, whose numbers are others.

Source: ATen/native/Distributions.cpp, ATen/core/TransformationHelper.h and native/cpu/MultinomialKernel.cpp of
https://github.com/pytorch/pytorch
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from ..arithmetic import multiply_add
from ..flags import check_flags
from ..generator import Array, Generator
from ..layout import empty_as
from ..messages import C_NAMES, TYPE_NAMES, not_implemented
from ..ops.names import public, tensor_argument
from ..ops.options import integer, number, written, wrong_type
from ..tensor import Tensor, wrap
from . import Number, _draw, _float, _refill, drawn_for
from .distributions import computed_in, fill_chunks

INTERNAL = True
MOST_CATEGORIES = 2**24


@public(function=False)
def exponential_(self: Tensor, lambd: Number = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Fill with exponentially distributed numbers of rate `lambd`.

    Raises RuntimeError unless lambd > 0, or for integer dtypes.
    """
    rate = _float("exponential_", "lambd", 1, lambd)
    _require_continuous("Exponential", self, TYPE_NAMES)
    if not rate > 0:
        raise RuntimeError(f"exponential_ expects lambda > 0.0, but found lambda={rate:g}")
    return _refill("exponential_", self, generator, fill_exponential, rate)


@public(function=False)
def geometric_(self: Tensor, p: Number, *, generator: Generator | None = None) -> Tensor:
    """Fill with the number of tries up to the first success, each of probability `p`.

    Raises RuntimeError unless 0 < p < 1, NotImplementedError for bool.
    """
    chance = _float("geometric_", "p", 1, p)
    if not 0 < chance < 1:
        raise RuntimeError(f"geometric_ expects p to be in (0, 1), but got p={chance:g}")
    if self._array.dtype.kind == "b":
        raise NotImplementedError(not_implemented("geometric_cpu", self._array.dtype))
    failure = math.log1p(-chance)
    return _refill("geometric_", self, generator, _of_uniforms(lambda u: np.ceil(_each(_log, u) / failure)))


@public(function=False)
def log_normal_(self: Tensor, mean: Number = 1.0, std: Number = 2.0, *, generator: Generator | None = None) -> Tensor:
    """Fill with numbers whose logarithms are normal, with this mean and standard deviation.

    Raises RuntimeError unless std > 0, NotImplementedError for integer dtypes.
    """
    centre, scale = _float("log_normal_", "mean", 1, mean), _float("log_normal_", "std", 2, std)
    if not scale > 0:
        raise RuntimeError(f"log_normal_ expects std > 0.0, but found std={scale:g}")
    if self._array.dtype.kind != "f":
        raise NotImplementedError(not_implemented("log_normal_cpu", self._array.dtype))

    def fill(array: Array, source: Generator) -> None:
        fill_chunks(array, lambda count: _each(_exp, multiply_add(source.paired_normals(count), scale, centre)))

    return _refill("log_normal_", self, generator, fill)


@public(function=False)
def cauchy_(self: Tensor, median: Number = 0.0, sigma: Number = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Fill with numbers of Cauchy's distribution, half of which are within `sigma` of the median.

    Raises RuntimeError unless sigma > 0, or for integer dtypes.
    """
    middle, half_width = _float("cauchy_", "median", 1, median), _float("cauchy_", "sigma", 2, sigma)
    if not half_width > 0:
        raise RuntimeError(f"cauchy_ expects sigma > 0.0, but found sigma={half_width:g}")
    _require_continuous("Cauchy", self, C_NAMES)
    fill = _of_uniforms(lambda u: middle + half_width * _each(math.tan, math.pi * (u - 0.5)))
    return _refill("cauchy_", self, generator, fill)


@public()
def multinomial(
    input: Tensor,
    num_samples: int,
    replacement: bool = False,
    *,
    generator: Generator | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """Indices drawn with the weights in `input`, of shape (n,), or in each of its rows, of shape (m, n).

    The weights need not sum to 1. Of shape (num_samples,) or (m, num_samples) and dtype int64.
    Raises RuntimeError for negative, infinite or missing weights, or if there are too few indices to draw from.
    """
    weights = tensor_argument(input, "multinomial")._array
    count = integer("multinomial", "num_samples", 2, num_samples)
    if not isinstance(generator, Generator | None):
        raise wrong_type("multinomial", "generator", None, "torch.Generator", generator)
    _check_choice(weights, count, replacement, out)
    if not weights.shape[0] or not weights.size:
        indices = np.empty((*weights.shape[:-1], count), np.int64)
    elif replacement and count > 1:
        rows = np.atleast_2d(weights)
        indices = _draw(generator, _choose, np.empty((len(rows), count), np.int64), rows)
        indices = indices.reshape(*weights.shape[:-1], count)
    else:
        _check_weights(weights)
        # The smallest of exponentially distributed times, whose rates are the weights: one of each index.
        chances = weights / _draw(generator, fill_exponential, empty_as(weights, weights.dtype), 1.0)
        one = count == 1
        indices = chances.argmax(axis=-1, keepdims=True) if one else wrap(chances).topk(count).indices._array
    return wrap(indices) if out is None else written("multinomial", out, indices)


@public(method=False)
def poisson(input: Tensor, generator: Generator | None = None) -> Tensor:
    """Numbers of events, each with the mean that `input` has in its place; no gradient flows to that.

    Raises RuntimeError for negative means, NotImplementedError for integer dtypes.
    """
    means = tensor_argument(input, "poisson")._array
    if means.dtype.kind != "f":
        raise NotImplementedError(not_implemented("poisson_cpu", means.dtype))
    if not (means >= 0).all():
        raise RuntimeError("invalid Poisson rate, expected rate to be non-negative")
    counts = _draw(generator, _fill_poisson, np.empty(means.shape, means.dtype), means)
    return drawn_for.named("PoissonBackward0").call(input, counts)


@public(method=False)
def rrelu(
    input: Tensor,
    lower: float = 1 / 8,
    upper: float = 1 / 3,
    training: bool = False,
    generator: Generator | None = None,
) -> Tensor:
    """Each element, or a multiple of it where it is not positive.

    The factor is drawn from [lower, upper) for each of them when training; else it is the mean of these bounds.
    Raises RuntimeError if `lower > upper`, NotImplementedError for integer dtypes.
    Source: https://arxiv.org/abs/1505.00853
    """
    from ..ops.activations import rrelu_  # here, as few draw with it, and import is to be quick

    x = tensor_argument(input, "rrelu")._array
    lower, upper = number("rrelu", "lower", 2, lower), number("rrelu", "upper", 3, upper)
    check_flags("rrelu", training=training)
    for name, bound in (("lower", lower), ("upper", upper)):
        if not math.isfinite(bound):
            raise RuntimeError(f"rrelu: {name} bound must be finite, got {bound}")
    if lower > upper:
        raise RuntimeError("Lower bound should be less than or equal to the upper bound")
    if x.dtype.kind != "f" or (training and x.dtype.char == "e"):
        kernel = "rrelu_with_noise_out_cpu" if training else "leaky_relu_cpu"
        raise NotImplementedError(not_implemented(kernel, x.dtype))
    if training:
        slopes = np.ones(x.shape, x.dtype)
        bounds = float(x.dtype.type(lower)), float(x.dtype.type(upper))  # torch has them in the dtype of `input`
        slopes[x <= 0] = _draw(generator, _fill_slopes, np.empty(int((x <= 0).sum())), *bounds)
    else:
        slopes = np.where(x > 0, x.dtype.type(1), x.dtype.type((lower + upper) / 2))
    return rrelu_.call(input, slopes)


def fill_exponential(array: Array, source: Generator, rate: float) -> None:
    """Exponentially distributed numbers."""
    _of_uniforms(lambda u: -1 / rate * _each(math.log1p, -u))(array, source)


def _of_uniforms(formula: Callable[[Array], Array]) -> Callable[[Array, Generator], None]:
    """What fills an array with a formula of uniform numbers in [0, 1), in double precision."""
    return lambda array, source: fill_chunks(array, lambda count: formula(source.uniform(count, np.float64)))


def _each(function: Callable[[float], float], numbers: Array) -> Array:
    """A function of `math`, which are the C library's to the last bit, as in torch."""
    return np.array([function(number) for number in numbers.tolist()])


def _exp(x: float) -> float:
    try:
        return math.exp(x)
    except OverflowError:
        return math.inf


def _log(u: float) -> float:
    return math.log(u) if u else -math.inf


def _require_continuous(name: str, t: Tensor, words: dict[str, str]) -> None:
    if t._array.dtype.kind != "f":
        raise RuntimeError(
            f"{name} distribution is a continuous probability distribution. "
            f"dtype must be a floating point but you specified {words[t._array.dtype.name]}"
        )


def _check_choice(weights: Array, count: int, replacement: bool, out: Tensor | None) -> None:
    """Raise torch's errors for what cannot be drawn from, or into."""
    if weights.ndim not in (1, 2):
        raise RuntimeError("prob_dist must be 1 or 2 dim")
    if weights.dtype.kind != "f":
        name = TYPE_NAMES[weights.dtype.name]
        raise RuntimeError(f"multinomial only supports floating-point dtypes for input, got: {name}")
    if count <= 0:
        raise RuntimeError("cannot sample n_sample <= 0 samples")
    if not replacement and count > weights.shape[-1]:
        raise RuntimeError(
            "cannot sample n_sample > prob_dist.size(-1) samples without replacement\n"
            f"  There are {weights.shape[-1]}. Draw with replacement=True to have some of them twice."
        )
    if weights.shape[-1] > MOST_CATEGORIES:
        raise RuntimeError("number of categories cannot exceed 2^24")
    if out is not None and out._array.dtype != np.int64:
        raise RuntimeError(f"multinomial expects Long tensor out, got: {TYPE_NAMES[out._array.dtype.name]}")


def _check_weights(weights: Array) -> None:
    if not (np.isfinite(weights) & (weights >= 0)).all():
        raise RuntimeError("probability tensor contains either `inf`, `nan` or element < 0")
    if not (weights.sum(axis=-1) > 0).all():
        raise RuntimeError("invalid multinomial distribution (sum of probabilities <= 0)")


def _choose(indices: Array, source: Generator, rows: Array) -> None:
    """Fill each row with indices that uniform numbers fall to, in the running sums of the weights."""
    for chosen, weights in zip(indices, rows, strict=True):
        if (weights < 0).any():
            raise RuntimeError("invalid multinomial distribution (encountering probability entry < 0)")
        if not np.isfinite(weights).all():
            raise RuntimeError("invalid multinomial distribution (encountering probability entry = infinity or NaN)")
        sums = weights.cumsum(dtype=computed_in(weights))
        if not sums[-1] > 0:
            raise RuntimeError("invalid multinomial distribution (sum of probabilities <= 0)")
        sums /= sums[-1]
        sums[-1] = 1
        chosen[...] = sums.searchsorted(source.uniform(chosen.size, np.float64))


def _fill_slopes(array: Array, source: Generator, lower: float, upper: float) -> None:
    array[...] = source.uniform(array.size, np.float64) * (upper - lower) + lower  # here torch fuses nothing


def _fill_poisson(array: Array, source: Generator, means: Array) -> None:
    counts = [_events(mean, source) for mean in means.ravel().tolist()]
    array[...] = np.array(counts).reshape(array.shape)


def _events(mean: float, source: Generator) -> int:
    """How many events there are: counted one by one, or for large means by Hoermann's rejection (1993)."""
    if mean == 0:
        return 0
    if mean < 10:
        count, left = 0, _uniform(source)
        while left > math.exp(-mean):
            count, left = count + 1, left * _uniform(source)
        return count
    width = 0.931 + 2.53 * math.sqrt(mean)
    skew = -0.059 + 0.02483 * width
    scale = 1.1239 + 1.1328 / (width - 3.4)
    while True:
        u, v = _uniform(source) - 0.5, _uniform(source)
        distance = 0.5 - abs(u)
        near = (2 * skew / distance + width) * u + mean + 0.43
        drawn: float = math.floor(near) if near < 2**63 else near  # which has no fraction, or is no number
        if distance >= 0.07 and v <= 0.9277 - 3.6224 / (width - 2):
            return _as_int64(drawn)
        if drawn < 0 or (distance < 0.013 and v > distance):
            continue
        factorial = math.lgamma(drawn + 1) if drawn < 2.5e305 else math.inf
        likely = -mean + drawn * math.log(mean) - factorial
        if math.log(v) + math.log(scale) - math.log(skew / (distance * distance) + width) <= likely:
            return _as_int64(drawn)


def _as_int64(count: float) -> int:
    """The integer that C's conversion gives torch: the least one for what does not fit."""
    return int(count) if count < 2**63 else -(2**63)


def _uniform(source: Generator) -> float:
    """`source.uniform(1, np.float64)`, made more quickly for one number."""
    high, low = source.words(2).tolist()
    bits: int = (high << 32 | low) % 2**53
    return bits * 2.0**-53
