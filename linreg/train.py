"""The document's training loop: by its minibatch SGD, by torch.optim's optimizers, or in one step; and when it ends."""

import copy
import math
import random
from collections.abc import Callable, Iterator
from functools import partial
from types import ModuleType
from typing import Any, NamedTuple

import minigrad
from linreg.exact import lstsq_step, newton_step
from linreg.examples import Examples, InMemory, predicted
from linreg.model import Tensor, sgd, squared_loss
from linreg.processes import ALONE, Group
from linreg.settings import AT_ONCE, MOMENTUM, Recipe
from linreg.watching import EarlyStop, Watch


class Step(NamedTuple):
    """A step that was made: the mean loss of its minibatch before it, and how many rows that had."""

    epoch: int  # from 0
    number: int  # of all steps so far
    loss: float
    rows: int


class Epoch(NamedTuple):
    """An epoch that was finished: the mean loss of all rows after it, and of those held out, if any."""

    epoch: int  # from 0
    loss: float
    held_loss: float | None


def print_epoch(epoch: int, loss: float, held_loss: float | None = None) -> None:
    """Print the document's line for an epoch, counted from 0, and the examples' mean losses after it."""
    held = "" if held_loss is None else f", validation loss {held_loss:f}"
    print(f"epoch {epoch + 1}, loss {loss:f}{held}", flush=True)


def objective(l: Tensor, w: Tensor, weight_decay: float) -> Tensor:
    """What a batch's step makes smaller: the sum of its examples' losses, each with λ/2 |w|² where weights decay."""
    return l.sum() + len(l) * weight_decay / 2 * (w**2).sum() if weight_decay else l.sum()


def train(
    features: Tensor,
    labels: Tensor,
    w: Tensor,
    b: Tensor,
    *,
    report: Callable[[int, float, float | None], None] = print_epoch,
    held_out: tuple[Tensor, Tensor] | None = None,
    weighted: bool = False,
    torch: ModuleType = minigrad,
    **recipe: Any,
) -> str | None:
    """Fit w and b in place, and return why training ended before `num_epochs`, or None.

    features (n, d) and labels (n, 1), and those `held_out`, are tensors of `torch`, where rows are `weighted` as
    `linreg.triangle.parted` says; `report` is told of each epoch what `print_epoch` prints; `recipe` is that of
    `linreg.settings.Recipe`. The rest is as in `Training`.
    """
    make = partial(InMemory, torch=torch, weighted=weighted)
    held = None if held_out is None else make(*held_out)
    training = Training(make(features, labels), w, b, Recipe(**recipe), held_out=held, torch=torch)
    for event in training.run():
        if isinstance(event, Epoch):
            report(*event)
    return training.stopped


class Training:
    """The fitting of w and b, in place: a run that can be stopped between any two steps, and gone on with.

    A b that requires no gradient stays as it is. Where rows are held out, w and b are left as they were when the loss
    of these was lowest. `stopped` says why the run ended before its last epoch, if it did; `rank` is what a step to the
    minimum found that of the columns with a weight to be. `group` is the processes that share each batch among them.
    """

    def __init__(
        self,
        examples: Examples,
        w: Tensor,
        b: Tensor,
        recipe: Recipe,
        *,
        held_out: Examples | None = None,
        group: Group = ALONE,
        torch: ModuleType = minigrad,
    ) -> None:
        if len(w) != examples.features:  # a column too many would be taken for that of weights
            raise ValueError(f"w has {len(w)} coefficients, and the rows have {examples.features} features")
        self.examples, self.w, self.b, self.recipe = examples, w, b, recipe
        self.held_out, self.group, self.torch = held_out, group, torch
        self.params = [param for param in (w, b) if param.requires_grad]
        self.optimizer = _optimizer(recipe, self.params, torch)
        self.epoch = self.step = self.steps = 0  # epochs and steps of this epoch that are done, and steps in all
        self.rows_seen = 0
        self.order = random.getstate()  # of the module that shuffles, when this epoch began
        self.losses, self.held_losses = list[float](), list[float]()
        self.stopped: str | None = None
        self.rank: int | None = None
        self.objective = math.inf  # the last epoch's loss with what weight decay adds
        self.watch = Watch(examples, w, b, recipe, torch)
        self.early_stop = EarlyStop(self.params, recipe.patience, torch)

    def run(self) -> Iterator[Step | Epoch]:
        """Train, and tell of each step and each epoch when it is done.

        Raises Diverged in the step whose loss has grown out of bounds, with w and b as they were when a batch's loss
        was last no worse than at the start; BadInput where the loss is not finite to begin with.
        """
        self._agree()
        while self.epoch < self.recipe.num_epochs and self.stopped is None:
            if self.recipe.optimizer in AT_ONCE:
                self._solve()
            else:
                yield from self._steps()
            yield self._end_epoch()
        self.early_stop.restore_best()

    def _agree(self) -> None:
        """Let all processes begin alike, though other processors may round otherwise."""
        self.group.must_agree("parameters to begin with", self.params)
        self.watch.mean, self.watch.bound = self.group.from_first([self.watch.mean, self.watch.bound])

    def _steps(self) -> Iterator[Step]:
        """One epoch as the document writes it: `for X, y in data_iter(...)`, the loss, its gradients, a step by `sgd`.

        What is added watches the loss, and adds up what other processes find for their shares of the batch.
        """
        net, loss = partial(predicted, torch=self.torch), squared_loss
        w, b, weight_decay, batch_size = self.w, self.b, self.recipe.weight_decay, self.recipe.batch_size
        if self.step:
            random.setstate(self.order)
        else:
            self.order = random.getstate()
        for X, y in self.examples.batches(batch_size, self.epoch, skip=self.step):
            X_share, y_share = self.group.share(X, y)
            l = loss(net(X_share, w, b), y_share)
            objective(l, w, weight_decay).backward()
            total = l.detach().sum()
            self.group.sum_([*(param.grad for param in self.params), total])
            mean = self.watch(float(total), len(X), f"epoch {self.epoch + 1}, step {self.step + 1}")
            self._update()
            self.step += 1
            self.steps += 1
            self.rows_seen += len(X)
            yield Step(self.epoch, self.steps, mean, len(X))

    def _update(self) -> None:
        """The document's `sgd`, or a step of torch.optim's optimizer on the same gradients."""
        if self.optimizer is None:
            sgd(self.params, self.recipe.lr or 0.0, self.recipe.batch_size, torch=self.torch)
            return
        for param in self.params:
            param.grad /= self.recipe.batch_size
        self.optimizer.step()
        self.optimizer.zero_grad()

    def _solve(self) -> None:
        """An epoch that is one step to the minimum."""
        features, ones, labels = self.examples.at_once()
        solve = newton_step if self.recipe.optimizer == "newton" else lstsq_step
        decay, count = self.recipe.weight_decay, self.examples.rows
        self.rank = solve(
            features, labels, self.w, self.b, weight_decay=decay, ones=ones, count=count, torch=self.torch
        )

    def _end_epoch(self) -> Epoch:
        recipe = self.recipe
        self.group.must_agree(f"parameters after epoch {self.epoch + 1}", self.params)
        # What is decided by these is decided alike.
        loss = self.group.from_first([self.examples.mean_loss(self.w, self.b)])[0]
        rows = self.examples.rows
        self.watch(loss * rows, rows, f"epoch {self.epoch + 1}, last step", all_rows=True)
        held_loss = None
        if self.held_out is not None:
            held_loss = self.group.from_first([self.held_out.mean_loss(self.w, self.b)])[0]
        epoch = Epoch(self.epoch, loss, held_loss)
        before = self.objective
        self.objective = loss + recipe.weight_decay / 2 * float((self.w.detach() ** 2).sum())
        self.losses.append(loss)
        self.epoch, self.step = self.epoch + 1, 0
        if held_loss is not None:
            self.held_losses.append(held_loss)
            self.stopped = self.early_stop.after(epoch.epoch, held_loss)
        gain, until = before - self.objective, recipe.until
        if self.stopped is None and until is not None and gain <= until * before < math.inf:
            self.stopped = f"after epoch {self.epoch}, which lowered the loss by no more than {until:g} of itself"
        return epoch

    def last_epoch(self) -> Epoch | None:
        """What was told of the epoch that was finished last, if there is one."""
        if not self.epoch:
            return None
        return Epoch(self.epoch - 1, self.losses[-1], self.held_losses[-1] if self.held_losses else None)

    def state(self) -> dict[str, Any]:
        """All that going on needs: tensors, which are copies, and plain data in lists and dictionaries."""
        return {
            "epoch": self.epoch,
            "step": self.step,
            "steps": self.steps,
            "rows_seen": self.rows_seen,
            "random": _listed(self.order if self.step else random.getstate()),
            "params": [param.detach().clone() for param in self.params],
            "optimizer": self.optimizer and copy.deepcopy(self.optimizer.state_dict()),
            "watch": self.watch.state(),
            "early_stop": self.early_stop.state(),
            "losses": list(self.losses),
            "held_losses": list(self.held_losses),
            "objective": self.objective,
            "stopped": self.stopped,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Become the run whose `state` that was, on the same examples with the same recipe."""
        self.epoch, self.step = state["epoch"], state["step"]
        self.steps, self.rows_seen = state["steps"], state["rows_seen"]
        version, words, gauss = state["random"]
        self.order = (version, tuple(words), gauss)
        random.setstate(self.order)
        with self.torch.no_grad():
            for param, saved in zip(self.params, state["params"], strict=True):
                param.copy_(saved)
        if self.optimizer is not None:
            self.optimizer.load_state_dict(copy.deepcopy(state["optimizer"]))
        self.watch.restore(state["watch"])
        self.early_stop.restore(state["early_stop"])
        self.losses, self.held_losses = list(state["losses"]), list(state["held_losses"])
        self.objective, self.stopped = state["objective"], state["stopped"]


def _optimizer(recipe: Recipe, params: list[Tensor], torch: ModuleType) -> Any:
    """The optimizer of torch.optim for the recipe, or None where the document's `sgd` or one step does."""
    if recipe.optimizer == "momentum":
        return torch.optim.SGD(params, lr=recipe.lr, momentum=MOMENTUM)
    if recipe.optimizer == "adam":
        return torch.optim.Adam(params, lr=recipe.lr)
    return None


def _listed(state: tuple[Any, ...]) -> list[Any]:
    version, words, gauss = state
    return [version, list(words), gauss]
