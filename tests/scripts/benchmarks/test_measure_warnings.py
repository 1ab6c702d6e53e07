"""Claims about `scripts/benchmarks/measure_warnings.py`: what it breaks, and what it counts."""

from __future__ import annotations

import random
import runpy
from pathlib import Path

import pytest

from nmt.translation.result import Annotations, Confidence, Output, Translation, TranslationWarning

SCRIPT = runpy.run_path(
    str(Path(__file__).parents[3] / "scripts" / "benchmarks" / "measure_warnings.py"), run_name="warnings"
)
LINES = ["The black cat sleeps, here.", "A dog.", "Two birds sing in the tree.", "It rains.", "We wait."]


def translation(text: str, log_probability: float, *kinds: str) -> Translation:
    annotations = Annotations(confidence=Confidence(0.5, tuple(map(TranslationWarning, kinds))))
    return Translation("x", (Output(text, 0.0, log_probability, (), None, annotations=annotations),))


@pytest.mark.parametrize("name", SCRIPT["INPUTS"])
def test_lines_are_spoiled_the_same_way_each_time(name: str) -> None:
    spoil = SCRIPT["INPUTS"][name]
    spoiled = spoil(LINES, random.Random(1))
    assert spoiled == spoil(LINES, random.Random(1))
    assert (spoiled == LINES) == (name == "the text as it is")
    assert len(spoiled) == (2 if "joined" in name else len(LINES))


def test_lines_with_flags_and_of_low_probability_are_counted() -> None:
    found = [translation("a", -0.1), translation("b", -2.0, "cut", "repetition"), translation("c", -0.2, "cut")]
    assert SCRIPT["row"]("text", [*found, Translation("", ())], 0.5) == (
        "| text | 0.82 | 25.0 | 0.0 | 0.0 | 0.0 | 25.0 | 50.0 | 0.0 | 50.0 |"
    )


def test_translations_with_and_without_a_flag_are_judged_apart() -> None:
    found = [translation("a b c d", -0.1), translation("x", -2.0, "cut")]
    lines = SCRIPT["quality"](found, ["a b c d", "y"])
    assert lines[2:4] == ["| with a flag | 1 | 0.0 | 0 % |", "| without a flag | 1 | 100.0 | 100 % |"]
