"""`nmt attend`: text, figures, and what is said of a model without attention."""

import json
from importlib.metadata import PackageNotFoundError

import numpy as np
import pytest

from nmt.libraries import how_to_install
from nmt.translation.result import Output, Translation
from nmt.translation.translator import Translator


@pytest.fixture(scope="session")
def traditional(call, configuration, tmp_path_factory):
    """A run without attention."""
    run = tmp_path_factory.mktemp("runs") / "traditional"
    limits = ["--set", "training.max_steps=2", "--set", "model.attention=none"]
    done = call("train", configuration, "--output", run, *limits)
    assert done.code == 0, done.err
    assert ", no attention," in done.err
    return run


def soft(call, model, line):
    done = call("translate", model, "--format", "json", "--alignment", "soft", stdin=line.encode())
    return json.loads(done.lines[0])


@pytest.mark.parametrize(("unit", "side"), [("word", "words"), ("token", "tokens")])
def test_the_picture_has_the_units_that_were_asked_for(unit, side, call, model):
    line = "ba ce dibafo"
    done = call("attend", model, line, "--alignment-unit", unit)
    value = soft(call, model, line)["attention" if unit == "word" else "attention_tokens"]
    sources, targets = value[f"source_{side}"], value[f"target_{side}"]
    assert done.lines[0] == line
    header, rows = done.lines[2 : 2 + len(sources)], done.lines[2 + len(sources) : -1]
    assert [text.rpartition("╭ ")[2] for text in header] == sources
    assert len(rows) == len(targets)
    assert [row.split()[0] for row in rows if row.split()[0].isalpha()] == [word for word in targets if word.isalpha()]


def test_figures_go_to_files_and_nothing_to_standard_output(call, model, tmp_path):
    for name in ("x.png", "x.svg", "x.pdf"):
        done = call("attend", model, "ba ce", "fo", "--output", tmp_path / name)
        assert (done.code, done.out, done.err) == (0, b"", "")
    assert {path.name for path in tmp_path.iterdir()} == {"x.png", "x-2.png", "x.svg", "x-2.svg", "x.pdf"}


def test_figures_of_standard_input_are_those_of_the_command_line(call, model, tmp_path):
    assert call("attend", model, "ba ce", "--output", tmp_path / "x.svg").code == 0
    done = call("attend", model, "--output", tmp_path / "y.svg", stdin=b"\nba ce\n")
    assert (done.code, done.err) == (0, "nmt: warning: line 1: there is nothing to draw\n")
    assert (tmp_path / "x.svg").read_bytes() == (tmp_path / "y.svg").read_bytes()


def test_a_giant_line_costs_no_other_its_page(call, model, tmp_path):
    done = call("attend", model, "--output", tmp_path / "x.pdf", stdin=b"ba ce\n" + b"ba " * 400_000 + b"\n")
    assert done.code == 65
    assert (tmp_path / "x.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize("name", ["x.doc", "x", "x.png.gz", ".png", "x.svg/y", ""])
def test_a_name_that_tells_no_kind_of_figure_is_2(name, call, model):
    done = call("attend", model, "ba", "--output", name)
    assert (done.code, done.out) == (2, b"")
    [error] = done.errors
    assert error.startswith("nmt: error: --output: ") and ".png" in error and ".svg" in error and ".pdf" in error


def test_an_unknown_unit_is_2(call, model):
    done = call("attend", model, "ba", "--alignment-unit", "letter")
    assert (done.code, done.errors) == (2, ["nmt: error: --alignment-unit: is word or token, not 'letter'"])


@pytest.mark.parametrize("name", ["absent/x.png", "absent/x.pdf", "directory.png"])
def test_a_figure_that_cannot_be_written_is_5(name, call, model, tmp_path):
    (tmp_path / "directory.png").mkdir()
    done = call("attend", model, "ba", "--output", tmp_path / name)
    assert done.code == 5 and name in done.errors[0]


def test_a_missing_or_old_matplotlib_is_5_and_says_what_to_install(call, tmp_path, monkeypatch):
    def absent(name):
        raise PackageNotFoundError(name)

    told = f"nmt: error: {tmp_path}/x.png: needs matplotlib 3.11 or newer: {how_to_install('plot')}"
    for found in (absent, lambda _: "3.10.7"):
        monkeypatch.setattr("nmt.cli.graphics.version", found)
        done = call("attend", "absent", "ba", "--output", tmp_path / "x.png")
        assert (done.code, done.errors) == (5, [told])


def test_nothing_to_draw_is_65(call, model, tmp_path):
    done = call("attend", model, "", " ", "--output", tmp_path / "x.png")
    assert done.code == 65 and not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["x.png", "x.html"])
def test_without_a_line_there_is_no_picture(name, call, model, tmp_path):
    done = call("attend", model, "--output", tmp_path / name)
    assert (done.code, done.errors) == (65, ["nmt: error: standard input: has no line: nothing to show"])
    assert not list(tmp_path.iterdir()) and call("attend", model).out == b""


def test_more_lines_than_are_drawn_are_refused(call, model, tmp_path, monkeypatch):
    monkeypatch.setattr("nmt.visualization.attention_figure.MAX_LINES", 3)
    for count, code in ((3, 0), (4, 65)):
        done = call("attend", model, "--output", tmp_path / f"{count}.pdf", stdin=b"ba\n" * count)
        assert done.code == code and (tmp_path / f"{count}.pdf").exists() is (code == 0)
    assert done.errors == ["nmt: error: standard input: has more lines than are drawn at once, which is 3 at most"]


def test_lines_too_long_to_be_drawn_are_told_as_such(call, model, tmp_path):
    done = call("attend", model, "--output", tmp_path / "x.pdf", stdin=b"ba " * 400_000 + b"\n\n")
    assert (done.code, done.errors) == (65, ["nmt: error: standard input: 1 line was too long, and left out"])


def test_an_empty_translation_is_explained(call, model, monkeypatch):
    def translate(_, lines, *__, **___):
        return [Translation(line, (Output("", 0.0, 0.0, (), segments=()),) * bool(line)) for line in lines]

    monkeypatch.setattr("nmt.translation.translator.Translator.translate", translate)
    done = call("attend", model, "ba", "")
    assert done.lines[:3] == ["ba", "", "(the translation has no words, so there is nothing to show)"]
    assert done.lines[3:] == [""] * 4


def test_bytes_that_are_no_text_are_replaced(call, model):
    done = call("attend", model, "ba\udcff ce")
    assert done.code == 0 and done.lines[0] == "ba� ce"
    assert done.err == "nmt: warning: TEXT:1: invalid UTF-8, replaced by U+FFFD\n"
    assert [line.rpartition("╭ ")[2] for line in done.lines[2:4]] == ["ba�", "ce"]


def test_what_a_terminal_would_obey_is_only_shown(call, model, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    done = call("attend", model, "ba\x1b[2J \u202ece\x07\u2066", terminal=True)
    assert done.code == 0
    assert not {*"\x1b\x07\u202e\u2066"} & {*done.out.decode()}
    assert done.lines[0] == "ba␛[2J ce␇"


# As JSON


def trace_of(done, number=0):
    return json.loads(done.lines[number])


def test_json_is_what_python_returns(call, model):
    line = "ba ce dibafo"
    done = call("attend", model, "--format", "json", stdin=f"{line}\n\n".encode())
    value, blank = trace_of(done), trace_of(done, 1)
    assert done.code == 0 and len(done.lines) == 2
    assert blank == {"source": "", "translation": "", "score": 0.0, "segments": []}
    trace = Translator.load(model, device="cpu").attend(line)
    [segment] = value["segments"]
    assert (value["source"], value["translation"]) == (line, trace.translation.text)
    for name in ("states", "summary", "queries", "scores", "weights", "contexts"):
        np.testing.assert_allclose(segment[name], getattr(trace, name), rtol=1e-6, err_msg=name)
    assert segment["source_tokens"] == list(trace.source_tokens)
    assert [choice["best"][choice["rank"] - 1][0] for choice in segment["choices"]] == list(trace.target_tokens)
    assert segment["candidates"] == [candidate._asdict() for candidate in trace.candidates]


def test_what_is_too_much_for_json_is_null_and_told(call, model, monkeypatch):
    whole = call("attend", model, "ba ce", "ba ce di fo", "--format", "json")
    arrays = ("states", "queries", "scores", "weights", "contexts")
    sizes = [sum(np.size(trace_of(whole, place)["segments"][0][name]) for name in arrays) for place in (0, 1)]
    monkeypatch.setattr("nmt.cli.formats.traces.MAX_NUMBERS", sizes[1] - 1)
    done = call("attend", model, "ba ce", "ba ce di fo", "--format", "json")
    assert (done.code, done.err) == (0, f"nmt: warning: line 2: has more than {sizes[1] - 1} numbers: left out\n")
    assert trace_of(done) == trace_of(whole)
    assert trace_of(done, 1) == trace_of(whole, 1) | {"segments": None}
    # One whose hidden states alone are too many is translated, but not traced.
    monkeypatch.setattr("nmt.translation.translator.trace_decoding", None)
    monkeypatch.setattr("nmt.cli.formats.traces.MAX_NUMBERS", 20)
    done = call("attend", model, "ba ce di fo", "--format", "json")
    assert done.code == 0 and trace_of(done) == trace_of(whole, 1) | {"segments": None}


def test_json_has_no_file_and_no_other_format(call, tmp_path):
    done = call("attend", "absent", "ba", "--format", "json", "--output", tmp_path / "x.html")
    assert done.code == 2 and done.errors[0].startswith("nmt: error: --format: json goes to standard output")
    done = call("attend", "absent", "ba", "--format", "yaml")
    assert (done.code, done.errors) == (2, ["nmt: error: --format: is text or json, not 'yaml'"])


# Without attention


def test_without_attention_there_is_nothing_to_show_and_it_says_so(call, traditional):
    for unit in ("word", "token"):
        done = call("attend", traditional, "ba ce", "--alignment-unit", unit)
        assert done.code == 0 and done.lines[0] == "ba ce"
        assert "no attention" in done.lines[2] and "the same vector of 8 numbers" in done.lines[2]
        assert "█" not in done.out.decode() and len(done.lines) == 4


def test_without_attention_there_is_no_figure(call, traditional, tmp_path):
    done = call("attend", traditional, "ba ce", "--output", tmp_path / "x.png")
    assert done.code == 2 and "needs a model with attention" in done.errors[0]
    assert not list(tmp_path.iterdir())


def test_without_attention_alignments_are_empty_with_a_warning(call, traditional):
    warning = "nmt: warning: this model has no attention, so there are no alignments\n"
    plain = call("translate", traditional, stdin=b"ba ce\n\n")
    hard = call("translate", traditional, "--alignment", "hard", stdin=b"ba ce\n\n")
    assert (hard.code, hard.err, plain.err) == (0, warning, "")
    assert hard.lines == [f"{line} ||| " for line in plain.lines]
    moses = call("translate", traditional, "--alignment", "hard", "--n-best", "2", stdin=b"ba ce\n")
    assert moses.code == 0 and all(line.count(" ||| ") == 3 and line.endswith(" ||| ") for line in moses.lines)
    value = soft(call, traditional, "ba ce")
    assert value["alignment"] == []
    assert value["attention"]["source_words"] == ["ba", "ce"]
    assert value["attention"]["weights"] == value["attention_tokens"]["weights"] == []


def test_without_attention_every_other_command_works(call, traditional, data, tmp_path):
    source = (data / "validation.xx").read_bytes()
    for more in (["--sample", "--seed", "1"], ["--n-best", "3"], ["--beam-size", "1"], ["--no-repeat-ngram", "2"]):
        assert call("translate", traditional, *more, stdin=source).code == 0
    assert call("eval", traditional).code == 0
    assert "no attention" in call("info", traditional).out.decode()
    exported = tmp_path / "exported"
    assert call("export", traditional, exported).code == 0
    assert call("translate", exported, stdin=source).out == call("translate", traditional, stdin=source).out
    assert call("translate", traditional, "--coverage-penalty", "0.1", stdin=source).code == 2
