"""Hooks of modules, around forward and in the backward pass, are called as torch calls them."""

import warnings
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from nn_programs import Programs, affine
from parity import assert_same, outcome

import minigrad

program = Programs()


@program
def forward_hooks(torch: Any) -> Any:
    net, said = affine(torch), []
    x = torch.ones(1, 3)
    net.register_forward_pre_hook(lambda m, args: said.append(("pre", m is net, args)))
    net.register_forward_hook(lambda m, args, out: said.append(("post", args, out)))
    seen = [net(x)]
    first = net.register_forward_pre_hook(lambda m, args: args[0] * 2, prepend=True)
    last = net.register_forward_hook(lambda m, args, out: (out, "more"))
    seen.append(net(x))
    first.remove()
    last.remove()
    with net.register_forward_pre_hook(
        lambda m, args, kw: (args, {"shift": kw.get("shift", 0) + 10}), with_kwargs=True
    ):
        seen.append(net(x, shift=1))
    with net.register_forward_hook(lambda m, args, kw, out: out * len(kw), with_kwargs=True, prepend=True):
        seen.append(net(x, shift=1))
    return said, seen, net(x)


@program
def a_pass_by_another_way(torch: Any) -> Any:
    """What arrived at the outputs in a pass before is not shown again."""
    said = []

    class Net(torch.nn.Module):
        def forward(self, x: Any) -> Any:
            self.inner = x * 2
            return self.inner + 1

    net, x = Net(), torch.ones(2, requires_grad=True)
    net.register_full_backward_hook(lambda module, inputs, outputs: said.append((inputs, outputs)))
    net(x).sum().backward(retain_graph=True)
    net.inner.sum().backward()
    return said, x.grad


@program
def where_hooks_are_kept(torch: Any) -> Any:
    net = torch.nn.Module()
    empty = {
        name: repr(kept) for name, kept in sorted(vars(net).items()) if name.endswith(("hooks", "kwargs", "called"))
    }
    before, after, last = (lambda *args: None), (lambda *args: None), (lambda *args: None)
    handles = [net.register_forward_pre_hook(before, with_kwargs=True)]
    handles.append(net.register_forward_hook(after, with_kwargs=True, always_call=True))
    handles.append(net.register_forward_hook(last, prepend=True))
    ids = [h.id for h in handles]
    found = [
        [
            (ids.index(key), value is True or [before, after, last].index(value))
            for key, value in getattr(net, f"_forward_{name}").items()
        ]
        for name in ("pre_hooks", "hooks", "pre_hooks_with_kwargs", "hooks_with_kwargs", "hooks_always_called")
    ]
    for h in handles:
        h.remove()
    return empty, found, repr(net._forward_hooks), repr(net._forward_hooks_always_called)


@program
def a_wrong_pre_hook(torch: Any) -> Any:
    net = affine(torch)
    net.register_forward_pre_hook(lambda m, args, kw: args, with_kwargs=True)
    net(torch.ones(1, 3))


@program
def hooks_that_are_always_called(torch: Any) -> Any:
    net, said = affine(torch), []
    net.register_forward_hook(lambda m, args, out: said.append(("always", out)), always_call=True)
    net.register_forward_hook(lambda m, args, out: 1 / 0, always_call=True)
    net.register_forward_hook(lambda m, args, out: said.append(("never", out)))
    try:
        net(torch.ones(7, 7))
    except RuntimeError as error:
        said.append(type(error).__name__)
    try:
        net(torch.ones(1, 3))
    except ZeroDivisionError:
        said.append("raised")
    return said


@program
def backward_hooks(torch: Any) -> Any:
    net, said = affine(torch), []
    net.register_full_backward_pre_hook(lambda m, out: said.append(("pre", out)))
    net.register_full_backward_hook(lambda m, inputs, out: said.append((inputs, out)))
    net.inner.register_full_backward_hook(lambda m, inputs, out: said.append(("inner", inputs, out)))
    x = torch.ones(2, 3, requires_grad=True)
    y = net(x)
    y.sum().backward()
    return said, x.grad, y, net.weight.grad


@program
def backward_hooks_change_gradients(torch: Any) -> Any:
    net = affine(torch)
    net.register_full_backward_pre_hook(lambda m, out: (out[0] * 10,))
    net.register_full_backward_hook(lambda m, inputs, out: (inputs[0] + 1,))
    net.register_full_backward_hook(lambda m, inputs, out: (inputs[0] * 2,), prepend=True)
    x = torch.ones(2, 3, requires_grad=True)
    net(x).sum().backward()
    return x.grad, net.weight.grad


@program
def backward_hooks_of_several_values(torch: Any) -> Any:
    class Pair(torch.nn.Module):
        def forward(self, a: Any, n: int, b: Any) -> Any:
            return a * n, "text", b * b

    net, said = Pair(), []
    net.register_full_backward_hook(lambda m, inputs, out: said.append((inputs, out)))
    a, b = torch.ones(2, requires_grad=True), torch.ones(2)
    out = net(a, 3, b)
    out[0].sum().backward()
    return said, out, a.grad


@program
def backward_hooks_without_inputs(torch: Any) -> Any:
    net, said = affine(torch), []
    net.register_full_backward_hook(lambda m, inputs, out: said.append((inputs, out)))
    net(torch.ones(2, 3)).sum().backward()
    with torch.no_grad():
        net(torch.ones(2, 3))
    return said, net.weight.grad


@program
def backward_hooks_of_no_tensors(torch: Any) -> Any:
    class Named(torch.nn.Module):
        def forward(self, x: Any) -> Any:
            return {"x": x * 2}

    net, said = Named(), []
    net.register_full_backward_hook(lambda m, inputs, out: said.append((inputs, out)))
    x = torch.ones(2, requires_grad=True)
    net(x)["x"].sum().backward()
    return said, x.grad


for kind, hook in {
    "pre": lambda net: net.register_full_backward_pre_hook(lambda m, out: (out[0], out[0])),
    "full": lambda net: net.register_full_backward_hook(lambda m, inputs, out: (None, None)),
    "no inputs": lambda net: net.requires_grad_().register_full_backward_hook(lambda m, inputs, out: (out[0],)),
    "dtype": lambda net: net.register_full_backward_hook(lambda m, inputs, out: (inputs[0].double(),)),
    "shape": lambda net: net.register_full_backward_hook(lambda m, inputs, out: (inputs[0].sum(),)),
    "no tuple": lambda net: net.register_full_backward_hook(lambda m, inputs, out: inputs[0][:1]),
    "no tensor": lambda net: net.register_full_backward_hook(lambda m, inputs, out: (1,)),
    "pre, dtype": lambda net: net.register_full_backward_pre_hook(lambda m, out: (out[0].double(),)),
    "pre, shape": lambda net: net.register_full_backward_pre_hook(lambda m, out: (out[0][:1],)),
}.items():

    def wrong_hook(torch: Any, hook: Any = hook, kind: str = kind) -> Any:
        net = affine(torch)
        hook(net)
        net(torch.ones(2, 3, requires_grad=kind != "no inputs")).sum().backward()

    program.all[f"a wrong backward hook: {kind}"] = wrong_hook


@program
def the_output_of_a_hooked_module_may_not_be_changed(torch: Any) -> Any:
    net = affine(torch)
    net.register_full_backward_hook(lambda m, inputs, out: None)
    net(torch.ones(2, 3, requires_grad=True)).add_(1)


class Several:
    """Modules whose last operation is not all that they do, for hooks of the old form."""

    last = staticmethod(lambda torch: torch.nn.Linear(3, 2))
    two = staticmethod(affine)
    pair = staticmethod(lambda torch: returning(torch, lambda x: (x * 2, x.exp())))
    one = staticmethod(lambda torch: returning(torch, lambda x: x.exp()))
    nested = staticmethod(lambda torch: returning(torch, lambda x: [{"a": 3, "b": x * 2}]))
    number = staticmethod(lambda torch: returning(torch, lambda x: x.sin()))
    untracked = staticmethod(lambda torch: returning(torch, lambda x: x.detach()))


def returning(torch: Any, f: Any) -> Any:
    net = torch.nn.Module()
    net.forward = lambda x, *more: f(x)
    return net


for kind in [name for name in vars(Several) if not name.startswith("_")]:

    def old_hooks(torch: Any, kind: str = kind) -> Any:
        net, said = getattr(Several, kind)(torch), []
        if kind == "two":
            net.register_full_backward_pre_hook(lambda m, out: said.append("pre"))
        net.register_backward_hook(lambda m, inputs, out: said.append((m is net, inputs, out)))
        net.register_backward_hook(lambda m, inputs, out: tuple(g if g is None else g * 2 for g in inputs)).remove()
        net.register_backward_hook(lambda m, inputs, out: tuple(g if g is None else g * 3 for g in inputs))
        x = torch.arange(6.0).reshape(2, 3).requires_grad_()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            for given in (x, x * 1):
                found = net(given, *([4] if kind == "number" else []))
                while not isinstance(found, torch.Tensor):
                    found = found["b"] if isinstance(found, dict) else found[0]
                if found.requires_grad:
                    found.sum().backward()
        return said, x.grad, found, [(w.category, str(w.message)) for w in caught]

    program.all[f"hooks of the old form: {kind}"] = old_hooks


for full_first in (True, False):

    def both_forms(torch: Any, full_first: bool = full_first) -> Any:
        net = affine(torch)
        forms = [net.register_full_backward_hook, net.register_backward_hook]
        for register in forms if full_first else reversed(forms):
            register(lambda m, inputs, out: None).remove()

    program.all[f"both forms, full first: {full_first}"] = both_forms


@pytest.mark.parametrize("name", program.all)
def test_programs(name: str) -> None:
    assert_same(program.all[name])


def test_the_programs_that_raise_are_those_that_should() -> None:
    """A program that fails in both libraries for another reason would compare nothing."""
    raising = {name for name, run in program.all.items() if "Error: " in outcome(run, torch).split("\n")[0][:30]}
    assert raising == {
        "a_wrong_pre_hook",
        "a wrong backward hook: pre",
        "a wrong backward hook: full",
        "a wrong backward hook: no inputs",
        "a wrong backward hook: dtype",
        "a wrong backward hook: shape",
        "a wrong backward hook: no tuple",
        "a wrong backward hook: no tensor",
        "a wrong backward hook: pre, dtype",
        "a wrong backward hook: pre, shape",
        "both forms, full first: True",
        "both forms, full first: False",
        "the_output_of_a_hooked_module_may_not_be_changed",
    }


def test_warnings_name_the_users_line() -> None:
    net = affine(minigrad)
    net.register_full_backward_hook(lambda m, inputs, out: None)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        net(minigrad.ones(2, 3)).sum().backward()
    assert [w.filename for w in caught] == [__file__]
