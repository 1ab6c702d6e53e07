"""The manifest of an output: the description of its job, and how one job differs from another."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from nmt.errors import DataError, Problem

VERSION = 1
"""Of the rules by which rows become shards, and shards files."""


def encode_manifest(document: Mapping[str, Any]) -> bytes:
    """Encodes a manifest as JSON that people can read."""
    return (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode()


def decode_manifest(data: bytes, name: str) -> dict[str, Any]:
    """Returns the manifest in a file of a name; raises DataError if it is damaged."""
    try:
        document = json.loads(data)
        if isinstance(document["job"], dict):
            return dict(document)
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    raise DataError(name, "is damaged: expected what nmt bulk wrote there; remove the folder to begin anew")


def differences(before: Mapping[str, Any], now: Mapping[str, Any], root: str) -> Iterator[Problem]:
    """Yields what differs between two jobs: keys are options, and `INPUT` has files by name."""
    begun = f"{root} was begun with"
    for key in dict.fromkeys([*now, *before]):
        old, new = before.get(key), now.get(key)
        if old == new:
            continue
        if key == "VERSION":
            yield Problem("--output", f"{root} was begun by another version of nmt bulk: expected another --output")
        elif key == "INPUT" and isinstance(old, dict) and isinstance(new, dict):
            names = [name for name in dict.fromkeys([*old, *new]) if old.get(name) != new.get(name)]
            more = f" and {len(names) - 1:,} more" if len(names) > 1 else ""
            yield Problem(key, f"is not what {begun}: {names[0]}{more} changed; expected the same, or another --output")
        elif key == "MODEL":
            yield Problem(key, f"is not the model that {begun}; expected that, or another --output")
        else:
            yield Problem(key, f"is {new}, but {begun} {old}; expected that, or another --output")
