"""Help, version, and what is shown on a terminal only."""

import errno
import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from importlib.metadata import version
from pathlib import Path

import pytest

from nmt.libraries import program_version

HEAVY = {"torch", "numpy", "sentencepiece", "sacrebleu", "safetensors", "yaml", "matplotlib"}
SEARCH = {"--beam-size", "--length-penalty", "--max-length", "--shortlist"}
CHOICE = {"--sample", "--temperature", "--top-k", "--top-p", "--seed", "--mbr", "--mbr-metric"}
EVERY = {"--quiet", "--verbose", "--help"}
MODEL = EVERY | {"--device", "--precision", "--threads"}
ENSEMBLE = {"--ensemble", "--ensemble-average"}
OPTIONS = {
    "check": MODEL
    | {"--set", "--output", "--reverse", "--restart", "--batch-tokens", "--full", "--no-trial", "--format"},
    "train": MODEL | {"--set", "--output", "--reverse", "--restart", "--batch-tokens"},
    "translate": MODEL
    | ENSEMBLE
    | SEARCH
    | {"--batch-tokens", "--input", "--output", "--n-best", "--format", "--alignment", "--alignment-unit"}
    | CHOICE
    | {
        "--closest-to",
        "--diverse",
        "--diversity",
        "--prefix",
        "--replace-unknown",
        "--dictionary",
        "--copy",
        "--confidence",
        "--glossary",
        "--tag",
    },
    "eval": MODEL
    | ENSEMBLE
    | SEARCH
    | CHOICE
    | {"--batch-tokens", "--src", "--ref", "--hyp", "--metric", "--tokenize", "--format", "--save-output", "--tag"}
    | {"--glossary"},
    "compare": MODEL
    | ENSEMBLE
    | SEARCH
    | CHOICE
    | {"--batch-tokens", "--src", "--ref", "--hyp", "--metric", "--tokenize", "--lowercase", "--format", "--output"}
    | {"--test", "--samples", "--frequency", "--sentences", "--attention", "--tag"},
    "score": MODEL
    | ENSEMBLE
    | {"--src", "--tgt", "--output", "--format", "--per-token", "--normalize", "--length-penalty", "--batch-tokens"}
    | {"--tag"},
    "align": MODEL
    | ENSEMBLE
    | {"--src", "--tgt", "--output", "--format", "--alignment", "--alignment-unit", "--reverse", "--symmetrize"}
    | {"--batch-tokens", "--tag"},
    "attend": MODEL | SEARCH | {"--output", "--alignment-unit", "--tag"},
    "bulk": MODEL
    | ENSEMBLE
    | SEARCH
    | CHOICE
    | {
        "--batch-tokens",
        "--output",
        "--column",
        "--to",
        "--id",
        "--score",
        "--input-format",
        "--format",
        "--shard-rows",
    }
    | {"--workers", "--address", "--diverse", "--diversity", "--replace-unknown", "--dictionary", "--copy"}
    | {"--confidence", "--glossary", "--tag", "--split-sentences", "--translate-all", "--no-repeat-ngram"},
    "shortlist": EVERY,
    "export": EVERY | {"--license", "--scores"},
    "average": EVERY | {"--output"},
    "info": EVERY | {"--verify", "--format"},
}


@pytest.mark.parametrize("arguments", [("--help",), ("translate", "--help"), ("eval", "--help"), ("--version",)])
def test_help_loads_nothing_heavy(arguments, process, user_environment):
    done = process(*arguments, env=user_environment(PYTHONPROFILEIMPORTTIME="1", PYTHONIOENCODING="ascii", LC_ALL="C"))
    assert done.code == 0 and done.out
    lines = done.err.splitlines()
    assert all(line.startswith("import time:") for line in lines), done.err
    loaded = {line.rpartition("|")[2].strip() for line in lines}
    assert "nmt.cli.main" in loaded and not {name.partition(".")[0] for name in loaded} & HEAVY
    # Typer itself loads pydantic where it finds it, before the help of a command.
    assert "nmt.config" not in loaded and ("pydantic" not in loaded or arguments[0] in ("translate", "eval"))


@pytest.mark.parametrize("command", OPTIONS)
def test_every_command_lists_its_options(command, call):
    done = call(command, "--help")
    assert done.code == 0
    text = done.out.decode()
    assert not {option for option in OPTIONS[command] if option not in text}


def test_help_lists_every_command(call):
    done = call("--help")
    listed = {line.split()[0] for line in done.out.decode().partition("Commands:")[2].splitlines() if line.strip()}
    assert listed >= set(OPTIONS)


def test_version_is_that_of_the_package(call):
    done = call("--version")
    assert (done.code, done.out.decode()) == (0, f"nmt {program_version()}\n")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("tranlate",), ("", "'tranlate'", "'translate'", "; see nmt --help")),
        (("--speed",), ("", "--speed", "; see nmt --help")),
        (("translate",), ("translate: ", "missing argument 'MODEL'", "; see nmt translate --help")),
        (
            ("translate", "x", "--beem-size", "3"),
            ("translate: ", "--beem-size", "--beam-size", "; see nmt translate --help"),
        ),
        (("translate", "x", "--seed", "y"), ("translate: ", "--seed", "a whole number", "; see nmt translate --help")),
        (("info", "x", "y\n\x1b"), ("info: ", r"(y\x0a\x1b)", "; see nmt info --help")),
        (("train", "x", "--output"), ("train: ", "'--output' requires an argument", "; see nmt train --help")),
    ],
)
def test_wrong_usage_is_2_and_one_line(arguments, expected, call):
    done = call(*arguments)
    assert (done.code, done.out, done.err.count("\n")) == (2, b"", 1)
    start, *parts = expected
    assert done.err.startswith(f"nmt: error: {start}") and not [part for part in parts if part not in done.err]


def test_without_a_command_there_is_help_and_2(call):
    done = call()
    assert (done.code, done.out) == (2, b"") and done.err == call("--help").out.decode()


def on_terminal(start, *arguments, env):
    """Runs the program on a terminal of its own; everything it shows there."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    with start(*arguments, stdin=theirs, stdout=theirs, stderr=theirs, env=env) as running:
        os.close(theirs)
        shown = b""
        try:
            while block := os.read(ours, 1 << 16):
                shown += block
        except OSError:  # how Linux tells that the other end was closed
            pass
        os.close(ours)
        assert running.wait(30) == 0, shown
    return shown


def test_attention_is_coloured_on_a_terminal_only(call, model, monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    arguments = ["attend", model, "ba ce di"]
    monkeypatch.setenv("COLORFGBG", "15;0")
    assert b"\x1b[48;5;" in call(*arguments, terminal=True).out
    monkeypatch.setenv("COLORFGBG", "default;default")
    assert b"\x1b[48;5;" not in call(*arguments, terminal=True).out  # nobody tells the background
    assert b"\x1b" not in call(*arguments).out
    monkeypatch.setenv("NO_COLOR", "1")
    assert b"\x1b" not in call(*arguments, terminal=True).out


def test_a_bar_shows_on_a_terminal_only(start_forked, call, configuration, tmp_path, user_environment):
    arguments = ["train", configuration, "--set", "training.max_steps=20", "--output"]
    shown = on_terminal(start_forked, *arguments, tmp_path / "terminal", env=user_environment(TERM="xterm"))
    assert b"\r" in shown and "█".encode() in shown and b"100%" in shown
    assert "validation at step 20" in shown.decode()
    done = call(*arguments, tmp_path / "elsewhere")
    assert "\r" not in done.err and "█" not in done.err
    assert "target tokens/s" in done.err
    assert "target tokens/s" in (tmp_path / "terminal" / "train.log").read_text()


@pytest.mark.parametrize("command", ["eval", "translate"])
def test_translating_files_shows_a_bar_on_a_terminal(command, start_forked, model, data, tmp_path, user_environment):
    if command == "translate":
        arguments = ["translate", model, "--input", data / "validation.xx", "--output", tmp_path / "out"]
    else:
        arguments = ["eval", model, "--save-output", tmp_path / "out"]
    environment = user_environment(TERM="xterm")
    assert b"\rtranslating: " in on_terminal(start_forked, *arguments, env=environment)
    assert b"translating" not in on_terminal(start_forked, *arguments, "--quiet", env=environment)


def test_no_bar_stands_between_the_lines_a_person_sees(start_forked, model, data, user_environment):
    shown = on_terminal(
        start_forked, "translate", model, "--input", data / "validation.xx", env=user_environment(TERM="xterm")
    )
    assert b"translating" not in shown and shown.count(b"\n") == 12


def test_verbose_says_with_what_and_where(call, model):
    done = call("translate", model, "--verbose", "--device", "cpu", "--beam-size", "3", stdin=b"ba\n" * 9)
    assert done.code == 0, done.err
    for words in (
        f"nmt {program_version()}, torch {version('torch')}",
        "device: cpu",
        "threads of the processor: ",
        "precision: float32, chosen by auto",
        f"read from {model / 'checkpoints'}",
        "beam_size=3",
    ):
        assert words in done.err
    assert call("translate", model, "--device", "cpu", stdin=b"ba\n").err == ""


@pytest.mark.parametrize(
    ("stderr", "arguments", "stdin", "code"),
    [
        ("full", ["--speed"], b"", 2),
        ("unread", ["--speed"], b"", 2),
        ("unread", ["info", "absent"], b"", 4),
        ("full", ["translate", "MODEL"], b"ba\n\xff\n", 0),
    ],
)
def test_standard_error_that_cannot_be_written_changes_no_exit_code(
    stderr, arguments, stdin, code, start_forked, model
):
    reading, writing = os.pipe()
    os.close(reading)
    if stderr == "full":
        os.close(writing)
        writing = os.open("/dev/full", os.O_WRONLY)
    given = [{"MODEL": model}.get(word, word) for word in arguments]
    with start_forked(*given, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=writing) as running:
        os.close(writing)
        out, _ = running.communicate(stdin, timeout=120)
        assert running.returncode == code
        assert out.count(b"\n") == stdin.count(b"\n")


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("[enforce fail at alloc_cpu.cpp:121] err == 0. DefaultCPUAllocator: can't allocate memory"),
        MemoryError(),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
    ],
    ids=repr,
)
def test_memory_that_ran_out_anywhere_is_7(error, call, model, monkeypatch):
    def fail(*_arguments, **_options):
        raise error

    monkeypatch.setattr("nmt.light.translator.LightTranslator.load", fail)
    done = call("translate", model, stdin=b"ba\n")
    assert (done.code, done.out, done.errors) == (7, b"", ["nmt: error: out of memory"])
    assert "in fail" in call("translate", model, "--verbose", stdin=b"ba\n").err


def test_quiet_says_nothing(call, configuration, model, tmp_path):
    done = call("train", configuration, "--quiet", "--output", tmp_path / "run", "--set", "training.max_steps=2")
    assert (done.code, done.out, done.err) == (0, b"", "")
    assert "model:" in (tmp_path / "run" / "train.log").read_text()
    assert call("translate", model, "--quiet", stdin=b"ba\n").err == ""


def test_a_fault_of_ours_is_70_with_its_traceback_in_a_file(call, model, monkeypatch):
    def fail(*_arguments, **_options):
        raise ZeroDivisionError("on purpose")

    monkeypatch.setattr("nmt.light.translator.LightTranslator.load", fail)
    done = call("translate", model, stdin=b"ba\n")
    assert (done.code, done.out) == (70, b"")
    [line] = done.err.splitlines()
    assert "its traceback is in " in line
    path = Path(line.rpartition(" ")[2])
    assert "ZeroDivisionError: on purpose" in path.read_text()
    path.unlink()
    assert "ZeroDivisionError: on purpose" in call("translate", model, "--verbose", stdin=b"ba\n").err


def test_a_fault_where_no_file_can_be_written_is_told_in_a_line(call, model, monkeypatch, tmp_path):
    monkeypatch.setattr("nmt.light.translator.LightTranslator.load", lambda *_arguments, **_options: {}["on purpose"])
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "absent"))
    done = call("translate", model, stdin=b"ba\n")
    assert (done.code, done.out) == (70, b"")
    [line] = done.err.splitlines()
    assert "its traceback could not be written, No such file or directory; --verbose shows it" in line


def test_the_installed_command_is_this_program(user_environment):
    script = Path(sys.executable).with_name("nmt")
    if not script.exists():
        pytest.skip("the package is not installed beside this Python")
    done = subprocess.run([script, "--version"], capture_output=True, env=user_environment(), check=True)
    assert done.stdout.decode() == f"nmt {program_version()}\n"


def test_messages_are_utf8_in_any_locale(process, user_environment, tmp_path):
    path = tmp_path / "café.yaml"
    done = process("train", path, env=user_environment(LC_ALL="C", PYTHONIOENCODING="ascii"))
    assert done.code == 2
    assert done.errors[0].startswith(f"nmt: error: {path}: no such file")
