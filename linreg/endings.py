"""How processes that train together end early: all of them, and with one line that says why."""

import json
import os
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

from linreg.backends import first_line
from linreg.errors import LOST, BadInput, Lost

ROLL_CALL = 2.0  # seconds for the others to say that they end, too
POLL = 0.05
HEARD = (signal.SIGINT, signal.SIGTERM)
FORESEEN = (BadInput, Lost, MemoryError, OSError, KeyboardInterrupt)  # of which the command prints a line


class Stopped(KeyboardInterrupt):
    """A signal asked this process to end, as torchrun does when another one has."""


class Endings:
    """What the processes leave in their common store when they end early.

    Each says why it ends, or that it ends because others did, and then calls `part`, by which the others notice. The
    first on its host that says so waits for the rest, and prints one line: the error of a process that has one, or
    else which processes have left no word.
    """

    def __init__(self, store: Any, rank: int, size: int, resume: str) -> None:
        self.store, self.rank, self.size, self.resume = store, rank, size, resume
        self.part: Callable[[], object] = lambda: None
        self.ending = threading.Lock()
        self.host = os.environ.get("GROUP_RANK", "0")

    @contextmanager
    def told(self) -> Iterator[None]:
        """Let an error that leaves this block be one line among all processes.

        The process that has to tell it gets it as it is, or as Lost, with that line; in the others stderr is closed
        first. What nobody has foreseen keeps its traceback.
        """
        with self._listening():
            try:
                yield
            except BaseException as error:
                self._hear_no_more()
                if not self.ending.acquire(blocking=False):
                    time.sleep(3 * ROLL_CALL)  # within which _overdue ends this process
                _let_go(error)
                speaks, line = self._roll_call(_reason(error), self.part)
                if not speaks and isinstance(error, FORESEEN):
                    close_stderr()
                if isinstance(error, BadInput):
                    error.args = (line,)
                if isinstance(error, Lost | Stopped):
                    raise Lost(line) from error
                raise
            self.ending.acquire(blocking=False)

    def _roll_call(self, reason: str | None, part: Callable[[], object]) -> tuple[bool, str]:
        """Whether this process is the one to tell, and what there is to tell."""
        said: dict[int, str | None] = {self.rank: reason}
        speaks = True
        try:
            self.store.set(f"end/{self.rank}", json.dumps(reason))
            speaks = self.store.add(f"speakers/{self.host}", 1) == 1
            # A sum that was begun when a signal came keeps the connections until the others join in, or are gone.
            parting = threading.Thread(target=_quietly, args=(part,), daemon=True)
            parting.start()
            parting.join(ROLL_CALL)
            self._wait_for(said, speaks)
        except RuntimeError:  # as torch's store raises where it has ended
            keeper = "torchrun" if os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True" else "process 0"
            return speaks, self._lost(f"{keeper}, which keeps the {self.size} processes together,", "answers")
        return speaks, self._line(said)

    def _wait_for(self, said: dict[int, str | None], speaks: bool) -> None:
        told, until = f"told/{self.host}", time.monotonic() + ROLL_CALL + (not speaks)
        while time.monotonic() < until:
            if not speaks:  # but it may be the one that keeps the store
                if self.store.check([told]):
                    return
            elif len(said) == self.size:
                break
            for rank in set(range(self.size)) - said.keys():
                if self.store.check([f"end/{rank}"]):
                    said[rank] = json.loads(self.store.get(f"end/{rank}"))
            time.sleep(POLL)
        if speaks:
            self.store.set(told, "")

    def _line(self, said: dict[int, str | None]) -> str:
        reasons = {rank: reason for rank, reason in said.items() if reason is not None}
        if reasons:
            rank = min(reasons)
            if len(said) == self.size and set(said.values()) == {reasons[rank]}:
                return reasons[rank]
            return f"process {rank} of {self.size}: {reasons[rank]}"
        silent = [str(rank) for rank in range(self.size) if rank not in said]
        if not silent:
            return f"the {self.size} processes were told to stop, or have lost their connections; {self.resume}"
        which, answer = ("process", "answers") if len(silent) == 1 else ("processes", "answer")
        return self._lost(f"{which} {', '.join(silent)} of {self.size}", answer)

    def _lost(self, who: str, answer: str) -> str:
        return f"{who} ended or no longer {answer}, so the others have stopped; {self.resume}"

    @contextmanager
    def _listening(self) -> Iterator[None]:
        """Hear SIGTERM, with which torchrun ends the rest, even while this process waits for others or for a GPU."""
        if threading.current_thread() is not threading.main_thread():
            yield  # only the main thread can
            return
        hears, wakes = socket.socketpair()
        wakes.setblocking(False)
        before = {signum: signal.getsignal(signum) for signum in HEARD}
        signal.signal(signal.SIGTERM, self._stop)
        wakeup = signal.set_wakeup_fd(wakes.fileno(), warn_on_full_buffer=False)
        threading.Thread(target=self._overdue, args=(hears,), daemon=True).start()
        try:
            yield
        finally:
            signal.set_wakeup_fd(wakeup)
            for signum, handler in before.items():
                signal.signal(signum, handler)
            wakes.close()

    def _stop(self, signum: int, frame: FrameType | None) -> None:
        raise Stopped

    def _hear_no_more(self) -> None:
        """Let what a process says at its end not be cut short: torchrun may send a signal more than once."""
        if threading.current_thread() is threading.main_thread():
            for signum in HEARD:
                signal.signal(signum, signal.SIG_IGN)

    def _overdue(self, hears: socket.socket) -> None:
        """End the process where its main thread does not hear a signal, as it waits within a library."""
        with hears:
            if not hears.recv(1):
                return
            time.sleep(ROLL_CALL)
            if self.ending.acquire(blocking=False):
                speaks, line = self._roll_call(None, lambda: None)
                if speaks:
                    os.write(2, f"linreg: error: {line}\n".encode())
                os._exit(LOST)


def close_stderr() -> None:
    """Print nothing more there: another process has said, or will say, what there is to say."""
    sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 (open until the process ends)


def _quietly(part: Callable[[], object]) -> None:
    with suppress(RuntimeError):  # connections that are gone need no leave
        part()


def _let_go(error: BaseException | None) -> None:
    """Forget the variables in an error's traceback, among which torch's connections would stay open."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__context__


def _reason(error: BaseException) -> str | None:
    if isinstance(error, Lost | Stopped):
        return None
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    return str(error) if isinstance(error, BadInput) else f"{type(error).__name__}: {first_line(error)}"
