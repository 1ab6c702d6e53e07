"""The inputs of a preparation as facts: their sizes and digests."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from nmt.preparation.report import InputFacts

LARGEST_DIGESTED = 1 << 32
"""Bytes of a file up to which its digest is computed, which takes some seconds."""

_BLOCK = 1 << 20


def input_facts(path: str, tick: Callable[[], None]) -> InputFacts:
    """Returns what is known of an input; `tick` is called now and then, and an exception from it ends the work."""
    file = Path(path)
    try:
        if path == "-" or not file.is_file():  # standard input, even where a file has that name
            return InputFacts(path, None, None)
        size = file.stat().st_size
        if size > LARGEST_DIGESTED:
            return InputFacts(path, size, None)
        digest = hashlib.sha256()
        with file.open("rb") as stream:
            while block := stream.read(_BLOCK):
                digest.update(block)
                tick()
    except (OSError, ValueError):  # told by the reader, which needs more of it
        return InputFacts(path, None, None)
    return InputFacts(path, size, digest.hexdigest())
