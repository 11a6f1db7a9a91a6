"""What minigrad says of `.grad` and `requires_grad`: torch's own text first, then where, then how to mend it."""

from __future__ import annotations

from typing import Any

from .messages import C_NAMES, TYPE_NAMES, at, type_name

INTERNAL = True


def requires_grad_of_computed(wanted: bool) -> str:
    """For requires_grad set on a tensor that an operation made."""
    text = "you can only change requires_grad flags of leaf variables."
    advice = (
        " If you want to use a computed variable in a subgraph that doesn't require differentiation use "
        "var_no_grad = var.detach()."
    )
    return text if wanted else text + advice


def is_step(node: Any) -> bool:
    """Whether a leaf less a constant is what `node` computed, as `w - lr * w.grad` does."""
    return bool(node.name() == "SubBackward0" and getattr(node.e_a, "is_leaf", False) and node.e_b is None)


def grad_of_non_leaf(tensor: Any) -> str:
    """A warning, for `.grad` of a tensor that an operation made."""
    node, stepped = tensor._origin, ""
    if is_step(node):
        stepped = f"\n{at(node.code, node.lasti)}\n  made it. Update w itself, under no_grad: w -= lr * w.grad."
    return (
        "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad attribute won't be "
        "populated during autograd.backward(). If you indeed want the .grad field to be populated for a non-leaf "
        "Tensor, use .retain_grad() on the non-leaf Tensor. If you access the non-leaf Tensor by mistake, make sure "
        f"you access the leaf Tensor instead.{stepped}"
    )


def check_assigned_grad(tensor: Any, grad: Any, tensor_class: Any) -> None:
    """Raise unless `grad` may become the `.grad` of `tensor`."""
    if not isinstance(grad, tensor_class):
        raise TypeError(f"assigned grad expected to be a Tensor or None but got grad of type {type_name(grad)}")
    if grad is tensor:
        raise RuntimeError("can't assign Variable as its own grad")
    if grad.dtype is not tensor.dtype:
        raise RuntimeError(
            f"attempting to assign a gradient with dtype '{C_NAMES[grad.dtype.name]}' to a tensor with grad_dtype "
            f"'{TYPE_NAMES[tensor.dtype.name]}'. The gradient must match the tensor's grad_dtype (defaults to the "
            "tensor's dtype). You can set the tensor's grad_dtype attribute with a specific dtype, or None to allow "
            "any dtype. Set grad_dtype with caution. Diverging the dtypes of a tensor and its gradient may break "
            f"downstream systems that assume they match.\n  Convert it: g.to({tensor.dtype}); here no tensor has a "
            "grad_dtype."
        )
    if grad.shape != tensor.shape:
        raise RuntimeError(
            f"attempting to assign a gradient of size '{list(grad.shape)}' to a tensor of size "
            f"'{list(tensor.shape)}'. Please ensure that the gradient and the tensor are the same size\n"
            "  Where the tensor was broadcast, its gradient is the sum over that: g.sum_to_size(x.shape)."
        )
