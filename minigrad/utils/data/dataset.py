"""Datasets: examples by their number, or one after the other.

Source: https://docs.pytorch.org/docs/stable/data.html#dataset-types
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Any, Generic, TypeVar, cast

import numpy as np

from ...generator import Generator
from ...random import randperm
from ...tensor import Tensor, wrap
from ...warning import warn

INTERNAL = True
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Dataset(Generic[T_co]):
    """Examples by their number: subclasses define `__getitem__` and, for most uses, `__len__`.

    One that can fetch a batch quicker than example by example may define `__getitems__(indices)` too.
    """

    def __getitem__(self, index: Any) -> T_co:
        raise NotImplementedError("Subclasses of Dataset should implement __getitem__.")

    def __add__(self, other: Dataset[T_co]) -> ConcatDataset[T_co]:
        return ConcatDataset([self, other])


class IterableDataset(Dataset[T_co], Iterable[T_co]):
    """Examples one after the other: subclasses define `__iter__`."""

    def __add__(self, other: Dataset[T_co]) -> Any:
        return ChainDataset([self, other])


class TensorDataset(Dataset[tuple[Tensor, ...]]):
    """Example i is row i of each tensor.

    Raises AssertionError if the tensors differ in their first size.
    """

    tensors: tuple[Tensor, ...]

    def __init__(self, *tensors: Tensor) -> None:
        if any(tensors[0].size(0) != tensor.size(0) for tensor in tensors):
            raise AssertionError(
                f"Size mismatch between tensors\n  They have {', '.join(str(t.size(0)) for t in tensors)} rows."
            )
        self.tensors = tensors

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple([tensor[index] for tensor in self.tensors])

    def __len__(self) -> int:
        return int(self.tensors[0].size(0))


class StackDataset(Dataset[Any]):
    """Example i is a tuple of example i of each dataset or, if they are given by keyword, a dictionary.

    Raises ValueError if there are none, if some are given by keyword and some not, or if they differ in length.
    """

    datasets: tuple[Any, ...] | dict[str, Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if args and kwargs:
            raise ValueError(
                "Supported either ``tuple``- (via ``args``) or``dict``- (via ``kwargs``) like input/output, but both "
                "types are given."
            )
        if not args and not kwargs:
            raise ValueError("At least one dataset should be passed")
        lengths = [len(dataset) for dataset in args or kwargs.values()]
        if len(set(lengths)) > 1:
            raise ValueError(f"Size mismatch between datasets\n  They have {lengths} examples.")
        self._length = lengths[0]
        self.datasets = args or kwargs

    def __getitem__(self, index: Any) -> Any:
        return self._joined([dataset[index] for dataset in self._all()])

    def __getitems__(self, indices: list[Any]) -> list[Any]:
        columns = []
        for dataset in self._all():
            items = items_of(dataset, indices)
            if len(items) != len(indices):
                raise ValueError(f"Nested dataset's output size mismatch. Expected {len(indices)}, got {len(items)}")
            columns.append(items)
        return [self._joined(example) for example in zip(*columns, strict=True)]

    def _all(self) -> Iterable[Any]:
        return self.datasets.values() if isinstance(self.datasets, dict) else self.datasets

    def _joined(self, parts: Iterable[Any]) -> Any:
        return dict(zip(self.datasets, parts, strict=True)) if isinstance(self.datasets, dict) else tuple(parts)

    def __len__(self) -> int:
        return self._length


class ConcatDataset(Dataset[T_co]):
    """The examples of one dataset, then those of the next; `a + b` is one.

    Raises AssertionError if there are none, or one is an IterableDataset.
    """

    datasets: list[Any]
    cumulative_sizes: list[int]

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise AssertionError("datasets should not be an empty iterable")
        if any(isinstance(dataset, IterableDataset) for dataset in self.datasets):
            raise AssertionError("ConcatDataset does not support IterableDataset\n  ChainDataset joins those.")
        self.cumulative_sizes = list(accumulate(len(dataset) for dataset in self.datasets))

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def __getitem__(self, idx: int) -> T_co:
        if idx < 0:
            if -idx > len(self):
                raise ValueError("absolute value of index should not exceed dataset length")
            idx = len(self) + idx
        which = bisect_right(self.cumulative_sizes, idx)
        before = self.cumulative_sizes[which - 1] if which else 0
        example: T_co = self.datasets[which][idx - before]
        return example


class ChainDataset(IterableDataset[Any]):
    """The examples of one IterableDataset, then those of the next; AssertionError for another kind of dataset."""

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = datasets

    def __iter__(self) -> Iterator[Any]:
        for dataset in self._all():
            yield from dataset

    def __len__(self) -> int:
        return sum(len(dataset) for dataset in self._all())

    def _all(self) -> Iterator[Any]:
        for dataset in self.datasets:
            if not isinstance(dataset, IterableDataset):
                raise AssertionError("ChainDataset only supports IterableDataset\n  ConcatDataset joins others.")
            yield dataset


class Subset(Dataset[T_co]):
    """The examples of a dataset whose numbers are in `indices`, in that order."""

    dataset: Any
    indices: Sequence[int]

    def __init__(self, dataset: Any, indices: Sequence[int]) -> None:
        kind = type(self)
        if kind.__getitem__ is not Subset.__getitem__ and kind.__getitems__ is Subset.__getitems__:
            raise NotImplementedError(
                f"{kind.__name__} overrides __getitem__ but not __getitems__. When subclassing Subset and overriding "
                "__getitem__, you must also override __getitems__ to ensure DataLoader works correctly with your "
                "custom logic. A simple implementation:\n\ndef __getitems__(self, indices):\n    return "
                "[self.__getitem__(idx) for idx in indices]"
            )
        self.dataset = dataset
        self.indices = indices

    def __getitem__(self, idx: Any) -> T_co:
        index = [self.indices[i] for i in idx] if isinstance(idx, list) else self.indices[idx]
        return cast(T_co, self.dataset[index])

    def __getitems__(self, indices: list[Any]) -> list[T_co]:
        return items_of(self.dataset, [self.indices[i] for i in indices])

    def __len__(self) -> int:
        return len(self.indices)


def random_split(dataset: Any, lengths: Sequence[int | float], generator: Generator | None = None) -> list[Subset[Any]]:
    """Subsets of `dataset` that share out its examples at random.

    lengths  how many each gets, or which part of all (the parts sum to 1; what rounding leaves goes to the first ones)
    Raises ValueError for lengths that do not sum to that of the dataset, or a part outside [0, 1].
    """
    total = len(dataset)
    sizes = cast(list[int], list(lengths))
    if math.isclose(sum(lengths), 1) and sum(lengths) <= 1:
        for i, part in enumerate(lengths):
            if part < 0 or part > 1:
                raise ValueError(f"Fraction at index {i} is not between 0 and 1")
        sizes = [math.floor(total * part) for part in lengths]
        for i in range(total - sum(sizes)):
            sizes[i % len(sizes)] += 1
        for i, size in enumerate(sizes):
            if size == 0:
                warn(f"Length of split at index {i} is 0. This might result in an empty dataset.")
    if sum(sizes) != total:
        raise ValueError(
            "Sum of input lengths does not equal the length of the input dataset!\n"
            f"  The lengths sum to {sum(sizes)}, and it has {total} examples."
        )
    order = randperm(total, generator=generator).tolist()
    return [Subset(dataset, order[end - size : end]) for end, size in zip(accumulate(sizes), sizes, strict=True)]


def items_of(dataset: Any, indices: list[Any]) -> list[Any]:
    """The examples with these numbers, all at once where the dataset can do that."""
    at_once = getattr(dataset, "__getitems__", None)
    if callable(at_once):
        return cast(list[Any], at_once(indices))
    return [dataset[i] for i in indices]


def gathered(dataset: Any, indices: list[Any]) -> list[Tensor] | None:
    """What `default_collate` makes of these examples of a TensorDataset, or a Subset of one, gathered at once.

    None where the dataset is of another kind, a gradient is wanted, or an index is not an int of one of its rows.
    """
    while type(dataset) is Subset:
        indices = [dataset.indices[i] for i in indices]
        dataset = dataset.dataset
    if type(dataset) is not TensorDataset or any(type(t) is not Tensor or t.requires_grad for t in dataset.tensors):
        return None
    rows = np.array(indices)
    if rows.dtype.kind != "i" or rows.ndim != 1:
        return None
    try:
        return [wrap(tensor._array.take(rows, axis=0)) for tensor in dataset.tensors]
    except IndexError:
        return None  # the examples one by one will say which, in torch's words
