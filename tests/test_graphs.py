"""Graphs of every shape and length: what a pass through one costs, and what is left of it afterwards."""

import gc
import time
import weakref

import numpy as np
import pytest
from hypothesis import given, strategies as st

import minigrad
from minigrad import autograd

# Whose memory a gradient lies in


def test_gradients_share_memory_with_nothing():
    a, b, c = (minigrad.ones(3, requires_grad=True) for _ in range(3))
    weights = minigrad.ones(3)
    (a + b).backward(weights)
    c.view(3).backward(weights)
    arrays = [a.grad.numpy(), b.grad.numpy(), c.grad.numpy(), weights.numpy()]
    for i, first in enumerate(arrays):
        assert not any(np.shares_memory(first, other) for other in arrays[i + 1 :])
    found = autograd.grad(a + b, [a, b, a], weights)
    arrays = [g.numpy() for g in found] + [weights.numpy()]
    for i, first in enumerate(arrays):
        assert not any(np.shares_memory(first, other) for other in arrays[i + 1 :])


def test_a_large_gradient_is_not_copied():
    # The buffer that the pass computed becomes `.grad` itself.
    x = minigrad.ones(1000, requires_grad=True)
    kept = []
    rule = type((x * 2.0).grad_fn).pull

    def watched(node, g, edges, saved):
        gradients = rule(node, g, edges, saved)
        kept.append(gradients[0].__array_interface__["data"][0])
        return gradients

    y = x * 2.0
    node = y.grad_fn
    kind = type("Watched", (type(node),), {"__slots__": (), "pull": watched, "flow": minigrad.engine.Node.flow})
    node.__class__ = kind
    y.backward(minigrad.ones(1000))
    assert x.grad.data_ptr() == kept[0]


def test_nothing_is_changed_if_a_pass_raises():
    a, b = minigrad.ones(3, requires_grad=True), minigrad.ones(3, requires_grad=True)
    a.grad = minigrad.zeros(3)
    square = b * b
    loss = (a * 2).sum() + square.sum()
    square.register_hook(lambda g: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        loss.backward()
    assert a.grad.tolist() == [0.0] * 3
    assert b.grad is None


# Graphs of every shape


@given(st.lists(st.tuples(st.integers(0, 100), st.integers(0, 100), st.sampled_from("+*-")), min_size=1, max_size=30))
def test_two_passes_through_any_graph_give_exactly_twice(steps):
    values = [minigrad.tensor(0.5 + i, dtype=minigrad.float64, requires_grad=True) for i in range(3)]
    leaves = list(values)
    for first, second, sign in steps:
        a, b = values[first % len(values)], values[second % len(values)]
        # Scaled down, so that nothing overflows.
        values.append((a + b if sign == "+" else a - b if sign == "-" else a * b) * 0.125)
    values[-1].backward(retain_graph=True)
    once = [None if leaf.grad is None else leaf.grad.item() for leaf in leaves]
    values[-1].backward()
    assert [None if leaf.grad is None else leaf.grad.item() for leaf in leaves] == [
        None if g is None else 2 * g for g in once
    ]


def test_a_diamond_of_diamonds_takes_linear_time():
    x = minigrad.tensor(1.0, requires_grad=True)
    visits = []
    y = x
    for _ in range(60):  # 2**60 paths
        y = y + y
        y.register_hook(lambda g: visits.append(1))
    y.backward()
    assert len(visits) == 60
    assert x.grad.item() == 2.0**60


def test_a_chain_of_a_million_operations():
    x = minigrad.tensor(1.0, requires_grad=True)
    y = x
    for _ in range(1_000_000):
        y = y + 1.0
    y.backward()
    assert x.grad.item() == 1.0
    assert autograd.grad(y, x)[0].item() == 1.0
    del y  # neither does letting it go recurse


def test_a_long_chain_is_recorded_again_and_differentiated_again():
    x = minigrad.tensor(1.0, dtype=minigrad.float64, requires_grad=True)
    y = x
    for _ in range(3000):
        y = y * x
    (g,) = autograd.grad(y, x, create_graph=True)
    (h,) = autograd.grad(g, x)
    assert g.item() == 3001
    assert h.item() == 3001 * 3000


def test_time_per_operation_does_not_grow():
    def seconds(n):
        x = minigrad.tensor(1.0, requires_grad=True)
        y = x
        for _ in range(n):
            y = y * 1.0
        start = time.process_time()
        y.backward()
        return (time.process_time() - start) / n

    seconds(1000)
    short = min(seconds(2_000) for _ in range(5))
    long = min(seconds(50_000) for _ in range(3))
    assert long < 5 * short  # a quadratic walk would take 25 times as long


# Nothing is left behind


@pytest.fixture
def nothing_left():
    """Fails if more nodes are alive after the test than before it, with the collector switched off."""

    def count():
        return sum(issubclass(type(found), minigrad.engine.Node) for found in gc.get_objects())

    gc.collect()
    gc.disable()
    before = count()
    yield
    after = count()
    gc.enable()
    assert after == before


@pytest.mark.parametrize("kind", ["dropped", "passed", "retained", "grad", "hooks", "several", "error"])
def test_a_dropped_graph_is_freed_without_the_collector(nothing_left, kind):
    x = minigrad.ones(3, requires_grad=True)
    y = (x * x).exp()
    loss = y.sum()
    if kind == "hooks":
        y.retain_grad()
        y.register_hook(lambda g: g * 2)
        y.grad_fn.register_hook(lambda inputs, outputs: None)
        y.grad_fn.metadata["note"] = 1
    if kind == "several":
        autograd.graph.register_multi_grad_hook((x, y, loss), lambda gradients: None)
        autograd.graph.get_gradient_edge(y)
    if kind == "error":
        loss.register_hook(lambda g: "no tensor")
        with pytest.raises(TypeError):
            loss.backward()
    elif kind == "grad":
        autograd.grad(loss, x)
    elif kind != "dropped":
        loss.backward(retain_graph=kind == "retained")


def test_a_recorded_pass_is_freed_without_the_collector(nothing_left):
    x = minigrad.ones(3, requires_grad=True)
    (g,) = autograd.grad((x * x).exp().sum(), x, create_graph=True)
    autograd.grad(g.sum(), x)


def test_a_module_with_hooks_is_freed_without_the_collector(nothing_left):
    net = minigrad.nn.Linear(2, 2)
    net.register_full_backward_pre_hook(lambda module, gradients: None)
    net.register_full_backward_hook(lambda module, inputs, outputs: None)
    net(minigrad.ones(1, 2, requires_grad=True)).sum().backward()


def test_saved_values_go_free_as_they_are_used():
    x = minigrad.ones(1000, requires_grad=True)
    y = (x * 2).exp()
    array = weakref.ref(y._array)
    loss = (y * y).sum()
    del y
    assert array() is not None
    loss.backward()
    assert array() is None
