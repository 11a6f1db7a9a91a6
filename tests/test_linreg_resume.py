"""A run that was stopped goes on as if it never had been: the same lines, the same numbers, the same bytes."""

from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("pyarrow")
pytest.importorskip("safetensors")
pytest.importorskip("pyarrow")

from linreg_command import linreg

from linreg import jobs
from linreg.saving.checkpoints import Folder
from linreg.saving.saver import Saver
from linreg.settings import OPTIMIZERS

# minigrad keeps NumPy's warnings of overflow quiet, as torch does; pytest's filters undo that.
pytestmark = pytest.mark.filterwarnings(r"ignore::RuntimeWarning:minigrad\.|<")

DATA = Path(__file__).parent.parent / "examples" / "data"
NORRIS = str(DATA / "norris.csv")
SYNTHETIC = ["--num-examples", "35", "--seed", "3"]
PENGUINS = ["--data", str(DATA / "penguins.csv"), "--target", "body_mass_g", "--categories", "species,island,sex"]
PENGUINS += ["--missing", "mean", "--seed", "3"]
TABLE = ["--data", NORRIS, "--target", "y", "--seed", "3", "--num-epochs", "4", "--batch-size", "16"]


def content(folder):
    return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def stopped_after(event, monkeypatch, *argv):
    """Run the command until Ctrl-C is pressed after an event of training, counted from 1, and its being saved; 0 is
    its beginning. What the command gave, and how many events there were."""
    count = -1
    begin, save = Saver.begin, Saver.__call__

    def counting(told):
        def call(self, *arguments):
            nonlocal count
            said = told(self, *arguments)
            count += 1
            if count == event:
                raise KeyboardInterrupt
            return said

        return call

    with monkeypatch.context() as patch:
        patch.setattr(Saver, "begin", counting(begin))
        patch.setattr(Saver, "__call__", counting(save))
        return linreg(*argv), count


RUNS = [
    *([*SYNTHETIC, "--optimizer", optimizer] for optimizer in OPTIMIZERS),
    [*SYNTHETIC, "--validation", "0.2", "--optimizer", "adam", "--dtype", "float64"],
    [*SYNTHETIC, "--validation", "0.3", "--patience", "1", "--lr", "1", "--num-epochs", "30"],
    [*SYNTHETIC, "--until", "0.5", "--lr", "0.3", "--weight-decay", "0.01", "--optimizer", "momentum"],
    TABLE,
    [*TABLE, "--no-intercept", "--optimizer", "adam", "--num-epochs", "30", "--until", "0.9"],
    [*TABLE, "--lr", "9", "--num-epochs", "30"],  # which diverges
    [*TABLE, "--buffer", "11", "--batch-size", "4", "--num-epochs", "2", "--validation", "0.2"],
    [*PENGUINS, "--optimizer", "momentum", "--num-epochs", "2", "--batch-size", "40", "--validation", "0.1"],
    [*PENGUINS, "--optimizer", "newton", "--buffer", "100", "--validation", "0.1"],
]


ON_TORCH = [*RUNS[:3], RUNS[5], RUNS[-3]]


@pytest.mark.parametrize(
    ("backend", "options"),
    [*(("minigrad", options) for options in RUNS), *(("torch", options) for options in ON_TORCH)],
    ids=lambda part: part if isinstance(part, str) else " ".join(part[2:]),
)
def test_a_run_stopped_at_any_step_goes_on_as_if_never_stopped(backend, options, tmp_path, monkeypatch):
    pytest.importorskip(backend)
    options = [*options, "--backend", backend, "--save-every", "1"]
    whole, events = stopped_after(None, monkeypatch, *options, "--save", tmp_path / "whole")
    assert whole[0] in (0, 1)
    assert whole[1] == linreg(*options[:-2])[1]  # saving changes nothing
    ended = content(tmp_path / "whole")
    assert len(ended) == 3

    for stop in {0, 1, 4, 5, events // 2, events - 1, events} & set(range(events + 1)):
        folder = tmp_path / f"{stop}"
        (status, before, err), _ = stopped_after(stop, monkeypatch, *options, "--save", folder)
        assert (status, err) == (130, "linreg: error: interrupted\n")
        status, after, err = linreg("--resume", folder)
        assert status == whole[0]
        assert before + after == whole[1]
        if stop == events and status == 0:
            assert err.startswith(f"linreg: nothing is left to train in {folder}: ")
        else:
            assert err == whole[2]
        assert content(folder) == ended


@pytest.mark.parametrize("options", RUNS[6:], ids=lambda options: " ".join(map(str, options[2:])))
def test_the_numbers_at_the_end_are_the_same(options, tmp_path, monkeypatch):
    whole = linreg(*options, "--json")
    for stop in (0, 2, 3):
        stopped_after(stop, monkeypatch, *options, "--save", tmp_path / f"{stop}")
        for _ in range(2):  # what is finished gives them again
            assert linreg("--resume", tmp_path / f"{stop}", "--json")[:2] == whole[:2]


def test_what_plots_need_goes_on_as_well(tmp_path, monkeypatch):
    fit = jobs.fit
    monkeypatch.setattr(jobs, "fit", lambda *arguments: fit(*arguments[:-1], replace(arguments[-1], traced=True)))
    monkeypatch.setattr("linreg.outcome.MOST_TRACED", 6)
    options = [*SYNTHETIC, "--save-every", "1"]
    linreg(*options, "--save", tmp_path / "whole")
    assert Folder(tmp_path / "whole").load().state["trace"]["steps"] == [1, 3, 5, 7, 9, 11]
    for stop in (0, 1, 7, 12, 15):
        stopped_after(stop, monkeypatch, *options, "--save", tmp_path / f"{stop}")
        assert linreg("--resume", tmp_path / f"{stop}")[0] == 0
        assert content(tmp_path / f"{stop}") == content(tmp_path / "whole")


@pytest.mark.gpu
@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam"])
def test_a_run_on_a_gpu_goes_on_as_if_never_stopped(optimizer, tmp_path, monkeypatch):
    options = [*SYNTHETIC, "--optimizer", optimizer, "--backend", "torch", "--device", "cuda", "--save-every", "1"]
    whole = linreg(*options, "--save", tmp_path / "whole")
    assert whole[0] == 0
    for stop in (0, 3, 4, 5):
        stopped_after(stop, monkeypatch, *options, "--save", tmp_path / f"{stop}")
        status, after, _ = linreg("--resume", tmp_path / f"{stop}")
        assert status == 0
        assert whole[1].endswith(after)
        assert content(tmp_path / f"{stop}") == content(tmp_path / "whole")
