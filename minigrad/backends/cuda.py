"""torch.backends.cuda where there is no GPU: its switches can be set, and switch nothing."""

from __future__ import annotations

from types import SimpleNamespace

INTERNAL = True
matmul = SimpleNamespace(
    allow_tf32=False, allow_fp16_reduced_precision_reduction=True, allow_bf16_reduced_precision_reduction=True
)


def is_built() -> bool:
    """False: minigrad computes on the CPU."""
    return False
