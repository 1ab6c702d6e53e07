import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nmt.corpus.permutation import Permutation, derive_key, shuffled


@settings(max_examples=60, deadline=None)
@given(size=st.integers(1, 3000), key=st.integers(0, 2**64 - 1))
def test_a_permutation_is_a_bijection(size: int, key: int) -> None:
    assert sorted(Permutation(size, key)(0, size).tolist()) == list(range(size))


@pytest.mark.parametrize("size", [255, 256, 257, 65_535, 65_536, 65_537])
def test_sizes_around_powers_of_two_are_bijections(size: int) -> None:
    assert np.array_equal(np.sort(Permutation(size, 7)(0, size)), np.arange(size))


@given(start=st.integers(0, 5000), length=st.integers(0, 100))
@settings(max_examples=30, deadline=None)
def test_a_part_of_an_order_equals_that_part_of_the_whole(start: int, length: int) -> None:
    permutation = Permutation(5100, 3)
    assert np.array_equal(permutation(start, start + length), permutation(0, 5100)[start : start + length])


def test_every_number_comes_equally_often_to_every_place() -> None:
    size, rounds = 10, 200
    counts = np.zeros((size, size))
    for key in range(rounds):
        counts[np.arange(size), Permutation(size, derive_key(key))(0, size)] += 1
    expected = rounds / size
    chi_square = float(((counts - expected) ** 2 / expected).sum())
    assert chi_square < 130  # 81 degrees of freedom: above this once in 2,500 draws


def test_neighbours_in_order_are_not_neighbours_in_the_corpus() -> None:
    size = 100_000
    order = Permutation(size, 11)(0, size)
    assert abs(float(np.corrcoef(order[:-1], order[1:])[0, 1])) < 0.01
    assert abs(float(np.corrcoef(order, np.arange(size))[0, 1])) < 0.01


def test_a_huge_corpus_needs_no_memory_of_its_size() -> None:
    part = Permutation(10**11, 5)(10**10, 10**10 + 1000)
    assert len(set(part.tolist())) == 1000
    assert part.min() >= 0 and part.max() < 10**11


def test_orders_never_change_between_versions() -> None:
    key = derive_key("pairs", 1, 2)
    assert key == 15300906252087309375
    assert Permutation(1000, key)(0, 5).tolist() == [918, 410, 554, 281, 396]
    assert shuffled(6, key).tolist() == [2, 1, 0, 4, 3, 5]


def test_keys_tell_their_parts_apart() -> None:
    keys = {
        derive_key(1, 23),
        derive_key(12, 3),
        derive_key(123),
        derive_key("123"),
        derive_key("1", "23"),
        derive_key(0, 1, 23),
    }
    assert len(keys) == 6
