"""`linreg compare`: what it shows is what both runs did, and it sees where they part."""

import contextlib
import json
import math
import os
import random
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from linreg_command import linreg

import minigrad
from linreg.comparing import lockstep as comparison
from linreg.comparing.lockstep import KINDS, Differences, compare, side_by_side
from linreg.comparing.measured import Measured, largest_memory, measured
from linreg.comparing.shown import parting
from linreg.options import data_of, parse, settings_of

torch = pytest.importorskip("torch")
pytest.importorskip("pyarrow")
pytestmark = pytest.mark.filterwarnings(r"ignore::RuntimeWarning:minigrad\.|<")

DATA = Path(__file__).parent.parent / "examples" / "data"
NORRIS, PENGUINS = str(DATA / "norris.csv"), str(DATA / "penguins.csv")
SHORT = ["--num-examples", "60", "--num-epochs", "2"]
TABLE = ["--data", NORRIS, "--target", "y"]
IN_PIECES = ["--data", PENGUINS, "--target", "body_mass_g", "--categories", "species,island,sex", "--missing", "mean"]
IN_PIECES += ["--buffer", "50"]


def compared(*words, seed=0, tolerance=None):
    options = parse([str(word) for word in words])
    bound = comparison.TOLERANCES[options.dtype] if tolerance is None else tolerance
    with side_by_side(settings_of(options, seed), data_of(options)) as sides:
        return compare(*sides, bound)


# Nothing parts


@given(
    seed=st.integers(0, 2**32),
    optimizer=st.sampled_from(["sgd", "momentum", "adam"]),
    dtype=st.sampled_from(["float32", "float64"]),
    words=st.sampled_from(
        [
            [],
            ["--noise", 0],
            ["--true-w", "1e3,-2e-3,5", "--true-b", "1e4"],
            ["--validation", 0.3],
            ["--weight-decay", 0.1, "--until", 1e-3],
            ["--batch-size", 7],
        ]
    ),
)
@settings(max_examples=25)
def test_both_do_the_same(seed, optimizer, dtype, words):
    result = compared(*SHORT, *words, "--optimizer", optimizer, "--dtype", dtype, seed=seed)
    assert parting(result) is None
    assert set(result.epochs[0].largest) == set(KINDS)
    for ours, theirs in zip(
        *(side for side in zip(*(epoch.losses for epoch in result.epochs), strict=True)), strict=True
    ):
        assert ours == pytest.approx(theirs, rel=1e-3)


@pytest.mark.parametrize("optimizer", ["newton", "lstsq"])
@pytest.mark.parametrize(
    "words",
    [["--noise", 0], ["--noise", 0, "--true-w", 0, "--true-b", 0], TABLE, [*TABLE, "--no-intercept"]],
    ids=["exact", "nothing", "table", "origin"],
)
def test_ways_to_train_in_one_step(optimizer, words):
    result = compared(*words, "--optimizer", optimizer, "--dtype", "float64")
    assert parting(result) is None
    assert [sorted(epoch.largest) for epoch in result.epochs] == [["loss", "parameter"]]


@pytest.mark.parametrize(
    "words",
    [SHORT, [*TABLE, "--num-epochs", 2, "--validation", 0.2, "--weight-decay", 0.01], [*IN_PIECES, "--num-epochs", 2]],
    ids=["synthetic", "table", "in pieces"],
)
def test_each_side_is_the_run_that_fit_makes(words):
    """To the last bit: the losses are those of a run alone, whose rows come in the same order."""
    beside = compared(*words, "--dtype", "float64", seed=7)
    for place, backend in enumerate(("minigrad", "torch")):
        alone = json.loads(linreg(*words, "--dtype", "float64", "--seed", 7, "--json", "--backend", backend)[1])
        assert [epoch.losses[place] for epoch in beside.epochs] == alone["losses"]
        held = [epoch.validation_losses[place] for epoch in beside.epochs]
        assert held == (alone["validation_losses"] or [None, None])


def test_the_module_random_and_the_default_dtypes_are_as_they_were():
    before = minigrad.get_default_dtype(), torch.get_default_dtype()
    compared(*SHORT, "--dtype", "float64")
    assert (minigrad.get_default_dtype(), torch.get_default_dtype()) == before


# Differences


@given(st.data())
@settings(max_examples=60)
def test_the_largest_difference_is_found(data):
    shape = data.draw(st.tuples(st.integers(1, 4), st.integers(1, 3)))
    values = st.floats(-1e3, 1e3)
    steps = data.draw(st.integers(1, 4))
    drawn = [
        [
            np.array(
                data.draw(
                    st.lists(
                        st.lists(values, min_size=shape[1], max_size=shape[1]), min_size=shape[0], max_size=shape[0]
                    )
                )
            )
            for _ in range(2)
        ]
        for _ in range(steps)
    ]
    tolerance = data.draw(st.sampled_from([0.0, 0.1, 0.5]))
    found = Differences({"gradient": ("x", "y", "z")[: shape[1]]}, tolerance)
    for step, sides in enumerate(drawn, start=1):
        found.take([{"gradient": side} for side in sides], epoch=3, step=step)
    largest = found.largest["gradient"]
    ours, theirs = drawn[largest.step - 1]
    assert largest.absolute == max(np.abs(a - b).max() for a, b in drawn)
    assert largest.absolute in np.abs(ours - theirs)[:, "xyz".index(largest.name)]
    scales = [max(np.abs(side).max() for sides in drawn[: step + 1] for side in sides) for step in range(steps)]
    if largest.absolute:
        assert largest.relative == largest.absolute / scales[largest.step - 1]
    parts = [step for step, (a, b) in enumerate(drawn) if np.abs(a - b).max() > tolerance * scales[step]]
    assert found.parted is None if not parts else found.parted.step == parts[0] + 1


@pytest.mark.parametrize(
    ("ours", "theirs", "absolute"),
    [
        (math.nan, math.nan, 0),
        (math.inf, math.inf, 0),
        (math.nan, 1, math.inf),
        (math.inf, -math.inf, math.inf),
        (1, math.inf, math.inf),
    ],
)
def test_numbers_that_are_none(ours, theirs, absolute):
    found = Differences({"loss": ("loss",)}, 1e30)
    found.take([{"loss": np.array([[value]], dtype=float)} for value in (ours, theirs)], 1, 1)
    assert found.largest["loss"].absolute == absolute
    assert (found.parted is not None) == (absolute > 0)


# What parts is seen, and where it parts first. minigrad is made wrong on purpose.


def broken(monkeypatch, what, wrong):
    """minigrad's training with one of its parts changed, after some steps: torch's is left as it is."""
    calls = iter(range(10**6))
    right = getattr(comparison.Training, what)

    def sometimes(training, *args):
        if training.torch is minigrad and next(calls) >= 7:
            return wrong(training, right, *args)
        return right(training, *args)

    monkeypatch.setattr(comparison.Training, what, sometimes)


def test_a_wrong_update_is_a_parameter_that_parts(monkeypatch):
    def wrong(training, right):
        training.b.grad *= 2
        right(training)

    broken(monkeypatch, "_update", wrong)
    parted = compared(*SHORT).parted
    assert (parted.kind, parted.name, parted.epoch, parted.step) == ("parameter", "b", 2, 2)


def test_a_wrong_gradient_is_named(monkeypatch):
    right = comparison.Seen.sum_
    calls = iter(range(10**6))

    def wrong(seen, tensors):
        if isinstance(tensors[0], minigrad.Tensor) and next(calls) == 3:
            tensors[0][1] *= -1
        right(seen, tensors)

    monkeypatch.setattr(comparison.Seen, "sum_", wrong)
    result = compared(*SHORT)
    assert result.parted[:2] == ("gradient", "w[1]")
    assert result.parted[4:] == (1, 4)
    assert parting(result).startswith("minigrad and torch part in epoch 1, step 4: the gradient of w[1] differs by ")


def test_another_order_of_the_rows_is_seen_as_other_data(monkeypatch):
    right = comparison.Side.advance

    def shuffled(side):
        if side.training.torch is torch and side.training.epoch == 1:
            side.order = random.Random(5).getstate()
        return right(side)

    monkeypatch.setattr(comparison.Side, "advance", shuffled)
    parted = compared(*SHORT).parted
    assert (parted.kind, parted.epoch, parted.step) == ("data", 2, 1)


def test_divergence_on_one_side_alone(monkeypatch):
    def wrong(training, right):
        training.b.grad *= 1e6
        right(training)

    broken(monkeypatch, "_update", wrong)
    result = compared(*SHORT, tolerance=1e30)
    assert result.diverged[1] is None
    assert parting(result).startswith("minigrad and torch part: on minigrad alone training diverged in epoch 2, step 3")


def test_divergence_on_both():
    result = compared(*SHORT, "--lr", 3)
    assert parting(result).startswith("on both, training diverged in epoch ")


# The command


def test_what_is_printed(monkeypatch):
    taken = Measured(36 * 2**20, [6e-5, 7e-5], [2**21, 3 * 2**20], [None, 2**22])
    monkeypatch.setattr("linreg.commands.compare.measured_alone", lambda *_: [Measured(), taken])
    status, out, err = linreg("compare", *SHORT, "--seed", 1, "--validation", 0.2)
    assert (status, err) == (0, "")
    title, head, *rows = out.splitlines()[:6]
    assert title == "minigrad and torch: sgd, float32, seed 1"
    assert re.split("  +", head.strip()) == [
        "epoch",
        "on",
        "loss",
        "validation",
        "ms/step",
        "peak MiB",
        "GPU MiB",
        "largest difference in the epoch",
    ]
    number = r"\d+\.\d+"
    measures = iter([r"- +- +-", r"0\.0600 +2\.0 +-", r"- +- +-", r"0\.0700 +3\.0 +4\.0"])
    for row, backend, kind in zip(rows, ("minigrad", "torch") * 2, ("gradient", "parameter") * 2, strict=True):
        where = rf"{kind}: (none|\d\.\de-\d\d \(\d\.\de-\d\d\) in (b|w\[\d\]), step \d)"
        assert re.fullmatch(rf" *\d? +{backend} +{number} +{number} +{next(measures)} +{where}", row), row
    assert "less what was in use before the data were read (36 MiB with torch)." in out
    kinds = [line.split()[0] for line in out.splitlines() if line.startswith(KINDS)]
    assert kinds == list(KINDS)
    assert out.endswith("minigrad and torch agree: no difference is above 1e-05 of the largest.\n")


def test_json_has_everything():
    words = [*TABLE, "--num-epochs", 3, "--validation", 0.25, "--dtype", "float64", "--lr", 0.02, "--batch-size", 9]
    status, out, err = linreg("compare", *words, "--seed", 1, "--json", "--tolerance", 1e-11)
    assert (status, err) == (0, "")
    result = json.loads(out)
    fit = json.loads(linreg(*words, "--seed", 1, "--json")[1])
    assert (result["data"], result["target"], result["weights"]) == (NORRIS, "y", None)
    assert {name: result[name] for name in ("lr", "num_epochs", "batch_size", "seed", "dtype", "tolerance")} == {
        "lr": 0.02,
        "num_epochs": 3,
        "batch_size": 9,
        "seed": 1,
        "dtype": "float64",
        "tolerance": 1e-11,
    }
    assert [epoch["losses"]["minigrad"] for epoch in result["epochs"]] == fit["losses"]
    assert [epoch["validation_losses"]["minigrad"] for epoch in result["epochs"]] == fit["validation_losses"]
    for epoch in result["epochs"]:
        assert set(epoch["largest_differences"]) == set(KINDS)
        assert all(seconds > 0 for seconds in epoch["step_seconds"].values())
        if largest_memory() is not None:
            assert all(size >= 0 for size in epoch["peak_bytes"].values())
    if largest_memory() is not None:
        assert result["resident_bytes"]["torch"] > result["resident_bytes"]["minigrad"] > 10**7
        ours, theirs = ([epoch["peak_bytes"][name] for epoch in result["epochs"]] for name in ("minigrad", "torch"))
        assert ours == sorted(ours)
        assert theirs == sorted(theirs)


def test_memory_is_that_of_the_data():
    if largest_memory() is None:
        pytest.skip("this system does not tell a process its memory")
    rows = 200_000
    options = parse(["--num-examples", str(rows), "--dtype", "float64", "--optimizer", "lstsq"])
    taken = measured("minigrad", options, 0)
    assert len(taken.peaks) == len(taken.step_seconds) == 1
    assert rows * 3 * 8 < taken.peaks[0] < rows * 3 * 8 * 20  # the rows, and what is made of them


def test_status_of_two_that_part(monkeypatch):
    monkeypatch.setattr("linreg.commands.compare.measured_alone", lambda *_: [Measured(), Measured()])
    status, out, err = linreg("compare", *SHORT, "--seed", 0, "--tolerance", 0)
    assert status == 1
    assert re.fullmatch(r"linreg: error: minigrad and torch part in epoch 1, step \d: .*; the tolerance is 0\n", err)
    assert "agree" not in out
    assert re.search(r"^loss +\d\.", out, re.MULTILINE)
    assert re.search(r"^ +1  minigrad +\d+\.\d+ +- +-  gradient: ", out, re.MULTILINE)
    status, out, err = linreg("compare", *SHORT, "--seed", 0, "--tolerance", 0, "--json")
    assert status == 1
    assert json.loads(out)["parted"]["epoch"] == 1


def test_diverging_before_the_first_epoch_ends():
    status, out, err = linreg("compare", "--lr", 3, "--seed", 1)
    assert (status, out) == (1, "")
    assert err.startswith("linreg: error: on both, training diverged in epoch 1, step ")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--backend", "minigrad"], "--backend cannot go with compare"),
        (["--backend", "torch"], "--backend cannot go with compare"),
        (["--tolerance", "-1"], "--tolerance: '-1' is not a finite number of at least 0"),
        (["--data", "-", "--target", "y"], "--data -: compare reads the data more than once"),
        (["--data", os.devnull, "--target", "y"], "compare reads the data more than once"),
        (["--data", "there/is/none.csv", "--target", "y"], "cannot read there/is/none.csv"),
        (["--explain"], "unrecognized arguments: --explain"),
        (["--save", "x"], "unrecognized arguments: --save x"),
        (["--device", "teapot"], "--device teapot cannot hold float32 on torch"),
        (["--data", NORRIS], "--data needs --target"),
        (["--epochs", "3"], "(linreg compare --help shows the options)"),
    ],
)
def test_what_cannot_be_compared(words, said):
    status, out, err = linreg("compare", *words)
    assert (status, out) == (2, "")
    assert said in err
    assert len(err.splitlines()) == 1


def test_without_torch(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    status, out, err = linreg("compare", *SHORT)
    assert (status, out) == (2, "")
    assert 'pip install ".[torch]"' in err


def test_a_process_that_cannot_measure(monkeypatch):
    started, begin = [], subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", lambda *args, **how: started.append(how["env"]) or begin(*args, **how))
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    monkeypatch.setattr(sys, "path", ["nowhere"])
    status, out, err = linreg("compare", *SHORT)
    assert [environment["OMP_NUM_THREADS"] for environment in started] == ["1"]
    assert (status, out) == (2, "")
    assert re.match("linreg: error: minigrad cannot be measured in a process of its own: ModuleNotFoundError", err)
    assert len(err.splitlines()) == 1


def test_interrupting_ends_the_process_that_measures(monkeypatch):
    children = []

    class Interrupted(subprocess.Popen):
        def communicate(self, *_):
            children.append(self)
            raise KeyboardInterrupt

    monkeypatch.setattr(subprocess, "Popen", Interrupted)
    status, out, err = linreg("compare", *SHORT)
    assert (status, out, err) == (130, "", "linreg: error: interrupted\n")
    assert [child.poll() is None for child in children] == [False]


def test_on_a_terminal_it_is_drawn():
    pytest.importorskip("rich")
    pty = pytest.importorskip("pty", reason="needs pseudo-terminals, which this system lacks")
    ours, theirs = pty.openpty()
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "120", "LINES": "50"}
    unmeasured = "import linreg.__main__ as l, linreg.comparing.measured as m; m.measured = lambda *_: m.Measured(); "
    command = [sys.executable, "-c", unmeasured + "l.main()", "compare", *SHORT, "--seed", "1"]
    with subprocess.Popen(command, stdout=theirs, stderr=theirs, env=environment) as child:
        os.close(theirs)
        sent = b""
        with contextlib.suppress(OSError):  # so Linux tells that the other end is closed
            while part := os.read(ours, 1 << 16):
                sent += part
    os.close(ours)
    shown = re.sub(r"\x1b\[[?\d;]*[A-Za-z]", "", sent.decode())
    assert child.returncode == 0
    assert "torch once more, in a process of its own" in shown
    assert "────" in shown
    assert re.search(r"1 +minigrad +\d+\.\d+ ", shown)
    assert shown.rstrip().endswith("minigrad and torch agree: no difference is above 1e-05 of the largest.")


@pytest.mark.gpu
@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam", "newton"])
def test_gpu_beside_minigrad(optimizer):
    words = ["--dtype", "float64", "--optimizer", optimizer, "--device", "cuda", "--seed", 1, "--json"]
    status, out, err = linreg("compare", *TABLE, *words)
    assert (status, err) == (0, "")
    assert json.loads(out)["epochs"][-1]["device_bytes"]["torch"] > 0
    assert json.loads(out)["epochs"][-1]["device_bytes"]["minigrad"] is None
