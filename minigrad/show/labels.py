"""What stands in a picture of a graph: the words, and the user's text and numbers in a form that fits everywhere."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Any

from .languages import of_language
from .model import GraphNode, Value
from .symbols import short_name

INTERNAL = True
ROWS, COLUMNS = 3, 4  # of the numbers of a tensor, as many as are shown
WORDS = {
    "en": {
        "leaf": "leaf",
        "constant": "constant",
        "operation": "operation",
        "dashed": "no gradient",
        "gradient": "gradient, upward",
        "unknown": "not kept",
        "call": ", call {} of {}",
        "title": "Graph of {root}: {nodes} nodes, {edges} edges",
        "cut": "{shown:,} of {all:,} nodes: those nearest {root}",
    },
    "zh": {
        "leaf": "叶子",
        "constant": "常量",
        "operation": "运算",
        "dashed": "没有梯度",
        "gradient": "梯度，向上",
        "unknown": "没有保存",
        "call": "，第 {} 次调用（共 {} 次）",
        "title": "{root} 的计算图：{nodes} 个节点，{edges} 条边",
        "cut": "共 {all:,} 个节点，只画出离 {root} 最近的 {shown:,} 个",
    },
}


def words(lang: str) -> dict[str, str]:
    """The words of a language."""
    return of_language(WORDS, lang)


def visible(text: str) -> str:
    """Text on one line, in which nothing is invisible or acts on what stands around it (as marks of direction do)."""
    return printable(re.sub(r"\s+", " ", text).strip())


def printable(text: str) -> str:
    """The same with its spaces as they are."""
    return "".join([c if c.isprintable() or c == "\u200d" else " " if c.isspace() else _escaped(c) for c in text])


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode()


def columns(text: str) -> int:
    """How wide a text is, in letters of one width: what is Chinese counts double, an accent not at all."""
    return sum([0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "WF") for c in text])


def cut(text: str, most: int) -> str:
    """Text of `most` columns at most, with … in place of what does not fit."""
    if columns(text) <= most:
        return text
    while columns(text) > most - 1:
        text = text[:-1]
    return text + "…"


def name(node: GraphNode, lang: str = "en") -> str:
    """What the user calls a node: the variable, a constant's number, or else what it is."""
    if node.kind == "operation":
        return visible(node.label)
    if is_number(node) and node.value.array is not None:
        return number(node.value.array.item())
    written = node.name or ("" if node.label == node.kind else node.label)
    return visible(written) or words(lang)[node.kind]


def is_number(node: GraphNode) -> bool:
    """Whether a node is a constant without a name that is one number, and so is called by that."""
    return node.kind == "constant" and not node.name and not node.value.shape and node.value.array is not None


def variable(node: GraphNode) -> str | None:
    """The variable that holds an operation's result, if there is one."""
    return None if node.label == short_name(node.name) else visible(node.label)


def layer(node: GraphNode, lang: str, most: int | None = None) -> str:
    """The layer that ran an operation, in `most` columns, and in which of its calls; empty if none did."""
    module = visible(node.module) if most is None else cut(visible(node.module), most)
    return module + (words(lang)["call"].format(*node.call) if node.call else "")


def kind_of_numbers(value: Value) -> str:
    """Shape and dtype."""
    return f"{value.shape} {value.dtype.removeprefix('torch.')}"


def number(value: Any) -> str:
    """A number in four digits; a float that is whole keeps its point."""
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return text + ".0" if isinstance(value, float) and text.lstrip("-").isdigit() else text


def numbers(value: Value, lang: str = "en") -> list[str]:
    """The elements of a tensor in lines, one for each row; of a large one, the first rows and columns."""
    if value.array is None:
        return [words(lang)["unknown"]]
    if not value.shape:
        return [number(value.array.item())]
    if not value.array.size:
        return ["[]"]
    rows = value.array.reshape(-1, value.shape[-1])
    wide, long = rows.shape[1] > COLUMNS, rows.shape[0] > ROWS
    shown = rows[: ROWS - 1 if long else ROWS, : COLUMNS - 1 if wide else COLUMNS]
    texts = [[number(v) for v in row] for row in shown.tolist()]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    lines = [_row([t.rjust(w) for t, w in zip(row, widths, strict=True)] + ["…"] * wide) for row in texts]
    return [*lines, " …".ljust(len(lines[0]))] if long else lines


def _row(texts: Iterable[str]) -> str:
    return f"[{'  '.join(texts)}]"
