"""One script on torch and on minigrad, beside each other: what `python -m minigrad compare script.py` does.

`compare(script)` runs it twice, each time in a process of its own, and gives a `Comparison`: step by step the losses,
the gradients and parameters by the script's names for them, what was printed, the times, and the first place where the
two part. `told` prints it as a table, `page` makes an HTML page of it, `to_json` plain data.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from .differences import Comparison as Comparison, Pair as Pair, Side as Side, Step as Step, compared
from .events import Event, read
from .reports import page as page, to_json as to_json
from .tables import told as told

INTERNAL = True
__all__ = ["Comparison", "Pair", "Side", "Step", "compare", "page", "to_json", "told"]
LIBRARIES = ("torch", "minigrad")
# Torch has threads for everything and NumPy for products alone: times are compared on one.
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"
)


def compare(
    script: str | os.PathLike[str],
    arguments: Sequence[str] = (),
    *,
    seed: int = 0,
    ignore: str = "",
    running: Callable[[str], object] = lambda library: None,
) -> Comparison:
    """Run a script with torch, then with minigrad in its place, and compare.

    arguments  the script's own
    seed       that Python's, NumPy's and the library's random streams begin with, unless the script seeds them itself
    ignore     a regular expression: printed lines that it is found in, such as times, count as alike
    running    called with the library's name before each run
    Raises OSError where the script cannot be read, ImportError without torch, or where the script imports minigrad and
    not torch. What the script itself raises is part of the comparison.
    """
    script = os.fspath(script)
    if _is_of_minigrad_alone(Path(script).read_bytes()):
        raise ImportError(f"{script} imports minigrad, so both runs are minigrad's: compare needs `import torch`")
    with TemporaryDirectory() as folder:
        runs = []
        for library in LIBRARIES:
            running(library)
            runs.append(_run(library, Path(folder, library), script, arguments, seed))
        return compared(script, seed, runs[0], runs[1], ignore)


def _is_of_minigrad_alone(source: bytes) -> bool:
    """Whether a script imports minigrad, and torch nowhere: nothing of it would run on torch, or be heard there."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what Python says of the source is for the runs to say
        try:
            nodes = list(ast.walk(ast.parse(source)))
        except (SyntaxError, ValueError):
            return False
    modules = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    modules += [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom) and not node.level]
    packages = {module.partition(".")[0] for module in modules}
    return "minigrad" in packages and "torch" not in packages


def _run(library: str, path: Path, script: str, arguments: Sequence[str], seed: int) -> list[Event]:
    """The events of a run in a process of its own; what it cannot tell itself is told as its end."""
    command = [sys.executable, "-m", f"{__name__}.recording", library, str(path), str(seed), script, *arguments]
    paths = filter(None, (str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH")))
    process = subprocess.run(
        command,
        env={
            **os.environ,
            **ONE_THREAD,
            "PYTHONPATH": os.pathsep.join(paths),
            "PYTHONHASHSEED": "0",
        },  # so that sets are in one order in both
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    )
    events = []
    if path.exists():
        with path.open("rb") as file:
            events = list(read(file))
    if not events or events[-1].kind != "end":
        if "No module named 'torch'" in process.stderr:
            raise ImportError('comparing needs torch: in the checkout, pip install ".[torch,show]"')
        last = process.stderr.strip().rpartition("\n")[2]
        status = f"SystemExit: the process ended with status {process.returncode}. {last}"
        events.append(Event("end", script, 1, status))
    return events
