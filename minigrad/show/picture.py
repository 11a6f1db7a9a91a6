"""A graph drawn as SVG: leaves are round, constants slanted and dashed, operations boxes, what the graph is of has two
borders. What is dashed takes no gradient.

The file stands alone: its style is within it, and follows the reader's choice of light or dark. Widths of text are
estimated, as there is nothing to measure with: all text is in letters of one width.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from . import labels
from .layering import Layout, Point, curve, layout

if TYPE_CHECKING:
    from .drawing import Edge, Graph
    from .model import GraphNode

INTERNAL = True
MARGIN, SLANT = 20, 8
HEADING, SMALL = 13, 11  # sizes of letters, in pixels; ...
LETTER = 0.62  # ... how wide they are, by their size: the widest of the usual fonts has 0.61
LINE = 1.4  # how far apart lines are, by the size
COLOURS = {  # of what, in light, in dark
    "paper": ("#ffffff", "#0d1117"),
    "ink": ("#1f2328", "#e6edf3"),
    "quiet": ("#59636e", "#9198a1"),
    "line": ("#818b98", "#7d8590"),
    "operation": ("#f6f8fa", "#161b22"),
    "leaf": ("#ddf4ff", "#0f2747"),
    "leaf line": ("#0969da", "#4493f8"),
    "root": ("#dafbe1", "#10291c"),
    "root line": ("#1a7f37", "#3fb950"),
    "gradient": ("#8250df", "#c297ff"),
}
STYLE = """
.mg text{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono","Noto Sans Mono CJK SC",monospace;
 font-size:%(small)spx;white-space:pre;text-anchor:middle;direction:ltr;unicode-bidi:isolate}
.mg .h{font-size:%(heading)spx}.mg .h tspan{font-weight:600}.mg .l{text-anchor:start}
.mg path{fill:none;stroke-width:1.3}.mg .d{stroke-dasharray:4 4}.mg .root path{stroke-width:1.5}
"""
TINTED = """.mg .paper{fill:%(paper)s}.mg text{fill:%(quiet)s}.mg .h{fill:%(quiet)s}.mg .h tspan{fill:%(ink)s}
.mg .e{stroke:%(line)s}.mg .a{fill:%(line)s}.mg .operation path{fill:%(operation)s;stroke:%(line)s}
.mg .constant path{fill:%(paper)s;stroke:%(line)s}.mg .leaf path{fill:%(leaf)s;stroke:%(leaf line)s}
.mg .root path{fill:%(root)s;stroke:%(root line)s}.mg .g{fill:%(gradient)s}
"""


def svg(graph: Graph) -> str:
    """The SVG text of a graph."""
    boxes = {node.id: _box_of(graph, node) for node in graph.nodes}
    named: dict[int, Box] = {}  # what is written along edges has boxes of its own, numbered downward from -1
    ways: list[tuple[tuple[int, int], Edge | None]] = []
    for edge in graph.edges:
        along = graph.along(edge)
        if along:
            label = -1 - len(named)
            named[label] = Box("label", [("g", line) for line in along], "")
            ways += [((edge.source, label), edge), ((label, edge.target), edge)]
        else:
            ways.append(((edge.source, edge.target), edge))
    for node, text in graph.stubs:
        label = -1 - len(named)
        named[label] = Box("label", [("", text)], "")
        ways.append(((label, node), None))
    boxes |= named
    made = layout([way for way, _ in ways], {n: box.size for n, box in boxes.items()}, between_layers=32, labels=named)
    parts = [_edge(route, way[1], edge) for route, (way, edge) in zip(made.routes, ways, strict=True)]
    parts += [box.drawn(made.positions[n]) for n, box in boxes.items()]
    return _page(graph, made, parts)


@dataclass
class Box:
    """A box with lines of text: each with its class, the first of them the heading."""

    kind: str
    lines: list[tuple[str, str]]
    tip: str

    @property
    def size(self) -> Point:
        """Width and height."""
        width = max([_width(text, HEADING if kind == "h" else SMALL) for kind, text in self.lines])
        across = {"leaf": 28, "constant": 20 + 2 * SLANT, "label": 8, "root": 30}.get(self.kind, 24)
        return round(width + across), round(sum(self._heights()) + {"label": 2, "root": 20}.get(self.kind, 14))

    def _heights(self) -> list[float]:
        return [LINE * (HEADING if kind == "h" else SMALL) for kind, _ in self.lines]

    def drawn(self, at: Point) -> str:
        """The SVG text of the box around a point."""
        (x, y), (w, h) = at, self.size
        left, top = x - w / 2, y - h / 2
        texts, base = [], y - sum(self._heights()) / 2
        for (kind, text), height in zip(self.lines, self._heights(), strict=True):
            texts.append(
                f'<text class="{kind}" x="{x:.1f}" y="{base + 0.72 * height:.1f}">{_heading(kind, text)}</text>'
            )
            base += height
        if self.kind == "label":
            return "".join(texts)
        dashed = ' class="d"' if self.kind == "constant" else ""
        outline = f'<path{dashed} d="{_outline(self.kind, left, top, w, h)}"/>'
        if self.kind == "root":
            outline += f'<path d="{_outline("root", left + 3, top + 3, w - 6, h - 6)}"/>'
        return f'<g class="{self.kind}"><title>{escape(self.tip)}</title>{outline}{"".join(texts)}</g>'


def _box_of(graph: Graph, node: GraphNode) -> Box:
    kind = "root" if node.id == graph.root else node.kind
    lines = graph.lines(node)
    gradient = next((i for i, line in enumerate(lines) if line.startswith(".grad")), len(lines))
    texts = [("g" if i >= gradient else "", line) for i, line in enumerate(lines)]
    return Box(kind, [("h", graph.heading(node)), *texts], graph.tip(node))


def _heading(kind: str, text: str) -> str:
    if kind != "h":
        return escape(text)
    name, sign, word = text.partition(" = ")
    return f"<tspan>{escape(name)}</tspan>{escape(sign + word)}"


def _width(text: str, size: float) -> float:
    return labels.columns(text) * size * LETTER


def _outline(kind: str, left: float, top: float, w: float, h: float) -> str:
    if kind == "constant":
        return f"M{left + SLANT:.1f} {top:.1f}h{w - SLANT:.1f}l{-SLANT} {h:.1f}h{SLANT - w:.1f}z"
    r = min(h / 2, 20) if kind == "leaf" else 7 if kind == "root" else 5
    arcs = [f"a{r:g} {r:g} 0 0 1 {dx:g} {dy:g}" for dx, dy in ((r, r), (-r, r), (-r, -r), (r, -r))]
    return (
        f"M{left + r:.1f} {top:.1f}h{w - 2 * r:.1f}{arcs[0]}v{h - 2 * r:.1f}{arcs[1]}"
        f"h{2 * r - w:.1f}{arcs[2]}v{2 * r - h:.1f}{arcs[3]}z"
    )


def _edge(route: list[Point], target: int, edge: Edge | None) -> str:
    """A line; with an arrowhead, unless it ends at a label."""
    *before, (x, y) = route
    dashed = " d" if edge is None or not edge.wanted else ""
    if target < 0:
        return f'<path class="e{dashed}" d="{curve(route)}"/>'
    head = f'<path class="a" d="M{x:.1f} {y:.1f}l-3.5 -7h7z"/>'
    return f'<path class="e{dashed}" d="{curve([*before, (x, y - 6)])}"/>{head}'


def _page(graph: Graph, made: Layout, parts: list[str]) -> str:
    legend, legend_width = _legend(graph)
    notice = escape(graph.notice)
    width = round(max(made.width, legend_width, _width(graph.notice, SMALL)) + 2 * MARGIN)
    top = MARGIN + (24 if notice else 0)
    height = round(top + made.height + MARGIN + (32 if legend else 0))
    if notice:
        notice = f'<text x="{width / 2:.1f}" y="{MARGIN + 4}">{notice}</text>'
    description = escape(graph.text())
    number = f"{zlib.crc32(description.encode()):08x}"
    sizes = {"small": SMALL, "heading": HEADING}
    light, dark = ({what: pair[i] for what, pair in COLOURS.items()} for i in (0, 1))
    style = STYLE % sizes + TINTED % light + f"@media (prefers-color-scheme:dark){{{TINTED % dark}}}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" xml:space="preserve" class="mg" role="img" '
        f'aria-labelledby="t{number} d{number}" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        'style="max-width:100%;height:auto">\n'
        f'<title id="t{number}">{escape(graph.title)}</title>\n<desc id="d{number}">{description}</desc>\n'
        f"<style>{style}</style>\n"
        f'<rect class="paper" width="{width}" height="{height}" rx="8"/>\n{notice}'
        f'<g transform="translate({(width - made.width) / 2:.1f} {top})">\n' + "\n".join(parts) + "\n</g>\n"
        f'<g transform="translate({(width - legend_width) / 2:.1f} {height - 26})">{legend}</g>\n</svg>\n'
    )


def _legend(graph: Graph) -> tuple[str, float]:
    """What the shapes mean, of those that are there, in a row; and how wide it is."""
    parts, x = [], 0.0
    kinds = {node.kind for node in graph.nodes}
    for kind in ("leaf", "constant", "operation"):
        if kind in kinds:
            dashed = ' class="d"' if kind == "constant" else ""
            parts.append(f'<g class="{kind}"><path{dashed} d="{_outline(kind, x, -9, 22, 12)}"/></g>')
            x = _word(parts, x, graph.words[kind])
    if graph.unkept or any(not edge.wanted for edge in graph.edges):
        parts.append(f'<path class="e d" d="M{x:.1f} -3h22"/>')
        x = _word(parts, x, graph.words["dashed"])
    if any(graph.along(edge) for edge in graph.edges):
        parts.append(f'<text class="g" x="{x + 11:.1f}" y="1">▲</text>')
        x = _word(parts, x, graph.words["gradient"])
    return ("".join(parts), x - 18) if len(parts) > 2 else ("", 0.0)


def _word(parts: list[str], x: float, word: str) -> float:
    """Add a word beside the sign at `x`; where the next sign stands."""
    parts.append(f'<text class="l" x="{x + 29:.1f}" y="1">{escape(word)}</text>')
    return x + 29 + _width(word, SMALL) + 18
