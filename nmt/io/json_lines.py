"""JSON objects on one line each."""

from __future__ import annotations

import json
from typing import Any

# The line breaks that JSON leaves as they are; escaped, they survive in a line of output.
_ESCAPED = {code: f"\\u{code:04x}" for code in (0x85, 0x2028, 0x2029)}


def encoded(value: Any) -> str:
    """Encodes a value as JSON on one line, whatever text it holds."""
    return json.dumps(value, ensure_ascii=False).translate(_ESCAPED)


def json_object(fields: dict[str, str]) -> str:
    """Joins values that are encoded already into a JSON object."""
    return "{" + ", ".join(f'"{name}": {value}' for name, value in fields.items()) + "}"
