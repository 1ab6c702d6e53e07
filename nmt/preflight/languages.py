"""Whether the sides are in the languages that they should be in, as far as scripts and the commonest words tell."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Self

from nmt.config import Config
from nmt.corpus.parallel import Pair
from nmt.preflight.findings import Findings, Group
from nmt.preflight.stems import words_of

# Scripts by the languages that are written in one, as the names of its letters in Unicode begin.
_SCRIPTS = {
    "LATIN": "af bs ca cs cy da de en es et eu fi fr ga gl hr hu id is it lt lv ms mt nb nl nn no pl pt ro sk sl sq sv "
    "sw tl tr vi",
    "CYRILLIC": "be bg mk ru uk",
    "GREEK": "el",
    "HEBREW": "he yi",
    "ARABIC": "ar fa ps ur",
    "DEVANAGARI": "hi mr ne",
    "BENGALI": "bn",
    "GUJARATI": "gu",
    "GURMUKHI": "pa",
    "TAMIL": "ta",
    "TELUGU": "te",
    "KANNADA": "kn",
    "MALAYALAM": "ml",
    "SINHALA": "si",
    "THAI": "th",
    "LAO": "lo",
    "KHMER": "km",
    "MYANMAR": "my",
    "GEORGIAN": "ka",
    "ARMENIAN": "hy",
    "ETHIOPIC": "am",
    "HANGUL": "ko",
    "CJK": "zh ja",
}
_SCRIPT_OF = {language: script for script, languages in _SCRIPTS.items() for language in languages.split()}
_JAPANESE = {"HIRAGANA": "CJK", "KATAKANA": "CJK"}

# Frequent words of languages that share a script, none of them of one letter.
_FREQUENT = {
    "en": "the and of to in is that with for on are was it at by from this have his her",
    "fr": "le la les des et un une du est dans que qui pour sur au avec par il elle sont",
    "de": "der die das und ein eine einen mit auf ist von im den dem zu nicht auch einer sich an",
    "es": "el los las una un del que y en con por para su es al como más se lo está",
    "it": "il di che la un una in con per sono del della le gli non si al nel da è",
    "pt": "os as uma um do da dos das que em com para por não se na no ao mais está",
    "nl": "de het een van en met op in is zijn niet dat die voor aan naar er ook bij om",
    "sv": "och en ett som på av är med för att den det till har inte om de sig han från",
    "pl": "na się nie jest do że to jak po od przez dla są ale przy za tym co jego ze",
    "cs": "na se je že do to ve pro jsou od po při jako jeho ale si za ze aby jak",
}
_FREQUENT_WORDS = {language: frozenset(words.split()) for language, words in _FREQUENT.items()}

_LEAST_LETTERS, _LEAST_WORDS = 500, 300
_MOST_CHARACTERS, _MOST_OF_A_LINE = 200_000, 1000  # of a side that are looked at, about
_COMMON, _LEAST_SHARE = 200, 0.25  # words by which sets are compared, and what of their share another set has


class Side(NamedTuple):
    """One side of a set: where it comes from, and what it looks like."""

    where: str
    words: Counter[str]
    scripts: Counter[str]

    @classmethod
    def of(cls, where: str, texts: Sequence[str]) -> Self:
        """Looks at some texts; of many, at as many as are enough, from all over them."""
        words: Counter[str] = Counter()
        scripts: Counter[str] = Counter()
        shortened = [text[:_MOST_OF_A_LINE] for text in texts]
        step = 1 + sum(map(len, shortened)) // _MOST_CHARACTERS
        for text in shortened[::step]:
            words.update(words_of(text))
            scripts.update(letter for letter in text if letter.isalpha())
        return cls(where, words, _by_script(scripts))

    def share(self, words: frozenset[str]) -> float:
        """The share of these words in the text."""
        return sum(self.words[word] for word in words) / max(1, self.words.total())

    @property
    def common(self) -> frozenset[str]:
        """The most frequent words."""
        return frozenset(word for word, _ in self.words.most_common(_COMMON))

    @property
    def is_long(self) -> bool:
        """Whether there are enough words to judge by."""
        return self.words.total() >= _LEAST_WORDS


def _by_script(letters: Mapping[str, int]) -> Counter[str]:
    scripts: Counter[str] = Counter()
    for letter, count in letters.items():
        script = unicodedata.name(letter, "?").partition(" ")[0]
        scripts[_JAPANESE.get(script, script)] += count
    return scripts


class BothSides(NamedTuple):
    """Those of a set, or of a pair of its files."""

    source: Side
    target: Side

    @classmethod
    def of(cls, where: tuple[str, str], pairs: Sequence[Pair]) -> Self:
        """Those of some pairs."""
        return cls(
            Side.of(where[0], [pair.source for pair in pairs]), Side.of(where[1], [pair.target for pair in pairs])
        )

    @property
    def are_long(self) -> bool:
        """Whether there are enough words of both to judge by."""
        return self.source.is_long and self.target.is_long


class SetSides(NamedTuple):
    """What a set looks like: as a whole, and each pair of its files where there are several."""

    whole: BothSides
    files: tuple[BothSides, ...]

    @classmethod
    def of(cls, files: Sequence[tuple[str, str]], pairs: Sequence[Pair]) -> Self:
        """The set of some pairs of these files."""
        whole = BothSides.of(files[0], pairs)
        if len(files) == 1:
            return cls(whole, ())
        of_files: list[list[Pair]] = [[] for _ in files]
        for pair in pairs:
            of_files[pair.file].append(pair)
        return cls(whole, tuple(map(BothSides.of, files, of_files)))

    def has(self, check: Callable[[BothSides], bool]) -> bool:
        """Whether a check finds something in some files, all of which it looks at, or else in the whole."""
        found = [check(sides) for sides in self.files]
        return any(found) or check(self.whole)


def check_languages(config: Config, sets: Mapping[str, SetSides], training: str, findings: Findings) -> None:
    """Compares each side with its language, the sides of each other set with those of training, and those of further
    training files with those of the first that is long enough."""
    codes = (_base(config.data.source_language), _base(config.data.target_language))

    def is_wrong(sides: BothSides) -> bool:
        return _check_scripts(codes, sides, findings) or _check_words(codes, sides, findings)

    told = {name for name, sides in sets.items() if sides.has(is_wrong)}
    if training in told:  # then there is nothing to compare with
        return
    first, *further = [sides for sides in sets[training].files if sides.are_long] or (sets[training].whole,)
    for one in further:
        _compare(one, first, first.source.where, findings, least=0.0)
    for name, sides in sets.items():
        if name not in told and name != training:
            sides.has(lambda one: _compare(one, sets[training].whole, training, findings))


def _base(code: str) -> str:
    return code.lower().replace("_", "-").partition("-")[0]


def _check_scripts(codes: tuple[str, str], sides: BothSides, findings: Findings) -> bool:
    wrong = [(code, side, script) for code, side in zip(codes, sides, strict=True) if (script := _wrong(code, side))]
    if len(wrong) == 2 and [_SCRIPT_OF[code] for code in reversed(codes)] == [script for *_, script in wrong]:
        _tell_swapped(sides, f"{sides.source.where} is in {wrong[0][2].title()} letters", findings)
        return True
    for code, side, script in wrong:
        what = f"is in {script.title()} letters, which {code} is not written in"
        findings.warn(Group.TEXT, "wrong_language", side.where, what, "see which file belongs where")
    return bool(wrong)


def _wrong(code: str, side: Side) -> str | None:
    """The script that nearly all letters are of, where the language has another."""
    expected, total = _SCRIPT_OF.get(code), side.scripts.total()
    if expected is None or total < _LEAST_LETTERS or side.scripts[expected] > total / 5:
        return None
    script, count = side.scripts.most_common(1)[0]
    return script if count > 0.8 * total else None


def _check_words(codes: tuple[str, str], sides: BothSides, findings: Findings) -> bool:
    """By frequent words, where those of the language are known."""
    guesses = [_guess(side, code) for side, code in zip(sides, codes, strict=True)]
    if guesses == [codes[1], codes[0]]:
        what = f"{sides.source.where} looks like {guesses[0]}, {sides.target.where} like {guesses[1]}"
        _tell_swapped(sides, what, findings)
        return True
    for side, code, guess in zip(sides, codes, guesses, strict=True):
        if guess is not None:
            what = f"looks like {guess}, and should be {code}"
            findings.warn(Group.TEXT, "wrong_language", side.where, what, "see which file belongs where")
    return any(guesses)


def _guess(side: Side, code: str) -> str | None:
    """The language that a side is in by all appearances, where that is not its own."""
    own = _FREQUENT_WORDS.get(code)
    if own is None or not side.is_long:
        return None
    shares = {
        language: side.share(words - own)
        for language, words in _FREQUENT_WORDS.items()
        if side.share(words - own) > max(0.08, 3 * side.share(own - words))
    }
    return max(shares, key=shares.__getitem__, default=None)


def _compare(
    sides: BothSides, reference: BothSides, name: str, findings: Findings, *, least: float = _LEAST_SHARE
) -> bool:
    """By the frequent words of the text called `name`, whatever language that is in; whether something is wrong.

    A side that has less than `least` of the share that they have there is in another language: 0 for one that may be
    another kind of text, such as a list of names.
    """
    if not (sides.are_long and reference.are_long):
        return False
    common = [side.common for side in reference]
    source_is_other = _is_far(sides.source, common[0], common[1])
    target_is_other = _is_far(sides.target, common[1], common[0])
    if source_is_other and target_is_other:
        _tell_swapped(sides, f"{sides.source.where} looks like the target side of {name}", findings)
        return True
    wrong = False
    for side, other, is_other in zip(sides, reference, (source_is_other, target_is_other), strict=True):
        if is_other or side.share(other.common) < least * other.share(other.common):
            what = f"looks like another language than {other.where}"
            findings.warn(Group.TEXT, "wrong_language", side.where, what, "see which file belongs where")
            wrong = True
    return wrong


def _is_far(side: Side, own: frozenset[str], other: frozenset[str]) -> bool:
    return side.share(other) > max(0.1, 2 * side.share(own))


def _tell_swapped(sides: BothSides, what: str, findings: Findings) -> None:
    advice = "exchange source and target, or their languages"
    findings.warn(Group.TEXT, "swapped", sides.source.where, f"the sides seem to be swapped: {what}", advice)
