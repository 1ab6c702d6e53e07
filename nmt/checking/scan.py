"""What the text of a configuration's sets is like: one passage over all of it, and another for what fits what."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby

from nmt.checking.files import TEST, TRAINING, VALIDATION, Files, PairSet, sets_of
from nmt.checking.findings import Findings, Group
from nmt.checking.fit import learn_fit
from nmt.checking.languages import BothSides, check_languages
from nmt.checking.misalignment import report_stretches, segment
from nmt.checking.overlap import HeldOut, RepeatedPairs, Search
from nmt.checking.pairs import PairCounts
from nmt.checking.reading import HEAD_PAIRS, LinePair, Reader
from nmt.checking.sample import Sample
from nmt.checking.text import FileText
from nmt.config import Config

_PAIRS_TO_JUDGE = 1000  # of fewer, nobody is surprised that they tell nothing


class SetScan:
    """One set, as it passes by: what is in its lines and pairs, and a sample of it."""

    def __init__(self, pairs: PairSet, seed: int) -> None:
        self.set = pairs
        self.counts = PairCounts(pairs)
        self.sample = Sample(seed)
        self._texts = [(FileText(source), FileText(target)) for source, target in pairs.files.pairs]

    def passing(self, reader: Reader) -> Iterator[LinePair]:
        """The pairs of the set, looked at on the way."""
        for pair in reader.pairs(self.set.files):
            source, target = self._texts[pair.file]
            source.add(pair.source)
            target.add(pair.target)
            self.counts.add(pair)
            self.sample.add(pair)
            yield pair

    def report(self, whole: bool, copies_matter: bool, findings: Findings) -> None:
        """Tells what was found; `whole` says that nothing of the set was left unread."""
        for texts in self._texts:
            for text in texts:
                text.report(findings)
        self.counts.report(whole, copies_matter, findings)


def scan(
    config: Config, files: Files, *, full: bool, findings: Findings, progress: Callable[[int], None]
) -> dict[str, Sample]:
    """Looks at the text of all sets, and returns a sample of each.

    Args:
        config: names them.
        files: what is known of the files.
        full: read all of large sets, too.
        findings: takes what is found.
        progress: is told now and then how many pairs were read; what it raises ends the work.
    """
    reader = Reader(files, findings, full, progress)
    scans = {pairs.name: SetScan(pairs, config.seed) for pairs in sets_of(config)}
    searches: list[Search] = []
    held_out: list[HeldOut] = []
    for name in (TEST, VALIDATION):  # training last, past all that should not be in it
        if name in scans:
            looking = [Search(other, scans[name].set) for other in held_out]
            held_out.append(HeldOut(scans[name].set, _watched(scans[name].passing(reader), looking)))
            searches += looking
    training = scans[TRAINING]
    looking = [Search(other, training.set) for other in held_out]
    repeated = RepeatedPairs(_expected_pairs(files, training.set, full))
    for pair in _watched(training.passing(reader), looking):
        repeated.add(pair)
    repeated.finish()
    copies_matter = config.data.source_language != config.data.target_language
    for scanned in scans.values():
        whole = files.pairs(scanned.set.files) == scanned.counts.read
        scanned.report(whole, copies_matter, findings)
    repeated.report(training.set, config.data.drop_duplicates, findings)
    extent = "" if files.pairs(training.set.files) == training.counts.read else f" (its first {training.counts.read:,} pairs)"
    for search in searches:
        search.report("", findings)
    for search in looking:
        search.report(extent, findings)
    _check_languages(config, scans, findings)
    _check_fit(config, scans, reader, findings, lambda: progress(0))
    return {name: scanned.sample for name, scanned in scans.items()}


def _watched(pairs: Iterable[LinePair], searches: list[Search]) -> Iterator[LinePair]:
    for pair in pairs:
        for search in searches:
            search.add(pair)
        yield pair


def _expected_pairs(files: Files, training: PairSet, full: bool) -> int:
    return (files.pairs(training.files) or HEAD_PAIRS) if full else HEAD_PAIRS


def _check_languages(config: Config, scans: dict[str, SetScan], findings: Findings) -> None:
    sides = {
        name: BothSides.of((scanned.set.files.source[0], scanned.set.files.target[0]), scanned.sample.pairs)
        for name, scanned in scans.items()
    }
    check_languages(config, sides, TRAINING, findings)


def _check_fit(
    config: Config, scans: dict[str, SetScan], reader: Reader, findings: Findings, tick: Callable[[], None]
) -> None:
    training = scans[TRAINING]
    fit = learn_fit(training.sample.runs, config.seed, tick)
    where = training.set.files.source[0]
    if fit.is_good:
        for scanned in scans.values():
            for file, pairs in groupby(reader.pairs(scanned.set.files), key=lambda pair: pair.file):
                source, target = scanned.set.files.pairs[file]
                report_stretches(segment(pairs, fit), source, target, findings)
    elif fit.is_none:
        what = "its lines and those of the target do not seem to have anything to do with each other"
        findings.warn(Group.PAIRS, "unrelated", where, what, "look whether the files belong together, in the same order")
    elif training.counts.read >= _PAIRS_TO_JUDGE:
        what = "whether its lines are beside their translations cannot be told by their words"
        findings.inform(Group.PAIRS, "not_judged", where, what)
