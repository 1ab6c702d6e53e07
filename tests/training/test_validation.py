"""What a validation promises, on models of random weights."""

from __future__ import annotations

import logging

import pytest
import torch

import nmt.translation.forced_decoding
from nmt.errors import DataError, MemoryExhaustedError, NonFiniteError, StoppedError
from nmt.evaluation.metrics import evaluate
from nmt.model.seq2seq import Seq2Seq
from nmt.tokenization.tokenizer import Tokenizer
from nmt.tokenization.tokenizers import Tokenizers
from nmt.training import validation
from nmt.training.resuming import ValidationPair
from nmt.training.validation import Validator
from nmt.translation.forced_decoding import force_decode
from nmt.translation.translator import Translator
from random_models import make_lines, make_model, make_tokenizer, small_config

CONFIG = small_config(16, 8, max_length=20, search={"max_length": 12, "beam_size": 2})
PAIRS = [*zip(make_lines(20, seed=1), make_lines(20, seed=2), strict=True), ("", "ba"), ("ba", " ")]


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return make_tokenizer(make_lines(200, seed=3))


@pytest.fixture
def model(tokenizer: Tokenizer) -> Seq2Seq:
    return make_model(CONFIG, tokenizer, tokenizer)


def validator(tokenizer: Tokenizer, pairs: list[tuple[str, str]]) -> Validator:
    return Validator(CONFIG, [ValidationPair(*pair) for pair in pairs], Tokenizers(tokenizer, tokenizer), torch.float32)


def test_the_loss_is_that_of_all_pairs_with_text_on_both_sides(tokenizer: Tokenizer, model: Seq2Seq) -> None:
    model.train()
    result = validator(tokenizer, PAIRS)(model, lambda: None)
    assert model.training
    forced = list(
        force_decode(Translator(model.eval(), Tokenizers(tokenizer, tokenizer), CONFIG), PAIRS[:20], attention=False)
    )
    tokens = sum(len(pair.tokens) for pair in forced)
    assert result.loss == pytest.approx(-sum(pair.log_probability for pair in forced) / tokens, rel=1e-5)


def test_a_pair_too_long_to_be_read_at_once_is_left_out_of_the_loss_and_told(
    tokenizer: Tokenizer, model: Seq2Seq, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    expected = validator(tokenizer, PAIRS)(model, lambda: None)
    monkeypatch.setattr(validation, "MAX_TOKENS", 60)
    long = "ba " * 100, "ba"
    with caplog.at_level(logging.WARNING, "nmt"):
        found = validator(tokenizer, [*PAIRS, long])(model, lambda: None)
    assert found.loss == pytest.approx(expected.loss, rel=1e-6)
    assert "the loss is without 1 pair of 60 tokens or more" in caplog.text
    with pytest.raises(DataError, match="every pair"):
        validator(tokenizer, [long])


def test_where_memory_does_not_suffice_for_a_pair_its_line_is_named(
    tokenizer: Tokenizer, model: Seq2Seq, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhausted(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(nmt.translation.forced_decoding, "pad_pairs", exhausted)
    with pytest.raises(MemoryExhaustedError, match="line 3: out of memory while reading one sentence"):
        validator(tokenizer, [("", ""), ("", ""), PAIRS[0]])(model, lambda: None)


def test_a_model_that_has_diverged_is_told(tokenizer: Tokenizer, model: Seq2Seq) -> None:
    for factor in (1e5, torch.nan):
        with torch.no_grad():
            model.output_weight.mul_(factor)
        with pytest.raises(NonFiniteError, match=r"validation: the loss is .* nats a token"):
            validator(tokenizer, PAIRS)(model, lambda: None)


def test_it_stops_before_the_next_batch_of_the_loss(tokenizer: Tokenizer, model: Seq2Seq) -> None:
    asked = []

    def check() -> None:
        asked.append(len(asked))
        raise StoppedError("step 1", "stopped", 15)

    with pytest.raises(StoppedError):
        validator(tokenizer, PAIRS)(model, check)
    assert asked == [0]


def test_each_pair_is_read_behind_the_tag_of_its_set(tokenizer: Tokenizer) -> None:
    tokenizers = Tokenizers(tokenizer, tokenizer).with_tags(["<a>", "<b>"])
    model = make_model(CONFIG, *tokenizers)
    pairs = [ValidationPair(*pair, tag) for tag in ("<a>", None, "<b>") for pair in PAIRS]
    result = Validator(CONFIG, pairs, tokenizers, torch.float32)(model, lambda: None)
    translator = Translator(model, tokenizers, CONFIG)
    translated, loss, tokens = [], 0.0, 0
    for tag in ("<a>", None, "<b>"):
        translated += translator.translate([source for source, _ in PAIRS], translator.options(tag=tag))
        for pair in force_decode(translator, PAIRS[:20], attention=False, tag=tag):
            loss, tokens = loss - pair.log_probability, tokens + len(pair.tokens)
    assert result.loss == pytest.approx(loss / tokens, rel=1e-5)
    references = [target for _, target in PAIRS] * 3
    assert result.chrf == evaluate([str(one) for one in translated], [references], metrics=("chrf",))["chrf"].score
