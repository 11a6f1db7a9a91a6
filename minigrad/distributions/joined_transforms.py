"""Transforms side by side: each of a part of a tensor, along one dimension.

Source: https://docs.pytorch.org/docs/stable/distributions.html#module-torch.distributions.transforms
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import minigrad as torch

from . import constraints
from .constraints import Constraint
from .transform import Transform
from .utils import sum_rightmost

INTERNAL = True
Tensor = torch.Tensor


class _Joined(Transform):
    """What both of them have in common; `transforms` are told, and `dim`, along which their parts lie."""

    def __init__(self, tseq: Sequence[Transform], dim: int, cache_size: int) -> None:
        if not all(isinstance(transform, Transform) for transform in tseq):
            raise AssertionError("All elements of tseq must be Transform instances")
        super().__init__(cache_size=cache_size)
        self.transforms = [t.with_cache(cache_size) for t in tseq] if cache_size else list(tseq)
        self.dim = dim

    @property
    def bijective(self) -> bool:
        return all(transform.bijective for transform in self.transforms)

    def _check(self, t: Tensor, name: str, length: int, what: str, told: str) -> None:
        """Raise AssertionError unless a tensor, `told` in it, is of this length along `dim`."""
        if not -t.dim() <= self.dim < t.dim():
            raise AssertionError(f"dim {self.dim} out of range for {told} with {t.dim()} dimensions")
        if t.size(self.dim) != length:
            raise AssertionError(f"{name}.size({self.dim}) = {t.size(self.dim)} must equal {what} {length}")


class CatTransform(_Joined):
    """Transforms of parts of these lengths, 1 if not given, along `dim`, as `torch.cat` joins them.

    Raises AssertionError for what is no transform, for more or fewer lengths, and for tensors that do not fit.
    """

    def __init__(
        self, tseq: Sequence[Transform], dim: int = 0, lengths: Sequence[int] | None = None, cache_size: int = 0
    ) -> None:
        super().__init__(tseq, dim, cache_size)
        self.lengths = [1] * len(self.transforms) if lengths is None else list(lengths)
        if len(self.lengths) != len(self.transforms):
            raise AssertionError(f"lengths ({len(self.lengths)}) must match transforms ({len(self.transforms)})")

    @property
    def event_dim(self) -> int:
        return max(transform.event_dim for transform in self.transforms)

    @property
    def length(self) -> int:
        """How long the dimension is."""
        return sum(self.lengths)

    @constraints.dependent_property
    def domain(self) -> Constraint:
        return constraints.cat([transform.domain for transform in self.transforms], self.dim, self.lengths)

    @constraints.dependent_property
    def codomain(self) -> Constraint:
        return constraints.cat([transform.codomain for transform in self.transforms], self.dim, self.lengths)

    def _of_cache(self, cache_size: int) -> Transform:
        return CatTransform(self.transforms, self.dim, self.lengths, cache_size)

    def _parts(self, t: Tensor, name: str, told: str = "tensor") -> Any:
        self._check(t, name, self.length, "length", told)
        return t.split(self.lengths, dim=self.dim)

    def _call(self, x: Tensor) -> Tensor:
        parts = zip(self.transforms, self._parts(x, "x"), strict=True)
        return torch.cat([transform(part) for transform, part in parts], dim=self.dim)

    def _inverse(self, y: Tensor) -> Tensor:
        parts = zip(self.transforms, self._parts(y, "y"), strict=True)
        return torch.cat([transform.inv(part) for transform, part in parts], dim=self.dim)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        logs, befores, afters = [], self._parts(x, "x", "x"), self._parts(y, "y", "y")
        for transform, before, after in zip(self.transforms, befores, afters, strict=True):
            log = transform.log_abs_det_jacobian(before, after)
            logs.append(sum_rightmost(log, self.event_dim - transform.event_dim))
        dim = self.dim - x.dim() if self.dim >= 0 else self.dim
        # Within an event the parts are factors of one determinant.
        return torch.cat(logs, dim=dim + self.event_dim) if dim + self.event_dim < 0 else sum(logs[1:], logs[0])


class StackTransform(_Joined):
    """Transforms of the slices along `dim`, as `torch.stack` joins them.

    Raises AssertionError for what is no transform, and for tensors that do not have as many slices.
    """

    def __init__(self, tseq: Sequence[Transform], dim: int = 0, cache_size: int = 0) -> None:
        super().__init__(tseq, dim, cache_size)

    @constraints.dependent_property
    def domain(self) -> Constraint:
        return constraints.stack([transform.domain for transform in self.transforms], self.dim)

    @constraints.dependent_property
    def codomain(self) -> Constraint:
        return constraints.stack([transform.codomain for transform in self.transforms], self.dim)

    def _of_cache(self, cache_size: int) -> Transform:
        return StackTransform(self.transforms, self.dim, cache_size)

    def _slices(self, t: Tensor, name: str, told: str = "tensor") -> Any:
        self._check(t, name, len(self.transforms), "len(transforms)", told)
        return t.unbind(self.dim)

    def _call(self, x: Tensor) -> Tensor:
        slices = zip(self.transforms, self._slices(x, "x"), strict=True)
        return torch.stack([transform(part) for transform, part in slices], dim=self.dim)

    def _inverse(self, y: Tensor) -> Tensor:
        slices = zip(self.transforms, self._slices(y, "y"), strict=True)
        return torch.stack([transform.inv(part) for transform, part in slices], dim=self.dim)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        slices = zip(self.transforms, self._slices(x, "x", "x"), self._slices(y, "y", "y"), strict=True)
        logs = [transform.log_abs_det_jacobian(before, after) for transform, before, after in slices]
        return torch.stack(logs, dim=self.dim)
