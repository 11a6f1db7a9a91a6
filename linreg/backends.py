"""The module to compute with, minigrad or torch, made ready for a run."""

import importlib
import random
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from linreg.errors import BadInput
from linreg.settings import Settings


def load_backend(name: str, asked: str | None = None) -> ModuleType:
    """The module `name`; where it cannot be loaded, BadInput that names what was `asked` for, and how to install it."""
    try:
        return importlib.import_module(name)
    except (ImportError, OSError) as error:
        raise BadInput(
            f"{asked or f'--backend {name}'} cannot be loaded ({first_line(error)}); "
            'to install the pinned version, in the checkout: pip install ".[torch]"'
        ) from error


@contextmanager
def backend(settings: Settings) -> Iterator[ModuleType]:
    """The module to compute with: its default dtype set meanwhile, the random streams seeded."""
    torch = load_backend(settings.backend)
    default = torch.get_default_dtype()
    torch.set_default_dtype(getattr(torch, settings.dtype))
    try:
        try_device(torch, settings.device, settings.dtype, f"--device {settings.device}")
        torch.manual_seed(settings.seed)
        random.seed(settings.seed)
        yield torch
    finally:
        torch.set_default_dtype(default)


def try_device(torch: ModuleType, device: Any, dtype: str, asked: str) -> None:
    """BadInput, which names what was `asked` for, where `device` is none of torch's, or cannot hold a dtype."""
    # torch raises one or another of these for a device that is unknown, absent, or lacks the dtype.
    try:
        float(torch.zeros(1, dtype=getattr(torch, dtype)).to(torch.device(device)))
    except (RuntimeError, AssertionError, NotImplementedError, TypeError, ValueError) as error:
        backend = torch.__name__
        if backend == "minigrad":
            raise BadInput(
                f"{asked}: minigrad runs on the cpu only; for other devices use the backend torch"
            ) from error
        raise BadInput(f"{asked} cannot hold {dtype} on {backend}: {first_line(error)}") from error


def first_line(error: BaseException) -> str:
    """The first line of what an exception says, or its type's name where it says nothing."""
    return (str(error).splitlines() or [type(error).__name__])[0]
