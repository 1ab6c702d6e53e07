"""Search for translations that have given terms: beam search with dynamic beam allocation.

After Post and Vilar 2018 (arXiv:1804.06609): each step also tries the tokens that begin or continue a term, and the
beam is shared among hypotheses that lack equally many tokens of the terms. Two things are different: a term begins
where attention is on the words that it translates, and its end has to be the end of a word.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import pad

from nmt.search.decoding import Beam, Prediction, Sentences, check_sentences, decode
from nmt.search.hypothesis import NEG_INF, Expansion, Hypothesis, S, StepFunction
from nmt.search.options import SearchOptions
from nmt.search.scoring import best_endings, most_probable_words
from nmt.search.term_progress import Progress, SentenceTerms, TermFollower

LEAST_ATTENTION = 0.1
"""Attention to the source tokens of a term, of 1, from which on a hypothesis may begin the term."""

MOST_ATTENTION = 0.5
"""Attention from which on a hypothesis that does not begin the term has passed it."""

SETBACK = 30.0
"""Log-probability by which a hypothesis is set back for each term that it has passed, when the beam is filled."""

_NO_HYPOTHESIS = 1 << 40  # number of missing tokens


class _Candidates(NamedTuple):
    """The tokens that hypotheses may be extended by; all but the last are (B, K, M)."""

    tokens: Tensor  # int64
    totals: Tensor  # float32, log-probabilities of the hypotheses with them, NEG_INF for none
    usual: int  # number of the first ones, which are the most probable; the others begin or continue a term


def term_search(
    step: StepFunction[S],
    state: S,
    options: SearchOptions,
    *,
    terms: SentenceTerms,
    max_lengths: Tensor,
    source_lengths: Tensor | None = None,
    forced_prefixes: Sequence[Sequence[int]] | None = None,
) -> list[list[Hypothesis]]:
    """Finds the `n_best` best hypotheses in a beam that have all terms of their sentence, best first.

    The end mark is possible only behind all terms, and what is written leaves room for those that are missing, so that
    every finished hypothesis has all; an n-gram that may not repeat may do so in a term. A sentence is done when
    `n_best` hypotheses have finished, and no unfinished one scores more at its present length than the worst of them.
    In everything else this is `nmt.search.beam.beam_search`, with its arguments and its errors.

    `terms` are at least one, and those of each sentence have room between its prefix and its limit.
    """
    sentences = check_sentences(options, max_lengths, source_lengths, forced_prefixes)
    extend = _TermExtensions(options, terms, sentences).extend
    return decode(
        step, state, extend, sentences, options, width=options.beam_size, groups=1, ranked=True, enough=options.n_best
    )


class _TermExtensions:
    """The choice of the next hypotheses, with the progress of those before."""

    def __init__(self, options: SearchOptions, terms: SentenceTerms, sentences: Sentences) -> None:
        device = sentences.device
        self._options = options
        self._follower = TermFollower(terms, device)
        self._limits = torch.tensor(sentences.limits, device=device)
        self._excluded = torch.tensor([options.eos, *options.forbidden], device=device)
        self._sources = _source_tokens(terms, device)
        begin = self._follower.begin(sentences.prefixes)
        self._progress = Progress(*(part.repeat_interleave(options.beam_size, 1) for part in begin))
        self._first_free = torch.zeros_like(self._limits)
        if sentences.prefixes is not None:
            self._first_free = (sentences.prefixes >= 0).sum(1)

    def extend(self, prediction: Prediction, beam: Beam, length: int) -> Expansion:
        """Chooses the next hypotheses, and follows them."""
        rows, width = beam.sentences, self._options.beam_size
        progress = self._progress.select(rows, prediction.offset.size(1))
        candidates = self._candidates(prediction, progress, rows)
        moves = self._follower.moves(progress, rows, candidates.tokens)
        left = self._follower.left(progress, rows)
        endings = prediction.logits[..., self._options.eos].float() + prediction.offset
        room = (self._limits[rows] - length - 1)[:, None]

        must_start = (left > room) | (endings >= candidates.totals[..., : candidates.usual].amax(-1))
        received = self._received(prediction, rows)  # (B, K, C)
        is_attended = (received >= LEAST_ATTENTION)[:, :, None] & self._follower.leads_to(moves.nodes)
        may_start = must_start[..., None] | (is_attended & moves.missing).any(-1)
        passed = self._follower.passed(progress, moves, received >= MOST_ATTENTION)
        excluded = moves.left > room[..., None]
        excluded[..., candidates.usual :] |= ~(moves.continues | may_start)[..., candidates.usual :]
        totals = candidates.totals.masked_fill(excluded, NEG_INF).flatten(1)

        set_back = totals - SETBACK * (passed & moves.missing).sum(-1).flatten(1)
        chosen = _allocate(set_back, moves.left.flatten(1), width)
        self._record(self._follower.after(progress, moves, passed, chosen), rows, length)
        endings = endings.masked_fill(left > 0, NEG_INF)
        rivals = totals.masked_fill(moves.left.flatten(1) > 0, NEG_INF).topk(width).values
        return Expansion(
            parents=chosen // candidates.tokens.size(-1),
            tokens=candidates.tokens.flatten(1).gather(1, chosen),
            log_probabilities=totals.gather(1, chosen),
            endings=best_endings(endings, rivals, width),
        )

    def _candidates(self, prediction: Prediction, progress: Progress, rows: Tensor) -> _Candidates:
        """Returns the most probable tokens of each hypothesis, and those that begin or continue a term."""
        offset, width = prediction.offset[..., None], self._options.beam_size
        totals, usual = most_probable_words(prediction.allowed, prediction.offset, self._excluded, width)

        roots = self._follower.roots(progress, rows)
        inner, is_inner = self._follower.edges(progress.nodes)
        outer, is_outer = self._follower.edges(roots)
        is_inner = is_inner & (progress.nodes != roots)[..., None]
        known = totals > NEG_INF
        is_inner = is_inner & ~_are_among(inner, usual, known)
        is_outer = is_outer & ~_are_among(outer, usual, known) & ~_are_among(outer, inner, is_inner)
        of_terms = torch.cat([inner, outer], dim=-1)
        # An n-gram that may not repeat may do so in a term.
        term_totals = prediction.logits.gather(-1, of_terms).float() + offset
        term_totals = term_totals.masked_fill(~torch.cat([is_inner, is_outer], dim=-1), NEG_INF)
        tokens, totals = torch.cat([usual, of_terms], dim=-1), torch.cat([totals, term_totals], dim=-1)
        lacking = max(0, width - tokens.size(-1))
        return _Candidates(pad(tokens, (0, lacking)), pad(totals, (0, lacking), value=NEG_INF), usual.size(-1))

    def _received(self, prediction: Prediction, rows: Tensor) -> Tensor:
        """Returns the attention that the source tokens of each term receive at this step, (B, K, C).

        Where it is not known, it is as much as lets a term begin any time, and never passes it.
        """
        sources = self._sources[rows]
        if prediction.attention is None:
            return sources.new_full((*prediction.offset.shape, sources.size(-1)), LEAST_ATTENTION)
        attention = prediction.attention.float()
        width = min(attention.size(-1), sources.size(1))
        received = attention[..., :width] @ sources[:, :width]
        return torch.where(sources.any(1)[:, None], received, LEAST_ATTENTION)

    def _record(self, progress: Progress, rows: Tensor, length: int) -> None:
        """Keeps the progress of the hypotheses chosen, unless they are replaced by the next token of a prefix."""
        is_free = self._first_free[rows] <= length
        chosen = Progress(*(part[is_free] for part in progress))
        self._progress = self._progress.put(rows[is_free], chosen)


def _source_tokens(terms: SentenceTerms, device: torch.device) -> Tensor:
    """Returns the source tokens of each term, (B, S, C), as 1 in float32; none where they are not known."""
    last = max((place for row in terms.terms for term in row for place in term.positions), default=0)
    most = max(map(len, terms.terms))
    sources = torch.zeros(len(terms.terms), last + 1, most)
    for sentence, row in enumerate(terms.terms):
        for number, term in enumerate(row):
            sources[sentence, list(term.positions), number] = 1.0
    return sources.to(device)


def _are_among(tokens: Tensor, others: Tensor, known: Tensor) -> Tensor:
    """Returns which tokens (B, K, M) are among the others (B, K, N) that are known."""
    return (tokens[..., None] == torch.where(known, others, -1)[..., None, :]).any(-1)


def _allocate(totals: Tensor, left: Tensor, width: int) -> Tensor:
    """Chooses `width` of the candidates (B, N), as places, the most probable first.

    Those that have equally many tokens left are a bank. All banks give their best candidate, then all their second,
    and so on; where there are more banks than can give, those with the fewest tokens left.
    """
    order = totals.argsort(dim=1, descending=True, stable=True)
    ranked = totals.gather(1, order)
    banks, by_bank = left.gather(1, order).masked_fill(ranked == NEG_INF, _NO_HYPOTHESIS).sort(dim=1, stable=True)
    numbers = torch.arange(banks.size(1), device=banks.device).expand_as(banks)
    begins = torch.ones_like(banks, dtype=torch.bool)
    begins[:, 1:] = banks[:, 1:] != banks[:, :-1]
    rank = numbers - (numbers * begins).cummax(dim=1).values
    rank = rank.masked_fill(banks == _NO_HYPOTHESIS, banks.size(1))
    first = rank.argsort(dim=1, stable=True)[:, :width]
    return order.gather(1, by_bank.gather(1, first).sort(dim=1).values)
