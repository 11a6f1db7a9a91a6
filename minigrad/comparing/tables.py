"""A comparison as tables in the terminal."""

from __future__ import annotations

import os
from typing import Any

from ..show.labels import printable
from ..show.languages import of_language
from .differences import Comparison, Pair, Side, Step, source_of
from .events import PHASES
from .words import WORDS

INTERNAL = True
WIDTH = 110  # where the output is no terminal
MANY = 24  # steps: of more, those in the middle that say nothing are left out
ENDS = 4  # steps that are shown from either end


def told(
    comparison: Comparison, *, lang: str = "en", every: bool = False, file: Any = None, width: int | None = None
) -> None:
    """Print a comparison: its steps, the times by phase, and where the two part.

    every  whether all steps are shown, however many
    file   where to print, instead of the standard output
    Raises ValueError for another language than "en" and "zh", ImportError without rich.
    """
    words = of_language(WORDS, lang)
    try:
        from rich.console import Console
    except ImportError as error:
        raise ImportError('this table needs rich: in the checkout, pip install ".[show]"') from error
    console = Console(file=file, width=width, highlight=False)
    if width is None and not console.is_terminal:
        console.width = WIDTH
    console.print(_steps(comparison, words, every))
    console.print(_times(comparison, words))
    for library, text in comparison.errors.items():
        console.print(words["ended"].format(library=library), style="bold red", markup=False)
        console.print(printable_lines(text), markup=False, soft_wrap=True)
    for text in verdict(comparison, words):
        console.print(text, style="bold red" if comparison.parting else "bold green", markup=False, soft_wrap=True)


def printable_lines(text: str) -> str:
    """Text of the user's that cannot steer the terminal."""
    return "\n".join(map(printable, text.split("\n")))


def shown_steps(comparison: Comparison, every: bool) -> list[Step]:
    """The steps worth a row: all of few; of many the first, the last, and those around the parting."""
    steps = comparison.steps
    if every or len(steps) <= MANY:
        return steps
    parting = comparison.parting
    near = {parting[0] - 1, parting[0], parting[0] + 1} if parting else set()
    chosen = near | set(range(ENDS)) | set(range(len(steps) - ENDS, len(steps)))
    chosen |= {step.number for step in steps if any(pair.kind == "text" for pair in step.pairs)}
    return [step for step in steps if step.number in chosen]


def _steps(comparison: Comparison, words: dict[str, str], every: bool) -> Any:
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(words["title"].format(script=printable(comparison.script))), title_justify="left")
    table.add_column(words["step"], justify="right")
    table.add_column(words["line"], justify="right")
    for library in ("torch", "minigrad"):
        table.add_column(library, overflow="fold", ratio=2)
    table.add_column(words["difference"], overflow="fold", ratio=1)
    parting, last = comparison.parting, -1
    for step in shown_steps(comparison, every):
        if step.number > last + 1:
            table.add_row("", "", words["left_out"].format(count=step.number - last - 1), style="dim")
        last = step.number
        for pair in rows_of(step, comparison):
            cells = [str(step.number) if pair.kind in ("loss", "line") else "", place(pair, comparison)]
            cells += [cell(side, pair, words) for side in (pair.torch, pair.minigrad)]
            note = largest(step, words) if pair.kind == "loss" else remark(pair, words)
            style = "bold red" if pair.parts else "" if pair.kind == "text" else "cyan"
            table.add_row(*[Text(printable_lines(c)) for c in [*cells, note]], style=style)
            if parting is not None and pair is parting[1]:
                table.add_section()
    return table


def rows_of(step: Step, comparison: Comparison) -> list[Pair]:
    """The pairs of a step that have rows of their own: of gradients and parameters, where the runs part first."""
    first = comparison.parting
    return [p for p in step.pairs if p.kind not in ("gradient", "parameter") or (first is not None and p is first[1])]


def place(pair: Pair, comparison: Comparison) -> str:
    """The line of the script, `18`, or of another file, `model.py:18`; both where the sides differ."""
    sides = [side for side in (pair.torch, pair.minigrad) if side is not None]
    files = ["" if side.file == comparison.script else f"{os.path.basename(side.file)}:" for side in sides]
    return "\n".join(dict.fromkeys(f"{file}{side.line}" for file, side in zip(files, sides, strict=True)))


def cell(side: Side | None, pair: Pair, words: dict[str, str]) -> str:
    """What a side had."""
    if side is None:
        return words["none"]
    if pair.kind in ("loss", "gradient", "parameter"):
        return " ".join(filter(None, (words[pair.kind], pair.name, side.text)))
    return side.text or (source_of(side) if pair.kind == "line" else "")


def remark(pair: Pair, words: dict[str, str]) -> str:
    """What is to be said of how two sides differ."""
    if pair.difference is not None:
        return f"{pair.difference:.2g}"
    return words["differs" if pair.parts else "same" if pair.torch == pair.minigrad else "near"]


def largest(step: Step, words: dict[str, str]) -> str:
    """The largest differences among a step's loss, gradients and parameters."""
    found = [pair for kind in ("loss", "gradient", "parameter") if (pair := step.largest(kind)) and pair.difference]
    texts = [" ".join(filter(None, (words[p.kind], p.name, f"{p.difference:.2g}"))) for p in found]
    return "\n".join(texts) or words["same"]


def _times(comparison: Comparison, words: dict[str, str]) -> Any:
    from rich.table import Table

    table = Table()
    table.add_column(words["phase"])
    for name in ("torch", "minigrad", words["ratio"]):
        table.add_column(name, justify="right")
    for row in time_rows(comparison.seconds(), words):
        table.add_row(*row)
    return table


def time_rows(seconds: dict[str, dict[str, float]], words: dict[str, str]) -> list[list[str]]:
    """Of times by library and phase: phase, torch's and minigrad's milliseconds, and their ratio."""
    rows = []
    for phase in (*PHASES, "total"):
        one, two = (sum(s.values()) if phase == "total" else s[phase] for s in seconds.values())
        if one or two:
            ratio = f"{two / one:.2f}" if one else ""
            rows.append([words[phase], f"{1000 * one:,.2f}", f"{1000 * two:,.2f}", ratio])
    return rows


def verdict(comparison: Comparison, words: dict[str, str]) -> list[str]:
    """Whether the two are alike; if not, where they part first: the step, the line itself, and both sides."""
    if comparison.parting is None:
        lines = sum(p.kind == "text" for step in comparison.steps for p in step.pairs)
        return [words["alike"].format(steps=comparison.steps[-1].number, lines=lines, seed=comparison.seed)]
    number, pair = comparison.parting
    what = words[f"of_{pair.kind}"].format(name=pair.name)
    by = "" if pair.difference is None else f"{words['by'].format(difference=pair.difference)}"
    told = [f"{words['part'].format(step=number) if number else words['part_start']}{what}{by}"]
    for library, side in (("torch", pair.torch), ("minigrad", pair.minigrad)):
        text = words["none"] if side is None else side.text.partition("\n")[0] or source_of(side)
        told.append(f"  {library:8} {text}")
    places = {(side.file, side.line): source_of(side) for side in (pair.torch, pair.minigrad) if side is not None}
    told += [f'  File "{file}", line {line}\n    {source}' for (file, line), source in places.items()]
    return [printable_lines(text) for text in told]
