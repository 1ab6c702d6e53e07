"""Settings that regularise without anything to work on are warned of, and alignments that do not fit are told."""

from __future__ import annotations

import pytest

from nmt.preflight.check import PreflightOptions, check
from nmt.preflight.findings import Findings
from nmt.preflight.regularization import check_regularization


@pytest.mark.parametrize(
    ("r_drop", "dropout", "word_dropout", "warned"),
    [(1.0, 0.0, 0.0, True), (1.0, 0.1, 0.0, False), (1.0, 0.0, 0.1, False), (0.0, 0.0, 0.0, False)],
)
def test_r_drop_without_dropout_is_a_warning(corpus, r_drop, dropout, word_dropout, warned) -> None:
    config = corpus.config(
        model={"dropout": dropout, "word_dropout": word_dropout}, training={"r_drop": r_drop, "max_steps": 10}
    )
    findings = Findings()
    check_regularization(config, findings)
    assert [finding.kind for finding in findings.sorted()] == (["r_drop_without_dropout"] if warned else [])


def test_alignments_without_guidance_are_a_warning(corpus) -> None:
    findings = Findings()
    check_regularization(corpus.config(training={"alignments": "links"}), findings)
    assert [finding.kind for finding in findings.sorted()] == ["alignments_unused"]


def test_freezing_what_has_learned_nothing_is_a_warning(corpus) -> None:
    for origin, expected in ((None, ["frozen_untrained"]), ("runs/other", [])):
        findings = Findings()
        check_regularization(corpus.config(training={"freeze": "encoder", "initialize_from": origin}), findings)
        assert [finding.kind for finding in findings.sorted()] == expected


@pytest.mark.parametrize(
    ("lines", "exit_code", "what"),
    [
        (["0-0"] * 1000, 0, ""),
        (["0-0"] * 999, 65, "999 lines of alignments, but the training corpus has 1000"),
        ([*["0-0"] * 997, "0-70", "0-0", "a"], 65, "links:998: 0-70 is a link beyond the"),
        (None, 66, "no such file"),
    ],
)
def test_alignments_that_do_not_fit_are_told(corpus, tmp_path, lines, exit_code, what) -> None:
    links = tmp_path / "links"
    if lines is not None:
        links.write_text("".join(f"{line}\n" for line in lines))
    config = corpus.config(training={"guided_alignment": 0.5, "alignments": str(links), "max_steps": 1000})
    report = check(config, tmp_path / "run", PreflightOptions(trial=False))
    found = [f"{finding.where}: {finding.what}" for finding in report.findings if finding.kind == "alignments"]
    assert report.exit_code == exit_code
    assert (what in found[0]) if what else not found
