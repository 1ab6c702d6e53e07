"""The search for the hypotheses of segments, in batches that memory allows."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from nmt.corpus.batching import pad
from nmt.device import own_settings, products_in, use_one_thread_after_fork, within_memory
from nmt.errors import DeviceError, MemoryExhaustedError, NmtError
from nmt.search.beam import beam_search
from nmt.search.hypothesis import Hypothesis, NonFiniteScoresError, Step, StepFunction
from nmt.search.options import SearchOptions
from nmt.search.sampling import sample
from nmt.search.shortlist import RestrictedVocabularies
from nmt.search.term_progress import SentenceTerms
from nmt.search.term_search import term_search
from nmt.tokenization.tokenizers import Tokenizers
from nmt.translation.batches import search_batches
from nmt.translation.choosing import by_expected_utility
from nmt.translation.ensemble import Ensemble, EnsembleState
from nmt.translation.options import TranslateOptions
from nmt.translation.segments import EncodedSegments, Segment, longest_translation
from nmt.translation.tags import tag_ids, without_tag
from nmt.translation.terms import GlossaryTerms, SegmentTerm, fitting, for_terms, grouped, restricted_terms

_MOST_WRITTEN = 20_000  # tokens of all alternatives of a batch; each takes about five kilobytes

WORTH_A_TABLE = 16
"""Number of segments for which a table of the words' gates takes less time to make than it saves."""


class _Batch(NamedTuple):
    """A batch of segments, ready to be searched."""

    step: StepFunction[EnsembleState]
    state: EnsembleState
    options: SearchOptions
    limits: dict[str, Any]  # of each segment; arguments of the search
    vocabularies: RestrictedVocabularies | None  # None for the whole vocabulary


class SegmentSearch:
    """Models that search segments together, whose weights must not change from then on."""

    def __init__(
        self,
        ensemble: Ensemble,
        tokenizers: Tokenizers,
        terms: GlossaryTerms,
        dtype: torch.dtype,
        tick: Callable[[], None],
    ) -> None:
        """Products run in `dtype`; `tick` is called before each step, and what it raises ends the search."""
        self.ensemble = ensemble
        self.tokenizers = tokenizers
        self.terms = terms
        self.device = ensemble.first.output_weight.device
        self._dtype = dtype
        self.tick = tick
        self._word_gates: tuple[Tensor | None, ...] | None = None
        self._searched = 0  # segments, until there is the table
        self._process = os.getpid()

    @contextmanager
    def computing(self) -> Iterator[None]:
        """Returns a context to run the model in: no gradients, and products in the number type of the search.

        A process that was made by fork computes with one thread.

        Raises:
            DeviceError: such a process cannot use the CUDA device that its parent put the model on.
        """
        if self.device.type == "cuda" and self._process != os.getpid():
            what = "cannot be used in a process made by fork: load the model there, or use the start method spawn"
            raise DeviceError(str(self.device), what)
        use_one_thread_after_fork()
        with own_settings(), torch.inference_mode(), products_in(self._dtype, self.device):
            yield

    def encode(self, segments: Sequence[Segment], tag: str | None = None) -> EncodedSegments:
        """Encodes a batch of segments, each behind the tag; to be called in the context `computing`."""
        special, first = self.tokenizers.source.special, tag_ids(self.tokenizers.source, tag)
        rows, lengths = pad([first + segment.ids for segment in segments], special.pad, end=special.eos)
        read_lengths = torch.from_numpy(lengths).to(self.device)
        candidates = [segment.candidates for segment in segments if segment.candidates is not None]
        restricted = vocabularies = None
        if candidates:
            restricted = RestrictedVocabularies.from_candidates(candidates, self.tokenizers.target.special)
            tokens, counts = restricted.tokens, restricted.lengths
            vocabularies = torch.from_numpy(tokens).to(self.device), torch.from_numpy(counts).to(self.device)
        state = self.ensemble.start(torch.from_numpy(rows).to(self.device), read_lengths, vocabularies)
        return EncodedSegments(state, read_lengths - len(first), restricted, tag)

    def find(
        self, segments: Sequence[Segment], options: TranslateOptions, not_finite: Callable[[int], NmtError]
    ) -> list[list[Hypothesis]]:
        """Finds the hypotheses of each segment, batch by batch; of the candidates of `options.mbr`, the chosen.

        Where these lack a term of the glossary, the segment is searched once more, for hypotheses that have all. So all
        others are what they are without a glossary, and the first is the same however many are asked for.

        Raises:
            DeviceError: as in `computing`.
            MemoryExhaustedError: memory does not suffice for one segment.
            NmtError: scores are not finite, of the line whose number `not_finite` makes the error of.
        """
        with self.computing():
            self._make_table(len(segments))
            hypotheses = self._find(segments, options, not_finite, self._search_batch)
            if not any(segment.terms for segment in segments):
                return hypotheses
            options = for_terms(options)
            meeting = self._meeting_terms(segments, hypotheses, options)
            # A search for several goes on longer than one for the best, and its best may be another.
            best = [place for place, met in meeting.items() if not met or met[0] is not hypotheses[place][0]]
            more = [place for place, met in meeting.items() if len(met) < len(hypotheses[place])]
            first = self._find_terms([segments[place] for place in best], replace(options, n_best=1), not_finite)
            kept = meeting | {place: found + meeting[place] for place, found in zip(best, first, strict=True)}
            if options.n_best > 1:
                others = self._find_terms([segments[place] for place in more], options, not_finite)
                for place, found in zip(more, others, strict=True):
                    kept[place] = _joined(kept[place], found, options.n_best)
            for place, of_segment in kept.items():
                hypotheses[place] = of_segment
        return hypotheses

    def _meeting_terms(
        self, segments: Sequence[Segment], hypotheses: Sequence[Sequence[Hypothesis]], options: TranslateOptions
    ) -> dict[int, list[Hypothesis]]:
        """Returns, by the places of segments with terms for which there is room, the hypotheses that have all these."""
        places = [place for place, segment in enumerate(segments) if segment.terms]
        limits = _limits([segments[place] for place in places], options).tolist()
        possible = {place: _fitting(segments[place], limit) for place, limit in zip(places, limits, strict=True)}
        return {
            place: [one for one in hypotheses[place] if self.terms.are_met(one.tokens, terms)]
            for place, terms in possible.items()
            if terms
        }

    def _make_table(self, segments: int) -> None:
        """Makes the table of the words' gates where it pays, by the number of segments that are searched now."""
        if self._word_gates is None:
            self._searched += segments
            if self._searched >= WORTH_A_TABLE:
                self._word_gates = self.ensemble.word_gates()

    def _find_terms(
        self, segments: Sequence[Segment], options: TranslateOptions, not_finite: Callable[[int], NmtError]
    ) -> list[list[Hypothesis]]:
        return self._find(segments, options, not_finite, self._search_terms) if segments else []

    def _find(
        self,
        segments: Sequence[Segment],
        options: TranslateOptions,
        not_finite: Callable[[int], NmtError],
        search: Callable[[Sequence[Segment], TranslateOptions], list[list[Hypothesis]]],
    ) -> list[list[Hypothesis]]:
        """Finds the hypotheses of each segment by a search of batches; errors are those of `find`."""
        hypotheses: list[list[Hypothesis]] = [[]] * len(segments)

        def named(batch: Sequence[Segment]) -> list[list[Hypothesis]]:
            try:
                return search(batch, options)
            except NonFiniteScoresError as error:
                raise not_finite(batch[error.sentence].key[0]) from error

        for batch in search_batches(segments, self.ensemble, options):
            of_batch = within_memory([segments[n] for n in batch], named, partial(_exhausted, options))
            for place, of_segment in zip(batch, of_batch, strict=True):
                # At once, as the many candidates of all batches would take much memory.
                chosen = by_expected_utility(of_segment, self.tokenizers.target, options) if options.mbr else of_segment
                hypotheses[place] = chosen
        return hypotheses

    def _search_batch(self, segments: Sequence[Segment], options: TranslateOptions) -> list[list[Hypothesis]]:
        """Finds the hypotheses of each segment, or draws them."""
        batch = self._begin(segments, options)
        if options.sampling is None:
            hypotheses = beam_search(batch.step, batch.state, batch.options, **batch.limits)
        else:
            keys = [segment.key for segment in segments]
            hypotheses = sample(batch.step, batch.state, batch.options, options.sampling, keys=keys, **batch.limits)
        return hypotheses if batch.vocabularies is None else batch.vocabularies.whole(hypotheses)

    def _search_terms(self, segments: Sequence[Segment], options: TranslateOptions) -> list[list[Hypothesis]]:
        """Finds hypotheses of each segment that have its terms, as far as its limit has room for them."""
        if len(segments) > 1 and sum(map(_written_tokens, segments)) > _MOST_WRITTEN:
            half = len(segments) // 2
            return [*self._search_terms(segments[:half], options), *self._search_terms(segments[half:], options)]
        batch = self._begin(list(map(_with_candidates_of_terms, segments)), options)
        limits = batch.limits["max_lengths"].tolist()
        terms = [grouped(_fitting(segment, limit)) for segment, limit in zip(segments, limits, strict=True)]
        traits = torch.from_numpy(self.terms.traits)[None].to(self.device)
        if batch.vocabularies is not None:
            terms = restricted_terms(terms, batch.vocabularies)
            traits = traits[0][torch.from_numpy(batch.vocabularies.tokens).to(self.device)]
        sentence_terms = SentenceTerms(terms, traits)
        hypotheses = term_search(batch.step, batch.state, batch.options, terms=sentence_terms, **batch.limits)
        return hypotheses if batch.vocabularies is None else batch.vocabularies.whole(hypotheses)

    def _begin(self, segments: Sequence[Segment], options: TranslateOptions) -> _Batch:
        """Encodes a batch of segments, for a search with these options."""
        state, source_lengths, restricted, tag = self.encode(segments, options.tag)
        step = self._step if tag is None else self._step_behind_tag
        limits = _limits(segments, options).to(self.device)
        prefixes = [segment.prefix for segment in segments] if any(segment.prefix for segment in segments) else None
        special = self.tokenizers.target.special
        if restricted is not None:
            special, prefixes = restricted.special, prefixes and restricted.restricted(prefixes)
        sentences = {"max_lengths": limits, "source_lengths": source_lengths, "forced_prefixes": prefixes}
        return _Batch(step, state, options.for_search(special), sentences, restricted)

    def _step(self, tokens: Tensor, state: EnsembleState) -> Step[EnsembleState]:
        self.tick()
        return Step(*self.ensemble.step(tokens, state, self._word_gates))

    def _step_behind_tag(self, tokens: Tensor, state: EnsembleState) -> Step[EnsembleState]:
        """Makes a step of a search that sees nothing of the tag that the models have read."""
        step = self._step(tokens, state)
        if step.attention is None:
            return step
        return step._replace(attention=without_tag(step.attention, state.members[0].memory.mask.sum(1)))


def _limits(segments: Sequence[Segment], options: TranslateOptions) -> Tensor:
    """Returns the maximum number of tokens of each segment's translation, (B,) int64."""
    return torch.tensor([longest_translation(segment, options) for segment in segments], dtype=torch.int64)


def _joined(first: Sequence[Hypothesis], others: Sequence[Hypothesis], count: int) -> list[Hypothesis]:
    """Returns the first of some hypotheses and behind it the best of all the rest, none twice, `count` at most."""
    by_tokens = {one.tokens: one for one in (*others, *first)}
    rest = [one for one in by_tokens.values() if one.tokens != first[0].tokens]
    return [first[0], *sorted(rest, key=lambda one: -one.score)[: count - 1]]


def _fitting(segment: Segment, limit: int) -> list[SegmentTerm]:
    """Returns the terms of a segment for which its translation has room, with a maximum number of tokens."""
    return fitting(segment.terms, limit - len(segment.prefix))


def _written_tokens(segment: Segment) -> int:
    """Counts the tokens of all alternatives of a segment's terms."""
    return sum(len(tokens) for term in segment.terms for tokens, _ in term.alternatives)


def _with_candidates_of_terms(segment: Segment) -> Segment:
    """Adds the tokens of a segment's terms to those of its shortlist."""
    if segment.candidates is None:
        return segment
    tokens = np.array([token for term in segment.terms for tokens, _ in term.alternatives for token in tokens])
    return segment._replace(candidates=np.union1d(segment.candidates, tokens.astype(np.int64)))


def _exhausted(options: TranslateOptions, segment: Segment) -> MemoryExhaustedError:
    """Makes the error for a segment for which alone memory does not suffice."""
    width = f"{options.width} samples" if options.sampling else f"beam {options.width}"
    what = f"out of memory while translating one sentence of {len(segment.ids)} tokens with {width}"
    return MemoryExhaustedError(f"line {segment.key[0]}", what)
