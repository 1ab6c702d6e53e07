"""A tag is a token that no text becomes and that no text comes of."""

from __future__ import annotations

import io
from typing import Any

import pytest
import sentencepiece

from nmt.errors import ConfigError
from nmt.tokenization.tags import with_tags
from nmt.tokenization.tokenizer import Tokenizer
from nmt.tokenization.tokenizers import Tokenizers
from random_models import make_tokenizer

TAGS = ("<bt>", "<2fr>")
# A text that is full of them, so that a model may learn them as pieces.
LINES = ["a <bt> b <bt>c <2fr><bt> d", "<bt>", "<2fr> hello world", "x<bt>y"] * 40
KINDS = ("unigram", "bpe", "char", "word")


def trained(kind: Any, lines: list[str] = LINES, *, byte_fallback: bool = True) -> Tokenizer:
    return make_tokenizer(lines, 400, kind, byte_fallback=byte_fallback)


def somebody_elses(**options: Any) -> bytes:
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(LINES),
        model_writer=model,
        **{"vocab_size": 50, "hard_vocab_limit": False, "minloglevel": 5, **options},
    )
    return model.getvalue()


@pytest.mark.parametrize("byte_fallback", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_typed_text_never_becomes_a_tag(kind: str, byte_fallback: bool) -> None:
    plain = trained(kind, byte_fallback=byte_fallback)
    tagged = Tokenizer(with_tags(plain.model, TAGS))
    assert set(tagged.tags) == set(TAGS) and plain.tags == {}
    controls = {*tagged.tags.values(), *tagged.special[:3]}
    for text in (*LINES[:4], "<bt>", " <bt>", "▁<bt>", "<bt><bt>", "<2fr>\t<bt>"):
        ids = tagged.encode([text])[0]
        assert ids and controls.isdisjoint(ids)
        assert controls.isdisjoint(tagged.encode_with_words(text)[0])
        assert controls.isdisjoint(tagged.sample([text], 0.3, seed=2)[0])
        assert tagged.decode(ids) == plain.decode(plain.encode([text])[0])


def test_a_model_that_puts_no_space_before_a_text_makes_no_tag_either() -> None:
    tagged = Tokenizer(with_tags(somebody_elses(model_type="word", add_dummy_prefix=False), TAGS))
    assert set(tagged.tags.values()).isdisjoint(tagged.encode(["<bt>"])[0] + tagged.encode(["<bt> a", "<2fr>"])[1])


@pytest.mark.parametrize("kind", KINDS)
def test_other_text_is_tokenised_as_before_and_pieces_keep_their_ids(kind: str) -> None:
    plain = trained(kind, ["hello world", "how are you"] * 20)
    tagged = Tokenizer(with_tags(plain.model, TAGS))
    assert tagged.encode(["hello how world <bt>"]) == plain.encode(["hello how world <bt>"])
    assert tagged.size == plain.size + 2 and list(tagged.tags.values()) == [plain.size, plain.size + 1]
    assert [tagged.piece(token) for token in range(plain.size)] == [plain.piece(token) for token in range(plain.size)]
    assert (tagged.special[:4], tagged.normalization) == (plain.special[:4], plain.normalization)


def test_a_piece_spelled_like_a_tag_becomes_the_tag() -> None:
    """As in a model of somebody else, in which tags are text that is never cut."""
    plain = Tokenizer(somebody_elses(user_defined_symbols=["<bt>"]))
    [piece] = {token for token in range(plain.size) if plain.piece(token) == "<bt>"}
    assert piece in plain.encode(["x<bt>y"])[0]
    tagged = Tokenizer(with_tags(plain.model, ["<bt>"]))
    assert tagged.size == plain.size and tagged.tags == {"<bt>": piece}
    assert piece not in tagged.encode(["x<bt>y<bt>"])[0]
    assert tagged.encode(["hello"]) == plain.encode(["hello"])


@pytest.mark.parametrize(
    ("options", "tag"),
    [({"unk_piece": "<UNK>"}, "<UNK>"), ({"byte_fallback": True, "vocab_size": 300}, "<0x41>")],
)
def test_a_piece_that_the_tokenizer_needs_becomes_no_tag(options: dict[str, Any], tag: str) -> None:
    with pytest.raises(ConfigError, match=f"{tag} is a piece that this tokenizer needs for itself"):
        with_tags(somebody_elses(**options), [tag])


def test_what_has_the_tags_already_stays_the_same_bytes() -> None:
    model = with_tags(trained("unigram").model, TAGS)
    assert with_tags(model, reversed(TAGS)) == model == with_tags(model, [])
    tokenizers = Tokenizers.from_models(model)
    assert tokenizers.with_tags(TAGS) is tokenizers


@pytest.mark.parametrize("shared", [True, False])
def test_tags_are_of_the_source_and_no_translation_holds_one(shared: bool) -> None:
    model = trained("unigram").model
    tokenizers = Tokenizers.from_models(model, None if shared else trained("bpe").model).with_tags(TAGS)
    tags = set(tokenizers.source.tags.values())
    assert len(tags) == 2 and tokenizers.are_shared is shared
    assert set(tokenizers.target.tags) == (set(TAGS) if shared else set())
    assert set(tokenizers.target.tags.values()) <= set(tokenizers.target.special.never_written)
    assert tokenizers.source.decode([*tags, *tokenizers.source.encode(["hello"])[0]]) == "hello"


def test_an_unknown_tag_is_an_error_that_names_those_that_are_known() -> None:
    tagged = Tokenizer(with_tags(trained("char").model, TAGS))
    assert tagged.tag("<2fr>", "--tag") == tagged.tags["<2fr>"]
    with pytest.raises(ConfigError, match=r"--tag: <de> is no tag of this model; it knows <bt>, <2fr>"):
        tagged.tag("<de>", "--tag")
    for mark in ("<s>", "</s>", "<unk>", "<pad>", "<0x41>"):
        with pytest.raises(ConfigError):
            tagged.tag(mark, "--tag")
