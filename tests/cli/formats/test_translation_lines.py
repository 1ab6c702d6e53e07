"""Translations as lines of text, JSON and Moses n-best lists."""

from __future__ import annotations

import json

import numpy as np
import pytest

import nmt.alignment.attention_fields
from nmt.alignment.attention_matrix import word_attention_rows
from nmt.cli.formats.translations import as_json, as_moses, as_text
from nmt.translation.result import Output, SegmentAttention, Translation


def output(text: str, *segments: SegmentAttention, tokens: int) -> Output:
    return Output(text, -1.0, -2.0, tuple("t" * tokens), segments or None)


def segment(
    rows: list[list[float]], source: tuple[int, ...], target: tuple[int, ...], words: range
) -> SegmentAttention:
    return SegmentAttention(np.array(rows, dtype=np.float32), source, target, words)


PARTS = (
    segment([[0.5, 0.3, 0.2], [0.1, 0.7, 0.2]], (0, 1), (0, 1), range(2)),
    segment([[0.8, 0.2]], (2,), (-1,), range(2, 2)),
    segment([[0.1, 0.6, 0.3], [0.1, 0.6, 0.3]], (3, 4), (2, 2), range(2, 3)),
)


def test_alignments_of_tokens_are_written_in_every_format() -> None:
    translation = Translation("a b c d e", (output("x y z", *PARTS, tokens=5),), tuple("abcde"))
    links = "0-0 1-1 2-2 4-3 4-4"
    assert as_text(0, translation, 1, "hard", "token") == [f"x y z ||| {links}"]
    assert as_moses(0, translation, 1, "hard", "token") == [f"0 ||| x y z ||| -1.000000 ||| {links}"]
    value = json.loads(as_json(0, translation, 1, "hard", "token")[0])
    assert " ".join(f"{source}-{target}" for source, target in value["alignment"]) == links
    assert value["source_tokens"] == list("abcde")


def test_soft_alignment_is_written_row_by_row(monkeypatch: pytest.MonkeyPatch) -> None:
    translation = Translation("a b c d \u2028e", (output("x y z", *PARTS, tokens=5),), tuple("abcde"))
    best = translation.outputs[0]
    whole = best.attention
    assert whole is not None
    monkeypatch.setattr(Output, "attention", property(lambda _: pytest.fail("the whole matrix was built")))
    [line] = as_json(0, translation, 1, "soft")
    value = json.loads(line)
    assert list(value) == [
        *("source", "translation", "score", "hypotheses", "alignment", "attention", "attention_tokens")
    ]
    np.testing.assert_allclose(value["attention_tokens"]["weights"], whole, atol=1e-8)
    np.testing.assert_allclose(value["attention"]["weights"], list(word_attention_rows(translation, best)), atol=1e-8)
    assert json.dumps(value, ensure_ascii=False).replace("\u2028", r"\u2028") == line


def test_attention_too_large_to_be_written_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    translation = Translation("a b c d e", (output("x y z", *PARTS, tokens=5),), tuple("abcde"))
    told: list[str] = []
    monkeypatch.setattr(
        nmt.alignment.attention_fields.logger, "warning", lambda text, *values: told.append(text % values)
    )
    monkeypatch.setattr(nmt.alignment.attention_fields, "MAX_WEIGHTS", 30)
    as_json(6, translation, 1, "soft")
    assert not told
    monkeypatch.setattr(nmt.alignment.attention_fields, "MAX_WEIGHTS", 29)
    [line] = as_json(6, translation, 1, "soft")
    value = json.loads(line)
    assert value["attention"]["weights"] is value["attention_tokens"]["weights"] is None
    assert value["attention_tokens"]["source_tokens"] == [*"abcde", "</s>"]
    assert value["alignment"] == [[0, 0], [1, 1], [4, 2]]
    assert told == ["line 7: the attention of 5 tokens over 6 is left out: more than 29 weights"]
    as_json(6, translation, 1, "hard")
    assert len(told) == 1


def test_formats_pad_what_is_missing() -> None:
    blank = Translation(" ", ())
    assert as_moses(3, blank, 2, "none") == ["3 |||  ||| 0.000000"] * 2
    assert as_text(3, blank, 1, "hard") == [" ||| "]
    one = Translation("a", (output("x", tokens=1),))
    assert as_moses(0, one, 2, "none") == ["0 ||| x ||| -1.000000"] * 2


def test_json_keeps_line_breaks_of_the_source_inside_its_line() -> None:
    [line] = as_json(0, Translation("a\u2028b\x85c\u2029\x0b", ()), 1, "none")
    assert r"a\u2028b\u0085c\u2029\u000b" in line
