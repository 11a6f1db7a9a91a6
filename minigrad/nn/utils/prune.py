"""Parameters of which some elements are kept at zero: what is pruned is `name_orig` times the buffer `name_mask`.

A hook before `forward` multiplies the two anew, so that the gradient of what is masked is zero.
Source: https://docs.pytorch.org/docs/stable/nn.html#utilities
"""

from __future__ import annotations

import numbers
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar, TypeVar

from ... import ones_like, rand, rand_like, zeros_like
from ...tensor import Tensor
from ..modules.module import Module
from .convert_parameters import parameters_to_vector

INTERNAL = True
M = TypeVar("M", bound=Module)


class BasePruningMethod:
    """A way to choose what is pruned: a class of its own defines `compute_mask` and `PRUNING_TYPE`.

    PRUNING_TYPE  "unstructured" (single elements), "structured" (slices along `self.dim`) or "global": what a second
                  pruning of the same parameter chooses from, that is the elements left, the slices left, or all
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.prune.BasePruningMethod.html
    """

    PRUNING_TYPE: ClassVar[str]
    _tensor_name: str

    def __call__(self, module: Module, inputs: Any) -> None:
        """Before `forward`: set the parameter's name to the masked values."""
        setattr(module, self._tensor_name, self.apply_mask(module))

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """A mask of ones and zeros shaped as the scores `t`, which keeps the zeros of `default_mask`."""
        raise NotImplementedError(f"{type(self).__name__} does not say what to prune: define compute_mask.")

    def apply_mask(self, module: Module) -> Tensor:
        """The masked values, with a graph back to the parameter."""
        original = getattr(module, f"{self._tensor_name}_orig")
        return getattr(module, f"{self._tensor_name}_mask").to(dtype=original.dtype) * original

    @classmethod
    def apply(
        cls, module: Module, name: str, *args: Any, importance_scores: Tensor | None = None, **kwargs: Any
    ) -> BasePruningMethod:
        """Prune the parameter `name` of `module` by `cls(*args, **kwargs)`, on top of what pruned it before.

        Raises AssertionError for `importance_scores` of another shape, and what `compute_mask` raises.
        """
        value = getattr(module, name)
        if importance_scores is not None and importance_scores.shape != value.shape:
            raise AssertionError(
                f"importance_scores should have the same shape as parameter {name} of {module}, got "
                f"{importance_scores.shape} vs {value.shape}"
            )
        method = cls(*args, **kwargs)
        method._tensor_name = name
        key, earlier = _hook_of(module, name)
        whole = method
        if earlier is not None:
            whole = earlier if isinstance(earlier, PruningContainer) else PruningContainer(earlier)
            whole.add_pruning_method(method)
        before = ones_like(value) if earlier is None else getattr(module, f"{name}_mask").detach().clone()
        mask = whole.compute_mask(value if importance_scores is None else importance_scores, default_mask=before)
        if earlier is None:
            del module._parameters[name]
            module.register_parameter(f"{name}_orig", value)
        else:
            del module._forward_pre_hooks[key]
        module.register_buffer(f"{name}_mask", mask.detach())
        setattr(module, name, whole.apply_mask(module))
        module.register_forward_pre_hook(whole)
        return whole

    def prune(self, t: Tensor, default_mask: Tensor | None = None, importance_scores: Tensor | None = None) -> Tensor:
        """`t` with what the method chooses, by `importance_scores` or by its own values, set to zero."""
        if importance_scores is not None and importance_scores.shape != t.shape:
            raise AssertionError(
                f"importance_scores should have the same shape as tensor t, got {importance_scores.shape} vs {t.shape}"
            )
        scores = t if importance_scores is None else importance_scores
        return t * self.compute_mask(scores, ones_like(t) if default_mask is None else default_mask)

    def remove(self, module: Module) -> None:
        """Make the masked values the parameter itself; what was pruned stays zero, and may be learned again."""
        name = self._tensor_name
        masked = self.apply_mask(module)
        delattr(module, name)
        original: Any = module._parameters.pop(f"{name}_orig")
        del module._buffers[f"{name}_mask"]
        original.data = masked.data
        setattr(module, name, original)


class PruningContainer(BasePruningMethod):
    """Several prunings of one parameter, one after the other; each chooses from what those before it left."""

    def __init__(self, *args: BasePruningMethod) -> None:
        self._pruning_methods: tuple[BasePruningMethod, ...] = ()
        if args:
            self._tensor_name = args[0]._tensor_name
        for method in args:
            self.add_pruning_method(method)

    def add_pruning_method(self, method: BasePruningMethod) -> None:
        """Append one; TypeError for what is no pruning method, ValueError for one of another parameter."""
        if not isinstance(method, BasePruningMethod):
            raise TypeError(f"{type(method)} is not a BasePruningMethod subclass")
        if self._tensor_name != method._tensor_name:
            raise ValueError(
                f"Can only add pruning methods acting on the parameter named '{self._tensor_name}' to "
                f"PruningContainer {self}. Found '{method._tensor_name}'"
            )
        self._pruning_methods += (method,)

    def __len__(self) -> int:
        return len(self._pruning_methods)

    def __iter__(self) -> Iterator[BasePruningMethod]:
        return iter(self._pruning_methods)

    def __getitem__(self, idx: Any) -> Any:
        return self._pruning_methods[idx]

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """`default_mask`, and in what it left the zeros of the method that was added last."""
        method = self._pruning_methods[-1]
        chosen: Any
        if method.PRUNING_TYPE == "unstructured":
            chosen = default_mask == 1
        elif method.PRUNING_TYPE == "structured":
            if not hasattr(method, "dim"):
                raise AttributeError(
                    'Pruning methods of PRUNING_TYPE "structured" need to have the attribute `dim` defined.'
                )
            dim = range(t.ndim)[method.dim]
            left = default_mask.sum(dim=[d for d in range(t.ndim) if d != dim]) != 0
            chosen = (*[slice(None)] * dim, left)
        elif method.PRUNING_TYPE == "global":
            chosen = ...
        else:
            raise ValueError(f"Unrecognized PRUNING_TYPE {method.PRUNING_TYPE}")
        mask = default_mask.to(dtype=t.dtype).clone()
        mask[chosen] = method.compute_mask(t[chosen], default_mask=default_mask[chosen]).to(dtype=mask.dtype)
        return mask


class Identity(BasePruningMethod):
    """Prunes nothing: makes room for a mask."""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """`default_mask` itself."""
        return default_mask


class _Unstructured(BasePruningMethod):
    """Prunes `amount` single elements: an int counts them, a float is their share."""

    PRUNING_TYPE = "unstructured"

    def __init__(self, amount: float) -> None:
        self.amount = _checked(amount)

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """`default_mask` with zeros at what `chosen` gives."""
        count = _count(self.amount, t.numel())
        mask = default_mask.clone()
        if count:
            mask.view(-1)[self.chosen(t, count)] = 0
        return mask

    def chosen(self, t: Tensor, count: int) -> Tensor:
        """The places of `count` elements of the flattened `t`."""
        raise NotImplementedError


class RandomUnstructured(_Unstructured):
    """Prunes elements drawn at random."""

    def chosen(self, t: Tensor, count: int) -> Tensor:
        """Any."""
        return rand_like(t).view(-1).topk(count).indices


class L1Unstructured(_Unstructured):
    """Prunes the elements of the least absolute values."""

    def chosen(self, t: Tensor, count: int) -> Tensor:
        """The least."""
        return t.abs().reshape(-1).topk(count, largest=False).indices


class _Structured(BasePruningMethod):
    """Prunes `amount` slices along `dim`: an int counts them, a float is their share."""

    PRUNING_TYPE = "structured"

    def __init__(self, amount: float, dim: int = -1) -> None:
        self.amount, self.dim = _checked(amount), dim

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """`default_mask`, but zero in all slices that `kept` does not name."""
        if t.ndim <= 1:
            raise ValueError(
                "Structured pruning can only be applied to multidimensional tensors. Found tensor of shape "
                f"{t.shape} with {t.ndim} dims"
            )
        if self.dim >= t.ndim:
            raise IndexError(f"Invalid index {self.dim} for tensor of size {t.shape}")
        count = _count(self.amount, t.shape[self.dim])
        if not count:
            return default_mask
        mask = zeros_like(t)
        mask[(*[slice(None)] * range(t.ndim)[self.dim], self.kept(t, count))] = 1
        mask *= default_mask.to(dtype=mask.dtype)
        return mask

    def kept(self, t: Tensor, count: int) -> Tensor:
        """An index along `dim` of all slices but `count`."""
        raise NotImplementedError


class RandomStructured(_Structured):
    """Prunes slices drawn at random."""

    def kept(self, t: Tensor, count: int) -> Tensor:
        """Any."""
        drawn = rand(t.shape[self.dim])
        return drawn > drawn.kthvalue(count).values


class LnStructured(_Structured):
    """Prunes the slices of the least `n`-norms."""

    def __init__(self, amount: float, n: Any, dim: int = -1) -> None:
        super().__init__(amount, dim)
        self.n = n

    def kept(self, t: Tensor, count: int) -> Tensor:
        """The greatest."""
        along = range(t.ndim)[self.dim]
        norms = t.norm(self.n, dim=[d for d in range(t.ndim) if d != along])
        return norms.topk(t.shape[self.dim] - count).indices


class CustomFromMask(BasePruningMethod):
    """Prunes where a mask is zero."""

    PRUNING_TYPE = "global"

    def __init__(self, mask: Tensor) -> None:
        self.mask = mask

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """Both masks, multiplied."""
        if default_mask.shape != self.mask.shape:
            raise AssertionError(
                f"default_mask shape {default_mask.shape} must match self.mask shape {self.mask.shape}"
            )
        return default_mask * self.mask.to(dtype=default_mask.dtype)


def identity(module: M, name: str) -> M:
    """Give `module` a mask of ones for the parameter `name`; returns the module, as all of these do."""
    Identity.apply(module, name)
    return module


def random_unstructured(module: M, name: str, amount: float) -> M:
    """Prune `amount` elements (an int, or a share) at random; TypeError or ValueError for an amount that is neither."""
    RandomUnstructured.apply(module, name, amount)
    return module


def l1_unstructured(module: M, name: str, amount: float, importance_scores: Tensor | None = None) -> M:
    """Prune the `amount` elements (an int, or a share) of the least absolute values, or scores."""
    L1Unstructured.apply(module, name, amount, importance_scores=importance_scores)
    return module


def random_structured(module: M, name: str, amount: float, dim: int) -> M:
    """Prune `amount` slices (an int, or a share) along `dim` at random."""
    RandomStructured.apply(module, name, amount, dim)
    return module


def ln_structured(module: M, name: str, amount: float, n: Any, dim: int, importance_scores: Tensor | None = None) -> M:
    """Prune the `amount` slices (an int, or a share) along `dim` of the least `n`-norms."""
    LnStructured.apply(module, name, amount, n, dim, importance_scores=importance_scores)
    return module


def custom_from_mask(module: M, name: str, mask: Tensor) -> M:
    """Prune where `mask` is zero."""
    CustomFromMask.apply(module, name, mask)
    return module


def global_unstructured(
    parameters: Iterable[tuple[Module, str]],
    pruning_method: type[BasePruningMethod],
    importance_scores: Mapping[tuple[Module, str], Tensor] | None = None,
    **kwargs: Any,
) -> None:
    """Prune several parameters, given as (module, name), by one comparison of all their elements.

    Raises TypeError where `parameters` is no iterable, `importance_scores` no dict, or the method not "unstructured".
    """
    if not isinstance(parameters, Iterable):
        raise TypeError("global_unstructured(): parameters is not an Iterable")
    if not isinstance(importance_scores, dict | None):
        raise TypeError("global_unstructured(): importance_scores must be of type dict")
    pairs, scores = list(parameters), importance_scores or {}
    values = [getattr(module, name) for module, name in pairs]
    masks = [getattr(m, f"{name}_mask", ones_like(v)) for (m, name), v in zip(pairs, values, strict=True)]
    method = pruning_method(**kwargs)
    method._tensor_name = "temp"
    if method.PRUNING_TYPE != "unstructured":
        raise TypeError(
            'Only "unstructured" PRUNING_TYPE supported for the `pruning_method`. Found method '
            f"{pruning_method} of type {method.PRUNING_TYPE}"
        )
    all_scores = parameters_to_vector([scores.get(pair, v) for pair, v in zip(pairs, values, strict=True)])
    found = PruningContainer(method).compute_mask(all_scores, parameters_to_vector(masks))
    parts = found.split([v.numel() for v in values])
    for (module, name), value, mask in zip(pairs, values, parts, strict=True):
        custom_from_mask(module, name, mask.view(value.shape))


def remove(module: M, name: str) -> M:
    """Make the parameter `name` plain again, with its pruned values; ValueError if it was not pruned."""
    key, method = _hook_of(module, name)
    if method is None:
        raise ValueError(f"Parameter '{name}' of module {module} has to be pruned before pruning can be removed")
    method.remove(module)
    del module._forward_pre_hooks[key]
    return module


def is_pruned(module: Module) -> bool:
    """Whether a parameter of the module, or of one within it, is pruned."""
    hooks = [hook for m in module.modules() for hook in m._forward_pre_hooks.values()]
    return any(isinstance(hook, BasePruningMethod) for hook in hooks)


def _hook_of(module: Module, name: str) -> tuple[int, BasePruningMethod | None]:
    for key, hook in module._forward_pre_hooks.items():
        if isinstance(hook, BasePruningMethod) and hook._tensor_name == name:
            return key, hook
    return -1, None


def _checked(amount: Any) -> Any:
    """`amount`, or torch's TypeError or ValueError if it is neither a count nor a share."""
    if not isinstance(amount, numbers.Real):
        raise TypeError(f"Invalid type for amount: {amount}. Must be int or float.")
    most = float("inf") if _is_count(amount) else 1.0
    if not 0 <= float(amount) <= most:
        raise ValueError(f"amount={amount} should either be a float in the range [0, 1] or a non-negative integer")
    return amount


def _count(amount: Any, size: int) -> int:
    """How many of `size` `amount` is; ValueError if it is more than all."""
    if _is_count(amount) and amount > size:
        raise ValueError(f"amount={amount} should be smaller than the number of parameters to prune={size}")
    return amount if _is_count(amount) else round(amount * size)


def _is_count(amount: Any) -> bool:
    return isinstance(amount, numbers.Integral)
