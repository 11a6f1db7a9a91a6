"""What minigrad says when something is wrong: torch's own text first, then where, then how to mend it."""

from __future__ import annotations

import linecache
from operator import index as as_index
from types import CodeType
from typing import Any

import numpy as np

INTERNAL = True


def position(code: CodeType, lasti: int) -> tuple[str, int, str]:
    """File, line number and text of the expression at instruction `lasti` of `code`."""
    places = list(code.co_positions())
    first, last, start, end = places[lasti // 2] if 0 <= lasti // 2 < len(places) else (None,) * 4
    line_number = first or code.co_firstlineno
    text = linecache.getline(code.co_filename, line_number)
    if last == first and start is not None and end is not None:
        text = text.encode()[start:end].decode(errors="replace")
    return code.co_filename, line_number, text.strip()


def at(code: CodeType, lasti: int) -> str:
    """One indented line that says where, and quotes the expression."""
    name, line, text = position(code, lasti)
    return f'  File "{name}", line {line}, in {code.co_name}' + (f"\n    {text}" if text else "")


def add_line(error: BaseException, what: str, node: Any) -> None:
    """Attach to an exception the user's line that recorded `node`."""
    error.add_note(f"{what}\n{at(node.code, node.lasti)}")


_HEAP_TYPE = 1 << 9  # CPython's flag of the classes that it names without their module


def type_name(value: Any) -> str:
    """The type of `value` as torch's messages, and CPython's, name it: such as numpy.float32."""
    kind = type(value)
    if kind.__module__ == "minigrad.dtypes":
        return f"torch.{kind.__name__}"
    if kind.__module__.partition(".")[0] == "torch":  # which nothing but its place tells from minigrad's
        return f"real torch's {kind.__name__}"
    has_short_name = kind.__flags__ & _HEAP_TYPE or kind.__module__ == "builtins"
    return kind.__name__ if has_short_name else f"{kind.__module__}.{kind.__name__}"


def checked_dim(dim: Any, ndim: int) -> int:
    """`dim` counted from the front; torch's IndexError if there is no such dimension (0-d counts as one)."""
    found: int = dim if dim.__class__ is int else _unusual_dim(dim)
    room = max(ndim, 1)
    if not -room <= found < room:
        if not -(2**63) <= found < 2**63:
            raise ValueError("Overflow when unpacking long long")
        raise IndexError(f"Dimension out of range (expected to be in range of [{-room}, {room - 1}], but got {found})")
    return found % room


def _unusual_dim(dim: Any) -> int:
    """`dim`, if it is one of the other ints that torch takes for one: NumPy's, or a 0-d tensor of one."""
    array = getattr(dim, "_array", None)
    is_tensor_of_one = array is not None and array.ndim == 0 and array.dtype.kind in "iu"
    if isinstance(dim, bool) or not (is_tensor_of_one or isinstance(dim, (int, np.integer))):
        raise TypeError(f"argument 'dim' must be int, not {type_name(dim)}")
    return as_index(dim)  # raises TypeError for np.timedelta64, which is an np.integer


def misfit(error: Exception, x: Any, y: Any) -> Exception:
    """The error for two shapes that do not broadcast, or for two bools; any other error comes back as it is."""
    if isinstance(error, TypeError):
        return _subtraction_of_bools(2) if x.dtype.kind == y.dtype.kind == "b" else error
    for i in range(1, min(x.ndim, y.ndim) + 1):
        if x.shape[-i] != y.shape[-i] and 1 not in (x.shape[-i], y.shape[-i]):
            dim = max(x.ndim, y.ndim) - i
            return RuntimeError(
                f"The size of tensor a ({x.shape[-i]}) must match the size of tensor b ({y.shape[-i]}) "
                f"at non-singleton dimension {dim}\n"
                f"  The shapes are {x.shape} and {y.shape}. Aligned at their ends, two sizes must be equal, or one of\n"
                "  them 1 or missing."
            )
    return error


def second_backward(node: Any) -> str:
    return (
        "Trying to backward through the graph a second time (or directly access saved tensors after they have "
        "already been freed). Saved intermediate values of the graph are freed when you call .backward() or "
        "autograd.grad(). Specify retain_graph=True if you need to backward through the graph a second time or if "
        "you need to access saved tensors after calling backward.\n"
        f"{at(node.code, node.lasti)}\n"
        "  recorded the operation whose values are gone. Compute the loss again, or keep them: "
        "backward(retain_graph=True).\n"
        "  If a value is carried on from an earlier pass, cut it off from that first: h = h.detach()."
    )


def changed_in_place(node: Any, storage: Any, version: int, value: str = "") -> str:
    """`value`  what torch would call the saved value; not needed for an operation of the table"""
    name, maker = (value, None) if value else _saved_value(node, storage)
    if _makes_one_of_several(maker):
        text = write_to_view("multi", maker, of_base=True)
    else:
        text = (
            "one of the variables needed for gradient computation has been modified by an inplace operation: "
            f"{name} is at version {storage.version}; expected version {version} instead. "
            "Hint: enable anomaly detection to find the operation that failed to compute its gradient, with "
            "torch.autograd.set_detect_anomaly(True, check_nan=False)."
        )
    what = "changed it."
    if storage.changed_by == (node.code, node.lasti):
        what = "(the same) changed it. If it calls a layer with inplace=True, leave that out; otherwise:\n "
    return (
        f"{text}\n{at(node.code, node.lasti)}\n  saved it to compute the gradient of {node.name()}, and then\n"
        f"{at(*storage.changed_by) if storage.changed_by else ''}\n"
        f"  {what} Change a copy instead (x = x + 1 rather than x += 1, or x.clone()); after a step that updates\n"
        "  parameters, compute the loss again."
    )


def short_name(node: Any) -> str:
    """`Exp` for ExpBackward0, `Pow2` for PowBackward2, `F` for FBackward; CopyBackwards stays as it is."""
    name: str = node.name()
    operation, _, number = name.rpartition("Backward")
    return name if number.strip("0123456789") else operation + number.removeprefix("0")


def _makes_view(node: Any) -> bool:
    return getattr(getattr(node, "op", None), "is_view", False)


def _makes_one_of_several(node: Any) -> bool:
    """Whether a node gives one of several views, as `split` does, or a view of such a one."""
    while _makes_view(node) and not hasattr(node, "s_output"):
        node = node.e_a
    return hasattr(node, "s_output")


def _saved_value(node: Any, storage: Any) -> tuple[str, Any]:
    """What `node` saved of `storage`, as torch names it, and the node that made that, if it is another."""
    for name in type(node).op.guarded if hasattr(type(node), "op") else ():
        guard = getattr(node, f"g_{name}")
        if getattr(guard, "storage", guard) is storage:
            array, maker = getattr(node, f"s_{name}"), node if name == "out" else getattr(node, f"e_{name}", None)
            made_by = short_name(maker) if hasattr(maker, "rank") else ""
            if made_by not in ("", "AsStrided") and name != "out":  # torch names what it comes from by now
                made_by = "AsStrided" if _makes_view(maker) else storage.rewritten_by or made_by
            output = f", which is output 0 of {made_by}," if made_by else ""
            return type_and_shape(array) + output, None if name == "out" else maker
    return "it", None


def type_and_shape(array: Any) -> str:
    """How torch names a tensor in a message, such as [torch.FloatTensor [3]]."""
    return f"[torch.{TYPE_NAMES[array.dtype.name]}Tensor {list(array.shape)}]"


def nan_gradient(node: Any, index: int) -> str:
    return f"Function '{node.name()}' returned nan values in its {index}th output.\n{at(node.code, node.lasti)}"


def cannot_require_grad(dtype: Any, complex_too: str = "") -> str:
    return (
        f"only Tensors of floating point{complex_too} dtype can require gradients\n"
        f"  This one is of {dtype}. Make it floating first: x.float(), or torch.tensor([1.0, 2.0])."
    )


def numpy_of_tensor_with_grad() -> str:
    return (
        "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.\n"
        "  NumPy records no gradients, so this leaves the graph; detach() says that you mean to."
    )


def not_one_element(tensor: Any) -> str:
    return (
        f"a Tensor with {tensor.numel()} elements cannot be converted to Scalar\n"
        f"  Its shape is {tuple(tensor.shape)}. Reduce it first, x.sum() or x.mean(), or take all of it: x.tolist()."
    )


def no_python_scalar(tensor: Any) -> str:
    return (
        "only one element tensors can be converted to Python scalars\n"
        f"  This one has shape {tuple(tensor.shape)}. Reduce it first, x.sum() or x.mean(), or pick one: x[0];\n"
        "  and a list of such becomes one tensor by torch.stack(list), with its graph."
    )


def scalar_out_of_graph() -> str:
    return (
        "Converting a tensor with requires_grad=True to a scalar may lead to unexpected behavior.\n"
        "Consider using tensor.detach() first."
    )


def text_as_data(data: Any) -> str:
    """For a string where numbers are wanted."""
    return (
        f"new(): invalid data type '{type_name(data)}'\n"
        "  A tensor holds numbers: float('3.5') reads one; give each word or class a number of its own first."
    )


def ambiguous_truth(tensor: Any) -> str:
    what = "more than one value" if tensor.numel() else "no values"
    return (
        f"Boolean value of Tensor with {what} is ambiguous\n"
        f"  Its shape is {tuple(tensor.shape)}. Say which you mean: x.any(), x.all(), or x.numel() > 0."
    )


def copy_of_computed() -> str:
    return (
        "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the moment.  "
        "If you were attempting to deepcopy a module, this may be because of a torch.nn.utils.weight_norm usage, see "
        "https://github.com/pytorch/pytorch/pull/103001\n"
        "  Copy its value, x.detach(), or keep it in the graph, x.clone()."
    )


BACKWARD_INSIDE = (
    "backward() called inside a functorch transform. This is not supported, please use functorch.grad or functorch.vjp "
    "instead or call backward() outside of functorch transforms."
)


def inside_transform(method: str) -> str:
    """For a method that asks for gradients, called inside a function that `minigrad.func` differentiates."""
    others = " (or perhaps using torch.autograd.functional.* APIs)" if method == "requires_grad_" else ""
    return (
        f"You are attempting to call Tensor.{method}(){others} inside of a function being transformed by a functorch "
        "transform. This is unsupported, please attempt to use the functorch transforms (e.g. grad, vjp, jacrev, "
        f"jacfwd, hessian) or call {method}() outside of a function being transformed instead."
    )


def negative_strides() -> str:
    return (
        "At least one stride in the given numpy array is negative, and tensors with negative strides are not "
        "currently supported. (You can probably work around this by making a copy of your array  with array.copy().) "
    )


def overlapping_write() -> str:
    return (
        "unsupported operation: more than one element of the written-to tensor refers to a single memory location. "
        "Please clone() the tensor before performing the operation."
    )


def overlapping_operands() -> str:
    return (
        "unsupported operation: some elements of the input tensor and the written-to tensor refer to a single memory "
        "location. Please clone() the tensor before performing the operation."
    )


def write_to_leaf(what: str) -> str:
    return (
        f"{what} that requires grad is being used in an in-place operation.\n"
        "  A gradient is wanted for its value, so that may not change while operations are recorded. To update a\n"
        "  parameter, do it under torch.no_grad(); otherwise make a new tensor: w = w + 1."
    )


def write_to_view(made_by: str, made: Any, of_base: bool) -> str:
    """For a view that was made by `made`, a node or None; `of_base`: not the view was changed, but what it views."""
    output = f"Output {made.as_users_see_it()[1]} of {short_name(made)} is a view" if made is not None else ""
    changed = "its base or another view of its base has been" if of_base else "is being"
    if made_by == "no_grad" or made is None:
        start = f"{output} of a view which" if output else "A view"
        text = f"{start} was created in no_grad mode and {changed} modified inplace with grad mode enabled."
    else:
        text = f"{output} and {changed} modified inplace."
    if made_by == "multi":
        return (
            f"{text} This view is the output of a function that returns multiple views. Such functions do not allow "
            "the output views to be modified inplace. You should replace the inplace operation by an out-of-place one."
        )
    if made_by == "function":
        return (
            f"{text} This view was created inside a custom Function (or because an input was returned as-is) and the "
            "autograd logic to handle view+inplace would override the custom backward associated with the custom "
            "Function, leading to incorrect gradients. This behavior is forbidden. You can fix this by cloning the "
            "output of the custom Function."
        )
    return (
        f"{text} Given that this use case is ambiguous and error-prone, it is forbidden. You can clarify your code by "
        "moving both the view and the inplace either both inside the no_grad block (if you don't want the inplace to "
        "be tracked) or both outside (if you want the inplace to be tracked)."
    )


TYPE_NAMES = {"float32": "Float", "float64": "Double", "float16": "Half", "bool": "Bool", "uint8": "Byte"}
TYPE_NAMES |= {"int8": "Char", "int16": "Short", "int32": "Int", "int64": "Long"}
C_NAMES = {"float32": "float", "float64": "double", "float16": "c10::Half", "bool": "bool", "uint8": "unsigned char"}
C_NAMES |= {"int8": "signed char", "int16": "short int", "int32": "int", "int64": "long int"}


def cannot_cast(result: Any, wanted: Any) -> str:
    return f"result type {TYPE_NAMES[result.name]} can't be cast to the desired output type {TYPE_NAMES[wanted.name]}"


def does_not_fit(value: Any, dtype: Any, in_list: bool = False) -> str:
    name = C_NAMES[dtype.name] if dtype.kind == "f" or dtype.name == "int32" else f"{dtype.name}_t"
    if in_list:
        name = dtype.name
    return (
        f"value cannot be converted to type {name} without overflow\n  {value!r} is outside the range of {dtype.name}."
    )


def cannot_grow(target: Any, result: Any) -> str:
    return (
        f"output with shape {list(target.shape)} doesn't match the broadcast shape {list(result.shape)}\n"
        "  A change in place keeps the shape. Make a new tensor instead: x = x + y rather than x += y."
    )


def array_among_tensors() -> str:
    return (
        "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.\n"
        "  A NumPy array stands beside a tensor that requires grad. Make the array a tensor, torch.tensor(array), and\n"
        "  gradients flow; or leave the graph on purpose with detach()."
    )


def array_on_the_left(sign: str) -> str:
    return (
        f"unsupported operand type(s) for {sign}: 'numpy.ndarray' and 'Tensor'\n"
        "  Make the array a tensor first: torch.tensor(array), or torch.from_numpy(array) to share its memory."
    )


def check_no_bools(a: Any, b: Any) -> None:
    """Raise torch's error for a subtraction with bools."""
    is_bool = [getattr(getattr(x, "dtype", None), "name", None) == "bool" or isinstance(x, bool) for x in (a, b)]
    if any(is_bool):
        raise _subtraction_of_bools(sum(is_bool))


def _subtraction_of_bools(how_many: int) -> Exception:
    if how_many == 2:
        return RuntimeError(
            "Subtraction, the `-` operator, with two bool tensors is not supported. "
            "Use the `^` or `logical_xor()` operator instead."
        )
    return RuntimeError(
        "Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying to invert a "
        "mask, use the `~` or `logical_not()` operator instead."
    )


def must_be_floating(function: str, dtype: Any, whose: str = "Input") -> str:
    if function == "mean":
        return (
            f"mean(): could not infer output dtype. {whose} dtype must be either a floating point or complex dtype. "
            f"Got: {TYPE_NAMES[dtype.name]}\n  Make it floating first: x.float().mean()."
        )
    if function in ("var", "std"):
        return "std and var only support floating point and complex dtypes"
    if function == "linalg.vector_norm":
        return f"linalg.vector_norm: Expected a floating point or complex tensor as input. Got {TYPE_NAMES[dtype.name]}"
    return not_implemented(function, dtype)


def not_implemented(kernel: str, dtype: Any) -> str:
    return f"\"{kernel}\" not implemented for '{TYPE_NAMES[dtype.name]}'"


def check_scalar_types(x: Any, y: Any) -> None:
    """Raise torch's RuntimeError where two arrays, that are to be of one dtype, are not."""
    if x.dtype != y.dtype:
        one, two = (TYPE_NAMES[a.dtype.name] for a in (x, y))
        raise RuntimeError(
            f"expected scalar type {one} but found {two}\n  Convert the second: x.to(torch.{x.dtype.name})."
        )


def check_not_bool(a: Any, kernel: str) -> None:
    """Raise torch's error for bools where its `kernel` has no use for them."""
    if a._array.dtype.kind == "b":
        raise NotImplementedError(not_implemented(kernel, a.dtype))


def check_floats(x: Any, kernel: str, kinds: str = "efd") -> None:
    """Raise torch's error for a tensor, or an array, of another dtype than the floating ones that its `kernel` has."""
    array = getattr(x, "_array", x)
    if array.dtype.char not in kinds:
        raise NotImplementedError(not_implemented(kernel, array.dtype))


def nothing_to_choose(name: str, dim: int | None = None, whole: bool = False) -> str:
    if dim is not None:
        return f"{name}(): Expected reduction dim {dim} to have non-zero size."
    how = " Specify the reduction dim with the 'dim' argument." if whole else ""
    return f"{name}(): Expected reduction dim to be specified for input.numel() == 0.{how}"


def wrong_count(shape: list[int], count: int) -> str:
    return (
        f"shape '{shape}' is invalid for input of size {count}\n"
        f"  The sizes must multiply to {count}, the number of elements; one of them may be -1 and is worked out."
    )


def not_viewable() -> str:
    return (
        "view size is not compatible with input tensor's size and stride (at least one dimension spans across two "
        "contiguous subspaces). Use .reshape(...) instead."
    )


def no_boolean_mask(dtype: Any) -> str:
    return f"masked_fill_ only supports boolean masks, but got mask with dtype {C_NAMES[dtype.name]}"


def only_for_matrices(name: str, ndim: int) -> str:
    if ndim == 0:
        return f"Tensor.{name} is deprecated on 0-D tensors. This function is the identity in these cases."
    return (
        f"The use of `x.{name}` on tensors of dimension other than 2 to reverse their shape is deprecated and it will "
        "throw an error in a future release. Consider `x.mT` to transpose batches of matrices or "
        "`x.permute(*torch.arange(x.ndim - 1, -1, -1))` to reverse the dimensions of a tensor."
    )


def too_few_sizes(wanted: list[int], shape: list[int], dtype: str) -> str:
    kind = "CPUBoolType" if dtype == "bool" else f"torch.{TYPE_NAMES[dtype]}Tensor"
    return (
        f"expand({kind}{{{shape}}}, size={wanted}): the number of sizes provided ({len(wanted)}) must be "
        f"greater or equal to the number of dimensions in the tensor ({len(shape)})"
    )


def check_joinable(first: Any, shape: Any, dim: int, position: int) -> None:
    """Raise unless two shapes are equal except in `dim`."""
    if len(shape) != len(first):
        raise RuntimeError(
            f"Tensors must have same number of dimensions: got {len(first)} and {len(shape)}\n"
            f"  The shapes are {tuple(first)} and, at position {position}, {tuple(shape)}."
        )
    for i, (n, m) in enumerate(zip(first, shape, strict=True)):
        if i != dim and n != m:
            raise RuntimeError(
                f"Sizes of tensors must match except in dimension {dim}. Expected size {n} but got size {m} for "
                f"tensor number {position} in the list.\n"
                f"  The shapes are {tuple(first)} and {tuple(shape)}."
            )
