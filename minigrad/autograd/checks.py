"""What `functional` raises where a function is not what it must be, or, with `strict`, does not depend on its inputs.

The texts are torch's. Source: https://docs.pytorch.org/docs/stable/autograd.html#functional-higher-level-api
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..tensor import Tensor

INTERNAL = True

_INDEPENDENT = {
    "outputs": (
        "Output {i} of the user-provided function does not require gradients. The outputs must be computed in a "
        "differentiable manner from the input when running in strict mode."
    ),
    "grad_inputs": (
        "The gradient with respect to input {i} is independent of the inputs of the user-provided function. This is "
        "not allowed in strict mode."
    ),
    "jacobian": (
        "While computing the hessian, found that the jacobian of the user-provided function with respect to input {i} "
        "is independent of the input. This is not allowed in strict mode. You should ensure that your function is "
        "twice differentiable and that the jacobian depends on the inputs (this would be violated by a linear function "
        "for example)."
    ),
    "hessian": (
        "The hessian of the user-provided function with respect to input {i} is independent of the input. This is not "
        "allowed in strict mode. You should ensure that your function is thrice differentiable and that the hessian "
        "depends on the inputs."
    ),
}
_MISSING = {
    "back": (
        "The output of the user-provided function is independent of input {i}. This is not allowed in strict mode."
    ),
    "back_trick": (
        "The gradient with respect to the input is independent of entry {i} in the grad_outputs when using the double "
        "backward trick to compute forward mode gradients. This is not allowed in strict mode."
    ),
    "double_back": (
        "The jacobian of the user-provided function is independent of input {i}. This is not allowed in strict mode."
    ),
    "double_back_trick": (
        "The hessian of the user-provided function is independent of entry {i} in the grad_jacobian. This is not "
        "allowed in strict mode as it prevents from using the double backward trick to replace forward mode AD."
    ),
}


def check_depend(values: Sequence[Tensor | None], what: str, strict: bool) -> None:
    """With `strict`, raise for the first of `values` (of the kind `what`) that does not depend on the inputs."""
    for i, t in enumerate(values if strict else ()):
        if t is None:
            raise RuntimeError(_MISSING["back"].format(i=i))
        if not t.requires_grad:
            raise RuntimeError(_INDEPENDENT[what].format(i=i))


def filled(
    gradients: Sequence[Tensor | None], like: Sequence[Tensor], strict: bool, create_graph: bool, stage: str
) -> tuple[Tensor, ...]:
    """`gradients` with zeros for None; with `strict`, raise for one that is missing, or will not change further."""
    found = []
    for i, (g, t) in enumerate(zip(gradients, like, strict=True)):
        if strict and g is None:
            raise RuntimeError(_MISSING[stage].format(i=i))
        if strict and create_graph and g is not None and not g.requires_grad:
            raise RuntimeError(
                f"The {'hessian' if 'double' in stage else 'jacobian'} of the user-provided function is independent of "
                f"input {i}. This is not allowed in strict mode when create_graph=True."
            )
        found.append(zeros_like(t) if g is None else g)
    return tuple(found)


def zeros_like(t: Tensor) -> Tensor:
    """Zeros of the shape and dtype of `t`."""
    return Tensor._of(np.zeros_like(t._array))


def check_one_number(outputs: Sequence[Tensor], many: bool, function: str) -> None:
    """Raise unless a function returned a single tensor of one element."""
    if many:
        raise RuntimeError(f"The function given to {function} should return a single Tensor")
    if outputs[0].numel() != 1:
        raise RuntimeError(f"The Tensor returned by the function given to {function} should contain a single element")


def check_strategy(create_graph: bool, strict: bool, vectorize: bool, strategy: str) -> None:
    """Raise for those options of `jacobian` that torch does not take together."""
    start = "torch.autograd.functional.jacobian: "
    if strategy not in ("forward-mode", "reverse-mode"):
        raise AssertionError(
            'Expected strategy to be either "forward-mode" or "reverse-mode". Hint: If your function has more outputs '
            'than inputs, "forward-mode" tends to be more performant. Otherwise, prefer to use "reverse-mode".'
        )
    if strategy == "forward-mode":
        if create_graph:
            raise NotImplementedError(
                f'{start}`create_graph=True` and `strategy="forward-mode"` are not supported together (yet). '
                'Please either set `create_graph=False` or `strategy="reverse-mode"`.'
            )
        if strict:
            raise RuntimeError(
                f'{start}`strict=True` and `strategy="forward-mode"` are not supported together (yet). '
                'Please either set `strict=False` or `strategy="reverse-mode"`.'
            )
        if not vectorize:
            raise NotImplementedError(
                "Computing Jacobian using forward-AD or forward-over-reverse Hessian isonly implemented for "
                "`vectorize=True`."
            )
    if vectorize and strict:
        raise RuntimeError(
            f"{start}`strict=True` and `vectorized=True` are not supported together. Please either set "
            "`strict=False` or `vectorize=False`."
        )
