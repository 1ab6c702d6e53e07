"""`nmt translate` with `--replace-unknown`, `--copy` and `--confidence`."""

import json

import pytest

from nmt.io.lines import MAX_LINE_BYTES

LINES = [
    "ba ce di",
    "",
    "  fo   gu\u20283 <b>ha</b> https://x.y/z, ",
    "\u00a0",
    "lo mu 🙂 %s",
    " ".join(["bacedi"] * 60),
]
TEXT = "".join(f"{line}\n" for line in LINES).encode()


@pytest.fixture(scope="session")
def model_of_words(call, configuration, tmp_path_factory):
    """A model that knows five words; nearly all of what it was trained to write is unknown."""
    run = tmp_path_factory.mktemp("runs") / "words"
    done = call(
        *(
            "train",
            configuration,
            "--output",
            run,
            "--set",
            "training.max_steps=10",
            "--set",
            "training.warmup_steps=0",
        ),
        *("--set", "training.learning_rate=0.02"),
        *("--set", "tokenizer={kind: word, vocabulary_size: 9, byte_fallback: false}"),
    )
    assert done.code == 0, done.err
    return run


@pytest.fixture(scope="session")
def fixed_model(call, configuration, tmp_path_factory):
    run = tmp_path_factory.mktemp("runs") / "fixed"
    done = call(
        "train", configuration, "--output", run, "--set", "training.max_steps=1", "--set", "model.attention=none"
    )
    assert done.code == 0, done.err
    return run


def objects(done):
    assert done.code == 0, done.err
    return [json.loads(line) for line in done.lines]


def test_no_unknown_word_is_left_and_alignments_stay_right(call, model_of_words, tmp_path):
    (tmp_path / "dictionary").write_text("ba\tBA ba BA\nfo FO\n")
    options = ["--format", "json", "--alignment", "soft", "--n-best", "3", "--replace-unknown"]
    plain = objects(call("translate", model_of_words, *options[:-1], stdin=TEXT))
    assert sum("⁇" in value["translation"] for value in plain) >= 3
    found = objects(call("translate", model_of_words, *options, "--dictionary", tmp_path / "dictionary", stdin=TEXT))
    for before, value in zip(plain, found, strict=True):
        assert (before["source"], before["score"]) == (value["source"], value["score"])
        for old, new in zip(before["hypotheses"], value["hypotheses"], strict=True):
            assert "⁇" not in new["translation"] and old["tokens"] == new["tokens"]
            assert bool(new["replaced"]) == ("⁇" in old["translation"])
        source, target = value["source"].split(), value["translation"].split()
        assert len(value["attention"]["weights"]) == len(target)
        assert sorted(word for _, word in value["alignment"]) == list(range(len(target)))
        for source_word, word in value["replaced"]:
            assert [source_word, word] in value["alignment"]
            assert target[word] == {"ba": "BA", "fo": "FO"}.get(source[source_word], source[source_word])


def test_all_formats_tell_the_same(call, model_of_words):
    options = ["--replace-unknown", "--confidence", "--alignment", "hard", "--copy", "numbers,tags, urls"]
    values = objects(call("translate", model_of_words, *options, "--format", "json", stdin=TEXT))
    texts = call("translate", model_of_words, *options, stdin=TEXT).lines
    moses = call("translate", model_of_words, *options, "--format", "moses", stdin=TEXT).lines
    assert len(values) == len(texts) == len(moses) == len(LINES)
    for number, (value, text, line) in enumerate(zip(values, texts, moses, strict=True)):
        translation, confidence, alignment = text.split(" ||| ")
        assert line == f"{number} ||| {translation} ||| {value['score']:.6f} ||| {confidence} ||| {alignment}"
        assert translation == value["translation"]
        assert alignment.split() == [f"{source}-{target}" for source, target in value["alignment"]]
        probability, *flags = confidence.split()
        assert probability == f"{value['confidence']['probability']:.6f}"
        assert [flag.partition(":")[0] for flag in flags] == [flag["kind"] for flag in value["confidence"]["flags"]]
        if not value["source"].strip():
            assert (translation, confidence, alignment, value["replaced"]) == ("", "1.000000", "", [])


def test_what_is_not_copied_is_told(call, model):
    values = objects(
        call("translate", model, "--copy", "numbers,urls,tags", "--confidence", "--format", "json", stdin=TEXT)
    )
    told = [
        (flag["kind"], flag["source_words"])
        for value in values
        for flag in value["confidence"]["flags"]
        if flag["kind"] == "not_copied"
    ]
    assert told == [("not_copied", [2, 3, 4]), ("not_copied", [3])]
    assert [value["translation"] for value in values] == call("translate", model, stdin=TEXT).lines
    assert all("cut" in {flag["kind"] for flag in value["confidence"]["flags"]} or value["translation"].count(" ") < 8
               for value in values)  # fmt: skip


def test_a_line_too_long_to_be_read_is_not_trusted(call, model):
    text = b"ba\n" + b"x" * (MAX_LINE_BYTES + 1) + b"\nce\n"
    done = call("translate", model, "--confidence", stdin=text)
    assert done.code == 65
    assert done.lines[1] == " ||| 0.000000 unread"
    assert len(done.lines) == 3 and float(done.lines[0].split(" ||| ")[1].split()[0]) > 0


def test_a_model_without_attention_tells_its_probability_alone(call, fixed_model):
    values = objects(call("translate", fixed_model, "--confidence", "--format", "json", stdin=TEXT))
    kinds = {flag["kind"] for value in values for flag in value["confidence"]["flags"]}
    assert kinds <= {"cut", "repetition"}
    assert all(0 < value["confidence"]["probability"] <= 1 for value in values)
    done = call("translate", fixed_model, "--replace-unknown", "--copy", "urls", stdin=TEXT)
    assert (done.code, done.out) == (2, b"")
    assert done.errors == [
        "nmt: error: --replace-unknown: needs a model with attention",
        "nmt: error: --copy: needs a model with attention",
    ]


@pytest.mark.parametrize(
    ("options", "code", "told"),
    [
        (["--dictionary", "x"], 2, "--dictionary: does nothing without --replace-unknown"),
        (["--copy", "numbers,names"], 2, "--copy: is some of numbers,urls,tags, with commas between them, not 'names'"),
        (["--copy", ""], 2, "--copy: is some of"),
        (["--replace-unknown", "--dictionary", "absent"], 66, "absent: no such file"),
        (["--replace-unknown", "--dictionary", "-"], 2, "--dictionary: standard input can be read once"),
    ],
)
def test_what_cannot_be_meant_is_told(options, code, told, call, model):
    done = call("translate", model, *options, stdin=TEXT)
    assert (done.code, done.out) == (code, b"")
    assert len(done.errors) == 1 and told in done.errors[0]


def test_a_broken_dictionary_is_told_before_the_output_is_emptied(call, model_of_words, tmp_path):
    dictionary, output = tmp_path / "dictionary", tmp_path / "out"
    output.write_text("kept")
    dictionary.write_text("ba BA\nbroken\nbroken\tfor\tgood\n")
    arguments = ["translate", model_of_words, "--replace-unknown", "--dictionary", dictionary, "--output", output]
    done = call(*arguments, stdin=TEXT)
    assert (done.code, len(done.errors), output.read_text()) == (65, 2, "kept")
    assert f"{dictionary}:2: " in done.errors[0]


def test_a_model_that_spells_bytes_says_that_it_has_no_unknown_words(call, model):
    done = call("translate", model, "--replace-unknown", stdin=TEXT)
    assert done.code == 0 and "spells words in bytes" in done.err
    assert done.lines == call("translate", model, stdin=TEXT).lines


def test_samples_and_prefixes_go_with_all_of_it(call, model_of_words, tmp_path):
    prefixes = tmp_path / "prefixes"
    prefixes.write_text("BA\n" * len(LINES))
    options = [
        "--replace-unknown",
        "--confidence",
        "--copy",
        "urls",
        "--sample",
        "--seed",
        "3",
        "--prefix",
        prefixes,
        "--n-best",
        "2",
    ]
    rows = [line.split(" ||| ") for line in call("translate", model_of_words, *options, stdin=TEXT).lines]
    again = call("translate", model_of_words, *options, "--batch-tokens", 8, stdin=TEXT).lines
    assert [row[1] for row in rows] == [line.split(" ||| ")[1] for line in again]
    assert [len(row) for row in rows] == [4] * 2 * len(LINES)
    assert not any("⁇" in row[1] for row in rows) and {row[1].partition(" ")[0] for row in rows} == {"", "BA"}
