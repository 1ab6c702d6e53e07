"""Strict JSON: a canonical writer, and a reader that survives hostile input."""

from __future__ import annotations

import json
from pathlib import Path

from nmt.errors import ModelError

_DEEPEST = 32


def parse_json(data: bytes, path: Path) -> object:
    """Parses JSON read from `path`; raises ModelError unless it is valid Unicode, finite and 32 levels deep at most."""
    try:
        document: object = json.loads(data.decode("utf-8"))
        # Python's reader accepts NaN, infinities and lone surrogates; its writer can be made to refuse them.
        json.dumps(document, ensure_ascii=False, allow_nan=False).encode("utf-8")
    except (ValueError, RecursionError) as error:
        raise ModelError(str(path), f"not valid JSON: {error!s:.200}") from None
    if not _is_shallow(document):
        raise ModelError(str(path), f"JSON nested more than {_DEEPEST} levels deep")
    return document


def _is_shallow(document: object) -> bool:
    """Returns whether `document` ends within `_DEEPEST` levels; without recursion, which depth would exhaust."""
    level = [document]
    for _ in range(_DEEPEST + 1):
        values = (list(value.values()) if isinstance(value, dict) else value for value in level)
        level = [inner for value in values if isinstance(value, list) for inner in value]
    return not level


def encode_json(document: object) -> bytes:
    """Encodes a JSON value canonically: sorted keys, UTF-8, no NaN, a newline at the end.

    Raises ValueError if it holds NaN, an infinity or a lone surrogate, and TypeError for what JSON has no form for.
    """
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, sort_keys=True, indent=1)
    return (text + "\n").encode("utf-8")
