"""From which size a GPU pays: the document's step on minigrad, and on torch on the CPU and on a GPU.

    python benchmarks/gpu.py            # needs the extra `torch` and a CUDA device; about a minute

The CPU computes with one thread. A ratio is the median of rounds in which the three take turns; the data lie on the GPU
before the first step, and a measurement ends when the GPU has done what it was given.
"""

from __future__ import annotations

import platform
import statistics
from typing import Any

from run import Run, document, micro, seconds  # sets the number of threads before NumPy is imported

# isort: split
import minigrad

SIZES = (10, 2), (1_000, 20), (20_000, 100), (200_000, 100), (1_000_000, 100)
ROUNDS = 7


def step(torch: Any, rows: int, columns: int, device: str = "cpu") -> Run:
    """The document's step with all rows in one batch."""
    torch.manual_seed(0)
    net, loss, sgd = document(torch)
    X, y = torch.normal(0, 1, (rows, columns)).to(device), torch.normal(0, 1, (rows, 1)).to(device)
    w = torch.normal(0, 0.01, size=(columns, 1)).to(device).requires_grad_()
    b = torch.zeros(1).to(device).requires_grad_()

    def run(times: int) -> None:
        for _ in range(times):
            loss(net(X, w, b), y).sum().backward()
            sgd([w, b], 0.03, rows)
        w.sum().item()  # waits for the GPU

    return run


def main() -> None:
    """Print the table."""
    import torch

    if not torch.cuda.is_available():
        raise SystemExit("benchmarks/gpu.py: torch finds no CUDA device here")
    torch.set_num_threads(1)
    print(f"Python {platform.python_version()}, torch {torch.__version__}, {torch.cuda.get_device_name()},")
    print(f"{platform.machine()}, one thread; time of a step\n")
    print(f"{'rows x columns':>16} {'minigrad':>14} {'torch, CPU':>14} {'torch, GPU':>14} {'minigrad / GPU':>15}")
    for rows, columns in SIZES:
        jobs = step(minigrad, rows, columns), step(torch, rows, columns), step(torch, rows, columns, "cuda")
        times = max(5, min(500, 2_000_000 // (rows * columns)))
        for job in jobs:
            job(2)
        took = [[seconds(job, times) / times for job in jobs] for _ in range(ROUNDS)]
        ours, cpu, gpu = (micro(statistics.median(column)) for column in zip(*took, strict=True))
        ratio = statistics.median(here / there for here, _, there in took)
        print(f"{f'{rows:,} x {columns}':>16} {ours:>14} {cpu:>14} {gpu:>14} {ratio:15.2f}", flush=True)


if __name__ == "__main__":
    main()
