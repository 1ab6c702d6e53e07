"""Traits of lines: conventions of writing that a set follows or not, each told from the text of a line alone."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import NamedTuple

from nmt.corpus.mending import without_entities
from nmt.io.scripts import UNSPACED

_ESCAPED = re.compile("[&<>\"']")
_PUNCTUATION = re.compile(r"[.,،。、，](?:\s|$)")
_PARTED_PUNCTUATION = re.compile(r"(?<=\s)[.,،。、，](?=\s|$)|(?<=\s)@-@(?=\s)")
_UNSPACED_LETTER = re.compile(f"[{UNSPACED}]")
_SPACE_BETWEEN = re.compile(rf"(?<=[{UNSPACED}])\s+(?=[{UNSPACED}])")
_LETTERS_OF_A_WORD = 8  # more of them without a space is a phrase: Thai, too, parts these
_SUBWORDS = re.compile(r"@@(?:\s|$)|▁")
_QUOTED = re.compile(r"""\s*(?:"[^"]+"|'[^']+'|“[^”]+”|„[^“”]+[“”]|«[^»]+»|「[^」]+」)\s*""")
_NUMBERED = re.compile(r"\s*[(\[]?\d+(?:[.):\]]+\s|\t)")
_QUOTES = re.compile("[\"'‘’“”„]")
_CURLY = re.compile("[‘’“”„]")
_ENDED = re.compile(r"""[.!?…;:。！？．।؟۔։።…][\s"'”’»)\]」）]*$""")
_WIDTH = re.compile("[0-9A-Za-z０-９Ａ-Ｚａ-ｚ]")
_WIDE = re.compile("[０-９Ａ-Ｚａ-ｚ]")
_FEW_WORDS, _FEW_LETTERS = 3, 10


class Trait(NamedTuple):
    """A trait: a name for programs, how a report says that lines have it, and what makes sets alike in it.

    Its share in a set is that of the lines that have it, among those to which it applies: an apostrophe is written as
    an entity or not only where there is one.
    """

    name: str
    verb: str  # of lines that have it
    applies: Callable[[str], bool]
    has: Callable[[str], bool]
    advice: str
    is_artefact: bool = False  # True for what nobody writes, so that a smaller share of it is no chance


def _always(_: str) -> bool:
    return True


def _is_tokenized(text: str) -> bool:
    return bool(_PARTED_PUNCTUATION.search(text))


def _is_spaced(text: str) -> bool:
    return _LETTERS_OF_A_WORD * len(_SPACE_BETWEEN.findall(text)) >= len(_UNSPACED_LETTER.findall(text))


def _is_unspaced(text: str) -> bool:
    return not text.isascii() and len(_UNSPACED_LETTER.findall(text)) >= _LETTERS_OF_A_WORD


def _has_case(text: str) -> bool:
    return text.lower() != text.upper() and len(text.split()) >= _FEW_WORDS


def _is_sentence(text: str) -> bool:
    return len(text.split()) >= _FEW_WORDS or _is_unspaced(text)


def _can_be_decomposed(text: str) -> bool:
    return not text.isascii() and not (
        unicodedata.is_normalized("NFC", text) and unicodedata.is_normalized("NFD", text)
    )


_SAME = "let both be written in the same way"
_PREPARE = "`nmt prepare` with --clean safe mends it in all sets at once"

SUBWORDS = Trait(
    "subwords",
    "are cut into subwords (`@@`, `▁`)",
    lambda text: len(text) >= _FEW_LETTERS,
    lambda text: bool(_SUBWORDS.search(text)),
    "give the text before it was cut, since nmt cuts words itself: sed -E 's/@@( |$)//g' joins those of `@@`",
    is_artefact=True,
)
ENTITIES = Trait(
    "entities",
    "write signs as entities, such as `&apos;`",
    lambda text: bool(_ESCAPED.search(text)),
    lambda text: "&" in text and without_entities(text) != text,
    _PREPARE,
    is_artefact=True,
)
NUMBERED = Trait(
    "numbered",
    "begin with a number",
    _always,
    lambda text: bool(_NUMBERED.match(text)),
    r"take the numbers away: sed -E 's/^[[:space:]]*[0-9]+[.):]*[[:space:]]+//'",
)
TRAITS = (
    ENTITIES,
    Trait(
        "tokenized",
        "have a space before commas and full stops, as a tokenizer leaves it",
        lambda text: bool(_PUNCTUATION.search(text)),
        _is_tokenized,
        f"{_SAME}, best as people write: nmt parts words and signs itself, and a detokenizer undoes it",
        is_artefact=True,
    ),
    Trait(
        "spaced",
        "have spaces between words of a script that is written without",
        _is_unspaced,
        _is_spaced,
        f"{_SAME}, best without these spaces, since nmt parts words itself",
    ),
    SUBWORDS,
    Trait(
        "lower_case",
        "have no capital",
        _has_case,
        lambda text: text == text.lower(),
        f"{_SAME}: a model that never saw capitals does not know words with them",
    ),
    Trait(
        "upper_case",
        "are in capitals",
        _has_case,
        lambda text: text == text.upper(),
        f"{_SAME}: a model that saw nothing but capitals does not know words without them",
    ),
    Trait(
        "quoted",
        "stand in quotation marks as a whole",
        _is_sentence,
        lambda text: bool(_QUOTED.fullmatch(text)),
        "take the marks away where a table's fields were quoted: `nmt prepare` reads the table itself",
    ),
    NUMBERED,
    Trait(
        "decomposed",
        "write accents as characters of their own (NFD)",
        _can_be_decomposed,
        lambda text: not unicodedata.is_normalized("NFC", text),
        f"{_SAME}: uconv -x any-nfc composes them",
        is_artefact=True,
    ),
    Trait(
        "curly_quotes",
        "have curly quotation marks or apostrophes",
        lambda text: bool(_QUOTES.search(text)),
        lambda text: bool(_CURLY.search(text)),
        f'{_SAME}: sed "s/[‘’]/\'/g; s/[“”„]/\\"/g" makes straight ones',
    ),
    Trait(
        "final_stop",
        "end in a full stop or another such sign",
        _is_sentence,
        lambda text: bool(_ENDED.search(text)),
        "a model ends its lines as those of the training text end; choose training text like what will be translated",
    ),
    Trait(
        "full_width",
        "have letters or digits of full width (Ａ, １)",
        lambda text: bool(_WIDTH.search(text)),
        lambda text: bool(_WIDE.search(text)),
        _SAME,
    ),
    Trait(
        "tabs",
        "hold a tab",
        _always,
        lambda text: "\t" in text.strip(),
        "see whether a line holds more than one side: `nmt prepare` reads tables of two columns",
        is_artefact=True,
    ),
)
"""All traits by which sets are compared."""
