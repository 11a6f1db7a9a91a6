"""Transform: what all transforms have in common, and those that are made of others.

Source: https://docs.pytorch.org/docs/stable/distributions.html#module-torch.distributions.transforms
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any
from weakref import ref

import minigrad as torch

from . import constraints
from .constraints import Constraint
from .utils import kind_of, sum_rightmost

INTERNAL = True
Tensor = torch.Tensor


class Transform:
    """A function y of x, its inverse and the logarithm of its derivative; subclasses define `_call` and `_inverse`.

    cache_size  1 keeps the last pair of x and y, so that the inverse of that very y is that x; or 0
    domain      what x may be
    codomain    what y may be
    bijective   whether the inverse of y is always x again
    Raises ValueError for another cache_size.
    """

    bijective: Any = False
    domain: Any
    codomain: Any

    def __init__(self, cache_size: int = 0) -> None:
        if cache_size not in (0, 1):
            raise ValueError("cache_size must be 0 or 1")
        self._cache_size = cache_size
        self._inverse_known: Callable[[], Transform | None] = lambda: None  # else a weak reference: no cycles
        self._cached_x_y: tuple[Any, Any] = (None, None)

    # What a transform defines

    def _call(self, x: Tensor) -> Tensor:
        raise NotImplementedError

    def _inverse(self, y: Tensor) -> Tensor:
        raise NotImplementedError

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """The logarithm of |dy/dx|, or of its determinant, for each event."""
        raise NotImplementedError

    @property
    def sign(self) -> Any:
        """1 if y grows with x, -1 if it falls."""
        raise NotImplementedError

    def forward_shape(self, shape: torch.Size) -> torch.Size:
        """The shape of y, given that of x."""
        return shape

    def inverse_shape(self, shape: torch.Size) -> torch.Size:
        """The shape of x, given that of y."""
        return shape

    def _of_cache(self, cache_size: int) -> Transform:
        """The same with another cache."""
        if type(self).__init__ is Transform.__init__:
            return type(self)(cache_size=cache_size)
        raise NotImplementedError(f"{type(self)}.with_cache is not implemented")

    # What follows from it

    @property
    def event_dim(self) -> Any:
        """How many dimensions an event has, x and y alike; ValueError if they differ."""
        if self.domain.event_dim == self.codomain.event_dim:
            return self.domain.event_dim
        raise ValueError("Please use either .domain.event_dim or .codomain.event_dim")

    @property
    def inv(self) -> Transform:
        """The inverse, whose inverse is this one."""
        found = self._inverse_known()
        if found is None:
            found = _InverseTransform(self)
            self._inverse_known = ref(found)
        return found

    def with_cache(self, cache_size: int = 1) -> Transform:
        """The same transform with such a cache."""
        return self if self._cache_size == cache_size else self._of_cache(cache_size)

    def __call__(self, x: Tensor) -> Tensor:
        if not self._cache_size:
            return self._call(x)
        if x is not self._cached_x_y[0]:
            self._cached_x_y = x, self._call(x)
        return self._cached_x_y[1]

    def _inv_call(self, y: Tensor) -> Tensor:
        if not self._cache_size:
            return self._inverse(y)
        if y is not self._cached_x_y[1]:
            self._cached_x_y = self._inverse(y), y
        return self._cached_x_y[0]

    def __eq__(self, other: object) -> bool:
        return self is other

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_inverse_known"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _inverse_known=lambda: None)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class PlainTransform(Transform):
    """A transform without parameters: all of a kind are equal."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, kind_of(self))


# Transforms of transforms


class _InverseTransform(Transform):
    """The inverse of another transform, which keeps the cache of both."""

    def __init__(self, transform: Transform) -> None:
        super().__init__(cache_size=transform._cache_size)
        self._inv = transform

    @property
    def inv(self) -> Transform:
        return self._inv

    @constraints.dependent_property(is_discrete=False)
    def domain(self) -> Constraint:
        return self._inv.codomain

    @constraints.dependent_property(is_discrete=False)
    def codomain(self) -> Constraint:
        return self._inv.domain

    @property
    def bijective(self) -> bool:
        return bool(self._inv.bijective)

    @property
    def sign(self) -> Any:
        return self._inv.sign

    def with_cache(self, cache_size: int = 1) -> Transform:
        return self._inv.with_cache(cache_size).inv

    def __call__(self, x: Tensor) -> Tensor:
        return self._inv._inv_call(x)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return -self._inv.log_abs_det_jacobian(y, x)

    def forward_shape(self, shape: torch.Size) -> torch.Size:
        return self._inv.inverse_shape(shape)

    def inverse_shape(self, shape: torch.Size) -> torch.Size:
        return self._inv.forward_shape(shape)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _InverseTransform) and self._inv == other._inv

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._inv!r})"


class ComposeTransform(Transform):
    """Transforms one after another; each of them has a cache of its own."""

    def __init__(self, parts: list[Transform], cache_size: int = 0) -> None:
        super().__init__(cache_size=cache_size)
        self.parts = [part.with_cache(cache_size) for part in parts] if cache_size else parts

    @constraints.dependent_property(is_discrete=False)
    def domain(self) -> Constraint:
        return _end_of([(part.domain, part.codomain) for part in self.parts])

    @constraints.dependent_property(is_discrete=False)
    def codomain(self) -> Constraint:
        return _end_of([(part.codomain, part.domain) for part in reversed(self.parts)])

    @property
    def bijective(self) -> bool:
        return all(part.bijective for part in self.parts)

    @property
    def sign(self) -> Any:
        return math.prod(part.sign for part in self.parts)

    @property
    def inv(self) -> Transform:
        found = self._inverse_known()
        if found is None:
            found = ComposeTransform([part.inv for part in reversed(self.parts)])
            self._inverse_known, found._inverse_known = ref(found), ref(self)
        return found

    def _of_cache(self, cache_size: int) -> Transform:
        return ComposeTransform(self.parts, cache_size)

    def __call__(self, x: Tensor) -> Tensor:
        for part in self.parts:
            x = part(x)
        return x

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        if not self.parts:
            return torch.zeros_like(x)
        between = [x]
        for part in self.parts[:-1]:
            between.append(part(between[-1]))
        dims, terms = self.domain.event_dim, []
        for part, before, after in zip(self.parts, between, [*between[1:], y], strict=True):
            of_part = part.log_abs_det_jacobian(before, after)
            terms.append(sum_rightmost(of_part, dims - part.domain.event_dim))
            dims += part.codomain.event_dim - part.domain.event_dim
        return sum(terms[1:], terms[0])

    def forward_shape(self, shape: torch.Size) -> torch.Size:
        for part in self.parts:
            shape = part.forward_shape(shape)
        return shape

    def inverse_shape(self, shape: torch.Size) -> torch.Size:
        for part in reversed(self.parts):
            shape = part.inverse_shape(shape)
        return shape

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ComposeTransform) and self.parts == other.parts

    def __repr__(self) -> str:
        parts = ",\n    ".join(repr(part) for part in self.parts)
        return f"{type(self).__name__}(\n    {parts}\n)"


def _end_of(parts: list[tuple[Constraint, Constraint]]) -> Constraint:
    """What may be at the near end of a chain of parts, given near and far end of each.

    An event has as many dimensions there as that part needs whose events have the most.
    """
    if not parts:
        return constraints.real
    near, dims = parts[0][0], parts[-1][1].event_dim
    for first, last in reversed(parts):
        dims = max(dims + first.event_dim - last.event_dim, first.event_dim)
    return constraints.independent(near, dims - near.event_dim) if dims > near.event_dim else near


identity_transform = ComposeTransform([])


class IndependentTransform(Transform):
    """Another transform, the last dimensions of whose batch belong to the event; it sums over them."""

    def __init__(self, base_transform: Transform, reinterpreted_batch_ndims: int, cache_size: int = 0) -> None:
        super().__init__(cache_size=cache_size)
        self.base_transform = base_transform.with_cache(cache_size)
        self.reinterpreted_batch_ndims = reinterpreted_batch_ndims

    @constraints.dependent_property(is_discrete=False)
    def domain(self) -> Constraint:
        return constraints.independent(self.base_transform.domain, self.reinterpreted_batch_ndims)

    @constraints.dependent_property(is_discrete=False)
    def codomain(self) -> Constraint:
        return constraints.independent(self.base_transform.codomain, self.reinterpreted_batch_ndims)

    @property
    def bijective(self) -> bool:
        return bool(self.base_transform.bijective)

    @property
    def sign(self) -> Any:
        return self.base_transform.sign

    def _of_cache(self, cache_size: int) -> Transform:
        return IndependentTransform(self.base_transform, self.reinterpreted_batch_ndims, cache_size)

    def _call(self, x: Tensor) -> Tensor:
        return self.base_transform(_of_dimensions(x, self.domain))

    def _inverse(self, y: Tensor) -> Tensor:
        return self.base_transform.inv(_of_dimensions(y, self.codomain))

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return sum_rightmost(self.base_transform.log_abs_det_jacobian(x, y), self.reinterpreted_batch_ndims)

    def forward_shape(self, shape: torch.Size) -> torch.Size:
        return self.base_transform.forward_shape(shape)

    def inverse_shape(self, shape: torch.Size) -> torch.Size:
        return self.base_transform.inverse_shape(shape)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.base_transform!r}, {self.reinterpreted_batch_ndims})"


def _of_dimensions(value: Tensor, constraint: Constraint) -> Tensor:
    if value.dim() < constraint.event_dim:
        raise ValueError("Too few dimensions on input")
    return value
