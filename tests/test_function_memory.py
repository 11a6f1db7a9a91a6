"""Functions that change their inputs in place, and what Functions save: how it comes back, and how it goes free."""

import gc
import weakref

import pytest

pytest.importorskip("torch")

from parity import assert_same, made

import minigrad
from minigrad.autograd import Function

PROGRAMS = []


def program(function):
    PROGRAMS.append(function)
    return function


# Changing inputs in place


def add_one(ctx, x):
    x.add_(1)
    ctx.mark_dirty(x)
    return x


@program
def dirty(torch):
    a = torch.ones(3, requires_grad=True)
    b = a * 2
    y = made(torch, add_one, lambda ctx, g: g * 5).apply(b)
    y.sum().backward()
    return y is b, y, a.grad, b._version


@program
def dirty_saved(torch):
    a = torch.ones(3, requires_grad=True)
    b = a * 2
    square = b * b
    made(torch, add_one, lambda ctx, g: g * 5).apply(b)
    try:
        square.sum().backward()
    except RuntimeError as error:
        return str(error).split("[")[0]


@program
def dirty_leaf(torch):
    made(torch, add_one, lambda ctx, g: g).apply(torch.ones(3, requires_grad=True))


@program
def dirty_view_of_a_leaf(torch):
    made(torch, add_one, lambda ctx, g: g).apply(torch.ones(3, requires_grad=True).view(3))


@program
def dirty_leaf_that_is_a_view_of_a_constant(torch):
    leaf, found = torch.ones(2, 3).view(6).requires_grad_(), []
    for x in (leaf, leaf[:2], leaf.view(-1)):
        try:
            found.append(made(torch, add_one, lambda ctx, g: g).apply(x))
        except RuntimeError as error:
            found.append(str(error).splitlines()[0])
    return found


@program
def dirty_view(torch):
    a = torch.ones(4, requires_grad=True)
    b = a * 2
    v = b[:2]
    y = made(torch, add_one, lambda ctx, g: g * 5).apply(v)
    b.sum().backward()
    return y is v, a.grad, b


@program
def dirty_and_not_returned(torch):
    def forward(ctx, x):
        add_one(ctx, x)
        return x * 1

    made(torch, forward, lambda ctx, g: g).apply(torch.ones(3, requires_grad=True) * 1)


@program
def dirty_constant_that_takes_a_gradient(torch):
    def forward(ctx, x, y):
        x.add_(y)
        ctx.mark_dirty(x)
        return x

    w, x = torch.ones(3, requires_grad=True), torch.zeros(4)
    function = made(torch, forward, lambda ctx, g: (g * 5, g * 7))
    y = function.apply(x[:3], w)
    x.sum().backward()
    return y.requires_grad, x, w.grad


# Saved tensors


@program
def saved_inputs(torch):
    x, c = torch.ones(3, requires_grad=True), torch.ones(3)
    z = x * 2
    seen = []

    def forward(ctx, *inputs):
        ctx.save_for_backward(None, *inputs)
        return inputs[0] * 2

    function = made(torch, forward, lambda ctx, g, *_: (seen.extend(ctx.saved_tensors), (g,) + (None,) * 2)[1])
    y = function.apply(z, x, c)
    y.sum().backward()
    return seen, seen[2] is x, seen[3] is c, seen[1].grad_fn is z.grad_fn


@program
def saved_text(torch):
    function = made(torch, lambda ctx, x: (ctx.save_for_backward("a"), x * 2)[1], lambda ctx, g: g)
    return function.apply(torch.ones(3, requires_grad=True))


class Exponential:
    """The parts of a Function that saves its output."""

    @staticmethod
    def forward(ctx, x):
        y = x.exp()
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, g):
        (y,) = ctx.saved_tensors
        return g * y


@program
def saved_output(torch):
    function = made(torch, Exponential.forward, Exponential.backward)
    x = torch.ones(3, requires_grad=True)
    (first,) = torch.autograd.grad(function.apply(x).sum(), x, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), x, create_graph=True)
    return first.detach(), second.detach(), torch.autograd.grad(second.sum(), x)


@program
def saved_outputs_of_two(torch):
    def forward(ctx, x):
        y, z = x.exp(), x * x
        ctx.save_for_backward(x, y, z)
        return y, z

    def backward(ctx, g, h):
        x, y, z = ctx.saved_tensors
        return g * y + h * 2 * z / x

    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y, z = made(torch, forward, backward).apply(x)
    (first,) = torch.autograd.grad((y * z).sum(), x, create_graph=True)
    return first.detach(), torch.autograd.grad(first.sum(), x)


@program
def second_pass(torch):
    y = made(torch, Exponential.forward, Exponential.backward).apply(torch.ones(3, requires_grad=True))
    y.sum().backward()
    y.sum().backward()


@program
def second_pass_where_nothing_is_saved(torch):
    y = made(torch, lambda ctx, x: x * 2, lambda ctx, g: g * 2).apply(torch.ones(3, requires_grad=True))
    y.sum().backward()
    y.sum().backward()


@program
def saved_tensors_after_the_pass(torch):
    y = made(torch, Exponential.forward, Exponential.backward).apply(torch.ones(3, requires_grad=True))
    y.sum().backward()
    return y.grad_fn.saved_tensors


@program
def saved_output_changed(torch):
    y = made(torch, Exponential.forward, Exponential.backward).apply(torch.ones(3, requires_grad=True))
    y.mul_(2)
    y.sum().backward()


@program
def saved_leaf_changed(torch):
    x = torch.ones(3, requires_grad=True)
    forward, backward = (lambda ctx, x: (ctx.save_for_backward(x), x * x)[1]), (lambda ctx, g: ctx.saved_tensors[0] * g)
    y = made(torch, forward, backward).apply(x)
    with torch.no_grad():
        x.add_(1)
    y.sum().backward()


@program
def gradcheck_finds_them_right(torch):
    function = made(torch, Exponential.forward, Exponential.backward)
    x = torch.tensor([0.5, -1.0], dtype=torch.float64, requires_grad=True)
    return torch.autograd.gradcheck(function.apply, x), torch.autograd.gradgradcheck(function.apply, x)


@pytest.mark.parametrize("run", PROGRAMS, ids=lambda run: run.__name__)
def test_same_as_torch(run):
    assert_same(run)


def test_a_function_and_what_it_saves_go_free_without_the_collector():
    class Square(Function):
        @staticmethod
        def forward(ctx, x):
            y, z = x * x, x * 2
            ctx.save_for_backward(x, y, z)
            ctx.note = "mine"
            return y, z

        @staticmethod
        def backward(ctx, g, h):
            x, _, _ = ctx.saved_tensors
            return 2 * x * g + 2 * h

    gc.collect()
    gc.disable()
    try:
        x = minigrad.ones(3, requires_grad=True)
        y, z = Square.apply(x * 1)
        node = weakref.ref(y.grad_fn)
        minigrad.autograd.grad((y * z).sum(), x, create_graph=True)
        del y, z
        assert node() is None
    finally:
        gc.enable()
