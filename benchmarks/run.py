"""Speed and memory as ratios, in one run: minigrad beside torch and beside NumPy written by hand, one thread each.

    python benchmarks/run.py            # needs the extra `torch`; about two minutes
    python benchmarks/run.py step       # only the rows whose name contains a word

Each pair is run in turn, A B A B ..., and the median of the ratios is printed: so a machine that gets slower for a
while does not favour one side.
"""

from __future__ import annotations

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import argparse
import gc
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import FunctionType
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

import minigrad
from linreg import model

CACHE = tempfile.TemporaryDirectory()
Run = Callable[[int], None]  # runs a job that many times


def seconds(run: Run, times: int) -> float:
    """How long `times` runs of a job take."""
    gc.collect()
    start = time.perf_counter()
    run(times)
    return time.perf_counter() - start


def ratio(ours: Run, theirs: Run, times: int, rounds: int = 15) -> tuple[float, float, float]:
    """The median ratio of two jobs' times, and the seconds each takes once."""
    ours(max(times // 10, 1)), theirs(max(times // 10, 1))
    pairs = [(seconds(ours, times), seconds(theirs, times)) for _ in range(rounds)]
    return (
        statistics.median(a / b for a, b in pairs),
        statistics.median(a for a, _ in pairs) / times,
        statistics.median(b for _, b in pairs) / times,
    )


# The jobs, each written once for both modules


def document(torch: Any) -> tuple[Callable[..., Any], ...]:
    """The document's model, loss and optimizer on a module; as there, no call in between says which."""
    return on(torch, model.linreg), model.squared_loss, on(torch, model.sgd)


def on(torch: Any, f: Any) -> Callable[..., Any]:
    """A function of `linreg.model` whose `torch` is the module, if it is not told another."""
    made = FunctionType(f.__code__, f.__globals__, f.__name__)
    made.__kwdefaults__ = {"torch": torch}
    return made


def multiplication(torch: Any) -> Run:
    """One recorded product of two one-element tensors."""
    a, b = torch.ones(1, requires_grad=True), torch.ones(1, requires_grad=True)

    def run(times: int) -> None:
        for _ in range(times):
            a * b

    return run


def chain(torch: Any, nodes: int) -> Run:
    """Forward and backward of a chain: a product, a sum, a tanh, over and over."""

    def run(times: int) -> None:
        for _ in range(times):
            x = torch.ones(1, requires_grad=True)
            y = x
            for _ in range(nodes // 3):
                y = (y * 1.0001 + x).tanh()
            y.backward()

    return run


def document_step(torch: Any) -> Run:
    """One step of the document's loop: loss of a batch of 10, backward, sgd."""
    torch.manual_seed(0)
    net, loss, sgd = document(torch)
    X, y = torch.normal(0, 1, (10, 2)), torch.normal(0, 1, (10, 1))
    w, b = torch.normal(0, 0.01, size=(2, 1), requires_grad=True), torch.zeros(1, requires_grad=True)

    def run(times: int) -> None:
        for _ in range(times):
            loss(net(X, w, b), y).sum().backward()
            sgd([w, b], 0.03, 10)

    return run


def document_step_by_hand(rows: int = 10, columns: int = 2) -> Run:
    """The same step in NumPy, its gradient worked out on paper."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(rows, columns)).astype(np.float32), rng.normal(size=(rows, 1)).astype(np.float32)
    w, b = rng.normal(size=(columns, 1)).astype(np.float32), np.zeros(1, np.float32)

    def run(times: int) -> None:
        nonlocal w, b
        for _ in range(times):
            y_hat = X @ w + b
            error = y_hat - y
            (error**2 / 2).sum()
            w -= 0.03 * (X.T @ error) / rows
            b -= 0.03 * error.sum(axis=0) / rows

    return run


def compiled_step(rows: int, columns: int) -> Run:
    """The document's step, its loss and its optimizer compiled."""
    torch: Any = minigrad
    torch.manual_seed(0)

    @torch.compile(fullgraph=True)  # type: ignore[untyped-decorator]
    def loss(X: Any, w: Any, b: Any, y: Any) -> Any:
        return model.squared_loss(model.linreg(X, w, b), y).sum()

    sgd = torch.compile(model.sgd, fullgraph=True)
    X, y = torch.normal(0, 1, (rows, columns)), torch.normal(0, 1, (rows, 1))
    w, b = torch.normal(0, 0.01, size=(columns, 1), requires_grad=True), torch.zeros(1, requires_grad=True)

    def run(times: int) -> None:
        for _ in range(times):
            loss(X, w, b, y).backward()
            sgd([w, b], 0.03, rows)

    return run


def mlp_step(torch: Any) -> Run:
    """One step of a 784-256-10 network with softmax and cross-entropy, batch 256."""
    torch.manual_seed(0)
    X = torch.normal(0, 1, (256, 784))
    labels = torch.randint(0, 10, (256,))
    rows = torch.arange(256)
    params = [
        torch.normal(0, 0.01, size=(784, 256), requires_grad=True),
        torch.zeros(256, requires_grad=True),
        torch.normal(0, 0.01, size=(256, 10), requires_grad=True),
        torch.zeros(10, requires_grad=True),
    ]

    def run(times: int) -> None:
        w1, b1, w2, b2 = params
        for _ in range(times):
            h = torch.relu(X @ w1 + b1)
            scores = (h @ w2 + b2).log_softmax(1)
            (-scores[rows, labels].mean()).backward()
            with torch.no_grad():
                for param in params:
                    param -= 0.1 * param.grad
                    param.grad.zero_()

    return run


def concise_step(torch: Any) -> Run:
    """One step of the document's concise version, with its batch of 10 read from a DataLoader."""
    torch.manual_seed(0)
    nn, data = torch.nn, torch.utils.data
    dataset = data.TensorDataset(torch.normal(0, 1, (1000, 2)), torch.normal(0, 1, (1000, 1)))
    batches = data.DataLoader(dataset, 10, shuffle=True)
    net, loss = nn.Sequential(nn.Linear(2, 1)), nn.MSELoss()
    trainer = torch.optim.SGD(net.parameters(), lr=0.03)

    def run(times: int) -> None:
        for _ in range(times // len(batches)):
            for X, y in batches:
                l = loss(net(X), y)
                trainer.zero_grad()
                l.backward()
                trainer.step()

    return run


def mlp_epoch(torch: Any) -> Run:
    """One pass over 60,000 images of 28 x 28 with a 784-256-10 network, batch 256, all of it from `nn` and `optim`."""
    torch.manual_seed(0)
    nn, data = torch.nn, torch.utils.data
    dataset = data.TensorDataset(torch.rand(60_000, 1, 28, 28), torch.randint(0, 10, (60_000,)))
    batches = data.DataLoader(dataset, 256, shuffle=True)
    net = nn.Sequential(nn.Flatten(), nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 10))
    loss = nn.CrossEntropyLoss()
    trainer = torch.optim.SGD(net.parameters(), lr=0.1)

    def run(times: int) -> None:
        for _ in range(times):
            for X, y in batches:
                trainer.zero_grad()
                loss(net(X), y).backward()
                trainer.step()

    return run


def full_batch(torch: Any) -> Run:
    """One step of regression on all of 200,000 rows of 100 columns."""
    torch.manual_seed(0)
    net, loss, sgd = document(torch)
    X, y = torch.normal(0, 1, (200_000, 100)), torch.normal(0, 1, (200_000, 1))
    w, b = torch.zeros((100, 1), requires_grad=True), torch.zeros(1, requires_grad=True)

    def run(times: int) -> None:
        for _ in range(times):
            loss(net(X, w, b), y).sum().backward()
            sgd([w, b], 0.03, 200_000)

    return run


MEMORY = """
import sys, gc, os
import {module} as torch
x = torch.ones(1, requires_grad=True)
y = x
for _ in range(1000): y = y + x
gc.collect(); gc.disable()
resident = lambda: int(open('/proc/self/statm').read().split()[1]) * os.sysconf('SC_PAGE_SIZE')
before = resident()
for _ in range(200_000): y = {operation}
print((resident() - before) / 200_000)
sys.stdout.flush(); os._exit(0)
"""


def bytes_per_node(module: str, operation: str) -> float:
    """Memory that one more recorded operation takes, in a process of its own."""
    code = MEMORY.format(module=module, operation=operation)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment())
    return float(done.stdout)


def environment() -> dict[str, str]:
    """The environment of the processes started here: they import this checkout, compiled, as an installed one is."""
    names = {"PYTHONPATH": str(Path(__file__).resolve().parents[1]), "PYTHONPYCACHEPREFIX": CACHE.name}
    return {**os.environ, **names, "PYTHONDONTWRITEBYTECODE": ""}


def import_seconds(module: str) -> float:
    """The shortest of a few imports, each in a fresh process."""
    code = f"import time; s = time.perf_counter(); import {module}; print(time.perf_counter() - s)"
    command = [sys.executable, "-c", code]
    return min(
        float(subprocess.run(command, capture_output=True, text=True, check=True, env=environment()).stdout)
        for _ in range(15)
    )


def micro(value: float) -> str:
    """Seconds, printed as microseconds."""
    return f"{value * 1e6:,.2f} µs"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("only", nargs="?", default="", help="only the rows whose name contains this")
    only = parser.parse_args().only
    import torch

    torch.set_num_threads(1)
    print(f"Python {platform.python_version()}, NumPy {np.__version__}, torch {torch.__version__}, one thread,")
    print(f"{platform.machine()}, {os.cpu_count()} cores\n")
    print(f"{'':46} {'minigrad':>14} {'other':>14} {'ratio':>7} {'goal':>6}")

    def row(name: str, goal: float, measure: Callable[[], tuple[float, str, str]]) -> None:
        if only in name:
            value, ours, theirs = measure()
            print(f"{name:46} {ours:>14} {theirs:>14} {value:7.2f} {goal:6.2f}", flush=True)

    def timed(job: Callable[[Any], Run], times: int, rounds: int = 15, by_hand: Run | None = None, per: int = 1) -> Any:
        def measure() -> tuple[float, str, str]:
            value, ours, theirs = ratio(job(minigrad), by_hand or job(torch), times, rounds)
            return value, micro(ours / per), micro(theirs / per)

        return measure

    def node_bytes(operation: str) -> Any:
        def measure() -> tuple[float, str, str]:
            ours, theirs = bytes_per_node("minigrad", operation), bytes_per_node("torch", operation)
            return ours / theirs, f"{ours:.0f} bytes", f"{theirs:.0f} bytes"

        return measure

    def imports() -> tuple[float, str, str]:
        ours, theirs = import_seconds("minigrad"), import_seconds("numpy")
        return ours / theirs, f"{ours * 1e3:.0f} ms", f"{theirs * 1e3:.0f} ms"

    row("the document's step / torch", 0.30, timed(document_step, 500))
    row("the document's step / NumPy by hand", 2.5, timed(document_step, 500, by_hand=document_step_by_hand()))
    small, large = (10, 2), (200_000, 100)
    for name, size, goal, times, rounds in (("step", small, 1.7, 500, 15), ("full batch", large, 1.1, 2, 15)):
        compiled = timed(lambda _, size=size: compiled_step(*size), times, rounds, document_step_by_hand(*size))
        row(f"the {name}, compiled / NumPy by hand", goal, compiled)
    row("the concise step / torch", 0.35, timed(concise_step, 1000))
    row("one recorded multiplication / torch", 0.6, timed(multiplication, 5000))
    for nodes, rounds in ((10_000, 9), (100_000, 5), (1_000_000, 3)):
        job = lambda module, nodes=nodes: chain(module, nodes)  # noqa: E731
        row(f"chain of {nodes:,}, per node / torch", 0.7, timed(job, 1, rounds, per=nodes))
    row("MLP step 784-256-10, batch 256 / torch", 0.9, timed(mlp_step, 5))
    row("MLP epoch on 60,000 x 784 / torch", 1.0, timed(mlp_epoch, 1, 3))
    row("full batch 200,000 x 100 / torch", 0.85, timed(full_batch, 2))
    row("bytes per node, y + x / torch", 0.7, node_bytes("y + x"))
    row("bytes per node, y * x / torch", 0.7, node_bytes("y * x"))
    row("bytes per node, y.tanh() / torch", 0.7, node_bytes("y.tanh()"))
    row("import / import numpy", 1.3, imports)


if __name__ == "__main__":
    main()
