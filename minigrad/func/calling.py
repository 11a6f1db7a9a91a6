"""A module called with other parameters than its own, and the parameters of several modules in one.

Source: https://docs.pytorch.org/docs/stable/func.html
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ..nn import Module
from ..ops.shape import stack
from ..tensor import Tensor

INTERNAL = True
Tensors = dict[str, Any]
_NOTHING = object()  # where there was no attribute: None may stand in a parameter's place


def functional_call(
    module: Module,
    parameter_and_buffer_dicts: Tensors | Sequence[Tensors],
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Call a module with tensors in the place of its parameters and buffers, by their names; gradients flow to them.

    tie_weights  whether what takes a parameter's place does so under all the names that it has
    strict       whether all that the module has must be given, and nothing else
    Raises ValueError for several tensors in one place, RuntimeError for names that are not as `strict` wants them.
    """
    given = _together(parameter_and_buffer_dicts)
    own = dict(module.named_parameters(remove_duplicate=False)) | dict(module.named_buffers(remove_duplicate=False))
    placed = _under_all_names(own, given) if tie_weights else given
    if strict:
        _check_names(module, own, placed)
    try:
        with _in_place_of(module, placed):
            return module(*(() if args is None else args if isinstance(args, tuple) else (args,)), **(kwargs or {}))
    finally:
        given.update({name: placed[name] for name in given})  # what the module has put in its place


def stack_module_state(models: Sequence[Module]) -> tuple[Tensors, Tensors]:
    """The parameters and the buffers of modules of one kind, each stacked under its name, as new leaves.

    Raises RuntimeError for no module, for modules of several classes, or of which only some are in training mode.
    """
    start = "stack_module_state: Expected"
    if not models:
        raise RuntimeError(f"{start} at least one model, got 0.")
    if len({model.training for model in models}) > 1:
        raise RuntimeError(f"{start} all models to have the same training/eval mode.")
    if len({type(model) for model in models}) > 1:
        raise RuntimeError(f"{start} all models to be of the same class.")
    parameters = _stacked([dict(model.named_parameters()) for model in models])
    return parameters, _stacked([dict(model.named_buffers()) for model in models])


def _stacked(states: list[Tensors]) -> Tensors:
    found: Tensors = {}
    for name, first in states[0].items():
        tensors = [state[name] for state in states]
        if len({t.requires_grad for t in tensors}) > 1:
            raise RuntimeError(f"Expected {name} from each model to have the same .requires_grad")
        found[name] = stack(tensors).detach().requires_grad_(first.requires_grad)
    return found


def _together(dicts: Tensors | Sequence[Tensors]) -> Tensors:
    if isinstance(dicts, dict):
        return dicts
    if not isinstance(dicts, Sequence):
        raise ValueError(
            f"Expected parameter_and_buffer_dicts to be a dict, or a list/tuple of dicts, but got {type(dicts)}"
        )
    if not all(isinstance(one, dict) for one in dicts):
        raise ValueError("Expected all elements of parameter_and_buffer_dicts to be dictionaries")
    repeated = [name for name, count in Counter(name for one in dicts for name in one).items() if count > 1]
    if repeated:
        raise ValueError(f"{repeated} appeared in multiple dictionaries; behavior of functional call is ambiguous")
    return {name: tensor for one in dicts for name, tensor in one.items()}


def _under_all_names(own: Tensors, given: Tensors) -> Tensors:
    """What is given, also under the other names of the parameters in whose places it is."""
    placed = dict(given)
    for name, tensor in given.items():
        names = [other for other in own if name in own and own[other] is own[name]]
        if any(given.get(other, tensor) is not tensor for other in names):
            raise ValueError(
                f"functional_call got multiple values for keys {sorted(names)}, which are tied. Consider using "
                "tie_weights=False"
            )
        placed.update(dict.fromkeys(names, tensor))
    return placed


def _check_names(module: Module, own: Tensors, placed: Tensors) -> None:
    unexpected, missing = ([name for name in one if name not in other] for one, other in ((placed, own), (own, placed)))
    told = [
        f"{kind} key(s): {', '.join(map(repr, names))}."
        for kind, names in (("Unexpected", unexpected), ("Missing", missing))
        if names
    ]
    if told:
        raise RuntimeError(f"Error(s) in reparametrizing for {type(module).__name__}:\n\t" + "\n\t".join(told))


def _submodule(module: Module, path: str) -> Module:
    """The module inside another at a path of names; torch's errors where there is none."""
    names = path.split(".") if path else []
    for i, name in enumerate(names, 1):
        there = getattr(module, name, None)
        if there is None:
            raise AttributeError(f"{type(module).__name__} has no attribute `{name}`")
        if not isinstance(there, Module):
            raise TypeError(f"submodule `{'.'.join(names[:i])}`: {there} is not an instance of torch.nn.Module")
        module = there
    return module


@contextmanager
def _in_place_of(module: Module, placed: Tensors) -> Iterator[None]:
    """Let a module have other tensors for the length of a `with` block."""
    before: list[tuple[dict[str, Any], str, Any]] = []
    try:
        for name, tensor in placed.items():
            if tensor is not None and not isinstance(tensor, Tensor):
                raise TypeError(f"{tensor} is not an instance of torch.Tensor")
            path, _, last = name.rpartition(".")
            owner = _submodule(module, path)
            if not last:
                raise KeyError('tensor name can\'t be empty string ""')
            there = getattr(owner, last, None)
            if there is not None and not isinstance(there, Tensor):
                raise TypeError(f"attribute `{last}`: {there} is not an instance of torch.Tensor")
            if isinstance(getattr(type(owner), last, None), property):
                raise RuntimeError(
                    f"functional_call: `{name}` is computed, so that nothing can stand in its place.\n"
                    f"  Give what it is computed from: of a parametrization, `parametrizations.{last}.original`."
                )
            kinds: tuple[dict[str, Any], ...] = (owner._parameters, owner._buffers, owner.__dict__)
            kind = next((kind for kind in kinds if last in kind), owner.__dict__)
            before.append((kind, last, kind.get(last, _NOTHING)))
            kind[last] = tensor
        yield
    finally:
        placed.update({name: kind.get(last) for name, (kind, last, _) in zip(placed, before, strict=False)})
        for kind, last, value in reversed(before):  # a module that stands in two places comes here twice
            if value is _NOTHING:
                kind.pop(last, None)
            else:
                kind[last] = value
