"""What the text of a configuration's sets is like: one passage over all of it, and another for what fits what."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby

from nmt.config import Config
from nmt.preflight.files import TEST, TRAINING, VALIDATION, Files, PairSet, sets_of
from nmt.preflight.findings import Findings, Group, share
from nmt.preflight.languages import SetSides, check_languages
from nmt.preflight.lexical_fit import learn_fit
from nmt.preflight.misalignment import report_stretches, segment
from nmt.preflight.overlap import HeldOut, RepeatedPairs, Search
from nmt.preflight.pairs import PairCounts
from nmt.preflight.reading import HEAD_PAIRS, LinePair, Reader
from nmt.preflight.reservoir import Sample
from nmt.preflight.text import FileText

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

    def report(self, files: Files, copies_matter: bool, findings: Findings) -> None:
        """Tells what was found."""
        there, read = files.pairs(self.set.files), self.counts.read
        if there is not None and there > read and not files.unreadable:
            what = f"the first {read:,} of {there:,} pairs for {self.set.name} were read"
            findings.inform(Group.FILES, "not_whole", self.set.files.source[0], what, "--full reads all of them")
        for texts in self._texts:
            for text in texts:
                text.report(findings)
        self.counts.report(there == read, copies_matter, findings)


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
    training = scans[TRAINING]
    repeated = RepeatedPairs((files.pairs(training.set.files) or HEAD_PAIRS) if full else HEAD_PAIRS)
    searches = _read(scans, reader, repeated)
    for scanned in scans.values():
        scanned.sample.all_read = scanned.counts.read == files.pairs(scanned.set.files)
        scanned.report(files, config.data.source_language != config.data.target_language, findings)
    repeated.report(training.set, config.data.drop_duplicates, findings)
    for search in searches:
        read = scans[search.other.name].counts.read
        whole = read == files.pairs(search.other.files)
        search.report("" if whole else f" (its first {read:,} pairs)", findings)
    _check_languages(config, scans, findings)
    _check_fit(config, scans, reader, findings, lambda: progress(0))
    return {name: scanned.sample for name, scanned in scans.items()}


def _read(scans: dict[str, SetScan], reader: Reader, repeated: RepeatedPairs) -> list[Search]:
    """Reads all sets, training last, past all that should not be in it."""
    searches: list[Search] = []
    held_out: list[HeldOut] = []
    for name in filter(scans.__contains__, (TEST, VALIDATION, TRAINING)):
        scanned = scans[name]
        looking = [Search(other, scanned.set) for other in held_out]
        pairs = _watched(scanned.passing(reader), looking)
        if name == TRAINING:
            for pair in pairs:
                repeated.add(pair)
            repeated.finish()
        else:
            held_out.append(HeldOut(scanned.set, pairs))
        searches += looking
    return searches


def _watched(pairs: Iterable[LinePair], searches: list[Search]) -> Iterator[LinePair]:
    for pair in pairs:
        for search in searches:
            search.add(pair)
        yield pair


def _check_languages(config: Config, scans: dict[str, SetScan], findings: Findings) -> None:
    sides = {name: SetSides.of(scanned.set.files.pairs, scanned.sample.pairs) for name, scanned in scans.items()}
    check_languages(config, sides, TRAINING, findings)


def _check_fit(
    config: Config, scans: dict[str, SetScan], reader: Reader, findings: Findings, tick: Callable[[], None]
) -> None:
    training = scans[TRAINING]
    fit = learn_fit(training.sample.runs, config.seed, tick)
    where = training.set.files.source[0]
    if fit.is_good:
        in_stretches = False
        for scanned in scans.values():
            for file, pairs in groupby(reader.pairs(scanned.set.files), key=lambda pair: pair.file):
                source, target = scanned.set.files.pairs[file]
                stretches = segment(pairs, fit)
                report_stretches(stretches, source, target, findings)
                in_stretches |= scanned is training and bool(stretches)
        if fit.has_strays and not in_stretches:
            what = (
                f"{share(fit.stray, fit.judged)} sampled lines fit the line beside them no better than chance, "
                "here and there in the files"
            )
            advice = "look at pairs all over the files: they may have been mixed"
            findings.warn(Group.PAIRS, "scattered", where, what, advice)
    elif fit.is_none:
        what = "its lines and those of the target do not seem to have anything to do with each other"
        findings.warn(
            Group.PAIRS, "unrelated", where, what, "look whether the files belong together, in the same order"
        )
    elif training.counts.read >= _PAIRS_TO_JUDGE:
        what = "whether its lines are beside their translations cannot be told by their words"
        findings.inform(Group.PAIRS, "not_judged", where, what)
