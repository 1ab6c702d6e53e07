"""Entities, which are carried over as they stand: numbers, addresses and tags; and words without punctuation."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from nmt.translation.word_edges import SENTENCE_ENDS

KINDS = ("numbers", "urls", "tags")

# Fewer signs than those at the edges of a word: what is carried over keeps its # or $.
_OPENING = "([{<\"'«»“„‘‚‹¿¡「『（【"
_CLOSING = f"{SENTENCE_ENDS},;)]}}>\"'»«”’‘“›،؛、，；」』）】"
_BRACKETS = dict(zip(")]}>）】", "([{<（【", strict=True))

_PATTERNS = {
    "urls": r"""(?<![A-Za-z0-9_])(?:https?|ftps?|file)://[^\s<>"«»“”]+
        | (?<![A-Za-z0-9_])www\.[^\s<>"«»“”]+
        | (?<![\w.+%-])[\w.+%-]+@[\w-]+(?:\.[\w-]+)+""",
    "tags": r"""</?[A-Za-z][\w.:-]*/?>
        | \$?\{\{[^{}\s]*\}\} | \$?\{[^{}\s]*\}
        | &(?:\#[0-9]+|\#x[0-9A-Fa-f]+|[A-Za-z][A-Za-z0-9]*);
        | (?<![\d%])%(?:\(\w+\)|[0-9]+\$)?[-+\#0]*[0-9]*(?:\.[0-9]+)?(?:ll|[hlz])?[diouxXeEfFgGcrs@](?!\w)""",
    "numbers": r"\d+(?:[.,'’:/٫٬-]\d+)*",
}
_ENTITY = re.compile("|".join(f"(?P<{kind}>{pattern})" for kind, pattern in _PATTERNS.items()), re.VERBOSE)

# Traces of an address in a mangled one.
_LIKE_AN_ADDRESS = re.compile(r"://|^https?\b|^www\b|@|\w[./]\w", re.IGNORECASE)
_LIKE_A_TAG = re.compile(r"^[<{%&]|[>}]$")

_LONGEST_NUMBER = 100
_FIRST_GROUP, _GROUP = re.compile(r"\d{1,3}"), re.compile(r"\d{3}(?:[.,]\d+)?")
_MOST_GROUPS = 8


class Entity(NamedTuple):
    """A number, address or tag, and the characters of a text at which it starts and stops."""

    kind: str
    start: int
    stop: int
    text: str


class Value(NamedTuple):
    """One reading of a number."""

    whole: str
    fraction: str


def find_entities(text: str) -> Iterator[Entity]:
    """Finds the entities of a text, in order. They do not overlap, and hold no white space."""
    stop = 0
    while found := _ENTITY.search(text, stop):
        kind, (start, stop) = str(found.lastgroup), found.span()
        if kind == "urls":
            stop = start + len(_without_end(found[0]))
        yield Entity(kind, start, stop, text[start:stop])


def core(word: str) -> tuple[int, int]:
    """Returns the start and stop of a word without the punctuation around it: never empty, and no entity is cut."""
    entities = list(find_entities(word))
    latest, earliest = (entities[0].start, entities[-1].stop) if entities else (len(word), 0)
    start, stop = 0, len(word)
    while start < latest and word[start] in _OPENING:
        start += 1
    while stop > max(earliest, start) and word[stop - 1] in _CLOSING:
        stop -= 1
    return (start, stop) if start < stop else (0, len(word))


def mangled_core(word: str, kind: str) -> tuple[int, int]:
    """Returns the start and stop of a mangled address or tag in its word; a tag keeps the brackets around it."""
    return (0, len(word.rstrip(".,;:!?…")) or len(word)) if kind == "tags" else core(word)


def meanings(entity: Entity) -> Iterator[tuple[str, str | Value]]:
    """Yields the meanings of an entity: two that share one are equal, as the numbers 1,000.5 and 1.000,5 are."""
    yield entity.kind, entity.text
    if entity.kind == "numbers":
        for value in sorted(readings(entity.text)):
            yield entity.kind, value


def readings(number: str) -> frozenset[Value]:
    """Returns the readings of a number: its separators group digits, or the last one is the decimal sign, or both.

    Digits of any script count by their value. A date, a time or a fraction means itself alone.
    """
    if len(number) > _LONGEST_NUMBER or re.search(r"[:/-]", number):
        return frozenset({Value(number, "as it stands")})
    groups, signs = re.split(r"\D", number), re.findall(r"\D", number)
    digits = ["".join(str(unicodedata.decimal(digit)) for digit in group) for group in groups]
    found = set()
    if _is_grouped(digits, signs):
        found.add(Value("".join(digits), ""))
    if signs and signs[-1] not in signs[:-1] and _is_grouped(digits[:-1], signs[:-1]):
        found.add(Value("".join(digits[:-1]), digits[-1]))
    return frozenset(found or {Value(number, "as it stands")})


def resembles(word: str, kind: str) -> bool:
    """Returns whether a word may be a mangled address or tag, and nothing else."""
    patterns = {"urls": _LIKE_AN_ADDRESS, "tags": _LIKE_A_TAG}
    if kind not in patterns or not patterns[kind].search(word):
        return False
    start, stop = core(word)
    return all(entity.text == word[start:stop] for entity in find_entities(word) if entity.kind == kind)


def is_fragment(word: str, pieces: Collection[str]) -> bool:
    """Returns whether a word consists of whole pieces of an entity (see `pieces_of`), or of punctuation alone."""
    return all(piece in pieces for piece in re.findall(r"\w+", word))


def pieces_of(text: str) -> frozenset[str]:
    """Returns the runs of letters and digits of a text."""
    return frozenset(re.findall(r"\w+", text))


def spaced_numbers(entities: Sequence[Entity], text: str) -> Iterator[tuple[int, int, Value]]:
    """Finds neighbouring entities that may be one number with spaces between its groups, such as `10 000`.

    Yields:
        the first entity, the last entity, and the value of the number.
    """
    start = 0
    for index, one in enumerate(entities):
        other = entities[index + 1] if index + 1 < len(entities) else None
        if other is not None and one.kind == other.kind == "numbers" and index - start < _MOST_GROUPS:
            apart = text[one.stop : other.start]
            are_groups = _FIRST_GROUP.fullmatch(one.text) and _GROUP.fullmatch(other.text)
            if are_groups and len(apart) == 1 and apart.isspace():
                continue
        if index > start:
            [value, *_] = sorted(readings("".join(entity.text for entity in entities[start : index + 1])))
            yield start, index, value
        start = index + 1


def tag_pairs(tags: Sequence[Entity]) -> Iterator[tuple[int, int]]:
    """Finds the indices of each opening tag and its closing tag, as far as tags are properly nested."""
    opened: list[int] = []
    for index, tag in enumerate(tags):
        if not re.match(r"</?[A-Za-z]", tag.text) or tag.text.endswith("/>"):
            continue
        if not tag.text.startswith("</"):
            opened.append(index)
        elif opened and _tag_name(tags[opened[-1]].text) == _tag_name(tag.text):
            yield opened.pop(), index


def _tag_name(tag: str) -> str:
    return "".join(re.findall(r"^</?([\w:-]+)", tag))


def _is_grouped(digits: list[str], signs: list[str]) -> bool:
    """Returns whether these are the groups of a whole number: thousands or, as in India, hundreds above the first."""
    if not signs:
        return len(digits) == 1
    sizes = [len(group) for group in digits]
    return len(set(signs)) == 1 and 1 <= sizes[0] <= 3 and sizes[-1] == 3 and all(2 <= size <= 3 for size in sizes[1:])


def _without_end(address: str) -> str:
    """Strips the punctuation of the sentence from the end of an address; a closing bracket may belong to it."""
    counts = Counter(character for character in address if character in _BRACKETS or character in _OPENING)
    stop = len(address)
    while stop and (last := address[stop - 1]) in _CLOSING:
        if last in _BRACKETS and counts[_BRACKETS[last]] >= counts[last]:
            break
        counts[last] -= 1
        stop -= 1
    return address[:stop]
