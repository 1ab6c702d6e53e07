"""The file of a glossary, and where a text has its terms."""

from __future__ import annotations

import gzip
import random
import time
from pathlib import Path

import pytest

from hostile_text import hostile_line
from nmt.errors import DataError
from nmt.translation.glossary import Glossary
from nmt.translation.glossary_file import MOST_ALTERNATIVES, read_glossary


def made(*terms: str) -> Glossary:
    return Glossary.from_terms((term, [term.upper()]) for term in terms)


def found(glossary: Glossary, text: str, *, spaced: bool = True) -> list[tuple[str, list[int]]]:
    return [(one.source, list(one.words)) for one in glossary.find(text, spaced=spaced)]


def test_a_file_is_read_with_comments_and_joined_alternatives(tmp_path: Path) -> None:
    path = tmp_path / "terms.tsv.gz"
    text = "\ufeff# a comment\n\nhouse\tHaus\tHauses \t\n  black   cat\tschwarze Katze\r\n \nhouse\tHaus\tHäuser\n"
    path.write_bytes(gzip.compress(text.encode()))
    terms = read_glossary(str(path)).terms
    assert terms == (("house", ("Haus", "Hauses", "Häuser")), ("black cat", ("schwarze Katze",)))


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("house", "has one column"),
        ("\tHaus", "has no source term"),
        ("house\t\tHaus", "has an empty column"),
        ("house\t" + "\t".join(map(str, range(MOST_ALTERNATIVES + 1))), f"has {MOST_ALTERNATIVES + 1} target terms"),
        ("x" * (1 << 21), "is too long for a term"),
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
    glossary = read_glossary(str(path))
    assert len(glossary) == 0 and found(glossary, "a b") == found(glossary, "a b", spaced=False) == []


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


def test_what_is_written_exactly_goes_before_other_capitals() -> None:
    glossary = Glossary.from_terms([("may", ["darf"]), ("May", ["Mai"])])
    targets = [one.targets for one in glossary.find("may May MAY", spaced=True)]
    assert targets == [("darf",), ("Mai",), ("darf", "Mai")]


def test_terms_are_found_by_characters_where_no_spaces_are_written() -> None:
    glossary = made("東京", "東京都", "iPhone", "AI")
    assert found(glossary, "私は東京都と東京へiPhoneで。 AI", spaced=False) == [
        ("東京都", [0]),
        ("東京", [0]),
        ("iPhone", [0]),
        ("AI", [1]),
    ]
    assert found(glossary, "MAIN AIs", spaced=False) == []


def test_hostile_text_is_matched_as_any_other() -> None:
    generator = random.Random(5)
    lines = [hostile_line(generator).decode(errors="replace") for _ in range(300)]
    words = [" ".join(line.split()[:2]) for line in lines if line.split()]
    glossary = Glossary.from_terms((word, [word]) for word in words if word)
    for line in lines:
        for spaced in (True, False):
            for one in glossary.find(line, spaced=spaced):
                assert 0 <= one.start < one.stop <= len(line) and one.words[-1] < len(line.split())


def test_many_terms_are_matched_as_fast_as_few(tmp_path: Path) -> None:
    generator = random.Random(2)
    words = [f"w{generator.randrange(10**6)}" for _ in range(50_000)]
    path = tmp_path / "terms.tsv"
    rows = [f"same {word} {place}\tx {word}\n{word}\ty\n" for place, word in enumerate(words)]
    path.write_text("".join(rows))
    before = time.process_time()
    glossary = read_glossary(str(path))
    lines = ["same " + " ".join(generator.choices(words, k=20)) for _ in range(200)]
    assert sum(len(glossary.find(line, spaced=True)) for line in lines) == 4000
    assert len(glossary) >= 97_000 and time.process_time() - before < 10


@pytest.mark.parametrize(
    ("terms", "error"), [([("a", [])], ValueError), ([(" ", ["b"])], ValueError), ([("a", "b")], TypeError)]
)
def test_a_term_without_a_text_is_refused(terms: list[tuple[str, list[str]]], error: type[Exception]) -> None:
    with pytest.raises(error):
        Glossary.from_terms(terms)
