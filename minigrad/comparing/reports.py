"""A comparison as an HTML page, and as plain data."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from dataclasses import asdict
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

from ..saving import write_whole
from ..show.languages import of_language
from .differences import Comparison, Pair, Step
from .tables import cell, largest, place, remark, rows_of, shown_steps, time_rows, verdict
from .words import WORDS

INTERNAL = True
HTML_LANGUAGES = {"en": "en", "zh": "zh-CN"}


def to_json(comparison: Comparison) -> dict[str, Any]:
    """A comparison as plain data: what is infinite or no number is given as text, as JSON has no word for it."""
    parting = comparison.parting
    data = {
        "script": comparison.script,
        "seed": comparison.seed,
        "alike": parting is None,
        "parting": None if parting is None else {"step": parting[0], **asdict(parting[1])},
        "errors": comparison.errors,
        "seconds": comparison.seconds(),
        "steps": [asdict(step) for step in comparison.steps],
    }
    return {key: _finite(value) for key, value in data.items()}


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(v) for key, v in value.items()}
    if isinstance(value, list):
        return [_finite(v) for v in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def page(comparison: Comparison, path: str | os.PathLike[str], *, lang: str = "en", every: bool = False) -> None:
    """Write a comparison to a file as one HTML page that needs no other, nor a script.

    every  whether all steps are shown, however many
    Raises ValueError for another language than "en" and "zh", OSError where the file cannot be written.
    """
    words = of_language(WORDS, lang)
    told = "\n".join(verdict(comparison, words))
    parts = [f'<pre class="{"bad" if comparison.parting else "good"}">{escape(told)}</pre>']
    for library, error in comparison.errors.items():
        parts.append(f'<pre class="bad">{escape(words["ended"].format(library=library))}\n{escape(error)}</pre>')
    shown = shown_steps(comparison, every)
    rows, last = [], -1
    for step in shown:
        if step.number > last + 1:
            rows.append(_row([words["left_out"].format(count=step.number - last - 1)], columns=5))
        last = step.number
        rows += _rows(step, comparison, words)
    text = Template((files(__package__) / "page.html").read_text(encoding="utf-8")).substitute(
        lang=HTML_LANGUAGES[lang],
        title=escape(words["title"].format(script=os.path.basename(comparison.script))),
        verdict="\n".join(parts),
        steps_title=escape(words["steps"]),
        heads=_heads([words["step"], words["line"], "torch", "minigrad", words["difference"]]),
        rows="\n".join(rows),
        phase=escape(words["phase"]),
        time_heads=_heads(["", "torch", "minigrad", words["ratio"]]),
        times="\n".join(_row(row, numbers=range(1, 4)) for row in time_rows(comparison.seconds(), words)),
    )
    write_whole(path, text.encode("utf-8", "replace"))


def _heads(texts: Iterable[str]) -> str:
    return "".join(f'<th scope="col">{escape(text)}</th>' for text in texts)


def _row(cells: Iterable[str], kind: str = "", numbers: Iterable[int] = (), columns: int = 1, more: str = "") -> str:
    spread = f' colspan="{columns}"' if columns > 1 else ""
    made = "".join(
        f"<td{spread}{' class=number' if i in numbers else ''}>{escape(text)}</td>" for i, text in enumerate(cells)
    )
    return f"<tr{f' class={kind}' if kind else ''}>{made}{more}</tr>"


def _rows(step: Step, comparison: Comparison, words: dict[str, str]) -> list[str]:
    made = []
    for pair in rows_of(step, comparison):
        cells = [str(step.number) if pair.kind in ("loss", "line") else "", place(pair, comparison)]
        cells += [cell(side, pair, words) for side in (pair.torch, pair.minigrad)]
        kind = "parts" if pair.parts else "loss" if pair.kind == "loss" else ""
        if pair.kind == "loss":
            made.append(_row(cells, kind, more=f"<td>{escape(largest(step, words))}{_details(step, words)}</td>"))
        else:
            made.append(_row([*cells, remark(pair, words)], kind))
    return made


def _details(step: Step, words: dict[str, str]) -> str:
    """All gradients, parameters and times of a step, to be opened."""
    pairs: list[Pair] = [pair for pair in step.pairs if pair.kind in ("gradient", "parameter")]
    if not pairs:
        return ""
    rows = [
        _row(
            [
                f"{words[pair.kind]} {pair.name}",
                *[words["none"] if side is None else side.text for side in (pair.torch, pair.minigrad)],
                remark(pair, words),
            ],
            "parts" if pair.parts else "",
        )
        for pair in pairs
    ]
    heads = _heads([words["name"], "torch", "minigrad", words["difference"]])
    times = "".join(_row(row) for row in time_rows(step.seconds, words))
    time_heads = _heads([words["phase"], "torch", "minigrad", words["ratio"]])
    table = (
        f"<table><thead><tr>{heads}</tr></thead><tbody>{''.join(rows)}</tbody>"
        f"<thead><tr>{time_heads}</tr></thead><tbody>{times}</tbody></table>"
    )
    return f"<details><summary>{escape(words['details'])}</summary>{table}</details>"
