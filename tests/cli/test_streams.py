"""Lines in, lines out, whatever they hold, wherever they come from."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nmt.io.lines import is_blank
from nmt.translation.segment_search import SegmentSearch


def test_attention_of_a_giant_line_is_left_out_with_65(call, model):
    done = call("attend", model, stdin=b"ba ce\n" + b"ba " * 400_000 + b"\ndi fo\n")
    assert done.code == 65
    assert len(done.errors) == 1 and "standard input" in done.errors[0]
    alone = call("attend", model, stdin=b"ba ce\n\ndi fo\n")
    assert done.out == alone.out and alone.code == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_translation_with_its_number(number, start_forked, model):
    with start_forked("translate", model, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        running.stdin.write(b"ba ce\n")
        running.stdin.flush()
        running.stdout.readline()
        running.send_signal(number)
        assert running.wait(30) == 128 + number
        assert running.stderr.read() == b""


def test_sigterm_while_the_program_starts_is_143(start, model):
    for delay in (0.3, 0.9):
        with start("translate", model, stdin=subprocess.PIPE) as running:
            time.sleep(delay)
            running.terminate()
            assert running.wait(30) == 143
            assert b"Traceback" not in running.stderr.read()


@pytest.mark.promise(8, gate=1, full=1)
def test_promise_08_a_full_output_is_5(call, start_forked, model, data):
    done = call("translate", model, "--input", data / "validation.xx", "--output", "/dev/full")
    assert done.code == 5 and len(done.errors) == 1 and "/dev/full" in done.errors[0]
    with Path("/dev/full").open("wb") as full:
        for arguments in (["translate", model, "--input", data / "validation.xx"], ["--version"]):
            with start_forked(*arguments, stdout=full) as running:
                assert running.wait(30) == 5
                assert b"Traceback" not in running.stderr.read()


def test_closed_streams_are_no_fault(model):
    for closing, code in (("<&- 2>&-", 66), (">&-", 5)):
        line = f'"$0" -m nmt translate {model} {closing}'
        done = subprocess.run(["/bin/sh", "-c", line, sys.executable], input=b"ba\n", capture_output=True, check=False)
        assert done.returncode == code, (closing, done)
        assert b"Traceback" not in done.stderr


def test_output_is_never_the_input(call, model, tmp_path):
    text = tmp_path / "text"
    text.write_text("ba ce\n")
    (tmp_path / "link").symlink_to(text)
    done = call("translate", model, "--input", text, "--output", tmp_path / "link")
    assert done.code == 2 and text.read_text() == "ba ce\n"
    done = call("translate", model, "--prefix", text, "--output", text, stdin=b"ba ce\n")
    assert done.code == 2 and "--prefix" in done.errors[0] and text.read_text() == "ba ce\n"


def test_output_is_never_what_standard_input_was_redirected_from(start_forked, model, tmp_path):
    text = tmp_path / "text"
    text.write_text("ba ce\n")
    with text.open("rb") as stdin, start_forked("translate", model, "--output", text, stdin=stdin) as running:
        assert running.wait(30) == 2
    assert text.read_text() == "ba ce\n"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["MODEL", "--prefix", "absent"], 66),
        (["absent"], 4),
        (["MODEL", "--coverage-penalty", "-1"], 2),
        (["MODEL", "--device", "cuda:99"], 69),
    ],
)
def test_what_cannot_begin_empties_no_output(arguments, code, call, model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("out").write_text("of yesterday\n")
    given = [{"MODEL": model}.get(word, word) for word in arguments]
    assert call("translate", *given, "--output", "out", stdin=b"ba\n").code == code
    assert Path("out").read_text() == "of yesterday\n"


def test_a_device_may_be_read_and_written(call, model):
    done = call("translate", model, "--input", "/dev/null", "--output", "/dev/null")
    assert done.code == 0, done.err


def test_standard_input_is_read_once(call, model, tmp_path):
    done = call("translate", model, "--prefix", "-", stdin=b"ba\n")
    assert (done.code, done.out) == (2, b"") and "standard input can be read once" in done.errors[0]
    (tmp_path / "text").write_text("ba\n")
    assert call("translate", model, "--prefix", "-", "--input", tmp_path / "text", stdin=b"BA\n").code == 0


def test_a_long_line_is_translated_in_parts(translator, monkeypatch):
    parts = []
    search = SegmentSearch._search_batch

    def watch(self, some, *arguments):
        parts.extend(some)
        return search(self, some, *arguments)

    monkeypatch.setattr(SegmentSearch, "_search_batch", watch)
    text = " ".join(["bacedi"] * 80)
    [translation] = translator.translate([text])
    parts.sort(key=lambda part: part.words)
    assert len(parts) > 1 and all(len(part.ids) <= translator.config.data.max_length for part in parts)
    assert [token for part in parts for token in part.ids] == translator.tokenizers.source.encode([text])[0]
    words = [set(part.words) for part in parts]
    assert sum(map(len, words)) == len(set.union(*words)) == 80  # no word is cut
    assert not is_blank(translation.text)
