"""Translations that no model made: of words in other letters, in any order, with any attention."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np

from nmt.translation.result import Output, SegmentAttention, Translation

LETTERS = "абвгдежзик"
HOSTILE = ("", "  ", "абв %s где", "абв {x}", "<b>абв</b>", "абв &amp;", "где http://x.org/")
"""What a model may write that must not come into a document."""


def same(lines: Sequence[str]) -> list[Translation]:
    """Translations that change nothing."""
    return [Translation(line, (Output(line, 0.0, 0.0, (), None),)) for line in lines]


def capitals(lines: Sequence[str]) -> list[Translation]:
    """Translations that are the lines in capitals."""
    return [Translation(line, (Output(line.upper(), 0.0, 0.0, (), None),)) for line in lines]


def made_up(line: str, generator: random.Random, *, attention: bool, hostile: float = 0.0) -> Translation:
    """A translation of a line, in letters of its own."""
    if generator.random() < hostile:
        text = generator.choice(HOSTILE)
        return Translation(line, (Output(text, -1.0, -1.0, (), None),))
    count = max(1, len(line.split()) + generator.randint(-3, 3))
    words = ["".join(generator.choices(LETTERS, k=generator.randint(1, 9))) for _ in range(count)]
    text = " ".join(words) + generator.choice(["", ".", " !", "»"])
    if generator.random() < 0.2:
        text = text.replace(" ", ", ", 1)
    if not attention:
        return Translation(line, (Output(text, -1.0, -1.0, (), None),))
    source, target = line.split(), text.split()
    # The line in one segment or two, as one that was cut has.
    cut = (
        generator.randint(1, len(source) - 1) if len(source) > 1 and len(target) > 1 and generator.random() < 0.3 else 0
    )
    ends = [(0, cut), (cut, len(source))] if cut else [(0, len(source))]
    middle = generator.randint(1, len(target) - 1) if cut else 0
    target_ends = [(0, middle), (middle, len(target))] if cut else [(0, len(target))]
    numbers = np.random.default_rng(generator.randrange(1 << 30))
    segments, tokens, source_tokens = [], [], []
    for (first, last), (begin, end) in zip(ends, target_ends, strict=True):
        of_source = [word for word in range(first, last) for _ in range(1 + (len(source[word]) > 4))]
        of_target = [word for word in range(begin, end) for _ in range(1 + (len(target[word]) > 4))]
        weights = numbers.dirichlet(np.full(len(of_source) + 1, 0.2), len(of_target)).astype(np.float32)
        segments.append(SegmentAttention(weights, tuple(of_source), tuple(of_target), range(begin, end)))
        source_tokens += ["▁ab"] * len(of_source)
        tokens += ["▁ab"] * len(of_target)
    return Translation(line, (Output(text, -1.0, -1.0, tuple(tokens), tuple(segments)),), tuple(source_tokens))
