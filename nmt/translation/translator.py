"""Lines in, translations out."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
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
from nmt.device import choose_device, choose_precision, products_in, use_one_thread_after_fork, within_memory
from nmt.errors import DeviceError, MemoryExhaustedError, ModelError, NmtError, NonFiniteError
from nmt.model.restricted_output import RestrictedOutput
from nmt.model.seq2seq import SearchState, Seq2Seq
from nmt.search.beam import beam_search
from nmt.search.hypothesis import Hypothesis, NonFiniteScoresError, Step
from nmt.search.sampling import SamplingOptions, sample
from nmt.search.shortlist import RestrictedVocabularies, Shortlist
from nmt.tokenization.tokenizers import Tokenizers
from nmt.translation.arguments import (
    check_count,
    check_lines,
    check_numbers,
    check_options,
    check_path,
    check_text,
)
from nmt.translation.batches import search_batches
from nmt.translation.decoding_trace import AttendedLine, trace_decoding
from nmt.translation.options import TranslateOptions
from nmt.translation.result import Translation
from nmt.translation.segments import EncodedSegments, LineSegmenter, Segment, SegmentResult
from nmt.translation.sentences import require_sentencex

WORTH_A_TABLE = 16
"""Minimum number of segments for which a table of the words' gates takes less time to make than it saves."""


class Translator:
    """A model with its tokenizers, ready to translate. Its weights must not change from then on.

    Several threads may use one translator. A translator that was loaded is pickled by the path of its model, so other
    processes load it from there; see `load`.
    """

    def __init__(
        self,
        model: Seq2Seq,
        tokenizers: Tokenizers,
        config: Config,
        dtype: torch.dtype = torch.float32,
        *,
        shortlist: Shortlist | None = None,
        directory: Path | None = None,
        identity: str = "",
        tick: Callable[[], None] = lambda: None,
    ) -> None:
        """Makes a translator of a model in evaluation mode; the search options of its `config` are the defaults.

        Matrix products run in `dtype`, and errors name the `directory` that the model was loaded from, which with its
        `identity` (see `ModelBundle`) is what is pickled. `tick` is called
        before each step of a search, and before each batch of given pairs; what it raises ends them.
        """
        self.model = model
        self.tokenizers = tokenizers
        self.config = config
        self.device = model.output_weight.device
        self.shortlist = shortlist
        self.directory = directory
        self.tick = tick
        self._identity = identity
        self._process = os.getpid()
        self._segmenter = LineSegmenter(tokenizers, config, shortlist)
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
            TypeError: an argument is of another type.
            ConfigError: there is no device or precision of that name.
            ModelError: there is no model, or it is damaged or does not fit this program.
            DeviceError: there is no such device.
        """
        path = check_path(path)
        where = choose_device(check_text(device, "device"))
        bundle = open_model(path, warn, where)
        dtype = choose_precision(precision, where, training=False)
        bundle.model.hold_matrices_in(dtype)
        model = bundle.model, bundle.tokenizers, bundle.config
        return cls(*model, dtype, shortlist=bundle.shortlist, directory=bundle.directory, identity=bundle.identity)

    def __reduce__(self) -> tuple[Any, ...]:
        if self.directory is None:
            raise TypeError("a Translator that was not loaded from a directory cannot be pickled: save its model first")
        precision = "bf16" if self._dtype == torch.bfloat16 else "fp32"
        return _load_again, (type(self), self.directory.absolute(), str(self.device), precision, self._identity)

    def options(
        self,
        *,
        n_best: int = 1,
        sampling: SamplingOptions | None = None,
        attention: bool = False,
        split_sentences: bool = False,
        translate_all: bool = False,
        beam_size: int | None = None,
        length_penalty: float | None = None,
        coverage_penalty: float | None = None,
        max_length: int | None = None,
        max_length_ratio: float | None = None,
        no_repeat_ngram: int | None = None,
        shortlist: int | None = None,
        batch_tokens: int | None = None,
    ) -> TranslateOptions:
        """Returns the options that the model was configured with, with what is given in place of them.

        Args:
            n_best: number of translations of each line; the beam is at least as wide.
            sampling: draws translations at random instead of searching for the best.
            attention: keeps the attention of each translation.
            split_sentences: translates the sentences of a line one by one; needs the extra `sentences`.
            translate_all: translates lines without a letter, too, which otherwise pass unchanged.
            beam_size: hypotheses kept, 1 to 1000; 1 is greedy.
            length_penalty: A in score = log-probability / length ^ A, 0 to 5.
            coverage_penalty: weight of GNMT's coverage penalty, 0 to 1000; needs attention in the model.
            max_length: longest translation in tokens, 1 to 1,000,000.
            max_length_ratio: longest translation is also this times the source's tokens, plus 10.
            no_repeat_ngram: no n-gram of this length occurs twice; 0 is off.
            shortlist: translations of each source token that a sentence may use; 0 is the whole vocabulary.
            batch_tokens: source tokens of the sentences translated at once.

        Raises:
            TypeError: a value is of another type.
            ValueError: a number is out of its range, which is that of the configuration.
            ModelError: a shortlist is asked for, and the model has no table for it.
        """
        keys: dict[str, object] = {
            "beam_size": beam_size,
            "length_penalty": length_penalty,
            "coverage_penalty": coverage_penalty,
            "max_length": max_length,
            "max_length_ratio": max_length_ratio,
            "no_repeat_ngram": no_repeat_ngram,
            "shortlist": shortlist,
            "batch_tokens": batch_tokens,
        }
        options = TranslateOptions.from_config(
            self.config.search,
            n_best=n_best,
            sampling=sampling,
            attention=attention,
            split_sentences=split_sentences,
            translate_all=translate_all,
            **{name: value for name, value in keys.items() if value is not None},
        )
        if shortlist is not None or self.directory is None:
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
        lines: Iterable[str],
        options: TranslateOptions | None = None,
        *,
        prefixes: Iterable[str] | None = None,
        numbers: Iterable[int] | None = None,
    ) -> list[Translation]:
        """Translates `lines`, in their order; blank lines have an empty translation, without asking the model.

        A line without a letter passes unchanged, as its own translation, unless `options.translate_all` is set or it
        has a prefix. A line of more tokens than training pairs had is translated in segments, cut at white space; with
        `options.split_sentences`, each sentence is a segment, or several. The best translations of all segments are
        joined to the first translation of the line, the second-best to another, and so on; all after the first are
        sorted by score.

        Args:
            lines: of text; no line changes the translation of another. A generator is read to its end first.
            options: of the search; the model's own configuration by default.
            prefixes: for each line the beginning of its translation.
            numbers: for each line its number, by which errors name it and which decides, with the seed, what sampling
                draws; counted from 1 by default.

        Raises:
            TypeError: an argument, a line or a prefix is of another type; `lines` or `prefixes` is a single text.
            ValueError: not as many prefixes or numbers as lines.
            ConfigError: sentences are to be split, and sentencex is not installed.
            ModelError: a shortlist is asked for, and the model has no table for it.
            DeviceError: this process was made by fork, and the model is on a CUDA device of its parent.
            MemoryExhaustedError: memory does not suffice for one sentence.
            ModelError, NonFiniteError: the model's scores are not finite; the former of a model that was loaded.
        """
        lines, options = check_lines(lines), check_options(options) or self.options()
        of_lines = self.search_lines(lines, options, prefixes=prefixes, numbers=numbers)
        translation = self._segmenter.translation
        return [translation(line, results, options) for line, results in zip(lines, of_lines, strict=True)]

    def search_lines(
        self,
        lines: Sequence[str],
        options: TranslateOptions,
        *,
        prefixes: Iterable[str] | None = None,
        numbers: Iterable[int] | None = None,
    ) -> list[list[SegmentResult]]:
        """Finds the hypotheses of each line's segments; a blank line has none. The rest is as in `translate`.

        A segment that passes unchanged has no hypotheses.
        """
        lines = check_lines(lines)
        prefixes = None if prefixes is None else check_lines(prefixes, "prefixes")
        numbers = list(range(1, len(lines) + 1)) if numbers is None else check_numbers(numbers)
        check_count(lines, prefixes=prefixes, numbers=numbers)
        if options.split_sentences:
            require_sentencex()
        self._check_shortlist(options)
        segments = list(self._segmenter.segments(lines, prefixes, numbers, options))
        searched = [place for place, segment in enumerate(segments) if not segment.unchanged]
        found = self._search_all([segments[place] for place in searched], options)
        hypotheses = dict(zip(searched, found, strict=True))
        of_lines: list[list[SegmentResult]] = [[] for _ in lines]
        for place, segment in enumerate(segments):
            of_lines[segment.line].append(SegmentResult(segment, hypotheses.get(place, [])))
        return of_lines

    def attend(self, text: str, options: TranslateOptions | None = None) -> AttendedLine:
        """Translates a line, and traces the decoding of its best translation: states, scores, weights, contexts.

        Errors are those of `translate`.
        """
        return self.attend_lines([check_text(text, "text")], options)[0]

    def attend_lines(
        self, lines: Iterable[str], options: TranslateOptions | None = None, *, numbers: Iterable[int] | None = None
    ) -> list[AttendedLine]:
        """Translates lines as `translate` does, and traces the decoding of the best translation of each.

        All hypotheses that the beam is wide enough for are kept. A line or a sentence that passes unchanged has no
        trace. Arguments and errors are those of `translate`.
        """
        lines, options = check_lines(lines), check_options(options) or self.options()
        options = replace(options, n_best=options.width, attention=True)
        of_lines = self.search_lines(lines, options, numbers=numbers)
        attended = []
        with self.computing():
            for line, results in zip(lines, of_lines, strict=True):
                traces = [
                    trace_decoding(self.model, self.tokenizers, result, self.encode([result.segment]))
                    for result in results
                    if not result.segment.unchanged
                ]
                translation = self._segmenter.translation(line, results, options)
                attended.append(AttendedLine(translation, tuple(traces), self.config, options))
        return attended

    @contextmanager
    def computing(self) -> Iterator[None]:
        """Returns a context to run the model in: no gradients, and products in the translator's number type.

        A process that was made by fork computes with one thread.

        Raises:
            DeviceError: such a process cannot use the CUDA device that its parent put the model on.
        """
        if self.device.type == "cuda" and self._process != os.getpid():
            what = "cannot be used in a process made by fork: load the model there, or use the start method spawn"
            raise DeviceError(str(self.device), what)
        use_one_thread_after_fork()
        with torch.inference_mode(), products_in(self._dtype, self.device):
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

    def _search_all(self, segments: Sequence[Segment], options: TranslateOptions) -> list[list[Hypothesis]]:
        """Finds the hypotheses of each segment, batch by batch."""
        hypotheses: list[list[Hypothesis]] = [[]] * len(segments)
        search, exhausted = partial(self._search, options), partial(_exhausted, options)
        with self.computing():
            if self._word_gates is None and len(segments) >= WORTH_A_TABLE:
                self._word_gates = self.model.word_gates()
            for batch in search_batches(segments, self.model, options):
                of_batch = within_memory([segments[n] for n in batch], search, exhausted)
                for place, of_segment in zip(batch, of_batch, strict=True):
                    hypotheses[place] = of_segment
        return hypotheses

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


def _load_again(kind: type[Translator], directory: Path, device: str, precision: str, identity: str) -> Translator:
    """Loads a translator that was pickled.

    Raises ModelError, and DeviceError, where `Translator.load` does, or if the directory holds another model by now.
    """
    translator = kind.load(directory, device=device, precision=precision)
    if translator._identity != identity:
        raise ModelError(str(directory), "holds another model than when the Translator was pickled; load it anew")
    return translator
