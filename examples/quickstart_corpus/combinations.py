"""The word combinations that training never shows, so that the test requires more than memory.

A combination is an adjective with its noun ("black cat", also in "the cat is black") or a verb with its object
("read letter", pronouns and relative clauses counted by the noun they stand for). Held out are those whose CRC-32
falls into one class of `CLASSES`: the choice depends on the words alone, not on the seed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from zlib import crc32

from examples.quickstart_corpus.lexicon import Noun
from examples.quickstart_corpus.syntax import (
    Clause,
    Comparison,
    Description,
    Gap,
    Nominal,
    NounPhrase,
    Pronoun,
    VerbPhrase,
)

CLASSES = 10

Combination = tuple[str, str]


def is_held_out(combination: Combination) -> bool:
    """Returns True if the combination is kept for the test."""
    return crc32(" ".join(combination).encode()) % CLASSES == 0


def combinations(tree: object) -> Iterator[Combination]:
    """Yields all combinations in a sentence or a part of one, in English words."""
    if isinstance(tree, NounPhrase):
        yield from ((adjective.english, tree.noun.english) for adjective in tree.adjectives)
    elif isinstance(tree, Clause):
        subject = _noun(tree.subject)
        if subject is not None and isinstance(tree.predicate, Description):
            yield from ((adjective.english, subject.english) for adjective in tree.predicate.adjectives)
        elif subject is not None and isinstance(tree.predicate, Comparison):
            yield tree.predicate.adjective.english, subject.english
    elif isinstance(tree, VerbPhrase):
        noun = _noun(tree.object)
        if noun is not None:
            yield tree.verb.english, noun.english
    if is_dataclass(tree) and not isinstance(tree, Noun):
        for field in fields(tree):
            value = getattr(tree, field.name)
            for part in value if isinstance(value, tuple) else (value,):
                if is_dataclass(part):
                    yield from combinations(part)


def _noun(nominal: Nominal | None) -> Noun | None:
    if isinstance(nominal, NounPhrase):
        return nominal.noun
    if isinstance(nominal, Pronoun):
        return nominal.antecedent
    if isinstance(nominal, Gap):
        return nominal.noun
    return None
