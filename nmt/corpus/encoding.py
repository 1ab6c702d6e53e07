"""Encoding text as token ids, in this process or in several."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nmt.corpus.report import Reason
from nmt.corpus.workers import Service, answers_in_order
from nmt.tokenization.tokenizer import Tokenizer
from nmt.tokenization.tokenizers import Tokenizers


class Encoded(NamedTuple):
    """Sentences as ids, one after the other."""

    ids: NDArray[Any]  # (tokens,), of the type that `id_type` returns
    lengths: NDArray[np.int64]  # (sentences,), number of tokens of each


class EncodedPairs(NamedTuple):
    """Encoded pairs: the sentences of both sides."""

    source: Encoded
    target: Encoded


def id_type(vocabulary_size: int) -> np.dtype[Any]:
    """Returns the smallest type that ids are stored as, with the same bytes on every machine."""
    return np.dtype("<u2") if vocabulary_size <= 1 << 16 else np.dtype("<i4")


def encode_pairs(tokenizers: Tokenizers, sources: list[str], targets: list[str]) -> EncodedPairs:
    """Encodes pairs of lines, without begin and end marks."""
    return EncodedPairs(_encode(tokenizers.source, sources), _encode(tokenizers.target, targets))


def _encode(tokenizer: Tokenizer, texts: list[str]) -> Encoded:
    sentences = tokenizer.encode(texts)
    lengths = np.fromiter(map(len, sentences), np.int64, len(sentences))
    return Encoded(np.fromiter(chain.from_iterable(sentences), id_type(tokenizer.size), int(lengths.sum())), lengths)


@dataclass
class Chunk:
    """Neighbouring pairs, to be encoded together, without those that are left out for their text alone."""

    read: int = 0  # number of pairs, including those left out
    left_out: list[tuple[Reason, int, int]] = field(default_factory=list)  # reason, file and line of each
    places: list[tuple[int, int]] = field(default_factory=list)  # file and line of each pair kept
    sources: list[str] = field(default_factory=list)  # of these
    targets: list[str] = field(default_factory=list)


def encode_in_order(
    chunks: Iterator[Chunk], tokenizers: Tokenizers, processes: int
) -> Generator[tuple[Chunk, EncodedPairs]]:
    """Yields each chunk with its ids, in order; each process has at most one chunk at a time.

    The caller closes the iterator (see `contextlib.closing`); otherwise its processes live until it is collected.

    Raises:
        MemoryExhaustedError: a process ran out of memory, or was killed, as the system does when memory runs out.
        NmtError: a process ended in another way.
    """
    service = Service(_begin_encoding, tokenizers.models, "encodes text")
    answered = answers_in_order(
        chunks,
        lambda texts: (texts.sources, texts.targets),
        lambda texts: encode_pairs(tokenizers, *texts),
        service,
        processes,
    )
    with closing(answered):
        yield from answered


def _begin_encoding(models: tuple[bytes, bytes | None]) -> Callable[[tuple[list[str], list[str]]], EncodedPairs]:
    tokenizers = Tokenizers.from_models(*models)
    return lambda texts: encode_pairs(tokenizers, *texts)
