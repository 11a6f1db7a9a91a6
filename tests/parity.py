"""A program run with torch and with minigrad: both must come to the same, down to the printed text and the errors."""

import re
import warnings
from collections.abc import Callable
from typing import Any

import pytest

torch = pytest.importorskip("torch")

import minigrad

torch.set_warn_always(True)  # so that it warns each time, as Python can be told to

Program = Callable[[Any], Any]
INTERNAL_WARNINGS = {"RuntimeWarning", "DeprecationWarning"}  # NumPy's of overflows, torch's of its own old parts
ERRORS = (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)


def text(value: Any) -> str:
    """A result as text: what it prints, without addresses in memory and without the modules that classes live in."""
    if isinstance(value, (tuple, list)):
        return f"({', '.join(map(text, value))})"
    printed = re.sub(r" at 0x[0-9a-f]+", "", repr(value))
    return re.sub(r"(<class ')?(torch|minigrad)[.\w]*\.(?=\w)", r"\1", printed)


def outcome(program: Program, library: Any) -> str:
    """What running `program` with `library` comes to: its result, or the first line of its error; and its warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        library.manual_seed(0)
        try:
            found = text(program(library))
        except ERRORS as error:
            found = f"{type(error).__name__}: {str(error).splitlines()[0]}"
    kinds = sorted({w.category.__name__ for w in caught} - INTERNAL_WARNINGS)
    return "\n".join([found, *kinds])


def assert_same(program: Program) -> None:
    """Fail unless `program` comes to the same with minigrad as with torch."""
    found, expected = outcome(program, minigrad), outcome(program, torch)
    assert found == expected, f"minigrad: {found}\ntorch:    {expected}"


def made(torch: Any, forward: Callable[..., Any], backward: Callable[..., Any], **more: Any) -> Any:
    """A Function called MyFn."""
    parts = {"forward": staticmethod(forward), "backward": staticmethod(backward), **more}
    return type("MyFn", (torch.autograd.Function,), parts)


def refused(call: Callable[[], Any]) -> Any:
    """What a call is refused with, its type and the first line of its text; "accepted" if it is not."""
    try:
        call()
    except ERRORS as error:
        return type(error).__name__, str(error).partition("\n")[0]
    return "accepted"
