"""Beam search against exhaustive search, against a plain twin of itself, and against its own promises."""

from __future__ import annotations

import itertools
import math
import weakref
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nmt.errors import NonFiniteError
from nmt.search import decoding
from nmt.search.beam import beam_search
from nmt.search.history import History
from nmt.search.hypothesis import Step
from search_cases import BOS, EOS, search_options

OPTIONS = search_options(bos=BOS, eos=EOS, forbidden=(BOS,))


def search(table, sentences, limits, options=OPTIONS, **more):
    limits = [limits] * len(sentences) if isinstance(limits, int) else limits
    if table.source_lengths:
        more.setdefault("source_lengths", torch.tensor([table.source_lengths[name] for name in sentences]))
    return beam_search(table.step, table.state(sentences), options, max_lengths=torch.tensor(limits), **more)


def coverage(table, sentence, tokens, steps, beta):
    if beta == 0:
        return 0.0
    total = sum(table.attention(sentence, tokens[:step]) for step in range(steps))
    return beta * float(np.log(np.minimum(total, 1.0)).sum())


def score(table, sentence, tokens, log_probability, options, *, finished):
    length = len(tokens) + finished
    penalty = coverage(table, sentence, tokens, length, options.coverage_penalty) if length else 0.0
    return log_probability / max(length, 1) ** options.length_penalty + penalty


def log_probability(table, sentence, one):
    """What the model itself gives the hypothesis."""
    words = (*one.tokens, EOS)[: len(one.tokens) + one.finished]
    return sum(table.log_probabilities(sentence, one.tokens[:i])[word] for i, word in enumerate(words))


def every_translation(table, sentence, limit, options):
    """All finished hypotheses of at most `limit` words, best first: (tokens, log-probability, score)."""
    words = [word for word in range(table.vocabulary) if word != EOS and word not in options.forbidden]
    found = []
    for length in range(limit + 1):
        for tokens in itertools.product(words, repeat=length):
            sequence = (*tokens, EOS)
            total = sum(table.log_probabilities(sentence, tokens[:i])[word] for i, word in enumerate(sequence))
            found.append((tokens, total, score(table, sentence, tokens, total, options, finished=True)))
    return sorted(found, key=lambda item: -item[2])


def repeats(tokens, size):
    sequences = [tokens[start : start + size] for start in range(len(tokens) - size + 1)]
    return len(set(sequences)) < len(sequences)


def twin(table, sentence, limit, options, prefix=()):
    """Beam search of one sentence, in the plainest words."""
    live, finished, length = [((), 0.0)], [], 0
    while True:
        candidates, endings = [], []
        for tokens, total in live:
            scores = table.log_probabilities(sentence, tokens)
            for word in range(table.vocabulary):
                if length < len(prefix):
                    if word == prefix[length]:
                        candidates.append(((*tokens, word), total + scores[word]))
                elif word == EOS:
                    endings.append((tokens, total + scores[word]))
                elif word not in options.forbidden and not (
                    options.no_repeat_ngram and repeats((*tokens, word), options.no_repeat_ngram)
                ):
                    candidates.append(((*tokens, word), total + scores[word]))
        ranked = sorted(
            [(total, 0, tokens) for tokens, total in endings] + [(t, 1, w) for w, t in candidates], reverse=True
        )
        ended = {tokens for _, is_word, tokens in ranked[: options.beam_size] if not is_word}
        for total, is_word, tokens in ranked:
            if not is_word and tokens in ended:
                finished.append((tokens, total, score(table, sentence, tokens, total, options, finished=True), True))
        finished.sort(key=lambda item: -item[2])
        before, live = live, sorted(candidates, key=lambda item: -item[1])[: options.beam_size]
        best = max((score(table, sentence, *one, options, finished=False) for one in live), default=-math.inf)
        enough = len(finished) >= options.beam_size and best <= finished[options.beam_size - 1][2]
        if enough or length == limit or not live:
            cut = [
                (tokens, total, score(table, sentence, tokens, total, options, finished=False), False)
                for tokens, total in before
                if tokens not in ended
            ]
            cut.sort(key=lambda item: -item[2])
            return (finished + cut)[: options.n_best]
        length += 1


def assert_same(found, expected):
    assert [one.tokens for one in found] == [one[0] for one in expected]
    assert [one.log_probability for one in found] == pytest.approx([one[1] for one in expected], abs=1e-4)
    assert [one.score for one in found] == pytest.approx([one[2] for one in expected], abs=1e-4)
    assert [one.finished for one in found] == [one[3] for one in expected]


@pytest.mark.parametrize("length_penalty", [0.0, 0.6, 1.0, 2.0])
@pytest.mark.parametrize("coverage_penalty", [0.0, 0.3])
def test_a_wide_beam_finds_what_exhaustive_search_finds(make_table, length_penalty, coverage_penalty):
    table = make_table(vocabulary=5, source_lengths={name: 2 + name for name in range(3)})
    options = replace(
        OPTIONS, beam_size=120, n_best=40, length_penalty=length_penalty, coverage_penalty=coverage_penalty
    )
    for sentence, found in enumerate(search(table, range(3), 3, options)):
        expected = every_translation(table, sentence, 3, options)
        assert len(found) == len(expected) == 40 and all(one.finished for one in found)
        assert found[0].tokens == expected[0][0]
        assert {one.tokens for one in found} == {one[0] for one in expected}
        assert [one.score for one in found] == pytest.approx([one[2] for one in expected], abs=1e-4)


# Always the same examples: of two hypotheses closer than float32 tells apart, the twin may take the other one.
@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    beam=st.integers(1, 6),
    n_best=st.integers(1, 6),
    vocabulary=st.integers(3, 9),
    limits=st.lists(st.integers(1, 9), min_size=1, max_size=4),
    length_penalty=st.sampled_from([0.0, 0.7, 1.0, 1.5]),
    coverage_penalty=st.sampled_from([0.0, 0.2]),
    no_repeat_ngram=st.integers(0, 3),
    end_bias=st.sampled_from([-4.0, 0.0, 2.0]),
    prefixed=st.booleans(),
    first=st.integers(0, 10_000),
)
def test_beam_search_equals_its_plain_twin(
    make_table,
    beam,
    n_best,
    vocabulary,
    limits,
    length_penalty,
    coverage_penalty,
    no_repeat_ngram,
    end_bias,
    prefixed,
    first,
):
    options = replace(
        OPTIONS,
        beam_size=beam,
        n_best=min(beam, n_best),
        length_penalty=length_penalty,
        coverage_penalty=coverage_penalty,
        no_repeat_ngram=no_repeat_ngram,
    )
    sentences = range(first, first + len(limits))
    table = make_table(
        vocabulary=vocabulary, end_bias=end_bias, source_lengths={name: 1 + name % 4 for name in sentences}
    )
    words = [word for word in range(vocabulary) if word != EOS]
    prefixes = [
        [words[(name + i) % len(words)] for i in range(name % 3) if i < limit]
        for name, limit in zip(sentences, limits, strict=True)
    ]
    found = search(table, sentences, limits, options, forced_prefixes=prefixes if prefixed else None)
    for name, limit, prefix, some in zip(sentences, limits, prefixes, found, strict=True):
        assert_same(some, twin(table, name, limit, options, prefix if prefixed else ()))


def test_what_a_sentence_gets_does_not_depend_on_its_neighbours(make_table):
    table = make_table(vocabulary=30, source_lengths={name: 1 + name % 5 for name in range(12)})
    options = replace(OPTIONS, beam_size=4, n_best=4, coverage_penalty=0.1, no_repeat_ngram=2, keep_attention=True)
    limits = [3 + name for name in range(12)]
    together = search(table, range(12), limits, options)
    for name in range(12):
        (alone,) = search(table, [name], [limits[name]], options)
        for mine, ours in zip(alone, together[name], strict=True):
            assert replace(mine, attention=None) == replace(ours, attention=None)
            assert torch.equal(mine.attention, ours.attention)


def test_ties_are_broken_the_same_way_in_every_batch(make_table):
    table = make_table(vocabulary=300, scale=1.0, round_to=1.0, dtype=torch.bfloat16)
    options = replace(OPTIONS, beam_size=4, n_best=4)
    together = search(table, range(10), 6, options)
    assert [search(table, [name], 6, options)[0] for name in range(10)] == together


def test_a_sentence_leaves_the_batch_when_it_is_done(make_table):
    table = make_table(vocabulary=6, end_bias=-50.0)
    search(table, [7, 8, 9], [1, 4, 2])
    assert table.batches == [[7, 8, 9], [7, 8, 9], [8, 9], [8], [8]]


def test_a_beam_of_one_is_greedy(make_table):
    table = make_table(vocabulary=9)
    expected = []
    for name in range(20):
        tokens = []
        while len(tokens) <= 8:
            scores = table.logits(name, tuple(tokens))
            scores[BOS] = -np.inf
            tokens.append(int(scores.argmax()))
            if tokens[-1] == EOS:
                break
        expected.append(((tuple(tokens[:-1])), tokens[-1] == EOS))
    found = search(table, range(20), 8, replace(OPTIONS, beam_size=1))
    assert [(one.tokens, one.finished) for (one,) in found] == expected
    assert {finished for _, finished in expected} == {True, False}


def test_a_sentence_goes_on_while_a_living_hypothesis_beats_the_worst_finished(make_table):
    class Waiting(make_table):
        """Ends badly at once, well after three words: the good one is alive when the bad one ends."""

        def logits(self, _sentence, prefix):
            return np.log([1e-9, 0.6 if len(prefix) in (0, 3) else 1e-9, 0.4 if len(prefix) < 3 else 1e-9])

    table = Waiting(vocabulary=3)
    options = replace(OPTIONS, length_penalty=1.0)
    assert search(table, [0], 9, replace(options, beam_size=1))[0][0].tokens == ()
    (found,) = search(table, [0], 9, replace(options, beam_size=2, n_best=2))
    assert [one.tokens for one in found] == [(2, 2, 2), ()]


def test_length_penalty_zero_scores_by_log_probability(make_table):
    table = make_table(vocabulary=6)
    for found in search(table, range(5), 6, replace(OPTIONS, length_penalty=0.0, n_best=5)):
        assert all(one.score == one.log_probability for one in found)


def test_a_longer_length_penalty_prefers_longer_hypotheses(make_table):
    table = make_table(vocabulary=6)
    lengths = [
        sum(len(found[0].tokens) for found in search(table, range(30), 6, replace(OPTIONS, length_penalty=penalty)))
        for penalty in (0.0, 1.0, 3.0)
    ]
    assert lengths[0] < lengths[1] < lengths[2]


def test_at_the_limit_finished_hypotheses_come_before_cut_ones(make_table):
    table = make_table(vocabulary=6)
    found = search(table, range(40), 2, replace(OPTIONS, n_best=5))
    kinds = ["".join("F" if one.finished else "c" for one in some) for some in found]
    assert all(len(kind) == 5 and "cF" not in kind for kind in kinds)
    assert any("Fc" in kind for kind in kinds)
    for some in found:
        assert all(len(one.tokens) <= 2 for one in some)
        assert all(len(one.tokens) == 2 for one in some if not one.finished)


def test_a_hypothesis_may_end_right_at_the_limit(make_table):
    table = make_table(vocabulary=4, end_bias=0.0)
    found = search(table, range(50), 3)
    assert any(one.finished and len(one.tokens) == 3 for some in found for one in some)


def test_a_model_that_never_ends_is_cut_at_each_sentences_own_limit(make_table):
    table = make_table(vocabulary=12, end_bias=-1e4)
    for limit, (one,) in zip([1, 30, 7], search(table, range(3), [1, 30, 7]), strict=True):
        assert len(one.tokens) == limit and not one.finished
        assert one.score == pytest.approx(one.log_probability / limit)


def test_forbidden_tokens_are_never_generated_though_they_are_probable(make_table):
    class Tempting(make_table):
        def logits(self, sentence, prefix):
            return super().logits(sentence, prefix) + np.array([9.0, 0, 9.0, 9.0, 0, 0, 0])

    options = replace(OPTIONS, forbidden=(0, 2, 3), n_best=5)
    table = Tempting(vocabulary=7)
    for sentence, some in enumerate(search(table, range(10), 5, options)):
        assert len(some) == 5
        for one in some:
            assert not {0, 2, 3} & set(one.tokens)
            assert one.log_probability == pytest.approx(log_probability(table, sentence, one), abs=1e-4)


def test_no_sequence_of_the_forbidden_length_comes_twice(make_table):
    table = make_table(vocabulary=5, end_bias=-3.0)
    free = search(table, range(10), 12)
    assert any(repeats(one.tokens, 2) for some in free for one in some)
    for size in (1, 2, 3):
        for some in search(table, range(10), 12, replace(OPTIONS, no_repeat_ngram=size)):
            assert not any(repeats(one.tokens, size) for one in some)


def test_hypotheses_begin_with_what_is_forced_even_with_forbidden_tokens(make_table):
    table = make_table(vocabulary=8)
    prefixes = [[], [BOS, 5], [3, 3, 3, 3], [2]]
    options = replace(OPTIONS, n_best=4, no_repeat_ngram=1)
    found = search(table, range(4), 6, options, forced_prefixes=prefixes)
    for prefix, some in zip(prefixes, found, strict=True):
        assert len(some) == 4 and len({one.tokens for one in some}) == 4
        assert all(one.tokens[: len(prefix)] == tuple(prefix) for one in some)


def test_a_prefix_stays_with_its_sentence_when_another_leaves(make_table):
    table = make_table(vocabulary=6)
    prefixes = [[2], [3, 4, 5, 2]]
    found = search(table, range(2), [1, 6], forced_prefixes=prefixes)
    assert found[0][0].tokens == (2,) and found[1][0].tokens[:4] == (3, 4, 5, 2)


def test_a_forced_token_that_cannot_be_ends_the_search_with_what_was_there(make_table):
    class Refusing(make_table):
        def logits(self, sentence, prefix):
            return super().logits(sentence, prefix) + np.array([0, 0, 0, -np.inf if prefix else 0, 0])

    ((one,),) = search(Refusing(vocabulary=5), [0], 6, forced_prefixes=[[3, 3, 2]])
    assert one.tokens == (3,) and not one.finished


def test_the_end_mark_wins_against_an_equally_probable_word(make_table):
    class Level(make_table):
        def logits(self, _sentence, _prefix):
            return np.zeros(4)

    assert search(Level(vocabulary=4), [0], 5, replace(OPTIONS, beam_size=1))[0][0].tokens == ()


def test_attention_has_a_row_for_every_token_and_one_for_the_end_mark(make_table):
    table = make_table(vocabulary=6, end_bias=-1.0, source_lengths={name: 1 + name for name in range(4)})
    found = search(table, range(4), 4, replace(OPTIONS, n_best=5, keep_attention=True))
    for sentence, some in enumerate(found):
        for one in some:
            rows = len(one.tokens) + one.finished
            expected = np.array([table.attention(sentence, one.tokens[:row]) for row in range(rows)])
            assert one.attention.shape == (rows, 1 + sentence)
            np.testing.assert_allclose(one.attention.numpy(), expected, atol=1e-6)
    assert {one.finished for some in found for one in some} == {True, False}


def test_attention_is_kept_only_when_wanted_and_given(make_table):
    with_attention = make_table(vocabulary=6, source_lengths={0: 3})
    without = make_table(vocabulary=6)
    assert search(with_attention, [0], 4)[0][0].attention is None
    assert search(without, [0], 4, replace(OPTIONS, keep_attention=True))[0][0].attention is None


def test_a_hypothesis_cut_at_nothing_has_no_attention_rows(make_table):
    class Stuck(make_table):
        def logits(self, _sentence, _prefix):
            return np.array([0.0, -np.inf, -np.inf])

    table = Stuck(vocabulary=3, source_lengths={0: 3})
    ((one,),) = search(table, [0], 4, replace(OPTIONS, keep_attention=True))
    assert (one.tokens, one.log_probability, one.score, one.finished) == ((), 0.0, 0.0, False)
    assert one.attention.shape == (0, 3)


@pytest.mark.parametrize("vocabulary", [127, 128, 1000, 2051])
def test_large_vocabularies_lose_no_candidate(make_table, vocabulary):
    table = make_table(vocabulary=vocabulary)
    options = replace(OPTIONS, beam_size=3, n_best=3)
    for sentence, some in enumerate(search(table, range(4), 3, options)):
        assert_same(some, twin(table, sentence, 3, options))


def test_bfloat16_logits_are_normalised_in_float32(make_table):
    table = make_table(vocabulary=50, dtype=torch.bfloat16)
    for sentence, some in enumerate(search(table, range(4), 4)):
        for one in some:
            assert one.log_probability == pytest.approx(log_probability(table, sentence, one), abs=1e-5)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_logits_that_are_no_numbers_are_an_error(make_table, bad):
    table = make_table(vocabulary=6, end_bias=-50)

    def step(tokens, state):
        logits, state, attention = table.step(tokens, state)
        if state.prefixes.size(-1) == 3:
            logits[1, 0, 4] = bad
        return Step(logits, state, attention)

    with pytest.raises(NonFiniteError, match=r"sentence 2 of the batch, word 3: .*not finite"):
        beam_search(step, table.state([0, 1]), OPTIONS, max_lengths=torch.tensor([5, 5]))


@pytest.mark.parametrize("groups", [1, 4])
@pytest.mark.parametrize("sentences", [1, 3])
def test_the_history_is_given_nothing_that_keeps_more_in_memory(groups, sentences, make_table, monkeypatch):
    record = History.record
    held = []

    def watch(self, batch, expansion, scores, ending_scores, attention):
        held.extend((value, value.untyped_storage().nbytes()) for value in (*expansion[:4], scores, ending_scores))
        record(self, batch, expansion, scores, ending_scores, attention)

    monkeypatch.setattr(History, "record", watch)
    search(make_table(vocabulary=30), range(sentences), 5, replace(OPTIONS, beam_size=8, groups=groups))
    assert held and all(size == value.numel() * value.element_size() for value, size in held)


def test_the_history_keeps_copies_apart_from_what_a_step_makes(make_table, monkeypatch):
    """What is kept between a step's large tensors would leave no room there for those of the next step."""
    table = make_table(vocabulary=30, end_bias=-9, source_lengths={0: 3, 1: 4})
    options = replace(OPTIONS, n_best=5, keep_attention=True)
    expected = search(table, range(2), 9, options)
    record = History.record
    steps = []

    def spoil(self, batch, expansion, scores, ending_scores, attention):
        record(self, batch, expansion, scores, ending_scores, attention)
        steps.append((*expansion[:4], scores, ending_scores, attention))
        if len(steps) > 2:  # what only the history needs by now
            for value in steps[-3]:
                value.fill_(-1)

    monkeypatch.setattr(History, "record", spoil)
    for some, same in zip(search(table, range(2), 9, options), expected, strict=True):
        for one, other in zip(some, same, strict=True):
            assert replace(one, attention=None) == replace(other, attention=None)
            assert torch.equal(one.attention, other.attention)
    assert len(steps) == 10


@pytest.mark.parametrize("no_repeat_ngram", [0, 2])
def test_the_logits_of_a_step_are_gone_when_the_next_ones_are_there(make_table, no_repeat_ngram, monkeypatch):
    normalise, ban = decoding.log_normaliser, decoding.ban_repeats
    made, alive = [], []

    def watch_normaliser(logits):
        made.append(weakref.ref(logits))
        alive.append(sum(reference() is not None for reference in made))
        return normalise(logits)

    def watch_ban(*given):
        banned = ban(*given)
        made.append(weakref.ref(banned))
        return banned

    monkeypatch.setattr(decoding, "log_normaliser", watch_normaliser)
    monkeypatch.setattr(decoding, "ban_repeats", watch_ban)
    options = replace(OPTIONS, no_repeat_ngram=no_repeat_ngram)
    search(make_table(vocabulary=6, end_bias=-50), range(1), 5, options)
    assert len(alive) > 3 and set(alive) == {1}


def test_no_gradient_is_kept(make_table):
    table = make_table(vocabulary=6, source_lengths={0: 3})

    def step(tokens, state):
        logits, state, attention = table.step(tokens, state)
        return Step(logits.requires_grad_(), state, attention.requires_grad_())

    ((one,),) = beam_search(
        step, table.state([0]), replace(OPTIONS, keep_attention=True), max_lengths=torch.tensor([3])
    )
    assert not one.attention.requires_grad


def test_no_sentences_give_no_hypotheses(make_table):
    assert beam_search(make_table(4).step, make_table(4).state([]), OPTIONS, max_lengths=torch.tensor([])) == []


@pytest.mark.parametrize(
    ("changes", "more", "message"),
    [
        ({"n_best": 6}, {}, "n_best is 6: expected at most beam_size, 5"),
        ({"coverage_penalty": 0.1}, {}, "source lengths"),
        ({"coverage_penalty": 0.1}, {"source_lengths": torch.tensor([1])}, "a model with attention"),
        ({}, {"source_lengths": torch.tensor([1, 2])}, "2 source lengths for 1 sentences"),
        ({}, {"forced_prefixes": []}, "0 forced prefixes for 1 sentences"),
        ({}, {"forced_prefixes": [[2] * 5]}, "5 tokens, more than the limit 4"),
        ({}, {"forced_prefixes": [[2, EOS]]}, "holds the end mark 1"),
        ({}, {"max_lengths": torch.tensor([0])}, "limit is 0 tokens"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(make_table, changes, more, message):
    table = make_table(vocabulary=6)
    arguments = {"max_lengths": torch.tensor([4]), **more}
    with pytest.raises(ValueError, match=message):
        beam_search(table.step, table.state([0]), replace(OPTIONS, **changes), **arguments)


@pytest.mark.parametrize(
    "changes",
    [
        {"beam_size": 0},
        {"n_best": 0},
        {"no_repeat_ngram": -1},
        {"length_penalty": -0.5},
        {"length_penalty": math.nan},
        {"coverage_penalty": math.inf},
        {"forbidden": (0, EOS)},
    ],
)
def test_options_outside_their_range_are_refused(changes):
    with pytest.raises(ValueError, match=r"expected|forbidden"):
        replace(OPTIONS, **changes)
