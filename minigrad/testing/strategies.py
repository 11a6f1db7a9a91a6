"""Strategies for hypothesis: tensors of either library, their shapes, layouts and elements, and what goes with them.

Everything shrinks to fewer dimensions, sides of 1, contiguous memory and simple numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, floor, log2, log10, prod
from types import ModuleType
from typing import Any, TypeAlias, TypeVar

import numpy as np

import minigrad

from .code import GAP, register_printers

try:
    from hypothesis import strategies as st
    from hypothesis.errors import InvalidArgument
    from hypothesis.strategies import SearchStrategy
except ImportError as error:
    raise ImportError('strategies need hypothesis: in the checkout, pip install ".[testing]"') from error

INTERNAL = True

T = TypeVar("T")
Array: TypeAlias = np.ndarray[Any, Any]
Shape: TypeAlias = tuple[int, ...]
Draw: TypeAlias = Callable[[SearchStrategy[Any]], Any]
Together: TypeAlias = Callable[[int], SearchStrategy[list[float]]]
"""Elements that depend on one another: from how many there are to a strategy for all of them."""

LAYOUTS = ("contiguous", "transposed", "sliced", "expanded", "reversed")
"""How the elements of a drawn tensor may lie in memory; see `tensors`."""

DTYPES = {
    "floating": ("float64", "float32"),
    "half": ("float16",),
    "integer": ("int64", "int32", "int16", "int8", "uint8"),
    "bool": ("bool",),
}
"""The kinds of dtypes, simplest first."""


# Elements


def numbers(low: float = -3.0, high: float = 3.0) -> SearchStrategy[float]:
    """Floats from `low` to `high` with few digits, about one in three of them simple: 1, 2, 0, -1, 0.5 and the like."""
    return _numbers(low, high)


def positive(low: float = 0.1, high: float = 3.0) -> SearchStrategy[float]:
    """Floats from `low`, which is above 0, to `high`: for logarithms, roots and divisors."""
    if low <= 0:
        raise InvalidArgument(f"positive numbers start above 0, not at low={low}")
    return _numbers(low, high)


def away_from(*kinks: float, distance: float = 0.1, low: float = -3.0, high: float = 3.0) -> SearchStrategy[float]:
    """Floats from `low` to `high` that are at least `distance` from every kink, where a function has no derivative."""
    return _numbers(low, high, kinks, distance)


@lru_cache(maxsize=256)
def distinct(low: float = -3.0, high: float = 3.0, gap: float = 0.05) -> Together:
    """Elements from `low` to `high` of which no two in one tensor are nearer than `gap`: for max, sort and median.

    Pass it to `tensors(elements=...)`. Asking for more elements than there is room for raises InvalidArgument.
    """
    steps = range(ceil(low / gap - 1e-9), floor(high / gap + 1e-9) + 1)
    places = sorted((round(k * gap, 10) for k in steps), key=_size)

    @lru_cache
    def together(n: int) -> SearchStrategy[list[float]]:
        if n > len(places):
            raise InvalidArgument(f"from {low} to {high} there are {len(places)} places {gap} apart, too few for {n}")
        return st.lists(st.integers(0, len(places) - 1), min_size=n, max_size=n).map(lambda ks: _taken(places, ks))

    return together


def _taken(places: Sequence[float], picks: Sequence[int]) -> list[float]:
    """Each pick counts through the places that are still free."""
    free = list(places)
    return [free.pop(pick % len(free)) for pick in picks]


@lru_cache(maxsize=256)
def _numbers(low: float, high: float, kinks: tuple[float, ...] = (), distance: float = 0) -> SearchStrategy[float]:
    digits = 2 - floor(log10(high - low)) if high > low else 0
    unit = 10.0**-digits
    grid = {round(k * unit, max(digits, 0)) for k in range(ceil(low / unit), floor(high / unit) + 1)}
    allowed = {x for x in grid | {low, high} if low <= x <= high and all(abs(x - k) >= distance for k in kinks)}
    if not allowed:
        raise InvalidArgument(f"no number from low={low} to high={high} is {distance} away from all of {kinks}")
    table = sorted(map(float, allowed), key=_size)
    simple = table[:12]
    # hypothesis tries an index without its high bits: so blocks have 2**k numbers, and each number stands in the first
    # block for a simple one of its kind, to which it shrinks at once.
    block = 2 ** ceil(log2(len(table) * 8 / 7))
    table = [*table, *(simple * block)[: block // 8], *table][:block]
    by_kind = {_kind(x): x for x in reversed(simple)}
    return st.sampled_from([*(by_kind.get(_kind(x), simple[0]) for x in table), *table * 3])


def _size(x: float) -> tuple[float, ...]:
    """Sorts numbers by how simple they are: the best known ones, then those of fewer digits, small before large."""
    best = (1.0, 2.0, 0.0, -1.0, 0.5)  # many mistakes do not show at 0: examples shrink further without it
    if x in best:
        return (0, best.index(x))
    return (1 if 2 * x == round(2 * x) else len(repr(abs(x))), abs(x), x < 0)


def _kind(x: float) -> tuple[int, int]:
    """The sign, and whether the size is below 1, at 1 or above."""
    return (x > 0) - (x < 0), (abs(x) > 1) - (abs(x) < 1)


# Shapes


def shapes(min_dims: int = 0, max_dims: int = 3, min_side: int = 0, max_side: int = 3) -> SearchStrategy[Shape]:
    """Shapes; sides of 1 are common and, where `min_side` is 0, empty tensors are rare.

    Squares are as common as other shapes of two dimensions: a transpose too many does not show in their shape.
    """
    sides = _sides(min_side, max_side)
    dims = [*range(min_dims, max_dims + 1), *range(max(min_dims, 1), max_dims + 1)]
    squares = [sides.map(lambda n: (n, n))] * 2 if min_dims <= 2 <= max_dims else []
    return st.one_of([*[st.tuples(*[sides] * d) for d in dims], *squares])


def broadcastable_shapes(
    n: int, min_dims: int = 0, max_dims: int = 3, min_side: int = 0, max_side: int = 3
) -> SearchStrategy[tuple[Shape, ...]]:
    """`n` shapes that broadcast with each other; the bounds are those of the shape they broadcast to."""
    ways = _ways(max_dims)
    whole = shapes(min_dims, max_dims, min_side, max_side)
    return st.builds(lambda shape, parts: tuple(_part(shape, *p) for p in parts), whole, st.tuples(*[ways] * n))


def matmul_shapes(max_batch_dims: int = 2, min_side: int = 0, max_side: int = 3) -> SearchStrategy[tuple[Shape, Shape]]:
    """Pairs of shapes that `@` takes: vectors, matrices, and batches of matrices, which may broadcast."""
    sides = _sides(min_side, max_side)
    batches = broadcastable_shapes(2, 0, max_batch_dims, min_side, max_side)
    forms = st.sampled_from(("vv", "mm", "mv", "vm", "mm", "mm"))
    return st.builds(_matmul_pair, forms, st.tuples(sides, sides, sides), batches)


def _matmul_pair(form: str, sides: tuple[int, int, int], batches: tuple[Shape, Shape]) -> tuple[Shape, Shape]:
    m, n, k = sides
    left = (*batches[0], m, n) if form[0] == "m" else (n,)
    right = (*batches[1], n, k) if form[1] == "m" else (n,)
    return left, right


@lru_cache
def _sides(low: int, high: int) -> SearchStrategy[int]:
    usual = list(range(max(low, 1), high + 1))
    return st.sampled_from(usual * (1 + 24 // len(usual)) + [0] * (low == 0) if usual else [0])


@lru_cache
def _ways(dims: int) -> SearchStrategy[tuple[int, int]]:
    """How a shape may be less than the one it broadcasts to: leading axes that it lacks, and a bit for each of size 1.

    In one of three it is that shape. What there is to choose from is the same for all shapes, so that these can shrink.
    """
    ways = [(lacking, ones) for lacking in range(dims + 1) for ones in range(2 ** (dims - lacking))]
    return st.sampled_from(ways + ways[:1] * (len(ways) // 2))


def _part(shape: Shape, lacking: int, ones: int) -> Shape:
    return tuple(1 if ones >> i & 1 else n for i, n in enumerate(shape[lacking:]))


# Arguments that go with a shape


def axes(ndim: int | Shape, *, tuples: bool = True, none: bool = True) -> SearchStrategy[Any]:
    """What a `dim` argument takes: an int from either end, a tuple of them that names no axis twice, or None.

    ndim  a number of dimensions, or a shape. A tensor without any has, as in torch, the axes 0 and -1.
    """
    n = max(ndim if isinstance(ndim, int) else len(ndim), 1)
    one = st.sampled_from([*range(n), *range(-1, -n - 1, -1)])
    several = st.lists(one, min_size=1, max_size=n, unique_by=lambda axis: axis % n).map(tuple)
    return st.one_of([one, *[several] * tuples, *[st.none()] * none])


def dtypes(kinds: str | Sequence[str] = "floating", *, library: ModuleType | None = None) -> SearchStrategy[Any]:
    """dtypes of a library, of one or several kinds of DTYPES: "floating", "half", "integer", "bool"."""
    kinds = (kinds,) if isinstance(kinds, str) else tuple(kinds)
    unknown = sorted(set(kinds) - set(DTYPES))
    if unknown:
        raise InvalidArgument(f"kinds of dtypes are {', '.join(DTYPES)}, not {', '.join(unknown)}")
    return _dtypes(kinds, library or minigrad)


@lru_cache
def _dtypes(kinds: tuple[str, ...], library: ModuleType) -> SearchStrategy[Any]:
    return st.sampled_from([getattr(library, name) for kind in kinds for name in DTYPES[kind]])


def indices(shape: Shape, *, library: ModuleType | None = None) -> SearchStrategy[Any]:
    """What may stand between the brackets for a tensor of this shape, and mixtures of it in a tuple.

    Ints, slices, None, Ellipsis, True, and lists, NumPy arrays and tensors (of `library`: minigrad unless given) of
    ints or of bools; all valid for the shape. Masks over several axes are tensors: torch takes an array's for one axis.
    """
    register_printers()
    return _index(tuple(shape), library or minigrad)


_CONSTANTS = {"none": None, "ellipsis": ..., "true": True}
_TOGETHER = st.sampled_from([(1,), (2,), (3,), (2, 2), (1, 2), (), (0,)])
_STEPS = st.sampled_from([None, 1, 2, 3])


@st.composite
def _index(draw: Draw, shape: Shape, library: ModuleType) -> Any:
    parts: list[Any] = []
    axis, end = 0, len(shape)
    left = {"none": 2, "ellipsis": 1, "true": 1}
    together: Shape | None = None  # what the shapes of all lists, tensors and arrays broadcast to
    while True:
        rest_is_given = axis < end and not left["ellipsis"]  # what follows an Ellipsis indexes the last axes
        kinds = ["end"] if axis == end or (parts and not rest_is_given) else []
        if axis < end:
            kinds += ["int", "slice", "ints", "mask"] if shape[axis] else ["slice"]
        kind = draw(st.sampled_from(kinds + [k for k, times in left.items() if times]))
        if kind == "end":
            return parts[0] if len(parts) == 1 else tuple(parts)
        if kind in left:
            left[kind] -= 1
            parts.append(_CONSTANTS[kind])
            if kind == "ellipsis":
                axis = end - draw(st.integers(0, end - axis))
            continue
        side = shape[axis]
        if kind == "int":
            parts.append(draw(st.integers(-side, side - 1)))
        elif kind == "slice":
            bound = st.none() | st.integers(-side - 1, side + 1)
            parts.append(slice(draw(bound), draw(bound), draw(_STEPS)))
        else:
            together = draw(_TOGETHER) if together is None else together
            array = _ints(draw, side, together) if kind == "ints" else _mask(draw, shape[axis:], together)
            several = kind == "mask" and array.ndim > 1
            form = draw(st.sampled_from(["list"] * (array.ndim == 1) + ["tensor"] + ["array"] * (not several)))
            parts.append(array.tolist() if form == "list" else library.tensor(array) if form == "tensor" else array)
            axis += array.ndim - 1 if kind == "mask" else 0
        axis += 1


def _ints(draw: Draw, side: int, together: Shape) -> Array:
    shape = draw(st.sampled_from([together, (1,), together[-1:]]))
    return np.array(draw(_lists(st.integers(-side, side - 1), prod(shape))), np.int64).reshape(shape)


def _mask(draw: Draw, shape: Shape, together: Shape) -> Array:
    """Over the first axes of a shape, with as many True as go with the other indices."""
    shape = shape[: draw(st.integers(1, shape.index(0) if 0 in shape else len(shape)))]
    places = prod(shape)
    n = together[0] if len(together) == 1 and together[0] <= places else 1
    mask = np.zeros(places, bool)
    for i in draw(st.lists(st.integers(0, places - 1), min_size=n, max_size=n, unique=True)):
        mask[i] = True
    return mask.reshape(shape)


# Tensors


def tensors(
    shape: int | Shape | SearchStrategy[Any] | None = None,
    dtype: Any = None,
    elements: float | SearchStrategy[Any] | Together | None = None,
    requires_grad: bool | SearchStrategy[bool] | None = None,
    layout: str | SearchStrategy[str] | None = None,
    *,
    library: ModuleType | None = None,
) -> SearchStrategy[Any]:
    """Tensors of a library; every argument is a value or a strategy.

    shape          of `shapes()` unless given
    dtype          of the library, or its name; of `dtypes("floating")` unless given
    elements       of `numbers()` unless given; rounded for integers, without sign for uint8, True above 0 for bool
    requires_grad  of floating tensors; either unless given
    layout         one of LAYOUTS, any of them unless given
    library        minigrad (the default) or torch

    "transposed" has its axes in reverse order in memory; "sliced" has an offset, and a gap filled with GAP before every
    element; "expanded" repeats one element along an axis; "reversed" is over memory of a NumPy array that ran backwards
    until it was copied, as neither library takes negative strides.

    Elements of `distinct` are never expanded. They print as code that makes them again: see `as_code`.
    """
    register_printers()
    library = library or minigrad
    return _tensor(
        _Plan(
            shape=_SHAPES if shape is None else (shape,) if isinstance(shape, int) else shape,
            dtype=dtypes(library=library) if dtype is None else dtype,
            elements=numbers() if elements is None else elements,
            requires_grad=_EITHER if requires_grad is None else requires_grad,
            layout=_LAYOUTS if layout is None else layout,
            library=library,
        )
    )


_SHAPES, _EITHER, _LAYOUTS = shapes(), st.booleans(), st.sampled_from(LAYOUTS)


@dataclass(frozen=True, repr=False)
class _Plan:
    """The arguments of `tensors`, given to hypothesis as one that prints short."""

    shape: Any
    dtype: Any
    elements: Any
    requires_grad: Any
    layout: Any
    library: Any


@st.composite
def _tensor(draw: Draw, plan: _Plan) -> Any:
    shape = tuple(_drawn(draw, plan.shape))
    dtype = str(_drawn(draw, plan.dtype)).removeprefix("torch.")
    if dtype not in (names := [name for kind in DTYPES.values() for name in kind]):
        raise InvalidArgument(f"a dtype is one of {', '.join(names)}, not {dtype!r}")
    layout = _drawn(draw, plan.layout)
    wants_grad = _drawn(draw, plan.requires_grad)
    n = prod(shape)
    together = callable(plan.elements)
    if together:
        values = draw(plan.elements(n))
    elif isinstance(plan.elements, SearchStrategy):
        values = draw(_lists(plan.elements, n))
    else:
        values = [plan.elements] * n
    array = _fit(values, np.dtype(dtype)).reshape(shape)
    axis = None
    if layout == "expanded" and n > 1 and not together:
        axis = draw(st.sampled_from([i for i, side in enumerate(shape) if side > 1]))
    x = _laid_out(array, layout, axis, plan.library)
    return x.requires_grad_() if wants_grad and dtype.startswith("float") else x


def _drawn(draw: Draw, value: Any) -> Any:
    return draw(value) if isinstance(value, SearchStrategy) else value


@lru_cache(maxsize=1024)
def _lists(elements: SearchStrategy[T], n: int) -> SearchStrategy[list[T]]:
    return st.lists(elements, min_size=n, max_size=n)


def _fit(values: Sequence[Any], dtype: np.dtype[Any]) -> Array:
    """The elements in a dtype that may not have all of their values."""
    array = np.array(values)
    if dtype.kind == "b":
        return np.asarray(array > 0)
    if dtype.kind in "iu":
        array = np.rint(array)
    return (np.abs(array) if dtype.kind == "u" else array).astype(dtype)


def _laid_out(array: Array, layout: str, axis: int | None, library: ModuleType) -> Any:
    """A tensor of these elements; of those along `axis`, the first one only, if it is expanded."""
    if layout == "transposed":
        return library.tensor(array.T.copy()).permute(tuple(range(array.ndim))[::-1])
    if layout == "sliced":
        memory = np.full((*array.shape[:-1], 2 * prod(array.shape[-1:])), GAP, array.dtype)
        memory[..., 1::2] = array
        return library.tensor(memory)[..., 1::2] if array.ndim else library.tensor(memory)[1]
    if layout == "expanded" and axis is not None:
        return library.tensor(array.take([0], axis)).expand(array.shape)
    if layout == "reversed":
        turned: Any = (*[slice(None, None, -1)] * array.ndim, ...)
        backwards = array[turned].copy()[turned]
        return library.from_numpy(backwards.copy())
    if layout not in LAYOUTS:
        raise InvalidArgument(f"a layout is one of {', '.join(LAYOUTS)}, not {layout!r}")
    return library.tensor(array)
