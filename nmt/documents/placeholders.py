"""What stands in a text and is no language: `{name}`, `%1$s`, `$name`, `<b>`, `&nbsp;`, addresses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_PLACEHOLDER = re.compile(
    r"""
      \$?\{\{(?:[^{}\n]{0,200})\}\} | [$#%]?\{[^{}\s][^{}\n]{0,200}\} | \{\}
    | (?<![\d%])%[A-Za-z_]\w*%
    | (?<![\d%])%
      (?:\(\w+\)|[0-9]+\$|<\w+>)?[-+\#0]*+(?:\*|[0-9]+)?+(?:\.(?:\*|[0-9]+))?+(?:ll|hh|[hlzjtL])?+[diouxXeEfFgGcrsa@]
      (?![^\W_])
    | %%(?!\w) | %[A-Za-z_]\w*%
    | (?<![\w$])\$[A-Za-z_]\w* | (?<![\w@])@@\w{1,100}@@
    | </?[A-Za-z][^<>\n]{0,1000}> | <!--[^\n]{0,1000}?-->
    | &(?:\#[0-9]{1,7}|\#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});
    | \\[nrtN](?![A-Za-z])
    | (?P<url>(?<![A-Za-z0-9_])(?:(?:https?|ftps?|file)://|www\.)[^\s<>"«»“”]+)
    | (?<![\w.+%-])[\w.+%-]{1,100}@[\w-]{1,100}(?:\.[\w-]{1,100})+
    """,
    re.VERBOSE,
)
_TAG = re.compile(r"<(?P<close>/)?(?P<name>[A-Za-z][\w:.-]*)[^<>]*?(?P<alone>/)?>")
_BRACKETS = {")": "(", "]": "[", "}": "{"}
_ENDS = ".,;:!?…'\"»”’"


class Placeholder(NamedTuple):
    """A placeholder, and the characters of the text at which it starts and stops."""

    start: int
    stop: int
    text: str


def find_placeholders(text: str) -> Iterator[Placeholder]:
    """Finds the placeholders of a text, in order; they do not overlap."""
    stop = 0
    while found := _PLACEHOLDER.search(text, stop):
        start, stop = found.span()
        if found["url"]:
            stop = start + len(_without_end(found[0]))
        yield Placeholder(start, stop, text[start:stop])


def tag_of(placeholder: str) -> tuple[str, str] | None:
    """Returns the role of a tag (open, close or alone) and its name; None for what is no tag."""
    found = _TAG.fullmatch(placeholder)
    if found is None:
        return None
    role = "close" if found["close"] else "alone" if found["alone"] else "open"
    return role, found["name"].lower()


def _without_end(address: str) -> str:
    """Strips punctuation of the sentence from the end of an address; a closing bracket may belong to it."""
    closing = {sign: address.count(sign) - address.count(opening) for sign, opening in _BRACKETS.items()}
    stop = len(address)
    while stop and (last := address[stop - 1]) in (*_ENDS, *_BRACKETS):
        if last in closing:
            if closing[last] <= 0:
                break
            closing[last] -= 1
        stop -= 1
    return address[:stop]
