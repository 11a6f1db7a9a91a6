"""A function run once with symbols beside its tensors: every operation that it makes, forward and backward.

The backward pass is the engine's own walk, on a tape whose gradients are symbols: what is written is what it does.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import RLock, get_ident
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

import numpy as np

from .. import dtypes
from ..autograd.tape import InnerTape
from ..engine import LEAF, Node, NodeOfMany, edge_to
from ..generator import Generator
from ..memory import storage_of
from ..modes import enable_grad
from ..ops import assigning, extremes, import_all, indexing, inplace, operators, picking
from ..ops.listening import Listener, listening, unheard
from ..ops.shape import StackBackward0
from ..ops.table import Op, common_dtype
from ..tensor import Tensor
from ..walk import walk
from .expressions import names_in
from .frames import OF_MODULES, assigned_to, attributes_of, is_constant, maker_of
from .symbols import ArraySymbol, Unwritable
from .writing import ProgramBook

INTERNAL = True


class Trace(Listener):
    """What a run is heard to do, as symbols by tensor and by node."""

    def __init__(self) -> None:
        self.book = ProgramBook()
        self.inputs: dict[str, Tensor] = {}
        self.captured: dict[str, Any] = {}  # of inputs that are no arguments: the globals, and the name there
        self.names: dict[Any, str] = {}  # by expression: the variable that the user assigned it to
        self.called: dict[Any, str] = {}  # by expression: the parameter that it was passed as
        self.gradients_of: dict[str, str] = {}  # of inputs that are the `.grad` of another: the name of that
        self.changes: list[tuple[str, Any]] = []  # in turn, the input that is changed in place, and to what expression
        self.frames: list[Any] = []  # per function of the user's that ran: its code, its globals, its cells
        self.failed: Unwritable | None = None  # the first reason why it cannot be written
        self._symbols: dict[int, tuple[Tensor, ArraySymbol]] = {}
        self._nodes: dict[int, tuple[Node, dict[str, ArraySymbol]]] = {}
        self._keys: dict[int, tuple[Any, Any]] = {}  # by copy of an index, the index
        self._made: dict[int, tuple[Tensor, Any]] = {}  # tensors that no operation made, and what the user called
        self._counted: Any = None  # the storage whose next change is one of `changes`
        self._importing: Any = None  # the frame of an import that runs: `torch.nn` when first asked for

    # What is known

    def input(self, name: str, t: Tensor) -> None:
        """Take `t` as an input of this name."""
        if name in RESERVED or name in self.inputs or not name.isidentifier():
            raise Unwritable(f"{name} means something else in what is written")
        if t._array.dtype.char == "e":
            raise Unwritable("half precision")
        if any(not attribute.startswith("_") for attribute in vars(t)):
            raise Unwritable(f"{name} has attributes, which may change")
        if id(t) in self._symbols:
            raise Unwritable("the same tensor is given twice")
        self.inputs[name] = t
        self._symbols[id(t)] = t, self.book.name(name, t._array)

    def symbol(self, t: Tensor) -> ArraySymbol:
        """The symbol of a tensor; one from outside of the function is one more input."""
        t = next((x for x in self.inputs.values() if x._array is t._array), t)  # a change sees it without its history
        if id(t) in self._made and is_constant(self._made[id(t)][1]):
            return self.constant(t._array)
        if id(t) not in self._symbols:
            if isinstance(t._origin, Node) or id(t) in self._made or t._view is not None:
                mend = "Make it outside of the function, and give it as an argument."
                unheard = isinstance(t._origin, Node) or t._view is not None
                made = "no operation was heard to make" if unheard else "is made in it, as by torch.zeros"
                raise Unwritable(f"a tensor of shape {tuple(t.shape)} is used that {made}\n  {mend}")
            name, place = self._outside(t)
            self.captured[name] = place
            self.input(name, t)
        return self._symbols[id(t)][1]

    def _outside(self, t: Tensor) -> tuple[str, Any]:
        """What a tensor is called that a function takes from outside, and where: in globals, or in a closure's cell."""
        for code, variables, cells in self.frames:
            for name, value in [(n, variables.get(n)) for n in code.co_names] + list(cells.items()):
                if value is t:
                    while name in self.inputs:
                        name += "_"
                    return name, (code, variables, cells)
        if t.__class__ is not Tensor:
            raise Unwritable(f"it uses a {_kind(t)}, which is a module's: no programs are written of modules")
        raise Unwritable(
            "a tensor is used that is neither an argument nor a variable that the function sees\n"
            "  Give each tensor as an argument of its own, those of a list by f(*tensors)."
        )

    def constant(self, array: Any) -> ArraySymbol:
        """The symbol of an array that does not depend on the inputs, such as `zeros(3)`."""
        found = self.book.constant(array)
        if found is None:
            raise Unwritable("a tensor that is made in it is too large to write down")
        return found

    # What is heard: nothing is raised, so that the run is what it would be if nobody listened

    def operation(self, op: Any, args: tuple[Any, ...], result: Any) -> None:
        """Write down an operation."""
        if self.failed is not None or id(result) in self._symbols or not isinstance(result, Tensor):
            return
        profile = sys.getprofile()
        sys.setprofile(None)  # what writing calls, such as the `__getattr__` of modules, is not the function's
        try:
            with np.errstate(all="ignore"):
                self._write(op, args, result)
        except Unwritable as reason:
            self.failed = reason
        finally:
            sys.setprofile(profile)

    def left(self, t: Tensor, how: str) -> None:
        """Give up: what a value decides outside, nothing here says."""
        self.failed = self.failed or Unwritable(f"a value leaves the tensors by {how}")

    def changed(self, storage: Any) -> None:
        """Give up, unless it is a change that `change` has noted."""
        if storage is not self._counted:
            self.failed = Unwritable("a tensor is changed in place that is no input")
        self._counted = None

    def change(self, t: Tensor, result: Tensor) -> None:
        """Note that `result` is about to be written over an input, unrecorded.

        Tensors that were computed before are not known any more: a program that reads memory in another order than the
        function would be another function where two inputs share their memory.
        """
        if self.failed is not None:
            return
        name = next((name for name, x in self.inputs.items() if x is t), None)
        if name is None:
            self.failed = Unwritable("a tensor is changed in place that is no input")
        elif isinstance(result._origin, Node) or (not t.requires_grad and self._loses_gradient(result)):
            self.failed = Unwritable("a tensor is changed in place, and that is recorded")
        elif result._array.dtype != t._array.dtype or id(result) not in self._symbols:
            self.failed = Unwritable("a tensor is changed in place in a way that no operation was heard to make")
        else:
            self.changes.append((name, self.symbol(result).expression))
            self._counted = storage_of(t)
            self._made |= {key: (known, ("earlier", None)) for key, (known, _) in self._symbols.items()}
            self._symbols = {id(x): (x, self.book.name(n, x._array)) for n, x in self.inputs.items()}
            self._made = {key: made for key, made in self._made.items() if key not in self._symbols}
            self.book.known.clear()

    def _loses_gradient(self, result: Tensor) -> bool:
        """Whether an input that `result` was computed from wants a gradient; what had lost its own before does not."""
        if result._origin is None or id(result) not in self._symbols:
            return result._origin is not None
        named = names_in(self.symbol(result).expression)
        return any(t.requires_grad for name, t in self.inputs.items() if name in named)

    def _write(self, op: Any, args: tuple[Any, ...], result: Tensor) -> None:
        saved: dict[str, Any] = {}
        if isinstance(op, Op):
            saved = self._operands(op, args)
            symbol = self.book.operand(self.book.operation(op, tuple(saved.values())))
        elif op == "detach":
            symbol = self.symbol(args[0])
        elif isinstance(op, np.ufunc):
            symbol = self._compared(op, *args)
        else:
            symbol = self._joined(op, result._array.dtype, *args)
        if not np.array_equal(symbol.value, result._array, equal_nan=result._array.dtype.kind == "f"):
            raise Unwritable(f"{op} does not give in NumPy what it gives here")
        if _steps(symbol.value) != _steps(result._array):  # which sums round by
            raise Unwritable("elements lie in memory in another order than in NumPy")
        self._symbols[id(result)] = result, symbol
        if isinstance(result._origin, Node):
            self._nodes[id(result._origin)] = result._origin, {**saved, "out": symbol}
        name = assigned_to(sys._getframe(4))
        if name:
            self.names.setdefault(symbol.expression, name)

    def _operands(self, op: Op, args: tuple[Any, ...]) -> dict[str, Any]:
        """The operands as the rules will have them: of one dtype, numbers as constants; and the options."""
        tensors = args[: len(op.inputs)]
        target = None
        if op.numbers:
            meeting = [args[op.inputs.index(i)] for i in op.differentiable]
            common = common_dtype(*meeting)
            if op.numbers == "floating" and common.kind != dtypes.FLOATING:
                common = dtypes.get_default_dtype()
            target = common.numpy
        elif op.floating and tensors[0]._array.dtype.kind != "f":
            target = dtypes.get_default_dtype().numpy
        found: dict[str, Any] = {}
        for name, value in zip(op.inputs, tensors, strict=True):
            if isinstance(value, Tensor):
                symbol = self.symbol(value)
                found[name] = symbol.astype(target) if target is not None and name in op.differentiable else symbol
            elif isinstance(value, (bool, int, float)) and target is not None:
                found[name] = self.book.operand(np.array(value).astype(target))
            else:
                raise Unwritable("an operand is neither a tensor nor a number")
        if op.forward is extremes.pick.forward:
            return found | self._picked(op, *args)
        return found | dict(zip(op.options, map(self._option, args[len(op.inputs) :]), strict=False))

    def _picked(self, op: Op, a: Tensor, index: Any, dim: int, keepdim: bool) -> dict[str, Any]:
        """The options of the largest, or smallest, element over a dimension: where it is follows from the values."""
        name = {"MaxBackward0": "argmax", "MinBackward0": "argmin"}.get(op.node_name)
        if name is None:
            raise Unwritable("an element is picked by its place in an order")
        best = getattr(np, name)
        if not a._array.ndim or not np.array_equal(best(a._array, axis=dim, keepdims=True), index):
            raise Unwritable("an element is picked in some other way")
        symbol = self.book.call(f"np.{name}", best, (self.symbol(a),), {"axis": dim, "keepdims": True})
        return {"index": symbol, "dim": dim, "keepdim": keepdim}

    def _option(self, value: Any) -> Any:
        """An option; the arrays of an index as symbols."""
        if isinstance(value, tuple):
            return tuple(map(self._option, value))
        if not isinstance(value, np.ndarray):
            return value
        array = self._keys.get(id(value), (None, value))[1]
        if array.dtype.kind == "b" and not any(t._array is array and is_constant(by) for t, by in self._made.values()):
            raise Unwritable("how many elements a mask picks depends on values")
        for t, symbol in self._symbols.values():
            if t._array is array or (array.base is t._array and _is_all_of(array, t._array)):
                return symbol
        for t, maker in self._made.values():
            if t._array is array and is_constant(maker):
                return self.constant(array)
        raise Unwritable("an index is made of what is no input")

    def _compared(self, ufunc: np.ufunc, a: Any, b: Any) -> Any:
        common = common_dtype(a, b).numpy
        operands = [self.symbol(x).astype(common) if isinstance(x, Tensor) else x for x in (a, b)]
        return self.book.ufunc(ufunc, "__call__", tuple(operands), {})

    def _joined(self, node: Any, dtype: Any, tensors: list[Tensor], saved: Any) -> Any:
        symbols = [self.symbol(t).astype(dtype) for t in tensors]
        name, axis = ("stack", saved) if node is StackBackward0 else ("concatenate", saved[0])
        return self.book.call(f"np.{name}", getattr(np, name), (symbols,), {"axis": axis})

    # The run

    @contextmanager
    def running(self) -> Iterator[None]:
        """Within it, what happens is written down."""
        import_all()  # now, for families that are imported later would keep what is exchanged below
        with _exchanging:  # others wait: there is one of each of the functions that are exchanged
            before, _Running.thread = _Running.thread, get_ident()
            try:
                yield from self._running()
            finally:
                _Running.thread = before

    def _running(self) -> Iterator[None]:
        tensor_of, own, words, write = Tensor._of, indexing.own, Generator.words, inplace.write
        index_array = indexing.index_array  # type: ignore[attr-defined]
        thread = get_ident()

        def made(*args: Any, **kwargs: Any) -> Tensor:
            t = tensor_of(*args, **kwargs)
            if get_ident() == thread:
                self._made[id(t)] = t, maker_of(sys._getframe(1))
            return t

        def listed(item: Any) -> Any:
            array = index_array(item)
            if isinstance(item, (list, range)) and get_ident() == thread:
                t = tensor_of(array)
                self._made[id(t)] = t, ("tensor", list(item))
            return array

        def noted(key: Any, *tensors: Any) -> Any:
            copies = own(key, *tensors)
            if get_ident() == thread:
                self._keys.update({id(c): (c, k) for c, k in zip(copies, key, strict=True)})
            return copies

        def drawn(generator: Generator, count: int) -> Any:
            if get_ident() == thread:
                self.failed = self.failed or Unwritable("random numbers are drawn")
            return words(generator, count)

        def written(t: Tensor, result: Tensor) -> Tensor:
            if get_ident() == thread:
                self.change(t, result)
            return write(t, result)

        exchanged: list[tuple[Any, str, Any]] = [
            (Generator, "words", drawn),
            (Tensor, "_of", staticmethod(made)),
            (indexing, "index_array", listed),
            *[(module, "own", noted) for module in (indexing, picking, assigning)],
            (inplace, "write", written),
            (inplace, "_plain", lambda t: False),  # so that all changes go by way of operations, and of `write`
            (operators, "is_grad_enabled", lambda: True),
        ]
        before = [(owner, name, vars(owner)[name]) for owner, name, _ in exchanged]
        collecting, profile = gc.isenabled(), sys.getprofile()
        gc.disable()  # its callbacks would seem to be called by the function
        try:
            for owner, name, function in exchanged:
                setattr(owner, name, function)
            sys.setprofile(self._called)
            with enable_grad(), listening(self):
                yield
        finally:
            sys.setprofile(profile)
            for owner, name, function in before:
                setattr(owner, name, function)
            if collecting:
                gc.enable()

    def output(self, result: Any) -> ArraySymbol:
        """The symbol of what came out; Unwritable if something on the way could not be written."""
        if self.failed is not None:
            raise self.failed
        if self.changes:
            raise Unwritable("a tensor is changed in place, and another returned")
        if self.gradients_of:
            raise Unwritable("it uses grad, which is no argument")
        if not isinstance(result, Tensor):
            raise Unwritable(f"it returns {type(result).__name__}, not one tensor")
        return self.symbol(result)

    def frees(self) -> bool:
        """Whether a second backward pass finds that the first one has freed something."""
        ops = [op for op in (getattr(type(node), "op", None) for node, _ in self._nodes.values()) if op is not None]
        return any(op.guarded or op.freed for op in ops)

    def _called(self, frame: Any, event: str, _: Any) -> None:
        """Note the functions of the user's that run, what their parameters are called, and what they call."""
        if self._importing is not None:
            if event == "return" and frame is self._importing:
                self._importing = None
        elif event == "call" and frame.f_code.co_filename == "<frozen importlib._bootstrap>":
            self._importing = frame
        elif event == "call" and is_library(frame.f_globals):
            self._asked(frame)
        elif event == "call":
            code = frame.f_code
            self.frames.append((code, frame.f_globals, {n: frame.f_locals.get(n) for n in code.co_freevars}))
            for name in code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]:
                value = frame.f_locals.get(name)
                if not name.startswith(".") and not _is_plain(value):
                    is_module = attributes_of(value).keys() >= OF_MODULES
                    self.failed = self.failed or Unwritable(
                        f"it uses {_kind(value)}, which {_UNWRITTEN['modules']}"
                        if is_module
                        else f"{code.co_name} is given a {_kind(value)}, which may change"
                    )
                known = self._symbols.get(id(value))
                if known is not None:
                    self.called.setdefault(known[1].expression, name)

    def _asked(self, frame: Any) -> None:
        """Give up where the user calls what does more than to compute, or gives what nothing here checks again."""
        module, name = str(frame.f_globals.get("__name__")), frame.f_code.co_name
        if not module.startswith("minigrad."):
            return
        by_user = frame.f_back is not None and not is_library(frame.f_back.f_globals)
        if module == "minigrad.tensor" and name == "grad" and by_user:
            pure = self._reads_gradient(frame.f_locals["self"])
        elif module == "minigrad.tensor":
            pure = name in _OF_TENSORS or not by_user
        else:
            pure = name not in _MORE_THAN_COMPUTING and (module.startswith(_COMPUTING) or not by_user)
        if not pure:
            used = type(frame.f_locals.get("self")).__name__ if name in ("__call__", "__init__") else name
            why = _UNWRITTEN.get(module.removeprefix("minigrad.nn.").partition(".")[0], "does more than to compute")
            self.failed = self.failed or Unwritable(f"it uses {used}, which {why}")

    def _reads_gradient(self, t: Tensor) -> bool:
        """Take the gradient of an input as one more input, where there is one; returns whether it is."""
        owner = next((name for name, x in self.inputs.items() if x is t), "")
        name = f"{owner}_grad"
        if owner and isinstance(t._grad, Tensor) and self.inputs.get(name) is not t._grad:
            try:
                self.input(name, t._grad)
            except Unwritable:
                return False
            self.gradients_of[name] = owner
        return name in self.gradients_of

    # The backward pass

    def gradients(self, output: Tensor, wanted: Sequence[Tensor], g: ArraySymbol) -> list[ArraySymbol | None]:
        """The symbols of the gradients of `wanted` inputs; None for one that `output` does not depend on."""
        edges = [edge_to(t) for t in wanted]
        with unheard(), np.errstate(all="ignore"):
            found = walk(((edge_to(output), g),), SymbolTape(self), keep=True, wanted=edges)
        return [found[id(e)][1] if id(e) in found else None for e in edges]

    def saved(self, node: Node) -> Any:
        """What the rules of `node` will have, as symbols."""
        op = getattr(type(node), "op", None)
        if op is None:
            if type(node).__module__ == "minigrad.ops.shape" and isinstance(node, NodeOfMany):
                return node.unpack()
            raise Unwritable(f"{node.name()} has rules of its own")
        if id(node) not in self._nodes:
            raise Unwritable(f"{node.name()} was recorded before")
        known, values = self._nodes[id(node)][1], node.unpack()
        return [known.get(name, value) for name, value in zip(op.slots, values, strict=True)]


class SymbolTape(InnerTape):
    """Reads the rules on symbols."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace

    def saved(self, node: Node) -> Any:
        """The saved values of `node` as symbols."""
        return self.trace.saved(node)

    def sum(self, g: Any, dims: tuple[int, ...], keepdim: bool) -> Any:
        """`g` added up over `dims`."""
        return self.trace.book.reduction(np.add, g, dims, keepdims=keepdim)

    def cast(self, g: Any, dtype: np.dtype[Any]) -> Any:
        """`g` in `dtype`."""
        return g.astype(dtype)


def _is_all_of(view: Any, array: Any) -> bool:
    """Whether a view shows all elements of an array as they are."""
    return bool(view.shape == array.shape and view.strides == array.strides and view.dtype == array.dtype)


def _steps(array: Any) -> list[int]:
    """The strides of the dimensions in which there is a step to take."""
    return [s for n, s in zip(array.shape, array.strides, strict=True) if n > 1]


def is_library(variables: dict[str, Any]) -> bool:
    """Whether a module's variables are those of minigrad, NumPy or the standard library, which do not change."""
    root = str(variables.get("__name__")).partition(".")[0]
    known = root in ("minigrad", "numpy") or root.startswith("namedtuple_")
    return "INTERNAL" in variables or known or (root in sys.stdlib_module_names and root != "__main__")


def twin(t: Tensor) -> Tensor:
    """A leaf with the same values."""
    return Tensor._of(t._array.copy("K"), LEAF if t.requires_grad else None)


# What is used in the text of a program besides what it assigns.
RESERVED = {"add_up", "bool", "len", "list", "np", "slice", "str", "tuple"}
_exchanging = RLock()


class _Running:
    """Which thread runs a function that is traced, if any does."""

    thread: int | None = None


def is_tracing() -> bool:
    """Whether this thread runs a function that is traced."""
    return _Running.thread == get_ident()


_OF_TENSORS = {"__iter__", "__len__", "device", "dim", "dtype", "element_size", "is_complex", "is_contiguous"}
_OF_TENSORS |= {"is_floating_point", "is_signed", "itemsize", "layout", "nbytes", "ndim", "numel"}
_OF_TENSORS |= {"from_numpy", "requires_grad", "shape", "size", "stride"}
_COMPUTING = tuple(f"minigrad.{name}" for name in ("ops", "linalg", "dtypes", "modes", "random", "show.compiling"))
_MORE_THAN_COMPUTING = {"allclose", "change_shape", "cond", "detach_", "equal", "gather", "get_rng_state"}
_MORE_THAN_COMPUTING |= {"index_select", "initial_seed", "is_anomaly_check_nan_enabled", "is_anomaly_enabled"}
_MORE_THAN_COMPUTING |= {"is_nonzero", "lstsq", "manual_seed", "matrix_rank", "seed", "set_default_dtype"}
_MORE_THAN_COMPUTING |= {"set_rng_state"}
_UNWRITTEN = {"functional": "stands in nn.functional: no programs are written of that"}
_UNWRITTEN |= {"modules": "is a module: no programs are written of that"}
_PLAIN = (Tensor, bool, int, float, str, tuple, list, dict, set, frozenset, slice, range, np.dtype, np.ndarray)
_PLAIN_TYPES = (*_PLAIN, np.generic, np.ufunc, type(None), FunctionType, BuiltinFunctionType, dtypes.dtype)


def _is_plain(value: Any) -> bool:
    """Whether an argument is no object with attributes of its own, which might be others at the next call."""
    if isinstance(value, type):
        return is_library({"__name__": value.__module__})
    return isinstance(value, _PLAIN_TYPES) or (isinstance(value, ModuleType) and is_library(vars(value)))


def _kind(value: Any) -> str:
    return f"class {value.__name__}" if isinstance(value, type) else type(value).__name__
