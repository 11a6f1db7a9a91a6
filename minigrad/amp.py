"""torch.amp where there is no mixed precision: what programs write around their steps in any case, switched off.

Source: https://docs.pytorch.org/docs/stable/amp.html
"""

from __future__ import annotations

from typing import Any, TypeVar

from .devices import device
from .modes import _Mode
from .warning import warn

INTERNAL = True
T = TypeVar("T")
_ADVICE = "\n  NumPy has no bfloat16, and computes slowly in float16: pass enabled=False, and all stays in float32."


class autocast(_Mode):
    """Mixed precision, which is off here: with "cuda", where torch warns and switches it off, and with `enabled=False`.

    Raises NotImplementedError where it would be on.
    """

    def __init__(
        self, device_type: str, dtype: Any = None, enabled: bool = True, cache_enabled: bool | None = None
    ) -> None:
        if not isinstance(device_type, str):
            raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
        self.device, self.fast_dtype = device_type, dtype
        kind = device(device_type).type
        if enabled and kind == "cuda":
            text = "CUDA is not available or torch_xla is imported. Disabling autocast."
            warn(text)
        elif enabled:
            raise NotImplementedError(f"minigrad has no mixed precision on {device_type!r}{_ADVICE}")

    def __enter__(self) -> autocast:  # type: ignore[override]
        return self

    def __exit__(self, *exception: object) -> None:
        """Nothing was switched on."""

    def clone(self) -> autocast:
        """Itself: it may be entered again and again."""
        return self


class GradScaler:
    """A scaler of losses that is off: `scale(loss)` is the loss, and `step(optimizer)` is the optimizer's.

    Raises NotImplementedError where it would be on; for "cuda" torch warns, and switches it off, as here.
    """

    def __init__(
        self,
        device: str = "cuda",
        init_scale: float = 2.0**16,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        if enabled and device == "cuda":
            text = "torch.cuda.amp.GradScaler is enabled, but CUDA is not available.  Disabling."
            warn(text)
        elif enabled:
            raise NotImplementedError(f"minigrad scales no losses on {device!r}{_ADVICE}")

    def scale(self, outputs: T) -> T:
        """The outputs as they are."""
        return outputs

    def unscale_(self, optimizer: Any) -> None:
        """Leave the gradients as they are."""

    def step(self, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        """The optimizer's step, and what it returns."""
        return optimizer.step(*args, **kwargs)

    def update(self, new_scale: Any = None) -> None:
        """Leave the scale as it is."""

    def get_scale(self) -> float:
        """1.0: nothing is scaled."""
        return 1.0

    def is_enabled(self) -> bool:
        """Whether losses are scaled: never."""
        return False

    def state_dict(self) -> dict[str, Any]:
        """Empty, as of any scaler that is off."""
        return {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take no notice of the state."""
