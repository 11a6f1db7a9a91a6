"""What of a Module's state is not tensors, the hooks around saving and loading it, and what replaces it: as in torch."""

from typing import Any

import pytest

torch = pytest.importorskip("torch")

from nn_programs import Programs, affine
from parity import assert_same, outcome

import minigrad

program = Programs()


def counting(torch: Any, *methods: str) -> Any:
    """A module with one more thing to remember, inside another."""

    class Counting(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.p = torch.nn.Parameter(torch.ones(2))
            self.calls: Any = {"n": 0}

    both = {
        "get_extra_state": lambda self: self.calls,
        "set_extra_state": lambda self, state: setattr(self, "calls", state),
    }
    for name in methods or both:
        setattr(Counting, name, both[name])
    return torch.nn.Sequential(Counting(), torch.nn.Linear(1, 1))


@program
def extra_state(torch: Any) -> Any:
    net, other = counting(torch), counting(torch)
    net[0].calls = {"n": 3, "seen": torch.ones(1)}
    state = net.state_dict()
    loaded = other.load_state_dict(state)
    return list(state), state["0._extra_state"], state._metadata, loaded, other[0].calls


for names in (("get_extra_state", "set_extra_state"), ("get_extra_state",), ("set_extra_state",)):
    for strict in (True, False):

        def extra_state_that_does_not_fit(torch: Any, names: Any = names, strict: bool = strict) -> Any:
            net, plain = counting(torch, *names), affine(torch)
            state, said = net.state_dict(), []
            for given in ({k: v for k, v in state.items() if "extra" not in k}, state | {"0._extra_state": 7}):
                try:
                    said.append((net.load_state_dict(given, strict=strict), net[0].calls))
                except RuntimeError as error:
                    said.append(str(error))
            wrong = plain.state_dict() | {"more": 1, "inner._extra_state": 2, "_extra_state": 3}
            return said, plain.load_state_dict(wrong, strict=False)

        program.all[f"extra state with {names}, strict={strict}"] = extra_state_that_does_not_fit


@program
def hooks_of_the_state(torch: Any) -> Any:
    net, said = affine(torch), []
    for module in (net, net.inner):
        module.register_state_dict_pre_hook(
            lambda *args, module=module: said.append(("pre", args[0] is module, *args[1:]))
        )
        handle = module.register_state_dict_post_hook(
            lambda m, state, prefix, metadata: (said.append((list(state), prefix, metadata)), None)[1]
        )
    net.register_state_dict_pre_hook(lambda m, prefix, keep_vars: m.mean.mul_(2))

    def hook(m: Any, state: Any, prefix: str, metadata: Any) -> None:
        state[prefix + "more"] = metadata["more"] = 5

    net.inner.register_state_dict_post_hook(hook)
    seen = [net.state_dict(), net.state_dict(prefix="net.", keep_vars=True), net.state_dict()._metadata]
    handle.remove()
    return seen, said, net.state_dict(destination={})


@program
def a_post_hook_of_the_state_that_returns(torch: Any) -> Any:
    net = affine(torch)
    net.inner.register_state_dict_post_hook(lambda m, state, prefix, metadata: state)
    net.state_dict()


@program
def hooks_of_loading(torch: Any) -> Any:
    net, said = affine(torch), []

    def renamed(m: Any, state: Any, prefix: str, *more: Any) -> None:
        said.append((type(m).__name__, type(state).__name__, list(state), prefix, *more))
        if prefix + "old" in state:
            state[prefix + "scale"] = state.pop(prefix + "old")

    for module in (net, net.inner):
        module.register_load_state_dict_pre_hook(renamed)
        module.register_load_state_dict_post_hook(
            lambda m, keys: said.append((type(m).__name__, keys.missing_keys[:], keys.unexpected_keys[:]))
        )
    net.register_load_state_dict_post_hook(lambda m, keys: keys.missing_keys.clear())
    net.register_load_state_dict_pre_hook(lambda m, state, prefix, *more: (state.pop("inner.extra", None), None)[1])
    state = net.state_dict()
    given = {"weight": state["weight"] * 2, "inner.old": state["inner.scale"] * 3, "inner.extra": state["mean"]}
    loaded = net.load_state_dict(given)
    return loaded, said, net.state_dict(), list(given)


for text, change in {
    "adds": lambda net: net.register_load_state_dict_post_hook(lambda m, keys: keys.unexpected_keys.append("this")),
    "returns": lambda net: net.register_load_state_dict_post_hook(lambda m, keys: keys),
    "says": lambda net: net.register_load_state_dict_pre_hook(lambda m, *more: more[-1].append("it is too old")),
}.items():

    def a_hook(torch: Any, change: Any = change) -> Any:
        net = affine(torch)
        change(net.inner)
        try:
            return net.load_state_dict(net.state_dict())
        except (RuntimeError, AssertionError) as error:
            return type(error), str(error)

    program.all[f"a hook of loading that {text}"] = a_hook


@program
def emptied(torch: Any) -> Any:
    net, seen = affine(torch), []
    net(torch.ones(1, 3)).sum().backward()
    weight, inner, grad = net.weight, net.inner.scale, net.weight.grad
    for recurse in (False, True):
        seen += [net.to_empty(device="cpu", recurse=recurse) is net, net.weight is weight, net.inner.scale is inner]
        seen += [(t.shape, t.dtype, t.requires_grad) for t in [*net.parameters(), *net.buffers()]]
        seen += [net.weight.grad is grad, net.inner.scale.tolist() == [2.0, 3.0] or recurse]
    seen.append(net.double().to_empty(device=None).weight.dtype)
    return seen


@program
def submodules_set(torch: Any) -> Any:
    said = []
    for name in ("inner", "more", "inner.scale", "weight", "inner.more", "other.more", "mean.more", "forward", ""):
        for strict, module in ((True, torch.nn.ReLU()), (False, torch.nn.ReLU()), (False, 3)):
            net = affine(torch)
            try:
                net.set_submodule(name, module, strict)
                said += [net, net.get_submodule(name) is module]
            except (AttributeError, ValueError) as error:
                said += [type(error), str(error)]
    return said


@program
def compiled_in_place(torch: Any) -> Any:
    net, options = torch.nn.Linear(3, 2), {} if torch is minigrad else {"backend": "eager"}
    called: list[int] = []
    net.register_forward_hook(lambda m, args, out: called.append(1))
    return net.compile(**options), net(torch.ones(1, 3)), called


@program
def called_with_other_parameters(torch: Any) -> Any:
    class Counting(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
            self.second.weight = self.first.weight
            self.register_buffer("calls", torch.tensor(0))

        def forward(self, x: Any, scale: float = 1.0) -> Any:
            self.calls = self.calls + 1
            return self.second(self.first(x)) * scale

    net, call = Counting(), torch.func.functional_call
    before = {name: p.detach().clone() for name, p in net.named_parameters()}
    bias, weight = torch.ones(2, requires_grad=True), torch.full((2, 2), 0.5, requires_grad=True)
    given = {"first.weight": weight, "second.bias": bias, "calls": torch.tensor(5)}
    x = torch.arange(4.0).reshape(2, 2)
    first = call(net, given, x, {"scale": 2.0})
    first.sum().backward()
    untied = call(net, ({"first.weight": weight}, {"second.bias": bias}), (x,), tie_weights=False)
    same = all(torch.equal(p, before[name]) for name, p in net.named_parameters())
    return (
        first,
        untied,
        bias.grad,
        weight.grad,
        given["calls"],
        net.calls,
        same,
        call(net, {}, x),
        list(net.state_dict()),
    )


def test_a_module_in_two_places_has_its_own_parameters_after_a_call_with_others() -> None:
    """torch leaves the others in it: it puts back what was there in the order in which it took it."""
    net = minigrad.nn.Linear(2, 2, bias=False)
    own, twice, given = net.weight, minigrad.nn.Sequential(net, net), minigrad.ones(2, 2)
    assert minigrad.func.functional_call(twice, {"1.weight": given}, minigrad.ones(2)).tolist() == [4, 4]
    assert net.weight is own


@program
def called_with_parameters_of_other_names(torch: Any) -> Any:
    net, x, call = torch.nn.Sequential(torch.nn.Linear(1, 1)), torch.ones(1, 1), torch.func.functional_call
    tied = torch.nn.Sequential(net[0], net[0])
    some = {"0.bias": torch.ones(1)}
    ways = [
        lambda: call(net, some | {"0.foo": torch.ones(1)}, x, strict=True),
        lambda: call(net, (some, some), x),
        lambda: call(net, [3], x),
        lambda: call(net, 3, x),
        lambda: call(tied, {"0.bias": torch.ones(1), "1.bias": torch.ones(1)}, x),
        lambda: call(net, {"0.bias": 3}, x),
        lambda: call(net, {"": x}, x),
        lambda: call(net, {"0.weight.data": x}, x),
        lambda: call(net, {"0.weight.": x}, x),
        lambda: call(net, {"1.weight": x}, x),
        lambda: call(net, {"0": x}, x),
        lambda: call(net, {"0.in_features": x}, x),
        lambda: call(net, {}, [x]),
    ]
    found = [outcome(lambda _, way=way: way(), torch) for way in ways]
    return "ways to call it that raise", found, call(net, {"0.foo": x}, x), hasattr(net[0], "foo")


@pytest.mark.parametrize("name", program.all)
def test_programs(name: str) -> None:
    assert_same(program.all[name])


def test_the_programs_that_raise_are_those_that_should() -> None:
    """A program that fails in both libraries for another reason would compare nothing."""
    raising = {name for name, run in program.all.items() if "Error: " in outcome(run, torch).split("\n")[0][:30]}
    assert raising == {"a_post_hook_of_the_state_that_returns"}


@pytest.mark.parametrize("call", [lambda net: net.get_extra_state(), lambda net: net.set_extra_state(3)])
def test_extra_state_is_for_a_class_to_define(call: Any) -> None:
    """torch's text goes on with where to report it as torch's fault; minigrad's says what to do."""
    with pytest.raises(RuntimeError, match="should never be called") as theirs:
        call(torch.nn.Linear(1, 1))
    with pytest.raises(RuntimeError, match="a class that does defines get_extra_state") as ours:
        call(minigrad.nn.Linear(1, 1))
    assert str(theirs.value).startswith(str(ours.value).split("\n")[0])


def test_what_a_module_cannot_do_is_told() -> None:
    net = minigrad.nn.Linear(1, 1)
    with pytest.raises(
        NotImplementedError, match=r"no memory that processes share\n  Give another process net.state_dict"
    ):
        net.share_memory()
    with pytest.raises(NotImplementedError, match="Linear cannot be compiled"):
        net.compile(fullgraph=True)
    with pytest.raises(TypeError, match="unexpected keyword argument 'full'"):
        net.compile(full=True)
    net.compile(fullgraph=True, disable=True)


def test_a_module_pickled_before_there_were_these_hooks_has_them() -> None:
    net = minigrad.nn.Linear(1, 1)
    net.register_full_backward_hook(lambda *_: None)
    state = {name: value for name, value in vars(net).items() if "state_dict" not in name and "is_full" not in name}
    old = minigrad.nn.Linear.__new__(minigrad.nn.Linear)
    old.__setstate__(state)
    assert old.state_dict().keys() == net.state_dict().keys()
    assert old._is_full_backward_hook


@pytest.mark.parametrize(
    "name", ["state_dict", "parameters", "named_parameters", "eval", "train", "zero_grad", "apply"]
)
def test_a_method_without_its_brackets_prints_as_torchs(name):
    ours, theirs = (repr(getattr(lib.nn.Linear(2, 1), name)) for lib in (minigrad, torch))
    assert ours == theirs
