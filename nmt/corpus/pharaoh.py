"""Given alignments in Pharaoh format: a line a pair, of links `i-j` of source word i and target word j, from 0."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np

from nmt.corpus.cleaning import PairFilter, clean_chunks
from nmt.corpus.encoding import Encoded, EncodedPairs, encode_pairs, id_type
from nmt.corpus.parallel import CorpusFiles, Pair, count_lines, read_pairs
from nmt.errors import DataError
from nmt.io.line_faults import LineFaults
from nmt.io.streams import read_lines
from nmt.tokenization.tokenizers import Tokenizers

_LINK = re.compile(r"(\d{1,9})-(\d{1,9})", re.ASCII)

WordLinks = list[tuple[int, int]]
"""Links of source and target words, counted from 0."""


class LinkedPair(NamedTuple):
    """A pair with the links of its words."""

    pair: Pair
    links: WordLinks


def check_line_count(files: CorpusFiles, paths: Sequence[str], tick: Callable[[], None] = lambda: None) -> None:
    """Raises DataError unless alignments have as many lines, over all their files, as a corpus has."""
    lines, pairs = (sum(count_lines(path, tick) for path in some) for some in (paths, files.source))
    if lines != pairs:
        raise DataError(", ".join(paths), f"{lines} lines of alignments, but the training corpus has {pairs}")


def read_linked_pairs(files: CorpusFiles, paths: Sequence[str], warn: Callable[[str], None]) -> Iterator[LinkedPair]:
    """Yields the pairs of a corpus with their links, in order, with none left out.

    Raises:
        DataError: lines hold what are no links, or links of words that are not there, or there are more or fewer lines
            than pairs; names the lines as `LineFaults` does.
        InputFileError: a file cannot be read.
    """
    faults = LineFaults("a file of alignments")
    lines = chain.from_iterable(((path, line) for line in read_lines(path, warn)) for path in paths)
    for pair in read_pairs(files, warn):
        if (following := next(lines, None)) is None:
            check_line_count(files, paths)
            raise DataError(", ".join(paths), "changed while it was being read")
        path, line = following
        links, what = _links(line.unmarked, pair)
        faults.look_at(f"{path}:{line.number}", what)
        if faults.are_enough:
            break
        if not faults:
            yield LinkedPair(pair, links)
    faults.check()
    if next(lines, None) is not None:
        check_line_count(files, paths)


def _links(text: str, pair: Pair) -> tuple[WordLinks, str]:
    """Returns the links of a line, and what is wrong with it, if anything is."""
    links = []
    words = len(pair.source.split()), len(pair.target.split())
    for written in text.split():
        match = _LINK.fullmatch(written)
        if match is None:
            return [], f"{written!r:.40} is no link; expected source-target, such as 0-0, parted by spaces"
        link = int(match[1]), int(match[2])
        # Of a line that is too long, no word was read.
        if not pair.too_long and (link[0] >= words[0] or link[1] >= words[1]):
            return [], f"{written} is a link beyond the {words[0]} source and {words[1]} target words of its pair"
        links.append(link)
    return links, ""


def token_links(
    files: CorpusFiles,
    paths: Sequence[str],
    tokenizers: Tokenizers,
    pair_filter: PairFilter,
    warn: Callable[[str], None],
    progress: Callable[[int], None],
) -> Iterator[EncodedPairs]:
    """Yields the links of tokens of the pairs that a corpus keeps, as `nmt.corpus.ibm_alignment.align_corpus` does.

    Each token of a target word is linked to each token of the source words that the word is linked to.

    Raises as `read_linked_pairs` does. `progress` is called now and then with the number of pairs read; what it raises
    ends the work.
    """
    waiting: deque[LinkedPair] = deque()

    def pairs() -> Iterator[Pair]:
        for linked in read_linked_pairs(files, paths, warn):
            waiting.append(linked)
            yield linked.pair

    kind, read = id_type(pair_filter.max_length + 1), 0
    for chunk in clean_chunks(pairs(), pair_filter.drop_duplicates):
        left_out = pair_filter.reasons(encode_pairs(tokenizers, chunk.sources, chunk.targets))
        kept = {place for number, place in enumerate(chunk.places) if number not in left_out}
        linked = [waiting.popleft() for _ in range(chunk.read)]
        yield _encoded([_of_tokens(one, tokenizers) for one in linked if one.pair[:2] in kept], kind)
        read += chunk.read
        progress(read)


def _of_tokens(linked: LinkedPair, tokenizers: Tokenizers) -> WordLinks:
    """Returns the links of a pair's tokens, its end marks included, ordered by target and then by source."""
    source, target = (
        tokenizer.encode_with_words(text)[1]
        for tokenizer, text in zip(tokenizers, (linked.pair.source, linked.pair.target), strict=True)
    )
    of_word: dict[int, list[int]] = {}
    for token, word in enumerate(source):
        of_word.setdefault(word, []).append(token)
    words: dict[int, set[int]] = {}
    for source_word, target_word in linked.links:
        words.setdefault(target_word, set()).update(of_word.get(source_word, ()))
    links = [(token, place) for place, word in enumerate(target) for token in sorted(words.get(word, ()))]
    return [*links, (len(source), len(target))]


def _encoded(links: list[WordLinks], kind: np.dtype[np.int64]) -> EncodedPairs:
    lengths = np.fromiter(map(len, links), np.int64, len(links))
    joined = np.array([link for of_pair in links for link in of_pair], kind).reshape(-1, 2)
    return EncodedPairs(Encoded(joined[:, 0].copy(), lengths), Encoded(joined[:, 1].copy(), lengths.copy()))
