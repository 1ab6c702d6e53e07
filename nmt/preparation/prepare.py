"""`nmt prepare`: from the inputs to the folder of sets, in two passes over the pairs.

The first pass reads, mends and judges each pair by itself, in several processes, and puts what is kept into a temporary
store. Then the split decides, by hashes alone, what becomes of each pair, and the second pass writes it where it
belongs.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from typing import NamedTuple

from nmt.corpus.workers import Service, answers_in_order, available_processors
from nmt.errors import ConfigError, DataError, Problem
from nmt.io.atomic_files import make_directory, new_directory
from nmt.preparation.cleaning import CleanedPairs, CleaningLevel, CleaningRules, RawPairs, begin_cleaning
from nmt.preparation.configuration import data_section, valid_name, write_configuration
from nmt.preparation.inputs import input_facts
from nmt.preparation.language_codes import language_problem
from nmt.preparation.languages import Orientation, SideLanguage
from nmt.preparation.output import CONFIGURATION, REJECTED, REPORT, check_output
from nmt.preparation.readers.corpus import Circumstances, read_corpus
from nmt.preparation.readers.names import Languages
from nmt.preparation.rejections import Rejections
from nmt.preparation.report import (
    InputFacts,
    KindTally,
    LengthSummary,
    MendExample,
    PreparationReport,
    SideFacts,
    length_facts,
    main_reasons,
)
from nmt.preparation.right_size import RightSize, TrialOptions, right_size
from nmt.preparation.sets import TrainingSample, write_sets
from nmt.preparation.splitting import HeldOutCandidates, HeldOutSizes, Splitter, default_size
from nmt.preparation.store import Fate, PairColumns, PairStore
from nmt.training.progress import count_until_stopped
from nmt.training.signals import StopRequest

logger = logging.getLogger(__name__)

_WORK, _STORE, _COPIES = "work", "pairs", "inputs"  # temporary folders: of the pairs, and of copies of inputs


@dataclass(frozen=True)
class PreparationOptions:
    """How a corpus is prepared."""

    source_language: str
    target_language: str
    minutes: float  # that the training should take
    machine: TrialOptions  # that it will run on
    validation: int | None = None  # sentences; None for what suits the corpus
    test: int | None = None
    clean: CleaningLevel = CleaningLevel.SAFE
    seed: int = 1
    overwrite: bool = False
    quiet: bool = False

    @property
    def languages(self) -> tuple[str, str]:
        """Source and target language."""
        return self.source_language, self.target_language


class Prepared(NamedTuple):
    """What was prepared, and the recipe to train on it."""

    report: PreparationReport
    sized: RightSize
    warnings: tuple[str, ...]  # what makes a training disappoint, with what to do


def prepare(inputs: Sequence[str], output: Path, options: PreparationOptions, stop: StopRequest) -> Prepared:
    """Prepares the corpus of the inputs in the folder `output`, which appears whole or not at all.

    Raises:
        ConfigError: the options or the folder cannot be used.
        DataError: the inputs are no corpus, or have too few pairs that can be learned from.
        InputFileError: an input is missing or cannot be read.
        NmtError: the errors that training would end with.
        StorageError: the disk is full, or the folder cannot be written.
        StoppedError: a signal came; nothing is left.
    """
    _check_languages(options.languages)
    replaces = check_output(output, inputs, overwrite=options.overwrite)
    final = output.resolve()
    with _parents_of(final), new_directory(final, replace=replaces) as folder:
        preparation = _Preparation(inputs, output, folder, options, stop)
        report = preparation.run()
        # Read under their present names, and written under those that they will have.
        here, there = (data_section(one, options.languages, with_test=report.test > 0) for one in (folder, output))
        sized = right_size(here, options.minutes, options.machine, stop)
        run = {"name": valid_name(output, options.languages), "seed": options.seed}
        write_configuration(folder / CONFIGURATION, sized, run, there)
        text = json.dumps(report.to_json(), ensure_ascii=False, allow_nan=False, indent=1)
        (folder / REPORT).write_text(f"{text}\n", encoding="utf-8")
        stop.check()
    return Prepared(report, sized, (*_language_warnings(report), *sized.warnings()))


def _language_warnings(report: PreparationReport) -> Iterator[str]:
    for option, side in (("--source-language", report.source), ("--target-language", report.target)):
        expected, found = side.language.expected, side.language.looks_like
        if found != expected:
            advice = f"if it is, prepare it again with {option} {found} and --overwrite; if not, look into the files"
            yield f"{option} {expected}: that side looks like {found}; {advice}"


@contextmanager
def _parents_of(folder: Path) -> Iterator[None]:
    """Makes the missing folders above a folder; those go again if what is done inside fails."""
    missing = [parent for parent in folder.parents if not parent.exists()]
    try:
        make_directory(folder.parent)
        yield
    except BaseException:
        for parent in missing:
            with suppress(OSError):
                parent.rmdir()
        raise


def _check_languages(languages: tuple[str, str]) -> None:
    problems = [
        problem
        for option, language in zip(("--source-language", "--target-language"), languages, strict=True)
        if (problem := language_problem(option, language))
    ]
    if not problems and languages[0].casefold() == languages[1].casefold():
        problems = [Problem("--target-language", f"is the source language, too: {languages[1]}; expected another")]
    if problems:
        raise ConfigError.from_problems(problems)


class _Found(NamedTuple):
    """What the first pass found besides the pairs in the store."""

    read: int
    mended: KindTally
    swapped: tuple[str, ...]


class _Preparation:
    """One preparation in a temporary folder."""

    def __init__(
        self, inputs: Sequence[str], output: Path, folder: Path, options: PreparationOptions, stop: StopRequest
    ) -> None:
        self._inputs = inputs
        self._output = output
        self._folder = folder
        self._options = options
        self._stop = stop
        self._names: list[str] = []  # of files, by their number

    def run(self) -> PreparationReport:
        """Writes the sets and the rejected pairs, and returns the report on them."""
        work = self._folder / _WORK
        for name in (_STORE, _COPIES):
            (work / name).mkdir(parents=True)
        with (
            PairStore(work / _STORE) as store,
            Rejections(self._folder / REJECTED, str(self._output / REJECTED), self._place) as rejections,
        ):
            found = self._first_pass(store, rejections)
            splitter = Splitter(store, self._options.seed, self._stop.check)
            candidates = self._split(splitter, found, rejections.tally)
            with self._progress("writing") as progress:
                sample = write_sets(
                    store, splitter.columns, self._folder, self._options.languages, rejections, progress
                )
        report = self._report(found, splitter.columns, candidates, rejections.tally, sample)
        del splitter, candidates
        rmtree(work)
        return report

    def _progress(self, what: str) -> AbstractContextManager[Callable[[int], None]]:
        return count_until_stopped(what, "pairs", self._stop, quiet=self._options.quiet)

    def _place(self, file: int, number: int) -> str:
        return f"{self._names[file]}:{number}"

    def _first_pass(self, store: PairStore, rejections: Rejections) -> _Found:
        rules = CleaningRules.for_languages(self._options.clean, self._options.languages)
        orientation = Orientation(self._options.languages)
        mended = KindTally()
        read = 0
        with (
            self._progress("preparing") as progress,
            closing(self._batches()) as raw,
            closing(_cleaned(orientation.oriented(raw), rules)) as cleaned,
        ):
            for _, pairs in cleaned:
                store.add(pairs)
                for rejected in pairs.rejected:
                    rejections.add(rejected.reason, pairs.file, rejected.number, rejected.source, rejected.target)
                for kind, count in pairs.mended.items():
                    mended.add(kind, count)
                    for text in pairs.mend_examples[kind]:
                        if mended.wants_example(kind):
                            place = self._place(pairs.file, text.number)
                            mended.add_example(kind, MendExample(place, text.before, text.after))
                read += pairs.read
                progress(read)
        swapped = tuple(self._names[file] for file, is_swapped in orientation.swapped.items() if is_swapped)
        for name in swapped:
            source, target = self._options.languages
            logger.warning("%s: has %s before %s; its sides were exchanged", name, target, source)
        return _Found(read, mended, swapped)

    def _batches(self) -> Generator[RawPairs]:
        numbers: dict[str, int] = {}
        copies = self._folder / _WORK / _COPIES
        given = Circumstances(Languages(self._options.languages), copies, logger.warning, self._stop.check)
        for batch in read_corpus(self._inputs, given):
            if batch.file not in numbers:
                numbers[batch.file] = len(self._names)
                self._names.append(batch.file)
            yield RawPairs(numbers[batch.file], batch.numbers, batch.sources, batch.targets, batch.too_long)

    def _split(self, splitter: Splitter, found: _Found, rejected: KindTally) -> HeldOutCandidates:
        if self._options.clean == CleaningLevel.STRICT:
            splitter.leave_out_deviating()
            splitter.leave_out_nearly_repeated()
        elif self._options.clean == CleaningLevel.SAFE:
            splitter.leave_out_repeated()
        candidates = splitter.find_candidates()
        sizes = self._sizes(candidates.sentences, found, main_reasons(rejected, splitter.columns))
        reached = splitter.hold_out(candidates, sizes)
        training = splitter.columns.fates()[Fate.TRAINING]
        if reached != sizes or not training:
            what = (
                f"{candidates.sentences:,} different sentences do not suffice for {sizes.validation:,} of validation, "
                f"{sizes.test:,} of test and others to train on, since their translations are the same or those of one "
                "another; ask for fewer with --validation and --test, or take more pairs"
            )
            raise DataError(self._where, what)
        return candidates

    def _sizes(self, sentences: int, found: _Found, reasons: str) -> HeldOutSizes:
        given = (self._options.validation, self._options.test)
        usual = default_size(sentences)
        sizes = HeldOutSizes(max(1, usual) if given[0] is None else given[0], usual if given[1] is None else given[1])
        if sum(sizes) < sentences:
            return sizes
        counted = f"{found.read:,} pairs were read, and {sentences:,} different source sentences are left"
        if reasons:
            counted += f" (left out: {reasons})"
        if not found.read:
            counted = "has no pairs"
        what = f"{counted}; expected more than {sum(sizes):,}: {sizes.validation:,} for validation"
        what += f", {sizes.test:,} for test, and some to train on"
        raise DataError(self._where, what)

    @property
    def _where(self) -> str:
        return ", ".join(self._inputs)

    def _report(
        self,
        found: _Found,
        columns: PairColumns,
        candidates: HeldOutCandidates,
        rejected: KindTally,
        sample: TrainingSample,
    ) -> PreparationReport:
        counts = columns.fates()
        words, target_words, characters, target_characters = length_facts(columns)
        languages = self._options.languages
        inputs: tuple[InputFacts, ...] = tuple(input_facts(path, self._stop.check) for path in self._inputs)
        return PreparationReport(
            seed=self._options.seed,
            clean=str(self._options.clean),
            source_language=languages[0],
            target_language=languages[1],
            inputs=inputs,
            swapped=found.swapped,
            read=found.read,
            training=counts[Fate.TRAINING],
            validation=counts[Fate.VALIDATION],
            test=counts[Fate.TEST],
            sentences=candidates.sentences,
            rejected=rejected,
            mended=found.mended,
            source=_side_facts(words, characters, sample.sources, languages[0]),
            target=_side_facts(target_words, target_characters, sample.targets, languages[1]),
        )


def _side_facts(words: LengthSummary, characters: LengthSummary, texts: list[str], language: str) -> SideFacts:
    count = 0
    different: set[str] = set()
    for text in texts:
        found = text.split()
        count += len(found)
        different.update(found)
    return SideFacts(words, characters, count, len(different), SideLanguage.from_texts(language, texts))


def _cleaned(batches: Iterator[RawPairs], rules: CleaningRules) -> Generator[tuple[RawPairs, CleanedPairs]]:
    """Yields the batches with what cleaning makes of them, in several processes."""
    service = Service(begin_cleaning, rules, "cleans text")
    return answers_in_order(batches, lambda batch: batch, begin_cleaning(rules), service, available_processors())
