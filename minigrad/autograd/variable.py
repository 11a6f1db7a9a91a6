"""`Variable`, which in old programs is what makes a tensor one that wants a gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import dtypes
from ..engine import LEAF
from ..messages import type_name
from ..tensor import Tensor

INTERNAL = True


class VariableType(type):
    """What makes every tensor an instance of Variable."""

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, Tensor)


class Variable(metaclass=VariableType):
    """Never made: `Variable(...)` gives a Tensor, a new leaf over the memory of another one."""

    def __new__(cls, data: Any = None, requires_grad: Any = False, volatile: Any = None) -> Any:
        """A leaf with the memory of `data`; TypeError if that is no tensor, RuntimeError if it cannot require grad."""
        if data is None:
            data = Tensor._of(np.empty(0, dtypes.get_default_dtype().numpy))
        if not isinstance(data, Tensor):
            raise TypeError(f"Variable data has to be a tensor, but got {type_name(data)}")
        made = data.data
        if requires_grad:
            if not made.is_floating_point():
                raise RuntimeError(
                    "Only Tensors of floating point and complex dtype can require gradients\n"
                    f"  This one is of {made.dtype}. Make it floating first: x.float()."
                )
            made._origin = LEAF
        return made
