"""Lines in, translations out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import torch
from torch import Tensor

from nmt.checkpoint.loading import load_parts
from nmt.checkpoint.manifest import CONFIG, WEIGHTS
from nmt.checkpoint.run_directory import Warn, use_model
from nmt.config import Config
from nmt.corpus.batch_order import length_sorted_batches
from nmt.corpus.batching import pad
from nmt.device import choose_device, choose_precision, products_in, within_memory
from nmt.errors import MemoryExhaustedError, ModelError, NmtError, NonFiniteError
from nmt.model.restricted_output import RestrictedOutput
from nmt.model.seq2seq import SearchState, Seq2Seq
from nmt.search.beam import beam_search
from nmt.search.hypothesis import Hypothesis, NonFiniteScoresError, SearchOptions, Step
from nmt.search.sampling import sample
from nmt.search.shortlist import Marks, Shortlist, SmallVocabularies
from nmt.tokenization.tokenizer import Tokenizer
from nmt.translation.result import TranslateOptions, Translation
from nmt.translation.segments import Found, Part, Tokenizers

LARGEST_LOGITS = 1 << 26
"""Numbers at most of the logits of a step, (B, K, V), of several sentences; a search takes some 10 bytes for each."""

WORTH_A_TABLE = 16
"""Lines at once from which on a table of words takes less time to make than it saves."""

LARGEST_OUTPUTS = 1 << 26
"""Numbers at most of the output weights gathered for several sentences, (B, C, R)."""


class Beginning(NamedTuple):
    """Some parts of lines, encoded, before the first word of their translations."""

    state: SearchState
    source_lengths: Tensor  # (B,) int64, end marks counted
    small: SmallVocabularies | None  # None: they may use the whole vocabulary


class Translator:
    """A model with its tokenizers, ready to translate. Its weights must not change from then on."""

    def __init__(
        self,
        model: Seq2Seq,
        source_tokenizer: Tokenizer,
        target_tokenizer: Tokenizer,
        config: Config,
        dtype: torch.dtype = torch.float32,
        shortlist: Shortlist | None = None,
        directory: Path | None = None,
        tick: Callable[[], None] = lambda: None,
    ) -> None:
        """`tick` is called before each step of a search, and before each batch of given pairs is read; what it raises
        ends them."""
        self.model = model
        self.source_tokenizer = source_tokenizer
        self.target_tokenizer = target_tokenizer
        self._tokenizers = Tokenizers(source_tokenizer, target_tokenizer)
        self.config = config
        self.device = model.output_weight.device
        self.shortlist = shortlist
        self.directory = directory  # that it was loaded from
        self._dtype = dtype
        self.tick = tick
        self._word_gates: Tensor | None = None

    @classmethod
    def load(
        cls, path: Path | str, *, device: str = "auto", precision: str = "auto", warn: Warn = lambda _: None
    ) -> Self:
        """The translator in a run directory (its best checkpoint), a checkpoint or an exported model.

        Args:
            path: where it lies.
            device: auto, cpu, cuda or cuda:N.
            precision: auto, fp32 or bf16, of matrix products.
            warn: is told when a damaged checkpoint had to be passed over.

        Raises:
            ModelError: there is no model, or it is damaged or does not fit this program.
            DeviceError: there is no such device.
        """
        where = choose_device(device)
        parts = use_model(Path(path), warn, lambda directory: load_parts(directory, where))
        dtype = choose_precision(precision, where, training=False)
        parts.model.hold_matrices_in(dtype)
        directory = parts.description.directory
        return cls(parts.model, parts.source, parts.target, parts.config, dtype, parts.shortlist, directory)

    def options(self, **others: Any) -> TranslateOptions:
        """The options that the model was configured with, with `others` in place of or beside them.

        Raises:
            ModelError: a shortlist is asked for, and the model has no table for it.
        """
        options = TranslateOptions.of(self.config.search, **others)
        if "shortlist" in others or self.directory is None:
            self._check_shortlist(options)
        else:
            self._check_shortlist(options, f"{self.directory / CONFIG}: search.shortlist")
        return options

    def not_finite(self, number: int) -> NmtError:
        """The error for a line, by its number, of which the model's scores are no numbers: its weights are broken."""
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
        """The translations of `lines`, in their order; those of blank lines are empty, without asking the model.

        A line of more tokens than training pairs had is translated in parts, cut at white space, and joined: the best
        translations of all parts come first; of what is joined of others, the better is first.

        Args:
            lines: of text; what stands in one does not change the translation of another.
            options: how to search; the model's own configuration by default.
            prefixes: for each line what its translation must begin with.
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
        return [
            self.translation(found, options)
            for found in self.search(lines, options, prefixes=prefixes, numbers=numbers)
        ]

    def search(
        self,
        lines: Sequence[str],
        options: TranslateOptions,
        *,
        prefixes: Sequence[str] | None = None,
        numbers: Sequence[int] | None = None,
    ) -> list[Found]:
        """The hypotheses that `translate`, which see, makes translations of."""
        if numbers is None:
            numbers = range(1, len(lines) + 1)
        _check(lines=lines, prefixes=prefixes, numbers=numbers)
        self._check_shortlist(options)
        longest = self.config.data.max_length
        parts = list(
            self._tokenizers.parts(lines, prefixes, numbers, options, longest=longest, shortlist=self.shortlist)
        )
        found: list[list[Hypothesis]] = [[]] * len(parts)
        lengths = np.array([len(part.ids) + 1 for part in parts], dtype=np.int64)
        most = max(1, LARGEST_LOGITS // (options.width * max(self.target_tokenizer.size, options.width)))
        with self.computing():
            if self._word_gates is None and len(parts) >= WORTH_A_TABLE:
                self._word_gates = self.model.word_gates()
            for batch in length_sorted_batches(lengths, options.batch_tokens, most):
                chosen = batch.tolist()
                for place, hypotheses in zip(chosen, self._search([parts[n] for n in chosen], options), strict=True):
                    found[place] = hypotheses
        of_line: list[list[int]] = [[] for _ in lines]
        for place, part in enumerate(parts):
            of_line[part.line].append(place)
        return [
            Found(line, [parts[n] for n in places], [found[n] for n in places])
            for line, places in zip(lines, of_line, strict=True)
        ]

    def translation(self, found: Found, options: TranslateOptions) -> Translation:
        """The translations of a line that a search with these options found."""
        return self._tokenizers.translation(found, options)

    @contextmanager
    def computing(self) -> Iterator[None]:
        """A context to run the model in: without gradients, and with products in the type that was chosen for them."""
        with torch.inference_mode(), products_in(self._dtype, self.device):
            yield

    def _check_shortlist(self, options: TranslateOptions, where: str = "shortlist") -> None:
        if options.shortlist and self.shortlist is None:
            what = f"is {options.shortlist}, but the model has no table for it; `nmt shortlist` makes one, and 0 is off"
            raise ModelError(where, what)

    def _search(self, parts: Sequence[Part], options: TranslateOptions) -> list[list[Hypothesis]]:
        """The hypotheses of each part; a batch too large for memory is halved."""
        if len(parts) > 1 and _output_numbers(parts, self.model.output_weight) > LARGEST_OUTPUTS:
            half = len(parts) // 2
            return self._search(parts[:half], options) + self._search(parts[half:], options)

        def search(some: Sequence[Part]) -> list[list[Hypothesis]]:
            try:
                return self._search_at_once(some, options)
            except NonFiniteScoresError as error:
                raise self.not_finite(some[error.sentence].key[0]) from error

        def exhausted(part: Part) -> MemoryExhaustedError:
            width = f"{options.width} samples" if options.sampling else f"beam {options.width}"
            what = f"out of memory while translating one sentence of {len(part.ids)} tokens with {width}"
            return MemoryExhaustedError(f"line {part.key[0]}", what)

        return within_memory(parts, search, exhausted)

    def _search_at_once(self, parts: Sequence[Part], options: TranslateOptions) -> list[list[Hypothesis]]:
        start, source_lengths, small = self.begin(parts)
        tokens = source_lengths - 1  # without the end mark
        limits = (tokens * options.max_length_ratio + 10).long().clamp(max=options.max_length)
        prefixes = [part.prefix for part in parts] if any(part.prefix for part in parts) else None
        if prefixes:
            longest = torch.tensor([len(prefix) + 1 for prefix in prefixes], device=self.device)
            limits = torch.maximum(limits, longest)
        marks = Marks.of(self.target_tokenizer)
        if small is not None:
            marks, prefixes = small.marks, prefixes and small.small(prefixes)
        given: dict[str, Any] = {
            "max_lengths": limits,
            "source_lengths": source_lengths,
            "forced_prefixes": prefixes,
        }
        if options.sampling is None:
            found = beam_search(self._step, start, _search_options(options, marks), **given)
        else:
            given["keys"] = [part.key for part in parts]
            found = sample(self._step, start, _search_options(options, marks), options.sampling, **given)
        return found if small is None else small.whole(found)

    def begin(self, parts: Sequence[Part]) -> Beginning:
        """Encodes parts of lines; inside `computing`."""
        source = self.source_tokenizer
        rows, lengths = pad([part.ids for part in parts], source.pad_id, end=source.eos_id)
        source_lengths = torch.from_numpy(lengths).to(self.device)
        start = self.model.start(self.model.encode(torch.from_numpy(rows).to(self.device), source_lengths))
        candidates = [part.candidates for part in parts if part.candidates is not None]
        if not candidates:
            return Beginning(start, source_lengths, None)
        small = SmallVocabularies.of(candidates, Marks.of(self.target_tokenizer))
        tokens, counts = (torch.from_numpy(part).to(self.device) for part in (small.tokens, small.lengths))
        start = start._replace(outputs=RestrictedOutput.from_candidates(self.model.output_weight, tokens, counts))
        return Beginning(start, source_lengths, small)

    def _step(self, tokens: Tensor, state: SearchState) -> Step[SearchState]:
        self.tick()
        return Step(*self.model.step(tokens, state, self._word_gates))


def _search_options(options: TranslateOptions, marks: Marks) -> SearchOptions:
    return SearchOptions(
        bos=marks.bos,
        eos=marks.eos,
        forbidden=tuple({marks.pad, marks.bos} - {marks.eos}),
        beam_size=options.width,
        n_best=options.n_best,
        length_penalty=options.length_penalty,
        coverage_penalty=options.coverage_penalty,
        no_repeat_ngram=options.no_repeat_ngram,
        keep_attention=options.attention,
    )


def _output_numbers(parts: Sequence[Part], output_weight: Tensor) -> int:
    """Numbers of the output weights that are gathered to translate these parts together; 0 for the whole vocabulary."""
    longest = max(0 if part.candidates is None else len(part.candidates) for part in parts)
    return len(parts) * longest * output_weight.shape[1]


def _check(*, lines: Sequence[str], **others: Sequence[Any] | None) -> None:
    for name, values in {"lines": lines, **others}.items():
        if isinstance(values, str):
            raise TypeError(f"{name} is one text: expected a sequence, such as [{values[:20]!r}]")
        if values is not None and len(values) != len(lines):
            raise ValueError(f"{len(values)} {name} for {len(lines)} lines")
