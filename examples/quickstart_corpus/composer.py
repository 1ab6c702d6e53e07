"""The composer of sentences: random trees whose parts make sense together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from random import Random

from examples.quickstart_corpus.agreement import features
from examples.quickstart_corpus.events import ANY_TENSE, SUBJECT_PRONOUNS, EventComposer, tense_of
from examples.quickstart_corpus.lexicon import Lexicon
from examples.quickstart_corpus.nominals import HUMAN, NominalChooser
from examples.quickstart_corpus.states import StateComposer
from examples.quickstart_corpus.syntax import (
    VAGUE,
    Clause,
    Conjunction,
    Description,
    Gap,
    Location,
    Nominal,
    NounPhrase,
    Polarity,
    Question,
    Sentence,
    Tense,
    VerbPhrase,
)
from examples.quickstart_corpus.usage import FOLLOWING, REACTIONS, REASONS_OF_OBJECT, REASONS_OF_SUBJECT, is_used

KINDS = (
    ("event", 0.27),
    ("being", 0.09),
    ("existence", 0.05),
    ("sequence", 0.08),
    ("reason", 0.16),
    ("circumstance", 0.05),
    ("contrast", 0.24),
    ("thought", 0.12),
    ("question", 0.2),
)
QUESTIONS = (
    (Question.WHETHER, 0.36),
    (Question.WHO, 0.14),
    (Question.WHAT, 0.16),
    (Question.WHERE, 0.14),
    (Question.WHY, 0.12),
    (Question.WHEN, 0.08),
)
ASKED_PRONOUNS = tuple(pronoun for pronoun in SUBJECT_PRONOUNS if pronoun.person != 1)


class SentenceComposer:
    """Draws sentences of all kinds."""

    def __init__(self, random: Random, lexicon: Lexicon) -> None:
        self.chooser = NominalChooser(random, lexicon)
        self.events = EventComposer(self.chooser)
        self.states = StateComposer(self.chooser)

    def sentences(self) -> Iterator[Sentence]:
        """Yields sentences without end; some are drawn more than once."""
        makers = {
            "event": self._event,
            "being": self._being,
            "existence": lambda: Sentence(self.states.existence()),
            "sequence": self._sequence,
            "reason": self._reason,
            "circumstance": self._circumstance,
            "contrast": self._contrast,
            "thought": self._thought,
            "question": self._question,
        }
        while True:
            self.chooser.begin_sentence()
            sentence = makers[self.chooser.weighted(KINDS)]()
            if sentence is not None:
                yield sentence

    def _event(self) -> Sentence:
        return self._opened(self._with_relatives(self.events.event(), 0.2))

    def _being(self) -> Sentence:
        return self._opened(self._with_relatives(self.states.being(), 0.2))

    def _opened(self, clause: Clause) -> Sentence:
        """Makes a sentence of the clause, at random with its time in front."""
        times = [adjunct for table in self.chooser.lexicon.times.values() for adjunct in table]
        if clause.adjuncts and clause.adjuncts[-1] in times and self.chooser.chance(0.3):
            time = next(time for time in times if time == clause.adjuncts[-1])
            return Sentence(replace(clause, adjuncts=clause.adjuncts[:-1]), opening=time)
        return Sentence(clause)

    def _with_relatives(self, clause: Clause, probability: float) -> Clause:
        """Adds at random a relative clause to the subject or, if nothing follows it, to the object."""
        subject, predicate = clause.subject, clause.predicate
        if _can_have_relative(subject) and self.chooser.chance(probability):
            assert isinstance(subject, NounPhrase)
            return replace(clause, subject=self.events.with_relative(subject, clause))
        if not isinstance(predicate, VerbPhrase) or clause.adjuncts or predicate.recipient is not None:
            return clause
        direct_object = predicate.object
        if "bare" in predicate.verb.flags:
            return clause
        if _can_have_relative(direct_object) and self.chooser.chance(probability):
            assert isinstance(direct_object, NounPhrase)
            return replace(
                clause, predicate=replace(predicate, object=self.events.with_relative(direct_object, clause))
            )
        return clause

    def _sequence(self) -> Sentence | None:
        """Draws a sentence in which somebody takes a thing and does something with it."""
        chooser = self.chooser
        firsts = [verb for verb in self.events.by_frame["direct"] if verb.english in FOLLOWING]
        first = chooser.pick(firsts)
        clause = self.events.event(verb=first, is_plain=True)
        assert isinstance(clause.predicate, VerbPhrase)
        thing = clause.predicate.object
        if not isinstance(thing, NounPhrase):
            return None
        seconds = [
            verb
            for verb in (*self.events.by_frame["direct"], *self.events.by_frame["dative"])
            if verb.english in FOLLOWING[first.english].split() and verb.objects & thing.noun.tags
        ]
        if not seconds:
            return None
        verb = chooser.pick(seconds)
        recipient = chooser.person(is_known=True) if verb.frame == "dative" else None
        second = VerbPhrase(verb, chooser.pronoun_for(thing), recipient)
        return Sentence(replace(clause, second=second))

    def _reason(self) -> Sentence | None:
        """Draws an action with a reason: because (or when, or if) the subject is so, or because the object is."""
        chooser = self.chooser
        of_subject = chooser.chance(0.5)
        reasons = REASONS_OF_SUBJECT if of_subject else REASONS_OF_OBJECT
        conjunction = chooser.weighted([(Conjunction.BECAUSE, 0.7), (Conjunction.WHEN, 0.2), (Conjunction.IF, 0.1)])
        conjunction = conjunction if of_subject else Conjunction.BECAUSE
        tenses = ANY_TENSE if conjunction is Conjunction.BECAUSE else (Tense.PRESENT,)
        name = chooser.pick(list(reasons))
        verb = chooser.pick(
            [
                verb
                for verb in chooser.lexicon.verbs
                if name in (verb.english, f"{verb.english} {verb.english_preposition}")
            ]
        )
        clause = self.events.event(verb=verb, tenses=tenses, is_plain=chooser.chance(0.6))
        clause = replace(clause, adjuncts=clause.adjuncts[:1] if of_subject else (), polarity=Polarity.POSITIVE)
        predicate = clause.predicate
        assert isinstance(predicate, VerbPhrase)
        if predicate.modal is not None and not is_used(predicate.modal, "with reason"):
            return None
        about: Nominal | None = clause.subject if of_subject else predicate.object
        if about is None or not _can_be_taken_up(about):
            return None
        if isinstance(about, NounPhrase):
            # Sad policemen do not laugh because they are happy, and clean spoons are not washed because they are dirty.
            about = replace(about, adjectives=())
            if of_subject:
                clause = replace(clause, subject=about)
            else:
                clause = replace(clause, predicate=replace(predicate, object=about))
        if not of_subject and not _is_unmistakable(about, clause.subject):
            return None
        options = reasons[name].split()
        reason = self.states.description(chooser.pronoun_for(about), options, clause.tense)
        return None if reason is None else Sentence(clause, conjunction=conjunction, joined=reason)

    def _circumstance(self) -> Sentence | None:
        """Draws a reaction: somebody is happy, sad or afraid when (or if, or because) somebody does something."""
        chooser = self.chooser
        subject = chooser.subject(HUMAN, True, SUBJECT_PRONOUNS)
        conjunction = chooser.pick([Conjunction.WHEN, Conjunction.IF, Conjunction.BECAUSE])
        reactions = REACTIONS - {"afraid"} if conjunction is Conjunction.BECAUSE else REACTIONS
        clause = self.states.description(subject, reactions)
        if clause is None:
            return None
        tenses = ANY_TENSE if conjunction is Conjunction.BECAUSE else (Tense.PRESENT,)
        again = self._second_subject(subject)
        joined = self.events.event(again, tenses=tenses, pronouns=(), is_known=True, is_plain=True)
        assert isinstance(joined.predicate, VerbPhrase)
        if joined.predicate.object is None or "state" in joined.predicate.verb.flags:
            return None
        return Sentence(clause, conjunction=conjunction, joined=self._with_relatives(joined, 0.15))

    def _contrast(self) -> Sentence | None:
        """Draws two clauses of the same kind, joined by "but" or "and"."""
        chooser = self.chooser
        conjunction = chooser.pick([Conjunction.BUT, Conjunction.BUT, Conjunction.AND])
        tense = chooser.pick([Tense.PRESENT, Tense.PAST])
        pronouns = tuple(pronoun for pronoun in SUBJECT_PRONOUNS if pronoun.person != 3)
        if chooser.chance(0.65):
            first = replace(self.events.event(tenses=(tense,), is_known=True), adjuncts=())
            assert isinstance(first.predicate, VerbPhrase)
            verb = first.predicate.verb
            if "placed" in verb.flags:
                return None
            second = self.events.event(verb=verb, tenses=(tense,), pronouns=pronouns, is_known=True)
            if tense_of(verb, tense) is not first.tense or first.tense is not second.tense:
                return None
            if not _go_together(first, second, conjunction):
                return None
        else:
            first = replace(self.states.being(tenses=(tense,)), adjuncts=())
            if not isinstance(first.predicate, Description) or not isinstance(first.subject, NounPhrase):
                return None
            kind = frozenset({first.subject.noun.category})
            other = chooser.noun_phrase(chooser.noun(kind), is_known=True, with_adjectives=0.0)
            if not chooser.predicate_adjectives(other):
                return None
            second = self.states.being(other, tenses=(tense,))
            if not isinstance(second.predicate, Description) or second.predicate == first.predicate:
                return None
            if conjunction is Conjunction.AND and first.polarity is not second.polarity:
                return None
        first, second = self._with_relatives(first, 0.18), self._with_relatives(second, 0.18)
        return Sentence(first, conjunction=conjunction, joined=second)

    def _thought(self) -> Sentence:
        """Draws a sentence in which somebody thinks or says that something is so."""
        chooser = self.chooser
        verb = chooser.pick(self.events.by_frame["that"])
        subject = chooser.subject(verb.subjects, True, SUBJECT_PRONOUNS)
        inner = self._second_subject(subject)
        if chooser.chance(0.5):
            content = self.events.event(subject=inner, pronouns=(), is_known=True)
        else:
            content = self.states.being(inner, pronouns=())
        return Sentence(Clause(subject, VerbPhrase(verb, content=self._with_relatives(content, 0.2))))

    def _second_subject(self, first: Nominal) -> Nominal | None:
        """Returns a pronoun for the first subject, or None for another subject."""
        if _can_be_taken_up(first) and self.chooser.chance(0.4):
            return self.chooser.pronoun_for(first)
        return None

    def _question(self) -> Sentence | None:
        chooser = self.chooser
        question = chooser.weighted(QUESTIONS)
        tenses = (Tense.PAST,) if question is Question.WHEN else (Tense.PRESENT, Tense.PAST)
        if question is Question.WHO:
            clause = self.events.event(subject=Gap(False, "m"), tenses=tenses)
        elif question is Question.WHERE and chooser.chance(0.5):
            clause = replace(self.states.location(), predicate=Location(None))
        elif question is Question.WHETHER and chooser.chance(0.4):
            clause = self.states.being(tenses=tenses, pronouns=ASKED_PRONOUNS)
        else:
            clause = self.events.event(tenses=tenses, pronouns=ASKED_PRONOUNS, is_known=True)
        clause = replace(clause, polarity=Polarity.POSITIVE)
        if isinstance(clause.subject, NounPhrase) and clause.subject.determiner in VAGUE:
            return None
        if question is Question.WHAT:
            return self._what(clause)
        if question in (Question.WHERE, Question.WHY, Question.WHEN) and isinstance(clause.predicate, VerbPhrase):
            use = {Question.WHERE: "where", Question.WHY: "why", Question.WHEN: "long"}[question]
            if not is_used(clause.predicate.verb, use) or clause.tense not in tenses:
                return None
            clause = replace(clause, adjuncts=(), frequency=None)
        return Sentence(clause, question=question)

    def _what(self, clause: Clause) -> Sentence | None:
        """Makes the question for the object of the clause."""
        predicate = clause.predicate
        if not isinstance(predicate, VerbPhrase) or predicate.verb.frame not in ("direct", "dative"):
            return None
        if not isinstance(predicate.object, NounPhrase) or "definite" in predicate.verb.flags:
            return None
        if "person" in predicate.object.noun.tags:
            return None
        asked = replace(predicate, object=Gap(False, "m"))
        return Sentence(replace(clause, predicate=asked), question=Question.WHAT)


def _can_have_relative(nominal: Nominal | None) -> bool:
    if not isinstance(nominal, NounPhrase) or nominal.possessor is not None or nominal.noun.category == "kin":
        return False
    return nominal.determiner.value in ("the", "a") and not {"sole", "mass"} & nominal.noun.tags


def _can_be_taken_up(nominal: Nominal) -> bool:
    return not (isinstance(nominal, Gap) or (isinstance(nominal, NounPhrase) and nominal.determiner in VAGUE))


def _is_unmistakable(thing: Nominal, subject: Nominal) -> bool:
    """Returns True if "it" or "they" after the clause can only be the thing, and not the subject."""
    is_human = not isinstance(subject, NounPhrase) or "person" in subject.noun.tags
    both_plural = features(thing).is_plural and features(subject).is_plural
    return isinstance(thing, NounPhrase) and is_human and not both_plural


def _go_together(first: Clause, second: Clause, conjunction: Conjunction) -> bool:
    """Returns True if two clauses of the same verb have different subjects and, with "but", say different things."""
    assert isinstance(first.predicate, VerbPhrase) and isinstance(second.predicate, VerbPhrase)
    if first.subject == second.subject or first.predicate.modal or second.predicate.modal:
        return False
    agree = (first.polarity is Polarity.POSITIVE) == (second.polarity is Polarity.POSITIVE)
    things = [
        phrase.object.noun for phrase in (first.predicate, second.predicate) if isinstance(phrase.object, NounPhrase)
    ]
    have_own_things = len(things) == 2 and things[0] != things[1]
    both_positive = first.polarity is second.polarity is Polarity.POSITIVE
    return (
        both_positive and have_own_things
        if conjunction is Conjunction.AND
        else not agree or (both_positive and have_own_things)
    )
