"""vmap: a function of one example, run for each slice of its inputs, and the results stacked.

That is what the word means; torch comes to the same by running the function once, on tensors that hide a dimension.
What cannot come to the same is refused, as there: a slice's value must not decide what is done, and no slice may see
what another one has changed.
Source: https://docs.pytorch.org/docs/stable/generated/torch.func.vmap.html
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import Any

import numpy as np

from ..autograd import heard as heard  # so that passes tell
from ..engine import Storage
from ..generator import default_generator
from ..layout import address
from ..memory import storage_of
from ..messages import BACKWARD_INSIDE
from ..ops.listening import Listener, listening
from ..ops.shape import stack
from ..random import drawing
from ..tensor import Tensor
from ..trees import Structure, flatten, mapped, spread, unflatten

INTERNAL = True
_ITEM = (
    "vmap: It looks like you're calling .item() on a Tensor. We don't support vmap over calling .item() on a Tensor, "
    "please try to rewrite what you're doing with other operations. If error is occurring somewhere inside PyTorch "
    "internals, please file a bug report."
)
_CONTROL_FLOW = (
    "vmap: It looks like you're attempting to use a Tensor in some data-dependent control flow. We don't support that "
    "yet, please file an issue at https://github.com/pytorch/pytorch/issues ."
)
_NO_STORAGE = "Cannot access data pointer of Tensor that doesn't have storage"
_CHANGED = (
    "vmap: inplace arithmetic(self, *extra_args) is not possible because there exists a Tensor `other` in extra_args "
    "that has more elements than `self`. This happened due to `other` being vmapped over but `self` not being vmapped "
    "over in a vmap. Please try to use out-of-place operators instead of inplace arithmetic. If said operator is being "
    "called inside the PyTorch framework, please file a bug report instead.\n"
    "  The function changes in place what all slices share: the second one would see what the first one has done."
)
_READ = (
    "vmap: the function uses memory that it has changed in place for another slice.\n"
    "  torch has all slices at once, here one comes after another: this one would see what that one has done. Let it\n"
    "  change a clone() of its slice."
)
_REFUSED = {"bool()": _CONTROL_FLOW, "in": _CONTROL_FLOW} | dict.fromkeys(
    (".item()", "float()", "int()", "complex()", "an index"), _ITEM
)
_REFUSED |= dict.fromkeys((".numpy()", ".tolist()", "NumPy", "DLPack"), _NO_STORAGE)
_REFUSED[".data"] = "accessing `data` under vmap transform is not allowed"


def vmap(
    func: Callable[..., Any],
    in_dims: Any = 0,
    out_dims: Any = 0,
    randomness: str = "error",
    *,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """A function that runs `func` for each slice of its arguments along a dimension, and stacks the results.

    in_dims     that dimension: for all arguments, or one each, in their structure; None where all slices get the whole
    out_dims    where it stands in the results: for all, or one each, in their structure; None for what is not stacked
    randomness  "error" refuses random numbers, "same" draws the same for each slice, "different" goes on drawing
    chunk_size  changes nothing here: slices are taken one by one
    Raises ValueError for dims that do not fit, RuntimeError where `func` does with a slice what torch does not allow.
    """
    with drawing(randomness):
        pass  # raises for what is none of the three
    if not (chunk_size is None or chunk_size > 0):
        raise ValueError(f"vmap: chunk_size should be None or greater than 0. (got {chunk_size})")

    @wraps(func, updated=())
    def batched(*args: Any, **kwargs: Any) -> Any:
        _check_out_dims(func, out_dims)
        dims, given, structure = _batched_inputs(func, in_dims, args)
        size = next(t.shape[d] for t, d in zip(given, dims, strict=True) if d is not None)
        guard = _Guard(_slices_own(given, dims))
        state = default_generator.get_state() if randomness == "same" else None
        results = []
        every = [[_slice(t, d, i) for t, d in zip(given, dims, strict=True)] for i in range(max(size, 1))]
        with drawing(randomness), listening(guard):
            for slices in every:
                guard.next_slice([t for t, d in zip(slices, dims, strict=True) if d is not None])
                if state is not None:
                    default_generator.set_state(state)
                results.append(func(*unflatten(slices, structure), **kwargs))
        return _joined(func, out_dims, results, size, guard)

    return batched


def _slice(t: Any, dim: int | None, i: int) -> Any:
    """One slice of an argument; of one that has none, a stand-in, which tells the shapes of the results."""
    if dim is None:
        return t
    return t.select(dim, i) if t.shape[dim] else t.new_zeros(t.shape[:dim] + t.shape[dim + 1 :])


class _Guard(Listener):
    """Refuses, while slices are computed one after the other, what could not be done with all of them at once."""

    def __init__(self, of_batch: set[int]) -> None:
        self.of_batch = of_batch
        self.number = 0
        self.changed_in: dict[int, tuple[Storage, int]] = {}  # by its id, memory and the number of the slice
        self.depending: dict[int, Tensor] = {}  # by their ids, tensors that depend on the slice at hand

    def next_slice(self, tensors: list[Tensor]) -> None:
        """The next slice begins, with these tensors."""
        self.number += 1
        self.depending = {id(t): t for t in tensors}

    def operation(self, op: Any, args: tuple[Any, ...], result: Any) -> None:
        """What comes of a tensor that depends on the slice depends on it too."""
        tensors = [t for t in flatten(list(args))[0] if isinstance(t, Tensor)]
        if isinstance(result, Tensor) and any(id(t) in self.depending for t in tensors):
            self.depending[id(result)] = result
        for t in tensors:
            _, number = self.changed_in.get(id(t._storage), (None, self.number))
            if number != self.number and id(t) not in self.depending:
                raise RuntimeError(_READ)

    def left(self, t: Tensor, how: str) -> None:
        """Refuse to let the value go where it could decide something."""
        if how in _REFUSED and id(t) in self.depending:
            raise RuntimeError(_REFUSED[how])

    def delivers(self, found: Any) -> None:
        """Refuse to fill `.grad`."""
        raise RuntimeError(BACKWARD_INSIDE)

    def changed(self, storage: Storage) -> None:
        """Refuse a second slice's change of the same memory, unless that is the batch's own."""
        _, number = self.changed_in.setdefault(id(storage), (storage, self.number))
        if number != self.number and id(storage) not in self.of_batch:
            raise RuntimeError(_CHANGED)


# What goes in


def _slices_own(given: list[Any], dims: list[Any]) -> set[int]:
    """The ids of memory that each slice may change, as no other has a part in what is its own."""
    seen_as: dict[int, set[Any]] = {}
    for t, dim in zip(given, dims, strict=True):
        if isinstance(t, Tensor):
            alone = dim is not None and t.stride(dim) != 0
            seen_as.setdefault(id(storage_of(t)), set()).add((address(t._array), t.stride(), dim) if alone else None)
    return {key for key, ways in seen_as.items() if len(ways) == 1 and None not in ways}


def _batched_inputs(func: Any, in_dims: Any, args: tuple[Any, ...]) -> tuple[list[Any], list[Any], Structure]:
    """The dimension of each flat argument, not negative, or None; the flat arguments, and their structure."""
    call = f"vmap({_name(func)}, in_dims={in_dims}, ...)(<inputs>): "
    if not isinstance(in_dims, int | tuple):
        raise ValueError(
            f"{call}expected `in_dims` to be int or a (potentially nested) tuple matching the structure of inputs, "
            f"got: {type(in_dims)}."
        )
    if not args:
        raise ValueError(
            f"vmap({_name(func)})(<inputs>): got no inputs. Maybe you forgot to add inputs, or you are trying to vmap "
            "over a function with no inputs. The latter is unsupported."
        )
    given, structure = flatten(args)
    dims = spread(in_dims, structure)
    if dims is None:
        raise ValueError(
            f"{call}in_dims is not compatible with the structure of `inputs`. in_dims has structure "
            f"{flatten(in_dims)[1]} but inputs has structure {structure}."
        )
    for t, dim in zip(given, dims, strict=True):
        if dim is not None:
            _check_in_dim(call, t, dim)
    dims = [None if dim is None else dim % t.dim() for t, dim in zip(given, dims, strict=True)]
    sizes = [t.shape[dim] for t, dim in zip(given, dims, strict=True) if dim is not None]
    if not sizes:
        raise ValueError("vmap: Expected at least one Tensor to vmap over")
    if len(set(sizes)) > 1:
        raise ValueError(
            "vmap: Expected all tensors to have the same size in the mapped dimension, got sizes "
            f"{sizes} for the mapped dimension"
        )
    return dims, given, structure


def _check_in_dim(call: str, t: Any, dim: Any) -> None:
    if not isinstance(dim, int):
        raise ValueError(f"{call}Got in_dim={dim} for an input but in_dim must be either an integer dimension or None.")
    if not isinstance(t, Tensor):
        raise ValueError(
            f"{call}Got in_dim={dim} for an input but the input is of type {type(t)}. We cannot vmap over non-Tensor "
            "arguments, please use None as the respective in_dim"
        )
    if not -t.dim() <= dim < t.dim():
        raise ValueError(
            f"{call}Got in_dim={dim} for some input, but that input is a Tensor of dimensionality {t.dim()} so "
            f"expected in_dim to satisfy -{t.dim()} <= in_dim < {t.dim()}."
        )


# What comes out


def _check_out_dims(func: Any, out_dims: Any) -> None:
    def check(dim: Any) -> None:
        if not isinstance(dim, int | None):
            raise ValueError(
                f"vmap({_name(func)}, ..., out_dims={out_dims}): `out_dims` must be an int, None or a python "
                "collection of ints representing where in the outputs the vmapped dimension should appear."
            )

    mapped(check, out_dims)


def _joined(func: Any, out_dims: Any, results: list[Any], size: int, guard: _Guard) -> Any:
    """The results of all slices in one."""
    outputs, structures = zip(*map(flatten, results), strict=True)
    structure = structures[0]
    one = out_dims[0] if isinstance(out_dims, tuple) and len(out_dims) == 1 and structure.kind is None else out_dims
    dims = spread(one, structure)
    if dims is None:
        raise ValueError(
            f"vmap({_name(func)}, ..., out_dims={out_dims})(<inputs>): out_dims is not compatible with the structure "
            f"of `outputs`. out_dims has structure {flatten(out_dims)[1]} but outputs has structure {structure}."
        )
    if any(other != structure for other in structures):
        raise RuntimeError(f"vmap({_name(func)}, ...): the slices have results of different structure.")
    found = []
    for parts, dim in zip(zip(*outputs, strict=True), dims, strict=True):
        if dim is None:
            if id(parts[-1]) in guard.depending or not all(_same(part, parts[0]) for part in parts[1:size]):
                raise ValueError(
                    f"vmap({_name(func)}, ...): `{_name(func)}` can not return a BatchedTensor when out_dim is None"
                )
            found.append(parts[0])
        elif not isinstance(parts[0], Tensor):
            raise ValueError(
                f"vmap({_name(func)}, ...): `{_name(func)}` must only return Tensors, got type {type(parts[0])}. Did "
                "you mean to set out_dims= to None for output?"
            )
        else:
            found.append(stack(parts)[:size].movedim(0, dim))
    return unflatten(found, structure)


def _same(a: Any, b: Any) -> bool:
    """Whether two slices' results, which are not stacked, could be one: not what was found from their values."""
    return not isinstance(a, Tensor) or (isinstance(b, Tensor) and np.array_equal(a._array, b._array, equal_nan=True))


def _name(func: Any) -> str:
    if hasattr(func, "__name__"):
        return str(func.__name__)
    return f"functools.partial({_name(func.func)}, ...)" if isinstance(func, partial) else repr(func)
