"""The pages that teach backpropagation, and the README's picture: what they show is what their snippets give."""

import ast
import contextlib
import importlib.util
import io
import json
import re
import sys
from xml.etree import ElementTree

import pytest

pytest.importorskip("rich")
pytest.importorskip("nbformat")
import nbformat
from pages import DOCS, ROOT, assert_prints, blocks

from linreg.__main__ import main as linreg
from minigrad import show

SPECIFICATION = importlib.util.spec_from_file_location("notebooks", DOCS / "notebooks.py")
notebooks = importlib.util.module_from_spec(SPECIFICATION)
sys.modules[SPECIFICATION.name] = notebooks  # where its dataclass looks for itself
SPECIFICATION.loader.exec_module(notebooks)

ENGLISH, CHINESE = notebooks.PAGES
pages = pytest.mark.parametrize("page", notebooks.PAGES, ids=["en", "zh"])
READMES = {ROOT / "README.md": ENGLISH, ROOT / "README.zh-CN.md": CHINESE}
REPAIR = "python docs/notebooks.py makes the pictures and notebooks again"


def snippets(page):
    return [part for part in notebooks.parts(page) if isinstance(part, notebooks.Snippet)]


def run(codes):
    """What each snippet prints, what its last line gives, and the names that there are in the end."""
    namespace, found = {"__name__": "snippets"}, []
    for number, code in enumerate(codes, start=1):
        with contextlib.redirect_stdout(io.StringIO()) as out:
            value = notebooks.run(code, namespace, number)
        found.append((out.getvalue(), value))
    return found, namespace


@pages
def test_the_snippets_give_what_the_page_shows(page):
    parts = snippets(page)
    found, _ = run([part.code for part in parts])
    for part, (printed, value) in zip(parts, found, strict=True):
        assert_prints(printed, part.text)
        if part.picture:
            assert (DOCS / part.picture).read_text(encoding="utf-8") == value.svg(), f"{part.picture}: {REPAIR}"


@pages
def test_every_snippet_is_found_with_its_output(page):
    assert blocks(page) == [(part.code, part.text) for part in snippets(page)]
    text = page.read_text(encoding="utf-8")
    assert re.findall(r"\((images/.*?)\)", text) == [part.picture for part in snippets(page) if part.picture]
    for part in snippets(page):  # as Python's prompt takes it: there an empty line ends a block
        assert not re.search(r"^ .*\n(?=\w)", part.code, re.M), part.code


def test_both_pages_hold_the_same_snippets_but_for_the_language():
    english, chinese = ([part.code for part in snippets(page)] for page in notebooks.PAGES)
    assert english == [code.replace(', lang="zh"', "") for code in chinese]
    assert any('lang="zh"' in code for code in chinese)
    code = "\n".join(english)
    for name in ("explain", "page", "graph", "source", "why", "lint", "steps"):
        assert f"show.{name}(" in code
    assert "torch.compile(" in code


@pages
def test_the_notebook_is_the_page(page):
    file = page.with_suffix(".ipynb")
    assert file.read_text(encoding="utf-8") == notebooks.notebook(page), REPAIR


def test_the_notebooks_cells_run_and_show_pictures_and_pages_inline():
    read = nbformat.read(ENGLISH.with_suffix(".ipynb"), as_version=4)
    nbformat.validate(read)
    cells = [cell for cell in read.cells if cell.cell_type == "code"]
    found, _ = run([cell.source for cell in cells])
    for cell, (printed, value) in zip(cells, found, strict=True):
        assert_prints(printed, "".join(out.text for out in cell.outputs if out.output_type == "stream"))
        drawn = [out.data["image/svg+xml"] for out in cell.outputs if out.output_type == "display_data"]
        assert drawn == ([value._repr_svg_()] if isinstance(value, show.Graph) else [])
    (html,) = [value._repr_html_() for _, value in found if hasattr(value, "_repr_html_")]
    assert html.startswith("<iframe ")


@pages
def test_the_first_step_is_the_one_that_the_command_explains(page, capsys):
    codes = [part.code for part in snippets(page)]
    _, names = run([codes[0], next(code for code in codes if "synthetic_data" in code)])
    assert linreg(["--explain", "--json", "--seed", "0"]) == 0
    told = leaf_gradients(json.loads(capsys.readouterr().out))
    assert leaf_gradients(show.steps(names["loss"]).to_dict()) == told
    names["loss"].backward()
    assert told == {"w": names["w"].grad.tolist(), "b": names["b"].grad.tolist()}


def leaf_gradients(shown):
    """What the leaves' `.grad` is after a pass, by their names."""
    names = {node["id"]: node["name"] for node in shown["nodes"]}
    return {names[l["node"]]: l["after"]["data"] for l in shown["ledgers"].values() if l["after"]}


@pytest.mark.parametrize("readme", READMES, ids=["en", "zh"])
def test_the_readme_begins_with_the_first_step(readme):
    text = readme.read_text(encoding="utf-8")
    picture, *_ = re.findall(r'<img src="docs/(images/.*?)"', text)
    assert text.index(picture) < text.index("\n## ")
    assert picture in [part.picture for part in snippets(READMES[readme])]
    ElementTree.parse(DOCS / picture)
    assert f"docs/{READMES[readme].name}" in text


def test_the_readmes_snippets_look_inside():
    """The section's snippet runs, and prints what stands beside it."""
    english, chinese = ([b for b in blocks(readme) if "show.source(" in b[0]] for readme in READMES)
    assert [ast.dump(ast.parse(code)) for code, _ in english] == [ast.dump(ast.parse(code)) for code, _ in chinese]
    for (code, text), _ in zip(english, chinese, strict=True):
        ((printed, _),), _ = run([code])
        assert_prints(printed, text)
