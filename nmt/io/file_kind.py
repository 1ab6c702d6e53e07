"""What a file is by its first bytes: text, or something that only looks like a corpus by its name."""

from __future__ import annotations

import re
from enum import StrEnum

HEAD_BYTES = 1 << 13
"""Number of first bytes that tell the kind of a file; with fewer, less is recognised."""


class FileKind(StrEnum):
    """A kind of file; its value says what such a file is, for messages: "is a zip archive"."""

    EMPTY = "empty"
    TEXT = "text"
    UTF16 = "text in UTF-16"
    GZIP = "compressed with gzip"
    ZSTANDARD = "compressed with Zstandard"
    XZ = "compressed with xz"
    BZIP2 = "compressed with bzip2"
    OFFICE = "an office document"
    ZIP = "a zip archive"
    TAR = "a tar archive"
    SEVEN_ZIP = "a 7z archive"
    RAR = "a RAR archive"
    TMX = "a translation memory (TMX)"
    XLIFF = "a translation file (XLIFF)"
    PO = "a message catalogue (PO)"
    TEST_SET = "a test set in XML or SGML"
    XML = "XML"
    HTML = "a page in HTML"
    JSON = "JSON"
    PARQUET = "a Parquet file"
    PDF = "a PDF document"
    PICTURE = "a picture"
    BINARY = "binary data"


COMPRESSED = frozenset({FileKind.GZIP, FileKind.ZSTANDARD, FileKind.XZ, FileKind.BZIP2})
"""Kinds that hold one other file."""

ARCHIVES = frozenset({FileKind.ZIP, FileKind.TAR, FileKind.SEVEN_ZIP, FileKind.RAR})
"""Kinds that hold several other files."""

# Bytes that no text begins with: each has a control character, or no character of UTF-8, or is too long for chance.
_SIGNATURES = (
    # The first member of a package of Word, Excel, LibreOffice and the like; the older files of these; RTF.
    (
        re.compile(
            rb"PK\x03\x04.{26}(\[Content_Types\]\.xml|_rels/|docProps/|word/|xl/|ppt/|mimetype)"
            rb"|\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1|\{\\rtf1",
            re.DOTALL,
        ),
        FileKind.OFFICE,
    ),
    (re.compile(rb"PK(\x03\x04|\x05\x06|\x07\x08)"), FileKind.ZIP),
    (re.compile(rb"\x1f\x8b"), FileKind.GZIP),
    (re.compile(rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18"), FileKind.ZSTANDARD),
    (re.compile(rb"\xfd7zXZ\0"), FileKind.XZ),
    (re.compile(rb"BZh[1-9](1AY&SY|\x17rE8P\x90)"), FileKind.BZIP2),
    (re.compile(rb"7z\xbc\xaf\x27\x1c"), FileKind.SEVEN_ZIP),
    (re.compile(rb"Rar!\x1a\x07"), FileKind.RAR),
    (re.compile(rb"%PDF-[1-9]\.[0-9]"), FileKind.PDF),
    (
        re.compile(rb"\x89PNG\r\n|\xff\xd8\xff|GIF8[79]a[^ ]*?\0|RIFF.{4}WEBP|(II\x2a\0|MM\0\x2a)", re.DOTALL),
        FileKind.PICTURE,
    ),
)
_PARQUET = b"PAR1"
_PARQUET_HEADER = b"\x15"  # of what follows, the first field, a number
_TAR = (b"ustar\0", b"ustar  \0")
_TAR_PLACE = 257

_UTF16 = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_UTF8_MARK = b"\xef\xbb\xbf"

# Comments, processing instructions and white space may stand before the first element.
_PROLOGUE = re.compile(
    r"\s*(<\?.*?\?>|<!--.*?-->|<!DOCTYPE\s+(?P<type>[\w:.-]+)[^>\[]*(\[.*?\]\s*)?>)",
    re.DOTALL | re.IGNORECASE,
)
_ELEMENT = re.compile(r"\s*<([A-Za-z_][\w:.-]*)[\s/>]")
_TEST_SETS = {"mteval", "srcset", "refset", "tstset", "dataset"}
_SEGMENT = re.compile(r"<seg[\s>]", re.IGNORECASE)
_CATALOGUE = re.compile(r"(?:[ \t]*+(?:#[^\n]*+)?\n)*+[ \t]*msg(?:id|ctxt)[ \t]*\"[^\n]*\"[ \t\r]*(?:\n|\Z)")
_JSON = re.compile(r'\s*(\{\s*("([^"\\]|\\.)*"\s*:|\}\s*\Z)|\[\s*[\[{]\s*")')

# Text may hold control characters. Of random bytes they are every tenth.
_CONTROLS = bytes({*range(9), *range(14, 27), *range(28, 32), 127})
_MOST_CONTROLS = 16
_CONTROL_SHARE = 20


def kind_of(head: bytes) -> FileKind:
    """Returns what a file is that begins with `head`, its first `HEAD_BYTES`, or all there are.

    What is not recognised is text, unless it holds more control characters than text does.
    """
    if not head:
        return FileKind.EMPTY
    for signature, kind in _SIGNATURES:
        if signature.match(head):
            return kind
    if head.startswith(_TAR, _TAR_PLACE):
        return FileKind.TAR
    if head.startswith(_PARQUET) and (head.startswith(_PARQUET_HEADER, len(_PARQUET)) or b"\0" in head):
        return FileKind.PARQUET
    encoding = _UTF16.get(head[:2], "utf-8")
    written = _written_kind(head.removeprefix(_UTF8_MARK).decode(encoding, "replace").removeprefix("\ufeff"))
    if written is not None:
        return written
    if encoding != "utf-8":
        return FileKind.UTF16
    controls = len(head) - len(head.translate(None, _CONTROLS))
    return FileKind.BINARY if controls > _MOST_CONTROLS and controls * _CONTROL_SHARE > len(head) else FileKind.TEXT


def _written_kind(text: str) -> FileKind | None:
    """Returns which kind of written file begins with `text`; None for plain text."""
    if _JSON.match(text):
        return FileKind.JSON
    if _CATALOGUE.match(text.replace("\r\n", "\n")):
        return FileKind.PO
    place, names = 0, set[str]()
    while prologue := _PROLOGUE.match(text, place):
        place = prologue.end()
        names.add((prologue["type"] or "").lower())
    if element := _ELEMENT.match(text, place):
        names.add(element[1].lower())
    if "html" in names:
        return FileKind.HTML
    if "tmx" in names:
        return FileKind.TMX
    # A training file of IWSLT begins with <doc>, too, but has lines between its tags.
    if "xliff" in names:
        return FileKind.XLIFF
    if names & _TEST_SETS or ("doc" in names and _SEGMENT.search(text)):
        return FileKind.TEST_SET
    # A tag alone makes no XML: a line of text may begin with <s>.
    return FileKind.XML if "svg" in names or text.lstrip().startswith("<?xml ") else None
