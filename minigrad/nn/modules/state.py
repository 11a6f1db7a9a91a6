"""A Module's state as a dictionary, and back.

Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.load_state_dict
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from ...modes import no_grad
from ...tensor import Tensor
from ..parameter import Parameter, Uninitialized

if TYPE_CHECKING:
    from .module import Module

INTERNAL = True


class IncompatibleKeys(NamedTuple):
    """What did not fit when a state was loaded: names that it lacks, and names that the module does not have."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return f"_IncompatibleKeys(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"


def persistent(module: Module) -> dict[str, Tensor]:
    """The parameters and buffers of one module, without its children, that are part of its state."""
    found = {name: p for name, p in module._parameters.items() if p is not None}
    hidden = module._non_persistent_buffers_set
    return found | {name: b for name, b in module._buffers.items() if b is not None and name not in hidden}


def load_own(
    module: Module, state: Mapping[str, Any], prefix: str, assign: bool, missing: list[str], errors: list[str]
) -> None:
    """Copy, or assign, what `state` has for one module; note what is missing and what does not fit."""
    for name, own in persistent(module).items():
        key = prefix + name
        if key not in state:
            missing.append(key)
            continue
        value = state[key]
        if not isinstance(value, Tensor):
            errors.append(
                f'While copying the parameter named "{key}", expected torch.Tensor or Tensor-like object from '
                f"checkpoint but received {type(value)}"
            )
            continue
        if isinstance(own, Uninitialized):
            own.materialize(value.shape)
        if own.ndim == 0 and value.shape == (1,):  # as versions of torch before 0.4 saved them
            value = value[0]
        if value.shape != own.shape:
            errors.append(
                f"size mismatch for {key}: copying a param with shape {value.shape} from checkpoint, the shape in "
                f"current model is {own.shape}."
            )
        elif assign:
            if isinstance(own, Parameter) and not isinstance(value, Parameter):
                value = Parameter(value, requires_grad=own.requires_grad)
            elif isinstance(own, Parameter):
                value.requires_grad_(own.requires_grad)
            setattr(module, name, value)
        else:
            with no_grad():
                own.copy_(value)


def unexpected_names(module: Module, state: Mapping[str, Any], prefix: str) -> list[str]:
    """The keys under `prefix` that neither the module nor a child of that name has a place for."""
    own = persistent(module)
    unexpected = []
    for key in state:
        if key.startswith(prefix):
            name, dot, _ = key[len(prefix) :].partition(".")
            if name not in (module._modules if dot else own):
                unexpected.append(key)
    return unexpected


def load(module: Module, state: Mapping[str, Any], strict: bool, assign: bool) -> IncompatibleKeys:
    """Load a whole state; RuntimeError with all that does not fit."""
    if not isinstance(state, Mapping):
        raise TypeError(f"Expected state_dict to be dict-like, got {type(state)}.")
    missing: list[str] = []
    unexpected: list[str] = []
    errors: list[str] = []
    metadata = getattr(state, "_metadata", {})

    def descend(part: Module, prefix: str) -> None:
        local = dict(metadata.get(prefix[:-1], {}))
        if assign:
            local["assign_to_params_buffers"] = assign
        of_part = {key: value for key, value in state.items() if key.startswith(prefix)}
        part._load_from_state_dict(of_part, prefix, local, True, missing, unexpected, errors)
        for name, child in part._modules.items():
            if child is not None:
                descend(child, f"{prefix}{name}.")

    descend(module, "")
    if strict:
        for kind, keys in (("Missing", missing), ("Unexpected", unexpected)):
            if keys:
                listed = ", ".join(f'"{key}"' for key in keys)
                errors.insert(int(kind == "Unexpected" and bool(missing)), f"{kind} key(s) in state_dict: {listed}. ")
    if errors:
        listed = "\n\t".join(errors)
        raise RuntimeError(f"Error(s) in loading state_dict for {type(module).__name__}:\n\t{listed}")
    return IncompatibleKeys(missing, unexpected)
