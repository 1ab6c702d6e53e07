"""Text fidelity: what the corpus has on the target side can come out, and the source is folded."""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import get_args

import pytest
import sentencepiece
from hypothesis import given, settings
from hypothesis import strategies as st

from hostile_text import SCRIPTS
from nmt.config.sections import Normalization
from nmt.errors import ModelError
from nmt.tokenization.normalization import folding, named_rule
from nmt.tokenization.protobuf import encode_field
from nmt.tokenization.tokenizer import Tokenizer
from nmt.tokenization.tokenizer_training import train_tokenizer
from nmt.tokenization.tokenizers import Tokenizers

KINDS = ("unigram", "bpe", "char", "word")
SOURCE = ["der ﬁne Hund ｌäuft ½ m²", "zwei Katzen laufen über e\u0301 die Straße"]
TARGET = ["می\u200cروم m² 10⁶ … ½ ™", "« oui\u00a0» क्\u200dष\u200c ﬁ ａ e\u0301 é", "日本語の文。 ภาษาไทย"]


@cache
def tokenizers(kind: str, shared: bool = True) -> Tokenizers:
    options = {"kind": kind, "vocabulary_size": 400, "character_coverage": 1.0, "byte_fallback": True}
    options |= {"training_lines": 100, "seed": 1}
    if shared:
        both = train_tokenizer(SOURCE, TARGET, normalization="nmt_nfkc", target_normalization="identity", **options)
        return Tokenizers.from_models(both.model)
    sides = [(SOURCE, "nmt_nfkc"), (TARGET, "identity")]
    return Tokenizers.from_models(*(train_tokenizer(text, normalization=rule, **options).model for text, rule in sides))


def said(text: str) -> list[str]:
    return text.replace("▁", " ").split()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shared", [True, False])
def test_target_text_comes_back_and_the_source_is_folded(kind: str, shared: bool) -> None:
    source, target = tokenizers(kind, shared)
    assert [said(target.decode(ids)) for ids in target.encode(TARGET)] == list(map(said, TARGET))
    assert source.decode(source.encode(["ｌäuft ½ m²"])[0]) == "läuft 1⁄2 m2"
    assert source.encode(["e\u0301 ﬁ"]) == source.encode(["é fi"])
    assert (source.normalization, target.normalization) == ("nmt_nfkc", "identity")


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60, deadline=None)
@given(st.text(max_size=20) | st.lists(st.sampled_from("".join(SCRIPTS.values()) + " \t\u00a0▁a<s>"), max_size=20))
def test_any_target_line_comes_back(kind: str, line: str | list[str]) -> None:
    target, text = tokenizers(kind).target, "".join(line)
    assert said(target.decode(target.encode([text])[0])) == said(text)
    assert target.reproduces(text)
    decoded, words = target.decode_with_words(target.encode_with_words(text)[0])
    assert said(decoded) == said(text) and max(words, default=-1) == len(said(text)) - 1


@pytest.mark.parametrize("kind", KINDS)
def test_tokens_of_a_folded_source_belong_to_its_words_as_typed(kind: str) -> None:
    source = tokenizers(kind).source
    text = "ｆ\u200cｕｌｌ ½ \u200b ﷺ e\u0301nd"
    ids, words = source.encode_with_words(text)
    assert ids == source.encode([text])[0]
    for index, word in enumerate(text.split()):
        own = [token for token, place in zip(ids, words, strict=True) if place == index]
        assert source.decode(own) == source.decode(source.encode([word])[0])


@pytest.mark.parametrize("kind", KINDS)
def test_both_sides_of_a_shared_vocabulary_are_one_model(kind: str) -> None:
    both = tokenizers(kind)
    assert both.are_shared and both.models[1] is None and both.source.size == both.target.size
    assert both.source.special == both.target.special
    again = Tokenizers.from_models(*both.models)
    assert again.target.encode(TARGET) == both.target.encode(TARGET)
    assert again.source.encode(TARGET) == both.source.encode(TARGET)


def test_segmentations_drawn_at_random_spell_the_same_text() -> None:
    source, target = tokenizers("unigram")
    for tokenizer in (source, target):
        whole = [tokenizer.decode(ids) for ids in tokenizer.encode(TARGET)]
        assert [tokenizer.decode(ids) for ids in tokenizer.sample(TARGET, 0.3, seed=1)] == whole


@pytest.mark.parametrize("name", get_args(Normalization))
def test_a_rule_is_sentencepieces_but_for_the_non_joiner(name: Normalization) -> None:
    fold = folding(named_rule(name))
    flags = {"add_dummy_prefix": False, "escape_whitespaces": False, "remove_extra_whitespaces": True}
    theirs = sentencepiece.SentencePieceNormalizer(rule_name=name, **flags)
    characters = [chr(code) for code in range(0x30000) if not 0xD800 <= code < 0xE000 and code not in (0x200C, 0xE000)]
    texts = [f"x{one}y" for one in characters]
    assert fold(texts) == (theirs.Normalize(texts) if name != "identity" else texts)
    # The same beside a non-joiner, for which a character stands that no rule changes or joins with others.
    beside = fold([f"\u200c{one}x\u200c" for one in characters])
    assert beside == [text.replace("\ue000", "\u200c") for text in fold([f"\ue000{one}x\ue000" for one in characters])]
    assert fold(["می\u200cروم"]) == ["می\u200cروم"]


def test_composed_and_decomposed_source_is_one_text() -> None:
    text = "Ünïcödé Việt한글が"
    source = tokenizers("unigram").source
    assert source.encode([unicodedata.normalize("NFD", text)]) == source.encode([unicodedata.normalize("NFC", text)])


def test_a_model_with_one_rule_serves_both_sides_by_it() -> None:
    model = train_tokenizer(
        SOURCE,
        TARGET,
        kind="unigram",
        vocabulary_size=400,
        character_coverage=1.0,
        byte_fallback=True,
        normalization="nmt_nfkc",
        training_lines=100,
        seed=1,
    ).model
    both = Tokenizers.from_models(model)
    assert both.source is both.target
    assert both.target.decode(both.target.encode(["m² …"])[0]) == "m2 ..."
    assert not both.target.reproduces("m² …") and both.target.reproduces("der  Hund")


def test_to_other_programs_it_is_a_model_as_any() -> None:
    model = tokenizers("unigram").source.model
    theirs = sentencepiece.SentencePieceProcessor(model_proto=model)
    assert theirs.encode("ﬁ m² Straße") == tokenizers("unigram").source.encode(["ﬁ m² Straße"])[0]


@pytest.mark.parametrize("spec", [b"\xff", encode_field(2, b"\xff" * 9), encode_field(2, b"\0\0\0\1")])
def test_a_hostile_rule_for_the_target_is_refused_or_harmless(spec: bytes) -> None:
    model = train_tokenizer(
        SOURCE,
        kind="char",
        vocabulary_size=400,
        character_coverage=1.0,
        byte_fallback=True,
        normalization="identity",
        training_lines=100,
        seed=1,
    ).model
    hostile = model + encode_field(1581, spec)
    with pytest.raises(ModelError, match="is not a SentencePiece model"):
        Tokenizers.from_models(hostile)
    assert Tokenizer(hostile).encode(["Hund"]) == Tokenizer(model).encode(["Hund"])
