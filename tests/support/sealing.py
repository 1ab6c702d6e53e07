"""Changes in a sealed directory as somebody makes them who knows how it is sealed: its manifest fits afterwards."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nmt.checkpoint.layout import MANIFEST
from nmt.io.strict_json import encode_json


def seal(document: dict[str, Any]) -> bytes:
    """The manifest of these values, with a hash of its own that fits."""
    unsealed = {name: value for name, value in document.items() if name != "sha256"}
    return encode_json(unsealed | {"sha256": hashlib.sha256(encode_json(unsealed)).hexdigest()})


def record(data: bytes) -> dict[str, Any]:
    """What a manifest says of a file of this content."""
    return {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def reseal(directory: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Changes the manifest."""
    document = json.loads((directory / MANIFEST).read_bytes())
    change(document)
    (directory / MANIFEST).write_bytes(seal(document))


def put(directory: Path, name: str, data: bytes) -> None:
    """Puts a file into the directory and into the manifest."""
    (directory / name).write_bytes(data)
    reseal(directory, lambda document: document["files"].update({name: record(data)}))
