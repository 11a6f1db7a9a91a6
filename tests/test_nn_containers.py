"""Sequential, ModuleList, ModuleDict, ParameterList and ParameterDict behave, fail and print as torch's."""

import copy
from collections import OrderedDict
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from parity import assert_same, outcome


def add(torch: Any, n: float) -> Any:
    """A module that adds `n`, and prints it."""

    class Add(torch.nn.Module):
        def __init__(self, n: float) -> None:
            super().__init__()
            self.p = torch.nn.Parameter(torch.tensor(float(n)))

        def forward(self, x: Any) -> Any:
            return x * 2 + self.p

        def extra_repr(self) -> str:
            return str(self.p.item())

    return Add(n)


def of(torch: Any, kind: str, *numbers: float) -> Any:
    """A container of modules that add these numbers."""
    modules = [add(torch, n) for n in numbers]
    if kind == "ModuleDict":
        return torch.nn.ModuleDict({f"m{i}": module for i, module in enumerate(modules)})
    container = getattr(torch.nn, kind)
    return container(*modules) if kind == "Sequential" else container(modules)


def parameters(torch: Any, kind: str) -> Any:
    """A container of a parameter, a tensor that becomes one, and something else."""
    values = {"b": torch.nn.Parameter(torch.ones(2, 3)), "a": torch.zeros(2).double(), "n": 5}
    return torch.nn.ParameterDict(values) if kind == "ParameterDict" else torch.nn.ParameterList(list(values.values()))


def state(m: Any) -> Any:
    return m, list(m.named_parameters()), len(m), [*map(str, m)]


SEQUENCES = {
    "empty": lambda t, k: of(t, k),
    "print": lambda t, k: of(t, k, 1, 2),
    "alike": lambda t, k: of(t, k, 1, 1, 2, 2, 2, 3, 1),
    "nested": lambda t, k: of(t, "Sequential", 1).append(of(t, k, 1, 1, 2)),
    "index": lambda t, k: (of(t, k, 1, 2, 3)[1], of(t, k, 1, 2, 3)[-1], of(t, k, 1, 2)[t.tensor(0)]),
    "slice": lambda t, k: (of(t, k, 1, 2, 3)[1:], of(t, k, 1, 2, 3)[::2], of(t, k, 1, 2, 3)[:-1]),
    "too far": lambda t, k: of(t, k, 1, 2)[2],
    "too far back": lambda t, k: of(t, k, 1, 2)[-3],
    "a name": lambda t, k: of(t, k, 1, 2)["0"],
    "set": lambda t, k: setitem(of(t, k, 1, 2), 0, add(t, 9)),
    "set the last": lambda t, k: setitem(of(t, k, 1, 2), -1, add(t, 9)),
    "set a number": lambda t, k: setitem(of(t, k, 1, 2), -1, 9),
    "set too far": lambda t, k: setitem(of(t, k, 1, 2), 5, add(t, 9)),
    "delete": lambda t, k: delitem(of(t, k, 1, 2, 3), 0),
    "delete several": lambda t, k: delitem(of(t, k, 1, 2, 3, 4), slice(1, 3)),
    "append": lambda t, k: of(t, k, 1).append(add(t, 5)),
    "append a number": lambda t, k: of(t, k, 1).append(5),
    "extend": lambda t, k: of(t, k, 1).extend([add(t, 5), add(t, 6)]),
    "extend by a container": lambda t, k: of(t, k, 1).extend(of(t, k, 2, 3)),
    "extend by a number": lambda t, k: of(t, k, 1).extend(3),
    "pop": lambda t, k: popped(of(t, k, 1, 2, 3), 1),
    "pop a slice": lambda t, k: popped(of(t, k, 1, 2, 3), slice(2)),
    "insert": lambda t, k: inserted(of(t, k, 1, 2, 3), 1, add(t, 9)),
    "insert at the end": lambda t, k: inserted(of(t, k, 1, 2, 3), 3, add(t, 9)),
    "plus": lambda t, k: of(t, k, 1) + of(t, k, 2, 3),
    "plus a list": lambda t, k: of(t, k, 1) + [add(t, 2)],
    "plus in place": lambda t, k: iadd(of(t, k, 1), of(t, k, 2, 3)),
    "plus a number in place": lambda t, k: iadd(of(t, k, 1), 3),
    "names": lambda t, k: [n for n in dir(of(t, k, 1)) if n.isdigit()],
    "copy": lambda t, k: copy.deepcopy(of(t, k, 1, 2)),
    "call": lambda t, k: of(t, k, 1, 2)(t.ones(2)),
    "state": lambda t, k: (of(t, k, 1, 2).state_dict(), of(t, k, 1, 2).load_state_dict(of(t, k, 3, 4).state_dict())),
    "state of another length": lambda t, k: of(t, k, 1, 2).load_state_dict(of(t, k, 3).state_dict()),
}


def setitem(m: Any, key: Any, value: Any) -> Any:
    m[key] = value
    return m


def delitem(m: Any, key: Any) -> Any:
    del m[key]
    return m


def popped(m: Any, *args: Any) -> Any:
    return m.pop(*args), m


def inserted(m: Any, index: int, value: Any) -> Any:
    return m.insert(index, value) is m, m


def iadd(m: Any, other: Any) -> Any:
    m += other
    return m


@pytest.mark.parametrize("kind", ["Sequential", "ModuleList"])
@pytest.mark.parametrize("name", SEQUENCES)
def test_sequences(name: str, kind: str) -> None:
    def run(torch: Any) -> Any:
        found = SEQUENCES[name](torch, kind)
        return state(found) if isinstance(found, torch.nn.Module) and hasattr(found, "__len__") else found

    assert_same(run)


OTHERS = {
    "names for a Sequential": lambda t: t.nn.Sequential(OrderedDict(a=add(t, 1), b=add(t, 2)))[1:],
    "by name": lambda t: t.nn.Sequential(OrderedDict(a=add(t, 1), b=add(t, 2))).b,
    "a wrong name": lambda t: t.nn.Sequential(OrderedDict({"a.b": add(t, 1)})),
    "a dict is no OrderedDict": lambda t: t.nn.Sequential({"a": add(t, 1)}),
    "delete a name": lambda t: delitem(t.nn.Sequential(OrderedDict(a=add(t, 1), b=add(t, 2))), 0),
    "times": lambda t: (of(t, "Sequential", 1, 2) * 2, 2 * of(t, "Sequential", 1)),
    "times in place": lambda t: imul(of(t, "Sequential", 1, 2), 3),
    "times zero": lambda t: of(t, "Sequential", 1, 2) * 0,
    "times a fraction": lambda t: of(t, "Sequential", 1, 2) * 0.5,
    "insert at -1": lambda t: of(t, "Sequential", 1, 2).insert(-1, add(t, 3)),
    "insert too far": lambda t: of(t, "Sequential", 1, 2).insert(3, add(t, 3)),
    "insert no module": lambda t: of(t, "Sequential", 1, 2).insert(0, 3),
    "a gradient": lambda t: of(t, "Sequential", 1, 2)(t.ones(2)),
    "a dict": lambda t: state(of(t, "ModuleDict", 1, 2)),
    "an item": lambda t: (of(t, "ModuleDict", 1, 2)["m1"], of(t, "ModuleDict", 1).m0, "m1" in of(t, "ModuleDict", 1)),
    "no item": lambda t: of(t, "ModuleDict", 1)["m1"],
    "set an item": lambda t: state(setitem(of(t, "ModuleDict", 1), "x", add(t, 5))),
    "set a taken name": lambda t: setitem(of(t, "ModuleDict", 1), "keys", add(t, 5)),
    "delete an item": lambda t: state(delitem(of(t, "ModuleDict", 1, 2), "m0")),
    "pop an item": lambda t: popped(of(t, "ModuleDict", 1, 2), "m0"),
    "clear": lambda t: cleared(of(t, "ModuleDict", 1, 2)),
    "items": lambda t: [list(f()) for m in [of(t, "ModuleDict", 1, 2)] for f in (m.keys, m.values, m.items)],
    "pairs": lambda t: state(t.nn.ModuleDict([("b", add(t, 1)), ["a", add(t, 2)]])),
    "the order of a dict": lambda t: t.nn.ModuleDict({"b": add(t, 1), "a": add(t, 2)}),
    "no pairs": lambda t: t.nn.ModuleDict([("b", add(t, 1), 3)]),
    "no iterables": lambda t: t.nn.ModuleDict([1]),
    "a number": lambda t: t.nn.ModuleDict(1),
    "a call": lambda t: of(t, "ModuleDict", 1)(1),
    "parameters in a list": lambda t: state(parameters(t, "ParameterList")),
    "indexed": lambda t: [parameters(t, "ParameterList")[i] for i in (0, -2, slice(1, 3), slice(None, None, -1))],
    "indexed too far": lambda t: parameters(t, "ParameterList")[3],
    "set": lambda t: setitem(parameters(t, "ParameterList"), 2, t.ones(1)),
    "append": lambda t: parameters(t, "ParameterList").append(t.ones(1)).extend([t.ones(2), "a"]),
    "extended by a tensor": lambda t: parameters(t, "ParameterList").extend(t.ones(1)),
    "plus in place": lambda t: iadd(parameters(t, "ParameterList"), [t.ones(1)]),
    "called": lambda t: parameters(t, "ParameterList")(1),
    "no digits": lambda t: [n for n in dir(parameters(t, "ParameterList")) if n.isdigit()],
    "parameters in a dict": lambda t: state(parameters(t, "ParameterDict")),
    "get": lambda t: [f("a") for m in [parameters(t, "ParameterDict")] for f in (m.get, m.__getitem__, m.__contains__)],
    "get nothing": lambda t: (parameters(t, "ParameterDict").get("z"), parameters(t, "ParameterDict").get("z", 4)),
    "no parameter": lambda t: parameters(t, "ParameterDict")["z"],
    "a key of no str": lambda t: parameters(t, "ParameterDict")[3],
    "delete": lambda t: state(delitem(parameters(t, "ParameterDict"), "a")),
    "pop": lambda t: popped(parameters(t, "ParameterDict"), "a"),
    "popitem": lambda t: (lambda m: (m.popitem(), m))(parameters(t, "ParameterDict")),
    "all out": lambda t: cleared(parameters(t, "ParameterDict")),
    "reversed": lambda t: [*reversed(parameters(t, "ParameterDict"))],
    "views": lambda t: [list(f()) for m in [parameters(t, "ParameterDict")] for f in (m.keys, m.values, m.items)],
    "setdefault": lambda t: (lambda m: (m.setdefault("x", t.ones(1)), m.setdefault("n", 2), m))(t.nn.ParameterDict()),
    "fromkeys": lambda t: t.nn.ParameterDict().fromkeys(["a", "b"], 2),
    "or": lambda t: parameters(t, "ParameterDict") | t.nn.ParameterDict({"z": t.ones(1), "a": t.ones(1)}),
    "or in place": lambda t: ior(parameters(t, "ParameterDict"), t.nn.ParameterDict({"z": t.ones(1)})),
    "copied": lambda t: parameters(t, "ParameterDict").copy(),
    "pairs of parameters": lambda t: t.nn.ParameterDict([("z", t.ones(1)), ("a", t.ones(1))]),
    "pairs of one": lambda t: t.nn.ParameterDict([("z",)]),
    "a number of parameters": lambda t: t.nn.ParameterDict(3),
    "called as well": lambda t: parameters(t, "ParameterDict")(1),
}


def imul(m: Any, n: int) -> Any:
    m *= n
    return m


def ior(m: Any, other: Any) -> Any:
    m |= other
    return m


def cleared(m: Any) -> Any:
    return m.clear(), m, len(m)


@pytest.mark.parametrize("name", OTHERS)
def test_others(name: str) -> None:
    assert_same(OTHERS[name])


def test_what_raises_is_what_should() -> None:
    raising = {name for name in OTHERS if "Error: " in outcome(OTHERS[name], torch).split("\n")[0][:30]}
    wrong = {"a wrong name", "a dict is no OrderedDict", "times zero", "times a fraction", "insert too far"}
    wrong |= {"insert no module", "no item", "set a taken name", "no pairs", "no iterables", "a number", "a call"}
    wrong |= {"indexed too far", "extended by a tensor", "called", "no parameter", "a key of no str"}
    wrong |= {"pairs of one", "a number of parameters", "called as well"}
    assert raising == wrong
