"""The file of a glossary, and where a text has its terms."""

from __future__ import annotations

import gzip
import random
import time
import unicodedata
from pathlib import Path

import pytest

from hostile_text import hostile_line
from nmt.errors import DataError
from nmt.translation.glossary import Glossary
from nmt.translation.glossary_file import MOST_ALTERNATIVES, read_glossary


def made(*terms: str) -> Glossary:
    return Glossary.from_terms((term, [term.upper()]) for term in terms)


def found(glossary: Glossary, text: str) -> list[tuple[str, list[int]]]:
    return [(one.source, list(one.words)) for one in glossary.find(text)]


def test_a_file_is_read_with_comments_and_joined_alternatives(tmp_path: Path) -> None:
    path = tmp_path / "terms.tsv.gz"
    text = "\ufeff# a comment\n\nhouse\tHaus\tHauses \t\n  black   cat\tschwarze Katze\r\n \nhouse\tHaus\tHäuser\n"
    path.write_bytes(gzip.compress(text.encode()))
    terms = read_glossary(str(path)).terms
    assert terms == (("house", ("Haus", "Hauses", "Häuser")), ("black cat", ("schwarze Katze",)))


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("house", "has no translation of 'house'"),
        ("\tHaus", "has no source term"),
        ("house\t\tHaus", "has an empty column"),
        ("house\t" + "\t".join(map(str, range(MOST_ALTERNATIVES + 1))), f"has {MOST_ALTERNATIVES + 1} target terms"),
        ("x" * (1 << 21), "is too long for a term"),
        ("cat\tchat\0x", "has the control character '\\x00'"),
    ],
)
def test_a_line_that_is_no_term_is_told_with_its_number(line: str, what: str, tmp_path: Path) -> None:
    path = tmp_path / "terms.tsv"
    path.write_text(f"# terms\na\tb\n{line}\n\nc\td\n{line}\n")
    with pytest.raises(DataError) as error:
        read_glossary(str(path))
    assert [(problem.where, problem.what[: len(what)]) for problem in error.value.problems] == [
        (f"{path}:3", what),
        (f"{path}:6", what),
    ]


def test_an_empty_file_is_a_glossary_without_terms(tmp_path: Path) -> None:
    path = tmp_path / "terms.tsv"
    path.write_text("# nothing\n")
    warnings: list[str] = []
    glossary = read_glossary(str(path), warnings.append)
    assert warnings == [f"{path}: has no terms"]
    assert len(glossary) == 0 and found(glossary, "a 東 b") == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("the Berlin wall.", [("Berlin wall", [1, 2])]),
        ("the Berlin  wall, “Berlin”", [("Berlin wall", [1, 2]), ("Berlin", [3])]),
        ("Berlin, wall", [("Berlin", [0])]),
        ("Berlin-based Berliner BERLIN berlin", [("Berlin", [2])]),
        ("Cat cat CAT cAt cats", [("cat", [0]), ("cat", [1]), ("cat", [2])]),
        ("(C++), C and U.S. or U.S.?", [("C++", [0]), ("U.S.", [3]), ("U.S.", [5])]),
        ("It us IT", [("it", [0]), ("us", [1]), ("IT", [2])]),
        ("apple pie pan", [("apple pie", [0, 1])]),
        ("one apple pie pan cake", [("pie pan cake", [2, 3, 4])]),
        ("cafe\u0301", [("café", [0])]),
        ("", []),
    ],
)
def test_terms_are_found_by_whole_words_the_longest_first(text: str, expected: list[tuple[str, list[int]]]) -> None:
    terms = "Berlin", "Berlin wall", "cat", "C++", "U.S.", "it", "IT", "us", "apple pie", "pie pan cake", "café"
    assert found(made(*terms), text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "»Zug«",
        "—Zug",
        "-Zug",
        "der Zug—er",
        "Zug…und",
        "*Zug*",
        "_Zug_",
        "`Zug`",
        "\ufeffZug",
        "\u200bZug\u200b",
        "\u2068Zug\u2069",
        "⟨Zug⟩",
        "（Zug）",
        "Zug،",
        "Zug؟",
        "Zug।",
        "Zug։",
        "Zug፡",
        "Zug™",
        "Zug\U0001f682\ufe0f",
        "「Zug」が",
        "彼のZugは",
        "$Zug",
    ],
)
def test_signs_of_any_script_are_no_part_of_a_word(text: str) -> None:
    assert [one.source for one in made("Zug", "Z").find(text)] == ["Zug"]
    [one] = made("Zug").find(text)
    assert text[one.start : one.stop] == "Zug"


@pytest.mark.parametrize(
    "text", ["Zug#", "Zug-", "Zug++", "Zugs", "ein-Zug", "www.Zug.de", "Zug.js", "Zug\u0301", "2Zug"]
)
def test_what_is_glued_to_a_word_makes_it_another(text: str) -> None:
    assert not made("Zug").find(text)


def test_a_term_is_found_however_its_characters_are_composed() -> None:
    for name, text in (
        ("ガス", "都市カ\u3099スです"),
        ("한글", "\u1112\u1161\u11ab\u1100\u1173\u11af 좋다"),
        ("é", "(e\u0301)"),
    ):
        for term in (name, unicodedata.normalize("NFD", name)):
            [one] = made(term).find(text)
            assert unicodedata.normalize("NFC", text[one.start : one.stop]) == name


def test_a_term_of_two_scripts_is_not_cut_out_of_a_word() -> None:
    glossary = made("Tシャツ", "シャツA")
    assert found(glossary, "黒いTシャツを") == [("Tシャツ", [0])]
    assert found(glossary, "XTシャツ シャツAB") == []


def test_of_terms_within_each_other_those_that_are_free_are_found() -> None:
    glossary = made("a", "a b", "b c d e", "d")
    assert found(glossary, "a b c d e") == [("a", [0]), ("b c d e", [1, 2, 3, 4])]
    assert found(glossary, "a b c d") == [("a b", [0, 1]), ("d", [3])]


def test_terms_within_each_other_are_found_in_time() -> None:
    words, characters = (
        made(*(separator.join([part] * count) for count in range(1, 200)))
        for separator, part in ((" ", "a"), ("", "あ"))
    )
    before = time.process_time()
    assert len(words.find(" ".join(["a"] * 10_000))) == len(characters.find("あ" * 10_000)) == 51
    assert time.process_time() - before < 20


def test_what_is_written_exactly_goes_before_other_capitals() -> None:
    glossary = Glossary.from_terms([("may", ["darf"]), ("May", ["Mai"])])
    targets = [one.targets for one in glossary.find("may May MAY")]
    assert targets == [("darf",), ("Mai",), ("darf", "Mai")]


def test_terms_are_found_by_characters_where_no_spaces_are_written() -> None:
    glossary = made("東京", "東京都", "iPhone", "AI")
    assert found(glossary, "私は東京都と東京へiPhoneで。 AI") == [
        ("東京都", [0]),
        ("東京", [0]),
        ("iPhone", [0]),
        ("AI", [1]),
    ]
    assert found(glossary, "MAIN AIs") == []


def test_hostile_text_is_matched_as_any_other() -> None:
    generator = random.Random(5)
    lines = [hostile_line(generator).decode(errors="replace") for _ in range(300)]
    words = [" ".join(line.split()[:2]) for line in lines if line.split()]
    glossary = Glossary.from_terms((word, [word]) for word in words if word)
    counted = 0
    for line in lines:
        stop = 0
        for one in glossary.find(line):
            counted += 1
            assert stop <= one.start < one.stop <= len(line)
            stop = one.stop
            written = " ".join(unicodedata.normalize("NFC", line[one.start : one.stop]).split())
            assert written in {one.source, one.source[:1].title() + one.source[1:], one.source.upper()}
            # A word that is shared with the signs around the term is the term's.
            own = " ".join(unicodedata.normalize("NFC", line).split()[one.words[0] : one.words[-1] + 1])
            assert written in own
    assert counted > 150


def test_many_terms_are_matched_as_fast_as_few(tmp_path: Path) -> None:
    generator = random.Random(2)
    words = [f"w{generator.randrange(10**6)}" for _ in range(50_000)]
    path = tmp_path / "terms.tsv"
    rows = [f"same {word} {place}\tx {word}\n{word}\ty\n" for place, word in enumerate(words)]
    path.write_text("".join(rows))
    before = time.process_time()
    glossary = read_glossary(str(path))
    lines = ["same " + " ".join(generator.choices(words, k=20)) for _ in range(200)]
    assert sum(len(glossary.find(line)) for line in lines) == 4000
    assert len(glossary) >= 97_000 and time.process_time() - before < 10


@pytest.mark.parametrize(
    ("terms", "error"), [([("a", [])], ValueError), ([(" ", ["b"])], ValueError), ([("a", "b")], TypeError)]
)
def test_a_term_without_a_text_is_refused(terms: list[tuple[str, list[str]]], error: type[Exception]) -> None:
    with pytest.raises(error):
        Glossary.from_terms(terms)
