"""A Module's state as a dictionary, and back; with the hooks around both.

Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.load_state_dict
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from ...engine import RemovableHandle
from ...modes import no_grad
from ...ops.creation import as_tensor
from ...ops.strangers import from_elsewhere
from ...tensor import Tensor
from ..parameter import Parameter, Uninitialized
from .hooks import MODULE_HOOKS
from .mistakes import no_extra_state

if TYPE_CHECKING:
    from .module import Module

INTERNAL = True
EXTRA = "_extra_state"  # the key of what get_extra_state returns
Hooks = dict[int, Callable[..., Any]]


class IncompatibleKeys(NamedTuple):
    """What did not fit when a state was loaded: names that it lacks, and names that the module does not have."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return f"_IncompatibleKeys(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"


STATE_HOOKS = (
    "_state_dict_hooks",
    "_state_dict_pre_hooks",
    "_load_state_dict_pre_hooks",
    "_load_state_dict_post_hooks",
)


class Stateful:
    """What of a Module is about its state."""

    _version = 1  # of the state's layout
    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _modules: dict[str, Module | None]
    _non_persistent_buffers_set: set[str]
    _state_dict_hooks: Hooks
    _state_dict_pre_hooks: Hooks
    _load_state_dict_pre_hooks: Hooks
    _load_state_dict_post_hooks: Hooks

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take back what was pickled, also by a version that had fewer kinds of hooks."""
        self.__dict__.update({name: OrderedDict() for name in (*MODULE_HOOKS, *STATE_HOOKS)} | state)
        if state.get("_backward_hooks") and "_is_full_backward_hook" not in state:
            self.__dict__["_is_full_backward_hook"] = True

    def state_dict(
        self, *, destination: dict[str, Any] | None = None, prefix: str = "", keep_vars: bool = False
    ) -> dict[str, Any]:
        """All parameters and persistent buffers by name, over the same memory; with `keep_vars`, as they are."""
        if destination is None:
            destination = OrderedDict()
            destination._metadata = OrderedDict()  # type: ignore[attr-defined]
        metadata = {"version": self._version}
        versions = getattr(destination, "_metadata", None)
        if versions is not None:
            versions[prefix[:-1]] = metadata
        for hook in list(self._state_dict_pre_hooks.values()):  # one may take itself away
            hook(self, prefix, keep_vars)
        self._save_to_state_dict(destination, prefix, keep_vars)
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
        for hook in list(self._state_dict_hooks.values()):
            if hook(self, destination, prefix, metadata) is not None:
                raise RuntimeError(
                    "state_dict post-hook must return None\n  Change the dictionary it is given instead."
                )
        return destination

    state_dict.__qualname__ = "Module.state_dict"  # what `print(net.state_dict)`, its brackets forgotten, shows

    def _save_to_state_dict(self, destination: dict[str, Any], prefix: str, keep_vars: bool) -> None:
        for name, t in self._persistent().items():
            destination[prefix + name] = t if keep_vars or isinstance(t, Uninitialized) else t.detach()
        if type(self).get_extra_state is not Stateful.get_extra_state:
            destination[prefix + EXTRA] = self.get_extra_state()

    def _persistent(self) -> dict[str, Tensor]:
        """The parameters and buffers, without those of inner modules, that are part of the state."""
        found = {name: p for name, p in self._parameters.items() if p is not None}
        hidden = self._non_persistent_buffers_set
        return found | {name: b for name, b in self._buffers.items() if b is not None and name not in hidden}

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> IncompatibleKeys:
        """Copy the values in `state_dict` into the parameters and buffers of those names.

        With `assign`, its tensors themselves take their place. Returns the names that were missing or unexpected, which
        only without `strict` may be any. Raises RuntimeError with all that does not fit.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
        incompatible, errors = IncompatibleKeys([], []), list[str]()
        metadata = getattr(state_dict, "_metadata", {})

        def descend(part: Stateful, state: dict[str, Any], prefix: str) -> None:
            local = dict(metadata.get(prefix[:-1], {}))
            if assign:
                local["assign_to_params_buffers"] = assign
            part._load_from_state_dict(state, prefix, local, True, *incompatible, errors)
            for name, child in part._modules.items():
                if child is not None:
                    inner = f"{prefix}{name}."
                    descend(child, {key: value for key, value in state.items() if key.startswith(inner)}, inner)
            for hook in list(part._load_state_dict_post_hooks.values()):
                if hook(part, incompatible) is not None:
                    raise AssertionError(
                        "Hooks registered with ``register_load_state_dict_post_hook`` are not expected to return new "
                        "values, if incompatible_keys need to be modified, it should be done inplace."
                    )

        state = OrderedDict(state_dict)  # a copy: hooks may change it
        if hasattr(state_dict, "_metadata"):
            state._metadata = metadata  # type: ignore[attr-defined]
        descend(self, state, "")
        if strict:
            for kind, keys in reversed(list(zip(("Missing", "Unexpected"), incompatible, strict=True))):
                if keys:
                    listed = ", ".join(f'"{key}"' for key in keys)
                    errors.insert(0, f"{kind} key(s) in state_dict: {listed}. ")
        if errors:
            listed = "\n\t".join(errors)
            raise RuntimeError(f"Error(s) in loading state_dict for {type(self).__name__}:\n\t{listed}")
        return incompatible

    def _load_from_state_dict(
        self,
        state_dict: dict[str, Any],
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """Load this module's own part of a state; a subclass may bring it up to date first."""
        for hook in list(self._load_state_dict_pre_hooks.values()):
            hook(self, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)
        own = self._persistent()
        missing = [prefix + name for name in own if prefix + name not in state_dict]
        for name, t in own.items():
            if prefix + name in state_dict:
                assign = local_metadata.get("assign_to_params_buffers", False)
                self._load_one(name, t, prefix + name, state_dict[prefix + name], assign, error_msgs)
        extra = prefix + EXTRA
        takes_extra = type(self).set_extra_state is not Stateful.set_extra_state
        if takes_extra and extra in state_dict:
            self.set_extra_state(state_dict[extra])
        elif takes_extra:
            missing.append(extra)
        if strict:
            missing_keys += missing
            unexpected_keys += [extra] if extra in state_dict and not takes_extra else []
            for key in state_dict:
                if key.startswith(prefix) and key != extra:
                    name, dot, _ = key[len(prefix) :].partition(".")
                    if name not in (self._modules if dot else own):
                        unexpected_keys.append(key)

    def _load_one(self, name: str, own: Tensor, key: str, value: Any, assign: bool, errors: list[str]) -> None:
        """Copy a value into the parameter or buffer `own`, or assign it, or note why it does not fit."""
        if from_elsewhere(value):  # real torch's, say, whose module and this one have the same names
            value = as_tensor(value.cpu() if hasattr(value, "cpu") else value)
        if not isinstance(value, Tensor):
            errors.append(
                f'While copying the parameter named "{key}", expected torch.Tensor or Tensor-like object from '
                f"checkpoint but received {type(value)}"
            )
            return
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
            setattr(self, name, value)
        else:
            with no_grad():
                own.copy_(value)

    # What a class may add to it

    def get_extra_state(self) -> Any:
        """What else `state_dict` shall hold, for a class to say that also defines `set_extra_state`."""
        raise RuntimeError(no_extra_state(self, "get_extra_state"))

    def set_extra_state(self, state: Any) -> None:
        """Take back what `get_extra_state` returned, in a class that defines both."""
        raise RuntimeError(no_extra_state(self, "set_extra_state"))

    # Its hooks

    def register_state_dict_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(module, prefix, keep_vars)` before this module is written into a `state_dict`."""
        return RemovableHandle(self._state_dict_pre_hooks, hook)

    def register_state_dict_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(module, state_dict, prefix, local_metadata)` when all of this module is in the `state_dict`."""
        return RemovableHandle(self._state_dict_hooks, hook)

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook` before this module is loaded; it may change what is loaded.

        It is `hook(module, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)`.
        """
        return RemovableHandle(self._load_state_dict_pre_hooks, hook)

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(module, incompatible_keys)` when all of this module is loaded; it may change those lists."""
        return RemovableHandle(self._load_state_dict_post_hooks, hook)
