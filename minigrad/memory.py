"""Which memory a tensor lies in: its storage record, where the memory begins, and how long it is.

A view knows its base, whose memory that is. What leaves its base but not the memory, as `x[1:].detach()` does, finds by
the storage record what its base knew.
"""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

from .engine import Storage
from .layout import address, extent

INTERNAL = True
# By storage, where its memory begins and how many bytes it has, where something has left a base; few storages are here,
# so it is no attribute, which all of them would have room for.
spans: WeakKeyDictionary[Storage, tuple[int, int]] = WeakKeyDictionary()


def storage_of(t: Any) -> Storage:
    """The storage record of `t`; most tensors never need one, so it is made when first asked for."""
    storage: Storage | None = t._storage
    if storage is None:
        storage = t._storage = Storage()
    return storage


def storage_without_base(t: Any) -> Storage:
    """The storage record of `t`, for a tensor over the same memory that will not know the base of `t`."""
    storage = storage_of(t)
    if t._view is not None:
        spans[storage] = span_of(t)
    return storage


def span_of(t: Any) -> tuple[int, int]:
    """The address at which the memory of `t` begins, and its bytes."""
    if t._storage in spans:
        return spans[t._storage]
    whole = t._array if t._view is None else t._view.base._array
    return address(whole), extent(whole)
