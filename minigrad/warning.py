"""Warnings that name the user's line, however deep inside they are given."""

from __future__ import annotations

import warnings

from .engine import level_of_user

INTERNAL = True


def warn(text: str, kind: type[Warning] = UserWarning) -> None:
    """Warn at the user's line."""
    warnings.warn(text, kind, stacklevel=level_of_user())
