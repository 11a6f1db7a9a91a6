"""Flags: arguments that are to be True or False, and nothing that only counts as one of them."""

from __future__ import annotations

from typing import Any

from .messages import type_name

INTERNAL = True


def wrong_flag(function: str, which: str, value: Any) -> TypeError:
    """torch's error for an argument that is to be a bool."""
    return TypeError(f"{function}(): argument {which} must be bool, not {type_name(value)}")


def check_flags(function: str, **given: Any) -> None:
    """Raise torch's error unless all that is given, by the names of arguments, is True or False."""
    for name, value in given.items():
        if value is not True and value is not False:
            raise wrong_flag(function, f"'{name}'", value)
