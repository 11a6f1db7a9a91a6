"""What is kept of a run: shown again, and believed only as far as a run would have written it."""

import contextlib
import errno
import hashlib
import io
import json
import math
import re
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pyarrow")
pytest.importorskip("safetensors")
pytest.importorskip("pyarrow")

from hostile import WRONG, changed, places
from linreg_command import linreg

import minigrad
from linreg.saving.checkpoints import RUN, Folder

# minigrad keeps NumPy's warnings of overflow quiet, as torch does; pytest's filters undo that.
pytestmark = pytest.mark.filterwarnings(r"ignore::RuntimeWarning:minigrad\.|<")

NORRIS = str(Path(__file__).parent.parent / "examples" / "data" / "norris.csv")
TABLE = ["--data", NORRIS, "--target", "y", "--seed", "3"]
TWO_COLUMNS = Path()  # of numbers, in a file
SMALL = ["--num-examples", "12", "--seed", "3", "--optimizer", "adam", "--validation", "0.2"]


def refused(*argv):
    """The one line with which the command refuses, having printed nothing else."""
    status, out, err = linreg(*argv)
    assert (status, out) == (2, "")
    assert re.fullmatch("linreg: error: .*\n", err)
    return err


def content(folder):
    return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


@contextlib.contextmanager
def full_disk(monkeypatch, saves):
    """Lets the folder's saving fail, the first being number 0, where `saves` says so; counts them."""
    save, counted = Folder.save, []

    def failing(self, *arguments):
        counted.append(None)
        if saves(len(counted) - 1):
            raise OSError(errno.ENOSPC, "No space left on device")
        save(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(Folder, "save", failing)
        yield counted


# Shown


def found_lines_of(out):
    """What a run printed of its coefficients and of how good they are, but for the rows held out."""
    lines = out.splitlines()
    place = next(i for i, line in enumerate(lines) if line.endswith("std. error"))
    return [line.partition("; ")[0] for line in lines[place:]]


def test_show_tells_what_the_run_found(tmp_path):
    options = [*TABLE, "--validation", "0.2", "--num-epochs", "7", "--dtype", "float64"]
    status, out, _ = linreg(*options, "--save", tmp_path / "run")
    result = json.loads(linreg(*options, "--json")[1])
    shown = linreg("show", tmp_path / "run")
    assert (status, shown[0], shown[2]) == (0, 0, "")
    assert shown[1].splitlines()[-5:] == found_lines_of(out)
    assert shown[1].splitlines()[-1].startswith("training ended ")
    as_json = json.loads(linreg("show", tmp_path / "run", "--json")[1])
    for name in ("lr", "num_epochs", "seed", "losses", "validation_losses", "stopped", "diverged", "target", "rows"):
        assert as_json[name] == result[name]
    for name in ("intercept", "coefficients", "r2", "rmse"):
        found, expected = as_json[name], result[name]
        if name in ("r2", "rmse"):
            found, expected = {name: found}, {name: expected}
        if name == "coefficients":
            (found,), (expected,) = found.values(), expected.values()
        for key, value in expected.items():
            assert found[key] == (None if value is None else pytest.approx(value, rel=1e-9, abs=1e-12)), key
    assert (as_json["epoch"], as_json["step"], as_json["steps"]) == (7, 0, 21)
    assert as_json["ended"] == "its last epoch, 7, is done"


def test_show_tells_how_far_a_run_is(tmp_path, monkeypatch):
    with full_disk(monkeypatch, lambda number: number > 6):
        linreg(*TABLE, "--save", tmp_path / "run", "--save-every", "1", "--num-epochs", "9", "--backend", "minigrad")
    out = linreg("show", tmp_path / "run")[1]
    assert "in epoch 2 of 9, after 5 steps: more to train" in out
    assert re.search(r"^loss: (\d\.\d+) after the first epoch, \1 now, \1 at best$", out, re.MULTILINE)


def test_a_run_that_diverged_is_kept_with_its_last_good_parameters(tmp_path):
    status, out, err = linreg(*TABLE, "--lr", "9", "--save", tmp_path / "run")
    before = content(tmp_path / "run")
    assert status == 1
    shown = linreg("show", tmp_path / "run")
    assert shown[0] == 0
    assert "training diverged in epoch" in shown[1]
    assert shown[1].splitlines()[-4:] == found_lines_of(out)
    again = linreg("--resume", tmp_path / "run", "--num-epochs", "1000")
    assert again[0] == 1
    assert again[1].splitlines() == out.splitlines()[-4:]
    assert again[2] == err
    assert content(tmp_path / "run") == before


# Gone on with


def test_a_run_may_be_made_longer(tmp_path):
    options = [*SMALL, "--patience", "100"]
    whole = linreg(*options, "--num-epochs", "6", "--save", tmp_path / "whole")
    linreg(*options, "--num-epochs", "4", "--save", tmp_path / "run")
    status, out, err = linreg("--resume", tmp_path / "run", "--num-epochs", "6")
    assert (status, err) == (0, "")
    assert whole[1].endswith(out)
    assert out.startswith("epoch 5, loss ")
    assert content(tmp_path / "run") == content(tmp_path / "whole")
    said = refused("--resume", tmp_path / "run", "--num-epochs", "5")
    assert "--num-epochs 5: the run in" in said


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--lr", "0.1"], "--lr cannot change in a run that goes on: in DIR it was left out"),
        (["--seed", "4"], "--seed cannot change in a run that goes on: in DIR it is 3"),
        (["--optimizer", "sgd"], "--optimizer cannot change in a run that goes on: in DIR it is adam"),
        (["--backend", "torch"], "--backend cannot change in a run that goes on: in DIR it is minigrad"),
        (["--true-w", "1"], "--true-w cannot change in a run that goes on: in DIR it was left out"),
        (["--no-intercept"], "--no-intercept needs --data"),
        (["--data", NORRIS], "--data needs --target"),
        (["--save", "elsewhere"], "--save cannot go with --resume"),
        (["--explain"], "cannot go with --explain, which shows the first step instead of training"),
    ],
)
def test_what_cannot_change_is_refused(tmp_path, options, said):
    linreg(*SMALL, "--save", tmp_path / "run")
    before = content(tmp_path / "run")
    assert said.replace("DIR", str(tmp_path / "run")) in refused("--resume", tmp_path / "run", *options)
    assert content(tmp_path / "run") == before


def test_options_may_be_said_again(tmp_path):
    linreg(*SMALL, "--true-w", "1", "-2", "--true-b=-1e-3", "--noise", "0", "--save", tmp_path / "run")
    status, _, err = linreg("--resume", tmp_path / "run", *SMALL, "--true-w=1,-2", "--noise", "0", "--num-epochs", "3")
    assert status == 0
    assert "nothing is left to train" in err


def test_data_that_changed_are_refused_and_may_have_moved(tmp_path):
    table = tmp_path / "a, table.csv"
    table.write_text('"x,1",y,-z\n1,2,3\n2,3,5\n3,5,1\n5,4,2\n')
    options = ["--data", table, "--target", "y", "--features", '"x,1",-z', "--num-epochs", "2"]
    linreg(*options, "--save", tmp_path / "run")
    moved = table.rename(tmp_path / "moved.csv")
    assert "cannot read" in refused("--resume", tmp_path / "run", "--num-epochs", "3")
    assert linreg("--resume", tmp_path / "run", "--num-epochs", "3", "--data", moved)[0] == 0
    before = content(tmp_path / "run")
    for text in ('"x,1",y,-z\n1,2,3\n2,3,5\n3,5,1\n5,4,2.5\n', '"x,1",y,-z\n2,3,5\n1,2,3\n3,5,1\n5,4,2\n'):
        moved.write_text(text)
        assert "the data are not those that the run in" in refused("--resume", tmp_path / "run")
    assert content(tmp_path / "run") == before


def test_a_folder_that_holds_a_run_is_not_saved_over(tmp_path):
    linreg(*SMALL, "--save", tmp_path / "run")
    before = content(tmp_path / "run")
    assert f"run holds a run already: go on with it by --resume {tmp_path / 'run'}" in refused(
        *TABLE, "--save", tmp_path / "run"
    )
    assert content(tmp_path / "run") == before


def test_a_folder_in_which_a_run_is_saving_is_left_to_it(tmp_path):
    linreg(*SMALL, "--save", tmp_path / "run")
    with Folder(tmp_path / "run").claimed():
        assert "another run is saving there" in refused("--resume", tmp_path / "run")
        assert linreg("show", tmp_path / "run")[0] == 0


def test_a_run_that_went_on_after_it_was_read_is_not_set_back(tmp_path, monkeypatch):
    linreg(*SMALL, "--save", tmp_path / "run")
    claimed = Folder.claimed

    def later(self):
        monkeypatch.setattr(Folder, "claimed", claimed)
        linreg("--resume", tmp_path / "run", "--num-epochs", "6")
        return claimed(self)

    monkeypatch.setattr(Folder, "claimed", later)
    assert "run: the run there went on while" in refused("--resume", tmp_path / "run", "--num-epochs", "4")
    assert json.loads(linreg("show", tmp_path / "run", "--json")[1])["epoch"] == 6


@pytest.mark.parametrize("command", ["show", "--resume"])
def test_a_folder_without_a_run(tmp_path, command):
    assert f"{tmp_path} holds no run: there is no run.json in it" in refused(command, tmp_path)
    assert "none holds no run" in refused(command, tmp_path / "none")


def test_save_every_needs_save():
    assert "--save-every needs --save" in refused("--save-every", "3")


# A disk that is full


def test_a_disk_that_is_full_from_the_beginning(tmp_path, monkeypatch):
    with full_disk(monkeypatch, lambda number: True):
        said = refused(*SMALL, "--save", tmp_path / "run")
    assert said == f"linreg: error: cannot save to {tmp_path / 'run'}: No space left on device\n"


def test_a_disk_that_becomes_full_ends_in_the_result_and_one_line(tmp_path, monkeypatch):
    whole = linreg(*SMALL, "--save", tmp_path / "whole")
    with full_disk(monkeypatch, lambda number: number > 1):
        status, out, err = linreg(*SMALL, "--save", tmp_path / "run")
    assert (status, out) == (2, whole[1])
    assert err == (
        f"linreg: error: cannot save to {tmp_path / 'run'}: No space left on device; training goes on, and what is "
        "there is the run after epoch 1\n"
    )
    assert linreg("--resume", tmp_path / "run")[0] == 0
    assert content(tmp_path / "run") == content(tmp_path / "whole")


def test_a_disk_that_has_room_again(tmp_path, monkeypatch):
    with full_disk(monkeypatch, lambda number: number == 1):
        status, _, err = linreg(*SMALL, "--save", tmp_path / "run")
    assert status == 0
    assert err.endswith(f"saving to {tmp_path / 'run'} succeeds again\n")
    assert "step" in linreg("show", tmp_path / "run")[1]


# Hostile folders


def survive(folder):
    """Nothing that uses the folder gives a traceback or more than a line."""
    uses = (["show", folder], ["predict", folder, TWO_COLUMNS], ["--resume", folder, "--num-epochs", "4"])
    for words in uses:
        status, _, err = linreg(*words)
        assert status in (0, 1, 2)
        assert len(err.splitlines()) <= 1, err
        if status == 2:  # and so would the others
            return


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A folder, what its run.json holds and its state, of a run that was cut off in its second epoch."""
    np.save(tmp_path / "X.npy", np.ones((2, 2)))
    monkeypatch.setattr(sys.modules[__name__], "TWO_COLUMNS", tmp_path / "X.npy")
    with full_disk(monkeypatch, lambda number: number > 4):
        linreg(*SMALL, "--batch-size", "5", "--num-epochs", "3", "--save-every", "1", "--save", tmp_path / "run")
    return tmp_path / "run", json.loads((tmp_path / "run" / RUN).read_text()), Folder(tmp_path / "run").load().state


def test_a_run_json_with_any_part_wrong(run):
    folder, about, _ = run
    written = content(folder)
    assert about["position"]["epoch"] == 1
    assert about["position"]["step"] == 1
    # The parts of the encoding are changed in test_linreg_predict.py.
    for path in places(about):
        if not path or (path[0] == "encoding" and len(path) > 1):
            continue
        for new in (..., *WRONG):
            (folder / RUN).write_text(json.dumps(changed(about, path, new)))
            survive(folder)
            for name, data in written.items():
                (folder / name).write_bytes(data)


def test_a_state_with_any_part_wrong(run):
    folder, about, state = run
    tensors = [minigrad.zeros(2, 1), minigrad.ones(1, dtype=minigrad.float64), minigrad.tensor(math.inf)]
    for path in places(state):
        for new in (*WRONG[::3], *tensors, *([...] if path else [])):
            stream = io.BytesIO()
            minigrad.save(changed(state, path, new), stream)
            digest = hashlib.sha256(stream.getvalue()).hexdigest()
            name = f"state-{digest[:16]}.safetensors"
            (folder / name).write_bytes(stream.getvalue())
            (folder / RUN).write_text(json.dumps(about | {"state": {"file": name, "sha256": digest}}))
            survive(folder)


@pytest.mark.parametrize("options", [{"help": True}, {"resume": "x"}, {"save": "x"}, {"version": True}, {"--lr": 1}])
def test_options_that_no_run_keeps(run, options):
    folder, about, _ = run
    (folder / RUN).write_text(json.dumps(about | {"options": about["options"] | options}))
    (name,) = options
    assert f"{folder / RUN}: options: there is none that is called {name!r}" in refused("--resume", folder)


def test_the_position_is_one_that_the_run_can_have(run):
    folder, about, _ = run
    for position in ({"step": 4}, {"epoch": 9}, {"epoch": 3}):
        wrong = about | {"position": about["position"] | position}
        losses = about["losses"][:1] * wrong["position"]["epoch"]
        (folder / RUN).write_text(json.dumps(wrong | {"losses": losses, "validation_losses": losses}))
        assert "no run with its settings is ever at epoch" in refused("--resume", folder)
