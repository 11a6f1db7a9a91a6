"""`show.source`: the forward and backward pass of a function as a plain NumPy function, named after its variables."""

from __future__ import annotations

import inspect
import keyword
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from ..autograd import grad
from ..tensor import Tensor
from .expressions import Expression, Writer
from .frames import OF_MODULES
from .symbols import ArraySymbol, Unwritable
from .tracing import RESERVED, Trace, twin

INTERNAL = True
_WIDTH = 88  # of a line, beyond which a part of it gets a name
_WORDS = {"-": "difference", "*": "product", "/": "quotient", "+": "total", "@": "product", "**": "power"}


class Statements:
    """Expressions brought into lines of assignments: what is used twice, or has a name of the user's, is assigned."""

    def __init__(self, trace: Trace, roots: Iterable[Expression], quick: bool = False) -> None:
        self.trace, self.quick = trace, quick
        self.taken = {"g", *RESERVED, *trace.inputs, *trace.book.helpers.texts, *keyword.kwlist}
        self.names: dict[Expression, str] = {}
        self.writer = Writer(self.names.get, quick)
        self.uses: dict[Expression, int] = {}
        seen: set[Expression] = set()
        for root in roots:
            for e in ordered(root, seen.__contains__):
                seen.add(e)
                for part in e.parts():
                    self.uses[part] = self.uses.get(part, 0) + 1
            self.uses[root] = self.uses.get(root, 0) + 1

    def assign(self, root: Expression, name: str | None = None) -> list[str]:
        """The lines that compute `root`; with a name, the last one assigns it to that."""
        lines = []
        for e in ordered(root, self.names.__contains__):
            if e in self.names or e.kind in ("name", "constant"):
                continue
            if e is root and name is not None:
                chosen = self._free(name)
            elif self._deserves_a_name(e):
                chosen = self._free(self.trace.names.get(e) or self.trace.called.get(e) or _word(e))
            else:
                continue
            text = self.writer.write(e, itself=True)
            self.names[e] = chosen
            lines.append(f"{chosen} = {text}")
        return lines

    def _deserves_a_name(self, e: Expression) -> bool:
        if e.kind == "full" or (e.kind == "attribute" and e.args[0].kind == "name"):
            return False
        if self.uses.get(e, 0) > 1 or e in self.trace.names:
            return True
        return len(self.writer.write(e, itself=True)) > _WIDTH

    def _free(self, name: str) -> str:
        name = name.lstrip("_") or "value"  # what begins so is the program's own
        free, n = name, 2
        while free in self.taken:
            free, n = f"{name}_{n}", n + 1
        self.taken.add(free)
        return free


def ordered(root: Expression, stop: Callable[[Expression], bool] = lambda e: False) -> list[Expression]:
    """What an expression is made of, parts before wholes; without what `stop` holds for, and its parts."""
    found: dict[Expression, None] = {}
    stack = [(root, False)]
    while stack:
        e, done = stack.pop()
        if done:
            found[e] = None
        elif e not in found and not stop(e):
            stack.append((e, True))
            stack.extend((part, False) for part in reversed(e.parts()))
    return list(found)


def _word(e: Expression) -> str:
    if e.kind == "operator":
        return _WORDS.get(e.head, "condition") if len(e.args) == 2 else "negative"
    word = e.head.split(".")[-1].strip("_").lower()
    return f"{word}_" if word in ("sum", "max", "min", "any", "all", "abs") else word or "picked"


class Source:
    """A program: `print` it, call it with arrays (or tensors), or `check()` it.

    It returns the value of the function, and a tuple of the gradients of the inputs that require grad.
    """

    def __init__(
        self,
        f: Callable[..., Any],
        arguments: dict[str, Any],
        text: str,
        wanted: list[str],
        captured: dict[str, Tensor],
    ) -> None:
        self.f, self.arguments, self.text, self.wanted, self.captured = f, arguments, text, wanted, captured
        scope: dict[str, Any] = {"__name__": "minigrad.program"}  # so that NumPy's warnings are silenced as its are
        exec(compile(text, f"<source of {f.__name__}>", "exec"), scope)
        self.function: Callable[..., Any] = scope[_name_of(f)]

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The value and the gradients, for arrays."""
        return self.function(*map(_as_array, args), **{k: _as_array(v) for k, v in kwargs.items()})

    def check(self) -> Source:
        """Run the program beside the function, at the arguments it was written for, and compare, bit for bit.

        Returns the program; AssertionError if a value or a gradient is not the same, with the difference.
        """
        tensors = {k: twin(v) if isinstance(v, Tensor) else v for k, v in self.arguments.items()}
        output = _run(self.f, tensors)
        inputs = {k: v for k, v in tensors.items() if isinstance(v, Tensor)} | self.captured
        leaves = [inputs[name] for name in self.wanted]
        one = Tensor._of(np.ones_like(output._array))
        of_leaves: Sequence[Tensor] = [Tensor._of(np.zeros_like(leaf._array)) for leaf in leaves]
        if output.requires_grad:
            of_leaves = grad(output, leaves, one, allow_unused=True, materialize_grads=True)
        value, gradients = self(**inputs)
        pairs = [("the value", output._array, value)]
        for name, expected, found in zip(self.wanted, of_leaves, gradients, strict=True):
            pairs.append((f"the gradient of {name}", expected._array, found))
        for what, expected, found in pairs:
            if np.shape(found) != expected.shape or np.asarray(found).dtype != expected.dtype:
                raise AssertionError(f"{what} has shape {np.shape(found)}, expected {expected.shape}")
            if not np.array_equal(expected, found, equal_nan=True):
                apart = np.abs(expected - found).max()
                raise AssertionError(f"{what} differs by up to {apart:.3g}")
        return self


def source(f: Callable[..., Any], *args: Any, **kwargs: Any) -> Source:
    """The forward and backward pass of `f(*args)` as a NumPy program that runs by itself.

    `f` returns one tensor. Gradients are those of the arguments that require grad, and begin with ones. Tensors that
    `f` takes from outside become parameters, too; arguments that are no tensors are written in.
    Raises NotImplementedError where no such program can be written: `f` changes tensors in place, draws random numbers,
    asks for values, uses operations with rules of their own, or is a module. Raises TypeError if `f` is no function.
    """
    module = getattr(f, "__self__", f)
    if getattr(module, "__dict__", {}).keys() >= OF_MODULES:
        raise NotImplementedError(
            f"source() takes a function of tensors, and the parameters of a {type(module).__name__} are no arguments\n"
            "  Write what it computes as a function of them: show.source(lambda x, W, b: x @ W.T + b, x, net.weight, "
            "net.bias)."
        )
    if not callable(f):
        raise TypeError(
            f"source() takes a function, not a {type(f).__name__}\n"
            "  Give it the function and its arguments, to see both passes: show.source(loss_of, w, b, X, y)."
        )
    arguments = inspect.signature(f).bind(*args, **kwargs)
    arguments.apply_defaults()
    flat = _flat(arguments.arguments, inspect.signature(f))
    tensors = {name: twin(t) for name, t in flat.items() if isinstance(t, Tensor)}
    try:
        found = Trace()
        for name, t in tensors.items():
            found.input(name, t)
        with found.running():
            output = _run(f, {**flat, **tensors})
        out = found.output(output)
        wanted = [name for name, t in found.inputs.items() if t.requires_grad]
        one = found.book.full(output._array, 1)
        gradients = found.gradients(output, [found.inputs[n] for n in wanted], one) if wanted else []
        text = _text(f, found, out, dict(zip(wanted, gradients, strict=True)))
    except Unwritable as reason:
        raise NotImplementedError(f"{_name_of(f)} cannot be written as a program in NumPy: {reason}") from reason
    return Source(f, flat, text, wanted, {name: found.inputs[name] for name in found.captured})


def _flat(arguments: dict[str, Any], signature: inspect.Signature) -> dict[str, Any]:
    """Arguments by name; those of `*args` by number."""
    found: dict[str, Any] = {}
    for name, value in arguments.items():
        kind = signature.parameters[name].kind
        if kind is inspect.Parameter.VAR_POSITIONAL:
            found |= {f"{name}_{i}": v for i, v in enumerate(value)}
        elif kind is inspect.Parameter.VAR_KEYWORD:
            found |= value
        else:
            found[name] = value
    return found


def _run(f: Callable[..., Any], flat: dict[str, Any]) -> Any:
    """Call `f` with arguments by name."""
    args, kwargs = [], {}
    rest = dict(flat)
    for p in inspect.signature(f).parameters.values():
        if p.kind is p.VAR_POSITIONAL:
            args += [rest.pop(n) for n in list(rest) if n.startswith(f"{p.name}_") and n[len(p.name) + 1 :].isdigit()]
        elif p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD):
            args.append(rest.pop(p.name))
        elif p.kind is p.KEYWORD_ONLY:
            kwargs[p.name] = rest.pop(p.name)
    return f(*args, **kwargs, **rest)


def _text(f: Callable[..., Any], found: Trace, out: ArraySymbol, gradients: dict[str, ArraySymbol | None]) -> str:
    for name, g in gradients.items():
        if g is None:
            gradients[name] = found.book.full(found.inputs[name]._array, 0)
    roots = [out.expression, *[g.expression for g in gradients.values() if g is not None]]
    body = Statements(found, roots)
    lines = body.assign(out.expression, found.names.get(out.expression) or "value")
    for name, g in gradients.items():
        if g is not None:
            lines += body.assign(g.expression, f"grad_{name}")
    results = [body.writer.write(g.expression) for g in gradients.values() if g is not None]
    returned = f"({', '.join(results)}{',' if len(results) == 1 else ''})"
    helpers = [text for text in found.book.helpers.texts.values() if text]
    head = ["import numpy as np", *[h for h in helpers if h.startswith("import")]]
    texts = [h for h in helpers if not h.startswith("import")]
    parameters = ", ".join(found.inputs)
    of = f" and its gradients for {', '.join(gradients)}" if gradients else ""
    function = [
        f"def {_name_of(f)}({parameters}):",
        f'    """The value of {_name_of(f)}{of}."""',
        *[f"    {line}" for line in lines],
        f"    return {body.writer.write(out.expression)}, {returned}",
    ]
    return "\n".join(head) + "\n\n" + "".join(f"\n{t}\n\n" for t in texts) + "\n" + "\n".join(function) + "\n"


def _name_of(f: Callable[..., Any]) -> str:
    name = getattr(f, "__name__", "program")
    return name if name.isidentifier() and not keyword.iskeyword(name) else "program"


def _as_array(value: Any) -> Any:
    return value._array if isinstance(value, Tensor) else value
