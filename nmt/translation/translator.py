"""Lines in, translations out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor

from nmt.checkpoint.layout import CONFIG, WEIGHTS
from nmt.checkpoint.loading import open_model
from nmt.checkpoint.run_directory import Warn
from nmt.config import Config
from nmt.corpus.batching import pad
from nmt.device import choose_device, choose_precision, own_settings, products_in, within_memory
from nmt.errors import MemoryExhaustedError, ModelError, NmtError, NonFiniteError
from nmt.model.restricted_output import RestrictedOutput
from nmt.model.seq2seq import SearchState, Seq2Seq
from nmt.search.beam import beam_search
from nmt.search.hypothesis import Hypothesis, NonFiniteScoresError, Step
from nmt.search.sampling import sample
from nmt.search.shortlist import RestrictedVocabularies, Shortlist
from nmt.tokenization.tokenizers import Tokenizers
from nmt.translation.batches import search_batches
from nmt.translation.decoding_trace import AttendedLine, trace_decoding
from nmt.translation.options import TranslateOptions
from nmt.translation.result import Translation
from nmt.translation.segments import EncodedSegments, LineSegmenter, Segment, SegmentResult

WORTH_A_TABLE = 16
"""Minimum number of segments for which a table of the words' gates takes less time to make than it saves."""


class Translator:
    """A model with its tokenizers, ready to translate. Its weights must not change from then on."""

    def __init__(
        self,
        model: Seq2Seq,
        tokenizers: Tokenizers,
        config: Config,
        dtype: torch.dtype = torch.float32,
        *,
        shortlist: Shortlist | None = None,
        directory: Path | None = None,
        tick: Callable[[], None] = lambda: None,
    ) -> None:
        """Makes a translator of a model in evaluation mode; the search options of its `config` are the defaults.

        Matrix products run in `dtype`, and errors name the `directory` that the model was loaded from. `tick` is called
        before each step of a search, and before each batch of given pairs; what it raises ends them.
        """
        self.model = model
        self.tokenizers = tokenizers
        self.config = config
        self.device = model.output_weight.device
        self.shortlist = shortlist
        self.directory = directory
        self.tick = tick
        self._segmenter = LineSegmenter(tokenizers, config.data.max_length, shortlist)
        self._dtype = dtype
        self._word_gates: Tensor | None = None

    @classmethod
    def load(
        cls, path: Path | str, *, device: str = "auto", precision: str = "auto", warn: Warn = lambda _: None
    ) -> Self:
        """Loads the translator in a run directory (its best checkpoint), a checkpoint or an exported model.

        Args:
            path: of its directory.
            device: auto, cpu, cuda or cuda:N.
            precision: auto, fp32 or bf16, of matrix products.
            warn: called with a message when a damaged checkpoint had to be passed over.

        Raises:
            ModelError: there is no model, or it is damaged or does not fit this program.
            DeviceError: there is no such device.
        """
        with own_settings():
            where = choose_device(device)
            bundle = open_model(Path(path), warn, where)
            dtype = choose_precision(precision, where, training=False)
            bundle.model.hold_matrices_in(dtype)
        model = bundle.model, bundle.tokenizers, bundle.config
        return cls(*model, dtype, shortlist=bundle.shortlist, directory=bundle.directory)

    def options(self, **others: Any) -> TranslateOptions:
        """Returns the options that the model was configured with, with `others` in place of or beside them.

        Raises:
            ModelError: a shortlist is asked for, and the model has no table for it.
        """
        options = TranslateOptions.from_config(self.config.search, **others)
        if "shortlist" in others or self.directory is None:
            self._check_shortlist(options)
        else:
            self._check_shortlist(options, f"{self.directory / CONFIG}: search.shortlist")
        return options

    def not_finite(self, number: int) -> NmtError:
        """Makes the error for the line of a number, for which the model, being broken, gives NaN or infinities."""
        if self.directory is None:
            return NonFiniteError(f"line {number}", "the model's scores are not finite: expected numbers")
        return ModelError(str(self.directory / WEIGHTS), f"its scores are not finite, of line {number}")

    def translate(
        self,
        lines: Sequence[str],
        options: TranslateOptions | None = None,
        *,
        prefixes: Sequence[str] | None = None,
        numbers: Sequence[int] | None = None,
    ) -> list[Translation]:
        """Translates `lines`, in their order; blank lines have an empty translation, without asking the model.

        A line of more tokens than training pairs had is translated in segments, cut at white space. The best
        translations of all segments are joined to the first translation of the line, the second-best to another, and so
        on; all after the first are sorted by score.

        Args:
            lines: of text; no line changes the translation of another.
            options: of the search; the model's own configuration by default.
            prefixes: for each line the beginning of its translation.
            numbers: for each line its number, by which errors name it and which decides, with the seed, what sampling
                draws; counted from 1 by default.

        Raises:
            TypeError: `lines` or `prefixes` is a single text.
            ValueError: not as many prefixes or numbers as lines.
            ModelError: a shortlist is asked for, and the model has no table for it.
            MemoryExhaustedError: memory does not suffice for one sentence.
            ModelError, NonFiniteError: the model's scores are not finite; the former of a model that was loaded.
        """
        options = options or self.options()
        of_lines = self.search_lines(lines, options, prefixes=prefixes, numbers=numbers)
        translation = self._segmenter.translation
        return [translation(line, results, options) for line, results in zip(lines, of_lines, strict=True)]

    def search_lines(
        self,
        lines: Sequence[str],
        options: TranslateOptions,
        *,
        prefixes: Sequence[str] | None = None,
        numbers: Sequence[int] | None = None,
    ) -> list[list[SegmentResult]]:
        """Finds the hypotheses of each line's segments; a blank line has none. The rest is as in `translate`."""
        if numbers is None:
            numbers = range(1, len(lines) + 1)
        _check(lines=lines, prefixes=prefixes, numbers=numbers)
        self._check_shortlist(options)
        segments = list(self._segmenter.segments(lines, prefixes, numbers, options))
        hypotheses: list[list[Hypothesis]] = [[]] * len(segments)
        search, exhausted = partial(self._search, options), partial(_exhausted, options)
        with self.computing():
            if self._word_gates is None and len(segments) >= WORTH_A_TABLE:
                self._word_gates = self.model.word_gates()
            for batch in search_batches(segments, self.model, options):
                of_batch = within_memory([segments[n] for n in batch], search, exhausted)
                for place, of_segment in zip(batch, of_batch, strict=True):
                    hypotheses[place] = of_segment
        of_lines: list[list[SegmentResult]] = [[] for _ in lines]
        for segment, of_segment in zip(segments, hypotheses, strict=True):
            of_lines[segment.line].append(SegmentResult(segment, of_segment))
        return of_lines

    def attend(self, text: str, options: TranslateOptions | None = None) -> AttendedLine:
        """Translates a line, and traces the decoding of its best translation: states, scores, weights, contexts.

        Errors are those of `translate`.
        """
        return self.attend_lines([text], options or self.options())[0]

    def attend_lines(
        self, lines: Sequence[str], options: TranslateOptions, *, numbers: Sequence[int] | None = None
    ) -> list[AttendedLine]:
        """Translates lines as `translate` does, and traces the decoding of the best translation of each.

        All hypotheses that the beam is wide enough for are kept. Arguments and errors are those of `translate`.
        """
        options = replace(options, n_best=options.width, attention=True)
        of_lines = self.search_lines(lines, options, numbers=numbers)
        attended = []
        with self.computing():
            for line, results in zip(lines, of_lines, strict=True):
                traces = [
                    trace_decoding(self.model, self.tokenizers, result, self.encode([result.segment]))
                    for result in results
                ]
                translation = self._segmenter.translation(line, results, options)
                attended.append(AttendedLine(translation, tuple(traces), self.config, options))
        return attended

    @contextmanager
    def computing(self) -> Iterator[None]:
        """Returns a context to run the model in: no gradients, and products in the translator's number type."""
        with own_settings(), torch.inference_mode(), products_in(self._dtype, self.device):
            yield

    def encode(self, segments: Sequence[Segment]) -> EncodedSegments:
        """Encodes a batch of segments; to be called in the context `computing`."""
        special = self.tokenizers.source.special
        rows, lengths = pad([segment.ids for segment in segments], special.pad, end=special.eos)
        source_lengths = torch.from_numpy(lengths).to(self.device)
        state = self.model.start(self.model.encode(torch.from_numpy(rows).to(self.device), source_lengths))
        candidates = [segment.candidates for segment in segments if segment.candidates is not None]
        if not candidates:
            return EncodedSegments(state, source_lengths, None)
        restricted = RestrictedVocabularies.from_candidates(candidates, self.tokenizers.target.special)
        tokens, counts = (torch.from_numpy(part).to(self.device) for part in (restricted.tokens, restricted.lengths))
        output = RestrictedOutput.from_candidates(self.model.output_weight, tokens, counts)
        return EncodedSegments(state._replace(output=output), source_lengths, restricted)

    def _check_shortlist(self, options: TranslateOptions, where: str = "shortlist") -> None:
        if options.search.shortlist and self.shortlist is None:
            count = options.search.shortlist
            what = f"is {count}, but the model has no table for it; `nmt shortlist` makes one, and 0 is off"
            raise ModelError(where, what)

    def _search(self, options: TranslateOptions, segments: Sequence[Segment]) -> list[list[Hypothesis]]:
        """Searches a batch of segments, with errors that name the line of scores not finite."""
        try:
            return self._search_batch(segments, options)
        except NonFiniteScoresError as error:
            raise self.not_finite(segments[error.sentence].key[0]) from error

    def _search_batch(self, segments: Sequence[Segment], options: TranslateOptions) -> list[list[Hypothesis]]:
        """Finds the hypotheses of each segment."""
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
        search = options.for_search(special)
        sentences: dict[str, Any] = {
            "max_lengths": limits,
            "source_lengths": source_lengths,
            "forced_prefixes": prefixes,
        }
        if options.sampling is None:
            hypotheses = beam_search(self._step, state, search, **sentences)
        else:
            keys = [segment.key for segment in segments]
            hypotheses = sample(self._step, state, search, options.sampling, keys=keys, **sentences)
        return hypotheses if restricted is None else restricted.whole(hypotheses)

    def _step(self, tokens: Tensor, state: SearchState) -> Step[SearchState]:
        self.tick()
        return Step(*self.model.step(tokens, state, self._word_gates))


def _exhausted(options: TranslateOptions, segment: Segment) -> MemoryExhaustedError:
    """Makes the error for a segment for which alone memory does not suffice."""
    width = f"{options.width} samples" if options.sampling else f"beam {options.width}"
    what = f"out of memory while translating one sentence of {len(segment.ids)} tokens with {width}"
    return MemoryExhaustedError(f"line {segment.key[0]}", what)


def _check(*, lines: Sequence[str], **others: Sequence[Any] | None) -> None:
    for name, values in {"lines": lines, **others}.items():
        if isinstance(values, str):
            raise TypeError(f"{name} is one text: expected a sequence, such as [{values[:20]!r}]")
        if values is not None and len(values) != len(lines):
            raise ValueError(f"{len(values)} {name} for {len(lines)} lines")
