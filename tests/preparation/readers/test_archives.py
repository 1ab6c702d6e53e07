"""Archives are read as they are distributed, and not trusted."""

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile

import pytest
import zstandard

from corpora import PAIRS, lines, read_pairs, sides, tarred, tmx, tsv, zipped
from nmt.errors import DataError, InputFileError

MOSES = {
    "README": b"about\n",
    "LICENSE": b"MIT\n",
    "OpenSubtitles.de-en.de": lines(side=1),
    "OpenSubtitles.de-en.en": lines(),
    "OpenSubtitles.de-en.xml": b'<?xml version="1.0"?><cesAlign version="1.0">',
    "OpenSubtitles.de-en.ids": b"a.xml\tb.xml\t1\t1\n" * 44,
}
PACKED = {
    "zip": zipped,
    "tar": tarred,
    "tar.gz": lambda members: gzip.compress(tarred(members)),
    "tgz": lambda members: gzip.compress(tarred(members)),
    "tar.xz": lambda members: lzma.compress(tarred(members)),
    "tar.bz2": lambda members: bz2.compress(tarred(members)),
    "tar.zst": lambda members: zstandard.ZstdCompressor().compress(tarred(members)),
}


@pytest.fixture
def read(tmp_path):
    """Reads an archive."""

    def from_data(data, name="a.zip", **options):
        (tmp_path / name).write_bytes(data)
        found, warnings = read_pairs([tmp_path / name], tmp_path / "work", **options)
        assert not [*(tmp_path / "work").iterdir()], "copies are left"
        assert not warnings
        return [(place.removeprefix(f"{tmp_path}/"), *rest) for place, *rest in found]

    return from_data


def error_of(read, data, kind=DataError, **options):
    with pytest.raises(kind) as caught:
        read(data, **options)
    return str(caught.value)


@pytest.mark.parametrize("ending", PACKED)
def test_two_files_of_lines_among_others(read, ending):
    members = {name: data for name, data in MOSES.items() if not name.endswith(".ids")}
    found = read(PACKED[ending](members), f"corpus.{ending}")
    assert sides(found) == PAIRS and found[0][0] == f"corpus.{ending}/OpenSubtitles.de-en.en:1"


@pytest.mark.parametrize("ending", ["zip", "tar.gz"])
def test_columns_beside_what_is_about_them(read, ending):
    members = {"./_about.txt": b"a\tb\n", "./deu.txt": tsv(more="\tCC-BY"), "__MACOSX/._deu.txt": b"x\ty\n"}
    assert sides(read(PACKED[ending](members), "a")) == PAIRS


@pytest.mark.parametrize("ending", ["zip", "tar"])
def test_all_that_holds_both_languages_and_nothing_of_others(read, ending):
    members = {
        "x/news.en": lines([("a", "A")]),
        "x/news.fr": lines([("a", "Z")], 1),
        "x/news.de.gz": gzip.compress(lines([("a", "A")], 1)),
        "talks.de-en.en.bz2": bz2.compress(lines([("b", "B")] * 40_000)),
        "talks.de-en.de.xz": lzma.compress(lines([("b", "B")] * 40_000, 1)),
        "en-fr.tsv": tsv([("c", "Z")]),
        "en-de.tsv": tsv([("d", "D")]),
        "de-en.tmx": tmx([("e", "E")]),
        "x/README.txt": b"one\n",
        "empty.tsv": b"",
    }
    found = sides(read(PACKED[ending](members), "a"))
    assert list(dict.fromkeys(found)) == [("a", "A"), ("b", "B"), ("d", "D"), ("e", "E")] and len(found) == 40_003


def test_an_archive_without_the_languages_says_what_it_holds(read):
    error = error_of(read, zipped({"a.fr": b"a\n", "a.de": b"b\n", **{f"{n}.txt": b"x\n" for n in range(9)}}))
    assert "a.zip: holds no pairs of en and de, but a.fr, a.de, 0.txt, 1.txt, 2.txt and 6 others; expected" in error
    assert "holds no files of a corpus" in error_of(read, zipped({"README": b"a\n"}))
    assert "holds no files of a corpus" in error_of(read, tarred({"README": b"a\n"}))
    nested = {"inner.zip": zipped({"a.tsv": tsv()})}
    assert "but inner.zip; what is a zip archive in it: unpack it first" in error_of(
        read, zipped(nested)
    ) and "inner.zip" in error_of(read, tarred(nested))


@pytest.mark.parametrize("ending", ["zip", "tar.gz"])
def test_members_that_do_not_fit_each_other_are_an_error_with_both_counts(read, ending):
    error = error_of(read, PACKED[ending]({"a.en": b"a\nb\n", "a.de": b"A\n"}), name="x")
    assert "x/a.en: 2 lines" in error and "a.de has 1" in error


@pytest.mark.parametrize(
    "name", ["../a.tsv", "x/../../a.tsv", "/etc/a.tsv", "C:\\a.tsv", "x\\..\\a.tsv", "\\\\x\\a.tsv"]
)
@pytest.mark.parametrize("ending", ["zip", "tar"])
def test_names_that_lead_out_of_the_archive_are_refused(read, ending, name, tmp_path):
    error = error_of(read, PACKED[ending]({"good.tsv": tsv(), name: tsv()}))
    assert f"a.zip/{name}: leads out of the folder" in error
    assert {path.name for path in tmp_path.iterdir()} == {"a.zip", "work"}


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        (tarfile.SYMTYPE, "is a link"),
        (tarfile.LNKTYPE, "is a link"),
        (tarfile.CHRTYPE, "is a device"),
        (tarfile.FIFOTYPE, "is a device or a pipe"),
        (tarfile.GNUTYPE_SPARSE, "is a file with holes"),
    ],
)
def test_links_and_devices_in_a_tar_are_refused(read, kind, what):
    error = error_of(read, tarred({"a.tsv": b""}, type=kind, linkname="/etc/passwd"))
    assert f"a.zip/a.tsv: {what}" in error


def test_links_in_a_zip_are_refused(read):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        link = zipfile.ZipInfo("a.tsv")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    assert "a.zip/a.tsv: is a link" in error_of(read, packed.getvalue())


def test_an_encrypted_member_is_told(read):
    data = bytearray(zipped({"a.tsv": tsv()}))
    for signature, place in ((b"PK\1\2", 8), (b"PK\3\4", 6)):
        data[data.index(signature) + place] |= 1
    assert "a.zip/a.tsv: is encrypted; expected an archive without a password" in error_of(read, bytes(data))


@pytest.mark.parametrize("ending", ["zip", "tar.gz"])
def test_what_unpacks_to_very_much_is_not_read(read, ending, monkeypatch):
    data = PACKED[ending]({"a.tsv": b"a\tb\n" * 500_000})
    monkeypatch.setattr("nmt.preparation.readers.sources.FREE_BYTES", 1 << 16)
    assert "unpacks to more than 200 times its" in error_of(read, data)


def test_members_of_a_zip_that_share_their_bytes_are_bounded_together(read, monkeypatch):
    data = zipped({f"{number}.tsv": b"a\tb\n" * 2000 for number in range(60)})
    monkeypatch.setattr("nmt.preparation.readers.sources.FREE_BYTES", 1 << 16)
    monkeypatch.setattr("nmt.preparation.readers.sources.MOST_EXPANSION", 20)
    assert "unpacks to more than 20 times its" in error_of(read, data)


@pytest.mark.parametrize("ending", PACKED)
def test_an_archive_that_is_cut_short_is_an_error(read, ending):
    noisy = "".join(f"{number**7:x}\t{number**8:x}\n" for number in range(20_000)).encode()
    data = PACKED[ending]({"a.tsv": noisy})
    for size in (len(data) // 2, len(data) - 9 if "tar" not in ending or "." in ending else len(data) // 3):
        assert "a.x" in error_of(read, data[:size], InputFileError, name="a.x")


def test_a_member_that_is_damaged_is_an_error(read):
    data = bytearray(zipped({"a.tsv": tsv([(f"{number**5}", f"{number**6}") for number in range(9000)])}))
    data[len(data) // 2] ^= 0x55
    assert "a.zip/a.tsv: is damaged" in error_of(read, bytes(data), InputFileError)


def test_a_header_that_would_fill_the_memory_is_not_read(read):
    header = tarfile.TarInfo("x")
    header.type, header.size = tarfile.XHDTYPE, 1 << 33
    data = header.tobuf(tarfile.GNU_FORMAT) + bytes(1 << 20)
    assert "a.zip: is a tar archive that is damaged" in error_of(read, data, InputFileError)


def test_headers_of_headers_are_not_followed_without_end(read):
    header = tarfile.TarInfo("x")
    header.type = tarfile.XHDTYPE
    data = header.tobuf(tarfile.GNU_FORMAT) * 3000 + tarred({"a.tsv": tsv()})
    assert "a.zip: is a tar archive of which a member has hundreds of headers" in error_of(read, data, InputFileError)


def test_a_tar_that_ends_in_a_short_member_is_an_error(read):
    data = tarred({"a.tsv": tsv()})[: tarfile.BLOCKSIZE + 99]
    assert "a.zip: is a tar archive that is damaged or cut short" in error_of(read, data, InputFileError)


def test_a_member_of_a_zip_that_comes_again_stands_for_itself(read):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.tsv", "old\talt\n")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("a.tsv", tsv())
    assert sides(read(packed.getvalue())) == PAIRS


@pytest.mark.parametrize("count", [2000, pytest.param(20_000, marks=pytest.mark.slow)])
def test_an_archive_of_very_many_members_is_read(count, read):
    members = {f"d/{number}.ids": b"x\n" for number in range(count)} | {"a.en": lines(), "a.de": lines(side=1)}
    for pack in (zipped, tarred):
        assert sides(read(pack(members))) == PAIRS


def test_a_zip_whose_directory_lies_is_an_error(read):
    data = bytearray(zipped({"a.tsv": tsv()}))
    place = data.index(b"PK\1\2")
    data[place + 42 : place + 46] = struct.pack("<L", 7)  # where the member begins
    error_of(read, bytes(data), InputFileError)
    data = bytearray(zipped({"a.tsv": tsv()}))
    place = data.index(b"PK\5\6")
    data[place + 16 : place + 20] = struct.pack("<L", 1 << 30)  # where the directory begins
    assert "is a zip archive that is damaged" in error_of(read, bytes(data), InputFileError)
