"""Hooks of tensors, of nodes and of leaves: their order, what they see, and what they may return."""

import numpy as np
import pytest
from hypothesis import example, given, settings, strategies as st

pytest.importorskip("torch")

from parity import assert_same

import minigrad

PROGRAMS = []


def program(function):
    PROGRAMS.append(function)
    return function


@program
def hooks_in_their_order(torch):
    log = []
    x = torch.ones(3, requires_grad=True)
    y = x * 2
    y.grad_fn.register_prehook(lambda g: log.append("prehook"))
    y.register_hook(lambda g: log.append("tensor 1"))
    y.retain_grad()
    y.register_hook(lambda g: (log.append("tensor 2"), g * 3)[1])
    y.grad_fn.register_hook(lambda inputs, outputs: log.append(("posthook", inputs, outputs)))
    y.grad_fn.register_prehook(lambda g: (g[0] * 5,))
    x.register_hook(lambda g: log.append("leaf"))
    x.register_post_accumulate_grad_hook(lambda p: log.append(("accumulated", p.grad)))
    y.sum().backward()
    return log, y.grad, x.grad


@program
def hooks_and_captured_results(torch):
    x = torch.ones(3, requires_grad=True)
    y = x * 2
    y.register_hook(lambda g: g * 3)
    y.grad_fn.register_prehook(lambda g: (g[0] * 5,))
    x.register_hook(lambda g: g * 7)
    x.register_post_accumulate_grad_hook(lambda p: 1 / 0)
    wanted = ([y], [x, y], [x])
    return [torch.autograd.grad(y.sum(), inputs, retain_graph=True) for inputs in wanted]


@program
def hooks_taken_away(torch):
    x = torch.ones(3, requires_grad=True)
    y = x * 2
    handles = [y.register_hook(lambda g: g * 3), x.register_hook(lambda g: g * 5)]
    with y.register_hook(lambda g: g * 7):
        y.sum().backward(retain_graph=True)
    first = x.grad.clone()
    for handle in handles:
        handle.remove()
        handle.remove()
    y.sum().backward()
    return first, x.grad


@program
def hooks_of_a_tensor_changed_in_place(torch):
    log = []
    x = torch.ones(3, requires_grad=True)
    y = x * 2
    y.retain_grad()
    y.register_hook(lambda g: log.append(("before", g)))
    y.mul_(3)
    y.register_hook(lambda g: log.append(("after", g)))
    y.sum().backward()
    return log, y.grad


@program
def views_whose_base_has_changed_come_from_their_strides(torch):
    def refused(of, change):
        v = (torch.ones(3, 3, requires_grad=True) * 1)[0]
        u = v[:2]
        u.exp_()
        y = of(u, v) ** 2
        change(u, v)
        try:
            y.sum().backward()
        except RuntimeError as error:
            return str(error).splitlines()[0]

    return refused(lambda u, v: v, lambda u, v: u.add_(1)), refused(lambda u, v: u, lambda u, v: v.add_(1))


@program
def hook_that_changes_its_gradient_in_place(torch):
    x = torch.tensor([3.0, -3.0], requires_grad=True)
    y = x * x
    y.register_hook(lambda g: g.clamp_(-1, 1))
    (y * torch.tensor([5.0, 0.5])).sum().backward()
    return x.grad


@program
def hooks_with_a_recorded_pass(torch):
    x = torch.tensor([3.0, -3.0], requires_grad=True)
    y = x * x
    y.register_hook(lambda g: g * x)
    y.grad_fn.register_hook(lambda inputs, outputs: tuple(None if g is None else g * 2 for g in inputs))
    (g,) = torch.autograd.grad(y.sum(), x, create_graph=True)
    return g.detach(), torch.autograd.grad(g.sum(), x)


@program
def late_hook_that_returns_a_tensor(torch):
    x = torch.ones(2, requires_grad=True)
    x.register_post_accumulate_grad_hook(lambda p: p.grad)
    x.sum().backward()


@program
def retained_over_two_passes(torch):
    x = torch.ones(2, requires_grad=True)
    y = x * 2
    y.retain_grad()
    y.sum().backward(retain_graph=True)
    first = y.grad
    y.sum().backward()
    return first, y.grad, first is y.grad


@program
def late_hook_that_returns_something(torch):
    x = torch.ones(2, requires_grad=True)
    x.register_post_accumulate_grad_hook(lambda p: 1)
    x.sum().backward()


@program
def late_hook_that_steps(torch):
    x = torch.ones(2, requires_grad=True)

    def step(p):
        with torch.no_grad():
            p -= 0.1 * p.grad
        p.grad = None

    x.register_post_accumulate_grad_hook(step)
    (x * x).sum().backward()
    return x, x.grad


@program
def root_that_leads_to_nothing_wanted(torch):
    """torch runs the hooks of a pass's only root all the same."""
    shown = []
    a = torch.tensor(1.0, requires_grad=True)
    a.register_hook(lambda g: shown.append(g * 1))
    b = -a
    b.register_hook(lambda g: shown.append(g * 1) or g * 2)
    b.retain_grad()
    b.grad_fn.register_prehook(lambda g: shown.append(g[0] * 10))
    c = -b
    one = torch.tensor(1.0)
    for outputs in ([b], [b, b], [b, c], [a]):
        torch.autograd.grad(outputs, c, [one] * len(outputs), retain_graph=True, allow_unused=True)
        shown.append(b.grad)
    b.backward(inputs=[c], retain_graph=True)
    return *shown, b.grad, c.grad


@given(
    picks=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=8),
    unhooked=st.sets(st.integers(0, 9), max_size=8),
    late=st.tuples(st.integers(0, 9), st.integers(0, 9)),
    wanted=st.none() | st.sets(st.integers(0, 2), min_size=1),
)
@example(picks=[(0, 1)], unhooked={0, 1, 2, 3}, late=(0, 1), wanted=None)
@settings(max_examples=60)
def test_hooks_are_called_in_torchs_order(picks, unhooked, late, wanted):
    """Of leaves, as soon as all operations that take them have delivered; the third leaf may have no users."""

    def run(torch):
        log = []
        made = [torch.tensor(float(i), requires_grad=True) for i in (2, 3, 5)]
        for i, j in picks:
            made.append(made[i % len(made)] * made[j % len(made)])

        def hook(n):
            made[n].register_hook(lambda g: log.append((n, g.item())))

        for n in set(range(len(made))) - unhooked:
            hook(n)
        by, of = (n % len(made) for n in late)
        made[by].register_hook(lambda g: hook(of))
        leaves = made[:3] if wanted is None else [made[n] for n in wanted]
        if wanted is None:
            made[-1].backward()
            return log, [leaf.grad for leaf in leaves]
        return log, torch.autograd.grad(made[-1], leaves, allow_unused=True)

    assert_same(run)


RETURNED = {
    "an array": lambda torch: np.ones(3),
    "text": lambda torch: "a",
    "number": lambda torch: 1,
    "nothing": lambda torch: None,
    "tensor": lambda torch: torch.ones(3),
    "short": lambda torch: torch.ones(2),
    "broadcastable": lambda torch: torch.ones(1),
    "double": lambda torch: torch.ones(3, dtype=torch.float64),
    "tuple": lambda torch: (torch.ones(3),),
    "pair": lambda torch: (torch.ones(3), None),
    "list": lambda torch: [torch.ones(3), None],
    "tensors": lambda torch: (torch.ones(3), torch.ones(3)),
    "nones": lambda torch: (None, None),
    "none": lambda torch: (None,),
    "short tuple": lambda torch: (torch.ones(2),),
    "short pair": lambda torch: (torch.ones(2), None),
    "double tuple": lambda torch: (torch.ones(3, dtype=torch.float64),),
    "double pair": lambda torch: (torch.ones(3, dtype=torch.float64), None),
}


@pytest.mark.parametrize("returned", RETURNED)
@pytest.mark.parametrize("kind", ["result", "leaf", "prehook", "posthook"])
def test_what_hooks_may_return(kind, returned):
    def run(torch):
        x = torch.ones(3, requires_grad=True)
        y = x * torch.ones(3)
        register = {
            "result": y.register_hook,
            "leaf": x.register_hook,
            "prehook": y.grad_fn.register_prehook,
            "posthook": y.grad_fn.register_hook,
        }[kind]
        register(lambda *gradients: RETURNED[returned](torch))
        y.sum().backward()
        return x.grad

    assert_same(run)


@pytest.mark.parametrize("run", PROGRAMS, ids=lambda run: run.__name__)
def test_same_as_torch(run):
    assert_same(run)


def test_a_gradient_kept_by_a_hook_does_not_change_later():
    kept = []
    x = minigrad.ones(3, requires_grad=True)
    x.register_hook(lambda g: kept.append(g))
    for _ in range(2):
        (x * 2).sum().backward()
    assert [g.tolist() for g in kept] == [[2.0] * 3, [2.0] * 3]
    assert x.grad.tolist() == [4.0] * 3
