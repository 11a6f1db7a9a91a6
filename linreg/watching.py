"""What watches over training: that its loss does not grow without bounds, and when it no longer falls."""

import math
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from linreg.errors import BadInput, Diverged
from linreg.examples import Examples
from linreg.model import Tensor
from linreg.settings import MOMENTUM, Recipe
from linreg.stability import largest_stable_rate
from linreg.triangle import parted

# A batch whose summed loss is this many times that of all the data at the start is no bad luck; of all rows less is.
DIVERGENCE_FACTOR, OF_ALL_ROWS = 100, 10
RISEN = 1.5  # a last epoch's loss this many times the lowest one's is told


class _Kept:
    """Copies of the parameters as they were at some moment."""

    def __init__(self, params: list[Tensor], torch: ModuleType) -> None:
        self.params, self.torch = params, torch
        self.keep()

    def keep(self) -> None:
        with self.torch.no_grad():
            self.copies = [param.clone() for param in self.params]

    def put_back(self) -> None:
        with self.torch.no_grad():
            for copy, param in zip(self.copies, self.params, strict=True):
                param.copy_(copy)


class Watch(_Kept):
    """Notices when the loss grows instead of falling, and keeps the last parameters no worse than the first."""

    def __init__(self, examples: Examples, w: Tensor, b: Tensor, recipe: Recipe, torch: ModuleType) -> None:
        super().__init__([param for param in (w, b) if param.requires_grad], torch)
        self.examples, self.recipe, self.intercept = examples, recipe, b.requires_grad
        self.mean = examples.mean_loss(w, b)
        if not math.isfinite(self.mean):
            raise BadInput(f"the loss before the first step is {self.mean}: the values exceed the dtype")
        # Training that goes on from a perfect fit may do as badly as the prediction 0 would.
        of_zero = examples.mean_loss(torch.zeros_like(w), torch.zeros_like(b))
        self.bound = DIVERGENCE_FACTOR * examples.rows * max(self.mean, of_zero)

    def __call__(self, total: float, rows: int, when: str, *, all_rows: bool = False) -> float:
        """The mean of the summed loss of some rows, or of all; Diverged where that is out of bounds."""
        mean, bound = total / rows, self.bound * (OF_ALL_ROWS / DIVERGENCE_FACTOR if all_rows else 1)
        if mean <= self.mean:
            self.keep()
        elif not total <= bound:  # NaN is not either
            self.put_back()
            raise Diverged(
                f"training diverged in {when}: mean loss {mean:.3g}, after {self.mean:.3g} at the start; "
                f"{self._cause()}; the last good parameters are kept"
            )
        return mean

    def unsteady(self, losses: Sequence[float]) -> str | None:
        """Why the epochs' loss has risen again, where it has and the learning rate is to blame."""
        lowest = min([self.mean, *losses])
        if self.recipe.lr is None or not losses or losses[-1] <= RISEN * lowest:
            return None
        return f"the loss has risen to {losses[-1]:.3g}, from {lowest:.3g}: {self._cause()}"

    def _cause(self) -> str:
        recipe, lr, examples = self.recipe, self.recipe.lr, self.examples
        if lr is None:
            return f"{self.params[0].dtype} is too narrow for these data"
        if recipe.optimizer == "adam":
            return f"Adam moves a parameter by about lr in each step, and lr {lr:g} is too large"
        X, ones = parted(examples.sample(), examples.features)
        limit = largest_stable_rate(
            X,
            min(recipe.batch_size, examples.rows),
            ones=ones,
            rows=examples.rows,
            intercept=self.intercept,
            weight_decay=recipe.weight_decay,
            momentum=MOMENTUM if recipe.optimizer == "momentum" else 0.0,
        )
        if lr > limit:
            return f"lr {lr:g} is too large: the largest stable one for these data is about {limit:.2g}"
        return f"lr {lr:g} is too large for some rows, though about {limit:.2g} is stable for most"

    def state(self) -> dict[str, Any]:
        """What `restore` needs."""
        return {"mean": self.mean, "bound": self.bound, "copies": list(self.copies)}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on as the watch whose `state` that was."""
        self.mean, self.bound, self.copies = state["mean"], state["bound"], list(state["copies"])


class EarlyStop(_Kept):
    """Keeps the parameters of the epoch after which the rows held out had their lowest loss."""

    def __init__(self, params: list[Tensor], patience: int | None, torch: ModuleType) -> None:
        super().__init__(params, torch)
        self.patience, self.best, self.best_epoch = patience, math.inf, -1

    def after(self, epoch: int, held_loss: float) -> str | None:
        """Why it is time to stop after this epoch, if it is."""
        if held_loss < self.best:
            self.best, self.best_epoch = held_loss, epoch
            self.keep()
        if self.patience is None or epoch - self.best_epoch < self.patience:
            return None
        return (
            f"after epoch {epoch + 1}: the validation loss has not fallen since epoch {self.best_epoch + 1}, "
            "whose parameters are kept"
        )

    def restore_best(self) -> None:
        """Make the best epoch's parameters the present ones, where rows were held out."""
        if self.best_epoch >= 0:
            self.put_back()

    def state(self) -> dict[str, Any]:
        """What `restore` needs."""
        return {"best": self.best, "best_epoch": self.best_epoch, "copies": list(self.copies)}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on as the one whose `state` that was."""
        self.best, self.best_epoch, self.copies = state["best"], state["best_epoch"], list(state["copies"])
