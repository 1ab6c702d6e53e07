"""Sentences of a line that its translation seems to leave out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from nmt.postprocessing.attention import attention_received
from nmt.postprocessing.editing import word_spans
from nmt.translation.result import Output, SegmentAttention
from nmt.translation.sentences import sentence_starts

LEAST_SHARE = 0.5
"""Attention of a sentence, per token and relative to the mean of its segment, below which it counts as left out."""

# More than can be sentences, for a full stop may be that of an abbreviation: an output with fewer lacks one.
_ENDS = re.compile(r"[.!?…]+|[。！？｡]+|[؟۔।॥։።]+")


def missing_sentences(source: str, output: Output) -> tuple[int, ...] | None:
    """Finds the source words of sentences that the output seems to leave out.

    A sentence is one of several in its segment, and received little attention, or is the one that received least where
    the output has fewer ends of sentences than the segment has sentences. A sentence that was translated alone is not
    missing.

    Returns:
        the words, ascending; none of them without attention, or without white space between sentences; None if nothing
        seems to be missing.
    """
    starts = sentence_starts(source)
    if not starts:
        return None
    spans = word_spans(source)
    bounds = [0, *(spans.word_at(start) for start in starts), len(spans.starts)]
    sentences = [range(first, stop) for first, stop in pairwise(bounds)]
    if not output.segments or not all(sentences):
        is_alone = len(output.segments or ()) > len(starts)
        return () if not is_alone and _has_fewer(output.text, len(sentences)) else None
    words = output.text.split()
    found = {word for segment in output.segments for word in _missing_in_segment(segment, sentences, words)}
    return tuple(sorted(found)) or None


def _missing_in_segment(segment: SegmentAttention, sentences: Sequence[range], words: Sequence[str]) -> Iterator[int]:
    """Yields the source words of the sentences that are missing in the translation of a segment."""
    begin, end = segment.source_words[0], segment.source_words[-1] + 1
    inside = [range(max(begin, one.start), min(end, one.stop)) for one in sentences]
    inside = [one for one in inside if one]
    if len(inside) < 2:
        return
    attention, tokens = attention_received([segment], end)
    mean = attention.sum() / max(1, tokens.sum())
    shares = {one: attention[one.start : one.stop].sum() / max(1, tokens[one.start : one.stop].sum()) for one in inside}
    missing = [one for one in inside if shares[one] < LEAST_SHARE * mean]
    text = " ".join(words[segment.words.start : segment.words.stop])
    if not missing and _has_fewer(text, len(inside)):
        missing = [min(inside, key=lambda one: shares[one])]
    for one in missing:
        yield from one


def _has_fewer(text: str, count: int) -> bool:
    """Returns whether a text has fewer ends of sentences; not, if it has none, as where they are not written."""
    return 0 < len(_ENDS.findall(text)) < count
