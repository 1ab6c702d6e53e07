"""Pairs of lines: columns parted by tabs, and two files of lines that translate each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from nmt.corpus.parallel import ready_pairs
from nmt.io.lines import ready_lines
from nmt.preparation.readers.batches import PairBatch
from nmt.preparation.readers.encodings import EncodingWatch
from nmt.preparation.readers.names import Languages
from nmt.preparation.readers.sources import TAG_LINE, Look, Source

_LINES_AT_ONCE = 4096

# Of lines that are parted by tabs, those columns that hold source and target, and how many need to be told apart.
_PLAIN_COLUMNS = (0, 1, 2)
_IDENTIFIED_COLUMNS = (1, 3, 4)


def read_columns(source: Source, languages: Languages, warn: Callable[[str], None]) -> Iterator[PairBatch]:
    """Yields the pairs of a file whose lines hold source and target in columns; a line without tab has no target.

    Raises:
        DataError: it is not UTF-8.
        InputFileError: it cannot be read to its end.
    """
    watch = EncodingWatch(source.name, languages, warn)
    first, second, cuts = _IDENTIFIED_COLUMNS if source.look is Look.IDENTIFIED_COLUMNS else _PLAIN_COLUMNS
    padding = [""] * (second + 1)
    with source.open() as stream:
        for lines in ready_lines(stream, watch.warn, _LINES_AT_ONCE):
            watch.look(lines)
            rows = [line.unmarked.split("\t", cuts) + padding for line in lines]
            too_long = frozenset(line.number for line in lines if line.too_long)
            numbers = [line.number for line in lines]
            yield PairBatch(source.name, numbers, [row[first] for row in rows], [row[second] for row in rows], too_long)
    watch.finish()


def read_line_pairs(
    source: Source, target: Source, languages: Languages, warn: Callable[[str], None]
) -> Iterator[PairBatch]:
    """Yields the pairs of two files, line by line; of training files of IWSLT, those that are no tags.

    Raises:
        DataError: one has more lines than the other; it tells both numbers. Or one is not UTF-8.
        InputFileError: one cannot be read to its end.
    """
    are_talks = Look.TALKS in (source.look, target.look)
    watches = [EncodingWatch(one.name, languages, warn) for one in (source, target)]

    def told(message: str) -> None:
        """Holds a warning back, which begins with the name of its file."""
        next(watch for watch in watches if message.startswith(f"{watch.name}:")).warn(message)

    with source.open() as of_source, target.open() as of_target:
        for pairs in ready_pairs(of_source, of_target, told, _LINES_AT_ONCE):
            for watch, lines in zip(watches, zip(*pairs, strict=True), strict=True):
                watch.look(lines)
            kept = [pair for pair in pairs if not (are_talks and any(TAG_LINE.fullmatch(one.text) for one in pair))]
            too_long = frozenset(one.number for one, other in kept if one.too_long or other.too_long)
            numbers = [one.number for one, _ in kept]
            texts = [one.unmarked for one, _ in kept], [other.unmarked for _, other in kept]
            if kept:
                yield PairBatch(source.name, numbers, *texts, too_long)
    for watch in watches:
        watch.finish()
