"""Translations with an attention that is written down."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from nmt.translation.result import Output, SegmentAttention, Translation


def translation(source: str, pieces: str, looks: Sequence[int], **others: object) -> Translation:
    """A line and its translation in `pieces`, each of which looked almost only at the source word that `looks` names.

    Each source word is one token. `⁇` in a piece makes it unknown.
    """
    tokens = tuple(pieces.split())
    text = "".join(tokens).replace("▁", " ").strip()
    words = len(source.split())
    weights = np.full((len(tokens), words + 1), 0.1 / words, dtype=np.float32)
    weights[np.arange(len(tokens)), looks] += 0.9 - 0.1 / words
    of_tokens, word = [], -1
    for token in tokens:
        word += token.startswith("▁") or word < 0
        of_tokens.append(word)
    unknown = tuple(place for place, token in enumerate(tokens) if "⁇" in token)
    segment = SegmentAttention(weights, tuple(range(words)), tuple(of_tokens), range(len(text.split())), unknown)
    return Translation(source, (Output(text, -1.0, -2.0, tokens, (segment,), **others),))  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def make_translation() -> Callable[..., Translation]:
    return translation
