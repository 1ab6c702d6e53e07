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


_WORD_PROCESSOR = "is a document of a word processor, which is not read; save it as HTML first"
_SPREADSHEET = "is a spreadsheet, which is not read; save it as CSV first"
_SLIDES = "is a presentation, which is not read; export its text first"
_UNREAD = {
    **dict.fromkeys((".docx", ".doc", ".odt", ".rtf"), _WORD_PROCESSOR),
    **dict.fromkeys((".xlsx", ".xls", ".ods"), _SPREADSHEET),
    **dict.fromkeys((".pptx", ".ppt", ".odp"), _SLIDES),
    ".epub": "is a packed book, which is not read; unpack it, and translate its pages (.xhtml)",
    ".pdf": "is PDF, which is not read; convert it to text or HTML first",
    ".zip": "is packed; unpack it first",
    **dict.fromkeys((".ass", ".ssa"), "is not read; convert it to SRT first"),
}


def why_unread(name: str) -> str | None:
    """Returns what to do with a file that is no text by the ending of its name; None for others."""
    name = unpacked_name(name).lower()
    return next((why for ending, why in _UNREAD.items() if name.endswith(ending)), None)


def format_by_name(name: str) -> str:
    """Returns the format of a file by the ending of its name, compressed or not; text for one that is unknown."""
    name = unpacked_name(name).lower()
    return next((kind for ending, kind in _ENDINGS.items() if name.endswith(ending)), TEXT)
