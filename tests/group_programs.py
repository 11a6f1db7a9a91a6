"""What the processes of test_linreg_processes.py do: programs for `forked`, each called with a list of words."""

import os
import signal
import sys
import time

import numpy as np
import torch

import minigrad
from linreg import processes
from linreg.__main__ import main
from linreg.errors import BadInput, Lost
from linreg.processes import shared


def numbers(rank, count=7):
    """Each process's own, in float32, of several sizes."""
    return np.random.default_rng(rank).normal(size=count).astype("float32")


def over_nccl(words):
    """Print what one process alone in its group, with a GPU of its own, sums, receives and agrees on."""
    group = processes.Several(0, 1, torch.distributed.HashStore(), "cuda", 60)
    tensors = [torch.from_numpy(numbers(0)).cuda(), torch.tensor(2.5, device="cuda")]
    group.sum_(tensors)
    group.must_agree("sums", tensors)
    print(torch.distributed.get_backend(), [tensor.tolist() for tensor in tensors], group.from_first([1 / 3]))
    group.close()


def sums(words):
    """Print, in every process, the bytes that sums of tensors of both libraries come to, and what is common."""
    with processes.joined() as group:
        own = numbers(group.rank)
        for library in (minigrad, torch):
            tensors = [
                library.from_numpy(own[:6].copy()).reshape((2, 3)).T.requires_grad_(),
                library.from_numpy(own[6:].copy()).reshape(()),
                library.zeros(0, 3),
            ]
            places = [shared(tensor).data_ptr() for tensor in tensors]
            group.sum_(tensors)
            assert [shared(tensor).data_ptr() for tensor in tensors] == places
            group.must_agree("sums", tensors)
            os.write(1, f"{[tensor.tolist() for tensor in tensors]}\n".encode())
        os.write(1, f"{group.from_first([1 / 3 + group.rank, float(group.rank)])}\n".encode())
        print(f"process {group.rank} of {group.size} prints")
        print("and warns", file=sys.stderr)


def ends(words):
    """Work together until one process, or all, end in the way that the word says; the exit status as linreg's."""
    how, wait = words  # and how many seconds to wait for others
    try:
        with processes.joined(timeout=float(wait), resume="--resume DIR goes on from it") as group:
            chosen = group.rank == 1
            group.sum_([minigrad.ones(3)])
            if how == "all refuse" or (how == "one refuses" and chosen):
                raise BadInput("a word, where\nnumbers belong")
            if how == "one has a bug" and chosen:
                raise ZeroDivisionError("nobody has foreseen it")
            if how == "one is killed" and chosen:
                os.kill(os.getpid(), signal.SIGKILL)
            if how == "one hangs" and chosen:
                os.kill(os.getpid(), signal.SIGSTOP)
            if how == "all are interrupted":
                signal.raise_signal(signal.SIGINT)
            if how == "they differ":
                group.must_agree("parameters", [minigrad.ones(2), minigrad.zeros(1) + (group.rank == 2)])
            os.write(1, b"working\n")
            if how == "one is slow" and chosen:
                time.sleep(60)
            while True:
                group.sum_([minigrad.ones(3)])
                time.sleep(0.01)
    except BadInput as error:
        print(error, file=sys.stderr)
        return 2
    except Lost as error:
        print(error, file=sys.stderr)
        return 3
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


def in_own_folder(words):
    """linreg, in the folder that has this process's number, as a host of its own would have."""
    os.chdir(os.path.join(words[0], os.environ["RANK"]))
    return main(words[1:])


def the_second_with(words):
    """linreg, in the second process with these words beside those of all."""
    return main(["--seed", "3", *(words if os.environ["RANK"] == "1" else [])])
