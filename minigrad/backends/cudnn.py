"""torch.backends.cudnn where there is no GPU: its switches can be set, and switch nothing."""

from __future__ import annotations

INTERNAL = True
enabled, benchmark, deterministic, allow_tf32 = True, False, False, True


def is_available() -> bool:
    """False: minigrad computes on the CPU."""
    return False


def version() -> None:
    """None: the library is not there."""
