import random
import subprocess
import sys
from collections import Counter

import pytest

from nmt.errors import DataError
from nmt.tokenization.tokenizer import Tokenizer
from nmt.tokenization.tokenizer_training import sample_lines, train_tokenizer

KINDS = ("unigram", "bpe", "char", "word")
TWO_LINES = ["ein Hund läuft", "zwei Katzen"]
DEFAULTS = {
    "kind": "unigram",
    "vocabulary_size": 300,
    "character_coverage": 1.0,
    "byte_fallback": True,
    "normalization": "nmt_nfkc",
    "training_lines": 1000,
    "seed": 1,
}


def train(lines, **options):
    return train_tokenizer(lines, **{**DEFAULTS, **options})


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("byte_fallback", [True, False])
@pytest.mark.parametrize(
    "lines",
    [TWO_LINES, ["a"], ["aaaa"], ["🙂"], ["日本語の文です", "中文句子"], ["a b\tc"], ["a\0b"], ["<s> a ▁ ▅"]],
    ids=ascii,
)
def test_a_tiny_corpus_is_enough(lines, byte_fallback, kind):
    trained = train(lines, kind=kind, byte_fallback=byte_fallback, vocabulary_size=8000)
    tokenizer = Tokenizer(trained.model)
    assert trained.size == tokenizer.size < 400
    assert trained.warning == f"lowered from 8000 to {trained.size}: the corpus cannot fill more"
    assert tokenizer.encode(lines)[0]


@pytest.mark.parametrize("normalization", ["nmt_nfkc", "nfkc", "nmt_nfkc_cf", "nfkc_cf", "identity"])
def test_each_normalisation_trains(normalization):
    tokenizer = Tokenizer(train(["Straße ﬁ\t\u3000\x01", "A\u2028b"], normalization=normalization).model)
    folded = tokenizer.decode(tokenizer.encode(["ﬁ A"])[0])
    assert folded == {"identity": "ﬁ A", "nfkc_cf": "fi a", "nmt_nfkc_cf": "fi a"}.get(normalization, "fi A")


@pytest.mark.parametrize("lines", [[], [""], [" ", "\ufeff"], ["\u200b"], ["\0", "▅", "▁"]], ids=ascii)
@pytest.mark.parametrize("kind", KINDS)
def test_a_corpus_without_text_is_an_error(lines, kind):
    with pytest.raises(DataError, match="no text to train on"):
        train(lines, kind=kind)


def test_a_size_the_corpus_can_fill_is_kept():
    words = [f"{first}{second}{third}" for first in "abcdef" for second in "ghijkl" for third in "mnopqr"]
    for kind in ("unigram", "bpe"):
        trained = train([" ".join(words)] * 3, kind=kind, vocabulary_size=50, byte_fallback=False)
        assert (trained.size, trained.warning) == (50, None)


@pytest.mark.parametrize("kind", ["unigram", "bpe"])
def test_a_size_too_small_for_the_characters_is_raised(kind):
    trained = train(TWO_LINES, kind=kind, vocabulary_size=8)
    characters = set("".join(TWO_LINES))
    assert trained.size == 4 + 256 + len(characters)
    assert trained.warning.startswith(f"raised from 8 to {trained.size}")
    assert Tokenizer(trained.model).size == trained.size


@pytest.mark.parametrize("kind", ["char", "word"])
def test_a_size_too_small_for_the_bytes_is_raised(kind):
    assert train(TWO_LINES, kind=kind, vocabulary_size=8).size == 261


@pytest.mark.parametrize("kind", ["char", "word"])
def test_characters_and_words_that_do_not_fit_are_left_out(kind):
    trained = train(["b a", "c a"], kind=kind, vocabulary_size=6, byte_fallback=False)
    assert (trained.size, trained.warning) == (6, None)
    tokenizer = Tokenizer(trained.model)
    assert [tokenizer.special.unk in ids for ids in tokenizer.encode(["a", "c"])] == [False, True]


def test_rare_characters_are_left_to_the_bytes():
    lines = ["a b c"] * 100 + ["é"]
    tokenizer = Tokenizer(train(lines, character_coverage=0.99).model)
    ids = tokenizer.encode(["é"])[0]
    assert [tokenizer.piece(token) for token in ids][-2:] == ["<0xC3>", "<0xA9>"]


@pytest.mark.parametrize("kind", KINDS)
def test_long_lines_are_trained_on(kind):
    lines = ["ab " * 5000 + "ü" * 20_000 + " q"]
    tokenizer = Tokenizer(train(lines, kind=kind, byte_fallback=False).model)
    assert tokenizer.special.unk not in tokenizer.encode(["q" if kind == "word" else "abüq"])[0]


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_lines_give_the_same_bytes_in_every_process(kind):
    program = (
        "import sys, hashlib; from nmt.tokenization.tokenizer_training import train_tokenizer;"
        f"model = train_tokenizer({TWO_LINES * 30!r}, **{ {**DEFAULTS, 'kind': kind, 'training_lines': 40}!r}).model;"
        "print(hashlib.sha256(model).hexdigest())"
    )
    command = [sys.executable, "-c", program]
    outputs = [subprocess.run(command, capture_output=True, text=True, check=True) for _ in range(2)]
    assert outputs[0].stdout == outputs[1].stdout
    assert [output.stderr for output in outputs] == ["", ""]


def test_training_is_silent(capfd):
    train(TWO_LINES)
    train(TWO_LINES, vocabulary_size=8)
    assert capfd.readouterr() == ("", "")


def test_all_lines_are_taken_where_there_are_few():
    assert sample_lines(iter(["a", "", "b", " ", "c"]), 3, seed=1) == ["a", "b", "c"]


def test_a_sample_is_drawn_by_seed():
    lines = [str(number) for number in range(100)]
    sample = sample_lines(iter(lines), 10, seed=1)
    assert len(set(sample)) == 10
    assert sample == sample_lines(iter(lines), 10, seed=1)
    assert sample != sample_lines(iter(lines), 10, seed=2)


def test_a_line_is_drawn_alike_whether_it_is_looked_at_closely_or_not() -> None:
    generator = random.Random(1)
    kinds = ["a", "É", "1", "²", "\0", "\u2585", " ", "\u3000", "\udc80", "。", "ab cd "]
    for seed in range(50):
        lines = ["".join(generator.choices(kinds, k=generator.choice([0, 1, 3, 40]))) for _ in range(30)]
        # A line with a space in front is looked at closely.
        close = sample_lines([f" {line}" for line in lines], 7, seed)
        assert sample_lines(lines, 7, seed) == [part.removeprefix(" ") for part in close]


def test_each_line_is_as_likely_as_any_other():
    counts = Counter(line for seed in range(2000) for line in sample_lines("abcde", 2, seed))
    assert set(counts) == set("abcde")
    assert all(700 < count < 900 for count in counts.values())


def test_a_long_line_counts_as_several_cut_at_spaces():
    line = " ".join(["words"] * 1000) + "x" * 3000
    parts = sample_lines([line], 1000, seed=1)
    assert "".join(parts) == line
    assert max(map(len, parts)) <= 1000
    assert [set(part.split()) for part in parts[:4]] == [{"words"}] * 4


def test_what_sentencepiece_does_not_take_is_replaced():
    assert sample_lines(["a\0b▅c\ud800"], 1, seed=1) == ["a b c\ufffd"]
