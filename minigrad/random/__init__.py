"""torch's random functions: from the same seed the same numbers as torch's on the CPU.

`distributions.py` makes numbers of a generator's words in NumPy arrays, and this file ties them to tensors.
Source: https://docs.pytorch.org/docs/stable/torch.html#random-sampling
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypedDict, Unpack

import numpy as np

from .. import dtypes, messages
from ..devices import require_cpu
from ..generator import Array, Generator as Generator, default_generator as default_generator
from ..layout import copy_array
from ..ops.factories import new_array, new_array_like
from ..ops.inplace import check_writable, overwrite, zeros_as
from ..ops.names import public, tensor_argument
from ..ops.options import (
    LIKE,
    SIZED,
    LikeOptions,
    Options,
    SizeOptions,
    as_int,
    as_number,
    checked_size,
    finished,
    integer,
    no_such_form,
    read_dtype,
    written,
    wrong_type,
)
from ..ops.table import common_dtype, op
from ..tensor import Tensor, wrap
from . import distributions

INTERNAL = True
Fill = Callable[..., None]
Number = float | Tensor  # where torch takes a float, a 0-d tensor will do
_LIKE, _SIZED = LIKE | {"generator"}, SIZED | {"generator"}


class _OfGenerator(TypedDict, total=False):
    generator: Generator | None


class RandomLikeOptions(LikeOptions, _OfGenerator, total=False):
    """Keywords of the functions that make a tensor like another one."""


class RandomOptions(Options, _OfGenerator, total=False):
    """Those of the functions that are told a size."""


class RandomSizeOptions(SizeOptions, _OfGenerator, total=False):
    """`RandomOptions`, and the size as a keyword."""


# What the numbers were drawn for does not reach them as a gradient: torch gives zeros.
drawn_for = op("NormalBackward1", lambda a, numbers: numbers, a=lambda g: zeros_as(g))
drawn_for_both = op(
    "NormalBackward3",
    lambda a, b, numbers: numbers,
    a=lambda g: zeros_as(g),
    b=lambda g: zeros_as(g),
    numbers="promote",
)


# Seeds and states of the generator that is used where none is given


@public(method=False)
def manual_seed(seed: Any) -> Generator:
    """Start the default generator's stream anew from `int(seed)`; see `Generator.manual_seed`."""
    return default_generator.manual_seed(int(seed))


@public(method=False)
def seed() -> int:
    """Start the default generator's stream anew from a seed nobody can know, and return it."""
    return default_generator.seed()


@public(method=False)
def initial_seed() -> int:
    """The seed that the default generator was last started from."""
    return default_generator.initial_seed()


@public(method=False)
def get_rng_state() -> Tensor:
    """The state of the default generator; see `Generator.get_state`."""
    return default_generator.get_state()


@public(method=False)
def set_rng_state(new_state: Tensor) -> None:
    """Set the state of the default generator; see `Generator.set_state`."""
    default_generator.set_state(new_state)


@contextmanager
def fork_rng(
    devices: Iterable[Any] | None = None, enabled: bool = True, *, device_type: str | None = None
) -> Iterator[None]:
    """Within the `with` block draw what you like: after it, the default generator is where it was before.

    devices, device_type  GPUs whose generators to put back too: there are none, and any raises AssertionError
    Source: https://docs.pytorch.org/docs/stable/random.html#torch.random.fork_rng
    """
    if not enabled:
        yield
        return
    for _ in devices or ():
        require_cpu(device_type or "cuda")
    before = get_rng_state()
    try:
        yield
    finally:
        set_rng_state(before)


# New tensors


@public(method=False)
def rand(*sizes: Any, **options: Unpack[RandomSizeOptions]) -> Tensor:
    """Uniform numbers in [0, 1). The shape is given as ints, as one sequence of them, or as `size=`.

    Raises TypeError or RuntimeError for an impossible size, NotImplementedError for integer dtypes.
    """
    shape = checked_size("rand", sizes, options)
    return _new("rand", sizes, options, shape, distributions.fill_uniform, 0.0, 1.0)


@public(method=False)
def randn(*sizes: Any, **options: Unpack[RandomSizeOptions]) -> Tensor:
    """Normal numbers with mean 0 and standard deviation 1; shape and errors as for `rand`."""
    shape = checked_size("randn", sizes, options)
    return _new("randn", sizes, options, shape, distributions.fill_normal, 0.0, 1.0)


@public(method=False)
def normal(mean: Number, std: Number | None = None, size: Any = None, **options: Unpack[RandomOptions]) -> Tensor:
    """Normal numbers: of shape `size` for two numbers, else one for each element of the tensors.

    mean, std  two numbers; or a tensor and a number (`std` is then 1 if left out); or two tensors, whose shapes
               broadcast. Tensors give the dtype, `mean` first, and leave of the keywords only `generator` and
               `out`. No gradient flows to them.
    Raises RuntimeError if a standard deviation is negative or shapes do not fit, TypeError for another combination
    of arguments, NotImplementedError for integer dtypes.
    """
    given = _present(mean, std, size)
    if size is None:
        return _normal_around(mean, 1.0 if std is None else std, given, options)
    centre, scale = as_number(mean), as_number(std)
    if centre is None or scale is None:
        raise no_such_form("normal", given, options)
    shape = _size("normal", given, options, size)
    return _new("normal", given, options, shape, distributions.fill_normal, float(centre), float(scale))


@public(method=False)
def randint(low: Any = None, high: Any = None, size: Any = None, **options: Unpack[RandomOptions]) -> Tensor:
    """Integers in [low, high) or, called as `randint(high, size)`, in [0, high); of dtype int64.

    Raises RuntimeError if low >= high or a bound does not fit the dtype, TypeError if a bound is no int.
    """
    given = _present(low, high, size)
    if size is None and high is not None:
        low, high, size = None, low, high
        if as_int(high) is None and isinstance(size, (tuple, list)):
            raise wrong_type("randint", "high", 1, "int", high)
        if as_int(high) is not None and as_int(size) is not None:
            raise wrong_type("randint", "size", 2, "tuple of ints", size)
    elif high is None:
        low, high = None, low
    first, end = as_int(0 if low is None else low), as_int(high)
    if first is None or end is None:
        raise no_such_form("randint", given, options)
    shape = _size("randint", given, options, size)
    return _new("randint", given, options, shape, distributions.fill_integers, first, end, default=dtypes.int64)


@public(method=False)
def randperm(n: int, **options: Unpack[RandomOptions]) -> Tensor:
    """The integers from 0 to n - 1 in random order, of shape (n,) and dtype int64.

    Raises RuntimeError if `n` is negative or the dtype asked for does not hold so many, TypeError if it is no int.
    """
    shape = checked_size("randperm", (integer("randperm", "n", 1, n),), {})
    return _new("randperm", (n,), options, shape, distributions.fill_permutation, default=dtypes.int64)


@public()
def bernoulli(
    input: Tensor, p: Number | None = None, *, generator: Generator | None = None, out: Tensor | None = None
) -> Tensor:
    """Ones, each with the probability that `input` has in its place (or `p` for all), and zeros.

    The result has the shape and dtype of `input`, to which no gradient flows.
    Raises RuntimeError for probabilities outside [0, 1], NotImplementedError for integer ones.
    """
    array = tensor_argument(input, "bernoulli")._array
    given = _present(input, p)
    options: RandomOptions = {"generator": generator, "out": out}
    dtype = read_dtype("bernoulli", options, given, options) or input.dtype
    probability = as_number(p)
    if p is not None and (probability is None or out is not None):
        raise no_such_form("bernoulli", given, options)
    numbers = np.empty(array.shape, dtype.numpy)
    if probability is None:
        _draw(generator, distributions.fill_bernoulli_each, numbers, array)
    else:
        _draw(generator, distributions.fill_bernoulli, numbers, probability)
    if out is not None:
        return written("bernoulli", out, numbers, input)
    return drawn_for.named("BernoulliBackward0").call(input, numbers)


@public(method=False)
def rand_like(input: Tensor, **options: Unpack[RandomLikeOptions]) -> Tensor:
    """Uniform numbers in [0, 1), of the shape, dtype and layout in memory of `input`."""
    return _new_like("rand_like", (input,), options, distributions.fill_uniform, 0.0, 1.0)


@public(method=False)
def randn_like(input: Tensor, **options: Unpack[RandomLikeOptions]) -> Tensor:
    """Normal numbers, as `randn` makes, of the shape, dtype and layout in memory of `input`."""
    return _new_like("randn_like", (input,), options, distributions.fill_normal, 0.0, 1.0)


@public(method=False)
def randint_like(input: Tensor, low: Any = None, high: Any = None, **options: Unpack[RandomLikeOptions]) -> Tensor:
    """Integers in [low, high) or, called as `randint_like(input, high)`, in [0, high), in the dtype of `input`."""
    given = _present(input, low, high)
    if high is None:
        low, high = 0, low
    first, end = as_int(0 if low is None else low), as_int(high)
    if first is None or end is None:
        raise no_such_form("randint_like", given, options)
    return _new_like("randint_like", given, options, distributions.fill_integers, first, end)


# In place


@public(function=False)
def uniform_(
    self: Tensor, from_: Number = 0.0, to: Number = 1.0, *, generator: Generator | None = None, **named: Number
) -> Tensor:
    """Fill with uniform numbers in [from, to); torch's keyword is `from`.

    Raises RuntimeError if the bounds do not fit each other or the dtype, NotImplementedError for integer dtypes.
    """
    from_ = named.pop("from", from_)
    for name in named:
        raise TypeError(f"uniform_() got an unexpected keyword argument '{name}'")
    low, high = _float("uniform_", "from", 1, from_), _float("uniform_", "to", 2, to)
    return _refill("uniform_", self, generator, distributions.fill_uniform, low, high)


@public(function=False)
def normal_(self: Tensor, mean: Number = 0.0, std: Number = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Fill with normal numbers.

    Raises RuntimeError if `std` is negative, NotImplementedError for integer dtypes.
    """
    centre, scale = _float("normal_", "mean", 1, mean), _float("normal_", "std", 2, std)
    return _refill("normal_", self, generator, distributions.fill_normal, centre, scale)


@public(function=False)
def random_(self: Tensor, *bounds: Any, generator: Generator | None = None, **named: Any) -> Tensor:
    """Fill with integers: `random_(to)` in [0, to), `random_(from, to)` in [from, to).

    `random_()` goes up to the largest integer to which the dtype holds all.
    Raises RuntimeError if that leaves none or a bound does not fit the dtype, TypeError if a bound is no int.
    """
    if not bounds and not named:
        return _refill("random_", self, generator, distributions.fill_any_integers)
    pair = [*bounds, *(named[name] for name in ("from", "to") if name in named)]
    if len(pair) == 1 and "from" not in named:
        pair = [0, pair[0]]
    low, high = (as_int(pair[0]), as_int(pair[1])) if len(pair) == 2 else (None, None)
    if low is None or high is None:
        raise no_such_form("random_", bounds, named)
    return _refill("random_", self, generator, distributions.fill_integers, low, high)


@public(function=False)
def bernoulli_(self: Tensor, p: Any = 0.5, *, generator: Generator | None = None) -> Tensor:
    """Fill with ones, with probability `p` (a number, or a tensor that broadcasts), and zeros.

    Raises RuntimeError for a probability outside [0, 1] or a shape that does not fit.
    """
    if isinstance(p, Tensor):
        each = p.expand(self.shape)._array
        return _refill("bernoulli_", self, generator, distributions.fill_bernoulli_each, each)
    probability = as_number(p)
    if probability is None:
        raise no_such_form("bernoulli_", (p,), {})
    return _refill("bernoulli_", self, generator, distributions.fill_bernoulli, probability)


# What they share


def _present(*arguments: Any) -> tuple[Any, ...]:
    return tuple(value for value in arguments if value is not None)


def _size(function: str, given: Sequence[Any], options: Mapping[str, Any], size: Any) -> Any:
    """The shape that one sequence gives to a function that takes other arguments too."""
    if not isinstance(size, (tuple, list)):
        raise no_such_form(function, given, options)
    return checked_size(function, (size,), {})


def _float(function: str, name: str, position: int, value: Any) -> float:
    number = as_number(value)
    if number is None:
        raise wrong_type(function, name, position, "float", value)
    return float(number)


_forbidden = ContextVar("minigrad.random_forbidden", default=False)


@contextmanager
def drawing(randomness: str) -> Iterator[None]:
    """Within it random numbers may be drawn, unless `randomness` is "error", here or in a context around this one.

    Raises RuntimeError unless it is one of "error", "different", "same".
    """
    if randomness not in ("error", "different", "same"):
        raise RuntimeError(f"Only allowed values for randomness are 'error', 'different', or 'same'. Got {randomness}")
    token = _forbidden.set(_forbidden.get() or randomness == "error")
    try:
        yield
    finally:
        _forbidden.reset(token)


def _draw(generator: Generator | None, fill: Fill, array: Array, *parameters: Any) -> Array:
    if _forbidden.get():
        raise RuntimeError(
            "vmap: called random operation while in randomness error mode. Please either use the 'same' or 'different' "
            "randomness flags on vmap or perform the randomness operation out of vmap"
        )
    source = generator or default_generator
    with source.lock, np.errstate(over="ignore", invalid="ignore"):
        fill(array, source, *parameters)
    return array


def _new(
    function: str,
    args: Sequence[Any],
    options: RandomSizeOptions | RandomOptions,
    shape: Any,
    fill: Fill,
    *parameters: Any,
    default: dtypes.dtype | None = None,
) -> Tensor:
    """A tensor of `shape`, or `out`, filled with new numbers."""
    d = read_dtype(function, options, args, _SIZED) or default or dtypes.get_default_dtype()
    array = new_array(shape, d.numpy, None)
    return finished(function, _draw(options.get("generator"), fill, array, *parameters), options)


def _new_like(function: str, args: Sequence[Any], options: RandomLikeOptions, fill: Fill, *parameters: Any) -> Tensor:
    """A tensor like args[0], filled with new numbers."""
    like = tensor_argument(args[0], function)
    d = read_dtype(function, options, args, _LIKE) or like.dtype
    array = new_array_like(like, d.numpy, None, options)
    return finished(function, _draw(options.get("generator"), fill, array, *parameters), options)


def _refill(function: str, t: Tensor, generator: Any, fill: Fill, *parameters: Any) -> Tensor:
    """`t`, filled with new numbers in place."""
    if not isinstance(generator, Generator | None):
        raise wrong_type(function, "generator", None, "torch.Generator", generator)
    check_writable(t)  # before any number is drawn
    return overwrite(t, _draw(generator, fill, t._array, *parameters))


def _normal_around(mean: Any, std: Any, given: Sequence[Any], options: RandomOptions) -> Tensor:
    """`normal` where the mean, the standard deviation or both are tensors."""
    tensors = [t for t in (mean, std) if isinstance(t, Tensor)]
    if not tensors or any(as_number(n) is None for n in (mean, std) if not isinstance(n, Tensor)):
        raise no_such_form("normal", given, options)
    d = read_dtype("normal", options, given, ("generator", "out")) or tensors[0].dtype
    try:
        shape = np.broadcast_shapes(*(t.shape for t in tensors))
    except ValueError as error:
        raise messages.misfit(error, mean._array, std._array) from None

    scale = 1.0 if isinstance(std, Tensor) else float(std)
    if isinstance(std, Tensor) and std.numel() and not std._array.min() >= 0:
        raise RuntimeError("normal expects all elements of std >= 0.0")
    numbers = _draw(options.get("generator"), distributions.fill_normal, np.empty(shape, d.numpy), 0.0, scale)
    if isinstance(std, Tensor):
        numbers = _combined(np.multiply, numbers, std._array)
    around = mean._array if isinstance(mean, Tensor) else np.array(float(mean), d.numpy)
    numbers = _combined(np.add, numbers, around)

    out = options.get("out")
    if out is not None:
        return written("normal", out, numbers, *tensors)
    if len(tensors) == 2:
        result: Tensor = drawn_for_both(mean, std, numbers)
    else:
        node = "NormalBackward1" if tensors[0] is mean else "NormalBackward2"
        result = drawn_for.named(node)(tensors[0], numbers)
    return result


def _combined(function: np.ufunc, numbers: Array, other: Array) -> Array:
    """A function of two arrays, computed in torch's common dtype and cast back to that of `numbers`."""
    common = common_dtype(wrap(numbers), wrap(other)).numpy
    with np.errstate(over="ignore", invalid="ignore"):
        result: Array = function(numbers.astype(common), other.astype(common))
        return copy_array(result, numbers.dtype)


from . import sampling as sampling, trials as trials  # noqa: E402  They use what stands above.
