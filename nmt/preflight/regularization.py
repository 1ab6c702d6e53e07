"""Checks of the settings that regularise: each is to have something that it can do."""

from __future__ import annotations

from nmt.config import Config
from nmt.preflight.findings import Findings, Group


def check_regularization(config: Config, findings: Findings) -> None:
    """Warns of settings that cost time and do nothing."""
    model = config.model
    if config.training.r_drop and not (model.dropout or model.word_dropout):
        what = "two passes without dropout are the same: it takes twice the time, and changes nothing"
        advice = "set model.dropout above 0, or training.r_drop to 0"
        findings.warn(Group.TRAINING, "r_drop_without_dropout", "training.r_drop", what, advice)
