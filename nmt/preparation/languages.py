"""The languages that a corpus holds, by samples of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from nmt.preflight.languages import PairProfile, SideProfile, are_swapped, likely_language
from nmt.preparation.cleaning import RawPairs

_LEAST_SHARE = 0.001  # of the letters, for a script to be told


class SideLanguage(NamedTuple):
    """What language a side was said to be in, and what it looks like."""

    expected: str
    looks_like: str  # the language expected where nothing speaks against it
    scripts: dict[str, float]  # share of the letters, the most frequent first

    @classmethod
    def from_texts(cls, expected: str, texts: list[str]) -> SideLanguage:
        """Judges a sample of a side."""
        profile = SideProfile.from_texts("", texts)
        total = max(1, profile.scripts.total())
        scripts = {name: round(count / total, 4) for name, count in profile.scripts.most_common()}
        shown = {name: share for name, share in scripts.items() if share >= _LEAST_SHARE}
        return cls(expected, likely_language(profile, expected) or expected, shown)


class Orientation:
    """Puts the sides of each file in order, where its first pairs show clearly that they are the other way round."""

    def __init__(self, languages: tuple[str, str]) -> None:
        self._languages = languages
        self.swapped: dict[int, bool] = {}  # by file

    def oriented(self, batches: Iterable[RawPairs]) -> Iterator[RawPairs]:
        """Yields the batches, those of a swapped file with their sides exchanged."""
        for batch in batches:
            if batch.file not in self.swapped:
                sides = (SideProfile.from_texts("", batch.sources), SideProfile.from_texts("", batch.targets))
                self.swapped[batch.file] = are_swapped(self._languages, PairProfile(*sides))
            if self.swapped[batch.file]:
                yield batch._replace(sources=batch.targets, targets=batch.sources)
            else:
                yield batch
