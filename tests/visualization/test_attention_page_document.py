"""What the page of attention is made of."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

import nmt.visualization.attention_page.document
from nmt.config import from_yaml
from nmt.errors import DataError
from nmt.translation.options import TranslateOptions
from nmt.translation.result import Output, Translation
from nmt.translation.trace import Candidate, Choice, SegmentTrace, Trace
from nmt.visualization.attention_page.document import MAX_NUMBERS, attention_page, check_tokens

CONFIGURATION = """\
name: "<b>"
data:
  source_language: en
  target_language: fr
  train: {source: a, target: b}
  validation: {source: a, target: b}
"""
CONFIG = from_yaml(CONFIGURATION, "configuration")
QUERY_SIZE = 60


def make_line(source: str, target: str, *, size: int = 6) -> Trace:
    """A line whose words are single tokens, with numbers that agree with each other."""
    generator = np.random.default_rng(1)
    sources, targets = [*source.split(), "</s>"], [*target.split(), "</s>"]
    states = generator.normal(size=(len(sources), size)).astype(np.float32)
    scores = generator.normal(size=(len(targets), len(sources))).astype(np.float32)
    weights = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    part = SegmentTrace(
        text=target,
        source_tokens=tuple(sources),
        source_words=tuple(range(len(sources) - 1)),
        target_words=tuple(range(len(targets) - 1)),
        states=states,
        summary=states[0],
        queries=generator.normal(size=(len(targets), QUERY_SIZE)).astype(np.float32),
        scores=scores,
        weights=weights,
        contexts=weights @ states,
        choices=tuple(Choice(token, 0.5, 1, ((token, 0.5), ("other", 0.25))) for token in targets),
        vocabulary=9,
        candidates=(Candidate(target, -0.5, -2.0, True),),
    )
    return attended(Translation(source, (Output(target, -0.5, -2.0, tuple(targets), None),)), part)


def attended(translation: Translation, *segments: SegmentTrace) -> Trace:
    return Trace(translation, segments, CONFIG, TranslateOptions(CONFIG.search), "<i>")


def data_of(page: str) -> Any:
    """What the page holds as JSON."""
    found: list[str] = []

    class Reader(HTMLParser):
        def handle_data(self, data: str) -> None:
            if "application/json" in (self.get_starttag_text() or ""):
                found.append(data)

    Reader().feed(page)
    return json.loads("".join(found))


def test_rows_sum_to_one_and_the_context_is_the_sum_by_weights() -> None:
    data = data_of(attention_page([make_line("a b c", "x y")], "word", "TEXT"))
    [line] = data["lines"]
    [part] = line["parts"]
    np.testing.assert_allclose(np.sum(part["words"], axis=1), 1, atol=1e-7)
    np.testing.assert_allclose(np.sum(part["weights"], axis=1), 1, atol=1e-7)
    np.testing.assert_allclose(np.array(part["weights"]) @ part["states"], part["contexts"], atol=1e-3)
    assert (part["source_words"], part["target_words"]) == (["a", "b", "c"], ["x", "y"])
    assert part["source_token_words"] == [0, 1, 2] and part["target_token_words"] == [0, 1, -1]


def test_as_many_numbers_are_shown_of_both_halves_of_a_state() -> None:
    for size, shown in ((6, range(6)), (48, range(48)), (60, [*range(24), *range(30, 54)])):
        line = make_line("a", "x", size=size)
        data = data_of(attention_page([line], "word", "TEXT"))
        assert data["model"]["shown"] == list(shown) and data["model"]["state_size"] == size
        np.testing.assert_allclose(
            data["lines"][0]["parts"][0]["states"], line.segments[0].states[:, list(shown)], atol=1e-4
        )


def test_blank_lines_are_there() -> None:
    data = data_of(attention_page([attended(Translation(" ", ()))], "word", "TEXT"))
    assert data["lines"] == [{"source": " ", "translation": "", "score": 0.0, "parts": []}]


def test_more_than_a_page_can_hold_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [make_line("a b", "x")]
    # Of two steps over three tokens: scores and weights, six numbers of each state and context, 48 of each query.
    numbers = 2 * (2 * 3) + (3 + 2) * 6 + 2 * 48
    monkeypatch.setattr(nmt.visualization.attention_page.document, "MAX_NUMBERS", numbers)
    attention_page(lines, "word", "TEXT")
    monkeypatch.setattr(nmt.visualization.attention_page.document, "MAX_NUMBERS", numbers - 1)
    with pytest.raises(DataError, match=rf"^TEXT: has {numbers} numbers, more than a page can hold"):
        attention_page(lines, "word", "TEXT")


def test_a_source_that_no_page_can_hold_is_refused_before_it_is_translated() -> None:
    check_tokens(MAX_NUMBERS // 48, CONFIG, "TEXT")
    with pytest.raises(DataError, match=r"^TEXT: has .* numbers"):
        check_tokens(MAX_NUMBERS // 48 + 1, CONFIG, "TEXT")
