"""What a node has saved, under torch's names: `node._saved_self`, `node._raw_saved_self.register_hooks(pack, unpack)`.

A node of the table holds what its rules name (see `ops/table.py`), mostly what torch's holds too: tensors, and the
exponent of a power. A number that an operation met is a tensor. What torch's node does not hold has no name here.
Source: https://docs.pytorch.org/tutorials/intermediate/autograd_saved_tensors_hooks_tutorial.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..engine import RELEASED, Dropped
from ..ops.table import stale
from ..tensor import Tensor
from .packing import PackedTensor, put_away
from .tape import rebuilt

INTERNAL = True
_TENSORS = "self tensor1 tensor2"
_TARGET = "self target"
_INPUTS = {  # as torch's derivatives.yaml calls them; "self other" where nothing is said
    "Addbmm": "self batch1 batch2",
    "Addcdiv": _TENSORS,
    "Addcmul": _TENSORS,
    "Addmm": "self mat1 mat2",
    "Addmv": "self mat vec",
    "Addr": "self vec1 vec2",
    "Baddbmm": "self batch1 batch2",
    "BinaryCrossEntropy": _TARGET,
    "BinaryCrossEntropyWithLogits": _TARGET,
    "Bmm": "self mat2",
    "Cdist": "x1 x2",
    "Clamp": "self",
    "ClampMax": "self max",
    "ClampMin": "self min",
    "Convolution": "input weight",
    "CtcLoss": "log_probs targets",
    "Dot": "self tensor",
    "Embedding": "weight indices",
    "GridSampler2D": "input grid",
    "GridSampler3D": "input grid",
    "HuberLoss": _TARGET,
    "IndexAdd": "self",
    "IndexCopy": "self",
    "Lerp": "self end weight",
    "LinalgLuSolve": "LU",
    "Mm": "self mat2",
    "MseLoss": _TARGET,
    "Mv": "self vec",
    "NllLoss": _TARGET,
    "NllLoss2D": _TARGET,
    "Pow": "self exponent",
    "PowBackward2": "exponent",
    "PreluKernel": "self weight",
    "Put": "self",
    "SmoothL1Loss": _TARGET,
    "SoftMarginLoss": _TARGET,
}
_OTHERS = {  # of which torch's node holds other values
    "CholeskySolve",
    "Clone",
    "Dist",
    "EmbeddingBag",
    "Fmod",
    "LinalgCholeskyEx",
    "LinalgDet",
    "LinalgInvEx",
    "LinalgLstsq",
    "LinalgSolveEx",
    "MaskedSelect",
    "NativeBatchNorm",
    "NativeGroupNorm",
    "NativeLayerNorm",
    "Remainder",
    "ScatterReduce",
    "Squeeze",
    "UnsafeView",
}


class SavedValue:
    """The place of one tensor that a node has saved."""

    def __init__(self, node: Any, slot: str | int) -> None:
        self._node, self._slot = node, slot  # of a Function's node, the place among its saved tensors

    def register_hooks(self, pack_hook: Callable[[Tensor], Any], unpack_hook: Callable[[Any], Tensor]) -> None:
        """Keep in its place what `pack_hook(tensor)` returns, and give that to `unpack_hook` to get the tensor back.

        The hook is shown the tensor without its history.
        Raises RuntimeError if the value was freed, was changed in place since it was saved, or has hooks already.
        """
        if not (callable(pack_hook) and callable(unpack_hook)):
            raise TypeError(
                "register_hooks(): incompatible function arguments. The following argument types are supported:\n"
                "    1. (self: SavedTensor, arg0: collections.abc.Callable, arg1: collections.abc.Callable) -> None\n\n"
                f"Invoked with: {self!r}, {pack_hook!r}, {unpack_hook!r}"
            )
        node, slot, pair = self._node, self._slot, (pack_hook, unpack_hook)
        if isinstance(slot, str):
            _refuse(getattr(node, f"g_{slot}"))
            put_away(node, slot, value_in(node, slot).detach(), pair)
        else:
            saved = node.ctx._saved
            known = saved if saved is RELEASED else saved[slot]
            _refuse(known if known is None or known is RELEASED else known.storage)
            t = known.unpack(node)
            made = PackedTensor(t, node, pair, shown=t.detach())
            node.ctx._saved = (*saved[:slot], made, *saved[slot + 1 :])


def _refuse(guard: Any) -> None:
    if guard is None:
        raise RuntimeError("Calling register_hooks on a saved tensor with value None is forbidden")
    if guard is RELEASED:
        raise RuntimeError(
            "Calling register_hooks on a saved tensor after it has been freed. Saved intermediate values of the graph "
            "are freed when you call .backward() or autograd.grad(). Specify retain_graph=True if you need to backward "
            "through the graph a second time or if you need to access saved variables after calling backward."
        )
    if isinstance(guard, Dropped):
        raise RuntimeError(
            "Calling register_hooks on a saved tensor whose hooks have already been set. Hint: only one pair of hooks "
            "is allowed at a time."
        )


def look_up(node: Any, name: str) -> Any:
    """The saved value of a node of the table that torch calls `name`; AttributeError if there is none."""
    raw = name.startswith("_raw")
    slot = slots_of(type(node)).get(name.removeprefix("_raw").removeprefix("_saved_"))
    if slot is None or (raw and slot not in node.op.guarded):
        raise AttributeError(f"{type(node).__name__!r} object has no attribute {name!r}")
    return SavedValue(node, slot) if raw else value_in(node, slot)


def slots_of(kind: Any) -> dict[str, str]:
    """By torch's name of a value, where nodes of this kind have it."""
    op = getattr(kind, "op", None)
    name = "" if op is None else op.node_name.partition("Backward")[0]
    if op is None or name in _OTHERS:
        return {}
    inputs = _INPUTS.get(op.node_name) or _INPUTS.get(name, "self other")
    names = {"out": "result", "base": "self", "exponent": "exponent", "condition": "condition", "mask": "mask"}
    names |= dict(zip(op.inputs, inputs.split(), strict=False))
    return {names[slot]: slot for slot in op.slots if slot in names}


def value_in(node: Any, slot: str) -> Any:
    """A saved value; raises if it was freed, or changed in place since it was saved."""
    guard = getattr(node, f"g_{slot}", None)
    if guard is not None and guard.version:
        stale(node, guard)
    return rebuilt(node, node.op, slot, getattr(node, f"s_{slot}"))
