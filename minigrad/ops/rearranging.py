"""Tensors turned over and around, stacked, cut apart, and laid out as grids.

Source: https://docs.pytorch.org/docs/stable/torch.html#indexing-slicing-joining-mutating-ops
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from .. import dtypes, messages
from ..messages import type_name
from ..tensor import Tensor
from ..warning import warn
from .convert import invalid_combination
from .indexing import sliced
from .indices import EVERY
from .inplace import as_view
from .names import NOT_GIVEN, attach, public, tensor_argument
from .options import integer, lengths, wrong_type
from .shape import as_shape, cat, checked_dims, completed_shape, reorder, repeat, sizes, stack, transpose
from .table import Op, op

INTERNAL = True
Array = np.ndarray[Any, Any]
Dims = tuple[int, ...]


def _turned(a: Array, k: int, first: int, second: int) -> Array:
    """`a` turned from one dimension to another; in memory as torch has it, which transposes what it has flipped."""
    if k % 2 == 0:
        return np.array(np.flip(a, (first, second)), order="K") if k else np.array(a, order="C")
    return np.array(np.flip(a, second if k == 1 else first), order="K").swapaxes(first, second)


flip_: Op = op("FlipBackward0", lambda a, dims: np.array(np.flip(a, dims), order="K"), a=lambda g, dims: flip_(g, dims))
roll_: Op = op(
    "RollBackward0",
    lambda a, shifts, dims: np.array(np.roll(a, shifts, dims), order="C").reshape(a.shape),
    a=lambda g, shifts, dims: roll_(g, tuple([-n for n in shifts]), dims),
)
turn: Op = op(
    "Rot90Backward0",
    _turned,
    a=lambda g, k, first, second: turn(g, -k % 4, first, second),
)

# Turned over and around


@public()
def flip(input: Tensor, *dims: Any, **named: Any) -> Tensor:
    """The elements in reverse order along some dimensions."""
    ndim = tensor_argument(input, "flip").ndim
    if not dims and not named:
        raise TypeError('flip() missing 1 required positional arguments: "dims"')
    along = sizes(dims, named, "flip", "dims")
    found = checked_dims(list(along), ndim)
    return flip_.call(input, found if ndim else ())


@public()
def fliplr(input: Tensor) -> Tensor:
    """The columns in reverse order."""
    if tensor_argument(input, "fliplr").ndim < 2:
        raise RuntimeError("Input must be >= 2-d.")
    return flip(input, 1)


@public()
def flipud(input: Tensor) -> Tensor:
    """The rows in reverse order."""
    if tensor_argument(input, "flipud").ndim < 1:
        raise RuntimeError("Input must be >= 1-d.")
    return flip(input, 0)


@public()
def roll(input: Tensor, shifts: Any, dims: Any = ()) -> Tensor:
    """The elements moved along dimensions, around the ends; without dimensions, as if all were one."""
    shifts = sizes((shifts,), None, "roll", "shifts")
    dims = tuple(dims) if isinstance(dims, (tuple, list)) else () if dims is None else (dims,)
    if not shifts:
        raise RuntimeError("`shifts` required")
    if not dims and len(shifts) == 1:
        return roll_.call(tensor_argument(input, "roll"), shifts, None)
    if len(shifts) != len(dims):
        raise RuntimeError(f"shifts and dimensions must align. shifts: {len(shifts)}, dims:{len(dims)}")
    array = tensor_argument(input, "roll")._array
    if not array.size:
        return roll_.call(input, (), ())
    if not array.ndim:
        raise IndexError(f"Dimension specified as {dims[0]} but tensor has no dimensions")
    return roll_.call(input, shifts, tuple([messages.checked_dim(d, array.ndim) for d in dims]))


@public()
def rot90(input: Tensor, k: int = 1, dims: Any = (0, 1)) -> Tensor:
    """The plane of two dimensions turned by `k` right angles, from the first towards the second."""
    ndim = tensor_argument(input, "rot90").ndim
    if len(dims) != 2:
        raise RuntimeError(f"expected total rotation dims == 2, but got dims = {len(dims)}")
    if ndim < 2:
        raise RuntimeError(f"expected total dims >= 2, but got total dims = {ndim}")
    if dims[0] == dims[1] or abs(dims[0] - dims[1]) == ndim:
        raise RuntimeError(f"expected rotation dims to be different, but got dim0 = {dims[0]} and dim1 = {dims[1]}")
    first, second = (messages.checked_dim(d, ndim) for d in dims)
    return turn.call(input, integer("rot90", "k", 1, k) % 4, first, second)


@public("moveaxis")
def movedim(input: Tensor, source: Any, destination: Any) -> Tensor:
    """One dimension, or several, moved to other places; the rest keep their order."""
    ndim = tensor_argument(input, "movedim").ndim
    given = [list(d) if isinstance(d, (tuple, list)) else [d] for d in (source, destination)]
    if isinstance(source, (tuple, list)) is not isinstance(destination, (tuple, list)):
        forms = (f"({kind} source, {kind} destination)" for kind in ("int", "tuple of ints"))
        raise invalid_combination("movedim", (source, destination), {}, *forms)
    if len(given[0]) != len(given[1]):
        raise RuntimeError(
            f"movedim: Invalid source or destination dims: source ({given[0]} dims) should contain the same number of "
            f"dims as destination ({given[1]} dims)"
        )
    start, end = ([messages.checked_dim(d, ndim) for d in dims] for dims in given)
    for name, dims, found in (("source", given[0], start), ("destination", given[1], end)):
        if len(set(found)) != len(found):
            raise RuntimeError(f"movedim: repeated dim in `{name}` ({dims})")
    if ndim == 0:
        return as_view(reorder.named("AliasBackward0"), input, ())
    order = [i for i in range(ndim) if i not in start]
    for to, dim in sorted(zip(end, start, strict=True)):
        order.insert(to, dim)
    return as_view(reorder, input, tuple(order))


@public()
def adjoint(input: Tensor) -> Tensor:
    """The last two dimensions exchanged: there are no complex numbers to conjugate."""
    return _matrices_turned(tensor_argument(input, "adjoint"), "adjoint()")


def _matrices_turned(x: Tensor, name: str) -> Tensor:
    if x.ndim == 0:
        text = f"{name} is deprecated on 0-D tensors. Consider using x.conj()."
        warn(text)
        return x
    if x.ndim == 1:
        name = name.removeprefix("Tensor.")
        raise RuntimeError(f"tensor.{name} is only supported on matrices or batches of matrices. Got 1-D tensor.")
    return transpose(x, -2, -1)


def _matrix_turned(self: Tensor) -> Tensor:
    """The adjoint of a matrix: its transpose."""
    if self.ndim in (0, 2):
        return _matrices_turned(self, "Tensor.H")
    text = f"tensor.H is only supported on matrices (2-D tensors). Got {self.ndim}-D tensor."
    raise RuntimeError(text + " For batches of matrices, consider using tensor.mH" * (self.ndim > 2))


attach(H=property(_matrix_turned), mH=property(lambda self: _matrices_turned(self, "Tensor.mH")))

# Other shapes


@public()
def broadcast_to(input: Tensor, size: Any) -> Tensor:
    """`input.expand(size)`."""
    return tensor_argument(input, "broadcast_to").expand(size)


@public()
def tile(input: Tensor, *dims: Any, **named: Any) -> Tensor:
    """The tensor copied so often along each dimension; `repeat`, but fewer numbers count from the last dimension."""
    if not dims and not named:
        raise TypeError('tile() missing 1 required positional arguments: "dims"')
    times = tuple(sizes(dims, named, "tile", "dims"))
    return repeat(input, *(1,) * (tensor_argument(input, "tile").ndim - len(times)), *times)


@public()
def unflatten(input: Tensor, dim: int, sizes: Any) -> Tensor:
    """One dimension laid out as several, one size of which may be -1: a view."""
    shape = tuple(tensor_argument(input, "unflatten").shape)
    if not shape:
        problem = f"Dimension specified as {dim} but tensor has no dimensions"
        raise RuntimeError(f"unflatten got an unexpected error:\n{problem}")
    if not isinstance(sizes, (tuple, list)):
        raise wrong_type("unflatten", "sizes", 3, "tuple of ints", sizes)
    at, wanted = messages.checked_dim(dim, len(shape)), tuple(sizes)
    if not wanted:
        raise RuntimeError("unflatten: sizes must be non-empty")
    try:
        found = completed_shape(wanted, shape[at])
    except RuntimeError:
        raise RuntimeError(
            f"unflatten: Provided sizes {list(wanted)} don't multiply up to the size of dim {at} ({shape[at]}) in the "
            "input tensor"
        ) from None
    return input.view(*shape[:at], *found, *shape[at + 1 :])


def _at_least(ndim: int, tensors: tuple[Any, ...]) -> Any:
    if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)):
        tensors = tuple(tensors[0])
        return tuple([_at_least(ndim, (x,)) for x in tensors])
    if len(tensors) != 1:
        return tuple([_at_least(ndim, (x,)) for x in tensors])
    x = tensor_argument(tensors[0], f"atleast_{ndim}d")
    if x.ndim == 0:
        return x.reshape((1,) * ndim)
    x = x.unsqueeze(0) if x.ndim == 1 < ndim else x
    return x.unsqueeze(-1) if x.ndim == 2 < ndim else x


@public(method=False)
def atleast_1d(*tensors: Any) -> Any:
    """Tensors of no dimension as vectors of one element; others as they are."""
    return _at_least(1, tensors)


@public(method=False)
def atleast_2d(*tensors: Any) -> Any:
    """Tensors of fewer than two dimensions as matrices of one row; others as they are."""
    return _at_least(2, tensors)


@public(method=False)
def atleast_3d(*tensors: Any) -> Any:
    """Tensors of fewer than three dimensions as if of three: a vector as (1, n, 1), a matrix as (m, n, 1)."""
    return _at_least(3, tensors)


@public(method=False)
def broadcast_tensors(*tensors: Any) -> tuple[Tensor, ...]:
    """Tensors expanded to the shape that they broadcast to: views."""
    whole = np.empty(())
    for i, x in enumerate(tensors):
        if not isinstance(x, Tensor):
            raise TypeError(f"expected Tensor as element {i} in argument 0, but got {type_name(x)}")
        array = x._array
        try:
            whole = np.broadcast_to(0, np.broadcast_shapes(whole.shape, array.shape))
        except ValueError as error:
            raise messages.misfit(error, whole, array) from None
    return tuple([x if x._array.shape == whole.shape else x.expand(whole.shape) for x in tensors])


# Stacked


def _tensors(function: str, tensors: Any) -> list[Tensor]:
    if isinstance(tensors, Tensor) or not isinstance(tensors, (tuple, list)):
        kind = type_name(tensors)
        raise TypeError(f"{function}(): argument 'tensors' (position 1) must be tuple of Tensors, not {kind}")
    if not tensors:
        raise RuntimeError(f"{function} expects a non-empty TensorList")
    return list(tensors)


@public(method=False)
def hstack(tensors: Any) -> Tensor:
    """Tensors joined side by side: along the second dimension, vectors along the first."""
    rows = atleast_1d(_tensors("hstack", tensors))
    return cat(rows, 0 if rows[0].ndim == 1 else 1)


@public("row_stack", method=False)
def vstack(tensors: Any) -> Tensor:
    """Tensors joined one below the other: along the first dimension, vectors as rows."""
    return cat(atleast_2d(_tensors("vstack", tensors)), 0)


@public(method=False)
def dstack(tensors: Any) -> Tensor:
    """Tensors joined one behind the other: along the third dimension."""
    return cat(atleast_3d(_tensors("dstack", tensors)), 2)


@public(method=False)
def column_stack(tensors: Any) -> Tensor:
    """Tensors joined side by side, vectors as columns."""
    columns = _tensors("column_stack", tensors)
    return cat([x.reshape(x.numel(), 1) if x.ndim <= 1 else x for x in columns], 1)


@public()
def swapaxes(input: Tensor, axis0: int, axis1: int) -> Tensor:
    """Two dimensions exchanged, as `transpose`."""
    return transpose(tensor_argument(input, "swapaxes"), axis0, axis1)


# Cut apart: as keywords, torch takes what one place is for under a name for each kind


def _parts(name: str, *given: Any) -> Any:
    """The one that is given of several arguments."""
    found = [parts for parts in given if parts is not NOT_GIVEN]
    if len(found) != 1:
        forms = "(Tensor input, int sections)", "(Tensor input, tuple of ints indices)"
        raise invalid_combination(name, found, {}, *forms)
    return found[0]


@public()
def tensor_split(
    input: Tensor,
    indices_or_sections: Any = NOT_GIVEN,
    dim: int = 0,
    *,
    sections: Any = NOT_GIVEN,
    indices: Any = NOT_GIVEN,
    tensor_indices_or_sections: Any = NOT_GIVEN,
) -> tuple[Tensor, ...]:
    """Parts along `dim`, as views: so many, the first ones larger by 1 where that must be, or cut at these indices."""
    indices_or_sections = _parts("tensor_split", indices_or_sections, sections, indices, tensor_indices_or_sections)
    if not tensor_argument(input, "tensor_split").ndim:
        raise RuntimeError("tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims")
    at = messages.checked_dim(dim, input.ndim)
    length = input.shape[at]
    if isinstance(indices_or_sections, Tensor):
        indices_or_sections = _cuts(indices_or_sections)
    if not isinstance(indices_or_sections, (tuple, list)):
        count = integer("tensor_split", "sections", 1, indices_or_sections)
        if count <= 0:
            raise RuntimeError(f"number of sections must be larger than 0, got {count}")
        small, larger = divmod(length, count)
        cuts = [i * small + min(i, larger) for i in range(count + 1)]
    else:
        cuts = [0, *lengths("tensor_split", "indices", (input, indices_or_sections), indices_or_sections), length]
    return tuple(
        [as_view(sliced, input, (*(EVERY,) * at, slice(start, end))) for start, end in itertools.pairwise(cuts)]
    )


def _cuts(indices_or_sections: Tensor) -> Any:
    """What a tensor says of where to cut, a number or a list of them; or torch's error."""
    start = "tensor_split expected tensor_indices_or_sections to"
    if indices_or_sections.dtype is not dtypes.int64:
        name = messages.TYPE_NAMES[indices_or_sections.dtype.name]
        raise RuntimeError(f"{start} have dtype of long, but got {name}")
    if indices_or_sections.ndim > 1:
        dims = f"{indices_or_sections.ndim} dims"
        raise RuntimeError(f"{start} be a zero-dimensional or one-dimensional tensor, but got a tensor with {dims}")
    return indices_or_sections.tolist()


def _split_along(name: str, input: Tensor, parts: Any, least: int, dim: int) -> tuple[Tensor, ...]:
    ndim = tensor_argument(input, name).ndim
    if ndim < least:
        raise RuntimeError(
            f"torch.{name} requires a tensor with at least {least} dimension, but got a tensor with {ndim} dimensions!"
        )
    if isinstance(parts, int) and (parts == 0 or input.shape[dim] % parts):
        raise RuntimeError(
            f"torch.{name} attempted to split along dimension {dim}, but the size of the dimension {input.shape[dim]} "
            f"is not divisible by the split_size {parts}!"
        )
    return tensor_split(input, parts, dim)


@public()
def hsplit(
    input: Tensor, indices_or_sections: Any = NOT_GIVEN, *, sections: Any = NOT_GIVEN, indices: Any = NOT_GIVEN
) -> tuple[Tensor, ...]:
    """Equal parts side by side, or cut at these indices: along the second dimension, of a vector along the first."""
    parts = _parts("hsplit", indices_or_sections, sections, indices)
    return _split_along("hsplit", input, parts, 1, 0 if tensor_argument(input, "hsplit").ndim == 1 else 1)


@public()
def vsplit(
    input: Tensor, indices_or_sections: Any = NOT_GIVEN, *, sections: Any = NOT_GIVEN, indices: Any = NOT_GIVEN
) -> tuple[Tensor, ...]:
    """Equal parts one below the other, or cut at these indices: along the first dimension."""
    parts = _parts("vsplit", indices_or_sections, sections, indices)
    return _split_along("vsplit", input, parts, 2, 0)


@public()
def dsplit(
    input: Tensor, indices_or_sections: Any = NOT_GIVEN, *, sections: Any = NOT_GIVEN, indices: Any = NOT_GIVEN
) -> tuple[Tensor, ...]:
    """Equal parts one behind the other, or cut at these indices: along the third dimension."""
    parts = _parts("dsplit", indices_or_sections, sections, indices)
    return _split_along("dsplit", input, parts, 3, 2)


# Grids


@public(method=False)
def meshgrid(*tensors: Any, indexing: str | None = None) -> tuple[Tensor, ...]:
    """The coordinates of a grid whose axes are these vectors, one tensor for each, as views.

    "ij" gives the first vector the first dimension; "xy" the second, as plots have it.
    """
    if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)):
        tensors = tuple(tensors[0])
    if indexing is None:
        text = "torch.meshgrid: in an upcoming release, it will be required to pass the indexing argument."
        warn(text)
    elif not isinstance(indexing, str):
        raise wrong_type("meshgrid", "indexing", None, "str", indexing)
    elif indexing not in ("ij", "xy"):
        raise RuntimeError(f'torch.meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}')
    if not tensors:
        raise RuntimeError("meshgrid expects a non-empty TensorList")
    for x in tensors:
        if tensor_argument(x, "meshgrid").dtype is not tensors[0].dtype:
            raise RuntimeError("meshgrid expects all tensors to have the same dtype")
    for x in tensors:
        if x.ndim > 1:
            raise RuntimeError(f"torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got: {x}")
    order = list(range(len(tensors)))
    if indexing == "xy" and len(tensors) > 1:
        order[:2] = 1, 0
    whole = [tensors[i].numel() for i in order]
    along = [[x.numel() if d == i else 1 for d in order] for i, x in enumerate(tensors)]
    return tuple([as_view(as_shape, x, tuple(n)).expand(whole) for x, n in zip(tensors, along, strict=True)])


@public(method=False)
def cartesian_prod(*tensors: Tensor) -> Tensor:
    """All ways to take one element of each vector, one to a row."""
    for x in tensors:
        if tensor_argument(x, "cartesian_prod", "tensors").ndim != 1:
            raise RuntimeError(f"Expect a 1D vector, but got shape {list(x.shape)}")
    if len(tensors) == 1:
        return tensors[0]
    return stack([x.flatten() for x in meshgrid(*tensors, indexing="ij")], 1)


@public(method=False)
def combinations(input: Tensor, r: int = 2, with_replacement: bool = False) -> Tensor:
    """All ways to take `r` elements of a vector, in its order, one to a row."""
    if tensor_argument(input, "combinations").ndim != 1:
        raise RuntimeError("Expect a 1D vector, but got shape " + str(list(input.shape)))
    if r < 0:
        raise RuntimeError(f"Expect a non-negative number, but got {r}")
    if r == 0:
        return input.new_empty(0)
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    picks = np.array(list(choose(range(input.numel()), r)), dtype=np.int64).reshape(-1, r)
    return stack([input.index_select(0, Tensor._of(column.copy())) for column in picks.T], 1)
