"""Pages of the documentation as tests read them: their snippets, and whether these print what the pages say."""

import contextlib
import io
import math
import re
import tracemalloc
import warnings
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
FENCED = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)
NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d*)?(?:e[+-]?\d+)?")
LEFT_OUT = "…"  # a line that stands for any number of them


def blocks(page):
    """The snippets of a page, each with what it prints: the next block, if that is text."""
    fenced = FENCED.findall(page.read_text(encoding="utf-8"))
    return [
        (content, text if kind == "text" else "")
        for (language, content), (kind, text) in pairwise([*fenced, ("", "")])
        if language == "python"
    ]


def written(run, *arguments):
    """What is written to stdout and stderr, in its order, by a call in the test's own process, which has torch."""
    text = io.StringIO()
    with contextlib.redirect_stdout(text), contextlib.redirect_stderr(text), warnings.catch_warnings():
        warnings.simplefilter("default")  # as where the user runs it
        try:
            run(*arguments)
        finally:
            tracemalloc.stop()  # which a snippet may have started
    return text.getvalue()


def runs_alone(code):
    """Run a snippet as a program of its own."""
    exec(compile(code, "snippet", "exec"), {"__name__": "__main__"})


def assert_says(printed, text):
    """Every line of `text` is printed, in this order; numbers up to rounding, bounds on it whatever they are."""
    lines = iter(printed.splitlines())
    for expected in text.splitlines():
        assert any(alike(line, expected) for line in lines), f"not printed: {expected!r}, but\n{printed}"


def assert_prints(printed, text):
    """What is printed is `text`, but for empty lines around it and what is left out; numbers up to rounding."""
    lines, gap = printed.strip("\n").splitlines(), False
    for expected in text.splitlines():
        if expected == LEFT_OUT:
            gap = True
            continue
        while gap and lines and not alike(lines[0], expected):
            lines.pop(0)
        assert lines, f"not printed: {expected!r}, but\n{printed}"
        assert alike(lines[0], expected), f"printed {lines[0]!r}, not {expected!r}, in\n{printed}"
        lines.pop(0)
        gap = False
    assert gap or not lines, f"also printed: {lines}"


def alike(line, expected):
    line, expected = (re.sub(r"^E +|give or take \S+", "", s).strip() for s in (line, expected))
    if NUMBER.sub("#", line) != NUMBER.sub("#", expected):
        return False
    pairs = zip(NUMBER.findall(line), NUMBER.findall(expected), strict=True)
    return all(math.isclose(float(a), float(b), rel_tol=1e-4, abs_tol=1e-15) for a, b in pairs)
