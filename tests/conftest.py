"""What every test runs under: one thread per process, no deadlines, no missing tests."""

import gc
import os
import signal
from collections.abc import Iterator
from pathlib import Path

# Before NumPy and torch are imported, which read it once: the workers share the machine's cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from hypothesis import settings

# A shell lets what it runs in the background ignore Ctrl-C, and that is inherited: programs that are to hear it hang.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

pytest_plugins = ["minigrad.testing.plugin"]  # as an installed minigrad brings it

# A program that a test starts sees the same checkout as the test (pythonpath in pyproject.toml).
os.environ["PYTHONPATH"] = str(Path(__file__).parents[1])

# The same examples every time, so that a change is blamed only for what it did; pytest --hypothesis-profile=explore
# looks for new ones. No deadlines: a busy machine is not a failure.
settings.register_profile("minigrad", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None)
settings.load_profile("minigrad")

# What a test may skip for want of, by the variable that forbids such a skip, and words for it in the reason given.
REQUIRABLE = {
    "MINIGRAD_REQUIRE_TORCH": ("torch",),
    "MINIGRAD_REQUIRE_BROWSER": ("playwright", "chromium"),
    "MINIGRAD_REQUIRE_EXTRAS": ("could not import",),
}
REQUIRED = {name: words for name, words in REQUIRABLE.items() if os.environ.get(name, "0") != "0"}


def pytest_configure(config: pytest.Config) -> None:
    """minigrad is held to torch as it is without a GPU; the tests that need one are asked for with -m gpu."""
    if "gpu" not in config.option.markexpr.replace("not gpu", ""):
        os.environ["CUDA_VISIBLE_DEVICES"] = ""  # before torch is imported, which reads it once


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """What the tests' modules hold stays: Python need not look through it again and again for what may be freed."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("gpu"):
        torch = pytest.importorskip("torch")
        if not torch.cuda.is_available():
            pytest.skip("no CUDA device")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Iterator[None]:
    return _fail_if_required((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Iterator[None]:
    return _fail_if_required((yield))


def _fail_if_required(report):
    """Turns a skip for want of what is required into a failure."""
    if report.skipped and not hasattr(report, "wasxfail"):
        path, line, reason = report.longrepr
        for name, words in REQUIRED.items():
            if any(word in reason.lower() for word in words):
                report.outcome = "failed"
                report.longrepr = f"{path}:{line}: {name} forbids this skip. {reason}"
    return report


@pytest.fixture
def checked_by_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """torch stops checking distributions once its compiler has been imported, as another test may have done."""
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(torch.distributions.Distribution, "_validate_args", True)


@pytest.fixture(autouse=True, scope="session")
def _without_syncs() -> Iterator[None]:
    """What is on the disk after a power cut is no matter to tests; the programs that some of them start do sync."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda handle: None)
        yield
