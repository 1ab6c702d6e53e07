"""Translation memories are read as they are found, and in bounded memory."""

import subprocess
import sys
import time

import pytest

from corpora import XML_PAIRS, read_pairs, sides, tmx
from nmt.errors import DataError
from program import environment


@pytest.fixture
def read(tmp_path):
    """Reads what a translation memory holds."""

    def from_data(data, **options):
        (tmp_path / "a.tmx").write_bytes(data)
        found, warnings = read_pairs([tmp_path / "a.tmx"], tmp_path / "work", **options)
        return found, [warning.removeprefix(f"{tmp_path}/") for warning in warnings]

    return from_data


def unit(*variants):
    tuvs = (f'<tuv xml:lang="{code}"><seg>{text}</seg></tuv>' for code, text in variants)
    return f"<tu>{''.join(tuvs)}</tu>"


def memory(*units, head=""):
    return f'<?xml version="1.0"?>\n{head}<tmx version="1.4"><body>\n{"".join(units)}</body></tmx>'.encode()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-8-sig"])
@pytest.mark.parametrize("codes", [("en", "de"), ("EN-US", "DE-DE"), ("eng", "ger"), ("en_GB", "de-1996")])
@pytest.mark.parametrize("attribute", ["xml:lang", "lang"])
def test_units_of_two_languages(read, encoding, codes, attribute):
    data = tmx(codes=codes, attribute=attribute, encoding=encoding.removesuffix("-sig"))
    found, warnings = read(b"\xef\xbb\xbf" * encoding.endswith("-sig") + data)
    assert sides(found) == XML_PAIRS and not warnings
    assert found[1][0].endswith("a.tmx:2")


def test_a_document_type_that_is_named_is_not_fetched_and_harmless(read):
    assert sides(read(tmx(head='<!DOCTYPE tmx SYSTEM "tmx14.dtd">\n'))[0]) == XML_PAIRS
    assert sides(read(tmx(head='<!DOCTYPE tmx PUBLIC "-//x" "http://127.0.0.1:1/tmx14.dtd">\n'))[0]) == XML_PAIRS


def test_of_inline_elements_code_is_left_out_and_text_stays(read):
    text = 'a <bpt i="1">&lt;b&gt;<sub>s</sub></bpt>b<ept i="1">&lt;/b&gt;</ept> <hi>c</hi> '
    text += "<ph>p</ph>d<it>i</it><ut>u</ut>"
    found, _ = read(memory(unit(("en", text), ("de", "x\n   y <![CDATA[&<]]>&#233;\n"))))
    assert sides(found) == [("a b c d", "x y &<é")]


def test_of_several_texts_in_a_language_the_first_counts(read):
    found, warnings = read(
        memory(
            unit(("fr", "un"), ("de", "eins"), ("de", "ein"), ("en", "one"), ("en", "a")),
            unit(("en", "lone")),
            unit(("en", ""), ("de", "leer")),
        )
    )
    assert [(place.rpartition(":")[2], *rest) for place, *rest in found] == [
        ("1", "one", "eins", False),
        ("3", "", "leer", False),
    ]
    assert warnings == ["a.tmx: 1 of 3 units are not in both en and de; left out"]


def test_a_unit_without_end_is_too_long(read):
    found, _ = read(memory(unit(("en", "x" * (3 << 20)), ("de", "y")), unit(("en", "a"), ("de", "b"))))
    assert [pair[1:] for pair in found] == [("", "y", True), ("a", "b", False)]


BOMB = '<!DOCTYPE tmx [\n<!ENTITY a "aaaaaaaaaa">\n<!ENTITY b "&a;&a;&a;&a;">\n]>\n'


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (memory(unit(("en", "&b;"), ("de", "x")), head=BOMB), "a.tmx:2: declares entities or elements of its own"),
        (memory(head='<!DOCTYPE tmx [<!ENTITY x SYSTEM "file:///etc/passwd">]>'), "a.tmx:2: declares entities"),
        (memory(head='<!DOCTYPE tmx [<!ENTITY % x SYSTEM "http://127.0.0.1/x"> %x;]>'), "a.tmx:2: declares entities"),
        (memory(unit(("en", "&nbsp;"), ("de", "x")), head='<!DOCTYPE tmx SYSTEM "a.dtd">'), "has the entity &nbsp;"),
        (memory(unit(("en", "&nbsp;"), ("de", "x"))), "a.tmx:3: is broken XML: undefined entity"),
        (memory("<tu>\n</tuv>"), "a.tmx:4: is broken XML: mismatched tag"),
        (memory(unit(("en", "a"), ("de", "b")))[:-20], "is broken XML: unclosed token"),
        (memory(unit(("en", "a"), ("de", "b")))[:-6], "is broken XML: no element found"),
        (
            memory("<tu><tuv xml:lang='en'>\n<seg>\xff</seg>").replace("\xff".encode(), b"\xff"),
            "a.tmx:4: is broken XML",
        ),
        (tmx().replace(b"utf-8", b"gb2312"), "a.tmx:1: is in an encoding that cannot be read; expected UTF-8"),
        (tmx().replace(b"utf-8", b"none"), "a.tmx:1: is in an encoding that cannot be read; expected UTF-8"),
        (memory(unit(("fr", "a"), ("it", "b"))), "a.tmx: has no unit in en and de; it has fr, it"),
        (memory(), "a.tmx: has no unit in en and de"),
        (memory("<a>" * 100_000), "inside of one another 1,000 deep"),
        (memory(*(f"<a{number}/>" for number in range(5000))), "more than 1,000 different elements"),
        (
            memory(*(f"<tu a{number}=''/>" for number in range(5000))),
            "more than 1,000 different elements and attributes",
        ),
        (memory("<tu a='" + "x" * (6 << 20)), "a tag has no end"),
        (memory("<!-- " + "x" * (6 << 20)), "a tag has no end"),
    ],
)
def test_what_is_broken_or_hostile_is_an_error_with_its_line(read, data, what):
    started = time.monotonic()
    with pytest.raises(DataError, match=r"a\.tmx") as caught:
        read(data)
    assert what in str(caught.value) and time.monotonic() - started < 20


MEASURED = """
import resource, sys
from pathlib import Path
from nmt.preparation.readers.corpus import Circumstances, read_corpus
from nmt.preparation.readers.names import Languages
given = Circumstances(Languages(("en", "de")), Path(sys.argv[2]), print, lambda: None)
pairs = sum(len(batch.numbers) for batch in read_corpus([sys.argv[1]], given))
print(pairs, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def write_large(path, units):
    with path.open("wb") as file:
        file.write(b'<?xml version="1.0"?><tmx version="1.4"><body>')
        for number in range(units):
            text = f"{number} is a sentence of an ordinary length, as such files have"
            file.write(f'<tu tuid="{number}">{unit(("en", text), ("de", text[::-1]))[4:]}\n'.encode())
        file.write(b"</body></tmx>")


@pytest.mark.parametrize(("few", "many"), [(2000, 40_000), pytest.param(20_000, 2_000_000, marks=pytest.mark.slow)])
def test_memory_does_not_grow_with_the_number_of_units(tmp_path, few, many):
    memory_of = []
    for units in (few, many):
        write_large(tmp_path / "a.tmx", units)
        words = [sys.executable, "-c", MEASURED, str(tmp_path / "a.tmx"), str(tmp_path)]
        done = subprocess.run(words, env=environment(), capture_output=True, check=True, text=True)
        pairs, kibibytes = map(int, done.stdout.split())
        assert pairs == units
        memory_of.append(kibibytes)
    assert memory_of[1] - memory_of[0] < 8 << 10
