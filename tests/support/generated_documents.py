"""Documents of any format, generated in parts, of which it is known what is text."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import NamedTuple
from xml.sax.saxutils import escape

WORDS = (
    "cat",
    "house",
    "red",
    "Man",
    "sleeps",
    "the",
    "a",
    "of",
    "in",
    "Smith's",
    "well-known",
    "naïve",
    "Zürich",
    "12",
)
PLACEHOLDERS = (
    "{name}",
    "{0}",
    "%s",
    "%1$s",
    "%(name)d",
    "${x}",
    "{{x}}",
    "https://example.org/a?b=1",
    "me@example.org",
)
ENDS = ("\n", "\r\n")


class Part(NamedTuple):
    """A part of a document: what stays, or a text as it is written in the document."""

    written: str
    is_text: bool = False


class Generated(NamedTuple):
    """A document in its parts."""

    parts: list[Part]

    @property
    def text(self) -> str:
        return "".join(part.written for part in self.parts)


def sentence(generator: random.Random, marks: tuple[str, ...] = PLACEHOLDERS) -> str:
    """Words with a few placeholders between them, or in them."""
    words = [generator.choice(WORDS) for _ in range(generator.randint(1, 8))]
    words[generator.randrange(len(words))] = "house"  # what has no letter is no text
    for _ in range(generator.choice([0, 0, 1, 2, 3])):
        mark, place = generator.choice(marks), generator.randrange(len(words) + 1)
        if mark.startswith(("http", "me@")) or generator.random() < 0.8:
            words.insert(place, mark)
        elif place < len(words):
            words[place] = f"({mark}) {words[place]}"
    return " ".join(words) + generator.choice(["", ".", "!", " …"])


def tsv(generator: random.Random) -> Generated:
    end = generator.choice(ENDS)
    parts = [Part(generator.choice(["", "\ufeff"]) + f"id\ttext\tnote{end}")]
    for number in range(generator.randint(1, 6)):
        quote = generator.choice(["", "", '"'])
        parts += [
            Part(f"{number}\t{quote}"),
            Part(sentence(generator), True),
            Part(f"{quote}\t{generator.choice(['', 'cat', chr(34) + ' x', 'é'])}{end}"),
        ]
        if generator.random() < 0.2:
            parts.append(Part(generator.choice([end, f"\t\t{end}", f"9{end}"])))
    return Generated(parts)


def csv(generator: random.Random) -> Generated:
    end, sign = generator.choice(ENDS), generator.choice(",;")
    parts = [Part(generator.choice(["", "\ufeff"]) + sign.join(["id", "text", '"no;te"']) + end)]
    for number in range(generator.randint(1, 6)):
        note = generator.choice(["", "cat", f'"a{sign}b"', f'"two{end}lines ""quoted"""', '5" wide'])
        parts += [
            Part(f'{number}{sign}"'),
            Part(sentence(generator).replace('"', '""'), True),
            Part(f'"{sign}{note}{end}'),
        ]
    return Generated(parts)


def jsonl(generator: random.Random) -> Generated:
    parts = []
    for _ in range(generator.randint(1, 6)):
        number = generator.choice(["1", "1.50", "-0.0", "1e5", "12345678901234567890", "null", '[1, {"text": "no"}]'])
        written = json.dumps(sentence(generator), ensure_ascii=generator.random() < 0.5)[1:-1]
        space = generator.choice(["", " ", "  "])
        before = generator.choice(["", f'"b":{number},', f'"note" : "caf\\u00e9 \\/ x",{space}'])
        after = generator.choice(["", f', "a":{space}{number}', ',"text ":"cat"'])
        parts += [Part(f'{{{space}{before}"text"{space}: "'), Part(written, True)]
        parts.append(Part(f'"{space}{after}}}{generator.choice(ENDS)}'))
    return Generated(parts)


def _time(tenths: int, sign: str) -> str:
    return f"00:{tenths // 600:02}:{tenths // 10 % 60:02}{sign}{tenths % 10}00"


def _cues(generator: random.Random, sign: str, end: str, settings: tuple[str, ...]) -> Iterator[list[Part]]:
    tenths = 0
    for number in range(1, generator.randint(2, 7)):
        begin = tenths + generator.choice([0, 1, 50])
        tenths = begin + generator.randint(10, 40)
        timing = f"{_time(begin, sign)} --> {_time(tenths, sign)}{generator.choice(settings)}{end}"
        kind = generator.random()
        if kind < 0.2:
            lines = [f"{generator.choice('-–')} {sentence(generator)}" for _ in range(2)]
            texts = [Part(lines[0][:2]), Part(lines[0][2:], True), Part(end + lines[1][:2]), Part(lines[1][2:], True)]
        elif kind < 0.4:
            tag = generator.choice(["i", "b"])
            texts = [Part(f"<{tag}>"), Part(sentence(generator), True), Part(f"</{tag}>")]
        elif kind < 0.5:
            texts = [Part("♪ "), Part(sentence(generator), True), Part(" ♪")]
        else:
            texts = [Part(end.join(sentence(generator) for _ in range(generator.randint(1, 2))), True)]
        yield [Part(f"{number}{end}{timing}"), *texts, Part(end * generator.choice([2, 2, 3]))]


def srt(generator: random.Random) -> Generated:
    end = generator.choice(ENDS)
    parts = [Part(generator.choice(["", "\ufeff", end]))]
    for cue in _cues(generator, ",", end, ("", "  X1:10 X2:20")):
        parts += cue
    return Generated(parts)


def vtt(generator: random.Random) -> Generated:
    end = generator.choice(ENDS)
    parts = [Part(f"WEBVTT - a film{end}Kind: captions{end}{end}")]
    for cue in _cues(generator, ".", end, ("", " align:start position:10%")):
        if generator.random() < 0.3:
            parts.append(
                Part(generator.choice([f"NOTE a cat{end}in a house{end}{end}", f"STYLE{end}::cue(b) {{ }}{end}{end}"]))
            )
        parts += cue
    return Generated(parts)


def html(generator: random.Random) -> Generated:
    parts = [
        Part(
            "<!DOCTYPE html>\n<html lang=en><head>\n<style>p { a: b }</style><script>'<p>cat</p>'</script></head><body>"
        )
    ]
    for _ in range(generator.randint(1, 6)):
        tag = generator.choice(["p", "h1", "li", "td", "div"])
        head = f"<{tag} class='x'  id={generator.randrange(99)}>" + generator.choice(["", "\n  ", " "])
        inner = sentence(generator)
        inline = generator.choice(["b", "i", "a href='x?a=1&amp;b'", "span title=5"])
        words = inner.split(" ")
        first = generator.randrange(len(words))
        last = generator.randint(first, len(words) - 1)
        if generator.random() < 0.7:
            words[first] = f"<{inline}>{words[first]}"
            words[last] += f"</{inline.split(' ')[0]}>"
        inner = " ".join(words).replace("&", "&amp;").replace("&amp;amp;", "&amp;")
        if generator.random() < 0.3:
            inner += generator.choice([" <code>x &lt; cat</code>", "<img src=a.png>", " <span translate=no>cat</span>"])
        parts += [Part(head), Part(inner, True), Part(f"</{tag}>")]
        parts.append(
            Part(
                generator.choice(
                    ["", "\n", "<!-- a <b>cat</b> -->\n<hr>", "<pre>cat\n  cat</pre>", "<p class=notranslate>a cat</p>"]
                )
            )
        )
    return Generated([*parts, Part("</body></html>\n")])


def po(generator: random.Random) -> Generated:
    end = generator.choice(ENDS)
    parts = [
        Part(f'# A cat{end}msgid ""{end}msgstr ""{end}"Content-Type: text/plain; charset=UTF-8\\n"{end}'),
        Part(f'"Plural-Forms: nplurals=3; plural=(n%10==1 ? 0 : n>4 ? 2 : 1);\\n"{end}{end}'),
    ]
    for number in range(generator.randint(1, 6)):
        comments = [
            f"#. note {number}{end}",
            f"#: a.c:{number}   b.c:2{end}",
            f"#, c-format{end}",
            f'#| msgid "old"{end}',
        ]
        parts.append(
            Part("".join(generator.sample(comments[:3], generator.randint(0, 3))) + generator.choice(["", comments[3]]))
        )
        parts.append(Part(f'msgctxt "menu {number}"{end}'))
        text = _po_text(generator, sentence(generator), end)
        kind = generator.random()
        if kind < 0.2:
            parts.append(Part(f'msgid {text}{end}msgstr "абв"{end}'))
        elif kind < 0.4:
            second = _po_text(generator, sentence(generator), end)
            parts.append(Part(f'msgid {text}{end}msgid_plural {second}{end}msgstr[0] ""{end}msgstr[1] ""{end}'))
        else:
            parts.append(Part(f'msgid {text}{end}msgstr ""{end}'))
        parts.append(Part(generator.choice([end, f'{end}#~ msgid "cat"{end}#~ msgstr "кот"{end}{end}'])))
    return Generated(parts)


def _po_text(generator: random.Random, text: str, end: str) -> str:
    text = text.replace('"', '\\"')
    if generator.random() < 0.3:
        first, _, rest = text.partition(" ")
        return f'""{end}"{first} "{end}"{rest}"' if rest else f'""{end}"{first}\\n"'
    return f'"{text}"'


def _inline(generator: random.Random, codes: tuple[tuple[str, str], ...]) -> str:
    words = [escape(word) for word in sentence(generator).split(" ")]
    for before, after in generator.sample(codes, generator.randint(0, 2)):
        first = generator.randrange(len(words))
        if after:
            words[first] = f"{before}{words[first]}{after}"
        else:
            words.insert(first, before)
    return " ".join(words)


def xliff(generator: random.Random) -> Generated:
    end, quote = generator.choice(ENDS), generator.choice("'\"")
    codes = (
        ('<g id="1">', "</g>"),
        ("<x id='2' />", ""),
        ('<ph id="3">&lt;br></ph>', ""),
        ('<bpt id="4">{</bpt>', '<ept id="4">}</ept>'),
    )
    parts = [
        Part(f"<?xml version={quote}1.0{quote} encoding='UTF-8'?>{end}<!-- cat --><xliff version='1.2' "),
        Part('xmlns="urn:oasis:names:tc:xliff:document:1.2"><file source-language="xx" original="a"  datatype="x">'),
        Part(f"<body>{end}"),
    ]
    for number in range(generator.randint(1, 6)):
        space = generator.choice(["", "  ", f"{end}    "])
        done = generator.choice(["", "", f"{space}<target state='final'>кот</target>"])
        parts.append(Part(f'<trans-unit id="{number}" >{space}<source>{_inline(generator, codes)}</source>{done}'))
        parts.append(Part(f"{generator.choice(['', '<note>a cat</note>'])}</trans-unit>{end}"))
    return Generated([*parts, Part(f"</body></file></xliff>{end}")])


def tmx(generator: random.Random) -> Generated:
    end = generator.choice(ENDS)
    codes = (("<hi>", "</hi>"), ("<ph x='1'>&lt;br></ph>", ""), ('<bpt i="1">{</bpt>', '<ept i="1">}</ept>'))
    parts = [
        Part(f'<?xml version="1.0"?>{end}<!DOCTYPE tmx SYSTEM "tmx14.dtd">{end}<tmx version=\'1.4\'>'),
        Part(f'<header srclang="xx"/><body>{end}'),
    ]
    for _ in range(generator.randint(1, 6)):
        space = generator.choice(["", f"{end}  "])
        done = generator.choice(["", "", "<tuv xml:lang='yy'><seg>кот</seg></tuv>"])
        parts.append(Part(f'<tu>{space}<tuv xml:lang="xx"><seg>{_inline(generator, codes)}</seg></tuv>{done}'))
        parts.append(Part(f"<prop type='x'>cat</prop>{end}</tu>{end}"))
    return Generated([*parts, Part(f"</body></tmx>{end}")])


FORMATS = {
    "tsv": tsv,
    "csv": csv,
    "jsonl": jsonl,
    "srt": srt,
    "vtt": vtt,
    "html": html,
    "po": po,
    "xliff": xliff,
    "tmx": tmx,
}
