"""A backward pass as a page: one HTML file, for a reader with a browser and nothing else."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import os
import re
from collections.abc import Callable
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from ..saving import write_whole
from ..tensor import Tensor
from .kept import tensor_of
from .labels import columns, cut
from .languages import of_language
from .layering import curve, layout
from .model import Backward, GraphNode
from .stepping import steps
from .symbols import short_name

INTERNAL = True
DRAWN = 400  # nodes; of a larger graph, those nearest the loss
WHOLE_FILE = 300  # lines; of a longer file, those around the expressions
AROUND = 8  # lines
LANGUAGES = {"en": "en", "zh": "zh-CN"}  # ours, and as HTML calls them
STYLES = ("page.css", "parts.css")
SCRIPTS = ("basics.js", "values.js", "source.js", "moments.js", "graph.js", "practice.js", "story.js", "page.js")


class Page:
    """A page of HTML that needs no other file and no network."""

    def __init__(self, html: str, title: str) -> None:
        self.html = html
        self.title = title

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it to a file, in UTF-8: all of it or nothing. Raises OSError where it cannot be written."""
        write_whole(path, self.html.encode())

    def _repr_html_(self) -> str:
        """For notebooks: the page in a frame that keeps its scripts and styles from the notebook's."""
        return (
            f'<iframe srcdoc="{html.escape(self.html)}" title="{html.escape(self.title)}" sandbox="allow-scripts" '
            'width="100%" height="760" style="border: 1px solid #8884; border-radius: 8px"></iframe>'
        )

    def __repr__(self) -> str:
        return f"<Page {self.title!r}: {len(self.html.encode()) // 1024} KiB of HTML; .save(path) writes it>"


def page(
    loss: Tensor | Callable[[], Tensor] | Backward,
    path: str | os.PathLike[str] | None = None,
    *,
    gradient: Tensor | None = None,
    lang: str = "en",
    naive: bool = True,
    create_graph: bool = False,
    check: tuple[str, ...] | str = (),
    title: str | None = None,
) -> Page:
    """The forward and backward pass of `loss` as a page to step through.

    loss          a tensor, a function that computes one (it is run under `recording()`), or what `steps` gave
    path          the file to write the page to, if any
    gradient      where the pass begins, if `loss` is not a scalar
    lang          "en" or "zh": the language that it opens in; the page has both
    naive         whether it has the pass in the naive order too, to see the first wrong sum
    create_graph  whether it has the graphs of the leaves' gradients too
    check         "differences", "torch" or both, to show beside the gradients
    title         of the page
    Of a graph of more than 400 nodes, those nearest the loss are shown. `gradient`, `naive`, `create_graph` and `check`
    are for a `loss` that is not what `steps` gave. Raises ValueError for another `lang`, OSError where `path` cannot be
    written, and what `steps` raises.
    """
    of_language(LANGUAGES, lang)  # or raise, before anything runs
    if isinstance(loss, Backward):
        shown, other = loss, None
    else:
        loss = tensor_of(loss)
        shown = steps(loss, gradient, create_graph=create_graph, check=check)
        other = steps(loss, gradient, create_graph=create_graph, order="naive") if naive else None
    made = made_of(shown, other, lang=lang, title=title)
    if path is not None:
        made.save(path)
    return made


def made_of(shown: Backward, naive: Backward | None = None, *, lang: str = "en", title: str | None = None) -> Page:
    """The page of a pass as data, beside the same pass in the naive order where that is given."""
    words = json.loads(_read("words.json"))
    title = title.encode("utf-8", "replace").decode() if title else None
    style, script = "".join(map(_read, STYLES)), "".join(map(_read, SCRIPTS))
    data = {"title": title, "lang": lang, **_data(shown, naive)}
    title = title or words[lang]["title"]
    filled = Template(_read("page.html")).substitute(
        lang=LANGUAGES[lang],
        title=html.escape(title),
        style=style,
        style_hash=_hash(style),
        script=script,
        script_hash=_hash(script),
        words=embedded(words),
        data=embedded(data),
    )
    return Page(filled, title)


def _read(name: str) -> str:
    return (files(__package__) / "web" / name).read_text(encoding="utf-8")


def embedded(data: Any) -> str:
    """JSON that may stand in a script element: nothing in it can end that element or a line of it."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return re.sub("[<>&\u2028\u2029\ud800-\udfff]", lambda found: f"\\u{ord(found[0]):04x}", text)


def _hash(text: str) -> str:
    """What a Content-Security-Policy calls a script or style that it allows."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _data(shown: Backward, naive: Backward | None) -> dict[str, Any]:
    others = dict(_passes(naive)) if naive else {}
    passes: list[dict[str, Any]] = []
    nodes: list[GraphNode] = []
    sources: dict[str, str] = {}
    for way, backward in _passes(shown):
        kept = backward.nearest(DRAWN)
        drawn = [node for node in backward.nodes if node.id in kept]
        passes.append(
            {
                "way": way,
                "backward": _part(backward, drawn, kept),
                "naive": _part(others[way], [], kept) if way in others else None,  # its nodes are the same
                "total": len(backward.nodes),
                "drawing": _drawing(drawn),
            }
        )
        nodes += drawn
        sources = backward.sources | sources
    names = _short_names({node.place.file for node in nodes if node.place})
    for one in passes:
        for node in one["backward"]["nodes"]:
            if node["place"]:
                node["place"]["file"] = names[node["place"]["file"]]
    return {"passes": passes, "sources": {names[file]: _excerpt(file, nodes, sources) for file in names}}


def _passes(backward: Backward, way: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Backward]]:
    """The pass and those through the graphs of its gradients, each with the leaves that lead to it."""
    found = [(way, backward)]
    for leaf, higher in backward.higher.items():
        found += _passes(higher, (*way, next(node.label for node in backward.nodes if node.id == leaf)))
    return found


def _part(backward: Backward, nodes: list[GraphNode], kept: set[int]) -> dict[str, Any]:
    """A pass with the steps and ledgers of the nodes that are kept, as plain data."""
    steps = [step for step in backward.steps if step.node in kept]
    ledgers = {node: ledger for node, ledger in backward.ledgers.items() if node in kept}
    return replace(backward, nodes=nodes, steps=steps, ledgers=ledgers, higher={}, sources={}).to_dict()


def _drawing(nodes: list[GraphNode]) -> dict[str, Any]:
    """Where the boxes of nodes are, and the edges between them; a box has room for a title and two lines of numbers."""
    kinds = {node.id: _kind(node) for node in nodes}
    titles = {n.id: " ".join(dict.fromkeys((n.label[:24], kinds[n.id]))) for n in nodes}
    sizes = {id: (max(8.2 * columns(title) + 24, 92.0), 58.0) for id, title in titles.items()}
    edges = [(i.node, node, i) for node in nodes for i in node.inputs if i.node in sizes and i.node is not None]
    stubs = [node.id for node in nodes for i in node.inputs if i.node is None]  # operands of which nothing is known
    ends = {-1 - i: (64.0, 18.0) for i in range(len(stubs))}
    pairs = [(start, node.id) for start, node, _ in edges]
    found = layout([*pairs, *zip(ends, stubs, strict=True)], sizes | ends, labels=ends)
    return {
        "width": found.width,
        "height": found.height,
        "boxes": {
            id: {"x": x, "y": y, "width": sizes[id][0], "height": sizes[id][1], "kind": kinds[id]}
            for id, (x, y) in found.positions.items()
            if id in sizes
        },
        "edges": [
            {"from": start, "to": node.id, "input": i.name, "wanted": i.wanted, "path": curve(route)}
            for (start, node, i), route in zip(edges, found.routes, strict=False)
        ],
        "stubs": [
            {"at": found.positions[end], "path": curve(route)}
            for end, route in zip(ends, found.routes[len(edges) :], strict=True)
        ],
    }


def _kind(node: GraphNode) -> str:
    """What stands in a box beside the name of a node: of an operation its word, unless that is its name, and layer."""
    if node.kind != "operation":
        return node.kind
    word = short_name(node.name)
    parts = [cut(part, 24) for part in (word if word != node.label else "", node.module) if part]
    return " · ".join(parts) + (" {}/{}".format(*node.call) if node.call else "")


def _short_names(names: set[str]) -> dict[str, str]:
    """Each file by as many of its last parts as tell it from the others: a page does not say whose home it is from."""
    short = dict.fromkeys(names, "")
    for name in sorted(names):
        parts = Path(name).parts
        for count in range(1, len(parts) + 1):
            short[name] = "/".join(parts[-count:])
            if not any(Path(other).parts[-count:] == parts[-count:] for other in names - {name}):
                break
    return short


def _excerpt(file: str, nodes: list[GraphNode], sources: dict[str, str]) -> list[tuple[int, str]]:
    """Numbered lines of a file: all, or those around the expressions of `nodes`."""
    places = [node.place for node in nodes if node.place and node.place.file == file]
    if file not in sources:
        known = {place.line + i: line for place in places for i, line in enumerate(place.source.splitlines())}
        return sorted(known.items())
    lines = sources[file].removesuffix("\n").split("\n")
    shown = range(1, len(lines) + 1)
    if len(lines) <= WHOLE_FILE:
        return [(n, lines[n - 1]) for n in shown]
    near = {n for place in places for n in range(place.line - AROUND, place.end_line + AROUND + 1)}
    return [(n, lines[n - 1]) for n in shown if n in near]
