"""Traps of optimizers: gradients that are gone before the step, parameters that no optimizer has."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any
from weakref import WeakSet, ref

import numpy as np

from ..engine import LEAF, Node, Storage, user_line
from ..nn.parameter import Parameter
from ..ops.listening import also, tell
from ..optim import Optimizer
from ..tensor import Tensor
from .gradient_traps import Known, OfLeaves, leaves_in
from .traps import Line, Trap, given_to

INTERNAL = True


def _telling_step(step: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(step)
    def told(self: Optimizer, *args: Any, **kwargs: Any) -> Any:
        tell("steps", self, bool(args or kwargs))
        return step(self, *args, **kwargs)

    return told


def _kinds(kind: type[Optimizer]) -> Iterator[type[Optimizer]]:
    yield kind
    for inner in kind.__subclasses__():
        yield from _kinds(inner)


def _exchange(put: Callable[[Any, str, Any], None]) -> None:
    for kind in dict.fromkeys(_kinds(Optimizer)):
        if "step" in vars(kind):
            put(kind, "step", _telling_step(vars(kind)["step"]))


also(_exchange)


def parameters_of(optimizer: Optimizer) -> list[Tensor]:
    """All that an optimizer changes."""
    return [p for group in optimizer.param_groups for p in group["params"]]


class DroppedBeforeStep(Trap):
    """A step without gradients, though a backward pass has brought some since the last step.

    A program that has made steps with this optimizer drops some gradients on purpose, as one does that drops those that
    are not finite.
    """

    def __init__(self, report: Callable[..., None]) -> None:
        super().__init__(report)
        self.arrived: dict[int, Any] = {}  # weak references to the leaves, by id
        self.made_steps: WeakSet[Optimizer] = WeakSet()

    def delivers(self, found: Mapping[int, tuple[Any, Any]]) -> None:
        """Note to whom something of use comes."""
        for leaf in leaves_in(found):
            g = found[id(leaf)][1]
            g = getattr(g, "_array", g)
            if g.any() and np.isfinite(g).all():
                self.arrived[id(leaf)] = ref(leaf)

    def steps(self, optimizer: Optimizer, by_closure: bool) -> None:
        """Whether gradients that had come are gone; a closure brings its own."""
        params = parameters_of(optimizer)
        came = [self.arrived.pop(id(p), lambda: None)() is p for p in params]
        if by_closure or any(p._grad is not None and p._grad._array.any() for p in params):
            self.made_steps.add(optimizer)
        elif any(came) and optimizer not in self.made_steps:
            self.report("dropped before step", user_line(1))


@dataclass
class Belonging(Known):
    """What has become of a module's parameter."""

    used: Line | None = None  # where an operation that used it was first recorded
    received: bool = False  # whether a pass brought it a gradient
    looked_after: bool = False  # whether an optimizer has it, or it was changed


class InNoOptimizer(OfLeaves):
    """A module's parameter that a loss depends on, that no optimizer has, and that nothing changes."""

    record = Belonging

    def __init__(self, report: Callable[..., None]) -> None:
        super().__init__(report)
        self.stepped = False

    def look(self, op: Any, args: tuple[Any, ...], result: Tensor) -> None:
        """Note the parameters that a recorded operation uses."""
        if isinstance(result._origin, Node):
            for t in given_to(op, args):
                if isinstance(t, Parameter) and t._origin is LEAF:
                    known = self.of(t)
                    known.used = known.used or user_line(1)

    def delivers(self, found: Mapping[int, tuple[Any, Any]]) -> None:
        """Note whom a loss depends on."""
        for leaf in leaves_in(found) if self.for_all else ():
            if isinstance(leaf, Parameter):
                self.of(leaf).received = True

    def changed(self, storage: Storage) -> None:
        """Whoever changes a parameter by hand looks after it."""
        for leaf, known in self.each():
            known.looked_after |= leaf._storage is storage

    def steps(self, optimizer: Optimizer, by_closure: bool) -> None:
        """Note whom an optimizer changes."""
        self.stepped = True
        for p in parameters_of(optimizer):
            if isinstance(p, Parameter):
                self.of(p).looked_after = True

    def ends(self) -> None:
        """Say of all at once what no optimizer has; one that makes its step later has its parameters too.

        Whether they were forgotten or left out on purpose cannot be told; either way work was done in vain.
        """
        if self.stepped and any(map(self.is_open, self.known.values())):
            for thing in gc.get_objects():
                if issubclass(type(thing), Optimizer):
                    self.steps(thing, False)
        open_ones = [known for known in (*self.gone, *self.known.values()) if self.is_open(known)]
        if open_ones:
            first, *others = open_ones
            self.report("in no optimizer", first.used, leaf=first, others=len(others))

    def is_open(self, known: Belonging) -> bool:
        """Whether a gradient came for nothing."""
        leaf = known.leaf()
        wanted = leaf is None or leaf._origin is LEAF
        return self.stepped and wanted and known.received and not known.looked_after and known.used is not None
