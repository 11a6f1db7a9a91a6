"""Saving a run while it trains, and going on with one that was saved."""

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from types import ModuleType
from typing import Any

import numpy as np

import minigrad
from linreg.errors import BadInput
from linreg.exact import least_squares
from linreg.model import Tensor
from linreg.outcome import Trace
from linreg.problems import Problem
from linreg.saving.checkpoints import RUN, Folder
from linreg.saving.forms import writable
from linreg.saving.saved import MOST_KEPT, Saved
from linreg.settings import Settings
from linreg.tables.encoding import Choice, Encoding
from linreg.train import Epoch, Step, Training


class Saver:
    """Saves a run to its folder, and makes one that was saved go on: a watcher of training.

    `options` are those of the command, as plain data; `every` is after how many steps to save, None for each epoch;
    `saved` is the run to go on with, if it is not a new one. Where the disk refuses, training goes on: stderr says so
    at once, and `failed` keeps the reason until saving succeeds. Of several processes only one `writes`.
    """

    def __init__(
        self,
        folder: Folder,
        options: dict[str, Any],
        every: int | None,
        saved: Saved | None = None,
        *,
        writes: bool = True,
    ) -> None:
        self.folder, self.options, self.every, self.saved, self.writes = folder, options, every, saved, writes
        self.failed: str | None = None
        self._trace: Trace | None = None
        self._about: dict[str, Any] = {}
        self._fixed: dict[str, Any] = {}
        self._last = ""  # when it was saved last, in words

    def begin(self, training: Training, problem: Problem, settings: Settings, trace: Trace | None = None) -> str | None:
        """Make training go on where it was saved, or save its beginning; why it had diverged, if it had.

        A trace goes on as well, where the run that was saved had one.
        """
        self._trace = trace
        self._about = {
            "options": self.options,
            "settings": asdict(settings),
            "names": list(problem.names),
            "encoding": json.loads(_encoding(problem, settings).to_json()),
            "data": {"rows": problem.examples.rows, "fingerprint": problem.fingerprint},
        }
        if self.saved is None:
            self._fixed = _fixed(problem, settings)
            try:
                self._save(training)
            except OSError as error:
                raise BadInput(f"cannot save to {self.folder.path}: {error.strerror}") from error
            return None
        self._check(self.saved, training)
        # What the run began with stays, and what an older linreg did not keep is added.
        self._about["encoding"], self._fixed = self.saved.run["encoding"], _fixed(problem, settings) | self.saved.fixed
        training.restore(_of_backend(self.saved.training, training.torch))
        if trace is not None and self.saved.trace is not None:
            trace.restore(self.saved.trace)
        self._last = _when(training)
        diverged: str | None = self.saved.run["diverged"]
        if self.writes and self._fixed.keys() > self.saved.fixed.keys():
            self._try(training, diverged)
        if diverged is None and not self._goes_on(training):
            print(f"linreg: nothing is left to train in {self.folder.path}: {self.saved.ended}", file=sys.stderr)
        return diverged

    def __call__(self, training: Training, event: Step | Epoch) -> None:
        """Save where it is time to, having been told what training did."""
        due = isinstance(event, Epoch) if self.every is None else training.steps % self.every == 0
        if self.writes and (due or not self._goes_on(training)):
            self._try(training)

    def diverged(self, training: Training, message: str) -> None:
        """Save a run that ends so, with its last good parameters."""
        if self.writes:
            self._try(training, message)

    def _goes_on(self, training: Training) -> bool:
        return training.stopped is None and training.epoch < training.recipe.num_epochs

    def _try(self, training: Training, diverged: str | None = None) -> None:
        try:
            self._save(training, diverged)
        except OSError as error:
            if self.failed is None:
                print(
                    f"linreg: error: cannot save to {self.folder.path}: {error.strerror}; training goes on, and what "
                    f"is there is the run {self._last}",
                    file=sys.stderr,
                )
            self.failed = error.strerror or type(error).__name__
        else:
            if self.failed is not None:
                print(f"linreg: saving to {self.folder.path} succeeds again", file=sys.stderr)
            self.failed = None

    def _save(self, training: Training, diverged: str | None = None) -> None:
        state = training.state()
        losses, held_losses = state.pop("losses"), state.pop("held_losses")
        run = {
            **self._about,
            "position": {name: state.pop(name) for name in ("epoch", "step", "steps", "rows_seen")},
            "stopped": state.pop("stopped"),
            "diverged": diverged,
            "losses": [writable(loss) for loss in losses],
            "validation_losses": [writable(loss) for loss in held_losses],
        }
        trace = None if self._trace is None else self._trace.state()
        self.folder.save(run, {"fixed": self._fixed, "training": _of_minigrad(state), "trace": trace})
        self._last = _when(training)

    def _check(self, saved: Saved, training: Training) -> None:
        """BadInput where the run that was saved is not this one, up to what it may be told anew."""
        path = self.folder.path
        if saved.run["data"] != self._about["data"] or list(saved.names) != self._about["names"]:
            raise BadInput(f"the data are not those that the run in {path} began with: it cannot go on with them")
        told, now = saved.run["settings"], self._about["settings"]
        if now["num_epochs"] < told["num_epochs"]:
            raise BadInput(f"--num-epochs {now['num_epochs']}: the run in {path} has {told['num_epochs']}, or more")
        file = f"{path / RUN}"
        for name in told:
            if name != "num_epochs" and told[name] != now[name]:
                raise BadInput(f"{file}: its settings are not those of its options: {name} is {told[name]!r}")
        epoch, step = (saved.run["position"][name] for name in ("epoch", "step"))
        batches = -(-training.examples.rows // training.recipe.batch_size)
        if epoch > told["num_epochs"] or step > batches or (step and epoch == told["num_epochs"]):
            raise BadInput(f"{file}: no run with its settings is ever at epoch {epoch + 1}, step {step}")
        # As texts: what stands there may be anything.
        found, fresh = saved.training["optimizer"], training.optimizer and training.optimizer.state_dict()
        if fresh and repr(found["param_groups"]) != repr(fresh["param_groups"]):
            raise BadInput(f"{file}: the state that it names is of another optimizer")


@contextmanager
def saving(
    options: argparse.Namespace, written: dict[str, Any], saved: Saved | None, *, writes: bool = True
) -> Iterator[Saver | None]:
    """The saver that the command's options ask for, while its folder is claimed, or None.

    `written` are the options as they are to be saved. BadInput where the folder holds another run. A process that
    leaves saving to another one does not claim the folder: it only goes on with the run that is saved there.
    """
    path = options.save if saved is None else saved.folder.path
    if path is None or (saved is None and not writes):
        yield None
        return
    folder = Folder(path)
    if not writes:
        yield Saver(folder, written, options.save_every, saved, writes=False)
        return
    with folder.claimed():
        if saved is None and folder.holds_run():
            raise BadInput(f"{path} holds a run already: go on with it by --resume {path}, or save to another folder")
        if saved is not None and folder.load().run != saved.run:
            raise BadInput(f"{path}: the run there went on while this command read it; try again")
        yield Saver(folder, written, options.save_every, saved)


def _fixed(problem: Problem, settings: Settings) -> dict[str, Any]:
    """What stays the same throughout a run, as tensors."""
    w, b, _ = least_squares(problem.triangle, settings.weight_decay, settings.fit_intercept)
    fixed = {"exact": np.append(*problem.scaling.in_own_units(w, b))}
    R = problem.triangle.R
    if len(w) <= MOST_KEPT:
        fixed["triangle"] = np.pad(R, ((0, R.shape[1] - len(R)), (0, 0)))
        if problem.loaded is not None and problem.loaded.scores is not None:
            fixed["scores"] = problem.loaded.scores
    return {name: minigrad.from_numpy(array) for name, array in fixed.items()}


def _encoding(problem: Problem, settings: Settings) -> Encoding:
    """How rows become what is trained on; those of the synthetic data have columns x0, x1, ..., as an array has."""
    if problem.loaded is not None:
        return problem.loaded.encoding
    size = len(problem.names)
    X, ones, y = problem.triangle.split()
    means = ones @ np.column_stack([X, y]) / problem.triangle.rows
    return Encoding(
        Choice(tuple(f"x{place}" for place in range(size)), (), problem.target),
        levels=(),
        missing="refuse",
        fit_intercept=settings.fit_intercept,
        fills=tuple(means.tolist()),
        shares=(),
        means=tuple(problem.scaling.means.tolist()),
        stds=tuple(problem.scaling.stds.tolist()),
    )


def _when(training: Training) -> str:
    step = f"epoch {training.epoch + 1}, step {training.step}" if training.step else f"epoch {training.epoch}"
    return f"after {step}" if training.steps or training.epoch else "before its first step"


def _mapped(value: Any, change: Callable[[Tensor], Tensor]) -> Any:
    if isinstance(value, dict):
        return {key: _mapped(part, change) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_mapped(part, change) for part in value)
    return change(value) if hasattr(value, "detach") else value


def _of_minigrad(value: Any) -> Any:
    return _mapped(value, lambda tensor: minigrad.from_numpy(tensor.detach().cpu().numpy()))


def _of_backend(value: Any, torch: ModuleType) -> Any:
    return _mapped(value, lambda tensor: torch.from_numpy(tensor.numpy()))
