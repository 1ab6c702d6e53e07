"""Claims about /openapi.json: the service does what it says there, whatever is asked."""

from __future__ import annotations

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, assume, given, settings
from schemathesis import GenerationMode
from schemathesis.config import SchemathesisConfig

from served import Served

EXAMPLES = 15
REFUSALS = [400, 403, 404, 413]
CONFIG = SchemathesisConfig.from_dict({"checks": {"negative_data_rejection": {"expected-statuses": REFUSALS}}})


def is_diverse(body: object) -> bool:
    return isinstance(body, dict) and body.get("diverse", 1) != 1


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_schemathesis_finds_no_fault(mode: GenerationMode, service: Served) -> None:
    schema = schemathesis.openapi.from_url(f"{service.url}openapi.json", config=CONFIG)
    tried = 0
    for found in schema.get_all_operations():
        operation = found.ok()
        if mode is GenerationMode.NEGATIVE and operation.method == "get":
            continue  # there is nothing to get wrong

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case: schemathesis.Case) -> None:
            # What goes together with it, only words can say: the width of the beam is the largest of three fields.
            assume(mode is GenerationMode.NEGATIVE or not is_diverse(case.body))
            case.call_and_validate()

        ask()
        tried += 1
    assert tried >= 4
