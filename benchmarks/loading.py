"""Rows per second from files, beside torch's DataLoader over the same rows, and beside the step that they are for.

    python benchmarks/loading.py        # needs the extras `torch` and `data`; about a minute

Both sides shuffle minibatches of 64 rows of ten features, in one process and one thread. The DataLoader is used as its
manual shows it, over a memory-mapped NPY file.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from run import micro, seconds  # sets the number of threads before NumPy is imported

# isort: split
import numpy as np

import minigrad
from linreg import model
from linreg.tables import load

ROWS, FEATURES, BATCH, SEEN = 2_000_000, 10, 64, 64 * 4000
ROUNDS = 5


def files(folder: Path) -> dict[str, str]:
    """The same rows as NPY, Parquet and CSV; the first column is the target."""
    import pyarrow as pa
    from pyarrow import csv, parquet

    rows = np.random.default_rng(0).normal(size=(ROWS, FEATURES + 1))
    table = pa.table({f"x{j}": rows[:, j] for j in range(FEATURES + 1)})
    np.save(folder / "rows.npy", rows)
    parquet.write_table(table, folder / "rows.parquet", row_group_size=1 << 17)
    csv.write_csv(table, folder / "rows.csv")
    return {kind: str(folder / f"rows.{kind}") for kind in ("npy", "parquet", "csv")}


def torchs(path: str) -> Iterator[tuple[Any, Any]]:
    """An epoch of torch's DataLoader."""
    import torch

    class Rows(torch.utils.data.Dataset[Any]):
        def __init__(self) -> None:
            self.rows = np.load(path, mmap_mode="r")

        def __len__(self) -> int:
            return len(self.rows)

        def __getitem__(self, place: int) -> tuple[Any, Any]:
            row = torch.from_numpy(np.array(self.rows[place]))
            return row[1:], row[:1]

    return iter(torch.utils.data.DataLoader(Rows(), batch_size=BATCH, shuffle=True))


def per_row(batches: Iterator[tuple[Any, Any]], most: int) -> float:
    """Seconds for each row of the batches after the first."""
    next(batches)
    seen = 0

    def read(_: int) -> None:
        nonlocal seen
        for X, _y in batches:
            seen += len(X)
            if seen >= most:
                break

    taken = seconds(read, 1)
    return taken / seen


def step_seconds() -> float:
    """One step of the document's loop on minigrad, a batch of 64 rows of ten features."""
    X, y = minigrad.normal(0, 1, (BATCH, FEATURES)), minigrad.normal(0, 1, (BATCH, 1))
    w = minigrad.normal(0, 0.01, size=(FEATURES, 1), requires_grad=True)
    b = minigrad.zeros(1, requires_grad=True)

    def run(times: int) -> None:
        for _ in range(times):
            model.squared_loss(model.linreg(X, w, b), y).sum().backward()
            model.sgd([w, b], 0.03, BATCH)

    run(100)
    return seconds(run, 2000) / 2000


def main() -> None:
    """Print the table."""
    import torch

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        paths = files(Path(folder))
        ours: dict[str, list[float]] = {kind: [] for kind in paths}
        theirs, steps = [], []
        examples = {kind: load(path, "x0", torch=minigrad).examples for kind, path in paths.items()}
        for _ in range(ROUNDS):
            theirs.append(per_row(torchs(paths["npy"]), SEEN // 4))
            steps.append(step_seconds())
            for kind, rows in examples.items():
                ours[kind].append(per_row(rows.batches(BATCH, 0), ROWS))
    other, step = float(np.median(theirs)), float(np.median(steps))
    print(f"{'':54} {'linreg':>14} {'other':>14} {'ratio':>7} {'goal':>6}")
    for kind, goal in (("npy", 20), ("parquet", 10), ("csv", 10)):
        mine = float(np.median(ours[kind]))
        name = f"rows per second from {kind.upper()} / torch's DataLoader"
        print(f"{name:54} {1 / mine:14,.0f} {1 / other:14,.0f} {other / mine:7.2f} {goal:6.2f}")
        name = f"loading a batch of 64 from {kind.upper()} / its step"
        print(f"{name:54} {micro(BATCH * mine):>14} {micro(step):>14} {BATCH * mine / step:7.2f} {1:6.2f}")


if __name__ == "__main__":
    main()
