"""What a file is, is told by its first bytes."""

import bz2
import gzip
import io
import json
import lzma
import random
import tarfile
import zipfile

import pytest
import zstandard

from nmt.io.file_kind import ARCHIVES, COMPRESSED, HEAD_BYTES, FileKind, kind_of

TEXT = "Ein Hund läuft.\nA second line.\n".encode()


def zipped():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.txt", TEXT)
    return packed.getvalue()


def tarred(form):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=form) as archive:
        member = tarfile.TarInfo("a.txt")
        member.size = len(TEXT)
        archive.addfile(member, io.BytesIO(TEXT))
    return packed.getvalue()


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", FileKind.EMPTY),
        (TEXT, FileKind.TEXT),
        (b"\xef\xbb\xbf" + TEXT, FileKind.TEXT),
        (TEXT.decode().encode("utf-16"), FileKind.UTF16),
        (gzip.compress(TEXT, mtime=0), FileKind.GZIP),
        (zstandard.ZstdCompressor().compress(TEXT), FileKind.ZSTANDARD),
        (lzma.compress(TEXT), FileKind.XZ),
        (bz2.compress(TEXT), FileKind.BZIP2),
        (bz2.compress(b""), FileKind.BZIP2),
        (zipped(), FileKind.ZIP),
        (b"PK\x05\x06" + bytes(18), FileKind.ZIP),
        (b"PK\x03\x04" + bytes(26) + b"[Content_Types].xml", FileKind.OFFICE),
        (b"PK\x03\x04" + bytes(26) + b"mimetypeapplication/vnd.oasis.opendocument.text", FileKind.OFFICE),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(99), FileKind.OFFICE),
        (b"{\\rtf1\\ansi Text}", FileKind.OFFICE),
        (tarred(tarfile.USTAR_FORMAT), FileKind.TAR),
        (tarred(tarfile.GNU_FORMAT), FileKind.TAR),
        (tarred(tarfile.PAX_FORMAT), FileKind.TAR),
        (b"7z\xbc\xaf\x27\x1c\0\4", FileKind.SEVEN_ZIP),
        (b"Rar!\x1a\x07\x01\0", FileKind.RAR),
        (b"PAR1\x15\x04\x15", FileKind.PARQUET),
        (b"%PDF-1.7\n%\xe2\xe3", FileKind.PDF),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", FileKind.PICTURE),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", FileKind.PICTURE),
        (json.dumps({"translation": {"en": "a"}}).encode(), FileKind.JSON),
        (json.dumps([{"en": "a"}], indent=1).encode(), FileKind.JSON),
        (b"<!DOCTYPE html>\n<p>", FileKind.HTML),
        (b'<!-- saved -->\n<HTML lang="en">', FileKind.HTML),
        (b'<?xml version="1.0"?>\n<!DOCTYPE tmx SYSTEM "tmx14.dtd">\n<tmx version="1.4">', FileKind.TMX),
        (b'<?xml version="1.0"?><!DOCTYPE tmx [<!ENTITY a "b">]><tmx>', FileKind.TMX),
        (b"<tmx>", FileKind.TMX),
        ('<?xml version="1.0" encoding="UTF-16"?><tmx version="1.1">'.encode("utf-16"), FileKind.TMX),
        (b'<srcset setid="newstest2014" srclang="any">', FileKind.TEST_SET),
        (b'<?xml version="1.0"?><mteval><refset>', FileKind.TEST_SET),
        (b'<?xml version="1.0"?><dataset id="wmt22">', FileKind.TEST_SET),
        (b'<DOC docid="1"><SEG id="1">', FileKind.TEST_SET),
        (b'<?xml version="1.0"?><xliff>', FileKind.XLIFF),
        (b'<xliff xmlns="urn:oasis:names:tc:xliff:document:2.0">', FileKind.XLIFF),
        (b'\xef\xbb\xbf# A comment\r\n\r\nmsgid ""\r\nmsgstr ""\r\n', FileKind.PO),
        (b'msgctxt "menu"\nmsgid "Open"\n', FileKind.PO),
        (b'msgid "Open" is what a catalogue begins with', FileKind.TEXT),
        (b'<?xml version="1.0"', FileKind.XML),
        (b'<doc docid="1" genre="lectures">\n<url>http://a.b</url>\nThank you.\n', FileKind.TEXT),
        (b"<url>http://a.b</url>\nThank you.\n", FileKind.TEXT),
        (random.Random(1).randbytes(2000), FileKind.BINARY),
        (bytes(500), FileKind.BINARY),
    ],
    ids=lambda value: value.name if isinstance(value, FileKind) else "data",  # packed bytes hold the time
)
def test_each_kind_is_told(data, kind):
    assert kind_of(data[:HEAD_BYTES]) is kind


@pytest.mark.parametrize(
    "text",
    [
        "BZh",
        "BZh9 is how it begins",
        "PK is a code",
        "PAR1 stands here",
        "%PDF- is how they begin",
        "GIF89a is a format",
        "RIFF or RIFFle",
        "7z and Rar! are programs",
        "[Applause] Thank you.",
        '["Thank you"], he said.',
        "{laughs} No.",
        "<s> a sentence </s>",
        "<b>bold</b>",
        "< 5 and > 3",
        "a\0b\x01\tc\u2028d",
        "\ufeff\u200f",
        "\U00010400\u05d0",
        "MM and II",
        f"{'x' * 256} ustar is a word",
    ],
)
def test_text_is_text_whatever_it_begins_with(text):
    assert kind_of(text.encode()) is FileKind.TEXT
    assert kind_of(text.encode() + b"\n" + TEXT * 100) is FileKind.TEXT


def test_bytes_that_are_no_utf_8_are_text_unless_they_have_control_characters():
    assert kind_of("Où est-il ? Là.\n".encode("latin-1") * 100) is FileKind.TEXT


def test_a_head_is_judged_in_time_that_grows_with_its_length_only():
    for piece in (b"<!--", b"<!DOCTYPE a [", b"<?a ", b'{"\\', b'{"', b"[[", b" ", b"<!DOCTYPE a "):
        kind_of(piece * (HEAD_BYTES // len(piece)))


def test_kinds_say_what_a_file_is():
    assert f"is {FileKind.ZIP}" == "is a zip archive"
    assert set(FileKind) > ARCHIVES | COMPRESSED and not ARCHIVES & COMPRESSED
