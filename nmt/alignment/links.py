"""Hard alignments: a link from each target word, or token, to the source word that it attends to most."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nmt.alignment.symmetrization import Link
from nmt.alignment.word_attention import Weights, word_blocks
from nmt.translation.result import Output

if TYPE_CHECKING:
    from nmt.translation.forced_decoding import ForcedPair


def hard_alignment(weights: Weights) -> list[Link]:
    """Links each row of (target, source) weights to its largest column; ordered by source then target."""
    return sorted((int(source), target) for target, source in enumerate(weights.argmax(axis=1)))


def output_links(output: Output, unit: str) -> list[Link]:
    """Returns the links of words or, where `unit` is token, of tokens; empty without attention."""
    return token_links(output) if unit == "token" else word_links(output)


def word_links(output: Output) -> list[Link]:
    """Returns the links of words, ordered by source then target; empty without attention.

    A word of nothing but what the tokenizer drops has no link.
    """
    segments = output.segments or ()
    with_tokens = {
        word for segment in segments for word in (*segment.target_words, *(word for _, word in segment.further_words))
    }
    return sorted(
        (source + source_word, target + target_word)
        for target, source, weights in word_blocks(segments)
        for source_word, target_word in hard_alignment(weights)
        if target + target_word in with_tokens
    )


def token_links(output: Output) -> list[Link]:
    """Returns the links of tokens, counted in the whole line, in the same order; the end mark has none."""
    links: list[Link] = []
    row = column = 0
    for segment in output.segments or ():
        of_segment = hard_alignment(segment.weights[:, :-1].astype(float))
        links += ((column + source, row + target) for source, target in of_segment)
        row, column = row + len(segment.target_words), column + len(segment.source_words)
    return sorted(links)


def pair_links(pair: ForcedPair, unit: str) -> list[Link]:
    """Returns the links of a given translation; empty without attention, and for a pair that is too large."""
    return [link for output in pair.translation().outputs for link in output_links(output, unit)]
