"""Jacobians, Hessians and their products, and the comparison of gradients with finite differences."""

import pytest

pytest.importorskip("torch")

from parity import assert_same

import minigrad
from minigrad.autograd import functional, gradcheck, gradgradcheck

FUNCTIONS = {
    "rows": lambda torch, x: x.exp().sum(dim=1),
    "linear": lambda torch, x: 2 * x,
    "constant": lambda torch, x: torch.ones(2),
    "cubes": lambda torch, x: (x * x * x).sum(),
    "sum": lambda torch, x: (2 * x).sum(),
    "one of two": lambda torch, x: (x.exp().sum(dim=1), torch.ones(3)),
}
OF_TWO = {
    "two": lambda torch, x, y: (2 * x.exp() + 3 * y, (x * y).sum()),
    "products": lambda torch, x, y: (x.exp() * y * y).sum(),
    "unused": lambda torch, x, y: x * x,
    "unused sum": lambda torch, x, y: (x * x).sum(),
}


def inputs(torch, requires_grad):
    x = torch.tensor([[0.5, 0.25], [1.0, 2.0]], requires_grad=requires_grad)
    return x, torch.tensor([0.5, -1.0]), torch.tensor(0.25)


def values(torch, found):
    """Without grad_fn: torch's way to the same number may go over other operations."""
    if isinstance(found, tuple):
        return tuple(values(torch, part) for part in found)
    return found.detach(), found.requires_grad


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("requires_grad", [False, True])
@pytest.mark.parametrize("name", [*FUNCTIONS, *OF_TWO])
def test_same_as_torch(name, requires_grad, create_graph, strict):
    options = {"create_graph": create_graph, "strict": strict}

    def run(torch, product):
        x, y, _ = inputs(torch, requires_grad)
        given = x if name in FUNCTIONS else (x, y)
        body = {**FUNCTIONS, **OF_TWO}[name]
        func = lambda *args: body(torch, *args)
        toolbox = torch.autograd.functional
        if product in ("jacobian", "hessian"):
            return values(torch, getattr(toolbox, product)(func, given, **options))
        if product == "vjp":
            out = func(*given) if isinstance(given, tuple) else func(given)
            given_v = tuple(torch.ones_like(o) for o in out) if isinstance(out, tuple) else torch.ones_like(out)
        else:
            given_v = (x.detach(), y) if isinstance(given, tuple) else x.detach()
        return values(torch, getattr(toolbox, product)(func, given, given_v, **options))

    for product in ("jacobian", "hessian", "vjp", "jvp", "vhp", "hvp"):
        assert_same(lambda torch, product=product: run(torch, product))


CALLS = {
    "vectorize": "F.jacobian(rows, x, vectorize=True)",
    "vectorize two": "F.jacobian(two, (x, y), vectorize=True)",
    "vectorize strict": "F.jacobian(rows, x, vectorize=True, strict=True)",
    "vectorize hessian": "F.hessian(cubes, x, vectorize=True)",
    "forward mode": "F.jacobian(rows, x, strategy='forward-mode')",
    "forward mode strict": "F.jacobian(rows, x, strategy='forward-mode', strict=True)",
    "forward mode graph": "F.jacobian(rows, x, strategy='forward-mode', create_graph=True)",
    "forward mode vectorized": "F.jacobian(rows, x, strategy='forward-mode', vectorize=True)",
    "unknown mode": "F.jacobian(rows, x, strategy='sideways')",
    "unknown mode of hessian": "F.hessian(cubes, x, outer_jacobian_strategy='sideways')",
    "too many vectors": "F.vjp(rows, x, (y, y))",
    "wrong number of vectors": "F.vjp(two, (x, y), (x,))",
    "wrong shape": "F.vjp(rows, x, x)",
    "wrong shape of one": "F.vjp(two, (x, y), (x, x))",
    "no vector": "F.vjp(rows, x)",
    "no vector needed": "F.vjp(cubes, x)",
    "no vector, jvp": "F.jvp(rows, x)",
    "no vector needed, jvp": "F.jvp(lambda a: a * a, s)",
    "no vector, hvp": "F.hvp(cubes, x)",
    "no vector needed, hvp": "F.hvp(cubes, s)",
    "no vector needed, vhp": "F.vhp(cubes, s)",
    "number": "F.vjp(rows, 3.0)",
    "number in tuple": "F.vjp(rows, (x, 3.0))",
    "list": "F.jacobian(rows, [x])",
    "number returned": "F.vjp(lambda a: 3.0, x)",
    "vector is a number": "F.vjp(rows, x, 3.0)",
    "hessian of many": "F.hessian(rows, x)",
    "hessian of a tuple": "F.hessian(lambda a: (a.sum(),), x)",
    "vhp of a tuple": "F.vhp(lambda a: (a.sum(),), x, x)",
    "hvp of many": "F.hvp(rows, x, x)",
    "of a number": "(F.jacobian(lambda a: a * a, s), F.hessian(lambda a: a * a * a, s))",
    "of nothing": "F.jacobian(lambda a: a * a, torch.ones(0))",
    "of a tuple of one": "F.jacobian(rows, (x,))",
    "returns a tuple of one": "F.jacobian(lambda a: (rows(a),), x)",
    "same tensor captured": "F.jacobian(lambda a: a * g, g)",
    "leaves no gradient": "(F.hessian(cubes, g), g.grad)",
    "differentiated again": "torch.autograd.grad(F.jacobian(rows, g, create_graph=True).sum(), g)",
    "jvp differentiated again": "torch.autograd.grad(F.jvp(rows, g, x, create_graph=True)[1].sum(), g)",
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("grad_mode", [True, False])
def test_calls(call, grad_mode):
    def run(torch):
        x, y, s = inputs(torch, False)
        functions = {**FUNCTIONS, **OF_TWO}
        names = {n: (lambda *args, f=functions[n]: f(torch, *args)) for n in ("rows", "cubes", "two")}
        names |= {"torch": torch, "F": torch.autograd.functional, "x": x, "y": y, "s": s}
        names["g"] = torch.tensor([[1.0, 2.0]], requires_grad=True)
        with torch.set_grad_enabled(grad_mode):
            return eval(CALLS[call], names)

    assert_same(run)


CHECKS = []


def check(function):
    CHECKS.append(function)
    return function


def square(torch, backward):
    parts = {"forward": lambda ctx, x: (ctx.save_for_backward(x), x * x)[1], "backward": backward}
    return type("Square", (torch.autograd.Function,), {name: staticmethod(f) for name, f in parts.items()}).apply


@check
def right(torch, x, y):
    f = lambda a, b: ((a * b).sin(), a @ b)
    return torch.autograd.gradcheck(f, (x, y)), torch.autograd.gradcheck(f, [x, y], fast_mode=True)


@check
def right_twice(torch, x, y):
    f = lambda a, b: (a * b.exp()).sum(1)
    return torch.autograd.gradgradcheck(f, (x, y)), torch.autograd.gradgradcheck(
        f, (x, y), y.new_ones(2).requires_grad_()
    )


@check
def right_twice_with_gaps(torch, x, y):
    torch.manual_seed(0)
    f = lambda a, b: a * b.exp()
    found = [torch.autograd.gradgradcheck(f, (x, y), gen_non_contig_grad_outputs=apart) for apart in (True, False)]
    return *found, torch.rand(1)


@check
def wrong(torch, x, y):
    torch.autograd.gradcheck(square(torch, lambda ctx, g: g * 3), x)


@check
def wrong_in_the_second(torch, x, y):
    torch.autograd.gradcheck(lambda a, b: (a * 2, square(torch, lambda ctx, g: g * 3)(b)), (x, y))


@check
def wrong_but_not_raised(torch, x, y):
    f = square(torch, lambda ctx, g: g * 3)
    options = ({}, {"fast_mode": True})
    return [torch.autograd.gradcheck(f, x, raise_exception=False, **more) for more in options]


@check
def right_once_and_wrong_twice(torch, x, y):
    f = square(torch, lambda ctx, g: g * 2 * ctx.saved_tensors[0].detach())
    return torch.autograd.gradcheck(f, x), torch.autograd.gradgradcheck(f, x)


@check
def not_linear(torch, x, y):
    torch.autograd.gradcheck(lambda a: square(torch, lambda ctx, g: 2 * ctx.saved_tensors[0])(a).sum(), x)


@check
def not_the_same_twice(torch, x, y):
    passes = []
    f = square(torch, lambda ctx, g: g * 2 * ctx.saved_tensors[0] * (1 + 1e-9 * (passes.append(1), len(passes))[1]))
    found = torch.autograd.gradcheck(f, x, nondet_tol=1e-3)
    passes.clear()
    return found, torch.autograd.gradcheck(f, x)


@check
def no_gradient_asked_for(torch, x, y):
    torch.autograd.gradcheck(lambda a: a * 2, x.detach())


@check
def single_precision(torch, x, y):
    return torch.autograd.gradcheck(lambda a: a * 2, x.detach().float().requires_grad_(), raise_exception=False)


@check
def shared_memory(torch, x, y):
    torch.autograd.gradcheck(lambda a: a * 2, y.detach().expand(4, 3).requires_grad_())


@check
def detached(torch, x, y):
    torch.autograd.gradcheck(lambda a: a.detach() * 2, x)


@check
def constant(torch, x, y):
    return torch.autograd.gradcheck(lambda a: torch.ones(2), x)


@check
def modes(torch, x, y):
    torch.autograd.gradcheck(lambda a: a * 2, x, check_backward_ad=False)


@check
def batched_mode(torch, x, y):
    return torch.autograd.gradcheck(lambda a: a * 2, x, check_batched_grad=True)


@check
def other_inputs(torch, x, y):
    f = lambda a, k: a * k
    return (
        torch.autograd.gradcheck(f, (x, 3)),
        torch.autograd.gradcheck(lambda a: a.view(-1) * 2, (x,)),
        torch.autograd.gradcheck(lambda a: a.sin(), (x * 2,)),
        torch.autograd.gradcheck(lambda a: (a * 1).mul_(a), (x,)),
        torch.autograd.gradcheck(lambda a: a * 2, x.detach().t().requires_grad_()),
        torch.autograd.gradcheck(lambda a: a * a, torch.tensor(2.0, dtype=torch.float64, requires_grad=True)),
        torch.autograd.gradcheck(lambda a: a * 2, torch.ones(0, 2, dtype=torch.float64, requires_grad=True)),
        torch.autograd.gradgradcheck(lambda a: a * 2, x),
    )


@check
def inputs_stay_as_they_are(torch, x, y):
    before = x.detach().clone()
    torch.autograd.gradcheck(lambda a: a.exp(), x)
    return (x.detach() == before).all(), x._version, x.grad


@pytest.mark.filterwarnings("ignore:.*double precision:UserWarning")
@pytest.mark.parametrize("run", CHECKS, ids=lambda run: run.__name__)
def test_gradcheck(run):
    def program(torch):
        x = torch.tensor([[0.5, 1.0, 1.5], [2.0, 2.5, 3.0]], dtype=torch.float64, requires_grad=True)
        return run(torch, x, torch.tensor([0.25, -0.5, 1.0], dtype=torch.float64, requires_grad=True))

    assert_same(program)


def test_the_error_shows_both_jacobians():
    x = minigrad.tensor([1.0, 2.0], dtype=minigrad.float64, requires_grad=True)
    with pytest.raises(RuntimeError, match="Jacobian mismatch for output 0 with respect to input 0") as caught:
        gradcheck(square(minigrad, lambda ctx, g: g * 3), x)
    text = str(caught.value)
    assert text.splitlines()[1:] == [
        "numerical:tensor([[2.0000, 0.0000],",
        "        [0.0000, 4.0000]], dtype=torch.float64)",
        "analytical:tensor([[3., 0.],",
        "        [0., 3.]], dtype=torch.float64)",
    ]


def test_an_input_is_restored_if_the_function_raises():
    x = minigrad.tensor([1.0, 2.0], dtype=minigrad.float64, requires_grad=True)
    calls = []

    def breaks(a):
        calls.append(1)
        if len(calls) == 3:
            raise ZeroDivisionError
        return a * a

    with pytest.raises(ZeroDivisionError):
        gradcheck(breaks, x)
    assert x.tolist() == [1.0, 2.0]


def test_a_missing_gradient_is_tried():
    class Three(minigrad.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.set_materialize_grads(False)
            return x * 2, x * 2, x * 2

        @staticmethod
        def backward(ctx, *gradients):
            there = [g for g in gradients if g is not None]
            if len(there) == 2:
                raise RuntimeError("cannot do without")
            return sum(g * 2 for g in there)

    x = minigrad.tensor([1.0], dtype=minigrad.float64, requires_grad=True)
    assert gradcheck(Three.apply, x, check_undefined_grad=False)
    with pytest.raises(RuntimeError, match="handle undefined output grads"):
        gradcheck(Three.apply, x)


def test_there_is_no_forward_mode():
    x = minigrad.ones(2, dtype=minigrad.float64, requires_grad=True)
    with pytest.raises(NotImplementedError):
        gradcheck(lambda a: a * 2, x, check_forward_ad=True)
    with pytest.raises(NotImplementedError):
        gradgradcheck(lambda a: a * 2, x, check_fwd_over_rev=True)


def test_hessian_of_the_documents_loss():
    X = minigrad.randn(10, 2)
    y = minigrad.randn(10, 1)
    found = functional.hessian(lambda w: ((X @ w - y) ** 2 / 2).sum(), minigrad.zeros(2, 1))
    assert minigrad.allclose(found.reshape(2, 2), X.T @ X, atol=1e-4)
