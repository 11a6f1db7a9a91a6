"""show.lint: each trap is found, at its line, and its mended twin is not; programs without traps are left in peace."""

import contextlib
import inspect
import io
import random
import runpy
import warnings
from pathlib import Path

import numpy as np
import pytest

import minigrad as torch
from linreg.data import synthetic_data
from linreg.model import init_params
from linreg.train import train
from minigrad import show
from minigrad.show.lint_texts import KINDS, TEXTS

ROOT = Path(__file__).parents[1]
INITIAL = [0.3141592, -1.2718281, 0.5772156]


def leaf(values=INITIAL):
    return torch.tensor(values, requires_grad=True)


def descend(w, lr=0.1):
    with torch.no_grad():
        w -= lr * w.grad


# Traps. The line that is to be named ends in "# here".


def column_and_row():
    y_hat, y = leaf([[1.0], [2.0], [3.0]]), torch.tensor([1.0, 2.0, 3.0])
    error = y_hat - y  # here
    (error**2).sum().backward()


def column_and_row_mended():
    y_hat, y = leaf([[1.0], [2.0], [3.0]]), torch.tensor([1.0, 2.0, 3.0])
    ((y_hat - y.reshape(y_hat.shape)) ** 2).sum().backward()
    x = torch.tensor([1.0, 2.0, 3.0])
    x[:, None] - x, x.unsqueeze(1) * x, torch.zeros(3, 1) + torch.zeros(4)  # every pair, on purpose


def compared_column_and_row():
    y_hat, y = torch.zeros(5, 1), torch.zeros(5)
    (y_hat == y).float().mean()  # here


def compared_column_and_row_mended():
    y_hat, y = torch.zeros(5, 1), torch.zeros(5)
    (y_hat.squeeze(1) == y).float().mean()


def not_zeroed():
    w = leaf()
    for _ in range(3):
        (w**2).sum().backward()
        with torch.no_grad():
            w -= 0.1 * w.grad  # here


def not_zeroed_mended():
    w = leaf()
    for i in range(4):
        for _ in range(2):  # gradients of two parts of a batch are added up, used once, and dropped
            (w**2).sum().backward()
        descend(w)
        if i % 2:
            w.grad.zero_()
        else:
            w.grad = None


def not_zeroed_with_data():
    w = leaf()
    for _ in range(3):
        (w**2).sum().backward()  # here
        w.data = w.data - 0.1 * w.grad


def not_zeroed_with_data_mended():
    w = leaf()
    for _ in range(3):
        (w**2).sum().backward()
        w.data = w.data - 0.1 * w.grad
        w.grad = None


def running_total():
    w, total = leaf(), 0.0
    for _ in range(4):
        loss = (w**2).sum()
        loss.backward()
        total += loss  # here
        w.grad = None


def running_total_mended():
    w, total, losses = leaf(), 0.0, []
    for _ in range(4):
        loss = (w**2).sum()
        loss.backward()
        total += loss.item()
        losses.append(loss)
        w.grad = None
    torch.stack(losses).mean()


def state_carried_on():
    w, h = leaf(), torch.zeros(3)
    for _ in range(4):
        h = torch.tanh(w + h)  # here
        h.sum().backward(retain_graph=True)
        w.grad = None


def state_carried_on_mended():
    w, h = leaf(), torch.zeros(3)
    for _ in range(4):
        h = torch.tanh(w + h.detach())
        h.sum().backward()
        w.grad = None


def parameter_replaced():
    w = leaf()
    for _ in range(4):
        (g,) = torch.autograd.grad((w**2).sum(), w)
        w = w - 0.1 * g  # here


def parameter_replaced_mended():
    w = leaf()
    for _ in range(4):
        (g,) = torch.autograd.grad((w**2).sum(), w)
        with torch.no_grad():
            w -= 0.1 * g


def two_losses_of_one_graph():
    """Not a trap: as when a generator and its critic are trained."""
    made, judge = leaf(), leaf()
    for _ in range(4):
        fake = made * torch.ones(3)
        (judge * fake).sum().backward(retain_graph=True)
        descend(judge)
        (judge * fake).sum().backward()
        descend(made)
        made.grad = judge.grad = None


def second_derivatives():
    """Not a trap: the graph of a gradient."""
    x = leaf()
    value = (x**4).sum()
    for _ in range(3):
        (gradient,) = torch.autograd.grad(value, x, create_graph=True)
        value = gradient.sum()


def number_put_back():
    w = leaf()
    mean = w.mean().item()
    centred = w - mean  # here
    (centred**2).sum().backward()


def number_put_back_mended():
    w = leaf()
    ((w - w.mean()) ** 2).sum().backward()
    norm = w.grad.norm().item()  # no gradient flows through a gradient here
    with torch.no_grad():
        w -= 0.1 / norm * w.grad
    loss = ((w / norm) ** 2).sum()
    print(loss.item(), f"{loss:f}", loss)


def plain_number_put_back():
    w = leaf([1.0, 2.0, 3.0])
    mean = float(w.detach().mean() * 0 + w.mean())
    centred = w - mean  # here
    (centred**2).sum().backward()


def plain_number_put_back_mended():
    w = leaf([1.0, 2.0, 3.0])
    w.mean().item()  # 2.0, which is not the 2.0 that stands in the program
    ((w - 2.0) ** 2).sum().backward()


def tensor_of_number():
    w = leaf()
    scale = torch.tensor(w.norm().item())
    unit = w / scale  # here
    unit.sum().backward()


def tensor_of_number_mended():
    w = leaf()
    scale = w.norm().detach()
    (w / scale).sum().backward()


def loss_of_number():
    w = leaf()
    loss = torch.tensor((w**2).sum().item(), requires_grad=True)
    loss.backward()  # here


def loss_of_number_mended():
    w = leaf()
    w.tolist(), w[0].item()
    (w**2).sum().backward()


def through_numpy():
    w = leaf()
    hidden = torch.tensor(np.asarray((w * 2).detach()))
    product = w * hidden  # here
    product.sum().backward()


def through_numpy_mended():
    w = leaf()
    hidden = w * 2
    hidden.detach().numpy().mean()
    (w * hidden).sum().backward()


def through_numpys_memory():
    w = leaf()
    array = (w * 2).detach().numpy()
    array += 1
    product = w * torch.from_numpy(array)  # here
    product.sum().backward()


def through_numpys_memory_mended():
    w = leaf()
    (w * torch.from_numpy(np.array(INITIAL, np.float32))).sum().backward()


def through_a_list():
    w = leaf()
    hidden = torch.tensor((w * 2).tolist())
    product = w * hidden  # here
    product.sum().backward()


def through_a_list_mended():
    w = leaf()
    hidden = w * 2
    print(hidden.tolist())
    (w * hidden).sum().backward()


def through_data():
    w = leaf()
    hidden = w * 2
    product = w * hidden.data  # here
    product.sum().backward()


def through_data_mended():
    w = leaf()
    (w * (w * 2).detach()).sum().backward()
    w.data -= 0.1 * w.grad.data


def cut_off():
    w, v = leaf(), leaf()
    hidden = v * 2  # here
    (w * hidden.detach()).sum().backward()


def cut_off_mended():
    w, v = leaf(), leaf()
    fake = v * 2
    (w * fake.detach()).sum().backward()
    (w * fake).sum().backward()  # a later loss leads to it
    (w**2).sum().backward(inputs=[w])


def updated_for_nothing():
    w, v = leaf(), leaf()
    (w * v).sum().backward()
    descend(v)
    w.grad = v.grad = None
    (w * (v * 2).detach()).sum().backward()
    v.grad = torch.zeros(3)
    with torch.no_grad():
        v -= 0.1 * v.grad  # here


def updated_for_nothing_mended():
    w, v = leaf(), leaf()
    for _ in range(2):
        (w * v).sum().backward()
        descend(v)
        with torch.no_grad():
            v.clamp_(-10, 10)
        w.grad = v.grad = None


def saturated():
    w = leaf()
    for _ in range(2):
        loss = torch.sigmoid(1000 + w).sum()
        loss.backward()  # here
        w.grad = None


def saturated_mended():
    w = leaf()
    for _ in range(2):
        torch.sigmoid(w).sum().backward()
        w.grad = None


def saturated_at_once():
    w = leaf()
    torch.sigmoid(1000 + w).sum().backward()  # here


def saturated_at_once_mended():
    w, last = leaf(), leaf([0.0, 0.0, 0.0])  # a layer that begins at zero lets nothing through, once
    for _ in range(3):
        ((w * last).sum() - 1).square().backward()
        descend(last)
        w.grad = last.grad = None


def dead():
    w = leaf()
    for _ in range(5):
        loss = (torch.relu(w) + 1).sum()
        loss.backward()  # here
        descend(w, lr=10)
        w.grad = None


def dead_mended():
    w = leaf([1.0])
    for _ in range(200):  # it converges, its loss does not become zero, and its gradient does
        ((w - 3) ** 2 + 1).sum().backward()
        descend(w, lr=0.3)
        w.grad = None


def step_too_large():
    w = leaf()
    for _ in range(14):
        (w**2).sum().backward()  # here
        descend(w, lr=1.5)
        w.grad = None


def step_too_large_mended():
    w = leaf()
    for _ in range(14):
        (w**2).sum().backward()
        descend(w, lr=0.4)
        w.grad = None


def root_of_zero():
    w = leaf([0.0, 1.0])
    w.sqrt().sum().backward()  # here


def root_of_zero_mended():
    w = leaf([0.0, 1.0])
    (w + 1e-3).sqrt().sum().backward()


TRAPS = {
    "both expanded": [column_and_row, compared_column_and_row],
    "used twice": [not_zeroed, not_zeroed_with_data],
    "growing graph": [running_total, state_carried_on, parameter_replaced],
    "put back": [
        number_put_back,
        plain_number_put_back,
        tensor_of_number,
        loss_of_number,
        through_numpy,
        through_numpys_memory,
        through_a_list,
        through_data,
    ],
    "no gradient": [cut_off, updated_for_nothing],
    "vanishes": [saturated, saturated_at_once, dead],
    "explodes": [step_too_large],
    "not finite": [root_of_zero],
}
PAIRS = [(kind, trap) for kind, traps in TRAPS.items() for trap in traps]
BESIDE = {"loss_of_number": {"no gradient"}}  # what else is the matter there: w is used in vain
IN_PEACE = [globals()[f"{trap.__name__}_mended"] for _, trap in PAIRS] + [two_losses_of_one_graph, second_derivatives]


def found_in(program, **options):
    """What lint finds while `program` runs, with every warning of its own ignored."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with show.lint(**options) as lint:
            program()
    return lint.findings


def marked_line(function):
    lines, first = inspect.getsourcelines(function)
    (offset,) = [i for i, line in enumerate(lines) if line.rstrip().endswith("# here")]
    return first + offset


@pytest.mark.parametrize(("kind", "trap"), PAIRS, ids=[trap.__name__ for _, trap in PAIRS])
def test_a_trap_is_found_at_its_line(kind, trap):
    found = found_in(trap)
    assert {f.kind for f in found} == {kind} | BESIDE.get(trap.__name__, set())
    (finding,) = [f for f in found if f.kind == kind]
    assert (finding.file, finding.line) == (__file__, marked_line(trap))
    assert finding.text
    assert finding.text in inspect.getsource(trap)
    assert finding.message
    assert finding.mend


@pytest.mark.parametrize("program", IN_PEACE, ids=[program.__name__ for program in IN_PEACE])
def test_a_program_without_the_trap_is_left_in_peace(program):
    assert found_in(program) == []


@pytest.mark.parametrize("script", sorted((ROOT / "examples").glob("[0-9]*.py")), ids=lambda path: path.stem)
def test_examples_walk_into_the_traps_that_they_show(script):
    on_purpose = {"02_accumulate_and_zero": {"used twice"}, "06_your_own_operation": {"not finite"}}
    with contextlib.redirect_stdout(io.StringIO()):
        found = found_in(lambda: runpy.run_path(str(script), run_name="__main__"))
    assert {f.kind for f in found} == on_purpose.get(script.stem, set())


def test_the_documents_training_is_left_in_peace():
    def program():
        torch.manual_seed(0)
        random.seed(0)
        features, labels = synthetic_data(torch.tensor([2, -3.4]), 4.2, 500)
        w, b = init_params(2)
        train(features, labels, w, b, num_epochs=20)  # well past convergence

    with contextlib.redirect_stdout(io.StringIO()):
        assert found_in(program) == []


def test_full_batch_training_past_convergence_is_left_in_peace():
    def program():
        torch.manual_seed(0)
        X, w = torch.randn(50, 2), torch.zeros(2, 1, requires_grad=True)
        y = X @ torch.tensor([[1.0], [2.0]]) + torch.randn(50, 1)
        for _ in range(300):
            ((X @ w - y) ** 2).mean().backward()
            descend(w)
            w.grad.zero_()

    assert found_in(program) == []


# How it is told


def test_findings_are_warned_of_once_per_line_with_a_category_of_their_own():
    with warnings.catch_warnings(record=True) as told, show.lint() as lint:
        warnings.simplefilter("always")
        for _ in range(3):
            column_and_row()
    (warning,) = told
    assert (warning.category, warning.filename) == (show.LintWarning, __file__)
    assert warning.lineno == marked_line(column_and_row)
    assert str(warning.message) == str(lint.findings[0])
    assert "(3, 1) with (3,) gave (3, 3)" in str(warning.message)


def test_warnings_can_be_filtered():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", show.LintWarning)
        with show.lint() as lint:
            column_and_row()
    assert len(lint.findings) == 1


def test_stop_raises_where_it_happens():
    reached = []

    def program():
        column_and_row()
        reached.append("the end")

    with pytest.raises(show.LintWarning, match="expanded") as error, show.lint(stop=True):
        program()
    assert not reached
    assert "y_hat - y" in str(error.value)


def test_stop_raises_at_the_end_what_is_certain_only_then():
    with pytest.raises(show.LintWarning, match="brought it a gradient"), show.lint(stop=True):
        cut_off()


def test_stop_does_not_hide_the_users_own_error():
    def program():
        cut_off()
        raise KeyError("theirs")

    with pytest.warns(show.LintWarning), pytest.raises(KeyError, match="theirs"), show.lint(stop=True):
        program()


def test_a_file_takes_the_place_of_warnings():
    file = io.StringIO()
    with show.lint(file=file):
        column_and_row()
    assert file.getvalue().startswith(f"{__file__}:{marked_line(column_and_row)}: y_hat - y\n")


def test_the_message_names_the_parameter_and_the_other_line():
    (finding,) = found_in(not_zeroed)
    assert "w.grad.zero_()" in finding.mend
    assert "(w**2).sum().backward()" in finding.message


def test_the_outermost_name_is_told():
    def program():
        weights = leaf()
        for _ in range(2):
            (weights**2).sum().backward()
            descend(weights)  # where it is called w

    (finding,) = found_in(program)
    assert "weights.grad" in finding.mend


@pytest.mark.parametrize(("kind", "trap"), PAIRS, ids=[trap.__name__ for _, trap in PAIRS])
def test_chinese(kind, trap):
    for finding in found_in(trap, lang="zh"):
        assert "梯度" in finding.message + finding.mend or finding.kind in ("both expanded", "growing graph")
        assert any("\u4e00" <= c <= "\u9fff" for c in finding.mend)


def test_every_kind_has_both_languages_and_a_test():
    assert {KINDS.get(kind, kind) for kind in TEXTS} == set(TRAPS)
    assert all(set(texts) == {"en", "zh"} for texts in TEXTS.values())


def test_an_unknown_language_is_an_error():
    with pytest.raises(ValueError, match="'fr'"), show.lint(lang="fr"):
        pass


def test_nothing_is_told_outside_of_the_block():
    with show.lint() as lint:
        pass
    column_and_row()
    assert lint.findings == []


def test_gradients_are_the_same_while_it_looks_on():
    def gradient():
        w = leaf()
        (torch.tanh(w) * w).sum().backward()
        (w**3).mean().backward()
        return w.grad.tolist()

    alone = gradient()
    with show.lint():
        assert gradient() == alone
