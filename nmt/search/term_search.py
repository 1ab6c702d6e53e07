"""Search for translations that hold given terms: beam search with dynamic beam allocation.

After Post and Vilar 2018, arXiv:1804.06609.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import pad

from nmt.search.decoding import Beam, Prediction, check_sentences, decode
from nmt.search.hypothesis import NEG_INF, Expansion, Hypothesis, S, SearchOptions, StepFunction
from nmt.search.scoring import largest
from nmt.search.term_trie import WIDEST_VOCABULARY, Place, Term, TermTries, TokenTraits

FINAL = float(os.environ.get("FINAL", 0.0))
GATE = float(os.environ.get("GATE", 0.2))
LAMBDA = float(os.environ.get("LAMBDA", 0.0))
ENDW = float(os.environ.get("ENDW", 0.0))
_NEVER = 1 << 40


class _Progress(NamedTuple):
    """What hypotheses have written of their sentence's terms."""

    nodes: Tensor  # (B, K) int64
    missing: Tensor  # (B, K, C) int64, times that each term is still to be written
    places: Tensor  # (B, K) int64, where the next token stands, a `Place`
    cost: Tensor
    current: Tensor


class _Moves(NamedTuple):
    """What becomes of hypotheses if they are extended by each of M tokens; all are (B, K, M)."""

    nodes: Tensor
    completed: Tensor  # the term that is complete now; -1 for none
    places: Tensor
    missing: Tensor  # tokens that are still to be written at least
    continues: Tensor  # bool; goes on with a term
    starts: Tensor  # bool; begins a term


def term_search(
    step: StepFunction[S],
    state: S,
    options: SearchOptions,
    *,
    terms: Sequence[Sequence[Term]],
    traits: Tensor,
    max_lengths: Tensor,
    source_lengths: Tensor | None = None,
    forced_prefixes: Sequence[Sequence[int]] | None = None,
) -> list[list[Hypothesis]]:
    sentences = check_sentences(options, max_lengths, source_lengths, forced_prefixes)
    search = _TermSearch(options, terms, traits, sentences.limits, sentences.prefixes, sentences.device)
    return decode(step, state, search.extend, sentences, options, width=options.beam_size, independent=False)


class _TermSearch:
    def __init__(
        self,
        options: SearchOptions,
        terms: Sequence[Sequence[Term]],
        traits: Tensor,
        limits: Sequence[int],
        prefixes: Tensor | None,
        device: torch.device,
    ) -> None:
        self._options = options
        self._traits = traits.expand(len(terms), -1)
        self._tries = TermTries.from_terms(terms, self._traits.tolist(), device)
        self._limits = torch.tensor(limits, device=device)
        self._excluded = torch.tensor([options.eos, *options.forbidden], device=device)
        width = max([0, *(max(one.positions, default=-1) + 1 for row in terms for one in row)])
        self._sources = None
        if width:
            sources = torch.zeros(len(terms), width, self._tries.times.size(1))
            for sentence, row in enumerate(terms):
                for number, term in enumerate(row):
                    sources[sentence, list(term.positions), number] = 1.0
            self._sources = sources.to(device)
        self._forced = torch.zeros(len(terms), dtype=torch.int64, device=device)
        self._progress = self._start(prefixes)

    def _start(self, prefixes: Tensor | None) -> _Progress:
        """Returns the progress behind the forced prefix of each sentence, for K slots."""
        count = len(self._limits)
        places = torch.full((count, 1), int(Place.SENTENCE_START), device=self._limits.device)
        zeros = torch.zeros(count, 1, device=self._limits.device)
        progress = _Progress(self._tries.roots.gather(1, places), self._tries.times[:, None], places, zeros, zeros)
        if prefixes is not None:
            rows = torch.arange(count, device=prefixes.device)
            self._forced = (prefixes >= 0).sum(1)
            for tokens in prefixes.t():
                moves = self._move(progress, rows, tokens.clamp(min=0)[:, None, None])
                after = self._after(progress, moves, torch.zeros_like(places), None)
                forced = tokens[:, None] >= 0
                progress = _Progress(
                    *(
                        torch.where(forced.view(-1, *[1] * (new.dim() - 1)), new, old)
                        for new, old in zip(after, progress, strict=True)
                    )
                )
        width = self._options.beam_size
        return _Progress(*(part.repeat_interleave(width, 1) for part in progress))

    def extend(self, prediction: Prediction, beam: Beam, length: int) -> Expansion:
        rows, width = beam.sentences, self._options.beam_size
        offset = prediction.offset
        present = offset.size(1)
        progress = _Progress(*(part[rows, :present] for part in self._progress))
        tokens, totals, is_usual = self._candidates(prediction, progress, rows)
        moves = self._move(progress, rows, tokens)
        room = (self._limits[rows] - length - 1)[:, None, None]
        starts = self._start_costs(prediction, progress, moves, rows)
        # A term begins where the model wants it anyway, where it looks at what the term translates, or at the last moment
        unmet = (progress.missing * self._tries.lengths[rows][:, None]).sum(-1)
        # pending completion counts as met
        pending = self._first_missing(self._tries.completed[progress.nodes], progress.missing)
        pending_len = self._length_of(pending, rows)
        unmet = unmet - pending_len
        if starts is not None:
            late = unmet > room[..., 0]
            best = prediction.allowed.index_fill(-1, self._excluded, NEG_INF).amax(-1)
            late = late | (prediction.logits[..., self._options.eos] >= best + ENDW)
            good = (starts[0] >= GATE) | late[..., None]
            totals = totals.masked_fill(~(is_usual | moves.continues | good), NEG_INF)
        totals = totals.masked_fill(moves.missing > room, NEG_INF)
        endings = (prediction.logits[..., self._options.eos].float() + offset).masked_fill(unmet > 0, NEG_INF)

        if FINAL:
            endings = endings - FINAL * (progress.cost + progress.current)
        cost = torch.zeros_like(totals)
        if starts is not None and LAMBDA:
            cost = -LAMBDA * starts[0].clamp(min=1e-3).log() * moves.starts
        after_cost = torch.where(
            moves.continues,
            (progress.cost + progress.current)[..., None],
            progress.cost[..., None] + torch.where(moves.completed >= 0, progress.current[..., None], 0.0) + cost,
        )
        chosen = _allocate((totals - after_cost).flatten(1), moves.missing.flatten(1), width)
        count = tokens.size(-1)
        parents = chosen // count
        ranked = totals.flatten(1).gather(1, chosen)
        self._record(progress, moves, chosen, rows, length, cost)
        met = totals.flatten(1).masked_fill(moves.missing.flatten(1) > 0, NEG_INF)
        rivals = met.topk(min(width, met.size(1))).values
        above = (rivals[:, None] > endings[..., None]).sum(-1) + (endings[:, None] > endings[..., None]).sum(-1)
        return Expansion(
            parents=parents,
            tokens=tokens.flatten(1).gather(1, chosen),
            log_probabilities=ranked,
            endings=endings.masked_fill(above >= width, NEG_INF),
        )

    def _record(
        self, progress: _Progress, moves: _Moves, chosen: Tensor, rows: Tensor, length: int, cost: Tensor
    ) -> None:
        after = self._after(progress, moves, chosen, cost)
        free = self._forced[rows] <= length
        rows = rows[free]
        self._progress = _Progress(
            *(old.index_copy(0, rows, new[free]) for old, new in zip(self._progress, after, strict=True))
        )

    def _after(self, progress: _Progress, moves: _Moves, chosen: Tensor, cost: Tensor | None) -> _Progress:
        """Returns the progress of the extended hypotheses that were chosen, places (B, K') in (B, K, M)."""
        count = moves.nodes.size(-1)
        parents = chosen // count
        nodes, completed, places, continues, starts = (
            part.flatten(1).gather(1, chosen)
            for part in (moves.nodes, moves.completed, moves.places, moves.continues, moves.starts)
        )
        index = parents[..., None].expand(-1, -1, progress.missing.size(-1))
        missing = progress.missing.gather(1, index)
        missing = missing - _one_hot(completed, missing.size(-1))
        spent, current = progress.cost.gather(1, parents), progress.current.gather(1, parents)
        spent = spent + current * (completed >= 0)
        started = torch.zeros_like(current) if cost is None else cost.flatten(1).gather(1, chosen)
        current = torch.where(continues, current, started)
        return _Progress(nodes, missing, places, spent, current)

    def _candidates(self, prediction: Prediction, progress: _Progress, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Returns tokens to extend hypotheses by, (B, K, M) and their totals: the best, and those of terms."""
        offset = prediction.offset[..., None]
        count = min(self._options.beam_size + len(self._excluded), prediction.allowed.size(-1))
        values, usual = largest(prediction.allowed, count)
        totals = (values.float() + offset).masked_fill(torch.isin(usual, self._excluded), NEG_INF)
        roots = self._tries.roots[rows].gather(1, progress.places)
        inner, is_inner = self._edges(progress.nodes)
        outer, is_outer = self._edges(roots)
        is_inner = is_inner & (progress.nodes != roots)[..., None]
        terms = torch.cat([inner, outer], dim=-1)
        known = torch.where(totals > NEG_INF, usual, -1)
        known = torch.cat([known, torch.where(is_inner, inner, -1)], dim=-1)
        first = terms[..., None] == known[..., None, :]
        # An edge of the node itself does not double itself.
        size = inner.size(-1)
        first[..., :size, count:] = False
        is_new = torch.cat([is_inner, is_outer], dim=-1) & ~first.any(-1)
        of_terms = prediction.logits.gather(-1, terms).float() + offset
        of_terms = of_terms.masked_fill(~is_new, NEG_INF)
        tokens = torch.cat([usual, terms], dim=-1)
        totals = torch.cat([totals, of_terms], dim=-1)
        missing = self._options.beam_size - tokens.size(1) * tokens.size(2)
        if missing > 0:
            tokens, totals = pad(tokens, (0, missing)), pad(totals, (0, missing), value=NEG_INF)
        is_usual = torch.arange(tokens.size(-1), device=tokens.device) < count
        return tokens, totals, is_usual

    def _edges(self, nodes: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the tokens of the edges of nodes (B, K), (B, K, D), and which of these are some."""
        tries = self._tries
        degree = tries.degree[nodes]
        numbers = torch.arange(int(degree.max()), device=nodes.device)
        places = tries.first_edge[nodes][..., None] + numbers
        tokens = tries.edges[places.clamp(max=len(tries.edges) - 1)] % WIDEST_VOCABULARY
        is_edge = numbers < degree[..., None]
        return tokens * is_edge, is_edge

    def _move(self, progress: _Progress, rows: Tensor, tokens: Tensor) -> _Moves:
        tries = self._tries
        traits = self._traits[rows[:, None, None], tokens]
        nodes, places = progress.nodes[..., None], progress.places[..., None]
        all_roots = tries.roots[rows]
        roots = all_roots.gather(1, progress.places)[..., None]
        unmet = progress.missing[..., None, :] > 0
        inner, gain = self._follow(nodes, tokens, unmet)
        continues = (gain >= 0) & (nodes != roots)
        ends_word = (traits & TokenTraits.CONTINUES) == 0
        whole = self._first_missing(tries.completed[progress.nodes], progress.missing)[..., None]
        part = self._first_missing(tries.passed[progress.nodes], progress.missing)[..., None]
        completed = torch.where(continues, -1, torch.where(ends_word, whole, part))
        missing = progress.missing[..., None, :] - _one_hot(completed, unmet.size(-1))
        outer, first_gain = self._follow(roots.expand_as(tokens), tokens, missing > 0)
        starts = ~continues & (first_gain >= 0)
        is_start = (places & Place.SENTENCE_START).bool()
        is_mark = (traits & TokenTraits.IS_MARK).bool()
        is_start = ((traits & TokenTraits.ENDS_SENTENCE) > 0) | (is_start & is_mark)
        after = is_start * int(Place.SENTENCE_START) + ((traits & TokenTraits.OPENS) > 0) * int(Place.AFTER_OPENING)
        root_after = all_roots.gather(1, after.flatten(1)).view_as(after)
        nodes = torch.where(continues, inner, torch.where(starts, outer, root_after))
        gained = torch.where(continues, gain, torch.where(starts, first_gain, 0))
        lengths = tries.lengths[rows][:, None, None]
        left = (missing * lengths).sum(-1) - gained
        return _Moves(nodes, completed, after, left, continues, starts)

    def _follow(self, nodes: Tensor, tokens: Tensor, unmet: Tensor) -> tuple[Tensor, Tensor]:
        """Follows the edges of tokens; returns nodes, and tokens gained of a term unmet, -1 where there is no such edge."""
        tries = self._tries
        keys = nodes * WIDEST_VOCABULARY + tokens
        places = torch.searchsorted(tries.edges, keys).clamp(max=len(tries.edges) - 1)
        children = tries.children[places]
        gains = tries.gains[children].masked_fill(~unmet, -1).amax(-1)
        return children, gains.masked_fill(tries.edges[places] != keys, -1)

    def _first_missing(self, terms: Tensor, missing: Tensor) -> Tensor:
        """Returns the first of terms (B, K, J) that is missing; -1 if none is."""
        is_missing = (terms >= 0) & (missing.gather(-1, terms.clamp(min=0)) > 0)
        order = torch.arange(terms.size(-1), 0, -1, device=terms.device)
        most = (is_missing * order).amax(-1)
        chosen = terms.gather(-1, (terms.size(-1) - most).clamp(max=terms.size(-1) - 1)[..., None])[..., 0]
        return torch.where(most > 0, chosen, -1)

    def _length_of(self, terms: Tensor, rows: Tensor) -> Tensor:
        lengths = self._tries.lengths[rows]
        return lengths.gather(1, terms.clamp(min=0)) * (terms >= 0)

    def _start_costs(self, prediction: Prediction, progress: _Progress, moves: _Moves, rows: Tensor) -> Any:
        if self._sources is None or prediction.attention is None:
            return None
        attention = prediction.attention.float()
        sources = self._sources[rows]
        width = min(sources.size(1), attention.size(-1))
        received = attention[..., :width] @ sources[:, :width]  # (B, K, C)
        leads = self._tries.gains[moves.nodes] >= 0
        leads = leads & (progress.missing > 0)[..., None, :]
        mass = (received[..., None, :] * leads).amax(-1)
        return (mass,)


def _one_hot(terms: Tensor, count: int) -> Tensor:
    return (terms[..., None] == torch.arange(count, device=terms.device)).long()


def _allocate(totals: Tensor, missing: Tensor, width: int) -> Tensor:
    """Chooses `width` of the candidates (B, M), sharing among those with equally many tokens missing."""
    size = totals.size(1)
    order = totals.argsort(dim=1, descending=True, stable=True)
    ranked = totals.gather(1, order)
    banks = missing.gather(1, order).masked_fill(ranked == NEG_INF, _NEVER)
    by_bank, index = banks.sort(dim=1, stable=True)
    numbers = torch.arange(size, device=totals.device).expand_as(by_bank)
    begins = torch.ones_like(by_bank, dtype=torch.bool)
    begins[:, 1:] = by_bank[:, 1:] != by_bank[:, :-1]
    rank = numbers - (numbers * begins).cummax(dim=1).values
    rank = rank.masked_fill(by_bank == _NEVER, size)
    # The first of each bank, then the second of each; those with fewest missing first.
    chosen = rank.argsort(dim=1, stable=True)[:, :width]
    places = index.gather(1, chosen).sort(dim=1).values
    return order.gather(1, places)
