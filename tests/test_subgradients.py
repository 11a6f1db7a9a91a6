"""Kinks, ties, zeros and infinities: gradients as torch has them, and the docs pages that list them."""

import math

import numpy as np
import pytest
from kinks import DOCS, PAGES, SECTIONS, at, page

import minigrad

KINKS = [pytest.param(kink, id=f"{kink.call} at {kink.inputs}") for section in SECTIONS for kink in section.kinks]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kink", KINKS)
def test_a_kink_is_as_in_torch(kink, dtype):
    torch = pytest.importorskip("torch")
    ours, theirs = ([result, *gradients] for result, gradients in (at(kink, t, dtype) for t in (minigrad, torch)))
    for mine, yours in zip(ours, theirs, strict=True):
        assert (mine is None) == (yours is None)
        if mine is not None:
            torch.testing.assert_close(torch.from_numpy(mine.detach().numpy()), yours.detach(), equal_nan=True)


@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_current(name):
    written = (DOCS / name).read_text(encoding="utf-8")
    assert written == page(name), "write it anew: python tests/kinks.py"


def test_variance_over_no_dimension():
    """The one gradient known to differ: torch divides by 1 - 1 there, although the variance is that of all elements."""
    torch = pytest.importorskip("torch")
    for t in (minigrad, torch):
        a = t.tensor([1.0, 3.0], requires_grad=True)
        a.var([]).backward()
        assert (a.grad.tolist() == [-2.0, 2.0]) == (t is minigrad)


@pytest.mark.parametrize(
    "source",
    [
        "0.0 ** torch.tensor([math.nan, math.inf, -math.inf, 0.0, 1.0], requires_grad=True)",
        "torch.nn.functional.kl_div(torch.zeros(2), torch.tensor([-0.5, 0.5], requires_grad=True), reduction='none')",
    ],
)
def test_special_values(source):
    torch = pytest.importorskip("torch")
    found = []
    for t in (minigrad, torch):
        y = eval(source, {"torch": t, "math": math})
        leaf = y.grad_fn
        while leaf.name() != "torch::autograd::AccumulateGrad":
            leaf = next(node for node, _ in leaf.next_functions if node is not None)
        gradients = [t.autograd.grad(y[i], leaf.variable, retain_graph=True)[0].tolist() for i in range(len(y))]
        found.append(np.array(gradients))
    np.testing.assert_array_equal(*found)
