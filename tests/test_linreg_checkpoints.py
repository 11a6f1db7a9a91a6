"""The folder of a run: whole after any cut, held by one run, and no file in it that gives a traceback."""

import contextlib
import errno
import hashlib
import json
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

pytest.importorskip("safetensors")

from crash_disk import Disk

import minigrad
from linreg.errors import BadInput
from linreg.saving.checkpoints import RUN, Folder


def state_of(number):
    return {"w": minigrad.full((3, 1), float(number)), "steps": number, "best": float("inf"), "random": (3, (1, 2))}


def save(folder, number):
    with folder.claimed():
        folder.save({"position": {"steps": number}}, state_of(number))


def number_in(folder):
    """Which checkpoint a folder holds, after checking that it is whole."""
    run, state = folder.load()
    assert run == {"position": {"steps": state["steps"]}}
    assert state["w"].tolist() == [[state["steps"]]] * 3
    assert state["best"] == float("inf")
    assert state["random"] == (3, (1, 2))
    return state["steps"]


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path / "run")


def names(folder):
    return sorted(path.name for path in folder.path.iterdir())


def materialise(contents, path):
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir()
    for name, data in contents.items():
        (path / name).write_bytes(data)
    return Folder(path)


def test_a_checkpoint_is_as_it_was_saved_and_takes_the_place_of_the_one_before(folder):
    for number in (1, 2, 2):
        save(folder, number)
        assert number_in(folder) == number
        assert len(names(folder)) == 3  # with .lock
    run = json.loads((folder.path / RUN).read_text())
    assert run["state"]["file"] in names(folder)
    assert run["format"] == "linreg run"


def test_the_same_checkpoint_is_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        save(Folder(tmp_path / name), 1 if name == "a" else 5)
    save(Folder(tmp_path / "b"), 1)
    a, b = ({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in "ab")
    assert a == b


# Cut off


def save_over(folder, *numbers, before_call=lambda name: None, without=()):
    """Saves the checkpoint 2 over others, and returns all that a power cut before any call of that may have left."""
    for number in numbers:
        save(folder, number)
    folder.path.mkdir(exist_ok=True)
    disk, left = Disk(folder.path), {}

    def cut(name):
        for contents in disk.after_power_cut():
            left[tuple(sorted(contents.items()))] = contents
        before_call(name)

    try:
        with disk.watched(cut, without):
            save(folder, 2)
    finally:
        cut("the end")
    return list(left.values())


def read_each(left, tmp_path):
    """The numbers of the checkpoints that folders hold; None for one that holds none, "broken" for one unreadable."""
    found = []
    for contents in left:
        folder = materialise(contents, tmp_path / "after")
        try:
            found.append(number_in(folder))
        except BadInput:
            found.append("broken" if folder.holds_run() else None)
            continue
        save(folder, 3)  # a run goes on there, whatever was left
        assert number_in(folder) == 3
        assert len(names(folder)) == 3
    return found


def test_a_power_cut_leaves_the_checkpoint_before_or_the_new_one(folder, tmp_path):
    left = save_over(folder, 1)
    assert len(left) > 12
    assert set(read_each(left, tmp_path)) == {1, 2}


def test_a_power_cut_during_the_first_save_leaves_none_or_all_of_it(folder, tmp_path):
    assert set(read_each(save_over(folder), tmp_path)) == {None, 2}


@pytest.mark.parametrize("synced", ["nothing", "files", "names"])
def test_what_makes_it_hold_is_needed(folder, tmp_path, monkeypatch, synced):
    without = ("fsync",) if synced == "nothing" else ()
    if synced == "files":
        monkeypatch.setattr("linreg.saving.checkpoints._sync", lambda folder: None)
    if synced == "names":
        fsync = Disk.fsync
        monkeypatch.setattr(Disk, "fsync", lambda self, file: fsync(self, file) if self.handles[file] is None else None)
    assert "broken" in read_each(save_over(folder, 1, without=without), tmp_path)


def number_of_calls(tmp_path):
    calls = []
    save_over(Folder(tmp_path / "trial"), 1, before_call=calls.append)
    return len(calls)


def failing_at(place, error):
    count = 0

    def before_call(name):
        nonlocal count
        count += 1
        if count >= place and name not in ("close", "unlink", "the end"):
            raise error

    return before_call


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_a_full_disk_or_control_c_at_any_call_leaves_a_checkpoint(folder, tmp_path, error):
    found = []
    for place in range(1, number_of_calls(tmp_path)):
        shutil.rmtree(folder.path, ignore_errors=True)
        try:
            save_over(folder, 1, before_call=failing_at(place, error))
        except (OSError, BadInput, KeyboardInterrupt):
            found.append(number_in(folder))
            save(folder, 3)
            assert number_in(folder) == 3
            assert len(names(folder)) == 3
    assert set(found) == {1, 2}


KILLED = """
    import os, sys
    from pathlib import Path
    from linreg.saving.checkpoints import Folder
    from test_linreg_checkpoints import failing_at, save, save_over

    for place in range(1, 1000):
        folder = Folder(Path(sys.argv[1]) / str(place))
        child = os.fork()
        if not child:
            counted = 0
            def die(name):
                global counted
                counted += 1
                if counted == place:
                    os.kill(os.getpid(), 9)
            save_over(folder, 1, before_call=die)
            os._exit(0)
        if os.waitpid(child, 0)[1] == 0:
            break
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_kill_before_any_call_leaves_a_checkpoint(tmp_path):
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(KILLED), tmp_path],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([os.environ["PYTHONPATH"], str(Path(__file__).parent)])},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    found = []
    for path in sorted(tmp_path.iterdir(), key=lambda path: int(path.name)):
        found.append(number_in(Folder(path)))
        save(Folder(path), 3)
        assert len(names(Folder(path))) == 3
    assert len(found) > 12
    assert found == sorted(found)
    assert set(found) == {1, 2}


# Claimed


def test_one_run_saves_to_a_folder(folder):
    save(folder, 1)
    with folder.claimed(), pytest.raises(BadInput, match=f"{folder.path}: another run is saving there"):
        save(Folder(folder.path), 2)
    assert number_in(folder) == 1
    save(folder, 2)


def test_a_checkpoint_is_read_while_the_next_one_is_saved(folder, monkeypatch):
    save(folder, 1)
    read, reads = Folder._read, []

    def reading(self, name):
        data = read(self, name)
        reads.append(name)
        if len(reads) == 1:
            monkeypatch.setattr(Folder, "_read", read)
            save(Folder(folder.path), 2)
        return data

    monkeypatch.setattr(Folder, "_read", reading)
    assert number_in(folder) == 2


def test_a_run_removes_only_what_runs_have_left(folder):
    save(folder, 1)
    theirs = ["state-1.safetensors", "notes.txt", ".run.json", "state-0123456789abcdef.safetensors.bak", "state"]
    ours = [".run.json.part", "state-0123456789abcdef.safetensors", ".state-0123456789abcdef.safetensors.part"]
    for name in theirs + ours:
        (folder.path / name).write_text("what a run left, or a person")
    save(folder, 2)
    assert set(names(folder)) >= set(theirs)
    assert not set(names(folder)) & set(ours)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS])
def test_a_folder_that_is_read_only(folder, monkeypatch, number):
    save(folder, 1)

    def refuse(path, *rest):
        raise OSError(number, os.strerror(number), path)

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(BadInput, match=f"cannot save to {folder.path}: {os.strerror(number)}"):
        save(folder, 2)
    assert number_in(folder) == 1


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "run"):
        with pytest.raises(BadInput, match=r"cannot save to .*: Not a directory"):
            save(Folder(path), 1)


def test_folders_are_made_where_there_are_none(tmp_path):
    save(Folder(tmp_path / "a" / "b" / "c"), 1)
    assert number_in(Folder(tmp_path / "a" / "b" / "c")) == 1


# Hostile files


def rewritten(folder, **changes):
    """Changes entries of run.json; None removes one."""
    run = json.loads((folder.path / RUN).read_text()) | changes
    (folder.path / RUN).write_text(json.dumps({key: value for key, value in run.items() if value is not None}))


def with_state(folder, data):
    """Puts bytes in the place of the state, with the name and the digest that are theirs."""
    digest = hashlib.sha256(data).hexdigest()
    name = f"state-{digest[:16]}.safetensors"
    (folder.path / name).write_bytes(data)
    rewritten(folder, state={"file": name, "sha256": digest})


def state_path(folder):
    return folder.path / json.loads((folder.path / RUN).read_text())["state"]["file"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not JSON: Expecting value"),
        ("{", "not JSON"),
        ("\0", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ('{"a": ' * 100_000, "not JSON"),
        ("9" * 5000, "not JSON"),
        ("null", "not of linreg's making"),
        ("[]", "not of linreg's making"),
        ("{}", "not of linreg's making"),
        ('{"format": ["linreg run"]}', "not of linreg's making"),
        ('{"format": "linreg run"}', "of version None, and this linreg reads version 1"),
        ('{"format": "linreg run", "version": 2}', "of version 2"),
        ('{"format": "linreg run", "version": true}', "of version True"),
        ('{"format": "linreg run", "version": 1}', "names no state"),
    ],
)
def test_run_json_that_is_none(folder, text, said):
    save(folder, 1)
    (folder.path / RUN).write_text(text)
    with pytest.raises(BadInput, match=f"{RUN} cannot be read: .*{said}"):
        folder.load()
    with pytest.raises(BadInput):  # and nothing of what a person may want back is removed
        save(folder, 2)
    assert len(names(folder)) == 3


@pytest.mark.parametrize(
    "state",
    [
        "state",
        [],
        {},
        {"file": "state-0123456789abcdef.safetensors"},
        {"file": None, "sha256": "0"},
        {"file": "../state-0123456789abcdef.safetensors", "sha256": "0"},
        {"file": "/etc/passwd", "sha256": "0"},
        {"file": "state-0123456789abcdef.safetensors\n", "sha256": "0"},
        {"file": "state-0123456789abcdef.safetensors/../../x", "sha256": "0"},
        {"file": "state-0123456789ABCDEF.safetensors", "sha256": "0"},
        {"file": "run.json", "sha256": "0"},
        {"file": "state-0123456789abcdef.safetensors", "sha256": 0},
    ],
)
def test_a_state_is_in_the_folder_and_has_a_name_of_ours(folder, state):
    save(folder, 1)
    rewritten(folder, state=state)
    with pytest.raises(BadInput, match="it names no state"):
        folder.load()


def test_a_state_that_is_missing_or_changed(folder):
    save(folder, 1)
    path, data = state_path(folder), state_path(folder).read_bytes()
    for changed in (b"", data[:-1], data + b"0", bytes(len(data))):
        path.write_bytes(changed)
        with pytest.raises(BadInput, match=f"{path.name} is not as it was written"):
            folder.load()
    path.unlink()
    with pytest.raises(BadInput, match=f"{path} is missing"):
        folder.load()
    path.mkdir()
    with pytest.raises(BadInput, match=f"{path.name} is no file"):
        folder.load()


def test_any_bytes_for_a_state_are_read_or_refused(folder):
    save(folder, 1)
    data = state_path(folder).read_bytes()
    length = int.from_bytes(data[:8], "little")
    hostile = [data[:size] for size in range(0, len(data), 17)]
    hostile += [data[:place] + bytes([data[place] ^ 4]) + data[place + 1 :] for place in range(0, 8 + length, 5)]
    hostile += [(2**63 - 1).to_bytes(8, "little"), b"PK\x03\x04", b"\x80\x04."]
    for changed in hostile:
        with_state(folder, changed)
        with contextlib.suppress(BadInput):
            folder.load()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs mkfifo")
@pytest.mark.parametrize("name", [RUN, "state"])
def test_a_pipe_is_not_waited_for(folder, name):
    save(folder, 1)
    path = state_path(folder) if name == "state" else folder.path / name
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(BadInput, match="is no file"):
        folder.load()


def test_a_run_json_that_is_too_long_is_not_read(folder, monkeypatch):
    save(folder, 1)
    monkeypatch.setattr("linreg.saving.checkpoints.LONGEST_RUN", 10)
    with pytest.raises(BadInput, match="it is longer than 10 bytes"):
        folder.load()


def test_safetensors_is_asked_for(folder, monkeypatch):
    save(folder, 1)
    monkeypatch.setitem(sys.modules, "safetensors", None)
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    for use in (folder.load, lambda: save(folder, 2)):
        with pytest.raises(BadInput, match=r'need safetensors: in the checkout, pip install "\.\[save\]"'):
            use()
