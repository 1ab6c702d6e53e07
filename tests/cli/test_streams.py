"""Lines in, lines out, whatever they hold, wherever they come from."""

import gzip
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nmt.model.seq2seq import Seq2Seq
from nmt.search.hypothesis import Hypothesis
from nmt.text.lines import is_blank
from nmt.translator import Translator

BREAKS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"
HOSTILE = [
    *(
        character.encode()
        for character in "\r\0\v\f\x1c\x1d\x1e\x1f\x85\u2028\u2029\ufeff\u00a0\u200b\x1b\x7f▁🙂𝔸\U0010fffd"
    ),
    *(b"\xff", b"\xc3", b"\xe2\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\x80"),
    *(b"<s>", b"</s>", b"<pad>", b"<unk>", b"|||", b"ba", b" ", b"\t", b"ce di"),
]
hostile_line = st.lists(st.sampled_from(HOSTILE) | st.binary(max_size=3), max_size=8).map(
    lambda parts: b"".join(parts).replace(b"\n", b"")
)
BLANK = ["", " ", "\t \t", "\u00a0", "\ufeff", " \ufeff\u3000", "\x85", "\u2028\u2029", "\x1c\x1f"]
CONTROL_WORDS = ["<s>", "</s>", "<pad>", "<unk>", "▁<s>", "<s", "s>", "⁇", "<0x0A>"]


def expected_lines(data):
    """What the input's lines are, said once more and differently."""
    lines = data.split(b"\n")
    return lines[:-1] if lines[-1] == b"" else lines


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=st.lists(hostile_line, max_size=40), ended=st.booleans(), shape=st.sampled_from(["text", "json", "moses"]))
def test_lines_out_are_lines_in(lines, ended, shape, call, model):
    data = b"\n".join(lines) + b"\n" * ended
    done = call("translate", model, "--format", shape, "--max-length", "3", "--beam-size", "1", stdin=data)
    assert done.code == 0, done.err
    assert len(done.lines) == len(expected_lines(data))
    assert not any(character in line for line in done.lines for character in BREAKS)


@pytest.mark.slow
@settings(max_examples=2500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=st.lists(hostile_line, min_size=40, max_size=40))
def test_lines_out_are_lines_in_100_000_times(lines, call, model):
    done = call("translate", model, "--max-length", "3", "--beam-size", "1", stdin=b"\n".join(lines) + b"\n")
    assert done.code == 0, done.err
    assert len(done.lines) == len(lines)


def test_lines_come_out_in_order(call, model, make_sentences):
    lines = [*make_sentences(9, 5), "", "\u2028", *make_sentences(9, 6)]
    whole = call("translate", model, stdin="\n".join(lines).encode()).lines
    alone = [call("translate", model, stdin=f"{line}\n".encode()).lines for line in lines]
    assert [[line] for line in whole] == alone


def some_hostile_text():
    generator = random.Random(7)
    lines = [b"".join(generator.choices(HOSTILE, k=generator.randint(0, 6))) for _ in range(30)]
    return b"\n".join(lines) + b"\nba ce\r\n\xff last"


@pytest.mark.parametrize(
    ("settings_of_shell", "flags"),
    [
        ({"LC_ALL": "C.UTF-8"}, ["-u"]),
        ({"LC_ALL": "POSIX", "PYTHONIOENCODING": "ascii"}, []),
        ({"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, []),
    ],
    ids=["utf8-unbuffered", "ascii", "no-coercion"],
)
def test_file_and_gz_and_pipe_give_the_same_in_any_locale(
    settings_of_shell, flags, call, process, model, tmp_path, user_environment
):
    data = some_hostile_text()
    plain, packed = tmp_path / "text", tmp_path / "text.gz"
    plain.write_bytes(data)
    packed.write_bytes(gzip.compress(data))
    wanted = call("translate", model, "--input", plain)
    assert wanted.code == 0 and wanted.out
    assert call("translate", model, "--input", packed).out == wanted.out
    assert call("translate", model, "--input", packed, "--output", tmp_path / "out.gz").code == 0
    assert gzip.decompress((tmp_path / "out.gz").read_bytes()) == wanted.out
    piped = process("translate", model, stdin=data, env=user_environment(**settings_of_shell), flags=flags)
    assert piped.code == 0, piped.err
    assert piped.out == wanted.out
    assert piped.err.replace("standard input", str(plain)) == wanted.err


def test_blank_lines_never_reach_the_model(call, model, monkeypatch):
    def refuse(*_):
        raise AssertionError("the model was asked")

    monkeypatch.setattr(Seq2Seq, "encode", refuse)
    data = "".join(f"{line}\n" for line in BLANK).encode() + b"\r\n\t\r\n"
    for options in ([], ["--alignment", "hard"], ["--format", "json", "--alignment", "soft"], ["--n-best", "2"]):
        done = call("translate", model, *options, stdin=data)
        assert done.code == 0, done.err
        assert len(done.lines) == (len(BLANK) + 2) * (2 if "--n-best" in options else 1)
    assert call("translate", model, stdin=data).lines == [""] * (len(BLANK) + 2)


def test_control_words_are_text(translator):
    generator = random.Random(3)
    lines = [" ".join(generator.choices([*CONTROL_WORDS, "ba"], k=3)) for _ in range(1000)]
    tokenizer = translator.source_tokenizer
    controls = {tokenizer.pad_id, tokenizer.bos_id, tokenizer.eos_id}
    assert not any(controls & set(ids) for ids in tokenizer.encode(lines))
    outputs = [output for translation in translator.translate(lines[:100]) for output in translation.outputs]
    assert not any({"<s>", "</s>", "<pad>"} & set(output.tokens) for output in outputs)


def test_attention_of_a_giant_line_is_left_out_with_65(call, model):
    done = call("attend", model, stdin=b"ba ce\n" + b"ba " * 400_000 + b"\ndi fo\n")
    assert done.code == 65
    assert len(done.errors) == 1 and "standard input" in done.errors[0]
    alone = call("attend", model, stdin=b"ba ce\n\ndi fo\n")
    assert done.out == alone.out and alone.code == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_translation_with_its_number(number, start, model):
    with start("translate", model, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
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


def test_the_reader_goes_away_quietly(start, model):
    with start("translate", model, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        running.stdin.write(b"ba ce\n")
        running.stdin.flush()
        running.stdout.readline()
        running.stdout.close()
        running.stdin.write(b"di fo\n")
        running.stdin.close()
        assert running.wait(30) == 141
        assert running.stderr.read() == b""


@pytest.mark.parametrize("arguments", [("--help",), ("translate", "--help"), ("--version",)])
def test_help_nobody_reads_is_141(arguments, start):
    reading, writing = os.pipe()
    os.close(reading)
    with start(*arguments, stdout=writing) as running:
        os.close(writing)
        assert running.wait(30) == 141
        assert running.stderr.read() == b""


def test_a_full_disk_is_5(call, start, model, data):
    done = call("translate", model, "--input", data / "validation.xx", "--output", "/dev/full")
    assert done.code == 5 and len(done.errors) == 1 and "/dev/full" in done.errors[0]
    with Path("/dev/full").open("wb") as full:
        for arguments in (["translate", model, "--input", data / "validation.xx"], ["--version"]):
            with start(*arguments, stdout=full) as running:
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


def test_output_is_never_what_standard_input_was_redirected_from(start, model, tmp_path):
    text = tmp_path / "text"
    text.write_text("ba ce\n")
    with text.open("rb") as stdin, start("translate", model, "--output", text, stdin=stdin) as running:
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
    search = Translator._search_at_once

    def watch(self, some, *arguments):
        parts.extend(some)
        return search(self, some, *arguments)

    monkeypatch.setattr(Translator, "_search_at_once", watch)
    text = " ".join(["bacedi"] * 80)
    [translation] = translator.translate([text])
    parts.sort(key=lambda part: part.words)
    assert len(parts) > 1 and all(len(part.ids) <= translator.config.data.max_length for part in parts)
    assert [token for part in parts for token in part.ids] == translator.source_tokenizer.encode([text])[0]
    words = [set(part.words) for part in parts]
    assert sum(map(len, words)) == len(set.union(*words)) == 80  # no word is cut
    assert not is_blank(translation.text)


def test_line_breaks_that_the_model_spells_become_spaces(call, model, translator, monkeypatch):
    tokenizer = translator.target_tokenizer
    pieces = {tokenizer.piece(token): token for token in range(tokenizer.size)}
    ids = tuple(pieces[f"<0x{byte:02X}>"] for byte in "a\nb\u2028c\r\x0bd".encode())
    spelled = Hypothesis(tokens=ids, log_probability=-1.0, score=-1.0, finished=True, attention=None)
    monkeypatch.setattr("nmt.translator.beam_search", lambda *_, **__: [[spelled]])
    assert call("translate", model, stdin=b"ba\n").out == b"a b c  d\n"
    assert translator.translate(["ba"])[0].text == "a b c  d"
