"""Conventions of writing that one set has and another has not, each told once, with an example of each."""

from __future__ import annotations

import re
import time
import unicodedata

import pytest

from nmt.preflight.traits import TRAITS


def only(findings, kind):
    assert [finding.kind for finding in findings] == [kind], findings
    return findings[0]


def tokenized(line):
    return re.sub(r"([.,])", r" \1", line)


def segmented(line):
    return re.sub(r"(\w{3})(?=\w)", r"\1@@ ", line)


CHANGES = {
    "entities": lambda line: line.replace("'", "&apos;"),
    "tokenized": tokenized,
    "subwords": segmented,
    "lower_case": str.lower,
    "upper_case": str.upper,
    "quoted": lambda line: f'"{line}"',
    "decomposed": lambda line: unicodedata.normalize("NFD", line),
    "curly_quotes": lambda line: line.replace("'", "’"),
    "final_stop": lambda line: line.rstrip("."),
    "numbered": lambda line: f"12. {line}",
    "tabs": lambda line: line.replace(" ", "\t", 1),
}


@pytest.fixture
def written(corpus):
    """A corpus with an apostrophe in every line."""
    for name in ("training", "validation", "test"):
        corpus.write(f"{name}.fr", [line.replace("Le ", "L'") for line in corpus.lines(f"{name}.fr")])
    return corpus


@pytest.mark.parametrize("changed", ["training", "validation"])
@pytest.mark.parametrize("trait", CHANGES)
def test_a_convention_of_one_set_alone_is_told_with_an_example_of_each(trait, changed, written, check_data):
    lines = written.lines(f"{changed}.fr")
    written.write(f"{changed}.fr", [CHANGES[trait](line) for line in lines])
    kind = f"differs_{trait}"
    [finding] = [finding for finding in check_data(written.config(), full=True) if finding.kind == kind]
    assert finding.severity == "warning" and finding.advice
    places = f"{finding.where} {finding.what}"
    assert f"{written.path('training.fr')}:" in places
    # What differs from training: validation, with test like it where it is training that was changed.
    assert f"{written.path('validation.fr')}:" in places
    assert ("test is as validation" in finding.what) == (changed == "training")
    assert "100 %" in finding.what and " 0 %" in finding.what and finding.what.count("“") >= 2


@pytest.mark.parametrize("trait", CHANGES)
def test_a_convention_of_all_sets_is_no_difference(trait, written, check_data):
    for name in ("training", "validation", "test"):
        written.write(f"{name}.fr", [CHANGES[trait](line) for line in written.lines(f"{name}.fr")])
    kinds = {finding.kind for finding in check_data(written.config())}
    assert kinds <= {"subwords": {"segmented"}, "numbered": {"numbered"}, "tabs": {"columns"}}.get(trait, set())


@pytest.mark.parametrize("trait", CHANGES)
def test_a_convention_of_a_few_lines_is_none_of_the_set(trait, written, check_data):
    lines = written.lines("training.fr")
    changed = [CHANGES[trait](line) if number % 100 == 0 else line for number, line in enumerate(lines)]
    written.write("training.fr", changed)
    assert check_data(written.config()) == []


def test_a_fifth_of_artefacts_is_told_and_a_fifth_of_questions_of_style_is_not(written, check_data):
    lines = written.lines("training.fr")
    for trait, told in (("entities", True), ("tokenized", True), ("curly_quotes", False), ("final_stop", False)):
        change = CHANGES[trait]
        written.write("training.fr", [change(line) if number % 4 == 0 else line for number, line in enumerate(lines)])
        assert [finding.kind for finding in check_data(written.config())] == [f"differs_{trait}"] * told


def test_the_source_side_is_compared_too_and_both_are_told(written, check_data):
    for side in ("en", "fr"):
        written.write(f"validation.{side}", [line.upper() for line in written.lines(f"validation.{side}")])
    found = [finding for finding in check_data(written.config()) if finding.kind == "differs_upper_case"]
    assert [finding.where for finding in found] == [f"{written.path(f'validation.{side}')}:1" for side in ("en", "fr")]
    assert "source lines of validation" in found[0].what and "target lines" in found[1].what


def test_spaces_between_words_of_a_script_without_are_told(corpus, check_data):
    signs = str.maketrans({chr(code): chr(0x4E00 + 7 * code) for code in range(0x61, 0x7B)})
    for name in ("training", "validation", "test"):
        spaces = " " if name == "training" else ""
        lines = [line.rstrip(".").lower().translate(signs).replace(" ", spaces) for line in corpus.lines(f"{name}.fr")]
        corpus.write(f"{name}.fr", [line.replace("é", "") for line in lines])
    found = {finding.kind for finding in check_data(corpus.config(data={"target_language": "zh"}))}
    assert "differs_spaced" in found


def test_text_that_was_cut_into_subwords_is_told_even_if_all_of_it_was(corpus, check_data):
    for name in ("training", "validation", "test"):
        corpus.write(f"{name}.en", ["▁" + line.replace(" ", " ▁") for line in corpus.lines(f"{name}.en")])
        corpus.write(f"{name}.fr", [segmented(line) for line in corpus.lines(f"{name}.fr")])
    found = [finding for finding in check_data(corpus.config()) if finding.kind == "segmented"]
    assert [finding.where for finding in found] == [
        f"{corpus.path('training.en')}:1",
        f"{corpus.path('training.fr')}:1",
    ]
    assert "sed" in found[1].advice


def test_entities_of_all_sets_are_told_with_what_mends_them(written, check_data):
    for name in ("training", "validation", "test"):
        written.write(f"{name}.fr", [line.replace("'", "&apos;") for line in written.lines(f"{name}.fr")])
    told = [finding for finding in check_data(written.config(), information=True) if finding.kind == "entities"]
    assert [finding.severity for finding in told] == ["information"] and "nmt prepare" in told[0].advice


def test_a_set_of_a_few_lines_is_not_compared(written, check_data):
    for side in ("en", "fr"):
        written.write(f"test.{side}", [line.upper() for line in written.lines(f"test.{side}")[:20]])
    assert check_data(written.config()) == []


HOSTILE = ["\0" * 50, "\ud7ff\uf8ff", "\u202e\u2028\x85", "\U0001f600" * 40, "'" * 5000, "\"'" * 2500, "&" * 5000,
           " ." * 2500, "@@ " * 1600, "ก " * 2500, "1" * 5000, "(" * 5000, "«" * 5000, "e\u0301" * 2500]  # fmt: skip


@pytest.mark.parametrize("trait", TRAITS, ids=lambda trait: trait.name)
def test_no_line_takes_long(trait):
    for text in HOSTILE:
        before = time.process_time()
        assert trait.has(text) in (True, False) and trait.applies(text) in (True, False)
        assert time.process_time() - before < 0.1
