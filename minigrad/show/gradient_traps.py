"""Traps of the backward pass: gradients used twice, gradients that never come, gradients of no use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar
from weakref import ref

import numpy as np

from ..engine import LEAF, Node, Storage, user_line
from ..tensor import Tensor
from .frames import name_of
from .traps import Line, Report, Trap, given_to

INTERNAL = True
TINY = 1e-9  # of a parameter's norm: a gradient below has no effect in single precision
ALL_OF_A_SUDDEN = 1e-3  # of the largest so far: a norm that falls from there to nothing has not converged
HUGE = 1e3  # times what a gradient's norm was at first
AT_REST = 1e-12  # a loss below is nothing


@dataclass
class Known:
    """What a trap knows of one leaf."""

    leaf: Any  # a weak reference
    name: str  # how the program called it when it was first seen


class OfLeaves(Trap):
    """A trap that keeps a record of every leaf that takes part."""

    record: ClassVar[type[Known]]

    def __init__(self, report: Report) -> None:
        super().__init__(report)
        self.known: dict[int, Any] = {}
        self.gone: list[Any] = []  # the records of leaves that live no more, if there is something to say of them

    def of(self, leaf: Tensor) -> Any:
        """The record of a leaf; a new leaf is given one."""
        known = self.known.get(id(leaf))
        if known is None or known.leaf() is not leaf:
            if known is not None:
                self.bury(known)
            known = self.known[id(leaf)] = self.record(ref(leaf), name_of(leaf))
        return known

    def each(self) -> Iterator[tuple[Tensor, Any]]:
        """All leaves that are alive, with their records."""
        for key, known in list(self.known.items()):
            leaf = known.leaf()
            if leaf is None:
                self.bury(self.known.pop(key))
            else:
                yield leaf, known

    def bury(self, known: Any) -> None:
        """Keep the record of a leaf that lives no more, where it is needed."""
        if self.is_open(known):
            self.gone.append(known)

    def is_open(self, known: Any) -> bool:
        """Whether there is something to say of a leaf if nothing more happens to it."""
        return False

    def ends(self) -> None:
        """Say what is open."""
        for known in [*self.gone, *self.known.values()]:
            if self.is_open(known):
                self.close(known)

    def close(self, known: Any) -> None:
        """Say what there is to say at the end."""


def leaves_in(found: Mapping[int, tuple[Any, Any]]) -> list[Tensor]:
    """The leaves that something is delivered to."""
    return [leaf for leaf, _ in found.values() if not isinstance(leaf, Node) and leaf._origin is LEAF]


@dataclass
class Spending(Known):
    """What has become of a leaf's gradient."""

    spent: Any = None  # a weak reference to the tensor in `.grad` that an update has used
    mixed: Line | None = None  # where a pass then added to it
    array: Any = None  # a weak reference to the leaf's own array


class UsedTwice(OfLeaves):
    """A gradient that an update has used, that the next pass adds to, and that an update uses again."""

    record = Spending

    def delivers(self, found: Mapping[int, tuple[Any, Any]]) -> None:
        """Note where a gradient is added to one that was used."""
        for leaf in leaves_in(found):
            known, grad = self.of(leaf), leaf._grad
            if known.array is not None and known.array() is not leaf._array:  # `.data =` gave it new values
                self.update(leaf, known)
            known.array = ref(leaf._array)
            if grad is None or known.spent is None or known.spent() is not grad or not grad._array.any():
                known.spent = known.mixed = None
            else:
                known.mixed = user_line(1)

    def changed(self, storage: Storage) -> None:
        """An update of a leaf, or zeros for its gradient."""
        for leaf, known in self.each():
            grad = leaf._grad
            if grad is None:
                continue
            if leaf._storage is storage:
                self.update(leaf, known)
            elif grad._storage is storage and not grad._array.any():
                known.spent = known.mixed = None

    def update(self, leaf: Tensor, known: Spending) -> None:
        """An update uses `.grad`: what it was before the last pass for the second time?"""
        if leaf._grad is not None:
            if known.mixed is not None:
                self.report("used twice", user_line(1), leaf=known, other=known.mixed)
            known.spent, known.mixed = ref(leaf._grad), None


@dataclass
class Arrival(Known):
    """What has come to a leaf."""

    used: Line | None = None  # where an operation that used it was last recorded
    used_since: bool = False  # and whether that is after its last update
    missed: bool = False  # a pass that was for all leaves came after a use ...
    received: bool = False  # ... and whether any has ever brought something
    passes: int = 0  # since its last update
    arrived: int = 0  # of them, those that brought something
    reported: bool = False


class NeverArrives(OfLeaves):
    """A leaf that was used, or is updated, though no backward pass brings it a gradient."""

    record = Arrival

    def look(self, op: Any, args: tuple[Any, ...], result: Tensor) -> None:
        """Note the leaves that a recorded operation uses."""
        if isinstance(result._origin, Node):
            for t in given_to(op, args):
                if isinstance(t, Tensor) and t._origin is LEAF:
                    known = self.of(t)
                    known.used, known.used_since = user_line(1), True

    def pass_begins(self, outputs: Sequence[Tensor], inputs: Sequence[Tensor] | None, create_graph: bool) -> None:
        """What a pass names as its inputs need not get gradients of others."""
        super().pass_begins(outputs, inputs, create_graph)
        for t in inputs or ():
            if isinstance(t, Tensor) and t._origin is LEAF:
                self.of(t).received = True

    def delivers(self, found: Mapping[int, tuple[Any, Any]]) -> None:
        """Count for whom something arrives."""
        if not self.for_all:
            return
        for leaf in leaves_in(found):
            self.of(leaf)
        for leaf, known in self.each():
            arrives = id(leaf) in found
            known.passes += 1
            known.arrived += arrives
            known.received |= arrives
            known.missed |= known.used is not None

    def changed(self, storage: Storage) -> None:
        """An update, though nothing has arrived since the last one?"""
        for leaf, known in self.each():
            if leaf._storage is storage:
                if leaf._grad is None:  # it is changed by other means, as a running average of parameters is
                    known.received = True
                elif known.passes and not known.arrived and known.used_since:
                    self.say(known, "no gradient for update", user_line(1))
                known.passes = known.arrived = 0
                known.used_since = False

    def is_open(self, known: Arrival) -> bool:
        """Whether it was used in vain; only at the end is that certain: any later loss could have led to it."""
        return known.missed and not known.received

    def close(self, known: Arrival) -> None:
        """Say so."""
        self.say(known, "no gradient", known.used)

    def say(self, known: Arrival, kind: str, line: Any) -> None:
        """Report a leaf, once."""
        if not known.reported:
            known.reported = True
            self.report(kind, line, leaf=known, other=known.used)


@dataclass
class Scale(Known):
    """The norms of a leaf's gradients, those aside that were as good as zero."""

    first: list[float] = field(default_factory=list)  # the first two
    last: float = 0.0
    largest: float = 0.0
    nothing: int = 0  # how many in a row were as good as zero ...
    vanished: Line | None = None  # ... and where the first of them was computed, unless they had become small before


class OutOfScale(OfLeaves):
    """Gradients that are nothing while the loss is not, that are not finite, or that have grown a thousandfold."""

    record = Scale
    lands = False  # whether a step was made by a closure, as LBFGS does, which may be at a minimum all at once

    def steps(self, optimizer: Any, by_closure: bool) -> None:
        """Note how steps are made."""
        self.lands |= by_closure

    def pass_begins(self, outputs: Sequence[Tensor], inputs: Sequence[Tensor] | None, create_graph: bool) -> None:
        """Note how large the loss is."""
        super().pass_begins(outputs, inputs, create_graph)
        self.loss = max([_norm(t._array) for t in outputs if isinstance(t, Tensor)], default=0.0)

    def delivers(self, found: Mapping[int, tuple[Any, Any]]) -> None:
        """Look at every gradient."""
        for leaf in leaves_in(found):
            g = found[id(leaf)][1]
            if leaf._array.size:
                self.judge(leaf, getattr(g, "_array", g), user_line(1))

    def judge(self, leaf: Tensor, g: Any, line: Line) -> None:
        """Compare one gradient with its leaf, and with those before."""
        known, norm, size = self.of(leaf), _norm(g), _norm(leaf._array)
        if not np.isfinite(g).all():
            self.report("not finite", line, leaf=known, value="nan" if np.isnan(g).any() else "inf")
        elif norm <= TINY * size and not self.loss <= AT_REST:
            self.count_nothing(known, line)
        else:
            if len(known.first) == 2 and norm > HUGE * max(known.first) and norm > size:
                self.report("explodes", line, leaf=known, norm=norm, first=max(known.first))
            if len(known.first) < 2:
                known.first.append(norm)
            known.last, known.largest = norm, max(norm, known.largest)
            known.nothing, known.vanished = 0, None

    def count_nothing(self, known: Scale, line: Line) -> None:
        """One may be chance, or a layer that begins at zero; several in a row are not."""
        known.nothing += 1
        if known.nothing == 1:
            sudden = known.last >= ALL_OF_A_SUDDEN * known.largest and not self.lands
            known.vanished = line if sudden else None
        if known.vanished is not None and known.nothing == (3 if known.first else 2):
            self.report("vanishes", line, leaf=known)
            known.vanished = None

    def is_open(self, known: Scale) -> bool:
        """Whether the only pass that it was part of brought nothing."""
        return known.vanished is not None and not known.first

    def close(self, known: Scale) -> None:
        """Say so."""
        self.report("vanishes", known.vanished, leaf=known)


def _norm(array: Any) -> float:
    with np.errstate(all="ignore"):
        return float(np.sqrt(np.sum(np.square(array, dtype=np.float64))))
