"""The search for the hypotheses of segments, in batches that memory allows."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor

from nmt.corpus.batching import pad
from nmt.device import own_settings, products_in, use_one_thread_after_fork, within_memory
from nmt.errors import DeviceError, MemoryExhaustedError, NmtError
from nmt.search.beam import beam_search
from nmt.search.hypothesis import Hypothesis, NonFiniteScoresError, Step
from nmt.search.sampling import sample
from nmt.search.shortlist import RestrictedVocabularies
from nmt.tokenization.tokenizers import Tokenizers
from nmt.translation.batches import search_batches
from nmt.translation.choosing import by_expected_utility
from nmt.translation.ensemble import Ensemble, EnsembleState
from nmt.translation.options import TranslateOptions
from nmt.translation.segments import EncodedSegments, Segment
from nmt.translation.tags import tag_ids, without_tag

WORTH_A_TABLE = 16
"""Minimum number of segments for which a table of the words' gates takes less time to make than it saves."""


class SegmentSearch:
    """Models that search segments together, whose weights must not change from then on."""

    def __init__(
        self, ensemble: Ensemble, tokenizers: Tokenizers, dtype: torch.dtype, tick: Callable[[], None]
    ) -> None:
        """Products run in `dtype`; `tick` is called before each step, and what it raises ends the search."""
        self.ensemble = ensemble
        self.tokenizers = tokenizers
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

        Raises:
            DeviceError: as in `computing`.
            MemoryExhaustedError: memory does not suffice for one segment.
            NmtError: scores are not finite, of the line whose number `not_finite` makes the error of.
        """
        hypotheses: list[list[Hypothesis]] = [[]] * len(segments)
        search, exhausted = partial(self._search, options, not_finite), partial(_exhausted, options)
        target = self.tokenizers.target
        with self.computing():
            if self._word_gates is None and len(segments) >= WORTH_A_TABLE:
                self._word_gates = self.ensemble.word_gates()
            for batch in search_batches(segments, self.ensemble, options):
                of_batch = within_memory([segments[n] for n in batch], search, exhausted)
                for place, of_segment in zip(batch, of_batch, strict=True):
                    # At once, as the many candidates of all batches would take much memory.
                    chosen = by_expected_utility(of_segment, target, options) if options.mbr else of_segment
                    hypotheses[place] = chosen
        return hypotheses

    def _search(
        self, options: TranslateOptions, not_finite: Callable[[int], NmtError], segments: Sequence[Segment]
    ) -> list[list[Hypothesis]]:
        """Searches a batch of segments, with errors that name the line of scores not finite."""
        try:
            return self._search_batch(segments, options)
        except NonFiniteScoresError as error:
            raise not_finite(segments[error.sentence].key[0]) from error

    def _search_batch(self, segments: Sequence[Segment], options: TranslateOptions) -> list[list[Hypothesis]]:
        """Finds the hypotheses of each segment."""
        state, source_lengths, restricted, tag = self.encode(segments, options.tag)
        step = self._step if tag is None else self._step_behind_tag
        tokens = source_lengths - 1  # without the end mark
        limits = (tokens * options.search.max_length_ratio + 10).long().clamp(max=options.search.max_length)
        prefixes = [segment.prefix for segment in segments] if any(segment.prefix for segment in segments) else None
        if prefixes:
            longest = torch.tensor([len(prefix) + 1 for prefix in prefixes], device=self.device)
            limits = torch.maximum(limits, longest)
        special = self.tokenizers.target.special
        if restricted is not None:
            special, prefixes = restricted.special, prefixes and restricted.restricted(prefixes)
        search = options.for_search(special)
        sentences: dict[str, Any] = {
            "max_lengths": limits,
            "source_lengths": source_lengths,
            "forced_prefixes": prefixes,
        }
        if options.sampling is None:
            hypotheses = beam_search(step, state, search, **sentences)
        else:
            keys = [segment.key for segment in segments]
            hypotheses = sample(step, state, search, options.sampling, keys=keys, **sentences)
        return hypotheses if restricted is None else restricted.whole(hypotheses)

    def _step(self, tokens: Tensor, state: EnsembleState) -> Step[EnsembleState]:
        self.tick()
        return Step(*self.ensemble.step(tokens, state, self._word_gates))

    def _step_behind_tag(self, tokens: Tensor, state: EnsembleState) -> Step[EnsembleState]:
        """Makes a step of a search that sees nothing of the tag that the models have read."""
        step = self._step(tokens, state)
        if step.attention is None:
            return step
        return step._replace(attention=without_tag(step.attention, state.members[0].memory.mask.sum(1)))


def _exhausted(options: TranslateOptions, segment: Segment) -> MemoryExhaustedError:
    """Makes the error for a segment for which alone memory does not suffice."""
    width = f"{options.width} samples" if options.sampling else f"beam {options.width}"
    what = f"out of memory while translating one sentence of {len(segment.ids)} tokens with {width}"
    return MemoryExhaustedError(f"line {segment.key[0]}", what)
