"""The pages that teach how to test gradients: their snippets run, and print what the pages say they print."""

import ast
import contextlib
import io
import os
import re
import subprocess
import sys
from types import ModuleType

import pytest

pytest.importorskip("torch")
from pages import DOCS, assert_says, blocks

from minigrad.testing import record

PAGES = [DOCS / "testing-gradients.md", DOCS / "testing-gradients.zh-CN.md"]


def test_both_pages_hold_the_same_snippets():
    (english, chinese) = ([(ast.dump(ast.parse(code)), text) for code, text in blocks(page)] for page in PAGES)
    assert english == chinese


def test_the_snippets_run_and_print_what_the_pages_say(tmp_path, monkeypatch):
    module = ModuleType("snippets")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    for code, text in blocks(PAGES[0]):  # the other page has the same
        file = re.match(r"# (test_\w+\.py)\n", code)
        printed = pytest_prints(tmp_path / file[1], code, text) if file else prints(code, vars(module))
        if text or not file:
            assert_says(printed, text)


def prints(code, namespace):
    """What a snippet writes, and the error that it ends with."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), record.paused():  # most of these are wrong on purpose
        try:
            exec(compile(code, "snippet", "exec"), namespace)
        except AssertionError as error:
            print(f"AssertionError: {error}")
    return out.getvalue()


def pytest_prints(file, code, text):
    """What pytest prints of a file; it fails if that is what the page shows, and only then."""
    file.write_text(code, encoding="utf-8")
    plugins = ["-p", "minigrad.testing.plugin", "-p", "no:cacheprovider", "-p", "no:xdist"]
    command = [sys.executable, "-m", "pytest", *plugins, "--gradient-profile=quick", "--gradient-seed=0", file.name]
    environment = {**os.environ, "PYTHONPATH": str(DOCS.parent), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    run = subprocess.run(command, cwd=file.parent, env=environment, capture_output=True, encoding="utf-8")
    assert run.returncode == (1 if text else 0), run.stdout + run.stderr
    return re.sub(r"^E +(?=AssertionError)|^E {10}", "", run.stdout, flags=re.M)
