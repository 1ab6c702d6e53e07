"""Claims about what the composer says and what it never says, on a large sample of sentence trees."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from itertools import islice
from random import Random

import pytest

from examples.quickstart_corpus.agreement import features
from examples.quickstart_corpus.composer import SentenceComposer
from examples.quickstart_corpus.corpus import realise
from examples.quickstart_corpus.lexicon import Lexicon, load_lexicon
from examples.quickstart_corpus.nominals import ANIMALS, HUMAN, OWNABLE, NominalChooser
from examples.quickstart_corpus.states import EXISTING, LOCATED, StateComposer
from examples.quickstart_corpus.syntax import (
    Age,
    Clause,
    Comparison,
    Conjunction,
    Description,
    Determiner,
    Nominal,
    NounPhrase,
    Polarity,
    PrepositionPhrase,
    Pronoun,
    Question,
    Sentence,
    State,
    VerbPhrase,
)


@pytest.fixture(scope="module")
def sentences() -> list[Sentence]:
    return list(islice(SentenceComposer(Random(11), load_lexicon()).sentences(), 10000))


@pytest.fixture(scope="module")
def english(sentences: list[Sentence]) -> list[str]:
    return [realise(sentence).english for sentence in sentences]


@pytest.fixture(scope="module")
def clauses(sentences: list[Sentence]) -> list[Clause]:
    return [part for sentence in sentences for part in parts(sentence) if isinstance(part, Clause)]


@pytest.fixture
def lexicon() -> Lexicon:
    return load_lexicon()


def parts(tree: object) -> Iterator[object]:
    """The tree and all trees in it."""
    yield tree
    if is_dataclass(tree):
        for field in fields(tree):
            value = getattr(tree, field.name)
            for part in value if isinstance(value, tuple) else (value,):
                if is_dataclass(part):
                    yield from parts(part)


def verb_of(clause: Clause) -> str:
    return clause.predicate.verb.english if isinstance(clause.predicate, VerbPhrase) else ""


def relative_subject(nominal: Nominal | None) -> Nominal | None:
    """The subject of the relative clause at a nominal, where that is about its object."""
    if isinstance(nominal, NounPhrase) and nominal.relative is not None and not nominal.relative.gap_is_subject:
        return nominal.relative.clause.subject
    return None


def is_they(nominal: Nominal | None) -> bool:
    return isinstance(nominal, Pronoun) and nominal.is_plural and nominal.person == 3


@pytest.mark.slow
def test_nobody_lives_without_a_place(sentences: list[Sentence]) -> None:
    asked = 0
    for sentence in sentences:
        for part in parts(sentence):
            if isinstance(part, Clause) and verb_of(part) == "live":
                is_asked = part is sentence.clause and sentence.question is Question.WHERE
                assert is_asked != bool(part.adjuncts), realise(sentence)
                asked += is_asked
    assert asked


def test_what_asks_for_no_person(english: list[str]) -> None:
    assert not [line for line in english if re.match(r"What .*\bmeet\b", line)]


def test_the_evening_is_no_time_of_what_takes_all_night(sentences: list[Sentence]) -> None:
    for sentence in sentences:
        for part in parts(sentence):
            if isinstance(part, Clause) and verb_of(part) in ("sleep", "dream", "snore"):
                opening = sentence.opening if part is sentence.clause else None
                times = [getattr(time, "english", ()) for time in (*part.adjuncts, opening)]
                assert not {("last", "night"), ("tonight",)} & set(times), realise(sentence)


def test_they_in_a_relative_clause_are_the_subject_of_the_main_clause(clauses: list[Clause]) -> None:
    women = 0
    for clause in clauses:
        assert not is_they(relative_subject(clause.subject))
        if isinstance(clause.predicate, VerbPhrase):
            subject = relative_subject(clause.predicate.object)
            if is_they(subject):
                assert subject is not None and features(subject) == features(clause.subject)
                women += features(subject).gender == "f"
    assert women


def test_at_and_go_to_take_the_definite_article(sentences: list[Sentence], clauses: list[Clause]) -> None:
    at = [part for sentence in sentences for part in parts(sentence) if isinstance(part, PrepositionPhrase)]
    places = [part.nominal for part in at if part.preposition.english == "at"]
    goals = [clause.predicate.object for clause in clauses if isinstance(clause.predicate, VerbPhrase)]
    goals = [goal for goal, clause in zip(goals, filter(verb_of, clauses), strict=True) if verb_of(clause) == "go"]
    named = [part for part in (*places, *goals) if isinstance(part, NounPhrase)]
    assert len(named) > 100
    assert {(part.determiner, part.is_plural) for part in named} == {(Determiner.THE, False)}


def test_no_state_is_denied_for_ever(clauses: list[Clause]) -> None:
    never = [clause.predicate for clause in clauses if clause.polarity is Polarity.NEVER]
    assert never
    assert not [phrase for phrase in never if isinstance(phrase, VerbPhrase) and "state" in phrase.verb.flags]


def test_nobody_walks_quietly(english: list[str]) -> None:
    assert not [line for line in english if re.search(r"\bwalk\w* quietly", line)]


def test_ages_suit_the_generation(lexicon: Lexicon, clauses: list[Clause]) -> None:
    chooser = NominalChooser(Random(1), lexicon)
    ages = {name: {chooser.age(lexicon.noun(name)) for _ in range(200)} for name in ("grandmother", "uncle", "niece")}
    assert ages["grandmother"] == set(lexicon.ages["elder"])
    assert ages["uncle"] == {*lexicon.ages["elder"], *lexicon.ages["grown"]}
    assert ages["niece"] == {age for table in lexicon.ages.values() for age in table}
    for clause in clauses:
        if isinstance(clause.predicate, Age) and isinstance(clause.subject, NounPhrase | Pronoun):
            noun = clause.subject.noun if isinstance(clause.subject, NounPhrase) else clause.subject.antecedent
            assert noun is None or noun.category == "kin"
            if noun is not None and {"elder", "grown"} & noun.tags:
                assert clause.predicate.number not in lexicon.ages["any"]


def test_feelings_have_no_states_for_their_circumstance(sentences: list[Sentence]) -> None:
    found = 0
    for sentence in sentences:
        is_feeling = isinstance(sentence.clause, Clause) and isinstance(sentence.clause.predicate, Description | State)
        if is_feeling and sentence.conjunction in (Conjunction.WHEN, Conjunction.IF, Conjunction.BECAUSE):
            assert sentence.joined is not None and isinstance(sentence.joined.predicate, VerbPhrase)
            assert "state" not in sentence.joined.predicate.verb.flags, realise(sentence)
            found += 1
    assert found


def test_nobody_tries_for_a_reason(sentences: list[Sentence]) -> None:
    for sentence in sentences:
        if sentence.conjunction is Conjunction.BECAUSE and isinstance(sentence.clause, Clause):
            predicate = sentence.clause.predicate
            if isinstance(predicate, VerbPhrase) and predicate.modal is not None:
                assert predicate.modal.english != "try", realise(sentence)


def test_nobody_asks_when_somebody_stayed(english: list[str]) -> None:
    assert not [line for line in english if re.match(r"When did .* stay\?", line)]


def test_what_is_broken_is_not_comfortable(lexicon: Lexicon) -> None:
    chooser = NominalChooser(Random(1), lexicon)
    states, chair = StateComposer(chooser), NounPhrase(lexicon.noun("chair"), Determiner.THE)
    said = []
    for _ in range(3000):
        chooser.begin_sentence()
        said.append(states.being(chair).predicate)
    adjectives = [predicate.adjectives for predicate in said if isinstance(predicate, Description)]
    pairs = {frozenset(adjective.english for adjective in several) for several in adjectives}
    assert {frozenset({"broken"}), frozenset({"comfortable"})} <= pairs
    assert frozenset({"broken", "comfortable"}) not in pairs


def test_what_is_taught_is_not_compared(clauses: list[Clause]) -> None:
    compared = [clause.subject for clause in clauses if isinstance(clause.predicate, Comparison)]
    nouns = [subject.noun for subject in compared if isinstance(subject, NounPhrase)]
    assert nouns
    assert not [noun for noun in nouns if noun.category == "teaching"]


def test_every_noun_is_used(sentences: list[Sentence], lexicon: Lexicon) -> None:
    phrases = [part for sentence in sentences for part in parts(sentence) if isinstance(part, NounPhrase)]
    counts = Counter(phrase.noun for phrase in phrases)
    assert not [noun.english for noun in lexicon.nouns if counts[noun] < 5]


def test_every_tag_of_a_noun_is_asked_for(lexicon: Lexicon) -> None:
    asked = HUMAN | ANIMALS | OWNABLE | frozenset({"mass", "paired", "sole", "royal", "several", "grown", "elder"})
    asked |= {tag for (tags, _), _ in (*EXISTING, *LOCATED) for tag in tags.split()} | {"liked", "language", "sport"}
    asked |= {tag for verb in lexicon.verbs for tag in verb.subjects | verb.objects}
    asked |= {tag for adjective in lexicon.adjectives for tag in adjective.predicate_tags}
    for noun in lexicon.nouns:
        assert noun.tags - asked <= {noun.english, noun.category}
