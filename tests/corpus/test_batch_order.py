import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nmt.corpus.batch_order import (
    BatchOrder,
    Indices,
    Position,
    cut_evenly,
    length_sorted_batches,
    split_parts,
)


@dataclass
class Lengths:
    """A corpus of which only the lengths are known."""

    source: Indices
    target: Indices

    def target_tokens_between(self, start: int, stop: int) -> int:
        return int(self.target[start:stop].sum()) + stop - start

    def __len__(self) -> int:
        return len(self.target)

    def source_lengths(self, indices: Indices) -> Indices:
        return self.source[indices]

    def target_lengths(self, indices: Indices) -> Indices:
        return self.target[indices]


def corpus(pairs: int, longest: int = 40, seed: int = 0) -> Lengths:
    generator = np.random.default_rng(seed)
    target = generator.integers(1, longest + 1, pairs)
    return Lengths(np.maximum(1, target + generator.integers(-3, 4, pairs)), target)


def epoch_of(order: BatchOrder, epoch: int) -> Iterator[tuple[Position, Indices]]:
    for after, indices in order.batches(Position(epoch)):
        yield after, indices
        if after.epoch > epoch:
            return


lengths = st.lists(st.tuples(st.integers(1, 60), st.integers(1, 60)), min_size=1, max_size=300)


@settings(max_examples=60, deadline=None)
@given(pairs=lengths, budget=st.integers(1, 200), seed=st.integers(0, 9), epoch=st.integers(0, 3))
def test_every_pair_comes_once_an_epoch_within_the_budget(
    pairs: list[tuple[int, int]], budget: int, seed: int, epoch: int
) -> None:
    source, target = np.array(pairs).T
    order = BatchOrder(Lengths(source, target), budget, seed, window_pairs=50)
    batches = [indices for _, indices in epoch_of(order, epoch)]
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(pairs)))
    assert all(len(batch) == 1 or (target[batch] + 1).sum() <= budget for batch in batches)


def test_every_pair_comes_once_also_over_several_windows() -> None:
    order = BatchOrder(corpus(3000), 60, seed=1, window_pairs=200)
    assert order.windows > 3
    assert sorted(np.concatenate([indices for _, indices in epoch_of(order, 2)]).tolist()) == list(range(3000))


def test_the_order_is_the_same_bytes_each_time() -> None:
    first, second = (
        [(after, indices.tolist()) for after, indices in islice(BatchOrder(corpus(500), 100, seed=4).batches(), 400)]
        for _ in range(2)
    )
    assert first == second


@pytest.mark.parametrize(("seed", "epoch"), [(5, 0), (4, 1)])
def test_another_seed_or_epoch_is_another_order(seed: int, epoch: int) -> None:
    pairs = corpus(500)
    batches = [indices.tolist() for _, indices in epoch_of(BatchOrder(pairs, 100, seed=4), 0)]
    others = [indices.tolist() for _, indices in epoch_of(BatchOrder(pairs, 100, seed=seed), epoch)]
    assert batches != others
    assert {frozenset(batch) for batch in batches} != {frozenset(batch) for batch in others}


def test_resumed_anywhere_the_order_goes_on_as_if_never_stopped() -> None:
    pairs = corpus(900)

    def order() -> BatchOrder:
        return BatchOrder(pairs, 60, seed=2, window_pairs=100)

    assert order().windows > 1
    whole = [(after, indices.tolist()) for after, indices in islice(order().batches(), 1100)]
    assert whole[-1][0].epoch >= 2
    for number in range(0, 1000, 7):
        kept = Position(*json.loads(json.dumps(whole[number][0])))
        rest = [(after, indices.tolist()) for after, indices in islice(order().batches(kept), 60)]
        assert rest == whole[number + 1 : number + 61]


@pytest.mark.parametrize("position", [Position(0, 1, 0), Position(0, 0, 999), Position(-1, 0, 0)])
def test_a_position_of_another_order_is_refused(position: Position) -> None:
    with pytest.raises(ValueError, match="outside"):
        next(BatchOrder(corpus(100), 60, seed=2).batches(position))


def test_batches_hold_like_lengths_and_little_padding() -> None:
    pairs = corpus(20_000)
    batches = [indices for _, indices in epoch_of(BatchOrder(pairs, 2000, seed=2), 0)]
    target = sum(len(batch) * int(pairs.target[batch].max()) for batch in batches)
    source = sum(len(batch) * int(pairs.source[batch].max()) for batch in batches)
    assert target < 1.02 * pairs.target.sum()
    assert source < 1.05 * pairs.source.sum()


def test_batches_are_about_equally_full() -> None:
    pairs = corpus(20_000)
    tokens = [int((pairs.target[indices] + 1).sum()) for _, indices in epoch_of(BatchOrder(pairs, 2000, seed=2), 0)]
    assert min(tokens) > 0.7 * max(tokens)
    assert len(tokens) <= 1.03 * BatchOrder(pairs, 2000, seed=2).approximate_updates_per_epoch


def test_epochs_done_rise_steadily_and_are_whole_at_the_end_of_each() -> None:
    order = BatchOrder(corpus(20_000), 600, seed=2, window_pairs=5_000)
    assert order.windows > 1
    positions = [position for position, _ in epoch_of(order, 0)]
    done = [order.epochs_done(position) for position in positions]
    assert done == sorted(done)
    assert done[-1] == 1.0
    assert all(abs(share - (number + 1) / len(done)) < 0.03 for number, share in enumerate(done))


def test_batches_come_in_no_order_of_length() -> None:
    pairs = corpus(20_000)
    means = [pairs.target[indices].mean() for _, indices in epoch_of(BatchOrder(pairs, 2000, seed=2), 0)]
    assert abs(float(np.corrcoef(means[:-1], means[1:])[0, 1])) < 0.3


@settings(max_examples=60, deadline=None)
@given(sizes=st.lists(st.integers(1, 50), min_size=1, max_size=100), budget=st.integers(1, 120))
def test_cuts_lose_nothing_and_make_the_fewest_batches(sizes: list[int], budget: int) -> None:
    tokens = np.array(sizes)
    batches = cut_evenly(np.arange(len(sizes)), tokens, budget)
    assert np.concatenate(batches).tolist() == list(range(len(sizes)))
    fewest, room = 0, 0
    for size in sizes:
        if size > room:
            fewest, room = fewest + 1, max(budget, size)
        room -= size
    assert len(batches) == fewest


def test_the_last_batch_is_no_tiny_remainder() -> None:
    sizes = [len(batch) for batch in cut_evenly(np.arange(101), np.ones(101, np.int64), 50)]
    assert sizes == [34, 34, 33]


@settings(max_examples=100, deadline=None)
@given(sizes=st.lists(st.integers(1, 60), min_size=1, max_size=60), parts=st.integers(1, 12))
def test_parts_are_the_whole_update_however_many(sizes: list[int], parts: int) -> None:
    indices, tokens = np.arange(len(sizes)) + 1000, np.array(sizes)
    dealt = split_parts(indices, tokens, parts)
    assert len(dealt) == parts
    assert sorted(np.concatenate(dealt).tolist()) == indices.tolist()
    assert sum(len(part) > 0 for part in dealt) == min(parts, len(sizes))


def test_parts_hold_about_equal_tokens_of_like_length() -> None:
    tokens = corpus(400).target
    dealt = split_parts(np.arange(400), tokens, 4)
    sums = [int(tokens[part].sum()) for part in dealt]
    assert max(sums) - min(sums) <= 40
    assert all(tokens[a].max() <= tokens[b].min() for a, b in pairwise(dealt))


@settings(max_examples=40, deadline=None)
@given(sizes=st.lists(st.integers(0, 60), max_size=60), budget=st.integers(1, 120), most=st.none() | st.integers(1, 9))
def test_fixed_sets_lose_nothing_and_begin_with_the_longest(sizes: list[int], budget: int, most: int | None) -> None:
    tokens = np.array(sizes, np.int64)
    batches = length_sorted_batches(tokens, budget, most)
    assert sorted(number for batch in batches for number in batch.tolist()) == list(range(len(sizes)))
    assert all(len(batch) == 1 or tokens[batch].sum() <= budget for batch in batches)
    assert most is None or all(len(batch) <= most for batch in batches)
    longest = [int(tokens[batch].max()) for batch in batches]
    assert longest == sorted(longest, reverse=True)
