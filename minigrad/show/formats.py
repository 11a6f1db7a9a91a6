"""A graph as text for others to draw: in DOT, in Mermaid; and as lines to read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from . import labels

if TYPE_CHECKING:
    from .drawing import Edge, Graph

INTERNAL = True


def dot(graph: Graph) -> str:
    """The graph in DOT."""
    looks = {
        "leaf": "shape=ellipse, style=bold",
        "constant": "shape=parallelogram, style=dashed",
        "operation": "shape=box, style=rounded",
    }
    lines = ["digraph {"]
    lines += [f'  {what} [fontname="Courier", fontsize={size}];' for what, size in (("node", 11), ("edge", 9))]
    if graph.notice:
        lines.append(f'  graph [fontname="Courier", fontsize=11, labelloc=t, label="{_in_dot(graph.notice)}"];')
    for node in graph.nodes:
        label = r"\n".join([_in_dot(line) for line in (graph.heading(node), *graph.lines(node))])
        more = ", peripheries=2" if node.id == graph.root else ""
        lines.append(f'  n{node.id} [label="{label}", {looks[node.kind]}, tooltip="{_in_dot(graph.tip(node))}"{more}];')
    for i, (n, text) in enumerate(graph.stubs):
        lines += [f'  m{i} [label="{text}", shape=plaintext];', f"  m{i} -> n{n} [style=dotted];"]
    for edge in graph.edges:
        along = r"\n".join([_in_dot(line) for line in graph.along(edge)])
        style = "solid" if edge.wanted else "dashed"
        lines.append(f"  n{edge.source} -> n{edge.target} [style={style}" + (f', label="{along}"];' if along else "];"))
    return "\n".join([*lines, "}\n"])


def _in_dot(text: str) -> str:
    """Text within DOT's quotes, where a backslash and `&` mean something too."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;")


def mermaid(graph: Graph) -> str:
    """The graph in Mermaid."""
    shapes = {"leaf": ("([", "])"), "constant": ("[/", "/]"), "operation": ("(", ")")}
    lines = ["flowchart TD"]
    if graph.notice:
        lines.append(f'  notice["{_in_mermaid(graph.notice)}"]')
    for node in graph.nodes:
        label = "<br/>".join([_in_mermaid(line) for line in (graph.heading(node), *graph.lines(node))])
        is_result = node.id == graph.root and node.kind == "operation"
        before, after = ("[[", "]]") if is_result else shapes[node.kind]
        lines.append(f'  n{node.id}{before}"{label}"{after}')
    lines += [f'  m{i}["{text}"] -.- n{n}' for i, (n, text) in enumerate(graph.stubs)]
    for edge in graph.edges:
        along = "<br/>".join([_in_mermaid(line) for line in graph.along(edge)])
        arrow = ("-->" if edge.wanted else "-.->") + (f'|"{along}"|' if along else "")
        lines.append(f"  n{edge.source} {arrow} n{edge.target}")
    return "\n".join(lines) + "\n"


def _in_mermaid(text: str) -> str:
    r"""Text within Mermaid's quotes: what might mean something there, or in Markdown, is written as an entity.

    Once it has read them, Mermaid looks for `\n`, `$$` and `fa:`, so something without width comes between there.
    """
    pattern = r"[^\w ,.()=…▲]|(?<![^\W_])_|_(?![^\W_])|\.(?!\w)"  # `_` stays within a name, a point within a number
    return re.sub(pattern, lambda found: _entity(found[0]) + "#8203;" * (found[0] in "\\$:"), text)


def _entity(character: str) -> str:
    return "#quot;" if character == '"' else f"#{ord(character)};"


def text(graph: Graph) -> str:
    """The graph in lines, inputs first; an operand that has no name of its own is called by its number."""
    called = {node.id: f"#{node.id}" for node in graph.nodes}
    named = [(node, labels.name(node)) for node in graph.nodes if node.kind != "operation" and node.name]
    names = [name for _, name in named]
    called |= {node.id: labels.cut(name, 24) for node, name in named if names.count(name) == 1}
    rows = []
    for node in graph.nodes:
        what = graph.heading(node)
        if node.kind == "operation":
            operands = ["?" if i.node is None else called.get(i.node, "…") for i in node.inputs]
            operands += [f"{name}={labels.visible(option)}" for name, option in node.options.items()]
            what += f"({', '.join(operands)})"
        tip = ": ".join(filter(None, (labels.layer(node, graph.lang), graph.tip(node))))
        rows.append((f"#{node.id}", labels.cut(what, 48), labels.kind_of_numbers(node.value), tip))
    widths = [max(labels.columns(row[i]) for row in rows) for i in range(3)]
    entering: dict[int, list[Edge]] = {node.id: [] for node in graph.nodes}
    for edge in graph.edges:
        entering[edge.target].append(edge)
    lines = [graph.notice] if graph.notice else []
    for node, (number, *cells, tip) in zip(graph.nodes, rows, strict=True):
        padded = [cell + " " * (w - labels.columns(cell)) for cell, w in zip(cells, widths[1:], strict=True)]
        lines.append("  ".join([number.rjust(widths[0]), *padded, labels.cut(tip, 60)]))
        below = graph.lines(node)[2 if node.module else 1 :]
        for edge in entering[node.id]:
            first, *rest = graph.along(edge) or [""]
            below += [f"{first}  → {called[edge.source]}", *rest] if first else []
        lines += [" " * (widths[0] + 4) + line.rstrip() for line in below]
    return "\n".join(lines) + "\n"
