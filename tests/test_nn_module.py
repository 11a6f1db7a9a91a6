"""Module, Parameter and Buffer: registration, names, state, hooks, printed text and errors are torch's."""

import copy
import pickle
from collections import OrderedDict
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from nn_programs import Programs, affine
from parity import assert_same, outcome

import minigrad

program = Programs()


# Parameters


@program
def a_parameter_prints(torch: Any) -> Any:
    p = torch.nn.Parameter(torch.ones(2, 3))
    q = torch.nn.Parameter(torch.zeros(2), requires_grad=False)
    return p, q, torch.nn.Parameter(), type(p), isinstance(p, torch.Tensor), f"{p}", str(q), p.is_leaf, p.grad_fn


@program
def results_are_tensors(torch: Any) -> Any:
    p = torch.nn.Parameter(torch.ones(2, 3))
    return [type(t) for t in (p + 1, 2 * p, p.data, p.detach(), p.clone(), p[0], p.sum(), p.view(-1), -p, p.T, p * p)]


@program
def a_broadcast_of_a_parameter_is_undone(torch: Any) -> Any:
    p, b = torch.nn.Parameter(torch.arange(3.0)), torch.nn.Parameter(torch.ones(2, 1))
    x = torch.ones(4, 2, 3, requires_grad=True)
    ((x * p + b) / (p + 1) - (b - p)).pow(2).sum().backward()
    return p.grad, b.grad, x.grad


@program
def parameters_of_two_dtypes_meet(torch: Any) -> Any:
    p, q = torch.nn.Parameter(torch.ones(3)), torch.nn.Parameter(torch.ones(2, 3).double())
    (p * q + torch.arange(3) * p).sum().backward()
    return p * q, p.grad, q.grad, p + torch.tensor([True, False, True])


@program
def a_parameter_is_updated_in_place(torch: Any) -> Any:
    p = torch.nn.Parameter(torch.ones(3))
    (p * p).sum().backward()
    with torch.no_grad():
        p -= 0.1 * p.grad
        p[1:] += p[:2].clone()
        p.add_(torch.nn.Parameter(torch.ones(3)))
        p *= torch.nn.Parameter(torch.ones(3))
    p.data = p.data * 2
    p.data[0] = 7.0
    return p, p._version > 0, type(p), p.grad


@program
def a_parameter_that_requires_grad_may_not_be_changed(torch: Any) -> Any:
    torch.nn.Parameter(torch.ones(3)).add_(1)


@program
def a_saved_parameter_that_changes_is_noticed(torch: Any) -> Any:
    p, q = torch.nn.Parameter(torch.ones(3)), torch.nn.Parameter(torch.ones(3))
    y = p * q
    with torch.no_grad():
        q += p
    y.sum().backward()


@program
def a_parameter_shares_the_memory_of_its_data(torch: Any) -> Any:
    x = torch.ones(2)
    p = torch.nn.Parameter(x)
    x += 1
    return p, x.requires_grad, torch.nn.Parameter((p * 2)[:1]), torch.nn.Parameter(p) is p


@program
def an_overlapping_update_from_a_parameter(torch: Any) -> Any:
    p = torch.nn.Parameter(torch.arange(4.0))
    with torch.no_grad():
        p[1:].copy_(torch.nn.Parameter(p.data[:3]))


@program
def copies_of_parameters(torch: Any) -> Any:
    p = torch.nn.Parameter(torch.ones(2))
    (p * 2).sum().backward()
    several = copy.deepcopy([p, p]), copy.copy(p), pickle.loads(pickle.dumps(p))
    several[0][0].data += 5
    several[1].data += 1
    return several, p, several[0][0] is several[0][1], several[0][0].grad


for wrong in ("torch.tensor([1, 2])", "[1.0]", "3", "None, 5, 7"):

    def wrong_data(torch: Any, wrong: str = wrong) -> Any:
        return eval(f"torch.nn.Parameter({wrong})", {"torch": torch})

    program.all[f"a parameter of {wrong}"] = wrong_data


@program
def an_integer_parameter_without_gradient(torch: Any) -> Any:
    return torch.nn.Parameter(torch.tensor([1, 2]), requires_grad=False)


@program
def buffers(torch: Any) -> Any:
    net = torch.nn.Module()
    net.a, net.b = torch.nn.Buffer(torch.ones(2)), torch.nn.Buffer(torch.zeros(1), persistent=False)
    net.a = torch.zeros(3)
    of_class = isinstance(torch.nn.Buffer(torch.ones(1)), torch.nn.Buffer), isinstance(torch.ones(1), torch.nn.Buffer)
    return list(net.named_buffers()), net.state_dict(), of_class, type(torch.nn.Buffer(torch.ones(2)))


# Registration


@program
def what_is_in_it(torch: Any) -> Any:
    net = affine(torch)
    net.twin = net.inner
    found = [
        dict(net.named_parameters()),
        list(net.parameters(recurse=False)),
        dict(net.named_parameters(prefix="net")),
        dict(net.named_buffers()),
        list(net.buffers()),
        [name for name, _ in net.named_children()],
        [name for name, _ in net.named_modules()],
        [name for name, _ in net.named_modules(remove_duplicate=False)],
        [name for name, _ in net.named_parameters(remove_duplicate=False)],
        len(list(net.modules())),
        [type(m).__name__ for m in net.children()],
        net.get_parameter("inner.scale"),
        net.get_buffer("mean"),
        net.get_submodule("inner") is net.inner,
        net.get_submodule("") is net,
        "weight" in dir(net) and "inner" in dir(net) and "mean" in dir(net),
        net.bias,
        net,
    ]
    del net.twin, net.mean, net.weight
    return found, net.state_dict(), hasattr(net, "mean"), hasattr(net, "inner")


@program
def what_is_assigned_replaces(torch: Any) -> Any:
    net = affine(torch)
    net.weight = torch.nn.Parameter(torch.zeros(1))
    net.bias = torch.nn.Parameter(torch.ones(1))
    net.mean = None
    net.hidden = torch.ones(3)
    net.note = torch.ones(1)
    net.inner = torch.nn.Module()
    net.note = torch.nn.Parameter(torch.ones(2))
    net.training = False
    return list(net.named_parameters()), list(net.named_buffers()), net, net.state_dict(), "note" in net.__dict__


@program
def a_module_takes_the_place_of_a_buffer(torch: Any) -> Any:
    net = affine(torch)
    net.mean = torch.nn.Module()
    net.inner = torch.nn.Parameter(torch.ones(1))
    return net, net.state_dict()


WRONG = {
    "a tensor for a parameter": lambda torch, net: setattr(net, "weight", torch.ones(2)),
    "a list for a parameter": lambda torch, net: setattr(net, "weight", [1]),
    "a module for a parameter": lambda torch, net: setattr(net, "weight", torch.nn.Module()),
    "a tensor for a module": lambda torch, net: setattr(net, "inner", torch.ones(2)),
    "a number for a module": lambda torch, net: setattr(net, "inner", 3),
    "a number for a buffer": lambda torch, net: setattr(net, "mean", 3),
    "an unknown attribute": lambda torch, net: net.nothing,
    "an unknown attribute to delete": lambda torch, net: delattr(net, "nothing"),
    "a name with a dot": lambda torch, net: net.register_parameter("a.b", None),
    "an empty name": lambda torch, net: net.register_parameter("", None),
    "no name": lambda torch, net: net.register_parameter(3, None),
    "a taken name": lambda torch, net: net.register_parameter("inner", None),
    "a parameter that is a tensor": lambda torch, net: net.register_parameter("p", torch.ones(2)),
    "a parameter that is a list": lambda torch, net: net.register_parameter("p", [1]),
    "a buffer with a dot": lambda torch, net: net.register_buffer("a.b", None),
    "a buffer without name": lambda torch, net: net.register_buffer("", None),
    "a buffer of no str": lambda torch, net: net.register_buffer(None, None),
    "a taken buffer": lambda torch, net: net.register_buffer("weight", None),
    "a buffer that is a number": lambda torch, net: net.register_buffer("b", 3.0),
    "a module with a dot": lambda torch, net: net.add_module("a.b", None),
    "a module without name": lambda torch, net: net.add_module("", None),
    "a module of no str": lambda torch, net: net.register_module(1, None),
    "a taken module": lambda torch, net: net.add_module("weight", None),
    "no module": lambda torch, net: net.add_module("m", torch.nn.Module),
    "no module but a list": lambda torch, net: net.add_module("m", [1]),
    "no such module": lambda torch, net: net.get_submodule("inner.nothing"),
    "a parameter as a module": lambda torch, net: net.get_submodule("inner.scale"),
    "no such parameter": lambda torch, net: net.get_parameter("nothing"),
    "a buffer as a parameter": lambda torch, net: net.get_parameter("mean"),
    "a parameter as a buffer": lambda torch, net: net.get_buffer("weight"),
    "train with a number": lambda torch, net: net.train(1),
    "an integer dtype": lambda torch, net: net.to(torch.int64),
    "to a list": lambda torch, net: net.to([3]),
    "no forward": lambda torch, net: torch.nn.Module()(torch.ones(1)),
    "arguments of a Module": lambda torch, net: torch.nn.Module(3),
    "keywords of a Module": lambda torch, net: torch.nn.Module(a=3),
    "a state that is no dict": lambda torch, net: net.load_state_dict([1]),
    "a parameter before __init__": lambda torch, net: unborn(torch, "p", torch.nn.Parameter(torch.ones(1))),
    "a module before __init__": lambda torch, net: unborn(torch, "m", torch.nn.Module()),
    "a buffer before __init__": lambda torch, net: unborn(torch).register_buffer("m", None),
    "a parameter registered before __init__": lambda torch, net: unborn(torch).register_parameter("m", None),
    "an attribute before __init__": lambda torch, net: unborn(torch, "m", 3).m,
    "another attribute before __init__": lambda torch, net: unborn(torch, "m", 3).k,
    "a call before __init__": lambda torch, net: unborn(torch)(1),
}


def unborn(torch: Any, name: str = "", value: Any = None) -> Any:
    class Net(torch.nn.Module):
        def __init__(self) -> None:
            if name:
                setattr(self, name, value)

        def forward(self, x: Any) -> Any:
            return x

    return Net()


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_errors(wrong: Any) -> None:
    assert_same(lambda torch: wrong(torch, affine(torch)))


@program
def a_parameter_with_history_is_refused(torch: Any) -> Any:
    net, p = torch.nn.Module(), torch.nn.Parameter(torch.ones(3))
    base = torch.nn.Parameter(torch.ones(3), requires_grad=False)
    base.mul_(p)
    net.base = base


@program
def classes_with_several_bases(torch: Any) -> Any:
    class Other:
        def __init__(self, *args: Any) -> None:
            self.seen = args

    class Both(torch.nn.Module, Other):
        call_super_init = True

    return Both(3).seen, Both(3), Both.__mro__[1].__name__


# What is done to all


@program
def conversions(torch: Any) -> Any:
    net = affine(torch)
    net.register_buffer("count", torch.tensor(3))
    net(torch.ones(1, 3)).sum().backward()
    kinds = []
    for convert in ("double", "half", "float", "cpu"):
        same = getattr(net, convert)() is net
        kinds.append([same, *[(t.dtype, t.requires_grad) for t in [*net.parameters(), *net.buffers()]]])
        kinds.append(net.weight.grad.dtype)
    for arguments in ((torch.float64,), ("cpu", torch.float16), (torch.ones(1),), ("cpu",), (torch.device("cpu"),)):
        kinds.append([t.dtype for t in [*net.to(*arguments).parameters(), *net.buffers()]])
    kinds.append([t.dtype for t in net.type(torch.float64).buffers()])
    return kinds, net.weight, net.count


@program
def train_and_eval(torch: Any) -> Any:
    net = affine(torch)
    before = net.training
    return before, net.eval() is net, net.inner.training, net.train().inner.training


@program
def gradients_of_all(torch: Any) -> Any:
    net = affine(torch)
    x = torch.ones(2, 3)
    net(x).sum().backward()
    net.zero_grad(set_to_none=False)
    zero = net.weight.grad
    net.zero_grad()
    frozen = net.requires_grad_(False)(x).requires_grad
    return zero, net.weight.grad, frozen, net.requires_grad_() is net, net(x)


@program
def apply_goes_inside_first(torch: Any) -> Any:
    names: list[str] = []
    net = torch.nn.Sequential(affine(torch), torch.nn.Sequential())
    found = net.apply(lambda module: names.append(type(module).__name__))
    return names, found is net


@program
def a_call_with_keywords(torch: Any) -> Any:
    return affine(torch)(torch.ones(1, 3), shift=1.0), affine(torch)(x=torch.ones(1, 3))


# State


@program
def state(torch: Any) -> Any:
    net = affine(torch)
    state = net.state_dict()
    state["weight"] += 1
    kept = net.state_dict(keep_vars=True, prefix="net.")
    return state, net.weight, kept, state._metadata, state["weight"].requires_grad


@program
def state_loads(torch: Any) -> Any:
    net, other = affine(torch), affine(torch)
    for p in other.parameters():
        p.data.mul_(3)
    before = net.weight
    printed = net.load_state_dict(other.state_dict())
    other.inner.scale.data.zero_()
    return printed, net.state_dict(), net.weight is before, net.weight.requires_grad, tuple(printed)


@program
def state_is_assigned(torch: Any) -> Any:
    net, other = affine(torch), affine(torch)
    given = {name: t * 2 for name, t in other.state_dict().items()}
    given["weight"] = torch.nn.Parameter(given["weight"], requires_grad=False)
    net.load_state_dict(given, assign=True)
    given["mean"] += 1
    return net.state_dict(keep_vars=True), net.weight is given["weight"], type(net.inner.scale)


LOADS = {
    "missing": lambda state: state.pop("weight"),
    "unexpected": lambda state: state.update(more=state["mean"], **{"inner.more": 1, "other.thing": 2}),
    "both": lambda state: (state.pop("mean"), state.pop("inner.scale"), state.update(more=3, others=4)),
    "shape": lambda state: state.update(weight=state["mean"]),
    "all": lambda state: (state.pop("mean"), state.update(more=3, weight=state["inner.scale"])),
    "no tensor": lambda state: state.update(weight=[1, 2]),
    "dtype": lambda state: state.update(weight=state["weight"].double()),
}


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("change", LOADS.values(), ids=LOADS)
def test_states_that_do_not_fit(change: Any, strict: bool) -> None:
    def load(torch: Any) -> Any:
        net = affine(torch)
        given = OrderedDict(net.state_dict())
        change(given)
        try:
            loaded = net.load_state_dict(given, strict=strict)
        except RuntimeError as error:
            return str(error).replace("<class 'minigrad", "<class 'torch")
        return loaded, str(loaded), net.state_dict()

    assert_same(load)


@program
def a_single_number_of_one_dimension(torch: Any) -> Any:
    net = torch.nn.Module()
    net.p = torch.nn.Parameter(torch.tensor(0.0))
    return net.load_state_dict({"p": torch.ones(1)}), net.p


# Copies


@program
def copies_of_modules(torch: Any) -> Any:
    net = affine(torch)
    net.inner.shared = net.weight
    net.register_forward_hook(negated)
    made = copy.deepcopy(net)
    made.weight.data.zero_()
    shallow = copy.copy(net)
    return made(torch.ones(1, 3)), net(torch.ones(1, 3)), made.inner.shared is made.weight, shallow.weight is net.weight


def negated(module: Any, args: Any, output: Any) -> Any:
    return -output


class Pickled(minigrad.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.p = minigrad.nn.Parameter(minigrad.ones(2))
        self.register_buffer("b", minigrad.zeros(1))
        self.register_forward_hook(negated)

    def forward(self, x: Any) -> Any:
        return x * self.p


def test_modules_are_pickled() -> None:
    net = Pickled().eval()
    net.p.data[0] = 5
    found = pickle.loads(pickle.dumps(net))
    assert repr(found(minigrad.ones(2))) == repr(net(minigrad.ones(2)))
    assert repr(found.state_dict()) == repr(net.state_dict())
    assert isinstance(found.p, minigrad.nn.Parameter)
    assert not found.training


# How it prints


@program
def nested_modules_print(torch: Any) -> Any:
    class Said(torch.nn.Module):
        def extra_repr(self) -> str:
            return "size=3, more"

    class Lines(Said):
        def extra_repr(self) -> str:
            return "first\nsecond"

    outer = Said()
    outer.a, outer.b = Lines(), torch.nn.Module()
    outer.b.c = Said()
    outer.none = None
    outer.b.add_module("none", None)
    return outer, outer.b, Lines(), torch.nn.Module()


@pytest.mark.parametrize("name", program.all)
def test_programs(name: str) -> None:
    assert_same(program.all[name])


def test_the_programs_that_raise_are_those_that_should() -> None:
    """A program that fails in both libraries for another reason would compare nothing."""
    raising = {name for name, run in program.all.items() if "Error: " in outcome(run, torch).split("\n")[0][:30]}
    assert raising == {
        "a_parameter_that_requires_grad_may_not_be_changed",
        "a_saved_parameter_that_changes_is_noticed",
        "an_overlapping_update_from_a_parameter",
        "a parameter of torch.tensor([1, 2])",
        "a parameter of [1.0]",
        "a parameter of 3",
        "a parameter of None, 5, 7",
        "a_parameter_with_history_is_refused",
    }


def test_parameters_are_called_by_the_model_that_holds_them() -> None:
    from minigrad import nn, show

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = nn.Sequential(nn.Linear(2, 3), nn.Sequential(nn.Linear(3, 1, bias=False)))
            self.scale = nn.Parameter(minigrad.ones(1))
            self.net.itself = self.net  # a circle ends

        def forward(self, x: Any) -> Any:
            return self.net[1](self.net[0](x)) * self.scale

    model = Model()
    loss = model(minigrad.ones(4, 2)).sum()
    names = {node.name for node in show.steps(loss).nodes if node.kind == "leaf"}
    assert names == {"model.net[0].weight", "model.net[0].bias", "model.net[1][0].weight", "model.scale"}
