"""How much of their sentences' terms hypotheses have written, and what a further token adds to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Self

import torch
from torch import Tensor

from nmt.search.term_trie import WIDEST_VOCABULARY, TermTries
from nmt.search.terms import Term, TokenTraits, TriePlace


class SentenceTerms(NamedTuple):
    """The terms of B sentences, and the traits of their tokens."""

    terms: Sequence[Sequence[Term]]
    traits: Tensor  # (B, V) int64, or (1, V) of one vocabulary for all sentences; `TokenTraits`


class Progress(NamedTuple):
    """What hypotheses have written of the terms.

    A term counts as written when a token follows that does not continue its last word, so that a longer term which
    begins in the same way may be meant until then.
    """

    nodes: Tensor  # (B, K) int64, of the sentence's tries
    missing: Tensor  # (B, K, C) int64, times that each term is still to be written
    places: Tensor  # (B, K) int64, the `TriePlace` of the next token
    passed: Tensor  # (B, K, C) bool, terms whose source tokens had attention while something else was written

    def select(self, rows: Tensor, slots: int) -> Self:
        """Selects rows, and the first slots of each."""
        return type(self)(*(part[rows, :slots] for part in self))

    def put(self, rows: Tensor, others: Self) -> Self:
        """Puts others in place of some rows."""
        return type(self)(*(part.index_copy(0, rows, other) for part, other in zip(self, others, strict=True)))


class Moves(NamedTuple):
    """What becomes of K hypotheses of a sentence if each is extended by M tokens; all others are (B, K, M)."""

    nodes: Tensor  # int64
    written: Tensor  # int64, the term that is written now, -1 for none
    places: Tensor  # int64
    missing: Tensor  # (B, K, M, C) bool, the terms that are missing then
    left: Tensor  # int64, number of tokens that are still to be written for the terms, at least
    continues: Tensor  # bool, goes on with a term
    starts: Tensor  # bool, begins one


class TermFollower:
    """Follows hypotheses through the tries of their sentences."""

    def __init__(self, sentences: SentenceTerms, device: torch.device) -> None:
        traits = sentences.traits
        self._traits = traits.expand(len(sentences.terms), -1)
        self.tries = TermTries.from_terms(sentences.terms, self._traits.cpu().numpy(), device)

    def begin(self, prefixes: Tensor | None) -> Progress:
        """Returns the progress behind the forced prefix (B, P) of each sentence, with one hypothesis for each."""
        tries = self.tries
        places = torch.full_like(tries.roots[:, :1], int(TriePlace.SENTENCE_START))
        missing = tries.times[:, None]
        progress = Progress(tries.roots.gather(1, places), missing, places, torch.zeros_like(missing, dtype=torch.bool))
        rows = torch.arange(len(places), device=places.device)
        for tokens in [] if prefixes is None else prefixes.t():
            forced = rows[tokens >= 0]
            before = progress.select(forced, 1)
            moves = self.moves(before, forced, tokens[forced][:, None, None])
            first = torch.zeros_like(before.nodes)
            progress = progress.put(forced, self.after(before, moves, before.passed[:, :, None], first))
        return progress

    def moves(self, progress: Progress, rows: Tensor, tokens: Tensor) -> Moves:
        """Finds what becomes of hypotheses of the sentences `rows` (B,) with one of `tokens` (B, K, M) more.

        A token that can go on with a term and, behind another that is complete, begin one, does what leaves less.
        """
        tries = self.tries
        traits = self._traits[rows[:, None, None], tokens]
        roots = self.roots(progress, rows)[..., None]
        nodes, missing = progress.nodes[..., None], progress.missing[:, :, None]
        inner, gain = self._follow(nodes, tokens, missing)

        ends_word = (traits & TokenTraits.CONTINUES) == 0
        whole = _first_missing(tries.completed[progress.nodes], progress.missing)[..., None]
        part = _first_missing(tries.passed[progress.nodes], progress.missing)[..., None]
        written = torch.where(ends_word, whole, part)
        missing_then = missing - _one_hot(written, missing.size(-1))  # (B, K, M, C)
        outer, first_gain = self._follow(roots.expand_as(tokens), tokens, missing_then)

        lengths = tries.lengths[rows]
        left = (progress.missing * lengths[:, None]).sum(-1, keepdim=True)
        left_inside = left - gain
        left_outside = left - _lengths(written, lengths) - first_gain.clamp(min=0)
        continues = (gain >= 0) & (nodes != roots) & (left_inside <= left_outside)
        starts = ~continues & (first_gain >= 0)
        places = _next_places(progress.places[..., None], traits)
        root_after = tries.roots[rows].gather(1, places.flatten(1)).view_as(places)
        return Moves(
            nodes=torch.where(continues, inner, torch.where(starts, outer, root_after)),
            written=written.masked_fill(continues, -1),
            places=places,
            missing=torch.where(continues[..., None], missing, missing_then) > 0,
            left=torch.where(continues, left_inside, left_outside),
            continues=continues,
            starts=starts,
        )

    def passed(self, progress: Progress, moves: Moves, attended: Tensor) -> Tensor:
        """Returns the terms that hypotheses have passed with each move, (B, K, M, C), by those attended, (B, K, C)."""
        return progress.passed[:, :, None] | (attended[:, :, None] & ~self.leads_to(moves.nodes))

    def after(self, progress: Progress, moves: Moves, passed: Tensor, chosen: Tensor) -> Progress:
        """Returns the progress of the extended hypotheses at the places `chosen` (B, K') of the moves, (B, K · M)."""
        nodes, written, places = (
            part.flatten(1).gather(1, chosen) for part in (moves.nodes, moves.written, moves.places)
        )
        terms = progress.missing.size(-1)
        parents = (chosen // moves.nodes.size(-1))[..., None].expand(-1, -1, terms)
        passed = passed.flatten(1, 2).gather(1, chosen[..., None].expand(-1, -1, terms))
        return Progress(nodes, progress.missing.gather(1, parents) - _one_hot(written, terms), places, passed)

    def left(self, progress: Progress, rows: Tensor) -> Tensor:
        """Counts the tokens that are still to be written if a hypothesis ends here, (B, K)."""
        written = _first_missing(self.tries.completed[progress.nodes], progress.missing)
        lengths = self.tries.lengths[rows]
        return (progress.missing * lengths[:, None]).sum(-1) - _lengths(written, lengths)

    def roots(self, progress: Progress, rows: Tensor) -> Tensor:
        """Returns the roots of the terms that may begin now, (B, K)."""
        return self.tries.roots[rows].gather(1, progress.places)

    def leads_to(self, nodes: Tensor) -> Tensor:
        """Returns which terms nodes (B, K, M) lead to, (B, K, M, C) bool."""
        return self.tries.gains[nodes] >= 0

    def edges(self, nodes: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the tokens of the edges of nodes (B, K), 2 x (B, K, D): 0 behind the last, and which are none."""
        tries = self.tries
        degree = tries.degree[nodes][..., None]
        numbers = torch.arange(int(degree.max()), device=nodes.device)
        places = (tries.first_edge[nodes][..., None] + numbers).clamp(max=len(tries.edges) - 1)
        is_edge = numbers < degree
        return tries.edges[places] % WIDEST_VOCABULARY * is_edge, is_edge

    def _follow(self, nodes: Tensor, tokens: Tensor, missing: Tensor) -> tuple[Tensor, Tensor]:
        """Follows the edges of tokens; returns their nodes, and the tokens gained of a missing term, -1 for none."""
        tries = self.tries
        keys = nodes * WIDEST_VOCABULARY + tokens
        places = torch.searchsorted(tries.edges, keys).clamp(max=len(tries.edges) - 1)
        children = tries.children[places]
        gains = tries.gains[children].masked_fill(missing <= 0, -1).amax(-1)
        return children, gains.masked_fill(tries.edges[places] != keys, -1)


def _next_places(places: Tensor, traits: Tensor) -> Tensor:
    """Returns the `TriePlace` behind tokens of these traits."""
    is_start = ((places & TriePlace.SENTENCE_START) > 0) & ((traits & TokenTraits.IS_MARK) > 0)
    is_start |= (traits & TokenTraits.ENDS_SENTENCE) > 0
    is_opened = (traits & TokenTraits.OPENS) > 0
    return is_start * int(TriePlace.SENTENCE_START) + is_opened * int(TriePlace.AFTER_OPENING)


def _first_missing(terms: Tensor, missing: Tensor) -> Tensor:
    """Returns the first of terms (B, K, J), -1 for none, that is missing in (B, K, C): (B, K), -1 if none is."""
    is_missing = (terms >= 0) & (missing.gather(-1, terms.clamp(min=0)) > 0)
    count = terms.size(-1)
    # The first is the one with the most places behind it.
    behind = (is_missing * torch.arange(count, 0, -1, device=terms.device)).amax(-1)
    first = terms.gather(-1, (count - behind).clamp(max=count - 1)[..., None]).squeeze(-1)
    return first.masked_fill(behind == 0, -1)


def _lengths(terms: Tensor, lengths: Tensor) -> Tensor:
    """Returns the lengths of terms (B, …), of (B, C); 0 for -1."""
    return lengths.gather(1, terms.clamp(min=0).flatten(1)).view_as(terms) * (terms >= 0)


def _one_hot(terms: Tensor, count: int) -> Tensor:
    return (terms[..., None] == torch.arange(count, device=terms.device)).long()
