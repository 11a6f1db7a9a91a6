"""docs/regression.md and its Chinese twin: every command runs, and what the pages show is what it prints."""

import math
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

for package in ("torch", "rich", "safetensors", "pyarrow", "matplotlib"):
    pytest.importorskip(package)

from pages import runs_alone, written

from linreg.__main__ import main

ROOT = Path(__file__).parents[1]
PAGES = ["regression.md", "regression.zh-CN.md"]
SHOWN = re.compile(r"^```(sh|python)\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", re.M | re.S)
NUMBER = re.compile(r"-?\d+(?:,\d{3})+|-?\d+(?:\.\d*)?(?:e[-+]?\d+)?")
COMMANDS = 'linreg() { "$PYTHON" -m linreg "$@"; }; torchrun() { "$PYTHON" -m torch.distributed.run "$@"; }\n'


def run(kind, code, folder):
    """What a block prints. The command alone in its line is run in this process, which has loaded what it needs."""
    if kind == "python":
        return written(runs_alone, code)
    return "".join(of_line(line, folder) for line in code.replace("\\\n", "").splitlines())


def of_line(line, folder):
    command, *words = shlex.split(line, comments=True)
    if command == "linreg" and not set("|<>;&").intersection(line):
        return written(main, words)
    ran = subprocess.run(
        ["bash", "-c", COMMANDS + line],
        cwd=folder,
        env=os.environ | {"PYTHON": sys.executable, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        timeout=120,
    )
    return ran.stdout


def alike(line, printed):
    """The same words, and the same numbers but for what rounding may do to them, which is not everywhere the same."""
    if NUMBER.sub("#", line).split() != NUMBER.sub("#", printed).split():
        return False
    numbers = ([float(text.replace(",", "")) for text in NUMBER.findall(part)] for part in (line, printed))
    return all(math.isclose(*pair, rel_tol=1e-3, abs_tol=1e-4) for pair in zip(*numbers, strict=True))


def blocks(page):
    return SHOWN.findall((ROOT / "docs" / page).read_text(encoding="utf-8"))


def test_the_pages_have_the_same_commands():
    first, second = ([(kind, re.sub(r" *#.*", "", code)) for kind, code, _ in blocks(page)] for page in PAGES)
    assert first == second
    assert len(first) > 15


def test_what_the_pages_show_is_printed(tmp_path, monkeypatch):
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    of_pages = [blocks(page) for page in PAGES]
    for (kind, code, text), (_, _, other_text) in zip(*of_pages, strict=True):
        printed = run(kind, code, tmp_path)
        assert "Traceback" not in printed
        for shown in (text, other_text):
            lines = iter(printed.splitlines())
            for line in shown.splitlines():
                assert any(alike(line, candidate) for candidate in lines), (
                    f"{code}\nshows {line!r}, but prints\n{printed}"
                )
    for made in ("run/run.json", "masses.csv", "penguins.svg", "penguins.html"):
        assert (tmp_path / made).stat().st_size


def test_lines_are_told_apart():
    assert alike("x  1.001  a", "x 1.0011 a")
    assert not alike("x 1.1 a", "x 1.0 a")
    assert not alike("x 1.0 a", "y 1.0 a")
    assert not alike("1,234 rows", "1,235.9 rows")
