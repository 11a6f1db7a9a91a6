"""torch.accelerator where there is none.

Source: https://docs.pytorch.org/docs/stable/accelerator.html
"""

from __future__ import annotations

INTERNAL = True


def is_available() -> bool:
    """False: minigrad computes on the CPU."""
    return False


def device_count() -> int:
    """0, the number of accelerators."""
    return 0


def current_accelerator(check_available: bool = False) -> None:
    """None: there is no accelerator to name a device of."""
