"""The languages that there are texts in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeVar

INTERNAL = True
T = TypeVar("T")


def of_language(texts: Mapping[str, T], lang: str) -> T:
    """What `texts` has for a language; ValueError for one that there is nothing in."""
    if lang not in texts:
        raise ValueError(f"lang must be one of {', '.join(map(repr, texts))}, but got {lang!r}")
    return texts[lang]


def filled(text: str, lang: str, about: Mapping[str, Any]) -> str:
    """A text with its fields filled in: Chinese words in a Chinese text without the spaces that are there for names."""
    if lang == "zh":
        for name, value in about.items():
            if re.fullmatch("[\u4e00-\u9fff]+", str(value)):
                text = re.sub(rf" ?\{{{name}\}} ?", f"{{{name}}}", text)
    return text.format_map(about)
