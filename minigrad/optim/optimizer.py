"""Optimizer: which parameters are changed, with which options, and what is remembered of each.

Source: https://docs.pytorch.org/docs/stable/optim.html
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from functools import wraps
from itertools import chain
from types import MethodType
from typing import Any

from ..engine import RemovableHandle
from ..tensor import Tensor
from ..warning import warn

INTERNAL = True
Group = dict[str, Any]  # some parameters, under "params", and the options for them
StateDict = dict[str, Any]
Params = Iterable[Any]  # of tensors, of (name, tensor), or of groups
ADDED = {  # options that states of torch's earlier versions, or of other optimizers, lack, and what they are then
    **dict.fromkeys(("foreach", "fused")),
    **dict.fromkeys(("maximize", "capturable", "differentiable", "decoupled_weight_decay"), False),
    **dict.fromkeys(("amsgrad", "centered", "nesterov"), False),
}
_HOOKS = ("step_pre", "step_post", "state_dict_pre", "state_dict_post", "load_state_dict_pre", "load_state_dict_post")


class Optimizer:
    """The base of all optimizers: `params` to change, in groups, and `defaults` for the groups' options.

    params    tensors, or pairs of a name and a tensor, or groups: dictionaries with such an iterable under "params"
              and options that differ from `defaults`
    Raises ValueError if there are none, or one is not a leaf; TypeError if one is no tensor.
    Source: https://docs.pytorch.org/docs/stable/optim.html#torch.optim.Optimizer
    """

    _step_was_called: bool | None = None  # a scheduler sets it to False, the next step to True

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "step" in cls.__dict__:
            cls.step = _with_hooks(cls.__dict__["step"])  # type: ignore[method-assign]

    def __init__(self, params: Params, defaults: dict[str, Any]) -> None:
        if isinstance(params, Tensor):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or dicts, but got "
                f"{params.type()}\n  Put the tensor into a list: [w]."
            )
        self.defaults = defaults
        self.state: defaultdict[Any, Any] = defaultdict(dict)
        self.param_groups: list[Group] = []
        self._hooks: dict[str, dict[int, Callable[..., Any]]] = {kind: {} for kind in _HOOKS}
        if not isinstance(params, Iterable):
            advice = "\n  Pass what it is to change: net.parameters()." if hasattr(params, "parameters") else ""
            if isinstance(params, MethodType):
                advice = f"\n  Call it: net.{params.__name__}()."
            raise TypeError(f"'{type(params).__name__}' object is not iterable{advice}")
        groups = list(params)
        if not groups:
            raise ValueError(
                "optimizer got an empty parameter list\n"
                "  A module knows the layers and parameters that are its attributes, not those in a plain list: make\n"
                "  that an nn.ModuleList or nn.ParameterList, and a tensor that is to be learned an nn.Parameter.\n"
                "  And what parameters() gives can be read only once."
            )
        for group in groups if isinstance(groups[0], dict) else [{"params": groups}]:
            self.add_param_group(group)

    def add_param_group(self, param_group: Group) -> None:
        """Let the optimizer change more parameters too, with options of their own.

        Raises TypeError for a group that is no dictionary or holds what is no tensor, ValueError for a tensor that is
        no leaf or is in another group already.
        """
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        params, names = _named(param_group["params"])
        for param in params:
            if not isinstance(param, Tensor):
                advice = "\n  Pass what it is to change: net.parameters()." if hasattr(param, "parameters") else ""
                kind = _type_name(param)
                raise TypeError(f"optimizer can only optimize Tensors, but one of the params is {kind}{advice}")
            if not (param.is_leaf or param.retains_grad):
                raise ValueError(
                    "can't optimize a non-leaf Tensor\n"
                    "  It is the result of an operation, and the next forward pass computes it anew. Pass what it was\n"
                    "  computed from, or make it a leaf: x.detach().requires_grad_()."
                )
        param_group["params"] = params
        if names:
            param_group["param_names"] = names
        for option, default in self.defaults.items():
            param_group.setdefault(option, default)
        if len(params) != len(set(params)):
            warn(
                "optimizer contains a parameter group with duplicate parameters; in future, this will cause an error; "
                "see github.com/pytorch/pytorch/issues/40967 for more information"
            )
        for group in self.param_groups:
            if ("param_names" in group) != ("param_names" in param_group):
                raise ValueError(
                    "all optimizer param groups should be with/without names. cannot add param group "
                    f"{'with' if 'param_names' in param_group else 'without'} names to the optimizer"
                )
        known = set(chain.from_iterable(group["params"] for group in self.param_groups))
        if not known.isdisjoint(params):
            raise ValueError("some parameters appear in more than one parameter group")
        self.param_groups.append(param_group)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change the parameters once; each optimizer says how. Returns what `closure`, if given, returned."""
        raise NotImplementedError

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters or, told not to set them to None, fill them with zeros."""
        for group in self.param_groups:
            for param in group["params"]:
                if set_to_none:
                    param._grad = None
                elif param._grad is not None:
                    param._grad.detach_().zero_()

    # Saving and resuming

    def state_dict(self) -> StateDict:
        """What resuming needs: {"state": what is remembered, by number of the parameter, "param_groups": [...]}.

        Tensors in it are those of the optimizer, not copies.
        """
        for hook in self._hooks["state_dict_pre"].values():
            hook(self)
        params = chain.from_iterable(group["params"] for group in self.param_groups)
        numbers: dict[int, int] = {}
        for i, param in enumerate(params):
            numbers.setdefault(id(param), i)
        state_dict: StateDict = {
            "state": {numbers[id(k)] if isinstance(k, Tensor) else k: v for k, v in self.state.items()},
            "param_groups": [
                {option: value for option, value in group.items() if option != "params"}
                | {"params": [numbers[id(param)] for param in group["params"]]}
                for group in self.param_groups
            ],
        }
        for hook in self._hooks["state_dict_post"].values():
            state_dict = _replaced(hook(self, state_dict), state_dict)
        return state_dict

    def load_state_dict(self, state_dict: StateDict) -> None:
        """Go on from what `state_dict`, here or in another program, returned: groups are matched by their order.

        Raises ValueError if the groups differ in number or size.
        """
        state_dict = state_dict.copy()
        for hook in self._hooks["load_state_dict_pre"].values():
            state_dict = _replaced(hook(self, state_dict), state_dict)
        groups, saved = self.param_groups, deepcopy(state_dict["param_groups"])
        if len(groups) != len(saved):
            raise ValueError(
                "loaded state dict has a different number of parameter groups\n"
                f"  It has {len(saved)}, and this optimizer {len(groups)}."
            )
        for i, (group, new) in enumerate(zip(groups, saved, strict=True)):
            if len(group["params"]) != len(new["params"]):
                raise ValueError(
                    "loaded state dict contains a parameter group that doesn't match the size of optimizer's group\n"
                    f"  Group {i} has {len(new['params'])} parameters there, and {len(group['params'])} here."
                )
        params = {
            n: p for g, new in zip(groups, saved, strict=True) for n, p in zip(new["params"], g["params"], strict=True)
        }
        state: defaultdict[Any, Any] = defaultdict(dict)
        for number, value in state_dict["state"].items():
            param = params.get(number)
            state[number if param is None else param] = value if param is None else _in_dtype_of(param, value)
        for group, new in zip(groups, saved, strict=True):
            new["params"] = group["params"]
            if "param_names" in group:
                new.setdefault("param_names", group["param_names"])
            for option in self.defaults.keys() & ADDED.keys():
                new.setdefault(option, ADDED[option])
        self.__setstate__({"state": state, "param_groups": saved})
        for hook in self._hooks["load_state_dict_post"].values():
            hook(self)

    def __getstate__(self) -> dict[str, Any]:
        return {"defaults": self.defaults, "state": self.state, "param_groups": self.param_groups}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.__dict__.setdefault("_hooks", {kind: {} for kind in _HOOKS})

    def __repr__(self) -> str:
        text = f"{type(self).__name__} ("
        for i, group in enumerate(self.param_groups):
            options = sorted(option for option in group if option != "params")
            text += f"\nParameter Group {i}\n" + "".join(f"    {option}: {group[option]}\n" for option in options)
        return f"{text})"

    # Hooks

    def register_step_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(optimizer, args, kwargs)` before each step; it may return the arguments to use instead.

        The first of `args` is the optimizer itself.
        """
        return RemovableHandle(self._hooks["step_pre"], hook)

    def register_step_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(optimizer, args, kwargs)` after each step."""
        return RemovableHandle(self._hooks["step_post"], hook)

    def register_state_dict_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call `hook(optimizer)` before `state_dict` gathers what it returns."""
        return self._register("state_dict_pre", hook, prepend)

    def register_state_dict_post_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call `hook(optimizer, state_dict)` after it; the hook may change the dictionary or return another."""
        return self._register("state_dict_post", hook, prepend)

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call `hook(optimizer, state_dict)` before one is loaded; it may change the dictionary or return another."""
        return self._register("load_state_dict_pre", hook, prepend)

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call `hook(optimizer)` after one was loaded."""
        return self._register("load_state_dict_post", hook, prepend)

    def _register(self, kind: str, hook: Callable[..., Any], first: bool) -> RemovableHandle:
        hooks = self._hooks[kind]
        before = dict(hooks) if first else {}
        handle = RemovableHandle(hooks, hook)
        for key, earlier in before.items():  # to the end, behind the new one
            del hooks[key]
            hooks[key] = earlier
        return handle


def _with_hooks(step: Callable[..., Any]) -> Callable[..., Any]:
    """An optimizer's `step`, with its hooks called before and after; schedulers are told that it was called."""

    @wraps(step)
    def hooked(*args: Any, **kwargs: Any) -> Any:
        self: Optimizer = args[0]
        for before in self._hooks["step_pre"].values():
            changed = before(self, args, kwargs)
            if changed is not None:
                if not isinstance(changed, tuple) or len(changed) != 2:
                    raise RuntimeError(
                        f"{step} must return None or a tuple of (new_args, new_kwargs), but got {changed}."
                    )
                args, kwargs = changed
        if self._step_was_called is False:
            self._step_was_called = True
        result = step(*args, **kwargs)
        for after in self._hooks["step_post"].values():
            after(self, args, kwargs)
        return result

    hooked.tells_schedulers = True  # type: ignore[attr-defined]
    return hooked


def _named(params: Any) -> tuple[list[Any], list[str]]:
    """The tensors of one group in a list, and their names, if they came with names."""
    if isinstance(params, set):
        raise TypeError(
            "optimizer parameters need to be organized in ordered collections, but the ordering of tensors in sets "
            "will change between runs. Please use a list instead."
        )
    given = [params] if isinstance(params, Tensor) else list(params)
    names = [entry[0] for entry in given if isinstance(entry, tuple)]
    if names and len(names) != len(given):
        raise ValueError("all optimizer params should be with/without names. Some param names are missing")
    return [entry[1] if isinstance(entry, tuple) else entry for entry in given], names


def _replaced(result: Any, state_dict: StateDict) -> StateDict:
    return state_dict if result is None else result


def _in_dtype_of(param: Tensor, value: Any, name: str = "") -> Any:
    """What was saved of a parameter, with tensors in its dtype; but the count of steps stays what it is."""
    if isinstance(value, Tensor):
        return value if name == "step" or not param.is_floating_point() else value.to(param.dtype)
    if isinstance(value, Mapping):
        return {key: _in_dtype_of(param, part, key) for key, part in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str):
        return type(value)(_in_dtype_of(param, part) for part in value)  # type: ignore[call-arg]
    return value


def _type_name(value: Any) -> str:
    module = type(value).__module__
    return f"{'' if module == 'builtins' else module + '.'}{type(value).__qualname__}"
