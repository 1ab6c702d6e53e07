"""Person, gender and number of subjects and objects; the same in both languages."""

from __future__ import annotations

from typing import NamedTuple

from examples.quickstart_corpus.lexicon import Name
from examples.quickstart_corpus.syntax import Coordination, Gap, Nominal, Pronoun


class Features(NamedTuple):
    """The features that a verb or an adjective agrees with; `person` is 1 to 3, `gender` "m" or "f"."""

    person: int
    is_plural: bool
    gender: str

    @property
    def slot(self) -> int:
        """Index into the five forms of a verb: I, you, he or she, we, they."""
        if self.is_plural:
            return 3 if self.person == 1 else 4
        return self.person - 1


def features(nominal: Nominal) -> Features:
    """Returns the features of a nominal; a pair is masculine if one of the two is."""
    if isinstance(nominal, Pronoun):
        return Features(nominal.person, nominal.is_plural, nominal.gender)
    if isinstance(nominal, Gap):
        return Features(3, nominal.is_plural, nominal.gender)
    if isinstance(nominal, Name):
        return Features(3, False, nominal.gender)
    if isinstance(nominal, Coordination):
        genders = {features(nominal.first).gender, features(nominal.second).gender}
        return Features(3, True, "m" if "m" in genders else "f")
    return Features(3, nominal.is_plural, nominal.noun.gender)
