"""Changes of shape in place: `x.unsqueeze_(0)` and its like, which move no element."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import messages
from ..engine import Node
from ..tensor import Tensor, current_origin, storage_of
from .inplace import check_writable, take_history
from .names import attach
from .shape import squeeze, t, transpose, unsqueeze

INTERNAL = True


def _in_place(view: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def change_shape(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        check_writable(self)
        storage = storage_of(self)
        if self._view is not None or storage.viewed:
            raise NotImplementedError(messages.shape_of_shared(view.__name__))
        made = view(Tensor._of(self._array, current_origin(self), storage), *args, **kwargs)
        storage.viewed = False
        storage.bump()
        self._array = made._array
        if isinstance(made._origin, Node):
            take_history(self, made._origin)
        return self

    change_shape.__name__ = change_shape.__qualname__ = f"{view.__name__}_"
    change_shape.__doc__ = f"`{view.__name__}`, in place; NotImplementedError for a view, and for what has views."
    return change_shape


_transpose = _in_place(transpose)
attach(unsqueeze_=_in_place(unsqueeze), squeeze_=_in_place(squeeze), t_=_in_place(t))
attach(transpose_=_transpose, swapaxes_=_transpose, swapdims_=_transpose)
