"""Scores as text and JSON."""

from __future__ import annotations

import json

from nmt.cli.formats.comparison import bin_label
from nmt.cli.formats.scores import as_json, as_text
from nmt.evaluation.metrics import METRICS, evaluate

HYPOTHESES = ["The cat sat on the mat.", "", "Two men, one dog; none of them \u2028 speaks."] * 7
REFERENCES = ["The cat is sitting on the mat.", "", "Two men and one dog; none of them speaks."] * 7


def test_json_has_the_form_of_the_contract():
    report = json.loads(as_json(evaluate(HYPOTHESES, [REFERENCES]), None))
    assert list(report) == ["bleu", "chrf", "ter", "sentences"] and report["sentences"] == 21
    assert all(set(report[metric]) == {"score", "signature"} for metric in METRICS)
    resampled = json.loads(as_json(evaluate(HYPOTHESES, [REFERENCES], bootstrap=10), None))
    assert set(resampled["bleu"]["bootstrap"]) == {"samples", "mean", "interval"}


def test_text_has_a_line_a_metric_with_its_signature():
    scores = evaluate(HYPOTHESES, [REFERENCES], bootstrap=10)
    lines = as_text(scores, None)
    assert [line.split(" = ")[0] for line in lines] == ["BLEU", "chrF2", "TER"]
    for line, metric in zip(lines, METRICS, strict=True):
        assert f"= {scores[metric].score:.2f} (mean {scores[metric].bootstrap.mean:.2f}, 95 %" in line
        assert line.endswith(scores[metric].signature)


def test_a_bin_is_named_by_its_ends():
    assert [bin_label(5, 9), bin_label(1000, None), bin_label(1, 1)] == ["5-9", "1000+", "1"]
