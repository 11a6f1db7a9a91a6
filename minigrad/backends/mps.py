"""torch.backends.mps where there is no GPU."""

from __future__ import annotations

INTERNAL = True


def is_available() -> bool:
    """False: minigrad computes on the CPU."""
    return False


def is_built() -> bool:
    """False: minigrad computes on the CPU."""
    return False
