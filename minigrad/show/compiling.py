"""`minigrad.compile`: a function's operations as one program, and one node of the graph, instead of many.

At its first call the function is run with symbols beside its tensors (see `tracing.py`), and written down as two
NumPy functions, forward and backward: what `show.source` prints. Later calls check that nothing has changed that
decided what was written, shapes, dtypes, numbers, variables outside, and run those. Where it has, another program is
written; where none can be, the function simply runs. A function that only changes its inputs is one NumPy function.
Source of the call's form: https://docs.pytorch.org/docs/stable/generated/torch.compile.html
"""

from __future__ import annotations

import inspect
import linecache
import sys
from collections.abc import Callable, Sequence
from functools import partial, wraps
from operator import is_not
from typing import Any

import numpy as np

from ..autograd.graph import saved_tensors_hooked
from ..autograd.recomputing import is_recomputed
from ..autograd.tape import Alias, InnerTape
from ..dtypes import get_default_dtype
from ..engine import LEAF, OUTSIDE, RELEASED, SEVERED, Lost, Node, Since, Storage, edge_to, ranks, user_line
from ..memory import storage_of
from ..modes import enable_grad, is_grad_enabled
from ..ops.table import stale
from ..tensor import Tensor, current_origin
from ..walk import walk
from .expressions import Expression, owners
from .frames import OF_MODULES
from .guards import Guards
from .programs import Statements, ordered
from .symbols import ArraySymbol, Unwritable
from .tracing import RESERVED, Trace, is_tracing

INTERNAL = True
PROGRAMS = 8  # that are written for one function, as in torch, before it is left to run as it is
_SLOT = object()  # where the template of a call's arguments has a tensor
_MISS: Any = object()  # what a program returns for a call that it was not written for


class Halfway(Exception):
    """An error, its argument, after which the function is not to run instead: some changes may have been made."""


class CompiledBackward(Node):
    """The node of a compiled call."""

    __slots__ = ("edges", "inputs", "made", "program", "saved")
    program: Program
    made: Any  # the storage of the result, if that is among the saved values
    inputs: tuple[Any, ...]  # for each input in turn: its array, its storage, and the version that it had
    saved: Any

    def unpack(self) -> Any:
        """The saved values; raises if a backward pass has freed them, or one was changed in place since."""
        if self.saved is RELEASED:
            stale(self, RELEASED)
        for i in self.program.guarded:
            storage, version = self.inputs[3 * i + 1], self.inputs[3 * i + 2]
            if storage.version != version:
                stale(self, Since(storage, version))
        if self.made is not None and self.made.version:
            stale(self, self.made)
        return self.saved

    def release(self) -> None:
        """Let the saved values go."""
        if self.program.frees:
            self.saved, self.inputs = RELEASED, ()

    def flow(self, g: Any, keep: bool, tape: Any) -> Any:
        """Each edge with its gradient by the program; None if there are hooks."""
        if self.hooks is not None:
            return None
        edges, saved = self.edges, self.unpack()
        if not keep:
            self.release()
        return zip(edges, self.program.pull(g, saved))  # noqa: B905 - as many, and to have it checked takes longer

    def pull(self, g: Any, edges: Sequence[Any], saved: Any) -> Sequence[Any]:
        """The gradients by the program; recorded ones by running the function again, as it was written."""
        if isinstance(g, Tensor):
            return self._recorded(g, edges)
        found: Sequence[Any] = self.program.pull(g, saved)
        return found

    def _recorded(self, g: Tensor, edges: Sequence[Any]) -> Sequence[Any]:
        each = list(zip(*[iter(self.inputs)] * 3, strict=True))
        for _, storage, version in each:
            if storage.version != version:
                stale(self, Since(storage, version))
        program = self.program
        outside = program.outside()
        if outside is _MISS or any(t._array is not a for t, (a, _, _) in zip(outside, each[program.from_outside :])):  # noqa: B905
            raise RuntimeError("a variable that a compiled function uses has changed since it was called")
        places = iter(self.edges)  # all of them, for what is recorded is part of all of their graphs
        tensors: list[Any] = []
        for i, (array, storage, _) in enumerate(each):
            edge = next(places) if program.wanted[i] else None
            if i >= program.from_outside:  # the function takes it from there again: a leaf, where it is wanted
                tensors.append(edge)
                continue
            origin = None if edge is None else Alias(self, edge, (array.shape, array.dtype))
            tensors.append(Tensor._of(array, origin, storage))
        with enable_grad():
            output = program.run_again(tensors[: program.from_outside])
            inner = [edge_to(t) for t, is_wanted in zip(tensors, program.wanted, strict=True) if is_wanted]
            to = [None if e is None else i for e, i in zip(edges, inner, strict=True)]
            found = walk(((output._origin, g),), InnerTape(), keep=True, wanted=[e for e in to if e is not None])
        return tuple([found[id(e)][1] if id(e) in found else None for e in to])


class Program:
    """One way to call a function, written down."""

    def __init__(self, f: Callable[..., Any], bound: Any, guards: Guards, found: Trace, result: Any) -> None:
        """Write it, after a run that was traced; raise Unwritable if that cannot be."""
        self.f, self.signature = f, bound.signature
        self.template = {name: _replaced(value, lambda t: _SLOT) for name, value in bound.arguments.items()}
        self.from_outside = len(guards.tensors)  # the inputs from here on are no arguments
        out = None if found.changes and result is None and found.failed is None else found.output(result)
        captured = {name: found.inputs[name] for name in found.captured}
        of_arguments = len(guards.conditions)
        guards.outside(found.frames, f, captured)
        if isinstance(f, partial):
            guards.same(guards.constant(f), f)
        of_outside = [guards.conditions[0], *guards.conditions[of_arguments:]]
        for name, owner in found.gradients_of.items():
            guards.tensor(name, found.inputs[name], f"{owner}._grad")
        for name in found.inputs:
            if name not in guards.tensors:
                raise Unwritable(f"it uses {name}, a tensor whose variable cannot be watched")
            if name in found.book.helpers.texts:
                raise Unwritable(f"{name} means something else in what is written")
        if out is None:
            self._write_changes(guards, found)
            return
        if any(e.kind == "name" for e in owners(out.expression)):
            raise Unwritable("it returns a view of an input, or an input")
        self.wanted = [result.requires_grad and t.requires_grad for t in found.inputs.values()]
        if result.requires_grad and not any(self.wanted):
            raise Unwritable("it makes a leaf")
        self._write(guards, found, result, out, of_outside)

    def run_again(self, tensors: list[Tensor]) -> Tensor:
        """The function itself on tensors in the place of its arguments'."""
        given = iter(tensors)
        values = {name: _replaced(v, lambda _: next(given)) for name, v in self.template.items()}
        call = inspect.BoundArguments(self.signature, values)
        output: Tensor = self.f(*call.args, **call.kwargs)
        return output

    # Writing

    def _write(self, guards: Guards, found: Trace, output: Tensor, out: ArraySymbol, outside: list[str]) -> None:
        """Write and make `call`, which is what a call runs, and `pull`, its backward."""
        inputs = list(found.inputs)
        leaves = [found.inputs[n] for n, wanted in zip(inputs, self.wanted, strict=True) if wanted]
        g = found.book.name("_g", np.ones_like(output._array))
        general = found.gradients(output, leaves, g) if leaves else []
        one = found.gradients(output, leaves, found.book.full(output._array, 1)) if leaves else []
        self.frees = found.frees()
        roots = [[d.expression for d in way if d is not None] for way in (one, general)]

        forward = Statements(found, [out.expression, *roots[0], *roots[1]], quick=True)
        lines = forward.assign(out.expression, "out")
        result = forward.writer.write(out.expression)
        saved: dict[Expression, str] = {}
        numbers = forward.writer.numbers
        backward = [_backward(forward, way, saved) for way in (one, general)]
        kept = list(dict.fromkeys(saved.values()))
        owned = {owner for e in saved for owner in owners(e)}
        of_inputs = {owner.head for owner in owned if owner.kind == "name"}
        self.guarded = [i for i, name in enumerate(inputs) if name in of_inputs]
        of_result = not owned.isdisjoint(owners(out.expression))
        lost = output._origin.why if isinstance(output._origin, Lost) else None
        wanted = [n for n, is_wanted in zip(inputs, self.wanted, strict=True) if is_wanted]
        self.names, self.kept = wanted, kept  # of the inputs that get gradients, and of what is saved for them
        text = "\n".join(
            [
                *self._head(guards, found),
                *_indented(_body(inputs, lines, result, kept, wanted, of_result, lost)),
                "",
                "def outside():",
                "    if not (",
                f"        {_AND.join(outside)}",
                "    ): return _MISS",
                f"    return {_tuple(inputs[self.from_outside :])}",
                "",
                "def pull(_g, _saved):",
                *([f"    {_listed(kept)} = _saved"] if kept else []),
                *(["    if _g.item() == 1:", *_indented(_indented(backward[0]))] if output._array.ndim == 0 else []),
                *_indented(backward[1]),
                "",
            ]
        )
        scope = self._make(text, guards, numbers)
        self.pull: Callable[..., Any] = scope["pull"]
        self.outside: Callable[[], Any] = scope["outside"]

    def _write_changes(self, guards: Guards, found: Trace) -> None:
        """Write and make `call` for a function that changes inputs in place, as an optimizer's step does."""
        program = Statements(found, [e for _, e in found.changes], quick=True)
        lines = [f"_s_{n} = {n}._storage or _storage_of({n})" for n in dict.fromkeys(n for n, _ in found.changes)]
        lines += [f"{n} = _x_{n}" for n in found.inputs]
        for name, e in found.changes:
            lines += [*_change(program, name, e), f"_s_{name}.bump(_line)"]
            for other in dict.fromkeys(part.head for part in ordered(e) if part.kind == "name" and part.head != name):
                if found.inputs[other]._storage is found.inputs[name]._storage is not None:
                    raise Unwritable(f"{other} and {name} may share memory")  # the function may then raise an error
                guards.conditions.append(f"({other}._storage is None or {other}._storage is not {name}._storage)")
        lines = ["_line = _user_line(3)", "try:", *_indented(lines), "except Exception as error: raise _Halfway(error)"]
        self._make("\n".join([*self._head(guards, found), *_indented(lines), ""]), guards, program.writer.numbers)

    def _make(self, text: str, guards: Guards, numbers: dict[str, Any]) -> dict[str, Any]:
        """Make `call` of its text, and whatever else that defines."""
        self.text, name = text, f"<compiled {getattr(self.f, '__name__', 'function')}>"
        scope = {"__name__": "minigrad.compiled", "np": np, **_NAMES, **guards.scope, **numbers, "_program": self}
        scope |= self._defaults
        linecache.cache[name] = (len(self.text), None, self.text.splitlines(True), name)  # tracebacks quote it
        exec(compile(self.text, name, "exec"), scope)
        self.call: Callable[..., Any] = scope["call"]
        self.call.__qualname__ = getattr(self.f, "__qualname__", "call")  # which errors of its arguments quote
        return scope

    def _head(self, guards: Guards, found: Trace) -> list[str]:
        """The helpers that are called, and the first lines of `call`."""
        return [*[text for text in found.book.helpers.texts.values() if text], self._signature(guards)]

    def _signature(self, guards: Guards) -> str:
        """The head of `call`, which has the function's own parameters."""
        self._defaults: dict[str, Any] = {}
        parts, after_star = [], False
        every = list(self.signature.parameters.values())
        for i, p in enumerate(every):
            text = p.name
            if text in RESERVED or text.startswith("_") or text in guards.scope:
                raise Unwritable(f"{text} means something else in what is written")
            if p.default is not p.empty:
                self._defaults[f"_default_{p.name}"] = p.default
                text += f"=_default_{p.name}"
            if p.kind is p.KEYWORD_ONLY and not after_star:
                parts.append("*")
                after_star = True
            if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD):
                after_star = True
                text = ("*" if p.kind is p.VAR_POSITIONAL else "**") + p.name
            parts.append(text)
            if p.kind is p.POSITIONAL_ONLY and (p is every[-1] or every[i + 1].kind is not p.kind):
                parts.append("/")
        conditions = _AND.join(guards.conditions)
        rest = "".join(
            f"    if {p.name}: return _MISS\n" for p in self.signature.parameters.values() if p.kind is p.VAR_KEYWORD
        )
        return f"def call({', '.join(parts)}):\n{rest}    if not (\n        {conditions}\n    ): return _MISS"


def _change(program: Statements, name: str, e: Expression) -> list[str]:
    """The lines that write an expression over the array of this name, in the way that NumPy does fastest."""
    lines = [line for part in e.parts() for line in program.assign(part)]
    if e.kind == "call" and e.head == "np.full_like":
        return [*lines, f"{name}.fill({program.writer.value(e.args[1])})"]
    text = program.writer.write(e, itself=True)
    start = f"{name} {e.head} "
    if e.kind == "operator" and e.head in "+-*/" and text.startswith(start) and e.value.size > 1:
        return [*lines, f"{name} {e.head}= {text.removeprefix(start)}"]
    return [*lines, f"{name}[...] = {text}"]


def _backward(forward: Statements, way: list[Any], saved: dict[Expression, str]) -> list[str]:
    """The lines of one backward pass; in `saved` goes what it takes from the forward pass."""
    of_forward = dict(forward.names)
    body = Statements(forward.trace, [d.expression for d in way if d is not None], quick=True)
    body.taken |= forward.taken
    body.writer.numbers = forward.writer.numbers
    lines, results = [], []

    def known(e: Expression) -> str | None:
        if e in of_forward or (e.kind == "name" and e.head != "_g"):
            saved[e] = of_forward.get(e, e.head)
            return saved[e]
        return body.names.get(e)

    body.writer.known = known
    body.names.update(of_forward)
    for d in way:
        if d is not None:
            lines += body.assign(d.expression)
        text = "None" if d is None else body.writer.write(d.expression)
        results.append(f"_asarray({text})" if d is not None and not d.ndim else text)  # of no dimensions: a number
    return [*lines, f"return {_tuple(results)}"]


def _body(
    inputs: list[str],
    lines: list[str],
    out: str,
    kept: list[str],
    leaves: list[str],
    of_result: bool,
    lost: str | None,
) -> list[str]:
    """What `call` does when its guards hold."""
    made = [
        *[line for n in inputs for line in (f"_t_{n} = {n}", f"{n} = _x_{n}")],
        *lines,
        "_r = _new(_Tensor)",
        f"_r._array = {out} if {out}.__class__ is _ndarray else _asarray({out})",
        "_r._storage = _r._view = _r._grad = _r._origin = None",
    ]
    if not leaves:
        return [*made, *([f"_r._origin = _Lost({lost!r})"] if lost else []), "return _r"]
    recorded = [
        "if not _grad_enabled():",
        "    _r._origin = _Lost('no_grad')",
        "    return _r",
        "_r._origin = _node = _Node()",
        f"_node.edges = {_tuple([f'_t_{n} if _o_{n} is _LEAF else _o_{n}' for n in leaves])}",
        "_node.program = _program",
        f"_node.saved = {_tuple(kept)}",
        "_node.made = _r._storage = _Storage()" if of_result else "_node.made = None",
    ]
    recorded += [f"_s_{n} = _t_{n}._storage or _storage_of(_t_{n})" for n in inputs]
    return [
        *made,
        *recorded,
        f"_node.inputs = {_tuple([f'{n}, _s_{n}, _s_{n}.version' for n in inputs])}",
        "_node.targets = _node.hooks = None",
        "_node.rank = _next_rank()",
        "try: _frame = _user_frame(2)",  # over `compiled`, as the line is cheaper to find so
        "except ValueError: _frame = _OUTSIDE",
        "while 'INTERNAL' in _frame.f_globals: _frame = _frame.f_back or _OUTSIDE",
        "_node.code = _frame.f_code",
        "_node.lasti = _frame.f_lasti",
        "return _r",
    ]


def _replaced(value: Any, by: Callable[[Any], Any]) -> Any:
    """A call's argument, with what `by` gives in the place of tensors, or of their slots."""
    if isinstance(value, Tensor) or value is _SLOT:
        return by(value)
    return type(value)([_replaced(v, by) for v in value]) if type(value) in (list, tuple) else value


def _indented(lines: list[str]) -> list[str]:
    return [f"    {line}" for line in lines]


def _listed(names: list[str]) -> str:
    return "".join(f"{name}, " for name in names)


def _tuple(names: list[str]) -> str:
    return f"({_listed(names)})"


_AND = "\n        and "
_NAMES = {
    "INTERNAL": True,
    "_MISS": _MISS,
    "_Tensor": Tensor,
    "_Node": CompiledBackward,
    "_Storage": Storage,
    "_LEAF": LEAF,
    "_SEVERED": SEVERED,
    "_Lost": Lost,
    "_Halfway": Halfway,
    "_OUTSIDE": OUTSIDE,
    "_ndarray": np.ndarray,
    "_asarray": np.asarray,
    "add_up": np.add.reduce,
    "_new": object.__new__,
    "_grad_enabled": is_grad_enabled,
    "_current_origin": current_origin,
    "_storage_of": storage_of,
    "_get_default_dtype": get_default_dtype,
    "_next_rank": ranks.__next__,
    "_user_frame": sys._getframe,
    "_user_line": user_line,
}


def first_call(f: Callable[..., Any], args: tuple[Any, ...], kwargs: Any) -> tuple[Any, Program | Unwritable]:
    """What `f` returns, called but once; and the program of that call, or why there is none."""
    try:
        bound = inspect.signature(f).bind(*args, **kwargs)
        bound.apply_defaults()
    except TypeError as error:
        return f(*args, **kwargs), Unwritable(f"it cannot be called so: {error}")
    guards, found = Guards(), Trace()
    guards.conditions.append(f"_get_default_dtype() is {guards.constant(get_default_dtype())}")
    try:
        for name, value in bound.arguments.items():
            if bound.signature.parameters[name].kind is inspect.Parameter.VAR_KEYWORD:
                if value:
                    raise Unwritable("it is called with any keywords")
            else:
                guards.argument(name, value)
        for name, t in guards.tensors.items():
            found.input(name, t)
    except Unwritable as reason:
        return f(*args, **kwargs), reason
    lists = [(value, list(value)) for value in bound.arguments.values() if isinstance(value, list)]
    with found.running():
        result = f(*args, **kwargs)
    try:
        if any(len(value) != len(before) or any(map(is_not, value, before)) for value, before in lists):
            raise Unwritable("it changes a list that it is given")
        return result, Program(f, bound, guards, found, result)
    except Unwritable as reason:
        return result, reason


def compile_function(
    model: Callable[..., Any] | None = None,
    *,
    fullgraph: bool = False,
    dynamic: bool | None = None,
    backend: Any = "numpy",
    mode: str | None = None,
    options: Any = None,
    disable: bool = False,
) -> Any:
    """`model`, run as one NumPy program and recorded as one node; without a model, a decorator.

    fullgraph  raise NotImplementedError where no program can be written, instead of running the function as it is
    disable    return the function itself
    dynamic, backend, mode and options make no difference; they are torch's.
    It is compiled only if it does nothing but compute one tensor, or but change inputs, or their gradients, in place
    and unrecorded, as an optimizer's step does: if it prints nothing, draws no random numbers, asks for no values, and
    uses nothing from outside that may change unnoticed.
    Gradients that several uses of a tensor add up may round otherwise where some uses are outside of the function, or
    one tensor is given as two arguments.
    The result has the attributes `programs`, whose `text` is what runs, and `reasons`, why there are none. For a module
    it is a module, with the same parameters; their values are not the arguments of a function, so it runs as it is.
    """
    if model is None:
        return lambda f: compile_function(f, fullgraph=fullgraph, disable=disable)
    if not callable(model):
        raise TypeError(
            f"compile() takes a function, not a {type(model).__name__}: minigrad.compile(loss_of)(w, b, X, y)"
        )
    if disable:
        return model
    if getattr(model, "__dict__", {}).keys() >= OF_MODULES:
        from .compiled_module import OptimizedModule

        return OptimizedModule(model, partial(_compiled, fullgraph=fullgraph))  # type: ignore[arg-type]
    return _compiled(model, fullgraph)


def _compiled(model: Callable[..., Any], fullgraph: bool) -> Callable[..., Any]:
    f: Callable[..., Any] = model
    programs: list[Program] = []
    calls: list[Callable[..., Any]] = []
    reasons: list[str] = []

    @wraps(f)
    def compiled(*args: Any, **kwargs: Any) -> Any:
        if is_recomputed() or saved_tensors_hooked():  # hooks are told of what each operation saves
            return f(*args, **kwargs)
        for call in calls:
            try:
                result = call(*args, **kwargs) if kwargs else call(*args)  # which is quicker
            except Halfway as error:
                raise error.args[0] from None
            except Exception:  # noqa: BLE001 - an index out of bounds, say: the function's own error says it as it should
                return f(*args, **kwargs)
            if result is not _MISS:
                return result
        if reasons or len(programs) >= PROGRAMS or not is_grad_enabled():
            return f(*args, **kwargs)
        if is_tracing():  # one that calls this one is to be one program with it
            return f(*args, **kwargs)
        result, program = first_call(f, args, kwargs)
        if isinstance(program, Program):
            programs.append(program)
            calls.insert(0, program.call)
        elif fullgraph:
            name = getattr(f, "__name__", "the function")
            raise NotImplementedError(f"{name} cannot be compiled: {program}") from program
        else:
            reasons.append(str(program))
        return result

    compiled.programs, compiled.reasons = programs, reasons  # type: ignore[attr-defined]
    return compiled


compile_function.__name__ = compile_function.__qualname__ = "compile"
