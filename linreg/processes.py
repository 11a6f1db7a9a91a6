"""Training shared by several processes, as `torchrun --nproc-per-node N -m linreg fit ...` starts them.

Every process reads the same data in the same order and computes on its own share of each batch. torch.distributed sums
the gradients, for minigrad's tensors in the memory they have, and so all processes make the same step. One process
alone needs neither torch nor any of this.
"""

from __future__ import annotations  # this module is loaded before NumPy is, and so names no tensors

import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from datetime import timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Any

from linreg.backends import first_line, load_backend
from linreg.endings import Endings, close_stderr
from linreg.errors import BadInput, Lost
from linreg.settings import AT_ONCE

if TYPE_CHECKING:
    from linreg.model import Tensor

TORCHRUN = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")  # what torchrun tells a process, and others can
TIMEOUT = 300.0  # seconds


class Group:
    """The processes of a run: this one is number `rank` of `size`, counted from 0. Here it is alone.

    What is common to all is asked by all, in the same order; who asks waits for the others.
    """

    rank, size = 0, 1

    def share(self, X: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """This process's rows of a batch X (n, d), y (n, 1), the shares being even and in order; perhaps none."""
        return X, y

    def sum_(self, tensors: Sequence[Tensor]) -> None:
        """Add up, in place, the tensors of all processes, which have the same shapes and dtype everywhere.

        Raises Lost where another process has ended.
        """

    def from_first(self, numbers: Sequence[float]) -> list[float]:
        """The numbers that the first process passes, in all of them."""
        return list(numbers)

    def must_agree(self, what: str, tensors: Sequence[Tensor]) -> None:
        """BadInput in all processes where the bytes of the tensors, which are `what`, are not the same everywhere."""


ALONE = Group()


class Several(Group):
    """The group of the processes that torch.distributed connects: over gloo, or over NCCL with a GPU for each.

    `store` is torch's, common to all; without a word from one of them for `timeout` seconds it counts as lost.
    """

    def __init__(self, rank: int, size: int, store: Any, device: str, timeout: float) -> None:
        self.rank, self.size = rank, size
        self._torch: Any = import_module("torch")
        self._dist: Any = import_module("torch.distributed")
        self._device, backend = self._place(device)
        self._dist.init_process_group(
            backend, store=store, rank=rank, world_size=size, timeout=timedelta(seconds=timeout)
        )

    def share(self, X: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """A view of the batch: rows rank n / size up to (rank + 1) n / size."""
        start, end = (len(X) * rank // self.size for rank in (self.rank, self.rank + 1))
        return X[start:end], y[start:end]

    def sum_(self, tensors: Sequence[Tensor]) -> None:
        """One message for all tensors, however many; the sums are the same to the bit in every process."""
        parts = [shared(tensor) for tensor in tensors]
        with _together():
            flat = self._torch.cat([part.reshape(-1) for part in parts])
            self._dist.all_reduce(flat)
            for part, total in zip(parts, flat.split([part.numel() for part in parts]), strict=True):
                part.copy_(total.view_as(part))

    def from_first(self, numbers: Sequence[float]) -> list[float]:
        """Sent as float64, so as they are."""
        sent = self._torch.tensor(numbers, dtype=self._torch.float64, device=self._device)
        with _together():
            self._dist.broadcast(sent, 0)
            received: list[float] = sent.tolist()
        return received

    def must_agree(self, what: str, tensors: Sequence[Tensor]) -> None:
        """Of SHA-256 sums the least and the greatest are compared."""
        digest = hashlib.sha256()
        for tensor in tensors:
            digest.update(shared(tensor).cpu().numpy().tobytes())
        number = int.from_bytes(digest.digest()[:7])  # below 2**56: its negative is an int64, too
        extremes = self._torch.tensor([number, -number], device=self._device)
        with _together():
            self._dist.all_reduce(extremes, self._dist.ReduceOp.MAX)
            greatest, least = extremes.tolist()
        if greatest != -least:
            raise BadInput(f"the {self.size} processes do not hold the same {what}, and cannot train together")

    def close(self) -> None:
        """Give the connections back: nothing is asked in common after this. Once is enough."""
        if self._dist.is_initialized():
            self._dist.destroy_process_group()

    def _place(self, device: str) -> tuple[str, str]:
        """Where the numbers lie that processes exchange, and by what."""
        cuda = self._torch.cuda
        if not device.startswith("cuda") or not cuda.is_available():
            return "cpu", "gloo"
        if device != "cuda":  # one GPU for all, which NCCL refuses
            return device, "gloo"
        own, there = int(os.environ.get("LOCAL_RANK", self.rank)), cuda.device_count()
        if own >= there:
            raise BadInput(
                f"--device cuda: process {self.rank} needs a GPU of its own, and this host has {there}: start fewer "
                "processes, or let all of them share one with --device cuda:0"
            )
        cuda.set_device(own)
        # Without it NCCL ends the process where another is lost, before it can say so.
        os.environ.setdefault("TORCH_NCCL_BLOCKING_WAIT", "1")
        return f"cuda:{own}", "nccl"


def shared(tensor: Tensor) -> Any:
    """A torch tensor in the memory of `tensor`, which is minigrad's or torch's; it requires no gradient."""
    torch: Any = import_module("torch")
    plain = tensor.detach()
    return plain if isinstance(plain, torch.Tensor) else torch.from_numpy(plain.numpy())


@contextmanager
def joined(device: str = "cpu", *, timeout: float = TIMEOUT, resume: str = "start it again") -> Iterator[Group]:
    """The group of this process: of all that torchrun started, or of itself where it was started otherwise.

    Within, only the first of several processes prints. Where one ends early the others raise Lost, at the latest
    `timeout` seconds after they began to wait for it, with a message that ends with `resume`: how to go on. Of the
    errors with which they leave one is printed; stderr is closed to the others.
    """
    place = _place_in_group()
    if place is None:
        yield ALONE
        return
    rank, size = place
    store = _store(rank, size, timeout)
    endings, group = Endings(store, rank, size, resume), None
    try:
        with endings.told():
            with _cannot_join(rank, size):
                group = Several(rank, size, store, device, timeout)
            endings.part = group.close
            with _only_first_prints(rank):
                yield group
    finally:
        if group is not None:
            group.close()


def several() -> bool:
    """Whether this process was started as one of several."""
    return _place_in_group() is not None


@contextmanager
def told_by_first() -> Iterator[None]:
    """Before they have joined, let the first of several processes, on each host, tell what is wrong in all of them."""
    try:
        yield
    except BadInput:
        if several() and os.environ.get("LOCAL_RANK", os.environ["RANK"]) != "0":
            close_stderr()
        raise


def must_be_shareable(optimizer: str, data: str | None, explain: str | None) -> None:
    """BadInput for what several processes cannot share: one step for all rows, a pipe, an explanation."""
    if optimizer in AT_ONCE:
        raise BadInput(
            f"--optimizer {optimizer} makes one step of all rows, and several processes have nothing to share: "
            "start it without torchrun"
        )
    if explain is not None:
        raise BadInput("--explain shows one process's step: start it without torchrun")
    if data is not None and _is_pipe(data):
        raise BadInput(f"--data {data}: several processes cannot read one pipe: write the data to a file first")


def _is_pipe(path: str) -> bool:
    if path == "-":
        return True
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return False  # reading it will say what is wrong
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


def _place_in_group() -> tuple[int, int] | None:
    """This process's number and how many there are; None for one that is alone."""
    told = {name: os.environ.get(name, "") for name in TORCHRUN}
    if not told["RANK"] or told["WORLD_SIZE"] in ("", "1"):
        return None
    try:
        rank, size, _ = (int(told[name]) for name in ("RANK", "WORLD_SIZE", "MASTER_PORT"))
    except ValueError:
        rank, size = -1, 0
    if not 0 <= rank < size or not told["MASTER_ADDR"]:
        shown = ", ".join(f"{name}={value}" for name, value in told.items())
        raise BadInput(f"the environment does not say which process of several this is ({shown}): use torchrun")
    return rank, size


def _store(rank: int, size: int, timeout: float) -> Any:
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")  # torch would tell of lost connections as well
    dist: Any = load_backend("torch.distributed", "several processes need torch, which")
    if not dist.is_available():
        raise BadInput("several processes need torch.distributed, which this build of torch lacks")
    with _cannot_join(rank, size):
        return next(iter(dist.rendezvous("env://", timeout=timedelta(seconds=timeout))))[0]


@contextmanager
def _only_first_prints(rank: int) -> Iterator[None]:
    if rank == 0:
        yield
        return
    with open(os.devnull, "w", encoding="utf-8") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
        yield


@contextmanager
def _cannot_join(rank: int, size: int) -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        where = f"{os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']}"
        raise BadInput(f"process {rank} of {size} cannot join the others at {where}: {first_line(error)}") from error


@contextmanager
def _together() -> Iterator[None]:
    # Whatever keeps the processes from an exchange, torch raises one or another RuntimeError for it.
    try:
        yield
    except RuntimeError as error:
        raise Lost(first_line(error)) from error
