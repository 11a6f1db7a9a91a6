"""A disk that loses power: what may be left of a folder when writing to it is cut off between any two calls.

Only what was synced is sure. Of names that were given, changed or removed since the folder was last synced, any may
have reached the disk, and any not; of a file's bytes that were not synced, all, half or none.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import compress, product
from pathlib import Path
from unittest import mock

CALLS = ("open", "write", "fsync", "replace", "unlink", "mkdir", "close")


class Disk:
    """Records what the process asks of the folder `path`: what its names are, and what of it is on the disk."""

    def __init__(self, path):
        self.path = Path(path)
        self.names = {file.name: [file.read_bytes(), True] for file in self.path.iterdir()}  # name: [bytes, synced]
        self.durable = dict(self.names)
        self.pending = []  # changes of names since the folder was synced: (name, file or None)
        self.handles = {}

    def open(self, path, flags, *rest):
        handle = self.really["open"](path, flags, *rest)
        if Path(path).parent == self.path and flags & os.O_CREAT:
            self.handles[handle] = self.names.setdefault(Path(path).name, [b"", True])
            self.pending.append([(Path(path).name, self.handles[handle])])
        elif Path(path) == self.path:
            self.handles[handle] = None
        return handle

    def write(self, handle, data):
        half = max(1, len(data) // 2)  # as a disk that is nearly full does, and so that there is a moment in between
        done = self.really["write"](handle, data[:half])
        file = self.handles[handle]
        file[:] = [file[0] + bytes(data[:done]), False]
        return done

    def fsync(self, handle):
        self.really["fsync"](handle)
        if self.handles[handle] is None:
            self.durable, self.pending = dict(self.names), []
        else:
            self.handles[handle][1] = True

    def replace(self, old, new):
        self.really["replace"](old, new)
        file = self.names.pop(Path(old).name)
        self.names[Path(new).name] = file
        self.pending.append([(Path(old).name, None), (Path(new).name, file)])

    def unlink(self, path):
        self.really["unlink"](path)
        del self.names[Path(path).name]
        self.pending.append([(Path(path).name, None)])

    def mkdir(self, path, *rest):
        self.really["mkdir"](path, *rest)

    def close(self, handle):
        self.really["close"](handle)
        self.handles.pop(handle, None)

    def after_power_cut(self) -> Iterator[dict[str, bytes]]:
        """Every folder, as bytes by name, that a cut at this moment may leave."""
        for happened in product((False, True), repeat=len(self.pending)):
            names = dict(self.durable)
            for change in compress(self.pending, happened):
                for name, file in change:
                    if file is None:
                        names.pop(name, None)
                    else:
                        names[name] = file
            kept = [(data,) if synced else (data, data[: len(data) // 2], b"") for data, synced in names.values()]
            for contents in product(*kept):
                yield dict(zip(names, contents, strict=True))

    @contextmanager
    def watched(self, before_call=lambda name: None, without=()) -> Iterator[None]:
        """Records this process's calls; `before_call` is told each of them, and those in `without` do nothing."""
        self.really = {name: getattr(os, name) for name in CALLS}

        def told(name):
            def call(*arguments):
                before_call(name)
                return None if name in without else getattr(self, name)(*arguments)

            return call

        with mock.patch.multiple(os, **{name: told(name) for name in CALLS}):
            yield
