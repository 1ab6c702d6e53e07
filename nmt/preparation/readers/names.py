"""Languages by their codes, alone and in names of files, and files that belong together by their names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from nmt.io.compression import unpacked_name
from nmt.preflight.languages import base_code, language_named

# ISO 639-2 and -3 beside ISO 639-1, of languages that corpora are often of.
_THREE_LETTERS = """
afr af amh am ara ar aze az bel be ben bn bul bg cat ca ces cs cze cs cym cy wel cy dan da deu de ger de ell el gre el
eng en epo eo est et eus eu baq eu fas fa per fa fin fi fra fr fre fr gle ga glg gl guj gu hau ha heb he hin hi hrv hr
hun hu hye hy arm hy ind id isl is ice is ita it jpn ja kan kn kat ka geo ka kaz kk khm km kor ko lat la lav lv lit lt
mal ml mar mr mkd mk mac mk mlt mt msa ms may ms mya my bur my nep ne nld nl dut nl nor no nob nb nno nn pan pa pol pl
por pt pus ps ron ro rum ro rus ru sin si slk sk slo sk slv sl som so spa es sqi sq alb sq srp sr swa sw swe sv tam ta
tel te tgl tl tha th tur tr ukr uk urd ur uzb uz vie vi xho xh yor yo zho zh chi zh cmn zh zul zu
"""
_SHORT: dict[str, str] = dict(re.findall(r"(\w{3}) (\w{2})", _THREE_LETTERS))

# A code in a name: two or three letters, perhaps with a region (BR) or a script (Latn), and nothing else beside it.
_CODE = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2,3}(?:[-_](?:[A-Z]{2}|[A-Z][a-z]{3}))?(?![A-Za-z0-9])")
# What distinguishes the two files of a test set besides their languages.
_ROLE = re.compile(r"(?<![a-z])(src|ref)(?![a-z])")
_HEADINGS = {"source": 0, "src": 0, "source text": 0, "target": 1, "tgt": 1, "trg": 1, "target text": 1}
_GAP = "\0"
_LONGEST_HEADING = 30
_MOST_CODES = 10_000


def _normal(code: str) -> str:
    code = code.lower().replace("_", "-")
    base = base_code(code)
    return _SHORT.get(base, base) + code[len(base) :]


class Languages:
    """The two languages of a corpus, whatever way their codes are written."""

    def __init__(self, languages: tuple[str, str]) -> None:
        self.names = languages
        self._codes = [_normal(language) for language in languages]
        self._bases = [base_code(code) for code in self._codes]
        self._known: dict[str, int | None] = {}

    def __str__(self) -> str:
        return " and ".join(self.names)

    def side(self, code: str) -> int | None:
        """Returns 0 for the source language, 1 for the target language, None for another.

        `en-US`, `EN` and `eng` are `en`; unless both languages have the same base, as `pt-BR` and `pt-PT`: then
        regions must be the same, too.
        """
        if code not in self._known:
            if len(self._known) > _MOST_CODES:  # of a file that makes them up
                self._known.clear()
            self._known[code] = self._side(_normal(code))
        return self._known[code]

    def _side(self, code: str) -> int | None:
        if code in self._codes:
            return self._codes.index(code)
        base = base_code(code)
        return self._bases.index(base) if self._bases.count(base) == 1 else None

    def side_of_heading(self, text: str) -> int | None:
        """Returns the side that the heading of a column tells: `English`, `en` and `source` do; None for another."""
        heading = text.strip().casefold()
        if heading in _HEADINGS:
            return _HEADINGS[heading]
        return self.side(language_named(heading) or heading) if len(heading) <= _LONGEST_HEADING else None

    def is_header(self, source: str, target: str) -> bool:
        """Returns whether two texts are the headings of their columns, whichever stands first, and no pair."""
        return {self.side_of_heading(source), self.side_of_heading(target)} == {0, 1}

    def places(self, name: str) -> Iterator[tuple[str, int]]:
        """Yields for each code in a name, from its end, the name with a gap in the code's place, and its side."""
        name = unpacked_name(name)
        for found in reversed([*_CODE.finditer(name)]):
            side = self.side(found[0])
            if side is not None:
                rest = name[: found.start()] + _GAP + name[found.end() :]
                yield _ROLE.sub("*", rest), side

    def are_both_in(self, name: str) -> bool:
        """Returns whether a name has the codes of both languages, as `de-en.tsv` does."""
        return {side for _, side in self.places(name)} == {0, 1}

    def side_of_name(self, name: str) -> int | None:
        """Returns the side that the last code in a name tells; None without one."""
        return next((side for _, side in self.places(name)), None)


class NamePairs(NamedTuple):
    """What names tell of files."""

    pairs: list[tuple[int, int]]  # indices of source and target
    others: list[int]  # indices of those without a partner


def paired(names: Sequence[str], languages: Languages) -> NamePairs:
    """Finds the files whose names differ in nothing but the language."""
    by_place: dict[tuple[str, int], int] = {}
    for index, name in enumerate(names):
        for place in languages.places(name):
            by_place.setdefault(place, index)
    pairs, taken = [], set[int]()
    for index, name in enumerate(names):
        for key, side in languages.places(name):
            partner = by_place.get((key, 1 - side))
            if partner is not None and partner != index and not {index, partner} & taken:
                taken |= {index, partner}
                pairs.append((index, partner) if side == 0 else (partner, index))
                break
    return NamePairs(pairs, [index for index in range(len(names)) if index not in taken])
