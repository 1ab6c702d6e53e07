"""What `nmt translate` and `nmt attend` print."""

import json
from itertools import pairwise

import numpy as np
import pytest

from nmt.cli.formats.translations import as_text
from nmt.translation.result import Output

LINES = ["ba ce di", "", "  fo   gu ha je ", "\u00a0", "lo\u2028mu 🙂", " ".join(["bacedi"] * 60)]
TEXT = "".join(f"{line}\n" for line in LINES).encode()


def objects(done):
    assert done.code == 0, done.err
    return [json.loads(line) for line in done.lines]


@pytest.fixture(scope="session")
def model_without_attention(call, configuration, tmp_path_factory):
    run = tmp_path_factory.mktemp("runs") / "none"
    done = call(
        "train", configuration, "--output", run, "--set", "training.max_steps=1", "--set", "model.attention=none"
    )
    assert done.code == 0, done.err
    return run


def test_json_has_the_documented_fields(call, model):
    plain = call("translate", model, stdin=TEXT).lines
    found = objects(call("translate", model, "--format", "json", stdin=TEXT))
    assert [value["source"] for value in found] == LINES
    assert [value["translation"] for value in found] == plain
    for value in found:
        assert value.keys() == {"source", "translation", "score", "hypotheses"}
        for hypothesis in value["hypotheses"]:
            assert hypothesis.keys() == {"translation", "score", "tokens"}
        if value["source"].strip():
            best = value["hypotheses"][0]
            assert (best["translation"], best["score"]) == (value["translation"], value["score"])
        else:
            assert (value["translation"], value["hypotheses"]) == ("", [])


def test_soft_alignment_is_a_matrix_of_words_and_one_of_tokens(call, model):
    found = objects(call("translate", model, "--format", "json", "--alignment", "soft", stdin=TEXT))
    assert len(found) == len(LINES)
    for value in found:
        words, tokens = value["attention"], value["attention_tokens"]
        assert words.keys() == {"source_words", "target_words", "weights"}
        assert tokens.keys() == {"source_tokens", "target_tokens", "weights"}
        blank = not value["source"].strip()
        assert words["source_words"] == value["source"].split()
        assert words["target_words"] == value["translation"].split()
        for rows, columns, weights in (
            (len(words["target_words"]), len(words["source_words"]), words["weights"]),
            (len(tokens["target_tokens"]), len(tokens["source_tokens"]), tokens["weights"]),
        ):
            assert len(weights) == rows and all(len(row) == columns for row in weights)
            assert np.allclose([sum(row) for row in weights], 1, atol=1e-5)
        if not blank:
            assert tokens["target_tokens"] == value["hypotheses"][0]["tokens"]
            hard = sorted([int(np.argmax(row)), target] for target, row in enumerate(words["weights"]))
            assert value["alignment"] == hard


def test_hard_alignment_follows_the_last_bars(call, model):
    plain = call("translate", model, stdin=TEXT).lines
    aligned = call("translate", model, "--alignment", "hard", stdin=TEXT).lines
    for source, text, line in zip(LINES, plain, aligned, strict=True):
        translation, _, pairs = line.rpartition(" ||| ")
        assert translation == text
        links = [tuple(map(int, pair.split("-"))) for pair in pairs.split()]
        assert sorted(target for _, target in links) == list(range(len(text.split())))
        assert all(0 <= source_word < len(source.split()) for source_word, _ in links)


@pytest.mark.parametrize("options", [["--n-best", "3"], ["--n-best", "10", "--beam-size", "5"], ["--format", "moses"]])
def test_moses_gives_n_lines_an_input_line(options, call, model):
    n = int(options[1]) if options[0] == "--n-best" else 1
    done = call("translate", model, *options, stdin=TEXT)
    rows = [line.split(" ||| ") for line in done.lines]
    assert all(len(row) == 3 for row in rows)
    assert [int(row[0]) for row in rows] == [number for number in range(len(LINES)) for _ in range(n)]
    scores = [float(row[2]) for row in rows]
    for number in range(len(LINES)):
        ordered = scores[number * n : (number + 1) * n]
        if number == len(LINES) - 1:  # translated in parts, of which the best stay together
            ordered = ordered[1:]
        # Best first, twice: those that ended, then those that were cut at the limit.
        assert sum(after > before for before, after in pairwise(ordered)) <= 1
    if n > 1:
        assert len({row[1] for row in rows[:n]}) > n // 2


def test_a_model_without_attention_translates_but_aligns_nothing(call, model_without_attention):
    plain = call("translate", model_without_attention, stdin=TEXT).lines
    aligned = call("translate", model_without_attention, "--alignment", "hard", stdin=TEXT).lines
    assert aligned == [f"{line} ||| " for line in plain]
    found = objects(call("translate", model_without_attention, "--format", "json", "--alignment", "soft", stdin=TEXT))
    assert all(value["alignment"] == value["attention"]["weights"] == [] for value in found)
    done = call("translate", model_without_attention, "--coverage-penalty", "0.2", stdin=TEXT)
    assert (done.code, done.out) == (2, b"")


@pytest.mark.parametrize(
    "options", [["--alignment", "soft"], ["--format", "xml"], ["--alignment", "maybe"], ["--sample", "--top-p", "7"]]
)
def test_impossible_formats_are_2(options, call, model):
    done = call("translate", model, *options, stdin=TEXT)
    assert (done.code, done.out) == (2, b"")
    assert len(done.errors) == 1


@pytest.mark.parametrize(
    "option",
    [
        *(("--length-penalty", value) for value in ("400", "inf", "nan", "-1")),
        *(("--max-length-ratio", value) for value in ("1e30", "inf", "0")),
        *(("--coverage-penalty", value) for value in ("inf", "1e300")),
        *((name, "9" * 20) for name in ("--beam-size", "--n-best", "--max-length", "--batch-tokens", "--threads")),
        *((name, "0") for name in ("--beam-size", "--n-best", "--max-length", "--batch-tokens", "--threads")),
        ("--no-repeat-ngram", "-1"),
    ],
    ids=" ".join,
)
def test_impossible_numbers_are_2(option, call, model):
    done = call("translate", model, *option, stdin=TEXT)
    assert (done.code, done.out) == (2, b""), done.err
    assert option[0] in done.err and "Traceback" not in done.err


def test_the_largest_numbers_are_possible(call, model):
    options = [
        "--length-penalty",
        "5",
        "--max-length-ratio",
        "1000",
        "--coverage-penalty",
        "1000",
        "--max-length",
        "90",
    ]
    done = call("translate", model, *options, "--no-repeat-ngram", 2**31 - 1, "--batch-tokens", 2**31 - 1, stdin=TEXT)
    assert done.code == 0 and len(done.lines) == len(LINES), done.err


def test_impossible_numbers_are_told_together(call, model):
    for command in ("translate", "eval", "attend"):
        done = call(command, model, "--beam-size", "0", "--max-length", "-7", "--length-penalty", "inf")
        assert (done.code, len(done.errors)) == (2, 3), done.err


def test_sampling_depends_on_the_seed_alone(call, model):
    def sample(seed, *options, stdin=TEXT):
        return call("translate", model, "--sample", "--seed", seed, *options, stdin=stdin).lines

    first = sample(1)
    assert sample(1) == first
    assert sample(1, "--batch-tokens", "8") == first
    assert sample(2) != first
    assert sample(1, "--top-k", "1") == sample(2, "--top-k", "1")
    assert sample(1, stdin=TEXT + b"ba\n")[: len(LINES)] == first


def test_a_translation_begins_with_its_prefix(call, model, tmp_path):
    prefixes = tmp_path / "prefixes"
    prefixes.write_text("BA CE\n\nFO\n\nDIDI\nMU\n")
    lines = call("translate", model, "--prefix", prefixes, stdin=TEXT).lines
    plain = call("translate", model, stdin=TEXT).lines
    assert lines[0].startswith("BA CE") and lines[2].startswith("FO") and lines[4].startswith("DIDI")
    assert lines[1] == lines[3] == ""
    assert lines[5].startswith("MU") and lines[5] != plain[5]


def test_prefixes_follow_their_lines_through_many_batches(call, model, tmp_path, monkeypatch):
    monkeypatch.setattr("nmt.cli.line_files.LINES_AT_ONCE", 2)
    starts = ["BA", "CE", "DI", "FO", "GU", "HA", "JE"]
    prefixes = tmp_path / "prefixes"
    prefixes.write_text("".join(f"{start}\n" for start in starts))
    lines = call("translate", model, "--prefix", prefixes, stdin=b"ba\n" * len(starts)).lines
    assert [line[:2] for line in lines] == starts


@pytest.mark.parametrize("count", [3, 5])
def test_prefixes_of_another_number_are_65(count, call, model, tmp_path):
    prefixes = tmp_path / "prefixes"
    prefixes.write_text("BA\n" * count)
    done = call("translate", model, "--prefix", prefixes, stdin=b"ba\n" * 4)
    assert done.code == 65
    assert str(prefixes) in done.errors[0]


@pytest.mark.parametrize("where", ["absent", "data/empty"])
def test_a_missing_model_is_4(where, call, tmp_path):
    (tmp_path / "data" / "empty").mkdir(parents=True)
    for command in (["translate"], ["attend"], ["info"], ["eval"]):
        done = call(*command, tmp_path / where)
        assert (done.code, done.out) == (4, b""), done.err
        assert len(done.errors) == 1 and where in done.errors[0]
    assert call("export", tmp_path / where, tmp_path / "out").code == 4


def test_a_missing_input_is_66(call, model, tmp_path):
    assert call("translate", model, "--input", tmp_path / "absent").code == 66
    assert call("translate", model, "--input", tmp_path).code == 66
    assert call("translate", model, "--prefix", tmp_path / "absent", stdin=b"ba\n").code == 66
    (tmp_path / "broken.gz").write_bytes(b"\x1f\x8bno")
    assert call("translate", model, "--input", tmp_path / "broken.gz").code == 66


def test_an_export_needs_a_new_directory(call, model, tmp_path):
    (tmp_path / "file").write_text("")
    done = call("export", model, tmp_path)
    assert done.code == 2 and len(done.errors) == 1
    assert call("export", model, tmp_path / "file").code == 2
    assert call("export", model, tmp_path / "a" / "b").code == 0
    assert not {"state.json", "optimizer.safetensors"} & {path.name for path in (tmp_path / "a" / "b").iterdir()}


def test_info_tells_what_a_model_is(call, model):
    text = call("info", model)
    assert text.code == 0 and "xx → yy" in text.lines[0]
    [line] = call("info", model, "--format", "json").lines
    value = json.loads(line)
    assert (value["source_language"], value["target_language"]) == ("xx", "yy")
    assert value["configuration"]["model"]["attention_size"] == 8


def test_attend_shows_words_and_their_weights(call, model, model_without_attention):
    done = call("attend", model, "ba ce di", "")
    assert done.code == 0 and b"\x1b" not in done.out
    assert done.lines[0] == "ba ce di"
    translation = done.lines[1]
    rows = done.lines[2 + 3 : 5 + len(translation.split())]
    assert [row.split()[0] for row in rows] == translation.split()
    piped = call("attend", model, stdin=b"ba ce di\n\n")
    assert piped.out == done.out
    assert "no attention" in call("attend", model_without_attention, "ba ce di").out.decode()


def test_aligning_a_long_line_takes_little_memory(translator, monkeypatch):
    line = "bacedi fo " * 1500
    [translation] = translator.translate([line], translator.options(attention=True, beam_size=1))
    [best] = translation.outputs
    tokens = len(translation.source_tokens)
    # A matrix of all of it would hold `tokens` numbers for each of the translation's tokens.
    assert sum(part.weights.size for part in best.segments) < len(best.tokens) * tokens / 20
    monkeypatch.setattr(Output, "attention", property(lambda _: pytest.fail("the whole matrix was built")))
    [text] = as_text(0, translation, 1, "hard")
    assert len(text.rpartition(" ||| ")[2].split()) == len(translation.text.split())


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--temperature", "0.8"), "--temperature"),
        (("--top-k", "5"), "--top-k"),
        (("--seed", "3"), "--seed"),
        (("--sample", "--seed", "-1"), "--seed"),
        (("--sample", "--temperature", "0"), "--temperature"),
        (("--sample", "--top-p", "2"), "--top-p"),
    ],
)
def test_an_option_of_sampling_that_cannot_be_meant_is_named(options, named, call, model):
    done = call("translate", model, *options, stdin=b"ba\n")
    assert done.code == 2
    assert [error for error in done.errors if error.startswith(f"nmt: error: {named}: ")] == done.errors != []
