"""Generator: the 32-bit words of the Mersenne Twister, and how far along them a stream has come.

Source: ATen/CPUGeneratorImpl.h and ATen/core/MT19937RNGEngine.h of https://github.com/pytorch/pytorch; NumPy's legacy
seeding gives the same words.
"""

from __future__ import annotations

import math
import os
from threading import Lock
from typing import Any

import numpy as np

from . import devices, dtypes
from .devices import require_cpu
from .tensor import Tensor, wrap

INTERNAL = True
Array = np.ndarray[Any, Any]

DEFAULT_SEED = 67280421310721  # torch's, for a new Generator
STATE_WORDS = 624

_LEGACY_STATE = np.dtype(
    [
        *[("seed", "<u8"), ("left", "<i4"), ("seeded", "<i4"), ("next", "<u8")],
        *[("state", "<u8", STATE_WORDS), ("normal_x", "<f8"), ("normal_y", "<f8")],
        *[("normal_rho", "<f8"), ("normal_is_valid", "<i4")],
    ],
    align=True,
)
_STATE = np.dtype(  # a state as torch lays it out in memory
    [("legacy", _LEGACY_STATE), ("next_float_normal", "<f4"), ("has_float_normal", "?")],
    align=True,
)


class Generator:
    """A source of random numbers with a seed and a place in the stream of its own.

    Raises AssertionError or RuntimeError for a device other than the CPU.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.Generator.html
    """

    __slots__ = (
        *("__weakref__", "_device", "_fresh", "_second_normal", "_seed", "_seeder", "_twister"),
        "lock",  # held while an array is filled, so that threads do not share out its words
    )

    _second_normal: float | None  # of a pair whose first was asked for alone

    def __init__(self, device: Any = "cpu") -> None:
        require_cpu(device)
        self._device = devices.device(device)
        self._twister: np.random.MT19937 | None = None  # see _started
        self.lock = Lock()
        self._restart(DEFAULT_SEED)

    @property
    def device(self) -> devices.device:
        """Always the CPU."""
        return self._device

    def manual_seed(self, seed: int) -> Generator:
        """Start the stream anew from `seed`, in [-2**63, 2**64), and return the generator.

        Seeds whose low 32 bits agree give the same stream, as in torch.
        Raises RuntimeError or TypeError if `seed` is no int, ValueError if it is out of range.
        """
        if isinstance(seed, np.generic):
            raise TypeError("an integer is required\n  Convert a NumPy number with int().")
        if not isinstance(seed, int) or isinstance(seed, bool):
            raise RuntimeError(f"manual_seed expected a long, but got {type(seed).__name__}")
        if not -(2**63) <= seed < 2**64:
            raise ValueError(f"Overflow when unpacking long long\n  {seed} is outside [-2**63, 2**64).")
        with self.lock:
            self._restart(seed % 2**64)
        return self

    def seed(self) -> int:
        """Start the stream anew from a seed that the operating system draws; returns that seed."""
        seed = int.from_bytes(os.urandom(8), "little")
        self.manual_seed(seed)
        return seed

    def initial_seed(self) -> int:
        """The seed that the stream was last started from."""
        return self._seed

    def get_state(self) -> Tensor:
        """The seed and the place in the stream: a uint8 tensor of shape (5056,), as in torch."""
        return wrap(self._packed())

    def set_state(self, new_state: Tensor) -> None:
        """Go to the place in the stream that `get_state`, here or in torch, returned.

        Raises TypeError if `new_state` is no uint8 tensor, RuntimeError if it holds no state.
        """
        if not isinstance(new_state, Tensor):
            raise TypeError(f"expected a torch.ByteTensor, but got {type(new_state).__name__}")
        if new_state.dtype is not dtypes.uint8:
            raise TypeError("RNG state must be a torch.ByteTensor")
        self.__setstate__(new_state._array)

    def __reduce__(self) -> tuple[Any, ...]:
        return Generator, (str(self.device),), self._packed()

    def _packed(self) -> Array:
        with self.lock:
            twister: Any = self._started().state["state"]
            packed = np.zeros(1, _STATE)
            state = packed["legacy"]
            state["seed"], state["seeded"], state["state"] = self._seed, 1, twister["key"]
            state["left"] = 1 if self._fresh else STATE_WORDS + 1 - twister["pos"]
            state["next"] = 0 if self._fresh else twister["pos"]
            if self._second_normal is not None:
                state["normal_is_valid"], state["normal_y"] = 1, self._second_normal
        return packed.view(np.uint8)

    def __setstate__(self, packed: Array) -> None:
        if packed.size != _STATE.itemsize:
            raise RuntimeError(
                f"Expected a CPUGeneratorImplState of size {_STATE.itemsize} "
                f"but found the input RNG state size to be {packed.size}"
            )
        state = np.frombuffer(packed.tobytes(), _STATE)[0]["legacy"]
        left, position = int(state["left"]), int(state["next"])
        if not (state["seeded"] and 0 < left <= STATE_WORDS and position <= STATE_WORDS):
            raise RuntimeError("Invalid mt19937 state\n  Pass what get_rng_state() or get_state() returned.")
        with self.lock:
            self._restart(int(state["seed"]))
            self._fresh = position == 0
            if state["normal_is_valid"]:
                self._second_normal = float(state["normal_y"])
            key = state["state"].astype(np.uint32)
            next_word = STATE_WORDS if left == 1 else position
            self._started().state = {
                "bit_generator": "MT19937",
                "state": {"key": key, "pos": next_word},
            }

    def exchange(self, other: Generator) -> None:
        """Swap seeds and places in their streams with another generator."""
        with self.lock, other.lock:
            for generator in (self, other):
                generator._started()
            for name in ("_fresh", "_second_normal", "_seed", "_seeder", "_twister"):
                mine, theirs = getattr(self, name), getattr(other, name)
                setattr(self, name, theirs)
                setattr(other, name, mine)

    def _restart(self, seed: int) -> None:
        self._seed = seed
        self._fresh = True  # torch's state tells "no word drawn" from "624 drawn"; NumPy's does not
        self._second_normal = None
        if self._twister is not None:
            self._seeder.seed(seed & 0xFFFFFFFF)

    def _started(self) -> np.random.MT19937:
        """NumPy's generator, made when first used: to import numpy.random costs what NumPy costs."""
        if self._twister is None:
            self._twister = np.random.MT19937()
            self._seeder = np.random.RandomState(self._twister)  # seeds it the way torch does
            self._seeder.seed(self._seed & 0xFFFFFFFF)
        return self._twister

    def words(self, count: int) -> Array:
        """The next `count` 32-bit words, in a uint64 array."""
        if count:
            self._fresh = False
        words: Array = self._started().random_raw(count)
        return words

    def long_words(self, count: int) -> Array:
        """The next `count` 64-bit words: each two of 32 bits, the high half first."""
        halves = self.words(2 * count)
        high, low = halves[::2], halves[1::2]
        return high << 32 | low

    def uniform(self, count: int, kind: type) -> Array:
        """The next `count` numbers in [0, 1): float64 with 53 random bits, or float32 with 24."""
        if kind is np.float64:
            return (self.long_words(count) & (2**53 - 1)) * 2.0**-53
        bits: Array = self.words(count).astype(np.int32) & (2**24 - 1)
        return bits.astype(np.float32) * 2.0**-24

    def paired_normals(self, count: int) -> Array:
        """The next `count` float64 standard normals, made in pairs (Box and Muller's method)."""
        if not count:
            return np.empty(0)
        normals = [] if self._second_normal is None else [self._second_normal]
        self._second_normal = None
        pairs = (count - len(normals) + 1) // 2
        uniforms = iter(self.uniform(2 * pairs, np.float64).tolist())
        for turn, u in zip(uniforms, uniforms, strict=True):
            # With math, not NumPy: its functions are the C library's, to the last bit, as in torch.
            radius, angle = math.sqrt(-2 * math.log1p(-u)), 2 * math.pi * turn
            normals += (radius * math.cos(angle), radius * math.sin(angle))
        if len(normals) > count:
            self._second_normal = normals.pop()
        return np.array(normals)


default_generator = Generator()
default_generator.seed()
