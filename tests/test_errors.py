"""Errors arrive in another process as what they are."""

from __future__ import annotations

import json

import pytest

from nmt import errors
from nmt.errors import NmtError, Problem, StoppedError, error_from_json

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, NmtError)]


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_can_be_told_in_json(kind: type[NmtError]) -> None:
    problems = [Problem("a.yaml:3", "is wrong"), Problem("", "ü\u2028")]
    error = StoppedError("run", "asked to stop", 15) if kind is StoppedError else kind.from_problems(problems)
    found = error_from_json(json.loads(json.dumps(error.as_json())))
    assert type(found) is kind
    assert (str(found), found.problems, found.exit_code) == (str(error), error.problems, error.exit_code)
