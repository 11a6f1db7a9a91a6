"""What is written down of the operations, for type checkers and for imports, is what the operations give."""

import ast
import subprocess
import sys
from pathlib import Path

import api_stub
import pytest


def printed(program: str) -> str:
    """What a program prints in a process of its own."""
    command = [sys.executable, "-c", program]
    return subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("what", ["stub", "later"])
def test_what_is_written_down_is_current(what: str) -> None:
    # In a process of its own: an operator that was used has become its operation's `call`, with other parameters.
    written = {"stub": api_stub.STUB, "later": api_stub.LATER}[what].read_text()
    assert written == printed(f"import api_stub; print(api_stub.{what}(), end='')"), "run: python tests/api_stub.py"


def test_families_are_imported_when_a_name_of_theirs_is_asked_for() -> None:
    program = """
import sys
import minigrad
loaded = lambda family: f"minigrad.ops.{family}" in sys.modules
from minigrad.ops.later import LATER
assert not loaded("diagonals") and not loaded("einsum")
assert {"tril", "einsum"} <= set(dir(minigrad)) and "tril" in dir(minigrad.Tensor)
assert not loaded("diagonals") and not loaded("einsum")
minigrad.ones(3, 3).tril()
assert loaded("diagonals") and not loaded("einsum")
for family, (functions, methods) in LATER.items():
    for owner, names in ((minigrad, functions), (minigrad.Tensor, methods)):
        for name in names.split():
            assert getattr(owner, name) is vars(owner)[name], name
            assert loaded(family)
scope = {}
exec("from minigrad import *", scope)
assert {"tril", "add", "manual_seed", "Tensor", "float32", "autograd"} <= set(scope) and "_FAMILY_OF" not in scope
assert scope["tensor"] is minigrad.tensor and callable(minigrad.tensor)
try:
    minigrad.no_such_name
except AttributeError as error:
    print(error)
"""
    assert printed(program) == "module 'minigrad' has no attribute 'no_such_name'\n"


def test_the_stub_tells_methods_from_functions() -> None:
    text = api_stub.stub()
    assert "    def sum(self, dim: Any = ..., keepdim: builtins.bool = ..., *, dtype: Any = ...) -> Tensor: ..." in text
    assert (
        "\ndef sum(input: Tensor, dim: Any = ..., keepdim: builtins.bool = ..., *, dtype: Any = ..., out: Any = ...)"
        in text
    )


def test_every_name_is_offered_by_one_family() -> None:
    """Else the one that happens to be imported last has it."""
    homes: dict[str, set[str]] = {}
    for path in sorted((api_stub.ROOT / "minigrad" / "ops").glob("[a-z]*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            for by in node.decorator_list if isinstance(node, ast.FunctionDef) else ():
                if isinstance(by, ast.Call) and isinstance(by.func, ast.Name) and by.func.id == "public":
                    for name in (node.name, *[alias.value for alias in by.args if isinstance(alias, ast.Constant)]):
                        homes.setdefault(str(name), set()).add(path.stem)
    assert len(homes) > 200
    assert {name: families for name, families in homes.items() if len(families) > 1} == {}
