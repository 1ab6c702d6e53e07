"""The split: what is held out stands nowhere else, little is lost, and only seed and text decide."""

import random

import numpy as np
import pytest

from nmt.preparation import splitting
from nmt.preparation.cleaning import CleaningLevel, CleaningRules, RawPairs, clean
from nmt.preparation.folding import fold
from nmt.preparation.splitting import MOST_LOST, HeldOutSizes, Splitter, default_size
from nmt.preparation.store import Fate, PairStore

RULES = CleaningRules.for_languages(CleaningLevel.NONE, ("xx", "yy"))
SIZES = HeldOutSizes(12, 9)


@pytest.fixture
def split(tmp_path):
    """Splits pairs, and returns the fate of each and the splitter."""
    made = []

    def run(pairs, sizes=SIZES, *, seed=1, partition_pairs=1 << 20, before=lambda _: None):
        folder = tmp_path / f"store-{len(made)}"
        folder.mkdir()
        made.append(folder)
        with PairStore(folder) as store:
            for start in range(0, len(pairs), 100):
                part = pairs[start : start + 100]
                numbers = list(range(start + 1, start + 1 + len(part)))
                store.add(clean(RawPairs(0, numbers, [one for one, _ in part], [other for _, other in part]), RULES))
            splitter = Splitter(store, seed, lambda: None, partition_pairs=partition_pairs)
            before(splitter)
            splitter.hold_out(splitter.find_candidates(), sizes)
        return [Fate(fate) for fate in splitter.columns.fate.tolist()]

    return run


def corpus(count=600, seed=3):
    """Sentences with one to four translations each, some of which translate several."""
    generator = random.Random(seed)
    pairs = []
    for number in range(count):
        for _ in range(generator.choice((1, 1, 1, 2, 4))):
            target = "ja" if generator.random() < 0.05 else f"Satz {generator.randrange(3 * count)}"
            pairs.append((f"sentence {number}", target))
    return list(dict.fromkeys(pairs))


def members(pairs, fates, fate):
    return {pair for pair, found in zip(pairs, fates, strict=True) if found == fate}


@pytest.mark.parametrize("partition_pairs", [1 << 20, 64])
def test_nothing_held_out_stands_in_another_set_in_either_language(split, partition_pairs):
    pairs = [*corpus(), ("SENTENCE  7!", "Satz, 7"), ("Sentence 8.", "ja!")]
    fates = split(pairs, partition_pairs=partition_pairs)
    sets = {fate: members(pairs, fates, fate) for fate in (Fate.TRAINING, Fate.VALIDATION, Fate.TEST)}
    assert [len(one) for one in sets.values()][1:] == list(SIZES)
    for side in (0, 1):
        sentences = [[fold(pair[side]) for pair in one] for one in sets.values()]
        held_out = [one for some in sentences[1:] for one in some]
        assert len(set(held_out)) == len(held_out)
        assert not set(held_out) & set(sentences[0])


def test_order_of_the_pairs_and_partitions_change_nothing(split):
    pairs = corpus()
    shuffled = random.Random(1).sample(pairs, len(pairs))
    expected = split(pairs)
    for other, partition_pairs in ((shuffled, 1 << 20), (shuffled, 50), (pairs, 50)):
        fates = split(other, partition_pairs=partition_pairs)
        for fate in Fate:
            assert members(other, fates, fate) == members(pairs, expected, fate)


def test_two_sentences_with_one_translation_are_not_both_held_out(split):
    pairs = [(f"sentence {number}", f"Satz {number // 2}") for number in range(60)]
    fates = split(pairs)
    held_out = [pair[1] for fate in (Fate.VALIDATION, Fate.TEST) for pair in members(pairs, fates, fate)]
    assert len(set(held_out)) == len(held_out) == sum(SIZES)


def test_the_seed_draws_other_sentences(split):
    pairs = corpus()
    one, other = ({source for source, _ in members(pairs, split(pairs, seed=seed), Fate.TEST)} for seed in (1, 2))
    assert one != other


def test_pairs_are_compared_in_parts_of_bounded_size(split, monkeypatch):
    sizes = []
    sort = np.lexsort
    monkeypatch.setattr(splitting, "_PAIRS_AT_ONCE", 100)
    monkeypatch.setattr(np, "lexsort", lambda keys: (sizes.append(len(keys[0])), sort(keys))[1])
    split([(f"sentence {number}", f"Satz {number}") for number in range(4000)], partition_pairs=500)
    assert max(sizes) < 1000


def test_a_larger_test_set_changes_no_validation_set(split):
    pairs = corpus()
    one, other = split(pairs), split(pairs, HeldOutSizes(SIZES.validation, 40))
    assert members(pairs, one, Fate.VALIDATION) == members(pairs, other, Fate.VALIDATION)
    assert members(pairs, one, Fate.TEST) < members(pairs, other, Fate.TEST)


def test_sentences_are_drawn_from_all_over(split):
    pairs = [(f"sentence {number}", f"Satz {number}") for number in range(1000)]
    drawn = np.flatnonzero(np.array(split(pairs, HeldOutSizes(100, 100))) != Fate.TRAINING)
    counts, _ = np.histogram(drawn, bins=5, range=(0, 1000))
    assert counts.sum() == 200 and counts.min() > 20


def test_a_sentence_stands_once_and_its_other_translations_nowhere(split):
    pairs = [(f"sentence {number}", f"Satz {number} {copy}") for number in range(100) for copy in range(3)]
    fates = split(pairs)
    assert fates.count(Fate.HELD_OUT_SOURCE) == 2 * sum(SIZES) and Fate.HELD_OUT_TARGET not in fates


def test_what_translates_very_much_is_not_held_out(split):
    pairs = [(f"yes {number}", "ja") for number in range(300)]
    pairs += [("what", f"was {number}") for number in range(300)]
    pairs += [(f"sentence {number}", f"Satz {number}") for number in range(30)]
    fates = split(pairs)
    assert fates.count(Fate.HELD_OUT_SOURCE) == fates.count(Fate.HELD_OUT_TARGET) == 0


def test_little_is_lost(split):
    pairs = corpus()
    fates = split(pairs)
    lost = fates.count(Fate.HELD_OUT_SOURCE) + fates.count(Fate.HELD_OUT_TARGET)
    assert lost <= MOST_LOST * sum(SIZES)


def test_where_every_sentence_costs_much_some_are_held_out_all_the_same(split):
    pairs = [(f"sentence {number}", f"Satz {number} {copy}") for number in range(30) for copy in range(20)]
    fates = split(pairs)
    assert (fates.count(Fate.VALIDATION), fates.count(Fate.TEST)) == SIZES


@pytest.mark.parametrize("partition_pairs", [1 << 20, 10])
def test_repeated_pairs_stay_once(split, partition_pairs):
    pairs = corpus() * 2
    fates = split(pairs, partition_pairs=partition_pairs, before=Splitter.leave_out_repeated)
    half = len(pairs) // 2
    assert fates[half:] == [Fate.DUPLICATE] * half and Fate.DUPLICATE not in fates[:half]


def test_nearly_repeated_pairs_stay_once(split):
    pairs = [(f"Sentence {number}", f"Satz {number}") for number in range(100)]
    pairs += [(f"sentence {number}!", f"»Satz {number}«") for number in range(50)] + [("Sentence 1", "Ein anderer")]
    fates = split(pairs, before=Splitter.leave_out_nearly_repeated)
    assert fates.count(Fate.NEAR_DUPLICATE) == 50


def test_lengths_that_do_not_fit_those_of_others_deviate(split):
    generator = random.Random(1)
    pairs = []
    for number in range(400):
        length = generator.randint(5, 100)
        pairs.append(
            (f"{number} " + "a" * length, f"{number} " + "b" * round(1.5 * length * generator.uniform(0.8, 1.2)))
        )
    fates = split([*pairs, ("a" * 100, "b" * 30)], before=Splitter.leave_out_deviating)
    assert fates[-1] == Fate.LENGTH_DEVIATES and fates.count(Fate.LENGTH_DEVIATES) < 5


@pytest.mark.parametrize(
    ("sentences", "size"), [(5, 0), (10, 1), (300, 30), (3000, 210), (30_000, 690), (124_000, 1400), (10**8, 2000)]
)
def test_the_default_size_suits_the_corpus(sentences, size):
    assert default_size(sentences) == size


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("He ran.", " he  RAN!"),
        ("Straße", "STRASSE"),
        ("Was?", "was ?"),
        ("don’t", "don't"),
        ("ﬁn", "fin"),
        ("é", "e\u0301"),
    ],
)
def test_sentences_that_differ_in_form_alone_are_one(one, other):
    assert fold(one) == fold(other)


@pytest.mark.parametrize(("one", "other"), [("कि", "का"), ("?", "!"), ("C", "C+"), ("year", "years")])
def test_sentences_that_differ_in_more_are_two(one, other):
    assert fold(one) != fold(other)
