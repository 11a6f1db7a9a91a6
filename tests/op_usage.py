"""A look into the operations' written functions: which of them are used."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from minigrad.ops.table import TABLE, Op
from minigrad.testing.mutation import exchanged


@contextmanager
def watched(op: Op, used: set[Op]) -> Iterator[None]:
    """Within it, `op` is put into `used` when it computes, or is recorded without computing."""

    def noting(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            used.add(op)
            return function(*args)

        return call

    forward, record = op.forward, op.written().record
    op.forward, op.record = noting(forward), noting(record)
    try:
        with exchanged(op, "forward", noting):
            yield
    finally:
        op.forward, op.record = forward, record


def used_operations(run: Callable[[int], None], seeds: int) -> set[Op]:
    """The operations of the table that `run` uses with one of the first seeds."""
    run(0)  # so that the operations' forms under other names exist
    used: set[Op] = set()
    with ExitStack() as stack:
        for op in TABLE:
            stack.enter_context(watched(op, used))
        for seed in range(seeds):
            if len(used) < len(TABLE):
                run(seed)
    return used
