"""Settings that regularise without anything to work on are warned of."""

from __future__ import annotations

import pytest

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
