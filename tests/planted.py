"""Operations with a mistake in them, each of a kind that a few examples chosen by hand would not show."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

PLANTED: dict[str, Callable[[Any], Callable[..., Any]]] = {}


def planted(make: Callable[[Any], Callable[..., Any]]) -> Callable[[Any], Callable[..., Any]]:
    """Enter a mistake: a function that makes the operation, for a library."""
    PLANTED[make.__name__] = make
    return make


def product(t: Any, spoil: Callable[..., Any] = lambda ga, gb, a, b, g: (ga, gb)) -> Callable[..., Any]:
    """a * b as a Function whose right gradients `spoil` has a last word about."""

    class Product(t.autograd.Function):
        @staticmethod
        def forward(ctx, a, b):
            ctx.save_for_backward(a, b)
            return a * b

        @staticmethod
        def backward(ctx, g):
            a, b = ctx.saved_tensors
            ga, gb = spoil(g * b, g * a, a, b, g)
            return fitted(ga, a.shape), fitted(gb, b.shape)

    return lambda a, b: Product.apply(a, b)


def fitted(g: Any, shape: Any) -> Any:
    """`g` summed to a shape that was broadcast."""
    g = g.sum(tuple(range(g.ndim - len(shape)))) if g.ndim > len(shape) else g
    stretched = tuple(i for i, n in enumerate(shape) if n == 1 != g.shape[i])
    return g.sum(stretched, keepdim=True) if stretched else g


def weights(t: Any, g: Any, at: int, factor: float) -> Any:
    """Ones like `g`, but for one element."""
    w = t.ones(g.numel(), dtype=g.dtype)
    w[at] = factor
    return w.reshape(g.shape)


@planted
def one_element(t):
    return product(t, lambda ga, gb, a, b, g: (ga * weights(t, ga, -1, 1.5) if ga.numel() else ga, gb))


@planted
def non_square(t):
    return product(t, lambda ga, gb, a, b, g: (ga * 2 if g.ndim > 1 and g.shape[-1] != g.shape[-2] else ga, gb))


@planted
def same_tensor(t):
    return product(t, lambda ga, gb, a, b, g: (ga * 0 if a.data_ptr() == b.data_ptr() and a.numel() else ga, gb))


@planted
def second_order(t):
    return product(t, lambda ga, gb, a, b, g: (g * b.detach(), gb))


@planted
def broadcast(t):
    return product(
        t, lambda ga, gb, a, b, g: (ga, gb / g.numel() * b.numel() if b.shape != g.shape and g.numel() else gb)
    )


@planted
def not_contiguous(t):
    return product(t, lambda ga, gb, a, b, g: (ga if a.is_contiguous() else -ga, gb))


@planted
def float32_only(t):
    return product(t, lambda ga, gb, a, b, g: (ga * 1.01 if ga.dtype == t.float32 else ga, gb))


@planted
def small_error(t):
    return product(t, lambda ga, gb, a, b, g: (ga * 1.0001, gb))


@planted
def negative_numbers(t):
    return product(t, lambda ga, gb, a, b, g: (t.where(a < 0, ga * 2, ga), gb))


@planted
def zero_dimensional(t):
    return product(t, lambda ga, gb, a, b, g: (ga * 2 if a.ndim == 0 else ga, gb))


@planted
def sizes_of_one(t):
    return product(t, lambda ga, gb, a, b, g: (ga * 2 if 1 in a.shape else ga, gb))


@planted
def not_linear(t):
    return product(t, lambda ga, gb, a, b, g: (ga * g.abs(), gb))


@planted
def overwrites_upstream(t):
    return product(t, lambda ga, gb, a, b, g: (ga, (g.mul_(1.0), gb)[1]))


@planted
def overwrites_input(t):
    class Doubled(t.autograd.Function):
        @staticmethod
        def forward(ctx, a):
            a.detach().mul_(1.0)
            return a * 2

        @staticmethod
        def backward(ctx, g):
            return g * 2

    return lambda a: Doubled.apply(a)


@planted
def transposed(t):
    class Product(t.autograd.Function):
        @staticmethod
        def forward(ctx, a, b):
            ctx.save_for_backward(a, b)
            return a + b.mT if a.ndim > 1 and a.shape == b.mT.shape else a * 1

        @staticmethod
        def backward(ctx, g):
            a, b = ctx.saved_tensors
            return g, (g if g.shape == b.shape else g.mT) if a.ndim > 1 and a.shape == b.mT.shape else None

    return lambda a, b: Product.apply(a, b)


@planted
def wrong_saved_value(t):
    class Exponential(t.autograd.Function):
        @staticmethod
        def forward(ctx, a):
            ctx.save_for_backward(a)
            return a.exp()

        @staticmethod
        def backward(ctx, g):
            return g * ctx.saved_tensors[0]

    return lambda a: Exponential.apply(a)


@planted
def leaves_the_graph(t):
    return lambda a: a * a.detach()


@planted
def expanded_upstream(t):
    """Not on minigrad, where a backward is shown gradients in memory of their own."""
    return product(t, lambda ga, gb, a, b, g: (ga if g.is_contiguous() else ga * 2, gb))


@planted
def forgets_an_accumulation(t):
    def f(a):
        b = a * 2
        return b.detach() * b

    return f


@planted
def frozen_input(t):
    class Product(t.autograd.Function):
        @staticmethod
        def forward(ctx, a, b):
            ctx.save_for_backward(a, b)
            return a * b

        @staticmethod
        def backward(ctx, g):
            a, b = ctx.saved_tensors
            gb = g * a if ctx.needs_input_grad[0] else g * b
            return fitted(g * b, a.shape), fitted(gb, b.shape)

    return lambda a, b: Product.apply(a, b)


@planted
def wrong_dtype(t):
    return product(t, lambda ga, gb, a, b, g: (ga.float().double() if ga.dtype == t.float64 else ga, gb))
