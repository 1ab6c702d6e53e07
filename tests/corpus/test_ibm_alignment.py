"""Alignments by Model 1 are the links on which both directions agree, whatever is aligned at a time."""

from __future__ import annotations

import math
import random
from pathlib import Path

import numpy as np
import pytest

import nmt.corpus.ibm_model1 as model_1
from nmt.corpus.encoding import Encoded, EncodedPairs
from nmt.corpus.ibm_alignment import align_corpus
from nmt.corpus.ibm_model1 import LexicalTable, learn_table
from nmt.corpus.store import Side, TokenPairs
from nmt.tokenization.special_tokens import SpecialTokens
from nmt.tokenization.tokenizers import Tokenizers

SIZE, END = 60, 2
Pairs = list[tuple[list[int], list[int]]]


class Sizes:
    """As much of a tokenizer as aligning asks for."""

    size, special = SIZE, SpecialTokens(bos=1, eos=END, pad=0, unk=3)


TOKENIZERS = Tokenizers(Sizes(), Sizes())  # type: ignore[arg-type]


def store_of(pairs: Pairs) -> TokenPairs:
    sides = zip(*pairs, strict=True)
    return TokenPairs(*(Side.from_sentences([np.array(ids, np.int64) for ids in side]) for side in sides))


def translated(count: int, *, backwards: bool = False) -> Pairs:
    """Source token n is translated by target token n + 20; some target tokens stand for nothing."""
    generator = random.Random(1)
    pairs = []
    for _ in range(count):
        source = generator.sample(range(4, 30), generator.randint(1, 7))
        target = [token + 20 for token in (reversed(source) if backwards else source)]
        for _ in range(generator.randint(0, 2)):
            target.insert(generator.randint(0, len(target)), generator.randint(55, 59))
        pairs.append((source, target))
    return pairs


def aligned(pairs: Pairs) -> list[list[tuple[int, int]]]:
    portions = list(align_corpus(store_of(pairs), TOKENIZERS, 10, 1, lambda _: None))
    links = []
    for source, target in portions:
        assert source.lengths.tolist() == target.lengths.tolist() and source.ids.dtype == target.ids.dtype == "<u2"
        ends = np.cumsum(source.lengths)[:-1]
        links += zip(np.split(source.ids, ends), np.split(target.ids, ends), strict=True)
    return [list(zip(sources.tolist(), targets.tolist(), strict=True)) for sources, targets in links]


def test_what_translates_what_is_linked_and_end_marks_come_last() -> None:
    pairs = translated(300)
    for (source, target), links in zip(pairs, aligned(pairs), strict=True):
        assert links[-1] == (len(source), len(target))
        expected = [(source.index(token - 20), place) for place, token in enumerate(target) if token < 55]
        assert set(expected) <= set(links)
        assert all(place < len(target) and target[place] >= 55 for _, place in {*links[:-1]} - {*expected})
        assert [place for _, place in links] == sorted({place for _, place in links})


def test_nearly_all_is_linked_though_a_language_has_everything_backwards() -> None:
    pairs, found, right = translated(300, backwards=True), 0, 0
    for (source, target), links in zip(pairs, aligned(pairs), strict=True):
        expected = {(source.index(token - 20), place) for place, token in enumerate(target) if token < 55}
        found, right = found + len(expected & set(links)), right + len(expected)
    assert found > 0.9 * right


def test_portions_change_no_link(monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = translated(100)
    expected = aligned(pairs)
    for cells in (1, 40, 700):
        monkeypatch.setattr("nmt.corpus.ibm_alignment.portions", lambda store, cells=cells: by_cells(store, cells))
        assert aligned(pairs) == expected


def by_cells(store: TokenPairs, cells: int) -> list[np.ndarray]:
    before, model_1.CELLS_AT_A_TIME = model_1.CELLS_AT_A_TIME, cells
    try:
        return list(model_1.portions(store))
    finally:
        model_1.CELLS_AT_A_TIME = before


def test_portions_are_all_pairs_in_order_and_small(monkeypatch: pytest.MonkeyPatch) -> None:
    store = store_of(translated(50))
    monkeypatch.setattr(model_1, "_PAIRS_AT_A_TIME", 17)
    found = by_cells(store, 60)
    assert np.concatenate(found).tolist() == list(range(50)) and len(found) > 10
    cells = [(store.source_lengths(some) + 1) * (store.target_lengths(some) + 1) for some in found]
    assert all(some.sum() <= 60 + some.max() for some in cells)


def test_a_source_is_the_most_probable_by_table_and_diagonal() -> None:
    pairs = translated(20)
    store = store_of(pairs)
    table = learn_table(store, SIZE, END, 1, lambda: None)
    probability = dict(zip(table.known.tolist(), table.probabilities.tolist(), strict=True))

    def scores(source: list[int], target: list[int], place: int) -> list[float]:
        near = [
            math.exp(-4 * abs((number + 0.5) / len(source) - (place + 0.5) / len(target)))
            for number in range(len(source))
        ]
        priors = [*near, sum(near) * 0.08 / 0.92]
        return [
            prior * probability[token * SIZE + target[place]]
            for token, prior in zip([*source, END], priors, strict=True)
        ]

    expected = []
    for source, target in pairs:
        for place in range(len(target)):
            of_place = scores(source, target, place)
            best = int(np.argmax(of_place))
            expected.append(best if best < len(source) else -1)
    assert table.most_probable_sources(store, np.arange(20)).tolist() == expected


def test_tokens_that_the_table_has_never_seen_together_have_no_link() -> None:
    known = LexicalTable(np.array([4 * SIZE + 24]), np.array([1.0]), SIZE, END)
    store = store_of([([4, 5], [25, 24]), ([5], [24])])
    assert known.most_probable_sources(store, np.arange(2)).tolist() == [-1, 0, -1]


def test_asked_to_stop_it_stops_while_learning() -> None:
    calls = []

    def progress(done: int) -> None:
        calls.append(done)
        if len(calls) == 3:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        next(iter(align_corpus(store_of(translated(20)), TOKENIZERS, 10, 1, progress)))
    assert calls == [0, 0, 0]


def test_what_is_yielded_can_be_written(tmp_path: Path) -> None:
    from nmt.corpus.report import Tally
    from nmt.corpus.store import Store, StoreWriter

    kind = np.dtype("<u2")
    with StoreWriter(tmp_path, kind, kind) as writer:
        for portion in align_corpus(store_of(translated(9)), TOKENIZERS, 10, 1, lambda _: None):
            assert isinstance(portion, EncodedPairs) and isinstance(portion.source, Encoded)
            writer.append(portion)
        writer.finish("fingerprint", Tally(1).report())
    assert len(Store.open(tmp_path)) == 9
