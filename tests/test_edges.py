"""Edges in the place of tensors, and hooks for several tensors at once."""

import pytest

pytest.importorskip("torch")

from parity import assert_same, refused

import minigrad
from minigrad import show
from minigrad.autograd import heard as heard
from minigrad.autograd.graph import GradientEdge, get_gradient_edge, register_multi_grad_hook
from minigrad.ops.listening import Listener, listening

PROGRAMS = []


def program(function):
    PROGRAMS.append(function)
    return function


def graph(torch):
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    return x, y, y * y


@program
def what_an_edge_says(torch):
    get = torch.autograd.graph.get_gradient_edge
    x, y, z = graph(torch)
    parts = torch.split(z, 1)
    base = x * 1
    view = base[:1]
    base.mul_(2)
    return (
        get(z).node is z.grad_fn,
        get(x).node.variable is x,
        [get(part).output_nr for part in parts],
        get(z)._fields[:2],
        get(y.view(1, 2)).node.name(),
        get(view).node.name(),
        refused(lambda: get(torch.ones(2))),
    )


@program
def edges_as_inputs(torch):
    get, grad = torch.autograd.graph.get_gradient_edge, torch.autograd.grad
    x, y, z = graph(torch)
    kept = {"retain_graph": True}
    found = [grad(z.sum(), get(y), **kept), grad(z.sum(), [get(x), y], **kept), grad(z.sum(), [x, get(z)], **kept)]
    (first,) = grad(z.sum(), get(y), create_graph=True)
    found.append(grad(first.sum(), x))
    other = get(x.sin())
    refusals = [
        refused(lambda: grad(z.sum(), other, **kept)),
        refused(lambda: grad(z.sum(), other, materialize_grads=True, **kept)),
    ]
    return found, grad(z.sum(), other, allow_unused=True, **kept), refusals


@program
def edges_to_start_from(torch):
    get, grad = torch.autograd.graph.get_gradient_edge, torch.autograd.grad
    x, y, z = graph(torch)
    weights = torch.tensor([3.0, 5.0])
    kept = {"retain_graph": True}
    found = [
        grad(get(z.sum()), x, **kept),
        grad(get(z), x, weights, **kept),
        grad([get(z), y], x, [weights, weights], **kept),
        grad(get(x), x, weights),
    ]
    torch.autograd.backward(get(z), weights, **kept)
    first = x.grad.clone()
    torch.autograd.backward([get(z)], [weights], **kept)
    refusals = [
        refused(lambda: grad(get(z), x, **kept)),
        refused(lambda: torch.autograd.backward(get(z), torch.ones(3), **kept)),
    ]
    return found, first, x.grad, refusals


@program
def edges_that_backward_is_to_go_to(torch):
    get = torch.autograd.graph.get_gradient_edge
    x, y, z = graph(torch)
    y.retain_grad()
    z.sum().backward(inputs=get(x), retain_graph=True)
    first = x.grad.clone(), y.grad
    z.sum().backward(inputs=[get(y)], retain_graph=True)
    return first, x.grad, y.grad


@program
def edges_of_several_results(torch):
    class Both(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2, x * 3

        @staticmethod
        def backward(ctx, g, h):
            return g * 2 + h * 3

    get, grad = torch.autograd.graph.get_gradient_edge, torch.autograd.grad
    x = torch.ones(2, requires_grad=True)
    a, b = Both.apply(x)
    loss = (a * b).sum()
    return grad(loss, [get(b), get(a)], retain_graph=True), grad(get(b), x, torch.ones(2)), get(b).output_nr


@program
def an_edge_outlives_its_tensor(torch):
    get, grad = torch.autograd.graph.get_gradient_edge, torch.autograd.grad
    _, y, z = graph(torch)
    edge = get(y)
    del y
    return grad(z.sum(), edge)


@program
def hooks_for_all(torch):
    register = torch.autograd.graph.register_multi_grad_hook
    log = []
    x, y, z = graph(torch)
    alone = torch.ones(2, requires_grad=True)
    handle = register((x, y, z, alone), lambda gs: log.append([g if g is None else g.clone() for g in gs]))
    x.register_hook(lambda g: log.append("x"))
    y.register_hook(lambda g: log.append("y"))
    z.sum().backward(retain_graph=True)
    y.sum().backward(retain_graph=True)
    torch.autograd.grad(z.sum(), y, retain_graph=True)
    (z.sum() + alone.sum()).backward(retain_graph=True)
    z.sum().backward(inputs=[x], retain_graph=True)
    handle.remove()
    z.sum().backward(retain_graph=True)
    with register([y, y], lambda gs: log.append(len(gs))):
        z.sum().backward(retain_graph=True)
    z.sum().backward()
    return log


@program
def hooks_for_any(torch):
    register = torch.autograd.graph.register_multi_grad_hook
    log = []
    x, y, z = graph(torch)
    handle = register((x, y), lambda g: log.append(g), mode="any")
    for _ in range(2):
        z.sum().backward(retain_graph=True)
    torch.autograd.grad(z.sum(), z, retain_graph=True)
    y.sum().backward(retain_graph=True)
    handle.remove()
    z.sum().backward()
    return log


@program
def hooks_within_passes_of_hooks(torch):
    """A pass that a hook begins is one of its own."""
    register = torch.autograd.graph.register_multi_grad_hook
    log = []
    x, y, z = graph(torch)
    a, b, c = graph(torch)
    register((x, y), lambda gs: log.append(("outer", gs[0].clone())))
    register((a, b), lambda gs: log.append(("inner", gs[0].clone())))
    loss = c.sum()
    y.register_hook(lambda g: loss.backward(retain_graph=True))
    z.sum().backward()
    return log


@program
def hooks_of_a_leaf_that_a_pass_starts_from(torch):
    log = []
    x, (_, y, z) = torch.ones(2, requires_grad=True), graph(torch)
    for name, tensor in (("x", x), ("y", y), ("z", z)):
        tensor.register_hook(lambda g, name=name: log.append(name))
    torch.autograd.backward((z, x), (torch.ones(2), torch.ones(2)))
    return log


@program
def hooks_that_are_refused(torch):
    register = torch.autograd.graph.register_multi_grad_hook
    x = torch.ones(2, requires_grad=True)
    return (
        refused(lambda: register((x,), print, mode="some")),
        refused(lambda: register((x, torch.ones(2)), print)),
        refused(lambda: register((), print)),
    )


@pytest.mark.parametrize("run", PROGRAMS, ids=lambda run: run.__name__)
def test_same_as_torch(run):
    assert_same(run)


def test_an_edge_that_nobody_got_is_refused():
    _, y, z = graph(minigrad)
    with pytest.raises(RuntimeError, match="has to come from"):
        minigrad.autograd.grad(z.sum(), GradientEdge(y.grad_fn, 0))


def test_a_tensor_that_the_pass_starts_from_counts():
    """In torch 2.13 it does not if it is the only one: the hook is called too often, or never."""
    log = []
    x, _, z = graph(minigrad)
    with register_multi_grad_hook((z, x), log.append):
        z.backward(minigrad.ones(2))
    with register_multi_grad_hook((x,), log.append):
        x.backward(minigrad.ones(2))
    assert [[g.tolist() for g in gradients] for gradients in log] == [[[1.0, 1.0], [8.0, 16.0]], [[1.0, 1.0]]]


def test_passes_from_edges_are_told_to_listeners_by_the_tensors_that_have_values():
    x, y, z = graph(minigrad)
    told = []

    class Passes(Listener):
        def pass_begins(self, outputs, inputs, create_graph):
            told.append(outputs)

    with listening(Passes()):
        minigrad.autograd.backward(get_gradient_edge(z), minigrad.ones(2), retain_graph=True)
        minigrad.autograd.backward([get_gradient_edge(z), x], [minigrad.ones(2)] * 2, retain_graph=True)
        minigrad.autograd.grad(z.sum(), get_gradient_edge(y))
    assert x.grad.tolist() == [17.0, 33.0]
    assert told[0] == ()
    assert told[1][0] is x
    assert len(told[1]) == len(told[2]) == 1


def test_steps_run_hooks_for_several():
    log = []
    x, y, z = graph(minigrad)
    register_multi_grad_hook((x, y), log.append)
    show.steps(z.sum())
    assert [[g.tolist() for g in gradients] for gradients in log] == [[[8.0, 16.0], [4.0, 8.0]]]
