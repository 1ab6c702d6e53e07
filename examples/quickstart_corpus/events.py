"""The composer of events: clauses with a verb, and with objects, recipients, times and places that suit it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from examples.quickstart_corpus.agreement import features
from examples.quickstart_corpus.english_inflection import past
from examples.quickstart_corpus.lexicon import FixedPhrase, Verb
from examples.quickstart_corpus.nominals import ANIMALS, HUMAN, NominalChooser
from examples.quickstart_corpus.syntax import (
    VAGUE,
    Adjunct,
    Clause,
    Coordination,
    Determiner,
    Gap,
    Nominal,
    NounPhrase,
    Polarity,
    PrepositionPhrase,
    Pronoun,
    Relative,
    Tense,
    VerbPhrase,
)
from examples.quickstart_corpus.usage import EVENINGS, USES, is_used

SUBJECT_PRONOUNS = (
    Pronoun(1, False, "m"),
    Pronoun(2, False, "m"),
    Pronoun(3, False, "m"),
    Pronoun(3, False, "f"),
    Pronoun(1, True, "m"),
    Pronoun(3, True, "m"),
)
ANY_TENSE = (Tense.PRESENT, Tense.PRESENT, Tense.PAST)
FRAMES = (("direct", 0.56), ("oblique", 0.13), ("dative", 0.13), ("intransitive", 0.18))


class EventComposer:
    """Draws clauses in which somebody does something."""

    def __init__(self, chooser: NominalChooser) -> None:
        self.chooser = chooser
        verbs = chooser.lexicon.verbs
        self.by_frame = {frame: [v for v in verbs if v.frame == frame] for frame in {v.frame for v in verbs}}

    def event(
        self,
        subject: Nominal | None = None,
        verb: Verb | None = None,
        tenses: Sequence[Tense] = ANY_TENSE,
        pronouns: Sequence[Pronoun] = SUBJECT_PRONOUNS,
        is_known: bool = False,
        is_plain: bool = False,
    ) -> Clause:
        """Draws a clause in which somebody does something, with the subject or the verb if one is given.

        Subjects are drawn among `pronouns` and nouns, only definite ones if `is_known`; a plain clause has no denial,
        modal verb or time, and a place only if the verb requires one.
        """
        chooser = self.chooser
        verb = verb or self._verb_for(subject)
        subject = subject or chooser.subject(verb.subjects, is_known, pronouns)
        tense = tense_of(verb, chooser.pick(tenses))
        denials = [(Polarity.NOT, 0.25)] if "state" in verb.flags else [(Polarity.NOT, 0.25), (Polarity.NEVER, 0.05)]
        polarity = chooser.weighted([(Polarity.POSITIVE, 0.70), *denials])
        is_vague = isinstance(subject, NounPhrase) and subject.determiner in VAGUE
        if is_plain or is_vague or is_used(verb, "never denied"):
            polarity = Polarity.POSITIVE
        modal = None if is_plain else self._modal(verb, subject, tense)
        if modal is not None and polarity is not Polarity.POSITIVE:
            polarity = Polarity.NOT if is_used(modal, "denied modal") else Polarity.POSITIVE
        phrase = self.verb_phrase(verb, subject, polarity is not Polarity.POSITIVE)
        if modal is not None:
            # "veut bien dormir" is to agree to sleep, not to want to sleep well.
            phrase = replace(phrase, manner=None)
        if tense is Tense.PAST and isinstance(phrase.object, Pronoun) and phrase.object.is_plural:
            # "them" would be ambiguous between vus and vues.
            tense = tense_of(verb, Tense.PRESENT) if modal is None else tense
        clause = Clause(subject, replace(phrase, modal=modal), tense, polarity)
        if not is_plain:
            return self._furnish(clause, verb, phrase)
        return replace(clause, adjuncts=(self._place(verb, subject),)) if "placed" in verb.flags else clause

    def verb_phrase(self, verb: Verb, subject: Nominal, is_denied: bool = False) -> VerbPhrase:
        """Completes the verb with an object and a recipient that suit it."""
        chooser = self.chooser
        if verb.frame != "intransitive":
            direct_object = self._object(verb, subject, is_denied)
            recipient: Nominal | None = None
            if verb.frame == "dative":
                is_pronoun = chooser.chance(0.45)
                recipient = self._object_pronoun(subject) if is_pronoun else chooser.person(is_known=True)
            return VerbPhrase(verb, direct_object, recipient)
        manners = [manner for manner, verbs in chooser.lexicon.manners if verb.english in verbs]
        has_manner = bool(manners) and not verb.reflexive and chooser.chance(0.25)
        return VerbPhrase(verb, manner=chooser.pick(manners) if has_manner else None)

    def with_relative(self, phrase: NounPhrase, main: Clause) -> NounPhrase:
        """Adds a relative clause about the noun to the noun phrase, if it finds one.

        The relative clause is in the past where the main clause is, and has a verb of its own.
        """
        noun, chooser = phrase.noun, self.chooser
        tenses = (Tense.PAST,) if main.tense is Tense.PAST else (Tense.PRESENT, Tense.PAST)
        gap = Gap(phrase.is_plural, noun.gender, noun)
        if noun.tags & (HUMAN | ANIMALS) and chooser.chance(0.6):
            clause = self.event(subject=gap, tenses=tenses, is_plain=chooser.chance(0.6))
            if clause.tense not in tenses or _verb(clause) == _verb(main):
                return phrase
            return replace(phrase, relative=Relative(clause, gap_is_subject=True))
        verbs = [
            verb
            for verb in self.by_frame["direct"]
            if verb.objects & noun.tags and verb.subjects & HUMAN and tense_of(verb, tenses[0]) is tenses[0]
        ]
        verbs = [verb for verb in verbs if verb.english != _verb(main)]
        if not verbs:
            return phrase
        verb = chooser.pick(verbs)
        subject = self._subject_of_relative(verb, phrase, main)
        tense = tense_of(verb, chooser.pick(tenses))
        return replace(phrase, relative=Relative(Clause(subject, VerbPhrase(verb, gap), tense), gap_is_subject=False))

    def _subject_of_relative(self, verb: Verb, phrase: NounPhrase, main: Clause) -> Nominal:
        """Chooses who acts on the noun: sometimes the subject of the main clause.

        Nobody else can be "they" there, which would be ambiguous between ils and elles.
        """
        again = main.subject
        is_vague = isinstance(again, NounPhrase) and again.determiner in VAGUE
        is_somebody = not is_vague and (_is_human(again) or isinstance(again, Coordination))
        if is_somebody and again != phrase and self.chooser.chance(0.25):
            return self.chooser.pronoun_for(again)
        pronouns = [pronoun for pronoun in SUBJECT_PRONOUNS if pronoun.person != 3 or not pronoun.is_plural]
        return self.chooser.subject(verb.subjects & HUMAN, True, pronouns)

    def _verb_for(self, subject: Nominal | None) -> Verb:
        chooser = self.chooser
        tags = HUMAN
        if isinstance(subject, NounPhrase | Gap) and subject.noun is not None:
            tags = subject.noun.tags
        elif isinstance(subject, Pronoun) and subject.antecedent is not None:
            tags = subject.antecedent.tags
        while True:
            verb = chooser.pick(self.by_frame[chooser.weighted(FRAMES)])
            if subject is None or verb.subjects & tags:
                return verb

    def _modal(self, verb: Verb, subject: Nominal, tense: Tense) -> Verb | None:
        noun = subject.noun if isinstance(subject, NounPhrase | Gap) else None
        is_human = noun is None or "person" in noun.tags
        if not is_human or "state" in verb.flags or not self.chooser.chance(0.22):
            return None
        modals = [
            modal
            for modal in self.by_frame["infinitive"]
            if (tense is Tense.PRESENT or is_used(modal, "past modal"))
            and (is_used(verb, modal.english) if modal.english in USES else not is_used(verb, "unintended"))
        ]
        return self.chooser.pick(modals) if modals else None

    def _object(self, verb: Verb, subject: Nominal, is_denied: bool) -> Nominal:
        chooser = self.chooser
        if verb.objects & {"person", "adult"}:
            kind = chooser.weighted([("pronoun", 0.4), ("name", 0.15), ("noun", 0.45)])
            if kind == "pronoun":
                return self._object_pronoun(subject)
            if kind == "name":
                return chooser.name()
        noun = chooser.noun(verb.objects)
        may_be_generic = "sole" not in noun.tags and noun.category not in ("place", "building")
        is_always_generic = bool(noun.tags & {"liked", "language", "sport"})
        if "generic" in verb.flags and may_be_generic and (is_always_generic or chooser.chance(0.6)):
            return chooser.generic(noun)
        if "bare" in verb.flags:
            return NounPhrase(noun, Determiner.THE)
        is_known = bool(verb.flags & {"definite", "generic"}) or verb.frame == "oblique"
        # Nobody cleans a clean desk.
        phrase = chooser.noun_phrase(
            noun, is_known=is_known, is_denied=is_denied, with_adjectives=0.36, without_adjective=verb.english
        )
        return replace(phrase, determiner=Determiner.THE, is_plural=False) if "known" in verb.flags else phrase

    def _object_pronoun(self, subject: Nominal) -> Pronoun:
        person = features(subject).person
        return self.chooser.pick([p for p in SUBJECT_PRONOUNS if p.person == 3 or p.person != person])

    def _furnish(self, clause: Clause, verb: Verb, phrase: VerbPhrase) -> Clause:
        """Adds at random an adverb, or a time, a place or a companion."""
        chooser = self.chooser
        assert isinstance(clause.predicate, VerbPhrase)
        adjuncts: list[Adjunct] = []
        if "placed" in verb.flags or (verb.frame == "intransitive" and verb.objects and chooser.chance(0.6)):
            adjuncts.append(self._place(verb, clause.subject))
        if is_used(verb, "for somebody") and phrase.object is not None and chooser.chance(0.25):
            adjuncts.append(PrepositionPhrase(chooser.lexicon.prepositions["for"], chooser.person(is_known=True)))
        elif is_used(verb, "with somebody") and _is_human(clause.subject) and chooser.chance(0.2):
            with_or_without = chooser.lexicon.prepositions[chooser.pick(["with", "with", "with", "without"])]
            adjuncts.append(PrepositionPhrase(with_or_without, chooser.person(is_known=True)))
        modal = clause.predicate.modal
        is_simple = clause.polarity is Polarity.POSITIVE and modal is None and clause.tense is Tense.PRESENT
        frequency = None
        if is_simple and is_used(verb, "habitual") and chooser.chance(0.2):
            frequency = chooser.pick(chooser.lexicon.frequencies)
        elif clause.polarity is not Polarity.NEVER and "state" not in verb.flags and chooser.chance(0.28):
            adjuncts += self._time(verb, clause.tense, modal)
        return replace(clause, frequency=frequency, adjuncts=tuple(adjuncts))

    def _time(self, verb: Verb, tense: Tense, modal: Verb | None) -> list[FixedPhrase]:
        if modal is not None and not is_used(modal, "with future"):
            return []
        if modal is None and tense is Tense.PRESENT:
            kinds = ["present"] * is_used(verb, "habitual") + ["seasons"] * is_used(verb, "seasonal")
        else:
            kind = "past" if tense is Tense.PAST else "future"
            kinds = [kind, f"long {kind}"] if is_used(verb, "long") else [kind]
        if not kinds:
            return []
        times = self.chooser.lexicon.times[self.chooser.pick(kinds)]
        is_for_hours = is_used(verb, "all night")
        return [self.chooser.pick([time for time in times if not (is_for_hours and time.english in EVENINGS)])]

    def _place(self, verb: Verb, subject: Nominal) -> Adjunct:
        noun = subject.noun if isinstance(subject, NounPhrase | Gap) else None
        kinds = sorted(verb.objects)
        if noun is not None and noun.category == "animal":
            kinds = ["outdoors", "furnished"] if "pet" in noun.tags and verb.english in ("sleep", "rest") else ["wild"]
        return self.chooser.place(self.chooser.pick(kinds))


def tense_of(verb: Verb, tense: Tense) -> Tense:
    """Returns `tense`, or the present if the past is unnatural in French or looks like the present in English."""
    return Tense.PRESENT if "state" in verb.flags or past(verb.english) == verb.english else tense


def _is_human(nominal: Nominal) -> bool:
    if isinstance(nominal, NounPhrase | Gap):
        return nominal.noun is not None and "person" in nominal.noun.tags
    if isinstance(nominal, Pronoun) and nominal.antecedent is not None:
        return "person" in nominal.antecedent.tags
    return not isinstance(nominal, Coordination)


def _verb(clause: Clause) -> str:
    return clause.predicate.verb.english if isinstance(clause.predicate, VerbPhrase) else ""
