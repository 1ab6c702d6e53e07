"""The French side: the words of a sentence from its tree, with the labels of `english`.

French words without a counterpart of their own carry the label of the word that requires them: the article of "aime
le lait" that of "milk", the "le" and "de" of "le chat de Paul" that of "Paul's", "est-ce que" that of the auxiliary
that English puts before the subject, and a lone "?" that of the last English word.
"""

from __future__ import annotations

from examples.quickstart_corpus.agreement import Features, features
from examples.quickstart_corpus.french_inflection import IMPERFECT, agree, participle, present
from examples.quickstart_corpus.french_nominal import adjunct_words, fixed_words, noun_words
from examples.quickstart_corpus.lexicon import FixedPhrase
from examples.quickstart_corpus.syntax import (
    Age,
    Clause,
    Comparison,
    Conjunction,
    Description,
    Existence,
    Gap,
    Location,
    Nominal,
    NounPhrase,
    Occupation,
    Polarity,
    Predicate,
    Pronoun,
    Question,
    Sentence,
    State,
    Tense,
    VerbPhrase,
)
from examples.quickstart_corpus.words import Word, capitalised, comma, join_french, phrase, word

CONJUNCTIONS = {
    Conjunction.BECAUSE: "parce que",
    Conjunction.WHEN: "quand",
    Conjunction.IF: "si",
    Conjunction.BUT: "mais",
    Conjunction.AND: "et",
}
ASKED = {
    Question.WHO: "qui",
    Question.WHERE: "où",
    Question.WHY: "pourquoi",
    Question.WHEN: "quand",
}


def french_words(sentence: Sentence) -> list[Word]:
    """Returns the words of a sentence, elided and contracted, with its capital and its full stop or question mark."""
    words: list[Word] = []
    if sentence.opening is not None:
        words += comma(fixed_words(sentence.opening, "opening"))
    if isinstance(sentence.clause, Existence):
        words += _existence(sentence.clause, "clause.")
    elif sentence.question is not None:
        words += _question(sentence.clause, sentence.question, "clause.")
    else:
        words += _clause(sentence.clause, "clause.")
    if sentence.conjunction is not None and sentence.joined is not None:
        if sentence.conjunction is Conjunction.BUT:
            words = comma(words)
        words += phrase(CONJUNCTIONS[sentence.conjunction], "conjunction")
        words += _clause(sentence.joined, "joined.")
    words = capitalised(join_french(words))
    if sentence.question is not None:
        return [*words, word("?", "end")]
    return [*words[:-1], Word(words[-1].text + ".", words[-1].labels)]


def _question(clause: Clause, question: Question, at: str) -> list[Word]:
    if question is Question.WHO:
        return [word("qui", at + "asked"), *_clause(clause, at)]
    if question is Question.WHAT:
        opening = [word("qu'est-ce", at + "asked", at + "question"), word("que", at + "question")]
    elif question is Question.WHERE and isinstance(clause.predicate, Location):
        verb = _simple(clause.predicate, clause.tense, features(clause.subject), at + "predicate.")
        return [word("où", at + "asked"), *verb, *_nominal(clause.subject, at + "subject.")]
    else:
        opening = phrase(ASKED.get(question, ""), at + "asked") + phrase("est-ce que", at + "question")
    return [*opening, *_clause(clause, at)]


def _clause(clause: Clause, at: str) -> list[Word]:
    subject = features(clause.subject)
    inside = at + "predicate."
    negation = {Polarity.POSITIVE: "", Polarity.NOT: "pas", Polarity.NEVER: "jamais"}[clause.polarity]
    words = _nominal(clause.subject, at + "subject.")
    if negation:
        words.append(word("ne", at + "negation"))
    clitics, finite, rest = _verb_parts(clause.predicate, clause.tense, subject, inside)
    words += [*clitics, *finite, *phrase(negation, at + "negation")]
    if clause.frequency is not None:
        words += fixed_words(clause.frequency, at + "frequency")
    words += [*rest, *_complements(clause.predicate, subject, inside, is_denied=bool(negation))]
    if clause.second is not None:
        clitics, finite, rest = _verb_parts(clause.second, clause.tense, subject, at + "second.")
        words += [word("et", at + "and"), *clitics, *finite, *rest]
        words += _complements(clause.second, subject, at + "second.", is_denied=False)
    for index, adjunct in enumerate(clause.adjuncts):
        words += adjunct_words(adjunct, f"{at}adjunct{index}.")
    return words


def _verb_parts(
    predicate: Predicate, tense: Tense, subject: Features, at: str
) -> tuple[list[Word], list[Word], list[Word]]:
    """Returns the pronouns before the finite verb, the finite verb, and the participle or infinitive after "pas"."""
    if not isinstance(predicate, VerbPhrase):
        return [], _simple(predicate, tense, subject, at), []
    clitics = _clitics(predicate, subject, at)
    manner = predicate.manner
    short_manner = [] if manner is None or not _is_short(manner) else fixed_words(manner, at + "manner")
    modal, verb = predicate.modal, predicate.verb
    if modal is not None:
        if tense is Tense.PAST:
            assert not modal.reflexive and not modal.with_etre
            finite = [word(present("avoir")[subject.slot], at + "finite")]
            rest = [word(participle(modal.french), at + "modal")]
        else:
            finite, rest = [word(present(modal.french)[subject.slot], at + "finite", at + "modal")], []
        infinitive = [*phrase(modal.french_preposition, at + "to"), *clitics, *short_manner]
        return [], finite, [*rest, *infinitive, word(verb.french, at + "verb")]
    if tense is Tense.PRESENT:
        return clitics, [word(present(verb.french)[subject.slot], at + "finite", at + "verb")], short_manner
    auxiliary = "être" if verb.with_etre else "avoir"
    form = participle(verb.french)
    agreed = subject if verb.with_etre else _object_before_verb(predicate)
    if agreed is not None:
        form = agree(form, agreed.gender, agreed.is_plural)
    finite = [word(present(auxiliary)[subject.slot], at + "finite")]
    return clitics, finite, [*short_manner, word(form, at + "verb")]


def _simple(predicate: Predicate, tense: Tense, subject: Features, at: str) -> list[Word]:
    infinitive = "avoir" if isinstance(predicate, State | Age) else "être"
    forms = present(infinitive) if tense is Tense.PRESENT else IMPERFECT[infinitive]
    return [word(forms[subject.slot], at + "finite")]


def _object_before_verb(predicate: VerbPhrase) -> Features | None:
    """Returns the features that a participle after avoir agrees with: those of a direct object before it."""
    if predicate.verb.french_preposition or not isinstance(predicate.object, Pronoun | Gap):
        return None
    return features(predicate.object)


def _clitics(predicate: VerbPhrase, subject: Features, at: str) -> list[Word]:
    words: list[Word] = []
    if predicate.verb.reflexive:
        words.append(word(("me", "te", "se", "nous", "se")[subject.slot], at + "verb"))
    for role, nominal in (("recipient", predicate.recipient), ("object", predicate.object)):
        if isinstance(nominal, Pronoun):
            is_dative = role == "recipient" or bool(predicate.verb.french_preposition)
            third, thirds = ("lui", "leur") if is_dative else ("la" if nominal.gender == "f" else "le", "les")
            text = ("me", "te", third, "nous", thirds)[features(nominal).slot]
            words.append(word(text, f"{at}{role}.pronoun"))
    return words


def _complements(predicate: Predicate, subject: Features, at: str, is_denied: bool) -> list[Word]:
    if isinstance(predicate, VerbPhrase):
        return _verb_complements(predicate, at, is_denied)
    if isinstance(predicate, Description):
        words = [word("très", at + "very")] if predicate.is_very else []
        for index, adjective in enumerate(predicate.adjectives):
            if index:
                words.append(word("et", at + "and"))
            words.append(word(adjective.french(subject.gender, subject.is_plural), f"{at}adjective{index}"))
        return words
    if isinstance(predicate, Comparison):
        degree = word("aussi" if predicate.is_equal else "plus", at + "more")
        compared = word(predicate.adjective.french(subject.gender, subject.is_plural), at + "adjective")
        return [degree, compared, word("que", at + "as"), *_nominal(predicate.than, at + "than.")]
    if isinstance(predicate, Occupation):
        profession = predicate.profession
        return [word(profession.feminine if subject.gender == "f" else profession.masculine, at + "profession")]
    if isinstance(predicate, State):
        return [*phrase("très" if predicate.is_very else "", at + "very"), *fixed_words(predicate.state, at + "state")]
    if isinstance(predicate, Age):
        return [*fixed_words(predicate.number, at + "number"), word("ans", at + "years")]
    return [] if predicate.place is None else adjunct_words(predicate.place, at + "place.")


def _verb_complements(predicate: VerbPhrase, at: str, is_denied: bool) -> list[Word]:
    verb = predicate.verb
    words: list[Word] = []
    if predicate.manner is not None and not _is_short(predicate.manner):
        words += fixed_words(predicate.manner, at + "manner")
    if predicate.object is not None and not isinstance(predicate.object, Pronoun):
        preposition = verb.french_preposition
        words += phrase(preposition, at + ("preposition" if verb.english_preposition else "verb"))
        words += _nominal(predicate.object, at + "object.", is_denied=is_denied and not preposition)
    if predicate.recipient is not None and not isinstance(predicate.recipient, Pronoun):
        words += [word("à", at + "to"), *_nominal(predicate.recipient, at + "recipient.")]
    if predicate.content is not None:
        words += [word("que", at + "that"), *_clause(predicate.content, at + "content.")]
    return words


def _is_short(manner: FixedPhrase) -> bool:
    """Returns True if the adverb stands before the participle: "a bien dormi", but "a marché lentement"."""
    return manner.french[0] in ("bien", "mal")


def _nominal(nominal: Nominal, at: str, is_denied: bool = False) -> list[Word]:
    words = noun_words(nominal, at, is_denied)
    if isinstance(nominal, NounPhrase) and nominal.relative is not None:
        words.append(word("qui" if nominal.relative.gap_is_subject else "que", at + "relative"))
        words += _clause(nominal.relative.clause, at + "relative.")
    return words


def _existence(existence: Existence, at: str) -> list[Word]:
    words = [word("il", at + "there")]
    if existence.is_denied:
        words.append(word("ne", at + "negation"))
    words += [word("y", at + "there"), word("a", at + "finite")]
    if existence.is_denied:
        words.append(word("pas", at + "negation"))
    words += _nominal(existence.nominal, at + "nominal.", is_denied=existence.is_denied)
    return [*words, *adjunct_words(existence.place, at + "place.")]
