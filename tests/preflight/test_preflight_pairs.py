"""Pairs that are worth little, and lines that stand where they should not."""

import pytest

import nmt.preflight.overlap as overlap_module
from nmt.io.lines import MAX_LINE_BYTES, Line
from nmt.preflight.overlap import RepeatedPairs
from nmt.preflight.reading import LinePair


def kinds(findings):
    return [finding.kind for finding in findings]


def only(findings, kind):
    assert kinds(findings) == [kind]
    return findings[0]


def test_blank_sides_are_counted(corpus, check_data):
    lines = corpus.lines("training.fr")
    corpus.write("training.fr", ["", *lines[1:]])
    assert check_data(corpus.config()) == []
    corpus.write("training.fr", [" " if number % 10 == 2 else line for number, line in enumerate(lines)])
    finding = only(check_data(corpus.config()), "blank")
    assert finding.where == f"{corpus.path('training.en')}:3" and finding.what.startswith("100 of 1,000 (10.0 %)")


@pytest.mark.parametrize("name", ["training", "validation"])
def test_a_corpus_of_blank_sides_is_an_error(name, corpus, check_data):
    corpus.write(f"{name}.fr", [" "] * len(corpus.lines(f"{name}.fr")))
    finding = only(check_data(corpus.config()), "nothing_left")
    assert (finding.severity, finding.exit_code) == ("error", 65)


@pytest.mark.parametrize("name", ["training", "validation"])
def test_a_set_of_nothing_but_lines_that_are_too_long_is_an_error(name, corpus, check_data):
    for side in ("en", "fr"):
        corpus.write(f"{name}.{side}", ["a" * (MAX_LINE_BYTES + 1)] * 2)
    assert [finding.exit_code for finding in check_data(corpus.config()) if finding.kind == "nothing_left"] == [65]


def test_lines_that_were_not_translated_are_found(corpus, check_data):
    source, target = corpus.lines("training.en"), corpus.lines("training.fr")
    corpus.write("training.fr", [*target[:700], *source[700:730], *target[730:]])
    findings = check_data(corpus.config())
    assert findings[0].kind == "copied" and findings[0].where == f"{corpus.path('training.en')}:701"
    assert findings[0].what.startswith("30 of 1,000 (3.0 %)")


def test_repeated_pairs_are_found_unless_they_are_left_out(corpus, check_data):
    for side in ("en", "fr"):
        lines = corpus.lines(f"training.{side}")
        corpus.write(f"training.{side}", lines + lines[:200])
    finding = only(check_data(corpus.config()), "repeated_pairs")
    assert finding.what.startswith("200 of 1,200 (16.7 %)") and finding.where == f"{corpus.path('training.en')}:1001"
    assert check_data(corpus.config(data={"drop_duplicates": True})) == []


def test_of_very_many_pairs_a_part_tells_how_many_are_repeated(corpus, check_data, monkeypatch):
    monkeypatch.setattr(overlap_module, "REMEMBERED_PAIRS", 500)
    for side in ("en", "fr"):
        lines = corpus.lines(f"training.{side}")
        corpus.write(f"training.{side}", lines + lines)
    finding = only(check_data(corpus.config(), full=True), "repeated_pairs")
    assert "(50.0 %)" in finding.what and "one pair in 4" in finding.what
    assert 300 < int(finding.what.split()[2]) < 800  # of 2,000


@pytest.mark.parametrize("name", ["validation", "test"])
@pytest.mark.parametrize(("sides", "kind"), [("en fr", "pair"), ("en", "source"), ("fr", "target")])
def test_lines_of_held_out_sets_in_training_are_found(name, sides, kind, corpus, check_data):
    for side in sides.split():
        lines = corpus.lines(f"training.{side}")
        corpus.write(f"training.{side}", lines[:100] + corpus.lines(f"{name}.{side}")[5:10] + lines[105:])
    [finding] = [finding for finding in check_data(corpus.config()) if finding.kind.startswith("overlap")]
    side = "fr" if kind == "target" else "en"
    assert (finding.kind, finding.severity) == (f"overlap_{kind}", "warning")
    assert finding.where == f"{corpus.path(f'{name}.{side}')}:6" and f"training.{side}:101" in finding.what
    assert finding.what.startswith("5 of 120 (4.2 %)")


def test_lines_of_the_test_set_in_validation_are_found(corpus, check_data):
    for side in ("en", "fr"):
        corpus.write(f"validation.{side}", corpus.lines(f"test.{side}"))
    finding = only(check_data(corpus.config()), "overlap_pair")
    assert "120 of 120 (100.0 %) pairs of test stand in validation" in finding.what


def test_one_common_line_is_information(corpus, check_data):
    for side in ("en", "fr"):
        training = corpus.lines(f"training.{side}")
        corpus.write(f"validation.{side}", [*corpus.lines(f"validation.{side}"), training[7]])
        corpus.write(f"test.{side}", corpus.lines(f"test.{side}") * 2 + [training[7]])
    told = check_data(corpus.config(), information=True)
    assert {finding.severity for finding in told if finding.kind == "overlap_pair"} == {"information"}


def test_few_long_pairs_wait_to_be_compared():
    repeated, line = RepeatedPairs(10), Line(1, "x" * (1 << 20))
    for _ in range(9):
        repeated.add(LinePair(0, line, line))
    assert repeated.seen >= 6
    repeated.finish()
    assert (repeated.seen, repeated.repeated) == (9, 8)
