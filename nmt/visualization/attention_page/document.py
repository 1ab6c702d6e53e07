"""The attention page from decoding traces: its data, which the programs beside this module draw."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nmt.alignment.word_attention import word_attention, words_by_segment
from nmt.config import Config
from nmt.errors import DataError
from nmt.translation.trace import SegmentTrace, Trace
from nmt.visualization.page.document import Asset, self_contained_page

MAX_LINES = 200
"""Maximum number of lines on a page."""

MAX_NUMBERS = 1 << 21
"""Maximum number of scores, weights and values of hidden states on a page: a file of some 30 megabytes."""

SHOWN_OF_A_HALF = 24
"""Number of values shown of each half of a hidden state."""

_HERE = __package__ or ""
_PROGRAMS = (
    *(
        "told_in_english",
        "told_in_korean",
        "view",
        "words",
        "averages",
        "strips",
        "scrolling",
        "explanation",
        "units",
        "ribbons",
        "sentences",
        "matrix",
    ),
    *("stepper", "walk", "query", "states", "follow", "fixed", "softmax", "choices", "chooser", "main"),
)

STYLES = (Asset(_HERE, "attention.css"),)
"""Style sheets of the view."""

VIEW = tuple(Asset(_HERE, f"{name}.js") for name in _PROGRAMS)
"""Programs of the view: behind them `showAttention(data, parent)` fills an element, again with each call."""

TITLE = "How attention chooses words"
TITLE_WITHOUT = "A translation without attention"


def attention_page(lines: Sequence[Trace], unit: str, where: str) -> str:
    """Makes the page as HTML; arguments and errors are those of `attention_data`."""
    data = attention_data(lines, unit, where)
    title = TITLE_WITHOUT if data["model"]["attention"] == "none" else TITLE
    return self_contained_page(title, data, styles=STYLES, scripts=[*VIEW, Asset(_HERE, "file.js")])


def attention_data(lines: Sequence[Trace], unit: str, where: str) -> dict[str, Any]:
    """Makes what the programs of the view draw, as JSON can hold it.

    Args:
        lines: to show, in this order, one at least; all of one model and one search.
        unit: `word` or `token`, of the ribbons and the matrix at first.
        where: origin of the lines, which errors name.

    Raises:
        DataError: the lines have more attention than a page can hold.
    """
    traces = [trace for line in lines for trace in line.segments]
    state_size = traces[0].states.shape[1] if traces else 0
    query_size = traces[0].queries.shape[1] if traces else 0
    shown = Shown(_of_halves(state_size), list(range(min(query_size, 2 * SHOWN_OF_A_HALF))))
    _check_size(sum(_count(trace, shown) for trace in traces), where)
    config, options = lines[0].config, lines[0].options
    model = config.model
    return {
        "model": {
            "name": lines[0].model_name,
            "source_language": config.data.source_language,
            "target_language": config.data.target_language,
            "attention": model.attention,
            "conditional": model.decoder.conditional,
            "state_size": state_size,
            "query_size": query_size,
            "shown": shown.of_states,
        },
        "unit": f"{unit}s",
        "search": {"beam_size": options.width, "length_penalty": options.search.length_penalty},
        "lines": [
            {
                "source": line.translation.source,
                "translation": line.translation.text,
                "score": line.translation.outputs[0].score if line.translation.outputs else 0.0,
                "parts": [_trace_data(trace, first, words, shown) for trace, first, words in _with_words(line)],
            }
            for line in lines
        ],
    }


def check_tokens(tokens: int, config: Config, where: str) -> None:
    """Refuses, as `attention_page` does, a source whose hidden states alone are too many, before it is translated."""
    _check_size(tokens * len(_of_halves(2 * config.model.encoder.hidden_size)), where)


class Shown(NamedTuple):
    """The indices that are shown of an encoder's hidden state, and of a query."""

    of_states: list[int]
    of_queries: list[int]


def _count(trace: SegmentTrace, shown: Shown) -> int:
    """Counts the numbers that a page shows of a trace."""
    vectors = (len(trace.states) + len(trace.contexts)) * len(shown.of_states)
    return vectors + len(trace.queries) * len(shown.of_queries) + trace.scores.size + trace.weights.size


def _check_size(numbers: int, where: str) -> None:
    if numbers > MAX_NUMBERS:
        raise DataError(
            where, f"has {numbers:,} numbers, more than a page can hold ({MAX_NUMBERS:,}); give it less text"
        )


def _of_halves(size: int) -> list[int]:
    """Returns the indices of a hidden state that are shown: the first of its left-to-right half, and of the other."""
    half = size // 2
    return [start + index for start in (0, half) for index in range(min(half, SHOWN_OF_A_HALF))]


def _with_words(line: Trace) -> Iterator[tuple[SegmentTrace, int, list[str]]]:
    """Yields the traces of a line, each with the index of its first source word, and its source words."""
    words = line.translation.source.split()
    ranges = words_by_segment([trace.source_words for trace in line.segments], len(words))
    for trace, shown in zip(line.segments, ranges, strict=True):
        yield trace, shown.start, words[shown.start : shown.stop]


def _trace_data(trace: SegmentTrace, first_word: int, source_words: list[str], shown: Shown) -> dict[str, Any]:
    target_words = trace.text.split()
    of_source = [word - first_word for word in trace.source_words]
    words = np.zeros((0, 0))
    if trace.weights.size and target_words:
        shape = len(target_words), len(source_words)
        weights = trace.weights[:, trace.tags :].astype(float)
        words = word_attention(weights, of_source, trace.target_words, shape)
    return {
        "source_words": source_words,
        "target_words": target_words,
        "words": _rounded(words, 8),
        "source_tokens": list(trace.source_tokens),
        "source_token_words": [-1] * trace.tags + of_source,
        "target_tokens": [choice.token for choice in trace.choices],
        "target_token_words": [*trace.target_words, *[-1] * trace.finished],
        "finished": trace.finished,
        "scores": _rounded(trace.scores, 6),
        "weights": [[_significant(weight) for weight in row] for row in trace.weights.tolist()],
        "states": _rounded(trace.states[:, shown.of_states], 4),
        "queries": _rounded(trace.queries[:, shown.of_queries], 4),
        "contexts": _rounded(trace.contexts[:, shown.of_states], 4),
        "summary": _rounded(trace.summary[shown.of_states], 4),
        "choices": [
            {
                "probability": _significant(choice.probability),
                "rank": choice.rank,
                "best": [[token, _significant(probability)] for token, probability in choice.best],
            }
            for choice in trace.choices
        ],
        "vocabulary": trace.vocabulary,
        "candidates": [candidate._asdict() for candidate in trace.candidates],
    }


def _rounded(values: NDArray[Any], digits: int) -> list[Any]:
    # In float64, so that a number is written with no more digits than it has been rounded to.
    return list((np.asarray(values, dtype=float).round(digits) + 0.0).tolist())


def _significant(value: float) -> float:
    return float(f"{value:.8g}")
