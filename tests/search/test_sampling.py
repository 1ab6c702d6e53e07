"""Samples follow the model's distribution, and nothing but seed, key and number decides them."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch

from nmt.search.beam import beam_search
from nmt.search.hypothesis import Step
from nmt.search.options import SamplingOptions
from nmt.search.sampling import restrict, sample
from search_cases import BOS, EOS, search_options

OPTIONS = search_options(bos=BOS, eos=EOS, forbidden=(BOS,))


def draw(table, sentences, limit=6, options=OPTIONS, sampling=None, **more):
    sentences = list(sentences)
    more.setdefault("keys", [(name,) for name in sentences])
    if table.source_lengths:
        more.setdefault("source_lengths", torch.tensor([table.source_lengths[name] for name in sentences]))
    limits = torch.full((len(sentences),), limit)
    return sample(
        table.step, table.state(sentences), options, sampling or SamplingOptions(), max_lengths=limits, **more
    )


def sequence_probabilities(table, limit, temperature=1.0):
    """Of every outcome of sentence 0, as (tokens, finished)."""
    words = [word for word in range(table.vocabulary) if word not in (BOS, EOS)]
    probabilities = {}

    def next_word(prefix):
        weights = np.exp(table.logits(0, prefix) / temperature)
        weights[BOS] = 0.0
        return weights / weights.sum()

    for length in range(limit + 1):
        for tokens in itertools.product(words, repeat=length):
            before = np.prod([next_word(tokens[:i])[word] for i, word in enumerate(tokens)])
            end = next_word(tokens)[EOS]
            probabilities[tokens, True] = before * end
            if length == limit:
                probabilities[tokens, False] = before * (1 - end)
    return probabilities


@pytest.mark.parametrize("temperature", [1.0, 0.5, 2.0])
def test_samples_have_the_models_distribution(make_table, temperature):
    table = make_table(vocabulary=4, scale=1.0)
    count = 4000
    options = replace(OPTIONS, n_best=count)
    (samples,) = draw(table, [0], 2, options, SamplingOptions(temperature=temperature, seed=3))
    expected = sequence_probabilities(table, 2, temperature)
    assert sum(expected.values()) == pytest.approx(1)
    seen = Counter((one.tokens, one.finished) for one in samples)
    assert set(seen) <= set(expected)
    distance = sum((seen[key] - count * p) ** 2 / (count * p) for key, p in expected.items())
    degrees = len(expected) - 1
    assert distance < degrees + 4 * np.sqrt(2 * degrees)


def test_log_probabilities_are_the_models_own_whatever_is_cut(make_table):
    table = make_table(vocabulary=12)
    sampling = SamplingOptions(temperature=0.7, top_k=5, top_p=0.9)
    for sentence, some in enumerate(draw(table, range(5), 6, replace(OPTIONS, n_best=4), sampling)):
        assert len(some) == 4
        for one in some:
            words = (*one.tokens, EOS)[: len(one.tokens) + one.finished]
            total = sum(table.log_probabilities(sentence, one.tokens[:i])[word] for i, word in enumerate(words))
            assert one.log_probability == pytest.approx(total, abs=1e-4)
            assert one.score == pytest.approx(total / len(words), abs=1e-4)


def test_a_sample_depends_on_neither_batch_nor_limit_nor_number_of_samples(make_table):
    table = make_table(vocabulary=40, end_bias=3.0)
    several = replace(OPTIONS, n_best=3)
    together = draw(table, range(8), 9, several)
    assert len({len(batch) for batch in table.batches}) > 2
    for name in range(8):
        assert draw(table, [name], 9, several) == [together[name]]
        assert draw(table, [name], 9) == [together[name][:1]]
    for name, some in enumerate(draw(table, range(8), 4, several)):
        for short, long in zip(some, together[name], strict=True):
            assert short.tokens == long.tokens[:4]


def test_seed_and_key_and_number_change_what_is_drawn(make_table):
    table = make_table(vocabulary=40, end_bias=-9)
    (first, second) = draw(table, [0], options=replace(OPTIONS, n_best=2))[0]
    assert first.tokens != second.tokens
    assert draw(table, [0], keys=[[5]])[0][0].tokens != first.tokens
    assert len({draw(table, [0], keys=[(3, part)])[0][0].tokens for part in range(4)}) == 4
    assert draw(table, [0], sampling=SamplingOptions(seed=1))[0][0].tokens != first.tokens
    assert draw(table, [0])[0][0] == first


@pytest.mark.parametrize(
    "sampling",
    [
        SamplingOptions(top_k=1),
        SamplingOptions(top_k=1, top_p=0.5, temperature=1e300),
        *(SamplingOptions(top_p=top_p) for top_p in (1e-9, 1e-300, 5e-324)),
        *(SamplingOptions(temperature=temperature) for temperature in (1e-9, 1e-39, 1e-40, 1e-320, 5e-324)),
    ],
)
def test_drawing_from_the_best_token_alone_is_greedy_search(make_table, sampling):
    table = make_table(vocabulary=9)
    options = replace(OPTIONS, beam_size=1)
    greedy = beam_search(table.step, table.state(range(9)), options, max_lengths=torch.full((9,), 5))
    assert draw(table, range(9), 5, sampling=sampling) == greedy


@pytest.mark.parametrize("temperature", [1e12, 1e39, 1e300, 1.7e308])
def test_the_highest_temperatures_draw_any_allowed_token_alike(make_table, temperature):
    table = make_table(vocabulary=6, scale=4.0)
    options = replace(OPTIONS, n_best=1000)
    (samples,) = draw(table, [0], 1, options, SamplingOptions(temperature=temperature, seed=2))
    first = Counter((*one.tokens, EOS)[0] for one in samples)
    assert BOS not in first and len(first) == 5 and min(first.values()) > 1000 / 5 - 50


def test_what_is_kept_of_many_tokens_is_what_sorting_all_of_them_keeps():
    """Among them are rows of equal tokens, and rows that have few."""
    drawing = torch.Generator().manual_seed(0)
    logits = torch.randn(12, 3000, generator=drawing) * torch.logspace(-1, 1, 12)[:, None]
    logits[3:9] = logits[3:9].round()
    logits[5, 4:] = -np.inf
    for top_k, top_p in [(10, 1.0), (200, 1.0), (0, 0.7), (0, 1e-300), (30, 0.9), (3000, 1.0), (10**9, 0.5)]:
        tokens = logits.argsort(dim=-1, descending=True, stable=True)
        first = torch.full_like(logits, -np.inf).scatter_(-1, tokens[:, : top_k or 3000], 0.0) + logits
        ordered = first.softmax(-1).gather(-1, tokens)
        beyond = (ordered.cumsum(-1) - ordered >= top_p) & (top_p < 1)
        beyond[:, 0] = False
        expected = first.scatter_(-1, tokens, first.gather(-1, tokens).masked_fill(beyond, -np.inf))
        found = restrict(logits, top_k, top_p)
        assert torch.equal(found, expected)
        assert all(torch.equal(restrict(row, top_k, top_p), same) for row, same in zip(logits, found, strict=True))


def test_top_k_keeps_exactly_k_tokens_even_among_equals():
    logits = torch.tensor([[1.0, 3.0, 3.0, 3.0, 0.0]])
    assert restrict(logits, 2, 1.0).tolist() == [[-np.inf, 3.0, 3.0, -np.inf, -np.inf]]


def test_top_p_keeps_the_fewest_tokens_that_reach_it():
    logits = torch.tensor([0.1, 0.5, 0.15, 0.25]).log()
    for top_p, kept in [(0.4, [1]), (0.5001, [1, 3]), (0.74, [1, 3]), (0.8, [1, 2, 3]), (0.95, [0, 1, 2, 3])]:
        assert restrict(logits, 0, top_p).isfinite().nonzero().flatten().tolist() == kept


def test_top_p_counts_only_what_top_k_left():
    logits = torch.tensor([0.5, 0.25, 0.2, 0.05]).log()
    assert restrict(logits, 2, 0.6).isfinite().tolist() == [True, False, False, False]


def test_samples_obey_prefixes_repetition_and_forbidden_tokens(make_table):
    table = make_table(vocabulary=6, end_bias=-2)
    options = replace(OPTIONS, forbidden=(BOS, 2), no_repeat_ngram=2, n_best=6)
    prefixes = [[2, 2], [], [5]]
    for prefix, some in zip(prefixes, draw(table, range(3), 12, options, forced_prefixes=prefixes), strict=True):
        assert len({one.tokens for one in some}) > 1
        for one in some:
            free = one.tokens[len(prefix) :]
            assert one.tokens[: len(prefix)] == tuple(prefix) and not {BOS, 2} & set(free)
            pairs = list(itertools.pairwise(one.tokens))
            assert len(set(pairs)) == len(pairs)


def test_samples_that_end_at_once_leave_the_others_alone(make_table):
    table = make_table(vocabulary=5, end_bias=1.0)
    (some,) = draw(table, [0], 7, replace(OPTIONS, n_best=20))
    assert len(some) == 20 and {len(one.tokens) for one in some} >= {0, 1, 2}


def test_attention_follows_each_sample(make_table):
    table = make_table(vocabulary=5, source_lengths={0: 2, 1: 4})
    options = replace(OPTIONS, n_best=4, keep_attention=True, coverage_penalty=0.2)
    for sentence, some in enumerate(draw(table, [0, 1], 4, options)):
        for one in some:
            rows = len(one.tokens) + one.finished
            expected = np.array([table.attention(sentence, one.tokens[:row]) for row in range(rows)])
            np.testing.assert_allclose(one.attention.numpy(), expected, atol=1e-6)
            covered = 0.2 * np.log(np.minimum(expected.sum(0), 1)).sum()
            assert one.score == pytest.approx(one.log_probability / rows + covered, abs=1e-4)


def test_what_is_drawn_does_not_depend_on_how_many_rows_are_turned_into_probabilities_at_once(make_table, monkeypatch):
    table = make_table(vocabulary=20)
    whole = draw(table, range(5), options=replace(OPTIONS, n_best=3))
    sizes = set()
    softmax = torch.Tensor.softmax

    def watch(values, dim):
        sizes.add(len(values))
        return softmax(values, dim)

    monkeypatch.setattr(torch.Tensor, "softmax", watch)
    monkeypatch.setattr("nmt.search.sampling._NUMBERS_AT_A_TIME", 45)
    assert draw(table, range(5), options=replace(OPTIONS, n_best=3)) == whole
    assert max(sizes) == 2


def test_where_nothing_can_be_drawn_the_sample_is_cut(make_table):
    table = make_table(vocabulary=5)

    def step(tokens, state):
        logits, state, attention = table.step(tokens, state)
        if state.prefixes.size(-1) == 3:
            logits = torch.full_like(logits, -np.inf)
            logits[..., BOS] = 0.0  # forbidden, and all there is
        else:
            logits[..., EOS] = -np.inf
        return Step(logits, state, attention)

    limits = torch.tensor([9])
    (some,) = sample(
        step, table.state([0]), replace(OPTIONS, n_best=3), SamplingOptions(), keys=[[0]], max_lengths=limits
    )
    assert [len(one.tokens) for one in some] == [2, 2, 2] and not any(one.finished for one in some)


def test_as_many_keys_as_sentences_are_needed(make_table):
    with pytest.raises(ValueError, match="1 keys for 2 sentences"):
        draw(make_table(vocabulary=5), [0, 1], keys=[[0]])


@pytest.mark.parametrize(
    "changes",
    [{"temperature": 0.0}, {"temperature": np.nan}, {"top_k": -1}, {"top_p": 0.0}, {"top_p": 1.5}, {"seed": -1}],
)
def test_sampling_options_outside_their_range_are_refused(changes):
    with pytest.raises(ValueError, match="expected"):
        SamplingOptions(**changes)
