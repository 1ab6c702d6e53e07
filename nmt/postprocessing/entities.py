"""What is carried over as it stands: numbers, addresses and tags; and what a word is without its punctuation."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

KINDS = ("numbers", "urls", "tags")

_OPENING = "([{<\"'«“„‘‚‹¿¡「『（【"
_CLOSING = ".,;:!?…)]}>\"'»”’‘“›、。，．！？；：」』）】"
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
_ITEM = re.compile("|".join(f"(?P<{kind}>{pattern})" for kind, pattern in _PATTERNS.items()), re.VERBOSE)

# What a mangled address may still show of one.
_LIKE_AN_ADDRESS = re.compile(r"://|^https?\b|^www\b|@|\w[./]\w", re.IGNORECASE)
_LIKE_A_TAG = re.compile(r"^[<{%&]|[>}]$")

_LONGEST_NUMBER = 100
_FIRST_GROUP, _GROUP = re.compile(r"\d{1,3}"), re.compile(r"\d{3}(?:[.,]\d+)?")
_MOST_GROUPS = 8


class Item(NamedTuple):
    """One number, address or tag: where it stands in a text, in characters."""

    kind: str
    start: int
    stop: int
    text: str


class Value(NamedTuple):
    """One way to read a number."""

    whole: str
    fraction: str


def find_items(text: str) -> Iterator[Item]:
    """All items of a text in their order, none inside another. None holds white space."""
    place = 0
    while found := _ITEM.search(text, place):
        kind, (start, place) = str(found.lastgroup), found.span()
        if kind == "urls":
            place = start + len(_without_end(found[0]))
        yield Item(kind, start, place, text[start:place])


def core(word: str) -> tuple[int, int]:
    """Where a word without the punctuation around it starts and stops; an item in it is never cut. Never empty."""
    items = list(find_items(word))
    latest, earliest = (items[0].start, items[-1].stop) if items else (len(word), 0)
    start, stop = 0, len(word)
    while start < latest and word[start] in _OPENING:
        start += 1
    while stop > max(earliest, start) and word[stop - 1] in _CLOSING:
        stop -= 1
    return (start, stop) if start < stop else (0, len(word))


def mangled_core(word: str, kind: str) -> tuple[int, int]:
    """Where a mangled address or tag starts and stops in its word; around tags, brackets are no punctuation."""
    return (0, len(word.rstrip(".,;:!?…")) or len(word)) if kind == "tags" else core(word)


def meanings(item: Item) -> Iterator[tuple[str, str | Value]]:
    """What an item is known by: two that share one are the same, as the numbers 1,000.5 and 1.000,5 are."""
    yield item.kind, item.text
    if item.kind == "numbers":
        for value in sorted(readings(item.text)):
            yield item.kind, value


def readings(number: str) -> frozenset[Value]:
    """What a number may mean: its separators group digits, or the last one is the decimal sign, or both.

    Digits of any script count as those they stand for. A date, a time or a fraction means itself alone.
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
    """Whether a word may be a mangled address or tag, and nothing else."""
    patterns = {"urls": _LIKE_AN_ADDRESS, "tags": _LIKE_A_TAG}
    if kind not in patterns or not patterns[kind].search(word):
        return False
    start, stop = core(word)
    return all(item.text == word[start:stop] for item in find_items(word) if item.kind == kind)


def is_fragment(word: str, pieces: Collection[str]) -> bool:
    """Whether a word is made of whole pieces of an item, as `pieces_of` gives them, or of nothing but signs."""
    return all(piece in pieces for piece in re.findall(r"\w+", word))


def pieces_of(text: str) -> frozenset[str]:
    """The runs of letters and digits of a text."""
    return frozenset(re.findall(r"\w+", text))


def spaced_numbers(items: Sequence[Item], text: str) -> Iterator[tuple[int, int, Value]]:
    """First and last of neighbouring items that may be one number whose groups stand apart, `10 000`, and its value."""
    start = 0
    for place, one in enumerate(items):
        other = items[place + 1] if place + 1 < len(items) else None
        if other is not None and one.kind == other.kind == "numbers" and _GROUP.fullmatch(other.text):
            apart = text[one.stop : other.start]
            if (
                len(apart) == 1
                and apart.isspace()
                and _FIRST_GROUP.fullmatch(one.text)
                and place - start < _MOST_GROUPS
            ):
                continue
        if place > start:
            [value, *_] = sorted(readings("".join(item.text for item in items[start : place + 1])))
            yield start, place, value
        start = place + 1


def tag_pairs(tags: Sequence[Item]) -> Iterator[tuple[int, int]]:
    """The places of each opening tag and the one that closes it, as far as they are nested as they should be."""
    opened: list[int] = []
    for place, tag in enumerate(tags):
        if not re.match(r"</?[A-Za-z]", tag.text) or tag.text.endswith("/>"):
            continue
        if not tag.text.startswith("</"):
            opened.append(place)
        elif opened and _tag_name(tags[opened[-1]].text) == _tag_name(tag.text):
            yield opened.pop(), place


def _tag_name(tag: str) -> str:
    return "".join(re.findall(r"^</?([\w:-]+)", tag))


def _is_grouped(digits: list[str], signs: list[str]) -> bool:
    """Whether these are the groups of a whole number, thousands or, as in India, hundreds above the first thousand."""
    if not signs:
        return len(digits) == 1
    sizes = [len(group) for group in digits]
    return len(set(signs)) == 1 and 1 <= sizes[0] <= 3 and sizes[-1] == 3 and all(2 <= size <= 3 for size in sizes[1:])


def _without_end(address: str) -> str:
    """An address without the punctuation of the sentence behind it; a closing bracket may belong to it."""
    counts = Counter(character for character in address if character in _BRACKETS or character in _OPENING)
    stop = len(address)
    while stop and (last := address[stop - 1]) in _CLOSING:
        if last in _BRACKETS and counts[_BRACKETS[last]] >= counts[last]:
            break
        counts[last] -= 1
        stop -= 1
    return address[:stop]
