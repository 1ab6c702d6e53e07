"""Corpora as they are distributed, made of given pairs."""

import io
import tarfile
import zipfile
from xml.sax.saxutils import escape

from nmt.preparation.readers.corpus import Circumstances, read_corpus
from nmt.preparation.readers.names import Languages

PAIRS = [
    ("A dog & a cat.", "Ein Hund & eine Katze."),
    ("Where is\u2028the bank?", "Wo ist\u00a0die Bank?"),
    ("I said <no>.", "Ich sagte <nein>.\0"),
    ("🙂 yes", "🙂 ja"),
] + [(f"This is sentence {number}.", f"Das ist Satz {number}.") for number in range(40)]
XML_PAIRS = [tuple(text.replace("\0", "") for text in pair) for pair in PAIRS]  # XML cannot hold NUL

WORDS = str.maketrans("0123456789", "abcdefghij")


def read_pairs(inputs, workspace, languages=("en", "de"), warn=None, tick=lambda: None):
    """Reads all pairs of the inputs, each with its place, and the warnings."""
    warnings = []
    workspace.mkdir(exist_ok=True)
    given = Circumstances(Languages(languages), workspace, warn or warnings.append, tick)
    found = [
        (f"{batch.file}:{number}", source, target, number in batch.too_long)
        for batch in read_corpus([str(path) for path in inputs], given)
        for number, source, target in zip(batch.numbers, batch.sources, batch.targets, strict=True)
    ]
    return found, warnings


def sides(found):
    return [(source, target) for _, source, target, _ in found]


def tsv(pairs=PAIRS, more=""):
    return "".join(f"{source}\t{target}{more}\n" for source, target in pairs).encode()


def lines(pairs=PAIRS, side=0):
    return "".join(f"{pair[side]}\n" for pair in pairs).encode()


def tmx(pairs=XML_PAIRS, encoding="utf-8", codes=("en", "de"), attribute="xml:lang", head=""):
    units = "".join(
        f'<tu tuid="{number}"><prop type="x">no text</prop>'
        + "".join(
            f'<tuv {attribute}="{code}"><seg>{escape(text)}</seg></tuv>' for code, text in zip(codes, pair, strict=True)
        )
        + "</tu>\n"
        for number, pair in enumerate(pairs, 1)
    )
    text = (
        f'<?xml version="1.0" encoding="{encoding}"?>\n{head}<tmx version="1.4"><header srclang="en"/><body>\n{units}'
    )
    return f"{text}</body></tmx>\n".encode(encoding)


def zipped(members):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return packed.getvalue()


def tarred(members, mode="w", **attributes):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode=mode) as archive:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            for attribute, value in attributes.items():
                setattr(member, attribute, value)
            archive.addfile(member, io.BytesIO(data))
    return packed.getvalue()


def segments(pairs=XML_PAIRS, side=0, root="refset"):
    rows = "".join(f'<seg id="{number}"> {escape(pair[side])} </seg>\n' for number, pair in enumerate(pairs, 1))
    head = f'<?xml version="1.0" encoding="UTF-8"?>\n<mteval>\n<{root}>\n<doc docid="7">\n'
    return f"{head}{rows}</doc></{root}></mteval>".encode()
