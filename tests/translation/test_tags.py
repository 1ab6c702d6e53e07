"""A tag is read before the source, and is no word of it: what the model makes of it, and what everybody else sees."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from jobs import CONFIGURATION
from nmt.alignment.attention_matrix import attention_matrices, token_attention_rows, word_attention_rows
from nmt.alignment.links import output_links
from nmt.config import from_yaml
from nmt.corpus.batching import make_batch
from nmt.corpus.store import Side, TokenPairs
from nmt.errors import ConfigError
from nmt.search.options import SamplingOptions
from nmt.tokenization.tags import with_tags
from nmt.tokenization.tokenizer import Tokenizer
from nmt.tokenization.tokenizers import Tokenizers
from nmt.translation.ensemble import Ensemble
from nmt.translation.forced_decoding import ForcedPair, force_decode
from nmt.translation.tags import without_tag
from nmt.translation.translator import Translator
from nmt.visualization.attention_page.document import attention_data
from random_models import make_lines, make_model, make_tokenizer

BELOW_DATA = """\
  max_length: 12
model:
  attention: ATTENTION
  attention_size: 16
  embedding_size: 16
  readout_size: 16
  encoder: {hidden_size: 8}
  decoder: {hidden_size: 16}
search: {max_length: 40, beam_size: 3}
"""
BT, FR = "<bt>", "<2fr>"
LINES = [*make_lines(12, seed=4), "bala <bt> ce", "1 2 3", "", " ".join(make_lines(9, seed=6))]


def make_translator(attention: str = "additive") -> Translator:
    model = with_tags(make_tokenizer(make_lines(200, seed=3)).model, [BT, FR])
    tokenizers = Tokenizers.from_models(model)
    config = from_yaml((CONFIGURATION + BELOW_DATA).replace("ATTENTION", attention), "configuration")
    return Translator(make_model(config, *tokenizers), tokenizers, config)


@pytest.fixture(scope="module")
def translator() -> Translator:
    return make_translator()


def test_each_tag_gives_other_translations_and_none_is_as_before(translator: Translator) -> None:
    found = {
        tag: [line.text for line in translator.translate(LINES, translator.options(tag=tag))] for tag in (None, BT, FR)
    }
    assert found[None] == [line.text for line in translator.translate(LINES)]
    assert found[BT] != found[None] != found[FR] != found[BT]
    assert found[BT][13:15] == ["1 2 3", ""]  # no model is asked about these


def test_search_reads_the_tag_where_training_puts_it(translator: Translator) -> None:
    """What a batch of training computes of a pair is the log-probability that search gives the same translation."""
    source, target = translator.tokenizers
    options = translator.options(tag=FR, beam_size=1)
    for line, translation in zip(LINES[:8], translator.translate(LINES[:8], options), strict=True):
        [ids], translated = source.encode([line]), [target.encode([translation.text])[0]]
        pairs = TokenPairs(Side.from_sentences([np.array(ids)]), Side.from_sentences([np.array(translated[0])]))
        batch = make_batch(pairs, np.array([0]), translator.tokenizers.special, tags=[source.tags[FR]])
        assert batch.source.tolist() == [[source.tags[FR], *ids, source.special.eos]]
        assert batch.source_lengths.tolist() == [len(ids) + 2]
        [forced] = force_decode(translator, [(line, translation.text)], attention=False, tag=FR)
        with torch.no_grad():
            tensors = [torch.from_numpy(array) for array in (batch.source, batch.source_lengths, batch.target_input)]
            readouts, _ = translator.model(*tensors)
            expected = translator.model.log_probabilities(readouts, torch.from_numpy(batch.target_output))
        assert forced.log_probability == pytest.approx(float(expected.sum()), abs=1e-4)
        if translation.outputs[0].tokens == forced.tokens[:-1] and translation.outputs[0].end_marks:
            assert translation.outputs[0].log_probability == pytest.approx(forced.log_probability, abs=1e-4)


def test_make_batch_tags_the_pairs_that_have_a_tag(translator: Translator) -> None:
    side = Side.from_sentences([np.array([7]), np.array([8, 9])])
    batch = make_batch(TokenPairs(side, side), np.array([1, 0]), translator.tokenizers.special, tags=[None, 33])
    eos = translator.tokenizers.source.special.eos
    assert batch.source.tolist() == [[8, 9, eos], [33, 7, eos]] and batch.source_lengths.tolist() == [3, 3]


@pytest.mark.parametrize("sampling", [None, SamplingOptions(seed=3)])
@pytest.mark.parametrize("attention", ["additive", "dot", "none"])
def test_words_and_tokens_are_those_that_were_typed(attention: str, sampling: SamplingOptions | None) -> None:
    translator = make_translator(attention)
    options = translator.options(tag=BT, attention=True, sampling=sampling, n_best=2, coverage_penalty=None)
    for line, translation in zip(LINES, translator.translate(LINES, options), strict=True):
        ids = translator.tokenizers.source.encode([line])[0]
        for output in translation.outputs:
            assert BT not in output.tokens
            if attention == "none" or line == "1 2 3":
                continue
            assert list(translation.source_tokens) == list(map(translator.tokenizers.source.piece, ids))
            assert output.attention is not None and output.attention.shape == (len(output.tokens), len(ids) + 1)
            np.testing.assert_allclose(output.attention.sum(1), 1, atol=1e-5)
            np.testing.assert_allclose([row.sum() for row in token_attention_rows(output)], 1, atol=1e-5)
            assert all(len(row) == len(line.split()) for row in word_attention_rows(translation, output))
            for unit, units in (("word", line.split()), ("token", ids)):
                assert all(link[0] < len(units) for link in output_links(output, unit))
                assert not any(BT in matrix.source[:1] for matrix in attention_matrices(translation, output, unit))


def test_attention_to_the_tag_counts_as_attention_to_the_end_mark(translator: Translator) -> None:
    source = translator.tokenizers.source
    [ids] = source.encode(["bala ce difo"])
    [pair] = force_decode(translator, [("bala ce difo", "gu")], attention=True, tag=FR)
    read = torch.tensor([[source.tags[FR], *ids, source.special.eos]])
    target = translator.tokenizers.target
    given = torch.tensor([[target.special.bos, *target.encode(["gu"])[0]]])
    with torch.no_grad():
        weights = translator.model(read, torch.tensor([read.shape[1]]), given).weights[:, 0].numpy()
    assert pair.scores is not None and pair.scores.attention is not None
    expected = weights[:, 1:].copy()
    expected[:, -1] += weights[:, 0]
    assert weights[:, 0].max() > 0.01  # or this test shows nothing
    np.testing.assert_allclose(pair.scores.attention, expected, atol=1e-6)
    assert source.piece(source.tags[FR]) not in pair.source_tokens


def test_several_models_together_read_the_tag_each(translator: Translator) -> None:
    other = make_model(translator.config, *translator.tokenizers, seed=8)
    together = Translator(Ensemble([translator.model, other]), translator.tokenizers, translator.config)
    options = together.options(tag=FR, attention=True, beam_size=1)
    for line, translation in zip(LINES[:6], together.translate(LINES[:6], options), strict=True):
        [forced] = force_decode(together, [(line, translation.text)], attention=True, tag=FR)
        assert forced.scores is not None and forced.scores.attention is not None
        weights = [
            next(force_decode(one, [(line, translation.text)], attention=True, tag=FR)).scores
            for one in (translator, Translator(other, translator.tokenizers, translator.config))
        ]
        mean = np.mean([one.attention for one in weights if one is not None and one.attention is not None], axis=0)
        np.testing.assert_allclose(forced.scores.attention, mean, atol=1e-5)
        output = translation.outputs[0]
        if output.tokens == forced.tokens[:-1] and output.attention is not None:
            np.testing.assert_allclose(output.attention, mean[: len(output.tokens)], atol=1e-4)


def test_weights_of_sources_of_several_lengths() -> None:
    weights = torch.tensor([[[0.5, 0.2, 0.3, 0.0]], [[0.1, 0.2, 0.3, 0.4]]])
    found = without_tag(weights, torch.tensor([3, 4]))
    torch.testing.assert_close(found, torch.tensor([[[0.2, 0.8, 0.0]], [[0.2, 0.3, 0.5]]]))


def test_a_translation_behind_a_tag_does_not_depend_on_its_batch(translator: Translator) -> None:
    options = translator.options(tag=BT, attention=True, coverage_penalty=0.2)
    together = translator.translate(LINES, options)
    for line, other in zip(LINES, together, strict=True):
        [alone] = translator.translate([line], options)
        assert alone.text == other.text
        for one, two in zip(alone.outputs, other.outputs, strict=True):
            assert one.score == pytest.approx(two.score, abs=1e-4)
            if one.attention is not None and two.attention is not None:
                np.testing.assert_allclose(one.attention, two.attention, atol=1e-4)


def test_every_segment_of_a_line_is_behind_the_tag(translator: Translator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of a line that is too long, and its sentences; the limit of their lengths counts no tag."""
    read: list[list[int]] = []
    encode = translator.model.encode

    def watch(rows: torch.Tensor, lengths: torch.Tensor, **others: Any) -> Any:
        read.extend(row[:length].tolist() for row, length in zip(rows, lengths.tolist(), strict=True))
        return encode(rows, lengths, **others)

    monkeypatch.setattr(translator.model, "encode", watch)
    tag = translator.tokenizers.source.tags[FR]
    [translation] = translator.translate([LINES[-1]], translator.options(tag=FR))
    assert len(read) > 2 and all(row[0] == tag and tag not in row[1:] for row in read)
    assert all(len(row) <= 12 + 2 for row in read)
    assert translation.outputs[0].end_marks <= len(read)
    read.clear()
    pytest.importorskip("sentencex")
    translator.translate(["Bala ce. Difo gu."], translator.options(tag=FR, split_sentences=True))
    assert [row[0] for row in read] == [tag, tag]


def test_a_tag_makes_no_translation_longer(translator: Translator) -> None:
    options = translator.options(max_length_ratio=1.0, max_length=1000, beam_size=1)
    for tag in (None, BT):
        for line in translator.translate(make_lines(30, seed=8), replace(options, tag=tag)):
            tokens = len(translator.tokenizers.source.encode([line.source])[0])
            assert len(line.outputs[0].tokens) <= tokens + 10


def test_a_trace_shows_the_tag_that_the_model_attended_to(translator: Translator) -> None:
    trace = translator.attend("bala ce", translator.options(tag=BT))
    count = len(translator.tokenizers.source.encode(["bala ce"])[0])
    assert trace.source_tokens[0] == BT and len(trace.source_tokens) == len(trace.states) == count + 2
    assert trace.only.tags == 1 and len(trace.only.source_words) == count
    shifted = np.exp(trace.scores - trace.scores.max(1, keepdims=True))
    np.testing.assert_allclose(trace.weights, shifted / shifted.sum(1, keepdims=True), atol=1e-4)
    np.testing.assert_allclose(trace.contexts, trace.weights @ trace.states, atol=1e-4)
    [part] = attention_data([trace], "word", "here")["lines"][0]["parts"]
    assert part["source_words"] == ["bala", "ce"] and len(part["source_token_words"]) == count + 1
    assert part["source_token_words"][0] == -1
    # The matrix of words is that of the heat map, which knows of no tag.
    [matrix] = attention_matrices(trace.translation, trace.translation.outputs[0], "word")
    np.testing.assert_allclose(part["words"], matrix.weights, atol=1e-4)
    assert translator.attend("bala ce").only.tags == 0


def test_no_tag_is_ever_written(translator: Translator) -> None:
    """However likely the model finds it: with a temperature at which all tokens are alike."""
    sampling = SamplingOptions(temperature=100.0, seed=2)
    tags = set(translator.tokenizers.target.tags.values())
    assert tags
    for options in (translator.options(sampling=sampling, n_best=8), translator.options(beam_size=40, n_best=40)):
        found = translator.search_lines(make_lines(20, seed=9), options)
        tokens = {token for of_line in found for one in of_line for best in one.hypotheses for token in best.tokens}
        assert tags.isdisjoint(tokens) and len(tokens) > 20


def test_an_unknown_tag_is_refused_and_another_type_as_well(translator: Translator) -> None:
    with pytest.raises(ConfigError, match="tag: <de> is no tag of this model; it knows <bt>, <2fr>"):
        translator.options(tag="<de>")
    with pytest.raises(TypeError, match="tag is 3: expected text"):
        translator.options(tag=3)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="<de> is no tag"):
        translator.translate(["ba"], replace(translator.options(), tag="<de>"))
    with pytest.raises(ConfigError, match="<de> is no tag"):
        list(force_decode(translator, [("ba", "ba")], attention=False, tag="<de>"))
    plain = Tokenizer(make_tokenizer(make_lines(50)).model)
    with pytest.raises(ConfigError, match="it knows none"):
        plain.tag(BT, "tag")


def test_pairs_of_blank_lines_ask_no_model_behind_a_tag_either(translator: Translator) -> None:
    pairs: list[ForcedPair] = list(force_decode(translator, [(" ", ""), ("ba", "")], attention=True, tag=BT))
    assert pairs[0].log_probability == 0 and pairs[0].tokens == ()
    assert pairs[1].log_probability < 0
