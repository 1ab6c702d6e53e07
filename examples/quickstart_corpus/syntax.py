"""The tree of a sentence: its meaning, from which both languages are realised (see `english` and `french`).

Where the languages distinguish differently, one choice holds throughout, so that an English sentence has exactly one
French translation:

- "you" is tu; I, you, we, they and them are masculine where nothing before them says otherwise;
- the simple present is the présent, the simple past the passé composé, "was" and "were" the imparfait of être or avoir;
- "it", and "they" for things, stand only for a noun of the same sentence and take its gender;
- questions are asked with est-ce que, but for "who" (qui) and "where is" (où est).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from examples.quickstart_corpus.lexicon import Adjective, FixedPhrase, Name, Noun, Preposition, Profession, Verb


class Determiner(Enum):
    """The opening of a noun phrase; the value is the English word, or a name in angle brackets."""

    THE = "the"
    A = "a"
    SOME = "some"
    GENERIC = "<generic>"
    THIS = "this"
    EVERY = "every"
    MANY = "many"
    SEVERAL = "several"
    NUMBER = "<number>"
    MY = "my"
    YOUR = "your"
    HIS = "his"
    HER = "her"
    OUR = "our"
    THEIR = "their"


VAGUE = frozenset({Determiner.EVERY, Determiner.MANY, Determiner.SEVERAL, Determiner.SOME, Determiner.A})
"""The determiners of noun phrases that speak of nobody in particular."""


class Polarity(Enum):
    """The polarity of a clause: affirmed or denied."""

    POSITIVE = "positive"
    NOT = "not"
    NEVER = "never"


class Tense(Enum):
    """The time of a clause."""

    PRESENT = "present"
    PAST = "past"


@dataclass(frozen=True)
class Pronoun:
    """A personal pronoun; `antecedent` is the noun that "it" or "they" stands for."""

    person: int
    is_plural: bool
    gender: str
    antecedent: Noun | None = None


@dataclass(frozen=True)
class Gap:
    """The place of a noun phrase that stands elsewhere: before its relative clause, or in "who" and "what"."""

    is_plural: bool
    gender: str
    noun: Noun | None = None


@dataclass(frozen=True)
class NounPhrase:
    """A noun with its determiner, adjectives and clause; a `possessor` ("the girl's cat") replaces the determiner."""

    noun: Noun
    determiner: Determiner
    is_plural: bool = False
    number: FixedPhrase | None = None
    adjectives: tuple[Adjective, ...] = ()
    possessor: NounPhrase | Name | None = None
    relative: Relative | None = None


@dataclass(frozen=True)
class Coordination:
    """Two noun phrases or names joined by "and"."""

    first: NounPhrase | Name
    second: NounPhrase | Name


Nominal = Pronoun | Gap | NounPhrase | Name | Coordination


@dataclass(frozen=True)
class Relative:
    """A relative clause; the gap is its subject or the object of its verb."""

    clause: Clause
    gap_is_subject: bool


@dataclass(frozen=True)
class PrepositionPhrase:
    """A preposition with its noun phrase: "under the table", "with Paul"."""

    preposition: Preposition
    nominal: NounPhrase | Name


Adjunct = FixedPhrase | PrepositionPhrase


@dataclass(frozen=True)
class VerbPhrase:
    """A verb with its complements; `modal` is a verb before it that takes the infinitive."""

    verb: Verb
    object: Nominal | None = None
    recipient: Nominal | None = None
    modal: Verb | None = None
    manner: FixedPhrase | None = None
    content: Clause | None = None


@dataclass(frozen=True)
class Description:
    """A predicate "is ADJECTIVE (and ADJECTIVE)", with "very" if `is_very`."""

    adjectives: tuple[Adjective, ...]
    is_very: bool = False


@dataclass(frozen=True)
class Comparison:
    """A predicate "is ADJECTIVE-er than something" or, if `is_equal`, "is as ADJECTIVE as something"."""

    adjective: Adjective
    than: NounPhrase | Name
    is_equal: bool = False


@dataclass(frozen=True)
class Occupation:
    """A predicate "is a PROFESSION"."""

    profession: Profession


@dataclass(frozen=True)
class State:
    """A predicate such as "is hungry", which in French is to have: avoir faim."""

    state: FixedPhrase
    is_very: bool = False


@dataclass(frozen=True)
class Age:
    """A predicate such as "is ten years old": avoir dix ans."""

    number: FixedPhrase


@dataclass(frozen=True)
class Location:
    """A predicate "is SOMEWHERE"; without a place in the question that asks for it."""

    place: Adjunct | None


Predicate = VerbPhrase | Description | Comparison | Occupation | State | Age | Location


@dataclass(frozen=True)
class Clause:
    """A subject and its predicate; a second predicate shares the subject ("takes the book and reads it")."""

    subject: Nominal
    predicate: Predicate
    tense: Tense = Tense.PRESENT
    polarity: Polarity = Polarity.POSITIVE
    frequency: FixedPhrase | None = None
    second: VerbPhrase | None = None
    adjuncts: tuple[Adjunct, ...] = ()


@dataclass(frozen=True)
class Existence:
    """A clause "there is SOMETHING somewhere"; denied, "there is no …"."""

    nominal: NounPhrase
    place: Adjunct
    is_denied: bool = False


class Conjunction(Enum):
    """The word that joins a second clause; the value is English."""

    BECAUSE = "because"
    WHEN = "when"
    IF = "if"
    BUT = "but"
    AND = "and"


class Question(Enum):
    """The kind of a question; the value is the English question word."""

    WHETHER = ""
    WHO = "who"
    WHAT = "what"
    WHERE = "where"
    WHY = "why"
    WHEN = "when"


@dataclass(frozen=True)
class Sentence:
    """A whole sentence: a clause, with or without a time in front, a second clause, or a question word."""

    clause: Clause | Existence
    opening: FixedPhrase | None = None
    conjunction: Conjunction | None = None
    joined: Clause | None = None
    question: Question | None = None
