"""`python -m minigrad compare`: two runs beside each other, and the first place where they part."""

import io
import json
import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("rich")
from side_by_side import compared_here, run_here

from minigrad import comparing
from minigrad.__main__ import main
from minigrad.comparing import recording
from minigrad.comparing.differences import compared
from minigrad.comparing.events import WHOLE, Event, Kept, read, write

TRAINING = """
import os, random
import sys
import torch

w = torch.normal(0, 1, size=(2, 1), requires_grad=True)
state = {"b": [torch.zeros(1, requires_grad=True)]}
net = torch.nn.Linear(2, 1)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
X = torch.randn(20, 2)
frozen = torch.nn.Linear(1, 1).requires_grad_(False)
print("drawn", random.random(), X[0, 0].item(), "threads:", os.environ["OMP_NUM_THREADS"])
for step in range(3):
    loss = ((X @ w + state["b"][0] + net(X) - 1) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    with torch.no_grad():
        for p in (w, state["b"][0]):
            p -= 0.1 * p.grad
            p.grad.zero_()
    if "plant" in sys.argv and step == 1 and torch.__name__ == "minigrad":
        net.weight.data[0, 1] += 0.01
    with torch.no_grad():
        print(f"step {step}, loss {loss.item():.5f}")
print("<script>alert(1)</script>", end="")
"""
NAMES = ["w", "state['b'][0]", "net.weight", "net.bias"]


@pytest.fixture(scope="module")
def script(tmp_path_factory):
    path = tmp_path_factory.mktemp("scripts") / "training.py"
    path.write_text(TRAINING)
    return path


@pytest.fixture(scope="module")
def alike(script):
    return comparing.compare(script)


@pytest.fixture(scope="module")
def planted(script):
    return compared_here(script, "plant")


def texts(comparison):
    return [pair.minigrad.text for step in comparison.steps for pair in step.pairs if pair.kind == "text"]


def test_runs_that_are_alike(alike):
    assert alike.parting is None
    assert alike.errors == {}
    assert [step.number for step in alike.steps] == [0, 1, 2, 3]
    for step in alike.steps[1:]:
        kinds = [(pair.kind, pair.name) for pair in step.pairs]
        assert sorted(kinds[:4]) == [("parameter", n) for n in sorted(NAMES)]
        assert kinds[4] == ("loss", "")
        assert sorted(kinds[5:9]) == [("gradient", n) for n in sorted(NAMES)]
    assert texts(alike)[0].startswith("drawn 0.844421851525")  # both Python's stream and the library's begin with 0
    assert texts(alike)[0].endswith("threads: 1")
    assert texts(alike)[-1] == "<script>alert(1)</script>"
    assert len(texts(alike)) == 5


def test_time_is_told_by_phase(alike):
    for seconds in alike.seconds().values():
        assert all(seconds[phase] > 0 for phase in ("forward", "backward", "update", "evaluation"))
    first, *steps = alike.steps
    assert first.seconds["torch"]["backward"] == first.seconds["torch"]["update"] == 0
    assert all(step.seconds["minigrad"]["update"] > 0 for step in steps)


def test_the_time_in_which_torch_loads_its_compiler_is_nobodys(monkeypatch):
    recorder = recording.Recorder(None, io.BytesIO(), "")

    def loaded(name):
        assert name == "torch._dynamo"
        recorder.seconds["evaluation"] += 100  # it goes through no_grad itself

    monkeypatch.setattr(recording, "import_module", loaded)
    assert recorder.around_making(lambda *args: args)(1, 2) == (1, 2)
    assert recorder.seconds["evaluation"] == 0


def test_the_first_parting_is_found_with_its_line(planted, script):
    number, pair = planted.parting
    assert (number, pair.kind, pair.name) == (3, "parameter", "net.weight")
    assert pair.difference == pytest.approx(0.01, rel=1e-3)
    told = told_text(planted)
    assert "They part at step 3: the parameter net.weight differs: the update before it does not do the same" in told
    assert f'File "{script}", line 16\n    loss.backward()' in told
    assert re.search(r"step 0, loss .* same ", told)
    assert re.search(r"step 2, loss .* differs ", told)


def told_text(comparison, **how):
    file = io.StringIO()
    comparing.told(comparison, file=file, **how)
    return file.getvalue()


def test_the_table_has_losses_texts_and_times(alike):
    told = told_text(alike)
    assert len(re.findall(r"loss \d", told)) >= 6
    assert len(re.findall(r"│ +\d │ +16 │ loss", told)) == 3
    assert "<script>alert(1)</" in told
    assert "updates" in told
    assert told.splitlines()[-1] == "The two runs are alike: 3 backward passes, 5 printed lines, random seed 0."
    chinese = told_text(alike, lang="zh")
    assert "两次运行一致：3 次反向传播，5 行输出" in chinese
    with pytest.raises(ValueError, match="lang must be one of 'en', 'zh'"):
        told_text(alike, lang="fr")


def test_the_page_holds_text_as_text(planted, tmp_path):
    comparing.page(planted, tmp_path / "page.html", lang="zh")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert page.count('class="bad"') == 1
    assert '<html lang="zh-CN">' in page
    assert "http" not in page.replace("http-equiv", "")
    assert page.count("<details>") == 3


def test_json_is_whole_and_has_no_infinities(planted):
    data = json.loads(json.dumps(comparing.to_json(planted), allow_nan=False))
    assert data["alike"] is False
    assert data["parting"]["step"] == 3
    assert len(data["steps"]) == 4
    assert set(data["seconds"]) == {"torch", "minigrad"}


def test_the_command_tells_what_ended_a_run(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(comparing, "_run", run_here)
    script = tmp_path / "one_sided.py"
    script.write_text("import os, torch\nprint('before')\nif torch.__name__ == 'minigrad': torch.no_such_name\n")
    assert main(["compare", "--html", str(tmp_path / "c.html"), str(script)]) == 1
    out = capsys.readouterr().out
    assert "minigrad ended with an error:" in out
    assert "one_sided.py:3: torch.no_such_name is not in minigrad" in out
    assert "They part before the first backward pass: the runs end differently" in out
    assert (tmp_path / "c.html").exists()


def test_passes_from_edges_and_addresses_of_objects_are_no_differences(tmp_path):
    script = tmp_path / "edges.py"
    script.write_text(
        "import torch\nfrom torch.autograd.graph import get_gradient_edge\n"
        "x = torch.ones(2, requires_grad=True)\ny = x * 2\nprint(y.grad_fn)\n"
        "torch.autograd.backward(get_gradient_edge(y), torch.ones(2), retain_graph=True)\n"
        "torch.autograd.backward([get_gradient_edge(y)], [torch.ones(2)])\n"
    )
    found = compared_here(script)
    assert found.errors == {}
    assert [pair.name for step in found.steps for pair in step.pairs if pair.kind == "gradient"] == ["x", "x"]
    assert told_text(found).splitlines()[-1].startswith("The two runs are alike: 2 backward passes, 1 printed lines")


def test_options_after_the_script_are_its_own_and_a_line_says_so(monkeypatch, capsys):
    options = ["--html=c.html", "--lang", "zh"]

    def compare(script, arguments, *, running, **how):
        assert (script, arguments) == ("short.py", options)
        return compared(script, 0, [event("end")], [event("end")])

    monkeypatch.setattr(comparing, "compare", compare)
    assert main(["compare", "short.py", *options]) == 0
    out, err = capsys.readouterr()
    assert "The two runs are alike" in out
    assert err.splitlines()[-1] == (
        "minigrad: the script was given --html=c.html, --lang; options of compare stand before the script's name"
    )


def test_a_script_that_imports_minigrad_itself_is_refused_in_one_line(tmp_path, capsys):
    script = tmp_path / "ours.py"
    script.write_text("import minigrad as torch\nfrom minigrad import nn\n")
    assert main(["compare", str(script)]) == 2
    told = f"minigrad: {script} imports minigrad, so both runs are minigrad's: compare needs `import torch`\n"
    assert capsys.readouterr() == ("", told)
    assert not comparing._is_of_minigrad_alone(b"import minigrad\nimport torch.nn as nn\n")


def test_a_closed_pipe_is_no_error(tmp_path):
    script = tmp_path / "long.py"
    script.write_text("import torch\nprint('long' * 50_000)\n")  # more than a pipe holds
    command = f"{sys.executable} -m minigrad compare --json {script} | head -c 9"
    ran = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=60)
    assert (ran.stdout, ran.stderr) == ('{"script"', "")


def test_a_process_that_dies_is_told(tmp_path):
    script = tmp_path / "dies.py"
    script.write_text("import os, torch\nprint('before', flush=True)\nos._exit(7)\n")
    found = comparing.compare(script)
    assert found.errors["torch"].startswith("SystemExit: the process ended with status 7.")
    assert found.parting is None  # both did


# What counts as a difference


def event(kind="print", line=1, text="", **more):
    return Event(kind, "s.py", line, text, **more)


def kept(*numbers, dtype="float32"):
    array = np.array(numbers, dtype)
    return Kept(array.shape, dtype, float(np.linalg.norm(array.astype(float))), array)


def passed(loss, gradient, line=2):
    return event("backward", line, loss=kept(loss), parameters={"w": kept(1.0)}, gradients={"w": kept(*gradient)})


def kind_of_parting(one, two, **how):
    found = compared("s.py", 0, [*one, event("end")], [*two, event("end")], **how).parting
    return found and (found[0], found[1].kind)


@pytest.mark.parametrize(
    ("one", "two", "parting"),
    [
        ("loss 1.00000", "loss 1.00001", None),
        ("loss 1.0", "loss 1.1", (0, "text")),
        ("loss 1.0", "Loss 1.0", (0, "text")),
        ("3 of 5", "3 of 50", (0, "text")),
    ],
)
def test_texts(one, two, parting):
    assert kind_of_parting([event(text=one)], [event(text=two)]) == parting
    assert kind_of_parting([event(text=one)], [event(text=two)], ignore="(?i)loss|of") is None


def test_a_line_that_one_side_lacks():
    assert kind_of_parting([event(text="a")], []) == (0, "text")


def test_rounding_is_measured_by_what_a_tensor_has_held():
    big, small = passed(100.0, [50.0, 1.0]), passed(1e-6, [3e-6, 0.0])
    other = replace(small, gradients={"w": kept(-3e-6, 0.0)})
    assert kind_of_parting([big, small], [big, other]) is None
    assert kind_of_parting([small], [replace(small, gradients={"w": kept(-0.3, 0.0)})]) == (1, "gradient")
    assert kind_of_parting([big], [replace(big, gradients={"w": kept(50.01, 1.0)})]) == (1, "gradient")
    double = {"w": kept(50.0, 1.0, dtype="float64")}
    assert kind_of_parting([big], [replace(big, gradients=double)]) == (1, "gradient")
    assert kind_of_parting([big], [replace(big, gradients={"w": kept(50.0)})]) == (1, "gradient")
    assert kind_of_parting([big], [replace(big, gradients={})]) == (1, "gradient")


def test_gradients_that_are_rounding_alone_do_not_part_nor_what_adam_makes_of_them():
    def steps(noise, moved, other=1.0):
        now = replace(passed(1.0, []), gradients={"bias": kept(noise, 0.5), "w": kept(other)})
        return [now, replace(now, parameters={"bias": kept(moved, 2.0)})]

    assert kind_of_parting(steps(3e-9, 0.01), steps(-2e-9, -0.01)) is None
    assert kind_of_parting(steps(3e-9, 0.01), steps(3e-9, -0.01)) == (2, "parameter")
    assert kind_of_parting(steps(5e-5, 0.01), steps(4e-5, -0.01)) == (2, "parameter")
    assert kind_of_parting(steps(3e-5, 0.01), steps(-2e-5, 0.01, 0.9)) == (1, "gradient")
    assert kind_of_parting(steps(3e-4, 0.01), steps(-2e-4, 0.01)) == (1, "gradient")
    reshaped = replace(passed(1.0, []), gradients={"bias": kept(1.0), "w": kept(1.0)})
    assert kind_of_parting([*steps(3e-9, 0.01), reshaped], [*steps(-2e-9, 0.01), reshaped]) is None


def test_no_number_and_infinities_are_alike_only_with_themselves():
    nan, inf = passed(float("nan"), [1.0]), passed(float("inf"), [1.0])
    assert kind_of_parting([nan, inf], [nan, inf]) is None
    assert kind_of_parting([nan], [inf]) == (1, "loss")
    assert kind_of_parting([passed(1.0, [1.0])], [nan]) == (1, "loss")
    assert kind_of_parting([inf], [passed(float("-inf"), [1.0])]) == (1, "loss")


def test_what_is_no_number_has_a_name_in_json():
    nan = float("nan")
    found = compared("s.py", 0, [passed(1.0, [nan]), event("end")], [passed(nan, [1.0]), event("end")])
    data = json.loads(json.dumps(comparing.to_json(found), allow_nan=False))
    assert [pair["difference"] for pair in data["steps"][1]["pairs"]] == [0.0, "nan", "nan"]


def test_a_block_without_grad_is_an_update_if_it_changes_a_parameter(tmp_path):
    script = tmp_path / "by_hand.py"
    script.write_text(
        "import time, torch\n"
        "w = torch.ones(2, requires_grad=True)\n"
        "(w * w).sum().backward()\n"
        "with torch.no_grad():\n    time.sleep(0.05)\n    w -= w.grad\n"
        "with torch.no_grad():\n    time.sleep(0.1)\n    w * 2\n"
    )
    with (tmp_path / "events").open("w+b") as file:
        command = [sys.executable, "-m", "minigrad.comparing.recording", "minigrad", file.name, "0", str(script)]
        subprocess.run(command, check=True, timeout=60)
        end = list(read(file))[-1]
    assert end.seconds["update"] >= 0.05
    assert end.seconds["evaluation"] >= 0.1


def test_printing_is_no_evaluation(tmp_path):
    script = tmp_path / "printing.py"
    script.write_text(
        "import torch\nw = torch.ones(2, requires_grad=True)\nl = (w * w).sum()\nl.backward()\nprint(w, l)\n"
        "@torch.no_grad()\ndef evaluate():\n    return w * 2\n"
    )
    assert [seconds["evaluation"] for seconds in compared_here(script).seconds().values()] == [0, 0]
    with script.open("a") as file:
        file.write("evaluate()\n")
    assert all(seconds["evaluation"] > 0 for seconds in compared_here(script).seconds().values())


def test_another_way_through_the_script():
    assert kind_of_parting([passed(1.0, [1.0])], [passed(1.0, [1.0], line=9)]) == (1, "line")
    assert kind_of_parting([passed(1.0, [1.0])] * 2, [passed(1.0, [1.0])]) == (2, "line")


def test_events_come_back_as_they_were_and_a_cut_file_gives_those_that_are_whole():
    large = np.arange(3 * WHOLE, dtype="float64")
    tensor = pytest.importorskip("torch").from_numpy(large)
    first = event("backward", loss=Kept.of(tensor.sum()), gradients={"w": Kept.of(tensor)}, seconds={"forward": 0.5})
    file = io.BytesIO()
    write(first, file)
    length = file.tell()
    write(first, file)
    one, two = read(io.BytesIO(file.getvalue()))
    assert repr(one) == repr(two) == repr(first)
    assert one.gradients["w"].elements.size == WHOLE
    assert one.gradients["w"].elements[[0, -1]].tolist() == [0, 3 * WHOLE - 1]
    assert one.gradients["w"].norm == pytest.approx(np.linalg.norm(large))
    for cut in (length + 5, 2 * length - 3, 2 * length - 8 * WHOLE):
        assert len(list(read(io.BytesIO(file.getvalue()[:cut])))) == 1
