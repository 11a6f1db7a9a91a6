"""What is in order, as torch has it: which of equal elements are named in long rows, and how results print."""

import copy
import pickle

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import minigrad

LENGTHS = (2, 3, 4, 5, 9, 16, 17, 30, 60, 200)


def rows(seed, n, values, missing=False):
    rng = np.random.default_rng([seed, n, values])
    found = rng.integers(0, values, (3, n)).astype(np.float32)
    if missing:
        found[rng.random(found.shape) < 0.2] = np.nan
    return found


def both(function, *arrays):
    """What a function of the module and tensors gives here and in torch, as lists."""
    results = [function(t, *[t.from_numpy(a.copy()) for a in arrays]) for t in (minigrad, torch)]
    return [[r.tolist() for r in (result if isinstance(result, tuple) else (result,))] for result in results]


@pytest.mark.parametrize("missing", [False, True], ids=["numbers", "NaN"])
@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize("values", [3, 50])
def test_which_of_equal_elements_are_named(n, values, missing):
    x = rows(0, n, values, missing)
    functions = [
        lambda t, a: t.sort(a, stable=True, dim=1, descending=True),
        lambda t, a: t.argsort(a, stable=True),
        lambda t, a: t.median(a, 1),
        lambda t, a: t.mode(a, 1),
        lambda t, a: t.cummax(a, 1),
    ]
    for k in {1, 2, n // 2 or 1, n}:
        functions.append(lambda t, a, k=k: t.kthvalue(a, k, 1))
        if n < 64 * k:
            functions.append(lambda t, a, k=k: t.topk(a, k, 1))
            functions.append(lambda t, a, k=k: t.topk(a, k, 1, largest=False, sorted=False))
            functions.append(lambda t, a, k=k: t.topk(a.t(), k, 0))
    for function in functions:
        ours, theirs = both(function, x)
        np.testing.assert_equal(ours, theirs)


@pytest.mark.parametrize(
    "expression", ["x.sort()", "x.topk(2)", "x.max(1)", "x.aminmax(dim=1)", "x.mode()", "x.cummin(0)"]
)
def test_results_print_and_have_names(expression):
    ours, theirs = (eval(expression, {"x": t.tensor([[3.0, 1.0], [2.0, 2.0]])}) for t in (minigrad, torch))
    assert repr(ours) == repr(theirs)
    values, indices = ours
    first, second = ("min", "max") if "aminmax" in expression else ("values", "indices")
    assert getattr(ours, first) is values
    assert getattr(ours, second) is indices
    again = pickle.loads(pickle.dumps(ours))
    assert repr(again) == repr(copy.deepcopy(ours)) == repr(theirs)
    assert type(again) is type(ours)


def test_the_value_that_fills_one_slice_twice_gets_its_gradient_once():
    grads = []
    for t in (minigrad, torch):
        value = t.tensor(2.0, requires_grad=True)
        t.zeros(3, 2).index_fill(0, t.tensor([1, 0, 1]), value).sum().backward()
        grads.append(value.grad.item())
    assert grads == [4.0, 4.0]
