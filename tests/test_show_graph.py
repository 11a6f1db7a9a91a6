"""The graph as a picture: its layout, and what stands in it, in each of its formats."""

from itertools import combinations, pairwise

import pytest
from hypothesis import given, strategies as st

from minigrad.show.layering import curve, layout


@st.composite
def dags(draw, most=25):
    """Edges from smaller to larger numbers, some of them twice, and sizes."""
    count = draw(st.integers(1, most))
    sizes = {i: (draw(st.sampled_from([20, 60, 150])), draw(st.sampled_from([20, 45]))) for i in range(count)}
    pairs = st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)).filter(lambda e: e[0] < e[1])
    return draw(st.lists(pairs, max_size=3 * count)) if count > 1 else [], sizes


def overlap(box, other):
    (x, y, w, h), (u, v, s, t) = box, other
    return abs(x - u) < (w + s) / 2 - 1e-6 and abs(y - v) < (h + t) / 2 - 1e-6


@given(dags())
def test_boxes_are_apart_and_edges_lead_downward_past_them(graph):
    edges, sizes = graph
    made = layout(edges, sizes)
    boxes = {n: (*made.positions[n], *sizes[n]) for n in sizes}
    assert made.positions.keys() == sizes.keys()
    assert not [pair for pair in combinations(boxes.values(), 2) if overlap(*pair)]
    for x, y, w, h in boxes.values():
        assert w / 2 - 1e-6 <= x <= made.width - w / 2 + 1e-6
        assert h / 2 - 1e-6 <= y <= made.height - h / 2 + 1e-6
    assert len(made.routes) == len(edges)
    for (a, b), route in zip(edges, made.routes, strict=True):
        (x, y, _, h), (u, v, w, t) = boxes[a], boxes[b]
        assert route[0] == pytest.approx((x, y + h / 2))
        assert route[-1][1] == pytest.approx(v - t / 2)
        assert abs(route[-1][0] - u) <= w / 2
        for (x0, y0), (x1, y1) in pairwise(route):
            assert y0 <= y1
            line = ((x0 + x1) / 2, (y0 + y1) / 2, abs(x0 - x1), y1 - y0)
            assert not [box for box in boxes.values() if overlap(box, line)]


@given(dags())
def test_a_layout_is_the_same_each_time(graph):
    assert layout(*graph) == layout(*graph)


@given(dags(most=12))
def test_ends_of_edges_at_one_box_are_apart(graph):
    edges, sizes = graph
    ends = [route[-1] for route in layout(edges, sizes).routes]
    assert len(set(ends)) == len(ends)


def test_a_chain_is_straight_and_its_leaves_stand_beside_it():
    edges = [(0, 2), (1, 2), (2, 4), (3, 4), (4, 5), (5, 7), (6, 7), (7, 8)]
    at = layout(edges, dict.fromkeys(range(9), (50, 20))).positions
    assert len({at[n][0] for n in (2, 4, 5, 7, 8)}) == 1
    assert at[0][0] < at[1][0]
    assert (at[3][1], at[6][1]) == (at[2][1], at[5][1])


def test_long_edges_are_straight_where_they_pass_layers():
    edges = [(i, i + 1) for i in range(9)] + [(0, 9)]
    route = layout(edges, dict.fromkeys(range(10), (50, 20))).routes[-1]
    assert len({x for x, _ in route[2:-2]}) == 1


def test_crossings_are_removed_where_they_can_be():
    edges = [(0, 5), (1, 4), (2, 3), (3, 6), (4, 6), (5, 6)]
    at = layout(edges, dict.fromkeys(range(7), (50, 20))).positions
    order = sorted(range(3), key=lambda n: at[n][0])
    assert [5 - n for n in order] == sorted(range(3, 6), key=lambda n: at[n][0])


def test_a_chain_of_thousands_has_a_layout():
    count = 10_000
    made = layout([(i, i + 1) for i in range(count)], dict.fromkeys(range(count + 1), (50, 20)))
    assert {x for x, _ in made.positions.values()} == {25}


def test_what_has_no_layout_is_an_error():
    with pytest.raises(ValueError, match="cycle"):
        layout([(0, 1), (1, 0)], {0: (1, 1), 1: (1, 1)})
    with pytest.raises(ValueError, match="without sizes"):
        layout([(0, 1)], {0: (1, 1)})
    assert layout([], {}).positions == {}


def test_a_curve_is_path_data():
    assert curve([(0, 0), (0, 10), (5, 20.25), (5, 30)]) == "M0 0V10C0 15.1 5 15.1 5 20.2V30"
