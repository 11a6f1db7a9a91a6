"""A training in a process of its own, where its time and its memory are not those of anything else."""

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from linreg.errors import BadInput, Diverged, fail
from linreg.settings import Settings, Synthetic, Table

MOST_TIMED = 10_000  # steps of an epoch, the first ones
# Torch has threads for everything and NumPy for products alone: times are compared on one.
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"
)


@dataclass
class Measured:
    """What a training took.

    `step_seconds` is the median of each epoch's steps; of a way to train in one step, the time of that with the loss
    after it. `resident` is the process's memory in bytes when the library is loaded and nothing read yet, and
    `peaks` by how much its largest memory until the end of each epoch exceeds that: what the data, their reading
    and the training needed. None where the system does not tell. `on_device` is the most that tensors took of a
    CUDA device, in bytes.
    """

    resident: int | None = None
    step_seconds: list[float] = field(default_factory=list)
    peaks: list[int | None] = field(default_factory=list)
    on_device: list[int | None] = field(default_factory=list)


def measured(backend: str, options: argparse.Namespace, seed: int) -> Measured:
    """Train as the options say in a fresh process, on one thread; BadInput where that fails."""
    job = json.dumps({"backend": backend, "seed": seed, "options": vars(options)})
    start = f"import sys; sys.path[:] = {sys.path!r}; from linreg.comparing.measured import main; sys.exit(main())"
    # In a session of its own, so that Ctrl-C is answered by this process alone.
    with subprocess.Popen(
        [sys.executable, "-c", start],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="surrogateescape",
        start_new_session=True,
        env={**os.environ, **ONE_THREAD},
    ) as child:
        try:
            out, err = child.communicate(job)
        finally:
            child.kill()
    if child.returncode:
        why = (err.splitlines() or [f"it ended with status {child.returncode}"])[-1]
        raise BadInput(f"{backend} cannot be measured in a process of its own: {why}")
    return Measured(**json.loads(out))


def main() -> int:
    """Do the job that standard input describes, and print what it took."""
    from linreg.comparing.lockstep import on_backend
    from linreg.options import data_of, settings_of

    job = json.load(sys.stdin)
    options = argparse.Namespace(**job["options"])
    try:
        taken = _measure(on_backend(settings_of(options, job["seed"]), job["backend"]), data_of(options))
    except BadInput as error:
        return fail(2, str(error))
    print(json.dumps(asdict(taken)))
    return 0


def _measure(settings: Settings, data: Synthetic | Table) -> Measured:
    from linreg.backends import backend
    from linreg.jobs import start_params
    from linreg.problems import problem_of
    from linreg.train import Epoch, Training

    with backend(settings) as torch:
        taken = Measured(resident=_from_now_on())
        problem, settings = problem_of(torch, settings, data)
        params = start_params(torch, settings, problem)
        training = Training(problem.examples, *params, settings, held_out=problem.held_out, torch=torch)
        times = list[float]()
        with contextlib.suppress(Diverged):  # which the comparison tells of
            began = time.perf_counter()
            for event in training.run():
                ended = time.perf_counter()
                if isinstance(event, Epoch):
                    taken.step_seconds.append(statistics.median(times or [ended - began]))
                    taken.peaks.append(_above(taken.resident))
                    taken.on_device.append(_on_device(torch, settings.device))
                    times.clear()
                elif len(times) < MOST_TIMED:
                    times.append(ended - began)
                began = time.perf_counter()
    return taken


def _from_now_on() -> int | None:
    # Linux forgets the largest memory so far on this, where a process may ask for it.
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    return largest_memory()


def _above(resident: int | None) -> int | None:
    largest = largest_memory()
    return None if largest is None or resident is None else largest - resident


def largest_memory() -> int | None:
    """The most memory that this process has had resident, in bytes; None where the system does not tell."""
    status = Path("/proc/self/status")
    if status.exists():
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(lines["VmHWM"].split()[0]) * 1024 if "VmHWM" in lines else None
    try:
        import resource
    except ImportError:  # as on Windows
        return None
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return largest if sys.platform == "darwin" else largest * 1024


def _on_device(torch: ModuleType, device: str) -> int | None:
    accelerators: Any = torch.cuda
    return int(accelerators.max_memory_allocated(device)) if device.startswith("cuda") else None
