"""Claims about `nmt.postprocessing.entities`: numbers, addresses and tags."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nmt.postprocessing.entities import core, find_entities, meanings, spaced_numbers, tag_pairs


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("See https://x.y/.", ["urls https://x.y/"]),
        ("(https://en.example.org/wiki/X_(y)), www.a.b!", ["urls https://en.example.org/wiki/X_(y)", "urls www.a.b"]),
        ("<https://x.y/a?b=1&c=2>", ["urls https://x.y/a?b=1&c=2"]),
        ("mail jane.doe+1@mail.example.com.", ["urls jane.doe+1@mail.example.com"]),
        ("<b>3</b> <br/>", ["tags <b>", "numbers 3", "tags </b>", "tags <br/>"]),
        ("{name} {{x}} ${y} {0}", ["tags {name}", "tags {{x}}", "tags ${y}", "tags {0}"]),
        ("%s %d, %1$s %(n)s %.2f", ["tags %s", "tags %d", "tags %1$s", "tags %(n)s", "tags %.2f"]),
        ("100% safe, 100%safe", ["numbers 100", "numbers 100"]),
        ("a &amp; b &#39; c & d;", ["tags &amp;", "tags &#39;"]),
        ("3, 1,000.5 1.000,5. 21st 12:30 2024-01-05", [
            *("numbers 3", "numbers 1,000.5", "numbers 1.000,5", "numbers 21", "numbers 12:30", "numbers 2024-01-05"),
        ]),
        ("a < b > c <3 @ me {a b}", ["numbers 3"]),
        ("", []),
    ],
)  # fmt: skip
def test_entities_are_found_without_their_punctuation(text: str, found: list[str]) -> None:
    assert [f"{entity.kind} {entity.text}" for entity in find_entities(text)] == found
    assert all(text[entity.start : entity.stop] == entity.text for entity in find_entities(text))


@pytest.mark.parametrize(
    ("word", "inner"),
    [
        ("Zürich,", "Zürich"),
        ("(l'école)!", "l'école"),
        ("<b>,", "<b>"),
        ("({name}).", "{name}"),
        ("https://x.y/.", "https://x.y/"),
        ("...", "..."),
        ("🙂.", "🙂"),
        ("50%", "50%"),
        ("“«A»”", "A"),
        ("<b>black</b>?", "<b>black</b>"),
    ],
)
def test_a_word_is_told_from_the_punctuation_around_it(word: str, inner: str) -> None:
    start, stop = core(word)
    assert word[start:stop] == inner


def same(one: str, other: str) -> bool:
    [first], [second] = find_entities(one), find_entities(other)
    return not set(meanings(first)).isdisjoint(meanings(second))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1,000.5", "1.000,5"),
        ("1000", "1,000"),
        ("1,00,000", "100.000"),
        ("1.5", "1,5"),
        ("٣٫٥", "3.5"),
        ("1'000", "1.000"),
    ],
)
def test_a_number_stays_itself_in_another_notation(one: str, other: str) -> None:
    assert same(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1.5", "15"),
        ("1,000", "100"),
        ("12:30", "12.30"),
        ("007", "7"),
        ("1,2,3", "123"),
        ("3", "4"),
        ("2024-01", "2024/01"),
    ],
)
def test_numbers_of_other_values_differ(one: str, other: str) -> None:
    assert not same(one, other)


def test_groups_that_stand_apart_may_be_one_number() -> None:
    text = "in 2020 300 of 12 300 000,5 and 7 000"
    entities = list(find_entities(text))
    assert [
        (entities[first].text, entities[last].text, value.whole)
        for first, last, value in spaced_numbers(entities, text)
    ] == [
        ("12", "000,5", "12300000"),
        ("7", "000", "7000"),
    ]


def test_tags_close_the_last_that_was_opened() -> None:
    tags = list(find_entities("<b> <i> {x} </i> <br/> </b> </p> <a>"))
    assert list(tag_pairs(tags)) == [(1, 3), (0, 5)]


@settings(max_examples=50, deadline=None)
@given(st.text(alphabet="1,.<>{}%sa@:/w (&;)\u202f\n日٣'", max_size=60))
def test_entities_hold_no_white_space_and_do_not_overlap(text: str) -> None:
    end = 0
    for entity in find_entities(text):
        assert entity.start >= end and entity.stop > entity.start and entity.text == text[entity.start : entity.stop]
        assert len(entity.text.split()) == 1
        list(meanings(entity))
        end = entity.stop
    for word in text.split():
        start, stop = core(word)
        assert 0 <= start < stop <= len(word)


@pytest.mark.parametrize("unit", ["<a", "1,", "a.b", "https://)", "{{", "%(a", "&a", "w@", "((", "a@b."])
def test_hostile_text_takes_time_in_proportion_to_its_length(unit: str) -> None:
    text = unit * 50_000
    started = time.process_time()
    list(find_entities(text))
    core(text)
    assert time.process_time() - started < 3
