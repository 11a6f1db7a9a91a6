"""Averages of a model's weights along training: a copy of the model, the schedule for it, and its batch norms.

Source: https://docs.pytorch.org/docs/stable/optim.html#weight-averaging-swa-and-ema
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from copy import deepcopy
from typing import Any, ClassVar

from ..devices import device as device_type
from ..nn import Module
from ..nn.init import unrecorded
from ..nn.modules.normalization import _BatchNorm
from ..ops.creation import tensor
from ..tensor import Tensor
from .lr_scheduler.base import Rates, Schedule, for_each_group
from .optimizer import Optimizer

INTERNAL = True
Average = Callable[[Tensor, Tensor, Any], Tensor]
Averages = Callable[[list[Tensor], list[Tensor], Any], None]


def get_ema_avg_fn(decay: float = 0.999) -> Average:
    """An `avg_fn` that keeps `decay` of the average, and takes the rest from the model."""
    _check_decay(decay)

    @unrecorded
    def ema_update(ema_param: Tensor, current_param: Tensor, num_averaged: Any) -> Tensor:
        return decay * ema_param + (1 - decay) * current_param

    return ema_update


def get_ema_multi_avg_fn(decay: float = 0.999) -> Averages:
    """As `get_ema_avg_fn`, a `multi_avg_fn`."""
    _check_decay(decay)

    @unrecorded
    def ema_update(ema_param_list: list[Tensor], current_param_list: list[Tensor], _: Any) -> None:
        for average, current in zip(ema_param_list, current_param_list, strict=True):
            if average.is_floating_point():
                average.lerp_(current, 1 - decay)
            else:
                average.copy_(average * decay + current * (1 - decay))

    return ema_update


def _check_decay(decay: float) -> None:
    if not 0.0 <= decay <= 1.0:
        raise ValueError(f"Invalid decay value {decay} provided. Please provide a value in [0,1] range.")


def get_swa_avg_fn() -> Average:
    """An `avg_fn` that weighs all models alike."""

    @unrecorded
    def swa_update(averaged_param: Tensor, current_param: Tensor, num_averaged: Any) -> Tensor:
        return averaged_param + (current_param - averaged_param) / (num_averaged + 1)

    return swa_update


class AveragedModel(Module):
    """A copy of a model, with the average of the weights that it had when `update_parameters` was called.

    avg_fn        of an average, a parameter and the number of models so far: the new average; all weigh alike if None
    multi_avg_fn  of a list of averages and one of parameters instead, the first of which it changes
    use_buffers   whether buffers are averaged; they are the last model's otherwise
    Source: Izmailov et al. 2018, https://arxiv.org/abs/1803.05407
    """

    n_averaged: Tensor
    module: Module

    def __init__(
        self,
        model: Module,
        device: device_type | str | None = None,
        avg_fn: Average | None = None,
        multi_avg_fn: Averages | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = deepcopy(model)
        if device is not None:
            self.module.to(device)
        self.register_buffer("n_averaged", tensor(0))
        self.avg_fn, self.multi_avg_fn, self.use_buffers = avg_fn, multi_avg_fn, use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the averaged model gives."""
        return self.module(*args, **kwargs)

    @unrecorded
    def update_parameters(self, model: Module) -> None:
        """Take the weights that `model` has now into the average."""
        own: list[Tensor] = [*self.module.parameters()]
        given: list[Tensor] = [*model.parameters()]
        buffers = [*self.module.buffers()], [*model.buffers()]
        if self.use_buffers:
            own, given = own + buffers[0], given + buffers[1]
        else:
            for buffer, current in zip(*buffers, strict=True):
                buffer.copy_(current)
        averages, currents = [p.detach() for p in own], [p.detach() for p in given]
        if self.n_averaged == 0:
            for average, current in zip(averages, currents, strict=False):
                average.copy_(current)
        elif self.multi_avg_fn is not None:
            for d in dict.fromkeys(average.dtype for average in averages):  # one call for each dtype, as in torch
                chosen = [pair for pair in zip(averages, currents, strict=True) if pair[0].dtype is d]
                self.multi_avg_fn([pair[0] for pair in chosen], [pair[1] for pair in chosen], self.n_averaged)
        else:
            average_of = self.avg_fn or get_swa_avg_fn()
            for average, current in zip(averages, currents, strict=True):
                average.copy_(average_of(average, current, self.n_averaged))
        self.n_averaged += 1


@unrecorded
def update_bn(loader: Iterable[Any], model: Module, device: device_type | str | None = None) -> None:
    """Compute the batch norms' running statistics anew over a loader's batches, as averaged weights need."""
    norms = {module: module.momentum for module in model.modules() if isinstance(module, _BatchNorm)}
    if not norms:
        return
    was_training = model.training
    model.train()
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
    for batch in loader:
        given = batch[0] if isinstance(batch, (list, tuple)) else batch
        model(given if device is None else given.to(device))
    for norm, momentum in norms.items():
        norm.momentum = momentum
    model.train(was_training)


class SWALR(Schedule):
    """The rate goes from what it is to `swa_lr` in `anneal_epochs` epochs, by a cosine or linearly, and stays there.

    Raises ValueError for another strategy, and for a number of epochs below 0.
    """

    _unsaved: ClassVar[tuple[str, ...]] = ("optimizer", "anneal_func")

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: float | list[float],
        anneal_epochs: int = 10,
        anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:
        for group, rate in zip(optimizer.param_groups, for_each_group("swa_lr", optimizer, swa_lr), strict=True):
            group["swa_lr"] = rate
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        self._set_anneal_func(anneal_strategy)
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        self.anneal_epochs = anneal_epochs
        super().__init__(optimizer, last_epoch)

    def _set_anneal_func(self, anneal_strategy: str) -> None:
        self._anneal_strategy = anneal_strategy
        self.anneal_func = _cosine if anneal_strategy == "cos" else float

    def _rates(self) -> Rates:
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, now = (self.anneal_func(max(0, min(1, at / max(1, self.anneal_epochs)))) for at in (step - 1, step))
        groups = self.optimizer.param_groups
        return [group["swa_lr"] * now + _initial(group, before) * (1 - now) for group in groups]

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from what `state_dict` returned."""
        super().load_state_dict(state_dict)
        self._set_anneal_func(self._anneal_strategy)


def _cosine(t: float) -> float:
    return (1 - math.cos(math.pi * t)) / 2


def _initial(group: dict[str, Any], alpha: float) -> Any:
    """The rate that the annealing began at, of the one that it has come to."""
    return group["swa_lr"] if alpha == 1 else (group["lr"] - alpha * group["swa_lr"]) / (1 - alpha)
