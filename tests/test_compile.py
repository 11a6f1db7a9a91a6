"""`minigrad.compile`: the same numbers, gradients, errors and effects as the function itself, whatever changes."""

import gc
import random
import weakref

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import minigrad
from linreg.model import linreg, sgd, squared_loss
from minigrad.testing import check_gradients, check_second_gradients, tensors

SCALE = 2.0
WEIGHT = minigrad.tensor([1.0, 2.0, 3.0], requires_grad=True)
SETTINGS = {"scale": 2.0}


def loss(X, w, b, y):
    return squared_loss(linreg(X, w, b), y).sum()


def document_inputs(rows=10, columns=2, dtype=None):
    minigrad.manual_seed(0)
    X, y = minigrad.randn(rows, columns, dtype=dtype), minigrad.randn(rows, 1, dtype=dtype)
    w = minigrad.randn(columns, 1, dtype=dtype, requires_grad=True)
    return X, w, minigrad.zeros(1, dtype=dtype, requires_grad=True), y


def leaf(*values):
    return minigrad.tensor(values, requires_grad=True)


def gradients(f, *inputs):
    """The value, and the gradients of the inputs that require grad."""
    twins = [t.detach().clone().requires_grad_(t.requires_grad) for t in inputs]
    value = f(*twins)
    value.backward(minigrad.ones_like(value))
    return [value.tolist(), *[t.grad.tolist() for t in twins if t.grad is not None]]


def test_training_is_the_same_bit_for_bit():
    compiled = minigrad.compile(loss, fullgraph=True)
    ends = []
    for f in (loss, compiled):
        X, w, b, y = document_inputs()
        for _ in range(20):
            f(X, w, b, y).backward()
            sgd([w, b], 0.03, 10)
        ends.append((w.tolist(), b.tolist()))
    assert ends[0] == ends[1]
    assert len(compiled.programs) == 1


def test_one_node_instead_of_many():
    X, w, b, y = document_inputs()
    compiled = minigrad.compile(loss)
    compiled(X, w, b, y)
    node = compiled(X, w, b, y).grad_fn
    assert node.name() == "CompiledBackward"
    assert all(leaf.variable is t for (leaf, _), t in zip(node.next_functions, (w, b), strict=True))
    assert [next_node.name() for next_node, _ in node.next_functions] == ["torch::autograd::AccumulateGrad"] * 2


def elementwise(a, b):
    return (a * b).tanh() + (a - b).exp() / (1 + a.abs())


def reducing(a, b):
    return (a * b).mean() + a.softmax(-1).max() - b.var()


def shaping(a, b):
    return minigrad.cat([a.reshape(-1), (b * a).t().reshape(-1)])[1:].sum() * b[0, 0]


@pytest.mark.parametrize("f", [elementwise, reducing, shaping])
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_values_and_gradients_are_those_of_the_function(f, data):
    inputs = [data.draw(tensors((2, 3), requires_grad=True)) for _ in range(2)]
    compiled = minigrad.compile(f, fullgraph=True)
    for _ in range(2):
        assert repr(gradients(compiled, *inputs)) == repr(gradients(f, *inputs))
    assert len(compiled.programs) == 1


@pytest.mark.parametrize("f", [elementwise, reducing, shaping])
def test_first_and_second_gradients_agree_with_differences(f):
    minigrad.manual_seed(0)
    inputs = [minigrad.randn(2, 3, dtype=minigrad.float64) for _ in range(2)]
    compiled = minigrad.compile(f, fullgraph=True)
    for t in inputs:
        t.requires_grad_()
    compiled(*inputs)
    check_gradients(compiled, *inputs)
    check_second_gradients(compiled, *inputs)


def test_another_shape_dtype_number_or_wish_for_a_gradient_is_another_program():
    compiled = minigrad.compile(lambda a, k: (a * k).sum(), fullgraph=True)
    calls = [
        (leaf(1.0, 2.0), 2.0),
        (leaf(1.0, 2.0, 3.0), 2.0),
        (leaf(1.0, 2.0).double().detach().requires_grad_(), 2.0),
        (leaf(1.0, 2.0), 3.0),
        (leaf(1.0, 2.0), 2),
        (leaf(1.0, 2.0).detach(), 2.0),
    ]
    for n, (a, k) in enumerate(calls, 1):
        for _ in range(2):
            result = compiled(a, k)
            assert result.item() == (a * k).sum().item()
            assert (result.dtype, result.requires_grad) == (a.dtype, a.requires_grad)
        assert len(compiled.programs) == n


@pytest.mark.parametrize("shapes", [((4, 1), (1,)), ((3,), (1, 1)), ((1, 1), (1,)), ((0, 3), (1,)), ((2, 3), (1, 1))])
def test_one_element_beside_many(shapes):
    def f(a, b):
        return (a - b) * b - b / (a + 4)

    a, b = minigrad.rand(shapes[0], requires_grad=True), minigrad.rand(shapes[1], requires_grad=True)
    compiled = minigrad.compile(f, fullgraph=True)
    for _ in range(2):
        assert compiled(a, b).shape == f(a, b).shape
        assert gradients(compiled, a, b) == gradients(f, a, b)


def test_dtypes_of_one_layout_are_told_apart():
    compiled = minigrad.compile(lambda a, b: a * b, fullgraph=True)
    for d in (minigrad.float32, minigrad.float64):  # without dimensions there are no strides that differ
        a = minigrad.tensor(0.1, dtype=d, requires_grad=True)
        assert [compiled(a, a.detach()).dtype for _ in range(2)] == [d, d]
    for d in (minigrad.float32, minigrad.int32):  # of one width
        b = minigrad.tensor([3, 4], dtype=d)
        assert [compiled(leaf(0.1, 0.2), b).tolist() for _ in range(2)] == [(leaf(0.1, 0.2) * b).tolist()] * 2
    assert len(compiled.programs) == 4


def test_after_eight_programs_the_function_runs_as_it_is():
    compiled = minigrad.compile(lambda a, k: a * k)
    for k in range(12):
        assert compiled(leaf(2.0), k + 0.5).item() == 2 * (k + 0.5)
    assert len(compiled.programs) == 8


def test_variables_outside_are_read_again(monkeypatch):
    def f(x):
        return (x * SCALE * WEIGHT).sum()

    compiled = minigrad.compile(f, fullgraph=True)
    x = leaf(1.0, 1.0, 1.0)
    assert [compiled(x).item() for _ in range(2)] == [12, 12]
    monkeypatch.setitem(globals(), "SCALE", 3.0)
    assert [compiled(x).item() for _ in range(2)] == [18, 18]
    monkeypatch.setitem(globals(), "WEIGHT", leaf(0.0, 0.0, 1.0))
    assert [compiled(x).item() for _ in range(2)] == [3, 3]
    compiled(x).backward()
    assert WEIGHT.grad.tolist() == [3, 3, 3]


def test_closures_are_read_again():
    factor, w = 2.0, leaf(1.0, 2.0)

    def f(x):
        return (x * factor * w).sum()

    compiled = minigrad.compile(f, fullgraph=True)
    x = leaf(1.0, 1.0)
    assert [compiled(x).item() for _ in range(2)] == [6, 6]
    factor, w = 3.0, leaf(1.0, 1.0)
    assert [compiled(x).item() for _ in range(2)] == [6, 6]
    compiled(x).backward()
    assert w.grad.tolist() == [3, 3]


COUNT = 0


def counts(x):
    global COUNT
    COUNT += 1
    return x * COUNT


def random_factor(x):
    return x * random.random()


def mode(x):
    return x * 2 if minigrad.is_grad_enabled() else x * 3


def prints(x):
    print("called")
    return x * 2


def from_dictionary(x):
    return x * SETTINGS["scale"]


REFUSED = {
    "counts": (counts, "changes what is outside"),
    "random": (random_factor, "something else each time"),
    "mode": (mode, "mode"),
    "prints": (prints, "print"),
    "dictionary": (from_dictionary, "dict"),
    "random tensor": (lambda x: x * minigrad.rand(3), "random"),
    "value": (lambda x: x * x.sum().item(), "item"),
    "condition": (lambda x: x if (x > 0).all() else -x, "bool"),
    "in place": (lambda x: (x * 1).add_(1), "in place"),
    "view": (lambda x: x.reshape(3, 1), "view of an input"),
    "itself": (lambda x: x, "view of an input"),
    "array": (lambda x: x * minigrad.from_numpy(np.ones(3, np.float32)), "made in it"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_runs_as_it_is(name, capsys):
    f, reason = REFUSED[name]
    compiled = minigrad.compile(f)
    x = leaf(1.0, 2.0, 3.0)
    for _ in range(3):
        result = compiled(x)
        assert result.requires_grad
    assert compiled.programs == []
    assert reason in compiled.reasons[0]
    with pytest.raises(NotImplementedError, match="cannot be compiled"):
        minigrad.compile(f, fullgraph=True)(x)
    if name == "prints":
        assert capsys.readouterr().out.count("called") == 4


def test_effects_happen_once_per_call():
    log = []
    buffer = minigrad.zeros(3)

    def f(x):
        log.append(1)
        buffer.add_(1)
        return x * 2

    compiled = minigrad.compile(f)
    for _ in range(3):
        compiled(leaf(1.0, 2.0, 3.0))
    assert len(log) == 3
    assert buffer.tolist() == [3, 3, 3]


def test_a_list_that_is_changed():
    def f(x, found):
        found.append(1)
        return x * 2

    compiled, found = minigrad.compile(f), []
    for _ in range(3):
        compiled(leaf(1.0), found)
    assert found == [1, 1, 1]


def test_saved_values_are_guarded():
    compiled = minigrad.compile(lambda a, b: (a * b).sum(), fullgraph=True)
    a, b = leaf(1.0, 2.0), leaf(3.0, 4.0)
    compiled(a, b)
    result = compiled(a, b)
    with minigrad.no_grad():
        b += 1
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        result.backward()
    result = compiled(a, b)
    result.backward()
    with pytest.raises(RuntimeError, match="second time"):
        result.backward()


def test_inputs_with_a_history_of_their_own():
    compiled = minigrad.compile(lambda a, b: (a * b).sum(), fullgraph=True)
    x = leaf(1.0, 2.0)
    for _ in range(2):
        x.grad = None
        h = x * 3
        compiled(h[:2], h.exp()).backward()
        by_compiled, x.grad = x.grad, None
        h = x * 3
        (h[:2] * h.exp()).sum().backward()
        assert minigrad.allclose(by_compiled, x.grad)


def test_the_same_tensor_twice():
    compiled = minigrad.compile(lambda a, b: (a * b).sum())
    x = leaf(1.0, 2.0)
    compiled(leaf(1.0, 1.0), leaf(1.0, 1.0))
    compiled(x, x).backward()
    assert x.grad.tolist() == [2, 4]


def test_gradients_that_are_equal_are_not_one_memory():
    compiled = minigrad.compile(lambda a, b: (a + b).sum(), fullgraph=True)
    a, b = leaf(1.0, 2.0), leaf(1.0, 2.0)
    compiled(a, b)
    compiled(a, b).backward()
    a.grad.zero_()
    assert b.grad.tolist() == [1, 1]


def test_no_grad_and_what_asks_for_none():
    compiled = minigrad.compile(loss, fullgraph=True)
    X, w, b, y = document_inputs()
    compiled(X, w, b, y)
    with minigrad.no_grad():
        result = compiled(X, w, b, y)
    assert not result.requires_grad
    with pytest.raises(RuntimeError, match="no_grad"):
        result.backward()


def test_default_arguments_keywords_and_lists():
    @minigrad.compile(fullgraph=True)
    def f(xs, *, power=2, scale=1.0):
        return (xs[0] ** power * xs[1] * scale).sum()

    a, b = leaf(1.0, 2.0), leaf(3.0, 4.0)
    assert [f([a, b]).item() for _ in range(2)] == [19, 19]
    assert f([a, b], scale=2.0).item() == 38
    assert f([a, b], power=1).item() == 11
    assert f((a, b)).item() == 19


def test_errors_are_the_functions_own():
    compiled = minigrad.compile(loss)
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        compiled(*document_inputs()[:3])
    X, w, b, y = document_inputs()
    compiled(X, w, b, y)
    with pytest.raises(RuntimeError, match="cannot be multiplied"):
        compiled(X, minigrad.zeros(3, 1, requires_grad=True), b, y)


def test_disable_and_decorators():
    assert minigrad.compile(loss, disable=True) is loss
    assert minigrad.compile(loss).__name__ == "loss"


def test_nothing_is_kept_alive():
    compiled = minigrad.compile(loss)
    X, w, b, y = document_inputs()
    compiled(X, w, b, y)
    seen = weakref.ref(X)
    gc.disable()
    try:
        result = compiled(X, w, b, y)
        node = weakref.ref(result)
        del result, X
        assert node() is None
    finally:
        gc.enable()
    gc.collect()
    assert seen() is None
