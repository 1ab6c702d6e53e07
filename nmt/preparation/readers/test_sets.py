"""Test sets of IWSLT and WMT: segments in XML or SGML, which is not always well-formed.

One form has a file for each language, `<doc docid="…"><seg id="1">…</seg>`; the later one has both in one file,
`<src lang="en"><p><seg id="1">…</seg>` beside `<ref lang="de">`.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from itertools import chain
from typing import NamedTuple

from nmt.errors import DataError
from nmt.io.file_kind import FileKind
from nmt.preparation.readers.batches import BatchBuilder, PairBatch
from nmt.preparation.readers.names import Languages
from nmt.preparation.readers.sources import Source

_MOST_BYTES = 1 << 26  # a hundred times those of the largest

# None tries again, further on, what it has passed: each takes time that grows with the length of the text alone.
_TAG = re.compile(r"<(/?)([A-Za-z][\w.-]*+)([^<>]*+)>")
_ATTRIBUTE = re.compile(r"""(?<![\w:.-])([\w:.-]++)\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s"'>]++))""")
_DECLARATION = re.compile(r"<!(ENTITY|DOCTYPE[^<>\[]*+\[)", re.IGNORECASE)
_ENCODING = re.compile(r"""\A\s*<\?xml[^>]*encoding\s*=\s*["']([\w-]+)""")
_UNICODE = ("utf-8", "utf8", "us-ascii", "ascii")

_Place = tuple[str, str]  # document and segment


class _Segment(NamedTuple):
    place: _Place
    language: str  # of the element around it, as far as it says so
    text: str


def read_test_set(source: Source, languages: Languages, warn: Callable[[str], None]) -> Iterator[PairBatch]:
    """Yields the pairs of a test set that has source and translation in one file; of several translations the first.

    Raises:
        DataError: it does not have both languages, or has declarations of its own.
        InputFileError: it cannot be read.
    """
    sides: tuple[dict[_Place, str], dict[_Place, str]] = ({}, {})
    for segment in _segments(source, warn):
        side = languages.side(segment.language)
        if side is not None:
            sides[side].setdefault(segment.place, segment.text)
    yield from _pairs((source, source), sides, languages, warn)


def read_test_set_pair(
    source: Source, target: Source, languages: Languages, warn: Callable[[str], None]
) -> Iterator[PairBatch]:
    """Yields the pairs of a test set that has a file for each language; of several translations the first.

    Raises as `read_test_set`.
    """
    sides: tuple[dict[_Place, str], dict[_Place, str]] = ({}, {})
    for texts, file in zip(sides, (source, target), strict=True):
        for segment in _segments(file, warn):
            texts.setdefault(segment.place, segment.text)
    yield from _pairs((source, target), sides, languages, warn)


def _pairs(
    files: tuple[Source, Source],
    sides: tuple[dict[_Place, str], dict[_Place, str]],
    languages: Languages,
    warn: Callable[[str], None],
) -> Iterator[PairBatch]:
    source, target = sides
    common = [place for place in source if place in target]
    if not common:
        names = " and ".join(dict.fromkeys(file.name for file in files))
        counts = f"{len(source):,} and {len(target):,}"
        raise DataError(names, f"has no segments in both {languages} ({counts}), by document and number")
    missing = len(source.keys() | target.keys()) - len(common)
    if missing:
        warn(f"{files[0].name}: {missing:,} segments are not in both {languages}; left out")
    batch = BatchBuilder(files[0].name)
    for number, place in enumerate(common, 1):
        batch.add(number, source[place], target[place])
        yield from batch.full()
    yield from batch.rest()


def _segments(source: Source, warn: Callable[[str], None]) -> Iterator[_Segment]:
    text = _whole_text(source, warn)
    document, documents, language, start, number, segments = "", 0, "", None, "", 0
    for tag in chain(_TAG.finditer(text), [None]):
        name = "" if tag is None else tag[2].lower()
        if start is not None and (tag is None or name == "seg"):
            end = len(text) if tag is None else tag.start()
            if tag is None or not tag[1]:
                line = text.count("\n", 0, start) + 1
                raise DataError(f"{source.name}:{line}", f"is broken: the segment {number} has no end")
            inner = _TAG.sub("", text[start:end])
            yield _Segment((document, number), language, " ".join(html.unescape(inner).split()))
            start = None
        elif tag is not None and start is None:
            attributes = {key.lower(): a or b or c for key, a, b, c in _ATTRIBUTE.findall(tag[3])}
            if name == "seg" and not tag[1]:
                segments += 1
                start, number = tag.end(), attributes.get("id") or str(segments)
            elif name == "doc" and not tag[1]:
                documents, segments = documents + 1, 0
                document = attributes.get("docid") or attributes.get("id") or str(documents)
            elif name in ("src", "ref", "hyp"):
                segments = 0
                # What a system translated is no reference.
                language = attributes.get("lang", "") if not tag[1] and name != "hyp" else ""


def _whole_text(source: Source, warn: Callable[[str], None]) -> str:
    data = bytearray()
    with source.open() as stream:
        while block := stream.read():
            data += block
            if len(data) > _MOST_BYTES:
                raise DataError(
                    source.name, f"is {FileKind.TEST_SET} of more than {_MOST_BYTES >> 20} MiB; none is so large"
                )
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = data.decode("utf-16", "replace")
    else:
        text = data.decode("utf-8-sig", "replace")
    encoding = _ENCODING.match(text)
    if encoding and encoding[1].lower() not in (*_UNICODE, "utf-16"):
        raise DataError(source.name, f"is in {encoding[1]}; expected UTF-8")
    if declaration := _DECLARATION.search(text):
        line = text.count("\n", 0, declaration.start()) + 1
        raise DataError(f"{source.name}:{line}", "has declarations of its own, which are not read")
    if "\ufffd" in text and b"\xef\xbf\xbd" not in data:
        line = text.count("\n", 0, text.index("\ufffd")) + 1
        warn(f"{source.name}:{line}: invalid UTF-8, replaced by U+FFFD")
    return text
