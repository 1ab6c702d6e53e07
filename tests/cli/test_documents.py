"""`nmt translate` of documents: what comes back, what is refused, and that nothing is written where one is broken."""

from __future__ import annotations

import gzip
import json
import subprocess
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from program import Call

Start = Callable[..., AbstractContextManager[subprocess.Popen[bytes]]]

SRT = "1\r\n00:00:01,000 --> 00:00:02,000\r\n<i>ba ce di</i>\r\n\r\n2\r\n00:00:02,000 --> 00:00:03,000\r\nfo gu\r\n"
CSV = '\ufeffid;text\r\n1;"ba; ce ""di"""\r\n2;fo gu {0}\r\n'
DOCUMENTS = {
    "a.srt": (SRT, ()),
    "a.vtt": ("WEBVTT\n\n00:01.000 --> 00:02.000 align:start\n<v Bob>ba ce\n\nNOTE ba\n", ()),
    "a.html": ("<p class=x>ba <b>ce</b> di</p>\n<script>ba</script>", ()),
    "a.po": ('msgid ""\nmsgstr ""\n\nmsgid "ba ce"\nmsgstr ""\n', ()),
    "a.xlf": ('<xliff version="1.2"><trans-unit id="1"><source>ba ce</source></trans-unit></xliff>', ()),
    "a.tmx": ('<tmx><body><tu><tuv xml:lang="xx"><seg>ba ce</seg></tuv></tu></body></tmx>', ()),
    "a.csv": (CSV, ("--column", "text")),
    "a.tsv": ("1\tba ce\n", ("--column", "2")),
    "a.jsonl": ('{"n": 1.50, "text": "ba ce"}\n', ("--column", "text")),
}


@pytest.mark.parametrize("name", DOCUMENTS)
@pytest.mark.parametrize("ending", ["", ".gz"])
def test_a_document_comes_back_with_its_text_translated(
    name: str, ending: str, call: Call, learned: Path, tmp_path: Path
) -> None:
    text, options = DOCUMENTS[name]
    pack = gzip.compress if ending else bytes
    (tmp_path / f"{name}{ending}").write_bytes(pack(text.encode()))
    out = tmp_path / f"out{ending}"
    done = call(
        "translate",
        learned,
        "--input",
        tmp_path / f"{name}{ending}",
        "--output",
        out,
        "--input-format",
        "auto",
        *options,
    )
    assert done.code == 0 and not done.out, done.err
    found = (gzip.decompress(out.read_bytes()) if ending else out.read_bytes()).decode()
    assert found != text
    kept = {
        "a.srt": "\r\n\r\n2\r\n00:00:02,000 --> 00:00:03,000\r\n",
        "a.vtt": "WEBVTT\n\n00:01.000 --> 00:02.000 align:start\n<v Bob>",
        "a.html": "</p>\n<script>ba</script>",
        "a.po": '\n\n#, fuzzy\nmsgid "ba ce"\nmsgstr "',
        "a.xlf": '<source>ba ce</source><target state="needs-review-translation">',
        "a.tmx": '<tuv xml:lang="xx"><seg>ba ce</seg></tuv><tuv xml:lang="yy"><seg>',
        "a.csv": '\ufeffid;text\r\n1;"',
        "a.tsv": "1\t",
        "a.jsonl": '{"n": 1.50, "text": "',
    }
    assert kept[name] in found
    again = call(
        "translate", learned, "--input-format", {"a.xlf": "xliff"}.get(name, name[2:]), *options, stdin=text.encode()
    )
    assert again.code == 0 and again.out.decode() == found


def test_units_with_a_translation_stay_unless_all_are_asked_for(call: Call, learned: Path) -> None:
    text = b'msgid "ba ce"\nmsgstr "x y"\n\n#, fuzzy\nmsgid "ba"\nmsgstr "z"\n'
    given = ("translate", learned, "--input-format", "po")
    assert call(*given, stdin=text).out == text
    found = call(*given, "--all-units", stdin=text).out.decode()
    assert found.startswith('#, fuzzy\nmsgid "ba ce"\nmsgstr "') and "x y" not in found and '"z"' not in found


@pytest.mark.parametrize(
    ("options", "what"),
    [
        (("--input-format", "doc"), "--input-format: is text or tsv"),
        (("--input-format", "auto"), "--input-format: auto goes by the name of a file"),
        (("--input-format", "srt", "--format", "json"), "--format: makes no sense with --input-format srt"),
        (("--input-format", "srt", "--n-best", "2"), "--n-best: makes no sense"),
        (("--input-format", "srt", "--alignment", "hard"), "--alignment: makes no sense"),
        (("--input-format", "srt", "--confidence"), "--confidence: makes no sense"),
        (("--input-format", "srt", "--prefix", "x"), "--prefix: makes no sense"),
        (("--input-format", "srt", "ba ce"), "TEXT: makes no sense"),
        (("--input-format", "csv"), "--column: is missing"),
        (("--input-format", "csv", "--column", "0"), "--column: is a number, counted from 1"),
        (("--input-format", "csv", "--column", "1" * 5000), "--column: is a number, counted from 1"),
        (("--input-format", "srt", "--column", "1"), "--column: is of tsv, csv, jsonl, not of srt"),
        (("--column", "1"), "--column: is of tsv, csv, jsonl, not of text"),
        (("--input-format", "srt", "--all-units"), "--all-units: is of po, xliff, tmx, not of srt"),
    ],
    ids=lambda value: " ".join(value)[:80] if isinstance(value, tuple) else "",
)
def test_what_makes_no_sense_is_refused(options: tuple[str, ...], what: str, call: Call, model: Path) -> None:
    done = call("translate", model, *options)
    assert done.code == 2 and what in done.err and not done.out


@pytest.mark.parametrize(
    ("kind", "text", "where"),
    [
        ("srt", "1\n00:00:01,000 --> 00:00:02,000\nba\n\n2\n00:00:xx --> 1\nce\n", "a:6: is no time of a subtitle"),
        ("srt", "\nba ce\n", "a:2: is no subtitle"),
        ("vtt", "ba\n", "a:1: is no WebVTT"),
        ("vtt", "WEBVTT\n\nba\nce\n", "a:3: is no cue"),
        ("html", "<p>ba\n<!-- ce\n", "a:2: is broken HTML: a comment has no end"),
        ("po", 'msgid "ba"\nmsgstr "x\n', "a:2: is a broken catalogue"),
        ("po", 'msgid ""\nmsgstr "charset=cp932"\n\n# \x87\x90\n', "a:4: CP932 has a character of it twice"),
        ("po", 'msgid "ba"\nmsgid "ce"\n', "a:2: is a broken catalogue"),
        ("xliff", "<xliff>\n<a></b></xliff>", "a:2: is broken XML"),
        ("xliff", '\n<xliff version="3.0">\n</xliff>', "a:2: is XLIFF of version '3.0'; 1 and 2 are read"),
        ("xliff", '<!DOCTYPE x [<!ENTITY a "b">]>\n<xliff/>', "a:1: declares entities"),
        ("tmx", "<tmx>\n&ba;</tmx>", "a:2: "),
        ("tmx", '<tmx><tu><tuv xml:lang="zz"><seg>ba</seg></tuv></tu></tmx>', "a: has no unit in xx; it has zz"),
        ("csv", 'text,b\n1,"ba\nce\n', "a:2: is broken: a quotation mark is not closed"),
        ("csv", "a,b\n", "a:1: has no column 'text'; it has a, b"),
        ("tsv", "text\nba\n\xff", "a:3: is not UTF-8"),
        ("jsonl", '{"text": "ba"}\n{"text": "ba"\n', "a:2: is no object of JSON"),
        ("jsonl", '{"text": "ba"}\n["text"]\n', "a:2: is no object of JSON"),
        ("jsonl", '{"text": ' + "[" * 100_000 + "\n", "a:1: is no object of JSON"),
        ("jsonl", '{"a": "ba"}\n', "a: none of its 1 objects has a text named text"),
    ],
    ids=lambda value: value[:40] if value.isascii() else "latin",
)
def test_a_broken_document_is_an_error_and_nothing_is_written(
    kind: str, text: str, where: str, call: Call, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a").write_bytes(text.encode("latin-1"))
    Path("out").write_text("old")
    columns = ("--column", "text") if kind in ("csv", "tsv", "jsonl") else ()
    done = call("translate", model, "--input", "a", "--input-format", kind, "--output", "out", *columns)
    assert done.code == 65 and f"error: {where}" in done.err, done.err
    assert Path("out").read_text() == "old" and {path.name for path in tmp_path.iterdir()} == {"a", "out"}


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("a.docx", "a.docx: is a document of a word processor, which is not read; save it as HTML first"),
        ("b.ODS.gz", "b.ODS.gz: is a spreadsheet, which is not read; save it as CSV first"),
        ("film.ass", "film.ass: is not read; convert it to SRT first"),
        ("a.pdf", "a.pdf: is PDF, which is not read"),
    ],
)
def test_what_is_no_text_is_refused_by_its_name(name: str, what: str, call: Call, model: Path) -> None:
    done = call("translate", model, "--input", name, "--input-format", "auto")
    assert done.code == 65 and f"error: {what}" in done.err and not done.out


@pytest.mark.parametrize(("name", "is_told"), [("a.srt", True), ("a.csv.gz", True), ("a.txt", False)])
def test_a_document_that_is_read_as_text_is_told(
    name: str, is_told: bool, call: Call, learned: Path, tmp_path: Path
) -> None:
    pack = gzip.compress if name.endswith(".gz") else bytes
    (tmp_path / name).write_bytes(pack(b"ba ce\n"))
    done = call("translate", learned, "--input", tmp_path / name)
    what = f"{name}: is read as text, a line a sentence; --input-format auto reads it as a document"
    assert done.code == 0 and (what in done.err) == is_told, done.err


def test_a_column_may_have_any_sign_for_its_name(call: Call, learned: Path) -> None:
    done = call(
        "translate", learned, "--input-format", "csv", "--column", "\N{SUPERSCRIPT TWO}", stdin="a,²\n1,7\n".encode()
    )
    assert (done.code, done.out) == (0, "a,²\n1,7\n".encode()), done.err


def test_a_number_of_any_length_is_copied(call: Call, learned: Path) -> None:
    row = f'{{"n": {"1" * 5000}, "t": "7"}}\n'.encode()
    done = call("translate", learned, "--input-format", "jsonl", "--column", "t", stdin=row)
    assert (done.code, done.out) == (0, row), done.err


def test_what_is_too_large_is_told(call: Call, model: Path, tmp_path: Path) -> None:
    (tmp_path / "a.html").write_bytes(b" " * ((1 << 25) + 1))
    done = call("translate", model, "--input", tmp_path / "a.html", "--input-format", "html")
    assert done.code == 65 and "is larger than 32 MiB; split it" in done.err and not done.out


def test_rows_are_answered_before_the_table_ends(start: Start, learned: Path) -> None:
    given = ("translate", learned, "--input-format", "jsonl", "--column", "t")
    with start(*given, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        assert running.stdin is not None and running.stdout is not None
        for word in ("ba", "ce"):
            running.stdin.write(json.dumps({"t": f"{word} di"}).encode() + b"\n")
            running.stdin.flush()
            assert json.loads(running.stdout.readline())["t"]
        running.stdin.close()
        assert running.wait(30) == 0
