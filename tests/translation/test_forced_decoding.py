"""What reading a given translation promises, on models of random weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import nmt.translation.forced_decoding
import nmt.translation.segment_search
from jobs import CONFIGURATION
from nmt.config import from_yaml
from nmt.errors import MemoryExhaustedError, NonFiniteError
from nmt.model.seq2seq import Seq2Seq
from nmt.search.hypothesis import Hypothesis
from nmt.tokenization.tokenizer import Tokenizer
from nmt.tokenization.tokenizers import Tokenizers
from nmt.translation.forced_decoding import ForcedPair, TokenPair, force_decode, force_decode_tokens
from nmt.translation.translator import Translator
from random_models import exhaust_memory, make_lines, make_model, make_tokenizer

BELOW_DATA = """\
  max_length: 20
model:
  attention: ATTENTION
  attention_size: 32
  embedding_size: 32
  readout_size: 32
  tie_embeddings: none
  encoder: {hidden_size: 16}
  decoder: {hidden_size: 32, layers: 2, conditional: CONDITIONAL}
search: {max_length: 12, beam_size: 4}
"""


PAIRS = list(zip(make_lines(40, seed=1), make_lines(40, seed=2), strict=True))


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return make_tokenizer(make_lines(200, seed=3))


def make_translator(tokenizer: Tokenizer, attention: str, conditional: str = "false") -> Translator:
    text = (CONFIGURATION + BELOW_DATA).replace("ATTENTION", attention).replace("CONDITIONAL", conditional)
    config = from_yaml(text, "configuration")
    model = make_model(config, tokenizer, tokenizer, factor=3, output_factor=3)
    return Translator(model, Tokenizers(tokenizer, tokenizer), config)


@pytest.fixture(scope="module")
def translator(tokenizer: Tokenizer) -> Translator:
    return make_translator(tokenizer, "additive")


def assert_same(ours: list[ForcedPair], theirs: list[ForcedPair]) -> None:
    for mine, other in zip(ours, theirs, strict=True):
        assert (mine.source, mine.target, mine.tokens) == (other.source, other.target, other.tokens)
        assert mine.scores is not None and other.scores is not None
        np.testing.assert_allclose(mine.scores.log_probabilities, other.scores.log_probabilities, atol=1e-5)
        assert mine.scores.attention is not None and other.scores.attention is not None
        np.testing.assert_allclose(mine.scores.attention, other.scores.attention, atol=1e-5)


@pytest.mark.parametrize(
    ("attention", "conditional"),
    [("additive", "false"), ("additive", "true"), ("general", "false"), ("dot", "false"), ("none", "false")],
)
def test_what_search_finds_is_what_reading_it_gives(
    attention: str, conditional: str, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    translator = make_translator(tokenizer, attention, conditional)
    search, found = nmt.translation.segment_search.beam_search, list[list[Hypothesis]]()

    def watch(*arguments: Any, **options: Any) -> Any:
        found.append(search(*arguments, **options)[0])
        return [found[-1]]

    monkeypatch.setattr(nmt.translation.segment_search, "beam_search", watch)
    options = translator.options(attention=True, n_best=3)
    lines = make_lines(25, seed=4)
    outputs = [output for line in lines for output in translator.translate([line], options)[0].outputs]
    hypotheses = [hypothesis for some in found for hypothesis in some]
    pairs = [
        TokenPair(source, hypothesis.tokens)
        for source, some in zip(tokenizer.encode(lines), found, strict=True)
        for hypothesis in some
    ]
    forced = force_decode_tokens(translator, pairs, attention=True)
    assert {hypothesis.finished for hypothesis in hypotheses} == {True, False}
    for output, hypothesis, (log_probabilities, weights) in zip(outputs, hypotheses, forced, strict=True):
        length = len(hypothesis.tokens) + hypothesis.finished
        assert log_probabilities[:length].sum() == pytest.approx(hypothesis.log_probability, abs=1e-5 * length)
        assert (weights is None) == (attention == "none")
        if weights is not None:
            assert hypothesis.attention is not None and output.attention is not None
            np.testing.assert_allclose(hypothesis.attention, weights[:length], atol=1e-5)
            np.testing.assert_allclose(output.attention, weights[: len(hypothesis.tokens)], atol=1e-5)


def test_a_pair_does_not_depend_on_its_neighbours(translator: Translator) -> None:
    whole = list(force_decode(translator, PAIRS, attention=True))
    assert_same([next(force_decode(translator, [pair], attention=True)) for pair in PAIRS], whole)
    assert_same(list(force_decode(translator, PAIRS, attention=True, batch_tokens=20)), whole)
    assert [(pair.source, pair.target) for pair in whole] == PAIRS


def test_probabilities_of_all_continuations_sum_to_one(translator: Translator) -> None:
    vocabulary = translator.tokenizers.target.size
    source = translator.tokenizers.source.encode(["bala ce"])[0]
    forced = force_decode_tokens(
        translator, [TokenPair(source, [token]) for token in range(vocabulary)], attention=False
    )
    assert sum(np.exp(float(one.log_probabilities[0])) for one in forced) == pytest.approx(1, abs=1e-4)


def test_the_score_is_that_of_search(translator: Translator) -> None:
    [pair] = force_decode(translator, [("bala ce", "difo gu")], attention=True)
    assert pair.scores is not None and pair.tokens[-1] == "</s>"
    total = float(pair.scores.log_probabilities.sum())
    assert pair.log_probability == pytest.approx(total)
    assert pair.score(0.5) == pytest.approx(total / len(pair.tokens) ** 0.5)
    translation = pair.translation(0.5)
    [output] = translation.outputs
    assert (output.text, output.tokens, output.score) == ("difo gu", pair.tokens[:-1], pair.score(0.5))
    assert output.attention is not None and output.segments is not None
    assert output.attention.shape == (len(output.tokens), len(translation.source_tokens) + 1)
    assert set(output.segments[0].target_words) == {0, 1} == set(output.segments[0].source_words)


def test_only_where_both_lines_are_blank_the_model_is_not_asked(
    translator: Translator, monkeypatch: pytest.MonkeyPatch
) -> None:
    both, of_nothing, to_nothing = force_decode(
        translator, [(" ", "\u00a0"), ("\ufeff", "ba"), ("ba", "")], attention=True
    )
    assert (both.log_probability, both.tokens, both.score(1.0)) == (0, (), 0)
    assert len(of_nothing.tokens) > 1 and of_nothing.log_probability < -1e-3
    assert to_nothing.tokens == ("</s>",) and to_nothing.log_probability < -1e-3
    assert all(not pair.translation().outputs for pair in (both, of_nothing, to_nothing))
    monkeypatch.setattr(Seq2Seq, "forward", lambda *_: pytest.fail("the model was asked"))
    assert next(force_decode(translator, [("", "")], attention=True)).log_probability == 0


def test_a_long_pair_is_read_as_a_whole(translator: Translator) -> None:
    line = "bala ce " * 30
    [pair] = force_decode(translator, [(line, line)], attention=True)
    [ids] = translator.tokenizers.source.encode([line])
    assert len(ids) > translator.config.data.max_length
    assert pair.scores is not None and pair.scores.attention is not None
    assert pair.scores.attention.shape == (len(ids) + 1, len(ids) + 1)


def test_a_pair_that_is_too_large_is_left_out_alone(translator: Translator, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = list(force_decode(translator, PAIRS[:3], attention=True))
    monkeypatch.setattr(nmt.translation.forced_decoding, "MAX_TOKENS", 30)
    long = "bala " * 30
    found = list(force_decode(translator, [PAIRS[0], (long, "ba"), PAIRS[1], ("ba", long), PAIRS[2]], attention=True))
    assert found[1].scores is found[3].scores is None
    assert_same(found[::2], expected)


def test_attention_is_held_for_few_pairs_at_once(translator: Translator, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = list(force_decode(translator, PAIRS, attention=True))
    sizes = []

    def watch(translator: Translator, pairs: list[TokenPair], **options: Any) -> Any:
        sizes.append(sum(pair.weights for pair in pairs))
        return force_decode_tokens(translator, pairs, **options)

    monkeypatch.setattr(nmt.translation.forced_decoding, "MAX_WEIGHTS", 150)
    monkeypatch.setattr(nmt.translation.forced_decoding, "force_decode_tokens", watch)
    assert_same(list(force_decode(translator, PAIRS, attention=True)), whole)
    assert len(sizes) > 5 and max(sizes) <= 150


def test_where_memory_runs_out_the_batch_is_halved(translator: Translator, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = list(force_decode(translator, PAIRS, attention=True))
    sizes = exhaust_memory(monkeypatch, "forward", 3, MemoryError())
    assert_same(list(force_decode(translator, PAIRS, attention=True)), expected)
    assert max(sizes) > 12


def test_a_pair_too_large_for_memory_is_named(translator: Translator, monkeypatch: pytest.MonkeyPatch) -> None:
    exhaust_memory(monkeypatch, "forward", 0, MemoryError())
    with pytest.raises(MemoryExhaustedError, match=r"^line 8: out of memory .* sentence of 1 tokens .* of 2$"):
        list(force_decode(translator, [("", ""), ("ba", "ce ce")], attention=False, numbers=[7, 8]))


def test_scores_that_are_no_numbers_name_the_line(translator: Translator, monkeypatch: pytest.MonkeyPatch) -> None:
    log_probabilities = Seq2Seq.log_probabilities

    def spoil(model: Seq2Seq, readouts: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        found = log_probabilities(model, readouts, target)
        return found.masked_fill(target[:, :1] == ba, float("nan"))

    monkeypatch.setattr(Seq2Seq, "log_probabilities", spoil)
    [[ba]] = translator.tokenizers.target.encode(["ba"])
    with pytest.raises(NonFiniteError, match=r"^line 2: the model's scores are not finite"):
        list(force_decode(translator, [("ba", "ce"), ("ce", "ba ce"), ("ba", "fo")], attention=False))
