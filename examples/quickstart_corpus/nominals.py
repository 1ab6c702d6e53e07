"""The chooser of nominals: nouns that fit, with their determiners, adjectives and owners."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from random import Random
from typing import TypeVar

from examples.quickstart_corpus.agreement import features
from examples.quickstart_corpus.lexicon import Adjective, FixedPhrase, Lexicon, Name, Noun
from examples.quickstart_corpus.syntax import (
    Adjunct,
    Coordination,
    Determiner,
    Gap,
    Nominal,
    NounPhrase,
    PrepositionPhrase,
    Pronoun,
)

T = TypeVar("T")

HUMAN = frozenset({"person", "adult", "kin", "young"})
ANIMALS = frozenset({"animal", "pet", "farmyard", "wild", "winged", "barking", "grazing", "hunting"})
OWNABLE = frozenset({"clothes", "text", "object", "furniture", "pet", "instrument", "owned"})
POSSESSIVES = (
    Determiner.MY,
    Determiner.YOUR,
    Determiner.HIS,
    Determiner.HER,
    Determiner.OUR,
    Determiner.THEIR,
)
COUNTED_POSSESSIVES = frozenset(POSSESSIVES) | {Determiner.THE, Determiner.THIS}


class NominalChooser:
    """Draws noun phrases; no noun or name occurs twice in a sentence."""

    def __init__(self, random: Random, lexicon: Lexicon) -> None:
        self.random = random
        self.lexicon = lexicon
        self._used: set[str] = set()
        self._nouns_by_tags: dict[frozenset[str], tuple[Noun, ...]] = {}
        self._adjectives_by_noun = {
            noun.english: tuple(a for a in lexicon.adjectives if a.tags & noun.tags) for noun in lexicon.nouns
        }

    def begin_sentence(self) -> None:
        """Forgets the words of the sentence before."""
        self._used.clear()

    def chance(self, probability: float) -> bool:
        """Returns True with the given probability."""
        return self.random.random() < probability

    def pick(self, options: Sequence[T]) -> T:
        """Draws one of the options, each as likely."""
        return self.random.choice(options)

    def weighted(self, options: Sequence[tuple[T, float]]) -> T:
        """Draws one of the options, each by its weight."""
        return self.random.choices([option for option, _ in options], [weight for _, weight in options])[0]

    def noun(self, tags: frozenset[str], without: Collection[str] = ()) -> Noun:
        """Draws a noun with one of the tags that the sentence does not hold yet."""
        if tags not in self._nouns_by_tags:
            self._nouns_by_tags[tags] = tuple(noun for noun in self.lexicon.nouns if noun.tags & tags)
        everything = self._nouns_by_tags[tags]
        fresh = [n for n in everything if n.french not in self._used and not n.tags.intersection(without)]
        noun = self.pick(fresh or everything)
        self._used.add(noun.french)
        return noun

    def name(self) -> Name:
        """Draws a name that the sentence does not hold yet."""
        name = self.pick([name for name in self.lexicon.names if name.text not in self._used])
        self._used.add(name.text)
        return name

    def is_plural(self, noun: Noun, probability: float = 0.3) -> bool:
        """Draws singular or plural, as far as the noun allows both."""
        if "paired" in noun.tags:
            return True
        if noun.tags & {"mass", "sole", "royal"} or (noun.category == "kin" and "several" not in noun.tags):
            return False
        return self.chance(0.04 if noun.category in ("building", "place", "nature") else probability)

    def person(self, tags: frozenset[str] = HUMAN, is_known: bool = False) -> NounPhrase | Name:
        """Draws a person, by name or by noun."""
        if self.chance(0.4):
            return self.name()
        return self.noun_phrase(self.noun(tags & HUMAN), is_known=is_known)

    def subject(self, tags: frozenset[str], is_known: bool = False, pronouns: Sequence[Pronoun] = ()) -> Nominal:
        """Draws a subject with one of the tags; `pronouns` are those that may stand here."""
        human, animal = tags & HUMAN, tags & ANIMALS
        if human and (not animal or self.chance(0.65)):
            kind = self.weighted([("pronoun", 0.4 if pronouns else 0.0), ("name", 0.2), ("noun", 0.43), ("pair", 0.1)])
            if kind == "pronoun":
                return self.pick(pronouns)
            if kind == "name":
                return self.name()
            if kind == "pair":
                return Coordination(self.person(human, is_known=True), self.person(human, is_known=True))
            return self.noun_phrase(self.noun(human), is_known=is_known, is_subject=True)
        return self.noun_phrase(self.noun(animal), is_known=is_known, is_subject=True)

    def noun_phrase(
        self,
        noun: Noun,
        is_known: bool = False,
        is_subject: bool = False,
        is_denied: bool = False,
        with_adjectives: float = 0.33,
        without_adjective: str = "",
    ) -> NounPhrase:
        """Completes the noun with a determiner and, at random, with adjectives and an owner."""
        is_plural = self.is_plural(noun)
        phrase = NounPhrase(noun, Determiner.THE, is_plural)
        if noun.category == "kin":
            phrase = self._owned(phrase, by_name=0.3)
        elif noun.tags & OWNABLE and self.chance(0.22):
            phrase = self._owned(phrase, by_name=0.35)
        elif "sole" not in noun.tags:
            phrase = replace(phrase, determiner=self._determiner(noun, is_plural, is_known, is_subject, is_denied))
        numbers = phrase.determiner is Determiner.NUMBER
        if numbers or (is_plural and phrase.determiner in COUNTED_POSSESSIVES and self.chance(0.15)):
            is_place = noun.category in ("building", "place", "nature")
            has_room = numbers or (phrase.possessor is None and "paired" not in noun.tags and not is_place)
            phrase = replace(phrase, number=self.number(noun) if has_room else None)
        if self.chance(with_adjectives):
            adjectives = tuple(a for a in self._adjectives(phrase) if a.english != without_adjective)
            phrase = replace(phrase, adjectives=adjectives)
        return phrase

    def generic(self, noun: Noun) -> NounPhrase:
        """Makes the phrase for the whole kind: "milk", "cats"."""
        return NounPhrase(noun, Determiner.GENERIC, is_plural="mass" not in noun.tags and "sole" not in noun.tags)

    def quantified(self, noun: Noun, is_denied: bool = False) -> NounPhrase:
        """Draws a phrase for a number or an amount of it, for "there is"."""
        is_plural = "mass" not in noun.tags and (is_denied or "paired" in noun.tags or self.chance(0.5))
        determiner = Determiner.SOME
        if not is_denied and "mass" not in noun.tags:
            plural_ones = [Determiner.SOME, Determiner.NUMBER, Determiner.NUMBER, Determiner.MANY, Determiner.SEVERAL]
            determiner = self.pick(plural_ones) if is_plural else Determiner.A
        number = self.number(noun) if determiner is Determiner.NUMBER else None
        phrase = NounPhrase(noun, determiner, is_plural, number)
        return replace(phrase, adjectives=self._adjectives(phrase)) if self.chance(0.3) else phrase

    def place(self, kind: str) -> Adjunct:
        """Draws a place of a kind (see `modifiers.PLACES`, and "abroad")."""
        if kind == "abroad":
            return self.pick(self.lexicon.abroad)
        options = [place for place in self.lexicon.places[kind] if place[1].french not in self._used]
        preposition, noun = self.pick(options or self.lexicon.places[kind])
        self._used.add(noun.french)
        phrase = NounPhrase(noun, Determiner.THE)
        # "à l'école" tells the place, "à cette école" rather which school it is.
        if "sole" not in noun.tags and preposition.english != "at" and self.chance(0.3):
            may_own = bool(noun.tags & {"owned"})
            phrase = replace(phrase, determiner=self.pick(POSSESSIVES) if may_own else Determiner.THIS)
        if self.chance(0.15):
            phrase = replace(phrase, adjectives=self._adjectives(phrase))
        return PrepositionPhrase(preposition, phrase)

    def predicate_adjectives(self, nominal: Nominal) -> tuple[Adjective, ...]:
        """Returns the adjectives that can be said of the nominal."""
        tags = frozenset({"person", "adult"})
        if isinstance(nominal, NounPhrase | Gap) and nominal.noun is not None:
            tags = nominal.noun.tags
        elif isinstance(nominal, Pronoun) and nominal.antecedent is not None:
            tags = nominal.antecedent.tags
        attributive = nominal.adjectives if isinstance(nominal, NounPhrase) else ()
        # "est nouveau" and "est autre" do not mean "is new" and "is other".
        return tuple(
            adjective
            for adjective in self.lexicon.adjectives
            if adjective.predicate_tags & tags and adjective.english not in ("new", "other") and not attributive
        )

    def pronoun_for(self, nominal: Nominal) -> Pronoun:
        """Returns the pronoun that stands for this nominal."""
        person, is_plural, gender = features(nominal)
        antecedent = nominal.noun if isinstance(nominal, NounPhrase) else None
        if isinstance(nominal, Pronoun):
            antecedent = nominal.antecedent
        return Pronoun(person, is_plural, gender, antecedent)

    def number(self, noun: Noun) -> FixedPhrase:
        """Draws a number of the noun, small ones more often; nobody has seven aunts."""
        numbers = self.lexicon.numbers[:3] if noun.category == "kin" else self.lexicon.numbers
        return self.weighted([(number, 1.0 / (index + 1)) for index, number in enumerate(numbers)])

    def age(self, noun: Noun | None) -> FixedPhrase:
        """Draws an age for the generation of `noun`; None for any generation."""
        generations = [generation for generation in ("elder", "grown") if noun is not None and generation in noun.tags]
        youngest = list(self.lexicon.ages).index(generations[0] if generations else "any")
        return self.pick([age for ages in list(self.lexicon.ages.values())[youngest:] for age in ages])

    def _owned(self, phrase: NounPhrase, by_name: float) -> NounPhrase:
        if self.chance(by_name):
            owner: Name | NounPhrase = self.name()
            if self.chance(0.4):
                owner = NounPhrase(self.noun(frozenset({"person"}), without=("kin",)), Determiner.THE)
            return replace(phrase, possessor=owner)
        return replace(phrase, determiner=self.pick(POSSESSIVES))

    def _determiner(self, noun: Noun, is_plural: bool, is_known: bool, is_subject: bool, is_denied: bool) -> Determiner:
        options = [(Determiner.THE, 0.5), (Determiner.THIS, 0.1)]
        if "mass" in noun.tags:
            options += [] if is_known or is_subject else [(Determiner.SOME, 0.5)]
        elif not is_plural:
            options += [] if is_known else [(Determiner.A, 0.1 if is_subject else 0.35)]
            options += [(Determiner.EVERY, 0.04)] if is_subject and not is_known else []
        elif is_denied:
            options += [] if is_known else [(Determiner.SOME, 0.3)]
        elif not is_known:
            options += [(Determiner.SOME, 0.2), (Determiner.MANY, 0.08), (Determiner.SEVERAL, 0.08)]
            options += [] if "paired" in noun.tags else [(Determiner.NUMBER, 0.25)]
        return self.weighted(options)

    def _adjectives(self, phrase: NounPhrase) -> tuple[Adjective, ...]:
        fitting = self._adjectives_by_noun[phrase.noun.english]
        is_definite = phrase.determiner in (Determiner.THE, *POSSESSIVES) and phrase.possessor is None
        if not is_definite or phrase.number is not None:
            fitting = tuple(adjective for adjective in fitting if adjective.english != "other")
        if not fitting:
            return ()
        front = [adjective for adjective in fitting if adjective.group == "front"]
        visible = [adjective for adjective in fitting if adjective.group in ("colour", "origin")]
        if front and visible and self.chance(0.3):
            return self.pick(front), self.pick(visible)
        return (self.pick(fitting),)
