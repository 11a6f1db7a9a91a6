"""Labels without places in time: their probabilities add up to 1, and losses and gradients are torch's."""

from itertools import product

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from hypothesis import given, settings, strategies as st

import minigrad

F = minigrad.nn.functional
SEEDS = st.integers(0, 2**32)


@given(SEEDS, st.integers(1, 4), st.integers(0, 2))
@settings(max_examples=15)
def test_probabilities_of_all_labels_add_up_to_1(seed, steps, blank):
    scores = minigrad.from_numpy(np.random.default_rng(seed).normal(size=(steps, 3)))
    classes = [c for c in range(3) if c != blank]
    every = [labels for n in range(steps + 1) for labels in product(classes, repeat=n)]
    counts = [len(labels) for labels in every]
    targets = minigrad.tensor([label for labels in every for label in labels], dtype=minigrad.int64)
    logs = scores.log_softmax(-1).unsqueeze(1).expand(-1, len(every), -1)
    each = F.ctc_loss(logs, targets, (steps,) * len(every), counts, blank, "none")
    assert (-each).exp().sum().item() == pytest.approx(1)


@given(
    SEEDS,
    st.sampled_from(["none", "mean", "sum"]),
    st.booleans(),
    st.sampled_from([("float32", 1e-4), ("float64", 1e-9)]),
)
@settings(max_examples=40)
def test_losses_and_gradients_are_torchs(seed, reduction, zero_infinity, precision):
    rng = np.random.default_rng(seed)
    steps, examples, classes = rng.integers(1, 8), rng.integers(1, 4), rng.integers(2, 5)
    scores = (3 * rng.normal(size=(steps, examples, classes))).astype(precision[0])
    blank = int(rng.integers(0, classes))
    counts = rng.integers(0, 5, examples)
    targets = rng.choice([c for c in range(classes) if c != blank], (examples, counts.max()))
    if rng.integers(2):
        targets = np.concatenate([row[:n] for row, n in zip(targets, counts, strict=True)])
    lengths = rng.integers(0, steps + 1, examples)
    found = []
    for t in (minigrad, torch):
        x = t.from_numpy(scores.copy()).requires_grad_()
        logs = x.log_softmax(-1)
        numbers = [t.from_numpy(n.astype("int64")) for n in (targets, lengths, counts)]
        loss = t.nn.CTCLoss(blank, reduction, zero_infinity)(logs, *numbers)
        found.append([loss.detach().numpy(), *[g.numpy() for g in t.autograd.grad(loss.sum(), (logs, x))]])
    for ours, theirs in zip(*found, strict=True):
        assert ours.dtype == theirs.dtype
        np.testing.assert_allclose(ours, theirs, rtol=precision[1], atol=precision[1])


def test_the_gradient_of_scores_is_that_of_finite_differences():
    scores = minigrad.randn(6, 2, 4, dtype=minigrad.float64, requires_grad=True)
    targets = minigrad.tensor([[1, 1, 3], [2, 3, 0]])
    loss = lambda x: F.ctc_loss(x.log_softmax(-1), targets, (6, 5), (3, 2))
    assert minigrad.autograd.gradcheck(loss, scores)
    (g,) = minigrad.autograd.grad(loss(scores), scores, create_graph=True)
    with pytest.raises(RuntimeError, match="derivative for aten::_ctc_loss_backward is not implemented"):
        g.sum().backward()


def test_a_label_that_is_no_class_is_refused():
    """torch reads what lies beside the memory."""
    for label in (-1, 4):
        with pytest.raises(IndexError, match=f"label {label} is out of range"):
            F.ctc_loss(minigrad.randn(3, 1, 4), minigrad.tensor([[label]]), (3,), (1,))
    F.ctc_loss(minigrad.randn(3, 1, 4), minigrad.tensor([[1, -1]]), (3,), (1,))  # it is beyond the labels


CALLS = """p, y, n(6, 5), c
p, y, n(7, 5, 4), c
p, y, n(6, -5, 4), c
p, y, l, n(3, 2)
p, y, l, n(4, 2, 1)
p, y, l, -c
p, y, l.float(), c
p, y, l, c.float()
p, y, l, (3, 2, 1)
p, y, 3, c
p, 3, l, c
3, y, l, c
p, y, l, c, 5
p, y, l, c, -1
p, y, l, c, 1.5
p, y, l, c, 0, 'foo'
p, y, l, c, 0, 'sum', 1
p.half(), y, l, c
p.long(), y, l, c
p, n(1, 2), l, c
p, y[:2], l, c
p[:0], y, l, c
p[0, 0], y, l, c
p[None], y, l, c
p, y[None], l, c
p, y, (6, 5.5, 4), (3, 2, 1)""".splitlines()


@pytest.mark.parametrize("call", CALLS)
def test_errors_are_torchs(call):
    found = []
    for t in (minigrad, torch):
        n = lambda *numbers, t=t: t.tensor(numbers)
        names = {"p": t.zeros(6, 3, 5), "y": t.ones(3, 3, dtype=t.int64), "l": n(6, 5, 4), "c": n(3, 2, 1), "n": n}
        with pytest.raises((RuntimeError, TypeError, ValueError)) as raised:
            eval(f"F.ctc_loss({call})", names | {"F": t.nn.functional})
        found.append((raised.type.__name__, str(raised.value).splitlines()[0]))
    assert found[0] == found[1]
