"""The search for given terms, on tables of random logits: against exhaustive search, and against its own promises."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nmt.search.beam import beam_search
from nmt.search.hypothesis import Hypothesis
from nmt.search.term_progress import SentenceTerms
from nmt.search.term_search import term_search
from nmt.search.terms import Alternative, Term, TokenTraits, TriePlace
from search_cases import BOS, EOS, search_options

OPTIONS = search_options(bos=BOS, eos=EOS, forbidden=(BOS,))


def term(*alternatives, times=1, positions=(), place=TriePlace.ANYWHERE):
    return Term(tuple(Alternative(tuple(one), place) for one in alternatives), times, positions)


def find(table, sentences, terms, *, limits=8, traits=None, options=OPTIONS, **more):
    limits = [limits] * len(sentences) if isinstance(limits, int) else limits
    traits = torch.tensor([[0] * table.vocabulary if traits is None else traits])
    if table.source_lengths:
        more.setdefault("source_lengths", torch.tensor([table.source_lengths[name] for name in sentences]))
    given = SentenceTerms(terms, traits)
    return term_search(
        table.step, table.state(sentences), options, terms=given, max_lengths=torch.tensor(limits), **more
    )


def has(tokens, wanted):
    """Whether tokens hold all terms, each in a place of its own."""
    if not wanted:
        return True
    first, *rest = wanted
    return any(
        tokens[start : start + len(alternative)] == alternative
        and has((*tokens[:start], None, *tokens[start + len(alternative) :]), rest)
        for alternative in first
        for start in range(len(tokens) - len(alternative) + 1)
    )


def wanted(terms):
    return [tuple(one.tokens for one in of.alternatives) for of in terms for _ in range(of.times)]


def log_probability(table, sentence, one: Hypothesis):
    words = (*one.tokens, EOS)[: len(one.tokens) + one.finished]
    return sum(table.log_probabilities(sentence, one.tokens[:place])[word] for place, word in enumerate(words))


alternatives = st.lists(st.integers(2, 6), min_size=1, max_size=3)
some_terms = st.lists(
    st.builds(
        lambda ways, times, positions: term(*ways, times=times, positions=tuple(sorted(positions))),
        st.lists(alternatives, min_size=1, max_size=3),
        st.integers(1, 2),
        st.sets(st.integers(0, 3)),
    ),
    min_size=1,
    max_size=3,
)


@settings(deadline=None, max_examples=40)
@given(
    batch=st.lists(some_terms, min_size=1, max_size=4),
    beam=st.integers(1, 6),
    attends=st.booleans(),
    ngram=st.sampled_from([0, 2]),
    spare=st.integers(0, 8),
    seed=st.integers(0, 10**6),
)
def test_every_hypothesis_has_all_terms_whatever_they_are(make_table, batch, beam, attends, ngram, spare, seed):
    sentences = [seed + number for number in range(len(batch))]
    table = make_table(vocabulary=7, source_lengths=dict.fromkeys(sentences, 4) if attends else {})
    options = search_options(
        bos=BOS, eos=EOS, forbidden=(BOS,), beam_size=beam, n_best=min(2, beam), no_repeat_ngram=ngram
    )
    limits = [sum(one.length for one in terms) + spare for terms in batch]
    found = find(table, sentences, batch, limits=limits, options=options)
    for sentence, terms, limit, hypotheses in zip(sentences, batch, limits, found, strict=True):
        assert hypotheses
        for one in hypotheses:
            assert len(one.tokens) <= limit
            assert one.log_probability == pytest.approx(log_probability(table, sentence, one), abs=1e-4)
        finished = [one for one in hypotheses if one.finished]
        assert finished and finished == hypotheses[: len(finished)]
        for one in finished:
            assert has(one.tokens, wanted(terms))


@settings(deadline=None, max_examples=10)
@given(batch=st.lists(some_terms, min_size=2, max_size=5), seed=st.integers(0, 10**6))
def test_hypotheses_do_not_depend_on_the_batch(make_table, batch, seed):
    sentences = [seed + number for number in range(len(batch))]
    table = make_table(vocabulary=7, source_lengths={name: 2 + name % 3 for name in sentences})
    batch = [
        [one._replace(positions=tuple(place for place in one.positions if place < 2)) for one in terms]
        for terms in batch
    ]
    limits = [sum(one.length for one in terms) + 3 + number for number, terms in enumerate(batch)]
    together = find(table, sentences, batch, limits=limits)
    for number, sentence in enumerate(sentences):
        [alone] = find(table, [sentence], [batch[number]], limits=[limits[number]])
        assert [one.tokens for one in together[number]] == [one.tokens for one in alone]
        assert [one.score for one in together[number]] == pytest.approx([one.score for one in alone], abs=1e-5)


@pytest.mark.parametrize("terms", [[term((2,))], [term((3, 2), (4,))], [term((2,)), term((4, 4))]])
def test_a_wide_beam_finds_the_best_of_all_that_have_the_terms(make_table, terms):
    table = make_table(vocabulary=5)
    options = search_options(bos=BOS, eos=EOS, forbidden=(BOS,), beam_size=90, n_best=90)
    for sentence in range(4):
        best, best_score = None, -math.inf
        for length in range(5):
            for tokens in itertools.product((2, 3, 4), repeat=length):
                if has(tokens, wanted(terms)):
                    total = log_probability(table, sentence, Hypothesis(tokens, 0.0, 0.0, finished=True))
                    if total / (length + 1) > best_score:
                        best, best_score = tokens, total / (length + 1)
        [[found, *_]] = find(table, [sentence], [terms], limits=4, options=options)
        assert (found.tokens, found.score) == (best, pytest.approx(best_score, abs=1e-5))


def test_a_term_that_the_search_finds_by_itself_costs_nothing(make_table):
    table = make_table(vocabulary=40)
    options = search_options(bos=BOS, eos=EOS, forbidden=(BOS,), beam_size=8)
    same = 0
    for sentence in range(30):
        [[free]] = beam_search(table.step, table.state([sentence]), options, max_lengths=torch.tensor([8]))
        if free.finished and len(free.tokens) > 2:
            [[found]] = find(table, [sentence], [[term(free.tokens[1:3])]], options=options)
            assert found.score >= free.score - 0.35  # a beam that is shared may lose the best
            same += found.tokens == free.tokens
    assert same > 15


def test_a_term_begins_where_attention_is_on_its_words(make_table):
    table = make_table(vocabulary=300, source_lengths=dict.fromkeys(range(20), 6))
    sharp = make_table.attention

    def at_its_place(table, sentence, prefix):
        weights = sharp(table, sentence, prefix) * 0.01
        weights[min(len(prefix), 5)] += 0.99
        return weights / weights.sum()

    begun = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(make_table, "attention", at_its_place)
        for sentence in range(20):
            [[found]] = find(table, [sentence], [[term((5, 6), positions=(3,))]], limits=12)
            places = [place for place in range(len(found.tokens)) if found.tokens[place : place + 2] == (5, 6)]
            begun.append(places[0])
    # Elsewhere only at the last moment, or where the model would have written the first token by itself.
    assert begun.count(3) >= 15


def test_a_term_may_be_met_by_a_prefix(make_table):
    table = make_table(vocabulary=8)
    terms = [[term((2, 3)), term((4,))], [term((2, 3))], [term((5,))]]
    prefixes = [[2, 3, 6], [2], []]
    found = find(table, [0, 1, 2], terms, forced_prefixes=prefixes, limits=[5, 3, 2])
    for of_sentence, prefix, wanted_terms in zip(found, prefixes, terms, strict=True):
        tokens = of_sentence[0].tokens
        assert list(tokens[: len(prefix)]) == prefix and of_sentence[0].finished
        assert has(tokens, wanted(wanted_terms))


def test_the_end_of_a_term_is_the_end_of_a_word(make_table):
    continues = [0] * 6 + [int(TokenTraits.CONTINUES)] * 6
    table = make_table(vocabulary=12)
    for sentence in range(15):
        [[found]] = find(table, [sentence], [[term((2, 7))]], traits=continues, limits=10)
        text = "".join(f"{token} " if token < 6 else f"{token}+ " for token in (*found.tokens, 0))
        assert any(
            found.tokens[place : place + 2] == (2, 7) and (*found.tokens, EOS)[place + 2] < 6
            for place in range(len(found.tokens))
        ), text


def test_alternatives_are_bound_to_their_places(make_table):
    point, bracket = 10, 11
    traits = [0] * 10 + [
        int(TokenTraits.ENDS_SENTENCE | TokenTraits.IS_MARK),
        int(TokenTraits.OPENS | TokenTraits.IS_MARK),
    ]
    capital, glued = Alternative((3,), TriePlace.SENTENCE_START), Alternative((4,), TriePlace.AFTER_OPENING)
    terms = [[Term((Alternative((2,)), capital, glued))]]
    # What the model would write for anything is an alternative; but it counts in its place only.
    for token, before in ((3, {None, point}), (4, {bracket})):
        table = make_table(vocabulary=12)
        usual = make_table.logits
        with pytest.MonkeyPatch.context() as patch:

            def likes(table, sentence, prefix, token=token, usual=usual):
                values = usual(table, sentence, prefix).copy()
                values[token] += 4
                return values

            patch.setattr(make_table, "logits", likes)
            for sentence in range(8):
                [[found]] = find(table, [sentence], terms, traits=traits, limits=8)
                allowed = [
                    place
                    for place, one in enumerate(found.tokens)
                    if one == token and (found.tokens[place - 1] if place else None) in before
                ]
                assert 2 in found.tokens or allowed or any(one in found.tokens for one in {3, 4} - {token})


def test_a_longer_term_is_not_taken_for_a_shorter_one(make_table):
    table = make_table(vocabulary=9)
    terms = [[term((2, 3)), term((2, 3, 4))]]
    for sentence in range(10):
        [[found]] = find(table, [sentence], terms, limits=9)
        assert has(found.tokens, [((2, 3, 4),), ((2, 3),)])


def test_a_sentence_without_terms_is_searched_as_usual(make_table):
    table = make_table(vocabulary=20)
    free = beam_search(
        table.step, table.state([3]), search_options(bos=BOS, forbidden=(BOS,)), max_lengths=torch.tensor([8])
    )
    found = find(table, [3, 4], [[], [term((2,))]])
    assert found[0][0].tokens == free[0][0].tokens


def test_a_token_goes_on_with_a_term_or_begins_another_as_there_is_room(make_table):
    table = make_table(vocabulary=6)
    for sentence in range(5):
        [[found]] = find(table, [sentence], [[term((2,)), term((2,), (2, 2))]], limits=2)
        assert (found.tokens, found.finished) == ((2, 2), True)
