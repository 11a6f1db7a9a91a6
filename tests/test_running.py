"""`python -m minigrad script.py`: a script written for torch runs unchanged, and what is missing is named in one line."""

import subprocess
import sys
from types import ModuleType

import pytest

import minigrad
import minigrad.autograd.functional
from minigrad.running import as_torch
from minigrad.running.scripts import explained


def run(tmp_path, source, *arguments, name="script.py"):
    script = tmp_path / name
    script.write_text(source, encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-m", "minigrad", str(script), *arguments], capture_output=True, text=True, timeout=60
    )


def test_imports_of_torch_give_minigrad_and_torch_comes_back(monkeypatch):
    stood_before = ModuleType("torch")  # as torch itself would, where it is installed and was imported
    monkeypatch.setitem(sys.modules, "torch", stood_before)
    before = {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "torch"}
    spec = minigrad.autograd.functional.__spec__
    with as_torch() as standing:
        import torch
        import torch.autograd.functional as functional
        from torch.autograd import Function

        assert torch is standing is minigrad
        assert functional is minigrad.autograd.functional
        assert Function is minigrad.autograd.Function
        with pytest.raises(ModuleNotFoundError, match=r"No module named 'torch\.fx'"):
            import torch.fx
    assert {n: m for n, m in sys.modules.items() if n.partition(".")[0] == "torch"} == before
    assert minigrad.autograd.functional.__spec__ is spec
    assert spec.name == "minigrad.autograd.functional"


def test_a_script_runs_as_python_runs_it(tmp_path):
    (tmp_path / "neighbour.py").write_text("import torch\nw = torch.ones(2, requires_grad=True)\n")
    source = """
import os, sys
import torch
from neighbour import w
from torch import autograd
(w * 3).sum().backward()
print(__name__, os.path.basename(__file__), sys.argv[1:], sys.path[0] == os.path.dirname(__file__))
print(w.grad, autograd.grad((w * w).sum(), w))
if sys.modules["__main__"].w is w:
    sys.exit(3)
"""
    ran = run(tmp_path, source, "--epochs", "2")
    assert ran.stderr == ""
    assert ran.stdout.splitlines() == [
        "__main__ script.py ['--epochs', '2'] True",
        "tensor([3., 3.]) (tensor([2., 2.]),)",
    ]
    assert ran.returncode == 3


MISSING = {
    "import torch\n\ntorch.tanhh(1)": ("3: torch.tanhh", "torch.tanh"),
    "import torch\nx = torch.ones(2)\nx.reshap(1)": ("3: torch.Tensor.reshap", "torch.Tensor.reshape"),
    "from torch import tensr": ("1: torch.tensr", "torch.tensor"),
    "import torch\ndef f():\n    import torch.autogrd\nf()": ("3: torch.autogrd", "torch.autograd"),
    "import torch.autograd as A\nA.functinal": ("2: torch.autograd.functinal", "torch.autograd.functional"),
    "from torch import nn\nnn.Liner(2, 1)": ("2: torch.nn.Liner", "torch.nn.Linear"),
    "from torch import nn\nnn.Linear(2, 1).wieght": ("2: torch.nn.Linear.wieght", "torch.nn.Linear.weight"),
    "from torch import nn\nnn.Sequential(nn.ReLU()).forwards": (
        "2: torch.nn.Sequential.forwards",
        "torch.nn.Sequential.forward",
    ),
}


@pytest.mark.parametrize("source", MISSING)
def test_a_missing_name_is_told_in_one_line_with_the_nearest(source, tmp_path):
    missing, nearest = MISSING[source]
    ran = run(tmp_path, source)
    assert ran.stderr == f"{tmp_path}/script.py:{missing} is not in minigrad; the nearest name there is {nearest}\n"
    assert ran.returncode == 1


@pytest.mark.parametrize("name", ["torch._qqqqq", "torch.distributions.Qqqqq"])
def test_a_name_near_none_is_told_too(name, tmp_path):
    assert run(tmp_path, f"import torch\n{name}").stderr.endswith(
        f"{name} is not in minigrad; no name there is near it\n"
    )


@pytest.mark.parametrize(("owner", "name"), [("", "jit"), ("", "fft"), (".func", "functionalize")])
def test_what_is_left_out_on_purpose_says_why(owner, name):
    with as_torch(), pytest.raises(ImportError) as caught:
        exec(f"from torch{owner} import {name}")
    told = explained(caught.value, "script.py")
    assert told.endswith(f": torch{owner}.{name} is left out of minigrad on purpose: {told.rpartition(': ')[2]}")
    with pytest.raises(AttributeError, match="Left out on purpose: "):
        eval(f"minigrad{owner}.{name}", {"minigrad": minigrad})


@pytest.mark.parametrize("command", [[], ["compare"]])
def test_a_call_without_a_script_misses_nothing_else(command):
    ran = subprocess.run([sys.executable, "-m", "minigrad", *command], capture_output=True, text=True)
    assert ran.stderr.endswith("error: the following arguments are required: script\n")
    assert ran.returncode == 2


def test_other_errors_keep_their_traceback_which_begins_in_the_script(tmp_path):
    ran = run(tmp_path, "import torch\nclass A: pass\ndef f():\n    return A().weight\nf()\n")
    lines = ran.stderr.splitlines()
    assert lines[:2] == ["Traceback (most recent call last):", f'  File "{tmp_path}/script.py", line 5, in <module>']
    assert lines[-1] == "AttributeError: 'A' object has no attribute 'weight'"
    assert ran.returncode == 1
    broken = run(tmp_path, "import torch\nx = (1,\n")
    assert broken.stderr.splitlines()[-1] == "SyntaxError: '(' was never closed"
    assert "minigrad" not in broken.stderr.replace(str(tmp_path), "")


def test_a_file_that_cannot_be_read_is_one_line(tmp_path):
    ran = subprocess.run([sys.executable, "-m", "minigrad", str(tmp_path / "no.py")], capture_output=True, text=True)
    assert ran.stderr == f"minigrad: {tmp_path}/no.py: No such file or directory\n"
    assert ran.returncode == 2
