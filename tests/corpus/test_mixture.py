"""A mixture draws each pair as often as the weight of its corpus says, by seed and epoch alone, in no memory a pair."""

from __future__ import annotations

import tracemalloc
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nmt.config import from_yaml
from nmt.corpus.batch_order import BatchOrder, Position
from nmt.corpus.mixture import DrawnCorpus, Mixture
from nmt.corpus.permutation import Permutation, derive_key
from nmt.corpus.store import Side, TokenPairs
from nmt.errors import ConfigError, DataError
from nmt.tokenization.tags import with_tags
from nmt.tokenization.tokenizer import Tokenizer
from random_models import make_lines, make_tokenizer

WEIGHTS = st.sampled_from(["1", "2", "3", "0.5", "0.1", "1.5", "2.25", "0.3333", "7e-3"])


def mixture(*corpora: tuple[int, str]) -> Mixture:
    ends = np.cumsum([0, *(pairs for pairs, _ in corpora)]).tolist()
    return Mixture(
        [
            DrawnCorpus(start, stop, Fraction(weight))
            for start, stop, (_, weight) in zip(ends[:-1], ends[1:], corpora, strict=True)
        ]
    )


def drawn(mixed: Mixture, epoch: int, seed: int = 1) -> list[int]:
    return mixed.drawn(np.arange(mixed.size(epoch)), epoch, seed).tolist()


def token_pairs(count: int) -> TokenPairs:
    generator = np.random.default_rng(count)
    sides = [
        Side.from_sentences([np.full(length, 5) for length in generator.integers(1, 20, count).tolist()])
        for _ in range(2)
    ]
    return TokenPairs(*sides)


@settings(max_examples=60, deadline=None)
@given(corpora=st.lists(st.tuples(st.integers(1, 60), WEIGHTS), min_size=1, max_size=4), epochs=st.integers(1, 12))
def test_every_pair_of_a_corpus_comes_as_often_as_its_weight_says(corpora: list[tuple[int, str]], epochs: int) -> None:
    mixed = mixture(*corpora)
    counts = Counter(pair for epoch in range(epochs) for pair in drawn(mixed, epoch))
    for part, (_, weight) in zip(mixed.parts, corpora, strict=True):
        of_part = [counts[pair] for pair in range(part.start, part.stop)]
        assert max(of_part) - min(of_part) <= 1
        assert sum(of_part) == -(-epochs * part.pairs * Fraction(weight) // 1)
    assert sum(counts.values()) == sum(mixed.size(epoch) for epoch in range(epochs))


def test_of_half_a_weight_the_next_epoch_takes_the_other_half() -> None:
    mixed = mixture((100, "0.5"))
    first, second, third = (drawn(mixed, epoch) for epoch in range(3))
    assert sorted(first + second) == list(range(100))
    assert len(first) == 50 and set(third) != set(first)
    assert set(first) != set(range(50)) and set(first) != set(drawn(mixed, 0, seed=2))


def test_a_tenth_is_a_tenth() -> None:
    mixed = mixture((1000, "0.1"))
    assert [mixed.size(epoch) for epoch in range(10)] == [100] * 10
    assert sorted(pair for epoch in range(10) for pair in drawn(mixed, epoch)) == list(range(1000))


def test_of_a_weight_of_two_an_epoch_has_each_pair_twice() -> None:
    assert sorted(drawn(mixture((30, "2")), 5)) == sorted([*range(30), *range(30)])


def test_each_corpus_is_drawn_by_itself() -> None:
    """What is beside it changes nothing of which pairs an epoch takes of a corpus, and two equal ones are not alike."""
    alone, beside = mixture((80, "0.25")), mixture((80, "0.25"), (80, "0.25"))
    first = [pair for pair in drawn(beside, 3) if pair < 80]
    assert first == drawn(alone, 3)
    assert first != [pair - 80 for pair in drawn(beside, 3) if pair >= 80]


def test_corpora_of_weight_one_are_drawn_like_one_corpus() -> None:
    pairs = token_pairs(900)
    one = BatchOrder(pairs, 60, seed=3, window_pairs=200)
    several = BatchOrder(pairs, 60, seed=3, window_pairs=200, mixture=mixture((300, "1"), (1, "1"), (599, "1")))
    assert one.windows == several.windows > 1
    for epoch in (0, 4):
        for window in range(one.windows):
            for batch, other in zip(one.window(epoch, window), several.window(epoch, window), strict=True):
                assert batch.tolist() == other.tolist()


def test_one_corpus_is_drawn_as_by_earlier_versions() -> None:
    size, seed, epoch = 500, 7, 3
    mixed = Mixture.of_one(size)
    permuted = Permutation(size, derive_key("pairs", seed, epoch))(100, 200)
    assert mixed.drawn(permuted, epoch, seed).tolist() == permuted.tolist()


@pytest.fixture
def order() -> BatchOrder:
    return BatchOrder(
        token_pairs(1000), 80, seed=5, window_pairs=150, mixture=mixture((600, "0.5"), (300, "2"), (100, "1.3"))
    )


def taken_from(order: BatchOrder, position: Position, batches: int) -> list[tuple[Position, list[int]]]:
    found: list[tuple[Position, list[int]]] = []
    for following, indices in order.batches(position):
        found.append((following, indices.tolist()))
        if len(found) == batches:
            break
    return found


def test_resumed_anywhere_a_mixture_goes_on_as_if_never_stopped(order: BatchOrder) -> None:
    whole = taken_from(order, Position(), 400)
    assert whole[-1][0].epoch > 1
    for number in range(0, 399, 7):
        assert taken_from(order, whole[number][0], 20)[: 399 - number] == whole[number + 1 : number + 21]


def test_an_epoch_of_batches_is_what_the_mixture_draws(order: BatchOrder) -> None:
    for epoch in range(3):
        batches = [batch for window in range(order.windows) for batch in order.window(epoch, window)]
        assert sorted(np.concatenate(batches).tolist()) == sorted(drawn(order.mixture, epoch, seed=5))
    assert len(batches) == pytest.approx(order.approximate_updates_per_epoch, rel=0.1)
    assert order.epochs_done(Position(2)) == 2


def test_weights_that_leave_no_pair_are_refused() -> None:
    with pytest.raises(DataError, match="the weights leave no pair for an epoch"):
        BatchOrder(token_pairs(10), 50, seed=1, mixture=mixture((10, "0.01")))
    BatchOrder(token_pairs(10), 50, seed=1, mixture=mixture((9, "0.01"), (1, "1")))


def test_a_late_epoch_is_as_any_other() -> None:
    mixed = mixture((7, "2.5"), (5, "3"))
    assert mixed.size(2 * 10**18) == mixed.size(0)
    assert all(Counter(drawn(mixed, 2 * 10**18))[pair] in (2, 3) for pair in range(12))


def test_a_large_corpus_takes_no_memory_a_pair() -> None:
    mixed = mixture((100_000_000, "0.3"), (50_000_000, "1.5"), (100, "1000"))
    places = Permutation(mixed.size(3), 9)(0, 65_536)
    tracemalloc.start()
    pairs = mixed.drawn(places, 3, 1)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(set(pairs.tolist())) > 65_000 and most < 100 * len(places)


def tags(mixed: Mixture, pairs: list[int]) -> list[int | None] | None:
    return mixed.tags(np.array(pairs))


CONFIGURATION = """\
data:
  source_language: xx
  target_language: yy
  train: [{source: [a, b], target: [c, d]}, {pairs: e, weight: 0.1, tag: <bt>}, {source: f, target: g, tag: <bt>}]
  validation: {source: a, target: b}
"""


def test_corpora_are_made_of_the_pairs_kept_of_their_files() -> None:
    sets = from_yaml(CONFIGURATION, "c").data.train
    plain = make_tokenizer(make_lines(50))
    with pytest.raises(ConfigError, match=r"data\.train\.tag: <bt> is no tag of this model; it knows none"):
        Mixture.from_config(sets, (10, 5, 20, 0), plain)
    tokenizer = Tokenizer(with_tags(plain.model, ["<bt>"]))
    tag = tokenizer.tags["<bt>"]
    mixed = Mixture.from_config(sets, (10, 5, 20, 0), tokenizer)
    assert mixed.parts == ((0, 15, 1, None), (15, 35, Fraction(1, 10), tag), (35, 35, 1, tag))
    assert tags(mixed, [0, 14, 15, 34]) == [None, None, tag, tag]
    assert sorted(drawn(mixed, 0))[:15] == list(range(15)) and mixed.size(0) == 17
    assert tags(Mixture.of_one(3), [0, 1]) is None


def test_a_store_of_an_earlier_version_is_one_corpus() -> None:
    sets = from_yaml(CONFIGURATION, "c").data.train[:1]
    mixed = Mixture.from_config(sets, (15,), make_tokenizer(make_lines(50)))
    assert mixed.parts == ((0, 15, 1, None),)
