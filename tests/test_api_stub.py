"""The stub that tells type checkers what `ops/` adds is the one that the operations give."""

import subprocess
import sys
from pathlib import Path

import api_stub


def test_the_stub_is_current() -> None:
    # In a process of its own: an operator that was used has become its operation's `call`, with other parameters.
    program = "import api_stub; print(api_stub.stub(), end='')"
    made = subprocess.run(
        [sys.executable, "-c", program], cwd=Path(__file__).parent, capture_output=True, text=True, check=True
    )
    assert api_stub.STUB.read_text() == made.stdout, "run: python tests/api_stub.py"


def test_the_stub_tells_methods_from_functions() -> None:
    text = api_stub.stub()
    assert "    def sum(self, dim: Any = ..., keepdim: builtins.bool = ..., *, dtype: Any = ...) -> Tensor: ..." in text
    assert (
        "\ndef sum(input: Tensor, dim: Any = ..., keepdim: builtins.bool = ..., *, dtype: Any = ..., out: Any = ...)"
        in text
    )
