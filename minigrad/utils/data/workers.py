"""Workers: what `num_workers` processes would do, done in this one, in the same order and with the same numbers.

torch starts processes, each with a copy of the dataset and a random stream of its own, and takes a batch from each in
turn. Here the calling thread plays all of them: whoever writes a dataset for several workers sees the same batches, and
no process is started. What they draw from Python's `random` or from NumPy comes from the program's own streams.
Source: https://docs.pytorch.org/docs/stable/data.html#multi-process-data-loading
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from copy import copy
from typing import Any, NamedTuple

from ...generator import Generator, default_generator

INTERNAL = True


class WorkerInfo(NamedTuple):
    """Which worker is at work: its number, how many there are, its seed, and its copy of the dataset."""

    id: int
    num_workers: int
    seed: int
    dataset: Any


_at_work: ContextVar[WorkerInfo | None] = ContextVar("at_work", default=None)


def get_worker_info() -> WorkerInfo | None:
    """Which worker this is, in code of a dataset, a collate_fn or a worker_init_fn; None where there are no workers."""
    return _at_work.get()


class Worker:
    """One of `of` workers: `fetch(dataset)` gives the function that it fetches batches with."""

    def __init__(
        self, number: int, of: int, seed: int, dataset: Any, start: Callable[[int], Any] | None, fetch: Any
    ) -> None:
        self.info = WorkerInfo(number, of, seed, copy(dataset))
        self.stream = Generator().manual_seed(seed)
        with self._working():
            if start is not None:
                start(number)
            self.fetch: Callable[[Any], Any] = fetch(self.info.dataset)

    def __call__(self, indices: Any) -> Any:
        """The batch of the examples with these numbers."""
        with self._working():
            return self.fetch(indices)

    @contextmanager
    def _working(self) -> Iterator[None]:
        token = _at_work.set(self.info)
        default_generator.exchange(self.stream)
        try:
            yield
        finally:
            default_generator.exchange(self.stream)
            _at_work.reset(token)
