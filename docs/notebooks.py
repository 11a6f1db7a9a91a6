"""Makes the pictures and notebooks of the pages that teach backpropagation: `python docs/notebooks.py`.

A page is what is written by hand. Its snippets run in one module, one after the other; a picture that stands under a
snippet is what the snippet's last line gives. The notebook has the page's text and snippets as cells, with what the
page shows under them as their outputs. Run it in the checkout; it needs nbformat (the extra `test`).
"""

import ast
import linecache
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

DOCS = Path(__file__).resolve().parent
PAGES = [DOCS / "backpropagation.md", DOCS / "backpropagation.zh-CN.md"]
SNIPPET = re.compile(
    r"^```python\n(?P<code>.*?)^```\n(?:\n```text\n(?P<text>.*?)^```\n)?(?:\n!\[[^\]]*\]\((?P<picture>[^)]+\.svg)\)\n)?",
    re.M | re.S,
)


@dataclass(frozen=True)
class Snippet:
    """Code of a page, what it prints, and the picture that its last line gives; empty where there is none."""

    code: str
    text: str
    picture: str


def parts(page: Path) -> Iterator[str | Snippet]:
    """A page's Markdown and its snippets, in their order."""
    whole, end = page.read_text(encoding="utf-8"), 0
    for found in SNIPPET.finditer(whole):
        yield whole[end : found.start()].strip()
        yield Snippet(found["code"], found["text"] or "", found["picture"] or "")
        end = found.end()
    yield whole[end:].strip()


def run(code: str, namespace: dict[str, Any], number: int) -> Any:
    """Run a snippet, so that its lines can be quoted later; the value of its last line, if that is an expression."""
    file = f"snippet{number}.py"
    linecache.cache[file] = (len(code), None, code.splitlines(keepends=True), file)
    tree = ast.parse(code, file)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, file, "exec"), namespace)
    return eval(compile(ast.Expression(last.value), file, "eval"), namespace) if isinstance(last, ast.Expr) else None


def notebook(page: Path) -> str:
    """The notebook of a page, as text. It shows the pictures as they are on the disk."""
    cells = []
    for part in parts(page):
        if isinstance(part, Snippet):
            outputs = [new_output("stream", text=part.text)] if part.text else []
            if part.picture:
                svg = (DOCS / part.picture).read_text(encoding="utf-8")
                outputs.append(new_output("display_data", {"image/svg+xml": svg}))
            cells.append(new_code_cell(part.code.rstrip("\n"), outputs=outputs))
        elif part:
            cells.append(new_markdown_cell(part))
    for number, cell in enumerate(cells):
        cell.id = f"cell-{number}"  # a new notebook's are drawn by chance
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    made = new_notebook(cells=cells, metadata={"kernelspec": kernel, "language_info": {"name": "python"}})
    nbformat.validate(made)
    return nbformat.writes(made) + "\n"


def main() -> None:
    """Write the pictures and the notebooks of all pages."""
    sys.path.insert(0, str(DOCS.parent))
    for page in PAGES:
        namespace: dict[str, Any] = {"__name__": "snippets"}
        snippets = [part for part in parts(page) if isinstance(part, Snippet)]
        for number, snippet in enumerate(snippets, start=1):
            value = run(snippet.code, namespace, number)
            if snippet.picture:
                value.save(DOCS / snippet.picture)
        page.with_suffix(".ipynb").write_text(notebook(page), encoding="utf-8")


if __name__ == "__main__":
    main()
