"""L-BFGS: Newton's method, with the curvature learned from the last few steps.

Source: Nocedal and Wright 2006, Numerical Optimization, algorithms 7.4 and 7.5 (the direction), 3.5 and 3.6 (the line
search), with the constants of minFunc, https://www.cs.ubc.ca/~schmidtm/Software/minFunc.html.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..modes import enable_grad
from ..ops.inplace import writable_array
from ..tensor import Tensor, wrap
from .optimizer import Optimizer, Params
from .rule import Array, check_rate

INTERNAL = True
Pairs = list[tuple[Array, Array, Any]]  # how the gradient changed (y), the step (s) it changed along, and 1 / y·s
ENOUGH_DECREASE, ENOUGH_FLATTER = 1e-4, 0.9  # c1 and c2 of the Wolfe conditions
LINE_TOLERANCE = 1e-9


class Point(NamedTuple):
    """A place on the line that is searched: how far along, the loss there, its gradient, and its slope."""

    t: Any
    loss: float
    g: Array
    slope: Any


class LBFGS(Optimizer):
    """L-BFGS: up to `max_iter` steps x ← x + t · d in one call of `step`, where d is -g scaled by the curvature.

    max_eval  how often the closure may be called in a step, 1.25 · max_iter if left out
    tolerance_grad, tolerance_change  stop when no element of the gradient, or of the last step, is larger
    history_size  the number of past steps that the curvature is learned from
    line_search_fn  None: t is `lr`; "strong_wolfe": t is searched for
    All parameters are in one group; ValueError otherwise.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.optim.LBFGS.html
    """

    def __init__(
        self,
        params: Params,
        lr: Any = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        check_rate(lr)
        defaults = {
            "lr": lr,
            "max_iter": max_iter,
            "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
            "tolerance_grad": tolerance_grad,
            "tolerance_change": tolerance_change,
            "history_size": history_size,
            "line_search_fn": line_search_fn,
        }
        super().__init__(params, defaults)
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")

    def step(self, closure: Callable[[], Any]) -> Any:  # type: ignore[override]
        """Take up to `max_iter` steps; returns the loss before them.

        closure  computes the loss anew, calls backward and returns the loss
        """
        group = self.param_groups[0]
        lr, change = float(group["lr"]), group["tolerance_change"]
        if group["line_search_fn"] not in (None, "strong_wolfe"):
            raise RuntimeError("only 'strong_wolfe' is supported")

        first_loss, loss, g = self._evaluate(closure)
        state = self.state[group["params"][0]]
        state["func_evals"] = state.get("func_evals", 0) + 1
        state.setdefault("n_iter", 0)
        evaluations, iterations = 1, 0
        if np.abs(g).max() <= group["tolerance_grad"]:
            return first_loss

        d, t, g_before, pairs, scale, loss_before = _recalled(state)
        while iterations < group["max_iter"]:
            iterations += 1
            state["n_iter"] += 1
            if state["n_iter"] == 1:
                d, pairs, scale = -g, [], 1
                t = min(1.0, 1.0 / np.abs(g).sum()) * lr
            else:
                y, s = g - g_before, t * d
                curvature = y @ s
                if curvature > 1e-10:
                    pairs = [*pairs, (y, s, 1 / curvature)][-group["history_size"] :]
                    scale = curvature / (y @ y)
                d, t = direction(-g, pairs, scale), lr
            g_before, loss_before = g, loss
            slope = g @ d
            if slope > -change:
                break

            x = [param._array.copy() for param in group["params"]]
            if group["line_search_fn"]:

                def at(t: Any, x: list[Array] = x, d: Array = d) -> Point:
                    self._move(x, t, d)
                    _, loss, g = self._evaluate(closure)
                    return Point(t, loss, g, g @ d)

                found, tried = strong_wolfe(
                    at, t, Point(0, loss, g, slope), np.abs(d).max(), group["max_eval"] - evaluations
                )
                t, loss, g = found.t, found.loss, found.g
                self._move(x, t, d)
            else:
                self._move(x, t, d)
                tried = int(iterations != group["max_iter"])
                if tried:  # the loss after the last step is for the next call to compute, maybe on other data
                    _, loss, g = self._evaluate(closure)
            evaluations += tried
            state["func_evals"] += tried

            at_limit = iterations == group["max_iter"] or evaluations >= group["max_eval"]
            if at_limit or np.abs(g).max() <= group["tolerance_grad"]:
                break
            if np.abs(t * d).max() <= change or abs(loss - loss_before) < change:
                break

        _remember(state, d, t, g_before, pairs, scale, loss_before)
        return first_loss

    def _evaluate(self, closure: Callable[[], Any]) -> tuple[Any, float, Array]:
        """What the closure returns, as a number too, and the gradients of all parameters as one vector."""
        with enable_grad():
            loss = closure()
        params = self.param_groups[0]["params"]
        gradients = [np.zeros_like(p._array) if p._grad is None else p._grad._array for p in params]
        number = float(loss.detach() if isinstance(loss, Tensor) else loss)
        return loss, number, np.concatenate([g.ravel() for g in gradients])

    def _move(self, x: list[Array], t: Any, d: Array) -> None:
        """Set the parameters to x + t · d."""
        start = 0
        for param, from_here in zip(self.param_groups[0]["params"], x, strict=True):
            part = d[start : start + from_here.size].reshape(from_here.shape)
            np.add(from_here, t * part, out=writable_array(param), casting="same_kind")
            start += from_here.size


def direction(q: Array, pairs: Pairs, scale: Any) -> Array:
    """`q` times an approximation of the inverse Hessian (algorithm 7.4, "two-loop recursion")."""
    weights = []
    for y, s, rho in reversed(pairs):
        weights.append((s @ q) * rho)
        q = q - weights[-1] * y
    r: Array = scale * q
    for y, s, rho in pairs:
        r = r + (weights.pop() - (y @ r) * rho) * s
    return r


def strong_wolfe(at: Callable[[Any], Point], t: Any, start: Point, d_size: Any, most: int) -> tuple[Point, int]:
    """A point where the loss is enough lower, and flatter, than at `start`; and how often the loss was computed.

    First t grows until such a point is passed; then the interval around it shrinks. The best point so far is returned
    when `most` points did not suffice, or the interval is so small that no element moves by LINE_TOLERANCE.
    """

    def too_high(p: Point) -> bool:
        return bool(p.loss > start.loss + ENOUGH_DECREASE * p.t * start.slope)

    def flat(p: Point) -> bool:
        return bool(abs(p.slope) <= -ENOUGH_FLATTER * start.slope)

    before, new, tried = start, at(t), 0
    ends = [start, new]
    while tried < most:
        ends = [before, new]
        if too_high(new) or (tried > 1 and new.loss >= before.loss):
            break
        if flat(new):
            return new, tried + 1
        if new.slope >= 0:
            break
        t = cubic_minimum(before, new, least=new.t + 0.01 * (new.t - before.t), most=new.t * 10)
        before, new = new, at(t)
        tried += 1
        ends = [start, new]  # if that was the last

    low = int(ends[0].loss > ends[1].loss)  # which of the two ends is the lower
    stalled = False
    while tried < most:
        left, right = sorted(end.t for end in ends)
        if (right - left) * d_size < LINE_TOLERANCE:
            break
        t = cubic_minimum(*ends, least=left, most=right)
        margin = 0.1 * (right - left)
        close = min(right - t, t - left) < margin
        if close and (stalled or t >= right or t <= left):
            t = right - margin if abs(t - right) < abs(t - left) else left + margin
            close = False
        stalled = close
        new = at(t)
        tried += 1
        if too_high(new) or new.loss >= ends[low].loss:
            ends[1 - low] = new
            low = int(ends[0].loss > ends[1].loss)
        elif flat(new):
            return new, tried + 1
        else:
            if new.slope * (ends[1 - low].t - ends[low].t) >= 0:
                ends[1 - low] = ends[low]
            ends[low] = new
    return ends[low], tried + 1


def cubic_minimum(p: Point, q: Point, *, least: Any, most: Any) -> Any:
    """Where the cubic through two points, with their slopes, is lowest between `least` and `most` (formula 3.59)."""
    if p.t > q.t:
        p, q = q, p
    d1 = p.slope + q.slope - 3 * (p.loss - q.loss) / (p.t - q.t)
    square = d1**2 - p.slope * q.slope
    if not square >= 0:
        return (least + most) / 2.0
    d2 = np.sqrt(square)
    t = q.t - (q.t - p.t) * ((q.slope + d2 - d1) / (q.slope - p.slope + 2 * d2))
    return min(max(t, least), most)


def _recalled(state: dict[str, Any]) -> tuple[Any, ...]:
    """What the step before has left: d, t, the gradient, the pairs, the scale of the curvature, the loss."""
    if "d" not in state:
        return None, None, None, [], 1, None
    pairs = [
        (y._array, s._array, rho._array[()])
        for y, s, rho in zip(state["old_dirs"], state["old_stps"], state["ro"], strict=True)
    ]
    t, scale = (v._array[()] if isinstance(v, Tensor) else v for v in (state["t"], state["H_diag"]))
    return state["d"]._array, t, state["prev_flat_grad"]._array, pairs, scale, state["prev_loss"]


def _remember(state: dict[str, Any], d: Array, t: Any, g: Array, pairs: Pairs, scale: Any, loss: Any) -> None:
    """Leave the same for the next step, under torch's names."""
    state["d"] = wrap(d)
    state["t"] = wrap(np.asarray(t)) if isinstance(t, np.generic) else t
    state["old_dirs"], state["old_stps"], state["ro"] = ([wrap(pair[i]) for pair in pairs] for i in range(3))
    state["H_diag"] = wrap(np.asarray(scale)) if isinstance(scale, np.generic) else scale
    state["prev_flat_grad"], state["prev_loss"] = wrap(g), loss
