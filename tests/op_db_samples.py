"""Samples and callables of torch's database of operations, made into minigrad's (see op_db.py)."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch

import minigrad

# What is left out, all of it, and why.
UNINITIALISED = ("empty", "empty_like", "empty_permuted", "empty_strided", "new_empty", "new_empty_strided", "resize_")
NOT_OF_TORCH = ("jiterator", "torch.ops.", "_")  # CUDA only; no public names of torch (dunder methods are public)


class LeftOut(Exception):
    """A sample that minigrad is not meant to take; the text is the reason."""


# From torch to minigrad


def lookup(path: str, root: Any = minigrad) -> Any:
    """What a dotted name stands for in minigrad; None if it is not there."""
    for name in path.split("."):
        try:
            root = getattr(root, name)
        except AttributeError:
            return None
    return root


def seeded(call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Stands for the database's `wrapper_set_seed`."""
    minigrad.manual_seed(42)
    return call(*args, **kwargs)


REPLACED = {"torch": minigrad, "wrapper_set_seed": seeded}


def rebuilt(function: Any) -> Any:
    """A function of the database, for which `torch` is minigrad, and so for those of the database that it calls."""
    if not isinstance(function, types.FunctionType) or not function.__module__.startswith("torch.testing"):
        return function
    scope = scope_of(function.__globals__["__name__"])
    cells = tuple([types.CellType(rebuilt(cell.cell_contents)) for cell in function.__closure__ or ()])
    made = types.FunctionType(function.__code__, scope, function.__name__, function.__defaults__, cells)
    made.__kwdefaults__ = function.__kwdefaults__
    return made


@cache
def scope_of(module: str) -> dict[str, Any]:
    """The globals of the functions of a module of the database, with minigrad for torch."""
    names = vars(sys.modules[module])
    later = {name: Later(value) for name, value in names.items() if isinstance(value, types.FunctionType)}
    return {**names, **later, **REPLACED, "F": lookup("nn.functional")}


class Later:
    """A function that is rebuilt when it is called."""

    def __init__(self, function: Any) -> None:
        self.function = function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return rebuilt(self.function)(*args, **kwargs)


def memory_of(tensor: torch.Tensor) -> torch.Tensor:
    """A copy of the memory that the tensor lies in, from its first element to its last."""
    if tensor.is_complex() or tensor.dtype is torch.bfloat16:
        raise LeftOut("complex or bfloat16 input")
    if tensor.layout is not torch.strided:
        raise LeftOut("sparse input")
    if tensor.is_quantized or tensor.device.type != "cpu":
        raise LeftOut("quantised input, or one on another device")
    if tensor.dim() > 64:
        raise LeftOut("more than 64 dimensions, which NumPy does not have")
    steps = [(n - 1) * s for n, s in zip(tensor.shape, tensor.stride(), strict=True)]
    reached = sum(steps) + 1 if tensor.numel() else 0
    return tensor.detach().resolve_neg().as_strided((reached,), (1,)).clone()


class Conversion:
    """A sample's values for `t`, torch or minigrad: fresh tensors of the same strides, one for each that there is."""

    def __init__(self, t: Any) -> None:
        self.t, self.known, self.leaves = t, {}, []

    def __call__(self, value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            return self.tensor(value)
        if isinstance(value, (tuple, list)) and type(value) in (tuple, list):
            return type(value)([self(v) for v in value])
        if isinstance(value, dict):
            return {name: self(v) for name, v in value.items()}
        if isinstance(value, slice):
            return slice(self(value.start), self(value.stop), self(value.step))
        return value if self.t is torch else self.constant(value)

    def tensor(self, tensor: torch.Tensor) -> Any:
        if id(tensor) not in self.known:
            memory, shape = memory_of(tensor), tuple(tensor.shape)
            if self.t is torch:  # of a storage that can be resized, as that of `out` is
                made = torch.empty(0, dtype=tensor.dtype).set_(memory.untyped_storage(), 0, shape, tensor.stride())
            else:
                strides = [s * memory.itemsize for s in tensor.stride()]
                made = minigrad.from_numpy(np.lib.stride_tricks.as_strided(memory.numpy(), shape, strides))
            if tensor.requires_grad:
                self.leaves.append(made.requires_grad_())
            self.known[id(tensor)] = made, tensor  # which keeps its id
        return self.known[id(tensor)][0]

    def constant(self, value: Any) -> Any:
        """What is no tensor, and has a counterpart in minigrad."""
        if isinstance(value, complex) or value in (torch.bfloat16, torch.complex64, torch.complex128, torch.complex32):
            raise LeftOut("complex or bfloat16 argument")
        if isinstance(value, torch.Size):
            return minigrad.Size(value)
        if isinstance(value, torch.device):
            return minigrad.device(str(value))
        if isinstance(value, torch.Generator):
            return minigrad.Generator().manual_seed(value.initial_seed())
        if isinstance(value, (torch.dtype, torch.layout, torch.memory_format)):
            if "sparse" in str(value):
                raise LeftOut("sparse layout")
            return getattr(minigrad, str(value).removeprefix("torch."))
        if isinstance(value, torch.nn.Module):
            return getattr(minigrad.nn, type(value).__name__)()
        if callable(value):
            return rebuilt(value) if rebuilt(value) is not value else lookup(value.__name__)
        return value


# The forms of an operation


@dataclass
class Form:
    """One way to call an operation: its name, and both libraries' callables."""

    name: str
    theirs: Callable[..., Any]
    ours: Callable[..., Any]
    in_place: bool = False


def forms(info: Any) -> tuple[list[Form], list[str]]:
    """The forms that both have, and the names of those that minigrad lacks."""
    found: list[Form] = []
    lacking: list[str] = []

    def add(name: str, theirs: Any, ours: Any, in_place: bool = False) -> None:
        if theirs is None or not callable(theirs):
            return
        if ours is None:
            lacking.append(name)
        else:
            found.append(Form(name, theirs, ours, in_place))

    name = info.name
    wrapper = rebuilt(info.op)
    if wrapper is not info.op:
        has = any(lookup(n, root) is not None for root in (minigrad, minigrad.Tensor) for n in (name, f"{name}_"))
        add(name, info.op, wrapper if has else None)
    elif name.startswith("__"):
        add(name, info.op, lookup(name, minigrad.Tensor))
    else:
        add(name, info.op, lookup(name))
    for variant, form in (
        (info.method_variant if not name.startswith("__") else None, name),
        (info.inplace_variant, f"{name}_"),
    ):
        ours = rebuilt(variant)
        if ours is variant:
            ours = lookup(form, minigrad.Tensor)
        elif name in lacking:  # the wrapper calls it
            ours = None
        add(f"Tensor.{form}", variant, ours, in_place=form != name)
    for alias in info.aliases or ():
        add(alias.name, alias.op, lookup(alias.name))
        add(f"Tensor.{alias.name}", alias.method_variant, lookup(alias.name, minigrad.Tensor))
        add(f"Tensor.{alias.name}_", alias.inplace_variant, lookup(f"{alias.name}_", minigrad.Tensor), in_place=True)
    return found, lacking


def left_out(info: Any) -> str:
    """Why an operation is left out; "" if it is not."""
    if info.name in UNINITIALISED:
        return "its result is memory that nobody wrote"
    if info.name.startswith(NOT_OF_TORCH) and not info.name.startswith("__"):
        return "no public name of torch on a CPU"
    return ""
