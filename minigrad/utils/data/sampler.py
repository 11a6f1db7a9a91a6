"""Samplers: in which order the examples of a dataset are read.

Source: https://docs.pytorch.org/docs/stable/data.html#data-loading-order-and-sampler
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Generic, TypeVar

import numpy as np

from ... import dtypes
from ...generator import Generator
from ...ops.creation import as_tensor
from ...random import randint, random_, randperm
from ...random.sampling import multinomial
from ...tensor import wrap

INTERNAL = True
T_co = TypeVar("T_co", covariant=True)


class Sampler(Generic[T_co]):
    """The base of all orders: subclasses define `__iter__`, which gives numbers of examples, or lists of them."""

    def __iter__(self) -> Iterator[T_co]:
        raise NotImplementedError


class SequentialSampler(Sampler[int]):
    """0, 1, 2, ..."""

    def __init__(self, data_source: Any) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Sampler[int]):
    """All numbers in random order or, with `replacement`, `num_samples` numbers drawn independently.

    Where no `generator` is given, each pass over the data draws a seed from the default one for a generator of its own.
    Raises TypeError or ValueError for a replacement that is no bool, and a num_samples that is no positive int.
    """

    def __init__(
        self,
        data_source: Any,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: Generator | None = None,
    ) -> None:
        self.data_source = data_source
        self.replacement = replacement
        self._num_samples = num_samples
        self.generator = generator
        if not isinstance(replacement, bool):
            raise TypeError(f"replacement should be a boolean value, but got replacement={replacement}")
        if not isinstance(self.num_samples, int) or self.num_samples <= 0:
            raise ValueError(f"num_samples should be a positive integer value, but got num_samples={self.num_samples}")

    @property
    def num_samples(self) -> int:
        """How many numbers a pass gives."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self) -> Iterator[int]:
        n, samples, source = len(self.data_source), self.num_samples, self.generator
        if source is None:
            source = Generator().manual_seed(draw_seed(None))
        at_once = 32 if self.replacement else n
        for _ in range(samples // at_once):
            yield from _numbers(n, at_once, self.replacement, source)
        yield from _numbers(n, samples % at_once, self.replacement, source)

    def __len__(self) -> int:
        return self.num_samples


def _numbers(n: int, count: int, replacement: bool, source: Generator) -> list[int]:
    """Some numbers below `n`. As in torch, a whole permutation is drawn even if few of them, or none, are wanted."""
    drawn = randint(n, (count,), generator=source) if replacement else randperm(n, generator=source)[:count]
    numbers: list[int] = drawn.tolist()
    return numbers


def draw_seed(generator: Generator | None) -> int:
    """A seed for another generator."""
    return int(random_(wrap(np.empty((), np.int64)), generator=generator).item())


class SubsetRandomSampler(Sampler[int]):
    """The numbers in `indices` in random order."""

    def __init__(self, indices: Sequence[int], generator: Generator | None = None) -> None:
        self.indices = indices
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        for i in randperm(len(self.indices), generator=self.generator).tolist():
            yield self.indices[i]

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler[int]):
    """`num_samples` numbers, each drawn with a probability proportional to its weight.

    Raises ValueError for a num_samples that is no positive int, a replacement that is no bool, or weights that are not
    of one dimension.
    """

    def __init__(
        self, weights: Any, num_samples: int, replacement: bool = True, generator: Generator | None = None
    ) -> None:
        if not isinstance(num_samples, int) or isinstance(num_samples, bool) or num_samples <= 0:
            raise ValueError(f"num_samples should be a positive integer value, but got num_samples={num_samples}")
        if not isinstance(replacement, bool):
            raise ValueError(f"replacement should be a boolean value, but got replacement={replacement}")
        self.weights = as_tensor(weights, dtype=dtypes.float64)
        if self.weights.ndim != 1:
            raise ValueError(
                f"weights should be a 1d sequence but given weights have shape {tuple(self.weights.shape)}"
            )
        self.num_samples = num_samples
        self.replacement = replacement
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        drawn = multinomial(self.weights, self.num_samples, self.replacement, generator=self.generator)
        yield from drawn.tolist()

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler[list[int]]):
    """What another sampler gives, in lists of `batch_size`; the last may be shorter, unless `drop_last`.

    Raises ValueError for a batch_size that is no positive int, or a drop_last that is no bool.
    """

    def __init__(self, sampler: Any, batch_size: int, drop_last: bool) -> None:
        if not isinstance(batch_size, int) or isinstance(batch_size, bool) or batch_size <= 0:
            raise ValueError(f"batch_size should be a positive integer value, but got batch_size={batch_size}")
        if not isinstance(drop_last, bool):
            raise ValueError(f"drop_last should be a boolean value, but got drop_last={drop_last}")
        self.sampler: Iterable[int] = sampler
        self.batch_size = batch_size
        self.drop_last = drop_last

    def __iter__(self) -> Iterator[list[int]]:
        numbers = iter(self.sampler)
        least = self.batch_size if self.drop_last else 1
        while len(batch := list(islice(numbers, self.batch_size))) >= least:
            yield batch

    def __len__(self) -> int:
        examples = len(self.sampler)  # type: ignore[arg-type]  # TypeError, as in torch, if it does not know
        return examples // self.batch_size if self.drop_last else -(-examples // self.batch_size)
