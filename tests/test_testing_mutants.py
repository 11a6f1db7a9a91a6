"""Rules broken on purpose: which mutants there are, that good tests catch them all, and that poor tests are found out."""

import pytest

torch = pytest.importorskip("torch")
from hypothesis import strategies as st
from planted import product

import minigrad
from minigrad.testing import broadcastable_shapes, gradient_properties, mutants, tensors

pytest_plugins = ["pytester"]

EXAMPLES = 20


def survivors(found):
    return [str(mutant) for mutant in found if mutant.caught_by is None]


@pytest.mark.parametrize(
    ("f", "least"),
    [
        (product(minigrad), 12),
        (product(torch), 22),
        (lambda a, b: (a * b).tanh(), 18),
        (torch.nn.Linear(3, 2), 5),
        (torch.tanh, 6),
    ],
    ids=["Function", "torch Function", "expression", "torch module", "torch function"],
)
def test_no_mutant_survives_all_the_checks(f, least):
    shapes = (2, 3) if isinstance(f, torch.nn.Module) else None
    found = mutants(f, shapes=shapes, examples=EXAMPLES)
    assert len(found) >= least
    assert survivors(found) == []


def test_mutants_name_the_rule_and_the_change():
    names = {str(mutant) for mutant in mutants(product(minigrad), examples=EXAMPLES)}
    assert {"Product.backward, a, negated", "Product.backward, b, saved values stale"} <= names
    names = {str(mutant) for mutant in mutants(lambda a, b: a / b, examples=EXAMPLES)}
    assert {"DivBackward0, a, times 1.5", "DivBackward0, b, a and b exchanged", "DivBackward0, a, b stale"} <= names


def test_the_rules_are_right_again_afterwards():
    mutants(lambda a, b: a * b, examples=5)
    a = minigrad.tensor(3.0, requires_grad=True)
    (a * 5).backward()
    assert a.grad == 5


def test_a_check_that_fails_anyway_catches_no_mutant():
    with pytest.raises(AssertionError, match="the gradient of input 0"):
        mutants(lambda a: a * a.detach(), examples=EXAMPLES)


def test_a_check_that_cannot_see_gradients_lets_mutants_live():
    found = mutants(lambda a: a.exp(), checks=("leaves_inputs_alone",), examples=EXAMPLES)
    assert survivors(found) == [str(mutant) for mutant in found] != []


def test_numbers_that_hide_a_wrong_rule_are_found_out():
    """Where all elements are 1, a saved value in another's place goes unnoticed."""
    checks = ("linear_in_upstream",)
    assert survivors(mutants(lambda a, b: a * b, elements=st.just(1.0), checks=checks, examples=EXAMPLES))


FILE = """
import minigrad
from minigrad.testing import gradient_properties

test_tanh = gradient_properties(minigrad.tanh, examples=4)
test_softmax = gradient_properties(lambda x: x.softmax(-1), shapes=(2, 3), examples=4, name="softmax", torch_function=True)
"""


def test_pytest_runs_the_classes_and_their_mutants(pytester):
    pytester.makepyfile(FILE)
    result = pytester.runpytest_subprocess("-p", "minigrad.testing.plugin", "--gradient-mutants")
    result.assert_outcomes(passed=19)
    result.stdout.re_match_lines([r"=+ gradients =+", r"broken rules: \d\d tried, none unnoticed"])


WEAK = """
from hypothesis import strategies as st
from minigrad.testing import gradient_properties, tensors

test_weak = gradient_properties(
    lambda a, b: a * b, elements=st.just(1.0), examples=5,
    skip=("gradients", "second_gradients", "adjoint", "dtypes", "views", "same_tensor"),
)
"""


def test_pytest_names_the_survivors(pytester):
    pytester.makepyfile(WEAK)
    result = pytester.runpytest_subprocess("-p", "minigrad.testing.plugin", "--gradient-mutants")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(
        ["*broken rules go unnoticed*MulBackward0, a, negated*", "broken rules: 14 tried, 14 unnoticed"]
    )


@pytest.mark.parametrize(
    ("f", "how", "said"),
    [
        (minigrad.tanh, {"skip": "gradient"}, "skip names no check: gradient"),
        (minigrad.tanh, {"shapes": (2, -1)}, "-1"),
        (minigrad.tanh, {"elements": [None, None]}, "elements has 2 strategies for 1 inputs"),
        (minigrad.tanh, {"inputs": tensors(), "shapes": 3}, "inputs takes the place of"),
        (minigrad.tanh, {"examples": 0}, "nothing is left to check"),
        (minigrad.tanh, {"library": "torch"}, "library is a module"),
        (torch.tanh, {"torch_function": True}, "this one is torch's"),
        (torch.nn.Linear, {}, "pass an instance"),
        (torch.nn.Linear(3, 2), {}, "say which shapes Linear takes"),
        (minigrad.nn.Bilinear(3, 2, 1), {}, "say which shapes Bilinear takes"),
        (3, {}, "of a function, not of int"),
        (lambda x: x.argmax(), {}, "returns no floating tensor"),
    ],
)
def test_wrong_arguments_are_named(f, how, said):
    with pytest.raises((ValueError, TypeError), match=said):
        gradient_properties(f, **how)().test_gradients()


def test_shapes_and_options_in_every_form():
    for shapes in (3, (2, 3), ((2, 3),), tensors_shapes()):
        gradient_properties(lambda x: x.tanh(), shapes=shapes, examples=5)().test_gradients()
    by_dim = lambda x, dim: x.softmax(dim)
    for options in ({"dim": -1}, st.just({"dim": 0}), lambda shape: st.just({"dim": len(shape) - 1})):
        gradient_properties(
            by_dim, shapes=(2, 3), options=options, examples=5, torch_function=True
        )().test_against_torch()


def tensors_shapes():
    return broadcastable_shapes(1, min_dims=1)
