"""Programs run by several processes, forked from one that has loaded torch: to load it takes longer than they do.

A test asks `forked(...)` for processes and gets a `Run`; this file, run as a script, is what they are forked from.
"""

import contextlib
import json
import os
import socket
import subprocess
import sys
import traceback
from importlib import import_module
from pathlib import Path

ALONE = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")


class Forge:
    """The process to fork from, and its forks' outputs in `folder`."""

    def __init__(self, folder):
        self.folder, self.runs = folder, 0
        environment = {name: value for name, value in os.environ.items() if name not in ALONE}
        environment["TORCH_CPP_LOG_LEVEL"] = "ERROR"  # as linreg sets it before it loads torch
        environment["PYTORCH_NVML_BASED_CUDA_CHECK"] = "1"  # so that to look for a GPU does not keep forks from it
        self.process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True
        )

    def ask(self, **order):
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def __call__(self, size, program, *arguments, **environment):
        """Start `program`, "module:function", with these arguments in `size` processes; 1 is a process alone."""
        self.runs += 1
        folder = self.folder / str(self.runs)
        folder.mkdir()
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        several = [
            {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": size, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
            for rank in range(size)
        ]
        environments = [
            {name: str(value) for name, value in (environment | (own if size > 1 else {})).items()} for own in several
        ]
        order = {"program": program, "arguments": [str(argument) for argument in arguments]}
        return Run(self, self.ask(**order, folder=str(folder), environments=environments), folder)

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


class Run:
    """Processes at work: their ids, and what they wrote so far."""

    def __init__(self, forge, pids, folder):
        self.forge, self.pids, self.folder = forge, pids, folder

    def out(self, rank=0):
        return (self.folder / f"out-{rank}").read_text()

    def err(self):
        """All that the processes wrote to stderr."""
        return "".join((self.folder / f"err-{rank}").read_text() for rank in range(len(self.pids)))

    def wait(self):
        """The exit statuses, in order of rank; as in Popen, a signal's number is negative."""
        return self.forge.ask(wait=self.pids)


def serve():
    load()
    for line in sys.stdin:
        order = json.loads(line)
        if "wait" in order:
            answer = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in order["wait"]]
        else:
            answer = [fork(rank, order) for rank in range(len(order["environments"]))]
        print(json.dumps(answer), flush=True)


def load():
    """Import what linreg will, which torch leaves in part until there is an optimizer.

    Nothing is computed: where there is a GPU, torch would reach for it and start threads, which no fork outlives.
    And as in conftest.py, what is on the disk after a power cut is no matter.
    """
    os.fsync = lambda handle: None
    for name in ("torch.distributed", "linreg.jobs", "linreg.__main__"):
        import_module(name)
    for library in map(import_module, ("minigrad", "torch")):
        library.optim.Adam([library.zeros(1, requires_grad=True)])


def fork(rank, order):
    outputs = [
        os.open(Path(order["folder"], f"{name}-{rank}"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        for name in ("out", "err")
    ]
    pid = os.fork()
    if pid:
        for output in outputs:
            os.close(output)
        return pid
    status = 1
    try:
        os.environ.update(order["environments"][rank])
        module, function = order["program"].split(":")
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for number, output in enumerate(outputs, start=1):
            os.dup2(output, number)
        status = getattr(import_module(module), function)(order["arguments"])
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(BrokenPipeError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status or 0)


if __name__ == "__main__":
    serve()
