"""The sentences of a line: cut by the library sentencex, or only suspected, by a test that is quick and cautious."""

from __future__ import annotations

import importlib.util
import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from nmt.errors import ConfigError
from nmt.io.lines import is_blank, without_surrogates
from nmt.libraries import how_to_install

WINDOW = 1 << 12
"""Maximum number of characters that sentencex reads at once; its time is not linear in them. No sentence is longer."""

WITHOUT_SPACES = frozenset({"ja", "km", "lo", "my", "nan", "th", "wuu", "yue", "zh"})
"""Languages that write nothing between sentences."""

# Languages whose abbreviations sentencex knows by a code of two letters, by their codes of three letters.
_TWO_LETTERS: dict[str, str] = dict(
    re.findall(
        r"(\w+)=(\w+)",
        "amh=am ara=ar ben=bn bul=bg cat=ca ces=cs cze=cs cmn=zh dan=da deu=de ger=de ell=el gre=el eng=en spa=es "
        "est=et fas=fa per=fa fin=fi fra=fr fre=fr guj=gu heb=he hin=hi hun=hu hye=hy arm=hy ind=id ita=it jpn=ja "
        "kan=kn kaz=kk kor=ko lit=lt lav=lv mal=ml mar=mr mya=my bur=my nld=nl dut=nl nob=no nno=no nor=no pan=pa "
        "pol=pl por=pt ron=ro rum=ro rus=ru slk=sk slo=sk slv=sl swe=sv tam=ta tel=te tha=th tur=tr ukr=uk urd=ur "
        "vie=vi zho=zh chi=zh khm=km lao=lo",
    )
)

_CLOSING = "\"'”’»›)\\]}」』）】》"
_OPENING = "\"'“‘„«‹(\\[{¿¡「『（【《"
# An end of a sentence, what closes with it, white space, and what the next one begins with. A line has few of them.
_SPACED_END = re.compile(
    rf"(?<![.!?])(?P<end>[.!?]++|[。！？｡؟۔।॥։።])(?P<closing>[{_CLOSING}]*+)\s++"
    rf"(?=(?:[-–—]\s*+)?[{_OPENING}]*+(?P<next>\w))"
)
_UNSPACED_END = re.compile(r"(?<![。！？｡])[。！？｡]++(?=[^\s。！？｡」』”’）】》)\]])")
_LAST_WORD = re.compile(rf"[^\s{_OPENING}]*$")
# Abbreviations that stand before a capital in the middle of a sentence. Those of one letter, of letters with full stops
# between them, and capitalised ones of up to three letters are known by their form.
_ABBREVIATIONS = re.compile(
    "abs|allg|approx|art|betr|bspw|bzw|ca|cf|dept|ehem|engl|etc|evtl|ff|franz|geb|gegr|gest|ggf|griech|incl|inkl|"
    "insb|ital|jh|jhd|lat|mind|mio|mrd|nr|obb|od|op|pp|resp|sog|span|tel|usf|usw|vgl|viz|vol|vols|vs|zit|zzgl|гг|им|"
    "стр|тыс|ул",
    re.IGNORECASE,
)
_TITLES = re.compile(
    "Assn|Assoc|Blvd|Brig|Bros|Capt|Cmdr|Comdr|Corp|Dott|Dres|Insp|Inst|Ltda|Messrs|Mlle|Mlles|Mmes|Msgr|Prof|Profs|"
    "Prop|Rect|Repr|Secr|Sept|Sres|Supt|Univ|Проф|Руб"
)
_ENOUGH = 2000  # characters in which a sentence has two words
_ROMAN = re.compile(r"[IVXLCDM]+")


class Piece(NamedTuple):
    """A sentence of a line, without the white space at its ends."""

    start: int  # its first character in the line
    text: str
    before: str  # the white space between it and the sentence before


def require_sentencex(where: str = "split_sentences") -> None:
    """Raises ConfigError, which names `where` sentences were asked for, if the library is not installed."""
    if missing := missing_sentencex():
        raise ConfigError(where, f"needs {missing}")


def missing_sentencex() -> str | None:
    """Returns the library and how to install it; None if it is installed."""
    return None if importlib.util.find_spec("sentencex") else f"sentencex: {how_to_install('sentences')}"


def sentences(line: str, language: str) -> list[Piece]:
    """Cuts a line into its sentences, as sentencex does for its language; blank ones are left out.

    The language is a code such as `de`, `deu`, `de-AT` or `zh_Hant`. For one that sentencex does not know, it cuts by
    punctuation alone. The time is linear in the length of the line.
    """
    pieces: list[Piece] = []
    position = stop = 0
    for text in _segmented(line, sentencex_code(language)):
        if not is_blank(text):
            start = position + len(text) - len(text.lstrip())
            pieces.append(Piece(start, text.strip(), "".join(filter(str.isspace, line[stop:start]))))
            stop = start + len(pieces[-1].text)
        position += len(text)
    return pieces


def joined_where(pieces: Sequence[Piece], line: str, kept: Sequence[tuple[int, int]]) -> list[Piece]:
    """Joins the sentences of a line that are cut within characters to be kept together, which are in order."""
    joined: list[Piece] = []
    starts = [start for start, _ in kept]
    for piece in pieces:
        number = bisect_left(starts, piece.start) - 1  # the last that starts before the sentence
        if joined and number >= 0 and kept[number][1] > piece.start:
            first = joined[-1]
            joined[-1] = first._replace(text=line[first.start : piece.start + len(piece.text)])
        else:
            joined.append(piece)
    return joined


def sentencex_code(language: str) -> str:
    """Returns the code by which sentencex knows a language, without region or script."""
    code: str = re.split(r"[-_@.]", language.lower(), maxsplit=1)[0]
    return _TWO_LETTERS.get(code, code)


def writes_spaces(language: str) -> bool:
    """Returns whether sentences of a language have white space between them."""
    return sentencex_code(language) not in WITHOUT_SPACES


def _segmented(text: str, code: str) -> Iterator[str]:
    """Yields the segments of a text, which together are the text, reading a window of it at a time."""
    from sentencex import segment

    text = without_surrogates(text)
    start = 0
    while start < len(text):
        window = text[start : start + WINDOW]
        found = segment(code, window)
        if start + WINDOW < len(text):
            # The last one may go on behind the window. If it fills it, it is cut behind white space where there is any.
            found = found[:-1] or [window[: max(map(window.rfind, " \t")) + 1] or window]
        yield from found
        start += sum(map(len, found))


def sentence_starts(line: str) -> list[int]:
    """Returns where a line seems to begin another sentence, as positions of characters; rather too few than too many.

    A full stop behind an abbreviation, an initial or a number ends none here, nor do three, and every sentence has two
    words or more (of a script without spaces, letters).
    """
    starts: list[int] = []
    begin = 0
    for end, start in _ends(line):
        if _has_words(line[begin : min(end, begin + _ENOUGH)]):
            starts.append(start)
            begin = start
    if starts and not _has_words(line[begin : begin + _ENOUGH]):
        starts.pop()
    return starts


def _ends(line: str) -> list[tuple[int, int]]:
    """Finds where sentences seem to end, and where the next begin, ascending."""
    spaced = ((found.end("closing"), found.end()) for found in _SPACED_END.finditer(line) if _is_end(line, found))
    unspaced = ((found.end(), found.end()) for found in _UNSPACED_END.finditer(line))
    return sorted([*spaced, *unspaced])


def _is_end(line: str, found: re.Match[str]) -> bool:
    end, following = found["end"], found["next"]
    if end[0] not in ".!?":
        return True
    if following.islower() or not following.isalpha():
        return False
    if end != ".":  # a quoted exclamation may stand within a sentence, and dots may be an ellipsis
        return "." not in end and not found["closing"]
    word = _LAST_WORD.search(line, max(0, found.start() - 30), found.start())
    return word is not None and not _is_abbreviation(word[0])


def _is_abbreviation(word: str) -> bool:
    """Returns whether the full stop behind a word is probably part of it."""
    letters = word.strip("'’.-")
    if len(letters) < 2 or "." in letters or not any(map(str.isalpha, letters)):
        return True
    capitalised = letters[0].isupper() and len(letters) <= 3
    if capitalised or letters.endswith("str"):  # the German street, at the end of its name
        return True
    return any(known.fullmatch(letters) for known in (_TITLES, _ABBREVIATIONS, _ROMAN))


def _has_words(text: str) -> bool:
    """Returns whether a text has two words with a letter, or two letters of a script without spaces."""
    words = [word for word in text.split() if any(map(str.isalpha, word))]
    return len(words) > 1 or sum("\u2e80" <= letter <= "\u9fff" for word in words for letter in word) > 1
