"""torch.cuda where there is no GPU: what programs ask before they choose a device, and what they call in any case.

Source: https://docs.pytorch.org/docs/stable/cuda.html
"""

from __future__ import annotations

from typing import Any, Never

from ..devices import ADVICE
from . import amp as amp

INTERNAL = True


def is_available() -> bool:
    """False: minigrad computes on the CPU."""
    return False


def is_initialized() -> bool:
    """False: there is nothing to initialise."""
    return False


def is_bf16_supported() -> bool:
    """False: there is no GPU."""
    return False


def device_count() -> int:
    """0, the number of GPUs."""
    return 0


def manual_seed(seed: int) -> None:
    """Seed the current GPU's generator, of which there is none; `torch.manual_seed` is what seeds the CPU's."""
    int(seed)


manual_seed_all = manual_seed


def empty_cache() -> None:
    """Give unused memory of the GPU back, of which there is none."""


def memory_allocated(device: Any = None) -> int:
    """0, the bytes that tensors take up on the GPU."""
    return 0


max_memory_allocated = memory_reserved = max_memory_reserved = memory_allocated


def _no_gpu(*args: Any, **kwargs: Any) -> Never:
    """Raise AssertionError, as torch does where there is no GPU."""
    raise AssertionError(f"Torch not compiled with CUDA enabled{ADVICE}\n  Ask torch.cuda.is_available() first.")


current_device = get_device_name = get_device_properties = get_device_capability = synchronize = init = _no_gpu
mem_get_info = get_rng_state = _no_gpu
