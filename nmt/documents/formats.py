"""Which formats of documents there are, and which a file has by its name."""

from __future__ import annotations

from nmt.io.compression import unpacked_name

TEXT = "text"
TABLES = ("tsv", "csv", "jsonl")
"""Formats that are read row by row, of any size."""

CATALOGUES = ("po", "xliff", "tmx")
"""Formats whose units have a translation or lack one."""

FORMATS = (TEXT, *TABLES, "srt", "vtt", "html", *CATALOGUES)

_ENDINGS = {
    **{f".{name}": name for name in FORMATS if name != TEXT},
    ".tab": "tsv",
    ".ndjson": "jsonl",
    ".htm": "html",
    ".xhtml": "html",
    ".pot": "po",
    ".xlf": "xliff",
}


def format_by_name(name: str) -> str:
    """Returns the format of a file by the ending of its name, compressed or not; text for one that is unknown."""
    name = unpacked_name(name).lower()
    return next((kind for ending, kind in _ENDINGS.items() if name.endswith(ending)), TEXT)
