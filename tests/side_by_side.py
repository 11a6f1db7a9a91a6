"""A script on torch and on minigrad as `comparing.compare` runs it, but in the test's own process, which has torch."""

import io

from minigrad.comparing import LIBRARIES, recording
from minigrad.comparing.differences import compared
from minigrad.comparing.events import read


def compared_here(script, *arguments):
    runs = []
    for library in LIBRARIES:
        file = io.BytesIO()
        recording.record(library, file, 0, str(script), list(arguments))
        file.seek(0)
        runs.append(list(read(file)))
    return compared(str(script), 0, *runs)
