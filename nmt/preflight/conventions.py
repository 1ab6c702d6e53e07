"""Conventions of writing: what the lines of one set have, and those of another do not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

from nmt.corpus.parallel import CorpusFiles, Pair
from nmt.preflight.findings import Findings, Group
from nmt.preflight.traits import ENTITIES, NUMBERED, SUBWORDS, TRAITS, Trait

# Lines of a side that are inspected, from all over it, and those from which a share means something.
MOST_LINES, _LEAST_LINES = 3000, 30
# Shares of lines that have a trait in one set and in the other, so that the sets differ.
_MANY, _FEW = 0.5, 0.1
_MANY_OF_ARTEFACT, _FEW_OF_ARTEFACT = 0.2, 0.02
# Shares from which a trait is told though all sets have it.
_SEGMENTED, _NUMBERED, _ENTITIES = 0.05, 0.9, 0.01
_SHOWN = 50


class NumberedText(NamedTuple):
    """A line and its place."""

    where: str
    text: str

    def shown(self) -> str:
        """Returns the line as a report shows it, shortened, with the tab made visible."""
        text = self.text.replace("\t", "⇥")
        return f"“{text[:_SHOWN]}{'…' if len(text) > _SHOWN else ''}”"


@dataclass
class TraitCount:
    """The lines of a side to which a trait applies, and those of them that have it, with the first of either kind."""

    applicable: int = 0
    having: int = 0
    with_it: NumberedText | None = None
    without_it: NumberedText | None = None

    @property
    def share(self) -> float:
        """Share of lines with the trait among those to which it applies."""
        return self.having / max(1, self.applicable)

    def add(self, line: NumberedText, trait: Trait) -> None:
        """Inspects the next line."""
        if not trait.applies(line.text):
            return
        self.applicable += 1
        if trait.has(line.text):
            self.having += 1
            self.with_it = self.with_it or line
        else:
            self.without_it = self.without_it or line

    def percent(self) -> str:
        """Formats the share, as `under 1 %` where it is small."""
        return f"{100 * self.share:.0f} %" if self.share >= 0.01 or not self.having else "under 1 %"


class SideConventions(NamedTuple):
    """The traits of one side of a set."""

    side: str  # source or target
    counts: Mapping[str, TraitCount]  # by the name of the trait

    @classmethod
    def from_lines(cls, side: str, lines: Sequence[NumberedText]) -> Self:
        """Counts the traits of lines."""
        counts = {trait.name: TraitCount() for trait in TRAITS}
        for line in lines:
            for trait in TRAITS:
                counts[trait.name].add(line, trait)
        return cls(side, counts)


def numbered_texts(files: CorpusFiles, pairs: Sequence[Pair]) -> tuple[list[NumberedText], list[NumberedText]]:
    """Returns lines of both sides that are not blank; of many, as many as are inspected, from all over."""
    some = pairs[:: 1 + len(pairs) // MOST_LINES]
    sides = (
        [NumberedText(f"{files.source[pair.file]}:{pair.number}", pair.source) for pair in some],
        [NumberedText(f"{files.target[pair.file]}:{pair.number}", pair.target) for pair in some],
    )
    return tuple([line for line in side if line.text.strip()] for side in sides)  # type: ignore[return-value]


def check_conventions(
    sets: Mapping[str, tuple[list[NumberedText], list[NumberedText]]], training: str, findings: Findings
) -> None:
    """Compares each side of the other sets with that of the training set, by all traits."""
    for place, side in enumerate(("source", "target")):
        profiles = {name: SideConventions.from_lines(side, lines[place]) for name, lines in sets.items()}
        reference = profiles.pop(training)
        for trait in TRAITS:
            others = {name: profile.counts[trait.name] for name, profile in profiles.items()}
            if not _report_difference(trait, reference, training, others, findings):
                _report_habit(trait, reference, findings)


def _report_difference(
    trait: Trait, reference: SideConventions, training: str, others: Mapping[str, TraitCount], findings: Findings
) -> bool:
    """Reports the sets that differ from training in a trait; returns whether there are any."""
    ours = reference.counts[trait.name]
    differing = [name for name, other in others.items() if _differ(trait, ours, other)]
    if not differing:
        return False
    name, *further = differing
    theirs = others[name]
    more, less = (training, name) if ours.share > theirs.share else (name, training)
    many, few = (ours, theirs) if more == training else (theirs, ours)
    assert many.with_it is not None and few.without_it is not None
    what = (
        f"{many.percent()} of the {reference.side} lines of {more} {trait.verb}, as {many.with_it.shown()}, "
        f"but {few.percent()} of those of {less}: {few.without_it.where} is {few.without_it.shown()}"
    )
    what += f"; {further[0]} is as {name}" if further else ""
    findings.warn(Group.TEXT, f"differs_{trait.name}", many.with_it.where, what, trait.advice)
    return True


def _differ(trait: Trait, one: TraitCount, other: TraitCount) -> bool:
    if min(one.applicable, other.applicable) < _LEAST_LINES:
        return False
    few, many = sorted((one.share, other.share))
    is_far = many >= _MANY and few <= _FEW
    return is_far or (trait.is_artefact and many >= _MANY_OF_ARTEFACT and few <= _FEW_OF_ARTEFACT)


def _report_habit(trait: Trait, profile: SideConventions, findings: Findings) -> None:
    """Reports a trait that all sets share, and that training text had better not have."""
    count = profile.counts[trait.name]
    if count.with_it is None or count.applicable < _LEAST_LINES:
        return
    where, of_what = count.with_it.where, f"{count.percent()} of the {profile.side} lines"
    if trait is SUBWORDS and count.share >= _SEGMENTED:
        what = f"{of_what} {trait.verb}, as {count.with_it.shown()}, and so would translations be"
        findings.warn(Group.TEXT, "segmented", where, what, trait.advice)
    elif trait is NUMBERED and count.share >= _NUMBERED:
        what = f"{of_what} {trait.verb}, as {count.with_it.shown()}"
        findings.warn(Group.TEXT, "numbered", where, what, trait.advice)
    elif trait is ENTITIES and count.share >= _ENTITIES:
        what = f"{of_what} with such signs {trait.verb}, and so would translations"
        findings.inform(Group.TEXT, "entities", where, what, trait.advice)
