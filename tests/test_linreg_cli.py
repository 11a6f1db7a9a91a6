"""The command `linreg`: what it prints, on both backends, and its one line for bad input."""

import importlib
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given, settings, strategies as st

pytest.importorskip("pyarrow")

from linreg_command import linreg

from linreg.settings import OPTIMIZERS

# minigrad keeps NumPy's warnings of overflow quiet, as torch does; pytest's filters undo that.
pytestmark = pytest.mark.filterwarnings(r"ignore::RuntimeWarning:minigrad\.|<")

ROOT = Path(__file__).parent.parent
NORRIS = str(ROOT / "examples" / "data" / "norris.csv")
COMMAND = [sys.executable, "-m", "linreg"]
NUMBER = r"-?\d+\.\d+(?:e-\d\d)?"


def assert_refused(*argv, status=2):
    """The message with which the command refuses: one line, on stderr, and nothing on stdout."""
    code, out, err = linreg(*argv)
    assert (code, out) == (status, "")
    assert err.startswith("linreg: error: ")
    assert err.endswith("\n")
    assert len(err.splitlines()) == 1
    assert "Traceback" not in err
    return err


@pytest.fixture(params=["minigrad", "torch"])
def backend(request):
    pytest.importorskip(request.param)
    return request.param


@pytest.fixture
def table(tmp_path):
    """Writes a table's text, or bytes, and returns the options that read it."""

    def write(content, target="y"):
        path = tmp_path / "table.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return "--data", path, "--target", target

    return write


# The document's job


def test_job_prints_epochs_estimates_and_errors(backend):
    status, out, err = linreg("--seed", 0, "--backend", backend)
    assert (status, err) == (0, "")
    lines = out.splitlines()
    patterns = [
        *(rf"epoch {epoch}, loss \d\.\d{{6}}" for epoch in (1, 2, 3)),
        rf"estimated w: tensor\(\[ {NUMBER}, {NUMBER}\]\), "
        r"true w: tensor\(\[ 2\.0000, -3\.4000\]\)",
        rf"error in estimating w: tensor\(\[ ?{NUMBER},  ?{NUMBER}\], grad_fn=<SubBackward0>\)",
        rf"estimated b: tensor\(\[{NUMBER}\]\), true b: 4\.2",
        rf"error in estimating b: tensor\(\[{NUMBER}\], grad_fn=<RsubBackward1>\)",
    ]
    assert len(lines) == len(patterns)
    for line, pattern in zip(lines, patterns, strict=True):
        assert re.fullmatch(pattern, line), line


def test_job_recovers_the_coefficients(backend):
    status, out, _ = linreg("--json", "--seed", 3, "--backend", backend)
    result = json.loads(out)
    assert status == 0
    assert result["backend"] == backend
    assert result["seed"] == 3
    assert result["num_epochs"] == 3
    assert result["w"]["true"] == [2.0, -3.4]
    assert result["b"]["true"] == 4.2
    assert result["w"]["estimate"] == pytest.approx([2.0, -3.4], abs=2e-3)
    assert result["b"]["estimate"] == pytest.approx(4.2, abs=2e-3)
    errors = [true - w for true, w in zip((2.0, -3.4), result["w"]["estimate"], strict=True)]
    assert result["w"]["error"] == pytest.approx(errors, abs=1e-6)
    assert result["losses"] == sorted(result["losses"], reverse=True)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "options",
    [
        ["--dtype", "float64"],
        ["--dtype", "float64", "--true-w", "1,-2,3", "--true-b", "-0.5", "--num-examples", "55"],
        ["--dtype", "float64", "--data", NORRIS, "--target", "y", "--num-epochs", "5"],
    ],
)
def test_both_backends_print_the_same_text(seed, options):
    pytest.importorskip("torch")
    ours, theirs = (linreg(*options, "--seed", seed, "--backend", backend) for backend in ("minigrad", "torch"))
    assert ours == theirs


@pytest.mark.parametrize("seed", range(8))
def test_both_backends_print_the_same_epochs_in_float32(seed):
    pytest.importorskip("torch")
    ours, theirs = (linreg("--seed", seed, "--backend", backend)[1].splitlines() for backend in ("minigrad", "torch"))
    assert ours[:3] == theirs[:3]


@pytest.mark.gpu
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("job", [["--weight-decay", 0.01], ["--data", NORRIS, "--target", "y", "--validation", 0.2]])
def test_gpu_trains_from_the_same_numbers(job, optimizer):
    on_torch = ["--json", "--seed", 1, "--backend", "torch"]
    cpu, gpu = (
        json.loads(linreg(*job, "--optimizer", optimizer, *on_torch, "--device", device)[1])
        for device in ("cpu", "cuda")
    )
    assert gpu["losses"] == pytest.approx(cpu["losses"], rel=1e-3)
    for name in {"w", "b", "intercept"} & cpu.keys():
        assert gpu[name]["estimate"] == pytest.approx(cpu[name]["estimate"], abs=1e-3)


def test_a_seed_repeats_a_run_and_its_absence_does_not():
    assert linreg("--seed", 5) == linreg("--seed", 5)
    first = json.loads(linreg("--json")[1])
    assert first == json.loads(linreg("--json", "--seed", first["seed"])[1])
    assert first["losses"] != json.loads(linreg("--json")[1])["losses"]


@pytest.mark.parametrize(
    "options",
    [
        ["--true-w", "1", "-2.5", "3"],
        ["--true-w", "1,-2.5,3"],
        ["--true-w", "-1e-3,2.5"],
        ["--true-w=-1"],
        ["--true-w", "[1, -2.5]"],
        ["--true-b", "-4.2"],
        ["--true-b", "-1e-3"],
        ["--lr", "0.1"],
        ["--num-epochs", "1"],
        ["--batch-size", "7"],
        ["--batch-size", "5000", "--lr", "1.5", "--num-epochs", "40"],
        ["--num-examples", "3"],
        ["--noise", "0"],
        ["--init-std", "0"],
        ["--seed", "18446744073709551615"],
        ["--dtype", "float64"],
    ],
)
def test_options_are_taken(options):
    status, out, err = linreg(*options)
    assert (status, err) == (0, "")
    assert out.startswith("epoch 1, loss ")


def test_json_says_what_was_run():
    options = {
        "lr": 0.05,
        "num_epochs": 2,
        "batch_size": 4,
        "init_std": 0.1,
        "seed": 9,
        "dtype": "float64",
        "backend": "minigrad",
        "device": "cpu",
    }
    words = [word for name, v in options.items() for word in (f"--{name.replace('_', '-')}", v)]
    result = json.loads(linreg("--json", *words)[1])
    assert {name: result[name] for name in options} == options
    assert len(result["losses"]) == 2


@pytest.mark.parametrize(
    ("num_epochs", "shown"),
    [
        (1, [1]),
        (3, [1, 2, 3]),
        (20, list(range(1, 21))),
        (21, list(range(1, 22))),
        (30, [1, *((3 * line + 1) // 2 for line in range(1, 21))]),
        (100, [1, *range(5, 101, 5)]),
    ],
)
def test_many_epochs_print_evenly_spaced_lines(num_epochs, shown):
    options = ["--num-examples", 4, "--seed", 0, "--num-epochs", num_epochs]
    lines = [line for line in linreg(*options)[1].splitlines() if line.startswith("epoch ")]
    losses = json.loads(linreg(*options, "--json")[1])["losses"]
    assert len(losses) == num_epochs
    assert lines == [f"epoch {epoch}, loss {losses[epoch - 1]:f}" for epoch in shown]


# A table


def test_table_prints_coefficients_beside_the_exact_answer(backend):
    status, out, err = linreg("--data", NORRIS, "--target", "y", "--seed", 0, "--backend", backend)
    assert (status, err) == (0, "")
    *epochs, head, intercept, slope, good = out.splitlines()
    assert epochs[-1].startswith("epoch 75, loss ")  # four steps each make 300
    assert head.split() == ["y", "estimate", "exact", "difference", "std.", "error"]
    assert intercept.split()[::2] == ["(intercept)", "-0.262323074", "0.23282"]
    assert slope.split()[::2] == ["x", "1.00211682", "0.0004298"]
    assert abs(float(slope.split()[3])) < 2e-3
    assert re.fullmatch(r"R² 0\.99999\d, RMSE 0\.86\d* for 36 rows trained on", good)


def test_features_are_chosen_by_name(table):
    options = table('a,b,"c, d",word,y\n1,2,3,one,9\n4,1,2,two,1\n3,5,1,three,4\n7,7,0,four,2\n')
    result = json.loads(linreg(*options, "--features", '"c, d",a', "--json")[1])
    assert list(result["coefficients"]) == ["c, d", "a"]
    assert result["rows"] == 4
    assert result["batch_size"] == 4
    assert result["num_epochs"] == 300


def test_lines_of_spaces_are_no_rows_and_are_not_counted(table):
    for text in ("y,x\n1,2\n  \n2,3\n \r\n4,5\n   \n", "y,x\n  \n1,2\n2,3\n4,5\n"):
        status, out, _ = linreg(*table(text), "--json")
        assert (status, json.loads(out)["rows"]) == (0, 3)
    quoted = table('y,k\n1,c\n2,"a\n  \nb"\n4,"a\n  \nb"\n5,c\n')
    assert list(json.loads(linreg(*quoted, "--categories", "k", "--json")[1])["coefficients"]) == ["k=c"]
    assert "reference levels: 'k=a\\n  \\nb'" in linreg(*quoted, "--categories", "k")[1]
    for row, said in (("1,2,3", "row 3: the header names 2"), ("1,\xff", "row 3, column 'x': not UTF-8")):
        text = f"y,x\n1,2\n  \n2,3\n \r\n{row}\n   \n".encode("latin-1")
        assert said in linreg(*table(text))[2]


def test_byte_order_mark_crlf_blank_lines_and_spaces_are_no_trouble(table):
    options = table(b"\xef\xbb\xbfy, x\r\n1,2\r\n\r\n 3 , 4e0\r\n2,7\r\n\r\n")
    assert json.loads(linreg(*options, "--json")[1])["rows"] == 3


@pytest.mark.parametrize("text", ["y,a,b\n1,2,4\n3,4,8\n4,9,18\n", "y,a,b\n1,2,5\n3,4,8\n"])
def test_coefficients_that_are_not_unique_are_warned_of(table, text):
    status, out, err = linreg(*table(text))
    assert status == 0
    assert "difference" in out
    assert re.fullmatch(r"linreg: warning: the 2 features have rank 1 in \d rows, .*\n", err)


# Bad input


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is empty"),
        ("\n1,2\n", "no column 'y'; its columns are '1', '2'"),
        ("y,x\n", "has no rows: a regression needs at least 2 rows"),
        ("y,x", "has no rows"),
        ("x,z\n1,2\n", "no column 'y'; its columns are 'x', 'z'"),
        ("y\n1\n2\n", "no feature to predict 'y' from"),
        ("y,x,x\n1,2,3\n", "two columns are named 'x'"),
        ("y,x\n1,2\n3,four\n", r"row 2, column 'x': 'four' is not a finite number"),
        ("y,x\n1,2\n\n,3\n", "row 2, column 'y': the value is missing; --missing drop"),
        ("y,x\n1,nan\n", "row 1, column 'x': the value is missing"),
        ("y,x\n-inf,1\n", "row 1, column 'y': '-inf' is not a finite number"),
        ("y,x\n1e999,1\n", "column 'y': '1e999' is not a finite number"),
        ("y,x\n1_000,1\n", "column 'y': '1_000' is not a finite number"),
        ('y,x\n"1,5",1\n', "column 'y': '1,5' is not a finite number"),
        ("y,x\n1,2\n3\n", "row 2: the header names 2 columns, here are 1"),
        ("y,x\n1,2,3\n", "row 1: the header names 2 columns, here are 3"),
        ("y;x\n1;2,5\n", "row 1, column 'x': '2,5' is not a finite number; --format csv2"),
        ("y,x\n1,2\n2,2\n", "column 'x' is constant: every value is 2"),
        ("y,x\n1,2\n1,3\n", "table.csv: column 'y' is constant"),
        ("y,x\n1,2\n", "table.csv has only one row: a regression needs at least 2 rows"),
        ("y,x\n1,0.3\n2,0.30000000000000004\n", "column 'x' differs by too little to be told from rounding: its"),
        ("y,x\n1,-1e308\n2,1e308\n", "table.csv: column 'x' cannot be standardised"),
        ("y,x\n1,1e-300\n2,2e-300\n", "'x' cannot be standardised"),
        ("y,x\n-1e153,1e-161\n1e153,2e-161\n", "the coefficients exceed float64"),
        ("y,x\n1,2\0\n3,4\n", "table.csv: a NUL byte, so this is not a text file"),
        ("y,x\0\n1,2\n3,4\n", "line 1: a NUL byte"),
        ('y,x\n1,"2\n3,4\n', "not CSV: unexpected end of data"),
        ('y,"x\n1,2\n', "line 1: not CSV: "),
        ("y,x\n1," + "9" * 200_000 + "\n", "row 1, column 'x': '99999"),
        ("y,x\r1,2\r3,4\r", "lines end with a carriage return alone"),
        ("größe,y\n1,2\n".encode("latin-1"), "is not UTF-8 text: it holds the byte 0xf6"),
        ("y,x\n1,2\n".encode("utf-16"), "is not UTF-8 text: it holds the byte 0xff"),
        ("y,x\n1,2\n".encode("utf-32"), "is not UTF-8 text"),
    ],
)
def test_bad_table_is_refused_in_one_line(table, content, said):
    assert said in assert_refused(*table(content))


def test_a_line_without_end_is_refused(table, monkeypatch):
    monkeypatch.setattr("linreg.tables.source.LONGEST_LINE", 100)
    assert "a row of more than 100 bytes" in assert_refused(*table("y,x\n" + "1," * 200))
    assert "line 1: more than 100 bytes" in assert_refused(*table("y,x" * 200))


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="needs /dev/zero")
def test_a_file_without_end_is_refused():
    assert "a NUL byte" in assert_refused("--data", "/dev/zero", "--target", "y")


def test_missing_file_and_directory_are_refused(tmp_path):
    missing = tmp_path / "none.csv"
    assert f"cannot read {missing}: No such" in assert_refused("--data", missing, "--target", "y")
    assert f"cannot read {tmp_path}: Is a" in assert_refused("--data", tmp_path, "--target", "y")
    broken = tmp_path / "two\nlines.csv"
    assert "two lines.csv" in assert_refused("--data", broken, "--target", "y")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--features", "z"], "no column 'z'; its columns are 'y', 'x'"),
        (["--features", "x,y"], "'y' is the target and cannot be a feature"),
        (["--features", "x,x"], "'x' is named twice"),
        (["--features", ""], "no column ''; its columns are 'y', 'x'"),
        (["--features", "x\ny"], "--features: 'x\\ny' is not a list of names"),
        (["--categories", "z"], "no column 'z'; its columns are 'y', 'x'"),
        (["--categories", "y"], "column 'y' is the target and cannot be a category"),
        (["--features", "x", "--categories", "x,x"], "category 'x' is named twice"),
        (["--format", "parquet"], "norris.csv: not a whole Parquet file"),
        (["--format", "npy"], "norris.csv: not a whole NPY file"),
        (["--true-b", "1"], "--true-b belongs to the synthetic job"),
        (["--noise", "1"], "--noise belongs to the synthetic job"),
    ],
)
def test_options_that_do_not_fit_the_table(options, said):
    assert said in assert_refused("--data", NORRIS, "--target", "y", *options)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--lr", "0"], "--lr: '0' is not a finite number above 0"),
        (["--lr", "-0.1"], "--lr: '-0.1' is not a finite number above 0"),
        (["--lr", "nan"], "--lr: 'nan' is not"),
        (["--lr", "fast"], "--lr: 'fast' is not"),
        (["--lr"], "--lr: expected one argument"),
        (["--num-epochs", "0"], "--num-epochs: '0' is not a whole number from 1"),
        (["--num-epochs", "1.5"], "--num-epochs: '1.5' is not a whole number"),
        (["--batch-size", "-3"], "--batch-size: '-3' is not a whole number"),
        (["--num-examples", "0"], "--num-examples: '0' is not a whole number"),
        (["--num-examples", str(2**63)], "--num-examples: '9223372036854775808' is not"),
        (["--num-examples", str(2**62)], "cannot make 4611686018427387904 examples"),
        (["--noise", "-1"], "--noise: '-1' is not a finite number of at least 0"),
        (["--init-std", "inf"], "--init-std: 'inf' is not"),
        (["--true-w", "1,,2"], "--true-w: '' is not a finite number"),
        (["--true-w", ""], "--true-w: '' is not a finite number"),
        (["--true-b", "inf"], "--true-b: 'inf' is not a finite number"),
        (["--true-b", "1e30"], "the loss before the first step is inf"),
        (["--seed", "-1"], "--seed: '-1' is not a whole number"),
        (["--dtype", "float16"], "--dtype: invalid choice: 'float16'"),
        (["--backend", "jax"], "--backend: invalid choice: 'jax'"),
        (
            ["--device", "cuda"],
            "--device cuda: minigrad runs on the cpu only; for other devices use the backend torch\n",
        ),
        (["--device", ""], "--device : minigrad runs on the cpu only"),
        (["--target", "y"], "--target needs --data"),
        (["--features", "x"], "--features needs --data"),
        (["--categories", "x"], "--categories needs --data"),
        (["--missing", "drop"], "--missing needs --data"),
        (["--format", "csv"], "--format needs --data"),
        (["--buffer", "10"], "--buffer needs --data"),
        (["--buffer", "0"], "--buffer: '0' is not a whole number from 1"),
        (["--save", ""], "--save: '' is no folder's name"),
        (["--resume="], "--resume: '' is no folder's name"),
        (["--data", NORRIS], "--data needs --target"),
        (["--epochs", "3"], "unrecognized arguments: --epochs 3"),
        (["--json", "data.csv"], "unrecognized arguments: data.csv"),
    ],
)
def test_impossible_options_are_refused_in_one_line(options, said):
    assert " ".join(said.split()) in assert_refused(*options)


@pytest.mark.parametrize("device", ["cuda:99", "teapot", "meta", ""])
def test_device_that_torch_cannot_use(device):
    pytest.importorskip("torch")
    message = assert_refused("--backend", "torch", "--device", device)
    assert "cannot hold float32 on torch: " in message


def test_backend_that_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    message = assert_refused("--backend", "torch")
    assert "--backend torch cannot be loaded" in message
    assert 'in the checkout: pip install ".[torch]"' in message


@pytest.mark.parametrize("lr", ["2.5", "1e30"])
@pytest.mark.parametrize("job", [[], ["--data", NORRIS, "--target", "y"]])
def test_learning_rate_that_diverges(backend, job, lr):
    code, out, err = linreg(*job, "--lr", lr, "--seed", 0, "--backend", backend)
    assert code == 1
    pattern = (
        r"linreg: error: training diverged in epoch \d+, .*; lr \S+ is too large: the largest stable one "
        r"for these data is about (\S+); the last good parameters are kept\n"
    )
    assert 1 < float(re.fullmatch(pattern, err)[1]) < 2, err
    assert "nan" not in out
    assert "inf" not in out


pieces = st.sampled_from([*',\n\r"\0;. -+e', "1", "23", "nan", "x", "y", "é", "\ufeff", "1e308"])


@given(
    header=st.sampled_from([b"y,x\n", b""]),
    content=st.binary(max_size=60) | st.lists(pieces, max_size=40).map("".join).map(str.encode),
)
@example(header=b"y,x\n", content=b"2,3\n4,1e308\n")
@example(header=b"y,x\n", content=b"1e308,3\n-1e308,4\n")
@settings(max_examples=150, deadline=None)
def test_hostile_files_never_give_a_traceback(tmp_path_factory, header, content):
    path = tmp_path_factory.getbasetemp() / "hostile.csv"
    path.write_bytes(header + content)
    code, _, err = linreg("--data", path, "--target", "y", "--num-epochs", 1)
    assert code in (0, 1, 2)
    assert len(err.splitlines()) == (0 if code == 0 else 1), err


# As a process


def process(*argv, **kwargs):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [*COMMAND, *argv],
        stdout=kwargs.get("stdout", subprocess.PIPE),
        stderr=subprocess.PIPE,
        env={**environment, **kwargs.get("env", {})},
        text=True,
    )


def test_process_prints_what_main_prints():
    with process("--seed", "1") as child:
        out, err = child.communicate(timeout=60)
    assert (child.returncode, out, err) == linreg("--seed", 1)


def test_process_that_diverges_says_so_in_one_line():
    with process("--lr", "1e30", "--seed", "0") as child:
        out, err = child.communicate(timeout=60)
    assert child.returncode == 1
    assert out.startswith("estimated w: tensor([")
    assert re.fullmatch(r"linreg: error: training diverged in epoch 1, step 2: .*\n", err)


def test_closed_pipe_ends_quietly():
    with process("--num-epochs", "400") as child:
        assert child.stdout.readline().startswith("epoch 1, loss ")
        child.stdout.close()
        assert child.stderr.read() == ""
        assert child.wait(timeout=60) == 141


@pytest.mark.skipif(os.name == "nt", reason="needs SIGINT")
def test_control_c_ends_quietly():
    with process("--num-epochs", "100000") as child:
        child.stdout.readline()
        child.send_signal(signal.SIGINT)
        _, err = child.communicate(timeout=60)
    assert (child.returncode, err) == (130, "linreg: error: interrupted\n")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_full_disk_is_told_in_one_line():
    with open("/dev/full", "w") as full, process("--json", stdout=full) as child:
        _, err = child.communicate(timeout=60)
    assert child.returncode == 2
    assert re.fullmatch(r"linreg: error: .*No space left on device\n", err)


def test_names_that_the_terminal_cannot_show(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("价格,面积\n1,2\n3,5\n4,4\n", encoding="utf-8")
    ascii_only = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "1"}
    with process("--data", str(path), "--target", "价格", env=ascii_only) as child:
        out, err = child.communicate(timeout=60)
    assert (child.returncode, err) == (0, "")
    assert r"\u9762\u79ef" in out


def test_version():
    version = importlib.import_module("minigrad").__version__
    assert linreg("--version") == (0, f"linreg {version}\n", "")
