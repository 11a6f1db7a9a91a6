"""Changes of shape in place: `x.unsqueeze_(0)` and its like, which move no element."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..engine import Node, Replaced
from ..memory import storage_of
from ..tensor import Tensor, current_origin
from .inplace import check_graph, take_history
from .names import attach
from .shape import squeeze, t, transpose, unsqueeze

INTERNAL = True
_NAMES = {  # torch numbers the nodes of changes in place apart
    "UnsqueezeBackward0": "UnsqueezeBackward1",
    "SqueezeBackward0": "SqueezeBackward3",
    "SqueezeBackward1": "SqueezeBackward4",
    "SqueezeBackward2": "SqueezeBackward5",
    "TBackward0": "TBackward1",
    "TransposeBackward0": "TransposeBackward1",
    "AsStridedBackward0": "AsStridedBackward1",
}


def in_place(view: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The twin of a view that changes the tensor itself into what the view would be."""

    def change_shape(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        check_graph(self)
        if view is t and self.ndim > 2:
            raise RuntimeError(f"t_() expects a tensor with <= 2 dimensions, but self is {self.ndim}D")
        storage = storage_of(self)
        if self._view is not None or storage.viewed:
            raise NotImplementedError(
                f"{view.__name__}_() of a view, or of a tensor that has views, is not implemented: they share one "
                f"memory\n  Make a new tensor instead: x = x.{view.__name__}(...)."
            )
        made = view(Tensor._of(self._array, current_origin(self), storage), *args, **kwargs)
        storage.viewed = False
        storage.bump()
        was, self._array = self._array, made._array
        node: Any = made._origin
        if not isinstance(node, Node) and isinstance(self._origin, Node):  # under no_grad: its node is the old shape's
            self._origin = Replaced(self._origin, was)
        if isinstance(node, Node):
            node.__class__ = node.op.named(_NAMES[node.name()]).node_type  # type: ignore[attr-defined]
            take_history(self, node)
        return self

    change_shape.__name__ = change_shape.__qualname__ = f"{view.__name__}_"
    change_shape.__module__ = view.__module__  # the family that it is in
    change_shape.__doc__ = f"`{view.__name__}`, in place; NotImplementedError for a view, and for what has views."
    return change_shape


_transpose = in_place(transpose)
attach(unsqueeze_=in_place(unsqueeze), squeeze_=in_place(squeeze), t_=in_place(t))
attach(transpose_=_transpose, swapaxes_=_transpose, swapdims_=_transpose)
