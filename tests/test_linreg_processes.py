"""Several processes: each batch shared, one result; when one ends early all do, with one line."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("pyarrow")
pytest.importorskip("torch")

from forked import Forge
from group_programs import numbers
from hypothesis import example, given, settings, strategies as st

import minigrad
from linreg import endings
from linreg.__main__ import main
from linreg.processes import ALONE, Several, shared

ROOT = Path(__file__).parent.parent
NORRIS = str(ROOT / "examples" / "data" / "norris.csv")
LINREG = "linreg.__main__:main"


@pytest.fixture(scope="module")
def forked(tmp_path_factory):
    """Starts programs in several processes: see forked.py."""
    forge = Forge(tmp_path_factory.mktemp("forked"))
    yield forge
    forge.close()


def until(condition, seconds=60):
    """Wait for the condition; the limit is for a broken program, and no measure."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.001)


# Shares and sums


@given(rows=st.integers(0, 40), size=st.integers(1, 9))
def test_shares_are_the_batch_in_order_and_even(rows, size):
    X, y = minigrad.arange(2 * rows).reshape((rows, 2)), minigrad.arange(rows).reshape((rows, 1))
    shares = [Several.share(SimpleNamespace(rank=rank, size=size), X, y) for rank in range(size)]
    assert [row for share, _ in shares for row in share.tolist()] == X.tolist()
    assert [row for _, share in shares for row in share.tolist()] == y.tolist()
    counts = {len(part) for share in shares for part in share}
    assert max(counts) - min(counts) <= 1
    assert all(shared is whole for shared, whole in zip(ALONE.share(X, y), (X, y), strict=True))


@pytest.mark.parametrize("library", ["minigrad", "torch"])
def test_torch_sees_a_tensor_in_the_memory_that_it_has(library):
    torch = pytest.importorskip("torch")
    module = {"minigrad": minigrad, "torch": torch}[library]
    tensor = module.zeros(3, 2, requires_grad=True)
    seen = shared(tensor)
    assert isinstance(seen, torch.Tensor)
    assert not seen.requires_grad
    assert seen.data_ptr() == tensor.data_ptr()
    seen[1] = 7
    assert tensor.tolist() == [[0, 0], [7, 7], [0, 0]]
    with module.no_grad():
        tensor += 1
    assert seen.tolist() == [[1, 1], [8, 8], [1, 1]]
    assert shared(module.ones(()).sum()).shape == ()


@pytest.mark.parametrize("size", [2, 4])
def test_sums_are_the_same_everywhere_and_only_the_first_process_prints(forked, size):
    run = forked(size, "group_programs:sums")
    assert run.wait() == [0] * size, run.err()
    total = np.sum([numbers(rank).astype("float64") for rank in range(size)], axis=0)
    first = run.out().splitlines()
    for line in first[:2]:  # of minigrad, and of torch
        matrix, number, nothing = json.loads(line)
        assert np.ravel(matrix, order="F").tolist() == pytest.approx(total[:6], abs=1e-6)
        assert number == pytest.approx(total[6], abs=1e-6)
        assert nothing == []
    assert first[0] == first[1]
    assert first[2:] == [f"{[1 / 3, 0.0]}", f"process 0 of {size} prints"]
    assert all(run.out(rank).splitlines() == first[:3] for rank in range(1, size))
    assert run.err() == "and warns\n"


# One run


OPTIONS = st.fixed_dictionaries(
    {
        "--optimizer": st.sampled_from(["sgd", "momentum", "adam"]),
        "--batch-size": st.sampled_from([3, 10, 64]),
        "--num-examples": st.sampled_from([5, 37]),
        "--true-w": st.sampled_from(["3", "2,-3.4,1"]),
        "--backend": st.sampled_from(["minigrad", "torch"]),
    },
    optional={
        "--validation": st.just(0.3),
        "--weight-decay": st.just(0.05),
        "--until": st.just(0.3),
    },
)
VALIDATED = {
    "--optimizer": "adam",
    "--batch-size": 10,
    "--num-examples": 37,
    "--true-w": "3",
    "--backend": "torch",
    "--validation": 0.3,
}


def same_run(forked, size, words):
    """Assert that so many processes end as one does, whose result it returns."""
    alone, several = (forked(count, LINREG, *words, "--json", "--seed", 3) for count in (1, size))
    assert alone.wait() == [0], alone.err()
    assert several.wait() == [0] * size, several.err()
    assert several.err() == alone.err()
    assert all(several.out(rank) == "" for rank in range(1, size))
    results = [json.loads(run.out()) for run in (alone, several)]
    for one, other in zip(*map(leaves, results), strict=True):
        if isinstance(one, float):
            assert other == pytest.approx(one, rel=1e-6, abs=1e-9)
        else:
            assert other == one
    return results[0]


def leaves(result):
    if isinstance(result, dict):
        return [leaf for name in result for leaf in [name, *leaves(result[name])]]
    return [leaf for item in result for leaf in leaves(item)] if isinstance(result, list) else [result]


@given(size=st.sampled_from([2, 4]), options=OPTIONS)
@example(size=4, options=VALIDATED)
@settings(max_examples=5)
def test_several_processes_end_as_one(forked, size, options):
    words = [word for pair in options.items() for word in pair]
    same_run(forked, size, [*words, "--dtype", "float64", "--num-epochs", 2])


@given(size=st.integers(2, 5), options=OPTIONS)
@settings(max_examples=60)
@pytest.mark.slow
def test_many_runs_of_several_processes_end_as_one(forked, size, options):
    words = [word for pair in options.items() for word in pair]
    same_run(forked, size, [*words, "--dtype", "float64", "--num-epochs", 3])


@pytest.mark.parametrize(
    ("size", "words"),
    [(4, []), (2, ["--backend", "torch"]), (3, ["--buffer", 7, "--optimizer", "momentum"])],
    ids=["in memory", "on torch", "in pieces"],
)
def test_a_table_is_shared_as_well(forked, size, words):
    table = ["--data", NORRIS, "--target", "y", "--dtype", "float64", "--validation", 0.2, "--num-epochs", 12]
    result = same_run(forked, size, [*table, *words])
    assert len(result["validation_losses"]) > 1


def test_float32_differs_by_its_rounding(forked):
    alone, several = (forked(size, LINREG, "--json", "--seed", 1) for size in (1, 2))
    assert [alone.wait(), several.wait()] == [[0], [0, 0]]
    one, other = (json.loads(run.out()) for run in (alone, several))
    assert other["w"]["estimate"] == pytest.approx(one["w"]["estimate"], abs=1e-6)
    assert other["b"]["estimate"] == pytest.approx(one["b"]["estimate"], abs=1e-6)
    assert other["losses"] == pytest.approx(one["losses"], abs=1e-6)


def test_a_seed_that_nobody_gave_is_common(forked):
    run = forked(3, LINREG, "--json", "--num-epochs", 1)
    assert run.wait() == [0, 0, 0], run.err()
    again = forked(3, LINREG, "--json", "--num-epochs", 1, "--seed", json.loads(run.out())["seed"])
    assert again.wait() == [0, 0, 0]
    assert again.out() == run.out()


def test_divergence_is_noticed_by_all_and_told_once(forked):
    run = forked(2, LINREG, "--lr", 30, "--seed", 0)
    assert run.wait() == [1, 1]
    assert re.fullmatch(r"linreg: error: training diverged in epoch 1, step \d+: .*\n", run.err())
    assert run.out().startswith("estimated w: ")


@pytest.mark.slow  # the page of docs/regression.md has a shorter one
def test_torchrun_saves_and_prints_what_one_process_does(tmp_path):
    words = ["-m", "linreg", "fit", "--data", NORRIS, "--target", "y", "--seed", "0"]
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    result = subprocess.run(
        [*torchrun, *words, "--save", tmp_path / "run"], capture_output=True, text=True, timeout=100
    )
    assert result.returncode == 0, result.stderr
    alone = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=True)
    epochs = [line for line in alone.stdout.splitlines() if line.startswith("epoch")]
    assert result.stdout.splitlines()[: len(epochs)] == epochs
    assert result.stdout.count("(intercept)") == 1
    assert main(["show", str(tmp_path / "run"), "--json"]) == 0


# Early ends


RESUME = "; --resume DIR goes on from it"


@pytest.mark.parametrize(
    ("how", "statuses", "said"),
    [
        ("all refuse", [2, 2, 2], "a word, where numbers belong"),
        ("one refuses", [3, 2, 3], "process 1 of 3: a word, where numbers belong"),
        ("they differ", [2, 2, 2], "the 3 processes do not hold the same parameters, and cannot train together"),
        ("all are interrupted", [130, 130, 130], "interrupted"),
        (
            "one is killed",
            [3, -signal.SIGKILL, 3],
            f"process 1 of 3 ended or no longer answers, so the others have stopped{RESUME}",
        ),
    ],
)
def test_all_end_with_one_line(forked, how, statuses, said):
    run = forked(3, "group_programs:ends", how, 60)
    assert run.wait() == statuses
    assert " ".join(run.err().split()) == said


def test_a_fault_keeps_its_traceback(forked):
    run = forked(3, "group_programs:ends", "one has a bug", 60)
    assert run.wait() == [3, 1, 3]
    traces = [(run.folder / f"err-{rank}").read_text() for rank in range(3)]
    assert traces[1].startswith("Traceback")
    assert traces[1].endswith("ZeroDivisionError: nobody has foreseen it\n")
    assert set(traces[::2]) <= {"", "process 1 of 3: ZeroDivisionError: nobody has foreseen it\n"}


def test_nobody_waits_long_for_a_process_that_hangs_nor_after_a_signal(forked):
    """At the same time, since both take seconds."""
    hanging = forked(3, "group_programs:ends", "one hangs", 1)
    run = forked(2, "group_programs:ends", "one is slow", 60)
    until(lambda: all("working" in run.out(rank) for rank in range(2)))
    os.kill(run.pids[0], signal.SIGTERM)
    until(lambda: run.err())
    os.kill(run.pids[1], signal.SIGTERM)
    assert run.wait() == [3, 3]
    assert "process 1 of 2 ended or no longer answers" in run.err()
    until(lambda: "others have stopped" in hanging.err())
    os.kill(hanging.pids[1], signal.SIGKILL)
    assert hanging.wait() == [3, -signal.SIGKILL, 3]
    assert hanging.err() == f"process 1 of 3 ended or no longer answers, so the others have stopped{RESUME}\n"


def test_who_ends_does_not_wait_for_a_sum_that_others_do_not_join(monkeypatch):
    """The store is one of this process alone, where the other one has left its word."""

    class Store(dict):
        set, check = dict.__setitem__, staticmethod(lambda keys: True)

        def add(self, key, number):
            return number

    monkeypatch.setattr(endings, "ROLL_CALL", 0.05)
    joined, parted = threading.Event(), threading.Event()

    def part():
        joined.wait(20)
        parted.set()

    speaks, line = endings.Endings(Store({"end/1": "null"}), 0, 2, "go on")._roll_call("a word", part)
    assert not parted.is_set()
    joined.set()
    assert (speaks, line) == (True, "process 0 of 2: a word")


def test_terminated_together_they_say_so_once(forked):
    run = forked(2, LINREG, "--num-epochs", 100_000, "--seed", 0)
    until(lambda: "epoch 1," in run.out())
    for pid in run.pids:
        os.kill(pid, signal.SIGTERM)
    assert run.wait() == [3, 3]
    assert run.err() == (
        "linreg: error: the 2 processes were told to stop, or have lost their connections; start it again, with --save DIR\n"
    )


@pytest.mark.parametrize(
    ("rank", "who"), [(0, "process 0, which keeps the 3 processes together,"), (2, "process 2 of 3")]
)
def test_when_one_dies_in_training_the_others_stop(forked, rank, who):
    run = forked(3, LINREG, "--num-epochs", 100_000, "--seed", 0)
    until(lambda: "epoch 1," in run.out())
    os.kill(run.pids[rank], signal.SIGKILL)
    statuses = run.wait()
    assert statuses.pop(rank) == -signal.SIGKILL
    assert statuses == [3, 3]
    said = (
        f"linreg: error: {who} ended or no longer answers, so the others have stopped; start it again, with --save DIR"
    )
    lines = run.err().splitlines()
    assert set(lines) == {said}
    assert len(lines) <= (1 if rank else 2)  # without process 0 the others cannot agree on who says it


def test_a_file_that_is_missing_is_told_once(forked, tmp_path):
    run = forked(3, LINREG, "--data", tmp_path / "none.csv", "--target", "y")
    assert run.wait() == [2, 2, 2]
    assert run.err() == f"linreg: error: cannot read {tmp_path / 'none.csv'}: No such file or directory\n"


@pytest.mark.parametrize("words", [["--weight-decay", "1"], ["--batch-size", "7"], ["--until", "0.5"]])
def test_options_that_are_not_the_same_are_refused(forked, words):
    run = forked(2, "group_programs:the_second_with", *words)
    assert run.wait() == [2, 2]
    assert run.err() == "linreg: error: the 2 processes do not hold the same options, and cannot train together\n"


def test_data_beyond_the_dtype_are_not_taken_for_others(forked):
    run = forked(2, LINREG, "--true-w", "1e38", "--true-b", "1e38", "--seed", 0)
    assert run.wait() == [2, 2]
    assert "the values exceed the dtype" in run.err()


def test_data_that_are_not_the_same_are_refused(forked, tmp_path):
    for rank in range(2):
        folder = tmp_path / str(rank)
        folder.mkdir()
        (folder / "t.csv").write_text("y,x\n" + "".join(f"{i * i + rank * i},{i}\n" for i in range(9)))
    run = forked(2, "group_programs:in_own_folder", tmp_path, "--data", "t.csv", "--target", "y", "--no-intercept")
    assert sorted(run.wait()) == [2, 3]
    assert (
        run.err()
        == "linreg: error: process 1 of 2: the data are not those of the first process: all have to read the same\n"
    )


@pytest.mark.slow
@pytest.mark.parametrize("killed", [0, 1])
def test_under_torchrun_too(tmp_path, killed):
    folder = tmp_path / "run"
    words = ["-m", "linreg", "fit", "--seed", "0", "--num-epochs", "100000", "--save", str(folder)]
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as torchrun:
        assert torchrun.stdout.readline().startswith("epoch 1,")
        started = subprocess.run(["ps", "--ppid", str(torchrun.pid), "-o", "pid="], capture_output=True, text=True)
        os.kill(int(started.stdout.split()[killed]), signal.SIGKILL)
        err = torchrun.communicate(timeout=100)[1]
    assert torchrun.returncode != 0
    told = [line for line in err.splitlines() if line.startswith("linreg:")]
    assert told == [
        f"linreg: error: process {killed} of 2 ended or no longer answers, so the others have stopped; "
        f"--resume {folder} goes on from where it was saved last"
    ]


# Going on


def bytes_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_run_that_lost_a_process_goes_on_to_the_same_bytes(forked, tmp_path):
    pytest.importorskip("safetensors")
    words = ["--optimizer", "adam", "--num-epochs", 8, "--num-examples", 300, "--validation", 0.2, "--seed", 4]
    whole = forked(2, LINREG, *words, "--json", "--save", tmp_path / "whole", "--save-every", 7)
    assert whole.wait() == [0, 0], whole.err()
    cut = tmp_path / "cut"
    run = forked(2, LINREG, *words, "--save", cut, "--save-every", 7)
    until(lambda: (cut / "run.json").exists() and json.loads((cut / "run.json").read_text())["position"]["steps"])
    os.kill(run.pids[1], signal.SIGKILL)
    assert run.wait() == [3, -signal.SIGKILL]
    assert run.err() == (
        "linreg: error: process 1 of 2 ended or no longer answers, so the others have stopped; "
        f"--resume {cut} goes on from where it was saved last\n"
    )
    again = forked(2, LINREG, "--resume", cut, "--json")
    assert again.wait() == [0, 0], again.err()
    assert again.out() == whole.out()
    assert bytes_of(cut) == bytes_of(tmp_path / "whole")


def test_a_folder_that_holds_a_run_stops_all(forked, tmp_path):
    pytest.importorskip("safetensors")
    first = forked(1, LINREG, "--save", tmp_path / "run", "--num-epochs", 1)
    assert first.wait() == [0], first.err()
    run = forked(2, LINREG, "--save", tmp_path / "run")
    assert run.wait() == [2, 3]
    assert re.fullmatch(r"linreg: error: process 0 of 2: .* holds a run already: .*\n", run.err())


# What cannot be


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--optimizer", "newton"], "--optimizer newton makes one step of all rows, and several processes"),
        (["--optimizer", "lstsq"], "--optimizer lstsq makes one step of all rows"),
        (["--data", "-", "--target", "y"], "--data -: several processes cannot read one pipe"),
        (["--explain"], "--explain shows one process's step"),
        (["--epochs", "3"], "unrecognized arguments: --epochs 3"),
    ],
)
def test_what_cannot_be_shared_is_refused_by_the_first(forked, words, said):
    run = forked(2, LINREG, *words)
    assert run.wait() == [2, 2]
    assert said in run.err()
    assert len(run.err().splitlines()) == 1


def test_a_pipe_with_a_name_is_a_pipe(monkeypatch, capsys, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for name, value in {"RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "localhost", "MASTER_PORT": "1"}.items():
        monkeypatch.setenv(name, value)
    assert main(["--data", str(tmp_path / "pipe"), "--target", "y"]) == 2
    assert "several processes cannot read one pipe" in capsys.readouterr().err


@pytest.mark.parametrize(
    "place",
    [
        {"RANK": "0", "WORLD_SIZE": "2"},
        {"RANK": "2", "WORLD_SIZE": "2", "MASTER_ADDR": "localhost", "MASTER_PORT": "1"},
        {"RANK": "one", "WORLD_SIZE": "2", "MASTER_ADDR": "localhost", "MASTER_PORT": "1"},
        {"RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "localhost", "MASTER_PORT": "http"},
    ],
)
def test_an_environment_that_makes_no_sense_is_refused(monkeypatch, capsys, place):
    for name, value in place.items():
        monkeypatch.setenv(name, value)
    assert main(["--seed", "0"]) == 2
    err = capsys.readouterr().err
    assert "the environment does not say which process of several this is (RANK=" in err
    assert err.endswith("): use torchrun\n")


@pytest.mark.parametrize("place", [{}, {"RANK": "0", "WORLD_SIZE": "1"}, {"WORLD_SIZE": "4"}])
def test_a_process_alone_loads_no_torch(place):
    program = "import sys, linreg.__main__ as m; m.main(['--num-epochs', '1']); sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], env=os.environ | place, check=True, stdout=subprocess.DEVNULL)


def test_several_processes_need_torch(monkeypatch, capsys):
    for name, value in {"RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "localhost", "MASTER_PORT": "1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setitem(sys.modules, "torch.distributed", None)
    assert main(["--seed", "0"]) == 2
    err = capsys.readouterr().err
    assert "several processes need torch, which cannot be loaded" in err
    assert 'pip install ".[torch]"' in err


def test_a_process_that_others_do_not_join_gives_up(forked):
    run = forked(1, LINREG, "--timeout", 1, RANK=1, WORLD_SIZE=2, MASTER_ADDR="127.0.0.1", MASTER_PORT=1)
    assert run.wait() == [2]
    assert re.search(r"^linreg: error: process 1 of 2 cannot join the others at 127.0.0.1:1: ", run.err(), re.MULTILINE)


def test_a_timeout_needs_others(capsys):
    assert main(["--timeout", "5"]) == 2
    assert "--timeout needs several processes: start them with torchrun" in capsys.readouterr().err


@pytest.mark.parametrize("seconds", ["1e-9", "0.5", "1000001", "1e30", "inf", "soon"])
def test_a_timeout_that_no_clock_of_torch_holds_is_refused(capsys, seconds):
    assert main(["--timeout", seconds]) == 2
    assert f"{seconds!r} is not a number of seconds from 1 to 1000000" in capsys.readouterr().err
