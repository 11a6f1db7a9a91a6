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
        file = part.open("w", encoding="utf-8", newline="\n")
    except OSError as error:  # which names the part
        raise OSError(error.errno, error.strerror, str(target)) from error
    try:
        with file:
            file.write(text)
        part.replace(target)
    except BaseException:
        part.unlink()
        raise
