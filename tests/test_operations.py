"""Every operation against torch and itself, in the cases that the table's rows allow.

Against finite differences it is held in test_testing_table.py.

`pytest -m slow tests/test_operations.py` tries many more, and others each time.
"""

import os
import re
from inspect import unwrap
from random import Random

import pytest

torch = pytest.importorskip("torch")
from hypothesis import given, settings, strategies as st
from op_checks import (
    check_against_torch,
    check_in_place,
    check_saved,
    check_saved_names,
    check_spellings,
    differentiated,
)
from op_table import ROWS
from op_usage import used_operations

import minigrad
from minigrad.ops.names import FUNCTIONS
from minigrad.ops.table import TABLE

# Per row and check. The few are drawn without hypothesis, whose first examples are the smallest, and alike in all rows.
FEW, MANY = 3, int(os.environ.get("MINIGRAD_EXAMPLES", "300"))
# The modules of minigrad.ops whose functions compute; others make tensors, or pick from them.
COMPUTING = (
    "pointwise",
    "functions",
    "rounding",
    "pairs",
    "special",
    "activations",
    "reduction",
    "extremes",
    "shape",
    "linear",
    "products",
    "logic",
    "sorting",
    "running",
    "scattering",
    "placing",
    "einsum",
    "diagonals",
    "rearranging",
    "matrices",
    "norms",
    "measures",
    "repeating",
    "statistics",
)
RANDOMS = st.randoms(use_true_random=False)

# What is tried: (the check, the kind of cases, the rows that it is for)
CHECKS = {
    "as torch": (check_against_torch, "plain", lambda row: True),
    "as torch, at ties": (check_against_torch, "ties", lambda row: True),
    "as torch, at infinities and NaN": (check_against_torch, "special", lambda row: row.special),
    "as torch, for any arguments": (check_against_torch, "wild", lambda row: True),
    "spellings": (check_spellings, "plain", lambda row: row.same),
    "in place": (check_in_place, "plain", lambda row: row.in_place),
    "in place, for any arguments": (check_in_place, "wild", lambda row: row.in_place),
    "saved values": (check_saved, "plain", lambda row: not row.folded),
    "names of saved values": (check_saved_names, "plain", lambda row: "svd" not in row.call),  # its signs are free
}


def try_row(row, random):
    for name, (check, kind, concerns) in CHECKS.items():
        if concerns(row):
            case = row.case(random, kind)
            try:
                check(row, case)
            except BaseException as error:
                error.add_note(f"{row}, {name}: {case}")
                raise


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_row(row):
    for seed in range(FEW):
        try_row(row, Random(f"{row} {seed}"))


@pytest.mark.slow
@pytest.mark.parametrize("row", ROWS, ids=str)
def test_row_in_many_cases(row):
    settings(max_examples=MANY)(given(RANDOMS)(lambda random: try_row(row, random)))()


def test_every_operation_is_used_by_a_row():
    def run_rows(seed):
        for row in ROWS:
            differentiated(row, row.case(Random(seed)), minigrad)

    used = used_operations(run_rows, seeds=6)
    assert [f"{op.node_name}{op.inputs}" for op in TABLE if op not in used] == []


def test_every_function_has_a_row():
    text = " ".join(" ".join((row.call, *row.same)) for row in ROWS)
    computing = [name for name, f in FUNCTIONS.items() if unwrap(f).__module__.split(".")[-1] in COMPUTING]
    assert [name for name in computing if not re.search(rf"\b{name}\(", text)] == []


def test_methods_and_twins_are_those_that_torch_has():
    """Where minigrad has a function, it has the method and the in-place twin, and no other, as torch has them."""
    names = [n for name in FUNCTIONS for n in (name, f"{name}_")]
    ours, theirs = ({n for n in names if hasattr(t.Tensor, n)} for t in (minigrad, torch))
    assert ours ^ theirs == set()
