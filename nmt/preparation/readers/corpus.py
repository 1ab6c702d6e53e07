"""The pairs of a corpus, whatever files it is distributed in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from nmt.preparation.readers.archives import TarMembers, ZipMembers, members_of
from nmt.preparation.readers.batches import PairBatch
from nmt.preparation.readers.catalogues import read_po, read_xliff
from nmt.preparation.readers.csv_tables import read_csv
from nmt.preparation.readers.lines import read_columns, read_line_pairs
from nmt.preparation.readers.names import Languages
from nmt.preparation.readers.parquet import read_parquet
from nmt.preparation.readers.selection import Form, Reading, readings_of_archive, readings_of_inputs
from nmt.preparation.readers.sources import Source, file_source
from nmt.preparation.readers.test_sets import read_test_set, read_test_set_pair
from nmt.preparation.readers.tmx import read_tmx


@dataclass(frozen=True)
class Circumstances:
    """What readers need besides files."""

    languages: Languages
    workspace: Path  # a folder for copies of what cannot be read where it is
    warn: Callable[[str], None]
    tick: Callable[[], None]  # called now and then; what it raises ends the work


def read_corpus(inputs: Sequence[str], given: Circumstances) -> Iterator[PairBatch]:
    """Yields the pairs of all inputs, file by file, in bounded memory.

    Each input is looked at before the first pair is yielded. The caller removes what stays in the workspace.

    Raises:
        DataError: an input has no pairs of the two languages, or an archive is not to be trusted.
        InputFileError: an input is missing, damaged or cut short.
        StorageError: the disk is full.
    """
    with ExitStack() as resources:
        steps: list[Callable[[], Iterator[PairBatch]]] = []
        plain: list[tuple[int, Source]] = []
        for path in inputs:
            source = file_source(path, given.workspace, given.tick)
            members = members_of(source, given.workspace, given.tick)
            if members is None:
                plain.append((len(steps), source))
            else:
                resources.enter_context(members)
                readings = readings_of_archive(source.name, members.examined(), given.languages)
                steps.append(partial(_read_archive, members, readings, given))
        # Among the archives, where the first of its files stands.
        readings = readings_of_inputs([source for _, source in plain], given.languages)
        position = {id(source): place for place, source in plain}
        for reading in reversed(readings):
            place = min(position[id(source)] for source in reading.sources)
            steps.insert(place, partial(_read, reading, given))
        for step in steps:
            yield from step()


def _read_archive(
    members: ZipMembers | TarMembers, readings: list[Reading], given: Circumstances
) -> Iterator[PairBatch]:
    chosen = [source for reading in readings for source in reading.sources]
    with members.stored(chosen) as stored:
        found = iter(stored)
        for reading in readings:
            yield from _read(reading._replace(sources=tuple(next(found) for _ in reading.sources)), given)


def _read(reading: Reading, given: Circumstances) -> Iterator[PairBatch]:
    one, other = reading.sources[0], reading.sources[-1]
    if reading.form is Form.COLUMNS:
        return read_columns(one, given.languages, given.warn)
    if reading.form is Form.CSV:
        return read_csv(one, given.languages, given.warn)
    if reading.form is Form.LINES:
        return read_line_pairs(one, other, given.languages, given.warn)
    if reading.form is Form.TMX:
        return read_tmx(one, given.languages, given.warn)
    if reading.form is Form.XLIFF:
        return read_xliff(one, given.languages, given.warn)
    if reading.form is Form.PO:
        return read_po(one, given.languages, given.warn)
    if reading.form is Form.TEST_SET:
        return read_test_set(one, given.languages, given.warn)
    if reading.form is Form.TEST_SET_PAIR:
        return read_test_set_pair(one, other, given.languages, given.warn)
    return read_parquet(one, given.languages, given.workspace, given.tick)
