"""`save` and `load`: tensors, and what holds them, in the safetensors format, which no program can hide in.

torch's own files hold a pickle, and reading a pickle runs whatever its author wrote. A safetensors file holds the
elements, and a table of names, shapes and dtypes. What there is beyond a dictionary of tensors, such as lists, numbers
and keys that are not texts, stands as JSON among the file's metadata, so that other readers find the tensors too.
Source of the format: https://github.com/huggingface/safetensors
"""

from __future__ import annotations

import json
import os
from collections import OrderedDict
from pathlib import Path
from threading import get_ident
from typing import IO, Any

import numpy as np

from . import dtypes
from .devices import device, require_cpu
from .dtypes import Size
from .engine import LEAF, Storage
from .layout import address, extent
from .memory import spans
from .messages import type_name
from .tensor import Tensor

INTERNAL = True
FORM = "minigrad"  # the metadata's entry that says what the tensors are part of ...
SHARED = "minigrad.shared"  # ... and the one that says which of them lie in the same memory
File = str | os.PathLike[str] | IO[bytes]
ABSENT = 'save and load need safetensors: in the checkout, pip install ".[save]"'


def save(obj: object, f: File) -> None:
    """Write tensors, or dictionaries, lists and tuples of them and of numbers and texts, to a file or a binary stream.

    A state_dict, or another dictionary of tensors by name, makes a file that any reader of safetensors understands.
    What was in a file before stays there if writing fails. Raises TypeError for what is none of these, OSError where
    the file cannot be written, ImportError without safetensors.
    """
    try:
        from safetensors.numpy import save as packed
    except ImportError as error:
        raise ImportError(ABSENT) from error
    writer = _Writer()
    form = json.dumps(writer.form_of(obj, ""))
    shared = writer.share()
    data = packed(writer.arrays, {FORM: form, **({SHARED: json.dumps(shared)} if shared else {})})
    if isinstance(f, (str, os.PathLike)):
        write_whole(f, data)
    else:
        f.write(data)


def load(f: File, map_location: Any = None, *, weights_only: bool = True, mmap: bool | None = None) -> Any:
    """Read what `save` wrote, or the tensors of any safetensors file, as a dictionary.

    Everything comes to the CPU, and nothing in the file is run: `map_location` and `weights_only` are for programs
    written for torch. Raises RuntimeError for a file that is cut short or of another kind, OSError where it cannot be
    read, ImportError without safetensors.
    """
    try:
        from safetensors import SafetensorError, deserialize
    except ImportError as error:
        raise ImportError(ABSENT) from error
    if map_location is not None and not callable(map_location) and not isinstance(map_location, dict):
        require_cpu(map_location)
    name = os.fspath(f) if isinstance(f, (str, os.PathLike)) else "the stream"
    data = Path(f).read_bytes() if isinstance(f, (str, os.PathLike)) else f.read()
    try:
        arrays = {key: _array(part) for key, part in deserialize(data)}  # type: ignore[no-untyped-call]
        metadata = json.loads(data[8 : 8 + _header_length(data)]).get("__metadata__", {})
        tensors = _tensors(arrays, json.loads(metadata.get(SHARED, "{}")))
        return _built(json.loads(metadata[FORM]), tensors) if FORM in metadata else tensors
    except (SafetensorError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise RuntimeError(_refusal(name, data, error)) from None


class _Writer:
    """Takes the tensors out of nested containers, and says in plain data what they are part of."""

    def __init__(self) -> None:
        self.arrays: dict[str, np.ndarray[Any, Any]] = {}
        self.keys: dict[int, str] = {}  # by the tensor's identity: one that is there twice is written once
        self.given: dict[str, np.ndarray[Any, Any]] = {}  # the arrays as they lie in memory

    def form_of(self, value: Any, name: str) -> Any:
        """What `_built` makes the value of again; `name` is where in the whole it stands."""
        if isinstance(value, Tensor):
            flags = {"requires_grad": value.requires_grad, "parameter": _is_parameter(value)}
            return {"tensor": self.key_of(value, name), **{flag: True for flag, is_set in flags.items() if is_set}}
        if value is None or isinstance(value, (bool, str)):
            return value
        if isinstance(value, (int, float)):
            return value.item() if isinstance(value, np.generic) else value
        if isinstance(value, dict):
            kind = "ordered" if isinstance(value, OrderedDict) else "dict"
            pairs = [
                [self.form_of(k, name), self.form_of(v, f"{name}.{k}" if name else f"{k}")] for k, v in value.items()
            ]
            return {kind: pairs}
        if isinstance(value, (list, tuple)):
            kind = "list" if isinstance(value, list) else "size" if isinstance(value, Size) else "tuple"
            return {kind: [self.form_of(v, f"{name}.{i}" if name else f"{i}") for i, v in enumerate(value)]}
        if isinstance(value, dtypes.dtype):
            return {"dtype": value.name}
        if isinstance(value, device):
            return {"device": str(value)}
        advice = ": save its state_dict()" if hasattr(value, "state_dict") else ""
        raise TypeError(
            f"cannot save {type_name(value)}{f' (at {name})' if name else ''}\n"
            f"  A file holds tensors, numbers, texts, and dictionaries, lists and tuples of them{advice}."
        )

    def key_of(self, t: Tensor, name: str) -> str:
        """The tensor's name in the file."""
        if id(t) not in self.keys:
            key = name or "tensor"
            while key in self.arrays:  # as {"a": {"b": x}, "a.b": y} gives twice
                key += "_"
            self.keys[id(t)] = key
            self.given[key] = t._array
            self.arrays[key] = np.array(t._array, order="C", copy=None)
        return self.keys[id(t)]

    def share(self) -> dict[str, list[Any]]:
        """Of each tensor whose memory overlaps another's: the key of an array of all of it, and its place in that.

        The place is the number of bytes before its first element, and its strides. Other readers find such tensors
        under their own names too; all of the memory is written in addition only where no tensor fills it.
        """
        found: dict[str, list[Any]] = {}
        for start, end, keys in _overlapping(self.given):
            size = end - start
            filling = [k for k in keys if self.given[k].nbytes == size and self.given[k].flags.c_contiguous]
            whole = filling[0] if filling else f"memory of {keys[0]}"
            if not filling:
                while whole in self.arrays:
                    whole += "_"
                first = self.given[keys[0]]
                memory = np.lib.stride_tricks.as_strided(first, (size // first.itemsize,), (first.itemsize,))
                self.arrays[whole] = memory.copy()
            found |= {key: [whole, address(self.given[key]) - start, self.given[key].strides] for key in keys}
        return found


def _overlapping(arrays: dict[str, np.ndarray[Any, Any]]) -> list[tuple[int, int, list[str]]]:
    """The keys of arrays of one dtype that overlap in memory, the first one first, with where that begins and ends."""
    groups: list[tuple[int, int, list[str]]] = []
    spans = [(a.dtype.char, address(a), address(a) + extent(a), key) for key, a in arrays.items() if a.size]
    for letter, start, end, key in sorted(spans):
        if groups and start < groups[-1][1] and arrays[groups[-1][2][0]].dtype.char == letter:
            first, last, keys = groups.pop()
            groups.append((first, max(last, end), [*keys, key]))
        else:
            groups.append((start, end, [key]))
    return [group for group in groups if len(group[2]) > 1]


def _tensors(arrays: dict[str, np.ndarray[Any, Any]], shared: dict[str, list[Any]]) -> dict[str, Tensor]:
    """A tensor over each array, or over its place in the memory that it shares; an error where that cannot be."""
    storages = {whole: Storage() for whole, _, _ in shared.values()}
    made = {}
    for key, array in arrays.items():
        if key in shared:
            whole, start, strides = shared[key]
            memory = arrays[whole]
            array = np.ndarray(array.shape, memory.dtype, memory.reshape(-1), start, tuple(strides))
            spans[storages[whole]] = address(memory), memory.nbytes
            made[key] = Tensor._of(array, storage=storages[whole])
        else:
            made[key] = Tensor._of(array)
    return made


def _built(form: Any, tensors: dict[str, Tensor]) -> Any:
    """What a form says, with its tensors."""
    if not isinstance(form, dict):
        return form
    if "tensor" in form:
        t = tensors[form["tensor"]]
        if form.get("requires_grad"):
            t._origin = LEAF
        if form.get("parameter") and not _is_parameter(t):
            from .nn.parameter import Parameter

            t = tensors[form["tensor"]] = Parameter(t, t.requires_grad)
        return t
    ((kind, value),) = form.items()
    if isinstance(value, dict):
        raise ValueError(f"what is called {kind!r} holds no parts")
    if kind in ("dict", "ordered"):
        pairs = [(_built(k, tensors), _built(v, tensors)) for k, v in value]
        return dict(pairs) if kind == "dict" else OrderedDict(pairs)
    if kind in ("list", "tuple", "size"):
        parts = [_built(v, tensors) for v in value]
        return parts if kind == "list" else tuple(parts) if kind == "tuple" else Size(parts)
    if kind == "dtype":
        return {d.name: d for d in dtypes.dtype.by_numpy.values()}[value]
    if kind == "device":
        return device(value)
    raise ValueError(f"nothing is called {kind!r} in what minigrad writes")


def _is_parameter(t: Tensor) -> bool:
    """Whether a module that it is assigned to takes it for a parameter; `nn` is imported only where it may be one."""
    if t.__class__ is Tensor:
        return False
    from .nn.parameter import Parameter

    return isinstance(t, Parameter)


def _array(part: dict[str, Any]) -> np.ndarray[Any, Any]:
    """The elements of one tensor of the file, in memory of their own."""
    letters = {"F64": "f8", "F32": "f4", "F16": "f2", "I64": "i8", "I32": "i4", "I16": "i2", "I8": "i1", "U8": "u1"}
    letters["BOOL"] = "?"
    name = part["dtype"]
    if name not in letters:
        raise ValueError(f"it holds tensors of {name}, which minigrad has no dtype for")
    return np.frombuffer(part["data"], f"<{letters[name]}").astype(letters[name]).reshape(part["shape"])


def _header_length(data: bytes) -> int:
    return int.from_bytes(data[:8], "little")


def _refusal(name: str, data: bytes, error: Exception) -> str:
    """Why a file is not read."""
    if data[:4] == b"PK\x03\x04" or (data[:1] == b"\x80" and _header_length(data) > len(data)):
        return (
            f"{name} is no safetensors file: it looks like one of torch.save, which holds a pickle\n"
            "  Reading a pickle runs what is in it, so minigrad does not. Where torch is, write the tensors anew:\n"
            "  safetensors.torch.save_file(torch.load(path, weights_only=True), new_path)."
        )
    what = "is empty" if not data else "is cut short, or no safetensors file"
    return f"{name} {what}\n  {str(error)[:200] or type(error).__name__}"


def write_whole(path: str | os.PathLike[str], data: bytes) -> None:
    """Write a file whole or not at all: what was there before stays if that fails. Raises OSError as writing does."""
    target = Path(path)
    part = target.with_name(f".{target.name}.{os.getpid()}.{get_ident()}.part")
    try:
        file = part.open("wb")
    except OSError as error:  # which names the part
        raise OSError(error.errno, error.strerror, str(target)) from error
    try:
        with file:
            file.write(data)
        part.replace(target)
    except BaseException:
        part.unlink()
        raise
