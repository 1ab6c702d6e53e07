"""Files that a configuration names and that are not what they should be: each is found, all at once."""

import gzip
import os
import resource

import pytest

import nmt.preflight.files as files_module
from nmt.preflight.findings import exit_code


def found(findings):
    return [(finding.severity, finding.kind) for finding in findings]


def test_nothing_is_found_in_a_clean_corpus(corpus, check_data):
    assert check_data(corpus.config()) == []
    told = check_data(corpus.config(), information=True)
    assert {finding.kind for finding in told} == {"pairs"}
    assert exit_code(told) == 0


def test_all_missing_files_are_named_those_of_training_first(corpus, check_data):
    for name in ("test.en", "training.fr", "validation.en"):
        corpus.path(name).unlink()
    findings = check_data(corpus.config())
    assert [finding.where for finding in findings if finding.severity == "error"] == [
        str(corpus.path(name)) for name in ("training.fr", "validation.en", "test.en")
    ]
    assert {finding.exit_code for finding in findings} == {66}


@pytest.mark.parametrize("kind", ["pipe", "folder", "unreadable"])
def test_what_is_no_regular_file_is_not_opened(kind, corpus, check_data):
    path = corpus.path("training.fr")
    path.unlink()
    if kind == "pipe":
        os.mkfifo(path)  # to open it would be to wait for a writer
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to(path.name)
    [finding] = [finding for finding in check_data(corpus.config()) if finding.where == str(path)]
    assert (finding.kind, finding.exit_code) == ("unreadable", 66)


def test_what_vanishes_while_files_are_counted_is_told(corpus, check_data, monkeypatch):
    path = corpus.path("training.fr")
    count = files_module.count_lines

    def count_and_remove(name, tick, marks):
        path.unlink(missing_ok=True)
        return count(name, tick, marks)

    monkeypatch.setattr(files_module, "count_lines", count_and_remove)
    kinds = {finding.kind for finding in check_data(corpus.config()) if str(path) in f"{finding.where}{finding.what}"}
    assert kinds == {"unreadable"}


def test_unequal_numbers_of_lines_are_told_with_both(corpus, check_data):
    corpus.write("training.fr", corpus.lines("training.fr")[:-100])
    corpus.write("test.en", corpus.lines("test.en")[:-1])
    first, second = check_data(corpus.config())
    assert first.exit_code == second.exit_code == 65
    assert "1000 lines" in first.what and "900" in first.what and first.where == str(corpus.path("training.en"))
    assert "119 lines" in second.what and "120" in second.what


def test_a_missing_test_set_does_not_hide_how_training_would_end(corpus, check_data):
    corpus.path("test.en").unlink()
    corpus.write("training.fr", corpus.lines("training.fr")[:-100])
    assert exit_code(check_data(corpus.config())) == 65


@pytest.mark.parametrize(("name", "kind"), [("training", "empty"), ("validation", "empty"), ("test", "empty")])
def test_files_without_a_line_are_an_empty_corpus(name, kind, corpus, check_data):
    for side in ("en", "fr"):
        corpus.path(f"{name}.{side}").write_bytes(b"")
    [finding] = check_data(corpus.config())
    assert (finding.kind, finding.exit_code) == (kind, 65)


def test_compressed_data_that_is_cut_short_is_found(corpus, check_data):
    packed = gzip.compress(corpus.path("training.fr").read_bytes())
    path = corpus.path("training.fr.gz")
    path.write_bytes(packed[: len(packed) // 2])
    config = corpus.config(data={"train": {"source": str(corpus.path("training.en")), "target": str(path)}})
    [finding] = check_data(config)
    assert (finding.kind, finding.where, finding.exit_code) == ("unreadable", str(path), 66)


def test_the_same_file_on_both_sides_is_found_under_any_name(corpus, check_data):
    path = corpus.path("training.fr")
    path.unlink()
    path.symlink_to(corpus.path("training.en"))
    assert ("warning", "same_file") in found(check_data(corpus.config()))


def test_a_tokenizer_that_is_none_is_found(corpus, check_data):
    corpus.write("junk.model", ["junk"])
    findings = check_data(corpus.config(tokenizer={"source_model": str(corpus.path("junk.model"))}))
    assert [(finding.kind, finding.exit_code) for finding in findings] == [("tokenizer_unreadable", 4)]


def test_a_tokenizer_that_is_missing_is_found_as_training_finds_it(corpus, check_data):
    missing = str(corpus.path("missing.model"))
    [finding] = check_data(corpus.config(tokenizer={"source_model": missing}))
    assert (finding.where, finding.what, finding.exit_code) == (missing, "no such file", 66)


def test_a_validation_set_of_a_few_pairs_is_a_warning(corpus, check_data):
    for side in ("en", "fr"):
        corpus.write(f"validation.{side}", corpus.lines(f"validation.{side}")[:20])
    assert found(check_data(corpus.config())) == [("warning", "few_validation_pairs")]


def test_of_large_files_the_beginning_is_read_unless_all_is_asked_for(corpus, check_data, monkeypatch):
    monkeypatch.setattr(files_module, "COUNTED_BYTES", 1000)
    monkeypatch.setattr("nmt.preflight.reading.HEAD_PAIRS", 700)
    lines = corpus.lines("training.fr")
    corpus.path("training.fr").write_bytes("\n".join(lines[:800]).encode() + b"\n\xff\xff")
    assert check_data(corpus.config()) == []
    told = [finding for finding in check_data(corpus.config(), information=True) if finding.kind == "not_counted"]
    assert len(told) == 1 and "--full" in told[0].advice
    assert {("error", "unequal_lines"), ("warning", "invalid_utf8")} <= set(
        found(check_data(corpus.config(), full=True))
    )


def test_what_was_counted_and_not_read_is_told(corpus, check_data, monkeypatch):
    monkeypatch.setattr("nmt.preflight.reading.HEAD_PAIRS", 700)
    [told] = [finding for finding in check_data(corpus.config(), information=True) if finding.kind == "not_whole"]
    assert "700 of 1,000 pairs for training were read, from all over" in told.what


def test_lines_that_were_not_counted_are_estimated(corpus):
    for name in ("training.fr", "training.fr.gz"):
        path = corpus.path(name)
        data = corpus.path("training.fr").read_bytes()
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        lines = corpus.lines("training.fr")
        assert files_module.estimated_lines(str(path), lines[:500]) == pytest.approx(1000, rel=0.2)


def test_a_giant_line_takes_bounded_memory_and_is_named(corpus, check_data):
    lines = corpus.lines("training.fr")
    corpus.path("training.fr").write_bytes(
        "\n".join(lines[:700]).encode() + b"\n" + b"a" * 50_000_000 + b"\n" + "\n".join(lines[701:]).encode() + b"\n"
    )
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    [finding] = check_data(corpus.config())
    assert (finding.kind, finding.where) == ("too_long", f"{corpus.path('training.en')}:701")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60_000  # kibibytes


def test_a_line_too_long_in_the_test_set_is_what_eval_refuses(corpus, check_data):
    lines = corpus.lines("test.fr")
    corpus.write("test.fr", [*lines[:3], "a " * 600_000, *lines[4:]])
    [finding] = check_data(corpus.config())
    assert (finding.kind, finding.exit_code, finding.where) == ("too_long", 65, f"{corpus.path('test.en')}:4")


def test_pairs_in_columns_are_checked_like_those_of_two_files(corpus, check_data):
    pairs = zip(corpus.lines("training.en"), corpus.lines("training.fr"), strict=True)
    corpus.write("training.tsv", [f"{target}\t0\t{source}" for source, target in pairs])
    in_columns = {"pairs": str(corpus.path("training.tsv")), "columns": [3, 1]}
    config = corpus.config(data={"train": in_columns})
    assert check_data(config) == [] == check_data(config, full=True)
    # Columns that are the wrong way round are found by their text.
    config = corpus.config(data={"train": {**in_columns, "columns": [1, 3]}})
    assert "swapped" in {finding.kind for finding in check_data(config)}


def test_the_first_line_without_a_column_is_an_error(corpus, check_data):
    corpus.write("training.tsv", ["a\tb", "", "only one", "and another"])
    table = str(corpus.path("training.tsv"))
    (error,) = [
        finding
        for finding in check_data(corpus.config(data={"train": {"pairs": table}}))
        if finding.severity == "error"
    ]
    assert (error.kind, error.where, error.exit_code) == ("columns", f"{table}:3", 65)
    assert error.what == "has no column 2; expected text in columns 1 and 2, parted by tabs"


def test_several_corpora_are_one_set(corpus, check_data):
    sides = {"source": str(corpus.path("training.en")), "target": str(corpus.path("training.fr"))}
    config = corpus.config(data={"train": [sides, {**sides, "weight": 0.5, "tag": "<bt>"}]})
    found = check_data(config, information=True)
    assert any(finding.what == "2,000 pairs for training" for finding in found)


def test_of_several_target_languages_none_is_the_wrong_one(corpus, check_data):
    german = [
        f"Der Hund und die Katze sind nicht in dem Haus mit der {line.split()[1]}."
        for line in corpus.lines("training.fr")
    ]
    corpus.write("training.de", german)
    sides = {"source": str(corpus.path("training.en")), "target": str(corpus.path("training.fr"))}
    other = {**sides, "target": str(corpus.path("training.de"))}
    kinds = [
        {finding.kind for finding in check_data(corpus.config(data={"train": train}))}
        for train in ([sides, other], [{**sides, "tag": "<2fr>"}, {**other, "tag": "<2de>"}])
    ]
    assert "wrong_language" in kinds[0] and "wrong_language" not in kinds[1]
