"""What a run leaves behind: its events, written as lines of JSON, each with the elements of its arrays after it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import IO, Any

import numpy as np

INTERNAL = True
WHOLE = 1000  # elements: of larger arrays so many are kept, evenly spaced
PHASES = ("forward", "backward", "update", "evaluation")


@dataclass(frozen=True)
class Kept:
    """What is kept of a tensor: shape, dtype, Euclidean norm, and its elements or 1,000 of them."""

    shape: tuple[int, ...]
    dtype: str
    norm: float
    elements: np.ndarray[Any, Any]

    @classmethod
    def of(cls, tensor: Any) -> Kept:
        """Of a tensor of either library; what NumPy has no dtype for is kept in single precision."""
        shape, dtype = tuple(tensor.shape), str(tensor.dtype).removeprefix("torch.")
        tensor = tensor.detach().cpu()
        array = (tensor.float() if dtype == "bfloat16" else tensor).numpy().reshape(-1)
        norm = float(np.linalg.norm(array.astype(np.float64)))
        chosen = np.linspace(0, array.size - 1, WHOLE).astype(int) if array.size > WHOLE else slice(None)
        return cls(shape, dtype, norm, array[chosen].copy())


@dataclass
class Event:
    """Something that happened in a run: "print", "backward" or "end", and the user's line that did it.

    text        a printed line; at the end, the error that ended the run, or ""
    loss        the tensor that `backward()` was called on
    parameters  the leaves that require a gradient, by the script's names for them, as they were before the pass
    gradients   their `.grad` after it
    seconds     since the last pass, or the start, by phase
    """

    kind: str
    file: str
    line: int
    text: str = ""
    loss: Kept | None = None
    parameters: dict[str, Kept] = field(default_factory=dict)
    gradients: dict[str, Kept] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)


def write(event: Event, file: IO[bytes]) -> None:
    """Append an event to a file."""
    arrays: list[np.ndarray[Any, Any]] = []

    def plain(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            arrays.append(value)
            return [value.dtype.str, value.size]
        raise TypeError(f"{type(value).__name__} is not kept of a run")

    file.write(json.dumps(asdict(event), default=plain).encode() + b"\n")
    for array in arrays:
        file.write(array.tobytes())


def read(file: IO[bytes]) -> Iterator[Event]:
    """The events of a file, in their order; a last one that is cut short, as by a killed run, is left out."""

    def kept(d: dict[str, Any]) -> Kept:
        dtype, size = np.dtype(d["elements"][0]), d["elements"][1]
        data = file.read(dtype.itemsize * size)
        if len(data) < dtype.itemsize * size:
            raise EOFError
        return Kept(tuple(d["shape"]), d["dtype"], d["norm"], np.frombuffer(data, dtype))

    for line in file:
        if not line.endswith(b"\n"):
            return
        d = json.loads(line)
        try:
            if d["loss"] is not None:
                d["loss"] = kept(d["loss"])
            for several in ("parameters", "gradients"):
                d[several] = {name: kept(one) for name, one in d[several].items()}
        except EOFError:
            return
        yield Event(**d)
