"""Data of which one part is not what it should be."""

import copy
import math

WRONG = [None, True, -1, 1.5, 10**30, math.nan, "x\ny", [[]], {"a": 1}]


def places(value, path=()):
    """The places of a nested value, itself first."""
    yield path
    if isinstance(value, dict):
        entries = value.items()
    elif isinstance(value, list) and len(value) < 100:
        entries = enumerate(value)
    else:
        entries = ()
    for key, part in entries:
        yield from places(part, (*path, key))


def changed(value, path, new):
    """The value with a part of it replaced, or left out for `Ellipsis`."""
    if not path:
        return new
    value = copy.copy(value)
    if new is ... and len(path) == 1:
        del value[path[0]]
    else:
        value[path[0]] = changed(value[path[0]], path[1:], new)
    return value
