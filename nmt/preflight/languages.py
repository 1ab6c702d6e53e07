"""Checks that each side is in its language, by its script and its most frequent words."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib import resources
from typing import NamedTuple, Self

from nmt.config import Config
from nmt.corpus.parallel import Pair
from nmt.preflight.findings import Findings, Group
from nmt.preflight.stems import stems

_JAPANESE = {"HIRAGANA": "CJK", "KATAKANA": "CJK"}

_LEAST_LETTERS, _LEAST_WORDS = 500, 300
_MOST_CHARACTERS, _MOST_OF_A_LINE = 200_000, 1000  # of a side that are inspected, about
_COMMON, _LEAST_SHARE = 200, 0.25  # words by which sets are compared, and the least of their share in another set


@cache
@cache
def _table(name: str) -> dict[str, list[str]]:
    """Reads a file of this package's data: on each line a key, a colon, and its words."""
    text = resources.files(__package__).joinpath("data", name).read_text(encoding="utf-8")
    lines = [line.partition(":") for line in text.splitlines() if not line.startswith("#")]
    return {key: words.split() for key, _, words in lines}


def _scripts() -> dict[str, str]:
    """Returns the script of each language that is written in one alone."""
    return {language: script for script, languages in _table("scripts.txt").items() for language in languages}


class SideProfile(NamedTuple):
    """The words and scripts of one side of a set, and the file or set that it comes from."""

    where: str
    words: Counter[str]
    scripts: Counter[str]

    @classmethod
    def from_texts(cls, where: str, texts: Sequence[str]) -> Self:
        """Counts the words and scripts of the texts; of many, in enough of them from all over."""
        words: Counter[str] = Counter()
        scripts: Counter[str] = Counter()
        shortened = [text[:_MOST_OF_A_LINE] for text in texts]
        step = 1 + sum(map(len, shortened)) // _MOST_CHARACTERS
        for text in shortened[::step]:
            words.update(stems(text))
            scripts.update(letter for letter in text if letter.isalpha())
        return cls(where, words, _by_script(scripts))

    def share(self, words: frozenset[str]) -> float:
        """Returns the share of these words in the text."""
        return sum(self.words[word] for word in words) / max(1, self.words.total())

    @property
    def common(self) -> frozenset[str]:
        """The most frequent words."""
        return frozenset(word for word, _ in self.words.most_common(_COMMON))

    @property
    def is_long(self) -> bool:
        """True if there are enough words to judge by."""
        return self.words.total() >= _LEAST_WORDS


def _by_script(letters: Mapping[str, int]) -> Counter[str]:
    scripts: Counter[str] = Counter()
    for letter, count in letters.items():
        script = unicodedata.name(letter, "?").partition(" ")[0]
        scripts[_JAPANESE.get(script, script)] += count
    return scripts


class PairProfile(NamedTuple):
    """The profiles of both sides of a set, or of a pair of its files."""

    source: SideProfile
    target: SideProfile

    @classmethod
    def from_pairs(cls, where: tuple[str, str], pairs: Sequence[Pair]) -> Self:
        """Profiles both sides of the pairs."""
        source = SideProfile.from_texts(where[0], [pair.source for pair in pairs])
        return cls(source, SideProfile.from_texts(where[1], [pair.target for pair in pairs]))

    @property
    def are_long(self) -> bool:
        """True if there are enough words of both sides to judge by."""
        return self.source.is_long and self.target.is_long


class SetProfile(NamedTuple):
    """The profile of a set as a whole, and of each pair of its files where there are several."""

    whole: PairProfile
    files: tuple[PairProfile, ...]

    @classmethod
    def from_pairs(cls, files: Sequence[tuple[str, str]], pairs: Sequence[Pair]) -> Self:
        """Profiles the set of these pairs of these files."""
        whole = PairProfile.from_pairs(files[0], pairs)
        if len(files) == 1:
            return cls(whole, ())
        by_file: list[list[Pair]] = [[] for _ in files]
        for pair in pairs:
            by_file[pair.file].append(pair)
        return cls(whole, tuple(map(PairProfile.from_pairs, files, by_file)))

    def fails(self, check: Callable[[PairProfile], bool]) -> bool:
        """Applies a check to the files, all of them, and then to the whole; returns whether it found something."""
        found = [check(sides) for sides in self.files]
        return any(found) or check(self.whole)


def check_languages(config: Config, profiles: Mapping[str, SetProfile], training: str, findings: Findings) -> None:
    """Compares each side with its language, and the sides of sets and files with each other.

    The sides of other sets are compared with those of the training set, and those of further training files with those
    of the first that is long enough.
    """
    codes = (base_code(config.data.source_language), base_code(config.data.target_language))

    def is_wrong(sides: PairProfile) -> bool:
        return _check_scripts(codes, sides, findings) or _check_words(codes, sides, findings)

    wrong = {name for name, profile in profiles.items() if profile.fails(is_wrong)}
    if training in wrong:  # then there is nothing to compare with
        return
    first, *further = [sides for sides in profiles[training].files if sides.are_long] or (profiles[training].whole,)
    for one in further:
        _compare(one, first, first.source.where, findings, least=0.0)
    for name, profile in profiles.items():
        if name not in wrong and name != training:
            profile.fails(lambda one: _compare(one, profiles[training].whole, training, findings))


def base_code(code: str) -> str:
    """Returns the language of a code without region or script, in lower case: `pt` of `pt-BR`."""
    return code.lower().replace("_", "-").partition("-")[0]


def _check_scripts(codes: tuple[str, str], sides: PairProfile, findings: Findings) -> bool:
    scripts = [_wrong_script(code, side) for code, side in zip(codes, sides, strict=True)]
    are_swapped = all(scripts) and scripts == [_scripts()[code] for code in reversed(codes)]
    swapped = are_swapped and f"{sides.source.where} is in {scripts[0].title()} letters"
    wrong = [
        script and f"is in {script.title()} letters, which {code} is not written in"
        for code, script in zip(codes, scripts, strict=True)
    ]
    return _report(sides, swapped or None, wrong, findings)


def _wrong_script(code: str, side: SideProfile) -> str:
    """Returns the script of nearly all letters if the language has another, or else nothing."""
    expected, total = _scripts().get(code), side.scripts.total()
    if expected is None or total < _LEAST_LETTERS or side.scripts[expected] > total / 5:
        return ""
    script, count = side.scripts.most_common(1)[0]
    return script if count > 0.8 * total else ""


def _check_words(codes: tuple[str, str], sides: PairProfile, findings: Findings) -> bool:
    """Compares the sides with the frequent words of languages, as far as those of their own are known."""
    guesses = [_guess(side, code) for side, code in zip(sides, codes, strict=True)]
    swapped = None
    if guesses == [codes[1], codes[0]]:
        swapped = f"{sides.source.where} looks like {guesses[0]}, {sides.target.where} like {guesses[1]}"
    wrong = [guess and f"looks like {guess}, and should be {code}" for code, guess in zip(codes, guesses, strict=True)]
    return _report(sides, swapped, wrong, findings)


def _guess(side: SideProfile, code: str) -> str | None:
    """Returns the language that a side seems to be in, if that is not its own."""
    frequent = {language: frozenset(words) for language, words in _table("frequent_words.txt").items()}
    own = frequent.get(code)
    if own is None or not side.is_long:
        return None
    shares = {
        language: side.share(words - own)
        for language, words in frequent.items()
        if side.share(words - own) > max(0.08, 3 * side.share(own - words))
    }
    return max(shares, key=shares.__getitem__, default=None)


def _compare(
    sides: PairProfile, reference: PairProfile, name: str, findings: Findings, *, least: float = _LEAST_SHARE
) -> bool:
    """Compares the sides with a reference by its frequent words, in whatever language; returns whether they differ.

    A side that has less than `least` of the share that these words have in the reference is in another language: 0 for
    one that may be another kind of text, such as a list of names.
    """
    if not (sides.are_long and reference.are_long):
        return False
    common = [side.common for side in reference]
    are_far = [_is_far(sides.source, common[0], common[1]), _is_far(sides.target, common[1], common[0])]
    swapped = f"{sides.source.where} looks like the target side of {name}" if all(are_far) else None
    wrong = [
        f"looks like another language than {other.where}"
        if is_far or side.share(other.common) < least * other.share(other.common)
        else None
        for side, other, is_far in zip(sides, reference, are_far, strict=True)
    ]
    return _report(sides, swapped, wrong, findings)


def _is_far(side: SideProfile, own: frozenset[str], other: frozenset[str]) -> bool:
    return side.share(other) > max(0.1, 2 * side.share(own))


def _report(sides: PairProfile, swapped: str | None, wrong: Sequence[str | None], findings: Findings) -> bool:
    """Reports that the sides are swapped, or else what is wrong with each; returns whether anything is."""
    if swapped:
        what, advice = f"the sides seem to be swapped: {swapped}", "exchange source and target, or their languages"
        findings.warn(Group.TEXT, "swapped", sides.source.where, what, advice)
        return True
    for side, fault in zip(sides, wrong, strict=True):
        if fault:
            findings.warn(Group.TEXT, "wrong_language", side.where, fault, "see which file belongs where")
    return any(wrong)


def names_of(language: str) -> frozenset[str]:
    """Returns the names of a language, in lower case, as far as they are known."""
    return frozenset(_table("language_names.txt").get(base_code(language), ()))


def language_name(code: str) -> str:
    """Returns the English name of a language, with its region or script as the code has it; the code where unknown."""
    base = base_code(code)
    names = _table("language_names.txt").get(base)
    if not names:
        return code
    name, rest = names[0].capitalize(), code[len(base) + 1 :]
    return f"{name} ({rest})" if rest else name


def language_named(text: str) -> str | None:
    """Returns the code of the language of that name: `de` of `German` and of `Deutsch`; None for another text."""
    name = text.strip().casefold()
    return next((code for code, names in _table("language_names.txt").items() if name in names), None)


def script_of(language: str) -> str | None:
    """Returns the only script of a language, by the first word of its letters' names; None of other languages."""
    return _scripts().get(base_code(language))


def frequent_words() -> dict[str, frozenset[str]]:
    """Returns the frequent words of the languages of which they are known."""
    return {language: frozenset(words) for language, words in _table("frequent_words.txt").items()}


def language_findings(languages: tuple[str, str], sides: PairProfile) -> Findings:
    """Returns what speaks against the languages of two sides."""
    codes = (base_code(languages[0]), base_code(languages[1]))
    found = Findings()
    if not _check_scripts(codes, sides, found):
        _check_words(codes, sides, found)
    return found


def are_swapped(languages: tuple[str, str], sides: PairProfile) -> bool:
    """Returns whether each side is in the language of the other, as far as that can be told."""
    return language_findings(languages, sides).has("swapped")


def likely_language(side: SideProfile, language: str) -> str | None:
    """Returns the language that a side seems to be in if that is not its own; None if nothing speaks against it."""
    return _guess(side, base_code(language))
