"""What several models say together, on models of random weights, against the definition in plain arithmetic."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.functional import log_softmax

from nmt.config.types import AVERAGED, Averaged
from nmt.errors import ModelError
from nmt.model.seq2seq import Seq2Seq
from nmt.search.shortlist import Shortlist
from nmt.tokenization.tokenizers import Tokenizers
from nmt.translation.ensemble import Ensemble
from nmt.translation.forced_decoding import TokenPair, force_decode_tokens
from nmt.translation.translator import Translator
from random_models import make_lines, make_model, make_tokenizer, small_config

SEARCH = {"max_length": 12, "beam_size": 4}
KINDS = [("additive", 16), ("dot", 24), ("none", 16)]  # of the members, which need not be alike

LINES = [*make_lines(20, seed=3), "", "7 8", "ba " * 30]


@pytest.fixture(scope="module")
def tokenizers() -> Tokenizers:
    tokenizer = make_tokenizer(make_lines(200))
    return Tokenizers(tokenizer, tokenizer)


@pytest.fixture(scope="module")
def members(tokenizers: Tokenizers) -> list[Seq2Seq]:
    made = []
    for seed, (attention, readout) in enumerate(KINDS):
        config = small_config(16, 8, search=SEARCH, attention=attention, readout_size=readout)
        made.append(make_model(config, *tokenizers, seed=seed))
    return made


def translator_of(members: list[Seq2Seq], tokenizers: Tokenizers, averaged: Averaged = "probabilities") -> Translator:
    return Translator(Ensemble(members, averaged), tokenizers, small_config(16, 8, search=SEARCH))


def by_hand(members: list[Seq2Seq], source: list[int], target: list[int], averaged: str, eos: int, bos: int) -> float:
    """The log-probability of a translation, word by word, by each model alone and their average."""
    total, end = 0.0, [*target, eos]
    of_each = []
    with torch.no_grad():
        for model in members:
            read = model(
                torch.tensor([[*source, eos]]), torch.tensor([len(source) + 1]), torch.tensor([[bos, *target]])
            )
            of_each.append(log_softmax(read.readouts[:, 0] @ model.output_weight.t(), -1).double())
    for place, token in enumerate(end):
        if averaged == "probabilities":
            total += np.log(np.mean([rows[place, token].exp().item() for rows in of_each]))
        else:
            mean = torch.stack([rows[place] for rows in of_each]).mean(0)
            total += log_softmax(mean, -1)[token].item()
    return total


@pytest.mark.parametrize("averaged", AVERAGED)
def test_the_best_translation_has_the_average_of_what_each_model_says(
    members: list[Seq2Seq], tokenizers: Tokenizers, averaged: Averaged
) -> None:
    translator = translator_of(members, tokenizers, averaged)
    special = tokenizers.target.special
    found = translator.translate(LINES[:8], translator.options(attention=True))
    ids = tokenizers.source.encode(LINES[:8])
    pairs = []
    for line, translation in zip(ids, found, strict=True):
        tokens = [token_of(tokenizers, piece) for piece in translation.outputs[0].tokens]
        expected = by_hand(members, line, tokens, averaged, special.eos, special.bos)
        if not translation.outputs[0].is_cut:
            assert translation.outputs[0].log_probability == pytest.approx(expected, abs=1e-4)
        pairs.append((TokenPair(line, tokens), expected))
    scored = force_decode_tokens(translator, [pair for pair, _ in pairs], attention=True)
    for scores, (_, expected) in zip(scored, pairs, strict=True):
        assert scores.log_probabilities.sum() == pytest.approx(expected, abs=1e-4)


def token_of(tokenizers: Tokenizers, piece: str) -> int:
    return next(token for token in range(tokenizers.target.size) if tokenizers.target.piece(token) == piece)


def test_attention_is_the_mean_over_models_that_have_some(members: list[Seq2Seq], tokenizers: Tokenizers) -> None:
    pair = TokenPair(*tokenizers.source.encode(LINES[:2]))

    def weights(some: list[Seq2Seq]) -> np.ndarray:
        scores = force_decode_tokens(translator_of(some, tokenizers), [pair], attention=True)[0]
        assert scores.attention is not None
        return scores.attention

    both = weights(members[:2])
    np.testing.assert_allclose(both, (weights(members[:1]) + weights(members[1:2])) / 2, atol=1e-6)
    np.testing.assert_allclose(weights(members), both, atol=1e-6)
    assert not translator_of(members[2:], tokenizers).has_attention
    assert translator_of(members[1:], tokenizers).has_attention


def test_the_kind_of_attention_is_that_of_the_first_model_that_has_some(members: list[Seq2Seq]) -> None:
    additive, dot, none = members
    found = [Ensemble(some).attention for some in ([additive, dot], [none, dot, additive], [dot], [none], [none, none])]
    assert found == ["additive", "dot", "dot", "none", "none"]


def test_search_and_forced_decoding_agree_on_attention(members: list[Seq2Seq], tokenizers: Tokenizers) -> None:
    translator = translator_of(members, tokenizers)
    (found,) = translator.translate(LINES[:1], translator.options(attention=True))
    tokens = [token_of(tokenizers, piece) for piece in found.outputs[0].tokens]
    scores = force_decode_tokens(
        translator, [TokenPair(tokenizers.source.encode(LINES[:1])[0], tokens)], attention=True
    )
    assert found.outputs[0].segments is not None and scores[0].attention is not None
    np.testing.assert_allclose(found.outputs[0].segments[0].weights, scores[0].attention[: len(tokens)], atol=1e-5)


@pytest.mark.parametrize("averaged", AVERAGED)
def test_a_model_with_itself_is_the_model(members: list[Seq2Seq], tokenizers: Tokenizers, averaged: Averaged) -> None:
    alone, twice = translator_of(members[:1], tokenizers), translator_of(members[:1] * 2, tokenizers, averaged)
    ours, theirs = (one.translate(LINES, one.options(n_best=3)) for one in (twice, alone))
    for mine, other in zip(ours, theirs, strict=True):
        assert [output.text for output in mine.outputs] == [output.text for output in other.outputs]
        for output, same in zip(mine.outputs, other.outputs, strict=True):
            assert output.log_probability == pytest.approx(same.log_probability, abs=1e-4)


@pytest.mark.parametrize("averaged", AVERAGED)
def test_neighbours_change_nothing(members: list[Seq2Seq], tokenizers: Tokenizers, averaged: Averaged) -> None:
    translator = translator_of(members, tokenizers, averaged)
    together = translator.translate(LINES)
    for line, translation in zip(LINES, together, strict=True):
        (alone,) = translator.translate([line])
        assert alone.text == translation.text
        for output, same in zip(alone.outputs, translation.outputs, strict=True):
            assert output.log_probability == pytest.approx(same.log_probability, abs=1e-5 * (len(same.tokens) + 1))


def test_a_shortlist_is_that_of_all_models(members: list[Seq2Seq], tokenizers: Tokenizers) -> None:
    """Sentences have vocabularies of different sizes, and use no token beyond their own."""
    size, special = tokenizers.target.size, tokenizers.target.special
    translations = np.random.default_rng(1).integers(4, size, (size, 3), dtype=np.int32)
    table = Shortlist(translations, np.array([special.eos], np.int32))
    short = Translator(Ensemble(members), tokenizers, translator_of(members, tokenizers).config, shortlist=table)
    options = short.options(shortlist=3)
    together = short.translate(LINES[:20], options)
    for ids, line, found in zip(tokenizers.source.encode(LINES[:20]), LINES, together, strict=False):
        allowed = {*table.candidates([*ids, special.eos], ids, 3).tolist(), special.unk}
        for piece in found.outputs[0].tokens:
            assert token_of(tokenizers, piece) in allowed
        assert short.translate([line], options)[0].text == found.text


def test_a_token_that_no_model_believes_in_is_improbable_and_not_impossible(
    members: list[Seq2Seq], tokenizers: Tokenizers
) -> None:
    translator = translator_of(members[:2], tokenizers)
    weights = [model.output_weight.data for model in members[:2]]
    before = [weight.clone() for weight in weights]
    try:
        for weight in weights:
            weight.mul_(1e4)  # all probability is one token's
        (found,) = translator.translate(LINES[:1], prefixes=["ba ce di"])
    finally:
        for weight, as_it_was in zip(weights, before, strict=True):
            weight.copy_(as_it_was)
    assert found.outputs and np.isfinite(found.outputs[0].log_probability)
    assert found.outputs[0].text.startswith("ba ce di")


def test_what_is_traced_is_the_first_models_reading(members: list[Seq2Seq], tokenizers: Tokenizers) -> None:
    together, alone = translator_of(members, tokenizers), translator_of(members[:1], tokenizers)
    trace = together.attend(LINES[0])
    assert trace.translation.text == together.translate(LINES[:1])[0].text
    segment = trace.segments[0]
    tokens = [token_of(tokenizers, piece) for piece in trace.translation.outputs[0].tokens]
    pair = TokenPair(tokenizers.source.encode(LINES[:1])[0], tokens)

    def weights(translator: Translator) -> np.ndarray:
        (scores,) = force_decode_tokens(translator, [pair], attention=True)
        assert scores.attention is not None
        return scores.attention[: len(segment.weights)]

    np.testing.assert_allclose(segment.states, alone.attend(LINES[0]).segments[0].states, atol=1e-6)
    np.testing.assert_allclose(segment.weights, weights(alone), atol=1e-5)
    assert np.abs(segment.weights - weights(together)).max() > 1e-3


def test_loaded_models_are_one_translator_that_can_be_pickled(model: Path, second_model: Path) -> None:
    single, both = Translator.load(model), Translator.load(model, ensemble=[second_model])
    assert len(both.ensemble.members) == 2 and both.identity not in (
        single.identity,
        Translator.load(second_model).identity,
    )
    assert pickle.loads(pickle.dumps(both)).identity == both.identity  # noqa: S301 - our own
    by_logarithm = Translator.load(model, ensemble=[second_model], ensemble_average="log-probabilities")
    assert by_logarithm.identity != both.identity
    broken = Translator.load(model, ensemble=[second_model])
    broken.ensemble.members[1].output_weight.data.fill_(float("nan"))
    with pytest.raises(ModelError, match="not finite") as caught:
        broken.translate(["a b"])
    assert str(second_model) in str(caught.value)


def test_a_single_path_is_no_list_of_models(model: Path) -> None:
    with pytest.raises(TypeError, match="expected a list of paths"):
        Translator.load(model, ensemble=str(model))
