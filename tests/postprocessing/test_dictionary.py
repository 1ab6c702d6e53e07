"""Dictionaries of unknown words."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from nmt.errors import DataError, InputFileError
from nmt.postprocessing.dictionary import read_dictionary


def read(path: Path, text: str | bytes) -> tuple[dict[str, str], list[str]]:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    warnings: list[str] = []
    return dict(read_dictionary(str(path), warnings.append).translations), warnings


def test_words_and_translations_stand_between_tabs_or_spaces(tmp_path: Path) -> None:
    text = "\ufeffcat\tchat\n\n  dog   chien \r\npotato\tpomme  de terre\n日本 Japon"
    expected = {"cat": "chat", "dog": "chien", "potato": "pomme de terre", "日本": "Japon"}
    assert read(tmp_path / "plain", text) == (expected, [])
    assert read(tmp_path / "packed.gz", gzip.compress(text.encode())) == (expected, [])
    assert read(tmp_path / "empty", "") == ({}, [])


def test_the_first_translation_of_a_word_counts(tmp_path: Path) -> None:
    found, warnings = read(tmp_path / "d", "cat chat\ndog chien\ncat minou\ncat chat\ndog toutou\n")
    assert found == {"cat": "chat", "dog": "chien"}
    assert warnings == [
        f"{tmp_path}/d:3 and 1 further lines: another translation of a word that came before; the first counts"
    ]


def test_lines_that_are_no_entries_are_told_together(tmp_path: Path) -> None:
    lines = ["cat chat", "dog", "a b c", "a\tb\tc", "two words\tx", "x\t \t", "\t\tx", "y" * (1 << 21)]
    with pytest.raises(DataError) as caught:
        read(tmp_path / "d", "\n".join(lines))
    told = [str(problem).removeprefix(f"{tmp_path}/d:").partition(";")[0] for problem in caught.value.problems]
    assert told == [
        "2: has 1 column",
        "3: has 3 columns",
        "4: has 3 columns",
        "5: has more than one word",
        "6: has 1 column",
        "7: has 1 column",
        "8: is too long for an entry",
    ]
    with pytest.raises(DataError) as caught:
        read(tmp_path / "d", "cat chat\n" + "one\n" * 1000)
    assert len(caught.value.problems) == 20


def test_of_a_file_that_is_no_dictionary_the_first_fault_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        read(tmp_path / "d", "one\n" * 1000)
    (problem,) = caught.value.problems
    assert problem.where == f"{tmp_path}/d:1" and problem.what.endswith("wrong, too: is this a dictionary?")


def test_invalid_utf8_is_told_with_its_line(tmp_path: Path) -> None:
    _, warnings = read(tmp_path / "d", b"cat chat\n\xff x\n")
    assert warnings == [f"{tmp_path}/d:2: invalid UTF-8, replaced by U+FFFD"]


def test_a_dictionary_that_is_missing_is_66(tmp_path: Path) -> None:
    with pytest.raises(InputFileError):
        read_dictionary(str(tmp_path / "absent"), print)
