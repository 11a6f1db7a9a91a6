"""`minigrad.compile` of functions that change their inputs in place: values, versions, lines and errors are the same."""

import inspect
import threading

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import minigrad
from linreg.model import sgd
from minigrad import show

torch = minigrad


def leaves(*shapes, seed=0):
    """Parameters with gradients."""
    torch.manual_seed(seed)
    found = [torch.randn(shape, requires_grad=True) for shape in shapes]
    for t in found:
        t.grad = torch.randn(t.shape)
    return found


def state(*tensors):
    """What a change may change: values, versions, gradients and theirs."""
    every = [t for t in tensors for t in (t, t.grad) if t is not None]
    return [(t.tolist(), t._version, t.requires_grad) for t in every]


def momentum(params, velocities, lr, damping):
    with torch.no_grad():
        for param, velocity in zip(params, velocities, strict=True):
            velocity *= damping
            velocity += param.grad
            param -= lr * velocity
            param.grad.zero_()


def adam(params, means, squares, lr, step):
    with torch.no_grad():
        for p, m, s in zip(params, means, squares, strict=True):
            m.mul_(0.9).add_(p.grad, alpha=0.1)
            s.mul_(0.999).add_(p.grad * p.grad * 0.001)
            p.sub_(lr / (1 - 0.9**step) * m / ((s / (1 - 0.999**step)).sqrt() + 1e-8))


def decay(params, lr, weight):
    with torch.no_grad():
        for p in params:
            g = p.grad + weight * p
            p.add_(g, alpha=-lr)


def twice(params, factor):
    with torch.no_grad():
        for p in params:
            p *= factor
            p += p * p
            p /= 2.0


def zeros(params):
    return [torch.zeros(p.shape) for p in params]


STEPS = {
    "sgd": lambda params: (sgd, (params, 0.03, 10)),
    "momentum": lambda params: (momentum, (params, zeros(params), 0.1, 0.9)),
    "adam": lambda params: (adam, (params, zeros(params), zeros(params), 0.01, 1)),
    "decay": lambda params: (decay, (params, 0.1, 0.01)),
    "twice": lambda params: (twice, (params, 0.5)),
}
SHAPES = st.lists(st.sampled_from([(), (1,), (1, 1), (3,), (2, 3), (0, 2)]), min_size=1, max_size=3)


@pytest.mark.parametrize("name", STEPS)
@given(SHAPES)
@settings(max_examples=15)
def test_steps_change_the_same_bit_for_bit(name, shapes):
    ends = []
    for compiled in (False, True):
        params = leaves(*shapes)
        step, args = STEPS[name](params)
        if compiled:
            step = minigrad.compile(step, fullgraph=True)
        for i in range(3):
            assert step(*args) is None
            for p in params:
                p.grad += i
        ends.append(state(*[t for a in args if isinstance(a, list) for t in a]))
    assert ends[0] == ends[1]
    assert len(step.programs) == 1


def test_the_program_of_an_optimizer():
    step = minigrad.compile(sgd, fullgraph=True)
    step(leaves((2, 1)), 0.03, 10)
    lines = [line.strip() for line in step.programs[0].text.splitlines()]
    assert "params_0 -= params_0_grad * _c0 / _c1" in lines
    assert "params_0_grad.fill(0)" in lines


def test_saved_values_are_guarded_and_the_line_of_the_call_is_quoted():
    step = minigrad.compile(sgd, fullgraph=True)
    (w,) = leaves((3,))
    step([w], 0.1, 1)
    loss = (w * w).sum()
    line = inspect.currentframe().f_lineno + 1
    step([w], 0.1, 1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation") as error:
        loss.backward()
    assert f"line {line}" in str(error.value)


def test_the_same_tensor_twice_and_shared_memory():
    for alias in (lambda t: t, lambda t: t.detach().requires_grad_()):
        ends = []
        for f in (sgd, minigrad.compile(sgd)):
            for _ in range(2):
                params = leaves((2,), (2,))
                f(params, 0.5, 2)
            (w,) = leaves((2,))
            other = alias(w)
            other.grad = w.grad
            f([w, other], 0.5, 2)
            ends.append(state(w, other))
        assert ends[0] == ends[1]


def test_what_lies_in_one_memory_and_may_not_be_changed_by_each_other():
    def add(a, b):
        a += b

    compiled = minigrad.compile(add, fullgraph=True)
    base = torch.ones(4)
    for _ in range(2):
        compiled(torch.zeros(3), torch.ones(3))
    with pytest.raises(RuntimeError, match="memory"):
        compiled(base[1:], base[:3])
    with pytest.raises(RuntimeError, match="memory"):
        minigrad.compile(add)(base[1:], base[:3])
    assert base.tolist() == [1, 1, 1, 1]


def test_a_gradient_that_is_gone_or_another():
    (w,) = leaves((2,))
    step = minigrad.compile(sgd)
    step([w], 1.0, 1)
    w.grad = torch.ones(2)
    before = w.tolist()
    step([w], 1.0, 1)
    assert w.tolist() == (np.float32(before) - 1).tolist()
    w.grad = None
    with pytest.raises(TypeError):
        step([w], 1.0, 1)


def skips(params):
    with torch.no_grad():
        for p in params:
            if p.grad is not None:
                p -= p.grad


def test_a_gradient_that_is_not_there_yet():
    step = minigrad.compile(skips)
    w = torch.ones(2, requires_grad=True)
    step([w])
    assert step.programs == []
    w.grad = torch.ones(2)
    step([w])
    assert w.tolist() == [0, 0]


def uses_what_it_computed_before(a, b):
    old = a * 1
    a += 1
    b += old


def uses_a_view_from_before(a, b):
    first = a[0]
    a += 1
    b += first


def returns_what_it_changed(a, b):
    a += b
    return a


def changes_and_records(a, b):
    (a * 1).add_(b)


def loses_a_gradient(a, b):
    with torch.no_grad():
        a += b


def asks_for_a_value(a, b):
    a += b
    if a.sum() > 100:
        b += 1


REFUSED = [uses_what_it_computed_before, uses_a_view_from_before, returns_what_it_changed, changes_and_records]
REFUSED += [loses_a_gradient, asks_for_a_value]


@pytest.mark.parametrize("f", REFUSED)
def test_what_is_refused_runs_as_it_is(f):
    ends = []
    for g in (f, minigrad.compile(f)):
        a, b = torch.ones(3), torch.full((3,), 2.0)
        b.requires_grad_(f in (changes_and_records, loses_a_gradient))
        for _ in range(3):
            g(a, b)
        ends.append((state(a, b), str(a)))
    assert ends[0] == ends[1]
    assert g.programs == []
    with pytest.raises(NotImplementedError, match="cannot be compiled"):
        minigrad.compile(f, fullgraph=True)(a, b)


def test_changes_are_not_made_twice_where_one_fails():
    def f(a, b):
        a += 1
        b *= b

    compiled = minigrad.compile(f, fullgraph=True)
    compiled(torch.ones(2), torch.ones(2))
    a, b = torch.ones(2), torch.full((2,), 3e38)
    with np.errstate(all="raise"), pytest.raises(FloatingPointError):
        compiled(a, b)
    assert a.tolist() == [2, 2]


SCALE = 2.0


def scaled(a):
    a *= SCALE


def test_errors_of_what_it_takes_for_granted_are_the_functions_own(monkeypatch):
    compiled = minigrad.compile(scaled, fullgraph=True)
    a = torch.ones(2)
    compiled(a)
    monkeypatch.setattr(f"{__name__}.SCALE", 3.0)
    compiled(a)
    assert a.tolist() == [6, 6]
    monkeypatch.delattr(f"{__name__}.SCALE")
    with pytest.raises(NameError, match="SCALE"):
        compiled(a)
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        compiled()


def test_a_leaf_that_may_not_be_changed():
    compiled = minigrad.compile(scaled)
    compiled(torch.ones(2))
    compiled(torch.ones(2))
    with pytest.raises(RuntimeError, match="leaf Variable"):
        compiled(torch.ones(2, requires_grad=True))
    a = torch.ones(2, requires_grad=True)
    b = a * 1
    compiled(b)
    b.sum().backward()
    assert a.grad.tolist() == [2, 2]


def test_views_reach_their_base():
    compiled = minigrad.compile(scaled, fullgraph=True)
    base = torch.ones(2, 2)
    for _ in range(2):
        compiled(base[0])
    assert base.tolist() == [[4, 4], [1, 1]]
    assert base._version == 2


def test_another_thread_changes_tensors_meanwhile():
    stop, other, errors = threading.Event(), torch.zeros(3), []

    def run():
        count = 0
        while not stop.is_set():
            other.add_(1)
            with torch.no_grad():
                other.sub_(0.0)
            count += 2
            if other._version != count:
                errors.append(other._version)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        for _ in range(20):
            step = minigrad.compile(sgd, fullgraph=True)
            step(leaves((2, 1), (1,)), 0.03, 10)
    finally:
        stop.set()
        thread.join()
    assert not errors


def test_a_program_that_is_to_be_read_changes_nothing():
    (w,) = leaves((2,))
    with pytest.raises(NotImplementedError, match="in place"):
        show.source(lambda x: x.add_(1), torch.ones(2))
    with pytest.raises(NotImplementedError, match="grad"):
        minigrad.compile(lambda x: x * x.grad, fullgraph=True)(w)


def test_gradients_that_were_not_recorded_may_be_added():
    def momentum_of(params, moments, gradients):
        with torch.no_grad():
            for p, m, g in zip(params, moments, gradients, strict=True):
                m += g * 0.5
                p -= m

    ends = []
    for step in (momentum_of, minigrad.compile(momentum_of, fullgraph=True)):
        params = leaves((2,), (3,))
        moments = zeros(params)
        for _ in range(2):
            step(params, moments, torch.autograd.grad(sum((p**2).sum() for p in params), params))
        ends.append(state(*params, *moments))
    assert ends[0] == ends[1]
