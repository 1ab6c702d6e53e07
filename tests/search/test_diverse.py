"""Diverse beam search against a plain twin of itself, and what its groups owe each other."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nmt.search.beam import beam_search
from search_cases import BOS, EOS, search_options

OPTIONS = search_options(bos=BOS, eos=EOS, forbidden=(BOS,), beam_size=6, n_best=6, groups=3)


def search(table, sentences, limits, options=OPTIONS, **more):
    limits = [limits] * len(sentences) if isinstance(limits, int) else limits
    return beam_search(table.step, table.state(sentences), options, max_lengths=torch.tensor(limits), **more)


class Group:
    """The hypotheses of a group: (tokens, log-probability, what diversity has taken)."""

    def __init__(self):
        self.live = [((), 0.0, 0.0)]
        self.before = []
        self.finished = []  # (tokens, log-probability, score, True)

    def extend(self, table, sentence, size, options, taken):
        """Goes on by a word, and counts the words that it took."""
        ranked = []
        for tokens, total, lost in self.live:
            for word, value in enumerate(table.log_probabilities(sentence, tokens)):
                cost = options.diversity * taken[word]
                if word == EOS:
                    ranked.append((total + value - lost, 0, tokens, total + value, lost))
                elif word not in options.forbidden:
                    ranked.append((total + value - lost - cost, 1, (*tokens, word), total + value, lost + cost))
        ranked.sort(reverse=True)
        ended = {tokens for _, is_word, tokens, *_ in ranked[:size] if not is_word}
        for _, is_word, tokens, total, _ in ranked:
            if not is_word and tokens in ended:
                score = total / (len(tokens) + 1) ** options.length_penalty
                self.finished.append((tokens, total, score, True))
        self.finished.sort(key=lambda one: -one[2])
        self.before = [one for one in self.live if one[0] not in ended]
        self.live = [one[2:] for one in ranked if one[1]][:size]
        taken.update(tokens[-1] for tokens, *_ in self.live)
        scores = [total / len(tokens) ** options.length_penalty for tokens, total, _ in self.live]
        if len(self.finished) >= size and max(scores, default=-math.inf) <= self.finished[size - 1][2]:
            self.live = []


def twin(table, sentence, limit, options):
    """Diverse beam search of one sentence, in the plainest words."""
    groups = [Group() for _ in range(options.groups)]
    for length in itertools.count():
        taken = Counter()
        for group in groups:
            group.extend(table, sentence, options.beam_size // options.groups, options, taken)
        if length == limit or not any(group.live for group in groups):
            break
    finished = sorted((one for group in groups for one in group.finished), key=lambda one: -one[2])
    cut = [
        (tokens, total, total / max(len(tokens), 1) ** options.length_penalty, False)
        for group in groups
        for tokens, total, _ in group.before
    ]
    ranked = finished + sorted(cut, key=lambda one: -one[2])
    return list({(one[0], one[3]): one for one in reversed(ranked)}.values())[::-1][: options.n_best]


# Always the same examples: of two hypotheses closer than float32 tells apart, the twin may take the other one.
@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    groups=st.integers(2, 4),
    size=st.integers(1, 3),
    vocabulary=st.integers(4, 9),
    limits=st.lists(st.integers(1, 8), min_size=1, max_size=3),
    diversity=st.sampled_from([0.0, 0.5, 3.0]),
    length_penalty=st.sampled_from([0.0, 1.0]),
    end_bias=st.sampled_from([-3.0, 0.0, 2.0]),
    first=st.integers(0, 10_000),
)
def test_a_search_in_groups_equals_its_plain_twin(
    make_table, groups, size, vocabulary, limits, diversity, length_penalty, end_bias, first
):
    options = replace(
        OPTIONS,
        beam_size=groups * size,
        n_best=groups * size,
        groups=groups,
        diversity=diversity,
        length_penalty=length_penalty,
    )
    table = make_table(vocabulary=vocabulary, end_bias=end_bias)
    sentences = range(first, first + len(limits))
    for name, limit, found in zip(sentences, limits, search(table, sentences, limits, options), strict=True):
        expected = twin(table, name, limit, options)
        assert [(one.tokens, one.finished) for one in found] == [(one[0], one[3]) for one in expected]
        assert [one.log_probability for one in found] == pytest.approx([one[1] for one in expected], abs=1e-4)
        assert [one.score for one in found] == pytest.approx([one[2] for one in expected], abs=1e-4)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_one_group_is_the_usual_search_to_the_last_bit(dtype, make_table):
    table = make_table(vocabulary=40, dtype=dtype)
    usual = replace(OPTIONS, groups=1, diversity=0.0)
    assert search(table, range(9), 7, replace(usual, diversity=9.0)) == search(table, range(9), 7, usual)


def test_the_first_group_is_a_search_of_its_own(make_table):
    table = make_table(vocabulary=30, end_bias=-1.0)
    # Nobody else writes a word of the first group, so that what it finds is told from the rest.
    several = search(table, range(12), 9, replace(OPTIONS, n_best=6, diversity=1e4))
    alone = search(table, range(12), 9, replace(OPTIONS, beam_size=2, n_best=2, groups=1))
    for found, expected in zip(several, alone, strict=True):
        assert {one.tokens: one for one in expected}.items() <= {one.tokens: one for one in found}.items()


def test_diversity_makes_the_list_more_diverse(make_table):
    table = make_table(vocabulary=30, end_bias=-2.0)

    def different(**changes):
        found = search(table, range(20), 8, replace(OPTIONS, **changes))
        return sum(len({token for one in some for token in one.tokens}) for some in found)

    assert different(groups=1) < different(groups=3, diversity=0.5) < different(groups=6, diversity=2.0)


def test_without_diversity_groups_find_the_same_and_nothing_comes_twice(make_table):
    table = make_table(vocabulary=30)
    for some in search(table, range(9), 6, replace(OPTIONS, diversity=0.0)):
        assert len({one.tokens for one in some if one.finished}) == sum(one.finished for one in some)
    alone = search(table, range(9), 6, replace(OPTIONS, beam_size=2, n_best=1, groups=1))
    found = search(table, range(9), 6, replace(OPTIONS, diversity=0.0, n_best=1))
    assert [some[0].tokens for some in found] == [some[0].tokens for some in alone]


def test_a_sentence_in_groups_does_not_depend_on_its_neighbours(make_table):
    table = make_table(vocabulary=30, source_lengths={name: 1 + name % 5 for name in range(10)})
    options = replace(OPTIONS, coverage_penalty=0.1, no_repeat_ngram=2, keep_attention=True, diversity=1.0)
    limits = [2 + name for name in range(10)]
    lengths = torch.tensor([table.source_lengths[name] for name in range(10)])
    together = search(table, range(10), limits, options, source_lengths=lengths)
    for name in range(10):
        (alone,) = search(table, [name], [limits[name]], options, source_lengths=lengths[name : name + 1])
        for mine, ours in zip(alone, together[name], strict=True):
            assert replace(mine, attention=None) == replace(ours, attention=None)
            assert torch.equal(mine.attention, ours.attention)


def test_all_groups_begin_with_what_is_forced_and_go_on_apart(make_table):
    table = make_table(vocabulary=9, end_bias=-4.0)
    prefixes = [[], [2], [BOS, 5, 5]]
    options = replace(OPTIONS, diversity=1e4)
    for prefix, some in zip(prefixes, search(table, range(3), 7, options, forced_prefixes=prefixes), strict=True):
        assert all(one.tokens[: len(prefix)] == tuple(prefix) for one in some)
        assert len({one.tokens[len(prefix)] for one in some}) >= 3


def test_a_beam_that_cannot_be_cut_into_equal_groups_is_refused():
    with pytest.raises(ValueError, match="groups is 4: expected a divisor of beam_size, 6"):
        replace(OPTIONS, groups=4)
    with pytest.raises(ValueError, match="diversity is nan"):
        replace(OPTIONS, diversity=math.nan)
