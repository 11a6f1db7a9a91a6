"""The examples: each runs alone and shows what it claims, and prints on torch what it prints on minigrad."""

import contextlib
import io
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPTS = sorted((ROOT / "examples").glob("[0-9]*.py"))

# What each script is there to show, as lines (or parts of lines) that it prints, in this order.
SHOWS = {
    "01_chain_rule": [
        "prediction 7, error -3, loss 4.5\n",
        "b                           -3            -3\n",
        "w                           -9            -9\n",
    ],
    "02_accumulate_and_zero": [
        "x.grad = 9",
        "x.grad = 18",
        "x.grad = 9",
        "zeroed: 1.20 1.92 2.35 2.61 2.77 2.86 2.92 2.95 2.97 2.98 2.99 2.99",
        "forgotten: 1.20 3.12 4.99 6.07 5.92 4.60 2.64 0.83 -0.12 0.19 1.61 3.60",
    ],
    "03_topological_order": [
        "PowBackward0 passes on 1\n",
        "gradient of x: 10\n",
        "PowBackward0 passes on 4\n",
        "gradient of x: 40\n",
        "loss.backward():\n  gradient of x: 40\n",
    ],
    "04_linear_regression": [
        "epoch 3, loss 0.0000",
        "w: 2.00 -3.40, b: 4.20; true w: 2.00 -3.40, true b: 4.20\n",
    ],
    "05_second_derivatives": [
        "first derivative of x**3 at 3: 27\n",
        "second derivative of x**3 at 3: 18\n",
        "third derivative of x**3 at 3: 6\n",
        "is X.T @ X / 50: True\n",
        "after one step: 0.000000\n",
        "params: tensor([ 2.0000, -3.4000,  4.2000], dtype=torch.float64)\n",
    ],
    "06_your_own_operation": [
        "built-in operations: tensor([0.2689, 0.5000,    nan])\n",
        "Softplus: tensor([0.2689, 0.5000, 1.0000])\n",
        "gradcheck of Softplus: True\n",
        "gradgradcheck of Softplus: True\n",
        "gradcheck of WrongSoftplus: Jacobian mismatch for output 0 with respect to input 0\n",
    ],
    "07_in_place_changes": [
        "version of y: 0, after y += 1: 1\n",
        "RuntimeError: one of the variables needed for gradient computation has been modified by an inplace operation",
        "    x.exp()\n",
        "    y += 1\n",
        "y *= 10: tensor([10., 10., 10.])\n",
        "RuntimeError: a leaf Variable that requires grad is being used in an in-place operation.\n",
        "updated under no_grad: tensor([0., 1., 2.], requires_grad=True)\n",
        "[ 0.,  5., 10.]",
        "from the table to x: tensor([5., 5., 5.])\n",
        "versions of row and table: 1, 1\n",
    ],
    "08_written_for_torch": [
        "  (4): Linear(in_features=32, out_features=2, bias=True)\n",
        "epoch 10, loss 0.642, right 51.2%\n",
        "epoch 30, loss 0.305, right 88.3%\n",
    ],
}


FOR_TORCH = "08_written_for_torch"  # which runs as the index says: python -m minigrad


def printed(script: Path) -> str:
    """What a reader sees who runs the script; a warning counts as a failure."""
    by = ["-m", "minigrad"] if script.stem == FOR_TORCH else []
    command = [sys.executable, "-X", "utf8", "-W", "error", *by, script.relative_to(ROOT)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", timeout=120)
    assert (ran.returncode, ran.stderr) == (0, "")
    return ran.stdout


def printed_on_torch(script: Path) -> str:
    """What the script prints after the one change that turns it into a program for torch."""
    source = script.read_text(encoding="utf-8")
    assert source.count("minigrad as torch\n") == (script.stem != FOR_TORCH)
    program = compile(source.replace("import minigrad as torch\n", "import torch\n"), str(script), "exec")
    with contextlib.redirect_stdout(io.StringIO()) as out:
        exec(program, {"__name__": "__main__"})
    return out.getvalue()


def common(text: str) -> str:
    """`text` without what only one side says in an error: minigrad's details below, torch's names and hint in it."""
    text = re.sub(r"^(RuntimeError: .*)(\n  .*)*", r"\1", text, flags=re.MULTILINE)
    text = re.sub(r"(inplace operation: ).*( is at version .* instead\.).*", r"\1it\2", text)
    return text


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_it_runs_alone_and_shows_what_it_claims(script: Path) -> None:
    text = printed(script)
    end = 0
    for claim in SHOWS[script.stem]:
        assert claim in text[end:]
        end = text.index(claim, end) + len(claim)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_it_prints_the_same_on_torch(script: Path) -> None:
    pytest.importorskip("torch")
    assert common(printed(script)) == common(printed_on_torch(script))


@pytest.mark.parametrize("readme", ["README.md", "README.zh-CN.md"])
def test_the_index_lists_them_all_in_order(readme: str) -> None:
    text = (ROOT / "examples" / readme).read_text(encoding="utf-8")
    assert re.findall(r"^\| \[(.+)\]\(\1\) \|", text, re.MULTILINE) == [script.name for script in SCRIPTS]
    assert {script.stem for script in SCRIPTS} == set(SHOWS)
