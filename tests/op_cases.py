"""Cases for the table of operations: shapes, memory layouts, dtypes, values and options, drawn at random.

Everything is drawn from a `random.Random`: hypothesis brings one that it can shrink, and a seeded one repeats itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import numpy as np

Shape = tuple[int, ...]
WHOLE = ("bool", "uint8", "int8", "int16", "int32", "int64")
INFINITE = (0.0, -0.0, 1.0, -1.0, math.inf, -math.inf, 0.5, 2.0, -3.0)
SPECIAL = (*INFINITE, math.nan)


class Draw:
    """What one case is made of.

    kind  "plain": what the operation is made for; "smooth": float64, away from kinks, where finite differences hold;
          "ties": small whole numbers as floats; "special": zeros, infinities and NaN too;
          "wild": any dtypes, and shapes and options that need not fit
    """

    def __init__(self, random: Random, kind: str = "plain") -> None:
        self.random, self.kind = random, kind
        self.wild = kind == "wild"
        self.drawn = 0  # so that two inputs differ, even if hypothesis gives both the same seed

    def choice(self, *options: Any) -> Any:
        return options[self.random.randrange(len(options))]

    def flag(self) -> bool:
        return bool(self.choice(False, True))

    def sometimes_wrong(self) -> bool:
        return self.wild and self.choice(False, False, True)

    # Shapes

    def size(self) -> int:
        return self.choice(2, 3, 1, 2, 3, 0)

    def shape(self, least: int = 0, most: int = 3) -> Shape:
        if self.sometimes_wrong():
            least, most = 0, 3
        return tuple([self.size() for _ in range(self.random.randint(least, most))])

    def one(self) -> list[Shape]:
        return [self.shape()]

    def with_dims(self) -> list[Shape]:
        return [self.shape(1)]

    def not_empty(self) -> list[Shape]:
        return [self.shape() if self.wild else tuple([n or 1 for n in self.shape()])]

    def pair(self) -> list[Shape]:
        """Two shapes that broadcast."""
        return self.broadcast(2)

    def broadcast(self, count: int) -> list[Shape]:
        full = self.shape()
        return [self.shape() if self.sometimes_wrong() else self.part_of(full) for _ in range(count)]

    def part_of(self, full: Shape) -> Shape:
        """A shape that broadcasts to `full`."""
        kept = full[self.choice(0, 0, self.random.randint(0, len(full))) :]
        return tuple([self.choice(n, n, 1) for n in kept])

    def two_of_one_shape(self) -> list[Shape]:
        return [self.shape()] * 2 if not self.wild else [self.shape(), self.shape()]

    def product(self, first: int, second: int, batch: int = 0) -> list[Shape]:
        """Two shapes of so many dimensions that can be multiplied as matrices, or vectors."""
        m, n, k = self.size(), self.size(), self.size()
        a, b = [(n,), (m, n)][first - 1], [(n,), (n, k)][second - 1]
        if self.sometimes_wrong():
            return [self.choice(a, self.shape()), self.choice(b, self.shape())]
        whole = tuple([self.size() for _ in range(batch)])
        return [self.part_of(whole) + a if first == 2 else a, self.part_of(whole) + b if second == 2 else b]

    # Options

    def dim(self, shape: Shape, extra: int = 0) -> int:
        """A dimension of `shape`, counted from either end."""
        room = max(len(shape) + extra, 1) + (self.random.randint(0, 2) if self.wild else 0)
        return self.random.randint(-room, room - 1)

    def dims(self, shape: Shape) -> Any:
        """None, one dimension, or several."""
        if self.sometimes_wrong():
            return [self.dim(shape) for _ in range(self.random.randint(0, 3))]
        several = [d if self.flag() else d - len(shape) for d in range(len(shape)) if self.flag()]
        return self.choice(None, self.dim(shape), several, tuple(several[::-1]))

    def order(self, shape: Shape) -> list[int]:
        """All the dimensions, in any order."""
        if self.sometimes_wrong():
            return [self.dim(shape) for _ in range(self.random.randint(0, 3))]
        order = list(range(len(shape)))
        self.random.shuffle(order)
        return [d if self.flag() else d - len(shape) for d in order]

    def other_shape(self, shape: Shape) -> list[int]:
        """As many elements in another shape."""
        if self.sometimes_wrong():
            return list(self.shape()) + self.choice([], [-1], [-2])
        sizes: list[int] = []
        for n in shape:
            sizes = self.choice([*sizes, n], [*sizes[:-1], sizes[-1] * n] if sizes else [n], [*sizes, 1, n])
        if sizes and self.flag():
            at = self.random.randrange(len(sizes))
            if math.prod(sizes[:at] + sizes[at + 1 :]):
                sizes[at] = -1
        return sizes

    def number(self) -> Any:
        """A Python number."""
        if self.kind == "smooth":
            return self.choice(2, -1.7, 0.6)
        return self.choice(2, -1.7, 0.5, 0, 1, -3, *([True, math.inf, math.nan, -0.0, 300] if self.wild else []))

    # Tensors

    def dtypes(self, count: int) -> list[str]:
        if self.kind == "smooth":
            return ["float64"] * count
        if self.wild:
            return [self.choice("float32", "float64", "float32", "float16", *WHOLE) for _ in range(count)]
        return [self.choice("float32", "float64")] * count

    def layout(self, shape: Shape, expanded: bool) -> tuple[Shape, int]:
        """Strides, in elements, and where the first one lies: without gaps, transposed, sliced or expanded."""
        order = list(range(len(shape)))[::-1]
        kind = "plain" if self.kind == "smooth" else self.choice("plain", "plain", "order", "gaps", "expanded", "all")
        if kind in ("order", "all"):
            self.random.shuffle(order)
        strides, step = [0] * len(shape), self.choice(1, 2) if kind in ("gaps", "all") else 1
        for d in order:
            if expanded and kind in ("expanded", "all") and self.choice(False, False, True):
                continue
            strides[d] = step
            step *= max(shape[d], 1) + (kind in ("gaps", "all") and self.choice(0, 1))
        return tuple(strides), self.choice(0, 3) if kind in ("gaps", "all") else 0

    def values(self, count: int, dtype: str, domain: str, special: Sequence[float]) -> np.ndarray:
        self.drawn += 1
        rng = np.random.default_rng([self.random.randrange(2**32), self.drawn])
        if dtype == "bool":
            return rng.integers(0, 2, count).astype(bool)
        if dtype in WHOLE:
            low, high = (1 if domain == "positive" else 0 if dtype == "uint8" else -3), 5
            return rng.integers(low, high, count).astype(dtype)
        if domain == "unit":
            found = rng.uniform(0.05, 0.95, count)
        elif self.kind == "smooth":
            found = rng.uniform(0.2, 3, count)
            if domain != "positive":
                found = found * rng.choice([-1, 1], count)
        elif self.kind == "ties" or (self.wild and self.flag()):
            found = rng.integers(0 if domain == "positive" else -2, 3, count)
        elif self.kind == "special":
            found = rng.choice(special, count)
        else:
            found = rng.uniform(0.1, 3, count) if domain == "positive" else rng.normal(0, 1.5, count)
        return np.asarray(np.where(found == 0, 0.5, found) if domain == "not zero" else found).astype(dtype)


@dataclass
class Input:
    """One input: its memory, and how the tensor lies in it."""

    buffer: np.ndarray
    shape: Shape
    strides: Shape
    offset: int
    requires_grad: bool

    def array(self) -> np.ndarray:
        """A new array; its `base` is its memory."""
        memory = self.buffer.copy()
        strides = [s * memory.itemsize for s in self.strides]
        return np.ndarray(self.shape, memory.dtype, memory, self.offset * memory.itemsize, strides)

    def __repr__(self) -> str:
        text = f"{self.array()!r} strides={self.strides}"
        return text + (" requires_grad" if self.requires_grad else "")


@dataclass
class Case:
    """The inputs and options of one call of a row, and the seed of the gradients that it is to bring back."""

    inputs: list[Input]
    options: dict[str, Any]
    seed: int

    @property
    def plain_layout(self) -> bool:
        """Whether all inputs lie in memory in one order, so that no result need choose between two."""
        several = {(i.shape, i.strides) for i in self.inputs if max(i.shape, default=1) > 1}
        return len(several) < 2 and all(0 not in strides for _, strides in several)

    def upstream(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        """A random array like each of `arrays`."""
        rng = np.random.default_rng(self.seed)
        return [np.asarray(rng.normal(size=a.shape)).astype(a.dtype) for a in arrays]


@dataclass(frozen=True)
class Row:
    """One row of the table: an expression of the tensors a, b, c and of options, and what they may be.

    same  other spellings of it: the method, the operator
    in_place  spellings that write the result over `a`
    domain  "real", "positive", "not zero" or, for probabilities, "unit", of every input
    fixed  dtypes of single inputs, such as a condition or an index
    always_fixed  whether no others are tried, in wild cases
    expanded  whether elements may share their memory, and so be equal
    special  the numbers that are tried too: where torch takes NaN one way or another, by how many elements there are,
             INFINITE without it; none where even infinities are beyond comparison
    ordered  whether torch's result lies in memory in the order of its inputs; it is compared where they have one order
    smooth  whether the result has slopes: not if it is rounded, or gradients are kept from flowing
    folded  whether torch folds several dimensions into one, for which it may copy: strides, and what is saved, differ
    """

    call: str
    same: tuple[str, ...]
    in_place: tuple[str, ...]
    shapes: Callable[[Draw], list[Shape]]
    options: Callable[..., dict[str, Any]]
    domain: str = "real"
    fixed: dict[str, str] = field(default_factory=dict)
    always_fixed: bool = False
    expanded: bool = True
    special: Sequence[float] = SPECIAL
    folded: bool = False
    ordered: bool = True
    smooth: bool = True

    def __str__(self) -> str:
        return self.call

    def case(self, random: Random, kind: str = "plain") -> Case:
        draw = Draw(random, kind)
        shapes = self.shapes(draw)
        names = "abc"[: len(shapes)]
        options = self.options(draw, *shapes)
        dtypes = [
            d if (draw.wild and not self.always_fixed and draw.choice(False, False, True)) else self.fixed.get(name, d)
            for name, d in zip(names, draw.dtypes(len(shapes)), strict=True)
        ]
        wanted = [dtype.startswith("float") for dtype in dtypes]
        if kind != "smooth" and sum(wanted) > 1:
            left_out = draw.random.randrange(2 * len(shapes))
            wanted = [w and i != left_out for i, w in enumerate(wanted)]
        elif draw.wild:
            wanted = [w and draw.flag() for w in wanted]
        inputs = []
        for shape, dtype, requires_grad in zip(shapes, dtypes, wanted, strict=True):
            strides, offset = draw.layout(shape, self.expanded)
            length = offset + sum((n - 1) * s for n, s in zip(shape, strides, strict=True) if n) + 1
            buffer = draw.values(length, dtype, self.domain, self.special)
            inputs.append(Input(buffer, shape, strides, offset, requires_grad))
        return Case(inputs, options, draw.random.randrange(2**32))
