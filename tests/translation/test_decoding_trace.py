"""What a trace tells is what the model did when it was searched, on models of random weights."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from nmt.config import from_yaml
from nmt.search.shortlist import Shortlist
from nmt.tokenization.special_tokens import SpecialTokens
from nmt.tokenization.tokenizer import Tokenizer
from nmt.tokenization.tokenizers import Tokenizers
from nmt.translation.decoding_trace import _choice
from nmt.translation.trace import SegmentTrace
from nmt.translation.translator import Translator
from random_models import make_model, make_tokenizer

CONFIGURATION = """\
data:
  source_language: xx
  target_language: yy
  train: {{source: a, target: b}}
  validation: {{source: a, target: b}}
  max_length: 12
model:
  attention: {attention}
  attention_size: 16
  embedding_size: 16
  readout_size: 16
  tie_embeddings: none
  encoder: {{hidden_size: 8}}
  decoder: {{hidden_size: 16, layers: {layers}, conditional: {conditional}}}
search: {{max_length: 9, beam_size: 3}}
"""
WORDS = [first + second for first in ("ba", "ce", "di", "fo") for second in ("", "la", "ne", "ri")]
LINES = ["ba cela difo", "", "fo", "\u2003\ufeff", " ".join(WORDS), "ce", "di"]
MODELS = [
    ("additive", 1, "false"),
    ("additive", 2, "true"),
    ("general", 1, "false"),
    ("dot", 2, "false"),
    ("none", 1, "false"),
]


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return make_tokenizer(WORDS * 9, 40)


def make_translator(tokenizer: Tokenizer, attention: str, layers: int, conditional: str) -> Translator:
    text = CONFIGURATION.format(attention=attention, layers=layers, conditional=conditional)
    config = from_yaml(text, "configuration")
    model = make_model(config, tokenizer, tokenizer, seed=3)
    with torch.no_grad():
        model.output_weight[tokenizer.special.eos] *= 2  # so that some translations end before their limit
    generator = np.random.default_rng(1)
    table = generator.integers(0, tokenizer.size, (tokenizer.size, 3)).astype(np.int32)
    return Translator(
        model, Tokenizers(tokenizer, tokenizer), config, shortlist=Shortlist(table, np.arange(5, dtype=np.int32))
    )


@pytest.fixture(scope="module", params=MODELS, ids=lambda model: "-".join(map(str, model)))
def translator(request: pytest.FixtureRequest, tokenizer: Tokenizer) -> Translator:
    return make_translator(tokenizer, *request.param)


@pytest.fixture(scope="module")
def additive(tokenizer: Tokenizer) -> Translator:
    return make_translator(tokenizer, *MODELS[0])


def traces(translator: Translator, **options: Any) -> list[SegmentTrace]:
    lines = translator.attend_lines(LINES, translator.options(**options))
    return [segment for line in lines for segment in line.segments]


def test_weights_are_the_softmax_of_the_scores(translator: Translator) -> None:
    for segment in traces(translator):
        exponentials = np.exp(segment.scores - segment.scores.max(axis=1, keepdims=True, initial=-math.inf))
        expected = exponentials / exponentials.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(segment.weights, expected, atol=1e-6)


def test_scores_are_what_the_attention_gives_the_queries(translator: Translator) -> None:
    attention = translator.model.decoder.attention
    for segment in traces(translator):
        queries = torch.tensor(segment.queries)[None]
        assert queries.shape[1:] == (len(segment.choices), translator.config.model.decoder.hidden_size)
        if translator.config.model.attention == "none":
            continue
        keys = attention.keys(torch.tensor(segment.states)[None])
        np.testing.assert_allclose(segment.scores, attention.scores(queries, keys)[0].detach(), atol=1e-5)


def test_the_context_is_the_sum_of_the_states_by_their_weights(translator: Translator) -> None:
    for segment in traces(translator):
        if translator.config.model.attention == "none":
            half = segment.states.shape[1] // 2
            np.testing.assert_array_equal(segment.summary, [*segment.states[-1, :half], *segment.states[0, half:]])
            np.testing.assert_array_equal(segment.contexts, np.tile(segment.summary, (len(segment.choices), 1)))
            assert segment.scores.shape == segment.weights.shape == (len(segment.choices), 0)
        else:
            np.testing.assert_allclose(segment.contexts, segment.weights @ segment.states, atol=1e-5)
            assert segment.weights.shape == (len(segment.choices), len(segment.source_tokens))


@pytest.mark.parametrize("shortlist", [0, 2])
def test_it_is_what_the_search_saw(shortlist: int, translator: Translator) -> None:
    options = translator.options(attention=True, n_best=3, shortlist=shortlist)
    found = translator.translate(LINES, options)
    traced = translator.attend_lines(LINES, options)
    for translation, line in zip(found, traced, strict=True):
        assert line.translation.text == translation.text
        assert " ".join(filter(None, (segment.text for segment in line.segments))) == translation.text
        for output in translation.outputs[:1]:
            tokens = [
                choice.token for segment in line.segments for choice in segment.choices[: len(segment.target_words)]
            ]
            assert tuple(tokens) == output.tokens
            logarithms = [math.log(choice.probability) for segment in line.segments for choice in segment.choices]
            assert sum(logarithms) == pytest.approx(output.log_probability, abs=1e-4)
            for seen, segment in zip(output.segments or (), line.segments, strict=False):
                assert seen.source_words == segment.source_words
                np.testing.assert_allclose(segment.weights[: len(seen.weights)], seen.weights, atol=1e-5)


def test_choices_are_ranked_by_probability(translator: Translator) -> None:
    for segment in traces(translator):
        assert segment.vocabulary == translator.tokenizers.target.size
        for choice in segment.choices:
            probabilities = [probability for _, probability in choice.best]
            assert len(probabilities) == 5 and probabilities == sorted(probabilities, reverse=True)
            assert not {token for token, _ in choice.best} & {"<pad>", "<s>"}
            if choice.rank <= 5:
                assert choice.best[choice.rank - 1] == (choice.token, choice.probability)
            else:
                assert choice.probability <= probabilities[-1]


def test_what_is_written_stands_in_its_place_among_equals() -> None:
    marks = SpecialTokens(pad=3, bos=1, eos=2, unk=0)
    for token in range(4, 12):
        choice = _choice(torch.tensor([1.0, 9, 0, 9, *[2.0] * 8, 3]), token, marks, str)
        assert (choice.token, choice.rank) == (str(token), 2)
        assert [one for one, _ in choice.best[:2]] == ["12", str(token)] and len(choice.best) == 5
        assert choice.best[1][1] == choice.probability


def test_a_finished_translation_ends_with_the_end_mark(additive: Translator) -> None:
    found = [segment for length in (1, 9) for segment in traces(additive, max_length=length)]
    assert {segment.finished for segment in found} == {False, True}
    for segment in found:
        assert len(segment.choices) == len(segment.target_words) + segment.finished
        assert (segment.choices[-1].token == "</s>") == segment.finished
        assert segment.source_tokens[-1] == "</s>" and len(segment.source_tokens) == len(segment.source_words) + 1


def test_all_hypotheses_of_the_beam_are_told(additive: Translator) -> None:
    [segment] = additive.attend_lines(["ba ce"], additive.options(beam_size=4))[0].segments
    [translation] = additive.translate(["ba ce"], additive.options(n_best=4))
    assert [one.text for one in segment.candidates] == [output.text for output in translation.outputs]
    assert [one.score for one in segment.candidates] == pytest.approx([output.score for output in translation.outputs])
    assert len(segment.candidates) == 4


def test_blank_lines_have_no_trace_and_long_lines_several(additive: Translator) -> None:
    counts = [len(line.segments) for line in additive.attend_lines(LINES, additive.options())]
    assert counts[1] == counts[3] == 0 and counts[0] == counts[2] == 1 and counts[4] > 1


def test_a_shortlist_is_what_probabilities_are_of(additive: Translator) -> None:
    for segment in traces(additive, shortlist=2):
        assert 5 < segment.vocabulary < additive.tokenizers.target.size


def test_nothing_of_a_trace_can_be_changed(additive: Translator) -> None:
    [segment] = additive.attend_lines(["ba"], additive.options())[0].segments
    for array in (segment.states, segment.summary, segment.queries, segment.scores, segment.weights, segment.contexts):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


def test_a_line_of_one_segment_has_its_attributes_and_no_other_line(additive: Translator) -> None:
    one, blank, *_, several = additive.attend_lines(["ba ce", "", LINES[4]], additive.options())
    [segment] = one.segments
    for name in ("states", "summary", "queries", "scores", "weights", "contexts", "source_tokens", "target_tokens"):
        assert getattr(one, name) is getattr(segment, name) or getattr(one, name) == getattr(segment, name)
    assert (one.choices, one.candidates) == (segment.choices, segment.candidates)
    assert (one.vocabulary, one.finished) == (segment.vocabulary, segment.finished)
    for line, count in ((blank, "0"), (several, str(len(several.segments)))):
        with pytest.raises(AttributeError, match=f"^the line has {count} segments"):
            _ = line.weights
