"""Lines that are several sentences, and lines without a letter."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import nmt.translation.sentences
from nmt.alignment.attention_matrix import attention_matrices, word_attention_rows
from nmt.alignment.links import output_links
from nmt.config import from_yaml
from nmt.errors import ConfigError
from nmt.search.options import SamplingOptions
from nmt.tokenization.tokenizers import Tokenizers
from nmt.translation.result import Translation
from nmt.translation.translator import Translator
from random_models import make_lines, make_model, make_tokenizer

CONFIGURATION = """\
data:
  source_language: en
  target_language: {target}
  train: {{source: a, target: b}}
  validation: {{source: a, target: b}}
  max_length: 20
model:
  attention: {attention}
  attention_size: 16
  embedding_size: 16
  readout_size: 16
  tie_embeddings: none
  encoder: {{hidden_size: 16}}
  decoder: {{hidden_size: 32}}
search: {{max_length: 12, beam_size: 3}}
"""
PIECES = ["Ba ce. ", "Di  fo gu?\t", "Gula ce ne.   ", "So. ", "Ba dila ce so."]
LETTERLESS = ["1", "00:01:02,500 --> 00:01:05,000", "--- 3 ---", "🙂 🙂", "²½ ⅣⅤ", "。？", " 1  2 ", "5 €"]


def make_translator(target: str = "yy", attention: str = "additive") -> Translator:
    tokenizer = make_tokenizer([*make_lines(200), *PIECES, *LETTERLESS, "你好。"], size=110)
    config = from_yaml(CONFIGURATION.format(target=target, attention=attention), "configuration")
    return Translator(make_model(config, tokenizer, tokenizer), Tokenizers(tokenizer, tokenizer), config)


@pytest.fixture(scope="module")
def translator() -> Translator:
    return make_translator()


def alone(translator: Translator, sentences: list[str], **options: Any) -> list[Translation]:
    return [translator.translate([one.strip()], translator.options(**options))[0] for one in sentences]


def test_each_sentence_is_translated_as_if_it_stood_alone(translator: Translator) -> None:
    parts = alone(translator, PIECES)
    expected = "".join(
        part.text + piece[len(piece.rstrip()) :] for part, piece in zip(parts, PIECES, strict=True)
    ).rstrip()
    for line in ("".join(PIECES), "  " + "".join(PIECES) + " \n"):
        for others in ([], make_lines(40)):
            found = translator.translate([*others, line], translator.options(split_sentences=True))[-1]
            assert found.text == expected
            assert found.source == line
    [output] = found.outputs
    assert output.tokens == tuple(token for part in parts for token in part.outputs[0].tokens)
    assert output.log_probability == pytest.approx(sum(part.outputs[0].log_probability for part in parts), abs=1e-4)


def test_a_sentence_that_is_too_long_is_cut_further(translator: Translator) -> None:
    long = " ".join(["cela"] * 60) + "."
    options = translator.options(split_sentences=True)
    both = translator.translate([f"{long} {PIECES[0]}", long, PIECES[0]], options)
    assert both[0].text == f"{both[1].text} {both[2].text}"


def test_alignments_of_sentences_are_those_of_the_line(translator: Translator) -> None:
    line = "".join([PIECES[0], "1 2. ", *PIECES[1:]])
    options = translator.options(split_sentences=True, attention=True, n_best=2)
    [translation] = translator.translate([line], options)
    words = len(line.split())
    for output in translation.outputs:
        rows = list(word_attention_rows(translation, output))
        assert len(rows) == len(output.text.split())
        assert all(len(row) == words and row.sum() == pytest.approx(1) for row in rows)
        assert output.attention is not None
        assert output.attention.shape == (len(output.tokens), len(translation.source_tokens) + 1)
        links = output_links(output, "word")
        place = output.text.split().index("1")
        assert (2, place) in links and (3, place + 1) in links
        for matrix in attention_matrices(translation, output, "word"):
            assert matrix.weights.shape == (len(matrix.target), len(matrix.source))


def test_sentences_without_white_space_between_them_are_joined_as_the_target_language_writes() -> None:
    line = "你好。你好？ 你好。"
    for target, between in (("yy", " "), ("zh", ""), ("ja", "")):
        translator = make_translator(target)
        options = translator.options(split_sentences=True, attention=True)
        [translation] = translator.translate([line], options)
        first, second, third = (part.text for part in alone(translator, ["你好。", "你好？", "你好。"]))
        assert translation.text == f"{first}{between}{second} {third}"
        output = translation.outputs[0]
        rows = list(word_attention_rows(translation, output))
        assert len(rows) <= len(output.text.split())  # a word that two sentences share belongs to the first
        assert {word for segment in output.segments or () for word in segment.source_words} == {0, 1}


def test_a_prefix_is_that_of_the_first_sentence(translator: Translator) -> None:
    options = translator.options(split_sentences=True)
    [found] = translator.translate(["".join(PIECES[:2])], options, prefixes=["gu di"])
    [first] = translator.translate([PIECES[0]], options, prefixes=["gu di"])
    assert found.text.startswith(first.text) and first.text.startswith("gu di")


def test_samples_of_sentences_differ(translator: Translator) -> None:
    options = translator.options(
        split_sentences=True, sampling=SamplingOptions(seed=1, temperature=2.0), n_best=2, attention=True
    )
    [found] = translator.translate(["Ba ce so. Ba ce so. Ba ce so."], options)
    drawn = [segment.weights.tolist() for output in found.outputs for segment in output.segments or ()]
    assert len(drawn) == 6 and all(drawn.count(one) == 1 for one in drawn)


def test_a_line_attended_to_has_a_segment_for_each_sentence(translator: Translator) -> None:
    line = translator.attend("Ba ce. 12. Di fo gu?", translator.options(split_sentences=True))
    first, second = line.segments  # what passes unchanged was not decoded
    assert set(first.source_words) == {0, 1} and set(second.source_words) == {3, 4, 5}
    assert line.translation.text == f"{first.text} 12. {second.text}"


def test_without_the_library_it_is_said_how_to_install_it(
    translator: Translator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nmt.translation.sentences.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ConfigError, match=r"^split_sentences: needs sentencex: pip install .*sentences"):
        translator.translate(["Ba."], translator.options(split_sentences=True))
    assert translator.translate(["Ba."])[0].text


@pytest.mark.parametrize("line", LETTERLESS)
@pytest.mark.parametrize("split", [False, True])
def test_a_line_without_a_letter_passes_unchanged(line: str, split: bool, translator: Translator) -> None:
    options = translator.options(split_sentences=split, attention=True, n_best=3)
    [translation] = translator.translate([line], options)
    [output] = translation.outputs
    assert (output.text, output.score, output.probability) == (line, 0.0, 1.0)
    assert output_links(output, "word") == [(word, word) for word in range(len(line.split()))]
    assert translation.source_tokens == output.tokens == tuple(line.split())
    assert output.attention is not None
    assert np.array_equal(output.attention[:, :-1], np.eye(len(line.split())))
    assert not output.is_cut
    assert translator.attend(line).segments == ()
    [other] = translator.translate([line], translator.options(translate_all=True))
    assert other.outputs[0].tokens != output.tokens and other.outputs[0].score < 0
    [forced] = translator.translate([line], options, prefixes=["gu"])
    assert forced.text.startswith("gu")


def test_letters_of_any_script_are_translated(translator: Translator) -> None:
    for line in ("一", "1 a", "é", "ª", "ה"):
        if translator.tokenizers.source.encode([line])[0]:
            assert translator.translate([line])[0].outputs[0].score < 0, line


def test_what_passes_unchanged_is_a_line_of_output(translator: Translator) -> None:
    [translation] = translator.translate(["1\u20282\x0b3\ud800"])
    assert translation.text == "1 2 3\ufffd"


def test_blank_lines_stay_blank(translator: Translator) -> None:
    for line in ("", "  ", "\ufeff", "\u3000\t"):
        for options in ({}, {"translate_all": True}, {"split_sentences": True}):
            assert translator.translate([line], translator.options(**options))[0].outputs == ()


def test_a_giant_line_of_numbers_keeps_its_attention_small(translator: Translator) -> None:
    [translation] = translator.translate(["1 " * 100_000], translator.options(attention=True))
    segments = translation.outputs[0].segments or ()
    assert sum(segment.weights.size for segment in segments) <= 100_000 * 21
    assert translation.text == "1 " * 100_000


def test_without_attention_in_the_model_nothing_is_aligned() -> None:
    plain = make_translator(attention="none")
    for translation in plain.translate(["1 2", "Ba. 1."], plain.options(attention=True, split_sentences=True)):
        assert translation.outputs[0].segments is None
