"""Files that are taken for text and hold something else: tables, XML, archives."""

from __future__ import annotations

import bz2
import io
import lzma
import tarfile
import zipfile

import pytest


def columns(findings):
    return [finding for finding in findings if finding.kind == "columns"]


@pytest.mark.parametrize("target", ["empty", "the same", "the target alone"])
def test_a_source_file_that_holds_both_sides_is_told_whatever_the_target_holds(target, corpus, check_data):
    source, other = corpus.lines("training.en"), corpus.lines("training.fr")
    rows = [f"{one}\t{two}" for one, two in zip(source, other, strict=True)]
    corpus.write("training.en", rows)
    corpus.write("training.fr", {"empty": [], "the same": rows, "the target alone": other}[target])
    found = columns(check_data(corpus.config()))
    places = [f"{corpus.path('training.en')}:1"]
    places += [f"{corpus.path('training.fr')}:1"] if target == "the same" else []
    assert [finding.where for finding in found] == places
    assert "1,000 of" not in found[0].what and "2 columns" in found[0].what and "⇥" in found[0].what
    command = f"nmt prepare {corpus.path('training.en')} --output DIR --source-language en --target-language fr"
    assert f"`{command}`" in found[0].advice


def test_one_table_given_as_both_sides_is_called_a_table(corpus, check_data):
    rows = [f"{one}\t{two}\tCC-BY" for one, two in zip(*map(corpus.lines, ("training.en", "training.fr")), strict=True)]
    corpus.write("all.tsv", rows)
    path = str(corpus.path("all.tsv"))
    found = check_data(corpus.config(data={"train": {"source": path, "target": path}}))
    assert [finding.where for finding in columns(found)] == [f"{path}:1"] and "3 columns" in columns(found)[0].what
    assert "same_file" not in {finding.kind for finding in found}


def test_numbers_before_a_tab_are_called_so(corpus, check_data):
    for name in ("training", "validation", "test"):
        numbered = [f"{number}\t{line}" for number, line in enumerate(corpus.lines(f"{name}.en"), 1)]
        corpus.write(f"{name}.en", numbered)
    found = columns(check_data(corpus.config()))
    assert len(found) == 3 and all("cut -f 2-" in finding.advice for finding in found)


def test_tabs_here_and_there_make_no_table(corpus, check_data):
    lines = corpus.lines("training.en")
    corpus.write(
        "training.en", [f"\t{line}" for line in lines[:300]] + [f"a\t{line}" for line in lines[300:305]] + lines[305:]
    )
    assert columns(check_data(corpus.config())) == []


def test_a_line_of_a_million_tabs_takes_no_time(corpus, check_data):
    corpus.write("training.en", ["\t" * 1_000_000, *corpus.lines("training.en")[1:]])
    assert columns(check_data(corpus.config())) == []


TMX = """<?xml version="1.0"?>
<!DOCTYPE tmx SYSTEM "tmx14.dtd">
<tmx version="1.4"><header srclang="en"/><body>
<tu><tuv xml:lang="en"><seg>Go.</seg></tuv><tuv xml:lang="fr"><seg>Va.</seg></tuv></tu>
</body></tmx>
"""


@pytest.mark.parametrize(
    ("text", "name", "tool"),
    [
        (TMX, "translation memory (TMX)", "nmt prepare"),
        ('<mteval><srcset setid="a"><doc><seg id="1">Go.</seg></doc></srcset></mteval>\n', "test set", "nmt prepare"),
        ("<!DOCTYPE html>\n<html><body>\n<p>Go.</p></body></html>\n", "HTML", "a sentence a line"),
        ('<?xml version="1.0"?>\n<records>\n</records>\n', "XML", "a sentence a line"),
        ('{"en": "Go.", "fr": "Va."}\n' * 200, "JSON", "a sentence a line"),
    ],
)
def test_what_is_no_text_is_told_with_what_reads_it(text, name, tool, corpus, check_data):
    for side in ("en", "fr"):
        corpus.path(f"training.{side}").write_text(text)
    found = [finding for finding in check_data(corpus.config()) if finding.kind == "not_text"]
    assert [finding.where for finding in found] == [str(corpus.path(f"training.{side}")) for side in ("en", "fr")]
    assert all(name in finding.what and tool in finding.advice for finding in found)
    assert {finding.severity for finding in found} == {"warning"}


def _zip(data):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.txt", data)
    return packed.getvalue()


def _tar(data):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        member = tarfile.TarInfo("a.txt")
        member.size = len(data)
        archive.addfile(member, io.BytesIO(data))
    return packed.getvalue()


@pytest.mark.parametrize(("name", "pack"), [("a.zip", _zip), ("a.txt", _zip), ("a.tar.gz", _tar), ("a.gz", _tar)])
def test_an_archive_is_an_error_that_is_told_once(name, pack, corpus, check_data):
    path = corpus.path(name)
    path.write_bytes(pack(corpus.path("training.fr").read_bytes()))
    train = {"source": str(corpus.path("training.en")), "target": str(path)}
    [finding] = check_data(corpus.config(data={"train": train}))
    assert (finding.kind, finding.where, finding.exit_code) == ("unreadable", str(path), 66)
    assert "archive" in finding.what and "nmt prepare" in finding.what


@pytest.mark.parametrize(("ending", "pack"), [("xz", lzma.compress), ("bz2", bz2.compress)])
def test_a_compressed_text_is_text(ending, pack, corpus, check_data):
    train = {}
    for key, side in (("source", "en"), ("target", "fr")):
        path = corpus.path(f"training.{side}.{ending}")
        path.write_bytes(pack(corpus.path(f"training.{side}").read_bytes()))
        train[key] = str(path)
    assert check_data(corpus.config(data={"train": train})) == []
