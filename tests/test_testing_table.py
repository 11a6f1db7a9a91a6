"""minigrad's own operations under the checks that it gives away: all must pass, on every row of the table.

`pytest -m slow tests/test_testing_table.py` tries many more cases, and others each time.
"""

import os
import warnings
from random import Random

import pytest

pytest.importorskip("torch")  # rows are read off what torch has
from hypothesis import given, settings, strategies as st
from op_table import ROWS, evaluate

import minigrad
from minigrad import testing

MANY = int(os.environ.get("MINIGRAD_EXAMPLES", "300"))  # per row and check
# minigrad warns, as torch does, of variances of too few numbers, of padding that is not the same at both ends, ...
WARNINGS = (
    ".*degrees of freedom",
    "Using padding='same'",
    "Using a target size",
    "reduction. 'mean'",
    "Implicit dimension",
)
pytestmark = [pytest.mark.filterwarnings(f"ignore:{text}:UserWarning") for text in WARNINGS]
CHECKS = {
    testing.check_gradients: "smooth",
    testing.check_second_gradients: "smooth",
    testing.check_linear_in_upstream: "plain",
    testing.check_adjoint: "smooth",
    testing.check_leaves_inputs_alone: "ties",
    testing.check_dtypes: "smooth",
    testing.check_views: "smooth",
    testing.check_same_tensor: "smooth",
}
# `view` refuses some layouts, singular matrices have no logarithm of their determinant, and weights may not sum to 0.
SMOOTH_ONLY = (".view(", "t.linalg.slogdet(a)", "t.cov(a, aweights=b)")


def has_floating(results):
    """Whether there is anything to differentiate."""
    results = results if isinstance(results, (tuple, list)) else [results]
    return any(isinstance(r, minigrad.Tensor) and r.is_floating_point() for r in results)


def is_differentiable(row):
    """Whether there is a gradient to be checked, as of what is not rounded, compared or counted there is."""
    case = row.case(Random(1), "smooth")
    tensors = [minigrad.from_numpy(i.array()) for i in case.inputs]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = evaluate(row.call, minigrad, tensors, case.options)
    return row.smooth and row.call != "t.detach(a)" and has_floating(found)


TESTED = [row for row in ROWS if is_differentiable(row)]


def try_row(row, random):
    """Whether any check found something to check."""
    checked = False
    for check, kind in CHECKS.items():
        case = row.case(random, "smooth" if any(text in row.call for text in SMOOTH_ONLY) else kind)
        tensors = [minigrad.from_numpy(i.array()).requires_grad_(i.requires_grad) for i in case.inputs]
        f = lambda *given: evaluate(row.call, minigrad, given, case.options)
        try:
            found = f(*tensors)
        except RuntimeError:
            continue  # the case itself is refused: that torch refuses it too, test_operations.py sees
        # A variance of 0, or of nothing, has no root to differentiate: torch gives NaN, and so does minigrad.
        at_kink = row.call.startswith(("t.std(", "t.var(")) and not (found > 0).all()
        if any(t.requires_grad for t in tensors) and not at_kink and has_floating(found):
            try:
                check(f, *tensors, name=str(row))
            except BaseException as error:
                error.add_note(f"{row}, {check.__name__}: {case}")
                raise
            checked = True
    return checked


@pytest.mark.parametrize("row", TESTED, ids=str)
def test_row(row):
    assert any(try_row(row, Random(f"{row} {seed}")) for seed in range(5))


@pytest.mark.slow
@pytest.mark.parametrize("row", TESTED, ids=str)
def test_row_in_many_cases(row):
    tried = []
    draw = given(st.randoms(use_true_random=False))
    settings(max_examples=MANY, derandomize=False)(draw(lambda random: tried.append(try_row(row, random))))()
    assert any(tried)
