"""Hashes that reveal changes: of the text that a store is made from, and of the store itself."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path

from nmt.corpus.cleaning import PairFilter
from nmt.corpus.parallel import CorpusFiles
from nmt.corpus.store import FORMAT, Store, new_digest
from nmt.errors import InputFileError
from nmt.tokenization.tokenizers import Tokenizers

BLOCK_BYTES = 1 << 23


def corpus_fingerprint(
    files: CorpusFiles, tokenizers: Tokenizers, pair_filter: PairFilter, tick: Callable[[], None]
) -> str:
    """Hashes all that a store is made from: contents of files, tokenizers, filter, and the format of the store.

    `tick` is called now and then; what it raises ends the work.

    Raises:
        InputFileError: a file cannot be read.
    """
    models = [hashlib.blake2b(tokenizer.model).hexdigest() for tokenizer in tokenizers]
    digests = {path: text_digest(path, tick) for path in files.paths}
    contents = [[digests[path] for path in paths] for paths in (files.source, files.target)]
    columns = [files.columns] if any(files.columns) else []
    parts = json.dumps([FORMAT, asdict(pair_filter), models, contents, *columns])
    return hashlib.blake2b(parts.encode(), digest_size=32).hexdigest()


def pairs_fingerprint(pairs: Iterable[tuple[str, str]]) -> str:
    """Hashes the text of pairs, wherever it is stored."""
    digest = hashlib.blake2b(digest_size=32)
    for pair in pairs:
        digest.update(json.dumps(pair).encode() + b"\n")
    return digest.hexdigest()


def is_intact(store: Store, tick: Callable[[], None]) -> bool:
    """Returns True if the files of a store hold what was written; `tick` as for `corpus_fingerprint`."""
    try:
        return all(_file_digest(store.directory / name, tick) == digest for name, digest in store.digests.items())
    except OSError:
        return False


def text_digest(path: str, tick: Callable[[], None]) -> str:
    """Hashes a file's bytes; `tick` as for `corpus_fingerprint`. Raises InputFileError if it cannot be read."""
    try:
        return _file_digest(Path(path), tick)
    except OSError as error:
        raise InputFileError(path, f"cannot be read: {error.strerror or error}") from error


def _file_digest(path: Path, tick: Callable[[], None]) -> str:
    digest = new_digest()
    with path.open("rb", buffering=0) as stream:
        while block := stream.read(BLOCK_BYTES):
            digest.update(block)
            tick()
    return digest.hexdigest()
