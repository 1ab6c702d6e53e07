"""From traces to the page; the programs beside this module draw what is put together here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nmt.alignment.words import word_attention, words_of_parts
from nmt.config import Config
from nmt.errors import DataError
from nmt.translation.decoding_trace import AttendedLine, DecodingTrace
from nmt.visualization.page import Asset, self_contained_page

MOST_LINES = 200
"""Lines at most that a page shows."""

MOST_NUMBERS = 1 << 21
"""Scores, weights and numbers of hidden states at most that a page holds: a file of some 30 megabytes."""

SHOWN_OF_A_HALF = 24
"""Numbers shown of each half of a hidden state."""

_PROGRAMS = (
    *("view", "words", "strips", "explanation", "units", "ribbons", "sentences", "matrix"),
    *("stepper", "walk", "states", "follow", "fixed", "softmax", "choices", "main"),
)


@dataclass(frozen=True)
class Subject:
    """What the page tells of the model and the search beside the traces.

    Attributes:
        unit: `word` or `token`: what ribbons and matrix are drawn of at first.
    """

    config: Config
    beam_size: int
    length_penalty: float
    unit: str = "word"


def attention_page(lines: Sequence[AttendedLine], subject: Subject, place: str) -> str:
    """The page as HTML.

    Args:
        lines: what it shows, in this order.
        subject: whose translations they are.
        place: where the lines come from, by which an error names them.

    Raises:
        DataError: the lines have more attention than a page can hold.
    """
    parts = [part for line in lines for part in line.segments]
    state_size = parts[0].states.shape[1] if parts else 0
    shown = _shown(state_size)
    vectors = sum(len(part.states) + len(part.contexts) for part in parts)
    matrices = sum(part.scores.size + part.weights.size for part in parts)
    _check_size(matrices + vectors * len(shown), place)
    model = subject.config.model
    data = {
        "model": {
            "name": subject.config.name,
            "source_language": subject.config.data.source_language,
            "target_language": subject.config.data.target_language,
            "attention": model.attention,
            "conditional": model.decoder.conditional,
            "state_size": state_size,
            "shown": shown,
        },
        "unit": f"{subject.unit}s",
        "search": {"beam_size": subject.beam_size, "length_penalty": subject.length_penalty},
        "lines": [
            {
                "source": line.translation.source,
                "translation": line.translation.text,
                "score": line.translation.outputs[0].score if line.translation.outputs else 0.0,
                "parts": [_part(part, first, words, shown) for part, first, words in _parts(line)],
            }
            for line in lines
        ],
    }
    title = "A translation without attention" if model.attention == "none" else "How attention chooses words"
    package = __package__ or ""
    return self_contained_page(
        title,
        data,
        styles=[Asset(package, "attention.css")],
        scripts=[Asset(package, f"{name}.js") for name in _PROGRAMS],
    )


def check_tokens(tokens: int, config: Config, place: str) -> None:
    """Refuses a source whose hidden states alone are too many, before it is translated.

    Raises:
        DataError: as `attention_page`.
    """
    _check_size(tokens * len(_shown(2 * config.model.encoder.hidden_size)), place)


def _check_size(numbers: int, place: str) -> None:
    """Refuses what a page cannot hold."""
    if numbers > MOST_NUMBERS:
        what = f"has {numbers:,} numbers, more than a page can hold ({MOST_NUMBERS:,}); give it less text"
        raise DataError(place, what)


def _shown(size: int) -> list[int]:
    """The places of a hidden state that are shown: the first of its left-to-right half, and of the other."""
    half = size // 2
    return [start + place for start in (0, half) for place in range(min(half, SHOWN_OF_A_HALF))]


def _parts(line: AttendedLine) -> Iterator[tuple[DecodingTrace, int, list[str]]]:
    """The parts of a line, each with those of its words that are shown there, and the place of the first of them."""
    words = line.translation.source.split()
    places = words_of_parts([part.source_words for part in line.segments], len(words))
    for part, own in zip(line.segments, places, strict=True):
        yield part, own.start, words[own.start : own.stop]


def _part(part: DecodingTrace, first_word: int, source_words: list[str], shown: list[int]) -> dict[str, Any]:
    target_words = part.text.split()
    of_source = [word - first_word for word in part.source_words]
    words = np.zeros((0, 0))
    if part.weights.size and target_words:
        shape = len(target_words), len(source_words)
        words = word_attention(part.weights.astype(float), of_source, part.target_words, shape)
    return {
        "source_words": source_words,
        "target_words": target_words,
        "words": _rounded(words, 8),
        "source_tokens": list(part.source_tokens),
        "source_token_words": of_source,
        "target_tokens": [choice.token for choice in part.choices],
        "target_token_words": [*part.target_words, *[-1] * part.finished],
        "finished": part.finished,
        "scores": _rounded(part.scores, 6),
        "weights": [[_significant(weight) for weight in row] for row in part.weights.tolist()],
        "states": _rounded(part.states[:, shown], 4),
        "contexts": _rounded(part.contexts[:, shown], 4),
        "summary": _rounded(part.summary[shown], 4),
        "choices": [
            {
                "probability": _significant(choice.probability),
                "rank": choice.rank,
                "best": [[token, _significant(probability)] for token, probability in choice.best],
            }
            for choice in part.choices
        ],
        "vocabulary": part.vocabulary,
        "candidates": [candidate._asdict() for candidate in part.candidates],
    }


def _rounded(values: NDArray[Any], digits: int) -> list[Any]:
    # In float64, so that a number is written with no more digits than it has been rounded to.
    rounded: list[Any] = (np.asarray(values, dtype=float).round(digits) + 0.0).tolist()
    return rounded


def _significant(value: float) -> float:
    return float(f"{value:.8g}")
