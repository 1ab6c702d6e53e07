"""Errors of other processes as text, so that they arrive as what they are."""

from __future__ import annotations

import json
from typing import Any

from nmt import errors
from nmt.errors import NmtError, Problem

_CLASSES: dict[str, type[NmtError]] = {
    name: kind for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, NmtError)
}


def serialize_error(error: NmtError) -> str:
    """Returns an error as text."""
    return json.dumps([type(error).__name__, [[problem.where, problem.what] for problem in error.problems]])


def deserialize_error(text: str) -> NmtError:
    """Returns the error that `serialize_error` made a text of."""
    kind, problems = json.loads(text)
    error: Any = _CLASSES[kind].from_problems([Problem(*problem) for problem in problems])
    assert isinstance(error, NmtError)
    return error
