"""show.lint: each trap is found, at its line, and its mended twin is not; programs without traps are left in peace."""

import contextlib
import inspect
import io
import random
import runpy
import warnings
from pathlib import Path

import lint_traps
import pytest
from lint_traps import BESIDE, IN_PEACE, PAIRS, TRAPS, column_and_row, cut_off, descend, leaf, not_zeroed

import minigrad as torch
from linreg.data import synthetic_data
from linreg.model import init_params
from linreg.train import train
from minigrad import show
from minigrad.show.lint_texts import KINDS, TEXTS

ROOT = Path(__file__).parents[1]


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
    assert (finding.file, finding.line) == (lint_traps.__file__, marked_line(trap))
    assert finding.text
    assert finding.text in inspect.getsource(trap)
    assert finding.message
    assert finding.mend


@pytest.mark.parametrize("program", IN_PEACE, ids=[program.__name__ for program in IN_PEACE])
def test_a_program_without_the_trap_is_left_in_peace(program):
    assert found_in(program) == []


@pytest.mark.parametrize("script", sorted((ROOT / "examples").glob("[0-9]*.py")), ids=lambda path: path.stem)
def test_examples_walk_into_the_traps_that_they_show(script):
    if script.stem == "08_written_for_torch":
        pytest.importorskip("torch")
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


def test_a_minimum_that_is_reached_in_one_step_is_left_in_peace():
    w = leaf([1.0])
    optimizer = torch.optim.LBFGS([w])

    def loss_at():
        optimizer.zero_grad()
        loss = ((w - 3) ** 2).sum() + 1
        loss.backward()
        return loss

    assert found_in(lambda: [optimizer.step(loss_at) for _ in range(3)]) == []


def test_an_optimizer_that_steps_later_has_its_parameters_too():
    later = []

    def made(first):
        later.append(torch.optim.SGD(first.parameters(), lr=0.1))

    assert found_in(lambda: lint_traps.forgotten_layer(made)) == []


def test_of_a_parameter_that_is_gone_it_is_told_too():
    def program():
        w, lost = leaf(), torch.nn.Parameter(torch.ones(3))
        optimizer = torch.optim.SGD([w], lr=0.1)
        (w * lost).sum().backward()
        optimizer.step()
        del lost
        optimizer.step()

    assert [f.kind for f in found_in(program)] == ["in no optimizer"]


def test_of_a_backbone_that_is_not_frozen_it_is_told_once():
    def program():
        body, head = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)), torch.nn.Linear(2, 1)
        optimizer = torch.optim.SGD(head.parameters(), lr=0.1)
        hidden = body[0](torch.ones(3, 2))
        head(body[1](hidden)).sum().backward()
        optimizer.step()

    (finding,) = found_in(program)
    assert "changes body[0].weight and 3 more." in finding.message
    assert "body[0](torch.ones(3, 2))" in finding.text


# How it is told


def test_findings_are_warned_of_once_per_line_with_a_category_of_their_own():
    with warnings.catch_warnings(record=True) as told, show.lint() as lint:
        warnings.simplefilter("always")
        for _ in range(3):
            column_and_row()
    (warning,) = told
    assert (warning.category, warning.filename) == (show.LintWarning, lint_traps.__file__)
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
    assert file.getvalue().startswith(f"{lint_traps.__file__}:{marked_line(column_and_row)}: y_hat - y\n")


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
        assert "梯度" in finding.message + finding.mend or finding.kind in (
            "both expanded",
            "growing graph",
            "softmax twice",
        )
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


def test_other_warnings_name_the_same_lines_while_it_looks_on():
    w = leaf()
    with warnings.catch_warnings(record=True) as told, show.lint():
        warnings.simplefilter("always")
        float(w[0])
    assert [warning.filename for warning in told] == [__file__]


def test_gradients_are_the_same_while_it_looks_on():
    def gradient():
        w = leaf()
        (torch.tanh(w) * w).sum().backward()
        (w**3).mean().backward()
        return w.grad.tolist()

    alone = gradient()
    with show.lint():
        assert gradient() == alone
