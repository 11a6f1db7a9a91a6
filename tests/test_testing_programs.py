"""Random programs for users: what they say is what runs, they shrink, and any library with torch's names will do."""

from __future__ import annotations

import subprocess
import sys
import warnings
from collections.abc import Callable
from random import Random
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, find, given, settings, strategies as st
from hypothesis.vendor.pretty import pretty

import minigrad
from minigrad.testing.random_programs import (
    KINDS,
    WITHOUT_DATA,
    Program,
    _as_it_runs,
    _Writer,
    programs,
    run_program,
    write,
)

SETTINGS = settings(database=None, max_examples=80)


def same(value: Any, other: Any) -> bool:
    """Whether two values of a name are equal: tensors, exceptions, or sequences of them."""
    if isinstance(value, (list, tuple)):
        return len(value) == len(other) and all(map(same, value, other))
    if isinstance(value, Exception):
        return (type(value), str(value)) == (type(other), str(other))
    if not isinstance(value, minigrad.Tensor):
        return bool(value == other)
    equal = np.array_equal(value.detach().numpy(), other.detach().numpy(), equal_nan=value.is_floating_point())
    return equal and (value.dtype, value.requires_grad) == (other.dtype, other.requires_grad)


def pasted(program: Program) -> dict[str, Any]:
    """What the text of a program makes."""
    names: dict[str, Any] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(str(program), names)
    return names


@given(programs())
@SETTINGS
def test_what_is_shown_runs_and_gives_the_same(program: Program) -> None:
    names = pasted(program)
    assert all(same(value, names[name]) for name, value in run_program(program).items())
    assert not program.refused


@given(programs(refused=True))
@SETTINGS
def test_also_with_lines_that_are_refused(program: Program) -> None:
    names, values = pasted(program), run_program(program)
    errors = {name for name in values if name.startswith("line ")}
    assert errors == {f"line {number}" for number in program.refused}
    assert all(same(values[name], names[name]) for name in values.keys() - errors)
    assert all(same(value, values[name]) for name, value in run_program(program).items())


@given(programs(max_lines=5, kinds=("pointwise", "views")))
@SETTINGS
def test_length_and_kinds(program: Program) -> None:
    assert 1 <= len(program.lines) <= 5
    assert not any("backward" in line or "hook" in line or "autograd" in line for line in program.lines)


@given(programs(kinds=()))
@SETTINGS
def test_leaves_alone(program: Program) -> None:
    assert all(" = torch.tensor(" in line or " = torch.zeros(" in line for line in program.lines)


class AllDrawn(Exception):
    """Ends the search for what is drawn."""


def test_every_kind_of_line_is_drawn() -> None:
    missing = {
        ".exp()",
        ".sum(",
        ".view(",
        "_like(",
        "+= ",
        "retain_grad()",
        "register_hook",
        ".backward(",
        "autograd.grad(",
        ".grad = ",
        ".data",
        "no_grad()",
        "del ",
    }

    @given(programs(kinds=KINDS, refused=True))
    @settings(SETTINGS, max_examples=3000, phases=[Phase.generate])
    def collect(program: Program) -> None:
        missing.difference_update([part for part in missing if any(part in line for line in program.lines)])
        if not missing:
            raise AllDrawn

    with pytest.raises(AllDrawn):
        collect()


def test_the_exceptions_of_bad_arguments() -> None:
    with pytest.raises(ValueError, match="no lines of kind hook, but of pointwise, "):
        programs(kinds=("views", "hook"))
    with pytest.raises(ValueError, match="max_lines is 0"):
        programs(max_lines=0)


def has(*parts: str) -> Callable[[Program], bool]:
    return lambda program: all(any(part in line for line in program.lines) for part in parts)


def leaves(program: Program) -> list[minigrad.Tensor]:
    return [t for t in run_program(program).values() if isinstance(t, minigrad.Tensor) and t.is_leaf]


COUNTEREXAMPLES: dict[str, tuple[Callable[[Program], bool], int]] = {
    "an operation and a backward pass": (has(".exp()", ".backward("), 3),
    "a change in place": (has(" += "), 3),
    "a hook that ran": (lambda program: "seen" in run_program(program), 4),
    "a gradient": (lambda program: any(t.grad is not None for t in leaves(program)), 2),
}


@pytest.mark.parametrize("name", COUNTEREXAMPLES)
def test_counterexamples_shrink_to_the_lines_they_need(name: str) -> None:
    condition, lines = COUNTEREXAMPLES[name]
    found = find(programs(), condition, settings=settings(SETTINGS, max_examples=10_000), random=Random(0))
    assert len(found.lines) <= lines, found


def test_a_line_that_ran_only_since_writing_asked_is_dropped() -> None:
    lines = ["a = torch.tensor(1.0, requires_grad=True)", "with torch.no_grad(): b = -a", "c = b[...]", "b.add_(a)"]
    for refused, kept in ((False, 4), (True, 5)):
        writer = _Writer(minigrad, KINDS, refused)
        for line in lines:
            writer.add(line)
        assert list(writer.last_gradients(6))  # asks c for its grad_fn
        writer.add("c.add_(b)")
        assert len(writer.lines) == 5
        program = _as_it_runs(writer.lines, minigrad, refused)
        assert (len(program.lines), program.refused) == (kept, frozenset({5} if refused else ()))
        run_program(program)


def test_the_simplest_program() -> None:
    assert write([b""], minigrad, gradients=0).lines == ("a = torch.tensor(1.0, requires_grad=True)",)


def test_a_program_prints_as_its_lines() -> None:
    lines = ("a = torch.tensor(1.0, requires_grad=True)", "a.fill_(2)", "with torch.no_grad(): a.foo()")
    program = Program((*lines, "a.register_hook(seen.append)"), refused=frozenset({2, 3}))
    expected = [
        "import minigrad as torch",
        "from contextlib import suppress",
        "seen = []",
        lines[0],
        "with suppress(Exception): a.fill_(2)",
        "with suppress(Exception), torch.no_grad(): a.foo()",
        "a.register_hook(seen.append)",
    ]
    assert str(program).splitlines() == expected
    assert repr(program) == pretty(program) == f"\n{program}\n"
    assert str(Program(("a = torch.ones(2)",), "torch")).startswith("import torch\n")
    assert str(Program(("a = torch.ones(2)",), "my.library")).startswith("import my.library as torch\n")


def test_a_line_that_the_library_refuses_is_quoted() -> None:
    program = Program(("a = torch.ones(2)", "b = a.view(3)"))
    with pytest.raises(RuntimeError, match="is invalid for input of size 2") as raised:
        run_program(program)
    assert raised.value.__notes__ == ["This is line 2 of the program: b = a.view(3)"]
    assert isinstance(run_program(Program(program.lines, refused=frozenset({2})))["line 2"], RuntimeError)


@given(st.data())
@SETTINGS
def test_programs_of_torch(data: st.DataObject) -> None:
    torch = pytest.importorskip("torch")
    program = data.draw(programs(torch))
    assert program.library == "torch"
    assert any(isinstance(value, torch.Tensor) for value in run_program(program, torch).values()) or "del " in str(
        program
    )


def without(name: str) -> ModuleType:
    """A library of somebody's own: minigrad without one function."""
    library = ModuleType("mine")
    library.__dict__.update({key: getattr(minigrad, key) for key in minigrad.__all__ if key != name})
    return library


@given(programs(without("cat"), kinds=WITHOUT_DATA))
@SETTINGS
def test_programs_use_what_the_library_has(program: Program) -> None:
    assert "torch.cat" not in str(program)
    assert str(program).startswith("import mine as torch\n")


def test_torch_is_not_imported() -> None:
    draw = (
        "import sys, random\n"
        "from minigrad.testing.random_programs import minigrad, programs, run_program, write\n"
        "rng = random.Random(0)\n"
        "for _ in range(20):\n"
        "    run_program(write([rng.randbytes(16) for _ in range(16)], minigrad))\n"
        "print('torch' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", draw], capture_output=True, text=True, timeout=120)
    assert ran.stdout.strip() == "False", ran.stderr
