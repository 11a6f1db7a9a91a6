"""torch.func: derivatives of functions, nested as one likes, and functions of one example run over a batch."""

from collections import OrderedDict, namedtuple
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

torch = pytest.importorskip("torch")

from parity import ERRORS, outcome
from small_functions import UNRECORDED, defined, functions, operands

import minigrad
from minigrad import func, nn

pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.script")  # torch's own, at its first jvp
VIEWS_OF_ARGUMENTS = ("c = a.clone(); c[:, 1] = b[:, 0]", "c = a.reshape(4)[:2] * b", "c = (a * b).T.relu_()")


def found_by(library: Any, derive: Any, lines: list[str], outside: bool, result: str = "c.sum()") -> Any:
    """What `derive` gives, and its gradients outside, by `x` and `p`; or the type of the error."""
    x, y, p = operands(library, requires_grad=outside)
    f = defined(lines, library, p, result)
    try:
        found = derive(library.func, f, x, y)
        found = found if isinstance(found, tuple) else (found,)
        loss = sum((t * t).sum() for t in found)
        of_outside: Any = (None, None)
        if loss.requires_grad:
            of_outside = library.autograd.grad(loss, (x, p), allow_unused=True)
    except ERRORS as error:
        return type(error).__name__
    of_outside = [np.zeros((2, 2)) if t is None else t.numpy(force=True) for t in of_outside]
    return [t.detach().numpy(force=True) for t in found] + of_outside, loss.requires_grad


def assert_alike(derive: Any, lines: list[str], outside: bool, result: str = "c.sum()") -> None:
    ours, theirs = (found_by(library, derive, lines, outside, result) for library in (minigrad, torch))
    if isinstance(ours, str) or isinstance(theirs, str):
        assert ours == theirs
        return
    for a, b in zip(ours[0], theirs[0], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-9)
    assert outside or not ours[1]


REVERSE = {
    "grad": lambda F, f, x, y: F.grad(f)(x, y),
    "grad by both": lambda F, f, x, y: F.grad(f, argnums=(1, 0))(x, y),
    "grad of the gradient": lambda F, f, x, y: F.grad(lambda a, b: F.grad(f)(a, b).sin().sum(), argnums=1)(x, y),
    "vjp": lambda F, f, x, y: F.vjp(f, x, y)[1](x.sum()),
    "jacrev": lambda F, f, x, y: F.jacrev(lambda a: f(a, y) * a)(x),
    "grad of what is captured": lambda F, f, x, y: F.grad(lambda a: F.grad(f)(y, a).sum() * a.sum() + f(x, a))(x),
}
FORWARD = {
    "jvp": lambda F, f, x, y: F.jvp(f, (x, y), (y, x)),
    "jacfwd": lambda F, f, x, y: F.jacfwd(lambda a: f(a, y) * a)(x),
    "hessian": lambda F, f, x, y: F.hessian(f)(x, y),
    "jvp of the gradient": lambda F, f, x, y: F.jvp(F.grad(f), (x, y), (y, x)),
    "grad of a product": lambda F, f, x, y: F.grad(lambda a: F.jvp(f, (a, y), (y, a))[1].sin())(x),
}


@settings(max_examples=4)
@given(functions(*UNRECORDED, *VIEWS_OF_ARGUMENTS))
@pytest.mark.parametrize("outside", [False, True])
@pytest.mark.parametrize("name", REVERSE)
def test_reverse_mode(name: str, outside: bool, lines: list[str]) -> None:
    assert_alike(REVERSE[name], lines, outside)


@settings(max_examples=4)
@given(functions(*VIEWS_OF_ARGUMENTS))
@pytest.mark.parametrize("name", FORWARD)
def test_forward_mode(name: str, lines: list[str]) -> None:
    assert_alike(FORWARD[name], lines, outside=True)


@settings(max_examples=12)
@given(functions(*UNRECORDED, *VIEWS_OF_ARGUMENTS))
def test_every_way_to_a_derivative_comes_to_the_same(lines: list[str]) -> None:
    """Without torch: rows, columns, products and the backward pass of old."""
    x, y, p = operands(minigrad, requires_grad=False)
    f = defined(lines, minigrad, p)
    given_x = x.clone().requires_grad_()
    try:
        expected = minigrad.autograd.grad(f(given_x, y).sum(), given_x, materialize_grads=True)[0]
        rows, value = func.jacrev(lambda a: (f(a, y), f(a, y)), has_aux=True)(x)
    except (RuntimeError, AttributeError):
        return
    assert minigrad.allclose(rows.reshape(-1, 2, 2).sum(0), expected)
    assert minigrad.equal(value, f(x, y))
    (pulled,) = func.vjp(lambda a: f(a, y), x)[1](minigrad.ones_like(value))
    assert minigrad.allclose(pulled, expected)
    assert minigrad.equal(given_x, x)


@settings(max_examples=12)
@given(functions())
def test_vmap_is_a_function_of_the_whole_batch(lines: list[str]) -> None:
    mapped = lambda F, f, x, y: F.vmap(F.vmap(f, in_dims=(0, None)), in_dims=(None, 0))(*batches(x, y))
    if not isinstance(found_by(torch, mapped, lines, False, "c"), str):  # it refuses more changes in place
        assert_alike(mapped, lines, False, "c")


def batches(x: Any, y: Any) -> tuple[Any, Any]:
    """Two of each."""
    library = minigrad if isinstance(x, minigrad.Tensor) else torch
    return library.stack([x, x.flip(0)]), library.stack([y, y * 2, y + 1])


Pair = namedtuple("Pair", "a b")
CALLS = {
    "a leaf outside": "F.grad(cubes)(g)",
    "captured": "F.grad(lambda a: (p * a**2).sum())(x), F.grad_and_value(lambda a: (p * a).sum())(x)",
    "of a constant": "F.grad(lambda a: torch.tensor(1.0))(g)",
    "within no_grad": "unrecorded(lambda: F.grad(cubes)(g)), unrecorded(lambda: F.vjp(squares, g)[0])",
    "captured within no_grad": "unrecorded(lambda: F.grad(lambda a: (p * a**2).sum())(x))",
    "vjp within no_grad, its product outside": "unrecorded(lambda: F.vjp(squares, g))[1](x)",
    "no_grad within": "F.grad(no_grad_within)(x), F.grad(no_grad_within)(g), F.jacrev(F.grad(no_grad_within))(x)",
    "inference mode": "inferred(lambda: F.grad(cubes)(x)), inferred(lambda: F.jvp(squares, (x,), (x,)))",
    "detach": "F.grad(lambda a: (a.detach() * a).sum())(x), F.jvp(lambda a: a.detach() * a, (x,), (x,))",
    "integers": "F.grad(cubes)(i)",
    "integers out": "F.grad(lambda a: a.long().sum())(x), F.jvp(lambda a: a.long(), (x,), (x,))",
    "a number": "F.grad(cubes)(2.0)",
    "not one number": "F.grad(squares)(x)",
    "not a tensor": "F.grad(lambda a: 3.0)(x)",
    "a tuple": "F.grad(lambda a: (a.sum(),))(x)",
    "a result with names": "F.grad(lambda a: (a.sum(), a.max(0)), has_aux=True)(x)",
    "more results": "F.grad(lambda a: (a.sum(), {'b': a * 2}), has_aux=True)(x)",
    "more results, of a leaf": "F.grad_and_value(lambda a: (a.sum(), a.sin()), has_aux=True)(g)",
    "more results, no tensor": "F.grad(lambda a: (a.sum(), 3), has_aux=True)(x)",
    "no more results": "F.grad(cubes, has_aux=True)(x)",
    "by the second": "F.grad(two, argnums=1)(x, g), F.grad(two, argnums=-1)(x, x), F.grad(two, argnums=(1,))(x, x)",
    "by the third": "F.grad(two, argnums=2)(x, x)",
    "by one twice": "F.grad(two, argnums=(0, 0))(x, x)",
    "by none": "F.grad(two, argnums=())(x, x)",
    "by a list": "F.grad(two, argnums=[0])(x, x)",
    "by a word": "F.grad(two, argnums=(0, 'a'))(x, x)",
    "no arguments": "F.grad(lambda: x.sum())()",
    "in a dictionary": "F.grad(lambda d: (d['a'] * d['b'][0]).sum())({'a': x, 'b': [x]})",
    "in an ordered one": "F.grad(lambda d: (d['a'] * d['b']).sum())(OrderedDict(a=x, b=x))",
    "in a tuple with names": "F.grad(lambda d: (d.a * d.b).sum())(Pair(x, x))",
    "a number in a dictionary": "F.grad(lambda d: (d['a'] * d['b']).sum())({'a': x, 'b': 3})",
    "a keyword": "F.grad(lambda a, s=2.0: (a * s).sum())(x, s=x)",
    "half": "F.grad(cubes)(x.half())",
    "a parameter": "F.grad(cubes)(torch.nn.Parameter(x))",
    "the same captured": "F.grad(lambda a: (a * g).sum())(g)",
    "changed in place": "F.grad(lambda a: a.mul_(2).sum())(x.clone())",
    "a view changed in place": "F.grad(lambda a: (a[0].zero_(), a.sum())[1])(x.clone())",
    "set in place": "F.grad(lambda a: (a.__setitem__(0, 5.0), a.sum())[1])(x.clone())",
    "the other argument changed in place": "F.grad(lambda a, b: (b.mul_(2) * a).sum())(x, y), y",
    "changed under no_grad": "F.grad(changing)(y), y",
    "what a graph outside has saved, changed": "(h := g.exp()), F.grad(changing)(h), h.sum().backward()",
    "a view whose base was changed": "F.grad(cubes)(view_of_changed(p))",
    "more results, such a view": "F.grad(lambda a: (a.sum(), view_of_changed(a)), has_aux=True)(x)",
    "a hook": "F.grad(hooked)(x), F.vjp(hooked, x)[1](torch.tensor(2.0))",
    "a hook, derivatives of derivatives": "F.grad(lambda a: F.grad(hooked)(a).sum())(x), F.hessian(hooked)(x)",
    "a hook, a leaf outside": "later(F.grad(lambda a: hooked(a * g))(x), g)",
    "a hook, autograd within": "F.grad(lambda a: torch.autograd.grad(hooked(a), a, create_graph=True)[0].sum())(x)",
    "a hook within, of what is outside": "F.grad(lambda a: F.grad(lambda b: hooked(a) * b.sum())(a).sum())(x)",
    "a hook within, of a leaf outside": "later(F.grad(lambda a: (g.register_hook(torch.neg), (a * g * a).sum())[1])(x), g)",
    "a hook outside, of what is captured": "later(F.grad(lambda a: (a * hooked_g * a).sum())(x), g)",
    "a hook within, of what came in": "F.grad(lambda a: (a.register_hook(torch.neg), a.sum())[1])(x)",
    "a hook within, of a level outside": "F.grad(lambda a: F.grad(lambda b: hooked_twice(a, b))(a).sum())(x)",
    "a hook in forward mode": "F.jvp(hooked, (x,), (x,))",
    "a hook in forward mode, of what is captured": "F.jvp(lambda a: hooked(g) * a, (x,), (x,))",
    "asking for gradients within": "F.grad(lambda a: a.detach().requires_grad_().sum())(x)",
    "a jacobian of old within": "F.grad(lambda a: torch.autograd.functional.jacobian(torch.exp, a).sum())(x)",
    "keeping a gradient within": "F.grad(lambda a: ((a * 2).retain_grad(), a.sum())[1])(x)",
    "inner derivatives": "F.grad(lambda a: (a * F.grad(lambda b: (a + b).sum())(y)).sum())(x)",
    "autograd within": "F.grad(lambda a: torch.autograd.grad((a**3).sum(), a, create_graph=True)[0].sum())(x)",
    "vjp": "vjp(squares, x), vjp(squares, g), vjp(lambda a: p * a**2, x)",
    "vjp of two": "F.vjp(lambda a, b: a * b, x, x)[1](x), F.vjp(lambda a, b: a, x, x)[1](x)",
    "vjp of a structure": "F.vjp(lambda a: {'o': a * 2, 'p': (a,)}, x)[1]({'o': x, 'p': (x,)})",
    "vjp of another structure": "F.vjp(lambda a: {'o': a * 2, 'p': (a,)}, x)[1]({'o': x, 'p': [x]})",
    "vjp of another shape": "F.vjp(squares, x)[1](torch.ones(3))",
    "vjp with a number": "F.vjp(squares, x)[1](3.0)",
    "vjp of integers": "F.vjp(lambda a: a.long(), x)",
    "vjp of nothing": "F.vjp(lambda a: None, x)",
    "vjp of an empty tuple": "F.vjp(lambda a: (), x)",
    "vjp of a number": "F.vjp(lambda a: 3.0, x)",
    "vjp, again": "again(*F.vjp(squares, g))",
    "vjp, once": "(product := F.vjp(torch.exp, x)[1]) and (product(x, retain_graph=False), product(x))",
    "vjp with a leaf": "F.vjp(squares, x)[1](g)",
    "vjp, more results": "F.vjp(lambda a: (a * a, a + 1), x, has_aux=True)[::2]",
    "jvp": "F.jvp(squares, (x,), (y,)), F.jvp(lambda a: torch.ones(3), (x,), (x,))",
    "jvp, strict": "F.jvp(lambda a: torch.ones(3), (x,), (x,), strict=True)",
    "jvp of a list": "F.jvp(squares, [x], [x])",
    "jvp with two": "F.jvp(squares, (x,), (x, x))",
    "jvp with a leaf": "F.jvp(squares, (x,), (g,)), F.linearize(squares, x)[1](g)",
    "jvp with a number": "F.jvp(squares, (x,), (3.0,))",
    "jvp with another shape": "F.jvp(squares, (x,), (torch.ones(3),))",
    "jvp of a number": "F.jvp(lambda a: 3.0, (x,), (x,))",
    "jvp of nothing": "F.jvp(lambda a: None, (x,), (x,))",
    "jvp of integers": "F.jvp(squares, (i,), (i,))",
    "jacobian by integers": "F.jacfwd(squares)(i)",
    "jvp with integers": "F.jvp(squares, (x,), (i,))",
    "jvp of no arguments": "F.jvp(lambda: x, (), ())",
    "jvp, more results": "F.jvp(lambda a: (a * a, a + 1), (x,), (x,), has_aux=True)",
    "jvp of a structure": "F.jvp(lambda d: {'o': d['a'] * d['b']}, ({'a': x, 'b': x},), ({'a': x, 'b': y},))",
    "jacobians": "F.jacrev(squares)(x), F.jacfwd(squares)(x), F.jacrev(squares, chunk_size=1)(x)",
    "jacobians by both": "[J(lambda a, b: a * b, argnums=(0, 1))(x, y) for J in (F.jacrev, F.jacfwd)]",
    "jacobians by all": "F.jacfwd(lambda a, b: a * b, argnums=None)(x, y)",
    "jacobians by all, backward": "F.jacrev(lambda a, b: a * b, argnums=None)(x, y)",
    "jacobians of dictionaries": "[J(lambda d: {'o': d['a'] * 2, 'q': d['b'].sum()})({'a': x, 'b': y}) for J in both]",
    "jacobians of tuples": "[J(lambda a: (a, a.sum()))(x) for J in both]",
    "jacobians of a number": "[J(squares)(torch.tensor(2.0)) for J in both]",
    "jacobians of nothing": "[J(squares)(torch.ones(0)) for J in both]",
    "jacobians of a constant": "[J(lambda a: torch.ones(3))(x) for J in both]",
    "jacobians, more results": "[J(lambda a: (a * a, a), has_aux=True)(x) for J in both]",
    "jacobians in pieces of none": "F.jacrev(squares, chunk_size=0)",
    "jacobian of random numbers": "F.jacfwd(lambda a: a * torch.rand(2))(x)",
    "jacobian of the same random numbers": "F.jacfwd(lambda a: a * torch.rand(2), randomness='same')(x)",
    "hessian": "F.hessian(cubes)(x), F.hessian(lambda a, b: (a**2 * b).sum(), argnums=(0, 1))(x, y)",
    "third derivatives": "F.jacfwd(F.jacfwd(lambda a: a**3))(x), F.jacrev(F.jacrev(lambda a: a**3))(x)",
    "linearized": "(lambda out, f: (out, f(x), f(y)))(*F.linearize(squares, x))",
    "linearized, another shape": "F.linearize(squares, x)[1](torch.ones(3))",
    "linearized, another dtype": "F.linearize(squares, x)[1](x.double())",
    "linearized, too many": "F.linearize(squares, x)[1](x, x)",
    "mapped": "F.vmap(torch.dot)(n, n), F.vmap(torch.dot, (0, None))(n, m), F.vmap(torch.dot, (1, 1))(n, n)",
    "mapped outside": "torch.vmap(lambda a: a.sum(), -1)(n), torch.vmap is F.vmap",
    "out": "F.vmap(lambda a: (a * 2, a.sum()), out_dims=(1, 0))(n), F.vmap(lambda a: a * 2, out_dims=-1)(n)",
    "out too far": "F.vmap(lambda a: a * 2, out_dims=2)(n)",
    "out as it is": "F.vmap(lambda a: (a * 2, 3, m), out_dims=(1, None, None))(n)",
    "out as it cannot be": "F.vmap(lambda a: a * 2, out_dims=None)(n)",
    "out of a dictionary": "F.vmap(lambda a: {'o': a}, out_dims={'o': 1})(n)",
    "out of another dictionary": "F.vmap(lambda a: {'o': a}, out_dims={'p': 1})(n)",
    "out of too few": "F.vmap(lambda a: (a, a), out_dims=(0,))(n)",
    "out of one": "F.vmap(lambda a: a, out_dims=(0,))(n)",
    "out of too many": "F.vmap(lambda a: a, out_dims=(0, 0))(n)",
    "out of a word": "F.vmap(lambda a: a, out_dims='a')(n)",
    "a constant": "F.vmap(lambda a: torch.ones(2))(n)",
    "out a number": "F.vmap(lambda a: 3)(n)",
    "out with names": "F.vmap(lambda a: a.max(0))(n)",
    "in too few": "F.vmap(lambda a, b: a, in_dims=(0,))(n, n)",
    "in a list": "F.vmap(lambda a: a, in_dims=[0])(n)",
    "in none": "F.vmap(lambda a: a, in_dims=(None,))(n)",
    "in too far": "F.vmap(lambda a: a, in_dims=2)(n)",
    "in a word": "F.vmap(lambda a: a, in_dims=('a',))(n)",
    "in a number": "F.vmap(lambda a, b: a)(n, 3)",
    "in a scalar": "F.vmap(lambda a: a)(torch.tensor(1.0))",
    "in other sizes": "F.vmap(lambda a, b: a)(n, m)",
    "in nothing": "F.vmap(lambda: m)()",
    "in parts of a dictionary": "F.vmap(lambda d: d['x'] @ d['y'], in_dims=({'x': 0, 'y': None},))({'x': n, 'y': m})",
    "part of a function": "F.vmap(partial(lambda a, b: a, b=3), in_dims=(0, 0))(n)",
    "a module": "F.vmap(torch.nn.Linear(3, 1), in_dims=(0, 0))(n)",
    "mapped, a keyword": "F.vmap(lambda a, s=2: a.sum() * s)(n, s=m)",
    "mapped, nothing": "F.vmap(lambda a: (a * 2, a.sum()))(torch.ones(0, 3))",
    "mapped, nothing, from the end": "F.vmap(lambda a: a * 2, -1)(torch.ones(3, 0))",
    "mapped, gradients": "F.vmap(lambda a: a.sum())(n.requires_grad_()).requires_grad",
    "item": "F.vmap(lambda a: a.sum().item() * a)(n)",
    "float": "F.vmap(lambda a: float(a.sum()) * a)(n)",
    "if": "F.vmap(lambda a: a if a.sum() > 3 else -a)(n)",
    "tolist": "F.vmap(lambda a: torch.tensor(a.tolist()))(n)",
    "data": "F.vmap(lambda a: (a * 2).data)(n)",
    "data of what is shared": "F.vmap(lambda a: torch.ones(2).data * a.sum())(n)",
    "item of what is shared": "F.vmap(lambda a: a * m.sum().item() if m.sum() > 0 else a)(n)",
    "as an index": "F.vmap(lambda j: m[j])(torch.tensor([0, 2]))",
    "random": "F.vmap(lambda a: a + torch.rand(3))(n)",
    "random layer": "F.vmap(torch.nn.functional.dropout)(n)",
    "random, the same": "F.vmap(lambda a: a + torch.rand(3), randomness='same')(n), torch.rand(1)",
    "random, different": "F.vmap(lambda a: a + torch.rand(3), randomness='different')(n), torch.rand(1)",
    "random within random": "F.vmap(lambda a: F.vmap(lambda b: b + torch.rand(()), randomness='same')(a))(n)",
    "random in another way": "F.vmap(lambda a: a, randomness='foo')",
    "in pieces": "F.vmap(lambda a: a * 2, chunk_size=1)(n), F.vmap(lambda a: a * 2, chunk_size=2, out_dims=1)(n)",
    "in pieces of none": "F.vmap(lambda a: a, chunk_size=0)",
    "slices changed in place": "F.vmap(lambda a: a.mul_(2))(n), n",
    "what is shared changed in place": "F.vmap(lambda a: m.mul_(a))(n)",
    "an argument that is shared changed in place": "F.vmap(lambda a, b: a.mul_(b), in_dims=(None, 0))(m, n)",
    "slices of the same changed in place": "F.vmap(lambda a, b: a.mul_(b))(n, n), n",
    "slices that are one changed in place": "refused(lambda: F.vmap(lambda a: a.add_(1))(m.expand(2, 3)))",
    "slices that cross changed in place": "refused(lambda: F.vmap(lambda a, b: a.add_(b), in_dims=(0, 1))(z, z))",
    "the places of values, once for all": "F.vmap(lambda a: a.argmax(), out_dims=None)(z)",
    "a module of which each has one": "stacked(torch)",
    "no modules": "F.stack_module_state([])",
    "modules in other modes": "F.stack_module_state([torch.nn.Linear(1, 1), torch.nn.Linear(1, 1).eval()])",
    "modules of other classes": "F.stack_module_state([torch.nn.Linear(1, 1), torch.nn.ReLU()])",
    "one frozen": "F.stack_module_state([torch.nn.Linear(1, 1), torch.nn.Linear(1, 1).requires_grad_(False)])",
    "names": "[T(torch.dot).__name__ for T in (F.vmap, F.grad, F.jacrev, F.jacfwd, F.hessian)]",
}


def stacked(library: Any) -> Any:
    models = [library.nn.Sequential(library.nn.Linear(2, 1), library.nn.BatchNorm1d(1)).eval() for _ in range(3)]
    params, buffers = library.func.stack_module_state(models)
    call = lambda p, b, x: library.func.functional_call(models[0], (p, b), (x,))
    found = library.vmap(call, in_dims=(0, 0, None))(params, buffers, library.ones(4, 2))
    expected = library.stack([model(library.ones(4, 2)) for model in models])
    return library.allclose(found, expected), {
        name: (t.shape, t.requires_grad, t.is_leaf) for name, t in (params | buffers).items()
    }


@pytest.mark.parametrize("call", CALLS)
def test_calls(call: str) -> None:
    """The same results and errors; names of nodes are not compared, for torch goes other ways to the same numbers."""

    def run(library: Any) -> Any:
        F = library.func

        def within(mode: Any) -> Any:
            def run_in(f: Any) -> Any:
                with mode():
                    return f()

            return run_in

        def no_grad_within(a: Any) -> Any:
            with library.no_grad():
                c = a**2
            return (a - c).sum() * (a * a).sum()

        def hooked(a: Any) -> Any:
            y = a * a
            y.register_hook(lambda d: d * 10)
            return (y * y).sum()

        def again(value: Any, product: Any) -> Any:
            return (
                value,
                product(value),
                product(value, create_graph=False),
                within(library.no_grad)(lambda: product(value)),
            )

        x, y, i = library.tensor([1.0, 2.0]), library.tensor([3.0, 0.5]), library.tensor([1, 2])
        g, p = library.tensor([1.0, 2.0], requires_grad=True), library.tensor(3.0, requires_grad=True)

        def hooked_twice(a: Any, b: Any) -> Any:
            a.register_hook(lambda d: d * 10)
            return (a * b * b).sum()

        def later(found: Any, leaf: Any) -> Any:
            return found, library.autograd.grad(found.sum(), leaf)

        def refused(f: Any) -> Any:
            with pytest.raises(RuntimeError):
                f()

        hooked_g, z = g * 1, library.eye(2)
        hooked_g.register_hook(lambda d: d * 10)
        n, m = library.arange(6.0).reshape(2, 3), library.arange(3.0)
        cubes, squares, two = (lambda a: (a**3).sum()), (lambda a: a**2), (lambda a, b: (a * b).sum())
        view_of_changed = lambda factor: (lambda b: (b[:1], b.mul_(factor))[0])(library.ones(2))
        changing = lambda a: (unrecorded(lambda: a.mul_(2)), (a * a).sum())[1]
        vjp = lambda f, a: (lambda out, product: (out, product(out)))(*F.vjp(f, a))
        both, unrecorded, inferred = (F.jacrev, F.jacfwd), within(library.no_grad), within(library.inference_mode)
        names = {**globals(), **locals(), "torch": library, "partial": partial, "OrderedDict": OrderedDict}
        return without_nodes(library, eval(CALLS[call], names))

    ours, theirs = outcome(run, minigrad), outcome(run, torch)
    assert ours == (theirs.removesuffix("\nUserWarning") if "linearize" in CALLS[call] else theirs)  # of its compiler


def without_nodes(library: Any, found: Any) -> Any:
    if isinstance(found, library.Tensor):
        return found.detach(), found.requires_grad
    if isinstance(found, dict):
        return {key: without_nodes(library, value) for key, value in found.items()}
    return tuple([without_nodes(library, v) for v in found]) if isinstance(found, (tuple, list)) else found


# Where minigrad goes another way than torch


def test_forward_mode_refuses_what_it_cannot_see() -> None:
    """torch's takes no notice of no_grad."""

    def f(x: Any) -> Any:
        with minigrad.no_grad():
            c = x * x
        return c * x

    for product in (
        lambda: func.jvp(f, (minigrad.ones(2),), (minigrad.ones(2),)),
        lambda: func.jacfwd(f)(minigrad.ones(2)),
    ):
        with pytest.raises(RuntimeError, match="computes something under no_grad") as caught:
            product()
        assert "    x * x\n" in str(caught.value)


class Square(minigrad.autograd.Function):
    """With a backward whose own derivative nothing could tell, as those have that go by way of NumPy."""

    @staticmethod
    def forward(x: Any) -> Any:
        return minigrad.from_numpy(x.detach().numpy() ** 2)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        return minigrad.from_numpy(g.detach().numpy() * 2) * ctx.saved_tensors[0]


@pytest.mark.parametrize("derive", [func.hessian, lambda f: lambda x: func.jvp(f, (x,), (x,)), func.jacfwd])
def test_forward_mode_refuses_a_function_of_ones_own(derive: Any) -> None:
    """It was zeros, silently; torch asks for its `jvp`."""
    x, other = minigrad.ones(3), minigrad.full((3,), 2.0, requires_grad=True)
    assert func.grad(lambda a: Square.apply(a).sum())(x).tolist() == [2, 2, 2]
    with pytest.raises(NotImplementedError, match="You must implement the jvp function"):
        derive(lambda a: Square.apply(a * a).sum())(x)
    derive(lambda a: (Square.apply(other) * a).sum())(x)  # which it is not to go through


def test_hooks_of_modules_are_refused_within_derivatives() -> None:
    """As in torch, which takes no notice of them in forward mode."""
    layer, x, seen = nn.Linear(3, 3), minigrad.ones(3), []
    layer.register_full_backward_hook(lambda module, gi, go: seen.append(go))
    for derive in (func.grad, func.hessian):
        with pytest.raises(RuntimeError, match="must override the setup_context staticmethod"):
            derive(lambda x: layer(x).sum())(x)
    assert minigrad.allclose(func.jacfwd(layer)(x), layer.weight)
    assert not seen


def test_vmap_refuses_to_change_what_slices_share_though_the_same_for_all() -> None:
    buffer = minigrad.ones(3)
    with pytest.raises(RuntimeError, match="inplace arithmetic"):
        func.vmap(lambda a: buffer.mul_(2) + a)(minigrad.ones(2, 3))


def test_vmap_gives_what_the_loop_gives_where_it_does_not_follow_the_slice() -> None:
    """torch refuses these."""
    f, batch = lambda a: a * a.argmax().item() if (a > 1).any() else -a, minigrad.arange(6.0).reshape(3, 2)
    assert minigrad.equal(func.vmap(f)(batch), minigrad.stack([f(a) for a in batch]))


@pytest.mark.parametrize("name", ["grad", "jacrev", "jacfwd", "vmap"])
def test_backward_is_refused_within_a_transformed_function(name: str) -> None:
    w = minigrad.ones(2, requires_grad=True)
    for call in (minigrad.Tensor.backward, minigrad.autograd.backward):
        f = getattr(func, name)(lambda x, call=call: call((w * x).sum()) or (x * x).sum())
        with pytest.raises(RuntimeError, match="called inside a functorch transform"):
            f(minigrad.ones(2, 2))
    assert w.grad is None


def test_vmap_refuses_results_of_different_structure() -> None:
    """torch runs the function once."""
    structures = iter([(), []])
    with pytest.raises(RuntimeError, match="the slices have results of different structure"):
        func.vmap(lambda a: next(structures))(minigrad.ones(2))


@pytest.mark.parametrize("call", [lambda x: lambda a: a.mul_(x.sum()), lambda x: lambda a: a.add_(x[0])])
def test_vmap_refuses_to_use_what_another_slice_has_changed(call: Any) -> None:
    """torch has the sum before any slice changes."""
    x = minigrad.arange(6.0).reshape(3, 2)
    for run in (
        lambda: func.vmap(call(x))(x),
        lambda: func.vmap(lambda a, whole: call(whole)(a), in_dims=(0, None))(x, x),
    ):
        with pytest.raises(RuntimeError, match="changed in place for another slice"):
            run()
    assert func.vmap(lambda a: a.mul_(2).sum() + a.sum())(minigrad.ones(3, 2)).tolist() == [8, 8, 8]


def test_a_graph_is_left_that_something_else_needs() -> None:
    """The gradient does not depend on `p`, but what is returned beside it does, over the same operations."""
    p, x = minigrad.tensor(2.0, requires_grad=True), minigrad.ones(2)
    aux = func.grad(lambda x: ((h := x.exp()).sum(), h.sin() * p), has_aux=True)(x)[1]
    aux.sum().backward()
    assert p.grad.item() == pytest.approx(2 * np.sin(np.e))
    assert x.grad is None


def test_derivatives_leave_nothing_behind() -> None:
    x = minigrad.ones(3)
    found = func.grad(lambda a: (a * a).sum())(x), func.jacfwd(lambda a: a * a)(x), func.vjp(lambda a: a * a, x)[0]
    assert not any(t.requires_grad for t in found)
    assert x.grad is None
    assert x._version == 0
    assert x.grad_fn is None


def test_gradients_of_each_example_are_those_of_a_loop() -> None:
    minigrad.manual_seed(0)
    net, X, y = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)), minigrad.randn(5, 3), minigrad.arange(5) % 2
    params = dict(net.named_parameters())

    def loss(params: Any, x: Any, label: Any) -> Any:
        return nn.functional.cross_entropy(func.functional_call(net, params, (x[None],)), label[None])

    found = func.vmap(func.grad(loss), in_dims=(None, 0, 0))(params, X, y)
    for i in range(5):
        expected = minigrad.autograd.grad(loss(params, X[i], y[i]), list(params.values()))
        for name, slope in zip(params, expected, strict=True):
            assert minigrad.allclose(found[name][i], slope)
            assert found[name].requires_grad
