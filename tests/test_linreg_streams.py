"""The command where standard streams are closed, or full."""

import json
import os
import subprocess
import sys

import pytest


def in_shell(words, streams):
    """A run of the command whose streams the shell has closed or turned elsewhere."""
    line = f'"$0" -m linreg "$@" {streams}'
    return subprocess.run(["sh", "-c", line, sys.executable, *words], capture_output=True, text=True, timeout=60)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("streams", ["2>&-", "2>/dev/full", ">&- 2>/dev/full", ">&- 2>&- <&-"])
def test_an_error_that_cannot_be_told_is_its_status_alone(streams):
    child = in_shell(["--data", "none.csv", "--target", "y"], streams)
    assert (child.returncode, child.stdout, child.stderr) == (2, "", "")


@pytest.mark.skipif(os.name == "nt", reason="needs a shell that closes streams")
def test_warnings_that_have_no_stream_are_not_among_the_results(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("x,y\n1,2\n,3\n3,5\n4,4\n")
    child = in_shell(["--data", str(path), "--target", "y", "--missing", "drop", "--json"], "2>&-")
    assert child.returncode == 0
    assert json.loads(child.stdout)["rows_dropped"] == 1
