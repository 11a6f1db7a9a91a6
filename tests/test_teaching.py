"""Teaching code, written for torch, on minigrad: what share of the cells runs, and prints the same (see teaching.py)."""

import sys

import pytest

torch = pytest.importorskip("torch")
import teaching
from teaching import Cell, cells, report, run, share

# In percent of the cells: at least so many run, and print the same text.
RUN, SAME = 64, 60


def test_cells_run_and_print_the_same():
    results = [run(cell) for cell in cells()]
    assert len(results) >= 100
    print(report(results))
    assert share(results, "run") >= RUN, report(results)
    assert share(results, "same") >= SAME, report(results)


def test_cells_are_programs_of_their_own():
    """Each imports what it uses, and is found: no text of a file lies outside of its cells."""
    for path in teaching.FOLDER.glob("*.py"):
        found = [cell for cell in cells() if cell.file == path.stem]
        text = "".join(f"# %% {cell.title}\n{cell.text}" for cell in found)
        assert text == path.read_text(encoding="utf-8")
    for cell in cells():
        assert "torch" in cell.text or "numpy" in cell.text, cell
    titles = [cell.title for cell in cells()]
    assert len(titles) == len(set(titles))


def of(text: str) -> teaching.Result:
    return run(Cell("none", "none", text, 0))


def test_what_a_notebook_shows_is_compared():
    result = of("import torch\nfrom torch import autograd as a\nx = torch.ones(2)\nprint(a.__name__)\nx, x.shape\n")
    assert result.theirs == "torch.autograd\n(tensor([1., 1.]), torch.Size([2]))\n"
    assert result.ours == "minigrad.autograd\n(tensor([1., 1.]), torch.Size([2]))\n"
    assert not result.same
    assert result.why == "'minigrad.autograd' here, 'torch.autograd' in torch"


def test_an_exception_is_told_with_its_line():
    cell = Cell("none", "none", "import torch\nif torch.__name__ != 'torch':\n    1 / 0\n", 10)
    result = run(cell)
    assert result.error is not None
    assert result.why == "ZeroDivisionError: division by zero, line 13"
    assert share([result, of("import torch\n1\n")], "run") == 50


def test_torch_is_there_again_afterwards():
    before = {name: module for name, module in sys.modules.items() if name.startswith("torch")}
    of("import torch.nn.functional as F\nfrom torch.autograd import functional\n")
    after = {name: module for name, module in sys.modules.items() if name.startswith("torch")}
    assert before == after
