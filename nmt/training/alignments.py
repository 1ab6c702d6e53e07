"""The alignments that guide attention: made from the training corpus or from given ones, and kept in the run."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

from nmt.checkpoint.layout import ALIGNMENTS
from nmt.config import Config
from nmt.corpus.adoption import find_store
from nmt.corpus.encoding import EncodedPairs, id_type
from nmt.corpus.fingerprint import text_digest
from nmt.corpus.ibm_alignment import align_corpus
from nmt.corpus.parallel import CorpusFiles, absence
from nmt.corpus.pharaoh import check_line_count, token_links
from nmt.corpus.store import Store, StoreWriter
from nmt.errors import DataError, InputFileError
from nmt.io.atomic_files import new_directory
from nmt.tokenization.tokenizers import Tokenizers
from nmt.training.job import TrainingJob
from nmt.training.preparation import pair_filter_from_config
from nmt.training.prepared_elsewhere import prepared_elsewhere
from nmt.training.progress import count_until_stopped

logger = logging.getLogger(__name__)

FORMAT = 1


def check_alignment_files(config: Config, files: CorpusFiles, tick: Callable[[], None] = lambda: None) -> None:
    """Checks the files of alignments that will be used, if there are any, but not their lines.

    Raises InputFileError if one cannot be read, and DataError unless they have as many lines as the corpus.
    """
    paths = config.training.alignments
    if paths and config.training.guided_alignment:
        if problems := list(filter(None, map(absence, paths))):
            raise InputFileError.from_problems(problems)
        check_line_count(files, paths, tick)


def prepare_alignments(
    job: TrainingJob, files: CorpusFiles, store: Store, tokenizers: Tokenizers, expected: str = ""
) -> Store | None:
    """Links the tokens of the training corpus, unless that is done already; None if nothing is to be guided.

    In the store of these links, the ids of pair n are places of tokens in pair n of the corpus; number k of its source
    and number k of its target are a link. End marks are linked, too.

    A resumed training gives the fingerprint `expected`, of the alignments that it began with. Raises DataError if these
    are others, or lines of the given ones are wrong, and StoppedError once a signal has come.
    """
    config = job.config
    if not config.training.guided_alignment:
        if config.training.alignments:
            logger.warning("training.alignments: nothing is guided by them, as training.guided_alignment is 0")
        return None
    fingerprint = _fingerprint(config, store, job.stop.check)
    if expected and fingerprint != expected:
        where = ", ".join(config.training.alignments or (str(store.directory),))
        raise DataError(where, "the alignments changed since this run began; --restart begins anew with them")
    directory = job.run / ALIGNMENTS
    elsewhere = (place / ALIGNMENTS for place in prepared_elsewhere(job.run, config.data.prepared))
    if found := find_store(directory, fingerprint, len(store.report.by_file), elsewhere, job.stop.check):
        links, place = found
        here = place == directory
        logger.info("alignments: %s", "unchanged" if here else f"those of {place}, which are of the same corpus")
        return links
    kind = id_type(config.data.max_length + 1)
    with (
        count_until_stopped("aligning", "pairs", job.stop, quiet=job.quiet) as show,
        new_directory(directory, replace=True) as partial,
        StoreWriter(partial, kind, kind) as writer,
    ):
        for portion in _portions(config, files, store, tokenizers, show):
            writer.append(portion)
        writer.finish(fingerprint, store.report)
    return _opened(directory, store)


def _opened(directory: Path, store: Store) -> Store:
    links = Store.open(directory)
    if len(links) != len(store):
        raise DataError(str(directory), f"links of {len(links)} pairs; expected {len(store)}, as the corpus has")
    share = (links.target_tokens - 2 * len(links)) / (store.target_tokens - len(store))
    logger.info("alignments: %.2f links a target token", share)
    return links


def _portions(
    config: Config, files: CorpusFiles, store: Store, tokenizers: Tokenizers, show: Callable[[int], None]
) -> Iterator[EncodedPairs]:
    paths, pair_filter = config.training.alignments, pair_filter_from_config(config)
    if paths:
        # Reading the pairs has given the same warnings of the text.
        return token_links(files, paths, tokenizers, pair_filter, lambda _: None, show)
    logger.info("alignments: learning them from the training corpus, by IBM Model 1")
    return align_corpus(store, tokenizers, pair_filter.max_length, config.seed, show)


def _fingerprint(config: Config, store: Store, tick: Callable[[], None]) -> str:
    """Hashes all that the alignments are made from."""
    given = [text_digest(path, tick) for path in config.training.alignments or ()]
    parts = json.dumps([FORMAT, store.fingerprint, given or config.seed])
    return hashlib.blake2b(parts.encode(), digest_size=32).hexdigest()
