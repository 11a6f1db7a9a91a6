"""minigrad in torch's place: `import torch` and imports of its submodules give minigrad's."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import minigrad

INTERNAL = True
OURS, THEIRS = minigrad.__name__, "torch"


@contextmanager
def as_torch() -> Iterator[ModuleType]:
    """Let `import torch` mean minigrad, everywhere in this process, for the length of a `with` block.

    What was imported as torch before comes back afterwards. Modules that took it earlier keep what they took.
    """
    before = _torch_modules()
    finder = _Finder()
    for name in before:
        del sys.modules[name]
    sys.modules[THEIRS] = minigrad
    sys.meta_path.insert(0, finder)
    try:
        yield minigrad
    finally:
        sys.meta_path.remove(finder)
        for name in _torch_modules():
            del sys.modules[name]
        sys.modules.update(before)


def _torch_modules() -> dict[str, ModuleType]:
    return {name: module for name, module in sys.modules.items() if _is_torch(name)}


def _is_torch(name: str) -> bool:
    return name.partition(".")[0] == THEIRS


def torch_name(ours: str) -> str:
    """What a module or class of minigrad's is called in torch: `torch.nn` for `minigrad.nn`."""
    return THEIRS + ours.removeprefix(OURS) if ours.partition(".")[0] == OURS else ours


class _Finder(MetaPathFinder, Loader):
    """Finds `torch.x` where minigrad has a module x, and nothing else of torch."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """How to import a module of torch's; None for other modules, ModuleNotFoundError where minigrad lacks it."""
        if not _is_torch(fullname):
            return None
        if find_spec(OURS + fullname.removeprefix(THEIRS)) is None:
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)
        return ModuleSpec(fullname, self)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """minigrad's module itself: `torch.nn` and `minigrad.nn` are one."""
        module = import_module(OURS + spec.name.removeprefix(THEIRS))
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module: Any) -> None:
        """Give the module, which has run, its own specification back: importing it as torch's has replaced that."""
        module.__spec__ = module.__spec__.loader_state
