"""Where in the user's program an operation stands: the expression, its variables, and what its result is called."""

from __future__ import annotations

import ast
import dis
import linecache
from functools import lru_cache
from types import CodeType

from .model import Place

INTERNAL = True

_STORES = {"STORE_FAST", "STORE_NAME", "STORE_GLOBAL", "STORE_DEREF", "STORE_FAST_LOAD_FAST", "STORE_FAST_STORE_FAST"}
_PASSED_OVER = {"CACHE", "COPY", "EXTENDED_ARG", "NOP", "RESUME"}  # between a result and its variable, as in a = b = x


@lru_cache(4096)
def place_of(code: CodeType, lasti: int) -> Place | None:
    """The expression that instruction `lasti` of `code` computes; None if the instruction has no line.

    Where the file cannot be read (code from `exec`, say) its text is empty and no names are known.
    """
    if lasti < 0:
        return None
    line, end_line, start, end = _positions(code)[lasti // 2]
    if line is None:
        return None
    last = line if end_line is None else end_line
    found = [text.rstrip("\r\n") for text in linecache.getlines(code.co_filename)[line - 1 : last]]
    column = end_column = 0
    if found and start is not None and end is not None:
        column, end_column = _characters(found[0], start), _characters(found[-1], end)
    elif found:  # python -X no_debug_ranges knows lines alone
        column, end_column = len(found[0]) - len(found[0].lstrip()), len(found[-1])
    text = _between(found, column, end_column)
    file, function, target = code.co_filename, code.co_qualname, target_of(code, lasti)
    return Place(file, function, line, last, column, end_column, text, "\n".join(found), _names(text), target)


@lru_cache(4096)
def operand_texts(place: Place) -> tuple[str, str] | None:
    """The two operands of a place that is one arithmetic operator, as they are written; None for any other."""
    try:
        tree = ast.parse(f"({place.text}\n)", mode="eval").body
    except SyntaxError:
        return None
    if not isinstance(tree, ast.BinOp):
        return None
    return ast.unparse(tree.left), ast.unparse(tree.right)


def target_of(code: CodeType, lasti: int) -> str | None:
    """The variable that the very next instruction stores the result in; None if that does something else with it."""
    return _targets(code).get(lasti)


@lru_cache(256)
def _positions(code: CodeType) -> tuple[tuple[int | None, int | None, int | None, int | None], ...]:
    return tuple(code.co_positions())


@lru_cache(256)
def _targets(code: CodeType) -> dict[int, str]:
    """By instruction, the variable that its result is stored in."""
    found: dict[int, str] = {}
    after, end = None, 0  # the variable that what comes next is stored in, and where that begins
    for instruction in reversed([*dis.get_instructions(code)]):
        if after is not None:  # a call that is going on stands after its instruction, in the cache of that
            found |= dict.fromkeys(range(instruction.offset, end, 2), after)
        end = instruction.offset
        if instruction.opname in _STORES:
            names = instruction.argval
            after = names if isinstance(names, str) else names[0]
        elif instruction.opname not in _PASSED_OVER:
            after = None
    return found


def _characters(line: str, byte: int) -> int:
    """A column counted in characters, from one counted in bytes of UTF-8."""
    return len(line.encode()[:byte].decode(errors="replace"))


def _between(lines: list[str], column: int, end_column: int) -> str:
    if not lines:
        return ""
    if len(lines) == 1:
        return lines[0][column:end_column]
    return "\n".join([lines[0][column:], *lines[1:-1], lines[-1][:end_column]])


def _names(text: str) -> tuple[str, ...]:
    """The variables in an expression, in their order; of `self.w` the whole path too."""
    try:
        tree = ast.parse(f"({text}\n)")
    except SyntaxError:  # the instruction is of a statement, such as `w *= x`
        try:
            tree = ast.parse(text.strip())
        except SyntaxError:  # or of a part of one, such as the head of a loop
            return ()
    found = _Names()
    found.visit(tree)
    return tuple(dict.fromkeys(found.names))


class _Names(ast.NodeVisitor):
    def __init__(self) -> None:
        self.names: list[str] = []

    def visit_Name(self, node: ast.Name) -> None:
        """A variable."""
        self.names.append(node.id)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        """A path of attributes that starts at a variable counts whole, and so does the variable."""
        self.generic_visit(node)
        if isinstance(node.value, (ast.Name, ast.Attribute)):
            self.names.append(ast.unparse(node))

    def visit_Call(self, node: ast.Call) -> None:
        """What is called is no variable, but what a method is called of may be."""
        if isinstance(node.func, ast.Attribute):
            self.visit(node.func.value)
        for part in [*node.args, *node.keywords]:
            self.visit(part)
