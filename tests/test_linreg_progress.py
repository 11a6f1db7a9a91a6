"""What `linreg` shows while it trains: a bar on a terminal, plain lines elsewhere, nothing when told to be quiet."""

import contextlib
import io
import json
import os
import re
import subprocess
import sys

import pytest

pytest.importorskip("pyarrow")

from linreg_command import linreg

from linreg.__main__ import main
from linreg.options import COMMANDS

pty = pytest.importorskip("pty", reason="needs pseudo-terminals, which this system lacks")

LONG = ["--seed", "1", "--num-epochs", "12", "--num-examples", "400"]
# The command, with a bar from the first step on that is drawn again after each.
EAGER = "import linreg.progress as p, linreg.__main__ as m; p.DELAY = 1e-9; p.LONGEST = 0; raise SystemExit(m.main())"
LACKING_RICH = "import sys; sys.modules['rich'] = None; " + EAGER
BAR = re.compile(r"epoch (\d+) of (at most )?(\d+) .*loss (\S+), ([\d,]+) rows/s, ")


def on_terminal(*argv, code=EAGER, stderr=None, term="xterm", columns="150"):
    """Exit status of the command on a terminal of its own, and all that it sent there."""
    ours, theirs = pty.openpty()
    environment = os.environ | {"TERM": term, "COLUMNS": columns, "LINES": "50"}
    command = [sys.executable, "-c", code, *argv]
    with subprocess.Popen(command, stdout=theirs, stderr=stderr or theirs, env=environment) as child:
        os.close(theirs)
        sent = b""
        with contextlib.suppress(OSError):  # so Linux tells that the other end is closed
            while part := os.read(ours, 1 << 16):
                sent += part
    os.close(ours)
    return child.returncode, sent.decode()


def screen(sent):
    """The text that a terminal shows after it was sent that, and the texts of its last line on the way."""
    lines, place, column, lasts = [""], 0, 0, []
    for piece in re.findall(r"\x1b\[[?\d;]*[A-Za-z]|[\r\n]|[^\x1b\r\n]+", sent):
        if piece == "\n":
            place, column = place + 1, 0
            lines += [""] * (place == len(lines))
        elif piece == "\r":
            column = 0
        elif piece.endswith("A") and piece[0] == "\x1b":
            place -= int(piece[2:-1])
        elif piece == "\x1b[2K":
            lines[place] = ""
        elif piece[0] != "\x1b":
            lines[place] = lines[place][:column].ljust(column) + piece + lines[place][column + len(piece) :]
            column += len(piece)
            lasts.append(lines[place])
        else:
            assert re.fullmatch(r"\x1b\[([\d;]*m|\?25[lh])", piece), f"unknown to this terminal: {piece!r}"
    return "\n".join(lines), lasts


@pytest.fixture
def rich():
    return pytest.importorskip("rich")


@pytest.mark.parametrize(
    "options",
    [LONG, [*LONG, "--validation", "0.2"], [*LONG, "--lr", "3"]],
    ids=["fixed", "validation", "diverging"],
)
def test_a_terminal_shows_a_bar_and_is_left_with_the_plain_lines(rich, options):
    status, out, err = linreg(*options)
    code, sent = on_terminal(*options)
    shown, drawn = screen(sent)
    assert code == status
    assert shown == out + err
    bars = [found for text in drawn if (found := BAR.search(text))]
    losses, open_end = [float(bar[4]) for bar in bars], "--validation" in options
    assert {(bar[2], bar[3]) for bar in bars} == {("at most " if open_end else None, "12")}
    assert sent.rstrip().endswith("\x1b[?25h") or sent.rfind("\x1b[?25h") > sent.rfind("\x1b[?25l")
    if status == 0:
        assert [int(bar[1]) for bar in bars] == sorted(int(bar[1]) for bar in bars)
        assert min(losses) < 1e-3 < max(losses)
        assert all(int(bar[5].replace(",", "")) > 0 for bar in bars)


def test_interrupting_takes_the_bar_away(rich):
    stop = EAGER.replace(
        "raise", "p.Progress.end = (lambda end: lambda self: (end(self), print('ended')))(p.Progress.end); raise"
    )
    interrupted = "import linreg.train as t; t.sgd = lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt); " + stop
    code, sent = on_terminal(*LONG, code=interrupted)
    assert (code, screen(sent)[0]) == (130, "ended\nlinreg: error: interrupted\n")


@pytest.mark.parametrize(
    ("words", "how"),
    [
        ([], {"code": LACKING_RICH}),
        ([], {"term": "dumb"}),
        (["--quiet"], {}),
        (["--json"], {}),
        (["--optimizer", "lstsq"], {}),
    ],
    ids=["no rich", "dumb", "quiet", "json", "one step"],
)
def test_no_bar(words, how):
    options = (["--seed", "1"] if "lstsq" in words else LONG) + words
    code, sent = on_terminal(*options, **how)
    assert (code, sent.replace("\r\n", "\n")) == linreg(*options)[:2]


def test_a_pipe_never_gets_a_bar():
    eager = os.environ | {"FORCE_COLOR": "1", "TTY_COMPATIBLE": "1"}
    child = subprocess.run([sys.executable, "-c", EAGER, *LONG], capture_output=True, env=eager, text=True)
    assert (child.returncode, child.stdout, child.stderr) == linreg(*LONG)


@pytest.mark.parametrize("to_file", [False, True])
def test_a_warning_while_a_bar_is_drawn(rich, to_file, tmp_path):
    """It stands above the bar; sent to a file, it is in the file."""
    warning = "import linreg.lines as l; l.print_epoch = lambda *_: p.sys.stderr.write('warned\\n'); "
    with open(tmp_path / "errors", "w") as errors:
        status, sent = on_terminal(
            *LONG, code=EAGER.replace("raise", warning + "raise"), stderr=errors if to_file else None
        )
    _, out, _ = linreg(*LONG)
    results = "".join(line for line in out.splitlines(True) if not line.startswith("epoch "))
    assert (status, screen(sent)[0]) == (0, (not to_file) * 12 * "warned\n" + results)
    assert (tmp_path / "errors").read_text() == to_file * 12 * "warned\n"


def test_quiet_leaves_what_was_found(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("y,x,z\n1,1,2\n2,2,4\n4,3,6\n3,4,8\n")
    table = ["--data", str(path), "--target", "y", "--validation", "0.3", "--seed", "3"]
    for options in (LONG, table, [*LONG, "--lr", "3"]):
        status, out, err = linreg(*options)
        told = "".join(line for line in out.splitlines(True) if not re.match("epoch |stopped ", line))
        assert linreg(*options, "--quiet") == (status, told, err)
        assert (told != out) == (status == 0)  # the diverging one ends before its first line
        assert linreg(*options, "--quiet", "--json") == linreg(*options, "--json")


# Commands


def help_of(*words):
    with contextlib.redirect_stdout(io.StringIO()) as out, pytest.raises(SystemExit) as ended:
        main([*words, "--help"])
    assert ended.value.code == 0
    return out.getvalue()


def test_help_lists_the_commands():
    text = help_of()
    for word, what in COMMANDS.items():
        assert re.search(rf"^  {word} +{re.escape(what)}$", text, re.MULTILINE)
    assert text == help_of("fit")


@pytest.mark.parametrize("word", COMMANDS)
def test_each_command_has_its_help(word):
    assert help_of(word).startswith("usage: linreg ")


@pytest.mark.parametrize("words", [["train"], ["data.csv"], [""], ["Fit", "--seed", "1"]])
def test_a_word_that_is_no_command(words):
    status, out, err = linreg(*words)
    assert (status, out) == (2, "")
    assert (
        err
        == f"linreg: error: there is no command {words[0]!r}; those that there are: {', '.join(COMMANDS)} (linreg --help)\n"
    )


@pytest.mark.parametrize("quiet", [[], ["--quiet"]])
def test_fit_is_the_command_without_a_word(quiet):
    assert linreg("fit", *LONG, *quiet) == linreg(*LONG, *quiet)
    assert json.loads(linreg("fit", *LONG, *quiet, "--json")[1])["num_epochs"] == 12
