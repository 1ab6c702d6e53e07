"""Errors of other processes, told as text, so that they arrive as what they are."""

from __future__ import annotations

import json
from typing import Any

from nmt import errors
from nmt.errors import NmtError, Problem

_KINDS: dict[str, type[NmtError]] = {
    name: kind for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, NmtError)
}


def told(error: NmtError) -> str:
    """Returns an error as text."""
    return json.dumps([type(error).__name__, [[problem.where, problem.what] for problem in error.problems]])


def restored(text: str) -> NmtError:
    """Returns the error that `told` made a text of."""
    kind, problems = json.loads(text)
    made: Any = _KINDS[kind].from_problems([Problem(*problem) for problem in problems])
    assert isinstance(made, NmtError)
    return made
