"""The utility of texts for each other is sacreBLEU's, however many are compared at once and whatever they hold."""

from __future__ import annotations

import logging
import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sacrebleu import sentence_bleu, sentence_chrf
from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a

from nmt.config.types import Utility
from nmt.translation import utility as module
from nmt.translation.utility import utility_matrix

SACREBLEU: dict[Utility, Callable[[str, list[str]], float]] = {
    "chrf": lambda hypothesis, references: sentence_chrf(hypothesis, references).score,
    "bleu": lambda hypothesis, references: sentence_bleu(hypothesis, references).score,
}
UTILITIES = list(SACREBLEU)

ODD = [
    *("", " ", "a", "aa", "aaaaaaaaaa", "a b a b a b", "b a", "The cat sleeps.", "the cat sleeps ", "The cat sleep s."),
    *(
        "🙂",
        "🙂🙂 👩‍👩‍👧",
        "你好。",
        "é e\u0301",
        "\u2028 \x1c x",
        "\U0010ffff\U0010ffff",
        "1,000.5 km/h",
        "&quot;a&amp;b&quot;",
    ),
    *("<skipped> a-", "a\ta", "it's 5-6 (or so)…", "no word in common"),
]


def expected(texts: list[str], utility: Utility) -> np.ndarray:
    return np.array([[SACREBLEU[utility](one, [other]) for other in texts] for one in texts])


@pytest.mark.parametrize("utility", UTILITIES)
def test_odd_texts_score_as_sacrebleu_scores_them(utility: Utility) -> None:
    found = utility_matrix(ODD, utility)
    np.testing.assert_allclose(found, expected(ODD, utility), rtol=1e-12, atol=0)
    assert np.unique(found).size > 10


SOME = st.lists(
    st.one_of(
        st.text("ab ", max_size=12),
        st.text(max_size=6),
        st.lists(st.sampled_from(["a", "the", "cat", ".", ",", "1.5", "🙂"]), max_size=9).map(" ".join),
    ),
    min_size=1,
    max_size=5,
)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(texts=SOME, repeated=st.booleans())
def test_random_texts_score_as_sacrebleu_scores_them(texts: list[str], repeated: bool) -> None:
    texts = texts * 2 if repeated else texts
    for utility in UTILITIES:
        found = utility_matrix(texts, utility)
        np.testing.assert_allclose(found, expected(texts, utility), rtol=1e-12, atol=0)


@pytest.mark.parametrize("utility", UTILITIES)
def test_only_some_may_be_references(utility: Utility) -> None:
    whole = utility_matrix(ODD, utility)
    for first in (0, 3, len(ODD) - 1):
        assert np.array_equal(utility_matrix(ODD, utility, first), whole[:, first:])
    assert utility_matrix(["a"], utility, 1).shape == (1, 0)


@pytest.mark.parametrize("utility", UTILITIES)
def test_counting_in_blocks_changes_nothing(utility: Utility, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [*ODD, "a b c " * 40, "a c b " * 50]
    whole = utility_matrix(texts, utility)
    monkeypatch.setattr(module, "_LARGEST_MATRIX", 7 * len(texts))
    assert np.array_equal(utility_matrix(texts, utility), whole)


@pytest.mark.parametrize("utility", UTILITIES)
def test_nothing_is_worth_nothing(utility: Utility) -> None:
    assert utility_matrix(["", " ", ""], utility).tolist() == [[0.0] * 3] * 3
    assert utility_matrix([], utility).shape == (0, 0)


@pytest.mark.parametrize("utility", UTILITIES)
def test_many_long_texts_take_bounded_memory(utility: Utility) -> None:
    generator = np.random.default_rng(1)
    words = ["".join(generator.choice(list("abcdefgh"), 5)) for _ in range(300)]
    texts = [" ".join(generator.choice(words, 1667)) for _ in range(16)]  # 10,000 characters each
    tracemalloc.start()
    found = utility_matrix(texts, utility)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (np.diag(found) > 99.99).all() and peak < 40 << 20
    assert found[2, 5] == pytest.approx(SACREBLEU[utility](texts[2], [texts[5]]), rel=1e-12)


def test_texts_are_not_remembered() -> None:
    utility_matrix(["a b", "c d"], "bleu")
    assert Tokenizer13a.__call__.cache_info().currsize == 0


def test_products_are_exact_within_autocast() -> None:
    import torch

    texts = ["a" * 300 + "b", "a" * 301, "ab" * 150]
    alone = utility_matrix(texts, "chrf")
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert np.array_equal(utility_matrix(texts, "chrf"), alone)


@pytest.fixture(autouse=True)
def quiet() -> None:
    logging.getLogger("sacrebleu").setLevel(logging.ERROR)
