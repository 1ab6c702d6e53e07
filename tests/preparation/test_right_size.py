"""The right size: lengths are counted in the tokens of the recipe, and none is cut off by the trial."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from nmt.preparation import right_size as module
from nmt.preparation.right_size import ASSUMED_SPEED, RightSize, TrialOptions, right_size
from nmt.recipes.choice import ENOUGH_UPDATES, choose
from nmt.recipes.recipe import CorpusSize
from nmt.training.signals import StopRequest


@pytest.fixture
def data(tmp_path: Path) -> dict[str, Any]:
    """The section of a corpus of sentences of 30 to 60 words, of which there are hundreds."""
    generator = random.Random(1)
    words = ["".join(generator.choices("abcdefghijklmnoprstuvwz", k=generator.randint(2, 9))) for _ in range(900)]
    for name in ("a.en", "a.de"):
        rows = (" ".join(generator.choices(words, k=generator.randint(30, 60))) for _ in range(400))
        (tmp_path / name).write_text("".join(f"{row}\n" for row in rows))
    files = {"source": str(tmp_path / "a.en"), "target": str(tmp_path / "a.de")}
    return {"source_language": "en", "target_language": "de", "train": files, "validation": files}


def sized(data: dict[str, Any]) -> CorpusSize:
    with StopRequest() as stop:
        return right_size(data, 5.0, TrialOptions(trial=False), stop).corpus


def test_a_smaller_vocabulary_of_the_recipe_makes_longer_sentences(
    data: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "vocabulary_size", lambda _: 400)
    usual = sized(data)  # of the 2,000 entries that a recipe wants, a corpus without rarer words fills fewer
    monkeypatch.setattr("nmt.recipes.choice.vocabulary_size", lambda *_: 100)
    smaller = sized(data)
    assert smaller.longest > 1.2 * usual.longest
    assert smaller.target_tokens > 1.2 * usual.target_tokens


@pytest.mark.parametrize("speed", [None, 900.0, 90_000.0])
def test_too_little_time_is_told_with_the_time_that_would_do(speed: float | None) -> None:
    corpus = CorpusSize(30_000, 12.0, 40)
    found = RightSize(choose(corpus, 0.2, speed or ASSUMED_SPEED), corpus, speed).warnings()
    if speed == 90_000.0:
        assert not found
        return
    minutes = int(found[0].partition("--minutes ")[2].split()[0])
    assert ("busy" in found[0]) == (speed is not None)
    enough = choose(corpus, minutes, speed or ASSUMED_SPEED)
    assert ENOUGH_UPDATES <= enough.updates < 2 * ENOUGH_UPDATES
    assert not RightSize(enough, corpus, speed).warnings()


def test_so_little_of_a_corpus_as_is_read_is_told_in_percent() -> None:
    corpus = CorpusSize(300_000, 12.0, 40)
    text = RightSize(choose(corpus, 0.5, 5_000.0), corpus, 5_000.0).configuration({"name": "x"}, {})
    assert "4 % of the corpus." in text and "times through" not in text
    assert "nothing can be learned by heart" in text and "the more dropout" not in text


def test_sentences_longer_than_a_training_takes_by_default_are_counted(data: dict[str, Any]) -> None:
    found = sized(data)
    assert found.pairs == 400
    assert found.longest > 100
