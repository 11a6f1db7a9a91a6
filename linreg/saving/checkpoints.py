"""A run's folder: what `--save` writes and `--resume`, `predict` and `show` read.

`run.json` says what is run and how far it is, for people and programs, and names the state:
`state-<the first 16 digits of its SHA-256>.safetensors` holds all that training goes on from, bit for bit.

The state is written first, under another name, and is on the disk before it takes its own; then run.json in the same
way; only then is the state before it removed. So at any moment, whatever is cut off then, run.json is whole and names
a whole state, the one before or the new one. Where the system has flock, a run holds `.lock` while it saves, and a
second one is refused; elsewhere two runs must not save to one folder.
"""

import hashlib
import io
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import minigrad
from linreg.errors import BadInput

try:
    import fcntl
except ImportError:  # as on Windows
    fcntl = None  # type: ignore[assignment]

FORMAT, VERSION = "linreg run", 1
RUN, LOCK = "run.json", ".lock"
STATE = re.compile(r"state-[0-9a-f]{16}\.safetensors")
OURS = re.compile(rf"{STATE.pattern}|\.(?:{STATE.pattern}|{re.escape(RUN)})\.part")  # and a run may remove
_minigrad: ModuleType = minigrad  # whose save and load are found when they are asked for
LONGEST_RUN = 1 << 28  # bytes; what is longer was not written here, and may have no end


class Checkpoint(NamedTuple):
    """What a folder holds: `run`, the plain data of run.json, and `state`, with tensors of minigrad."""

    run: dict[str, Any]
    state: Any


class Folder:
    """The folder at `path`, to which a run is saved."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """Keep other runs from saving here meanwhile; the folder is made where there is none.

        BadInput where another run is saving here, or nothing can be written.
        """
        try:
            self._make()
            lock = os.open(self.path / LOCK, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
        except OSError as error:
            raise self._cannot_save(error) from error
        try:
            self._lock(lock)
            self._sweep()
            yield
        finally:
            os.close(lock)

    def holds_run(self) -> bool:
        """Whether a run was saved here, or something else bears that name."""
        return os.path.lexists(self.path / RUN)

    def save(self, run: dict[str, Any], state: Any) -> None:
        """Put a checkpoint in the place of the one before, which stays where that fails; only while `claimed`.

        `run` is plain data; `state` is what `minigrad.save` takes. Raises OSError as writing does, BadInput where
        safetensors is missing.
        """
        data = _packed(state)
        digest = hashlib.sha256(data).hexdigest()
        name = f"state-{digest[:16]}.safetensors"
        about = {"format": FORMAT, "version": VERSION, **run, "state": {"file": name, "sha256": digest}}
        text = json.dumps(about, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
        try:
            self._write(name, data)
            self._write(RUN, text.encode("utf-8", "surrogatepass"))
        finally:
            self._sweep()

    def load(self) -> Checkpoint:
        """The checkpoint that is here; BadInput where there is none, or it is not as it was written."""
        if not self.holds_run():
            raise BadInput(f"{self.path} holds no run: there is no {RUN} in it")
        while True:
            text = self._read(RUN)
            run = self._run_of(text)
            state = run.pop("state")
            try:
                data = self._read(state["file"])
                break
            except BadInput:
                if self._read(RUN) == text:  # otherwise a run that is saving has put another in its place meanwhile
                    raise
        if hashlib.sha256(data).hexdigest() != state["sha256"]:
            raise BadInput(f"{self.path / state['file']} is not as it was written: its SHA-256 is not that in {RUN}")
        try:
            return Checkpoint(run, _minigrad.load(io.BytesIO(data)))
        except ImportError as error:
            raise BadInput(str(error)) from error
        except RuntimeError as error:
            raise BadInput(f"{self.path / state['file']}: {error}") from error

    def _run_of(self, text: bytes) -> dict[str, Any]:
        """What run.json says, with a name and a digest that may be used."""
        try:
            run = json.loads(text.decode("utf-8", "surrogatepass"))
        except (ValueError, RecursionError) as error:
            raise self._broken(f"not JSON: {error}") from error
        if not isinstance(run, dict) or run.pop("format", None) != FORMAT:
            raise self._broken("it is not of linreg's making")
        version = run.pop("version", None)
        if type(version) is not int or version != VERSION:
            raise self._broken(f"it is of version {version!r}, and this linreg reads version {VERSION}")
        state = run.get("state")
        if not (
            isinstance(state, dict)
            and all(isinstance(state.get(key), str) for key in ("file", "sha256"))
            and STATE.fullmatch(state["file"])
        ):
            raise self._broken("it names no state")
        return run

    def _read(self, name: str) -> bytes:
        path = self.path / name
        try:
            if not path.is_file():
                raise BadInput(f"{path} is {'no file' if os.path.lexists(path) else 'missing'}")
            if name == RUN and path.stat().st_size > LONGEST_RUN:
                raise self._broken(f"it is longer than {LONGEST_RUN} bytes")
            return path.read_bytes()
        except OSError as error:
            raise BadInput(f"cannot read {path}: {error.strerror}") from error

    def _write(self, name: str, data: bytes) -> None:
        part, path = self.path / f".{name}.part", self.path / name
        file = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(file, rest) :]
            os.fsync(file)
        finally:
            os.close(file)
        os.replace(part, path)
        _sync(self.path)

    def _sweep(self) -> None:
        """Remove what run.json does not name: the state before, and what runs that were cut off have left."""
        named = self._run_of(self._read(RUN))["state"]["file"] if self.holds_run() else None
        left = [name for name in sorted(os.listdir(self.path)) if OURS.fullmatch(name) and name != named]
        if left:
            _sync(self.path)  # should the last one have failed, what run.json names may not be what the disk holds
        for name in left:
            os.unlink(self.path / name)

    def _make(self) -> None:
        missing = [folder for folder in (self.path, *self.path.parents) if not folder.exists()]
        for folder in reversed(missing):
            folder.mkdir()
            _sync(folder.parent)

    def _lock(self, lock: int) -> None:
        if fcntl is None:
            return
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BadInput(f"{self.path}: another run is saving there") from error
        except OSError as error:
            raise self._cannot_save(error) from error

    def _cannot_save(self, error: OSError) -> BadInput:
        return BadInput(f"cannot save to {self.path}: {error.strerror}")

    def _broken(self, why: str) -> BadInput:
        return BadInput(f"{self.path / RUN} cannot be read: {why}")


def _packed(state: Any) -> bytes:
    stream = io.BytesIO()
    try:
        _minigrad.save(state, stream)
    except ImportError as error:
        raise BadInput(str(error)) from error
    return stream.getvalue()


def _sync(folder: Path) -> None:
    """Have the names in a folder on the disk before going on."""
    if os.name == "nt":  # where a folder cannot be opened, nor needs to be
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
