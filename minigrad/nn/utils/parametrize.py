"""Parametrizations: a parameter of a module is computed anew from others whenever it is read.

Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.parametrize.register_parametrization.html
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from copy import deepcopy
from typing import Any, TypeVar

import minigrad as torch

from ..modules.container import ModuleDict, ModuleList
from ..modules.module import Module
from ..parameter import Parameter

INTERNAL = True
M = TypeVar("M", bound=Module)
Tensor = torch.Tensor

# In `cached`: what has been read.
_kept: ContextVar[dict[Module, Tensor] | None] = ContextVar("minigrad.kept", default=None)


@contextmanager
def cached() -> Iterator[None]:
    """Inside it, what a parametrization gives is computed once, and read from then on."""
    outer = _kept.get()
    token = _kept.set({} if outer is None else outer)
    try:
        yield
    finally:
        _kept.reset(token)


class ParametrizationList(ModuleList):
    """The parametrizations of one tensor, applied one after another, and what the first is computed from.

    That is `original`; or `original0`, `original1`, ... if its `right_inverse` gives several.
    Raises ValueError for what gives no tensor or, unless `unsafe`, one of another shape or dtype.
    """

    original: Tensor

    def __init__(self, modules: Sequence[Module], original: Tensor, unsafe: bool = False) -> None:
        if len(modules) == 0:
            raise ValueError("ParametrizationList requires one or more modules.")
        super().__init__(modules)
        self.unsafe = unsafe
        like = original.detach()
        new: Any = original
        with torch.no_grad():
            for module in reversed(self):
                new = _inverted(module, new)
        needed = "'right_inverse' must return a Tensor or a Sequence of tensors (list, tuple...)."
        if not isinstance(new, Tensor | Sequence):
            raise ValueError(f"{needed} Got {type(new).__name__}")
        self.is_tensor = isinstance(new, Tensor)
        self.ntensors = 1 if self.is_tensor else len(new)
        if isinstance(new, Tensor):
            if new.dtype != original.dtype:
                raise ValueError(
                    "When `right_inverse` outputs one tensor, it may not change the dtype.\n"
                    f"original.dtype: {original.dtype}\nright_inverse(original).dtype: {new.dtype}"
                )
            _set(original, new)
            _register(self, "original", original)
        else:
            for i, one in enumerate(new):
                if not isinstance(one, Tensor):
                    raise ValueError(f"{needed} Got element {i} of the sequence with type {type(one).__name__}.")
                part = Parameter(one, original.requires_grad) if isinstance(original, Parameter) else one
                _register(self, f"original{i}", part.requires_grad_(original.requires_grad))
        if not unsafe:
            _check_alike(
                _tensor(self()),
                like,
                "Registering a parametrization may not change the {} of the tensor, unless `unsafe` flag is enabled.",
                "unparametrized {}",
                "parametrized {}",
            )

    def forward(self) -> Tensor:
        """The tensor."""
        x: Tensor = self[0](*self._originals())
        for module in list(self)[1:]:
            x = module(x)
        return x

    def _originals(self) -> list[Tensor]:
        return [self.original] if self.is_tensor else [getattr(self, f"original{i}") for i in range(self.ntensors)]

    def right_inverse(self, value: Any) -> None:
        """Let what it is computed from be such that it gives `value`, by `right_inverse` of each parametrization.

        Raises RuntimeError if one has none, ValueError if it gives what does not fit.
        """
        with torch.no_grad():
            for module in reversed(self):
                if not hasattr(module, "right_inverse"):
                    raise RuntimeError(f"parametrization {type(module).__name__} does not implement right_inverse.")
                value = module.right_inverse(value)
            if self.is_tensor:
                if not isinstance(value, Tensor):
                    raise ValueError(f"`right_inverse` should return a tensor. Got {type(value).__name__}")
                _set_alike(self.original, value, "The tensor", "original")
                return
            needed = "'right_inverse' must return a sequence of tensors"
            if not isinstance(value, Sequence):
                raise ValueError(f"{needed}. Got {type(value).__name__}.")
            if len(value) != self.ntensors:
                raise ValueError(f"{needed} of length {self.ntensors}. Got a sequence of length {len(value)}.")
            for i, (original, one) in enumerate(zip(self._originals(), value, strict=True)):
                if not isinstance(one, Tensor):
                    kind = type(one).__name__
                    raise ValueError(f"{needed} or reference-type opaques. Got element {i} of type {kind}.")
                _set_alike(original, one, f"Tensor {i}", f"original{i}")


def _inverted(module: Module, value: Any) -> Any:
    """What a parametrization would be computed from to give `value`; that itself, if it cannot tell."""
    try:
        return module.right_inverse(value) if hasattr(module, "right_inverse") else value
    except NotImplementedError:
        return value


def _set(original: Tensor, value: Tensor) -> None:
    """Let a tensor that optimizers know be over the memory of another."""
    if value is not original:
        original.data = value.detach()


def _set_alike(original: Tensor, value: Tensor, what: str, name: str) -> None:
    if value.dtype != original.dtype:
        raise ValueError(
            f"{what} returned by `right_inverse` has dtype {value.dtype} while `{name}` has dtype {original.dtype}"
        )
    _set(original, value)


def _register(module: Module, name: str, value: Tensor) -> None:
    if isinstance(value, Parameter):
        module.register_parameter(name, value)
    else:
        module.register_buffer(name, value)


def _tensor(value: Any) -> Tensor:
    if not isinstance(value, Tensor):
        raise ValueError(f"A parametrization must return a tensor. Got {type(value).__name__}.")
    return value


def _check_alike(found: Tensor, wanted: Tensor, refusal: str, of_wanted: str, of_found: str) -> None:
    for kind in ("dtype", "shape"):
        one, two = getattr(wanted, kind), getattr(found, kind)
        if one != two:
            texts = (refusal, f"{of_wanted}: {one}", f"{of_found}: {two}")
            raise ValueError("\n".join(text.replace("{}", kind) for text in texts))


def register_parametrization(module: M, tensor_name: str, parametrization: Module, *, unsafe: bool = False) -> M:
    """Let a parameter or buffer of a module be what `parametrization` makes of it, whenever it is read.

    What it is made of is what is trained and saved: `module.parametrizations.weight.original`. Another parametrization
    of the same tensor takes what the first gives. Assigning to the tensor calls `right_inverse`, if they have one.
    unsafe  whether shape and dtype may change, and are not checked
    Returns the module.
    Raises ValueError if there is no such tensor, or shape or dtype change.
    """
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        listed = module.parametrizations[tensor_name]
        if not unsafe:
            _check_another(parametrization, getattr(module, tensor_name), f"module.{tensor_name}")
        listed.append(parametrization)
        listed.unsafe |= unsafe
    elif tensor_name in module._buffers or tensor_name in module._parameters:
        made = ParametrizationList([parametrization], getattr(module, tensor_name), unsafe)
        delattr(module, tensor_name)
        if not is_parametrized(module):
            module.__class__ = _class_with_properties(type(module))
            module.parametrizations = ModuleDict()
        setattr(type(module), tensor_name, _read_through(tensor_name))
        module.parametrizations[tensor_name] = made
    else:
        missing = f"a parameter, a buffer, or a parametrized element with name '{tensor_name}'"
        raise ValueError(f"Module '{module}' does not have {missing}")
    return module


def _check_another(parametrization: Module, before: Tensor, name: str) -> None:
    """Raise ValueError unless a further parametrization, and its inverse, keep shape and dtype."""
    after = _tensor(parametrization(before))
    flag = "unless the `unsafe` flag is enabled."
    refusal = f"Registering a parametrization may not change the {{}} of the tensor, {flag}"
    _check_alike(after, before, refusal, f"{name}.{{}}", f"parametrization({name}).{{}}")
    back = _inverted(parametrization, after)
    if not isinstance(back, Tensor):
        raise ValueError(f"parametrization.right_inverse must return a tensor. Got: {type(back).__name__}")
    refusal = f"The tensor returned by parametrization.right_inverse must have the same {{}} as {name}, {flag}"
    _check_alike(back, before, refusal, f"{name}.{{}}", "returned {}")


def _class_with_properties(kind: type) -> Any:
    """A class for one module alone, which can have properties of its own."""
    own: dict[str, Any] = {"__getstate__": _no_pickle}
    if not hasattr(kind, "__deepcopy__"):
        own["__deepcopy__"] = _copied
    return type(f"Parametrized{kind.__name__}", (kind,), own)


def _no_pickle(self: Module) -> Any:
    raise RuntimeError(
        "Serialization of parametrized modules is only supported through state_dict(). See:\n"
        "https://pytorch.org/tutorials/beginner/saving_loading_models.html"
        "#saving-loading-a-general-checkpoint-for-inference-and-or-resuming-training"
    )


def _copied(self: Module, memo: dict[int, Any]) -> Module:
    """A copy, with a class of its own, so that nothing that is done to one is done to both."""
    kind = type(self)
    made: Module = object.__new__(type(kind.__name__, kind.__bases__, dict(vars(kind))))
    memo[id(self)] = made
    made.__dict__.update(deepcopy(self.__dict__, memo))
    return made


def _read_through(name: str) -> property:
    def read(self: Module) -> Tensor:
        parametrization, kept = self.parametrizations[name], _kept.get()
        if kept is None:
            return parametrization()
        if parametrization not in kept:
            kept[parametrization] = parametrization()
        return kept[parametrization]

    def write(self: Module, value: Tensor) -> None:
        self.parametrizations[name].right_inverse(value)

    return property(read, write)


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Whether a tensor of the module is parametrized; any, if no name is given."""
    listed = getattr(module, "parametrizations", None)
    if not isinstance(listed, ModuleDict):
        return False
    return len(listed) > 0 if tensor_name is None else tensor_name in listed


def remove_parametrizations(module: M, tensor_name: str, leave_parametrized: bool = True) -> M:
    """Make a parametrized tensor a parameter or buffer again: of its value now, or else of `original`.

    Returns the module.
    Raises ValueError if it is not parametrized, or there are several originals and its value is not wanted.
    """
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"Module {module} does not have a parametrization on {tensor_name}")
    listed = module.parametrizations[tensor_name]
    if listed.is_tensor:
        original = listed.original
        if leave_parametrized:
            with torch.no_grad():
                _set(original, getattr(module, tensor_name))
    elif leave_parametrized:
        value = getattr(module, tensor_name)
        original = Parameter(value) if value.requires_grad else value
    else:
        raise ValueError(
            "Cannot leave unparametrized (`leave_parametrized=False`) a tensor that is parametrized in terms of a "
            "sequence of tensors."
        )
    delattr(type(module), tensor_name)
    del module.parametrizations[tensor_name]
    _register(module, tensor_name, original)
    if not is_parametrized(module):
        delattr(module, "parametrizations")
        module.__class__ = type(module).__bases__[0]
    return module


def type_before_parametrizations(module: Module) -> type:
    """The class that a module was made of."""
    return type(module).__bases__[0] if is_parametrized(module) else type(module)


def transfer_parametrizations_and_params(from_module: Module, to_module: M, tensor_name: str | None = None) -> M:
    """Let a module share the parametrizations of another, or those of one tensor, and what they are computed from.

    Returns the second module.
    """
    if not is_parametrized(from_module):
        return to_module
    for name in from_module.parametrizations if tensor_name is None else [tensor_name]:
        listed = from_module.parametrizations[name]
        if not hasattr(to_module, name):
            setattr(to_module, name, Parameter(getattr(from_module, name)))
        for parametrization in listed:
            register_parametrization(to_module, name, parametrization)
        for original in ["original"] if listed.is_tensor else [f"original{i}" for i in range(listed.ntensors)]:
            setattr(to_module.parametrizations[name], original, getattr(listed, original))
    return to_module
