"""The lexicon finds which tokens translate which, as Model 1 says, from a bounded sample of any corpus."""

from __future__ import annotations

import random
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

import nmt.corpus.ibm_model1 as lexicon_module
from nmt.corpus.encoding import Encoded, EncodedPairs
from nmt.corpus.ibm_model1 import Lexicon, learn_lexicon
from nmt.corpus.mixture import Mixture
from nmt.corpus.report import Report
from nmt.corpus.store import Store, StoreWriter

SOURCE, TARGET, END = 30, 40, 2
ID = np.dtype("<u2")
Pairs = list[tuple[list[int], list[int]]]


def make_store(directory: Path, pairs: Pairs) -> Store:
    sides = [
        Encoded(np.concatenate([np.array(side, ID) for side in sides]), np.array(list(map(len, sides))))
        for sides in zip(*pairs, strict=True)
    ]
    directory.mkdir()
    with StoreWriter(directory, ID, ID) as writer:
        writer.append(EncodedPairs(*sides))
        writer.finish("fingerprint", Report(len(pairs), len(pairs), (), (len(pairs),)))
    return Store.open(directory)


def translated(count: int, seed: int = 1) -> Pairs:
    """Source token n is translated by target token n + 5, in any order, and 39 stands in every translation."""
    generator = random.Random(seed)
    pairs = []
    for _ in range(count):
        source = generator.choices(range(4, SOURCE), k=generator.randint(1, 6))
        target = [token + 5 for token in source] + [39]
        generator.shuffle(target)
        pairs.append((source, target))
    return pairs


def learn(store: Store) -> Lexicon:
    return learn_lexicon(store, SOURCE, TARGET, END, seed=1)


def model_1(pairs: Pairs) -> dict[int, dict[int, float]]:
    """The probabilities of each source token's translations, by definition."""
    probability: dict[int, dict[int, float]] = defaultdict(lambda: defaultdict(lambda: 1.0))
    for _ in range(lexicon_module.ITERATIONS):
        expected: dict[int, dict[int, float]] = defaultdict(lambda: defaultdict(float))
        for source, target in pairs:
            for written in target:
                total = sum(probability[token][written] for token in [*source, END])
                for token in [*source, END]:
                    expected[token][written] += probability[token][written] / total
        probability = {
            token: {written: count / sum(counts.values()) for written, count in counts.items()}
            for token, counts in expected.items()
        }
    return probability


@pytest.fixture
def no_frequent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lexicon_module, "FREQUENT", 0)


@pytest.mark.usefixtures("no_frequent")
def test_translations_are_found_and_what_is_everywhere_is_the_end_marks(tmp_path: Path) -> None:
    table = learn(make_store(tmp_path / "store", translated(300))).translations
    assert table[4:, 0].tolist() == list(range(9, SOURCE + 5))
    assert table[END, 0] == 39
    assert (table[[0, 1, 3]] == -1).all()


@pytest.mark.usefixtures("no_frequent")
def test_translations_are_those_of_model_1(tmp_path: Path) -> None:
    pairs = translated(25)
    table = learn(make_store(tmp_path / "store", pairs)).translations
    for source, probabilities in model_1(pairs).items():
        found = [probabilities[token] for token in table[source].tolist() if token >= 0]
        assert found == pytest.approx(sorted(probabilities.values(), reverse=True))


def test_portions_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = make_store(tmp_path / "store", translated(300))
    whole = learn(store)
    monkeypatch.setattr(lexicon_module, "CELLS_AT_A_TIME", 60)
    monkeypatch.setattr(lexicon_module, "_PAIRS_AT_A_TIME", 64)
    parts = learn(store)
    assert whole.pairs == parts.pairs == 300
    assert np.array_equal(whole.translations, parts.translations)
    assert np.array_equal(whole.frequent, parts.frequent)


@pytest.mark.parametrize("portion", [64, 1 << 16])
def test_of_a_large_corpus_a_sample_is_read(portion: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = translated(600)
    store = make_store(tmp_path / "store", pairs)
    monkeypatch.setattr(lexicon_module, "CELLS", 6000)
    monkeypatch.setattr(lexicon_module, "CELLS_AT_A_TIME", 1000)
    monkeypatch.setattr(lexicon_module, "_PAIRS_AT_A_TIME", portion)
    sample = np.concatenate(list(lexicon_module._sample(store, Mixture.of_one(len(store)), seed=1, left=6000)))
    cells = [(len(pairs[n][0]) + 1) * len(pairs[n][1]) for n in sample.tolist()]
    assert 6000 - 49 < sum(cells) <= 6000
    assert len(set(sample.tolist())) == len(sample) and max(sample) > 300
    assert learn(store).pairs == len(sample)
    assert learn_lexicon(store, SOURCE, TARGET, END, 1, most_cells=3000).pairs < 0.6 * len(sample)


def test_the_most_frequent_come_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lexicon_module, "FREQUENT", 3)
    pairs = translated(300)
    learned = learn(make_store(tmp_path / "store", pairs))
    counts = np.bincount([token for _, target in pairs for token in target])
    assert learned.frequent.tolist() == np.argsort(-counts, kind="stable")[:3].tolist()
    assert learned.frequent[0] == 39
    assert not np.isin(learned.translations, learned.frequent).any()


def test_so_many_translations_are_kept_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = make_store(tmp_path / "store", translated(300))
    whole = learn(store).translations
    monkeypatch.setattr(lexicon_module, "TRANSLATIONS", 4)
    assert np.array_equal(learn(store).translations, whole[:, :4])


def test_pairs_too_long_for_a_portion_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lexicon_module, "CELLS_AT_A_TIME", 50)
    assert learn(make_store(tmp_path / "store", [*translated(20), ([4] * 30, [9] * 30)])).pairs == 20
    none = learn(make_store(tmp_path / "other", [([4] * 30, [9] * 30)]))
    assert none.pairs == 0 and (none.translations == -1).all() and not len(none.frequent)
