"""`nmt translate --glossary`: terms that translations have, and what is told of them."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from types import SimpleNamespace

import pytest

from nmt.cli.glossary import GlossaryArguments, TermWatch
from nmt.postprocessing.confidence import LEAST_PROBABILITY, confidence
from nmt.tokenization.tokenizers import Tokenizers
from nmt.translation.result import Annotations, Output, TermResult, Translation
from nmt.translation.terms import GlossaryTerms
from random_models import make_lines, make_tokenizer

LINES = "ba ce di\n\nfo gu\nBA, ce\n"


@pytest.fixture
def glossary(tmp_path):
    path = tmp_path / "terms.tsv"
    path.write_text("# terms\nba\tFO GU\tDI FO\ngu\tBA\n")
    return path


def test_translations_have_the_terms_and_json_tells_which(call, learned, glossary):
    done = call(
        *("translate", learned, "--glossary", glossary, "--format", "json", "--confidence"),
        *("--split-sentences", "--n-best", 2),
        stdin=LINES.encode(),
    )
    assert done.code == 0 and "terms" not in done.err
    found = [json.loads(line) for line in done.lines]
    assert [[(term["source"], term["words"], term["met"]) for term in one["terms"]] for one in found] == [
        [("ba", [0], True)],
        [],
        [("gu", [1], True)],
        [("ba", [0], True)],
    ]
    for one in found:
        for hypothesis in one["hypotheses"]:
            for term in hypothesis["terms"]:
                assert term["target"] in hypothesis["translation"]
        assert all(flag["kind"] != "missed_term" for flag in one["confidence"]["flags"])


def test_terms_that_are_missing_are_counted_once_and_flagged(call, learned, glossary):
    arguments = "translate", learned, "--glossary", glossary, "--max-length", 1, "--confidence"
    done = call(*arguments, stdin=LINES.encode())
    assert done.code == 0
    assert done.err.count("--glossary: 2 of 3 terms are missing, in the translations of 2 lines") == 1
    flags = [line.split(" ||| ")[1].split()[1:] for line in done.lines]
    assert ["missed_term:0" in of_line for of_line in flags] == [True, False, False, True]


def test_a_term_that_cannot_be_spelled_is_left_out_with_a_warning(glossary, caplog):
    tokenizer = make_tokenizer(make_lines(50))
    translator = SimpleNamespace(terms=GlossaryTerms(Tokenizers(tokenizer, tokenizer), "de"))
    glossary.write_text("ba\tш\nce\tba\nfo\tш\tba\n")
    read = GlossaryArguments(str(glossary)).read(translator)
    assert read is not None and len(read) == 3
    assert [record.message for record in caplog.records] == [
        f"{glossary}: left out, as the vocabulary of the model cannot spell their translations: ba"
    ]


@pytest.mark.parametrize(
    ("others", "code", "message"),
    [
        (["--sample"], 2, "--glossary: does not go with samples"),
        (["--diverse", "2", "--beam-size", "4"], 2, "--glossary: does not go with diverse groups"),
        (["--input", "-", "--glossary", "-"], 2, "standard input can be read once"),
        (["--glossary", "missing.tsv"], 66, "missing.tsv: no such file"),
    ],
)
def test_what_does_not_go_together_is_refused(call, learned, glossary, others, code, message):
    done = call("translate", learned, "--glossary", glossary, *others, stdin=b"ba\n")
    assert done.code == code and message in done.err and not done.out


def test_bad_lines_are_told_with_their_numbers(call, learned, glossary):
    glossary.write_text("ba\nce\tBA\n\tDI\n")
    done = call("translate", learned, "--glossary", glossary, stdin=b"ba\n")
    assert done.code == 65
    assert f"{glossary}:1: has no translation" in done.err and f"{glossary}:3: has no source" in done.err


def test_evaluation_and_documents_take_a_glossary(call, learned, glossary, tmp_path):
    pytest.importorskip("sentencex")
    (tmp_path / "source").write_text("ba ce\n")
    (tmp_path / "reference").write_text("FO GU CE\n")
    saved = tmp_path / "saved"
    done = call(
        *("eval", learned, "--src", tmp_path / "source", "--ref", tmp_path / "reference", "--glossary", glossary),
        *("--save-output", saved),
    )
    assert done.code == 0 and any(target in saved.read_text() for target in ("FO GU", "DI FO"))
    done = call("eval", "--hyp", saved, "--ref", tmp_path / "reference", "--glossary", glossary)
    assert done.code == 2 and "--glossary: does nothing with --hyp" in done.err
    (tmp_path / "page.html").write_text("<p>ba <b>ce</b></p>")
    done = call(
        *("translate", learned, "--input", tmp_path / "page.html", "--input-format", "html", "--glossary", glossary)
    )
    assert done.code == 0 and b"<p>" in done.out
    assert any(target in done.out for target in (b"FO GU", b"DI FO"))


@pytest.mark.parametrize(("probability", "is_said"), [(LEAST_PROBABILITY * 0.99, True), (LEAST_PROBABILITY, False)])
def test_improbable_translations_with_terms_are_counted(probability, is_said, caplog):
    terms = TermResult("ba", ("FO",), (0,), "FO"), TermResult("gu", ("BA",), (1,), None)
    output = Output("FO", -1, 2 * math.log(probability), ("FO",), None, annotations=Annotations(terms=terms))
    without = replace(output, annotations=Annotations(terms=terms[1:]))  # lost its term
    watch = TermWatch()
    for one in (output, without, output):
        watch.look_at(Translation("ba gu", (one,)))
    watch.warn()
    said = [record.getMessage() for record in caplog.records if "improbable" in record.getMessage()]
    assert ["translations of 2 lines improbable" in one for one in said] == [True] * is_said
    flags = {flag.kind: flag.source_words for flag in confidence("ba gu", output).warnings}
    assert flags.get("unlikely_term") == ((0,) if is_said else None) and flags["missed_term"] == (1,)


def test_nothing_is_said_where_nothing_is_missing(caplog):
    watch = TermWatch()
    watch.warn()
    assert not caplog.records
