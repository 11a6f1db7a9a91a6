"""What nodes have saved, under torch's names, and hooks for one of these values; `test_operations.py` goes on for all."""

import pytest

pytest.importorskip("torch")

from parity import assert_same, refused

import minigrad
from minigrad.autograd import graph
from minigrad.autograd.saved_values import slots_of
from minigrad.ops.table import TABLE

minigrad.ops.import_all()
PROGRAMS = []


def program(function):
    PROGRAMS.append(function)
    return function


def square(torch):
    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x, x * 3, None)
            return x * x

        @staticmethod
        def backward(ctx, g):
            x, triple, _ = ctx.saved_tensors
            return g * (x + triple / 3)

    return Square.apply


@program
def as_the_tutorial_has_it(torch):
    x = torch.tensor([0.5, 2.0, 3.0], requires_grad=True)
    y, z = x.pow(2), x.exp()
    saved, result = y.grad_fn._saved_self, z.grad_fn._saved_result
    return saved is x, y.grad_fn._saved_exponent, result.equal(z), result is z, result.grad_fn is z.grad_fn


@program
def names_that_are_not_there(torch):
    node = (torch.ones(2, requires_grad=True) * 2).grad_fn
    names = ("_saved_result", "_raw_saved_result", "_saved_", "_other")
    return node._saved_self, [refused(lambda name=name: getattr(node, name)) for name in names]


@program
def a_copy_has_saved_nothing(torch):
    x = torch.ones(2, 2, requires_grad=True)
    return [name for y in (x.clone(), x @ torch.ones(2, 2, 2)) for name in dir(y.grad_fn) if "_saved" in name]


@program
def values_that_are_gone_or_changed(torch):
    x = torch.ones(2, requires_grad=True)
    freed, changed, other = x.exp(), x.exp(), x.exp() * x.detach()
    freed.sum().backward()
    node = changed.grad_fn
    changed.mul_(2)
    refusals = [refused(lambda n=n: n._saved_result) for n in (freed.grad_fn, node)]
    return [(kind, text[:60]) for kind, text in refusals], other.grad_fn._saved_other


@program
def hooks_for_one_value(torch):
    log = []
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y = x.exp()
    place = y.grad_fn._raw_saved_result
    place.register_hooks(lambda t: log.append(t.requires_grad) or t * 2, lambda t: log.append("unpacked") or t / 2)
    again = refused(lambda: place.register_hooks(lambda t: t, lambda t: t))
    y.sum().backward(retain_graph=True)
    (y * y).sum().backward()
    return (
        log,
        x.grad.round(),
        again,
        refused(lambda: y.grad_fn._raw_saved_result.register_hooks(lambda t: t, lambda t: t)),
    )


@program
def hooks_for_what_a_function_has_saved(torch):
    log = []
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y = square(torch)(x)
    places = y.grad_fn._raw_saved_tensors
    places[1].register_hooks(lambda t: log.append(t) or t.clone(), lambda t: log.append(t) or t)
    places[0].register_hooks(lambda t: t.detach().clone(), lambda t: t)
    refusals = [refused(lambda p=p: p.register_hooks(lambda t: t, lambda t: t)) for p in places[1:]]
    y.sum().backward()
    refusals.append(refused(lambda: y.grad_fn._raw_saved_tensors))
    return log, x.grad, [(kind, text[:60]) for kind, text in refusals]


@program
def hooks_that_keep_arrays(torch):
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    arrays = lambda t: t.numpy().copy(), torch.from_numpy
    y, z, plain = x.exp(), square(torch)(x), x * x
    y.grad_fn._raw_saved_result.register_hooks(*arrays)
    z.grad_fn._raw_saved_tensors[0].register_hooks(*arrays)
    plain.grad_fn._raw_saved_self.register_hooks(*arrays)
    (first,) = torch.autograd.grad((y.round() * 3 + plain + z).sum(), x, create_graph=True)
    return first.detach(), torch.autograd.grad(first.sum(), x)


@program
def hooks_that_are_no_functions(torch):
    x = torch.ones(2, requires_grad=True)
    y = x.exp()
    nothing, power = (x * 2).grad_fn, (x**3).grad_fn
    return (
        refused(lambda: y.grad_fn._raw_saved_result.register_hooks(1, 2)),
        refused(lambda: nothing._raw_saved_self.register_hooks(lambda t: t, lambda t: t)),
        refused(lambda: power._raw_saved_exponent),
    )


@pytest.mark.parametrize("run", PROGRAMS, ids=lambda run: run.__name__)
def test_same_as_torch(run):
    assert_same(run)


def test_a_changed_value_is_refused_when_hooks_are_registered():
    y = minigrad.ones(2, requires_grad=True).exp()
    place = y.grad_fn._raw_saved_result
    y.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        place.register_hooks(lambda t: t, lambda t: t)


def test_every_name_of_a_table_is_one_that_nodes_know():
    names = {name for op in TABLE for name in slots_of(op.node_type)}
    assert {"self", "other", "result", "mat2"} < names
    assert names - set(graph._SAVED.split()) == set()
    nothing = [op.node_name for op in TABLE if not slots_of(op.node_type)]
    assert len(nothing) < len(TABLE) / 2


def test_names_are_listed():
    names = dir((minigrad.ones(2, requires_grad=True) @ minigrad.ones(2)).grad_fn)
    assert {"_saved_self", "_saved_tensor", "next_functions"} <= set(names)
