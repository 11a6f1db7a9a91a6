"""The graph as a picture: its layout, and what stands in it, in each of its formats."""

import re
import xml.etree.ElementTree as ET
from collections import Counter
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import minigrad
from minigrad import show
from minigrad.show import labels
from minigrad.show.drawing import Graph, graph
from minigrad.show.layering import curve, layout
from minigrad.show.model import Backward, GraphNode, Input, Place, Value
from minigrad.testing.random_programs import attempt, programs, run_program

# Where boxes stand, and how edges go


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


def test_a_line_goes_straight_down_to_its_label_and_through_the_middle_and_a_leafs_does_not_bend_the_chain():
    edges = [(0, 1), (1, 2), (2, 3), (3, 4), (5, 6), (6, 4), (4, 7), (7, 8)]
    made = layout(edges, dict.fromkeys(range(9), (50, 20)), labels={1, 3, 6, 7})
    assert len({made.positions[n][0] for n in (0, 1, 2, 3, 4, 7, 8)}) == 1
    assert {x for x, _ in made.routes[4]} == {made.positions[6][0]} == {made.routes[5][0][0]}
    beside = layout([(0, 1), (1, 2), (0, 3)], dict.fromkeys(range(4), (50, 20)), labels={1}).positions
    assert beside[0][0] == beside[1][0]


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


# What is in the graph


def is_same(drawn, result):
    """Whether what is drawn is the graph that `grad_fn.next_functions` leads through, input for input."""
    nodes = {node.id: node for node in drawn.nodes}
    stack, seen = [(drawn.root, result.grad_fn)], {}
    while stack:
        number, fn = stack.pop()
        if number in seen:
            assert seen[number] is fn
            continue
        seen[number] = fn
        if nodes[number].kind == "leaf":
            assert fn.name() == "torch::autograd::AccumulateGrad"
            continue
        assert (nodes[number].kind, nodes[number].name) == ("operation", fn.name())
        mine = [i.node for i in nodes[number].inputs if i.wanted]
        theirs = [f for f, _ in fn.next_functions if f is not None]
        stack += zip(mine, theirs, strict=True)
    assert len(set(map(id, seen.values()))) == len(seen) == sum(node.kind != "constant" for node in drawn.nodes)
    edges = Counter((i.node, node.id) for node in drawn.nodes for i in node.inputs if i.node is not None)
    assert Counter((edge.source, edge.target) for edge in drawn.edges) == edges


@settings(max_examples=40)
@given(programs(max_lines=12))
def test_what_is_drawn_is_what_the_nodes_say(program):
    for value in run_program(program).values():
        if isinstance(value, minigrad.Tensor) and attempt(lambda t: t.grad_fn, value) not in (None, RuntimeError):
            drawn = attempt(lambda t: graph(t, max_nodes=10_000), value)
            if drawn is RuntimeError:  # a pass was needed to know the shapes, and there cannot be one
                with pytest.raises(RuntimeError):
                    value.backward(minigrad.ones_like(value), retain_graph=True)
                continue
            is_same(drawn, value)
            names = [line.split()[0] for line in drawn.text().splitlines()]
            assert names == [f"#{node.id}" for node in drawn.nodes]
            elements = ET.fromstring(drawn.svg()).iter()
            assert sum(e.get("class") in ("operation", "leaf", "constant", "root") for e in elements) >= len(
                drawn.nodes
            )


PROGRAMS = {
    "the document's loss": lambda t, a, b: ((t.matmul(a, b) + 1.5 - a) ** 2 / 2).sum(),
    "a diamond": lambda t, a, b: a.exp() * a.sin() + (a * b).tanh().mean(),
    "softmax": lambda t, a, b: -t.log((e := (a @ b).exp()) / e.sum(1, keepdim=True))[range(3), [0, 1, 2]].mean(),
    "views": lambda t, a, b: (a.T[1:] * b.reshape(9)[2]).unsqueeze(0).expand(2, 2, 3).sum((0, 2)).max(),
    "many": lambda t, a, b: t.cat([a, b, t.stack([a[0], b[1]])]).abs().sqrt().sum(),
}


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_the_graph_is_torchs(program):
    torch = pytest.importorskip("torch")
    results = []
    for library in (minigrad, torch):
        a = library.arange(1.0, 10.0).reshape(3, 3).requires_grad_()
        b = library.arange(2.0, 11.0).reshape(3, 3).requires_grad_()
        results.append(program(library, a, b))
    is_same(graph(results[0]), results[1])


def test_drawing_changes_nothing_and_runs_no_hooks():
    x = minigrad.ones(3, requires_grad=True)
    y = (x * 2).exp()
    y.register_hook(lambda g: pytest.fail("a hook ran"))
    graph(y.sum(), values=True)
    z = (x * x).sum()
    graph(z, gradients=True)
    assert x.grad is None
    z.backward()
    assert x.grad.tolist() == [2, 2, 2]


def test_a_graph_is_drawn_after_its_values_are_freed():
    x = minigrad.ones(3, requires_grad=True)
    y = (x * x).sum()
    y.backward()
    assert [node.name for node in graph(y).nodes if node.kind == "operation"] == ["MulBackward0", "SumBackward0"]
    with pytest.raises(RuntimeError, match="second time"):
        graph(y, gradients=True)


def test_an_operand_that_was_not_kept_has_a_line_of_its_own():
    x = minigrad.ones(3, requires_grad=True)
    drawn = graph((x * (x + minigrad.ones(3))).sum())
    assert drawn.stubs == [(1, "not kept")]
    assert all("not kept" in made for made in (drawn.svg(), drawn.dot(), drawn.mermaid()))
    assert ">no gradient</text>" in drawn.svg()
    assert "add(x, ?)" in drawn.text()


def test_what_cannot_be_drawn_is_an_error():
    x = minigrad.ones(3, requires_grad=True)
    with pytest.raises(TypeError, match="not int"):
        graph(3)
    with pytest.raises(TypeError, match="return a tensor, not float"):
        graph(lambda: 1.0)
    with pytest.raises(RuntimeError, match="does not require grad"):
        graph(minigrad.ones(3))
    with pytest.raises(RuntimeError, match="only for scalar outputs"):
        graph(x * 2, gradients=True)
    with pytest.raises(ValueError, match="'en', 'zh'"):
        graph(x * 2, lang="fr")
    with pytest.raises(ValueError, match="max_nodes"):
        graph(x * 2, max_nodes=0)


def test_values_and_gradients_are_those_of_the_pass():
    x = minigrad.tensor(2.0, requires_grad=True)
    a = x.exp()
    z = a * x
    text = graph(z, values=True, gradients=True).text().splitlines()
    assert [line.split() for line in text] == [
        ["#0", "x", "()", "float32", "leaf"],
        ["2.0"],
        [".grad", "22.17"],
        ["#1", "a", "=", "exp(x)", "()", "float32", "x.exp()"],
        ["7.389"],
        ["▲", "14.78", "→", "x"],
        ["#2", "z", "=", "mul(#1,", "x)", "()", "float32", "a", "*", "x"],
        ["14.78"],
        ["▲", "2.0", "→", "#1"],
        ["▲", "7.389", "→", "x"],
    ]
    z.backward()
    assert f"{x.grad.item():.4g}" == "22.17"


def test_a_function_is_drawn_with_all_that_it_met():
    x, y = minigrad.ones(3, requires_grad=True), minigrad.ones(3)
    loss = lambda: (x + y).tanh().sum()
    assert "add(x, y)" in graph(loss).text()
    assert "add(x, ?)" in graph(loss()).text()


def test_shapes_that_no_value_tells_are_known_all_the_same():
    x, y = minigrad.ones(2, 3, requires_grad=True), minigrad.ones(2, 3)
    assert [node.value.shape for node in graph((x + y).tanh()).nodes] == [(2, 3)] * 3


# What is cut


def chain(count):
    x = minigrad.ones((), requires_grad=True)
    for _ in range(count):
        x = x * 0.5
    return x


@pytest.mark.parametrize(("lang", "words"), [("en", "5 of 10,002 nodes: those nearest"), ("zh", "共 10,002 个节点")])
def test_a_large_graph_is_cut_and_says_so_in_each_format(lang, words):
    deep = chain(10_000)
    drawn = graph(deep, max_nodes=5, lang=lang)
    assert drawn.nodes[-1].id == drawn.root
    assert len(drawn.nodes) == 5
    for text in (drawn.text(), drawn.dot(), "".join(ET.fromstring(drawn.svg()).itertext()), decoded(drawn.mermaid())):
        assert words in text
        assert "…" in text


def test_a_graph_that_fits_is_whole():
    drawn = graph(chain(3), max_nodes=5)
    assert len(drawn.nodes) == 5
    assert drawn.notice == ""
    assert "…" not in drawn.dot()


def test_a_deep_graph_is_drawn_whole_if_asked():
    x = minigrad.ones((), requires_grad=True)
    for _ in range(10_000):
        x = x.sin()
    drawn = graph(x, max_nodes=20_000)
    assert len(drawn.nodes) == 10_001
    assert drawn.svg().count('class="operation"') >= 9_999


# Text that means something elsewhere

HOSTILE = [
    '"', "\\", '\\"', "\\N\\G\\l", "a\nb", "a\u2028b", "<b>&amp;</b>", "]]>", "--> x", "</title></svg><script>", "<!--",
    "#quot;", "#35;", "x; y", "%%{init: {}}%%", "`md`", "**b** _i_ __init__", "1. list", "- item", "[a](b)", "end",
    '"]-->x["', "style a:b#c;", "classDef", "$$x^2$$", "fa:fa-car", "|", "{}", "()", "\x00\x1b\x7f", "\ud800", "\ufffe",
    "שלום", "\u202eabc", "\u2066", "👩\u200d👧", "e\u0301", "权重", "x" * 300,
]  # fmt: skip


def drawn_with(text, **options):
    """A graph of hand: a leaf and a constant of this name, and an operation with this variable, and expression."""
    value = Value.of(np.ones((2, 5), np.float32))
    place = Place(text, text, 1, 1, 0, 1, text, text, (text,), text)
    inputs = [Input("a", 0, True), Input("b", 1, False)]
    nodes = [
        GraphNode(0, "leaf", text, text, None, value),
        GraphNode(1, "constant", text, text, None, value),
        GraphNode(2, "operation", "MulBackward0", text, place, value, inputs, {"dim": text}, text),
    ]
    return Graph(Backward(2, nodes, [], {}), True, True, "en", options.get("max_nodes", 300))


def decoded(mermaid):
    """Mermaid's entities as characters, without what has no width."""
    text = re.sub(r"#(\d+);", lambda m: chr(int(m[1])), mermaid.replace("#quot;", "#34;"))
    return text.replace("\u200b", "")


def dot_tokens(text):
    """DOT's tokens: signs, names, numbers and quoted texts; anything else fails."""
    found, at = [], 0
    while at < len(text):
        token = re.compile(r'\s+|->|[\[\]{};=,]|[A-Za-z_]\w*|\d+|"((?:[^"\\\n]|\\["\\n])*)"').match(text, at)
        assert token, text[at : at + 50]
        at = token.end()
        if not token[0].isspace():
            found.append(token[0])
    return found


any_text = st.one_of(
    st.sampled_from(HOSTILE), st.text(max_size=12), st.lists(st.sampled_from(HOSTILE), max_size=3).map("".join)
)


@settings(max_examples=50)
@given(any_text)
def test_no_text_breaks_the_svg(text):
    drawn = drawn_with(text)
    root = ET.fromstring(drawn.svg())
    ns = "{http://www.w3.org/2000/svg}"
    assert {e.tag.removeprefix(ns) for e in root.iter()} == {
        *("svg", "title", "desc", "style", "rect", "g", "path", "text", "tspan"),
    }
    assert root.find(f"{ns}title").text == drawn.title
    assert root.find(f"{ns}desc").text == drawn.text()
    tips = [e.text or "" for e in root.iter(f"{ns}title")][1:]
    assert tips == ["leaf", "constant", drawn.tip(drawn.nodes[2])]
    headings = ["".join(e.itertext()) for e in root.iter(f"{ns}text") if e.get("class") == "h"]
    assert headings == [drawn.heading(node) for node in drawn.nodes]


@given(any_text)
def test_no_text_breaks_dot(text):
    drawn = drawn_with(text)
    tokens = dot_tokens(drawn.dot())
    assert [t for t in tokens if re.fullmatch(r"[nm]\d+", t)] == ["n0", "n1", "n2", "n0", "n2", "n1", "n2"]
    shown = [tokens[i + 2] for i, t in enumerate(tokens) if t == "label"]
    for node, label in zip(drawn.nodes, shown, strict=True):
        first = re.split(r"(?<!\\)(?:\\\\)*\\n", label[1:-1])[0]
        heading = drawn.heading(node)
        assert re.sub(r"\\(.)", r"\1", first).replace("&amp;", "&")[: len(heading)] == heading or "\\" in heading


@given(any_text)
def test_no_text_breaks_mermaid(text):
    drawn = drawn_with(text)
    lines = drawn.mermaid().splitlines()
    patterns = [
        "flowchart TD", r'  n0\(\["(.*)"\]\)', r'  n1\[/"(.*)"/\]', r'  n2\[\["(.*)"\]\]', "  n0 --> n2", "  n1 -.-> n2",
    ]  # fmt: skip
    assert len(lines) == len(patterns)
    for line, pattern, node in zip(lines, patterns, [None, *drawn.nodes, None, None], strict=True):
        match = re.fullmatch(pattern, line)
        assert match, line
        if node is not None:
            first = match[1].split("<br/>")[0]
            assert not re.search(r'["<>\\`*$%{}\[\]|&:!@-]|(?<![A-Za-z\d])#(?!\d+;|quot;)', first)
            assert decoded(first) == drawn.heading(node)


@given(any_text)
def test_no_text_breaks_the_lines(text):
    lines = drawn_with(text).text().splitlines()
    assert len(lines) == 9
    assert [line[:2] for line in lines if line.startswith("#")] == ["#0", "#1", "#2"]
    assert all(c.isprintable() or c == "\u200d" for line in lines for c in line)


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_leaves_its_box(text):
    root = ET.fromstring(drawn_with(text).svg())
    ns = "{http://www.w3.org/2000/svg}"
    boxes = 0
    for group in root.iter(f"{ns}g"):
        path, texts = group.find(f"{ns}path"), group.findall(f"{ns}text")
        if not texts or group.get("class") not in ("leaf", "constant", "root"):
            continue
        boxes += 1
        across = sum(abs(float(n)) for n in re.findall(r"(?:h|a\S+ \S+ 0 0 1 )(-?[\d.]+)", path.get("d"))) / 2
        for t in texts:
            size = 13 if t.get("class") == "h" else 11
            assert labels.columns("".join(t.itertext())) * size * 0.61 <= across
    assert boxes == 3


def test_chinese_is_counted_double_and_accents_not_at_all():
    assert labels.columns("权重 w") == 6
    assert labels.columns("e\u0301") == 1
    assert labels.cut("权重权重", 6) == "权重…"


# Numbers


@pytest.mark.parametrize(
    ("array", "lines"),
    [
        (np.float32(0.1), ["0.1"]),
        (np.float32(3), ["3.0"]),
        (np.float64(1e-20), ["1e-20"]),
        (np.array(np.nan), ["nan"]),
        (np.array(True), ["True"]),
        (np.array([1, -20]), ["[1  -20]"]),
        (np.zeros((2, 0)), ["[]"]),
        (np.array([[1.5, 2], [-30, 4]]), ["[  1.5  2.0]", "[-30.0  4.0]"]),
        (np.arange(100).reshape(10, 10), ["[ 0   1   2  …]", "[10  11  12  …]", " …             "]),
        (np.arange(8).reshape(2, 2, 2), ["[0  1]", "[2  3]", " …    "]),
    ],
)
def test_numbers_are_cut_sensibly(array, lines):
    assert labels.numbers(Value.of(array)) == lines


def test_numbers_that_were_not_kept_are_said_to_be_so():
    assert labels.numbers(Value((3,), "torch.float32", None), "zh") == ["没有保存"]


# Files and notebooks


def test_a_graph_is_saved_by_the_ending_of_its_name(tmp_path):
    drawn = graph(chain(2))
    for ending, text in {
        "svg": drawn.svg(),
        "dot": drawn.dot(),
        "gv": drawn.dot(),
        "mmd": drawn.mermaid(),
        "txt": str(drawn),
    }.items():
        drawn.save(tmp_path / f"a.{ending}")
        assert (tmp_path / f"a.{ending}").read_text(encoding="utf-8") == text
    drawn.save(str(tmp_path / "b.SVG"))
    with pytest.raises(ValueError, match=r"\.svg, \.dot, \.gv, \.mmd, \.txt; 'a.png'"):
        drawn.save(tmp_path / "a.png")
    with pytest.raises(FileNotFoundError):
        drawn.save(tmp_path / "no" / "a.svg")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.dot", "a.gv", "a.mmd", "a.svg", "a.txt", "b.SVG"]


def test_what_is_there_stays_if_writing_fails(tmp_path, monkeypatch):
    path = tmp_path / "a.svg"
    path.write_text("before")
    drawn = graph(chain(2))
    monkeypatch.setattr(type(path), "replace", lambda *_: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        drawn.save(path)
    assert [p.name for p in tmp_path.iterdir()] == ["a.svg"]
    assert path.read_text() == "before"


def test_notebooks_and_readers_get_it():
    y = chain(2)
    drawn = show.graph(y)
    assert drawn._repr_mimebundle_() == {"image/svg+xml": drawn.svg(), "text/plain": drawn.text()}
    assert drawn._repr_svg_() == drawn.svg()
    assert repr(drawn) == "<Graph of x: 4 nodes, 4 edges>"
    root = ET.fromstring(drawn.svg())
    assert root.get("role") == "img"
    ids = {e.get("id") for e in root.iter()}
    assert set(root.get("aria-labelledby").split()) <= ids
    assert "prefers-color-scheme:dark" in drawn.svg()
    assert "http" not in drawn.svg().replace("http://www.w3.org/2000/svg", "")


def test_the_result_of_a_call_is_called_as_its_variable():
    x = minigrad.ones(2, requires_grad=True)
    loss = x.exp().sum()
    assert [show.graph(loss).heading(node) for node in show.graph(loss).nodes] == ["x", "exp", "loss = sum"]
