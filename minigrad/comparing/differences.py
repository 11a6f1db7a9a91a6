"""Two runs of a script beside each other, step by step, and the first place where they part."""

from __future__ import annotations

import linecache
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

import numpy as np

from .events import PHASES, Event, Kept

INTERNAL = True
# How far elements may be apart, as a part of the largest element now, and of what rounding is measured by: the largest
# that the tensor has held so far, as gradients become small where training ends, and the rounding of what they are
# differences of does not; and the largest of all gradients (or parameters) now, as some are zero but for rounding.
CLOSE = {"float64": (1e-9, 1e-12), "float16": (1e-2, 1e-3)}
CLOSE_SINGLE = (1e-4, 1e-5)
_ADDRESS = re.compile(r"\b0x[0-9a-f]+")
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")


@dataclass(frozen=True)
class Side:
    """What one library had in a place: the user's line, and what was there as text."""

    file: str
    line: int
    text: str


@dataclass(frozen=True)
class Pair:
    """One thing on both sides, torch's first; None where that side has nothing.

    kind        "text", "loss", "parameter", "gradient", "line" (the script went another way) or "end"
    name        of the parameter
    difference  the largest of any element, of numbers; None of texts
    parts       whether this is more than rounding
    """

    kind: str
    name: str
    torch: Side | None
    minigrad: Side | None
    difference: float | None
    parts: bool


@dataclass
class Step:
    """What happened from one backward pass until the next: step 0 is what came before the first.

    pairs    in the order in which they came about
    seconds  by library and phase
    """

    number: int
    pairs: list[Pair] = field(default_factory=list)
    seconds: dict[str, dict[str, float]] = field(default_factory=dict)

    def largest(self, kind: str) -> Pair | None:
        """The pair of a kind that differs most."""
        found = [pair for pair in self.pairs if pair.kind == kind and pair.difference is not None]
        return max(found, key=lambda pair: pair.difference or 0.0, default=None)


@dataclass
class Comparison:
    """Two runs of one script.

    steps    aligned by the number of the backward pass
    parting  the first pair that is not alike, and the number of its step; None if the runs are
    errors   what ended each run, by library, where something did
    """

    script: str
    seed: int
    steps: list[Step]
    errors: dict[str, str]

    @property
    def parting(self) -> tuple[int, Pair] | None:
        """The first place where the two part."""
        return next(((step.number, pair) for step in self.steps for pair in step.pairs if pair.parts), None)

    def seconds(self) -> dict[str, dict[str, float]]:
        """The time that each library took for each phase, in all."""
        return {
            library: {phase: sum(step.seconds[library][phase] for step in self.steps) for phase in PHASES}
            for library in ("torch", "minigrad")
        }


def compared(script: str, seed: int, torch: Iterable[Event], minigrad: Iterable[Event], ignore: str = "") -> Comparison:
    """Put two runs beside each other; printed lines that the pattern `ignore` is found in count as alike."""
    found = Comparison(script, seed, [], {})
    pairing = _Pairing(ignore)
    for number, (one, two) in enumerate(zip_longest(_steps(torch), _steps(minigrad), fillvalue=())):
        step = Step(number, list(pairing.of_steps(one, two)))
        found.steps.append(step)
        for library, events in (("torch", one), ("minigrad", two)):
            step.seconds[library] = dict.fromkeys(PHASES, 0.0)
            for event in events:
                for phase, seconds in event.seconds.items():  # a pass tells of the update after the one before it too
                    earlier = event.kind == "backward" and phase in ("update", "evaluation")
                    found.steps[-2 if earlier else -1].seconds[library][phase] += seconds
                if event.kind == "end" and event.text:
                    found.errors[library] = event.text
    return found


def _steps(events: Iterable[Event]) -> Iterator[list[Event]]:
    """The events in groups, each but the first beginning with a backward pass."""
    group: list[Event] = []
    for event in events:
        if event.kind == "backward":
            yield group
            group = []
        group.append(event)
    yield group


class _Pairing:
    """Pairs what two runs did, step after step."""

    def __init__(self, ignore: str) -> None:
        self.ignore = ignore
        self.largest: dict[tuple[str, str], float] = defaultdict(float)  # of all elements so far, by kind and name
        self.rounding: dict[str, np.ndarray[Any, Any]] = {}  # elements of parameters whose gradient was nothing else

    def of_steps(self, torch: Sequence[Event], minigrad: Sequence[Event]) -> Iterator[Pair]:
        """Everything in one step of both."""
        one, two = (next((e for e in events if e.kind != "print"), None) for events in (torch, minigrad))
        passes = [event is not None and event.kind == "backward" for event in (one, two)]
        if one is not None and two is not None and all(passes):
            yield from self.of_passes(one, two)
        elif any(passes):  # one side goes on with its training, the other is through
            yield Pair("line", "", _side(one), _side(two), None, True)
        lines = [[e for e in events if e.kind == "print"] for events in (torch, minigrad)]
        for one, two in zip_longest(*lines):
            yield self.of_texts(one, two)
        one, two = (next((e for e in events if e.kind == "end"), None) for events in (torch, minigrad))
        if one is not None and two is not None:
            yield from self.of_arrays("parameter", one, two, one.parameters, two.parameters)
            if one.text or two.text:
                alike = _last_line(one.text) == _last_line(two.text)
                yield Pair("end", "", _side(one, one.text), _side(two, two.text), None, not alike)

    def of_passes(self, one: Event, two: Event) -> Iterator[Pair]:
        """A backward pass: the line, what it began with, its loss, and its gradients."""
        if (one.file, one.line) != (two.file, two.line):
            yield Pair("line", "", _side(one), _side(two), None, True)
        yield from self.of_arrays("parameter", one, two, one.parameters, two.parameters)
        if one.loss is not None and two.loss is not None:
            yield self.of_tensors("loss", "", one, two, one.loss, two.loss)
        yield from self.of_arrays("gradient", one, two, one.gradients, two.gradients)

    def of_arrays(
        self, kind: str, one: Event, two: Event, first: Mapping[str, Kept], second: Mapping[str, Kept]
    ) -> Iterator[Pair]:
        """Tensors of one name."""
        largest = max(map(_largest, [*first.values(), *second.values()]), default=0.0)
        for name in dict.fromkeys([*first, *second]):
            yield self.of_tensors(kind, name, one, two, first.get(name), second.get(name), largest)

    def of_tensors(
        self, kind: str, name: str, one: Event, two: Event, a: Kept | None, b: Kept | None, largest: float = 0.0
    ) -> Pair:
        """Two tensors, beside others whose largest element is `largest`."""
        sides = [None if kept is None else _side(event, shown(kept)) for event, kept in ((one, a), (two, b))]
        if a is None or b is None or (a.shape, a.dtype) != (b.shape, b.dtype):
            return Pair(kind, name, sides[0], sides[1], None, True)
        now, ever = CLOSE.get(a.dtype, CLOSE_SINGLE)
        if kind == "gradient":
            self.note_rounding(name, a, b, ever * largest)
        difference, scale = _difference(a, b, self.rounding.get(name) if kind == "parameter" else None)
        self.largest[kind, name] = max(self.largest[kind, name], scale)
        allowed = now * scale + ever * max(self.largest[kind, name], largest)
        return Pair(kind, name, sides[0], sides[1], difference, not difference <= allowed)

    def note_rounding(self, name: str, a: Kept, b: Kept, size: float) -> None:
        """Remember elements whose gradients are rounding, not the same on both sides: Adam makes a whole step of it."""
        x, y = a.elements, b.elements
        found = (x != y) & (abs(x) <= size) & (abs(y) <= size)
        before = self.rounding.get(name, found)
        self.rounding[name] = found | before if before.shape == found.shape else found

    def of_texts(self, one: Event | None, two: Event | None) -> Pair:
        """Two printed lines."""
        sides = [None if event is None else _side(event, event.text) for event in (one, two)]
        if one is None or two is None:
            return Pair("text", "", sides[0], sides[1], None, True)
        ignored = bool(self.ignore) and all(re.search(self.ignore, event.text) for event in (one, two))
        return Pair("text", "", sides[0], sides[1], None, not ignored and not _read_alike(one.text, two.text))


def _difference(a: Kept, b: Kept, but: np.ndarray[Any, Any] | None) -> tuple[float, float]:
    """The largest difference of two elements, or of the norms, by what they would differ in each; and the scale.

    Where there are elements in `but`, they are left out, and so are the norms, which they are part of.
    """
    x, y = (kept.elements.astype(np.float64) for kept in (a, b))
    alike = (x == y) | (np.isnan(x) & np.isnan(y))
    partly = but is not None and but.shape == x.shape and bool(but.any())
    if partly:
        alike |= but
    off = np.abs(np.where(alike, 0.0, x - y))
    scale = float(np.abs(np.where(np.isfinite(x) & np.isfinite(y), [x, y], 0.0)).max(initial=0.0))
    if partly or a.norm == b.norm or not np.isfinite([a.norm, b.norm]).all():
        return float(off.max(initial=0.0)), scale
    size = max(np.prod(a.shape, dtype=float), 1.0)
    return max(float(off.max(initial=0.0)), abs(a.norm - b.norm) / size**0.5), scale


def _largest(kept: Kept) -> float:
    """The largest of the finite elements."""
    return float(np.abs(kept.elements[np.isfinite(kept.elements)].astype(np.float64)).max(initial=0.0))


def shown(kept: Kept) -> str:
    """A tensor in a few words: one number, or its first elements and its shape."""
    numbers = [f"{x:.6g}" if kept.dtype.startswith(("float", "bfloat")) else str(x) for x in kept.elements[:4].tolist()]
    if not kept.shape:
        return numbers[0]
    return f"[{', '.join(numbers)}{', …' if kept.elements.size > 4 else ''}] {kept.shape}"


def _read_alike(one: str, two: str) -> bool:
    """Whether two lines are the same but for the rounding of numbers in them, and for addresses of objects."""
    one, two = (_ADDRESS.sub("0x", text) for text in (one, two))
    if one == two:
        return True
    if _NUMBER.sub("#", one) != _NUMBER.sub("#", two):
        return False
    pairs = zip(_NUMBER.findall(one), _NUMBER.findall(two), strict=True)
    return all(abs(float(a) - float(b)) <= 1e-3 * max(abs(float(a)), abs(float(b))) + 1e-6 for a, b in pairs)


def _last_line(text: str) -> str:
    """What two errors have in common if they are the same: type and first line of the message."""
    return next((line for line in text.split("\n") if re.match(r"[\w.]+(Error|Exception|Exit)\b", line)), text)


def _side(event: Event | None, text: str = "") -> Side | None:
    return None if event is None else Side(event.file, event.line, text)


def source_of(side: Side) -> str:
    """The user's line itself."""
    return linecache.getline(side.file, side.line).strip()
