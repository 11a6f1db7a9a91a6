"""`linreg --explain`: the first training step, shown as it is."""

import contextlib
import io
import json
import random
import re
import subprocess
import sys
from xml.etree import ElementTree

import numpy as np
import pytest

pytest.importorskip("pyarrow")
pytest.importorskip("torch")
pytest.importorskip("rich")
import torch
from linreg_command import linreg
from test_linreg_cli import COMMAND, NORRIS, ROOT, assert_refused

import linreg.train as linreg_train
from linreg.__main__ import main as linreg_main
from linreg.data import data_iter, synthetic_data
from linreg.model import init_params, linreg as net, squared_loss
from linreg.tables import load

COUNT = r"[-+.\d]+(?:e[-+]\d+)?"


def first_gradients(X, y, batch_size):
    """w's and b's in torch's first step on these data, from where the streams stand now."""
    w, b = init_params(X.shape[1], torch=torch)
    X, y = next(data_iter(batch_size, X, y, torch=torch))
    squared_loss(net(X, w, b, torch=torch), y).sum().backward()
    return w.grad.numpy(), b.grad.numpy()


def synthetic(seed, batch_size):
    """The gradients of the synthetic job's first step, by torch."""
    torch.manual_seed(seed)
    random.seed(seed)
    return first_gradients(*synthetic_data(torch.tensor([2.0, -3.4]), 4.2, 1000, torch=torch), batch_size)


def printed_gradients(text):
    """The numbers of the rows of w and b in the last column of the table of leaves."""
    column = [line.rsplit("│", 2)[1:2] for line in text.splitlines() if line.count("│") == 5]
    numbers = [float(n) for cell in column for n in re.findall(COUNT, cell[0])]
    return np.array(numbers[:-1]), np.array(numbers[-1:])


def as_data(*argv):
    status, out, _ = linreg("--explain", "--json", *argv)
    assert status == 0
    return json.loads(out)


def leaf_gradients(shown):
    """The gradients of w and b in the data."""
    names = {node["id"]: node["name"] for node in shown["nodes"]}
    found = {names[ledger["node"]]: ledger["after"]["data"] for ledger in shown["ledgers"].values() if ledger["after"]}
    return np.array(found["w"]), np.array(found["b"])


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_printed_gradients_are_those_of_torchs_first_step(seed, lang):
    status, out, err = linreg("--explain", "--seed", seed, "--lang", lang)
    assert (status, err) == (0, "")
    for shown, real in zip(printed_gradients(out), synthetic(seed, 3), strict=True):
        np.testing.assert_allclose(shown, real.ravel(), atol=1e-4)
    assert ("Backward pass" in out, "反向传播" in out) == (lang == "en", lang == "zh")


def test_the_data_are_torchs_too_and_every_value_is_known():
    shown = as_data("--seed", 0)
    for ours, real in zip(leaf_gradients(shown), synthetic(0, 3), strict=True):
        np.testing.assert_allclose(ours, real, rtol=1e-5)
    assert all(node["value"]["data"] is not None for node in shown["nodes"])
    lines = {node["place"]["source"].strip() for node in shown["nodes"] if node["place"]}
    assert "return torch.matmul(X, w) + b" in lines


def test_the_step_is_the_one_that_training_makes(monkeypatch):
    """The command's own first update, with the same options, uses the gradients that are shown."""
    updates = []

    def sgd(params, lr, batch_size, *, torch):
        updates.append([param.grad.numpy().copy() for param in params])
        raise KeyboardInterrupt

    monkeypatch.setattr(linreg_train, "sgd", sgd)
    options = ("--seed", 5, "--batch-size", 7, "--true-w", "1,2,3")
    assert linreg(*options)[0] == 130
    for ours, real in zip(leaf_gradients(as_data(*options)), updates[0], strict=True):
        np.testing.assert_array_equal(ours.astype(np.float32), real)


def test_a_tables_first_batch():
    shown = as_data("--seed", 3, "--data", NORRIS, "--target", "y")
    torch.manual_seed(3)
    random.seed(3)
    examples = load(NORRIS, "y", torch=torch).examples
    for ours, real in zip(leaf_gradients(shown), first_gradients(examples.X, examples.y, 3), strict=True):
        np.testing.assert_allclose(ours, real, rtol=1e-5)


def test_three_rows_unless_told_otherwise():
    def rows(shown):
        return next(node["value"]["shape"][0] for node in shown["nodes"] if node["name"] == "X")

    assert rows(as_data("--seed", 0)) == 3
    assert rows(as_data("--seed", 0, "--batch-size", 5)) == 5
    assert rows(as_data("--seed", 0, "--num-examples", 2)) == 2


def test_a_page(tmp_path):
    file = tmp_path / "step.html"
    assert linreg("--explain", file, "--seed", 0, "--lang", "zh") == (0, f"wrote {file}\n", "")
    text = file.read_text(encoding="utf-8")
    assert text.startswith(("<!DOCTYPE html>", "<!doctype html>"))
    assert 'lang="zh-CN"' in text
    assert "torch.matmul(X, w) + b" in text


def test_a_picture(tmp_path):
    file = tmp_path / "step.svg"
    assert linreg("--explain", file, "--seed", 0) == (0, f"wrote {file}\n", "")
    text = "".join(ElementTree.parse(file).getroot().itertext())
    assert f".grad [{synthetic(0, 3)[1].item():.4g}]" in text


def test_refused_in_one_line(tmp_path):
    assert "--backend torch" in assert_refused("--explain", "--backend", "torch")
    assert "'step.png'" in assert_refused("--explain", "step.png")
    assert "--lang needs --explain" in assert_refused("--lang", "zh")
    for name in ("step.svg", "step.html"):
        file = tmp_path / "nowhere" / name
        assert f"cannot write {file}: " in assert_refused("--explain", file, "--seed", 0)


def test_without_rich_one_line_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "rich.console", None)
    assert '".[show]"' in assert_refused("--explain", "--seed", 0)
    assert linreg("--explain", tmp_path / "step.html", "--seed", 0)[0] == 0


def test_a_closed_pipe_ends_quietly():
    with subprocess.Popen(
        [*COMMAND, "--explain", "--seed", "0"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as child:
        child.stdout.close()
        assert (child.stderr.read(), child.wait(timeout=60)) == (b"", 141)


def test_a_terminal_that_knows_ascii_only():
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    with contextlib.redirect_stdout(out):
        assert linreg_main(["--explain", "--seed", "0"]) == 0
    out.flush()
    assert b"-10.9346" in out.buffer.getvalue()
