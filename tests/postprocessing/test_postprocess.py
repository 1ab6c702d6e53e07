"""Translations with words put in by attention: what they say, and that their attention stays right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from nmt.alignment.attention_matrix import word_attention_rows
from nmt.alignment.links import word_links
from nmt.postprocessing.dictionary import Dictionary
from nmt.postprocessing.entities import KINDS
from nmt.postprocessing.postprocess import Postprocessor
from nmt.translation.result import Output, SegmentAttention, Translation

Make = Callable[..., Translation]
REPLACE = Postprocessor(replace_unknown=True)
COPY = Postprocessor(copy=KINDS, confidence=True)


def best(translation: Translation, postprocessor: Postprocessor) -> Output:
    return postprocessor.apply(translation).outputs[0]


def alignment(translation: Translation, postprocessor: Postprocessor) -> list[tuple[int, int]]:
    return word_links(best(translation, postprocessor))


@pytest.mark.parametrize(
    ("source", "pieces", "looks", "text", "replaced"),
    [
        ("a Zürich b", "▁x ▁⁇ ▁y", [0, 1, 2], "x Zürich y", [(1, 1)]),
        ("a Zürich, b", "▁x ▁⁇ ▁y", [0, 1, 2], "x Zürich, y", [(1, 1)]),  # a model of words
        ("a Zürich, b", "▁x ▁ ⁇ ▁y", [0, 1, 1, 2], "x Zürich y", [(1, 1)]),  # the model writes punctuation itself
        ("a Zürich, b", "▁x ▁ ⁇ , ▁y", [0, 1, 1, 1, 2], "x Zürich, y", [(1, 1)]),
        ("a Дмитрий", "▁x ▁l' ⁇ .", [0, 0, 1, 1], "x l'Дмитрий.", [(1, 1)]),
        ("a heart", "▁x ▁c ⁇ ur", [0, 1, 1, 1], "x heart", [(1, 1)]),
        ("Zanzibar b", "▁⁇ ▁⁇ ▁y", [0, 0, 1], "Zanzibar y", [(0, 0)]),
        ("Ann Bob", "▁⁇ ▁⁇", [1, 0], "Bob Ann", [(1, 0), (0, 1)]),
        ("Ann b", "▁⁇ ▁y ▁⁇", [0, 1, 0], "Ann y Ann", [(0, 0), (0, 2)]),
        ("a b", "▁x ▁y", [0, 1], "x y", []),
    ],
)
def test_unknown_words_become_what_they_looked_at(
    source: str, pieces: str, looks: list[int], text: str, replaced: list[tuple[int, int]], make_translation: Make
) -> None:
    output = best(make_translation(source, pieces, looks), REPLACE)
    assert output.text == text
    assert list(output.annotations.replaced or ()) == replaced
    assert set(replaced) <= set(word_links(output))
    assert output.tokens == tuple(pieces.split())


def test_an_unknown_word_is_translated_by_a_dictionary_first(make_translation: Make) -> None:
    found = {"potato": "pomme de terre", "paris,": "PARIS", "été": "summer"}
    postprocessor = Postprocessor(replace_unknown=True, dictionary=Dictionary(found))
    translation = make_translation("a Potato, now", "▁⁇ ▁x ▁ ⁇ . ▁z", [0, 0, 1, 1, 1, 2])
    output = best(translation, postprocessor)
    assert output.text == "a x pomme de terre. z"
    words = np.array(list(word_attention_rows(translation, output)))
    np.testing.assert_array_equal(words.argmax(axis=1), [0, 0, 1, 1, 1, 2])
    np.testing.assert_allclose(words.sum(axis=1), 1)
    assert output.annotations.replaced == ((0, 0), (1, 2))
    assert best(make_translation("Paris,", "▁⁇", [0]), postprocessor).text == "PARIS"
    assert best(make_translation("(Potato)", "▁⁇", [0]), postprocessor).text == "(pomme de terre)"
    assert best(make_translation("ete e\u0301te\u0301", "▁⁇ ▁⁇", [0, 1]), postprocessor).text == "ete summer"


def test_parts_and_words_behind_an_edit_move_along() -> None:
    def segment(
        weights: list[list[float]], source: tuple[int, ...], words: range, unknown: tuple[int, ...]
    ) -> SegmentAttention:
        return SegmentAttention(np.array(weights, dtype=np.float32), source, tuple(words), words, unknown)

    segments = (
        segment([[0.8, 0.2, 0.0], [0.9, 0.1, 0.0]], (0, 1), range(2), (0, 1)),
        SegmentAttention(np.array([[1.0, 0.0]], dtype=np.float32), (2,), (-1,), range(2, 2)),
        segment([[0.1, 0.9, 0.0], [0.9, 0.1, 0.0]], (3, 4), range(2, 4), (0,)),
    )
    output = Output("⁇ ⁇ ⁇ z", -1, -2, ("u", "u", "-", "u", "z"), segments)
    postprocessor = Postprocessor(replace_unknown=True, dictionary=Dictionary({"e": "E E E"}))
    postprocessed = postprocessor.apply(Translation("a b c d e", (output,))).outputs[0]
    assert postprocessed.text == "a E E E z"
    assert postprocessed.segments is not None
    assert [one.words for one in postprocessed.segments] == [range(1), range(1, 1), range(1, 5)]
    assert word_links(postprocessed) == [(0, 0), (3, 4), (4, 1), (4, 2), (4, 3)]
    np.testing.assert_array_equal(postprocessed.attention, output.attention)


def test_a_word_cut_between_two_parts_is_put_in_once() -> None:
    weights = np.array([[1, 0, 0], [0, 1, 0]], dtype=np.float32)
    # The second word of the source lies in both segments, and both wrote something unknown for it.
    first = SegmentAttention(weights, (0, 1), (0, 1), range(2), (1,))
    second = SegmentAttention(weights, (1, 2), (2, 3), range(2, 4), (0,))
    output = Output("u ⁇ ⁇ z", -1, -2, ("u", "⁇", "⁇", "z"), (first, second))
    for dictionary, text, links in (
        (Dictionary(), "u b z", [(0, 0), (1, 1), (2, 2)]),
        (Dictionary({"b": "B B B"}), "u B B B z", [(0, 0), (1, 1), (1, 2), (1, 3), (2, 4)]),
    ):
        postprocessor = Postprocessor(replace_unknown=True, dictionary=dictionary, confidence=True)
        postprocessed = postprocessor.apply(Translation("a b c", (output,))).outputs[0]
        assert postprocessed.text == text
        assert word_links(postprocessed) == links
        assert [segment.words.stop for segment in postprocessed.segments or ()] == [
            len(text.split()) - 1,
            len(text.split()),
        ]


def test_an_entity_cut_between_two_segments_is_put_in_once() -> None:
    weights = np.array([[1, 0, 0], [0, 1, 0]], dtype=np.float32)
    first = SegmentAttention(weights, (0, 1), (0, 1), range(2))
    second = SegmentAttention(weights, (1, 2), (2, 3), range(2, 4))
    output = Output("u https://exmpl .com/a z", -1, -2, ("u", "https://exmpl", ".com/a", "z"), (first, second))
    postprocessed = Postprocessor(copy=("urls",), confidence=True).apply(
        Translation("a https://example.com/a c", (output,))
    )
    assert postprocessed.text == "u https://example.com/a z"
    assert word_links(postprocessed.outputs[0]) == [(0, 0), (1, 1), (2, 2)]


def test_unknown_words_that_a_tokenizer_writes_as_nothing_stay_so(make_translation: Make) -> None:
    translation = make_translation("a b", "▁⁇ ▁⁇", [0, 1])
    segment = translation.outputs[0].segments[0]  # type: ignore[index]
    silent = replace(
        translation.outputs[0], text="", segments=(segment._replace(target_words=(-1, -1), words=range(0)),)
    )
    postprocessed = Postprocessor(replace_unknown=True, copy=KINDS).apply(replace(translation, outputs=(silent,)))
    assert (postprocessed.text, word_links(postprocessed.outputs[0])) == ("", [])


@pytest.mark.parametrize(
    ("source", "pieces", "looks", "text", "missing"),
    [
        # A number that came out differently, in its place; the rest of the word is the translation's own.
        ("has 3, cats", "▁a ▁4. ▁chats", [0, 1, 2], "a 3. chats", ()),
        ("the 21st day", "▁le ▁22e ▁jour", [0, 1, 2], "le 21e jour", ()),
        # One in another notation is right.
        ("it is 1,000.5", "▁c' ▁est ▁1.000,5", [0, 1, 2], "c' est 1.000,5", ()),
        ("it is 10,000 now", "▁c' ▁est ▁10 ▁000", [0, 1, 2, 2], "c' est 10 000", ()),
        ("it is 10 000", "▁c' ▁est ▁10.000", [0, 1, 2], "c' est 10.000", ()),
        ("it is 1,000.5", "▁c' ▁est ▁1.000,4", [0, 1, 2], "c' est 1,000.5", ()),
        # Nothing of its kind looked there.
        ("has 3 cats", "▁a ▁trois ▁chats", [0, 1, 2], "a trois chats", (1,)),
        ("has 3 cats", "▁a ▁x ▁4", [0, 1, 2], "a x 4", (1,)),
        # Both are there, whatever looked where.
        ("2 or 3", "▁3 ▁ou ▁2", [0, 1, 2], "3 ou 2", ()),
        ("3 or 3", "▁3 ▁ou ▁4", [0, 1, 2], "3 ou 3", ()),
        ("3 or 3", "▁3 ▁ou ▁4", [2, 1, 0], "3 ou 3", ()),
        # Addresses.
        ("see https://example.com/a.", "▁voir ▁https://exmaple.con .", [0, 1, 1], "voir https://example.com/a.", ()),
        ("see https://ab.cd/e now", "▁voir ▁: ▁https ▁:// ▁ab ▁. ▁cd ▁/e ▁. ▁ce", [0, *[1] * 8, 2],
         "voir : https://ab.cd/e . ce", ()),
        ("ask a@b.co!", "▁demandez ▁à ▁la ▁a@c.do ▁!", [0, 1, 1, 1, 1], "demandez à la a@b.co !", ()),
        ("see www.x.y", "▁voir ▁le ▁site", [0, 1, 1], "voir le site", (1,)),
        # Tags and placeholders.
        ("hi {name}, %s", "▁salut ▁{nom}, ▁% ▁s", [0, 1, 2, 2], "salut {name}, %s", ()),
        ("a <b>red</b> car", "▁une ▁voiture ▁<b>rouge</i>", [0, 2, 1], "une voiture <b>rouge</b>", ()),
        ("hi {name}", "▁⁇ ▁⁇ .", [0, 1, 1], "⁇ {name}.", ()),
    ],
)  # fmt: skip
def test_entities_are_carried_over_where_attention_shows_their_place(
    source: str, pieces: str, looks: list[int], text: str, missing: tuple[int, ...], make_translation: Make
) -> None:
    output = best(make_translation(source, pieces, looks), COPY)
    assert output.text == text
    trust = output.annotations.confidence
    assert trust is not None
    assert [warning.source_words for warning in trust.warnings if warning.kind == "not_copied"] == (
        [missing] if missing else []
    )
    assert set(output.annotations.replaced or ()) <= set(word_links(output))


def test_no_tag_that_was_put_in_closes_before_it_is_opened(make_translation: Make) -> None:
    output = best(make_translation("<b> red </b>", "▁<i> ▁rouge ▁</i>", [2, 1, 0]), COPY)
    assert (output.text, output.annotations.replaced) == ("<b> rouge </b>", ((0, 0), (2, 2)))
    output = best(make_translation("<b> red </b>", "▁</b> ▁rouge ▁<i>", [2, 1, 0]), COPY)
    assert (output.text, output.annotations.replaced) == ("</b> rouge <i>", ())
    assert output.annotations.confidence is not None
    assert ("not_copied", (0,), ()) in output.annotations.confidence.warnings


def test_only_the_kinds_that_were_asked_for_are_copied(make_translation: Make) -> None:
    translation = make_translation("3 {x} www.a.b", "▁4 ▁{y} ▁www.c.d", [0, 1, 2])
    for kind, text in (("numbers", "3 {y} www.c.d"), ("tags", "4 {x} www.c.d"), ("urls", "4 {y} www.a.b")):
        assert best(translation, Postprocessor(copy=(kind,))).text == text
    with pytest.raises(ValueError, match="copy is names: expected some of numbers, urls, tags"):
        Postprocessor(copy=("names",))


def test_entities_go_first_and_unknown_words_take_what_is_left(make_translation: Make) -> None:
    postprocessor = Postprocessor(replace_unknown=True, copy=("numbers",))
    output = best(make_translation("Ann 3 Bob", "▁⁇ ▁4 ▁⁇", [2, 1, 0]), postprocessor)
    assert output.text == "Bob 3 Ann"
    assert output.annotations.replaced == ((2, 0), (1, 1), (0, 2))
    assert best(make_translation("Ann 3", "▁⁇ ▁⁇", [1, 0]), postprocessor).text == "3 Ann"


def test_nothing_is_done_that_was_not_asked_for(make_translation: Make) -> None:
    translation = make_translation("a", "▁⁇", [0])
    assert Postprocessor().apply(translation) is translation
    trusted = best(translation, Postprocessor(confidence=True))
    assert (trusted.text, trusted.annotations.replaced) == ("⁇", None)
    assert best(translation, REPLACE).annotations.confidence is None


def test_blank_lines_have_annotations_too() -> None:
    blank = Translation("", ())
    assert REPLACE.apply(blank).annotations == ((), None, None)
    assert COPY.apply(blank).annotations == ((), (1.0, ()), None)
    assert COPY.apply(blank, is_unread=True).annotations == ((), (0.0, (("unread", (), ()),)), None)


@pytest.mark.parametrize("text", ["a\u2028b", "\ud800", "<script>alert(1)</script>", "日本", "\u202eabc", "|||"])
def test_whatever_the_source_holds_stays_one_line_and_as_many_words(text: str, make_translation: Make) -> None:
    source = f"{text} z"
    words = len(source.split())
    output = best(make_translation(source, "▁x ▁⁇ ▁z", [words - 1, 0, words - 1]), REPLACE)
    assert len(output.text.split()) == 3
    assert output.text.split()[1] == source.split()[0].replace("\ud800", "\ufffd")
