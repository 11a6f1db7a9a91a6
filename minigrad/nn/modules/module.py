"""Module: a part of a model, with its parameters, buffers and the modules inside it.

Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any, Self

from ... import dtypes, empty_like
from ...dtypes import dtype
from ...engine import RemovableHandle
from ...modes import no_grad
from ...ops.convert import read_to
from ...tensor import Tensor
from ..parameter import Buffer, Parameter, Uninitialized
from .hooks import MODULE_HOOKS, attach, attach_backward, call_with_hooks
from .mistakes import CALL_INIT, NO_SHARING, made_module, name_layer, no_forward, no_program
from .naming import class_text, indented, typename
from .state import STATE_HOOKS, Stateful

INTERNAL = True


class Module(Stateful):
    """The base of all layers and models: assign parameters and modules to attributes, and write `forward`.

    A Parameter or a Module that is assigned to an attribute is registered: `parameters()` finds it, `state_dict()`
    saves it, `print` shows it. Calling the module calls `forward`, and the hooks around it.
    """

    training: bool
    _forward_hooks: dict[int, Callable[..., Any]]
    _forward_hooks_with_kwargs: dict[int, bool]
    _forward_hooks_always_called: dict[int, bool]
    _forward_pre_hooks: dict[int, Callable[..., Any]]
    _forward_pre_hooks_with_kwargs: dict[int, bool]
    _backward_hooks: dict[int, Callable[..., Any]]
    _backward_pre_hooks: dict[int, Callable[..., Any]]
    _is_full_backward_hook: bool | None = None  # whether those of _backward_hooks are; None before there were any
    call_super_init = False  # whether __init__ also calls that of the next class, where a class has several bases

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        name = f"{type(self).__name__}.__init__()"
        if not self.call_super_init:
            for keyword in kwargs:
                raise TypeError(f"{name} got an unexpected keyword argument '{keyword}'")
            if args:
                raise TypeError(f"{name} takes 1 positional argument but {len(args) + 1} were given")
        self.__dict__.update(
            training=True,
            _parameters={},
            _buffers={},
            _non_persistent_buffers_set=set(),
            **{name: OrderedDict() for name in (*MODULE_HOOKS, *STATE_HOOKS)},
            _modules={},
        )
        if self.call_super_init:
            super().__init__(*args, **kwargs)

    def _unimplemented(self, *input: Any) -> Any:
        raise NotImplementedError(no_forward(self))

    forward: Callable[..., Any] = _unimplemented

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The result of `forward`, and of the hooks around it."""
        if self._backward_hooks or self._backward_pre_hooks or self._forward_hooks or self._forward_pre_hooks:
            return call_with_hooks(self, args, kwargs)
        try:
            return self.forward(*args, **kwargs)
        except (RuntimeError, ValueError, IndexError) as error:
            name_layer(self, error, [*args, *kwargs.values()])
            raise

    # What is assigned to its attributes

    def __setattr__(self, name: str, value: Any) -> None:
        own = self.__dict__
        if isinstance(value, Parameter):
            self._make_room(name, "parameters")
            self.register_parameter(name, value)
        elif isinstance(value, Module) and name not in own.get("_parameters", ()):
            self._make_room(name, "module")
            self._modules[name] = value
        elif name in own.get("_parameters", ()):
            self._require_none(value, f"as parameter '{name}' (torch.nn.Parameter or None expected)")
            self._parameters[name] = None
        elif name in own.get("_modules", ()):
            self._require_none(value, f"as child module '{name}' (torch.nn.Module or None expected)")
            self._modules[name] = None
        elif isinstance(value, Buffer) or name in own.get("_buffers", ()):
            if not isinstance(value, Tensor):
                self._require_none(value, f"as buffer '{name}' (torch.nn.Buffer, torch.Tensor or None expected)")
            kept: bool = value.persistent if isinstance(value, Buffer) else name not in self._non_persistent_buffers_set  # type: ignore[attr-defined]
            self.register_buffer(name, value, kept)
        else:
            super().__setattr__(name, value)

    def _make_room(self, name: str, kind: str) -> None:
        """Take `name` away from attributes of other kinds."""
        own = self.__dict__
        if "_modules" not in own:
            raise AttributeError(f"cannot assign {kind} before Module.__init__() call{CALL_INIT}")
        others = (self._buffers, self._modules if kind == "parameters" else self._parameters)
        for place in (own, *others):
            place.pop(name, None)
        self._non_persistent_buffers_set.discard(name)

    @staticmethod
    def _require_none(value: Any, place: str) -> None:
        if value is not None:
            raise TypeError(f"cannot assign '{typename(value)}' {place}")

    def __getattr__(self, name: str) -> Any:
        own = self.__dict__
        for kind in ("_parameters", "_buffers", "_modules"):
            registered = own.get(kind)
            if registered is not None and name in registered:
                return registered[name]
        advice = "" if "_parameters" in own else CALL_INIT
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'{advice}")

    def __delattr__(self, name: str) -> None:
        for registered in (self._parameters, self._buffers, self._modules):
            if name in registered:
                del registered[name]
                self._non_persistent_buffers_set.discard(name)
                return
        super().__delattr__(name)

    def __dir__(self) -> list[str]:
        names = [*dir(type(self)), *self.__dict__, *self._parameters, *self._modules, *self._buffers]
        return sorted(name for name in names if not name[0].isdigit())

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add a parameter, or None as the place of one.

        Raises KeyError for a name that will not do, TypeError for what is no Parameter.
        """
        self._check_name(name, "parameter", self.__dict__.get("_parameters"))
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(
                f"cannot assign '{typename(param)}' object to parameter '{name}' (torch.nn.Parameter or None required)"
            )
        if param is not None and param.grad_fn is not None:
            raise ValueError(
                f"Cannot assign non-leaf Tensor to parameter '{name}'. Model parameters must be created explicitly. To "
                f"express '{name}' as a function of another Tensor, compute the value in the forward() method."
            )
        self._parameters[name] = param

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Add a tensor that is state but no parameter; left out of `state_dict` if it is not `persistent`."""
        self._check_name(name, "buffer", self.__dict__.get("_buffers"))
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(
                f"cannot assign '{typename(tensor)}' object to buffer '{name}' (torch Tensor or None required)"
            )
        self._buffers[name] = tensor
        (self._non_persistent_buffers_set.discard if persistent else self._non_persistent_buffers_set.add)(name)

    def add_module(self, name: str, module: Module | None) -> None:
        """Add a module inside this one, or None as the place of one."""
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"{typename(module)} is not a Module subclass{made_module(module)}")
        self._check_name(name, "module", self._modules)
        self._modules[name] = module

    def register_module(self, name: str, module: Module | None) -> None:
        """`add_module`."""
        self.add_module(name, module)

    def _check_name(self, name: Any, kind: str, registered: Any) -> None:
        if registered is None:
            raise AttributeError(f"cannot assign {kind} before Module.__init__() call{CALL_INIT}")
        if not isinstance(name, str):
            raise TypeError(f"{kind} name should be a string. Got {typename(name)}")
        if kind != "module" and "." in name:
            raise KeyError(f'{kind} name can\'t contain "."')
        if kind != "module" and not name:
            raise KeyError(f'{kind} name can\'t be empty string ""')
        if hasattr(self, name) and name not in registered:
            raise KeyError(f"attribute '{name}' already exists")
        if "." in name:
            raise KeyError(f'{kind} name can\'t contain ".", got: {name}')
        if not name:
            raise KeyError(f'{kind} name can\'t be empty string ""')

    # What is in it

    def named_modules(
        self, memo: set[Module] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """This module and all inside it, each once, with names such as "0.conv"."""
        memo = set() if memo is None else memo
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self
        for name, module in self._modules.items():
            if module is not None:
                yield from module.named_modules(memo, f"{prefix}.{name}" if prefix else name, remove_duplicate)

    def modules(self, remove_duplicate: bool = True) -> Iterator[Module]:
        """This module and all inside it, each once."""
        for _, module in self.named_modules(remove_duplicate=remove_duplicate):
            yield module

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules directly inside this one, with their names."""
        seen = set()
        for name, module in self._modules.items():
            if module is not None and module not in seen:
                seen.add(module)
                yield name, module

    def children(self) -> Iterator[Module]:
        """The modules directly inside this one."""
        for _, module in self.named_children():
            yield module

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """The parameters, each once, with names such as "0.weight"; without those of inner modules if not `recurse`."""
        return self._named_members("_parameters", prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """The parameters, each once."""
        for _, parameter in self.named_parameters(recurse=recurse):
            yield parameter

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """The buffers, each once, with their names."""
        return self._named_members("_buffers", prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """The buffers, each once."""
        for _, buffer in self.named_buffers(recurse=recurse):
            yield buffer

    def _named_members(self, kind: str, prefix: str, recurse: bool, remove_duplicate: bool) -> Iterator[Any]:
        seen = set()
        modules = self.named_modules(None, prefix, remove_duplicate) if recurse else [(prefix, self)]
        for path, module in modules:
            for name, member in module.__dict__[kind].items():
                if member is None or member in seen:
                    continue
                if remove_duplicate:
                    seen.add(member)
                yield f"{path}.{name}" if path else name, member

    def get_submodule(self, target: str) -> Module:
        """The module of a name such as "0.conv"; AttributeError if there is none."""
        module: Any = self
        for name in target.split(".") if target else ():
            if not hasattr(module, name):
                raise AttributeError(f"{module._get_name()} has no attribute `{name}`")
            module = getattr(module, name)
            if not isinstance(module, Module):
                raise AttributeError(f"`{name}` is not an nn.Module")
        return module

    def set_submodule(self, target: str, module: Module, strict: bool = False) -> None:
        """Put a module in the place of a name such as "0.conv"; with `strict`, only where there is one already.

        Raises AttributeError for a name of what is no module, ValueError for an empty name and for what is no module.
        """
        if target == "":
            raise ValueError("Cannot set the submodule without a target name!")
        if not isinstance(module, Module):
            raise ValueError(f"`module` is not an nn.Module, found {class_text(type(module))}")
        path, _, name = target.rpartition(".")
        parent = self.get_submodule(path)
        if strict or hasattr(parent, name):
            parent.get_submodule(name)  # raises unless it is one
        setattr(parent, name, module)

    def get_parameter(self, target: str) -> Parameter:
        """The parameter of a name such as "0.weight"; AttributeError if there is none."""
        return self._get_member(target, "_parameters", "an nn.Parameter")

    def get_buffer(self, target: str) -> Tensor:
        """The buffer of a name such as "1.running_mean"; AttributeError if there is none."""
        return self._get_member(target, "_buffers", "a buffer")

    def _get_member(self, target: str, kind: str, described: str) -> Any:
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        if not hasattr(module, name):
            raise AttributeError(f"{module._get_name()} has no attribute `{name}`")
        if name not in module.__dict__[kind]:
            raise AttributeError(f"`{name}` is not {described}")
        return getattr(module, name)

    # What is done to all of it

    def apply(self, fn: Callable[[Module], None]) -> Self:
        """Call `fn` on every module inside, innermost first, and on this one."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    def train(self, mode: bool = True) -> Self:
        """Put it into training mode, in which dropout drops and batch norm looks at the batch; or out of it."""
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self) -> Self:
        """`train(False)`."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Ask for gradients of all parameters (or no longer)."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters, or set them to zero."""
        for parameter in self.parameters():
            if parameter._grad is None:
                continue
            if set_to_none:
                parameter._grad = None
            else:
                grad = parameter._grad
                parameter._grad = (grad if grad.grad_fn is None else grad.detach()).requires_grad_(False).zero_()

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Replace the values of all parameters, their gradients and all buffers by what `fn` makes of them."""
        for module in self.children() if recurse else ():
            module._apply(fn)
        with no_grad():
            for parameter in self._parameters.values():
                for t in () if parameter is None else (parameter, parameter._grad):
                    changed = t if t is None else fn(t.data if isinstance(t, Uninitialized) else t)
                    if t is not None and changed is not None and changed is not t:
                        t.data = changed
            for name, buffer in self._buffers.items():
                if isinstance(buffer, Uninitialized):
                    buffer.data = fn(buffer.data)
                elif buffer is not None:
                    self._buffers[name] = fn(buffer)
        return self

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Convert all floating parameters and buffers, in place, called as `Tensor.to` is.

        Raises TypeError for a dtype that is not floating, AssertionError or RuntimeError for a device but the CPU.
        """
        wanted, _ = read_to(args, kwargs)
        if wanted is not None and not wanted.is_floating_point:
            raise TypeError(
                "nn.Module.to only accepts floating point or complex dtypes, but got desired dtype=" + str(wanted)
            )
        return self if wanted is None else self._to_floating(wanted)

    def _to_floating(self, wanted: dtype) -> Self:
        return self._apply(lambda t: t.to(wanted) if t.is_floating_point() else t)

    def float(self) -> Self:
        """Convert all floating parameters and buffers to float32, in place."""
        return self._to_floating(dtypes.float32)

    def double(self) -> Self:
        """Convert all floating parameters and buffers to float64, in place."""
        return self._to_floating(dtypes.float64)

    def half(self) -> Self:
        """Convert all floating parameters and buffers to float16, in place."""
        return self._to_floating(dtypes.float16)

    def type(self, dst_type: Any) -> Self:
        """Convert all parameters and buffers to a dtype, in place."""
        return self._apply(lambda t: t.type(dst_type))

    def to_empty(self, *, device: Any, recurse: bool = True) -> Self:
        """Replace all parameters and buffers by ones whose values are uninitialised, in place."""
        return self._apply(lambda t: empty_like(t, device=device), recurse)

    def share_memory(self) -> Self:
        """Raise NotImplementedError: memory cannot be shared between processes."""
        raise NotImplementedError(NO_SHARING)

    def compile(
        self,
        *,
        fullgraph: bool = False,
        dynamic: bool | None = None,
        backend: Any = "numpy",
        mode: str | None = None,
        options: Any = None,
        disable: bool = False,
    ) -> None:
        """Nothing: a module runs as it is, as with `minigrad.compile`, which has the same options.

        Raises NotImplementedError with `fullgraph`, which does not allow that.
        """
        if fullgraph and not disable:
            raise NotImplementedError(no_program(self))

    def cpu(self) -> Self:
        """This module: it is on the CPU already."""
        return self

    def cuda(self, device: Any = None) -> Self:
        """Raise AssertionError, as torch does where there is no GPU."""
        return self._apply(lambda t: t.cuda(device))

    # Its hooks

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Call `hook(module, args)` before `forward`; what it returns takes the place of the arguments.

        With `with_kwargs` it is `hook(module, args, kwargs)`, which may return both.
        """
        marks = [self._forward_pre_hooks_with_kwargs] if with_kwargs else []
        return attach(self._forward_pre_hooks, hook, prepend, *marks)

    def register_forward_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False, always_call: bool = False
    ) -> RemovableHandle:
        """Call `hook(module, args, output)` after `forward`; what it returns takes the place of the output.

        With `with_kwargs` it is `hook(module, args, kwargs, output)`; with `always_call` also where forward raises.
        """
        marks = [self._forward_hooks_with_kwargs] if with_kwargs else []
        marks += [self._forward_hooks_always_called] if always_call else []
        return attach(self._forward_hooks, hook, prepend, *marks)

    def register_full_backward_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call `hook(module, grad_output)` when gradients arrive at the outputs; a tuple it returns replaces them."""
        return attach(self._backward_pre_hooks, hook, prepend)

    def register_full_backward_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call `hook(module, grad_input, grad_output)` when those of the inputs are there too; it may replace them."""
        return attach_backward(self, hook, True, prepend)

    def register_backward_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(module, grad_input, grad_output)` for the operation that made the output: an old form, see torch.

        Where `forward` is more than one operation, `grad_input` is not that of the module's inputs.
        """
        return attach_backward(self, hook, False, False)

    # How it prints

    def _get_name(self) -> str:
        return self.__class__.__name__

    def extra_repr(self) -> str:
        """What the printed text says of the module itself, for subclasses to fill in."""
        return ""

    def __repr__(self) -> str:
        extra = self.extra_repr()
        own = extra.split("\n") if extra else []
        inner = [f"({name}): {indented(repr(module))}" for name, module in self._modules.items()]
        lines = own + inner
        if not lines or (len(own) == 1 and not inner):
            return f"{self._get_name()}({''.join(lines)})"
        return f"{self._get_name()}(\n  " + "\n  ".join(lines) + "\n)"
