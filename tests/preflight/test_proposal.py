"""A configuration that makes little of its time is shown a better one, as `--set` takes it."""

from __future__ import annotations

from typing import Any

import pytest

from nmt.config import Config, from_yaml
from nmt.corpus.report import Report
from nmt.preflight.estimates import TrainingLength
from nmt.preflight.findings import Findings, Severity
from nmt.preflight.proposal import propose
from nmt.preflight.tokens import TokenizedSample
from nmt.preflight.trial import TrialOutcome

DATA = """\
data:
  source_language: en
  target_language: de
  train: {source: a.en, target: a.de}
  validation: {source: b.en, target: b.de}
"""


class Lengths:
    """Of a store of 1,000 pairs of 10 tokens."""

    target_tokens = 11_000

    def __len__(self) -> int:
        return 1_000

    def source_lengths(self, numbers: Any) -> Any:
        return numbers * 0 + 10

    target_lengths = source_lengths


def found(more: str, *, each: float = 1.0, seconds: float | None = 300.0) -> tuple[Findings, dict[str, Any]]:
    """What is proposed for 160,000 pairs where an update of 4,096 tokens takes so many seconds."""
    config: Config = from_yaml(DATA + more, "my.yaml")
    tokenized = TokenizedSample(None, (6_000, 6_000), Lengths(), Report(1_000, 1_000, ()))  # type: ignore[arg-type]
    outcome = TrialOutcome(10, 10 * each, 40_960, 10**9, None)
    findings = Findings()
    length = TrainingLength(160_000, 1_760_000, 430, None)
    return findings, propose(config, length, tokenized, outcome, seconds, findings)


LARGE = """\
model: {attention_size: 512, encoder: {hidden_size: 256}, decoder: {hidden_size: 512}}
"""


def test_five_minutes_of_a_large_network_are_a_warning_with_settings_to_copy() -> None:
    findings, estimates = found(f"{LARGE}training: {{max_minutes: 5, batch_tokens: 4096}}")
    (warning,) = findings.sorted()
    assert (warning.severity, warning.kind) == (Severity.WARNING, "recipe")
    assert "--set 'model.decoder={hidden_size: 256, conditional: false}'" in warning.advice
    assert estimates["recipe"]["updates"] > 600
    assert all(override in warning.advice for override in ("training.batch_tokens=1024", "model.dropout="))


def test_settings_that_are_there_already_are_not_proposed() -> None:
    _, estimates = found("training: {max_minutes: 5, batch_tokens: 4096, learning_rate: 8.0e-3}")
    keys = {override.partition("=")[0] for override in estimates["recipe"]["overrides"]}
    assert "training.batch_tokens" in keys and not keys & {"training.learning_rate", "training.max_minutes"}


def test_hours_are_shown_what_twenty_minutes_hold() -> None:
    findings, estimates = found("name: x", seconds=3 * 3600.0)
    (information,) = findings.sorted()
    assert information.severity == Severity.INFORMATION
    assert "20 minutes" in information.what and "--set training.max_minutes=20" in information.advice
    assert estimates["recipe"]["minutes"] <= 20


@pytest.mark.parametrize(("each", "seconds"), [(0.05, 300.0), (1.0, None)])
def test_a_training_of_many_updates_or_without_an_end_is_left_alone(each: float, seconds: float | None) -> None:
    findings, _ = found("training: {max_minutes: 5}", each=each, seconds=seconds)
    assert not findings.sorted()
