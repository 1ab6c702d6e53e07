"""Where a line is cut into sentences, and where it is only suspected to hold several."""

from __future__ import annotations

import random
import time

import pytest

from nmt.translation.sentences import WINDOW, sentence_starts, sentences, sentencex_code, writes_spaces

SEVERAL = [
    "Tom is my brother. He lives in Boston.",
    "Wie geht es dir? Mir geht es gut!",
    "- Yes, I do. - No, you do not.",
    "¿Dónde estás? ¡Ven aquí ahora!",
    'He said "I know." Then he left.',
    "Я живу в Москве. Он живёт здесь.",
    "هذا بيت كبير. الرجل في البيت.",
    "मैं घर जाता हूँ। तुम कहाँ हो?",
    "你好吗？我很好。",
    "これはペンです。あれは本です。",
]
ONE = [
    *(
        "Mr. Smith is here.",
        "Gen. Lee and Prof. Dr. Müller came.",
        "J. R. R. Tolkien wrote it.",
        "It is No. 5 Downing.",
    ),
    *("Das ist z. B. Haus und Hof.", "Das ist z.B. Haus.", "Am 5. Mai kam er.", "Ludwig XIV. war ein König."),
    *("He is in the U.S. Army now.", "We met at 5 p.m. Eastern time.", "In der Goethestr. Dort war es."),
    *("Well... I do not know.", "Well… I do not know.", '"Stop it!" Tom shouted.', "「はい。」と言った。"),
    *("Hello!", "Yes. No. Maybe.", "Version 1.2. See there", "1. Apfel und Birne", "", " . ", "...", "。。"),
]


@pytest.mark.parametrize("line", SEVERAL)
def test_several_sentences_are_suspected_where_the_second_begins(line: str) -> None:
    [start] = sentence_starts(line)
    assert len(sentence_starts(line[:start])) == len(sentence_starts(line[start:])) == 0
    assert not line[start].isspace() and not line[start - 1].isalpha()


@pytest.mark.parametrize("line", ONE)
def test_an_abbreviation_an_initial_or_a_number_is_no_suspicion(line: str) -> None:
    assert sentence_starts(line) == []


def test_sentences_and_what_stands_between_them_are_the_line() -> None:
    generator = random.Random(1)
    alphabet = 'ab.。!? "“”()\n\t\u2028\u200b\ufeff١一🙂é…,:;N5\0\u0301\ud800'
    for _ in range(2000):
        line = "".join(generator.choices(alphabet, k=generator.randint(0, 40)))
        found = sentences(line, generator.choice(["en", "zh", "de", "ar", "my", "xx", ""]))
        for piece in found:
            clean = line.replace("\ud800", "\ufffd")
            assert clean[piece.start : piece.start + len(piece.text)] == piece.text == piece.text.strip()
        joined = "".join(piece.before + piece.text for piece in found)
        assert [c for c in joined if not c.isspace() and c != "\ufeff"] == [
            c for c in line.replace("\ud800", "\ufffd") if not c.isspace() and c != "\ufeff"
        ]


def test_white_space_between_sentences_is_kept() -> None:
    found = sentences("  Mr. Smith is here.  Are you?\tYes.\u2028No. ", "en")
    assert [piece.text for piece in found] == ["Mr. Smith is here.", "Are you?", "Yes.", "No."]
    assert [piece.before for piece in found] == ["  ", "  ", "\t", "\u2028"]


@pytest.mark.parametrize("code", ["de", "DE", "de-AT", "de_CH", "deu", "ger"])
def test_a_language_is_known_by_any_of_its_codes(code: str) -> None:
    line = "Das ist ca. 5 Uhr bzw. Mittag. Prof. Dr. Müller kam."
    assert len(sentences(line, code)) == 2 < len(sentences(line, "xx"))


def test_a_code_names_the_script_by_its_language() -> None:
    assert sentencex_code("zh_Hant") == sentencex_code("cmn") == "zh"
    assert not writes_spaces("zh-TW") and not writes_spaces("jpn") and writes_spaces("ko") and writes_spaces("xx")


@pytest.mark.parametrize(
    "unit", ["Tom is here now. ", "你好。", "A. ", '. "', ". ", "。", "x", " ", "! A", '."', "“a. ", "-. (", "1 "]
)
def test_the_time_of_a_giant_line_is_not_quadratic(unit: str) -> None:
    line = unit * ((1 << 19) // len(unit))
    started = time.process_time()
    found = sentences(line, "en")
    sentence_starts(line)
    assert time.process_time() - started < 5  # a quadratic one takes minutes
    assert max((len(piece.text) for piece in found), default=0) <= WINDOW
