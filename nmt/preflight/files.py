"""Checks of the files that a configuration names: they exist, can be read, and have equal numbers of lines."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from nmt.config import Config
from nmt.corpus.parallel import CorpusFiles, Mark, absence, count_lines, unequal_lines
from nmt.errors import DataError, InputFileError, ModelError, Problem
from nmt.io.compression import compression_of
from nmt.preflight.contents import report_contents
from nmt.preflight.findings import Findings, Group
from nmt.tokenization.tokenizer import Tokenizer
from nmt.training.prepared_elsewhere import check_prepared

TRAINING, VALIDATION, TEST = "training", "validation", "test"

# Total size up to which files are read to their ends, in some seconds, to count their lines. Compressed ones hold
# several times as much, and take several times as long for it.
COUNTED_BYTES = 1 << 33
_COST_OF_COMPRESSED = 16

FEW_VALIDATION_PAIRS = 100
MANY_VALIDATION_PAIRS = 20_000


class PairSet(NamedTuple):
    """The pairs of one set: training, validation or test."""

    name: str
    files: CorpusFiles


def pair_sets(config: Config) -> list[PairSet]:
    """Returns the sets that a configuration names, training first."""
    data = config.data
    given = {TRAINING: data.train, VALIDATION: data.validation, TEST: filter(None, (data.test,))}
    sets = {name: tuple(files) for name, files in given.items()}
    return [PairSet(name, CorpusFiles.from_config(*files)) for name, files in sets.items() if files]


@dataclass
class FileInventory:
    """The state of the files. Those that are missing or unreadable are among the findings."""

    lines: dict[str, int] = field(default_factory=dict)  # numbers of lines of the files that were counted
    marks: dict[str, list[Mark]] = field(default_factory=dict)  # places in these
    missing: dict[str, Problem] = field(default_factory=dict)  # absent or not regular, and so must not be opened
    unreadable: set[str] = field(default_factory=set)  # not to their ends
    counted: bool = True  # True if lines were counted at all

    def pairs(self, files: CorpusFiles) -> int | None:
        """Returns the number of pairs that a training would read of these files; None if it was not counted."""
        if not self.lines.keys() >= {*files.source, *files.target}:
            return None
        return sum(min(self.lines[source], self.lines[target]) for source, target in files.pairs)


def check_files(config: Config, full: bool, findings: Findings, tick: Callable[[], None]) -> FileInventory:
    """Checks all files; counts the lines of large ones only if `full`. `tick` is called now and then."""
    sets = pair_sets(config)
    files = FileInventory()
    files.missing = {path: problem for path in _paths(sets) if (problem := absence(path))}
    files.counted = full or _text_bytes([path for path in _paths(sets) if path not in files.missing]) <= COUNTED_BYTES
    # First the files that training reads, then those that only `nmt eval` reads.
    for some in (sets[:2], sets[2:]):
        for path in _paths(some):
            if problem := files.missing.get(path):
                findings.error(Group.FILES, "unreadable", InputFileError.from_problems([problem]))
        for path in _paths(some) if files.counted else ():
            if path not in {*files.missing, *files.unreadable, *files.lines}:
                _count(path, files, findings, tick)
        for name, named in some:
            _check_counts(name, named, files, findings)
    if not files.counted:
        what = "the files are large: of each, only the beginning was read, and lines were not counted"
        findings.inform(Group.FILES, "not_counted", "", what, "--full reads everything")
    languages = (config.data.source_language, config.data.target_language)
    in_columns = {
        path for _, named in sets for path, columns in zip(named.source, named.columns, strict=True) if columns
    }
    texts = [path for path in _paths(sets) if path not in {*files.missing, *in_columns}]
    tables = in_columns | report_contents(texts, languages, findings)
    for source, target in chain.from_iterable(named.pairs for _, named in sets):
        if not (absence(source) or absence(target) or source in tables) and Path(source).samefile(target):
            what = f"the same file is source and target ({target})"
            findings.warn(Group.FILES, "same_file", source, what, "name the translation as target")
    for path in filter(None, (config.tokenizer.source_model, config.tokenizer.target_model)):
        with findings.catching(Group.FILES, "tokenizer_unreadable", InputFileError, ModelError):
            if problem := absence(path):
                raise InputFileError.from_problems([problem])
            Tokenizer.load(path)
    with findings.catching(Group.FILES, "unreadable", InputFileError):
        check_prepared(config.data.prepared)
    return files


def _paths(sets: Sequence[PairSet]) -> list[str]:
    return list(dict.fromkeys(path for _, named in sets for path in named.paths))


def _text_bytes(paths: Sequence[str]) -> int:
    return sum(Path(path).stat().st_size * (_COST_OF_COMPRESSED if compression_of(path) else 1) for path in paths)


def _count(path: str, files: FileInventory, findings: Findings, tick: Callable[[], None]) -> None:
    try:
        files.marks[path] = []
        files.lines[path] = count_lines(path, tick, files.marks[path])
    except InputFileError as error:
        files.unreadable.add(path)
        findings.error(Group.FILES, "unreadable", error)


def _check_counts(name: str, named: CorpusFiles, files: FileInventory, findings: Findings) -> None:
    counts = files.lines
    for source, target in named.pairs:
        if source in counts and target in counts and counts[source] != counts[target]:
            problem = unequal_lines(source, counts[source], target, counts[target])
            findings.error(Group.FILES, "unequal_lines", DataError.from_problems([problem]))
    pairs = files.pairs(named)
    if pairs == 0 and not any(counts[path] for path in named.source):
        findings.error(Group.FILES, "empty", DataError(", ".join(named.source), f"no lines to take for {name}"))
    elif pairs is not None:
        where = ", ".join(named.source)
        findings.inform(Group.FILES, "pairs", where, f"{pairs:,} pairs for {name}")
        if name == VALIDATION and pairs < FEW_VALIDATION_PAIRS:
            what = f"{pairs:,} pairs are few to choose the best checkpoint by: their scores are mostly chance"
            findings.warn(Group.FILES, "few_validation_pairs", where, what, "a thousand are plenty")
        if name == VALIDATION and pairs > MANY_VALIDATION_PAIRS:
            what = f"each validation will translate all {pairs:,} pairs"
            findings.warn(Group.FILES, "many_validation_pairs", where, what, "a thousand or two are enough")


def estimated_lines(path: str, lines: Sequence[str]) -> int:
    """Estimates the number of lines of a file from its size and from that of some of its lines."""
    text = "".join(f"{line}\n" for line in lines).encode(errors="replace")
    size = len(gzip.compress(text)) if compression_of(path) else len(text)
    return round(Path(path).stat().st_size * len(lines) / max(1, size))
