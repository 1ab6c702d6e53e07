"""Runs of words that most lines begin or end with."""

from __future__ import annotations

import random

import pytest


def template_findings(findings):
    return [finding for finding in findings if finding.kind == "template"]


def attribution(number):
    return f" CC-BY 2.0 (France) Attribution: tatoeba.org #{1000 + 7 * number} (CK) & #{90 + number} (user{number})"


def test_an_attribution_at_the_end_of_every_line_is_told(corpus, check_data):
    for name in ("training", "validation", "test"):
        lines = [line + attribution(number) for number, line in enumerate(corpus.lines(f"{name}.fr"))]
        corpus.write(f"{name}.fr", lines)
    found = template_findings(check_data(corpus.config()))
    places = {finding.where for finding in found}
    assert places == {f"{corpus.path(f'{name}.fr')}:1" for name in ("test", "validation", "training")}
    for finding in found:
        assert "(France) Attribution: tatoeba.org" in finding.what and "end with" in finding.what
        assert "nmt prepare" in finding.advice and finding.severity == "warning"


def test_a_template_at_the_beginning_of_most_lines_is_told(corpus, check_data):
    lines = corpus.lines("training.en")
    corpus.write(
        "training.en",
        [f"[{number}:12:08] speaker A says: {line}" if number % 3 else line for number, line in enumerate(lines)],
    )
    [finding] = template_findings(check_data(corpus.config()))
    assert finding.where == f"{corpus.path('training.en')}:2" and "begin with" in finding.what
    assert "speaker A says:" in finding.what and "66.6 %" in finding.what


@pytest.mark.parametrize("script", ["words", pytest.param("characters", marks=pytest.mark.slow)])
def test_a_few_words_that_all_lines_end_with_are_grammar(script, corpus, check_data):
    ending = {"words": " vraiment.", "characters": "ました。"}[script]
    for name in ("training", "validation", "test"):
        lines = [line.rstrip(".") for line in corpus.lines(f"{name}.fr")]
        if script == "characters":
            lines = ["".join(chr(0x4E00 + (7 * ord(letter)) % 997) for letter in line) for line in lines]
        corpus.write(f"{name}.fr", [line + ending for line in lines])
    language = "fr" if script == "words" else "ja"
    assert template_findings(check_data(corpus.config(data={"target_language": language}))) == []


def test_a_template_in_a_script_without_spaces_is_told(corpus, check_data):
    generator = random.Random(1)
    for name in ("training", "validation", "test"):
        lines = [
            "".join(chr(0x4E00 + generator.randrange(900)) for _ in range(12)) + "（来源：人民日报海外网）"
            for _ in corpus.lines(f"{name}.fr")
        ]
        corpus.write(f"{name}.fr", lines)
    found = template_findings(check_data(corpus.config(data={"target_language": "zh"})))
    assert len(found) == 3 and all("人民日报海外网" in finding.what for finding in found)


def test_what_less_than_half_of_the_lines_end_with_is_no_template(corpus, check_data):
    lines = corpus.lines("training.fr")
    corpus.write(
        "training.fr", [line + attribution(1) if number % 5 < 2 else line for number, line in enumerate(lines)]
    )
    assert template_findings(check_data(corpus.config())) == []
