"""The search for the hypotheses of segments, in batches that memory allows."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from nmt.corpus.batching import pad
from nmt.device import own_settings, products_in, use_one_thread_after_fork, within_memory
from nmt.errors import DeviceError, MemoryExhaustedError, NmtError
from nmt.search.beam import beam_search
from nmt.search.hypothesis import Hypothesis, NonFiniteScoresError, SearchOptions, Step
from nmt.search.sampling import sample
from nmt.search.shortlist import RestrictedVocabularies
from nmt.search.term_search import term_search
from nmt.tokenization.tokenizers import Tokenizers
from nmt.translation.batches import search_batches
from nmt.translation.ensemble import Ensemble, EnsembleState
from nmt.translation.options import TranslateOptions
from nmt.translation.segments import EncodedSegments, Segment
from nmt.translation.terms import GlossaryTerms, grouped, restricted_terms

WORTH_A_TABLE = 16
"""Minimum number of segments for which a table of the words' gates takes less time to make than it saves."""


TERM_WIDTH = int(os.environ.get("TW", 5))


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

    def encode(self, segments: Sequence[Segment]) -> EncodedSegments:
        """Encodes a batch of segments; to be called in the context `computing`."""
        special = self.tokenizers.source.special
        rows, lengths = pad([segment.ids for segment in segments], special.pad, end=special.eos)
        source_lengths = torch.from_numpy(lengths).to(self.device)
        candidates = [segment.candidates for segment in segments if segment.candidates is not None]
        restricted = vocabularies = None
        if candidates:
            restricted = RestrictedVocabularies.from_candidates(candidates, self.tokenizers.target.special)
            tokens, counts = restricted.tokens, restricted.lengths
            vocabularies = torch.from_numpy(tokens).to(self.device), torch.from_numpy(counts).to(self.device)
        state = self.ensemble.start(torch.from_numpy(rows).to(self.device), source_lengths, vocabularies)
        return EncodedSegments(state, source_lengths, restricted)

    def find(
        self, segments: Sequence[Segment], options: TranslateOptions, not_finite: Callable[[int], NmtError]
    ) -> list[list[Hypothesis]]:
        """Finds the hypotheses of each segment, batch by batch.

        Raises:
            DeviceError: as in `computing`.
            MemoryExhaustedError: memory does not suffice for one segment.
            NmtError: scores are not finite, of the line whose number `not_finite` makes the error of.
        """
        with self.computing():
            if self._word_gates is None and len(segments) >= WORTH_A_TABLE:
                self._word_gates = self.ensemble.word_gates()
            hypotheses = self._find(segments, options, not_finite, self._search_batch)
            lacking = [n for n, of_segment in enumerate(hypotheses) if self._lacks_terms(segments[n], of_segment)]
            if lacking:
                wider = replace(
                    options,
                    search=options.search.model_copy(update={"beam_size": TERM_WIDTH}),
                )
                again = self._find([segments[n] for n in lacking], wider, not_finite, self._search_terms)
                for place, of_segment in zip(lacking, again, strict=True):
                    hypotheses[place] = of_segment
        return hypotheses

    def _lacks_terms(self, segment: Segment, hypotheses: Sequence[Hypothesis]) -> bool:
        return not all(self.terms.are_met(one.tokens, segment.terms) for one in hypotheses if segment.terms)

    def _find(
        self,
        segments: Sequence[Segment],
        options: TranslateOptions,
        not_finite: Callable[[int], NmtError],
        search: Callable[[Sequence[Segment], TranslateOptions], list[list[Hypothesis]]],
    ) -> list[list[Hypothesis]]:
        """Finds the hypotheses of each segment by a search of batches."""
        hypotheses: list[list[Hypothesis]] = [[]] * len(segments)

        def work(some: Sequence[Segment]) -> list[list[Hypothesis]]:
            try:
                return search(some, options)
            except NonFiniteScoresError as error:
                raise not_finite(some[error.sentence].key[0]) from error

        for batch in search_batches(segments, self.ensemble, options):
            of_batch = within_memory([segments[n] for n in batch], work, partial(_exhausted, options))
            for place, of_segment in zip(batch, of_batch, strict=True):
                hypotheses[place] = of_segment
        return hypotheses

    def _search_batch(self, segments: Sequence[Segment], options: TranslateOptions) -> list[list[Hypothesis]]:
        """Finds the hypotheses of each segment, or draws them."""
        state, search, limits, restricted = self._begin(segments, options)
        if options.sampling is None:
            hypotheses = beam_search(self._step, state, search, **limits)
        else:
            keys = [segment.key for segment in segments]
            hypotheses = sample(self._step, state, search, options.sampling, keys=keys, **limits)
        return hypotheses if restricted is None else restricted.whole(hypotheses)

    def _search_terms(self, segments: Sequence[Segment], options: TranslateOptions) -> list[list[Hypothesis]]:
        """Finds hypotheses of each segment that hold its terms, as far as its limit has room for them."""
        state, search, limits, restricted = self._begin(segments, options)
        rooms = [
            limit - len(segment.prefix) for limit, segment in zip(limits["max_lengths"].tolist(), segments, strict=True)
        ]
        terms = [grouped(segment.terms, room) for segment, room in zip(segments, rooms, strict=True)]
        traits = torch.from_numpy(self.terms.traits)[None]
        if restricted is not None:
            terms, traits = restricted_terms(terms, restricted), traits[0][torch.from_numpy(restricted.tokens)]
        hypotheses = term_search(self._step, state, search, terms=terms, traits=traits.to(self.device), **limits)
        return hypotheses if restricted is None else restricted.whole(hypotheses)

    def _begin(
        self, segments: Sequence[Segment], options: TranslateOptions
    ) -> tuple[EnsembleState, SearchOptions, dict[str, Any], RestrictedVocabularies | None]:
        """Encodes segments; returns also the options and the limits of their search."""
        state, source_lengths, restricted = self.encode(segments)
        tokens = source_lengths - 1  # without the end mark
        limits = (tokens * options.search.max_length_ratio + 10).long().clamp(max=options.search.max_length)
        prefixes = [segment.prefix for segment in segments] if any(segment.prefix for segment in segments) else None
        if prefixes:
            longest = torch.tensor([len(prefix) + 1 for prefix in prefixes], device=self.device)
            limits = torch.maximum(limits, longest)
        special = self.tokenizers.target.special
        if restricted is not None:
            special, prefixes = restricted.special, prefixes and restricted.restricted(prefixes)
        sentences = {"max_lengths": limits, "source_lengths": source_lengths, "forced_prefixes": prefixes}
        return state, options.for_search(special), sentences, restricted

    def _step(self, tokens: Tensor, state: EnsembleState) -> Step[EnsembleState]:
        self.tick()
        return Step(*self.ensemble.step(tokens, state, self._word_gates))


def _exhausted(options: TranslateOptions, segment: Segment) -> MemoryExhaustedError:
    """Makes the error for a segment for which alone memory does not suffice."""
    width = f"{options.width} samples" if options.sampling else f"beam {options.width}"
    what = f"out of memory while translating one sentence of {len(segment.ids)} tokens with {width}"
    return MemoryExhaustedError(f"line {segment.key[0]}", what)
