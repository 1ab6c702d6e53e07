"""Building a store of token ids from files of parallel text."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nmt.corpus.adoption import find_store
from nmt.corpus.cleaning import PairFilter, clean_chunks
from nmt.corpus.encoding import Chunk, Encoded, EncodedPairs, encode_in_order, id_type
from nmt.corpus.fingerprint import corpus_fingerprint
from nmt.corpus.parallel import CorpusFiles, Pair, read_pairs
from nmt.corpus.report import Place, Report, Tally
from nmt.corpus.store import Store, StoreWriter
from nmt.errors import DataError
from nmt.io.atomic_files import make_directory, new_directory, remove_stale_temporaries
from nmt.tokenization.tokenizers import Tokenizers

logger = logging.getLogger(__name__)


def build_corpus(
    directory: Path,
    files: CorpusFiles,
    tokenizers: Tokenizers,
    pair_filter: PairFilter,
    *,
    processes: int,
    progress: Callable[[int], None],
    warn: Callable[[str], None],
    fingerprint: str | None = None,
    elsewhere: Iterable[Path] = (),
) -> Store:
    """Tokenises a corpus into a store, unless the store is there already and nothing has changed.

    Args:
        directory: where the store goes. Whatever is there is replaced at the end, and what a killed process left
            beside it is removed at the beginning, so only one process may do this at a time.
        files, tokenizers, pair_filter: the text, what makes tokens of it, and what decides which pairs to keep.
        processes: number of processes that encode; the store does not depend on it.
        progress: called several times a second with the number of pairs done. What it raises ends the work cleanly.
        warn: called with a message about lines that are not UTF-8.
        fingerprint: the `corpus_fingerprint` of all this, if the caller knows it already.
        elsewhere: folders of other stores; one of them that was made from all this is taken over.

    Raises:
        DataError: files that belong together have unequal numbers of lines, or no pair is left.
        InputFileError: a file is missing or cannot be read.
        StorageError: the disk is full, or `directory` cannot be written.
        MemoryExhaustedError, NmtError: a process that encoded text was killed, or ended by itself.
    """
    files.check_present()
    make_directory(directory.parent)
    remove_stale_temporaries(directory.parent)
    tick = partial(progress, 0)
    fingerprint = fingerprint or corpus_fingerprint(files, tokenizers, pair_filter, tick=tick)
    if found := find_store(directory, fingerprint, len(files.source), elsewhere, tick):
        store, place = found
        if place != directory:
            logger.info("training corpus: that of %s, which is of the same text", place)
        return store
    types = id_type(tokenizers.source.size), id_type(tokenizers.target.size)
    with new_directory(directory, replace=True) as temporary, StoreWriter(temporary, *types) as writer:
        pairs = read_pairs(files, warn)
        report = write_pairs(
            writer, pairs, files.source, tokenizers, pair_filter, processes=processes, progress=progress
        )
        if not report.kept:
            raise DataError(files.source[0], "no pair is left to train on: " + "; ".join(report.lines()))
        writer.finish(fingerprint, report)
    return Store.open(directory)


def write_pairs(
    writer: StoreWriter,
    pairs: Iterable[Pair],
    sources: Sequence[str],
    tokenizers: Tokenizers,
    pair_filter: PairFilter,
    *,
    processes: int,
    progress: Callable[[int], None],
) -> Report:
    """Appends the pairs that are kept to a store that is being written, and reports on all of them.

    `sources` are the names of the source files; the other arguments and errors are those of `build_corpus`.
    """
    tally = Tally(len(sources))
    chunks = clean_chunks(pairs, pair_filter.drop_duplicates)
    with closing(encode_in_order(chunks, tokenizers, processes)) as encoded_chunks:
        for chunk, encoded in encoded_chunks:
            kept = _tally(tally, chunk, sources, encoded, pair_filter)
            writer.append(EncodedPairs(_select(encoded.source, kept), _select(encoded.target, kept)))
            progress(tally.read)
    return tally.report()


def _tally(
    tally: Tally, chunk: Chunk, sources: Sequence[str], encoded: EncodedPairs, pair_filter: PairFilter
) -> NDArray[np.bool_]:
    """Counts a chunk's pairs, and returns a mask of those to keep.

    All of a chunk is counted here, and not when it is read, so that the report is in the order of the text.
    """
    tally.read += chunk.read
    reasons = pair_filter.reasons(encoded)
    left_out = chunk.left_out + [(reason, *chunk.places[number]) for number, reason in reasons.items()]
    for reason, file, line in sorted(left_out, key=lambda item: item[1:]):
        tally.leave_out(reason, Place(sources[file], line))
    kept = np.ones(len(chunk.places), np.bool_)
    kept[list(reasons)] = False
    for (file, _), is_kept in zip(chunk.places, kept.tolist(), strict=True):
        tally.by_file[file] += is_kept
    return kept


def _select(sentences: Encoded, kept: NDArray[np.bool_]) -> Encoded:
    return Encoded(sentences.ids[np.repeat(kept, sentences.lengths)], sentences.lengths[kept])
