"""What `compile` gives for a module: a module, as torch's OptimizedModule is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..nn import Module

INTERNAL = True


class OptimizedModule(Module):
    """A module whose calls are compiled; its attributes are those of the module itself, its `_orig_mod`.

    compiled  gives, for a module, the function that calls it, with the attributes `programs` and `reasons`
    """

    def __init__(self, module: Module, compiled: Callable[[Module], Callable[..., Any]]) -> None:
        super().__init__()
        del self.__dict__["training"]  # the module's own is meant
        self._modules["_orig_mod"] = module
        self.__dict__.update(_compiled=compiled, forward=compiled(module))

    def __getattr__(self, name: str) -> Any:
        modules = self.__dict__.get("_modules", {})
        if name in modules or "_orig_mod" not in modules:
            return super().__getattr__(name)
        run = self.__dict__["forward"]
        return getattr(run if name in ("programs", "reasons") else modules["_orig_mod"], name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._modules["_orig_mod"], name, value)

    def __reduce__(self) -> Any:
        return OptimizedModule, (self._orig_mod, self._compiled)
