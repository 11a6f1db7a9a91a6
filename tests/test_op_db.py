"""minigrad against torch's own database of operations: what share of its samples agrees (see op_db.py).

`pytest -m slow tests/test_op_db.py` runs all of its samples; the rest of the time, the first few of each operation.
"""

import pytest

pytest.importorskip("torch")
import op_db
import op_db_samples
from op_db import Totals, check, infos
from torch.testing._internal.common_methods_invocations import op_db as database

# In percent of the samples: at least so many agree.
BOTH, SECOND, ERRORS = 97, 95, 90
FEW = 3


def totals(**how) -> Totals:
    rows = [check(info, **how) for info in infos()]
    return Totals([row for row in rows if row.here])


def hold(found: Totals) -> None:
    assert found.both >= BOTH, str(found)
    assert found.share("second") >= SECOND, str(found)
    assert found.share("errors") >= ERRORS, str(found)


def test_the_first_samples_agree():
    hold(totals(limit=FEW, quick=True))


@pytest.mark.slow
def test_all_samples_agree():
    hold(totals())


def of(name: str) -> op_db.Row:
    return check(next(info for info in infos((name,)) if info.name == name), limit=4)


def test_a_sample_that_agrees_is_counted_as_such():
    row = of("mul")
    assert row.here
    assert not row.failures
    good, all_ = row.of("second")
    assert good == all_ > 0


@pytest.mark.parametrize(
    ("wrong", "stage"),
    [
        (lambda input, other: input * other * 1.001, "value"),
        (lambda input, other: (input * other).double().half(), "value"),
        (lambda input, other: (input * other)[..., None], "value"),
        (lambda input, other: (input * other, None), "value"),
        (lambda input, other: 1 / 0, "value"),
        (lambda input, other: (input * other).detach(), "value"),
        (lambda input, other: input * other + input * 0.1 - input.detach() * 0.1, "first"),
        (lambda input, other: input * other + (input - input.detach()) ** 2, "second"),
    ],
)
def test_what_is_wrong_is_counted_as_such(monkeypatch, wrong, stage):
    monkeypatch.setattr(op_db.minigrad, "mul", wrong)
    row = of("mul")
    assert {text.split(":")[0] for text in row.failures if not text.startswith("Tensor.")} == {f"mul {stage}"}
    counts = {name: row.of(name) for name in op_db.STAGES}
    assert [name for name, (good, all_) in counts.items() if good < all_] == list(
        op_db.STAGES[op_db.STAGES.index(stage) :]
    )
    assert (row.both[False] > 0) == (stage != "second")


def test_an_exception_of_another_type_is_counted_as_such(monkeypatch):
    def narrow(*args):
        raise KeyError

    monkeypatch.setattr(op_db.minigrad, "narrow", narrow)
    assert of("narrow").of("errors") == (0, 9)


def test_what_minigrad_lacks_is_listed(monkeypatch):
    monkeypatch.delattr(op_db.minigrad, "mul")
    monkeypatch.delattr(op_db.minigrad, "__getattr__")  # which would find it again
    monkeypatch.delattr(op_db.minigrad.Tensor, "multiply_")
    assert of("mul").lacking == ["mul", "Tensor.multiply_"]


def test_little_is_left_out():
    reasons = {info.full_name: reason for info in database if (reason := op_db_samples.left_out(info))}
    assert len(reasons) <= 25, reasons
