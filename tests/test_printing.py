"""Tensors print as torch prints them, to the character, under every print option."""

import contextlib
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra import numpy as hnp

torch = pytest.importorskip("torch")

import minigrad
from minigrad import dtypes, printing
from minigrad.tensor import wrap

FLOATING = [d for d in dtypes.dtype.by_numpy.values() if d.is_floating_point]
WHOLE = [d for d in dtypes.dtype.by_numpy.values() if not d.is_floating_point]

# Where torch changes notation, rounds, or lets an element overhang its column.
EDGES = [0.0, -0.0, 1.0, 1e3, 1001.0, 1e-4, 9e-5, 1e8, 1.1e8, 0.5, -0.99995, math.nan, math.inf]
SHAPES = hnp.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=8) | st.tuples(st.integers(0, 1200))


def floating_arrays(d: dtypes.dtype) -> st.SearchStrategy[np.ndarray]:
    """Arrays of one kind of number each, lest one notation drown the others; then of all kinds."""
    kinds = [
        st.floats(-10, 10),
        st.integers(-(10**6), 10**6).map(float),
        st.integers(-60, 60).map(lambda exponent: 1.25 * 2.0**exponent),
        st.sampled_from(EDGES),
        hnp.from_dtype(d.numpy).map(float),
    ]
    return st.sampled_from([*kinds, st.one_of(kinds)]).flatmap(
        lambda kind: hnp.arrays(np.float64, SHAPES, elements=kind).map(rounded_to(d))
    )


def rounded_to(d: dtypes.dtype) -> Any:
    def rounded(array: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore"):
            return array.astype(d.numpy)

    return rounded


WHOLE_ARRAYS = st.sampled_from(WHOLE).flatmap(lambda d: hnp.arrays(d.numpy, SHAPES))
FLOATING_ARRAYS = st.sampled_from(FLOATING).flatmap(floating_arrays)
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "precision": st.integers(0, 12),
        "threshold": st.integers(0, 1000) | st.just(math.inf),
        "edgeitems": st.integers(0, 5),
        "linewidth": st.integers(0, 130),
        "profile": st.sampled_from(["default", "short", "full", "no such profile"]),
        "sci_mode": st.booleans(),
    },
)


@contextlib.contextmanager
def on_both_sides(options: dict[str, Any], default_dtype: dtypes.dtype = dtypes.float32) -> Iterator[None]:
    """Print options and the default dtype of torch and minigrad at once, and back to the usual."""
    set_on_both_sides(options, default_dtype)
    try:
        yield
    finally:
        set_on_both_sides({"profile": "default"}, dtypes.float32)


def set_on_both_sides(options: dict[str, Any], default_dtype: dtypes.dtype) -> None:
    torch.set_printoptions(**options)
    minigrad.set_printoptions(**options)
    torch.set_default_dtype(getattr(torch, default_dtype.name))
    dtypes.set_default_dtype(default_dtype)


def outcome(function: Any, *arguments: Any) -> tuple[str, str]:
    """What a call gives, or the type and the first line of what it raises."""
    try:
        return "returned", function(*arguments)
    except (TypeError, ValueError) as error:
        return type(error).__name__, str(error).splitlines()[0]


@given(FLOATING_ARRAYS, OPTIONS, st.sampled_from(FLOATING), st.sampled_from(["", "leaf", "result"]))
@settings(max_examples=150)
def test_floating_tensors_print_as_in_torch(array, options, default_dtype, history):
    with on_both_sides(options, default_dtype):
        ours, theirs = wrap(array), torch.from_numpy(array)
        if history:
            ours, theirs = ours.requires_grad_(), theirs.requires_grad_()
        if history == "result":
            ours, theirs = ours * 1, theirs * 1
        assert repr(ours) == repr(theirs)


@given(WHOLE_ARRAYS, OPTIONS)
@settings(max_examples=100)
def test_integer_and_bool_tensors_print_as_in_torch(array, options):
    with on_both_sides(options):
        assert repr(wrap(array)) == repr(torch.from_numpy(array))


@given(FLOATING_ARRAYS | WHOLE_ARRAYS)
def test_non_contiguous_tensors_print_as_in_torch(array):
    view = array.T[::2] if array.ndim else array
    assert repr(wrap(view)) == repr(torch.from_numpy(view))


@given(st.lists(OPTIONS, max_size=4))
def test_options_add_up_as_in_torch(calls):
    with on_both_sides({}):
        for options in calls:
            torch.set_printoptions(**options)
            printing.set_printoptions(**options)
            assert printing.get_printoptions() == torch._tensor_str.get_printoptions()


@pytest.mark.parametrize(
    ("array", "text"),
    [
        (np.float32([2, -3.4]), "tensor([ 2.0000, -3.4000])"),
        (np.float32([1, 20, 0]), "tensor([ 1., 20.,  0.])"),
        (np.float32([1, 1001]), "tensor([1.0000e+00, 1.0010e+03])"),
        (np.float32([0, math.nan, -math.inf]), "tensor([0., nan, -inf])"),
        (np.float64([[0.5]]), "tensor([[0.5000]], dtype=torch.float64)"),
        (np.array(7), "tensor(7)"),
        (np.uint8([1]), "tensor([1], dtype=torch.uint8)"),
        (np.array([True, False]), "tensor([ True, False])"),
        (np.float32([]), "tensor([])"),
        (np.zeros((0, 3), np.float32), "tensor([], size=(0, 3))"),
        (np.zeros(0, np.int64), "tensor([], dtype=torch.int64)"),
        (np.arange(1001), "tensor([   0,    1,    2,  ...,  998,  999, 1000])"),
        (np.ones((2, 1, 1), np.int64), "tensor([[[1]],\n\n        [[1]]])"),
    ],
)
def test_known_texts(array, text):
    ours, theirs = wrap(array), torch.from_numpy(array)
    assert repr(ours) == str(ours) == repr(theirs) == text


@pytest.mark.parametrize("limit", [[1.0, 1000.0], [1e8], [1e-4], [1.5, 1500.0]])
@pytest.mark.parametrize("d", FLOATING)
def test_notation_changes_at_the_same_number(limit, d):
    largest = rounded_to(d)(np.array(limit))
    for end in (-math.inf, math.inf):
        array = largest.copy()
        array[-1] = np.nextafter(array[-1], d.numpy.type(end))
        for values in (largest, array):
            assert repr(wrap(values)) == repr(torch.from_numpy(values))


@pytest.mark.parametrize("linewidth", range(10, 90))
def test_suffixes_break_the_line_at_the_same_column(linewidth):
    with on_both_sides({"linewidth": linewidth, "edgeitems": 0}):
        array = np.float64([0.5, 1.5])  # three suffixes: size, dtype, requires_grad
        ours, theirs = wrap(array).requires_grad_(), torch.from_numpy(array).requires_grad_()
        assert repr(ours) == repr(theirs)


@pytest.mark.parametrize("shape", [(), (5,), (5, 1), (1, 5), (2, 3, 4)])
@pytest.mark.parametrize("edgeitems", [0, 1, 2])
def test_few_edge_items_print_as_in_torch(shape, edgeitems):
    with on_both_sides({"threshold": 0, "edgeitems": edgeitems}):
        array = np.ones(shape)
        assert repr(wrap(array)) == repr(torch.from_numpy(array))


def test_elements_that_are_not_shown_cost_nothing():
    shape = (10**9, 10**9)  # one element in memory; to visit each would take years
    ours = wrap(np.broadcast_to(np.float32(0.5), shape))
    assert repr(ours) == repr(torch.tensor(0.5).expand(shape))


@pytest.mark.parametrize("parts", ["b.unbind()", "b.split(1)", "[b[0]]", "[b[:, 1:]]"])
def test_a_view_that_lost_its_place_in_the_graph_can_still_be_printed(parts):
    texts = []
    for module in (torch, minigrad):
        b = module.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True) * 2
        with module.no_grad():
            view = eval(parts)[0]
            view.mul_(3)
        texts.append((repr(view), view.output_nr))
        b.mul_(2)
        texts.append((repr(view), view.output_nr))
    assert texts[0] == texts[2]
    assert texts[1] == texts[3]
    assert "grad_fn=<Invalid>" in texts[0][0]


SPECS = st.sampled_from(["", ".3f", ">12", "e", "d", "%", "x", "nonsense"])


@given(FLOATING_ARRAYS | WHOLE_ARRAYS | hnp.arrays(np.float32, ()), SPECS)
def test_formatting_as_in_torch(array, spec):
    ours, theirs = wrap(array), torch.from_numpy(array)
    assert outcome(format, ours, spec) == outcome(format, theirs, spec)


def test_the_error_of_a_spec_says_what_to_do():
    with pytest.raises(TypeError, match=r"(?s)Tensor\.__format__\n.*'\.3f'.*\(2,\).*item\(\)"):
        format(wrap(np.zeros(2)), ".3f")
