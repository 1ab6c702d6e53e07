"""Faults of a pair: each is found where it is, and good pairs have none."""

import pytest

from nmt.corpus.faults import Fault, SideRules, safe_fault, storage_fault, strict_fault

FREQUENT = {"en": frozenset({"the", "of", "and", "is"}), "de": frozenset({"der", "und", "ist", "die"})}
FOREIGN = (frozenset({"les", "des", "une"}),)
RULES = (
    SideRules("en", "LATIN", FREQUENT["en"], (*FOREIGN, FREQUENT["de"])),
    SideRules("de", "LATIN", FREQUENT["de"], (*FOREIGN, FREQUENT["en"])),
)
TO_RUSSIAN = (RULES[0], SideRules("ru", "CYRILLIC"))
TO_JAPANESE = (RULES[0], SideRules("ja", "CJK"))

GOOD = [
    ("Hi.", "Hallo!"),
    ("Tom has OCD.", "Tom leidet an einer Zwangserkrankung."),
    ("Is this 223-1374?", "Ist dort 223-1374?"),
    ("Taylor Swift: Shake It Off", "Taylor Swift: Shake It Off"),
    ("OK", "OK"),
    ("ΑΒΓ", "ΑΒΓ"),
    ("See https://example.org/a for more information.", "Näheres unter https://example.org/a steht dort."),
    ("If x < 3 and y > 4, stop.", "Wenn x < 3 und y > 4, halt."),
    ("Press <b>Enter</b> to go on.", "Weiter mit der <b>Eingabetaste</b>."),
]
GOOD_ELSEWHERE = [
    (TO_RUSSIAN, "Microsoft Windows", "Microsoft Windows"),
    (TO_RUSSIAN, "I like YouTube videos.", "Мне нравятся видео на YouTube."),
    (TO_JAPANESE, "Where can I exchange the money that I brought from home?", "どこで両替できますか。"),
    (TO_JAPANESE, "iPhone 15", "iPhone 15"),
]


@pytest.mark.parametrize(("source", "target"), GOOD)
def test_a_good_pair_is_kept_at_every_level_but_for_what_strict_doubts(source, target):
    assert storage_fault(source, target) is None
    assert safe_fault(source, target, RULES) is None


@pytest.mark.parametrize(("rules", "source", "target"), GOOD_ELSEWHERE)
def test_names_and_short_lines_are_right_in_other_scripts(rules, source, target):
    assert safe_fault(source, target, rules) is None


@pytest.mark.parametrize(
    ("fault", "source", "target"),
    [
        (Fault.BLANK, "", "Ja."),
        (Fault.TOO_LONG, "word " * 251 + "word", "Wort " * 200),
        (Fault.TOO_LONG, "Ja." * 1000, "Yes."),
        (Fault.DAMAGED, "caf\ufffd", "Café"),
        (Fault.NO_LETTERS, "123 - 456", "eins"),
        (Fault.MARKUP, '<div class="navigation"><a href="index">Up</a></div>', "Nach oben"),
        (Fault.MARKUP, "Home", "https://example.org/de/startseite/index.html"),
        (Fault.MARKUP, "{{Infobox town|name=Ulm|country=Germany}}", "Ulm"),
        (Fault.UNTRANSLATED, "this sentence was never translated at all", "this sentence was never translated at all"),
        (Fault.WRONG_SCRIPT, "Это предложение по-русски.", "Dieser Satz ist deutsch."),
        (
            Fault.RATIO,
            "Yes.",
            "Das ist eine lange Geschichte, die mit dem, was links steht, gar nichts zu tun hat, " * 2,
        ),
    ],
)
def test_a_pair_that_teaches_nothing_is_told(fault, source, target):
    assert safe_fault(source.strip(), target.strip(), RULES) == fault


@pytest.mark.parametrize(
    ("fault", "source", "target"),
    [
        (Fault.TOO_LONG, "word " * 101, "Wort " * 101),
        (Fault.UNTRANSLATED, "Shake it off", "Shake It Off"),
        (Fault.WRONG_LANGUAGE, "Les bateaux des uns, une fois", "Schiffe"),
        (Fault.NUMBERS, "In 1963 he left.", "Er ging 1964."),
        (Fault.NUMBERS, "There were 2,000 people.", "Es waren sehr viele Leute da."),
        (Fault.ADDRESSES, "Write to a@example.org, please", "Schreiben Sie an b@example.org"),
        (Fault.PUNCTUATION, "Are you coming?", "Du kommst."),
        (Fault.ALL_CAPS, "THIS IS LOUD", "Das ist laut"),
        (Fault.DIGITS, "a 2 3 4 5 6", "b 2 3 4 5 6"),
    ],
)
def test_what_is_doubtful_is_kept_by_safe_and_told_by_strict(fault, source, target):
    assert safe_fault(source, target, RULES) is None
    assert strict_fault(source, target, RULES) == fault


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("Two men ate.", "2 Männer aßen."),
        ("At 1,000 metres", "Auf 1.000 Metern"),
        ("Do as I say, not as I do.", "Tu, was ich sage, nicht, was ich tue."),
    ],
)
def test_strict_keeps_what_can_be_explained(source, target):
    assert strict_fault(source, target, RULES) is None


def test_digits_of_all_scripts_are_equal():
    assert strict_fault("He left us in 1963", "او در سال ۱۹۶۳ رفت", (RULES[0], SideRules("fa", "ARABIC"))) is None


def test_japanese_may_ask_without_a_mark():
    assert strict_fault("Are you coming?", "来ますか。", TO_JAPANESE) is None


@pytest.mark.parametrize(
    ("fault", "source"),
    [(Fault.BLANK, " \ufeff"), (Fault.LINE_BREAK, "a\nb"), (Fault.LINE_BREAK, "a\r"), (Fault.TOO_LONG, "€" * 400_000)],
)
def test_what_cannot_be_a_line_is_told(fault, source):
    assert storage_fault(source, "x") == storage_fault("x", source) == fault
