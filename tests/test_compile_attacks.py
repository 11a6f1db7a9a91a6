"""What might make a compiled function differ from the function: aliases, modes, names, effects, what changes outside."""

from _thread import allocate_lock, start_new_thread
from functools import partial
from operator import call
from threading import Thread

import pytest

import minigrad
from minigrad.autograd import grad

FACTOR = 2.0
LEAF = minigrad.tensor([1.0, 2.0], requires_grad=True)


def leaf(*values):
    return minigrad.tensor(values, requires_grad=True)


class Model:
    factor = 2.0

    def forward(self, x):
        return x * self.factor

    __call__ = forward


@pytest.mark.parametrize(
    "f", [lambda x: x.clone(), lambda x: x * 1, lambda x: x / 1, lambda x: x.reshape(-1), lambda x: (x * 2) / 2]
)
def test_a_result_shares_no_memory_with_an_input(f):
    compiled = minigrad.compile(f)
    compiled(minigrad.ones(2, 3).t())
    x = minigrad.ones(3, 2)
    plain = f(x).data_ptr() == x.data_ptr()
    assert (compiled(x).data_ptr() == x.data_ptr()) == plain


def test_what_is_saved_as_a_view_of_an_input_is_guarded():
    compiled = minigrad.compile(lambda x, w: (x[1:] * w).sum(), fullgraph=True)
    x, w = leaf(1.0, 2.0, 3.0), leaf(1.0, 1.0)
    compiled(x, w)
    result = compiled(x, w)
    with minigrad.no_grad():
        x.mul_(10)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        result.backward()


@pytest.mark.parametrize("f", [lambda x: x.exp(), lambda x: x.exp().reshape(1, 2)])
def test_a_saved_result_is_guarded(f):
    compiled = minigrad.compile(f, fullgraph=True)
    compiled(leaf(1.0, 2.0))
    result = compiled(leaf(1.0, 2.0))
    result.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        result.sum().backward()


def without_a_gradient(x):
    with minigrad.no_grad():
        return x * 2


@pytest.mark.parametrize("f", [lambda x: x.detach() * 2, lambda x: x > 1, lambda x: (x > 1) * 2, without_a_gradient])
def test_a_result_without_a_gradient(f):
    compiled = minigrad.compile(f, fullgraph=True)
    for _ in range(2):
        result = compiled(leaf(1.0, 2.0))
        assert (result.requires_grad, result.is_leaf) == (False, True)


def test_a_leaf_that_is_made_in_it():
    compiled = minigrad.compile(lambda x: x * minigrad.tensor(2.0, requires_grad=True))
    assert [compiled(minigrad.ones(1)).requires_grad for _ in range(2)] == [True, True]


def test_gradients_of_gradients_do_not_take_what_has_changed(monkeypatch):
    compiled = minigrad.compile(lambda x: (x * x * FACTOR).sum(), fullgraph=True)
    x = leaf(1.0, 2.0)
    compiled(x)
    results = [compiled(x) for _ in range(2)]
    assert grad(results[0], [x], create_graph=True)[0].tolist() == [4, 8]
    monkeypatch.setitem(globals(), "FACTOR", 3.0)
    with pytest.raises(RuntimeError, match="has changed since"):
        grad(results[1], [x], create_graph=True)


def test_hooks_on_tensors_from_outside_run_once():
    compiled = minigrad.compile(lambda x: (x * LEAF * LEAF).sum(), fullgraph=True)
    x = leaf(1.0, 1.0)
    compiled(x)
    with LEAF.register_hook(lambda g: g * 10):
        assert grad(compiled(x), [LEAF], create_graph=True)[0].tolist() == [20, 40]


def test_hooks_on_inputs():
    compiled = minigrad.compile(lambda h: (h * h).sum())
    for _ in range(2):
        x = leaf(1.0, 2.0)
        h = x * 1
        h.retain_grad()
        h.register_hook(lambda g: g * 10)
        compiled(h).backward()
        assert (x.grad.tolist(), h.grad.tolist()) == ([20, 40], [20, 40])
    assert len(compiled.programs) == 1


def test_hooks_on_results():
    x, compiled = leaf(1.0, 2.0), minigrad.compile(lambda x: (x * x).sum(), fullgraph=True)
    for _ in range(2):
        x.grad = None
        result = compiled(x)
        result.register_hook(lambda g: g * 10)
        result.backward()
        assert x.grad.tolist() == [20, 40]


def test_objects_and_classes_that_change(monkeypatch):
    model, x = Model(), leaf(1.0)
    compiled = [minigrad.compile(f) for f in (model, model.forward, lambda x: x * Model.factor)]
    for f in compiled:
        assert [f(x).item() for _ in range(2)] == [2, 2]
    monkeypatch.setattr(Model, "factor", 3.0)
    assert [f(x).item() for f in compiled] == [3, 3, 3]


def test_defaults_and_partials_that_change():
    settings = {"factor": 2.0}

    def helper(x, settings=settings):
        return x * settings["factor"]

    scaled = partial(lambda x, factor: x * factor, factor=2.0)
    compiled = [minigrad.compile(f) for f in (lambda x: helper(x), lambda x: scaled(x), scaled)]
    x = leaf(1.0)
    for f in compiled:
        assert [f(x).item() for _ in range(2)] == [2, 2]
    settings["factor"] = scaled.keywords["factor"] = 3.0
    assert [f(x).item() for f in compiled] == [3, 3, 3]


def backward_in_it(x):
    (x * 2).sum().backward()
    return x * 3


def hook_in_it(x):
    h = x * 2
    h.register_hook(lambda g: g)
    return h * 2


ASKS = {
    "backward": backward_in_it,
    "hook": hook_in_it,
    "grad": lambda x: x * 2 if x.grad is None else x,
    "leaf": lambda x: x * 2 if x.is_leaf else x,
    "version": lambda x: x * x._version,
    "squeeze_": lambda x: (x * 2).unsqueeze_(0),
    "seed": lambda x: (minigrad.manual_seed(0), x * 2)[1],
    "equal": lambda x: x * minigrad.allclose(x, x),
    "getattr": lambda x: x * getattr(x, "factor", 2.0),
    "requires_grad_": lambda x: x.clone().requires_grad_() * 2,
}


@pytest.mark.parametrize("name", ASKS)
def test_what_asks_for_more_than_values_is_refused(name):
    compiled = minigrad.compile(ASKS[name])
    compiled(leaf(1.0))
    assert compiled.programs == []


def test_attributes_of_tensors():
    compiled = minigrad.compile(lambda x: x * x.factor)
    for factor in (2.0, 3.0):
        x = leaf(1.0)
        x.factor = factor
        assert compiled(x).item() == factor


@pytest.mark.parametrize("f", [lambda x: x.contiguous().view(-1) * 2, lambda x: x * x.stride(0)])
def test_what_depends_on_the_layout(f):
    compiled = minigrad.compile(f)
    for x in (minigrad.ones(2, 3), minigrad.ones(2, 3), minigrad.ones(3, 2).t()):
        assert compiled(x).tolist() == f(x).tolist()


def test_a_compiled_function_within_a_compiled_function(monkeypatch):
    inner = minigrad.compile(lambda x: x * FACTOR)
    outer = minigrad.compile(lambda x: inner(x) + 1, fullgraph=True)
    x = leaf(1.0)
    assert [outer(x).item() for _ in range(2)] == [3, 3]
    monkeypatch.setitem(globals(), "FACTOR", 5.0)
    assert outer(x).item() == 6


@pytest.mark.parametrize(
    "text",
    [
        "x, y: x.exp() * y",
        "len, k: len * k[0]",
        "xs, xs_0: xs[0] * xs_0",
        "x, _k0: x * _k0",
        "copy_array, y: copy_array.expand(2, 2).clone() * y",
        "x, str: x * 0.0 * str",
    ],
)
def test_names_that_the_program_uses_itself(text):
    f = eval(f"lambda {text}")
    compiled = minigrad.compile(f)
    one, two = leaf(1.0, 2.0), leaf(3.0, 4.0)
    arguments = {"k": (one, [two]), "xs": ([one], two)}.get(text.split(":")[0].split(", ")[-1][:2], (one, two))
    for _ in range(2):
        assert compiled(*arguments).tolist() == f(*arguments).tolist()


def test_variables_that_the_program_uses_itself():
    def f(x, w):
        _tensors = x * w
        _c0 = _tensors * _tensors * 3.7
        return (_c0 * _tensors).sum()

    compiled = minigrad.compile(f, fullgraph=True)
    gradients = []
    for _ in range(2):
        x = leaf(1.0, 2.0)
        compiled(x, leaf(3.0, 4.0)).backward()
        gradients.append(x.grad.tolist())
    assert gradients[0] == gradients[1]


def test_errors_of_arguments_are_the_functions_own():
    def f(x, /, k=2.0):
        return x * k

    compiled = minigrad.compile(f)
    compiled(leaf(1.0))
    for arguments, options in (((), {"x": leaf(1.0)}), ((1, 2, 3), {})):
        with pytest.raises(TypeError) as of_f:
            f(*arguments, **options)
        with pytest.raises(TypeError) as of_compiled:
            compiled(*arguments, **options)
        assert str(of_compiled.value) == str(of_f.value)


def test_a_second_pass_where_nothing_is_freed():
    compiled = minigrad.compile(lambda x: (x + 1).sum(), fullgraph=True)
    x = leaf(1.0)
    compiled(x)
    result = compiled(x)
    result.backward()
    result.backward()
    assert x.grad.tolist() == [2]


def test_numbers_too_large_to_be_joined():
    compiled = minigrad.compile(lambda x: (x * 3e38) * 2, fullgraph=True)
    x = minigrad.tensor([1e-30])
    assert [compiled(x).item() for _ in range(2)] == [(x * 3e38 * 2).item()] * 2


def test_threads():
    done = []

    def work(k):
        for n in range(5):
            compiled = minigrad.compile(lambda x: (x * k + n).exp().sum(), fullgraph=True)
            x = leaf(0.1, 0.2)
            for _ in range(3):
                minigrad.rand(3)[minigrad.tensor([0, 1])].sum()
                assert compiled(x).item() == (x * k + n).exp().sum().item()
        done.append(k)

    threads = [Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == [0, 1, 2, 3]


def gradients_of(f, x):
    return grad(f(x), [x], minigrad.tensor([0.7, -1.3, 2.1]))[0].tolist()


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x.cumsum(0) * 1.7,  # whose gradient is a running sum from the other end
        lambda x: (x * x.exp()).neg() * 0.3 / 2 * x,  # of numbers that are no powers of two, moved past what rounds
        lambda x: (-(x**3) * 0.5 * 3) / x,
    ],
)
def test_what_is_written_is_not_taken_for_something_alike(f):
    x = leaf(1.1, -0.7, 0.3)
    compiled = minigrad.compile(f, fullgraph=True)
    compiled(x)
    assert compiled(x).tolist() == f(x).tolist()
    assert gradients_of(compiled, x) == gradients_of(f, x)


@pytest.mark.parametrize("f", [lambda x: x.t().contiguous().sum(1), lambda x: x.t().softmax(0).sum()])
def test_sums_over_other_layouts_round_the_same(f):
    minigrad.manual_seed(0)
    compiled = minigrad.compile(f, fullgraph=True)
    for x in (minigrad.randn(100, 301), minigrad.randn(301, 100).t(), minigrad.randn(100, 301)):
        assert compiled(x).tolist() == f(x).tolist()
        assert compiled(x).tolist() == f(x).tolist()


def test_an_expansion_that_expands_nothing_makes_no_negative_zero():
    compiled = minigrad.compile(lambda x: (x.expand(1) * -0.0).sum(), fullgraph=True)
    for _ in range(2):
        x = leaf(1.0)
        compiled(x).backward()
        assert str(x.grad.item()) == "0.0"


def test_gradients_of_gradients_lead_to_every_input():
    def f(x, w):
        return (x * x * w.exp()).sum()

    compiled = minigrad.compile(f, fullgraph=True)
    found = []
    for h in (f, compiled, compiled):
        x, w = leaf(1.0, 2.0), leaf(0.3, 0.4)
        (first,) = grad(h(x, w), [x], create_graph=True)
        (second,) = grad((first * x).sum(), [w], create_graph=True)
        (first.sum() + second.sum() + w.sum()).backward()
        found.append((first.tolist(), second.tolist(), pytest.approx(x.grad.tolist()), pytest.approx(w.grad.tolist())))
    assert found[0][:2] == found[1][:2] == found[2][:2]
    assert [x.grad.tolist(), w.grad.tolist()] == [*found[0][2:]]


def test_masks_pick_another_number_of_elements():
    compiled = minigrad.compile(lambda x, mask: x[mask].mean())
    x = leaf(1.0, 2.0, 3.0)
    assert compiled(x, minigrad.tensor([True, True, False])).item() == 1.5
    assert compiled(x, minigrad.tensor([True, False, False])).item() == 1
    assert compiled(x, minigrad.tensor([True, True, True])).item() == 2


@pytest.mark.parametrize("f", [lambda x, i: x[i] * 2, lambda x, i: x.gather(0, i), lambda x, i: x.index_select(0, i)])
@pytest.mark.parametrize("index", [-1, 7])
def test_indices_out_of_bounds(f, index):
    compiled = minigrad.compile(f)
    ends = []
    for h in (f, compiled, compiled):
        compiled(leaf(1.0, 2.0), minigrad.tensor([0, 1]))
        try:
            ends.append(h(leaf(1.0, 2.0), minigrad.tensor([0, index])).tolist())
        except (IndexError, RuntimeError) as error:
            ends.append((type(error), str(error)))
    assert ends[0] == ends[1] == ends[2]


def test_a_view_made_under_no_grad_is_no_leaf():
    whole = leaf(1.0, 1.0, 1.0)
    with minigrad.no_grad():
        view = whole[:2]
    for first in (view, leaf(1.0, 1.0), minigrad.ones(2)):
        compiled = minigrad.compile(lambda a, b: (a * a * b).sum())
        compiled(first, leaf(1.0, 1.0))
        a = leaf(2.0, 3.0)
        compiled(a, a).backward()
        assert a.grad.tolist() == [12, 27]
        assert compiled(view, view).requires_grad
        b = leaf(1.0, 1.0)
        compiled(view, b).backward()
        assert b.grad.tolist() == [1, 1]
        assert grad(compiled(view, view), view, allow_unused=True) == (None,)
    asks = minigrad.compile(lambda a: a * 2 if a.requires_grad else a * 3)
    with minigrad.no_grad():
        for _ in range(2):
            assert [asks(t).tolist() for t in (minigrad.ones(2), view, leaf(1.0, 1.0))] == [[3, 3], [2, 2], [2, 2]]


def test_a_thread_that_runs_nothing_else():
    """A call, a pass and a step without any frame of Python's above them: there is no line of the user's to find."""

    def step(w):
        with minigrad.no_grad():
            w -= w.grad
            w.grad.zero_()

    loss, step = minigrad.compile(lambda x: (x * x).sum(), fullgraph=True), minigrad.compile(step, fullgraph=True)
    w = leaf(1.0, 2.0)
    loss(w).backward()
    step(w)
    made, done = [], allocate_lock()
    done.acquire()
    start_new_thread(made.extend, (map(call, [partial(loss, w), loss(w).backward, partial(step, w), done.release]),))
    assert done.acquire(timeout=10)
    assert made[0].grad_fn.name() == "CompiledBackward"
    assert w.tolist() == [1, 2]


def test_what_a_list_holds_and_an_argument_of_that_name():
    compiled = minigrad.compile(lambda xs, xs_0: xs[1] * xs[0] * xs_0)
    for factor in (2.0, 3.0, 2.0):
        assert compiled([2.0, minigrad.ones(1)], factor).tolist() == [2 * factor]
    assert "xs_0 means something else" in compiled.reasons[0]
