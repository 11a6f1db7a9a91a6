"""Rules broken on purpose: each break must be caught by the checks that the operations are tested with.

Every rule of the table gets every change of `minigrad.testing.mutation`: a factor, a sign, nothing at all, a transpose, a
forgotten sum, saved values the wrong way round or stale. Besides, rules are exchanged for another input's, the sum over
broadcast axes is forgotten in the walk, and changes of saved values are overlooked.
"""

from collections import defaultdict
from contextlib import ExitStack
from functools import cache
from itertools import islice, product
from random import Random

import pytest

torch = pytest.importorskip("torch")
from op_checks import agree, check_saved, differentiated, saved
from op_table import ROWS

import minigrad
from minigrad import walk
from minigrad.ops.table import TABLE
from minigrad.testing.mutation import exchanged, noticed, of_operation

KINDS = ("plain", "ties")
SEEDS = range(50)  # cases per row and kind
FIRST = 3  # seeds by which it is found out which rules a row pulls through
TRIES = 120  # cases tried per break, at most; ...
UNALTERED = 30  # ... and so many if it has altered no gradient in them

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
SCALARS = {("MaskedFillBackward1", "b")}  # what is summed to one number may be summed in any order
SAME_RULES = {"AddBackward0"}  # one input's rule is the other's
UNREACHABLE = {  # saved values that only rules make, or that the node which made them looks after as well
    ("KeepBackward0", "where"),
    ("ThresholdBackwardBackward0", "b"),
    *[("LinalgLstsqBackward0", name) for name in ("a", "b", "out")],  # torch needs others: see test_matrices.py
    ("SpecialI1Backward0", "out"),
    ("EmbeddingBagBackward0", "d"),  # which bag each row is in, made of the offsets
    *[("PdistBackward0", name) for name in ("a", "out")],  # torch may save a copy, and has no second derivative
    ("EighBackward0", "out"),
    ("SvdBackward0", "out"),
    ("QrBackward0", "out"),
    ("LinalgLuBackward0", "out"),
    ("LinalgLuFactorExBackward0", "out"),
    ("GridSampler2DBackwardBackward0", "a"),
}


@cache
def case_of(i, seed, kind):
    return ROWS[i].case(Random(f"{ROWS[i]} {seed}"), kind)  # whatever rows come before it


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


RULES = [pytest.param(op, i, id=f"{op.node_name}{op.inputs}-{i}") for op in TABLE for i in op.differentiable]


def rows_of(op, users):
    """The rows that pull through any rule of an operation."""
    return list(dict.fromkeys(row for i in op.differentiable for row in users.get((op, i), ())))


def rows_of_rules():
    """For every rule, the rows that pull through it; after the first seeds, only of operations with a rule that has none."""
    found = defaultdict(dict)
    now = None

    def noting(op, i):
        def other(rule):
            def noted(*args):
                found[op, i][now] = True
                return rule(*args)

            return noted

        return other

    with ExitStack() as stack:
        for op in TABLE:
            for i in op.differentiable:
                stack.enter_context(exchanged(op, f"rule_{i}", noting(op, i)))
        for seed in SEEDS:
            rows = range(len(ROWS))
            if seed >= FIRST:
                lacking = [op for op in TABLE if not all((op, i) in found for i in op.differentiable)]
                rows = dict.fromkeys(row for op in lacking for row in rows_of(op, found) or range(len(ROWS)))
            for now in rows:
                for kind in KINDS:
                    differentiated(ROWS[now], case_of(now, seed, kind), minigrad)
    return {rule: list(rows) for rule, rows in found.items()}


@pytest.fixture(scope="module")
def users():
    for row in range(len(ROWS)):  # so that the operations' forms under other names exist
        differentiated(ROWS[row], case_of(row, 0, "plain"), minigrad)
    yield rows_of_rules()
    for kept in (case_of, in_torch, saved_in_torch, telling_cases):
        kept.cache_clear()  # a look through all objects there are, as errors may take, was ten times as long beside them


@cache
def telling_cases(i):
    """The cases of a row, those with square inputs first: there a transposed gradient has the shape of a right one."""

    def squares(case):
        shapes = [x.shape for x in case_of(i, *case).inputs]
        return sum(len(shape) > 1 and shape[-1] == shape[-2] > 1 for shape in shapes)

    return sorted(product(SEEDS, KINDS), key=squares, reverse=True)


def caught(check, rows, kinds=KINDS, altered=(True,)):
    """Whether a check raises in one of the rows' cases: one of every row first, then a second, and so on."""
    cases = (
        (row, *case) for nth in zip(*map(telling_cases, rows), strict=True) for row, case in zip(rows, nth, strict=True)
    )
    for tried, case in enumerate(islice((case for case in cases if case[2] in kinds), TRIES)):
        if tried == UNALTERED and not altered:
            return False
        try:
            check(*case)
        except AssertionError:
            return True
    return False


def changes(op, i):
    """What can be wrong with one rule, and how to make it so."""
    (place,) = [place for place in of_operation(op) if place.name.endswith(f", {i}")]
    if (op.node_name, i) in ZERO:
        return {}
    return {what: c for what, c in place.changes.items() if what != "transposed" or (op.node_name, i) not in SCALARS}


@pytest.mark.parametrize(("op", "i"), RULES)
def test_a_wrong_rule_is_caught(op, i, users):
    rows = users.get((op, i))
    assert rows, "no row pulls a gradient through this rule"
    survivors = []
    for what, change in changes(op, i).items():
        altered = []
        with exchanged(op, f"rule_{i}", noticed(change, altered)):
            if not caught(check_gradients, rows, altered=altered) and altered:
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

    with ExitStack() as stack:
        for form in (op, *op.variants.values()):
            for name in ("pull", "flow"):
                node_type = form.node_type
                stack.callback(setattr, node_type, name, getattr(node_type, name))
                setattr(node_type, name, reversed_pull(form, getattr(node_type, name)))
        assert caught(check_gradients, rows_of(op, users))


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

    bring_to = walk.bring_to
    monkeypatch.setattr(walk, "bring_to", first_only)
    assert caught(check_gradients, rows_of(op, users))


GUARDED = [
    pytest.param(op, name, id=f"{op.node_name}{op.inputs}-{name}")
    for op in TABLE
    for name in op.guarded
    if (op.node_name, name) not in UNREACHABLE
]


@pytest.mark.parametrize(("op", "name"), GUARDED)
def test_an_overlooked_change_is_caught(op, name, users):
    def overlooking(stale):
        def broken(node, guard):
            if guard is not getattr(node, f"g_{name}"):
                stale(node, guard)

        return broken

    rows = {row: True for i in op.differentiable if name in op.names[i] for row in users[op, i]}
    with exchanged(op, "stale", overlooking):
        assert caught(check_versions, [row for row in rows if not ROWS[row].folded], ["plain"])
