"""The strategies of minigrad.testing: what they promise holds, they shrink far, and they print as code that runs."""

import re
import subprocess
import sys
from math import prod

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, find, given, settings, strategies as st
from hypothesis.errors import InvalidArgument

torch = pytest.importorskip("torch")
import minigrad
from minigrad.testing import strategies as s
from minigrad.testing.code import GAP, as_code, register_printers

both = pytest.mark.parametrize("library", [minigrad, torch], ids=["minigrad", "torch"])
QUICK = settings(max_examples=2000, database=None, suppress_health_check=list(HealthCheck), derandomize=True)
ALL_DTYPES = ("floating", "half", "integer", "bool")


def array(x):
    return x.detach().numpy()


def smallest(strategy, bad):
    return find(strategy, bad, settings=QUICK)


def is_drawn(strategy, wanted):
    """Fails with NoSuchExample if it is not."""
    find(strategy, wanted, settings=settings(QUICK, phases=[Phase.generate]))


def same(x, y):
    assert type(x) is type(y)
    assert x.dtype == y.dtype
    assert x.shape == y.shape
    assert x.requires_grad == y.requires_grad
    assert x.is_leaf
    assert y.is_leaf
    assert x.is_contiguous() == y.is_contiguous()
    if x.numel():
        longer = [i for i, n in enumerate(x.shape) if n > 1]
        assert [x.stride()[i] for i in longer] == [y.stride()[i] for i in longer]
    np.testing.assert_array_equal(array(x), array(y))


# Code


@both
@given(data=st.data())
def test_a_tensor_printed_as_code_is_made_again(library, data):
    dtype = data.draw(s.dtypes(ALL_DTYPES, library=library))
    elements = s.numbers() if not dtype.is_floating_point else s.numbers() | st.floats(width=16)
    x = data.draw(s.tensors(s.shapes(max_dims=4), dtype, elements, library=library))
    y = eval(as_code(x), {"torch": library})
    same(x, y)
    if x.numel() > 1 and not x.is_contiguous():
        assert x.storage_offset() == y.storage_offset()
    assert as_code(y) == as_code(x)


@both
@given(data=st.data())
def test_any_view_printed_as_code_has_its_values(library, data):
    x = library.arange(24.0).reshape(2, 3, 4)
    x = x.permute(data.draw(st.permutations(range(3))))
    x = x[data.draw(s.indices(x.shape, library=library))]
    x = x.unsqueeze(0).expand(2, *x.shape) if data.draw(st.booleans()) else x
    y = eval(as_code(x), {"torch": library})
    np.testing.assert_array_equal(array(x), array(y))
    same(x.detach(), y)


@both
def test_code_is_short(library):
    t = library.tensor
    assert as_code(t([1.0, 0.1], requires_grad=True)) == "torch.tensor([1.0, 0.1], requires_grad=True)"
    assert as_code(t([1, 2])) == "torch.tensor([1, 2])"
    assert as_code(t(0.1, dtype=library.float16)) == "torch.tensor(0.1, dtype=torch.float16)"
    assert as_code(t([True])) == "torch.tensor([True])"
    assert as_code(t([1, 2], dtype=library.uint8)) == "torch.tensor([1, 2], dtype=torch.uint8)"
    assert as_code(t([float("nan"), -float("inf"), -0.0])) == 'torch.tensor([float("nan"), float("-inf"), -0.0])'
    x = t([[1.0, 2.0], [3.0, 4.0]], dtype=library.float64).t().requires_grad_()
    assert as_code(x) == "torch.tensor([[1.0, 2.0], [3.0, 4.0]], dtype=torch.float64).t().requires_grad_()"
    assert as_code(t([[1.0]]).expand(2, 1)) == "torch.tensor([[1.0]]).expand(2, 1)"
    assert as_code(library.zeros((0, 2), requires_grad=True)) == "torch.zeros((0, 2), requires_grad=True)"
    assert as_code(library.zeros(0, dtype=library.int64)) == "torch.zeros((0,), dtype=torch.int64)"
    assert as_code(t([1.0, 5.0, 2.0])[::2]) == f"torch.tensor([1.0, {GAP}.0, 2.0])[::2]"
    assert as_code(t([[1.0, 5.0], [2.0, 5.0]])[:, 0]) == f"torch.tensor([1.0, {GAP}.0, 2.0])[::2]"
    x = library.zeros((3, 2, 2)).permute(1, 2, 0)
    assert as_code(x).endswith("]]]).permute(1, 2, 0)")
    assert as_code(x * library.ones(1, requires_grad=True)).count("requires_grad") == 1


def test_overlapping_windows_come_out_contiguous():
    assert as_code(torch.arange(4.0).unfold(0, 2, 1)) == "torch.tensor([[0.0, 1.0], [1.0, 2.0], [2.0, 3.0]])"
    assert as_code(torch.arange(16.0).as_strided((2, 2, 2), (5, 2, 1))).endswith("])")
    assert as_code(torch.arange(16.0).as_strided((2, 2), (3, 3))).endswith("])")


@both
def test_hypothesis_prints_code(library):
    from hypothesis.vendor.pretty import pretty

    register_printers()
    x = library.tensor([1.0])
    assert pretty((x, [x])) == "(torch.tensor([1.0]), [torch.tensor([1.0])])"


FAILING = """
import {library} as torch
from hypothesis import given, settings
from minigrad.testing.strategies import tensors

@settings(database=None, derandomize=True)
@given(x=tensors(library=torch))
def test(x):
    if not x.is_contiguous() and x.requires_grad:
        raise ValueError(x.detach().numpy().tolist())

test()
"""


@both
def test_a_counter_example_is_code_that_runs(library):
    run = subprocess.run(
        [sys.executable, "-c", FAILING.format(library=library.__name__)], capture_output=True, text=True, timeout=120
    )
    (printed,) = re.findall(r"^ *x=(torch\..*),$", run.stderr, re.MULTILINE)
    x = eval(printed, {"torch": library})
    assert not x.is_contiguous()
    assert x.requires_grad
    assert x.numel() == 2
    assert f"ValueError: {array(x).tolist()}" in run.stderr


# Elements


@given(st.data())
def test_numbers_keep_to_their_bounds(data):
    low, high = sorted(data.draw(st.tuples(st.floats(-100, 100), st.floats(-100, 100))))
    assert low <= data.draw(s.numbers(low, high)) <= high


@given(s.numbers(), s.positive(), s.away_from(0.0, 1.0), s.away_from(0.5, distance=0.25, low=0, high=1))
def test_numbers_are_where_they_should_be(plain, positive, away, near):
    assert -3 <= plain <= 3
    assert 0.1 <= positive <= 3
    assert min(abs(away), abs(away - 1)) >= 0.1
    assert 0 <= near <= 1
    assert abs(near - 0.5) >= 0.25


def test_numbers_shrink_to_simple_ones():
    assert smallest(s.numbers(), lambda x: True) == 1.0
    assert smallest(s.numbers(), lambda x: x == 0) == 0.0
    assert smallest(s.numbers(), lambda x: x > 1) == 2.0
    assert smallest(s.numbers(), lambda x: -1 < x < 0) == -0.5
    assert smallest(s.away_from(0.0), lambda x: x < 0) == -1.0
    assert smallest(s.numbers(), lambda x: x < 0) == -1.0
    assert smallest(s.numbers(), lambda x: 0 < x < 1) == 0.5
    assert smallest(s.away_from(0.0, 1.0), lambda x: True) == 2.0
    assert smallest(s.positive(), lambda x: True) == 1.0
    assert smallest(s.numbers(0.001, 0.002), lambda x: True) in (0.001, 0.002)


@both
@given(data=st.data())
def test_distinct_elements_differ(library, data):
    gap = data.draw(st.sampled_from([0.05, 0.1, 0.5]))
    shape = data.draw(s.shapes(max_dims=2))
    x = data.draw(s.tensors(shape, elements=s.distinct(-3, 3, gap), library=library))
    values = np.sort(array(x).ravel().astype(float))
    assert (np.diff(values) > gap - 1e-6).all()
    assert (np.abs(values) <= 3).all()


def test_bad_elements_are_refused():
    with pytest.raises(InvalidArgument, match=r"13 places 0\.5 apart, too few for 20"):
        s.distinct(gap=0.5)(20)
    with pytest.raises(InvalidArgument, match="above 0"):
        s.positive(0.0)
    with pytest.raises(InvalidArgument, match="no number from low=0 to high=1 is 2 away"):
        s.away_from(0.5, distance=2, low=0, high=1)
    with pytest.raises(InvalidArgument, match="low=1 to high=0"):
        s.numbers(1, 0)
    with pytest.raises(InvalidArgument, match="kinds of dtypes are floating"):
        s.dtypes("complex")
    with pytest.raises(InvalidArgument, match=r"a dtype is one of float64, .* not 'float33'"):
        smallest(s.tensors((2,), "float33"), bool)
    with pytest.raises(InvalidArgument, match="a layout is one of contiguous"):
        smallest(s.tensors(layout="diagonal"), lambda x: True)


# Shapes and what goes with them


@given(s.shapes(1, 2, 1, 4), s.shapes(min_dims=3, max_dims=3))
def test_shapes_keep_to_their_bounds(shape, deep):
    assert len(shape) in (1, 2)
    assert all(1 <= n <= 4 for n in shape)
    assert len(deep) == 3


def test_shapes_shrink():
    assert smallest(s.shapes(), lambda shape: True) == ()
    assert smallest(s.shapes(), lambda shape: len(shape) > 1) == (1, 1)
    assert smallest(s.shapes(), lambda shape: 0 in shape) == (0,)
    assert smallest(s.shapes(), lambda shape: len(set(shape)) > 1) == (1, 2)
    assert smallest(s.broadcastable_shapes(3), lambda shapes: True) == ((), (), ())
    assert smallest(s.broadcastable_shapes(2), lambda p: p[0] != p[1] and len(p[0]) == len(p[1])) == ((2,), (1,))
    assert smallest(s.matmul_shapes(), lambda p: True) == ((1,), (1,))
    a, b = smallest(s.matmul_shapes(), lambda p: len(p[0]) > 2 and len(p[0]) != len(p[1]))
    assert len(a) == 3
    assert prod(a) * prod(b) == 1


@given(s.broadcastable_shapes(3, max_dims=4), s.broadcastable_shapes(2, min_dims=2, min_side=1))
def test_broadcastable_shapes_broadcast(three, two):
    assert len(np.broadcast_shapes(*three)) <= 4
    assert 0 not in np.broadcast_shapes(*two)


@given(s.matmul_shapes())
def test_matmul_shapes_multiply(pair):
    a, b = (minigrad.ones(shape) for shape in pair)
    assert (a @ b).shape == tuple((torch.ones(pair[0]) @ torch.ones(pair[1])).shape)


@given(st.data())
def test_axes_are_valid(data):
    shape = data.draw(s.shapes())
    one = data.draw(s.axes(shape, tuples=False, none=False))
    assert minigrad.ones(shape).sum(one).shape == tuple(torch.ones(shape).sum(one).shape)
    several = data.draw(s.axes(shape))
    assert minigrad.ones(shape).sum(several).shape == tuple(torch.ones(shape).sum(several).shape)


def test_every_form_of_axes_and_shapes_is_drawn():
    for bad in (lambda a: a is None, lambda a: a == -2, lambda a: isinstance(a, tuple) and len(a) == 3 and min(a) < 0):
        is_drawn(s.axes(3), bad)
    for form in [(1, 1), (2, 1), (1, 2), (2, 2), (3, 2), (2, 3), (4, 3), (1, 3), (4, 1)]:
        is_drawn(s.matmul_shapes(), lambda p: (len(p[0]), len(p[1])) == form)


@both
@settings(max_examples=200)
@given(data=st.data())
def test_indices_are_valid(library, data):
    shape = data.draw(s.shapes(max_dims=4, max_side=4))
    index = data.draw(s.indices(shape, library=library))
    values = np.arange(prod(shape), dtype=float).reshape(shape)
    other = torch if library is minigrad else minigrad
    taken = other.tensor(values)[moved(index, library, other)]
    np.testing.assert_array_equal(array(library.tensor(values)[index]), array(taken))


def moved(index, library, other):
    """The index with its tensors made by the other library."""
    if isinstance(index, tuple):
        return tuple(moved(i, library, other) for i in index)
    return other.tensor(array(index)) if isinstance(index, library.Tensor) else index


@pytest.mark.parametrize(
    "form",
    [
        lambda i: type(i) is int and i == -1,
        lambda i: isinstance(i, slice) and i.step == 2,
        lambda i: i is None,
        lambda i: i is Ellipsis,
        lambda i: i is True,
        lambda i: isinstance(i, list) and len(i) == 2 and type(i[0]) is int,
        lambda i: isinstance(i, list) and bool in map(type, i),
        lambda i: isinstance(i, minigrad.Tensor) and i.dtype == minigrad.bool and i.dim() == 2,
        lambda i: isinstance(i, minigrad.Tensor) and i.dtype == minigrad.int64 and i.dim() == 2,
        lambda i: isinstance(i, np.ndarray),
        lambda i: isinstance(i, tuple) and {type(j) for j in i} >= {int, slice, list},
        lambda i: isinstance(i, tuple) and i.count(None) == 2 if not _holds_arrays(i) else False,
    ],
)
def test_every_form_of_index_is_drawn(form):
    is_drawn(s.indices((2, 3, 2)), form)


def _holds_arrays(index):
    return isinstance(index, tuple) and any(isinstance(i, (np.ndarray, minigrad.Tensor)) for i in index)


# Tensors


@both
@given(data=st.data())
def test_tensors_are_what_was_asked_for(library, data):
    shape, grad = data.draw(s.shapes()), data.draw(st.booleans())
    dtype = data.draw(s.dtypes(ALL_DTYPES, library=library))
    layout = data.draw(st.sampled_from(s.LAYOUTS))
    x = data.draw(s.tensors(shape, dtype, s.numbers(-1, 1), grad, layout, library=library))
    assert isinstance(x, library.Tensor)
    assert tuple(x.shape) == shape
    assert x.dtype == dtype
    assert x.requires_grad == (grad and dtype.is_floating_point)
    assert x.is_leaf
    longest = max(shape, default=1)
    if prod(shape) and (longest > 1 and layout == "expanded"):
        assert 0 in x.stride()
    if prod(shape) and layout == "sliced" and shape and shape[-1] > 1:
        assert x.stride()[-1] == 2
        assert x.storage_offset() == 1
    if layout == "transposed" and sum(n > 1 for n in shape) > 1 and prod(shape):
        assert not x.is_contiguous()
    if layout in ("contiguous", "reversed"):
        assert x.is_contiguous()


@both
def test_tensors_take_names_and_values(library):
    x = smallest(s.tensors(3, "float32", 2.5, True, "contiguous", library=library), lambda x: True)
    assert as_code(x) == "torch.tensor([2.5, 2.5, 2.5], requires_grad=True)"
    x = smallest(s.tensors((2,), "bool", library=library), lambda x: x[1])
    assert as_code(x) == "torch.tensor([True, True])"
    x = smallest(s.tensors((), "uint8", st.integers(200, 255), library=library), lambda x: True)
    assert as_code(x) == "torch.tensor(200, dtype=torch.uint8)"


@both
def test_every_layout_dtype_and_flag_is_drawn(library):
    for bad in (
        lambda x: 0 in x.stride() and x.numel() > 1,
        lambda x: x.numel() > 1 and x.storage_offset() == 1,
        lambda x: x.dim() == 3 and x.stride()[0] == 1 < x.stride()[1] < x.stride()[2],
        lambda x: x.dtype == library.float32,
        lambda x: x.requires_grad,
        lambda x: not x.numel(),
        lambda x: x.dim() == 0,
        lambda x: x.dim() == 3 and tuple(x.shape).count(1) == 1,
    ):
        is_drawn(s.tensors(library=library), bad)


@both
def test_negative_strides_do_not_exist(library):
    backwards = np.arange(3.0)[::-1]
    with pytest.raises(ValueError, match=re.escape("making a copy of your array  with array.copy()")):
        library.from_numpy(backwards)
    assert library.from_numpy(backwards.copy()).tolist() == [2.0, 1.0, 0.0]
    x = smallest(s.tensors((2,), elements=s.distinct(), layout="reversed", library=library), lambda x: True)
    assert x.is_contiguous()
    assert x.tolist() == [1.0, 2.0]


@both
@pytest.mark.parametrize(
    ("bad", "found"),
    [
        (lambda x: True, "torch.tensor(1.0, dtype=torch.float64)"),
        (lambda x: (array(x) < 0).any(), "torch.tensor(-1.0, dtype=torch.float64)"),
        (lambda x: "float32" in str(x.dtype), "torch.tensor(1.0)"),
        (lambda x: len(np.unique(array(x))) > 2, "torch.tensor([1.0, 2.0, 0.0], dtype=torch.float64)"),
        (
            lambda x: x.dim() == 2 and x.shape[0] < x.shape[1] and x.sum() > 0,
            "torch.tensor([[1.0, 1.0]], dtype=torch.float64)",
        ),
        (
            lambda x: not x.is_contiguous() and x.dim() == 1,
            "torch.tensor([99.0, 1.0, 99.0, 1.0], dtype=torch.float64)[1::2]",
        ),
        (lambda x: 0 in x.stride() and x.numel() > 1, "torch.tensor([1.0], dtype=torch.float64).expand(2)"),
    ],
)
def test_tensors_shrink(library, bad, found):
    assert as_code(smallest(s.tensors(library=library), bad)) == found


def test_importing_minigrad_or_the_code_imports_neither_hypothesis_nor_torch():
    text = "import sys, minigrad, minigrad.testing.code; print({'hypothesis', 'torch'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", text], capture_output=True, text=True).stdout == "set()\n"


def test_without_hypothesis_the_text_says_what_to_install():
    text = "import sys; sys.modules['hypothesis'] = None; import minigrad.testing.strategies"
    run = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True)
    assert run.stderr.endswith('ImportError: strategies need hypothesis: in the checkout, pip install ".[testing]"\n')
