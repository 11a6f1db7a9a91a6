"""What the backward passes say when something is wrong: torch's own text, then where, then how to mend it."""

from __future__ import annotations

import gc
from types import CodeType
from typing import Any

from ..messages import TYPE_NAMES, at, position, type_name, write_to_leaf

INTERNAL = True


def grad_of_non_scalar(output: Any, code: CodeType, lasti: int) -> str:
    """For a backward pass, called at instruction `lasti` of `code`, that starts at many numbers and is not told how."""
    name = _receiver(code, lasti, "backward")
    return (
        "grad can be implicitly created only for scalar outputs\n"
        f"{at(code, lasti)}\n"
        f"  {f'`{name}`' if name else 'The tensor'} has shape {tuple(output.shape)}: it holds {output.numel()} losses, "
        "and a gradient belongs to one number.\n"
        f"  Sum them first, {name or 'l'}.sum().backward(), or say how they weigh: "
        f"{name or 'l'}.backward(gradient=...)."
    )


def _receiver(code: CodeType, lasti: int, method: str) -> str:
    """What the user's line has before `.method(`, if that is short and not the module `autograd`; else nothing."""
    before, call, _ = position(code, lasti)[2].partition(f".{method}(")
    return before if call and len(before) <= 20 and "=" not in before and not before.endswith("autograd") else ""


def gradient_is_no_tensor(gradient: Any) -> str:
    """For a gradient to start with that is something else."""
    return (
        f"gradients can be either Tensors or None, but got {type_name(gradient)}\n"
        "  Make it a tensor of the output's shape: torch.tensor(...), or torch.ones_like(output)."
    )


def returned_no_tensor(gradient: Any) -> str:
    """For a backward of a Function that returns something else than tensors and None."""
    return (
        f"expected Variable or None (got {type_name(gradient)})\n"
        "  backward returns tensors: torch.from_numpy(...) makes one of an array."
    )


def saved_is_no_tensor(i: int, value: Any) -> str:
    """For `ctx.save_for_backward` of a value that is no tensor."""
    return (
        f"save_for_backward can only save variables, but argument {i} is of type {type_name(value)}\n"
        "  Keep what is no tensor as an attribute instead: ctx.n = n in forward, and ctx.n in backward."
    )


def not_on_context(function: str, name: str) -> str:
    """For an attribute of the `ctx` of a Function that was not set."""
    return (
        f"'{function}' object has no attribute '{name}'\n"
        f"  Set it in forward, or in setup_context: ctx.{name} = ...; tensors go into ctx.save_for_backward."
    )


def gradient_of_other_shape(i: int, gradient: Any, output: Any) -> str:
    """For a gradient to start with that does not fit output `i`."""
    return (
        f"Mismatch in shape: grad_output[{i}] has a shape of {gradient.shape} and output[{i}] has a shape of "
        f"{output.shape}.\n"
        "  It says how much each element of the output weighs, so it must have the output's shape."
    )


_REASONS = {
    "no_grad": (
        "was computed while gradients were turned off (no_grad), so it was not recorded, nor was what came of it.",
        "Compute what needs a gradient outside of the no_grad block. To update a parameter within it, change the\n"
        "  parameter itself, w -= lr * w.grad: w = w - lr * w.grad makes a new tensor.",
    ),
    "detach": (
        "took the value out of the graph: no gradient flows back through detach().",
        "Leave the detach() out where a gradient is needed.",
    ),
    "data": (
        "took the value out of the graph: no gradient flows back through .data.",
        "Use the tensor itself where a gradient is needed.",
    ),
    "integer": (
        "gives integers (or bools), and no gradient flows through those.",
        "Keep the values floating.",
    ),
    "gradient": (
        "computed this gradient without create_graph=True, so it was not recorded.",
        "To differentiate it in turn, pass create_graph=True there.",
    ),
    "non_differentiable": (
        "is an output that the Function marked with mark_non_differentiable, so no gradient flows through it.",
        "",
    ),
}


def no_history(i: int, output: Any) -> str:
    """For output `i` of a pass that no gradient is wanted for: where it left the graph, or why it never was in it."""
    lost = output._origin
    if lost is None and not output.dtype.is_floating_point:
        return (
            f"element {i} of tensors does not require grad and does not have a grad_fn\n"
            f"  It is of {output.dtype}, and gradients flow through floating tensors alone. Make the parameters so:\n"
            "  w = torch.tensor([1.0, 2.0], requires_grad=True), not torch.tensor([1, 2])."
        )
    return f"element {i} of tensors does not require grad and does not have a grad_fn\n{_where_lost(output)}"


def input_without_grad(tensor: Any, to_accumulate: bool) -> str:
    """For an input that a gradient is asked for though it does not require one."""
    first = "One of the differentiated Tensors does not require grad"
    if to_accumulate:
        first = "can't retain_grad on Tensor that has requires_grad=False"
    return f"{first}\n{_where_lost(tensor)}"


def is_grad_of_some(t: Any) -> bool:
    """Whether `t` is the `.grad` of a tensor: it is looked for when asked, so that backward passes note nothing."""
    return any(getattr(owner, "_grad", None) is t for owner in gc.get_referrers(t) if isinstance(owner, type(t)))


def _where_lost(tensor: Any) -> str:
    lost = tensor._origin
    if lost is None and is_grad_of_some(tensor):
        return (
            "  It is a gradient, the .grad of a tensor, computed without create_graph=True, so it was not recorded.\n"
            "  To differentiate it in turn, compute it so: g, = torch.autograd.grad(l, w, create_graph=True)."
        )
    if lost is None:
        return (
            "  Nothing that it was computed from requires grad. Ask for gradients where a parameter is made, before\n"
            "  it is used: w = torch.zeros(3, requires_grad=True), or w.requires_grad_(). (Numbers that went through\n"
            "  item(), numpy() or torch.tensor() on the way have left the graph too.)"
        )
    jumps = "Such values change in jumps: compute a loss from the scores themselves, as cross_entropy does."
    why, mend = _REASONS.get(lost.why, (f"is where it fell out of the graph: {lost.why}.", jumps))
    return f"{at(lost.code, lost.lasti)}\n  {why}" + (f"\n  {mend}" if mend else "")


def unused_input(i: int, tensor: Any) -> str:
    """For input `i` that no recorded operation leads from to the outputs."""
    return (
        f"The differentiated Tensor at index {i} appears to not have been used in the graph. Set allow_unused=True if "
        "this is the desired behavior.\n"
        f"  No recorded operation leads from it (its shape is {tuple(tensor.shape)}) to the outputs. Often a copy was\n"
        "  used instead, made before, or by x.detach(), x.data or torch.tensor(x); a gradient belongs to the very\n"
        "  tensor that was used."
    )


def moved_leaf(leaf: Any) -> str:
    """For a gradient that arrives at a tensor which an operation in place has made part of the graph since."""
    node = (leaf if leaf._view is None else leaf._view.base)._origin
    return (
        "leaf variable has been moved into the graph interior\n"
        f"{at(node.code, node.lasti)}\n"
        f"  changed the memory of a leaf of shape {tuple(leaf.shape)} after it was used, so that it is computed now, "
        "and keeps no gradient.\n"
        "  Change a copy instead, x = x.clone(), or change it under no_grad, as the update of a parameter does."
    )


def cycle_of_graph_and_grad() -> str:
    """A warning, for `backward(create_graph=True)`."""
    return (
        "Using backward() with create_graph=True will create a reference cycle between the parameter and its gradient "
        "which can cause a memory leak. We recommend using autograd.grad when creating the graph to avoid this. If you "
        "have to use this function, make sure to reset the .grad fields of your parameters to None after use to break "
        "the cycle and avoid the leak."
    )


def name_of(function: Any) -> str:
    """A function's name as torch's messages have it."""
    return str(getattr(function, "__name__", "<unknown>"))


def no_tensor_from_hook(returned: Any) -> str:
    """For a hook that returned neither a tensor nor None."""
    return f"expected Variable, but hook returned '{type_name(returned)}'"


def hook_changed_type(hook: Any, before: Any, after: Any) -> str:
    """For a hook that returned a gradient of another dtype than it was given."""
    types = [f"torch.{TYPE_NAMES[t.dtype.name]}Tensor" for t in (before, after)]
    return f"hook '{name_of(hook)}' has changed the type of value (was {types[0]} got {types[1]})"


def hook_changed_size(hook: Any, before: Any, after: Any) -> str:
    """For a hook that returned a gradient of another shape than it was given."""
    return (
        f"hook '{name_of(hook)}' has changed the size of value\n"
        f"  It was given a gradient of shape {tuple(before.shape)}, and returned one of shape {tuple(after.shape)}."
    )


def gradient_count(node: Any, expected: int, got: int) -> str:
    """For a Function's backward that returned too many gradients, or too few."""
    return (
        f"function {node.name()} returned an incorrect number of gradients (expected {expected}, got {got})\n"
        "  backward returns one for each argument that forward takes after ctx: None where there is no gradient."
    )


def gradient_of_non_tensor(node: Any, position: int) -> str:
    """For a Function's backward that returned a gradient of an argument that is no tensor."""
    return (
        f"function {node.name()} returned a gradient different than None at position {position}, but the "
        "corresponding forward input was not a Variable"
    )


def gradient_does_not_fit(node: Any, i: int, gradient: Any, shape: Any) -> str:
    """For a Function's backward that returned a gradient of another shape than that of tensor argument `i`."""
    return (
        f"Function {node.name()} returned an invalid gradient at index {i} - got {list(gradient.shape)} but expected "
        f"shape compatible with {list(shape)}"
    )


def dirty_not_returned() -> str:
    """For a Function's forward that changes an input in place and does not return it."""
    return (
        "Some elements marked as dirty during the forward method were not returned as output. The inputs that are "
        "modified inplace must all be outputs of the Function."
    )


def dirty_view_among_several() -> str:
    """For a Function of several results whose forward changed in place an input that is a view."""
    return (
        "If your Function modifies inplace an input that is a view of another Tensor, your Function cannot return more "
        "than one Tensor. This is not supported by the current autograd engine. You should either make sure the input "
        "is not a view (using .clone() for example) or make your Function only return one Tensor (potentially "
        "splitting it into two Functions: one doing the inplace that returns a single Tensor and a second one that "
        "does the other operations). You can ask on the forum https://discuss.pytorch.org/ if you need help to do this "
        "change."
    )


def dirty_leaf(is_view: bool) -> str:
    """For a Function's forward that changed in place a leaf, or a view of one, that requires grad."""
    if is_view:
        return write_to_leaf("a view of a leaf Variable")
    return write_to_leaf("a leaf Variable").replace("is being used", "has been used", 1)
