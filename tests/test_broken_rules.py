"""Rules broken on purpose: each break must be caught by the checks that the operations are tested with.

Every rule of the table gets every change of `minigrad.testing.mutation`: a factor, a sign, nothing at all, a transpose, a
forgotten sum, saved values the wrong way round or stale. Besides, rules are exchanged for another input's, the sum over
broadcast axes is forgotten in the walk, and changes of saved values are overlooked.
"""

from collections import defaultdict
from contextlib import ExitStack
from functools import cache
from random import Random

import pytest

torch = pytest.importorskip("torch")
from op_checks import agree, check_saved, differentiated, saved
from op_table import ROWS

import minigrad
from minigrad import engine
from minigrad.ops.table import TABLE
from minigrad.testing.mutation import exchanged, noticed, of_operation

SEEDS = range(30)  # cases per row
TRIES = 120  # cases tried per break, at most

# Breaks that change nothing, by operation and rule.
ZERO = {  # the gradient is zero whatever comes in
    ("SignBackward0", "a"),
    ("FillBackward2", "a"),
    ("FillBackward3", "a"),
    ("torch::autograd::CopyBackwards", "a"),
    ("UnlinkedBackward0", "a"),
    ("UnlinkedBackward0", "b"),
    ("ThresholdBackwardBackward0", "b"),
    ("NoSlopeBackward0", "b"),
    ("SgnBackward0", "a"),
    ("FloorBackward0", "a"),
    ("CeilBackward0", "a"),
    ("TruncBackward0", "a"),
    ("RoundBackward0", "a"),
    ("RoundBackward1", "a"),
    ("DivBackward2", "a"),
    ("DivBackward2", "b"),
    ("CopysignBackward0", "b"),
    ("NextafterBackward0", "b"),
    ("torch::autograd::NotImplemented", "a"),  # there is none
    ("torch::autograd::NotImplemented", "b"),
    ("NormalBackward1", "a"),
    ("MaxPool2DWithIndicesBackwardBackward0", "b"),
    ("AvgPool2DBackwardBackward0", "b"),
    ("NllLossBackwardBackward0", "d"),
    ("ReflectionPad2DBackwardBackward0", "b"),
    ("NormalBackward3", "a"),
    ("NormalBackward3", "b"),
}
SAME_RULES = {"AddBackward0"}  # one input's rule is the other's
UNREACHABLE = {  # saved values that only rules make, or that the node which made them looks after as well
    ("KeepBackward0", "where"),
    ("ThresholdBackwardBackward0", "b"),
    *[("LinalgLstsqBackward0", name) for name in ("a", "b", "out")],  # torch needs others: see test_matrices.py
    ("EighBackward0", "out"),
    ("SvdBackward0", "out"),
    ("QrBackward0", "out"),
}


@cache
def case_of(i, seed, kind):
    return ROWS[i].case(Random(1000 * i + seed), kind)


@cache
def in_torch(i, seed, kind):
    return differentiated(ROWS[i], case_of(i, seed, kind), torch)


@cache
def saved_in_torch(i, seed):
    return saved(ROWS[i], case_of(i, seed, "plain"), torch)


def check_gradients(i, seed, kind):
    agree(differentiated(ROWS[i], case_of(i, seed, kind), minigrad), in_torch(i, seed, kind))


def check_versions(i, seed, kind):
    check_saved(ROWS[i], case_of(i, seed, kind), saved_in_torch(i, seed))


def rule_users():
    """For every rule that some row pulls through: the cases that do so."""
    users = defaultdict(list)
    now = [None]

    def noting(op, i):
        def other(rule):
            def noted(*args):
                if now[0] not in users[op, i][-1:]:
                    users[op, i].append(now[0])
                return rule(*args)

            return noted

        return other

    def run():
        for row in range(len(ROWS)):
            for seed in SEEDS:
                for kind in ("plain", "ties"):
                    now[0] = (row, seed, kind)
                    differentiated(ROWS[row], case_of(row, seed, kind), minigrad)

    with ExitStack() as stack:
        for op in TABLE:
            for i in op.differentiable:
                stack.enter_context(exchanged(op, f"rule_{i}", noting(op, i)))
        run()
    return users


@pytest.fixture(scope="module")
def users():
    for row in range(len(ROWS)):  # so that the operations' forms under other names exist
        for seed in SEEDS:
            differentiated(ROWS[row], case_of(row, seed, "plain"), minigrad)
    return rule_users()


def spread_over_rows(cases):
    """The cases, one of every row first, then a second of every row, and so on."""
    by_row = defaultdict(list)
    for case in cases:
        by_row[case[0]].append(case)
    longest = max(map(len, by_row.values()))
    return [found[n] for n in range(longest) for found in by_row.values() if n < len(found)]


def caught(check, cases):
    """Whether a check raises in one of the cases."""
    for case in spread_over_rows(cases)[:TRIES]:
        try:
            check(*case)
        except AssertionError:
            return True
    return False


def changes(op, i):
    """What can be wrong with one rule, and how to make it so."""
    (place,) = [place for place in of_operation(op) if place.name.endswith(f", {i}")]
    return {} if (op.node_name, i) in ZERO else place.changes


RULES = [pytest.param(op, i, id=f"{op.node_name}{op.inputs}-{i}") for op in TABLE for i in op.differentiable]


@pytest.mark.parametrize(("op", "i"), RULES)
def test_a_wrong_rule_is_caught(op, i, users):
    cases = users[op, i]
    assert cases, "no row pulls a gradient through this rule"
    survivors = []
    for what, change in changes(op, i).items():
        altered = []
        with exchanged(op, f"rule_{i}", noticed(change, altered)):
            if not caught(check_gradients, cases) and altered:
                survivors.append(what)
    assert survivors == []


PAIRS = [
    op
    for op in TABLE
    if len(op.differentiable) > 1
    and not (op.node_name in SAME_RULES and not op.options)
    and not all((op.node_name, i) in ZERO for i in op.differentiable)
]


@pytest.mark.parametrize("op", PAIRS, ids=lambda op: f"{op.node_name}{op.inputs}")
def test_the_gradient_of_another_input_is_caught(op, users):
    def reversed_pull(form, pull):
        return lambda *args: tuple(pull(*args))[::-1]

    cases = [case for i in op.differentiable for case in users[op, i]]
    with ExitStack() as stack:
        for form in (op, *op.variants.values()):
            for name in ("pull", "flow"):
                node_type = form.node_type
                stack.callback(setattr, node_type, name, getattr(node_type, name))
                setattr(node_type, name, reversed_pull(form, getattr(node_type, name)))
        assert caught(check_gradients, cases)


BROADCAST = [op for op in TABLE if op.numbers and not all((op.node_name, i) in ZERO for i in op.differentiable)]


@pytest.mark.parametrize("op", BROADCAST, ids=lambda op: f"{op.node_name}{op.inputs}")
def test_a_forgotten_sum_is_caught(op, users, monkeypatch):
    def first_only(g, target, tape):
        """The shape that is wanted, but of the elements to be summed only the first."""
        shape, _ = target
        if g.shape != shape and 0 not in g.shape:
            extra = g.ndim - len(shape)
            stretched = [slice(0, 1) if n == 1 else slice(None) for n in shape]
            g = g[(0,) * extra + tuple(stretched)]
        return bring_to(g, target, tape)

    bring_to = engine._bring_to
    monkeypatch.setattr(engine, "_bring_to", first_only)
    assert caught(check_gradients, [case for i in op.differentiable for case in users[op, i]])


GUARDED = [
    pytest.param(op, name, id=f"{op.node_name}{op.inputs}-{name}")
    for op in TABLE
    for name in op.guarded
    if (op.node_name, name) not in UNREACHABLE
]


@pytest.mark.parametrize(("op", "name"), GUARDED)
def test_an_overlooked_change_is_caught(op, name, users):
    def overlooking(stale):
        def broken(node, guard, version):
            if guard is not getattr(node, f"g_{name}"):
                stale(node, guard, version)

        return broken

    cases = [case for i in op.differentiable if name in op.names[i] for case in users[op, i]]
    plain = [case for case in cases if case[2] == "plain" and not ROWS[case[0]].folded]
    with exchanged(op, "stale", overlooking):
        assert caught(check_versions, plain)
