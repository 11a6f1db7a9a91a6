"""Distribution: what all distributions have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import minigrad as torch

from ..warning import warn
from .constraints import Constraint, is_dependent
from .utils import kind_of, lazy_property

INTERNAL = True
Tensor = torch.Tensor


class Distribution:
    """The base of all distributions: a batch of them, each over events.

    batch_shape    the shape of the parameters: as many distributions, each with its own
    event_shape    the shape of one event: () if it is a number
    validate_args  whether parameters and values are checked; as `set_default_validate_args` says, if None
    Raises ValueError for parameters that `arg_constraints` does not allow.
    Source: https://docs.pytorch.org/docs/stable/distributions.html
    """

    has_rsample: Any = False  # whether gradients flow from samples to parameters
    has_enumerate_support: Any = False
    _validate_args: bool = __debug__

    def __init__(
        self,
        batch_shape: Sequence[int] = (),
        event_shape: Sequence[int] = (),
        validate_args: bool | None = None,
    ) -> None:
        self._batch_shape, self._event_shape = torch.Size(batch_shape), torch.Size(event_shape)
        if validate_args is not None:
            self._validate_args = validate_args
        if self._validate_args:
            self._check_parameters()

    @staticmethod
    def set_default_validate_args(value: bool) -> None:
        """Whether distributions check parameters and values, unless told otherwise."""
        if value not in (True, False):
            raise ValueError(f"set_default_validate_args expects True or False, but got {value!r}")
        Distribution._validate_args = value

    # What a distribution defines

    @property
    def arg_constraints(self) -> dict[str, Constraint]:
        """What each parameter must be, by the names of the parameters."""
        raise NotImplementedError

    @property
    def support(self) -> Any:
        """What a sample can be."""
        raise NotImplementedError

    @property
    def mean(self) -> Tensor:
        """The mean."""
        raise NotImplementedError

    @property
    def mode(self) -> Tensor:
        """The most likely value."""
        raise NotImplementedError(f"{type(self)} does not implement mode")

    @property
    def variance(self) -> Tensor:
        """The variance."""
        raise NotImplementedError

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """As `sample`, and gradients flow from the numbers to the parameters."""
        raise NotImplementedError

    def log_prob(self, value: Tensor) -> Tensor:
        """The logarithm of the probability, or of its density, at `value`, whose shape broadcasts with the batch's.

        Raises ValueError for a value that cannot be, unless `validate_args` is False.
        """
        raise NotImplementedError

    def cdf(self, value: Tensor) -> Tensor:
        """The probability of values up to `value`."""
        raise NotImplementedError

    def icdf(self, value: Tensor) -> Tensor:
        """The inverse of `cdf`: below which number the probability is `value`."""
        raise NotImplementedError

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """All values there are, along a first dimension, the same for each of the batch.

        expand  False leaves the dimensions of the batch at size 1
        """
        raise NotImplementedError

    def entropy(self) -> Tensor:
        """The entropy, in nats."""
        raise NotImplementedError

    # What follows from it

    @property
    def batch_shape(self) -> torch.Size:
        """The shape of the parameters."""
        return self._batch_shape

    @property
    def event_shape(self) -> torch.Size:
        """The shape of one event."""
        return self._event_shape

    @property
    def stddev(self) -> Tensor:
        """The standard deviation."""
        return self.variance.sqrt()

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> Any:
        """The same distribution with its parameters expanded to another `batch_shape`; nothing is copied."""
        new, parameters = self._new(_instance), self.arg_constraints
        for name, value in self.__dict__.items():
            if name in parameters:
                own = value.shape[len(self._batch_shape) :]
                setattr(new, name, value.expand(torch.Size((*batch_shape, *own))))
            else:
                new.__dict__.setdefault(name, value)
        new._batch_shape = torch.Size(batch_shape)
        return new

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """Random numbers, of shape `sample_shape` + batch_shape + event_shape; no gradient flows from them."""
        with torch.no_grad():
            return self.rsample(sample_shape)

    def sample_n(self, n: int) -> Tensor:
        """Random numbers; `sample((n,))` replaces it."""
        text = "`sample_n(n)` will be deprecated. Use `sample((n,))` instead."
        warn(text, FutureWarning)
        return self.sample(torch.Size((n,)))

    def perplexity(self) -> Tensor:
        """e to the entropy."""
        return torch.exp(self.entropy())

    def __repr__(self) -> str:
        stated = {name: self.__dict__[name] for name in self.arg_constraints if name in self.__dict__}
        texts = [f"{name}: {value if value.numel() == 1 else value.size()}" for name, value in stated.items()]
        return f"{type(self).__name__}({', '.join(texts)})"

    # Checks, and what subclasses use

    def _check_parameters(self) -> None:
        try:
            arg_constraints = self.arg_constraints
        except NotImplementedError:
            warn(
                f"{type(self)} does not define `arg_constraints`. Please set `arg_constraints = {{}}` or initialize "
                "the distribution with `validate_args=False` to turn off validation."
            )
            return
        for name, constraint in arg_constraints.items():
            computed = name not in self.__dict__ and isinstance(getattr(type(self), name, None), lazy_property)
            if is_dependent(constraint) or computed:
                continue
            value = getattr(self, name)
            if not constraint.check(value).all():
                raise ValueError(
                    f"Expected parameter {name} ({type(value).__name__} of shape {tuple(value.shape)}) of distribution "
                    f"{self!r} to satisfy the constraint {constraint!r}, but found invalid values:\n{value}"
                )

    def _validate_sample(self, value: Tensor) -> None:
        """Raise ValueError unless a value can be of this distribution."""
        if not isinstance(value, Tensor):
            raise ValueError("The value argument to log_prob must be a Tensor")
        shape, expected = value.size(), self._batch_shape + self._event_shape
        if shape[len(shape) - len(self._event_shape) :] != self._event_shape:
            raise ValueError(f"The right-most size of value must match event_shape: {shape} vs {self._event_shape}.")
        for n, m in zip(reversed(shape), reversed(expected), strict=False):
            if n != m and 1 not in (n, m):
                raise ValueError(
                    f"Value is not broadcastable with batch_shape+event_shape: {shape} vs {torch.Size(expected)}."
                )
        try:
            support = self.support
        except NotImplementedError:
            warn(
                f"{type(self)} does not define `support` to enable sample validation. Please initialize the "
                "distribution with `validate_args=False` to turn off validation."
            )
            return
        if not support.check(value).all():
            raise ValueError(
                f"Expected value argument ({type(value).__name__} of shape {tuple(shape)}) to be within the support "
                f"({support!r}) of the distribution {self!r}, but found invalid values:\n{value}"
            )

    def _checked(self, value: Tensor) -> Tensor:
        """`value`, which can be of this distribution, or nobody wants to know."""
        if self._validate_args:
            self._validate_sample(value)
        return value

    def _extended_shape(self, sample_shape: Sequence[int] = ()) -> torch.Size:
        return torch.Size((*sample_shape, *self._batch_shape, *self._event_shape))

    def _get_checked_instance(self, cls: type, _instance: Any = None) -> Any:
        if _instance is None and type(self).__init__ != cls.__init__:  # type: ignore[misc]
            raise NotImplementedError(
                f"Subclass {type(self).__name__} of {cls.__name__} that defines a custom __init__ method must also "
                "define a custom .expand() method."
            )
        return type(self).__new__(type(self)) if _instance is None else _instance

    def _new(self, instance: Any) -> Any:
        """`instance`, or else a new one: of a subclass of the user's too, if that is made as this distribution is."""
        kind: Any = kind_of(self)
        if kind.__init__ is Distribution.__init__:  # no distribution, but a base of such
            raise NotImplementedError
        return self._get_checked_instance(kind, instance)
