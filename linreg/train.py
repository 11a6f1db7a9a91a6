"""The document's training loop: by its minibatch SGD, by torch.optim's optimizers, or in one step; and when it ends."""

import math
from collections.abc import Callable
from functools import partial
from types import ModuleType

import numpy as np

import minigrad
from linreg.data import data_iter
from linreg.errors import BadInput, Diverged
from linreg.exact import lstsq_step, newton_step
from linreg.model import Tensor, linreg, sgd, squared_loss
from linreg.settings import AT_ONCE
from linreg.stability import largest_stable_rate

# A batch whose summed loss is this many times that of all the data at the start is no bad luck.
DIVERGENCE_FACTOR = 100
MOMENTUM = 0.9

Report = Callable[[int, Tensor, Tensor | None], None]


def print_epoch(epoch: int, train_l: Tensor, held_l: Tensor | None = None) -> None:
    """Print the document's line for an epoch, counted from 0, and the examples' losses after it."""
    held = "" if held_l is None else f", validation loss {float(held_l.mean()):f}"
    print(f"epoch {epoch + 1}, loss {float(train_l.mean()):f}{held}", flush=True)


def objective(l: Tensor, w: Tensor, weight_decay: float) -> Tensor:
    """What a batch's step makes smaller: the sum of its examples' losses, each with λ/2 |w|² where weights decay."""
    return l.sum() + len(l) * weight_decay / 2 * (w**2).sum() if weight_decay else l.sum()


def train(
    features: Tensor,
    labels: Tensor,
    w: Tensor,
    b: Tensor,
    *,
    lr: float | None = 0.03,
    num_epochs: int = 3,
    batch_size: int = 10,
    report: Report = print_epoch,
    torch: ModuleType = minigrad,
    optimizer: str = "sgd",
    weight_decay: float = 0.0,
    until: float | None = None,
    held_out: tuple[Tensor, Tensor] | None = None,
    patience: int | None = None,
) -> str | None:
    """Fit w and b in place by the document's loop, and return why it ended before `num_epochs`, or None.

    `report` is told what `print_epoch` prints. A b that requires no gradient stays as it is. `optimizer` is one of
    `linreg.settings.OPTIMIZERS`. The loop ends when an epoch lowers the objective by no more than `until` of itself,
    or when the loss of the rows `held_out`, features and labels, has not fallen for `patience` epochs; where rows are
    held out, w and b are left as they were when that loss was lowest.

    Raises Diverged in the step whose loss has grown out of bounds, with w and b as they were when a batch's loss was
    last no worse than at the start; BadInput where the loss is not finite to begin with.
    """
    net = partial(linreg, torch=torch)
    loss = squared_loss
    params = [param for param in (w, b) if param.requires_grad]
    with torch.no_grad():
        start = loss(net(features, w, b), labels)
    cause = partial(_cause, features, b, lr, batch_size, optimizer, weight_decay)
    watch = _Watch(params, start, labels, cause, torch)

    def run_epoch(epoch: int) -> None:
        if optimizer in AT_ONCE:
            solve = newton_step if optimizer == "newton" else lstsq_step
            return solve(features, labels, w, b, weight_decay=weight_decay, torch=torch)
        batches = data_iter(batch_size, features, labels, torch=torch)
        for step, (X, y) in enumerate(batches, start=1):
            l = loss(net(X, w, b), y)
            watch(l, f"epoch {epoch + 1}, step {step}")
            objective(l, w, weight_decay).backward()
            update(batch_size)

    update = _updater(optimizer, params, lr, torch)
    before, ends = math.inf, _EarlyStop(params, patience, torch)
    for epoch in range(num_epochs):
        run_epoch(epoch)
        with torch.no_grad():
            train_l = loss(net(features, w, b), labels)
            now = float(objective(train_l, w, weight_decay)) / len(labels)
            held_l = None if held_out is None else loss(net(held_out[0], w, b), held_out[1])
        watch(train_l, f"epoch {epoch + 1}, last step")
        report(epoch, train_l, held_l)
        if held_l is not None and ends.after(epoch, float(held_l.mean())):
            return ends.finish(epoch)
        if until is not None and before - now <= until * before < math.inf:
            ends.finish(epoch)
            return f"after epoch {epoch + 1}, which lowered the loss by no more than {until:g} of itself"
        before = now
    ends.finish(num_epochs - 1)
    return None


def _updater(optimizer: str, params: list[Tensor], lr: float | None, torch: ModuleType) -> Callable[[int], object]:
    """The step made of the gradients of a summed loss, with the parameter that the document's `sgd` has for it."""
    if optimizer in AT_ONCE:
        return lambda batch_size: None
    if optimizer == "sgd":
        return lambda batch_size: sgd(params, lr or 0.0, batch_size, torch=torch)
    makers = {"momentum": partial(torch.optim.SGD, momentum=MOMENTUM), "adam": torch.optim.Adam}
    chosen = makers[optimizer](params, lr=lr)

    def update(batch_size: int) -> None:
        for param in params:
            param.grad /= batch_size
        chosen.step()
        chosen.zero_grad()

    return update


class _Kept:
    """Copies of the parameters as they were at some moment."""

    def __init__(self, params: list[Tensor], torch: ModuleType) -> None:
        self.params, self.torch = params, torch
        self.keep()

    def keep(self) -> None:
        with self.torch.no_grad():
            self.copies = [param.clone() for param in self.params]

    def restore(self) -> None:
        with self.torch.no_grad():
            for copy, param in zip(self.copies, self.params, strict=True):
                param.copy_(copy)


class _Watch(_Kept):
    """Notices when the loss grows instead of falling, and keeps the last parameters no worse than the first."""

    def __init__(
        self, params: list[Tensor], start: Tensor, labels: Tensor, cause: Callable[[], str], torch: ModuleType
    ) -> None:
        super().__init__(params, torch)
        total = float(start.sum())
        if not math.isfinite(total):
            raise BadInput(f"the loss before the first step is {total}: the values exceed the dtype")
        self.mean, self.cause = total / len(start), cause
        # Training that goes on from a perfect fit may do as badly as the prediction 0 would.
        self.bound = DIVERGENCE_FACTOR * max(total, float(squared_loss(labels, 0 * labels).sum()))

    def __call__(self, l: Tensor, when: str) -> None:
        total = float(l.detach().sum())
        if total <= self.mean * len(l):
            self.keep()
        elif not total <= self.bound:  # NaN is not either
            self.restore()
            raise Diverged(
                f"training diverged in {when}: mean loss {total / len(l):.3g}, after {self.mean:.3g} at the start; "
                f"{self.cause()}; the last good parameters are kept"
            )


class _EarlyStop(_Kept):
    """Keeps the parameters of the epoch after which the rows held out had their lowest loss."""

    def __init__(self, params: list[Tensor], patience: int | None, torch: ModuleType) -> None:
        super().__init__(params, torch)
        self.patience, self.best, self.best_epoch = patience, math.inf, -1

    def after(self, epoch: int, held_loss: float) -> bool:
        """Whether it is time to stop."""
        if held_loss < self.best:
            self.best, self.best_epoch = held_loss, epoch
            self.keep()
        return self.patience is not None and epoch - self.best_epoch >= self.patience

    def finish(self, epoch: int) -> str:
        if self.best_epoch >= 0:
            self.restore()
        return (
            f"after epoch {epoch + 1}: the validation loss has not fallen since epoch {self.best_epoch + 1}, "
            "whose parameters are kept"
        )


def _cause(features: Tensor, b: Tensor, lr: float | None, batch_size: int, optimizer: str, weight_decay: float) -> str:
    if lr is None:
        return f"{features.dtype} is too narrow for these data"
    if optimizer == "adam":
        return f"Adam moves a parameter by about lr in each step, and lr {lr:g} is too large"
    limit = largest_stable_rate(
        features.detach().cpu().numpy().astype(np.float64),
        min(batch_size, len(features)),
        intercept=b.requires_grad,
        weight_decay=weight_decay,
        momentum=MOMENTUM if optimizer == "momentum" else 0.0,
    )
    if lr > limit:
        return f"lr {lr:g} is too large: the largest stable one for these data is about {limit:.2g}"
    return f"lr {lr:g} is too large for some rows, though about {limit:.2g} is stable for most"
