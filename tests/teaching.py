"""Cells of teaching code, each run as a notebook runs it: on torch, and on minigrad in torch's place.

The cells are in teaching_cells/: small programs of their own, each below a line `# %% what it shows`, in the spirit of
the books, tutorials and lectures that people learn torch from, in the proportion in which those call torch's functions.

    python tests/teaching.py                  which cells run and print the same text on minigrad
    python tests/teaching.py lectures         those of one file, or whose names hold the word, and how they differ
"""

from __future__ import annotations

import ast
import contextlib
import difflib
import io
import random
import re
import sys
import time
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from minigrad.running import as_torch

FOLDER = Path(__file__).with_name("teaching_cells")


class Cell(NamedTuple):
    """One small program: its file, what it shows, its text, and the line that it begins in."""

    file: str
    title: str
    text: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}: {self.title}"


def cells(*words: str) -> list[Cell]:
    """All cells, or those whose file or title has one of the words in it."""
    found = []
    for path in sorted(FOLDER.glob("*.py")):
        text = path.read_text(encoding="utf-8")
        for heading in re.finditer(r"^# %% (.*)\n((?:(?!# %%).*\n)*)", text, re.MULTILINE):
            line = text.count("\n", 0, heading.start(2))
            found.append(Cell(path.stem, heading[1], heading[2], line))
    return [cell for cell in found if not words or any(word in str(cell) for word in words)]


def printed(cell: Cell, on_minigrad: bool) -> str:
    """What a cell prints, and shows of its last expression, as a notebook does; addresses are left out."""
    tree = ast.parse(cell.text)
    last = tree.body[-1]
    if isinstance(last, ast.Expr):
        show = ast.parse("display(None)").body[0]
        show.value.args[0] = last.value
        tree.body[-1] = ast.copy_location(show, last)
    ast.increment_lineno(ast.fix_missing_locations(tree), cell.line)
    code = compile(tree, str(FOLDER / f"{cell.file}.py"), "exec")
    names = {"__name__": "__main__", "display": lambda value: None if value is None else print(repr(value))}
    text = io.StringIO()
    random.seed(0)
    np.random.seed(0)
    stage = as_torch() if on_minigrad else contextlib.nullcontext()
    with contextlib.redirect_stdout(text), warnings.catch_warnings(), stage:
        warnings.simplefilter("ignore")
        exec(code, names)
    return re.sub(r"\b0x[0-9a-f]+", "0x...", text.getvalue())


class Result(NamedTuple):
    """What came of a cell: its texts, or the exception that ended it on minigrad."""

    cell: Cell
    theirs: str
    ours: str
    error: BaseException | None
    seconds: tuple[float, float]  # on torch, on minigrad

    @property
    def same(self) -> bool:
        return self.error is None and self.ours == self.theirs

    @property
    def why(self) -> str:
        """How it fell short, in a line; "" if it did not."""
        if self.error is not None:
            places = [f for f in traceback.extract_tb(self.error.__traceback__) if f.filename.startswith(str(FOLDER))]
            line = f", line {places[-1].lineno}" if places else ""
            return f"{type(self.error).__name__}: {(str(self.error).splitlines() or [''])[0]}{line}"
        return next((f"{a!r} here, {b!r} in torch" for a, b in self.lines() if a != b), "")

    def lines(self) -> Iterator[tuple[str, str]]:
        mine, yours = self.ours.splitlines(), self.theirs.splitlines()
        for i in range(max(len(mine), len(yours))):
            yield "".join(mine[i : i + 1]), "".join(yours[i : i + 1])


def run(cell: Cell) -> Result:
    """A cell on torch, where an exception is the cell's own mistake, and on minigrad."""
    start = time.perf_counter()
    theirs = printed(cell, on_minigrad=False)
    between = time.perf_counter()
    ours, error = "", None
    try:
        ours = printed(cell, on_minigrad=True)
    except Exception as raised:
        error = raised
    return Result(cell, theirs, ours, error, (between - start, time.perf_counter() - between))


def report(results: list[Result]) -> str:
    """Which cells fall short, and why, and the shares of those that do not."""
    short = [f"  {r.cell}\n      {r.why}" for r in results if not r.same]
    return "\n".join([*short, f"{share(results, 'run'):.1f} % run, {share(results, 'same'):.1f} % print the same text"])


def share(results: list[Result], what: str) -> float:
    """In percent of the cells, those that "run", or print the "same" text."""
    good = sum(r.error is None if what == "run" else r.same for r in results)
    return 100.0 * good / len(results)


def main() -> None:
    torch.set_num_threads(1)
    results = [run(cell) for cell in cells(*sys.argv[1:])]
    if len(sys.argv) > 1:
        for r in results:
            if not r.same and r.error is None:
                print(
                    "\n".join(
                        difflib.unified_diff(r.theirs.splitlines(), r.ours.splitlines(), "torch", "minigrad", n=0)
                    )
                )
    print(report(results))
    theirs, ours = (sum(r.seconds[i] for r in results) for i in (0, 1))
    print(f"{len(results)} cells: {theirs:.1f} s on torch, {ours:.1f} s on minigrad")
    for r in sorted(results, key=lambda r: -sum(r.seconds))[:5]:
        print(f"  {r.seconds[0]:.2f} s, {r.seconds[1]:.2f} s: {r.cell}")


if __name__ == "__main__":
    main()
