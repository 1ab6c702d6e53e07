"""Corpora are read as they are distributed: each kind of file, alone and mixed."""

import bz2
import gzip
import lzma
import os
import threading
import time

import pytest
import zstandard

from corpora import PAIRS, XML_PAIRS, lines, read_pairs, segments, sides, tarred, tmx, tsv, zipped
from nmt.errors import DataError, InputFileError
from nmt.preparation.readers.sources import MOST_EXPANSION

TEXT_PAIRS = [("\ufeffone", "eins"), ("a\rb", "c\x85d"), ("two\x0c", "zwei"), *PAIRS]


@pytest.fixture
def read(tmp_path):
    """Writes files, and reads those that are named, or all."""

    def from_files(files, *inputs, **options):
        for name, data in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        paths = [tmp_path / name for name in inputs or files]
        found, warnings = read_pairs(paths, tmp_path / "work", **options)
        short = [(place.removeprefix(f"{tmp_path}/"), *rest) for place, *rest in found]
        return short, [warning.removeprefix(f"{tmp_path}/") for warning in warnings]

    return from_files


def error_of(read, files, kind=DataError, **options):
    with pytest.raises(kind) as caught:
        read(files, **options)
    return str(caught.value)


COMPRESSIONS = {"": bytes, ".gz": gzip.compress, ".xz": lzma.compress, ".bz2": bz2.compress}
COMPRESSIONS[".zst"] = zstandard.ZstdCompressor(write_checksum=True).compress


@pytest.mark.parametrize("ending", COMPRESSIONS)
def test_columns_parted_by_tabs_whatever_compresses_them(read, ending):
    for name in (f"corpus.tsv{ending}", "misnamed.txt"):
        found, warnings = read({name: COMPRESSIONS[ending](tsv())})
        assert sides(found) == PAIRS and not warnings
        assert found[2][0] == f"{name}:3"


def test_further_columns_are_left_out(read):
    assert sides(read({"a.txt": tsv(more="\tCC-BY 2.0 (France) tatoeba.org #1 (x)")})[0]) == PAIRS


def test_numbers_beside_sentences_are_left_out(read):
    rows = "".join(f"{10 + n}\t{a}\t{20 + n}\t{b}\n" for n, (a, b) in enumerate(PAIRS)).encode()
    assert sides(read({"a.tsv": rows})[0]) == PAIRS
    assert sides(read({"b.tsv": tsv([("1", "2"), ("3", "4")])})[0]) == [("1", "2"), ("3", "4")]


def test_lines_are_text_to_their_ends_and_no_further(read):
    data = b"\xef\xbb\xbfone\teins\r\ntwo\x0c\tzw\xe2\x80\xa8ei\r\n\r\nlone\n\xff\tU\n"
    found, warnings = read({"a.tsv": data})
    assert sides(found) == [("one", "eins"), ("two\x0c", "zw\u2028ei"), ("", ""), ("lone", ""), ("\ufffd", "U")]
    assert warnings == ["a.tsv:5: invalid UTF-8, replaced by U+FFFD"]


def test_a_line_of_a_million_tabs_is_a_pair_and_one_of_five_mebibytes_is_too_long(read):
    data = b"a\tb\n" + b"\t" * 1_000_000 + b"\n" + b"x" * (5 << 20) + b"\ty\nc\td\n"
    found, warnings = read({"a.tsv": data})
    assert [(source, target, too_long) for _, source, target, too_long in found] == [
        ("a", "b", False), ("", "", False), ("", "", True), ("c", "d", False),
    ]  # fmt: skip
    assert warnings == ["a.tsv:3: longer than 1048576 bytes, skipped"]


LONG = b"x" * 700_000 + b"\ty\nc\td\n"


@pytest.mark.parametrize("ending", COMPRESSIONS)
def test_a_first_line_may_be_as_long_as_any(read, ending):
    data = COMPRESSIONS[ending](LONG)
    files = {f"a.txt{ending}": data, "b.tar": tarred({f"x.txt{ending}": data}), "c.zip": zipped({"x.txt": LONG})}
    expected = [("x" * 700_000, "y"), ("c", "d")]
    assert sides(read(files)[0]) == expected * 3


def test_a_name_tells_of_columns_where_the_first_line_is_too_long_to_tell(read):
    found = read({"a.tsv": b"x" * 1_200_000 + b"\ty\nc\td\n"})[0]
    assert [(source, target, too_long) for _, source, target, too_long in found] == [("", "", True), ("c", "d", False)]


def test_a_name_decides_where_the_lines_leave_doubts(read):
    data = b"no tab\n" * 3 + b"a\tb\n"
    assert len(read({"a.tsv": data})[0]) == 4
    assert "a.txt: has no tabs between source and target" in error_of(read, {"a.txt": data})


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("train.en", "train.de"),
        ("train.de-en.en", "train.de-en.de"),
        ("train.en.gz", "train.de"),
        ("train.eng.txt", "train.deu.txt"),
        ("en/text", "de/text"),
        ("train.en-GB", "train.de_AT"),
        ("first", "second"),
        ("x.en", "y.de"),
        ("x.txt", "y.en.txt"),
    ],
)
def test_two_files_of_lines(read, source, target):
    compress = {".gz": gzip.compress}
    files = {
        name: compress.get(os.path.splitext(name)[1], bytes)(lines(TEXT_PAIRS[1:], side))  # noqa: PTH122
        for side, name in enumerate((source, target))
    }
    is_told_by_order = source in ("first", "x.txt")
    for names in ((source, target),) if is_told_by_order else ((source, target), (target, source)):
        found = read(files, *names)[0]
        expected = TEXT_PAIRS[1:] if source != "x.txt" else [pair[::-1] for pair in TEXT_PAIRS[1:]]
        assert sides(found) == expected
        assert found[1][0] == f"{target if source == 'x.txt' else source}:2"


def test_several_pairs_of_files_and_other_inputs_in_their_order(read):
    files = {
        "b.en": lines([("b", "B")]),
        "a.zip": zipped({"x.tsv": tsv([("z", "Z")])}),
        "a.de": lines([("a", "A")], 1),
        "t.tmx": tmx([("t", "T")]),
        "a.en": lines([("a", "A")]),
        "b.de": lines([("b", "B")], 1),
        "c.tsv": tsv([("c", "C")]),
    }
    assert sides(read(files)[0]) == [("b", "B"), ("z", "Z"), ("a", "A"), ("t", "T"), ("c", "C")]


def test_codes_of_one_language_are_told_apart_by_region(read):
    files = {"a.pt-BR": b"voc\xc3\xaa\n", "a.pt-PT": b"tu\n"}
    assert sides(read(files, languages=("pt-PT", "pt-BR"))[0]) == [("tu", "você")]


def latin(name, rows):
    return {name: b"".join(b"caf\xe9\tdrei\n" if row % 3 == 0 else b"one\teins\n" for row in range(rows))}


def test_a_file_in_another_encoding_is_an_error_with_its_probable_one(read):
    error = error_of(read, latin("a.tsv", 60))
    assert "a.tsv: 20 of 60 lines are not UTF-8: it is probably in ISO-8859-1 or Windows-1252; convert it" in error
    assert "probably in Windows-1251; convert it: iconv -f WINDOWS-1251" in error_of(
        read, {"a.en": b"a\n" * 20, "a.ru": b"\xef\xf0\n" * 20}, languages=("en", "ru")
    )


def test_lines_that_are_not_utf_8_in_a_file_that_is_are_warnings(read):
    few, good = latin("a.tsv", 9)["a.tsv"], "café\tdrei\n".encode()
    for data in (few, latin("", 60)[""] + good * 5, latin("", 60)[""] + b"one\teins\n" * 2000):
        found, warnings = read({"a.tsv": data})
        assert len(found) == data.count(b"\n") and len(warnings) == min(6, data.count(b"\xe9"))


CSV = 'one, two;"1;2"\nthree;"a ""b""\nc"\n'


def test_csv_is_read_with_its_quotation_marks(read):
    expected = [("one, two", "1;2"), ("three", 'a "b"\nc')]
    found = read({"a.csv": CSV.encode("utf-8-sig")})[0]
    assert sides(found) == expected and found[1][0] == "a.csv:2"
    assert sides(read({"b.csv": b'"a",b\n"c, d","e"\n'})[0]) == [("a", "b"), ("c, d", "e")]


def test_columns_of_csv_are_told_by_the_first_row(read):
    assert sides(read({"a.csv": b"7,a,A\n8,b,B\n"})[0]) == [("a", "A"), ("b", "B")]
    assert sides(read({"a.csv": b"German,x,en\nA,0,a\n"})[0]) == [("en", "German"), ("a", "A")]


@pytest.mark.parametrize(
    ("name", "data", "what"),
    [
        ("a.csv", b"a,b\nc,d,e\n", "a.csv: is CSV by its name, but not all lines have as many columns"),
        ("a.csv", b"a,b\n" * 50_000 + b"c,d,e\n", "a.csv:50001: has 3 columns, and the first row 2"),
        ("a.csv", b"a,b\n" * 50_000 + b'c,"d\n', "a.csv:50001: is not well-formed CSV from here on"),
        ("a.txt", b'"a","b"\n' * 5, "a.txt: looks like CSV"),
        ("a.csv", latin("", 60)[""].replace(b"\t", b","), "are not UTF-8"),
        ("a.en", b"a\n", "a.en: has no tabs between source and target, and no other input is its translation"),
    ],
)
def test_what_is_no_table_is_told(read, name, data, what):
    assert what in error_of(read, {name: data})


def test_a_folder_is_told_with_its_files(tmp_path):
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "a b.en").touch()
    with pytest.raises(InputFileError, match=r"corpus: is a folder; name the files in it .*corpus/a b\.en'"):
        read_pairs([tmp_path / "corpus"], tmp_path / "work")


def test_unequal_numbers_of_lines_are_an_error_with_both(read):
    error = error_of(read, {"a.en": b"a\nb\n", "a.de": b"A\n"})
    assert "a.en: 2 lines, but its translation" in error and "a.de has 1; expected as many" in error


def test_a_lone_file_of_lines_is_an_error_that_says_what_is_expected(read):
    error = error_of(read, {"a.en": b"a\n", "b.tsv": tsv()})
    assert "a.en: has no tabs" in error and "such as X.en and X.de" in error
    assert "are both in en" in error_of(read, {"a.en": b"a\n", "b.en": b"b\n"})
    three = error_of(read, {"a": b"a\n", "b": b"b\n", "c": b"c\n"})
    assert len(three.splitlines()) == 3


def test_lines_between_the_tags_of_a_talk(read):
    def talk(side):
        head = f'<doc docid="1">\n<url>http://x.y</url>\n<title>Title {side}</title>\n'
        return head.encode() + lines(PAIRS, side) + b"<talkid>7</talkid>\n <speaker>Al</speaker> \n</doc>\n"

    found = read({"train.tags.de-en.en": talk(0), "train.tags.de-en.de": talk(1)})[0]
    assert sides(found) == PAIRS and found[0][0] == "train.tags.de-en.en:4"
    # Elsewhere such a line is text.
    late = [("word", "Wort")] * 20_000 + [("<title>a</title>", "<title>b</title>")]
    assert sides(read({"b.en": lines(late), "b.de": lines(late, 1)})[0])[-1] == late[-1]


def test_test_sets_with_a_file_for_each_language(read):
    names = "IWSLT17.TED.dev2010.de-en.{}.xml"
    found = read({names.format("en"): segments(), names.format("de"): segments(side=1)})[0]
    assert sides(found) == [tuple(" ".join(text.split()) for text in pair) for pair in XML_PAIRS]


def test_a_test_set_in_sgml_that_is_no_xml(read):
    source = b'<srcset setid="n" srclang="any">\n<DOC docid="a" genre="news">\n<hl>\n<seg id="1">R & D</seg>\n</hl>\n'
    source += b'<p>\n<SEG id=2>a &lt; b &amp; c</SEG>\n<seg id="3">only\nhere</seg></p></DOC>\n</srcset>\n'
    target = b'<refset setid="n"><doc docid="a" sysid="ref"><seg id="2">A &lt; B</seg><seg id="1">F & E</seg></doc>'
    target += b'<doc docid="a" sysid="second"><seg id="2">another</seg></doc></refset>'
    found, warnings = read({"n-deen-src.en.sgm": source, "n-deen-ref.de.sgm": target})
    assert sides(found) == [("R & D", "F & E"), ("a < b & c", "A < B")]
    assert warnings == ["n-deen-src.en.sgm: 1 segments are not in both en and de; left out"]


def test_segments_without_numbers_are_paired_by_their_order_in_a_document(read):
    sources, targets = (
        f"<mteval><doc id='1'><seg>{a}</seg><seg>{b}</seg></doc><doc id='2'><seg>{c}</seg></doc></mteval>".encode()
        for a, b, c in (("a", "b", "c"), ("A", "B", "C"))
    )
    assert sides(read({"x.en": sources, "x.de": targets})[0]) == [("a", "A"), ("b", "B"), ("c", "C")]


def test_a_test_set_with_both_languages_in_a_file(read):
    text = """<?xml version='1.0' encoding='utf-8'?>
<dataset id="w"><doc origlang="en" id="d1"><src lang="en"><p><seg id="1">One.</seg><seg id="2">Two.</seg></p></src>
<ref lang="de" translator="A"><p><seg id="1">Eins.</seg><seg id="2">Zwei.</seg></p></ref>
<ref lang="de" translator="B"><p><seg id="1">Einer.</seg></p></ref>
<hyp system="S" lang="de"><p><seg id="1">Falsch.</seg><seg id="3">Falsch.</seg></p></hyp></doc>
<doc id="d2"><src lang="en"><seg id="1">Three.</seg></src><ref lang="de"><seg id="1">Drei.</seg></ref></doc>
</dataset>"""
    found, warnings = read({"w.xml": text.encode()})
    assert sides(found) == [("One.", "Eins."), ("Two.", "Zwei."), ("Three.", "Drei.")] and not warnings
    for encoding in ("utf-16", "utf-8-sig"):
        assert sides(read({"w.xml": text.replace("utf-8", "utf-16").encode(encoding)})[0]) == sides(found)
    assert sides(read({"w.xml": text.encode()}, languages=("de", "en"))[0])[0] == ("Eins.", "One.")
    assert "has no segments in both en and fr (3 and 0)" in error_of(
        read, {"w.xml": text.encode()}, languages=("en", "fr")
    )


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b'<mteval><doc><seg id="1">a<seg id="2">b', "a.xml:1: is broken: the segment 1 has no end"),
        (b'<mteval><doc><seg id="1">a\n', "the segment 1 has no end"),
        (b'<!DOCTYPE mteval [\n<!ENTITY a "b">]><mteval><doc><seg id="1">&a;</seg>', ":1: has declarations of its own"),
        (b'<?xml version="1.0" encoding="latin1"?><mteval>', "is in latin1; expected UTF-8"),
        (b"<mteval>" + bytes(65 << 20), "of more than 64 MiB"),
    ],
)
def test_a_broken_test_set_is_an_error(read, data, what):
    assert what in error_of(read, {"a.xml": data + b"</x>" * 9, "b.xml": segments()})


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"<seg id='1'>" * 1_000_000, "has no end"),
        (b"<seg id='1'><" + b"x" * 200_000, "has no end"),
        (b"<seg id='1' " + b"x" * 200_000 + b">", "has no end"),
        (b"<seg id='1'" + b' x="' * 100_001 + b">", "has no end"),
        (b"<!DOCTYPE" * 200_000, "has no segments"),
    ],
    ids=["segments", "tag", "attribute", "quotation marks", "document types"],
)
def test_a_broken_test_set_is_read_in_time_that_grows_with_its_length(read, data, what):
    started = time.process_time()
    assert what in error_of(read, {"a.xml": b"<mteval>" + data, "b.xml": segments()})
    assert time.process_time() - started < 20


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "is empty"),
        (gzip.compress(b""), "is empty"),
        (b"<!DOCTYPE html><html><body>", "is a page in HTML; expected a file of source"),
        (b'{"translation": {"en": "a"}}', "is JSON; expected"),
        (b'<?xml version="1.0"?><svg>', "is XML; expected"),
        (b"%PDF-1.7\n", "is a PDF document; take the text out of it, as pdftotext does"),
        (zipped({"[Content_Types].xml": b"<x/>"}), "is an office document; save it as text in UTF-8: a table"),
        (zipped({"a.zip": zipped({"a.tsv": b"a\tb\n"})}), "but a.zip; what is a zip archive in it: unpack it first"),
        (b"\x89PNG\r\n\x1a\n\0\0", "is a picture; expected"),
        (b"7z\xbc\xaf\x27\x1c", "is a 7z archive; unpack it first"),
        (bytes(1000), "is binary data; expected"),
        ("a\tb\n".encode("utf-16"), "is text in UTF-16; convert it to UTF-8: iconv -f UTF-16 -t UTF-8"),
        (gzip.compress(gzip.compress(b"a\tb\n")), "is compressed with gzip, and what it holds is compressed with gzip"),
    ],
)
def test_what_is_no_corpus_is_told_by_what_it_is(read, data, what):
    error = error_of(read, {"good.tsv": tsv(), "corpus.tsv": data})
    assert "/corpus.tsv: " in error and what in error and "good.tsv" not in error


def test_all_inputs_that_are_no_corpus_are_told_together(read):
    assert len(error_of(read, {"a": b"", "b": b"%PDF-1.7\n", "c": bytes(99), "d": tsv()}).splitlines()) == 3


@pytest.mark.parametrize("ending", [ending for ending in COMPRESSIONS if ending])
def test_a_compressed_input_that_is_cut_short_or_damaged_is_an_error(read, ending):
    data = COMPRESSIONS[ending](os.urandom(300_000).hex().encode().replace(b"a", b"\t").replace(b"0", b"\n"))
    assert "a.tsv: ends in the middle" in error_of(read, {"a.tsv": data[:-40]}, InputFileError)
    damaged = data[: len(data) // 2] + bytes(64) + data[len(data) // 2 + 64 :]
    assert "a.tsv: is damaged" in error_of(read, {"a.tsv": damaged}, InputFileError)


@pytest.mark.parametrize("ending", [ending for ending in COMPRESSIONS if ending])
def test_what_unpacks_to_very_much_is_not_read(read, ending, monkeypatch):
    data = COMPRESSIONS[ending](b"a\tb\n" * 100_000)
    assert len(read({"a.tsv": data})[0]) == 100_000
    monkeypatch.setattr("nmt.preparation.readers.sources.FREE_BYTES", 1 << 12)
    if MOST_EXPANSION * len(data) + (1 << 12) > 400_000:  # packed less well
        monkeypatch.setattr("nmt.preparation.readers.sources.MOST_EXPANSION", 20)
    assert "a.tsv: unpacks to more than" in error_of(read, {"a.tsv": data})


def test_missing_inputs_are_errors(tmp_path):
    for name in ("missing.tsv", ".", "a\0b"):
        with pytest.raises(InputFileError):
            read_pairs([tmp_path / name if name != "." else tmp_path], tmp_path / "work")


def test_a_pipe_is_read_as_a_file_is(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for data in (tsv(), gzip.compress(tsv()), zipped({"deu.txt": tsv()})):
        feeding = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=[data])
        feeding.start()
        found, _ = read_pairs([tmp_path / "pipe"], tmp_path / "work")
        feeding.join()
        assert sides(found) == PAIRS and found[0][0].endswith(("pipe:1", "pipe/deu.txt:1"))


def test_reading_a_pipe_can_be_ended_while_nothing_comes(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    ticks = []

    def stop_at_once():
        ticks.append(1)
        if len(ticks) > 3:
            raise KeyboardInterrupt

    with (tmp_path / "pipe").open("r+b", buffering=0), pytest.raises(KeyboardInterrupt):
        read_pairs([tmp_path / "pipe"], tmp_path / "work", tick=stop_at_once)


def test_a_zip_with_a_tmx_and_a_tar_with_test_sets(read):
    found = read(
        {
            "a.zip": zipped({"en-de.tmx": tmx()}),
            "b.tgz": gzip.compress(tarred({"w/x.en.xml": segments(), "w/x.de.xml": segments(side=1)})),
        }
    )[0]
    assert len(found) == 2 * len(PAIRS) and found[-1][0].startswith("b.tgz/w/x.en.xml:")
