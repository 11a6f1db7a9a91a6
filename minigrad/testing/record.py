"""What the checks of this process have compared, and how near to the bound the worst of it came."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import astuple, dataclass
from typing import TypeAlias

INTERNAL = True

Key: TypeAlias = tuple[str, str, str]


@dataclass(frozen=True)
class Entry:
    """What one check found for one operation in one dtype."""

    count: int = 0
    """Number of examples."""
    worst: float = 0.0
    """The largest deviation, divided by the deviation allowed: 1 is at the bound."""
    elements: int = 0
    """Number of elements compared."""


RECORD: dict[Key, Entry] = {}
"""Everything noted in this process: (operation, check, dtype) to its Entry."""

_paused = ContextVar("minigrad.testing.record.paused", default=False)


def note(operation: str, check: str, dtype: str, error: float, elements: int = 0) -> None:
    """Adds one example to RECORD.

    `error` is its worst deviation divided by the deviation allowed; NaN counts as infinite. `elements` is how many
    numbers were compared.
    """
    if not _paused.get():
        worst = math.inf if math.isnan(error) else float(error)
        merge({(operation, check, dtype): Entry(1, worst, int(elements))})


@contextmanager
def paused() -> Iterator[None]:
    """Keeps what is compared inside it out of RECORD, as where rules are broken on purpose."""
    token = _paused.set(True)
    try:
        yield
    finally:
        _paused.reset(token)


def merge(other: Mapping[Key, Entry]) -> None:
    """Adds another record, such as that of another process, to RECORD."""
    for key, more in other.items():
        so_far = RECORD.get(key, Entry())
        RECORD[key] = Entry(so_far.count + more.count, max(so_far.worst, more.worst), so_far.elements + more.elements)


def clear() -> None:
    """Empties RECORD."""
    RECORD.clear()


def as_json() -> str:
    """RECORD as JSON, one row per entry: operation, check, dtype, count, worst, elements."""
    return json.dumps([[*key, *astuple(entry)] for key, entry in RECORD.items()])


def from_json(text: str) -> dict[Key, Entry]:
    """The record that `as_json` wrote."""
    return {(operation, check, dtype): Entry(*entry) for operation, check, dtype, *entry in json.loads(text)}
