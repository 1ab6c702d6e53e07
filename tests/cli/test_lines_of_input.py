"""What `nmt translate`, `nmt eval` and `nmt attend` make of lines: typed ones, several sentences, no letter."""

from __future__ import annotations

import json
import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from program import Call

SEVERAL = "Ba ce di fo. Gu ha je ki. Lo mu ba ce."
WARNING = "seems to hold several sentences"


def test_text_may_be_typed_as_arguments(call: Call, learned: Path) -> None:
    piped = call("translate", learned, stdin=b"ba ce\ndi fo gu\n")
    typed = call("translate", learned, "ba ce", "di fo gu", stdin=b"not read\n")
    assert typed.code == 0 and typed.out == piped.out and len(typed.lines) == 2
    (one,) = call("translate", learned, "ba\nce", "--format", "json").lines
    assert json.loads(one)["source"] == "ba\nce"


@pytest.mark.parametrize("command", ["translate", "attend"])
def test_on_a_terminal_it_says_what_it_waits_for(command: str, call: Call, model: Path) -> None:
    told = "type a sentence and Enter; Ctrl-D ends\n"
    assert told in call(command, model, stdin=b"ba\n", typed=True).err
    for arguments, typed in (((), False), (("--quiet",), True), (("ba",), True)):
        assert "Ctrl-D" not in call(command, model, *arguments, stdin=b"ba\n", typed=typed).err


def test_more_threads_than_processors_are_remarked_on(
    call: Call, model: Path, configuration: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nmt.corpus.workers.available_processors", lambda: 2)
    monkeypatch.setattr("torch.set_num_threads", lambda _: None)
    for command in (("translate", model, "ba"), ("check", configuration, "--no-trial")):
        assert "--threads 99: nmt may use 2 processors here" in call(*command, "--threads", "99").err
    for arguments in (("--threads", "2"), ("--threads", "99", "--quiet"), ()):
        assert "processors" not in call("translate", model, "ba", *arguments).err


def test_text_and_input_are_refused_together(call: Call, model: Path, tmp_path: Path) -> None:
    (tmp_path / "in").write_text("ba\n")
    done = call("translate", model, "ba", "--input", tmp_path / "in")
    assert (done.code, done.out) == (2, b"") and "--input" in done.errors[0] and "TEXT" in done.errors[0]


def test_prefixes_of_typed_text_are_as_many(call: Call, model: Path) -> None:
    assert call("translate", model, "ba", "ce", "--prefix", "-", stdin=b"GU\nHA\n").code == 0
    done = call("translate", model, "ba", "ce", "--prefix", "-", stdin=b"GU\n")
    assert done.code == 65 and "has 1 line, but TEXT has 2 lines" in done.errors[0]


def test_sentences_are_split_in_every_command(call: Call, learned: Path, tmp_path: Path) -> None:
    alone = [call("translate", learned, part).lines[0] for part in ("Ba ce di fo.", "Gu ha je ki.", "Lo mu ba ce.")]
    assert call("translate", learned, SEVERAL, "--split-sentences").lines == [" ".join(alone)]
    (tmp_path / "src").write_text(SEVERAL + "\n")
    files = "--src", tmp_path / "src", "--ref", tmp_path / "src", "--save-output", tmp_path / "out"
    done = call("eval", learned, *files, "--split-sentences", "--format", "json")
    assert done.code == 0 and (tmp_path / "out").read_text() == " ".join(alone) + "\n"
    attended = call("attend", learned, SEVERAL, "--split-sentences")
    assert attended.lines[1] == " ".join(alone) and attended.out.decode().count("╭ ") >= 3
    page = call("attend", learned, SEVERAL, "1 2", "--split-sentences", "--output", tmp_path / "page.html")
    assert page.code == 0, page.err
    files = "--src", tmp_path / "src", "--ref", tmp_path / "out"  # of which nothing is left out now
    finished = "--hyp", tmp_path / "out"
    for options, is_same in ((("--split-sentences",), True), ((), False)):
        done = call("compare", learned, *finished, *files, "--format", "json", *options)
        assert done.code == 0 and ('"differences": []' in done.out.decode()) == is_same, done.out


def test_the_first_line_of_several_sentences_is_warned_of_once(call: Call, model: Path, tmp_path: Path) -> None:
    lines = f"Mr. Ba ce.\n{SEVERAL}\n{SEVERAL}\n".encode()
    (tmp_path / "src").write_bytes(lines)
    files = "--src", tmp_path / "src", "--ref", tmp_path / "src"
    for command, name in (
        (("translate", model), "standard input"),
        (("attend", model), "standard input"),
        (("eval", model, *files), str(tmp_path / "src")),
        (("compare", model, model, *files), str(tmp_path / "src")),
    ):
        done = call(*command, stdin=lines)
        assert done.code == 0 and done.err.count(WARNING) == 1
        assert f"{name}:2: {WARNING}" in done.err and "--split-sentences" in done.err
        for option in ("--quiet", "--split-sentences"):
            assert WARNING not in call(*command, option, stdin=lines).err


def test_where_sentencex_is_missing_the_warning_says_how_to_install_it(
    call: Call, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "install" not in call("translate", model, SEVERAL).err
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "sentencex" else find_spec(name))
    told = call("translate", model, SEVERAL).err
    assert re.search("; --split-sentences translates them one by one, and needs sentencex: .*pip install .*sent", told)


def test_what_would_do_nothing_is_refused(call: Call, tmp_path: Path) -> None:
    (tmp_path / "hyp").write_text("BA\n")
    files = "--hyp", tmp_path / "hyp", "--ref", tmp_path / "hyp"
    for option in ("--split-sentences", "--translate-all"):
        for command in (("eval",), ("compare", "--hyp", tmp_path / "hyp")):
            done = call(*command, *files, option)
            assert done.code == 2 and option in done.errors[0]


@pytest.mark.parametrize("command", ["translate", "attend", "eval", "compare"])
def test_without_sentencex_the_model_is_not_even_loaded(
    command: str, call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "sentencex" else find_spec(name))
    models = [tmp_path / "no model"] * (2 if command == "compare" else 1)
    done = call(command, *models, "--split-sentences")
    assert done.code == 2 and "--split-sentences: needs sentencex: pip install" in done.errors[0]


def test_lines_without_a_letter_pass_in_every_format(call: Call, learned: Path) -> None:
    lines = "1\n00:01:02,500 --> 00:01:05,000\n\n🙂 !\n"
    assert call("translate", learned, stdin=lines.encode()).out.decode() == lines
    assert call("translate", learned, "--translate-all", stdin=lines.encode()).out.decode() != lines
    moses = call("translate", learned, "--n-best", "2", "--alignment", "hard", stdin=b"1 2\n").lines
    assert moses == ["0 ||| 1 2 ||| 0.000000 ||| 0-0 1-1"] * 2
    options = "--format", "json", "--alignment", "soft", "--confidence", "--copy", "numbers"
    (line,) = map(json.loads, call("translate", learned, *options, stdin=b"12 34\n").lines)
    assert (line["translation"], line["score"], line["alignment"]) == ("12 34", 0.0, [[0, 0], [1, 1]])
    assert line["hypotheses"][0]["tokens"] == ["12", "34"]
    assert line["attention"]["weights"] == [[1.0, 0.0], [0.0, 1.0]]
    assert line["attention_tokens"]["source_tokens"] == ["12", "34", "</s>"]
    assert line["confidence"] == {"probability": 1.0, "flags": []}
    figure = call("attend", learned, "12 34")
    assert figure.lines[:2] == ["12 34", "12 34"]


def test_corrections_and_flags_are_those_of_the_whole_line(call: Call, learned: Path) -> None:
    line = "Ba ce 1234. 99. Gu ha 5678."
    options = "--split-sentences", "--copy", "numbers", "--confidence", "--format", "json"
    (found,) = map(json.loads, call("translate", learned, line, *options).lines)
    assert " 99. " in found["translation"]
    missing = [flag["source_words"] for flag in found["confidence"]["flags"] if flag["kind"] == "not_copied"]
    replaced = {source for source, _ in found["replaced"]}
    assert replaced | {word for words in missing for word in words} <= {2, 6} and 3 not in replaced
