"""`check=` of `show.steps`: the gradients beside finite differences and torch's, which agree unless a rule is wrong."""

from __future__ import annotations

import math
import warnings
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

pytest.importorskip("torch")

import op_table
from op_checks import differentiable, tensors_of, upstream_of
from test_show_steps import CASES, leaf, run

import minigrad
from minigrad import show
from minigrad.ops import import_all, table
from minigrad.show import torch_functions
from minigrad.show.kept import nodes_under, op_of
from minigrad.testing.random_programs import WITHOUT_DATA, Program, programs

OF_GRADIENTS = (
    "AffineGridGenerator AsStrided AvgPool2D Convolution EmbeddingDense GridSampler2D MaxPool2DWithIndices NllLoss "
    "ReflectionPad2D UpsampleNearest2D"
)
SMOOTH = tuple(k for k in WITHOUT_DATA if k not in ("hooks", "backward", "grad", "gradients"))


@given(programs(minigrad, 12, kinds=SMOOTH))
@settings(max_examples=50, database=None)
def test_torch_finds_the_same_gradients(program: Program) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with show.recording():
            made = run(program)
        for t in made.values():
            try:
                found = show.steps(t, minigrad.ones_like(t).detach(), check="torch")
            except (RuntimeError, NotImplementedError):
                continue
            for ledger in found.ledgers.values():
                if found.nodes[ledger.node].kind == "leaf":
                    total, check = ledger.entries[-1].total.array, ledger.checks["torch"].array
                    assert total.dtype == check.dtype
                    np.testing.assert_allclose(
                        total, check, rtol=1e-3, atol=1e-4 * max(1.0, np.abs(check).max(initial=0))
                    )


def test_all_operations_are_known_in_torchs_functions_but_random_ones_and_some_of_gradients() -> None:
    import_all()
    unknown = set()
    for op in table.TABLE:
        try:
            torch_functions.function_of(op)
        except NotImplementedError:
            unknown.add(op.node_name)
    of_gradients = {f"{name}BackwardBackward0" for name in OF_GRADIENTS.split()}
    assert unknown == {"NormalBackward1", "NormalBackward3", "UnlinkedBackward0", "torch::autograd::NotImplemented"} | (
        of_gradients
    )


def test_torchs_functions_give_the_gradients_of_the_operations_table() -> None:
    """One case of each row that has an operation with options that no row before it had, with second gradients or not."""
    known: set[Any] = set()
    with show.recording(), np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for row in op_table.ROWS:
            if not torch_agrees(row, True, known):
                torch_agrees(row, False, known)
    unseen = torch_functions._BY_RULES.keys() - {rules for rules, *_ in known}
    assert {op.node_name for op in table.TABLE if id(op.rules) in unseen} == set()


def torch_agrees(row: Any, twice: bool, known: set[Any]) -> bool:
    """Whether torch has functions for a row's operations, whose gradients are the same; False without gradients too."""
    case = max([row.case(Random(f"{row.call} {seed}"), "plain") for seed in range(9)], key=size_of)  # few are empty
    inputs = tensors_of(case, minigrad)
    result = op_table.evaluate(row.call, minigrad, inputs, case.options)
    outputs = differentiable(result if isinstance(result, tuple) else [result], minigrad)
    try:
        loss = loss_of(outputs, differentiable(inputs, minigrad), case, twice)
        rules = {(id(op.rules), *case.options) for op in map(op_of, nodes_under(loss._origin)) if op is not None}
        ledgers = [] if rules <= known else show.steps(loss, check="torch").ledgers.values()
    except RuntimeError:
        return False
    known |= rules
    for ledger in ledgers:
        if ledger.checks:
            total, check = ledger.entries[-1].total.array, ledger.checks["torch"].array
            rough = {"f2": 1e-2, "f4": 1e-4, "f8": 1e-8}[total.dtype.str[1:]]
            most = np.abs(total[np.isfinite(total)]).max(initial=1.0)
            np.testing.assert_allclose(check, total, rtol=rough, atol=rough * most, err_msg=row.call)
    return True


def size_of(case: Any) -> int:
    """How many elements the smallest input has."""
    return min([math.prod(given.shape) for given in case.inputs])


def loss_of(outputs: Any, leaves: Any, case: Any, twice: bool) -> Any:
    """The outputs by random weights and, if `twice`, the squares of the gradients of that, as one number."""
    weights = upstream_of(outputs, case, minigrad)
    found = minigrad.autograd.grad(outputs, leaves, weights, create_graph=True, allow_unused=True) if twice else ()
    parts = [(o * w.detach()).sum() for o, w in zip(outputs, weights, strict=True)]
    return sum([*parts, *[(g**2).sum() for g in differentiable(found, minigrad)]], minigrad.tensor(0.0))


def test_gradients_of_gradients_are_checked_by_torch_too() -> None:
    x = leaf(1.5, 2.0, 0.5, -1.0)

    def penalty() -> Any:
        y = x * x
        y[:2] = x[2:] * x[:2]
        z = (y.unfold(0, 2, 1) ** 2).max(1).values
        (g,) = minigrad.autograd.grad((z**2).sum(), x, create_graph=True)
        return (g**2).sum()

    ledger = show.steps(penalty, check="torch").ledgers[0]
    np.testing.assert_allclose(ledger.checks["torch"].array, ledger.entries[-1].total.array, rtol=1e-5)


@pytest.mark.parametrize("name", CASES)
def test_cases(name: str) -> None:
    x = leaf(1.5, 2.0)
    found = show.steps(lambda: CASES[name](x), check=("differences", "torch"))
    ledger = next(found.ledgers[n.id] for n in found.nodes if n.kind == "leaf" and n.id in found.ledgers)
    total = ledger.entries[-1].total.array
    tolerance = 2e-3 if name == "half precision" else 1e-5
    np.testing.assert_allclose(ledger.checks["differences"].array, total, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(ledger.checks["torch"].array, total, rtol=tolerance, atol=tolerance)


def test_a_check_notices_a_wrong_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    from minigrad.ops.pointwise import tanh_

    monkeypatch.setitem(tanh_.node_type.pull.__globals__, "rule_a", lambda g, out: g * out)
    x = leaf(0.5, 1.0)
    found = show.steps(lambda: x.tanh().sum(), check=("differences", "torch"))
    ledger = next(found.ledgers[n.id] for n in found.nodes if n.kind == "leaf")
    for value in ledger.checks.values():
        assert np.abs(value.array - ledger.entries[-1].total.array).max() > 0.1


def test_checks_need_what_was_computed() -> None:
    x, y = leaf(1.0, 2.0), minigrad.tensor([3.0, 4.0])
    loss = (x + y).sum()
    with pytest.raises(RuntimeError, match=r"an operand of x \+ y.*\n.*show\.recording"):
        show.steps(loss, check="torch")
    with show.recording():
        loss = (x + y).sum()
    found = show.steps(loss, check="differences")
    np.testing.assert_allclose(found.ledgers[0].checks["differences"].array, [1, 1])


def test_checks_refuse_what_was_changed_outside_of_the_graph() -> None:
    def program() -> Any:
        a = leaf(1.0)
        b = -a
        c = b[...]
        with minigrad.no_grad():
            c.exp_()
        return c * c

    with pytest.raises(RuntimeError, match="changed outside of the graph"):
        show.steps(program, check="torch")
