"""The graph as a picture: SVG, DOT, Mermaid and text, made without any other program."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..autograd import passes
from ..saving import write_whole
from ..tensor import Tensor
from . import formats, labels, picture
from .kept import tensor_of
from .model import Backward, GraphNode, Value
from .recorded import Recorded
from .stepping import steps
from .symbols import short_name

INTERNAL = True


def graph(
    loss: Tensor | Backward | Callable[[], Tensor],
    *,
    values: bool = False,
    gradients: bool = False,
    lang: str = "en",
    max_nodes: int = 300,
) -> Graph:
    """Draw the graph that a tensor was computed by.

    loss       the tensor; or a function of no arguments that computes one, which is then run under `recording()`; or
               what `steps` gave for either
    values     write the numbers in, too; of large tensors the first ones
    gradients  write along each edge the gradient that flows up it, and into each leaf its `.grad` after the pass
    lang       "en" or "zh"
    max_nodes  of a larger graph, only as many nodes as this are drawn, those nearest the loss
    No `.grad` changes, and nothing is freed. A tensor that is not a loss can be drawn too, without gradients. Raises
    RuntimeError for a tensor without history, and what `steps` raises where a pass is needed: for gradients, and where
    a shape is not known without it.
    """
    made = loss if isinstance(loss, Backward) else _looked_into(tensor_of(loss), gradients)
    return Graph(made, values, gradients, lang, max_nodes)


def _looked_into(loss: Tensor, gradients: bool) -> Backward:
    """The graph of a tensor, with a pass through it only where it is needed: the users' hooks would run in it."""
    if gradients:
        return steps(loss)
    root = passes._edge_of_root(0, loss)
    recorded = Recorded(root, loss)
    if any(not node.value.dtype for node in recorded.nodes):
        return steps(loss, loss.detach() * 0 + 1)
    return Backward(recorded.ids[id(root)], recorded.nodes, [], {})


@dataclass(frozen=True)
class Edge:
    """One operand of an operation."""

    source: int  # the node it is the value of
    target: int  # the operation
    name: str  # as the operation's rules call it
    wanted: bool  # whether a gradient flows to it
    gradient: Value | None  # that one, if it was computed


class Graph:
    """A drawn graph: `svg()`, `dot()`, `mermaid()` and `text()` give it, `save(path)` writes it; notebooks show it.

    nodes  those that are drawn, in the order of the forward pass
    edges  between them
    """

    def __init__(self, backward: Backward, values: bool, gradients: bool, lang: str, max_nodes: int) -> None:
        self.words = labels.words(lang)
        if max_nodes < 1:
            raise ValueError(f"max_nodes is {max_nodes}; it must be 1 or more")
        self.backward, self.values, self.gradients, self.lang = backward, values, gradients, lang
        self.root = backward.root
        shown = backward.nearest(max_nodes)
        self.nodes = [node for node in backward.nodes if node.id in shown]
        flows = {(step.node, flow.input): flow.outgoing for step in backward.steps for flow in step.flows}
        self.edges: list[Edge] = []
        self.cut_at: list[int] = []  # nodes with operands that are not drawn
        self.unkept: list[int] = []  # nodes, once for each of their operands of which nothing is known
        for node in self.nodes:
            known = [i for i in node.inputs if i.node is not None]
            self.unkept += [node.id] * (len(node.inputs) - len(known))
            for i in known:
                if i.node is not None and i.node in shown:
                    self.edges.append(Edge(i.node, node.id, i.name, i.wanted, flows.get((node.id, i.name))))
            if any(i.node not in shown for i in known):
                self.cut_at.append(node.id)

    @property
    def title(self) -> str:
        """What this is a graph of, and how large it is."""
        return self.words["title"].format(root=self._name_of_root(), nodes=len(self.nodes), edges=len(self.edges))

    @property
    def notice(self) -> str:
        """That this is a part of the graph; empty if it is the whole."""
        if not self.cut_at:
            return ""
        shown, total = len(self.nodes), len(self.backward.nodes)
        return self.words["cut"].format(shown=shown, all=total, root=self._name_of_root())

    def _name_of_root(self) -> str:
        return next(labels.name(node, self.lang) for node in self.nodes if node.id == self.root)

    def lines(self, node: GraphNode) -> list[str]:
        """What stands in the box of a node below its name."""
        found = [labels.layer(node, self.lang, 40)] if node.module else []
        found.append(labels.kind_of_numbers(node.value))
        if self.values and not labels.is_number(node):
            found += labels.numbers(node.value, self.lang)
        ledger = self.backward.ledgers.get(node.id)
        if self.gradients and node.kind == "leaf" and ledger:
            first, *rest = labels.numbers(ledger.after or ledger.entries[-1].total, self.lang)
            found += [f".grad {first}", *[f"      {line}" for line in rest]]
        return found

    @property
    def stubs(self) -> list[tuple[int, str]]:
        """The nodes that a line enters which comes from no box, and what stands at its end."""
        return [(n, "…") for n in self.cut_at] + [(n, self.words["unknown"]) for n in self.unkept]

    def along(self, edge: Edge) -> list[str]:
        """The gradient that is written along an edge, in lines; none if it is not asked for."""
        if not self.gradients or edge.gradient is None:
            return []
        first, *rest = labels.numbers(edge.gradient, self.lang)
        return [f"▲ {first}", *[f"  {line}" for line in rest]]

    def heading(self, node: GraphNode) -> str:
        """The first line of a box: `y_hat = add`."""
        if node.kind != "operation":
            return labels.cut(labels.name(node, self.lang), 40)
        variable, word = labels.variable(node), short_name(node.name)
        return f"{labels.cut(variable, 40)} = {word}" if variable else word

    def tip(self, node: GraphNode) -> str:
        """What a node is in a few words: the user's expression, or that it is a leaf or a constant."""
        if node.place is not None and node.place.text:
            return labels.visible(node.place.text)
        return self.words[node.kind] if node.kind != "operation" else node.name

    def svg(self) -> str:
        """The picture as SVG: it needs nothing else, and follows the reader's choice of light or dark."""
        return picture.svg(self)

    def dot(self) -> str:
        """The graph in DOT, the language of Graphviz."""
        return formats.dot(self)

    def mermaid(self) -> str:
        """The graph in Mermaid, which GitHub and many editors draw within Markdown."""
        return formats.mermaid(self)

    def text(self) -> str:
        """The graph in lines, inputs first, for the terminal."""
        return formats.text(self)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the graph to a file, in the format that its name ends with: .svg, .dot or .gv, .mmd, .txt.

        The file is there whole or not at all. Raises ValueError for another ending, OSError as writing does.
        """
        made = {".svg": self.svg, ".dot": self.dot, ".gv": self.dot, ".mmd": self.mermaid, ".txt": self.text}
        ending = Path(path).suffix.lower()
        if ending not in made:
            raise ValueError(f"a graph is saved as {', '.join(made)}; {Path(path).name!r} has none of these endings")
        write_whole(path, made[ending]().encode())

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"<{self.title}>"

    def _repr_svg_(self) -> str:
        return self.svg()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"image/svg+xml": self.svg(), "text/plain": self.text()}
