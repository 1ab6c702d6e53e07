"""JSON as this program writes it, and as it reads that of strangers."""

from __future__ import annotations

import json
from pathlib import Path

from nmt.errors import ModelError

_DEEPEST = 32


def parse_json(data: bytes, path: Path) -> object:
    """The value of a JSON text read from `path`: UTF-8, finite numbers, valid Unicode, at most 32 levels.

    Raises:
        ModelError: it is not such a text.
    """
    try:
        document: object = json.loads(data.decode("utf-8"))
        # Python's reader lets NaN, infinities and lone surrogates through, its writer can be told not to.
        json.dumps(document, ensure_ascii=False, allow_nan=False).encode("utf-8")
    except (ValueError, RecursionError) as error:
        raise ModelError(str(path), f"not valid JSON: {error!s:.200}") from None
    if not _is_shallow(document):
        raise ModelError(str(path), f"JSON nested more than {_DEEPEST} levels deep")
    return document


def _is_shallow(document: object) -> bool:
    """Whether `document` ends within `_DEEPEST` levels; without recursion, which is what depth would hurt."""
    level = [document]
    for _ in range(_DEEPEST + 1):
        lists = [
            value.values() if isinstance(value, dict) else value for value in level if isinstance(value, dict | list)
        ]
        level = [inner for values in lists for inner in values]
    return not level


def encode_json(document: object) -> bytes:
    """The one spelling of a JSON value that this program writes: sorted keys, UTF-8, no NaN, a newline at the end.

    Raises:
        ValueError: it holds NaN, an infinity or a lone surrogate.
        TypeError: it holds something that is no JSON value.
    """
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, sort_keys=True, indent=1)
    return (text + "\n").encode("utf-8")
