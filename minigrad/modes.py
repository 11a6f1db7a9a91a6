"""Modes: whether operations are recorded. They belong to the thread, or async task, that set them.

Source: https://docs.pytorch.org/docs/stable/torch.html#locally-disabling-gradient-computation
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from typing import Any, TypeVar

from .flags import wrong_flag

INTERNAL = True
F = TypeVar("F", bound=Callable[..., Any])

_grad = ContextVar("minigrad.grad", default=True)
_inference = ContextVar("minigrad.inference", default=False)
_anomaly = ContextVar("minigrad.anomaly", default=(False, True))  # enabled, with a look for NaN

is_grad_enabled = _grad.get
is_inference_mode_enabled = _inference.get
anomaly_mode = _anomaly.get  # whether detection is on, and whether it then looks for NaN


def is_anomaly_enabled() -> bool:
    """Whether anomaly detection is on."""
    return _anomaly.get()[0]


def is_anomaly_check_nan_enabled() -> bool:
    """Whether anomaly detection, when on, looks for NaN."""
    return _anomaly.get()[1]


class _Mode:
    """A mode as a context manager and a decorator; it may be entered again while it is active."""

    _before: Any = None  # what held before it was entered, paired with the same of the time before that

    def __enter__(self) -> None:
        raise NotImplementedError

    def __exit__(self, *exception: object) -> None:
        before, self._before = self._before
        _grad.set(before)

    def clone(self) -> _Mode:
        """One to enter for a call of the function that this mode decorates."""
        return type(self)()

    def __call__(self, orig_func: F) -> F:
        """`orig_func`, under this mode whenever it is called."""
        import inspect  # here, because it costs as much to import as the rest of minigrad

        if inspect.isclass(orig_func):
            warnings.warn(
                "Decorating classes is deprecated and will be disabled in future versions. You should only decorate "
                "functions or methods. To preserve the current behavior of class decoration, you can directly "
                "decorate the `__init__` method and nothing else.",
                FutureWarning,
                stacklevel=2,
            )

        @wraps(orig_func)
        def call(*args: Any, **kwargs: Any) -> Any:
            with self.clone():
                return orig_func(*args, **kwargs)

        @wraps(orig_func)
        def generate(*args: Any, **kwargs: Any) -> Any:
            # The mode holds while the generator's own code runs, not between its values.
            generator, send, value = orig_func(*args, **kwargs), "send", None
            while True:
                try:
                    with self.clone():
                        item = getattr(generator, send)(value)
                except StopIteration as stop:
                    return stop.value
                try:
                    send, value = "send", (yield item)
                except GeneratorExit:
                    with self.clone():
                        generator.close()
                    raise
                except BaseException as error:  # noqa: BLE001 - the decorated generator gets it
                    send, value = "throw", error

        return generate if inspect.isgeneratorfunction(orig_func) else call  # type: ignore[return-value]


class no_grad(_Mode):
    """Within it operations are not recorded: `with no_grad():`, or `@no_grad()` over a function."""

    def __new__(cls, orig_func: Any = None) -> Any:
        """A mode to enter; or, given a function, that function under the mode."""
        return object.__new__(cls) if orig_func is None else cls()(orig_func)

    def __enter__(self) -> None:
        self._before = (_grad.get(), self._before)
        _grad.set(False)


class enable_grad(no_grad):
    """Within it operations are recorded, also inside `no_grad`; inference mode is stronger."""

    def __enter__(self) -> None:
        self._before = (_grad.get(), self._before)
        _grad.set(not _inference.get())


class set_grad_enabled(_Mode):
    """Turn recording on or off at once; as a context manager, until the block ends.

    Raises TypeError unless `mode` is a bool.
    """

    def __init__(self, mode: bool) -> None:
        if not isinstance(mode, bool):
            raise TypeError(
                f"set_grad_enabled(): argument 'enabled' (position 1) must be bool, not {type(mode).__name__}"
            )
        self.mode, self.prev = mode, _grad.get()
        self.__enter__()

    def __enter__(self) -> None:
        _grad.set(self.mode and not _inference.get())

    def __exit__(self, *exception: object) -> None:
        _grad.set(self.prev)

    def clone(self) -> _Mode:
        """One to enter for a call of the function that this mode decorates."""
        return set_grad_enabled(self.mode)

    def __call__(self, orig_func: F) -> F:
        """`orig_func`, under this mode whenever it is called."""
        _grad.set(self.prev)  # as a decorator it acts in the calls alone
        return super().__call__(orig_func)

    def __repr__(self) -> str:
        return f"torch.autograd.grad_mode.set_grad_enabled(mode={self.mode})"


class inference_mode(_Mode):
    """`no_grad` under the name that torch has for predictions; `inference_mode(False)` undoes it."""

    def __new__(cls, mode: Any = True) -> Any:
        """A mode to enter; or, given a function, that function under the mode."""
        return object.__new__(cls) if isinstance(mode, bool) else cls()(mode)

    def __init__(self, mode: bool = True) -> None:
        self.mode = mode

    def __enter__(self) -> None:
        self._before = ((_grad.get(), _inference.get()), self._before)
        _grad.set(not self.mode)
        _inference.set(self.mode)

    def __exit__(self, *exception: object) -> None:
        (grad, inference), self._before = self._before
        _grad.set(grad)
        _inference.set(inference)

    def clone(self) -> _Mode:
        """One to enter for a call of the function that this mode decorates."""
        return inference_mode(self.mode)


def set_anomaly_enabled(enabled: bool, check_nan: bool = True) -> None:
    """`set_detect_anomaly`, from now on."""
    for position, (name, value) in enumerate((("enabled", enabled), ("check_nan", check_nan)), 1):
        if not isinstance(value, bool):
            raise wrong_flag("set_anomaly_enabled", f"'{name}' (position {position})", value)
    _anomaly.set((enabled, check_nan))


class set_detect_anomaly:
    """Turn anomaly detection on or off at once; as a context manager, until the block ends.

    A backward pass then raises at the first gradient that is NaN (unless `check_nan` is False), and says which
    operation it comes from.
    """

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        self.prev = _anomaly.get()
        set_anomaly_enabled(mode, check_nan)

    def __enter__(self) -> None:
        pass  # it is on already

    def __exit__(self, *exception: object) -> None:
        _anomaly.set(self.prev)


class detect_anomaly(set_detect_anomaly):
    """`set_detect_anomaly(True)` for the length of a `with` block; warns that it takes time."""

    def __init__(self, check_nan: bool = True) -> None:
        self.prev, self.check_nan = _anomaly.get(), check_nan
        warnings.warn(
            "Anomaly Detection has been enabled. This mode will increase the runtime and should only be enabled for "
            "debugging.",
            stacklevel=2,
        )

    def __enter__(self) -> None:
        _anomaly.set((True, self.check_nan))
