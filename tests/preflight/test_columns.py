"""Tables that are taken for text: each line a row."""

from __future__ import annotations

import pytest


def columns(findings):
    return [finding for finding in findings if finding.kind == "columns"]


@pytest.mark.parametrize("target", ["empty", "the same", "the target alone"])
def test_a_source_file_that_holds_both_sides_is_told_whatever_the_target_holds(target, corpus, check_data):
    source, other = corpus.lines("training.en"), corpus.lines("training.fr")
    rows = [f"{one}\t{two}" for one, two in zip(source, other, strict=True)]
    corpus.write("training.en", rows)
    corpus.write("training.fr", {"empty": [], "the same": rows, "the target alone": other}[target])
    found = columns(check_data(corpus.config()))
    places = [f"{corpus.path('training.en')}:1"]
    places += [f"{corpus.path('training.fr')}:1"] if target == "the same" else []
    assert [finding.where for finding in found] == places
    assert "1,000 of" not in found[0].what and "2 columns" in found[0].what and "⇥" in found[0].what
    assert f"nmt prepare {corpus.path('training.en')} --output DIR" in found[0].advice


def test_one_table_given_as_both_sides_is_called_a_table(corpus, check_data):
    rows = [f"{one}\t{two}\tCC-BY" for one, two in zip(*map(corpus.lines, ("training.en", "training.fr")), strict=True)]
    corpus.write("all.tsv", rows)
    path = str(corpus.path("all.tsv"))
    found = check_data(corpus.config(data={"train": {"source": path, "target": path}}))
    assert [finding.where for finding in columns(found)] == [f"{path}:1"] and "3 columns" in columns(found)[0].what
    assert "same_file" not in {finding.kind for finding in found}


def test_numbers_before_a_tab_are_called_so(corpus, check_data):
    for name in ("training", "validation", "test"):
        numbered = [f"{number}\t{line}" for number, line in enumerate(corpus.lines(f"{name}.en"), 1)]
        corpus.write(f"{name}.en", numbered)
    found = columns(check_data(corpus.config()))
    assert len(found) == 3 and all("cut -f 2-" in finding.advice for finding in found)


def test_tabs_here_and_there_make_no_table(corpus, check_data):
    lines = corpus.lines("training.en")
    corpus.write(
        "training.en", [f"\t{line}" for line in lines[:300]] + [f"a\t{line}" for line in lines[300:305]] + lines[305:]
    )
    assert columns(check_data(corpus.config())) == []


def test_a_line_of_a_million_tabs_takes_no_time(corpus, check_data):
    corpus.write("training.en", ["\t" * 1_000_000, *corpus.lines("training.en")[1:]])
    assert columns(check_data(corpus.config())) == []
