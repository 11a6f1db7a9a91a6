"""DataLoader: the examples of a dataset, in some order, in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain, islice, repeat
from typing import Any, Generic, TypeVar

from ...generator import Generator
from ...warning import warn
from .collate import default_collate, default_convert
from .dataset import IterableDataset, gathered, items_of
from .sampler import BatchSampler, RandomSampler, Sampler, SequentialSampler, draw_seed
from .workers import Worker

INTERNAL = True
T_co = TypeVar("T_co", covariant=True)
_FIXED = ("batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers")


class DataLoader(Generic[T_co]):
    """Batches of the examples of `dataset`; each `for batch in loader` is one pass over all of them.

    batch_size     how many examples in a batch; None: the examples themselves
    shuffle        in a new random order in each pass: torch's order, from the same seed
    sampler        the order, or batch_sampler, the lists of numbers that make the batches
    drop_last      whether to leave out the last batch if it is short
    collate_fn     makes a batch of a list of examples; `default_collate` if left out
    generator      where random numbers for the order come from
    num_workers    no process is started, but the batches are those that so many workers would give: see `workers.py`
    pin_memory, timeout, multiprocessing_context, prefetch_factor, persistent_workers, in_order are for torch's
    processes and GPUs: checked as in torch, without effect.
    Raises ValueError for options that exclude each other.
    Source: https://docs.pytorch.org/docs/stable/data.html#torch.utils.data.DataLoader
    """

    _is_made = False

    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Any = None,
        batch_sampler: Any = None,
        num_workers: int = 0,
        collate_fn: Callable[[list[Any]], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], Any] | None = None,
        multiprocessing_context: Any = None,
        generator: Generator | None = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ) -> None:
        _check_workers(num_workers, timeout, prefetch_factor, persistent_workers, multiprocessing_context)
        self._is_stream = isinstance(dataset, IterableDataset)
        if self._is_stream:
            given = {"shuffle": shuffle or None, "sampler": sampler, "batch_sampler": batch_sampler}
            for name, value in given.items():
                if value is not None:
                    raise ValueError(
                        f"DataLoader with IterableDataset: expected unspecified {name} option, but got {name}={value}"
                    )
        if sampler is not None and shuffle:
            raise ValueError("sampler option is mutually exclusive with shuffle")
        if batch_sampler is not None:
            if batch_size != 1 or shuffle or sampler is not None or drop_last:
                raise ValueError(
                    "batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and drop_last"
                )
            batch_size = None
        elif batch_size is None and drop_last:
            raise ValueError("batch_size=None option disables auto-batching and is mutually exclusive with drop_last")

        if sampler is None:
            sampler = (
                _NoNumbers()
                if self._is_stream
                else RandomSampler(dataset, generator=generator)
                if shuffle
                else SequentialSampler(dataset)
            )
        if batch_size is not None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.dataset = dataset
        self.batch_size = batch_size
        self.drop_last = drop_last
        self.sampler = sampler
        self.batch_sampler = batch_sampler
        self.generator = generator
        self.collate_fn = collate_fn or (default_convert if batch_sampler is None else default_collate)
        self.num_workers = num_workers
        self.worker_init_fn = worker_init_fn
        self.pin_memory, self.pin_memory_device = pin_memory, pin_memory_device
        self.timeout, self.multiprocessing_context = timeout, multiprocessing_context
        self.prefetch_factor = 2 if num_workers and prefetch_factor is None else prefetch_factor
        self.persistent_workers, self.in_order = persistent_workers, in_order
        self._said_length: int | None = None  # what a stream said that its length was, if it was asked
        self._is_made = True

    def __setattr__(self, name: str, value: Any) -> None:
        if self._is_made and name in _FIXED:
            raise ValueError(f"{name} attribute should not be set after {type(self).__name__} is initialized")
        super().__setattr__(name, value)

    def __iter__(self) -> Iterator[Any]:
        return _Batches(self)

    def __len__(self) -> int:
        if not self._is_stream:
            return len(self._numbers)
        self._said_length = length = len(self.dataset)
        if self.batch_size is not None:
            length = length // self.batch_size if self.drop_last else -(-length // self.batch_size)
        return length

    @property
    def _numbers(self) -> Any:
        return self.sampler if self.batch_sampler is None else self.batch_sampler


class _Batches(Iterator[Any]):
    """One pass over the data."""

    def __init__(self, loader: DataLoader[Any]) -> None:
        if loader.pin_memory:
            warn(
                "'pin_memory' argument is set as true but no accelerator is found, then device pinned memory won't be "
                "used."
            )
        self._loader = loader
        self._count = 0
        self._numbers = iter(loader._numbers)
        seed = draw_seed(loader.generator)
        fetch = partial(_Fetch, loader)
        if loader.timeout and not loader.num_workers:
            raise AssertionError(
                "_SingleProcessDataLoaderIter requires timeout == 0\n"
                "  It is how long to wait for processes that load: give num_workers too, or leave it away."
            )
        self._workers: list[Callable[[Any], Any]] = [fetch(loader.dataset)]
        if loader.num_workers:
            n = loader.num_workers
            self._workers = [Worker(i, n, seed + i, loader.dataset, loader.worker_init_fn, fetch) for i in range(n)]
            ahead = list(islice(self._numbers, 1))  # now, as in torch, whose workers start at once
            self._numbers = chain(ahead, self._numbers)

    def __next__(self) -> Any:
        numbers = next(self._numbers)
        while self._workers:
            worker = self._workers[0]
            try:
                batch = worker(numbers)
            except StopIteration:
                del self._workers[0]
                continue
            if len(self._workers) > 1:
                self._workers.append(self._workers.pop(0))
            self._count += 1
            if self._loader._said_length is not None:
                self._check_length()
            return batch
        raise StopIteration

    def _check_length(self) -> None:
        """Warn of a stream that is longer than it said."""
        said, dataset = self._loader._said_length, self._loader.dataset
        if said is not None and self._count > said:
            warn(
                f"Length of IterableDataset {dataset} was reported to be {said}(when accessing len(dataloader)), but "
                f"{self._count} samples have been fetched. "
            )

    def __len__(self) -> int:
        return len(self._loader._numbers)


class _Fetch:
    """How the batch, or example, of some numbers is fetched; StopIteration where a stream has ended."""

    def __init__(self, loader: DataLoader[Any], dataset: Any) -> None:
        self.dataset, self.collate_fn, self.drop_last = dataset, loader.collate_fn, loader.drop_last
        self.in_batches = loader.batch_sampler is not None
        self.at_once = self.in_batches and self.collate_fn is default_collate
        self.stream = iter(dataset) if loader._is_stream else None

    def __call__(self, numbers: Any) -> Any:
        if self.stream is not None:
            return self.collate_fn(self._next_of_stream(numbers))
        if not self.in_batches:
            return self.collate_fn(self.dataset[numbers])
        if self.at_once:
            batch = gathered(self.dataset, numbers)
            if batch is not None:
                return batch
        return self.collate_fn(items_of(self.dataset, numbers))

    def _next_of_stream(self, numbers: Any) -> Any:
        stream: Any = self.stream
        if not self.in_batches:
            return next(stream)
        examples = [example for _, example in zip(numbers, stream, strict=False)]
        if not examples or (self.drop_last and len(examples) < len(numbers)):
            raise StopIteration
        return examples


class _NoNumbers(Sampler[None]):
    """What stands in for the numbers of the examples of a stream, which has none."""

    def __iter__(self) -> Iterator[None]:
        return repeat(None)


def _check_workers(
    num_workers: int, timeout: float, prefetch_factor: int | None, persistent_workers: bool, context: Any
) -> None:
    """Raise torch's errors for options about processes that do not fit."""
    if num_workers < 0:
        raise ValueError("num_workers option should be non-negative; use num_workers=0 to disable multiprocessing.")
    if timeout < 0:
        raise ValueError("timeout option should be non-negative")
    if num_workers == 0 and prefetch_factor is not None:
        raise ValueError(
            "prefetch_factor option could only be specified in multiprocessing.let num_workers > 0 to enable "
            "multiprocessing, otherwise set prefetch_factor to None."
        )
    if prefetch_factor is not None and prefetch_factor < 0:
        raise ValueError("prefetch_factor option should be non-negative")
    if persistent_workers and num_workers == 0:
        raise ValueError("persistent_workers option needs num_workers > 0")
    if context is not None and num_workers == 0:
        raise ValueError(
            "multiprocessing_context can only be used with multi-process loading (num_workers > 0), but got "
            f"num_workers={num_workers}"
        )
