"""One check's calls of a function, the comparison of what they give, and the error that says what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from types import ModuleType
from typing import Any, TypeVar

import numpy as np

from . import record
from .code import as_code
from .diagnosis import likely_cause, ratio
from .subject import Array, Subject, library_of

INTERNAL = True
__tracebackhide__ = True  # pytest shows the message, and the user's own lines
F = TypeVar("F", bound=Callable[..., Any])
EPS = {"float64": 2.0**-52, "float32": 2.0**-23, "float16": 2.0**-10}
DOUBLE = "float64"


class Calls:
    """One check's calls of a subject, on leaves of its own."""

    def __init__(
        self,
        check: str,
        f: Callable[..., Any] | Subject,
        inputs: Sequence[Any],
        library: ModuleType | None,
        name: str,
        seed: int,
    ) -> None:
        self.check, self.inputs, self.seed = check, inputs, seed
        self.subject = f if isinstance(f, Subject) else Subject(f, library or library_of(f, inputs), name)
        if not any(map(self.subject.is_floating, inputs)) and not self.subject.parameters():
            raise ValueError(f"{check} needs a floating tensor of {self.subject.library.__name__} among the inputs")

    def note(self, dtype: str, error: float, elements: int) -> None:
        """Count this check, its worst error in parts of what was allowed: more than 1 if it failed."""
        record.note(self.subject.name, self.check, dtype, error, elements)

    def fail(self, text: str) -> AssertionError:
        """The error to raise, with the call that it is about; it stands in the record as infinitely wrong."""
        self.note(DOUBLE, np.inf, 0)
        inputs = [f"  {self.subject.argument_name(i)}: {self.shown(a)}" for i, a in enumerate(self.inputs)]
        if self.seed:
            inputs.append(f"  seed={self.seed}, of the gradient that flows in")
        return AssertionError("\n".join([f"{self.check}, {self.subject.name}: {text}", *inputs]))

    def shown(self, value: Any) -> str:
        """An input as code."""
        return as_code(value) if self.subject.is_tensor(value) else repr(value)

    def wrong(
        self, what: str, found: Array, right: Array, allowed: Any, names: tuple[str, str], spread: Any = None
    ) -> AssertionError:
        """The error for a gradient that is not `right`."""
        excess = np.abs(found - right) / np.maximum(allowed, 1e-300)
        worst = np.unravel_index(np.nanargmax(np.where(np.isnan(excess), np.inf, excess)), excess.shape)
        at = f"[{', '.join(map(str, worst))}]" if worst else "(0-d)"
        bound = float(np.broadcast_to(allowed, found.shape)[worst])
        return self.fail(
            f"the gradient of {what} is wrong at {at}\n"
            f"  {names[0]:<12} {float(found[worst])!r}\n"
            f"  {names[1]:<12} {float(right[worst])!r}, give or take {bound:.1e}\n"
            f"  ratio        {ratio(float(found[worst]), float(right[worst]))}\n"
            f"  likely cause: {likely_cause(found, right, spread)}"
        )

    def compare(
        self, what: str, found: Array, right: Array, allowed: Any, names: tuple[str, str], spread: Any = None
    ) -> float:
        """The worst error, in parts of what is allowed; raises if that is more than 1."""
        if found.shape != right.shape:
            raise self.fail(f"the gradient of {what} has shape {found.shape}, and that has {right.shape}")
        allowed = np.broadcast_to(allowed, right.shape)
        off = np.abs(found.astype(np.float64) - right.astype(np.float64))
        same = (found == right) | (np.isnan(found) & np.isnan(right)) | np.isinf(allowed)
        error = np.where(same, 0.0, off / np.maximum(allowed, 1e-300))
        if not (error <= 1).all():
            raise self.wrong(what, found.astype(np.float64), right.astype(np.float64), allowed, names, spread)
        return float(error.max(initial=0))


def quiet(check: F) -> F:
    """A check without NumPy's warnings: what is infinite or NaN is compared like anything else."""

    @wraps(check)
    def run(*args: Any, **kwargs: Any) -> Any:
        with np.errstate(all="ignore"):
            return check(*args, **kwargs)

    return run  # type: ignore[return-value]
