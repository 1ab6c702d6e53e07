"""The English side: the words of a sentence from its tree.

Labels name the part of the tree that a word expresses ("clause.subject.noun"); `french` uses the same names. A verb
has two: `finite` for the word with person and tense, and `verb` for the word with the meaning. "sleeps" carries both,
"does" only the first.
"""

from __future__ import annotations

from examples.quickstart_corpus.agreement import Features, features
from examples.quickstart_corpus.english_inflection import add_s, indefinite_article, past
from examples.quickstart_corpus.lexicon import FixedPhrase, Name, Verb
from examples.quickstart_corpus.syntax import (
    Adjunct,
    Age,
    Clause,
    Comparison,
    Conjunction,
    Coordination,
    Description,
    Determiner,
    Existence,
    Gap,
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
from examples.quickstart_corpus.words import Word, capitalised, comma, phrase, word

BE = {Tense.PRESENT: ("am", "are", "is", "are", "are"), Tense.PAST: ("was", "were", "was", "were", "were")}


def english_words(sentence: Sentence) -> list[Word]:
    """Returns the words of a sentence, with its capital and its full stop or question mark."""
    words: list[Word] = []
    if sentence.opening is not None:
        words += comma(_fixed(sentence.opening, "opening"))
    if isinstance(sentence.clause, Existence):
        words += _existence(sentence.clause, "clause.")
    elif sentence.question is not None:
        words += _question(sentence.clause, sentence.question, "clause.")
    else:
        words += _clause(sentence.clause, "clause.")
    if sentence.conjunction is not None and sentence.joined is not None:
        if sentence.conjunction is Conjunction.BUT:
            words = comma(words)
        words.append(word(sentence.conjunction.value, "conjunction"))
        words += _clause(sentence.joined, "joined.")
    last = words[-1]
    if sentence.question is None:
        return capitalised([*words[:-1], Word(last.text + ".", last.labels)])
    return capitalised([*words[:-1], Word(last.text + "?", last.labels | {"end"})])


def _question(clause: Clause, question: Question, at: str) -> list[Word]:
    asked = [word(question.value, at + "asked")] if question.value else []
    if question is Question.WHO:
        return [*asked, *_clause(clause, at)]
    auxiliary, rest = _verb_group(clause, at, is_inverted=True)
    auxiliary = [Word(part.text, part.labels | {at + "question"}) for part in auxiliary]
    return [*asked, *auxiliary, *_nominal(clause.subject, at + "subject."), *rest, *_after_verb(clause, at)]


def _clause(clause: Clause, at: str) -> list[Word]:
    auxiliary, rest = _verb_group(clause, at)
    return [*_nominal(clause.subject, at + "subject."), *auxiliary, *rest, *_after_verb(clause, at)]


def _after_verb(clause: Clause, at: str) -> list[Word]:
    is_denied = clause.polarity is not Polarity.POSITIVE
    words = _complements(clause.predicate, at + "predicate.", is_denied)
    if clause.second is not None:
        words.append(word("and", at + "and"))
        words += _lexical_verb(clause.second.verb, clause.tense, features(clause.subject), at + "second.")
        words += _complements(clause.second, at + "second.", False)
    for index, adjunct in enumerate(clause.adjuncts):
        words += _adjunct(adjunct, f"{at}adjunct{index}.")
    return words


def _verb_group(clause: Clause, at: str, is_inverted: bool = False) -> tuple[list[Word], list[Word]]:
    """Returns the auxiliary (which a question puts before the subject) and the rest, with adverbs and "not"."""
    subject = features(clause.subject)
    predicate, inside = clause.predicate, at + "predicate."
    adverbs: list[Word] = []
    if clause.polarity is Polarity.NEVER:
        adverbs.append(word("never", at + "negation"))
    if clause.frequency is not None:
        adverbs += _fixed(clause.frequency, at + "frequency")
    negation = [word("not", at + "negation")] if clause.polarity is Polarity.NOT else []
    if not isinstance(predicate, VerbPhrase):
        return [word(BE[clause.tense][subject.slot], inside + "finite")], [*negation, *adverbs]
    main, tail = predicate.verb, []
    if predicate.modal is not None:
        main = predicate.modal
        tail = _infinitive(predicate, inside)
    label = "modal" if predicate.modal is not None else "verb"
    if main.english in ("can", "must"):
        if main.english == "can" and negation:
            return [word("cannot", inside + "finite", inside + label, at + "negation")], [*adverbs, *tail]
        return [word(main.english, inside + "finite", inside + label)], [*negation, *adverbs, *tail]
    if main.english == "going":
        going = word("going", inside + "finite", inside + label)
        return [word(BE[clause.tense][subject.slot], inside + "finite")], [*negation, *adverbs, going, *tail]
    if negation or is_inverted:
        support = "did" if clause.tense is Tense.PAST else "does" if subject.slot == 2 else "do"
        base = phrase(f"{main.english} {main.particle}", inside + label)
        return [word(support, inside + "finite")], [*negation, *adverbs, *base, *tail]
    return [], [*adverbs, *_lexical_verb(main, clause.tense, subject, inside, label), *tail]


def _lexical_verb(verb: Verb, tense: Tense, subject: Features, at: str, label: str = "verb") -> list[Word]:
    form = verb.english
    if tense is Tense.PAST:
        form = past(form)
    elif subject.slot == 2:
        form = add_s(form)
    return [word(form, at + "finite", at + label), *phrase(verb.particle, at + label)]


def _infinitive(predicate: VerbPhrase, at: str) -> list[Word]:
    modal = predicate.modal
    assert modal is not None
    # "to" belongs to the French preposition before the infinitive, or else to the infinitive.
    to = phrase(modal.english_preposition, at + ("to" if modal.french_preposition else "verb"))
    return [*to, *phrase(f"{predicate.verb.english} {predicate.verb.particle}", at + "verb")]


def _complements(predicate: Predicate, at: str, is_denied: bool) -> list[Word]:
    if isinstance(predicate, VerbPhrase):
        return _verb_complements(predicate, at, is_denied)
    if isinstance(predicate, Description):
        words = [word("very", at + "very")] if predicate.is_very else []
        for index, adjective in enumerate(predicate.adjectives):
            if index:
                words.append(word("and", at + "and"))
            words.append(word(adjective.english, f"{at}adjective{index}"))
        return words
    if isinstance(predicate, Comparison):
        than = _nominal(predicate.than, at + "than.")
        adjective = predicate.adjective
        if predicate.is_equal:
            words = [word("as", at + "more"), word(adjective.english, at + "adjective"), word("as", at + "as")]
        elif adjective.comparative == "more":
            words = [word("more", at + "more"), word(adjective.english, at + "adjective"), word("than", at + "as")]
        else:
            words = [word(adjective.comparative, at + "more", at + "adjective"), word("than", at + "as")]
        return [*words, *than]
    if isinstance(predicate, Occupation):
        name = predicate.profession.english
        return [word(indefinite_article(name), at + "profession"), word(name, at + "profession")]
    if isinstance(predicate, State):
        return [*phrase("very" if predicate.is_very else "", at + "very"), *_fixed(predicate.state, at + "state")]
    if isinstance(predicate, Age):
        return [*_fixed(predicate.number, at + "number"), word("years", at + "years"), word("old", at + "years")]
    return [] if predicate.place is None else _adjunct(predicate.place, at + "place.")


def _verb_complements(predicate: VerbPhrase, at: str, is_denied: bool) -> list[Word]:
    verb = predicate.verb
    words: list[Word] = []
    recipient = [] if predicate.recipient is None else _nominal(predicate.recipient, at + "recipient.", is_object=True)
    shifts = isinstance(predicate.recipient, Pronoun) and "far" not in verb.flags
    if shifts:
        words += recipient
    if predicate.object is not None:
        label = "preposition" if verb.french_preposition and not isinstance(predicate.object, Pronoun) else "verb"
        words += phrase(verb.english_preposition, at + label)
        denies_object = is_denied and not verb.french_preposition
        words += _nominal(predicate.object, at + "object.", is_object=True, is_denied=denies_object)
    if recipient and not shifts:
        # A French clitic includes its preposition: "to him" is lui.
        to = "recipient.pronoun" if isinstance(predicate.recipient, Pronoun) else "to"
        words += [word("to", at + to), *recipient]
    if predicate.manner is not None:
        words += _fixed(predicate.manner, at + "manner")
    if predicate.content is not None:
        words += [word("that", at + "that"), *_clause(predicate.content, at + "content.")]
    return words


def _existence(existence: Existence, at: str) -> list[Word]:
    verb = "are" if existence.nominal.is_plural else "is"
    words = [word("there", at + "there"), word(verb, at + "finite")]
    if existence.is_denied:
        words.append(word("no", at + "negation", at + "nominal.determiner"))
        words += _after_determiner(existence.nominal, at + "nominal.")
    else:
        words += _nominal(existence.nominal, at + "nominal.")
    return [*words, *_adjunct(existence.place, at + "place.")]


def _adjunct(adjunct: Adjunct, at: str) -> list[Word]:
    if isinstance(adjunct, FixedPhrase):
        return _fixed(adjunct, at)
    return [*phrase(adjunct.preposition.english, at + "preposition"), *_nominal(adjunct.nominal, at)]


def _fixed(fixed: FixedPhrase, at: str) -> list[Word]:
    labels: list[set[str]] = [set() for _ in fixed.english]
    for source, target in fixed.links:
        labels[source].add(f"{at}:{source}-{target}")
    return [Word(text, frozenset(own)) for text, own in zip(fixed.english, labels, strict=True)]


def _nominal(nominal: Nominal, at: str, is_object: bool = False, is_denied: bool = False) -> list[Word]:
    if isinstance(nominal, Gap):
        return []
    if isinstance(nominal, Pronoun):
        return [word(_pronoun(nominal, is_object), at + "pronoun")]
    if isinstance(nominal, Name):
        return [word(nominal.text, at + "noun")]
    if isinstance(nominal, Coordination):
        first, second = _nominal(nominal.first, at + "first."), _nominal(nominal.second, at + "second.")
        return [*first, word("and", at + "and"), *second]
    rest = _after_determiner(nominal, at)
    return [*_determiner(nominal, at, rest[0].text, is_denied), *rest]


def _pronoun(pronoun: Pronoun, is_object: bool) -> str:
    if pronoun.antecedent is not None and not pronoun.is_plural and not {"person", "kin"} & pronoun.antecedent.tags:
        return "it"
    if is_object:
        third = "her" if pronoun.gender == "f" else "him"
        return ("me", "you", third, "us", "them")[features(pronoun).slot]
    third = "she" if pronoun.gender == "f" else "he"
    return ("I", "you", third, "we", "they")[features(pronoun).slot]


def _determiner(nominal: NounPhrase, at: str, following: str, is_denied: bool) -> list[Word]:
    determiner = nominal.determiner
    if nominal.possessor is not None:
        owner = _nominal(nominal.possessor, at + "possessor.")
        last = Word(owner[-1].text + "'s", owner[-1].labels | {at + "genitive"})
        return [*owner[:-1], last]
    number = [] if nominal.number is None else _fixed(nominal.number, at + "number")
    if determiner in (Determiner.NUMBER, Determiner.GENERIC):
        return number
    text = determiner.value
    if determiner is Determiner.A:
        text = indefinite_article(following)
    elif determiner is Determiner.SOME and is_denied:
        text = "any"
    elif determiner is Determiner.THIS and nominal.is_plural:
        text = "these"
    return [word(text, at + "determiner"), *number]


def _after_determiner(nominal: NounPhrase, at: str) -> list[Word]:
    # The adjective that French leaves in front comes first in English too: "the big black dog".
    words = [word(adjective.english, f"{at}adjective{index}") for index, adjective in enumerate(nominal.adjectives)]
    noun = nominal.noun
    labels = {at + "noun"}
    if nominal.determiner is Determiner.GENERIC and nominal.possessor is None:
        labels.add(at + "determiner")
    words.append(Word(noun.english_plural if nominal.is_plural else noun.english, frozenset(labels)))
    if nominal.relative is not None:
        is_person = nominal.relative.gap_is_subject and "person" in noun.tags
        words.append(word("who" if is_person else "that", at + "relative"))
        words += _clause(nominal.relative.clause, at + "relative.")
    return words
