"""Scans the text of all sets: in one pass for faults of lines and pairs, in another for misaligned lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain, groupby

from nmt.config import Config
from nmt.config.parallel_files import distinct_tags
from nmt.preflight.conventions import check_conventions, numbered_texts
from nmt.preflight.files import TEST, TRAINING, VALIDATION, FileInventory, PairSet, pair_sets
from nmt.preflight.findings import Findings, Group, share
from nmt.preflight.languages import SetProfile, check_languages
from nmt.preflight.lengths import lengths_agree
from nmt.preflight.lexical_fit import learn_lexical_fit
from nmt.preflight.misalignment import find_all_stretches, report_stretches
from nmt.preflight.overlap import HeldOutLines, OverlapSearch, RepeatedPairs
from nmt.preflight.pairs import PairCounts
from nmt.preflight.reading import HEAD_PAIRS, LinePair, PairReader
from nmt.preflight.reservoir import Reservoir
from nmt.preflight.templates import report_templates
from nmt.preflight.text import FileText

_LANGUAGE_TAG = "<2"  # by which, in many systems, a tag names the language to translate into: there are several
_PAIRS_TO_JUDGE = 1000  # below it, nobody is surprised that the fit cannot be judged


class SetScan:
    """The scan of one set: faults of its lines and pairs, and a sample of it."""

    def __init__(self, pairs: PairSet, config: Config) -> None:
        self.set = pairs
        self.counts = PairCounts(pairs)
        self.sample = Reservoir(config.seed)
        data = config.data
        self._texts = [
            (FileText(source, data.source_language), FileText(target, data.target_language))
            for source, target in pairs.files.pairs
        ]

    def scanned(self, reader: PairReader, searches: Sequence[OverlapSearch]) -> Iterator[LinePair]:
        """Yields the pairs of the set, and inspects each."""
        for pair in reader.pairs(self.set.files):
            source, target = self._texts[pair.file]
            source.add(pair.source)
            target.add(pair.target)
            self.counts.add(pair)
            self.sample.add(pair)
            for search in searches:
                search.add(pair)
            yield pair

    def report(self, files: FileInventory, copies_matter: bool, findings: Findings) -> None:
        """Adds what was found to the findings; `copies_matter` says that equal sides are untranslated."""
        there, read = files.pairs(self.set.files), self.counts.read
        if there is not None and there > read and not files.unreadable:
            what = f"{read:,} of {there:,} pairs for {self.set.name} were read, from all over the files"
            findings.inform(Group.FILES, "not_whole", self.set.files.source[0], what, "--full reads all of them")
        for text in chain(*self._texts):
            text.report(findings)
        self.counts.report(there == read, copies_matter, findings)


def scan(
    config: Config, files: FileInventory, *, full: bool, findings: Findings, progress: Callable[[int], None]
) -> dict[str, Reservoir]:
    """Scans the text of all sets, and returns a sample of each.

    Large sets are read to their ends only if `full`. `progress` is called now and then with the number of pairs read;
    an exception from it ends the scan.
    """
    reader = PairReader(files, findings, full, progress)
    scans = {pairs.name: SetScan(pairs, config) for pairs in pair_sets(config)}
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
        search.report("" if whole else f" ({read:,} pairs of it)", findings)
    profiles = {name: SetProfile.from_pairs(one.set.files.pairs, one.sample.pairs) for name, one in scans.items()}
    if not any(tag.startswith(_LANGUAGE_TAG) for tag in distinct_tags(config.data.train)):
        check_languages(config, profiles, TRAINING, findings)
    _check_writing(scans, findings)
    _check_fit(config, scans, reader, findings, lambda: progress(0))
    return {name: scanned.sample for name, scanned in scans.items()}


def _read(scans: dict[str, SetScan], reader: PairReader, repeated: RepeatedPairs) -> list[OverlapSearch]:
    """Reads all sets, training last, and searches each for the lines of those before it."""
    searches: list[OverlapSearch] = []
    held_out: list[HeldOutLines] = []
    for name in filter(scans.__contains__, (TEST, VALIDATION, TRAINING)):
        scanned = scans[name]
        current = [OverlapSearch(other, scanned.set) for other in held_out]
        pairs = scanned.scanned(reader, current)
        if name == TRAINING:
            for pair in pairs:
                repeated.add(pair)
            repeated.finish()
        else:
            held_out.append(HeldOutLines(scanned.set, pairs))
        searches += current
    return searches


def _check_writing(scans: dict[str, SetScan], findings: Findings) -> None:
    """Checks how the lines are written: what most of them have in common, and what only those of one set have."""
    lines = {name: numbered_texts(scanned.set.files, scanned.sample.pairs) for name, scanned in scans.items()}
    for name, sides in lines.items():
        for side, some in zip(("source", "target"), sides, strict=True):
            report_templates(side, name, some, findings)
    check_conventions(lines, TRAINING, findings)


def _check_fit(
    config: Config, scans: dict[str, SetScan], reader: PairReader, findings: Findings, tick: Callable[[], None]
) -> None:
    training = scans[TRAINING]
    fit = learn_lexical_fit(training.sample.blocks, config.seed, tick)
    where = training.set.files.source[0]
    if fit.is_good:
        in_stretches = False
        for scanned in scans.values():
            for file, pairs in groupby(reader.pairs(scanned.set.files), key=lambda pair: pair.file):
                source, target = scanned.set.files.pairs[file]
                stretches = find_all_stretches(pairs, fit)
                report_stretches(stretches, source, target, findings)
                in_stretches |= scanned is training and bool(stretches)
        if fit.has_strays and not in_stretches:
            what = f"{share(fit.stray, fit.judged)} sampled lines fit the line beside them no better than chance"
            what += ", here and there in the files"
            advice = "look at pairs all over the files: they may have been mixed"
            findings.warn(Group.PAIRS, "scattered", where, what, advice)
    elif fit.is_none and not lengths_agree(training.sample.blocks):
        what = "its lines and those of the target do not seem to have anything to do with each other"
        advice = "look whether the files belong together, in the same order"
        findings.warn(Group.PAIRS, "unrelated", where, what, advice)
    elif training.counts.read >= _PAIRS_TO_JUDGE:
        what = "whether its lines are beside their translations cannot be told by their words"
        findings.inform(Group.PAIRS, "not_judged", where, what)
