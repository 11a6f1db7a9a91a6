"""Every layer and loss, with its options: torch's starting values, outputs, gradients, state and printed text."""

import copy
import inspect
import warnings
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from nn_layers import EVERY, LAYERS, LINES, LOSSES
from parity import assert_same

import minigrad


def made(expression: str, library: Any) -> Any:
    return eval(expression, {"nn": library.nn, "np": np, "torch": library})


def tensors_in(found: Any) -> list[Any]:
    if isinstance(found, (tuple, list)):
        return [t for part in found for t in tensors_in(part)]
    return [found] if hasattr(found, "is_floating_point") else []


def node_name(t: Any) -> str:
    """The node's name but its number, which in torch tells some changes in place from their twins."""
    return type(t.grad_fn).__name__.rstrip("01")


def run(expression: str, inputs: tuple[str, ...], library: Any) -> tuple[list[Any], list[Any]]:
    """What is compared as text, and as numbers, of a layer in training and, given its inputs by name, in evaluation."""
    library.manual_seed(3)
    layer = made(expression, library)
    texts, numbers = [repr(layer), list(layer.state_dict())], [*layer.state_dict().values()]
    given = [made(x, library) for x in inputs]
    for x in tensors_in(given):
        if x.is_floating_point():
            x.requires_grad_()
    for training in (True, False):
        inputs_now = [x * 1 if getattr(x, "requires_grad", False) else x for x in given]
        names = () if training else inspect.signature(getattr(torch.nn, type(layer).__name__).forward).parameters
        by_name = dict(zip(list(names)[1:], inputs_now, strict=False))
        outputs = tensors_in(layer.train(training)(**by_name) if by_name else layer.train(training)(*inputs_now))
        loss = sum((t * library.arange(float(t.numel())).reshape(t.shape)).mean() for t in outputs if t.requires_grad)
        if hasattr(loss, "backward"):
            loss.backward()
        texts += [[(t.shape, str(t.dtype), node_name(t), t.requires_grad) for t in outputs]]
        leaves = [x for x in [*tensors_in(given), *layer.parameters()] if x.is_floating_point()]
        texts += [[x.grad is None for x in leaves], repr(layer), list(layer.state_dict())]
        numbers += [*outputs, *[x.grad for x in leaves if x.grad is not None], *layer.state_dict().values()]
    texts += [str(library.rand(2))]  # as much of the random stream was used
    return texts, [np.asarray(t.detach().numpy()) for t in numbers]


@pytest.mark.parametrize(("expression", "inputs"), EVERY.items(), ids=[*map(str, EVERY)])
def test_layers(expression: str, inputs: tuple[str, ...]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        (texts, numbers), (expected_texts, expected) = (run(expression, inputs, lib) for lib in (minigrad, torch))
    assert texts == expected_texts
    for i, (found, wanted) in enumerate(zip(numbers, expected, strict=True)):
        np.testing.assert_allclose(found, wanted, rtol=2e-5, atol=2e-5, err_msg=f"number {i}")


@pytest.mark.parametrize("expression", LINES)
def test_lines(expression: str) -> None:
    assert_same(lambda library: made(expression, library))


def test_every_module_has_a_row() -> None:
    classes = {
        name
        for name, value in vars(minigrad.nn).items()
        if isinstance(value, type) and issubclass(value, minigrad.nn.Module) and not name.startswith("_")
    }
    of_containers = {"Module", "Sequential", "ModuleList", "ModuleDict", "ParameterList", "ParameterDict"}
    elsewhere = {"RNNBase", "RNNCellBase", "MultiMarginLoss"}  # the last, of several nodes, in test_functional_calls.py
    tested = {expression.removeprefix("nn.").partition("(")[0].partition(".")[0] for expression in {**LAYERS, **LOSSES}}
    assert classes - of_containers - elsewhere == tested


def test_every_module_is_documented() -> None:
    for name, value in vars(minigrad.nn).items():
        assert isinstance(value, type) is False or value.__doc__, name


def test_lazy_parameters_have_no_values_yet() -> None:
    weight = minigrad.nn.LazyLinear(3).weight
    with pytest.raises(ValueError, match="Attempted to use an uninitialized parameter"):
        weight + 1
    assert isinstance(weight, minigrad.nn.Parameter)
    assert weight.requires_grad


def test_a_lazy_layer_that_is_cast_before_it_has_a_shape_has_that_dtype_then() -> None:
    def program(torch: Any) -> Any:
        torch.manual_seed(0)
        net = torch.nn.Sequential(torch.nn.LazyLinear(3), torch.nn.LazyBatchNorm1d()).double()
        out = net(torch.tensor([[0.0, 2.0], [1.0, 1.0]], dtype=torch.float64))
        return out, net.state_dict()

    assert_same(program)


def test_lazy_modules_keep_their_parameters_for_the_optimizer() -> None:
    def program(torch: Any) -> Any:
        net = torch.nn.Sequential(copy.deepcopy(torch.nn.LazyLinear(3)), torch.nn.LazyBatchNorm1d())
        before = list(net.parameters())
        net(torch.ones(2, 4)).sum().backward()
        same = all(p is q for p, q in zip(before, net.parameters(), strict=True))
        return same, net, [p.grad is not None for p in before], type(net[0]) is torch.nn.Linear, net.state_dict()

    assert_same(program)
