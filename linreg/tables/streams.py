"""Bytes from files and pipes, whose failures are BadInput."""

import gzip
import io
import os
import select
import shutil
import stat
import sys
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from linreg.errors import BadInput


class Reading(io.RawIOBase):
    """A binary stream that can only be read on; what goes wrong in reading is BadInput with the file's name."""

    def __init__(self, stream: IO[bytes], name: str) -> None:
        self.name, self._stream = name, stream

    def readable(self) -> bool:
        """True."""
        return True

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes, fewer only at the end."""
        return self._try(self._stream.read, size)

    def readline(self, size: int | None = -1) -> bytes:
        """A line with its end, or `size` bytes of it."""
        return self._try(self._stream.readline, -1 if size is None else size)

    def close(self) -> None:
        """Close the file."""
        if not self.closed:
            self._stream.close()
        super().close()

    def _try(self, read: Any, size: int) -> bytes:
        try:
            data: bytes = read(size)
        except (OSError, EOFError, zlib.error) as error:
            raise cannot_read(self.name, error) from error
        return data


def opened(path: str) -> IO[bytes]:
    """The file of that name, or the standard input for `-`, to be read as bytes and looked into with `peek`."""
    if path == "-":
        if sys.stdin is None:
            raise BadInput("cannot read -: there is no standard input")
        return io.BufferedReader(_Waited(os.dup(sys.stdin.fileno())))
    try:
        return io.BufferedReader(_Waited(path))
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise cannot_read(path, error) from error


class _Waited(io.FileIO):
    """A pipe, or what else may be silent, whose reader hears Ctrl-C.

    A signal that comes just before a read has begun to wait is noticed only when the read is done. So the waiting is
    done before, and not for long at a time.
    """

    def __init__(self, file: str | int) -> None:
        super().__init__(file)
        self._may_be_silent = os.name != "nt" and not stat.S_ISREG(os.fstat(self.fileno()).st_mode)

    def readinto(self, buffer: Any) -> int | None:
        """Read what there is into the buffer, and return how many bytes that is."""
        while self._may_be_silent and not select.select([self], [], [], 0.25)[0]:
            pass
        return super().readinto(buffer)


def unzipped(stream: IO[bytes]) -> IO[bytes]:
    """What a gzip file holds."""
    return gzip.GzipFile(fileobj=stream, mode="rb")  # type: ignore[return-value]


def seekable(stream: IO[bytes], name: str) -> IO[bytes]:
    """The same bytes where any of them can be read next: a pipe's are put in a temporary file, which has no name."""
    if stream.seekable():
        return stream
    file = tempfile.TemporaryFile()  # noqa: SIM115
    try:
        shutil.copyfileobj(stream, file)
        file.flush()
    except OSError as error:
        file.close()
        raise no_room(name, error) from error
    file.seek(0)
    return file


class Unchanged:
    """That a file is still as it was: what a pass found in it is no longer true of another file's rows."""

    def __init__(self, file: IO[bytes], name: str) -> None:
        self._file, self._name, self._state = file, name, _state(file)

    def check(self) -> None:
        """BadInput where the file was written to, or cut short, since."""
        if _state(self._file) != self._state:
            raise BadInput(f"{self._name} was changed while it was in use")


def _state(file: IO[bytes]) -> tuple[int, int]:
    status = os.fstat(file.fileno())
    return status.st_size, status.st_mtime_ns


def no_room(name: str, error: OSError) -> BadInput:
    """The refusal where a temporary file cannot be written."""
    return BadInput(
        f"cannot keep the rows of {name} in a temporary file in {tempfile.gettempdir()}: {error.strerror or error}; "
        "the variable TMPDIR chooses another folder"
    )


@contextmanager
def refusing(name: str, kind: str, *errors: type[BaseException]) -> Iterator[None]:
    """BadInput for what a damaged file of this kind makes a library raise."""
    try:
        yield
    except BadInput:
        raise
    except errors as error:
        said = " ".join(str(error).split()) or type(error).__name__
        raise BadInput(f"{name}: not a whole {kind} file: {said}") from error


def cannot_read(name: str, error: BaseException) -> BadInput:
    """The refusal of a file that the system, or its compression, does not give."""
    return BadInput(f"cannot read {name}: {getattr(error, 'strerror', None) or error}")
