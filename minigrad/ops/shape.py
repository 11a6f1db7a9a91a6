"""Operations that move elements to other places, or look at them in another shape."""

from __future__ import annotations

import math
import warnings
from operator import index
from typing import Any

import numpy as np

from .. import messages
from ..dtypes import Size
from ..engine import NodeOfMany
from ..modes import is_grad_enabled
from ..tensor import Tensor, current_origin, wants_grad
from .inplace import as_view, zeros_as
from .names import attach, public, tensor_argument
from .options import integer, lengths, unknown_name, wrong_type
from .table import Op, common_dtype, op

INTERNAL = True
Array = np.ndarray[Any, Any]
Dims = tuple[int, ...]


def _spread(a: Array, shape: Dims) -> Array:
    if a.ndim == 0 or 0 in shape:
        filled = np.empty(shape, a.dtype)  # np.broadcast_to takes longer, and what it returns is slow to compute with
        filled[...] = a
        return filled
    return a.reshape(shape) if a.size == math.prod(shape) else np.broadcast_to(a, shape)


def _expanded(a: Array, shape: Dims) -> Array:
    """`a` in a larger shape over the same memory (np.broadcast_to would forbid changes, also of what fits as it is)."""
    extra = len(shape) - a.ndim
    strides = [0 if has == 1 != n else s for has, n, s in zip(a.shape, shape[extra:], a.strides, strict=True)]
    for i in reversed(range(extra)):  # a new dimension of size 1 steps over all of the others
        strides.insert(0, shape[i + 1] * strides[0] if shape[i] == 1 and a.ndim else 0)
    return np.lib.stride_tricks.as_strided(a, shape, strides)


def _contract(a: Array, shape: Dims) -> Array:
    extra = a.ndim - len(shape)
    stretched = [extra + i for i, n in enumerate(shape) if n == 1 and a.shape[extra + i] != 1]
    return np.add.reduce(a, axis=(*range(extra), *stretched), keepdims=True).reshape(shape)


spread: Op = op("ExpandBackward0", _spread, a=lambda g, a_shape: contract(g, a_shape))
expanded = op("ExpandBackward0", _expanded, a=lambda g, a_shape: contract(g, a_shape))
contract: Op = op("SumBackward1", _contract, a=lambda g, a_shape: spread(g, a_shape))
as_shape = op("ViewBackward0", lambda a, shape: a.reshape(shape), a=lambda g, a_shape: g.reshape(a_shape))
swap: Op = op(
    "TransposeBackward0", lambda a, dim0, dim1: a.swapaxes(dim0, dim1), a=lambda g, dim0, dim1: swap(g, dim0, dim1)
)
reorder: Op = op(
    "PermuteBackward0",
    lambda a, dims: a.transpose(dims),
    a=lambda g, dims: reorder(g, tuple([dims.index(i) for i in range(len(dims))])),
)
tile = op(
    "RepeatBackward0",
    lambda a, repeats: np.asarray(np.tile(a, repeats), order="C"),
    a=lambda g, a_shape, repeats: _untile(g, a_shape, repeats),
)
as_copied_shape, as_aliased_shape = as_shape.named("UnsafeViewBackward0"), as_shape.named("ReshapeAliasBackward0")


def _untile(g: Any, shape: Dims, repeats: Dims) -> Any:
    """`g` cut into the copies, and those added up; torch records nothing of it where there are none."""
    if 0 in repeats:
        g = zeros_as(g)
    sizes = (1,) * (len(repeats) - len(shape)) + tuple(shape)
    pairs = tuple([n for pair in zip(repeats, sizes, strict=True) for n in pair])
    return g.reshape(pairs).sum(axis=tuple(range(0, len(pairs), 2))).reshape(shape) if pairs else g


# Other shapes


def checked_dims(dims: Any, ndim: int) -> Dims:
    """One dim or several, counted from the front; torch's errors for one that is not there, or is there twice."""
    if not isinstance(dims, (tuple, list)):
        dims = (index(dims) if isinstance(dims, Tensor) and dims._array.size == 1 else dims,)
    elif dims and not isinstance(dims[0], bool):  # torch looks closely at the first one only
        dims = [d if d.__class__ is int else index(d) for d in dims]
    found: list[int] = []
    for d in dims:
        found.append(messages.checked_dim(d, ndim))
        if found[-1] in found[:-1]:
            raise RuntimeError(f"dim {found[-1]} appears multiple times in the list of dims")
    return tuple(found)


def completed_shape(shape: Any, count: int) -> Dims:
    """`shape` with a -1 worked out; torch's RuntimeError where `count` elements do not fit."""
    known = math.prod([n for n in shape if n != -1])
    for i, n in enumerate(shape):
        if n < -1:
            raise RuntimeError(f"invalid shape dimension {n} at index {i} of shape {list(shape)}")
    if -1 in shape:
        if shape.count(-1) > 1:
            raise RuntimeError("only one dimension can be inferred")
        if known == 0 and count == 0:
            raise RuntimeError(
                f"cannot reshape tensor of 0 elements into shape {list(shape)} because the unspecified dimension size "
                "-1 can be any value and is ambiguous"
            )
        if known and count % known == 0:
            return tuple([count // known if n == -1 else n for n in shape])
    elif known == count:
        return tuple(shape)
    raise RuntimeError(messages.wrong_count(list(shape), count))


def sizes(shape: Any, named: dict[str, Any] | None = None, function: str = "", name: str = "") -> tuple[Any, ...]:
    """Sizes given one by one, as one sequence, or as one under the name that torch's `function` has for it."""
    if named:
        if shape or list(named) != [name]:
            raise unknown_name(function, min(named.keys() - {name} or {name}))
        shape = (named[name],)
        if not isinstance(shape[0], (tuple, list)):
            raise wrong_type(function, name, None, "tuple of ints", shape[0])
    given = shape
    if len(shape) == 1 and isinstance(shape[0], (tuple, list)):
        shape = shape[0]
        if shape.__class__ is Size:
            return shape
    for n in shape:
        if n.__class__ is not int:
            return tuple(lengths(function, name, given, shape))
    return tuple(shape)


def _is_view(array: Array, of: Array) -> bool:
    return array.base is of or (array.base is not None and array.base is of.base) or array.size == 0


def _reshaped(input: Tensor, shape: Dims) -> Tensor:
    array = input._array
    if array.flags.c_contiguous:
        return as_view(as_shape, input, shape)
    if _is_view(array.reshape(shape), array):
        return as_view(as_aliased_shape, input, shape)
    return as_copied_shape.call(input, shape)


@public()
def reshape(input: Tensor, *shape: Any, **named: Any) -> Tensor:
    """The same elements in another shape, one size of which may be -1: a view if that can be, else a copy."""
    array = input._array if input.__class__ is Tensor else tensor_argument(input, "reshape")._array
    has = array.shape  # a plain tuple, with which NumPy is twice as quick as with a Size
    wanted = shape[0] if shape and shape[0].__class__ is Size else sizes(shape, named, "reshape", "shape")
    return _reshaped(input, has if wanted == has else completed_shape(wanted, array.size))


@public(function=False)
def view(self: Tensor, *shape: Any, **named: Any) -> Tensor:
    """The same memory in another shape; RuntimeError where only a copy could have it."""
    array = self._array
    wanted = completed_shape(sizes(shape, named, "view", "size"), array.size)
    if not (array.flags.c_contiguous or _is_view(array.reshape(wanted), array)):
        raise RuntimeError(messages.not_viewable())
    return as_view(as_shape, self, wanted)


@public(function=False)
def view_as(self: Tensor, other: Tensor) -> Tensor:
    """`self.view(other.shape)`."""
    return view(self, other.shape)


@public(function=False)
def reshape_as(self: Tensor, other: Tensor) -> Tensor:
    """`self.reshape(other.shape)`."""
    return _reshaped(self, completed_shape(other.shape, self._array.size))


@public()
def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """The dimensions from `start_dim` to `end_dim` laid out as one."""
    ndim = tensor_argument(input, "flatten").ndim
    first, last = messages.checked_dim(start_dim, ndim), messages.checked_dim(end_dim, ndim)
    if first > last:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    if ndim and first == last:
        return input
    shape = tuple(input.shape)
    return _reshaped(input, (*shape[:first], math.prod(shape[first : last + 1]), *shape[last + 1 :]))


@public()
def ravel(input: Tensor) -> Tensor:
    """All elements in one dimension."""
    return as_view(as_shape, input.contiguous(), (-1,))


@public()
def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """A new dimension of size 1 at `dim`."""
    shape = tensor_argument(input, "unsqueeze")._array.shape
    at = messages.checked_dim(dim, len(shape) + 1)
    return as_view(insert_axis, input, at)


def _insert_axis(a: Array, at: int) -> Array:
    """A new axis whose stride is torch's: as if one more of the same could follow."""
    shape = (*a.shape[:at], 1, *a.shape[at:])
    stride = a.strides[at] * a.shape[at] if at < a.ndim else a.itemsize
    strides = (*a.strides[:at], stride, *a.strides[at:])
    if a.flags.c_contiguous and (r := a.reshape(shape)).strides == strides:
        return r  # which is quicker
    return np.lib.stride_tricks.as_strided(a, shape, strides)


insert_axis = op("UnsqueezeBackward0", _insert_axis, a=lambda g, a_shape: g.reshape(a_shape))
remove_axes = op("SqueezeBackward0", lambda a, axes: a.squeeze(axes), a=lambda g, a_shape: g.reshape(a_shape))


@public()
def squeeze(input: Tensor, dim: Any = None, *more: Any) -> Tensor:
    """Without the dimensions of size 1, or without those of them that `dim` names."""
    shape = tensor_argument(input, "squeeze")._array.shape
    dim = (dim, *more) if more else dim
    if dim is None:
        return as_view(remove_axes, input, tuple([i for i, n in enumerate(shape) if n == 1]))
    axes = tuple([d for d in checked_dims(dim, len(shape)) if shape and shape[d] == 1])
    name = "SqueezeBackward2" if isinstance(dim, (tuple, list)) else "SqueezeBackward1"
    return as_view(remove_axes.named(name), input, axes)


# Other orders


@public("swapdims")
def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """Two dimensions exchanged."""
    ndim = tensor_argument(input, "transpose").ndim
    first, second = messages.checked_dim(dim0, ndim), messages.checked_dim(dim1, ndim)
    return as_view(swap, input, first, second) if ndim else as_view(as_shape.named("TransposeBackward0"), input, ())


@public()
def t(input: Tensor) -> Tensor:
    """The transpose of a matrix; a vector or a number as it is."""
    ndim = tensor_argument(input, "t").ndim
    if ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {ndim}D")
    return as_view(reorder.named("TBackward0"), input, tuple(range(ndim))[::-1])


@public()
def permute(input: Tensor, *dims: Any, **named: Any) -> Tensor:
    """The dimensions in the order of `dims`."""
    order = sizes(dims, named, "permute", "dims")
    ndim = tensor_argument(input, "permute").ndim
    if len(order) != ndim:
        raise RuntimeError(
            "permute(sparse_coo): number of dimensions in the tensor input does not match the length of the desired "
            f"ordering of dimensions i.e. input.dim() = {ndim} is not equal to len(dims) = {len(order)}"
        )
    order = tuple([messages.checked_dim(d, ndim) for d in order])
    if len(set(order)) != ndim:
        raise RuntimeError("permute(): duplicate dims are not allowed.")
    return as_view(reorder, input, order)


def _all_reversed(self: Tensor) -> Tensor:
    """All dimensions in reverse order."""
    if self._array.ndim != 2:
        warnings.warn(messages.only_for_matrices("T", self._array.ndim), UserWarning, stacklevel=2)
    return as_view(reorder, self, tuple(range(self._array.ndim))[::-1])


def _last_two_swapped(self: Tensor) -> Tensor:
    """The last two dimensions exchanged."""
    ndim = self._array.ndim
    if ndim == 0:
        warnings.warn(messages.only_for_matrices("mT", 0), UserWarning, stacklevel=2)
        return self
    if ndim < 2:
        raise RuntimeError(f"tensor.mT is only supported on matrices or batches of matrices. Got {ndim}-D tensor.")
    return as_view(swap, self, ndim - 2, ndim - 1)


attach(T=property(_all_reversed), mT=property(_last_two_swapped))

# More, or fewer, of the same


@public(function=False)
def expand(self: Tensor, *sizes_: Any, **named: Any) -> Tensor:
    """Dimensions of size 1 repeated without using memory; -1 keeps a size."""
    return as_view(expanded, self, expanded_shape(self._array, sizes(sizes_, named, "expand", "size")))


def expanded_shape(array: Array, wanted: Dims) -> Dims:
    """The shape of `array` once it is expanded; torch's RuntimeError where it cannot be."""
    shape = array.shape
    extra = len(wanted) - len(shape)
    if extra < 0:
        raise RuntimeError(messages.too_few_sizes(list(wanted), list(shape), array.dtype.name))
    full = list(wanted)
    for i in reversed(range(len(wanted))):  # torch reports the last misfit
        n = wanted[i]
        has = shape[i - extra] if i >= extra else 1
        if n == -1 and i < extra:
            raise RuntimeError(
                f"The expanded size of the tensor ({n}) isn't allowed in a leading, non-existing dimension {i}"
            )
        if n != -1 and n != has and has != 1:
            raise RuntimeError(
                f"The expanded size of the tensor ({n}) must match the existing size ({has}) at non-singleton "
                f"dimension {i}.  Target sizes: {list(wanted)}.  Tensor sizes: {list(shape)}"
            )
        full[i] = has if n == -1 else n
    return tuple(full)


@public(function=False)
def expand_as(self: Tensor, other: Tensor) -> Tensor:
    """`self.expand(other.shape)`."""
    return expand(self, *other.shape)


@public(function=False)
def repeat(self: Tensor, *repeats: Any, **named: Any) -> Tensor:
    """The tensor copied `repeats` times along each dimension."""
    times = sizes(repeats, named, "repeat", "repeats")
    if len(times) < self.ndim:
        raise RuntimeError("Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor")
    shape = [n * size for n, size in zip(times, (1,) * (len(times) - self.ndim) + self.shape, strict=True)]
    if (negative := next((n for n in shape if n < 0), 0)) < 0:
        raise RuntimeError(f"Trying to create tensor with negative dimension {negative}: {shape}")
    return tile.call(self, times)


class CatBackward0(NodeOfMany):
    """Several tensors joined along a dimension: each gets its own part of the gradient."""

    __slots__ = ()

    def pull(self, g: Any, edges: Any, saved: Any) -> list[Any]:
        """Cut `g` where the tensors met."""
        dim, ends = saved
        before = (slice(None),) * dim
        return [
            # Nothing, in one dimension, may be joined with tensors of any shape.
            None if e is None else g.reshape((-1,))[:0] if shape == (0,) else g[(*before, slice(start, end))]
            for e, start, end, (shape, _) in zip(edges, (0, *ends), ends, self.targets, strict=False)
        ]


class StackBackward0(NodeOfMany):
    """Several tensors joined along a new dimension: each gets its own part of the gradient."""

    __slots__ = ()

    def pull(self, g: Any, edges: Any, saved: Any) -> list[Any]:
        """Take `g` apart along the new dimension."""
        before = (slice(None),) * saved
        return [None if e is None else g[(*before, i)] for i, e in enumerate(edges)]


def joined(array: Array, tensors: list[Tensor], node: type[NodeOfMany], saved: Any) -> Tensor:
    """The result of joining `tensors`, recorded if one of them requires grad."""
    result = Tensor._of(array)
    origins = [current_origin(x) for x in tensors]
    if any(origin is not None for origin in origins) and is_grad_enabled():
        if any(map(wants_grad, origins)):
            made = result._origin = node(tensors, saved)
            made.targets = tuple([(x._array.shape, x._array.dtype) for x in tensors])
        else:
            result._origin = next(origin for origin in origins if origin is not None)
    return result


def _tensor_list(tensors: Any, function: str) -> list[Tensor]:
    if isinstance(tensors, Tensor) or not isinstance(tensors, (list, tuple)):
        kind = messages.type_name(tensors)
        text = f"{function}(): argument 'tensors' (position 1) must be tuple of Tensors, not {kind}"
        raise TypeError(f"{text}\n  Put them into one list: torch.{function}([a, b]).")
    if not tensors:
        if function == "cat":
            raise ValueError("torch.cat(): expected a non-empty list of Tensors")
        raise RuntimeError("stack expects a non-empty TensorList")
    for i, x in enumerate(tensors):
        if not isinstance(x, Tensor):
            raise TypeError(f"expected Tensor as element {i} in argument 0, but got {messages.type_name(x)}")
    return list(tensors)


@public("concat", "concatenate", method=False)
def cat(tensors: Any, dim: int = 0) -> Tensor:
    """Tensors joined along a dimension that they have; their other sizes must be equal."""
    tensors = _tensor_list(tensors, "cat")
    for i, x in enumerate(tensors):
        if x.ndim == 0:
            raise RuntimeError(f"zero-dimensional tensor (at position {i}) cannot be concatenated")
    shaped = [x for x in tensors if x._array.shape != (0,)]
    if not shaped:  # torch lets these stand for nothing at all, in any dimension
        shaped, dim = tensors, 0
    dim = messages.checked_dim(dim, shaped[0].ndim)
    for i, x in enumerate(tensors):
        if x._array.shape != (0,):
            messages.check_joinable(shaped[0].shape, x.shape, dim, i)
    d = common_dtype(*tensors).numpy
    array = np.ascontiguousarray(np.concatenate([x._array for x in shaped], axis=dim, dtype=d))
    total, ends = 0, []
    for x in tensors:
        total += x._array.shape[dim] if x._array.shape != (0,) else 0
        ends.append(total)
    return joined(array, tensors, CatBackward0, (dim, tuple(ends)))


@public(method=False)
def stack(tensors: Any, dim: int = 0) -> Tensor:
    """Tensors of one shape joined along a new dimension."""
    tensors = _tensor_list(tensors, "stack")
    first = tensors[0]._array.shape
    dim = messages.checked_dim(dim, len(first) + 1)
    for i, x in enumerate(tensors):
        if x._array.shape != first:
            raise RuntimeError(
                f"stack expects each tensor to be equal size, but got {list(first)} at entry 0 and "
                f"{list(x._array.shape)} at entry {i}\n  Pad or cut them; torch.cat joins along a dimension there is."
            )
    d = common_dtype(*tensors).numpy
    array = np.ascontiguousarray(np.stack([x._array for x in tensors], axis=dim, dtype=d))
    return joined(array, tensors, StackBackward0, dim)


@public()
def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """The slices along `dim`, as views."""
    dim = messages.checked_dim(dim, tensor_argument(input, "unbind").ndim)
    if input.ndim == 0:
        raise IndexError("Dimension specified as 0 but tensor has no dimensions")
    before, step = (slice(None),) * dim, piece.named("UnbindBackward0")
    return tuple([as_view(step, input, (*before, i, ...), i, multi=True) for i in range(input._array.shape[dim])])


def _place_part(a: Array, shape: Dims, at: Any) -> Array:
    whole = np.zeros(shape, a.dtype)
    whole[at] = a
    return whole


part: Op = op("SliceBackward0", lambda a, at: a[at], a=lambda g, a_shape, at: whole_of(g, a_shape, at))
whole_of: Op = op("SliceBackward0", _place_part, a=lambda g, at: part(g, at))
# One of several results: its node tells which, for `output_nr` and for errors.
piece = op("SplitBackward0", lambda a, at, output: a[at], a=lambda g, a_shape, at, output: whole_of(g, a_shape, at))


@public(method=False)
def split(tensor: Tensor, split_size_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Consecutive parts along `dim`, as views: of one size (the last may be smaller), or of the sizes in a list."""
    if not tensor_argument(tensor, "split", "tensor").ndim:
        raise RuntimeError("split expects at least a 1-dimensional tensor")
    given, dim = dim, messages.checked_dim(dim, tensor.ndim)
    length = tensor._array.shape[dim]
    step = piece
    if not isinstance(split_size_or_sections, (tuple, list)):
        size = integer("split", "split_size", 1, split_size_or_sections)
        if size < 0:
            raise RuntimeError(f"split expects split_size be non-negative, but got split_size={size}")
        if size == 0 and length:
            raise RuntimeError(f"split_size can only be 0 if dimension size is 0, but got dimension size of {length}")
        sections = [min(size, length - start) for start in range(0, length, size or 1)] or [0]
    else:
        step = piece.named("SplitWithSizesBackward0")
        sections = lengths("split_with_sizes", "split_sizes", (split_size_or_sections,), split_size_or_sections)
        if min(sections, default=0) < 0:
            raise RuntimeError(
                f"split_with_sizes expects split_sizes have only non-negative entries, but got split_sizes={sections}"
            )
        if sum(sections) != length:
            raise RuntimeError(
                f"split_with_sizes expects split_sizes to sum exactly to {length} (input tensor's size at dimension "
                f"{given}), but got split_sizes={sections}"
            )
    before, start = (slice(None),) * dim, 0
    parts: list[Tensor] = []
    for section in sections:
        parts.append(as_view(step, tensor, (*before, slice(start, start + section)), len(parts), multi=True))
        start += section
    return tuple(parts)


@public()
def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """At most `chunks` parts of one size along `dim` (the last may be smaller), as views."""
    if not tensor_argument(input, "chunk").ndim:
        raise RuntimeError("chunk expects at least a 1-dimensional tensor")
    chunks = integer("chunk", "chunks", 1, chunks)
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    length = input.shape[messages.checked_dim(dim, input.ndim)]
    return split(input, -(-length // chunks) or [0] * chunks, dim)
