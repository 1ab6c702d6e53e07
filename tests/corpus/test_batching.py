import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from nmt.corpus.batching import make_batch, pad, pad_pairs
from nmt.tokenization.special_tokens import SpecialTokens

SPECIAL = SpecialTokens(bos=2, eos=3, pad=0, unk=1), SpecialTokens(bos=12, eos=13, pad=10, unk=11)


class Pairs:
    """Three pairs, as a store holds them."""

    def source(self, index: int) -> np.ndarray:
        return np.array([[20, 21], [22], [23, 24, 25]][index], np.uint16)

    def target(self, index: int) -> np.ndarray:
        return np.array([[30], [31, 32, 33], [34, 35]][index], np.int32)


def test_a_batch_has_marks_and_padding_where_they_belong() -> None:
    batch = make_batch(Pairs(), np.array([2, 0]), SPECIAL)
    assert batch.indices.tolist() == [2, 0]
    assert batch.source.tolist() == [[23, 24, 25, 3], [20, 21, 3, 0]]
    assert batch.source_lengths.tolist() == [4, 3]
    assert batch.target_input.tolist() == [[12, 34, 35], [12, 30, 10]]
    assert batch.target_output.tolist() == [[34, 35, 13], [30, 13, 10]]
    assert batch.target_lengths.tolist() == [3, 2]
    assert batch.target_tokens == 5


def test_all_arrays_of_a_batch_hold_64_bit_integers() -> None:
    batch = make_batch(Pairs(), np.array([0, 1, 2]), SPECIAL)
    arrays = [batch.indices, batch.source, batch.source_lengths, batch.target_input, batch.target_output]
    assert {array.dtype for array in (*arrays, batch.target_lengths)} == {np.dtype(np.int64)}


def test_a_batch_of_no_pairs_is_empty() -> None:
    batch = make_batch(Pairs(), np.array([], np.int64), SPECIAL)
    assert batch.source.shape == (0, 1) and batch.target_output.shape == (0, 1)
    assert batch.target_tokens == 0


def test_rows_may_have_both_marks_or_none() -> None:
    rows, lengths = pad([[5], [6, 7]], 0, begin=1, end=2)
    assert rows.tolist() == [[1, 5, 2, 0], [1, 6, 7, 2]] and lengths.tolist() == [3, 4]
    rows, lengths = pad([[5], [6, 7]], 0)
    assert rows.tolist() == [[5, 0], [6, 7]] and lengths.tolist() == [1, 2]


sentences = st.lists(st.lists(st.integers(100, 200), max_size=7), min_size=1, max_size=7)


@settings(max_examples=50, deadline=None)
@given(sources=sentences)
def test_every_token_stands_in_its_row(sources: list[list[int]]) -> None:
    targets = [source[::-1] for source in sources]
    batch = pad_pairs(sources, targets, SPECIAL)
    for row, (source, target) in enumerate(zip(sources, targets, strict=True)):
        length = len(source) + 1
        assert batch.source[row].tolist() == [*source, 3] + [0] * (batch.source.shape[1] - length)
        assert batch.target_input[row, :length].tolist() == [12, *target]
        assert batch.target_output[row, :length].tolist() == [*target, 13]
        assert (batch.target_output[row, length:] == 10).all() and (batch.target_input[row, length:] == 10).all()
    assert batch.source.shape[1] == batch.source_lengths.max()
