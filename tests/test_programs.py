"""Random programs, with views, changes in place and several backward passes, do on minigrad what they do on torch."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

pytest.importorskip("torch")

from program_runs import difference, shown
from programs import Writer

EVERY_HEALTH_CHECK = list(HealthCheck)  # to write a program takes some hundred choices


class Program(list[str]):
    """Lines that print as a program."""

    def __repr__(self) -> str:
        return "\n" + "\n".join(self) + "\n"


@st.composite
def programs(draw: Any) -> Program:
    """Programs of up to 24 lines, each with the gradients of what it made at its end."""
    return Program(Writer(lambda options: draw(st.sampled_from(options))).write(24))


def check(program: list[str], every_step: bool) -> None:
    found = difference(program, every_step)
    assert found is None, f"\n{shown(program, found)}\n# every_step={every_step}"


@given(programs(), st.booleans())
@settings(max_examples=300, derandomize=True, database=None, suppress_health_check=EVERY_HEALTH_CHECK)
def test_random_programs_do_the_same_on_both_sides(program: Program, every_step: bool) -> None:
    check(program, every_step)


@pytest.mark.slow
@given(programs(), st.booleans())
@settings(max_examples=10_000, suppress_health_check=EVERY_HEALTH_CHECK)
def test_ten_thousand_random_programs(program: Program, every_step: bool) -> None:
    check(program, every_step)
