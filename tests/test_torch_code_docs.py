"""docs/torch-code.md and its Chinese twin: what the pages show is what their commands and snippets print."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("rich")
pytest.importorskip("safetensors")
from pages import runs_alone, written
from side_by_side import compared_here, run_here

from minigrad import comparing
from minigrad.__main__ import main

ROOT = Path(__file__).parents[1]
PAGES = ["torch-code.md", "torch-code.zh-CN.md"]
SHOWN = re.compile(r"^```(sh|python)\n(.*?)^```\n\n```text\n(.*?)^```\n", re.M | re.S)


def run(kind, code):
    if kind == "python":
        return written(runs_alone, code)
    if code.startswith("python -m minigrad compare "):
        return written(main, code.split()[3:])
    ran = subprocess.run(
        code.replace("python -m", f"{sys.executable} -m"),
        shell=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        timeout=120,
    )
    return ran.stdout


def cells(line):
    """What stands in a row of a table; the differences are rounding, which is not everywhere the same."""
    return [re.sub(r"\d\S*e-\d+", "#", cell.strip()) for cell in line.split("│") if cell.strip()]


def test_what_the_pages_show_is_printed(tmp_path, monkeypatch):
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(comparing, "_run", run_here)
    ran = {}  # both pages show the same commands
    for page in PAGES:
        found = SHOWN.findall((ROOT / "docs" / page).read_text(encoding="utf-8"))
        assert [kind for kind, _, _ in found] == ["sh", "sh", "sh", *["python"] * 5]
        for kind, code, text in found:
            printed = ran[code] = ran.get(code) or run(kind, code)
            if "compare" not in code:
                assert printed == text
                continue
            rows = [cells(line) for line in printed.splitlines()]
            for line in text.splitlines():
                wanted = cells(line)
                assert any(row[: len(wanted)] == wanted for row in rows), line
    assert len(ran) <= 9, "the pages show different commands"


def test_both_pages_name_the_options_that_there_are():
    said = subprocess.run(
        [sys.executable, "-m", "minigrad", "compare", "--help"], capture_output=True, text=True, timeout=60
    ).stdout
    options = set(re.findall(r"--\w+", said)) - {"--help"}
    for page in PAGES:
        text = (ROOT / "docs" / page).read_text(encoding="utf-8")
        assert set(re.findall(r"^\| `(--\w+)", text, re.M)) == options


def test_the_readmes_program_prints_what_it_prints_on_torch(tmp_path):
    programs = set()
    for readme in ("README.md", "README.zh-CN.md"):
        shown = re.findall(r"^```python\n(.*?)^```$", (ROOT / readme).read_text(encoding="utf-8"), re.M | re.S)
        (program,) = [code for code in shown if "nn.Linear(2, 1)" in code]
        programs.add(re.sub(r" *#.*", "", program))
    assert len(programs) == 1, "the two READMEs show different programs"
    (tmp_path / "program.py").write_text(programs.pop().replace("minigrad", "torch"))
    found = compared_here(tmp_path / "program.py")
    assert found.parting is None
    assert len(found.steps) == 31
