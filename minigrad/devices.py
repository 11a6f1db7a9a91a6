"""Where tensors live: all of torch's devices have names here, and tensors one place, the CPU."""

from __future__ import annotations

import re
import warnings
from typing import Any

import numpy as np

TYPES = (
    *("cpu", "cuda", "ipu", "xpu", "mkldnn", "opengl", "opencl", "ideep", "hip", "ve", "fpga", "maia", "xla", "lazy"),
    *("vulkan", "mps", "meta", "hpu", "mtia", "privateuseone"),
)
ADVICE = "\n  minigrad computes with NumPy, on the CPU; run this line with real torch for a GPU."
_NAME = re.compile(r"([^:]*)(?::(0|[1-9][0-9]*))?")


class device:
    """A place where tensors could live: `device("cuda:1")`, `device("cuda", 1)`. Only the CPU is there to be used.

    Raises RuntimeError for a name that torch does not know.
    """

    __slots__ = ("type", "index")

    def __init__(self, type: str | device, index: int | None = None) -> None:
        if isinstance(type, int):
            raise RuntimeError("Cannot access accelerator device when none is available." + ADVICE)
        if not isinstance(type, (str, device)):
            raise TypeError(
                f"device(): argument 'type' (position 1) must be str, not {type.__class__.__name__}\n"
                "  Name it: torch.device('cpu')."
            )
        text = str(type)
        if not text:
            raise RuntimeError("Device string must not be empty")
        found = _NAME.fullmatch(text)
        if found is None:
            raise RuntimeError(f"Invalid device string: '{text}'")
        name, number = found.groups()
        if name not in TYPES:
            known = ", ".join(TYPES)
            raise RuntimeError(f"Expected one of {known} device type at start of device string: {name}")
        if number and index is not None:
            raise RuntimeError(f"type (string) must not include an index because index was passed explicitly: {text}")
        if index is not None and index < 0:
            raise RuntimeError("Device index must not be negative")
        self.type, self.index = name, int(number) if number else index

    def __repr__(self) -> str:
        at = "" if self.index is None else f", index={self.index}"
        return f"device(type='{self.type}'{at})"

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, device) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))

    def __enter__(self) -> device:
        set_default_device(self)
        return self

    def __exit__(self, *exception: object) -> None:
        """Tensors go on being made on the CPU."""


CPU = device("cpu")


def require_cpu(where: Any) -> None:
    """Raise torch's error of a build without GPUs, unless `where` (a device, or its name) is the CPU.

    AssertionError for "cuda" and "xpu"; for others RuntimeError, or its subclass NotImplementedError.
    """
    if where is CPU or where == "cpu":
        return
    kind = device(where).type
    if kind in ("cuda", "xpu"):
        raise AssertionError(f"Torch not compiled with {kind.upper()} enabled{ADVICE}")
    if kind == "mps":
        raise RuntimeError(f"PyTorch is not linked with support for mps devices{ADVICE}")
    if kind != "cpu":
        raise NotImplementedError(f"Could not make a tensor on the device '{where}'{ADVICE}")


def set_default_device(device: Any) -> None:
    """Say where tensors are made unless told otherwise: the CPU, or None for it. Other devices raise at once."""
    if device is not None:
        require_cpu(device)


def get_default_device() -> device:
    """Where tensors are made unless told otherwise: the CPU."""
    return CPU


# Precision, which torch sets beside devices

_precision = ["highest"]


def get_float32_matmul_precision() -> str:
    """What `set_float32_matmul_precision` was told; 'highest' before."""
    return _precision[0]


def set_float32_matmul_precision(precision: str) -> None:
    """Let products of float32 matrices be as rough as 'medium' or 'high' allows; here they never are."""
    if not isinstance(precision, str):
        kind = type(precision).__name__
        raise RuntimeError(f"set_float32_matmul_precision expects a str, but got {kind}")
    if precision in ("highest", "high", "medium"):
        _precision[0] = precision
        return
    warnings.warn(
        f"{precision} is not one of 'highest', 'high', or 'medium'; the current"
        "setFloat32MatmulPrecision call has no effect.",
        UserWarning,
        stacklevel=2,
    )


# Switches that programs set before they begin: they change nothing, as all operations here are repeatable

_switches = {"deterministic": False, "threads": 1}


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Ask for repeatable operations only, as all are here."""
    if not isinstance(mode, bool):
        kind = type(mode).__name__
        raise TypeError(f"_set_deterministic_algorithms(): argument 'mode' (position 1) must be bool, not {kind}")
    _switches["deterministic"] = mode


def are_deterministic_algorithms_enabled() -> bool:
    """Whether `use_deterministic_algorithms(True)` was the last such call."""
    return bool(_switches["deterministic"])


def set_num_threads(num: int) -> None:
    """Say how many threads an operation may take; NumPy takes as many as it was built to, whatever is said here.

    Raises RuntimeError for what is no positive int.
    """
    if type(num) is not int and not isinstance(num, np.integer):
        raise RuntimeError(f"set_num_threads expects an int, but got {type(num).__name__}")
    if num < 1:
        raise RuntimeError("set_num_threads expects a positive integer")
    _switches["threads"] = int(num)


def get_num_threads() -> int:
    """The number that `set_num_threads` was given; 1 until then."""
    return _switches["threads"]
