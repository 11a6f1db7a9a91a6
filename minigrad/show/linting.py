"""`lint()`: beginners' traps, pointed at as they happen."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, TextIO

from .. import messages
from ..autograd import heard  # noqa: F401 - makes backward passes tell
from ..ops.listening import listening, unheard
from .frames import name_of
from .gradient_traps import NeverArrives, OutOfScale, UsedTwice
from .languages import of_language
from .lint_texts import A_PARAMETER, KINDS, text_of
from .optimizer_traps import DroppedBeforeStep, InNoOptimizer
from .traps import BothExpanded, GrowingGraph, Line, PutBack, SoftmaxTwice, Trap

INTERNAL = True
OF_VALUES = (BothExpanded, SoftmaxTwice, GrowingGraph, PutBack)
TRAPS = (*OF_VALUES, UsedTwice, NeverArrives, OutOfScale, DroppedBeforeStep, InNoOptimizer)


class LintWarning(UserWarning):
    """The category of what `lint` warns of, to filter by; with `stop=True`, what it raises."""


@dataclass(frozen=True)
class Finding:
    """A trap that the program walked into."""

    kind: str  # such as "both expanded"
    file: str
    line: int
    text: str  # the user's expression there
    message: str  # what is the case
    mend: str  # what to do

    def __str__(self) -> str:
        return f"{self.message}\n  {self.mend}"


@dataclass
class Lint:
    """What `lint()` yields: the findings so far, in their order, each line's once."""

    lang: str
    stop: bool
    file: TextIO | None
    findings: list[Finding] = field(default_factory=list)
    seen: set[tuple[str, str, int]] = field(default_factory=set)

    def report(self, kind: str, line: Line, **about: Any) -> None:
        """Tell of a trap, unless that line has been told of."""
        file, number, text = messages.position(*line)
        called = KINDS.get(kind, kind)
        if (called, file, number) in self.seen:
            return
        self.seen.add((called, file, number))
        if "leaf" in about:
            leaf = about["leaf"].leaf()
            about["leaf"] = (leaf is not None and name_of(leaf)) or about["leaf"].name or A_PARAMETER[self.lang]
        if about.get("other") is not None:
            about["other"] = 'File "{}", line {}: {}'.format(*messages.position(*about["other"]))
        finding = Finding(called, file, number, text, *text_of(kind, self.lang, about))
        self.findings.append(finding)
        self.tell(finding)

    def tell(self, finding: Finding) -> None:
        """Raise, print or warn."""
        if self.stop:
            raise LintWarning(f'{finding}\n  File "{finding.file}", line {finding.line}: {finding.text}')
        if self.file is not None:
            print(f"{finding.file}:{finding.line}: {finding.text}\n  {finding}", file=self.file)
        else:
            warnings.warn_explicit(str(finding), LintWarning, finding.file, finding.line)


@contextmanager
def lint(*, lang: str = "en", stop: bool = False, file: TextIO | None = None) -> Iterator[Lint]:
    """Within it, point at traps as they happen, with the line, once per line; yields an object with `.findings`.

    both expanded   both operands of an operation were expanded, such as (n, 1) with (n,)
    softmax twice   what softmax gave goes into a cross entropy, or another log_softmax
    growing graph   a graph that carries on those of earlier steps: a state, a running total
    put back        a value that left the graph by float(), .item(), .data or NumPy comes back as a constant
    used twice      a parameter's update uses gradients that an update before has used: they were not zeroed
    no gradient     a parameter was used, or is updated, and no backward pass brought it a gradient
    dropped before step   an optimizer makes a step after the gradients were zeroed
    in no optimizer       a module's parameter received a gradient, and neither an optimizer nor you change it
    vanishes, explodes, not finite   what its gradient is worth

    lang  "en" or "zh"
    stop  raise LintWarning at the first one
    file  print to it; without one, Python's warnings show them, by category LintWarning
    What a program does in other threads is not looked at. That a parameter never receives a gradient, or is in no
    optimizer, is certain, and said, only at the end. Raises ValueError for another language.
    """
    of_language(A_PARAMETER, lang)  # or raise, before anything runs
    found = Lint(lang, stop, file)
    traps: list[Trap] = [trap(found.report) for trap in TRAPS]
    with ExitStack() as stack:
        for trap in traps:
            stack.enter_context(listening(trap))
        try:
            yield found
        except LintWarning:
            raise
        except BaseException:
            found.stop = False  # what is still to be said does not hide the user's own error
            _end(traps)
            raise
        _end(traps)


def _end(traps: list[Trap]) -> None:
    with unheard():
        for trap in traps:
            trap.ends()
