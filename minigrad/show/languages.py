"""The languages that there are texts in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

INTERNAL = True
T = TypeVar("T")


def of_language(texts: Mapping[str, T], lang: str) -> T:
    """What `texts` has for a language; ValueError for one that there is nothing in."""
    if lang not in texts:
        raise ValueError(f"lang must be one of {', '.join(map(repr, texts))}, but got {lang!r}")
    return texts[lang]
