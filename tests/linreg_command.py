"""The command `linreg`, run in the test's own process, for all the tests of what it prints and does."""

import contextlib
import io

from linreg.__main__ import main


def linreg(*argv):
    """Exit status, stdout and stderr of the command."""
    with (
        contextlib.redirect_stdout(io.StringIO()) as out,
        contextlib.redirect_stderr(io.StringIO()) as err,
    ):
        status = main([str(word) for word in argv])
    return status, out.getvalue(), err.getvalue()
