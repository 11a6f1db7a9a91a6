"""One expression, evaluated with torch and with minigrad: both must come to the same, errors and warnings included."""

import warnings
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import minigrad

ERRORS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    BufferError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
)


def names(library: Any) -> dict[str, Any]:
    """What an expression may name: `torch`, and new tensors for every expression."""
    return {
        "torch": library,
        "np": np,
        "inf": float("inf"),
        "nan": float("nan"),
        "x": library.tensor([1.5, -2.7], requires_grad=True),
        "i": library.tensor([1, 2]),
        "n": library.arange(6.0).reshape(2, 3),
    }


def described(value: Any) -> Any:
    """What of a result must agree."""
    if isinstance(value, (torch.Tensor, minigrad.Tensor)):
        array = value.detach().numpy()
        layout = tuple(value.shape), value.is_contiguous(), used_strides(value)
        node = value.grad_fn.name() if value.grad_fn is not None else None
        return repr(array), str(value.dtype), layout, value.requires_grad, value.is_leaf, node
    if isinstance(value, (tuple, list)) and not isinstance(value, (torch.Size, minigrad.Size)):
        return [described(v) for v in value]
    return repr(value)


def used_strides(t: Any) -> tuple[int, ...]:
    """The strides of dimensions that are longer than one, where there are elements: others reach nothing."""
    return tuple(s for s, n in zip(t.stride(), t.shape, strict=True) if n > 1) if t.numel() else ()


def outcome(expression: str, library: Any) -> tuple[Any, list[str]]:
    """The result, or the error's type and first line; and the first lines of the warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.filterwarnings("ignore", message="__array_wrap__ must accept")  # torch's, with NumPy 2
        warnings.filterwarnings("ignore", category=RuntimeWarning)  # NumPy's, of overflow; minigrad hides them
        for once in ("Converting a tensor with requires_grad=True", "Creating a tensor from a list of numpy"):
            warnings.filterwarnings("ignore", message=once)  # torch gives these only the first time
        try:
            found = described(eval(expression, names(library)))
        except ERRORS as error:
            found = type(error).__name__, str(error).split("\n")[0]
    return found, [str(w.message).split("\n")[0].partition(" (Triggered")[0] for w in caught]


def check(expression: str) -> None:
    """Fail unless both libraries come to the same."""
    ours, theirs = outcome(expression, minigrad), outcome(expression, torch)
    if ours != theirs:
        pytest.fail(f"{expression}\nminigrad {ours}\ntorch    {theirs}", pytrace=False)


def each(text: str) -> Any:
    """A parameter `expression` for a test: the lines of a text."""
    return pytest.mark.parametrize("expression", [line for line in text.splitlines() if line.strip()])
