"""The graph as users meet it: `tensor.grad_fn` is a Node.

Source: https://docs.pytorch.org/docs/stable/autograd.html#autograd-graph
"""

from __future__ import annotations

from collections.abc import Iterable

from ..engine import Node as Node
from ..tensor import Tensor, storage_of

INTERNAL = True


def increment_version(tensor: Tensor | Iterable[Tensor]) -> None:
    """Count an in-place change of tensors that minigrad could not see, so that a backward pass does not miss it."""
    for t in (tensor,) if isinstance(tensor, Tensor) else tensor:
        storage_of(t).bump()
