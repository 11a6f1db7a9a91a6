"""Another library's tensors, such as real torch's: what is said where they stand for minigrad's.

Source: https://dmlc.github.io/dlpack/latest/python_spec.html
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..messages import type_name
from ..tensor import Tensor

INTERNAL = True
_ON_CPU = 1, 3, 11, 13  # as DLPack numbers devices: the CPU, and memory that GPUs can read too, as is pinned


def from_elsewhere(value: Any) -> str:
    """How another library's tensor becomes one of minigrad's; "" if `value` is none."""
    if isinstance(value, (Tensor, np.ndarray, np.generic)) or not hasattr(value, "__dlpack_device__"):
        return ""
    plain = "x.detach()" if hasattr(value, "detach") else "x"
    if not is_on_cpu(value):
        return f"minigrad.from_dlpack({plain}.cpu()) copies it from its GPU"
    return f"minigrad.from_dlpack({plain}) shares its memory"


def is_on_cpu(value: Any) -> bool:
    """Whether the CPU can read the memory of something that has `__dlpack__`."""
    return value.__dlpack_device__()[0] in _ON_CPU


def unknown_operand(value: Any) -> Any:
    """NotImplemented, by which Python asks `value` itself; TypeError for another library's tensor, which knows no more.

    Were it asked, `==` would be False.
    """
    if how := from_elsewhere(value):
        raise TypeError(
            f"unsupported operand type(s): Tensor and {type_name(value)}\n  Make it one of minigrad's: {how}."
        )
    return NotImplemented
