"""What of each format is text, and what stays."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest

from made_up_translations import same
from nmt.documents.document import TranslatableDocument
from nmt.documents.html import HtmlDocument
from nmt.documents.languages import LanguagePair
from nmt.documents.plural_forms import PluralForms, plural_forms
from nmt.documents.po import PoDocument, entries
from nmt.documents.subtitles import SubtitleDocument
from nmt.documents.tmx import TmxDocument
from nmt.documents.xliff import XliffDocument
from nmt.translation.result import Output, SegmentAttention, Translation


def translated(lines: list[str], texts: dict[str, str]) -> list[Translation | None]:
    return [Translation(line, (Output(texts[line], 0.0, 0.0, (), None),)) if line in texts else None for line in lines]


def upper(lines: list[str]) -> list[Translation]:
    return [Translation(line, (Output(line.upper(), 0.0, 0.0, (), None),)) for line in lines]


def words_in_reverse(line: str) -> Translation:
    """The words of a line in capitals and from behind, each of which attends to its own."""
    words = line.split()
    tokens, numbers = tuple(f"▁{word}" for word in words), tuple(range(len(words)))
    weights = np.eye(len(words), len(words) + 1, dtype=np.float32)[::-1]
    segments = (SegmentAttention(weights, numbers, numbers, range(len(words))),)
    return Translation(line, (Output(" ".join(reversed(words)).upper(), 0.0, 0.0, tokens[::-1], segments),), tokens)


PAGE = """<!DOCTYPE html><title>A &amp; B</title>
<meta name=description content="A page"><meta name=viewport content="width=x">
<script>if (a < b) "<p>code</p>"</script><style>p{}</style>
<p title='Hint' class=x>One
  two<br>three &lt; four</p><textarea>keep</textarea>
<img src=a alt=cat><input placeholder="Your name" value=keep><input type=submit value=Send>
<div translate=no>keep <p>keep</p></div><p>a <code>keep</code> b <span class="x notranslate">keep</span></p>
<button aria-label="Close">x</button><!-- keep --><pre>keep</pre><p>1 2 3</p><a href="?a=1&b=2">link</a>
"""


def test_what_of_a_page_is_text() -> None:
    lines = [
        "A & B",
        "A page",
        "Hint",
        "One two",
        "three < four",
        "cat",
        "Your name",
        "Send",
        "a b",
        "Close",
        "x",
        "link",
    ]
    page = HtmlDocument(PAGE, "page")
    assert page.lines == lines
    found = page.written(upper(page.lines))
    assert "<title>A &amp; B</title>" in found and 'content="A PAGE"' in found and 'content="width=x"' in found
    assert "<p title='HINT' class=x>ONE TWO<br>THREE &lt; FOUR</p>" in found
    assert '<img src=a alt="CAT"><input placeholder="YOUR NAME" value=keep><input type=submit value="SEND">' in found
    assert '<p>A <code>keep</code> B <span class="x notranslate">keep</span></p>' in found
    assert found.count("keep") == PAGE.count("keep")


def test_what_is_translated_in_a_page_is_escaped() -> None:
    page = HtmlDocument("<p title='a'>cat<p title=b>dog", "page")
    found = page.written(translated(page.lines, {"a": "'<\">&", "cat": "<&>", "b": "c d"}))
    assert found == "<p title='&#x27;&lt;&quot;&gt;&amp;'>&lt;&amp;&gt;<p title=\"c d\">dog"


@pytest.mark.parametrize(
    ("tag", "is_pair"),
    [
        ("<a href=/x/>", True),
        ("<a href=/x?y=z/>", True),
        ("<a href= /x/>", True),
        ("<a href=/>", True),
        ("<a href='/x/'/>", False),
        ("<a href='/x/' />", False),
        ("<a title='7 = 7'/>", False),
        ("<a href=/x/ />", False),
        ("<a/>", False),
        ("<a id/>", False),
    ],
)
def test_a_slash_that_ends_an_address_does_not_close_its_tag(tag: str, is_pair: bool) -> None:
    page = HtmlDocument(f"<p>here the {tag}cat</a> now</p>", "page")
    found = page.written([words_in_reverse(line) for line in page.lines])
    assert (f"{tag}CAT</a>" in found) == is_pair


@pytest.mark.parametrize(
    "piece",
    ["<a href=", "<![", "</", "<", "&", "&#", "<?", "<b>", "<a b='", '<a b="', "<script>", "<code>x", "{", "%(", "< a"],
)
def test_a_page_of_anything_is_read_in_time_that_grows_with_its_length(piece: str) -> None:
    def seconds(count: int) -> float:
        text = "cat " + piece * count
        start = time.process_time()
        page = HtmlDocument(text, "page")
        assert page.written([None] * len(page.lines)) == text
        return time.process_time() - start

    seconds(100)
    assert seconds(20_000) < 0.5 + 30 * seconds(2000)


def in_po(count: int) -> PoDocument:
    line = f'"{"cat" * 40}"\n'
    return PoDocument(f'msgid ""\n{line * count}msgstr ""\n', "catalogue")


def in_tmx(count: int) -> TmxDocument:
    segment = f"{'cat' * 50}&lt;" * count
    text = f"<tmx><tu><tuv lang='en'><seg>{segment}</seg></tuv></tu></tmx>"
    return TmxDocument(text, "memory", LanguagePair("en", "de"))


@pytest.mark.parametrize(
    ("read", "count"),
    [
        (in_po, 30_000),
        (in_tmx, 20_000),
        (lambda count: PoDocument('msgid "' + "\\n" * count + 'cat"\nmsgstr ""', "catalogue"), 600_000),
        (lambda count: HtmlDocument("cat %" + "0" * count + "!", "page"), 8_000),
        (lambda count: HtmlDocument("cat http://" + ")" * count + "!", "page"), 80_000),
    ],
)
def test_a_text_of_very_many_parts_is_read_in_linear_time(
    read: Callable[[int], TranslatableDocument], count: int
) -> None:
    def seconds(count: int) -> float:
        start = time.process_time()
        read(count)
        return time.process_time() - start

    seconds(100)
    assert seconds(count) < 0.2 + 7 * seconds(count // 4)


@pytest.mark.parametrize("piece", ["<a ", "<a href=", '<a b=">" '])
def test_a_tag_without_an_end_is_the_rest_of_a_page_and_read_once(piece: str) -> None:
    text = "<p>cat</p>" + piece * 10_000 + 'b=">"'
    start = time.process_time()
    page = HtmlDocument(text, "page")
    assert time.process_time() - start < 1
    assert page.lines == ["cat"] and page.written(upper(page.lines)) == text.replace("cat", "CAT", 1)


SRT = """\
1
00:00:01,000 --> 00:00:02,000
{\\an8}<i>The black cat</i>

2
00:00:02,100 --> 00:00:03,000
{\\an8}<i>sleeps here.</i>

3
00:00:04,000 --> 00:00:05,000
- Who are you?
- <b>Nobody</b>, I
think.

4
00:00:06,000 --> 00:00:07,000
♪ la la ♪

5
00:00:08,000 --> 00:00:09,000
Later

6
00:01:08,000 --> 00:01:09,000
we go
"""


def test_cues_of_one_sentence_are_translated_together_and_cut_again() -> None:
    film = SubtitleDocument(SRT, "film")
    assert film.lines == ["The black cat sleeps here.", "Who are you?", "Nobody, I think.", "la la", "Later", "we go"]
    found = film.written(upper(film.lines))
    assert "000\n{\\an8}<i>THE BLACK CAT</i>\n\n2\n" in found
    assert "{\\an8}<i>SLEEPS HERE.</i>\n" in found
    assert "- WHO ARE YOU?\n- <b>NOBODY</b>, I THINK.\n" in found
    assert "♪ LA LA ♪" in found


def test_a_cue_has_two_lines_as_long_as_those_of_the_original() -> None:
    text = "1\n00:00:01,000 --> 00:00:02,000\nthe long line of the original\nand the other.\n\n"
    film = SubtitleDocument(text, "film")
    long = "words " * 9 + "end"
    lines = film.written(translated(film.lines, {film.lines[0]: long})).split("\n")[2:4]
    assert " ".join(lines) == long and max(map(len, lines)) <= 29


def test_a_very_long_cue_is_broken_in_its_middle_and_in_time() -> None:
    text = "1\n00:00:01,000 --> 00:00:02,000\n" + "cat " * 20_000 + "dog\n"
    film = SubtitleDocument(text, "film")
    start = time.process_time()
    found = film.written(upper(film.lines)).split("\n")[2:-1]
    assert time.process_time() - start < 3
    assert found == ["CAT " * 9999 + "CAT", "CAT " * 10_000 + "DOG"]


def test_a_line_is_not_broken_inside_of_a_placeholder_or_a_tag() -> None:
    text = (
        "1\n00:00:01,000 --> 00:00:02,000\nthe cat {{ a very long one of them }} and <font color = 'x'>red</font> cat\n"
    )
    film = SubtitleDocument(text, "film")
    found = film.written(upper(film.lines))
    assert "{{ a very long one of them }}" in found and "<font color = 'x'>" in found and found.count("\n") == 4


def test_fewer_words_than_cues_are_left_and_told() -> None:
    warnings: list[str] = []
    film = SubtitleDocument(SRT, "film", warnings.append)
    assert film.written(translated(film.lines, {film.lines[0]: "ja"})) == SRT
    assert warnings == ["film:3: left as it was: the translation has fewer words than there are cues"]


def test_notes_styles_settings_and_speakers_stay() -> None:
    text = "WEBVTT\n\nSTYLE\n::cue { }\n\nNOTE cat\n\nintro\n"
    text += "00:01.000 --> 00:02.000 line:0\n<v Bob>Q&amp;A of <c.x>cats</c>\n"
    film = SubtitleDocument(text, "film", kind="vtt")
    assert film.lines == ["Q&A of cats"]
    assert film.written(upper(film.lines)) == text.replace("Q&amp;A of", "Q&amp;A OF").replace("cats", "CATS")


PO = """\
# Team
msgid ""
msgstr "Plural-Forms: nplurals=3; plural=n==1 ? 1 : n==0 ? 0 : 2;\\n"

#: a.c:1
#, c-format
msgctxt "x"
msgid "One %s\\n"
msgstr ""

msgid "file"
msgid_plural "%d files"
msgstr[0] ""
msgstr[1] ""

#~ msgid "old"
#~ msgstr ""
"""


def test_what_looks_like_a_tag_of_webvtt_and_is_none_stays_so() -> None:
    text = "WEBVTT\n\n00:01.000 --> 00:02.000\nuse <i.x>the</i> big &lt;b&gt; of 1 &lt; 2\n"
    film = SubtitleDocument(text, "film", kind="vtt")
    assert film.written(upper(film.lines)).endswith("\nUSE <i.x>THE</i> BIG &lt;b&gt; OF 1 &lt; 2\n")


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (r"caf\303\251 \x41t", "café At"),
        (r"caf\351 \\303", "café \\303"),
        (r"ca\777t", "ca\u01fft"),
        (r"a\tb\"c\q", 'a\tb"cq'),
    ],
)
def test_escaped_bytes_of_a_catalogue_are_read_as_utf_8(written: str, text: str) -> None:
    [entry] = entries([f'msgid "{written}"\n', 'msgstr ""\n'], "catalogue")
    assert entry.texts["msgid"] == text


def test_an_entry_gets_as_many_forms_as_the_header_says() -> None:
    catalogue = PoDocument(PO, "po")
    assert catalogue.lines == ["One", "file", "files"]
    found = catalogue.written(upper(catalogue.lines))
    assert '#, fuzzy, c-format\nmsgctxt "x"\nmsgid "One %s\\n"\nmsgstr "ONE %s\\n"\n' in found
    assert 'msgstr[0] "%d FILES"\nmsgstr[1] "FILE"\nmsgstr[2] "%d FILES"\n\n#~' in found


@pytest.mark.parametrize(
    ("header", "forms"),
    [
        ("nplurals=1; plural=0;", PluralForms(1, 0)),
        ("nplurals=2; plural=(n != 1);", PluralForms(2, 0)),
        ("nplurals=4; plural=(n%100==1 ? 1 : n%100==2 ? 2 : n%100==3 || n%100==4 ? 3 : 0);", PluralForms(4, 1)),
        ("nplurals=2; plural=!(n>1)&&(n-0)*1/1+0;", PluralForms(2, 1)),
        ("nplurals=INTEGER; plural=EXPRESSION;", None),
        ("nplurals=0; plural=0;", None),
        ("nplurals=2; plural=__import__('os')", PluralForms(2, 0)),
        ("nplurals=2; plural=" + "(" * 900, PluralForms(2, 0)),
        ("nplurals=2; plural=n/0", PluralForms(2, 0)),
        ("", None),
    ],
)
def test_plural_forms_of_a_header(header: str, forms: PluralForms | None) -> None:
    assert plural_forms(header) == forms


def test_a_segment_of_xliff_2_is_marked_as_in_its_initial_state() -> None:
    text = '<xliff version="2.0"><unit><segment state="initial">'
    text += '<source>a <ph id="1"/> b</source><target>a b</target></segment>'
    document = XliffDocument(text + "</unit></xliff>", "x")
    found = document.written(upper(document.lines))
    assert (
        '<segment state="initial"><source>a <ph id="1"/> b</source><target>A <ph id="1"/> B</target></segment>' in found
    )


def test_what_may_not_be_translated_is_not() -> None:
    text = '<xliff version="1.2"><body>{}</body></xliff>'
    units = (
        '<group translate="no"><trans-unit id="1"><source>a</source></trans-unit></group>',
        '<trans-unit id="2" translate="no"><source>b</source></trans-unit>',
        '<trans-unit id="3" approved="yes"><source>c</source></trans-unit>',
        '<trans-unit id="4"><source>d</source><target state="final">e</target></trans-unit>',
        '<trans-unit id="5"><source>f <mrk mtype="protected">g</mrk> h</source><target/></trans-unit>',
    )
    assert XliffDocument(text.format("".join(units)), "x").lines == ["f h"]
    assert XliffDocument(text.format("".join(units)), "x", all_units=True).lines == ["f h"]


@pytest.mark.parametrize(
    ("state", "stays"), [("final", True), ("signed-off", True), ("translated", False), ("needs-review-l10n", False)]
)
def test_of_all_units_those_that_somebody_approved_stay(state: str, stays: bool) -> None:
    text = (
        '<xliff version="1.2"><trans-unit id="1"><source>a</source><target state="{}">b</target></trans-unit></xliff>'
    )
    document = XliffDocument(text.format(state), "x", all_units=True)
    assert document.lines == ([] if stays else ["a"])
    if not stays:
        expected = text.format("needs-review-translation").replace(">b<", ">A<")
        assert document.written(upper(document.lines)) == expected


def test_of_all_segments_of_xliff_2_the_final_ones_stay() -> None:
    text = '<xliff version="2.1"><unit>'
    for state in ("final", "reviewed"):
        text += f'<segment state="{state}"><source>{state}</source><target>x</target></segment>'
    document = XliffDocument(text + "</unit></xliff>", "x", all_units=True)
    assert document.lines == ["reviewed"]
    assert '<segment state="initial"><source>reviewed</source><target>REVIEWED<' in document.written(
        upper(document.lines)
    )


def test_of_all_entries_the_doubtful_ones_stay_so() -> None:
    text = '#, fuzzy, c-format\nmsgid "cat"\nmsgstr "x"\n'
    catalogue = PoDocument(text, "x", all_units=True)
    assert catalogue.written(upper(catalogue.lines)) == text.replace('"x"', '"CAT"')


@pytest.mark.parametrize(
    ("codes", "languages"), [(("en-US", "deu"), ("en", "de")), (("pt-BR", "pt-PT"), ("pt-BR", "pt-PT"))]
)
def test_a_memory_gains_the_language_that_it_lacks(codes: tuple[str, str], languages: tuple[str, str]) -> None:
    unit = "<tu><tuv xml:lang='{}'><seg>{}</seg></tuv></tu>"
    text = "<tmx><body>" + unit.format(codes[0], "cat") + unit.format(codes[1], "chat") + "</body></tmx>"
    memory = TmxDocument(text, "x", LanguagePair(*languages))
    assert memory.lines == ["cat"]
    found = memory.written(upper(memory.lines))
    assert found == text.replace(
        "cat</seg></tuv>", f'cat</seg></tuv><tuv xml:lang="{languages[1]}"><seg>CAT</seg></tuv>', 1
    )


@pytest.mark.parametrize(
    "read",
    [lambda text: HtmlDocument(text, "x"), lambda text: SubtitleDocument(text, "x")],
)
def test_an_unchanged_text_stays_as_it_was_written(read: Callable[[str], HtmlDocument]) -> None:
    text = "1\n00:00:01,000 --> 00:00:02,000\n  the  cat \t sleeps  \nin   it\n"
    assert read(text).written(same(read(text).lines)) == text
