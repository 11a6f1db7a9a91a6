"""Files that are there whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path
from threading import get_ident

INTERNAL = True


def write_whole(path: str | os.PathLike[str], text: str) -> None:
    """Write a text to a file, in UTF-8; what was there before stays if that fails. Raises OSError as writing does."""
    target = Path(path)
    part = target.with_name(f".{target.name}.{os.getpid()}.{get_ident()}.part")
    try:
        part.write_text(text, encoding="utf-8", newline="\n")
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
