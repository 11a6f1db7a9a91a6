"""Backward passes that can be listened to (see `ops/listening.py`): to import this makes them tell."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from ..ops.listening import also, tell
from ..tensor import Tensor
from . import passes

INTERNAL = True


def backward_without_short_cut(
    self: Tensor,
    gradient: Tensor | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Any = None,
) -> None:
    """The same as `backward` of a tensor, by the way that every pass can take."""
    passes._backward(self, gradient, retain_graph, create_graph, inputs)


def _telling_pass(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def walked(
        outputs: Any, gradients: Any, retain_graph: Any, tape: Any, inputs: Any, to_accumulate: bool = False
    ) -> Any:
        outputs = passes.listed(outputs)
        told = tuple([t for t in outputs if not hasattr(t, "is_stand_in")])  # an edge's has no values to look at
        tell("pass_begins", told, inputs, tape.create_graph)
        try:
            return function(outputs, gradients, retain_graph, tape, inputs, to_accumulate)
        finally:
            tell("pass_ends", told)

    return walked


def _telling_delivery(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def deliver(found: Any, tape: Any) -> None:
        tell("delivers", found)
        function(found, tape)

    return deliver


def _exchange(put: Callable[[Any, str, Any], None]) -> None:
    put(Tensor, "backward", backward_without_short_cut)
    put(passes, "_pass", _telling_pass(passes._pass))
    put(passes, "deliver", _telling_delivery(vars(passes)["deliver"]))


also(_exchange)
