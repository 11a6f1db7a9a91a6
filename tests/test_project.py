"""The project's own promises: what is installed, what imports what, what the READMEs say."""

import ast
import importlib.metadata
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatchcase
from importlib.util import resolve_name
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("minigrad", "linreg")

# From the bottom up: a module imports only from its own row and the rows above it in this table.
# A name's row is the first that matches it, so every new module needs one.
LAYERS = (
    "minigrad.messages",
    "minigrad.devices",
    "minigrad.dtypes",
    "minigrad.arithmetic",
    "minigrad.layout",
    "minigrad.grad_messages",
    "minigrad.flags",
    "minigrad.transforming",
    "minigrad.modes",
    "minigrad.engine",
    "minigrad.warning",
    "minigrad.memory",
    "minigrad.walk",
    "minigrad.printing",
    "minigrad.tensor",
    "minigrad.generator",
    "minigrad.ops*",
    "minigrad.trees",
    "minigrad.random*",
    "minigrad.autograd*",
    "minigrad",
    "minigrad.accelerator",
    "minigrad.version",
    "minigrad.backends*",
    "minigrad.amp",
    "minigrad.cuda*",
    "minigrad.special",
    "minigrad.linalg",
    "minigrad.lowrank",
    "minigrad.nn*",
    "minigrad.saving",
    "minigrad.func*",
    "minigrad.optim*",
    "minigrad.utils*",
    "minigrad.distributions*",
    "minigrad.testing*",
    "minigrad.show*",
    "minigrad.running*",
    "minigrad.comparing*",
    "minigrad.__main__",
    "linreg*",
)

# What programs on top of minigrad may import; everything else in it is free to change.
PUBLIC = {
    "minigrad",
    "minigrad.autograd",
    "minigrad.autograd.functional",
    "minigrad.testing",
    "minigrad.show",
    "minigrad.saving",
}


def sources(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sources(*PACKAGES)}


def imports(path: Path) -> Iterator[tuple[str, str]]:
    """Each import that runs, also inside functions, as (module, name taken from it or '')."""
    package = module_name(path if path.name == "__init__.py" else path.parent / "__init__.py")
    pending: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = resolve_name("." * node.level + (node.module or ""), package)
            for alias in node.names:
                submodule = f"{module}.{alias.name}"
                yield (submodule, "") if submodule in MODULES else (module, alias.name)
        elif isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            pending.extend(node.orelse)
        else:
            pending.extend(ast.iter_child_nodes(node))


def row(module: str) -> int:
    matching = [i for i, pattern in enumerate(LAYERS) if fnmatchcase(module, pattern)]
    assert matching, f"{module} has no row in LAYERS"
    return matching[0]


def run(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


def commands(readme: str) -> list[str]:
    lines = (ROOT / readme).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.startswith("python3 -m venv")]


def test_both_readmes_give_the_same_two_commands() -> None:
    assert commands("README.md") == [
        "python3 -m venv .venv && .venv/bin/pip install . && .venv/bin/linreg",
        'python3 -m venv .venv && .venv/bin/pip install ".[test]" && .venv/bin/pytest',
    ]
    assert commands("README.zh-CN.md") == commands("README.md")


def test_the_version_is_the_same_everywhere() -> None:
    import minigrad

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert minigrad.__version__ == project["version"]


def test_the_checkout_is_what_is_tested() -> None:
    import minigrad

    assert Path(minigrad.__file__) == ROOT / "minigrad" / "__init__.py"
    in_a_program = run("-c", "import minigrad; print(minigrad.__file__)")
    assert in_a_program.stdout.strip() == minigrad.__file__, in_a_program.stderr


def test_the_installed_copy_is_complete() -> None:
    try:
        installed = importlib.metadata.files("minigrad-linreg") or []
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("the checkout is not installed")
    shipped = {str(f) for f in installed if f.parts[0] in PACKAGES and f.suffix != ".pyc"}
    if not shipped:
        pytest.skip("the checkout is installed editable")
    files = (file for package in PACKAGES for file in (ROOT / package).rglob("*"))
    here = {file.relative_to(ROOT).as_posix() for file in files if file.is_file() and "__pycache__" not in file.parts}
    assert shipped == here, "the installed copy differs from the checkout: pip install . again"
    assert {"minigrad/py.typed", "linreg/py.typed"} <= shipped


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_are_typed(package: str) -> None:
    assert (ROOT / package / "py.typed").is_file()


@pytest.mark.parametrize("package", PACKAGES)
def test_importing_needs_numpy_and_the_standard_library_only(package: str) -> None:
    """Also where more is installed: importing `linreg` must not load torch, say."""
    new_modules = (
        "import sys; before = set(sys.modules)\n"
        f"import {package}\n"
        "print(*{name.partition('.')[0] for name in set(sys.modules) - before})"
    )
    ran = run("-W", "error", "-c", new_modules)
    assert ran.returncode == 0, ran.stderr
    found = set(ran.stdout.split())
    assert package in found
    assert found <= {"numpy", *PACKAGES} | sys.stdlib_module_names


def test_no_file_is_over_500_lines() -> None:
    lengths = {
        path.relative_to(ROOT).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for path in sources(*PACKAGES, "tests", "examples", "benchmarks")
    }
    assert {path: length for path, length in lengths.items() if length > 500} == {}


@pytest.mark.parametrize("module", MODULES)
def test_imports_run_downward(module: str) -> None:
    own_row = row(module)
    ours = {name for name, _ in imports(MODULES[module]) if name.partition(".")[0] in PACKAGES}
    assert {name for name in ours if row(name) > own_row} == set()


def test_programs_use_public_names_only() -> None:
    taken = {
        (path.relative_to(ROOT).as_posix(), module, name)
        for path in sources("linreg", "examples")
        for module, name in imports(path)
        if module.partition(".")[0] == "minigrad"
    }
    assert {
        use for use in taken if use[1] not in PUBLIC or (use[2].startswith("_") and use[2] != "__version__")
    } == set()


def run_tests(bodies: list[str], folder: Path, workers: str = "0", required: str = "MINIGRAD_REQUIRE_TORCH") -> str:
    """What pytest prints for test files with this project's settings, where torch is missing."""
    (folder / "conftest.py").write_text((ROOT / "tests" / "conftest.py").read_text())
    (folder / "torch.py").write_text("raise ModuleNotFoundError('no torch on this machine')")
    for i, body in enumerate(bodies):
        (folder / f"test_{i}.py").write_text(f"import pytest\n{body}\n")
    options = ("-c", ROOT / "pyproject.toml", "--rootdir", folder, "-p", "no:cacheprovider")
    where = ("--continue-on-collection-errors", "-o", f"pythonpath={folder}", "-n", workers, folder)
    switches = dict.fromkeys((f"MINIGRAD_REQUIRE_{what}" for what in ("TORCH", "BROWSER", "EXTRAS")), "0")
    return run("-m", "pytest", *options, *where, **switches | ({required: "1"} if required else {})).stdout


NEEDS_TORCH = [
    "torch = pytest.importorskip('torch')\ndef test_it(): ...",  # a whole file
    "def test_it(): pytest.importorskip('torch')",
    "@pytest.mark.skipif(True, reason='needs Torch')\ndef test_it(): ...",
    "@pytest.mark.gpu\ndef test_it(): ...",
]
NEEDS_BROWSER = [
    "pytest.importorskip('playwright_that_is_missing', reason='needs playwright')\ndef test_it(): ...",
    "@pytest.mark.skipif(True, reason='needs chromium')\ndef test_it(): ...",
]

NEEDS_EXTRA = "pytest.importorskip('an_extra_that_is_missing')\ndef test_it(): ..."
FORBIDDEN = {
    "": 0,
    "MINIGRAD_REQUIRE_TORCH": 4,
    "MINIGRAD_REQUIRE_BROWSER": 2,
    "MINIGRAD_REQUIRE_EXTRAS": 4,  # three of them import torch
}


@pytest.mark.parametrize(
    ("required", "workers"), [*((required, "0") for required in FORBIDDEN), ("MINIGRAD_REQUIRE_TORCH", "1")]
)
def test_a_skip_for_want_of_what_is_required_fails(required: str, workers: str, tmp_path: Path) -> None:
    forbidden = FORBIDDEN[required]
    said = run_tests([*NEEDS_TORCH, *NEEDS_BROWSER, NEEDS_EXTRA], tmp_path, workers, required)
    assert f"{7 - forbidden} skipped" in said
    assert len(re.findall(r"^(?:FAILED|ERROR) .*test_\d\.py", said, re.MULTILINE)) == forbidden
    assert said.count(f"{required} forbids this skip") >= forbidden


def test_other_outcomes_stay_what_they_are(tmp_path: Path) -> None:
    bodies = ["pytest.skip('no CUDA device')", "pytest.xfail('torch differs')"]
    assert "= 1 skipped, 1 xfailed in " in run_tests([f"def test_it(): {body}" for body in bodies], tmp_path)


@pytest.mark.parametrize(("chosen", "hidden"), [("not slow", True), ("not gpu", True), ("gpu", False)])
def test_gpus_are_hidden_unless_they_are_asked_for(
    monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config, chosen: str, hidden: bool
) -> None:
    path = str(ROOT / "tests" / "conftest.py")
    conftest = next(p for p in pytestconfig.pluginmanager.get_plugins() if getattr(p, "__file__", None) == path)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    conftest.pytest_configure(SimpleNamespace(option=SimpleNamespace(markexpr=chosen)))
    assert os.environ["CUDA_VISIBLE_DEVICES"] == ("" if hidden else "0")
