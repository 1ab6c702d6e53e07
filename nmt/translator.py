"""Lines in, translations out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import torch
from torch import Tensor

from nmt.config import Config
from nmt.corpus.batching import pad
from nmt.corpus.order import length_sorted_batches
from nmt.device import choose_device, choose_precision, is_out_of_memory, products_in
from nmt.errors import MemoryExhaustedError
from nmt.loading import load_parts
from nmt.model.seq2seq import SearchState, Seq2Seq
from nmt.run_directory import Warn, resolve_model
from nmt.search.beam import beam_search
from nmt.search.hypothesis import Hypothesis, SearchOptions, Step
from nmt.search.sampling import sample
from nmt.text.lines import is_blank, output_line
from nmt.text.tokenizer import Tokenizer
from nmt.translation import Output, PartAttention, TranslateOptions, Translation


class _Part(NamedTuple):
    """A line, or a piece of one that is too long for the model."""

    line: int
    ids: list[int]
    words: list[int]  # for each token its word in the line
    prefix: list[int]


class Translator:
    """A model with its tokenizers, ready to translate."""

    def __init__(
        self,
        model: Seq2Seq,
        source_tokenizer: Tokenizer,
        target_tokenizer: Tokenizer,
        config: Config,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.model = model
        self.source_tokenizer = source_tokenizer
        self.target_tokenizer = target_tokenizer
        self.config = config
        self.device = model.output_weight.device
        self._dtype = dtype

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
        parts = load_parts(resolve_model(Path(path), warn), where)
        dtype = choose_precision(precision, where, training=False)
        return cls(parts.model, parts.source, parts.target, parts.config, dtype)

    def options(self, **others: Any) -> TranslateOptions:
        """The options that the model was configured with, with `others` in place of or beside them."""
        return TranslateOptions.of(self.config.search, **others)

    def translate(
        self,
        lines: Sequence[str],
        options: TranslateOptions | None = None,
        *,
        prefixes: Sequence[str] | None = None,
        keys: Sequence[int] | None = None,
    ) -> list[Translation]:
        """The translations of `lines`, in their order; those of blank lines are empty, without asking the model.

        A line of more tokens than training pairs had is translated in parts, cut at white space, and joined.

        Args:
            lines: of text; what stands in one does not change the translation of another.
            options: how to search; the model's own configuration by default.
            prefixes: for each line what its translation must begin with.
            keys: for each line the number that decides, with the seed, what sampling draws; its place by default.
        """
        options = options or self.options()
        parts = list(self._parts(lines, prefixes, options))
        found: list[list[Hypothesis]] = [[]] * len(parts)
        lengths = np.array([len(part.ids) + 1 for part in parts], dtype=np.int64)
        keys = keys or range(len(lines))
        with torch.inference_mode(), products_in(self._dtype, self.device):
            for batch in length_sorted_batches(lengths, options.batch_tokens):
                numbers = batch.tolist()
                chosen = [parts[number] for number in numbers]
                for number, hypotheses in zip(numbers, self._search(chosen, keys, options), strict=True):
                    found[number] = hypotheses
        of_line: list[list[int]] = [[] for _ in lines]
        for number, part in enumerate(parts):
            of_line[part.line].append(number)
        return [
            self._translation(line, [parts[n] for n in numbers], [found[n] for n in numbers], options)
            for line, numbers in zip(lines, of_line, strict=True)
        ]

    def _parts(
        self, lines: Sequence[str], prefixes: Sequence[str] | None, options: TranslateOptions
    ) -> Iterator[_Part]:
        longest = self.config.data.max_length
        prefix_ids = self.target_tokenizer.encode(prefixes) if prefixes else [[]] * len(lines)
        texts = ["" if is_blank(line) else line for line in lines]
        for number, (text, ids, prefix) in enumerate(
            zip(texts, self.source_tokenizer.encode(texts), prefix_ids, strict=True)
        ):
            if not ids:
                continue
            if len(ids) <= longest:
                words = self.source_tokenizer.encode_with_words(text)[1] if options.attention else []
                yield _Part(number, ids, words, prefix)
                continue
            ids, words = self.source_tokenizer.encode_with_words(text)
            for start, stop in cut_at_words(words, longest):
                yield _Part(number, ids[start:stop], words[start:stop], prefix if start == 0 else [])

    def _search(self, parts: list[_Part], keys: Sequence[int], options: TranslateOptions) -> list[list[Hypothesis]]:
        """The hypotheses of each part; a batch too large for memory is halved."""
        try:
            return self._search_at_once(parts, keys, options)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            if len(parts) == 1:
                length = len(parts[0].ids)
                raise MemoryExhaustedError(
                    "", f"out of memory while translating one sentence of {length} tokens with beam {options.beam_size}"
                ) from error
        half = len(parts) // 2
        return self._search(parts[:half], keys, options) + self._search(parts[half:], keys, options)

    def _search_at_once(
        self, parts: list[_Part], keys: Sequence[int], options: TranslateOptions
    ) -> list[list[Hypothesis]]:
        source = self.source_tokenizer
        rows, lengths = pad([part.ids for part in parts], source.pad_id, end=source.eos_id)
        source_lengths = torch.from_numpy(lengths).to(self.device)
        memory = self.model.encode(torch.from_numpy(rows).to(self.device), source_lengths)
        limits = (source_lengths * options.max_length_ratio + 10).long().clamp(max=options.max_length)
        prefixes = [part.prefix for part in parts] if any(part.prefix for part in parts) else None
        if prefixes:
            longest = torch.tensor([len(prefix) + 1 for prefix in prefixes], device=self.device)
            limits = torch.maximum(limits, longest)
        target = self.target_tokenizer
        search = SearchOptions(
            bos=target.bos_id,
            eos=target.eos_id,
            forbidden=tuple({target.pad_id, target.bos_id} - {target.eos_id}),
            beam_size=max(options.beam_size, options.n_best),
            n_best=options.n_best,
            length_penalty=options.length_penalty,
            coverage_penalty=options.coverage_penalty,
            no_repeat_ngram=options.no_repeat_ngram,
            keep_attention=options.attention,
        )
        start = self.model.start(memory)
        if options.sampling is None:
            return beam_search(
                self._step, start, search, max_lengths=limits, source_lengths=source_lengths, forced_prefixes=prefixes
            )
        return sample(
            self._step,
            start,
            search,
            options.sampling,
            keys=[keys[part.line] for part in parts],
            max_lengths=limits,
            source_lengths=source_lengths,
            forced_prefixes=prefixes,
        )

    def _step(self, tokens: Tensor, state: SearchState) -> Step[SearchState]:
        return Step(*self.model.step(tokens, state))

    def _translation(
        self, line: str, parts: list[_Part], found: list[list[Hypothesis]], options: TranslateOptions
    ) -> Translation:
        if not parts:
            return Translation(line, ())
        outputs = tuple(self._join(parts, hypotheses, options) for hypotheses in zip(*found, strict=False))
        if not options.attention:
            return Translation(line, outputs)
        ids = [token for part in parts for token in part.ids]
        return Translation(line, outputs, tuple(map(self.source_tokenizer.piece, ids)))

    def _join(self, parts: list[_Part], hypotheses: Sequence[Hypothesis], options: TranslateOptions) -> Output:
        """One output of the hypotheses of a line's parts."""
        target = self.target_tokenizer
        texts: list[str] = []
        attention: list[PartAttention] = []
        count = 0
        for part, hypothesis in zip(parts, hypotheses, strict=True):
            text, of_tokens = target.decode_with_words(list(hypothesis.tokens))
            texts.append(text)
            words = range(count, count + len(text.split()))
            if hypothesis.attention is not None:
                weights = hypothesis.attention.numpy()[: len(hypothesis.tokens), : len(part.ids) + 1]
                of_text = tuple(words[word] if word >= 0 else -1 for word in of_tokens)
                attention.append(PartAttention(weights, tuple(part.words), of_text, words))
            count = words.stop
        log_probability = sum(hypothesis.log_probability for hypothesis in hypotheses)
        score = hypotheses[0].score
        if len(hypotheses) > 1:
            length = sum(len(hypothesis.tokens) + hypothesis.finished for hypothesis in hypotheses)
            score = log_probability / max(1, length) ** options.length_penalty
        tokens = tuple(target.piece(token) for hypothesis in hypotheses for token in hypothesis.tokens)
        text = output_line(" ".join(filter(None, texts)))
        return Output(text, score, log_probability, tokens, tuple(attention) or None)


def cut_at_words(words: Sequence[int], longest: int) -> list[tuple[int, int]]:
    """Cuts tokens into the fewest parts of at most `longest` that end where a word ends, as (start, stop).

    A single word of more than `longest` tokens is cut inside.
    """
    cuts = []
    start = 0
    while start < len(words):
        stop = min(start + longest, len(words))
        if stop < len(words):
            ends = [end for end in range(start + 1, stop + 1) if words[end] != words[end - 1]]
            stop = ends[-1] if ends else stop
        cuts.append((start, stop))
        start = stop
    return cuts
