"""`show.steps`: what it says is what the engine does, bit for bit, and no value that it shows is wrong."""

from __future__ import annotations

import json
import warnings
from typing import Any

import numpy as np
from hypothesis import given, settings, strategies as st

import minigrad
from minigrad import show
from minigrad.autograd import passes
from minigrad.autograd.tape import ArrayTape, OfSeveral, run_leaf_hooks
from minigrad.engine import Node, walk
from minigrad.show.kept import recording
from minigrad.testing.random_programs import KINDS, WITHOUT_DATA, Interpreter, Program, programs

PROGRAMS = st.sampled_from((WITHOUT_DATA, KINDS)).flatmap(lambda kinds: programs(minigrad, 16, kinds=kinds))


def run(program: Program) -> dict[str, Any]:
    """The tensors that require grad at the end of a program."""
    interpreter = Interpreter(minigrad)
    for line in program.lines:
        interpreter.run(line)
    return {name: t for name, t in interpreter.tensors().items() if t.requires_grad and t.is_floating_point()}


def outcome(function: Any) -> Any:
    try:
        return function()
    except Exception as error:
        return f"{type(error).__name__}: {str(error).splitlines()[0]}"


def bits(array: Any) -> Any:
    return None if array is None else (array.shape, array.dtype.name, np.asarray(array).tobytes())


class Spy(ArrayTape):
    """What the engine's walk gives every node, without anything from `minigrad.show`."""

    def __init__(self) -> None:
        self.received: dict[int, Any] = {}
        self.watch = lambda node, g, *_: self.received.update({id(node): np.array(flat(node, g))})

    def run_tensor_hooks(self, hooks: Any, g: Any) -> Any:
        return self.run_each(hooks.of_tensor, g) if hooks.of_tensor else g


def flat(node: Any, g: Any) -> Any:
    if not isinstance(g, OfSeveral):
        return g
    parts = [np.zeros(*r) if part is None else part for part, r in zip(g.parts, node.results, strict=True)]
    return np.concatenate([np.ravel(part) for part in parts])


@given(PROGRAMS)
@settings(max_examples=150, database=None)
def test_ledgers_are_what_a_backward_pass_does(program: Program) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for t in run(program).values():
            check_ledgers(t)


def check_ledgers(t: Any) -> None:
    gradient = minigrad.ones_like(t).detach()
    found = outcome(lambda: show.steps(t, gradient))
    edge = outcome(lambda: passes._edge_of_root(0, t))
    spy = Spy()
    if isinstance(found, str):
        assert outcome(lambda: t.backward(gradient, retain_graph=True)) == found
        return
    leaves = run_leaf_hooks_of(walk((edge,), (gradient._array,), spy, True), spy)
    by_step = {step.node: step for step in found.steps}
    assert len(by_step) == len(spy.received)
    engine_ids = numbered(edge)
    for key, g in spy.received.items():
        number = engine_ids[key]
        ledger = found.ledgers[number]
        assert bits((ledger.hooked or ledger.entries[-1].total).array) == bits(g)
        assert bits(by_step[number].incoming.array) == bits(g)
        assert by_step[number].delivered == by_step[number].users
    before = {key: bits(None if leaf._grad is None else leaf._grad._array) for key, (leaf, _) in leaves.items()}
    raised = outcome(lambda: t.backward(gradient, retain_graph=True))
    assert not isinstance(raised, str)
    for key, (leaf, g) in leaves.items():
        ledger = found.ledgers[engine_ids[key]]
        assert bits((ledger.hooked or ledger.entries[-1].total).array) == bits(np.asarray(g))
        assert bits(ledger.before and ledger.before.array) == before[key]
        if ledger.after is not None:
            assert bits(ledger.after.array) == bits(leaf._grad._array)
    for ledger in found.ledgers.values():
        check_sums(ledger)


def run_leaf_hooks_of(found: dict[int, Any], tape: ArrayTape) -> dict[int, Any]:
    found = {key: value for key, value in found.items() if not isinstance(value[0], Node)}
    run_leaf_hooks(found, tape)
    return found


def numbered(root: Any) -> dict[int, int]:
    """The numbers of nodes and leaves, from the engine's graph alone."""
    from minigrad.show.recorded import Recorded

    return Recorded(root, minigrad.tensor(0.0)).ids


def check_sums(ledger: Any) -> None:
    total = None
    for entry in ledger.entries:
        total = entry.value.array if total is None else total + entry.value.array
        assert bits(np.asarray(total)) == bits(entry.total.array)


@given(PROGRAMS)
@settings(max_examples=150, database=None)
def test_no_value_is_wrong(program: Program) -> None:
    """Values that are found again, or not at all, against the copies that a recording made at once."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with recording():
            kept = run(program)
        for name, t in run(program).items():
            gradient = minigrad.ones_like(t).detach()
            found = outcome(lambda: show.steps(t, gradient))
            if isinstance(found, str):
                continue
            exact = show.steps(kept[name], gradient)
            truth = [node for node in exact.nodes if node.kind == "operation"]
            shown = [node for node in found.nodes if node.kind == "operation"]
            assert [node.name for node in shown] == [node.name for node in truth]
            for a, b in zip(shown, truth, strict=True):
                if a.value.array is not None and b.value.array is not None:
                    assert bits(a.value.array) == bits(b.value.array), a
            json.loads(found.to_json())
