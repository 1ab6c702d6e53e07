"""What `nmt translate`, `eval` and `compare` choose among candidates, and which options make no choice."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from sacrebleu import sentence_chrf

from program import Call, Finished

LINES = ["ba ce di", "", "  fo   gu ha je ", "lo mu 🙂", "123", " ".join(["bacedi"] * 60)]
TEXT = "".join(f"{line}\n" for line in LINES).encode()


def objects(done: Finished) -> list[dict[str, Any]]:
    assert done.code == 0, done.err
    return [json.loads(line) for line in done.lines]


def written(path: Path, lines: list[str]) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "options", [["--mbr", "8"], ["--mbr", "8", "--sample"], ["--mbr", "8", "--mbr-metric", "bleu"]]
)
def test_json_tells_the_expected_utility_and_the_chosen_comes_first(
    options: list[str], call: Call, model: Path
) -> None:
    plain = call("translate", model, *options, stdin=TEXT).lines
    found = objects(call("translate", model, *options, "--n-best", "3", "--format", "json", stdin=TEXT))
    assert [value["translation"] for value in found] == plain
    for value in found:
        utilities = [one["utility"] for one in value["hypotheses"]]
        assert utilities == sorted(utilities, reverse=True) and all(0 <= utility < 100.001 for utility in utilities)
        assert list(value) == ["source", "translation", "score", *(["utility"] * bool(utilities)), "hypotheses"]
        if utilities:
            assert value["utility"] == utilities[0] and value["score"] == value["hypotheses"][0]["score"]
    assert found[4]["utility"] == 100


def test_the_seed_decides_what_is_chosen_and_the_batch_does_not(call: Call, model: Path) -> None:
    def chosen(*options: str) -> list[str]:
        return call("translate", model, "--mbr", "6", "--sample", *options, stdin=TEXT).lines

    assert chosen() == chosen("--seed", "1", "--batch-tokens", "8") != chosen("--seed", "2")


def test_moses_lists_the_chosen_first(call: Call, model: Path) -> None:
    done = call("translate", model, "--mbr", "6", "--n-best", "4", stdin=b"ba ce di\n\n")
    rows = [line.split(" ||| ") for line in done.lines]
    assert [row[0] for row in rows] == ["0"] * 4 + ["1"] * 4
    assert rows[0][1] == call("translate", model, "--mbr", "6", stdin=b"ba ce di\n").lines[0]


def test_groups_of_the_beam_give_other_translations(call: Call, model: Path) -> None:
    def lists(*options: str) -> list[str]:
        done = call("translate", model, "--n-best", "4", "--beam-size", "4", *options, stdin=TEXT)
        assert done.code == 0, done.err
        return done.lines

    assert lists("--diverse", "1") == lists() != lists("--diverse", "4", "--diversity", "2")
    assert len(lists("--diverse", "2")) == 4 * len(LINES)


def test_a_reference_chooses_and_json_tells_how_close_it_is(call: Call, model: Path, tmp_path: Path) -> None:
    options = ["--beam-size", "8", "--format", "json"]
    beam = objects(call("translate", model, "--n-best", "8", *options, stdin=TEXT))
    wanted = [value["hypotheses"][-1]["translation"] if value["hypotheses"] else "any" for value in beam]
    references = written(tmp_path / "references", wanted)
    found = objects(call("translate", model, "--closest-to", references, *options, stdin=TEXT))
    for value, all_found, reference in zip(found, beam, wanted, strict=True):
        scores = [sentence_chrf(one["translation"], [reference]).score for one in all_found["hypotheses"]]
        assert [one["utility"] for one in value["hypotheses"]] == pytest.approx([max(scores)] if scores else [])
    sampled = call("translate", model, "--closest-to", references, "--sample", stdin=TEXT)
    assert sampled.code == 0 and len(sampled.lines) == len(LINES)


def test_blank_references_leave_the_best_translations(call: Call, model: Path, tmp_path: Path) -> None:
    blank = written(tmp_path / "blank", ["", " "] * 3)
    plain = call("translate", model, "--beam-size", "6", stdin=TEXT).lines
    assert call("translate", model, "--beam-size", "6", "--closest-to", blank, stdin=TEXT).lines == plain


@pytest.mark.parametrize(("count", "found"), [(3, "has 3 lines, but standard input has "), (7, "has 7 lines, but ")])
@pytest.mark.parametrize("at_once", [2, 2048])
def test_references_of_another_number_are_65_with_both_counts(
    count: int, found: str, at_once: int, call: Call, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nmt.cli.line_files.LINES_AT_ONCE", at_once)
    references = written(tmp_path / "references", ["BA"] * count)
    source = written(tmp_path / "source", ["ba"] * 5)
    done = call("translate", model, "--closest-to", references, "--input", source)
    where = f"nmt: error: {references}: "
    assert (done.code, done.errors) == (65, [f"{where}has {count} lines, but {source} has 5 lines"])
    piped = call("translate", model, "--closest-to", references, stdin=b"ba\n" * 5)
    assert piped.code == 65 and piped.errors[0].startswith(f"{where}{found}")


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (["--mbr", "-1"], "--mbr: expected a whole number from 0 to 1000, got -1"),
        (["--mbr", "1001"], "--mbr: expected a whole number from 0 to 1000, got 1001"),
        (["--mbr-metric", "chrf"], "--mbr-metric: does nothing without --mbr"),
        (["--mbr", "4", "--mbr-metric", "ter"], "--mbr-metric: is chrf or bleu, not 'ter'"),
        (
            ["--mbr", "4", "--closest-to", "x"],
            "--closest-to: is another way to choose than --mbr: expected one of them",
        ),
        (["--diverse", "3"], "--diverse: is 3: expected a divisor of the width of the beam, [0-9]+"),
        (["--diverse", "2", "--sample", "--n-best", "2"], "--diverse: is 2: it does not go with samples, .*"),
        (["--diverse", "0"], "--diverse: expected a whole number from 1 to 1000, got 0"),
        (["--diversity", "1"], "--diversity: does nothing without --diverse of 2 or more"),
        (["--diverse", "1", "--diversity", "3"], "--diversity: does nothing without --diverse of 2 or more"),
        (["--diverse", "2", "--diversity", "-1"], "--diversity: expected a number from 0 to 1000, got -1.0"),
        (["--seed", "2", "--mbr", "4"], "--seed: does nothing without --sample"),
        (["--closest-to", "-"], "--closest-to: standard input can be read once, and --input reads it"),
    ],
)
def test_options_that_make_no_choice_are_2(options: list[str], error: str, call: Call, model: Path) -> None:
    done = call("translate", model, *options, stdin=TEXT)
    assert (done.code, done.out, len(done.errors)) == (2, b"", 1)
    assert re.fullmatch(f"nmt: error: {error}", done.errors[0])


def test_missing_references_are_66(call: Call, model: Path) -> None:
    done = call("translate", model, "--closest-to", "nowhere", stdin=TEXT)
    assert (done.code, done.out) == (66, b"") and "nowhere" in done.errors[0]


def test_evaluation_scores_what_is_chosen(call: Call, model: Path, tmp_path: Path) -> None:
    source = written(tmp_path / "source", LINES)
    given = ["--src", source, "--ref", source, "--save-output", tmp_path / "out", "--quiet"]
    chosen = ["--mbr", "6", "--sample", "--seed", "3", "--temperature", "0.8"]
    done = call("eval", model, *given, *chosen)
    assert done.code == 0, done.err
    translated = call("translate", model, *chosen, "--input", source)
    assert (tmp_path / "out").read_bytes() == translated.out


def test_models_are_compared_by_what_is_chosen(call: Call, model: Path, tmp_path: Path) -> None:
    source = written(tmp_path / "source", LINES)
    chosen = ["--mbr", "6", "--sample"]
    finished = tmp_path / "finished"
    finished.write_bytes(call("translate", model, *chosen, "--input", source).out)
    given = ["--src", source, "--ref", source, "--format", "json", "--test", "none", "--metric", "chrf"]
    done = call("compare", model, "--hyp", finished, *given, *chosen)
    assert done.code == 0, done.err
    scores = json.loads(done.out)["metrics"]["chrf"]
    assert scores["a"]["score"] == scores["b"]["score"]


OF_TRANSLATION = {
    "--sample": None,
    "--temperature": 0.5,
    "--top-k": 0,
    "--top-p": 1.0,
    "--seed": 0,
    "--mbr": 4,
    "--mbr-metric": "bleu",
    "--split-sentences": None,
    "--translate-all": None,
    "--tag": "",
    "--beam-size": 3,
    "--length-penalty": 0.0,
    "--max-length": 5,
    "--shortlist": 0,
    "--batch-tokens": 7,
    "--ensemble": "nowhere",
    "--ensemble-average": "probabilities",
}


@pytest.mark.parametrize("command", ["eval", "compare"])
def test_where_nothing_is_translated_each_option_of_translation_is_refused(
    command: str, call: Call, tmp_path: Path
) -> None:
    text = written(tmp_path / "text", LINES)
    finished = ["--hyp", text, *([text] if command == "compare" else []), "--ref", text]
    own = {"--glossary": text} if command == "eval" else {}
    given = OF_TRANSLATION | own
    done = call(command, *finished, *(word for item in given.items() for word in item if word is not None))
    assert (done.code, done.out) == (2, b"")
    refused = "{}: does nothing with --hyp: nothing is translated"
    assert sorted(done.errors) == sorted(f"nmt: error: {refused.format(option)}" for option in given)
    done = call(command, *finished, "--mbr", 0)
    assert (done.code, done.errors) == (2, [f"nmt: error: {refused.format('--mbr')}"])


def test_a_document_has_no_place_for_references(call: Call, model: Path, tmp_path: Path) -> None:
    page = written(tmp_path / "page.html", ["<p>ba ce di</p>"])
    done = call("translate", model, "--input", page, "--input-format", "html", "--closest-to", page)
    assert done.code == 2 and done.errors[0].startswith("nmt: error: --closest-to: makes no sense")
    done = call("translate", model, "--input", page, "--input-format", "html", "--mbr", "4")
    assert done.code == 0 and done.out.startswith(b"<p>")
