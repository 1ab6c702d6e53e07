"""French noun phrases: determiners, adjectives before and after the noun, owners; see `french` for the labels."""

from __future__ import annotations

from examples.quickstart_corpus.agreement import features
from examples.quickstart_corpus.french_inflection import begins_with_vowel_sound
from examples.quickstart_corpus.lexicon import FixedPhrase, Name
from examples.quickstart_corpus.syntax import Adjunct, Coordination, Determiner, Gap, Nominal, NounPhrase, Pronoun
from examples.quickstart_corpus.words import Word, phrase, word

POSSESSIVES = {
    Determiner.MY: ("mon", "ma", "mes"),
    Determiner.YOUR: ("ton", "ta", "tes"),
    Determiner.HIS: ("son", "sa", "ses"),
    Determiner.HER: ("son", "sa", "ses"),
    Determiner.OUR: ("notre", "notre", "nos"),
    Determiner.THEIR: ("leur", "leur", "leurs"),
}


def adjunct_words(adjunct: Adjunct, at: str) -> list[Word]:
    """Returns the words of a time, a place or a companion."""
    if isinstance(adjunct, FixedPhrase):
        return fixed_words(adjunct, at)
    return [*phrase(adjunct.preposition.french, at + "preposition"), *noun_words(adjunct.nominal, at)]


def fixed_words(fixed: FixedPhrase, at: str) -> list[Word]:
    """Returns words that never change, each labelled with its links."""
    labels: list[set[str]] = [set() for _ in fixed.french]
    for source, target in fixed.links:
        labels[target].add(f"{at}:{source}-{target}")
    return [Word(text, frozenset(own)) for text, own in zip(fixed.french, labels, strict=True)]


def noun_words(nominal: Nominal, at: str, is_denied: bool = False) -> list[Word]:
    """Returns a noun phrase, a name or a subject pronoun; a gap has no words, and `french` adds relative clauses."""
    if isinstance(nominal, Gap):
        return []
    if isinstance(nominal, Pronoun):
        third, thirds = ("elle", "elles") if nominal.gender == "f" else ("il", "ils")
        return [word(("je", "tu", third, "nous", thirds)[features(nominal).slot], at + "pronoun")]
    if isinstance(nominal, Name):
        return [word(nominal.text, at + "noun")]
    if isinstance(nominal, Coordination):
        first, second = noun_words(nominal.first, at + "first."), noun_words(nominal.second, at + "second.")
        return [*first, word("et", at + "and"), *second]
    return _noun_phrase(nominal, at, is_denied)


def _noun_phrase(nominal: NounPhrase, at: str, is_denied: bool) -> list[Word]:
    noun = nominal.noun
    text = noun.french_plural if nominal.is_plural else noun.french
    words = [word(text, at + "noun")]
    has_adjective_in_front = False
    for index, adjective in reversed(list(enumerate(nominal.adjectives))):
        label = f"{at}adjective{index}"
        if adjective.group == "front":
            form = adjective.french(noun.gender, nominal.is_plural, words[0].text)
            words.insert(0, word(form, label))
            has_adjective_in_front = True
        else:
            words.append(word(adjective.french(noun.gender, nominal.is_plural), label))
    if nominal.possessor is not None:
        article = _definite_article(noun.gender, nominal.is_plural, at + "genitive")
        owner = [word("de", at + "genitive"), *noun_words(nominal.possessor, at + "possessor.")]
        return [article, *words, *owner]
    number = [] if nominal.number is None else fixed_words(nominal.number, at + "number")
    words = [*number, *words]
    return [*_determiner(nominal, at, words[0].text, has_adjective_in_front, is_denied), *words]


def _definite_article(gender: str, is_plural: bool, label: str) -> Word:
    text = "les" if is_plural else "la" if gender == "f" else "le"
    return Word(text, frozenset((label,)), is_article=True)


def _determiner(
    nominal: NounPhrase, at: str, following: str, has_adjective_in_front: bool, is_denied: bool
) -> list[Word]:
    determiner, gender, is_plural = nominal.determiner, nominal.noun.gender, nominal.is_plural
    label = at + "determiner"
    if determiner is Determiner.NUMBER:
        return []
    if determiner in (Determiner.THE, Determiner.GENERIC):
        return [_definite_article(gender, is_plural, label)]
    if determiner in (Determiner.A, Determiner.SOME) and is_denied:
        return [word("de", label)]
    if determiner is Determiner.A:
        return [word("une" if gender == "f" else "un", label)]
    if determiner is Determiner.SOME:
        if is_plural:
            return [word("de" if has_adjective_in_front else "des", label)]
        return [word("de", label), _definite_article(gender, False, label)]
    if determiner is Determiner.MANY:
        return [word("beaucoup", label), word("de", label)]
    if determiner is Determiner.THIS:
        masculine = "cet" if begins_with_vowel_sound(following) else "ce"
        return [word("ces" if is_plural else "cette" if gender == "f" else masculine, label)]
    if determiner in POSSESSIVES:
        masculine, feminine, plural_form = POSSESSIVES[determiner]
        if gender == "f" and begins_with_vowel_sound(following):
            feminine = masculine
        return [word(plural_form if is_plural else feminine if gender == "f" else masculine, label)]
    return [word({Determiner.EVERY: "chaque", Determiner.SEVERAL: "plusieurs"}[determiner], label)]
