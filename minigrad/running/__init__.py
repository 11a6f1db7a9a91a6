"""Programs written for torch, run on minigrad: what `python -m minigrad script.py` does."""

from __future__ import annotations

from .scripts import explained, run_script as run_script
from .standin import as_torch as as_torch

INTERNAL = True
__all__ = ["as_torch", "explained", "run_script"]
