"""Running a script on one of the two libraries, with what happens in it written down: a process of its own does this.

python -m minigrad.comparing.recording minigrad|torch FILE SEED script.py arguments...
"""

from __future__ import annotations

import io
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from importlib import import_module
from time import perf_counter
from types import FrameType
from typing import IO, Any

import numpy as np

from ..ops import import_all
from ..running import as_torch, explained, run_script
from ..running.scripts import place_of
from .events import PHASES, Event, Kept, write
from .variables import parameters_of

INTERNAL = True


class Recorder:
    """Listens to a script: what it prints, its backward passes, and how long it is in which phase."""

    def __init__(self, torch: Any, file: IO[bytes], script: str) -> None:
        self.torch, self.file, self.script = torch, file, script
        self.seconds = dict.fromkeys(PHASES, 0.0)
        self.phase = "forward"
        self.known: dict[str, Any] = {}  # the parameters of the last pass
        self.since = perf_counter()

    # Time: `stop` and `go` keep what the recorder does itself out of it.

    def stop(self) -> None:
        """Count the time until now to the phase that it was spent in."""
        self.seconds[self.phase] += perf_counter() - self.since

    def go(self) -> None:
        """Count from now on."""
        self.since = perf_counter()

    def enter(self, phase: str) -> None:
        """Another phase begins."""
        self.stop()
        self.phase = phase
        self.go()

    def emit(self, event: Event) -> None:
        """Write an event, with the times since the last that had any."""
        if event.kind != "print":
            event.seconds, self.seconds = self.seconds, dict.fromkeys(PHASES, 0.0)
        write(event, self.file)

    # What happens

    def printed(self, text: str) -> None:
        """A line was printed."""
        self.stop()
        file, line = self.place(self.frames())
        self.emit(Event("print", file, line, text))
        self.go()

    def around_backward(self, backward: Callable[..., Any]) -> Callable[..., Any]:
        """`backward`, recorded where it is not called by another of them."""

        @wraps(backward)
        def recorded(tensors: Any, *args: Any, **kwargs: Any) -> Any:
            if self.phase == "backward":
                return backward(tensors, *args, **kwargs)
            self.stop()
            frames = self.frames()
            self.known = parameters_of(frames, self.torch, self.known)
            event = Event("backward", *self.place(frames))
            loss = tensors if isinstance(tensors, self.torch.Tensor) else tensors[0]
            if isinstance(loss, self.torch.Tensor):  # and no GradientEdge, which has no values
                event.loss = Kept.of(loss)
            event.parameters = {name: Kept.of(p) for name, p in self.known.items()}
            before, self.phase = self.phase, "backward"
            self.go()
            try:
                result = backward(tensors, *args, **kwargs)
            finally:
                self.enter(before)
            self.stop()
            event.gradients = {name: Kept.of(p.grad) for name, p in self.known.items() if p.grad is not None}
            self.emit(event)
            self.go()
            return result

        return recorded

    def around_update(self, step: Callable[..., Any]) -> Callable[..., Any]:
        """An optimizer's `step`, its time counted as that of updates, but for what a closure in it computes."""

        @wraps(step)
        def timed(*args: Any, **kwargs: Any) -> Any:
            if self.phase != "forward":
                return step(*args, **kwargs)
            self.enter("update")
            try:
                return step(*args, **kwargs)
            finally:
                self.enter("forward")

        return timed

    def around_making(self, make: Callable[..., Any]) -> Callable[..., Any]:
        """An optimizer's `__init__`, without the second in which torch loads its compiler before the first of them."""

        @wraps(make)
        def made(*args: Any, **kwargs: Any) -> Any:
            self.stop()
            before = dict(self.seconds)
            import_module("torch._dynamo")  # which goes through no_grad itself
            self.seconds = before
            self.go()
            return make(*args, **kwargs)

        return made

    def around_mode(self, mode: Any) -> tuple[Callable[..., Any], Callable[..., Any]]:
        """`__enter__` and `__exit__` of no_grad: a block that changes parameters is an update, else an evaluation.

        Only the user's blocks count: torch enters some in functions of its own, such as those that print a tensor.
        """
        enter, leave = mode.__enter__, mode.__exit__
        began: list[tuple[Any, int, float]] = []  # the outermost block, with versions and time when it was entered

        @wraps(enter)
        def entered(block: Any) -> Any:
            if self.phase == "forward" and _is_entered_by_user(sys._getframe(1)):
                began.append((block, self.versions(), self.seconds["evaluation"]))
                self.enter("evaluation")
            return enter(block)

        @wraps(leave)
        def left(block: Any, *exception: Any) -> Any:
            result = leave(block, *exception)
            if began and began[-1][0] is block:
                self.enter("forward")
                _, versions, before = began.pop()
                if self.versions() != versions:
                    self.seconds["update"] += max(self.seconds["evaluation"] - before, 0.0)
                    self.seconds["evaluation"] = before
            return result

        return entered, left

    def versions(self) -> int:
        """A number that grows when a parameter of the last pass is changed in place."""
        return sum(p._version for p in self.known.values())

    # Where

    def frames(self) -> list[FrameType]:
        """The user's frames, innermost first: neither the libraries' nor this module's."""
        frame: FrameType | None = sys._getframe(1)
        found = []
        while frame is not None:
            if _is_users(frame):
                found.append(frame)
            frame = frame.f_back
        return found

    def place(self, frames: list[FrameType]) -> tuple[str, int]:
        """File and line of the innermost frame."""
        return (frames[0].f_code.co_filename, frames[0].f_lineno) if frames else (self.script, 1)


def _is_users(frame: FrameType) -> bool:
    library = str(frame.f_globals.get("__name__")).partition(".")[0]
    return "INTERNAL" not in frame.f_globals and library != "torch"


def _is_entered_by_user(frame: FrameType) -> bool:
    """Whether `frame`, which enters a no_grad block, is the user's, or calls what a no_grad of the user's decorates."""
    return _is_users(frame) or frame.f_globals.get("__name__") in ("torch.utils._contextlib", "minigrad.modes")


class Printed(io.TextIOBase):
    """A standard output that tells the recorder every line."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder, self.rest = recorder, ""

    encoding = "utf-8"

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, text: str) -> int:
        """Take a text; what follows its last line break waits for the rest of its line."""
        *lines, self.rest = (self.rest + text).split("\n")
        for line in lines:
            self.recorder.printed(line)
        return len(text)

    def finish(self) -> None:
        """Tell a last line that no line break ends."""
        if self.rest:
            self.write("\n")


@contextmanager
def recorded(recorder: Recorder) -> Iterator[None]:
    """Let the recorder hear of everything, for the length of a `with` block."""
    torch = recorder.torch
    exchanges: list[tuple[Any, str, Any]] = [
        (torch.Tensor, "backward", recorder.around_backward(torch.Tensor.backward)),
        (torch.autograd, "backward", recorder.around_backward(torch.autograd.backward)),
    ]
    enter, leave = recorder.around_mode(torch.no_grad)
    exchanges += [(torch.no_grad, "__enter__", enter), (torch.no_grad, "__exit__", leave)]
    if torch.__name__ == "torch":
        made = torch.optim.Optimizer.__init__
        exchanges.append((torch.optim.Optimizer, "__init__", recorder.around_making(made)))
    kinds: list[Any] = [kind for kind in vars(torch.optim).values() if isinstance(kind, type)]
    for kind in [kind for kind in kinds if issubclass(kind, torch.optim.Optimizer)]:
        exchanges.append((kind, "step", recorder.around_update(kind.step)))
    printed = Printed(recorder)
    exchanges.append((sys, "stdout", printed))
    with ExitStack() as stack:
        for owner, name, new in exchanges:
            stack.callback(setattr, owner, name, getattr(owner, name))
            setattr(owner, name, new)
        yield
        printed.finish()


def record(library: str, file: IO[bytes], seed: int, script: str, arguments: list[str]) -> None:
    """Run a script on "minigrad" or "torch", and write its events to a file; the last one says how it ended."""
    with ExitStack() as stack:
        torch: Any = stack.enter_context(as_torch()) if library == "minigrad" else import_module("torch")
        import_all()
        for part in ("nn", "optim", "utils.data", "distributions"):  # torch has them all by now: times are the script's
            import_module(f"minigrad.{part}")
        random.seed(seed)
        np.random.seed(seed)
        torch.manual_seed(seed)
        recorder = Recorder(torch, file, script)
        end = Event("end", script, 1)
        with recorded(recorder):
            try:
                recorder.go()
                run_script(script, arguments)
            except SystemExit as error:
                end.text = f"SystemExit: {error.code}" if error.code else ""
            except BaseException as error:  # noqa: BLE001 - told by who compares
                end.text = explained(error, script).rstrip()
                end.file, end.line = place_of(error.__traceback__, script)
            recorder.stop()
        end.parameters = {name: Kept.of(p) for name, p in recorder.known.items()}
        recorder.emit(end)


if __name__ == "__main__":
    library, path, seed, script, *arguments = sys.argv[1:]
    with open(path, "wb") as file:
        record(library, file, int(seed), script, arguments)
