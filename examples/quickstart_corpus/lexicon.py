"""The words of the built-in corpus as values, read from the tables of nouns, verbs and modifiers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from examples.quickstart_corpus import modifiers
from examples.quickstart_corpus.english_inflection import add_s
from examples.quickstart_corpus.french_inflection import CONJUGATED_WITH_ETRE, begins_with_vowel_sound, feminine, plural
from examples.quickstart_corpus.nouns import NOUNS
from examples.quickstart_corpus.verbs import VERBS


@dataclass(frozen=True)
class Noun:
    """A noun in both languages; `gender` is "m" or "f"."""

    english: str
    english_plural: str
    french: str
    french_plural: str
    gender: str
    category: str
    tags: frozenset[str]


@dataclass(frozen=True)
class Adjective:
    """An adjective; `comparative` is empty if it has none, and "more" if English compares it by "more"."""

    english: str
    comparative: str
    masculine: str
    feminine: str
    before_vowel: str
    group: str
    tags: frozenset[str]
    predicate_tags: frozenset[str]

    def french(self, gender: str, is_plural: bool, following: str = "x") -> str:
        """Returns the form for a noun of a gender and number, before the word `following`."""
        if self.masculine == self.feminine and not self.masculine.endswith("e"):
            return self.masculine
        if gender == "f":
            return plural(self.feminine) if is_plural else self.feminine
        if is_plural:
            return plural(self.masculine)
        return self.before_vowel if begins_with_vowel_sound(following) else self.masculine


@dataclass(frozen=True)
class Verb:
    """A verb; prepositions are those of its object, `particle` is the rest of it ("up" of "wake up")."""

    english: str
    particle: str
    english_preposition: str
    french: str
    french_preposition: str
    reflexive: bool
    frame: str
    subjects: frozenset[str]
    objects: frozenset[str]
    flags: frozenset[str]

    @property
    def with_etre(self) -> bool:
        """True if its passé composé takes être."""
        return self.reflexive or self.french in CONJUGATED_WITH_ETRE


@dataclass(frozen=True)
class Name:
    """Somebody's name, the same in both languages."""

    text: str
    gender: str


@dataclass(frozen=True)
class FixedPhrase:
    """Words that go together unchanged, with the links (English word, French word) between them."""

    english: tuple[str, ...]
    french: tuple[str, ...]
    links: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Preposition:
    """A preposition of place or company, maybe of several words."""

    english: str
    french: str


@dataclass(frozen=True)
class Profession:
    """A profession, which in French has no article."""

    english: str
    masculine: str
    feminine: str


@dataclass(frozen=True)
class Lexicon:
    """All words of the corpus, in the order of the tables."""

    nouns: tuple[Noun, ...]
    verbs: tuple[Verb, ...]
    adjectives: tuple[Adjective, ...]
    names: tuple[Name, ...]
    numbers: tuple[FixedPhrase, ...]
    ages: Mapping[str, tuple[FixedPhrase, ...]]
    professions: tuple[Profession, ...]
    states: tuple[FixedPhrase, ...]
    frequencies: tuple[FixedPhrase, ...]
    manners: tuple[tuple[FixedPhrase, frozenset[str]], ...]
    times: Mapping[str, tuple[FixedPhrase, ...]]
    abroad: tuple[FixedPhrase, ...]
    places: Mapping[str, tuple[tuple[Preposition, Noun], ...]]
    prepositions: Mapping[str, Preposition]

    def noun(self, english: str) -> Noun:
        """Returns the noun of an English word; raises KeyError if there is none."""
        for noun in self.nouns:
            if noun.english == english:
                return noun
        raise KeyError(english)


@cache
def load_lexicon() -> Lexicon:
    """Reads the lexicon, once."""
    nouns = tuple(_nouns())
    return Lexicon(
        nouns=nouns,
        verbs=tuple(_verbs()),
        adjectives=tuple(_adjectives()),
        names=tuple(Name(text, gender) for gender, names in modifiers.NAMES.items() for text in names.split()),
        numbers=_phrases(modifiers.NUMBERS),
        ages={generation: _phrases(table) for generation, table in modifiers.AGES.items()},
        professions=tuple(Profession(*fields) for fields in _rows(modifiers.PROFESSIONS)),
        states=_phrases(modifiers.STATES),
        frequencies=_phrases(modifiers.FREQUENCIES),
        manners=tuple(_manners()),
        times={tense: _phrases(table) for tense, table in modifiers.TIMES.items()},
        abroad=_phrases(modifiers.ABROAD),
        places={kind: tuple(_places(table, nouns)) for kind, table in modifiers.PLACES.items()},
        prepositions={english: Preposition(english, french) for english, french in modifiers.PREPOSITIONS.items()},
    )


def _rows(table: str) -> Iterator[list[str]]:
    for line in table.strip().splitlines():
        yield [field.strip() for field in line.split("|")]


def _nouns() -> Iterator[Noun]:
    for category, table in NOUNS.items():
        for english, french, gender, tags in _rows(table):
            singular, _, english_plural = english.partition("/")
            french_singular, _, french_plural = french.partition("/")
            yield Noun(
                english=singular,
                english_plural=english_plural or add_s(singular),
                french=french_singular,
                french_plural=french_plural or plural(french_singular),
                gender=gender,
                category=category,
                tags=frozenset((category, singular, *tags.split())),
            )


def _adjectives() -> Iterator[Adjective]:
    for group, table in modifiers.ADJECTIVES.items():
        for english, french, tags, predicate_tags in _rows(table):
            positive, _, comparative = english.partition("/")
            masculine, feminine_form, before_vowel = (*french.split("/"), "", "")[:3]
            yield Adjective(
                english=positive,
                comparative=comparative,
                masculine=masculine,
                feminine=feminine_form or feminine(masculine),
                before_vowel=before_vowel or masculine,
                group=group,
                tags=frozenset(tags.split()),
                predicate_tags=frozenset((*tags.split(), *predicate_tags.split())),
            )


def _verbs() -> Iterator[Verb]:
    for frame, table in VERBS.items():
        for english, french, subjects, objects, *flags in _rows(table):
            base, *rest = english.removeprefix("be ").split()
            reflexive, french_words = french.startswith("se "), french.removeprefix("se ").split()
            particles = [word for word in rest if word in ("up", "back")]
            yield Verb(
                english=base,
                particle=" ".join(particles),
                english_preposition=" ".join(word for word in rest if word not in particles),
                french=french_words[0],
                french_preposition=" ".join(french_words[1:]),
                reflexive=reflexive,
                frame=frame,
                subjects=frozenset(subjects.split()),
                objects=frozenset(objects.split()),
                flags=frozenset(" ".join(flags).split()),
            )


def _phrases(table: str) -> tuple[FixedPhrase, ...]:
    return tuple(_phrase(*fields) for fields in _rows(table))


def _phrase(english: str, french: str, alignment: str = "") -> FixedPhrase:
    source, target = tuple(english.split()), tuple(french.split())
    if alignment:
        links = tuple((int(i), int(j)) for i, j in (pair.split("-") for pair in alignment.split()))
    else:
        assert len(source) == len(target), f"{english!r} needs its alignment with {french!r}"
        links = tuple((index, index) for index in range(len(source)))
    return FixedPhrase(source, target, links)


def _manners() -> Iterator[tuple[FixedPhrase, frozenset[str]]]:
    for english, fields in modifiers.MANNERS.items():
        french, verbs = (field.strip() for field in fields.split("|"))
        yield _phrase(english, french), frozenset(verbs.split())


def _places(table: str, nouns: tuple[Noun, ...]) -> Iterator[tuple[Preposition, Noun]]:
    by_english = {noun.english: noun for noun in nouns}
    for preposition, places in _rows(table):
        for place in places.split():
            yield Preposition(preposition, modifiers.PREPOSITIONS[preposition]), by_english[place]
