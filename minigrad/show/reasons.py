"""`why(x)`: why a tensor has no gradient, or has one; and what an in-place change of it would break."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import messages
from ..autograd.errors import is_grad_of_some
from ..engine import RELEASED, Lost, Node
from ..grad_messages import is_step
from ..layout import share_memory
from ..tensor import Tensor, wants_grad
from .frames import is_buffer, tensors_of, user_frames
from .kept import held_by, nodes_under, op_of
from .languages import filled, of_language
from .reason_texts import LOSSES, SAY, UNNAMED
from .traps import is_unusual

INTERNAL = True
SHOWN = 5  # lines of one kind that are quoted


@dataclass(frozen=True)
class Spot:
    """A line of the user's program."""

    file: str
    line: int
    function: str
    text: str  # the expression

    @classmethod
    def of(cls, where: Any) -> Spot:
        """The line of a node, a Lost, or of a code object and the instruction in it."""
        code, lasti = where if isinstance(where, tuple) else (where.code, where.lasti)
        file, line, text = messages.position(code, lasti)
        return cls(file, line, code.co_name, text)

    def __str__(self) -> str:
        return f'  File "{self.file}", line {self.line}, in {self.function}' + (f"\n    {self.text}" * bool(self.text))


@dataclass(frozen=True)
class Fact:
    """One thing that is the case, where, and how to mend it."""

    kind: str  # such as "no backward yet": the keys of `reason_texts.SAY`
    text: str
    spots: tuple[Spot, ...]
    mend: str

    def __str__(self) -> str:
        return "\n".join([self.text, *map(str, self.spots), *[f"  {line}" for line in self.mend.splitlines()]])


@dataclass(frozen=True)
class Reason:
    """What `why` found, the answer first; it prints as text."""

    about: str  # the tensor, as the program calls it
    facts: tuple[Fact, ...]

    def __str__(self) -> str:
        return "\n".join(map(str, self.facts))

    __repr__ = __str__

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kind of each fact."""
        return tuple([fact.kind for fact in self.facts])


def why(x: Any, *, loss: Any = None, lang: str = "en") -> Reason:
    """Why `x` has no gradient, or does not require one; who holds its value for a backward pass.

    loss  the loss that `x` should have a gradient of: its graph is searched for `x`. Without it, the graphs that the
          variables of the calling functions lead to are.
    lang  "en" or "zh"
    Print what it returns, or read its `.facts`. Nothing is computed, and nothing changes. Raises TypeError for what is
    no tensor, ValueError for another language.
    """
    for t in (x, loss):
        if not isinstance(t, Tensor) and (t is x or t is not None):
            raise TypeError(f"why() is about tensors, not {type(t).__name__}")
    question = Question(x, loss, lang)
    return Reason(question.name, tuple(question.answers()))


def is_freed(nodes: list[Node]) -> bool:
    """Whether a backward pass has freed what some of the nodes had saved."""
    for node in nodes:
        op = op_of(node)
        held = [getattr(node, f"g_{name}") for name in op.guarded] if op is not None else []
        if RELEASED in [*held, getattr(node, "saved", None)]:
            return True
    return False


class Question:
    """What is asked, and what the program holds when it is asked."""

    def __init__(self, x: Tensor, loss: Tensor | None, lang: str) -> None:
        self.x, self.loss, self.lang = x, loss, lang
        unnamed = of_language(UNNAMED, lang)
        found = tensors_of(user_frames())
        self.others = [(name, t) for name, t in found if t is not x]
        names = [name for name, t in found if t is x]
        self.name = f"`{names[0]}`" if names else unnamed
        self.short = names[0] if names else "x"
        loss_names = [name for name, t in self.others if t is loss]
        self.loss_name = f"`{loss_names[0]}`" if loss_names else LOSSES[lang]
        self.graph = nodes_under(loss._origin) if loss is not None else []

    def fact(self, kind: str, *spots: Any, **about: Any) -> Fact:
        """One fact, in words."""
        text, mend = SAY[kind][self.lang]
        about |= {"x": self.name, "short": self.short, "loss": self.loss_name}
        distinct = tuple(dict.fromkeys(map(Spot.of, spots)))[:SHOWN]
        return Fact(kind, filled(text, self.lang, about), distinct, filled(mend, self.lang, about))

    def answers(self) -> Iterator[Fact]:
        """All that is to be said, the main thing first."""
        x = self.x
        if not x.requires_grad:
            yield from self.no_grad_wanted()
        elif not wants_grad(x._origin):
            yield self.fact("severed", *[x._origin] if isinstance(x._origin, Lost) else [])
        elif isinstance(x._origin, Node):
            yield from self.computed()
        elif x._grad is None:
            yield from self.leaf_without_gradient()
        else:
            yield from self.gradient()
        yield from self.holders()

    # x does not require grad

    def no_grad_wanted(self) -> Iterator[Fact]:
        """Why `x` does not require grad."""
        x, origin = self.x, self.x._origin
        if isinstance(origin, Lost):
            kind = f"lost: {origin.why}"
            yield self.fact(kind, origin) if kind in SAY else self.fact("lost", origin, why=origin.why)
        elif is_buffer(x, user_frames()):
            yield self.fact("a buffer")
        elif x._array.dtype.kind != "f":
            yield self.fact("integer", dtype=x.dtype)
        elif self.loss is not None and any(edge is x for node in self.graph for edge in node.edges):
            yield self.fact("turned off")
        elif is_grad_of_some(x):
            yield self.fact("a .grad")
        else:
            copied = next((name for name, t in self.others if t.requires_grad and self.is_copy(t)), None)
            yield self.fact("never asked for") if copied is None else self.fact("a copy", of=copied)
        used = [node for node in self.all_nodes() if self.as_constant(self.x, node)]
        if used:
            yield self.fact("used as constant", *used)

    def is_copy(self, t: Tensor) -> bool:
        """Whether `t` holds what `x` holds: the same memory, or equal elements that are not all alike."""
        x, y = self.x._array, t._array
        if self.x is t or x.size == 0 or x.shape != y.shape:
            return False
        telling = is_unusual(x.item()) if x.size == 1 else bool((x != x.flat[0]).any())
        return share_memory(x, y) or (telling and np.array_equal(x, y))

    def as_constant(self, t: Tensor, node: Node) -> bool:
        """Whether a node has saved the memory of a tensor, without an edge to anything."""
        return any(h.edge is None and h.array is not None and share_memory(h.array, t._array) for h in held_by(node))

    # x has no gradient

    def computed(self) -> Iterator[Fact]:
        """Why the gradient of a tensor that is no leaf is there, or is not."""
        x, node = self.x, self.x._origin
        if x._grad is not None:
            yield self.fact("has gradient of its own", node)
        elif x.retains_grad:
            yield self.fact("retained, no backward yet", node)
        elif self.unseen_leaves([node]):
            yield self.fact("stepped" if is_step(node) else "made from a leaf", node, made=node.name())
        else:
            yield self.fact("not a leaf", node, made=node.name())
            yield from self.rebound(nodes_under(x._origin))
        if self.loss is not None and self.loss is not x and node not in self.graph:
            yield from self.outside()

    def leaf_without_gradient(self) -> Iterator[Fact]:
        """Why nothing has arrived at a leaf."""
        x = self.x
        if self.loss is x:
            yield self.fact("is the loss")
        elif self.loss is not None:
            users = self.users(self.graph)
            if users:
                yield self.fact("freed" if is_freed(self.graph) else "no backward yet", *users)
            else:
                yield from self.outside()
        else:
            yield from self.in_no_known_loss()

    def in_no_known_loss(self) -> Iterator[Fact]:
        """The same, where nobody says of which loss: look at all that the program holds."""
        graphs = [(name, t, nodes_under(t._origin)) for name, t in self.others if isinstance(t._origin, Node)]
        using = [found for found in graphs if self.users(found[2])]
        if using:  # the likeliest loss: the newest single number
            name, _, nodes = min(using, key=lambda found: (found[1].numel() != 1, found[2][0].rank))
            self.loss_name = f"`{name}`"
            yield self.fact("freed" if is_freed(nodes) else "no backward yet", *self.users(nodes))
            return
        yield self.fact("not used")
        yield from self.ways_out()

    def users(self, nodes: list[Node], leaf: Tensor | None = None) -> list[Node]:
        """The nodes that send a gradient to `x`, or to another leaf."""
        leaf = self.x if leaf is None else leaf
        return [node for node in nodes if any(edge is leaf for edge in node.edges)]

    def outside(self) -> Iterator[Fact]:
        """Why `x` is not in the graph of the loss."""
        loss: Any = self.loss
        if isinstance(loss._origin, Lost):
            yield self.fact("loss lost", loss._origin)
            return
        if not loss.requires_grad:
            yield self.fact("loss without history")
        else:
            yield self.fact("not in loss")
        used = [node for node in self.graph if self.as_constant(self.x, node)]
        leaves = {id(e): e for node in self.graph for e in node.edges if isinstance(e, Tensor)}
        copies = [(name, t) for name, t in self.others if id(t) in leaves and self.is_copy(t)]
        if used:
            yield self.fact("used as constant", *used)
        if copies:
            name, copy = copies[0]
            yield self.fact("a copy was used", *self.users(self.graph, copy), of=name)
        cut = [] if used or copies else list(self.cut_behind())
        rebound = [] if used or copies or cut else list(self.rebound(self.graph))
        yield from cut or rebound
        if not (used or copies or cut or rebound):
            yield from self.ways_out()

    def cut_behind(self) -> Iterator[Fact]:
        """Where the loss uses, as a constant, a tensor that was computed from `x`, as with `fake.detach()`."""
        for name, t in self.others:
            used = [node for node in self.graph if self.as_constant(t, node)]
            if used and self.users(nodes_under(t._origin)):
                yield self.fact("cut behind", *used, of=name)
                return

    def rebound(self, nodes: list[Node]) -> Iterator[Fact]:
        """Whether gradients flow to a leaf like `x` that the program has lost sight of, as after `w = w - lr * g`."""
        for leaf in self.unseen_leaves(nodes)[:1]:
            yield self.fact("rebound", *self.users(nodes, leaf), shape=tuple(leaf.shape))

    def unseen_leaves(self, nodes: list[Node]) -> list[Tensor]:
        """The leaves like `x` that nodes send gradients to, and that the program holds no more."""
        seen = {id(self.x), *[id(t) for _, t in self.others]}
        leaves = {id(e): e for node in nodes for e in node.edges if isinstance(e, Tensor)}
        return [leaf for key, leaf in leaves.items() if key not in seen and leaf.shape == self.x.shape]

    def ways_out(self) -> Iterator[Fact]:
        """The lines at which values have left the graph that the program still holds."""
        lost = [t._origin for _, t in self.others if isinstance(t._origin, Lost)]
        if lost:
            yield self.fact("fell out", *lost)

    # x has one

    def gradient(self) -> Iterator[Fact]:
        """Where the gradient of a leaf came from."""
        storage: Any = self.x._grad._storage  # type: ignore[union-attr]
        if storage is not None and storage.changed_by is not None:
            yield self.fact("has gradient, changed", storage.changed_by, times=storage.version)
        else:
            yield self.fact("has gradient")
        g = self.x._grad._array  # type: ignore[union-attr]
        if not np.isfinite(g).all():
            yield self.fact("not finite", value="nan" if np.isnan(g).any() else "inf")
        elif not g.any():
            yield self.fact("all zero")
        users = self.users(self.all_nodes())
        if users:
            yield self.fact("contributions", *users)
        elif self.loss is not None:
            yield from self.outside()

    # who holds its value

    def all_nodes(self) -> list[Node]:
        """The nodes of all graphs that are known: the loss's, that of `x`, those of the program's tensors."""
        tensors = [self.x, *[t for _, t in self.others], *([] if self.loss is None else [self.loss])]
        seen = {id(node): node for t in tensors for node in nodes_under(t._origin)}
        return sorted(seen.values(), key=lambda node: node.rank)

    def holders(self) -> Iterator[Fact]:
        """The operations that have saved the memory of `x`, and which in-place change breaks their backward."""
        storage = self.x._storage
        if storage is None:
            return
        held = [(node, h.version) for node in self.all_nodes() for h in held_by(node) if h.storage is storage]
        whole = [node for node, version in held if version == storage.version]
        broken = [(node, version) for node, version in held if version != storage.version]
        if broken:
            versions = ", ".join(map(str, sorted({version for _, version in broken})))
            yield self.fact("broken", *[node for node, _ in broken], versions=versions, now=storage.version)
            if storage.changed_by is not None:
                yield self.fact("changed in place", storage.changed_by)
        if whole:
            yield self.fact("held", *whole, now=storage.version)
