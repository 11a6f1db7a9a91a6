"""Runs that are killed while they train and save, as by kill -9, and gone on with."""

import json
import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

pytest.importorskip("pyarrow")
pytest.importorskip("safetensors")
pytest.importorskip("pyarrow")

ROOT = Path(__file__).parent.parent
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
NORRIS = str(ROOT / "examples" / "data" / "norris.csv")
RUN = ["--data", NORRIS, "--target", "y", "--seed", "5", "--optimizer", "adam", "--validation", "0.2", "--json"]


def content(folder):
    return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


# Runs the command in processes forked one after the other, each but the last of which kills itself at a call that it
# makes to save, so that all of them need to import what they need only once.
KILLED = """
    import json, os, sys
    from pathlib import Path
    import linreg.jobs, linreg.saving.saver, safetensors.numpy
    from crash_disk import CALLS, Disk
    from linreg.__main__ import main

    folder, calls, options = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3:]
    for place in calls:
        words = ["--resume", folder, "--json"] if (Path(folder) / "run.json").exists() else [*options, "--save", folder]
        child = os.fork()
        if not child:
            count = 0
            def die(name):
                global count
                count += 1
                if count == place:
                    os.kill(os.getpid(), 9)
            Path(folder).mkdir(exist_ok=True)
            with Disk(folder).watched(die):
                status = main(words)
            sys.stdout.flush()
            os._exit(status)
        print("ended", os.waitpid(child, 0)[1], flush=True)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_run_that_is_killed_again_and_again_ends_as_if_it_never_was(tmp_path):
    def run(name, calls):
        options = [*RUN, "--num-epochs", "6", "--batch-size", "10", "--save-every", "1"]
        words = [sys.executable, "-c", textwrap.dedent(KILLED), tmp_path / name, str(calls), *options]
        ran = subprocess.run(words, env=ENVIRONMENT, capture_output=True, text=True, timeout=120)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout.splitlines()

    [result, ended] = run("whole", [0])
    assert ended == "ended 0"
    assert run("killed", [3, 11, 40, 57, 83, 96, 0]) == [*[f"ended {signal.SIGKILL}"] * 6, result, ended]
    assert content(tmp_path / "killed") == content(tmp_path / "whole")


@pytest.mark.slow
def test_200_kills_at_random_moments_and_200_resumes_end_in_the_same_bytes(tmp_path):
    options = [*RUN, "--num-epochs", "20", "--batch-size", "10", "--save-every", "1"]

    def start(*words):
        return subprocess.Popen(
            [sys.executable, "-m", "linreg", *words], env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def end(child):
        said = child.communicate(timeout=120)
        assert child.returncode == 0, said
        return said

    began = time.monotonic()
    whole = end(start(*options, "--save", tmp_path / "whole"))
    ended, longest = content(tmp_path / "whole"), time.monotonic() - began
    draw, kills, steps = random.Random(0), 0, set()
    while kills < 200:
        folder = tmp_path / f"{kills}"
        child = start(*options, "--save", folder)
        time.sleep(draw.uniform(0, longest))
        child.kill()
        child.communicate()
        if child.returncode == -signal.SIGKILL and (folder / "run.json").exists():
            kills += 1
            steps.add(json.loads((folder / "run.json").read_text())["position"]["steps"])
            assert end(start("--resume", folder, "--json"))[0] == whole[0]
            assert content(folder) == ended
    assert len(steps) > 20  # all over the run
