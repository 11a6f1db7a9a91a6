"""Tests of gradients that people can trust: of minigrad's operations, of torch's, and of one's own.

`check_gradients(f, *inputs)` and its like each check one property at given inputs, and `gradient_properties(f)` makes a
class of pytest tests of all of them, on inputs that hypothesis draws. What is drawn needs the extra `testing`.
"""

from __future__ import annotations

from typing import Any

from .checks import (
    check_adjoint,
    check_dtypes,
    check_gradients,
    check_leaves_inputs_alone,
    check_linear_in_upstream,
    check_same_tensor,
    check_second_gradients,
    check_views,
)
from .closeness import assert_close
from .code import as_code
from .parity import check_against_torch

INTERNAL = True

_DRAWN = {  # what needs hypothesis, and the module that has it
    **dict.fromkeys(("gradient_properties", "mutants"), "properties"),
    **dict.fromkeys(("Program", "programs", "run_program"), "random_programs"),
    **dict.fromkeys(
        (
            "LAYOUTS",
            "away_from",
            "axes",
            "broadcastable_shapes",
            "distinct",
            "dtypes",
            "indices",
            "matmul_shapes",
            "numbers",
            "positive",
            "shapes",
            "tensors",
        ),
        "strategies",
    ),
}

__all__ = [
    "as_code",
    "assert_close",
    "check_adjoint",
    "check_against_torch",
    "check_dtypes",
    "check_gradients",
    "check_leaves_inputs_alone",
    "check_linear_in_upstream",
    "check_same_tensor",
    "check_second_gradients",
    "check_views",
    *_DRAWN,
]


def __getattr__(name: str) -> Any:
    if name not in _DRAWN:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    try:
        found = getattr(import_module(f"{__name__}.{_DRAWN[name]}"), name)
    except ModuleNotFoundError as error:
        if error.name != "hypothesis":
            raise
        raise ImportError(f'{name} needs hypothesis: in the checkout, pip install ".[testing]"') from error
    globals()[name] = found
    return found
