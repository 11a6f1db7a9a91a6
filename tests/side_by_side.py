"""A script on torch and on minigrad as `comparing.compare` runs it, but in the test's own process, which has torch."""

import io

from minigrad.comparing import LIBRARIES, recording
from minigrad.comparing.differences import compared
from minigrad.comparing.events import read


def compared_here(script, *arguments):
    return compared(str(script), 0, *[run_here(library, None, str(script), arguments, 0) for library in LIBRARIES])


def run_here(library, path, script, arguments, seed):
    """As `comparing._run`, without a process of its own and a file at `path`."""
    file = io.BytesIO()
    recording.record(library, file, seed, script, list(arguments))
    file.seek(0)
    return list(read(file))
