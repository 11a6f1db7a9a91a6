"""biject_to and transform_to: transforms of any real numbers into those that a constraint allows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import constraints
from .constraints import Constraint
from .transforms import (
    AffineTransform,
    CatTransform,
    ComposeTransform,
    CorrCholeskyTransform,
    ExpTransform,
    IndependentTransform,
    LowerCholeskyTransform,
    PositiveDefiniteTransform,
    SigmoidTransform,
    SoftmaxTransform,
    StackTransform,
    StickBreakingTransform,
    Transform,
    identity_transform,
)

INTERNAL = True


Factory = Callable[[Any], Transform]


class ConstraintRegistry:
    """A function of constraints: a transform whose values are what the constraint allows.

    Raises NotImplementedError for a constraint of a kind that is not registered.
    Source: https://docs.pytorch.org/docs/stable/distributions.html#module-torch.distributions.constraint_registry
    """

    def __init__(self) -> None:
        self._registry: dict[type[Constraint], Factory] = {}

    def register(self, constraint: Any, factory: Factory | None = None) -> Any:
        """Say what makes the transform for a kind of constraints, or for one of the kind; or decorate that function.

        Raises TypeError for what is no constraint.
        """
        if factory is None:
            return lambda factory: self.register(constraint, factory)
        kind = type(constraint) if isinstance(constraint, Constraint) else constraint
        if not (isinstance(kind, type) and issubclass(kind, Constraint)):
            raise TypeError(f"Expected constraint to be either a Constraint subclass or instance, but got {constraint}")
        self._registry[kind] = factory
        return factory

    def __call__(self, constraint: Constraint) -> Transform:
        if type(constraint) not in self._registry:
            raise NotImplementedError(f"Cannot transform {type(constraint).__name__} constraints")
        return self._registry[type(constraint)](constraint)


biject_to = ConstraintRegistry()  # with an inverse, and a log_abs_det_jacobian: for densities
transform_to = ConstraintRegistry()  # without, perhaps, but easier to optimize through


def _to_interval(constraint: Any) -> Transform:
    lower, upper = constraint.lower_bound, constraint.upper_bound
    if isinstance(lower, int | float) and isinstance(upper, int | float) and (lower, upper) == (0, 1):
        return SigmoidTransform()
    return ComposeTransform([SigmoidTransform(), AffineTransform(lower, upper - lower)])


def _above(constraint: Any) -> Transform:
    return ComposeTransform([ExpTransform(), AffineTransform(constraint.lower_bound, 1)])


def _below(constraint: Any) -> Transform:
    return ComposeTransform([ExpTransform(), AffineTransform(constraint.upper_bound, -1)])


def _register_both(registry: ConstraintRegistry) -> None:
    registry.register(constraints.real, lambda _: identity_transform)
    # The class of `positive` is that of greater_than, and so on: both are registered by the bound.
    for above in (constraints.greater_than, constraints.greater_than_eq):
        registry.register(above, _above)
    registry.register(constraints.less_than, _below)
    for interval in (constraints.interval, constraints.half_open_interval):
        registry.register(interval, _to_interval)
    registry.register(constraints.corr_cholesky, lambda _: CorrCholeskyTransform())

    def of_independent(constraint: Any) -> Transform:
        return IndependentTransform(registry(constraint.base_constraint), constraint.reinterpreted_batch_ndims)

    def of_joined(constraint: Any) -> Transform:
        return CatTransform([registry(c) for c in constraint.cseq], constraint.dim, constraint.lengths)

    def of_stacked(constraint: Any) -> Transform:
        return StackTransform([registry(c) for c in constraint.cseq], constraint.dim)

    registry.register(constraints.independent, of_independent)
    registry.register(constraints.cat, of_joined)
    registry.register(constraints.stack, of_stacked)


for _registry in (biject_to, transform_to):
    _register_both(_registry)
biject_to.register(constraints.simplex, lambda _: StickBreakingTransform())
transform_to.register(constraints.simplex, lambda _: SoftmaxTransform())
transform_to.register(constraints.lower_cholesky, lambda _: LowerCholeskyTransform())
for _definite in (constraints.positive_definite, constraints.positive_semidefinite):
    transform_to.register(_definite, lambda _: PositiveDefiniteTransform())
