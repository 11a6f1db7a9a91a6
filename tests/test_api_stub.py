"""The stub that tells type checkers what `ops/` adds is the one that the operations give."""

import api_stub


def test_the_stub_is_current() -> None:
    assert api_stub.STUB.read_text() == api_stub.stub(), "run: python tests/api_stub.py"


def test_the_stub_tells_methods_from_functions() -> None:
    text = api_stub.stub()
    assert "    def sum(self, dim: Any = ..., keepdim: builtins.bool = ..., *, dtype: Any = ...) -> Tensor: ..." in text
    assert (
        "\ndef sum(input: Tensor, dim: Any = ..., keepdim: builtins.bool = ..., *, dtype: Any = ...) -> Tensor" in text
    )
