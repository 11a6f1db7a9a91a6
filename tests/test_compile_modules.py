"""`compile` of a module gives a module, as torch's OptimizedModule: parameters, state, attributes, copies."""

import copy
import pickle
from typing import Any

import pytest

torch = pytest.importorskip("torch")
import minigrad


def told(library: Any) -> list[Any]:
    library.manual_seed(0)
    nn = library.nn
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
    options = {"backend": "eager"} if library is torch else {}
    compiled = library.compile(net, **options)
    x = library.ones(5, 3)
    optimizer = library.optim.SGD(compiled.parameters(), lr=0.1)
    compiled(x).sum().backward()
    optimizer.step()
    found = [repr(compiled), list(compiled.state_dict()), isinstance(compiled, nn.Module), compiled._orig_mod is net]
    found += [compiled.training, compiled.eval() is compiled, net.training, net[1].training, compiled.training]
    compiled.note = 3
    found += [net.note, type(compiled).__name__, compiled(x).tolist() == net(x).tolist(), net[2].bias.tolist()]
    net.train()
    return [*found, compiled.training]


@pytest.mark.filterwarnings("ignore:Guards may run slower on Python 3.13.0")
def test_a_compiled_module_is_a_module_as_in_torch() -> None:
    assert told(minigrad) == told(torch)


def test_copies_call_the_module_that_was_copied() -> None:
    net = minigrad.nn.Linear(3, 2)
    compiled = minigrad.compile(net)
    x = minigrad.ones(1, 3)
    for other in (copy.deepcopy(compiled), pickle.loads(pickle.dumps(compiled))):
        with minigrad.no_grad():
            other.weight.zero_()
            other.bias.zero_()
        assert other(x).tolist() == [[0.0, 0.0]]
        assert compiled(x).tolist() == net(x).tolist() != [[0.0, 0.0]]


def test_what_stands_in_nn_is_named_as_the_reason() -> None:
    w = minigrad.ones(2, requires_grad=True)
    compiled = minigrad.compile(lambda w: minigrad.nn.functional.relu(w).sum())
    assert compiled(w).tolist() == 2.0
    assert compiled.reasons == ["it uses relu, which stands in nn.functional: no programs are written of that"]
    compiled = minigrad.compile(lambda w: minigrad.nn.ReLU()(w).sum())
    assert compiled(w).tolist() == 2.0
    assert compiled.reasons == ["it uses ReLU, which is a module: no programs are written of that"]


def test_why_a_module_runs_as_it_is_can_be_read() -> None:
    compiled = minigrad.compile(minigrad.nn.Linear(3, 2))
    compiled(minigrad.ones(1, 3))
    assert compiled.programs == []
    assert compiled.reasons == ["it uses a Parameter, which is a module's: no programs are written of modules"]
    with pytest.raises(NotImplementedError, match="cannot be compiled"):
        minigrad.compile(minigrad.nn.Linear(3, 2), fullgraph=True)(minigrad.ones(1, 3))
    with pytest.raises(AttributeError, match="'Linear' object has no attribute 'wieght'"):
        compiled.wieght
