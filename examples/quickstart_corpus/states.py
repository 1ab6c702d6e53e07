"""The composer of states: descriptions, comparisons, professions, ages, and what there is somewhere."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from examples.quickstart_corpus.agreement import features
from examples.quickstart_corpus.events import ANY_TENSE, SUBJECT_PRONOUNS
from examples.quickstart_corpus.lexicon import Adjective, Name, Noun
from examples.quickstart_corpus.nominals import ANIMALS, HUMAN, NominalChooser
from examples.quickstart_corpus.nouns import NOUNS
from examples.quickstart_corpus.syntax import (
    VAGUE,
    Adjunct,
    Age,
    Clause,
    Comparison,
    Description,
    Existence,
    Location,
    Nominal,
    NounPhrase,
    Occupation,
    Polarity,
    Predicate,
    Pronoun,
    State,
    Tense,
)

THINGS = frozenset(NOUNS) - {"person", "kin", "animal", "sport", "subject", "instrument"}
# Tags of nouns and kinds of places for "there is", and for "is".
EXISTING = (
    (("small tool toy scented viewed parcel", "surface"), 0.3),
    (("food drink", "stored"), 0.2),
    (("pet", "furnished"), 0.1),
    (("wild farmyard", "wild"), 0.15),
    (("person", "outdoors"), 0.1),
    (("driven building", "sights"), 0.15),
)
LOCATED = (
    (("small tool toy washable text clothes", "surface"), 0.55),
    (("pet", "furnished"), 0.2),
    (("driven", "sights"), 0.25),
)
PASSING = frozenset({"tired", "happy", "sad", "sick", "nervous"})
OPPOSITES = frozenset(
    frozenset(pair)
    for pair in (
        ("happy", "sad"),
        ("fast", "slow"),
        ("clean", "dirty"),
        ("empty", "full"),
        ("narrow", "wide"),
        ("quiet", "noisy"),
        ("interesting", "boring"),
        ("difficult", "easy"),
        ("heavy", "light"),
        ("lazy", "brave"),
        ("lazy", "serious"),
        ("funny", "sad"),
        ("funny", "boring"),
        ("ready", "alone"),
        ("broken", "comfortable"),
    )
)


class StateComposer:
    """Draws clauses with "to be"."""

    def __init__(self, chooser: NominalChooser) -> None:
        self.chooser = chooser

    def being(
        self,
        subject: Nominal | None = None,
        tenses: Sequence[Tense] = ANY_TENSE,
        pronouns: Sequence[Pronoun] = SUBJECT_PRONOUNS,
    ) -> Clause:
        """Draws a clause in which somebody or something is so, or somewhere; keeps a given subject."""
        chooser = self.chooser
        if subject is None and chooser.chance(0.12):
            return self.location(chooser.pick(tenses))
        if subject is None and chooser.chance(0.5):
            subject = chooser.subject(HUMAN | ANIMALS, True, pronouns)
        elif subject is None:
            subject = self._describable_thing()
        polarity = Polarity.NOT if chooser.chance(0.18) else Polarity.POSITIVE
        predicate = self._predicate(subject, polarity)
        tense = Tense.PRESENT if isinstance(predicate, Occupation | Age) else chooser.pick(tenses)
        if isinstance(predicate, Age) or (isinstance(subject, NounPhrase) and subject.determiner in VAGUE):
            polarity = Polarity.POSITIVE
        adjuncts: tuple[Adjunct, ...] = ()
        if _is_passing(predicate) and chooser.chance(0.25):
            adjuncts = (chooser.pick(chooser.lexicon.times["past" if tense is Tense.PAST else "state"]),)
        return Clause(subject, predicate, tense, polarity, adjuncts=adjuncts)

    def existence(self) -> Existence:
        """Draws a clause in which there is something somewhere."""
        chooser = self.chooser
        tags, place = chooser.weighted(EXISTING)
        noun = chooser.noun(frozenset(tags.split()), without=("kin", "royal"))
        is_denied = chooser.chance(0.25)
        return Existence(chooser.quantified(noun, is_denied), chooser.place(place), is_denied)

    def description(self, subject: Nominal, options: Collection[str], tense: Tense = Tense.PRESENT) -> Clause | None:
        """Draws a clause in which the subject is one of the options; None if none of them can be said of it."""
        adjectives = [a for a in self.chooser.predicate_adjectives(subject) if a.english in options]
        predicates: list[Predicate] = [Description((adjective,)) for adjective in adjectives]
        predicates += [State(state) for state in self.chooser.lexicon.states if state.english[0] in options]
        return Clause(subject, self.chooser.pick(predicates), tense) if predicates else None

    def location(self, tense: Tense = Tense.PRESENT) -> Clause:
        """Draws a clause in which something is somewhere."""
        chooser = self.chooser
        tags, place = chooser.weighted(LOCATED)
        subject = chooser.noun_phrase(chooser.noun(frozenset(tags.split())), is_known=True)
        return Clause(subject, Location(chooser.place(place)), tense)

    def _describable_thing(self) -> NounPhrase:
        while True:
            noun = self.chooser.noun(THINGS)
            thing = self.chooser.noun_phrase(noun, is_known=True, with_adjectives=0.0)
            if self.chooser.predicate_adjectives(thing):
                return thing

    def _predicate(self, subject: Nominal, polarity: Polarity) -> Predicate:
        chooser = self.chooser
        adjectives = chooser.predicate_adjectives(subject)
        noun = subject.antecedent if isinstance(subject, Pronoun) else None
        noun = subject.noun if isinstance(subject, NounPhrase) else noun
        is_human = noun is None or "person" in noun.tags
        is_one_person = is_human and not features(subject).is_plural and (noun is None or noun.category == "kin")
        options: list[tuple[str, float]] = [("description", 0.5)] if adjectives else []
        comparable = [adjective for adjective in adjectives if adjective.comparative]
        has_peers = noun is None or noun.category not in ("place", "nature", "text", "teaching")
        if comparable and has_peers and not isinstance(subject, Pronoun):
            options.append(("comparison", 0.2))
        if is_one_person:
            options += [("occupation", 0.12), ("age", 0.08)]
        if is_human or (noun is not None and noun.category == "animal"):
            options.append(("state", 0.14 if is_human else 0.06))
        kind = chooser.weighted(options)
        if kind == "comparison":
            return self._comparison(chooser.pick(comparable), noun)
        if kind == "occupation":
            return Occupation(chooser.pick(chooser.lexicon.professions))
        if kind == "age":
            return Age(chooser.age(noun))
        if kind == "state":
            states = chooser.lexicon.states if is_human else chooser.lexicon.states[:2]
            state = chooser.pick(states)
            return State(state, is_very=state.english[0] not in ("right", "wrong") and chooser.chance(0.2))
        return self._description(adjectives, may_be_two=polarity is Polarity.POSITIVE)

    def _description(self, adjectives: Sequence[Adjective], may_be_two: bool) -> Description:
        chooser = self.chooser
        first = chooser.pick(adjectives)
        if first.comparative and chooser.chance(0.2):
            return Description((first,), is_very=True)
        others = [a for a in adjectives if a.group == first.group and a.masculine != first.masculine]
        if may_be_two and first.group == "behind" and others and chooser.chance(0.2):
            second = chooser.pick(others)
            if frozenset((first.english, second.english)) not in OPPOSITES:
                return Description((first, second))
        return Description((first,))

    def _comparison(self, adjective: Adjective, noun: Noun | None) -> Predicate:
        chooser = self.chooser
        if noun is None or "person" in noun.tags:
            than: NounPhrase | Name = chooser.person(is_known=True)
        else:
            similar = frozenset({noun.category})
            for _ in range(20):
                other = chooser.noun(similar, without=("sole",))
                if other.tags & adjective.predicate_tags and other != noun:
                    break
            else:
                return Description((adjective,))
            than = chooser.noun_phrase(other, is_known=True, with_adjectives=0.0)
        return Comparison(adjective, than, is_equal=chooser.chance(0.3))


def _is_passing(predicate: Predicate) -> bool:
    if isinstance(predicate, Description):
        return any(adjective.english in PASSING for adjective in predicate.adjectives)
    return isinstance(predicate, Location) or (
        isinstance(predicate, State) and predicate.state.english[0] not in ("right", "wrong")
    )
