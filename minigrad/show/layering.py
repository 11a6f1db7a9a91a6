"""A layered layout: where the boxes of a directed graph stand, and how its edges go, from top to bottom.

Four steps: every node gets a layer below those of its inputs; an edge that passes layers by gets a place in each of
them, shared with the other edges of its source, as it is one value that they carry; the order within the layers is
improved by medians, to have few crossings; and places are found where edges are as straight as the boxes allow.

Sources: K. Sugiyama, S. Tagawa, M. Toda, "Methods for visual understanding of hierarchical system structures", 1981;
E. Gansner, E. Koutsofios, S. North, K.-P. Vo, "A technique for drawing directed graphs", 1993.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

INTERNAL = True
Point = tuple[float, float]
Cell = int | tuple[int, int]  # what has a place in a layer: a node, or a way for edges: (their source, the layer)
Links = dict[Cell, list[Cell]]
Wish = tuple[float, int]  # a position, and how much it matters
BETWEEN, BETWEEN_LAYERS, PORTS = 24.0, 40.0, 14.0  # how far apart boxes, layers, and edges at one box are
SWEEPS = 8


@dataclass(frozen=True)
class Layout:
    """Where everything is; x grows to the right, y downward, and the picture's corner is (0, 0)."""

    positions: dict[int, Point]  # the centre of each box
    routes: list[list[Point]]  # of each edge, in the order given: from the lower side of a box to the upper of another
    width: float
    height: float


def layout(
    edges: Sequence[tuple[int, int]],
    sizes: Mapping[int, tuple[float, float]],
    between: float = BETWEEN,
    between_layers: float = BETWEEN_LAYERS,
    labels: Collection[int] = (),
) -> Layout:
    """Place boxes of the given sizes (width, height) so that every edge leads downward and crosses no box.

    An edge may be there several times. `labels` are nodes that are written on a line: it goes through their middle. The
    same graph always gives the same layout. Raises ValueError for a cycle, or an edge of a node that has no size.
    """
    if unknown := {node for edge in edges for node in edge} - sizes.keys():
        raise ValueError(f"edges lead to nodes without sizes: {sorted(unknown)}")
    rank = _ranks(edges, sizes)
    ways: list[list[Cell]] = [[(a, r) for r in range(rank[a] + 1, rank[b])] for a, b in edges]
    links = dict.fromkeys(link for (a, b), way in zip(edges, ways, strict=True) for link in pairwise((a, *way, b)))
    cells = dict.fromkeys([*sizes, *[cell for way in ways for cell in way]])
    above: Links = {cell: [] for cell in cells}
    below: Links = {cell: [] for cell in cells}
    for u, v in links:
        above[v].append(u)
        below[u].append(v)
    layers: list[list[Cell]] = [[] for _ in range(max(rank.values(), default=-1) + 1)]
    for cell in _inputs_first_to_last(above, below):
        layers[rank[cell] if isinstance(cell, int) else cell[1]].append(cell)
    layers = _with_few_crossings(layers, above, below)
    half = {cell: sizes[cell][0] / 2 if isinstance(cell, int) else 0.0 for cell in cells}
    x = _straightened(layers, above, below, labels, half, between)
    left = min((x[cell] - half[cell] for cell in cells), default=0.0)
    x = {cell: place - left for cell, place in x.items()}

    heights = [max([sizes[cell][1] for cell in layer if isinstance(cell, int)]) for layer in layers]
    tops = list(accumulate([h + between_layers for h in heights], initial=0.0))
    positions = {node: (x[node], tops[r] + heights[r] / 2) for node, r in rank.items()}
    reach = {node: 0.0 if node in labels else width * 0.4 for node, (width, _) in sizes.items()}
    ports = _ports(edges, [x[way[-1] if way else a] for (a, _), way in zip(edges, ways, strict=True)], x, reach)
    routes = []
    for (a, b), way, port in zip(edges, ways, ports, strict=True):
        turns = [(x[a], positions[a][1] + sizes[a][1] / 2), (x[a], tops[rank[a]] + heights[rank[a]])]
        for r, cell in enumerate(way, rank[a] + 1):
            turns += [(x[cell], tops[r]), (x[cell], tops[r] + heights[r])]
        turns += [(port, tops[rank[b]]), (port, positions[b][1] - sizes[b][1] / 2)]
        routes.append(list(dict.fromkeys(turns)))
    width = max((x[cell] + half[cell] for cell in cells), default=0.0)
    return Layout(positions, routes, width, max(tops[-1] - between_layers, 0.0))


def curve(route: Sequence[Point]) -> str:
    """The path data, as SVG has it, of a smooth line along a route: curves between layers, straight within them."""
    parts = [f"M{_short(route[0][0])} {_short(route[0][1])}"]
    for (x0, y0), (x1, y1) in pairwise(route):
        middle = _short((y0 + y1) / 2)
        bend = f"C{_short(x0)} {middle} {_short(x1)} {middle} {_short(x1)} {_short(y1)}"
        parts.append(f"V{_short(y1)}" if x0 == x1 else bend)
    return "".join(parts)


def _short(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")


def _ranks(edges: Sequence[tuple[int, int]], nodes: Iterable[int]) -> dict[int, int]:
    """The layer of each node: below its inputs, and no further above its users than it must be."""
    users: dict[int, list[int]] = {node: [] for node in nodes}
    inputs: dict[int, int] = dict.fromkeys(users, 0)
    for a, b in edges:
        users[a].append(b)
        inputs[b] += 1
    rank = dict.fromkeys(users, 0)
    waiting = dict(inputs)
    order = [node for node in users if not inputs[node]]
    for node in order:  # it grows while we go through it
        for user in users[node]:
            rank[user] = max(rank[user], rank[node] + 1)
            waiting[user] -= 1
            if not waiting[user]:
                order.append(user)
    if len(order) < len(users):
        raise ValueError("the graph has a cycle, so it has no layers")
    from_operations = dict.fromkeys(users, 0)
    for a, b in edges:
        from_operations[b] += inputs[a] > 0
    for node in reversed(order):
        # Edges get shorter, or as many as get longer; what has no inputs moves along, or has a long edge anyway.
        if users[node] and from_operations[node] <= len(users[node]):
            rank[node] = min(rank[user] for user in users[node]) - 1
    return rank


def _inputs_first_to_last(above: Links, below: Links) -> list[Cell]:
    """Every cell once, reached upward from the results, first inputs first: no crossings where the graph is a tree."""
    stack = [cell for cell in reversed(above) if not below[cell]]
    seen: dict[Cell, None] = {}
    while stack:
        cell = stack.pop()
        if cell not in seen:
            seen[cell] = None
            stack.extend(reversed(above[cell]))
    return list(seen)


def _with_few_crossings(layers: list[list[Cell]], above: Links, below: Links) -> list[list[Cell]]:
    """The best order found in sweeps up and down, in which cells go to the median of their neighbours' places."""
    best, fewest = [*map(list, layers)], _crossings(layers, below)
    for sweep in range(SWEEPS):
        if not fewest:
            break
        upward = sweep % 2 == 0
        neighbours = below if upward else above
        for fixed, moving in pairwise(reversed(layers) if upward else layers):
            place = {cell: i for i, cell in enumerate(fixed)}
            median = {cell: _median([(place[n], 1) for n in neighbours[cell]]) for cell in moving if neighbours[cell]}
            moved = iter(sorted(median, key=median.__getitem__))
            moving[:] = [next(moved) if cell in median else cell for cell in moving]  # those without stay
        crossings = _crossings(layers, below)
        if crossings < fewest:
            best, fewest = [*map(list, layers)], crossings
    return best


def _crossings(layers: list[list[Cell]], below: Links) -> int:
    """How many pairs of links cross: links taken from left to right, those that end left of an earlier one's end."""
    count = 0
    for upper, lower in pairwise(layers):
        place = {cell: i for i, cell in enumerate(lower)}
        ends: list[int] = []
        for cell in upper:
            for end in sorted([place[n] for n in below[cell]]):
                count += len(ends) - bisect_right(ends, end)
                insort(ends, end)
    return count


def _straightened(
    layers: list[list[Cell]],
    above: Links,
    below: Links,
    labels: Collection[int],
    half: dict[Cell, float],
    between: float,
) -> dict[Cell, float]:
    """Where the middle of each cell is, in the order they have, so that the links together lean as little as can be."""

    def weight(upper: Cell, lower: Cell) -> int:
        ways = (not isinstance(upper, int)) + (not isinstance(lower, int))
        if ways == 2 or lower in labels:
            return 16  # a bent long edge is the worst, also where it is long as it has a label,
        inputs = above[above[upper][0]] if upper in labels and above[upper] else above[upper]
        return 4 if not ways and inputs else 2  # and a leaf or a long edge gives way to a chain

    steps = {}
    x: dict[Cell, float] = {}
    for r, layer in enumerate(layers):
        apart = [half[u] + half[v] + between for u, v in pairwise(layer)]
        steps[r] = list(accumulate(apart, initial=0.0))
        x.update({cell: step - steps[r][-1] / 2 for cell, step in zip(layer, steps[r], strict=True)})
    best, least = x, float("inf")
    for sweep in range(SWEEPS + 1):
        upward = sweep % 2 == 0
        for r in reversed(range(len(layers))) if upward else range(len(layers)):
            wishes = []
            for cell in layers[r]:
                near = [
                    (x[n], weight(cell, n) if upward else weight(n, cell)) for n in (below if upward else above)[cell]
                ]
                wishes.append(near or [(x[cell], 1)])
            x.update(zip(layers[r], _fitted(wishes, steps[r]), strict=True))
        lean = sum([weight(u, v) * abs(x[u] - x[v]) for u, users in below.items() for v in users])
        if lean < least:
            best, least = dict(x), lean
    return best


def _fitted(wishes: Sequence[list[Wish]], steps: Sequence[float]) -> list[float]:
    """Places as near to the wishes as can be where each must be its step further than the first, or more.

    What cannot have its wish without being too near the one before is joined to it, and they move together.
    """
    blocks: list[tuple[float, list[Wish], int]] = []  # their place, all wishes, and how many are in it
    for wish, step in zip(wishes, steps, strict=True):
        block = [(place - step, weight) for place, weight in wish]
        median, count = _median(block), 1
        while blocks and blocks[-1][0] > median:
            _, before, n = blocks.pop()
            block, count = before + block, count + n
            median = _median(block)
        blocks.append((median, block, count))
    places = [place for place, _, count in blocks for _ in range(count)]
    return [place + step for place, step in zip(places, steps, strict=True)]


def _median(wishes: list[Wish]) -> float:
    """The weighted median; half-way where two places are equally good."""
    wishes.sort()
    sums = list(accumulate([weight for _, weight in wishes]))
    i = bisect_left(sums, sums[-1] / 2)
    return (wishes[i][0] + wishes[i + 1][0]) / 2 if sums[i] == sums[-1] / 2 else wishes[i][0]


def _ports(
    edges: Sequence[tuple[int, int]],
    before: Sequence[float],
    x: Mapping[Cell, float],
    reaches: Mapping[int, float],
) -> list[float]:
    """Where each edge enters its box: straight from where it was `before` if it can, and apart from the others."""
    entering: dict[int, list[int]] = {}
    for i, (_, node) in enumerate(edges):
        entering.setdefault(node, []).append(i)
    ports = [0.0] * len(edges)
    for node, those in entering.items():
        those.sort(key=before.__getitem__)
        reach = reaches[node]
        steps = [i * min(PORTS, 2 * reach / max(len(those) - 1, 1)) for i in range(len(those))]
        low, high = x[node] - reach, x[node] + reach
        wishes: list[list[Wish]] = [[(min(max(before[i], low), high), 1)] for i in those]
        for i, place, step in zip(those, _fitted(wishes, steps), steps, strict=True):
            ports[i] = min(max(place, low + step), high - (steps[-1] - step))
    return ports
