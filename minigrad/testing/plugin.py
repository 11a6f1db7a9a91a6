"""The pytest plugin of minigrad.testing: profiles, seeds, mutants, and a report of what was covered.

It is loaded in every run of pytest where it is installed, so whatever it needs of minigrad is imported at first use.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import pytest

INTERNAL = True

_DEFAULT = ("ci", 0)
# What the processes of pytest-xdist tell each other.
_SEED_KEY = "minigrad.testing.seed"
_RECORD_KEY = "minigrad.testing.record"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the options that begin with --gradient."""
    group = parser.getgroup("gradients", "tests of gradients (minigrad.testing)")
    group.addoption(
        "--gradient-profile",
        choices=("quick", "ci", "deep"),
        default=_DEFAULT[0],
        help="examples per property: quick 50, ci 200 (the default), deep 5000",
    )
    group.addoption(
        "--gradient-seed",
        type=int,
        metavar="N",
        help="draw the examples from this seed (default: 0 in the profile ci, otherwise a new one in every run)",
    )
    group.addoption(
        "--gradient-mutants",
        action="store_true",
        help="also run test_mutants: the same properties with the rules underneath broken one at a time",
    )
    group.addoption(
        "--gradient-report",
        metavar="FILE.html",
        help="write what was covered, operations by checks by dtypes, as one HTML page",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Settles the seed, which a worker of pytest-xdist is given, and uses the profile."""
    option = config.option
    if worker_input := getattr(config, "workerinput", None):
        option.gradient_seed = worker_input[_SEED_KEY]
    elif option.gradient_seed is None:
        new = int.from_bytes(os.urandom(4), "big")
        option.gradient_seed = _DEFAULT[1] if option.gradient_profile == _DEFAULT[0] else new
    if _chosen(config) != _DEFAULT or "minigrad.testing.profiles" in sys.modules:
        from minigrad.testing import profiles

        profiles.use(*_chosen(config))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Gives a pytest-xdist worker the seed of the run."""
    node.workerinput[_SEED_KEY] = node.config.option.gradient_seed


def pytest_report_header(config: pytest.Config) -> str | None:
    """Says how to repeat the run, where the options differ from the default or with -v."""
    if _chosen(config) == _DEFAULT and config.get_verbosity() < 1:
        return None
    return f"gradients: repeat with {_options(config)}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out the runs with broken rules unless they are asked for."""
    if config.option.gradient_mutants:
        return
    mutants = [item for item in items if _is_mutants_test(item)]
    if mutants:
        config.hook.pytest_deselected(items=mutants)
        items[:] = [item for item in items if not _is_mutants_test(item)]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Sends the record of a pytest-xdist worker to the process that reports."""
    if (output := getattr(session.config, "workeroutput", None)) is not None and _recorded():
        from minigrad.testing import record

        output[_RECORD_KEY] = record.as_json()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Adds the record of a pytest-xdist worker; one that crashed has none."""
    if text := getattr(node, "workeroutput", {}).get(_RECORD_KEY):
        from minigrad.testing import record

        record.merge(record.from_json(text))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Prints what was covered, in one line with -q and whole with -v, and writes the HTML page."""
    path = config.option.gradient_report
    recorded, broken = _recorded(), _broken_rules(terminalreporter)
    if recorded or broken:
        terminalreporter.write_sep("=", "gradients")
    if broken:
        terminalreporter.write_line(broken)
    if not recorded:
        if path:
            terminalreporter.write_line(f"gradients: {path} was not written, because no gradient was checked")
        return
    from minigrad.testing import report

    verbosity = config.get_verbosity()
    options = _options(config)
    terminalreporter.write_line(report.summary(recorded))
    terminalreporter.write_line(f"Repeat with {options}")
    if verbosity >= 0:
        rows = report.ROWS if verbosity == 0 else len(recorded)
        for line, failed in report.table(recorded, config.get_terminal_writer().fullwidth, rows):
            terminalreporter.write_line(line, red=failed)
    if path:
        file = config.invocation_params.dir / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(report.page(recorded, options), encoding="utf-8")
        terminalreporter.write_line(f"All of it: {file}")


def _chosen(config: pytest.Config) -> tuple[str, int]:
    return config.option.gradient_profile, config.option.gradient_seed


def _options(config: pytest.Config) -> str:
    profile, seed = _chosen(config)
    return f"--gradient-profile={profile} --gradient-seed={seed}"


def _is_mutants_test(item: pytest.Item) -> bool:
    name = getattr(item, "originalname", None)
    return name == "test_mutants" and getattr(getattr(item, "cls", None), "gradient_properties", False) is True


def _broken_rules(terminalreporter: pytest.TerminalReporter) -> str:
    """How many rules test_mutants broke, and how many of them unnoticed, as it recorded; empty if it did not run."""
    done = [report for outcome in ("passed", "failed") for report in terminalreporter.getreports(outcome)]
    of_tests = [dict(report.user_properties).get("gradient mutants") for report in done if report.when == "call"]
    tried, unnoticed = (sum(counts[i] for counts in of_tests if counts) for i in (0, 1))
    return f"broken rules: {tried:,} tried, {unnoticed or 'none'} unnoticed" if tried else ""


def _recorded() -> dict[Any, Any]:
    """The record of this process, empty where nothing that records was imported."""
    record = sys.modules.get("minigrad.testing.record")
    return record.RECORD if record else {}
