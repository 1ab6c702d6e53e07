"""The attention of a translation, part by part, in the units a reader asks for."""

from __future__ import annotations

from collections.abc import Iterator

from nmt.alignment.words import Weights
from nmt.cli.formats.translations import END, attention_of_parts
from nmt.translation.result import Output, Translation


def attention_in(unit: str, translation: Translation, output: Output) -> Iterator[tuple[list[str], list[str], Weights]]:
    """Source units, target units and (target, source) weights, rows summing to 1, of each part of the line.

    Args:
        unit: word (between white space; the end mark of the source is left out) or token (with the end mark).
        translation, output: a line and one of its translations; without attention in the model nothing is given.
    """
    return attention_of_parts(translation, output) if unit == "word" else _of_tokens(translation, output)


def _of_tokens(translation: Translation, output: Output) -> Iterator[tuple[list[str], list[str], Weights]]:
    source = target = 0
    for part in output.segments or ():
        sources = [*translation.source_tokens[source : source + len(part.source_words)], END]
        targets = list(output.tokens[target : target + len(part.target_words)])
        source, target = source + len(part.source_words), target + len(part.target_words)
        if targets:
            yield sources, targets, part.weights.astype(float)
